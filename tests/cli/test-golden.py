#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three golden edits that come with the demo model: every intermediate tensor, in f32 and bf16."""
import array
import json
import math
import struct
import sys

from scratch import SOURCE, read_safetensors, run_cases

GOLDEN = SOURCE / 'tests/data/demo-golden'

# Our tensor, the golden file's, and the largest relative L2 distance in f32.
TENSORS = (
    ('t5_embeds', 't5_sequence', 2e-4), ('clip_pooled', 'clip_pooled', 2e-4), ('noise', 'noise', 1e-6),
    ('reference_latents', 'reference_latents', 2e-4), ('velocity_0', 'first_step_output', 2e-4),
    ('latents', 'final_latents', 1e-3), ('sigmas', 'sigmas', 1e-6),
)
FORMATS = {'F32': 'f', 'I32': 'i'}


def values(file, name):
    header, data = file
    begin, end = header[name]['data_offsets']
    if header[name]['dtype'] == 'F16':
        return struct.unpack(f'<{(end - begin) // 2}e', data[begin:end])
    return array.array(FORMATS[header[name]['dtype']], data[begin:end])


def distance(ours, golden):
    """Relative L2; a golden tensor may go on where ours ends (the reference's rows of the velocity)."""
    assert len(ours) <= len(golden)
    difference = sum((a - b) ** 2 for a, b in zip(ours, golden))
    return math.sqrt(difference / sum(b * b for b in golden[:len(ours)]))


def psnr(ours, golden, width, height):
    """Ours is [height, width, 3], the golden picture [3, height, width]."""
    total = 0.0
    for channel in range(3):
        plane = golden[channel * width * height:(channel + 1) * width * height]
        total += sum((a - b) ** 2 for a, b in zip(ours[channel::3], plane))
    return -10 * math.log10(total / len(ours))


def golden_edit(s, case, dtype):
    dump = s.folder / f'{dtype}.safetensors'
    s.edit(GOLDEN / case['input'], '--size', 'match', '--seed', case['seed'], '--steps', case['steps'],
           '--guidance', case['guidance'], '--dtype', dtype, '--dump', dump, '--quiet', prompt=case['prompt'])
    return read_safetensors(dump)


def check_case(s, number):
    case = json.loads((GOLDEN / 'index.json').read_text())['cases'][number]
    golden = read_safetensors(GOLDEN / case['tensors'])
    picture = values(golden, 'decoded')
    ours = golden_edit(s, case, 'f32')
    for name in ('t5_ids', 'clip_ids'):
        assert list(values(ours, name)) == list(values(golden, name)), name
    for name, theirs, limit in TENSORS:
        apart = distance(values(ours, name), values(golden, theirs))
        print(f'# {name}: {apart:.1e}')
        assert apart <= limit, (name, apart)
    for dtype, least in (('f32', 55), ('bf16', 35)):
        result = ours if dtype == 'f32' else golden_edit(s, case, dtype)
        decibels = psnr(values(result, 'image'), picture, case['width'], case['height'])
        print(f'# {dtype} image: {decibels:.1f} dB')
        assert decibels >= least, (dtype, decibels)


def the_astronaut_in_black_and_white(s):
    check_case(s, 0)


def the_cat_at_golden_hour_with_a_frame(s):
    check_case(s, 1)


def the_coffee_in_the_snow(s):
    check_case(s, 2)


if __name__ == '__main__':
    sys.exit(run_cases([
        the_astronaut_in_black_and_white,
        the_cat_at_golden_hour_with_a_frame,
        the_coffee_in_the_snow,
    ]))
