#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what flatpak-builder is given of the manifests in flatpak/, so that this very tree is built.

    flatpak-manifest.py FOLDER [--devel] [--compose] [--replace MODULE=ARCHIVE]… [--gpu-archs LIST]
    flatpak-manifest.py --runtime-version

Writes FOLDER/source.tar, the files that git knows as they are now but for tests and tools, and FOLDER/ID.json for the app and its
extensions. The same files give the same bytes, so that flatpak-builder builds again only what has changed.
--devel makes the development flavour: an id of its own, everywhere, and Meson's development profile.
--compose is for flatpak-builder before 1.4, which calls a program that AppStream has given up: what software
centres read is composed by a command of the manifest then.
--replace has a module built of another archive, where the one that it names cannot be fetched.
--gpu-archs has the extension's kernels compiled for these alone, as Meson's option of that name.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tarfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = re.search(r"^app_id = '(.+)'", (ROOT / 'meson.build').read_text(encoding='utf-8'), re.M).group(1)
# Nothing is built again because these have changed.
NOT_BUILT = ('tests/', 'tools/', '.ci/', '.git')


def load(path):
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def tree():
    """Of the tree what git knows, or all but what is built where there is no git."""
    listing = subprocess.run(['git', '-C', str(ROOT), 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                             capture_output=True, check=False)
    if (ROOT / '.git').exists() and listing.returncode == 0:
        names = {name for name in os.fsdecode(listing.stdout).split('\0') if name}
    else:
        names = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob('*')
                 if not path.relative_to(ROOT).parts[0].startswith(('_build', 'results'))}
    return sorted(name for name in names if (ROOT / name).is_file() and not name.startswith(NOT_BUILT))


def pack(target):
    """A tar archive without times and owners; left alone if it is the same."""
    new = target.with_suffix('.new')
    with tarfile.open(new, 'w', format=tarfile.PAX_FORMAT) as archive:
        for name in tree():
            info = tarfile.TarInfo('espalier/' + name)
            path = ROOT / name
            info.size = path.stat().st_size
            info.mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
            with path.open('rb') as file:
                archive.addfile(info, file)
    new.replace(target)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def renamed(value, old, new):
    """`value` with `old` for `new` in every text."""
    if isinstance(value, dict):
        return {renamed(key, old, new): renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


def local(path):
    return {'type': 'archive', 'path': str(path), 'sha256': sha256(path)}


def convert(manifest, source, devel, compose, replaced, archs):
    if devel:
        manifest = renamed(manifest, APP, APP + '.Devel')
    if compose and not manifest.get('build-extension'):
        manifest['appstream-compose'] = False
        manifest['cleanup-commands'] = [
            'appstreamcli compose --prefix=/ --no-net --origin=${FLATPAK_ID} '
            '--components=${FLATPAK_ID},${FLATPAK_ID}.desktop --result-root=/app '
            '--data-dir=/app/share/app-info/xmls --icons-dir=/app/share/app-info/icons/flatpak /app']
    for module in manifest['modules']:
        if module['name'] in replaced:
            archive = pathlib.Path(replaced[module['name']]).resolve()
            module['sources'] = [local(archive)] + [entry for entry in module['sources'] if entry['type'] != 'archive']
        module['sources'] = [local(source) if entry['type'] == 'git' else entry for entry in module['sources']]
        if devel and module['buildsystem'] == 'meson':
            module['config-opts'].append('-Dprofile=development')
        if archs and module['name'] == 'cuda-kernels':
            module['build-commands'] = [line.replace('-Dgpu_kernels=only', f'-Dgpu_kernels=only -Dgpu_archs={archs}')
                                        for line in module['build-commands']]
    return manifest


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument('folder', nargs='?', type=pathlib.Path)
    parser.add_argument('--devel', action='store_true')
    parser.add_argument('--compose', action='store_true')
    parser.add_argument('--replace', action='append', default=[])
    parser.add_argument('--gpu-archs')
    parser.add_argument('--runtime-version', action='store_true')
    options = parser.parse_args()
    if options.runtime_version:
        print(load(ROOT / f'flatpak/{APP}.yml')['runtime-version'])
        return 0
    if options.folder is None:
        parser.error('which folder?')
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder.resolve() / 'source.tar'
    pack(source)
    for path in sorted((ROOT / 'flatpak').glob('*.yml')):
        manifest = convert(load(path), source, options.devel, options.compose,
                           dict(entry.split('=', 1) for entry in options.replace), options.gpu_archs)
        (options.folder / (manifest['id'] + '.json')).write_text(json.dumps(manifest, indent=2) + '\n', encoding='utf-8')
        print(options.folder / (manifest['id'] + '.json'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
