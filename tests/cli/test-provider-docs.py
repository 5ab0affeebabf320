#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/providers.md is done as it says, word for word: the example server, the descriptor with its mistakes, the
turn. And what it says about the shipped descriptors is held against them."""
import json
import os
import re
import signal
import socket
import subprocess
import sys

from scratch import SOURCE, run_cases, wait_until

sys.path.insert(0, str(SOURCE / 'tests/servers'))
import pictures  # noqa: E402
from drive import clean_environment  # noqa: E402

TEXT = (SOURCE / 'docs/providers.md').read_text(encoding='utf-8')
PORT = '8399'


def blocks(kind):
    return re.findall(rf'^```{kind}\n(.*?)^```', TEXT, re.S | re.M)


def prepare(s):
    s.environment = clean_environment(s.folder)
    s.environment['TMPDIR'] = str(s.tmp)
    s.folder_of_descriptors = s.folder / 'home/config/espalier/providers'
    s.folder_of_descriptors.mkdir(parents=True)
    s.descriptor = s.folder_of_descriptors / 'pixel-mill.json'
    # Held as long as the case lasts, so that nobody else is given it; the server may listen there
    # nevertheless, as it reuses addresses.
    s.holder = socket.socket()
    s.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.holder.bind(('127.0.0.1', 0))
    s.port = str(s.holder.getsockname()[1])


def write(s, text):
    s.descriptor.write_text(text.replace(PORT, s.port), encoding='utf-8')


def check(s):
    status, _, errors = s.run('providers', 'check', s.descriptor)
    return status, errors.decode()


def steps():
    """The descriptor as it is after each step of the text."""
    first, watch, errors, result = blocks('json')
    corrected = first.replace('"default": 50', '"default": 28')
    watched = corrected.replace('  "result":', watch + '  "result":')
    complete = watched.replace('  "result": { "images": "/image" }', errors + result.rstrip('\n'))
    return first, corrected, watched, complete


def the_mistakes_are_found(s):
    prepare(s)
    first, corrected, watched, complete = steps()
    shown = re.search(r'^espalier-cli: (pixel-mill\.json:.*)$', TEXT, re.M).group(1)
    write(s, first)
    status, errors = check(s)
    assert status == 2 and shown in errors, errors
    write(s, corrected)
    status, errors = check(s)
    assert status == 2 and re.search('`(the flow [^`]*)`', TEXT).group(1) in errors, errors
    for text in (watched, complete):
        write(s, text)
        status, errors = check(s)
        assert status == 0, errors


def the_turn_runs(s):
    prepare(s)
    program = s.folder / 'mill.py'
    program.write_text(blocks('python')[0].replace(PORT, s.port), encoding='utf-8')
    server = subprocess.Popen([sys.executable, program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def answers():
            assert server.poll() is None, f'the server ended with {server.returncode}'
            with socket.socket() as probe:
                return probe.connect_ex(('127.0.0.1', int(s.port))) == 0

        assert wait_until(answers), 'the server does not listen'
        photo = s.folder / 'cat.png'
        photo.write_bytes(pictures.carpet_png(pictures.mark('cat'), 240, 160))
        for text in steps()[2:]:
            write(s, text)
            s.environment['ESPALIER_KEY_PIXEL_MILL'] = 'mill-key'
            status, out, errors = s.run('edit', photo, '-p', 'Add fog', '-o', s.out / 'fog.png', '--backend', 'pixel-mill',
                                        '--set', 'steps=30', '--json')
            assert status == 0, (status, out, errors)
        answer = json.loads(out)
        assert answer['parameters']['steps'] == 30 and answer['job_id'], answer
        assert abs(answer['timings']['run'] - 4.2) < 1e-6, answer

        s.environment['ESPALIER_KEY_PIXEL_MILL'] = 'x'
        status, _, errors = s.run('edit', photo, '-p', 'Add fog', '-o', s.out / 'no.png', '--backend', 'pixel-mill')
        assert status == 3 and 'There is no such key' in errors.decode(), (status, errors)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def every_shipped_one_is_in_the_table(s):
    table = TEXT[TEXT.index('## What comes with Espalier'):]
    named = set()
    for row in re.findall(r'^\| (`.*?) \|', table, re.M):
        whole, *endings = re.findall('`([^`]*)`', row)
        named |= {whole} | {whole.rpartition('-')[0] + ending for ending in endings}
    shipped = {path.stem for path in (SOURCE / 'data/providers').glob('*.json')} - {'schema'}
    assert named == shipped, named ^ shipped
    for name in shipped:
        descriptor = json.loads((SOURCE / f'data/providers/{name}.json').read_text(encoding='utf-8'))
        assert descriptor['id'] == name
        row = next(row for row in table.splitlines() if row.startswith('|') and f'`{name}`' in row
                   or f'`{name.rpartition("-")[0]}-pro`' in row and name.endswith('-max'))
        amount = descriptor.get('price', {}).get('amount')
        if amount is not None:
            assert f'${amount}' in row, (name, amount, row)
        assert descriptor['flow'] in row, row
        for param in descriptor['params']:
            if param['id'] not in ('prompt', 'seed', 'format'):
                assert param['id'] in row or row.count('the same'), (name, param['id'])


def every_member_of_the_schema_is_explained(s):
    schema = json.loads((SOURCE / 'data/providers/schema.json').read_text(encoding='utf-8'))
    reference = TEXT[TEXT.index('## Reference'):]

    def members(node):
        if isinstance(node, dict):
            yield from node.get('properties', {}) if isinstance(node.get('properties'), dict) else ()
            for child in node.values():
                yield from members(child)
        elif isinstance(node, list):
            for child in node:
                yield from members(child)
    missing = {name for name in members(schema) if not re.search(rf'[`"]{re.escape(name)}[`"]', reference)}
    assert not missing, missing


if __name__ == '__main__':
    if not os.environ.get('ESP_CLI'):
        raise SystemExit('ESP_CLI is not set')
    run_cases([the_mistakes_are_found, the_turn_runs, every_shipped_one_is_in_the_table,
               every_member_of_the_schema_is_explained])
