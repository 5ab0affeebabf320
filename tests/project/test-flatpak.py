#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flatpak's manifests, without building them: `./dev flatpak-test` does that.

    test-flatpak.py SOURCE_ROOT
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

from tap import Skip, case, run

try:
    import yaml
except ImportError:
    print('1..0 # SKIP python3-yaml is not installed')
    sys.exit(0)

ROOT = pathlib.Path(sys.argv[1]).resolve()
MESON = (ROOT / 'meson.build').read_text(encoding='utf-8')
ID = re.search(r"^app_id = '([^']+)'", MESON, re.M).group(1)
EXTENSION = ID + '.Engine.CUDA'

# Of what Meson asks for, this is in org.gnome.Platform or org.freedesktop.Platform below it.
IN_THE_RUNTIME = {
    'cairo-pdf', 'gdk-pixbuf-2.0', 'gio-2.0', 'gio-unix-2.0', 'glib-2.0', 'gobject-2.0', 'gmodule-2.0', 'gtk4', 'json-glib-1.0',
    'lcms2', 'libadwaita-1', 'libcurl', 'libjpeg', 'libpng', 'libseccomp', 'libsecret-1', 'libtiff-4', 'libwebp', 'libwebpdemux',
    'libwebpmux', 'openmp', 'pango', 'pangocairo', 'sqlite3', 'threads', 'zlib', 'dl', 'm',
}
# By the name of the module that has it.
IN_MODULES = {'jansson': 'jansson', 'dnnl': 'onednn', 'fftw3f': 'fftw'}

PERMISSIONS = {'--socket=wayland', '--socket=fallback-x11', '--share=ipc', '--device=dri', '--share=network'}


def manifest(name=ID):
    return yaml.safe_load((ROOT / f'flatpak/{name}.yml').read_text(encoding='utf-8'))


def archives():
    for name in (ID, EXTENSION):
        for module in manifest(name)['modules']:
            for source in module['sources']:
                if source['type'] != 'git':
                    yield module['name'], source


@case
def the_app_is_who_meson_says():
    app = manifest()
    assert app['id'] == ID and app['command'] == 'espalier'
    assert app['runtime'] == 'org.gnome.Platform' and app['sdk'] == 'org.gnome.Sdk'
    assert re.fullmatch(r'\d\d', app['runtime-version']), 'a release of GNOME, quoted'
    # A store sets it.
    assert 'branch' not in app and 'default-branch' not in app


@case
def the_runtime_s_version_is_written_once():
    version = manifest()['runtime-version']
    done = subprocess.run([sys.executable, ROOT / 'tools/dev/flatpak-manifest.py', '--runtime-version'],
                          capture_output=True, text=True, check=True)
    assert done.stdout == version + '\n'
    assert manifest(EXTENSION)['sdk'] == f'org.gnome.Sdk//{version}', 'flatpak-builder wants it there as well'


@case
def permissions_are_these_and_each_has_a_reason():
    app = manifest()
    assert set(app['finish-args']) == PERMISSIONS, set(app['finish-args']) ^ PERMISSIONS
    text = (ROOT / f'flatpak/{ID}.yml').read_text(encoding='utf-8')
    block = text[text.index('finish-args:'):text.index('add-extensions:')]
    assert block.count('  # ') > len(PERMISSIONS)


@case
def every_source_is_pinned():
    for module, source in archives():
        assert source['type'] == 'archive', (module, source)
        assert source['url'].startswith('https://'), (module, source)
        assert re.fullmatch('[0-9a-f]{64}', source['sha256']), (module, source)
        for url in source.get('mirror-urls', []):
            assert url.startswith('https://'), url


@case
def nothing_is_fetched_while_building():
    for name in (ID, EXTENSION):
        for module in manifest(name)['modules']:
            assert '--share=network' not in json.dumps(module), (name, module['name'])


