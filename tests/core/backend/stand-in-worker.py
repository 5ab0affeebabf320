#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that misbehaves as STAND_IN says: what the client makes of it is tested without an engine."""
import json
import os
import signal
import sys
import tempfile
import time

mode = os.environ.get('STAND_IN', '')
spool = tempfile.mkdtemp(prefix='espalier-spool-')


def send(**event):
    print(json.dumps(event), flush=True)


def remove_spool():
    for name in os.listdir(spool):
        os.unlink(os.path.join(spool, name))
    os.rmdir(spool)


if mode == 'silent':
    remove_spool()
    time.sleep(3600)
if mode == 'dies at once':
    remove_spool()
    print('the disk is on fire', file=sys.stderr, flush=True)
    sys.exit(7)

for line in sys.stdin:
    request = json.loads(line)
    kind, identifier = request['type'], request['id']
    if kind == 'hello' and mode == 'a spool of yours':
        send(type='hello', id=identifier, protocol=1, engine='0', spool=os.path.dirname(os.environ['YOURS']), pid=os.getpid())
    elif kind == 'hello':
        send(type='hello', id=identifier, protocol=2 if mode == 'other protocol' else 1, engine='0', spool=spool,
             pid=os.getpid(), **({'batch': 2} if mode == 'echo two' else {}))
    elif kind == 'load' and mode == 'garbage':
        print('this is no JSON\n[1,2]\n{"id":"?"}', flush=True)
        send(type='loaded', id=identifier, model={'id': 'm'}, seconds=0)
    elif kind == 'load':
        send(type='loaded', id=identifier, model={'id': request['model']}, seconds=0)
    elif kind == 'edit' and mode == 'crashes':
        open(os.path.join(spool, 'leftover.ppm'), 'w').close()
        print('something is very wrong', file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == 'edit' and mode == 'stuck':
        send(type='progress', id=identifier, stage='sample', step=1, steps=2, fraction=0.5, seconds_left=None)
        # It reads nothing any more, not even its own cancellation.
        time.sleep(3600)
    elif kind == 'edit' and mode == 'waits for cancel':
        send(type='progress', id=identifier, stage='sample', step=1, steps=2, fraction=0.5, seconds_left=1.5)
        job = identifier
    elif kind == 'edit' and mode == 'echo two':
        for one in [identifier] + [entry['id'] for entry in request.get('batch', [])]:
            send(type='result', id=one, path=spool + '/r.ppm', request=request)
    elif kind == 'edit' and mode == 'echo':
        send(type='progress', id=identifier, stage='sample', step=1, steps=2, fraction=0.5, seconds_left=1.5)
        send(type='preview', id=identifier, path=spool + '/p.ppm', step=1, width=4, height=4)
        send(type='result', id=identifier, path=spool + '/r.ppm', request=request)
    elif kind == 'edit' and mode == 'names a file of yours':
        send(type='result', id=identifier, path=os.environ['YOURS'], latents=None)
    elif kind == 'edit' and mode == 'links to a file of yours':
        os.symlink(os.environ['YOURS'], spool + '/r.ppm')
        send(type='result', id=identifier, path=spool + '/r.ppm', latents=None)
    elif kind == 'edit' and mode == 'names latents of yours':
        send(type='result', id=identifier, path=spool + '/r.ppm', latents=os.environ['YOURS'])
    elif kind == 'edit' and mode == 'shows a file of yours':
        send(type='preview', id=identifier, path=spool + '/../' + os.path.basename(os.environ['YOURS']), step=1, width=4,
             height=4)
    elif kind == 'edit' and mode == 'another spool':
        other = tempfile.mkdtemp(prefix='espalier-spool-')
        send(type='hello', id=identifier, protocol=1, engine='0', spool=other, pid=os.getpid())
        os.rmdir(other)
        send(type='result', id=identifier, path=other + '/r.ppm')
    elif kind == 'edit' and mode == 'no memory to read':
        send(type='error', id=None, code='memory', message='request: out of memory')
    elif kind == 'edit' and mode in ('babbles', 'mutters'):
        stream = sys.stdout if mode == 'babbles' else sys.stderr
        try:
            while True:
                stream.write('this is no answer\n' if mode == 'babbles' else 'x' * 65536)
        except BrokenPipeError:
            os._exit(0)
    elif kind == 'edit' and mode == 'endless line':
        try:
            while True:
                sys.stdout.write('{"type": "result", ' * 4096)
        except BrokenPipeError:
            os._exit(0)
    elif kind == 'edit':
        send(type='error', id=identifier, code=mode, message='photo.ppm: is wrong')
    elif kind == 'cancel':
        send(type='cancelling', id=identifier, job=request['job'], found=True)
        send(type='error', id=request['job'], code='cancelled', message='cancelled')

remove_spool()
