#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What ptxas gave each kernel: registers, spills, shared memory, from the files that compile-kernels.py leaves.

    kernel-usage.py --table FILE…    a Markdown table, a row a kernel and a column an architecture
    kernel-usage.py --check FILE…    TAP: nothing is spilled, nothing is left on the stack that need not be

FILE is named MODULE.ARCHITECTURE.cubin.usage. Dynamic shared memory is the host's choice and not ptxas's.
"""
import collections
import pathlib
import re
import sys

Usage = collections.namedtuple('Usage', 'registers stack spilled shared')

ENTRY = re.compile(r"Compiling entry function '(\w+)' for 'sm_(\w+)'")
STACK = re.compile(r'(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads')
USED = re.compile(r'Used (\d+) registers')
SHARED = re.compile(r'(\d+) bytes smem')


def read(path):
    """{kernel: Usage} of one file."""
    found, name, stack = {}, None, (0, 0, 0)
    for line in path.read_text(encoding='utf-8').splitlines():
        if entry := ENTRY.search(line):
            name = entry[1]
        elif numbers := STACK.search(line):
            stack = tuple(map(int, numbers.groups()))
        elif (registers := USED.search(line)) and name:
            shared = SHARED.search(line)
            found[name] = Usage(int(registers[1]), stack[0], stack[1] + stack[2],
                                int(shared[1]) if shared else 0)
            name = None
    return found


def read_all(paths):
    """{(module, architecture): {kernel: Usage}}, architectures by number."""
    modules = {}
    for path in map(pathlib.Path, paths):
        module, architecture = path.name.split('.')[:2]
        modules[module, architecture] = read(path)
    return dict(sorted(modules.items(), key=lambda item: (item[0][0], int(item[0][1].rstrip('a')))))


def cell(usage):
    if usage is None:
        return ''
    text = str(usage.registers)
    if usage.shared:
        text += f', {usage.shared} B'
    if usage.spilled or usage.stack:
        text += f', **{usage.spilled} B spilled, {usage.stack} B of stack**'
    return text


def print_table(modules):
    architectures = sorted({architecture for _, architecture in modules},
                           key=lambda name: int(name.rstrip('a')))
    print('Registers of a thread and static shared memory of a block; nothing is spilled where nothing is said.\n')
    print('| kernel | ' + ' | '.join(f'sm_{name}' for name in architectures) + ' |')
    print('| --- |' + ' --- |' * len(architectures))
    for module in sorted({module for module, _ in modules}):
        kernels = sorted({kernel for (name, _), found in modules.items() if name == module for kernel in found})
        for kernel in kernels:
            row = [cell(modules.get((module, name), {}).get(kernel)) for name in architectures]
            print(f'| `{kernel}` | ' + ' | '.join(row) + ' |')
    count = sum(len(found) for found in modules.values())
    spilled = sum(usage.spilled > 0 for found in modules.values() for usage in found.values())
    print(f'\n{count} kernels for {len(architectures)} architectures, {spilled} of them spill.')


def check(modules):
    failed = False
    for number, ((module, architecture), kernels) in enumerate(modules.items(), 1):
        spilling = {name: usage for name, usage in kernels.items()
                    if usage.spilled or usage.stack}
        for name, usage in spilling.items():
            print(f'# {name}: {usage.spilled} bytes spilled, {usage.stack} bytes of stack')
        good = bool(kernels) and not spilling
        failed |= not good
        print(f'{"ok" if good else "not ok"} {number} - {module} for sm_{architecture} spills nothing '
              f'({len(kernels)} kernels)')
    print(f'1..{len(modules)}')
    return failed


def main():
    mode, *paths = sys.argv[1:]
    modules = read_all(paths)
    if mode == '--check':
        return check(modules)
    print_table(modules)
    return 0


if __name__ == '__main__':
    sys.exit(main())
