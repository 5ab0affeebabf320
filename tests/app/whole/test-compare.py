#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing in the real window: every way of it, with the keyboard alone, by the names that a screen
reader says."""
import csv
import io
import json
import subprocess
import sys

from accessible import PRESSED
from drive import BUTTONS, case, repeat_until, run, wait_until
from reach import is_current

MODES = ('Side by Side', 'Dividing Line', 'Flicker', 'One Through the Other', 'Difference')
TURNS = ('Make it snow', 'Make it night', 'Swap red and blue', 'Add fog')


def siblings(home):
    """A photo and four turns of it, each with a step more than the one before."""
    source = home.photo(size='192x192')

    def make(path):
        home.cli('new', path, source)
        photo, = (node['id'] for node in home.tree(path))
        for number, turn in enumerate(TURNS):
            home.cli('run', path, '--node', photo, '-p', turn, '--set', f'steps={4 + number}')

    return home.made('Coffee.espalier', make, 'siblings')


def node_of(home, document, turn):
    return next(node for node in home.tree(document) if node['instruction'] == turn)


def is_on(window, button):
    return window.find(BUTTONS, button).has(PRESSED)


def mode_is(window, mode):
    wait_until(lambda: is_on(window, mode), f'the mode {mode!r}')
    assert [other for other in MODES if is_on(window, other)] == [mode]


def image_says(window, words):
    """The image with the keyboard is called that."""
    def says():
        widget = window.focus_widget()
        return widget is not None and widget.role == 'image' and widget.name.startswith(words)

    wait_until(says, f'the keyboard on the image {words!r}')


def compare(window, turn):
    """The turn with the photo: C on it in the history."""
    window.select(turn)
    window.focus_tree(turn)
    window.key('c')
    image_says(window, f'B: {turn}')


def left(window):
    window.silent('comparing “')


def row(window, beginning):
    return window.find('list item', lambda name: name.startswith(beginning + '. '))


def pixels(path):
    return subprocess.run(['convert', path, 'rgb:-'], check=True, capture_output=True).stdout


@case
def two_images_in_every_way(home, start):
    window = start(siblings(home))
    window.wait_for_nodes(5)
    compare(window, 'Make it night')
    mode_is(window, 'Side by Side')
    window.find('image', lambda name: name.startswith('A: coffee.png'))
    assert row(window, 'Instruction').name == ('Instruction. A: nothing. B: Make it night. '
                                               'Different in B: Make it night.')
    shots = [window.shot('compare-1-side')]

    # The line, by the keyboard: from the image back to it is one Shift+Tab.
    window.key('m')
    mode_is(window, 'Dividing Line')
    image_says(window, 'A: coffee.png; B: Make it night')
    shots.append(window.shot('compare-2-line'))
    window.move_focus('Dividing line', ['Tab'] * 3)
    window.key('Right', 'Right', 'Up')
    assert window.focus_widget().role == 'slider'
    window.key('bracketright', 'bracketright', 'bracketright')
    shots.append(window.shot('compare-3-line-turned'))
    window.key('r', 'Home')
    all_b = pixels(window.shot('compare-4-line-at-the-edge'))
    window.key('End')
    all_a = pixels(window.shot('compare-5-line-at-the-other-edge'))
    assert all_a != all_b
    window.move_focus('A: coffee.png', ['shift+Tab'] * 3)

    # B, and A as long as Space is held.
    window.key('m')
    mode_is(window, 'Flicker')
    image_says(window, 'B: Make it night')
    b = pixels(window.shot('compare-6-flicker-b'))
    subprocess.run(['xdotool', 'keydown', 'space'], check=True)
    image_says(window, 'A: coffee.png')
    a = pixels(window.shot('compare-7-flicker-a'))
    subprocess.run(['xdotool', 'keyup', 'space'], check=True)
    image_says(window, 'B: Make it night')
    assert a != b
    window.button('Alternate by Itself')
    for words in ('A: coffee.png', 'B: Make it night') * 2:
        wait_until(lambda name=words: window.all('label', name), f'{words!r} in its turn')
    window.button('Alternate by Itself')

    window.focus_image()
    window.key('m')
    mode_is(window, 'One Through the Other')
    half = pixels(window.shot('compare-8-through'))
    window.set_value('How Much of B Is Seen', 1.0, 'slider')
    assert pixels(window.shot('compare-9-through-b')) != half

    window.focus_image()
    window.key('m')
    mode_is(window, 'Difference')
    figures = window.text('Average difference ΔE ').name
    assert '% of the picture visibly changed, largest ΔE' in figures, figures
    window.find('image', lambda name: name.startswith('Average difference ΔE '))
    shots.append(window.shot('compare-10-difference'))
    window.set_value('Gain', 8.0, 'slider')
    window.find(None, lambda name: name.endswith('to white, ΔE 6.25'))
    shots.append(window.shot('compare-11-difference-gain'))
    assert len({pixels(shot) for shot in shots}) == len(shots)

    window.focus_image()
    window.key('m')
    mode_is(window, 'Side by Side')
    window.key('Escape')
    left(window)
    is_current(window, 'Make it night')
    window.quit()


@case
def going_through_the_siblings(home, start):
    window = start(siblings(home))
    window.wait_for_nodes(5)
    compare(window, 'Make it night')
    # A is kept.
    window.key('Right')
    image_says(window, 'B: Swap red and blue')
    window.find('image', lambda name: name.startswith('A: coffee.png'))
    wait_until(lambda: row(window, 'Instruction').name.startswith(
        'Instruction. A: nothing. B: Swap red and blue.'), 'the table of the other')
    window.key('Left', 'Left')
    image_says(window, 'B: Make it snow')
    window.key('Left')  # there is none
    image_says(window, 'B: Make it snow')
    # A is not kept: each with the one before it.
    window.key('p')
    wait_until(lambda: not is_on(window, 'Keep A'), 'A not to be kept')
    window.key('Right')
    image_says(window, 'B: Make it night')
    window.find('image', lambda name: name.startswith('A: Make it snow'))
    assert row(window, 'Instruction').name == (
        'Instruction. A: Make it snow. Different in A: snow. B: Make it night. '
        'Different in B: night.')
    window.key('s')
    image_says(window, 'B: Make it snow')
    window.shot('compare-20-siblings')
    window.key('t')
    window.gone('list item', lambda name: name.startswith('Instruction. '))
    window.key('t')
    # What is the same, too.
    window.button('All Rows')
    wait_until(lambda: row(window, 'Guidance').name.endswith('No difference.'), 'all rows')
    window.button('Leave Comparison')
    left(window)
    window.quit()


@case
def four_at_once_and_what_is_done_with_them(home, start):
    document = siblings(home)
    window = start(document)
    window.wait_for_nodes(5)
    # All turns of the photo, chosen in the history.
    window.select(TURNS[0])
    window.focus_tree(TURNS[0])
    for turn in TURNS[1:]:
        window.move_focus(turn, ['shift+Right', 'shift+Down'])
    window.key('c')
    window.find('image', lambda name: name.startswith('D: '))
    names = sorted(plain for plain in (image.name for image in window.all('image'))
                   if plain[:3] in ('A: ', 'B: ', 'C: ', 'D: ') and ';' not in plain)
    for turn in TURNS:
        assert any(turn in name for name in names), (turn, names)
    window.shot('compare-30-four')

    # Stars and a rejection, by keys on the image with the focus.
    image_says(window, 'B: ')
    chosen = window.focus_widget().name[3:].split(',')[0]
    window.key('4')
    wait_until(lambda: node_of(home, document, chosen)['stars'] == 4, 'four stars')
    window.key('x')
    wait_until(lambda: node_of(home, document, chosen)['rejected'], 'the rejection')
    window.text('4 stars')
    window.shot('compare-31-marks')
    # From the menu of another one.
    window.button('Actions for D')
    window.choose('Remove From Comparison')
    window.gone('image', lambda name: name.startswith('D: '))
    assert not [image for image in window.all('image') if image.name.startswith('D: ')]

    # Its settings, for the next turn.
    window.focus_image()
    window.key('u')
    window.find('push button', lambda name: name.startswith(f'Settings: {4 + TURNS.index(chosen)} steps'))
    wait_until(lambda: window.focused() == 'Instruction', 'the keyboard in the composer')
    window.quit()


@case
def the_toolbar_and_the_menus(home, start):
    document = siblings(home)
    window = start(document)
    window.wait_for_nodes(5)
    compare(window, 'Make it night')

    def images(a, b):
        window.find('image', lambda name: name.startswith(f'A: {a}'))
        window.find('image', lambda name: name.startswith(f'B: {b}'))

    window.button('Next Image in the Place of B')
    images('coffee.png', 'Swap red and blue')
    window.button('Previous Image in the Place of B')
    images('coffee.png', 'Make it night')
    window.button('Exchange A and B')
    images('Make it night', 'coffee.png')
    window.menu('More for the Comparison', 'Exchange A and B')
    images('coffee.png', 'Make it night')
    for button in ('Keep A', 'Zoom and Move Together'):
        window.button(button)
        wait_until(lambda name=button: not is_on(window, name), f'{button!r} to be off')
        window.button(button)
        wait_until(lambda name=button: is_on(window, name), f'{button!r} to be on')

    small = pixels(window.shot('compare-60-fit'))
    window.menu('More for the Comparison', 'Original Size')
    window.focus_image()
    window.key('plus', 'plus')
    large = pixels(window.shot('compare-61-zoomed'))
    assert large != small
    # Apart, and together again.
    window.button('Zoom and Move Together')
    window.key('plus')
    apart = pixels(window.shot('compare-62-apart'))
    window.menu('More for the Comparison', 'Align Images Again')
    assert pixels(window.shot('compare-63-aligned')) not in (apart, large)
    window.button('Zoom and Move Together')
    window.menu('More for the Comparison', 'Fit')

    window.menu('More for the Comparison', 'Show Table')
    window.gone('list item', lambda name: name.startswith('Instruction. '))
    window.menu('More for the Comparison', 'Show Table')
    window.menu('More for the Comparison', 'All Rows')
    row(window, 'Guidance')

    window.button('Dividing Line')
    upright = pixels(window.shot('compare-64-upright'))
    window.button('Turn Right')
    assert pixels(window.shot('compare-65-turned')) != upright
    window.button('Upright in the Middle')
    window.button('Flicker')
    window.find('label', 'B: Make it night')
    window.button('Show A')
    window.find('label', 'A: coffee.png')

    window.button('Actions for B')
    window.choose('Stars', '3 Stars')
    wait_until(lambda: node_of(home, document, 'Make it night')['stars'] == 3, 'three stars')
    window.button('Actions for B')
    window.choose('Reject')
    wait_until(lambda: node_of(home, document, 'Make it night')['rejected'], 'the rejection')
    window.button('Actions for B')
    window.choose('Take Back Rejection')
    wait_until(lambda: not node_of(home, document, 'Make it night')['rejected'], 'no rejection')
    window.button('Actions for B')
    window.choose('Use These Settings')
    window.find('push button', lambda name: name.startswith('Settings: 5 steps'))
    window.quit()


@case
def going_on_from_one(home, start):
    document = siblings(home)
    window = start(document)
    window.wait_for_nodes(5)
    compare(window, 'Add fog')
    window.button('Actions for B')
    window.choose('Continue From This One')
    left(window)
    is_current(window, 'Add fog')
    window.instruct('Make it night')
    window.wait_for_nodes(6)
    wait_until(lambda: [node['state'] for node in home.tree(document)] == ['done'] * 6, 'the turn')
    nodes = home.tree(document)
    assert nodes[-1]['parent'] == node_of(home, document, 'Add fog')['id']
    window.quit()


def export(window, item, path):
    """Through the menu and the file dialog; returns the file's bytes once it is there."""
    window.menu('More for the Comparison', item)
    window.choose_file(path)
    wait_until(lambda: path.exists() and path.stat().st_size > 0, f'{path.name}')
    return path.read_bytes()


