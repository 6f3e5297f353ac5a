#!/usr/bin/env bash
# Downloads the programs of a Kubernetes release: download-kubernetes.sh v1.37.2 FOLDER
#
# Each is checked against the checksum that is published beside it, and is in FOLDER only if that is right. Fails, with one line
# that says why, when the release server does not answer, answers too slowly, or sends something else; the caller then builds.
# KUBERNETES_RELEASES names another server with the layout of https://dl.k8s.io (a mirror).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

programs=(kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet)
version=${1:?name a version} folder=${2:?name a folder}
server=${KUBERNETES_RELEASES:-https://dl.k8s.io}
case $(uname -m) in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) architecture=$(uname -m) ;;
esac
partial=$(mktemp -d "$folder/.download.XXXXXX")
trap 'rm -rf "$partial"' EXIT

give_up() {
	say "Not downloading Kubernetes $version: $*"
	exit 1
}

# Less than 500 kB/s for ten seconds counts as no answer: at that speed building is quicker (all programs together are 350 MB).
fetch() {
	local path=$version/bin/linux/$architecture/$1 problem
	problem=$(curl --fail --silent --show-error --location --connect-timeout 5 --speed-limit 500000 --speed-time 10 \
		--output "$partial/$1" "$server/$path" 2>&1) || give_up "$server/$path: ${problem##*curl: }"
}

command -v curl >/dev/null || give_up "curl is not installed"
say "Asking $server for Kubernetes $version"
for program in "${programs[@]}"; do
	fetch "$program.sha256"
	fetch "$program"
	sha256sum --check --status <<<"$(cut -c1-64 "$partial/$program.sha256")  $partial/$program" ||
		give_up "$server: $program does not have the checksum that is published for it"
	say "  $program (at $(elapsed))"
done
chmod 755 "${programs[@]/#/$partial/}"
mv "${programs[@]/#/$partial/}" "$folder/"
