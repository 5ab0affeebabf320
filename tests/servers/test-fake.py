#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fakes themselves: each provider's way to a picture, that they are strict, and their faults."""
import base64
import http.client
import json
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'project')]
sys.dont_write_bytecode = True

import pictures                                   # noqa: E402
from fakes import Fakes, PROGRAM                  # noqa: E402
from tap import case, run                         # noqa: E402

PICTURE = pictures.carpet_png(b'sent' * 8, 320, 256)
DATA_URI = 'data:image/png;base64,' + base64.b64encode(PICTURE).decode()
AUTH = {'bfl': ('x-key', ''), 'fal': ('Authorization', 'Key ')}
fakes = Fakes()


def wait_for(ask, fits, seconds=60):
    """The first answer that fits."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if fits(answer):
            return answer
        assert time.monotonic() < end, f'never: {answer}'
        time.sleep(0.01)


class Client:
    """Plain requests to one world."""

    def __init__(self, provider, faults=(), **options):
        self.world = fakes.world(provider, faults, **options)
        self.header, self.scheme = AUTH.get(provider, ('Authorization', 'Bearer '))
        self.key = self.scheme + self.world.key

    def send(self, method, url, body=None, auth=True, headers=(), connection=None):
        """(status, body) of one request; `url` below the base, or whole."""
        if not url.startswith('http'):
            url = f'{self.world.base_url}/{url}'
        parts = urllib.parse.urlsplit(url)
        link = connection or http.client.HTTPConnection(parts.netloc, timeout=20)
        sent = dict(headers)
        if auth is not False:
            sent[self.header] = self.key if auth is True else auth
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault('Content-Type', 'application/json')
        target = parts.path + (f'?{parts.query}' if parts.query else '')
        link.request(method, target, body, sent)
        answer = link.getresponse()
        self.answer_headers = answer.headers
        data = answer.read()
        if connection is None:
            link.close()
        if (answer.headers.get_content_type() == 'application/json' and data
                and 'Content-Encoding' not in answer.headers):
            data = json.loads(data)
        return answer.status, data

    def good(self, *arguments, **options):
        status, data = self.send(*arguments, **options)
        assert 200 <= status < 300, (status, data)
        return data

    def poll(self, url, status, done):
        return wait_for(lambda: self.good('GET', url), lambda data: data.get(status) in done)

    def expect_picture(self, url, size=None):
        self.expect_bytes(self.good('GET', url, auth=False), size)

    def expect_bytes(self, data, size=None):
        looked = pictures.look(data)
        job = self.world.count()['jobs'][0]
        assert (looked.width, looked.height) == (size or (job['width'], job['height']))
        if looked.format == 'png':
            assert pictures.first_row(data).hex() == job['row']

    def expect_counts(self, accepted=1, charges=1, violations=0):
        count = self.world.count()
        got = (count['accepted'], count['charges'], len(count['violations']))
        assert got == (accepted, charges, violations), count

    def expect_strict(self, path, body, wrong, status, auth_status=401):
        """No key, a wrong key, and each of `wrong` (a change of the body) are errors."""
        assert self.send('POST', path, body, auth=False)[0] == auth_status
        assert self.send('POST', path, body, auth=self.scheme + 'wrong')[0] == auth_status
        for change in wrong:
            spoilt = json.loads(json.dumps(body))
            change(spoilt)
            got, answer = self.send('POST', path, spoilt)
            assert got == status, (got, status, answer)
        assert self.world.count()['accepted'] == 0


def with_(*path, **values):
    """A change: sets (or with ... removes) members of the object at `path`."""
    def change(body):
        for name in path:
            body = body[name]
        for name, value in values.items():
            if value is ...:
                del body[name]
            else:
                body[name] = value
    return change


RUNPOD = {'input': {'prompt': 'a', 'image': DATA_URI, 'size': '1248*832', 'seed': 5,
                    'num_inference_steps': 28, 'guidance': 2.5, 'output_format': 'png'}}


@case
def runpod():
    client = Client('runpod')
    client.expect_strict('run', RUNPOD, [
        with_('input', image='https://x/y'), with_('input', seed='5'), with_('input', steps=3),
        with_('input', num_inference_steps=51), with_('input', num_inference_steps=28.0),
        with_('input', size='1248x832'), with_('input', size='1*1'), with_('input', prompt=...),
        with_(extra=1)], 400)
    client = Client('runpod')
    job = client.good('POST', 'run', RUNPOD)
    assert job['status'] == 'IN_QUEUE'
    done = client.poll(f'status/{job["id"]}', 'status', ('COMPLETED',))
    assert done['output']['cost'] == 0.025
    client.expect_picture(done['output']['image_url'], (1248, 832))
    client.expect_counts()
    assert client.send('GET', done['output']['image_url'])[0] == 200
    assert client.world.count()['violations'], 'a key at another origin is seen'
    assert client.send('GET', 'status/nobody')[0] == 404


@case
def runpod_waits_and_cancels():
    client = Client('runpod')
    done = client.good('POST', 'runsync', RUNPOD)
    client.expect_picture(done['output']['image_url'])
    client = Client('runpod', run_ms=5000)
    job = client.good('POST', 'run', RUNPOD)
    assert client.good('POST', f'cancel/{job["id"]}', {})['status'] == 'CANCELLED'
    assert client.good('GET', f'status/{job["id"]}')['status'] == 'CANCELLED'
    client.expect_counts(1, 0)


@case
def jobs_are_held_until_they_were_seen():
    client = Client('runpod', queue_ms=0, run_ms=0, hold='queued')
    job = client.good('POST', 'run', RUNPOD)
    for hold, status in (('queued', 'IN_QUEUE'), ('running', 'IN_PROGRESS'), ('', 'COMPLETED')):
        client.world.set_options(hold=hold)
        assert client.good('GET', f'status/{job["id"]}')['status'] == status, hold


@case
def runflow():
    client = Client('runflow')
    started = client.good('POST', 'v1/asset-uploads', {'filename': 'a.png', 'mime_type': 'image/png',
                                                       'size_bytes': len(PICTURE)})
    confirm = f'v1/asset-uploads/{started["asset_id"]}/confirmations'
    assert client.send('POST', confirm, {'folder_id': None})[0] == 409
    client.good('PUT', started['upload_url'], PICTURE, auth=False, headers={'Content-Type': 'image/png'})
    url = client.good('POST', confirm, {'folder_id': None})['url']
    body = {'input': {'prompt': 'a', 'image_url': url, 'safety_tolerance': '2', 'seed': 5,
                      'output_format': 'png', 'aspect_ratio': '16:9'}}
    path = 'v1/models/black-forest-labs/flux-pro/kontext/runs'
    assert client.send('POST', 'v1/models/nobody/runs', body)[0] == 404
    client.expect_strict(path, body, [
        with_('input', safety_tolerance=2), with_('input', image_url=DATA_URI),
        with_('input', num_images=5), with_('input', steps=3), with_('input', aspect_ratio='match')], 422)
    before = len(client.world.count()['violations'])
    run_ = client.good('POST', path, body)
    done = client.poll(f'v1/runs/{run_["id"]}', 'status_code', ('succeeded',))
    assert done['cost'] == '0.0400' and done['output']['seed'] == 5
    client.expect_picture(done['output']['outputs'][0]['url'], (1392, 752))
    client.expect_counts(violations=before)
    other = Client('runflow', flavour='marketing')
    assert other.send('POST', path, body)[0] == 404


OXEN = {'model': 'flux-kontext-dev', 'prompt': 'a', 'input_image': DATA_URI, 'seed': 5,
        'aspect_ratio': 'match_input_image', 'output_format': 'png', 'num_inference_steps': 28}


@case
def oxen_blocking():
    client = Client('oxen')
    client.expect_strict('ai/images/edit', OXEN, [
        with_(num_generations=1), with_(aspect_ratio='7:5'), with_(guidance=11), with_(model='other'),
        with_(num_inference_steps=3)], 400)
    client = Client('oxen')
    client.expect_picture(client.good('POST', 'ai/images/edit', OXEN)['images'][0]['url'])
    client.expect_counts()
    client = Client('oxen')
    inline = client.good('POST', 'ai/images/edit', dict(OXEN, response_format='b64_json'))
    client.expect_bytes(base64.b64decode(inline['images'][0]['b64_json']))


@case
def oxen_queue_with_events():
    client = Client('oxen')
    parts = urllib.parse.urlsplit(client.world.base_url)
    link = http.client.HTTPConnection(parts.netloc, timeout=20)
    link.request('GET', '/api/events', headers={'Authorization': client.key})
    events = link.getresponse()
    assert events.headers.get_content_type() == 'text/event-stream'
    assert events.readline() == b': connected\n'
    queued = client.good('POST', 'ai/queue', dict(OXEN, num_generations=1))['generations'][0]
    assert client.good('GET', 'ai/queue')['generations'][0]['generation_id'] == queued['generation_id']
    lines = []
    while not lines or not lines[-1].startswith(b'data: {"generation_id"'):
        lines.append(events.readline())
    told = json.loads(lines[-1][6:])
    assert lines[-2] == b'event: media_generation_completed\n' and told['status'] == 'succeeded'
    events.close()
    done = client.good('GET', f'ai/queue/{queued["generation_id"]}')
    assert done['status'] == 'succeeded' and done['seed'] == 5
    client.expect_picture(done['result_url'])
    assert client.good('GET', 'ai/queue')['generations'] == []
    assert len(client.good('GET', 'ai/queue?status=succeeded')['generations']) == 1
    client.expect_counts()
    client = Client('oxen', run_ms=5000)
    queued = client.good('POST', 'ai/queue', OXEN)['generations'][0]['generation_id']
    assert client.good('DELETE', f'ai/queue/{queued}')['status'] == 'success'
    assert client.good('GET', f'ai/queue/{queued}')['status'] == 'cancelled'


@case
def eachlabs():
    client = Client('eachlabs')
    place = client.good('POST', 'v1/upload/presign', {'content_type': 'image/png', 'file_type': 'image',
                                                      'expires_in_seconds': 86400})
    headers = dict(place['required_headers'], **{'Content-Type': 'image/png'})
    assert client.send('PUT', place['presigned_url'], PICTURE, auth=False,
                       headers={'Content-Type': 'image/png'})[0] == 403
    client.good('PUT', place['presigned_url'], PICTURE, auth=False, headers=headers)
    body = {'model': 'flux-kontext-dev', 'version': '1.0.0', 'input': {
        'prompt': 'a', 'image_url': place['public_url'], 'seed': '5', 'output_format': 'png'}}
    client.expect_strict('v1/prediction', body, [
        with_('input', seed=5), with_(version='2'), with_('input', image_url='https://x/y'),
        with_('input', aspect_ratio='1:1')], 400)
    made = client.good('POST', 'v1/prediction', body)
    done = client.poll(f'v1/prediction/{made["predictionID"]}', 'status', ('success',))
    assert done['metrics']['cost'] == 0.025
    client.expect_picture(done['output'])
    assert client.good('GET', 'v1/model?slug=flux-kontext-dev', auth=False)['version'] == '1.0.0'


@case
def bfl():
    client = Client('bfl', flavour='late', hold='queued')
    body = {'prompt': 'a', 'input_image': base64.b64encode(PICTURE).decode(), 'seed': 5,
            'safety_tolerance': 2, 'output_format': 'png', 'aspect_ratio': '3:2'}
    client.expect_strict('v1/flux-kontext-pro', body, [
        with_(input_image=DATA_URI), with_(steps=3), with_(safety_tolerance='2'),
        with_(aspect_ratio='9:1'), with_(input_image=base64.b64encode(b'no picture').decode())], 422)
    made = client.good('POST', 'v1/flux-kontext-pro', body)
    assert made['cost'] == 4
    assert client.good('GET', made['polling_url'])['status'] == 'Task not found'
    client.world.set_options(hold='')
    done = client.poll(made['polling_url'], 'status', ('Ready',))
    assert done['result']['seed'] == 5
    client.expect_picture(done['result']['sample'], (1248, 832))
    client = Client('bfl', [{'where': 'job', 'kind': 'moderated'}])
    made = client.good('POST', 'v1/flux-kontext-max', body)
    client.poll(made['polling_url'], 'status', ('Content Moderated',))
    client.expect_counts(1, 0)


@case
def replicate():
    client = Client('replicate')
    path = 'models/black-forest-labs/flux-kontext-dev/predictions'
    body = {'input': {'prompt': 'a', 'input_image': DATA_URI, 'seed': 5, 'output_format': 'png'}}
    client.expect_strict(path, body, [
        with_('input', safety_tolerance=2), with_('input', guidance='2'),
        with_('input', input_image='data:image/jpeg;base64,' + DATA_URI[22:])], 422)
    made = client.good('POST', path, body)
    done = client.poll(made['urls']['get'], 'status', ('succeeded',))
    client.expect_picture(done['output'])
    assert client.good('GET', 'account')['type'] == 'user'
    client = Client('replicate', flavour='data_uri')
    done = client.good('POST', path, body, headers={'Prefer': 'wait'})
    client.expect_bytes(base64.b64decode(done['output'].partition(',')[2]))
    client = Client('replicate')
    assert client.send('POST', path.replace('dev', 'pro'), {
        'input': dict(body['input'], safety_tolerance=6)})[0] == 422


@case
def fal():
    client = Client('fal')
    body = {'prompt': 'a', 'image_url': DATA_URI, 'seed': 5, 'output_format': 'png', 'num_images': 1,
            'resolution_mode': 'match_input'}
    client.expect_strict('fal-ai/flux-kontext/dev', body, [
        with_(aspect_ratio='1:1'), with_(num_images=5), with_(image_url='file:///etc/passwd')], 422)
    assert client.send('POST', 'fal-ai/flux-kontext/dev', body, auth='Bearer ' + client.world.key)[0] == 401
    made = client.good('POST', 'fal-ai/flux-pro/kontext', {
        'prompt': 'a', 'image_url': DATA_URI, 'seed': 5, 'output_format': 'png', 'safety_tolerance': '2'})
    assert '/fal-ai/flux-pro/requests/' in made['status_url']
    assert client.send('GET', made['response_url'])[0] == 400
    client.poll(made['status_url'] + '?logs=1', 'status', ('COMPLETED',))
    done = client.good('GET', made['response_url'])
    assert done['seed'] == 5 and done['has_nsfw_concepts'] == [False]
    client.expect_picture(done['images'][0]['url'])
    client = Client('fal', run_ms=5000)
    made = client.good('POST', 'fal-ai/flux-kontext/dev', body)
    assert client.send('PUT', made['cancel_url'])[0] == 202
    assert client.send('PUT', made['cancel_url'])[0] == 400


def form(fields, files):
    fence, body = b'fence', b''
    for name, value in fields.items():
        body += b'--' + fence + (f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                                 .encode())
    for name, value in files:
        body += b'--' + fence + (f'\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n'
                                 'Content-Type: image/png\r\n\r\n').encode() + value + b'\r\n'
    return body + b'--' + fence + b'--\r\n', {'Content-Type': 'multipart/form-data; boundary=fence'}


@case
def openai():
    client = Client('openai')
    fields = {'model': 'gpt-image-1', 'prompt': 'ä\nb', 'size': '1536x1024', 'n': 1, 'quality': 'high'}
    body, headers = form(fields, [('image[]', PICTURE)])
    assert client.send('POST', 'images/edits', body, auth=False, headers=headers)[0] == 401
    for more in ({'seed': 5}, {'n': 'two'}, {'n': 11}, {'size': 'large'}, {'prompt': None}):
        spoilt = {name: value for name, value in dict(fields, **more).items() if value is not None}
        bad, headers = form(spoilt, [('image[]', PICTURE)])
        assert client.send('POST', 'images/edits', bad, headers=headers)[0] == 400, more
    bad, headers = form(fields, [])
    assert client.send('POST', 'images/edits', bad, headers=headers)[0] == 400
    done = client.good('POST', 'images/edits', body, headers=headers)
    client.expect_bytes(base64.b64decode(done['data'][0]['b64_json']), (1536, 1024))
    assert client.world.count()['jobs'][0]['prompt'] == 'ä\nb'


@case
def openai_stream_and_relatives():
    client = Client('openai')
    body, headers = form({'prompt': 'a', 'stream': 'true', 'partial_images': 2}, [('image[]', PICTURE)])
    text = client.good('POST', 'images/edits', body, headers=headers).decode()
    names = [line[7:] for line in text.splitlines() if line.startswith('event: ')]
    assert names == ['image_edit.partial_image'] * 2 + ['image_edit.completed']
    client = Client('openai', flavour='vllm')
    body, headers = form({'prompt': 'a', 'size': 'auto', 'seed': 5, 'num_inference_steps': 28,
                          'guidance_scale': 2.5}, [('image', PICTURE)])
    done = client.good('POST', 'images/edits', body, auth=False, headers=headers)
    client.expect_bytes(base64.b64decode(done['data'][0]['b64_json']))
    client = Client('openai', flavour='localai')
    assert client.send('POST', 'images/edits', body, auth=False, headers=headers)[0] == 404
    done = client.good('POST', 'images/generations', {
        'model': 'flux.1-kontext-dev', 'prompt': 'a', 'size': '512x512', 'seed': 5,
        'ref_images': [base64.b64encode(PICTURE).decode()]}, auth=False)
    client.expect_picture(done['data'][0]['url'], (512, 512))


@case
def sdcpp():
    client = Client('sdcpp', queue_ms=100)
    body = {'prompt': 'a', 'ref_images': [DATA_URI], 'width': 1248, 'height': 832, 'seed': 5,
            'sample_params': {'sample_steps': 24, 'guidance': {'distilled_guidance': 2.5}},
            'output_format': 'png'}
    for change in (with_(steps=3), with_('sample_params', steps=3), with_(width=5000), with_(ref_images=[])):
        spoilt = json.loads(json.dumps(body))
        change(spoilt)
        assert client.send('POST', 'sdcpp/v1/img_gen', spoilt, auth=False)[0] == 400
    made = client.good('POST', 'sdcpp/v1/img_gen', body, auth=False)
    assert made['poll_url'].startswith('/sdcpp/v1/jobs/')
    done = client.poll(client.world.origin + made['poll_url'], 'status', ('completed',))
    client.expect_bytes(base64.b64decode(done['result']['images'][0]['b64_json']), (1248, 832))
    client = Client('sdcpp', queue_ms=0, run_ms=5000)
    made = client.good('POST', 'sdcpp/v1/img_gen', body, auth=False)
    assert client.send('POST', client.world.origin + made['poll_url'] + '/cancel', {})[0] == 409


def graph(image):
    return {
        '4': {'class_type': 'LoadImage', 'inputs': {'image': image}},
        '5': {'class_type': 'FluxKontextImageScale', 'inputs': {'image': ['4', 0]}},
        '2': {'class_type': 'DualCLIPLoader', 'inputs': {'clip_name1': 'a', 'clip_name2': 'b',
                                                         'type': 'flux'}},
        '7': {'class_type': 'CLIPTextEncode', 'inputs': {'text': 'make it snow', 'clip': ['2', 0]}},
        '13': {'class_type': 'SaveImage', 'inputs': {'images': ['5', 0], 'filename_prefix': 'kontext/x'}}}


@case
def comfyui():
    client = Client('comfyui')
    body, headers = form({'type': 'input', 'subfolder': 'kontext', 'overwrite': 'false'},
                         [('image', PICTURE)])
    sent = client.good('POST', 'upload/image', body, auth=False, headers=headers)
    assert sent == {'name': 'a.png', 'subfolder': 'kontext', 'type': 'input'}
    other, headers = form({'subfolder': 'kontext'}, [('image', pictures.carpet_png(b'o' * 32, 64, 64))])
    assert client.good('POST', 'upload/image', other, auth=False, headers=headers)['name'] == 'a (1).png'
    identity = '01234567-89ab-4def-8123-456789abcdef'
    for wrong in (with_(prompt_id=identity.upper()), with_('prompt', '4', 'inputs', image='nowhere.png'),
                  with_('prompt', '4', class_type='Unheard'),
                  with_('prompt', '5', 'inputs', image=['99', 0])):
        spoilt = {'prompt': graph('kontext/a.png'), 'client_id': 'me', 'prompt_id': identity}
        wrong(spoilt)
        assert client.send('POST', 'prompt', spoilt, auth=False)[0] == 400
    made = client.good('POST', 'prompt', {'prompt': graph('kontext/a.png'), 'client_id': 'me',
                                          'prompt_id': identity}, auth=False)
    assert made['prompt_id'] == identity
    assert client.good('GET', f'history/{identity}', auth=False) == {}
    done = wait_for(lambda: client.good('GET', f'history/{identity}', auth=False), bool)
    file = done[identity]['outputs']['13']['images'][0]
    data = client.good('GET', 'view?' + urllib.parse.urlencode(file), auth=False)
    client.expect_bytes(data)
    assert client.world.count()['jobs'][0]['prompt'] == 'make it snow'


def read_frame(link):
    head = link.recv(2, socket.MSG_WAITALL)
    size = head[1] & 127
    if size == 126:
        size = struct.unpack('>H', link.recv(2, socket.MSG_WAITALL))[0]
    elif size == 127:
        size = struct.unpack('>Q', link.recv(8, socket.MSG_WAITALL))[0]
    return head[0] & 15, link.recv(size, socket.MSG_WAITALL) if size else b''


@case
def comfyui_socket():
    client = Client('comfyui', run_ms=300)
    place = urllib.parse.urlsplit(client.world.base_url)
    link = socket.create_connection((place.hostname, place.port), 20)
    link.sendall(b'GET /ws?clientId=me HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                 b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        head += link.recv(1)
    assert b' 101 ' in head and b's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' in head
    body, headers = form({}, [('image', PICTURE)])
    client.good('POST', 'upload/image', body, auth=False, headers=headers)
    client.good('POST', 'prompt', {'prompt': graph('a.png'), 'client_id': 'me'}, auth=False)
    seen = []
    while 'execution_success' not in seen:
        kind, data = read_frame(link)
        seen.append(json.loads(data)['type'] if kind == 1 else data[:8])
    assert seen[0] == 'status' and 'progress' in seen and struct.pack('>II', 1, 2) in seen
    link.close()


@case
def faults_strike_as_told():
    client = Client('runpod', [
        {'where': 'submit', 'kind': 'status', 'status': 429, 'retry_after': 2, 'nth': 1},
        {'where': 'submit', 'kind': 'html', 'nth': 2}, {'where': 'submit', 'kind': 'truncated', 'nth': 3},
        {'where': 'submit', 'kind': 'redirect', 'to': 'file', 'nth': 4},
        {'where': 'submit', 'kind': 'reset_after', 'nth': 5},
        {'where': 'submit', 'kind': 'reset_before', 'nth': 6}], hold='running')

    def body(prompt):
        return {'input': dict(RUNPOD['input'], prompt=prompt)}

    assert client.send('POST', 'run', body('1'))[0] == 429
    assert client.answer_headers['Retry-After'] == '2'
    status, page = client.send('POST', 'run', body('2'))
    assert status == 502 and page.startswith(b'<html>')
    try:
        client.send('POST', 'run', body('3'))
        raise AssertionError('half an answer was JSON')
    except ValueError:
        pass
    assert client.send('POST', 'run', body('4'))[0] == 302
    assert client.answer_headers['Location'].startswith('file:')
    for prompt in '56':
        try:
            client.send('POST', 'run', body(prompt))
            raise AssertionError('no reset')
        except ConnectionError:
            pass
    client.expect_counts(3, 0)           # 2, 3 and 5 were carried out
    assert client.good('POST', 'run', body('7'))['status'] == 'IN_QUEUE'
    assert [call['fault'] for call in client.world.log()] == [
        'status', 'html', 'truncated', 'redirect', 'reset_after', 'reset_before', None]


@case
def a_used_connection_dies_and_a_new_one_lives():
    client = Client('bfl', [{'where': 'submit', 'kind': 'reuse_death'}], hold='running')
    place = urllib.parse.urlsplit(client.world.base_url).netloc
    link = http.client.HTTPConnection(place, timeout=20)
    client.good('GET', 'v1/credits', connection=link)
    body = {'prompt': 'a', 'input_image': base64.b64encode(PICTURE).decode()}
    try:
        client.send('POST', 'v1/flux-kontext-pro', body, connection=link)
        raise AssertionError('it lives')
    except (ConnectionError, http.client.RemoteDisconnected):
        pass
    link.close()
    client.good('POST', 'v1/flux-kontext-pro', dict(body, prompt='b'))
    client.expect_counts(2, 0)


@case
def endless_and_huge_answers_and_bombs():
    client = Client('runpod', [{'where': 'watch', 'kind': 'endless', 'nth': 1},
                               {'where': 'watch', 'kind': 'huge', 'nth': 2},
                               {'where': 'watch', 'kind': 'gzip_bomb', 'bytes': 8 << 20, 'nth': 3}])
    job = client.good('POST', 'run', RUNPOD)
    place = urllib.parse.urlsplit(client.world.base_url)
    for _ in range(2):
        link = http.client.HTTPConnection(place.netloc, timeout=20)
        link.request('GET', f'{place.path}/status/{job["id"]}', headers={'Authorization': client.key})
        assert len(link.getresponse().read(4 << 20)) == 4 << 20
        link.close()
    status, data = client.send('GET', f'status/{job["id"]}')
    assert status == 200 and client.answer_headers['Content-Encoding'] == 'gzip'


@case
def second_submits_keys_and_manners_are_seen():
    client = Client('runpod')
    client.good('POST', 'run', RUNPOD)
    client.good('POST', 'run', RUNPOD)
    assert 'second submit' in client.world.count()['violations'][0]
    client.send('GET', f'health?key={client.world.key}', headers={'Cookie': 'a=b'})
    text = ' '.join(client.world.count()['violations'])
    assert 'key in the URL' in text and 'cookie' in text


@case
def certificates():
    for kind, good in (('good', True), ('self-signed', False), ('wrong-host', False), ('expired', False)):
        world = fakes.world('bfl', tls=kind)
        place = urllib.parse.urlsplit(world.base_url)
        context = ssl.create_default_context(cafile=world.ca_file)
        link = http.client.HTTPSConnection(place.netloc, timeout=20, context=context)
        try:
            link.request('GET', '/v1/credits', headers={'x-key': world.key})
            assert link.getresponse().status == 200 and good, kind
        except ssl.SSLError:
            assert not good, kind
        link.close()


@case
def fifty_at_once():
    client = Client('openai', flavour='vllm', run_ms=300, max_side=64)
    links = []
    for number in range(60):
        body, headers = form({'prompt': f'{number}', 'size': '1024x1024'}, [('image', PICTURE)])
        link = http.client.HTTPConnection(urllib.parse.urlsplit(client.world.base_url).netloc, timeout=60)
        link.request('POST', '/v1/images/edits', body, headers)
        links.append(link)
    assert all(link.getresponse().status == 200 for link in links)
    for link in links:
        link.close()
    client.expect_counts(60, 60)
    assert client.world.count()['most_connections'] >= 50


@case
def they_end_with_their_parent():
    code = ('import subprocess, sys; p = subprocess.Popen([sys.executable, sys.argv[1]],'
            ' stdout=subprocess.PIPE, text=True); print(p.stdout.readline(), flush=True); input()')
    parent = subprocess.Popen([sys.executable, '-c', code, str(PROGRAM)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    told = json.loads(parent.stdout.readline())
    assert len(told['worlds']) == 10
    parent.send_signal(signal.SIGKILL)
    parent.wait()

    def state():
        try:
            return pathlib.Path(f'/proc/{told["pid"]}/stat').read_text().rpartition(')')[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return ''

    wait_for(state, lambda letter: letter in ('', 'Z'))
    parent.stdin.close()
    parent.stdout.close()


if __name__ == '__main__':
    with fakes:
        sys.exit(run())
