#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`tokenize`: one line in, one object out, whatever the line holds."""
import json
import subprocess
import sys

from scratch import CLI, DEMO, run_cases


def ids(s, data):
    status, out, err = s.run('tokenize', '--model', DEMO, data=data)
    assert status == 0 and err == b'', (status, err)
    lines = out.decode().split('\n')
    assert lines.pop() == ''
    items = [json.loads(line) for line in lines]
    assert all(list(item) == ['t5', 'clip'] for item in items)
    return items


def lines_end_at_newlines_only(s):
    # Form feed, line separator, carriage return and NUL are characters of the text.
    data = 'a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh\n\n\0\nlast'.encode()
    items = ids(s, data)
    assert len(items) == 4
    assert items[1] == {'t5': [1], 'clip': [1117, 1118]}
    assert ids(s, b'') == []
    assert len(ids(s, b'\n')) == 1
    assert len(ids(s, b'one\ntwo')) == len(ids(s, b'one\ntwo\n')) == 2


def ids_do_not_depend_on_the_batch(s):
    texts = [f'make it snow {i} – schön {chr(0x1f300 + i % 500)}' for i in range(3000)]
    together = ids(s, '\n'.join(texts).encode())
    assert len(together) == len(texts)
    for i in (0, 1023, 1024, 2999):
        assert ids(s, texts[i].encode()) == [together[i]]


def long_lines_are_cut_to_the_models_length(s):
    items = ids(s, b'snow ' * 2000 + b'\n' + b'a' * 500000)
    assert all(len(item['t5']) == 64 and len(item['clip']) == 77 for item in items)
    assert all(item['t5'][-1] == 1 and item['clip'][-1] == 1118 for item in items)


def invalid_utf8_names_its_line(s):
    for bad in (b'\xff', b'a\xc0\xaf', b'\xed\xa0\x80', b'ok \xe2\x82', b'\xf5\x80\x80\x80'):
        s.fails('tokenize', '--model', DEMO, data=b'fine\nfine, too\n' + bad + b'\nmore\n', names='line 3')
    s.fails('tokenize', '--model', DEMO, data=b'fine\n' + b'x' * ((1 << 20) + 1) + b'\n', names='line 2')


def models_that_are_missing(s):
    s.fails('tokenize', '--model', s.folder / 'none', data=b'x\n', names='none')
    s.fails('tokenize', '--model', s.folder, data=b'x\n', names='model_index.json')


def a_reader_that_leaves(s):
    process = subprocess.run(['/bin/bash', '-c', f'set -o pipefail; yes snow | head -20000 | "{CLI}" tokenize | head -1'],
                             env=s.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240, check=False)
    assert process.stdout.count(b'\n') == 1 and process.returncode == 1, process
    assert b'standard output' in process.stderr


def an_answer_comes_line_by_line_at_the_end_of_input(s):
    process = s.start('tokenize', '--model', DEMO, stdin=subprocess.PIPE)
    out, err = process.communicate(b'snow', timeout=240)
    assert process.returncode == 0 and out.count(b'\n') == 1, err


sys.exit(run_cases([lines_end_at_newlines_only, ids_do_not_depend_on_the_batch,
                    long_lines_are_cut_to_the_models_length, invalid_utf8_names_its_line,
                    models_that_are_missing, a_reader_that_leaves,
                    an_answer_comes_line_by_line_at_the_end_of_input]))
