#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Untouched pixels and regions on the command line: `edit`, `run`, `sweep` and `jobs resume`, with the engine and with
a provider. How well it is found what changed is tests/core/untouched's matter."""
import json
import os
import pathlib
import signal
import struct
import sys
import zlib

from scratch import CLI, SOURCE, pixels, png_size, run_cases, wait_until

sys.path.insert(0, str(SOURCE / 'tests/servers'))
import pictures  # noqa: E402
from drive import clean_environment  # noqa: E402
from fakes import Fakes  # noqa: E402

SMALL = ('--steps', '2', '--seed', '1')
REGION = (60, 40, 48, 40)
FOUND = {'global', 'shift', 'scale', 'colour_offset', 'colour_gain', 'certain', 'changed_fraction'}
FAKES = None


def changed(source, image):
    """Which pixels differ, as a set."""
    (width, height, before), (wide, high, after) = pixels(source), pixels(image)
    assert (wide, high) == (width, height), (wide, high, width, height)
    return {(x, y) for y in range(height) for x in range(width) if before[y][x] != after[y][x]}


def around(region, margin):
    x, y, width, height = region
    return {(i, j) for i in range(x - margin, x + width + margin) for j in range(y - margin, y + height + margin)}


def text(region):
    return ','.join(map(str, region))


def recipe_of(path):
    data = pathlib.Path(path).read_bytes()
    at = data.index(b'espalier\0')
    length = struct.unpack('>I', data[at - 8:at - 4])[0]
    packed, rest = data[at + 9], data[at + 11:at + length].split(b'\0', 2)[2]
    return json.loads(zlib.decompress(rest) if packed else rest)


# --- The engine --------------------------------------------------------------------------------------


def a_region_alone_is_edited(s):
    photo, mask = s.photo(width=160, height=120), s.out / 'mask.png'
    path, out, err = s.edit(photo, *SMALL, '--region', text(REGION), '--mask-out', mask, '--json',
                            prompt='Tint the photo red')
    told = json.loads(out)
    assert FOUND <= set(told) and told['keep_untouched'] == 'auto' and 'problem' not in told, told
    assert told['region'] == dict(zip(('x', 'y', 'width', 'height'), REGION)), told
    assert (told['output_width'], told['output_height']) == (160, 120), told
    touched = changed(photo, path)
    assert len(touched) > 500 and touched <= around(REGION, 32), len(touched - around(REGION, 32))
    # The mask is 0 exactly where the picture is the photo.
    width, height, rows = pixels(mask)
    assert (width, height) == (160, 120)
    assert {(x, y) for y in range(height) for x in range(width) if rows[y][x][0] > 0} == touched
    assert abs(told['changed_fraction'] - len(touched) / (160 * 120)) < 0.001, told
    recipe = recipe_of(path)
    assert recipe['keep_untouched'] == 'auto' and recipe['region'] == told['region'], recipe
    # All of the region, and the corners of another shape.
    path, out, err = s.edit(photo, *SMALL, '--region', text(REGION), '--keep-untouched', 'off', out='off.png',
                            prompt='Tint the photo red')
    assert b'region as a whole' in err, err
    assert len(changed(photo, path)) > 48 * 40 * 0.8
    path = s.edit(photo, *SMALL, '--region', '20,20,100,20,60,100', out='lasso.png', prompt='Tint the photo red')[0]
    touched = changed(photo, path)
    assert (60, 50) in touched and (22, 98) not in touched and (98, 98) not in touched


