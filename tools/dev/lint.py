#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for mistakes without running anything: clang-tidy, cppcheck, and gcc's analyser for core and engine.

    lint.py [--quick] [--only CHECKER]… BUILD [FILE]…

Looks at FILEs, or at every C file of this tree that BUILD compiles. A file that was found clean is not looked at again until
it, a header of ours that it includes, its flags, a checker's settings or version, or this script changes: what is clean is
remembered in BUILD/lint. --quick leaves out clang-tidy's own analyser, which is most of the time and of which gcc's takes
the place in CI.

What gcc's analyser says wrongly is in tests/project/analyzer-reasons.txt, each with the reason; what is there and is not
said any more is a finding, too, when the file that it is about was looked at.

Prints findings, and then for each checker how many files, findings and seconds. Exits 1 if there are findings, 2 if a
checker could not be run.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REASONS = ROOT / 'tests/project/analyzer-reasons.txt'
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
FINDING = re.compile(r'^(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+): (?P<kind>warning|error): (?P<text>.*)$')
# cppcheck cannot read GLib's macros for types; what they make is not its concern.
CPPCHECK = [
    'cppcheck', '--quiet', '--std=c11', '--library=gtk', '--enable=warning,portability,performance', '--inline-suppr',
    '--suppress=missingIncludeSystem',
    '--suppress=invalidPointerCast',  # casting scratch memory is what the kernels do
    '-DG_DEFINE_QUARK(a,b)=', '-DG_DEFINE_AUTOPTR_CLEANUP_FUNC(a,b)=', '-DG_GNUC_PRINTF(a,b)=',
    '-DG_DEFINE_FINAL_TYPE(a,b,c)=', '-DG_DEFINE_BOXED_TYPE(a,b,c,d)=', '-DG_DECLARE_FINAL_TYPE(a,b,c,d,e)=',
    '-DG_DEFINE_EXTENDED_ERROR(a,b)=', '-DG_BEGIN_DECLS=', '-DG_END_DECLS=', f'-I{ROOT}/src/engine', f'-I{ROOT}/src/core',
    '--template={file}:{line}:{column}: warning: {message} [{id}]']
CLANG_TIDY = [
    'clang-tidy', '--quiet', '--warnings-as-errors=*',
    # An uninitialised variable is a mistake, whatever the programs are built to make of it.
    '--extra-arg=-ftrivial-auto-var-init=uninitialized',
    # The compiler's own warnings are for the compiler that builds it.
    '--extra-arg=-Wno-error']


class Source:
    """A C file, how it is compiled, and a hash of all of ours that it is made of."""
    headers = {}  # of a path, what it includes and the hash of its bytes

    def __init__(self, path, command):
        self.path = path
        self.folder = pathlib.Path(command['directory'])
        arguments = shlex.split(command['command'])
        while pathlib.Path(arguments[0]).name in ('ccache', 'sccache', 'distcc'):
            arguments.pop(0)
        self.compiler = arguments[0]
        self.arguments = arguments[1:]
        self.include = [(self.folder / argument[2:]).resolve() for argument in arguments if argument.startswith('-I')]

    @property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    @classmethod
    def read(cls, path):
        if path not in cls.headers:
            data = path.read_bytes()
            cls.headers[path] = ([name.decode() for name in INCLUDE.findall(data)], hashlib.sha256(data).hexdigest())
        return cls.headers[path]

    def digest(self):
        """Of the flags, the file and every header of ours that it reaches; those of the system count by version."""
        waiting, seen = [self.path], {}
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            names, seen[path] = self.read(path)
            for name in names:
                for folder in (path.parent, *self.include):
                    found = pathlib.Path(os.path.normpath(folder / name))
                    if found.is_file():
                        waiting.append(found)
                        break
        parts = [' '.join(self.arguments)] + [f'{path} {digest}' for path, digest in sorted(seen.items())]
        return hashlib.sha256('\n'.join(parts).encode()).hexdigest()


class Finding:
    def __init__(self, path, line, column, text):
        self.path, self.line, self.column, self.text = path, int(line), int(column), text

    def __str__(self):
        return f'{self.path}:{self.line}:{self.column}: {self.text}'


