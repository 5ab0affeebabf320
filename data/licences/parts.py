#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Espalier is made of (parts.json), told to whoever asks.

    parts.py dependencies             names whose versions are wanted, one a line
    parts.py spdx OUTPUT [NAME=VERSION...]
                                      the list of parts, SPDX 2.3 as JSON; --version=, --compiler=
    parts.py document                 docs/licences.md, to standard output
    parts.py about OUTPUT             the parts that About shows, as a table in C

The same tree, versions and date give the same bytes: nothing is taken from the clock, the locale or the
order of a folder. The date is SOURCE_DATE_EPOCH where that is set, else the release's own.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = 'https://github.com/espalier/espalier'
MANIFESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / 'flatpak').glob('*.yml'))
# Licences under which a part may be linked with, or shipped beside, GPL-3.0-or-later programs, and why.
COMPATIBLE = {
    'GPL-3.0-or-later': 'the same', 'GPL-2.0-or-later': 'by “or later”', 'MIT': 'permissive', 'BSD-3-Clause': 'permissive',
    'IJG': 'permissive', 'Zlib': 'permissive', 'libpng-2.0': 'permissive', 'libtiff': 'permissive', 'curl': 'permissive',
    'blessing': 'public domain', 'CC0-1.0': 'no conditions', 'Apache-2.0': 'with version 3 of the GPL',
    'LGPL-2.0-or-later': 'a library', 'LGPL-2.1-or-later': 'a library', 'LGPL-2.1-only': 'a library; its section 3 leads to the GPL',
    'GPL-3.0-or-later WITH GCC-exception-3.1': 'the same, and a runtime library of the compiler',
    'MPL-1.1': None,  # not compatible by itself; cairo may be had under the LGPL instead
}
# Those for which GTK has words of its own; others are linked by their SPDX names.
GTK_LICENCES = {'MIT': 'MIT_X11', 'BSD-3-Clause': 'BSD_3', 'Apache-2.0': 'APACHE_2_0', 'LGPL-2.1-or-later': 'LGPL_2_1',
                'LGPL-2.1-only': 'LGPL_2_1_ONLY', 'GPL-2.0-or-later': 'GPL_2_0', 'GPL-3.0-or-later': 'GPL_3_0'}


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


PARTS = json.loads((HERE / 'parts.json').read_text(encoding='utf-8'))


def modules():
    """Flatpak's: {name: [(url, sha256)]}, as the manifests have them. Ours has no archive."""
    found = {}
    for manifest in MANIFESTS:
        name = url = None
        for line in read(manifest).splitlines():
            match = re.match(r'\s*- name: (\S+)$', line) or re.match(r'\s*url: (\S+)$', line) \
                or re.match(r'\s*sha256: ([0-9a-f]{64})$', line)
            if match is None:
                continue
            value = match.group(1)
            if 'name:' in line:
                name = value
                found.setdefault(name, [])
            elif 'url:' in line:
                url = value
            else:
                found[name].append((url, value))
    return {name: sources for name, sources in found.items() if sources}


def version_of(url):
    """The version that the name of an archive says."""
    return re.search(r'v?(\d+(?:\.\d+)+)', url.rsplit('/', 1)[1]).group(1)


def shipped(part):
    """Its files, by name."""
    files = []
    for pattern in part['files']:
        place = ROOT / pattern
        files += [path for path in (place.rglob('*') if place.is_dir() else place.parent.glob(place.name)) if path.is_file()]
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


def release_date():
    if os.environ.get('SOURCE_DATE_EPOCH'):
        moment = datetime.datetime.fromtimestamp(int(os.environ['SOURCE_DATE_EPOCH']), datetime.timezone.utc)
        return moment.strftime('%Y-%m-%dT%H:%M:%SZ')
    date = re.search(r'<release version="[^"]*" date="([0-9-]+)"', read('data/desktop/espalier.metainfo.xml.in.in')).group(1)
    return f'{date}T00:00:00Z'


# --- SPDX ---------------------------------------------------------------------------------------------

def package(name, ident, licence, **more):
    entry = {'name': name, 'SPDXID': f'SPDXRef-{ident}', 'downloadLocation': 'NOASSERTION', 'filesAnalyzed': False,
             'licenseConcluded': licence, 'licenseDeclared': licence, 'copyrightText': 'NOASSERTION'}
    entry.update({key: value for key, value in more.items() if value is not None})
    return entry


def sha256_of(data):
    return {'algorithm': 'SHA256', 'checksumValue': data}


def file_entries(part):
    entries = []
    for name in shipped(part):
        data = (ROOT / name).read_bytes()
        entries.append({
            'fileName': f'./{name}', 'SPDXID': 'SPDXRef-File-' + re.sub(r'[^A-Za-z0-9.-]', '-', name),
            'checksums': [{'algorithm': 'SHA1', 'checksumValue': hashlib.sha1(data).hexdigest()},
                          sha256_of(hashlib.sha256(data).hexdigest())],
            'licenseConcluded': part['licence'], 'licenseInfoInFiles': ['NOASSERTION'], 'copyrightText': part['holder']})
    return entries


