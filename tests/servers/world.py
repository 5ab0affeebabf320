# SPDX-License-Identifier: GPL-3.0-or-later
"""A world: one provider acted out on ports of its own, with its jobs, files, log, faults and money."""
import asyncio
import hashlib
import itertools
import json
import random
import pathlib
import time
import uuid

import faults
import pictures
from server import Answer, BadRequest, Listener

KEY = 'canary-0f3c9a1e-key'

# Until when a job is queued and running, how large results are, and the like; a world's options.
OPTIONS = {
    'key': KEY,            # what the right key is
    'key_required': None,  # None: as the provider has it
    'queue_ms': 40,
    'run_ms': 80,
    'hold': '',            # "queued", "running": jobs get no further until this is changed; "answers":
                           # what the faults "slow" and "late" delay comes no sooner than that
    'hold_from': 1,        # the first job that is held; those before go on
    'max_side': 0,         # results no larger than this: quicker tests
    'answer': '',          # path of a picture that is every result, as it is: for edits that a test made itself
    'weight': 0,           # so many bytes more in each result that is a PNG
    'tls': '',             # good, self-signed, wrong-host, expired
    'base_path': None,     # None: as the provider has it
    'clock_offset': 0,     # seconds that this server's clock is wrong
    'image_check': True,   # look at the pictures that are sent
    'flavour': '',         # which of several servers of one shape
    'elsewhere': False,    # answers name URLs of the API at an origin that must not get the key
    'strange_ids': False,  # ids of jobs that must be escaped in URLs
}


