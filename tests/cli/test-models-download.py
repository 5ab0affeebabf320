#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""espalier-cli models download against a server with faults: what comes is whole, nothing comes twice, nothing half is
ever offered, and what goes wrong is said."""
import hashlib
import json
import pathlib
import random
import resource
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'servers'))
from files import Fault, FileServer  # noqa: E402
from offered import MIB, World, blob  # noqa: E402
from scratch import DEMO, Skip, run_cases, wait_until  # noqa: E402

TOKEN = 'hf_secretOfThisTest'
PIECE = MIB             # the smallest piece of esp-download-plan.c
CONNECTIONS = 4         # of esp-model-download.c


def a_model_comes_whole(s):
    with FileServer(cdn=True, token=TOKEN) as server:
        world = World(s, server)
        s.environment['ESPALIER_KEY_TESTHUB'] = TOKEN
        status, out, err = world.run('--json')
        assert status == 0, err
        told = json.loads(out)
        assert told['id'] == 'test-model-v' and told['path'] == str(world.target), told
        world.expect_whole()
        # The token goes to the manifest's host and to no other.
        assert all(note.authorization == f'Bearer {TOKEN}' for note in server.log if not note.path.startswith('/cdn'))
        away = [note for note in server.log if note.path.startswith('/cdn')]
        assert away and not any(note.authorization for note in away)
        assert TOKEN.encode() not in err + out
        # In pieces, over several connections; nothing twice.
        pieces = {note.range for note in away if note.range != 'bytes=0-0'}
        assert len(pieces) == 8, pieces
        assert server.sent('large') == len(world.large) + 1, server.sent('large')
        # And once more: it is there already.
        status, _, err = world.run()
        assert status == 1 and b'on this computer already' in err, err


def a_model_of_parts_edits(s):
    """Single files and tokenizer folders, named by `components`, as the real model's smaller variants are."""
    with FileServer(cdn=True) as server:
        world = World(s, server, size=1)
        names = {'transformer/diffusion_pytorch_model.safetensors': 'kontext.safetensors',
                 'text_encoder/model.safetensors': 'clip_l.safetensors',
                 'text_encoder_2/model.safetensors': 't5xxl.safetensors',
                 'vae/diffusion_pytorch_model.safetensors': 'vae/ae.safetensors', 'vae/config.json': 'vae/config.json'}
        for tokenizer in ('tokenizer', 'tokenizer_2'):
            names.update({f'{tokenizer}/{path.name}': f'{tokenizer}/{path.name}' for path in (DEMO / tokenizer).iterdir()})
        variant = world.manifest['variants'][0]
        variant['files'] = [{'path': name, 'repo': 'org/model'} for name in names.values()]
        variant['components'] = {'transformer': 'kontext.safetensors', 'clip': 'clip_l.safetensors',
                                 't5': 't5xxl.safetensors', 'vae': 'vae', 'tokenizer': 'tokenizer',
                                 'tokenizer_2': 'tokenizer_2'}
        world.write()
        for source, name in names.items():
            server.put(f'/org/model/resolve/main/{name}', (DEMO / source).read_bytes(), blob=name.endswith('.json'))
        status, _, err = world.run()
        assert status == 0, err
        model = json.loads(s.run('models', '--json')[1])['models'][0]
        assert model['id'] == 'test-model-v' and model['default'] and not model['problem'], model
        assert not model['elsewhere'] and model['format'] == 'bytes' and model['licence'] == 'Test Licence', model
        _, _, errors = s.edit(s.photo(), '--steps', '1', '--size', 'match')
        assert b'demo' not in errors, errors


def the_token_from_standard_input(s):
    with FileServer(token=TOKEN) as server:
        world = World(s, server)
        status, _, err = world.run('--token-stdin', data=TOKEN.encode() + b'\n')
        assert status == 0, err
        world.expect_whole()