def verification_code(files):
    """As SPDX 2.3, 7.9 has it."""
    sums = sorted(entry['checksums'][0]['checksumValue'] for entry in files)
    return hashlib.sha1(''.join(sums).encode()).hexdigest()


def relation(one, kind, other):
    return {'spdxElementId': f'SPDXRef-{one}', 'relationshipType': kind, 'relatedSpdxElement': f'SPDXRef-{other}'}


def libraries(versions):
    packages, relations = [], []
    built = modules()
    for part in PARTS['libraries']:
        ident = 'Library-' + part['dependency']
        version = versions.get(part['dependency'])
        packages.append(package(part['name'], ident, part['licence'], versionInfo=version or 'NOASSERTION', homepage=part['home'],
                                copyrightText=part['holder'], supplier=f"Organization: {part['holder']}",
                                comment='linked dynamically' if version else 'not found, so not linked, where this was built'))
        relations += [relation(f'Program-{program}', 'DYNAMIC_LINK', ident) for program in part['used_by'] if version]
        if part.get('module'):
            url, digest = built[part['module']][0]
            packages.append(package(part['name'], 'Flatpak-' + part['module'], part['licence'], versionInfo=version_of(url),
                                    downloadLocation=url, checksums=[sha256_of(digest)], copyrightText=part['holder'],
                                    comment='the Flatpak brings its own'))
            relations.append(relation('Flatpak-' + part['module'], 'VARIANT_OF', ident))
    return packages, relations


def build_tools():
    packages, relations = [], []
    for module, tool in sorted(PARTS['build_tools'].items()):
        for number, (url, digest) in enumerate(modules()[module], 1):
            ident = f'Tool-{module}-{number}'
            packages.append(package(tool['name'] + ': ' + url.rsplit('/', 1)[1].split('-', 1)[0], ident, tool['licence'],
                                    versionInfo=version_of(url), downloadLocation=url, checksums=[sha256_of(digest)],
                                    copyrightText=tool['holder'], comment=tool['what']))
            relations.append(relation(ident, 'BUILD_TOOL_OF', 'Extension-CUDA'))
    return packages, relations


def spdx(version, compiler, versions):
    packages = [package('espalier', 'Espalier', 'GPL-3.0-or-later AND MIT AND CC0-1.0', versionInfo=version, homepage=HOME,
                        downloadLocation=f'{HOME}/archive/refs/tags/v{version}.tar.gz', copyrightText='The Espalier developers',
                        supplier='Organization: The Espalier developers', primaryPackagePurpose='APPLICATION'),
                package('espalier-engine-cuda', 'Extension-CUDA', 'MIT', versionInfo=version,
                        copyrightText='The Espalier developers', comment='kernels for NVIDIA cards, from src/engine/ops/cuda/kernels')]
    relations = [relation('DOCUMENT', 'DESCRIBES', 'Espalier'), relation('Extension-CUDA', 'OPTIONAL_COMPONENT_OF', 'Espalier')]
    files = []
    for part in PARTS['programs']:
        packages.append(package(part['name'], 'Program-' + part['name'], part['licence'], versionInfo=version, summary=part['what'],
                                copyrightText='The Espalier developers', comment=f'compiled by {compiler}'))
        relations.append(relation('Espalier', 'CONTAINS', 'Program-' + part['name']))
    for made, related in (libraries(versions), build_tools()):
        packages += made
        relations += related
    for part in PARTS['data']:
        entries = file_entries(part)
        packages.append(package(part['id'], 'Data-' + part['id'], part['licence'], versionInfo=version, summary=part['what'],
                                sourceInfo=part['from'], copyrightText=part['holder'], filesAnalyzed=True,
                                packageVerificationCode={'packageVerificationCodeValue': verification_code(entries)}))
        relations.append(relation('Espalier', 'CONTAINS', 'Data-' + part['id']))
        relations += [{**relation('Data-' + part['id'], 'CONTAINS', ''), 'relatedSpdxElement': entry['SPDXID']} for entry in entries]
        files += entries
    for part in PARTS['not_part']:
        packages.append(package(part['name'], 'Elsewhere-' + part['id'], part['licence'], summary=part['what'], homepage=part['home'],
                                copyrightText=part['holder']))
        relations.append(relation('Elsewhere-' + part['id'], part['relation'], 'Espalier'))
    document = {
        'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT', 'name': f'espalier-{version}',
        'creationInfo': {'created': release_date(), 'creators': ['Organization: The Espalier developers', f'Tool: parts.py-{version}']},
        'packages': packages, 'files': files, 'relationships': relations,
        'hasExtractedLicensingInfos': [
            {'licenseId': ident, 'name': own['name'], 'extractedText': f"The text is at {own['url']}", 'seeAlsos': [own['url']]}
            for ident, own in sorted(PARTS['own_licences'].items())]}
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
    document['documentNamespace'] = f'{HOME}/spdx/espalier-{version}-{digest}'
    return json.dumps(document, indent=1, ensure_ascii=False) + '\n'


# --- The document -------------------------------------------------------------------------------------

