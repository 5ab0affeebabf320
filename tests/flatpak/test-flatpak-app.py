#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed Flatpak, used in its sandbox: commands, permissions, portals, the window.

`./dev flatpak-test` builds and installs it, and starts this under tests/app/with-display.sh. The last
line counts.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/app/whole'))

import drive  # noqa: E402
from accessible import ACCESSIBLE, ROOT as REGISTRY_ROOT, Widget, call  # noqa: E402
from drive import Home, Skip, Window, wait_until  # noqa: E402
from gi.repository import Gio, GLib  # noqa: E402

ID = os.environ['ESP_FLATPAK_ID']
WORK = pathlib.Path(os.environ['ESP_FLATPAK_WORK'])
CUDA = os.environ.get('ESP_FLATPAK_CUDA') == 'true'
SCRATCH = pathlib.Path(os.environ['TMPDIR']).parent
DATA = SCRATCH / 'home/.var/app' / ID / 'data/espalier'
CASES = []
PORTALS = []


def case(function):
    CASES.append(function)
    return function


def flatpak(*arguments, check=True, **options):
    done = subprocess.run(['flatpak', *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          check=False, **options)
    assert not check or done.returncode == 0, f'flatpak {" ".join(map(str, arguments))}: {done.stdout}{done.stderr}'
    return done


def sandboxed(program, *arguments, options=(), **more):
    return flatpak('run', '--user', f'--command={program}', *options, ID, *arguments, **more)


def photo(folder):
    target = folder / 'Coffee.png'
    subprocess.run(['convert', ROOT / 'data/photos/coffee.png', '-resize', '192x192', target], check=True)
    return target


def own_folder():
    """A folder that the app and this test both see: the app's own."""
    DATA.mkdir(parents=True, exist_ok=True)
    return DATA


class FlatpakWindow(Window):
    """The window of a program that is reached through the sandbox's proxy, with a process of its own."""

    def _application(self):
        if self.process.poll() is not None:
            raise AssertionError(f'flatpak run ended with {self.process.returncode}:\n'
                                 + self.log.read_text(errors='replace'))
        for owner, path in call('org.a11y.atspi.Registry', REGISTRY_ROOT, ACCESSIBLE, 'GetChildren'):
            with contextlib.suppress(GLib.Error):
                found = Widget(owner, path)
                if found.get_name() in ('espalier', 'Espalier', ID):
                    return found
        return None

    def window_ids(self):
        """X windows by name, and not by process: that is one of the sandbox."""
        found = subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', '.'], capture_output=True, text=True,
                               check=False)
        return found.stdout.split()


def start(*arguments, options=()):
    """The window, started as a menu does."""
    launcher = SCRATCH / 'launcher.sh'
    launcher.write_text('#!/bin/sh\nexec flatpak run --user ' + ' '.join(options) + f' --file-forwarding {ID} "$@"\n')
    launcher.chmod(0o755)
    drive.APP = str(launcher)
    home = Home(SCRATCH / 'window')
    # The sandbox has a home of its own, and data that are installed in it.
    for name in ('HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME'):
        home.environment[name] = os.environ[name]
    home.environment.pop('ESPALIER_DATA_DIR')
    return FlatpakWindow(home, *arguments)


# --- What is installed ----------------------------------------------------------------------------


@case
def it_is_installed_as_the_manifest_says():
    text = flatpak('info', '--user', ID).stdout
    version = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text(encoding='utf-8')).group(1)
    assert 'Espalier' in text and f'Version: {version}' in text, text
    assert 'GPL-3.0' in text, text


@case
def its_permissions_are_these_and_no_others():
    told = flatpak('info', '--user', '--show-permissions', ID).stdout
    context = dict(line.split('=', 1) for line in told.splitlines() if '=' in line)
    assert set(context['shared'].strip(';').split(';')) == {'network', 'ipc'}, told
    assert set(context['sockets'].strip(';').split(';')) == {'x11', 'wayland', 'fallback-x11'} \
        or set(context['sockets'].strip(';').split(';')) == {'wayland', 'fallback-x11'}, told
    assert context['devices'].strip(';') == 'dri', told
    assert 'filesystems' not in context and '[Session Bus Policy]' not in told, told


