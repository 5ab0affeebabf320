#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogues of po: complete, and as careful with each string as its source is.

    test-languages.py SOURCE_ROOT
"""
import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

from tap import Skip, case, note, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
STRING = re.compile(r'(?<!\w)(N|C|NC)?_ ?\(\s*"|ngettext \(|translatable="yes"')
# Files of data with strings: what the desktop is told, and what the settings are called.
DATA = ('.desktop.in.in', '.xml.in.in', '.gschema.xml.in')
PLURALS = {'de': 'nplurals=2; plural=(n != 1);', 'es': 'nplurals=2; plural=(n != 1);',
           'fr': 'nplurals=2; plural=(n > 1);', 'ja': 'nplurals=1; plural=0;'}
# What else may stand where English has a colon or an ellipsis: French has a space before the
# one, German before the other, and both are others in Japanese.
ENDS = {':': re.compile('([:：])$'), '…': re.compile('…$'), '?': re.compile('[?？]$')}
FORMAT = re.compile(r'%(?:(\d+)\$)?([-+ #0]*\d*(?:\.\d+)?(?:<\w+>|[hlzjt]*[a-zA-Z]|%))')


def text(path):
    return path.read_text(encoding='utf-8')


def lines_of(name):
    return [line for line in text(ROOT / name).splitlines() if line and not line.startswith('#')]


def languages():
    return lines_of('po/LINGUAS')


def need(*tools):
    if not all(shutil.which(tool) for tool in tools):
        raise Skip('gettext is not installed')


def expect_none(problems):
    for problem in problems:
        note(problem)
    assert not problems, f'{len(problems)} found'


def entries(language):
    """Of each string that is in use: its flags, context, id, plural id and translations."""
    for block in re.split(r'\n\s*\n', text(ROOT / f'po/{language}.po')):
        kept = [line for line in block.splitlines() if not line.startswith('#')]
        flags = ' '.join(line for line in block.splitlines() if line.startswith('#,'))
        parts = {}
        for line in kept:
            match = re.match(r'(msg\w+(?:\[\d+\])?) (".*")$', line)
            if match:
                key = match.group(1)
                parts[key] = ''
            parts[key] += ast.literal_eval(match.group(2) if match else line)
        if parts.get('msgid'):
            yield (flags, parts.get('msgctxt', ''), parts['msgid'], parts.get('msgid_plural'),
                   [parts[key] for key in sorted(parts) if key.startswith('msgstr')])


def conversions(string):
    """The conversions of a format by the argument that each one takes."""
    found = [(number, what) for number, what in FORMAT.findall(string) if what != '%']
    return sorted((int(number or place), what) for place, (number, what) in enumerate(found, 1))


def access_key(label):
    """The letter behind the underline of a label, "" without one."""
    match = re.search(r'(?<!_)_(\w)', label.replace('__', ''))
    return match.group(1).casefold() if match else ''


def is_label(string):
    """Whether an underline in it is for an access key: the names of options, files and the like
    have theirs inside of words of small letters or of capitals."""
    return bool(access_key(string)) and not re.search(r'[a-z]{3}_\d|[A-Z]_[A-Z]|[a-z0-9]_[a-z]\b|--', string)


# --- The list of files -------------------------------------------------------------------------


@case
def every_file_with_translatable_text_is_listed():
    listed = lines_of('po/POTFILES.in')
    marked = {path.relative_to(ROOT).as_posix() for folder in ('core', 'cli', 'app', 'decoder')
              for path in (ROOT / 'src' / folder).rglob('*')
              if path.suffix in ('.c', '.h', '.ui') and STRING.search(text(path))}
    marked.add('data/providers/texts.h')
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'data').rglob('*.in')
            if path.name.endswith(DATA)}
    problems = [f'not in po/POTFILES.in: {name}' for name in sorted((marked | data) - set(listed))]
    problems += [f'in po/POTFILES.in, but without strings: {name}' for name in listed
                 if name not in marked | data]
    if listed != sorted(listed):
        problems.append('po/POTFILES.in is not sorted')
    expect_none(problems)


@case
def what_providers_say_is_listed():
    """Descriptors are JSON, which xgettext does not read; names of makers and models stay as they are."""
    said = {}
    for path in sorted((ROOT / 'data/providers').glob('*.json')):
        descriptor = json.loads(text(path))
        texts = [descriptor.get('description')]
        if re.match('Own server:|.*,', descriptor.get('name', '')):
            texts.append(descriptor['name'])
        for param in [*descriptor.get('params', []), *descriptor.get('config', [])]:
            texts += [param.get('label'), param.get('description')]
        if path.name != 'schema.json':
            said |= {words: path.name for words in texts if words}
    listed = {''.join(map(ast.literal_eval, re.findall('".*"', block)))
              for block in re.findall(r'^N_ \((.*?)\)$', text(ROOT / 'data/providers/texts.h'), re.M | re.S)}
    assert len(said) > 30, said
    expect_none([f'not in data/providers/texts.h: {name}: {words!r}' for words, name in said.items()
                 if words not in listed]
                + [f'data/providers/texts.h: no descriptor says {words!r}' for words in listed - set(said)])


# --- The catalogues ----------------------------------------------------------------------------


@case
def translations_are_sound():
    need('msgfmt')
    assert languages() == sorted(path.stem for path in (ROOT / 'po').glob('*.po')), languages()
    for language in languages():
        done = subprocess.run(['msgfmt', '--check', '-o', '/dev/null', f'po/{language}.po'],
                              cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr


@case
def translations_are_complete():
    """Every string of the sources is in every catalogue: espalier-update-po, then translate."""
    need('xgettext', 'msgmerge', 'msgattrib')
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        template, merged = folder + '/espalier.pot', folder + '/merged.po'
        subprocess.run(['xgettext', '--from-code=UTF-8', '-f', 'po/POTFILES.in', '-o', template,
                        '-k_', '-kN_', '-kC_:1c,2', '-kNC_:1c,2', '-kg_dcgettext:2',
                        '-kg_dngettext:2,3', '-kg_dpgettext2:2c,3'], cwd=ROOT,
                       check=True, capture_output=True)
        for language in languages():
            subprocess.run(['msgmerge', '--quiet', '--no-fuzzy-matching', '-o', merged,
                            f'po/{language}.po', template], cwd=ROOT, check=True)
            for what in ('--untranslated', '--only-fuzzy'):
                left = subprocess.run(['msgattrib', what, '--no-obsolete', '--no-wrap', merged],
                                      check=True, capture_output=True, text=True).stdout
                problems += [f'{language}: {line}'
                             for line in re.findall(r'^msgid "(.+)"$', left, re.M)]
    expect_none(problems)


@case
def headers_say_what_people_must_know():
    problems = []
    for language in languages():
        head = text(ROOT / f'po/{language}.po').split('\n\n')[0]
        if 'NEEDS A REVIEW BY A NATIVE SPEAKER' not in head:
            problems.append(f'{language}: does not say that a native speaker must read it')
        if 'Glossary:' not in head:
            problems.append(f'{language}: has no glossary')
        if f'"Language: {language}\\n"' not in head:
            problems.append(f'{language}: says another language')
        if f'"Plural-Forms: {PLURALS.get(language)}\\n"' not in head:
            problems.append(f'{language}: has other plural forms than it should')
    expect_none(problems)


@case
def translations_keep_what_their_strings_have():
    """Formats, spaces and line ends around it, access keys, ellipses, colons, plural forms."""
    problems = []
    for language in languages():
        forms = int(re.search(r'nplurals=(\d)', PLURALS[language]).group(1))
        for flags, _context, msgid, plural, translated in entries(language):
            wrong = []
            if len(translated) != (forms if plural else 1) or not all(translated):
                wrong.append('not translated in each form')
            if 'fuzzy' in flags:
                wrong.append('fuzzy')
            for number, words in enumerate(translated):
                source = plural if plural and (number or forms == 1) else msgid
                # Those of dates go where the language has them.
                if conversions(source) != conversions(words) and '%OB' not in source:
                    wrong.append('another format')
                # Full stops and commas of Japanese have their space in them.
                after = ' ' if words[-1:] in ('、', '。') and source.endswith(' ') else words[len(words.rstrip()):]
                if [source[:len(source) - len(source.lstrip())], source[len(source.rstrip()):]] != \
                        [words[:len(words) - len(words.lstrip())], after]:
                    wrong.append('other spaces around it')
                if is_label(source) != bool(access_key(words)) and (is_label(source) or '_' not in source):
                    wrong.append('an access key too many or too few')
                if '...' in words and '...' not in source:
                    wrong.append('three points for an ellipsis')
                wrong += [f'ends otherwise than with “{end}”' if source.rstrip().endswith(end)
                          else f'ends with “{end}”' for end, pattern in ENDS.items()
                          if source.rstrip().endswith(end) != bool(pattern.search(words.rstrip()))]
            problems += [f'{language}: {what}: {msgid!r}: {translated}' for what in dict.fromkeys(wrong)]
    expect_none(problems)


@case
def french_spaces_do_not_break():
    """Before a colon U+00A0; before ; ! ? and a per cent sign, and in «  », U+202F."""
    if 'fr' not in languages():
        raise Skip('there is no French')
    breaks = re.compile(r' (?:[:;!?»]|%%)|\d %$|\w(?:[;!?]|%%)(?:\s|$)|«(?!\u202f)|(?<!\u202f)»')
    expect_none([f'{msgid!r}: {words!r}' for _flags, _context, msgid, _plural, translated in entries('fr')
                 for words in translated if breaks.search(words) and not msgid.endswith(';')])


@case
def spanish_questions_open_as_they_close():
    if 'es' not in languages():
        raise Skip('there is no Spanish')
    expect_none([f'{msgid!r}: {words!r}' for _flags, _context, msgid, _plural, translated in entries('es')
                 for words in translated
                 if '«?»' not in words and (words.count('?') != words.count('¿')
                                            or words.count('!') != words.count('¡'))])


# --- Access keys -------------------------------------------------------------------------------


def items(level):
    """The labels of one level of a menu, sections included."""
    for child in level:
        if child.tag == 'section':
            yield from items(child)
        elif child.tag in ('item', 'submenu'):
            yield from [a.text for a in child.findall('attribute')
                        if a.get('name') == 'label' and a.get('translatable') == 'yes']


def menus():
    """(name, labels) of each menu and submenu; that of the window is made of the actions' table."""
    for path in sorted((ROOT / 'src/app').rglob('*.ui')):
        for menu in ElementTree.parse(path).iter():
            if menu.tag in ('menu', 'submenu'):
                yield path.name, list(dict.fromkeys(items(menu)))
    table = dict(re.findall(r'\{ "([a-z]+\.[a-z-]+)",\s+N_ \("([^"]+)"\)',
                            text(ROOT / 'src/app/window/esp-actions.c')))
    window = text(ROOT / 'src/app/window/esp-window.c')
    main = window[window.index('\ninit_main_menu'):]
    main = main[:main.index('\n}')]
    labels = [table[name] for name in re.findall(r'"((?:app|win|node)\.[a-z-]+)"', main)]
    assert len(labels) > 15, 'the main menu is made in another way than this test knows'
    submenu, = re.findall(r'g_menu_append_submenu \(self->sweeps_menu, _ \("([^"]+)"\)',
                          text(ROOT / 'src/app/window/esp-window-sweep.c'))
    yield 'the main menu', [*labels, submenu]
    title = text(ROOT / 'src/app/compare/esp-compare-title.c')
    labels = re.findall(r'_ \("((?:[^"_]*_)[^"]+)"\)', title)
    assert '_Take Back Rejection' in labels and 'Re_ject' in labels, labels
    for other in ('_Take Back Rejection', 'Re_ject'):
        yield 'esp-compare-title.c', [label for label in labels if label != other]


@case
def access_keys_are_unique_in_each_menu():
    problems = []
    for language in ['en', *languages()]:
        words = {} if language == 'en' else {
            msgid: translated[0] for _flags, context, msgid, _plural, translated in entries(language)
            if not context}
        for name, labels in menus():
            taken = {}
            for label in (words.get(label, label) for label in labels):
                key = access_key(label)
                if not key:
                    problems.append(f'{language}: {name}: “{label}” has no access key')
                elif key in taken:
                    problems.append(f'{language}: {name}: “{label}” and “{taken[key]}” share theirs')
                taken[key] = label
    expect_none(problems)


sys.exit(run())
