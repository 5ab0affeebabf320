#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of turns and hundreds of documents opened and closed in the real window, at random, with
everything that may befall them; and whether anything grows by it, is left over or is lost.

    soak.py --build FOLDER [--turns N] [--cycles N] [--seed N] [--minutes N] [--results FOLDER] [--keep]

The program is the real one on a screen of its own, with a provider that is acted out on this computer
(tests/servers) and answers at once, and now and then the engine with the demo model. What is done, with which weight,
is in soak_operations.py; what has to hold of a document, whatever is done, in soak_tree.py. In each cycle the
document is closed and opened again, in the process that goes on; it is checked with `espalier-cli verify` between. Some
times the program is killed, or quit, and started anew.

At every tenth cycle the same small document is opened instead, alone, and when the program has nothing to do any more
its memory, descriptors, threads and files are counted: what is more there than the last time was left over. Ends with 1
where something grows by more than its bound, or does not hold.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSIDE = 'ESPALIER_SOAK_INSIDE'  # set where there is a screen already
FIGURES = 10                     # cycles from one checkpoint to the next
DOCUMENT_CYCLES = 20             # cycles that a document is worked on, before there is another one
KILLS, QUITS = (0.02, 0.05, 0.08, 0.5), (0.1,)  # at which parts of the run the program goes
MOST_UNDER_WAY = 12
SIZE = '192x144'
PROVIDER = 'runpod-flux-kontext-dev'


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--turns', type=int, default=3000)
    parser.add_argument('--cycles', type=int, default=300)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--minutes', type=float, default=0, help='end earlier, after so many; 0: when all is done')
    parser.add_argument('--results', type=pathlib.Path, default=ROOT / 'results')
    parser.add_argument('--keep', action='store_true', help='keep the scratch home')
    return parser.parse_args()


def with_a_screen(build):
    """This script again, where there is a screen; its status."""
    build = build.resolve()
    own = {INSIDE: '1', 'ESP_APP': build / 'src/app/window/espalier', 'ESP_CLI': build / 'src/cli/espalier-cli',
           'ESPALIER_ENGINE': build / 'src/engine/worker/espalier-engine',
           'ESPALIER_DECODER': build / 'src/decoder/espalier-decoder',
           'GSETTINGS_SCHEMA_DIR': build / 'data/settings', 'ESPALIER_CUDA_DRIVER': 'none', 'ESPALIER_CACHE_DIR': '',
           'PYTHONDONTWRITEBYTECODE': '1'}
    schema = next((build / 'data/settings').glob('*.gschema.xml'), None)
    assert schema is not None, f'{build}: the window is not built'
    environment = {**os.environ, 'ESP_APP_ID': schema.name.removesuffix('.gschema.xml'),
                   **{name: str(value) for name, value in own.items()}}
    return subprocess.run([ROOT / 'tests/app/with-display.sh', sys.executable, *sys.argv], env=environment,
                          check=False).returncode


if INSIDE not in os.environ:
    if __name__ == '__main__':
        sys.exit(with_a_screen(arguments().build))

sys.path += [str(ROOT / 'tests' / part) for part in ('app/whole', 'servers', 'bench')]

import bench_plot  # noqa: E402
import soak_figures  # noqa: E402
import soak_operations  # noqa: E402
from drive import APP, Home, Notifications, wait_until  # noqa: E402
from fakes import Fakes  # noqa: E402
from provider_accounts import account, accounts, own, variable  # noqa: E402
from soak_figures import Bound, folder_figures, process_figures  # noqa: E402
from soak_program import DECODER, ENGINE, SoakedProgram  # noqa: E402
from soak_tree import Tree  # noqa: E402

MIB = 1024  # KiB
BOUNDS = (
    Bound('anonymous_kib', 'memory of its own (anonymous)', 'MiB', 6,
          'the allocator never gives back what is scattered; a picture kept for each turn would be 100', MIB),
    Bound('private_kib', 'all that it alone has', 'MiB', 6, 'the same, and pages of libraries that it wrote to', MIB),
    Bound('shared_kib', 'shared with others', 'MiB', 2, 'libraries and fonts that were not read before', MIB),
    Bound('descriptors', 'descriptors', '', 0.5, 'none is due'),
    Bound('threads', 'threads', '', 1, 'pools keep threads for a while'),
    Bound('children', 'processes that it started', '', 0.5, 'none is due'),
    Bound('screen_kib', 'memory of the screen’s server', 'MiB', 4, 'its allocator’s', MIB),
    Bound('temporary_files', 'files below TMPDIR', '', 0.5, 'none is due'),
    Bound('cache_files', 'files in the cache', '', 0.5, 'none is due'),
    Bound('state_files', 'files in the state', '', 0.5, 'none is due'),
    Bound('runtime_files', 'files in the runtime folder', '', 0.5, 'none is due'),
    Bound('working_files', 'files of working copies', '', 0.5, 'one document is open'),
    Bound('journal_files', 'files on turns with a provider', '', 150,
          'what may have been paid for is kept until a person decides: three files for each that was cancelled too late, is in '
          'doubt, or was left for the next opening'),
    Bound('data_kib', 'data besides documents', 'MiB', 1, 'what each turn cost is written down', MIB),
)


