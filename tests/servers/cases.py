# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of the conformance matrix: what is spoilt, for which backends, and what must come of it."""
import dataclasses
import json
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, eq=False)
class Backend:
    """A shipped descriptor and how its fake is set up."""
    id: str
    fake: str
    flow: str = 'poll'
    link: bool = True          # results are links to another origin
    key: bool = True
    words: bool = True         # the API has words for "moderated" and "no credit"
    options: tuple = ()
    cost: object = None        # what one picture costs, where the provider says so
    key_optional: bool = False
    shipped: str = ''          # whose description this is a copy of

    @property
    def path(self):
        return SOURCE / f'data/providers/{self.shipped or self.id}.json'

    @property
    def descriptor(self):
        return json.loads(self.path.read_text())

    def renamed(self, name):
        """The same with the id of a person's own description."""
        return dataclasses.replace(self, id=name, shipped=self.shipped or self.id)

    @property
    def uploads(self):
        return self.fake in ('runflow', 'eachlabs', 'comfyui')

    @property
    def fetches(self):
        return self.fake == 'fal'

    @property
    def recovers(self):
        return 'recover' in self.descriptor

    @property
    def cancels(self):
        """Can a running job be stopped there?"""
        return self.flow == 'poll' and self.fake not in ('bfl', 'runflow', 'sdcpp')

    @property
    def max_images(self):
        # The graph of ComfyUI that is there from the start has a place for one.
        return 1 if self.fake == 'comfyui' else self.descriptor['image'].get('max_images', 1)

    @property
    def parameters(self):
        return {param['id'] for param in self.descriptor['params']}


BACKENDS = [
    Backend('runpod-flux-kontext-dev', 'runpod', cost=0.025),
    Backend('runflow-flux-kontext-pro', 'runflow', cost=0.04),
    Backend('oxen-flux-kontext-dev', 'oxen'),
    Backend('oxen-flux-kontext-dev-sync', 'oxen', flow='sync'),
    Backend('eachlabs-flux-kontext-dev', 'eachlabs', cost=0.025),
    Backend('bfl-flux-kontext-pro', 'bfl', cost=0.04, options=(('flavour', 'late'),)),
    Backend('bfl-flux-kontext-max', 'bfl', cost=0.08),
    Backend('replicate-flux-kontext-dev', 'replicate'),
    Backend('replicate-flux-kontext-pro', 'replicate', options=(('flavour', 'array'),)),
    Backend('replicate-flux-kontext-max', 'replicate', link=False, options=(('flavour', 'data_uri'),)),
    Backend('fal-flux-kontext-dev', 'fal'),
    Backend('fal-flux-kontext-pro', 'fal'),
    Backend('openai-images', 'openai', flow='sync', link=False, key_optional=True,
            options=(('flavour', 'vllm'),)),
    Backend('openai-gpt-image', 'openai', flow='stream', link=False),
    Backend('localai', 'openai', flow='sync', link=False, words=False, key_optional=True,
            options=(('flavour', 'localai'),)),
    Backend('sdcpp-server', 'sdcpp', link=False, key=False, words=False),
    Backend('comfyui', 'comfyui', key=False, words=False),
]


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """`status` is what may come of it; a set where more than one is right."""
    name: str
    status: object = 0
    faults: tuple = ()
    accepted: object = 1        # submissions that the provider took, in all
    submits: object = None      # POSTs of the submit, in all; None: as many as accepted
    charged: object = ...       # what the error object must say
    patience: int = 20
    options: tuple = ()
    arguments: tuple = ()
    kind: str = 'run'           # how it is driven: see conformance.py
    needs: tuple = ()           # poll, sync, link, upload, fetch, key, words: which backends
    files: int = 1              # results that must be there
    words: tuple = ()           # of these, one must be in the message
    spread: int = 3             # of the short matrix: for how many backends

    def suits(self, backend):
        if not backend.path.exists():
            return False
        has = {'poll': backend.flow == 'poll', 'sync': backend.flow == 'sync', 'link': backend.link,
               'inline': not backend.link, 'upload': backend.uploads, 'fetch': backend.fetches,
               'key': backend.key, 'must_have_key': backend.key and not backend.key_optional,
               'stream': backend.flow == 'stream', 'words': backend.words, 'events': backend.fake == 'oxen'
               and backend.flow == 'poll', 'cancel': backend.cancels,
               'download': backend.link, 'names_jobs': backend.fake not in ('openai', 'comfyui')
               and backend.flow == 'poll', 'references': backend.max_images > 1,
               # ComfyUI shows nothing of a job until it ends.
               'tells_states': backend.fake != 'comfyui',
               'no_references': backend.max_images == 1, 'flags': backend.fake in ('runflow', 'fal'),
               'urls': backend.fake in ('bfl', 'fal', 'replicate'),
               'seed': 'seed' in backend.parameters, 'count': 'count' in backend.parameters}
        return all(has[need] for need in self.needs)


