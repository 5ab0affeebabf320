# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the real window through accessibility, with keys and the mouse where that cannot.

Run under tests/app/with-display.sh, with the Python that has GTK's bindings. Every case gets a
scratch home; a warning or critical message of the program fails it. Screenshots are kept in
$ESPALIER_SCREENSHOTS where that is set.
"""
import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import gi
from gi.repository import Gio, GLib

from accessible import ACTIVE, FOCUSED, SELECTED, SENSITIVE, VISIBLE, connect, program

SOURCE = pathlib.Path(__file__).resolve().parents[3]
APP = os.environ.get('ESP_APP', '')
CLI = os.environ.get('ESP_CLI', '')
CLIPBOARD_OWNER = pathlib.Path(__file__).resolve().parent / 'clipboard-owner.py'
FIRST = 'ESP_FIRST_CASE'  # the number of the first case, for the process that runs them
PATIENCE = float(os.environ.get('ESP_PATIENCE', '30'))  # seconds until something counts as missing

BUTTONS = ('push button', 'toggle button', 'check box', 'radio button')
UNDER_WAY = (', running', ', waiting')  # in the names of such nodes
NOISE = ('dbus-daemon', 'SpiRegistry', 'dconf', 'libEGL', 'MESA', 'Fontconfig warning')


class Skip(Exception):
    """Raised by a case that cannot run here."""


def holds(condition):
    """The condition's value, or None where a widget has just gone."""
    try:
        return condition()
    except GLib.Error:
        return None


def wait_until(condition, what, patience=None):
    """The first true value of `condition`, which is asked again and again."""
    begin, patience = time.monotonic(), patience or PATIENCE
    for turn in itertools.count(1):
        value = holds(condition)
        if value:
            return value
        waited = time.monotonic() - begin
        # On a machine that has hardly any time for us it has hardly any for the program.
        if waited > patience * 5 or waited > patience and turn > patience * 4:
            raise AssertionError(f'waited in vain for {what}')
        time.sleep(0.05)


def repeat_until(act, condition, what):
    """For what does no harm twice: a key that comes while its window is not ready yet is lost."""
    end = time.monotonic() + PATIENCE * 2
    pause = 4
    while True:
        act()
        try:
            return wait_until(condition, what, pause)
        except AssertionError:
            if time.monotonic() > end:
                raise
            print(f'# once more, for {what}', flush=True)
            pause *= 2


def plain(name):
    """GTK 4.8 names a button with a mnemonic twice: "_Open Open"."""
    words = (name or '').split()
    half = len(words) // 2
    if len(words) % 2 == 0 and [w.replace('_', '') for w in words[:half]] == words[half:]:
        return ' '.join(words[half:])
    return (name or '').replace('_', '')


def is_visible(widget):
    # GTK 4.8 says "showing" of windows only.
    return widget.has(VISIBLE)


def is_sensitive(widget):
    return widget.has(SENSITIVE)


