#!/usr/bin/env bash
# Builds the images of the examples, versions 1 and 2 of each, without a registry and without a daemon, into one archive.
# Prints the archive's path; load it into the test cluster with: test/cluster/cluster.sh load "$(examples/images.sh)"
#
#   NODE_IMAGE=node:24-bookworm-slim examples/images.sh    builds on that image, which must be in the local storage of buildah
#
# Without NODE_IMAGE it builds on a stand-in: busybox and the Node that this project is tested with. Cached by content.
set -euo pipefail
# shellcheck source=../test/cluster/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../test/cluster/lib/common.sh"
# shellcheck source=../test/cluster/lib/image.sh
source "$cluster_sources/lib/image.sh"
sources=$repository/examples
node=$repository/node_modules/node/bin/node

build_all() {
	local example version image images=()
	require_image_builder
	node_base=${NODE_IMAGE:-}
	[ -n "$node_base" ] || make_node_base
	for example in dist/examples/*; do
		example=$(basename "$example")
		for version in 1 2; do
			image=postcheck.local/examples/$example:$version
			say "  $image"
			build_image "$image" -f "$sources/Dockerfile" --build-arg "NODE_IMAGE=$node_base" --build-arg "EXAMPLE=$example" --build-arg "VERSION=$version" dist/examples
			images+=("$image")
		done
	done
	rm -f "$cache"/images/examples-*.tar
	save_images "$1" "${images[@]}"
	remove_unnamed_images
}

cd "$repository"
[ -x "$node" ] || die "$node is missing; run 'make deps' first"
# Two at once would lay out and build the same.
lock_images
"$node" "$sources/build.ts"
key=$({
	find dist/examples -type f -print0 | sort -z | xargs -0 sha256sum
	cat examples/Dockerfile examples/images.sh "$cluster_sources/lib/image.sh"
	"$node" --version
	echo "${NODE_IMAGE:-}"
} | content_key)
archive=$cache/images/examples-$key.tar
if [ ! -f "$archive" ]; then
	say "Building the images of the examples"
	build_all "$archive"
	say "Built the images of the examples (at $(elapsed))"
fi
printf '%s\n' "$archive"
