#!/usr/bin/env bash
# Installs the Debian packages that tests use for real: supervisord, shells, netcat, Python, a browser with a font.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/cluster/lib/common.sh"
"$repository/container/test/setup.sh"
require_packages tmux python3 dash netcat-openbsd perl-base openssl procps util-linux
require_packages fonts-dejavu-core
require_programs chromium:chromium
