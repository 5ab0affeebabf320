# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every widget of a window for those who hear it or have no mouse."""
import re
import subprocess
import time

from gi.repository import GLib

from accessible import FOCUSABLE, SENSITIVE, connect
from drive import plain
from reach import NAMELESS

CONTROLS = ('push button', 'toggle button', 'check box', 'radio button', 'text', 'password text', 'entry', 'slider',
            'spin button', 'combo box', 'menu item', 'tree item', 'page tab', 'link', 'table cell')
# What the keyboard may rest on besides.
RESTS = CONTROLS + ('list item', 'list', 'tree', 'table', 'image', 'label', 'separator', 'list box', 'grouping', 'menu',
                    'row header', 'column header')
RANGES = ('slider', 'spin button', 'progress bar', 'level bar')
# Between the controls of these the arrow keys go, and Tab goes on to the next one.
BY_ARROWS = ('list', 'list box', 'tree', 'table', 'menu', 'grouping', 'page tab list')
ICON_NAME = re.compile(r'[a-z0-9]+(-[a-z0-9]+)*-symbolic')
# What GTK 4.8 and libadwaita 1.2 do so, and nobody can change from outside, by name and reason.
OF_TOOLKIT = {
    # Only with the mouse; for the keyboard there is the window's own menu of the desktop, and Ctrl+W.
    'Minimize', 'Maximize', 'Restore', 'Close',
    # The eye of a password's row: a picture with the role of a button, whose name cannot be set; its description
    # says what it does.
    'GtkImage',
}
VALUE = 'org.a11y.atspi.Value'


def above(widget):
    """What it is in, from the inside out."""
    while widget.parent is not None:
        widget = widget.parent
        yield widget


def within(widget, pattern):
    """Whether what it is in has such a name, or it is not a control and has it."""
    inside = above(widget) if widget.role in CONTROLS else (widget, *above(widget))
    return any(re.fullmatch(pattern, other.name) for other in inside if other.name != widget.name or other is widget)


def left_out(widget, but):
    return any(re.fullmatch(name, other.name) for name in but for other in (widget, *above(widget)))


def told(widget):
    places = [plain(other.name) for other in above(widget)
              if other.name and not NAMELESS.match(other.name) and other.role != 'application']
    return f'{widget.role} {widget.name!r} in {" in ".join(places[:2])}'


def parts_of(widget):
    """Whether it is a part of a control that says all of it: the button in a menu button, an icon in a button."""
    return any(other.role in CONTROLS for other in above(widget))


def without_name(widget):
    name = plain(widget.name)
    if NAMELESS.match(name) or ICON_NAME.fullmatch(name):
        return True
    words = widget.name.split()
    half = len(words) // 2
    doubled = len(words) > 1 and len(words) % 2 == 0 and [w.replace('_', '') for w in words[:half]] == words[half:]
    return doubled or '_' in re.sub(r'\S*[./]\S*', '', widget.name)


def is_of_toolkit(widget):
    return widget.name in OF_TOOLKIT and widget.role == 'push button' and widget.description


def wrong_names(widgets):
    for widget in widgets:
        control = widget.role in CONTROLS or widget.role in ('image', 'list item', 'progress bar')
        focusable = widget.had(FOCUSABLE) and widget.role not in ('scroll pane', 'list', 'window', 'frame')
        if not control and not focusable:
            continue
        if widget.role in ('image', 'filler') and parts_of(widget) or widget.role == 'image' and not widget.had(
                FOCUSABLE) and any(other.role == 'list item' for other in above(widget)):
            continue  # what it is in says it
        if without_name(widget) and not is_of_toolkit(widget):
            yield f'no name of its own: {told(widget)}'
        elif widget.had(FOCUSABLE) and widget.role not in RESTS and not parts_of(widget):
            yield f'no role of what it is: {told(widget)}'


def wrong_values(widgets):
    for widget in widgets:
        if widget.role not in RANGES:
            continue
        if VALUE not in widget.interfaces:
            # GTK 4.8 tells of values of its own widgets only: then the name has it.
            if not re.search(r'\d|No stars', widget.name):
                yield f'its value is not told: {told(widget)}'
            continue
        low, high, now = (widget.value_of(VALUE, which) for which in ('MinimumValue', 'MaximumValue', 'CurrentValue'))
        if not low < high or not low <= now <= high:
            yield f'{now} is no value from {low} to {high}: {told(widget)}'


