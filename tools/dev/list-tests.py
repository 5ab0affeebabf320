#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the names of a build's tests that begin with one of the given areas: `engine` → engine-*."""
import json
import pathlib
import sys

build, areas = pathlib.Path(sys.argv[1]), sys.argv[2:]
tests = json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
for test in tests:
    if test['name'].split('-')[0] in areas:
        print(test['name'])