def identify(path, what):
    return subprocess.run(['identify', '-format', what + '\n', path], check=True, capture_output=True,
                          text=True).stdout.split()


@case
def comparisons_as_files(home, start):
    document = siblings(home)
    window = start(document)
    window.wait_for_nodes(5)
    compare(window, 'Add fog')
    folder = home.folder / 'home'

    export(window, 'Export Contact Sheet…', folder / 'sheet.png')
    width, height = map(int, identify(folder / 'sheet.png', '%w %h'))
    assert width > 2 * 192 and height > 192, (width, height)
    assert export(window, 'Export Contact Sheet…', folder / 'sheet.pdf').startswith(b'%PDF-')
    export(window, 'Export Animation…', folder / 'film.gif')
    assert len(identify(folder / 'film.gif', '%w')) >= 2
    table = export(window, 'Export Parameters…', folder / 'table.json')
    instructions = [node.get('instruction') for node in json.loads(table)['nodes']]
    assert [text or '' for text in instructions] == ['', 'Add fog'], instructions
    rows = list(csv.reader(io.StringIO(
        export(window, 'Export Parameters…', folder / 'table.csv').decode('utf-8'))))
    assert len(rows) == 3 and len({len(row) for row in rows}) == 1, rows
    assert rows[2][rows[0].index('instruction')] == 'Add fog', rows
    assert rows[2][rows[0].index('steps')] == '7', rows
    window.shot('compare-50-exported')
    window.quit()


@case
def narrow(home, start):
    home.settings(window_size='(360, 640)')
    window = start(siblings(home))
    is_current(window, 'Add fog')

    def on_image():
        widget = window.focus_widget()
        return widget is not None and widget.role == 'image'

    repeat_until(lambda: window.click(180, 250), on_image, 'the keyboard on the image')
    window.key('c')
    window.text('comparing “Add fog” with “coffee.png”')
    wait_until(lambda: is_on(window, 'Dividing Line'), 'the line where it is narrow')
    for mode in MODES:
        assert bool(window.all(BUTTONS, mode)) == (mode in ('Dividing Line', 'Flicker')), mode
    window.shot('compare-40-narrow')
    window.button('Flicker')
    window.find('label', 'B: Add fog')
    window.shot('compare-41-narrow-flicker')
    window.button('Leave Comparison')
    left(window)
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
