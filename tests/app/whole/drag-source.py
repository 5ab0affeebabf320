#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window to drag a file or folder from: drag-source.py PATH. Says "shown" when it is there."""
import sys

import gi

gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')

from gi.repository import Gdk, Gio, GLib, GObject, Gtk  # noqa: E402


def main():
    files = Gdk.FileList.new_from_list([Gio.File.new_for_path(sys.argv[1])])
    window = Gtk.Window(title='Drag from here', default_width=200, default_height=200)
    label = Gtk.Label(label='Drag from here')
    source = Gtk.DragSource(content=Gdk.ContentProvider.new_for_value(GObject.Value(Gdk.FileList, files)))
    label.add_controller(source)
    window.set_child(label)
    window.connect('map', lambda _: GLib.timeout_add(200, lambda: print('shown', flush=True)))
    window.present()
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