def table(heads, rows):
    return ['| ' + ' | '.join(heads) + ' |', '| ' + ' | '.join('---' for _ in heads) + ' |',
            *('| ' + ' | '.join(row) + ' |' for row in rows)]


def licence_link(expression):
    def link(match):
        name = match.group(0)
        if name in ('AND', 'OR', 'WITH'):
            return {'AND': 'and', 'OR': 'or', 'WITH': 'with'}[name]
        if name in PARTS['own_licences']:
            own = PARTS['own_licences'][name]
            return f"[{own['name'].replace('[', '').replace(']', '')}]({own['url']})"
        return f'[{name}](https://spdx.org/licenses/{name}.html)'
    return re.sub(r'[A-Za-z0-9.-]+', link, expression)


def atoms(expression):
    return [part.strip() for part in re.split(r'\bAND\b|\bOR\b', expression)]


def why_compatible(expression):
    return '; '.join(dict.fromkeys(COMPATIBLE[atom] for atom in atoms(expression) if COMPATIBLE.get(atom)))


def document():
    lines = [
        '# Licences', '',
        '<!-- Made by data/licences/parts.py document, of data/licences/parts.json: change that. -->', '',
        'Espalier is distributed under the [GNU General Public License, version 3 or later](../COPYING); its engine, which is a program of its own',
        'and talks to the rest through a pipe, under the [MIT licence](../src/engine/LICENSE). Everything that it is made of or linked with is listed',
        'here, in *About Espalier* in the window, and for programs in `espalier.spdx.json` (SPDX 2.3), which every build makes and installs with the',
        'versions that were found. All of it may be distributed together under the GPL, version 3; why stands beside each.', '',
        '## Programs', '',
        *table(['program', 'what', 'licence'], [[f"`{p['name']}`", p['what'], licence_link(p['licence'])] for p in PARTS['programs']]), '',
        '## Libraries', '', 'Linked dynamically. On a distribution they are its own; the Flatpak brings those that say so, the rest are of GNOME’s runtime.', '',
        *table(['library', 'licence', 'why together', 'by', 'used by'],
               [[f"[{p['name']}]({p['home']})" + (' (in the Flatpak)' if p.get('module') else ''), licence_link(p['licence']),
                 why_compatible(p['licence']), p['holder'], ', '.join(p['used_by'])] for p in PARTS['libraries']]), '',
        '## Data', '',
        *table(['what', 'licence', 'by', 'from'], [[p['what'], licence_link(p['licence']), p['holder'], p['from']] for p in PARTS['data']]), '',
        '## What is not distributed', '',
        *table(['what', '', 'licence', 'by'], [[f"[{p['name'].replace('[', '').replace(']', '')}]({p['home']})", p['what'], licence_link(p['licence']), p['holder']]
                                               for p in [*PARTS['not_part'], *PARTS['build_tools'].values()]]), '']
    return '\n'.join(lines)


# --- About --------------------------------------------------------------------------------------------

def c_string(text):
    return 'NULL' if text is None else '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def markup(expression):
    """Names of licences as links, which are the same in every language."""
    def link(match):
        name = match.group(0)
        return name if name in ('AND', 'OR', 'WITH') else f"<a href='https://spdx.org/licenses/{name}.html'>{name}</a>"
    return re.sub(r'[A-Za-z0-9.-]+', link, expression)


def about():
    rows = [('Engine', '© 2026 The Espalier developers', 'MIT', True)]
    for title in dict.fromkeys(part['title'] for part in PARTS['data'] if 'title' in part):
        parts = [part for part in PARTS['data'] if part.get('title') == title]
        rows.append((title, ', '.join(part['holder'] for part in parts), parts[0]['licence'], True))
    rows += [(part['name'], part['holder'], part['licence'], False) for part in PARTS['libraries']]
    lines = ['/* Made by data/licences/parts.py. */', '#pragma once', '', '#include <gtk/gtk.h>', '', 'static const struct', '{',
             '  const char *title;', '  gboolean translated;', '  const char *copyright;', '  GtkLicense type;', '  const char *licence;',
             '} legal_parts[] = {']
    for title, holder, licence, translated in rows:
        kind = GTK_LICENCES.get(licence, 'CUSTOM')
        lines.append(f"  {{ {c_string(title)}, {'TRUE' if translated else 'FALSE'}, {c_string(holder)}, GTK_LICENSE_{kind}, "
                     f"{c_string(markup(licence)) if kind == 'CUSTOM' else 'NULL'} }},")
    return '\n'.join([*lines, '};', ''])


def main(verb, *words):
    if verb == 'dependencies':
        for part in PARTS['libraries']:
            print(part['dependency'])
    elif verb == 'spdx':
        told = dict(word.split('=', 1) for word in words[1:])
        version, compiler = told.pop('--version'), told.pop('--compiler')
        pathlib.Path(words[0]).write_text(spdx(version, compiler, {name: found for name, found in told.items() if found != 'none'}),
                                          encoding='utf-8')
    elif verb == 'document':
        sys.stdout.write(document())
    elif verb == 'about':
        pathlib.Path(words[0]).write_text(about(), encoding='utf-8')
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main(*sys.argv[1:])
