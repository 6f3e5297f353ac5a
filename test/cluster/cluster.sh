#!/usr/bin/env bash
# A three-node Kubernetes on this machine, for development, demo and tests. See README.md beside this script.
#
#   cluster.sh up                     start it (does nothing when it runs and is healthy); K8S=1.34 asks for another version
#   cluster.sh down                   end it and leave nothing behind, also after a crash
#   cluster.sh load ARCHIVE...        load image archives into every node
#   cluster.sh stop|start|pid NAME    SIGKILL, start again, or print the process ID of one process: etcd, kube-apiserver,
#                                     kube-controller-manager, kube-scheduler, node-N.kubelet, node-N.containerd, node-N.kube-proxy;
#                                     or of a whole node, node-N: its power is cut, and it boots again with what is on its disk
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source "$cluster_sources/lib/process.sh"
source "$cluster_sources/lib/certificates.sh"
source "$cluster_sources/lib/control-plane.sh"
source "$cluster_sources/lib/network.sh"
source "$cluster_sources/lib/host.sh"
source "$cluster_sources/lib/node.sh"

home=$state
nodes=3
programs=(containerd:containerd ctr:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins nft:nftables
	iptables:iptables conntrack:conntrack ip:iproute2 pgrep:procps openssl:openssl nsenter:util-linux)

kubectl() { "$components/kubectl" --kubeconfig "$home/kubeconfig" "$@"; }

all_processes_run() {
	local name
	for name in $(recorded_processes); do
		pid_of "$name" >/dev/null || return 1
	done
}

all_nodes_are_ready() { [ "$(kubectl get nodes --no-headers 2>/dev/null | grep -cw Ready)" = "$nodes" ]; }

is_healthy() { [ -f "$home/complete" ] && [ -n "$(recorded_processes)" ] && all_processes_run && all_nodes_are_ready; }

# Waiting makes sense only while everything runs. Looking costs what starts a part of the processor.
nodes_are_settled() { all_nodes_are_ready || { sleep 0.25 && ! all_processes_run; }; }

up() {
	require_linux_root
	require_programs "${programs[@]}"
	require_version
	"$cluster_sources/build-tools.sh"
	"$repository/test/images/build.sh"
	if is_healthy; then
		load_workload_images
		say "The cluster is running: KUBECONFIG=$home/kubeconfig"
		return
	fi
	if something_is_left; then
		say "Clearing what an earlier run left"
		down
	fi
	SECONDS=0
	say "Starting Kubernetes $kubernetes with $nodes nodes"
	mkdir -p "$home"
	echo "$kubernetes" >"$home/kubernetes"
	claim_network
	prepare_host
	start_runtimes
	# Not one word: a list of flags.
	# shellcheck disable=SC2046
	start_api "$host_address" "$port" $(beta_flags)
	say "  control plane ready (at $(elapsed))"
	start_nodes
	wait_until 120 nodes_are_settled && all_nodes_are_ready || die "the nodes do not become Ready; see $home/log. 'make cluster-down' clears up."
	touch "$home/complete"
	say "  $nodes nodes Ready (at $(elapsed))"
	say "Use it with: export KUBECONFIG=$home/kubeconfig PATH=$tools:\$PATH"
}

# What runs is not taken down because of a version: there may be something in it.
require_version() {
	[ -d "$cluster_sources/kubernetes/$kubernetes" ] ||
		die "K8S=$kubernetes: there are $(ls -m "$cluster_sources/kubernetes"); pin-kubernetes.sh adds one"
	[ ! -d "$home/run" ] || [ "$(cat "$home/kubernetes" 2>/dev/null)" = "$kubernetes" ] ||
		die "a cluster of Kubernetes $(cat "$home/kubernetes" 2>/dev/null || echo '(unknown)') is here, not of $kubernetes; 'make cluster-down' ends it"
}

# One after the other: two clusters that start at once would take the same network.
claim_network() {
	exec 7>"$cache/network.lock"
	flock 7
	choose_network
	start_network "$nodes"
	exec 7>&-
}

# Where MutatingAdmissionPolicy is a beta that has to be switched on, it is: the stories on nodes are about the gate.
beta_flags() {
	case $kubernetes in
	1.34 | 1.35) echo --feature-gates=MutatingAdmissionPolicy=true --runtime-config=admissionregistration.k8s.io/v1beta1=true ;;
	esac
}

