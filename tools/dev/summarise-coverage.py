#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print gcovr's figures (its --json-summary file) folder by folder."""
import collections
import json
import os
import sys

with open(sys.argv[1], encoding='utf-8') as stream:
    report = json.load(stream)
folders = collections.defaultdict(lambda: [0, 0])
for entry in report['files']:
    folder = folders[os.path.dirname(entry['filename'])]
    folder[0] += entry['line_covered']
    folder[1] += entry['line_total']
for name, (covered, total) in sorted(folders.items()):
    print(f'{name:40} {covered:6} of {total:6} lines  {100 * covered / max(total, 1):5.1f} %')
print(f'{"all":40} {report["line_covered"]:6} of {report["line_total"]:6} lines  '
      f'{report["line_percent"]:5.1f} %')
