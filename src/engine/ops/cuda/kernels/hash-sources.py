#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the hash of all that kernels are made of, by which engine and files of kernels know each other.

    hash-sources.py OUTPUT DEPFILE FOLDER

OUTPUT is a C header with ESP_CUDA_SOURCES.
"""
import hashlib
import pathlib
import sys


def main():
    output, depfile, folder = sys.argv[1:]
    sources = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix in ('.cu', '.cuh', '.h'))
    total = hashlib.sha256()
    for path in sources:
        total.update(f'{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n'.encode())
    pathlib.Path(output).write_text(
        '/* The hash of the kernels\' sources, made by hash-sources.py. */\n'
        f'#define ESP_CUDA_SOURCES "{total.hexdigest()}"\n', encoding='utf-8')
    pathlib.Path(depfile).write_text(f'{output}: {" ".join(map(str, sources))}\n', encoding='utf-8')


if __name__ == '__main__':
    main()
