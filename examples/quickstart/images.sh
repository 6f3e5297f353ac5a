#!/usr/bin/env bash
# Builds stand-ins for the images of this example under their public names, for a cluster that reaches no registry, into one
# archive: a web server that answers on port 8080 and has no probe script, and the same with the script of checked/.
# Prints the archive's path. Cached by content.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../test/cluster/lib/common.sh"
source "$cluster_sources/lib/image.sh"
example=$repository/examples/quickstart
app=$repository/test/images
public=docker.io/nginxinc/nginx-unprivileged
checked=registry.example/web:1.29-checked

build_all() {
	local version
	require_image_builder
	make_busybox_base
	for version in 1.28-alpine 1.29-alpine; do
		build_image "$public:$version" --target app-without-probe --build-arg "BASE=$busybox_base" \
			--build-arg "VERSION=$version" -f "$app/Dockerfile" "$app"
	done
	build_image "$checked" --build-arg "BASE=$public:1.29-alpine" "$example/checked"
	rm -f "$cache"/images/quickstart-*.tar
	save_images "$1" "$public:1.28-alpine" "$public:1.29-alpine" "$checked"
	remove_unnamed_images
}

key=$(cat "$cluster_sources/lib/image.sh" "$app/Dockerfile" "$app"/app/* "$example"/checked/* "${BASH_SOURCE[0]}" | content_key)
archive=$cache/images/quickstart-$key.tar
lock_images
if [ ! -f "$archive" ]; then
	say "Building the images of the quickstart"
	build_all "$archive"
	say "Built the images of the quickstart (at $(elapsed))"
fi
printf '%s\n' "$archive"
