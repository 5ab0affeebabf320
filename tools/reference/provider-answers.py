#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acted providers (tests/servers) answer in whole turns, as inputs of the fuzz target provider-turn.

    provider-answers.py CLI FOLDER [--case PART] [--backend PART] [--jobs N]

Runs the matrix of tests/servers/conformance.py with the espalier-cli CLI, and for each attempt writes what the world
answered, in the order in which it was asked, into a file of FOLDER, as tests/core/fuzz/fuzz-provider-turn.c reads it.
`./dev fuzz provider-turn` keeps those that reach something: FOLDER is tests/data/fuzz/provider-turn then.
"""
import argparse
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import runpy
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = ROOT / 'tests' / 'servers'
sys.path.insert(0, str(SERVERS))

RECORD = 'ESPALIER_ANSWERS'      # names the folder, in the process of the fakes
LONGEST = 16384                  # of an input
LONG_TEXT = 400                  # of messages that are repeated thousands of times
# As in fuzz-provider-turn.c.
STATUSES = [200, 200, 200, 201, 202, 204, 301, 302, 307, 400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 425, 429, 500, 502,
            503, 504]
TYPES = ['application/json', 'text/event-stream', 'text/plain', 'image/png', 'text/html', 'application/octet-stream', '',
         'application/json; charset=utf-8']
RETRY_AFTER, LOCATION, PICTURE, VERBATIM = 8, 16, 32, 64
CANCEL_THERE, REFERENCE, SEED, TWO, EVENTS = 1, 2, 4, 8, 16
STOP, RESET = b'\xff', b'\xfe'
LISTENING = re.compile('/(events|ws)$')
SOCKET_EVENTS = (('status', {'status': {'exec_info': {'queue_remaining': 3}}}),
                 ('execution_start', {'prompt_id': '@'}), ('progress', {'prompt_id': '@', 'value': 3, 'max': 4}),
                 ('executing', {'prompt_id': '@', 'node': None}), ('execution_success', {'prompt_id': '@'}))
PICTURES = ((b'\x89PNG', b'\x10'), (b'\xff\xd8\xff', b'\x01'), (b'RIFF', b'\x02'))  # by their beginning: which fixture


# --- In the process of the fakes ------------------------------------------------------------------

class Tee:
    """A stream's writer that keeps what was written."""

    def __init__(self, writer, written):
        self.writer, self.written = writer, written

    def write(self, data):
        if len(self.written) < 4 * LONGEST:
            self.written += data
        self.writer.write(data)

    def __getattr__(self, name):
        return getattr(self.writer, name)


def record(folder):
    """Makes each world write what it answered into FOLDER/NUMBER when it is closed."""
    import server
    import world
    send, close = server.Connection.send, world.World.close

    async def send_and_keep(self, answer, request):
        if request.path.startswith('/_fake/'):
            return await send(self, answer, request)
        written, writer = bytearray(), self.writer
        self.listener.world.__dict__.setdefault('answered', []).append((request.path, written))
        self.writer = Tee(writer, written)
        try:
            return await send(self, answer, request)
        finally:
            self.writer = writer

    def close_and_write(self):
        origins = [listener.url for listener in self.listeners.values()]
        answers = [(path, base64.b64encode(answer).decode()) for path, answer in self.__dict__.get('answered', [])]
        (folder / str(self.number)).write_text(json.dumps({'origins': origins, 'answers': answers}))
        close(self)

    server.Connection.send, world.World.close = send_and_keep, close_and_write


def serve():
    record(pathlib.Path(os.environ[RECORD]))
    sys.argv[0] = str(SERVERS / 'fake-provider.py')
    runpy.run_path(sys.argv[0], run_name='__main__')


# --- Inputs ---------------------------------------------------------------------------------------

def without_chunks(body):
    whole = b''
    while body:
        size, _, rest = body.partition(b'\r\n')
        length = int(size.split(b';')[0] or b'0', 16)
        if length == 0:
            break
        whole, body = whole + rest[:length], rest[length + 2:]
    return whole


