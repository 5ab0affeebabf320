#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""espalier-cli models add: what people have becomes a model that edits as the one it was made of; what cannot is told."""
import json
import shutil
import sys

from scratch import DEMO, png_size, run_cases, wait_until

# What is added has no settings of its own: 28 steps at a megapixel.
QUICKLY = ('--seed', '3', '--no-metadata', '--steps', '2', '--size', 'match')


def prepare(s):
    s.environment['XDG_CONFIG_HOME'] = str(s.folder / 'home/config')
    return s.folder / 'home/share/espalier/models'


def loose(s, name='ComfyUI'):
    """The demo model as other programs keep one: files in folders by kind, tokenizers beside."""
    folder = s.folder / name
    for source, target in (('transformer/diffusion_pytorch_model.safetensors', 'unet/my kontext.safetensors'),
                           ('text_encoder/model.safetensors', 'clip/clip_l.safetensors'),
                           ('text_encoder_2/model.safetensors', 'clip/t5xxl.safetensors'),
                           ('vae/diffusion_pytorch_model.safetensors', 'vae/ae.safetensors'),
                           ('vae/config.json', 'vae/config.json')):
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / source, path)
    for tokenizer in ('tokenizer', 'tokenizer_2'):
        shutil.copytree(DEMO / tokenizer, folder / tokenizer)
    return folder


def add(s, *arguments, status=0):
    got, out, err = s.run('models', 'add', '--json', *arguments)
    assert got == status, (got, err)
    return json.loads(out) if got == 0 else err.decode()


def a_folder_edits_as_before(s):
    models = prepare(s)
    photo = s.photo()
    before, _, _ = s.edit(photo, *QUICKLY, out='before.png')
    added = add(s, DEMO, '--name', 'Mine', '--default')
    assert added['id'] == 'Mine' and added['default'] and added['elsewhere'] and added['kind'] == 'demo', added
    assert added['path'] == str(models / 'Mine') and added['format'] == 'bf16', added
    assert not any(part['found_beside'] for part in added['parts'])
    # It is the default now, and the same model.
    after, _, errors = s.edit(photo, *QUICKLY, out='after.png')
    assert b'Mine' in errors, errors
    assert before.read_bytes() == after.read_bytes(), 'the model edits otherwise'
    assert sorted(path.name for path in models.iterdir()) == ['Mine']


def loose_files_are_found_together(s):
    prepare(s)
    folder = loose(s)
    added = add(s, folder / 'unet/my kontext.safetensors')
    assert added['id'] == 'my-kontext' and added['name'] == 'my kontext', added
    parts = {part['component']: part for part in added['parts']}
    assert parts['vae']['path'] == str(folder / 'vae/ae.safetensors') and parts['vae']['found_beside'], parts
    assert not parts['transformer']['found_beside'], parts
    # The person's files are where they were, and are still there when the model is removed.
    plan = json.loads(s.run('models', 'remove', 'my-kontext', '--dry-run', '--json')[1])
    assert str(folder / 'vae/ae.safetensors') in plan['kept'], plan
    assert s.run('models', 'remove', 'my-kontext', '--delete')[0] == 0
    assert (folder / 'unet/my kontext.safetensors').exists()


def copies_and_moves(s):
    models = prepare(s)
    folder = loose(s)
    copied = add(s, folder / 'unet/my kontext.safetensors', '--copy', '--name', 'Copied')
    assert not copied['elsewhere'] and (models / 'Copied/vae/ae.safetensors').is_file(), copied
    assert (folder / 'vae/ae.safetensors').is_file()
    moved = add(s, folder / 'unet/my kontext.safetensors', '--move', '--name', 'Moved')
    assert not moved['elsewhere'] and (models / 'Moved/tokenizer_2').is_dir(), moved
    assert not list(folder.rglob('*.safetensors')), 'something was left'
    photo = s.photo()
    for name in ('Copied', 'Moved'):
        path, _, _ = s.edit(photo, '--model', models / name, '--steps', '1', '--size', 'match', out=f'{name}.png')
        assert png_size(path) == (64, 64)


def what_is_missing_is_said(s):
    models = prepare(s)
    folder = loose(s)
    (folder / 'vae/ae.safetensors').unlink()
    shutil.rmtree(folder / 'tokenizer')
    told = add(s, folder / 'unet/my kontext.safetensors', status=1)
    assert 'VAE' in told and 'CLIP tokenizer' in told and '--component' in told, told
    assert not models.exists() or not list(models.iterdir()), list(models.iterdir())
    # And can be given, in one go or one by one.
    added = add(s, folder / 'unet/my kontext.safetensors', '--component', f'vae={DEMO}/vae', f'tokenizer={DEMO}/tokenizer')
    parts = {part['component']: part['path'] for part in added['parts']}
    assert parts['vae'] == str(DEMO / 'vae') and parts['tokenizer'] == str(DEMO / 'tokenizer'), parts
    add(s, folder / 'unet/my kontext.safetensors', DEMO / 'vae', DEMO / 'tokenizer', '--name', 'again')


