# SPDX-License-Identifier: GPL-3.0-or-later
"""A ComfyUI server: upload, prompt, history, view, queue, and the WebSocket beside them."""
import asyncio
import hashlib
import json
import re
import struct

import pictures
from providers.base import Acted
from server import Answer, BadRequest, socket_accept, socket_frame

NAME = 'comfyui'
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')
# class → its required inputs; others are not installed here
NODES = {
    'UNETLoader': {'unet_name', 'weight_dtype'}, 'UnetLoaderGGUF': {'unet_name'},
    'DualCLIPLoader': {'clip_name1', 'clip_name2', 'type'},
    'DualCLIPLoaderGGUF': {'clip_name1', 'clip_name2', 'type'}, 'VAELoader': {'vae_name'},
    'LoadImage': {'image'}, 'FluxKontextImageScale': {'image'}, 'VAEEncode': {'pixels', 'vae'},
    'CLIPTextEncode': {'text', 'clip'}, 'ReferenceLatent': {'conditioning', 'latent'},
    'FluxGuidance': {'conditioning', 'guidance'}, 'ConditioningZeroOut': {'conditioning'},
    'KSampler': {'model', 'positive', 'negative', 'latent_image', 'seed', 'steps', 'cfg', 'sampler_name',
                 'scheduler', 'denoise'},
    'VAEDecode': {'samples', 'vae'}, 'SaveImage': {'images', 'filename_prefix'},
    'PreviewImage': {'images'}, 'ImageStitch': {'image1', 'direction', 'match_image_size'},
    'EmptySD3LatentImage': {'width', 'height', 'batch_size'}, 'PreviewAny': {'source'},
}
NUMBERS = {'guidance': float, 'seed': int, 'steps': int, 'cfg': float, 'denoise': float, 'width': int,
           'height': int, 'batch_size': int}


