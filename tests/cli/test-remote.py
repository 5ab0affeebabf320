#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`edit --backend`, `providers` and `jobs` as a person meets them. What each provider's faults must lead to
is the matrix's matter (tests/servers/conformance.py)."""
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys

from scratch import CLI, SOURCE, Skip, run_cases, wait_until

sys.path.insert(0, str(SOURCE / 'tests/servers'))
import pictures  # noqa: E402
from drive import clean_environment  # noqa: E402
from fakes import Fakes  # noqa: E402

IDS = '''runpod-flux-kontext-dev runflow-flux-kontext-pro oxen-flux-kontext-dev oxen-flux-kontext-dev-sync
eachlabs-flux-kontext-dev bfl-flux-kontext-pro bfl-flux-kontext-max replicate-flux-kontext-dev
replicate-flux-kontext-pro replicate-flux-kontext-max fal-flux-kontext-dev fal-flux-kontext-pro openai-images
sdcpp-server comfyui'''.split()
RESULT = {'outputs', 'seed', 'cost', 'currency', 'job_id', 'timings', 'provider', 'parameters'}
ERROR = {'class', 'message', 'provider_message', 'http_status', 'charged'}
PROMPT = 'Make it snow'
FAKES = None


def prepare(s):
    """A home of its own; a photo."""
    s.environment = clean_environment(s.folder)
    s.environment['TMPDIR'] = str(s.tmp)
    s.config = s.folder / 'home/config/espalier'
    s.config.mkdir(parents=True)
    s.picture = s.folder / 'photo.png'
    s.picture.write_bytes(pictures.carpet_png(b'photo' * 7, 240, 160))


def edit(s, world, *more, backend='sdcpp-server', out='out.png', photo=None, env=None):
    """Runs it with --json; the status, the object, standard error."""
    environment = dict(s.environment, **(env or {}))
    status, text, errors = s.run('edit', photo or s.picture, '-p', PROMPT, '-o', s.out / out, '--backend', backend,
                                 '--base-url', world.base_url if world else 'http://127.0.0.1:9', '--json', *more,
                                 env=environment)
    assert text.count(b'\n') == 1, (status, text, errors)
    answer = json.loads(text)
    assert set(answer) == ({'error'} if status else RESULT), answer
    if status:
        assert set(answer['error']) == ERROR, answer
        assert errors.decode().splitlines()[-1].startswith('espalier-cli: ') or b'The job is kept' in errors, errors
    return status, answer, errors.decode()


def jobs(s, *more, env=None):
    status, text, errors = s.run('jobs', *more, '--json', env=dict(s.environment, **(env or {})))
    return status, json.loads(text) if text else None, errors.decode()


def world_of(provider, *faults, **options):
    options.setdefault('max_side', 128)
    return FAKES.world(provider, faults, **options)


def key_of(backend):
    return 'ESPALIER_KEY_' + backend.upper().replace('-', '_')


# --- Providers ---------------------------------------------------------------------------------------


def providers_are_listed(s):
    prepare(s)
    status, out, err = s.run('providers', '--json')
    assert status == 0 and not err, err
    listed = {each['id']: each for each in json.loads(out)['providers']}
    assert not set(IDS) - set(listed), set(IDS) - set(listed)
    for each in listed.values():
        assert each['name'] and each['key_variable'] == key_of(each['id']), each
        assert {'parameters', 'config', 'price', 'base_url', 'self_hosted', 'needs_key'} <= set(each), each
    steps = {param['id']: param for param in listed['runpod-flux-kontext-dev']['parameters']}
    assert steps['steps']['min'] == 1 and steps['steps']['max'] == 50 and steps['steps']['default'] == 28, steps
    assert steps['guidance']['default'] == 2 and steps['seed']['default'] == 'random', steps
    assert listed['runpod-flux-kontext-dev']['price'] == {'amount': 0.025, 'currency': 'USD', 'unit': 'image'}
    assert listed['sdcpp-server']['price'] is None and not listed['sdcpp-server']['needs_key']
    status, out, err = s.run('providers')
    text = out.decode()
    assert status == 0 and not err
    for each in IDS:
        assert f'{each} — ' in text, each
    assert key_of('bfl-flux-kontext-pro') in text and '$0.08 per image' in text and '--set steps=1…50 (28)' in text
    s.fails('providers', 'surplus', status=2, names='surplus')
    s.fails('providers', 'check', status=2, names='FILE')


