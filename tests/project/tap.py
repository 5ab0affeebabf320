# SPDX-License-Identifier: GPL-3.0-or-later
"""A few lines of TAP for the project tests: functions decorated with @case, then run()."""
import traceback

_cases = []


class Skip(Exception):
    """Raised by a case that cannot run here; the text says what is absent."""


def case(function):
    _cases.append(function)
    return function


def note(text):
    for line in str(text).splitlines():
        print(f'# {line}')


def run():
    print(f'1..{len(_cases)}')
    failed = 0
    for number, function in enumerate(_cases, 1):
        name = function.__name__.replace('_', ' ')
        try:
            function()
            print(f'ok {number} - {name}')
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}')
        except Exception:
            note(traceback.format_exc())
            print(f'not ok {number} - {name}')
            failed += 1
    return 1 if failed else 0
