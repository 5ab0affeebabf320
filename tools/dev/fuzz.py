#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feed every reader of foreign bytes with anything. `./dev fuzz` builds what is needed and calls this.

    fuzz.py --build BUILD [--minutes N] [TARGET…]   libFuzzer for N minutes of the processor each (5), from the kept
                                                    inputs and the fixtures; keeps what reached something new
    fuzz.py --build BUILD --measure [TARGET…]       only counts the lines that the kept inputs reach
    fuzz.py --smoke --build BUILD [--seconds S] [--seed N] [--tap FILE]
                                                    random variants of the kept inputs, for S seconds in all (60);
                                                    needs no libFuzzer. N: by the day
    fuzz.py --table                                 the table of docs/testing.md

tests/data/fuzz/targets.json says what each target reads, tests/data/fuzz/ledger.json how long it was run and what
it reached. What breaks a target is put into results/fuzz/TARGET; when that is mended, the input goes to
tests/data/fuzz/TARGET under a name that says what it was.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / 'tests' / 'data' / 'fuzz'
LEDGER = DATA / 'ledger.json'
RESULTS = ROOT / 'results' / 'fuzz'
TESTING = ROOT / 'docs' / 'testing.md'
GOAL_SECONDS = 30 * 60  # of the processor, for each target
KEPT_FILES, KEPT_BYTES = 300, 1 << 20
FOUND = re.compile(r'found-[0-9a-f]{12}$')  # others have names of their own, and stay whatever they reach
TABLE = re.compile(r'(<!-- \./dev fuzz --table -->\n).*?(<!-- end -->)', re.S)


def read_targets():
    return json.loads((DATA / 'targets.json').read_text())


def read_ledger():
    return json.loads(LEDGER.read_text()) if LEDGER.is_file() else {}


def write_ledger(ledger):
    LEDGER.write_text(json.dumps(ledger, indent=1, sort_keys=True) + '\n')


def find_program(build, prefix, name):
    for area in ('core', 'engine'):
        path = build / 'tests' / area / 'fuzz' / (prefix + name)
        if path.is_file():
            return path
    sys.exit(f'fuzz: {prefix}{name} is not in {build}')


def environment(target=None, leaks=False, **more):
    """With `leaks` the program tells at its end what it has lost. GLib has no frame pointers: to see whose a leak is takes
    the slow way through the stack at every allocation, five to twelve times as long in all. So what is looked for by the
    million is not asked that, and what is kept of it is, once. json-glib loses what it has read of a text that turns out
    to be none, which is left out by name."""
    # Where pictures are decoded in the target's own process: that of the decoder has a limit, and what libraries ask for
    # beyond it they do not get.
    limit = f":max_allocation_size_mb={target['allocation']}" if target and 'allocation' in target else ''
    unwind = 'detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=160' if leaks else 'detect_leaks=0'
    return dict(os.environ, LC_ALL='C.UTF-8', LANGUAGE='', G_SLICE='always-malloc', ESPALIER_CACHE_DIR='',
                ASAN_OPTIONS=f'allocator_may_return_null=1:strict_string_checks=1:{unwind}{limit}',
                UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1',
                LSAN_OPTIONS=f"suppressions='{ROOT}/tests/core/fuzz/lsan.supp':print_suppressions=0",
                **{'LLVM_PROFILE_FILE': '/dev/null', **more})


# --- Inputs ---------------------------------------------------------------------------------------

