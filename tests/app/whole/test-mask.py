#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a result was taken, in the real window: shown, painted by hand and by keyboard, taken back,
forgotten; and regions, drawn by both."""
import contextlib
import re
import subprocess
import sys
import time

from accessible import PRESSED
from drive import BUTTONS, case, is_sensitive, repeat_until, run, wait_until
from survey import complaints, unreached

TURN = 'Add a white frame'
PHOTO = 'coffee.png'
SIDE = 256  # px of the photo, which is seen as it is


def begin(home, start, *turns, **environment):
    """A photo with turns, and the keyboard on the image of the last."""
    document = home.document(*turns, photo=PHOTO, size=f'{SIDE}x{SIDE}')
    window = start(document, **environment)
    window.wait_for_nodes(1 + len(turns))
    window.select(turns[-1] if turns else PHOTO)
    window.focus_image()
    return document, window


def start_from_nothing(window):
    """Whatever the program found: nothing is the result's, so that what is painted can be counted."""
    window.menu('More for the Mask', 'Take Nothing')
    window.text('Nothing of the result was taken')
    focus_view(window)
    window.key('b')
    window.text('Paint')


def focus_view(window):
    """The keyboard to the image, by a click beside it, where a brush leaves nothing."""
    def has_it():
        widget = window.focus_widget()
        return widget is not None and widget.role == 'image'

    repeat_until(lambda: window.click(400, 400), has_it, 'the keyboard on the image')


def share_becomes(window, low, high):
    """The percents that the words of the mask tell are in that range."""
    def share():
        for widget in window.all('status bar', lambda name: 'of the picture is the result’s' in name):
            percent = int(re.search(r'(\d+)%', widget.name).group(1))
            if low <= percent <= high:
                return percent + 1
        return 0

    return wait_until(share, f'a share of {low} to {high} %') - 1


def pixels(path):
    return subprocess.run(['convert', path, '-depth', '8', 'rgb:-'], check=True, capture_output=True).stdout


def stored(home, window, document, holds, what):
    """Waits until that holds of the pixels of the newest turn, as the file has them: the window shows it before that."""
    def look():
        newest = max(home.tree(document), key=lambda node: node['id'])
        if newest['state'] != 'done':
            return False
        target = home.folder / f'{time.monotonic_ns()}.png'
        home.cli('export', document, '--node', newest['id'], '-o', target)
        return holds(pixels(target))

    window.key('ctrl+s')
    wait_until(look, what)


def row(image, y, left=0, right=SIDE):
    return image[(y * SIDE + left) * 3:(y * SIDE + right) * 3]


def xdo(*arguments):
    subprocess.run(['xdotool', *map(str, arguments)], check=True)


@contextlib.contextmanager
def held(window, key):
    window.focus()
    xdo('keydown', key)
    try:
        yield
    finally:
        xdo('keyup', key)


def drag(window, *points):
    """By the mouse along points of the image, which is in the middle of its view."""
    x, y, width, height = window.find('image', lambda name: name in (TURN, PHOTO)).extents()
    # The X window has a margin around the one that the program tells of.
    margin = (window.size()[0] - window.find('frame').extents()[2]) // 2
    left, top = margin + x + (width - SIDE + 1) // 2, margin + y + (height - SIDE + 1) // 2
    where = window.window_id()
    for number, (x, y) in enumerate(points):
        xdo('mousemove', '--window', where, left + x, top + y)
        if number == 0:
            xdo('mousedown', 1)
        time.sleep(0.1)  # as a hand is no faster
    xdo('mouseup', 1, 'mousemove', 1279, 899)


@case
def the_mask_by_keyboard(home, start):
    document, window = begin(home, start, TURN)
    photo = pixels(home.photo(PHOTO, f'{SIDE}x{SIDE}'))
    window.key('k')
    start_from_nothing(window)
    stored(home, window, document, lambda image: image == photo, 'the photo, pixel by pixel')

    # From the middle to the right: 40 px wide, and 5 times 64 px, as far as the image goes.
    with held(window, 'space'):
        window.key('shift+Right', 'shift+Right', 'shift+Right')
        window.text('Painting at 256, 128')
        window.shot('mask-1-painting')
    window.text('Brush at 256, 128')
    share = share_becomes(window, 7, 11)
    stored(home, window, document, lambda image: row(image, 128, 140) != row(photo, 128, 140) and row(image, 60) == row(photo, 60)
           and row(image, 128, 0, 90) == row(photo, 128, 0, 90), 'the stroke alone')

    # Return begins and ends a stroke, too; sizes are told.
    window.key('e', 'bracketright')
    window.text('Brush: 48 px')
    window.key('Return', 'shift+Left', 'Return')
    share_becomes(window, 1, share - 2)
    window.key('ctrl+z')
    share_becomes(window, share, share)
    window.key('ctrl+shift+z')
    share_becomes(window, 1, share - 2)
    window.key('ctrl+z', 'ctrl+z')
    window.text('Nothing of the result was taken')

    # There is no brush before the mask of then is read again.
    wait_until(lambda: is_sensitive(window.find(BUTTONS, 'Keep the Original Where You Paint')), 'a mask')
    # What is painted last is in the file, however soon the window closes.
    window.key('b', 'Return', 'shift+Left', 'Return')
    window.quit()
    target = home.folder / 'last.png'
    home.cli('export', document, '--node', max(node['id'] for node in home.tree(document)), '-o', target)
    assert row(pixels(target), 128) != row(photo, 128) and row(pixels(target), 10) == row(photo, 10)


