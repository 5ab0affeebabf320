#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program and the desktop: how it is started and asked for things over the bus, what it notifies of,
what it keeps the computer from doing, and that it says when it goes on without a window."""
import os
import pathlib
import shlex
import signal
import subprocess
import sys

from gi.repository import GLib

from accessible import ACTIVE, SENSITIVE, program
from desktop import Desktop, Program
from drive import APP, CLIPBOARD_OWNER, UNDER_WAY, case, run, wait_until
from reach import run_long

APP_ID = os.environ['ESP_APP_ID']
SUSPEND_AND_LOGOUT = 4 | 1


def frames(root):
    return sorted(child.get_name() for child in root.children() if child.get_role_name() == 'frame')


def frames_are(window, *titles):
    wait_until(lambda: sorted(window.frames()) == sorted(titles), f'the windows {titles}')


def again(home, *arguments):
    """The program once more: it tells the one that runs and ends."""
    done = subprocess.run([APP, *map(str, arguments)], env=home.environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def notified(desktop, title):
    """Waits until a notification with that title is all there is to be seen."""
    def only():
        seen = desktop.notifications()
        return seen[0] if len(seen) == 1 and seen[0]['title'] == title else None

    return wait_until(only, f'the notification {title!r}')


def current_is(window, words):
    wait_until(lambda: window.all('image', lambda name: words in name), f'{words!r} to show')


def picture_of(notification):
    """The file that the notification shows."""
    kind, uri = notification['icon']
    assert kind == 'file', notification['icon']
    return pathlib.Path(GLib.filename_from_uri(uri)[0])


def leave_icons(count):
    """Pictures of notifications that are over, the oldest first."""
    folder = pathlib.Path(os.environ['XDG_RUNTIME_DIR']) / 'espalier'
    folder.mkdir(mode=0o700, exist_ok=True)
    left = [folder / f'notification-left-{number}.png' for number in range(count)]
    for number, path in enumerate(left):
        path.write_bytes(b'')
        os.utime(path, (number, number))
    return left


def workers(window):
    """The engine's processes of the program."""
    done = subprocess.run(['ps', '--ppid', str(window.process.pid), '-o', 'pid=,comm='],
                          capture_output=True, text=True)
    return [int(line.split()[0]) for line in done.stdout.splitlines() if 'espalier-engin' in line]


# --- Starting


@case
def all_starts_are_one_program(home, start):
    first, second = home.document(), home.document(name='Tea.espalier')
    window = start(first)
    frames_are(window, 'Coffee')
    again(home, second, home.photo('cat.png', '64x64'))
    frames_are(window, 'Coffee', 'Tea', 'cat')

    # What is open is not opened twice, whatever it is called.
    link = first.parent / 'a link.espalier'
    link.symlink_to(first)
    again(home, first, link, first.as_uri(), second)
    frames_are(window, 'Coffee', 'Tea', 'cat')
    again(home)
    frames_are(window, 'Coffee', 'Tea', 'cat')
    # A document is one by what is in it, too.
    nameless = first.parent / 'nameless'
    nameless.write_bytes(second.read_bytes())
    again(home, nameless)
    frames_are(window, 'Coffee', 'Tea', 'cat', 'nameless')
    window.key('ctrl+w')
    frames_are(window, 'Coffee', 'Tea', 'cat')
    again(home, '--new-window')
    frames_are(window, 'Coffee', 'Espalier', 'Tea', 'cat')
    again(home, '--open')
    wait_until(window._file_dialog, 'a file dialog')
    window.key('Escape')
    wait_until(lambda: not window._file_dialog(), 'the file dialog to go')
    window.quit()


@case
def the_bus_starts_it(home, start):
    document = home.document()
    there, photo = home.document(name='Tea.espalier'), home.photo('cat.png', '64x64')
    services = pathlib.Path(os.environ['XDG_DATA_HOME']) / 'dbus-1/services'
    services.mkdir(parents=True, exist_ok=True)
    # The bus has not the environment of this case.
    script = home.folder / 'service.sh'
    log = home.folder / 'service.log'
    script.write_text('#!/bin/sh\n' + ''.join(f'export {name}={shlex.quote(value)}\n' for name, value in
                                              home.environment.items() if name.isidentifier())
                      + f'exec {shlex.quote(APP)} --gapplication-service >{shlex.quote(str(log))} 2>&1\n')
    script.chmod(0o755)
    service = services / f'{APP_ID}.service'
    service.write_text(f'[D-BUS Service]\nName={APP_ID}\nExec={script}\n')
    app = Program(APP_ID)
    app.reload_services()

    def ends():
        app.action('quit')
        wait_until(lambda: app.pid() is None, 'the program to end')

    def shows(*titles):
        root = wait_until(lambda: program(app.pid()), 'the program on the accessibility bus')
        wait_until(lambda: frames(root) == sorted(titles), f'the windows {titles}')

    try:
        app.activate()
        shows('Espalier')
        app.open(document.as_uri(), photo.as_uri())
        shows('Coffee', 'cat')
        ends()
        # Of a notification that outlived the program.
        node = next(node['id'] for node in home.tree(there) if not node['instruction'])
        app.action('on-node', GLib.Variant('(sxs)', (there.as_uri(), node, 'export')))
        root = wait_until(lambda: program(app.pid()), 'the program on the accessibility bus')
        wait_until(lambda: 'Export' in frames(root), 'the dialog that exports')
        os.kill(app.pid(), signal.SIGKILL)
        wait_until(lambda: app.pid() is None, 'the program to end')
        app.action('new-window')
        shows('Espalier')
        ends()
    finally:
        service.unlink()
        app.reload_services()
        if app.pid():
            os.kill(app.pid(), signal.SIGKILL)
            wait_until(lambda: app.pid() is None, 'the program to end')
    complaints = [line for line in log.read_text().splitlines() if 'CRITICAL' in line]
    assert not complaints, complaints


