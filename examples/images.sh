#!/usr/bin/env bash
# Builds the images of the examples, versions 1 and 2 of each, without a registry and without a daemon, into one archive.
# Prints the archive's path; load it into the test cluster with: test/cluster/cluster.sh load "$(examples/images.sh)"
#
#   NODE_IMAGE=node:24-bookworm-slim examples/images.sh    builds on that image, which must be in the local storage of buildah
#
# Without NODE_IMAGE it builds on a stand-in: busybox and the Node that this project is tested with.
set -euo pipefail
# shellcheck source=../test/cluster/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../test/cluster/lib/common.sh"
# shellcheck source=../test/cluster/lib/image.sh
source "$cluster_sources/lib/image.sh"
sources=$repository/examples
layout=$repository/dist/examples-layout
node=$repository/node_modules/node/bin/node

make_node_base() {
	local context library
	make_busybox_base
	context=$(mktemp -d)
	mkdir -p "$context/root/usr/bin"
	cp "$node" "$context/root/usr/bin/node"
	# Where every first line "#!/usr/bin/env node" looks; busybox has it in /bin only.
	ln -s /bin/busybox "$context/root/usr/bin/env"
	# What node is linked against, at the paths where its loader looks.
	ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do
		install -D "$library" "$context/root$library"
	done
	printf 'FROM %s\nCOPY root /\n' "$busybox_base" >"$context/Dockerfile"
	build_image "$1" "$context"
	rm -r "$context"
}

# containerd names an imported image after this annotation; a plain OCI reference would get a prefix.
name_images() {
	"$node" -e '
		const fs = require("node:fs");
		const index = JSON.parse(fs.readFileSync(process.argv[1]));
		for (const { annotations } of index.manifests) annotations["io.containerd.image.name"] = annotations["org.opencontainers.image.ref.name"];
		fs.writeFileSync(process.argv[1], JSON.stringify(index));' "$layout/index.json"
}

require_packages buildah busybox-static
base=${NODE_IMAGE:-}
if [ -z "$base" ]; then
	base=postcheck.local/base/node:$({ cat "$node"; declare -f make_node_base; } | content_key)
	local_buildah inspect --type image "$base" >/dev/null 2>&1 || make_node_base "$base"
fi
"$node" "$sources/build.ts"
archive=$repository/dist/examples.tar
key=$(cd "$repository" && find dist/examples examples/Dockerfile examples/images.sh -type f -print0 | sort -z | xargs -0 sha256sum | { cat; echo "$base"; } | content_key)
if [ -f "$archive" ] && [ "$(cat "$archive.key" 2>/dev/null)" = "$key" ]; then
	printf '%s\n' "$archive"
	exit
fi
rm -rf "$layout"
for example in "$repository"/dist/examples/*; do
	example=$(basename "$example")
	for version in 1 2; do
		image=postcheck.local/examples/$example:$version
		say "  $image"
		build_image "$image" -f "$sources/Dockerfile" --build-arg "NODE_IMAGE=$base" --build-arg "EXAMPLE=$example" --build-arg "VERSION=$version" "$repository/dist/examples"
		local_buildah push --quiet "$image" "oci:$layout:$image"
	done
done
name_images
tar -C "$layout" -cf "$archive" .
printf '%s\n' "$key" >"$archive.key"
printf '%s\n' "$archive"
