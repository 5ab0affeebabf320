#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs a build folder, and takes away again all that this put there.

    install.py install|uninstall BUILD [--destdir FOLDER]

Meson's own `ninja uninstall` leaves what was made of the files after they were installed, the compiled
settings and the desktop's caches, and the folders around them. Here every folder that was made is noted in
BUILD/installed-folders, and goes when nothing is in it any more; caches are made anew of what others have
installed, or go when there is nothing to make them of.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

NOTES = 'installed-folders'


def placed(path, destdir):
    """`path` below DESTDIR."""
    return pathlib.Path(destdir + os.path.abspath(path)) if destdir else pathlib.Path(os.path.abspath(path))


def information(build, name):
    return json.loads((build / f'meson-info/intro-{name}.json').read_text(encoding='utf-8'))


def option(build, name):
    return next(entry['value'] for entry in information(build, 'buildoptions') if entry['name'] == name)


def files(build, destdir):
    """All files that the build installs: folders are told as one."""
    found = set()
    for source, target in information(build, 'installed').items():
        inside = [path.relative_to(source) for path in pathlib.Path(source).rglob('*') if path.is_file()] \
            if os.path.isdir(source) else [None]
        found |= {placed(os.path.join(target, name) if name else target, destdir) for name in inside}
    return found


def folders_above(paths):
    return {parent for path in paths for parent in path.parents}


def meson():
    return '/usr/bin/meson' if os.path.exists('/usr/bin/meson') else 'meson'


def install(build, destdir):
    wanted = folders_above(files(build, destdir))
    missing = {str(folder) for folder in wanted if not folder.exists()}
    notes = build / NOTES
    known = set(notes.read_text(encoding='utf-8').splitlines()) if notes.exists() else set()
    notes.write_text('\n'.join(sorted(known | missing)) + '\n', encoding='utf-8')
    command = [meson(), 'install', '-C', str(build), '--no-rebuild', '--quiet']
    done = subprocess.run(command + (['--destdir', destdir] if destdir else []), check=False)
    return done.returncode


def remove(path):
    try:
        path.unlink()
    except FileNotFoundError:
        pass


def remake(sources, made, *command):
    """Caches of the files `sources`: made anew by the command, or taken away where there is no source."""
    if not any(True for _ in sources):
        for path in made:
            if path.is_file():
                remove(path)
    elif any(path.exists() for path in made) and shutil.which(command[0]):
        subprocess.run(list(map(str, command)), check=False)


def update_caches(share):
    schemas, icons, menus, mime = (share / name for name in (
        'glib-2.0/schemas', 'icons/hicolor', 'applications', 'mime'))
    remake(schemas.glob('*.xml'), [schemas / 'gschemas.compiled'], 'glib-compile-schemas', schemas)
    cache = icons / 'icon-theme.cache'
    remake((path for path in icons.rglob('*') if path.is_file() and path != cache and path.name != 'index.theme'),
           [cache], 'gtk4-update-icon-cache', '-q', '-t', '-f', icons)
    remake(menus.glob('*.desktop'), [menus / 'mimeinfo.cache'], 'update-desktop-database', '-q', menus)
    packages = mime / 'packages'
    if any(packages.glob('*.xml')):
        remake(packages.glob('*.xml'), [mime / 'mime.cache'], 'update-mime-database', mime)
    elif (mime / 'mime.cache').exists():
        # update-mime-database takes away what is there no more, and leaves its empty lists.
        packages.mkdir(parents=True, exist_ok=True)
        if shutil.which('update-mime-database'):
            subprocess.run(['update-mime-database', str(mime)], check=False)
        for path in mime.iterdir():
            if path.is_file():
                remove(path)
            elif path != packages and not any(path.iterdir()):
                path.rmdir()


def uninstall(build, destdir):
    ours = files(build, destdir)
    log = build / 'meson-logs/install-log.txt'
    if log.exists():
        # What an older state of the tree had installed, too.
        ours |= {pathlib.Path(line) for line in log.read_text(encoding='utf-8').splitlines()
                 if line.startswith(destdir + os.sep) and not os.path.isdir(line)}
    for path in ours:
        remove(path)
    share = placed(os.path.join(option(build, 'prefix'), option(build, 'datadir')), destdir)
    update_caches(share)
    notes = build / NOTES
    made = set(notes.read_text(encoding='utf-8').splitlines()) if notes.exists() else set()
    # The deepest first; what is not empty has something of others.
    for folder in sorted(made, key=len, reverse=True):
        try:
            os.rmdir(folder)
        except OSError:
            pass
    if notes.exists():
        remove(notes)
    return 0


def main():
    verb, build, *rest = sys.argv[1:]
    destdir = rest[1].rstrip('/') if rest[:1] == ['--destdir'] else os.environ.get('DESTDIR', '').rstrip('/')
    return {'install': install, 'uninstall': uninstall}[verb](pathlib.Path(build).resolve(), destdir)


if __name__ == '__main__':
    sys.exit(main())
