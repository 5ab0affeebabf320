#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that a document shows is run, in the order shown, with the program as it was built.

    test-documents.py SOURCE_ROOT BUILD_ROOT

README, CONTRIBUTING, docs, the manual, `flatpak/README.md` and the examples of the manual pages. Photos and keys have the names that the
documents use, the models are the demo model, providers are the fakes of tests/servers. What cannot be run here stands
in NOT_RUN, with the reason; an entry that no document shows any more is an error, too.
"""
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
sys.path.append(str(ROOT / 'tests/servers'))

from fakes import Fakes  # noqa: E402
from tap import case, note, run  # noqa: E402

DOCUMENTS = sorted([ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'flatpak/README.md',
                    *ROOT.glob('docs/*.md'), *ROOT.glob('docs/manual/*.html'), *ROOT.glob('data/man/*.1')])

# What is not run, by how it begins (a pattern), and why. Where the reason names a test, that runs it or what is like it.
NOT_RUN = {
    r'\./dev ': 'builds and installs packages; its verbs are checked against its usage here, and `./dev newcomer` runs them',
    r'meson |ninja ': 'what runs this test was configured and built so; test-install.py installs',
    r'git ': 'wants the network, or changes the tree',
    r'flatpak(-builder)? ': '`./dev flatpak-test`',
    r'gpg ': 'signs and verifies a release: project-release',
    r'sha256sum ': 'verifies a release: project-release',
    r'espalier( |$)': 'opens a window: app-whole-start',
    r'espalier-cli edit \S+ .*--model flux1-kontext-dev': 'a real model: cli-models-files',
    r'espalier-cli edit \S+ .*--component ': 'a real model: cli-models-files',
    r'espalier-cli models inspect flux1': 'a real model: cli-models-add',
    r'espalier-cli models convert flux1': 'a real model: cli-models-convert',
    r'espalier-cli providers check ~': 'the tutorial as a whole: cli-provider-docs',
    r'export ESPALIER_KEY_PIXEL_MILL': 'the tutorial as a whole: cli-provider-docs',
    r'espalier-cli edit \S+ .*--backend pixel-mill': 'the tutorial as a whole: cli-provider-docs',
    r'tests/servers/fake-provider\.py ': 'waits until it is ended: servers-fake',
    r'curl http://127\.0\.0\.1:PORT': 'belongs to the line above it',
    r'tests/app/support/pseudo\.py .* && .*\./dev app': 'opens a window: the tests of the made-up languages',
    r'ESPALIER_CUDA_DRIVER=': 'wants a build with the emulated card: cli-cards',
}
# What is run and fails, by how it begins: how, and with which words.
FAILS = {r'espalier-cli edit \S+ .*--device cuda': (1, 'cuda')}

COMMAND = re.compile(r'(?:[A-Z_]+=\S+ )*(?:\./dev|\./tests|meson|ninja|git|sudo|apt-get|flatpak|flatpak-builder|'
                     r'appstreamcli|desktop-file-validate|gpg|sha256sum|espalier|espalier-cli|espalier-engine|printf|'
                     r'sqlite3|curl|export|tests/\S+|python3?|man|xdg-mime|gtk-launch|msgfmt|cp|mkdir|cd)(?: |$)')


def blocks_of(path):
    """The text of every block of code, as a person would copy it."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.html':
        return [html.unescape(re.sub(r'<[^>]+>', '', block))
                for block in re.findall(r'<pre><code>(.*?)</code></pre>', text, re.S)]
    if path.suffix == '.1':
        return [block.replace('\\-', '-').replace('\\e', '\\').replace('\\(aq', "'")
                for block in re.findall(r'^\.EX\n(.*?)^\.EE', text, re.S | re.M)]
    blocks, rest = [], []
    for number, part in enumerate(re.split(r'^```.*\n?', text, flags=re.M)):
        (blocks if number % 2 else rest).append(part)
    for part in rest:
        blocks += [re.sub(r'^    ', '', block, flags=re.M)
                   for block in re.findall(r'(?:(?<=\n\n)|\A)((?:    .*\n)+)', part)]
    return blocks


def commands_of(path):
    """The commands in these blocks, one line each, without what explains them at the end of the line."""
    commands = []
    for block in blocks_of(path):
        if re.search('[─│▶]', block):  # a drawing
            continue
        lines = re.sub(r'\\\n\s*', '', block).splitlines()
        marked = any(line.startswith('$ ') for line in lines)  # then the others are what is answered
        for line in lines:
            if marked and not line.startswith('$ '):
                continue
            line = line.strip().removeprefix('$ ')
            # Words in quotation marks may have two blanks in them; what follows a command may not.
            line = re.match(r'''(?:"[^"]*"|'[^']*'|\S| (?! ))*''', line).group(0).rstrip()
            line = re.sub(r' # .*', '', line)
            if COMMAND.match(line):
                commands.append(line)
    return commands


