#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real window in a language of longer words, and from right to left: nothing is cut off, nothing is
left in English, and what has a direction follows it. See tests/app/support/pseudo.py.

One argument or more: only those cases. $ESPALIER_SCREENSHOTS keeps a picture of each place."""
import json
import os
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / 'support'))

from drive import SOURCE, case, plain, repeat_until, run, wait_until  # noqa: E402
from layout import Watched  # noqa: E402
from pseudo import LANGUAGE, OVERRIDE, POP, pseudo, read_messages, write_catalogue  # noqa: E402

TURN = 'Make it snow'

DEMO = json.loads((SOURCE / 'data/models/demo/espalier.json').read_text())
TRANSLATED = {text for _context, text, _plural in read_messages(SOURCE / 'po/de.po')}
PROVIDERS = {json.loads(path.read_text())['name']
             for path in (SOURCE / 'data/providers').glob('*-*.json')} - TRANSLATED
# What has no brackets: names, what a person wrote, what GLib, GTK and libadwaita say by themselves.
OWN = re.compile(
    '^(' + '|'.join(map(re.escape, [DEMO['name'], DEMO['source'], DEMO['licence'], *DEMO['instructions'], *PROVIDERS])) + '|'
    r'Espalier|espalier|Coffee|FLUX\.1 Kontext \[dev\]|.*\.(png|jpg|espalier)|/\S+|[0-9a-f]{16,64}|https?://\S+|'
    r'(GGUF \w+|fp8 scaled|bf16)(, T5 \w+)?|FLUX\.1 \[dev\] Non-Commercial License|ΔE [\d.]+|'
    r'PNG( image)?|[\d.]+\s[kMG]B|\w{3} \w{3} [ \d]\d [\d:]+ \d{4}|'
    r'Expand|Clear entry|Show Text|\(None\)|Preferences|Shortcuts|Search Results|No Results Found|Try a different search\.?|'
    r'Escape|Minimi[sz]e|Maximi[sz]e|Close|Back|Search|Clear|((Shift|Ctrl|Alt)\+)*\S?|Ctrl|Shift|Alt|Esc|Return|Enter|F\d+|'
    r'((Shift|Ctrl|Alt)\+)*((Page ?)?(Up|Down)|Home|End|Delete|Left|Right|Tab|Space|Insert|Menu|Return|F\d+)|'
    r'(Gtk|Adw|Esp|Gdk)[A-Z]\w+)$')


class Pseudo(Watched):
    """A program in that language, and what is wrong with what it showed so far."""

    def __init__(self, home, start, *arguments, rtl=False):
        super().__init__(home)
        self.start, self.arguments, self.rtl = start, arguments, rtl
        write_catalogue(home.folder / 'locale', rtl)
        self.window = self.open(*arguments)

    def open(self, *arguments):
        self.window = self.start(
            *arguments, LANGUAGE=LANGUAGE, ESPALIER_LOCALE_DIR=str(self.home.folder / 'locale'),
            **self.environment, ESP_DIRECTION='rtl' if self.rtl else 'ltr')
        return self.window

    def name(self, text):
        """A test of names: those that the text, translated, can be."""
        pattern = re.sub(r'%(?:\d\\?\$)?[a-z]+', '.*', re.escape(
            pseudo(text, self.rtl).replace('_', '')).replace('\\%', '%'))
        return re.compile(pattern, re.S).fullmatch

    def button(self, text):
        return self.window.button(self.name(text))

    def has(self, text, role=None):
        return bool(self.window.all(role, self.name(text)))

    def shows(self, text):
        """Other than has (), not of what is on a stack's other pages."""
        return any(self.name(text)(one.text) for one in self.layout())

    def wait(self, text, role=None):
        wait_until(lambda: self.has(text, role), f'{text!r}')

    def focus_tree(self):
        self.window.key('ctrl+f')
        wait_until(lambda: self.name('Find in the history')(self.window.focused()), 'the search')
        self.window.key('Escape')
        wait_until(lambda: self.window.focus_widget() is not None
                   and self.window.focus_widget().role == 'tree item', 'the tree')

    # --- Looking

    def place_of(self, texts, words):
        """How far from the left edge the first text with these words begins."""
        return next(text.x for text in texts if self.name(words)(text.text))

    def look(self, place, least_width=None, own_words=True):
        """A place as it is now. The window about the program has many words of libadwaita's."""
        if os.environ.get('ESPALIER_SCREENSHOTS'):
            self.window.shot(f'{"rtl" if self.rtl else "pseudo"}-{place}')
        texts = self.layout()
        for text in texts:
            if text.kind == 'window':
                if least_width and text.x > least_width:
                    self.complain(place, f'{text.window!r} is at least {text.x} wide')
                if (text.text == 'rtl') != self.rtl:
                    self.complain(place, f'{text.window!r} has the direction {text.text}')
                continue
            if not text.is_well():
                self.complain(place, f'{text.kind}: {text.text!r} ({text.place[-160:]})')
            if own_words:
                self.translated(place, text.text)
        for widget in self.window.root.walk() if own_words else ():
            self.translated(place, plain(widget.name or ''))
        return texts

    def translated(self, place, text):
        left = text
        while True:
            shorter = re.sub(r'⟦[^⟦⟧]*⟧', '', left)
            if shorter == left:
                break
            left = shorter
        for part in re.split('·|\\n', re.sub(f'[{OVERRIDE}{POP}\u200f\u2066\u2069]', '', left)):
            part = part.strip(' ,.:;–—“”"')
            if re.search(r'[^\W\d_]{2}', part) and not OWN.match(part):
                self.complain(place, f'in English: {text!r}')


