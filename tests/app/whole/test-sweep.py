#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeps in the real window: from setting one up to the sheet, with the keyboard alone, by the names
that a screen reader says; stopped, tried again, closed and gone on with, refined."""
import subprocess
import sys

from drive import case, is_sensitive, repeat_until, run, wait_until

LONG = 1000  # steps: longer than any case lasts


def cells(window):
    """State words of the cells in sight, by name: {'Guidance 0, Seed 1': 'done, 2 stars'}."""
    return dict(cell.name.rsplit(': ', 1) for cell in window.all('table cell', lambda name: ': ' in name))


def wait_for_cells(window, **states):
    """Until so many cells are in those states."""
    def are():
        found = [state.split(',')[0] for state in cells(window).values()]
        return all(found.count(state.replace('_', ' ')) == n for state, n in states.items())

    wait_until(are, f'cells to be {states}')


def says(window, words):
    wait_until(lambda: window.all('status bar', lambda name: name.startswith(words)), f'{words!r}')


def set_up(window, instruction, guidance, seeds=None):
    """With keys: the page that sets up a sweep, and its axes."""
    window.key('ctrl+l')
    wait_until(lambda: window.focused() == 'Instruction', 'the keyboard in the instruction')
    window.type(instruction)
    window.key('ctrl+t')
    wait_until(lambda: window.all('push button', 'Start'), 'the page')
    window.move_focus('Values of Guidance', ['Tab'] * 6)
    window.key('ctrl+a')
    window.type(guidance)
    if seeds:
        window.move_focus('Add an Axis', ['Tab'] * 6)
        window.key('Return')
        window.find('spin button', 'Consecutive Seeds')
        window.move_focus('First seed', ['Tab'] * 6)
        window.key('ctrl+a')
        window.type(seeds)
    wait_until(lambda: is_sensitive(window.find('push button', 'Start')), 'something to start')


def start_sweep(window, *what):
    set_up(window, *what)
    window.key('ctrl+Return')
    window.find('table', 'Cells of the sweep')


def focus_cells(window):
    """The keyboard to the cells, from wherever it is: the grid is one stop of the Tab key."""
    wait_until(lambda: window.all('table cell'), 'cells')
    if not window.focused() in {cell.name for cell in window.all('table cell')}:
        window.move_focus(': ', ['shift+Tab'] * 10)


def at(window, name):
    """The keyboard is on that cell."""
    wait_until(lambda: window.focused().startswith(name + ': '), f'the keyboard on {name!r}')


def to_button(window, name):
    """From the cells back to a button of the bar above them."""
    window.move_focus(name, ['shift+Tab'] * 9)


@case
def from_setting_up_to_the_sheet(home, start):
    document = home.document(size='128x128')
    window = start(document)
    window.wait_for_nodes(1)
    start_sweep(window, 'Tint the photo blue', '0, 2.5, 5', '1..2')
    says(window, '6 of 6 done')
    wait_for_cells(window, done=6)
    window.shot('sweep-done')
    # They are ordinary nodes, which differ by what the axes say.
    nodes = [node for node in home.ended(document, 7) if node.get('instruction')]
    assert sorted((node['parameters']['guidance'], node['seed']) for node in nodes) \
        == [(g, s) for g in (0, 2.5, 5) for s in (1, 2)], nodes

    focus_cells(window)
    at(window, 'Guidance 0, Seed 1')
    window.key('Right')
    at(window, 'Guidance 2.5, Seed 1')
    window.key('Down')
    at(window, 'Guidance 2.5, Seed 2')
    window.key('3')
    wait_until(lambda: cells(window)['Guidance 2.5, Seed 2'] == 'done, 3 stars', 'three stars')
    window.key('Left')
    window.key('x')
    wait_until(lambda: cells(window)['Guidance 0, Seed 2'] == 'done, rejected', 'a rejected one')

    # A row is compared, and back.
    window.key('Up')
    window.key('shift+space')
    window.key('c')
    window.text('comparing')
    window.shot('sweep-compare')
    window.key('Escape')
    window.find('table', 'Cells of the sweep')

    # What is shown becomes a sheet.
    focus_cells(window)
    to_button(window, 'Export Sheet')
    window.key('Return')
    sheet = home.folder / 'home/sheet.png'
    window.choose_file(sheet)
    wait_until(sheet.exists, 'the sheet')
    wait_until(lambda: subprocess.run(['identify', sheet], capture_output=True).returncode == 0,
               'all of the sheet')
    size = subprocess.run(['identify', '-format', '%w %h', sheet], capture_output=True, text=True,
                          check=True).stdout.split()
    assert int(size[0]) > 3 * 128 and int(size[1]) > 2 * 128, size
    window.quit()


@case
def filtered_swapped_and_undone(home, start):
    window = start(home.document(size='128x128'))
    window.wait_for_nodes(1)
    start_sweep(window, 'Tint the photo red', '0, 2.5', '1..2')
    says(window, '4 of 4 done')

    def rows():
        return [header.name for header in window.all('row header')][1:]

    assert rows() == ['Seed 1', 'Seed 2'], rows()
    focus_cells(window)
    to_button(window, 'Swap Columns and Rows')
    window.key('Return')
    wait_until(lambda: rows() == ['Guidance 0', 'Guidance 2.5'], 'rows of guidance')
    window.move_focus(': ', ['Tab'] * 8)
    window.key('ctrl+Home')
    at(window, 'Guidance 0, Seed 1')
    window.key('5')
    wait_until(lambda: cells(window)['Guidance 0, Seed 1'] == 'done, 5 stars', 'five stars')
    window.menu('Filter', 'Only Starred')
    wait_until(lambda: list(cells(window)) == ['Guidance 0, Seed 1'], 'the starred one alone')
    window.menu('Filter', 'Show All')
    wait_until(lambda: len(cells(window)) == 4, 'all of them')

    # Deleted, and back with one step.
    focus_cells(window)
    window.key('ctrl+a')
    window.key('Delete')
    window.text('No Cells Left')
    window.shot('sweep-deleted')
    window.key('ctrl+z')
    wait_for_cells(window, done=4)
    window.quit()


@case
def stopped_and_tried_again(home, start):
    window = start(home.document(size='128x128'))
    window.wait_for_nodes(1)
    window.set_steps(LONG)
    start_sweep(window, 'Make it snow', '1, 2, 3, 4')
    wait_for_cells(window, running=1, waiting=3)
    # One that waits, from its menu.
    focus_cells(window)
    window.key('End')
    at(window, 'Guidance 4')
    window.open_menu('shift+F10', 'Continue From This One')
    window.shot('sweep-menu')
    window.choose('Stop')
    wait_for_cells(window, running=1, waiting=2, stopped=1)
    # What runs, and the next begins.
    window.menu('Stop', 'Stop What Runs, Go On with the Rest')
    wait_for_cells(window, running=1, waiting=1, stopped=2)
    window.menu('Stop', 'Finish What Runs, Drop the Rest')
    wait_for_cells(window, running=1, stopped=3)
    window.menu('Stop', 'Stop Everything')
    wait_for_cells(window, stopped=4)
    window.shot('sweep-stopped')
    window.menu('Run Cells', 'Retry Failed')
    wait_for_cells(window, running=1, waiting=3)
    window.menu('Stop', 'Stop Everything')
    wait_for_cells(window, stopped=4)
    window.quit()


@case
def closed_and_gone_on_with(home, start):
    document = home.document(size='128x128')
    window = start(document)
    window.wait_for_nodes(1)
    window.set_steps(60)
    start_sweep(window, 'Make it night', '1, 2, 3')
    wait_for_cells(window, running=1, waiting=2)
    window.key('ctrl+w')
    window.text('Turns Are Under Way')
    window.respond('Stop')
    window.ended()

    window = start(document)
    window.button('Continue')
    window.main_menu('Sweeps')
    window.press('menu item', lambda name: name.startswith('Guidance ('))
    says(window, '3 of 3 done')
    wait_for_cells(window, done=3)
    # None is lost, none was made twice.
    nodes = [node for node in home.ended(document, 4) if node.get('instruction')]
    assert sorted(node['parameters']['guidance'] for node in nodes) == [1, 2, 3], nodes
    window.quit()


@case
def previews_are_refined(home, start):
    document = home.document(size='128x128')
    window = start(document)
    window.wait_for_nodes(1)
    set_up(window, 'Make it look like autumn', '1, 2, 3')
    window.move_focus('Cheap Preview First', ['Tab'] * 9)
    window.key('space')
    window.key('ctrl+Return')
    wait_for_cells(window, preview=3)
    window.shot('sweep-previews')
    focus_cells(window)
    window.key('ctrl+Home')
    window.key('Right')
    at(window, 'Guidance 2')
    window.menu('Run Cells', 'Refine Selected Previews')
    wait_for_cells(window, preview=2, done=1)
    assert cells(window)['Guidance 2'] == 'done', cells(window)
    window.menu('Run Cells', 'Refine All Previews')
    wait_for_cells(window, done=3)
    window.quit()


@case
def going_on_from_a_cell(home, start):
    document = home.document(size='128x128')
    window = start(document)
    window.wait_for_nodes(1)
    start_sweep(window, 'Tint the photo green', '0, 2.5')
    says(window, '2 of 2 done')
    focus_cells(window)
    window.key('End')
    at(window, 'Guidance 2.5')
    window.open_menu('Menu', 'Continue From This One')
    window.choose('Continue From This One')
    wait_until(lambda: window.focused() == 'Instruction', 'the keyboard in the instruction')
    window.find('image', 'Tint the photo green')
    window.key('ctrl+a')
    window.type('Add fog')
    window.key('ctrl+Return')
    wait_until(lambda: any(node.get('instruction') == 'Add fog' and node['state'] == 'done'
                           for node in home.tree(document)), 'the turn')
    nodes = {node['id']: node for node in home.tree(document)}
    fog, = (node for node in nodes.values() if node.get('instruction') == 'Add fog')
    assert nodes[fog['parent']]['parameters']['guidance'] == 2.5, nodes
    window.quit()


@case
def with_the_mouse(home, start):
    home.settings(window_size='(1000, 700)')
    window = start(home.document(size='128x128'))
    window.wait_for_nodes(1)
    start_sweep(window, 'Tint the photo blue', '0, 2.5', '1..2')
    says(window, '4 of 4 done')

    def press_widget(widget, button=1):
        x, y, width, height = widget.extents()
        window.click(x + width // 2, y + height // 2, button)

    def press(name, button=1):
        press_widget(window.find('table cell', lambda own: own.startswith(name + ': ')), button)

    press('Guidance 2.5, Seed 2')
    at(window, 'Guidance 2.5, Seed 2')
    press('Guidance 0, Seed 1', button=3)
    wait_until(lambda: window.all('menu item', 'Continue From This One'), 'the menu')
    window.key('Escape')
    at(window, 'Guidance 0, Seed 1')
    # A row's header selects the row.
    press_widget(window.find('row header', 'Seed 2'))
    window.key('c')
    window.text('comparing “Tint the photo blue” with')
    window.key('Escape')
    window.find('table', 'Cells of the sweep')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
