# SPDX-License-Identifier: GPL-3.0-or-later
"""stable-diffusion.cpp's own server, its native API."""
import urllib.parse

from providers.base import Acted
from server import Answer, BadRequest

NAME = 'sdcpp'
SAMPLE = {
    'sample_method': {'euler', 'euler_a', 'heun', 'dpm2', 'lcm'}, 'sample_steps': (int, 1, 200),
    'scheduler': str, 'eta': float,
    'guidance': {'txt_cfg': float, 'img_cfg': float, 'distilled_guidance': float, 'slg': None},
}
BODY = {
    'prompt!': str, 'negative_prompt': str, 'ref_images': [str], 'width': (int, 64, 4096),
    'height': (int, 64, 4096), 'seed': (int, -1, 2**63 - 1), 'batch_count': (int, 1, 8),
    'sample_params': SAMPLE, 'auto_resize_ref_image': bool, 'increase_ref_index': bool,
    'embed_image_metadata': bool, 'output_format': {'png', 'jpeg', 'webp'},
    'output_compression': (int, 0, 100), 'strength': float, 'clip_skip': int,
}
STATUS = {'queued': 'queued', 'running': 'generating', 'unknown': 'loading', 'succeeded': 'completed',
          'failed': 'failed', 'cancelled': 'cancelled', 'moderated': 'failed', 'moderated_input': 'failed',
          'credit': 'failed'}


class Provider(Acted):
    name = NAME
    price = 0.0
    key_required = False
    invalid_status = 400
    routes = (
        ('POST', '/sdcpp/v1/img_gen', 'submit', 'generate'),
        ('GET', '/sdcpp/v1/jobs/([^/]+)', 'watch', 'status'),
        ('POST', '/sdcpp/v1/jobs/([^/]+)/cancel', 'cancel', 'cancel'),
        ('GET', '/sdcpp/v1/capabilities', 'probe', 'capabilities'),
    )

    def error(self, status, message, retry_after=None, **_):
        body = {'error': message, 'message': message}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def generate(self, request):
        given = self.check(request.json(), BODY)
        data, looked = b'', None
        for at, text in enumerate(given.get('ref_images', [])):
            where = f'ref_images[{at}]'
            picture = (self.decode_data_uri(text, where) if text.startswith('data:')
                       else self.decode_base64(text, where))
            looked = looked or self.world.look_at(picture, ('png', 'jpeg'), where)
            data += picture
        if not data:
            raise self.invalid('ref_images: nothing to edit')
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed', -1), 'picture': data,
            'pictures': len(given['ref_images']),
            'size': (given.get('width', 512), given.get('height', 512)),
            'count': given.get('batch_count', 1), 'format': given.get('output_format', 'png')})
        return Answer(202, {'id': job.id, 'kind': 'img_gen', 'status': 'queued',
                            'created': int(job.created), 'poll_url': self.world.base_path + '/sdcpp/v1/jobs/'
                            + urllib.parse.quote(job.id, '')})

    def find(self, request):
        job = self.world.jobs.get(request.names[0])
        if job is None:
            raise BadRequest('job not found', 404)
        if job.state() == 'gone':
            raise BadRequest('job expired', 410)
        return job

    def describe(self, job):
        state = job.state()
        body = {'id': job.id, 'kind': 'img_gen', 'status': STATUS[state], 'created': int(job.created)}
        if state == 'queued':
            body['queue_position'] = 1
        if state == 'succeeded':
            body['result'] = {'output_format': job.format, 'images': [
                {'index': at, 'b64_json': text} for at, text in enumerate(self.result_base64(job))]}
        if state in ('failed', 'moderated', 'moderated_input', 'credit'):
            body['error'] = {'code': 'generation_failed', 'message': 'generate_image returned nothing'}
        return body

    def status(self, request):
        return Answer(200, self.describe(self.find(request)))

    def cancel(self, request):
        job = self.find(request)
        if job.state() != 'queued':
            raise BadRequest('a job that is generating cannot be cancelled', 409)
        job.cancel()
        return Answer(200, self.describe(job))

    def capabilities(self, request):
        return Answer(200, {'model': {'name': 'flux1-kontext-dev'},
                            'limits': {'min_width': 64, 'max_width': 4096, 'max_batch_count': 8},
                            'samplers': ['euler'], 'features': {'ref_images': True, 'cancel_queued': True}})