def the_licence_comes_first(s):
    with FileServer() as server:
        World(s, server)
        _, lines = s.fails('models', 'download', 'test-model', names=('test-model', '--accept-licence'))
        text = '\n'.join(lines)
        assert 'Be kind.' in text and 'Test Licence' in text and 'non-commercial' in text, text
        assert not server.log, server.log
        status, out, _ = s.run('models', 'download', '--json')
        assert status == 0 and not json.loads(out)['offers'][0]['licence']['accepted']


def a_licence_that_changes_is_asked_again(s):
    with FileServer() as server:
        world = World(s, server, size=100)
        assert world.run()[0] == 0
        accepted = json.loads((s.folder / 'home/config/espalier/licences.json').read_text(encoding='utf-8'))
        entry = accepted['test-model']
        terms = '\n'.join(world.manifest['licence'][part] for part in ('name', 'url', 'text'))
        assert entry['sha256'] == hashlib.sha256(terms.encode()).hexdigest() and entry['accepted'], entry
        world.manifest['licence']['text'] = 'Be kinder.'
        world.write()
        s.fails('models', 'download', 'test-model', names='--accept-licence')


def killed_and_taken_up_again(s):
    with FileServer(cdn=True) as server:
        world = World(s, server, size=24 * MIB)
        server.rate = 4 * MIB
        process = world.start('--quiet')
        assert wait_until(lambda: world.have() > 6 * MIB), 'nothing came'
        world.expect_none()
        process.kill()
        process.communicate()
        kept, before = world.have(), len(server.log)
        assert 6 * MIB < kept < len(world.large), kept
        server.rate = 0
        status, _, err = world.run()
        assert status == 0, err
        world.expect_whole()
        # What was noted down is not fetched again; what was not is at most a piece of each connection.
        assert world.asked(before) == len(world.large) - kept, (world.asked(before), kept)
        assert server.sent('large') <= len(world.large) + CONNECTIONS * PIECE + 2, server.sent('large')


def interrupted_and_taken_up_again(s):
    with FileServer() as server:
        world = World(s, server, size=16 * MIB)
        server.rate = 2 * MIB
        process = world.start()
        assert wait_until(lambda: world.have() > 2 * MIB), 'nothing came'
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and b'goes on' in err, (process.returncode, err)
        world.expect_none()
        kept, before = world.have(), len(server.log)
        server.rate = 0
        assert world.run()[0] == 0
        world.expect_whole()
        # All that was written is noted down when it ends in good order.
        assert kept > 2 * MIB and world.asked(before) == len(world.large) - kept, (world.asked(before), kept)


def connections_that_break(s):
    for kind in ('drop', 'reset', 'short'):
        with FileServer() as server:
            world = World(s, server, size=6 * MIB)
            server.faults.append(Fault(kind, path='large', times=3, after=300000))
            status, _, err = world.run()
            assert status == 0, (kind, err)
            world.expect_whole()
            # What came before a break counts; a reset takes what the program has not read yet.
            lost = 300000 if kind == 'reset' else 1 << 16
            assert server.sent('large') <= len(world.large) + 3 * lost + 1, server.sent('large')
        s.run('models', 'remove', '--delete', 'test-model-v')
        for path in world.folder.iterdir():
            path.unlink()
        world.folder.rmdir()


def a_server_without_ranges(s):
    with FileServer() as server:
        world = World(s, server, size=3 * MIB)
        server.faults += [Fault('no-ranges'), Fault('drop', path='large', times=1, after=MIB)]
        status, _, err = world.run()
        assert status == 0, err
        world.expect_whole()


def a_server_that_forgets_ranges(s):
    with FileServer() as server:
        world = World(s, server, size=5 * MIB)
        server.faults.append(Fault('no-ranges', path='large', whole=True))
        assert world.run()[0] == 0
        world.expect_whole()


