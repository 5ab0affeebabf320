# SPDX-License-Identifier: MIT
"""Makes the random-weight model "files" (make_model.py) anew as people have models: single files in every naming,
with every prefix, in every container, all in one, in pieces.

    python3 make_variants.py --list
    python3 make_variants.py VARIANT MODEL FOLDER

The second makes FOLDER/VARIANT from the model in the folder MODEL and prints a JSON object with what to open: "model"
and "components". Nothing is computed: the numbers of a variant are those of the model, in the same number format, so
that its edits are the same. "format-…" are others (make_formats.py).
"""

import json
import os
import pathlib
import shutil
import struct
import sys

import make_formats

# --- Tensors: name → (format, shape, bytes) ------------------------------------------------------

SIZES = {"F32": 4, "F16": 2, "BF16": 2}


def read_safetensors(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), file.read()
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], tuple(entry["shape"]), data[slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def read_part(model, part):
    tensors = {}
    for path in sorted(pathlib.Path(model, part).glob("*.safetensors")):
        tensors.update(read_safetensors(path))
    return tensors


def write_safetensors(path, tensors, metadata=None):
    header, offset = {"__metadata__": {"format": "pt", **(metadata or {})}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


GGUF_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11,
              "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23, "BF16": 30}


def gguf_string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    """A bool, int (uint32), float, text, or a list of texts, floats or ints."""
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_string(value)
    if isinstance(value, bytes):
        return struct.pack("<IIQ", 9, 0, len(value)) + value
    kind, pack = ((8, gguf_string) if isinstance(value[0], (str, bytes)) else
                  (6, lambda item: struct.pack("<f", item)) if isinstance(value[0], float) else
                  (5, lambda item: struct.pack("<i", item)))
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(pack(item) for item in value)


def write_gguf(path, tensors, metadata):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += gguf_string(key) + gguf_value(value)
    offset = 0
    for name, (dtype, shape, data) in tensors.items():
        head += gguf_string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", GGUF_TYPES[dtype], offset)
        offset += len(data) + -len(data) % 32
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32))
        for _, _, data in tensors.values():
            file.write(data + b"\0" * (-len(data) % 32))


def stack(*tensors):
    """Rows below rows."""
    dtype, shape = tensors[0][0], tensors[0][1]
    assert all(tensor[0] == dtype and tensor[1][1:] == shape[1:] for tensor in tensors)
    return dtype, (sum(tensor[1][0] for tensor in tensors), *shape[1:]), b"".join(tensor[2] for tensor in tensors)


# --- Names: written down here a second time, as the published files have them --------------------

