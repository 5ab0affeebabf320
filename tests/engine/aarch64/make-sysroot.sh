#!/bin/sh
# SPDX-License-Identifier: MIT
# make-sysroot.sh FOLDER: the two libraries of Debian's that the engine uses, for aarch64, unpacked into
# FOLDER. Nothing is installed: apt gets lists and folders of its own there. Needs apt, dpkg and the network;
# does nothing where it has been done.
set -eu

folder=$1
packages='libdnnl2 libdnnl-dev libjansson4 libjansson-dev'
[ -e "$folder/complete" ] && exit 0

work=$folder/apt
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
options="-o Dir::State=$work/state -o Dir::State::status=/dev/null -o Dir::Cache=$work/cache
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Acquire::Languages=none"
# shellcheck disable=SC2086 # the options are words
apt-get -qq $options update >&2
cd "$work/debs"
# shellcheck disable=SC2086
apt-get -qq $options download $packages >&2
for file in *.deb; do dpkg-deb -x "$file" "$folder"; done
cd /
rm -rf -- "$work"
: >"$folder/complete"
