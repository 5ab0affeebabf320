#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The worker as a client sees it: the documented session, malformed lines, cancellation, its end."""
import json
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SOURCE = pathlib.Path(__file__).resolve().parents[3]
ENGINE = os.environ.get('ESPALIER_ENGINE', '')
MODEL = 'data/models/demo'
LONG = 240  # seconds to wait for anything: the machine may be busy


class Worker:
    """A running worker, its events in a queue."""

    def __init__(self, tmp, **options):
        environment = dict(os.environ, TMPDIR=str(tmp))
        self.tmp = pathlib.Path(tmp)
        self.process = subprocess.Popen([ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=SOURCE, env=environment, **options)
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            assert line.endswith(b'\n'), line
            self.events.put(json.loads(line))
        self.events.put(None)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, **request):
        self.write(json.dumps(request).encode() + b'\n')

    def next(self):
        return self.events.get(timeout=LONG)

    def answer(self, identifier, seen=None):
        """The last event of a request; progress and previews before it go to `seen`."""
        while True:
            event = self.next()
            assert event is not None, 'the worker ended'
            if event['id'] == identifier and event['type'] not in ('progress', 'preview'):
                return event
            if seen is not None:
                seen.append(event)

    def hello(self):
        self.send(type='hello', id='hello')
        event = self.answer('hello')
        assert event['protocol'] == 1
        return pathlib.Path(event['spool'])

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(LONG) == 0, self.process.returncode
        assert not list(self.tmp.iterdir()), list(self.tmp.iterdir())


def write_photo(folder, name='photo.ppm', width=48, height=32):
    path = pathlib.Path(folder) / name
    pixels = bytes((x * 5 + y * 3 + c * 40) % 256
                   for y in range(height) for x in range(width) for c in range(3))
    path.write_bytes(f'P6\n{width} {height}\n255\n'.encode() + pixels)
    return str(path)


def edit(photo, identifier, **fields):
    request = dict(type='edit', id=identifier, model=MODEL, images=[photo], prompt='Make it snow',
                   size='match', steps=1)
    request.update(fields)
    return request


# What differs from run to run or from machine to machine; its type is checked.
VARIABLE = {'pid', 'seconds', 'peak_memory', 'load', 'text', 'encode', 'sample', 'decode', 'total',
            'weight_bytes', 'parameters', 'fraction', 'seconds_left'}


def same(documented, found, key=''):
    if documented == '…':
        return True
    if isinstance(documented, dict):
        if '…' in documented:
            return isinstance(found, dict)
        return (isinstance(found, dict) and documented.keys() == found.keys()
                and all(same(documented[k], found[k], k) for k in documented))
    if isinstance(documented, list):
        if '…' in documented:
            return isinstance(found, list)
        return (isinstance(found, list) and len(documented) == len(found)
                and all(map(same, documented, found)))
    if key in VARIABLE:
        return isinstance(found, (int, float))
    return documented == found


def the_documented_session_is_true(tmp):
    text = (SOURCE / 'docs/worker-protocol.md').read_text(encoding='utf-8')
    lines = re.findall(r'^([→←]) (.*)$', text, re.M)
    assert len(lines) > 10
    worker = Worker(tmp)
    spool = None
    progress = None
    for arrow, line in lines:
        if arrow == '→':
            if 'SPOOL' in line:
                write_photo(spool)
            worker.write(line.replace('SPOOL', str(spool)).encode() + b'\n')
            continue
        documented = json.loads(line)
        if documented['type'] == 'progress':
            progress = documented
            continue
        found = worker.next()
        last = None
        while found['type'] == 'progress':
            last = found
            found = worker.next()
        if progress is not None:
            assert last is not None and progress.keys() == last.keys(), last
            progress = None
        assert same(documented, found), f'documented {documented}\nfound {found}'
        if found['type'] == 'hello':
            spool = found['spool']
    worker.end()


