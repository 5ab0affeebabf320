#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that succeed: what they write, what they tell, and that the same request gives the same bytes."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from scratch import CLI, DEMO, SOURCE, Skip, png_size, read_safetensors, run_cases, write_safetensors

SMALL = ('--size', 'match', '--steps', '2')


def text_chunks(path):
    """The iTXt chunks of a PNG."""
    data, position, texts = path.read_bytes(), 8, {}
    while position < len(data):
        length, kind = struct.unpack('>I4s', data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        if kind == b'iTXt':
            key, rest = body.split(b'\0', 1)
            texts[key.decode()] = (rest[0], rest[2:].split(b'\0', 2)[2])
        position += 12 + length
    return texts


def the_same_request_gives_the_same_bytes(s):
    photo = s.photo()
    first = s.edit(photo, *SMALL, '--seed', 7, out='a.png')[0].read_bytes()
    again = s.edit(photo, *SMALL, '--seed', 7, out='b.png')[0].read_bytes()
    other = s.edit(photo, *SMALL, '--seed', 8, out='c.png')[0].read_bytes()
    assert first == again and first != other


def json_is_one_object_and_nothing_else(s):
    path, out, _ = s.edit(s.photo(), *SMALL, '--json', '--seed', 18446744073709551615)
    assert out.count(b'\n') == 1
    result = json.loads(out)
    assert result['seed'] == 18446744073709551615 and result['steps'] == 2 and result['guidance'] == 2.5
    assert (result['width'], result['height']) == (64, 64) == png_size(path)
    assert set(result['timings']) >= {'load', 'text', 'encode', 'sample', 'decode', 'total'}
    assert result['peak_memory'] > 1 << 20 and result['model']['id'] == 'demo'
    assert re.fullmatch('[0-9a-f]{64}', result['model']['hash'])
    assert result['output'] == str(path) and result['device'] == 'cpu'


def a_seed_is_made_up_and_told(s):
    photo = s.photo()
    seeds = set()
    for name in ('a.png', 'b.png'):
        seeds.add(json.loads(s.edit(photo, *SMALL, '--json', out=name)[1])['seed'])
    assert len(seeds) == 2 and all(0 <= seed < 1 << 32 for seed in seeds)
    out = s.edit(photo, *SMALL, out='c.png')[1].decode()
    seed = re.search(r'seed (\d+)', out).group(1)
    again = s.edit(photo, *SMALL, '--seed', seed, out='d.png')[0].read_bytes()
    assert again == (s.out / 'c.png').read_bytes()


def quiet_is_quiet(s):
    _, out, err = s.edit(s.photo(), *SMALL, '--quiet')
    assert out == b'' and err == b''


def the_demo_model_introduces_itself(s):
    _, out, err = s.edit(s.photo(), *SMALL)
    lines = err.decode().splitlines()
    assert [line for line in lines if 'demo model' in line and 'Make it snow' in line
            and 'docs/models.md' in line] == lines[:1], lines
    assert b'64x64' in out
    assert b'demo model' not in s.edit(s.photo(), *SMALL, '--json', out='b.png')[2]


def progress_in_a_pipe_is_plain_lines(s):
    _, _, err = s.edit(s.photo(), '--size', 'match', '--steps', 30)
    lines = err.decode().splitlines()
    assert b'\r' not in err and b'\033' not in err
    steps = [line for line in lines if 'of 30' in line]
    assert 5 <= len(steps) <= 32 and len(set(lines)) == len(lines), lines
    assert 'step 30 of 30' in steps[-1]
    err = s.edit(s.photo(), '--size', 'match', '--steps', 300, out='b.png')[2]
    assert err.count(b'\n') < 130, err.count(b'\n')


def run_in_terminal(s, columns, *arguments):
    try:
        master, slave = pty.openpty()
    except OSError as reason:
        raise Skip(str(reason)) from reason
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    process = subprocess.Popen([CLI, *map(str, arguments)], stdin=slave, stdout=subprocess.PIPE, stderr=slave,
                               env=dict(s.environment, TERM='xterm'))
    os.close(slave)
    output = b''
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:
            break
        if not block:
            break
        output += block
    process.stdout.read()
    process.stdout.close()
    os.close(master)
    return process.wait(120), output.decode()


def progress_on_a_terminal_is_a_bar_that_fits(s):
    for columns in (120, 80, 40, 10):
        status, text = run_in_terminal(s, columns, 'edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png',
                                       '--size', 'match', '--steps', 20, '--json')
        assert status == 0, text
        frames = [frame.split('\033[K')[0] for frame in text.split('\r') if frame.strip()]
        assert frames and all(len(frame) < columns for frame in frames), (columns, frames)
        assert text.rstrip('\n').endswith('\r\033[K'), text[-40:]
        if columns >= 80:
            assert any('[' in frame and 'of 20' in frame for frame in frames), frames


def the_recipe_is_in_the_file(s):
    prompt = 'Make it "snow" – schön ❄\nand more'
    path = s.edit(s.photo(), *SMALL, '--seed', 3, '--guidance', '3.3', prompt=prompt)[0]
    compressed, text = text_chunks(path)['espalier']
    assert compressed == 0
    recipe = json.loads(text)
    assert recipe['prompt'] == prompt and recipe['seed'] == 3 and recipe['steps'] == 2
    assert recipe['guidance'] == 3.3 and (recipe['width'], recipe['height']) == (64, 64)
    assert recipe['model']['id'] == 'demo' and len(recipe['model']['hash']) == 64 and recipe['engine']
    bare = s.edit(s.photo(), *SMALL, '--seed', 3, '--no-metadata', out='bare.png', prompt=prompt)[0]
    assert 'espalier' not in text_chunks(bare) and 'schön'.encode() not in bare.read_bytes()


def every_output_format(s):
    photo = s.photo()
    for name, magic in (('o.png', b'\x89PNG'), ('o.jpg', b'\xff\xd8'), ('o.JPEG', b'\xff\xd8'), ('o.webp', b'RIFF'),
                        ('o.tiff', b'II*\0')):
        assert s.edit(photo, *SMALL, out=name)[0].read_bytes().startswith(magic)


def an_old_file_is_replaced_and_may_be_the_input(s):
    photo = s.photo()
    before = photo.read_bytes()
    status, _, err = s.run('edit', photo, '-p', 'Make it snow', '-o', photo, *SMALL)
    assert status == 0, err
    assert photo.read_bytes() != before and png_size(photo) == (64, 64)


def size_match_and_auto(s):
    photo = s.photo(width=70, height=50)
    assert png_size(s.edit(photo, '--size', 'match', '--steps', 1)[0]) == (64, 48)
    path, out, err = s.edit(photo, '--steps', 1, out='auto.png')
    width, height = png_size(path)
    assert width % 16 == 0 and height % 16 == 0 and 50000 < width * height < 80000
    assert b'scaled' in err, err


def several_inputs_are_references(s):
    photos = [s.photo('a.png'), s.photo('b.png', 48, 32)]
    offset = s.edit(*photos, *SMALL, '--seed', 1, out='o.png')[0].read_bytes()
    index = s.edit(*photos, *SMALL, '--seed', 1, '--multi-ref', 'index', out='i.png')[0].read_bytes()
    alone = s.edit(photos[0], *SMALL, '--seed', 1, out='a.png')[0].read_bytes()
    assert len({offset, index, alone}) == 3


def negative_prompt_and_true_cfg(s):
    photo = s.photo()
    plain = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', out='a.png')[0].read_bytes()
    # Neither half acts without the other.
    for number, options in enumerate((('--negative-prompt', 'fog'), ('--true-cfg', '3'))):
        same = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', *options, out=f's{number}.png')[0].read_bytes()
        assert same == plain, options
    both = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', '--negative-prompt', 'fog', '--true-cfg', 3,
                  out='b.png')[0].read_bytes()
    empty = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', '--negative-prompt', '', '--true-cfg', 3,
                   out='e.png')[0].read_bytes()
    assert len({plain, both, empty}) == 3


