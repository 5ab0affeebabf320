# SPDX-License-Identifier: CC0-1.0
"""Evaluate an exported model on the held-out photographs, through the stock
diffusers FluxKontextPipeline in float32.

    python evaluate.py --model model --out eval.json --sheet contact-sheet.png
"""
import argparse
import json
import math
import time

import cv2
import numpy as np
import torch
from diffusers import FluxKontextPipeline

import data

PHOTOS = ["astronaut.png", "chelsea.png", "coffee.png", "camera.png"]


def load(model):
    p = FluxKontextPipeline.from_pretrained(model, torch_dtype=torch.float32)
    p.set_progress_bar_config(disable=True)
    return p


def edit(pipe, img, prompt, steps=8, guidance=2.5, seed=0, max_len=64):
    """img: float32 HxWx3, 0..1 -> the same."""
    h, w = img.shape[:2]
    x = torch.from_numpy(np.ascontiguousarray(img)).permute(2, 0, 1)[None]
    with torch.no_grad():
        y = pipe(image=x, prompt=prompt, height=h, width=w, max_area=h * w, _auto_resize=False, num_inference_steps=steps,
                 guidance_scale=guidance, max_sequence_length=max_len, output_type="pt",
                 generator=torch.Generator().manual_seed(seed)).images
    return y[0].permute(1, 2, 0).float().numpy()


def psnr(a, b):
    return -10 * math.log10(float(((np.clip(a, 0, 1) - b) ** 2).mean()) + 1e-10)


