# SPDX-License-Identifier: GPL-3.0-or-later
"""fal's queue. The returned URLs drop the model's sub-path, as the real ones do."""
import asyncio
import urllib.parse

from providers.base import Acted
from server import Answer, BadRequest, event_text

NAME = 'fal'
RATIOS = {'21:9', '16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16', '9:21'}
DEV = {
    'prompt!': str, 'image_url!': str, 'num_inference_steps': (int, 1, 50), 'guidance_scale': (float, 0, 20),
    'seed': int, 'num_images': (int, 1, 4), 'enable_safety_checker': bool,
    'output_format': {'jpeg', 'png'}, 'acceleration': {'none', 'regular', 'high'}, 'sync_mode': bool,
    'resolution_mode': {'auto', 'match_input', '4:5', '5:4'} | RATIOS, 'enhance_prompt': bool,
}
PRO = {
    'prompt!': str, 'image_url!': str, 'seed': int, 'guidance_scale': (float, 1, 20),
    'num_images': (int, 1, 4), 'output_format': {'jpeg', 'png'}, 'safety_tolerance': set('123456'),
    'enhance_prompt': bool, 'aspect_ratio': RATIOS, 'sync_mode': bool,
}
REQUEST_ERRORS = {401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 429: 'rate_limited',
                  500: 'runner_server_error', 503: 'runner_scheduling_failure', 504: 'request_timeout'}


class Provider(Acted):
    name = NAME
    price = 0.025
    key_scheme = 'Key '
    routes = (
        ('POST', '/(fal-ai/flux-kontext/dev|fal-ai/flux-pro/kontext|fal-ai/flux-pro/kontext/max)', 'submit',
         'create'),
        ('GET', '/fal-ai/flux-(?:kontext|pro)/requests/([^/]+)/status', 'watch', 'status'),
        ('GET', '/fal-ai/flux-(?:kontext|pro)/requests/([^/]+)/status/stream', 'events', 'stream'),
        ('GET', '/fal-ai/flux-(?:kontext|pro)/requests/([^/]+)', 'fetch', 'result'),
        ('PUT', '/fal-ai/flux-(?:kontext|pro)/requests/([^/]+)/cancel', 'cancel', 'cancel'),
    )

    def error(self, status, message, retry_after=None, loc=None, type_='value_error', **_):
        if status == 422:
            body = {'detail': [{'loc': ['body', loc], 'msg': message, 'type': type_,
                                'url': 'https://docs.fal.ai/errors'}]}
        else:
            body = {'detail': message, 'error_type': REQUEST_ERRORS.get(status, 'bad_request')}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body, headers={'X-Fal-Error-Type': REQUEST_ERRORS.get(status, '')})

    def create(self, request):
        model = request.names[0]
        given = self.check(request.json(), DEV if model.endswith('dev') else PRO)
        picture = self.decode_data_uri(given['image_url'], 'image_url')
        looked = self.world.look_at(picture, ('png', 'jpeg', 'webp'))
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed', 7), 'picture': picture,
            'size': self.size_of_aspect(given.get('aspect_ratio', given.get('resolution_mode')), looked),
            'price': {'dev': 0.025, 'kontext': 0.04, 'max': 0.08}[model.rpartition('/')[2]],
            'count': given.get('num_images', 1), 'format': given.get('output_format', 'jpeg')})
        short = '/'.join(model.split('/')[:2])
        own = self.own_url(request, f'/{short}/requests/{urllib.parse.quote(job.id, "")}')
        return Answer(200, {'request_id': job.id, 'response_url': own, 'status_url': own + '/status',
                            'cancel_url': own + '/cancel', 'queue_position': 1})

    def find(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('Request not found', 404)
        return job

    def describe(self, job):
        state = job.state()
        body = {'request_id': job.id, 'status': 'COMPLETED'}
        if state == 'queued':
            body |= {'status': 'IN_QUEUE', 'queue_position': 1}
        elif state == 'running':
            body |= {'status': 'IN_PROGRESS', 'logs': [{'message': 'working', 'level': 'INFO'}]}
        elif state == 'unknown':
            body['status'] = 'IN_LIMBO'
        else:
            body['metrics'] = {'inference_time': job.run_ms / 1000}
        return body

    def status(self, request):
        return Answer(200, self.describe(self.find(request)))

    def result(self, request):
        job = self.find(request)
        state = job.state()
        if state in ('queued', 'running', 'unknown'):
            return self.error(400, 'Request is still in progress')
        if state in ('moderated', 'moderated_input'):
            return self.error(422, 'The content could not be processed because it was flagged by a '
                              'content checker.', loc='prompt', type_='content_policy_violation')
        if state == 'cancelled':
            return self.error(499, 'Request was cancelled')
        if state == 'credit':
            return self.error(403, 'User is locked. Reason: Exhausted balance.')
        if state == 'failed':
            return self.error(500, 'The runner crashed')
        width, height = job.size()
        images = [{'url': url, 'width': width, 'height': height, 'content_type': 'image/png'}
                  for url in self.world.result_urls(job)]
        return Answer(200, {'images': images, 'seed': job.seed, 'prompt': job.prompt,
                            'timings': {'inference': job.run_ms / 1000},
                            'has_nsfw_concepts': [job.outcome in ('black', 'flagged')] * max(1, len(images))})

    def cancel(self, request):
        job = self.find(request)
        if job.cancel():
            return Answer(202, {'status': 'CANCELLATION_REQUESTED'})
        return Answer(400, {'status': 'ALREADY_COMPLETED'})

    def stream(self, request):
        job = self.find(request)
        answer = Answer(200, b'', 'text/event-stream')

        async def stream(connection):
            last = None
            while True:
                body = self.describe(job)
                if body != last:
                    connection.writer.write(event_text(body))
                    await connection.writer.drain()
                    last = body
                if answer.drops:
                    await asyncio.sleep(answer.spoil.get('after', 0.05))
                    return connection.reset()
                if body['status'] == 'COMPLETED':
                    return None
                await asyncio.sleep(0.02)

        answer.stream = stream
        return answer
