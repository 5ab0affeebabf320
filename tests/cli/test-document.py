#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents without a window: a whole history is made, shown, checked and exported."""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import sqlite3
import struct
import sys
import termios
import unicodedata
import zlib

from scratch import Skip, png_size, run_cases, wait_until

SMALL = ('--set', 'size=match', '--set', 'steps=2')
ENDLESS = ('--set', 'size=512x512', '--set', 'steps=1000')  # minutes: it ends because it is ended
NODE_KEYS = {'id', 'parent', 'kind', 'instruction', 'backend', 'model', 'parameters', 'seed', 'state', 'label',
             'stars', 'image', 'created', 'seconds', 'cost'}


def ok(s, *arguments):
    status, out, err = s.run(*arguments)
    assert status == 0, (arguments, status, err)
    return out.decode()


def nodes(s, document):
    return json.loads(ok(s, 'tree', document, '--json'))['nodes']


def new(s):
    document = s.folder / 'Harbour.espalier'
    ok(s, 'new', document, s.photo('harbour.png'))
    return document


def a_history_grows(s):
    document = new(s)
    out = ok(s, 'run', document, '--node', 1, '-p', 'Make it snow', *SMALL, '--seed', 18446744073709551614,
             '--variations', 2)
    assert re.search(r'node 2: 64x64, seed 18446744073709551614', out), out
    made = json.loads(ok(s, 'run', document, '--node', 2, '-p', 'Make it autumn', *SMALL, '--reference', 1,
                         '--negative-prompt', 'grey', '--json'))['nodes']
    assert [node['parent'] for node in made] == [2] and made[0]['negative_prompt'] == 'grey'
    assert made[0]['references'] == [1]

    listed = nodes(s, document)
    assert [node['id'] for node in listed] == [1, 2, 3, 4]
    assert [node['parent'] for node in listed] == [None, 1, 1, 2]
    assert all(NODE_KEYS <= set(node) for node in listed), listed
    assert [node['kind'] for node in listed] == ['imported', 'turn', 'turn', 'turn']
    assert {node['state'] for node in listed} == {'done'}
    assert [node['seed'] for node in listed[:3]] == [None, 18446744073709551614, 18446744073709551615]
    turn = listed[1]
    assert (turn['backend'], turn['model'], turn['instruction']) == ('local', 'demo', 'Make it snow')
    assert turn['parameters']['steps'] == 2 and 'seed' not in turn['parameters']
    assert turn['image']['media_type'] == 'image/png' and turn['seconds'] > 0 and turn['cost'] == 0
    assert listed[0]['image']['sha256'] == hashlib.sha256((s.folder / 'harbour.png').read_bytes()).hexdigest()
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', turn['created'])

    # The tree as it is drawn, and the way to one image.
    drawn = ok(s, 'tree', document).splitlines()
    assert drawn[0] == 'Harbour' and drawn[1].startswith('└── 1 harbour.png  64×64'), drawn
    assert drawn[2].startswith('    ├── 2 Make it snow') and drawn[3].startswith('    │   └── 4 Make it autumn')
    assert drawn[4].startswith('    └── 3 Make it snow'), drawn
    log = ok(s, 'log', document, '--node', 4)
    assert log.index('harbour.png') < log.index('Make it snow') < log.index('Make it autumn')
    assert 'steps=2' in log and 'not: grey' in log and '3 Make it snow' not in log
    path = json.loads(ok(s, 'log', document, '--node', 4, '--json'))['nodes']
    assert [node['id'] for node in path] == [1, 2, 4]
    assert ok(s, 'verify', document) == '4 images, 4 nodes, ok\n'


def the_same_request_gives_the_same_image(s):
    document = new(s)
    for _ in range(2):
        ok(s, 'run', document, '--node', 1, '-p', 'Make it snow', *SMALL, '--seed', 7)
    listed = nodes(s, document)
    assert listed[1]['image']['sha256'] == listed[2]['image']['sha256']
    assert ok(s, 'verify', document) == '2 images, 3 nodes, ok\n'


