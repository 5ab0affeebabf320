#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# flatpak-runtime.sh: a stand-in for a GNOME runtime and its SDK, made of Debian's packages, so that the
# Flatpak can be built and run on a machine that reaches no more than a Debian mirror. For tests alone:
# it is not the real runtime, and is never to be published.
#
# usage: flatpak-runtime.sh FOLDER BRANCH
#   FOLDER  everything is in there, the packages fetched too; FOLDER/repo is an OSTree repository with
#           org.gnome.Platform//BRANCH and org.gnome.Sdk//BRANCH
#   BRANCH  the number of the runtime, as the manifest has it; Debian's testing carries its libraries
# Needs flatpak, ostree, bubblewrap, apt, dpkg and Debian's keyring. Installs nothing on this system and
# runs no maintainer script. Does nothing when what is there is what this script would make.
set -euo pipefail
(($# == 2)) || { sed -n 's/^# \{0,1\}//; /^usage/,/BRANCH  /p' "$0" >&2; exit 2; }
work=$(mkdir -p -- "$1" && cd -- "$1" && pwd -P)
branch=$2
# GNOME 51 is GTK 4.24, libadwaita 1.10 and GLib 2.90: what this suite has.
suite=${ESPALIER_DEBIAN_SUITE:-forky}
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
arch=$(flatpak --default-arch)
multiarch=$arch-linux-gnu

say () { printf '%s\n' "$*" >&2; }

debian_mirror () {
  local found=
  if [[ -n ${DEBIAN_MIRROR-} ]]; then found=$DEBIAN_MIRROR
  elif [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
    found=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources)
  elif [[ -e /etc/apt/sources.list ]]; then
    found=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:.*debian/) { print $i; exit } }' /etc/apt/sources.list)
  fi
  printf '%s' "${found:-http://deb.debian.org/debian}"
}

# Of what the manifest builds itself (jansson, FFTW, oneDNN) nothing may be in here.
platform_packages=(
  base-files bash coreutils findutils grep sed gawk tar gzip xz-utils libc-bin util-linux procps
  ca-certificates openssl tzdata gettext-base iso-codes shared-mime-info xkb-data
  libgtk-4-1 libgtk-4-common libgtk-4-bin libadwaita-1-0 libjson-glib-1.0-0 libglib2.0-bin
  libglib2.0-data libcurl4t64 libsqlite3-0 libsecret-1-0 libseccomp2 glib-networking
  libgdk-pixbuf-2.0-0 libgdk-pixbuf2.0-bin glycin-loaders bubblewrap librsvg2-common
  liblcms2-2 libwebp7 libwebpmux3 libwebpdemux2 libtiff6 libjpeg62-turbo libpng16-16t64
  gsettings-desktop-schemas dconf-gsettings-backend adwaita-icon-theme hicolor-icon-theme
  fontconfig fontconfig-config fonts-adwaita fonts-dejavu-core fonts-droid-fallback
  libgl1 libegl1 libgles2 libglx-mesa0 libegl-mesa0 libgl1-mesa-dri libstdc++6 libgomp1
)
sdk_packages=(
  gcc g++ ccache make meson ninja-build cmake pkgconf patch autoconf automake libtool python3-minimal
  libgtk-4-dev libadwaita-1-dev libjson-glib-dev libcurl4-openssl-dev libsqlite3-dev
  libsecret-1-dev libseccomp-dev libgdk-pixbuf-2.0-dev liblcms2-dev libwebp-dev libtiff-dev libjpeg-dev libpng-dev
  zlib1g-dev libpango1.0-dev libglib2.0-dev-bin gettext desktop-file-utils appstream
  appstream-compose elfutils libxml2-utils
)

# What makes it: this file, the branch, the suite. The same week's packages do.
stamp=$(sha256sum <"$0" | cut -c 1-16)-$branch-$suite
if [[ -e $work/stamp && $(<"$work/stamp") == "$stamp" && -d $work/repo/objects ]]; then exit 0; fi
rm -rf -- "$work/stamp" "$work/repo"

# --- A private apt --------------------------------------------------------------------------------

apt=$work/apt
mkdir -p -- "$apt/none" "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$(debian_mirror)" "$suite" >"$apt/sources.list"
cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferences "$apt/none/none";
Dir::Etc::preferencesparts "$apt/none";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
Debug::NoLocking "true";
CONF
export APT_CONFIG=$apt/apt.conf
apt-get -qq update

# --- Trees ----------------------------------------------------------------------------------------

# unpack FOLDER PACKAGE…: these and all that they need, as one merged usr/ and an etc/.
unpack () {
  local root=$1 directory package deb; shift
  rm -rf -- "$root"
  mkdir -p -- "$root"
  for directory in bin sbin lib lib64; do
    mkdir -p -- "$root/usr/$directory"
    ln -s "usr/$directory" "$root/$directory"
  done
  apt-get -qq --download-only install "$@" >"$root.apt.log"
  apt-get -s install "$@" | awk '/^Inst/ { print $2 }' | sort >"$root.packages"
  while read -r package; do
    deb=$(find "$apt/cache/archives" -name "${package}_*.deb" -print | sort -V | tail -n 1)
    dpkg-deb --fsys-tarfile "$deb" \
      | tar -C "$root" -x --keep-directory-symlink --no-same-owner --exclude=./dev --exclude=./var \
          --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/lintian \
          --exclude=./usr/share/gtk-doc --exclude=./usr/share/info
  done <"$root.packages"
}

