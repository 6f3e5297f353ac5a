#!/bin/sh
# Installs what the tests of readiness_probe.sh run for real: supervisord, busybox and shellcheck. For Debian machines, as root.
set -eu
if [ "$(id -u)" -ne 0 ]; then
  echo 'the tests of readiness_probe.sh make namespaces and mounts of their own: run them as root' >&2
  exit 1
fi
# Test files run side by side, and apt-get does not.
[ -n "${SETUP_LOCKED:-}" ] || SETUP_LOCKED=yes exec flock /run/lock/readiness-probe-setup "$0"

missing=''
command -v supervisord >/dev/null || missing="$missing supervisor"
[ -x /bin/busybox ] || missing="$missing busybox-static"
command -v shellcheck >/dev/null || missing="$missing shellcheck"
[ -z "$missing" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The daemon itself is not wanted: tests start their own. policy-rc.d is how Debian is told so.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && trap 'rm -f "$policy"' EXIT; }
# shellcheck disable=SC2086 # a list of names
apt-get install -qq -y --no-install-recommends $missing >/dev/null
