#!/usr/bin/env bash
# Builds the operator's image from this checkout without a registry. Needs node_modules (`make deps`).
#
#   build-operator.sh                   as postcheck.local/postcheck:dev, archive at .cluster/images/postcheck.tar; cached by content
#   build-operator.sh IMAGE ARCHIVE     under another name, into that archive
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib/common.sh"
source "$cluster_sources/lib/image.sh"

image=${1:-postcheck.local/postcheck:dev}
bundle=$repository/dist/postcheck.mjs
node=$repository/node_modules/node/bin/node

[ -x "$node" ] || die "$node is missing; run 'make deps' first"
"$node" "$repository/scripts/bundle.ts" "$bundle"
# Takes the archive to write.
build_into() {
	local context
	say "Building $image"
	require_image_builder
	make_node_base
	context=$(new_context)
	cp "$repository"/package.json "$repository"/package-lock.json "$repository"/.npmrc "$bundle" "$context/"
	build_image "$image" --build-arg "NODE_IMAGE=$node_base" --build-arg "RUNTIME_IMAGE=$node_base" -f "$repository/Dockerfile" "$context"
	rm -f "$1"
	save_image "$image" "$1"
	rm -r "$context"
	remove_unnamed_images
	say "Built $image (at $(elapsed))"
}

lock_images
if (($#)); then
	build_into "${2:?name an archive}"
	exit
fi
key=$({
	cat "$bundle" "$repository/Dockerfile" "$cluster_sources/lib/image.sh"
	"$node" --version
} | content_key)
archive=$cache/images/postcheck-$key.tar
if [ ! -f "$archive" ]; then
	build_into "$archive.new"
	mv "$archive.new" "$archive"
	# Each is 130 MB, and earlier states of a checkout are not needed again; but other checkouts have theirs here too.
	find "$cache/images" -name 'postcheck-*.tar' -printf '%T@ %p\n' | sort -rn | tail -n +6 | cut -d' ' -f2- | xargs -r rm -f
fi
mkdir -p "$state/images"
ln -sfn "$archive" "$state/images/postcheck.tar"
