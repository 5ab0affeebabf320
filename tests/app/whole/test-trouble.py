#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that cannot be had as one would like: open in another process, damaged, not ours, newer
than what can be read, on a full disk."""
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time

from drive import APP, CLI, Skip, case, is_sensitive, run, wait_until


@contextlib.contextmanager
def another_session():
    """Another session bus, for a second process that does not hand over to the first. What is on its
    screen is told to the same accessibility bus."""
    done = subprocess.run(['dbus-send', '--session', '--print-reply=literal', '--dest=org.a11y.Bus',
                           '/org/a11y/bus', 'org.a11y.Bus.GetAddress'],
                          capture_output=True, text=True, check=True)
    bus = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address=1'],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield {'DBUS_SESSION_BUS_ADDRESS': bus.stdout.readline().strip(),
               'AT_SPI_BUS_ADDRESS': done.stdout.strip()}
    finally:
        bus.terminate()
        bus.wait()


@case
def a_document_in_two_processes(home, start):
    document = home.document('Add fog')
    with another_session() as environment:
        first = start(document)
        first.wait_for_nodes(2)
        second = start(document, **environment)
        assert second.process.pid != first.process.pid
        second.text('Another program has this document open')
        second.wait_for_nodes(2)
        second.shot('trouble-in-use')
        second.write('Instruction', 'Make it snow')
        assert not is_sensitive(second.find('push button', 'Run'))
        assert not first.says('Another program')
        second.kill()
        first.select('coffee')
        first.key('period')
        wait_until(lambda: home.tree(document)[0]['stars'] == 1, 'the star to be saved')
        first.quit()


def broken(home):
    """Files that end in .espalier and cannot be opened: the name, and words of the reason."""
    folder = home.folder / 'home'
    good = home.document(name='good.espalier').read_bytes()
    (folder / 'empty.espalier').write_bytes(b'')
    (folder / 'text.espalier').write_text('This is no document.\n' * 500)
    (folder / 'cut.espalier').write_bytes(good[:len(good) // 3])
    (folder / 'damaged.espalier').write_bytes(good[:4096] + b'\xa5' * (len(good) - 4096))
    with sqlite3.connect(folder / 'other.espalier') as database:
        database.execute('CREATE TABLE songs (title TEXT)')
    database.close()
    (folder / 'folder.espalier').mkdir()
    return {'empty': 'is empty', 'text': 'is not an Espalier document', 'cut': 'damaged', 'damaged': 'damaged',
            'other': 'is not an Espalier document', 'folder': 'is a folder', 'missing': 'cannot be opened'}


@case
def documents_that_cannot_be_opened(home, start):
    folder = home.folder / 'home'
    for name, reason in broken(home).items():
        path = folder / f'{name}.espalier'
        before = path.read_bytes() if path.is_file() else None
        window = start(path)
        window.text(f'“{name}.espalier” Could Not Be Opened')
        window.text(reason)
        window.key('Escape')
        window.silent('Could Not Be Opened')
        # What is left is a window like any other that starts.
        assert window.frames() == ['Espalier'], window.frames()
        window.find('push button', 'Open an Image…')
        assert not window.says('Another program')
        if name == 'cut':
            window.shot('trouble-damaged')
            window.button('Try the Sample Photo')
            window.node('cat')
            assert window.frames() == ['cat'], window.frames()
        window.quit()
        assert before is None or path.read_bytes() == before


@case
def a_damaged_document_beside_another(home, start):
    names = broken(home)
    window = start(home.folder / 'home/good.espalier')
    window.wait_for_nodes(1)
    for name in ('cut', 'text'):
        assert name in names
        subprocess.run([APP, home.folder / f'home/{name}.espalier'], env=window.environment, check=True,
                       timeout=120, stdin=subprocess.DEVNULL)
        window.text(f'“{name}.espalier” Could Not Be Opened')
        window.key('Escape')
        # The window that was made for it goes with the message.
        wait_until(lambda: window.frames() == ['good'], f'one window, not {window.frames()}')
    window.quit()


@case
def a_command_line_while_the_window_is_open(home, start):
    document = home.document(name='It’s a "coffee" $HOME.espalier')
    home.cli('run', document, '-p', 'Make it snow', '--negative-prompt', "it's; $(grey)", '--set', 'steps=3',
             '--set', 'guidance=3.7', '--set', 'size=128x96', '--seed', '18446744073709551614',
             '--reference', '1')
    window = start(document)
    window.wait_for_nodes(2)
    window.node_menu('Make it snow', 'Copy', 'Command Line')
    window.text('Command line copied')
    command = window.clipboard()
    tools, out = home.folder / 'bin', home.folder / 'out'
    tools.mkdir()
    out.mkdir()
    (tools / 'espalier-cli').symlink_to(CLI)
    environment = {**home.environment, 'PATH': f'{tools}:{os.environ["PATH"]}'}
    done = subprocess.run(['sh', '-c', command], env=environment, cwd=out, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stderr)
    made, = out.iterdir()
    node = home.tree(document)[1]
    kept = home.folder / 'kept.png'
    home.cli('export', document, '--node', node['id'], '-o', kept)
    difference = subprocess.run(['compare', '-metric', 'AE', kept, made, 'null:'], capture_output=True, text=True)
    assert difference.stderr.split()[0] == '0', (command, difference.stderr)
    assert len(home.tree(document)) == 2 and len(window.nodes()) == 2
    window.quit()


@contextlib.contextmanager
def small_disk(folder, size='6m'):
    """A file system of its own at `folder`; yields fill () and clear ()."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', folder],
                      capture_output=True).returncode != 0:
        raise Skip('no file system can be mounted here')
    ballast = folder / 'ballast'

    def fill():
        with open(ballast, 'ab', buffering=0) as file:
            for piece in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b'\0' * piece) == piece:
                        pass

    try:
        yield fill, lambda: ballast.unlink()
    finally:
        subprocess.run(['umount', '-l', folder], check=True)


