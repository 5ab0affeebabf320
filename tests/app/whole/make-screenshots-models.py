#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Models page and the LoRAs' controls as people see them: ESPALIER_SCREENSHOTS=DIR make-screenshots-models.py

To look at, in every state, light and dark, in German, narrow and with large text. One argument or more: only those.
"""
import contextlib
import json
import pathlib
import re
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from gi.repository import Gio, GLib  # noqa: E402

from drive import SOURCE, case, run, wait_until  # noqa: E402
from files import Fault, FileServer  # noqa: E402
from loras import lora  # noqa: E402

APP_ID = re.search(r"^app_id = '(.*)'", (SOURCE / 'meson.build').read_text(), re.M).group(1)
DEMO = SOURCE / 'data/models/demo'
LOOKS = {
    'light': {},
    'dark': {'ADW_DEBUG_COLOR_SCHEME': 'prefer-dark'},
    'german': {'LANGUAGE': 'de'},
}


def large_text(home):
    path = home.folder / 'config/gtk-4.0/settings.ini'
    path.write_text(path.read_text().replace('Cantarell 11', 'Cantarell 22'))


def activate(action, *parameters):
    Gio.bus_get_sync(Gio.BusType.SESSION).call_sync(
        APP_ID, '/' + APP_ID.replace('.', '/'), 'org.gtk.Actions', 'Activate',
        GLib.Variant('(sava{sv})', (action, list(parameters), {})), None, 0, 20000)


def page(home, start, size=None, wait=None, **environment):
    """The Models page; the words of it that must have come."""
    window = start(**environment)
    before = len(window.frames())
    activate('show-models')
    wait_until(lambda: len(window.frames()) > before, 'the preferences')
    wait_until(lambda: window.says(wait or 'Espalier demo model'), 'the models')
    if size:
        window.resize(*size)
    return window


def take(window, name):
    window.shot(name)
    window.shot(name)


def scroll(window, words):
    """Brings the row with the words into sight by the keyboard."""
    window.move_focus(words, ['Tab'] * 60)


def loose(folder):
    """The demo model's files as other programs keep them."""
    for source, target in (('transformer/diffusion_pytorch_model.safetensors', 'diffusion_models/flux1-kontext-dev.safetensors'),
                           ('text_encoder/model.safetensors', 'text_encoders/clip_l.safetensors'),
                           ('text_encoder_2/model.safetensors', 'text_encoders/t5xxl_fp16.safetensors'),
                           ('vae/diffusion_pytorch_model.safetensors', 'vae/ae.safetensors'),
                           ('vae/config.json', 'vae/config.json')):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / source, folder / target)
    for tokenizer in ('tokenizer', 'tokenizer_2'):
        shutil.copytree(DEMO / tokenizer, folder / tokenizer)
    return folder / 'diffusion_models/flux1-kontext-dev.safetensors'


def many(home):
    """Several models: a plain one, one with long names and paths, and one whose files are gone."""
    models = home.folder / 'share/espalier/models'
    file = loose(home.folder / 'home/Programs/ComfyUI with a rather long name/models')
    home.cli('models', 'add', DEMO, '--name', 'FLUX.1 Kontext [dev] (GGUF Q4_K)', '--default')
    home.cli('models', 'add', file, '--name', 'My own mixture of Kontext and three text encoders, the one of last summer')
    gone = loose(home.folder / 'media/Backup Disk/models')
    home.cli('models', 'add', gone, '--name', 'Kontext on the disk')
    shutil.move(home.folder / 'media/Backup Disk', home.folder / 'media/unplugged')
    return models


def offer(home, server, names=('a.safetensors',), size=3 << 20, **more):
    folder = home.folder / 'offers'
    folder.mkdir(exist_ok=True)
    for name in names:
        server.put(f'/org/model/resolve/main/{name}', bytes(size))
    (folder / 'small.json').write_text(json.dumps({
        'schema': 'espalier-model-offer-1', 'id': 'small', 'name': 'A Small Model', 'summary': 'For trying out.',
        'licence': {'name': 'Test Licence', 'url': f'{server.url}/licence', 'text': 'Be kind.', 'non_commercial': True,
                    'gated': False},
        'source': {'name': 'Test Hub', 'url': server.url + '/{repo}/resolve/{revision}/{path}', 'digests': 'none'},
        'variants': [{'id': 'v', 'name': 'The only one', 'format': 'bf16', 'memory': 1,
                      'files': [{'path': name, 'repo': 'org/model', 'size': size} for name in names]}],
        **more}), encoding='utf-8')
    return {'ESPALIER_OFFERS_DIR': str(folder)}


def looks(home, start, name, prepare, names=LOOKS, **environment):
    prepare(home)
    for look in names:
        window = page(home, start, **LOOKS[look], **environment)
        take(window, f'{name}-{look}')
        window.kill()


@case
def models_many(home, start):
    looks(home, start, 'models-many', many)


@case
def models_many_narrow(home, start):
    many(home)
    window = page(home, start, size=(360, 640))
    take(window, 'models-many-narrow')
    window.kill()
    large_text(home)
    window = page(home, start, size=(360, 640))
    take(window, 'models-many-narrow-large')
    window.kill()
    window = page(home, start, size=(800, 800), LANGUAGE='de')
    take(window, 'models-many-large-german')
    window.kill()


@case
def models_none(home, start):
    """Even the demo model is not there."""
    data = home.folder / 'data'
    shutil.copytree(SOURCE / 'data', data, ignore=lambda folder, names: ['demo'] if folder.endswith('models') else [])
    window = page(home, start, wait='No model was found', ESPALIER_DATA_DIR=str(data))
    take(window, 'models-none')
    window.kill()