def a_file_that_changes_meanwhile(s):
    for cdn in (False, True):
        with FileServer(cdn=cdn) as server:
            world = World(s, server, size=12 * MIB)
            server.rate = 2 * MIB
            process = world.start('--quiet')
            assert wait_until(lambda: world.have() > 3 * MIB), 'nothing came'
            process.kill()
            process.communicate()
            other = blob(12 * MIB, seed=2)
            server.put('/org/model/resolve/main/sub/large.bin', other)
            server.rate = 0
            status, _, err = world.run()
            assert status == 0, err
            world.expect_whole(other)
        s.run('models', 'remove', '--delete', 'test-model-v')
        for path in world.folder.iterdir():
            path.unlink()
        world.folder.rmdir()


def a_tag_that_changes_under_way(s):
    with FileServer() as server:
        world = World(s, server, size=6 * MIB)
        server.faults.append(Fault('tag', path='large', times=1, value='other', whole=True))
        assert world.run()[0] == 0
        world.expect_whole()
        asked = [note for note in server.log if 'large' in note.path and note.range == 'bytes=0-0']
        assert len(asked) == 2, 'the file did not begin anew'


def wrong_bytes_are_dropped(s):
    with FileServer() as server:
        world = World(s, server, size=3 * MIB)
        server.faults.append(Fault('wrong-bytes', path='large', times=1))
        world.fails('large.bin', 'SHA-256')
        assert not list(world.state.parent.rglob('large.bin*')), 'the wrong file is still there'
        # The small files are not fetched again.
        before = len([note for note in server.log if 'model_index' in note.path])
        assert world.run()[0] == 0
        world.expect_whole()
        assert len([note for note in server.log if 'model_index' in note.path]) == before


def the_manifests_digest_counts(s):
    with FileServer() as server:
        world = World(s, server, size=2 * MIB, sha256='0' * 64)
        world.fails('large.bin', 'SHA-256')
        world.manifest['variants'][0]['files'][2]['sha256'] = hashlib.sha256(world.large).hexdigest()
        world.write()
        assert world.run()[0] == 0
        world.expect_whole()


def the_manifests_size_counts(s):
    with FileServer() as server:
        world = World(s, server, size=2 * MIB)
        world.manifest['variants'][0]['files'][2]['size'] = 2 * MIB + 1
        world.write()
        world.fails('large.bin', 'size')
        assert server.sent('large') <= 2, 'it was fetched all the same'


def small_files_have_gits_digest(s):
    with FileServer() as server:
        world = World(s, server, size=1000)
        server.faults.append(Fault('wrong-bytes', path='model_index'))
        world.fails('model_index.json', 'SHA-256')


def servers_with_trouble(s):
    with FileServer() as server:
        world = World(s, server, size=3 * MIB)
        server.faults += [Fault('status', path='large', times=2, status=503),
                          Fault('status', path='large', times=2, status=429, value='1', whole=True),
                          Fault('status', path='model_index', times=1, status=500)]
        status, _, err = world.run()
        assert status == 0, err
        world.expect_whole()


def addresses_that_run_out(s):
    """The source's signed addresses are good for some minutes; then it is asked anew."""
    with FileServer(cdn=True, token=TOKEN) as server:
        world = World(s, server, size=6 * MIB)
        s.environment['ESPALIER_KEY_TESTHUB'] = TOKEN
        server.faults.append(Fault('status', path='/cdn', times=3, status=403, whole=True))
        status, _, err = world.run()
        assert status == 0, err
        world.expect_whole()
        home = [note for note in server.log if 'large' in note.path and not note.path.startswith('/cdn')]
        assert len(home) > 1, 'the source was not asked again'


def who_may_not(s):
    with FileServer(token=TOKEN) as server:
        world = World(s, server, size=1000)
        world.fails('Test Hub', f'{server.url}/home', f'{server.url}/tokens')
        s.environment['ESPALIER_KEY_TESTHUB'] = 'hf_other'
        world.fails('Test Hub', f'{server.url}/home')
        s.environment['ESPALIER_KEY_TESTHUB'] = TOKEN
        server.faults.append(Fault('status', status=403))
        world.fails('licence', f'{server.url}/home')
        server.faults.clear()
        server.faults.append(Fault('status', status=401))
        world.fails('access token', f'{server.url}/tokens')
        server.faults.clear()
        assert world.run()[0] == 0