def wait_until_still(path):
    """Until the size of a file has been the same for three seconds."""
    last = [None, 0]

    def is_still():
        size = path.stat().st_size if path.exists() else 0
        if size != last[0]:
            last[:] = size, time.monotonic()
        return time.monotonic() - last[1] > 3

    wait_until(is_still, f'nothing more to be written to {path}')


def states(home, document):
    return [node['state'] for node in home.tree(document)]


@case
def a_full_disk_for_the_document(home, start):
    with small_disk(home.folder / 'home/stick') as (fill, clear):
        document = home.folder / 'home/stick/Coffee.espalier'
        shutil.move(home.document(), document)
        window = start(document)
        window.wait_for_nodes(1)
        fill()
        window.select('coffee')
        window.key('period')
        window.text('There is no space left for “Coffee.espalier”')
        window.text('Nothing is lost')
        window.shot('trouble-full-document')
        # Work goes on.
        window.set_steps(2)
        window.instruct('Make it snow')
        window.wait_for_nodes(2)
        wait_until(lambda: not any(word in node.get_name() for node in window.nodes()
                                   for word in ('running', 'waiting')), 'the turn to end')
        assert not any('failed' in node.get_name() for node in window.nodes())
        assert [path.name for path in document.parent.iterdir() if path.name[0] == '.'] == []
        clear()
        window.silent('Nothing is lost')
        wait_until(lambda: states(home, document) == ['done', 'done'], 'the turn in the file')
        assert home.tree(document)[0]['stars'] == 1
        window.quit()


@case
def a_full_disk_for_the_library(home, start):
    shutil.rmtree(home.folder / 'share')
    with small_disk(home.folder / 'share', '12m') as (fill, clear):
        window = start(home.photo(size='192x192'))
        window.wait_for_nodes(1)
        library = home.library()[0]
        window.set_steps(2)
        # A log that goes into the file later leaves room where there should be none.
        wait_until_still(library.with_name(library.name + '-wal'))
        fill()
        window.instruct('Add fog')
        window.text('There is no space left for “coffee.espalier”')
        window.shot('trouble-full-library')
        # What was asked for is still written there.
        assert len(window.nodes()) == 1
        assert window.read(window.find('text', 'Instruction')) == 'Add fog'
        clear()
        window.button('Run')
        wait_until(lambda: states(home, library) == ['done', 'done'], 'the turn')
        window.silent('There is no space left')
        window.quit()


if __name__ == '__main__':
    sys.exit(run())
