#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev itself, as far as it goes without building, and the script that counts its tests.

    test-dev.py SOURCE_ROOT
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from tap import case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
VERBS = 'run app edit test bench soak format lint fuzz coverage mutate install uninstall flatpak flatpak-test reproducible release newcomer clean'.split()


def dev(*arguments, **options):
    options.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([str(ROOT / 'dev'), *arguments], capture_output=True, text=True, **options)


@case
def alone_it_prints_its_verbs():
    done = dev()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[:2] == '  ' and line[2] != ' '] == VERBS


@case
def it_works_through_a_link_from_a_folder_with_a_space_and_without_stdin():
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder) / 'my folder'
        place.mkdir()
        (place / 'linked dev').symlink_to(ROOT / 'dev')
        done = subprocess.run(['bash', '-c', '"./linked dev" <&-'], cwd=place, capture_output=True,
                              text=True)
        assert done.returncode == 0 and 'coverage' in done.stdout, done.stderr


@case
def an_unknown_verb_is_an_error_that_names_it():
    done = dev('polish')
    assert done.returncode != 0 and done.stderr.splitlines()[-1] == 'dev: no such verb: polish'


@case
def a_photo_that_is_not_there_is_an_error_before_anything_is_built():
    done = dev('run', 'no such photo.png')
    assert done.returncode != 0 and 'no such photo.png' in done.stderr.splitlines()[-1]


@case
def shell_scripts_parse():
    for name in ('dev', '.ci/run', 'tools/dev/flatpak.sh', 'tools/dev/flatpak-runtime.sh', 'tools/dev/release.sh'):
        assert subprocess.run(['bash', '-n', str(ROOT / name)]).returncode == 0, name