# Until the way to drive it has done what must come before (the option "hold" of a world).
HELD = (('hold', 'running'),)
HELD_ANSWERS = (('hold', 'answers'),)


def fault(where, kind, **more):
    return (dict(where=where, kind=kind, **more),)


def unsure(name, *arguments, status_code=None, **more):
    """Perhaps accepted: 9 and never a second submit; 0 where the API can be asked for the job."""
    options = {key: more.pop(key) for key in ('patience', 'accepted', 'spread', 'kind', 'status')
               if key in more}
    options['submits'], options['charged'] = more.pop('submits', 1), more.pop('charged', None)
    options.setdefault('status', 'unsure')
    if status_code:
        more['status'] = status_code
    return Case(name, faults=fault('submit', *arguments, **more), **options)


def make_cases():
    yield Case('happy', spread=99)
    yield Case('happy, JPEG wanted', arguments=('--out', 'out.jpg'), spread=1)
    yield Case('happy, key from a file', kind='key_file', needs=('key',), spread=2)
    yield Case('happy, decimal commas', kind='locale', spread=2)
    yield Case('happy, slow at everything', faults=tuple(
        fault(where, 'slow', ms=150)[0] for where in ('upload', 'submit', 'watch', 'fetch', 'download')))
    for kind in ('chunked', 'gzip', 'plain'):
        yield Case(f'happy, answers {kind}', faults=fault('any', kind))
    yield Case('happy over TLS', options=(('tls', 'good'),), kind='tls', spread=2)

    yield Case('a seed of mine', kind='seed', needs=('seed',))
    yield Case('two wanted', arguments=('--set', 'count=2'), files=2, needs=('count',), spread=4)
    yield Case('a photo with transparency and metadata', kind='secrets')
    yield Case('a photo of 24 megapixels', kind='large')
    yield Case('ids that must be escaped', options=(('strange_ids', True),), needs=('names_jobs',), spread=12)
    yield Case('URLs of the API elsewhere', {0, 3, 7, 9}, options=(('elsewhere', True),), patience=4,
               files={0, 1},
               needs=('urls',), spread=5)

    yield Case('a second picture', 0, kind='reference', needs=('references',), spread=99)
    yield Case('a second picture where there is no room', 2, kind='reference', needs=('no_references',),
               accepted=0, files=0, charged=False)
    yield Case('a turn in a document', 0, kind='document', spread=5)
    yield Case('a turn in a document, killed, resumed', 0, kind='document_kill', needs=('poll',),
               options=HELD, spread=5)

    # Nothing may be sent at all.
    for name, arguments, status in (
            ('unknown parameter', ('--set', 'stepz=3'), 2),
            ('a value out of range', ('--set', 'seed=-7'), 2),
            ('a value of the wrong type', ('--set', 'seed=many'), 2),
            ('a flag that this API lacks', ('--threads', '2'), 2),
            ('no such folder for the result', ('--out', 'nowhere/out.png'), 2)):
        yield Case(f'usage: {name}', status, accepted=0, charged=False, arguments=arguments, kind='silent',
                   files=0, spread=1)
    yield Case('no key', 3, accepted=0, charged=False, kind='no_key', files=0,
               needs=('must_have_key',), spread=2)

    # Sure refusals.
    yield Case('wrong key', 3, accepted=0, submits={0, 1}, charged=False, kind='wrong_key', files=0,
               needs=('key',), spread=99)
    for code, status in ((401, 3), (402, 4), (403, 3), (404, 7), (413, 7), (422, 7)):
        yield Case(f'submit: {code}', status, fault('submit', 'status', status=code), accepted=0,
                   submits={1, 2} if code == 404 else 1, charged=False, files=0, spread=3)
    yield Case('submit: 413 before the body is read', {7, 8, 9}, fault('submit', 'refused_early', status=413),
               accepted=0, submits=0, charged={False, None}, files=0)
    yield Case('submit: 401 that repeats the key', 3, fault(
        'submit', 'status', status=401, message='The key KEY is not known'), accepted=0, submits=1,
        charged=False, files=0, needs=('key',), spread=4)
    yield Case('submit: 422 in colours', 7, fault(
        'submit', 'status', status=422, message='no \x1b[31mred\x07 things\x9b2J\r\n\tplease'), accepted=0,
        submits=1, charged=False, files=0, kind='words', spread=4)
    yield Case('submit: 422 at length', 7, fault('submit', 'status', status=422, message='long ' * 200000),
               accepted=0, submits=1, charged=False, files=0, kind='words', spread=2)
    yield Case('submit: 500', 7, fault('submit', 'status', status=500), accepted=0, submits=1, files=0,
               charged={False, None})
    for how in ('seconds', 'date', 'body', 'text'):
        yield Case(f'submit: 429, then fine ({how})', 0, fault(
            'submit', 'status', status=429, retry_after=3, how=how, nth=1), submits=2, kind='rate')
    yield Case('submit: 429 without a word', 0, fault('submit', 'status', status=429, nth=1), submits=2)
    yield Case('submit: 429 by a clock that is wrong', 0, fault(
        'submit', 'status', status=429, retry_after=3, how='date', nth=1), submits=2, kind='rate',
        options=(('clock_offset', 86400),))
    yield Case('submit: 429 for ever', 6, fault('submit', 'status', status=429, retry_after=4), accepted=0,
               submits=range(1, 60), charged=False, files=0, patience=3)
    yield Case('submit: 429 for an hour', 6, fault('submit', 'status', status=429, retry_after=3600 * 100),
               accepted=0, submits=range(1, 3), charged=False, files=0, patience=3)
    yield Case('submit: 503 with Retry-After', 0, fault(
        'submit', 'status', status=503, retry_after=3, nth=1), submits=2, kind='rate')
    yield Case('submit: 503', 7, fault('submit', 'status', status=503), accepted=0, submits=1, files=0,
               charged={False, None})

    # Nothing was reached.
    yield Case('nobody listens', 8, accepted=0, submits=0, charged=False, kind='refused', files=0)
    yield Case('no such host', 8, accepted=0, submits=0, charged=False, kind='no_host', files=0, spread=2)
    for kind in ('self-signed', 'wrong-host', 'expired'):
        yield Case(f'TLS: {kind}', 8, accepted=0, submits=0, charged=False, files=0, kind='tls',
                   options=(('tls', kind),), spread=2)

    # Perhaps accepted.
    yield unsure('submit: HTML 502', 'html', spread=99)
    yield unsure('submit: HTML 504', 'html', status_code=504)
    yield unsure('submit: HTML 200', 'html', status_code=200)
    yield unsure('submit: no JSON', 'not_json')
    yield unsure('submit: empty answer', 'empty_body')
    yield unsure('submit: half an answer', 'truncated')
    yield unsure('submit: answer breaks off', 'truncated', how='length')
    yield unsure('submit: 1 GB answer', 'huge', spread=2)
    yield unsure('submit: endless answer', 'endless', spread=2)
    yield unsure('submit: answer unpacks to 400 MB', 'gzip_bomb', spread=2)
    yield unsure('submit: reset after the body', 'reset_after', spread=99)
    yield unsure('submit: a used connection dies', 'reuse_death', status='unsure_or_fine')
    yield unsure('submit: no answer', 'stalled', patience=2, spread=99)
    yield unsure('submit: reset before the body', 'reset_before', accepted=0, status={8, 9}, submits={0, 1},
                 charged={False, None})
    for to in ('other', 'loopback', 'file'):
        yield unsure(f'submit: redirect to {to}', 'redirect', to=to, accepted=0, status={7, 9},
                     charged={False, None})

    yield Case('submit: the stream breaks off', 9, fault('submit', 'drop'), submits=1, files=0, charged=None,
               needs=('stream',))

    # Uploads cost nothing and may be tried again.
    yield Case('upload: 401', 3, fault('upload', 'status', status=401, nth=1), accepted=0, charged=False,
               files=0, needs=('upload', 'key'))
    yield Case('upload: 500', {0, 7}, fault('upload', 'status', status=500), accepted={0}, files=0,
               needs=('upload',), charged=False)
    yield Case('upload: reset', {0, 7, 8}, fault('upload', 'reset_after', nth=1), accepted={0, 1},
               files={0, 1}, needs=('upload',), charged=False)
    yield Case('upload: no JSON', {0, 7}, fault('upload', 'html', nth=1), accepted={0, 1}, files={0, 1},
               needs=('upload',), charged=False)
    yield Case('upload: 429, then fine', 0, fault('upload', 'status', status=429, retry_after=1, nth=1),
               needs=('upload',))

    # Asking after a job.
    for name, kind, more in (
            ('500', 'status', {'status': 500}), ('503', 'status', {'status': 503}),
            ('429', 'status', {'status': 429, 'retry_after': 2}), ('HTML 502', 'html', {}),
            ('no JSON', 'not_json', {}), ('half an answer', 'truncated', {}),
            ('a reset', 'reset_after', {}), ('a reset before', 'reset_before', {}),
            ('a used connection dies', 'reuse_death', {})):
        yield Case(f'watch: {name}, then fine', 0, fault('watch', kind, nth=[1, 2], **more),
                   needs=('poll',))
    yield Case('watch: 401', 3, fault('watch', 'status', status=401), files=0, needs=('poll', 'key'))
    yield Case('watch: 404', {7, 9}, fault('watch', 'status', status=404), files=0, needs=('poll',),
               patience=4)
    yield Case('watch: always 502', 9, fault('watch', 'html'), files=0, needs=('poll',), patience=3)
    yield Case('watch: no answer', {0, 9}, fault('watch', 'stalled', nth=1), files={0, 1}, needs=('poll',),
               patience=4)
    for kind in ('endless', 'huge', 'gzip_bomb'):
        yield Case(f'watch: {kind}', {0, 7, 9}, fault('watch', kind, nth=1), files={0, 1}, needs=('poll',),
                   patience=6, spread=1)
    yield Case('watch: always endless', 9, fault('watch', 'endless'), files=0, needs=('poll',),
               patience=30, spread=1, charged=None)
    yield Case('watch: redirect', {0, 7, 9}, fault('watch', 'redirect', nth=1), files={0, 1},
               needs=('poll',), patience=4)
    yield Case('never done', 9, fault('job', 'never'), files=0, needs=('poll',), patience=2, kind='kept',
               charged=None)
    yield Case('never done, no answer', 9, fault('job', 'never'), files=0, needs=('sync',), patience=2,
               charged=None)
    yield Case('a status nobody knows', 0, fault('job', 'unknown_status'), needs=('poll',))
    yield Case('the job failed', 7, fault('job', 'failed'), files=0, charged={False, None}, spread=99)
    yield Case('the job was cancelled there', {7}, fault('job', 'cancelled'), files=0, needs=('poll',),
               charged={False, None})
    yield Case('the job is gone', {7, 9}, fault('job', 'gone'), files=0, needs=('poll',), patience=4)
    yield Case('blocked: output', 5, fault('job', 'moderated'), files=0, needs=('words',), spread=99,
               charged={False, None})
    yield Case('blocked: input', 5, fault('job', 'moderated_input'), files=0, needs=('words',),
               charged={False, None})
    yield Case('blocked: black image', 5, fault('job', 'black'), files=0, spread=99, charged={True, None})
    yield Case('blocked: a flag on the result', 5, fault('job', 'flagged'), files=0, needs=('flags',),
               charged={True, None})
    yield Case('no credit when it runs', {4, 7}, fault('job', 'credit'), files=0, needs=('words',),
               charged={False, None})
    yield Case('events break off', 0, fault('events', 'drop'), needs=('events',))
    for kind, more in (('status', {'status': 404}), ('status', {'status': 401}), ('html', {}),
                       ('stalled', {}), ('endless', {}), ('redirect', {})):
        yield Case(f'events: {kind} {more.get("status", "")}', 0, fault('events', kind, **more),
                   needs=('events',))
    yield Case('fetch: 500, then fine', 0, fault('fetch', 'status', status=500, nth=1), needs=('fetch',))
    yield Case('fetch: HTML, then fine', 0, fault('fetch', 'html', nth=1), needs=('fetch',))
    yield Case('the link needs a hop', 0, kind='hop', needs=('link',))

    # The result itself.
    for code in (403, 404, 410):
        yield Case(f'download: expired {code}', 7, fault('download', 'expired', status=code), files=0,
                   charged={True, None}, needs=('link',), spread=2)
    for name, kind, more in (('500', 'status', {'status': 500}), ('HTML 503', 'html', {'status': 503}),
                             ('a reset', 'reset_after', {}), ('breaks off', 'truncated', {'how': 'length'}),
                             ('trickles', 'slow_body', {'ms': 800})):
        yield Case(f'download: {name}, then fine', 0, fault('download', kind, nth=1, **more),
                   needs=('link',))
    yield Case('download: HTML 200', 7, fault('download', 'html', status=200), files=0,
               charged={True, None}, needs=('link',))
    for kind in ('endless', 'huge', 'gzip_bomb'):
        more = {'bytes': 1 << 30} if kind == 'huge' else {}
        yield Case(f'download: {kind}', {7, 9}, fault('download', kind, **more), files=0, needs=('link',),
                   charged={True, None}, patience=10, spread=1)
    for to in ('other', 'loopback', 'file'):
        yield Case(f'download: redirect to {to}', {7, 9}, fault('download', 'redirect', to=to), files=0,
                   charged={True, None}, needs=('link',), patience=4)
    for name, url in (('a file', 'file:///etc/hostname'), ('a private address', 'http://169.254.169.254/a'),
                      ('plain http elsewhere', 'http://192.0.2.1/a.png'), ('nonsense', 'gopher:/x')):
        yield Case(f'download: a link to {name}', 7, fault('job', 'fine', url=url), files=0,
                   charged={True, None}, needs=('link', 'download'), kind='no_comfy', spread=2)
    for kind in ('bomb', 'not_image', 'cut'):
        yield Case(f'result: {kind}', 7, fault('job', kind), files=0, charged={True, None})
    yield Case('result: no picture', {5, 7}, fault('job', 'empty'), files=0, needs=('poll',))
    yield Case('result: no picture, no job', {5, 7}, fault('job', 'empty'), files=0, needs=('sync',))
    yield Case('result: wrong content type', 0, fault('job', 'wrong_type'))
    yield Case('result: two pictures', 0, fault('job', 'two'), files=2, spread=99)

    # Interrupted, killed, and gone on with.
    yield Case('Ctrl+C, then resume', 130, kind='interrupt', needs=('poll',), options=HELD,
               spread=99)
    yield Case('Ctrl+C with --cancel-on-interrupt', 130, kind='interrupt_cancel',
               options=(('run_ms', 60000),), files=0, spread=99)
    yield Case('Ctrl+C, cancelling is ignored there, resume', 130, fault('job', 'uncancellable'),
               kind='cancel_ignored', needs=('poll', 'cancel', 'tells_states'), options=HELD)
    yield Case('killed before the answer, resume', 'unsure', fault('submit', 'late', ms=0),
               kind='kill_submit', submits=1, options=HELD_ANSWERS, spread=99)
    yield Case('killed while it runs, resume', 0, kind='kill_watch', needs=('poll',),
               options=HELD, spread=99)
    yield Case('killed in the download, resume', 0, fault('download', 'slow', ms=0, nth=1),
               kind='kill_download', needs=('download',), options=HELD_ANSWERS, spread=99)
    yield Case('resumed twice at once', 0, kind='resume_twice', needs=('poll',),
               options=HELD, spread=2)
    yield Case('Ctrl+C before the answer, resume', 'unsure', fault('submit', 'late', ms=0),
               kind='interrupt_submit', submits=1, options=HELD_ANSWERS, needs=('poll',))
    yield Case('resumed without the key, then with it', 0, kind='resume_key', needs=('poll', 'must_have_key'),
               options=HELD)
    yield Case('resumed with a remembered key file', 0, kind='resume_key_file', needs=('poll', 'key'),
               options=HELD, spread=2)
    yield Case('resumed where the folder is gone, then back', 0, kind='resume_folder', needs=('poll',),
               options=HELD, spread=2)
    yield Case('not saved, resumed without key and provider', 0, fault('submit', 'late', ms=0),
               kind='kept_result', options=HELD_ANSWERS, spread=4)
    yield Case('a description of my own, spoilt before the resume', 0, kind='own_description',
               needs=('poll', 'key'), options=HELD)
    yield Case('forgotten', 9, fault('job', 'never'), kind='forget', needs=('poll',), patience=1, files=0,
               spread=2)


CASES = list(make_cases())
