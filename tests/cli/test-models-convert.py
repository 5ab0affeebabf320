#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""espalier-cli models convert: what it writes can be edited with, and is there as a whole or not at all."""
import json
import os
import signal
import sys

from scratch import DEMO, run_cases, wait_until

TYPES = ('q8_0', 'q4_k', 'fp8', 'bf16')


def convert(s, source, name, *options):
    target = s.out / name
    status, output, errors = s.run('models', 'convert', source, target, *options)
    assert status == 0, (status, errors)
    return target, output, errors


def zeros(path, rows=1 << 18, columns=1 << 11):
    """A file of F32 weights that takes no room on the disk: two gigabytes take a while."""
    header = json.dumps({'a.weight': {'dtype': 'F32', 'shape': [rows, columns],
                                      'data_offsets': [0, 4 * rows * columns]}}).encode()
    with open(path, 'wb') as file:
        file.write(len(header).to_bytes(8, 'little') + header)
        file.truncate(8 + len(header) + 4 * rows * columns)
    return path


def each_type_is_written_and_makes_a_picture(s):
    sizes = {}
    for kind in TYPES:
        target, output, _ = convert(s, DEMO / 'transformer', kind, '--type', kind, '--json')
        answer = json.loads(output)
        sizes[kind] = target.stat().st_size
        assert answer['type'] == kind and answer['output'] == str(target), answer
        assert answer['bytes_out'] == sizes[kind] and answer['converted'] > 0 and answer['left_out'] == 0, answer
        assert (target.read_bytes()[:4] == b'GGUF') == kind.startswith('q'), kind
        picture, _, _ = s.edit(s.photo(), '--model', DEMO, '--component', f'transformer={target}',
                               '--steps', '1', '--size', 'match', out=f'{kind}.png')
        assert picture.stat().st_size > 0
    assert sizes['q4_k'] < sizes['q8_0'] < sizes['bf16'], sizes


def a_converted_file_is_converted_again(s):
    first, _, _ = convert(s, DEMO / 'text_encoder_2' / 'model.safetensors', 'a.gguf', '-t', 'q8_0', '-q')
    second, output, errors = convert(s, first, 'b.safetensors', '--type', 'bf16')
    assert b'bf16' in output and b'converting' in errors, (output, errors)
    size = second.stat().st_size
    assert size > first.stat().st_size
    target, _, _ = convert(s, first, 'b.safetensors', '--type', 'fp8')  # over the old one
    assert target == second and target.stat().st_size < size


def a_signal_leaves_what_was_there(s):
    source = zeros(s.folder / 'zeros.safetensors')
    old = s.out / 'old.gguf'
    old.write_bytes(b'as it was')
    for number in (signal.SIGINT, signal.SIGTERM):
        process = s.start('models', 'convert', source, old, '--type', 'q4_k')
        wait_until(lambda: any(name.endswith('.part') for name in os.listdir(s.out)))
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 128 + number, (process.returncode, errors)
        assert b'interrupted' in errors and b'old.gguf' in errors, errors
        assert os.listdir(s.out) == ['old.gguf'] and old.read_bytes() == b'as it was'


def what_is_wrong_is_named(s):
    good, out = DEMO / 'vae', s.out / 'x'
    cut = s.folder / 'cut.gguf'
    cut.write_bytes(b'GGUF\3\0\0\0')
    big = s.folder / 'big-endian.gguf'
    big.write_bytes(b'GGUF\0\0\0\3' + bytes(16))
    s.fails('models', 'convert', DEMO, out, '--type', 'fp8', names=[str(DEMO / 'transformer')])
    s.fails('models', 'convert', s.folder / 'none', out, '--type', 'fp8', names=['none'])
    s.fails('models', 'convert', cut, out, '--type', 'fp8', names=['cut.gguf', 'cut short'])
    s.fails('models', 'convert', big, out, '--type', 'fp8', names=['big-endian.gguf', 'big-endian'])
    s.fails('models', 'convert', good, s.out / 'no/such/x', '--type', 'fp8', names=['no/such/x'])
    s.fails('models', 'convert', cut, cut, '--type', 'fp8', names=['cut.gguf'])
    s.fails('models', 'convert', good, out, status=2, names=['--type'])
    s.fails('models', 'convert', good, out, '--type', 'q5', status=2, names=['--type', 'q5', 'q4_k'])
    s.fails('models', 'convert', good, '--type', 'fp8', status=2, names=['convert'])
    s.fails('models', 'convert', good, out, out, '--type', 'fp8', status=2, names=[str(out)])


sys.exit(run_cases([each_type_is_written_and_makes_a_picture, a_converted_file_is_converted_again,
                    a_signal_leaves_what_was_there, what_is_wrong_is_named]))
