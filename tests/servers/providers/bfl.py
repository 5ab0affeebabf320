# SPDX-License-Identifier: GPL-3.0-or-later
"""Black Forest Labs. Flavour "late": get_result does not know a job for a moment."""
import re
import urllib.parse

from providers.base import Acted
from server import Answer

NAME = 'bfl'
BODY = {
    'prompt!': str, 'input_image': str, 'input_image_2': str, 'input_image_3': str, 'input_image_4': str,
    'seed': int, 'aspect_ratio': re.compile(r'\d+:\d+'), 'output_format': {'jpeg', 'png'},
    'prompt_upsampling': bool, 'safety_tolerance': (int, 0, 6), 'webhook_url': str, 'webhook_secret': str,
}
STATUS = {'queued': 'Pending', 'running': 'Pending', 'unknown': 'Reticulating', 'succeeded': 'Ready',
          'failed': 'Error', 'cancelled': 'Error', 'moderated': 'Content Moderated',
          'moderated_input': 'Request Moderated', 'credit': 'Error'}


class Provider(Acted):
    name = NAME
    price = 0.04
    key_header, key_scheme = 'x-key', ''
    routes = (
        ('POST', '/v1/flux-kontext-(pro|max)', 'submit', 'create'),
        ('GET', '/v1/get_result', 'watch', 'status'),
        ('GET', '/v1/credits', 'probe', 'credits'),
    )

    def error(self, status, message, retry_after=None, loc=None, **_):
        if status == 422:
            body = {'detail': [{'loc': ['body', loc], 'msg': message, 'type': 'value_error'}]}
        elif status == 429:
            body = {'error': 'rate_limited', 'message': message, 'details': {}}
        else:
            body = {'detail': message}
        if retry_after is not None:
            body['retry_after'] = retry_after
        return Answer(status, body)

    def create(self, request):
        given = self.check(request.json(), BODY)
        if 'aspect_ratio' in given:
            across, down = map(int, given['aspect_ratio'].split(':'))
            if not 9 / 21 <= across / max(down, 1) <= 21 / 9:
                raise self.invalid('aspect_ratio: not between 21:9 and 9:21', loc='aspect_ratio')
        looked, data, count = None, b'', 0
        for name in ('input_image', 'input_image_2', 'input_image_3', 'input_image_4'):
            if name in given:
                if given[name].startswith('data:'):
                    raise self.invalid(f'{name}: bare base64 or a URL is wanted', loc=name)
                if len(given[name]) > 20_000_000:
                    raise self.invalid(f'{name}: more than 20 MB', loc=name)
                picture = self.decode_base64(given[name], name)
                seen = self.world.look_at(picture, ('png', 'jpeg', 'webp'), name)
                if seen.width * seen.height > 20_000_000 or min(seen.width, seen.height) < 256:
                    raise self.invalid(f'{name}: {seen.width} × {seen.height} is not offered', loc=name)
                looked, data, count = looked or seen, data + picture, count + 1
        if looked is None:
            raise self.invalid('input_image: field required', loc='input_image')
        job = self.world.add_job({
            'prompt': given['prompt'], 'seed': given.get('seed', 42), 'picture': data,
            'pictures': count,
            'size': self.size_of_aspect(given.get('aspect_ratio'), looked),
            'format': given.get('output_format', 'png')})
        if request.names[0] == 'max':
            job.fields |= {'credits': 8, 'price': 0.08}
        url = self.own_url(request, f'/v1/get_result?id={urllib.parse.quote(job.id, "")}')
        return Answer(200, {'id': job.id, 'polling_url': url, 'cost': job.fields.get('credits', 4),
                            'input_mp': round(looked.width * looked.height / 1e6, 2), 'output_mp': 1.0})

    def status(self, request):
        job = self.world.job(request.query.get('id', ''))
        late = self.world.options['flavour'] == 'late'
        if job is None or late and (job.age_ms() < 30 or self.world.options['hold'] == 'queued'):
            return Answer(200, {'id': request.query.get('id'), 'status': 'Task not found',
                                'result': None, 'progress': None, 'details': None})
        state = job.state()
        body = {'id': job.id, 'status': STATUS[state], 'result': None, 'details': None,
                'progress': 0.5 if state == 'running' else None}
        if state == 'succeeded':
            urls = self.world.result_urls(job)
            body['result'] = {'sample': (urls[0] if len(urls) == 1 else urls) if urls else None,
                              'seed': job.seed, 'prompt': job.prompt, 'duration': job.run_ms / 1000}
        if 'moderated' in state:
            body['details'] = {'Moderation Reasons': ['Derivative Works Filter']}
        if state in ('failed', 'credit'):
            body['result'] = {'error': 'The model failed' if state == 'failed' else 'Insufficient credits'}
        return Answer(200, body)

    def credits(self, request):
        return Answer(200, {'credits': 1000.0})
