#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many small mistakes the tests notice, where a mistake loses data or money.

    mutate.py SOURCE_ROOT BUILD_ROOT [AREA…] [--sample N] [--all] [--seed S] [--file GLOB] [--report FILE]

A copy of the tree is built with all mutants of an area's files in it (mutants.py); the area's tests are run once to see which
of them comes by which mutant, and then for each mutant those that do, the quickest first, until one fails. One that makes a test
run for far too long counts as noticed as well. A mutant that no test comes by survives.

Mutants that make no difference that anybody could see stand in tests/mutation/equivalent.txt, each with the reason, and do not
count. Without --all a sample is drawn from each area, the same for the same seed.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import json
import math
import os
import pathlib
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from mutants import File

# What a mistake costs, the files, and the tests (patterns) that look after them.
AREAS = {
    'document': (['src/core/document/*.c'],
                 ['core-changes*', 'core-crash', 'core-database-open', 'core-document*', 'core-library', 'core-watch',
                  'core-working-copy*', 'core-faults*', 'core-sweep-crash', 'core-replay',
                  'cli-thumbnailer']),
    'journal': (['src/core/backend/remote/esp-journal*.c'],
                ['remote-journal*', 'remote-turn*', 'remote-kept', 'core-remote-backend*', 'core-remote-crowd']),
    'queue': (['src/core/jobs/esp-queue*.c', 'src/core/jobs/esp-job*.c', 'src/core/jobs/esp-rescue.c'],
              ['core-queue*', 'core-registry', 'core-replay', 'core-rescue']),
    'keys': (['src/core/accounts/esp-key*.c'],
             ['core-accounts*', 'remote-turn']),
}
EQUIVALENT = 'tests/mutation/equivalent.txt'
PATIENCE = 6  # times as long as the test takes, and some seconds


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


class Tree:
    """The copy, with mutants in the files of the areas that were asked for."""

    def __init__(self, root, build, areas, pattern):
        self.root, self.tree, self.build = root, build / 'tree', build / 'build'
        self.mutants = {}  # by number
        self.area_of = {}
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        names = run('git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard',
                    stdout=subprocess.PIPE).stdout.decode().split('\0')
        for name in filter(None, names):
            if (root / name).is_file():  # one may have been removed just now
                target = self.tree / name
                target.parent.mkdir(parents=True, exist_ok=True)
                # What had mutants in it the last time is compiled anew.
                copy = shutil.copy if any(fnmatch.fnmatch(name, one) for files, _ in AREAS.values() for one in files) else shutil.copy2
                copy(root / name, target)
        self.configure()
        for area in areas:
            self.mutate(area, pattern)

    def configure(self):
        if not (self.build / 'build.ninja').exists():
            shutil.rmtree(self.build, ignore_errors=True)
            run('/usr/bin/meson', 'setup', self.build, self.tree, '-Dcuda=disabled', '-Dwerror=false', '-Dbuildtype=debug',
                '-Doptimization=1', stdout=sys.stderr)
        else:
            run('ninja', '-C', self.build, 'build.ninja', stdout=sys.stderr)
        self.commands = {pathlib.Path(entry['directory'], entry['file']).resolve(): entry
                         for entry in json.loads((self.build / 'compile_commands.json').read_text())}

    def arguments(self, path):
        entry = self.commands[path.resolve()]
        found = [word for word in shlex.split(entry['command'])[1:] if word.startswith(('-I', '-D', '-std', '-pthread'))]
        return ['-I' + str(pathlib.Path(entry['directory'], word[2:]).resolve()) if word.startswith('-I') else word
                for word in found]

    def mutate(self, area, pattern):
        paths = sorted({path for wanted in AREAS[area][0] for path in self.tree.glob(wanted)})
        for path in paths:
            name = str(path.relative_to(self.tree))
            if fnmatch.fnmatch(name, pattern):
                file = File(path, name, self.arguments(path))
                text, mutants = file.mutate(len(self.mutants) + 1)
                path.write_bytes(text)
                for mutant in mutants:
                    self.mutants[mutant.number] = mutant
                    self.area_of[mutant.number] = area

    def tests(self, areas):
        known = json.loads((self.build / 'meson-info' / 'intro-tests.json').read_text())
        patterns = {area: AREAS[area][1] for area in areas}
        return {test['name']: test for test in known
                if any(fnmatch.fnmatch(test['name'], one) for wanted in patterns.values() for one in wanted)}

    def compile(self, tests):
        targets = run(self.root / 'tools/dev/list-tests.py', '--targets', self.build, *tests, stdout=subprocess.PIPE, text=True)
        run('ninja', '-C', self.build, *targets.stdout.split(), stdout=sys.stderr)


