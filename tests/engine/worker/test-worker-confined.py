#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The worker as it confines itself: which files it uses, and what the kernel says of it."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

SOURCE = pathlib.Path(__file__).resolve().parents[3]
ENGINE = os.environ.get('ESPALIER_ENGINE', '')
DEMO = SOURCE / 'data/models/demo'


class Worker:
    """A worker that is asked one thing after the other."""

    def __init__(self, tmp, *arguments, **environment):
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [ENGINE, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            cwd=SOURCE, env=dict(os.environ, TMPDIR=str(tmp), **environment))
        self.number = 0
        self.hello = self.ask(type='hello')
        self.confined = self.hello['confined']
        self.spool = pathlib.Path(self.hello['spool'])

    def ask(self, **request):
        # A job's id is free again a moment after its answer.
        self.number += 1
        self.process.stdin.write(json.dumps({'id': self.number, **request}).encode() + b'\n')
        self.process.stdin.flush()
        for line in self.process.stdout:
            event = json.loads(line)
            if event['type'] not in ('progress', 'preview'):
                return event
        raise AssertionError('the worker ended')

    def edit(self, model, **fields):
        photo = self.spool / 'photo.ppm'
        photo.write_bytes(b'P6\n48 32\n255\n' + bytes(range(256)) * 18)
        return self.ask(type='edit', model=str(model), images=[str(photo)], prompt='Make it snow', size='match', steps=1,
                        **fields)

    def end(self):
        self.process.stdin.close()
        returned = self.process.wait(240)
        self.said.seek(0)
        assert returned == 0, (returned, self.said.read().decode(errors='replace')[-4000:])


def refused(event, path):
    assert event['type'] == 'error' and event['code'] == 'file', event
    assert str(path) in event['message'] and 'Permission denied' in event['message'], event


def copy_model(place):
    shutil.copytree(DEMO, place)
    return place


def what_is_given_is_used_and_nothing_else(tmp):
    given, elsewhere = copy_model(tmp / 'given'), copy_model(tmp / 'elsewhere')
    worker = Worker(tmp, '--may-read', given)
    assert worker.ask(type='load', model=str(given))['type'] == 'loaded'
    result = worker.edit(given)
    assert result['type'] == 'result' and pathlib.Path(result['path']).parent == worker.spool, result
    if worker.confined['files']:
        refused(worker.ask(type='load', model=str(elsewhere)), elsewhere / 'model_index.json')
        refused(worker.ask(type='inspect', model=str(elsewhere / 'vae/diffusion_pytorch_model.safetensors')), elsewhere)
        refused(worker.edit(given, loras=[{'path': str(elsewhere / 'vae/diffusion_pytorch_model.safetensors')}]), elsewhere)
        refused(worker.edit(given, noise=str(elsewhere / 'noise.safetensors')) if (elsewhere / 'noise.safetensors')
                .write_bytes(b'x' * 64) else None, elsewhere)
    # What is not there is not there: nobody is to think of rights then.
    missing = worker.ask(type='load', model=str(tmp / 'missing'))
    assert 'no such model' in missing['message'], missing
    worker.end()
    assert not worker.spool.exists()


def nothing_is_written_elsewhere(tmp):
    model, out = copy_model(tmp / 'model'), tmp / 'out'
    out.mkdir()
    weights = model / 'vae/diffusion_pytorch_model.safetensors'
    convert = dict(type='convert', input=str(weights), format='bf16')
    worker = Worker(tmp, '--may-read', model)
    if worker.confined['files']:
        for place in (out, model):
            event = worker.ask(**convert, output=str(place / 'new.safetensors'))
            refused(event, place / 'new.safetensors')
            refused(worker.edit(model, dump=str(place / 'dump.safetensors')), place / 'dump.safetensors')
            assert not (place / 'new.safetensors').exists()
        assert not list(out.iterdir())
    worker.end()
    worker = Worker(tmp, '--may-read', model, '--may-write', out)
    event = worker.ask(**convert, output=str(out / 'new.safetensors'))
    assert event['type'] == 'converted' and [path.name for path in out.iterdir()] == ['new.safetensors'], event
    worker.end()


def links_lead_where_they_led_at_the_start(tmp):
    real, secret = copy_model(tmp / 'real'), copy_model(tmp / 'secret')
    (tmp / 'linked').symlink_to(real)
    worker = Worker(tmp, '--may-read', tmp / 'linked')
    assert worker.ask(type='load', model=str(tmp / 'linked'))['type'] == 'loaded'
    # A file that is put in another's place is none that was given, wherever the link lies.
    os.rename(real / 'vae', tmp / 'vae')
    (real / 'vae').symlink_to(secret / 'vae')
    event = worker.ask(type='load', model=str(real))
    assert event['type'] == 'error' if worker.confined['files'] else event['type'] == 'loaded', event
    worker.end()


