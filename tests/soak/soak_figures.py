# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process and a home take at one moment, and whether that grows from moment to moment."""
import os
import pathlib
import statistics

KIB = 1024
KINDS = ('socket', 'pipe', 'memfd', 'file', 'other')


def _kind(target):
    for start, kind in (('socket:', 'socket'), ('pipe:', 'pipe'), ('/memfd:', 'memfd'), ('anon_inode:', 'other'),
                        ('/dev/', 'other')):
        if target.startswith(start):
            return kind
    return 'file' if target.startswith('/') else 'other'


def process_figures(pid):
    """Memory in KiB, descriptors by kind, threads; None where the process has gone."""
    folder = pathlib.Path(f'/proc/{pid}')
    try:
        lines = (folder / 'smaps_rollup').read_text().splitlines()[1:]
        memory = {name: int(rest.split()[0]) for name, rest in (line.split(':') for line in lines)}
        status = dict(line.split(':\t', 1) for line in (folder / 'status').read_text().splitlines() if ':\t' in line)
        descriptors = dict.fromkeys(KINDS, 0)
        for descriptor in os.listdir(folder / 'fd'):
            try:
                descriptors[_kind(os.readlink(folder / 'fd' / descriptor))] += 1
            except OSError:  # closed meanwhile
                continue
    except (OSError, ValueError):
        return None
    return {'rss_kib': memory['Rss'], 'anonymous_kib': memory['Anonymous'],
            'shared_kib': memory['Shared_Clean'] + memory['Shared_Dirty'],
            'private_kib': memory['Private_Clean'] + memory['Private_Dirty'],
            'descriptors': sum(descriptors.values()), 'threads': int(status['Threads']),
            **{f'fd_{kind}': number for kind, number in descriptors.items()}}


def folder_figures(folder):
    """(files, bytes) below a folder; folders count as files, as what is left over may be one."""
    files, size = 0, 0
    for path in pathlib.Path(folder).rglob('*'):
        try:
            files, size = files + 1, size + (path.lstat().st_size if path.is_file() else 0)
        except OSError:
            continue
    return files, size


# --- Flatness -----------------------------------------------------------------------------------------

def settled(points):
    """Points (run of the program, x, y) without the first third of each run that has enough of them, in which
    what is made once and kept is made: fonts, icons, styles, the allocator's arenas."""
    kept = []
    for run in {point[0] for point in points}:
        own = sorted(point for point in points if point[0] == run)
        kept += own[len(own) // 3:]
    return kept


def slope(points):
    """The median of the slopes of all pairs within one run of the program (Theil and Sen): a few values that
    are far off do not move it. None where there are not three pairs."""
    slopes = [(b[2] - a[2]) / (b[1] - a[1]) for i, a in enumerate(points) for b in points[i + 1:]
              if a[0] == b[0] and a[1] != b[1]]
    return statistics.median(slopes) if len(slopes) >= 3 else None


class Bound:
    """How much a figure may grow with 1,000 turns and 100 openings, and why so much."""

    def __init__(self, name, title, unit, most, why, divide=1):
        self.name, self.title, self.unit, self.most, self.why, self.divide = name, title, unit, most, why, divide


def judge(bounds, checkpoints):
    """For each bound a row: title, unit, first, last, median, growth per 1,000 turns, most, verdict; None where there
    are too few points to tell."""
    rows = []
    for bound in bounds:
        points = [(checkpoint['run'], checkpoint['turns'], checkpoint[bound.name] / bound.divide)
                  for checkpoint in checkpoints if checkpoint.get(bound.name) is not None]
        if not points:
            continue
        growth = slope(settled(points))
        growth = None if growth is None else growth * 1000
        values = [value for _, _, value in points]
        rows.append({'name': bound.name, 'title': bound.title, 'unit': bound.unit, 'first': values[0],
                     'last': values[-1], 'median': statistics.median(values), 'growth': growth, 'most': bound.most,
                     'flat': None if growth is None else growth <= bound.most, 'why': bound.why})
    return rows


def table(rows):
    """Markdown, as it stands in docs/testing.md."""
    lines = ['| figure | first | median | last | growth per 1,000 turns and 100 openings | may be | |',
             '| --- | ---: | ---: | ---: | ---: | ---: | --- |']
    for row in rows:
        number = (lambda value: f'{value:.2f}') if row['unit'] == 'MiB' else (lambda value: f'{value:,.0f}')
        verdict = {True: 'flat', False: 'GROWS', None: 'too few to tell'}[row['flat']]
        growth = '' if row['growth'] is None else f'{row["growth"]:+.2f}'
        lines.append(f'| {row["title"]}{", " + row["unit"] if row["unit"] else ""} | {number(row["first"])} '
                     f'| {number(row["median"])} | {number(row["last"])} | {growth} | {row["most"]:g} '
                     f'| {verdict} |')
    return '\n'.join(lines)