@case
def what_a_desktop_needs_is_exported():
    share = WORK / 'user/exports/share'
    for name in (f'applications/{ID}.desktop', f'icons/hicolor/scalable/apps/{ID}.svg',
                 f'icons/hicolor/symbolic/apps/{ID}-symbolic.svg', f'mime/packages/{ID}.xml',
                 f'dbus-1/services/{ID}.service'):
        assert (share / name).exists(), name
    # The second is its name with flatpak-builder before 1.4.
    assert any((share / name).exists() for name in (f'metainfo/{ID}.metainfo.xml', f'metainfo/{ID}.appdata.xml'))
    entry = (share / f'applications/{ID}.desktop').read_text(encoding='utf-8')
    assert f'flatpak run' in entry and '--file-forwarding' in entry and '@@u %U @@' in entry, entry


@case
def nothing_that_only_building_needs_is_in_it():
    files = WORK / 'user/app' / ID / 'current/active/files'
    extra = [path.relative_to(files).as_posix() for path in files.rglob('*')
             if path.suffix in ('.h', '.a', '.la', '.pc', '.cmake') or path.name.startswith('espalier-thumbnailer')]
    assert not extra, extra
    size = sum(path.stat().st_size for path in files.rglob('*') if path.is_file() and not path.is_symlink())
    print(f'# {size / 1e6:.0f} MB are installed')
    assert size < 150e6, size


