# SPDX-License-Identifier: CC0-1.0
"""Training images, edits and instructions for the Espalier demo model.

Everything here is either procedural or comes from the public-domain / CC0
photographs inside the scikit-image wheel (half of them; the rest is held out).

    python data.py pool --out pool.npy --count 2400     # build the image pool
    python data.py preview --pool pool.npy --out p.png  # look at it
"""
import argparse
import os

import cv2
import numpy as np

cv2.setNumThreads(1)

# Public-domain / CC0 files of skimage/data (see the docstrings in
# skimage/data/_fetchers.py).  The split is fixed: nothing in HELD_OUT is ever
# seen by the training scripts.
TRAIN_PHOTOS = ["rocket.jpg", "retina.jpg", "hubble_deep_field.jpg", "gravel.png",
                "grass.png", "cell.png", "text.png", "horse.png"]
HELD_OUT = ["astronaut.png", "chelsea.png", "coffee.png", "camera.png",
            "clock_motion.png", "brick.png", "microaneurysms.png"]


def photo_dir():
    import skimage
    return os.path.join(os.path.dirname(skimage.__file__), "data")


def load_photo(name):
    im = cv2.imread(os.path.join(photo_dir(), name), cv2.IMREAD_UNCHANGED)
    if im.ndim == 2:
        im = np.repeat(im[..., None], 3, 2)
    if im.shape[2] == 4:                       # composite on white
        a = im[..., 3:].astype(np.float32) / 255
        im = (im[..., :3] * a + 255 * (1 - a)).astype(np.uint8)
    return np.ascontiguousarray(im[..., ::-1])


