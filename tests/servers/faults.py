# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on request.

A fault is {"where": …, "kind": …, "nth": 1 or [1, 3] (default: every time), …}. `where` is an
operation: submit upload watch fetch download cancel probe events recover, "job" (what becomes of a
job), or "any". Kinds, with their own members:

  slow {ms}                       begins late
  late {ms}                       carries the request out at once, answers late
  slow_body {ms}                  the body trickles
  stalled {run}                   never answers; run: the request was carried out (default)
  stalled_body                    head and body come, the connection does not say that this was all
  stalled_upload                  stops reading before the body is read
  reset_before                    reset before the body is read
  reset_after {run}               reset after the body was read; the request was carried out
  reuse_death                     the same, only on a connection that was used before
  status {status, retry_after, how: seconds|date|body|text, run, headers, message}
                                  an error in the provider's own shape; KEY in the message is the key
  html {status, run}              a gateway's page
  not_json, empty_body            200 with words, with nothing
  truncated {how: json|length}    half an answer
  huge {bytes}, endless           1 GB; a body without end
  redirect {to: other|loopback|file|hop|URL, status}
  gzip_bomb {bytes}               a small body that unpacks to a large one
  clock {seconds}                 the server's Date is wrong
  drop {after}                    events: the stream breaks off
  refused_early {status}          an error before the body was read
  chunked, gzip, plain            nothing is wrong: the answer in chunks, packed, called text/plain
  expired {status}                download: the link is dead

and for "job": failed moderated moderated_input credit never unknown_status gone cancelled black bomb
not_image wrong_type empty cut two uncancellable flagged fine {url: link to somewhere else, queue_ms, run_ms, ahead: so many jobs
before it, where the queue is told}.
"""
import asyncio
import email.utils
import functools
import gzip
import time
import zlib

from server import Answer

BOMB = 400 << 20
EARLY = ('reset_before', 'stalled_upload', 'refused_early')
JOB = ('failed', 'moderated', 'moderated_input', 'credit', 'never', 'unknown_status', 'gone', 'cancelled',
       'black', 'bomb', 'not_image', 'wrong_type', 'empty', 'cut', 'two', 'uncancellable', 'flagged', 'fine')
KINDS = EARLY + ('slow', 'late', 'slow_body', 'stalled', 'stalled_body', 'reset_after', 'reuse_death',
                 'status', 'html', 'not_json', 'empty_body', 'truncated', 'huge', 'endless', 'redirect',
                 'gzip_bomb', 'clock', 'drop', 'expired', 'chunked', 'gzip', 'plain')
PAGE = ('<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n'
        '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n')


class Faults:
    def __init__(self, given=()):
        self.list, self.met = [], {}
        self.add(given)

    def add(self, given):
        for fault in given:
            known = JOB if fault.get('where') == 'job' else KINDS
            if fault.get('kind') not in known:
                raise ValueError(f'no such fault: {fault}')
            nth = fault.get('nth')
            self.list.append(dict(fault, nth=[nth] if isinstance(nth, int) else nth))

    def clear(self):
        self.list.clear()

    def count(self, operation):
        """The number of this request among those of its operation."""
        self.met[operation] = self.met.get(operation, 0) + 1
        return self.met[operation]

    def pick(self, operation, number, early=False, reused=False):
        """The fault that strikes this request, or None. Early ones are asked for first."""
        for fault in self.list if operation else ():
            if fault['where'] not in (operation, 'any') or (fault['kind'] in EARLY) != early:
                continue
            if fault['nth'] and number not in fault['nth']:
                continue
            if fault['kind'] == 'reuse_death' and not reused:
                continue
            return fault
        return None


async def delay(world, fault):
    await asyncio.sleep(fault.get('ms', 1000) / 1000)
    while world.options['hold'] == 'answers':
        await asyncio.sleep(0.02)


async def answer(world, fault, request, proceed):
    """Carries out a request under a fault."""
    if fault is None:
        return await proceed()
    kind = fault['kind']
    if kind == 'slow':
        await delay(world, fault)
        return await proceed()
    if kind == 'late':
        result = await proceed()
        await delay(world, fault)
        return result
    if kind == 'drop':
        result = await proceed()
        result.spoil = fault
        return result
    runs = fault.get('run', kind not in ('redirect', 'expired')
                     and not (kind == 'status' and fault.get('status', 500) != 504))
    own = await proceed() if runs else None
    if kind == 'gzip_bomb':
        await asyncio.to_thread(bomb, fault.get('bytes', BOMB))
    result = spoilt(world, fault, request, own)
    return result


def spoilt(world, fault, request, own):
    kind, status = fault['kind'], fault.get('status')
    if kind == 'status':
        return error_status(world, fault, request)
    if kind == 'html':
        status = status or 502
        return Answer(status, PAGE.format(f'{status} Bad Gateway'), 'text/html')
    if kind == 'expired':
        return Answer(status or 403, '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>'
                      'Request has expired</Message></Error>', 'application/xml')
    if kind == 'not_json':
        return Answer(200, 'OK, thank you!', 'application/json')
    if kind == 'empty_body':
        return Answer(200, b'', 'application/json')
    if kind == 'redirect':
        location = request.target + '&hop=1' if fault.get('to') == 'hop' else target(world, fault)
        return Answer(status or 302, b'', 'text/plain', {'Location': location})
    if kind == 'gzip_bomb':
        return Answer(200, bomb(fault.get('bytes', BOMB)), own.kind if own else 'application/json',
                      {'Content-Encoding': 'gzip'})
    if own is None:
        own = Answer(200, {})
    if kind == 'clock':
        own.date_offset = fault.get('seconds', 86400)
        return own
    if kind == 'gzip' and not own.stream:
        own.body = gzip.compress(own.body, 1)
        own.headers['Content-Encoding'] = 'gzip'
        return own
    if kind == 'plain':
        own.kind = 'text/plain; charset=utf-8' if own.kind == 'application/json' else own.kind
        return own
    own.spoil = fault
    return own


def error_status(world, fault, request):
    status, wait, how = fault['status'], fault.get('retry_after'), fault.get('how', 'seconds')
    message = fault.get('message', '').replace('KEY', world.options['key'] or '')
    if wait is not None and how == 'text':
        message = f'Request was throttled. Your rate limit resets in ~{wait}s.'
    if request.origin == 'cdn':
        result = Answer(status, f'<Error><Code>E{status}</Code></Error>', 'application/xml')
    else:
        result = world.provider.error(status, message or world.provider.words(status),
                                      retry_after=wait if how == 'body' else None)
    if wait is not None and how == 'seconds':
        result.headers['Retry-After'] = str(wait)
    elif wait is not None and how == 'date':
        moment = time.time() + world.options['clock_offset'] + wait
        result.headers['Retry-After'] = email.utils.formatdate(moment, usegmt=True)
    result.headers.update(fault.get('headers', {}))
    return result


def target(world, fault):
    to = fault.get('to', 'other')
    if to == 'other':
        return world.listeners['cdn'].url + '/files/elsewhere'
    if to == 'loopback':
        return 'http://127.0.0.1:9/'
    if to == 'file':
        return 'file:///etc/hostname'
    return to


@functools.lru_cache
def bomb(size):
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    pieces, blanks = [pack.compress(b'{"a":"')], b' ' * (1 << 20)
    for _ in range(size >> 20):
        pieces.append(pack.compress(blanks))
    return b''.join(pieces) + pack.flush()
