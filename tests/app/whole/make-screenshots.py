#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/screenshots: ESPALIER_SCREENSHOTS=docs/screenshots make-screenshots.py

A test besides: every look must come up and be drawn. One argument or more: only those.
"""
import os
import pathlib
import sqlite3
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from drive import Skip, case, run, wait_until  # noqa: E402
from fakes import Fakes  # noqa: E402
from scenes import with_accounts, with_matcha  # noqa: E402

SIZE = '448x448'
WINDOW = '(1000, 700)'


def sample(home):
    """Two branches from one photo, one of them with a branch, and a stack of three."""
    document = home.document('Make it look like autumn', size=SIZE)
    home.cli('run', document, '-p', 'Turn the photo into a pencil sketch', '--variations', 3)
    home.cli('run', document, '--node', 1, '-p', 'Make it look like golden hour')
    home.cli('run', document, '--node', 6, '-p', 'Make it snow')
    home.cli('run', document, '--node', 6, '-p', 'Make it night')
    return document


def quiet(window, nodes):
    """Nothing moves any more: pictures of all cards are there."""
    wait_until(lambda: len(window.nodes()) >= nodes, f'{nodes} nodes')
    wait_until(lambda: window.all('push button', lambda name: name.startswith('Settings: ')
                                  and any(c.isdigit() for c in name)), 'the settings')


def take(window, name):
    window.shot(name)
    window.shot(name)  # the first may have begun before the last thumbnail was there


def look(home, start, name, **environment):
    home.settings(window_size=WINDOW, history_width='420')
    window = start(sample(home), **environment)
    wait_until(lambda: len(window.nodes()) >= 6, 'the nodes')
    window.select('golden hour')
    window.click(700, 90)
    # The instruction is a text in every language.
    wait_until(lambda: window.all('push button', lambda words: '8' in words), 'the settings')
    wait_until(lambda: window.all('image', 'Make it look like golden hour'), 'the image')
    if 'LANGUAGE' in environment and window.says('What should change?'):
        raise Skip('there is no catalogue for ' + environment['LANGUAGE'])
    if 'LANGUAGE' not in environment:
        window.button('Show the Whole History')
    take(window, name)
    window.quit()


@case
def light(home, start):
    look(home, start, 'light')


@case
def dark(home, start):
    look(home, start, 'dark', ADW_DEBUG_COLOR_SCHEME='prefer-dark')


@case
def contrast(home, start):
    look(home, start, 'contrast', ADW_DEBUG_HIGH_CONTRAST='1')


@case
def german(home, start):
    look(home, start, 'german', LANGUAGE='de')


@case
def narrow(home, start):
    home.settings(window_size='(360, 640)')
    window = start(sample(home))
    quiet(window, 1)
    window.select('golden hour')
    wait_until(lambda: window.all('image', 'Make it look like golden hour'), 'the image')
    take(window, 'narrow')
    window.button('Back to the History')
    take(window, 'narrow-history')
    window.quit()


@case
def empty(home, start):
    home.settings(window_size=WINDOW)
    window = start()
    window.text('What Should Change?')
    take(window, 'empty')
    window.quit()


@case
def running(home, start):
    home.settings(window_size=WINDOW, history_width='420')
    window = start(home.document('Make it look like autumn', size=SIZE))
    quiet(window, 2)
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
def failed(home, start):
    home.settings(window_size=WINDOW, history_width='420')
    document = home.document('Make it look like autumn', size=SIZE)
    home.cli('run', document, '-p', 'Make it snow')
    with sqlite3.connect(document) as database:
        database.execute("UPDATE nodes SET state = 'failed', image = NULL, "
                         "message = 'The engine ended unexpectedly (signal 9).' "
                         "WHERE instruction = 'Make it snow'")
    database.close()
    window = start(document)
    quiet(window, 3)
    window.select('Make it snow')
    window.text('Try Again')
    take(window, 'failed')
    window.quit()


def remote_window(home, start, world, **environment):
    home.settings(window_size=WINDOW, history_width='300', last_backend="'runpod-flux-kontext-dev'",
                  last_model="'runpod-flux-kontext-dev'")
    keys = with_accounts(home, world)
    window = start(home.document('Make it look like autumn', size=SIZE), **keys, **environment)
    quiet(window, 2)
    return window


@case
def providers(home, start):
    with Fakes() as fakes:
        window = remote_window(home, start, fakes.world('runpod', max_side=448))
        window.instruct('Make it snow')
        wait_until(lambda: window.all('tree item', lambda name: 'Make it snow' in name
                                      and 'running' not in name and 'waiting' not in name), 'the picture')
        window.key('ctrl+comma')
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
        window.key('Right', 'Right', 'space')
        window.text('this month')
        take(window, 'providers')
        window.key('Escape')
        window.quit()


@case
def remote_running(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=448, run_ms=20000)
        window = remote_window(home, start, world)
        window.instruct('Make it snow')
        window.text('Running')
        take(window, 'remote-running')
        window.button('Cancel')
        window.wait_for_nodes(1, 'stopped')
        window.quit()


def failure(home, start, name, **environment):
    with Fakes() as fakes:
        world = fakes.world('runpod', faults=[{'where': 'submit', 'kind': 'status', 'status': 402,
                                               'message': 'Insufficient credits'}])
        window = remote_window(home, start, world, **environment)
        window.instruct('Make it snow')
        window.text('Insufficient credits')
        take(window, name)
        window.quit()


@case
def remote_failed(home, start):
    failure(home, start, 'remote-failed')


@case
def remote_failed_dark(home, start):
    failure(home, start, 'remote-failed-dark', ADW_DEBUG_COLOR_SCHEME='prefer-dark')


def kept(home, start, name, keys, **environment):
    with Fakes() as fakes:
        window = with_matcha(home, start, fakes, WINDOW, **environment)
        keys(window)
        take(window, name)
        window.quit()


def show_mask(window):
    window.key('k')
    window.text('of the picture is the result’s')


def show_region(window):
    window.key('d')
    window.text('Draw a region')
    window.key('space')
    window.text(' px at ')


@case
def mask(home, start):
    kept(home, start, 'mask', show_mask)


@case
def mask_dark(home, start):
    kept(home, start, 'mask-dark', show_mask, ADW_DEBUG_COLOR_SCHEME='prefer-dark')


@case
def region(home, start):
    kept(home, start, 'region', show_region)


@case
def untouched_details(home, start):
    kept(home, start, 'untouched-details', lambda window: window.key('F9'))


SWEEP = ('Make it look like golden hour', 'Make it look like moonlight', 'Make it look like autumn',
         'Turn the photo into a pencil sketch')


def sweep_window(home, start, name, size='(1000, 780)', **environment):
    """How much of each instruction: the demo model was trained to take guidance as that."""
    document = home.document(size='256x256')
    home.cli('sweep', document, '-p', SWEEP[0], '--seed', '1', '--axis', 'guidance=0, 1.25, 2.5, 3.75, 5',
             '--axis', 'instruction=' + ' || '.join(SWEEP))
    home.settings(window_size=size, history_width='220')
    window = start(document, **environment)
    wait_until(window.nodes, 'the nodes')
    window.open_menu('F10', lambda item: item in ('Sweeps', 'Versuchsreihen'))
    window.press('menu item', lambda item: item in ('Sweeps', 'Versuchsreihen'))
    window.press('menu item', lambda item: '20' in item)
    if 'LANGUAGE' in environment and window.says('What should change?'):
        raise Skip('there is no catalogue for ' + environment['LANGUAGE'])
    wait_until(lambda: len(window.all('table cell')) >= 4, 'the cells')
    wait_until(lambda: window.all('status bar', lambda words: words.startswith('20 ')), 'the words')
    take(window, name)
    return window


@case
def sweep(home, start):
    window = sweep_window(home, start, 'sweep')
    # As a file, too.
    sheet = pathlib.Path(os.environ.get('ESPALIER_SCREENSHOTS') or home.folder).resolve() / 'sweep-sheet.jpg'
    sheet.unlink(missing_ok=True)
    window.button('Export Sheet')
    window.choose_file(sheet)
    wait_until(sheet.exists, 'the sheet')
    window.quit()


@case
def sweep_narrow(home, start):
    sweep_window(home, start, 'sweep-narrow', size='(360, 640)').quit()


@case
def sweep_german(home, start):
    sweep_window(home, start, 'sweep-german', LANGUAGE='de', ADW_DEBUG_COLOR_SCHEME='prefer-dark').quit()


@case
def tree_200(home, start):
    home.settings(window_size=WINDOW, history_width='600')
    words = ['Make it snow', 'Add fog', 'Make it night', 'Add a sunset', 'Make it rain',
             'Tint the photo red', 'Tint the photo green', 'Tint the photo blue']
    document = home.document(size='96x96')
    for word in words:
        home.cli('run', document, '--node', 1, '-p', word, '--set', 'steps=2', '-q')
    # Branches of many shapes, the same every time, of images that are there.
    with sqlite3.connect(document) as database:
        for number in range(201 - 1 - len(words)):
            database.execute(
                "INSERT INTO nodes (parent, position, kind, state, instruction, backend, model,"
                " model_name, model_hash, parameters, seed, created, seconds, image)"
                " SELECT ?, ?, kind, state, instruction || ?, backend, model, model_name,"
                " model_hash, parameters, seed, created, seconds, image FROM nodes WHERE id = ?",
                (max(2, number + 4 - number * number % 17), 100 + number, f' {number}', 2 + number % len(words)))
    database.close()
    window = start(document)
    wait_until(lambda: len(home.tree(document)) == 201, '201 nodes')
    for _ in range(4):
        window.button('Zoom Out')
    take(window, 'tree-200')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
