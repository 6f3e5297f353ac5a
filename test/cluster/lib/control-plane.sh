# etcd, kube-apiserver, kube-controller-manager and kube-scheduler of one instance ($home). Sourced, never run.
#
# etcd listens on unix sockets in the instance's folder, and the controllers serve nothing: so an instance takes one port only.

# Pods reach the API server at the first address of the services' network. Where no nodes are, both are only names.
service_network=${service_network:-10.96.0.0/16}
service_address() { echo "${service_network%.*}.1"; }

# Takes the address that clients use, the port, and further flags for kube-apiserver.
start_api() {
	local address=$1 port=$2
	shift 2
	make_authority
	make_certificate kube-apiserver /CN=kube-apiserver \
		"DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$(service_address),IP:$address"
	make_certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
	make_certificate admin /O=system:masters/CN=postcheck-admin
	make_certificate kube-controller-manager /CN=system:kube-controller-manager
	write_kubeconfig "$home/kubeconfig" admin "https://$address:$port"
	write_kubeconfig "$home/pki/kube-controller-manager.kubeconfig" kube-controller-manager "https://$address:$port"
	start_etcd
	start_kube_apiserver "$address" "$port" "$@"
	wait_until 60 listens_or_is_gone "$address" "$port" && wait_until 60 api_is_ready_or_gone && api_is_ready || die "kube-apiserver does not become ready; see $home/log/kube-apiserver.log"
	start_kube_controller_manager
	wait_until 60 api_request /api/v1/namespaces/default/serviceaccounts/default || die "kube-controller-manager does not work; see $home/log/kube-controller-manager.log"
}

# A kubectl takes a tenth of a second of a core, which what starts needs itself: rarely, and none before there is a port.
api_request() { GOGC=off GOMAXPROCS=1 "$components/kubectl" --kubeconfig "$home/kubeconfig" get --raw "$1" || { sleep 0.25 && false; }; }
api_is_ready() { api_request /readyz >/dev/null 2>&1; }
listens_or_is_gone() { : 2>/dev/null <"/dev/tcp/$1/$2" || process_is_gone kube-apiserver; }
api_is_ready_or_gone() { api_is_ready || process_is_gone kube-apiserver; }

# A single member advertises its peer address to nobody, but etcd wants it to be a host and a port: left at its default.
start_etcd() {
	start_process etcd "$tools/etcd" --data-dir "$home/etcd" --unsafe-no-fsync --log-level warn \
		--listen-peer-urls "unix://$home/etcd-peer.sock" \
		--listen-client-urls "unix://$home/etcd.sock" --advertise-client-urls http://localhost:2379
	wait_until 20 test -S "$home/etcd.sock" || die "etcd does not listen; see $home/log/etcd.log"
}

start_kube_apiserver() {
	local address=$1 port=$2 pki=$home/pki garbage=(GOGC=400)
	shift 2
	[ -z "${POSTCHECK_APISERVER_MEMORY:-}" ] || garbage=(GOGC=off "GOMEMLIMIT=$POSTCHECK_APISERVER_MEMORY")
	start_process kube-apiserver env "${garbage[@]}" "$components/kube-apiserver" \
		--etcd-servers="unix://$home/etcd.sock" \
		--bind-address="$address" --secure-port="$port" --advertise-address="${host_address:-10.245.0.1}" \
		--tls-cert-file="$pki/kube-apiserver.crt" --tls-private-key-file="$pki/kube-apiserver.key" --client-ca-file="$pki/ca.crt" \
		--kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
		--kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
		--service-account-key-file="$pki/service-account.pub" --service-account-signing-key-file="$pki/service-account.key" \
		--service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range="$service_network" \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true --profiling=false \
		--audit-policy-file="$cluster_sources/audit-policy.yaml" --audit-log-path="$home/audit.log" "$@"
}

# The default limit of 20 requests a second would make tests with many workloads wait for the controllers, and that of an autoscaler's look
# in 15 seconds those of scaling. Takes further flags.
start_kube_controller_manager() {
	start_process kube-controller-manager "$components/kube-controller-manager" \
		--kubeconfig="$home/pki/kube-controller-manager.kubeconfig" --secure-port=0 --leader-elect=false \
		--service-account-private-key-file="$home/pki/service-account.key" --root-ca-file="$home/pki/ca.crt" \
		--use-service-account-credentials=true --allocate-node-cidrs=false --kube-api-qps=200 --kube-api-burst=400 \
		--horizontal-pod-autoscaler-sync-period=1s "$@"
}

start_kube_scheduler() {
	local server=$1
	make_certificate kube-scheduler /CN=system:kube-scheduler
	write_kubeconfig "$home/pki/kube-scheduler.kubeconfig" kube-scheduler "$server"
	start_process kube-scheduler "$components/kube-scheduler" --kubeconfig="$home/pki/kube-scheduler.kubeconfig" \
		--secure-port=0 --leader-elect=false --kube-api-qps=200 --kube-api-burst=400
}
