#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`espalier-cli compose`: what a person or a script gets. How well it is found what changed is measured by `./dev bench drift`."""
import json
import sys

from scratch import CLI, SOURCE, pixels, png_size, run_cases

sys.path.insert(0, str(SOURCE / 'tests/servers'))
from pictures import png_of_rows  # noqa: E402

PHOTO = SOURCE / 'data/photos/coffee.png'
MEMBERS = ['output', 'width', 'height', 'global', 'shift', 'scale', 'colour_offset', 'colour_gain', 'certain',
           'changed_fraction', 'seconds', 'warnings']


def write(path, rows):
    data = b''.join(b'\0' + bytes(v for pixel in row for v in pixel) for row in rows)
    path.write_bytes(png_of_rows(len(rows[0]), len(rows), data))
    return path


def moved_and_tinted(rows, right, down, offset, disc=(170, 80, 20)):
    """The photo as a model would give it back, with a blue disc in it."""
    height, width, (x, y, radius) = len(rows), len(rows[0]), disc
    out = []
    for j in range(height):
        line = []
        for i in range(width):
            u, v = min(max(i - right, 0), width - 1), min(max(j - down, 0), height - 1)
            pixel = (30, 60, 200) if (u - x) ** 2 + (v - y) ** 2 <= radius ** 2 else rows[v][u]
            line.append(tuple(min(max(c + o, 0), 255) for c, o in zip(pixel, offset)))
        out.append(line)
    return out


def differing(before, after):
    return {(x, y) for y, (a, b) in enumerate(zip(before, after)) for x, (p, q) in enumerate(zip(a, b)) if p != q}


def disc_pixels(x, y, radius):
    return {(i, j) for j in range(256) for i in range(256) if (i - x) ** 2 + (j - y) ** 2 <= radius ** 2}


def compose(s, result, *options, out='out.png', source=PHOTO):
    status, output, errors = s.run('compose', source, result, '-o', s.out / out, *options)
    assert status == 0, errors
    return s.out / out, output, errors


def a_disc_comes_and_nothing_else(s):
    rows = pixels(PHOTO)[2]
    result = write(s.folder / 'result.png', moved_and_tinted(rows, 4, -3, (6, -4, 2)))
    path, output, errors = compose(s, result, '--mask-out', s.out / 'mask.png', '--json')
    told = json.loads(output)
    assert list(told) == MEMBERS and not errors, (list(told), errors)
    assert (told['global'], told['certain']) == (False, True), told
    assert abs(told['shift'][0] - 4) < .1 and abs(told['shift'][1] + 3) < .1 and abs(told['scale'] - 1) < 1e-3, told
    assert all(abs(a - b) < 1 for a, b in zip(told['colour_offset'], (6, -4, 2))), told
    composed = pixels(path)[2]
    touched, disc = differing(rows, composed), disc_pixels(170, 80, 20)
    assert len(disc - touched) <= len(disc) * .01, len(disc - touched)
    assert len(touched - disc) <= (65536 - len(disc)) * .03, len(touched - disc)
    # The disc has the photo's colours, not the model's.
    assert all(abs(a - b) <= 3 for a, b in zip(composed[80][170], (30, 60, 200))), composed[80][170]
    mask = pixels(s.out / 'mask.png')[2]
    assert {(x, y) for y in range(256) for x in range(256) if mask[y][x][0]} == touched
    assert abs(told['changed_fraction'] - len(touched) / 65536) < 1e-9, told
    # With that mask it is the same again.
    again, output, _ = compose(s, result, '--mask', s.out / 'mask.png', '--json', out='again.png')
    assert pixels(again)[2] == composed
    text = compose(s, result, out='text.png')[1].decode()
    assert '256x256' in text and '% changed' in text, text


def a_small_result_goes_into_a_large_photo(s):
    rows = pixels(PHOTO)[2]
    large = write(s.folder / 'large.png', [[p for p in row for _ in range(2)] for row in rows for _ in range(2)])
    result = write(s.folder / 'result.png', moved_and_tinted(rows, 0, 0, (0, 0, 0)))
    path, output, _ = compose(s, result, '--json', source=large)
    assert png_size(path) == (512, 512)
    touched = differing(pixels(large)[2], pixels(path)[2])
    disc = {(x, y) for x in range(512) for y in range(512) if (x - 340) ** 2 + (y - 160) ** 2 <= 37 ** 2}
    assert disc <= touched and len(touched) < 2 * len(disc), (len(disc - touched), len(touched))


