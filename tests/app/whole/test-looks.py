#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real window as people with other eyes have set it: text of twice the size, no motion, high contrast.

One argument or more: only those cases. $ESPALIER_SCREENSHOTS keeps a picture of each place."""
import os
import signal
import sys

from drive import case, repeat_until, run, wait_until
from layout import WATCH, Watched, overlapping
from reach import branches, run_long, workers

TWICE = {'ESP_TEXT_SCALE': '2'}


def set_up(home, **settings):
    """Settings of the desktop, in the place of those that tests have."""
    path = home.folder / 'config/gtk-4.0/settings.ini'
    names = {name.replace('_', '-'): value for name, value in settings.items()}
    lines = [line for line in path.read_text().splitlines() if line.split('=')[0] not in names]
    path.write_text('\n'.join(lines + [f'{name}={value}' for name, value in names.items()]) + '\n')


class Looks(Watched):
    """Looks at place after place of a window."""

    def __init__(self, home, start, *arguments, **environment):
        super().__init__(home)
        self.window = start(*arguments, **self.environment, **environment)

    def look(self, place):
        if os.environ.get('ESPALIER_SCREENSHOTS'):
            self.window.shot(f'large-{place}')
        texts = self.layout()
        for text in texts:
            if text.kind == 'window':
                if text.x > 1280 or text.y > 900:
                    self.complain(place, f'{text.window!r} is at least {text.x} by {text.y}')
            elif not text.is_well():
                self.complain(place, f'{text.kind}: {text.text!r} ({text.place[-160:]})')
        for one, other in overlapping([text for text in texts if text.kind != 'window']):
            self.complain(place, f'{one.text!r} {one.seen} lies over {other.text!r} {other.seen} ({one.place[-80:]})')

    def opened(self, *keys):
        repeat_until(lambda: self.window.key(*keys), lambda: len(self.window.windows()) > 1, f'a window by {keys}')

    def closed(self):
        repeat_until(lambda: self.window.key('Escape'), lambda: len(self.window.windows()) == 1, 'the window to go')

    def behind(self, button, role, item, place):
        self.window.button(lambda name: name.startswith(button))
        self.window.find(role, item)
        self.look(place)
        repeat_until(lambda: self.window.key('Escape'), lambda: not self.window.all(role, item), f'{item!r} to go')


@case
def large_text(home, start):
    """Every window with text twice as large: nothing is cut off, nothing lies over anything else."""
    document = branches(home)
    home.cli('run', document, '--node', '2', '-p', 'Tint the photo red', '--variations', 3)
    home.settings(window_size='(1280, 900)', history_width='380')
    p = Looks(home, start, **TWICE)
    window = p.window
    window.text('What Should Change?')
    p.look('welcome')
    window.quit()

    p.window = window = start(document, **p.environment, **TWICE)
    window.wait_for_nodes(5)
    window.select('snow')
    p.look('document')
    window.key('F9')
    window.text('Use These Settings')
    p.look('details')
    window.key('F9')
    for button, role, item, place in (('Settings: ', 'spin button', 'Steps', 'settings'),
                                      ('Model: ', 'push button', 'Get a Model…', 'model'),
                                      ('1 Variation', 'menu item', '2 Variations', 'variations'),
                                      ('Zoom: ', 'menu item', 'Fit the Window', 'zoom')):
        p.behind(button, role, item, place)
    window.focus_tree('snow')
    window.key('c')
    window.text('comparing “')
    for mode in range(5):
        p.look(f'compare-{mode}')
        window.key('m')
    repeat_until(lambda: window.key('Escape'), lambda: not window.says('comparing “'), 'the comparison to go')
    window.key('ctrl+t')
    wait_until(lambda: window.focused().startswith(('Values of', 'Instruction of')), 'the sweep')
    p.look('sweep')
    window.key('Escape')
    for keys, place in (('ctrl+e', 'export'), ('alt+Return', 'properties'), ('ctrl+question', 'shortcuts')):
        p.opened(keys)
        p.look(place)
        p.closed()
    p.opened('ctrl+comma')
    for words, place in (('Appearance', 'general'), ('Models on This Computer', 'models'),
                         ('Nothing Leaves This Computer', 'providers'), ('Library', 'storage')):
        if place != 'general':
            window.key('Right', 'space')  # on to the next page's button
        wait_until(lambda title=words: any(text.text == title for text in p.layout()), f'the page with {words!r}')
        p.look(f'preferences-{place}')
    p.closed()
    p.resize(720, 860)
    p.look('narrow')
    p.done()


def session(home, start, motion):
    """What moves of the program's own: nodes that come, go and are chosen, images that change; of what may
    move, the beginning."""
    set_up(home, gtk_enable_animations=int(motion))
    p = Looks(home, start, branches(home), LD_PRELOAD=WATCH, ASAN_OPTIONS='verify_asan_link_order=0')
    window = p.window
    window.wait_for_nodes(4)
    window.select('Make it night')
    window.find('image', 'Make it night')
    window.select('snow')
    window.find('image', 'Make it snow')
    if motion:
        p.layout()
        window.quit()
        return p.moved
    window.focus_tree('snow')
    window.key('f')
    window.wait_for_nodes(3)
    window.key('f')
    window.wait_for_nodes(4)
    window.key('End')
    window.key('Home')
    window.instruct('Make the photo faded')
    window.wait_for_nodes(5)
    wait_until(lambda: not any('running' in node.name or 'waiting' in node.name for node in window.nodes()), 'the turn')
    window.key('F9')
    window.text('Use These Settings')
    window.focus_tree()
    window.key('c')
    window.text('comparing “')
    window.key('Escape')
    p.layout()
    window.quit()
    return p.moved


@case
def no_motion(home, start):
    """Where the desktop says so nothing of the program's own moves, which does otherwise."""
    still = session(home, start, False)
    assert not still, f'there moved {still}'
    moving = session(home, start, True)
    assert {'EspTreeView', 'EspImageView'} <= moving, f'there moved {moving or "nothing"}, and more should'


@case
def ends_are_announced(home, start):
    """What became of a turn is a status that changes, and is announced where GTK can do that. (A refusal by a
    provider is in test-remote.py.)"""
    p = Looks(home, start, home.document(), LD_PRELOAD=WATCH, ASAN_OPTIONS='verify_asan_link_order=0')
    window = p.window
    window.wait_for_nodes(1)

    def told(words, urgent):
        window.find('status bar', lambda name: name.startswith(words))
        wait_until(lambda: p.layout() and any(text.startswith(words) and how == 1 + urgent for text, how in p.said),
                   f'the announcement {words!r}, not {p.said}')
        p.said.clear()

    window.instruct('Make it snow')
    told('Done: Make it snow', False)
    window.select('coffee')
    window.instruct('Make it snow')  # the same once more is news
    told('Done: Make it snow', False)
    run_long(window, 'Add fog', 'Make it night')
    for pid in wait_until(lambda: workers(window), 'a worker'):
        os.kill(pid, signal.SIGKILL)
    told('Failed: Add fog. ', True)
    window.node_menu('Make it night', 'Stop')
    told('Stopped: Make it night', False)
    window.kill()


if __name__ == '__main__':
    sys.exit(run())