def reason_not_to_run(command):
    return next((pattern for pattern in NOT_RUN if re.match(pattern, command)), None)


class Place:
    """A folder with what the documents speak of, and the programs in the path."""

    def __init__(self, folder, fakes):
        self.folder, self.fakes, self.homes = pathlib.Path(folder), fakes, 0
        self.programs = self.folder / 'programs'
        self.programs.mkdir()
        for name, program in (('espalier-cli', 'src/cli/espalier-cli'),
                              ('espalier-engine', 'src/engine/worker/espalier-engine')):
            (self.programs / name).symlink_to(BUILD / program)
        if not shutil.which('sqlite3'):
            program = self.programs / 'sqlite3'
            program.write_text(f'#!{sys.executable}\nimport sqlite3, sys\n'
                               'for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep="|")\n')
            program.chmod(0o755)
        # Small ones, and photos nevertheless.
        self.photos = self.folder / 'photos'
        self.photos.mkdir()
        source = ROOT / 'data/photos/cat.png'
        for name in ('cat.png', 'photo.png', 'cat.jpg', 'photo.jpg', 'harbour.jpg'):
            shutil.copyfile(source, self.photos / name)  # what a file is, its content says
        self.worlds = {}

    def world(self, backend):
        """A fake that acts as this backend's provider."""
        if backend not in self.worlds:
            self.worlds[backend] = self.fakes.world({'comfyui': 'comfyui'}.get(backend, backend.split('-')[0]),
                                                    max_side=256)
        return self.worlds[backend]

    def environment(self, command):
        """A home of its own, where the provider that the command names is the fake."""
        self.homes += 1
        home = self.folder / f'home-{self.homes}'
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(('ESPALIER_', 'XDG_'))}
        environment.update(PATH=f'{self.programs}:{environment["PATH"]}', HOME=str(home), LC_ALL='C.UTF-8',
                           ESPALIER_CACHE_DIR='', ESPALIER_CUDA_DRIVER='none', ESPALIER_TIME_SCALE='0.05',
                           ESPALIER_ENGINE=str(BUILD / 'src/engine/worker/espalier-engine'),
                           ESPALIER_DATA_DIR=str(ROOT / 'data'),
                           GSETTINGS_SCHEMA_DIR=str(BUILD / 'data/settings'), GSETTINGS_BACKEND='memory',
                           DBUS_SESSION_BUS_ADDRESS='disabled:')
        for name in ('data', 'config', 'cache', 'state'):
            path = home / name
            path.mkdir(parents=True)
            environment[f'XDG_{name.upper()}_HOME'] = str(path)
        for backend in re.findall(r'\b(bfl-[a-z-]+|comfyui)\b', command):
            world = self.world(backend)
            descriptor = json.loads((ROOT / f'data/providers/{backend}.json').read_text(encoding='utf-8'))
            descriptor['base_url'] = world.base_url
            descriptor.get('auth', {}).pop('origins', None)
            folder = home / 'config/espalier/providers'
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f'{backend}.json').write_text(json.dumps(descriptor), encoding='utf-8')
            (folder.parent / 'accounts.json').write_text(json.dumps({'version': 1, 'accounts': [
                {'id': backend, 'provider': backend, 'has_key': True, 'consented': True, 'config': {}}]}))
            environment['ESPALIER_KEY_' + backend.upper().replace('-', '_')] = world.key
            environment['ESPALIER_CA_FILE'] = world.ca_file or ''
        return environment

    def run(self, command, cwd):
        for backend in re.findall(r'--backend[ =](\S+)', command):
            if backend != 'local' and ',' not in backend:
                (cwd / 'key').write_text(self.world(backend).key + '\n')
                command = re.sub(r'--base-url http://127\.0\.0\.1:\d+\S*',
                                 f'--base-url {self.world(backend).base_url}', command)
        environment = self.environment(command)
        return subprocess.run(['bash', '-o', 'pipefail', '-c', command], cwd=cwd, env=environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300)


