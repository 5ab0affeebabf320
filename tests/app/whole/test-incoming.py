#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes into the window: images with recipes, files that cannot be opened, the clipboard, drops."""
import hashlib
import struct
import subprocess
import sys
import zlib

from dragging import dragged
from drive import CLIPBOARD_OWNER, SOURCE, case, run, wait_until

RECIPE = ('Make it night\nNegative prompt: blur\nSteps: 12, Sampler: Euler, CFG scale: 3.5, '
          'Seed: 4711, Size: 512x384, Model: foo')


def with_recipe(home, name='recipe.png', text=RECIPE):
    """A PNG as another program writes it: its settings in a text chunk."""
    photo = (SOURCE / 'data/photos/cat.png').read_bytes()
    chunk = b'tEXtparameters\0' + text.encode('latin-1')
    target = home.folder / 'home' / name
    target.write_bytes(photo[:33] + struct.pack('>I', len(chunk) - 4) + chunk
                       + struct.pack('>I', zlib.crc32(chunk)) + photo[33:])
    return target


def instruction(window):
    return window.read(window.find('text', 'Instruction'))


def open_with_words(home, start):
    window = start(home.photo(size='192x192'))
    window.wait_for_nodes(1)
    window.write('Instruction', 'My own words')
    return window


def open_file(window, path):
    window.key('ctrl+o')
    window.choose_file(path)


@case
def settings_only_keep_the_instruction(home, start):
    window = open_with_words(home, start)
    open_file(window, with_recipe(home))
    window.text('Make it night')
    window.button('Take Settings Only')
    window.find(None, lambda name: name.startswith('Settings: 12 steps'))
    assert instruction(window) == 'My own words'
    assert len(window.nodes()) == 1
    window.button('Use Its Instruction')
    wait_until(lambda: instruction(window) == 'Make it night', 'the instruction of the recipe')
    window.key('alt+Up')
    wait_until(lambda: instruction(window) == 'My own words', 'the own instruction again')
    window.quit()


@case
def an_image_with_a_recipe_becomes_a_reference(home, start):
    window = open_with_words(home, start)
    open_file(window, with_recipe(home))
    window.button('Use as Reference')
    window.wait_for_nodes(2)
    window.find('push button', 'Remove Reference “recipe.png”')
    assert instruction(window) == 'My own words'
    assert window.find(None, lambda name: name.startswith('Settings: 8 steps'))
    window.quit()


@case
def to_continue_is_a_document_of_its_own(home, start):
    window = open_with_words(home, start)
    open_file(window, with_recipe(home))
    window.button('Continue From It')
    wait_until(lambda: sorted(window.frames()) == ['coffee', 'recipe'], 'a second window')
    assert [window.read(text) for text in window.all('text', 'Instruction')].count('') == 1
    window.quit()


@case
def cancel_changes_nothing(home, start):
    window = open_with_words(home, start)
    open_file(window, with_recipe(home))
    window.text('This Image Carries Its Recipe')
    window.button('Cancel')
    window.gone('dialog')
    assert instruction(window) == 'My own words'
    assert len(window.nodes()) == 1 and window.frames() == ['coffee']
    window.quit()


@case
def an_empty_window_takes_recipe_and_image(home, start):
    window = start(with_recipe(home))
    window.button('Continue With Its Settings')
    window.wait_for_nodes(1)
    wait_until(lambda: instruction(window) == 'Make it night', 'the instruction of the recipe')
    window.find(None, lambda name: name.startswith('Settings: 12 steps'))
    window.quit()


@case
def what_cannot_be_opened_says_why(home, start):
    bad = home.folder / 'home/-x.png'
    bad.write_bytes(b'no picture')
    window = start()
    window.find('push button', 'Open an Image…')
    open_file(window, bad)
    window.text('“-x.png” Could Not Be Opened')
    window.text('not a picture')
    window.shot('failed-open')
    window.key('Escape')
    window.gone('dialog')
    window.quit()
    window = start('/nowhere/at-all.png')
    window.text('It is not there.')
    window.key('Return')
    window.gone('dialog')
    window.find('push button', 'Open an Image…')
    window.quit()


@case
def an_image_is_pasted(home, start):
    photo = home.photo('cat.png', '64x64')
    owner = subprocess.Popen([sys.executable, CLIPBOARD_OWNER, photo], stdout=subprocess.PIPE,
                             env=home.environment)
    try:
        assert owner.stdout.readline() == b'ready\n'
        window = start()
        window.find('push button', 'Open an Image…')
        window.key('ctrl+v')
        window.wait_for_nodes(1)
        # Into a document it comes as a further image, and can be taken back.
        window.main_menu('Paste Image')
        window.wait_for_nodes(2)
        window.button('Undo')
        window.wait_for_nodes(1)
        # In the instruction the key pastes text, and an image as a reference.
        window.button('Add Reference')
        window.choose('Paste')
        window.find('push button', lambda name: name.startswith('Remove Reference'))
        window.wait_for_nodes(2)
        window.quit()
    finally:
        owner.kill()
        owner.wait()
    assert [node['image']['width'] for node in home.tree(home.library()[0])] == [64, 64]


@case
def a_dropped_image_stays_as_it_was(home, start):
    """As its bytes: nobody on the way has decoded and written it anew."""
    photo = home.photo('cat.png', '64x64')
    jpeg = home.folder / 'cat.jpg'
    subprocess.run(['convert', photo, '-quality', '80', jpeg], check=True)
    window = start()
    window.find('push button', 'Open an Image…')
    with dragged(window, '--as', 'image/jpeg', jpeg):
        window.wait_for_nodes(1)
    window.quit()
    images = [node['image'] for node in home.tree(home.library()[0])]
    assert [image['sha256'] for image in images] == [hashlib.sha256(jpeg.read_bytes()).hexdigest()], images


@case
def what_is_dropped_as_an_image_and_is_none_says_so(home, start):
    nonsense = home.folder / 'nonsense'
    nonsense.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(range(256)) * 40)
    window = start(home.document())
    window.wait_for_nodes(1)
    with dragged(window, '--as', 'image/png', nonsense):
        window.text('is damaged and cannot be read as a picture')
        window.respond('Close')
        window.gone('dialog')
    window.wait_for_nodes(1)
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