def descriptions_are_checked(s):
    prepare(s)
    for each in IDS:
        path = SOURCE / f'data/providers/{each}.json'
        status, out, err = s.run('providers', 'check', path)
        assert status == 0 and not err and each.encode() in out, (out, err)
    wrong = s.folder / 'wrong.json'
    lines = (SOURCE / 'data/providers/sdcpp-server.json').read_text().split('\n')
    at = next(number for number, line in enumerate(lines) if '"flow"' in line)
    lines[at] = '  "flow": "sideways",'
    wrong.write_text('\n'.join(lines))
    s.fails('providers', 'check', wrong, status=2, names=f'wrong.json:{at + 1}:')
    status, out, _ = s.run('providers', 'check', '--json', wrong)
    assert status == 2 and json.loads(out)['valid'] is False and f':{at + 1}:' in json.loads(out)['problem'], out
    s.fails('providers', 'check', s.folder / 'missing.json', status=2, names='missing.json')


def descriptions_of_ones_own(s):
    prepare(s)
    world = world_of('sdcpp')
    folder = s.config / 'providers'
    folder.mkdir()
    own = json.loads((SOURCE / 'data/providers/sdcpp-server.json').read_text())
    own.update(id='my-server', name='My own server')
    (folder / 'my-server.json').write_text(json.dumps(own))
    (folder / 'broken.json').write_text('{"schema":\n"kontext-provider/1",\n]')
    status, out, _ = s.run('providers', '--json')
    listed = {each['id']: each for each in json.loads(out)['providers']}
    assert status == 0 and listed['my-server']['own'] and listed['my-server']['name'] == 'My own server'
    problems = [each['problem'] for each in listed.values() if 'problem' in each]
    assert len(problems) == 1 and ':3:' in problems[0], problems
    status, answer, _ = edit(s, world, backend='my-server')
    assert status == 0 and answer['provider'] == 'my-server', answer
    status, answer, _ = edit(s, world, backend='broken')
    assert status == 2 and answer['error']['class'] == 'argument', answer


# --- Wrong command lines -----------------------------------------------------------------------------


def what_is_wrong_is_found_before_anything_is_sent(s):
    prepare(s)
    world = world_of('sdcpp')
    text = s.folder / 'text.png'
    text.write_text('hello')
    cut = s.folder / 'cut.png'
    cut.write_bytes(s.picture.read_bytes()[:600])
    wrong = [
        (['--set', 'stepz=3'], 'stepz'), (['--set', 'steps=0'], 'steps'), (['--set', 'steps=1.5'], 'steps'),
        (['--set', 'steps=many'], 'steps'), (['--set', 'steps'], 'NAME=VALUE'), (['--set', '=3'], 'NAME=VALUE'),
        (['--set', 'guidance=nan'], 'guidance'), (['--set', 'guidance=2,5'], 'guidance'),
        (['--set', 'seed=-1'], 'seed'), (['--set', 'seed=99999999999'], 'seed'), (['--seed', 'x'], '--seed'),
        (['--set', 'seed=1', '--seed', '2'], 'twice'), (['--set', 'seed=1', '--set', 'seed=2'], 'twice'),
        (['--set', 'size=wide'], 'size'), (['--set', 'tolerance=2'], 'tolerance'),
        (['--config', 'nothing=1'], 'nothing'), (['--config', 'x'], 'NAME=VALUE'),
        (['--threads', '2'], '--threads'), (['--device', 'cpu'], '--device'), (['--dtype', 'f32'], '--dtype'),
        (['--vae-tiling', 'on'], '--vae-tiling'), (['--multi-ref', 'index'], '--multi-ref'),
        (['--true-cfg', '-2'], '--true-cfg'), (['--model', 'demo'], '--model'),
        (['--noise', 'n.safetensors'], '--noise'), (['--dump', 'd.safetensors'], '--dump'),
        (['--patience', '0'], '--patience'), (['--patience', 'long'], '--patience'),
        (['--patience', '-1'], '--patience'), (['--frobnicate'], '--frobnicate'),
        (['--key-file', s.folder / 'no-key'], 'no-key'), (['--key-file', s.folder], '--key-file'),
        (['--base-url', 'ftp://127.0.0.1'], 'ftp'), (['--base-url', 'nonsense'], 'nonsense'),
        (['--base-url', ''], '--base-url'), (['--base-url', 'http://192.0.2.1'], '192.0.2.1'),
        (['--base-url', 'http://user:word@127.0.0.1'], '127.0.0.1'),
        ([s.folder / 'missing.png'], 'missing.png'), ([text], 'text.png'), ([cut], 'cut.png'),
        ([s.folder], s.folder.name),
        ([s.picture] * 20, 'at most'),
    ]
    for arguments, name in wrong:
        status, answer, errors = edit(s, world, *arguments)
        assert status == 2, (arguments, answer)
        error = answer['error']
        assert error['class'] == 'argument' and error['charged'] is False, (arguments, answer)
        assert str(name) in error['message'] and str(name) in errors, (arguments, name, answer)
    for out in ('o.gif', 'noextension', 'missing/o.png'):
        status, answer, _ = edit(s, world, out=out)
        assert status == 2 and answer['error']['class'] == 'argument', (out, answer)
    status, answer, _ = edit(s, world, out='/proc/o.png')
    assert status == 2, answer
    assert not list(s.out.iterdir()) and not world.log(), 'something was sent or left'
    assert jobs(s) == (0, {'jobs': []}, '')