class Test:
    def __init__(self, tree, entry):
        self.name, self.command, self.folder = entry['name'], entry['cmd'], entry['workdir'] or str(tree.build)
        self.environment = {**os.environ, 'G_DEBUG': 'fatal-criticals', 'MALLOC_PERTURB_': '85',
                            'ESPALIER_DATA_DIR': str(tree.tree / 'data'),
                            'ESPALIER_ENGINE': str(tree.build / 'src/engine/worker/espalier-engine'),
                            'ESPALIER_DECODER': str(tree.build / 'src/decoder/espalier-decoder'),
                            'GSETTINGS_SCHEMA_DIR': str(tree.build / 'data/settings'), **entry['env']}
        self.seconds = 0.0

    def passes(self, seconds=None, **environment):
        """Whether it does, within that time; whatever it leaves behind ends with it."""
        with tempfile.TemporaryDirectory(prefix='espalier-mutant-') as scratch:
            os.chmod(scratch, 0o1777)  # for what tests do as another user
            with subprocess.Popen(self.command, cwd=self.folder, env={**self.environment, 'TMPDIR': scratch, **environment},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  start_new_session=True) as process:
                try:
                    output, _ = process.communicate(timeout=seconds)
                except subprocess.TimeoutExpired:
                    return False
                finally:
                    try:
                        os.killpg(process.pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        self.said = lines = output.decode(errors='replace').splitlines()
        return process.returncode == 0 and not any(line.startswith('not ok') for line in lines)

    def reached(self, count):
        """The mutants that it comes by, of so many, when none is chosen. It has to pass."""
        with tempfile.NamedTemporaryFile(prefix='espalier-trace-') as trace:
            trace.truncate(count + 1)
            begin = time.monotonic()
            if not self.passes(900, ESP_MUTANT_TRACE=trace.name):
                return None
            self.seconds = time.monotonic() - begin
            return {number for number, seen in enumerate(pathlib.Path(trace.name).read_bytes()) if seen}


def read_equivalent(root):
    """{(file, kind, what stands there): reason}; the file's form is told in itself."""
    known = {}
    for line in (root / EQUIVALENT).read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            file, kind, before, reason = [part.strip() for part in line.split(' | ')]
            known[file, kind, before] = reason
    return known


def look(mutant, tests, reached):
    """The test that notices it, or None."""
    for test in sorted((test for test in tests if mutant.number in reached[test.name]), key=lambda test: test.seconds):
        if not test.passes(test.seconds * PATIENCE + 20, ESP_MUTANT=str(mutant.number)):
            return test.name
    return None


def draw(tree, areas, reached, options, equivalent):
    """The mutants that are looked at, and how many of each area count at all."""
    counted = collections.defaultdict(list)
    for number, mutant in tree.mutants.items():
        if (mutant.file, mutant.kind, mutant.before) not in equivalent:
            counted[tree.area_of[number]].append(mutant)
    chosen = []
    for area in areas:
        mutants = counted[area]
        if not options.all and len(mutants) > options.sample:
            mutants = random.Random(f'{options.seed} {area}').sample(mutants, options.sample)
        chosen += sorted(mutants, key=lambda mutant: mutant.number)
    return chosen, {area: len(counted[area]) for area in areas}


def report(tree, areas, results, totals, equivalent):
    rows = []
    for area in areas:
        looked = [mutant for mutant in results if tree.area_of[mutant.number] == area]
        killed = sum(results[mutant] is not None for mutant in looked)
        share = killed / len(looked) if looked else math.nan
        margin = 1.96 * math.sqrt(share * (1 - share) / len(looked)) if looked else math.nan
        rows.append((area, totals[area], len(looked), killed, share, margin))
    print('| area | mutants | looked at | noticed | share |')
    print('| --- | --- | --- | --- | --- |')
    for area, total, looked, killed, share, margin in rows:
        spread = '' if looked == total else f' ± {margin:.0%}'
        print(f'| {area} | {total} | {looked} | {killed} | {share:.0%}{spread} |')
    survivors = [mutant for mutant, test in results.items() if test is None]
    print(f'\nNot noticed ({len(survivors)}):')
    for mutant in survivors:
        print(f'  {mutant}')
    return rows, survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=pathlib.Path)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('areas', nargs='*', metavar='AREA')
    parser.add_argument('--sample', type=int, default=100)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--file', default='*', help='only files of this name (a pattern)')
    parser.add_argument('--report', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    options = parser.parse_args()
    areas = options.areas or list(AREAS)
    if unknown := set(areas) - set(AREAS):
        sys.exit(f'no such area: {", ".join(sorted(unknown))}; there are {", ".join(AREAS)}')
    root, build = options.root.resolve(), options.build.resolve()
    equivalent = read_equivalent(root)
    tree = Tree(root, build, areas, options.file)
    if not tree.mutants:
        sys.exit('there is nothing to mutate')
    entries = tree.tests(areas)
    tree.compile(entries)
    tests, reached = [], {}
    for entry in entries.values():
        test = Test(tree, entry)
        seen = test.reached(max(tree.mutants))
        if seen is None:
            sys.exit('\n'.join([*test.said[-20:], f'{test.name} does not pass without any mistake']))
        if seen:
            tests.append(test)
            reached[test.name] = seen
            print(f'{test.name}: {test.seconds:.1f} s, comes by {len(seen)} of {len(tree.mutants)}', file=sys.stderr)
    chosen, totals = draw(tree, areas, reached, options, equivalent)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(look, mutant, tests, reached): mutant for mutant in chosen}
        for count, future in enumerate(concurrent.futures.as_completed(futures), 1):
            mutant = futures[future]
            results[mutant.number] = future.result()
            if results[mutant.number] is None or count % 20 == 0:
                what = 'survives: ' if results[mutant.number] is None else 'noticed: '
                print(f'{count}/{len(chosen)} {what}{mutant}', file=sys.stderr, flush=True)
    ordered = {number: results[number] for number in sorted(results)}
    rows, survivors = report(tree, areas, {tree.mutants[number]: test for number, test in ordered.items()}, totals, equivalent)
    if options.report:
        options.report.write_text(json.dumps({'areas': rows, 'survivors': [str(mutant) for mutant in survivors]}, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
