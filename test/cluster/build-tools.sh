#!/usr/bin/env bash
# Gets the cluster's tools and links them into .cluster/bin.
#
#   build-tools.sh [kubernetes|etcd|helm|kwok|cert-manager]...  the first three when none is named; K8S=1.34 asks for another Kubernetes
#
# A tool set is a folder beside this script with a go.mod (its `tool` lines say what is built) and a go.sum; Kubernetes has one
# for each version. Each has a module of its own because their dependencies clash. Kubernetes' released binaries are taken when
# the release server answers and their checksums are right (download-kubernetes.sh); everything else is built from its Go
# modules. Binaries are cached by content: a changed version or checksum makes them anew.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

sources_of() {
	case $1 in
	kubernetes) echo "$cluster_sources/kubernetes/$kubernetes" ;;
	*) echo "$cluster_sources/$1" ;;
	esac
}

# The version of a module that a tool set requires.
required_version() { (cd "$(sources_of "$1")" && go list -m -f '{{.Version}}' "$2"); }

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
		cat "$(sources_of "$set")/go.mod" "$(sources_of "$set")/go.sum"
		# A set may be a program of its own.
		find "$(sources_of "$set")" -maxdepth 1 -name '*.go' -exec cat {} +
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
	cd "$(sources_of "$set")"
	for package in $(go list -f '{{.ImportPath}}' tool); do
		name=$(binary_name "$package")
		[ -x "$directory/$name" ] && continue
		say "  $name (at $(elapsed))"
		CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "$flags" -o "$directory/.$name" "$package"
		mv "$directory/.$name" "$directory/$name"
	done
}

# Two at once would only slow each other down; the second finds the first one's binaries.
make_set() {
	local set=$1 directory=$2 name=$1 began
	exec 9>"$directory.lock"
	flock 9
	if [ ! -f "$directory/.complete" ]; then
		mkdir -p "$directory"
		[ "$set" != kubernetes ] || name="Kubernetes $(required_version kubernetes k8s.io/kubernetes)"
		began=$SECONDS
		if [ "$set" = kubernetes ] && "$cluster_sources/download-kubernetes.sh" "$(required_version kubernetes k8s.io/kubernetes)" "$directory"; then
			say "Downloaded $name in $((SECONDS - began)) s"
		else
			say "Building $name from source; this happens once. Kubernetes takes 8 to 10 minutes on two cores, the rest two."
			build_set "$set" "$directory"
			say "Built $name in $((SECONDS - began)) s"
		fi
		touch "$directory/.complete"
	fi
	exec 9>&-
}

# Takes the folder of binaries and the folder to link them into.
link_set() {
	local directory=$1 into=$2 binary
	mkdir -p "$into"
	for binary in "$directory"/*; do
		# Only where it is needed: between the two steps of a replacement the program is not there, and somebody may be using it.
		[ "$(readlink "$into/${binary##*/}")" = "$binary" ] || ln -sfn "$binary" "$into/${binary##*/}"
	done
}

# A running cluster keeps the tools of its version.
is_version_of_cluster() { [ ! -d "$state/run" ] || [ "$(cat "$state/kubernetes" 2>/dev/null)" = "$kubernetes" ]; }

sets=("$@")
((${#sets[@]})) || sets=(etcd kubernetes helm)
require_go
mkdir -p "$cache/tools"
for set in "${sets[@]}"; do
	[ -f "$(sources_of "$set")/go.mod" ] || die "no such tool set: $set of Kubernetes $kubernetes (there are: etcd, helm, kwok, cert-manager, kubernetes of $(ls -m "$cluster_sources/kubernetes"))"
	directory=$(set_directory "$set")
	make_set "$set" "$directory"
	[ "$set" != kubernetes ] || link_set "$directory" "$components"
	if [ "$set" != kubernetes ] || is_version_of_cluster; then
		link_set "$directory" "$tools"
	fi
done
