#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`sweep` with remote providers: what it costs is asked for, nothing is submitted twice, failures are told."""
import csv
import json
import os
import pathlib
import shutil
import signal
import socket
import sys

from scratch import CLI, SOURCE, run_cases, wait_until

sys.path.insert(0, str(SOURCE / 'tests/servers'))
import pictures  # noqa: E402
from drive import clean_environment  # noqa: E402
from fakes import Fakes  # noqa: E402

PROMPT = ('-p', 'Make it snow')
BFL = 'bfl-flux-kontext-pro'
FAKES = None


def prepare(s):
    """A home of its own; a photo."""
    s.environment = clean_environment(s.folder)
    s.environment['TMPDIR'] = str(s.tmp)
    s.photo = s.folder / 'photo.png'
    s.photo.write_bytes(pictures.carpet_png(b'photo' * 7, 240, 160))


def world_of(s, provider, backend, *faults, **options):
    world = FAKES.world(provider, faults, max_side=128, **options)
    s.environment['ESPALIER_KEY_' + backend.upper().replace('-', '_')] = world.key
    world.at = ('--backend', backend, '--base-url', world.base_url)
    return world


def sweep(s, *arguments, status=0):
    got, out, err = s.run('sweep', s.photo, *PROMPT, *arguments, '--json')
    assert got == status, (got, out, err)
    return json.loads(out), err.decode()


def jobs(s):
    return json.loads(s.run('jobs', '--json')[1])['jobs']


def kept(s):
    return sorted((s.folder / 'home/state/espalier/sweeps').glob('*'))


def kept_documents(s):
    """Without what one leaves behind that is killed while it writes; that goes with the next run."""
    return [path for path in kept(s) if path.suffix == '.espalier']


