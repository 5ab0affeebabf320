# SPDX-License-Identifier: GPL-3.0-or-later
"""Transcripts are run with the fakes: what arrives there must be what Espalier sends.

Between the two stands a recorder: a server that passes requests on to the fake and keeps them.
"""
import concurrent.futures
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

tool, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(source / 'tests/servers'))
import pictures  # noqa: E402
from fakes import Fakes  # noqa: E402

PROMPT = 'Make it “dusk”; keep $HOME, `x`, \\n and "quotes" & a\nsecond line: ß 木'
CASES = [
    ('runpod-flux-kontext-dev', 'runpod', {}),
    ('runflow-flux-kontext-pro', 'runflow', {}),
    ('oxen-flux-kontext-dev', 'oxen', {}),
    ('oxen-flux-kontext-dev-sync', 'oxen', {}),
    ('eachlabs-flux-kontext-dev', 'eachlabs', {}),
    ('bfl-flux-kontext-pro', 'bfl', {'images': 2}),
    ('replicate-flux-kontext-dev', 'replicate', {'options': {'flavour': 'data_uri'}}),
    ('fal-flux-kontext-dev', 'fal', {}),
    ('openai-images', 'openai', {'options': {'flavour': 'vllm'}, 'images': 2}),
    ('openai-gpt-image', 'openai', {}),
    ('localai', 'openai', {'options': {'flavour': 'localai'}}),
    ('sdcpp-server', 'sdcpp', {'images': 2}),
    ('sdcpp-server', 'sdcpp', {'prefix': '/behind/a%20proxy'}),
    ('comfyui', 'comfyui', {}),
]
UUID = re.compile(rb'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')