def missing_arguments(s):
    prepare(s)
    for arguments in (['-p', 'x', '-o', s.out / 'o.png'], [s.picture, '-o', s.out / 'o.png'],
                      [s.picture, '-p', 'x'], [s.picture, '-p', '', '-o', s.out / 'o.png'],
                      [s.picture, '-p', 'x', '-o', s.out / 'o.png', '--own-host']):
        status, out, err = s.run('edit', '--backend', 'sdcpp-server', '--json', *arguments)
        assert status == 2 and json.loads(out)['error']['class'] == 'argument' and err, (arguments, out)
    # And the other way round: these say nothing to the local engine.
    for option in (['--set', 'steps=3'], ['--config', 'x=1'], ['--base-url', 'http://127.0.0.1'], ['--own-host'],
                   ['--key-file', 'key'], ['--patience', '3'], ['--cancel-on-interrupt']):
        s.fails('edit', s.picture, '-p', 'x', '-o', s.out / 'o.png', *option, status=2, names=option[0])


def unknown_backends(s):
    prepare(s)
    for given, near in (('runpod', 'runpod-flux-kontext-dev'), ('comfyu', 'comfyui'), ('sdcpp-servr', 'sdcpp-server'),
                        ('qqqqqqqqqqqqqq', 'espalier-cli providers'), ('', 'espalier-cli providers'),
                        ('../../etc/passwd', 'espalier-cli providers')):
        status, answer, _ = edit(s, None, backend=given)
        assert status == 2 and near in answer['error']['message'], (given, answer)


def a_folder_without_permission(s):
    if os.geteuid() == 0:
        raise Skip('root may write everywhere')
    prepare(s)
    world = world_of('sdcpp')
    folder = s.folder / 'locked'
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    status, answer, _ = edit(s, world, out=folder / 'o.png')
    assert status == 2 and not world.log(), answer


# --- Keys --------------------------------------------------------------------------------------------


def keys_and_their_order(s):
    prepare(s)
    backend = 'bfl-flux-kontext-pro'
    world = world_of('bfl')
    key = s.folder / 'key'
    key.write_text(f'  {world.key}  \nsecond line\n')
    wrong = {key_of(backend): 'wrong'}

    status, answer, _ = edit(s, world, backend=backend)
    assert status == 3 and answer['error']['class'] == 'auth', answer
    assert key_of(backend) in answer['error']['message'] and '--key-file' in answer['error']['message'], answer
    empty = s.folder / 'empty'
    empty.write_text('\n')
    status, answer, _ = edit(s, world, '--key-file', empty, backend=backend, env={key_of(backend): world.key})
    assert status == 3 and answer['error']['class'] == 'auth' and 'empty' in answer['error']['message'], answer
    assert not world.log(), 'something was sent without a key'
    assert edit(s, world, backend=backend, env={key_of(backend): world.key})[0] == 0
    assert edit(s, world, '--key-file', key, backend=backend, env=wrong)[0] == 0
    status, answer, _ = edit(s, world, backend=backend, env=wrong)
    assert status == 3 and answer['error']['class'] == 'auth' and answer['error']['charged'] is False, answer

    process = s.start('edit', s.picture, '-p', 'x', '-o', s.out / 'stdin.png', '--backend', backend, '--base-url',
                      world.base_url, '--key-file', '-', stdin=subprocess.PIPE)
    _, err = process.communicate(world.key.encode() + b'\n', timeout=60)
    assert process.returncode == 0, err

    left = [path for path in s.folder.rglob('*') if path.is_file() and path != key
            and world.key.encode() in path.read_bytes()]
    assert not left, f'the key is in {left}'


