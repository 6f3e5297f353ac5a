#!/usr/bin/env bash
# The first process in the namespaces of a node: it gives them a /run of their own, and then exists until it is killed.
# As process 1 it also collects what exited containers leave (bash waits for every child, adopted ones too).
# Takes the cluster's folder, only so that `ps` shows whose process this is.
set -euo pipefail
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
touch /run/.postcheck
while :; do
	sleep infinity &
	wait $! || true
done
