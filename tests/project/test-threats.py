#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/security.md: what it says is tested by something is, as far as names can tell.

    test-threats.py SOURCE_ROOT BUILD_ROOT

A promise whose test was renamed or removed is one that nobody looks after any more.
"""
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])

from tap import case, run  # noqa: E402

TEXT = (ROOT / 'docs/security.md').read_text()
CODE = re.compile(r'`([^`]+)`')


def rows():
    """(threat, its last cell) of the table of threats."""
    section = TEXT.split('\n## Threats\n')[1].split('\n## ')[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split(' | ')]
        if line.startswith('| ') and not line.startswith(('| ---', '| who')):
            assert len(cells) == 4, f'{len(cells)} cells in: {line}'
            yield cells[0], cells[3]


def test_names():
    output = subprocess.run(['meson', 'introspect', '--tests', str(BUILD)], stdout=subprocess.PIPE, check=True).stdout
    return sorted({test['name'] for test in json.loads(output)})


def is_there(name, tests):
    if name.startswith('./dev '):
        return f'  {name.split()[1]} ' in (ROOT / 'dev').read_text()
    if '/' in name and not name.startswith('/'):
        return (ROOT / name).exists()
    if name.startswith('/'):
        return any(f'{name}"' in path.read_text() for path in ROOT.glob('tests/**/*.c'))
    return bool(fnmatch.filter(tests, name))


@case
def every_threat_names_tests_that_are_there():
    tests = test_names()
    table = list(rows())
    assert len(table) >= 10, f'only {len(table)} threats were found in the table'
    missing = [f'{threat}: {name}' for threat, cell in table for name in CODE.findall(cell) if not is_there(name, tests)]
    unnamed = [threat for threat, cell in table if not CODE.findall(cell)]
    assert not missing, 'no such test: ' + '; '.join(missing)
    assert not unnamed, 'nothing is named for: ' + '; '.join(unnamed)


@case
def links_to_sections_lead_to_sections():
    anchors = {re.sub(r'[^\w\- ]', '', title).strip().lower().replace(' ', '-')
               for title in re.findall(r'^#+ (.+)$', TEXT, re.MULTILINE)}
    wrong = [link for link in re.findall(r'\]\(#([^)]+)\)', TEXT) if link not in anchors]
    assert not wrong, f'no such section: {", ".join(wrong)}'


sys.exit(run())
