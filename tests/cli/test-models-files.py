#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models named by their files: --model FILE, --component, and models inspect."""
import json
import shutil
import sys

from scratch import DEMO, run_cases

WEIGHTS = 'diffusion_pytorch_model.safetensors'
PARTS = {'clip': 'text_encoder', 't5': 'text_encoder_2', 'vae': 'vae', 'tokenizer': 'tokenizer',
         'tokenizer_2': 'tokenizer_2'}
QUICK = ('--steps', '1', '--size', 'match', '--seed', '3')


def lone(s, name='kontext.safetensors'):
    """The demo's transformer, far from everything else."""
    folder = s.folder / 'files'
    folder.mkdir(exist_ok=True)
    shutil.copy(DEMO / 'transformer' / WEIGHTS, folder / name)
    return folder / name


def named(*parts):
    return [f'{part}={DEMO / PARTS[part]}' for part in parts or PARTS]


def manifest(s):
    """A folder that only says where the parts are, with the demo's own settings."""
    folder = s.folder / 'put-together'
    folder.mkdir()
    told = json.loads((DEMO / 'espalier.json').read_text())
    told['components'] = {part: str(DEMO / name) for part, name in PARTS.items()}
    told['components']['transformer'] = '../files/kontext.safetensors'
    (folder / 'espalier.json').write_text(json.dumps(told))
    return folder


def a_folder_that_names_its_parts_gives_the_same_picture(s):
    lone(s)
    expected, _, _ = s.edit(s.photo(), '--model', DEMO, *QUICK, out='a.png')
    found, _, _ = s.edit(s.photo(), '--model', manifest(s), *QUICK, out='b.png')
    by_id, _, _ = s.edit(s.photo(), '--model', 'demo', *QUICK, out='c.png')
    pictures = [path.read_bytes().split(b'IDAT', 1)[1] for path in (expected, found, by_id)]
    assert pictures[0] == pictures[2]
    assert pictures[0] == pictures[1]


def components_may_follow_one_option_or_many(s):
    model = lone(s)
    one, _, _ = s.edit(s.photo(), '--model', model, '--component', *named(), *QUICK, out='one.png')
    many = [word for part in named() for word in ('--component', part)]
    other, _, _ = s.edit(*many, s.photo(), '--component', f'transformer={model}', *QUICK, out='many.png')
    joined, _, _ = s.edit(s.photo(), f'--component=transformer={model}', *named(), *QUICK, out='joined.png')
    data = [path.read_bytes().split(b'IDAT', 1)[1] for path in (one, other, joined)]
    assert data[0] == data[1] == data[2]


def every_command_takes_them(s):
    model, photo, document = lone(s), s.photo(), s.folder / 'd.espalier'
    words = ['--model', model, '--component', *named()]
    status, output, errors = s.run('describe', *words, '--json')
    assert status == 0, errors
    assert json.loads(output)['model']['id'] == 'kontext', output
    status, output, errors = s.run('tokenize', *words, data=b'Make it snow\n')
    assert status == 0 and json.loads(output)['t5'], errors
    assert s.run('new', document, photo)[0] == 0
    status, output, errors = s.run('run', document, '-p', 'Make it snow', '--set', 'steps=1', '--set', 'size=match',
                                   *words)
    assert status == 0, errors
    status, output, errors = s.run('sweep', document, '-p', 'Make it snow', '--axis', 'seed=1,2', '--set', 'steps=1',
                                   '--set', 'size=match', *words)
    assert status == 0, errors
    status, output, _ = s.run('log', document, '--json')
    assert status == 0 and output.count(b'"model":"kontext"') == 1, output


def what_is_missing_is_listed(s):
    model = lone(s)
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'x.png', '--model', model, names=['clip=FILE', 'tokenizer=DIR'])
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'x.png', '--model', model, '--component',
            *named('clip', 't5', 'tokenizer'), names=['vae=FILE', 'autoencoder'])


def wrong_options_are_named(s):
    model = lone(s)
    edit = ['edit', s.photo(), '-p', 'x', '-o', s.out / 'x.png', '--model', model, '--component']
    s.fails(*edit, 'unet=x', status=2, names=['unet=x', 'transformer'])
    s.fails(*edit, 'vae=', status=2, names=['vae='])
    s.fails(*edit, *named('vae', 'vae'), status=2, names=['vae', 'twice'])
    s.fails(*edit, 'vae=/nonexistent', names=['/nonexistent'])
    s.fails(*edit, f'vae={DEMO / "text_encoder"}', *named('clip', 't5', 'tokenizer', 'tokenizer_2'), names=['autoencoder', 'clip=FILE'])
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'x.png', '--model', 'no-such-model', names=['no-such-model'])


def inspect(s, *words):
    status, output, errors = s.run('models', 'inspect', '--json', *words)
    assert status == 0, errors
    return json.loads(output)


def inspect_tells_what_files_are(s):
    model = lone(s)
    whole = inspect(s, DEMO)
    assert whole['kind'] == 'model' and whole['runnable'] and whole['missing'] == [], whole
    assert whole['parameters'] == 9406579 and whole['estimate']['seconds_per_step'] > 0, whole
    assert [part['component'] for part in whole['components']] == ['transformer', 'clip', 't5', 'vae']
    bare = inspect(s, model)
    assert bare['missing'] == ['clip', 't5', 'vae', 'tokenizer', 'tokenizer_2'] and not bare['runnable'], bare
    assert bare['formats'][0]['format'] == 'BF16' and bare['variant'] == 'kontext-or-dev'
    assert inspect(s, model, '--component', *named())['runnable']
    part = inspect(s, DEMO / 'vae' / WEIGHTS)
    assert part['kind'] == 'component' and part['components'][0]['component'] == 'vae', part
    assert inspect(s, DEMO / 'tokenizer')['part'] == 'tokenizer'
    assert inspect(s, DEMO / 'tokenizer_2')['part'] == 'tokenizer_2'
    status, output, _ = s.run('models', 'inspect', model)
    assert status == 0 and b'Missing: clip, t5, vae, tokenizer, tokenizer_2' in output, output
    s.fails('models', 'inspect', s.photo(), names=['photo.png'])
    s.fails('models', 'inspect', '/nonexistent', names=['/nonexistent'])
    s.fails('models', 'inspect', status=2, names=['inspect'])


def of_two_files_one_is_taken_and_said(s):
    model = lone(s)
    for name in ('a.safetensors', 'b.safetensors'):
        shutil.copy(DEMO / 'text_encoder' / 'model.safetensors', model.parent / name)
    words = [model, '--component', *named('t5', 'vae', 'tokenizer', 'tokenizer_2')]
    found = inspect(s, *words)
    assert found['parts']['clip'].endswith('/a.safetensors'), found['parts']
    assert len(found['notes']) == 1 and '--component clip=FILE' in found['notes'][0], found['notes']
    _, _, errors = s.edit(s.photo(), '--model', *words, *QUICK)
    assert b'--component clip=FILE' in errors, errors


def a_changed_part_changes_the_hash(s):
    model = lone(s)
    first = inspect(s, model, '--component', *named())['hash']
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    assert inspect(s, model, '--component', *named())['hash'] != first


sys.exit(run_cases([a_folder_that_names_its_parts_gives_the_same_picture, components_may_follow_one_option_or_many,
                    every_command_takes_them, what_is_missing_is_listed, wrong_options_are_named,
                    inspect_tells_what_files_are, of_two_files_one_is_taken_and_said,
                    a_changed_part_changes_the_hash]))
