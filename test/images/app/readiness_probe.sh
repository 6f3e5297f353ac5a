#!/bin/sh
# A probe that behaves as it is told: by /tmp/probe when that exists (so a test can change its mind), else by $PROBE.
#   "exit CODE"   says so and exits with CODE
#   "retry N"     exits with 17 for the container's first N seconds or until /tmp/started exists, then with 0
#   "hang"        never ends
#   "flood"       writes without end
probe=${PROBE:-exit 0}
[ -e /tmp/probe ] && probe=$(cat /tmp/probe)

container_age_seconds() {
	# The words of the line, after the name in brackets: the 20th is the start time.
	# shellcheck disable=SC2046
	set -- $(sed 's/.*) //' /proc/1/stat)
	started_ticks=${20}
	read -r uptime _ </proc/uptime
	echo $((${uptime%.*} - started_ticks / 100))
}

case $probe in
"exit "*)
	echo "$VERSION: probe exits with ${probe#exit }"
	exit "${probe#exit }"
	;;
"retry "*)
	age=$(container_age_seconds)
	if [ -e /tmp/started ] || [ "$age" -ge "${probe#retry }" ]; then
		echo "$VERSION: started"
		exit 0
	fi
	echo "$VERSION: not started after $age s"
	exit 17
	;;
hang) sleep 3600 ;;
flood) yes "$VERSION: a line of output that nobody needs" ;;
*)
	echo "$VERSION: no such probe: $probe" >&2
	exit 125
	;;
esac
