#!/usr/bin/env bash
# Pins a Kubernetes release for the test cluster: pin-kubernetes.sh 1.37.2 writes kubernetes/1.37/go.mod and go.sum.
#
# Kubernetes takes its own libraries from a "staging" folder that consumers do not get; each of them is published as v0.X.Y
# next to Kubernetes v1.X.Y, and its go.mod lists them. go.sum holds the checksum of everything that is built.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

[[ ${1:-} =~ ^1\.([0-9]+)\.([0-9]+)$ ]] || die "usage: pin-kubernetes.sh 1.MINOR.PATCH"
release=$1 library=v0.${BASH_REMATCH[1]}.${BASH_REMATCH[2]} folder=$cluster_sources/kubernetes/1.${BASH_REMATCH[1]}
require_go

upstream=$(go mod download -json "k8s.io/kubernetes@v$release" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
[ -f "$upstream" ] || die "the module k8s.io/kubernetes has no v$release"
mkdir -p "$folder"
{
	printf '// The Kubernetes that development and tests run on, built from its Go modules.\n'
	printf '// Kubernetes takes its own libraries from a "staging" folder that consumers do\n'
	printf '// not get; each of them is published as v0.X.Y next to Kubernetes v1.X.Y.\n'
	printf 'module postcheck.dev/test/cluster/kubernetes\n\n%s\n\n' "$(grep -m1 '^go ' "$upstream")"
	printf 'tool (\n'
	printf '\tk8s.io/kubernetes/cmd/%s\n' kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet
	printf ')\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$release"
	sed -n "s|^\t\(k8s.io/[^ ]*\) => ./staging/.*|\t\1 => \1 $library|p" "$upstream"
	printf ')\n'
} >"$folder/go.mod"
cd "$folder"
rm -f go.sum
go mod tidy
say "Pinned Kubernetes $release in ${folder#"$repository"/}"
