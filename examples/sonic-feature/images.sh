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

make_base() {
	local root
	require_packages mmdebstrap
	root=$(mktemp -d)
	say "Making a minimal Debian with supervisor"
	# The merged-usr hook wants the links that current Debian has at the top level.
	mmdebstrap --quiet --variant=minbase --include=python3-minimal,supervisor --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root/root.tar" >&2 ||
		die "mmdebstrap could not make a minimal Debian"
	printf 'FROM scratch\nADD root.tar /\n' >"$root/Dockerfile"
	build_image "$1" "$root"
	rm -r "$root"
}

require_packages buildah
base=${BASE:-}
if [ -z "$base" ]; then
	base=postcheck.local/base/supervisor:1
	local_buildah inspect --type image "$base" >/dev/null 2>&1 || make_base "$base"
fi

key=$({
	cat "$repository/container/readiness_probe.sh" "$sources/Dockerfile" "${BASH_SOURCE[0]}"
	find "$sources/rootfs" -type f | sort | xargs cat
	printf '%s' "$base"
} | content_key)
archive=$cache/images/sonic-feature-$key.tar
if [ ! -f "$archive" ]; then
	mkdir -p "$cache/images"
	rm -f "$cache"/images/sonic-feature-*.tar
	layout=$(mktemp -d)
	# Only what the Dockerfile copies: the whole repository would be a slow context.
	context=$(mktemp -d)
	mkdir -p "$context/container" "$context/examples/sonic-feature"
	cp "$repository/container/readiness_probe.sh" "$context/container/"
	cp -r "$sources/rootfs" "$context/examples/sonic-feature/"
	while read -r version fault; do
		say "Building $image:$version"
		build_image "$image:$version" -f "$sources/Dockerfile" --build-arg "BASE=$base" --build-arg "VERSION=$version" --build-arg "FAULT=$fault" "$context"
		# containerd names an imported image after this annotation; a plain reference would get a prefix.
		local_buildah push --quiet "$image:$version" "oci:$layout:$image:$version"
	done <<<"$versions"
	sed -i 's/"org.opencontainers.image.ref.name":"\([^"]*\)"/&,"io.containerd.image.name":"\1"/g' "$layout/index.json"
	tar -C "$layout" -cf "$archive.new" .
	mv "$archive.new" "$archive"
	rm -r "$layout" "$context"
fi
printf '%s\n' "$archive"