def png_text(path, key):
    data, at = path.read_bytes(), 8
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'iTXt' and body.startswith(key.encode() + b'\0'):
            rest = body[len(key) + 1:]
            text = rest[2:].split(b'\0', 2)[2]
            return (zlib.decompress(text) if rest[0] else text).decode()
        at += 12 + length
    return None


def pixels(path):
    """Of files that the same encoder wrote."""
    data, at, body = path.read_bytes(), 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        if kind == b'IDAT':
            body += data[at + 8:at + 8 + length]
        at += 12 + length
    return zlib.decompress(body)


def images_are_exported(s):
    document = new(s)
    ok(s, 'run', document, '--node', 1, '-p', 'Make it snow', *SMALL, '--seed', 7)
    ok(s, 'run', document, '--node', 2, '-p', 'Make it autumn', *SMALL, '--seed', 8)
    ok(s, 'run', document, '--node', 1, '-p', 'Make it night', *SMALL, '--seed', 9)

    # In its own format an image comes out byte for byte; with --recipe, with all that led to it.
    ok(s, 'export', document, '--node', 1, '-o', s.out / 'photo.png')
    assert (s.out / 'photo.png').read_bytes() == (s.folder / 'harbour.png').read_bytes()
    stored = {node['id']: node['image']['sha256'] for node in json.loads(ok(s, 'tree', document, '--json'))['nodes']}
    ok(s, 'export', document, '--node', 3, '-o', s.out / 'same.png')
    assert hashlib.sha256((s.out / 'same.png').read_bytes()).hexdigest() == stored[3]
    ok(s, 'export', document, '--node', 3, '-o', s.out / 'turn.png', '--recipe')
    recipe = json.loads(png_text(s.out / 'turn.png', 'espalier'))
    assert (recipe['prompt'], recipe['seed'], recipe['steps']) == ('Make it autumn', 8, 2)
    assert [step.get('instruction') for step in recipe['lineage']] == [None, 'Make it snow', 'Make it autumn']
    assert recipe['lineage'][1]['seed'] == 7 and recipe['lineage'][1]['backend'] == 'local'
    assert recipe['lineage'][0]['image']['sha256'] == hashlib.sha256((s.out / 'photo.png').read_bytes()).hexdigest()
    assert b'Make it' not in (s.folder / 'harbour.png').read_bytes()

    ok(s, 'export', document, '--node', 3, '-o', s.out / 'bare.png', '--strip', '--max-side', 32)
    assert png_size(s.out / 'bare.png') == (32, 32) and b'Make it' not in (s.out / 'bare.png').read_bytes()
    for name, magic in (('a.jpg', b'\xff\xd8\xff'), ('a.webp', b'RIFF'), ('a.tiff', b'II*\0')):
        out = ok(s, 'export', document, '--node', 3, '-o', s.out / name, '--quality', 80)
        assert out == f'{s.out / name}\n' and (s.out / name).read_bytes().startswith(magic), name

    # Folders: nothing that is there is replaced.
    for folder in ('leaves', 'path'):
        (s.folder / folder).mkdir()
    for _ in range(2):
        ok(s, 'export', document, '--leaves', s.folder / 'leaves')
    assert sorted(path.name for path in (s.folder / 'leaves').iterdir()) == [
        'Harbour - Make it autumn (2).png', 'Harbour - Make it autumn.png', 'Harbour - Make it night (2).png',
        'Harbour - Make it night.png']
    files = json.loads(ok(s, 'export', document, '--node', 3, '--path', s.folder / 'path', '--format', 'jpeg',
                          '--json'))['files']
    assert [os.path.basename(file) for file in files] == ['01 - harbour.jpg', '02 - Make it snow.jpg',
                                                           '03 - Make it autumn.jpg']
    for name, magic in (('film.gif', b'GIF89a'), ('film.webp', b'RIFF'), ('film.png', b'\x89PNG')):
        ok(s, 'export', document, '--node', 3, '--animation', s.out / name, '--captions', '--seconds', '0.5')
        assert (s.out / name).read_bytes().startswith(magic)
    assert (s.out / 'film.png').read_bytes().count(b'fcTL') == 3


