#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of the manual: ESPALIER_SCREENSHOTS=docs/manual/pictures make-screenshots-manual.py

All of them lie inside of the manual's one page: each is brought down to 256 colours. One argument or more: only those.
"""
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from drive import case, run, wait_until  # noqa: E402
from fakes import Fakes  # noqa: E402
from scenes import with_matcha  # noqa: E402

SIZE = '448x448'


def take(window, name, *changes):
    window.shot(name)
    path = window.shot(name)  # the first may have begun before the last thumbnail was there
    subprocess.run(['convert', path, '-strip', *changes, '-dither', 'FloydSteinberg', '-colors', '256',
                    '-define', 'png:compression-level=9', f'png8:{path}'], check=True)


def opened(home, start, size='(960, 660)', history='330', **settings):
    document = home.document('Make it look like autumn', size=SIZE)
    home.cli('run', document, '-p', 'Turn the photo into a pencil sketch', '--variations', 3)
    home.cli('run', document, '--node', 1, '-p', 'Make it look like golden hour')
    home.cli('run', document, '--node', 6, '-p', 'Make it snow')
    home.cli('run', document, '--node', 6, '-p', 'Make it night')
    home.settings(window_size=size, history_width=history, **settings)
    window = start(document)
    wait_until(lambda: len(window.nodes()) >= 6, 'the nodes')
    window.select('golden hour')
    wait_until(lambda: window.all('push button', lambda words: '8' in words), 'the settings')
    wait_until(lambda: window.all('image', 'Make it look like golden hour'), 'the image')
    window.button('Show the Whole History')
    return window


@case
def welcome(home, start):
    home.settings(window_size='(760, 520)')
    window = start()
    window.text('What Should Change?')
    take(window, 'welcome')
    window.quit()


@case
def window(home, start):
    window = opened(home, start)
    take(window, 'window')
    window.quit()


@case
def running(home, start):
    home.settings(window_size='(960, 660)', history_width='330')
    window = start(home.document('Make it look like autumn', size=SIZE))
    wait_until(lambda: len(window.nodes()) >= 2, 'the nodes')
    window.set_steps(400)
    window.instruct('Make it snow')
    window.text('s left')
    wait_until(lambda: window.all('status bar', lambda name: name.startswith('Step 1')
                                  and len(name) > 16), 'some steps')
    take(window, 'running')
    window.button('Cancel')
    window.wait_for_nodes(1, 'stopped')
    window.quit()


@case
def settings(home, start):
    window = opened(home, start)
    window.button(lambda name: name.startswith('Settings'))
    window.find('spin button', 'Steps')
    # Around a popover there is nothing but its shadow.
    take(window, 'settings', '-fuzz', '12%', '-fill', 'white', '-draw', 'color 0,0 floodfill', '-trim', '+repage')
    window.key('Escape')
    window.quit()


@case
def details(home, start):
    window = opened(home, start, size='(1100, 660)', history='300')
    window.focus_image()
    window.key('4')
    window.key('F9')
    window.text('Stars')
    take(window, 'details')
    window.quit()


def kept(home, start, name, key, act, words):
    with Fakes() as fakes:
        window = with_matcha(home, start, fakes, '(960, 660)')
        window.key(key)
        act(window)
        window.text(words)
        take(window, name)
        window.quit()


@case
def mask(home, start):
    kept(home, start, 'mask', 'k', lambda window: None, 'of the picture is the result’s')


@case
def region(home, start):
    def draw(window):
        window.text('Draw a region')
        window.key('space')

    kept(home, start, 'region', 'd', draw, ' px at ')


@case
def find(home, start):
    window = opened(home, start)
    window.key('ctrl+f')
    window.type('snow')
    window.text('1 match')
    take(window, 'find')
    window.key('Escape')
    window.quit()


@case
def export(home, start):
    window = opened(home, start)
    window.key('ctrl+e')
    wait_until(lambda: 'Export' in window.frames(), 'the dialog')
    window.text('Instructions, seeds and settings of all steps')
    take(window, 'export')
    window.key('Escape')
    window.quit()


@case
def compare(home, start):
    window = opened(home, start, size='(1060, 720)', history='260')
    window.select('Make it night')
    window.focus_tree('Make it night')
    window.key('c')
    window.text('comparing “')
    window.key('m')
    wait_until(lambda: window.all('slider', lambda name: 'Dividing line' in name), 'the line')
    take(window, 'compare-line')
    window.key('Escape')
    window.silent('comparing “')
    window.select('Make it snow')
    window.focus_tree('Make it snow')
    window.key('c')
    window.text('comparing “')
    while not window.says('Average difference ΔE '):
        window.key('m')
    take(window, 'compare-difference')
    window.key('Escape')
    window.quit()


@case
def sweep(home, start):
    document = home.document(size='256x256')
    home.cli('sweep', document, '-p', 'Make it look like golden hour', '--seed', '1',
             '--axis', 'guidance=0, 1.25, 2.5, 3.75, 5', '--axis',
             'instruction=Make it look like golden hour || Make it look like autumn || '
             'Turn the photo into a pencil sketch')
    home.settings(window_size='(960, 660)', history_width='220')
    window = start(document)
    wait_until(window.nodes, 'the nodes')
    window.write('Instruction', 'Make it {snow|night}')
    window.key('ctrl+t')
    window.text('Columns · 2 values: snow, night')
    take(window, 'sweep-setup')
    window.key('Escape')
    window.open_menu('F10', 'Sweeps')
    window.press('menu item', 'Sweeps')
    window.press('menu item', lambda item: '15' in item)
    wait_until(lambda: window.all('status bar', lambda words: words.startswith('15 ')), 'the words')
    take(window, 'sweep')
    window.quit()


def page(home, start, *keys):
    home.settings(window_size='(760, 520)')
    window = start()
    window.text('What Should Change?')
    window.key('ctrl+comma')
    wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
    window.key(*keys, 'space')
    return window


@case
def models(home, start):
    window = page(home, start, 'Right')
    window.text('Models on This Computer')
    window.move_focus('FLUX.1 Kontext [dev]', ['Tab'] * 60)
    window.key('Return')
    wait_until(lambda: window.says('Non-Commercial'), 'the offer')
    take(window, 'models')
    window.leave_preferences()
    window.quit()


@case
def providers(home, start):
    window = page(home, start, 'Right', 'Right')
    window.text('Nothing Leaves This Computer')
    # Without the folder of own descriptions, which is another one everywhere.
    take(window, 'providers', '-gravity', 'north', '-crop', 'x430+0+0', '+repage')
    window.leave_preferences()
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
