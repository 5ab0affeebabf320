# SPDX-License-Identifier: GPL-3.0-or-later
"""Oxen: the blocking edit, the queue, and the event stream beside it."""
import asyncio

from providers.base import Acted
from server import Answer, BadRequest, event_text

NAME = 'oxen'
RATIOS = {'1:1', '16:9', '21:9', '3:2', '2:3', '4:5', '5:4', '3:4', '4:3', '9:16', '9:21',
          'match_input_image'}
BODY = {
    'model!': {'flux-kontext-dev'}, 'input_image!': str, 'prompt!': str, 'aspect_ratio': RATIOS,
    'num_inference_steps': (int, 4, 50), 'guidance': (float, 0, 10), 'seed': int,
    'output_format': {'webp', 'jpg', 'png'}, 'output_quality': (int, 0, 100),
    'disable_safety_checker': bool,
}
STATUS = {'queued': 'queued', 'running': 'processing', 'unknown': 'provisioning',
          'succeeded': 'succeeded', 'failed': 'failed', 'cancelled': 'cancelled', 'moderated': 'failed',
          'moderated_input': 'failed', 'credit': 'failed'}
TYPES = {401: 'unauthenticated', 404: 'resource_not_found', 400: 'invalid_params', 422: 'invalid_params'}
MESSAGES = {'failed': 'The worker crashed', 'moderated': 'NSFW content detected',
            'moderated_input': 'The prompt was flagged as sensitive', 'credit': 'Insufficient credits'}


class Provider(Acted):
    name = NAME
    base_path = '/api'
    price = 0.03
    invalid_status = 400
    routes = (
        ('POST', '/ai/images/edit', 'submit', 'edit'),
        ('POST', '/ai/queue', 'submit', 'enqueue'),
        ('GET', '/ai/queue', 'recover', 'list'),
        ('GET', '/ai/queue/([^/]+)', 'watch', 'status'),
        ('DELETE', '/ai/queue/([^/]+)', 'cancel', 'cancel'),
        ('GET', '/events', 'events', 'events'),
        ('GET', '/ai/models/(.+)', 'probe', 'model'),
    )

    def __init__(self, world):
        super().__init__(world)
        self.listeners = set()

    def error(self, status, message, retry_after=None, **_):
        if status in (402, 429):      # the other shape
            body = {'error': {'message': message}}
        else:
            kind = TYPES.get(status, 'unknown_error')
            body = {'error': {'type': kind, 'title': message, 'detail': message}, 'status': 'error',
                    'status_message': kind}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def accept(self, request, more=None):
        given = self.check(request.json(), dict(BODY, **(more or {})))
        picture = self.decode_data_uri(given['input_image'], 'input_image')
        looked = self.world.look_at(picture, ('png', 'jpeg', 'webp', 'gif'))
        return self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed'), 'picture': picture,
            'size': self.size_of_aspect(given.get('aspect_ratio', '16:9'), looked),
            'count': given.get('num_generations', 1), 'format': given.get('output_format', 'webp'),
            'echo': {name: given[name] for name in given if name != 'input_image'}})

    async def edit(self, request):
        job = self.accept(request, {'response_format': {'url', 'b64_json'}})
        state = await self.world.until_done(job)
        if state != 'succeeded':
            return self.error(402 if state == 'credit' else 400 if 'moderated' in state else 500,
                              MESSAGES.get(state, state))
        if request.json().get('response_format') == 'b64_json':
            images = [{'b64_json': text} for text in self.result_base64(job)]
        else:
            images = [{'url': url} for url in self.world.result_urls(job)]
        return Answer(200, {'model': 'flux-kontext-dev', 'created': int(job.created), 'images': images})

    def enqueue(self, request):
        job = self.accept(request, {'num_generations': (int, 1, 4), 'target_namespace': str})
        asyncio.get_running_loop().create_task(self.announce(job))
        return Answer(200, {'generations': [{'generation_id': job.id, 'status': 'queued'}]})

    def describe(self, job):
        state = job.state()
        body = dict(job.fields['echo'], generation_id=job.id, model_name='flux-kontext-dev',
                    media_type='image', status=STATUS[state], result_url=None, error_message=None,
                    enqueued_at=int(job.created), started_at=None, completed_at=None)
        if state == 'succeeded':
            urls = self.world.result_urls(job)
            body['result_url'] = (urls[0] if len(urls) == 1 else urls) if urls else None
            body |= {'started_at': int(job.created), 'completed_at': int(job.created) + 1}
        body['error_message'] = MESSAGES.get(state)
        return body

    def find(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('Generation not found', 404)
        return job

    def status(self, request):
        return Answer(200, self.describe(self.find(request)))

    def list(self, request):
        wanted = request.query.get('status')
        known = [self.describe(job) for job in self.world.jobs.values()]
        states = (wanted,) if wanted else ('queued', 'processing')
        return Answer(200, {'generations': [item for item in known if item['status'] in states]})

    def cancel(self, request):
        job = self.find(request)
        job.cancel()
        return Answer(200, {'status': 'success', 'generation_id': job.id})

    async def announce(self, job):
        """The event goes to whoever is connected when the job ends; cancelled ones send none."""
        state = await self.world.until_done(job)
        if state == 'cancelled':
            return
        data = {'generation_id': job.id, 'media_type': 'image', 'model': 'flux-kontext-dev',
                'status': 'succeeded' if state == 'succeeded' else 'failed'}
        if state == 'succeeded' and self.world.result_urls(job):
            data['url'] = self.world.result_urls(job)[0]
        for queue in list(self.listeners):
            queue.put_nowait(event_text(data, 'media_generation_completed'))

    def events(self, request):
        answer = Answer(200, b'', 'text/event-stream', {'Cache-Control': 'no-cache'})

        async def stream(connection):
            queue = asyncio.Queue()
            self.listeners.add(queue)
            gone = asyncio.ensure_future(connection.reader.read(1))
            try:
                connection.writer.write(b': connected\n\n')
                connection.writer.write(event_text({'id': 1}, 'repository_updated'))
                if answer.drops:                   # the stream breaks off
                    await asyncio.sleep(answer.spoil.get('after', 0.05))
                    return connection.reset()
                while not gone.done():
                    item = asyncio.ensure_future(queue.get())
                    await asyncio.wait((gone, item), timeout=15, return_when=asyncio.FIRST_COMPLETED)
                    connection.writer.write(item.result() if item.done() else b': keep-alive\n\n')
                    item.cancel()
                    await connection.writer.drain()
            finally:
                gone.cancel()
                self.listeners.discard(queue)

        answer.stream = stream
        return answer

    def model(self, request):
        if request.names[0] != 'flux-kontext-dev':
            raise BadRequest('Model not found', 404)
        schema = {'type': 'object', 'required': ['prompt', 'input_image'], 'properties': {
            'prompt': {'type': 'string'}, 'input_image': {'type': 'string'},
            'num_inference_steps': {'type': 'integer', 'minimum': 4, 'maximum': 40, 'default': 28},
            'guidance': {'type': 'number', 'minimum': 0, 'maximum': 10, 'default': 2.5},
            'aspect_ratio': {'type': 'string', 'enum': sorted(RATIOS)}}}
        return Answer(200, {'id': 'flux-kontext-dev', 'json_request_schema': schema,
                            'pricing': {'method': 'per_image', 'cost_per_image': self.price}})
