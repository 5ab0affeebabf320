#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# newcomer.sh [--all] [FOLDER]: does what README and CONTRIBUTING say, word for word, on a bare Debian 12 with a fresh clone.
#
# Root, debootstrap and the network are needed; nothing outside of FOLDER (a temporary one, unless it is named) is changed. What is
# committed counts. --all runs every test as well, which takes most of an hour. ESPALIER_DEBIAN_MIRROR names another mirror.
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd -P)
mirror=${ESPALIER_DEBIAN_MIRROR:-http://deb.debian.org/debian}

fail () { printf 'newcomer: %s\n' "$*" >&2; exit 1; }

if [[ -z ${NEWCOMER_INSIDE-} ]]; then
  command -v debootstrap >/dev/null || fail "debootstrap is not installed"
  export NEWCOMER_INSIDE=1
  as_root=(); [[ $(id -u) == 0 ]] || as_root=(sudo --preserve-env=NEWCOMER_INSIDE,ESPALIER_DEBIAN_MIRROR)
  # Mounts are gone when it ends, however it ends.
  exec "${as_root[@]}" unshare --mount --propagation private -- "$0" "$@"
fi

all=false
if [[ ${1-} == --all ]]; then all=true; shift; fi
place=${1-}
[[ $place != -* ]] || fail "no such option: $place"
if [[ -z $place ]]; then
  place=$(mktemp -d /var/tmp/espalier-newcomer-XXXXXX)
  trap 'umount -R "$place/proc" "$place/dev" 2>/dev/null || true; rm -rf --one-file-system -- "$place"' EXIT
fi

# --- A computer, and someone at it

if [[ ! -x $place/bin/bash ]]; then
  debootstrap --variant=minbase bookworm "$place" "$mirror" >/dev/null || fail "debootstrap failed"
fi
cp -- /etc/resolv.conf "$place/etc/resolv.conf"
grep -rhsE '^[[:space:]]*Acquire::' /etc/apt/apt.conf /etc/apt/apt.conf.d >"$place/etc/apt/apt.conf.d/90host" || true
grep -qs "$HOSTNAME" "$place/etc/hosts" || echo "127.0.0.1 localhost $HOSTNAME" >>"$place/etc/hosts"
mount -t proc proc "$place/proc"
mount --rbind /dev "$place/dev"
inside () { chroot "$place" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
inside DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends git sudo ca-certificates' \
  >/dev/null
inside sh -c 'id newcomer >/dev/null 2>&1 || useradd --create-home --shell /bin/bash newcomer'
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$place/etc/sudoers.d/newcomer"
user=newcomer; home=$place/home/$user
if [[ -d $home/espalier/.git ]]; then # FOLDER again: what was built then saves time
  here=(git -c safe.directory='*' -C "$home/espalier")
  "${here[@]}" fetch --quiet "$root" HEAD
  "${here[@]}" reset --quiet --hard FETCH_HEAD
  "${here[@]}" clean --quiet -df
else
  git clone --quiet --no-hardlinks -- "$root" "$home/espalier"
fi
cp -- "$root/data/photos/coffee.png" "$home/espalier/photo.jpg" # what it is, its content says
inside sh -c "chown -R $user: ~$user"

# --- What the documents say

as_newcomer () { inside /usr/bin/sudo -u newcomer -H env TERM=dumb LANG=C.UTF-8 bash -c "cd ~/espalier && $1" </dev/null; }

# says DOCUMENT COMMAND: runs what the document shows, if it does show it.
says () {
  local began=$SECONDS
  grep -qF -- "$2" "$root/$1" || fail "$1 does not say: $2"
  printf '%s: %s\n' "$1" "$2"
  as_newcomer "$2" >"$place/output" 2>&1 || { tail -n 40 "$place/output" >&2; return 1; }
  printf '    %d s\n' $((SECONDS - began))
}

says README.md './dev run' || fail 'the first command'
[[ -s $home/espalier/results/04-turn-the-photo-into-a-pencil-sketch.png ]] \
  || ls "$home/espalier/results" | grep -q . || fail 'nothing in results/'
says README.md './dev run photo.jpg "Add a vignette"' || fail 'with a photo of one'\''s own'
says CONTRIBUTING.md './dev test app-window-actions' || fail 'tests before the change'

# The window comes up; it stays until it is ended.
as_newcomer 'ESPALIER_PRINT_FIRST_FRAME=1 timeout 20 tests/app/with-display.sh ./dev app' >"$place/output" 2>&1 || true
grep -q '^first frame' "$place/output" || fail "./dev app shows no window: $(tail -n 5 "$place/output")"
echo './dev app: the window came up'

# Your first change: the lines are those of CONTRIBUTING.
key=$(grep -m1 -oE '\{ "<Control><Shift>l" \} \},' "$root/CONTRIBUTING.md") || fail 'CONTRIBUTING.md: no key'
as_newcomer "sed -i '/\"win.history-outline\"/,/NULL } },/ s/{ NULL } },/$key/' src/app/window/esp-actions.c"
grep -qF "$key" "$home/espalier/src/app/window/esp-actions.c" || fail 'the table has changed: mend CONTRIBUTING.md'
says CONTRIBUTING.md './dev test app-window-actions' || fail 'the test of the table of actions'
says CONTRIBUTING.md './dev test app-whole-reach-keys' 2>/dev/null && fail 'the key that no test presses is not noticed'
sed -n '/^        press(window/,/^        window.gone/ s/^    //p' "$root/CONTRIBUTING.md" >"$home/espalier/lines"
[[ $(wc -l <"$home/espalier/lines") == 2 ]] || fail 'CONTRIBUTING.md: no test'
as_newcomer 'python3 - <<"PYTHON"
import pathlib
path = pathlib.Path("tests/app/whole/test-reach-keys.py")
before, case, after = path.read_text().partition("def keys_of_the_history(")
path.write_text(before + case + after.replace("    window.quit()", pathlib.Path("lines").read_text() + "    window.quit()", 1))
PYTHON'
says CONTRIBUTING.md './dev test app-whole-reach-keys' || fail 'the test that presses it'
says CONTRIBUTING.md './dev format' || fail 'formatting'

says README.md './dev install ~/.local' || fail 'installing'
as_newcomer '~/.local/bin/espalier-cli edit photo.jpg -p "Make it look like golden hour" -o golden.png' >/dev/null 2>&1 \
  && [[ -s $home/espalier/golden.png ]] || fail 'the installed command line'
echo 'the installed command line edits'
as_newcomer './dev uninstall ~/.local' >/dev/null 2>&1 || fail 'uninstalling'
[[ -z $(find "$home/.local" -name '*espalier*' -not -path '*/espalier/cache*' -type f) ]] || fail 'uninstall leaves files'

if $all; then says README.md './dev test' || fail 'the tests'; fi
echo 'newcomer: all of it works as it is written'