def version(*command):
    done = subprocess.run([*command, '--version'], capture_output=True, text=True, check=False)
    return done.stdout


def parsed(output, folder):
    """The findings in a compiler's output, each once, by paths of this tree where they are in it."""
    found = {}
    for line in output.splitlines():
        match = FINDING.match(line)
        if match:
            path = pathlib.Path(os.path.normpath(folder / match['path']))
            name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
            finding = Finding(name, match['line'], match['column'], match['text'])
            found[str(finding)] = finding
    return list(found.values())


class ClangTidy:
    name = 'clang-tidy'

    def __init__(self, options):
        self.build, self.quick = options.build, options.quick
        settings = (ROOT / '.clang-tidy', ROOT / 'tests/.clang-tidy')
        self.settings = ''.join(path.read_text(encoding='utf-8') for path in settings) + version('clang-tidy') + str(self.quick)

    def wants(self, source):
        return True

    def look(self, source):
        checks = ['--checks=-clang-analyzer-*'] if self.quick else []
        done = subprocess.run([*CLANG_TIDY, *checks, '-p', str(self.build), str(source.path)],
                              capture_output=True, text=True, check=False)
        found = parsed(done.stdout, source.folder)
        if done.returncode != 0 and not found:
            raise RuntimeError(f'{source.name}: clang-tidy: {done.stderr.strip()[-2000:]}')
        return found


