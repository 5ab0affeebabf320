#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shells' completions: bash's is exercised, zsh's and fish's are parsed where there is one.

    test-completions.py SOURCE_ROOT
"""
import os
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


def complete(*words, folder=None, program='espalier-cli'):
    done = subprocess.run(['bash', '--norc', '-c', ASK, 'bash', str(BASH), str(program), *words],
                          capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    return sorted(done.stdout.splitlines())


@case
def bash_completes_commands():
    assert complete('') == sorted(['edit', 'compose', 'new', 'import', 'run', 'sweep', 'tree', 'log', 'export', 'verify', 'providers',
                                   'jobs', 'tokenize', 'models', 'describe', '--help', '--version'])
    assert complete('mo') == ['models']


@case
def bash_completes_options():
    assert complete('edit', '--mu') == ['--multi-ref']
    assert complete('edit', '--no') == ['--no-cache', '--no-metadata', '--noise']
    assert complete('compose', '--ma') == ['--mask', '--mask-out']
    assert complete('models', '--') == ['--help', '--json']
    assert complete('edit', '--ca') == ['--cancel-on-interrupt']
    assert complete('jobs', '--pa') == ['--patience']


@case
def bash_completes_models():
    assert complete('models', '') == sorted(['list', 'add', 'download', 'default', 'locate', 'remove', 'inspect', 'convert',
                                              'clear-cache'])
    assert complete('models', 'download', '--ac') == ['--accept-licence']
    assert complete('models', 'add', '--component', 'cl') == ['clip=']
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / 'espalier-cli'
        program.write_text('#!/bin/sh\n'
                           'test "$2" = download && { echo "an-offer — An offer"; echo "  * --variant x — X"; exit; }\n'
                           'printf "* one — One\\n  /folder\\n  two — Two\\n  /other\\n"\n', encoding='utf-8')
        program.chmod(0o755)
        assert complete('models', 'remove', '', program=program) == ['one', 'two']
        assert complete('models', 'download', '', program=program) == ['an-offer']


@case
def bash_completes_providers_and_jobs():
    assert complete('providers', '') == ['check']
    assert complete('jobs', '') == ['forget', 'resume']
    with tempfile.TemporaryDirectory() as folder:
        # The program tells the ids.
        program = pathlib.Path(folder) / 'espalier-cli'
        program.write_text('#!/bin/sh\n'
                           '[ "$1" = jobs ] && echo "123e4567-e89b-42d3-a456-426614174000  comfyui  now  sent" '
                           '|| printf "comfyui — ComfyUI\\n    --set steps=1…100 (20)\\n\\nsdcpp-server — sd.cpp\\n"\n')
        program.chmod(0o755)
        (pathlib.Path(folder) / 'a.json').touch()
        ids = ['bash', '--norc', '-c', ASK, 'bash', str(BASH), str(program)]

        def ask(*words):
            return sorted(subprocess.run([*ids, *words], capture_output=True, text=True, check=True,
                                         cwd=folder).stdout.splitlines())
        assert ask('edit', '--backend', '') == ['comfyui', 'local', 'sdcpp-server']
        assert ask('edit', '--backend', 'sd') == ['sdcpp-server']
        assert ask('jobs', 'resume', '') == ['123e4567-e89b-42d3-a456-426614174000']
        assert complete('providers', 'check', '', folder=folder) == ['a.json']


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
def bash_completes_sweeps():
    assert complete('sweep', '--d') == ['--dark', '--document', '--draft-steps', '--dry-run']
    assert complete('sweep', '--axis', 'gui') == ['guidance='] and complete('sweep', '--columns', 'gui') == ['guidance']
    assert complete('sweep', '--order', '') == ['listed', 'near', 'random']
    assert complete('sweep', '--jobs', '') == []
    with tempfile.TemporaryDirectory() as folder:
        for name in ('a photo.JPG', 'b.espalier', 'c.txt', 'd.pdf', 'e.tiff'):
            (pathlib.Path(folder) / name).touch()
        assert complete('sweep', '', folder=folder) == ['a photo.JPG', 'b.espalier', 'e.tiff']
        assert complete('sweep', 'b.espalier', '-o', '', folder=folder) == ['a photo.JPG', 'd.pdf']
        assert complete('edit', '-o', '', folder=folder) == ['a photo.JPG', 'e.tiff']
        assert complete('sweep', '--document', '', folder=folder) == ['b.espalier']


@case
def bash_completes_files_of_the_right_kind():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('a photo.JPG', 'b.webp', 'c.txt', 'd.safetensors'):
            (pathlib.Path(folder) / name).touch()
        (pathlib.Path(folder) / 'sub folder').mkdir()
        assert complete('edit', '', folder=folder) == ['a photo.JPG', 'b.webp', 'sub folder']
        assert complete('edit', '-o', 'b', folder=folder) == ['b.webp']
        assert complete('edit', '--dump', '', folder=folder) == ['d.safetensors', 'sub folder']
        assert complete('edit', '--model', '', folder=folder) == ['d.safetensors', 'sub folder']
        assert complete('run', '--component', 'va') == ['vae=']


# A program that tells ids as espalier-cli does, and nothing to who asks for something else.
PROGRAM = """#!/bin/sh
case $1 in
jobs) echo "123e4567-e89b-42d3-a456-426614174000  comfyui  now  sent" ;;
providers) printf "comfyui — ComfyUI\\n    --set steps=1…100 (20)\\n\\nsdcpp-server — sd.cpp\\n" ;;
*) exit 2 ;;
esac
"""


def with_program(shell, script, folder, *arguments):
    if not shutil.which(shell):
        raise Skip(f'{shell} is not installed')
    program = pathlib.Path(folder) / 'espalier-cli'
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (pathlib.Path(folder) / 'a.json').touch()
    options = {'zsh': ['-f'], 'fish': ['--no-config']}[shell]
    done = subprocess.run([shell, *options, '-c', script, *arguments], capture_output=True, text=True, cwd=folder,
                          env=dict(os.environ, PATH=f'{folder}:{os.environ["PATH"]}', HOME=folder,
                                   XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, LC_ALL='C.UTF-8'))
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    return done.stdout.splitlines()


@case
def fish_completes_providers_and_jobs():
    with tempfile.TemporaryDirectory() as folder:
        def ask(line):
            script = f'source "{ROOT}/data/completions/espalier-cli.fish"; complete -C "espalier-cli {line}"'
            return sorted(each.partition('\t')[0] for each in with_program('fish', script, folder))
        assert ask('edit --backend ') == ['comfyui', 'local', 'sdcpp-server']
        assert ask('run a.espalier --backend=sd') == ['--backend=sdcpp-server']
        assert ask('jobs ') == ['forget', 'resume']
        assert ask('jobs resume ') == ['123e4567-e89b-42d3-a456-426614174000']
        assert ask('providers ') == ['check']
        assert ask('providers check a') == ['a.json']


# What _arguments and compadd would do: the former puts options before what it was told to call.
ZSH_ASK = r'''
words=(espalier-cli ""); CURRENT=2
_describe () { : }
source $1
compadd () { [[ $1 == -J && $2 == group && $3 == -a ]] && print -l -- ${(P)4} }
_espalier_cli_ids -J group $2
'''


@case
def zsh_completes_providers_and_jobs():
    with tempfile.TemporaryDirectory() as folder:
        def ask(what):
            return with_program('zsh', ZSH_ASK, folder, 'zsh', ROOT / 'data/completions/_espalier-cli', what)
        assert ask('providers') == ['local', 'comfyui', 'sdcpp-server']
        assert ask('jobs') == ['123e4567-e89b-42d3-a456-426614174000']


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