def nothing_leaves_when_it_must_not(s):
    prepare(s)
    world = world_of('runpod')
    env = {key_of('runpod-flux-kontext-dev'): world.key}
    for settings, name in (({'offline': True}, 'offline'), ({'monthly_stop': 0.01}, 'budget')):
        (s.config / 'accounts.json').write_text(json.dumps(settings))
        status, answer, _ = edit(s, world, backend='runpod-flux-kontext-dev', env=env)
        assert status == 2 and answer['error']['class'] == name, answer
    assert not world.log(), 'something was sent'


# --- Results -----------------------------------------------------------------------------------------


def a_result(s):
    prepare(s)
    world = world_of('runpod')
    status, answer, _ = edit(s, world, '--seed', '7', '--steps', '9', '--guidance', '2.5', '--negative-prompt', 'rain',
                             backend='runpod-flux-kontext-dev', env={key_of('runpod-flux-kontext-dev'): world.key})
    assert status == 0, answer
    output, = answer['outputs']
    data = (s.out / 'out.png').read_bytes()
    looked = pictures.look(data)
    assert output == {'path': str(s.out / 'out.png'), 'width': looked.width, 'height': looked.height,
                      'media_type': 'image/png', 'sha256': hashlib.sha256(data).hexdigest()}, output
    assert answer['seed'] == 7 and answer['provider'] == 'runpod-flux-kontext-dev' and answer['job_id'], answer
    assert answer['cost'] > 0 and answer['currency'] == 'USD' and answer['timings']['total'] > 0, answer
    parameters = answer['parameters']
    assert parameters['steps'] == 9 and parameters['guidance'] == 2.5, parameters
    assert PROMPT not in json.dumps(parameters)
    # The recipe is inside; where the picture came from in detail is nobody's business.
    assert PROMPT.encode() in data and b'runpod-flux-kontext-dev' in data
    assert world.key.encode() not in data and b'127.0.0.1' not in data and str(s.folder).encode() not in data
    assert jobs(s)[1] == {'jobs': []}

    status, answer, _ = edit(s, world, '--no-metadata', backend='runpod-flux-kontext-dev', out='bare.png',
                             env={key_of('runpod-flux-kontext-dev'): world.key})
    assert status == 0 and PROMPT.encode() not in (s.out / 'bare.png').read_bytes()


def formats_and_several(s):
    prepare(s)
    world = world_of('openai', flavour='vllm')
    s.environment[key_of('openai-images')] = world.key
    for out, kind in (('o.jpg', 'jpeg'), ('o.jpeg', 'jpeg'), ('o.webp', 'webp'), ('O.PNG', 'png')):
        status, answer, _ = edit(s, world, backend='openai-images', out=out)
        assert status == 0 and pictures.look((s.out / out).read_bytes()).format == kind, answer
        assert answer['outputs'][0]['media_type'] == 'image/' + kind
    # A JPEG that came as one is not encoded once more.
    assert edit(s, world, '--set', 'format=jpeg', '--set', 'seed=4', '--no-metadata', backend='openai-images',
                out='bare.jpg')[0] == 0
    assert edit(s, world, '--set', 'format=jpeg', '--set', 'seed=4', backend='openai-images', out='full.jpg')[0] == 0
    bare, full = ((s.out / name).read_bytes() for name in ('bare.jpg', 'full.jpg'))
    assert PROMPT.encode() in full and PROMPT.encode() not in bare
    assert full.endswith(bare[bare.index(b'\xff\xdb'):]), 'it was encoded again'
    status, answer, _ = edit(s, world, backend='openai-images', out='o.tiff')
    assert status == 0 and (s.out / 'o.tiff').read_bytes()[:2] == b'II', answer
    assert answer['outputs'][0]['media_type'] == 'image/tiff'
    status, answer, _ = edit(s, world, '--set', 'count=3', backend='openai-images', out='many.v2.png')
    names = [pathlib.Path(output['path']).name for output in answer['outputs']]
    assert status == 0 and names == ['many.v2.png', 'many.v2-2.png', 'many.v2-3.png'], answer
    assert len({output['sha256'] for output in answer['outputs']}) == 3, answer