class Job:
    def __init__(self, world, identity, fields, number):
        self.world, self.id, self.number = world, identity, number
        self.created = time.time()
        self.started_clock = time.monotonic()
        self.fields = fields              # what the provider's module wants to remember
        self.prompt = fields.get('prompt', '')
        self.seed = fields.get('seed')
        self.count = fields.get('count', 1)
        self.format = fields.get('format', 'png')
        self.cancelled_at = None
        self.queue_ms, self.run_ms = world.options['queue_ms'], world.options['run_ms']
        self.outcome = 'fine'             # or what a fault of "job" says
        self.outcome_fault = {}
        self.charged = False
        self.files = None
        self.seal = pictures.mark(fields.get('picture', b''), self.seed, self.prompt)

    def age_ms(self):
        return 1000 * (time.monotonic() - self.started_clock)

    def state(self):
        """queued, running, succeeded, failed, cancelled, moderated, moderated_input, gone, unknown"""
        if self.cancelled_at is not None:
            return 'cancelled'
        held = self.number >= self.world.options['hold_from']
        hold = self.world.options['hold'] if held else ''
        if hold == 'queued' or self.age_ms() < self.queue_ms:
            return 'queued'
        if self.outcome == 'never':
            return 'running'
        if self.outcome == 'unknown_status' and self.age_ms() < 4 * (self.queue_ms + self.run_ms):
            return 'unknown'
        if hold == 'running' or self.age_ms() < self.queue_ms + self.run_ms:
            return 'running'
        if self.outcome in ('failed', 'moderated', 'moderated_input', 'gone', 'cancelled', 'credit'):
            return self.outcome
        if not self.charged:
            self.charged = True
            self.world.charges += self.count
            self.world.money += self.count * self.fields.get('price', self.world.provider.price)
        return 'succeeded'

    def size(self):
        width, height = self.fields.get('size', (1024, 1024))
        limit = self.world.options['max_side']
        if limit and max(width, height) > limit:
            scale = limit / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        return width, height

    def pictures(self):
        """[(bytes, media type)]: what came out, or what a fault made of it."""
        if self.files is None:
            self.files = self.paint()
        return self.files

    def paint(self):
        width, height = self.size()
        media = pictures.MEDIA[self.format]
        if self.outcome == 'black':
            return [(pictures.black_png(width, height), 'image/png')]
        if self.outcome == 'bomb':
            return [(pictures.bomb_png(), 'image/png')]
        if self.outcome == 'not_image':
            return [(b'<html><body>Nothing here</body></html>', 'image/png')]
        if self.outcome == 'wrong_type':
            return [(pictures.carpet(self.format, self.seal, width, height), 'text/plain')]
        if self.outcome == 'empty':
            return []
        if self.outcome == 'cut':
            whole = pictures.carpet(self.format, self.seal, width, height)
            return [(whole[:len(whole) // 2], media)]
        count = 2 if self.outcome == 'two' else self.count
        if self.world.options['answer']:
            data = pathlib.Path(self.world.options['answer']).read_bytes()
            return [(data, pictures.MEDIA[pictures.look(data).format])] * count
        painted = [pictures.carpet(self.format, self.seal_of(at), width, height) for at in range(count)]
        if self.world.options['weight'] and self.format == 'png':
            painted = [pictures.heavier_png(data, self.world.options['weight']) for data in painted]
        return [(data, media) for data in painted]

    def seal_of(self, at):
        return self.seal if at == 0 else pictures.mark(self.seal, at)

    def cancel(self):
        """True if it could be stopped."""
        if self.state() not in ('queued', 'running', 'unknown') or self.outcome == 'uncancellable':
            return False
        self.cancelled_at = time.time()
        return True

    def report(self):
        state = self.state()
        width, height = self.size()
        return {'id': self.id, 'state': state, 'prompt': self.prompt, 'seed': self.seed,
                'count': self.count, 'charged': self.charged, 'outcome': self.outcome,
                'cancelled': self.cancelled_at is not None,
                'pictures': self.fields.get('pictures', 1), 'width': width, 'height': height,
                'row': pictures.carpet_row(self.seal, width).hex()}


class World:
    numbers = itertools.count(1)

    def __init__(self, provider_class, certificates, options=None, fault_list=()):
        self.number = next(self.numbers)
        self.options = dict(OPTIONS)
        for name, value in (options or {}).items():
            if name not in self.options:
                raise ValueError(f'no such option: {name}')
            self.options[name] = value
        self.certificates = certificates
        self.provider = provider_class(self)
        self.faults = faults.Faults(fault_list)
        self.jobs, self.files, self.uploads, self.calls = {}, {}, {}, []
        self.violations, self.submits = [], 0
        self.charges, self.money, self.bytes_poured, self.most_open = 0, 0.0, 0, 0
        self.begun = time.monotonic()
        self.seen = {}
        self.listeners = {}

    async def start(self, port=0):
        context = self.certificates.context(self.options['tls']) if self.options['tls'] else None
        for origin in ('api', 'cdn'):
            listener = Listener(self, origin, context)
            await listener.start(port if origin == 'api' else 0)
            self.listeners[origin] = listener

    def close(self):
        for listener in self.listeners.values():
            listener.server.close()

    @property
    def base_path(self):
        given = self.options['base_path']
        return self.provider.base_path if given is None else given

    def announce(self):
        api = self.listeners['api'].url
        return {'world': self.number, 'provider': self.provider.name, 'base_url': api + self.base_path,
                'origin': api, 'cdn': self.listeners['cdn'].url, 'key': self.options['key'],
                'ca_file': self.certificates.ca_file if self.options['tls'] else None}

    # --- Requests ---------------------------------------------------------------------------------

    def before_body(self, origin, method, target, headers, connection):
        """A fault that strikes before the body is read."""
        path = target.partition('?')[0]
        if path.startswith('/_fake/'):
            return None
        operation = self.operation_of(origin, method, path)[0]
        connection.number_of_request = self.faults.count(operation)
        fault = self.faults.pick(operation, connection.number_of_request, early=True)
        if fault:
            self.calls.append({'t': self.clock(), 'origin': origin, 'method': method, 'path': target,
                               'op': operation, 'fault': fault['kind'], 'status': 0, 'length': 0,
                               'headers': headers, 'sha256': '', 'connection': connection.number,
                               'reused': connection.served > 0})
        return fault

    def operation_of(self, origin, method, path):
        """(operation, handler, names in the path) of a request; operation "" where there is none."""
        if origin == 'cdn':
            return ('upload' if method == 'PUT' else 'download'), self.serve_file, ()
        if not path.startswith(self.base_path):
            return '', None, ()
        return self.provider.route(method, path[len(self.base_path):])

    def clock(self):
        return time.monotonic() - self.begun

    def violation(self, text):
        self.violations.append(text)

    async def handle(self, request):
        if request.path.startswith('/_fake/'):
            return await self.control(request)
        operation, handler, names = self.operation_of(request.origin, request.method, request.raw_path)
        request.names, request.operation = names, operation
        call = {'t': self.clock(), 'origin': request.origin, 'method': request.method,
                'path': request.target, 'op': operation, 'status': 0, 'length': len(request.body),
                'headers': request.headers, 'sha256': hashlib.sha256(request.body).hexdigest(),
                'connection': request.connection.number, 'reused': request.connection.served > 0,
                'fault': None}
        self.calls.append(call)
        self.watch_manners(request)
        fault = self.faults.pick(operation, request.connection.number_of_request,
                                 reused=request.connection.served > 0)
        call['fault'] = fault and fault['kind']
        if operation == 'submit':
            self.submits += 1
        answer = await faults.answer(self, fault, request, lambda: self.answer(request, handler))
        answer.date_offset += self.options['clock_offset']
        call['status'] = answer.status
        return answer

    async def answer(self, request, handler):
        """The provider's own answer, its errors in its own shape."""
        try:
            if request.origin == 'api':
                self.provider.check_auth(request)
            if handler is None:
                raise BadRequest(f'no such place: {request.method} {request.path}', 404)
            result = handler(request)
            if asyncio.iscoroutine(result):
                result = await result
            return result
        except BadRequest as error:
            if error.status in (400, 415, 422):
                self.violation(f'{request.operation or request.path}: {error}')
            return self.provider.error(error.status, str(error), **error.more)
        except pictures.BadPicture as error:
            self.violation(f'{request.operation}: {error}')
            return self.provider.error(self.provider.invalid_status, str(error))

    def watch_manners(self, request):
        key, where = self.options['key'], f'{request.method} {request.path}'
        if key:
            if key in request.target:
                self.violation(f'the key in the URL: {where}')
            if key.encode() in request.body:
                self.violation(f'the key in the body: {where}')
            if request.origin != 'api' and any(key in value for _, value in request.header_list):
                self.violation(f'the key at another origin: {where}')
        for name in ('cookie', 'referer', 'expect', 'origin'):
            if name in request.headers:
                self.violation(f'a header {name}: {where}')
        names = [name.lower() for name, _ in request.header_list]
        if names.count('authorization') > 1 or names.count('host') != 1:
            self.violation(f'a header twice: {where}')

    # --- What providers need ----------------------------------------------------------------------

    def look_at(self, data, formats, where='the picture', max_bytes=0):
        """Checks a picture that was sent; its Looked."""
        if max_bytes and len(data) > max_bytes:
            raise BadRequest(f'{where} has {len(data)} bytes, more than {max_bytes}', 413)
        looked = pictures.look(data)
        if looked.format not in formats:
            raise BadRequest(f'{where} is {looked.format}, not one of {", ".join(formats)}',
                             self.provider.invalid_status)
        if self.options['image_check']:
            if looked.alpha:
                self.violation(f'{where} has an alpha channel')
            if looked.extras:
                self.violation(f'{where} has metadata: {", ".join(looked.extras)}')
        return looked

    def add_job(self, fields, identity=None):
        """Accepts a submit. `fields`: prompt, seed, picture, size, count, format, and the provider's."""
        number = len(self.jobs) + 1
        new = str(uuid.UUID(int=random.getrandbits(128), version=4))
        if self.options['strange_ids']:
            new = f'a/../ü ~0?b=%2F&c#{number}'
        job = Job(self, identity or new, fields, number)
        print_ = (job.prompt, job.seed, hashlib.sha256(fields.get('picture', b'')).hexdigest(),
                  fields.get('size'))
        if print_ in self.seen:
            self.violation(f'a second submit with the same content: job {self.seen[print_]} again')
        self.seen[print_] = number
        fault = self.faults.pick('job', self.faults.count('job'))
        if fault:
            job.outcome, job.outcome_fault = fault['kind'], fault
            job.queue_ms = fault.get('queue_ms', job.queue_ms)
            job.run_ms = fault.get('run_ms', job.run_ms)
        self.jobs[job.id] = job
        return job

    def job(self, identity):
        job = self.jobs.get(identity)
        if job is None or job.state() == 'gone':
            return None
        return job

    async def until_done(self, job):
        """For answers that are the result themselves."""
        while job.state() in ('queued', 'running', 'unknown'):
            await asyncio.sleep(0.02)
        return job.state()

    def add_file(self, data, kind, life=None):
        """A file at the other origin; its URL."""
        name = uuid.uuid4().hex
        self.files[name] = (data, kind, None if life is None else time.monotonic() + life)
        suffix = {'image/png': '.png', 'image/jpeg': '.jpeg', 'image/webp': '.webp'}.get(kind, '')
        return f'{self.listeners["cdn"].url}/files/{name}{suffix}?X-Signature={name[:8]}&Expires=600'

    def result_urls(self, job):
        if 'urls' not in job.fields:
            given = job.outcome_fault.get('url')      # a fault: a link to somewhere else
            job.fields['urls'] = [given or self.add_file(data, kind) for data, kind in job.pictures()]
        return job.fields['urls']

    def add_upload(self, kind, headers=(), max_bytes=0):
        """A place to PUT one file; (name, URL)."""
        name = uuid.uuid4().hex
        self.uploads[name] = {'kind': kind, 'headers': dict(headers), 'max_bytes': max_bytes,
                              'data': None}
        return name, f'{self.listeners["cdn"].url}/uploads/{name}?X-Signature={name[:8]}'

    def serve_file(self, request):
        name = request.path.rpartition('/')[2].partition('.')[0]
        if request.method == 'PUT' and request.path.startswith('/uploads/'):
            return self.take_upload(request, self.uploads.get(name))
        if request.method != 'GET' or not request.path.startswith('/files/'):
            return storage_error(405, 'MethodNotAllowed')
        data, kind, until = self.files.get(name, (None, '', None))
        if data is None or request.query.get('X-Signature') != name[:8]:
            return storage_error(403, 'AccessDenied')
        if until is not None and time.monotonic() > until:
            return storage_error(403, 'ExpiredToken')
        return Answer(200, data, kind)

    def take_upload(self, request, place):
        if place is None:
            return storage_error(403, 'SignatureDoesNotMatch')
        for name, value in dict(place['headers'], **{'content-type': place['kind']}).items():
            if request.headers.get(name.lower()) != value:
                self.violation(f'upload: header {name} is {request.headers.get(name.lower())!r}, '
                               f'not {value!r}')
                return storage_error(403, 'SignatureDoesNotMatch')
        if 'authorization' in request.headers or 'x-api-key' in request.headers:
            self.violation('upload: an authorization at the storage')
            return storage_error(400, 'InvalidArgument')
        if place['max_bytes'] and len(request.body) > place['max_bytes']:
            return storage_error(400, 'EntityTooLarge')
        looked = self.look_at(request.body, ('png', 'jpeg', 'webp'), 'the upload')
        if pictures.MEDIA[looked.format] != place['kind']:
            self.violation(f'upload: {looked.format} sent as {place["kind"]}')
        place['data'] = request.body
        return Answer(200, b'', None, {'ETag': '"fake"'})

    # --- Questions of tests -----------------------------------------------------------------------

    def counted(self):
        operations = {}
        for call in self.calls:
            operations[call['op']] = operations.get(call['op'], 0) + 1
        jobs = [job.report() for job in self.jobs.values()]
        return {'submits': self.submits, 'accepted': len(jobs), 'charges': self.charges,
                'money': round(self.money, 6), 'jobs': jobs, 'operations': operations,
                'violations': self.violations, 'most_connections': self.most_open,
                'bytes_poured': self.bytes_poured}

    async def control(self, request):
        what, method = request.path[len('/_fake/'):], request.method
        if (what, method) == ('log', 'GET'):
            return Answer(200, self.calls)
        if (what, method) == ('count', 'GET'):
            return Answer(200, self.counted())
        if (what, method) == ('faults', 'POST'):
            given = json.loads(request.body)
            self.faults.add(given if isinstance(given, list) else [given])
            return Answer(200, {})
        if (what, method) == ('faults', 'DELETE'):
            self.faults.clear()
            return Answer(200, {})
        if (what, method) == ('options', 'POST'):
            self.options.update(json.loads(request.body))
            return Answer(200, {})
        return Answer(404, {'error': 'no such question'})


def storage_error(status, code):
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
                  f'<Message>{code}</Message></Error>', 'application/xml')
