# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program tells screen readers, asked over the accessibility bus, call by call.

Not with libatspi: it keeps what it was told (and so knows what is no longer true), and it asks every
program that comes for all it has, which crashes the one who asks where the program is too slow or
just gone. Here each look at a program is one answer in which it tells of all its widgets that somebody
has asked for before; the others are asked for first, all of a level at once. Only whose
children they are is remembered, until the program says that it has changed.
"""
import ast
import itertools
import re
from typing import NamedTuple

from gi.repository import Gio, GLib

# Of AT-SPI's states.
ACTIVE, BUSY, CHECKED, EXPANDED, FOCUSABLE, FOCUSED = 1, 3, 4, 10, 11, 12
MODAL, PRESSED, SELECTED, SENSITIVE, VISIBLE = 16, 20, 23, 24, 30

ACCESSIBLE = 'org.a11y.atspi.Accessible'
ROOT = '/org/a11y/atspi/accessible/root'
DEPTH = 60
SECONDS = 20

# Roles by number, with AT-SPI's names; a program tells ARIA's names.
ROLES = {
    2: 'alert', 7: 'check box', 11: 'combo box', 16: 'dialog', 20: 'filler', 23: 'frame', 27: 'image',
    29: 'label', 31: 'list', 32: 'list item', 33: 'menu', 35: 'menu item', 37: 'page tab',
    38: 'page tab list', 39: 'panel', 40: 'password text', 42: 'progress bar', 43: 'push button',
    44: 'radio button', 47: 'row header', 48: 'scroll bar', 49: 'scroll pane', 50: 'separator', 51: 'slider',
    52: 'spin button', 54: 'status bar', 55: 'table', 56: 'table cell', 57: 'column header', 61: 'text', 62: 'toggle button',
    63: 'tool bar', 64: 'tool tip',
    65: 'tree', 69: 'window', 75: 'application', 79: 'entry', 83: 'heading', 88: 'link', 91: 'tree item',
    98: 'list box', 99: 'grouping', 101: 'notification', 103: 'level bar',
}

_bus = None
_children = {}  # paths by (owner, path), as last asked for


def connect():
    """Starts the accessibility bus and its registry if nobody has."""
    global _bus
    if _bus is None:
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        address, = session.call_sync('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress', None,
                                     None, 0, SECONDS * 1000).unpack()
        _bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        _bus.signal_subscribe(None, 'org.a11y.atspi.Event.Object', 'ChildrenChanged', None, None, 0,
                              lambda bus, owner, path, *_: _children.pop((owner, path), None))
    return _bus


def call(owner, path, interface, method, signature=None, *arguments):
    parameters = GLib.Variant(signature, arguments) if signature else None
    answer = connect().call_sync(owner, path, interface, method, parameters, None, 0, SECONDS * 1000)
    values = answer.unpack()
    return values[0] if values else None


def ask_all(owner, paths, method):
    """What each of these widgets answers, by path; without those that have gone. All are asked at once."""
    answers, wanting, silent = {}, set(paths), []

    def answered(bus, result, path):
        wanting.discard(path)
        try:
            answers[path], = bus.call_finish(result).unpack()
        except GLib.Error as error:
            if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT):
                silent.append(error)

    for path in paths:
        connect().call(owner, path, ACCESSIBLE, method, None, None, 0, SECONDS * 1000, None, answered, path)
    while wanting:
        GLib.MainContext.default().iteration(True)
    if silent:  # a program that says nothing is not an empty one
        raise silent[0]
    return answers


def program(pid):
    """The program with that process, or None as long as it is not on the bus."""
    for owner, path in call('org.a11y.atspi.Registry', ROOT, ACCESSIBLE, 'GetChildren'):
        try:
            if call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                    'GetConnectionUnixProcessID', '(s)', owner) == pid:
                return Widget(owner, path)
        except GLib.Error:  # one that has just ended
            continue
    return None


class Widget:
    """A widget (or window, or program). Each method asks it anew, and raises GLib.Error if it has
    gone; `role`, `name`, `description`, `interfaces`, `states`
    and `parent` are what walk () found."""

    def __init__(self, owner, path, parent=None):
        self.owner, self.path, self.parent = owner, path, parent
        self.role = self.name = self.description = self.interfaces = ''
        self.states = 0

    def call(self, interface, method, signature=None, *arguments):
        return call(self.owner, self.path, interface, method, signature, *arguments)

    def value_of(self, interface, name):
        return self.call('org.freedesktop.DBus.Properties', 'Get', '(ss)', interface, name)

    def get_name(self):
        return self.value_of(ACCESSIBLE, 'Name')

    def get_description(self):
        return self.value_of(ACCESSIBLE, 'Description')

    def get_role_name(self):
        number = self.call(ACCESSIBLE, 'GetRole')
        return ROLES.get(number, f'role {number}')

    def get_states(self):
        low, high = self.call(ACCESSIBLE, 'GetState')
        return low | high << 32

    def has(self, state):
        return bool(self.get_states() >> state & 1)

    def had(self, state):
        """Whether it was so when walk () came by."""
        return bool(self.states >> state & 1)

    def children(self):
        return [Widget(owner, path, self)
                for owner, path in self.call(ACCESSIBLE, 'GetChildren') if path.count('/null') == 0]

    def press(self):
        return self.call('org.a11y.atspi.Action', 'DoAction', '(i)', 0)

    def get_text(self):
        return self.call('org.a11y.atspi.Text', 'GetText', '(ii)', 0,
                         self.value_of('org.a11y.atspi.Text', 'CharacterCount'))

    def set_text(self, text):
        return self.call('org.a11y.atspi.EditableText', 'SetTextContents', '(s)', text)

    def get_value(self):
        return self.value_of('org.a11y.atspi.Value', 'CurrentValue')

    def set_value(self, value):
        self.call('org.freedesktop.DBus.Properties', 'Set', '(ssv)', 'org.a11y.atspi.Value', 'CurrentValue',
                  GLib.Variant('d', value))

    def extents(self):
        """Its place in its window: x, y, width, height."""
        return self.call('org.a11y.atspi.Component', 'GetExtents', '(u)', 1)

    def walk(self):
        """It and what is in it, without what is hidden (but with a stack's other pages)."""
        items = told(self.owner)
        if self._acquaint(items):
            items = told(self.owner)
        return self._walk(items, 0)

    def _acquaint(self, items):
        """Asks for what walk () will look at and the program has not told of, and whose children they are.
        Returns whether there was any such widget: the program tells of it by itself from now on."""
        level, new = [self.path], False
        for depth in itertools.count():
            if not level or depth > DEPTH:
                return new
            strange = [path for path in level if path not in items]
            new = new or bool(strange)
            states = ask_all(self.owner, strange, 'GetState')
            states.update((path, (items[path].states, 0)) for path in level if path in items)
            shown = [path for path in level if path in states and (not depth or states[path][0] >> VISIBLE & 1)]
            for path, children in ask_all(self.owner, [path for path in shown if not self._knows_children(path, items)],
                                          'GetChildren').items():
                _children[self.owner, path] = [child for _, child in children if '/null' not in child]
            level = [child for path in shown for child in _children.get((self.owner, path), ())]

    def _knows_children(self, path, items):
        known, item = _children.get((self.owner, path)), items.get(path)
        # In a stack there are pages between, which only the items know of.
        return known is not None and item is not None and len(known) == item.child_count and all(
            child in items and (items[child].parent != path or items[child].index == index)
            for index, child in enumerate(known))

    def _look(self, items):
        # Of nearly all widgets the program told in one answer; what has come since is asked.
        item = items.get(self.path)
        if item:
            self.name, self.states, self.role = item.name, item.states, ROLES.get(item.role, f'role {item.role}')
            self.description, self.interfaces = item.description, item.interfaces
        else:
            self.name, self.role, self.states = self.get_name(), self.get_role_name(), self.get_states()
            self.description, self.interfaces = self.get_description(), str(self.call(ACCESSIBLE, 'GetInterfaces'))

    def _inside(self):
        known = _children.get((self.owner, self.path))
        if known is None:  # it has changed since
            return self.children()
        return [Widget(self.owner, path, self) for path in known]

    def _walk(self, items, depth):
        try:
            self._look(items)
            if depth and not self.had(VISIBLE):
                return
            yield self
            for child in self._inside() if depth < DEPTH else ():
                yield from child._walk(items, depth + 1)
        except GLib.Error as error:
            # A widget has just gone, most likely; a program that says nothing is not an empty one.
            if not depth or error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT):
                raise


