#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window to drag something from: drag-source.py PATH, a file or folder by its name, or drag-source.py --as TYPE PATH,
the bytes of a file as a browser has those of a picture. Says "shown" when it is there."""
import sys

import gi

gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')

from gi.repository import Gdk, Gio, GLib, GObject, Gtk  # noqa: E402


def main():
    if sys.argv[1] == '--as':
        with open(sys.argv[3], 'rb') as file:
            content = Gdk.ContentProvider.new_for_bytes(sys.argv[2], GLib.Bytes.new(file.read()))
    else:
        files = Gdk.FileList.new_from_list([Gio.File.new_for_path(sys.argv[1])])
        content = Gdk.ContentProvider.new_for_value(GObject.Value(Gdk.FileList, files))
    window = Gtk.Window(title='Drag from here', default_width=200, default_height=200)
    label = Gtk.Label(label='Drag from here')
    source = Gtk.DragSource(content=content)
    label.add_controller(source)
    window.set_child(label)
    window.connect('map', lambda _: GLib.timeout_add(200, lambda: print('shown', flush=True)))
    window.present()
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