def a_large_photo_stays_large(s):
    photo = s.photo(width=500, height=340)
    kept, out, _ = s.edit(photo, *SMALL, '--keep-untouched', 'auto', '--json', prompt='Keep the photo the same')
    told = json.loads(out)
    assert png_size(kept) == (500, 340) and told['output_width'] == 500 and told['width'] < 500, told
    plain, out, err = s.edit(photo, *SMALL, '--json', out='plain.png', prompt='Keep the photo the same')
    assert png_size(plain)[0] < 500 and 'keep_untouched' not in json.loads(out), out
    same = s.edit(photo, *SMALL, '--keep-untouched', 'off', out='same.png', prompt='Keep the photo the same')[0]
    assert same.read_bytes() == plain.read_bytes()
    assert 'keep_untouched' not in recipe_of(plain)
    jpeg = s.edit(photo, *SMALL, '--keep-untouched', 'auto', out='o.jpg', prompt='Keep the photo the same')[0]
    assert jpeg.read_bytes().startswith(b'\xff\xd8')


def wrong_command_lines(s):
    photo = s.photo()
    edit = ['edit', photo, '-p', 'x', '-o', s.out / 'o.png']
    s.fails(*edit, '--keep-untouched', 'painted', status=2, names='--keep-untouched')
    s.fails(*edit, '--keep-untouched', '', status=2, names='--keep-untouched')
    for region in ('1,2,3', '1,2,3,x', '0,0,4,4', '1,2,3,4,5', '', '1e9,1,1,1,2,2'):
        s.fails(*edit, '--region', region, status=2, names='--region')
    s.fails(*edit, '--region', '900,10,20,20', names=('--region', '900'))
    s.fails(*edit, '--mask-out', s.out / 'm.png', status=2, names='--mask-out')
    s.fails(*edit, '--keep-untouched', 'off', '--mask-out', s.out / 'm.png', status=2, names='--mask-out')
    s.fails(*edit, '--keep-untouched', 'auto', '--mask-out', s.folder / 'nowhere/m.png', status=2, names='--mask-out')
    s.fails('run', photo, '--resume', '--region', '1,2,20,20', status=2, names='--region')


# --- Documents ---------------------------------------------------------------------------------------


def turns_of_a_document(s):
    photo, document = s.photo(width=160, height=120), s.out / 'd.espalier'
    assert s.run('new', document, photo)[0] == 0
    run = ('run', document, '--node', 1, '-p', 'Tint the photo red', '--seed', 1, '--set', 'steps=2')
    status, out, err = s.run(*run, '--json')
    assert status == 0, err
    node, = json.loads(out)['nodes']
    assert node['keep']['keep_untouched'] == 'auto' and FOUND <= set(node['keep']) and node['outdated'] is False, node
    status, out, err = s.run(*run, '--region', text(REGION))
    assert status == 0 and b'node 3' in err, (status, out, err)
    status, out, err = s.run(*run, '--keep-untouched', 'off', '--json')
    assert json.loads(out)['nodes'][0]['keep'] is None, out
    status, out, err = s.run('tree', document, '--json')
    keeps = [each['keep'] for each in json.loads(out)['nodes']]
    assert keeps[0] is None and keeps[2]['region']['width'] == 48 and keeps[3] is None, keeps
    status, out, err = s.run('log', document, '--node', 3)
    assert f'region: {text(REGION)}'.encode() in out, out
    assert s.run('export', document, '--node', 3, '-o', s.out / 'three.png', '--recipe')[0] == 0
    assert changed(photo, s.out / 'three.png') <= around(REGION, 32)
    recipe = recipe_of(s.out / 'three.png')
    assert recipe['region'] == recipe['lineage'][-1]['region'] == keeps[2]['region'], recipe
    # The same again as a file, byte for byte the same pixels.
    assert s.run(*run, '--region', text(REGION), '-o', s.out / 'again.png')[0] == 0
    assert not changed(s.out / 'three.png', s.out / 'again.png')
    assert s.run('verify', document)[0] == 0


def cells_of_a_sweep(s):
    photo, document = s.photo(width=160, height=120), s.out / 's.espalier'
    status, out, err = s.run('sweep', photo, '-p', 'Tint the photo red', '--axis', 'seed=1,2', '--steps', 2, '--region',
                             text(REGION), '-o', s.out / 'cells.png', '--document', document)
    assert status == 0, err
    status, out, err = s.run('tree', document, '--json')
    cells = [each for each in json.loads(out)['nodes'] if 'sweep' in each]
    assert len(cells) == 2 and all(each['keep']['region']['x'] == 60 for each in cells), cells


