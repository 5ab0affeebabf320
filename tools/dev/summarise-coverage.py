#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what gcov counted, folder by folder, and write it into docs/testing.md if that is asked for.

    summarise-coverage.py [--table WHAT] [--missed FILE]… BUILD

BUILD is a folder in which tests of a build with -Db_coverage=true have run. WHAT says which. --missed prints the lines of
these files that no test reached, instead. Branches are gcov's: every condition has two, also those of checks that hold as
long as the program is right (g_return_if_fail).

gcovr is not used: threads that count at the same time leave counts that are wrong by a little, differences of which gcov
calls negative, and gcovr 5.2 (Debian 12) ends at the first. How often is of no interest here; whether at all is.
"""
import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTING = ROOT / 'docs' / 'testing.md'
TABLE = re.compile(r'(<!-- \./dev coverage --table -->\n).*?(<!-- end -->)', re.S)
AREAS = re.compile(r'src/[^/]+')


def ask_gcov(build, data):
    """gcov's report of one object, as it says it itself. One that no test ran has notes alone, and counts as well."""
    done = subprocess.run([os.environ.get('GCOV', 'gcov'), '--json-format', '--stdout', '--branch-probabilities', str(data)], cwd=build,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise SystemExit(f'gcov cannot read {data}: {done.stderr.strip()}')
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def read_counts(build):
    """{file below src: {line: [reached, [branch reached]]}}: what any object of the build has of it."""
    counts = collections.defaultdict(dict)
    notes = sorted(build.rglob('*.gcno'))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for reports in pool.map(lambda note: ask_gcov(build, note.with_suffix('.gcda') if note.with_suffix('.gcda').exists()
                                                      else note), notes):
            for report in reports:
                for entry in report['files']:
                    path = os.path.normpath(os.path.join(report['current_working_directory'], entry['file']))
                    if path.startswith(f'{ROOT}/src/'):
                        add(counts[os.path.relpath(path, ROOT)], entry['lines'])
    return counts


def add(file, lines):
    for line in lines:
        known = file.setdefault(line['line_number'], [False, []])
        known[0] |= line['count'] != 0
        branches = [branch['count'] != 0 for branch in line['branches']]
        # A line of a header may have other branches in another object: the longer list has those of the shorter.
        known[1] = [a or b for a, b in itertools.zip_longest(known[1], branches, fillvalue=False)]


def figures(counts):
    """[(folder, lines reached, lines, branches reached, branches)], each area's sum before its folders, all at the end."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for path, lines in counts.items():
        folder = os.path.dirname(path)
        reached = [sum(line[0] for line in lines.values()), len(lines),
                   sum(sum(line[1]) for line in lines.values()), sum(len(line[1]) for line in lines.values())]
        for name in {folder, AREAS.match(folder).group(0), 'all'}:
            sums[name] = [a + b for a, b in zip(sums[name], reached)]
    return [(name, *sums[name]) for name in sorted(sums, key=lambda name: (name == 'all', name))]


def share(covered, total):
    return f'{100 * covered / total:.1f} %' if total else '–'


def write_table(rows, what):
    table = [f'By {what}:', '', '| folder | lines | reached | branches | reached |', '| --- | ---: | ---: | ---: | ---: |']
    for name, lines, all_lines, branches, all_branches in rows:
        shown = f'**{name}**' if name.count('/') < 2 else f'`{name}`'
        table.append(f'| {shown} | {all_lines} | {share(lines, all_lines)} | {all_branches} | {share(branches, all_branches)} |')
    text = TESTING.read_text(encoding='utf-8')
    if not TABLE.search(text):
        raise SystemExit(f'{TESTING} has no place for the table')
    TESTING.write_text(TABLE.sub(lambda match: match.group(1) + '\n'.join(table) + '\n' + match.group(2), text), encoding='utf-8')


def print_missed(counts, files):
    for name in files:
        if name not in counts:
            raise SystemExit(f'{name}: nothing was compiled of it')
        source = (ROOT / name).read_text(encoding='utf-8').splitlines()
        for number in sorted(number for number, line in counts[name].items() if not line[0]):
            print(f'{name}:{number}: {source[number - 1]}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--table', metavar='WHAT')
    parser.add_argument('--missed', action='append', metavar='FILE')
    parser.add_argument('build', type=pathlib.Path)
    arguments = parser.parse_args()
    counts = read_counts(arguments.build.resolve())
    if not counts:
        sys.exit(f'{arguments.build} has nothing that gcov could read')
    if arguments.missed is not None:
        print_missed(counts, arguments.missed)
        return
    rows = figures(counts)
    for name, lines, all_lines, branches, all_branches in rows:
        print(f'{name:40} {lines:6} of {all_lines:6} lines {share(lines, all_lines):>8}'
              f' {branches:6} of {all_branches:6} branches {share(branches, all_branches):>8}')
    if arguments.table is not None:
        write_table(rows, arguments.table)


if __name__ == '__main__':
    main()