def photos_are_imported(s):
    document = s.folder / 'a.espalier'
    assert ok(s, 'new', document) == ''
    s.fails('run', document, '-p', 'x', names='empty')
    ok(s, 'import', document, s.photo('one.png'), s.photo('two.png', 80, 48))
    made = json.loads(ok(s, 'import', document, s.photo('three.png'), '--parent', 2, '--json'))['nodes']
    assert made[0]['parent'] == 2 and made[0]['file_name'] == 'three.png'
    assert [node['parent'] for node in nodes(s, document)] == [None, None, 2]


def cells_of_sweeps_are_told(s):
    kept = pathlib.Path(__file__).parents[1] / 'data/documents/version-3.espalier'
    document = s.folder / 'kept.espalier'
    shutil.copy(kept, document)
    listed = {node['id']: node for node in nodes(s, document)}
    assert (listed[5]['sweep'], listed[5]['cell'], listed[5]['draft']) == (1, 1, False), listed[5]
    assert all('sweep' not in node and 'cell' not in node for id, node in listed.items() if id != 5)


def a_turn_is_stopped(s):
    document = new(s)
    process = s.start('run', document, '--node', 1, '-p', 'Make it snow', *ENDLESS)
    assert wait_until(lambda: any(node['state'] == 'running' for node in nodes(s, document)))

    # Meanwhile it can be looked at, but not changed by another one.
    assert ok(s, 'verify', document).endswith('ok\n')
    for command in (('import', document, s.folder / 'harbour.png'), ('run', document, '-p', 'x')):
        status, _, err = s.run(*command)
        assert status == 1 and b'Harbour.espalier' in err and b'open' in err, err

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, err)
    assert [node['state'] for node in nodes(s, document)] == ['done', 'cancelled']
    ok(s, 'run', document, '--node', 1, '-p', 'Make it snow', *SMALL)
    assert [node['state'] for node in nodes(s, document)] == ['done', 'cancelled', 'done']


def a_killed_run_leaves_the_document_usable(s):
    document = new(s)
    process = s.start('run', document, '--node', 1, '-p', 'Make it snow', *ENDLESS)
    assert wait_until(lambda: any(node['state'] == 'running' for node in nodes(s, document)))
    process.kill()
    process.communicate()
    ok(s, 'run', document, '--node', 1, '-p', 'Make it night', *SMALL)
    assert nodes(s, document)[-1]['state'] == 'done'
    assert ok(s, 'verify', document) == '2 images, 3 nodes, ok\n'
    for path in s.tmp.iterdir():  # what a killed worker could not clear away
        shutil.rmtree(path)


def turns_that_were_left_over_are_made(s):
    document = new(s)
    process = s.start('run', document, '--node', 1, '-p', 'Make it snow', '--set', 'steps=400', '--set',
                      'size=match', '--seed', 3, '--variations', 2)
    assert wait_until(lambda: any(node['state'] == 'running' for node in nodes(s, document)))
    process.send_signal(signal.SIGSTOP)  # so that it stores nothing while others look, however long that takes
    status, _, err = s.run('run', document, '--resume')
    assert status == 1 and b'open in another program' in err, err
    process.kill()
    process.communicate()
    for path in s.tmp.iterdir():
        shutil.rmtree(path)
    made = json.loads(ok(s, 'run', document, '--resume', '--json'))['nodes']
    assert [(node['id'], node['state'], node['seed']) for node in made] == [(2, 'done', 3), (3, 'done', 4)], made
    assert [node['parameters']['steps'] for node in made] == [400, 400]
    assert ok(s, 'run', document, '--resume') == 'no turns were left over\n'
    assert ok(s, 'run', document, '--resume', '-q') == ''
    assert json.loads(ok(s, 'run', document, '--resume', '--json')) == {'nodes': []}
    assert ok(s, 'verify', document) == '3 images, 3 nodes, ok\n'
    for option, value in (('-p', 'x'), ('--node', '1'), ('--seed', '1'), ('-o', s.out / 'x.png')):
        s.fails('run', document, '--resume', option, value, status=2, names='--resume')


