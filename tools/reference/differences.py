#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/data/differences: pairs of small pictures and how much scikit-image (0.26) says that
they differ, pixel by pixel and in sum; and pairs of colours in L*a*b*.

    python3 tools/reference/differences.py tests/data/differences

NAME-a.ppm, NAME-b.ppm   the pictures
NAME.f32                 deltaE_ciede2000 (rgb2lab (a), rgb2lab (b)), little endian, row by row
figures.txt              a line a pair: name, mean, largest, share above 2.3
colors.txt               a line a pair: L a b, L a b, difference; the first 34 are those of Sharma, Wu
                         and Dalal (2005) with the differences that they print
"""
import io
import sys
from pathlib import Path

import numpy
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

OUT = Path(sys.argv[1])
PHOTOS = Path(__file__).resolve().parent.parent.parent / 'data' / 'photos'
W, H = 48, 32
figures = []

SHARMA = '''
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
'''


def pair(name, a, b):
    """Stores two H x W x 3 arrays of bytes and their difference."""
    values = deltaE_ciede2000(rgb2lab(a), rgb2lab(b))
    for letter, pixels in ('a', a), ('b', b):
        header = b'P6\n%d %d\n255\n' % (pixels.shape[1], pixels.shape[0])
        (OUT / f'{name}-{letter}.ppm').write_bytes(header + pixels.tobytes())
    (OUT / f'{name}.f32').write_bytes(values.astype('<f4').tobytes())
    sums = (values.mean(), values.max(), (values > 2.3).mean())
    figures.append(' '.join([name] + ['%.6f' % number for number in sums]))


def crop(photo, left, top):
    return numpy.asarray(Image.open(PHOTOS / photo).convert('RGB').crop((left, top, left + W, top + H)))


def as_jpeg(pixels, quality):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, 'JPEG', quality=quality)
    return numpy.asarray(Image.open(out).convert('RGB'))


def gray(values):
    return numpy.repeat(values[..., None], 3, axis=2).astype(numpy.uint8)


OUT.mkdir(parents=True, exist_ok=True)
random = numpy.random.default_rng(20)
x, y = numpy.meshgrid(numpy.arange(W), numpy.arange(H))

cat, coffee = crop('cat.png', 96, 64), crop('coffee.png', 100, 90)
pair('photo-jpeg', cat, as_jpeg(cat, 60))
pair('photo-warmer', coffee, numpy.clip(coffee * [1.12, 1.0, 0.85], 0, 255).astype(numpy.uint8))
pair('photo-other', cat, coffee)

# A third of it untouched, as after an edit of a part.
part = coffee.copy()
part[:, W // 3:] = part[:, W // 3:, ::-1]
pair('photo-part', coffee, part)

# Every grey with its neighbours, and greys with a channel that is one off: there is almost no hue.
greys = gray((x + y * W) % 256)
pair('grey-next', greys, gray((x + y * W + 1) % 256))
near = greys.astype(int)
near[..., 0] += x % 3 - 1
near[..., 2] += y % 3 - 1
pair('grey-tinted', greys, numpy.clip(near, 0, 255).astype(numpy.uint8))
pair('grey-colour', greys, random.integers(0, 256, (H, W, 3), dtype=numpy.uint8))

# Blues, where the formula turns its ellipses; hues that are opposite; the darkest colours.
blues = numpy.stack([x * 2, y * 3, numpy.full_like(x, 255)], axis=2).astype(numpy.uint8)
pair('blue', blues, numpy.roll(blues, 1, axis=1))
noise = random.integers(0, 256, (H, W, 3), dtype=numpy.uint8)
pair('opposite', noise, 255 - noise)
dark = random.integers(0, 14, (H, W, 3), dtype=numpy.uint8)
pair('dark', dark, random.integers(0, 14, (H, W, 3), dtype=numpy.uint8))
pair('noise', noise, random.integers(0, 256, (H, W, 3), dtype=numpy.uint8))
pair('equal', cat, cat)

(OUT / 'figures.txt').write_text('\n'.join(figures) + '\n')

colors = []
for line in SHARMA.split('\n'):
    if not line:
        continue
    numbers = [float(word) for word in line.split()]
    assert abs(deltaE_ciede2000(numbers[:3], numbers[3:6]) - numbers[6]) < 6e-5, line
    colors.append(line)
for scale in 128, 8, 0.1:
    one, other = (random.uniform([0, -scale, -scale], [100, scale, scale], (100, 3)) for _ in range(2))
    for row in numpy.hstack([one, other, deltaE_ciede2000(one, other)[:, None]]):
        colors.append(' '.join('%.6f' % number for number in row))
(OUT / 'colors.txt').write_text('\n'.join(colors) + '\n')