def the_picture_as_a_whole(s):
    rows = pixels(PHOTO)[2]
    grey = [[(sum(p) // 3,) * 3 for p in row] for row in rows]
    result = write(s.folder / 'grey.png', grey)
    path, output, _ = compose(s, result, '--mask-out', s.out / 'mask.png', '--json')
    told = json.loads(output)
    assert told['global'] and told['changed_fraction'] == 1, told
    assert pixels(path)[2] == grey
    assert b'as a whole' in compose(s, result, out='text.png')[1]
    # A small one is still as large as the photo.
    small = write(s.folder / 'small.png', [row[::2] for row in grey[::2]])
    assert png_size(compose(s, small, out='small.png')[0]) == (256, 256)


def nothing_changed(s):
    path, output, _ = compose(s, PHOTO, '--json', '--mask-out', s.out / 'mask.png')
    told = json.loads(output)
    assert told['changed_fraction'] == 0 and not told['global'], told
    assert pixels(path)[2] == pixels(PHOTO)[2]
    assert not any(v for row in pixels(s.out / 'mask.png')[2] for v, in row)


def a_region_and_its_seam(s):
    rows = pixels(PHOTO)[2]
    two = moved_and_tinted(moved_and_tinted(rows, 0, 0, (0, 0, 0)), 0, 0, (0, 0, 0), (60, 180, 20))
    result = write(s.folder / 'two.png', two)
    composed = pixels(compose(s, result, '--region', '140,50,60,60')[0])[2]
    touched = differing(rows, composed)
    assert (170, 80) in touched and (60, 180) not in touched and len(touched) < 2 * 60 * 60, len(touched)
    all_of_it = differing(rows, pixels(compose(s, result, '--keep-untouched', 'off', out='off.png')[0])[2])
    assert all_of_it == differing(rows, two)
    plain = differing(rows, pixels(compose(s, result, out='plain.png')[0])[2])
    grown = differing(rows, pixels(compose(s, result, '--grow', '8', '--feather', '6', out='grown.png')[0])[2])
    assert plain >= differing(rows, two) and grown >= plain


def wrong_command_lines(s):
    photo = s.photo()
    to = s.out / 'o.png'
    for arguments, name in (((), 'SOURCE'), ((photo,), 'RESULT'), ((photo, photo), '--output'),
                            ((photo, photo, photo, '-o', to), 'photo.png'), ((photo, photo, '-o', s.out / 'o.bmp'), 'o.bmp'),
                            ((photo, photo, '-o', to, '--grow', 'x'), '--grow'),
                            ((photo, photo, '-o', to, '--feather', '-1'), '--feather'),
                            ((photo, photo, '-o', to, '--keep-untouched', 'maybe'), '--keep-untouched'),
                            ((photo, photo, '-o', to, '--region', '1,2,3'), '--region'),
                            ((photo, photo, '-o', to, '--mask', photo, '--region', '1,1,9,9'), '--mask'),
                            ((photo, photo, '-o', to, '--nonsense'), '--nonsense')):
        s.fails('compose', *arguments, status=2, names=name)


def bad_files(s):
    photo, other, to = s.photo(), s.photo('other.png', 32, 48), s.out / 'o.png'
    broken = s.folder / 'broken.png'
    broken.write_bytes(photo.read_bytes()[:200])
    for arguments, name in (((s.folder / 'none.png', photo), 'none.png'), ((photo, s.folder / 'none.png'), 'none.png'),
                            ((photo, broken), 'broken.png'), ((photo, photo, '--mask', other), 'other.png'),
                            ((photo, photo, '--mask', s.folder / 'none.png'), 'none.png'),
                            ((photo, photo, '--region', '500,500,20,20'), '500'),
                            ((photo, photo, '--mask-out', s.folder / 'none/m.png'), '--mask-out')):
        s.fails('compose', *arguments, '-o', to, names=name)
    s.fails('compose', photo, photo, '-o', s.folder / 'none/o.png', names='--output')


def main():
    if not CLI:
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    return run_cases([a_disc_comes_and_nothing_else, a_small_result_goes_into_a_large_photo, the_picture_as_a_whole,
                      nothing_changed, a_region_and_its_seam, wrong_command_lines, bad_files])


if __name__ == '__main__':
    sys.exit(main())
