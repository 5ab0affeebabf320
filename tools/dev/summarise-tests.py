#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the closing line of one or more `meson test` runs: `N passed, N failed[, N skipped]`.

    summarise-tests.py [--failed-build NAME]… [--tap FILE]… BUILD…
    summarise-tests.py --again BUILD

Counts TAP subtests where a test program reports any, else the program itself; a build that failed
counts as one failure. Skipped and failed ones are listed by name first. Exits 0 only if nothing
failed and something passed. The TAP in FILE counts, too; a file that is not there is a failure.

--again prints the programs that are worth a second run, alone: a busy computer may have been too slow
for what they waited for. Not after a crash, a finding of a sanitizer or a time-out, and not where more
than a few failed. What the second run (meson's log `again`) says counts; the first is told as unsteady.
"""
import argparse
import json
import pathlib
import re
import sys

TAP_LINE = re.compile(r'^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?([^#]*)(?:#\s*(SKIP|TODO)\b\s*(.*))?$', re.I)
TAP_PLAN_SKIP = re.compile(r'^1\.\.0\s*(?:#\s*SKIP\b\s*(.*))?$', re.I)
GOOD = {'OK', 'EXPECTEDFAIL'}
MOST_AGAIN = 3
ABORTED = 6  # the signal of a failed assertion; others are crashes
FINDING = re.compile(r'ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:')


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.unsteady = []

    def add_subtests(self, program, output):
        """Counts the TAP lines of a program's output; false if there are none."""
        found = False
        for line in output.splitlines():
            match = TAP_LINE.match(line)
            if not match:
                continue
            found = True
            negative, number, name, directive, reason = match.groups()
            name = f'{program}: {name.strip() or number or "?"}'
            directive = (directive or '').upper()
            if directive == 'SKIP':
                self.skipped.append(f'{name} ({reason.strip() or "no reason given"})')
            elif negative and directive != 'TODO':
                self.failed.append(name)
            else:
                self.passed += 1
        return found

    def add_program(self, test, is_tap, where=''):
        program, result, output = where + test['name'], test['result'], test.get('stdout') or ''
        failures = len(self.failed)
        counted = is_tap and self.add_subtests(program, output)
        if result == 'SKIP':
            if not counted:
                self.skipped.append(f'{program} ({skip_reason(output)})')
        elif result in GOOD:
            if not counted:
                self.passed += 1
        elif len(self.failed) == failures:
            # It crashed, timed out or broke its plan: no subtest says so.
            self.failed.append(f'{program} ({result.lower()})')


def skip_reason(output):
    for line in output.splitlines():
        match = TAP_PLAN_SKIP.match(line)
        if match and match.group(1):
            return match.group(1).strip()
    lines = output.strip().splitlines()
    return lines[-1].strip() if lines else 'no reason given'


def tap_programs(build):
    try:
        tests = json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
    except (OSError, ValueError):
        return set()
    return {tuple(test['cmd']) for test in tests if test.get('protocol') == 'tap'}


def read_log(build, name):
    log = build / 'meson-logs' / f'{name}.json'
    return [json.loads(line) for line in log.read_text(errors='replace').splitlines()] if log.is_file() else []


def crashed(test):
    """Ended by a signal, itself or as the shell around it says that."""
    status = test.get('returncode', 0)
    signal = -status if status < 0 else status - 128
    return signal > 0 and signal != ABORTED


def programs_again(build):
    """Those that failed, where it may have been the computer's pace."""
    failed = [test for test in read_log(build, 'testlog') if test['result'] not in GOOD | {'SKIP'}]
    if len(failed) > MOST_AGAIN:
        return []
    return [test['name'].rpartition(' / ')[2] for test in failed
            if test['result'] in ('FAIL', 'ERROR') and not crashed(test)
            and not FINDING.search((test.get('stdout') or '') + (test.get('stderr') or ''))]


def add_build(tally, build, where):
    if not (build / 'meson-logs' / 'testlog.json').is_file():
        tally.failed.append(f'{build.name} (meson test left no log)')
        return
    tap = tap_programs(build)
    again = {test['name']: test for test in read_log(build, 'again')}
    for test in read_log(build, 'testlog'):
        first = Tally()
        is_tap = tuple(test['command']) in tap
        first.add_program(test, is_tap, where)
        if first.failed and test['name'] in again:
            failures = len(tally.failed)
            tally.add_program(again[test['name']], is_tap, where)
            if len(tally.failed) == failures:
                tally.unsteady += first.failed
            continue
        tally.passed += first.passed
        tally.failed += first.failed
        tally.skipped += first.skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--failed-build', action='append', default=[])
    parser.add_argument('--tap', action='append', default=[], type=pathlib.Path)
    parser.add_argument('--again', type=pathlib.Path)
    parser.add_argument('builds', nargs='*', type=pathlib.Path)
    arguments = parser.parse_args()

    if arguments.again is not None:
        for name in programs_again(arguments.again):
            print(name)
        return
    tally = Tally()
    for build in arguments.builds:
        # With several builds the names say which one, the first going without saying.
        where = '' if build == arguments.builds[0] else f'{build.name.lstrip("_")}: '
        add_build(tally, build, where)
    for file in arguments.tap:
        if not (file.is_file() and tally.add_subtests(file.stem, file.read_text(errors='replace'))):
            tally.failed.append(f'{file.stem} (told nothing)')
    tally.failed += [f'{name} (does not build)' for name in arguments.failed_build]

    print()
    for name in tally.skipped:
        print(f'skipped: {name}')
    for name in tally.unsteady:
        print(f'unsteady: {name} (failed, and passed alone)')
    for name in tally.failed:
        print(f'failed: {name}')
    closing = f'{tally.passed} passed, {len(tally.failed)} failed'
    if tally.skipped:
        closing += f', {len(tally.skipped)} skipped'
    print(closing, flush=True)
    sys.exit(0 if tally.passed and not tally.failed else 1)


if __name__ == '__main__':
    main()
