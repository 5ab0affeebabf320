#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is what is built the same, whoever builds it, where and when?

    reproducible.py [--part all|engine|data] [--keep FOLDER]

Copies the tree as it is (tracked and new files) to two places and builds both for release, as different people
would: other folders, another home, umask, locale, time zone, other dates of the files; no compiler cache helps. Then
every installed file is held against its twin: names, modes, bytes. What differs is named, of programs the section.
"all" is everything that is installed; "engine" the worker alone (-Dengine_only=true); "data" what is
installed and not compiled: translations, manual, settings, desktop files, the list of parts.

Prints the hashes of programs and one of the whole. Ends with 1 where anything differs.
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MESON = '/usr/bin/meson' if pathlib.Path('/usr/bin/meson').exists() else 'meson'
# Two people. The second one's names are longer, so that nothing fits by chance.
BUILDERS = (
    {'folder': 'one/espalier', 'umask': 0o022, 'mtime': 1_700_000_000,
     'environment': {'LC_ALL': 'C', 'TZ': 'UTC', 'USER': 'one', 'LOGNAME': 'one'}},
    {'folder': 'another person/src of it/espalier-tree', 'umask': 0o077, 'mtime': 1_234_567_890,
     'environment': {'LC_ALL': 'C.UTF-8', 'LANGUAGE': 'de:fr', 'TZ': 'Asia/Tokyo', 'USER': 'another', 'LOGNAME': 'another',
                     'PYTHONHASHSEED': '7'}},
)


def release_time():
    """That of the commit: the same for everyone who has it."""
    told = subprocess.run(['git', '-C', str(ROOT), 'log', '-1', '--format=%ct'], capture_output=True, text=True)
    return told.stdout.strip() if told.returncode == 0 else '1700000000'


def copy_tree(target, mtime):
    listed = subprocess.run(['git', '-C', str(ROOT), 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                            capture_output=True, check=True).stdout
    for name in sorted(set(listed.decode().split('\0')) - {''}):
        source, copy = ROOT / name, target / name
        if not source.exists() and not source.is_symlink():
            continue  # deleted, but not yet so in git
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
        os.utime(copy, (mtime, mtime), follow_symlinks=False)


@contextlib.contextmanager
def umask_of(builder):
    before = os.umask(builder['umask'])
    try:
        yield
    finally:
        os.umask(before)


def copy_for(place, builder):
    with umask_of(builder):
        copy_tree(place / builder['folder'], builder['mtime'])


def build(place, builder, part, time):
    """The folder with what was installed."""
    tree, installed, home = place / builder['folder'], place / (builder['folder'] + ' installed'), place / (builder['folder'] + ' home')
    with umask_of(builder):
        home.mkdir(parents=True)
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('LC_', 'LANG', 'CCACHE', 'XDG_', 'ESPALIER_'))}
        environment.update(builder['environment'], HOME=str(home), CCACHE_DISABLE='1', SOURCE_DATE_EPOCH=time)

        def do(*command):
            done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
            return done.stdout

        do(MESON, 'setup', '_build', '--prefix=/usr', '-Dbuildtype=release', '-Dtests=false', '-Dcuda=disabled', '-Dwerror=false',
           *(['-Dengine_only=true'] if part == 'engine' else []))
        if part == 'data':
            targets = json.loads(do(MESON, 'introspect', '--targets', '_build'))
            made = sorted(os.path.relpath(name, tree / '_build') for target in targets if target['installed'] and target['type'] == 'custom'
                          for name in target['filename'])
            do('ninja', '-C', '_build', *made)
            for name in made:
                (installed / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree / '_build' / name, installed / name)
        else:
            do('ninja', '-C', '_build')
            do(MESON, 'install', '-C', '_build', '--no-rebuild', '--quiet', '--destdir', str(installed))
    return installed


def digest(path):
    return hashlib.sha256(os.readlink(path).encode() if path.is_symlink() else path.read_bytes()).hexdigest()


def sections(path):
    told = subprocess.run(['readelf', '-SW', str(path)], capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout
    found = {}
    for line in told.splitlines():
        words = line.replace('[ ', '[').split()
        if len(words) > 6 and words[0].startswith('[') and words[1].startswith('.'):
            data = path.read_bytes()[int(words[4], 16):][:int(words[5], 16)] if words[2] != 'NOBITS' else b''
            found[words[1]] = hashlib.sha256(data).hexdigest()
    return found


def compare(one, other):
    """What differs, in words; and the files of the first with their hashes."""
    problems, hashes = [], {}
    names = [{path.relative_to(place).as_posix() for path in place.rglob('*') if path.is_file() or path.is_symlink()}
             for place in (one, other)]
    problems += [f'{name}: only one of the two has it' for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        left, right = one / name, other / name
        hashes[name] = digest(left)
        if digest(left) != digest(right):
            parts = []
            if not left.is_symlink() and left.read_bytes()[:4] == b'\x7fELF':
                first, second = sections(left), sections(right)
                parts = sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))
            problems.append(f'{name}: differs' + (f" in {', '.join(parts)}" if parts else ''))
        elif not left.is_symlink() and (left.stat().st_mode & 0o777) != (right.stat().st_mode & 0o777) and 'usr/' in name:
            problems.append(f'{name}: other modes, {left.stat().st_mode & 0o777:o} and {right.stat().st_mode & 0o777:o}')
    return problems, hashes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--part', choices=('all', 'engine', 'data'), default='all')
    parser.add_argument('--keep', metavar='FOLDER', help='build there, and leave it')
    options = parser.parse_args()
    place = pathlib.Path(options.keep or tempfile.mkdtemp(prefix='espalier-reproducible-'))
    try:
        # All of it before the first build: whoever works on the tree meanwhile changes neither.
        time = release_time()
        for builder in BUILDERS:
            copy_for(place, builder)
        made = [build(place, builder, options.part, time) for builder in BUILDERS]
        problems, hashes = compare(*made)
        for name, value in hashes.items():
            if not (made[0] / name).is_symlink() and (made[0] / name).read_bytes()[:4] == b'\x7fELF' or name.endswith('.spdx.json'):
                print(f'{value}  {name}')
        whole = hashlib.sha256(''.join(f'{value}  {name}\n' for name, value in sorted(hashes.items())).encode()).hexdigest()
        print(f'{whole}  all {len(hashes)} files')
        for problem in problems:
            print(problem, file=sys.stderr)
        print('Different.' if problems else 'The same.')
        return 1 if problems or not hashes else 0
    finally:
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
