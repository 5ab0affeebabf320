# SPDX-License-Identifier: GPL-3.0-or-later
"""The program under soak: the window of tests/app/whole, and what is faster than looking at it as a screen
reader does: its actions over the bus, keys, and the database that it works on."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from gi.repository import Gio, GLib

from desktop import Program
from drive import Window, wait_until
from soak_keys import Keys

ENGINE, DECODER = 'espalier-engine', 'espalier-decoder'


def children(pid):
    """[(pid, name, state)] of the children of a process, those included that nobody has waited for."""
    found = []
    for task in pathlib.Path(f'/proc/{pid}/task').glob('*/children'):
        try:
            for child in task.read_text().split():
                stat = pathlib.Path(f'/proc/{child}/stat').read_text()
                name, rest = stat[stat.index('(') + 1:stat.rindex(')')], stat[stat.rindex(')') + 2:]
                found.append((int(child), name, rest[0]))
        except OSError:  # it has ended meanwhile
            continue
    return found


def is_alive(pid):
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return stat[stat.rindex(')') + 2] != 'Z'


class SoakedProgram:
    """Starts it, speaks to it, ends it. Complaints of each run of it are looked for when that ends."""

    def __init__(self, home, app_id, environment):
        self.home, self.environment = home, environment
        self.bus = Program(app_id)
        self.keys = Keys()
        self.window = None
        self.starts = 0

    @property
    def pid(self):
        return self.window.process.pid

    def start(self, *files):
        self.window = Window(self.home, *files, **self.environment)
        self.starts += 1

    # --- The bus

    def windows(self):
        """The numbers of the windows that it has on the bus."""
        xml = self.bus._call(self.bus.name, self.bus.path + '/window', 'org.freedesktop.DBus.Introspectable',
                             'Introspect', None)[0]
        return sorted(int(number) for number in re.findall(r'<node name="(\d+)"', xml))

    def _of_window(self, number, method, signature, *arguments):
        return self.bus._call(self.bus.name, f'{self.bus.path}/window/{number}', 'org.gtk.Actions', method,
                              GLib.Variant(signature, arguments))

    def do(self, number, name, *target):
        """An action of a window: `win.` and this name."""
        self._of_window(number, 'Activate', '(sava{sv})', name, list(target), {})

    def can(self, number, name):
        """Whether an action of a window can be used now; False also where the window has gone."""
        try:
            return self._of_window(number, 'Describe', '(s)', name)[0][0]
        except GLib.Error:
            return False

    def with_document(self):
        """The numbers of the windows that show a document."""
        return [number for number in self.windows() if self.can(number, 'save')]

    def on_node(self, document, node, verb):
        self.bus.action('on-node', GLib.Variant('(sxs)', (document.as_uri(), node, verb)))

    def open(self, document):
        """Opens it as the desktop does; the number of its window."""
        before = self.with_document()
        self.bus.open(document.as_uri())

        def new():
            found = [number for number in self.with_document() if number not in before]
            return found[0] if found else None

        return wait_until(new, f'{document.name} to be open')

    def new_window(self):
        """An empty one. It takes the keyboard when it comes, and keys for others would be its own until then."""
        self.bus.action('new-window')
        window = wait_until(lambda: self.x_window('Espalier'), 'an empty window')
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.keys.focused() == window, 'the empty window to have the keyboard', 1)

    # --- Keys

    def x_window(self, title):
        """The X window with that title, or None."""
        found = subprocess.run(['xdotool', 'search', '--all', '--onlyvisible', '--pid', str(self.pid), '--name',
                                f'^{re.escape(title)}$'], capture_output=True, text=True, check=False)
        windows = found.stdout.split()
        return int(windows[-1]) if windows else None

    def close(self, title):
        self.keys.close(wait_until(lambda: self.x_window(title), f'the X window {title!r}'))

    # --- Its processes

    def helpers(self, name):
        """The processes of that name that it has started."""
        return [pid for pid, own, state in children(self.pid) if own.startswith(name[:15]) and state != 'Z']

    def zombies(self):
        return [name for _, name, state in children(self.pid) if state == 'Z']

    def pause(self, seconds):
        """As when the computer sleeps for a while."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    # --- Ending

    def kill(self):
        """SIGKILL; whom it had started must end by themselves."""
        left = [pid for pid, _, _ in children(self.pid)]
        self.window.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in left), 'its processes to end with it')
        wait_until(lambda: self.bus.pid() is None, 'its name to be free')
        self.window.check()

    def quit(self):
        """As by Ctrl+Q; nothing may be under way."""
        left = [pid for pid, _, _ in children(self.pid)]
        self.bus.action('quit')
        self.window.ended()
        wait_until(lambda: not any(is_alive(pid) for pid in left), 'its processes to end with it')
        wait_until(lambda: self.bus.pid() is None, 'its name to be free')
