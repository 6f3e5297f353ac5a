#!/usr/bin/env bash
# Builds the cluster's tools from their Go modules and links them into .cluster/bin.
#
#   build-tools.sh [kubernetes|etcd|helm]...      all three when none is named
#
# A tool set is a folder beside this script with a go.mod (its `tool` lines say what is built) and a go.sum. Each has a module
# of its own because their dependencies clash. Binaries are cached by content: a changed version or checksum builds anew.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# The version of a module that a tool set requires.
required_version() { (cd "$cluster_sources/$1" && go list -m -f '{{.Version}}' "$2"); }

# The linker flags of a tool set. Without a version Kubernetes calls itself v0.0.0 and does not work with itself.
linker_flags() {
	local version package
	printf -- '-s -w'
	case $1 in
	kubernetes)
		version=$(required_version kubernetes k8s.io/kubernetes)
		for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
			printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s' \
				"$package" "$version" "$package" "$package" "$(cut -d. -f2 <<<"$version")"
		done
		;;
	helm) printf -- ' -X helm.sh/helm/v4/internal/version.version=%s' "$(required_version helm helm.sh/helm/v4)" ;;
	esac
}

set_directory() {
	local set=$1 key
	key=$({
		cat "$cluster_sources/$set/go.mod" "$cluster_sources/$set/go.sum"
		go env GOVERSION GOOS GOARCH
		linker_flags "$set"
	} | content_key)
	printf '%s/tools/%s-%s' "$cache" "$set" "$key"
}

binary_name() {
	case $1 in
	go.etcd.io/etcd/server/v3) echo etcd ;;
	*) basename "$1" ;;
	esac
}

build_set() {
	local set=$1 directory=$2 package name flags
	flags=$(linker_flags "$set")
	mkdir -p "$directory"
	cd "$cluster_sources/$set"
	for package in $(go list -f '{{.ImportPath}}' tool); do
		name=$(binary_name "$package")
		[ -x "$directory/$name" ] && continue
		say "  $name (at $(elapsed))"
		CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "$flags" -o "$directory/.$name" "$package"
		mv "$directory/.$name" "$directory/$name"
	done
	touch "$directory/.complete"
}

link_set() {
	local directory=$1 binary
	mkdir -p "$tools"
	for binary in "$directory"/*; do
		# Only where it is needed: between the two steps of a replacement the program is not there, and somebody may be using it.
		[ "$(readlink "$tools/${binary##*/}")" = "$binary" ] || ln -sfn "$binary" "$tools/${binary##*/}"
	done
}

sets=("$@")
((${#sets[@]})) || sets=(etcd kubernetes helm)
require_go
mkdir -p "$cache/tools"
# Two builds at once would only slow each other down; the second finds the first one's binaries.
exec 9>"$cache/tools/.lock"
flock 9
for set in "${sets[@]}"; do
	[ -f "$cluster_sources/$set/go.mod" ] || die "no such tool set: $set (there are: etcd, kubernetes, helm)"
	directory=$(set_directory "$set")
	if [ ! -f "$directory/.complete" ]; then
		say "Building $set from source; this happens once. All tool sets together take 8 to 10 minutes on two cores."
		build_set "$set" "$directory"
		say "Built $set (at $(elapsed))"
	fi
	link_set "$directory"
done