class Home:
    """A scratch home that outlives one run of the program, so that it can be opened again."""

    _made = {}  # bytes of files that earlier cases made

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ('home', 'tmp', 'share', 'config/gtk-4.0', 'cache', 'state'):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / 'config/gtk-4.0/settings.ini').write_text(
            '[Settings]\ngtk-font-name=Cantarell 11\ngtk-enable-animations=0\n'
            'gtk-icon-theme-name=Adwaita\ngtk-cursor-theme-name=Adwaita\ngtk-xft-antialias=1\n'
            'gtk-xft-hinting=1\ngtk-xft-hintstyle=hintslight\ngtk-xft-rgba=none\n')
        self.environment = dict(
            os.environ, HOME=str(self.folder / 'home'), TMPDIR=str(self.folder / 'tmp'),
            XDG_DATA_HOME=str(self.folder / 'share'), XDG_CONFIG_HOME=str(self.folder / 'config'),
            XDG_CACHE_HOME=str(self.folder / 'cache'), XDG_STATE_HOME=str(self.folder / 'state'),
            GSK_RENDERER='cairo', GTK_A11Y='atspi', LC_ALL='C.UTF-8', GSETTINGS_BACKEND='keyfile',
            ESPALIER_DATA_DIR=str(SOURCE / 'data'))
        for name in ('ESPALIER_MODEL', 'LANGUAGE'):
            self.environment.pop(name, None)

    def photo(self, name='coffee.png', size=None):
        """A real photo, at another size if one is given."""
        source = SOURCE / 'data/photos' / name

        def make(target):
            if size:
                subprocess.run(['convert', source, '-resize', size, target], check=True)
            else:
                shutil.copyfile(source, target)

        return self.made(name, make, size)

    def settings(self, **values):
        """Settings of before the program starts, as GVariant text."""
        folder = self.folder / 'config/glib-2.0/settings'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'keyfile').write_text('[espalier]\n' + ''.join(
            f'{name.replace("_", "-")}={value}\n' for name, value in values.items()))

    def document(self, *turns, photo='coffee.png', name='Coffee.espalier', size='192x192'):
        """A document with a photo and turns, each of them on the one before."""
        source = self.photo(photo, size)

        def make(path):
            self.cli('new', path, source)
            for turn in turns:
                self.cli('run', path, '-p', turn)

        return self.made(name, make, turns, photo, size)

    def made(self, name, make, *what):
        """A file with that name, which `make` makes; other cases, which each have their own home, get
        copies of it. What it is like follows from the name and `what`."""
        path, key = self.folder / 'home' / name, (name, *what)
        if key in self._made:
            path.write_bytes(self._made[key])
        else:
            make(path)
            self._made[key] = path.read_bytes()
        return path

    def tree(self, document):
        return json.loads(self.cli('tree', document, '--json'))['nodes']

    def ended(self, document, count):
        """The nodes of the file when there are so many and none is to be made: the window knows before the file does."""
        def nodes():
            found = self.tree(document)
            return found if len(found) == count and not {node['state'] for node in found} & {'queued', 'running'} else None

        return wait_until(nodes, f'{count} nodes in the file that have ended')

    def library(self):
        """The documents that the program made by itself."""
        folder = self.folder / 'share/espalier/documents'
        return sorted(folder.glob('*.espalier')) if folder.is_dir() else []

    def cli(self, *arguments, **options):
        done = subprocess.run([CLI, *map(str, arguments)], env=self.environment,
                              capture_output=True, text=True, **options)
        assert done.returncode == 0, f'{" ".join(map(str, arguments))}: {done.stderr}'
        return done.stdout


