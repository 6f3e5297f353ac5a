#!/usr/bin/env bash
# A Kubernetes API without nodes: etcd, kube-apiserver and kube-controller-manager, in a few seconds, several side by side.
# For tests of everything that needs a real API server but no running containers. Needs no root and touches only DIR.
#
#   api-only.sh up DIR [PORT]         start on 127.0.0.1:PORT (a free port when none is given) with all state in DIR, which
#                                     must be absent, empty or of an earlier `up`; what is left of that one is cleared first.
#                                     Prints the path of the kubeconfig (DIR/kubeconfig, user postcheck-admin).
#   api-only.sh down DIR              end its processes and remove DIR; nothing happens when it is not there
#   api-only.sh stop DIR NAME         kill one process (etcd, kube-apiserver, kube-controller-manager) with SIGKILL
#   api-only.sh start DIR NAME        start it again as it was
#   api-only.sh pid DIR NAME          print its process ID (for SIGSTOP, SIGCONT); fails when it does not run
#   api-only.sh simulate DIR          add kube-scheduler and kwok: nodes with the annotation kwok.x-k8s.io/node are played, pods
#                                     on them run at once, and crash when their image ends in :crash (kwok/simulation.yaml)
#   api-only.sh controllers DIR RATE  restart the controllers of a simulation with so many requests a second each; Kubernetes' default is 20
#
# Also in DIR: audit.log (metadata of every request that is not the cluster's own), log/NAME.log.
# Further kube-apiserver flags: POSTCHECK_APISERVER_FLAGS, separated by spaces. With POSTCHECK_APISERVER_MEMORY (as Go's GOMEMLIMIT,
# 8GiB) it collects no garbage before it uses as much.
# Namespaces and Deployments work as usual (kube-controller-manager runs); pods are created and stay Pending: no scheduler, no
# kubelet. A test that wants them Ready writes their status itself.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source "$cluster_sources/lib/process.sh"
source "$cluster_sources/lib/certificates.sh"
source "$cluster_sources/lib/control-plane.sh"

usage() { die "usage: api-only.sh up DIR [PORT] | down DIR | stop DIR NAME | start DIR NAME | pid DIR NAME | simulate DIR | controllers DIR RATE"; }

port_is_free() { [ -z "$(ss -Hltn "sport = :$1")" ]; }

free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + RANDOM % 10000))
		port_is_free "$port" && echo "$port" && return
	done
	die "no free port found between 20000 and 29999"
}

require_own_folder() {
	[ ! -e "$home" ] || [ -f "$home/.postcheck-api" ] || [ -z "$(ls -A "$home")" ] ||
		die "$home is neither empty nor of an earlier 'api-only.sh up'; name another folder"
}

up() {
	local port=${1:-}
	[ "$(uname -s)" = Linux ] || die "the binaries are built and started on Linux only"
	require_programs ss:iproute2 pgrep:procps openssl:openssl
	"$cluster_sources/build-tools.sh" etcd kubernetes
	down
	[ -n "$port" ] || port=$(free_port)
	port_is_free "$port" || die "port $port is taken; name another one"
	mkdir -p "$home"
	touch "$home/.postcheck-api"
	# Not every word here is meant to stay one: this is a list of flags.
	# shellcheck disable=SC2086
	start_api 127.0.0.1 "$port" ${POSTCHECK_APISERVER_FLAGS:-}
	echo "$home/kubeconfig"
}

down() {
	[ -d "$home" ] || return 0
	require_own_folder
	mapfile -t names < <(recorded_processes)
	stop_processes KILL "${names[@]}"
	rm -rf "$home"
}

# Real nodes renew their leases every 10 s. Thousands of them would be most of the work on one machine: here each does it every
# 100 s, and the controllers wait longer before they call a node lost.
simulate() {
	local server port
	require_own_folder
	server=$(grep -o 'https://127.0.0.1:[0-9]*' "$home/kubeconfig")
	port=$(free_port)
	"$cluster_sources/build-tools.sh" kwok
	# The API server ranks its requests as those of kubelets; it writes for all nodes, which none of them may.
	make_certificate kwok /O=system:nodes/CN=kwok IP:127.0.0.1
	write_kubeconfig "$home/pki/kwok.kubeconfig" kwok "$server"
	"$components/kubectl" --kubeconfig "$home/kubeconfig" create clusterrolebinding kwok --clusterrole=cluster-admin --user=kwok
	controllers 200
	start_kube_scheduler "$server"
	start_process kwok "$tools/kwok" --kubeconfig="$home/pki/kwok.kubeconfig" --config="$cluster_sources/kwok/simulation.yaml" \
		--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node --node-lease-duration-seconds=400 \
		--node-ip=127.0.0.1 --node-port="$port" --server-address="127.0.0.1:$port" \
		--tls-cert-file="$home/pki/kwok.crt" --tls-private-key-file="$home/pki/kwok.key"
	wait_until 20 kwok_listens_or_is_gone "$port" && ! port_is_free "$port" || die "kwok does not listen; see $home/log/kwok.log"
}

# As in Kubernetes' defaults, half as many more may come at once.
controllers() {
	local rate=$1
	stop_processes KILL kube-controller-manager
	start_kube_controller_manager --node-monitor-grace-period=20m --kube-api-qps="$rate" --kube-api-burst=$((rate * 3 / 2))
}

kwok_listens_or_is_gone() { ! port_is_free "$1" || process_is_gone kwok; }

(($# >= 2)) || usage
home=$(realpath -m "$2")
case $1 in
up) up "${3:-}" ;;
down) down ;;
stop) stop_processes KILL "${3:?$(usage)}" ;;
start) restart_process "${3:?$(usage)}" ;;
pid) pid_of "${3:?$(usage)}" ;;
simulate) simulate ;;
controllers) controllers "${3:?$(usage)}" ;;
*) usage ;;
esac
