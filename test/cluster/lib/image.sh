# Building container images with buildah, without a daemon and without a registry. Sourced, never run.

# A storage of our own, so that images of the user are neither seen nor touched. chroot isolation works without the rights that
# runc would need inside a container.
storage=$cache/buildah
local_buildah() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver overlay "$@"; }

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

# A stand-in for the official busybox image, made of Debian's busybox-static.
busybox_base=postcheck.local/base/busybox:1
make_busybox_base() {
	local context
	context=$(mktemp -d)
	mkdir -p "$context/root/bin" "$context/root/usr/bin" "$context/root/etc" "$context/root/tmp"
	chmod 1777 "$context/root/tmp"
	cp "$(command -v busybox)" "$context/root/bin/busybox"
	busybox --list | grep -vx busybox | sed "s|^|$context/root/bin/|" | xargs -n1 ln -s busybox
	printf 'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\n' >"$context/root/etc/passwd"
	printf 'FROM scratch\nCOPY root /\nENV PATH=/usr/bin:/bin\n' >"$context/Dockerfile"
	build_image "$busybox_base" "$context"
	rm -r "$context"
}
