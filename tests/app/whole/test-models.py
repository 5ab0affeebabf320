#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in the real window: one's own files become a model that makes turns, and one is fetched from a server."""
import contextlib
import json
import pathlib
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from desktop import Desktop, look_away  # noqa: E402
from dragging import dragged  # noqa: E402
from drive import SOURCE, case, plain, run, wait_until  # noqa: E402
from files import FileServer  # noqa: E402
from loras import lora  # noqa: E402
from reach import nameless  # noqa: E402

DEMO = pathlib.Path(SOURCE) / 'data/models/demo'
OF_LIBADWAITA = ("entry 'GtkSearchEntry' in 'Preferences'", "check box 'GtkSwitch' in 'Own Grey")  # it names neither
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


def loose(folder):
    """The demo model's files as other programs keep them; the transformer's."""
    for source, target in (('transformer/diffusion_pytorch_model.safetensors', 'unet/kontext.safetensors'),
                           ('text_encoder/model.safetensors', 'clip/clip_l.safetensors'),
                           ('text_encoder_2/model.safetensors', 'clip/t5xxl.safetensors'),
                           ('vae/diffusion_pytorch_model.safetensors', 'vae/ae.safetensors'),
                           ('vae/config.json', 'vae/config.json')):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / source, folder / target)
    for tokenizer in ('tokenizer', 'tokenizer_2'):
        shutil.copytree(DEMO / tokenizer, folder / tokenizer)
    return folder / 'unet/kontext.safetensors'


@case
def files_that_were_moved_are_located(home, start):
    """An unplugged disk comes back by itself; files that were moved are shown once, by keys alone."""
    disk = home.folder / 'media/disk'
    home.cli('models', 'add', loose(disk), '--name', 'Mine', '--default')
    window = models_page(home, start)
    window.text('Mine')
    away = home.folder / 'media/unplugged'
    disk.rename(away)
    window.text('Files are gone: Transformer, ')
    away.rename(disk)
    window.silent('Files are gone')
    disk.rename(away)
    window.text('Files are gone: Transformer, ')
    assert installed(home)['Mine']['missing']

    press(window, 'Locate the Files of “Mine”')
    window.text(f'Gone from {disk}/unet/kontext.safetensors')
    press(window, 'Look in a Folder…')
    window.choose_file(away)
    window.text(f'{away}/unet/kontext.safetensors')
    press(window, 'Use These Files')
    window.text('“Mine” can be used again')
    mine = installed(home)['Mine']
    assert not mine['missing'] and mine['default'], mine
    window.silent('Files are gone')
    window.leave_preferences()
    window.quit()


def small_offer(home, server):
    """A model that can be had from the server."""
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
    return files, {'ESPALIER_OFFERS_DIR': str(offers)}


@case
def one_is_downloaded(home, start):
    """The licence first; then it comes, is checked, and is there. Who has looked away meanwhile is told."""
    with FileServer() as server, Desktop(home.folder) as desktop:
        files, environment = small_offer(home, server)
        window = models_page(home, start, **environment)
        press(window, 'A Small Model')
        wait_until(lambda: window.all('push button', 'Download'), 'the offer')
        window.shot('models-offer')
        assert not [note for note in server.log if note.sent], 'nothing is fetched before it is asked for'
        press(window, 'I Have Read the Licence and Accept It', 'space')
        look_away()
        window.button('Download')
        wait_until(lambda: 'small-v' in installed(home), 'the model', 60)
        window.text('A Small Model · The only one')
        wait_until(lambda: [told['title'] for told in desktop.notifications()]
                   == ['“A Small Model” can be used now'], 'a notification')
        assert [call[2] for call in desktop.calls('Inhibit')] == ['A model is being downloaded']
        wait_until(lambda: not desktop.inhibitions(), 'suspending to be let')
        window.focus()
        wait_until(lambda: not desktop.notifications(), 'the notification to go')
        window.shot('models-downloaded')
        window.button('Take Off the List')
        window.gone('push button', 'Take Off the List')
        window.leave_preferences()
        window.quit()
    for file in files:
        target = home.folder / 'share/espalier/models/small-v' / file['path']
        assert target.read_bytes() == (DEMO / file['path']).read_bytes(), target


@case
def one_that_was_paused_is_told_at_the_next_start(home, start):
    """Quitting pauses it; the next start says so, and goes on where it was."""
    with FileServer() as server:
        files, environment = small_offer(home, server)
        home.settings(download_limit='0.5')
        window = models_page(home, start, **environment)
        press(window, 'A Small Model')
        press(window, 'I Have Read the Licence and Accept It', 'space')
        window.button('Download')
        wait_until(lambda: sum(note.sent for note in server.log) > 1 << 20, 'some of it to come')
        window.leave_preferences()
        window.quit()
        assert 'small-v' not in installed(home)

        home.settings(download_limit='0')
        window = start(home.folder / 'home/Coffee.espalier', **environment)
        window.text('The download of “A Small Model” is paused')
        window.shot('models-paused')
        window.move_focus('Go On', ['Tab'] * MANY)
        window.key('Return')
        window.silent('is paused')
        wait_until(lambda: 'small-v' in installed(home), 'the model', 60)
        window.text('“A Small Model” can be used now')
        window.quit()

        # What was there was not fetched again, and a start with nothing to be told of is silent.
        window = start(home.folder / 'home/Coffee.espalier', **environment)
        window.wait_for_nodes(1)
        assert not window.says('is paused')
        window.quit()
        wanted = sum(note.sent for note in server.log)
        assert wanted < 1.5 * sum((DEMO / file['path']).stat().st_size for file in files), wanted


