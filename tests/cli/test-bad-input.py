#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures, models and disks that are wrong: one clear line, nothing left, quickly."""
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import zlib

from scratch import Skip, chunk, png, read_safetensors, replace, run_cases, write_safetensors

TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors'


def refuse(s, model, *names, status=1):
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--model', model, '--size', 'match', '--steps', 1,
            '--quiet', names=names, status=status)


def picture_refused(s, path, *names):
    s.fails('edit', path, '-p', 'x', '-o', s.out / 'o.png', '--size', 'match', '--steps', 1, '--quiet',
            names=names or [os.path.basename(path)])


def pictures_that_are_none(s):
    picture_refused(s, s.folder / 'missing.png')
    picture_refused(s, s.tmp.parent)
    for name, data in (('empty.png', b''), ('text.png', b'hello\n' * 100), ('half.png', png(64, 64)[:200]),
                       ('noise.jpg', bytes(range(256)) * 50), ('start.jpg', b'\xff\xd8\xff\xe0' + bytes(300))):
        path = s.folder / name
        path.write_bytes(data)
        picture_refused(s, path)


def pictures_of_an_impossible_size(s):
    huge = s.folder / 'huge.png'
    huge.write_bytes(b'\x89PNG\r\n\x1a\n'
                     + chunk(b'IHDR', struct.pack('>IIBBBBB', 40000, 40000, 8, 2, 0, 0, 0))
                     + chunk(b'IDAT', zlib.compress(bytes(100000))) + chunk(b'IEND', b''))
    picture_refused(s, huge)
    for width, height in ((15, 64), (64, 15), (1, 1)):
        name = f'tiny-{width}x{height}.png'
        (s.folder / name).write_bytes(png(width, height))
        picture_refused(s, s.folder / name, name, f'{width}x{height}')


def pipes_and_devices_do_not_hang(s):
    os.mkfifo(s.folder / 'pipe.png')
    picture_refused(s, s.folder / 'pipe.png')
    picture_refused(s, '/dev/zero', '/dev/zero')
    picture_refused(s, '/dev/null', '/dev/null')
    model = s.model()
    (model / TRANSFORMER).unlink()
    os.mkfifo(model / TRANSFORMER)
    refuse(s, model, TRANSFORMER)


def a_second_picture_that_is_bad(s):
    bad = s.folder / 'bad.png'
    bad.write_bytes(b'nothing')
    s.fails('edit', s.photo(), bad, '-p', 'x', '-o', s.out / 'o.png', '--quiet', names='bad.png')


