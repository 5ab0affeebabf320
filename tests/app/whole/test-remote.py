#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote providers in the window, from the first click to the picture, with the fakes in their place."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'servers'))

from drive import SOURCE, Skip, case, is_sensitive, run, wait_until  # noqa: E402
from fakes import Fakes  # noqa: E402
from provider_accounts import account, accounts, own, variable  # noqa: E402

RUNPOD = 'runpod-flux-kontext-dev'
RUNPOD_NAME = 'RunPod: FLUX.1 Kontext [dev]'


def key_ring():
    """A key ring on this bus, which only this test has; its files are in the scratch folder."""
    if not os.environ.get('DBUS_SESSION_BUS_ADDRESS'):
        raise Skip('there is no session bus')
    try:
        subprocess.run(['gnome-keyring-daemon', '--unlock', '--components=secrets'], input=b'\n',
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    except FileNotFoundError:
        raise Skip('gnome-keyring-daemon is not installed') from None


def row(window, words, enter='Tab'):
    """Activates a row of a list as the keyboard does: rows have no action of their own for others."""
    window.find('list item', lambda name: words in name)
    window.move_focus(words, [enter] * 3 + ['Down'] * 60)
    window.key('Return')


def model(window, words):
    """Chooses in the composer's list of models."""
    window.button(lambda name: name.startswith('Model: '))
    row(window, words)


def add_by_clicking(window, name, key):
    window.button(lambda words: words.startswith('Model: '))
    window.button('Add a Provider…')
    row(window, name)
    window.write('Key', key, role=('password text', 'text', 'entry'))
    window.button('Add')


def ready(home, start, name, world, identifier=RUNPOD, document=None, **environment):
    """A window whose composer has the provider chosen, with an account of before."""
    own(home, identifier, world)
    accounts(home, account(identifier))
    document = document or home.document(size='256x192')
    window = start(document, **{variable(identifier): world.key, **environment})
    window.wait_for_nodes(1)
    model(window, name)
    return window, document


def last(home, document):
    return home.tree(document)[-1]


def made(home, document, count, patience=None):
    """The latest of the turns, when there are so many of them and it is done."""
    def newest():
        nodes = home.tree(document)
        return nodes[-1] if len(nodes) == count + 1 and nodes[-1]['state'] == 'done' else None

    return wait_until(newest, f'the picture of turn {count}', patience)


@case
def from_the_first_click_to_the_picture(home, start):
    key_ring()
    with Fakes() as fakes:
        world = fakes.world('runpod', hold='queued', max_side=256)
        own(home, RUNPOD, world)
        document = home.document(size='256x192')
        window = start(document)
        window.wait_for_nodes(1)
        add_by_clicking(window, RUNPOD_NAME, world.key)
        window.text('Ready')  # the row's; the toast above it may be gone before a slow machine looks
        window.shot('remote-providers')
        window.leave_preferences()
        kept = (home.folder / 'config/espalier/accounts.json').read_text()
        assert world.key not in kept

        model(window, RUNPOD_NAME)
        window.write('Instruction', 'Make it snow')
        wait_until(lambda: window.says('Run · $0.025') or window.says('Run · $0.03'), 'the price')
        window.button('Run')
        # Asked once, before anything is sent.
        window.text('leave this computer')
        window.text('127.0.0.1')
        window.shot('remote-consent')
        assert world.count()['accepted'] == 0
        window.respond('Send')
        window.text('Queued')
        world.set_options(hold='running')
        window.text('Running')
        window.shot('remote-running')
        world.set_options(hold='')
        node = made(home, document, 1)
        assert node['backend'] == RUNPOD, node
        assert world.count()['accepted'] == 1

        # Not asked a second time.
        world.set_options(hold='running')
        window.write('Instruction', 'Add fog')
        window.button('Run')
        wait_until(lambda: world.count()['accepted'] == 2, 'a second one')
        assert not window.says('leave this computer')
        window.text('Running')
        window.button('Cancel')
        window.text('This turn was stopped')
        window.shot('remote-cancelled')
        wait_until(lambda: any(call['op'] == 'cancel' for call in world.log()), 'the cancel there')
        window.quit()


@case
def no_credit_then_another(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256, faults=[
            {'where': 'submit', 'kind': 'status', 'status': 402, 'message': 'Balance is $0.01'}])
        window, document = ready(home, start, RUNPOD_NAME, world)
        window.instruct('Make it snow')
        window.text('There is not enough credit left')
        window.text('Balance is $0.01')
        window.text('HTTP status 402')
        window.text('not charged')
        window.shot('remote-failed')
        wait_until(lambda: last(home, document)['state'] == 'failed', 'the failure in the file')
        # The same is asked of this computer.
        window.menu('Try With', lambda name: name.startswith('This Computer'))
        node = made(home, document, 2)
        assert (node['backend'], node['instruction']) == ('local', 'Make it snow'), node
        assert node['parent'] == home.tree(document)[-2]['parent']
        assert world.count()['accepted'] == 0
        window.quit()


@case
def a_wrong_key(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256)
        window, document = ready(home, start, RUNPOD_NAME, world, **{variable(RUNPOD): 'wrong'})
        window.instruct('Make it snow')
        window.text('does not accept the key')
        window.button('Change Key…')
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
        window.text('New Key')
        window.leave_preferences()
        wait_until(lambda: last(home, document)['state'] == 'failed', 'the failure in the file')
        window.quit()


@case
def blocked_by_safety(home, start):
    with Fakes() as fakes:
        world = fakes.world('bfl', max_side=256, faults=[{'where': 'job', 'kind': 'moderated'}])
        window, document = ready(home, start, 'Black Forest Labs: FLUX.1 Kontext [pro]', world,
                                 'bfl-flux-kontext-pro')
        window.instruct('Make it snow')
        window.text('The provider refused this turn')
        window.find('status bar', lambda name: name.startswith('Refused by the provider: '))
        window.shot('remote-blocked')
        wait_until(lambda: last(home, document)['state'] == 'blocked', 'the refusal in the file')
        window.write('Instruction', '')
        window.button('Reword')
        wait_until(lambda: window.read(window.find('text', 'Instruction')) == 'Make it snow', 'the words')
        window.quit()


@case
def not_known_whether_it_was_taken(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256, faults=[
            {'where': 'submit', 'kind': 'html', 'status': 502, 'run': True, 'nth': 1}])
        window, document = ready(home, start, RUNPOD_NAME, world)
        window.instruct('Make it snow')
        window.text('It is not known whether')
        window.text('perhaps charged')
        window.shot('remote-unknown')
        assert world.count()['accepted'] == 1
        # Looking again orders nothing.
        wait_until(lambda: '502' in (last(home, document)['message'] or ''), 'what happened in the file')
        window.button('Check Again')
        wait_until(lambda: '502' not in (last(home, document)['message'] or '502'), 'the end of the look')
        window.text('It is not known whether')
        assert world.count()['accepted'] == 1
        # Ordering once more names the price first.
        window.button('Send Again…')
        window.text('Send It Again?')
        window.text('$0.025 more')
        window.respond('Cancel')
        window.silent('Send It Again?')
        assert world.count()['accepted'] == 1
        window.button('Send Again…')
        window.text('Send It Again?')
        window.respond('Send Again')
        made(home, document, 2)
        assert world.count()['accepted'] == 2
        window.quit()


@case
def nothing_leaves(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256)
        window, document = ready(home, start, RUNPOD_NAME, world)
        window.write('Instruction', 'Make it snow')
        window.key('ctrl+comma')
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
        window.press(('radio button', 'page tab', 'toggle button'), 'Providers')
        window.press(('check box', 'toggle button', 'switch'), 'Nothing Leaves This Computer')
        window.leave_preferences()
        window.text('Nothing leaves this computer, as you chose')
        window.shot('remote-offline')
        assert not is_sensitive(window.find('push button', 'Run'))
        window.key('ctrl+Return')
        assert len(home.tree(document)) == 1 and world.log() == []
        # The banner leads to the switch.
        window.button('Preferences')
        wait_until(lambda: 'Preferences' in window.frames(), 'the preferences')
        window.press(('check box', 'toggle button', 'switch'), 'Nothing Leaves This Computer')
        window.leave_preferences()
        window.silent('Nothing leaves this computer, as you chose')
        window.button('Run')
        made(home, document, 1)
        window.quit()


@case
def three_instances_share_the_work(home, start):
    with Fakes() as fakes:
        worlds = [fakes.world('sdcpp', queue_ms=300, run_ms=700, max_side=128) for _ in range(3)]
        accounts(home, *(account('sdcpp-server' + (f'-{number}' if number > 1 else ''), 'sdcpp-server',
                                 base_url=world.base_url, name=f'Machine {number}', concurrency=1)
                         for number, world in enumerate(worlds, 1)))
        document = home.document(size='192x128')
        window = start(document)
        window.wait_for_nodes(1)
        window.button(lambda name: name.startswith('Model: '))
        window.find('list item', lambda name: 'Machine 1' in name)
        window.shot('remote-pool')
        row(window, '(all 3)')
        window.write('Instruction', 'Make it snow')
        for number in range(3):
            window.menu('More Ways to Run', 'Run ×4')
            wait_until(lambda: len(home.tree(document)) == 5 + 4 * number, 'four turns')
            window.select('coffee')
        wait_until(lambda: len(home.tree(document)) == 13, 'the turns')
        wait_until(lambda: all(node['state'] == 'done' for node in home.tree(document)), 'the pictures', 90)
        counts = [world.count()['accepted'] for world in worlds]
        assert sum(counts) == 12 and min(counts) >= 2, counts
        window.quit()


@case
def a_description_with_an_error(home, start):
    folder = home.folder / 'config/espalier/providers'
    folder.mkdir(parents=True)
    (folder / 'mine.json').write_text('{\n  "schema": "kontext-provider/1",\n  "id": 7\n}\n')
    window = start(home.document(size='192x128'))
    window.wait_for_nodes(1)
    window.button(lambda name: name.startswith('Model: '))
    window.text('mine.json:3:')
    window.shot('remote-broken')
    window.key('Escape')
    # Corrected, it is there at once.
    good = json.loads((SOURCE / f'data/providers/{RUNPOD}.json').read_text())
    good.update(id='mine', name='Mine')
    (folder / 'mine.json').write_text(json.dumps(good))
    window.button(lambda name: name.startswith('Model: '))
    window.text('Mine')
    window.silent('mine.json:3:')
    window.key('Escape')
    window.quit()


@case
def the_same_as_commands(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256)
        window, document = ready(home, start, RUNPOD_NAME, world)
        window.instruct('Make it snow')
        made(home, document, 1)
        for item, said, words in (('cURL Commands', 'cURL commands copied', ('curl', '_API_KEY')),
                                  ('Python Program', 'Python program copied', ('import', '_API_KEY'))):
            window.node_menu('Make it snow', 'Copy', item)
            window.text(said)
            text = window.clipboard()
            assert all(word in text for word in (*words, 'Make it snow')) and world.key not in text, text
        window.quit()


@case
def fetched_next_time(home, start):
    with Fakes() as fakes:
        world = fakes.world('runpod', max_side=256, hold='running')
        window, document = ready(home, start, RUNPOD_NAME, world)
        window.instruct('Make it snow')
        # Here it runs before the provider has it.
        wait_until(lambda: any(call['op'] == 'watch' for call in world.log()), 'the provider at work')
        window.text('Running')
        window.key('ctrl+w')
        window.text('The provider goes on with them')
        window.respond('Fetch Next Time')
        window.ended()
        assert not any(call['op'] == 'cancel' for call in world.log())
        window = start(document, **{variable(RUNPOD): world.key})
        window.text('was not finished')
        world.set_options(hold='')
        window.button('Continue')
        made(home, document, 1)
        assert world.count()['accepted'] == 1
        window.quit()


if __name__ == '__main__':
    sys.exit(run())
