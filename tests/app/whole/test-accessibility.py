#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every window, page, popover and menu is walked as a screen reader does: everything that can be operated says
what it is, is told from its neighbours, has its value, and the keyboard comes to it and is not lost."""
import contextlib
import os
import re
import signal
import sys

from accessible import BUSY
from drive import case, run, wait_until
from reach import branches, run_long, workers
from survey import Focus, complaints, unreached

# Pages of stacks that are not shown: GTK 4.8 tells of them as it does of the one that is.
DOCUMENT = r'EspWelcome|EspOutline|Comparison|Sweep|Set up a sweep|EspDetails'


class Walk:
    """Gathers what is wrong in many places, so that one run of the program tells all of it."""

    def __init__(self, window):
        self.window, self.found = window, []

    def look(self, where, inside=None, but=(), tab=True):
        self.found += [f'{where}: {text}' for text in complaints(self.window, inside, but)]
        if tab:
            self.found += [f'{where}: {text}' for text in unreached(self.window, inside or '.*', but)]

    def end(self):
        assert not self.found, f'{len(self.found)} complaints:\n' + '\n'.join(self.found)


@contextlib.contextmanager
def behind(window, act, what):
    """What comes when something is pressed, until Escape sends it away; the keyboard comes back."""
    before = len(list(window.root.walk()))
    had = window.focused()
    act()
    wait_until(lambda: len(list(window.root.walk())) > before, f'what is behind {what}')
    yield
    window.key('Escape')
    wait_until(lambda: len(list(window.root.walk())) <= before, f'what is behind {what} to go')
    window.focus()
    wait_until(lambda: window.focused(), f'the keyboard after {what}, which {had!r} had')


@case
def the_welcome_page(home, start):
    home.document()
    window = start()
    window.text('What Should Change?')
    walk = Walk(window)
    walk.look('welcome', but=(r'EspHistory|AdwFlap',))
    walk.end()
    window.quit()


@case
def a_document(home, start):
    document = branches(home)
    home.cli('run', document, '--node', '2', '-p', 'Tint the photo red', '--variations', 3)
    window = start(document)
    window.wait_for_nodes(5)
    window.select('snow')
    walk = Walk(window)
    walk.look('document', but=(DOCUMENT, 'Find in the history|Previous Match|Next Match|Cancel'))
    for name in ('Settings: .*', 'Model: .*', '1 Variation', 'Add Reference', 'More Ways to Run', 'Zoom: .*', 'Main Menu',
                 'Recent Documents'):
        with behind(window, lambda: window.button(lambda own: re.fullmatch(name, own)), name):
            walk.look(f'behind {name}', inside=name)
    walk.end()
    window.quit()


@case
def details_and_find(home, start):
    document = branches(home)
    window = start(document)
    window.wait_for_nodes(4)
    window.select('snow')
    window.key('F9')
    walk = Walk(window)
    walk.look('details', inside='EspDetails')
    window.key('F9')
    window.key('ctrl+f')
    window.write('Find in the history', 'snow')
    window.text('1 match')
    walk.look('find', inside='EspHistory', but=('EspOutline',))
    window.key('Escape')
    window.node_menu('snow')
    walk.look('menu of a node', inside='Edit history', tab=False)
    window.key('Escape')
    window.main_menu('History as a List')
    walk.look('outline', inside='EspOutline')
    walk.end()
    window.quit()


@case
def masks_and_regions(home, start):
    window = start(branches(home))
    window.wait_for_nodes(4)
    window.select('snow')
    window.focus_image()
    window.key('k')
    window.find('tool bar', 'Mask')
    # What the brush does is heard. There is none before the image and its mask are.
    wait_until(lambda: window.all('status bar', lambda name: 'Brush at ' in name) or window.key('Right'), 'the brush')
    walk = Walk(window)
    walk.look('mask', inside='Mask|EspCanvas', but=('Region', 'Stop This Turn'))
    for name in ('Edge of the Mask', 'More for the Mask'):
        with behind(window, lambda: window.button(name), name):
            walk.look(f'behind {name}', inside=name)
    window.button('Hide the Mask')
    window.gone('tool bar', 'Mask')
    window.focus_image()
    window.key('d')
    window.find('tool bar', 'Region')
    window.key('space')
    window.find('status bar', lambda name: ' px at ' in name)
    walk.look('region', inside='Region|EspCanvas', but=('Mask', 'Stop This Turn'))
    window.button('Keep the Region for the Next Turns')
    window.gone('tool bar', 'Region')
    walk.look('the composer with a region', inside='Next turn', but=('Cancel',))
    walk.end()
    window.quit()


@case
def comparing(home, start):
    window = start(branches(home))
    window.wait_for_nodes(4)
    window.select('snow')
    window.focus_tree('snow')
    window.key('c')
    window.text('comparing “')
    walk = Walk(window)
    for mode in ('Side by Side', 'Dividing Line', 'Flicker', 'One Through the Other', 'Difference'):
        window.button(mode)
        walk.look(mode, inside='Comparison', but=('No setting differs',))
    walk.end()
    window.quit()


@case
def sweeps(home, start):
    document = home.document(size='64x64')
    home.cli('sweep', document, '-p', 'Make it snow', '--axis', 'guidance=0,2.5', '--axis', 'seed=1..2')
    window = start(document)
    window.wait_for_nodes(2)
    window.node('Sweep').press()
    window.text('4 of 4 done')
    walk = Walk(window)
    walk.look('cells', inside='Sweep', but=('Previous Page|Next Page|Pages|Nothing to Show|No Cells Left',))
    for name in ('Arrange and Sort', 'Filter'):
        with behind(window, lambda: window.button(name), name):
            walk.look(name, inside=name)
    window.key('Escape')
    window.focus_image()
    window.key('ctrl+t')
    wait_until(lambda: window.focused().startswith(('Values of', 'Instruction of')), 'the page')
    walk.look('setting up a sweep', inside='Set up a sweep')
    walk.end()
    window.quit()


@case
def other_windows(home, start):
    document = branches(home)
    window = start(document)
    window.wait_for_nodes(4)
    window.select('snow')
    walk = Walk(window)
    for key, title in (('ctrl+e', 'Export'), ('alt+Return', 'Document Properties')):
        window.focus_tree()
        had = window.focused()
        window.key(key)
        wait_until(lambda: title in window.frames(), title)
        walk.look(title, inside=title)
        window.key('Escape')
        wait_until(lambda: title not in window.frames(), f'{title} to go')
        window.focus()
        wait_until(lambda: window.focused() == had, f'the keyboard back on {had!r}')
    window.node_menu('Add fog', 'Rebuild', 'Squash…')
    wait_until(lambda: 'Squash' in window.frames(), 'the dialog')
    walk.look('squash, in order', inside='Squash')
    window.move_focus('As One Edit', ['Tab'] * 9)
    window.key('space')
    window.find('text', 'All Instructions')
    walk.look('squash, as one', inside='Squash')
    window.key('Escape')
    wait_until(lambda: 'Squash' not in window.frames(), 'the dialog to go')
    window.select('Add fog')
    window.focus_tree('Add fog')
    window.key('Delete')
    window.wait_for_nodes(3)
    window.key('alt+Return')
    window.find('push button', 'Restore “Add fog”')
    walk.look('deleted turns', inside='Document Properties')
    window.key('Escape')
    wait_until(lambda: 'Document Properties' not in window.frames(), 'the properties to go')
    window.node_menu('snow', 'Arrange', 'Move to…')
    wait_until(lambda: 'Move Branch' in window.frames(), 'moving')
    walk.look('Move Branch', inside='Move Branch')
    window.key('Escape')
    wait_until(lambda: 'Move Branch' not in window.frames(), 'moving to end')
    for page in range(4):
        window.key('ctrl+comma')
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
        window.move_focus('General', ['Tab'] * 60)
        window.key(*['Right'] * page, 'space')
        walk.found += [f'preferences, page {page}: {text}' for text in unreached(window, 'nothing')]
        if page < 3:
            window.leave_preferences()
    # The pages have no search, and there is no description of one's own whose folder could be opened.
    walk.look('preferences', inside='Preferences', but=('GtkSearchEntry', 'Describe Another Provider'), tab=False)
    walk.end()
    window.leave_preferences()
    window.quit()


@case
def accounts_and_models(home, start):
    window = start(home.document())
    window.wait_for_nodes(1)
    walk = Walk(window)

    def look(where, *but):
        walk.look(where, inside='Preferences',
                  but=('GtkSearchEntry', 'Describe Another Provider', 'Place', *but), tab=False)
        walk.found += [f'{where}: {text}' for text in unreached(window, 'nothing')]

    def open_by(item):
        window.button(lambda name: name.startswith('Model: '))
        window.button(item)
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')

    open_by('Get a Model…')
    look('models', 'Appearance|New Turns|Sweeps That Ask First')
    window.leave_preferences()
    open_by('Add a Provider…')
    window.find('list item', lambda name: 'RunPod' in name)
    window.move_focus('RunPod', ['Tab'] * 3 + ['Down'] * 60)
    window.key('Return')
    window.find(('text', 'password text', 'entry'), 'Key')
    look('an account')
    walk.end()
    window.kill()


@case
def turns_that_run_wait_and_fail(home, start):
    window = start(home.document())
    window.wait_for_nodes(1)
    run_long(window, 'Make it snow', 'Add fog')
    window.select('Make it snow')
    walk = Walk(window)
    # What runs says so, and how far it is; what waits says it, too.
    running = window.node('running')
    wait_until(lambda: running.has(BUSY), 'the turn to be busy')
    window.find('tree item', lambda name: 'waiting' in name)
    bar = window.find('progress bar', 'Progress of the turn')
    wait_until(lambda: 0 < bar.get_value() < 1, 'its value')
    wait_until(lambda: window.all('status bar', lambda name: 'tep ' in name), 'its status in words')
    window.find('status bar', lambda name: name.startswith('1 waiting'))
    walk.look('running', but=(DOCUMENT, 'Find in the history|Previous Match|Next Match|Stop This Turn|Run'), tab=False)
    with behind(window, lambda: window.button('Turns That Wait'), 'the queue'):
        walk.look('queue', inside='Turns That Wait')
    for pid in wait_until(lambda: workers(window), 'a worker'):
        os.kill(pid, signal.SIGKILL)
    window.node('failed')
    # Alerts are what screen readers say at once.
    window.find(('alert', 'notification'), lambda name: name and not name.startswith('Gtk'))
    wait_until(lambda: not running.has(BUSY), 'the turn to be busy no more')
    walk.look('failed', inside='EspCanvas', tab=False)
    window.node_menu('Add fog', 'Stop')
    walk.end()
    window.kill()


@case
def windows_of_words(home, start):
    """The shortcuts and the words about the program; both are GTK's own but for their contents."""
    window = start(home.document())
    window.wait_for_nodes(1)
    for item, words in (('Keyboard Shortcuts', 'Run the instruction'), ('About Espalier', '0.1.0')):
        had = len(window.frames())
        window.main_menu(item)
        wait_until(lambda: len(window.frames()) == had + 1, item)
        window.text(words)
        focus = Focus(window)
        assert focus.round(), f'{item}: Tab leads nowhere'
        focus.end()
        window.key('Escape')
        wait_until(lambda: len(window.frames()) == had, f'{item} to go')
    window.quit()


