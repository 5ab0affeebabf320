# SPDX-License-Identifier: CC0-1.0
"""Put the parts together as a diffusers FluxKontextPipeline folder.

    python export.py --vae vae.pt --flow flow.pt --text text --out model
"""
import argparse
import json
import os
import shutil

import torch
from safetensors.torch import load_file, save_file
from diffusers import FlowMatchEulerDiscreteScheduler, FluxKontextPipeline
from transformers import CLIPTextModel, T5EncoderModel

from text import load_tokenizers
from transformer import BASE_SHIFT, MAX_SHIFT, make_model
from vae import LinearEncoder, install_encoder, make_vae


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--vae", default="vae.pt")
    ap.add_argument("--flow", default="flow.pt")
    ap.add_argument("--text", default="text")
    ap.add_argument("--out", default="model")
    ap.add_argument("--raw", action="store_true", help="the last weights instead of their moving average")
    a = ap.parse_args()
    torch.set_num_threads(1)
    fc = torch.load(a.flow, weights_only=False)
    vc = torch.load(a.vae, weights_only=True)
    m = make_model()
    m.load_state_dict(fc["model"] if a.raw or "ema" not in fc else fc["ema"])
    vae, lin = make_vae(), LinearEncoder()
    lin.load_state_dict(vc["lin"])
    vae.decoder.load_state_dict(vc["dec"])
    install_encoder(vae, lin)
    vae.register_to_config(scaling_factor=fc["stats"]["scale"], shift_factor=fc["stats"]["shift"])
    tc, tt = load_tokenizers(a.text)
    clip = CLIPTextModel.from_pretrained(f"{a.text}/text_encoder")
    t5 = T5EncoderModel.from_pretrained(f"{a.text}/text_encoder_2")
    sched = FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=True, base_shift=BASE_SHIFT, max_shift=MAX_SHIFT,
        base_image_seq_len=256, max_image_seq_len=4096)
    pipe = FluxKontextPipeline(scheduler=sched, vae=vae.half(), text_encoder=clip.bfloat16(), tokenizer=tc,
                               text_encoder_2=t5.bfloat16(), tokenizer_2=tt, transformer=m.bfloat16())
    if os.path.isdir(a.out):
        shutil.rmtree(a.out)
    pipe.save_pretrained(a.out)
    for t in ("tokenizer", "tokenizer_2"):               # the plain files, as FLUX ships them
        shutil.rmtree(f"{a.out}/{t}")
        shutil.copytree(f"{a.text}/{t}", f"{a.out}/{t}")
    f = f"{a.out}/text_encoder/model.safetensors"         # the key names of the published FLUX folders
    save_file({("" if k.startswith("text_model.") else "text_model.") + k: v for k, v in load_file(f).items()}, f,
              metadata={"format": "pt"})
    idx = json.load(open(f"{a.out}/model_index.json"))
    idx["tokenizer"] = ["transformers", "CLIPTokenizer"]
    idx["tokenizer_2"] = ["transformers", "T5TokenizerFast"]
    idx.pop("_name_or_path", None)
    json.dump(idx, open(f"{a.out}/model_index.json", "w"), indent=2)
    for root, _, files in os.walk(a.out):                # no local paths in the configs
        for f in files:
            if f.endswith(".json"):
                p = os.path.join(root, f)
                d = json.load(open(p))
                if isinstance(d, dict) and d.pop("_name_or_path", None) is not None:
                    json.dump(d, open(p, "w"), indent=2)
            os.chmod(os.path.join(root, f), 0o644)
    size = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(a.out) for f in fs)
    print("exported", a.out, "%.2f MB" % (size / 1e6), "step", fc.get("step"))


if __name__ == "__main__":
    main()
