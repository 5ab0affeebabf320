#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up a sweep in the real window, by the keyboard and by what a screen reader is told."""
import sys

from drive import case, run, wait_until

TABS = ['Tab'] * 12


def open_page(home, start, instruction='Make it snow', focus='Values of Guidance'):
    window = start(home.photo(size='192x192'))
    window.wait_for_nodes(1)
    window.write('Instruction', instruction)
    window.focus_image()
    window.key('ctrl+t')
    wait_until(lambda: window.focused() == focus, f'the keyboard on {focus!r}')
    return window


def retype(window, text):
    window.key('ctrl+a')
    window.type(text)


@case
def all_of_it_by_the_keyboard(home, start):
    window = open_page(home, start)
    window.text('from “coffee.png”, with ')
    retype(window, '1, 1.5, .. 3')
    window.text('Columns · 5 values: 1, 1.5, 2, 2.5, 3')
    window.text('5 cells')
    window.shot('sweep-setup-1')
    # What is wrong is said, and nothing starts.
    retype(window, '1, many')
    window.text('Give values for “Guidance” first.')
    window.key('ctrl+Return')
    window.wait_for_nodes(1)
    retype(window, '1, 3')
    window.text('2 cells')
    # A second axis, and what it is.
    window.move_focus('Add an Axis', TABS)
    window.key('space')
    wait_until(lambda: window.focused() == 'What changes: Seed', 'the keyboard on the new axis')
    window.move_focus('First seed', TABS)
    retype(window, '5, 8')
    window.text('Rows · 2 values: 5, 8')
    window.text('4 cells')
    # The other way round.
    window.move_focus('Move Seed Up', TABS)
    window.key('space')
    window.text('Columns · 2 values: 5, 8')
    # Leaving loses nothing.
    window.key('Escape')
    wait_until(lambda: window.focused() == 'Instruction', 'the keyboard back on the instruction')
    window.focus_image()
    window.key('ctrl+t')
    window.text('Columns · 2 values: 5, 8')
    window.text('Rows · 2 values: 1, 3')
    window.shot('sweep-setup-2')
    window.key('ctrl+Return')
    window.text('4 of 4 done')
    document, = home.library()
    made = [node for node in home.ended(document, 5) if node['instruction'] == 'Make it snow']
    assert sorted((node['seed'], node['parameters']['guidance']) for node in made) \
        == [(5, 1), (5, 3), (8, 1), (8, 3)], made


@case
def words_to_choose_from(home, start):
    # They may be all that is wanted: nothing else is there to begin with.
    window = open_page(home, start, 'Make it {snow|night}', 'Instruction of the sweep')
    window.text('Columns · 2 values: snow, night')
    window.text('From the instruction')
    retype(window, 'Make it {snow|night|rain')
    window.text('Correct the instruction first.')
    retype(window, 'Make it {snow|night}')
    window.text('2 cells')
    window.key('ctrl+Return')
    window.text('2 of 2 done')
    document, = home.library()
    assert {node['instruction'] for node in home.ended(document, 3)} \
        == {'', 'Make it snow', 'Make it night'}


@case
def much_asks_once(home, start):
    home.settings(sweep_ask_cells=3)
    window = open_page(home, start)
    retype(window, '1, 2, 3, 4')
    window.text('4 cells')
    window.key('ctrl+Return')
    window.text('Run 4 Cells?')
    window.shot('sweep-setup-asks')
    window.respond('Cancel')
    wait_until(lambda: not window.all('label', 'Run 4 Cells?'), 'the question to go')
    window.wait_for_nodes(1)
    window.key('ctrl+Return')
    window.text('Run 4 Cells?')
    window.respond('Start')
    window.text('4 of 4 done')


@case
def in_a_narrow_window(home, start):
    window = open_page(home, start)
    window.resize(460, 700)
    window.move_focus('Add an Axis', TABS)
    window.key('space')
    window.text('Rows · 4 values')
    window.shot('sweep-setup-narrow')
    window.key('ctrl+Return')
    window.text('done')


if __name__ == '__main__':
    sys.exit(run())
