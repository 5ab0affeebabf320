#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print gcovr's figures folder by folder, and write them into docs/testing.md if that is asked for.

    summarise-coverage.py [--table WHAT] SUMMARY

SUMMARY is what gcovr --json-summary wrote. WHAT says which tests were run. Branches are gcov's: every condition has two, also
those of checks that hold as long as the program is right (g_return_if_fail).
"""
import argparse
import collections
import json
import os
import pathlib
import re

TESTING = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'testing.md'
TABLE = re.compile(r'(<!-- \./dev coverage --table -->\n).*?(<!-- end -->)', re.S)
AREAS = re.compile(r'src/[^/]+')


def share(covered, total):
    return f'{100 * covered / total:.1f} %' if total else '–'


def figures(report):
    """[(folder, lines covered, lines, branches covered, branches)], each area's sum before its folders, all at the end."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for entry in report['files']:
        folder = os.path.dirname(entry['filename'])
        for name in {folder, AREAS.match(folder).group(0), 'all'}:
            for i, key in enumerate(('line_covered', 'line_total', 'branch_covered', 'branch_total')):
                sums[name][i] += entry[key]
    return [(name, *sums[name]) for name in sorted(sums, key=lambda name: (name == 'all', name))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--table', metavar='WHAT')
    parser.add_argument('summary', type=pathlib.Path)
    arguments = parser.parse_args()
    rows = figures(json.loads(arguments.summary.read_text(encoding='utf-8')))
    for name, lines, all_lines, branches, all_branches in rows:
        print(f'{name:40} {lines:6} of {all_lines:6} lines {share(lines, all_lines):>8}'
              f' {branches:6} of {all_branches:6} branches {share(branches, all_branches):>8}')
    if arguments.table is None:
        return
    table = [f'By {arguments.table}:', '', '| folder | lines | reached | branches | reached |', '| --- | ---: | ---: | ---: | ---: |']
    for name, lines, all_lines, branches, all_branches in rows:
        shown = f'**{name}**' if name.count('/') < 2 else f'`{name}`'
        table.append(f'| {shown} | {all_lines} | {share(lines, all_lines)} | {all_branches} | {share(branches, all_branches)} |')
    text = TESTING.read_text(encoding='utf-8')
    if not TABLE.search(text):
        raise SystemExit(f'{TESTING} has no place for the table')
    TESTING.write_text(TABLE.sub(lambda match: match.group(1) + '\n'.join(table) + '\n' + match.group(2), text), encoding='utf-8')


if __name__ == '__main__':
    main()
