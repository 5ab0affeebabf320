#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""LoRAs in one worker: names that mean the same give the same bytes, taking them away leaves nothing,
and what is wrong with a file is said. Prints TAP.

    test-loras.py --engine PROGRAM --models FOLDER
"""

import argparse
import json
import math
import pathlib
import shutil
import struct
import subprocess
import tempfile

import make_model

LORAS = pathlib.Path(__file__).resolve().parents[2] / "data" / "loras"


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def report(self, ok, text, seen=None):
        self.count += 1
        self.failures += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {text}" + ("" if ok or seen is None else f" # {seen}"),
              flush=True)


def read(path):
    """{name: (dtype, shape, bytes)} of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[8 + length:][slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def write(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # where numbers lie may change the last bit of a sum
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return str(path)


def floats(count, value=0.01):
    return struct.pack(f"<{count}f", *[value * (i % 7 - 3) for i in range(count)])


def matrix(rows, cols, value=0.01):
    return "F32", [rows, cols], floats(rows * cols, value)


class Worker:
    def __init__(self, program, model, scratch):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.model, self.number = str(model), 0
        self.picture = scratch / "photo.ppm"
        self.picture.write_bytes(b"P6\n32 16\n255\n" + bytes(i * 37 % 256 for i in range(32 * 16 * 3)))

    def ask(self, **fields):
        self.number += 1
        request = {"id": self.number, "type": "edit", "model": self.model, "images": [str(self.picture)],
                   "prompt": "make it snow", "seed": 5, "steps": 1, "size": "match", "dtype": "f32", **fields}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] in ("result", "error"):
                return event
        return {"type": "error", "code": "died", "message": "the worker ended"}

    def picture_of(self, loras, **fields):
        """The latents' bytes, or the error's message."""
        event = self.ask(loras=[{"path": str(path), "strength": strength} for path, strength in loras], **fields)
        return pathlib.Path(event["latents"]).read_bytes() if event["type"] == "result" else event["message"]

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def module_of(name):
    """'lora_unet_double_blocks_0_img_attn_qkv' with the dots that Black Forest Labs put."""
    dotted = name.removeprefix("lora_unet_")
    for old, new in (("double_blocks_", "double_blocks."), ("single_blocks_", "single_blocks."), ("_img_", ".img_"),
                     ("_txt_", ".txt_"), ("_attn_", "_attn."), ("_mlp_", "_mlp."), ("_mod_lin", "_mod.lin"),
                     ("_linear", ".linear"), ("_modulation_lin", ".modulation.lin"),
                     ("final_layer.linear", "final_layer.linear"), ("layer_adaLN", "layer.adaLN"),
                     ("modulation_1", "modulation.1"), ("_in_in_layer", "_in.in_layer"),
                     ("_in_out_layer", "_in.out_layer")):
        dotted = dotted.replace(old, new)
    return dotted


def check_names(tap, worker, scratch):
    kohya = {name: tensor for name, tensor in read(LORAS / "kohya.safetensors").items() if name.startswith("lora_unet_")}
    wanted = worker.picture_of([(write(scratch / "kohya.safetensors", kohya), 0.7)])
    tap.report(isinstance(wanted, bytes) and wanted != worker.picture_of([]), "a LoRA changes the picture", wanted)

    def renamed(prefix, down, up, alpha=".alpha"):
        tensors = {}
        for name, tensor in kohya.items():
            module, _, end = name.partition(".")
            tensors[prefix + module_of(module) + {"lora_down.weight": down, "lora_up.weight": up, "alpha": alpha}[end]] \
                = tensor
        return write(scratch / "renamed.safetensors", tensors)

    for prefix in ("", "diffusion_model.", "model.diffusion_model.", "base_model.model.", "transformer.",
                   "base_model.model.transformer.", "lora_unet_", "lycoris_"):
        for down, up in ((".lora_A.weight", ".lora_B.weight"), (".lora_A.default.weight", ".lora_B.default.weight"),
                         (".lora_down.weight", ".lora_up.weight"), (".lora.down.weight", ".lora.up.weight")):
            found = worker.picture_of([(renamed(prefix, down, up), 0.7)])
            tap.report(found == wanted, f"'{prefix}….{down}' is the same", found if isinstance(found, str) else None)


def check_traces(tap, worker):
    plain = worker.picture_of([])
    lora = LORAS / "kohya.safetensors"
    with_one = worker.picture_of([(lora, 1)])
    tap.report(plain != with_one, "a LoRA with text encoder parts changes the picture")
    tap.report(worker.picture_of([]) == plain, "taken away it leaves nothing")
    tap.report(worker.picture_of([(lora, 0)]) == plain, "strength 0 is exactly off")
    tap.report(worker.picture_of([(lora, 1)]) == with_one, "and back it is as it was")
    tap.report(worker.picture_of([(lora, -1)]) not in (with_one, plain), "a negative strength is another picture")
    both = worker.picture_of([(lora, 0.5), (LORAS / "t5.safetensors", 1)])
    tap.report(both not in (with_one, plain) and isinstance(both, bytes), "two at once")
    tap.report(worker.picture_of([(lora, 0.5), (LORAS / "t5.safetensors", 0)]) == worker.picture_of([(lora, 0.5)]),
               "the second one off")
    event = worker.ask(loras=[{"path": str(lora)}])
    used = event.get("loras", [{}])[0]
    tap.report(used.get("strength") == 1 and used.get("modules") == used.get("used") == 49
               and len(used.get("sha256", "")) == 64, "the result says what was used", used)


def check_changes(tap, worker, scratch):
    path = scratch / "changing.safetensors"
    shutil.copy(LORAS / "xlabs.safetensors", path)
    first = worker.picture_of([(path, 1)])
    digest = worker.ask(loras=[{"path": str(path)}])["loras"][0]["sha256"]
    shutil.copy(LORAS / "onetrainer.safetensors", path)
    second = worker.picture_of([(path, 1)])
    tap.report(isinstance(second, bytes) and first != second, "a file that changed is noticed")
    tap.report(second == worker.picture_of([(LORAS / "onetrainer.safetensors", 1)]), "and read anew")
    event = worker.ask(loras=[{"path": str(path), "sha256": digest}])
    tap.report(event["type"] == "error" and "is not the LoRA that is wanted" in event["message"],
               "another file than the one that is wanted is refused", event)
    path.unlink()
    found = worker.picture_of([(path, 1)])
    tap.report(isinstance(found, str) and "no such LoRA file" in found, "a file that is gone is named", found)
    tap.report(worker.picture_of([]) == worker.picture_of([]), "and the worker goes on")


# A module of the model and one that it has not.
GOOD = {"transformer.x_embedder.lora_A.weight": matrix(2, 64), "transformer.x_embedder.lora_B.weight": matrix(64, 2)}
OTHER = {"transformer.transformer_blocks.9.attn.to_q.lora_A.weight": matrix(2, 64),
         "transformer.transformer_blocks.9.attn.to_q.lora_B.weight": matrix(64, 2)}
NAN = struct.pack("<f", math.nan)

FAULTS = [
    ("a half LoRA", {**GOOD, "transformer.proj_out.lora_A.weight": matrix(2, 64)},
     "'transformer.proj_out': it has its down (lora_A) but not its up"),
    ("the other half", {"transformer.proj_out.lora_B.weight": matrix(64, 2)}, "but not its down"),
    ("an alpha alone", {**GOOD, "transformer.proj_out.alpha": ("F32", [], floats(1, 1))}, "neither of its two matrices"),
    ("ranks that differ", {"x_embedder.lora_A.weight": matrix(2, 64), "x_embedder.lora_B.weight": matrix(64, 3)},
     "the ranks differ: down is [2, 64], up is [64, 3]"),
    ("no matrices", {"x_embedder.lora_A.weight": ("F32", [128], floats(128)),
                     "x_embedder.lora_B.weight": matrix(64, 2)}, "are not both matrices"),
    ("rank 0", {"x_embedder.lora_A.weight": ("F32", [0, 64], b""), "x_embedder.lora_B.weight": ("F32", [64, 0], b"")},
     "are not both matrices"),
    ("a module twice", {**GOOD, "transformer.x_embedder.lora_down.weight": matrix(2, 64),
                        "transformer.x_embedder.lora_up.weight": matrix(64, 2)}, "is there twice"),
    ("a layer under two names", {**GOOD, "diffusion_model.img_in.lora_A.weight": matrix(2, 64),
                                 "diffusion_model.img_in.lora_B.weight": matrix(64, 2)},
     "are the same layer under two names"),
    ("NaN", {**GOOD, "proj_out.lora_A.weight": ("F32", [1, 64], floats(63) + NAN),
             "proj_out.lora_B.weight": matrix(64, 1)}, "has NaN or infinity at index 63"),
    ("an alpha that is NaN", {**GOOD, "transformer.x_embedder.alpha": ("F32", [], NAN)}, "alpha is NaN"),
    ("an alpha of two numbers", {**GOOD, "transformer.x_embedder.alpha": ("F32", [2], floats(2))}, "not one number"),
    ("nothing that fits", OTHER, "none of its 1 LoRA modules fits this model; first: "
                                 "'transformer.transformer_blocks.9.attn.to_q' (this model has no such layer)"),
    ("one of two", {**GOOD, **OTHER}, "1 of its 2 LoRA modules do not fit this model; first: "),
    ("another width", {**GOOD, "transformer.proj_out.lora_A.weight": matrix(2, 3072),
                       "transformer.proj_out.lora_B.weight": matrix(64, 2)},
     "it is for a layer 3072 → 64, the model's is 64 → 64"),
    ("a LoKr", {"lora_unet_img_in.lokr_w1": matrix(8, 8), "lora_unet_img_in.lokr_w2": matrix(8, 8)}, "is a LoKr"),
    ("a LoHa", {"lora_unet_img_in.hada_w1_a": matrix(8, 8)}, "is a LoHa"),
    ("a DoRA", {**GOOD, "transformer.x_embedder.dora_scale": matrix(64, 1)}, "is a DoRA"),
    ("a DoRA of PEFT", {**GOOD, "transformer.x_embedder.lora_magnitude_vector": ("F32", [64], floats(64))}, "is a DoRA"),
    ("a trained bias", {**GOOD, "transformer.x_embedder.lora_B.bias": ("F32", [64], floats(64))}, "trained a bias"),
    ("differences", {**GOOD, "diffusion_model.final_layer.linear.diff_b": ("F32", [64], floats(64))}, "(.diff_b)"),
    ("whole differences", {**GOOD, "diffusion_model.final_layer.linear.diff": matrix(64, 64)}, "(.diff)"),
    ("a control LoRA's norms", {**GOOD, "single_blocks.0.norm.query_norm.scale": ("F32", [32], floats(32))},
     "replaces a norm's scale"),
    ("a stranger", {**GOOD, "something.weight": matrix(2, 2)}, "'something.weight' (it is no LoRA matrix)"),
    ("a model", {"transformer_blocks.0.attn.to_q.weight": matrix(64, 64)}, "is no LoRA: none of its 1 tensors"),
    ("Stable Diffusion's", {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": matrix(2, 64),
                            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": matrix(64, 2)},
     "seems to be for Stable Diffusion"),
    ("SDXL's second encoder", {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": matrix(2, 40),
                               "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": matrix(96, 2)},
     "this model has no such layer"),
    ("an alpha of integers", {**GOOD, "transformer.x_embedder.alpha": ("I64", [], struct.pack("<q", 4))}, "alpha"),
    ("a name of many letters", {**GOOD, "x" * 3000 + ".lora_A.weight": matrix(2, 64),
                                "x" * 3000 + ".lora_B.weight": matrix(64, 2)}, "this model has no such layer"),
]


def check_faults(tap, worker, scratch):
    path = scratch / "bad.safetensors"
    for what, tensors, wanted in FAULTS:
        found = worker.picture_of([(write(path, tensors), 1)])
        tap.report(isinstance(found, str) and wanted in found and str(path) in found, what, found)
    path.write_bytes(b"not a file of tensors" * 9)
    found = worker.picture_of([(path, 1)])
    tap.report(isinstance(found, str) and str(path) in found, "no tensors at all", found)

    good = worker.picture_of([(write(scratch / "good.safetensors", GOOD), 1)])
    partial = worker.picture_of([(write(path, {**GOOD, **OTHER}), 1)], lora_partial=True)
    tap.report(partial == good, "what fits can be used")
    event = worker.ask(loras=[{"path": str(path)}], lora_partial=True)
    tap.report((event["loras"][0]["used"], event["loras"][0]["modules"]) == (1, 2), "and is counted", event)
    found = worker.picture_of([(write(path, OTHER), 1)], lora_partial=True)
    tap.report(isinstance(found, str) and "none of its 1" in found, "nothing is too little", found)
    for fields in ({"loras": [{"path": ""}]}, {"loras": [{}]}, {"loras": ["x"]}, {"loras": 7},
                   {"loras": [{"path": "x", "strength": "1"}]}, {"loras": [{"path": "x", "strength": 101}]},
                   {"loras": [{"path": "x", "sha256": "12"}]}, {"loras": [{"path": "x", "weight": 1}]},
                   {"loras": [{"path": "x"}] * 17}, {"loras": [{"path": "x\0y"}]}, {"lora_partial": 1}):
        event = worker.ask(**fields)
        tap.report(event.get("code") == "argument" and "lora" in event["message"], f"{str(fields)[:60]}", event)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--models", required=True)
    options = parser.parse_args()
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        worker = Worker(options.engine, make_model.make("heads-32", options.models), scratch)
        check_names(tap, worker, scratch)
        check_traces(tap, worker)
        check_changes(tap, worker, scratch)
        check_faults(tap, worker, scratch)
        tap.report(worker.close() == 0, "the worker ends well")
    print(f"1..{tap.count}")
    return tap.failures > 0


if __name__ == "__main__":
    raise SystemExit(main())