def weights_files_that_lie(s):
    header, data = read_safetensors(s.model() / TRANSFORMER)
    whole = write_safetensors(header, data)
    cases = {'empty': b'', 'short': whole[:5], 'cut header': whole[:1000], 'cut data': whole[:len(whole) // 2],
             'long header': struct.pack('<Q', 1 << 62) + whole[8:],
             'header beyond the file': struct.pack('<Q', len(whole)) + whole[8:],
             'header is no JSON': struct.pack('<Q', 100) + b'x' * 200,
             'header is an array': write_safetensors(b'[]', data),
             'header is deep': write_safetensors(b'{"a":' + b'[' * 200000 + b']' * 200000 + b'}', data)}
    for number, (what, content) in enumerate(cases.items()):
        model = s.model(f'm{number}')
        replace(model / TRANSFORMER, content)
        try:
            refuse(s, model, os.path.basename(TRANSFORMER))
        except AssertionError as error:
            raise AssertionError(f'{what}: {error}') from error


def tensors_that_are_wrong(s):
    header, data = read_safetensors(s.model() / TRANSFORMER)
    names = sorted(name for name in header if name != '__metadata__')
    name = 'x_embedder.weight'
    assert name in names
    changes = {}

    def change(what):
        copy = json.loads(json.dumps(header))
        changes[what] = copy
        return copy

    change('overlap')[name]['data_offsets'] = header[names[0]]['data_offsets']
    change('beyond')[name]['data_offsets'] = [len(data), len(data) + 10]
    change('backwards')[name]['data_offsets'] = header[name]['data_offsets'][::-1]
    change('negative')[name]['data_offsets'] = [-8, 8]
    change('shape')[name]['shape'] = header[name]['shape'][::-1] + [1]
    change('overflow')[name]['shape'] = [1 << 40, 1 << 40]
    change('dtype')[name]['dtype'] = 'F13'
    change('known dtype')[name]['dtype'] = 'I16'
    change('missing').pop(name)
    for number, (what, copy) in enumerate(changes.items()):
        model = s.model(f'm{number}')
        replace(model / TRANSFORMER, write_safetensors(copy, data))
        try:
            refuse(s, model, name)
        except AssertionError as error:
            raise AssertionError(f'{what}: {error}') from error


def weights_that_are_not_numbers(s):
    header, data = read_safetensors(s.model() / TRANSFORMER)
    for number, (name, bits) in enumerate((('x_embedder.weight', 0x7fc0),
                                           ('single_transformer_blocks.1.proj_out.weight', 0xff80))):
        assert header[name]['dtype'] == 'BF16'
        begin = header[name]['data_offsets'][0] + 6
        model = s.model(f'm{number}')
        replace(model / TRANSFORMER,
                write_safetensors(header, data[:begin] + struct.pack('<H', bits) + data[begin + 2:]))
        refuse(s, model, name)


def model_folders_that_are_broken(s):
    deep = b'{"a":' * 100000 + b'1' + b'}' * 100000
    cases = [('model_index.json', b'{"_class_name": "StableDiffusionPipeline"}', 'StableDiffusionPipeline'),
             ('model_index.json', b'{"_class_name": "Flux', 'model_index.json'),
             ('model_index.json', b'[]', 'model_index.json'), ('model_index.json', b'', 'model_index.json'),
             ('model_index.json', deep, 'model_index.json'),
             ('transformer/config.json', b'{', 'config.json'), ('transformer/config.json', deep, 'config.json'),
             ('transformer/config.json', b'{"num_layers": -5}', 'config.json'),
             ('vae/config.json', b'{"latent_channels": "many"}', 'config.json'),
             ('text_encoder/config.json', b'\xff\xfe', 'config.json'),
             ('scheduler/scheduler_config.json', b'{"shift": {}}', 'scheduler_config.json'),
             ('tokenizer/vocab.json', b'{}', 'vocab.json'), ('tokenizer/merges.txt', b'\xff\n', 'merges.txt'),
             ('tokenizer_2/tokenizer.json', b'{"model": 1}', 'tokenizer.json'),
             ('espalier.json', b'{"t5_tokens": 0}', 't5_tokens')]
    for number, (name, content, named) in enumerate(cases):
        model = s.model(f'm{number}')
        replace(model / name, content)
        try:
            refuse(s, model, named)
        except AssertionError as error:
            raise AssertionError(f'{name} = {content[:40]!r}: {error}') from error
    for number, name in enumerate(('model_index.json', 'transformer/config.json', TRANSFORMER, 'vae/config.json',
                                   'text_encoder_2/model.safetensors', 'tokenizer/vocab.json')):
        model = s.model(f'a{number}')
        (model / name).unlink()
        refuse(s, model, os.path.basename(name))
    refuse(s, s.folder / 'nowhere', 'nowhere')
    refuse(s, s.photo(), 'photo.png')


def noise_files_that_are_wrong(s):
    good = {'dtype': 'F32', 'shape': [4, 64], 'data_offsets': [0, 1024]}
    files = {'other': write_safetensors({'other': good}, bytes(1024)),
             'shape': write_safetensors({'noise': dict(good, shape=[2, 128])}, bytes(1024)),
             'count': write_safetensors({'noise': dict(good, shape=[2, 64], data_offsets=[0, 512])}, bytes(512)),
             'text': b'no safetensors at all'}
    for what, content in files.items():
        path = s.folder / f'{what}.safetensors'
        path.write_bytes(content)
        s.fails('edit', s.photo(width=32, height=32), '-p', 'x', '-o', s.out / 'o.png', '--size', 'match', '--steps', 1, '--quiet',
                '--noise', path, names=f'{what}.safetensors')


def long_prompt():
    """It goes into the result's metadata, and there it is compressed: so no plain repetition."""
    generator = random.Random(1)
    return ''.join(generator.choice('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ') for _ in range(12000))


def limit_files(size):
    def apply():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


def a_disk_that_fills_up(s):
    """The result does not fit; the exchange with the worker does. The old file survives."""
    photo = s.photo(width=16, height=16)
    old = s.out / 'o.png'
    old.write_bytes(b'the old file')
    prompt = long_prompt()
    s.fails('edit', photo, '-p', prompt, '-o', old, '--size', 'match', '--steps', 1, '--quiet', names='o.png',
            preexec_fn=limit_files(4000))
    assert old.read_bytes() == b'the old file'
    # Not even the memory fits, which counts as a file, in which the photo goes to the decoder.
    s.fails('edit', photo, '-p', 'x', '-o', old, '--size', 'match', '--steps', 1, '--quiet', names='photo.png',
            preexec_fn=limit_files(100))
    assert old.read_bytes() == b'the old file'
    s.fails('edit', photo, '-p', 'x', '-o', s.out / 'new.png', '--size', 'match', '--steps', 1, '--quiet',
            '--dump', s.out / 'd.safetensors', names='d.safetensors', preexec_fn=limit_files(20000))


def a_full_device(s):
    os.symlink('/dev/full', s.out / 'full.png')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'full.png', '--size', 'match', '--steps', 1, '--quiet',
            names='full.png')


def a_small_file_system(s):
    folder = s.out / 'small'
    folder.mkdir()
    may_mount = os.geteuid() == 0 and shutil.which('mount')
    if not may_mount or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8k', 'none', folder],
                                       stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Skip('no file system can be mounted here')
    try:
        old = folder / 'o.png'
        old.write_bytes(b'the old file')
        s.fails('edit', s.photo(), '-p', long_prompt(), '-o', old, '--size', 'match', '--steps', 1, '--quiet',
                names='o.png')
        assert old.read_bytes() == b'the old file' and len(list(folder.iterdir())) == 1
    finally:
        subprocess.run(['umount', folder], check=False)


def a_temporary_folder_that_is_missing(s):
    s.environment['TMPDIR'] = str(s.folder / 'nowhere')
    # It falls back to /tmp.
    status, _, err = s.run('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--size', 'match', '--steps', 1)
    assert status == 0, err


def no_signal_ends_it(s):
    """None of the above may be a crash: the shell would say 128 + signal, Python a negative status."""
    path = s.folder / 'x.png'
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + b'\xff' * 100)
    status = s.run('edit', path, '-p', 'x', '-o', s.out / 'o.png')[0]
    assert status == 1 and signal.SIGSEGV != -status


sys.exit(run_cases([pictures_that_are_none, pictures_of_an_impossible_size, pipes_and_devices_do_not_hang,
                    a_second_picture_that_is_bad, weights_files_that_lie, tensors_that_are_wrong,
                    weights_that_are_not_numbers, model_folders_that_are_broken, noise_files_that_are_wrong,
                    a_disk_that_fills_up, a_full_device, a_small_file_system,
                    a_temporary_folder_that_is_missing, no_signal_ends_it]))
