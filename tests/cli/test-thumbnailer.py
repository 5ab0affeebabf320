#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of documents, as file managers ask for them."""
import contextlib
import hashlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

from scratch import png_size, run_cases

THUMBNAILER = os.environ.get('ESP_THUMBNAILER', '')


def thumbnail(s, *arguments):
    done = subprocess.run([THUMBNAILER, *map(str, arguments)], env=s.environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def made(s, *arguments, out='thumbnail.png'):
    path = s.out / out
    status, output, errors = thumbnail(s, *arguments, path)
    assert (status, output, errors) == (0, '', ''), (status, output, errors)
    return path


def refused(s, document, *words):
    path = s.out / 'refused.png'
    status, output, errors = thumbnail(s, document, path)
    assert status == 1 and not output and not path.exists(), (status, output)
    assert errors.count('\n') == 1 and errors.startswith('espalier-thumbnailer: '), errors
    for word in words:
        assert word in errors, errors


def new(s, width=800, height=400, name='Harbour.espalier'):
    document = s.folder / name
    status, _, errors = s.run('new', document, s.photo('harbour.png', width, height))
    assert status == 0, errors
    return document


@contextlib.contextmanager
def opened(document):
    with contextlib.closing(sqlite3.connect(document)) as database:
        with database:
            yield database


def state(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def the_size_is_the_one_asked_for(s):
    document = new(s)
    before = state(s.folder)
    for size, expected in ((16, (16, 8)), (128, (128, 64)), (256, (256, 128)), (384, (384, 192)),
                           (512, (512, 256)), (2000, (800, 400))):
        assert png_size(made(s, '--size', size, document)) == expected, size
    assert png_size(made(s, document)) == (256, 128)
    assert state(s.folder) == before, 'something was written beside the document'


def a_path_an_address_and_any_name_will_do(s):
    document = new(s, 64, 64, 'Größe 100 %.espalier')
    nameless = s.folder / 'file-to-thumbnail'
    shutil.copy(document, nameless)
    pictures = {made(s, '-s', 64, source).read_bytes()
                for source in (document, document.as_uri(), nameless)}
    assert len(pictures) == 1


def the_node_that_was_shown_last_is_shown(s):
    document = new(s, 96, 48)
    status, _, errors = s.run('import', document, s.photo('tall.png', 48, 96))
    assert status == 0, errors
    with opened(document) as database:
        database.execute("INSERT OR REPLACE INTO view (key, value) VALUES ('current', '2')")
    assert png_size(made(s, document)) == (48, 96)
    with opened(document) as database:
        database.execute("UPDATE view SET value = '1' WHERE key = 'current'")
    assert png_size(made(s, document)) == (96, 48)
    # One that is deleted is not shown any more, nor is one that never was.
    with opened(document) as database:
        database.execute('UPDATE nodes SET deleted = 1 WHERE id = 1')
    assert png_size(made(s, document)) == (48, 96)
    with opened(document) as database:
        database.execute("UPDATE view SET value = 'nonsense' WHERE key = 'current'")
    assert png_size(made(s, document)) == (48, 96)


def a_document_without_thumbnails_is_decoded(s):
    document = new(s)
    with opened(document) as database:
        database.execute('DELETE FROM thumbnails')
    assert png_size(made(s, '-s', 100, document)) == (100, 50)
    with opened(document) as database:
        database.execute("INSERT INTO thumbnails (image, size, data) VALUES (1, 384, x'ffd8ff00')")
    assert png_size(made(s, '-s', 100, document)) == (100, 50)


def a_document_that_is_open_or_cannot_be_written_to_is_shown(s):
    document = new(s, 96, 48)
    folder = s.folder / 'closed'
    folder.mkdir()
    shutil.copy(document, folder)
    writer = sqlite3.connect(folder / document.name, isolation_level=None)
    try:
        # What the library's documents are like while a window has them: a log beside them.
        writer.execute('PRAGMA journal_mode = WAL')
        writer.execute('BEGIN IMMEDIATE')
        writer.execute("UPDATE nodes SET label = 'being changed'")
        assert (folder / (document.name + '-wal')).exists()
        assert png_size(made(s, folder / document.name)) == (96, 48)
        copy = s.folder / 'copy'
        copy.mkdir()
        for path in folder.iterdir():
            if not path.name.endswith('-shm'):
                shutil.copy(path, copy)
                (copy / path.name).chmod(0o444)
        copy.chmod(0o555)
        before = state(copy)
        assert png_size(made(s, copy / document.name)) == (96, 48)
        # Root may write there all the same.
        assert os.geteuid() == 0 or state(copy) == before
        copy.chmod(0o755)
    finally:
        writer.close()


def what_is_no_document_is_refused_in_one_line(s):
    document = new(s, 96, 48)
    data = document.read_bytes()
    cases = {'empty': b'', 'text': b'Not at all.\n' * 100, 'cut': data[:len(data) // 2],
             'head': data[:100], 'random': hashlib.sha256(b'').digest() * 4096,
             'other': data[:68] + b'\0\0\0\0' + data[72:]}
    for name, content in cases.items():
        path = s.folder / f'{name}.espalier'
        path.write_bytes(content)
        refused(s, path, name)
    refused(s, s.folder, 'Is a directory')
    refused(s, s.folder / 'missing\nline.espalier', 'No such file')
    refused(s, 'https://example.invalid/x.espalier', 'files of this computer')
    os.mkfifo(s.folder / 'pipe')
    refused(s, s.folder / 'pipe', 'pipe')


def hostile_documents_are_refused(s):
    def changed(name, *statements):
        path = s.folder / f'{name}.espalier'
        shutil.copy(document, path)
        with opened(path) as database:
            for statement in statements:
                database.execute(statement)
        return path

    document = new(s, 96, 48)
    without = 'DELETE FROM thumbnails'
    refused(s, changed('trigger', "CREATE TRIGGER t AFTER INSERT ON view BEGIN SELECT 1; END"))
    refused(s, changed('huge', without, 'UPDATE images SET width = 100000, height = 100000'))
    refused(s, changed('negative', without, 'UPDATE images SET size = -1'))
    refused(s, changed('boundless', without, 'UPDATE images SET size = 1 << 40'))
    refused(s, changed('garbage', without, "UPDATE image_data SET data = x'00'", 'UPDATE images SET size = 1'))
    refused(s, changed('nothing', 'UPDATE nodes SET deleted = 1'), 'no image yet')
    # A picture far larger than it says, and one that is none where a small one is kept.
    bomb = changed('bomb', without)
    with opened(bomb) as database:
        data = bytearray(s.photo('bomb.png', 8, 8).read_bytes())
        data[16:24] = (30000).to_bytes(4, 'big') * 2
        database.execute('UPDATE image_data SET data = ?', (bytes(data),))
        database.execute('UPDATE images SET size = ?', (len(data),))
    refused(s, bomb)


def wrong_calls_are_explained(s):
    document = new(s, 64, 64)
    for arguments in ((), (document,), (document, 'a.png', 'b.png'), ('--size', 0, document, 'a.png'),
                      ('--size', 100000, document, 'a.png'), ('--size', 'x', document, 'a.png'),
                      ('--nonsense', document, 'a.png')):
        status, output, errors = thumbnail(s, *arguments)
        assert status == 2 and not output and errors.count('\n') == 1, (arguments, status, errors)
    status, output, _ = thumbnail(s, '--help')
    assert status == 0 and '--size' in output
    status, output, _ = thumbnail(s, '--version')
    assert status == 0 and output.startswith('espalier-thumbnailer ')
    status, _, errors = thumbnail(s, document, s.folder / 'nowhere/a.png')
    assert status == 1 and 'No such file' in errors, errors
    full = pathlib.Path('/dev/full')
    if full.exists():
        status, _, errors = thumbnail(s, document, full)
        assert status == 1 and errors.count('\n') == 1, errors


if not THUMBNAILER:
    print('1..0 # SKIP ESP_THUMBNAILER names no program')
    sys.exit(0)
sys.exit(run_cases([the_size_is_the_one_asked_for, a_path_an_address_and_any_name_will_do,
                    the_node_that_was_shown_last_is_shown, a_document_without_thumbnails_is_decoded,
                    a_document_that_is_open_or_cannot_be_written_to_is_shown,
                    what_is_no_document_is_refused_in_one_line, hostile_documents_are_refused,
                    wrong_calls_are_explained]))