# What maintainer scripts would have made.
finish_by_hand () {
  local root=$1 name target file
  # flatpak-builder sets LC_ALL to it.
  [[ -e $root/usr/lib/locale/en_US.utf8 ]] || ln -s C.utf8 "$root/usr/lib/locale/en_US.utf8"
  while read -r name target; do
    [[ -e $root/usr/bin/$name || ! -e $root/usr/bin/$target ]] || ln -sf "$target" "$root/usr/bin/$name"
  done <<'LINKS'
sh bash
awk gawk
cc gcc
c++ g++
pkg-config pkgconf
LINKS
  # Flatpak looks for it on the sandbox's path; without it libraries of the app are not found.
  [[ -e $root/usr/bin/ldconfig ]] || ln -s ../sbin/ldconfig "$root/usr/bin/ldconfig"
  mkdir -p -- "$root/etc/ssl/certs" "$root/etc/fonts/conf.d"
  find "$root/usr/share/ca-certificates" -name '*.crt' -print0 2>/dev/null | sort -z \
    | xargs -0r cat >"$root/etc/ssl/certs/ca-certificates.crt"
  for file in "$root"/usr/share/fontconfig/conf.avail/*.conf; do
    name=${file##*/}
    case $name in
      10-hinting-full*|10-hinting-medium*|10-hinting-none*|10-no-*|10-sub-pixel-[bgrv]*|10-unhinted*) ;;
      05-*|25-*|70-*) ;;
      *) ln -sf "/usr/share/fontconfig/conf.avail/$name" "$root/etc/fonts/conf.d/$name" ;;
    esac
  done
}

# What flatpak provides itself, and the order of libraries that it expects.
prepare_for_flatpak () {
  local root=$1
  rm -rf -- "$root"/etc/{passwd,group,machine-id,resolv.conf,hosts,localtime,ld.so.cache,mtab,ld.so.conf.d}
  printf '%s\n' 'include /run/flatpak/ld.so.conf.d/app-*.conf' 'include /app/etc/ld.so.conf' /app/lib \
    /app/lib64 'include /run/flatpak/ld.so.conf.d/runtime-*.conf' "/usr/lib/$multiarch" /usr/lib \
    >"$root/etc/ld.so.conf"
  mkdir -p -- "$root/usr/lib/$multiarch/GL" "$root/usr/share/runtime" "$root/usr/share/fonts" \
    "$root/usr/lib/debug"
}

# make_caches FOLDER: from inside of it, with its own programs.
make_caches () {
  local root=$1 theme
  local -a inside=(bwrap --ro-bind /sys /sys --proc /proc --dev /dev --tmpfs /tmp --tmpfs /var --tmpfs /run
    --bind "$root/usr" /usr --bind "$root/etc" /etc --symlink usr/bin /bin --symlink usr/sbin /sbin
    --symlink usr/lib /lib --symlink usr/lib64 /lib64 --unshare-net
    --setenv PATH /usr/bin:/usr/sbin --setenv LC_ALL C.UTF-8)
  "${inside[@]}" ldconfig -X
  "${inside[@]}" glib-compile-schemas /usr/share/glib-2.0/schemas
  if [[ -e $root/usr/lib/$multiarch/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders ]]; then
    "${inside[@]}" "/usr/lib/$multiarch/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders" --update-cache || true
  fi
  if [[ -x $root/usr/lib/$multiarch/glib-2.0/gio-querymodules ]]; then
    "${inside[@]}" "/usr/lib/$multiarch/glib-2.0/gio-querymodules" "/usr/lib/$multiarch/gio/modules"
  else
    "${inside[@]}" gio-querymodules "/usr/lib/$multiarch/gio/modules"
  fi
  "${inside[@]}" update-mime-database /usr/share/mime 2>/dev/null
  for theme in Adwaita hicolor; do
    "${inside[@]}" gtk4-update-icon-cache -q -f "/usr/share/icons/$theme" 2>/dev/null || true
  done
  rm -f -- "$root/etc/ld.so.cache"
}

# make_runtime NAME PACKAGE…: a tree as flatpak has them, usr/ with its etc/ inside, and exported.
make_runtime () {
  local name=$1 tree=$work/tree root=$work/root; shift
  say "flatpak-runtime: $name//$branch of Debian's $suite"
  rm -rf -- "$tree"
  unpack "$root" "$@"
  finish_by_hand "$root"
  prepare_for_flatpak "$root"
  make_caches "$root"
  mkdir -p -- "$tree/files" "$tree/var"
  mv -- "$root/usr" "$tree/usr"
  mv -- "$root/etc" "$tree/usr/etc"
  mv -- "$root.packages" "$work/$name.packages"
  write_metadata "$name" >"$tree/metadata"
  flatpak build-export --runtime "$work/repo" "$tree" "$branch" >&2
  rm -rf -- "$root" "$root.apt.log" "$tree"
}

write_metadata () {
  cat <<META
[Runtime]
name=$1
runtime=org.gnome.Platform/$arch/$branch
sdk=org.gnome.Sdk/$arch/$branch

[Environment]
XDG_DATA_DIRS=/app/share:/usr/share:/usr/share/runtime/share:/run/host/user-share:/run/host/share
LD_LIBRARY_PATH=

[Extension org.freedesktop.Platform.GL]
versions=26.08;26.08-extra;1.4
version=1.4
directory=lib/$multiarch/GL
subdirectories=true
no-autodownload=true
autodelete=false
add-ld-path=lib
merge-dirs=vulkan/icd.d;glvnd/egl_vendor.d;egl/egl_external_platform.d;OpenCL/vendors;lib/dri;lib/d3d
download-if=active-gl-driver
enable-if=active-gl-driver
META
}

ostree --repo="$work/repo" init --mode=archive-z2
make_runtime org.gnome.Platform "${platform_packages[@]}"
make_runtime org.gnome.Sdk "${platform_packages[@]}" "${sdk_packages[@]}"
printf '%s\n' "$stamp" >"$work/stamp"
