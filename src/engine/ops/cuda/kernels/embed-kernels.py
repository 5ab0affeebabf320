#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the assembler source that embeds the kernels' binaries as esp_cuda_images[] (cuda-device.h).

    embed-kernels.py OUTPUT ARCHITECTURES (NAME BINARY|-)…

Says how large they are. The source has each binary's hash, so that it differs when one of them does.
"""
import hashlib
import pathlib
import sys

SYMBOL = '''
    .section {section}
    .balign {align}
    .globl {name}
    .type {name}, %object
    .size {name}, {size}
{name}:
'''


def main():
    output, architectures, *pairs = sys.argv[1:]
    modules = [(name, None if path == '-' else pathlib.Path(path).resolve())
               for name, path in zip(pairs[::2], pairs[1::2])]
    text = ['/* The kernels for NVIDIA cards, made by embed-kernels.py. */', '    .section .rodata']
    sizes = []
    for number, (name, path) in enumerate(modules):
        text += [f'name{number}: .asciz "{name}"', '    .balign 64', f'data{number}:']
        size = 0
        if path:
            data = path.read_bytes()
            size = len(data)
            text += [f'    /* {hashlib.sha256(data).hexdigest()} */', f'    .incbin "{path}"']
            sizes.append(f'{name} {size / 1e3:.0f} kB')
        else:
            text.append('    .byte 0')
        text.append(f'    .set size{number}, {size}')
    table = SYMBOL.format(section='.data.rel.ro, "aw"', align=8, name='esp_cuda_images', size=24 * len(modules))
    text.append(table + '\n'.join(f'    .8byte name{number}, data{number}, size{number}'
                                  for number in range(len(modules))))
    text.append(SYMBOL.format(section='.rodata', align=1, name='esp_cuda_architectures',
                              size=len(architectures) + 1) + f'    .asciz "{architectures}"')
    text.append(SYMBOL.format(section='.rodata', align=1, name='esp_cuda_has_kernels', size=1) + '    .byte 1')
    text.append('    .section .note.GNU-stack, "", %progbits\n')
    pathlib.Path(output).write_text('\n'.join(text), encoding='utf-8')
    total = sum(path.stat().st_size for _, path in modules if path)
    print(f'CUDA kernels for {architectures}: {", ".join(sizes)}; {total / 1e6:.2f} MB in all')


if __name__ == '__main__':
    main()
