#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending early: Ctrl+C in every stage, other signals, processes that are killed, readers that leave."""
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time

from scratch import CLI, run_cases, wait_until

LONG = ('--size', 'match', '--steps', '1000')


def start_edit(s, *options, out='o.png', **popen):
    return s.start('edit', s.photo(), '-p', 'Make it snow', '-o', s.out / out, *(options or LONG), **popen)


def read_until(process, text):
    """Reads standard error up to a line with `text`."""
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f'{text!r} was never said')


def children(process):
    with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as file:
        return [int(pid) for pid in file.read().split()]


def gone(pid):
    """Has it ended, with all its threads? Until then what it had open, and locked, stays so."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] == 'Z' and len(os.listdir(f'/proc/{pid}/task')) < 2
    except (FileNotFoundError, ProcessLookupError):
        return True


def catches(process, number):
    """Does the program do itself what a signal means?"""
    with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
        caught, = (int(line.split()[1], 16) for line in file if line.startswith('SigCgt:'))
    return bool(caught >> number - 1 & 1)


def is_read(pipe):
    return not int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def expect_end(s, process, status):
    """That it ends, that is, instead of making a picture with the status of success."""
    process.communicate(timeout=120)
    assert process.returncode == status, process.returncode
    assert not list(s.out.iterdir()), list(s.out.iterdir())
    s.expect_clean()


def ctrl_c_while_steps_run(s):
    process = start_edit(s)
    read_until(process, b'step 1')
    process.send_signal(signal.SIGINT)
    expect_end(s, process, 130)


def ctrl_c_from_the_terminal_reaches_both(s):
    process = start_edit(s, start_new_session=True)
    read_until(process, b'step 1')
    os.killpg(process.pid, signal.SIGINT)
    expect_end(s, process, 130)


def ctrl_c_at_any_moment(s):
    """From before the first instruction to after the last: the result is either whole or absent."""
    options = ('--size', 'match', '--steps', '4', '--quiet')
    start = time.monotonic()
    process = start_edit(s, *options)
    process.communicate(timeout=120)
    assert process.returncode == 0
    whole = (s.out / 'o.png').stat().st_size
    usual = time.monotonic() - start
    (s.out / 'o.png').unlink()
    for i in range(24):
        process = start_edit(s, *options, start_new_session=True)
        time.sleep(usual * 1.1 * i / 24)
        # Before the program has set anything up, the signal ends it as it ends any program.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode in (0, 130, -signal.SIGINT), process.returncode
        results = list(s.out.iterdir())
        if process.returncode == 0:
            assert len(results) == 1 and results[0].stat().st_size > whole / 4
            results[0].unlink()
        else:
            assert not results, results
        # A worker that was just started clears up by itself.
        assert wait_until(lambda: not list(s.tmp.iterdir())), list(s.tmp.iterdir())


def ctrl_c_while_the_photo_is_read(s):
    width = height = 9000
    photo = s.folder / 'large.ppm'
    with open(photo, 'wb') as file:
        file.write(f'P6 {width} {height} 255\n'.encode())
        file.truncate(file.tell() + 3 * width * height)
    process = s.start('edit', photo, '-p', 'x', '-o', s.out / 'o.png')
    assert wait_until(lambda: list(s.tmp.iterdir()))
    process.send_signal(signal.SIGINT)
    expect_end(s, process, 130)


def term_and_hangup(s):
    for number, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        # Whoever runs the tests may run them with nohup.
        process = start_edit(s, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        read_until(process, b'step 1')
        process.send_signal(number)
        expect_end(s, process, status)


def nohup_keeps_it_running(s):
    process = start_edit(s, '--size', 'match', '--steps', '200',
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    read_until(process, b'step 1')
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=240)
    assert process.returncode == 0


def ctrl_c_keeps_the_old_file(s):
    (s.out / 'o.png').write_bytes(b'the old file')
    process = start_edit(s)
    read_until(process, b'step 1')
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130 and (s.out / 'o.png').read_bytes() == b'the old file'


def ctrl_c_while_tokenizing(s):
    process = s.start('tokenize', stdin=subprocess.PIPE)
    process.stdin.write(b'Make it snow\n')
    process.stdin.flush()
    assert wait_until(lambda: is_read(process.stdin) and catches(process, signal.SIGINT))
    process.send_signal(signal.SIGINT)
    expect_end(s, process, 130)


def a_killed_program_takes_its_worker_along(s):
    process = start_edit(s)
    read_until(process, b'step 1')
    worker = children(process)[0]
    process.kill()
    process.communicate(timeout=120)
    assert wait_until(lambda: gone(worker)), 'the worker is still there'
    assert not list(s.out.iterdir())
    assert wait_until(lambda: not list(s.tmp.iterdir()))


def a_killed_worker_is_told_and_cleaned_up_after(s):
    process = start_edit(s)
    read_until(process, b'step 1')
    os.kill(children(process)[0], signal.SIGKILL)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 1 and 'signal 9' in err.splitlines()[-1], err
    assert not list(s.out.iterdir())


def both_killed_leave_nothing_at_the_next_start(s):
    process = start_edit(s)
    read_until(process, b'step 1')
    worker = children(process)[0]
    os.kill(worker, signal.SIGSTOP)
    process.kill()
    process.communicate(timeout=120)
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: gone(worker))
    assert len(list(s.tmp.iterdir())) == 1
    s.edit(s.photo(), '--size', 'match', '--steps', '1')


def a_stuck_worker_is_killed(s):
    process = start_edit(s)
    read_until(process, b'step 1')
    os.kill(children(process)[0], signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    expect_end(s, process, 130)


def two_at_once(s):
    first = start_edit(s, '--size', 'match', '--steps', '4', '--seed', '1', '--quiet', out='a.png')
    second = start_edit(s, '--size', 'match', '--steps', '4', '--seed', '1', '--quiet', out='b.png')
    for process in (first, second):
        err = process.communicate(timeout=240)[1]
        assert process.returncode == 0, err
    assert (s.out / 'a.png').read_bytes() == (s.out / 'b.png').read_bytes()


def a_reader_that_leaves(s):
    """`espalier-cli … --json | true`: the picture is made, the object has nobody to read it."""
    read, write = os.pipe()
    os.close(read)
    process = start_edit(s, '--size', 'match', '--steps', '1', '--json', stdout=write)
    os.close(write)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 1 and b'standard output' in err.splitlines()[-1], err


def closed_standard_files(s):
    for closed in ('0<&-', '>&-', '2>&-', '0<&- >&- 2>&-'):
        photo = s.photo()
        status = subprocess.run(['/bin/sh', '-c', f'exec "{CLI}" edit "{photo}" -p x -o "{s.out}/o.png" --size match '
                                 f'--steps 1 --quiet {closed}'], env=s.environment, timeout=240, check=False).returncode
        assert status == 0, (closed, status)
        assert (s.out / 'o.png').read_bytes().startswith(b'\x89PNG')
        (s.out / 'o.png').unlink()


sys.exit(run_cases([ctrl_c_while_steps_run, ctrl_c_from_the_terminal_reaches_both, ctrl_c_at_any_moment,
                    ctrl_c_while_the_photo_is_read, term_and_hangup, nohup_keeps_it_running,
                    ctrl_c_keeps_the_old_file, ctrl_c_while_tokenizing, a_killed_program_takes_its_worker_along,
                    a_killed_worker_is_told_and_cleaned_up_after, both_killed_leave_nothing_at_the_next_start,
                    a_stuck_worker_is_killed, two_at_once, a_reader_that_leaves, closed_standard_files]))