# --- A provider --------------------------------------------------------------------------------------


def prepare(s):
    s.environment = clean_environment(s.folder)
    s.environment['TMPDIR'] = str(s.tmp)
    s.picture = s.folder / 'photo.png'
    s.picture.write_bytes(pictures.carpet_png(b'photo' * 7, 240, 160))


def remote(s, world, *more, backend='sdcpp-server'):
    return ('edit', s.picture, '-p', 'Make it snow', '-o', s.out / 'o.png', '--backend', backend, '--base-url',
            world.base_url, '--region', text(REGION), '--mask-out', s.out / 'm.png', '--json', *more)


def expect_region(s):
    touched = changed(s.picture, s.out / 'o.png')
    width, height, rows = pixels(s.out / 'm.png')
    assert len(touched) > 500 and touched <= around(REGION, 32), len(touched - around(REGION, 32))
    assert {(x, y) for y in range(height) for x in range(width) if rows[y][x][0] > 0} == touched


def a_provider_sees_the_region_alone(s):
    prepare(s)
    world = FAKES.world('sdcpp', (), max_side=128)
    status, out, err = s.run(*remote(s, world))
    assert status == 0, (out, err)
    output, = json.loads(out)['outputs']
    assert FOUND <= set(output) and output['keep_untouched'] == 'auto' and output['region']['x'] == 60, output
    assert (output['width'], output['height']) == (240, 160), output
    expect_region(s)
    assert recipe_of(s.out / 'o.png')['region'] == output['region']
    status, out, err = s.run(*remote(s, world, '--region', '900,1,20,20'))
    error = json.loads(out)['error']
    assert status == 2 and error['class'] == 'argument' and '900' in error['message'], out
    status, out, err = s.run(*remote(s, world, '--keep-untouched', 'x'))
    assert status == 2 and '--keep-untouched' in json.loads(out)['error']['message'], out
    status, out, err = s.run(*remote(s, world, '--mask-out', s.folder / 'nowhere/m.png'))
    assert status == 2 and 'nowhere' in json.loads(out)['error']['message'], out
    assert world.count()['submits'] == 1


def a_job_that_is_resumed_is_put_back(s):
    prepare(s)
    world = FAKES.world('sdcpp', (), max_side=128, hold='running')
    process = s.start(*remote(s, world))
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.set_options(hold='')
    status, out, err = s.run('jobs', 'resume', '--json')
    assert status == 0, (out, err)
    assert json.loads(out)['outputs'][0]['region']['x'] == 60, out
    expect_region(s)
    assert world.count()['submits'] == 1


def what_was_paid_for_is_there_without_the_photo(s):
    prepare(s)
    world = FAKES.world('sdcpp', (), max_side=128, hold='running')
    process = s.start(*remote(s, world))
    assert wait_until(lambda: world.count()['operations'].get('watch')), 'it does not begin'
    process.send_signal(signal.SIGKILL)
    process.communicate()
    world.set_options(hold='')
    s.picture.unlink()
    status, out, err = s.run('jobs', 'resume', '--json')
    output, = json.loads(out)['outputs']
    assert status == 0 and 'not there any more' in output['problem'], (out, err)
    assert png_size(s.out / 'o.png') == (output['width'], output['height']) and not (s.out / 'm.png').exists()


def main():
    global FAKES
    if not CLI or not os.path.exists(CLI):
        print('1..0 # SKIP ESP_CLI names no program')
        return 0
    with Fakes() as FAKES:
        return run_cases([a_region_alone_is_edited, a_large_photo_stays_large, wrong_command_lines,
                          turns_of_a_document, cells_of_a_sweep, a_provider_sees_the_region_alone,
                          a_job_that_is_resumed_is_put_back, what_was_paid_for_is_there_without_the_photo])


if __name__ == '__main__':
    sys.exit(main())