class Soak:
    def __init__(self, options, folder, world):
        self.options, self.world = options, world
        self.random = random.Random(options.seed)
        self.home = Home(folder)
        self.home.settings(last_backend=f"'{PROVIDER}'", last_model=f"'{PROVIDER}'", step_previews='true')
        own(self.home, PROVIDER, world)
        accounts(self.home, account(PROVIDER))
        (pathlib.Path(folder) / 'runtime').mkdir(mode=0o700, exist_ok=True)
        self.program = SoakedProgram(self.home, os.environ['ESP_APP_ID'], {
            variable(PROVIDER): world.key, 'ESPALIER_TIME_SCALE': '0.01',
            'XDG_RUNTIME_DIR': str(pathlib.Path(folder) / 'runtime')})
        self.still = self.new_document('Still', 6)
        self.tree = self.number = self.x_window = None
        self.n_documents = self.n_cycles = self.n_instructions = self.n_operations = 0
        self.kept, self.checkpoints, self.counts, self.harm = [], [], {}, {}
        self.begin = time.monotonic()

    # --- Documents

    def new_document(self, name, turns=1):
        return self.home.made(f'{name}.espalier', lambda path: self._make(path, turns), turns)

    def _make(self, path, turns):
        self.home.cli('new', path, self.home.photo('coffee.png', SIZE))
        for turn in range(turns):
            self.home.cli('run', path, '-p', f'Turn {turn}', '--model', 'demo', '--set', 'steps=1', '--seed', turn)

    def another_document(self):
        """To be worked on; the one before is kept, to be looked at in the end."""
        if self.tree is not None:
            self.kept.append(self.tree)
        self.n_documents += 1
        self.tree = Tree(self.home, self.new_document(f'Work {self.n_documents}'))

    def turns(self):
        """All that were made so far, by what became of them."""
        total = {}
        for tree in self.kept + [self.tree]:
            for state, count in tree.turns().items():
                total[state] = total.get(state, 0) + count
            total['done'] = total.get('done', 0) - 1  # the command line's
        return total

    def n_turns(self):
        return sum(self.turns().values())

    # --- The window

    def open_work(self):
        self.number = self.program.open(self.tree.path)
        self._note_window()
        self.take_up_left_over()

    def _note_window(self):
        title = self.tree.path.stem
        self.x_window = wait_until(lambda: self.program.x_window(title), f'the X window {title!r}')
        self.program.keys.focus(self.x_window)

    def take_up_left_over(self):
        """What was under way when it was closed or killed is gone on with, or is not."""
        self.tree.look()
        if self.tree.under_way():
            self.tree.may_change()
            self.program.do(self.number, self.random.choice(('take-up', 'take-up', 'dismiss')))

    def close_what_is_over(self, _):
        """Windows over the document's, which have come or are about to."""
        with contextlib.suppress(AssertionError):  # the action was not to be had just then
            wait_until(lambda: len(self.program.window.window_ids()) > 1, 'another window', 3)

        def alone():
            windows = [int(one) for one in self.program.window.window_ids()]
            over = [one for one in windows if one != self.x_window]
            if over:
                self.program.keys.focus(over[-1])
                self.program.keys.press('Escape')
            return not over

        wait_until(alone, 'the window over it to go')
        self.program.keys.focus(self.x_window)

    def settle(self):
        """Until nothing is under way: twice in a row, for what is added is stored a moment later."""
        def over():
            self.tree.look()
            if self.tree.under_way():
                return False
            before = len(self.tree.rows)
            time.sleep(0.15)
            self.tree.look()
            return len(self.tree.rows) == before and not self.tree.under_way()

        wait_until(over, 'the turns to be done', 60)

    def pause(self, seconds):
        time.sleep(seconds)

    # --- A cycle

    def work(self, until):
        """Whatever comes, until there are so many turns."""
        if self.random.random() < 0.5:
            self.do(soak_operations.pick(self, soak_operations.HARM), self.harm)
        stuck = time.monotonic() + 120
        while self.n_turns() < until:
            self.do(soak_operations.pick(self, soak_operations.OPERATIONS), self.counts)
            self.tree.look()
            if len(self.tree.under_way()) > MOST_UNDER_WAY:
                wait_until(lambda: self.tree.look() and len(self.tree.under_way()) < MOST_UNDER_WAY // 2,
                           'turns to be done', 60)
            assert time.monotonic() < stuck, f'{until} turns do not come about: {self.turns()}'

    def do(self, operation, counts):
        counts[operation.__name__] = counts.get(operation.__name__, 0) + 1
        self.n_operations += 1
        self.last = operation.__name__
        operation(self)

    def close(self):
        """The window goes and the program stays, for there is an empty one; with turns under way one time in four."""
        self.program.new_window()
        with_turns = self.random.random() < 0.25
        if with_turns:
            self.world.set_options(hold='running')
            soak_operations.run(self)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.tree.look() and self.tree.under_way(), 'a turn to be under way', 3)
        else:
            self.settle()
        try:
            self.program.close(self.tree.path.stem)
            wait_until(lambda: self.is_asked() or not self.program.x_window(self.tree.path.stem), 'the window to be closed')
            if self.is_asked():
                self.answer_about_turns()
        finally:
            self.world.set_options(hold='')
        wait_until(lambda: not self.program.with_document(), 'the document to be closed', 60)
        wait_until(lambda: not self.tree.working.exists(), 'its working copy to go', 60)
        self.number = self.x_window = None

    def is_asked(self):
        """Whether there is a window over the document's and the empty one."""
        return len(self.program.window.window_ids()) > 2

    def answer_about_turns(self):
        """What becomes of turns under way: they go on without the window, or are left for the next time."""
        program, background = self.program.window, 'Keep Running in the Background'
        wait_until(lambda: program.all('push button', background) or not self.is_asked(), 'the question about turns')
        names = [name for name in (background, 'Fetch Next Time', 'Stop') if program.all('push button', name)]
        if names:  # they may be done, and it gone
            answer = self.random.choice(names)
            program.respond(answer)

    def verify(self):
        self.home.cli('verify', self.tree.path)
        self.tree.is_done()
        stray = [path.name for path in (self.home.folder / 'home').iterdir() if path.name.startswith('.')]
        assert not stray, f'left beside the documents: {stray}'
        assert not self.program.window.complaints(), self.program.window.complaints()[:10]

    def cycle(self):
        self.work(self.options.turns * (self.n_cycles + 1) // self.options.cycles)
        self.close()
        self.verify()
        self.n_cycles += 1
        if self.n_cycles % DOCUMENT_CYCLES == 0:
            self.another_document()
        if self.n_cycles % self.every == 0:
            self.checkpoint()
        if self.n_cycles in self.quits:
            self.program.quit()
            self.no_strays(())
            self.program.start()  # what was open last
            self.program.windows()
        self.reopen()
        if self.n_cycles in self.kills:
            self.kill()

    def reopen(self):
        """By the bus, by a second start of the program, or by the list of the empty window."""
        way = self.random.randint(0, 9)
        if way < 7 or self.program.with_document():
            self.open_work()
        elif way < 9:
            subprocess.run([APP, self.tree.path], env=self.program.window.environment, check=True, timeout=120,
                           stdin=subprocess.DEVNULL, capture_output=True)
            self._note_opened()
        else:
            with contextlib.suppress(AssertionError):  # not in the list yet
                self.program.window.press(('list item', 'push button', 'button'), lambda name: self.tree.path.stem in name, 3)
                wait_until(self.program.with_document, 'the document', 3)
            self.open_work() if not self.program.with_document() else self._note_opened()

    def _note_opened(self):
        self.number = wait_until(self.program.with_document, f'{self.tree.path.name} to be open')[0]
        self._note_window()
        self.take_up_left_over()

    def kill(self):
        """The program, in the middle of turns."""
        for _ in range(4):
            soak_operations.run(self)
            self.pause(self.random.random() / 4)
        self.tree.look()
        self.program.kill()
        self.tree.look()
        if self.random.random() < 0.5:
            self.verify()
        self.program.start(self.tree.path)
        self._note_opened()

    # --- Checkpoints

    def no_strays(self, engines):
        """What may be there while nothing but one document is open, or nothing at all."""
        folder = self.home.folder
        temporary = [path.name for path in (folder / 'tmp').iterdir()]
        spools = [name for name in temporary if name.startswith('espalier-spool-')]
        library = [path.name for path in self.home.library()]
        assert not library, f'documents that nobody made: {library}'
        assert len(spools) <= len(engines) and temporary == spools, f'left in TMPDIR: {temporary}, {len(engines)} engines'
        assert not self.program.window or self.program.window.process.poll() is not None or not self.program.zombies(), \
            self.program.zombies()

    def checkpoint(self):
        """The small document alone, and nothing to do."""
        before = self.program.windows()
        self.program.open(self.still)
        self.wait_for_rest()
        engines = self.program.helpers(ENGINE)
        self.no_strays(engines)
        folder, total = self.home.folder, self.turns()
        figures = {'run': self.program.starts, 'cycles': self.n_cycles, 'turns': sum(total.values()), **{
            f'turns_{state}': count for state, count in total.items()}, 'seconds': time.monotonic() - self.begin,
            **process_figures(self.program.pid)}
        helpers = {'engine': engines, 'decoder': self.program.helpers(DECODER)}
        figures['children'] = sum(len(pids) for pids in helpers.values())
        for name, pids in helpers.items():
            for pid in pids[:1]:
                figures.update({f'{name}_{what}': value for what, value in (process_figures(pid) or {}).items()})
        for name, path in (('temporary', 'tmp'), ('cache', 'cache'), ('state', 'state'), ('runtime', 'runtime'),
                           ('working', 'share/espalier/working'), ('journal', 'share/espalier/jobs')):
            figures[f'{name}_files'], figures[f'{name}_bytes'] = folder_figures(folder / path)
        figures['data_kib'] = folder_figures(folder / 'share')[1] / 1024
        figures['screen_kib'] = screen_memory()
        closed = self.kept[-1] if self.kept else None
        if closed is not None:
            figures['document_bytes'] = closed.path.stat().st_size
            figures['image_bytes'] = closed.image_bytes()
        self.checkpoints.append(figures)
        print(f'# {figures["seconds"]:.0f} s, run {figures["run"]}: {figures["cycles"]} openings, {figures["turns"]} turns, '
              f'{figures["anonymous_kib"] / MIB:.1f} MiB, {figures["descriptors"]} descriptors, {figures["threads"]} threads',
              flush=True)
        self.write()
        self.program.close('Still') if len(before) > 1 else self._leave_still()
        wait_until(lambda: not self.program.with_document(), 'the small document to be closed')

    def _leave_still(self):
        """An empty window first, so that the program stays."""
        self.program.new_window()
        self.program.close('Still')

    def wait_for_rest(self):
        """Until the program has used no processor for a second."""
        def used():
            stat = pathlib.Path(f'/proc/{self.program.pid}/stat').read_text().rsplit(')', 1)[1].split()
            return int(stat[11]) + int(stat[12])

        def rests():
            before = used()
            time.sleep(1)
            return used() - before <= 1

        wait_until(rests, 'the program to have nothing to do', 60)

    def write(self):
        folder = self.options.results
        folder.mkdir(parents=True, exist_ok=True)
        rows = soak_figures.judge(BOUNDS, self.checkpoints)
        (folder / 'soak.json').write_text(json.dumps({
            'seed': self.options.seed, 'turns': self.n_turns(), 'cycles': self.n_cycles, 'operations': self.counts,
            'harm': self.harm, 'starts': self.program.starts, 'figures': rows, 'checkpoints': self.checkpoints}, indent=1))
        return rows

    # --- All of it

    def run(self):
        cycles = self.options.cycles
        self.every = FIGURES if cycles >= 3 * FIGURES else 1
        self.kills = {max(1, round(part * cycles)) for part in KILLS}
        self.quits = {max(1, round(part * cycles)) for part in QUITS}
        self.another_document()
        self.program.start(self.tree.path)
        self._note_opened()
        while self.n_cycles < cycles:
            if self.options.minutes and time.monotonic() - self.begin > self.options.minutes * 60:
                print(f'# the time is over: {self.n_cycles} of {cycles} cycles')
                break
            self.cycle()
        return self.finish()

    def finish(self):
        """The document as the program has it after all that, and as one that has just started has it."""
        self.settle()
        self.wait_for_rest()
        old = process_figures(self.program.pid)
        self.program.quit()
        self.no_strays(())
        self.verify()
        self.program.start(self.tree.path)
        self._note_opened()
        self.settle()
        self.wait_for_rest()
        fresh = process_figures(self.program.pid)
        self.program.quit()
        for tree in self.kept + [self.tree]:
            self.home.cli('verify', tree.path)
            tree.look()
        working = self.home.folder / 'share/espalier/working'
        left = list(working.iterdir()) if working.is_dir() else []
        assert not left, f'working copies are left: {left}'
        self.report(old, fresh)
        verdicts = [row['flat'] for row in self.write()]
        return False if False in verdicts else None if None in verdicts else True

    def report(self, old, fresh):
        rows, total = self.write(), self.turns()
        seconds = time.monotonic() - self.begin
        print(f'\n{sum(total.values())} turns ({", ".join(f"{count} {state}" for state, count in sorted(total.items()))}), '
              f'{self.n_cycles} times closed and opened, {self.n_operations} operations, '
              f'{self.program.starts} starts of the program, {len(self.kept) + 1} documents, {seconds / 60:.0f} minutes.\n')
        print('Befallen: ' + ', '.join(f'{name.replace("_", " ")} ×{count}' for name, count in sorted(self.harm.items()))
              + f', the program killed ×{len([one for one in self.kills if one <= self.n_cycles])}.\n')
        print(soak_figures.table(rows))
        print(f'\nWith the last document ({len(self.tree.rows)} nodes): {old["anonymous_kib"] / MIB:.1f} MiB after all that, '
              f'{fresh["anonymous_kib"] / MIB:.1f} MiB in a program that has just opened it.')
        last = next((point for point in reversed(self.checkpoints) if 'document_bytes' in point), None)
        if last:
            print(f'A document of {last["document_bytes"] / 2**20:.1f} MiB has {last["image_bytes"] / 2**20:.1f} MiB of pictures.')
        for row in rows:
            if row['flat'] is False:
                print(f'GROWS: {row["title"]}: {row["growth"]:+.2f} {row["unit"]}, may be {row["most"]:g}: {row["why"]}')
        if len(self.checkpoints) > 2:
            curves = {}
            for point in self.checkpoints:
                curves.setdefault(f'start {point["run"]}', []).append((point['turns'], point['anonymous_kib'] / MIB))
            longest = sorted(curves.items(), key=lambda item: -len(item[1]))[:3]
            bench_plot.line_chart(self.options.results / 'soak.svg', 'Memory of its own, the same document open', 'turns so far',
                                  'MiB', dict(longest))


    def tell(self):
        """Where it was, and what the program looks like, when something does not hold."""
        last = getattr(self, 'last', None)
        print(f'\nseed {self.options.seed}, cycle {self.n_cycles}, operation {self.n_operations} ({last}), turns '
              f'{self.turns() if self.tree else {}}')
        if self.program.window:
            print(''.join(self.program.window.log.read_text(errors='replace').splitlines(True)[-40:]))
        if os.environ.get('ESPALIER_SCREENSHOTS'):
            subprocess.run(['import', '-window', 'root', pathlib.Path(os.environ['ESPALIER_SCREENSHOTS']) / 'soak.png'],
                           check=False)


def screen_memory():
    """Anonymous memory of the X server of this run, in KiB: windows and pictures that nobody freed. It was started by
    the script that started the session."""
    pid = os.getpid()
    while pid > 1:
        for other in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split():
            with contextlib.suppress(OSError):
                if pathlib.Path(f'/proc/{other}/comm').read_text().strip() == 'Xvfb':
                    return process_figures(other)['anonymous_kib']
        pid = int(pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[1])
    return None


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix='espalier-soak-', dir='/tmp' if options.keep else None)
    notifications = Notifications(folder)
    soak = None
    try:
        with Fakes() as fakes:
            world = fakes.world('runpod', queue_ms=0, run_ms=10, max_side=128)
            soak = Soak(options, folder, world)
            try:
                flat = soak.run()
            except Exception:
                soak.tell()
                raise
            finally:
                if soak.program.window:
                    soak.program.window.kill()
        print('\n' + {True: 'Flat, and nothing was lost or left over.', False: 'Something grows.',
                      None: 'Nothing was lost or left over; too short to tell whether anything grows.'}[flat])
        return 1 if flat is False else 0
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        notifications.stop()
        if options.keep:
            print(f'kept: {folder}')
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
