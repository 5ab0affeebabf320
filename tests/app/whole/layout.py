# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program's texts look like from inside, as tests/app/support/layout-watch.c tells it."""
import os
import pathlib
import signal
import subprocess
import urllib.parse

from drive import wait_until

WATCH = os.environ.get('ESP_LAYOUT_WATCH', '')  # the module layout-watch.so
# May end in an ellipsis: titles, which are what the document or the turn is called, and what is
# chosen in a row of libadwaita's, which shows all of it when it is opened.
SHORTENED = ('AdwWindowTitle', 'AdwComboRow')


class Text:
    """A line of the module's report."""

    def __init__(self, line):
        self.kind, self.window, place, self.place, text = line.split('\t')
        self.x, self.y, self.width, self.height = map(int, place.split())
        self.text = urllib.parse.unquote(text)
        self.seen = None  # what is not scrolled out of sight: left, top, right, bottom

    def is_well(self):
        return self.kind in ('whole', 'told') or self.kind == 'shortened' and any(
            place in self.place for place in SHORTENED)


def overlapping(texts):
    """Pairs of texts of one surface that are drawn over one another."""
    shown = [text for text in texts if text.seen]
    for index, one in enumerate(shown):
        for other in shown[index + 1:]:
            if one.window != other.window or surface(one) != surface(other):
                continue
            if one.text == other.text and 'AdwEntryRow' in one.place:
                continue  # its title, large and small, of which one cannot be seen
            across = min(one.seen[2], other.seen[2]) - max(one.seen[0], other.seen[0])
            down = min(one.seen[3], other.seen[3]) - max(one.seen[1], other.seen[1])
            # Lines of a font overlap by a little, where there is no ink.
            if across > 2 and down > 4:
                yield one, other


def surface(text):
    """The popover that it is in."""
    popover = text.place.rfind('Popover')
    return text.place[:popover] if popover >= 0 else ''


class Watched:
    """A program with the module in it, and what is wrong with what it showed so far."""

    def __init__(self, home):
        self.home, self.window = home, None
        self.report = home.folder / 'layout'
        self.problems = []
        self.moved = set()  # classes of widgets that were seen to move
        self.said = []  # texts and how urgent they are
        self.environment = {'GIO_EXTRA_MODULES': str(pathlib.Path(WATCH).parent), 'ESP_LAYOUT_REPORT': str(self.report)}

    def layout(self):
        """What the module says of each text, when it says the same twice."""
        before = None
        while True:
            self.report.unlink(missing_ok=True)
            self.window.process.send_signal(signal.SIGUSR1)
            wait_until(self.report.exists, 'the layout')
            lines = self.report.read_text(encoding='utf-8').splitlines()
            self.moved |= {line.split('\t')[3] for line in lines if line.startswith('moved')}
            self.said += [(text.text, text.x) for text in map(Text, lines) if text.kind == 'said']
            now = [line for line in lines if not line.startswith(('moved', 'said'))]
            if now == before:
                return self.texts(now)
            before = now

    @staticmethod
    def texts(lines):
        texts = []
        for text in map(Text, lines):
            if text.kind != 'seen':
                texts.append(text)
            else:
                texts[-1].seen = (text.x, text.y, text.x + text.width, text.y + text.height)
        return texts

    def resize(self, width, height):
        """As often as it takes: the wide form is never narrower than its header, and gives way to the
        narrow one when it has come there."""
        def fits():
            subprocess.run(['xdotool', 'windowsize', self.window.window_id(), str(width), str(height)], check=True)
            return [text for text in self.layout()
                    if text.kind == 'window' and width - 40 <= text.width <= width]

        wait_until(fits, f'a width of {width}')

    def complain(self, place, what):
        """Once, however many places have it. Told at once, too: a case may end early."""
        if what not in self.problems:
            self.problems.append(what)
            print(f'# {place}: {what}', flush=True)

    def done(self):
        self.window.quit()
        assert not self.problems, f'{len(self.problems)} problems'
