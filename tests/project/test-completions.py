#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shells' completions: bash's is exercised, zsh's and fish's are parsed where there is one.

    test-completions.py SOURCE_ROOT
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
BASH = ROOT / 'data/completions/espalier-cli.bash'

# The function that `complete -F` registered is called as readline calls it.
ASK = r'''
source "$1"; shift
[[ $(complete -p espalier-cli) == 'complete -F _espalier_cli espalier-cli' ]] || exit 3
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_espalier_cli espalier-cli "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
'''


def complete(*words, folder=None):
    done = subprocess.run(['bash', '--norc', '-c', ASK, 'bash', str(BASH), 'espalier-cli', *words],
                          capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    return sorted(done.stdout.splitlines())


@case
def bash_completes_commands():
    assert complete('') == sorted(['edit', 'new', 'import', 'run', 'tree', 'log', 'export', 'verify', 'tokenize', 'models',
                                   'describe', '--help', '--version'])
    assert complete('mo') == ['models']


@case
def bash_completes_options():
    assert complete('edit', '--mu') == ['--multi-ref']
    assert complete('edit', '--no') == ['--no-metadata', '--noise']
    assert complete('models', '--') == ['--help', '--json']


@case
def bash_completes_documents():
    assert complete('run', 'a.espalier', '--s') == ['--seed', '--set']
    assert complete('export', 'a.espalier', '--format', 'p') == ['png']
    assert complete('export', '--s') == ['--seconds', '--strip']
    with tempfile.TemporaryDirectory() as folder:
        for name in ('a photo.JPG', 'b.espalier', 'c.txt'):
            (pathlib.Path(folder) / name).touch()
        for command in ('tree', 'log', 'run', 'export', 'verify', 'import', 'new'):
            assert complete(command, '', folder=folder) == ['b.espalier'], command
        assert complete('import', 'b.espalier', '', folder=folder) == ['a photo.JPG']
        assert complete('run', 'b.espalier', '--reference', '', folder=folder) == ['a photo.JPG']


@case
def bash_completes_choices():
    assert complete('edit', '--size', '') == ['auto', 'match']
    assert complete('edit', '--dtype', 'b') == ['bf16']
    assert complete('edit', '--threads', '') == []
    assert complete('edit', '--device', '=', 'c') == ['cpu', 'cuda']
    assert complete('edit', '--steps', '') == []


@case
def bash_completes_files_of_the_right_kind():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('a photo.JPG', 'b.webp', 'c.txt', 'd.safetensors'):
            (pathlib.Path(folder) / name).touch()
        (pathlib.Path(folder) / 'sub folder').mkdir()
        assert complete('edit', '', folder=folder) == ['a photo.JPG', 'b.webp', 'sub folder']
        assert complete('edit', '-o', 'b', folder=folder) == ['b.webp']
        assert complete('edit', '--dump', '', folder=folder) == ['d.safetensors', 'sub folder']
        assert complete('edit', '--model', '', folder=folder) == ['sub folder']


def parses(shell, name):
    if not shutil.which(shell):
        raise Skip(f'{shell} is not installed')
    done = subprocess.run([shell, '-n', str(ROOT / 'data/completions' / name)],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


@case
def zsh_completion_parses():
    parses('zsh', '_espalier-cli')


@case
def fish_completion_parses():
    parses('fish', 'espalier-cli.fish')


sys.exit(run())
