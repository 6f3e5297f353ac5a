#!/bin/sh
# Queries an application's health socket, in images without Node.js. The protocol is in protocol.ts: "hc" and a newline go in,
# "<code> <message>" and a newline come out. Same options, default and exit codes as postcheck-health:
#
#   health-client.sh [--socket PATH] [--timeout-seconds 2]
#
#   0 healthy, 3-99 the application's own, 100 unhealthy, 101 its check failed, 102 its check timed out,
#   110 no response in time, 111 closed early, 112 not the protocol, 113 no socket, 114 no listener, 115 not a socket,
#   116 not permitted, 117 connecting failed otherwise, 118 no tool in this image can connect to a unix socket, 119 usage.
#
# It needs one of: nc with -U and -N (Debian: netcat-openbsd), perl, python3; busybox's nc knows no unix sockets. And
# timeout (coreutils or busybox), because nothing here may hang.
export LC_ALL=C

finish() { # code, message
  [ "$1" -eq 0 ] && echo "$2" >&2 || echo "code $1: $2" >&2
  exit "$1"
}

usage() { finish 119 "$1; usage: health-client.sh [--socket PATH] [--timeout-seconds 2]"; }

socket=${POSTCHECK_HEALTH_SOCKET:-/run/postcheck/health.sock}
timeout_seconds=2
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --socket) [ $# -ge 2 ] || usage "--socket needs a path"; socket=$2; shift 2 ;;
    --timeout-seconds) [ $# -ge 2 ] || usage "--timeout-seconds needs a number"; timeout_seconds=$2; shift 2 ;;
    *) usage "unknown option $1" ;;
  esac
done
case $timeout_seconds in '' | 0* | *[!0-9]*) usage "--timeout-seconds $timeout_seconds: not a whole number of seconds" ;; esac
case $socket in @*) usage "$socket: abstract sockets need postcheck-health" ;; esac
command -v timeout >/dev/null || finish 118 "no timeout command in this image"

# Called by the name in $ask.
# shellcheck disable=SC2317
with_nc() { timeout "$timeout_seconds" nc -U -N "$socket"; }
# shellcheck disable=SC2317,SC2016
with_perl() {
  timeout "$timeout_seconds" perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die "$!\n";
    connect(S, sockaddr_un($ARGV[0])) or die "$!\n"; syswrite S, <STDIN>; shutdown S, 1; print while <S>' "$socket"
}
# shellcheck disable=SC2317
with_python() {
  timeout "$timeout_seconds" python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"hc\n")
s.shutdown(socket.SHUT_WR)
for data in iter(lambda: s.recv(1024), b""): sys.stdout.buffer.write(data)' "$socket"
}

help=$(nc -h 2>&1)
case $help in
  *-N*-U*) ask=with_nc ;;
  *) if command -v perl >/dev/null; then ask=with_perl; elif command -v python3 >/dev/null; then ask=with_python; else ask=; fi ;;
esac
[ -n "$ask" ] || finish 118 "no nc with -U and -N, no perl and no python3 in this image: install one, or use postcheck-health"

# In a directory that may not be searched nothing can be seen, the socket included.
directory=$(dirname "$socket")
[ ! -d "$directory" ] || [ -x "$directory" ] || finish 116 "$directory: this user may not search it (uid $(id -u))"
[ -e "$socket" ] || finish 113 "$socket: the socket does not exist: not started yet, or another path"
[ -S "$socket" ] || finish 115 "$socket: the path exists, but is not a socket"
[ -w "$socket" ] || finish 116 "$socket: this user may not connect to the socket (uid $(id -u))"

# Both streams in one: an answer begins with a digit, what a tool complains about does not.
newline='
'
output=$(printf 'hc\n' | { "$ask" 2>&1; echo "${newline}status $?"; } | head -c 1100)
answer=${output%"${newline}status "*}
status=${output##*"${newline}status "}

line=${answer%%"$newline"*}
code=${line%% *}
case $code in
  [0-9] | [1-9][0-9] | 1[0-9][0-9] | 2[0-4][0-9] | 25[0-5])
    if [ "$line" != "$answer" ]; then
      message=${line#"$code"}
      finish "$code" "${message# }"
    fi ;;
esac
case $status in 124 | 143) finish 110 "$socket: no complete answer within $timeout_seconds s" ;; esac
case $answer in
  *refused*) finish 114 "$socket: the socket exists, but no process listens on it: its process was killed" ;;
  *[Pp]ermission*) finish 116 "$socket: this user may not connect to the socket (uid $(id -u))" ;;
  *"$newline"*) finish 112 "$socket: not an answer of the health protocol: $line" ;;
  '' | [0-9]* | *reset* | *[Bb]roken*) finish 111 "$socket: closed before the answer was complete" ;;
  *) finish 117 "$socket: $answer" ;;
esac
