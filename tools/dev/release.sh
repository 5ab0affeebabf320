#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# release.sh make VERSION KEY [FOLDER]   what a release consists of, from the signed tag vVERSION, signed with KEY (gpg)
# release.sh verify FOLDER [KEY]         whether all of it is what was signed, and by KEY's owner
#
# make writes, into results/release-VERSION or FOLDER:
#   espalier-VERSION.tar.xz   the tree as it is at the tag, the same bytes wherever it is made
#   espalier-VERSION.spdx.json  what it is made of, as found where it was made
#   SHA256SUMS, SHA256SUMS.asc  the sums of these and of whatever else lies there (a Flatpak bundle), signed
#
# KEY is a fingerprint or an address that gpg knows. Nothing is uploaded. RELEASE_UNSIGNED_TAG=1 takes a tag that
# is not signed: for trying this out.

set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd -P)

# Another Python's may stand first on the PATH, as in ./dev.
meson=/usr/bin/meson
[[ -x $meson ]] || meson=meson

fail () { printf 'release: %s\n' "$*" >&2; exit 1; }

usage () { sed -n '4,6p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2; }

# archive VERSION TAG FILE: sorted, owned by nobody, dated as the commit, compressed by one thread.
archive () {
  git -C "$root" archive --format=tar --prefix="espalier-$1/" "$2" | xz -T1 -6 >"$3"
}

check_tag () {
  local tag=$1 version
  git -C "$root" rev-parse -q --verify "refs/tags/$tag" >/dev/null || fail "there is no tag $tag"
  [[ -n ${RELEASE_UNSIGNED_TAG-} ]] || git -C "$root" verify-tag "$tag" || fail "the tag $tag is not signed by a key that is known here"
  version=$(git -C "$root" show "$tag:meson.build" | sed -n "s/^  version: '\(.*\)',/\1/p")
  [[ v$version == "$tag" ]] || fail "meson.build at $tag says $version"
}

# The list of parts is made of the tagged tree, not of what happens to be checked out.
make_parts () {
  local version=$1 tag=$2 output=$3 scratch
  scratch=$(mktemp -d)
  git -C "$root" archive "$tag" | tar -x -C "$scratch"
  (
    cd "$scratch"
    export SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct "$tag")
    "$meson" setup _build -Dbuildtype=release -Dtests=false -Dcuda=disabled >/dev/null
    ninja -C _build data/licences/espalier.spdx.json >/dev/null
    cp _build/data/licences/espalier.spdx.json "$output"
  )
  rm -rf -- "$scratch"
}

make_release () {
  local version=$1 key=$2 tag=v$1 folder=${3:-$root/results/release-$1}
  check_tag "$tag"
  gpg --list-secret-keys -- "$key" >/dev/null 2>&1 || fail "gpg has no secret key $key"
  mkdir -p -- "$folder"
  folder=$(cd -- "$folder" && pwd -P)
  rm -f -- "$folder"/SHA256SUMS "$folder"/SHA256SUMS.asc
  archive "$version" "$tag" "$folder/espalier-$version.tar.xz"
  make_parts "$version" "$tag" "$folder/espalier-$version.spdx.json"
  (cd -- "$folder" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\0' | LC_ALL=C sort -z \
     | xargs -0 sha256sum -- >SHA256SUMS)
  gpg --batch --yes --local-user "$key" --armor --output "$folder/SHA256SUMS.asc" --detach-sign "$folder/SHA256SUMS"
  verify_release "$folder" "$key"
  printf '%s\n' "$folder"
}

# signer KEY: the fingerprint that KEY stands for.
signer () {
  gpg --batch --with-colons --fingerprint -- "$1" 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }'
}

verify_release () {
  local folder=$1 key=${2-} told wanted listed version
  [[ -f $folder/SHA256SUMS && -f $folder/SHA256SUMS.asc ]] || fail "$folder: no SHA256SUMS with its signature"
  told=$(gpg --batch --status-fd 1 --verify "$folder/SHA256SUMS.asc" "$folder/SHA256SUMS" 2>/dev/null) \
    || fail "the signature is not a good one of this SHA256SUMS"
  if [[ -n $key ]]; then
    wanted=$(signer "$key")
    [[ -n $wanted ]] || fail "gpg knows no key $key"
    # VALIDSIG ends with the fingerprint of the primary key.
    [[ $(awk '$2 == "VALIDSIG" { print $NF }' <<<"$told") == "$wanted" ]] || fail "it is signed by another key than $wanted"
  fi
  (cd -- "$folder" && sha256sum --check --strict --quiet SHA256SUMS) || fail "a file is not what was signed"
  # What was put beside it later would look as if it belonged to it.
  listed=$(cd -- "$folder" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | LC_ALL=C sort)
  [[ $listed == "$(sed 's/^[0-9a-f]\{64\} [ *]//' "$folder/SHA256SUMS" | LC_ALL=C sort)" ]] || fail "there are files that are not signed"
  version=$(sed -n 's/^[0-9a-f]\{64\} [ *]espalier-\(.*\)\.tar\.xz$/\1/p' "$folder/SHA256SUMS")
  [[ -n $version ]] || fail "no archive is among what was signed"
  check_contents "$folder" "$version"
  printf 'espalier %s: signature, sums and list of parts are good.\n' "$version" >&2
}

# The list is of this version, and what it says of shipped files holds in the archive.
check_contents () {
  /usr/bin/python3 - "$1" "$2" <<'PYTHON'
import hashlib, json, pathlib, sys, tarfile
folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
parts = json.loads((folder / f'espalier-{version}.spdx.json').read_text(encoding='utf-8'))
if parts['spdxVersion'] != 'SPDX-2.3' or parts['name'] != f'espalier-{version}':
    sys.exit('release: the list of parts is not of this version')
with tarfile.open(folder / f'espalier-{version}.tar.xz') as archive:
    for file in parts['files']:
        data = archive.extractfile(f"espalier-{version}/{file['fileName'][2:]}").read()
        wanted = next(one['checksumValue'] for one in file['checksums'] if one['algorithm'] == 'SHA256')
        if hashlib.sha256(data).hexdigest() != wanted:
            sys.exit(f"release: {file['fileName']} is another one in the archive")
PYTHON
}

case ${1-} in
  make) (($# == 3 || $# == 4)) || usage; make_release "${@:2}" ;;
  verify) (($# == 2 || $# == 3)) || usage; verify_release "${@:2}" ;;
  *) usage ;;
esac
