#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every dialog, menu item and shortcut of the window is reached once, and everything that can be
pressed or written has a name."""
import re
import sys

from accessible import FOCUSED, PRESSED, SELECTED
from drive import BUTTONS, SOURCE, case, run, wait_until
from reach import nameless


def check_names(window, where):
    found = nameless(window)
    assert not found, f'without a name, {where}:\n' + '\n'.join(found)


def shown(window, what):
    wait_until(lambda: what in window.frames(), f'the window {what!r}')


def hidden(window, what):
    window.key('Escape')
    wait_until(lambda: what not in window.frames(), f'the window {what!r} to go')


def state(window, role, name, which):
    return window.find(role, name).has(which)


def node(home, document, instruction):
    return next(n for n in home.tree(document) if n['instruction'] == instruction)


@case
def everything_has_a_name(home, start):
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)
    window.key('F9')
    window.key('ctrl+f')
    check_names(window, 'in the window')
    for name in ('Settings', 'Model:', '1 Variation', 'Add Reference', 'More Ways to Run', 'Zoom: ',
                 'Main Menu'):
        before = len(list(window.root.walk()))
        window.button(lambda own, name=name: own.startswith(name))
        wait_until(lambda: len(list(window.root.walk())) > before, f'what is behind {name}')
        check_names(window, f'behind {name}')
        window.key('Escape')
        wait_until(lambda: len(list(window.root.walk())) == before, f'what is behind {name} to go')


@case
def windows_and_dialogs(home, start):
    document = home.document('Make it snow')
    window = start(document)
    window.wait_for_nodes(2)
    for key, item, title in (('ctrl+e', 'Export…', 'Export'),
                             ('ctrl+shift+e', 'Export All…', 'Export'),
                             ('alt+Return', 'Document Properties', 'Document Properties'),
                             ('ctrl+comma', 'Preferences', 'Preferences'),
                             (None, 'Rename…', 'Document Properties')):
        window.main_menu(item)
        shown(window, title)
        check_names(window, f'in {title}') if title != 'Preferences' else None
        hidden(window, title)
        if key:
            window.key(key)
            shown(window, title)
            hidden(window, title)
    before = len(window.frames())
    for act in (lambda: window.main_menu('Keyboard Shortcuts'), lambda: window.key('ctrl+question')):
        act()
        wait_until(lambda: len(window.frames()) == before + 1, 'the shortcuts')
        window.text('Run the instruction')
        window.key('Escape')
        wait_until(lambda: len(window.frames()) == before, 'the shortcuts to go')
    window.main_menu('About Espalier')
    wait_until(lambda: len(window.frames()) == before + 1, 'the about window')
    window.key('Escape')
    wait_until(lambda: len(window.frames()) == before, 'the about window to go')

    # A new name, and a purge after something was deleted.
    window.key('alt+Return')
    window.write('Name', 'Cup')
    window.find('text', 'Name')
    window.key('Escape')
    wait_until(lambda: len(window.frames()) == before, 'the properties to go')

    window.key('ctrl+n')
    wait_until(lambda: len(window.frames()) == 2, 'a second window')
    window.key('ctrl+w')
    wait_until(lambda: len(window.frames()) == 1, 'the second window to go')
    # There is no window manager here that could do it; that asking for it is no error is all.
    window.key('F11')
    window.key('F11')
    window.quit()


@case
def files(home, start):
    document = home.document('Make it snow')
    other = home.photo('astronaut.png', '128x128') if (SOURCE / 'data/photos/astronaut.png').exists() \
        else home.photo('coffee.png', '128x128')
    window = start()
    window.text('What Should Change?')
    check_names(window, 'on the welcome page')
    window.shot('reach-welcome')
    window.key('ctrl+o')
    window.choose_file(document)
    window.wait_for_nodes(2)
    target = home.folder / 'home/Moved.espalier'
    window.key('ctrl+shift+s')
    window.choose_file(target)
    wait_until(lambda: 'Moved' in window.frames(), 'the new name')
    assert target.exists()
    window.key('ctrl+s')
    window.text('Saved')
    # A photo into a window with a document gets its own.
    window.key('ctrl+o')
    window.choose_file(other)
    wait_until(lambda: len(window.frames()) == 2, 'a window for the photo')
    window.wait_for_nodes(3)
    window.focus_image()
    window.key('ctrl+v')
    window.text('There is no image to paste')
    window.quit()


@case
def a_picture_with_its_recipe(home, start):
    document = home.document('Make it snow')
    picture = home.folder / 'home/snow.png'
    home.cli('export', document, '-o', picture, '--recipe')
    window = start(picture)
    window.text('This Image Carries Its Recipe')
    window.shot('reach-recipe')
    window.respond('Continue With Its Settings')
    window.wait_for_nodes(1)
    wait_until(lambda: window.read(window.find('text', 'Instruction')) == 'Make it snow',
               'the instruction of the recipe')
    window.quit()


@case
def marks_and_the_tree(home, start):
    document = home.document('Make it snow', 'Add fog')
    window = start(document)
    window.wait_for_nodes(3)

    def has(what, **values):
        wait_until(lambda: all(node(home, document, what)[key] == value
                               for key, value in values.items()), f'{what}: {values}')

    window.select('Make it snow')
    window.focus_image()
    for key, stars in (('3', 3), ('5', 5), ('0', 0), ('period', 1), ('period', 0), ('1', 1),
                       ('2', 2), ('4', 4)):
        window.key(key)
        wait_until(lambda: ('star' in window.node('Make it snow').get_name()) == (stars > 0),
                   f'{stars} stars')
    has('Make it snow', stars=4)
    window.key('x')
    window.text('1 turn rejected')
    window.wait_for_nodes(1, 'rejected')
    window.key('x')
    window.wait_for_nodes(0, 'rejected')
    window.key('F2')
    window.write('Label', 'Winter')
    window.button('Rename')
    has('Make it snow', label='Winter')
    window.select('Winter')
    window.focus_image()
    window.key('F9')
    window.find('text', lambda name: 'Note' in name)
    window.key('F9')

    # Find: the matches are counted.
    window.key('ctrl+f')
    window.write('Find in the history', 'fog')
    window.text('1 match')
    window.shot('reach-find')
    window.key('Escape')

    # Fold and unfold, delete with its undo.
    window.select('Winter')
    window.focus_image()
    window.key('f')
    window.wait_for_nodes(2)
    window.focus_image()
    window.key('f')
    window.wait_for_nodes(3)
    window.focus_image()
    window.key('Delete')
    window.text('2 images deleted')
    window.button('Undo')
    window.wait_for_nodes(3)

    # The size that deleted turns take can be had back.
    window.select('Add fog')
    window.focus_image()
    window.key('Delete')
    window.wait_for_nodes(2)
    window.key('alt+Return')
    window.button('Purge…')
    window.respond('Purge')
    window.silent('purging it frees')
    window.key('Escape')
    wait_until(lambda: len(window.frames()) == 1, 'the properties to go')
    window.quit()
    assert 'ok' in home.cli('verify', document)


@case
def what_was_deleted_comes_back(home, start):
    """In a later session, by keys: one branch, then all, then nothing is left to bring back."""
    document = home.document('Make it snow', 'Add fog')
    home.cli('run', document, '--node', '1', '-p', 'Make it night')
    window = start(document)
    window.wait_for_nodes(4)
    for words, left in (('Make it night', 3), ('Add fog', 2), ('Make it snow', 1)):
        window.select(words)
        window.focus_tree(words)
        window.key('Delete')
        window.wait_for_nodes(left)
    window.quit()

    window = start(document)
    window.wait_for_nodes(1)
    window.key('alt+Return')
    shown(window, 'Document Properties')
    # What lies below another one comes with that.
    window.text('2 images and turns · ')
    window.find('push button', 'Restore All')
    window.move_focus('Restore “Make it snow”', ['Tab'] * 20)
    window.key('Return')
    window.wait_for_nodes(3)
    window.text('2 images and turns restored')
    window.gone('push button', 'Restore “Make it snow”')
    window.gone('push button', 'Restore All')
    wait_until(lambda: window.focused() == 'Restore “Make it night”', 'the keyboard on the next one')
    window.key('Return')
    window.wait_for_nodes(4)
    window.gone(None, 'Deleted Turns')
    wait_until(lambda: window.focus_widget() is not None and window.focused() != '', 'the keyboard somewhere')
    # The first Escape may go to a toast.
    wait_until(lambda: 'Document Properties' not in window.frames() or window.key('Escape'), 'the properties to go')
    assert window.node('Make it night').has(SELECTED)
    window.focus_tree()
    window.key('ctrl+z')
    window.wait_for_nodes(3)
    window.quit()
    assert 'ok' in home.cli('verify', document)
    assert len(home.tree(document)) == 3


@case
def the_menu_of_a_node(home, start):
    document = home.document()
    window = start(document)
    window.wait_for_nodes(1)
    names = set()
    window.node_menu('coffee')
    check_names(window, 'in the menu of a node')
    for item in window.all('menu item'):
        names.add(item.get_name())
    window.key('Escape')
    # What the program's menu file offers is what is there, but for what hides itself.
    text = (SOURCE / 'src/app/history/esp-history-menu.ui').read_text()
    offered = {label.replace('_', '') for label in
               re.findall(r'name="label" translatable="yes">([^<]*)<', text)}
    assert names <= offered, names - offered
    assert len(names) > 12, names

    window.node_menu('coffee')
    window.press('push button', '3 stars')
    wait_until(lambda: node(home, document, '')['stars'] == 3, 'three stars')
    window.node_menu('coffee')
    window.press('push button', 'Blue')
    window.wait_for_nodes(1, 'blue')
    window.node_menu('coffee')
    window.choose('Edit Note…')
    note = window.find('text', lambda name: 'Note' in name)
    wait_until(lambda: note.has(FOCUSED), 'the note')
    window.type('A red cup')
    wait_until(lambda: window.read(note) == 'A red cup', 'the note to be written')
    window.key('F9')
    window.node_menu('coffee')
    window.choose('Use as Reference')
    window.text('coffee')
    window.node_menu('coffee')
    window.choose('Copy', 'Image')
    window.text('Image copied')
    window.node_menu('coffee')
    window.choose('Export…')
    shown(window, 'Export')
    hidden(window, 'Export')
    window.node_menu('coffee')
    window.choose('Reject')
    window.wait_for_nodes(1, 'rejected')
    window.quit()


@case
def turns_in_all_ways(home, start):
    document = home.document()
    window = start(document)
    window.wait_for_nodes(1)
    # A suggestion is written, Ctrl+Return runs it, three times with consecutive seeds.
    window.button('Make the photo brighter')
    wait_until(lambda: window.read(window.find('text', 'Instruction')) == 'Make the photo brighter',
               'the suggestion')
    window.menu('1 Variation', '3 Variations')
    window.set_steps(2)
    window.key('ctrl+Return')
    wait_until(lambda: len([n for n in home.tree(document) if n['state'] == 'done']) == 4,
               'three variations')
    seeds = sorted(n['seed'] for n in home.tree(document) if n['instruction'])
    assert seeds == list(range(seeds[0], seeds[0] + 3)), seeds
    window.wait_for_nodes(2)  # they are a stack
    window.shot('reach-stack')
    window.menu('3 Variations', '1 Variation')

    # The seed can be kept; run again has another one, run next comes first.
    window.button(lambda name: name.startswith('Settings'))
    window.button('Keep the Seed')
    window.button('Another Seed')
    window.button('Reset All')
    window.key('Escape')
    window.select('brighter')
    window.focus_image()
    window.key('r')
    wait_until(lambda: len(home.tree(document)) == 5, 'another run')
    window.select('coffee')
    window.write('Instruction', 'Add fog')
    window.set_steps(2)
    window.key('ctrl+shift+Return')
    wait_until(lambda: len(home.tree(document)) == 6, 'a run that comes first')
    window.select('coffee')
    window.write('Instruction', 'Make it night')
    window.menu('More Ways to Run', 'Run ×4')
    wait_until(lambda: len(home.tree(document)) == 10, 'four runs')
    wait_until(lambda: all(n['state'] in ('done',) for n in home.tree(document)), 'all to be done')

    # What a turn was made with can be used again.
    window.select('Add fog')
    window.focus_image()
    window.key('u')
    window.focus_image()
    window.key('i')
    wait_until(lambda: window.read(window.find('text', 'Instruction')) == 'Add fog',
               'the instruction')
    window.focus_image()
    window.key('e')
    window.key('ctrl+l')
    wait_until(lambda: state(window, 'text', 'Instruction', FOCUSED), 'the focus')
    window.key('alt+Up')
    window.quit()


@case
def looking_at_images(home, start):
    window = start(home.document('Make it snow'))
    window.wait_for_nodes(2)
    window.focus_image()
    for key, zoom in (('ctrl+2', '200%'), ('ctrl+1', '100%'), ('ctrl+plus', None),
                      ('ctrl+minus', None), ('ctrl+0', None), ('ctrl+2', '200%')):
        window.key(key)
        if zoom:
            window.find('push button', f'Zoom: {zoom}')
    window.key('c')
    window.find('image', lambda name: 'coffee' in name)
    window.key('Escape')
    window.find('image', 'Make it snow')
    window.key('ctrl+c')
    window.text('Image copied')
    window.key('ctrl+v')
    window.text('This Image Carries Its Recipe')
    window.respond('Continue From It')
    window.wait_for_nodes(3)  # it comes back as a picture of its own
    for shown_now in (False, True):
        window.key('ctrl+h')
        wait_until(lambda: state(window, BUTTONS, 'Show History', PRESSED)
                   == shown_now, 'the history to go and come')
    window.main_menu('History as a List')
    window.shot('reach-outline')
    window.main_menu('History as a List')
    for button in ('Zoom Out', 'Zoom In', 'Show the Whole History'):
        window.button(button)
    window.quit()


@case
def a_narrow_window(home, start):
    home.settings(window_size='(360, 640)')
    window = start(home.document('Make it snow'))
    wait_until(lambda: window.size()[0] <= 372, 'a narrow window')
    window.find('push button', 'Run')
    window.shot('reach-narrow')
    window.button('Back to the History')
    window.node('Make it snow')
    window.shot('reach-narrow-history')
    check_names(window, 'in the narrow window')
    window.resize(1000, 700)
    window.find('push button', 'Show History')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
