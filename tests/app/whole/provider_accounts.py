# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts with providers in a scratch home, of before the program starts; the providers are the fakes."""
import json

from drive import SOURCE


def own(home, name, world, **changes):
    """A provider of the person's own: the shipped description, at the fake's address."""
    descriptor = json.loads((SOURCE / f'data/providers/{name}.json').read_text())
    descriptor.update(base_url=world.base_url, **changes)
    descriptor.setdefault('auth', {}).pop('origins', None)
    folder = home.folder / 'config/espalier/providers'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{name}.json').write_text(json.dumps(descriptor))


def accounts(home, *entries, **settings):
    """Accounts of before the program starts, as it writes them."""
    folder = home.folder / 'config/espalier'
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'accounts.json'
    path.write_text(json.dumps({'version': 1, 'accounts': list(entries), **settings}))
    return path


def account(identifier, provider=None, **more):
    return {'id': identifier, 'provider': provider or identifier, 'has_key': True, 'consented': True,
            'config': {}, **more}


def variable(identifier):
    return 'ESPALIER_KEY_' + identifier.upper().replace('-', '_')
