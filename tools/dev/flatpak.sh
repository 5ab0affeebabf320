#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# flatpak.sh: behind `./dev flatpak` and `./dev flatpak-test`; flatpak/README.md says what they are for.
#
#   flatpak.sh build [--devel] [--cuda]   app (and the extension with the kernels) into a repository and bundles
#   flatpak.sh test [--cuda]              the same against a stand-in for the runtime, installed and used
#
# Everything is in _build-flatpak, where what has not changed is not made again; bundles in results/.
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd -P)
work=${ESPALIER_FLATPAK_FOLDER:-$root/_build-flatpak}
python=/usr/bin/python3
flathub=https://dl.flathub.org/repo/flathub.flatpakrepo
id=$(sed -n "s/^app_id = '\(.*\)'/\1/p" "$root/meson.build")
version=$("$python" "$root/tools/dev/flatpak-manifest.py" --runtime-version)

say () { printf '%s\n' "$*" >&2; }
fail () { say "flatpak: $*"; exit 1; }

# build_app NAME MANIFEST OPTION…: what MANIFEST says, into the repository.
build_app () {
  local name=$1 manifest=$2; shift 2
  local -a options=(--user --force-clean --ccache --default-branch=stable
                    --state-dir="$work/state" --repo="$work/repo" "$@")
  # As many at once as there are processors, and hardly any while something else is busy: not for all to wait.
  [[ -z ${ESPALIER_FLATPAK_JOBS-} ]] || options+=(--jobs="$ESPALIER_FLATPAK_JOBS")
  # Without FUSE the files of a module could be changed by the next; nothing worse.
  [[ -w /dev/fuse ]] || options+=(--disable-rofiles-fuse)
  mkdir -p -- "$work"
  # Its folders have to be on one file system, and git's helpers are not to ask for anything.
  (cd -- "$work" && flatpak-builder "${options[@]}" "$work/build-$name" "$manifest" >&2)
}

# make_manifests FOLDER OPTION…
make_manifests () {
  local told; told=$(flatpak-builder --version)
  if printf '%s\n' 1.3.9 "${told##*[- ]}" | sort -VC; then
    "$python" "$root/tools/dev/flatpak-manifest.py" "$@" >/dev/null
  else
    "$python" "$root/tools/dev/flatpak-manifest.py" "$@" --compose >/dev/null
  fi
}

publish () {
  flatpak build-update-repo --title=Espalier --default-branch=stable --prune --prune-depth=3 "$work/repo" >&2
}

bundle () {
  local what=$1 kind=$2
  mkdir -p -- "$root/results"
  flatpak build-bundle $kind --runtime-repo="$flathub" "$work/repo" "$root/results/$what.flatpak" "$what" stable >&2
  printf '%s\n' "$root/results/$what.flatpak"
}

# --- build ----------------------------------------------------------------------------------------

verb_build () {
  local app=$id cuda=false argument
  local -a options=()
  for argument in "$@"; do
    case $argument in
      --devel) app=$id.Devel; options+=(--devel) ;;
      --cuda) cuda=true ;;
      *) fail "no such option: $argument" ;;
    esac
  done
  if ! flatpak info "org.gnome.Sdk//$version" >/dev/null 2>&1 \
     || ! flatpak info "org.gnome.Platform//$version" >/dev/null 2>&1; then
    say "GNOME's runtime and its SDK are not installed. To install them:"
    say "  flatpak remote-add --user --if-not-exists flathub $flathub"
    say "  flatpak install --user flathub org.gnome.Platform//$version org.gnome.Sdk//$version"
    say "Without them, ./dev flatpak-test builds against a stand-in made of Debian's packages."
    exit 1
  fi
  make_manifests "$work/manifests" "${options[@]}"
  build_app app "$work/manifests/$app.json"
  if $cuda; then
    # It is built upon the app.
    flatpak --user remote-add --if-not-exists --no-gpg-verify espalier-build "$work/repo"
    flatpak --user install -y --noninteractive --or-update espalier-build "$app//stable" >&2
    build_app cuda "$work/manifests/$app.Engine.CUDA.json"
  fi
  publish
  say "The repository is $work/repo."
  bundle "$app" ''
  ! $cuda || bundle "$app.Engine.CUDA" --runtime
}

# --- test -----------------------------------------------------------------------------------------

