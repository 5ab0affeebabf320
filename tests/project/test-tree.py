#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the tree: licences, layers, names, lengths, translations.

    test-tree.py SOURCE_ROOT
"""
import json
import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

from tap import case, note, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
SOURCES = {'.c', '.h', '.cc', '.cu', '.cuh', '.py', '.build', '.sh', '.fish', '.bash'}


def tree():
    """Every file of the project: what git tracks, else (in a release archive) everything."""
    try:
        listed = subprocess.run(['git', '-C', str(ROOT), 'ls-files', '-z'], check=True,
                                capture_output=True).stdout.decode().split('\0')
        files = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        files = []
    if not files:
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [f for f in folders
                          if not f.startswith(('_build', 'results', '.git', '__pycache__'))]
            files += [pathlib.Path(folder) / name for name in names]
    return sorted(path for path in files if path.is_file() and not path.is_symlink())


FILES = tree()


def relative(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    return path.read_text(encoding='utf-8', errors='replace')


def source_files(*folders):
    for path in FILES:
        name = relative(path)
        if path.suffix in SOURCES and (not folders or name.startswith(folders)):
            yield path


def expect_none(problems):
    for problem in problems:
        note(problem)
    assert not problems, f'{len(problems)} found'


def licence_of(name):
    if name.startswith('tools/demo-model/'):
        return 'CC0-1.0'
    if name.startswith(('src/engine/', 'tests/engine/', 'tests/bench/bench-ops', 'tests/bench/bench-cuda-ops')):
        return 'MIT'
    return 'GPL-3.0-or-later'


@case
def every_source_file_names_its_licence():
    problems = []
    extra = [ROOT / 'dev', ROOT / '.ci/run', ROOT / 'data/completions/_espalier-cli']
    for path in [*source_files(), *extra]:
        name = relative(path)
        head = '\n'.join(text(path).splitlines()[:3])
        found = re.search(r'SPDX-License-Identifier: (\S+)', head)
        if not found:
            problems.append(f'{name}: no SPDX line at its top')
        elif found.group(1) != licence_of(name):
            problems.append(f'{name}: {found.group(1)}, but {licence_of(name)} holds there')
    assert (ROOT / 'COPYING').is_file() and (ROOT / 'src/engine/LICENSE').is_file()
    expect_none(problems)


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text(path), re.M)


@case
def the_engine_includes_neither_core_nor_glib():
    core = {path.name for path in FILES if relative(path).startswith(('src/core/', 'src/cli/'))}
    expect_none([f'{relative(path)}: includes {name}' for path in source_files('src/engine/')
                 for name in includes(path)
                 if re.match(r'(glib|gio|gobject|gmodule|json-glib|gdk|gtk|adw|core/|\.\./core|cli/)', name)
                 or os.path.basename(name) in core])


@case
def core_includes_no_gtk():
    expect_none([f'{relative(path)}: includes {name}' for path in source_files('src/core/')
                 for name in includes(path) if re.match(r'(gtk/|gtk\.h|adwaita|gsk/|gdk/|graphene)', name)])


# What each folder of the window may use of the others, besides core. Only the window knows them all.
APP_USES = {
    'style': set(),
    'menus': set(),
    'words': set(),
    'outside': set(),
    'incoming': set(),
    'marks': {'style'},
    'image': {'style'},
    'export': {'image', 'outside'},
    'history': {'style', 'menus', 'image', 'export', 'marks', 'incoming'},
    'mask': {'style', 'menus', 'image'},
    'canvas': {'style', 'menus', 'image', 'words', 'export', 'mask'},
    'compare': {'style', 'menus', 'image', 'words'},
    'sweep': {'style', 'menus', 'image', 'words', 'marks'},
    'composer': {'style', 'image', 'words', 'incoming'},
    'details': {'style', 'image', 'words'},
    'queue': {'image', 'words'},
    'models': {'words', 'outside', 'incoming'},
    'preferences': {'words', 'outside', 'models'},
    'window': {'style', 'image', 'words', 'outside', 'incoming', 'export', 'history', 'canvas', 'composer', 'details', 'queue',
               'preferences', 'compare', 'sweep'},
}


@case
def the_windows_parts_know_only_those_below_them():
    home = {path.name: relative(path).split('/')[2] for path in FILES
            if relative(path).startswith('src/app/') and path.suffix == '.h'}
    problems = []
    for path in source_files('src/app/'):
        if path.suffix not in {'.c', '.h'}:
            continue
        folder = relative(path).split('/')[2]
        assert folder in APP_USES, f'src/app/{folder} is not in APP_USES'
        problems += [f'{relative(path)}: includes {name} of src/app/{home[os.path.basename(name)]}'
                     for name in includes(path)
                     if home.get(os.path.basename(name), folder) not in APP_USES[folder] | {folder}]
    expect_none(problems)


# What has GDK, GTK or gdk-pixbuf decode an image. What comes from elsewhere is decoded where it can do no harm.
DECODES = re.compile(r'\b(gdk_pixbuf_\w+|gdk_texture_new_from_\w+|GDK_TYPE_(TEXTURE|PIXBUF)|gdk_(clipboard|drop)_read_(texture|value)\w*'
                     r'|gtk_(image|picture)_(new_(from|for)|set)_(from_)?(file|filename|gicon|pixbuf)\w*|gtk_drop_target_new'
                     r'|gtk_media_file\w*|gtk_video\w*|adw_avatar\w*|gtk_css_provider_load_from_(path|file|data)|g_(file|bytes)_icon_new)\b')
# The desktop gets pictures of nodes that the program itself has written as PNG.
DECODED_ELSEWHERE = {'src/app/window/esp-notifier.c', 'src/app/window/esp-search-provider.c'}


@case
def the_toolkit_decodes_nothing_in_the_windows_process():
    problems = []
    for path in source_files('src/app/'):
        if path.suffix in {'.c', '.h'} and relative(path) not in DECODED_ELSEWHERE:
            found = {match.group(0) for match in DECODES.finditer(path.read_text(encoding='utf-8'))}
            problems += [f'{relative(path)}: {name}' for name in sorted(found)]
    expect_none(problems)


@case
def nothing_below_the_window_includes_it():
    app = {path.name for path in FILES
           if relative(path).startswith('src/app/') and path.suffix == '.h'}
    expect_none([f'{relative(path)}: includes {name}'
                 for path in source_files('src/core/', 'src/cli/', 'src/engine/')
                 for name in includes(path)
                 if os.path.basename(name) in app or 'app/' in name])


@case
def core_and_the_command_line_use_the_engine_through_the_worker_only():
    expect_none([f'{relative(path)}: includes {name}'
                 for path in source_files('src/core/', 'src/cli/')
                 for name in includes(path)
                 if name.startswith(('engine/', '../engine', '../../engine'))
                 or os.path.basename(name) == 'espalier-engine.h'])


@case
def no_file_has_a_name_that_says_nothing():
    bad = re.compile(r'(^|[-_])(utils?|common|misc|helpers?|stuff)([-_.]|$)', re.I)
    expect_none([relative(path) for path in FILES if bad.search(path.name)])


@case
def no_path_of_somebodys_machine_is_in_the_tree():
    # Put together here so that this file does not find itself.
    places = ['/' + place for place in ('work/', 'home/', 'root/', 'Users/', 'opt/ref')]
    pattern = re.compile(r'(?<![\w.$}~/-])(' + '|'.join(map(re.escape, places)) + ')')
    problems = []
    for path in FILES:
        data = path.read_bytes()
        if b'\0' in data[:4096] or relative(path) == 'COPYING' or 'tests/data/' in relative(path):
            continue
        for number, line in enumerate(data.decode('utf-8', 'replace').splitlines(), 1):
            if pattern.search(line):
                problems.append(f'{relative(path)}:{number}: {line.strip()[:100]}')
    expect_none(problems)


@case
def the_app_id_is_written_in_one_place():
    app_id = re.search(r"app_id = '([^']+)'", text(ROOT / 'meson.build')).group(1)
    allowed = re.compile(r'(^meson\.build$|^docs/|^flatpak/|^README\.md$|^CONTRIBUTING\.md$)')
    expect_none([relative(path) for path in FILES
                 if app_id.encode() in path.read_bytes() and not allowed.match(relative(path))])


@case
def nothing_is_left_to_do():
    words = re.compile(r'\b(' + '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'X' * 3]) + r')\b')
    expect_none([f'{relative(path)}:{number}: {line.strip()[:100]}'
                 for path in source_files('src/', 'tests/', 'data/')
                 for number, line in enumerate(text(path).splitlines(), 1)
                 if words.search(line)])


@case
def the_architecture_names_every_folder():
    """As `folder/`, from src/engine, src/core or src/app on."""
    known = text(ROOT / 'docs/architecture.md')
    rooms = {relative(path.parent) for path in source_files('src/')}
    expect_none([f'{room}/ is not in docs/architecture.md' for room in sorted(rooms)
                 if room != 'src' and f'`{room}/`' not in known
                 and f'`{room.split("/", 2)[-1]}/`' not in known])


@case
def the_drawing_of_the_architecture_is_the_code():
    """Its boxes are the folders of src, their rows (▸) all rooms; a room includes only from its own row and those below."""
    drawing = re.search(r'```\n(.*?)```', text(ROOT / 'docs/architecture.md'), re.S).group(1)
    boxes = dict(re.findall(r'┌─ (src/\w+) ─(.*?)└', drawing, re.S))
    assert sorted(boxes) == sorted({'/'.join(relative(path).split('/')[:2]) for path in source_files('src/')
                                    if relative(path).count('/') > 1})
    problems = []
    for box, inside in boxes.items():
        rows = [row.split() for row in re.findall(r'▸ ([a-z/ ]+)', inside)]
        row_of = {room: number for number, row in enumerate(rows) for room in row}
        rooms = {relative(path.parent)[len(box) + 1:]: path.parent for path in source_files(box + '/')
                 if path.parent != ROOT / box}
        rooms = {name: folder for name, folder in rooms.items() if name.split('/')[-1] != 'kernels'}
        if set(rooms) != set(row_of):
            problems.append(f'{box}: {sorted(set(rooms) ^ set(row_of))}')
            continue
        headers = {header.name: name for name, folder in rooms.items() for header in folder.glob('*.h')}
        for name, folder in rooms.items():
            for path in [*folder.glob('*.c'), *folder.glob('*.h')]:
                for included in re.findall(r'#include "(?:[^"]*/)?([^"/]+)"', text(path)):
                    other = headers.get(included, name)
                    if row_of[other] < row_of[name]:
                        problems.append(f'{relative(path)} includes {included} of {other}, which is drawn above')
    expect_none(problems)


@case
def json_files_parse():
    problems = []
    for path in FILES:
        name = relative(path)
        if path.suffix != '.json' or name.startswith(('tests/data/hostile', 'tests/data/providers/broken')):
            continue
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            problems.append(f'{name}: {error}')
    expect_none(problems)


@case
def templates_and_resources_are_well_formed():
    listed = set()
    problems = []
    for path in FILES:
        name = relative(path)
        if not re.search(r'\.(ui|svg|gschema\.xml\.in|gresource\.xml(\.in)?)$', name):
            continue
        try:
            root = ElementTree.fromstring(path.read_bytes())
        except ElementTree.ParseError as error:
            problems.append(f'{name}: {error}')
            continue
        if 'gresource.xml' in name:
            listed |= {(path.parent / file.text.strip()).resolve() for file in root.iter('file')}
    problems += [f'{relative(path)}: is in no resource' for path in FILES
                 if relative(path).startswith('src/app/') and path.suffix in {'.ui', '.css', '.svg'}
                 and path.resolve() not in listed]
    problems += [f'{path}: is in a resource, but not there' for path in sorted(listed)
                 if not path.is_file()]
    expect_none(problems)


def function_lengths(path):
    """(name, lines) of each function of a C file in this project's style: braces in column 0."""
    start = name = None
    for number, line in enumerate(text(path).splitlines(), 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            yield name, number - start
            start = None
        elif (match := re.match(r'^(\w+) \(', line)) and not start:
            name = match.group(1)


@case
def lengths_are_reported():
    """Long files and functions are told, not refused: the limits are for people to weigh."""
    checked = 0
    for path in source_files('src/', 'tests/'):
        if path.suffix not in {'.c', '.h', '.py'}:
            continue
        checked += 1
        lines = len(text(path).splitlines())
        if lines > 800:
            note(f'long file: {relative(path)}: {lines} lines')
        if path.suffix == '.c':
            for name, length in function_lengths(path):
                if length > 80:
                    note(f'long function: {relative(path)}: {name}: {length} lines')
    assert checked, 'no source file was found'
    hard = [relative(path) for path in source_files('src/') if path.suffix in {'.c', '.h'}
            and not path.name.endswith('-tables.c') and len(text(path).splitlines()) > 2000]
    expect_none(hard)


@case
def the_top_level_holds_what_it_should():
    allowed = {'meson.build', 'meson_options.txt', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'COPYING', 'dev',
               'src', 'data', 'po', 'tests', 'flatpak', 'docs', 'tools'}
    found = {relative(path).split('/')[0] for path in FILES}
    expect_none(sorted(name for name in found - allowed if not name.startswith('.')))


sys.exit(run())
