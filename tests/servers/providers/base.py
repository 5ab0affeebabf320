# SPDX-License-Identifier: GPL-3.0-or-later
"""What all acted providers have in common: routes, the key, and checks of what was sent."""
import base64
import binascii
import hmac
import re
import urllib.parse

import pictures
from server import Answer, BadRequest

WORDS = {400: 'Bad request', 401: 'Invalid API key', 402: 'Insufficient balance', 403: 'Permission denied',
         404: 'Not found', 405: 'Method not allowed', 409: 'Conflict', 410: 'Gone',
         413: 'Request body too large', 415: 'Unsupported media type', 422: 'Validation failed',
         429: 'Too many requests', 500: 'Internal error', 502: 'Upstream failed',
         503: 'The model is at capacity', 504: 'Upstream timed out'}


class Acted:
    """A provider. Subclasses say name, base_path, price, routes, and how an error looks."""
    name = ''
    base_path = ''
    price = 0.0
    key_header, key_scheme, key_required = 'authorization', 'Bearer ', True
    invalid_status = 422
    # [(method, expression of the path below base_path, operation, name of the method here)]
    routes = ()

    def __init__(self, world):
        self.world = world
        self.compiled = [(method, re.compile(expression), operation, getattr(self, handler))
                         for method, expression, operation, handler in self.routes]

    def route(self, method, path):
        for wanted, expression, operation, handler in self.compiled:
            match = expression.fullmatch(path)
            if match and wanted == method:
                return operation, handler, tuple(map(urllib.parse.unquote, match.groups()))
        return '', None, ()

    def words(self, status):
        return WORDS.get(status, 'Something went wrong')

    def error(self, status, message, **more):
        raise NotImplementedError

    def key_is_required(self):
        given = self.world.options['key_required']
        return self.key_required if given is None else given

    def check_auth(self, request):
        given = request.headers.get(self.key_header)
        if given is None and not self.key_is_required():
            return
        wanted = self.key_scheme + (self.world.options['key'] or '')
        if given is None or not hmac.compare_digest(given.encode('latin-1'), wanted.encode()):
            raise BadRequest('No API key was given' if given is None else 'Invalid API key', 401)

    def invalid(self, message, **more):
        return BadRequest(message, self.invalid_status, **more)

    # --- Checks -----------------------------------------------------------------------------------

    def check(self, given, wanted, where='body'):
        """`wanted`: name → (type, …), required names with a "!": see `check_value`."""
        if not isinstance(given, dict):
            raise self.invalid(f'{where}: an object is wanted')
        names = {name.rstrip('!') for name in wanted}
        for name in given:
            if name not in names:
                raise self.invalid(f'{where}.{name}: unknown field', loc=name)
        for name, rule in wanted.items():
            plain = name.rstrip('!')
            if plain in given:
                self.check_value(given[plain], rule, f'{where}.{plain}')
            elif name.endswith('!'):
                raise self.invalid(f'{where}.{plain}: field required', loc=plain)
        return given

    def check_value(self, value, rule, where):
        """Rules: str; int; float; bool; (int, low, high); (float, low, high); {"a", "b"}; a regex;
        [rule] for arrays; a dict for objects; None for anything."""
        if rule is None:
            return
        if isinstance(rule, dict):
            self.check(value, rule, where)
        elif isinstance(rule, list):
            if not isinstance(value, list):
                raise self.invalid(f'{where}: an array is wanted', loc=where)
            for at, item in enumerate(value):
                self.check_value(item, rule[0], f'{where}[{at}]')
        elif isinstance(rule, (set, frozenset)):
            if not isinstance(value, str) or value not in rule:
                raise self.invalid(f'{where}: {value!r} is none of {", ".join(sorted(rule))}', loc=where)
        elif isinstance(rule, re.Pattern):
            if not isinstance(value, str) or not rule.fullmatch(value):
                raise self.invalid(f'{where}: {value!r} is not as {rule.pattern}', loc=where)
        elif isinstance(rule, tuple):
            self.check_value(value, rule[0], where)
            if not rule[1] <= value <= rule[2]:
                raise self.invalid(f'{where}: {value} is not from {rule[1]} to {rule[2]}', loc=where)
        else:
            kinds = {int: int, float: (int, float), str: str, bool: bool}[rule]
            if not isinstance(value, kinds) or (rule in (int, float) and isinstance(value, bool)):
                raise self.invalid(f'{where}: {rule.__name__} is wanted, not {value!r}', loc=where)

    def limit_body(self, request, limit):
        if len(request.body) > limit:
            raise BadRequest(f'the body has {len(request.body)} bytes, more than {limit}', 413)

    def decode_base64(self, text, where):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise self.invalid(f'{where}: no base64') from None

    def decode_data_uri(self, text, where):
        """(bytes) of a data URI, whose media type must be right."""
        match = re.match(r'data:(image/[a-z]+);base64,', text) if isinstance(text, str) else None
        if not match:
            raise self.invalid(f'{where}: no data URI of a picture: {str(text)[:40]!r}', loc=where)
        data = self.decode_base64(text[match.end():], where)
        if pictures.MEDIA[pictures.look(data).format] != match.group(1):
            raise self.invalid(f'{where}: the picture is no {match.group(1)}')
        return data

    def own_url(self, request, rest):
        """A URL of this API as answers name it; at another origin where the world's options say so."""
        if self.world.options['elsewhere']:
            return self.world.listeners['cdn'].url + self.world.base_path + rest
        return request.base + self.world.base_path + rest

    # --- Results ----------------------------------------------------------------------------------

    def size_of_aspect(self, aspect, looked):
        """A Kontext size for "16:9" or for what stands for the picture's own shape."""
        if aspect and ':' in aspect:
            across, down = aspect.split(':')
            return pictures.bucket(int(across), int(down))
        return pictures.bucket(looked.width, looked.height)

    def result_base64(self, job):
        return [base64.b64encode(data).decode() for data, _ in job.pictures()]


def no_content():
    return Answer(204, b'', None)
