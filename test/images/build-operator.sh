#!/usr/bin/env bash
# Builds the operator's image from this checkout without a registry, as postcheck.local/postcheck:dev, and puts the archive
# at .cluster/images/postcheck.tar. Cached by content. Needs node_modules (`make deps`).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib/common.sh"
source "$cluster_sources/lib/image.sh"

image=postcheck.local/postcheck:dev
bundle=$repository/dist/postcheck.mjs
node=$repository/node_modules/node/bin/node

[ -x "$node" ] || die "$node is missing; run 'make deps' first"
"$node" "$repository/scripts/bundle.ts" "$bundle"
key=$({
	cat "$bundle" "$repository/Dockerfile" "$cluster_sources/lib/image.sh"
	"$node" --version
} | content_key)
archive=$cache/images/postcheck-$key.tar

lock_images
if [ ! -f "$archive" ]; then
	say "Building $image"
	require_image_builder
	make_node_base
	context=$(new_context)
	cp "$repository"/package.json "$repository"/package-lock.json "$repository"/.npmrc "$bundle" "$context/"
	build_image "$image" --build-arg "NODE_IMAGE=$node_base" --build-arg "RUNTIME_IMAGE=$node_base" -f "$repository/Dockerfile" "$context"
	# One at a time is enough: earlier states of the checkout are not needed again, and each is 130 MB.
	rm -f "$cache"/images/postcheck-*.tar
	save_image "$image" "$archive.new"
	mv "$archive.new" "$archive"
	rm -r "$context"
	remove_unnamed_images
	say "Built $image (at $(elapsed))"
fi
mkdir -p "$state/images"
ln -sfn "$archive" "$state/images/postcheck.tar"
