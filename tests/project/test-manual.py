#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual is whole, and what it says of the window is what the window says.

    test-manual.py SOURCE_ROOT
"""
import html
import importlib.util
import pathlib
import re
import sys
import tempfile

from tap import case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
MANUAL = ROOT / 'docs/manual'
CHAPTERS = re.findall(r"'([a-z-]+)\.html',\n",
                      (MANUAL / 'meson.build').read_text(encoding='utf-8').split('custom_target')[0])

# Keys that widgets have by themselves, or that are no action of the table.
OTHER_KEYS = {'B', '\\', 'Tab', 'Menu', 'Shift+F10', 'Shift+Return'}
OTHER_WORDS = {'Steps', 'Guidance'}  # of the demo model's settings
NAMES = {'period': '.', 'plus': '+', 'minus': '-', 'comma': ',', 'question': '?', 'bracketleft': '[',
         'bracketright': ']', 'braceleft': '{', 'braceright': '}', 'space': 'Space', 'Page_Up': 'Page Up', 'Page_Down': 'Page Down'}


def load_join():
    specification = importlib.util.spec_from_file_location('join', MANUAL / 'join.py')
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def read(name):
    return (MANUAL / f'{name}.html').read_text(encoding='utf-8')


def joined():
    join = load_join()
    return join.join([MANUAL / f'{name}.html' for name in CHAPTERS],
                     (MANUAL / 'manual.css').read_text(encoding='utf-8'))


def words(pattern, text):
    return [html.unescape(re.sub(r'\s+', ' ', found)) for found in re.findall(pattern, text, re.S)]


@case
def every_chapter_is_joined_and_leads_to_its_neighbours():
    assert sorted(CHAPTERS) == sorted(path.stem for path in MANUAL.glob('*.html'))
    for number, name in enumerate(CHAPTERS):
        text = read(name)
        assert text.startswith('<!DOCTYPE html>\n<html lang="en">'), name
        assert '<link rel="stylesheet" href="manual.css">' in text, name
        for relation, place in (('prev', number - 1), ('next', number + 1)):
            wanted = CHAPTERS[place] if 0 <= place < len(CHAPTERS) else None
            found = re.findall(rf'<a rel="{relation}" href="([^"]*)\.html">([^<]*)</a>', text)
            assert [target for target, _ in found] == ([wanted] if wanted else []), (name, relation)
            for target, title in found:
                assert f'<h1>{title}</h1>' in read(target), (name, title)


@case
def the_page_has_all_of_it_and_needs_nothing_else():
    page, pictures = joined()
    assert len(page.encode('utf-8')) < 4 * 1024 * 1024
    assert sorted(set(pictures)) == sorted((MANUAL / 'pictures').iterdir()), 'pictures that nothing shows'
    assert not re.search(r'(?:src|href)="(?!data:|#|https?:|mailto:)', page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert page.count('<!-- place -->') == 1
    for picture in re.findall(r'<img [^>]*>', page):
        assert re.search(r'alt="[^"]{20,}"', picture), picture[-200:]


@case
def what_the_window_opens_is_there():
    source = (ROOT / 'src/app/window/esp-help.c').read_text(encoding='utf-8')
    topics = set(re.findall(r'return "([a-z-]+)";', source))
    page, _ = joined()
    assert len(topics) > 5
    for topic in topics:
        assert f' id="{topic}"' in page, topic
    assert re.search(r'#define PLACE "(.*)"', source).group(1) == '<!-- place -->'


@case
def what_is_wrong_in_a_chapter_is_an_error():
    join = load_join()
    good = '<main>\n<h1>A</h1>\n<h2 id="a-one">One</h2>\n</main>'
    for bad in (good.replace('</main>', '<a href="#a-two">x</a>\n</main>'),
                good.replace('</main>', '<a href="b.html">x</a>\n</main>'),
                good.replace('a-one', 'one'),
                good.replace('</main>', '<img src="none.png" alt="">\n</main>'),
                good.replace('</main>', '<h2 id="a-one">Again</h2>\n</main>'),
                good.replace('</main>', '<script>x</script>\n</main>')):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'a.html'
            path.write_text(good, encoding='utf-8')
            join.join([path], '')
            path.write_text(bad, encoding='utf-8')
            try:
                join.join([path], '')
            except join.Broken:
                continue
            raise AssertionError(f'was taken: {bad}')


def table_of_actions():
    """What has a title and keys in the window's table: title → keys as the manual writes them."""
    text = (ROOT / 'src/app/window/esp-actions.c').read_text(encoding='utf-8')
    rows = re.findall(r'\{ (?:"[^"]*"|NULL),\s*(?:N_ \("[^"]*"\)|NULL),\s*(?:N_ \("([^"]*)"\)|NULL),\s*'
                      r'ESP_SECTION_\w+,.*?\{ ([^{}]*) \}', text, re.S)
    actions = {}
    for title, keys in rows:
        written = []
        for accelerator in ' '.join(re.findall(r'"([^"]*)"', keys)).split():
            modifiers, key = re.findall(r'<(\w+)>', accelerator), re.sub(r'<\w+>', '', accelerator)
            if key.startswith('KP_') or key == 'equal':
                continue
            key = NAMES.get(key, key.upper() if len(key) == 1 else key)
            written.append('+'.join([modifier.replace('Control', 'Ctrl') for modifier in modifiers] + [key]))
        if title and written:
            actions.setdefault(title, set()).update(written)
    return actions


@case
def the_chapter_about_keys_is_the_table_of_actions():
    actions = table_of_actions()
    assert len(actions) > 60
    chapter = read('keyboard').split('id="keyboard-besides"')[0]
    told = {}
    for title, keys in re.findall(r'<tr><td>(.*?)</td><td>(.*?)</td></tr>', chapter):
        told.setdefault(html.unescape(title), set()).update(words('<kbd>(.*?)</kbd>', keys))
    assert told == actions, {title for title in set(told) | set(actions)
                             if told.get(title) != actions.get(title)}


@case
def keys_are_those_of_the_table():
    known = set().union(*table_of_actions().values()) | OTHER_KEYS
    for name in CHAPTERS:
        for key in words('<kbd>(.*?)</kbd>', read(name)):
            assert key in known, f'{name}: {key}'


@case
def words_of_the_window_are_those_that_it_has():
    """<b> stands around what the window calls a thing."""
    sources = [(ROOT / name).read_text(encoding='utf-8')
               for name in (ROOT / 'po/POTFILES.in').read_text(encoding='utf-8').split()
               if name.startswith('src/app/')]
    said = html.unescape('\n'.join(sources)).replace('_', '')
    for name in CHAPTERS:
        for word in words('<b>(.*?)</b>', read(name)):
            assert word in OTHER_WORDS or f'"{word}"' in said or f'>{word}<' in said, f'{name}: “{word}”'


sys.exit(run())
