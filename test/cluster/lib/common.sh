# Shared by every script here: paths, messages, and the few checks that must come before anything is touched.
# Sourced, never run. Sets no state of its own beyond the constants below.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cluster_sources=$repository/test/cluster
# Everything a running cluster owns lies below this folder; `make cluster-down` removes it.
state=$repository/.cluster
# What people and tests use: kubectl, helm and the rest, of the running cluster's version.
tools=$state/bin
# The Kubernetes in use: the one that was asked for (K8S=1.34), else that of the running cluster, else the one of `make test`.
kubernetes=${K8S:-$(cat "$state/kubernetes" 2>/dev/null || echo 1.37)}
# Kubernetes' own programs; several versions lie side by side.
components=$tools/kubernetes-$kubernetes
# What is expensive to make and depends on nothing but its sources: binaries and images.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/postcheck

say() { printf '%s\n' "$*" >&2; }
die() {
	say "error: $*"
	exit 1
}

# Seconds since this script started, for progress lines.
elapsed() { printf '%d s' "$SECONDS"; }

# First 16 hex digits of the SHA-256 of standard input: the name of a cache entry.
content_key() { sha256sum | cut -c1-16; }

# Runs a command every 50 ms until it succeeds. Takes a limit in seconds and the command; fails when the limit has passed.
wait_until() {
	local limit_seconds=$1 end
	shift
	end=$((SECONDS + limit_seconds))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

require_linux_root() {
	[ "$(uname -s)" = Linux ] || die "the test cluster runs on Linux only. Use CONTEXT=<name> to name a cluster of yours instead."
	[ "$(id -u)" = 0 ] || die "the test cluster needs root (network namespaces, mounts, cgroups). Run make as root, or use CONTEXT=<name> to name a cluster of yours instead."
}

require_go() {
	command -v go >/dev/null || die "Go 1.26 or newer is needed to build Kubernetes; it is not in PATH. See https://go.dev/doc/install"
	local version
	version=$(go env GOVERSION)
	[ "$(printf '%s\n' go1.26 "$version" | sort -V | head -1)" = go1.26 ] ||
		die "Go 1.26 or newer is needed to build Kubernetes; found $version. See https://go.dev/doc/install"
}

# Installs the Debian packages among its arguments that are missing.
require_packages() {
	local package missing=()
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	install_packages "${missing[@]}"
}

# Takes programs as PROGRAM:PACKAGE (a name in PATH, or a path), and installs the Debian packages of those that are missing.
# For what other packages provide as well: Docker brings a containerd of its own, which Debian's package would replace.
require_programs() {
	local item missing=()
	for item in "$@"; do
		command -v "${item%:*}" >/dev/null || missing+=("${item#*:}")
	done
	install_packages "${missing[@]}"
}

# Nothing of the user's is ever removed to make room.
install_packages() {
	(($#)) || return 0
	command -v apt-get >/dev/null || die "these Debian packages are needed, and there is no apt-get to install them with: $*"
	[ "$(id -u)" = 0 ] || die "these Debian packages are needed: $*. Install them, or run this as root."
	say "Installing Debian packages: $*"
	apt-get update -qq >&2 || say "warning: apt-get update failed; trying with the package lists that are there"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove "$@" >&2 </dev/null ||
		die "apt-get could not install: $*"
}