@case
def the_keyboard_is_not_lost(home, start):
    window = start(branches(home))
    window.wait_for_nodes(4)

    def is_somewhere(after):
        wait_until(lambda: (widget := window.focus_widget()) is not None and widget.role not in ('frame', 'scroll pane'),
                   f'the keyboard somewhere after {after}')

    window.select('Add fog')
    window.focus_tree('Add fog')
    window.key('Delete')
    window.wait_for_nodes(3)
    is_somewhere('a node was deleted')
    window.key('ctrl+z')
    window.wait_for_nodes(4)
    window.select('snow')
    window.focus_tree('snow')
    window.key('f')
    window.wait_for_nodes(3)
    is_somewhere('a branch was folded')
    window.key('f')
    window.wait_for_nodes(4)
    window.key('c')
    window.text('comparing “')
    window.key('Escape')
    window.silent('comparing “')
    is_somewhere('a comparison')
    window.focus_image()
    window.key('e')
    window.move_focus('Remove Reference', ['Tab'] * 40)
    window.key('space')
    window.gone('push button', lambda name: name.startswith('Remove Reference “'))
    is_somewhere('a reference was removed')
    window.focus_tree()
    window.key('ctrl+h')
    wait_until(lambda: not window.focused().startswith(('Turn', 'Image')), 'the history to go')
    is_somewhere('the history went')
    # Shift+Tab leads out of everything that Tab leads into.
    there, back = Focus(window), Focus(window)
    forward = there.round()
    backward = back.round('shift+Tab')
    there.end()
    back.end()
    assert len(set(forward) ^ set(backward)) <= 2, (len(forward), len(backward))
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