def files_that_are_not_there(s):
    with FileServer() as server:
        world = World(s, server, size=1000)
        files = world.manifest['variants'][0]['files']
        files.append({'path': 'README.md', 'repo': 'org/model', 'optional': True})
        files.append({'path': 'needed.bin', 'repo': 'org/model'})
        world.write()
        world.fails('needed.bin')
        files.pop()
        world.write()
        assert world.run()[0] == 0
        world.expect_whole()
        assert not (world.target / 'README.md').exists()


def addresses_that_are_not_followed(s):
    for address in ('http://example.com/large.bin', 'ftp://127.0.0.1/large.bin', 'file:///etc/passwd'):
        with FileServer() as server:
            world = World(s, server, size=1000)
            server.faults.append(Fault('redirect', path='large', value=address))
            world.fails('does not follow')
        for path in world.folder.iterdir():
            path.unlink()
        world.folder.rmdir()
    with FileServer() as server:
        world = World(s, server, size=1000)
        server.faults.append(Fault('redirect', path='large', value=f'{server.url}/org/model/resolve/main/sub/large.bin'))
        world.fails('does not follow')
        assert len(server.log) < 20, 'round and round'


def answers_that_are_too_long(s):
    with FileServer() as server:
        world = World(s, server, size=2 * MIB)
        server.faults.append(Fault('longer', path='large', times=1))
        assert world.run()[0] == 0
        world.expect_whole()


def a_file_that_may_not_grow(s):
    limit = 3 * MIB
    with FileServer() as server:
        world = World(s, server, size=6 * MIB)
        world.fails('large.bin', 'kept',
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        assert world.run()[0] == 0
        world.expect_whole()


def small_disk(folder, megabytes):
    """Mounts one, or skips the case."""
    folder.mkdir(parents=True)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'tmpfs', folder],
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Skip('no file system may be mounted here')


def a_disk_that_is_too_small(s):
    with FileServer() as server:
        world = World(s, server, size=40 * MIB)
        small_disk(world.models, 32)
        try:
            last = world.fails('too little space')
            assert 'MB' in last
            assert server.sent('large') <= 1, 'it was begun all the same'
        finally:
            subprocess.run(['umount', world.models], check=True)


def a_disk_that_fills_up(s):
    with FileServer() as server:
        world = World(s, server, size=24 * MIB)
        small_disk(world.models, 64)
        try:
            server.rate = 2 * MIB
            process = world.start('--quiet')
            assert wait_until(lambda: world.have() > 2 * MIB), 'nothing came'
            other = world.models / 'other'
            other.write_bytes(bytes(48 * MIB - world.have()))
            _, err = process.communicate(timeout=60)
            assert process.returncode == 1 and b'kept' in err, err
            world.expect_none()
            kept = world.have()
            assert kept > 2 * MIB, kept
            # With room again it goes on where it was.
            other.unlink()
            server.rate, before = 0, len(server.log)
            assert world.run()[0] == 0
            world.expect_whole()
            assert world.asked(before) == len(world.large) - kept
        finally:
            subprocess.run(['umount', world.models], check=True)