def bfl_transformer(t):
    out = {}

    def copy(new, old, kinds=("weight", "bias")):
        for kind in kinds:
            out[f"{new}.{kind}"] = t.pop(f"{old}.{kind}")

    def fuse(new, olds):
        for kind in ("weight", "bias"):
            out[f"{new}.{kind}"] = stack(*(t.pop(f"{old}.{kind}") for old in olds))

    def count(head):
        return 1 + max((int(name.split(".")[1]) for name in t if name.startswith(head + ".")), default=-1)

    doubles, singles = count("transformer_blocks"), count("single_transformer_blocks")
    copy("img_in", "x_embedder")
    copy("txt_in", "context_embedder")
    for new, old in (("time_in", "timestep"), ("vector_in", "text"), ("guidance_in", "guidance")):
        if f"time_text_embed.{old}_embedder.linear_1.weight" in t:
            copy(f"{new}.in_layer", f"time_text_embed.{old}_embedder.linear_1")
            copy(f"{new}.out_layer", f"time_text_embed.{old}_embedder.linear_2")
    for i in range(doubles):
        new, old = f"double_blocks.{i}.", f"transformer_blocks.{i}."
        for side, norm, qkv, added, proj, mlp in (
                ("img", "norm1", ("to_q", "to_k", "to_v"), "", "to_out.0", "ff"),
                ("txt", "norm1_context", ("add_q_proj", "add_k_proj", "add_v_proj"), "added_", "to_add_out",
                 "ff_context")):
            copy(f"{new}{side}_mod.lin", f"{old}{norm}.linear")
            fuse(f"{new}{side}_attn.qkv", [f"{old}attn.{name}" for name in qkv])
            for which in ("query", "key"):
                out[f"{new}{side}_attn.norm.{which}_norm.scale"] = t.pop(f"{old}attn.norm_{added}{which[0]}.weight")
            copy(f"{new}{side}_attn.proj", f"{old}attn.{proj}")
            copy(f"{new}{side}_mlp.0", f"{old}{mlp}.net.0.proj")
            copy(f"{new}{side}_mlp.2", f"{old}{mlp}.net.2")
    for i in range(singles):
        new, old = f"single_blocks.{i}.", f"single_transformer_blocks.{i}."
        fuse(new + "linear1", [old + name for name in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")])
        copy(new + "linear2", old + "proj_out")
        copy(new + "modulation.lin", old + "norm.linear")
        for which in ("query", "key"):
            out[f"{new}norm.{which}_norm.scale"] = t.pop(f"{old}attn.norm_{which[0]}.weight")
    copy("final_layer.linear", "proj_out")
    for kind in ("weight", "bias"):
        dtype, shape, data = t.pop(f"norm_out.linear.{kind}")
        half = len(data) // 2
        out[f"final_layer.adaLN_modulation.1.{kind}"] = dtype, shape, data[half:] + data[:half]
    assert not t, sorted(t)
    return out


def original_vae(t):
    levels = 1 + max(int(name.split(".")[2]) for name in t if name.startswith("decoder.up_blocks."))
    out = {}
    for name, tensor in t.items():
        parts = name.split(".")
        side = parts[0]
        if parts[1] == "mid_block" and parts[2] == "resnets":
            new = [side, "mid", f"block_{int(parts[3]) + 1}", *parts[4:]]
        elif parts[1] == "mid_block":
            new = [side, "mid", "attn_1", {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v",
                                           "to_out": "proj_out"}[parts[4]], parts[-1]]
            if parts[-1] == "weight" and len(tensor[1]) == 2:
                tensor = tensor[0], (*tensor[1], 1, 1), tensor[2]
        elif parts[1] == "down_blocks":
            new = [side, "down", parts[2], *(["block", *parts[4:]] if parts[3] == "resnets" else
                                             ["downsample", *parts[5:]])]
        elif parts[1] == "up_blocks":
            new = [side, "up", str(levels - 1 - int(parts[2])),
                   *(["block", *parts[4:]] if parts[3] == "resnets" else ["upsample", *parts[5:]])]
        else:
            new = [{"conv_norm_out": "norm_out"}.get(part, part) for part in parts]
        out[".".join(new).replace("conv_shortcut", "nin_shortcut")] = tensor
    return out


def openai_clip(t):
    out = {"token_embedding.weight": t["text_model.embeddings.token_embedding.weight"],
           "positional_embedding": t["text_model.embeddings.position_embedding.weight"]}
    layers = 1 + max(int(name.split(".")[3]) for name in t if name.startswith("text_model.encoder."))
    for i in range(layers):
        old, new = f"text_model.encoder.layers.{i}.", f"transformer.resblocks.{i}."
        for kind in ("weight", "bias"):
            out[f"{new}attn.in_proj_{kind}"] = stack(*(t[f"{old}self_attn.{x}_proj.{kind}"] for x in "qkv"))
            for ours, theirs in (("attn.out_proj", "self_attn.out_proj"), ("mlp.c_fc", "mlp.fc1"),
                                 ("mlp.c_proj", "mlp.fc2"), ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2")):
                out[f"{new}{ours}.{kind}"] = t[f"{old}{theirs}.{kind}"]
    for kind in ("weight", "bias"):
        out[f"ln_final.{kind}"] = t[f"text_model.final_layer_norm.{kind}"]
    return out


def llama_t5(t):
    names = {"SelfAttention.q": "attn_q", "SelfAttention.k": "attn_k", "SelfAttention.v": "attn_v",
             "SelfAttention.o": "attn_o", "SelfAttention.relative_attention_bias": "attn_rel_b",
             "DenseReluDense.wi_0": "ffn_gate", "DenseReluDense.wi_1": "ffn_up", "DenseReluDense.wo": "ffn_down"}
    out = {"token_embd.weight": t["shared.weight"],
           "enc.output_norm.weight": t["encoder.final_layer_norm.weight"]}
    for name, tensor in t.items():
        if name.startswith("encoder.block."):
            _, _, block, _, layer, *rest = name.split(".")
            inner = ".".join(rest[:-1])
            new = names.get(inner, {"0": "attn_norm", "1": "ffn_norm"}[layer])
            out[f"enc.blk.{block}.{new}.weight"] = tensor
    return out


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


# --- A T5 tokenizer as GGUF metadata -------------------------------------------------------------

def read_fields(data):
    """The fields of a protocol buffer: (number, value) with bytes, or the raw 4 or 8 bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[at:at + length]
        at += length


def gguf_tokenizer(folder):
    """Of a spiece.model: the metadata that llama.cpp's converter writes."""
    tokens, scores, kinds, charsmap = [], [], [], b""
    for number, value in read_fields(pathlib.Path(folder, "spiece.model").read_bytes()):
        if number == 1:
            piece = dict(read_fields(value))
            tokens.append(piece[1])
            scores.append(struct.unpack("<f", piece.get(2, bytes(4)))[0])
            kinds.append(piece.get(3, 1))
        elif number == 3:
            charsmap = dict(read_fields(value)).get(2, b"")
    for i in reversed(range(100)):
        tokens.append(f"<extra_id_{i}>")
        scores.append(-1000.0)
        kinds.append(4)
    metadata = {"general.architecture": "t5encoder", "tokenizer.ggml.model": "t5", "tokenizer.ggml.tokens": tokens,
                "tokenizer.ggml.scores": scores, "tokenizer.ggml.token_type": kinds,
                "tokenizer.ggml.eos_token_id": 1, "tokenizer.ggml.padding_token_id": 0,
                "tokenizer.ggml.unknown_token_id": kinds.index(2),
                "tokenizer.ggml.add_space_prefix": True, "tokenizer.ggml.remove_extra_whitespaces": True}
    if charsmap:
        metadata["tokenizer.ggml.precompiled_charsmap"] = charsmap
    return metadata


# --- The variants --------------------------------------------------------------------------------

class Maker:
    def __init__(self, model, folder):
        self.model, self.folder = pathlib.Path(model), pathlib.Path(folder)
        self.transformer = read_part(model, "transformer")
        self.clip = read_part(model, "text_encoder")
        self.t5 = read_part(model, "text_encoder_2")
        self.vae = read_part(model, "vae")

    def tokenizers(self, *folders, both=True):
        for name in ("tokenizer", "tokenizer_2") if both else ("tokenizer",):
            shutil.copytree(self.model / name, self.folder.joinpath(*folders, name))

    def st(self, path, tensors):
        write_safetensors(self.folder / path, tensors)
        return str(self.folder / path)


def flat(m):
    """Four files with plain names and the tokenizers in one folder."""
    m.st("clip_l.safetensors", m.clip)
    m.st("t5xxl.safetensors", m.t5)
    m.st("ae.safetensors", original_vae(m.vae))
    m.tokenizers()
    return m.st("flux1-kontext.safetensors", bfl_transformer(m.transformer)), {}


def flat_folder(m):
    """The same, named by the folder."""
    flat(m)
    return str(m.folder), {}


def misleading(m):
    """Names that say something else."""
    m.st("vae.safetensors", m.clip)
    m.st("clip.safetensors", m.t5)
    m.st("unet.sft", original_vae(m.vae))
    m.tokenizers()
    return m.st("t5.safetensors", prefixed("transformer.", bfl_transformer(m.transformer))), {}


def comfy(m):
    """ComfyUI's folders, with files of other models among them."""
    m.st("models/text_encoders/sub/clip_l.safetensors", prefixed("text_model.", {
        name.removeprefix("text_model."): tensor for name, tensor in m.clip.items()}))
    wider = {name: (dtype, shape, data) for name, (dtype, shape, data) in m.clip.items()}
    wider["text_model.embeddings.token_embedding.weight"] = ("BF16", (4, 192), bytes(4 * 192 * 2))
    m.st("models/text_encoders/clip_g.safetensors", wider)
    m.st("models/clip/t5.safetensors", m.t5)
    m.st("models/vae/ae.safetensors", prefixed("first_stage_model.", original_vae(m.vae)))
    m.st("models/loras/lora.safetensors", {"x.lora_A.weight": ("F32", (1, 1), bytes(4))})
    m.tokenizers("models")
    return m.st("models/diffusion_models/flux/kontext.safetensors",
                prefixed("model.diffusion_model.", bfl_transformer(m.transformer))), {}


def all_in_one(m):
    """A checkpoint, with tensors that belong to nothing, and a second CLIP encoder."""
    tensors = prefixed("model.diffusion_model.", bfl_transformer(m.transformer))
    tensors.update(prefixed("text_encoders.clip_l.transformer.", m.clip))
    tensors.update(prefixed("text_encoders.clip_g.transformer.", m.clip))
    tensors["text_encoders.clip_l.logit_scale"] = ("F32", (), bytes(4))
    tensors["text_encoders.clip_l.transformer.text_model.embeddings.position_ids"] = ("I64", (1, 77), bytes(616))
    tensors["text_encoders.clip_l.transformer.text_projection.weight"] = ("F32", (2, 2), bytes(16))
    tensors.update(prefixed("text_encoders.t5xxl.transformer.", m.t5))
    tensors["text_encoders.t5xxl.transformer.encoder.embed_tokens.weight"] = m.t5["shared.weight"]
    tensors.update(prefixed("vae.", original_vae(m.vae)))
    tensors["model_ema.decay"] = ("F32", (), bytes(4))
    tensors["some.other.thing"] = ("F64", (3,), bytes(24))
    m.tokenizers()
    return m.st("checkpoint.safetensors", tensors), {}


def parts(m):
    """Each part in a place of its own, all named."""
    place = {"clip": m.st("a/1.safetensors", prefixed("conditioner.embedders.0.", openai_clip(m.clip))),
             "t5": m.st("b/2.safetensors", prefixed("t5xxl.", m.t5)),
             "vae": m.st("c/3.safetensors", m.vae),
             "transformer": m.st("d/4.safetensors", prefixed("diffusion_model.", bfl_transformer(m.transformer)))}
    m.tokenizers("e")
    place.update({name: str(m.folder / "e" / name) for name in ("tokenizer", "tokenizer_2")})
    return None, place


def diffusers_file(m):
    """One file with diffusers' names behind a prefix; fused as fuse_qkv_projections() leaves them."""
    t = m.transformer
    for head, names, new in (("transformer_blocks", ("to_q", "to_k", "to_v"), "to_qkv"),
                             ("transformer_blocks", ("add_q_proj", "add_k_proj", "add_v_proj"), "to_added_qkv"),
                             ("single_transformer_blocks", ("to_q", "to_k", "to_v"), "to_qkv")):
        for i in range(10):
            for kind in ("weight", "bias"):
                old = [f"{head}.{i}.attn.{name}.{kind}" for name in names]
                if old[0] in t:
                    t[f"{head}.{i}.attn.{new}.{kind}"] = stack(*(t.pop(name) for name in old))
    m.st("text_encoder/model.safetensors", {name.removeprefix("text_model."): x for name, x in m.clip.items()})
    m.st("text_encoder_2/t5.safetensors", prefixed("text_encoder_2.", m.t5))
    old_names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    vae = {}
    for name, tensor in m.vae.items():
        for new, old in old_names.items():
            name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        vae[name] = tensor
    m.st("vae/vae.safetensors", prefixed("vae.", vae))
    m.tokenizers()
    return m.st("kontext.safetensors", prefixed("transformer.", t)), {}


def sharded(m):
    """In pieces, with BFL's names, in a folder without a config.json."""
    tensors = bfl_transformer(m.transformer)
    names, places = list(tensors), {}
    for shard in range(3):
        name = f"kontext-{shard + 1:05}-of-00003.safetensors"
        part = {key: tensors[key] for key in names[shard::3]}
        m.st(f"pieces/{name}", part)
        places.update(dict.fromkeys(part, name))
    (m.folder / "pieces" / "kontext.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    m.st("clip/clip_l.safetensors", m.clip)
    m.st("clip/t5.safetensors", m.t5)
    m.st("vae/ae.safetensors", original_vae(m.vae))
    m.tokenizers()
    return str(m.folder / "pieces" / "kontext.safetensors.index.json"), {}


def gguf(m):
    """GGUF transformer and T5; its tokenizer is inside."""
    write_gguf(m.folder / "kontext.gguf", bfl_transformer(m.transformer),
               {"general.architecture": "flux", "general.quantization_version": 2, "general.file_type": 1})
    write_gguf(m.folder / "t5.gguf", llama_t5(m.t5), gguf_tokenizer(m.model / "tokenizer_2"))
    m.st("clip_l.safetensors", m.clip)
    m.st("ae.safetensors", original_vae(m.vae))
    m.tokenizers(both=False)
    return str(m.folder / "kontext.gguf"), {}


def gguf_all(m):
    """As stable-diffusion.cpp writes one: everything in one GGUF file, no architecture key."""
    tensors = prefixed("model.diffusion_model.", bfl_transformer(m.transformer))
    tensors.update(prefixed("text_encoders.clip_l.transformer.", m.clip))
    tensors.update(prefixed("text_encoders.t5xxl.transformer.", m.t5))
    tensors.update(prefixed("first_stage_model.", original_vae(m.vae)))
    write_gguf(m.folder / "all.gguf", tensors, {"general.name": "all"})
    m.tokenizers()
    return str(m.folder / "all.gguf"), {}


def manifest(m):
    """A folder whose espalier.json names files elsewhere."""
    m.st("elsewhere/kontext.safetensors", bfl_transformer(m.transformer))
    m.st("home/clip.safetensors", m.clip)
    m.tokenizers("home")
    places = {"transformer": str(m.folder / "elsewhere" / "kontext.safetensors"), "clip": "clip.safetensors",
              "t5": os.path.abspath(m.model / "text_encoder_2"), "vae": os.path.abspath(m.model / "vae"),
              "tokenizer": "tokenizer", "tokenizer_2": "./tokenizer_2"}
    (m.folder / "home" / "espalier.json").write_text(json.dumps({"id": "put-together", "components": places}))
    return str(m.folder / "home"), {}


def in_folder(m):
    """The diffusers folder itself, with one part from a file."""
    return str(m.model), {"vae": m.st("ae.safetensors", original_vae(m.vae))}


def inner_file(m):
    """The transformer's file within a diffusers folder."""
    shutil.copytree(m.model, m.folder / "copy")
    return str(next((m.folder / "copy" / "transformer").glob("*.safetensors"))), {}


def in_format(name):
    def make_it(m):
        """Transformer and T5 in another number format, the others as they are."""
        m.st("clip_l.safetensors", m.clip)
        m.st("ae.safetensors", original_vae(m.vae))
        if name in make_formats.BLOCKS or name == "mixed":
            m.tokenizers(both=False)
            write_gguf(m.folder / "kontext.gguf", make_formats.convert(bfl_transformer(m.transformer), name),
                       {"general.architecture": "flux"})
            write_gguf(m.folder / "t5.gguf", make_formats.convert(llama_t5(m.t5), name),
                       gguf_tokenizer(m.model / "tokenizer_2"))
            return str(m.folder / "kontext.gguf"), {}
        m.tokenizers()
        for path, tensors in (("kontext.safetensors", bfl_transformer(m.transformer)), ("t5.safetensors", m.t5)):
            made = make_formats.convert(tensors, name if name in make_formats.FLOAT8 else "scaled")
            metadata = make_formats.scales(made, name) if name.startswith("fp8-") else {}
            write_safetensors(m.folder / path, made, metadata)
        return str(m.folder / "kontext.safetensors"), {}
    return make_it


VARIANTS = {"flat": flat, "flat-folder": flat_folder, "misleading": misleading, "comfy": comfy,
            "all-in-one": all_in_one, "parts": parts, "diffusers-file": diffusers_file, "sharded": sharded,
            "gguf": gguf, "gguf-all": gguf_all, "manifest": manifest, "in-folder": in_folder,
            "inner-file": inner_file,
            **{f"format-{name}": in_format(name) for name in make_formats.FORMATS}}


def make(name, model, folder):
    """Returns (model or None, components)."""
    target = pathlib.Path(folder, name).absolute()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return VARIANTS[name](Maker(model, target))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(VARIANTS))
    elif len(sys.argv) == 4 and sys.argv[1] in VARIANTS:
        found, components = make(*sys.argv[1:])
        print(json.dumps({"model": found, "components": components}))
    else:
        sys.exit(__doc__)
