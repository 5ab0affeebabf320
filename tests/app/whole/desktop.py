# SPDX-License-Identifier: GPL-3.0-or-later
"""What a desktop is to a program, on the bus of the tests: notifications as GNOME's shell takes them, a
session that can be kept from ending, and the portal for work in the background.

`with Desktop (folder) as desktop`: what the program said is in desktop.calls ().
"""
import ctypes
import json
import pathlib
import subprocess
import sys

from gi.repository import Gio, GLib

PORTAL = 'org.freedesktop.portal.Desktop'
REQUEST = 'org.freedesktop.portal.Request'
SERVED = {
    '/org/gtk/Notifications': ('org.gtk.Notifications', """
      <interface name='org.gtk.Notifications'>
        <method name='AddNotification'><arg type='s'/><arg type='s'/><arg type='a{sv}'/></method>
        <method name='RemoveNotification'><arg type='s'/><arg type='s'/></method></interface>"""),
    '/org/gnome/SessionManager': ('org.gnome.SessionManager', """
      <interface name='org.gnome.SessionManager'>
        <method name='Inhibit'><arg type='s'/><arg type='u'/><arg type='s'/><arg type='u'/>
          <arg type='u' direction='out'/></method>
        <method name='Uninhibit'><arg type='u'/></method>
        <method name='RegisterClient'><arg type='s'/><arg type='s'/><arg type='o' direction='out'/></method>
      </interface>"""),
    '/org/freedesktop/portal/desktop': (PORTAL, """
      <interface name='org.freedesktop.portal.Background'>
        <method name='RequestBackground'><arg type='s'/><arg type='a{sv}'/>
          <arg type='o' direction='out'/></method>
        <method name='SetStatus'><arg type='a{sv}'/></method></interface>"""),
}


class Desktop:
    """The desktop, in a process of its own. `allows`: whether programs may go on without a window."""

    def __init__(self, folder, allows=True):
        self.path = pathlib.Path(folder) / 'desktop.json'
        self.path.touch()
        self.allows = allows

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__, self.path, str(int(self.allows))],
                                        stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b'ready\n'
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()

    def calls(self, method=None):
        """Arguments of all calls of a method, in order; or all calls as [method, arguments]."""
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return lines if method is None else [arguments for name, arguments in lines if name == method]

    def notifications(self):
        """What is to be seen now: by id, the last that was said."""
        seen = {}
        for method, arguments in self.calls():
            if method == 'AddNotification':
                seen.pop(arguments[1], None)
                seen[arguments[1]] = arguments[2]
            elif method == 'RemoveNotification':
                seen.pop(arguments[1], None)
        return list(seen.values())

    def inhibitions(self):
        """Those that are in force: (flags, reason)."""
        seen = {}
        for number, (method, arguments) in enumerate(self.calls()):
            if method == 'Inhibit':
                seen[arguments[-1]] = (arguments[3], arguments[2])
            elif method == 'Uninhibit':
                seen.pop(arguments[0], None)
        return list(seen.values())


def look_away():
    """The keyboard to no window at all, as if another program were in front."""
    x11 = ctypes.CDLL('libX11.so.6')
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    x11.XSetInputFocus(display, ctypes.c_ulong(0), 0, ctypes.c_ulong(0))  # None, RevertToNone, CurrentTime
    x11.XCloseDisplay(display)


class Program:
    """The program as the desktop starts it and speaks to it: by its name on the bus."""

    def __init__(self, app_id):
        self.name, self.path = app_id, '/' + app_id.replace('.', '/')
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def _call(self, name, path, interface, method, parameters, flags=0):
        return self.bus.call_sync(name, path, interface, method, parameters, None, flags, 60000).unpack()

    def application(self, method, signature, *arguments):
        self._call(self.name, self.path, 'org.freedesktop.Application', method,
                   GLib.Variant(signature, arguments))

    def activate(self):
        self.application('Activate', '(a{sv})', {})

    def open(self, *uris):
        self.application('Open', '(asa{sv})', list(uris), {})

    def action(self, name, *target):
        """As the shell does it: a name, and a target as a GVariant or nothing."""
        self.application('ActivateAction', '(sava{sv})', name, list(target), {})

    def search(self, method, signature, *arguments):
        """As the shell searches; the answer."""
        answer = self._call(self.name, self.path + '/SearchProvider', 'org.gnome.Shell.SearchProvider2', method,
                            GLib.Variant(signature, arguments))
        return answer[0] if answer else None

    def press(self, button):
        """A button of a notification, or the notification itself."""
        prefix = 'default-action' if 'default-action' in button else 'action'
        name = button[prefix].removeprefix('app.')
        key = 'default-action-target' if prefix == 'default-action' else 'target'
        target = [GLib.Variant('(sxs)', tuple(button[key]))] if name == 'on-node' else []
        self.action(name, *target)

    def pid(self):
        """Of the process that has the name, or None."""
        try:
            return self._call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                              'GetConnectionUnixProcessID', GLib.Variant('(s)', (self.name,)))[0]
        except GLib.Error:
            return None

    def reload_services(self):
        self._call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'ReloadConfig', None)


def serve(path, allows):
    cookies = iter(range(1, 1000))

    def answer(bus, sender, arguments):
        handle = (f'/org/freedesktop/portal/desktop/request/{sender[1:].replace(".", "_")}/'
                  + arguments[1]['handle_token'])
        bus.emit_signal(sender, handle, REQUEST, 'Response', GLib.Variant(
            '(ua{sv})', (0, {'background': GLib.Variant('b', allows),
                             'autostart': GLib.Variant('b', False)})))
        return GLib.Variant('(o)', (handle,))

    def on_call(bus, sender, object_path, interface, method, parameters, invocation):
        arguments, reply = list(parameters.unpack()), None
        if method == 'Inhibit':
            arguments.append(next(cookies))
            reply = GLib.Variant('(u)', (arguments[-1],))
        elif method == 'RequestBackground':
            reply = answer(bus, sender, arguments)
        elif method == 'RegisterClient':
            reply = GLib.Variant('(o)', ('/org/gnome/SessionManager/Client',))
        with open(path, 'a', encoding='utf-8') as file:
            file.write(json.dumps([method, arguments]) + '\n')
        invocation.return_value(reply)

    left = len(SERVED)

    def on_bus(bus, name):
        for object_path, (served, text) in SERVED.items():
            if served == name:
                interface = Gio.DBusNodeInfo.new_for_xml(f'<node>{text}</node>').interfaces[0]
                bus.register_object(object_path, interface, on_call, None, None)

    def on_name(bus, name):
        nonlocal left
        left -= 1
        if left == 0:
            print('ready', flush=True)

    for name, _ in SERVED.values():
        Gio.bus_own_name(Gio.BusType.SESSION, name, Gio.BusNameOwnerFlags.REPLACE, on_bus, on_name, None)
    GLib.MainLoop().run()


if __name__ == '__main__':
    serve(sys.argv[1], sys.argv[2] == '1')
