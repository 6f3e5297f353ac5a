#!/bin/sh
# Installs what the tests of readiness_probe.sh run for real: supervisord, busybox and shellcheck. For Debian machines, as root.
set -eu
missing=''
command -v supervisord >/dev/null || missing="$missing supervisor"
[ -x /usr/bin/busybox ] || [ -x /bin/busybox ] || missing="$missing busybox-static"
command -v shellcheck >/dev/null || missing="$missing shellcheck"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "these packages are missing, and installing them needs root:$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The daemon itself is not wanted: tests start their own. policy-rc.d is how Debian is told so.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && trap 'rm -f "$policy"' EXIT; }
# shellcheck disable=SC2086 # a list of names
apt-get install -qq -y --no-install-recommends $missing >/dev/null