def held_out_image(name, size=256):
    """Centre crop, area-resized: the evaluation input (float32, 0..1)."""
    im = load_photo(name)
    h, w = im.shape[:2]
    m = min(h, w)
    im = im[(h - m) // 2:(h - m) // 2 + m, (w - m) // 2:(w - m) // 2 + m]
    interp = cv2.INTER_AREA if m >= size else cv2.INTER_CUBIC
    return cv2.resize(im, (size, size), interpolation=interp).astype(np.float32) / 255


# --------------------------------------------------------------------------
# Procedural pictures
# --------------------------------------------------------------------------
def noise1f(rng, h, w, beta=None, chans=1):
    """Zero-mean unit-variance 1/f^beta noise, (h, w, chans)."""
    beta = rng.uniform(0.6, 1.8) if beta is None else beta
    fy = np.fft.fftfreq(h)[:, None]
    fx = np.fft.rfftfreq(w)[None]
    f = np.sqrt(fy * fy + fx * fx)
    f[0, 0] = 1
    amp = (f ** -beta)[..., None]
    amp[0, 0] = 0
    sp = amp * (rng.standard_normal((h, w // 2 + 1, chans)) +
                1j * rng.standard_normal((h, w // 2 + 1, chans)))
    n = np.fft.irfft2(sp, s=(h, w), axes=(0, 1)).astype(np.float32)
    return n / (n.std() + 1e-6)


def hsv(h, s, v):
    c = cv2.cvtColor(np.float32([[[h * 360 % 360, s, v]]]), cv2.COLOR_HSV2RGB)[0, 0]
    return c


def palette(rng, n=6):
    base = rng.random()
    spread = rng.choice([0.05, 0.15, 0.5])
    sat = rng.beta(1.5, 2.2)
    out = []
    for _ in range(n):
        out.append(hsv(base + rng.normal() * spread, np.clip(sat + rng.normal() * .15, 0, 1),
                       rng.beta(1.3, 1.2)))
    return out


def pick(rng, pal):
    c = pal[rng.integers(len(pal))] + rng.normal(size=3) * 0.05
    return np.clip(c, 0, 1).astype(np.float32)


def random_mask(rng, h, w, cx, cy, r):
    m = np.zeros((h, w), np.uint8)
    kind = rng.integers(5)
    sh = 4
    P = lambda v: int(round(v * (1 << sh)))
    ang = rng.uniform(0, 360)
    if kind <= 1:
        ax = (P(max(r, .6)), P(max(r * rng.uniform(.3, 1), .6)))
        cv2.ellipse(m, (P(cx), P(cy)), ax, ang, 0, 360, 255, -1, cv2.LINE_AA, sh)
    else:
        if kind == 2:
            a = np.deg2rad(ang) + np.array([.25, .75, 1.25, 1.75]) * np.pi
            asp = rng.uniform(.2, 1)
            pts = np.stack([np.cos(a), asp * np.sin(a)], 1)
            t = np.deg2rad(ang)
            pts = pts @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]) * r
        elif kind == 3:
            k = rng.integers(3, 7)
            a = np.sort(rng.uniform(0, 2 * np.pi, k))
            pts = np.stack([np.cos(a), np.sin(a)], 1) * r * rng.uniform(.4, 1, (k, 1))
        else:                                  # smooth blob
            a = np.linspace(0, 2 * np.pi, 40, endpoint=False)
            rad = 1 + sum(rng.normal() * .3 / k * np.cos(k * a + rng.uniform(0, 7)) for k in range(1, 6))
            pts = np.stack([np.cos(a), np.sin(a)], 1) * r * rad[:, None] * .8
        pts = np.round((pts + [cx, cy]) * (1 << sh)).astype(np.int32)
        cv2.fillPoly(m, [pts], 255, cv2.LINE_AA, sh)
    return m


def fill(rng, h, w, pal, yy, xx, tex):
    """Flat colour, gradient or texture."""
    c = pick(rng, pal)
    k = rng.random()
    out = np.broadcast_to(c, (h, w, 3))
    if k > .25:
        a = rng.uniform(0, 2 * np.pi)
        g = (np.cos(a) * xx + np.sin(a) * yy)[..., None]
        out = out * (1 + g * rng.uniform(0, .9))
    if k > .55:
        t = tex[rng.integers(len(tex))]
        t = np.roll(t, (rng.integers(h), rng.integers(w)), (0, 1))
        out = out + t * rng.choice([.03, .08, .15]) * (c * .7 + .3)
    return out.astype(np.float32)


def dead_leaves(rng, h, w, lo=2.5, hi=None, n=None):
    hi = hi or max(h, w) * rng.uniform(.25, .6)
    n = n or int(rng.choice([25, 60, 140]))
    yy, xx = np.mgrid[-1:1:h * 1j, -1:1:w * 1j].astype(np.float32)
    tex = [noise1f(rng, h, w) for _ in range(3)]
    pal = palette(rng)
    im = fill(rng, h, w, pal, yy, xx, tex).copy()
    rs = lo * (hi / lo) ** (rng.random(n) ** rng.choice([1., 1.6]))     # ~log-uniform sizes
    rs = np.sort(rs)[::-1] if rng.random() < .6 else rng.permutation(rs)
    for r in rs:
        cx, cy = rng.uniform(0, w), rng.uniform(0, h)
        R = int(r * 1.7 + 3)
        x0, x1 = max(0, int(cx) - R), min(w, int(cx) + R + 1)
        y0, y1 = max(0, int(cy) - R), min(h, int(cy) + R + 1)
        if x1 - x0 < 2 or y1 - y0 < 2:
            continue
        m = random_mask(rng, y1 - y0, x1 - x0, cx - x0, cy - y0, r)
        if rng.random() < .15:
            m = cv2.GaussianBlur(m, (0, 0), rng.uniform(.6, r * .25 + .7))
        sl = np.s_[y0:y1, x0:x1]
        a = (m.astype(np.float32) / 255)[..., None]
        f = fill(rng, y1 - y0, x1 - x0, pal, (yy[sl] * h / (2 * R)), (xx[sl] * w / (2 * R)),
                 [t[sl] for t in tex])
        if rng.random() < .2:                  # sphere-like shading
            d = ((np.mgrid[y0:y1, x0:x1][1] - cx + r * .3) ** 2 +
                 (np.mgrid[y0:y1, x0:x1][0] - cy + r * .3) ** 2) / (1.6 * r * r)
            f = f * np.clip(1.25 - d, .25, 1.25)[..., None].astype(np.float32)
        im[sl] = im[sl] * (1 - a) + f * a
    return im


def landscape(rng, h, w):
    yy = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    hor = rng.uniform(.3, .75)
    top, bot = hsv(rng.uniform(.52, .66), rng.uniform(.2, .8), rng.uniform(.4, .9)), \
        hsv(rng.uniform(.05, .6), rng.uniform(.05, .4), rng.uniform(.7, 1))
    t = np.clip(yy / hor, 0, 1)
    im = np.broadcast_to(top * (1 - t) + bot * t, (h, w, 3)).astype(np.float32).copy()
    c = np.clip(noise1f(rng, h, w, 1.5) - rng.uniform(-.3, 1), 0, 1) * rng.uniform(0, .9)
    im = im * (1 - c) + c * rng.uniform(.8, 1)
    if rng.random() < .4:
        cv2.circle(im, (int(rng.uniform(0, w)), int(rng.uniform(0, hor * h))),
                   int(rng.uniform(4, 18)), (1., .95, float(rng.uniform(.6, .9))), -1, cv2.LINE_AA)
    x = np.arange(w)
    hue = rng.uniform(.1, .45)
    layers = rng.integers(2, 6)
    for k in range(layers):
        y0 = (hor + (1 - hor) * k / layers * .9) * h
        line = y0 + noise1f(rng, 2, w, 1.3)[0, :, 0] * rng.uniform(2, 18)
        m = np.clip(np.arange(h)[:, None] - line[None] + .5, 0, 1)[..., None].astype(np.float32)
        far = 1 - (k + 1) / layers
        col = hsv(hue + rng.normal() * .04, rng.uniform(.15, .7), rng.uniform(.15, .7))
        col = col * (1 - .5 * far) + bot * .5 * far
        tex = noise1f(rng, h, w, rng.uniform(.4, 1.4)) * rng.uniform(.02, .18) * (1 - far * .7)
        im = im * (1 - m) + m * np.clip(col * (1 + 2 * tex), 0, 1)
    for _ in range(rng.integers(0, 12)):       # trees, posts, houses
        bx, by = rng.uniform(0, w), rng.uniform(hor, 1) * h
        s = (by / h - hor + .15) * h * rng.uniform(.2, .7)
        col = tuple(float(v) for v in hsv(hue + rng.normal() * .06, .5, rng.uniform(.1, .5)))
        if rng.random() < .6:
            cv2.line(im, (int(bx), int(by)), (int(bx), int(by - s)), (.2, .15, .1), max(1, int(s / 12)), cv2.LINE_AA)
            for _ in range(8):
                cv2.circle(im, (int(bx + rng.normal() * s * .2), int(by - s + rng.normal() * s * .2)),
                           max(1, int(s * rng.uniform(.08, .2))),
                           tuple(float(np.clip(v * rng.uniform(.6, 1.4), 0, 1)) for v in col), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(im, (int(bx), int(by - s * .6)), (int(bx + s), int(by)),
                          tuple(float(v) for v in pick(rng, palette(rng, 3))), -1)
            cv2.rectangle(im, (int(bx + s * .2), int(by - s * .4)), (int(bx + s * .4), int(by - s * .2)),
                          (.1, .1, .15), -1)
    return im


def portrait(rng, h, w):
    """Blurred background, shaded ellipses: heads, bodies, cups, fruit."""
    im = cv2.GaussianBlur(dead_leaves(rng, h, w, n=25, lo=10), (0, 0), rng.uniform(1, 9))
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    skin = hsv(rng.uniform(.03, .1), rng.uniform(.2, .7), rng.uniform(.25, .95))
    cx, cy, r = w * rng.uniform(.35, .65), h * rng.uniform(.35, .55), h * rng.uniform(.14, .3)
    light = rng.uniform(-.6, .6)

    def blob(x, y, rx, ry, col, tex=.02, soft=1.):
        d = np.sqrt(((xx - x) / rx) ** 2 + ((yy - y) / ry) ** 2)
        a = np.clip((1 - d) * min(rx, ry) / soft + .5, 0, 1)[..., None]
        sh = 1 + light * (xx - x) / rx * .5 - .25 * d * d - .15 * (yy - y) / ry
        c = col * sh[..., None] + noise1f(rng, h, w, .8) * tex
        im[:] = im * (1 - a) + np.clip(c, 0, 1) * a
    blob(cx, cy + r * 2.6, r * 2, r * 1.6, pick(rng, palette(rng)), .06)
    blob(cx, cy - r * .15, r * 1.05, r * 1.3, pick(rng, palette(rng)) * .5, .12, rng.uniform(1, 6))
    blob(cx, cy, r * .85, r * 1.1, skin)
    for s in (-1, 1):
        ex, ey = cx + s * r * .35, cy - r * .15
        blob(ex, ey, r * .16, r * .09, np.float32([.93, .93, .93]), .01)
        blob(ex, ey, r * .08, r * .08, hsv(rng.random(), .6, .3), .01)
        cv2.line(im, (int(ex - r * .2), int(ey - r * .2)), (int(ex + r * .2), int(ey - r * .22)),
                 tuple(float(v) for v in skin * .3), max(1, int(r * .05)), cv2.LINE_AA)
    blob(cx, cy + r * .5, r * .3, r * .08, skin * [.8, .4, .4], .01)
    if rng.random() < .5:                      # hair / fur strokes
        for _ in range(rng.integers(100, 400)):
            a = rng.uniform(0, 2 * np.pi)
            x, y = cx + np.cos(a) * r * rng.uniform(.9, 1.3), cy - r * .2 + np.sin(a) * r * rng.uniform(1, 1.5)
            t = a + rng.normal() * .3
            L = r * rng.uniform(.1, .5)
            cv2.line(im, (int(x), int(y)), (int(x + np.cos(t) * L), int(y + np.sin(t) * L)),
                     tuple(float(v) for v in np.clip(skin * rng.uniform(.1, 1.1), 0, 1)), 1, cv2.LINE_AA)
    return im


def strokes(rng, h, w):
    """Fur, grass, hatching and text-like marks over a textured ground."""
    pal = palette(rng)
    yy, xx = np.mgrid[-1:1:h * 1j, -1:1:w * 1j].astype(np.float32)
    im = fill(rng, h, w, pal, yy, xx, [noise1f(rng, h, w) for _ in range(2)]).copy()
    if rng.random() < .5:
        field = noise1f(rng, h, w, 2.)[..., 0] * 1.2
        a0 = rng.uniform(0, 7)
        for _ in range(rng.integers(400, 2500)):
            x, y = rng.uniform(0, w), rng.uniform(0, h)
            t = a0 + field[int(y), int(x)] + rng.normal() * .15
            L = rng.uniform(4, 18)
            cv2.line(im, (int(x), int(y)), (int(x + np.cos(t) * L), int(y + np.sin(t) * L)),
                     tuple(float(v) for v in np.clip(pick(rng, pal) * rng.uniform(.5, 1.2), 0, 1)),
                     1 if rng.random() < .8 else 2, cv2.LINE_AA)
    else:
        y = rng.uniform(5, 30)
        fg = pick(rng, pal)
        m = np.zeros((h, w), np.uint8)
        while y < h:
            s = rng.uniform(.25, .9)
            txt = "".join(chr(rng.integers(33, 123)) for _ in range(40))
            cv2.putText(m, txt, (int(rng.uniform(-20, 30)), int(y)), int(rng.integers(0, 8)), s, 255,
                        1 if s < .6 else 2, cv2.LINE_AA)
            y += s * 30 + rng.uniform(2, 12)
        a = m[..., None].astype(np.float32) / 255
        im = im * (1 - a) + fg * a
    return im


def photo_crop(rng, photos, h, w):
    p = photos[rng.integers(len(photos))]
    H, W = p.shape[:2]
    s = np.exp(rng.uniform(np.log(min(h, H, W) * .8), np.log(min(H, W))))
    a = np.exp(rng.normal() * .12)
    ch, cw = int(min(H, s)), int(min(W, s * a))
    y, x = rng.integers(0, H - ch + 1), rng.integers(0, W - cw + 1)
    im = cv2.resize(p[y:y + ch, x:x + cw], (w, h), interpolation=cv2.INTER_AREA if ch > h else cv2.INTER_CUBIC)
    return im.astype(np.float32) / 255


def grade(rng, im):
    """Random tone and colour so that the pool covers many exposures."""
    im = np.clip(im, 0, 1)
    if rng.random() < .5:
        im = im ** np.exp(rng.normal() * .35)
    if rng.random() < .3:
        im = im * np.clip(1 + rng.normal(size=3) * .12, .5, 1.4).astype(np.float32)
    if rng.random() < .4:
        g = im.mean(2, keepdims=True)
        im = g + (im - g) * rng.uniform(.2, 1.5)
    if rng.random() < .12:
        im = np.repeat(im.mean(2, keepdims=True), 3, 2)
    if rng.random() < .25:
        im = cv2.GaussianBlur(im, (0, 0), rng.uniform(.4, 1.6))
    if rng.random() < .3:
        im = im + rng.normal(size=im.shape) * rng.uniform(0, .02)
    if rng.random() < .5:
        im = im[:, ::-1]
    return np.clip(im, 0, 1).astype(np.float32)


def make_image(rng, photos, size=256):
    k = rng.random()
    if k < .40:
        s = int(size * rng.choice([1., 1.5]))
        im = dead_leaves(rng, s, s)
    elif k < .55:
        s = size
        im = landscape(rng, s, s)
    elif k < .68:
        s = int(size * rng.choice([1., 1.4]))
        im = portrait(rng, s, s)
    elif k < .78:
        s = int(size * rng.choice([1., 1.6]))
        im = strokes(rng, s, s)
    else:
        im = photo_crop(rng, photos, size, size)
    if im.shape[0] != size:
        im = cv2.resize(im, (size, size), interpolation=cv2.INTER_AREA)
    return grade(rng, im)


def build_pool(path, count, seed=1):
    photos = [load_photo(n) for n in TRAIN_PHOTOS]
    # colour photos more often than textures
    photos = photos[:3] * 3 + photos[3:]
    rng = np.random.default_rng(seed)
    pool = np.empty((count, 256, 256, 3), np.uint8)
    for i in range(count):
        pool[i] = (make_image(rng, photos) * 255 + .5).astype(np.uint8)
        if i % 200 == 199:
            print(i + 1, flush=True)
    np.save(path, pool)


def random_crop(rng, pool, h, w):
    """A random crop, often downscaled a little, h x w, float32 0..1."""
    im = pool[rng.integers(len(pool))]
    H, W = im.shape[:2]
    s = min(H / h, W / w)
    z = np.exp(rng.uniform(0, np.log(s))) if rng.random() < .6 else 1.0
    z = s if s < 1 else z
    ch, cw = min(H, int(h * z)), min(W, int(w * z))
    y, x = rng.integers(0, H - ch + 1), rng.integers(0, W - cw + 1)
    im = im[y:y + ch, x:x + cw]
    if rng.random() < .5:
        im = im[:, ::-1]
    im = np.ascontiguousarray(im)
    if (ch, cw) != (h, w):
        im = cv2.resize(im, (w, h), interpolation=cv2.INTER_AREA if ch > h else cv2.INTER_CUBIC)
    return im.astype(np.float32) / 255


# --------------------------------------------------------------------------
# Edits: f(image 0..1, strength s, rng) -> image.  s = guidance / 2.5
# --------------------------------------------------------------------------
LUMA = np.float32([.299, .587, .114])


def luma(x):
    return (x @ LUMA)[..., None]


def lerp(a, b, t):
    return a + (b - a) * np.float32(t)


def blur(x, s):
    return cv2.GaussianBlur(x, (0, 0), s, borderType=cv2.BORDER_REFLECT_101) if s > .15 else x


def e_keep(x, s, r): return x
def e_bw(x, s, r):
    g = luma(x)
    if s > 1:
        g = .5 + (g - .5) * (1 + .35 * (s - 1))
    return lerp(x, np.repeat(g, 3, 2), min(s, 1))
def e_sepia(x, s, r):
    g = luma(x)
    c = g * np.float32([1.10, .90, .68]) + np.float32([.04, .02, 0])
    y = lerp(x, c, min(s, 1))
    return y * np.float32([1 + .06 * max(s - 1, 0), 1, 1 - .3 * max(s - 1, 0)])
def e_invert(x, s, r): return lerp(x, 1 - x, min(s, 1))
def e_brighter(x, s, r): return np.clip(x, 1e-4, 1) ** np.float32(2 ** (-.8 * s)) + .04 * s
def e_darker(x, s, r): return x * np.float32(.52 ** s)
def e_warmer(x, s, r): return x * np.float32([1 + .22 * s, 1 + .02 * s, max(1 - .32 * s, 0)])
def e_cooler(x, s, r): return x * np.float32([max(1 - .32 * s, 0), 1 - .06 * s, 1 + .2 * s])
def e_contrast(x, s, r): return .5 + (x - .5) * (1 + .7 * s)
def e_faded(x, s, r): return .58 + (x - .58) * max(1 - .42 * s, .05)
def e_saturate(x, s, r): return luma(x) + (x - luma(x)) * (1 + .9 * s)
def e_blur(x, s, r): return blur(x, 2.6 * s)
def e_sharpen(x, s, r): return x + 1.3 * s * (x - blur(x, 1.6))
def e_mosaic(x, s, r):
    h, w = x.shape[:2]
    m = cv2.resize(cv2.resize(x, (w // 16, h // 16), interpolation=cv2.INTER_AREA), (w, h),
                   interpolation=cv2.INTER_NEAREST)
    return lerp(x, m, min(s, 1))
def e_poster(x, s, r):
    return lerp(x, np.clip(np.floor(x * 4), 0, 3) / 3, min(s, 1))
def tint(x, s, c):
    return lerp(x, luma(x) * np.float32(c), min(.65 * s, 1)) if s <= 1.54 else \
        luma(x) * lerp(np.float32(c), np.float32(c) ** 2, s - 1.54)
def e_red(x, s, r): return tint(x, s, [1.3, .45, .4])
def e_green(x, s, r): return tint(x, s, [.5, 1.2, .45])
def e_blue(x, s, r): return tint(x, s, [.45, .7, 1.5])
AUTUMN = np.float32([[.55, .65, -.1], [.35, .45, .05], [.15, .05, .45]])
def e_autumn(x, s, r): return lerp(x, x @ AUTUMN.T, min(s, 1.3))
def e_swap(x, s, r): return lerp(x, x[..., ::-1], min(s, 1))
def grid(h, w):
    return (np.linspace(-1, 1, h, dtype=np.float32)[:, None],
            np.linspace(-1, 1, w, dtype=np.float32)[None])
def e_vignette(x, s, r):
    y, xx = grid(*x.shape[:2])
    return x * np.exp(-.85 * s * (y * y + xx * xx))[..., None]
def e_frame(x, s, r):
    b = int(round(16 * s))
    y = x.copy()
    if b:
        y[:b] = y[-b:] = 1
        y[:, :b] = y[:, -b:] = 1
    return y
def e_grain(x, s, r):
    n = r.standard_normal(x.shape[:2]).astype(np.float32)
    n = blur(n, .9) * 2.6
    return x + .09 * s * n[..., None]
def _big(x, n):
    return cv2.resize(n, (x.shape[1], x.shape[0]), interpolation=cv2.INTER_CUBIC)
def e_fog(x, s, r):
    h, w = x.shape[:2]
    n = r.standard_normal((max(2, h // 48) + 1, max(2, w // 48) + 1)).astype(np.float32)
    a = np.clip(s * (.55 + .13 * _big(x, n)), 0, .97)[..., None]
    return x * (1 - a) + a * np.float32([.84, .86, .88])
def e_snow(x, s, r):
    h, w = x.shape[:2]
    m = np.zeros((h, w), np.uint8)
    for _ in range(int(h * w / 420 * s + .5)):
        c = (int(r.uniform(0, w) * 16), int(r.uniform(0, h) * 16))
        cv2.circle(m, c, int(r.choice([1.2, 1.8, 2.6, 3.6], p=[.3, .35, .25, .1]) * 16), 255, -1, cv2.LINE_AA, 4)
    a = blur(m.astype(np.float32) / 255, .7)[..., None] * .95
    x = x * (1 - .06 * s) + .07 * s
    return x * (1 - a) + a
def e_rain(x, s, r):
    h, w = x.shape[:2]
    m = np.zeros((h, w), np.uint8)
    for _ in range(int(h * w / 500 * s + .5)):
        px, py, L = r.uniform(-8, w), r.uniform(-20, h), r.uniform(12, 28)
        cv2.line(m, (int(px * 16), int(py * 16)), (int((px + L * .3) * 16), int((py + L) * 16)),
                 255, 1, cv2.LINE_AA, 4)
    a = blur(m.astype(np.float32) / 255, .6)[..., None] * .8
    x = lerp(x, luma(x) * np.float32([.8, .88, 1.]), min(.35 * s, 1)) * (1 - .1 * s)
    return x * (1 - a) + a * np.float32([.86, .9, .95])
def e_night(x, s, r):
    g = lerp(x, luma(x), min(.4 * s, 1))
    return g * np.float32([.26, .34, .58]) ** np.float32(s)
def e_sketch(x, s, r):
    g = luma(x)[..., 0]
    b = blur(g, 2.2)
    d = np.clip((g + .06) / (b + .06), 0, 1) ** 2
    if s > 1:
        d = d ** np.float32(1 + .7 * (s - 1))
    return lerp(x, np.repeat(d[..., None], 3, 2), min(s, 1))
def e_sunset(x, s, r):
    y = np.linspace(0, 1, x.shape[0], dtype=np.float32)[:, None, None]
    top, bot = np.float32([.55, .25, .5]), np.float32([1., .55, .2])
    col = top + (bot - top) * np.clip(y * 1.6, 0, 1)
    a = np.clip(s * .75 * (1 - y) ** .8, 0, .95)
    lit = col * (.35 + .9 * luma(x))
    return x * (1 - a) + a * lit + x * .06 * s * np.float32([1, .3, -.6])


EDITS = {
    "keep": e_keep, "bw": e_bw, "sepia": e_sepia, "invert": e_invert, "brighter": e_brighter,
    "darker": e_darker, "warmer": e_warmer, "cooler": e_cooler, "contrast": e_contrast,
    "faded": e_faded, "saturate": e_saturate, "blur": e_blur, "sharpen": e_sharpen,
    "mosaic": e_mosaic, "poster": e_poster, "red": e_red, "green": e_green, "blue": e_blue,
    "autumn": e_autumn, "swap": e_swap, "vignette": e_vignette, "frame": e_frame,
    "grain": e_grain, "snow": e_snow, "rain": e_rain, "fog": e_fog, "night": e_night,
    "sketch": e_sketch, "sunset": e_sunset,
}
STOCHASTIC = {"grain", "snow", "rain", "fog"}
COMBOS = [("bw", "vignette"), ("sepia", "frame"), ("night", "snow"), ("sepia", "grain"),
          ("bw", "grain"), ("warmer", "vignette"), ("blur", "frame"), ("darker", "rain"),
          ("contrast", "bw"), ("faded", "frame"), ("cooler", "fog"), ("saturate", "contrast"),
          ("bw", "frame"), ("sepia", "vignette"), ("cooler", "snow"), ("invert", "bw"),
          ("brighter", "saturate"), ("sketch", "frame"), ("autumn", "vignette"), ("darker", "blue")]


def apply(x, names, s, rng):
    y = x
    for n in names:
        y = np.clip(EDITS[n](y, s, rng), 0, 1)
    return np.ascontiguousarray(y.astype(np.float32))


# --------------------------------------------------------------------------
# Instructions
# --------------------------------------------------------------------------
# Each line is a full wording; {p} = "the photo" and the like.
WORDINGS = {
    "keep": ["keep {p} the same", "do nothing", "leave {p} as it is", "no changes", "don't change anything",
             "keep it unchanged", "return the original", "leave it alone", "make no change to {p}",
             "keep everything as it is", "just copy {p}"],
    "bw": ["make {p} black and white", "turn {p} into black and white", "convert {p} to grayscale", "black and white",
           "remove the colors from {p}", "remove all colour", "make it monochrome", "desaturate {p}",
           "a black and white photograph", "greyscale", "take away the colours", "turn it gray"],
    "sepia": ["give {p} a sepia tone", "make {p} sepia", "turn {p} into an old sepia photo", "sepia", "apply a sepia filter",
              "make it look like an old photograph", "make it look antique", "vintage sepia look", "an old brown photo",
              "make it look a hundred years old", "turn it sepia"],
    "invert": ["invert the colors of {p}", "invert {p}", "make a negative of {p}", "turn {p} into a negative", "negative",
               "invert colours", "reverse the colors", "make it look like a film negative", "show the negative", "colour negative"],
    "brighter": ["make {p} brighter", "brighten {p}", "brighter", "increase the brightness", "add more light", "lighten {p}",
                 "make it lighter", "more exposure", "it is too dark, make it brighter", "turn up the light", "light it up"],
    "darker": ["make {p} darker", "darken {p}", "darker", "reduce the brightness", "less light", "lower the exposure",
               "make it dim", "it is too bright, make it darker", "dim the light", "turn down the light", "decrease the brightness"],
    "warmer": ["make {p} warmer", "warm up the colors", "warmer", "give {p} a warm tone", "make it look like golden hour",
               "golden hour light", "warm light", "add warm evening light", "make the colours warm", "warm tones", "warmer colors"],
    "cooler": ["make {p} cooler", "cool down the colors", "cooler", "give {p} a cold tone", "make it look like moonlight",
               "moonlight", "cold light", "make it look cold", "make the colours cold", "cool tones", "colder colors"],
    "contrast": ["increase the contrast", "more contrast", "add contrast to {p}", "make {p} more contrasty", "higher contrast",
                 "boost the contrast", "stronger contrast", "make it punchy", "high contrast", "dramatic contrast"],
    "faded": ["reduce the contrast", "less contrast", "make {p} faded", "fade {p}", "lower contrast", "faded colors",
              "make it look washed out", "washed out look", "low contrast", "a faded photo", "make it look faded"],
    "saturate": ["make the colors more vivid", "more saturation", "increase the saturation", "make {p} more colorful",
                 "saturate {p}", "vivid colors", "boost the colours", "make the colours pop", "more vibrant", "richer colours",
                 "stronger colors", "vibrant colours"],
    "blur": ["blur {p}", "make {p} blurry", "soft focus", "blur", "make it out of focus", "apply a blur", "soften {p}",
             "make it softer", "add a gaussian blur", "a blurry photo", "defocus {p}"],
    "sharpen": ["sharpen {p}", "make {p} sharper", "sharper", "make it crisp", "add sharpness", "increase the sharpness",
                "more detail", "bring out the details", "enhance the details", "crisper", "sharpen the edges"],
    "mosaic": ["pixelate {p}", "make a mosaic", "turn {p} into a mosaic", "mosaic", "make it pixelated", "pixel art",
               "big pixels", "turn it into blocks", "make it blocky", "censor {p} with pixels", "mosaic tiles"],
    "poster": ["posterize {p}", "make {p} look like a poster", "posterise", "turn {p} into a poster", "poster effect",
               "use only a few colors", "reduce the number of colors", "flat poster colours", "pop art poster", "limit the colours"],
    "red": ["tint {p} red", "make {p} red", "add a red tint", "red tint", "give it a red tone", "make everything red", "red",
            "color it red", "red light", "apply a red filter", "turn it red"],
    "green": ["tint {p} green", "make {p} green", "add a green tint", "green tint", "give it a green tone", "make everything green",
              "green", "color it green", "green light", "apply a green filter", "turn it green"],
    "blue": ["tint {p} blue", "make {p} blue", "add a blue tint", "blue tint", "give it a blue tone", "make everything blue",
             "blue", "color it blue", "blue light", "apply a blue filter", "turn it blue"],
    "autumn": ["make it look like autumn", "autumn", "autumn colors", "make it look like fall", "turn the leaves orange",
               "change the season to autumn", "give {p} autumn colours", "fall colors", "october colours", "make it autumn"],
    "swap": ["swap red and blue", "swap the colors", "swap the colours of {p}", "exchange red and blue", "switch the colors",
             "swap the color channels", "change the colours around", "mix up the colors", "swap colours"],
    "vignette": ["add a vignette", "vignette", "darken the corners", "darken the edges", "add dark corners to {p}",
                 "give {p} a vignette", "make the corners darker", "dark edges", "spotlight in the middle", "darken the borders"],
    "frame": ["add a white frame", "add a white border", "put {p} in a frame", "white frame", "white border", "frame {p}",
              "add a frame around {p}", "give it a border", "add a polaroid border", "put a white border around {p}", "add a border"],
    "grain": ["add film grain", "film grain", "grain", "make {p} grainy", "add noise", "add some grain to {p}", "noisy film look",
              "make it look like old film", "grainy", "add analog grain"],
    "snow": ["make it snow", "add snow", "snow", "add falling snow", "snowflakes", "let it snow", "make it a snowy day",
             "add snowflakes to {p}", "snow falling", "a snowstorm", "make it snowy", "turn it into a snowy scene"],
    "rain": ["make it rain", "add rain", "rain", "add falling rain", "a rainy day", "let it rain", "rain streaks", "make it rainy",
             "add rain to {p}", "raindrops falling", "heavy rain", "turn it into a rainy scene"],
    "fog": ["add fog", "fog", "make it foggy", "add mist", "misty", "a foggy morning", "put fog in {p}", "haze", "make it hazy",
            "cover {p} in fog", "mist", "thick fog"],
    "night": ["make it night", "turn day into night", "night", "change the time to night", "make it nighttime", "at night",
              "night scene", "make it look like midnight", "turn it into a night scene", "the middle of the night"],
    "sketch": ["turn {p} into a pencil sketch", "pencil sketch", "sketch", "make it a drawing", "draw {p} with a pencil",
               "make it look like a drawing", "line drawing", "outline the edges", "turn it into a sketch", "pencil drawing",
               "show only the edges"],
    "sunset": ["add a sunset", "sunset", "make the sky a sunset", "sunset sky", "put a sunset in the sky", "turn the sky orange",
               "add a sunset gradient", "make it sunset", "change the time to sunset", "evening sky", "a sunset behind"],
}
PHOTO = ["the photo", "the picture", "the image", "this photo", "this picture", "this image", "it", "my photo", "the scene", "it",
         "the cat", "the woman", "the man", "the face", "this portrait", "the landscape", "everything", "the room", "my dog",
         "the cup", "this shot", "this", "the whole image"]
PRE = ["", "", "", "", "", "", "please ", "can you ", "could you ", "I want you to ", "now ", "please, "]
POST = ["", "", "", "", "", "", " please", " for me", ".", "!", ", thanks", " now"]
JOIN = [" and ", " and ", ", then ", " and also ", ", "]
NOMINAL = {n: w[0].replace("{p}", "the photo") for n, w in WORDINGS.items()}
WITH = {"vignette": " with a vignette", "frame": " with a white frame", "grain": " with film grain", "snow": " with falling snow",
        "rain": " with rain", "fog": " with fog"}


def wording(rng, name):
    w = WORDINGS[name]
    return w[rng.integers(len(w))].replace("{p}", PHOTO[rng.integers(len(PHOTO))])


def instruction(rng, names):
    t = wording(rng, names[0])
    for n in names[1:]:
        if n in WITH and rng.random() < .5:
            t += WITH[n]
        else:
            t += JOIN[rng.integers(len(JOIN))] + wording(rng, n)
    t = PRE[rng.integers(len(PRE))] + t + POST[rng.integers(len(POST))]
    k = rng.random()
    if k < .5:
        t = t[:1].upper() + t[1:]
    elif k < .55:
        t = t.upper()
    return t


def random_edit(rng, p_combo=.12):
    if rng.random() < p_combo:
        a = list(COMBOS[rng.integers(len(COMBOS))])
        return a
    names = list(EDITS)
    return [names[rng.integers(len(names))]]


def corpus(n=40000, seed=3):
    rng = np.random.default_rng(seed)
    return [instruction(rng, random_edit(rng, .2)) for _ in range(n)]


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("cmd", choices=["pool", "preview"])
    ap.add_argument("--out", default="pool.npy")
    ap.add_argument("--pool", default="pool.npy")
    ap.add_argument("--count", type=int, default=2400)
    a = ap.parse_args()
    if a.cmd == "pool":
        build_pool(a.out, a.count)
    else:
        pool = np.load(a.pool, mmap_mode="r")
        rng = np.random.default_rng(0)
        rows = [np.concatenate([cv2.resize(np.array(pool[rng.integers(len(pool))]), (128, 128)) for _ in range(10)], 1)
                for _ in range(4)]
        for k in range(0, len(EDITS), 10):
            names = (list(EDITS) + ["keep"] * 10)[k:k + 10]
            src = random_crop(rng, pool, 128, 128)
            rows.append(np.concatenate([(apply(src, [n], 1., rng) * 255).astype(np.uint8) for n in names], 1))
        cv2.imwrite(a.out, np.concatenate(rows, 0)[..., ::-1])
