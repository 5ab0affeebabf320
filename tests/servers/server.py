# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 for the fakes, on asyncio: requests read in full, answers sent as told, or spoilt."""
import asyncio
import base64
import datetime
import email.utils
import hashlib
import json
import re
import socket
import struct
import time
import urllib.parse

MAX_HEAD = 1 << 16
MAX_BODY = 256 << 20
REASONS = {101: 'Switching Protocols', 200: 'OK', 201: 'Created', 202: 'Accepted',
           204: 'No Content', 206: 'Partial Content',
           302: 'Found', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request',
           401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found',
           405: 'Method Not Allowed', 409: 'Conflict', 410: 'Gone', 413: 'Content Too Large',
           415: 'Unsupported Media Type', 422: 'Unprocessable Content', 429: 'Too Many Requests',
           500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable',
           504: 'Gateway Timeout'}


class Request:
    def __init__(self, method, target, headers, body, connection):
        self.method, self.target, self.header_list, self.body = method, target, headers, body
        self.headers = {name.lower(): value for name, value in headers}
        parts = urllib.parse.urlsplit(target)
        self.path = urllib.parse.unquote(parts.path)
        self.raw_path = parts.path          # as it came: names in it may have escaped slashes
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.connection = connection
        self.origin = ''       # which of a world's listeners: api, cdn
        self.names = ()                     # what is variable in the path, unescaped

    @property
    def base(self):
        """Scheme and authority as the client wrote them."""
        scheme = 'https' if self.connection.tls else 'http'
        return f'{scheme}://{self.headers.get("host", "localhost")}'

    def json(self):
        kind = self.headers.get('content-type', '').split(';')[0].strip().lower()
        if kind != 'application/json':
            raise BadRequest(f'Content-Type must be application/json, not {kind or "absent"}', 415)
        try:
            return json.loads(self.body.decode('utf-8'), parse_constant=no_constant)
        except (UnicodeDecodeError, ValueError) as error:
            raise BadRequest(f'no JSON: {error}') from None

    def parts(self):
        """The parts of a multipart/form-data body: [(name, filename or None, type, bytes)]."""
        kind = self.headers.get('content-type', '')
        match = re.match(r'multipart/form-data;\s*boundary="?([^";]+)"?', kind, re.I)
        if not match:
            raise BadRequest('Content-Type must be multipart/form-data', 415)
        fence = b'\r\n--' + match.group(1).encode()
        pieces = (b'\r\n' + self.body).split(fence)
        if len(pieces) < 2 or not pieces[-1].startswith(b'--'):
            raise BadRequest('a multipart body that breaks off')
        parts = []
        for piece in pieces[1:-1]:
            head, _, body = piece[2:].partition(b'\r\n\r\n')
            fields = {}
            for line in head.decode('utf-8').split('\r\n'):
                name, _, value = line.partition(':')
                fields[name.strip().lower()] = value.strip()
            given = fields.get('content-disposition', '')
            name = re.search(r';\s*name="((?:[^"\\]|\\.)*)"', given)
            file = re.search(r';\s*filename="((?:[^"\\]|\\.)*)"', given)
            if not given.lower().startswith('form-data') or not name:
                raise BadRequest('a part without a name')
            parts.append((name.group(1), file.group(1) if file else None,
                          fields.get('content-type', ''), body))
        return parts


def no_constant(name):
    raise ValueError(f'{name} is no number of JSON')


class BadRequest(Exception):
    def __init__(self, message, status=400, **more):
        super().__init__(message)
        self.status, self.more = status, more


class Answer:
    """`spoil`, where set, is a fault that the connection carries out while answering."""

    def __init__(self, status=200, body=b'', kind='application/json', headers=()):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        self.status, self.kind, self.headers = status, kind, dict(headers)
        self.body = body.encode() if isinstance(body, str) else body
        self.spoil = None
        self.stream = None       # async function (connection) that sends what follows the head
        self.date_offset = 0

    @property
    def drops(self):
        """Is the stream to break off?"""
        return bool(self.spoil) and self.spoil['kind'] in ('drop', 'truncated')


