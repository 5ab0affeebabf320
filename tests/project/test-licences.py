#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of parts (SPDX), docs/licences.md, and what they are made of: data/licences/parts.json.

    test-licences.py SOURCE_ROOT BUILD_ROOT
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from tap import Skip, case, run

ROOT, BUILD = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
sys.path.insert(0, str(ROOT / 'data/licences'))

import parts  # noqa: E402

DOCUMENT = json.loads((BUILD / 'data/licences/espalier.spdx.json').read_text(encoding='utf-8'))
PROGRAMS = {'espalier': 'src/app/window/espalier', 'espalier-cli': 'src/cli/espalier-cli',
            'espalier-thumbnailer': 'src/cli/espalier-thumbnailer', 'espalier-decoder': 'src/decoder/espalier-decoder',
            'espalier-engine': 'src/engine/worker/espalier-engine'}
# What a library is called in a program that was linked with it, where pkg-config calls it otherwise.
SONAMES = {'glib-2.0': r'lib(glib|gobject|gio|gmodule)-2\.0', 'gtk4': r'lib(gtk-4|graphene-1\.0)', 'libadwaita-1': r'libadwaita-1',
           'pango': r'libpango(cairo)?-1\.0', 'cairo-pdf': r'libcairo(-gobject)?', 'gdk-pixbuf-2.0': r'libgdk_pixbuf-2\.0',
           'json-glib-1.0': r'libjson-glib-1\.0', 'lcms2': r'liblcms2', 'libpng': r'libpng16', 'libjpeg': r'libjpeg',
           'libtiff-4': r'libtiff', 'libwebp': r'libwebp(mux|demux)?', 'zlib': r'libz', 'sqlite3': r'libsqlite3', 'libcurl': r'libcurl',
           'libsecret-1': r'libsecret-1', 'fftw3f': r'libfftw3f', 'libseccomp': r'libseccomp', 'jansson': r'libjansson',
           'dnnl': r'libdnnl', 'openmp': r'lib(gomp|omp|iomp5)'}
OF_THE_SYSTEM = re.compile(r'^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|asan|ubsan|tsan|gcov)|ld-linux.*|linux-vdso)\.so')
# Names of dependency () that are part of another entry or of the C library.
ELSEWHERE = {'threads'}


@case
def the_list_has_what_spdx_asks_for():
    assert DOCUMENT['spdxVersion'] == 'SPDX-2.3' and DOCUMENT['dataLicense'] == 'CC0-1.0'
    assert DOCUMENT['SPDXID'] == 'SPDXRef-DOCUMENT' and DOCUMENT['name']
    assert re.fullmatch(r'https://[^#\s]+', DOCUMENT['documentNamespace'])
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', DOCUMENT['creationInfo']['created'])
    assert all(re.match(r'(Person|Organization|Tool): \S', one) for one in DOCUMENT['creationInfo']['creators'])
    idents = ['SPDXRef-DOCUMENT']
    for package in DOCUMENT['packages']:
        for member in ('name', 'SPDXID', 'downloadLocation', 'licenseConcluded', 'licenseDeclared', 'copyrightText'):
            assert package[member], (package['name'], member)
        assert package['filesAnalyzed'] == ('packageVerificationCode' in package), package['name']
        for checksum in package.get('checksums', []):
            assert re.fullmatch('[0-9a-f]{64}', checksum['checksumValue']) and checksum['algorithm'] == 'SHA256'
        idents.append(package['SPDXID'])
    for file in DOCUMENT['files']:
        assert file['fileName'].startswith('./') and file['licenseConcluded'] and file['copyrightText'] and file['licenseInfoInFiles']
        assert {one['algorithm'] for one in file['checksums']} == {'SHA1', 'SHA256'}
        idents.append(file['SPDXID'])
    assert len(idents) == len(set(idents)), sorted(one for one in idents if idents.count(one) > 1)
    assert all(re.fullmatch(r'SPDXRef-[A-Za-z0-9.-]+', one) for one in idents)
    for relation in DOCUMENT['relationships']:
        assert relation['spdxElementId'] in idents and relation['relatedSpdxElement'] in idents, relation
    related = {relation['spdxElementId'] for relation in DOCUMENT['relationships']} \
        | {relation['relatedSpdxElement'] for relation in DOCUMENT['relationships']}
    unrelated = {package['SPDXID']: package.get('comment') for package in DOCUMENT['packages'] if package['SPDXID'] not in related}
    assert set(unrelated.values()) <= {'not found, so not linked, where this was built'}, unrelated


@case
def every_licence_is_one_that_spdx_knows_and_that_goes_with_the_gpl():
    own = {one['licenseId'] for one in DOCUMENT['hasExtractedLicensingInfos']}
    not_shipped = {'SPDXRef-' + kind + '-' for kind in ('Elsewhere', 'Tool')}
    for package in DOCUMENT['packages']:
        atoms = parts.atoms(package['licenseConcluded'])
        if any(package['SPDXID'].startswith(prefix) for prefix in not_shipped):
            assert all(atom in own for atom in atoms), package['name']
            continue
        assert all(atom in parts.COMPATIBLE for atom in atoms), (package['name'], atoms)
        chosen = any if ' OR ' in package['licenseConcluded'] else all
        assert chosen(parts.COMPATIBLE[atom] for atom in atoms), (package['name'], atoms)


