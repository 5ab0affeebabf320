# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document has to have, because it was there: every look at it is held against the one before.

A look reads the rows that the program has committed, as another process, so it never sees more than
what would be there after a crash, and the window shows nothing earlier than that.
"""
import hashlib
import sqlite3
from typing import NamedTuple

UNDER_WAY = ('queued', 'running')


class Row(NamedTuple):
    parent: int
    kind: str
    state: str
    deleted: bool
    stars: int
    rejected: bool
    label: str
    backend: str
    image: str  # the SHA-256 of what it shows, or None


class Lost(AssertionError):
    """Something is not there any more, or not as it was."""


class Tree:
    """A document of the soak. Marks and deletions may change from when that was asked for until all of it is done;
    what was made may not, ever."""

    def __init__(self, home, path):
        self.path = path
        key = hashlib.sha256(path.resolve().as_uri().encode()).hexdigest()
        self.working = home.folder / 'share/espalier/working' / key
        self.rows = {}
        self.marks_may_change = True
        self.look()

    def _read(self):
        """From the working copy where there is one; else from the file, which nobody changes in place."""
        database = self.working / 'document.db'
        for target in ([f'file:{database}?mode=ro'] if database.exists() else []) + [f'file:{self.path}?immutable=1']:
            try:
                connection = sqlite3.connect(target, uri=True, timeout=10)
                try:
                    return {row[0]: Row(*row[1:3], row[3], bool(row[4]), row[5], bool(row[6]), *row[7:])
                            for row in connection.execute(
                                'SELECT nodes.id, parent, kind, state, deleted, stars, rejected, label, backend, sha256 '
                                'FROM nodes LEFT JOIN images ON images.id = nodes.image')}
                finally:
                    connection.close()
            except sqlite3.OperationalError:
                # It was closed and its folder cleared while it was being read.
                if target.endswith('immutable=1'):
                    raise
        return None

    def may_change(self):
        """Marks and deletions may change from now on, for that was asked for."""
        self.marks_may_change = True

    def is_done(self):
        """All that was asked for has been carried out: what is there now has to stay as it is."""
        self.look()
        self.marks_may_change = False

    def look(self):
        """Reads it anew; Lost where something is not as it has to be."""
        rows, before = self._read(), self.rows
        gone = before.keys() - rows.keys()
        if gone:
            raise Lost(f'{self.path.name}: nodes that were stored are not there: {sorted(gone)}')
        for number, old in before.items():
            self._compare(number, old, rows[number])
        self.rows = rows
        return rows

    def _compare(self, number, old, new):
        where = f'{self.path.name}, node {number}'
        if old.state == 'done' and (new.state, new.image) != ('done', old.image):
            raise Lost(f'{where}: was done with {old.image}, is {new.state} with {new.image}')
        if old.state not in UNDER_WAY and new.state in UNDER_WAY and not self.marks_may_change:
            raise Lost(f'{where}: was {old.state}, is {new.state}')
        if (old.parent, old.kind) != (new.parent, new.kind):
            raise Lost(f'{where}: is another node')
        if not self.marks_may_change:
            for name in ('deleted', 'stars', 'rejected', 'label'):
                if getattr(old, name) != getattr(new, name):
                    raise Lost(f'{where}: {name} was {getattr(old, name)!r}, is {getattr(new, name)!r}')

    # --- What is there, as of the last look

    def under_way(self):
        return [number for number, row in self.rows.items() if row.state in UNDER_WAY and not row.deleted]

    def live(self, *kinds):
        return [number for number, row in self.rows.items() if not row.deleted and row.kind in kinds]

    def turns(self):
        """All that were ever added, by what became of them."""
        count = {}
        for row in self.rows.values():
            if row.kind == 'turn':
                count[row.state] = count.get(row.state, 0) + 1
        return count

    def image_bytes(self):
        """The bytes of all pictures in the file, thumbnails and masks included."""
        connection = sqlite3.connect(f'file:{self.path}?immutable=1', uri=True)
        try:
            return connection.execute(
                'SELECT (SELECT total(size) FROM images) + (SELECT total(length(data)) FROM thumbnails)'
                ' + (SELECT total(size) FROM latents)').fetchone()[0]
        finally:
            connection.close()
