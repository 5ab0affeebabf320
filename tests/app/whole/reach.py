# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cases share that reach actions by keys and menus."""
import pathlib
import re

from drive import wait_until

LONG = 1000  # steps: longer than any case lasts
NAMELESS = re.compile(r'^(Gtk|Adw|Esp)[A-Z]\w*$|^\s*$')
OPERABLE = ('push button', 'toggle button', 'check box', 'radio button', 'text', 'entry', 'slider',
            'spin button', 'combo box', 'menu item', 'tree item', 'page tab')


def has_focus(window, words):
    window.focus()
    wait_until(lambda: words in window.focused(), f'the focus on {words!r}')


def is_current(window, words):
    wait_until(lambda: window.all('image', lambda name: words in name), f'{words!r} to show')


def window_comes(window, title):
    wait_until(lambda: title in window.frames(), f'the window {title!r}')


def window_goes(window, title):
    window.key('Escape')
    wait_until(lambda: title not in window.frames(), f'the window {title!r} to go')


def instruction(window):
    return window.read(window.find('text', 'Instruction'))


def run_states(home, document):
    return [node['state'] for node in home.tree(document)]


def run_long(window, *instructions):
    """Turns that do not end by themselves, each on the photo."""
    window.set_steps(LONG)
    for text in instructions:
        before = len(window.nodes())
        window.select('coffee')
        window.instruct(text)
        window.wait_for_nodes(before + 1)
    window.wait_for_nodes(1, 'running')


def workers(window):
    """The processes that make the program's turns."""
    children = pathlib.Path(f'/proc/{window.process.pid}/task/{window.process.pid}/children')
    return [int(pid) for pid in children.read_text().split()
            if 'engine' in pathlib.Path(f'/proc/{pid}/comm').read_text()]


def branches(home):
    """coffee → Make it snow → Add fog, and coffee → Make it night, which is the newest."""
    def make(path):
        home.document('Make it snow', 'Add fog', name=path.name)
        photo = next(node['id'] for node in home.tree(path) if not node['instruction'])
        home.cli('run', path, '--node', photo, '-p', 'Make it night')

    return home.made('Coffee.espalier', make, 'branches')


def nameless(window):
    """What can be operated and has no name of its own; GTK's own dialogs aside."""
    found = []
    without = set()  # what is in them, they and what they hold
    for widget in window.root.walk():
        above = widget.parent
        if above and above.path in without or widget.name in (
                'GtkFileChooserWidget', 'GtkShortcutsWindow', 'AdwPreferencesWindow'):
            without.add(widget.path)
        elif widget.role in OPERABLE and NAMELESS.match(widget.name):
            while above and NAMELESS.match(above.name):
                above = above.parent
            found.append(f'{widget.role} {widget.name!r} in {above and above.name!r}')
    return found
