#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the manual's chapters into one page that needs no other file.

    join.py OUTPUT DEPFILE CHAPTER…

A browser that a sandboxed program asks to show the manual is given one file and no folder. So style and pictures are
in the page, and links from chapter to chapter become links inside it. What a chapter's <main> has is taken as it is;
its id is the chapter's anchor (the one in `first-edit.html` is `first-edit`). Anything that does not fit (a picture
that is missing, a link that leads nowhere, an id that is there twice, something from elsewhere) is an error.
"""
import base64
import html
import pathlib
import re
import sys

LIMIT = 4 * 1024 * 1024
KINDS = {'.png': 'image/png', '.jpg': 'image/jpeg', '.svg': 'image/svg+xml'}
PAGE = '''<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Espalier’s manual</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Espalier’s manual</h1>
</header>
<nav id="contents" aria-label="Contents">
<h2>Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main>
{chapters}
</main>
<!-- place -->
</body>
</html>
'''


class Broken(Exception):
    pass


def one(pattern, text, what):
    found = re.findall(pattern, text, re.S)
    if len(found) != 1:
        raise Broken(f'{len(found)} times {what}, not once')
    return found[0]


class Chapter:
    """A file of the manual: `<main>` with an `<h1>` and sections, whose ids begin with the chapter's."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.body = one(r'<main>\n(.*)</main>', path.read_text(encoding='utf-8'), '<main>')
        self.title = one(r'<h1>(.*?)</h1>', self.body, '<h1>')
        self.sections = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', self.body, re.S)
        self.ids = [self.name] + re.findall(r'\sid="([^"]+)"', self.body)
        for identifier in self.ids:
            if identifier != self.name and not identifier.startswith(self.name + '-'):
                raise Broken(f'the id “{identifier}” does not begin with the chapter’s name')

    def joined(self, ids, pictures):
        """The chapter as a section of the page. Notes in `pictures` what was read."""
        def link(match):
            target = html.unescape(match.group(1))
            if re.match(r'(https?|mailto):', target):
                return match.group(0)
            name, _, place = target.partition('#')
            if name and not name.endswith('.html'):
                raise Broken(f'“{target}” is no chapter')
            anchor = place or name[:-len('.html')]
            if anchor not in ids or (place and name and not place.startswith(name[:-len('.html')])):
                raise Broken(f'the link to “{target}” leads nowhere')
            return f'href="#{anchor}"'

        def picture(match):
            path = self.path.parent / html.unescape(match.group(1))
            if path.suffix not in KINDS or not path.is_file():
                raise Broken(f'there is no picture “{match.group(1)}”')
            pictures.append(path)
            data = base64.b64encode(path.read_bytes()).decode('ascii')
            return f'src="data:{KINDS[path.suffix]};base64,{data}"'

        text = re.sub(r'href="([^"]*)"', link, self.body)
        text = re.sub(r'src="([^"]*)"', picture, text)
        # One level down each: the page has the <h1>.
        text = re.sub(r'<(/?)h([123])\b', lambda match: f'<{match.group(1)}h{int(match.group(2)) + 1}', text)
        return (f'<section id="{self.name}">\n{text}'
                '<p class="up"><a href="#contents">Contents</a></p>\n</section>')

    def entry(self):
        lines = ''.join(f'<li><a href="#{place}">{title}</a></li>' for place, title in self.sections)
        return f'<li><a href="#{self.name}">{self.title}</a>' + (f'<ul>{lines}</ul>' if lines else '') + '</li>'


def join(paths, style):
    """The page, and the pictures it has in it."""
    chapters, pictures, ids = [], [], {'contents'}
    for path in paths:
        try:
            chapters.append(Chapter(path))
            for identifier in chapters[-1].ids:
                if identifier in ids:
                    raise Broken(f'the id “{identifier}” is there twice')
                ids.add(identifier)
        except Broken as error:
            raise Broken(f'{path}: {error}') from None
    bodies = []
    for chapter in chapters:
        try:
            bodies.append(chapter.joined(ids, pictures))
        except Broken as error:
            raise Broken(f'{chapter.path}: {error}') from None
    page = PAGE.format(style=style, contents='\n'.join(chapter.entry() for chapter in chapters),
                       chapters='\n'.join(bodies))
    for outside in re.findall(r'<(?:script|link|iframe|object|audio|video)\b|url\(|@import', page):
        raise Broken(f'the page must need nothing else: {outside}')
    if len(page.encode('utf-8')) > LIMIT:
        raise Broken(f'the page has {len(page)} bytes, more than {LIMIT}')
    return page, pictures


def main(arguments):
    output, depfile, paths = pathlib.Path(arguments[0]), arguments[1], [pathlib.Path(p) for p in arguments[2:]]
    style = pathlib.Path(__file__).with_name('manual.css').read_text(encoding='utf-8')
    try:
        page, pictures = join(paths, style)
    except Broken as error:
        sys.exit(f'join.py: {error}')
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page, encoding='utf-8')
    names = ' '.join(str(path.resolve()).replace(' ', '\\ ') for path in pictures)
    pathlib.Path(depfile).write_text(f'{output}: {names}\n', encoding='utf-8')


if __name__ == '__main__':
    main(sys.argv[1:])