def what_is_no_model_is_refused(s):
    models = prepare(s)
    junk = s.folder / 'junk.safetensors'
    junk.write_bytes(b'\x10\0\0\0\0\0\0\0{"a":')
    for path in (junk, s.photo(), DEMO / 'tokenizer/vocab.json'):
        told = add(s, path, status=1)
        assert path.name in told, told
    assert not models.exists() or not list(models.iterdir())
    s.fails('models', 'add', status=2, names='PATH')
    s.fails('models', 'add', s.folder / 'nothing', names='nothing')
    s.fails('models', 'add', DEMO, '--copy', '--move', status=2, names='--copy')
    s.fails('models', 'add', DEMO, '--component', 'wheel=x', status=2, names='wheel=x')
    s.fails('models', 'add', DEMO, '--component', 'vae=/nothing', names='/nothing', status=2)


def a_name_that_is_taken(s):
    prepare(s)
    add(s, DEMO, '--name', 'Twice')
    told = add(s, DEMO, '--name', 'Twice', status=1)
    assert 'Twice' in told, told
    # A name that nobody chose gives way.
    ids = {add(s, DEMO)['id'] for _ in range(3)}
    assert len(ids) == 3, ids


def files_that_go_away(s):
    prepare(s)
    folder = loose(s)
    add(s, folder / 'unet/my kontext.safetensors')
    (folder / 'clip/t5xxl.safetensors').unlink()
    listed = {m['id']: m for m in json.loads(s.run('models', '--json')[1])['models']}
    assert listed['my-kontext']['missing'] == ['t5'] and 't5xxl' in listed['my-kontext']['problem'], listed


def files_that_were_moved_are_found_again(s):
    """By their names in a folder; the model edits as before, and is the same one."""
    models = prepare(s)
    folder = loose(s)
    add(s, folder / 'unet/my kontext.safetensors', '--name', 'Mine', '--default')
    photo = s.photo()
    before, _, _ = s.edit(photo, *QUICKLY, out='before.png')
    # None is gone yet.
    status, _, err = s.run('models', 'locate', 'Mine', folder)
    assert status == 1 and b'none of its files is gone' in err, err
    (s.folder / 'disk').mkdir()
    folder.rename(s.folder / 'disk/Comfy')
    status, _, err = s.run('models', 'locate', 'Mine', photo)
    assert status == 1 and photo.name.encode() in err, err
    status, out, err = s.run('models', 'locate', 'Mine', s.folder / 'disk', '--json')
    assert status == 0, err
    found = json.loads(out)
    assert found['id'] == 'Mine' and found['default'] and found['missing'] == [] and not found['problem'], found
    assert not found['differences'], found
    assert {part['path'] for part in found['parts']} == {
        str(s.folder / 'disk/Comfy' / name) for name in (
            'unet/my kontext.safetensors', 'clip/clip_l.safetensors', 'clip/t5xxl.safetensors', 'vae/ae.safetensors',
            'tokenizer', 'tokenizer_2')}, found
    after, _, _ = s.edit(photo, *QUICKLY, out='after.png')
    assert before.read_bytes() == after.read_bytes(), 'the model edits otherwise'
    assert sorted(path.name for path in models.iterdir()) == ['Mine']


def files_that_are_others_are_not_taken_silently(s):
    prepare(s)
    folder = loose(s)
    file = folder / 'unet/my kontext.safetensors'
    add(s, file, '--name', 'Mine')
    other = s.folder / 'other.safetensors'
    status, _, err = s.run('models', 'convert', file, other, '--type', 'fp8')
    assert status == 0, err
    file.unlink()
    status, _, err = s.run('models', 'locate', 'Mine', other)
    assert status == 1 and b'bf16' in err and b'fp8' in err and b'--anyway' in err, err
    status, _, err = s.run('models', 'locate', 'Mine', folder / 'vae/ae.safetensors')
    assert status == 1 and b'my kontext.safetensors' in err, err
    status, out, err = s.run('models', 'locate', 'Mine', other, '--anyway')
    assert status == 0 and str(other).encode() in out, (out, err)
    listed = {m['id']: m for m in json.loads(s.run('models', '--json')[1])['models']}
    assert not listed['Mine']['problem'] and listed['Mine']['format'].startswith('fp8'), listed
    assert s.run('models', 'locate', 'Nobody', other)[0] == 1
    assert s.run('models', 'locate', 'Mine')[0] == 2


def nothing_is_removed_that_is_in_use(s):
    models = prepare(s)
    add(s, DEMO, '--name', 'Used', '--copy')
    process = s.start('edit', s.photo(width=512, height=512), '-p', 'Make it snow', '-o', s.out / 'o.png', '--steps', '400',
                      '--model', models / 'Used')
    try:
        def in_use():
            status, _, err = s.run('models', 'remove', 'Used', '--dry-run')
            assert status == 0, err
            with open('/proc/locks', encoding='ascii') as locks:
                return f':{(models / "Used").stat().st_ino} ' in locks.read()
        assert wait_until(in_use), 'the edit holds no lock'
        status, _, err = s.run('models', 'remove', 'Used', '--delete')
        assert status == 1 and b'using this model' in err, err
        assert (models / 'Used/espalier.json').exists()
    finally:
        process.terminate()
        process.communicate()
    assert s.run('models', 'remove', 'Used', '--delete')[0] == 0
    assert not (models / 'Used').exists()


if __name__ == '__main__':
    sys.exit(run_cases([a_folder_edits_as_before, loose_files_are_found_together, copies_and_moves,
                        what_is_missing_is_said, what_is_no_model_is_refused, a_name_that_is_taken, files_that_go_away,
                        files_that_were_moved_are_found_again, files_that_are_others_are_not_taken_silently,
                        nothing_is_removed_that_is_in_use]))