@case
def new_from_the_clipboard(home, start):
    photo = home.photo('cat.png', '64x64')
    owner = subprocess.Popen([sys.executable, CLIPBOARD_OWNER, photo], stdout=subprocess.PIPE,
                             env=home.environment)
    try:
        assert owner.stdout.readline() == b'ready\n'
        window = start('--new-from-clipboard')
        window.wait_for_nodes(1)
        frames_are(window, 'Untitled')
        # Once more, as the shell's menu of the program asks for it: a document of its own.
        Program(APP_ID).action('new-from-clipboard')
        wait_until(lambda: len(window.frames()) == 2, 'a second window')
        window.wait_for_nodes(2)
        window.quit()
    finally:
        owner.kill()
        owner.wait()
    assert len(home.library()) == 2
    assert [node['image']['width'] for path in home.library() for node in home.tree(path)] == [64, 64]


@case
def other_programs_see_what_was_opened(home, start):
    document = home.document()
    window = start(document)
    frames_are(window, 'Coffee')
    recent = home.folder / 'share/recently-used.xbel'
    wait_until(lambda: recent.exists() and document.as_uri() in recent.read_text(), 'an entry among recent files')
    assert 'type="application/x-espalier"' in recent.read_text()
    # And the shell finds it, by words of its title.
    app = Program(APP_ID)
    assert app.search('GetInitialResultSet', '(as)', ['tea']) == []
    found = app.search('GetInitialResultSet', '(as)', ['COFF'])
    assert found == app.search('GetSubsearchResultSet', '(asas)', found, ['coffee']) == [document.as_uri()]
    told, = app.search('GetResultMetas', '(as)', found)
    assert (told['id'], told['name'], told['description']) == (found[0], 'Coffee', str(document)), told
    assert bytes(told['icon'][1]).startswith(b'\x89PNG')
    window.key('ctrl+n')
    frames_are(window, 'Coffee', 'Espalier')
    app.search('ActivateResult', '(sasu)', found[0], ['coff'], 0)
    frames_are(window, 'Coffee', 'Espalier')
    window.quit()


# --- Notifications


def another_in_front(window):
    """The person looks at another window of the program."""
    window.key('ctrl+n')
    frames_are(window, 'Coffee', 'Espalier')
    window.focus()
    wait_until(lambda: [child.get_name() for child in window.windows() if child.has(ACTIVE)] == ['Espalier'],
               'the other window in front')


def ended(window):
    wait_until(lambda: not any(words in node.name for node in window.nodes() for words in UNDER_WAY),
               'the turns to be done')


@case
def a_turn_that_ends_is_told(home, start):
    document = home.document()
    with Desktop(home.folder) as desktop:
        window = start(document)
        app = Program(APP_ID)
        window.set_steps(2)
        # Who looks at it is not told.
        window.focus()
        window.instruct('Make it night')
        window.wait_for_nodes(2)
        ended(window)
        assert not desktop.notifications()

        left = leave_icons(12)
        another_in_front(window)
        window.instruct('Make it snow')
        told = notified(desktop, 'A turn is done')
        assert told['body'] == 'Make it snow'
        assert [path.exists() for path in left] == [False] * 5 + [True] * 7
        assert [button['label'] for button in told['buttons']] == ['Run Again', 'Export…']
        icon = picture_of(told)
        assert icon.read_bytes().startswith(b'\x89PNG') and icon.stat().st_mode & 0o77 == 0

        # Pressed, it brings the document to the front and shows the node; then it is old.
        window.select('coffee')
        app.press(told)
        current_is(window, 'Make it snow')
        window.key('ctrl+l')  # whatever brings the keyboard to its window
        wait_until(lambda: window.focused() == 'Instruction', 'the document in front')
        wait_until(lambda: not desktop.notifications() and not icon.exists(), 'the notification to go')

        app.press(told['buttons'][0])
        window.text('Make it snow, ')  # a stack of two
        ended(window)
        app.press(told['buttons'][1])
        wait_until(lambda: 'Export' in window.frames(), 'the dialog that exports')
        window.key('Escape')
        # Nothing else can be asked for in this way.
        app.action('on-node', GLib.Variant('(sxs)', (*told['default-action-target'][:2], 'delete')))
        window.quit()
    assert [node['instruction'] for node in home.tree(document)] == ['', 'Make it night', 'Make it snow', 'Make it snow']