def summary(tests, *arguments, again=()):
    """Runs the counting script over a made-up build folder; tests: (protocol, result, output). again: (number, result,
    output) of those that were run once more."""
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder) / 'build'
        for name in ('meson-logs', 'meson-info'):
            (build / name).mkdir(parents=True)
        known, log = [], []
        for number, (protocol, result, output) in enumerate(tests):
            known.append({'name': f't{number}', 'cmd': [f'/t{number}'], 'protocol': protocol})
            log.append(json.dumps({'name': f't{number}', 'command': [f'/t{number}'],
                                   'result': result, 'stdout': output}))
        (build / 'meson-info/intro-tests.json').write_text(json.dumps(known))
        (build / 'meson-logs/testlog.json').write_text('\n'.join(log))
        if again:
            (build / 'meson-logs/again.json').write_text('\n'.join(json.dumps(
                {'name': f't{number}', 'command': [f'/t{number}'], 'result': result, 'stdout': output})
                for number, result, output in again))
        done = subprocess.run([sys.executable, str(ROOT / 'tools/dev/summarise-tests.py'),
                               *arguments, str(build)], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()


@case
def the_closing_line_counts_subtests_and_programs():
    status, lines = summary([('tap', 'OK', '1..2\nok 1 - a\nok 2 - b\n'), ('exitcode', 'OK', 'ok 1\n')])
    assert (status, lines[-1]) == (0, '3 passed, 0 failed'), lines


@case
def skipped_ones_are_counted_and_named():
    status, lines = summary([('tap', 'OK', 'ok 1 - a\nok 2 - the gpu # SKIP no device\n'),
                             ('tap', 'SKIP', '1..0 # SKIP no display\n')])
    assert (status, lines[-1]) == (0, '1 passed, 0 failed, 2 skipped'), lines
    assert 'skipped: t0: the gpu (no device)' in lines and 'skipped: t1 (no display)' in lines, lines


@case
def failures_crashes_and_timeouts_count_and_fail():
    status, lines = summary([('tap', 'FAIL', 'ok 1 - a\nnot ok 2 - b\n'),
                             ('tap', 'ERROR', '1..3\nok 1 - a\n'),
                             ('exitcode', 'TIMEOUT', ''), ('exitcode', 'FAIL', '')])
    assert (status, lines[-1]) == (1, '2 passed, 4 failed'), lines
    assert 'failed: t0: b' in lines and 'failed: t1 (error)' in lines, lines


@case
def one_that_passes_alone_is_told_and_counts_once():
    first = [('tap', 'FAIL', 'ok 1 - a\nnot ok 2 - b\n'), ('tap', 'OK', 'ok 1 - c\n')]
    status, lines = summary(first, again=[(0, 'OK', 'ok 1 - a\nok 2 - b\n')])
    assert (status, lines[-1]) == (0, '3 passed, 0 failed'), lines
    assert any(line.startswith('unsteady: t0: b ') for line in lines), lines
    status, lines = summary(first, again=[(0, 'FAIL', 'not ok 1 - a\nok 2 - b\n')])
    assert (status, lines[-1]) == (1, '2 passed, 1 failed'), lines
    assert 'failed: t0: a' in lines and not any('unsteady' in line for line in lines), lines


@case
def only_what_may_be_the_pace_is_run_again():
    tests = {'assertion': ('ERROR', -6, '', 'assertion failed'), 'within': ('ERROR', 134, '', ''), 'shell': ('ERROR', 139, '', ''),
             'status': ('FAIL', 1, 'not ok 1 - a', ''),
             'crash': ('ERROR', -11, '', ''), 'leak': ('ERROR', 1, '', '==7==ERROR: LeakSanitizer: detected memory leaks'),
             'undefined': ('ERROR', 1, '', 'a.c:1:2: runtime error: signed integer overflow'),
             'endless': ('TIMEOUT', -9, '', ''), 'fine': ('OK', 0, 'ok 1 - a', ''), 'missing': ('SKIP', 77, '', '')}

    def again(names):
        with tempfile.TemporaryDirectory() as folder:
            logs = pathlib.Path(folder) / 'meson-logs'
            logs.mkdir()
            (logs / 'testlog.json').write_text('\n'.join(json.dumps(
                {'name': f'espalier:area / {name}', 'command': ['/t'], **dict(zip(
                    ('result', 'returncode', 'stdout', 'stderr'), tests[name.rstrip("0123456789")]))}) for name in names))
            return subprocess.run([sys.executable, str(ROOT / 'tools/dev/summarise-tests.py'), '--again', folder],
                                  capture_output=True, text=True, check=True).stdout.split()

    assert again(['fine', 'missing', 'assertion', 'status']) == ['assertion', 'status']
    assert again(['within', 'shell']) == ['within']
    assert again(['crash', 'fine']) == again(['leak', 'undefined', 'endless']) == []
    # Where much fails, something is wrong.
    assert again([f'status{number}' for number in range(3)]) and not again([f'status{number}' for number in range(4)])


@case
def nothing_run_is_a_failure():
    status, lines = summary([])
    assert (status, lines[-1]) == (1, '0 passed, 0 failed'), lines
    status, lines = summary([('tap', 'SKIP', '1..0 # SKIP x\n')])
    assert (status, lines[-1]) == (1, '0 passed, 0 failed, 1 skipped'), lines


@case
def a_build_that_failed_is_a_failure():
    status, lines = summary([('tap', 'OK', 'ok 1 - a\n')], '--failed-build', '_build-sanitize')
    assert (status, lines[-1]) == (1, '1 passed, 1 failed'), lines


@case
def two_builds_share_one_closing_line():
    with tempfile.TemporaryDirectory() as folder:
        builds = []
        for name in ('one', 'two'):
            build = pathlib.Path(folder) / name
            (build / 'meson-logs').mkdir(parents=True)
            (build / 'meson-logs/testlog.json').write_text(
                json.dumps({'name': 't', 'command': ['/t'], 'result': 'OK', 'stdout': ''}))
            builds.append(str(build))
        done = subprocess.run([sys.executable, str(ROOT / 'tools/dev/summarise-tests.py'), *builds],
                              capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == '2 passed, 0 failed', done.stdout


sys.exit(run())
