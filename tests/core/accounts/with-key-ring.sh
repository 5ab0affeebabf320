#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs PROGRAM [ARGUMENT…] on a bus of its own with an unlocked GNOME Keyring in a scratch folder.
# Says that the test is left out where there is none.
set -eu

for needed in dbus-run-session gnome-keyring-daemon; do
  if ! command -v "$needed" >/dev/null 2>&1; then
    echo "1..0 # SKIP $needed is not installed"
    exit 0
  fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/runtime" "$scratch/data" "$scratch/config"
chmod 700 "$scratch/runtime"
export HOME="$scratch" XDG_RUNTIME_DIR="$scratch/runtime" XDG_DATA_HOME="$scratch/data"
export XDG_CONFIG_HOME="$scratch/config"
unset DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY SECRET_BACKEND GNOME_KEYRING_CONTROL || true

dbus-run-session -- sh -c '
  printf "\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
  "$@"' sh "$@"