class Connection:
    """One client; answers its requests one after the other until it closes."""

    def __init__(self, listener, reader, writer):
        self.listener, self.reader, self.writer = listener, reader, writer
        self.served, self.number_of_request = 0, 0
        self.tls = listener.context is not None
        self.number = listener.next_number()

    async def run(self):
        try:
            while True:
                request = await self.read_request()
                if request is None:
                    break
                answer = await self.listener.handle(request)
                self.served += 1
                if not await self.send(answer, request):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                TimeoutError, ValueError, OSError):
            pass
        finally:
            self.writer.close()

    async def read_request(self):
        try:
            head = await self.reader.readuntil(b'\r\n\r\n')
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head[:-4].decode('latin-1').split('\r\n')
        method, target, _ = first.split(' ')
        headers = []
        for line in lines:
            name, _, value = line.partition(':')
            headers.append((name, value.strip()))
        wanted = {name.lower(): value for name, value in headers}
        spoiler = self.listener.before_body(method, target, wanted, self)
        if spoiler:
            await self.spoil_early(spoiler)
            return None
        if wanted.get('expect', '').lower() == '100-continue':
            self.writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        if wanted.get('transfer-encoding', '').lower() == 'chunked':
            body = await self.read_chunks()
        else:
            length = int(wanted.get('content-length', 0))
            if length > MAX_BODY:
                raise ConnectionError
            body = await self.reader.readexactly(length)
        return Request(method, target, headers, body, self)

    async def read_chunks(self):
        body = bytearray()
        while True:
            size = int((await self.reader.readuntil(b'\r\n')).split(b';')[0], 16)
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            if size == 0:
                return bytes(body)
            if len(body) > MAX_BODY:
                raise ConnectionError

    def reset(self):
        """RST instead of FIN: what the client sees when a machine falls over."""
        plain = self.writer.get_extra_info('socket')
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        except OSError:
            pass
        self.writer.transport.abort()

    async def spoil_early(self, fault):
        if fault['kind'] == 'refused_early':
            answer = self.listener.world.provider.error(fault['status'], 'Refused')
            self.write_head(answer.status, {'Content-Type': answer.kind, 'Connection': 'close',
                                            'Content-Length': str(len(answer.body))})
            self.writer.write(answer.body)
            await self.writer.drain()
            return
        if fault['kind'] == 'stalled_upload':     # takes a little of the body, then nothing more
            await asyncio.sleep(fault.get('seconds', 3600))
        self.reset()

    async def send(self, answer, request):
        """True where the connection may be used again."""
        headers = {'Date': email.utils.formatdate(time.time() + answer.date_offset, usegmt=True),
                   'Server': 'fake'}
        if answer.kind:
            headers['Content-Type'] = answer.kind
        headers.update(answer.headers)
        spoil = answer.spoil or {}
        kind = spoil.get('kind', '')
        if kind == 'stalled':
            await self.reader.read(1)             # until the client goes away
            return False
        if kind in ('reset_after', 'reuse_death'):
            self.reset()
            return False
        if answer.stream and kind not in ('endless', 'huge'):
            headers['Connection'] = 'Upgrade' if answer.status == 101 else 'close'
            self.write_head(answer.status, headers)
            await answer.stream(self)
            return False
        if kind == 'endless':
            return await self.send_endless(answer, headers)
        if kind == 'huge':
            return await self.send_huge(answer, headers, spoil.get('bytes', 1 << 30))
        body = b'' if request.method == 'HEAD' else answer.body
        length = len(body)
        if kind == 'truncated':
            if spoil.get('how') == 'length':      # honest length, dishonest body
                body = body[:length // 2]
            else:
                body = body[:length // 2]
                length = len(body)
        if kind == 'chunked' and body:
            headers['Transfer-Encoding'] = 'chunked'
            self.write_head(answer.status, headers)
            step = max(7, len(body) // 50)
            for at in range(0, len(body), step):
                piece = body[at:at + step]
                self.writer.write(b'%x;x=y\r\n%s\r\n' % (len(piece), piece))
                await self.writer.drain()
            self.writer.write(b'0\r\nX-Trailer: 1\r\n\r\n')
            return True
        if answer.status not in (101, 204, 304):
            headers['Content-Length'] = str(spoil.get('length', length))
        closing = request.headers.get('connection', '').lower() == 'close'
        if closing:
            headers['Connection'] = 'close'
        self.write_head(answer.status, headers)
        if kind == 'slow_body':
            for at in range(0, len(body), max(1, len(body) // 20)):
                self.writer.write(body[at:at + max(1, len(body) // 20)])
                await self.writer.drain()
                await asyncio.sleep(spoil.get('ms', 2000) / 20000)
        else:
            self.writer.write(body)
        await self.writer.drain()
        if kind == 'truncated' and spoil.get('how') == 'length':
            return False
        if kind == 'stalled_body':
            await self.reader.read(1)
            return False
        return not closing

    def write_head(self, status, headers):
        lines = [f'HTTP/1.1 {status} {REASONS.get(status, "Whatever")}']
        lines += [f'{name}: {value}' for name, value in headers.items()]
        self.writer.write('\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n')

    async def send_endless(self, answer, headers):
        headers['Transfer-Encoding'] = 'chunked'
        self.write_head(answer.status, headers)
        piece = answer.body[:1] + b' ' * 65535
        while True:                               # until the client has had enough
            self.writer.write(b'10000\r\n' + piece + b'\r\n')
            piece = b' ' * 65536
            await self.writer.drain()
            self.listener.world.bytes_poured += 65536

    async def send_huge(self, answer, headers, size):
        headers['Content-Length'] = str(size)
        self.write_head(answer.status, headers)
        piece, sent = answer.body[:-1][:65536].ljust(65536), 0
        while sent < size:
            self.writer.write(piece[:size - sent])
            await self.writer.drain()
            sent += len(piece)
            piece = b' ' * 65536
            self.listener.world.bytes_poured += 65536
        return True


class Listener:
    """One port of a world: `origin` is "api" or "cdn"."""
    connections = 0

    def __init__(self, world, origin, context=None):
        self.world, self.origin, self.context = world, origin, context
        self.server, self.port, self.open = None, 0, 0

    async def start(self, port=0):
        self.server = await asyncio.start_server(self.accept, '127.0.0.1', port, limit=MAX_HEAD,
                                                 ssl=self.context, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    def next_number(self):
        Listener.connections += 1
        return Listener.connections

    @property
    def url(self):
        return f'{"https" if self.context else "http"}://127.0.0.1:{self.port}'

    async def accept(self, reader, writer):
        plain = writer.get_extra_info('socket')
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open += 1
        self.world.most_open = max(self.world.most_open, self.open)
        try:
            await Connection(self, reader, writer).run()
        except asyncio.CancelledError:        # the fakes end
            pass
        finally:
            self.open -= 1

    def before_body(self, method, target, headers, connection):
        return self.world.before_body(self.origin, method, target, headers, connection)

    async def handle(self, request):
        request.origin = self.origin
        return await self.world.handle(request)


# --- Server-sent events and WebSockets ------------------------------------------------------------

def event_text(data, event=None):
    text = '' if event is None else f'event: {event}\n'
    return (text + f'data: {json.dumps(data)}\n\n').encode()


def socket_accept(key):
    digest = hashlib.sha1(key.encode() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()
    return base64.b64encode(digest).decode()


def socket_frame(data):
    """A whole unmasked frame: text for str, binary for bytes."""
    opcode = 1 if isinstance(data, str) else 2
    body = data.encode() if isinstance(data, str) else data
    if len(body) < 126:
        head = struct.pack('>BB', 0x80 | opcode, len(body))
    elif len(body) < 65536:
        head = struct.pack('>BBH', 0x80 | opcode, 126, len(body))
    else:
        head = struct.pack('>BBQ', 0x80 | opcode, 127, len(body))
    return head + body


def iso_time(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