def a_server_that_falls_silent(s):
    with FileServer() as server:
        world = World(s, server, size=3 * MIB)
        server.faults.append(Fault('hang', path='large', after=MIB // 2))
        process = world.start()
        assert wait_until(lambda: world.have() > 0), 'nothing came'
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM and b'goes on' in err, (process.returncode, err)
        server.faults.clear()
        server.released.set()
        assert world.run()[0] == 0
        world.expect_whole()


def no_faster_than_it_may(s):
    with FileServer() as server:
        world = World(s, server, size=3 * MIB)
        with open('/proc/uptime', encoding='ascii') as file:
            before = float(file.read().split()[0])
        assert world.run('--limit', '1.5M')[0] == 0
        with open('/proc/uptime', encoding='ascii') as file:
            seconds = float(file.read().split()[0]) - before
        world.expect_whole()
        assert seconds >= 1.4, f'3 MiB at 1.5 MB a second took {seconds:.2f} s'


def two_at_once(s):
    with FileServer() as server:
        world = World(s, server, size=8 * MIB)
        server.rate = MIB
        first = world.start('--quiet')
        assert wait_until(lambda: world.have() > 0), 'nothing came'
        world.fails('downloading this model')
        server.rate = 0
        assert first.wait(60) == 0
        first.communicate()
        world.expect_whole()


def wrong_command_lines(s):
    with FileServer() as server:
        World(s, server)
        s.fails('models', 'download', 'other', names='other')
        s.fails('models', 'download', 'test-model', 'more', status=2, names='one ID')
        s.fails('models', 'download', 'test-model', '--variant', 'x', status=2, names='--variant')
        s.fails('models', 'download', 'test-model', '--limit', 'fast', status=2, names='--limit')
        s.fails('models', 'download', 'test-model', '--token-stdin', '--token-file', 'x', status=2, names='--token-stdin')
        s.fails('models', 'remove', status=2, names='ID')
        s.fails('models', 'remove', 'other', names='other')
        s.fails('models', 'remove', 'demo', names='demo')
        s.fails('models', 'default', 'other', names='other')
        s.fails('models', 'default', 'a', 'b', status=2, names='models default')


def the_default_and_removing(s):
    s.environment['XDG_CONFIG_HOME'] = str(s.folder / 'home/config')
    models = s.folder / 'home/share/espalier/models'
    for name in ('one', 'two'):
        folder = models / name
        folder.mkdir(parents=True)
        for path in DEMO.iterdir():
            if path.name != 'espalier.json':
                (folder / path.name).symlink_to(path)
    (models / 'one/own.bin').write_bytes(bytes(1000))

    def default():
        status, out, _ = s.run('models', 'default', '--json')
        assert status == 0
        return json.loads(out)['default']

    assert default() == 'one'
    assert s.run('models', 'default', 'two')[0] == 0
    assert default() == 'two'
    listed = json.loads(s.run('models', '--json')[1])
    assert listed['default'] == str(models / 'two'), listed
    assert [m['id'] for m in listed['models'] if m['default']] == ['two']
    assert s.run('models', 'default', '--none')[0] == 0
    assert default() == 'one'

    plan = json.loads(s.run('models', 'remove', 'one', '--dry-run', '--json')[1])
    assert plan['deleted'] == [str(models / 'one')] and not plan['done'] and plan['bytes'] == 1000, plan
    assert (models / 'one').is_dir()
    # Links go, what they mean stays.
    assert s.run('models', 'remove', 'one', '--delete')[0] == 0
    assert not (models / 'one').exists() and (DEMO / 'model_index.json').exists()
    assert sorted(path.name for path in models.iterdir()) == ['two']
    assert s.run('models', 'remove', 'two')[0] == 0
    assert not (models / 'two').exists()
    assert (s.folder / 'home/share/Trash/files/two').is_dir()


if __name__ == '__main__':
    sys.exit(run_cases([a_model_comes_whole, a_model_of_parts_edits, the_token_from_standard_input,
                        the_licence_comes_first, a_licence_that_changes_is_asked_again, killed_and_taken_up_again,
                        interrupted_and_taken_up_again, connections_that_break, a_server_without_ranges,
                        a_server_that_forgets_ranges, a_file_that_changes_meanwhile, a_tag_that_changes_under_way,
                        wrong_bytes_are_dropped, the_manifests_digest_counts, the_manifests_size_counts,
                        small_files_have_gits_digest, servers_with_trouble, addresses_that_run_out, who_may_not,
                        files_that_are_not_there,
                        addresses_that_are_not_followed, answers_that_are_too_long, a_file_that_may_not_grow,
                        a_disk_that_is_too_small, a_disk_that_fills_up, a_server_that_falls_silent,
                        no_faster_than_it_may, two_at_once, wrong_command_lines, the_default_and_removing]))