# The runtimes load their images while the control plane starts.
start_runtimes() {
	local node
	make_cgroups $(seq -f 'node-%g' "$nodes")
	for node in $(seq "$nodes"); do
		start_container_runtime "$node"
	done
}

start_nodes() {
	local node
	start_kube_scheduler "$server"
	make_certificate kube-proxy /CN=system:kube-proxy
	write_kubeconfig "$home/pki/kube-proxy.kubeconfig" kube-proxy "$server"
	load_workload_images
	for node in $(seq "$nodes"); do
		start_node_agents "$node"
	done
	# The router has no Node object of its own; kube-proxy would wait for it.
	start_kube_proxy router node-1
}

start_node_agents() {
	start_kubelet "$1"
	start_kube_proxy "node-$1" "node-$1"
}

# As up does it for all of them. Does nothing when it runs.
start_node() {
	local node=$1
	! pid_of "node-$node" >/dev/null || return 0
	wait_until 20 node_is_unplugged "node-$node" || die "the link of the node-$node that was stopped does not go"
	attach_node "$node" "$(pid_of router)"
	route_from_node "$node" "$nodes"
	start_container_runtime "$node"
	wait_until 30 container_runtime_answers "$node" || die "containerd of node-$node does not answer; see $home/log/node-$node.containerd.log"
	start_node_agents "$node"
}

start_again() {
	case $1 in
	node-[1-9]) start_node "${1#node-}" ;;
	*) restart_process "$1" ;;
	esac
}

# Does nothing when these very images were loaded already.
load_workload_images() {
	local built
	built=$(readlink "$state/images/workloads")
	[ "$(cat "$home/loaded" 2>/dev/null)" != "$built" ] || return 0
	load_into_every_node "$built"/*.tar
	echo "$built" >"$home/loaded"
}

# All nodes at once. Each tells its own failure.
load_into_every_node() {
	local node archive archives=() jobs=() failed=
	(($#)) || die "name the image archives to load"
	for archive in "$@"; do
		[ -f "$archive" ] || die "no such image archive: $archive"
		# Entering a namespace changes the working directory.
		archives+=("$(realpath "$archive")")
	done
	for node in $(seq "$nodes"); do
		wait_until 30 container_runtime_answers "$node" || die "containerd of node-$node does not answer; see $home/log/node-$node.containerd.log"
		load_images "$node" "${archives[@]}" 8>&- &
		jobs+=($!)
	done
	for node in "${jobs[@]}"; do
		wait "$node" || failed=1
	done
	[ -z "$failed" ] || exit 1
}

something_is_left() { [ -d "$home/run" ] || [ -d "$home/host" ] || [ "$(link_owner "$host_link")" = "$home" ]; }

link_is_gone() { [ "$(link_owner "$host_link")" != "$home" ]; }

# Namespaces first: with their first process everything in them ends.
down() {
	require_linux_root
	something_is_left || return 0
	mapfile -t names < <(recorded_processes)
	stop_processes KILL "${names[@]}"
	stop_unrecorded_processes
	wait_until 20 link_is_gone || ip link delete "$host_link"
	restore_host
	find "$home" -mindepth 1 -maxdepth 1 ! -name bin ! -name images -exec rm -rf {} +
}

# What has no record (its folder was deleted while it ran) is found by its command line, which names the cluster's own files in this
# folder. Only the programs are named by others too: API servers without nodes (api-only.sh) are started from here.
stop_unrecorded_processes() {
	local pid
	for pid in $(pgrep -f -- "$home/(etcd|pki/|node-)|$cluster_sources/lib/namespace-init.sh $home\$"); do
		case $(readlink "/proc/$pid/exe" || true) in
		"$cache"/tools/* | */unshare | */containerd | */containerd-shim-runc-v2) kill -KILL "$pid" 2>/dev/null || true ;;
		esac
	done
}

network_number=$(own_network)
[ -z "$network_number" ] || use_network "$network_number"
command=${1:-}
shift || true
case $command in
up | down | load | stop | start)
	mkdir -p "$cache"
	exec 8>"$cache/cluster-$(content_key <<<"$home").lock"
	flock -n 8 || {
		say "Waiting for another cluster.sh to end"
		flock 8
	}
	;;&
up) up ;;
down) down ;;
load) load_into_every_node "$@" ;;
stop) stop_processes KILL "${1:?name a process}" ;;
start) start_again "${1:?name a process}" ;;
pid) pid_of "${1:?name a process}" ;;
*) die "usage: cluster.sh up | down | load ARCHIVE... | stop NAME | start NAME | pid NAME" ;;
esac