def opened(p, *keys):
    """Opens a window with keys."""
    repeat_until(lambda: p.window.key(*keys), lambda: len(p.window.windows()) > 1, f'a window by {keys}')


def closed(p):
    """Escape, once or more: the first may go to something in it."""
    repeat_until(lambda: p.window.key('Escape'), lambda: len(p.window.windows()) == 1, 'the window to go')


def menu_item(p, key, item, place):
    """A menu, looked at; returns what takes that item of it."""
    repeat_until(lambda: p.window.key(key), lambda: p.has(item, 'menu item'), place)
    p.look(place)
    return lambda: p.window.press('menu item', p.name(item))


def escape_from(p, role, item):
    repeat_until(lambda: p.window.key('Escape'), lambda: not p.has(item, role), f'{item!r} to go')


def popovers(p, places):
    """What opens at the buttons of the composer: its button, something in it with its role, its name."""
    for button, role, item, place in places:
        p.button(button)
        p.wait(item, role)
        p.look(place)
        escape_from(p, role, item)


SETTINGS = ('Settings: %s', 'spin button', 'Steps', 'settings')
COMPOSER = (
    SETTINGS,
    ('Model: %s', 'push button', '_Get a Model…', 'model'),
    ('%d Variation', 'menu item', '%d Variations', 'variations'),
    ('Add Reference', 'menu item', 'From _File…', 'reference'),
)


def compare(p, modes):
    """The first turn with the image before, in each way."""
    p.focus_tree()
    p.window.key('c')
    p.wait('comparing “%s” with “%s”')
    for mode in modes:
        p.look(f'compare-{mode}')
        p.window.key('m')
    repeat_until(lambda: p.window.key('Escape'), lambda: not p.has('comparing “%s” with “%s”'),
                 'the comparison to go')


def sweep_setup(p, place):
    p.window.key('ctrl+t')
    wait_until(lambda: p.shows('_Add an Axis'), 'the set-up')
    p.look(place)
    repeat_until(lambda: p.window.key('Escape'), lambda: not p.shows('_Add an Axis'), 'the set-up to go')


