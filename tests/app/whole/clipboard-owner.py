#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program whose picture is on the clipboard: clipboard-owner.py PNG. Says "ready" when it is there."""
import sys

import gi

gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')

from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def main():
    Gtk.init()
    with open(sys.argv[1], 'rb') as file:
        data = GLib.Bytes.new(file.read())
    Gdk.Display.get_default().get_clipboard().set_content(Gdk.ContentProvider.new_for_bytes('image/png', data))
    print('ready', flush=True)
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
