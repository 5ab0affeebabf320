#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Untouched pixels in the real window: kept and told, switched off and on afterwards without another
turn; turns whose image of before has changed; paths run once more; pictures as new beginnings."""
import sys

from accessible import CHECKED
from drive import case, run, wait_until

SAME = 'Keep the photo the same'  # nearly: the demo model wears the picture down a little
NEGATIVE = 'Make a negative of the photo'
MARKED = 'made from an image that has changed'
SWITCH = 'Keep Untouched Pixels'


def show_details(window):
    window.key('F9')
    window.find('text', 'Note')


def nodes(home, document):
    """As they are in the file."""
    return home.tree(document)


def wait_done(home, document, count):
    wait_until(lambda: sum(node['state'] == 'done' for node in nodes(home, document)) == count,
               f'{count} nodes that are done', 60)


def image(home, document, instruction):
    return next(node['image']['sha256'] for node in nodes(home, document)
                if node['instruction'] == instruction)


def flip_switch(window):
    """Of the details."""
    widget = wait_until(lambda: [item for item in window.all(None, SWITCH)
                                 if item.role in ('toggle button', 'switch', 'check box')], 'the switch')[-1]
    was = widget.has(CHECKED)
    assert widget.press()
    return was


def begin(home, start, *turns):
    window = start(home.photo(size='192x192'))
    window.wait_for_nodes(1)
    document, = wait_until(home.library, 'a document in the library')
    wait_until(lambda: any('8' in button.name for button in window.all('push button')
                           if button.name.startswith('Settings: ')), 'the settings')
    window.set_steps(4)
    for number, turn in enumerate(turns):
        window.instruct(turn)
        window.wait_for_nodes(number + 2)
    wait_done(home, document, len(turns) + 1)
    return window, document


@case
def kept_and_told_and_changed_afterwards(home, start):
    window, document = begin(home, start, SAME)
    kept = image(home, document, SAME)
    show_details(window)
    window.text('as it was, bit for bit')
    window.text('1 turn from the original')
    window.text('Drift outside of the changes')
    window.shot('drift-kept')

    # All of the result, and back: another image of the same turn, nothing is made again.
    flip_switch(window)
    window.text('Switched off: all of the result was taken.')
    wait_until(lambda: image(home, document, SAME) != kept, 'another image')
    flip_switch(window)
    window.text('as it was, bit for bit')
    wait_until(lambda: image(home, document, SAME) == kept, 'the image as it was')
    assert len(nodes(home, document)) == 2

    # One step each.
    window.focus_image()
    window.key('ctrl+z')
    window.text('Switched off: all of the result was taken.')
    window.key('ctrl+z')
    window.text('as it was, bit for bit')
    window.quit()


@case
def the_composer_says_when_nothing_is_kept(home, start):
    window, document = begin(home, start)
    window.button(lambda name: name.startswith('Settings: '))
    widget = window.find(('toggle button', 'switch', 'check box'), 'Keep untouched pixels')
    assert widget.has(CHECKED)
    widget.press()
    window.key('Escape')
    window.text('Untouched pixels are not kept')
    window.shot('drift-off')
    window.instruct(SAME)
    window.wait_for_nodes(2)
    wait_done(home, document, 2)
    show_details(window)
    window.text('Switched off: all of the result was taken.')
    # It is switched on where it is said; the next window begins as this one ended.
    window.quit()
    window = start(document)
    window.text('Untouched pixels are not kept')
    window.button('Keep Untouched Pixels Again')
    window.silent('Untouched pixels are not kept')
    window.quit()


@case
def turns_whose_image_of_before_changed(home, start):
    window, document = begin(home, start, SAME, NEGATIVE)
    show_details(window)
    window.select(SAME)
    window.text('as it was, bit for bit')
    flip_switch(window)
    window.node(MARKED)
    assert SAME not in window.node(MARKED).name
    window.select(NEGATIVE)
    window.text('The image that this was made from has changed.')
    window.shot('drift-outdated')

    # It is left as it is, and that is taken back.
    window.button('Keep as It Is')
    wait_until(lambda: not any(MARKED in node.name for node in window.nodes()), 'the mark to go')
    window.focus_image()
    window.key('ctrl+z')
    window.node(MARKED)

    # Once more from what is there now: beside it.
    window.button('Redo from Here')
    window.wait_for_nodes(4)
    wait_done(home, document, 4)
    again = [node for node in nodes(home, document) if node['instruction'] == NEGATIVE]
    assert len(again) == 2 and again[0]['parent'] == again[1]['parent']
    assert again[0]['seed'] == again[1]['seed']
    assert again[0]['image']['sha256'] != again[1]['image']['sha256']
    assert sum(MARKED in node.name for node in window.nodes()) == 1  # the old one, which stays

    # With what is below it, if the person says so.
    window.node_menu(SAME, 'Rebuild', 'Redo from Here')
    window.respond('All 3 Turns')
    wait_done(home, document, 7)
    window.focus_image()
    window.key('ctrl+z')
    wait_until(lambda: len(nodes(home, document)) == 4, 'all of them to go')
    window.quit()


@case
def paths_as_one_edit_and_one_after_another(home, start):
    window, document = begin(home, start, SAME, NEGATIVE)
    window.node_menu(NEGATIVE, 'Rebuild', 'Squash…')
    wait_until(lambda: 'Squash' in window.frames(), 'the dialog')
    window.text(SAME)
    window.shot('drift-squash-order')
    # The demo model knows its own instructions alone: one after another is what is offered first.
    window.move_focus('As One Edit', ['Down', 'Down', 'Tab'])
    window.key('space')
    text = window.find('text', 'All Instructions')
    wait_until(lambda: window.read(text) == f'{SAME}. Then: {NEGATIVE}', 'both instructions as one')
    window.shot('drift-squash-one')
    window.write('All Instructions', NEGATIVE)
    window.key('alt+r')
    wait_until(lambda: 'Squash' not in window.frames(), 'the dialog to go')
    window.wait_for_nodes(4)
    wait_done(home, document, 4)
    tree = nodes(home, document)
    assert tree[-1]['instruction'] == NEGATIVE and tree[-1]['parent'] == tree[0]['id']

    window.node_menu(NEGATIVE, 'Rebuild', 'Squash…')
    wait_until(lambda: 'Squash' in window.frames(), 'the dialog')
    window.key('alt+r')
    wait_done(home, document, 6)
    tree = nodes(home, document)
    assert [node['instruction'] for node in tree[-2:]] == [SAME, NEGATIVE]
    assert tree[-2]['parent'] == tree[0]['id'] and tree[-1]['parent'] == tree[-2]['id']
    window.focus_image()
    window.key('ctrl+z')
    wait_until(lambda: len(nodes(home, document)) == 4, 'both to go')
    window.quit()


@case
def a_picture_as_a_new_beginning(home, start):
    window, document = begin(home, start, SAME)
    window.node_menu(SAME, 'Rebuild', 'Make a New Start from This Image')
    window.wait_for_nodes(3)
    window.node(f'Image: From “{SAME}”')
    wait_until(lambda: len(nodes(home, document)) == 3, 'the document to be saved')
    root = nodes(home, document)[-1]
    assert root['parent'] is None and root['kind'] == 'imported'
    assert root['image']['sha256'] == image(home, document, SAME)
    assert home.cli('verify', document).strip().endswith(', 3 nodes, ok')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
