# One node: containerd, kubelet and kube-proxy in the node's namespaces. Sourced, never run. All state is in $home/node-N.

start_container_runtime() {
	local name=node-$1 folder=$home/node-$1
	mkdir -p "$folder"/{cni,kubelet,var-lib-kubelet,var-lib-cni,logs}
	write_cni_config "$1" >"$folder/cni/10-postcheck.conflist"
	write_containerd_config "$folder" >"$folder/containerd.toml"
	in_namespaces "$name" sh -ec "
		mount --bind $folder/var-lib-kubelet /var/lib/kubelet
		mount --bind $folder/var-lib-cni /var/lib/cni
		mount -t tmpfs tmpfs /var/log"
	start_in_namespaces "$name" containerd containerd -c "$folder/containerd.toml"
}

start_kubelet() {
	local name=node-$1 folder=$home/node-$1
	make_certificate "$name" "/O=system:nodes/CN=system:node:$name" "DNS:$name,IP:127.0.0.1,IP:$(node_address "$1")"
	write_kubeconfig "$folder/kubelet.kubeconfig" "$name" "$server"
	cat /etc/resolv.conf >"$folder/resolv.conf"
	write_kubelet_config "$name" "$folder" >"$folder/kubelet.yaml"
	start_in_namespaces "$name" kubelet "$components/kubelet" --config="$folder/kubelet.yaml" --kubeconfig="$folder/kubelet.kubeconfig" \
		--hostname-override="$name" --node-ip="$(node_address "$1")" --root-dir="$folder/kubelet" --cert-dir="$folder/kubelet/pki"
}

# Takes the namespaces to run in, and the node to speak for.
start_kube_proxy() {
	local namespaces=$1 node=$2
	write_kube_proxy_config "$node" >"$home/pki/kube-proxy-$namespaces.yaml"
	start_in_namespaces "$namespaces" kube-proxy "$components/kube-proxy" --config="$home/pki/kube-proxy-$namespaces.yaml"
}

container_runtime_answers() { ctr --address "$home/node-$1/containerd.sock" version; }

# Loads image archives into one node.
load_images() {
	local node=$1 archive log
	shift
	for archive in "$@"; do
		log=$(in_namespaces "node-$node" ctr --address "$home/node-$node/containerd.sock" --namespace k8s.io images import "$archive" 2>&1) ||
			die "$archive could not be loaded into node-$node: $log"
	done
}

write_cni_config() {
	cat <<-END
		{"cniVersion": "0.4.0", "name": "postcheck", "plugins": [
		  {"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": false, "hairpinMode": true,
		   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(pod_network "$1")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	END
}

# restrict_oom_score_adj: without CAP_SYS_RESOURCE (a container, some virtual machines) runc may not lower the score of what it
# starts and dies with "can't get final child's PID from pipe".
write_containerd_config() {
	local folder=$1
	cat <<-END
		version = 2
		root = "$folder/containerd"
		state = "/run/containerd"
		[grpc]
		  address = "$folder/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  restrict_oom_score_adj = true
		  sandbox_image = "postcheck.local/pause:1"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "overlayfs"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$folder/cni"
	END
}

# Nothing is evicted for a full disk: on a developer's machine that is usual and no concern of these tests.
write_kubelet_config() {
	local name=$1 folder=$2
	cat <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failCgroupV1: false
		failSwapOn: false
		cgroupDriver: cgroupfs
		cgroupRoot: /$host_link/$name
		enforceNodeAllocatable: []
		containerRuntimeEndpoint: unix://$folder/containerd.sock
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $home/pki/ca.crt}}
		authorization: {mode: Webhook}
		tlsCertFile: $home/pki/$name.crt
		tlsPrivateKeyFile: $home/pki/$name.key
		podLogsDir: $folder/logs
		volumePluginDir: $folder/kubelet/volume-plugins
		resolvConf: $folder/resolv.conf
		containerLogMaxSize: 1Mi
		serializeImagePulls: false
		maxPods: 200
		nodeStatusUpdateFrequency: 4s
		imageGCHighThresholdPercent: 100
		evictionHard: {memory.available: "1Mi", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
	END
}

# No limits on connection tracking: they belong to the whole machine.
write_kube_proxy_config() {
	cat <<-END
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		clientConnection: {kubeconfig: $home/pki/kube-proxy.kubeconfig}
		mode: nftables
		hostnameOverride: $1
		clusterCIDR: $pods_network
		conntrack: {maxPerCore: 0}
	END
}
