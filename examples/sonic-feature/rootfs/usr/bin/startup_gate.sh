#!/bin/sh
# May this version run on this node? A blocked one waits for ever instead of ending: ending would make kubelet restart it, waiting keeps
# `start` in RUNNING, the readiness script at code 2, and leaves it to the upgrade's deadline to take the version back.
set -eu

blocked=${FEATURE_BLOCKED_FILE:-/etc/feature/blocked-versions}
[ -r "$blocked" ] && grep -qxF "$FEATURE_VERSION" "$blocked" || exit 0
while :; do
  echo "startup gate: version $FEATURE_VERSION is blocked on this node, waiting to be replaced"
  sleep 60
done