def what_is_printed(s):
    prepare(s)
    world = world_of('sdcpp')
    arguments = ['edit', s.picture, '-p', PROMPT, '-o', s.out / 'o.png', '--backend', 'sdcpp-server', '--base-url',
                 world.base_url]
    status, out, err = s.run(*arguments)
    assert status == 0 and re.fullmatch(r'.*/o\.png: \d+x\d+, seed \d+.*, \d+\.\d s\n', out.decode()), out
    assert b'\x1b' not in err and b'\r' not in err and err.count(b'\n') < 12, err
    status, out, err = s.run(*arguments, '--quiet')
    assert (status, out, err) == (0, b'', b''), (out, err)
    controller, terminal = pty.openpty()
    process = s.start(*arguments, stderr=terminal, env=dict(s.environment, TERM='xterm'))
    os.close(terminal)
    seen = b''
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    os.close(controller)
    assert process.wait(60) == 0 and b'\r' in seen and seen.count(b'\n') < 4, seen
    process.communicate()


def the_locale_does_not_matter(s):
    prepare(s)
    world = world_of('sdcpp')
    known = subprocess.run(['locale', '-a'], capture_output=True, text=True, check=False).stdout.split()
    german = [name for name in known if name.startswith('de_')]
    if not german:
        raise Skip('no locale with a decimal comma')
    status, answer, _ = edit(s, world, '--guidance', '2.5', env={'LC_ALL': german[0]})
    assert status == 0 and answer['parameters']['guidance'] == 2.5, answer


# --- Jobs --------------------------------------------------------------------------------------------


def a_job_that_outlives_patience(s):
    prepare(s)
    backend = 'bfl-flux-kontext-pro'
    world = world_of('bfl', {'where': 'job', 'kind': 'never'})
    key = s.folder / 'key'
    key.write_text(world.key)
    status, answer, errors = edit(s, world, '--patience', '2', '--key-file', key, backend=backend)
    assert status == 9 and answer['error']['class'] == 'patience' and answer['error']['charged'] is None, answer
    listed = jobs(s)[1]['jobs']
    assert len(listed) == 1 and set(listed[0]) == {'id', 'provider', 'job_id', 'state', 'created', 'output'}, listed
    job = listed[0]
    assert job['provider'] == backend and job['job_id'] and job['state'] == 'accepted', job
    assert job['output'] == str(s.out / 'out.png') and job['id'] in errors, (job, errors)
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', job['created']), job
    status, out, _ = s.run('jobs')
    assert status == 0 and job['id'].encode() in out and backend.encode() in out

    # With nothing but the id: output and key are remembered.
    world.clear_faults()
    status, answer, errors = jobs(s, 'resume', job['id'], '--patience', '1')
    if status == 9:        # that job never ends there
        assert answer['error']['class'] == 'patience', answer
    else:
        assert status == 0 and answer['outputs'][0]['path'] == str(s.out / 'out.png'), (answer, errors)
    assert world.count()['submits'] == 1
    if status == 9:
        assert s.run('jobs', 'forget', job['id'])[0] == 0
    assert jobs(s)[1] == {'jobs': []}


def resumed_after_a_kill(s):
    prepare(s)
    backend = 'bfl-flux-kontext-pro'
    world = world_of('bfl', hold='running')
    key = s.folder / 'key'
    key.write_text(world.key)
    process = s.start('edit', s.picture, '-p', PROMPT, '-o', s.out / 'o.png', '--backend', backend, '--base-url',
                      world.base_url, '--key-file', key.name, cwd=s.folder)
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.set_options(hold='')
    job, = jobs(s)[1]['jobs']
    # From another folder, without naming the key.
    status, answer, errors = jobs(s, 'resume')
    assert status == 0 and set(answer) == RESULT and answer['job_id'] == job['job_id'], (answer, errors)
    assert PROMPT.encode() in (s.out / 'o.png').read_bytes(), 'the recipe is lost'
    assert world.count()['submits'] == 1 and jobs(s)[1] == {'jobs': []}
    shutil.rmtree(s.tmp)
    s.tmp.mkdir()


