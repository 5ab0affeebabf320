# SPDX-License-Identifier: GPL-3.0-or-later
"""Things dragged into the window from another program (drag-source.py), with the pointer."""
import contextlib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


@contextlib.contextmanager
def dragged(window, *what):
    """drag-source.py WHAT is started beside the window, and what it has is dropped onto the middle of that."""
    width, height = window.size()
    with subprocess.Popen([sys.executable, HERE / 'drag-source.py', *what], stdout=subprocess.PIPE, text=True,
                          env={**window.environment, 'GTK_A11Y': 'none',
                               'DBUS_SESSION_BUS_ADDRESS': 'disabled:'}) as source:
        try:
            assert source.stdout.readline() == 'shown\n'
            found = subprocess.run(['xdotool', 'search', '--name', '^Drag from here$'], capture_output=True, text=True,
                                   check=True).stdout.split()
            subprocess.run(['xdotool', 'windowmove', '--sync', found[-1], str(width + 40), '40'], check=True)
            drag((width + 100, 100), (width // 2, height // 2))
            yield
        finally:
            source.kill()


def drag(begin, end):
    """In steps, as a hand would: what is below takes notice of each."""
    def pointer(*arguments):
        subprocess.run(['xdotool', *map(str, arguments)], check=True)

    pointer('mousemove', *begin, 'mousedown', 1)
    for step in range(1, 21):
        pointer('mousemove', *(a + (b - a) * step // 20 for a, b in zip(begin, end)), 'sleep', 0.05)
    pointer('sleep', 0.5, 'mouseup', 1)
