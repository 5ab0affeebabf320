#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# with-display.sh: runs a command on a screen of its own that nobody sees: Xvfb, a session bus, a
# scratch folder for everything that a person would have in their home, and settings that make
# pictures come out the same every time. Exits with the command's status, or 77 (skipped) where
# Xvfb or dbus-run-session is missing. Nothing it started is left running.
#
#   with-display.sh COMMAND [ARGUMENT…]
#   ESP_SCREEN=1280x900    the screen's size
#   ESP_SCRATCH=DIR        use and keep this folder instead of a temporary one
#   ESP_SERVICES=all       the bus starts every service of this system, portals among them
set -u

for program in Xvfb dbus-run-session; do
  if ! command -v "$program" >/dev/null 2>&1; then
    echo "1..0 # SKIP $program is missing"
    exit 77
  fi
done

own_scratch=
if [ -n "${ESP_SCRATCH:-}" ]; then
  scratch=$ESP_SCRATCH
  mkdir -p "$scratch"
else
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/espalier-test-XXXXXX") || exit 99
  own_scratch=$scratch
fi

xvfb=
session=
finish ()
{
  trap - EXIT INT TERM HUP
  if [ -n "$session" ]; then
    kill "$session" 2>/dev/null
    wait "$session" 2>/dev/null
  fi
  if [ -n "$xvfb" ]; then
    kill "$xvfb" 2>/dev/null
    wait "$xvfb" 2>/dev/null
  fi
  if [ -n "$own_scratch" ]; then
    rm -rf "$own_scratch"
  fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Everything a program may look for or write lies in the scratch folder.
mkdir -p "$scratch/home" "$scratch/config/gtk-4.0" "$scratch/data" "$scratch/cache" \
  "$scratch/state" "$scratch/runtime" "$scratch/tmp"
chmod 700 "$scratch/runtime"
cat >"$scratch/config/gtk-4.0/settings.ini" <<'SETTINGS'
[Settings]
gtk-font-name=Cantarell 11
gtk-enable-animations=0
gtk-icon-theme-name=Adwaita
gtk-cursor-theme-name=Adwaita
gtk-cursor-blink=0
gtk-xft-antialias=1
gtk-xft-hinting=1
gtk-xft-hintstyle=hintslight
gtk-xft-rgba=none
SETTINGS
HOME=$scratch/home
XDG_CONFIG_HOME=$scratch/config
XDG_DATA_HOME=$scratch/data
XDG_CACHE_HOME=$scratch/cache
XDG_STATE_HOME=$scratch/state
XDG_RUNTIME_DIR=$scratch/runtime
TMPDIR=$scratch/tmp
export HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR TMPDIR

# The server picks a free display itself and tells its number when it is ready for clients.
rm -f "$scratch/display"
Xvfb -displayfd 3 -screen 0 "${ESP_SCREEN:-1280x900}x24" -nolisten tcp -noreset \
  3>"$scratch/display" >"$scratch/xvfb.log" 2>&1 &
xvfb=$!
tries=0
while [ ! -s "$scratch/display" ]; do
  if ! kill -0 "$xvfb" 2>/dev/null || [ "$tries" -ge 300 ]; then
    echo "Bail out! Xvfb did not start:"
    sed 's/^/# /' "$scratch/xvfb.log"
    exit 99
  fi
  tries=$((tries + 1))
  sleep 0.1
done
DISPLAY=":$(head -n 1 "$scratch/display")"
export DISPLAY
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS AT_SPI_BUS_ADDRESS

# It begins in the middle, over widgets: GTK 4.8 shows their tooltips half a second later, and
# complains (which ends a test) where a window or menu has gone by then.
if command -v xdotool >/dev/null 2>&1; then
  size=${ESP_SCREEN:-1280x900}
  xdotool mousemove $((${size%x*} - 1)) $((${size#*x} - 1))
fi

: "${GDK_BACKEND:=x11}"
: "${GSK_RENDERER:=cairo}"
: "${GSETTINGS_BACKEND:=memory}"
: "${GIO_USE_VFS:=local}"
: "${LC_ALL:=C.UTF-8}"
export GDK_BACKEND GSK_RENDERER GSETTINGS_BACKEND GIO_USE_VFS LC_ALL

# What a bus starts by itself differs from system to system, and portals would ask a person: this one
# starts accessibility, and what a test puts into the scratch folder.
bus=$scratch/session.conf
if [ "${ESP_SERVICES:-}" = all ]; then
  services='<standard_session_servicedirs/>'
else
  mkdir -p "$scratch/services" "$scratch/data/dbus-1/services"
  for folder in /usr/local/share /usr/share; do
    if [ -e "$folder/dbus-1/services/org.a11y.Bus.service" ]; then
      cp "$folder/dbus-1/services/org.a11y.Bus.service" "$scratch/services"
    fi
  done
  quoted=$(printf '%s' "$scratch" | sed 's/&/\&amp;/g; s/</\&lt;/g')
  services="<servicedir>$quoted/services</servicedir><servicedir>$quoted/data/dbus-1/services</servicedir>"
fi
cat >"$bus" <<CONFIGURATION
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  $services
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="service_start_timeout">120000</limit>
</busconfig>
CONFIGURATION

# In the background, so that a signal to this script is acted upon at once.
# What the session's services print is none of the command's output.
dbus-run-session --config-file="$bus" -- sh -c 'exec "$0" "$@" >&3 3>&-' "$@" 3>&1 >&2 <&0 &
session=$!
wait "$session"
status=$?
session=
exit "$status"
