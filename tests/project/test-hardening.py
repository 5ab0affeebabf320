#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the compiler and the linker were told to do for the programs' safety is in the programs (docs/security.md).

    test-hardening.py SOURCE_ROOT BUILD_ROOT
"""
import collections
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, case, note, run

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
TARGETS = json.loads((BUILD / 'meson-info/intro-targets.json').read_text(encoding='utf-8'))
OPTIONS = {entry['name']: entry['value']
           for entry in json.loads((BUILD / 'meson-info/intro-buildoptions.json').read_text(encoding='utf-8'))}
# What is installed and can be started: nobody has to add a new program here.
PROGRAMS = sorted(pathlib.Path(target['filename'][0]) for target in TARGETS
                  if target['type'] == 'executable' and target['installed'])
X86 = platform.machine() == 'x86_64'
ENDBR64 = bytes.fromhex('f30f1efa')
# Scratch memory for numbers, which nobody fills with zeros first (docs/security.md has what it would cost).
NOT_ZEROED = 'src/engine/ops/cpu/'
PROBE = '''
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main (int argc, char **argv)
{
  char name[32];
  ssize_t length = read (0, name, (size_t) argc * 16);
  if (length < 0 || argc < 1)
    return 1;
  strcpy (name, argv[0]);
  return puts (name) < 0;
}
'''


def readelf(path, *options):
    return subprocess.run(['readelf', '--wide', *options, str(path)], capture_output=True, text=True, check=True,
                          env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'}).stdout


def segments(path):
    """(type, flags) of each program header: `GNU_STACK`, `RW`."""
    return re.findall(r'^  ([A-Z]\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3}) ', readelf(path, '--program-headers'), re.M)


def imports(path):
    """Names of functions that it takes from libraries, without their versions."""
    return set(re.findall(r' UND (\w+)', readelf(path, '--dyn-syms')))


def is_fortified(functions):
    return any(re.fullmatch(r'__\w+_chk', name) and name != '__stack_chk_fail' for name in functions)


def entries(path):
    """The first bytes of each function that others than its own file can call, by name."""
    data = path.read_bytes()
    loads = [tuple(int(number, 16) for number in row) for row in re.findall(
        r'^  LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) ', readelf(path, '--program-headers'), re.M)]
    found = {}
    for address, name in re.findall(r'^ *\d+: (\w+) +(?!0 )\d+ FUNC +GLOBAL +\w+ +\d+ (\S+)$', readelf(path, '--symbols'), re.M):
        for offset, start, size in loads:
            if start <= int(address, 16) < start + size:
                place = int(address, 16) - start + offset
                found[name] = data[place:place + len(ENDBR64)]
    return found


def weaknesses(path):
    """What of an executable file is weaker than it has to be, a sentence each."""
    found, dynamic = [], readelf(path, '--dynamic')
    parts = collections.defaultdict(list)
    for kind, flags in segments(path):
        parts[kind].append(flags)
    functions = imports(path)
    if 'DYN' not in readelf(path, '--file-header') or not re.search(r'FLAGS_1\).*\bPIE\b', dynamic):
        found.append('is loaded to the same address each time (no PIE)')
    if not re.search(r'FLAGS\).*\bBIND_NOW\b|FLAGS_1\).*\bNOW\b', dynamic):
        found.append('finds functions when they are called (no BIND_NOW)')
    if 'GNU_RELRO' not in parts:
        found.append('leaves tables of addresses writable (no GNU_RELRO)')
    if not parts['GNU_STACK'] or any('E' in flags for flags in parts['GNU_STACK']):
        found.append('has a stack that can be executed')
    if any('W' in flags and 'E' in flags for flags in parts['LOAD']):
        found.append('has memory that can be written and executed')
    if 'TEXTREL' in dynamic:
        found.append('has code that is changed when it is loaded')
    if re.search(r'\((RPATH|RUNPATH)\)', dynamic):
        found.append('looks for libraries in folders of its own')
    if '__stack_chk_fail' not in functions:
        found.append('does not guard its stack')
    if not is_fortified(functions):
        found.append('does not check sizes in the C library (_FORTIFY_SOURCE)')
    if X86:
        bare = sorted(name for name, start in entries(path).items() if start != ENDBR64 and not name.startswith('_'))
        if bare:
            found.append(f'has {len(bare)} functions that an indirect branch cannot be checked for: {" ".join(bare[:5])}')
    elif platform.machine() == 'aarch64' and not re.search(r'\bpaciasp\b|hint\s+#0x19', disassembly(path)):
        found.append('does not sign return addresses')
    return found


def disassembly(path):
    return subprocess.run(['objdump', '--disassemble=main', str(path)], capture_output=True, text=True, check=True).stdout


def ready():
    """Only an optimised build without a sanitizer has everything."""
    if not shutil.which('readelf'):
        raise Skip('binutils are not installed')
    if OPTIONS['b_sanitize'] != 'none':
        raise Skip('a sanitizer takes the place of _FORTIFY_SOURCE')
    if OPTIONS['optimization'] in ('plain', '0', 'g'):
        raise Skip('sizes are checked in optimised code only')


def built():
    ready()
    missing = [path.name for path in PROGRAMS if not path.exists()]
    assert not missing, f'not built: {missing}'
    return PROGRAMS


def compiled(folder):
    """Arguments of each C file below `folder` of the tree, as the compiler was called."""
    commands = json.loads((BUILD / 'compile_commands.json').read_text(encoding='utf-8'))
    found = [(str(path.relative_to(ROOT)), entry['command'].split()) for entry in commands
             for path in [(BUILD / entry['file']).resolve()]
             if path.is_relative_to(ROOT / folder) and not path.is_relative_to(BUILD) and path.suffix == '.c']
    assert found, folder
    return found


def last(arguments, *wanted):
    """Which of the arguments that contradict each other comes last, and so holds."""
    return next((argument for argument in reversed(arguments) if argument in wanted), None)


@case
def every_program_is_looked_at():
    names = {path.name for path in PROGRAMS}
    assert names >= {'espalier', 'espalier-cli', 'espalier-decoder', 'espalier-thumbnailer', 'espalier-engine'}, names


@case
def no_program_is_weaker_than_it_has_to_be():
    wrong = {path.name: weaknesses(path) for path in built()}
    for path in PROGRAMS:
        checked = sorted(name for name in imports(path) if is_fortified([name]))
        note(f'{path.name}: {len(entries(path))} functions to be called, '
             f'{len(checked)} functions of the C library that check sizes')
    assert not any(wrong.values()), wrong


@case
def notes_for_the_processor_are_there_where_the_system_s_own_parts_have_them():
    built()
    if not X86:
        raise Skip('for x86-64')
    with tempfile.TemporaryDirectory() as place:
        probe = build_probe(pathlib.Path(place), '-fcf-protection=full')
        wanted = set(re.findall(r'IBT|SHSTK', readelf(probe, '--notes')))
    note(f'a program of this system can have: {", ".join(sorted(wanted)) or "none (its crt1.o has not)"}')
    for path in PROGRAMS:
        have = set(re.findall(r'IBT|SHSTK', readelf(path, '--notes')))
        assert have >= wanted, f'{path.name}: {have} instead of {wanted}'


@case
def every_file_is_compiled_with_the_same_protection():
    ready()
    flags = ['-fstack-protector-strong', '-fstack-clash-protection', *(['-fcf-protection=full'] if X86 else [])]
    zeros = '-ftrivial-auto-var-init=zero'
    # Compilers before clang 16 do not have it.
    expected = any(zeros in arguments for _, arguments in compiled('src'))
    if not expected:
        note('this compiler does not fill what is on the stack with zeros')
    for name, arguments in compiled('src'):
        for flag in flags:
            assert flag in arguments, f'{name} is compiled without {flag}'
        assert not any(argument.startswith('-fno-stack') for argument in arguments), name
        assert any('-D_FORTIFY_SOURCE' in argument for argument in arguments), f'{name} without _FORTIFY_SOURCE'
        filled = last(arguments, zeros, '-ftrivial-auto-var-init=uninitialized') == zeros
        assert filled == (expected and not name.startswith(NOT_ZEROED)), f'{name}: {filled}'


def build_probe(place, *flags):
    source, program = place / 'probe.c', place / 'probe'
    source.write_text(PROBE, encoding='utf-8')
    subprocess.run(['cc', '-w', *flags, str(source), '-o', str(program)], check=True, capture_output=True, text=True)
    return program


@case
def what_is_missing_is_seen():
    ready()
    if not shutil.which('cc'):
        raise Skip('there is no compiler to build something weak with')
    with tempfile.TemporaryDirectory() as place:
        weak = build_probe(pathlib.Path(place), '-O2', '-U_FORTIFY_SOURCE', '-fno-stack-protector', '-no-pie', '-fno-pie',
                           '-fcf-protection=none' if X86 else '-O2', '-Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/tmp')
        found = ' '.join(weaknesses(weak))
        for word in ('PIE', 'BIND_NOW', 'GNU_RELRO', 'can be executed', 'libraries', 'guard', '_FORTIFY_SOURCE') \
                + (('indirect branch',) if X86 else ()):
            assert word in found, f'{word}: {found}'
        strong = build_probe(pathlib.Path(place), '-O2', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2', '-fPIE', '-pie',
                             '-fstack-protector-all', '-fcf-protection=full' if X86 else '-mbranch-protection=standard',
                             '-Wl,-z,relro,-z,now,-z,noexecstack')
        assert not weaknesses(strong), weaknesses(strong)


sys.exit(run())
