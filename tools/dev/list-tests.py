#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the names of a build's tests that begin with one of the given areas (`engine` → engine-*) or have one of
the names, or what ninja has to build for them. Those of the suite "levels" repeat others for another processor, and
are left out.

    list-tests.py [--targets] BUILD AREA|NAME…
    list-tests.py --fuzzers BUILD          what has to be built for libFuzzer
"""
import argparse
import json
import os
import pathlib

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument('--targets', action='store_true')
parser.add_argument('build', type=pathlib.Path)
parser.add_argument('--fuzzers', action='store_true')
parser.add_argument('areas', nargs='*')
arguments = parser.parse_args()
build = arguments.build.resolve()

if arguments.fuzzers:
    for target in json.loads((build / 'meson-info' / 'intro-targets.json').read_text()):
        if target['type'] == 'executable' and target['name'].startswith('fuzz-'):
            print(os.path.relpath(target['filename'][0], build))
    raise SystemExit

tests = [test for test in json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
         if (any(test['name'] == area or test['name'].startswith(area + '-') for area in arguments.areas))
         and not any(suite.endswith(':levels') for suite in test['suite'])]
if arguments.targets:
    files = {target['id']: target['filename']
             for target in json.loads((build / 'meson-info' / 'intro-targets.json').read_text())}
    needed = {file for test in tests for target in test['depends'] for file in files[target]}
    if needed:  # translations belong to any program, and no test names them
        needed |= {file for names in files.values() for file in names if file.endswith('.mo')}
    for file in sorted(needed):
        print(os.path.relpath(file, build))
else:
    print('\n'.join(test['name'] for test in tests))
