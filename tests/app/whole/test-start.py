#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting where something is wrong: settings, the engine, folders; and with all kinds of files."""
import shutil
import sys

from drive import case, run, wait_until


@case
def settings_that_make_no_sense(home, start):
    home.settings(window_size='(-5, 0)', history_width='-7', presets="'{nonsense'",
                  session="[{'uri': <5>}, {'size': <'x'>}, {'uri': <'file:///nowhere/x.espalier'>}]",
                  last_model="'gone'", last_backend="'gone'", color_scheme="'pink'",
                  history_orientation="'up'", canvas_lightness='500')
    (home.folder / 'share/recently-used.xbel').write_text('<<<no xml')
    window = start()
    width, height = window.size()
    assert width >= 360 and height >= 294
    window.button('Try the Sample Photo')
    window.node('cat')
    window.instruct('Make it snow')
    wait_until(lambda: [node['state'] for node in home.tree(home.library()[0])]
               == ['done', 'done'], 'the turn to be done')
    window.quit()


@case
def without_an_engine(home, start):
    window = start(home.photo(size='96x96'), ESPALIER_ENGINE='/nowhere/engine')
    window.wait_for_nodes(1)
    window.write('Instruction', 'Make it snow')
    window.text('The engine could not be started')
    window.shot('start-no-engine')
    window.key('ctrl+Return')
    assert len(window.nodes()) == 1
    window.quit()


@case
def folders_are_made(home, start):
    for name in ('share', 'cache', 'state'):
        shutil.rmtree(home.folder / name)
    window = start(home.photo(size='64x64'))
    window.wait_for_nodes(1)
    window.quit()
    assert len(home.library()) == 1


@case
def many_files_and_addresses(home, start):
    photo = home.photo(size='64x64')
    link = home.folder / 'home/link.png'
    link.symlink_to(photo)
    strange = home.folder / 'home/a%20b ü#.png'
    shutil.copyfile(photo, strange)
    copies = []
    for number in range(10):
        copies.append(home.folder / f'home/copy-{number}.png')
        shutil.copyfile(photo, copies[-1])
    document = home.document()
    window = start(link, photo.as_uri(), strange, document, document, *copies)
    expected = ['link', 'coffee', 'a%20b ü#', 'Coffee'] + [copy.stem for copy in copies]
    wait_until(lambda: sorted(window.frames()) == sorted(expected), 'a window for each')
    window.key('ctrl+q')
    window.ended()
    assert len(home.library()) == len(expected) - 1


@case
def a_session_without_one_of_its_files(home, start):
    first = home.document(name='First.espalier')
    second = home.document(name='Second.espalier')
    window = start(first, second)
    wait_until(lambda: sorted(window.frames()) == ['First', 'Second'], 'two windows')
    window.quit()
    second.unlink()
    window = start()
    wait_until(lambda: window.frames() == ['First'], 'the window that is left')
    window.quit()


@case
def what_it_is_made_of_is_in_about(home, start):
    window = start()
    window.find('push button', 'Open an Image…')
    before = len(window.frames())
    window.main_menu('About Espalier')
    wait_until(lambda: len(window.frames()) == before + 1, 'the about window')
    window.move_focus('Legal', ['Tab'] * 20)
    window.key('Return')
    window.text('Demo Model')
    told = ' '.join(widget.name for widget in window.root.walk())
    for words in ('Stéfan van der Walt', 'oneDNN', 'LGPL-2.1-only OR MPL-1.1', 'Marti Maria Saguer'):
        assert words in told, words
    # The page, then the window.
    window.key('Escape')
    window.key('Escape')
    wait_until(lambda: len(window.frames()) == before, 'the about window to go')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
