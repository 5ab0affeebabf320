#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that acts as the remote providers, strictly, and spoils things on request.

    fake-provider.py [--provider NAME]… [--options JSON] [--faults JSON] [--port PORT]

Every provider gets a world: a port for its API, another that stands for a file host at another origin,
and its own jobs, faults and counts. When all listen, one line of JSON is printed: {"control": URL,
"worlds": {NAME: {"base_url", "cdn", "key", "ca_file", …}}}. Without --provider there is a world for each.
--port is the API port of the first one.

On every port: GET /_fake/log (all requests), GET /_fake/count (submits, jobs, charges, violations),
POST and DELETE /_fake/faults, POST /_fake/options. On the control port, too: POST /_fake/worlds
{"provider", "options", "faults"} makes another world; POST /_fake/close {"world": N} closes one; and
/_fake/N/log and so on ask world N.

Options are in world.py, faults in faults.py. It ends when whoever started it ends, and leaves nothing.
"""
import argparse
import asyncio
import json
import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from providers import PROVIDERS                  # noqa: E402
from server import Answer, Listener              # noqa: E402
from tls import Certificates                     # noqa: E402
from world import World                          # noqa: E402


class Control:
    """Looks like a world to its listener; has no provider."""
    bytes_poured = most_open = 0

    def __init__(self, certificates):
        self.certificates, self.worlds = certificates, {}

    async def make(self, name, options=None, faults=(), port=0):
        world = World(PROVIDERS[name], self.certificates, options, faults)
        await world.start(port)
        self.worlds[world.number] = world
        return world.announce()

    def before_body(self, *_):
        return None

    async def handle(self, request):
        try:
            given = json.loads(request.body or b'{}')
            if (request.method, request.path) == ('POST', '/_fake/worlds'):
                return Answer(200, await self.make(given['provider'], given.get('options'),
                                                   given.get('faults', ())))
            if (request.method, request.path) == ('POST', '/_fake/close'):
                self.worlds.pop(given['world']).close()
                return Answer(200, {})
            number, _, what = request.path[len('/_fake/'):].partition('/')
            if number.isdigit():
                request.path = f'/_fake/{what}'
                return await self.worlds[int(number)].control(request)
        except (KeyError, ValueError, OSError, RuntimeError) as error:
            return Answer(400, {'error': f'{type(error).__name__}: {error}'})
        return Answer(404, {'error': 'no such question'})


async def serve(arguments, certificates, parent):
    control = Control(certificates)
    listener = Listener(control, 'control')
    await listener.start()
    worlds, port = {}, arguments.port
    for name in arguments.provider or PROVIDERS:
        worlds[name] = await control.make(name, json.loads(arguments.options),
                                          json.loads(arguments.faults), port)
        port = 0
    print(json.dumps({'control': listener.url, 'pid': os.getpid(), 'worlds': worlds}), flush=True)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    while not end.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(end.wait(), 0.5)
        except TimeoutError:
            pass


def main():
    parent = os.getppid()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--provider', action='append', choices=sorted(PROVIDERS))
    parser.add_argument('--options', default='{}')
    parser.add_argument('--faults', default='[]')
    parser.add_argument('--port', type=int, default=0)
    arguments = parser.parse_args()
    certificates = Certificates()
    try:
        asyncio.run(serve(arguments, certificates, parent))
    finally:
        certificates.close()


if __name__ == '__main__':
    main()