@case
def what_is_dropped_is_added(home, start):
    """A folder dragged from another program onto the page."""
    folder = home.folder / 'Dropped'
    shutil.copytree(DEMO, folder)
    (folder / 'espalier.json').unlink()
    window = models_page(home, start)
    with dragged(window, folder):
        wait_until(lambda: window.all('push button', 'Add'), 'the page with its parts')
    wait_until(lambda: not window.says('Looking at the files…'), 'the files to be looked at')
    window.text('/Dropped/transformer')  # the scratch folder may have a _, which counts as a mnemonic
    window.button('Add')
    wait_until(lambda: 'Dropped' in installed(home), 'the model')
    window.leave_preferences()
    window.quit()


def reach(window, where, *names):
    """Each of the names is there, and Tab comes to it; nothing is without a name."""
    found = [one for one in nameless(window) if not any(theirs in one for theirs in OF_LIBADWAITA)]
    assert not found, f'without a name, {where}: {found}'
    there = [plain(widget.name) for widget in window.root.walk()]
    for name in names:
        assert any(name in one for one in there), f'{name!r} is not {where}'
    reached, left = set(), list(names)
    for _ in range(MANY):
        focused = window.focused()
        reached.add(focused)
        left = [name for name in left if name not in focused]
        if not left:
            return
        window.key('Tab')
        with contextlib.suppress(AssertionError):
            wait_until(lambda: window.focused() not in ('', focused), 'the focus to move', 2)
    raise AssertionError(f'not reached by Tab, {where}: {left}; but {reached}')


@case
def everything_is_reached_by_keys(home, start):
    """The page with a model that is fine, one whose files are gone and a paused download; and the pages behind it."""
    with FileServer() as server:
        _, environment = small_offer(home, server)
        home.settings(download_limit='0.1')
        disk = home.folder / 'disk'
        home.cli('models', 'add', loose(disk), '--name', 'Gone')
        home.cli('models', 'add', DEMO, '--name', 'Mine')
        disk.rename(home.folder / 'unplugged')
        window = models_page(home, start, **environment)
        press(window, 'A Small Model')
        reach(window, 'on the page of an offer', 'Back', 'The only one', 'I Have Read the Licence and Accept It')
        press(window, 'I Have Read the Licence and Accept It', 'space')
        press(window, 'Download')
        press(window, 'Pause')
        wait_until(lambda: 'Go On' in window.focused(), 'the keyboard to stay in the row')
        reach(window, 'on the page of the models', 'Go On', 'Give Up…', 'Look Again', 'Locate the Files of “Gone”',
              'Remove “Gone”…', 'Remove “Mine”…', 'Open the Folder of “Mine”',
              'From Files…', 'From a Folder…', 'A Small Model', 'Speed limit')
        assert not installed(home)['Mine']['default']
        press(window, 'Mine')  # its row, which comes before its buttons
        wait_until(lambda: installed(home)['Mine']['default'], 'the default')
        press(window, 'Locate the Files of “Gone”')
        window.text('Gone from')
        reach(window, 'where files are located', 'Back', 'Look in a Folder…', 'Choose: Transformer', 'Choose: T5 tokenizer')
        press(window, 'Back')
        press(window, 'From a Folder…')
        window.choose_file(DEMO)
        wait_until(lambda: window.all('push button', 'Add'), 'the page with its parts')
        wait_until(lambda: not window.says('Looking at the files…'), 'the files to be looked at')
        reach(window, 'where a model is added', 'Back', 'Choose: Transformer', 'Choose: Autoencoder (VAE)', 'The Files', 'Add')
        window.write('Name', 'Another Name')  # an entry's focus is told without a name
        window.kill()


@case
def loras_are_added_weighed_and_removed_by_keys(home, start):
    """Added from a file, given a strength, used for a turn, told of in the details, and taken away."""
    grain = lora(home.folder / 'home/film-grain.safetensors')
    window = start(home.document())
    window.wait_for_nodes(1)
    window.button(lambda name: name.startswith('Settings'))
    press(window, 'Add LoRAs…')
    window.choose_file(grain)
    window.find('spin button', lambda name: 'Strength of film-grain' in name)
    window.move_focus('Strength of film-grain', ['Tab'] * MANY)
    window.key('Up', 'Up')
    window.find(('push button', 'toggle button'), lambda name: name.startswith('Settings') and 'film-grain 1.1' in name)
    found = [one for one in nameless(window) if not any(theirs in one for theirs in OF_LIBADWAITA)]
    assert not found, f'without a name, beside the LoRA: {found}'
    window.key('Escape')
    window.instruct('Make it snow')
    window.wait_for_nodes(2)
    wait_until(lambda: home.tree(home.folder / 'home/Coffee.espalier')[-1]['state'] == 'done', 'the turn')
    window.key('F9')
    window.text('film-grain 1.1')

    window.button(lambda name: name.startswith('Settings'))
    press(window, 'Remove film-grain')
    window.gone('spin button', lambda name: 'film-grain' in name)
    assert 'Add LoRAs…' in window.focused(), window.focused()
    window.key('Escape')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
