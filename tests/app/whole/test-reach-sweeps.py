#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What joins sweeps and comparisons with the rest of the window: keys and menus that lead there and
back, groups in the history, files, and what is there again after closing."""
import csv
import json
import sys

from accessible import SELECTED
from drive import case, run, wait_until
from reach import branches, has_focus, is_current

CELLS = 4


def set_up(window, *values):
    """Setting up a sweep of Guidance, by the key."""
    window.focus_image()
    window.key('ctrl+t')
    window.write('Values of Guidance', ', '.join(values))


def sweep(home, start, **environment):
    """A window with a sweep of four cells that are done, shown as cells."""
    document = home.document()
    window = start(document, **environment)
    window.wait_for_nodes(1)
    window.write('Instruction', 'Make it snow')
    set_up(window, '1', '2', '3', '4')
    window.button('Start')
    window.text('4 of 4 done')
    return window, document


def shows_cells(window):
    window.text('sweep: Guidance')


def is_setting_up(window, expected):
    """The keyboard is in the page, or back in the composer."""
    window.focus()
    wait_until(lambda: window.focused().startswith(('Values of', 'Instruction of')) if expected
               else window.focused() == 'Instruction', 'the page to come' if expected else 'it to go')


def shows_image(window, words):
    window.silent('sweep: Guidance')
    is_current(window, words)


@case
def there_and_back(home, start):
    window, document = sweep(home, start)
    home.ended(document, 1 + CELLS)
    group = 'Sweep Guidance, 4 of 4 done'
    window.wait_for_nodes(1, group)
    window.wait_for_nodes(2)
    window.shot('sweeps-1-cells')
    # The group in the history leads there, Escape back.
    window.key('Escape')
    shows_image(window, 'coffee')
    window.node(group).press()
    shows_cells(window)
    window.key('Escape')
    # From the list of all sweeps.
    window.main_menu('Sweeps')
    window.choose('Guidance (4 cells)')
    shows_cells(window)
    # A cell as an image, and by one key to all of them and back.
    has_focus(window, 'Guidance 1')
    window.key('Right', 'Return')
    shows_image(window, 'Make it snow')
    window.focus_image()
    window.key('g')
    shows_cells(window)
    has_focus(window, 'Guidance 2')
    window.key('g')
    shows_image(window, 'Make it snow')
    # The group shows the cell that is the current one.
    assert window.node(group).has(SELECTED)
    # From the menu of the group.
    window.focus_tree()
    window.open_menu('shift+F10', 'Show Sweep')
    window.choose('Show Sweep')
    shows_cells(window)
    window.button('Back to the Image')
    shows_image(window, 'Make it snow')
    # Setting up another one can be left, too.
    window.key('ctrl+t')
    is_setting_up(window, True)
    window.button('Back to a Single Turn')
    is_setting_up(window, False)
    window.menu('More Ways to Run', 'Sweep…')
    window.button('Back to a Single Turn')
    is_setting_up(window, False)
    window.key('ctrl+t')
    is_setting_up(window, True)
    window.key('ctrl+t')
    is_setting_up(window, False)
    window.quit()


@case
def groups_and_branches(home, start):
    window, document = sweep(home, start)
    window.key('Escape')
    window.focus_tree()
    window.key('Down')
    window.open_menu('shift+F10', 'Delete')
    window.choose('Arrange', 'Spread or Group Cells')
    window.wait_for_nodes(1 + CELLS)
    window.node('Guidance 3')
    window.open_menu('shift+F10', 'Delete')
    window.choose('Arrange', 'Spread or Group Cells')
    window.wait_for_nodes(2)
    # One that is gone on from stands beside the others.
    window.node('Sweep').press()
    shows_cells(window)
    has_focus(window, 'Guidance 1')
    window.key('End', 'Return')
    shows_image(window, 'Make it snow')
    window.instruct('Add fog')
    window.wait_for_nodes(4)
    window.node('Sweep Guidance, 4 of 4 done')
    window.node('Guidance 4')
    window.shot('sweeps-2-branch')
    window.quit()


@case
def what_keys_mean_among_cells(home, start):
    window, document = sweep(home, start)
    has_focus(window, 'Guidance 1')
    window.key('shift+Right')
    window.key('4')
    wait_until(lambda: [node['stars'] for node in home.tree(document)] == [0, 4, 4, 0, 0], 'the stars')
    # Two of them side by side, and back to the cells.
    window.key('c')
    window.text('comparing “Make it snow”')
    window.shot('sweeps-3-compared')
    window.key('Escape')
    window.silent('comparing')
    shows_cells(window)
    window.key('Right')
    window.key('x')
    wait_until(lambda: sum(node['rejected'] for node in home.tree(document)) == 1, 'the rejection')
    window.key('Delete')
    wait_until(lambda: len(home.tree(document)) == CELLS, 'a cell less')
    window.key('ctrl+z')
    wait_until(lambda: len(home.tree(document)) == 1 + CELLS, 'the cell again')
    shows_cells(window)
    window.quit()


@case
def rejected_turns_are_hidden(home, start):
    document = branches(home)
    window = start(document)
    window.wait_for_nodes(4)
    window.select('Make it night')
    window.focus_image()
    window.key('x')
    window.wait_for_nodes(1, 'rejected')
    window.select('coffee')
    window.key('ctrl+shift+h')
    window.wait_for_nodes(3)
    window.wait_for_nodes(0, 'rejected')
    # The view is the document's.
    window.quit()
    window = start(document)
    window.wait_for_nodes(3)
    window.main_menu('Hide Rejected')
    window.wait_for_nodes(1, 'rejected')
    window.quit()


@case
def what_was_shown_is_shown_again(home, start):
    window, document = sweep(home, start)
    window.quit()
    window = start(document)
    shows_cells(window)
    has_focus(window, 'Guidance 1')
    window.key('shift+Right', 'c')
    window.text('comparing “Make it snow”')
    window.key('m')
    window.find('slider', lambda name: name.startswith('Dividing line'))
    # Looking is no change of the document: this is the session's.
    before = document.read_bytes()
    window.quit()
    assert document.read_bytes() == before
    window = start()
    window.text('comparing “Make it snow”')
    window.find('slider', lambda name: name.startswith('Dividing line'))
    window.key('Escape')
    window.silent('comparing')
    window.quit()


def export(window, target):
    window.choose_file(target)
    wait_until(lambda: target.exists() and target.stat().st_size > 100, f'{target.name}')
    window.text(f'Exported as “{target.name}”')


@case
def sheets_films_and_tables(home, start):
    window, document = sweep(home, start)
    folder = home.folder / 'home'
    window.button('Export Sheet')
    export(window, folder / 'sheet.png')
    assert (folder / 'sheet.png').read_bytes()[:4] == b'\x89PNG'
    window.button('Export Sheet')
    export(window, folder / 'sheet.pdf')
    assert (folder / 'sheet.pdf').read_bytes()[:4] == b'%PDF'
    window.find('push button', 'Show')

    has_focus(window, 'Guidance 1')
    window.key('shift+Right', 'c')
    window.text('comparing “Make it snow”')
    for item, name, start_of_it in (('Export Contact Sheet…', 'compared.png', b'\x89PNG'),
                                    ('Export Animation…', 'compared.gif', b'GIF8'),
                                    ('Export Parameters…', 'compared.csv', b''),
                                    ('Export Parameters…', 'compared.json', b'')):
        window.menu('More for the Comparison', item)
        export(window, folder / name)
        assert (folder / name).read_bytes().startswith(start_of_it)
    rows = list(csv.DictReader((folder / 'compared.csv').open()))
    assert [row['guidance'] for row in rows] == ['1', '2'], rows
    nodes = json.loads((folder / 'compared.json').read_text())['nodes']
    assert [node['parameters']['guidance'] for node in nodes] == [1, 2], nodes
    window.quit()


@case
def the_shortcuts_tell_of_it(home, start):
    window = start(home.document())
    window.wait_for_nodes(1)
    window.key('ctrl+question')
    wait_until(lambda: len(window.frames()) == 2, 'the shortcuts')
    window.text('Try several settings at once')
    window.key('Escape')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
