#!/usr/bin/env bash
# Builds the example's image in all its versions, good and bad, without a registry and without a daemon, into one archive.
# Prints the archive's path; load it into the test cluster with: test/cluster/cluster.sh load "$(examples/sonic-feature/images.sh)"
#
#   BASE=debian:12-slim examples/sonic-feature/images.sh    builds on that image, which must be in the local storage of buildah
#
# Without BASE it builds on a stand-in: a minimal Debian with python3 and supervisor, made once by mmdebstrap. Cached by content.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../test/cluster/lib/common.sh"
source "$cluster_sources/lib/image.sh"
sources=$repository/examples/sonic-feature
image=postcheck.local/examples/sonic-feature

# Version and fault; the gate's ConfigMap in daemonset.yaml blocks the version 2.0-frozen.
versions='1.0 none
2.0 none
2.0-frozen none
2.0-start-fails start-fails
2.0-hook-17 hook-17
2.0-critical-dies critical-dies
2.0-critical-fatal critical-fatal'

supervisor_base=postcheck.local/base/supervisor:1
make_supervisor_base() {
	local context
	local_buildah inspect --type image "$supervisor_base" >/dev/null 2>&1 && return
	require_packages mmdebstrap
	context=$(new_context)
	say "Making a minimal Debian with supervisor"
	# The merged-usr hook wants the links that current Debian has at the top level.
	mmdebstrap --quiet --variant=minbase --include=python3-minimal,supervisor --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$context/root.tar" >&2 ||
		die "mmdebstrap could not make a minimal Debian"
	printf 'FROM scratch\nADD root.tar /\n' >"$context/Dockerfile"
	build_image "$supervisor_base" "$context"
	rm -r "$context"
}

build_all() {
	local context version fault base=${BASE:-$supervisor_base} images=()
	require_image_builder
	[ -n "${BASE:-}" ] || make_supervisor_base
	# Only what the Dockerfile copies: the whole repository would be a slow context.
	context=$(new_context)
	mkdir -p "$context/container" "$context/examples/sonic-feature"
	cp "$repository/container/readiness_probe.sh" "$context/container/"
	cp -r "$sources/rootfs" "$context/examples/sonic-feature/"
	while read -r version fault; do
		say "  $image:$version"
		build_image "$image:$version" -f "$sources/Dockerfile" --build-arg "BASE=$base" --build-arg "VERSION=$version" --build-arg "FAULT=$fault" "$context" </dev/null
		images+=("$image:$version")
	done <<<"$versions"
	rm -f "$cache"/images/sonic-feature-*.tar
	save_images "$1" "${images[@]}"
	rm -r "$context"
	remove_unnamed_images
}

key=$({
	cat "$repository/container/readiness_probe.sh" "$sources/Dockerfile" "${BASH_SOURCE[0]}" "$cluster_sources/lib/image.sh"
	find "$sources/rootfs" -type f | sort | xargs cat
	echo "${BASE:-}"
} | content_key)
archive=$cache/images/sonic-feature-$key.tar
lock_images
if [ ! -f "$archive" ]; then
	say "Building the images of the SONiC-like feature"
	build_all "$archive"
	say "Built the images of the SONiC-like feature (at $(elapsed))"
fi
printf '%s\n' "$archive"
