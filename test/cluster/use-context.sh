#!/usr/bin/env bash
# Checks that the cluster the user named (CONTEXT) answers, and says so; starts and installs nothing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

kubectl=$(command -v kubectl || echo "$tools/kubectl")
[ -x "$kubectl" ] || die "CONTEXT=$CONTEXT needs kubectl in PATH"
"$kubectl" --context "$CONTEXT" get --raw /readyz >/dev/null || die "the cluster of the context $CONTEXT does not answer; 'kubectl config get-contexts' lists the contexts there are"
say "Using the cluster of the context $CONTEXT"