@case
def the_mask_by_hand(home, start):
    document, window = begin(home, start, TURN)
    photo = pixels(home.photo(PHOTO, f'{SIDE}x{SIDE}'))
    window.open_menu('shift+F10', 'Show Mask')
    window.choose('Show Mask')
    start_from_nothing(window)
    drag(window, (40, 40), (40, 120), (40, 200))
    small = share_becomes(window, 8, 12)
    window.shot('mask-2-painted')

    # Wider at its edge, by a value; the same with a soft one.
    window.button('Edge of the Mask')
    window.set_value('Grow', 20)
    share_becomes(window, small + 3, 40)
    window.shot('mask-3-edge')
    window.key('Escape')
    window.gone('spin button', 'Grow')

    # Held, the result as it was made: the whole of it.
    masked = pixels(window.shot('mask-4'))
    with held(window, 'w'):
        wait_until(lambda: pixels(window.shot('mask-5-result')) != masked, 'the result')
    wait_until(lambda: pixels(window.shot('mask-6')) == masked, 'the mask again')

    window.menu('More for the Mask', 'Take All of the Result')
    window.text('All of the result was taken')
    stored(home, window, document, lambda image: row(image, 10) != row(photo, 10), 'all of the result')
    window.menu('More for the Mask', 'Find Again')
    window.silent('All of the result was taken')
    window.key('ctrl+z', 'ctrl+z')
    share_becomes(window, small + 3, 40)

    window.menu('More for the Mask', 'Forget the Mask')
    window.text('The mask was forgotten: only the picture is left')
    window.shot('mask-7-forgotten')
    window.button('Hide the Mask')
    window.gone('tool bar', 'Mask')

    window.select(PHOTO)
    window.focus_image()
    window.key('k')
    window.text('This picture was imported: no model has changed it')
    window.quit()


@case
def a_region(home, start):
    document, window = begin(home, start)
    photo = pixels(home.photo(PHOTO, f'{SIDE}x{SIDE}'))
    window.key('d')
    window.find('tool bar', 'Region')
    window.text('Draw a region')
    window.key('space')
    window.text('128 × 128 px at 64, 64')
    window.key('shift+Down', 'shift+Right', 'Left', 'Up')
    window.text('136 × 136 px at 56, 56')
    window.button('Drop the Region')
    window.gone('tool bar', 'Region')

    # By hand: drawn, moved, resized at its corner; around something.
    window.focus_image()
    window.open_menu('shift+F10', 'Edit a Region')
    window.choose('Edit a Region')
    drag(window, (150, 150), (200, 180), (230, 240))
    window.text('80 × 90 px at 150, 150')
    drag(window, (190, 190), (200, 195))
    window.text('80 × 90 px at 160, 155')
    drag(window, (240, 245), (230, 235))
    window.text('70 × 80 px at 160, 155')
    window.shot('region-1')
    window.button('Draw Around It')
    # Pressed by name, a button of GTK's takes a quarter of a second.
    wait_until(lambda: window.find(None, 'Draw Around It').has(PRESSED), 'the other tool')
    # However many of the movements between are told, its box is that of its ends.
    drag(window, (50, 20), (55, 50), (60, 60), (70, 64), (80, 66), (90, 68), (100, 70))
    window.text('50 × 50 px at 50, 20')
    window.shot('region-2-lasso')
    window.button('Keep the Region for the Next Turns')
    window.gone('tool bar', 'Region')
    window.shot('region-3-kept')

    # The next turn is of that alone.
    window.instruct('Make a negative of the photo')
    window.wait_for_nodes(2)
    window.text('turn 1: Make a negative of the photo')
    wait_until(lambda: not any(', running' in node.name or ', waiting' in node.name
                               for node in window.nodes()), 'the turn')
    stored(home, window, document, lambda image: image != photo and all(row(image, y) == row(photo, y) for y in (140, 200, 255)),
           'a turn of the region alone')
    window.quit()


@case
def said_and_reached(home, start):
    """All of the bars as a screen reader and Tab come to it."""
    document, window = begin(home, start, TURN)
    found = []
    window.key('k')
    start_from_nothing(window)
    found += [*complaints(window, 'Mask'), *unreached(window, 'Mask')]
    for name, control in (('Brush', 'Size'), ('Edge of the Mask', 'Grow')):
        window.button(name)
        window.find('spin button', control)
        found += [*complaints(window, name), *unreached(window, name)]
        window.key('Escape')
        window.gone('spin button', control)
    focus_view(window)
    window.key('d')
    window.text('Draw a region')
    found += [*complaints(window, 'Region'), *unreached(window, 'Region')]
    assert not found, '\n'.join(found)
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