@case
def every_library_is_in_the_runtime_or_a_module():
    wanted = set()
    for path in [ROOT / 'meson.build', *(ROOT / 'src').rglob('meson.build')]:
        text = path.read_text(encoding='utf-8')
        wanted |= set(re.findall(r"(?:dependency|find_library)\('([^']+)'", text))
    known = IN_THE_RUNTIME | set(IN_MODULES)
    assert wanted <= known, f'neither in the runtime nor a module: {sorted(wanted - known)}'
    modules = {module['name'] for module in manifest()['modules']}
    for library, module in IN_MODULES.items():
        assert library in wanted and module in modules, library
    assert modules == set(IN_MODULES.values()) | {'espalier'}, modules


@case
def options_of_meson_are_options_of_ours():
    known = set(re.findall(r"^option\('([^']+)'", (ROOT / 'meson_options.txt').read_text(encoding='utf-8'), re.M))
    used = set()
    for name in (ID, EXTENSION):
        for module in manifest(name)['modules']:
            if module['name'] in ('espalier', 'cuda-kernels'):
                used |= set(re.findall(r'-D([\w-]+)=', json.dumps(module)))
    assert used <= known | {'buildtype', 'libdir'}, used - known


@case
def the_extension_is_where_the_engine_looks():
    point = manifest()['add-extensions'][EXTENSION]
    assert point['directory'] == 'lib/espalier/cuda' and point['autodelete'] is True
    kernels = (ROOT / 'src/engine/ops/cuda/kernels/meson.build').read_text(encoding='utf-8')
    assert "get_option('libdir') / meson.project_name() / 'cuda'" in kernels
    extension = manifest(EXTENSION)
    assert extension['id'] == EXTENSION and extension['runtime'] == ID and extension['build-extension'] is True
    root = ElementTree.parse(ROOT / 'flatpak/engine-cuda.metainfo.xml.in').getroot()
    assert root.get('type') == 'addon'
    assert root.findtext('id') == '@id@' and root.findtext('extends') == '@app@'


@case
def nothing_of_nvidia_s_is_left_in_the_extension():
    # Its compiler lies in the build's folder, and only what the build installs is copied.
    module, = manifest(EXTENSION)['modules']
    for source in module['sources']:
        assert source['type'] == 'git' or source['dest'] == 'toolkit', source
    copied = [line for line in module['build-commands'] if '${FLATPAK_DEST}' in line]
    assert not any('toolkit' in line for line in copied), copied


def generated(*options):
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, ROOT / 'tools/dev/flatpak-manifest.py', place, *options], check=True,
                       capture_output=True)
        return {path.stem: json.loads(path.read_text(encoding='utf-8')) for path in pathlib.Path(place).glob('*.json')}


@case
def the_development_flavour_is_made_of_the_same_manifest():
    plain, devel = generated(), generated('--devel')
    assert set(plain) == {ID, EXTENSION}
    assert set(devel) == {ID + '.Devel', ID + '.Devel.Engine.CUDA'}
    text = json.dumps(devel)
    assert not re.search(re.escape(ID) + r'(?!\.Devel)', text)
    last = devel[ID + '.Devel']['modules'][-1]
    assert '-Dprofile=development' in last['config-opts']
    assert '-Dprofile=development' not in json.dumps(plain)
    assert last['sources'][0]['path'].endswith('source.tar') and len(last['sources']) == 1


@case
def kernels_can_be_made_for_fewer_cards():
    text = json.dumps(generated('--gpu-archs', '89,ptx80')[EXTENSION])
    assert ' -Dgpu_kernels=only -Dgpu_archs=89,ptx80 ' in text
    assert 'gpu_archs' not in json.dumps(generated())


@case
def flatpak_builder_understands_them():
    if not shutil.which('flatpak-builder'):
        raise Skip('flatpak-builder is not installed')
    # It leaves a folder where it is called.
    place = tempfile.TemporaryDirectory()
    for name in (ID, EXTENSION):
        done = subprocess.run(['flatpak-builder', '--show-manifest', ROOT / f'flatpak/{name}.yml'],
                              capture_output=True, text=True, check=False, cwd=place.name)
        assert done.returncode == 0, done.stderr
        assert 'unknown' not in done.stderr.lower(), done.stderr
        assert json.loads(done.stdout)['id'] == name


sys.exit(run())
