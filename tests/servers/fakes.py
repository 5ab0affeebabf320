# SPDX-License-Identifier: GPL-3.0-or-later
"""The fakes for tests in Python: start them, make worlds, ask what happened there.

    with Fakes() as fakes:
        world = fakes.world('bfl', faults=[{'where': 'submit', 'kind': 'status', 'status': 429}])
        … world.base_url, world.key … world.count()['accepted'], world.log()
"""
import json
import pathlib
import subprocess
import sys
import urllib.request

PROGRAM = pathlib.Path(__file__).resolve().parent / 'fake-provider.py'


def ask(url, data=None, method=None):
    """Without any proxy: the fakes are on this computer."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)


class FakeWorld:
    def __init__(self, fakes, announced):
        self.fakes = fakes
        self.number, self.provider = announced['world'], announced['provider']
        self.base_url, self.origin, self.cdn = (announced[name] for name in ('base_url', 'origin', 'cdn'))
        self.key, self.ca_file = announced['key'], announced['ca_file']

    def ask(self, what, data=None, method=None):
        # Through the control port of the process: a world may have a certificate that is no good.
        return ask(f'{self.fakes.control}/_fake/{self.number}/{what}', data, method)

    def log(self):
        return self.ask('log')

    def count(self):
        return self.ask('count')

    def add_faults(self, *faults):
        self.ask('faults', list(faults))

    def clear_faults(self):
        self.ask('faults', method='DELETE')

    def set_options(self, **options):
        self.ask('options', options)

    def close(self):
        ask(f'{self.fakes.control}/_fake/close', {'world': self.number})


class Fakes:
    """The process with the fakes."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), '--provider', 'runpod'], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('the fakes do not start')
        self.control = json.loads(line)['control']
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()

    def world(self, provider, faults=(), **options):
        return FakeWorld(self, ask(f'{self.control}/_fake/worlds', {
            'provider': provider, 'options': options, 'faults': list(faults)}))
