#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `meson install` puts where, and that the installed program finds its data.

    test-install.py SOURCE_ROOT BUILD_ROOT
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, case, note, run

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
PLACE = tempfile.TemporaryDirectory()
INSTALLED = []
APP_ID = re.search(r"app_id = '([^']+)'", (ROOT / 'meson.build').read_text(encoding='utf-8')).group(1)


def option(name):
    options = json.loads((BUILD / 'meson-info/intro-buildoptions.json').read_text())
    return next(o['value'] for o in options if o['name'] == name)


PROGRAMS = ('bin/espalier', 'bin/espalier-cli', 'bin/espalier-thumbnailer', option('libexecdir') + '/espalier/espalier-engine',
            option('libexecdir') + '/espalier/espalier-decoder')

# What the desktop is told; what is in these files is for test-desktop.py.
DESKTOP = (f'applications/{APP_ID}.desktop', f'dbus-1/services/{APP_ID}.service',
           f'metainfo/{APP_ID}.metainfo.xml', f'mime/packages/{APP_ID}.xml',
           f'gnome-shell/search-providers/{APP_ID}.search-provider.ini', f'thumbnailers/{APP_ID}.thumbnailer', *(f'icons/hicolor/{name}.svg' for name in (
               f'scalable/apps/{APP_ID}', f'symbolic/apps/{APP_ID}-symbolic',
               f'scalable/mimetypes/{APP_ID}.Document', f'symbolic/mimetypes/{APP_ID}.Document-symbolic')))


