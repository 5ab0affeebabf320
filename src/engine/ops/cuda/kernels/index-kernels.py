#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the index of kernels that are installed as files (cuda-kernels.c reads it).

    index-kernels.py OUTPUT SOURCES VERSION ARCHITECTURES (NAME BINARY|-)…

SOURCES is the header that hash-sources.py wrote, VERSION the engine's.
"""
import hashlib
import json
import pathlib
import re
import sys


def main():
    output, sources, version, architectures, *pairs = sys.argv[1:]
    header = pathlib.Path(sources).read_text(encoding='utf-8')
    modules = {}
    for name, path in zip(pairs[::2], pairs[1::2]):
        if path != '-':
            data = pathlib.Path(path).read_bytes()
            modules[name] = {'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}
    index = {
        'format': 1,
        'sources': re.search('ESP_CUDA_SOURCES "([0-9a-f]+)"', header).group(1),
        'version': version,
        'architectures': architectures,
        'modules': modules,
    }
    pathlib.Path(output).write_text(json.dumps(index, indent=2) + '\n', encoding='utf-8')
    total = sum(module['bytes'] for module in modules.values())
    print(f'CUDA kernels for {architectures}: {total / 1e6:.2f} MB in {len(modules)} files')


if __name__ == '__main__':
    main()