class Item(NamedTuple):
    """What a program tells of one widget in the answer in which it tells of all, hidden ones included."""
    path: str
    parent: str
    index: int
    child_count: int
    name: str
    role: int
    states: int
    description: str
    interfaces: str


_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_REFERENCE = r"\('[^']*', '([^']*)'\)"
# Reference, program, parent, index, number of children, interfaces, name, role, description, states.
_ITEM = re.compile(rf"\({_REFERENCE}, {_REFERENCE}, {_REFERENCE}, (-?\d+), (\d+), (\[[^]]*\]), "
                   rf"({_TEXT}), (\d+), ({_TEXT}), \[(\d+), \d+\]\)")


def told(owner):
    """The widgets of a program, by path, in one answer: each question keeps it from going on."""
    try:
        answer = connect().call_sync(owner, '/org/a11y/atspi/cache', 'org.a11y.atspi.Cache', 'GetItems', None,
                                     None, 0, SECONDS * 1000)
    except GLib.Error:  # the program does not offer it yet
        return {}
    while GLib.MainContext.default().iteration(False):
        pass  # what it said of children before it answered
    # Unpacking the answer value by value takes ten times as long.
    found = _ITEM.findall(answer.print_(False))
    assert len(found) == answer.get_child_value(0).n_children()
    return {path: Item(path, parent, int(index), int(count), _unquoted(name), int(role), int(states),
                       _unquoted(description), interfaces)
            for path, _, parent, index, count, interfaces, name, role, description, states in found}


def _unquoted(text):
    return ast.literal_eval(text) if '\\' in text else text[1:-1]