def killed_before_anything_was_submitted(s):
    prepare(s)
    backend = 'eachlabs-flux-kontext-dev'
    world = world_of('eachlabs', {'where': 'upload', 'kind': 'slow', 'ms': 0, 'nth': 1}, hold='answers')
    env = {key_of(backend): world.key}
    process = s.start('edit', s.picture, '-p', PROMPT, '-o', s.out / 'o.png', '--backend', backend, '--base-url',
                      world.base_url, '--set', 'seed=77', env=dict(s.environment, **env))
    assert wait_until(lambda: world.count()['operations'].get('upload')), 'it does not begin'
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.set_options(hold='')
    assert [job['state'] for job in jobs(s)[1]['jobs']] == ['preparing']
    photo = s.picture.read_bytes()
    s.picture.unlink()
    status, answer, _ = jobs(s, 'resume', env=env)
    assert status == 2 and 'photo.png' in answer['error']['message'], answer
    s.picture.write_bytes(photo)
    status, answer, errors = jobs(s, 'resume', env=env)
    assert status == 0 and answer['seed'] == 77, (answer, errors)
    assert world.count()['submits'] == 1 and jobs(s)[1] == {'jobs': []}


def several_are_resumed(s):
    prepare(s)
    world = world_of('sdcpp', hold='running')
    for number in range(2):
        assert edit(s, world, '--patience', '1', out=f'{number}.png')[0] == 9
    world.set_options(hold='')
    assert len(jobs(s)[1]['jobs']) == 2
    status, answer, errors = jobs(s, 'resume')
    assert status == 0 and len(answer['jobs']) == 2 and all(set(each) == RESULT for each in answer['jobs']), errors
    assert sorted(path.name for path in s.out.iterdir()) == ['0.png', '1.png']
    assert world.count()['submits'] == 2
    assert jobs(s, 'resume')[:2] == (0, {'jobs': []})


def a_folder_that_is_gone_when_the_image_comes(s):
    prepare(s)
    world = world_of('sdcpp', hold='running')
    folder = s.folder / 'gone'
    folder.mkdir()
    process = s.start('edit', s.picture, '-p', PROMPT, '-o', folder / 'o.png', '--backend', 'sdcpp-server',
                      '--base-url', world.base_url, '--json')
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'
    folder.rmdir()
    world.set_options(hold='')
    out, err = process.communicate(timeout=60)
    assert process.returncode == 9 and json.loads(out)['error']['class'] == 'output', (out, err)
    job, = jobs(s)[1]['jobs']
    assert job['id'].encode() in err, err
    status, answer, _ = jobs(s, 'resume', job['id'])
    assert status == 2 and answer['error']['class'] == 'argument', answer
    status, answer, _ = jobs(s, 'resume', job['id'], '--output', s.out / 'else.png')
    assert status == 0 and (s.out / 'else.png').exists(), answer
    assert world.count()['submits'] == 1 and jobs(s)[1] == {'jobs': []}


def what_was_paid_for_is_kept(s):
    """The folder of the output is gone when the answer with the image comes. Then the key and the server are."""
    prepare(s)
    backend = 'openai-images'
    world = world_of('openai', {'where': 'submit', 'kind': 'late', 'ms': 0}, flavour='vllm', hold='answers')
    kept = s.folder / 'home/share/espalier/jobs'
    folder = s.folder / 'gone'
    folder.mkdir()
    process = s.start('edit', s.picture, '-p', PROMPT, '-o', folder / 'o.png', '--backend', backend, '--base-url',
                      world.base_url, '--json', env=dict(s.environment, **{key_of(backend): world.key or 'x'}))
    assert wait_until(lambda: world.count()['operations'].get('submit')), 'it does not begin'
    folder.rmdir()
    world.set_options(hold='')
    out, err = process.communicate(timeout=60)
    error = json.loads(out)['error']
    assert process.returncode == 9 and error['class'] == 'output' and error['charged'] is True, (out, err)
    job, = jobs(s)[1]['jobs']
    assert job['state'] == 'succeeded' and 'jobs resume ' + job['id'] in error['message'], (job, error)
    assert sorted(path.suffix for path in kept.iterdir()) == ['.image', '.json', '.lock'], list(kept.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept.iterdir()), 'others can read it'
    world.clear_faults()
    world.add_faults({'where': 'any', 'kind': 'status', 'status': 500})
    asked = len(world.log())
    folder.mkdir()
    status, answer, errors = jobs(s, 'resume')
    assert status == 0 and set(answer) == RESULT, (answer, errors)
    data = (folder / 'o.png').read_bytes()
    assert answer['outputs'][0]['sha256'] == hashlib.sha256(data).hexdigest()
    assert PROMPT.encode() in data, 'the recipe is lost'
    assert len(world.log()) == asked and world.count()['submits'] == 1, 'the provider was asked once more'
    assert jobs(s)[1] == {'jobs': []} and not list(kept.iterdir()), 'left over'


