# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program tells screen readers, asked over the accessibility bus, call by call.

Not with libatspi: it keeps what it was told (and so knows what is no longer true), and it asks every
program that comes for all it has, which crashes the one who asks where the program is too slow or
just gone. Here nothing is remembered but in a tree that was asked for at once.
"""
from gi.repository import Gio, GLib

ACTIVE, FOCUSED, PRESSED, SELECTED, SENSITIVE, VISIBLE = 1, 12, 20, 23, 24, 30  # of AT-SPI's states

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
    52: 'spin button', 54: 'status bar', 55: 'table', 56: 'table cell', 61: 'text', 62: 'toggle button', 64: 'tool tip',
    65: 'tree', 69: 'window', 75: 'application', 79: 'entry', 83: 'heading', 88: 'link', 91: 'tree item',
    98: 'list box', 99: 'grouping', 101: 'notification', 103: 'level bar',
}

_bus = None


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
    return _bus


def call(owner, path, interface, method, signature=None, *arguments):
    parameters = GLib.Variant(signature, arguments) if signature else None
    answer = connect().call_sync(owner, path, interface, method, parameters, None, 0, SECONDS * 1000)
    values = answer.unpack()
    return values[0] if values else None


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
    gone; `role`, `name`, `states` and `parent` are what walk () found."""

    def __init__(self, owner, path, parent=None):
        self.owner, self.path, self.parent = owner, path, parent
        self.role = self.name = ''
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
        try:
            items = self.call_of_program('GetItems')
        except GLib.Error:  # the program does not offer it yet
            items = []
        told = {item[0][1]: item for item in items}
        return self._walk(told, 0)

    def call_of_program(self, method):
        return call(self.owner, '/org/a11y/atspi/cache', 'org.a11y.atspi.Cache', method)

    def _look(self, told):
        # Of nearly all widgets the program told in one answer; what has just come is asked.
        if self.path in told:
            *_, self.name, number, _, (low, high) = told[self.path]
            self.states = low | high << 32
            self.role = ROLES.get(number, f'role {number}')
        else:
            self.name, self.role, self.states = self.get_name(), self.get_role_name(), self.get_states()

    def _walk(self, told, depth):
        try:
            self._look(told)
            if depth and not self.had(VISIBLE):
                return
            yield self
            for child in self.children() if depth < DEPTH else ():
                yield from child._walk(told, depth + 1)
        except GLib.Error as error:
            # A widget has just gone, most likely; a program that says nothing is not an empty one.
            if not depth or error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT):
                raise
