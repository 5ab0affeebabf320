#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The menus of nodes and of the image, and the dialogs that test-reach.py leaves out."""
import os
import re
import sys

from accessible import PRESSED
from drive import case, plain, run, wait_until
from reach import (branches, has_focus, instruction, is_current, run_long, run_states,
                   window_comes, window_goes)


@case
def stacks(home, start):
    document = home.document()
    home.cli('run', document, '-p', 'Make it snow', '--variations', '3', '--seed', '7')
    window = start(document)
    window.wait_for_nodes(2)
    window.select('Make it snow')
    window.focus_tree()
    window.key('ctrl+Left', 'ctrl+Left')
    window.wait_for_nodes(1, 'variation 1 of 3')
    for key, number in (('ctrl+Right', 2), ('ctrl+Right', 3), ('ctrl+Right', 3), ('ctrl+Left', 2)):
        window.key(key)
        window.wait_for_nodes(1, f'variation {number} of 3')
        has_focus(window, f'variation {number} of 3')
    window.node_menu('Make it snow', 'Arrange', 'Spread or Stack Variations')
    window.wait_for_nodes(4)
    window.node_menu('Make it snow', 'Arrange', 'Spread or Stack Variations')
    window.wait_for_nodes(2)
    # Folded as one.
    window.node_menu('coffee', 'Arrange', 'Fold or Unfold Branch')
    window.wait_for_nodes(1, '3 hidden below')
    window.node_menu('coffee', 'Arrange', 'Fold or Unfold Branch')
    window.wait_for_nodes(2)
    window.quit()


def a_viewer(home):
    """Installs a program for images that does nothing but keep what it is given. Returns where."""
    opened = home.folder / 'home/opened'
    applications = home.folder / 'share/applications'
    applications.mkdir(parents=True)
    (applications / 'viewer.desktop').write_text(
        f'[Desktop Entry]\nType=Application\nName=Viewer\nExec=cp %f {opened}\n'
        'MimeType=image/png;image/webp;image/jpeg;\n')
    (home.folder / 'config/mimeapps.list').write_text('[Default Applications]\n' + ''.join(
        f'image/{kind}=viewer.desktop\n' for kind in ('png', 'webp', 'jpeg')))
    return opened


@case
def turns_from_the_menu_of_a_node(home, start):
    document = home.document()
    window = start(document)
    window.wait_for_nodes(1)
    run_long(window, 'Make it snow', 'Add fog')
    window.node_menu('Add fog', 'Stop')
    window.wait_for_nodes(1, 'stopped')
    window.node_menu('Add fog', 'Retry')
    window.wait_for_nodes(0, 'stopped')
    window.wait_for_nodes(1, 'waiting')
    window.node_menu('Add fog', 'Stop')
    window.node_menu('Make it snow', 'Stop')
    window.wait_for_nodes(2, 'stopped')
    window.quit()

    document = home.document('Make it snow', name='Again.espalier')
    opened = a_viewer(home)
    window = start(document)
    window.wait_for_nodes(2)
    window.node_menu('Make it snow', 'Run Again with the Same Seed')
    wait_until(lambda: len(home.tree(document)) == 3, 'the same again')
    window.node_menu('Make it snow', 'Run Again with a New Seed')
    wait_until(lambda: len(home.tree(document)) == 4, 'another seed')
    window.node_menu('Make it snow', 'Arrange', 'Duplicate')
    wait_until(lambda: run_states(home, document) == ['done'] * 5, 'the copy')
    seeds = [node['seed'] for node in home.tree(document) if node['instruction']]
    assert len(seeds) == 4 and len(set(seeds)) < 4, seeds
    for item in ('All Settings', 'Instruction', 'Seed'):
        window.node_menu('Make it snow', 'Use', item)
        has_focus(window, 'Instruction')
    assert instruction(window) == 'Make it snow'
    window.node_menu('Make it snow', 'Copy', 'Instruction')
    window.text('Instruction copied')
    window.node_menu('Make it snow', 'Copy', 'Command Line')
    window.text('Command line copied')
    window.node_menu('Make it snow', 'Open With…')
    wait_until(lambda: opened.exists() and opened.stat().st_size > 1000, 'the image to be opened')
    window.node_menu('coffee', 'Show')
    is_current(window, 'coffee')
    has_focus(window, 'coffee')
    window.quit()


@case
def moving_a_branch(home, start):
    document = branches(home)
    window = start(document)
    window.wait_for_nodes(4)

    def parents():
        nodes = {node['id']: node for node in home.tree(document)}
        return {node['instruction']: nodes[node['parent']]['instruction'] if node['parent'] else None
                for node in nodes.values()}

    window.node_menu('Add fog', 'Arrange', 'Move to…')
    window_comes(window, 'Move Branch')
    window.shot('reach-move')
    window_goes(window, 'Move Branch')
    window.node_menu('Add fog', 'Arrange', 'Move to…')
    window_comes(window, 'Move Branch')
    window.write('Find the new parent', 'night')
    has_focus(window, 'Find the new parent')
    wait_until(lambda: not window.all('label', 'coffee.png'), 'the one that is found')
    window.key('Return')
    window.text('Branch moved')
    wait_until(lambda: parents()['Add fog'] == 'Make it night', 'the branch to be moved')
    window.button('Undo')
    wait_until(lambda: parents()['Add fog'] == 'Make it snow', 'the branch to be back')

    # Among its siblings.
    def order():
        return [next(word for word in ('coffee', 'fog', 'snow', 'night') if word in node.get_name())
                for node in window.nodes()]

    before = order()
    assert before.index('snow') < before.index('night'), before
    window.node_menu('Make it night', 'Arrange', 'Move Earlier Among Siblings')
    wait_until(lambda: order() != before, 'another order')
    window.node_menu('Make it night', 'Arrange', 'Move Later Among Siblings')
    wait_until(lambda: order() == before, 'the order of before')

    # To a document of its own.
    window.node_menu('Make it snow', 'Arrange', 'Copy Branch to New Document')
    wait_until(lambda: len(window.frames()) == 2, 'the other window')
    copy, = wait_until(home.library, 'the other document')
    wait_until(lambda: len(home.tree(copy)) == 2, 'the copies')
    window.shot('reach-copied-branch')
    window.quit()
    assert 'ok' in home.cli('verify', copy)