class Recorder(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.target, self.requests, self.prefix = None, [], ''
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass                                # a client that went away


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def pass_on(self):
        if self.headers.get('Upgrade'):
            return self.send_error(404)
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        # Whoever stands before a server may give it a path that it does not know of.
        if not self.path.startswith(self.server.prefix + '/'):
            return self.send_error(404)
        self.path = self.path.removeprefix(self.server.prefix)
        self.server.requests.append((self.command, self.path, dict(self.headers.items()), body))
        if self.path.split('?')[0].endswith('/events'):
            return self.send_error(404)     # only beside the requests that count
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        connection.request(self.command, self.path, body or None,
                           {name: value for name, value in self.headers.items()
                            if name.lower() not in ('content-length', 'accept-encoding', 'expect')})
        answer = connection.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        self.send_header('Content-Type', answer.headers.get('Content-Type', 'text/plain'))
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = pass_on


def without_chance(text):
    """A body without what differs from turn to turn: fences, ids, names of files."""
    text = UUID.sub(b'UUID', text)
    text = re.sub(rb'(filename=")[^"]*"', rb'\1FILE"', text)
    text = re.sub(rb'"image":"kontext/[^"]*"', b'"image":"FILE"', text)
    return re.sub(rb'"filename":"[^"]*"', b'"filename":"FILE"', text)


def normal(request):
    method, path, headers, body = request
    names = {name.lower(): value for name, value in headers.items()}
    kind = names.get('content-type', '')
    fence = re.search(r'boundary=(\S+)', kind)
    if fence:
        body = body.replace(fence.group(1).strip('"').encode(), b'FENCE')
        kind = kind.replace(fence.group(1), 'FENCE')
        # Espalier's and curl's parts have their headers in the same order; some say no length.
        body = re.sub(rb'Content-Length: \d+\r\n', b'', body)
    body = without_chance(body)
    path = re.sub(UUID.pattern.decode(), 'UUID', path)
    key = {name: names[name] for name in ('authorization', 'x-key') if name in names}
    return method, path, kind if body else '', key, body


def record(recorder, world, what):
    """Requests in order, each repetition of a question once."""
    host = recorder.server_address
    recorder.target, recorder.requests = world.origin.removeprefix('http://'), []
    base = f'http://{host[0]}:{host[1]}' + recorder.prefix + world.base_url[len(world.origin):]
    output = what(base)
    found = []
    for request in recorder.requests:
        if request[1].split('?')[0].endswith(('/events', '/ws')):
            continue
        shown = normal(request)
        if not found or found[-1] != shown:
            found.append(shown)
    return output, found


def call(arguments, folder, key, **more):
    environment = {name: value for name, value in os.environ.items() if 'proxy' not in name.lower()}
    environment |= {'CANARY_KEY': key, 'HOME': str(folder), 'XDG_DATA_HOME': str(folder / 'data'),
                    'XDG_STATE_HOME': str(folder / 'state'), 'XDG_CONFIG_HOME': str(folder / 'config'),
                    'XDG_CACHE_HOME': str(folder / 'cache'), 'ESPALIER_TIME_SCALE': '0.1', **more}
    result = subprocess.run([str(argument) for argument in arguments], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=120)
    if result.returncode:
        raise RuntimeError(f'{arguments[:2]}: {result.returncode}: {result.stderr[-1500:]}{result.stdout[-500:]}')
    return result.stdout


def hide_ids(requests):
    """Ids of jobs are the server's; the last part of a path that only one of two runs has."""
    shown = []
    for method, path, kind, key, body in requests:
        path = re.sub(r'(?<=[/=])(?=[^/?&]*\d)[0-9A-Za-z_-]{8,}', 'ID', path)
        body = re.sub(rb'("image_url":")http[^"]*', rb'\1LINK', body)
        shown.append((method, path, kind, key, body))
    return shown


def show_difference(mine, other):
    """The first part that is not the same, from a little before the place."""
    for one, two in zip(mine, other):
        if one != two:
            one, two = (part.decode('latin-1') if isinstance(part, bytes) else str(part)
                        for part in (one, two))
            at = len(os.path.commonprefix([one, two]))
            return f'{mine[:2]}\n{one[max(0, at - 60):at + 90]!r}\n{two[max(0, at - 60):at + 90]!r}'
    return ''


def check(fakes, recorder, picture, descriptor_id, provider, settings, kind):
    descriptor = source / 'data/providers' / f'{descriptor_id}.json'
    options = {'max_side': 128, **settings.get('options', {})}
    recorder.prefix = settings.get('prefix', '')
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shipped = folder / 'shipped.png'
        call([tool, 'ship', descriptor, picture, shipped], folder, '')
        images = [shipped] * settings.get('images', 1)
        asked = {'prompt': PROMPT}

        world = fakes.world(provider, **options)
        printed, ours = record(recorder, world, lambda base: call(
            [tool, 'run', descriptor, base, '{}', json.dumps(asked), *images], folder, world.key))
        sent = dict(json.loads(printed), prompt=PROMPT)
        # Small results of the fake: what was asked for is known here.
        looked = pictures.look(shipped.read_bytes())
        sent |= {'width': looked.width, 'height': looked.height}
        if sent.get('size') == 'auto' and descriptor_id == 'openai-gpt-image':
            sent |= {'width': 1536, 'height': 1024}
        count = world.count()
        assert count['accepted'] == 1 and not count.get('violations'), count
        world.close()

        world = fakes.world(provider, **options)
        name = descriptor_id.partition('-')[0].upper() + '_API_KEY'

        def play(base):
            text = call([tool, kind, descriptor, base, '{}', json.dumps(sent), *images], folder, '')
            script = folder / f'turn.{kind}'
            script.write_text(text)
            assert world.key not in text
            if kind == 'python':
                compile(text, 'turn', 'exec')
            return call([sys.executable if kind == 'python' else 'bash', script], folder, world.key,
                        **{name: world.key})
        printed, theirs = record(recorder, world, play)
        count = world.count()
        world.close()

        results = printed.split()
        assert results and all((folder / result).stat().st_size > 100 for result in results), printed
        assert count['accepted'] == 1, count
        assert not count.get('violations'), count
        ours, theirs = hide_ids(ours), hide_ids(theirs)
        for mine, other in zip(ours, theirs):
            assert mine == other, show_difference(mine, other)
        assert len(ours) == len(theirs), ([r[:2] for r in ours], [r[:2] for r in theirs])


def attempt(fakes, picture, case, kind):
    """What went wrong, or None. Each has a recorder of its own: they wait more than they work."""
    recorder = Recorder()
    try:
        check(fakes, recorder, picture, *case, kind)
    except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as error:
        return str(error) or 'failed'
    finally:
        recorder.shutdown()
        recorder.server_close()
    return None


def main():
    missing = {'curl': [program for program in ('bash', 'curl', 'jq') if not shutil.which(program)]}
    wanted = sys.argv[3] if len(sys.argv) > 3 else ''
    cases = [(f'{case[0]}{case[2].get("prefix", "")} as {kind}', case, kind) for kind in ('python', 'curl') for case in CASES
             if wanted in f'{case[0]} as {kind}']
    failures = 0
    print(f'1..{len(cases)}', flush=True)
    with Fakes() as fakes, tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        picture = pathlib.Path(folder) / 'picture.png'
        picture.write_bytes(pictures.carpet_png(pictures.mark('a test'), 1248, 832))
        attempts = [None if missing.get(kind) else pool.submit(attempt, fakes, picture, case, kind)
                    for _, case, kind in cases]
        for number, ((label, _, kind), result) in enumerate(zip(cases, attempts), 1):
            problem = result.result() if result else None
            if not result:
                print(f'ok {number} - {label} # SKIP needs {", ".join(missing[kind])}', flush=True)
            elif problem is None:
                print(f'ok {number} - {label}', flush=True)
            else:
                failures += 1
                print(f'not ok {number} - {label}\n# ' + problem.replace('\n', '\n# '), flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