@case
def what_belongs_together_is_told_once(home, start):
    with Desktop(home.folder) as desktop:
        window = start(home.document())
        window.set_steps(2)
        window.menu('1 Variation', '3 Variations')
        another_in_front(window)
        window.instruct('Make it snow')
        told = notified(desktop, '3 turns are done')
        assert told['body'] == 'Make it snow'
        assert len(desktop.calls('AddNotification')) == 1
        window.quit()


def start_sweep(window, instruction, guidance):
    window.key('ctrl+l')
    wait_until(lambda: window.focused() == 'Instruction', 'the keyboard in the instruction')
    window.type(instruction)
    window.key('ctrl+t')
    wait_until(lambda: window.all('push button', 'Start'), 'the page of the sweep')
    window.move_focus('Values of Guidance', ['Tab'] * 6)
    window.key('ctrl+a')
    window.type(guidance)
    wait_until(lambda: window.all('push button', 'Start')[0].had(SENSITIVE), 'something to start')
    window.key('ctrl+Return')
    window.find('table', 'Cells of the sweep')


@case
def a_sweep_is_told_once(home, start):
    with Desktop(home.folder) as desktop:
        window = start(home.document())
        window.set_steps(2)
        # Before it is done, another window is in front.
        stopped = wait_until(lambda: workers(window), 'a worker')
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        start_sweep(window, 'Make it snow', '1, 2, 3')
        another_in_front(window)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        told = notified(desktop, 'A sweep is done')
        assert told['body'] == '3 turns are done', told
        assert len(desktop.calls('AddNotification')) == 1
        Program(APP_ID).press(told)
        window.find('table', 'Cells of the sweep')
        window.quit()


@case
def a_turn_that_fails_is_told_with_the_reason(home, start):
    with Desktop(home.folder) as desktop:
        window = start(home.document())
        run_long(window, 'Make it snow')
        another_in_front(window)
        for pid in workers(window):
            os.kill(pid, signal.SIGKILL)
        told = notified(desktop, 'A turn failed')
        assert told['body'].startswith('Make it snow\n') and 'signal 9' in told['body'], told
        assert [button['label'] for button in told['buttons']] == ['Try Again'] and 'icon' not in told
        Program(APP_ID).press(told['buttons'][0])
        window.wait_for_nodes(1, 'running')
        window.key('ctrl+q')
        window.respond('Stop')
        window.ended()


@case
def nothing_is_told_where_nobody_wants_it(home, start):
    home.settings(notify_when_done='false')
    with Desktop(home.folder) as desktop:
        window = start(home.document())
        window.set_steps(2)
        another_in_front(window)
        window.instruct('Make it snow')
        window.wait_for_nodes(2)
        ended(window)
        window.quit()
        assert not desktop.calls('AddNotification')


# --- Work under way


@case
def while_a_turn_runs_nothing_suspends(home, start):
    with Desktop(home.folder) as desktop:
        window = start(home.document())
        assert not desktop.inhibitions()
        run_long(window, 'Make it snow')
        wait_until(lambda: desktop.inhibitions() == [(SUSPEND_AND_LOGOUT, 'Turns are under way')],
                   'suspending to be kept off')
        window.button('Cancel')
        window.wait_for_nodes(1, 'stopped')
        wait_until(lambda: not desktop.inhibitions(), 'suspending to be let')
        assert not desktop.calls('RequestBackground')
        window.quit()


def in_background(window):
    run_long(window, 'Make it snow')
    window.key('ctrl+w')
    window.respond('Keep Running in the Background')


@case
def the_portal_hears_of_work_without_a_window(home, start):
    document = home.document()
    with Desktop(home.folder) as desktop:
        window = start(document)
        in_background(window)
        wait_until(lambda: desktop.calls('RequestBackground'), 'the portal to be asked')
        _, options = desktop.calls('RequestBackground')[0]
        assert options['reason'] == 'Turns are under way' and options['autostart'] is False, options
        wait_until(lambda: desktop.calls('SetStatus') == [[{'message': 'Turns are under way'}]], 'what it does')
        assert desktop.inhibitions()
        again(home)
        frames_are(window, 'Coffee')
        wait_until(lambda: desktop.calls('SetStatus')[1:] == [[{'message': ''}]], 'that it is over')
        assert len(desktop.calls('RequestBackground')) == 1
        window.key('ctrl+q')
        window.respond('Stop')
        window.ended()


@case
def who_may_not_work_without_a_window_has_one_again(home, start):
    with Desktop(home.folder, allows=False) as desktop:
        window = start(home.document())
        in_background(window)
        wait_until(lambda: desktop.calls('RequestBackground'), 'the portal to be asked')
        frames_are(window, 'Coffee')
        window.wait_for_nodes(1, 'running')
        window.key('ctrl+q')
        window.respond('Stop')
        window.ended()


if __name__ == '__main__':
    sys.exit(run())