def a_result_is_written_apart(s):
    document = new(s)
    ok(s, 'run', document, '--node', 1, '-p', 'Make it snow', *SMALL, '--seed', 7)
    ok(s, 'run', document, '--node', 2, '-p', 'Make it autumn', *SMALL, '--seed', 8, '--reference', 1)
    inside = s.out / 'inside.png'
    ok(s, 'export', document, '--node', 3, '-o', inside, '--recipe')
    before = document.read_bytes()
    # Another program works on it, and this one only reads.
    holder = s.start('run', document, '--node', 1, '-p', 'Make it night', '--set', 'steps=1000')
    assert wait_until(lambda: any(node['state'] == 'running' for node in nodes(s, document)))
    outside = s.out / 'outside.png'
    turn = ('run', document, '--node', 2, '-p', 'Make it autumn', *SMALL, '--seed', 8, '--reference', 1)
    out = ok(s, *turn, '-o', outside)
    assert 'outside.png: 64x64, seed 8' in out, out
    assert pixels(inside) == pixels(outside)
    # What the turn before left came along, as it would have counted inside.
    ok(s, *turn, '--set', 'latent_carry=false', '-o', s.out / 'encoded.png')
    assert pixels(inside) != pixels(s.out / 'encoded.png')
    assert 'Make it autumn' in png_text(outside, 'espalier'), png_text(outside, 'espalier')
    told = json.loads(ok(s, *turn, '-o', s.out / 'b.jpg', '--json'))
    assert told['files'] == [str(s.out / 'b.jpg')] and told['seed'] == 8 and told['width'] == 64, told
    assert (s.out / 'b.jpg').read_bytes()[:2] == b'\xff\xd8'
    holder.send_signal(signal.SIGINT)
    holder.communicate()
    s.fails(*turn, '-o', s.out / 'b.gif', status=2, names='b.gif')
    s.fails(*turn, '-o', s.folder / 'nowhere/b.png', names='nowhere')
    s.fails(*turn, '-o', s.out / 'c.png', '--variations', 2, status=2, names='--variations')
    s.fails('run', document, '--node', 99, '-p', 'x', '-o', s.out / 'c.png', names='99')
    assert len(nodes(s, document)) == 4 and before != document.read_bytes()
    assert not list((s.folder / 'home/share/espalier/working').iterdir())

    process = s.start('run', document, '--node', 1, '-p', 'x', '--set', 'steps=1000', '-o', s.out / 'c.png')
    assert wait_until(lambda: list(s.tmp.glob('espalier-run-*/run.espalier')))
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130 and not (s.out / 'c.png').exists(), process.returncode


def wrong_command_lines(s):
    document, photo = new(s), s.folder / 'harbour.png'
    missing = s.folder / 'missing.espalier'
    for command in ('tree', 'log', 'verify', 'export', 'run', 'new', 'import'):
        extra = ('-o', s.out / 'x.png') if command == 'export' else ('-p', 'x') if command == 'run' else ()
        s.fails(command, *extra, status=2, names='DOC')
        s.fails(command, document, '--frobnicate', status=2, names='--frobnicate')
    for command in ('tree', 'log', 'verify'):
        s.fails(command, missing, names='missing.espalier')
        s.fails(command, document, document, status=2, names=command)
    s.fails('tree', photo, names='harbour.png')
    s.fails('new', document, photo, names='Harbour.espalier')
    s.fails('import', document, status=2, names='PHOTO')
    s.fails('import', document, missing, names='missing.espalier')
    s.fails('import', document, document, names='Harbour.espalier')
    s.fails('import', document, photo, '--parent', 9, names=('--parent', '9'))
    s.fails('log', document, '--node', 'x', status=2, names='--node')
    s.fails('log', document, '--node', 99, names=('--node', '99'))

    s.fails('run', document, status=2, names='--prompt')
    for option, value in (('--seed', '-1'), ('--variations', '9'), ('--variations', '0'), ('--node', '1x'),
                          ('--set', 'steps'), ('--set', 'steps=0'), ('--set', 'speed=1'), ('--set', 'seed=1'),
                          ('--backend', 'cloud')):
        s.fails('run', document, '-p', 'x', option, value, status=2, names=option)
    s.fails('run', document, '-p', 'x', '--model', 'none', names=('--model', 'none'))
    s.fails('run', document, '-p', 'x', '--reference', 7, names=('--reference', '7'))
    s.fails('run', missing, '-p', 'x', names='missing.espalier')

    s.fails('export', document, status=2, names='--output')
    s.fails('export', document, '-o', s.out / 'a.png', '--path', s.out, status=2, names='--output')
    s.fails('export', document, '-o', s.out / 'a.gif', status=2, names='a.gif')
    s.fails('export', document, '--animation', s.out / 'a.jpg', status=2, names='--animation')
    s.fails('export', document, '--leaves', s.folder / 'nowhere', status=2, names='--leaves')
    s.fails('export', document, '-o', s.out / 'a.png', '--format', 'png', status=2, names='--format')
    s.fails('export', document, '--path', s.out, '--format', 'bmp', status=2, names='--format')
    s.fails('export', document, '-o', s.folder / 'nowhere/a.png', names='nowhere')
    for option, value in (('--quality', '0'), ('--max-side', '0'), ('--seconds', '11')):
        s.fails('export', document, '-o', s.out / 'a.png', option, value, status=2, names=option)
    assert len(nodes(s, document)) == 1