def cells_of_a_provider(s):
    prepare(s)
    world = world_of(s, 'bfl', BFL)
    told, _ = sweep(s, *world.at, '--axis', 'seed=1..5', '--axis', 'replace=snow||fog', '--jobs', 3, '--limit', '0.5',
                    '-o', s.out / 'a.png', '--csv', s.out / 'a.csv')
    assert told['totals']['done'] == 10 and told['totals']['currency'] == 'USD', told['totals']
    assert abs(told['totals']['cost'] - sum(cell['cost'] for cell in told['cells'])) < 1e-9 and told['totals']['cost'] > 0
    asked = [(cell['seed'], cell['values']['replace']) for cell in told['cells']]
    assert asked == [(seed, word) for word in ('snow', 'fog') for seed in range(1, 6)], asked
    count = world.count()
    assert count['submits'] == 10 and not count['violations'] and not jobs(s) and not kept(s), count['violations']
    with open(s.out / 'a.csv', encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10 and {row['currency'] for row in rows} == {'USD'} and {row['turn_backend'] for row in rows} == {BFL}


def money_is_asked_for(s):
    prepare(s)
    world = world_of(s, 'bfl', BFL)
    axis = (*world.at, '--axis', 'seed=1..60', '-o', s.out / 'a.png')
    s.fails('sweep', s.photo, *PROMPT, *axis, status=2, names=('--limit', '60 images', '$2.4', '$2'))
    s.fails('sweep', s.photo, *PROMPT, *world.at, '--axis', 'seed=1..3', '--limit', '0.1', '-o', s.out / 'a.png',
            status=2, names=('3 images', '$0.12', '$0.1'))
    told, _ = sweep(s, *axis, '--dry-run')
    assert told['estimate']['cells'] == 60 and abs(told['estimate']['cost'] - 2.4) < 1e-9, told['estimate']
    out = s.run('sweep', s.photo, *PROMPT, *axis, '--dry-run')[1].decode()
    assert 'To be made: 60' in out and 'Cost: $2.4\n' in out and 'Time: not known' in out, out
    assert not world.log() and not kept(s), 'something was sent'
    told, _ = sweep(s, *axis, '--yes')
    assert told['totals']['done'] == 60 and world.count()['submits'] == 60


def what_is_missing_is_found_before(s):
    prepare(s)
    world = world_of(s, 'bfl', BFL)
    axis = ('--axis', 'seed=1..3', '-o', s.out / 'a.png')
    wrong = s.folder / 'wrong.key'
    del s.environment['ESPALIER_KEY_BFL_FLUX_KONTEXT_PRO']
    s.fails('sweep', s.photo, *PROMPT, *world.at, *axis, status=3, names='--model')
    s.fails('sweep', s.photo, *PROMPT, *world.at, *axis, '--key-file', wrong, status=2, names='--key-file')
    s.fails('sweep', s.photo, *PROMPT, *world.at, '--axis', 'steps=1,2', '-o', s.out / 'a.png', '--key-file', wrong,
            status=2)
    assert not world.log() and not kept(s)
    # The key is wrong: each cell says so, and so does the status.
    wrong.write_text('x' * 20)
    status, out, err = s.run('sweep', s.photo, *PROMPT, *world.at, *axis, '--key-file', wrong, '--json')
    assert status == 3 and [cell['state'] for cell in json.loads(out)['cells']] == ['failed'] * 3, (status, out, err)


def failed_cells_are_told_and_tried_again(s):
    prepare(s)
    world = world_of(s, 'bfl', BFL, {'where': 'job', 'kind': 'moderated', 'nth': 2})
    command = (*world.at, '--axis', 'seed=1..4', '--jobs', 1, '-o', s.out / 'a.png')
    told, err = sweep(s, *command, status=5)
    failed, = [cell for cell in told['cells'] if cell['state'] == 'failed']
    assert told['totals']['done'] == 3 and failed['reason'] and failed['image'] is None, told
    lines = err.splitlines()
    assert f'2 of 4 cells: Seed {failed["seed"]} [failed]' in err, lines
    assert lines[-1].startswith(f'espalier-cli: cell {failed["cell"]}, Seed {failed["seed"]}: '), lines
    assert len(kept(s)) == 1 and str(kept(s)[0]) in lines[-2], lines
    first = (s.out / 'a.png').read_bytes()
    # Its sheet is there all the same; the same command tries that one again, and no other.
    told, err = sweep(s, *command)
    assert '1 of 4 cells to be made' in err and told['totals']['done'] == 4 and not kept(s), (told, err)
    assert world.count()['submits'] == 5 and (s.out / 'a.png').read_bytes() != first
    # Failures of several kinds have no status of their own.
    world.add_faults({'where': 'job', 'kind': 'moderated', 'nth': 6}, {'where': 'job', 'kind': 'failed', 'nth': 7})
    sweep(s, *world.at, '--axis', 'seed=11..13', '--jobs', 1, '-o', s.out / 'b.png', status=1)


def backends_as_an_axis(s):
    """What one has and another lacks is skipped; providers need no account here."""
    prepare(s)
    world = world_of(s, 'sdcpp', 'sdcpp-server')
    command = (*world.at, '--axis', 'backend=local,sdcpp-server', '--axis', 'guidance=2,50', '--size', 'match',
               '--steps', 2, '--seed', 3, '-o', s.out / 'a.png', '--document', s.out / 'd.espalier')
    told, err = sweep(s, *command)
    assert [cell['state'] for cell in told['cells']] == ['done', 'done', 'done', 'skipped'], (told, err)
    skipped = told['cells'][3]
    assert '50' in skipped['reason'] and '20' in skipped['reason'] and skipped['node'] is None, skipped
    assert [cell['values']['backend']['backend'] for cell in told['cells'][:2]] == ['local', 'sdcpp-server'], told
    assert world.count()['submits'] == 1
    told, err = sweep(s, *command)
    assert 'there already' in err and world.count()['submits'] == 1
    shown = s.run('sweep', s.photo, *PROMPT, *command, '--dry-run')[1].decode()
    assert '[skipped: ' in shown and 'To be made: 0' in shown, shown
    s.fails('sweep', s.photo, *PROMPT, *world.at, '--axis', f'backend=local,{BFL}', '-o', s.out / 'b.png', status=2,
            names=BFL)


def submitted_once(s, how, status, wanted):
    """Stopped when so many were submitted, then the same command: none is submitted twice."""
    prepare(s)
    world = world_of(s, 'bfl', BFL, hold='running', hold_from=wanted - 1)  # two at a time
    command = ('sweep', s.photo, *PROMPT, *world.at, '--axis', 'seed=1..6', '--jobs', 2, '-o', s.out / 'a.png')
    process = s.start(*command)
    # Of each the answer has come: who is killed before that cannot know whether it was taken.
    assert wait_until(lambda: len({call['path'] for call in world.log() if call['op'] == 'watch'}) == wanted)
    process.send_signal(how)
    out, err = process.communicate(timeout=120)
    world.set_options(hold='')
    assert process.returncode == status and not out, (process.returncode, out, err)
    assert world.count()['submits'] == wanted and len(kept_documents(s)) == 1 and not list(s.out.iterdir())
    code, out, err = s.run(*command)
    assert code == 0 and b'6 done' in out and b'Going on' in err, (code, out, err)
    count = world.count()
    assert count['submits'] == 6 and count['accepted'] == 6 and not count['violations'], count
    assert not jobs(s) and not kept(s), jobs(s)
    shutil.rmtree(s.tmp)
    s.tmp.mkdir()


def ctrl_c_early(s):
    submitted_once(s, signal.SIGINT, 130, 2)


def ctrl_c_in_the_middle(s):
    submitted_once(s, signal.SIGINT, 130, 4)


def killed_early(s):
    submitted_once(s, signal.SIGKILL, -9, 2)


def killed_in_the_middle(s):
    submitted_once(s, signal.SIGKILL, -9, 4)


def patience_that_ends(s):
    """What is not done by then is kept, and the same command picks it up."""
    prepare(s)
    world = world_of(s, 'bfl', BFL, hold='running')
    command = (*world.at, '--axis', 'seed=1..2', '-o', s.out / 'a.png')
    s.fails('sweep', s.photo, *PROMPT, *command, '--patience', 'long', status=2, names='--patience')
    told, err = sweep(s, *command, '--patience', 1, status=9)
    assert told['totals']['failed'] == 2 and len(jobs(s)) == 2 and len(kept(s)) == 1, (told, err)
    world.set_options(hold='')
    told, err = sweep(s, *command)
    assert told['totals']['done'] == 2 and world.count()['submits'] == 2 and not jobs(s) and not kept(s), (told, err)


def several_at_once(s):
    """--jobs bounds what runs at the same time."""
    prepare(s)
    for limit in (1, 2):
        world = world_of(s, 'sdcpp', 'sdcpp-server', hold='running')
        process = s.start('sweep', s.photo, *PROMPT, *world.at, '--axis', 'seed=1..6', '--jobs', limit, '-o',
                          s.out / f'{limit}.png')
        # All that may run beside each other do, before the first of them ends.
        assert wait_until(lambda: world.count()['submits'] == limit)
        world.set_options(hold='')
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0 and b'6 done' in out and world.count()['submits'] == 6, (out, err)
        calls = world.log()
        ends = {call['path']: call['t'] for call in calls if call['op'] == 'watch'}
        begins = [call['t'] for call in calls if call['op'] == 'submit']
        beside = [number - sum(end < begin for end in ends.values()) for number, begin in enumerate(begins)]
        assert len(ends) == 6 and max(beside) == limit - 1, (limit, beside)
    assert (s.out / '1.png').read_bytes() == (s.out / '2.png').read_bytes()


def servers_of_the_person(s):
    """Several of one kind share a sweep; they cost nothing, so that nobody is asked for money."""
    prepare(s)
    worlds = [FAKES.world('sdcpp', (), max_side=128, hold='running') for _ in range(2)]
    folder = pathlib.Path(s.environment['XDG_CONFIG_HOME']) / 'espalier'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'accounts.json').write_text(json.dumps({'version': 1, 'accounts': [
        {'id': f'gpu-{number}', 'provider': 'sdcpp-server', 'name': f'GPU {number}', 'base_url': world.base_url}
        for number, world in enumerate(worlds)]}))
    process = s.start('sweep', s.photo, *PROMPT, '--backend', 'sdcpp-server@all', '--axis', 'seed=1..6', '-o', s.out / 'a.png')
    assert wait_until(lambda: all(world.count()['submits'] for world in worlds)), 'one does not take part'
    for world in worlds:
        world.set_options(hold='')
    out, err = process.communicate(timeout=120)
    shares = [world.count()['submits'] for world in worlds]
    assert process.returncode == 0 and b'6 done' in out and sum(shares) == 6, (out, err, shares)

    # One that is not there fails at once, and does not draw all the others for that.
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        (folder / 'accounts.json').write_text(json.dumps({'version': 1, 'accounts': [
            {'id': f'gpu-{number}', 'provider': 'sdcpp-server', 'name': f'GPU {number}', 'base_url': address}
            for number, address in enumerate((f'http://127.0.0.1:{closed.getsockname()[1]}', worlds[1].base_url))]}))
        told, _ = sweep(s, '--backend', 'sdcpp-server@all', '--axis', 'seed=11..16', '--jobs', 1, '-o', s.out / 'b.png',
                        status=8)
    assert [cell['state'] for cell in told['cells']] == ['failed'] + ['done'] * 5, told
    assert worlds[1].count()['submits'] == shares[1] + 5


def main():
    global FAKES
    if not CLI or not os.path.exists(CLI):
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    with Fakes() as FAKES:
        return run_cases([cells_of_a_provider, money_is_asked_for, what_is_missing_is_found_before,
                          failed_cells_are_told_and_tried_again, backends_as_an_axis, ctrl_c_early,
                          ctrl_c_in_the_middle, killed_early, killed_in_the_middle, patience_that_ends, several_at_once,
                          servers_of_the_person])


if __name__ == '__main__':
    sys.exit(main())
