#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""espalier-cli against every acted provider: each way things go, cancelling, and being killed.

    conformance.py [--all] [--tap] [--jobs N] [--backend PART] [--case PART] [--throughput]

ESP_CLI names the program. Without --all each case is tried with a few backends in turn, and the main ones
with each. What must hold is in cases.py; besides, always: never more submissions than told, no key in
anything that was written or said, nothing left over, no hang, bounded memory, no bad manners at the fake.
Prints a table, backend by case, and "N passed, N failed".
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import drive                                      # noqa: E402
from cases import BACKENDS, CASES                 # noqa: E402
from fakes import Fakes                           # noqa: E402


def choose(arguments):
    """[(case, backend)]: all that suit, or a few of each case in turn."""
    chosen, turn = [], 0
    for case in CASES:
        if arguments.case and arguments.case not in case.name:
            continue
        suited = [backend for backend in BACKENDS if case.suits(backend)]
        if not arguments.all and not arguments.backend and not arguments.case:
            count = min(case.spread, len(suited))
            suited = [suited[(turn + at * len(suited) // count) % len(suited)] for at in range(count)]
            turn += 1
        chosen += [(case, backend) for backend in suited
                   if not arguments.backend or arguments.backend in backend.id]
    return chosen


def try_one(fakes, case, backend, keep):
    """None, or why it is not as it must be."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='espalier-remote-'))
    begun = time.monotonic()
    attempt = None
    try:
        attempt = drive.Attempt(fakes, case, backend, folder)
        attempt.run()
        return None, time.monotonic() - begun
    except drive.Skip as reason:
        return reason, 0
    except drive.Wrong as wrong:
        text = str(wrong)
    except Exception:
        text = traceback.format_exc()
    finally:
        if attempt:
            attempt.end()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return text + (f'\n{folder}' if keep else ''), time.monotonic() - begun


def sign(wrong):
    return '.' if wrong is None else 's' if isinstance(wrong, drive.Skip) else 'F'


def print_table(results):
    """A line a case, a column a backend: . as it must be, F not, s skipped, blank not tried."""
    width = max(len(case.name) for case, _ in results)
    for number, backend in enumerate(BACKENDS):
        print(f'# {chr(65 + number)}  {backend.id}')
    print('# ' + ' ' * width + '  ' + ' '.join(chr(65 + number) for number in range(len(BACKENDS))))
    for case in CASES:
        marks = [results.get((case, backend)) for backend in BACKENDS]
        if any(mark is not None for mark in marks):
            row = ' '.join(' ' if mark is None else sign(mark[0]) for mark in marks)
            print(f'# {case.name:{width}}  {row}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--tap', action='store_true')
    parser.add_argument('--keep', action='store_true', help='keep the folders of what failed')
    parser.add_argument('--jobs', type=int, default=6)
    parser.add_argument('--backend', default='')
    parser.add_argument('--case', default='')
    parser.add_argument('--throughput', action='store_true', help='only the 200 jobs on 50 connections')
    arguments = parser.parse_args()
    if not os.path.exists(drive.CLI):
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    if arguments.throughput:
        with Fakes() as fakes:
            return drive.throughput(fakes)

    chosen, results, begun = choose(arguments), {}, time.monotonic()
    if not chosen:
        print('conformance.py: no such case or backend', file=sys.stderr)
        return 2
    with Fakes() as fakes, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        pending = {pool.submit(try_one, fakes, case, backend, arguments.keep): (case, backend)
                   for case, backend in chosen}
        for done in concurrent.futures.as_completed(pending):
            case, backend = pending[done]
            results[case, backend] = done.result()
            wrong, seconds = results[case, backend]
            if not arguments.tap and (sign(wrong) == 'F' or seconds > 30):
                print(f'{case.name} · {backend.id}: {wrong or "slow"} ({seconds:.1f} s)', flush=True)
    if arguments.tap:
        print(f'1..{len(chosen)}')
        for number, (case, backend) in enumerate(chosen, 1):
            wrong = results[case, backend][0]
            name = f'{case.name} · {backend.id}'.replace('#', '')
            if sign(wrong) == 's':
                print(f'ok {number} - {name} # SKIP {wrong}')
                continue
            for line in (wrong or '').splitlines():
                print(f'# {line}')
            print(f'{"not ok" if wrong else "ok"} {number} - {name}')
    print_table(results)
    signs = [sign(wrong) for wrong, _ in results.values()]
    failed, skipped = signs.count('F'), signs.count('s')
    whole = len(chosen) == sum(case.suits(backend) for case in CASES for backend in BACKENDS)
    if whole:
        with Fakes() as fakes:
            failed += drive.throughput(fakes)
    print(f'# {time.monotonic() - begun:.0f} s' if arguments.tap
          else f'\n{len(results) + whole - failed - skipped} passed, {failed} failed'
          + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