def interrupted(s):
    prepare(s)
    world = world_of('sdcpp', run_ms=3600000)  # it ends by the signal or not at all
    process = s.start('edit', s.picture, '-p', PROMPT, '-o', s.out / 'o.png', '--backend', 'sdcpp-server',
                      '--base-url', world.base_url)
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    job, = jobs(s)[1]['jobs']
    assert b'jobs resume ' + job['id'].encode() in err, err


def wrong_jobs(s):
    prepare(s)
    nobody = '123e4567-e89b-42d3-a456-426614174000'
    s.fails('jobs', 'resume', nobody, status=2, names=nobody)
    s.fails('jobs', 'forget', nobody, status=2, names=nobody)
    s.fails('jobs', 'forget', '../../x', status=2, names='x')
    s.fails('jobs', 'forget', status=2, names='id')
    s.fails('jobs', 'start', status=2, names='start')
    s.fails('jobs', 'resume', '--output', s.out / 'o.png', status=2, names='--output')
    s.fails('jobs', 'resume', '--patience', 'x', status=2, names='--patience')
    assert s.run('jobs', 'resume')[0] == 0
    folder = s.folder / 'home/share/espalier/jobs'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{nobody}.json').write_text('{"half')
    status, out, _ = s.run('jobs', '--json')
    assert status == 0 and 'jobs' in json.loads(out), out


# --- Documents ---------------------------------------------------------------------------------------


def turns_of_a_document(s):
    prepare(s)
    world = world_of('bfl')
    backend = 'bfl-flux-kontext-pro'
    document = s.out / 'd.espalier'
    assert s.run('new', document, s.picture)[0] == 0
    key = s.folder / 'key'
    key.write_text(world.key)
    turn = ['run', document, '-p', PROMPT, '--backend', backend, '--base-url', world.base_url]
    status, out, err = s.run(*turn, '--json')
    assert status == 3 and world.key.encode() not in err and not world.log(), (status, err)
    status, out, err = s.run(*turn, '--key-file', key, '--seed', '5', '--set', 'tolerance=1', '--json')
    assert status == 0, (status, out, err)
    node, = json.loads(out)['nodes']
    assert node['state'] == 'done' and node['seed'] == 5 and node['backend'] == backend, node
    status, out, err = s.run(*turn, '--variations', '2', '--quiet',
                             env=dict(s.environment, **{key_of(backend): world.key}))
    assert (status, out, err) == (0, b'', b''), (status, out, err)
    assert world.count()['submits'] == 3 and jobs(s)[1] == {'jobs': []}
    s.fails(*turn, '--set', 'steps=3', '--key-file', key, status=2, names='steps')
    s.fails('run', document, '-p', 'x', '--base-url', 'http://127.0.0.1', status=2, names='--base-url')
    s.fails('run', document, '-p', 'x', '--backend', 'bfl', status=2, names=backend)
    assert s.run('verify', document)[0] == 0
    assert world.key.encode() not in document.read_bytes(), 'the key is in the document'
    world.add_faults({'where': 'submit', 'kind': 'status', 'status': 402})
    assert s.run(*turn, '--key-file', key)[0] == 4


def main():
    global FAKES
    if not CLI or not os.path.exists(CLI):
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    with Fakes() as FAKES:
        return run_cases([
            providers_are_listed, descriptions_are_checked, descriptions_of_ones_own,
            what_is_wrong_is_found_before_anything_is_sent, missing_arguments, unknown_backends,
            a_folder_without_permission, keys_and_their_order, nothing_leaves_when_it_must_not, a_result,
            formats_and_several, what_is_printed, the_locale_does_not_matter, a_job_that_outlives_patience,
            resumed_after_a_kill, killed_before_anything_was_submitted, several_are_resumed,
            a_folder_that_is_gone_when_the_image_comes, what_was_paid_for_is_kept, interrupted, wrong_jobs,
            turns_of_a_document])


if __name__ == '__main__':
    sys.exit(main())
