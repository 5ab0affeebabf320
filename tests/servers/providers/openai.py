# SPDX-License-Identifier: GPL-3.0-or-later
"""POST images/edits and its relatives. Flavours: openai (default; a key is wanted), vllm, sglang,
sdserver, localai (another route)."""
import asyncio
import base64
import json
import re

import pictures
from providers.base import Acted
from server import Answer, BadRequest, event_text

NAME = 'openai'
SIZE = re.compile(r'auto|\d+x\d+')
COMMON = {'prompt!': 'text', 'model': 'text', 'n': (int, 1, 10), 'size': SIZE, 'user': 'text'}
SELF = {'seed': int, 'num_inference_steps': (int, 1, 200), 'guidance_scale': (float, 0, 100),
        'true_cfg_scale': (float, 0, 100), 'negative_prompt': 'text', 'response_format': {'b64_json', 'url'},
        'output_format': {'png', 'jpeg', 'webp'}, 'output_compression': (int, 0, 100)}
FLAVOURS = {
    'openai': dict(COMMON, quality={'auto', 'low', 'medium', 'high'}, input_fidelity={'low', 'high'},
                   background={'auto', 'opaque', 'transparent'}, moderation={'auto', 'low'},
                   output_format={'png', 'jpeg', 'webp'}, output_compression=(int, 0, 100),
                   stream={'true', 'false'}, partial_images=(int, 0, 3)),
    'vllm': dict(COMMON, **SELF, stream={'false'}),
    'sglang': dict(COMMON, **SELF),
    'sdserver': dict(COMMON, output_format={'png', 'jpeg'}, output_compression=(int, 0, 100)),
}
FILES = {'openai': ('image', 'image[]', 'mask'), 'vllm': ('image', 'image[]'), 'sglang': ('image', 'image[]'),
         'sdserver': ('image', 'image[]', 'mask')}


