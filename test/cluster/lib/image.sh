# Building container images with buildah, without a daemon and without a registry. Sourced, never run.

# A storage of our own, so that images of the user are neither seen nor touched. chroot isolation works without the rights that
# runc would need inside a container.
storage=$cache/buildah
local_buildah() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver overlay "$@"; }

require_image_builder() {
	[ "$(id -u)" = 0 ] || die "building images without a registry needs root. Run this as root, or build with docker; see the Dockerfile."
	require_packages buildah ca-certificates
}

# A new, empty build context; the caller removes it.
new_context() {
	mkdir -p "$storage"
	mktemp -d "$storage/context.XXXXXX"
}

# Builds share the storage and the archives: one at a time.
lock_images() {
	mkdir -p "$cache/images"
	exec 9>"$cache/images/.lock"
	flock 9
}

# Images that a newer build has taken the name of.
remove_unnamed_images() { local_buildah rmi --prune >/dev/null; }

# Takes a name and the arguments of `buildah build`.
build_image() {
	local name=$1 log
	shift
	log=$(local_buildah build --isolation chroot --pull-never --tag "$name" "$@" 2>&1) || {
		printf '%s\n' "$log" >&2
		die "the image $name could not be built"
	}
}

save_image() { local_buildah push --quiet "$1" "docker-archive:$2:$1" || die "the image $1 could not be saved to $2"; }

# Saves images into one archive, where the layers that they share are kept once. Takes the archive's path and their names.
save_images() {
	local archive=$1 image layout
	shift
	layout=$(new_context)
	for image in "$@"; do
		local_buildah push --quiet "$image" "oci:$layout:$image" || die "the image $image could not be saved to $archive"
	done
	# containerd names an imported image after this annotation; a plain reference would get a prefix.
	sed -i 's/"org.opencontainers.image.ref.name":"\([^"]*\)"/&,"io.containerd.image.name":"\1"/g' "$layout/index.json"
	tar -C "$layout" -cf "$archive.new" .
	mv "$archive.new" "$archive"
	rm -r "$layout"
}

# A stand-in for the official busybox image, made of Debian's busybox-static.
busybox_base=postcheck.local/base/busybox:1
make_busybox_base() {
	local context
	context=$(new_context)
	mkdir -p "$context/root/bin" "$context/root/usr/bin" "$context/root/etc" "$context/root/tmp"
	chmod 1777 "$context/root/tmp"
	install_static_busybox "$context/root/bin/busybox"
	# Where scripts look that begin with "#!/usr/bin/env".
	ln -s /bin/busybox "$context/root/usr/bin/env"
	"$context/root/bin/busybox" --list | grep -vx busybox | sed "s|^|$context/root/bin/|" | xargs -n1 ln -s busybox
	printf 'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\n' >"$context/root/etc/passwd"
	printf 'FROM scratch\nCOPY root /\nENV PATH=/usr/bin:/bin\n' >"$context/Dockerfile"
	build_image "$busybox_base" "$context"
	rm -r "$context"
}

# The package is unpacked, not installed: it would replace the busybox that many machines boot with.
install_static_busybox() {
	local target=$1 folder
	folder=$(mktemp -d)
	# apt's own user downloads, and must be allowed to write there.
	chmod 777 "$folder"
	(cd "$folder" && apt-get download -qq busybox-static && dpkg -x busybox-static_*.deb unpacked) >&2 || die "Debian's package busybox-static could not be downloaded"
	install "$(find "$folder/unpacked" -path '*bin/busybox' -type f)" "$target"
	rm -r "$folder"
}

# A stand-in for the official Node image and for the one without a shell: busybox and the Node of the npm package `node`, at
# the paths of both. Named after what it is made of and how, so that it is made once for each.
make_node_base() {
	local node=$repository/node_modules/node/bin/node context library
	[ -x "$node" ] || die "$node is missing; run 'make deps' first"
	node_base=postcheck.local/base/node:$({
		"$node" --version
		declare -f make_node_base make_busybox_base
	} | content_key)
	local_buildah inspect --type image "$node_base" >/dev/null 2>&1 && return
	make_busybox_base
	context=$(new_context)
	mkdir -p "$context/root/nodejs/bin" "$context/root/usr/bin"
	cp "$node" "$context/root/nodejs/bin/node"
	ln -s /nodejs/bin/node "$context/root/usr/bin/node"
	# What node is linked against, at the paths where its loader looks.
	ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do
		install -D "$library" "$context/root$library"
	done
	install -D /etc/ssl/certs/ca-certificates.crt "$context/root/etc/ssl/certs/ca-certificates.crt"
	printf 'FROM %s\nCOPY root /\n' "$busybox_base" >"$context/Dockerfile"
	build_image "$node_base" "$context"
	rm -r "$context"
}
