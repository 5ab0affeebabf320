#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the desktop is told of the program, as it is installed: valid, complete, and true.

    test-desktop.py SOURCE_ROOT BUILD_ROOT
"""
import configparser
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse
from xml.etree import ElementTree

from tap import Skip, case, note, run

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
PLACE = tempfile.TemporaryDirectory()
MADE = BUILD / 'data/desktop'
VERSION = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text()).group(1)
ENTRY, = MADE.glob('*.desktop')
APP_ID = ENTRY.stem
METAINFO = MADE / f'{APP_ID}.metainfo.xml'
MIME = MADE / f'{APP_ID}.xml'
ICONS = ROOT / 'data/desktop/icons'
SVG = '{http://www.w3.org/2000/svg}'


def need(program):
    if not shutil.which(program):
        raise Skip(f'{program} is not installed')
    return program


def check(*command):
    done = subprocess.run([need(command[0]), *map(str, command[1:])], capture_output=True, text=True,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8'})
    note(done.stdout + done.stderr)
    assert done.returncode == 0, f'{command[0]} ended with {done.returncode}'
    return done.stdout


def keys(path, section):
    parser = configparser.ConfigParser(delimiters='=', interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding='utf-8'))
    return dict(parser[section])


def media_type():
    root = ElementTree.parse(MIME).getroot()
    return root[0].get('type')


def languages():
    return [line for line in (ROOT / 'po/LINGUAS').read_text().splitlines() if line and not line.startswith('#')]


@case
def the_entry_is_valid():
    assert not check('desktop-file-validate', ENTRY).strip()


@case
def the_entry_says_what_the_program_can_do():
    entry = keys(ENTRY, 'Desktop Entry')
    assert entry['Icon'] == APP_ID and entry['DBusActivatable'] == 'true' and entry['Exec'] == 'espalier %U'
    types = entry['MimeType'].rstrip(';').split(';')
    assert types[0] == media_type() and {'image/png', 'image/jpeg', 'image/webp'} < set(types)
    # Each of its actions is one of the program's, by the bus and as an option.
    code = (ROOT / 'src/app/window/esp-application.c').read_text(encoding='utf-8')
    known = set(re.findall(r'^  \{ "([\w-]+)", \w+ \},$', code, re.M))
    options = set(re.findall(r'\{ "([\w-]+)", (?:\'\w\'|0), 0, G_OPTION_ARG_NONE', code))
    for action in entry['Actions'].rstrip(';').split(';'):
        assert action in known and action in options, (action, known, options)
        assert keys(ENTRY, f'Desktop Action {action}')['Exec'] == f'espalier --{action}'


@case
def everything_is_translated():
    entry = ENTRY.read_text(encoding='utf-8')
    metainfo = METAINFO.read_text(encoding='utf-8')
    for language in languages():
        for key in ('Name', 'GenericName', 'Comment', 'Keywords'):
            assert f'\n{key}[{language}]=' in entry, f'{key} in {language}'
        assert entry.count(f'\nName[{language}]=') == 4, 'actions in ' + language
        for tag in ('summary', 'p', 'caption', 'keyword'):
            assert f'<{tag} xml:lang="{language}">' in metainfo, f'{tag} in {language}'
        assert f'<comment xml:lang="{language}">' in MIME.read_text(encoding='utf-8')
        for keywords in re.findall(r'^Keywords.*', entry, re.M):
            assert keywords.endswith(';'), keywords
    assert '@' not in re.sub(r'@\w+\.\w+', '', entry + MIME.read_text()), 'a variable was left'


@case
def metainfo_passes_strictly():
    """A validator from before 1.0 does not know <developer>, and a later one wants it."""
    told = subprocess.run([need('appstreamcli'), '--version'], capture_output=True, text=True).stdout
    text = METAINFO.read_text(encoding='utf-8')
    if re.search(r'\b0\.\d+', told):
        text = re.sub(r'<developer id=[^>]+>\s*<name>([^<]+)</name>(?:\s*<name [^>]+>[^<]+</name>)*\s*</developer>',
                      r'<developer_name>\1</developer_name>', text)
        assert '<developer_name>' in text
    path = pathlib.Path(PLACE.name) / METAINFO.name
    path.write_text(text, encoding='utf-8')
    check('appstreamcli', 'validate', '--no-net', METAINFO)
    check('appstreamcli', 'validate', '--strict', '--no-net', path)


@case
def metainfo_passes_the_older_validator():
    check('appstream-util', 'validate-relax', '--nonet', METAINFO)


@case
def metainfo_is_true():
    root = ElementTree.parse(METAINFO).getroot()

    def text(path):
        return root.findtext(path).strip()

    assert text('id') == APP_ID and text('launchable') == ENTRY.name
    assert root.find('releases/release').get('version') == VERSION
    assert 10 <= len(text('summary')) <= 35 and not text('summary').endswith('.')
    assert text('provides/mediatype') == media_type()
    types = {one.text for one in root.iterfind('provides/mediatype')}
    assert types == set(keys(ENTRY, 'Desktop Entry')['MimeType'].rstrip(';').split(';'))
    screenshots = root.findall('screenshots/screenshot')
    assert 3 <= len(screenshots) <= 6
    for screenshot in screenshots:
        image = screenshot.find('image')
        url = urllib.parse.urlparse(image.text.strip())
        assert url.scheme == 'https' and f'/v{VERSION}/' in url.path, image.text
        data = (ROOT / url.path.split(f'/v{VERSION}/')[1]).read_bytes()
        width, height = (int.from_bytes(data[at:at + 4], 'big') for at in (16, 20))
        assert (str(width), str(height)) == (image.get('width'), image.get('height')), url.path
        assert width <= 1000 and height <= 700, url.path
        caption = screenshot.findtext('caption').strip()
        assert caption and not caption.endswith('.')


def mime_data():
    """A database of media types with ours in it: its XDG_DATA_DIRS."""
    need('update-mime-database')
    known = [pathlib.Path(folder) / 'mime/packages/freedesktop.org.xml'
             for folder in (os.environ.get('XDG_DATA_DIRS') or '/usr/local/share:/usr/share').split(':')]
    known = [path for path in known if path.is_file()]
    if not known:
        raise Skip('shared-mime-info is not installed')
    packages = pathlib.Path(PLACE.name) / 'share/mime/packages'
    packages.mkdir(parents=True, exist_ok=True)
    shutil.copy(known[0], packages)
    shutil.copy(MIME, packages)
    check('update-mime-database', packages.parent)
    return packages.parent.parent


def type_of(data, path, what='standard::content-type'):
    done = subprocess.run([need('gio'), 'info', '-a', what, str(path)], capture_output=True, text=True,
                          env={**os.environ, 'XDG_DATA_DIRS': str(data), 'XDG_DATA_HOME': PLACE.name + '/none',
                               'LC_ALL': 'C.UTF-8'})
    assert done.returncode == 0, done.stderr
    return re.search(rf'{what}: (.*)', done.stdout).group(1)


@case
def documents_are_known_by_name_and_by_what_is_in_them():
    data = mime_data()
    folder = pathlib.Path(PLACE.name) / 'files'
    folder.mkdir()
    document = next((ROOT / 'tests/data/documents').glob('*.espalier'))
    for name in ('Harbour.espalier', 'without an ending', 'wrong.db'):
        shutil.copy(document, folder / name)
    assert type_of(data, folder / 'Harbour.espalier') == media_type()
    assert type_of(data, folder / 'without an ending') == media_type()
    (folder / 'empty.espalier').touch()
    # Other databases, and other files, are none.
    database = sqlite3.connect(folder / 'other')
    database.execute('CREATE TABLE t (a)')
    database.close()
    assert type_of(data, folder / 'other') == 'application/vnd.sqlite3'
    (folder / 'text').write_text('Espl')
    assert type_of(data, folder / 'text') == 'text/plain'
    assert f'{APP_ID}.Document' in type_of(data, folder / 'Harbour.espalier', 'standard::icon')


@case
def the_number_in_documents_is_the_one_in_the_code():
    code = (ROOT / 'src/core/document/esp-document.h').read_text()
    number = int(re.search(r'APPLICATION_ID\s+0x([0-9a-fA-F]+)', code).group(1), 16)
    match = ElementTree.parse(MIME).getroot().find('.//{*}match/{*}match')
    assert (match.get('type'), match.get('offset')) == ('big32', '68') and int(match.get('value'), 16) == number
    documented = (ROOT / 'docs/file-format.md').read_text(encoding='utf-8')
    assert f'`{media_type()}`' in documented


@case
def icons_are_drawn_as_icons_are():
    for path in sorted(ICONS.glob('*.svg')):
        root = ElementTree.parse(path).getroot()
        side = '16' if 'symbolic' in path.name else '128'
        assert root.tag == SVG + 'svg', path.name
        assert (root.get('width'), root.get('height'), root.get('viewBox')) == (side, side, f'0 0 {side} {side}')
        tags = {element.tag.removeprefix(SVG) for element in root.iter() if isinstance(element.tag, str)}
        assert not tags & {'text', 'image', 'filter', 'style', 'script'}, (path.name, tags)
        colors = set(re.findall(r'#[0-9a-fA-F]{3,8}', re.sub(r'href="#\w+"|url\(#\w+\)', '', path.read_text())))
        if side == '16':
            assert colors == {'#2e3436'}, (path.name, colors)


@case
def icons_show_something_at_every_size():
    need('rsvg-convert')
    for path in sorted(ICONS.glob('*.svg')):
        for side in (16, 32, 48, 128, 256):
            png = pathlib.Path(PLACE.name) / 'icon.png'
            check('rsvg-convert', '-w', side, '-h', side, path, '-o', png)
            assert int.from_bytes(png.read_bytes()[16:20], 'big') == side and png.stat().st_size > 100


@case
def the_bus_and_file_managers_find_the_programs():
    service = keys(MADE / f'{APP_ID}.service', 'D-BUS Service')
    options = {o['name']: o['value'] for o in json.loads((BUILD / 'meson-info/intro-buildoptions.json').read_text())}
    programs = pathlib.Path(options['prefix']) / options['bindir']
    assert service['Name'] == APP_ID and service['Exec'] == f'{programs}/espalier --gapplication-service'
    provider = keys(MADE / f'{APP_ID}.search-provider.ini', 'Shell Search Provider')
    assert provider == {'DesktopId': ENTRY.name, 'BusName': APP_ID, 'Version': '2',
                        'ObjectPath': '/' + APP_ID.replace('.', '/') + '/SearchProvider'}
    thumbnailer = keys(MADE / f'{APP_ID}.thumbnailer', 'Thumbnailer Entry')
    assert thumbnailer['MimeType'] == media_type() + ';'
    assert thumbnailer['Exec'] == f'{programs}/espalier-thumbnailer --size %s %i %o'
    assert thumbnailer['TryExec'] == f'{programs}/espalier-thumbnailer'


sys.exit(run())
