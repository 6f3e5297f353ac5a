# Processes that are started here, recorded here, and ended here. Sourced, never run.
#
# Everything is kept below the instance's folder, $home: run/NAME.pid (process ID and start time, so that a process ID
# which has meanwhile gone to somebody else is never taken for ours), run/NAME.command, log/NAME.log.

# The start time of a process in clock ticks since boot; nothing when it does not exist or is a zombie.
start_time() {
	local line fields
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra fields <<<"${line##*) }"
	[ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

# Prints the process ID of NAME when it runs, fails otherwise.
pid_of() {
	local pid started
	{ read -r pid started <"$home/run/$1.pid"; } 2>/dev/null || return 1
	[ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

record() { printf '%s %s\n' "$2" "$(start_time "$2")" >"$home/run/$1.pid"; }

# Starts a command in the background as NAME and remembers it, so that `restart_process NAME` can start it again.
start_process() {
	local name=$1
	shift
	mkdir -p "$home/run" "$home/log"
	printf '%q ' "$@" >"$home/run/$name.command"
	restart_process "$name"
}

# Starts NAME again with the command it was last started with. A command that enters a namespace (nsenter, unshare) is only a
# waiting parent: then its child is the one to record. No lock of this script may live on in what it starts.
restart_process() {
	local name=$1 command pid
	{ command=$(<"$home/run/$name.command"); } 2>/dev/null || die "no process named $name was ever started in $home"
	pid_of "$name" >/dev/null && return 0
	eval "exec setsid $command" </dev/null >>"$home/log/$name.log" 2>&1 7>&- 8>&- 9>&- &
	pid=$!
	case $command in
	nsenter* | unshare*)
		wait_until 10 pgrep -P "$pid" || die "$name ended at once; see $home/log/$name.log"
		record "$name" "$(pgrep -P "$pid" | head -1)"
		;;
	*) record "$name" "$pid" ;;
	esac
}

# Ends the named processes that still run with a signal, and returns when they are gone.
stop_processes() {
	local signal=$1 name pid
	shift
	for name in "$@"; do
		pid=$(pid_of "$name") && kill -s "$signal" "$pid" 2>/dev/null || true
	done
	for name in "$@"; do
		wait_until 20 process_is_gone "$name" || die "process $name (see $home/run/$name.pid) does not end"
		rm -f "$home/run/$name.pid"
	done
}

process_is_gone() { ! pid_of "$1"; }

# The names of all processes ever recorded in this instance.
recorded_processes() {
	local file
	for file in "$home"/run/*.pid; do
		[ ! -e "$file" ] || basename "$file" .pid
	done
}