def steps_that_change_little_are_left_out(s):
    photo, options = s.photo(), ('--size', 'match', '--steps', 12, '--seed', 1)
    exact, out, _ = s.edit(photo, *options, '--json', out='a.png')
    report = json.loads(out)
    assert 'step_cache' not in report and 'computed_steps' not in report, report
    off, out, _ = s.edit(photo, *options, '--step-cache', 0, '--json', out='b.png')
    report = json.loads(out)
    assert off.read_bytes() == exact.read_bytes() and 'step_cache' not in report, report
    fast, out, _ = s.edit(photo, *options, '--step-cache', 0.3, '--json', out='c.png')
    report = json.loads(out)
    assert report['step_cache'] == 0.3 and 2 <= report['computed_steps'] < 12 and report['steps'] == 12, report
    assert fast.read_bytes() != exact.read_bytes() and b'step_cache' in fast.read_bytes()


def what_is_computed_is_kept_on_the_disk(s):
    photo, cache = s.photo(), s.folder / 'cache' / 'engine'
    s.environment['ESPALIER_CACHE_DIR'] = str(cache)
    without = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', '--no-cache', out='w.png')[0].read_bytes()
    assert not list(cache.iterdir())
    first = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', out='a.png')[0].read_bytes()
    kept = sorted(cache.iterdir())
    assert len(kept) == 2 and cache.stat().st_mode & 0o777 == 0o700, kept
    again = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', out='b.png')[0].read_bytes()
    kept[0].write_bytes(b'something else')
    damaged = s.edit(photo, *SMALL, '--seed', 1, '--no-metadata', out='d.png')[0].read_bytes()
    assert without == first == again == damaged and sorted(cache.iterdir()) == kept
    status, out, _ = s.run('models', 'clear-cache', '--dry-run', '--json')
    assert status == 0 and json.loads(out)['files'] == 2 and json.loads(out)['folder'] == str(cache), out
    status, out, _ = s.run('models', 'clear-cache')
    assert status == 0 and b'2' in out and not list(cache.iterdir()), out


