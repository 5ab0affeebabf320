#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines: help, the commands that only tell something, and every option that is wrong."""
import json
import os
import stat
import subprocess
import sys

from scratch import CLI, DEMO, Skip, run_cases


def help_and_version(s):
    status, out, err = s.run('--version')
    assert (status, err) == (0, b'') and out.startswith(b'espalier-cli '), out
    status, out, err = s.run('--help')
    assert status == 0 and not err
    for command in (b'edit', b'compose', b'new', b'import', b'run', b'tree', b'log', b'export', b'verify', b'providers', b'jobs',
                    b'tokenize', b'models', b'describe', b'sweep'):
        assert command in out
        status, text, err = s.run(command.decode(), '--help')
        assert status == 0 and not err and b'--help' in text, (command, text)
        # What stands below "Usage:" can be typed.
        assert text.splitlines()[1].startswith(b'  espalier-cli ' + command + b' '), text
    for command in (b'add', b'download', b'remove'):
        text = s.run('models', command.decode(), '--help')[1]
        assert text.splitlines()[1].startswith(b'  espalier-cli models ' + command + b' '), text
    for option in (b'--prompt', b'--output', b'--model', b'--backend', b'--negative-prompt', b'--true-cfg', b'--step-cache',
                   b'--seed', b'--steps', b'--guidance', b'--size', b'--multi-ref', b'--device', b'--dtype',
                   b'--noise', b'--dump', b'--set', b'--config', b'--base-url', b'--own-host', b'--key-file',
                   b'--patience', b'--cancel-on-interrupt', b'--no-metadata', b'--json', b'--quiet'):
        assert option in s.run('edit', '--help')[1], option


def wrong_commands(s):
    s.fails(status=2, names='command')
    s.fails('paint', status=2, names='paint')
    s.fails('--frobnicate', status=2, names='--frobnicate')
    for command in ('models', 'describe', 'tokenize', 'edit'):
        s.fails(command, '--frobnicate', status=2, names='--frobnicate')
    for command in ('models', 'describe', 'tokenize'):
        s.fails(command, 'surplus', status=2, names='surplus')


def wrong_options(s):
    photo, out = s.photo(), s.out / 'o.png'
    wrong = [('--steps', '0'), ('--steps', '1001'), ('--steps', '-1'), ('--steps', '3x'), ('--steps', ''),
             ('--steps', '1e2'), ('--size', '0x0'), ('--size', '0'), ('--size', '-64x64'), ('--size', '64x-64'),
             ('--size', '100x100'), ('--size', '8208x64'), ('--size', '99999999999999999999x64'),
             ('--size', '64'), ('--size', '64x'), ('--size', '64x64x64'), ('--size', 'big'), ('--size', ''),
             ('--guidance', 'nan'), ('--guidance', 'inf'), ('--guidance', '-1'), ('--guidance', '2,5'),
             ('--guidance', '1e999'), ('--true-cfg', 'nan'), ('--true-cfg', '-inf'), ('--true-cfg', 'x'),
             ('--step-cache', '0.6'), ('--step-cache', '-1'), ('--step-cache', 'nan'),
             ('--seed', '-1'), ('--seed', '18446744073709551616'), ('--seed', '1.5'), ('--seed', ' 1'),
             ('--multi-ref', 'left'), ('--device', 'tpu'), ('--dtype', 'f16'), ('--backend', 'cloud'),
             ('--threads', '-2')]
    for option, value in wrong:
        s.fails('edit', photo, '-p', 'x', '-o', out, f'{option}={value}', status=2, names=option)
    s.fails('edit', photo, '-o', out, status=2, names='--prompt')
    s.fails('edit', photo, '-p', 'x', status=2, names='--output')
    s.fails('edit', '-p', 'x', '-o', out, status=2, names='INPUT')
    s.fails('edit', *[photo] * 9, '-p', 'x', '-o', out, status=2, names='INPUT')
    process = subprocess.run([CLI.encode(), b'edit', os.fsencode(photo), b'-p', b'a\xffb', b'-o', os.fsencode(out)],
                             env=s.environment, stderr=subprocess.PIPE, check=False)
    assert process.returncode == 2 and b'--prompt' in process.stderr, process


def targets_that_cannot_be_written(s):
    photo = s.photo()
    s.fails('edit', photo, '-p', 'x', '-o', s.out / 'o.gif', names=('--output', 'o.gif'))
    s.fails('edit', photo, '-p', 'x', '-o', s.out / 'noextension', names=('--output', 'noextension'))
    s.fails('edit', photo, '-p', 'x', '-o', s.folder / 'missing/o.png', names=('--output', 'missing'))
    (s.folder / 'folder.png').mkdir()
    s.fails('edit', photo, '-p', 'x', '-o', s.folder / 'folder.png', names=('--output', 'folder.png'))
    s.fails('edit', photo, '-p', 'x', '-o', s.out / 'o.png', '--dump', s.folder / 'missing/d.safetensors',
            names=('--dump', 'missing'))
    s.fails('edit', photo, '-p', 'x', '-o', s.out / 'o.png', '--noise', s.folder / 'n.safetensors',
            names=('--noise', 'n.safetensors'))
    s.fails('edit', photo, '-p', 'x', '-o', '/proc/o.png', names='/proc/o.png')


