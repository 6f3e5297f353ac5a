#!/usr/bin/env bash
# Loads image archives into the cluster in use: load-images.sh ARCHIVE...
# Without CONTEXT that is the test cluster; with CONTEXT=NAME a cluster of the user, if there is a known way to do it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

(($#)) || die 'name the image archives to load: make cluster-load IMAGES="a.tar b.tar"'
case ${CONTEXT:-} in
'') "$cluster_sources/cluster.sh" load "$@" ;;
kind-*)
	for archive in "$@"; do
		kind load image-archive "$archive" --name "${CONTEXT#kind-}"
	done
	;;
k3d-*) k3d image import "$@" --cluster "${CONTEXT#k3d-}" ;;
*) die "cannot load images into $CONTEXT: only the test cluster, kind and k3d take archives. Push the images to a registry that it can reach." ;;
esac