def alike(widgets):
    """Controls of one place that cannot be told apart by what is said of them."""
    seen = {}
    for widget in widgets:
        # A switcher of pages is there twice, for wide windows and for narrow ones.
        if (widget.role not in CONTROLS or widget.role == 'page tab' or widget.name in OF_TOOLKIT
                or not widget.had(FOCUSABLE) or parts_of(widget) and not NAMELESS.match(widget.name)):
            continue
        rows = [plain(other.name) for other in above(widget) if other.role in ('list item', 'tree item', 'grouping')]
        key = (widget.role, plain(widget.name), widget.description, tuple(rows))
        if key in seen:
            yield f'as another one: {told(widget)}'
        seen[key] = widget


def complaints(window, inside=None, but=()):
    """What is wrong of the widgets in those that have the name `inside`."""
    widgets = [widget for widget in window.root.walk()
               if (inside is None or within(widget, inside)) and not left_out(widget, but)]
    assert widgets, f'there is nothing in {inside!r}'
    return [*wrong_names(widgets), *wrong_values(widgets), *alike(widgets)]


class Focus:
    """Follows the keyboard by what the program tells of it."""

    def __init__(self, window):
        self.window = window
        self.paths = []
        self.bus = connect()
        self.subscription = self.bus.signal_subscribe(
            self.window.root.owner, 'org.a11y.atspi.Event.Object', 'StateChanged', None, 'focused', 0, self._on_focus)

    def _on_focus(self, bus, owner, path, interface, signal, parameters):
        if parameters.get_child_value(1).get_int32():
            self.paths.append(path)

    def press(self, *keys):
        """Presses them, and returns once the program has had its say about each of them."""
        count = len(self.paths)
        subprocess.run(['xdotool', 'key', '--delay', '30', '--clearmodifiers', *keys], check=True)
        end = time.monotonic() + 2
        while len(self.paths) < count + len(keys) and time.monotonic() < end:
            GLib.MainContext.default().iteration(False)
            time.sleep(0.005)

    def round(self, key='Tab', most=160):
        """Where a key leads, until it comes back to where it has been."""
        self.window.focus()
        self.paths.clear()
        while len(self.paths) < most:
            before = len(self.paths)
            self.press(*[key] * 8)
            if len(self.paths) == before or len(set(self.paths)) < len(self.paths) - 8:
                break
        return list(dict.fromkeys(self.paths))

    def end(self):
        self.bus.signal_unsubscribe(self.subscription)


def is_idle(widget, widgets):
    """Whether it is what GTK 4.8 has the keyboard on in a menu of which hardly an item can be chosen."""
    return widget.role == 'scroll pane' and 1 >= sum(
        other.role in CONTROLS and other.had(SENSITIVE) and other.had(FOCUSABLE)
        and any(outer.path == widget.path for outer in above(other)) for other in widgets)


def unreached(window, inside, but=()):
    """Controls in it where Tab does not come, nor the arrow keys from where it comes; and where it comes to
    without saying what that is."""
    focus = Focus(window)
    paths = set(focus.round())
    focus.end()
    assert paths, 'Tab leads nowhere'
    widgets = list(window.root.walk())
    groups = {other.path for widget in widgets if widget.path in paths
              for other in (widget, *above(widget)) if other.role in BY_ARROWS}
    for widget in widgets:
        if (widget.path in paths and (without_name(widget) or widget.role not in RESTS)
                and not is_idle(widget, widgets) and not is_of_toolkit(widget)):
            yield f'Tab leads to what says nothing: {told(widget)}'
        if (widget.name in OF_TOOLKIT or widget.role not in CONTROLS or not widget.had(FOCUSABLE)
                or not widget.had(SENSITIVE) or widget.path in paths or not within(widget, inside)
                or left_out(widget, but)):
            continue
        if any(other.role in CONTROLS and not other.had(SENSITIVE) for other in above(widget)):
            continue
        if not any(other.path in groups or other.path in paths for other in above(widget)):
            yield f'Tab does not come to it: {told(widget)}'
