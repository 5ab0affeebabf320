#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`sweep` as a person meets it, with the demo model: cells, sheets, going on after Ctrl+C and kill -9."""
import csv
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

from scratch import CLI, Skip, png_size, run_cases

PROMPT = ('-p', 'Make it snow')
SMALL = ('--size', 'match', '--steps', '2')
CELLS = {'cell', 'indices', 'values', 'title', 'state', 'reason', 'node'}


def ok(s, *arguments, status=0):
    got, out, err = s.run(*arguments)
    assert got == status, (arguments, got, err)
    return out.decode()


def sweep(s, *arguments, status=0):
    return json.loads(ok(s, 'sweep', *arguments, '--json', status=status))


def nodes(s, document):
    return json.loads(ok(s, 'tree', document, '--json'))['nodes']


def kept(s):
    """The documents that nobody asked for."""
    return sorted((s.folder / 'home/.local/state/espalier/sweeps').glob('*'))


def prepare(s):
    s.environment['XDG_STATE_HOME'] = str(s.folder / 'home/.local/state')


# --- What is made ------------------------------------------------------------------------------------


def a_sheet_of_a_photo(s):
    prepare(s)
    told = sweep(s, s.photo(), *PROMPT, *SMALL, '--axis', 'guidance=1, 2.5, 4', '--axis', 'seed=7..8',
                 '-o', s.out / 'sheet.png', '--cell-size', 64)
    assert told['title'] == 'Guidance × Seed' and told['document'] is None and told['sweep'], told
    assert told['files'] == [str(s.out / 'sheet.png')] and len(told['cells']) == 6
    for number, cell in enumerate(told['cells']):
        assert CELLS <= set(cell) and cell['cell'] == number + 1 and cell['state'] == 'done', cell
        assert cell['indices'] == [number % 3, number // 3]
        assert cell['values'] == {'guidance': [1, 2.5, 4][number % 3], 'seed': 7 + number // 3}, cell
        assert cell['seed'] == cell['values']['seed'] and cell['image']['width'] == 64
    assert len({cell['image']['sha256'] for cell in told['cells']}) == 6
    assert told['totals']['done'] == told['totals']['cells'] == 6 and told['totals']['cost'] == 0
    width, height = png_size(s.out / 'sheet.png')
    assert width > 3 * 64 and height > 2 * 64
    assert not kept(s), kept(s)

    # The cells are what the same turn alone gives.
    ok(s, 'edit', s.photo(), *PROMPT, *SMALL, '--guidance', '2.5', '--seed', '8', '-o', s.out / 'one.png')
    ok(s, 'sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'guidance=1,2.5,4', '--axis', 'seed=7..8', '-q',
       '-o', f'{s.out}/images/')
    names = sorted(path.name for path in (s.out / 'images').iterdir())
    assert names == sorted(f'Guidance {guidance}, Seed {seed}.png' for guidance in (1, 2.5, 4) for seed in (7, 8)), names
    assert pixels(s.out / 'one.png') == pixels(s.out / 'images/Guidance 2.5, Seed 8.png')


def pixels(path):
    data, at, body = path.read_bytes(), 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        if kind == b'IDAT':
            body += data[at + 8:at + 8 + length]
        at += 12 + length
    return body


def the_same_sheet_twice(s):
    """The same bytes, whatever the order and however many at once."""
    prepare(s)
    command = ('sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'guidance=1,3', '--axis', 'seed=1..3', '-q')
    for name, more in (('a', ()), ('b', ('--order', 'random')), ('c', ('--order', 'near', '--jobs', 1))):
        for kind in ('png', 'webp', 'jpg'):
            ok(s, *command, *more, '-o', s.out / f'{name}.{kind}', '--table' if kind == 'jpg' else '--dark')
    for kind in ('png', 'webp'):
        assert len({(s.out / f'{name}.{kind}').read_bytes() for name in 'abc'}) == 1, kind


def every_kind_of_file(s):
    prepare(s)
    files = [s.out / f'sheet.{kind}' for kind in ('png', 'jpg', 'webp', 'pdf')]
    outputs = [part for path in files for part in ('-o', path)]
    told = sweep(s, s.photo(), *PROMPT, *SMALL, '--axis', 'seed=1..3', *outputs, '--csv', s.out / 'cells.csv', '--table')
    assert told['files'] == [*map(str, files), str(s.out / 'cells.csv')]
    for path, magic in zip(files, (b'\x89PNG', b'\xff\xd8\xff', b'RIFF', b'%PDF')):
        assert path.read_bytes().startswith(magic), path
    with open(s.out / 'cells.csv', encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['cell'], row['seed'], row['state'], row['steps']) for row in rows] == [
        (str(number), str(number), 'done', '2') for number in (1, 2, 3)], rows
    assert [row['sha256'] for row in rows] == [cell['image']['sha256'] for cell in told['cells']]
    assert rows[0]['turn_instruction'] == 'Make it snow' and rows[0]['turn_backend'] == 'local'

    # More than a row of one axis is wrapped; --columns turns two.
    ok(s, 'sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'seed=1..9', '-o', s.out / 'many.png', '--cell-size', 64)
    width, height = png_size(s.out / 'many.png')
    assert abs(width - height) < 200 and height > 3 * 64, (width, height)
    sizes = []
    for columns in ('guidance', 'seed'):
        ok(s, 'sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'guidance=1,2,3,4', '--axis', 'seed=1,2',
           '-o', s.out / 'turned.png', '--cell-size', 100, '--columns', columns)
        sizes.append(png_size(s.out / 'turned.png'))
    assert sizes[0][0] > sizes[1][0] and sizes[0][1] < sizes[1][1], sizes


def instructions_and_words(s):
    prepare(s)
    told = sweep(s, s.photo(), '-p', 'Make it {snow|autumn}', *SMALL, '--seed', 4, '--axis', 'guidance=1,2',
                 '-o', s.out / 'a.png', '--document', s.folder / 'd.espalier')
    assert [cell['values'] for cell in told['cells']] == [
        {'guidance': guidance, 'alternatives': word} for word in ('snow', 'autumn') for guidance in (1, 2)], told
    made = [node for node in nodes(s, s.folder / 'd.espalier') if node['kind'] == 'turn']
    assert [node['instruction'] for node in made] == ['Make it snow'] * 2 + ['Make it autumn'] * 2
    assert {node['seed'] for node in made} == {4}

    told = sweep(s, s.photo(), *SMALL, '--axis', 'instruction=Make it snow||Make it night', '-o', s.out / 'b.png')
    assert [cell['values']['instruction'] for cell in told['cells']] == ['Make it snow', 'Make it night']
    told = sweep(s, s.photo(), *PROMPT, *SMALL, '--axis', 'replace=snow||autumn||night', '-o', s.out / 'c.png')
    assert [cell['values']['replace'] for cell in told['cells']] == ['snow', 'autumn', 'night'], told
    assert len({cell['seed'] for cell in told['cells']}) == 1, 'cells differ by the axes alone'
    told = sweep(s, s.photo(), *PROMPT, *SMALL, '--seed', 5, '--axis', 'seed=+3', '-o', s.out / 'd.png')
    assert [cell['seed'] for cell in told['cells']] == [5, 6, 7]


def a_sweep_of_a_document(s):
    prepare(s)
    document = s.folder / 'Harbour.espalier'
    ok(s, 'new', document, s.photo('harbour.png'))
    ok(s, 'run', document, *PROMPT, '--set', 'size=match', '--set', 'steps=2', '--seed', 1)
    command = (document, '--node', 2, '-p', 'Make it autumn', *SMALL, '--axis', 'guidance=1,2', '--reference', 1)
    told = sweep(s, *command, '--axis', 'seed=3,4', '-o', s.out / 'a.png', '--csv', s.out / 'a.csv')
    assert told['document'] == str(document) and told['totals']['done'] == 4
    made = nodes(s, document)[2:]
    assert [node['id'] for node in made] == [3, 4, 5, 6] and {node['parent'] for node in made} == {2}
    assert {tuple(node['references']) for node in made} == {(1,)}

    # The same again makes nothing; more seeds are another sweep; other nodes are another axis.
    status, out, err = s.run('sweep', *command, '--axis', 'seed=3,4', '-o', s.out / 'b.png')
    assert status == 0 and b'there already' in err and b'4 done' in out, (out, err)
    assert (s.out / 'a.png').read_bytes() == (s.out / 'b.png').read_bytes() and len(nodes(s, document)) == 6
    assert sweep(s, *command, '--axis', 'seed=3..5')['sweep'] != told['sweep'] and len(nodes(s, document)) == 12
    told = sweep(s, document, '-p', 'Make it autumn', *SMALL, '--axis', 'node=1,2', '--seed', 1)
    made = [node for node in nodes(s, document) if node['id'] in [cell['node'] for cell in told['cells']]]
    assert [node['parent'] for node in made] == [1, 2], made
    assert ok(s, 'verify', document).endswith('ok\n')


def presets_of_the_window(s):
    prepare(s)
    if not os.environ.get('GSETTINGS_SCHEMA_DIR'):
        raise Skip('GSETTINGS_SCHEMA_DIR names no compiled settings')
    command = (s.photo(), *PROMPT, '--size', 'match', '--seed', 1, '--axis', 'preset=Soft, Strong', '-o', s.out / 'a.png')
    s.environment.update(GSETTINGS_BACKEND='keyfile', XDG_CONFIG_HOME=str(s.folder / 'home/config'))
    s.fails('sweep', *command, status=2, names=('preset', 'Soft'))
    saved = [{'name': 'Soft', 'parameters': {'guidance': 1, 'steps': 2}},
             {'name': 'Strong', 'backend': 'local', 'model': 'demo', 'parameters': {'guidance': 5, 'steps': 1}}]
    keyfile = s.folder / 'home/config/glib-2.0/settings/keyfile'
    keyfile.parent.mkdir(parents=True, exist_ok=True)
    keyfile.write_text("[espalier]\npresets='" + json.dumps(saved) + "'\n")
    told = sweep(s, *command, '--document', s.folder / 'd.espalier')
    assert [cell['values']['preset']['name'] for cell in told['cells']] == ['Soft', 'Strong'], told
    made = [node['parameters'] for node in nodes(s, s.folder / 'd.espalier')[1:]]
    assert [(each['guidance'], each['steps']) for each in made] == [(1, 2), (5, 1)], made
    s.environment['GSETTINGS_SCHEMA_DIR'] = str(s.folder)
    s.environment['XDG_DATA_DIRS'] = str(s.folder)
    s.fails('sweep', *command, status=2, names=('preset', 'Soft'))


def first_looks_are_refined(s):
    prepare(s)
    document = s.folder / 'd.espalier'
    command = (s.photo(), *PROMPT, '--size', 'match', '--steps', 3, '--axis', 'seed=1..4', '--document', document)
    s.fails('sweep', *command, '--refine', 'all', status=2, names='--refine')
    told = sweep(s, *command, '--draft-steps', 1)
    assert [cell['state'] for cell in told['cells']] == ['preview'] * 4 and told['totals']['preview'] == 4
    assert {node['parameters']['steps'] for node in nodes(s, document)[1:]} == {1}
    assert len(nodes(s, document)) == 5
    told = sweep(s, *command, '--refine', '2, 4')
    assert [cell['state'] for cell in told['cells']] == ['preview', 'done', 'preview', 'done'], told
    s.fails('sweep', *command, '--refine', '5', status=2, names='--refine')
    s.fails('sweep', *command, '--refine', 'best', status=2, names='--refine')
    told = sweep(s, *command, '--refine', 'all', '-o', s.out / 'all.png')
    assert told['totals']['done'] == 4 and len(nodes(s, document)) == 9
    full = [node for node in nodes(s, document)[1:] if node['parameters']['steps'] == 3]
    assert sorted(node['seed'] for node in full) == [1, 2, 3, 4]


# --- Before ------------------------------------------------------------------------------------------


def a_dry_run_makes_nothing(s):
    prepare(s)
    command = ('sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'guidance=1,2', '--axis', 'seed=1..3')
    out = ok(s, *command, '--dry-run')
    assert out.startswith('Guidance × Seed: 6 cells\n') and 'To be made: 6' in out and 'Cost: nothing' in out, out
    assert re.search(r'^  4  Guidance 2, Seed 2$', out, re.MULTILINE), out
    assert not kept(s) and not list(s.out.iterdir())
    document = s.folder / 'd.espalier'
    ok(s, *command, '--document', document, '-q')
    before = document.read_bytes()
    told = json.loads(ok(s, *command, '--document', document, '--dry-run', '--json'))
    assert told['estimate'] == {'cells': 0, 'seconds': 0, 'cost': 0, 'cost_is_lower_bound': False, 'currency': None}
    assert [cell['state'] for cell in told['cells']] == ['done'] * 6 and document.read_bytes() == before
    more = json.loads(ok(s, 'sweep', document, '--node', 1, *PROMPT, *SMALL, '--axis', 'guidance=1..8', '--dry-run',
                         '--json'))
    assert more['estimate']['cells'] == 8 and more['estimate']['seconds'] > 0, 'it has been measured'


def wrong_command_lines(s):
    prepare(s)
    photo, out, other = s.photo(), s.out / 'o.png', s.photo('other.png', 32, 32)
    axis = ('--axis', 'seed=1..2')
    wrong = [((photo, *PROMPT, *axis), '--output'), ((photo, '-o', out, *axis), '--prompt'),
             ((*PROMPT, '-o', out, *axis), 'INPUT'), ((photo, photo, *PROMPT, '-o', out, *axis), 'one photo'),
             ((photo, *PROMPT, '-o', out), '--axis'), ((photo, *PROMPT, '-o', out, '--axis', 'seed'), 'NAME=VALUES'),
             ((photo, *PROMPT, '-o', out, '--axis', 'seed=x'), 'Seed'),
             ((photo, *PROMPT, '-o', out, '--axis', 'seed=+4'), '--seed'),
             ((photo, *PROMPT, '-o', out, '--axis', 'paint=1,2'), 'paint'),
             ((photo, *PROMPT, '-o', out, '--axis', 'guidance=1,101'), '101'),
             ((photo, *PROMPT, '-o', out, '--axis', 'guidance=1,99999999999999999999'), '1e+20'),
             ((photo, *PROMPT, '-o', out, '--axis', 'guidance=1,1e400'), '1e400'),
             ((photo, *PROMPT, '-o', out, '--axis', 'size=64x64,65x64'), '65x64: only multiples of 16'),
             ((photo, *PROMPT, '-o', out, *axis, '--size', '65x64'), '--size'),
             ((photo, *PROMPT, '-o', out, '--seed', 2 ** 64 - 2, '--axis', 'seed=+3'), '18446744073709551614'),
             ((photo, *PROMPT, '-o', out, '--axis', 'model=demo||clouds'), '--axis model: There is no model “clouds”'),
             ((photo, *PROMPT, '-o', out, '--axis', 'guidance=1..100/0.001'), '4096'),
             ((photo, *PROMPT, '-o', out, '--axis', 'guidance=1..100', '--axis', 'seed=1..100'), '10000'),
             ((photo, *PROMPT, '-o', out, *axis, *axis), 'Seed'),
             ((photo, *PROMPT, '-o', out, *axis, '--axis', 'node=1'), 'node'),
             ((photo, *PROMPT, '-o', out, *axis, '--axis', 'backend=local,clouds'), 'clouds'),
             ((photo, '-p', 'Make it {snow|fog', '-o', out, *axis), 'brace'),
             ((photo, *PROMPT, '-o', out, *axis, '--columns', 'guidance'), '--columns'),
             ((photo, *PROMPT, '-o', out, *axis, '--order', 'last'), '--order'),
             ((photo, *PROMPT, '-o', out, *axis, '--jobs', '0'), '--jobs'),
             ((photo, *PROMPT, '-o', out, *axis, '--limit', '-1'), '--limit'),
             ((photo, *PROMPT, '-o', out, *axis, '--draft-steps', '0'), '--draft-steps'),
             ((photo, *PROMPT, '-o', out, *axis, '--draft-steps', '1', '--refine', 'all'), '--refine'),
             ((photo, *PROMPT, '-o', out, *axis, '--refine', 'all'), '--refine'),
             ((photo, *PROMPT, '-o', out, *axis, '--cell-size', '9'), '--cell-size'),
             ((photo, *PROMPT, '-o', out, *axis, '--node', '1'), '--node'),
             ((photo, *PROMPT, '-o', out, *axis, '--reference', '1'), '--reference'),
             ((photo, *PROMPT, '-o', out, *axis, '--set', 'paint=1'), 'paint'),
             ((photo, *PROMPT, '-o', out, *axis, '--steps', '0'), '--steps'),
             ((photo, *PROMPT, '-o', out, *axis, '--base-url', 'http://127.0.0.1'), '--base-url'),
             ((photo, *PROMPT, '-o', s.out / 'o.gif', *axis), 'o.gif'),
             # Nothing is written over what is read, or twice, whatever the name.
             ((photo, *PROMPT, '-o', photo, *axis), '--output'),
             ((photo, *PROMPT, '-o', s.folder / 'out/../link.png', *axis), 'link.png'),
             ((photo, *PROMPT, '-o', out, '--csv', photo, *axis), '--csv'),
             ((photo, *PROMPT, '-o', out, '--csv', out, *axis), 'twice'),
             ((photo, *PROMPT, '-o', out, '--document', out, *axis), '--document'),
             ((photo, *PROMPT, '-o', out, '--reference', other, '--csv', other, *axis), '--csv')]
    (s.folder / 'link.png').symlink_to(photo)
    before = photo.read_bytes()
    for arguments, name in wrong:
        s.fails('sweep', *arguments, status=2, names=name)
    assert photo.read_bytes() == before
    s.fails('sweep', s.folder / 'none.png', *PROMPT, '-o', out, *axis, names='none.png')
    s.fails('sweep', photo, *PROMPT, '-o', s.folder / 'missing/o.png', *axis, names=('--output', 'missing'))
    s.fails('sweep', photo, *PROMPT, '-o', f'{s.folder}/missing/deep/', *axis, names=('--output', 'missing'))
    s.fails('sweep', photo, *PROMPT, '-o', out, '--csv', s.folder / 'missing/c.csv', *axis, names='--csv')
    text = s.folder / 'text.png'
    text.write_bytes(b'This is no picture.')
    s.fails('sweep', text, *PROMPT, '-o', out, *axis)
    assert not kept(s), kept(s)
    document = s.folder / 'd.espalier'
    ok(s, 'new', document, photo)
    before = document.read_bytes()
    s.fails('sweep', document, *PROMPT, *axis, '--document', document, status=2, names='--document')
    s.fails('sweep', document, *PROMPT, *axis, '--node', 9, names='--node')
    s.fails('sweep', document, *PROMPT, '--axis', 'node=1,9', status=2, names='9')
    assert document.read_bytes() == before


# --- Going on ----------------------------------------------------------------------------------------


def long_sweep(s, *more):
    return ('sweep', s.photo(width=96, height=96), *PROMPT, '--size', 'match', '--steps', '4',
            '--axis', 'guidance=1,2,3,4', '--axis', 'seed=1..3', '-o', s.out / 'k.png', '--cell-size', '64', *more)


def cells_over(s, command, wanted, **options):
    """Starts it and waits until so many cells are told to be over; the process."""
    process = s.start(*command, **options)
    for line in process.stderr:
        found = re.match(rb'(\d+) of \d+ cell', line)
        if found and int(found[1]) >= wanted:
            return process
    raise AssertionError('it ended before')


def expect_whole(s, document):
    """Every cell once."""
    made = [node for node in nodes(s, document) if node['kind'] == 'turn']
    assert {node['state'] for node in made} == {'done'} and len(made) == 12, made
    assert len({(node['parameters']['guidance'], node['seed']) for node in made}) == 12
    assert len({node['image']['sha256'] for node in made}) == 12
    assert ok(s, 'verify', document).endswith('ok\n')


def ctrl_c_and_again(s):
    prepare(s)
    ok(s, *long_sweep(s), '-q')
    whole = (s.out / 'k.png').read_bytes()
    for number, wanted in enumerate((1, 5, 10)):
        document = s.folder / f'{number}.espalier'
        (s.out / 'k.png').unlink()
        process = cells_over(s, long_sweep(s, '--document', document), wanted, start_new_session=True)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
        if process.returncode == 0:  # the signal came when all was over
            expect_whole(s, document)
            continue
        last = err.decode().splitlines()[-1]
        assert process.returncode == 130 and not out, (process.returncode, out, err)
        assert re.match(r'Stopped .*\. The same command goes on', last) and str(document) in last, last
        assert not list(s.out.iterdir()), 'half a sheet'
        over = {node['id'] for node in nodes(s, document) if node['state'] == 'done'}
        assert len(over) > wanted, over
        images = {node['id']: node['image']['sha256'] for node in nodes(s, document) if node['id'] in over}
        out, err = s.run(*long_sweep(s, '--document', document))[1:]
        told = f'{13 - len(over)} of 12 cells to be made' if len(over) < 13 else 'there already'
        assert b'12 done' in out and told.encode() in err, (out, err)
        expect_whole(s, document)
        after = {node['id']: node['image']['sha256'] for node in nodes(s, document) if node['id'] in over}
        assert after == images, 'what was made is made again'
        assert (s.out / 'k.png').read_bytes() == whole
        s.expect_clean()


def ctrl_c_without_a_document(s):
    prepare(s)
    ok(s, *long_sweep(s), '-q')
    whole = (s.out / 'k.png').read_bytes()
    (s.out / 'k.png').unlink()
    process = cells_over(s, long_sweep(s), 1)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 130, (process.returncode, err)
    document, = kept(s)
    assert str(document).encode() in err, err
    # Another sweep does not touch it, and has nothing of it.
    told = sweep(s, s.photo(width=96, height=96), *PROMPT, *SMALL, '--axis', 'seed=1..2', '-o', s.out / 'other.png')
    assert told['totals']['done'] == 2 and kept(s) == [document]
    told = json.loads(ok(s, *long_sweep(s), '--dry-run', '--json'))
    assert 0 < told['estimate']['cells'] < 12 and told['totals']['done'] == 12 - told['estimate']['cells'], told
    status, out, err = s.run(*long_sweep(s))
    assert status == 0 and b'Going on with the sweep' in err and (s.out / 'k.png').read_bytes() == whole, err
    assert not kept(s), kept(s)


def killed_at_any_moment(s):
    """kill -9, again and again, until it comes through; then every cell is there once."""
    prepare(s)
    document = s.folder / 'd.espalier'
    command = long_sweep(s, '--document', document)
    for wanted in (1, 2, 1, 3):
        process = s.start(*command, start_new_session=True)
        for line in process.stderr:
            found = re.match(rb'(\d+) of \d+ cell', line)
            if found and int(found[1]) >= wanted:
                break
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=120)
    for moment in range(6):  # before, while and after things are stored
        process = s.start(*command, start_new_session=True)
        time.sleep(0.05 * moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=120)
    status, out, err = s.run(*command)
    assert status == 0 and b'12 done' in out, (status, err)
    expect_whole(s, document)
    roots = [node for node in nodes(s, document) if node['kind'] == 'imported']
    assert len(roots) == 1, 'the photo is there twice'
    shutil.rmtree(s.tmp)
    s.tmp.mkdir()


def two_at_once(s):
    """The second one is told that the first has the document."""
    prepare(s)
    process = cells_over(s, long_sweep(s), 1)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        status, _, err = s.run(*long_sweep(s))
        assert status == 1 and b'is open in another program' in err, (status, err)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0 and b'12 done' in out, err


def what_a_terminal_shows(s):
    prepare(s)
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    process = subprocess.Popen([CLI, *map(str, long_sweep(s))], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=terminal, env=dict(s.environment, TERM='xterm'))
    os.close(terminal)
    shown = b''
    while True:
        try:
            part = os.read(control, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    out = process.communicate(timeout=240)[0]
    os.close(control)
    text = shown.decode()
    assert process.returncode == 0 and b'12 done' in out
    assert '7 of 12 cells' in text and '\n' not in text.strip() and text.endswith('\r\x1b[K'), text
    assert re.search(r'\d+ of 12 cells, about \d+ s left', text), text


def a_broken_model_is_found_before_anything_is_made(s):
    prepare(s)
    weights = s.model('home/share/espalier/models/mine') / 'vae/diffusion_pytorch_model.safetensors'
    whole = weights.resolve()
    weights.unlink()
    weights.write_bytes(whole.read_bytes()[:4096])
    command = ('sweep', s.photo(), *PROMPT, *SMALL, '--axis', 'seed=1..3', '-o', s.out / 'f.png')
    s.fails(*command, names=('--model', 'diffusion_pytorch_model'))
    assert not kept(s)
    weights.unlink()
    weights.symlink_to(whole)
    assert '3 done' in ok(s, *command)


sys.exit(run_cases([a_sheet_of_a_photo, the_same_sheet_twice, every_kind_of_file, instructions_and_words,
                    a_sweep_of_a_document, presets_of_the_window, first_looks_are_refined, a_dry_run_makes_nothing, wrong_command_lines, ctrl_c_and_again, ctrl_c_without_a_document,
                    killed_at_any_moment, two_at_once, what_a_terminal_shows, a_broken_model_is_found_before_anything_is_made]))