@case
def its_metadata_are_what_the_store_takes():
    share = WORK / 'user/app' / ID / 'current/active/files/share'
    metainfo = next(name for name in (f'metainfo/{ID}.metainfo.xml', f'appdata/{ID}.appdata.xml')
                    if (share / name).exists())
    for command in (['appstreamcli', 'validate', '--strict', '--no-net', f'/app/share/{metainfo}'],
                    ['desktop-file-validate', f'/app/share/applications/{ID}.desktop']):
        done = flatpak('run', '--user', '--devel', f'--command={command[0]}', ID, *command[1:], check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# --- The command line -----------------------------------------------------------------------------


@case
def the_command_line_finds_the_demo_model():
    models = sandboxed('espalier-cli', 'models', '--json').stdout
    assert '/app/share/espalier/models/demo' in models, models


@case
def the_engine_says_where_kernels_for_cards_come_from():
    told = sandboxed('espalier-cli', 'describe').stdout
    assert 'Engine.CUDA' in told and '/app/lib/espalier/cuda' in told, told


@case
def an_edit_in_the_sandbox():
    folder = own_folder()
    source, result = photo(folder), folder / 'Snow.png'
    sandboxed('espalier-cli', 'edit', source, '-p', 'Make it snow', '-o', result, '--seed', '1', '--quiet')
    assert result.read_bytes().startswith(b'\x89PNG')
    outside = subprocess.run(['compare', '-metric', 'MAE', source, result, 'null:'], capture_output=True, text=True,
                             check=False)
    assert outside.returncode == 1, 'nothing was changed'


@case
def files_of_the_person_are_out_of_sight():
    (SCRATCH / 'home/secret.txt').write_text('secret')
    done = sandboxed('cat', SCRATCH / 'home/secret.txt', check=False)
    assert done.returncode != 0 and 'secret' not in done.stdout, done.stdout


@case
def the_programs_are_translated():
    told = sandboxed('espalier-cli', '--help', options=('--env=LANGUAGE=de', '--env=LC_ALL=en_US.UTF-8')).stdout
    assert 'Aufruf:' in told, told


# --- Documents through the portal -----------------------------------------------------------------


def document_portal():
    """Starts the document portal on this session's bus; Skip where it cannot run."""
    if not PORTALS:
        program = next((path for path in map(pathlib.Path, ('/usr/libexec/xdg-document-portal',
                                                            '/usr/lib/xdg-document-portal')) if path.exists()), None)
        if program is None:
            raise Skip('xdg-desktop-portal is not installed')
        if not os.access('/dev/fuse', os.R_OK | os.W_OK) or not shutil.which('fusermount3'):
            raise Skip('the document portal needs /dev/fuse and fusermount3')
        log = SCRATCH / 'document-portal.log'
        with open(log, 'wb') as file:
            process = subprocess.Popen([program], stdout=file, stderr=file)
        mount = pathlib.Path(os.environ['XDG_RUNTIME_DIR']) / 'doc'
        try:
            wait_until(lambda: process.poll() is not None or mount.is_mount(), 'the document portal', 15)
        except AssertionError:
            process.kill()
        if process.poll() is not None or not mount.is_mount():
            raise Skip('the document portal cannot be run here: ' + log.read_text(errors='replace').strip()[-200:])
        PORTALS.append((process, mount))
    return PORTALS[0][1]


def hand_in(path):
    """Gives the app this one file, as menus and file managers do, and returns its name in the sandbox. They
    leave that to `flatpak run --file-forwarding`, which takes for granted that XDG_RUNTIME_DIR is /run/user/UID."""
    mount = document_portal()
    told = pathlib.Path(flatpak('document-export', '--app', ID, '-r', '-w', path).stdout.strip())
    return pathlib.Path(f'/run/user/{os.getuid()}/doc') / told.relative_to(mount)


@case
def a_document_is_opened_and_saved_through_the_portal():
    folder = SCRATCH / 'home/Pictures'
    folder.mkdir(exist_ok=True)
    document = folder / 'Coffee.espalier'
    own = own_folder() / 'Coffee.espalier'
    sandboxed('espalier-cli', 'new', own, photo(own_folder()))
    shutil.move(own, document)
    before = document.read_bytes()
    inside = hand_in(document)
    sandboxed('espalier-cli', 'run', inside, '-p', 'Make it snow', '--seed', '1', '--quiet')
    assert document.read_bytes() != before, 'nothing was written'
    tree = json.loads(sandboxed('espalier-cli', 'tree', inside, '--json').stdout)
    assert [node['state'] for node in tree['nodes']] == ['done', 'done'], tree
    # The portal has hidden names of its own for what is written beside the document.
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['Coffee.espalier'], names


# --- The window -----------------------------------------------------------------------------------


def run_an_edit(window, instruction, picture):
    window.instruct(instruction)
    window.find('tree item', lambda name: instruction in name and not any(word in name for word in drive.UNDER_WAY),
                drive.PATIENCE * 3)
    window.shot(picture)


@case
def the_window_edits_a_photo_and_remembers_it():
    window = start()
    window.button('Try the Sample Photo')
    window.wait_for_nodes(1)
    run_an_edit(window, 'Make it snow', 'flatpak-window')
    window.quit()
    found = list((DATA / 'documents').glob('*.espalier'))
    assert len(found) == 1, found


@case
def the_window_opens_and_saves_through_the_portal():
    document = SCRATCH / 'home/Pictures/Coffee.espalier'
    inside = hand_in(document)
    before = document.read_bytes()
    window = start(inside)
    window.wait_for_nodes(2)
    run_an_edit(window, 'Swap red and blue', 'flatpak-portal')
    wait_until(lambda: document.read_bytes() != before, 'the file to be written')
    window.quit()
    names = sorted(path.name for path in document.parent.iterdir())
    assert names == ['Coffee.espalier'], names
    assert len(json.loads(sandboxed('espalier-cli', 'tree', inside, '--json').stdout)['nodes']) == 3


# --- The manual -----------------------------------------------------------------------------------


def browser():
    """What shows web pages outside of the sandbox, and nothing else does: it takes down what it was given.
    Returns where."""
    pages = SCRATCH / 'pages'
    others = ''.join(app.get_id() + ';' for app in Gio.AppInfo.get_all_for_type('text/html'))
    for path, text in ((pathlib.Path(os.environ['XDG_DATA_HOME']) / 'applications/take-down.desktop',
                        '[Desktop Entry]\nType=Application\nName=Take Down\nMimeType=text/html;\n'
                        f'Exec=sh -c "echo \'%u\' >> \'{pages}\'"\n'),
                       (pathlib.Path(os.environ['XDG_CONFIG_HOME']) / 'mimeapps.list',
                        '[Default Applications]\ntext/html=take-down.desktop\n'
                        '[Added Associations]\ntext/html=take-down.desktop\n'
                        f'[Removed Associations]\ntext/html={others}\n')):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    return pages


def bus(method, *arguments):
    """Asks the bus itself."""
    connection = Gio.bus_get_sync(Gio.BusType.SESSION)
    return connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', method,
                                GLib.Variant('(' + 's' * len(arguments) + ')', arguments) if arguments else None, None,
                                Gio.DBusCallFlags.NONE, -1, None).unpack()


