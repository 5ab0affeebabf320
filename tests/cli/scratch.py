# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the programs share: a scratch folder a case, running, and TAP.

Each case gets a folder of its own as TMPDIR, HOME and place for results; whatever a program leaves in
TMPDIR fails the case. Only Python's standard library.
"""
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEMO = pathlib.Path(os.environ.get('ESP_DEMO_MODEL', SOURCE / 'data/models/demo'))
CLI = os.environ.get('ESP_CLI', '')
ENGINE = os.environ.get('ESPALIER_ENGINE', '')

# Instrumented programs are slower and larger; what is promised is promised for the real ones.
SANITIZED = 'ASAN_OPTIONS' in os.environ
CPU_LIMIT = 2.0 * (8 if SANITIZED else 1)
MEMORY_LIMIT = 1 << 30


class Skip(Exception):
    """Raised by a case that cannot run here."""


class Scratch:
    """A case's folders and environment."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.tmp = self.folder / 'tmp'
        self.out = self.folder / 'out'
        for path in (self.tmp, self.out, self.folder / 'home'):
            path.mkdir()
        self.environment = dict(os.environ, TMPDIR=str(self.tmp), HOME=str(self.folder / 'home'),
                                XDG_DATA_HOME=str(self.folder / 'home/share'), LC_ALL='C.UTF-8',
                                ESPALIER_DATA_DIR=str(SOURCE / 'data'))
        self.environment.pop('ESPALIER_MODEL', None)

    def photo(self, name='photo.png', width=64, height=64):
        path = self.folder / name
        path.write_bytes(png(width, height))
        return path

    def start(self, *arguments, **options):
        options.setdefault('env', self.environment)
        options.setdefault('stdin', subprocess.DEVNULL)
        options.setdefault('stdout', subprocess.PIPE)
        options.setdefault('stderr', subprocess.PIPE)
        return subprocess.Popen([CLI, *map(str, arguments)], **options)

    def run(self, *arguments, data=None, **options):
        if data is not None:
            options['stdin'] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, err = process.communicate(data, timeout=300)
        return process.returncode, out, err

    def edit(self, *arguments, out='out.png', check=True, prompt='Make it snow'):
        """A small, quick edit; its result's path."""
        path = self.out / out
        status, output, errors = self.run('edit', *arguments, '-p', prompt, '-o', path)
        if check:
            assert status == 0, (status, errors)
            assert path.exists()
        return path, output, errors

    def fails(self, *arguments, status=1, names=(), data=None, **options):
        """Runs a command that must fail in good order: status, last line, nothing left, quickly."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        present = sorted(self.out.iterdir())
        got, out, err = self.run(*arguments, data=data, **options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        lines = err.decode('utf-8', 'replace').splitlines()
        assert got == status, f'status {got}, wanted {status}: {err!r}'
        assert lines, 'nothing on standard error'
        for name in [names] if isinstance(names, str) else names:
            assert name in lines[-1], f'{lines[-1]!r} does not name {name!r}'
        assert sorted(self.out.iterdir()) == present, f'left: {list(self.out.iterdir())}'
        self.expect_clean()
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert seconds <= CPU_LIMIT, f'took {seconds:.2f} s of processor time'
        if not SANITIZED:
            assert after.ru_maxrss * 1024 <= MEMORY_LIMIT, f'{after.ru_maxrss} KiB at the peak'
        return out, lines

    def expect_clean(self):
        left = list(self.tmp.iterdir())
        assert not left, f'left in TMPDIR: {left}'

    def model(self, name='model'):
        """A copy of the demo model whose files are links, to be replaced one by one."""
        folder = self.folder / name
        for path in DEMO.rglob('*'):
            target = folder / path.relative_to(DEMO)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path.resolve())
        return folder


def replace(path, data):
    """Puts a file in the place of a link."""
    path.unlink()
    path.write_bytes(data)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(width, height):
    """A photo of sorts: smooth colours with some texture."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(((x * 7) % 256, (y * 5 + x) % 256, (x * y // 8) % 256))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(bytes(rows))) + chunk(b'IEND', b''))


def png_size(path):
    data = pathlib.Path(path).read_bytes()
    assert data.startswith(b'\x89PNG'), data[:8]
    return struct.unpack('>II', data[16:24])


def pixels(path):
    """Width, height, and the rows of a PNG of 8 bits, not interlaced, as tuples of channels."""
    data, at, packed = pathlib.Path(path).read_bytes(), 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, height, depth, color, _, _, interlaced = struct.unpack('>IIBBBBB', body)
            assert (depth, interlaced) == (8, 0) and color in (0, 2), 'no such PNG is written'
        elif kind == b'IDAT':
            packed += body
        at += 12 + length
    n, raw = 3 if color == 2 else 1, zlib.decompress(packed)
    rows, above = [], bytearray(width * n)
    for y in range(height):
        method, line = raw[y * (width * n + 1)], bytearray(raw[y * (width * n + 1) + 1:(y + 1) * (width * n + 1)])
        for i in range(width * n):
            left, up, corner = (line[i - n] if i >= n else 0), above[i], (above[i - n] if i >= n else 0)
            near = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, near[2])[method]) % 256
        rows.append([tuple(line[i:i + n]) for i in range(0, width * n, n)])
        above = line
    return width, height, rows


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack('<Q', data[:8])[0]
    return json.loads(data[8:8 + size]), data[8 + size:]


def write_safetensors(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def run_cases(cases):
    """Runs functions that take a Scratch; prints TAP. An argument selects cases by a part of the name."""
    if not CLI or not os.path.exists(CLI):
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    failed = 0
    selected = [case for case in cases if len(sys.argv) < 2 or sys.argv[1] in case.__name__]
    print(f'1..{len(selected)}')
    for number, case in enumerate(selected, 1):
        name = case.__name__.replace('_', ' ')
        folder = tempfile.mkdtemp(prefix='espalier-case-')
        try:
            scratch = Scratch(folder)
            case(scratch)
            scratch.expect_clean()
            print(f'ok {number} - {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}', flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {number} - {name}', flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0
