#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in the real window: one's own files become a model that makes turns, and one is fetched from a server."""
import json
import pathlib
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from drive import SOURCE, case, run, wait_until  # noqa: E402
from files import FileServer  # noqa: E402

DEMO = pathlib.Path(SOURCE) / 'data/models/demo'
MANY = 40  # more than there are on a page to tab to


def models_page(home, start, **environment):
    window = start(home.document(), **environment)
    window.wait_for_nodes(1)
    window.button(lambda name: name.startswith('Model:'))
    window.button('Get a Model…')
    wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
    wait_until(lambda: window.says('Models on This Computer'), 'the page of the models')
    return window


def press(window, words, key='Return'):
    """By keyboard alone: until the focus is there."""
    window.move_focus(words, ['Tab'] * MANY)
    window.key(key)


def installed(home):
    return {model['id']: model for model in json.loads(home.cli('models', '--json'))['models']}


@case
def a_folder_becomes_a_model(home, start):
    """Chosen, named, added, taken for the next turn, and removed again."""
    folder = home.folder / 'My Kontext'
    shutil.copytree(DEMO, folder)
    (folder / 'espalier.json').unlink()
    window = models_page(home, start)
    window.shot('models')
    press(window, 'From a Folder…')
    window.choose_file(folder)
    wait_until(lambda: window.all('push button', 'Add'), 'the page with its parts')
    wait_until(lambda: not window.says('Looking at the files…'), 'the files to be looked at')
    window.shot('models-parts')
    window.button('Add')
    wait_until(lambda: any('Kontext' in model['name'] for model in installed(home).values()), 'the model')
    window.text('My Kontext')
    window.shot('models-added')
    window.leave_preferences()

    window.button(lambda name: name.startswith('Model:'))
    window.find(None, lambda name: 'My Kontext' in name)
    window.key('Escape')
    window.instruct('Make it snow')
    window.key('ctrl+Return')
    window.wait_for_nodes(2)
    window.quit()


@case
def one_is_downloaded(home, start):
    """The licence first; then it comes, is checked, and is there."""
    with FileServer() as server:
        files = []
        for path in sorted(DEMO.rglob('*')):
            if path.is_file() and path.name != 'espalier.json':
                name = str(path.relative_to(DEMO))
                server.put(f'/org/model/resolve/main/{name}', path.read_bytes())
                files.append({'path': name, 'repo': 'org/model'})
        offers = home.folder / 'offers'
        offers.mkdir()
        (offers / 'small.json').write_text(json.dumps({
            'schema': 'espalier-model-offer-1', 'id': 'small', 'name': 'A Small Model', 'summary': 'For trying out.',
            'licence': {'name': 'Test Licence', 'url': f'{server.url}/licence', 'text': 'Be kind.',
                        'non_commercial': True, 'gated': False},
            'source': {'name': 'Test Hub', 'url': server.url + '/{repo}/resolve/{revision}/{path}',
                       'digests': 'huggingface'},
            'variants': [{'id': 'v', 'name': 'The only one', 'format': 'bf16', 'memory': 1, 'files': files}],
        }), encoding='utf-8')
        window = models_page(home, start, ESPALIER_OFFERS_DIR=str(offers))
        press(window, 'A Small Model')
        wait_until(lambda: window.all('push button', 'Download'), 'the offer')
        window.shot('models-offer')
        assert not [note for note in server.log if note.sent], 'nothing is fetched before it is asked for'
        press(window, 'I Have Read the Licence and Accept It', 'space')
        window.button('Download')
        wait_until(lambda: 'small-v' in installed(home), 'the model', 60)
        window.text('A Small Model · The only one')
        window.shot('models-downloaded')
        window.button('Take Off the List')
        window.gone('push button', 'Take Off the List')
        window.leave_preferences()
        window.quit()
    for file in files:
        target = home.folder / 'share/espalier/models/small-v' / file['path']
        assert target.read_bytes() == (DEMO / file['path']).read_bytes(), target


sys.exit(run())
