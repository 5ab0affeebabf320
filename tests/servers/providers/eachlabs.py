# SPDX-License-Identifier: GPL-3.0-or-later
"""each::labs: presigned upload, then a prediction. Flavour: how `output` looks, string, array, object."""
import urllib.parse

from providers.base import Acted
from server import Answer, BadRequest, iso_time

NAME = 'eachlabs'
MODES = {'auto', 'match_input', '1:1', '16:9', '21:9', '3:2', '2:3', '4:5', '5:4', '3:4', '4:3', '9:16',
         '9:21'}
INPUT = {
    'prompt!': str, 'image_url!': str, 'num_inference_steps': (int, 1, 50), 'guidance_scale': (float, 0, 20),
    'seed': str, 'num_images': (int, 1, 4), 'enable_safety_checker': bool, 'output_format': {'jpeg', 'png'},
    'acceleration': {'none', 'regular', 'high'}, 'enhance_prompt': bool, 'resolution_mode': MODES,
    'sync_mode': bool,
}
STATUS = {'queued': 'created', 'running': 'processing', 'unknown': 'warming', 'succeeded': 'success',
          'failed': 'error', 'cancelled': 'cancelled', 'moderated': 'error', 'moderated_input': 'error',
          'credit': 'error'}


class Provider(Acted):
    name = NAME
    price = 0.025
    invalid_status = 400
    routes = (
        ('POST', '/v1/prediction', 'submit', 'create'),
        ('GET', '/v1/prediction/([^/]+)', 'watch', 'status'),
        ('POST', '/v1/prediction/([^/]+)/cancel', 'cancel', 'cancel'),
        ('POST', '/v1/upload/presign', 'upload', 'presign'),
        ('GET', '/v1/executions', 'recover', 'executions'),
        ('GET', '/v1/model', 'probe', 'model'),
    )

    def error(self, status, message, retry_after=None, **_):
        body = {'error': message}
        if status in (402, 429):
            body |= {'status': 'error', 'details': message}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def check_auth(self, request):
        if request.path != '/v1/model':           # public
            super().check_auth(request)

    def presign(self, request):
        body = self.check(request.json(), {
            'content_type!': {'image/png', 'image/jpeg', 'image/webp'}, 'file_type': str,
            'expires_in_seconds': (int, 60, 31_536_000)})
        headers = {'x-amz-meta-owner': 'fake', 'x-amz-acl': 'public-read'}
        name, url = self.world.add_upload(body['content_type'], headers, 100_000_000)
        public = f'{self.world.listeners["cdn"].url}/public/{name}'
        self.world.uploads[name]['public'] = public
        return Answer(200, {'id': name, 'presigned_url': url, 'public_url': public,
                            'expires_at': iso_time(0), 'required_headers': headers})

    def uploaded(self, url):
        for place in self.world.uploads.values():
            if place.get('public') == url and place['data'] is not None:
                return place['data']
        raise self.invalid(f'input.image_url: could not be downloaded: {url[:80]}')

    def create(self, request):
        body = self.check(request.json(), {'model!': {'flux-kontext-dev'}, 'version!': {'1.0.0'},
                                           'input!': INPUT, 'webhook_url': str, 'webhook_secret': str})
        given = body['input']
        picture = self.uploaded(given['image_url'])
        looked = self.world.look_at(picture, ('png', 'jpeg', 'webp'), max_bytes=50_000_000)
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': int(given['seed']) if given.get('seed') else None,
            'picture': picture, 'size': self.size_of_aspect(given.get('resolution_mode'), looked),
            'count': given.get('num_images', 1), 'format': given.get('output_format', 'jpeg'),
            'input': given})
        return Answer(201, {'status': 'success', 'message': 'Prediction created successfully',
                            'predictionID': job.id})

    def describe(self, request, job):
        state = job.state()
        own = self.own_url(request, f'/v1/prediction/{urllib.parse.quote(job.id, "")}')
        body = {'id': job.id, 'input': job.fields['input'], 'status': STATUS[state], 'output': None,
                'logs': '', 'metrics': {}, 'urls': {'get': own, 'cancel': own + '/cancel'}}
        if state == 'succeeded':
            urls, flavour = self.world.result_urls(job), self.world.options['flavour']
            output = urls if len(urls) != 1 or flavour == 'array' else urls[0]
            body |= {'output': {'url': urls[0]} if flavour == 'object' else output,
                     'metrics': {'predict_time': job.run_ms / 1000, 'cost': self.price * job.count}}
        if state in ('failed', 'moderated', 'moderated_input', 'credit'):
            message, code = {'failed': ('The model crashed', 'internal'),
                             'credit': ('Insufficient balance', 'insufficient_balance')}.get(
                                 state, ('NSFW content was detected', 'content_policy'))
            body |= {'output': {'error_message': message, 'error_code': code}, 'logs': message}
        return body

    def find(self, request):
        job = self.world.job(request.names[0])
        if job is None:
            raise BadRequest('prediction not found', 404)
        return job

    def status(self, request):
        return Answer(200, self.describe(request, self.find(request)))

    def cancel(self, request):
        job = self.find(request)
        job.cancel()
        return Answer(200, self.describe(request, job))

    def executions(self, request):
        return Answer(200, {'executions': [self.describe(request, job)
                                           for job in self.world.jobs.values()]})

    def model(self, request):
        if request.query.get('slug') != 'flux-kontext-dev':
            raise BadRequest('model not found', 404)
        return Answer(200, {'slug': 'flux-kontext-dev', 'version': '1.0.0', 'output_type': 'string',
                            'request_schema': {'type': 'object', 'properties': {
                                'num_inference_steps': {'type': 'integer', 'minimum': 1,
                                                        'maximum': 50}}}})