# Why nothing can be tried here, or nothing.
reason_to_skip () {
  local tool
  for tool in flatpak flatpak-builder ostree bwrap eu-strip patch unzip dpkg-deb apt-get Xvfb dbus-run-session; do
    command -v -- "$tool" >/dev/null || { printf '%s is not installed' "$tool"; return; }
  done
  bwrap --ro-bind / / --unshare-user true 2>/dev/null || printf 'user namespaces cannot be made here'
}

# Where oneDNN's archive cannot be fetched, Debian's of the same version, as --replace=onednn=FILE; nothing
# where it can, or where flatpak-builder has it already. $ESPALIER_ONEDNN_ARCHIVE is another one.
substitute_for_onednn () {
  local url hash pool file
  if [[ -n ${ESPALIER_ONEDNN_ARCHIVE-} ]]; then
    printf '%s' "--replace=onednn=$ESPALIER_ONEDNN_ARCHIVE"
    return 0
  fi
  url=$(sed -n 's,^ *url: \(https://.*/oneDNN/.*\),\1,p' "$root/flatpak/$id.yml")
  hash=$(sed -n '/oneDNN/{n;s/^ *sha256: //p}' "$root/flatpak/$id.yml")
  [[ ! -e $work/state/downloads/$hash ]] || return 0
  ! curl -sfIL -m 20 -o /dev/null "$url" || return 0
  file=$work/onednn-${url##*/v}
  file=${file%.tar.gz}+ds.tar.xz
  pool=https://deb.debian.org/debian/pool/main/o/onednn
  if [[ ! -e $file ]]; then
    curl -sfL -o "$file.part" "$pool/onednn_$(basename -- "${file#*onednn-}" .tar.xz).orig.tar.xz" || return 0
    mv -- "$file.part" "$file"
  fi
  say "flatpak: oneDNN's archive cannot be fetched; its module is built of Debian's archive of that version"
  printf '%s' "--replace=onednn=$file"
}

# The stand-in, the app built against it, installed into a place of its own. A verb, and so a process, because
# a failure ends it.
verb_prepare () {
  local replace built cuda=$1
  "$root/tools/dev/flatpak-runtime.sh" "$work/runtime" "$version" >&2
  flatpak --user remote-add --if-not-exists --no-gpg-verify stand-in "$work/runtime/repo" >&2
  flatpak --user install -y --noninteractive --or-update stand-in \
    "org.gnome.Platform//$version" "org.gnome.Sdk//$version" >&2
  replace=$(substitute_for_onednn)
  # Two kinds of kernels are a proof, all of them twenty minutes.
  make_manifests "$work/manifests" --gpu-archs="${ESPALIER_GPU_ARCHS:-89,ptx80}" ${replace:+"$replace"}
  built=$(cat -- "$work/manifests/source.tar" "$work/manifests/$id.json" "$work/runtime/stamp" | sha256sum)
  if [[ ! -e $work/built || $(<"$work/built") != "$built" ]]; then
    rm -f -- "$work/built"
    build_app app "$work/manifests/$id.json"
    flatpak --user remote-add --if-not-exists --no-gpg-verify espalier "$work/repo" >&2
    flatpak --user install -y --noninteractive --or-update espalier "$id//stable" >&2
    printf '%s\n' "$built" >"$work/built"
  fi
  if $cuda; then build_app cuda "$work/manifests/$id.Engine.CUDA.json"; fi
  publish
}

verb_test () {
  local reason cuda=false
  [[ ${1-} != --cuda ]] || { cuda=true; shift; }
  reason=$(reason_to_skip)
  if [[ -n $reason ]]; then
    say "SKIP flatpak: $reason"
    printf '0 passed, 0 failed, 1 skipped\n'
    return 0
  fi
  mkdir -p -- "$work/home"
  export FLATPAK_USER_DIR=$work/user ESP_FLATPAK_ID=$id ESP_FLATPAK_WORK=$work
  export ESPALIER_SCREENSHOTS=${ESPALIER_SCREENSHOTS:-$root/results/flatpak}
  if ! HOME=$work/home "${BASH_SOURCE[0]}" prepare "$cuda"; then
    printf '0 passed, 1 failed, 0 skipped\n'
    return 1
  fi
  ESP_SERVICES=all ESP_FLATPAK_CUDA=$cuda "$root/tests/app/with-display.sh" "$python" "$root/tests/flatpak/test-flatpak-app.py" "$@"
}

case ${1-} in
  build|test|prepare) verb=$1; shift; "verb_$verb" "$@" ;;
  *) sed -n 's/^# \{0,1\}//; 4,10p' "$0" >&2; exit 2 ;;
esac