class Provider(Acted):
    name = NAME
    price = 0.0
    key_required = False
    invalid_status = 400
    routes = (
        ('POST', '(?:/api)?/upload/image', 'upload', 'upload'),
        ('POST', '(?:/api)?/prompt', 'submit', 'prompt'),
        ('GET', '(?:/api)?/history/([^/]+)', 'watch', 'history'),
        ('GET', '(?:/api)?/view', 'download', 'view'),
        ('GET', '(?:/api)?/queue', 'recover', 'queue'),
        ('POST', '(?:/api)?/queue', 'cancel', 'change_queue'),
        ('POST', '(?:/api)?/interrupt', 'cancel', 'interrupt'),
        ('GET', '(?:/api)?/system_stats', 'probe', 'stats'),
        ('GET', '(?:/api)?/ws', 'events', 'socket'),
    )

    def __init__(self, world):
        super().__init__(world)
        self.inputs, self.sockets = {}, {}

    def error(self, status, message, retry_after=None, errors=None, kind='invalid_prompt', **_):
        body = {'error': {'type': kind, 'message': message, 'details': '', 'extra_info': {}},
                'node_errors': errors or {}}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def upload(self, request):
        fields, file = {}, None
        for name, filename, _, body in request.parts():
            if name == 'image':
                if not filename:
                    return Answer(400, b'', None)
                file = (filename, body)
            elif name in ('type', 'subfolder', 'overwrite'):
                fields[name] = body.decode()
            else:
                raise self.invalid(f'upload: unknown field {name}')
        if file is None or fields.get('type', 'input') not in ('input', 'temp', 'output'):
            return Answer(400, b'', None)
        self.world.look_at(file[1], ('png', 'jpeg', 'webp'))
        stem, dot, suffix = file[0].rpartition('.')
        name, number, folder = file[0], 0, fields.get('subfolder', '')
        while self.inputs.get((folder, name), file[1]) != file[1]:
            number += 1
            name = f'{stem} ({number}){dot}{suffix}'
        self.inputs[folder, name] = file[1]
        return Answer(200, {'name': name, 'subfolder': folder, 'type': fields.get('type', 'input')})

    def prompt(self, request):
        body = self.check(request.json(), {'prompt!': None, 'client_id': str, 'prompt_id': str,
                                           'extra_data': None, 'front': bool, 'number': float})
        identity = body.get('prompt_id')
        if identity is not None and not UUID.fullmatch(identity):
            raise self.invalid(f'no canonical UUID: {identity}', kind='invalid_prompt_id')
        if identity in self.world.jobs:
            self.world.violation(f'prompt_id {identity} for the second time')
        found = self.check_graph(body['prompt'])
        size = found.get('size')
        if not size:
            looked = pictures.look(found['picture'])
            size = pictures.bucket(looked.width, looked.height)
        job = self.world.add_job({
            'prompt': found.get('text', ''), 'seed': found.get('seed'), 'picture': found['picture'],
            'size': size, 'client_id': body.get('client_id'), 'graph': body['prompt'],
            'outputs': found['outputs'], 'texts': found['texts']}, identity)
        asyncio.get_running_loop().create_task(self.narrate(job))
        return Answer(200, {'prompt_id': job.id, 'number': job.number, 'node_errors': {}})

    def check_graph(self, graph):
        """What is in a graph: text, seed, picture, size, output; an error if it cannot run."""
        if not isinstance(graph, dict) or not graph:
            raise self.invalid('No prompt provided', kind='no_prompt')
        errors, found = {}, {'outputs': {}, 'texts': []}
        for name, node in graph.items():
            problems = []
            kind, inputs = node.get('class_type'), node.get('inputs', {})
            if kind not in NODES:
                raise self.invalid(f'Node {kind!r} not found.', kind='missing_node_type')
            for missing in NODES[kind] - set(inputs):
                problems.append({'type': 'required_input_missing', 'message': f'missing: {missing}'})
            for key, value in inputs.items():
                if isinstance(value, list) and value and value[0] not in graph:
                    problems.append({'type': 'bad_linked_input', 'message': f'{key}: no node {value[0]}'})
                elif isinstance(value, str) and re.fullmatch(r'\{\{.*\}\}', value):
                    self.world.violation(f'a hole was left open: {value}')
                elif key in NUMBERS and not isinstance(value, list):
                    good = (int, float) if NUMBERS[key] is float else int
                    if not isinstance(value, good) or isinstance(value, bool):
                        problems.append({'type': 'invalid_input_type', 'message': f'{key}: {value!r}'})
            if kind == 'LoadImage':
                folder, _, file = str(inputs.get('image')).rpartition('/')
                if (folder, file) not in self.inputs:
                    problems.append({'type': 'custom_validation_failed',
                                     'message': f'Invalid image file: {inputs.get("image")}'})
                else:
                    found['picture'] = found.get('picture', b'') + self.inputs[folder, file]
            elif kind == 'CLIPTextEncode' and isinstance(inputs.get('text'), str):
                found.setdefault('text', inputs['text'])
            elif kind == 'KSampler':
                found['seed'] = inputs.get('seed')
            elif kind == 'EmptySD3LatentImage':
                found['size'] = (inputs.get('width'), inputs.get('height'))
            elif kind in ('SaveImage', 'PreviewImage'):
                found['outputs'][name] = 'output' if kind == 'SaveImage' else 'temp'
            elif kind == 'PreviewAny':
                found['texts'].append(name)
            if problems:
                errors[name] = {'errors': problems, 'class_type': kind}
        if errors:
            raise self.invalid('Prompt outputs failed validation', errors=errors,
                               kind='prompt_outputs_failed_validation')
        if not found['outputs']:
            raise self.invalid('Prompt has no outputs', kind='prompt_no_outputs')
        if 'picture' not in found:
            raise self.invalid('nothing to edit')
        return found

    def history(self, request):
        job = self.world.job(request.names[0])
        # What has ended is shown a moment after it was told.
        if job is None or not job.fields.get('told'):
            return Answer(200, {})
        state = job.state()
        good = state == 'succeeded'
        outputs, messages = {}, [['execution_start', {'prompt_id': job.id}]]
        if good:
            for name in job.fields['texts']:
                outputs[name] = {'text': ['a text']}
            # What was done last comes first: the order says nothing.
            for name, kind in reversed(job.fields['outputs'].items()):
                outputs[name] = {'images': [
                    {'filename': f'{job.id} &+ü{at}_{name}.png', 'subfolder': 'kontext', 'type': kind}
                    for at in range(len(job.pictures()))]}
            messages.append(['execution_success', {'prompt_id': job.id}])
        elif state == 'cancelled':
            messages.append(['execution_interrupted', {'prompt_id': job.id}])
        else:
            messages.append(['execution_error', {
                'prompt_id': job.id, 'node_id': '11', 'node_type': 'KSampler',
                'exception_type': 'torch.OutOfMemoryError',
                'exception_message': 'Allocation on device would exceed allowed memory.'}])
        return Answer(200, {job.id: {'prompt': [job.number, job.id, {}, {}, []], 'outputs': outputs,
                                     'status': {'status_str': 'success' if good else 'error',
                                                'completed': good, 'messages': messages}, 'meta': {}}})

    def view(self, request):
        match = re.fullmatch(r'(.{36}) &\+ü(\d+)_(.+)\.png', request.query.get('filename', ''))
        job = self.world.job(match.group(1)) if match else None
        if job is None or request.query.get('type') != job.fields['outputs'].get(match.group(3)) \
           or request.query.get('subfolder') != 'kontext':
            return Answer(404, b'', None)
        data, kind = job.pictures()[int(match.group(2))]
        return Answer(200, data, kind)

    def queue(self, request):
        def rows(state):
            return [[job.number, job.id, job.fields['graph'], {}, []]
                    for job in self.world.jobs.values() if job.state() == state]
        return Answer(200, {'queue_running': rows('running'), 'queue_pending': rows('queued')})

    def change_queue(self, request):
        body = self.check(request.json(), {'delete': [str], 'clear': bool})
        for identity in body.get('delete', []):
            job = self.world.job(identity)
            if job and job.state() == 'queued':
                job.cancel()
        return Answer(200, b'', None)

    def interrupt(self, request):
        body = self.check(request.json() if request.body else {}, {'prompt_id': str})
        if 'prompt_id' not in body:
            self.world.violation('interrupt without prompt_id stops whatever runs')
        for job in self.world.jobs.values():
            if job.state() == 'running' and body.get('prompt_id', job.id) == job.id:
                job.cancel()
        return Answer(200, b'', None)

    def stats(self, request):
        return Answer(200, {'system': {'os': 'posix', 'comfyui_version': '0.3.60'}, 'devices': []})

    # --- The WebSocket ----------------------------------------------------------------------------

    def socket(self, request):
        key = request.headers.get('sec-websocket-key')
        if not key or request.headers.get('upgrade', '').lower() != 'websocket':
            raise BadRequest('a WebSocket is wanted')
        name = request.query.get('clientId', hashlib.md5(key.encode()).hexdigest())
        answer = Answer(101, b'', None, {'Upgrade': 'websocket',
                                         'Sec-WebSocket-Accept': socket_accept(key)})

        async def stream(connection):
            queue = asyncio.Queue()
            self.sockets[name] = queue
            gone = asyncio.ensure_future(connection.reader.read(1 << 16))
            self.say_status(name, sid=name)
            try:
                while True:
                    item = asyncio.ensure_future(queue.get())
                    done, _ = await asyncio.wait((gone, item), return_when=asyncio.FIRST_COMPLETED)
                    if gone in done:
                        item.cancel()
                        if not gone.result():
                            return
                        gone = asyncio.ensure_future(connection.reader.read(1 << 16))
                        continue
                    connection.writer.write(socket_frame(item.result()))
                    await connection.writer.drain()
                    if answer.drops:
                        await asyncio.sleep(answer.spoil.get('after', 0.05))
                        return connection.reset()
            finally:
                gone.cancel()
                if self.sockets.get(name) is queue:
                    del self.sockets[name]

        answer.stream = stream
        return answer

    def say(self, name, kind, data):
        if name in self.sockets:
            self.sockets[name].put_nowait(json.dumps({'type': kind, 'data': data}))

    def say_status(self, name, **more):
        """How many jobs there are; a fault of "job" may say that others are ahead of one."""
        left = sum(job.outcome_fault.get('ahead', 0) * (job.state() == 'queued') + 1
                   for job in self.world.jobs.values() if job.state() in ('queued', 'running', 'unknown'))
        self.say(name, 'status', {'status': {'exec_info': {'queue_remaining': left}}, **more})

    def show(self, name, head, picture):
        if name in self.sockets:
            self.sockets[name].put_nowait(head + picture)

    async def narrate(self, job):
        """What a client with an open socket hears of its job."""
        name = job.fields['client_id']
        self.say_status(name)
        while job.state() == 'queued':
            await asyncio.sleep(0.01)
        self.say(name, 'execution_start', {'prompt_id': job.id})
        self.say(name, 'execution_cached', {'nodes': ['1', '2'], 'prompt_id': job.id})
        self.say_status(name)
        step = 0
        while job.state() in ('running', 'unknown'):
            step = min(step + 1, 20)
            self.say(name, 'executing', {'node': '11', 'prompt_id': job.id})
            self.say(name, 'progress', {'value': step, 'max': 20, 'prompt_id': job.id, 'node': '11'})
            preview = pictures.carpet_png(job.seal, 64, 64)
            if step == 1:
                self.show(name, struct.pack('>II', 1, 2), preview)
                self.show(name, struct.pack('>I', 3), b'\0\0\0\x0211a text')
            elif step == 2:
                about = json.dumps({'image_type': 'image/png', 'node_id': '11'}).encode()
                self.show(name, struct.pack('>II', 4, len(about)) + about, preview)
            await asyncio.sleep(max(0.01, job.run_ms / 20000))
        if job.state() == 'succeeded':
            self.say(name, 'execution_success', {'prompt_id': job.id})
        elif job.state() == 'cancelled':
            self.say(name, 'execution_interrupted', {'prompt_id': job.id})
        else:
            self.say(name, 'execution_error', {'prompt_id': job.id, 'exception_message': 'It failed'})
        await asyncio.sleep(0.05)
        job.fields['told'] = True
        self.say(name, 'executing', {'node': None, 'prompt_id': job.id})
        self.say_status(name)
