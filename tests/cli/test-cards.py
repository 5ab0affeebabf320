#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics cards on the command line. The cards are emulated (docs/testing.md): the engine is the one that is installed."""
import json
import sys

from scratch import DEMO, run_cases

SMALL = ('--steps', '1', '--size', 'match', '--seed', '1', '--no-cache')


def card(s, **settings):
    """The environment of a computer with such cards."""
    return dict(s.environment, **{'CUEMU_' + name.upper(): str(value) for name, value in settings.items()})


def edit(s, env, *arguments, out='out.png'):
    path = s.out / out
    status, _, errors = s.run('edit', s.photo(width=32, height=32), '-p', 'Make it snow', '-o', path, '--model', DEMO,
                              *SMALL, *arguments, env=env)
    assert status == 0, errors
    return path, errors.decode()


def described(s, env):
    status, out, errors = s.run('describe', '--json', env=env)
    assert status == 0, errors
    return json.loads(out)


def cards_are_described(s):
    devices = described(s, card(s, devices=2, capability=120, vram=6 << 30))['devices']
    assert [device['id'] for device in devices] == ['cpu', 'cuda:0', 'cuda:1'], devices
    for device in devices[1:]:
        assert device['usable'] and device['bf16'] and device['fp8'], device
        assert device['capability'] == 120 and device['memory'] == 6 << 30, device
        assert device['name'] in device['description'] and 'sm_120' in device['description'], device
    choices = described(s, card(s, devices=2))['parameters']['properties']['device']['enum']
    assert choices[-2:] == ['cuda:0', 'cuda:1'], choices
    assert 'cuda:0' not in described(s, card(s))['parameters']['properties']['device']['enum']


def an_old_card_says_why_it_is_not_used(s):
    device = described(s, card(s, capability=61))['devices'][1]
    assert not device['usable'] and '6.1' in device['description'], device
    s.environment['CUEMU_CAPABILITY'] = '61'
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--device', 'cuda', '--quiet', names='6.1')


def a_card_that_is_not_there_is_named(s):
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--device', 'cuda:3', '--quiet', names='cuda:3')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--device', 'cuda:', status=2, names='--device')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--vram', 'much', status=2, names='--vram')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--blas', 'mkl', status=2, names='--blas')
    s.environment['CUEMU_CAPABILITY'] = '80'
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--dtype', 'fp8', '--device', 'cuda', '--quiet', names='sm_80')
    s.fails('edit', s.photo(), '-p', 'x', '-o', s.out / 'o.png', '--dtype', 'fp8', '--device', 'cpu', '--quiet', names='fp8')


def an_edit_runs_on_the_card_and_says_where_things_lay(s):
    env = card(s)
    _, errors = edit(s, env, '--explain-memory')
    assert 'Emulated card' in errors and 'blocks' in errors, errors
    status, out, errors = s.run('edit', s.photo(width=32, height=32), '-p', 'Make it snow', '-o', s.out / 'j.png',
                                '--model', DEMO, *SMALL, '--device', 'cuda:0', '--json', env=env)
    assert status == 0, errors
    answer = json.loads(out)
    assert answer['parameters']['device'] == 'cuda' if 'parameters' in answer else answer['device'] == 'cuda', answer
    assert 'Emulated card' in answer['device_description'], answer


def what_a_card_cannot_do_the_processor_does_and_that_is_said(s):
    path, errors = edit(s, card(s, vram=3000000), '--device', 'cuda')
    assert 'computed on the processor' in errors, errors
    here, _ = edit(s, s.environment, '--device', 'cpu', out='here.png')
    strip = [data.read_bytes().split(b'IDAT', 1)[1] for data in (path, here)]
    assert strip[0] == strip[1], 'the processor made another picture'


if __name__ == '__main__':
    sys.exit(run_cases([cards_are_described, an_old_card_says_why_it_is_not_used, a_card_that_is_not_there_is_named,
               an_edit_runs_on_the_card_and_says_where_things_lay,
               what_a_card_cannot_do_the_processor_does_and_that_is_said]))
