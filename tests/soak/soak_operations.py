# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does at random, and what befalls them, each with its weight."""
import contextlib
import os
import signal

from gi.repository import GLib

from drive import wait_until
from soak_program import DECODER, ENGINE

# What providers do wrong: of requests, and of jobs. None of it is a matter of patience.
FAULTS = (
    {'where': 'submit', 'kind': 'status', 'status': 503},
    {'where': 'submit', 'kind': 'reset_before'},
    {'where': 'watch', 'kind': 'reset_after'},
    {'where': 'watch', 'kind': 'not_json'},
    {'where': 'download', 'kind': 'truncated', 'how': 'length'},
    {'where': 'download', 'kind': 'status', 'status': 500},
    {'where': 'any', 'kind': 'reuse_death'},
    {'where': 'job', 'kind': 'failed'},
    {'where': 'job', 'kind': 'moderated'},
    {'where': 'job', 'kind': 'not_image'},
    {'where': 'job', 'kind': 'cut'},
)
OPERATIONS = {}
HARM = {}


def operation(weight, group=OPERATIONS):
    def add(function):
        group[function] = weight
        return function
    return add


def shown(soak, *kinds):
    """Makes a node at random the current one, with the keyboard on its image; its number."""
    node = soak.random.choice(soak.tree.live(*kinds or ('turn', 'imported')))
    soak.program.on_node(soak.tree.path, node, 'show')
    return node


def keys(soak, *chords):
    soak.program.keys.focus(soak.x_window)
    soak.program.keys.press(*chords)


# --- Turns

@operation(40)
def run(soak):
    """A new instruction on whatever is current."""
    soak.n_instructions += 1
    soak.program.do(soak.number, 'write-instruction', GLib.Variant('s', f'Make it number {soak.n_instructions}'))
    soak.program.do(soak.number, 'run')


@operation(20)
def run_on_another(soak):
    shown(soak)
    run(soak)


@operation(16)
def run_again(soak):
    turns = soak.tree.live('turn')
    remote = [number for number in turns if soak.tree.rows[number].backend != 'local']
    if remote:
        soak.program.on_node(soak.tree.path, soak.random.choice(remote), 'run-again')


@operation(3)
def run_locally(soak):
    """By the engine: the document's first turn, with another seed."""
    local = [number for number in soak.tree.live('turn') if soak.tree.rows[number].backend == 'local']
    if local:
        soak.program.on_node(soak.tree.path, soak.random.choice(local), 'run-again')


@operation(4)
def retry(soak):
    over = [number for number in soak.tree.live('turn')
            if soak.tree.rows[number].state in ('failed', 'cancelled', 'blocked')]
    if over:
        soak.tree.may_change()
        soak.program.on_node(soak.tree.path, soak.random.choice(over), 'retry')


@operation(2)
def cancel(soak):
    """While the provider is at it, so that it is not over before."""
    soak.world.set_options(hold='running')
    try:
        run(soak)
        with contextlib.suppress(AssertionError):  # the composer may have refused a slip
            wait_until(lambda: soak.tree.look() and soak.tree.under_way(), 'a turn to be under way', 3)
        found = soak.program.window.all('push button', 'Cancel')
        if found:
            with contextlib.suppress(GLib.Error):
                found[-1].press()
    finally:
        soak.world.set_options(hold='')


# --- The tree

@operation(5)
def delete(soak):
    """What is under way is stopped by it. The photo stays, and the turn of the engine."""
    own = [number for number in soak.tree.live('turn') if soak.tree.rows[number].backend != 'local']
    if own:
        soak.tree.may_change()
        soak.program.on_node(soak.tree.path, soak.random.choice(own), 'show')
        keys(soak, 'Delete')


@operation(5)
def undo(soak):
    soak.tree.may_change()
    for _ in range(soak.random.randint(1, 3)):
        soak.program.do(soak.number, 'undo')


@operation(4)
def redo(soak):
    soak.tree.may_change()
    for _ in range(soak.random.randint(1, 2)):
        soak.program.do(soak.number, 'redo')


