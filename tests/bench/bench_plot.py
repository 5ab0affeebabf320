# SPDX-License-Identifier: GPL-3.0-or-later
"""Small line charts as SVG, for the documents; they read well on light and on dark pages."""

import html
import math

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 320, 56, 36, 176, 44
# Told apart by their dashes and marks as well as by their colours.
STYLES = (("#3584e4", "", "circle"), ("#e66100", "8 4", "square"), ("#2a9d5c", "2 4", "diamond"))


def ticks(low, high, wanted=6):
    """Round numbers within low…high."""
    span = (high - low) / max(wanted, 1)
    power = 10 ** math.floor(math.log10(span))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span)
    first = math.ceil(low / step) * step
    return [first + index * step for index in range(int((high - first) / step + 1e-9) + 1)]


def mark(kind, x, y, colour):
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if kind == "square":
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>'


def line_chart(path, title, x_title, y_title, curves, limit=None):
    """`curves`: name → [(x, y), …]; values of `limit` and above are drawn at it, as "or more"."""
    points = [(x, min(y, limit) if limit else y) for values in curves.values() for x, y in values]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    low, high = low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1)

    def place(x, y):
        y = min(y, limit) if limit else y
        return (LEFT + (x - min(xs)) / ((max(xs) - min(xs)) or 1) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
           f'font-family="sans-serif" font-size="12">',
           f'<title>{html.escape(title)}</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{html.escape(title)}</text>']
    for value in ticks(low, high):
        _, y = place(min(xs), value)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        more = "≥ " if limit and value >= limit else ""
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{more}{value:g}</text>')
    for value in sorted(set(xs)):
        x, _ = place(value, low)
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
               f'{html.escape(x_title)}</text>')
    out.append(f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
               f'text-anchor="middle">{html.escape(y_title)}</text>')
    for index, (name, values) in enumerate(curves.items()):
        colour, dash, kind = STYLES[index % len(STYLES)]
        places = [place(*value) for value in values]
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        out.append(f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="2" '
                   f'stroke-dasharray="{dash}"/>')
        out.extend(mark(kind, x, y, colour) for x, y in places)
        y = TOP + 16 + 22 * index
        out.append(mark(kind, WIDTH - RIGHT + 22, y - 4, colour))
        out.append(f'<text x="{WIDTH - RIGHT + 34}" y="{y}">{html.escape(name)}</text>')
    path.write_text("\n".join(out + ["</svg>", ""]), encoding="utf-8")