@case
def downloads(home, start):
    """Running, paused, failed, finished."""
    with FileServer() as server:
        environment = offer(home, server)
        home.settings(download_limit='0.05')
        window = page(home, start, **environment)
        scroll(window, 'A Small Model')
        window.key('Return')
        wait_until(lambda: window.all('push button', 'Download'), 'the offer')
        take(window, 'offer-small')
        window.move_focus('I Have Read', ['Tab'] * 40)
        window.key('space')
        window.button('Download')
        wait_until(lambda: window.says('KB of') or window.says('MB of') or window.says('kB of'), 'the download')
        take(window, 'download-running')
        window.button('Pause')
        wait_until(lambda: window.all('push button', 'Go On'), 'the pause')
        take(window, 'download-paused')
        window.resize(360, 640)
        take(window, 'download-paused-narrow')
        server.faults.append(Fault('status', status=404))
        window.button('Go On')
        window.text('is not at')
        take(window, 'download-failed-narrow')
        window.resize(800, 700)
        take(window, 'download-failed')
        window.kill()


@case
def offers(home, start):
    for look, environment in LOOKS.items():
        window = page(home, start, **environment)
        scroll(window, 'FLUX.1 Kontext [dev]')
        window.key('Return')
        wait_until(lambda: window.says('Non-Commercial'), 'the offer')
        take(window, f'offer-{look}')
        if look == 'light':
            window.resize(360, 640)
            take(window, 'offer-narrow')
        window.kill()


@case
def adding(home, start):
    """With parts that are missing, by itself and narrow; and files that are located."""
    file = loose(home.folder / 'home/Downloads')
    shutil.rmtree(home.folder / 'home/Downloads/tokenizer_2')
    (home.folder / 'home/Downloads/vae/ae.safetensors').unlink()
    window = page(home, start)
    scroll(window, 'From Files…')
    window.key('Return')
    window.choose_file(file)
    window.text('Still missing')
    take(window, 'adding')
    window.resize(360, 640)
    take(window, 'adding-narrow')
    window.kill()


@case
def locating(home, start):
    many(home)
    for look, environment in LOOKS.items():
        window = page(home, start, **environment)
        window.press('push button', lambda name: name.startswith(('Locate the Files', 'Dateien von')))
        wait_until(lambda: window.says('/media/Backup Disk/models/vae'), 'the files')
        take(window, f'locating-{look}')
        if look == 'light':
            scroll(window, 'Look in a Folder…')
            window.key('Return')
            window.choose_file(home.folder / 'media/unplugged')
            wait_until(lambda: window.says('/media/unplugged/models/vae'), 'the files found')
            take(window, 'locating-found')
            window.resize(360, 640)
            take(window, 'locating-found-narrow')
        window.kill()


def with_loras(home):
    folder = home.folder / 'home/LoRAs'
    good = lora(folder / 'film-grain.safetensors')
    long = lora(folder / 'kontext-a-very-long-name-that-somebody-gave-it_v2_rank32_bf16-000012.safetensors')
    gone = lora(folder / 'watercolour.safetensors')
    document = home.document()
    home.cli('run', document, '-p', 'Make it snow', '--lora', good, '--lora', f'{long}:0.6', '--lora', f'{gone}:-0.25')
    gone.unlink()
    return document


@case
def loras(home, start):
    """In the settings, in the details, refused, and as an axis."""
    document = with_loras(home)
    home.settings(window_size='(1100, 1600)')
    for look, environment in LOOKS.items():
        window = start(document, **environment)
        wait_until(lambda: len(window.nodes()) == 2, 'the nodes')
        window.select('Make it snow')
        window.key('F9')
        wait_until(lambda: window.says('film-grain'), 'the details')
        take(window, f'lora-details-{look}')
        if look == 'light':
            settings_of_loras(window)
            axis_of_a_lora(window)
        window.kill()


def settings_of_loras(window):
    window.key('F9')
    window.focus_image()
    window.key('u')
    window.button(lambda name: name.startswith('Settings'))
    wait_until(lambda: window.all('spin button', lambda name: 'film-grain' in name), 'the LoRAs')
    window.move_focus('Strength of film-grain', ['Tab'] * 60)
    take(window, 'lora-settings')
    window.key('Escape')


def axis_of_a_lora(window):
    window.write('Instruction', 'Make it snow')
    window.focus_image()
    window.key('ctrl+t')
    wait_until(lambda: window.focused().startswith('Values of'), 'the sweep')
    take(window, 'lora-sweep')
    window.move_focus('What changes', ['shift+Tab'] * 6)
    window.key('space')
    window.text('film-grain')
    take(window, 'lora-axes')


@case
def lora_refused(home, start):
    """One that does not fit the model."""
    document = home.document()
    bad = lora(home.folder / 'home/for-another-model.safetensors', refused=True)
    home.settings(window_size='(1100, 800)')
    window = start(document)
    window.wait_for_nodes(1)
    window.button(lambda name: name.startswith('Settings'))
    window.move_focus('Add LoRAs…', ['Tab'] * 60)
    window.key('Return')
    window.choose_file(bad)
    window.text('for-another-model')
    take(window, 'lora-added')
    window.key('Escape')
    window.instruct('Make it snow')
    window.text('Try Again')
    take(window, 'lora-refused')
    window.kill()


if __name__ == '__main__':
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(run())