def installed():
    """The prefix inside a scratch folder, after one `meson install` into it."""
    if not INSTALLED:
        meson = '/usr/bin/meson' if pathlib.Path('/usr/bin/meson').exists() else 'meson'
        done = subprocess.run([meson, 'install', '-C', str(BUILD), '--no-rebuild', '--quiet',
                               '--destdir', PLACE.name], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        INSTALLED.append(pathlib.Path(PLACE.name + option('prefix')))
    return INSTALLED[0]


@case
def programs_are_where_they_belong():
    for name in PROGRAMS:
        path = installed() / name
        assert path.is_file() and path.stat().st_mode & 0o111, name


@case
def data_is_where_it_belongs():
    share = installed() / option('datadir')
    for name in ('espalier/licences/espalier.spdx.json', 'espalier/licences/MIT.txt', 'espalier/models/demo/model_index.json', 'espalier/models/demo/espalier.json',
                 'espalier/models/demo/MODEL_CARD.md', 'espalier/models/flux-kontext-dev.json',
                 'espalier/photos/coffee.png',
                 f'glib-2.0/schemas/{APP_ID}.gschema.xml',
                 'man/man1/espalier.1', 'man/man1/espalier-cli.1', 'man/man1/espalier-engine.1',
                 'man/man1/espalier-thumbnailer.1',
                 *DESKTOP,
                 'bash-completion/completions/espalier-cli', 'zsh/site-functions/_espalier-cli',
                 'fish/vendor_completions.d/espalier-cli.fish',
                 'espalier/manual/espalier.html',
                 *(f'locale/{language}/LC_MESSAGES/espalier.mo'
                   for language in (ROOT / 'po/LINGUAS').read_text(encoding='utf-8').splitlines()
                   if not language.startswith('#'))):
        path = share / name
        assert path.is_file() and path.stat().st_size, name


@case
def nothing_else_is_installed():
    known = (*PROGRAMS[:3], option('libexecdir') + '/espalier/', *(
        option('datadir') + part for part in (
            '/espalier/', '/man/', '/bash-completion/', '/zsh/', '/fish/', '/locale/',
            '/glib-2.0/schemas/', *(f'/{name}' for name in DESKTOP))))
    extra = [path.relative_to(installed()).as_posix() for path in installed().rglob('*')
             if path.is_file()
             and not path.relative_to(installed()).as_posix().startswith(known)]
    for name in extra:
        note(name)
    assert not extra


def installer(verb, place):
    done = subprocess.run([sys.executable, str(ROOT / 'tools/dev/install.py'), verb, str(BUILD), '--destdir', str(place)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def make_caches(share):
    """What installing outside of DESTDIR, or a package's triggers, make of the files."""
    for program, *arguments in (('glib-compile-schemas', share / 'glib-2.0/schemas'),
                                ('gtk4-update-icon-cache', '-q', '-t', '-f', share / 'icons/hicolor'),
                                ('update-desktop-database', '-q', share / 'applications'),
                                ('update-mime-database', share / 'mime')):
        if shutil.which(program):
            subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)


def everything(place):
    """All that is in a folder: what is in its files, and its folders."""
    return {path.relative_to(place).as_posix(): path.read_bytes() if path.is_file() else None
            for path in place.rglob('*')}


@case
def uninstalling_leaves_nothing():
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        installer('install', place)
        share = pathlib.Path(f'{place}{option("prefix")}') / option('datadir')
        make_caches(share)
        assert (share / 'glib-2.0/schemas/gschemas.compiled').exists()
        installer('uninstall', place)
        left = sorted(everything(place))
        assert not left, left


@case
def uninstalling_leaves_what_is_of_others():
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        share = pathlib.Path(f'{place}{option("prefix")}') / option('datadir')
        for name, text in {
                'glib-2.0/schemas/other.gschema.xml': '<schemalist><schema id="other" path="/other/"/></schemalist>',
                'icons/hicolor/scalable/apps/other.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
                'applications/other.desktop':
                    '[Desktop Entry]\nType=Application\nName=Other\nExec=other\nMimeType=image/png;\n',
                'mime/packages/other.xml':
                    '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
                    '<mime-type type="application/x-other"><comment>Other</comment></mime-type></mime-info>',
                'man/man1/other.1': '.TH OTHER 1\n'}.items():
            (share / name).parent.mkdir(parents=True, exist_ok=True)
            (share / name).write_text(text)
        (place / 'empty').mkdir()
        make_caches(share)
        before = everything(place)
        installer('install', place)
        make_caches(share)
        assert everything(place) != before
        # Twice: what the second one finds is not what was there before.
        installer('install', place)
        installer('uninstall', place)
        after = everything(place)
        assert after.keys() == before.keys(), after.keys() ^ before.keys()
        changed = [name for name in before if after[name] != before[name] and not name.endswith('icon-theme.cache')]
        assert not changed, changed


@case
def the_installed_demo_model_is_the_one_in_the_tree():
    there = installed() / option('datadir') / 'espalier/models/demo'
    for path in (ROOT / 'data/models/demo').rglob('*'):
        if path.is_file():
            copy = there / path.relative_to(ROOT / 'data/models/demo')
            assert copy.read_bytes() == path.read_bytes(), path.name


@case
def installed_programs_need_no_library_that_is_not_there():
    if not shutil.which('ldd'):
        raise Skip('ldd is not installed')
    for name in PROGRAMS:
        done = subprocess.run(['ldd', str(installed() / name)], capture_output=True, text=True)
        assert 'not found' not in done.stdout, done.stdout
        if name.endswith('espalier-engine'):
            assert 'libglib' not in done.stdout, 'the engine must not need GLib'


def installed_program(name, *arguments, **variables):
    # Nothing of the tree: the program has to find its worker and data from where it stands.
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(('ESPALIER_', 'GSETTINGS_'))}
    environment.update(LC_ALL='C.UTF-8', XDG_DATA_HOME=PLACE.name + '/data-home', **variables)
    return subprocess.run([str(installed() / 'bin' / name), *arguments], env=environment,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def installed_cli(*arguments):
    return installed_program('espalier-cli', *arguments)


@case
def the_installed_window_tells_its_version_and_options():
    version = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text()).group(1)
    done = installed_program('espalier', '--version')
    assert done.returncode == 0 and done.stdout == f'espalier {version}\n', done.stdout + done.stderr
    done = installed_program('espalier', '--help')
    assert done.returncode == 0 and '--new-window' in done.stdout, done.stdout + done.stderr


@case
def the_installed_settings_compile():
    if not shutil.which('glib-compile-schemas'):
        raise Skip('glib-compile-schemas is not installed')
    schemas = installed() / option('datadir') / 'glib-2.0/schemas'
    done = subprocess.run(['glib-compile-schemas', '--strict', '--dry-run', str(schemas)],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


@case
def the_installed_program_finds_the_demo_model():
    done = installed_cli('models', '--json')
    assert done.returncode == 0, done.stderr
    assert str(installed() / option('datadir') / 'espalier/models/demo') in done.stdout, done.stdout


@case
def the_installed_programs_are_translated():
    if not shutil.which('msgunfmt'):
        raise Skip('gettext is not installed')
    done = installed_program('espalier-cli', '--help', LANGUAGE='de')
    assert done.returncode == 0 and 'Aufruf:' in done.stdout, done.stdout + done.stderr
    done = installed_program('espalier', '--help', LANGUAGE='de')
    assert '[DATEI…]' in done.stdout, done.stdout + done.stderr


@case
def the_installed_program_edits_a_photo():
    result = pathlib.Path(PLACE.name) / 'result.png'
    photo = installed() / option('datadir') / 'espalier/photos/coffee.png'
    done = installed_cli('edit', str(photo), '-p', 'Make it snow', '-o', str(result), '--steps', '1',
                         '--quiet')
    assert done.returncode == 0, done.stderr
    assert result.read_bytes().startswith(b'\x89PNG') and not done.stdout


@case
def its_help_and_the_completions_know_the_same_options():
    bash = (ROOT / 'data/completions/espalier-cli.bash').read_text(encoding='utf-8')
    known = set(re.search(r"_edit_options='([^']+)'", bash).group(1).split())
    done = installed_cli('edit', '--help')
    assert done.returncode == 0, done.stderr
    told = set(re.findall(r'(?<![\w-])--[a-z][a-z-]+', done.stdout))
    long_options = {name for name in known if name.startswith('--')}
    assert told == long_options, told ^ long_options


sys.exit(run())