def label(img, text):
    im = (np.clip(img, 0, 1) * 255 + .5).astype(np.uint8).copy()
    bar = np.full((18, im.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, text, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, .4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([bar, im])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="model")
    ap.add_argument("--out", default="eval.json")
    ap.add_argument("--sheet", default="contact-sheet.png")
    ap.add_argument("--size", type=int, default=256)
    ap.add_argument("--steps", type=int, nargs="*", default=[8, 16])
    ap.add_argument("--photos", type=int, default=len(PHOTOS))
    ap.add_argument("--edits", nargs="*", default=list(data.EDITS))
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--cell", type=int, default=128)
    ap.add_argument("--quick", action="store_true")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    pipe = load(a.model)
    photos = {n: data.held_out_image(n, a.size) for n in PHOTOS[:a.photos]}
    res = {"size": a.size, "steps": {}, "photos": list(photos)}
    # the autoencoder alone
    with torch.no_grad():
        rec = {}
        for n in (data.HELD_OUT if not a.quick else photos):
            x = data.held_out_image(n, a.size)
            t = torch.from_numpy(x).permute(2, 0, 1)[None] * 2 - 1
            y = pipe.vae.decode(pipe.vae.encode(t).latent_dist.mode()).sample[0].permute(1, 2, 0).numpy() / 2 + .5
            rec[n] = round(psnr(y, x), 2)
    res["vae_psnr"] = rec
    print("vae", rec, flush=True)
    rows = {n: [label(cv2.resize(p, (a.cell, a.cell), interpolation=cv2.INTER_AREA), "source")] for n, p in photos.items()}
    for st in a.steps:
        table = {}
        for e in a.edits:
            o, s = [], []
            for n, p in photos.items():
                y = edit(pipe, p, data.NOMINAL[e], st)
                want = data.apply(p, [e], 1.0, np.random.default_rng(0))
                o.append(psnr(y, want)), s.append(psnr(p, want))
                if st == a.steps[0]:
                    rows[n].append(label(cv2.resize(y, (a.cell, a.cell), interpolation=cv2.INTER_AREA), e))
            # a grey photo is already black and white: nothing to measure there
            use = [k for k in range(len(o)) if e == "keep" or s[k] < 60]
            mo, ms = np.mean([o[k] for k in use]), np.mean([s[k] for k in use])
            table[e] = {"prompt": data.NOMINAL[e], "edited_psnr": round(float(mo), 2),
                        "unedited_psnr": round(float(ms), 2), "photos_counted": len(use),
                        "per_photo": [round(v, 2) for v in o], "unedited_per_photo": [round(v, 2) for v in s],
                        "stochastic": e in data.STOCHASTIC}
            print(st, e.ljust(10), "edited %.2f  unedited %.2f" % (mo, ms), flush=True)
        res["steps"][st] = table
        json.dump(res, open(a.out, "w"), indent=1)
    lines = []
    per = 15
    for n in rows:
        r = rows[n] + [np.full_like(rows[n][0], 255)] * (-len(rows[n]) % per)
        lines += [np.concatenate(r[i:i + per], 1) for i in range(0, len(r), per)]
    order = [i + j * (len(lines) // len(rows)) for i in range(len(lines) // len(rows)) for j in range(len(rows))]
    cv2.imwrite(a.sheet, np.concatenate([lines[i] for i in order])[..., ::-1])
    if a.quick:
        return
    p = photos["chelsea.png"] if "chelsea.png" in photos else next(iter(photos.values()))
    # guidance is the edit strength
    res["guidance_mean_change"] = {}
    cell = lambda im, t: label(cv2.resize(im, (160, 160), interpolation=cv2.INTER_AREA), t)
    sheet = []
    for e in ("brighter", "warmer", "vignette", "blur", "night", "fog"):
        row, ims = [], [cell(p, "source")]
        for g in (0, 1.25, 2.5, 3.75, 5):
            y = edit(pipe, p, data.NOMINAL[e], 8, g)
            row.append(round(float(np.abs(y - p).mean()), 4))
            ims.append(cell(y, f"{e} g={g}"))
        sheet.append(np.concatenate(ims, 1))
        res["guidance_mean_change"][e] = dict(zip(("0", "1.25", "2.5", "3.75", "5"), row))
    # unseen wordings / combinations
    res["combination"] = {}
    for c in (("bw", "vignette"), ("sepia", "frame"), ("night", "snow")):
        t = data.NOMINAL[c[0]] + data.WITH[c[1]]
        y = edit(pipe, p, t, 8)
        want = data.apply(p, list(c), 1.0, np.random.default_rng(0))
        res["combination"][t] = {"edited_psnr": round(psnr(y, want), 2), "unedited_psnr": round(psnr(p, want), 2)}
    # four edits in a row, each on the result of the last
    res["chain"] = {}
    chain = ["warmer", "contrast", "vignette", "grain"], ["autumn", "brighter", "fog", "blur"]
    for (n, q), names in zip(list(photos.items())[:2], chain):
        y = want = q
        ims, ps = [cell(q, "source")], []
        for k, e in enumerate(names):
            y = np.clip(edit(pipe, y, data.NOMINAL[e], 8, seed=k), 0, 1)
            want = data.apply(want, [e], 1.0, np.random.default_rng(k))
            ps.append(round(psnr(y, want), 2))
            ims.append(cell(y, f"{k + 1}: {e}"))
        res["chain"][n] = {"edits": names, "psnr_after_each": ps}
        sheet.append(np.concatenate(ims + [cell(want, "procedural")], 1))
    ims = [cell(p, "source")] + [cell(edit(pipe, p, data.NOMINAL[e], 8, seed=sd), f"{e} seed {sd}")
                                 for e, sd in (("snow", 1), ("snow", 2), ("snow", 3), ("rain", 1), ("rain", 2))]
    sheet.append(np.concatenate(ims, 1))
    cv2.imwrite(a.sheet.replace("contact", "behaviour"), np.concatenate(sheet)[..., ::-1])
    # drift: doing nothing, four times
    y, drift = p, []
    for k in range(4):
        y = np.clip(edit(pipe, y, data.NOMINAL["keep"], 8, seed=k), 0, 1)
        drift.append(round(psnr(y, p), 2))
    res["keep_four_times_psnr"] = drift
    # other sizes
    res["other_sizes"] = {}
    for size in ((384, 384), (256, 384), (512, 512)):
        q = cv2.resize(data.held_out_image("astronaut.png", 512), size[::-1], interpolation=cv2.INTER_AREA)
        o = {}
        for e in ("keep", "bw", "warmer", "vignette"):
            want = data.apply(q, [e], 1.0, np.random.default_rng(0))
            o[e] = {"edited_psnr": round(psnr(edit(pipe, q, data.NOMINAL[e], 8), want), 2), "unedited_psnr": round(psnr(q, want), 2)}
        res["other_sizes"]["x".join(map(str, size))] = o
    t = time.time()
    edit(pipe, p, "Make it look like golden hour", 8)
    res["seconds_256_8_steps"] = round(time.time() - t, 2)
    json.dump(res, open(a.out, "w"), indent=1)
    print(json.dumps({k: v for k, v in res.items() if k != "steps"}, indent=1))


if __name__ == "__main__":
    main()