def write_seeds(target, folder):
    """What to begin with besides the kept inputs: fixtures, each behind a byte or so that the target wants."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in target.get('seeds', []):
        before = bytes.fromhex(seed.get('before', ''))
        after = bytes.fromhex(seed.get('after', ''))
        paths = sorted(ROOT.glob(seed['files'])) if 'files' in seed else [None]
        for path in paths:
            body = path.read_bytes() if path else seed['text'].encode()
            if len(body) > target.get('longest', 65536):
                continue
            data = before + body + after
            (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def kept(name):
    folder = DATA / name
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def keep(name, target, program, folders):
    """The smallest set of inputs that reaches what all of them reach, in tests/data/fuzz/NAME."""
    limit = target.get('longest', 65536)
    with tempfile.TemporaryDirectory() as scratch:
        merged = pathlib.Path(scratch) / 'merged'
        merged.mkdir()
        subprocess.run([program, '-set_cover_merge=1', f'-max_len={limit}', '-rss_limit_mb=2048', '-timeout=25',
                        f'-artifact_prefix={scratch}/', merged, DATA / name, *folders],
                       env=environment(target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        found = sorted(merged.iterdir(), key=lambda path: path.stat().st_size)
        if not found:
            print(f'{name}: nothing could be merged; the kept inputs stay as they are', file=sys.stderr)
            return
        (DATA / name).mkdir(parents=True, exist_ok=True)
        own = [path for path in kept(name) if not FOUND.match(path.name)]
        own_hashes = {hashlib.sha1(path.read_bytes()).hexdigest() for path in own}
        for path in kept(name):
            if FOUND.match(path.name):
                path.unlink()
        size = sum(path.stat().st_size for path in own)
        for path in found[:KEPT_FILES - len(own)]:
            data = path.read_bytes()
            digest = hashlib.sha1(data).hexdigest()
            size += len(data)
            if size > KEPT_BYTES:
                break
            if digest not in own_hashes:
                (DATA / name / f'found-{digest[:12]}').write_bytes(data)


# --- Running --------------------------------------------------------------------------------------

def cpu_seconds(pid):
    """Of a process and those of its children that have ended."""
    try:
        fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15]) / os.sysconf('SC_CLK_TCK')


def run_fuzzer(name, target, program, seconds):
    """Runs it for so many seconds of the processor; gives those, the executions, and what broke."""
    work, seeds, broken = RESULTS / name / 'work', RESULTS / name / 'seeds', RESULTS / name
    work.mkdir(parents=True, exist_ok=True)
    (DATA / name).mkdir(parents=True, exist_ok=True)
    write_seeds(target, seeds)
    command = ['nice', '-n', os.environ.get('ESPALIER_FUZZ_NICE', '19'), program, '-rss_limit_mb=2048', '-timeout=25',
               f'-max_len={target.get("longest", 65536)}', '-print_final_stats=1', '-use_value_profile=1', f'-artifact_prefix={broken}/']
    dictionary = DATA / 'dictionaries' / f'{target.get("dictionary", name)}.dict'
    if dictionary.is_file():
        command.append(f'-dict={dictionary}')
    before = {path.name for path in broken.iterdir()}
    spent, executions = 0.0, 0
    with open(broken / 'log', 'w', encoding='utf-8', errors='replace') as log:
        process = subprocess.Popen([*command, work, DATA / name, seeds], env=environment(target), stdout=log, stderr=log)
        try:
            while process.poll() is None:
                time.sleep(0.5)
                spent = max(spent, cpu_seconds(process.pid))
                if spent >= seconds:
                    process.send_signal(signal.SIGUSR1)
                    process.wait(60)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                process.kill()
    for match in re.finditer(r'stat::number_of_executed_units:\s*(\d+)',
                             (broken / 'log').read_text(errors='replace')):
        executions = int(match.group(1))
    new = sorted({path.name for path in broken.iterdir()} - before - {'log'})
    return spent, executions, [broken / path for path in new]


# --- Lines ----------------------------------------------------------------------------------------

def reader_lines(lcov, readers):
    """Lines of the reader's functions, and how many of them were reached. A reader is a file, or a file with the
    functions that read: "esp-x.c:read_*,esp_x_load"; "esp-x.c:-write_*": all but those."""
    found = {}
    for record in lcov.split('end_of_record\n'):
        source, starts, counts = None, [], {}
        for line in record.splitlines():
            key, _, value = line.partition(':')
            if key == 'SF':
                source = os.path.relpath(os.path.realpath(value), ROOT) if value.startswith('/') else value
            elif key == 'FN':
                start, _, function = value.partition(',')
                starts.append((int(start), function.rpartition(':')[2]))
            elif key == 'DA':
                number, count = value.split(',')[:2]
                counts[int(number)] = int(count)
        if source:
            found[source] = (sorted(starts), counts)
    lines = covered = 0
    for reader in readers:
        path, _, functions = reader.partition(':')
        leave_out = functions.startswith('-')
        patterns = [pattern.lstrip('-') for pattern in functions.split(',')] if functions else ['*']
        for source, (starts, counts) in found.items():
            if not source.endswith(path):
                continue
            for number, count in counts.items():
                owner = next((name for start, name in reversed(starts) if start <= number), '')
                if any(fnmatch.fnmatch(owner, pattern) for pattern in patterns) != leave_out:
                    lines += 1
                    covered += count > 0
    return lines, covered


def measure(name, target, program):
    """Lines of the reader that the kept inputs reach, and whether all of them went by without a finding or a leak."""
    log = RESULTS / name / 'kept'
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, open(log, 'wb') as said:
        raw, data = f'{scratch}/raw', f'{scratch}/data'
        kept_well = subprocess.run([program, '-runs=0', '-rss_limit_mb=2048', f'-artifact_prefix={scratch}/', DATA / name],
                                   env=environment(target, leaks=True, LLVM_PROFILE_FILE=raw), stdout=said, stderr=said,
                                   check=False).returncode == 0
        subprocess.run(['llvm-profdata', 'merge', '-sparse', '-o', data, raw], check=True)
        lcov = subprocess.run(['llvm-cov', 'export', '-format=lcov', f'-instr-profile={data}', program],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    if kept_well:
        log.unlink()
    return *reader_lines(lcov, target['reads']), [] if kept_well else [log]


def note(name, target, program, seconds=0.0, executions=0):
    """Into the ledger; gives where it is said what is wrong with the kept inputs."""
    lines, covered, broken = measure(name, target, program)
    ledger = read_ledger()
    entry = ledger.setdefault(name, {'cpu_seconds': 0, 'executions': 0})
    entry['cpu_seconds'] += round(seconds)
    entry['executions'] += executions
    entry['kept'] = len(kept(name))
    entry['lines'], entry['covered'] = lines, covered
    write_ledger(ledger)
    print(f'{name}: {seconds:.0f} s of the processor, {executions} executions; '
          f'{covered} of {lines} lines ({100 * covered / max(lines, 1):.0f} %), {entry["kept"]} kept inputs', flush=True)
    return broken


# --- Verbs ----------------------------------------------------------------------------------------

def fuzz(arguments, targets):
    broken = []
    for name in arguments.targets or sorted(targets):
        program = find_program(arguments.build, 'fuzz-', name)
        if arguments.measure:
            broken += note(name, targets[name], program)
            continue
        seconds, executions, found = run_fuzzer(name, targets[name], program, arguments.minutes * 60)
        keep(name, targets[name], program, [RESULTS / name / 'work', RESULTS / name / 'seeds'])
        broken += found + note(name, targets[name], program, seconds, executions)
    for path in broken:
        print(f'broken: {path}')
    return 1 if broken else 0


def smoke_one(build, name, seconds, seed):
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    result = subprocess.run([find_program(build, 'replay-', name), '--seconds', str(seconds), '--seed', str(seed),
                             '--keep', folder, DATA / name], env=environment(leaks=True), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors='replace', check=False)
    return name, result


def smoke(arguments, targets):
    """Prints TAP; what the programs said goes there only where one broke."""
    names = arguments.targets or sorted(targets)
    processes = os.cpu_count() or 1
    each = arguments.seconds * processes / len(names)
    # A check of every day has to say the same of the same tree.
    seed = arguments.seed if arguments.seed is not None else 1
    failed = 0
    lines = [f'1..{len(names)}']
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        jobs = [pool.submit(smoke_one, arguments.build, name, round(each, 2), seed) for name in names]
        for job in concurrent.futures.as_completed(jobs):
            name, result = job.result()
            ok = result.returncode == 0
            failed += not ok
            runs = re.search(r'(\d+) runs', result.stdout)
            lines.append(f'{"ok" if ok else "not ok"} - {name}: {runs.group(1) if runs else "?"} runs, seed {seed}')
            if not ok:
                print('\n'.join('# ' + line for line in result.stderr.splitlines()[-60:]), flush=True)
            print(lines[-1], flush=True)
    if arguments.tap:
        arguments.tap.write_text('\n'.join(lines) + '\n')
    return 1 if failed else 0


def table(targets):
    ledger = read_ledger()
    rows = ['| target | what it is fed with | lines of the reader | reached | minutes of the processor | inputs kept |',
            '| --- | --- | ---: | ---: | ---: | ---: |']
    total = collections.Counter()
    for name, target in sorted(targets.items()):
        entry = ledger.get(name, {})
        lines, covered = entry.get('lines', 0), entry.get('covered', 0)
        share = f'{100 * covered / lines:.0f} %' if lines else ''
        rows.append(f'| `{name}` | {target["what"]} | {lines} | {share} | {entry.get("cpu_seconds", 0) / 60:.1f} | '
                    f'{len(kept(name))} |')
        total.update(lines=lines, covered=covered, seconds=entry.get('cpu_seconds', 0),
                     missing=max(0, GOAL_SECONDS - entry.get('cpu_seconds', 0)))
    rows.append(f'| all {len(targets)} | | {total["lines"]} | {100 * total["covered"] / max(1, total["lines"]):.0f} % | '
                f'{total["seconds"] / 60:.0f} | |')
    rows.append('')
    rows.append(f'Each is to be run for {GOAL_SECONDS // 60} minutes: {total["missing"] / 60:.0f} minutes are missing.')
    text = TESTING.read_text()
    if not TABLE.search(text):
        sys.exit(f'fuzz: {TESTING} has no place for the table')
    TESTING.write_text(TABLE.sub(lambda match: match.group(1) + '\n'.join(rows) + '\n' + match.group(2), text))
    print('\n'.join(rows))
    return 0


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended, too
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument('--minutes', type=float, default=5)
    parser.add_argument('--measure', action='store_true')
    parser.add_argument('--smoke', action='store_true')
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--seed', type=int)
    parser.add_argument('--tap', type=pathlib.Path)
    parser.add_argument('--table', action='store_true')
    parser.add_argument('targets', nargs='*')
    arguments = parser.parse_args()
    targets = read_targets()
    for name in arguments.targets:
        if name not in targets:
            parser.error(f'there is no target {name}: {", ".join(sorted(targets))}')
    if arguments.table:
        return table(targets)
    if arguments.build is None:
        parser.error('--build is needed')
    return smoke(arguments, targets) if arguments.smoke else fuzz(arguments, targets)


if __name__ == '__main__':
    sys.exit(main())