@case
def longer_words(home, start):
    home.settings(window_size='(1000, 700)', history_width='300')
    p = Pseudo(home, start)
    p.wait('What Should Change?')
    p.look('welcome')
    p.resize(360, 640)
    p.look('welcome-narrow', least_width=360)
    p.window.quit()

    window = p.open(home.document(TURN, 'Make it night'))
    p.resize(1000, 700)
    window.wait_for_nodes(3)
    window.select('Make it night')
    p.look('main')
    p.focus_tree()
    menu_item(p, 'shift+F10', '_Delete', 'node-menu')
    escape_from(p, 'menu item', '_Delete')
    menu_item(p, 'F10', '_About Espalier', 'main-menu')()
    wait_until(lambda: len(window.windows()) > 1, 'the window about the program')
    p.look('about', own_words=False)
    closed(p)
    popovers(p, COMPOSER)
    compare(p, range(5))
    sweep_setup(p, 'sweep')
    for keys, place in (('ctrl+e', 'export'), ('alt+Return', 'properties'), ('ctrl+question', 'shortcuts')):
        opened(p, keys)
        p.look(place)
        closed(p)
    opened(p, 'ctrl+comma')
    for title, place in (('Appearance', 'general'), ('Models on This Computer', 'models'),
                         ('Nothing Leaves This Computer', 'providers'), ('Library', 'storage')):
        if place != 'general':
            window.key('Right', 'space')  # on to the next page's button
        wait_until(lambda words=title: p.shows(words), f'the page with {title!r}')
        p.look(f'preferences-{place}')
    closed(p)

    p.resize(360, 640)
    p.look('main-narrow', least_width=360)
    popovers(p, (SETTINGS,))
    sweep_setup(p, 'sweep-narrow')
    p.done()


@case
def longer_words_in_rarer_places(home, start):
    document = home.document(size='96x96')
    home.cli('sweep', document, '-p', TURN, '--seed', 1, '--axis', 'guidance=0, 2.5', '--axis', 'steps=2, 3')
    home.settings(window_size='(1000, 700)', history_width='300')
    p = Pseudo(home, start, document)
    window = p.window
    wait_until(window.nodes, 'the nodes')
    # The menu's items are there at once, those of its submenus, too.
    menu_item(p, 'F10', '_Sweeps', 'sweeps')()
    window.press('menu item', lambda item: '4' in item)
    wait_until(lambda: p.shows('%u of %u done'), 'the cells')
    p.look('sweep-grid')
    window.key('Escape')
    window.key('ctrl+f')
    wait_until(lambda: p.name('Find in the history')(window.focused()), 'the search')
    window.type('nowhere')
    wait_until(lambda: p.shows('No matches'), 'that nothing is found')
    p.look('find')
    window.key('Escape')

    p.button('Model: %s')
    p.button('_Get a Model…')
    wait_until(lambda: p.shows('Models on This Computer'), 'the models')
    window.move_focus('FLUX.1 Kontext', ['Tab'] * 20)
    window.key('Return')
    wait_until(lambda: p.shows('I Have Read the Licence and Accept It'), 'the page of the model')
    p.look('model-offer')
    closed(p)
    p.button('Model: %s')
    p.button('_Add a Provider…')
    wait_until(lambda: p.shows('Add a Provider'), 'the providers')
    p.look('providers')
    window.move_focus('Black Forest Labs', ['Tab'] * 3 + ['Down'] * 20)
    window.key('Return')
    wait_until(lambda: p.shows('New Account'), 'the page of the account')
    p.look('account')
    closed(p)
    p.done()


@case
def right_to_left(home, start):
    home.settings(window_size='(1000, 700)', history_width='300', history_orientation="'left-right'")
    p = Pseudo(home, start, home.document(TURN, 'Make it night'), rtl=True)
    window = p.window
    window.wait_for_nodes(3)
    window.select('Make it night')
    texts = p.look('main')
    # What is first is on the right: the header's first button; what is last, on the left.
    assert p.place_of(texts, '_Open') > p.place_of(texts, 'Run'), 'the window is not mirrored'
    # The tree grows to the left, and keys go there as well.
    p.focus_tree()
    for key, words in (('Home', 'coffee.png'), ('Left', TURN), ('Left', 'Make it night'), ('Right', TURN)):
        window.key(key)
        wait_until(lambda node=words: node in window.focused(), f'the keyboard on {words!r} by {key}')
    popovers(p, (SETTINGS,))
    compare(p, range(3))
    sweep_setup(p, 'sweep')
    # Rows with lines in Latin letters are read from the right, too.
    p.button('Model: %s')
    p.button('_Get a Model…')
    wait_until(lambda: p.shows('Models on This Computer'), 'the models')
    p.look('models')
    closed(p)
    p.done()


if __name__ == '__main__':
    sys.exit(run())