def malformed_lines_are_answered_and_survived(tmp):
    worker = Worker(tmp)
    lines = [b'', b' ', b'x', b'null', b'7', b'"text"', b'[]', b'{', b'{}', b'{"id":1}', b'{"type":"hello"}',
             b'{"id":1,"type":"hello"', b'{"id":1,"type":"hello"}}', b'{"id":1,"type":"hello","a":NaN}',
             b'{"id":1,"type":"hello","a":1e999}', b'{"id":1,"type":"hello","a":Infinity}',
             b'{"id":1,"type":"edit","model":5}', b'{"id":[],"type":"hello"}', b'{"id":true,"type":"hello"}',
             b'{"id":99999999999999999999,"type":"hello"}', b'{"id":1,"type":"sing"}', b'\x00\x00\x00',
             b'{"id":1,"type":"hello"}\x00', b'{"id":"\xff\xfe","type":"hello"}', b'\xef\xbb\xbf{"id":1}',
             b'{"id":1,"type":"tokenize","model":"' + MODEL.encode() + b'","texts":["\\ud800"]}',
             b'[' * 100000, b'{"a":' * 100000, b'{"id":1,"type":"hello","x":"' + b'y' * 1000000,
             b'{"id":"' + b'i' * 129 + b'","type":"hello"}']
    for line in lines:
        worker.write(line + b'\n')
        event = worker.next()
        assert event['type'] == 'error' and event['message'], (line[:60], event)
        assert event['code'] in ('protocol', 'argument'), (line[:60], event)
    worker.hello()
    worker.end()


def a_line_beyond_the_limit_is_skipped(tmp):
    worker = Worker(tmp)
    block = b'x' * (1 << 20)
    for _ in range(65):
        worker.write(block)
    worker.write(b'\n')
    event = worker.next()
    assert event['code'] == 'protocol' and '64 MiB' in event['message'], event
    worker.hello()
    with open(f'/proc/{worker.process.pid}/status', encoding='ascii') as status:
        peak = int(re.search(r'VmHWM:\s+(\d+)', status.read()).group(1))
    assert peak < 400 * 1024 or 'ASAN_OPTIONS' in os.environ, f'{peak} KiB'
    worker.end()


def garbage_made_of_good_lines_is_survived(tmp):
    """Seeded mutations: whatever comes, the worker answers each line once and stays."""
    generator = random.Random(20240917)
    worker = Worker(tmp)
    good = [json.dumps(line).encode() for line in (
        {'type': 'hello', 'id': 1}, {'type': 'describe', 'id': 2}, {'type': 'cancel', 'id': 3, 'job': 1},
        {'type': 'tokenize', 'id': 4, 'model': MODEL, 'texts': ['snow', 'für \u0000 immer']},
        edit('/nonexistent.ppm', 5), {'type': 'describe', 'id': 6, 'model': MODEL},
        edit('/nonexistent.ppm', 10, carry=dict(latents='/none', width=64, height=48, tokens='fe0', model='0' * 64)),
        edit('/nonexistent.ppm', 8, batch=[{'id': 9, 'seed': 2}, {'id': 'x', 'seed': '3'}]),
        {'type': 'load', 'id': 7, 'model': '/nonexistent'})]
    sent = 0
    for _ in range(1500):
        line = bytearray(generator.choice(good))
        for _ in range(generator.randint(1, 6)):
            position = generator.randrange(len(line))
            kind = generator.randrange(4)
            if kind == 0:
                line[position] = generator.randrange(256)
            elif kind == 1:
                del line[position:position + generator.randint(1, 8)]
            elif kind == 2:
                line[position:position] = generator.choice(
                    [b'"', b'{', b'}', b'[', b',', b':', b'\\', b'\\u0000', b'\xff', b'9' * 30, b'null', b'-'])
            else:
                line[position:position] = line[:generator.randrange(len(line))]
            line = line or bytearray(b' ')
        line = bytes(line).replace(b'\n', b' ')
        if b'quit' in line:
            continue
        worker.write(line + b'\n')
        sent += 1
        # One at a time: a cancelled job and its cancellation are two answers to one line.
        while True:
            event = worker.next()
            assert event is not None, (worker.process.wait(LONG), line)
            if event['type'] not in ('progress', 'preview'):
                break
    assert sent > 1000
    worker.hello()
    worker.end()