@operation(8)
def mark(soak):
    soak.tree.may_change()
    shown(soak)
    keys(soak, soak.random.choice(('period', '1', '2', '3', '4', '5', '0', 'x')))


@operation(2)
def label(soak):
    soak.tree.may_change()
    shown(soak)
    keys(soak, 'F2', *soak.random.choices('abcdefghij', k=5), 'Return')


# --- Looking

@operation(12)
def walk(soak):
    keys(soak, *soak.random.choices(('Left', 'Right', 'Up', 'Down', 'Home', 'End'), k=4))


@operation(8)
def look_at_another(soak):
    shown(soak)


@operation(6)
def zoom(soak):
    for _ in range(3):
        soak.program.do(soak.number, soak.random.choice((
            'zoom-in', 'zoom-out', 'zoom-fit', 'zoom-100', 'zoom-200', 'history-zoom-in', 'history-zoom-out',
            'history-zoom-fit')))


@operation(6)
def compare(soak):
    """With what it was made from, in another way than the last time; and away again."""
    shown(soak, 'turn')
    keys(soak, 'c', 'm', 'Left', 'Right', 's', 't', 't', 'Escape')


@operation(4)
def before(soak):
    for _ in range(2):
        if soak.program.can(soak.number, 'compare'):
            soak.program.do(soak.number, 'compare')


@operation(4)
def fold(soak):
    shown(soak)
    keys(soak, 'f', 'f')


@operation(4)
def mask(soak):
    shown(soak, 'turn')
    keys(soak, 'k', 'k')


@operation(3)
def views(soak):
    for name in soak.random.sample(('details', 'show-history', 'history-outline', 'hide-rejected'), 2):
        for _ in range(2):
            soak.program.do(soak.number, name)


@operation(3)
def find(soak):
    keys(soak, 'ctrl+f', *soak.random.choices('abcsnow', k=4), 'Escape')


@operation(2)
def region(soak):
    shown(soak)
    keys(soak, 'd', 'Escape')


@operation(2)
def sweep_page(soak):
    shown(soak)
    soak.program.do(soak.number, 'sweep')
    soak.program.do(soak.number, 'sweep')


# --- Files and windows

@operation(3)
def save(soak):
    soak.program.do(soak.number, 'save')


@operation(2)
def copy_and_paste(soak):
    """The image becomes another beginning."""
    soak.tree.may_change()
    shown(soak)
    keys(soak, 'ctrl+c')
    soak.program.do(soak.number, 'paste')


@operation(2)
def dialogs(soak):
    """A window over the window, and away again."""
    title = {'properties': 'Properties', 'show-help-overlay': '', 'export-all': 'Export'}
    name = soak.random.choice(list(title))
    windows = soak.program.windows()
    soak.program.do(soak.number, name)
    soak.close_what_is_over(windows)


@operation(1)
def preferences(soak):
    soak.program.bus.action('preferences')
    soak.close_what_is_over(None)


@operation(2)
def export_dialog(soak):
    done = [number for number in soak.tree.live('turn') if soak.tree.rows[number].state == 'done']
    if done:
        soak.program.on_node(soak.tree.path, soak.random.choice(done), 'export')
        soak.close_what_is_over(None)


# --- Harm

@operation(3, HARM)
def faults(soak):
    """For a while, the provider does something wrong."""
    soak.world.add_faults(soak.random.choice(FAULTS))
    for _ in range(3):
        run(soak)
    soak.pause(0.3)
    soak.world.clear_faults()


@operation(2, HARM)
def kill_engine(soak):
    run_locally(soak)
    soak.pause(soak.random.random() * 0.5)
    for pid in soak.program.helpers(ENGINE):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@operation(2, HARM)
def kill_decoder(soak):
    run(soak)
    soak.pause(soak.random.random() * 0.2)
    for pid in soak.program.helpers(DECODER):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@operation(1, HARM)
def sleep(soak):
    """Stopped while turns are under way, and on again."""
    run(soak)
    soak.program.pause(1 + soak.random.random() * 2)


def pick(soak, group):
    return soak.random.choices(list(group), weights=list(group.values()))[0]
