# SPDX-License-Identifier: CC0-1.0
"""Average the transformers of two exported models of the same run.

    python merge.py --late model_leg4 --early model_leg3 --late-weight 0.3 --out model
"""
import argparse
import shutil

from safetensors.torch import load_file, save_file

F = "transformer/diffusion_pytorch_model.safetensors"

if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--late", required=True)
    ap.add_argument("--early", required=True)
    ap.add_argument("--late-weight", type=float, default=.3)
    ap.add_argument("--out", default="model")
    a = ap.parse_args()
    late, early = load_file(f"{a.late}/{F}"), load_file(f"{a.early}/{F}")
    shutil.copytree(a.late, a.out)
    save_file({k: (late[k].float() * a.late_weight + early[k].float() * (1 - a.late_weight)).bfloat16().contiguous()
               for k in late}, f"{a.out}/{F}", metadata={"format": "pt"})
