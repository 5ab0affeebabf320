#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far F(4x4, 3x3) in f32 is from the direct sum in f64, by choice of interpolation points.

    winograd.py [CHANNELS]

prints, for several sets of finite points (infinity is the sixth), the relative L2 difference and the
largest difference over the root mean square. kernels/winograd.c uses the best that has exact squares.
Needs numpy.
"""
import sys
from fractions import Fraction as F

import numpy as np

MADE, TAPS, SIDE = 4, 3, 6


def times(a, b):
    product = [F(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    return product


def matrices(points):
    """Output, weight and input transforms (Toom-Cook) of the finite points and infinity."""
    output = [[p**i for p in points] + [F(int(i == MADE - 1))] for i in range(MADE)]
    weights, inputs = [], []
    for j, p in enumerate(points):
        scale, row = F(1), [F(1)]
        for q in points[:j] + points[j + 1:]:
            scale *= p - q
            row = times(row, [-q, F(1)])
        weights.append([p**i / scale for i in range(TAPS)])
        inputs.append(row + [F(0)])
    weights.append([F(0), F(0), F(1)])
    row = [F(1)]
    for q in points:
        row = times(row, [-q, F(1)])
    inputs.append(row)
    return [np.array([[float(x) for x in r] for r in m]) for m in (output, weights, inputs)]


def difference(points, channels, tiles=64, outs=8):
    output, weights, inputs = matrices([F(p) for p in points])
    random = np.random.default_rng(0)
    w = random.standard_normal((channels, outs, TAPS, TAPS)).astype(np.float32)
    x = random.standard_normal((tiles, channels, SIDE, SIDE))
    x = (x / (1 + np.exp(-x))).astype(np.float32)  # SiLU, as in the autoencoder
    direct = np.zeros((tiles, outs, MADE, MADE))
    for i in range(MADE):
        for j in range(MADE):
            direct[:, :, i, j] = np.einsum('tcab,coab->to', x[:, :, i:i + TAPS, j:j + TAPS],
                                           w.astype(float))
    u = np.einsum('pa,coab,qb->pqco', weights, w, weights).astype(np.float32)
    inputs, output = inputs.astype(np.float32), output.astype(np.float32)
    v = np.einsum('pa,tcab->tcpb', inputs, x)
    v = np.einsum('tcpb,qb->pqtc', v, inputs)
    y = np.einsum('ip,pqto->iqto', output, v @ u)
    y = np.einsum('jq,iqto->toij', output, y)
    off = y - direct
    return (np.sqrt((off**2).sum() / (direct**2).sum()),
            np.abs(off).max() / np.sqrt((direct**2).mean()))


def main():
    channels = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    for points in (('0', '1', '-1', '2', '-2'), ('0', '1', '-1', '1/2', '-1/2'),
                   ('0', '1', '-1', '1/2', '-2'), ('0', '1/2', '-1/2', '3/2', '-3/2'),
                   ('0', '5/8', '-5/8', '5/4', '-5/4'), ('0', '3/4', '-3/4', '3/2', '-3/2')):
        print('%-24s relative %.2e, largest %.2e' % (' '.join(points),
                                                     *difference(points, channels)))


if __name__ == '__main__':
    main()
