#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can become of turns, documents and windows: failed, queued, left over, in use, newer, changed
by someone else, not to be saved."""
import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys

from drive import APP, CLI, case, is_sensitive, run, wait_until

LONG = 1000  # steps: longer than any case lasts


def workers(window):
    """The processes that make the program's turns."""
    children = pathlib.Path(f'/proc/{window.process.pid}/task/{window.process.pid}/children')
    return [int(pid) for pid in children.read_text().split()
            if 'engine' in pathlib.Path(f'/proc/{pid}/comm').read_text()]


@contextlib.contextmanager
def at_rest(window):
    """The turn that is made gets no further meanwhile."""
    pids = wait_until(lambda: workers(window), 'a worker')
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def run_long(window, *instructions):
    """Turns that do not end by themselves, each on the photo; waits until the first one runs."""
    window.set_steps(LONG)
    for number, instruction in enumerate(instructions):
        before = len(window.nodes())
        window.select('coffee')
        window.instruct(instruction)
        window.wait_for_nodes(before + 1)
        if number == 0:
            window.wait_for_nodes(1, 'running')


@case
def a_worker_that_dies_fails_one_turn(home, start):
    window = start(home.document())
    run_long(window, 'Make it snow')
    for pid in wait_until(lambda: workers(window), 'a worker'):
        os.kill(pid, signal.SIGKILL)
    window.wait_for_nodes(1, 'failed')
    window.text('Try Again')
    window.shot('states-failed')
    window.set_steps(2)
    window.select('coffee')
    window.instruct('Add fog')
    window.wait_for_nodes(3)
    wait_until(lambda: not any(word in node.get_name() for node in window.nodes()
                               for word in ('running', 'waiting')), 'the next turn to end')
    window.wait_for_nodes(1, 'failed')
    # Trying again makes the one that failed.
    window.select('Make it snow')
    window.button('Try Again')
    window.wait_for_nodes(1, 'running')
    window.button('Cancel')
    window.wait_for_nodes(1, 'stopped')
    window.quit()


@case
def an_engine_that_is_missing(home, start):
    window = start(home.document(), ESPALIER_ENGINE='/nonexistent/engine')
    window.wait_for_nodes(1)
    window.write('Instruction', 'Add fog')
    button = window.find('push button', 'Run')
    wait_until(lambda: 'could not be started' in button.get_description(), 'the reason')
    assert not is_sensitive(button)
    window.button(lambda name: name.startswith('Model:'))
    window.text('could not be started')
    window.shot('states-no-engine')
    window.key('Escape')
    window.quit()


@case
def a_queue_of_several(home, start):
    window = start(home.document())
    run_long(window, 'Make it snow', 'Add fog', 'Make it night', 'Add a sunset')
    window.text('3 waiting')
    window.shot('states-queue')
    window.button('Turns That Wait')
    names = ('Make it snow', 'Add fog', 'Make it night', 'Add a sunset')

    def order():
        return [widget.get_name() for turns in window.all('list', 'Turns') for widget in turns.walk()
                if widget.role == 'label' and widget.name in names]

    wait_until(lambda: order() == ['Make it snow', 'Add fog', 'Make it night', 'Add a sunset'],
               'the list of turns')
    window.press('push button', 'Run Next')  # the last one's
    wait_until(lambda: order() == ['Make it snow', 'Add a sunset', 'Add fog', 'Make it night'],
               'the last one to be next')
    window.press('push button', 'Earlier')
    wait_until(lambda: order() == ['Make it snow', 'Add a sunset', 'Make it night', 'Add fog'],
               'the last one to move up')
    window.press('push button', 'Pause')
    window.text('stopping after this turn')
    window.press('push button', 'Resume')
    window.silent('stopping after this turn')
    window.press('push button', 'Clear')
    window.wait_for_nodes(3, 'stopped')
    window.silent('waiting')
    window.wait_for_nodes(1, 'running')
    window.key('Escape')
    window.select('Make it snow')
    window.button('Cancel')
    window.wait_for_nodes(4, 'stopped')
    window.quit()


@case
def closing_while_turns_run(home, start):
    document = home.document()
    window = start(document)
    run_long(window, 'Make it snow')
    window.key('ctrl+w')
    window.text('Turns Are Under Way')
    window.respond('Wait')
    window.silent('Turns Are Under Way')
    window.wait_for_nodes(1, 'running')
    window.key('ctrl+w')
    window.text('Turns Are Under Way')
    window.respond('Stop')
    window.ended()

    # They are offered again; once discarded, not any more.
    window = start(document)
    window.text('1 turn was not finished')
    window.shot('states-left-over')
    window.button('Discard')
    window.silent('1 turn was not finished')
    window.quit()
    window = start(document)
    window.wait_for_nodes(2)
    assert not window.says('not finished')

    # In the background: the window goes, the turn is made, and then the program ends.
    window.set_steps(60)
    window.select('coffee')
    window.instruct('Make it night')
    with at_rest(window):
        window.wait_for_nodes(1, 'running')
        window.key('ctrl+w')
        window.respond('Keep Running in the Background')
        wait_until(lambda: not window.frames(), 'the window to go')
    window.ended()
    assert [node['state'] for node in home.tree(document)].count('done') == 2
    assert 'All turns of “Coffee” are done' in home.notifications.read_text()