class Provider(Acted):
    name = NAME
    base_path = '/v1'
    price = 0.04
    invalid_status = 400
    routes = (
        ('POST', '/images/edits', 'submit', 'edit'),
        ('POST', '/images/generations', 'submit', 'generate'),
        ('GET', '/models', 'probe', 'models'),
    )

    @property
    def flavour(self):
        return self.world.options['flavour'] or 'openai'

    @property
    def key_required(self):
        return self.flavour == 'openai'

    def error(self, status, message, retry_after=None, loc=None, code=None, **_):
        kind = {401: 'authentication_error', 402: 'billing_error', 429: 'rate_limit_error'}.get(
            status, 'invalid_request_error' if status < 500 else 'server_error')
        if self.flavour in ('vllm', 'sglang'):
            body = {'detail': message}
        elif self.flavour == 'sdserver':
            body = {'error': message}
        else:
            code = code or {402: 'billing_hard_limit_reached', 401: 'invalid_api_key',
                            429: 'rate_limit_exceeded'}.get(status)
            body = {'error': {'message': message, 'type': kind, 'param': loc, 'code': code}}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def read_form(self, request):
        """(fields, pictures) of the multipart body, strictly."""
        rules = {name.rstrip('!'): rule for name, rule in FLAVOURS[self.flavour].items()}
        fields, files = {}, []
        for name, filename, kind, body in request.parts():
            if name in FILES[self.flavour]:
                if not filename:
                    raise self.invalid(f'{name}: a file is wanted', loc=name)
                looked = self.world.look_at(body, ('png', 'jpeg', 'webp'), name, 50_000_000)
                if pictures.MEDIA[looked.format] != kind:
                    raise self.invalid(f'{name}: {looked.format} sent as {kind or "nothing"}', loc=name)
                files.append((name, body, looked))
                continue
            if name not in rules:
                raise self.invalid(f'Unknown parameter: {name!r}.', loc=name, code='unknown_parameter')
            if name in fields:
                raise self.invalid(f'{name}: given twice', loc=name)
            fields[name] = self.read_field(body.decode('utf-8'), rules[name], name)
        for name in FLAVOURS[self.flavour]:
            if name.endswith('!') and name[:-1] not in fields:
                raise self.invalid(f'Missing required parameter: {name[:-1]!r}.', loc=name[:-1])
        if not [name for name, *_ in files if name != 'mask']:
            raise self.invalid("Missing required parameter: 'image'.", loc='image')
        return fields, files

    def read_field(self, text, rule, name):
        if rule == 'text':
            return text
        value = text
        if rule in (int, float) or isinstance(rule, tuple):
            kind = rule if rule in (int, float) else rule[0]
            wanted = r'-?\d+' if kind is int else r'-?\d+(\.\d+)?([eE][-+]?\d+)?'
            if not re.fullmatch(wanted, text):
                raise self.invalid(f'{name}: {text!r} is no {kind.__name__}', loc=name)
            value = kind(text)
        self.check_value(value, rule, name)
        return value

    async def edit(self, request):
        if self.flavour == 'localai':
            raise BadRequest('Cannot POST /v1/images/edits', 404)
        fields, files = self.read_form(request)
        size = fields.get('size', 'auto')
        if size == 'auto':
            size = pictures.bucket(files[0][2].width, files[0][2].height)
        else:
            size = tuple(map(int, size.split('x')))
        job = self.world.add_job({
            'prompt': fields['prompt'], 'seed': fields.get('seed'), 'size': size,
            'picture': b''.join(body for _, body, _ in files), 'pictures': len(files),
            'count': fields.get('n', 1),
            'format': fields.get('output_format', 'png')})
        if fields.get('stream') == 'true':
            return self.stream(job, fields.get('partial_images', 0))
        return await self.answer(job, fields.get('response_format', 'b64_json'))

    async def generate(self, request):
        """LocalAI's way: JSON with `ref_images` of bare base64; anything else is passed over."""
        if self.flavour != 'localai':
            raise BadRequest('Not found', 404)
        body = self.check(request.json(), {
            'model': str, 'prompt!': str, 'ref_images': [str], 'size': SIZE, 'step': (int, 1, 200),
            'seed': int, 'n': (int, 1, 10), 'response_format': {'b64_json', 'url'}, 'quality': str})
        data = b''
        for text in body.get('ref_images', []):
            try:
                picture = base64.b64decode(text, validate=True)
            except ValueError:
                self.world.violation('ref_images: neither base64 nor a URL: the job ran without it')
                continue
            self.world.look_at(picture, ('png', 'jpeg', 'webp'))
            data += picture
        size = body.get('size', '512x512').split('x')
        job = self.world.add_job({'prompt': body['prompt'], 'seed': body.get('seed'), 'picture': data,
                                  'pictures': len(body.get('ref_images', [])),
                                  'size': (int(size[0]), int(size[1])), 'count': body.get('n', 1)})
        return await self.answer(job, body.get('response_format', 'url'))

    async def answer(self, job, form):
        state = await self.world.until_done(job)
        if state in ('moderated', 'moderated_input'):
            return self.error(400, 'Your request was rejected by the safety system.',
                              code='moderation_blocked')
        if state == 'credit':
            return self.error(402, 'Billing hard limit has been reached')
        if state != 'succeeded':
            return self.error(500, 'The server had an error while processing your request')
        if form == 'url':
            data = [{'url': url} for url in self.world.result_urls(job)]
        else:
            data = [{'b64_json': text} for text in self.result_base64(job)]
        return Answer(200, {'created': int(job.created), 'data': data,
                            'usage': {'input_tokens': 10, 'output_tokens': 20, 'total_tokens': 30}})

    def stream(self, job, partial):
        answer = Answer(200, b'', 'text/event-stream')

        async def stream(connection):
            for number in range(partial):
                width, height = job.size()
                preview = pictures.carpet_png(job.seal, max(1, width // 8), max(1, height // 8))
                connection.writer.write(event_text({
                    'type': 'image_edit.partial_image', 'partial_image_index': number,
                    'b64_json': base64.b64encode(preview).decode()}, 'image_edit.partial_image'))
                await connection.writer.drain()
            if answer.drops:
                await asyncio.sleep(answer.spoil.get('after', 0.05))
                return connection.reset()
            state = await self.world.until_done(job)
            if state != 'succeeded':
                blocked = 'moderated' in state
                error = self.error(400 if blocked else 500, 'It failed',
                                   code='moderation_blocked' if blocked else None)
                connection.writer.write(event_text(dict(json.loads(error.body), type='error'), 'error'))
                return None
            for text in self.result_base64(job):
                connection.writer.write(event_text({
                    'type': 'image_edit.completed', 'b64_json': text,
                    'usage': {'total_tokens': 30}}, 'image_edit.completed'))
            await connection.writer.drain()
            return None

        answer.stream = stream
        return answer

    def models(self, request):
        return Answer(200, {'object': 'list', 'data': [{'id': 'gpt-image-1', 'object': 'model'}]})