def input_of_answer(raw, origins):
    """One answer as the target reads it; None where that cannot say it."""
    if not raw:
        return RESET
    head, _, body = raw.partition(b'\r\n\r\n')
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {name.lower(): value for name, _, value in (line.partition(': ') for line in lines)}
    status = int(first.split()[1])
    if headers.get('transfer-encoding') == 'chunked':
        body = without_chunks(body)
    if 'content-encoding' in headers or status not in STATUSES:
        return None
    kind = headers.get('content-type', '')
    flags = TYPES.index(kind) if kind in TYPES else 6
    flags |= RETRY_AFTER if 'retry-after' in headers else 0
    flags |= LOCATION if 'location' in headers else 0
    for origin in origins:
        body = body.replace(origin.encode(), b'@@')
    picture = next((which for begin, which in PICTURES if body.startswith(begin)), None)
    if picture is not None:
        flags, body = flags | PICTURE, picture
    else:
        body = re.sub(rb'(iVBOR|/9j/|UklGR)[A-Za-z0-9+/]{20,}=*', b'@#', body)
        body = re.sub(rb'(?s)(.{2,40}?)\1{20,}', lambda match: match.group(0)[:LONG_TEXT], body)
    if b'\0' in body:
        return None
    if not re.fullmatch('[0-9]*', headers.get('retry-after', '')):  # a date: the head as it is
        return bytes([0, VERBATIM]) + head.replace(b'\0', b'') + b'\r\n\r\n' + body + b'\0'
    return bytes([STATUSES.index(status), flags]) + body + b'\0'


def events_of_attempt(backend, noted, answers):
    """What was told to who listened: as recorded, or for ComfyUI, whose socket Debian's libcurl does not have, as it
    would be, after the job was accepted."""
    for path, answer in noted['answers']:
        body = base64.b64decode(answer).partition(b'\r\n\r\n')[2]
        if LISTENING.search(path) and body and b'\0' not in body:
            return b'\x02' + body + b'\0'
    job = re.search(rb'"prompt_id": "([^"]+)"', b''.join(answers))
    if backend.id != 'comfyui' or job is None:
        return b''
    events = [f'event: {name}\ndata: {json.dumps(data)}\n\n' for name, data in SOCKET_EVENTS]
    return b'\x03' + ''.join(events).encode().replace(b'@', job.group(1)) + b'\0'


def inputs_of_attempt(case, backend, noted):
    """The attempt; and where all went well, with the other pictures as its result, and with the person waiting no longer
    after each answer, and going on with it."""
    providers = sorted(path.name for path in (ROOT / 'data/providers').glob('*.json') if path.name != 'schema.json')
    wanted = CANCEL_THERE
    wanted |= REFERENCE if case.kind == 'reference' else 0
    wanted |= SEED if case.kind == 'seed' else 0
    wanted |= TWO if 'count=2' in case.arguments else 0
    answers = [input_of_answer(base64.b64decode(answer), noted['origins']) for path, answer in noted['answers']
               if not LISTENING.search(path)]
    answers = [answer for answer in answers if answer is not None]
    events = events_of_attempt(backend, noted, answers)
    before = bytes([providers.index(backend.id + '.json'), wanted | (EVENTS if events else 0)]) + events
    if not answers:
        return
    yield before + b''.join(answers)
    if case.name != 'happy':
        return
    for at in range(len(answers)):
        yield before + b''.join(answers[:at]) + STOP + b''.join(answers[at:])
    for at, answer in enumerate(answers):
        if len(answer) > 1 and answer[1] & PICTURE:
            for which in range(1, 8):
                changed = answer[:2] + bytes([which]) + answer[3:]
                yield before + b''.join(answers[:at]) + changed + b''.join(answers[at + 1:])
    yield before + b''.join(answers) + STOP + answers[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('cli')
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--case', default='')
    parser.add_argument('--backend', default='')
    parser.add_argument('--jobs', type=int, default=4)
    arguments = parser.parse_args()
    os.environ['ESP_CLI'] = os.path.abspath(arguments.cli)
    import conformance
    import drive
    import fakes
    fakes.PROGRAM = pathlib.Path(__file__).resolve()
    arguments.all = True
    numbers, end = {}, drive.Attempt.end

    def end_and_note(attempt):
        numbers[attempt.case.name, attempt.backend.id] = attempt.world.number
        end(attempt)

    drive.Attempt.end = end_and_note
    written = 0
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ[RECORD] = scratch
        with fakes.Fakes() as started, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            chosen = conformance.choose(arguments)
            list(pool.map(lambda pair: conformance.try_one(started, *pair, False), chosen))
        for case, backend in chosen:
            number = numbers.get((case.name, backend.id))
            path = pathlib.Path(scratch) / str(number)
            for data in inputs_of_attempt(case, backend, json.loads(path.read_text())) if path.is_file() else ():
                if len(data) <= LONGEST:
                    (arguments.folder / f'found-{hashlib.sha1(data).hexdigest()[:12]}').write_bytes(data)
                    written += 1
    print(f'{written} inputs of {len(chosen)} attempts')


if __name__ == '__main__':
    serve() if RECORD in os.environ else main()
