# The cluster's network. Sourced, never run.
#
#   host 10.245.0.1 ── veth ──┐
#                             bridge in the router's namespace (10.245.0.2) ── node-1 10.245.0.11, node-2 10.245.0.12, …
#
# Each node and the router are a process in namespaces of its own (network, mounts, process IDs) that does nothing but exist:
# when it ends, whatever runs in them ends, and the kernel takes their mounts, links and routes away. The only link on the host
# is one end of a veth pair. The bridge is in the router's namespace because the host's firewall (Docker's, for one) may drop
# what is forwarded over a bridge of the host. kube-proxy runs there too and makes ClusterIPs reachable from the host without
# a rule in the host's tables. Addresses need no `ip netns`: it would bind-mount /run/netns of the host over itself.
#
# Several clusters, each of a checkout of its own, have a number each, from 0: it is in the name of the link and in every address.

port=16443
highest_network=7
# Empty until it is known which network is this cluster's.
host_link=
link_owner() { cat "/sys/class/net/$1/ifalias" 2>/dev/null || true; }

# Sets the names and addresses of the network of that number.
use_network() {
	network_number=$1
	host_link=postcheck$1
	network=10.245.$1
	host_address=$network.1
	router_address=$network.2
	pods_network=10.244.$((16 * $1)).0/20
	service_network=10.$((96 + $1)).0.0/16
	server=https://$host_address:$port
}
node_address() { echo "$network.$((10 + $1))"; }
pod_network() { echo "10.244.$((16 * network_number + $1)).0/24"; }

# The number of this folder's cluster: as it was noted, or, when the folder was deleted while it ran, by the link that bears its name.
own_network() {
	local number
	cat "$home/network" 2>/dev/null && return
	for number in $(seq 0 "$highest_network"); do
		[ "$(link_owner "postcheck$number")" != "$home" ] || echo "$number"
	done
}

# The folders of the other clusters that run on this machine.
other_clusters() {
	local number owner
	for number in $(seq 0 "$highest_network"); do
		owner=$(link_owner "postcheck$number")
		[ -z "$owner" ] || [ "$owner" = "$home" ] || echo "$owner"
	done
}

# Takes the first network that nothing else on this machine has, and notes it.
choose_network() {
	local number reason reasons=
	for number in $(seq 0 "$highest_network"); do
		use_network "$number"
		reason=$(why_taken) || { echo "$number" >"$home/network" && return; }
		reasons+=$'\n'"  $reason"
	done
	die "no network is left for the test cluster:$reasons"
}

# Says what has the link, the networks or the port; fails when nothing has.
why_taken() {
	local owner range taken
	owner=$(link_owner "$host_link")
	[ -z "$owner" ] || { echo "$host_link: of the test cluster started from $owner" && return; }
	[ ! -e "/sys/class/net/$host_link" ] || { echo "$host_link: a network device of this name is not of a test cluster" && return; }
	for range in "$pods_network" "$network.0/24" "$service_network"; do
		taken=$(ip -4 route show root "$range")
		[ -z "$taken" ] || { echo "$host_link: this machine routes $range already: ${taken%%$'\n'*}" && return; }
	done
	taken=$(ss -Hltnp "sport = :$port" | grep -E "(0\.0\.0\.0|\*|\[::\]|$host_address):$port") || return 1
	echo "$host_link: port $port is taken: $taken"
}

# Starts the process that holds the namespaces NAME. /run is replaced by an empty one: container runtimes keep sockets and
# namespace files there, which must neither be seen on the host nor stay behind.
start_namespaces() {
	start_process "$1" unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
		bash "$cluster_sources/lib/namespace-init.sh" "$home"
	wait_until 10 in_namespaces "$1" test -e /run/.postcheck || die "the namespaces of $1 could not be set up; see $home/log/$1.log"
}

# Runs a command in the namespaces NAME.
in_namespaces() {
	local name=$1
	shift
	nsenter --target "$(pid_of "$name")" --net --mount --pid -- "$@"
}

# Starts a process as NAME.PROGRAM in the namespaces NAME.
start_in_namespaces() {
	local name=$1 program=$2
	shift 2
	start_process "$name.$program" nsenter --target "$(pid_of "$name")" --net --mount --pid -- "$@"
}

start_network() {
	local nodes=$1 node router
	start_namespaces router
	router=$(pid_of router)
	ip link add "$host_link" type veth peer name host netns "$router"
	ip link set "$host_link" alias "$home"
	in_namespaces router sh -ec "
		ip link set lo up
		ip link add nodes type bridge
		ip addr add $router_address/24 dev nodes
		ip link set nodes up
		ip link set host master nodes up
		sysctl -qw net.ipv4.ip_forward=1
		sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true"
	ip addr add "$host_address/24" dev "$host_link"
	ip link set "$host_link" up
	for node in $(seq "$nodes"); do
		attach_node "$node" "$router"
	done
	for node in $(seq "$nodes"); do
		ip route add "$(pod_network "$node")" via "$(node_address "$node")"
		route_to_pods_of "$node" router
		route_from_node "$node" "$nodes"
	done
	ip route add "$service_network" via "$router_address"
}

attach_node() {
	local node=$1 router=$2 name=node-$1
	start_namespaces "$name"
	in_namespaces router ip link add "$name" type veth peer name eth0
	# The two processes do not see each other's process IDs: by way of the host.
	nsenter --target "$router" --net -- ip link set eth0 netns "$(pid_of "$name")"
	in_namespaces router ip link set "$name" master nodes up
	in_namespaces "$name" sh -ec "
		ip link set lo up
		ip addr add $(node_address "$node")/24 dev eth0
		ip link set eth0 up
		ip route add default via $host_address
		sysctl -qw net.ipv4.ip_forward=1"
}

route_from_node() {
	local node=$1 nodes=$2 other
	for other in $(seq "$nodes"); do
		[ "$node" = "$other" ] || route_to_pods_of "$other" "node-$node"
	done
}

# The link of a node that was killed goes with its namespaces, a moment later.
node_is_unplugged() { ! in_namespaces router ip link show "$1"; }

route_to_pods_of() { in_namespaces "$2" ip route add "$(pod_network "$1")" via "$(node_address "$1")"; }