def provide(cwd, photos, command):
    """What a document takes for granted: a photo, a document, the files of a model."""
    for photo in photos.iterdir():
        if not (cwd / photo.name).exists():
            shutil.copyfile(photo, cwd / photo.name)
    if command.endswith(' FILE'):
        shutil.copyfile(ROOT / 'data/providers/localai.json', cwd / 'localai.json')
        (cwd / 'FILE').unlink(missing_ok=True)
        (cwd / 'FILE').symlink_to('localai.json')
    if 'graph=@workflow.json' in command:
        descriptor = json.loads((ROOT / 'data/providers/comfyui.json').read_text(encoding='utf-8'))
        graph = next(setting for setting in descriptor['config'] if setting['id'] == 'graph')['default']
        (cwd / 'workflow.json').write_text(graph if isinstance(graph, str) else json.dumps(graph))
    if 'models add kontext-Q4_K.gguf' in command:
        demo = ROOT / 'data/models/demo'
        (cwd / 'kontext-Q4_K.gguf').symlink_to(demo / 'transformer/diffusion_pytorch_model.safetensors')
        for part in ('text_encoder', 'text_encoder_2', 'tokenizer', 'tokenizer_2', 'vae'):
            (cwd / part).symlink_to(demo / part)


def takes_a_document(command):
    found = re.search(r'(?:verify|tree|log|run|export|sqlite3) (\S+\.espalier)', command)
    return found and found.group(1)


@case
def no_command_is_shown_that_is_neither_run_nor_listed():
    used = set()
    for path in DOCUMENTS:
        commands = commands_of(path)
        for command in commands:
            pattern = reason_not_to_run(command)
            used.add(pattern)
            if pattern is None:
                assert re.match(r'(?:espalier-cli|sqlite3|printf .*\| espalier-engine)(?: |$)', command), \
                    f'{path.name}: “{command}” can neither be run nor stands in NOT_RUN'
    unused = set(NOT_RUN) - used
    assert not unused, f'in NOT_RUN, but shown nowhere: {unused}'


@case
def verbs_of_dev_are_those_that_it_has():
    usage = subprocess.run([ROOT / 'dev'], capture_output=True, text=True, check=True).stdout
    verbs = set(re.findall(r'^  ([a-z][a-z-]*)', usage, re.M))
    assert len(verbs) > 8
    for path in DOCUMENTS:
        # Also in the middle of a sentence.
        for verb in re.findall(r'\./dev ([a-z][a-z-]*)', path.read_text(encoding='utf-8')):
            assert verb in verbs, f'{path.name}: ./dev {verb}'


@case
def the_newest_version_is_the_same_everywhere():
    version = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text(encoding='utf-8')).group(1)
    changes = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    assert re.search(r'^## (\S+) \((?:unreleased|\d{4}-\d\d-\d\d)\)$', changes, re.M).group(1) == version
    metainfo = (ROOT / 'data/desktop/espalier.metainfo.xml.in.in').read_text(encoding='utf-8')
    told = re.search(r'<release version="([^"]+)"', metainfo).group(1)
    assert told in ('@version@', version), told


@case
def links_lead_somewhere():
    for path in DOCUMENTS:
        if path.suffix != '.md':
            continue
        text = path.read_text(encoding='utf-8')
        prose = re.sub(r'```.*?```', '', text, flags=re.S)
        for target in re.findall(r'\]\(([^)\s]+)\)', prose):
            if re.match(r'[a-z]+:', target):
                continue
            name, _, place = target.partition('#')
            file = path.parent / name if name else path
            assert file.exists(), f'{path.name}: {target}'
            if place and file.suffix == '.md':
                titles = re.findall(r'^#+ (.*)$', file.read_text(encoding='utf-8'), re.M)
                anchors = {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}
                assert place in anchors, f'{path.name}: {target}'


@case
def every_command_that_can_be_run_does_what_it_is_shown_for():
    done, count, wrong = set(), 0, []
    with tempfile.TemporaryDirectory() as folder, Fakes() as fakes:
        place = Place(folder, fakes)
        for path in DOCUMENTS:
            cwd = place.folder / path.relative_to(ROOT).as_posix().replace('/', '-')
            cwd.mkdir()
            for command in commands_of(path):
                # What leaves nothing behind for the next lines need not be run for each document.
                alone = not re.search(r'\.espalier\b', command)
                if reason_not_to_run(command) or (alone and command in done):
                    continue
                done.add(command)
                provide(cwd, place.photos, command)
                document = takes_a_document(command)
                if document and not (cwd / document).exists():
                    place.run(f'espalier-cli new {document} cat.png', cwd)
                began = time.monotonic()
                result = place.run(command, cwd)
                note(f'{time.monotonic() - began:.1f} s: {command}')
                status, words = next((expected for pattern, expected in FAILS.items()
                                      if re.match(pattern, command)), (0, ''))
                if result.returncode != status or words not in result.stderr:
                    wrong.append(f'{path.name}: {command}: {result.returncode}\n{result.stdout}{result.stderr}')
                for output in re.findall(r' -o ([\w.-]+)', command) if status == 0 else ():
                    if not (cwd / output).is_file():
                        wrong.append(f'{path.name}: {command}: no {output}')
                count += 1
    note(f'{count} commands')
    assert not wrong, '\n'.join(wrong)
    assert count > 20


sys.exit(run())