def wait_for_page(pages):
    """The manual, read outside as the program would that was told to show it."""
    wait_until(lambda: pages.exists() and pages.read_text().endswith('\n'), 'the manual to be shown')
    uri = pages.read_text().splitlines()[-1]
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(uri).path)).read_text(encoding='utf-8')


@case
def help_is_shown_by_a_program_outside():
    if 'org.freedesktop.impl.portal.desktop.gtk' not in bus('ListActivatableNames')[0]:
        raise Skip('xdg-desktop-portal-gtk is not installed')
    pages = browser()
    window = start()
    window.key('F1')
    page = wait_for_page(pages)
    place = re.search(r"location\.hash = '([a-z-]+)'", page).group(1)
    assert f' id="{place}"' in page, place
    window.quit()


@case
def help_names_a_file_of_the_person_where_there_is_no_portal():
    name = 'org.freedesktop.portal.Desktop'
    service = pathlib.Path(os.environ['XDG_DATA_HOME']) / f'dbus-1/services/{name}.service'
    service.parent.mkdir(parents=True, exist_ok=True)
    service.write_text(f'[D-BUS Service]\nName={name}\nExec=/bin/false\n')
    try:
        bus('ReloadConfig')
        if bus('NameHasOwner', name)[0]:
            os.kill(bus('GetConnectionUnixProcessID', name)[0], signal.SIGTERM)
        wait_until(lambda: not bus('NameHasOwner', name)[0], 'the portal to end')
        window = start()
        window.key('F1')
        said = window.text('No program here shows web pages. The manual is “').get_name()
        assert '</html>' in pathlib.Path(re.search('“(.+)”', said).group(1)).read_text(encoding='utf-8'), said
        window.shot('flatpak-help')
        window.key('Escape')
        window.silent('No program here shows web pages')
        window.quit()
    finally:
        service.unlink()
        bus('ReloadConfig')


# --- The extension --------------------------------------------------------------------------------


@case
def the_extension_brings_kernels():
    if not CUDA:
        raise Skip('the extension is built with --cuda only: it fetches NVIDIA\'s compiler')
    flatpak('install', '--user', '-y', '--noninteractive', '--or-update', 'espalier', f'{ID}.Engine.CUDA//stable')
    told = sandboxed('espalier-cli', 'describe').stdout
    print('# ' + next(line for line in told.splitlines() if 'sm_' in line))
    assert 'Engine.CUDA' not in told, told
    flatpak('uninstall', '--user', '-y', '--noninteractive', f'{ID}.Engine.CUDA')
    assert 'Engine.CUDA' in sandboxed('espalier-cli', 'describe').stdout


def main():
    passed = failed = skipped = 0
    wanted = sys.argv[1:]
    # One that an earlier run has left.
    flatpak('uninstall', '--user', '-y', '--noninteractive', f'{ID}.Engine.CUDA', check=False)
    for function in CASES:
        name = function.__name__.replace('_', ' ')
        if wanted and not any(word in function.__name__ for word in wanted):
            continue
        begin = time.monotonic()
        try:
            function()
            passed += 1
            print(f'ok - {name} ({time.monotonic() - begin:.1f} s)', flush=True)
        except Skip as reason:
            skipped += 1
            print(f'SKIP - {name}: {reason}', flush=True)
        except Exception:
            failed += 1
            print(traceback.format_exc(), f'not ok - {name}', sep='', flush=True)
            with contextlib.suppress(Exception):
                subprocess.run(['flatpak', 'kill', ID], check=False, capture_output=True)
    for process, _mount in PORTALS:
        process.terminate()
        process.wait()
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
