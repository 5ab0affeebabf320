#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A language that nobody speaks, to see what translations do to the window: every text is two fifths
longer, has accents and stands in ⟦brackets⟧; what must stay (formats, markup, mnemonics) stays. What has
no brackets on the screen was not translated.

    pseudo.py FOLDER [--rtl]    writes FOLDER/qps/LC_MESSAGES/espalier.mo

With --rtl each text is marked as one that is written from right to left.
"""
import argparse
import ast
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parents[3]
LANGUAGE = 'qps'
ACCENTS = str.maketrans('ACDEGHIJKLNOPRSTUWYZacdeghijklnoprstuwyz',
                        'ÂÇÐÉĜĤÎĴĶĻÑÖÞŔŠŢÛŴÝŽåçđéĝĥîĵķļñöþŕšţûŵýž')
VOWELS = 'aeiouyAEIOUY'
# Conversions of printf and of dates, markup, entities, option names, addresses, key names.
KEPT = re.compile(r'%(?:\d+\$)?[-+ #0\'^_E]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|j|z|t|G_\w+)?[A-Za-z%]'
                  r'|<[^<>]*>|&#?\w+;|https?://\S+|--[\w-]+|_[A-Za-z]')
OVERRIDE, POP = '\u202e', '\u202c'


def pseudo(text, rtl=False):
    """The text in that language."""
    core = text.strip()
    if not core:
        return text
    start = text.index(core)
    kept = KEPT.findall(core)
    # What a mnemonic's letter was is a letter still.
    parts = KEPT.split(core)
    letters = sum(map(len, parts))
    extra = max(1, round(letters * 0.4))
    longer = []
    for part in parts:
        out = ''
        for letter in part:
            repeats = 1 + (letter in VOWELS and extra > 0)
            extra -= repeats - 1
            out += letter * repeats
        longer.append(out.translate(ACCENTS))
    words = ''.join(a + b for a, b in zip(longer, kept + ['']))
    words += '·' * min(extra, 12)
    # Lines are marked one by one: a mark ends with its paragraph.
    if rtl:
        words = '\n'.join(OVERRIDE + line + POP if line else line for line in words.split('\n'))
    return f'{text[:start]}⟦{words}⟧{text[start + len(core):]}'


def read_messages(catalogue):
    """(context or None, text, plural or None) of each entry of a .po file, its header left out."""
    for block in re.split(r'\n\s*\n', catalogue.read_text(encoding='utf-8')):
        fields, name = {}, None
        for line in block.splitlines():
            if line.startswith('#'):
                continue
            match = re.match(r'(msg\w+(?:\[\d\])?)\s+(".*")$', line)
            if match:
                name = match.group(1)
                fields[name] = ast.literal_eval(match.group(2))
            elif line.startswith('"') and name:
                fields[name] += ast.literal_eval(line)
        if fields.get('msgid'):
            yield fields.get('msgctxt'), fields['msgid'], fields.get('msgid_plural')


def write_catalogue(folder, rtl=False):
    """Writes the catalogue of every text that the German one has, which has them all."""
    header = ('Content-Type: text/plain; charset=UTF-8\n'
              'Plural-Forms: nplurals=2; plural=(n != 1);\n')
    entries = {'': header}
    for context, text, plural in read_messages(ROOT / 'po/de.po'):
        key = text if plural is None else text + '\0' + plural
        value = '\0'.join(pseudo(one, rtl) for one in key.split('\0'))
        entries[key if context is None else context + '\4' + key] = value
    pairs = sorted((key.encode(), value.encode()) for key, value in entries.items())
    # The format is in the GNU gettext manual: a head, two tables of (length, offset), the texts.
    count = len(pairs)
    tables, texts = [[], []], b''
    begin = 28 + 16 * count
    for column in (0, 1):
        for pair in pairs:
            tables[column].append((len(pair[column]), begin + len(texts)))
            texts += pair[column] + b'\0'
    head = struct.pack('<7I', 0x950412de, 0, count, 28, 28 + 8 * count, 0, 0)
    rows = b''.join(struct.pack('<2I', *row) for table in tables for row in table)
    path = pathlib.Path(folder) / LANGUAGE / 'LC_MESSAGES/espalier.mo'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + rows + texts)
    return path


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('folder')
    parser.add_argument('--rtl', action='store_true')
    arguments = parser.parse_args()
    print(write_catalogue(arguments.folder, arguments.rtl))
