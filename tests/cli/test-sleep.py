#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A computer that sleeps in the middle of work, and clocks that are set meanwhile: what comes out is what always does.

Sleep is what the programs see of it: all of them stand still at once, the world goes on, and its connections may be gone when they
wake. SHIFT_CLOCK_LIBRARY (tests/faults/shift-clock.c) lets the time of day jump a year, to and fro, every few questions."""
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'servers'))
import pictures  # noqa: E402
from drive import clean_environment  # noqa: E402
from fakes import Fakes  # noqa: E402
from files import Fault, FileServer  # noqa: E402
from offered import MIB, World  # noqa: E402
from scratch import SANITIZED, pixels, run_cases, wait_until  # noqa: E402

YEAR = 31557600
ASLEEP = 3  # seconds
STEPS = 20 if SANITIZED else 60
BACKEND = 'bfl-flux-kontext-pro'
FAKES = None


def jumping(s):
    """The environment of a program whose time of day jumps; what it starts has the true one."""
    options = 'verify_asan_link_order=0:' + s.environment.get('ASAN_OPTIONS', '')
    return dict(s.environment, LD_PRELOAD=os.environ['SHIFT_CLOCK_LIBRARY'], SHIFT_CLOCK_WALL=str(YEAR), SHIFT_CLOCK_EVERY='40',
                ASAN_OPTIONS=options)


def family(pid):
    """A process and all that it started."""
    found = [pid]
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        for child in (task / 'children').read_text().split():
            found += family(int(child))
    return found


def sleep(process, meanwhile=None):
    """All of it stands still."""
    pids = family(process.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    if meanwhile:
        meanwhile()
    time.sleep(ASLEEP)
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


def end(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    return out


def edit(s, out, **options):
    return s.start('edit', s.photo(), '-p', 'Make it snow', '-o', s.out / out, '--size', 'match', '--steps', str(STEPS), '--seed', '7',
                   **options)


def an_edit_on_this_computer(s):
    end(edit(s, 'usual.png'))
    usual = pixels(s.out / 'usual.png')
    end(edit(s, 'clock.png', env=jumping(s)))
    assert pixels(s.out / 'clock.png') == usual, 'another picture'

    process = edit(s, 'sleep.png')
    for line in process.stderr:
        if b'step 2' in line:
            break
    sleep(process)
    end(process)
    assert pixels(s.out / 'sleep.png') == usual, 'another picture'


def provided(s, world, **options):
    """An edit by a provider, in a queue."""
    s.environment = dict(clean_environment(s.folder), TMPDIR=str(s.tmp), LC_ALL='C.UTF-8')
    photo, key = s.folder / 'photo.png', s.folder / 'key'
    photo.write_bytes(pictures.carpet_png(b'photo' * 7, 240, 160))
    key.write_text(world.key)
    if options.pop('clock', False):
        options['env'] = jumping(s)
    return s.start('edit', photo, '-p', 'Make it snow', '-o', s.out / 'out.png', '--backend', BACKEND, '--base-url', world.base_url,
                   '--key-file', key, **options)


def an_edit_by_a_provider(s):
    world = FAKES.world('bfl', (), max_side=128)
    end(provided(s, world, clock=True))
    assert pixels(s.out / 'out.png') and world.count()['submits'] == 1, world.count()
    world.close()


def an_edit_that_is_ready_after_sleep(s):
    """While it sleeps, the connection that was open ends, and the image is made."""
    world = FAKES.world('bfl', (), max_side=128, hold='running')
    process = provided(s, world)
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'

    def meanwhile():
        world.add_faults({'where': 'any', 'kind': 'reuse_death'})
        world.set_options(hold='')

    sleep(process, meanwhile)
    end(process)
    assert pixels(s.out / 'out.png') and world.count()['submits'] == 1, world.count()
    world.close()


def a_download(s):
    with FileServer() as server:
        world = World(s, server, size=8 * MIB)
        status, _, errors = world.run(env=jumping(s))
        assert status == 0, errors
        world.expect_whole()


def a_download_over_sleep(s):
    """Its connections are gone when it wakes."""
    with FileServer() as server:
        world = World(s, server, size=12 * MIB)
        server.rate = 3 * MIB
        process = world.start()
        assert wait_until(lambda: world.have() > MIB), 'nothing came'
        sleep(process, lambda: server.faults.append(Fault('reset', path='large', times=4, after=MIB // 2)))
        server.rate = 0
        end(process)
        world.expect_whole()


def main():
    global FAKES
    with Fakes() as FAKES:
        return run_cases([an_edit_on_this_computer, an_edit_by_a_provider, an_edit_that_is_ready_after_sleep, a_download,
                          a_download_over_sleep])


sys.exit(main())
