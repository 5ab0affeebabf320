# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of large files with ranges, entity tags and redirects as Hugging Face has them, and faults on request.

    with FileServer() as server:
        server.put('/org/model/resolve/main/a.bin', data)
        server.faults.append(Fault('drop', path='a.bin', times=2, after=1 << 20))

Every request is noted down in `server.log`. Run by itself it serves what a JSON file tells (see main)."""
import dataclasses
import hashlib
import http.server
import json
import re
import socket
import struct
import sys
import threading
import time


@dataclasses.dataclass
class Fault:
    """What goes wrong: with requests whose path contains `path`, `times` times (-1: always)."""
    kind: str           # drop, reset, short, status, no-ranges, wrong-bytes, tag, hang, redirect, longer
    path: str = ''
    times: int = -1
    status: int = 503
    after: int = 0      # bytes of the body before it happens
    value: str = ''     # tag, Retry-After, or the address of a redirect
    whole: bool = False     # not for the question after the size


@dataclasses.dataclass
class Entry:
    data: bytes
    tag: str
    blob: bool = False      # small files of git: its own hash, and no redirect


@dataclasses.dataclass
class Served:
    method: str
    path: str
    host: str
    range: str
    authorization: str
    status: int = 0
    sent: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    @property
    def files(self):
        return self.server.files

    def take_fault(self, kind, probe=False):
        with self.files.lock:
            for fault in self.files.faults:
                if (fault.kind == kind and fault.path in self.path and fault.times != 0
                        and not (fault.whole and probe)):
                    fault.times -= fault.times > 0
                    return fault
        return None

    def finish_with(self, status, headers=(), body=b''):
        self.note.status = status
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)
            self.note.sent += len(body)

    def do_GET(self):
        self.note = Served(self.command, self.path, self.headers.get('Host', ''), self.headers.get('Range', ''),
                           self.headers.get('Authorization', ''))
        with self.files.lock:
            self.files.log.append(self.note)
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET

    def answer(self):
        path = self.path.split('?')[0]
        probe = self.headers.get('Range') == 'bytes=0-0'
        fault = self.take_fault('status', probe)
        if fault:
            headers = [('Retry-After', fault.value)] if fault.value else []
            return self.finish_with(fault.status, headers, b'{"error": "as asked"}')
        fault = self.take_fault('redirect')
        if fault:
            return self.finish_with(302, [('Location', fault.value)])
        entry = self.files.entries.get(path.removeprefix('/cdn'))
        if entry is None:
            return self.finish_with(404, [('X-Error-Code', 'EntryNotFound')])
        if self.files.token and not path.startswith('/cdn'):
            if self.headers.get('Authorization') != f'Bearer {self.files.token}':
                return self.finish_with(401, [('X-Error-Code', 'GatedRepo')])
        if self.files.cdn and not entry.blob and not path.startswith('/cdn'):
            return self.finish_with(302, [('Location', f'{self.files.cdn}/cdn{path}?signature=1'),
                                          ('X-Linked-Etag', f'"{entry.tag}"'),
                                          ('X-Linked-Size', str(len(entry.data)))])
        return self.give(entry, probe)

    def give(self, entry, probe):
        data, size = entry.data, len(entry.data)
        tag = self.take_fault('tag', probe)
        first, last = 0, size - 1
        match = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
        partial = bool(match) and not self.take_fault('no-ranges', probe)
        if partial:
            first, last = int(match[1]), min(int(match[2] or size), size - 1)
            if first >= size:
                return self.finish_with(416, [('Content-Range', f'bytes */{size}')])
        body = data[first:last + 1]
        if not probe and self.take_fault('wrong-bytes', probe):
            body = bytes(len(body))
        if not probe and self.take_fault('longer', probe):
            body += b'more'
        self.note.status = 206 if partial else 200
        self.send_response(self.note.status)
        self.send_header('ETag', f'"{tag.value if tag else entry.tag}"')
        self.send_header('Accept-Ranges', 'bytes' if partial else 'none')
        self.send_header('Content-Length', str(len(body)))
        if partial:
            self.send_header('Content-Range', f'bytes {first}-{last}/{size}')
        self.end_headers()
        if self.command != 'HEAD':
            self.pour(body, probe)

    def pour(self, body, probe):
        """The body, at the server's rate, or as far as a fault lets it."""
        fault = None if probe else (self.take_fault('drop') or self.take_fault('reset') or self.take_fault('short')
                                    or self.take_fault('hang'))
        end = min(len(body), fault.after) if fault else len(body)
        piece = 1 << 16
        for at in range(0, end, piece):
            part = body[at:min(at + piece, end)]
            self.wfile.write(part)
            self.note.sent += len(part)
            if self.files.rate:
                time.sleep(len(part) / self.files.rate)
        if fault and fault.kind == 'hang':
            self.files.released.wait(60)
        if fault and end < len(body):
            self.wfile.flush()
            if fault.kind == 'reset':
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Clients go away as they like."""


class FileServer:
    def __init__(self, cdn=False, token=''):
        self.lock = threading.Lock()
        self.entries, self.faults, self.log = {}, [], []
        self.rate = 0       # bytes a second and connection; 0: as fast as it goes
        self.token = token
        self.released = threading.Event()
        self.http = Server(('127.0.0.1', 0), Handler)
        self.http.files = self
        self.url = f'http://127.0.0.1:{self.http.server_port}'
        # Another host, so far as addresses tell: another port.
        self.other = None
        self.cdn = ''
        if cdn:
            self.other = Server(('127.0.0.1', 0), Handler)
            self.other.files = self
            self.cdn = f'http://127.0.0.1:{self.other.server_port}'

    def __enter__(self):
        for server in (self.http, self.other):
            if server:
                threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.released.set()
        for server in (self.http, self.other):
            if server:
                server.shutdown()
                server.server_close()

    def put(self, path, data, blob=False):
        tag = (hashlib.sha1(b'blob %d\0' % len(data) + data) if blob else hashlib.sha256(data)).hexdigest()
        self.entries[path] = Entry(data, tag, blob)
        return self.url + path

    def sent(self, name=''):
        """Bytes of bodies that were sent of files whose path contains `name`."""
        with self.lock:
            return sum(note.sent for note in self.log if name in note.path and note.status in (200, 206))


def main():
    """files.py CONFIG: {"files": {PATH: FILE}, "rate": BYTES, "faults": [FAULT …]}; prints its address."""
    with open(sys.argv[1], encoding='utf-8') as config:
        told = json.load(config)
    with FileServer(cdn=told.get('cdn', False), token=told.get('token', '')) as server:
        for path, name in told['files'].items():
            with open(name, 'rb') as file:
                server.put(path, file.read(), blob=path in told.get('blobs', []))
        server.rate = told.get('rate', 0)
        server.faults += [Fault(**fault) for fault in told.get('faults', [])]
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == '__main__':
    main()
