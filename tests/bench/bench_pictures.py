# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for benchmarks: made, read and compared with nothing but the standard library."""

import math
import pathlib
import re


def picture_rows(size):
    """A soft pattern with some detail: `size` rows of `size` RGB pixels."""
    return [bytes(v for x in range(size) for v in
                  ((x * 255) // size, (y * 255) // size, ((x // 16 + y // 16) % 2) * 120 + (x * y) % 61))
            for y in range(size)]


def write_ppm(path, size):
    pathlib.Path(path).write_bytes(b"P6\n%d %d\n255\n" % (size, size) + b"".join(picture_rows(size)))


def read_ppm(path):
    data = pathlib.Path(path).read_bytes()
    return data[re.match(rb"P6\s+\d+\s+\d+\s+255\s", data).end():]


def psnr(a, b):
    """None unless both are there and of one size."""
    if a is None or b is None or len(a) != len(b):
        return None
    error = sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)
    return math.inf if error == 0 else 10 * math.log10(255 ** 2 / error)
