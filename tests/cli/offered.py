# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that a server of the test offers for download, and how a test looks whether it came."""
import json
import random

MIB = 1 << 20


def blob(size, seed=1):
    return random.Random(seed).randbytes(size)


class World:
    """A server with a model that is one large file and some small ones, and its manifest."""

    def __init__(self, s, server, size=8 * MIB, **changes):
        self.s, self.server = s, server
        self.large = blob(size)
        server.put('/org/model/resolve/main/model_index.json', b'{"_class_name": "FluxKontextPipeline"}', blob=True)
        server.put('/org/model/resolve/main/empty.txt', b'', blob=True)
        server.put('/org/model/resolve/main/sub/large.bin', self.large)
        self.manifest = {
            'schema': 'espalier-model-offer-1', 'id': 'test-model', 'name': 'Test Model',
            'homepage': f'{server.url}/home',
            'licence': {'name': 'Test Licence', 'url': f'{server.url}/licence', 'text': 'Be kind.',
                        'non_commercial': True, 'gated': True},
            'source': {'name': 'Test Hub', 'url': server.url + '/{repo}/resolve/{revision}/{path}',
                       'digests': 'huggingface', 'token': {'account': 'testhub', 'url': f'{server.url}/tokens'}},
            'variants': [{'id': 'v', 'name': 'The only one', 'format': 'bytes', 'memory': 1, 'files': [
                {'path': 'model_index.json', 'repo': 'org/model'},
                {'path': 'empty.txt', 'repo': 'org/model'},
                {'path': 'large.bin', 'repo': 'org/model', 'from': 'sub/large.bin', 'about': size, **changes}]}]}
        self.folder = s.folder / 'offers'
        self.folder.mkdir()
        self.write()
        s.environment['ESPALIER_OFFERS_DIR'] = str(self.folder)
        s.environment['XDG_CONFIG_HOME'] = str(s.folder / 'home/config')
        self.models = s.folder / 'home/share/espalier/models'
        self.target = self.models / 'test-model-v'
        self.state = self.models / '.downloads/test-model-v/download.json'

    def write(self):
        (self.folder / 'test.json').write_text(json.dumps(self.manifest), encoding='utf-8')

    def command(self, *more):
        return ('models', 'download', 'test-model', '--accept-licence', *more)

    def run(self, *more, **options):
        return self.s.run(*self.command(*more), **options)

    def start(self, *more):
        return self.s.start(*self.command(*more))

    def listed(self):
        status, out, _ = self.s.run('models', '--json')
        assert status == 0
        return [model['id'] for model in json.loads(out)['models']]

    def have(self):
        """Bytes of the large file that are noted down."""
        try:
            have = json.loads(self.state.read_text(encoding='utf-8'))['files']['large.bin'].get('have', [])
        except (OSError, KeyError, ValueError):
            return 0
        return sum(have[1::2]) - sum(have[::2])

    def asked(self, since):
        """Bytes of the large file that requests since the given one asked for."""
        asked = 0
        for note in self.server.log[since:]:
            if 'large' in note.path and note.range != 'bytes=0-0' and note.status == 206:
                first, last = note.range.removeprefix('bytes=').split('-')
                asked += int(last) - int(first) + 1
        return asked

    def expect_whole(self, data=None):
        assert (self.target / 'large.bin').read_bytes() == (data or self.large), 'the bytes are others'
        assert (self.target / 'empty.txt').read_bytes() == b''
        assert 'test-model-v' in self.listed()
        assert not self.state.parent.exists(), 'the download left something'
        manifest = json.loads((self.target / 'espalier.json').read_text(encoding='utf-8'))
        assert manifest['id'] == 'test-model-v' and manifest['licence'] == 'Test Licence', manifest

    def expect_none(self):
        assert not self.target.exists()
        assert 'test-model-v' not in self.listed()

    def fails(self, *names, more=(), status=1, **options):
        got, out, err = self.run(*more, **options)
        last = err.decode().splitlines()[-1]
        assert got == status and not out, (got, err)
        for name in names:
            assert name in last, f'{last!r} does not name {name!r}'
        self.expect_none()
        return last