class Cppcheck:
    name = 'cppcheck'

    def __init__(self, options):
        self.settings = version('cppcheck')

    def wants(self, source):
        # The programs' own sources: it cannot read GLib's test macros.
        return source.name.startswith('src/')

    def look(self, source):
        done = subprocess.run([*CPPCHECK, str(source.path)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{source.name}: cppcheck: {(done.stdout + done.stderr).strip()[-2000:]}')
        return parsed(done.stderr, source.folder)


class Analyzer:
    name = 'gcc -fanalyzer'
    # What instruments or changes code is not what is looked at, nor what only optimised code says; and what is inlined by
    # _FORTIFY_SOURCE hides the functions that the analyser knows.
    LEFT_OUT = ('-O', '-g', '-W', '-f', '-D_FORTIFY_SOURCE', '-U_FORTIFY_SOURCE')
    WITH_VALUE = ('-o', '-MF', '-MQ', '-MT')
    # What it follows vectors of eight numbers into at its usual depth takes minutes and is not worth them: see the reasons.
    SHALLOW = {'src/engine/files/quantise.c': ['--param', 'analyzer-max-svalue-depth=4']}

    def __init__(self, options):
        self.compiler = os.environ.get('ESPALIER_ANALYZER_CC', 'gcc')
        self.settings = version(self.compiler)
        self.reasons = self.read_reasons()

    @staticmethod
    def read_reasons():
        """Of each file, what is found wrongly; * is any text."""
        reasons = collections.defaultdict(list)
        for line in REASONS.read_text(encoding='utf-8').splitlines() if REASONS.exists() else []:
            if line and not line.startswith(('#', ' ')):
                path, text = line.split(': ', 1)
                reasons[path].append(text)
        return reasons

    def wants(self, source):
        return source.name.startswith(('src/core/', 'src/engine/', 'src/decoder/'))

    def arguments(self, source):
        kept, value = [], False
        for argument in source.arguments:
            if value:
                value = False
            elif argument in self.WITH_VALUE:
                value = True
            elif argument not in ('-c', '-MD', '-MMD') and (source.folder / argument).resolve() != source.path \
                    and (not argument.startswith(self.LEFT_OUT) or argument == '-fopenmp'):
                kept.append(argument)
        return kept

    def look(self, source):
        done = subprocess.run(
            # What a caller must not do is not what is asked: after a failed g_return_if_fail () anything may be NULL.
            # What clang's analyser is told of functions of other files (status.h) is as good for gcc's.
            [self.compiler, *self.arguments(source), '-DG_DISABLE_CHECKS', '-D__clang_analyzer__', '-fanalyzer', '-fdiagnostics-plain-output', '-fanalyzer-verbosity=0',
             *self.SHALLOW.get(source.name, []), '-c', '-o', '/dev/null', str(source.path)],
            cwd=source.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{source.name}: {self.compiler}: {done.stderr.strip()[-2000:]}')
        return self.without_reasoned(source, [finding for finding in parsed(done.stderr, source.folder)
                                              if '[-Wanalyzer-' in finding.text])

    def without_reasoned(self, source, found):
        unused, left = set(self.reasons[source.name]), []
        for finding in found:
            reasons = [text for text in self.reasons[source.name]
                       if re.fullmatch('.*'.join(map(re.escape, text.split('*'))), finding.text)]
            unused.difference_update(reasons)
            if not reasons:
                if finding.path != source.name:
                    finding.text += f' (in {source.name})'
                left.append(finding)
        return left + [Finding(REASONS.relative_to(ROOT).as_posix(), 0, 0, f'nothing like it is found any more: {source.name}: {text}')
                       for text in sorted(unused)]


CHECKERS = {'clang-tidy': ClangTidy, 'cppcheck': Cppcheck, 'analyzer': Analyzer}


def sources(build, wanted):
    """Every C file of the tree that the build compiles, or those that are wanted, once each."""
    found = {}
    for command in json.loads((build / 'compile_commands.json').read_text(encoding='utf-8')):
        path = pathlib.Path(os.path.normpath(os.path.join(command['directory'], command['file'])))
        if path.suffix == '.c' and path.is_relative_to(ROOT) and not path.is_relative_to(build) and path.is_file():
            found.setdefault(path, command)
    paths = [pathlib.Path(name).resolve() for name in wanted] or sorted(found)
    unknown = [str(path) for path in paths if path not in found and path.suffix == '.c']
    if unknown:
        sys.exit(f'lint: not compiled in {build.name}: {" ".join(unknown)}')
    return [Source(path, found[path]) for path in paths if path in found]


class Memory:
    """Which files were found clean: an empty file in BUILD/lint for each, whose name says all that it depends on."""

    def __init__(self, build, checker):
        self.folder = build / 'lint'
        self.folder.mkdir(exist_ok=True)
        self.reasons = getattr(checker, 'reasons', {})
        dependencies = (build / 'meson-info/intro-dependencies.json').read_text(encoding='utf-8')
        self.settings = checker.name + checker.settings + dependencies + pathlib.Path(__file__).read_text(encoding='utf-8')

    def mark(self, source):
        reasons = str(self.reasons.get(source.name))
        return self.folder / hashlib.sha256((self.settings + reasons + source.digest()).encode()).hexdigest()


def check(checker, memory, todo):
    """Returns findings, what could not be looked at, how many files were known to be clean, and the seconds it took."""
    began, found, broken, known = time.monotonic(), [], [], 0
    fresh = []
    for source in todo:
        mark = memory.mark(source)
        if mark.exists():
            known += 1
        else:
            fresh.append((source, mark))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        # The largest first, so that none is left over at the end.
        fresh.sort(key=lambda entry: -entry[0].path.stat().st_size)
        looks = {pool.submit(checker.look, source): mark for source, mark in fresh}
        for look in concurrent.futures.as_completed(looks):
            try:
                result = look.result()
            except RuntimeError as error:
                broken.append(str(error))
                print(error, flush=True)
                continue
            if not result:
                looks[look].touch()
            for finding in sorted(result, key=str):
                if str(finding) not in map(str, found):
                    found.append(finding)
                    print(finding, flush=True)
    return found, broken, known, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--only', action='append', choices=CHECKERS)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()
    options.build = options.build.resolve()
    todo, summary, status = sources(options.build, options.files), [], 0
    for name in options.only or CHECKERS:
        checker = CHECKERS[name](options)
        wanted = [source for source in todo if checker.wants(source)]
        found, broken, known, seconds = check(checker, Memory(options.build, checker), wanted)
        summary.append(f'{checker.name}: {len(wanted)} files ({known} unchanged since they were clean), '
                       f'{len(found)} findings' + (f', {len(broken)} files that it failed on' if broken else '')
                       + f', {seconds:.0f} s')
        status = 2 if broken else max(status, 1 if found else 0)
    print('\n'.join(summary))
    return status


if __name__ == '__main__':
    sys.exit(main())
