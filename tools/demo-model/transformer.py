# SPDX-License-Identifier: CC0-1.0
"""The demo transformer: a small FluxTransformer2DModel trained with rectified
flow on (photo, instruction, edited photo) triples made on the fly.

Hand-made start: block 0 copies, for every target token, the reference token at
the same place (attention heads whose query and key are constants, so that only
RoPE speaks), and the output layer computes (x_t - reference) / sigma, so the
untrained model already returns the reference picture.  Training learns the edits.

    python transformer.py init  --vae vae.pt.enc --text text --out flow0.pt
    python transformer.py train --vae vae.pt.enc --text text --resume flow0.pt --out flow.pt --minutes 60 --procs 2
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from diffusers import FluxTransformer2DModel
from transformers import CLIPTextModel, T5EncoderModel

import data
from text import WIDTH as TEXT_WIDTH, load_tokenizers
from vae import LATENTS, LinearEncoder, Muon

HEAD = 32
HEADS = 6
D = HEAD * HEADS
AXES = (4, 14, 14)
DOUBLE, SINGLE = 2, 5
CONST = 5.0                     # constant residual channels: keep LayerNorm almost linear
BASE_SHIFT, MAX_SHIFT = 0.5, 1.15


def fast_attention(query, key, value, *args, **kwargs):
    """Two matmuls: 4x faster than the fused CPU kernel at these lengths (training only)."""
    s = torch.matmul(query * query.shape[-1] ** -.5, key.transpose(-1, -2))
    return torch.matmul(s.softmax(-1), value)


def make_model():
    return FluxTransformer2DModel(
        patch_size=1, in_channels=4 * LATENTS, num_layers=DOUBLE, num_single_layers=SINGLE,
        attention_head_dim=HEAD, num_attention_heads=HEADS, joint_attention_dim=TEXT_WIDTH,
        pooled_projection_dim=TEXT_WIDTH, guidance_embeds=True, axes_dims_rope=AXES)


def mu_for(tokens):
    m = (MAX_SHIFT - BASE_SHIFT) / (4096 - 256)
    return tokens * m + BASE_SHIFT - m * 256


def pack(z):
    b, c, h, w = z.shape
    return z.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, c * 4)


def unpack(t, h, w):
    b = t.shape[0]
    return t.view(b, h // 2, w // 2, LATENTS, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(b, LATENTS, h, w)


def ids(h, w, first):
    o = torch.zeros(h // 2, w // 2, 3)
    o[..., 0] = first
    o[..., 1] += torch.arange(h // 2)[:, None]
    o[..., 2] += torch.arange(w // 2)[None]
    return o.reshape(-1, 3)


# --------------------------------------------------------------------------
@torch.no_grad()
def hand_init(m):
    """See the module docstring; all of it is ordinary FLUX weights."""
    g = torch.Generator().manual_seed(0)
    rnd = lambda *s: torch.randn(*s, generator=g)
    n_in = 4 * LATENTS
    # residual layout: [0,64) x_t | [64,128) copy of the reference | [128,192) constants
    m.x_embedder.weight.zero_(), m.x_embedder.bias.zero_()
    m.x_embedder.weight[:n_in] = torch.eye(n_in)
    m.x_embedder.bias[2 * n_in:2 * n_in + 32] = CONST
    m.x_embedder.bias[2 * n_in + 32:] = -CONST
    rms = math.sqrt((2 * n_in * 1.0 + 64 * CONST ** 2) / D)

    # conditioning: time dominates at the start, text and guidance join
    te = m.time_text_embed
    for e, s in ((te.timestep_embedder, 1.), (te.guidance_embedder, .3), (te.text_embedder, .5)):
        e.linear_1.weight.copy_(rnd(*e.linear_1.weight.shape) / math.sqrt(e.linear_1.weight.shape[1]) * (1.4 if s != .5 else 1.))
        e.linear_1.bias.zero_()
        e.linear_2.weight.copy_(rnd(D, D) / math.sqrt(D) * 1.4 * s)
        e.linear_2.bias.zero_()

    def set_norm(lin, parts, gate, d=D):
        """parts: indices (shift, scale, gate) groups in units of d."""
        lin.weight.copy_(rnd(*lin.weight.shape) * .01)
        lin.bias.zero_()
        for k in parts["scale"]:
            lin.bias[k * d:k * d + 2 * n_in] = rms - 1
            lin.bias[k * d + 2 * n_in:(k + 1) * d] = -.8
        for k in parts["gate"]:
            lin.bias[k * d:(k + 1) * d] = gate
    for i, b in enumerate(m.transformer_blocks):
        set_norm(b.norm1.linear, dict(scale=[1, 4], gate=[2, 5]), .3)
        b.norm1_context.linear.weight.copy_(rnd(*b.norm1_context.linear.weight.shape) * .01)
        b.norm1_context.linear.bias.zero_()
        for k in (2, 5):
            b.norm1_context.linear.bias[k * D:(k + 1) * D] = .3
        for lin in (b.attn.to_q, b.attn.to_k, b.attn.to_v, b.attn.add_q_proj, b.attn.add_k_proj, b.attn.add_v_proj,
                    b.attn.to_out[0], b.attn.to_add_out, b.ff.net[0].proj, b.ff_context.net[0].proj):
            lin.weight.copy_(rnd(*lin.weight.shape) / math.sqrt(D) * .7)
            lin.bias.zero_()
        b.attn.to_out[0].weight.mul_(.3)
        b.ff.net[2].weight.copy_(rnd(D, 4 * D) / math.sqrt(4 * D) * .15)
        b.ff_context.net[2].weight.copy_(rnd(D, 4 * D) / math.sqrt(4 * D) * .3)
    for b in m.single_transformer_blocks:
        set_norm(b.norm.linear, dict(scale=[1], gate=[2]), .3)
        for lin in (b.attn.to_q, b.attn.to_k, b.attn.to_v, b.proj_mlp):
            lin.weight.copy_(rnd(*lin.weight.shape) / math.sqrt(D) * .7)
            lin.bias.zero_()
        b.proj_out.weight.copy_(rnd(*b.proj_out.weight.shape) / math.sqrt(5 * D) * .2)
        b.proj_out.bias.zero_()

    # ---- block 0: positional heads.  Offsets (reference at target + (dh, dw)).
    a = m.transformer_blocks[0].attn
    fractions = {0: (.12,), 1: (.28, .10, .06), 2: (.28, .10, .06)}
    start = {0: 0, 1: AXES[0], 2: AXES[0] + AXES[1]}
    gamma = 2.83
    dims = []
    for ax, fr in fractions.items():
        for j in range(len(fr)):
            dims += [start[ax] + 2 * j, start[ax] + 2 * j + 1]
    for nm in (a.norm_q, a.norm_k):
        nm.weight.fill_(1.)
        nm.weight[dims] = gamma
    offsets = [(0, 0), (0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    for h, (dh, dw) in enumerate(offsets):
        sl = slice(h * HEAD, (h + 1) * HEAD)
        for lin in (a.to_q, a.to_k):
            lin.weight[sl] *= .02
            lin.bias[sl] = 0
        for ax, fr in fractions.items():
            n = AXES[ax]
            for j, f in enumerate(fr):
                w = 10000 ** (-2 * j / n)
                # peak where (query position - key position) = delta
                if ax == 0:
                    theta = .5 + math.pi / 2
                else:
                    theta = (dh if ax == 1 else dw) * w
                amp = math.sqrt(f) * 10
                p = h * HEAD + start[ax] + 2 * j
                a.to_q.bias[p], a.to_q.bias[p + 1] = amp * math.cos(theta), amp * math.sin(theta)
                a.to_k.bias[p] = amp
    # heads 0 and 1 carry the 64 latent numbers over
    a.to_v.weight[:64] = 0
    a.to_v.weight[torch.arange(64), torch.arange(64)] = 1
    o = a.to_out[0]
    o.weight[64:128] = 0
    o.weight[64 + torch.arange(64), torch.arange(64)] = 1
    o.weight[:64, :64] = 0
    nb = m.transformer_blocks[0].norm1.linear.bias
    nb[2 * D + 64:2 * D + 128] = 1                      # attention gate of the copy
    m.transformer_blocks[0].norm1.linear.weight[2 * D + 64:2 * D + 128] *= .1

    # ---- output: (x_t - reference) / sigma
    m.proj_out.bias.zero_()
    m.proj_out.weight.copy_(rnd(n_in, D) * .01)
    i = torch.arange(n_in)
    m.proj_out.weight[i, i] = rms
    m.proj_out.weight[i, 64 + i] = -rms
    sig = torch.linspace(.03, 1, 400)
    feats = []
    for k in range(6):
        pooled = rnd(400, TEXT_WIDTH)
        gd = torch.rand(400, generator=g) * 6000
        feats.append(F.silu(te(sig * 1000, gd, pooled)))
    X = torch.cat(feats)
    X1 = torch.cat([X, torch.ones(len(X), 1)], 1).double()
    y = (1 / sig).clamp(max=1.8).repeat(6).double() - 1
    wgt = torch.ones_like(y)
    A = X1.T @ (X1 * wgt[:, None]) + 2. * torch.eye(D + 1).double()
    sol = torch.linalg.solve(A, X1.T @ (wgt * y)).float()
    print("1/sigma fit rms", float(((X1.float() @ sol) - y.float()).pow(2).mean().sqrt()))
    lin = m.norm_out.linear
    lin.weight.zero_(), lin.bias.zero_()
    lin.weight[:2 * n_in] = sol[:-1]
    lin.bias[:2 * n_in] = sol[-1]
    lin.weight[D:] = rnd(D, D) * .003


# --------------------------------------------------------------------------
class Texts:
    """Instructions with cached embeddings (the text encoders are frozen)."""

    def __init__(self, root, count, seed=7):
        rng = np.random.default_rng(seed)
        tc, tt = load_tokenizers(root)
        clip = CLIPTextModel.from_pretrained(f"{root}/text_encoder").eval()
        t5 = T5EncoderModel.from_pretrained(f"{root}/text_encoder_2").eval()
        self.by = {}
        per = max(1, count // (len(data.EDITS) + len(data.COMBOS)))
        self.pooled, seqs = [], {32: [], 64: []}
        combos = [(n,) for n in data.EDITS] + [tuple(c) for c in data.COMBOS]
        texts = []
        for c in combos:
            k = per * (2 if len(c) == 1 else 1)
            self.by[c] = np.arange(len(texts), len(texts) + k)
            texts += [data.instruction(rng, list(c)) for _ in range(k)]
        with torch.no_grad():
            for i in range(0, len(texts), 128):
                t = texts[i:i + 128]
                ci = tc(t, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
                ci = ci[:, :40]
                self.pooled.append(clip(ci).pooler_output)
                for n in seqs:
                    ti = tt(t, padding="max_length", max_length=n, truncation=True, return_tensors="pt").input_ids
                    seqs[n].append(t5(ti)[0].bfloat16())
        self.pooled = torch.cat(self.pooled)
        self.seqs = {n: torch.cat(v) for n, v in seqs.items()}

    def draw(self, rng, names):
        k = self.by[tuple(names)]
        return int(k[rng.integers(len(k))])


EASY = {"keep": .6, "faded": .8}
HARD = {"bw": 3.0, "brighter": 2.6, "grain": 1.8, "contrast": 1.6, "invert": 1.8, "poster": 1.2, "sharpen": 1.2, "sketch": 1.4, "vignette": 1.5,
        "frame": 2.6, "sunset": 1.4, "snow": 1.4, "rain": 1.4, "blur": 1.3, "mosaic": 1.1, "fog": 1.1}


def make_batch(rng, pool, texts, lin, stats, n, h, w, L, p_combo=.12):
    names = list(data.EDITS)
    p = np.array([EASY.get(k, HARD.get(k, 1.)) for k in names])
    p /= p.sum()
    src, dst, ti, gs = np.empty((n, h, w, 3), np.float32), np.empty((n, h, w, 3), np.float32), [], []
    for i in range(n):
        if rng.random() < p_combo:
            e = list(data.COMBOS[rng.integers(len(data.COMBOS))])
        else:
            e = [names[rng.choice(len(names), p=p)]]
        g = 2.5 if rng.random() < .5 else rng.uniform(0, 6) if rng.random() < .6 else rng.uniform(1.5, 4)
        src[i] = data.random_crop(rng, pool, h, w)
        dst[i] = data.apply(src[i], e, g / 2.5, rng)
        ti.append(texts.draw(rng, e))
        gs.append(g)
    with torch.no_grad():
        both = torch.from_numpy(np.concatenate([src, dst])).permute(0, 3, 1, 2).contiguous() * 2 - 1
        z = pack((lin(both) - stats["shift"]) * stats["scale"])
    return z[:n], z[n:], texts.seqs[L][ti].float(), texts.pooled[ti], torch.tensor(gs)


def latent_stats(lin, pool, rng):
    from vae import batch
    with torch.no_grad():
        z = lin(batch(rng, pool, 128, 128, 128, .4))
    shift, scale = float(z.mean()), 1 / float(z.std())
    per = ((z - shift) * scale).pow(2).mean((0, 2, 3)).sqrt()
    return {"shift": shift, "scale": scale, "rms": per}


def param_groups(m):
    mat, rest = [], []
    for n, p in m.named_parameters():
        if p.ndim == 2 and ("transformer_blocks" in n):
            mat.append(p)
        else:
            rest.append(p)
    return mat, rest


def train(a, rank=0, world=1):
    import torch.distributed as dist
    torch.set_num_threads(a.threads)
    F.scaled_dot_product_attention = fast_attention
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{os.path.abspath(a.out)}.rdzv", rank=rank, world_size=world)
    torch.manual_seed(100 + rank + int(time.time()) % 1000)
    rng = np.random.default_rng([int(time.time()), rank])
    pool = np.load(a.pool, mmap_mode="r")
    lin = LinearEncoder()
    lin.load_state_dict(torch.load(a.vae, weights_only=True)["lin"])
    lin.requires_grad_(False)
    ck = torch.load(a.resume, weights_only=False)
    stats = ck["stats"]
    m = make_model()
    m.load_state_dict(ck["model"])
    texts = Texts(a.text, a.prompts)
    wch = stats["rms"] / stats["rms"].mean()
    wtok = wch.repeat_interleave(4)                     # packed order: channel-major, 2x2 minor
    mat, rest = param_groups(m)
    opts = [Muon(mat, lr=a.lr, momentum=.95, rank=rank, world=world), torch.optim.AdamW(rest, lr=a.adam_lr, betas=(.9, .98), weight_decay=0)]
    if "opt" in ck and not a.fresh_opt:
        for o, s in zip(opts, ck["opt"]):
            o.load_state_dict(s)
    base = [a.lr, a.adam_lr]
    ema = {k: v.detach().clone() for k, v in ck.get("ema", m.state_dict()).items()}
    step = ck.get("step", 0)
    first = step
    if rank == 0:
        print("parameters", sum(p.numel() for p in m.parameters()), "latents", {k: v for k, v in stats.items() if k != "rms"}, flush=True)
    total, t0, last = a.minutes * 60, time.time(), time.time()
    run, seen = {}, 0
    params = list(m.parameters())
    while True:
        f = (time.time() - t0) / total
        if world > 1:
            ft = torch.tensor([f]); dist.broadcast(ft, 0); f = float(ft)
        if f >= 1:
            break
        prog = a.start_at + (1 - a.start_at) * f         # position in the curriculum
        r = np.random.default_rng([step, 77]).random()   # same choice on every rank
        if prog < .3:
            h = w = 64 if r < .75 else 96
        elif prog < .6:
            h, w = (64, 64) if r < .35 else (96, 96) if r < .65 else (128, 128) if r < .9 else (128, 96)
        else:
            h, w = [(64, 64), (96, 96), (128, 128), (128, 192), (192, 128), (192, 192), (256, 192), (192, 256), (256, 256)][
                int(np.searchsorted(np.cumsum([.06, .10, .30, .08, .08, .10, .05, .05, .18]), r))]
        L = 32 if np.random.default_rng([step, 78]).random() < .8 else 64
        n = max(2, int(round(a.tokens / (2 * h * w / 256 + L))))
        ref, x0, seq, pooled, g = make_batch(rng, pool, texts, lin, stats, n, h, w, L, a.combos)
        noise = torch.randn_like(x0)
        T = x0.shape[1]
        u = torch.rand(n) if rng.random() < .75 else torch.sigmoid(torch.randn(n))
        e = math.exp(mu_for(T))
        s = e * u / (e * u + 1 - u)
        s = torch.where(torch.rand(n) < .12, torch.ones(n), s).clamp(1e-3, 1)
        xt = (1 - s)[:, None, None] * x0 + s[:, None, None] * noise
        img_ids = torch.cat([ids(h // 8, w // 8, 0), ids(h // 8, w // 8, 1)])
        with torch.autocast("cpu", torch.bfloat16, enabled=a.bf16):
            v = m(hidden_states=torch.cat([xt, ref], 1), encoder_hidden_states=seq, pooled_projections=pooled, timestep=s,
                  guidance=g, img_ids=img_ids, txt_ids=torch.zeros(L, 3), return_dict=False)[0][:, :T]
        err = (v.float() - (noise - x0)).pow(2) * wtok
        l = err.mean((1, 2))
        loss = l.mean()
        for o in opts:
            o.zero_grad(set_to_none=True)
        loss.backward()
        if world > 1:
            gs = [p.grad if p.grad is not None else torch.zeros_like(p) for p in params]
            flat = torch.cat([t.reshape(-1) for t in gs])
            dist.all_reduce(flat)
            flat /= world
            i = 0
            for p in params:
                p.grad = flat[i:i + p.numel()].view_as(p)
                i += p.numel()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        k = min(1, (step - first + 1) / a.warmup) * (max(1 - f, 0) ** a.decay * (1 - a.floor) + a.floor)
        for o, b in zip(opts, base):
            for gr in o.param_groups:
                gr["lr"] = b * k
            o.step()
        d = min(a.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for kk, vv in m.state_dict().items():
                ema[kk].lerp_(vv, 1 - d)
        step += 1
        seen += n * world
        run["all"] = .98 * run.get("all", loss.item()) + .02 * loss.item()
        x0err = (err.detach().mean((1, 2)) * s * s).mean().item()
        run["x0"] = .98 * run.get("x0", x0err) + .02 * x0err
        if rank == 0 and (step % 50 == 0 or step - first in (1, 5, 20)):
            print(f"{time.time() - t0:6.0f}s step {step} samples {seen} {h}x{w} loss {loss.item():.4f} avg {run['all']:.4f} x0 {run['x0']:.4f}", flush=True)
        if rank == 0 and time.time() - last > a.save_every:
            last = time.time()
            torch.save({"model": m.state_dict(), "ema": ema, "opt": [o.state_dict() for o in opts], "step": step,
                        "stats": stats}, a.out + ".tmp")
            os.replace(a.out + ".tmp", a.out)
    if rank == 0:
        torch.save({"model": m.state_dict(), "ema": ema, "opt": [o.state_dict() for o in opts], "step": step, "stats": stats}, a.out)
        print("done", step, flush=True)


def init(a):
    torch.manual_seed(0)
    m = make_model()
    hand_init(m)
    pool = np.load(a.pool, mmap_mode="r")
    lin = LinearEncoder()
    lin.load_state_dict(torch.load(a.vae, weights_only=True)["lin"])
    rng = np.random.default_rng(2)
    stats = latent_stats(lin, pool, rng)
    print("parameters", sum(p.numel() for p in m.parameters()), stats)
    texts = Texts(a.text, 50)
    for h, w in ((64, 64), (128, 128), (256, 256)):
        ref, x0, seq, pooled, g = make_batch(rng, pool, texts, lin, stats, 6, h, w, 32)
        noise = torch.randn_like(x0)
        for s in (1., .6, .2):
            for nm, x in (("identity", ref), ("edits", x0)):
                st = torch.full((6,), s)
                xt = (1 - s) * x + s * noise
                with torch.no_grad():
                    v = m(hidden_states=torch.cat([xt, ref], 1), encoder_hidden_states=seq, pooled_projections=pooled,
                          timestep=st, guidance=g, img_ids=torch.cat([ids(h // 8, w // 8, 0), ids(h // 8, w // 8, 1)]),
                          txt_ids=torch.zeros(32, 3), return_dict=False)[0][:, :x.shape[1]]
                print(h, w, "sigma", s, nm, "v mse %.4f (zero output: %.4f)" %
                      (float((v - (noise - x)).pow(2).mean()), float((noise - x).pow(2).mean())))
    torch.save({"model": m.state_dict(), "stats": stats}, a.out)


def _entry(rank, a):
    os.setsid()                                          # one scheduling group per process
    train(a, rank, a.procs)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("cmd", choices=["init", "train"])
    ap.add_argument("--vae", default="vae.pt.enc")
    ap.add_argument("--text", default="text")
    ap.add_argument("--pool", default="pool.npy")
    ap.add_argument("--resume", default="flow0.pt")
    ap.add_argument("--out", default="flow.pt")
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--tokens", type=int, default=2600, help="tokens in a batch, per process")
    ap.add_argument("--prompts", type=int, default=4000)
    ap.add_argument("--lr", type=float, default=.01)
    ap.add_argument("--adam-lr", type=float, default=1.5e-3)
    ap.add_argument("--ema", type=float, default=.99)
    ap.add_argument("--warmup", type=int, default=60)
    ap.add_argument("--decay", type=float, default=1.0)
    ap.add_argument("--floor", type=float, default=.02)
    ap.add_argument("--start-at", type=float, default=0.0)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--procs", type=int, default=1)
    ap.add_argument("--save-every", type=float, default=120)
    ap.add_argument("--combos", type=float, default=.12, help="share of two-edit instructions")
    ap.add_argument("--bf16", action="store_true")
    ap.add_argument("--fresh-opt", action="store_true")
    a = ap.parse_args()
    if a.cmd == "init":
        init(a)
    elif a.procs == 1:
        train(a)
    else:
        import torch.multiprocessing as mp
        if os.path.exists(f"{os.path.abspath(a.out)}.rdzv"):
            os.remove(f"{os.path.abspath(a.out)}.rdzv")
        mp.spawn(_entry, (a,), nprocs=a.procs)