def an_edit_gives_the_same_bytes_twice(tmp):
    worker = Worker(tmp)
    spool = worker.hello()
    photo = write_photo(spool)
    results = []
    for i in range(2):
        seen = []
        worker.send(**edit(photo, i, seed=5, steps=2, previews=True))
        event = worker.answer(i, seen)
        assert event['type'] == 'result', event
        assert (event['width'], event['height'], event['seed'], event['steps']) == (48, 32, 5, 2)
        assert set(event['timings']) == {'load', 'text', 'encode', 'sample', 'decode', 'total'}
        assert event['peak_memory'] > 1 << 20
        latents = pathlib.Path(event['latents'])
        assert latents.parent == spool and latents.stat().st_size > 4 * 64 * 4
        results.append(pathlib.Path(event['path']).read_bytes())
        assert results[-1].startswith(b'P6\n48 32\n255\n') and len(results[-1]) == 13 + 48 * 32 * 3
        previews = [e for e in seen if e['type'] == 'preview']
        assert previews and all(pathlib.Path(e['path']).parent == spool for e in previews), seen
        progress = [e for e in seen if e['type'] == 'progress']
        fractions = [e['fraction'] for e in progress]
        assert fractions == sorted(fractions) and 0 <= fractions[0] and fractions[-1] <= 1, fractions
        assert [e['step'] for e in progress if e['stage'] == 'sample'][-1] == 2, progress
    assert results[0] == results[1]
    worker.end()


def batch_of(photo, identifiers, **fields):
    """An edit with as many further ones; the n-th has the seed n."""
    batch = [dict(id=identifier, seed=n + 1) for n, identifier in enumerate(identifiers[1:])]
    return edit(photo, identifiers[0], seed=0, batch=batch, **fields)


def picture_of(event):
    assert event['type'] == 'result', event
    return pathlib.Path(event['path']).read_bytes(), pathlib.Path(event['latents']).read_bytes()


