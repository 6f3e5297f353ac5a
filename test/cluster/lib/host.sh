# What the cluster changes on the host outside its own folder and namespaces, and how it is put back. Sourced, never run.

# kubelet sets these for the whole machine; inotify's default of 128 instances is too few for several nodes.
changed_sysctls=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys
	kernel.keys.root_maxbytes fs.inotify.max_user_instances)
# Mount points for the nodes' own folders; kubelet and the CNI plugins have these paths built in.
mount_points=(/var/lib/kubelet /var/lib/cni)

# Where another test cluster runs, all this is changed already, and it has the record of how it was.
prepare_host() {
	local directory
	mkdir -p "$home/host"
	[ -z "$(other_clusters)" ] || return 0
	sysctl "${changed_sysctls[@]}" 2>/dev/null | sed 's/ = /=/' >"$home/host/sysctls"
	for directory in "${mount_points[@]}"; do
		[ -d "$directory" ] && continue
		mkdir -p "$directory"
		echo "$directory" >>"$home/host/folders"
	done
	[ "$(sysctl -n fs.inotify.max_user_instances)" -ge 1024 ] || sysctl -qw fs.inotify.max_user_instances=1024
}

# The last cluster puts everything back: while others run, the record passes to one of them.
restore_host() {
	local setting heir
	remove_cgroups
	heir=$(other_clusters | head -1)
	if [ -n "$heir" ]; then
		[ ! -f "$home/host/sysctls" ] || cp "$home/host/"* "$heir/host/"
		return
	fi
	if [ -f "$home/host/folders" ]; then
		xargs -r rmdir --ignore-fail-on-non-empty <"$home/host/folders" 2>/dev/null || true
	fi
	if [ -f "$home/host/sysctls" ]; then
		while read -r setting; do
			sysctl -qw "$setting" || say "warning: could not set back $setting"
		done <"$home/host/sysctls"
	fi
}

# The places where cgroups are made: one for cgroup v2, one for each controller for v1.
cgroup_roots() {
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		echo /sys/fs/cgroup
		return
	fi
	local root
	for root in /sys/fs/cgroup/*/; do
		# cpu and cpuacct may be links to one shared hierarchy.
		[ -w "$root/cgroup.procs" ] && [ ! -L "${root%/}" ] && echo "${root%/}"
	done
}

# All groups of a cluster are below one that is named after its link.
make_cgroups() {
	local name root
	cgroup_roots | while read -r root; do
		make_cgroup "$root" "$host_link"
		for name in "$@"; do
			make_cgroup "$root" "$host_link/$name"
		done
	done
}

# In v2 a controller must be switched on in every parent; in v1 a new cpuset is empty and nothing can run in it.
make_cgroup() {
	local root=$1 path=$1/$2 parent controller
	parent=$(dirname "$path")
	if [ -f "$root/cgroup.controllers" ] && [ -f "$parent/cgroup.subtree_control" ]; then
		for controller in $(cat "$parent/cgroup.controllers"); do
			echo "+$controller" 2>/dev/null >"$parent/cgroup.subtree_control" || true
		done
	fi
	mkdir -p "$path"
	if [ -f "$path/cpuset.cpus" ] && [ ! -f "$root/cgroup.controllers" ]; then
		cat "$parent/cpuset.cpus" >"$path/cpuset.cpus"
		cat "$parent/cpuset.mems" >"$path/cpuset.mems"
	fi
}

remove_cgroups() {
	local root
	[ -n "$host_link" ] || return 0
	cgroup_roots | while read -r root; do
		[ -d "$root/$host_link" ] || continue
		wait_until 10 remove_cgroup_tree "$root/$host_link" || say "warning: could not remove $root/$host_link"
	done
}

# Processes that were killed a moment ago may still count as members for a while.
remove_cgroup_tree() {
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ ! -d "$1" ]
}
