#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/dev/release.sh, with a key and a small tree that are thrown away: what is made verifies, and nothing else does.

    test-release.py SOURCE_ROOT
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
VERSION = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text(encoding='utf-8')).group(1)
PLACE = tempfile.TemporaryDirectory(prefix='espalier-release-')
FOLDER = pathlib.Path(PLACE.name)
# gpg's socket has a path of at most a hundred bytes.
ENVIRONMENT = {**os.environ, 'GNUPGHOME': str(FOLDER / 'gpg'), 'LC_ALL': 'C.UTF-8', 'GIT_CONFIG_GLOBAL': '/dev/null',
               'GIT_CONFIG_SYSTEM': '/dev/null'}


def do(*command, **options):
    return subprocess.run([str(word) for word in command], env=ENVIRONMENT, capture_output=True, text=True, **options)


def must(*command, **options):
    done = do(*command, **options)
    assert done.returncode == 0, f'{command}:\n{done.stdout}{done.stderr}'
    return done.stdout


# Enough of the tree for the list of parts; the whole would take minutes to configure and to compress.
MESON = f"""project('espalier', 'c',
  version: '{VERSION}',
)
cc = meson.get_compiler('c')
release_id = '@ID@'
pkgdatadir = 'share/espalier'
parts_tool = find_program('data/licences/parts.py')
subdir('data/licences')
"""


def make_tree(folder):
    for name in ('data', 'flatpak'):
        # Without the weights, which take long to compress.
        shutil.copytree(ROOT / name, folder / name, ignore=lambda place, names: {
            each for each in names if (pathlib.Path(place) / each).is_file() and (pathlib.Path(place) / each).stat().st_size > 100_000})
    for name in ('COPYING', 'meson_options.txt', 'src/engine/LICENSE', 'tools/dev/release.sh'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    ident = re.search(r"app_id = '([^']+)'", (ROOT / 'meson.build').read_text(encoding='utf-8')).group(1)
    (folder / 'meson.build').write_text(MESON.replace('@ID@', ident), encoding='utf-8')


def made():
    """A release of what is committed, made once."""
    release = FOLDER / 'release'
    if release.exists():
        return release
    for tool in ('gpg', 'git', 'xz'):
        if not shutil.which(tool):
            raise Skip(f'no {tool}')
    (FOLDER / 'gpg').mkdir(mode=0o700)
    for name in ('maintainer', 'stranger'):
        must('gpg', '--batch', '--passphrase', '', '--quick-generate-key', f'{name}@example.org', 'ed25519', 'sign', 'never')
    clone = FOLDER / 'clone'
    make_tree(clone)
    identity = ('-c', 'user.name=M', '-c', 'user.email=maintainer@example.org')
    must('git', 'init', '--quiet', clone)
    must('git', '-C', clone, 'add', '--all')
    must('git', '-C', clone, *identity, 'commit', '--quiet', '-m', 'x')
    must('git', '-C', clone, *identity, 'tag', '-s', f'v{VERSION}', '-m', 'x', '-u', 'maintainer@example.org')
    must(clone / 'tools/dev/release.sh', 'make', VERSION, 'maintainer@example.org', release)
    return release


def copy():
    target = FOLDER / 'changed'
    shutil.rmtree(target, ignore_errors=True)
    return pathlib.Path(shutil.copytree(made(), target))


def refuses(folder, words, *key):
    done = do(ROOT / 'tools/dev/release.sh', 'verify', folder, *key)
    assert done.returncode != 0 and words in done.stderr, done.stderr


@case
def what_is_made_verifies():
    done = do(ROOT / 'tools/dev/release.sh', 'verify', made(), 'maintainer@example.org')
    assert done.returncode == 0 and f'espalier {VERSION}: signature, sums and list of parts are good' in done.stderr, done.stderr
    assert sorted(path.name for path in made().iterdir()) == sorted(
        ['SHA256SUMS', 'SHA256SUMS.asc', f'espalier-{VERSION}.spdx.json', f'espalier-{VERSION}.tar.xz'])


@case
def it_is_the_same_bytes_when_made_again():
    first = (made() / 'SHA256SUMS').read_bytes()
    must(FOLDER / 'clone/tools/dev/release.sh', 'make', VERSION, 'maintainer@example.org', FOLDER / 'again')
    assert (FOLDER / 'again/SHA256SUMS').read_bytes() == first


@case
def one_byte_is_enough_to_refuse_it():
    folder = copy()
    archive = folder / f'espalier-{VERSION}.tar.xz'
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    refuses(folder, 'a file is not what was signed')


@case
def sums_that_were_changed_are_refused():
    folder = copy()
    sums = (folder / 'SHA256SUMS').read_text()
    (folder / 'SHA256SUMS').write_text(sums.replace('a', 'b', 1))
    refuses(folder, 'the signature is not a good one')


@case
def a_strangers_key_is_refused():
    folder = copy()
    refuses(folder, 'signed by another key', 'stranger@example.org')
    (folder / 'SHA256SUMS.asc').unlink()
    must('gpg', '--batch', '--yes', '--local-user', 'stranger@example.org', '--armor', '--output', folder / 'SHA256SUMS.asc',
         '--detach-sign', folder / 'SHA256SUMS')
    refuses(folder, 'signed by another key', 'maintainer@example.org')


@case
def what_was_added_later_is_refused():
    folder = copy()
    (folder / 'espalier.flatpak').write_text('x')
    refuses(folder, 'files that are not signed')


@case
def without_a_signed_tag_nothing_is_made():
    made()
    clone = FOLDER / 'clone'
    must('git', '-C', clone, 'tag', '-d', f'v{VERSION}')
    must('git', '-C', clone, 'tag', f'v{VERSION}')
    done = do(clone / 'tools/dev/release.sh', 'make', VERSION, 'maintainer@example.org', FOLDER / 'unsigned')
    assert done.returncode != 0 and 'is not signed' in done.stderr and not (FOLDER / 'unsigned').exists(), done.stderr


try:
    status = run()
finally:
    subprocess.run(['gpgconf', '--kill', 'all'], env=ENVIRONMENT, capture_output=True)
    PLACE.cleanup()
sys.exit(status)