@case
def presets(home, start):
    window = start(home.document())
    window.wait_for_nodes(1)
    window.set_steps(3)

    def open_presets():
        window.button(lambda name: name.startswith('Settings'))
        window.button('Presets')
        return window.find(('text', 'entry'), 'Name of the preset')

    open_presets()
    window.write('Name of the preset', 'Quick')
    window.button('Save')
    window.button('Rename: Quick')
    name = window.find(('text', 'entry'), 'Name of the preset')
    wait_until(lambda: window.read(name) == 'Quick', 'the old name')  # a press takes effect later
    window.write('Name of the preset', 'Fast')
    window.button('Rename')
    window.button('Delete: Fast')
    window.text('“Fast” deleted')
    window.button('Undo')
    window.find(None, 'Delete: Fast')
    window.shot('reach-presets')
    window.key('Escape')
    window.gone(('text', 'entry'), 'Name of the preset')
    window.key('Escape')
    window.gone('spin button', 'Steps')
    window.set_steps(5)
    open_presets()
    window.find('list item', 'Fast')
    window.move_focus('Fast', ['shift+Tab'] * 8)
    window.key('Return')
    window.find('push button', lambda name: name.startswith('Settings: 3 steps'))
    window.key('Escape')
    window.quit()


@case
def menus_of_the_image(home, start):
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)
    for item in ('400%', 'Zoom In', 'Zoom Out', '100%', '200%', 'Fit the Window'):
        window.menu(lambda name: name.startswith('Zoom: '), item)
        if item == '400%':
            window.find('push button', 'Zoom: 400%')
    for item, words in (('Copy Image', 'Image copied'), ('Show Before', 'coffee'),
                        ('Use as Reference', 'Remove')):
        window.focus_image()
        window.key('shift+F10')
        window.choose(item)
        window.text(words)
        window.key('Escape')
    window.focus_image()
    window.key('shift+F10')
    window.choose('Export…')
    window_comes(window, 'Export')
    window_goes(window, 'Export')
    window.quit()


@case
def references(home, start):
    other = home.photo('cat.png', '96x96')
    window = start(home.document())
    window.wait_for_nodes(1)
    window.menu('Add Reference', 'From File…')
    window.choose_file(other)
    window.find('push button', lambda name: name.startswith('Remove') and 'cat' in name)
    window.menu('Add Reference', 'Paste')
    window.text('There is no image in the clipboard')
    window.menu('Add Reference', 'Current Image')
    window.find('push button', lambda name: name.startswith('Remove') and 'coffee' in name)
    window.button(lambda name: name.startswith('Remove') and 'coffee' in name)
    window.gone('push button', lambda name: name.startswith('Remove') and 'coffee' in name)
    window.quit()


@case
def preferences(home, start):
    window = start(branches(home))
    window.wait_for_nodes(4)
    window.button(lambda name: name.startswith('Model:'))
    window.button('Get a Model…')
    window_comes(window, 'Preferences')
    # By keys: on to its tab, and from there to the first thing on it, which those of other pages are not.
    for page, key, first in (('Models', 'Tab', 'Look Again'), ('Providers', 'shift+Tab', 'Nothing Leaves This Computer'),
                             ('Storage', 'shift+Tab', 'Place'), ('General', 'shift+Tab', 'Style')):
        window.move_focus(page, [key] * 4)
        window.key('space')
        wait_until(lambda tab=page: all(one.has(PRESSED) == (plain(one.name) == tab)
                                        for one in window.all('page tab')), f'the page {page}')
        window.move_focus(first, ['Tab'] * 5)
        window.shot(f'reach-preferences-{page.lower()}')
    window.find(None, 'History Grows')
    window_goes(window, 'Preferences')
    window.quit()


@case
def the_sample_photo(home, start):
    window = start()
    window.button('Try the Sample Photo')
    window.wait_for_nodes(1)
    wait_until(home.library, 'its document')
    window.quit()


@case
def overwriting_theirs(home, start):
    document = home.document()
    theirs = home.document('Make it snow', name='Theirs.espalier')
    window = start(document)
    window.wait_for_nodes(1)
    window.select('coffee')
    window.focus_image()
    window.key('period')
    wait_until(lambda: home.tree(document)[0]['stars'] == 1, 'the star to be saved')
    os.replace(theirs, document)
    window.button('Overwrite Theirs')
    window.silent('Overwrite Theirs')
    wait_until(lambda: [node['stars'] for node in home.tree(document)] == [1], 'ours to be saved')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