def damage_is_found(s):
    document = new(s)
    data = bytearray(document.read_bytes())
    photo = (s.folder / 'harbour.png').read_bytes()
    # A bit of the photo's own bytes, wherever SQLite has put them.
    at = data.find(photo[-200:-150])
    assert at > 0
    data[at + 10] ^= 1
    document.write_bytes(data)
    status, out, err = s.run('verify', document)
    assert status == 1 and err, (status, out, err)
    assert out.strip(), 'names no problem'


def a_long_way_is_shown(s):
    document, steps = new(s), 3000
    with contextlib.closing(sqlite3.connect(document)) as database, database:
        database.executemany(
            'INSERT INTO nodes (id, parent, position, kind, state, instruction, parameters, created, image)'
            " VALUES (?, ?, 1, 'turn', 'done', ?, ?, 1, 1)",
            ((i, i - 1, f'Turn {i}', '{"a": 1e999}') for i in range(2, steps + 1)))
    lines = ok(s, 'tree', document).splitlines()
    assert len(lines) == steps + 1 and f'{steps} Turn {steps}' in lines[-1], lines[-1]
    assert max(map(len, lines)) < 400, max(map(len, lines))
    listed = nodes(s, document)
    assert [node['id'] for node in listed] == list(range(1, steps + 1))
    assert listed[-1]['parameters'] == {'a': None}
    way = json.loads(ok(s, 'log', document, '--node', steps, '--json'))['nodes']
    assert [node['id'] for node in way] == list(range(1, steps + 1))


def lines_fit_a_terminal(s):
    """Characters of East Asia are as wide as two others."""
    document = new(s)
    ok(s, 'run', document, '-p', '写真に雪を降らせて、夜の港のように見せてください' * 3, *SMALL)
    try:
        master, slave = pty.openpty()
    except OSError as reason:
        raise Skip(str(reason)) from reason
    for columns in (60, 80):
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        with s.start('tree', document, stdout=slave) as process:
            text = b''
            while b'\xe2\x97\x80\r\n' not in text:  # the current node's mark, behind the last line
                text += os.read(master, 65536)
        assert process.returncode == 0
        line, = (line for line in text.decode().splitlines() if '写真' in line)
        wide = sum(1 + (unicodedata.east_asian_width(c) == 'W') for c in line)
        assert '…' in line and columns - 20 < wide <= columns, (columns, wide, line)
    os.close(master)
    os.close(slave)


sys.exit(run_cases([a_history_grows, lines_fit_a_terminal, the_same_request_gives_the_same_image, images_are_exported, photos_are_imported,
                    cells_of_sweeps_are_told, a_turn_is_stopped, a_killed_run_leaves_the_document_usable, turns_that_were_left_over_are_made,
                    a_result_is_written_apart, wrong_command_lines,
                    damage_is_found, a_long_way_is_shown]))
