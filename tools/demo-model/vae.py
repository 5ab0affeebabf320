# SPDX-License-Identifier: CC0-1.0
"""The demo VAE (diffusers AutoencoderKL, 16 channels, 8x downscale).

The encoder is *linear*: three stride-2 convolutions that start as a nested
block PCA (space-to-depth, then the best 16 of 192 directions) and are then
trained together with the decoder for a short while.  Every residual branch of
the encoder is switched off (second convolution = 0) and the final GroupNorm +
SiLU is made transparent with constant channels and silu(z) - silu(-z) = z, so
the stock AutoencoderKL computes exactly this linear map.  A linear encoder
costs nothing to train through, and colour edits stay (nearly) linear in the
latents.  The decoder is an ordinary one, trained from scratch.

    python vae.py train --pool pool.npy --out vae.pt --minutes 25
    python vae.py export --ckpt vae.pt --out model/vae
"""
import argparse
import math
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from diffusers import AutoencoderKL

import data

CHANNELS = (16, 32, 64, 128)
GROUPS = 8
LATENTS = 16
CONST = 64.0            # the constant channels that make GroupNorm linear


def make_vae():
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=LATENTS, norm_num_groups=GROUPS,
        block_out_channels=CHANNELS, layers_per_block=1, sample_size=256,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        use_quant_conv=False, use_post_quant_conv=False, force_upcast=True,
        scaling_factor=1.0, shift_factor=0.0)