def a_batch_gives_what_single_edits_give(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    for dtype in ('f32', 'bf16'):
        for fields in ({}, dict(true_cfg=2, negative_prompt='rain'), dict(images=[photo, photo])):
            fields = dict(fields, steps=2, dtype=dtype, previews=True)
            singles = []
            for seed in range(3):
                worker.send(**edit(photo, seed, seed=seed, **fields))
                singles.append(picture_of(worker.answer(seed)))
            worker.send(**batch_of(photo, ['x', 'y', 'z'], **fields))
            seen, found = [], {}
            while len(found) < 3:
                event = worker.next()
                if event['type'] == 'result':
                    assert event['seed'] == 'xyz'.index(event['id'])
                    assert set(event['reused']) == {'text', 'encode', 'modulations'}, event
                    assert 1 <= event['shared'] <= 3
                    found[event['id']] = picture_of(event)
                else:
                    # Nothing comes of an edit that has its answer.
                    assert event['type'] in ('progress', 'preview') and event['id'] not in found, event
                    seen.append(event)
            assert [found[name] for name in 'xyz'] == singles
            assert len(set(singles)) == 3
            for name in 'xyz':
                steps = [e['step'] for e in seen if e['id'] == name and e['type'] == 'progress']
                assert max(steps) == 2, (name, seen)
                assert [e for e in seen if e['id'] == name and e['type'] == 'preview'], name
    worker.end()


def edits_of_a_batch_are_cancelled_alone(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    worker.send(**batch_of(photo, ['a', 'b', 'c'], steps=1000))
    worker.send(**batch_of(photo, ['d', 'e', 'f']))
    worker.send(**batch_of(photo, ['g', 'h']))
    while True:
        event = worker.next()
        if event['type'] == 'progress' and event['stage'] == 'sample' and event['step'] > 1:
            break
    # Their ids are taken, and nothing of such a request is begun.
    worker.send(**edit(photo, 'c'))
    worker.send(**batch_of(photo, ['new', 'e']))
    # Of one that waits, of one that runs, of one that waits all of it; an id that is free again.
    for number, name in enumerate(('e', 'b', 'g', 'h', 'h')):
        worker.send(type='cancel', id=number, job=name)
    answers = {}
    while not {'b', 4} <= answers.keys():
        event = worker.next()
        if event['type'] not in ('progress', 'preview'):
            answers.setdefault(event['id'], []).append(event)
    assert [e['code'] for e in answers[None]] == ['protocol', 'protocol']
    assert [answers[n][0]['found'] for n in range(5)] == [True, True, True, True, False]
    assert all(answers[name][0]['code'] == 'cancelled' for name in 'ebgh'), answers
    # The others go on.
    while True:
        event = worker.next()
        assert event['type'] in ('progress', 'preview') and event['id'] in 'ac', event
        if event['type'] == 'progress' and event['step'] > 3:
            break
    for name in 'ac':
        worker.send(type='cancel', id=name + '-stop', job=name)
    # One that waits for the other, where the processor does one at a time, may be told before it.
    answers = {}
    while len(answers) < 2:
        event = worker.next()
        if event['id'] in ('a', 'c') and event['type'] not in ('progress', 'preview'):
            answers[event['id']] = event
    assert all(event['code'] == 'cancelled' for event in answers.values()), answers
    results = {worker.answer('d')['id'], worker.answer('f')['id']}
    assert results == {'d', 'f'}
    worker.end()


def batches_that_are_wrong_are_refused_as_a_whole(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    malformed = [5, 'x', {}, [5], [[]], [{}], [{'id': 2}], [{'seed': 2}], [{'id': None, 'seed': 2}],
                 [{'id': 2, 'seed': 2, 'steps': 3}], [{'id': 2, 'seed': None}], [{'id': 2, 'seed': -1}],
                 [{'id': 2, 'seed': 1.5}], [{'id': 2, 'seed': 'x'}], [{'id': 2, 'seed': [7]}],
                 [{'id': 'x' * 129, 'seed': 2}], [{'id': 1, 'seed': 2}],
                 [{'id': 2, 'seed': 2}, {'id': 2, 'seed': 3}],
                 [{'id': n + 2, 'seed': n} for n in range(64)]]
    for batch in malformed:
        worker.send(**edit(photo, 1, batch=batch))
        event = worker.next()
        assert (event['type'], event['id'], event['code']) == ('error', 1, 'argument'), (batch, event)
        assert 'batch' in event['message'] or 'seed' in event['message'], (batch, event)
    # What is wrong with all of them is told to each.
    for fields, code in ((dict(stepz=1), 'argument'), (dict(steps=0), 'argument'), (dict(images=['/no.ppm']), 'file'),
                         (dict(model='/nonexistent'), 'file'), (dict(noise='/n'), 'argument'),
                         (dict(dump='/n'), 'argument')):
        worker.send(**batch_of(photo, ['p', 'q'], **fields))
        events = [worker.next(), worker.next()]
        assert sorted(e['id'] for e in events) == ['p', 'q'], events
        assert all(e['code'] == code for e in events), events
    worker.send(**batch_of(photo, list(range(64)), steps=1))
    for number in range(64):
        assert worker.answer(number)['type'] == 'result'
    worker.end()


def write_latents(path, values, shape, dtype='F32', name='latents'):
    """A safetensors file with one tensor."""
    data = struct.pack(f"<{len(values)}{'f' if dtype == 'F32' else 'e'}", *values)
    header = json.dumps({name: {'dtype': dtype, 'shape': shape, 'data_offsets': [0, len(data)]}}).encode()
    pathlib.Path(path).write_bytes(struct.pack('<Q', len(header)) + header + data)
    return str(path)


def what_is_carried_takes_the_place_of_the_picture(tmp):
    worker = Worker(tmp)
    spool = worker.hello()
    photo, black = write_photo(spool), spool / 'black.ppm'
    black.write_bytes(b'P6\n48 32\n255\n' + bytes(48 * 32 * 3))
    worker.send(**edit(photo, 'first', seed=3, steps=2))
    first = worker.answer('first')
    assert first['carried'] == 0 and 'not_carried' not in first, first
    carry = dict(latents=first['latents'], width=48, height=32)
    number = 0

    def made(picture, **fields):
        nonlocal number
        number += 1
        worker.send(**edit(str(picture), number, steps=2, **{'seed': 4, **fields}))
        event = worker.answer(number)
        return event, picture_of(event)

    _, plain = made(photo)
    _, plain_black = made(black)
    event, carried = made(photo, carry=carry)
    assert event['carried'] == 1 and 'not_carried' not in event and 'encode' in event['reused'], event
    assert carried != plain
    assert made(black, carry=carry)[1] == carried, 'nothing of the picture is read where all is carried'
    event, half = made(photo, carry=dict(carry, tokens='e0', model=event['model']['hash']))
    assert event['carried'] == 0.5 and half not in (plain, carried), event
    assert made(black, carry=dict(carry, tokens='e0'))[1] != half
    event, none = made(black, carry=dict(carry, tokens='00'))
    assert event['carried'] == 0 and 'not_carried' not in event and none == plain_black, event
    event, off = made(photo, carry=carry, latent_carry=False)
    assert event['carried'] == 0 and 'not_carried' not in event and off == plain, event

    for fields, words in ((dict(model='0' * 64), 'another model'), (dict(width=32, height=48), '32×48')):
        event, ignored = made(photo, carry=dict(carry, **fields))
        assert event['carried'] == 0 and words in event['not_carried'] and ignored == plain, event

    worker.send(**batch_of(photo, ['x', 'y', 'z'], steps=2, carry=dict(carry, tokens='e0')))
    batch = {identifier: worker.answer(identifier) for identifier in 'xyz'}
    for seed, identifier in enumerate('xyz'):
        assert batch[identifier]['carried'] == 0.5
        assert picture_of(batch[identifier]) == made(photo, seed=seed, carry=dict(carry, tokens='e0'))[1]
    worker.end()


def latents_that_are_wrong_are_refused(tmp):
    worker = Worker(tmp)
    spool = worker.hello()
    photo, zeros = write_photo(spool), [0.0] * (6 * 64)
    file = spool / 'carry.safetensors'
    cases = [(lambda: str(spool / 'none.safetensors'), 'file', 'none.safetensors'),
             (lambda: write_latents(file, zeros, [384]), 'format', 'latents'),
             (lambda: write_latents(file, zeros, [12, 32]), 'format', 'latents'),
             (lambda: write_latents(file, zeros[:192], [6, 32]), 'argument', '32 numbers'),
             (lambda: write_latents(file, zeros, [6, 64], 'F16'), 'format', 'F16'),
             (lambda: write_latents(file, zeros, [6, 64], name='noise'), 'format', 'latents'),
             (lambda: write_latents(file, zeros[:-1] + [float('nan')], [6, 64]), 'numeric', 'NaN'),
             (lambda: write_latents(file, zeros[:-1] + [float('inf')], [6, 64]), 'numeric', 'NaN'),
             (lambda: file.write_bytes(b'{}') and str(file), None, 'carry.safetensors')]
    for number, (make, code, words) in enumerate(cases):
        worker.send(**edit(photo, number, steps=1, carry=dict(latents=make(), width=48, height=32)))
        event = worker.answer(number)
        assert event['type'] == 'error' and words in event['message'], (number, event)
        assert code is None or event['code'] == code, (number, event)
    worker.send(**edit(photo, 'good', steps=1,
                       carry=dict(latents=write_latents(file, zeros, [6, 64]), width=48, height=32)))
    assert worker.answer('good')['carried'] == 1
    worker.end()


def jobs_run_in_order_and_cancel_acts_at_once(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    worker.send(**edit(photo, 'long', steps=1000))
    worker.send(**edit(photo, 'waiting', steps=1000))
    worker.send(**edit(photo, 'short'))
    while True:
        event = worker.next()
        if event['type'] == 'progress' and event['stage'] == 'sample' and event['step'] > 0:
            break
    worker.send(**edit(photo, 'long'))
    worker.send(type='cancel', id=1, job='waiting')
    worker.send(type='cancel', id=2, job='long')
    start = time.monotonic()
    order = []
    while 'short' not in order:
        event = worker.next()
        if event['type'] == 'progress':
            continue
        order.append(event['id'])
        if event['type'] == 'error':
            assert event['code'] == ('protocol' if event['id'] is None else 'cancelled'), event
        if event['id'] == 'long':
            took = time.monotonic() - start
    assert order == [None, 1, 'waiting', 2, 'long', 'short'], order
    assert took < 5, f'{took} s'
    worker.end()


def hello_is_answered_while_a_job_runs(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    worker.send(**edit(photo, 'long', steps=1000))
    worker.send(type='hello', id='again')
    worker.send(type='describe', id='what')
    seen = []
    assert worker.answer('again', seen)['type'] == 'hello'
    assert worker.answer('what', seen)['devices'][0]['id'] == 'cpu'
    assert not [e for e in seen if e['type'] == 'result']
    worker.send(type='quit', id='end')
    assert worker.answer('long')['code'] == 'cancelled'
    assert worker.answer('end')['type'] == 'bye'
    worker.end()


def errors_name_what_is_wrong(tmp):
    worker = Worker(tmp)
    spool = worker.hello()
    photo = write_photo(spool)
    bad = spool / 'bad.ppm'
    bad.write_bytes(b'P6\n100000 100000\n255\nxx')
    tiny = write_photo(spool, 'tiny.ppm', 8, 8)
    cases = [(dict(model='/nonexistent'), 'file', '/nonexistent'), (dict(images=['/no.ppm']), 'file', '/no.ppm'),
             (dict(images=[str(bad)]), None, 'bad.ppm'), (dict(device='cuda'), 'unsupported', 'NVIDIA'),
             (dict(device='cuda:x'), 'argument', 'cuda:N'), (dict(device='cuda:0'), 'unsupported', 'NVIDIA'),
             (dict(dtype='fp8'), 'unsupported', 'fp8'), (dict(vram=-1), 'argument', 'vram'), (dict(blas='mkl'), 'argument', 'blas'),
             (dict(noise='/no.safetensors'), 'file', '/no.safetensors'), (dict(steps=0), 'argument', 'steps'),
             (dict(size='10x10'), 'argument', 'size'), (dict(images=[tiny]), 'argument', '8'),
             (dict(images=[photo] * 9), 'argument', 'images'), (dict(model=str(spool)), None, str(spool)),
             (dict(dump='/nonexistent/x.safetensors'), 'file', '/nonexistent')]
    for number, (fields, code, name) in enumerate(cases):
        worker.send(**edit(photo, number, **fields))
        event = worker.answer(number)
        assert event['type'] == 'error', (fields, event)
        assert code is None or event['code'] == code, (fields, event)
        assert name in event['message'], (fields, event)
    worker.end()


def a_changed_model_is_opened_anew(tmp):
    model = pathlib.Path(tempfile.mkdtemp(prefix='espalier-model-'))
    try:
        shutil.copytree(SOURCE / MODEL, model / 'm')
        worker = Worker(tmp)
        for number, name in enumerate(('one', 'one', 'two')):
            manifest = model / 'm/espalier.json'
            fields = json.loads(manifest.read_text(encoding='utf-8'))
            if fields['name'] != name:
                fields['name'] = name
                manifest.write_text(json.dumps(fields), encoding='utf-8')
            worker.send(type='load', id=number, model=str(model / 'm'))
            assert worker.answer(number)['model']['name'] == name
        worker.end()
    finally:
        shutil.rmtree(model)


def a_model_is_put_together_and_its_parts_are_watched(tmp):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='espalier-parts-'))
    try:
        demo = SOURCE / MODEL
        lone = folder / 'kontext.safetensors'
        shutil.copy(demo / 'transformer/diffusion_pytorch_model.safetensors', lone)
        components = {part: str(demo / name) for part, name in (
            ('clip', 'text_encoder'), ('t5', 'text_encoder_2'), ('tokenizer', 'tokenizer'),
            ('tokenizer_2', 'tokenizer_2'))}
        vae = folder / 'vae'
        shutil.copytree(demo / 'vae', vae)
        worker = Worker(tmp)
        worker.send(type='load', id=1, model=str(lone), components=components)
        first = worker.answer(1)['model']  # the autoencoder lies beside it
        assert first['id'] == 'kontext' and first['t5_tokens'] == 512 and first['notes'] == [], first
        worker.send(type='load', id=2, components={'transformer': str(lone), **components})
        assert worker.answer(2)['model']['hash'] == first['hash']
        data = bytearray((vae / 'diffusion_pytorch_model.safetensors').read_bytes())
        data[-1] ^= 1
        (vae / 'diffusion_pytorch_model.safetensors').write_bytes(data)
        worker.send(type='load', id=3, components={'transformer': str(lone), **components})
        assert worker.answer(3)['model']['hash'] != first['hash'], 'a changed part was not noticed'
        for number, (fields, named) in enumerate((
                ({'components': {'unet': 'x'}}, 'unet'), ({'components': []}, 'components'),
                ({'components': {'vae': 3}}, 'vae'), ({'components': {'vae': ''}}, 'vae'),
                ({'components': {'vae': '/nonexistent'}}, '/nonexistent'), ({'model': None}, 'model')), 10):
            worker.send(type='load', id=number, **{'model': str(lone), **fields})
            event = worker.answer(number)
            assert event['type'] == 'error' and named in event['message'], event
        worker.send(type='inspect', id=30, model=str(lone))
        event = worker.answer(30)
        assert event['kind'] == 'model' and not event['runnable'], event
        assert event['missing'] == ['clip', 't5', 'tokenizer', 'tokenizer_2'], event
        worker.send(type='inspect', id=31, model=str(lone), components=components)
        event = worker.answer(31)
        assert event['runnable'] and event['problem'] is None and event['parts']['vae'].startswith(str(vae)), event
        assert event['estimate']['step_flops'] > 1e9 and event['sizes']['double_blocks'] == 2, event
        worker.end()
    finally:
        shutil.rmtree(folder)


def a_file_is_converted_or_left_alone(tmp):
    worker = Worker(tmp)
    spool = worker.hello()
    small, large = spool / 'small.gguf', spool / 'large.safetensors'
    seen = []
    worker.send(type='convert', id=1, input=f'{MODEL}/transformer', output=str(small), format='q8_0')
    event = worker.answer(1, seen)
    assert event['type'] == 'converted' and event['path'] == str(small), event
    assert event['converted'] > 0 and event['kept'] > 0 and event['bytes_out'] == small.stat().st_size
    assert small.read_bytes()[:4] == b'GGUF' and seen[-1]['fraction'] == 1 and seen[-1]['stage'] == 'convert'

    # A gigabyte of zeros that takes no room: long enough to be cancelled.
    header = json.dumps({'a.weight': {'dtype': 'F32', 'shape': [1 << 18, 1 << 10], 'data_offsets': [0, 1 << 30]}}).encode()
    with open(large, 'wb') as file:
        file.write(len(header).to_bytes(8, 'little') + header)
        file.truncate(8 + len(header) + (1 << 30))
    before = sorted(os.listdir(spool))
    small.write_bytes(b'as it was')
    worker.send(type='convert', id=2, input=str(large), output=str(small), format='q4_k')
    while worker.next()['type'] != 'progress':
        pass
    worker.send(type='cancel', id=3, job=2)
    assert worker.answer(3)['found']
    event = worker.answer(2)
    assert event['type'] == 'error' and event['code'] == 'cancelled', event
    assert small.read_bytes() == b'as it was' and sorted(os.listdir(spool)) == before

    cases = [(dict(format='q9'), 'argument', 'q9'), (dict(format=None), 'argument', 'format'), (dict(input='/no'), 'file', '/no'),
             (dict(input=MODEL), 'file', MODEL), (dict(output='/no/such/x'), 'file', '/no/such'), (dict(output=None), 'argument', 'output'),
             (dict(output=str(large), input=str(large)), 'argument', 'large'), (dict(more=1), 'argument', 'more')]
    for number, (fields, code, name) in enumerate(cases, 10):
        worker.send(**dict(dict(type='convert', id=number, input=f'{MODEL}/vae', output=str(small), format='bf16'), **fields))
        event = worker.answer(number)
        assert event['type'] == 'error' and event['code'] == code and name in event['message'], (fields, event)
    worker.end()


def the_end_of_input_ends_a_running_edit(tmp):
    worker = Worker(tmp)
    photo = write_photo(worker.hello())
    worker.send(**edit(photo, 'long', steps=1000))
    worker.send(type='tokenize', id='words', model=MODEL, texts=['snow'])
    while worker.next()['type'] != 'progress':
        pass
    worker.process.stdin.close()
    assert worker.answer('long')['code'] == 'cancelled'
    assert worker.answer('words')['type'] == 'tokens'
    assert worker.process.wait(LONG) == 0
    assert not list(pathlib.Path(tmp).iterdir())


def a_client_that_stops_reading_ends_it(tmp):
    read, write = os.pipe()
    process = subprocess.Popen([ENGINE], stdin=subprocess.PIPE, stdout=write, cwd=SOURCE,
                               env=dict(os.environ, TMPDIR=str(tmp)))
    os.close(write)
    os.close(read)
    process.stdin.write(b'{"id":1,"type":"hello"}\n')
    process.stdin.flush()
    assert process.wait(LONG) == 0
    process.stdin.close()
    assert not list(pathlib.Path(tmp).iterdir())


def signals_end_it_in_good_order(tmp):
    for number in (signal.SIGTERM, signal.SIGHUP):
        worker = Worker(tmp)
        photo = write_photo(worker.hello())
        worker.send(**edit(photo, 'long', steps=1000))
        while worker.next()['type'] != 'progress':
            pass
        worker.process.send_signal(signal.SIGINT)
        worker.send(type='hello', id='still there')
        worker.answer('still there')
        worker.process.send_signal(number)
        assert worker.process.wait(LONG) == 0
        assert not list(pathlib.Path(tmp).iterdir())


def a_killed_worker_leaves_nothing_for_the_next(tmp):
    first, second = Worker(tmp), Worker(tmp)
    photo = write_photo(first.hello())
    other = second.hello()
    first.send(**edit(photo, 'long', steps=1000))
    while first.next()['type'] != 'progress':
        pass
    first.process.kill()
    first.process.wait(LONG)
    assert len(list(pathlib.Path(tmp).iterdir())) == 2
    third = Worker(tmp)
    third.hello()
    assert not pathlib.Path(photo).exists()
    assert other.exists() and len(list(pathlib.Path(tmp).iterdir())) == 2
    third.process.stdin.close()
    assert third.process.wait(LONG) == 0
    second.end()


def two_workers_work_side_by_side(tmp):
    workers = [Worker(tmp), Worker(tmp)]
    photos = [write_photo(worker.hello()) for worker in workers]
    for worker, photo in zip(workers, photos):
        worker.send(**edit(photo, 1, seed=3))
    pictures = {pathlib.Path(worker.answer(1)['path']).read_bytes() for worker in workers}
    assert len(pictures) == 1
    for worker in workers:
        worker.process.stdin.close()
    assert [worker.process.wait(LONG) for worker in workers] == [0, 0]


def closed_standard_files_do_no_harm(tmp):
    result = subprocess.run(['/bin/sh', '-c', f'exec "{ENGINE}" 0<&- 2>&-'], stdout=subprocess.PIPE,
                            env=dict(os.environ, TMPDIR=str(tmp)), timeout=LONG, check=False)
    assert result.returncode == 0 and result.stdout == b'', result
    assert not list(pathlib.Path(tmp).iterdir())


CASES = [the_documented_session_is_true, malformed_lines_are_answered_and_survived,
         a_line_beyond_the_limit_is_skipped, garbage_made_of_good_lines_is_survived,
         an_edit_gives_the_same_bytes_twice, a_batch_gives_what_single_edits_give,
         edits_of_a_batch_are_cancelled_alone, batches_that_are_wrong_are_refused_as_a_whole,
         what_is_carried_takes_the_place_of_the_picture,
         latents_that_are_wrong_are_refused, jobs_run_in_order_and_cancel_acts_at_once,
         hello_is_answered_while_a_job_runs, errors_name_what_is_wrong, a_changed_model_is_opened_anew,
         a_model_is_put_together_and_its_parts_are_watched, a_file_is_converted_or_left_alone,
         the_end_of_input_ends_a_running_edit, a_client_that_stops_reading_ends_it,
         signals_end_it_in_good_order, a_killed_worker_leaves_nothing_for_the_next,
         two_workers_work_side_by_side, closed_standard_files_do_no_harm]


def main():
    if not os.path.exists(ENGINE):
        print('1..0 # SKIP ESPALIER_ENGINE names no program')
        return 0
    selected = [case for case in CASES if len(sys.argv) < 2 or sys.argv[1] in case.__name__]
    failed = 0
    print(f'1..{len(selected)}')
    for number, case in enumerate(selected, 1):
        folder = tempfile.mkdtemp(prefix='espalier-case-')
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
