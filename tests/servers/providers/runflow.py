# SPDX-License-Identifier: GPL-3.0-or-later
"""Runflow's flux-pro/kontext. Flavour "marketing": the model answers to its short path only."""
import pictures
from providers.base import Acted
from server import Answer, BadRequest

NAME = 'runflow'
CODES = {400: 'BAD_REQUEST', 401: 'UNAUTHORIZED', 402: 'INSUFFICIENT_CREDIT', 403: 'PERMISSION_DENIED',
         404: 'NOT_FOUND', 409: 'CONFLICT', 413: 'PAYLOAD_TOO_LARGE', 422: 'VALIDATION_ERROR',
         429: 'RATE_LIMITED', 503: 'MODEL_UNAVAILABLE'}
RATIOS = {'21:9', '16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16', '9:21'}
INPUT = {
    'prompt!': str, 'image_url!': str, 'aspect_ratio': RATIOS, 'num_images': (int, 1, 4),
    'guidance_scale': (float, 1, 20), 'output_format': {'jpeg', 'png'},
    'safety_tolerance': set('123456'), 'enhance_prompt': bool, 'seed': int, 'sync_mode': bool,
}
STATUS = {'queued': 'queued', 'running': 'running', 'unknown': 'dispatching', 'succeeded': 'succeeded',
          'failed': 'failed', 'cancelled': 'cancelled', 'moderated': 'failed',
          'moderated_input': 'failed', 'credit': 'failed'}


class Provider(Acted):
    name = NAME
    price = 0.04
    routes = (
        ('POST', '/v1/models/(.+)/runs', 'submit', 'run'),
        ('GET', '/v1/runs/([^/]+)', 'watch', 'status'),
        ('POST', '/v1/asset-uploads', 'upload', 'start_upload'),
        ('POST', '/v1/asset-uploads/([^/]+)/confirmations', 'upload', 'confirm_upload'),
        ('GET', '/v1/models/(.+)', 'probe', 'model'),
        ('GET', '/v1/runs', 'recover', 'runs'),
        ('GET', '/v1/me', 'probe', 'me'),
    )

    def error(self, status, message, retry_after=None, loc=None, code=None, **_):
        body = {'code': code or CODES.get(status, 'INTERNAL_ERROR'), 'message': message,
                'errors': [{'loc': ['input', loc], 'msg': message}] if loc else []}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def models(self):
        if self.world.options['flavour'] == 'marketing':
            return ('flux-pro/kontext',)
        return ('black-forest-labs/flux-pro/kontext', 'flux-pro/kontext')

    def check_model(self, request):
        if request.names[0] not in self.models():
            raise BadRequest(f'No such model: {request.names[0]}', 404, code='MODEL_NOT_FOUND')

    def start_upload(self, request):
        body = self.check(request.json(), {
            'filename!': str, 'mime_type!': {'image/png', 'image/jpeg', 'image/webp', 'image/gif'},
            'size_bytes!': (int, 1, 50_000_000)})
        name, url = self.world.add_upload(body['mime_type'])
        self.world.uploads[name].update(size=body['size_bytes'], url=None)
        return Answer(201, {'asset_id': name, 'upload_url': url})

    def confirm_upload(self, request):
        self.check(request.json(), {'folder_id': None})
        name = request.names[0]
        place = self.world.uploads.get(name)
        if place is None:
            raise BadRequest('No such upload', 404)
        if place['data'] is None:
            raise BadRequest('Nothing was uploaded', 409)
        if len(place['data']) != place['size']:
            raise self.invalid(f'{len(place["data"])} bytes came, not {place["size"]}')
        place['url'] = self.world.add_file(place['data'], place['kind'])
        return Answer(201, {'id': name, 'url': place['url'], 'mime_type': place['kind'],
                            'size_bytes': place['size']})

    def uploaded(self, url, where):
        if url.startswith('data:'):
            raise self.invalid(f'{where}: runflow://assets/… is not a valid URL', loc='image_url')
        for place in self.world.uploads.values():
            if place.get('url') == url:
                return place['data']
        raise self.invalid(f'{where}: could not be downloaded: {url[:80]}', loc='image_url')

    def run(self, request):
        self.check_model(request)
        body = self.check(request.json(), {'input!': INPUT, 'callback_url': str, 'metadata': None,
                                           'client_ref': str})
        given = body['input']
        picture = self.uploaded(given['image_url'], 'input.image_url')
        looked = pictures.look(picture)
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed', 7), 'picture': picture,
            'size': self.size_of_aspect(given.get('aspect_ratio'), looked),
            'count': given.get('num_images', 1), 'format': given.get('output_format', 'jpeg'),
            'client_ref': body.get('client_ref')})
        return Answer(201, self.describe(job))

    def describe(self, job):
        state = job.state()
        body = {'id': job.id, 'model': self.models()[0], 'status_code': STATUS[state], 'output': None,
                'client_ref': job.fields['client_ref'], 'created_at': job.created}
        if state == 'succeeded':
            width, height = job.size()
            body |= {'cost': f'{self.price * job.count:.4f}', 'duration_ms': job.run_ms, 'output': {
                'outputs': [{'url': url, 'type': 'image', 'width': width, 'height': height}
                            for url in self.world.result_urls(job)],
                'seed': job.seed, 'nsfw_detected': job.outcome in ('black', 'flagged'),
                'timing': {'inference_ms': job.run_ms}, 'model_data': {}}}
        if state in ('failed', 'moderated', 'moderated_input', 'credit'):
            code, message = {
                'failed': ('PROVIDER_ERROR', 'The upstream model failed'),
                'credit': ('INSUFFICIENT_CREDIT', 'Insufficient credit')}.get(
                    state, ('CONTENT_MODERATED', 'The content was flagged by the safety system'))
            body |= {'failure_code': code, 'failure_stage': 'inference', 'failure_message': message}
        return body

    def status(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('No such run', 404, code='RUN_NOT_FOUND')
        return Answer(200, self.describe(job))

    def runs(self, request):
        return Answer(200, {'data': [self.describe(job) for job in self.world.jobs.values()]})

    def model(self, request):
        self.check_model(request)
        return Answer(200, {'id': request.names[0], 'name': 'FLUX.1 Kontext [pro]'})

    def me(self, request):
        return Answer(200, {'id': 'fake'})