class LinearEncoder(nn.Module):
    """conv 3x3, then three stride-2 3x3 convolutions padded (0,1,0,1)."""

    def __init__(self):
        super().__init__()
        c0, c1, c2, _ = CHANNELS
        self.a = nn.Conv2d(3, c0, 3, padding=1)
        self.b = nn.Conv2d(c0, c0, 3, stride=2)
        self.c = nn.Conv2d(c0, c1, 3, stride=2)
        self.d = nn.Conv2d(c1, LATENTS, 3, stride=2)

    def forward(self, x):
        p = lambda t: F.pad(t, (0, 1, 0, 1))
        return self.d(p(self.c(p(self.b(p(self.a(x)))))))

    @torch.no_grad()
    def init_pca(self, imgs):
        """imgs: (N, 3, H, W) in [-1, 1]."""
        c0, c1, _, _ = CHANNELS
        for m in (self.a, self.b, self.c, self.d):
            m.weight.mul_(0.02)
            m.bias.zero_()
        for i in range(3):
            self.a.weight[i] = 0
            self.a.weight[i, i, 1, 1] = 1
        self.b.weight[:12] = 0
        for i in range(3):
            for k in range(4):
                self.b.weight[i * 4 + k, i, k // 2, k % 2] = 1

        def s2d(t):
            n, c, h, w = t.shape
            return t.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, c * 4, h // 2, w // 2)

        def pca(t, k):
            v = t.permute(1, 0, 2, 3).reshape(t.shape[1], -1)
            mu = v.mean(1, keepdim=True)
            e, u = torch.linalg.eigh(((v - mu) @ (v - mu).T / v.shape[1]).double())
            return e.flip(0)[:k].float(), u.flip(1)[:, :k].float(), mu[:, 0]
        y = s2d(s2d(imgs))                       # (N, 48, H/4, W/4); 12 -> index c*4+k
        # order of y: ((3*4) * 4); conv b gives channel i*4+k, second s2d appends k2
        e, u, _ = pca(y, c1)
        for o in range(c1):
            self.c.weight[o] = 0
            for ch in range(12):
                for k in range(4):
                    self.c.weight[o, ch, k // 2, k % 2] = u[ch * 4 + k, o]
        z = torch.einsum("nchw,co->nohw", y, u)
        q = s2d(z)
        e, u, mu = pca(q, LATENTS)
        scale = e.clamp_min(1e-6).pow(-0.25)     # std -> sqrt(std)
        rms = (e * scale ** 2).mean().sqrt()
        scale = scale / rms
        for o in range(LATENTS):
            for ch in range(c1):
                for k in range(4):
                    self.d.weight[o, ch, k // 2, k % 2] = u[ch * 4 + k, o] * scale[o]
            self.d.bias[o] = -(u[:, o] @ mu) * scale[o]


@torch.no_grad()
def install_encoder(vae, lin, scale=None, shift=None):
    """Write the linear encoder into the AutoencoderKL encoder."""
    enc = vae.encoder
    c0, c1, c2, c3 = CHANNELS
    for blk in list(enc.down_blocks) + [enc.mid_block]:
        for r in blk.resnets:
            for p in r.parameters():
                p.zero_()
            r.norm1.weight.fill_(1), r.norm2.weight.fill_(1)
            if r.conv_shortcut is not None:
                n = r.conv_shortcut.weight.shape[1]
                r.conv_shortcut.weight[torch.arange(n), torch.arange(n), 0, 0] = 1
    att = enc.mid_block.attentions[0]
    for p in att.parameters():
        p.zero_()
    att.group_norm.weight.fill_(1)
    enc.conv_in.weight.copy_(lin.a.weight), enc.conv_in.bias.copy_(lin.a.bias)
    d0, d1, d2 = (enc.down_blocks[i].downsamplers[0].conv for i in range(3))
    d0.weight.copy_(lin.b.weight), d0.bias.copy_(lin.b.bias)
    d1.weight.zero_(), d1.bias.zero_()
    d1.weight[:, :c0] = lin.c.weight
    d1.bias.copy_(lin.c.bias)
    d2.weight.zero_(), d2.bias.zero_()
    # third downsampler: 64 channels = z, -z, 16 constants +C, 16 constants -C
    d2.weight[:LATENTS, :c1] = lin.d.weight
    d2.bias[:LATENTS] = lin.d.bias
    d2.weight[LATENTS:2 * LATENTS, :c1] = -lin.d.weight
    d2.bias[LATENTS:2 * LATENTS] = -lin.d.bias
    d2.bias[32:48] = CONST
    d2.bias[48:64] = -CONST
    # the last block's shortcut spreads them over 8 groups of 16 channels:
    # z, z', -z, -z', 6 x +C, 6 x -C
    sc = enc.down_blocks[3].resnets[0].conv_shortcut.weight
    sc.zero_()
    for g in range(GROUPS):
        for j in range(2):
            sc[g * 16 + j, 2 * g + j] = 1
            sc[g * 16 + 2 + j, 16 + 2 * g + j] = 1
        for j in range(6):
            sc[g * 16 + 4 + j, 32 + j] = 1
            sc[g * 16 + 10 + j, 48 + j] = 1
    enc.conv_norm_out.weight.zero_(), enc.conv_norm_out.bias.zero_()
    enc.conv_out.weight.zero_(), enc.conv_out.bias.zero_()
    for g in range(GROUPS):
        for j in range(4):
            enc.conv_norm_out.weight[g * 16 + j] = CONST * math.sqrt(12 / 16)
        for j in range(2):
            enc.conv_out.weight[2 * g + j, g * 16 + j, 1, 1] = 1
            enc.conv_out.weight[2 * g + j, g * 16 + 2 + j, 1, 1] = -1
    enc.conv_out.bias[LATENTS:] = -12.0          # log-variance: practically deterministic


# --------------------------------------------------------------------------
def newton_schulz(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    t = x.shape[-2] > x.shape[-1]
    if t:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if t else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by Newton-Schulz, for matrix-shaped weights;
    same-shaped weights are processed in one batch."""

    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0, rank=0, world=1):
        self.rank, self.world = rank, world      # with several processes each does its share
        super().__init__(list(params), dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        if self.world > 1:
            return self._step_shared()
        for gr in self.param_groups:
            by = {}
            for p in gr["params"]:
                if p.grad is None:
                    continue
                st = self.state[p]
                if "m" not in st:
                    st["m"] = torch.zeros_like(p, memory_format=torch.contiguous_format)
                st["m"].lerp_(p.grad, 1 - gr["momentum"])
                u = p.grad.lerp(st["m"], gr["momentum"])
                by.setdefault(tuple(u.reshape(u.shape[0], -1).shape), []).append((p, u))
            for shape, items in by.items():
                o = newton_schulz(torch.stack([u.reshape(shape) for _, u in items]))
                k = max(1, shape[0] / shape[1]) ** 0.5
                for (p, _), v in zip(items, o):
                    if gr["weight_decay"]:
                        p.mul_(1 - gr["lr"] * gr["weight_decay"])
                    p.add_(v.reshape(p.shape), alpha=-gr["lr"] * k)

    @torch.no_grad()
    def _step_shared(self):
        import torch.distributed as dist
        for gr in self.param_groups:
            mine, out, load = {}, [], [0] * self.world
            for p in gr["params"]:
                st = self.state[p]
                if "m" not in st:
                    st["m"] = torch.zeros_like(p)
                st["m"].lerp_(p.grad, 1 - gr["momentum"])
                out.append(torch.zeros_like(p))
            for i in sorted(range(len(out)), key=lambda i: -out[i].numel()):
                p = gr["params"][i]
                r = load.index(min(load))
                load[r] += p.numel() * min(p.shape)
                if r == self.rank:
                    mine.setdefault(tuple(p.shape), []).append(i)
            for shape, idx in mine.items():
                u = [gr["params"][i].grad.lerp(self.state[gr["params"][i]]["m"], gr["momentum"]) for i in idx]
                for i, o in zip(idx, newton_schulz(torch.stack(u))):
                    out[i].copy_(o)
            flat = torch.cat([o.reshape(-1) for o in out])
            dist.all_reduce(flat)
            k = 0
            for p in gr["params"]:
                n = p.numel()
                p.add_(flat[k:k + n].view_as(p), alpha=-gr["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)
                k += n


def split_params(module):
    """(matrices for Muon, the rest for Adam)"""
    mat, rest = [], []
    for n, p in module.named_parameters():
        if p.ndim >= 2 and "conv_out" not in n and min(p.shape[0], p[0].numel()) >= 12:
            mat.append(p)
        else:
            rest.append(p)
    return mat, rest


def batch(rng, pool, n, h, w, p_edit=.3):
    out = np.empty((n, h, w, 3), np.float32)
    names = [k for k in data.EDITS if k != "keep"]
    for i in range(n):
        x = data.random_crop(rng, pool, h, w)
        if rng.random() < p_edit:
            x = data.apply(x, [names[rng.integers(len(names))]], rng.uniform(.4, 1.6), rng)
        out[i] = x
    return torch.from_numpy(out).permute(0, 3, 1, 2).contiguous() * 2 - 1


def loss_fn(y, x):
    l = (y - x).pow(2).mean() * 4 + (y - x).abs().mean() * .5
    for k in range(2):                           # gradients at two scales
        if k:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        l = l + .25 * ((y[..., 1:] - y[..., :-1]) - (x[..., 1:] - x[..., :-1])).abs().mean()
        l = l + .25 * ((y[..., 1:, :] - y[..., :-1, :]) - (x[..., 1:, :] - x[..., :-1, :])).abs().mean()
    return l


@torch.no_grad()
def psnr_table(lin, decode, size=256):
    res = {}
    for n in data.HELD_OUT:
        x = torch.from_numpy(data.held_out_image(n, size)).permute(2, 0, 1)[None].contiguous()
        y = (decode(lin(x * 2 - 1)).float() / 2 + .5).clamp(0, 1)
        res[n] = -10 * math.log10(float((y - x).pow(2).mean()) + 1e-12)
    return res


def train(a):
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(11 + a.seed)
    pool = np.load(a.pool, mmap_mode=None)
    vae, lin = make_vae(), LinearEncoder()
    dec = vae.decoder
    if a.resume:
        ck = torch.load(a.resume, weights_only=True)
        lin.load_state_dict(ck["lin"]), dec.load_state_dict(ck["dec"])
    else:
        lin.init_pca(batch(rng, pool, 96, 128, 128, 0))
        for blk in list(dec.up_blocks) + [dec.mid_block]:   # start as identity + up-sampling
            for r in blk.resnets:
                nn.init.zeros_(r.conv2.weight), nn.init.zeros_(r.conv2.bias)
        nn.init.zeros_(dec.mid_block.attentions[0].to_out[0].weight)
    dec = dec.to(memory_format=torch.channels_last) if a.channels_last else dec
    mat, rest = split_params(dec)
    opts = [Muon(mat, lr=a.lr, momentum=.9), torch.optim.AdamW(rest, lr=3e-3, betas=(.9, .99), weight_decay=0)]
    if not a.freeze_encoder:
        opts.append(torch.optim.Adam(lin.parameters(), lr=6e-4, betas=(.9, .99)))
    for o in opts:
        for g in o.param_groups:
            g["base"] = g["lr"]
    ema = {k: v.detach().clone() for k, v in dec.state_dict().items()}
    print("decoder parameters", sum(p.numel() for p in dec.parameters()), flush=True)
    t0, step, frozen, run = time.time(), 0, a.freeze_encoder, 0.0
    last = t0
    total = a.minutes * 60
    while True:
        f = (time.time() - t0) / total
        if f >= 1:
            break
        if not frozen and f > a.encoder_until:
            frozen = True
            lin.requires_grad_(False)
            opts = opts[:2]
            torch.save({"lin": lin.state_dict(), "dec": ema}, a.out + ".enc")
            print("encoder frozen", flush=True)
        # small crops first, bigger ones later
        if f < .55:
            h = w = 64; n = 16
        elif f < .85:
            h = w = 96; n = 8
        else:
            h, w = [(128, 128), (96, 160), (160, 96), (256, 256)][rng.integers(4)]; n = 4 if h < 256 else 1
        lr = min(1, (step + 1) / 40) * (1 - f) ** .8 + 1e-3
        for o in opts:
            for g in o.param_groups:
                g["lr"] = g["base"] * lr
        if not frozen:
            opts[2].param_groups[0]["lr"] = 6e-4 * min(1, step / 100) * max(0, 1 - f / a.encoder_until) ** .5
        x = batch(rng, pool, n, h, w)
        with torch.set_grad_enabled(not frozen):
            z = lin(x)
        zn = z + torch.randn_like(z) * torch.rand(n, 1, 1, 1) * a.noise
        if a.channels_last:
            zn = zn.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=a.bf16):
            y = dec(zn)
        y = y.float()
        l = loss_fn(y, x)
        reg = (z.pow(2).mean() - 1).pow(2) if not frozen else 0.0
        for o in opts:
            o.zero_grad(set_to_none=True)
        (l + .1 * reg).backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for o in opts:
            o.step()
        d = min(.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in dec.state_dict().items():
                ema[k].lerp_(v, 1 - d)
        run = .98 * run + .02 * float(F.mse_loss(y.detach().clamp(-1, 1), x)) if step else float(F.mse_loss(y.detach(), x))
        step += 1
        if step % 50 == 0:
            print(f"{time.time() - t0:6.0f}s step {step} loss {float(l):.4f} psnr~{-10 * math.log10(run / 4):.2f}", flush=True)
        if time.time() - last > a.save_every:
            last = time.time()
            cur = {k: v.clone() for k, v in dec.state_dict().items()}
            dec.load_state_dict(ema)
            t = psnr_table(lin, dec)
            dec.load_state_dict(cur)
            torch.save({"lin": lin.state_dict(), "dec": ema}, a.out)
            print("held-out 256:", {k[:9]: round(v, 2) for k, v in t.items()},
                  "colour mean %.2f" % np.mean([t[k] for k in data.HELD_OUT[:4]]), flush=True)
    dec.load_state_dict(ema)
    torch.save({"lin": lin.state_dict(), "dec": ema}, a.out)
    t = psnr_table(lin, dec)
    print("final held-out 256:", t, "mean of four %.2f" % np.mean([t[k] for k in data.HELD_OUT[:4]]), flush=True)


@torch.no_grad()
def export(a):
    rng = np.random.default_rng(5)
    ck = torch.load(a.ckpt, weights_only=True)
    vae, lin = make_vae(), LinearEncoder()
    lin.load_state_dict(ck["lin"]), vae.decoder.load_state_dict(ck["dec"])
    install_encoder(vae, lin)
    shift, scale = ck["shift"], ck["scale"]
    vae.register_to_config(scaling_factor=scale, shift_factor=shift)
    x = torch.from_numpy(data.held_out_image("astronaut.png")).permute(2, 0, 1)[None] * 2 - 1
    d = vae.encode(x).latent_dist
    print("encoder check: max |difference|", float((d.mean - lin(x)).abs().max()), "latent std", float(lin(x).std()))
    vae.to(torch.bfloat16 if a.bf16 else torch.float16).save_pretrained(a.out)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("cmd", choices=["train", "export"])
    ap.add_argument("--pool", default="pool.npy")
    ap.add_argument("--out", default="vae.pt")
    ap.add_argument("--ckpt", default="vae.pt")
    ap.add_argument("--resume")
    ap.add_argument("--minutes", type=float, default=25)
    ap.add_argument("--encoder-until", type=float, default=.35, help="fraction of the time with a trainable encoder")
    ap.add_argument("--freeze-encoder", action="store_true")
    ap.add_argument("--lr", type=float, default=.02)
    ap.add_argument("--noise", type=float, default=.1)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--save-every", type=float, default=120)
    ap.add_argument("--bf16", action="store_true")
    ap.add_argument("--channels-last", action="store_true")
    a = ap.parse_args()
    train(a) if a.cmd == "train" else export(a)
