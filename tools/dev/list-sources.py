#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print every C file of this tree that a build compiles, once each, from its compile commands."""
import json
import os
import pathlib
import sys

build = pathlib.Path(sys.argv[1]).resolve()
commands = json.loads((build / 'compile_commands.json').read_text())
files = {os.path.normpath(os.path.join(c['directory'], c['file'])) for c in commands}
for name in sorted(files):
    if name.endswith('.c') and not name.startswith(f'{build}/'):
        print(name)
