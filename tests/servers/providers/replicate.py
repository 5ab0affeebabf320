# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicate's predictions of three models. Flavours: string, array (of output), data_uri."""
import base64
import urllib.parse

from providers.base import Acted
from server import Answer, BadRequest, iso_time

NAME = 'replicate'
RATIOS = {'1:1', '16:9', '21:9', '3:2', '2:3', '4:5', '5:4', '3:4', '4:3', '9:16', '9:21',
          'match_input_image'}
DEV = {
    'prompt!': str, 'input_image!': str, 'aspect_ratio': RATIOS, 'num_inference_steps': (int, 4, 50),
    'guidance': (float, 0, 10), 'seed': int, 'output_format': {'webp', 'jpg', 'png'},
    'output_quality': (int, 0, 100), 'disable_safety_checker': bool, 'go_fast': bool,
}
PRO = {
    'prompt!': str, 'input_image': str, 'aspect_ratio': RATIOS | {'2:1', '1:2'},
    'output_format': {'jpg', 'png'}, 'safety_tolerance': (int, 0, 2), 'prompt_upsampling': bool,
    'seed': int,
}
STATUS = {'queued': 'starting', 'running': 'processing', 'unknown': 'booting', 'succeeded': 'succeeded',
          'failed': 'failed', 'cancelled': 'canceled', 'moderated': 'failed', 'moderated_input': 'failed',
          'credit': 'failed'}
ERRORS = {'failed': 'Prediction failed: CUDA out of memory', 'credit': 'Insufficient credit',
          'moderated': 'NSFW content detected. Try running it again, or try a different prompt.',
          'moderated_input': 'The input was flagged as sensitive (E005)'}
MODELS = {'dev': 0.025, 'pro': 0.04, 'max': 0.08}


class Provider(Acted):
    name = NAME
    base_path = '/v1'
    price = 0.025
    routes = (
        ('POST', '/models/black-forest-labs/flux-kontext-(dev|pro|max)/predictions', 'submit', 'create'),
        ('GET', '/predictions/([^/]+)', 'watch', 'status'),
        ('POST', '/predictions/([^/]+)/cancel', 'cancel', 'cancel'),
        ('GET', '/predictions', 'recover', 'list'),
        ('GET', '/models/black-forest-labs/flux-kontext-(dev|pro|max)', 'probe', 'model'),
        ('GET', '/account', 'probe', 'account'),
    )

    def error(self, status, message, retry_after=None, **_):
        body = {'title': self.words(status), 'detail': message, 'status': status}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    async def create(self, request):
        kind = request.names[0]
        given = self.check(request.json(), {'input!': DEV if kind == 'dev' else PRO, 'webhook': str,
                                            'webhook_events_filter': [str]})['input']
        if 'input_image' not in given:
            raise self.invalid('input.input_image: field required')
        picture = self.decode_data_uri(given['input_image'], 'input.input_image')
        looked = self.world.look_at(picture, ('png', 'jpeg', 'webp'))
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed'), 'picture': picture, 'kind': kind,
            'price': MODELS[kind],
            'size': self.size_of_aspect(given.get('aspect_ratio'), looked),
            'format': given.get('output_format', 'webp' if kind == 'dev' else 'png'), 'input': given})
        if request.headers.get('prefer', '').startswith('wait'):
            await self.world.until_done(job)
        return Answer(201, self.describe(request, job))

    def describe(self, request, job):
        state = job.state()
        own = self.own_url(request, f'/predictions/{urllib.parse.quote(job.id, "")}')
        shown = dict(job.fields['input'], input_image='data:…')
        body = {'id': job.id, 'model': f'black-forest-labs/flux-kontext-{job.fields["kind"]}',
                'version': 'hidden', 'input': shown, 'logs': '', 'output': None, 'error': None,
                'status': STATUS[state], 'created_at': iso_time(job.created), 'data_removed': False,
                'urls': {'get': own, 'cancel': own + '/cancel'}, 'metrics': {}}
        if state == 'succeeded':
            flavour = self.world.options['flavour']
            urls = self.world.result_urls(job)
            if flavour == 'data_uri':
                urls = [f'data:{kind};base64,' + base64.b64encode(data).decode()
                        for data, kind in job.pictures()]
            body |= {'output': urls if len(urls) != 1 or flavour == 'array' else urls[0],
                     'metrics': {'predict_time': job.run_ms / 1000}}
        body['error'] = ERRORS.get(state)
        return body

    def find(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('The requested resource could not be found.', 404)
        return job

    def status(self, request):
        return Answer(200, self.describe(request, self.find(request)))

    def cancel(self, request):
        job = self.find(request)
        job.cancel()
        return Answer(200, self.describe(request, job))

    def list(self, request):
        return Answer(200, {'previous': None, 'next': None, 'results': [
            self.describe(request, job) for job in self.world.jobs.values()]})

    def model(self, request):
        own = {'type': 'object', 'properties': {'num_inference_steps': {
            'type': 'integer', 'minimum': 4, 'maximum': 50}}}
        return Answer(200, {'owner': 'black-forest-labs', 'name': 'flux-kontext', 'latest_version': {
            'openapi_schema': {'components': {'schemas': {'Input': own}}}}})

    def account(self, request):
        return Answer(200, {'type': 'user', 'username': 'fake'})
