#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages format without a warning and describe every option there is.

    test-man.py SOURCE_ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys

from tap import Skip, case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
PAGES = sorted((ROOT / 'data/man').glob('*.1'))


def plain(page):
    return page.read_text(encoding='utf-8').replace('\\-', '-').replace('\\fR', '').replace('\\fB', '')


@case
def pages_format_without_warnings():
    if not shutil.which('man') or not shutil.which('groff'):
        raise Skip('man and groff are not installed')
    assert len(PAGES) == 4
    for page in PAGES:
        done = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', str(page)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and not done.stderr.strip(), done.stderr
        assert 'NAME' in done.stdout


@case
def pages_pass_mandoc():
    if not shutil.which('mandoc'):
        raise Skip('mandoc is not installed')
    for page in PAGES:
        done = subprocess.run(['mandoc', '-Tlint', '-Wwarning', str(page)],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@case
def the_page_and_the_completions_know_the_same_options():
    page = set(re.findall(r'--[a-z][a-z-]+', plain(ROOT / 'data/man/espalier-cli.1')))
    bash = (ROOT / 'data/completions/espalier-cli.bash').read_text(encoding='utf-8')
    zsh = (ROOT / 'data/completions/_espalier-cli').read_text(encoding='utf-8')
    fish = (ROOT / 'data/completions/espalier-cli.fish').read_text(encoding='utf-8')
    options = [option for listed in re.findall(r"_options='([^']+)'", bash) for option in listed.split()]
    for option in options:
        if option.startswith('--'):
            assert option in page, f'{option} is not in the manual page'
            assert option in zsh, f'{option} is not in the zsh completion'
            assert f'-l {option[2:]}' in fish, f'{option} is not in the fish completion'
    unknown = page - set(options) - {'--version'}
    assert not unknown, f'in the manual page only: {unknown}'


@case
def every_variable_of_the_environment_is_described():
    """In a manual page, or, where only developers want it, in docs."""
    described = '\n'.join(path.read_text(encoding='utf-8').replace('\\-', '-')
                          for path in [*PAGES, *ROOT.glob('docs/*.md')])
    for path in sorted(ROOT.glob('src/**/*.c')):
        for name in re.findall(r'"(ESPALIER_[A-Z_]+)"', path.read_text(encoding='utf-8')):
            assert name in described, f'{path.relative_to(ROOT)}: {name}'


@case
def the_windows_page_knows_its_options_and_keys():
    page = plain(ROOT / 'data/man/espalier.1')
    source = (ROOT / 'src/app/window/esp-application.c').read_text(encoding='utf-8')
    options = re.findall(r'\{ "([a-z-]+)", \'(\w)\',', source)
    assert options
    for long, short in options:
        assert f'--{long}' in page and f'-{short}' in page, long
    actions = (ROOT / 'src/app/window/esp-actions.c').read_text(encoding='utf-8')
    accelerators = set(re.findall(r'"((?:<\w+>)+\w+)"', actions))
    for key in set(re.findall(r'Ctrl\+(?:Shift\+)?\w+', page)):
        accelerator = re.sub(r'\+(\w)$', lambda match: '+' + match.group(1).lower(), key)
        accelerator = accelerator.replace('Ctrl+', '<Control>').replace('Shift+', '<Shift>')
        accelerator = accelerator.replace('Enter', 'Return')
        assert accelerator in accelerators, key


sys.exit(run())
