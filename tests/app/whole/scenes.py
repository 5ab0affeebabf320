# SPDX-License-Identifier: GPL-3.0-or-later
"""What several makers of screenshots begin with."""
import json
import subprocess

from drive import SOURCE, wait_until

SIZE = '448x448'


def with_accounts(home, world, identifier='runpod-flux-kontext-dev'):
    """An account with a fake, as if it had been set up, and one with a server of one's own."""
    descriptor = json.loads((SOURCE / f'data/providers/{identifier}.json').read_text())
    descriptor['base_url'] = world.base_url
    descriptor['auth'].pop('origins', None)
    folder = home.folder / 'config/espalier/providers'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{identifier}.json').write_text(json.dumps(descriptor))
    entries = [{'id': identifier, 'provider': identifier, 'has_key': True, 'consented': True, 'config': {}},
               {'id': 'comfyui', 'provider': 'comfyui', 'name': 'Workshop', 'has_key': False,
                'consented': True, 'base_url': 'http://127.0.0.1:8188', 'config': {}}]
    (folder.parent / 'accounts.json').write_text(json.dumps({'version': 1, 'accounts': entries}))
    return {'ESPALIER_KEY_' + identifier.upper().replace('-', '_'): world.key}


def matcha(home):
    """What a model makes of the cup: the coffee green, and all of it moved, larger and lighter by a little."""
    photo, edited = home.photo(size=SIZE), home.folder / 'matcha.png'
    subprocess.run(['convert', photo, '(', photo, '-modulate', '98,62,132', ')',
                    '(', '-size', SIZE, 'xc:black', '-fill', 'white', '-draw', 'ellipse 213,160 90,52 0,360',
                    '-blur', '0x3', ')', '-composite', '-distort', 'SRT', '224,224 1.004 0 226,222.6',
                    '-evaluate', 'multiply', '1.015', '-blur', '0x0.6', edited], check=True)
    return edited


def with_matcha(home, start, fakes, size, **environment):
    """A photo, a local edit of it that drifted, and the keyboard on the image."""
    world = fakes.world('runpod', answer=str(matcha(home)))
    home.settings(window_size=size, history_width='300', last_backend="'runpod-flux-kontext-dev'",
                  last_model="'runpod-flux-kontext-dev'")
    access = with_accounts(home, world)
    window = start(home.document(size=SIZE), **access, **environment)
    wait_until(lambda: window.nodes(), 'the photo')
    wait_until(lambda: window.all('push button', lambda name: name.startswith('Settings: ')
                                  and any(c.isdigit() for c in name)), 'the settings')
    window.instruct('Turn the coffee into matcha')
    wait_until(lambda: window.all('tree item', lambda words: 'matcha' in words and 'running' not in words
                                  and 'waiting' not in words), 'the picture')
    window.focus_image()
    return window