def names_alone_are_names_alone(tmp):
    model = copy_model(tmp / 'model')
    worker = Worker(tmp, '--may-list', tmp)
    if worker.confined['files']:
        refused(worker.ask(type='load', model=str(model)), model)
    worker.end()


def without_arguments_all_files_are_used(tmp):
    model = copy_model(tmp / 'model')
    worker = Worker(tmp)
    assert worker.confined['files'] is False
    assert worker.ask(type='load', model=str(model))['type'] == 'loaded'
    worker.end()
    worker = Worker(tmp, '--no-other-files')
    if worker.confined['files']:
        refused(worker.ask(type='load', model=str(model)), model)
    worker.end()


def the_kernel_holds_it(tmp):
    worker = Worker(tmp, '--no-other-files')
    about = pathlib.Path('/proc', str(worker.process.pid))
    if not (about / 'status').exists():
        return
    status = dict(line.split(':\t', 1) for line in (about / 'status').read_text().splitlines() if ':\t' in line)
    limits = (about / 'limits').read_text()
    assert status['NoNewPrivs'] == '1', status
    assert (status['Seccomp'] == '2') == worker.confined['calls'], status
    assert (about / 'oom_score_adj').read_text() == '700\n'
    assert re.search(r'^Max core file size +0 +0 ', limits, re.M), limits
    # All of its threads, those of the mathematics included.
    for task in (about / 'task').iterdir():
        seccomp = [line for line in (task / 'status').read_text().splitlines() if line.startswith('Seccomp:')]
        assert seccomp == [f'Seccomp:\t{2 if worker.confined["calls"] else 0}'], (task, seccomp)
    # Of the descriptors that it has, none is a socket.
    assert not [link for link in (about / 'fd').iterdir() if os.readlink(link).startswith('socket:')]
    description = worker.ask(type='describe')
    assert description['confined'] == worker.confined
    worker.end()


def what_it_keeps_on_the_disk_is_kept(tmp):
    model, cache = copy_model(tmp / 'model'), tmp / 'some/where/cache'
    for reused in ([], ['text', 'encode']):
        worker = Worker(tmp, '--may-read', model, ESPALIER_CACHE_DIR=str(cache))
        result = worker.edit(model)
        assert result['type'] == 'result' and set(result['reused']) == set(reused), result['reused']
        worker.end()
    assert list(cache.iterdir()) and cache.stat().st_mode & 0o777 == 0o700


def another_goes_on_in_the_spool_of_one_that_was_killed(tmp):
    first = Worker(tmp, '--may-read', DEMO)
    result = first.edit(DEMO)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = Worker(tmp, '--may-read', DEMO, '--spool', first.spool)
    assert second.spool == first.spool and pathlib.Path(result['path']).exists()
    # A third one, which removes what the dead have left, leaves it alone.
    third = Worker(tmp, '--may-read', DEMO)
    third.end()
    assert pathlib.Path(result['path']).exists()
    assert second.edit(DEMO)['type'] == 'result'
    second.end()
    assert not first.spool.exists()


def a_spool_has_to_be_one(tmp):
    (tmp / 'espalier-spool-open').mkdir(mode=0o755)
    (tmp / 'folder').mkdir(mode=0o700)
    for place in (tmp / 'espalier-spool-open', tmp / 'folder', tmp / 'missing', '/'):
        done = subprocess.run([ENGINE, '--spool', str(place)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=dict(os.environ, TMPDIR=str(tmp)))
        assert done.returncode == 1 and str(place) in done.stderr, done
    for arguments in (['--may-read'], ['--may-read', ''], ['--may', 'x'], ['x']):
        done = subprocess.run([ENGINE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 2 and 'Usage' in done.stderr, done


CASES = [what_is_given_is_used_and_nothing_else, nothing_is_written_elsewhere, links_lead_where_they_led_at_the_start,
         names_alone_are_names_alone, without_arguments_all_files_are_used, the_kernel_holds_it,
         what_it_keeps_on_the_disk_is_kept, another_goes_on_in_the_spool_of_one_that_was_killed, a_spool_has_to_be_one]


def main():
    if not os.path.exists(ENGINE):
        print('1..0 # SKIP ESPALIER_ENGINE names no program')
        return 0
    failed = 0
    print(f'1..{len(CASES)}')
    for number, case in enumerate(CASES, 1):
        folder = pathlib.Path(tempfile.mkdtemp(prefix='espalier-case-'))
        try:
            case(folder)
            print(f'ok {number} - {case.__name__}', flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {number} - {case.__name__}', flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
