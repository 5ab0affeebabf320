#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop in the real window, with the real worker and the demo model: open, turns in two
branches, cancel, undo, compare, export, close, reopen."""
import hashlib
import subprocess
import sys

from drive import case, run, wait_until

SMALL = '192x192'


def states(home, document):
    return [node['state'] for node in home.tree(document)]


def wait_for_state(home, document, state, count):
    wait_until(lambda: states(home, document).count(state) == count,
               f'{count} nodes that are {state}')


def pixels(path):
    return subprocess.run(['convert', path, 'rgb:-'], check=True, capture_output=True).stdout


@case
def the_whole_loop(home, start):
    photo = home.photo(size=SMALL)
    window = start(photo)
    window.wait_for_nodes(1)
    document, = wait_until(home.library, 'a document in the library')
    shot_before = window.shot('loop-1-photo')

    # Two turns, one on the other, then a branch from the photo.
    window.instruct('Make it snow')
    window.wait_for_nodes(2)
    wait_for_state(home, document, 'done', 2)
    window.instruct('Swap red and blue')
    window.wait_for_nodes(3)
    wait_for_state(home, document, 'done', 3)
    window.select('coffee')
    window.instruct('Make it night')
    window.wait_for_nodes(4)
    wait_for_state(home, document, 'done', 4)
    nodes = {node['instruction']: node for node in home.tree(document)}
    assert nodes['Make it night']['parent'] == nodes['Make it snow']['parent'] == nodes['']['id']
    assert nodes['Swap red and blue']['parent'] == nodes['Make it snow']['id']
    shot_after = window.shot('loop-2-branches')
    assert pixels(shot_before) != pixels(shot_after)

    # A long one is cancelled; its node stays, and can be run again.
    window.set_steps(1000)
    window.instruct('Add fog')
    window.wait_for_nodes(5)
    window.text('Step ')
    window.shot('loop-3-running')
    window.button('Cancel')
    window.wait_for_nodes(1, 'stopped')
    wait_for_state(home, document, 'cancelled', 1)
    assert 'Run' in [button.get_name() for button in window.all('push button', 'Run')]

    # Undo takes it away, redo brings it back. (In the text the keys are the text's.)
    window.focus_image()
    window.key('ctrl+z')
    window.wait_for_nodes(4)
    window.key('ctrl+shift+z')
    window.wait_for_nodes(5)
    window.key('ctrl+z')
    window.wait_for_nodes(4)

    # Before and after: the canvas shows the photo while "before" is on.
    window.select('Make it night')
    window.find('image', 'Make it night')
    after = pixels(window.shot('loop-4-after'))
    window.button('Show Before')
    window.text('Before')
    before = pixels(window.shot('loop-5-before'))
    assert before != after
    window.button('Show Before')
    wait_until(lambda: window.all('image', 'Make it night'), 'the result to be back')

    # Export through the dialogs.
    target = home.folder / 'home/night.png'
    window.key('ctrl+e')
    wait_until(lambda: 'Export' in window.frames(), 'the export dialog')
    window.button('Export…')
    window.choose_file(target)
    wait_until(lambda: target.exists() and target.stat().st_size > 1000, 'the exported file')
    wait_until(lambda: 'Export' not in window.frames(), 'the dialog to go')
    out = home.folder / 'out.png'
    home.cli('export', document, '--node', nodes['Make it night']['id'], '-o', out)
    assert pixels(out) == pixels(target)

    # The same tree and the same bytes after closing and opening again.
    wait_until(lambda: len(home.tree(document)) == 4, 'the document to be saved')
    before = home.tree(document)
    window.quit()
    assert home.tree(document) == before
    assert home.cli('verify', document).strip() == '4 images, 4 nodes, ok'
    window = start(document)
    window.wait_for_nodes(4)
    window.shot('loop-6-reopened')
    window.quit()
    assert home.tree(document) == before
    assert home.cli('verify', document).strip() == '4 images, 4 nodes, ok'
    folder = home.folder / 'leaves'
    folder.mkdir()
    home.cli('export', document, '--leaves', folder, '--format', 'original')
    hashes = {node['image']['sha256'] for node in before}
    leaves = [hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()]
    assert len(leaves) == 2 and set(leaves) <= hashes


if __name__ == '__main__':
    sys.exit(run())
