# SPDX-License-Identifier: GPL-3.0-or-later
"""Small LoRA files for the demo model."""
import json
import struct


def lora(path, refused=False):
    """A LoRA of one layer of the demo model, or of one that it does not have."""
    layer = 'transformer_blocks.99.attn.to_q' if refused else 'transformer_blocks.0.attn.to_q'
    width, rank = 192, 4
    header, data = {}, b''
    for name, shape in ((f'transformer.{layer}.lora_A.weight', [rank, width]),
                        (f'transformer.{layer}.lora_B.weight', [width, rank])):
        bytes_ = struct.pack('<f', 0.01) * (shape[0] * shape[1])
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)
    return path