def a_folder_without_permission(s):
    if os.geteuid() == 0:
        raise Skip('root may write everywhere')
    folder = s.folder / 'locked'
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    s.fails('edit', s.photo(), '-p', 'x', '-o', folder / 'o.png', names='locked')


def cuda_is_refused_in_one_line(s):
    devices = json.loads(s.run('describe', '--json')[1])['devices']
    if any(d['id'].startswith('cuda') and d['usable'] for d in devices):
        raise Skip('there is a usable CUDA device')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--device', 'cuda', '--quiet', names='device')


def models_are_listed(s):
    status, out, _ = s.run('models', '--json')
    listed = json.loads(out)
    assert status == 0 and [m['id'] for m in listed['models']] == ['demo'], listed
    assert listed['models'][0]['kind'] == 'demo' and listed['models'][0]['instructions']
    assert listed['default'] == listed['models'][0]['path']
    out = s.run('models')[1].decode()
    assert 'demo model' in out and 'docs/models.md' in out and 'Make it snow' in out, out


def a_full_model_is_preferred(s):
    folder = s.folder / 'home/share/espalier/models'
    for name, kind in (('b-full', 'full'), ('a-demo', 'demo'), ('c-full', 'full')):
        (folder / name).mkdir(parents=True)
        (folder / name / 'model_index.json').write_text('{}')
        (folder / name / 'espalier.json').write_text(json.dumps({'kind': kind, 'name': name}))
    (folder / 'not-a-model').mkdir()
    listed = json.loads(s.run('models', '--json')[1])
    assert [m['name'] for m in listed['models']][:3] == ['a-demo', 'b-full', 'c-full'], listed
    assert listed['default'].endswith('b-full')
    s.environment['ESPALIER_MODEL'] = str(folder / 'c-full')
    assert json.loads(s.run('models', '--json')[1])['default'].endswith('c-full')


def without_a_model(s):
    s.environment['ESPALIER_DATA_DIR'] = str(s.folder / 'nothing')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', names='--model')
    status, out, _ = s.run('models')
    assert status == 0 and b'docs/models.md' in out


def without_an_engine(s):
    s.environment['ESPALIER_ENGINE'] = str(s.folder / 'no-engine')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', names='no-engine')
    s.environment['ESPALIER_ENGINE'] = '/bin/false'
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', names='status 1')


def the_schema_and_the_options_agree(s):
    description = json.loads(s.run('describe', '--json', '--model', DEMO)[1])
    properties = description['parameters']['properties']
    photo, out = s.photo(), s.out / 'o.png'
    for name in ('steps', 'guidance', 'true_cfg', 'step_cache', 'threads'):
        option = '--' + name.replace('_', '-')
        for value in (properties[name]['minimum'] - 1, properties[name]['maximum'] + 1):
            s.fails('edit', photo, '-p', 'x', '-o', out, f'{option}={value:g}', status=2, names=option)
    for name in ('multi_ref', 'device', 'dtype', 'vae_tiling'):
        option = '--' + name.replace('_', '-')
        for value in properties[name]['enum']:
            # Taken by the option; the photo that is missing is told afterwards.
            s.fails('edit', s.folder / 'none.png', '-p', 'x', '-o', out, option, value, names='none.png')
    assert properties['steps']['default'] == 8 and properties['guidance']['default'] == 2.5
    assert description['model']['kind'] == 'demo'
    assert s.run('describe')[1].count(b'\n') > 12


def standard_output_that_is_full_or_closed(s):
    for command in ('models', 'describe', '--help'):
        with open('/dev/full', 'wb') as full:
            process = s.start(command, stdout=full)
            err = process.communicate(timeout=120)[1]
        assert process.returncode == 1 and b'standard output' in err, (command, process.returncode, err)
        process = subprocess.run(['/bin/sh', '-c', f'exec "{CLI}" {command} >&-'], env=s.environment,
                                 stderr=subprocess.PIPE, check=False)
        assert process.returncode == 1 and b'standard output' in process.stderr, process


sys.exit(run_cases([help_and_version, wrong_commands, wrong_options, targets_that_cannot_be_written,
                    a_folder_without_permission, cuda_is_refused_in_one_line, models_are_listed,
                    a_full_model_is_preferred, without_a_model, without_an_engine,
                    the_schema_and_the_options_agree, standard_output_that_is_full_or_closed]))
