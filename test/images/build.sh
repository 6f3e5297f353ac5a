#!/usr/bin/env bash
# Builds the workload images of images.json without a registry, one archive each, and links their folder
# as .cluster/images/workloads.
# Cached by content: when nothing changed this only makes the link.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib/common.sh"
source "$cluster_sources/lib/image.sh"
sources=$repository/test/images

key=$(cat "$cluster_sources/lib/image.sh" "$sources"/Dockerfile "$sources"/images.json "$sources"/app/* | content_key)
archives=$cache/images/workloads-$key

# One line per image: name, target, and the build arguments.
list_images() {
	node -e '
		for (const { image, target = "app", version = "", probe = "exit 0", ready = "200", crash = "" } of require(process.argv[1]))
			console.log([image, target, version, probe, ready, crash].join("|"));' "$sources/images.json"
}

build_all() {
	local image target version probe ready crash
	require_image_builder
	make_busybox_base
	rm -rf "$archives.new"
	mkdir -p "$archives.new"
	list_images | while IFS='|' read -r image target version probe ready crash; do
		say "  $image"
		build_image "$image" --target "$target" --build-arg "BASE=$busybox_base" --build-arg "VERSION=$version" --build-arg "PROBE=$probe" \
			--build-arg "READY=$ready" --build-arg "CRASH=$crash" -f "$sources/Dockerfile" "$sources" </dev/null
		save_image "$image" "$archives.new/$(basename "${image/:/-}").tar"
	done
	mv "$archives.new" "$archives"
	remove_unnamed_images
}

lock_images
if [ ! -d "$archives" ]; then
	say "Building the workload images; this takes about ten seconds, once"
	build_all
	say "Built the workload images (at $(elapsed))"
fi
mkdir -p "$state/images"
ln -sfn "$archives" "$state/images/workloads"
