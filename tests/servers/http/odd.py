#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that misbehaves by path, for the tests of the transport. It works on bare sockets, since
no library would let it. Prints one line of JSON (ports, the authority's file), runs until its
standard input closes."""
import base64
import gzip
import hashlib
import json
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tls  # noqa: E402

counts = {}
lock = threading.Lock()
released = threading.Event()


class Gone(Exception):
    pass


class Connection:
    def __init__(self, plain):
        self.plain = self.socket = plain
        self.buffer = b''
        self.served = 0

    def read_until(self, mark):
        while mark not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise Gone
            self.buffer += more
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def read(self, length):
        while len(self.buffer) < length:
            more = self.socket.recv(1 << 20)
            if not more:
                raise Gone
            self.buffer += more
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def read_request(self):
        lines = self.read_until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        self.method, self.target, _ = lines[0].split(' ', 2)
        self.headers = [tuple(part.strip() for part in line.split(':', 1)) for line in lines[1:]]
        self.length = 0
        for name, value in self.headers:
            if name.lower() == 'content-length':
                self.length = int(value)
        url = urllib.parse.urlsplit(self.target)
        self.path, self.query = url.path, dict(urllib.parse.parse_qsl(url.query))
        with lock:
            key = f'{self.method} {self.path}'
            counts[key] = counts.get(key, 0) + 1

    def read_body(self):
        return self.read(self.length)

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, body=b'', status='200 OK', headers=(), kind='text/plain'):
        if isinstance(body, str):
            body = body.encode()
        lines = [f'HTTP/1.1 {status}', f'Content-Type: {kind}', f'Content-Length: {len(body)}', *headers]
        self.send('\r\n'.join(lines).encode() + b'\r\n\r\n' + body)

    def reset(self):
        self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        raise Gone

    def chunk(self, data):
        self.send(f'{len(data):x}\r\n'.encode() + data + b'\r\n')

    def start_chunks(self, *headers):
        self.send('\r\n'.join(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', *headers]).encode()
                  + b'\r\n\r\n')


def stall():
    released.wait(30)
    raise Gone


def do_echo(c):
    body = c.read_body()
    c.answer(json.dumps({'method': c.method, 'target': c.target, 'headers': c.headers, 'length': len(body),
                         'sha256': hashlib.sha256(body).hexdigest(),
                         'body': body[:2000].decode('latin-1')}), kind='Application/JSON; charset=utf-8')


def do_stats(c):
    with lock:
        c.answer(json.dumps(counts), kind='application/json')


def do_reset_before_body(c):
    time.sleep(0.2)
    c.reset()


def do_reset_after_body(c):
    c.read_body()
    c.reset()


def do_close_after_body(c):
    c.read_body()
    raise Gone


def do_die_on_reuse(c):
    c.read_body()
    if c.served > 0:
        c.reset()
    c.answer('alive')


def do_half(c):
    c.read_body()
    c.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' + b'x' * 100)
    raise Gone


def do_too_much(c):
    c.read_body()
    c.send(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345and more')
    raise Gone


def do_bad_chunk(c):
    c.read_body()
    c.start_chunks()
    c.chunk(b'good')
    c.send(b'zz\r\nbad\r\n')
    raise Gone


def do_half_chunks(c):
    c.read_body()
    c.start_chunks()
    c.chunk(b'good')
    raise Gone


def do_gzip(c):
    c.read_body()
    c.answer(gzip.compress(b'unpacked'), headers=['Content-Encoding: gzip'])


def do_bad_gzip(c):
    c.read_body()
    c.answer(b'this is not gzip at all', headers=['Content-Encoding: gzip'])


def do_bomb(c):
    c.read_body()
    c.start_chunks('Content-Encoding: gzip')
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(1024):
        data = packer.compress(bytes(1 << 20))
        if data:
            c.chunk(data)
    c.chunk(packer.flush())
    c.send(b'0\r\n\r\n')


def do_gigabyte(c):
    c.read_body()
    c.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
    while True:
        c.send(bytes(65536))


def do_endless(c):
    c.read_body()
    c.start_chunks()
    while True:
        c.chunk(bytes(65536))


def do_endless_headers(c):
    c.read_body()
    c.send(b'HTTP/1.1 200 OK\r\n')
    while True:
        c.send(b'X-More: ' + b'y' * 4000 + b'\r\n')


def do_endless_hints(c):
    c.read_body()
    while True:
        c.send(b'HTTP/1.1 103 Early Hints\r\nLink: ' + b'y' * 4000 + b'\r\n\r\n')


def do_hints(c):
    c.read_body()
    c.send(b'HTTP/1.1 103 Early Hints\r\nX-Kind: hint\r\n\r\n')
    c.answer('after hints')


def do_stall(c):
    c.read_body()
    stall()


def do_stall_upload(c):
    stall()


def do_stall_answer(c):
    c.read_body()
    c.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' + b'x' * 100)
    stall()


def do_drip(c):
    """Slow, but alive: longer than the idle limit in all, never silent for that long."""
    c.read_body()
    c.start_chunks()
    for _ in range(8):
        c.chunk(b'drop')
        time.sleep(0.3)
    c.send(b'0\r\n\r\n')


def do_not_http(c):
    c.read_body()
    c.send(b'SSH-2.0-OpenSSH_9.2\r\nwelcome\r\n')
    raise Gone


def do_redirect(c):
    c.read_body()
    c.answer(status='302 Found', headers=['Location: ' + c.query['to']])


def do_retry(c):
    c.read_body()
    c.answer(status='429 Too Many Requests', headers=[f'{name}: {value}' for name, value in c.query.items()])


def do_status(c):
    c.read_body()
    c.answer('words', status=c.query['code'] + ' So')


def do_early_refusal(c):
    """413 while the body is still on its way."""
    c.answer('too large', status='413 Payload Too Large', headers=['Connection: close'])
    c.socket.shutdown(socket.SHUT_WR)
    c.plain.settimeout(2)
    try:
        while c.socket.recv(1 << 20):
            pass
    except OSError:
        pass
    raise Gone


def do_bytes(c):
    c.read_body()
    time.sleep(float(c.query.get('wait', 0)))
    c.answer(bytes(int(c.query['size'])), kind='application/octet-stream')


def do_events(c):
    c.read_body()
    c.start_chunks('Content-Type: text/event-stream; charset=utf-8')
    stream = ('\ufeff: a comment\r\nevent: first\r\ndata: eins\r\ndata: zwei\r\n\r\n'
              'data:drei\n\n: alive\n\nevent: last\rdata: grün\r\rdata: never ended').encode()
    for at in range(len(stream)):
        c.chunk(stream[at:at + 1])
    c.send(b'0\r\n\r\n')


def do_events_drop(c):
    c.read_body()
    c.start_chunks('Content-Type: text/event-stream')
    c.chunk(b'data: one\n\n')
    time.sleep(0.1)
    c.reset()


def do_events_endless(c):
    c.read_body()
    c.start_chunks('Content-Type: text/event-stream')
    c.chunk(b'data: ')
    while True:
        c.chunk(b'a' * 65536)


def frame(kind, data):
    size = len(data)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = bytes([126]) + struct.pack('>H', size)
    else:
        length = bytes([127]) + struct.pack('>Q', size)
    return bytes([0x80 | kind]) + length + data


def do_socket(c):
    """A WebSocket: text, a large binary message, a ping that wants its pong, close."""
    key = dict((name.lower(), value) for name, value in c.headers)['sec-websocket-key']
    accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
    c.send(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n' + frame(1, b'eins'))
    for byte in frame(1, b'zwei'):
        c.send(bytes([byte]))
        time.sleep(0.01)
    c.send(frame(2, bytes(200000)))
    c.send(frame(9, b'are you there'))
    head = c.read(2)
    mask = c.read(4)
    data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(c.read(head[1] & 0x7f)))
    if head[0] == 0x8a and data == b'are you there':
        c.send(frame(1, b'pong came'))
    c.send(frame(8, struct.pack('>H', 1000)))
    time.sleep(0.2)
    raise Gone


def serve(plain, context):
    c = Connection(plain)
    try:
        plain.settimeout(60)
        if context is not None:
            c.socket = context.wrap_socket(plain, server_side=True)
        while True:
            c.read_request()
            if c.method == 'CONNECT':
                c.answer('no', status='403 Forbidden')
                raise Gone
            if c.target.startswith('http://'):
                do_echo(c)
            else:
                globals()['do_' + c.path.strip('/').replace('-', '_')](c)
            c.served += 1
    except (Gone, OSError, ssl.SSLError):
        pass
    finally:
        try:
            c.socket.close()
        finally:
            plain.close()


def listen(context=None):
    server = socket.create_server(('127.0.0.1', 0), backlog=256)

    def accept():
        while True:
            plain, _ = server.accept()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(plain, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def hold_port():
    """A port where nobody listens, and nobody else can begin to."""
    held = socket.socket()
    held.bind(('127.0.0.1', 0))
    return held


def main():
    certificates = tls.Certificates()
    held = hold_port()
    print(json.dumps({
        'http': listen(),
        'https': listen(certificates.context('good')),
        'self_signed': listen(certificates.context('self-signed')),
        'wrong_host': listen(certificates.context('wrong-host')),
        'refused': held.getsockname()[1],
        'ca': certificates.ca_file,
    }), flush=True)
    sys.stdin.read()
    released.set()
    certificates.close()


if __name__ == '__main__':
    main()