@case
def turns_of_a_program_that_was_killed(home, start):
    document = home.document()
    window = start(document)
    run_long(window, 'Make it snow', 'Add fog')
    window.kill()
    window = start(document)
    window.text('2 turns were not finished')
    window.wait_for_nodes(3)
    window.button('Continue')
    window.silent('2 turns were not finished')
    window.wait_for_nodes(1, 'running')
    window.wait_for_nodes(1, 'waiting')
    window.key('ctrl+q')
    window.respond('Stop')
    window.ended()


@case
def a_document_in_use(home, start):
    document = home.document()
    other = subprocess.Popen([CLI, 'run', document, '-p', 'Add fog', '--set', f'steps={LONG}', '-q'],
                             env=home.environment, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(home.tree(document)) == 2, 'the other one to begin')
        window = start(document)
        window.text('Another program has this document open')
        window.shot('states-in-use')
        run = window.find('push button', 'Run')
        window.write('Instruction', 'Make it snow')
        assert not is_sensitive(run)
        window.key('ctrl+q')  # with their turn under way
        window.ended()
    finally:
        other.send_signal(signal.SIGINT)
        other.wait()


@case
def a_newer_document(home, start):
    document = home.document()
    with sqlite3.connect(document) as database:
        database.execute('PRAGMA user_version = 9000')
    database.close()
    window = start(document)
    window.text('A newer version of Espalier made this document')
    window.wait_for_nodes(1)
    window.shot('states-newer')
    window.quit()


@case
def a_document_changed_by_someone_else(home, start):
    document = home.document()
    theirs = home.document('Make it snow', name='Theirs.espalier')
    window = start(document)
    window.wait_for_nodes(1)
    window.select('coffee')
    window.key('period')
    wait_until(lambda: home.tree(document)[0]['stars'] == 1, 'the star to be saved')
    shutil.copyfile(theirs, home.folder / 'home/copy')
    os.replace(home.folder / 'home/copy', document)
    window.text('Overwrite Theirs')
    window.shot('states-changed-elsewhere')
    window.button('Reload')
    window.wait_for_nodes(2)
    window.silent('Overwrite Theirs')
    window.quit()


@case
def work_that_is_not_saved_when_theirs_comes(home, start):
    document = home.document()
    theirs = home.document('Make it snow', name='Theirs.espalier')
    window = start(document)
    window.wait_for_nodes(1)
    os.replace(theirs, document)
    window.text('Overwrite Theirs')
    window.select('coffee')
    window.key('period')
    window.node('starred')
    window.button('Reload')
    window.wait_for_nodes(2)
    window.silent('Overwrite Theirs')
    window.text('Your version is in “Coffee (Unsaved Version)”')
    window.shot('states-put-aside')
    window.button('Open')
    wait_until(lambda: sorted(window.frames()) == ['Coffee', 'Coffee (Unsaved Version)'], 'mine beside theirs')
    assert [node['stars'] for node in home.tree(document)] == [0, 0]
    mine, = home.library()
    assert mine.name == 'Coffee (Unsaved Version).espalier', mine
    assert [node['stars'] for node in home.tree(mine)] == [1]
    window.quit()


@case
def a_document_that_cannot_be_saved(home, start):
    folder = home.folder / 'home/somewhere'
    folder.mkdir()
    document = folder / 'Coffee.espalier'
    shutil.move(home.document(), document)
    window = start(document)
    window.wait_for_nodes(1)
    folder.rename(home.folder / 'home/elsewhere')
    window.select('coffee')
    window.key('period')
    window.text('Nothing is lost')
    window.shot('states-unsaved')
    (home.folder / 'home/elsewhere').rename(folder)
    window.button('Try Again')
    window.silent('Nothing is lost')
    window.quit()
    assert home.tree(document)[0]['stars'] == 1


@case
def one_window_for_a_document(home, start):
    document = home.document()
    other = home.document(name='Other.espalier')
    window = start(document)
    window.wait_for_nodes(1)
    for path, frames in ((document, ['Coffee']), (other, ['Coffee', 'Other'])):
        subprocess.run([APP, path], env=window.environment, check=True, timeout=120,
                       stdin=subprocess.DEVNULL)
        wait_until(lambda: sorted(window.frames()) == frames, f'the windows {frames}')
    window.quit()

    # Both are there again at the next start.
    window = start()
    wait_until(lambda: sorted(window.frames()) == ['Coffee', 'Other'], 'the session')
    window.quit()


if __name__ == '__main__':
    sys.exit(run())
