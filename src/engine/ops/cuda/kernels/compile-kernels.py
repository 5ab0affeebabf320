#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs nvcc for one module and one architecture.

    compile-kernels.py OUTPUT DEPFILE NVCC ARGUMENTS…

What ptxas says of each kernel's registers, spills and shared memory goes to OUTPUT.usage, which
`./dev bench cuda-static` and a test read; everything else that is said is printed.
"""
import pathlib
import re
import subprocess
import sys

USAGE = re.compile(r'ptxas info|^ +\d+ bytes stack frame|^ +\d+ bytes cumulative stack')


def main():
    output, depfile, *command = sys.argv[1:]
    if '-cubin' in command:
        command.append('--resource-usage')
    command += ['-MD', '-MF', depfile, '-MT', output, '-o', output]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines(keepends=True)
    usage = [line for line in lines if USAGE.search(line)]
    sys.stdout.writelines(line for line in lines if line not in usage)
    if done.returncode == 0 and '-cubin' in command:
        pathlib.Path(output + '.usage').write_text(''.join(usage), encoding='utf-8')
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())