def dump_and_noise(s):
    photo, dump = s.photo(), s.out / 'dump.safetensors'
    first = s.edit(photo, *SMALL, '--seed', 5, '--no-metadata', '--dump', dump)[0].read_bytes()
    header, data = read_safetensors(dump)
    for name in ('t5_ids', 'clip_ids', 't5_embeds', 'clip_pooled', 'reference_latents', 'noise', 'velocity_0',
                 'latents', 'image', 'sigmas'):
        assert name in header, (name, list(header))
    assert header['noise']['shape'] == [16, 64] and header['sigmas']['shape'] == [3]
    assert header['image']['shape'] == [64, 64, 3]
    begin, end = header['noise']['data_offsets']
    noise = s.folder / 'noise.safetensors'
    noise.write_bytes(write_safetensors({'noise': {'dtype': 'F32', 'shape': [16, 64],
                                                   'data_offsets': [0, end - begin]}}, data[begin:end]))
    again = s.edit(photo, *SMALL, '--seed', 99, '--no-metadata', '--noise', noise, out='n.png')[0].read_bytes()
    assert again == first
    dump.unlink()


def long_prompts_are_told(s):
    err = s.edit(s.photo(), *SMALL, prompt='make it snow and rain ' * 60)[2].decode()
    assert 'too long' in err and '64 tokens' in err, err
    result = json.loads(s.edit(s.photo(), *SMALL, '--json', out='b.png', prompt='snow ' * 300)[1])
    assert result['t5_truncated'] and result['clip_truncated']


def odd_names_and_empty_prompts(s):
    photo = s.photo('a photo – ü "x".png')
    assert s.edit(photo, *SMALL, out='- ö\n.png', prompt='')[0].exists()
    raw = os.fsencode(s.folder) + b'/latin-\xe9.png'
    os.rename(photo, raw)
    process = subprocess.run([os.fsencode(CLI), b'edit', raw, b'-p', b'x', b'-o', os.fsencode(s.out) + b'/\xe9.png',
                              b'--size', b'match', b'--steps', b'1', b'--json'], env=s.environment,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert process.returncode == 0, process
    json.loads(process.stdout)


def the_language_of_the_system_does_not_matter(s):
    for locale in ('C', 'POSIX', 'de_DE.UTF-8', 'tr_TR.UTF-8'):
        s.environment['LC_ALL'] = locale
        name = locale + '.png'
        out = s.edit(s.photo(), *SMALL, '--guidance', '3.5', '--json', out=name, prompt='schön ❄')[1]
        assert json.loads(out)['guidance'] == 3.5


def a_model_folder_may_be_named(s):
    # With a trailing slash, relative, and through a link.
    os.symlink(DEMO, s.folder / 'link')
    for model in (f'{DEMO}/', os.path.relpath(DEMO), s.folder / 'link'):
        result = json.loads(s.edit(s.photo(), *SMALL, '--json', '--model', model, out='m.png')[1])
        assert result['model']['id'] == 'demo'


def the_sample_photo(s):
    path, out, _ = s.edit(SOURCE / 'data/photos/cat.png', '--json', '--seed', 1)
    result = json.loads(out)
    assert png_size(path) == (256, 256) and result['steps'] == 8


sys.exit(run_cases([the_same_request_gives_the_same_bytes, json_is_one_object_and_nothing_else,
                    a_seed_is_made_up_and_told, quiet_is_quiet, the_demo_model_introduces_itself,
                    progress_in_a_pipe_is_plain_lines, progress_on_a_terminal_is_a_bar_that_fits,
                    the_recipe_is_in_the_file, every_output_format,
                    an_old_file_is_replaced_and_may_be_the_input, size_match_and_auto,
                    several_inputs_are_references, negative_prompt_and_true_cfg,
                    steps_that_change_little_are_left_out, what_is_computed_is_kept_on_the_disk,
                    dump_and_noise, long_prompts_are_told, odd_names_and_empty_prompts,
                    the_language_of_the_system_does_not_matter, a_model_folder_may_be_named,
                    the_sample_photo]))
