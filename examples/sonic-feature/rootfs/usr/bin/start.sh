#!/bin/sh
# Prepares the container. Whatever happens here must end with its own code: readiness_probe.sh wants 0.
set -eu

/usr/bin/startup_gate.sh
mkdir -p /run/featured
case $FEATURE_FAULT in
  none | hook-17 | critical-dies | critical-fatal) ;;
  start-fails) echo "start: the configuration cannot be rendered" && exit 3 ;;
  *) echo "start: FEATURE_FAULT=$FEATURE_FAULT is not known" && exit 4 ;;
esac
echo "start: version $FEATURE_VERSION is prepared"
