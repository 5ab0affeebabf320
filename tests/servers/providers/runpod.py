# SPDX-License-Identifier: GPL-3.0-or-later
"""RunPod's public endpoint of FLUX.1 Kontext [dev]."""
import re

import pictures
from providers.base import Acted
from server import Answer, BadRequest

NAME = 'runpod'
STATUS = {'queued': 'IN_QUEUE', 'running': 'IN_PROGRESS', 'unknown': 'WARMING_UP', 'failed': 'FAILED',
          'succeeded': 'COMPLETED', 'cancelled': 'CANCELLED', 'moderated': 'FAILED',
          'moderated_input': 'FAILED', 'credit': 'FAILED'}
SIZES = {(512, 512), (768, 768), (1024, 1024), (1328, 1328), (1472, 1140), (1140, 1472), (1536, 1536),
         (2048, 2048), (4096, 4096), (512, 768), (768, 512), (1024, 768), (768, 1024)}
INPUT = {
    'prompt!': str, 'image!': str, 'negative_prompt': str, 'size': re.compile(r'\d+\*\d+'),
    'num_inference_steps': (int, 1, 50), 'guidance': (float, 0, 10), 'seed': (int, -1, 2**63 - 1),
    'output_format': {'png', 'jpeg'}, 'enable_safety_checker': bool,
}
POLICY = {'executionTimeout': (int, 5000, 604800000), 'ttl': (int, 10000, 604800000),
          'lowPriority': bool}


class Provider(Acted):
    name = NAME
    base_path = '/v2/black-forest-labs-flux-1-kontext-dev'
    price = 0.025
    invalid_status = 400
    routes = (
        ('POST', '/run', 'submit', 'run'),
        ('POST', '/runsync', 'submit', 'run_sync'),
        ('GET', '/status/([^/]+)', 'watch', 'status'),
        ('POST', '/cancel/([^/]+)', 'cancel', 'cancel'),
        ('GET', '/health', 'probe', 'health'),
    )

    def error(self, status, message, retry_after=None, **_):
        body = {'error': message}
        if status == 400:
            body['status'] = 'FAILED'
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def accept(self, request, limit):
        self.limit_body(request, limit)
        body = self.check(request.json(), {'input!': INPUT, 'policy': POLICY, 'webhook': str})
        given = body['input']
        picture = self.decode_data_uri(given['image'], 'input.image')
        self.world.look_at(picture, ('png', 'jpeg', 'webp'))
        size = tuple(map(int, given.get('size', '1024*1024').split('*')))
        if size not in SIZES and size not in pictures.KONTEXT:
            raise self.invalid(f'input.size: {given["size"]} is not offered')
        job = self.world.add_job({'prompt': given['prompt'], 'seed': given.get('seed', -1),
                                  'picture': picture, 'size': size,
                                  'format': given.get('output_format', 'png')})
        return job

    def run(self, request):
        job = self.accept(request, 10_000_000)
        return Answer(200, {'id': job.id, 'status': 'IN_QUEUE'})

    async def run_sync(self, request):
        job = self.accept(request, 20_000_000)
        await self.world.until_done(job)
        return Answer(200, self.describe(job))

    def describe(self, job):
        state = job.state()
        body = {'id': job.id, 'status': STATUS[state]}
        if state != 'queued':
            body |= {'delayTime': job.queue_ms, 'workerId': 'fake'}
        if state == 'succeeded':
            urls = self.world.result_urls(job)
            body |= {'executionTime': job.run_ms, 'output': {'cost': self.price}}
            if urls:
                body['output']['image_url'] = urls[0] if len(urls) == 1 else urls
        if state == 'failed':
            body['error'] = 'CUDA error: out of memory'
        if state in ('moderated', 'moderated_input'):
            body['error'] = 'The request was flagged as NSFW by the safety checker'
        if state == 'credit':
            body['error'] = 'insufficient balance'
        return body

    def find(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('job not found', 404)
        return job

    def status(self, request):
        return Answer(200, self.describe(self.find(request)))

    def cancel(self, request):
        job = self.find(request)
        job.cancel()
        return Answer(200, {'id': job.id, 'status': STATUS[job.state()]})

    def health(self, request):
        return Answer(200, {'jobs': {'completed': 0, 'failed': 0, 'inProgress': 0, 'inQueue': 0,
                                     'retried': 0}, 'workers': {'idle': 1, 'running': 0}})
