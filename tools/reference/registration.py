#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the golden values of registrations and planes in tests/data/untouched, with scikit-image
(0.26), SciPy (1.17) and Pillow (13).

    python3 tools/reference/registration.py tests/data/untouched

NAME-source.png, NAME-result.*   pictures, as large as each other or not
registration.txt                 a line a pair: source, result, the shift (px of the source) and scale that the
                                 result was made with, gain and offset of R, G, B; then the shift that
                                 skimage.registration.phase_cross_correlation sees in the lumas as
                                 they are in the files, or "-" where it can tell none
planes.txt                       what Gaussians of SciPy and Lanczos of Pillow make of the luma of
                                 cat-source.png: what, its size or σ, x, y, the value there

The photos are scikit-image's: chelsea and coffee (CC0), astronaut (public domain), grass (CC0).
"""
import io
import sys
from pathlib import Path

import numpy
import skimage
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.registration import phase_cross_correlation

OUT = Path(sys.argv[1])
DATA = Path(skimage.__file__).parent / 'data'
W, H = 176, 132
LUMA = numpy.array([0.299, 0.587, 0.114])
lines = []


def photo(file):
    return numpy.asarray(Image.open(DATA / file).convert('RGB')).astype(float)


def luma(pixels):
    return pixels @ LUMA


def moved(whole, left, top, shift, scale, size):
    """The crop at left, top as a picture of `size`, its content moved and scaled about its middle.

    What comes in from beyond the crop's edges is what the whole photo has there."""
    width, height = size
    x = (numpy.arange(width) + 0.5) * W / width - W / 2
    y = (numpy.arange(height) + 0.5) * H / height - H / 2
    x = (x - shift[0]) / scale + W / 2 - 0.5 + left
    y = (y - shift[1]) / scale + H / 2 - 0.5 + top
    places = numpy.meshgrid(y, x, indexing='ij')
    spread = max(0, 0.5 * (W / width - 1))
    channels = [ndimage.gaussian_filter(whole[..., c], spread) for c in range(3)]
    return numpy.stack([ndimage.map_coordinates(c, places, order=5) for c in channels], axis=2)


def to_bytes(pixels):
    return Image.fromarray(numpy.clip(numpy.round(pixels), 0, 255).astype(numpy.uint8))


def see_shift(one, other, whole):
    """What scikit-image sees when the whole pixels of the shift have been taken away: it looks
    through a window, which would draw larger shifts towards 0."""
    x, y = whole
    one = one[max(0, -y):H - max(0, y), max(0, -x):W - max(0, x)]
    other = other[max(0, y):H - max(0, -y), max(0, x):W - max(0, -x)]
    window = numpy.hanning(one.shape[0])[:, None] * numpy.hanning(one.shape[1])
    found = phase_cross_correlation((one - one.mean()) * window, (other - other.mean()) * window,
                                    upsample_factor=100, normalization=None)[0]
    return x - found[1], y - found[0]


def pair(name, source, file, left, top, shift, scale=1, size=(W, H), edit=None, gain=(1, 1, 1), offset=(0, 0, 0),
         noise=0, kind='png', quality=0):
    """A result of the photo's crop; `edit` draws on a copy of the whole photo first."""
    whole = photo(file)
    source_path = OUT / f'{source}-source.png'
    to_bytes(whole[top:top + H, left:left + W]).save(source_path, optimize=True)
    if edit is not None:
        image = to_bytes(whole)
        edit(ImageDraw.Draw(image), left, top)
        whole = numpy.asarray(image).astype(float)
    pixels = moved(whole, left, top, shift, scale, size) * gain + offset
    pixels += numpy.random.default_rng(len(lines)).normal(0, noise, pixels.shape)
    result_path = OUT / f'{name}-result.{kind}'
    to_bytes(pixels).save(result_path, **({'quality': quality} if quality else {'optimize': True}))
    seen = '- -'
    if scale == 1 and size == (W, H):
        one, other = (luma(numpy.asarray(Image.open(path).convert('RGB')).astype(float))
                      for path in (source_path, result_path))
        seen = '%.2f %.2f' % see_shift(one, other, [round(n) for n in shift])
    numbers = [*shift, scale, *gain, *offset]
    lines.append(' '.join([source_path.name, result_path.name, *(f'{n:g}' for n in numbers), seen]))


def disc(draw, left, top):
    draw.ellipse((left + 90, top + 30, left + 140, top + 80), fill=(40, 90, 200))


def stroke(draw, left, top):
    draw.line((left - 9, top + 100, left + 190, top + 20), fill=(250, 240, 20), width=3)


def block(draw, left, top):
    """More than 40 % of the picture."""
    draw.rectangle((left + 80, top - 9, left + 190, top + 100), fill=(200, 60, 60))
    for i in range(12):
        draw.ellipse((left + 70 + 9 * i, top + 7 * i, left + 90 + 9 * i, top + 7 * i + 15), fill=(20 * i, 90, 160))


def planes():
    """Values at places that are no whole numbers of anything."""
    values = luma(numpy.asarray(Image.open(OUT / 'cat-source.png')).astype(float))
    rows = []
    for sigma in 0.8, 3, 10:
        smooth = ndimage.gaussian_filter(values, sigma, mode='reflect', truncate=6)
        rows += [f'gaussian {sigma:g} {x} {y} {smooth[y, x]:.4f}' for y in (0, 5, 50, 77, H - 1) for x in (0, 3, 88, W - 1)]
    image = Image.fromarray(values.astype(numpy.float32), mode='F')
    for width, height in (100, 75), (211, 160):
        small = numpy.asarray(image.resize((width, height), Image.LANCZOS))
        rows += [f'lanczos {width}x{height} {x} {y} {small[y, x]:.4f}'
                 for y in (11, height // 2, height - 12) for x in (10, width // 3, width - 11)]
    (OUT / 'planes.txt').write_text('\n'.join(rows) + '\n')


OUT.mkdir(parents=True, exist_ok=True)
pair('cat-moved', 'cat', 'chelsea.png', 130, 60, (3.37, -2.81))
pair('cat-edited', 'cat', 'chelsea.png', 130, 60, (-1.25, 4.5), 1.008, edit=disc, gain=(1.02, 1.0, 0.98),
     offset=(-2, 1, 3), kind='jpg', quality=85)
pair('cat-block', 'cat', 'chelsea.png', 130, 60, (2.2, 2.6), 0.993, edit=block, noise=1.5)
pair('cat-enlarged', 'cat', 'chelsea.png', 130, 60, (0.6, -0.4), size=(224, 160), offset=(4, -3, 2), kind='jpg', quality=92)
pair('coffee-moved', 'coffee', 'coffee.png', 220, 140, (-5.6, 1.9), offset=(3, 3, 3), kind='jpg', quality=88)
pair('coffee-small', 'coffee', 'coffee.png', 220, 140, (1.5, -2.25), 1.01, size=(112, 80), edit=stroke, kind='png')
pair('astronaut-moved', 'astronaut', 'astronaut.png', 150, 40, (0.5, 0.5), edit=stroke, noise=2, kind='webp', quality=85)
pair('grass-moved', 'grass', 'grass.png', 170, 190, (-3.3, -4.7), noise=1, kind='jpg', quality=80)
(OUT / 'registration.txt').write_text('\n'.join(lines) + '\n')
planes()
