#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only espalier-decoder reads pictures: the other programs call nothing of the libraries that does (docs/security.md).

    test-decoders.py BUILD_ROOT
"""
import json
import pathlib
import re
import subprocess
import sys

from tap import case, note, run

BUILD = pathlib.Path(sys.argv[1]).resolve()
TARGETS = json.loads((BUILD / 'meson-info/intro-targets.json').read_text(encoding='utf-8'))
PROGRAMS = {pathlib.Path(target['filename'][0]).name: pathlib.Path(target['filename'][0]) for target in TARGETS
            if target['type'] == 'executable' and target['installed']}

# By library. Writing is free, and so is what only scales or shows pixels that are there (gdk_pixbuf_new_from_data).
READERS = {
    'libpng': r'png_(create_read_struct|read_|process_data|image_(begin_)?read|set_read_fn)',
    'libjpeg': r'(jpeg_(CreateDecompress|create_decompress|read_|start_decompress|mem_src|stdio_src)|tj(3)?Decompress|tj3?Init)',
    'libtiff': r'TIFF(Open|FdOpen|Read|RGBAImage|SetDirectory|Scanline)',
    'libwebp': r'WebP(Decode|IDecode|GetFeatures|GetInfo|AnimDecoder|Demux|INew|IAppend)',
    'gdk-pixbuf': r'gdk_pixbuf_(loader_|new_from_(file|stream|inline|resource|xpm)|animation_new|get_file_info)',
    'GTK': r'(gdk_texture_new_from_(bytes|file|filename|resource)|gtk_(image|picture)_(new_(from|for)|set)_(file|filename))',
    'Little CMS': r'cms(OpenProfileFrom|OpenIOhandlerFrom)',
    'others': r'(avif|heif|JxlDecoder|opj_|rsvg_|gly_|cairo_image_surface_create_from_png|poppler_)',
    'ours': r'_?esp_(decode_(gif|jpeg|picture|pixbuf|png|ppm|tiff|webp|recipe|foreign_recipe|strip)|row_converter_new|comfy_graph_read'
            r'|exif_orientation|exif_dup_text|xmp_parse)$',
}
# TIFFClientOpenExt() opens what is written, too; what reads is named above. The options of opening are no call that reads.
ALLOWED = re.compile(r'TIFFOpenOptions')


def symbols(program, *options):
    listed = subprocess.run(['nm', *options, str(program)], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split('@')[0] for line in listed.splitlines() if line.strip()}


def readers_in(program):
    """Library → what is called of it, or, of ours, is there."""
    called = symbols(program, '--dynamic', '--undefined-only')
    ours = symbols(program, '--defined-only')
    return {library: found for library, pattern in READERS.items()
            if (found := sorted(name for name in (ours if library == 'ours' else called)
                                if re.match(pattern, name) and not ALLOWED.match(name)))}


@case
def the_decoder_is_what_these_patterns_find():
    """Else the next case would find nothing anywhere."""
    found = readers_in(PROGRAMS['espalier-decoder'])
    missing = {'libpng', 'libjpeg', 'libtiff', 'libwebp', 'gdk-pixbuf', 'Little CMS', 'ours'} - set(found)
    assert not missing, f'of {sorted(missing)} nothing was found'


@case
def no_other_program_reads_pictures():
    others = {name: path for name, path in PROGRAMS.items() if name != 'espalier-decoder'}
    assert {'espalier', 'espalier-cli', 'espalier-thumbnailer', 'espalier-engine'} <= set(others), sorted(others)
    problems = [f'{name} calls {", ".join(found)} ({library})' for name, path in others.items()
                for library, found in readers_in(path).items()]
    for problem in problems:
        note(problem)
    assert not problems, f'{len(problems)} found'


@case
def the_decoder_has_no_way_to_the_network():
    names = symbols(PROGRAMS['espalier-decoder'], '--dynamic', '--undefined-only')
    found = sorted(names & {'socket', 'connect', 'getaddrinfo', 'execve', 'execv', 'system', 'popen', 'posix_spawn'})
    assert not found, found


sys.exit(run())