class Window:
    """A running program and what is on its screen."""

    def __init__(self, home, *arguments, **environment):
        self.home = home
        self.log = home.folder / f'log-{time.monotonic_ns()}.txt'
        self.environment = {**home.environment, **environment}
        connect()  # starts the bus before the program asks for it
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen([APP, *map(str, arguments)], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # Out of the way: what the pointer rests on shows a tooltip.
        subprocess.run(['xdotool', 'mousemove', '1279', '899'], check=True)
        try:
            self.root = wait_until(self._application, 'the program on the accessibility bus')
            wait_until(self.root.children, 'a window')
        except AssertionError:
            self.kill()  # it would take what the next case opens
            raise

    def _application(self):
        if self.process.poll() is not None:
            raise AssertionError(f'the program ended with {self.process.returncode}:\n'
                                 + self.log.read_text(errors='replace'))
        return program(self.process.pid)

    # --- Finding

    def all(self, role=None, name=None):
        """Widgets by role ("push button") and name (a string, or a test of it)."""
        roles = role if isinstance(role, tuple) else (role,)
        found = []
        for widget in self.root.walk():
            if role and widget.role not in roles:
                continue
            if name is not None:
                own = plain(widget.name)
                if not (name(own) if callable(name) else own == name):
                    continue
            found.append(widget)
        return found

    def find(self, role=None, name=None, patience=None):
        found = wait_until(lambda: self.all(role, name),
                           f'{role or "a widget"} named {name!r}', patience)
        return found[0]

    def gone(self, role=None, name=None, patience=None):
        wait_until(lambda: not self.all(role, name), f'{role} {name!r} to go', patience)

    def nodes(self):
        """In the list each is the item with the keyboard and, in it, the row."""
        return [item for item in self.all('tree item') if not self._in_item(item)]

    @staticmethod
    def _in_item(widget):
        while widget.parent is not None:
            widget = widget.parent
            if widget.role == 'tree item':
                return widget
        return None

    def dump(self):
        """What is on the screen, for the message of a failed case."""
        return '\n'.join(f'{widget.role} {widget.name!r}' for widget in self.root.walk()
                         if widget.name and widget.role not in ('filler', 'scroll bar')
                         and not widget.name.startswith('Gtk'))

    # --- Doing

    def press(self, role, name, patience=None):
        """Presses the innermost of that name: GTK 4.8 shows a menu button twice."""
        def usable():
            found = [widget for widget in self.all(role, name) if widget.had(SENSITIVE)]
            return found[-1] if found else None

        widget = wait_until(usable, f'{role} {name!r} to be usable', patience)
        assert widget.press(), f'{name!r} cannot be pressed'
        return widget

    def button(self, name, patience=None):
        return self.press(BUTTONS, name, patience)

    def respond(self, name):
        """Answers a question. It has each button twice, for wide and narrow; one of them is hidden
        and does nothing."""
        def in_question(button):
            while button.parent is not None and button.parent.parent is not None:
                button = button.parent
            return button.role != 'frame'

        def buttons():
            return [button for button in self.all('push button', name) if in_question(button)]

        for button in wait_until(buttons, f'the answer {name!r}'):
            try:
                button.press()
            except GLib.Error:  # it has gone, for the other one was it
                pass

    def choose(self, *names):
        """An item of the menu that is open, or of a submenu of it."""
        self.press('menu item', names[0])
        for menu, name in zip(names, names[1:]):
            wait_until(lambda: self._item_of(menu, name), f'{name!r}').press()

    def _item_of(self, menu, name):
        """All submenus are there at once: the item on the page that has the submenu's title."""
        widgets = list(self.root.walk())
        above = set()  # those in which something has the name
        for widget in widgets:
            if plain(widget.name) == menu:
                while widget is not None:
                    above.add(widget.path)
                    widget = widget.parent

        def distance(item):
            steps = 0
            while item is not None and item.path not in above:
                item, steps = item.parent, steps + 1
            return steps

        found = [widget for widget in widgets
                 if widget.role == 'menu item' and plain(widget.name) == name and widget.had(SENSITIVE)]
        return min(found, key=distance) if found else None

    def menu(self, name, *items):
        """Opens the menu of a button and takes an item of it."""
        self.button(name)
        self.choose(*items)

    def main_menu(self, item):
        self.open_menu('F10', item)
        self.choose(item)

    def open_menu(self, key, item):
        """Opens a menu with a key; it has that item."""
        repeat_until(lambda: self.key(key), lambda: self.all('menu item', item), f'the menu by {key}')

    def focus_tree(self, words=''):
        """The keyboard to the current node, which has these words: into the history, on to the tree."""
        self.key('ctrl+f')
        wait_until(lambda: self.focused() == 'Find in the history', 'the keyboard in the history')
        self.key('Escape')
        wait_until(lambda: self.focused().startswith(('Image:', 'Turn ', 'Sweep '))
                   and words in self.focused(), f'the keyboard on {words or "a node"!r}')

    def node_menu(self, words, *items):
        """Makes a node the current one, opens its menu with the keyboard and takes an item of it."""
        self.select(words)
        self.focus_tree(words)
        self.open_menu('shift+F10', 'Delete')
        if items:
            self.choose(*items)

    def text(self, words, patience=None):
        """Waits until something on the screen says these words."""
        return wait_until(lambda: self.all(None, lambda name: words in name), f'the words {words!r}',
                          patience)[0]

    def silent(self, words, patience=None):
        """Waits until nothing on the screen says these words any more."""
        wait_until(lambda: not self.says(words), f'the words {words!r} to go', patience)

    def says(self, words):
        return bool(self.all(None, lambda name: words in name))

    def node(self, words, patience=None):
        first = self.find('tree item', lambda name: words in name, patience)
        inside = [item for item in self.all('tree item', lambda name: words in name)
                  if (outer := self._in_item(item)) is not None and outer.path == first.path]
        return inside[0] if inside else first

    def select(self, words):
        """Makes a node the current one, as a screen reader would."""
        node = self.node(words)
        node.press()
        wait_until(lambda: node.has(SELECTED), f'{words!r} to be selected')
        return node

    def wait_for_nodes(self, count, words='', patience=None):
        wait_until(lambda: sum(words in node.name for node in self.nodes()) == count,
                   f'{count} nodes {words}', patience)

    def set_value(self, name, value, role='spin button'):
        widget = self.find(role, name)
        widget.set_value(value)
        wait_until(lambda: abs(widget.get_value() - value) < 1e-6,
                   f'{name!r} to be {value}')

    def set_steps(self, steps):
        self.button(lambda name: name.startswith('Settings'))
        self.set_value('Steps', steps)
        self.key('Escape')
        self.gone('spin button', 'Steps')

    def instruct(self, text):
        self.write('Instruction', text)
        self.button('Run')

    def focus_widget(self):
        """What has the keyboard, as a screen reader is told, or None."""
        # A window behind has such a widget, too.
        for widget in self.root.walk():
            if widget.had(FOCUSED):
                window = widget
                while window.parent is not None and window.parent.parent is not None:
                    window = window.parent
                if window.had(ACTIVE):
                    return widget
        return None

    def focused(self):
        """The name of what has the keyboard."""
        widget = self.focus_widget()
        return plain(widget.name) if widget else ''

    def focus_image(self):
        """The keyboard to the image, outside of texts, where keys of one letter are shortcuts."""
        def has_it():
            widget = self.focus_widget()
            return widget is not None and widget.role == 'image'

        def act():
            self.focus()  # nobody gives it back when a dialog goes
            self.click(750, 120)

        repeat_until(act, has_it, 'the keyboard on the image')

    def move_focus(self, words, keys):
        """Presses the keys one after the other, each when the one before has had its effect, until the
        focus is on what has these words in its name."""
        for key in keys:
            before = self.focused()
            if words in before:
                return
            self.key(key)
            with contextlib.suppress(AssertionError):  # not every key moves it
                wait_until(lambda: self.focused() not in ('', before), 'the focus to move', 2)
        wait_until(lambda: words in self.focused(), f'the focus on {words!r}')

    def frames(self):
        """The windows that show, by title."""
        return [window.get_name() for window in self.windows() if window.get_role_name() == 'frame']

    def leave_preferences(self):
        """The first Escape may go to a toast."""
        wait_until(lambda: 'Preferences' not in self.frames() or self.key('Escape'),
                   'the preferences to close')

    def windows(self):
        return [child for child in self.root.children() if is_visible(child)]

    def write(self, name, text, role=('text', 'entry')):
        widget = self.find(role, name)
        widget.set_text(text)
        wait_until(lambda: self.read(widget) == text, f'{name!r} to be written')
        return widget

    @staticmethod
    def read(widget):
        return widget.get_text()

    def window_ids(self):
        """The X windows, the one in front last; menus have no name and do not count."""
        found = subprocess.run(['xdotool', 'search', '--all', '--onlyvisible', '--pid',
                                str(self.process.pid), '--name', '.'],
                               capture_output=True, text=True)
        return found.stdout.split()

    def window_id(self):
        return (self.window_ids() or [''])[-1]

    def _in_front(self):
        """The X window in front of those that the program says are there. It says so before the server
        does, and a key for a window that goes is lost; a tooltip is not a window for it."""
        found, told = self.window_ids(), [window.get_name() for window in self.windows()]
        if len(found) > len(told):
            found = [one for one in found if self._title(one) in told]
        return found[-1] if found and len(found) == len(told) else None

    @staticmethod
    def _title(window):
        found = subprocess.run(['xdotool', 'getwindowname', window], capture_output=True, text=True)
        return found.stdout.rstrip('\n')

    def focus(self):
        """Gives the keyboard to the window in front, which may become another one meanwhile."""
        try:
            wait_until(self._in_front, 'the X windows to be as told', 10)
        except AssertionError:
            print(f'# windows: {[self._title(one) for one in self.window_ids()]}, but '
                  f'{[child.get_name() for child in self.windows()]} are told')
        asked = itertools.count(1)

        def has_it():
            window = self._in_front() or self.window_id()
            found = subprocess.run(['xdotool', 'getwindowfocus'], capture_output=True, text=True)
            if found.stdout.strip() == window:
                # GTK 4.8 says "active" of frames only, not of dialogs.
                if any(child.has(ACTIVE) or child.get_role_name() != 'frame' for child in self.windows()):
                    return True
                if next(asked) % 40 == 0:  # it came while the window was not ready to be told
                    subprocess.run(['xdotool', 'windowfocus', self.window_ids()[0]], capture_output=True, check=False)
                return False
            # Refused as long as the window is not on the screen.
            subprocess.run(['xdotool', 'windowfocus', window], capture_output=True, check=False)
            return False

        wait_until(has_it, 'the window in front to have the keyboard')

    def key(self, *keys):
        self.focus()
        subprocess.run(['xdotool', 'key', '--clearmodifiers', *keys], check=True)
        time.sleep(0.1)

    def type(self, text):
        self.focus()
        subprocess.run(['xdotool', 'type', '--delay', '5', text], check=True)

    def click(self, x, y, button=1):
        window = wait_until(self._in_front, 'a window')
        # Then out of the way again, for the tooltips.
        subprocess.run(['xdotool', 'mousemove', '--window', window, str(x), str(y),
                        'click', str(button), 'mousemove', '1279', '899'], check=True)

    def size(self):
        window = wait_until(self.window_id, 'an X window')
        found = subprocess.run(['xdotool', 'getwindowgeometry', '--shell', window],
                               capture_output=True, text=True, check=True).stdout
        values = dict(line.split('=') for line in found.split())
        return int(values['WIDTH']), int(values['HEIGHT'])

    def resize(self, width, height):
        window = wait_until(self.window_id, 'an X window')
        subprocess.run(['xdotool', 'windowsize', window, str(width), str(height)],
                       check=True)
        wait_until(lambda: self.size() == (width, height), f'a window of {width}×{height}')

    def choose_file(self, path):
        """Types a path into the file dialog that is open."""
        wait_until(self._file_dialog, 'a file dialog')
        if self.all('text', 'Name:'):
            self.write('Name:', str(path))
        else:
            self.key('ctrl+l')
            self.type(str(path))
        time.sleep(0.2)

        def accept():
            self.focus()
            if self._file_dialog():
                self.key('Return')

        # One may go to the list of names that complete what was typed.
        repeat_until(accept, lambda: not self._file_dialog(), 'the file dialog to go')

    def _file_dialog(self):
        return self.all('filler', 'GtkFileChooserWidget')

    def clipboard(self):
        """The text in the clipboard, as another program gets it."""
        done = subprocess.run([sys.executable, __file__, '--clipboard'], env=self.environment,
                              capture_output=True, text=True, timeout=PATIENCE * 5)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # --- Seeing

    def shot(self, name):
        """A picture of the window; fails if there is next to nothing on it. Returns its path."""
        folder = pathlib.Path(os.environ.get('ESPALIER_SCREENSHOTS') or self.home.folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f'{name}.png'
        time.sleep(0.3)
        subprocess.run(['import', '-window', self.window_id() or 'root', '-quality', '10', path], check=True)
        colors = int(subprocess.run(['identify', '-format', '%k', path], check=True,
                                    capture_output=True, text=True).stdout)
        assert colors > 60, f'{name}: only {colors} colours on the screen'
        return path

    # --- Ending

    def complaints(self):
        return [line for line in self.log.read_text(errors='replace').splitlines()
                if ('WARNING' in line or 'CRITICAL' in line or 'ERROR' in line)
                and not any(noise in line for noise in NOISE)]

    def quit(self, patience=None):
        """Ctrl+Q, and waits until the program has ended by itself. The file has a turn a moment before the
        window has; until then it would ask what shall become of it."""
        wait_until(lambda: not any(words in node.name for node in self.nodes() for words in UNDER_WAY),
                   'the turns to be done')
        self.key('ctrl+q')
        self.ended(patience)

    def ended(self, patience=None):
        wait_until(lambda: self.process.poll() is not None, 'the program to end', patience)
        assert self.process.returncode == 0, f'it ended with {self.process.returncode}'
        self.check()

    def check(self):
        found = self.complaints()
        assert not found, 'the program complained:\n' + '\n'.join(found[:10])

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


class Notifications:
    """Takes the place of the desktop's notifications, and keeps what they say."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / 'notifications'
        self.path.touch()
        self.process = subprocess.Popen([sys.executable, __file__, '--notifications', self.path],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()  # it is ready

    def stop(self):
        self.process.terminate()
        self.process.wait()


def serve_notifications(path):
    interface = Gio.DBusNodeInfo.new_for_xml("""
      <node><interface name='org.freedesktop.Notifications'>
        <method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/>
          <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
          <arg type='as' direction='in'/><arg type='a{sv}' direction='in'/>
          <arg type='i' direction='in'/><arg type='u' direction='out'/></method>
        <method name='CloseNotification'><arg type='u' direction='in'/></method>
        <method name='GetCapabilities'><arg type='as' direction='out'/></method>
      </interface></node>""").interfaces[0]

    def on_call(connection, sender, path_, name, method, parameters, invocation):
        if method == 'Notify':
            with open(path, 'a', encoding='utf-8') as file:
                file.write(' '.join(parameters.unpack()[3:5]) + '\n')
            invocation.return_value(GLib.Variant('(u)', (1,)))
        elif method == 'GetCapabilities':
            invocation.return_value(GLib.Variant('(as)', (['body', 'actions'],)))
        else:
            invocation.return_value(None)

    def on_bus(connection, name):
        connection.register_object('/org/freedesktop/Notifications', interface, on_call, None, None)

    Gio.bus_own_name(Gio.BusType.SESSION, 'org.freedesktop.Notifications', 0, on_bus,
                     lambda connection, name: print('ready', flush=True), None)
    GLib.MainLoop().run()


def print_clipboard():
    gi.require_version('Gtk', '4.0')
    from gi.repository import Gdk, Gtk  # not for the driver itself, which has no windows
    Gtk.init()
    loop = GLib.MainLoop()

    def done(clipboard, result):
        print(clipboard.read_text_finish(result), end='')
        loop.quit()

    Gdk.Display.get_default().get_clipboard().read_text_async(None, done)
    loop.run()


_cases = []


def case(function):
    _cases.append(function)
    return function


def run():
    """Runs the cases that were named as arguments, or all, in a process of their own. TAP on standard
    output. If that process is killed by a signal, which is no fault of the program, it is started once
    more with the case that it was in."""
    for needed in (APP, CLI):
        if not os.access(needed, os.X_OK):
            print(f'1..0 # SKIP {needed or "the program"} is not built')
            return 0
    wanted = [c for c in _cases if not sys.argv[1:] or c.__name__ in sys.argv[1:]]
    if FIRST in os.environ:
        return run_cases(wanted, int(os.environ[FIRST]))
    print(f'1..{len(wanted)}', flush=True)
    ctypes.CDLL(None).prctl(36, 1)  # what the process leaves behind becomes a child of this one
    names, told, status = sys.argv[1:], 0, 0
    for may_die in (True, False):
        with subprocess.Popen([sys.executable, sys.argv[0], *names], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, FIRST: str(told + 1), 'PYTHONFAULTHANDLER': '1'}) as child:
            for line in child.stdout:
                told += line.startswith(('ok ', 'not ok '))
                status |= line.startswith('not ok ')
                print(line, end='', flush=True)
        if child.returncode >= 0 or told == len(wanted):
            return status or child.returncode
        end_children()
        print(f'# the driver was ended by signal {-child.returncode} in {wanted[told].__name__}', flush=True)
        names = [function.__name__ for function in wanted[told:]]
        if not may_die:
            print('Bail out! Twice is too often.')
    return 1


def end_children():
    for pid in pathlib.Path(f'/proc/self/task/{os.getpid()}/children').read_text().split():
        os.kill(int(pid), signal.SIGKILL)
        os.waitpid(int(pid), 0)


def make_folder():
    """Without an underscore, which a path may have and what is looked for in labels has not: see plain()."""
    while True:
        folder = tempfile.mkdtemp(prefix='espalier-app-')
        if '_' not in folder:
            return folder
        os.rmdir(folder)


def run_cases(wanted, first):
    connect()
    failed = 0
    for number, function in enumerate(wanted, first):
        name = function.__name__.replace('_', ' ')
        folder = make_folder()
        windows = []

        def start(*arguments, **environment):
            windows.append(Window(home, *arguments, **environment))
            return windows[-1]

        notifications = Notifications(folder)
        try:
            home = Home(folder)
            home.notifications = notifications.path
            function(home, start)
            for window in windows:
                window.check()
            print(f'ok {number} - {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}', flush=True)
        except Exception:
            print('\n'.join(f'# {line}' for line in traceback.format_exc().splitlines()))
            if os.environ.get('ESPALIER_SCREENSHOTS'):
                subprocess.run(['import', '-window', 'root', pathlib.Path(
                    os.environ['ESPALIER_SCREENSHOTS']) / f'failed-{function.__name__}.png'])
            for window in windows:
                with contextlib.suppress(GLib.Error):  # it has ended, or says nothing
                    print('\n'.join(f'# {line}' for line in window.dump().splitlines()[:400]))
                print('\n'.join(f'# {line}' for line in
                                window.log.read_text(errors='replace').splitlines()[-30:]))
            print(f'not ok {number} - {name}', flush=True)
            failed += 1
        finally:
            for window in windows:
                window.kill()
            notifications.stop()
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__' and sys.argv[1:2] == ['--notifications']:
    serve_notifications(sys.argv[2])
if __name__ == '__main__' and sys.argv[1:2] == ['--clipboard']:
    print_clipboard()
