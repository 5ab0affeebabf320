#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo model's folder: its manifest is whole, true to its card, and its parts are there.

    test-manifests.py SOURCE_ROOT
"""
import json
import pathlib
import re
import sys

from tap import case, run

ROOT = pathlib.Path(sys.argv[1]).resolve()
DEMO = ROOT / 'data/models/demo'
CARD = (DEMO / 'MODEL_CARD.md').read_text(encoding='utf-8')


def manifest():
    return json.loads((DEMO / 'espalier.json').read_text(encoding='utf-8'))


@case
def the_manifest_has_every_field_in_its_range():
    m = manifest()
    strings = {'id', 'name', 'kind', 'licence', 'source'}
    numbers = {'t5_tokens': (1, 4096), 'working_pixels': (256, 2 ** 26), 'default_steps': (1, 1000),
               'default_guidance': (0, 100)}
    assert set(m) == strings | set(numbers) | {'instructions'}, sorted(m)
    for key in strings:
        assert isinstance(m[key], str) and m[key].strip(), key
    for key, (low, high) in numbers.items():
        assert low <= m[key] <= high, key
    assert m['id'] == DEMO.name and m['kind'] == 'demo' and m['licence'] == 'CC0-1.0'
    assert 'demo' in m['name'].lower(), 'it must call itself a demo model'


@case
def the_manifest_says_where_a_real_model_comes_from():
    source = manifest()['source']
    assert 'FLUX.1 Kontext [dev]' in source and 'docs/models.md' in source, source
    assert (ROOT / 'docs/models.md').is_file()


@case
def it_advertises_nothing_that_its_card_calls_weak():
    weak = re.search(r'Weak, so do not advertise: ([^.]+)\.', CARD).group(1)
    assert 'sharpen' in weak and 'grain' in weak, weak
    words = re.compile(r'sharp|crisp|posteri[sz]e|poster|grain|more contrast|increase the contrast|blur'
                       r'|remove the|replace|background|\bhat\b', re.I)
    found = [text for text in manifest()['instructions'] if words.search(text)]
    assert not found, found


@case
def every_kind_of_edit_that_works_is_offered_once():
    works = re.search(r'Works on the held-out photographs: (.*?)\.\n', CARD, re.S).group(1)
    edits = [edit for edit in re.split(r'[,;]\s*', works) if edit]
    instructions = manifest()['instructions']
    assert len(instructions) == len(edits) == len(set(instructions)), (len(instructions), len(edits))
    for text in instructions:
        assert re.fullmatch(r"[A-Z][a-z' ]+", text), text


@case
def every_part_is_there():
    index = json.loads((DEMO / 'model_index.json').read_text(encoding='utf-8'))
    parts = [name for name, value in index.items() if isinstance(value, list) and value[0]]
    assert len(parts) == 7, parts
    for part in parts:
        files = list((DEMO / part).iterdir())
        assert files, part
        if part in {'transformer', 'vae', 'text_encoder', 'text_encoder_2'}:
            assert any(path.suffix == '.safetensors' for path in files), part


@case
def the_sample_photos_name_their_source_and_licence():
    readme = (ROOT / 'data/photos/README.md').read_text(encoding='utf-8')
    photos = [path for path in (ROOT / 'data/photos').iterdir() if path.suffix != '.md']
    assert photos
    for photo in photos:
        row = [line for line in readme.splitlines() if f'`{photo.name}`' in line]
        assert row and 'CC0' in row[0], photo.name


sys.exit(run())