@case
def every_dependency_of_the_build_is_in_it():
    listed = {name for part in parts.PARTS['libraries'] for name in (part['dependency'], *part.get('with', []))}
    asked = set()
    for path in [ROOT / 'meson.build', *sorted((ROOT / 'src').rglob('meson.build'))]:
        text = path.read_text(encoding='utf-8')
        asked |= set(re.findall(r"(?<!_)\bdependency\('([^']+)'", text))
        asked |= {name for name in re.findall(r"find_library\('([^']+)'", text) if name not in ('m', 'dl', 'rt')}
    assert asked - ELSEWHERE == listed, f'not listed: {asked - ELSEWHERE - listed}; not asked for: {listed - asked}'


@case
def versions_are_those_that_were_found():
    for package in DOCUMENT['packages']:
        if package['SPDXID'].startswith('SPDXRef-Library-') and package.get('comment') == 'linked dynamically':
            assert re.match(r'\d+\.', package['versionInfo']), package
    gtk = next(package for package in DOCUMENT['packages'] if package['SPDXID'] == 'SPDXRef-Library-gtk4')
    told = subprocess.run(['pkg-config', '--modversion', 'gtk4'], capture_output=True, text=True, check=True).stdout.strip()
    assert gtk['versionInfo'] == told, (gtk['versionInfo'], told)


@case
def programs_are_linked_with_what_the_list_says():
    problems, found = [], False
    for program, place in PROGRAMS.items():
        if not (BUILD / place).exists():
            continue
        found = True
        told = subprocess.run(['readelf', '-d', str(BUILD / place)], capture_output=True, text=True, check=True,
                              env={**os.environ, 'LC_ALL': 'C'}).stdout
        needed = [name for name in re.findall(r'\(NEEDED\).*\[(.*)\]', told) if not OF_THE_SYSTEM.match(name)]
        for name in needed:
            owners = [part for part in parts.PARTS['libraries'] if re.match(SONAMES[part['dependency']] + r'\.so', name)]
            if not owners:
                problems.append(f'{program}: {name} is in no part')
            elif program not in owners[0]['used_by']:
                problems.append(f"{program}: is linked with {owners[0]['name']}, which its part does not say")
        for part in parts.PARTS['libraries']:
            optional = part['dependency'] in ('libseccomp', 'openmp')
            if program in part['used_by'] and not optional \
                    and not any(re.match(SONAMES[part['dependency']] + r'\.so', name) for name in needed):
                problems.append(f"{program}: is not linked with {part['name']}, as its part says")
    if not found:
        raise Skip('no program is built')
    assert not problems, '\n'.join(problems)


@case
def hashes_of_what_is_shipped_are_true_and_nothing_is_left_out():
    listed = {file['fileName'][2:]: file for file in DOCUMENT['files']}
    for name, file in listed.items():
        data = (ROOT / name).read_bytes()
        sums = {one['algorithm']: one['checksumValue'] for one in file['checksums']}
        assert sums == {'SHA1': hashlib.sha1(data).hexdigest(), 'SHA256': hashlib.sha256(data).hexdigest()}, name
    there = [path.relative_to(ROOT).as_posix() for folder in ('models', 'photos', 'providers', 'desktop/icons')
             for path in (ROOT / 'data' / folder).rglob('*') if path.is_file()]
    left = [name for name in there if name not in listed and pathlib.Path(name).name not in ('README.md', 'meson.build', 'texts.h')]
    assert not left, left


@case
def the_flatpaks_modules_are_in_it():
    told = {package['downloadLocation']: package['checksums'][0]['checksumValue'] for package in DOCUMENT['packages']
            if 'checksums' in package}
    found = 0
    for manifest in parts.MANIFESTS:
        text = (ROOT / manifest).read_text(encoding='utf-8')
        for url, digest in re.findall(r'^\s*url: (\S+)\n(?:(?!^\s*url:).*\n)*?\s*sha256: (\S+)$', text, re.M):
            assert told.get(url) == digest, url
            found += 1
    assert found == len(told) >= 13, (found, len(told))


@case
def the_list_is_the_same_wherever_it_is_made():
    def made(**environment):
        path = BUILD / 'data/licences/test-licences.json'
        versions = [f"{package['SPDXID'].split('-', 2)[2]}={package['versionInfo']}" for package in DOCUMENT['packages']
                    if package['SPDXID'].startswith('SPDXRef-Library-')]
        subprocess.run([sys.executable, str(ROOT / 'data/licences/parts.py'), 'spdx', str(path), '--version=1', '--compiler=c', *versions],
                       check=True, cwd='/', env={'PATH': os.environ['PATH'], **environment})
        text = path.read_bytes()
        path.unlink()
        return text

    one = made(LC_ALL='C', TZ='UTC', PYTHONHASHSEED='1')
    assert one == made(LC_ALL='C.UTF-8', TZ='Asia/Tokyo', PYTHONHASHSEED='2')
    dated = json.loads(made(SOURCE_DATE_EPOCH='86400'))
    assert dated['creationInfo']['created'] == '1970-01-02T00:00:00Z'


@case
def the_document_is_made_of_the_same_data():
    assert (ROOT / 'docs/licences.md').read_text(encoding='utf-8') == parts.document(), \
        'data/licences/parts.py document > docs/licences.md'


@case
def texts_of_licences_are_there():
    for part in [*parts.PARTS['programs'], *parts.PARTS['data']]:
        if 'text' in part:
            assert (ROOT / part['text']).stat().st_size > 500, part
    assert 'GNU GENERAL PUBLIC LICENSE' in (ROOT / 'COPYING').read_text(encoding='utf-8')
    assert 'CC0' in (ROOT / 'data/photos/README.md').read_text(encoding='utf-8')


sys.exit(run())
