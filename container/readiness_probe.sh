#!/bin/sh
# readiness_probe.sh: is this container ready? Copy it to /usr/bin/readiness_probe.sh; kubelet and postcheck run it without arguments.
#
#   Step 1  When supervisord runs a program called `start` (also inside a group, also as several processes), every one of them must have
#           EXITED with status 0. Other programs are not looked at: an exit listener in the container is in charge of those.
#   Step 2  When /usr/bin/readiness_probe_hook is there, it must return 0 within its time limit. Its code is passed through.
#
#   0 ready   1 the hook crashed   2 `start` is not good, or supervisord gives no answer   3-119 the hook's own codes
#   120 the hook returned a reserved code (2, 120-125)   124 the hook ran too long   125 this script cannot work here (settings, tools)
#   126 the hook is not runnable   127 the hook or its interpreter is missing   128+n the hook was killed by signal n
#
# The last line on stdout is for machines; the keys and their order are fixed, `-` means "does not apply":
#   postcheck: stage=hook code=17 state=EXITED exitstatus=0 source=xmlrpc hook=17 ms=40
#     stage       config, supervisor, hook or internal: where it was decided; ready when the code is 0
#     code        the code this script exits with
#     state       supervisord's word for `start`; NONE no such program, ABSENT no supervisor in the image, UNREACHABLE no usable answer
#     exitstatus  of `start`; -1 killed by a signal, ? not to be learned
#     source      of state and exitstatus: xmlrpc, supervisorctl, supervisorctl+log, none
#     hook        what the hook itself returned; none, empty, ignored, late, or unrunnable when it never ran
#     ms          how long all this took, in steps of 10
#
# Nothing is written to disk, nothing is locked: any number may run at once. Needed besides sh: sleep, setsid, dd, tail, tr; for step 1 python3
# or supervisorctl. Settings exist for tests and unusual images: POSTCHECK_SERVICE, POSTCHECK_SUPERVISOR_CONFIG,
# POSTCHECK_SUPERVISOR_SOCKET, POSTCHECK_SUPERVISOR_SECONDS, POSTCHECK_HOOK, POSTCHECK_HOOK_SECONDS, POSTCHECK_STRICT, POSTCHECK_PATH.

set -u
umask 077

# --- what is told to the caller ------------------------------------------------------------------------------------------------------

state=- exitstatus=- source=none hook_result=- started_at='' finished=''
newline='
'
head_bytes=2048 cut_mark='[... output cut ...]'

# Monotonic hundredths of a second since boot, without starting a process; empty when /proc is hidden.
now() {
  uptime=''
  { read -r uptime _ </proc/uptime; } 2>/dev/null
  case $uptime in
    *.??) fraction=1${uptime#*.} && printf '%s' "$((${uptime%.*} * 100 + fraction - 100))" ;;
  esac
}

# finish STAGE CODE SENTENCE: the sentence goes to stderr, the result line to stdout. A reader that has gone away must not change the code.
finish() {
  finished=yes
  trap '' PIPE
  ended_at=$(now)
  ms=-
  [ -z "$started_at" ] || [ -z "$ended_at" ] || ms=$(((ended_at - started_at) * 10))
  printf 'readiness_probe: %s\n' "$3" >&2 2>/dev/null
  printf 'postcheck: stage=%s code=%s state=%s exitstatus=%s source=%s hook=%s ms=%s\n' \
    "$1" "$2" "$state" "$exitstatus" "$source" "$hook_result" "$ms" 2>/dev/null
  exit "$2"
}

warn() {
  printf 'readiness_probe: %s\n' "$1" >&2 2>/dev/null
}

# A mistake in this script must not look like one of the codes above: sh ends with 2 when it meets an error of its own.
# shellcheck disable=SC2317 # called by the trap
unexpected_end() {
  [ -n "$finished" ] || finish internal 125 'the script stopped in an unexpected place; please report this'
}

# --- running a command that may hang, flood or leave children behind -----------------------------------------------------------------

# The leader of a new session and process group: starts the command, waits for it or for the time limit, says how it ended in the last
# line of its output, and ends by killing its whole group, so that nothing it started stays behind. It is itself the group's leader until
# then, therefore the group's number cannot meanwhile belong to anybody else. The timer ignores TERM because hooks like `kill 0`.
# shellcheck disable=SC2016 # expanded by the shell that runs it
leader='
  number=$1 seconds=$2
  shift 2
  trap : TERM HUP INT PIPE
  ( trap "" TERM HUP INT; exec sleep "$seconds" ) >/dev/null 2>&1 &
  timer=$!
  ( trap : TERM HUP INT; "$@"; code=$?; kill -KILL "$timer" 2>/dev/null; exit "$code" ) </dev/null &
  command=$!
  await() { while :; do wait "$1"; status=$?; [ "$status" -gt 128 ] && kill -0 "$1" 2>/dev/null || return "$status"; done; }
  await "$timer" 2>/dev/null
  case $? in
    0)
      trap "" TERM HUP INT
      kill -TERM 0
      sleep 0.5
      result=late ;;
    *)
      await "$command"
      result=$? ;;
  esac
  printf "\n%s-%s: %s\n" postcheck-end "$number" "$result"
  kill -KILL 0
'

# Keeps the beginning and the end of what it reads: 8 KiB at most, with the usual head_bytes. Stops at the end line and not at the end of the file, because a child
# that left the group may hold the pipe open for ever.
collect() {
  head='' previous='' last='' cut='' size=2048
  while :; do
    chunk=$(dd "bs=$size" count=1 2>/dev/null | tail -c 2048 | tr '\000' ' '; echo .)
    chunk=${chunk%.}
    [ -n "$chunk" ] || break
    if [ "$size" -eq 2048 ]; then
      head=$head$chunk
      [ "${#head}" -lt "$head_bytes" ] || size=65536
    else
      [ -z "$previous" ] || cut="$newline$cut_mark$newline"
      previous=$last last=$chunk
    fi
    case $head$previous$last in *"postcheck-end-$$: "*) break ;; esac
  done
  printf '%s' "$head$cut$previous$last"
}

# run_limited SECONDS COMMAND…: sets run_result (an exit code, `late`, or empty when all was killed from outside) and run_output.
run_limited() {
  for tool in sleep setsid dd tail tr; do
    command -v "$tool" >/dev/null || finish internal 125 "the image has no $tool, without which nothing can be run with a time limit"
  done
  run_output=$({ setsid /bin/sh -c "$leader" sh "$$" "$@" 2>&1 | collect; } 2>/dev/null)
  case $run_output in
    *"postcheck-end-$$: "*)
      run_result=${run_output##*"postcheck-end-$$: "}
      run_result=${run_result%%[!0-9a-z]*}
      run_output=${run_output%"postcheck-end-$$: "*} ;;
    *) run_result='' ;;
  esac
}

# --- step 1: supervisord's `start` ---------------------------------------------------------------------------------------------------

# Arguments: service, socket or '', configuration file or ''. Prints `answer|VERDICT|STATE|EXITSTATUS|sentence`; VERDICT is good, bad,
# none (no such program) or unusable. Anything else it prints means that it could not run here, and supervisorctl is asked instead.
# The exit status is only in the RPC's answer: `supervisorctl status` prints the same line for exit 0, exit 3 and a signal.
# shellcheck disable=SC2016 # Python text
query='
import base64, configparser, http.client, os, re, socket, sys, time, xmlrpc.client

service, path, config_file = sys.argv[1:4]
login = {}

def answer(verdict, state, exitstatus, sentence):
    print("answer|%s|%s|%s|%s" % (verdict, state, exitstatus, " ".join(sentence.split())))
    sys.exit(0)

def unusable(sentence):
    answer("unusable", "UNREACHABLE", "-", "supervisord: " + sentence)

def server_address():
    config = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(" ;", "\t;"))
    if config_file:
        with open(config_file, encoding="utf-8") as file:
            config.read_file(file)
    def get(section, option):
        value = config.get(section, option, fallback="").strip()
        value = value.replace("%(here)s", os.path.dirname(os.path.abspath(config_file)))
        return re.sub(r"%\(ENV_(\w+)\)s", lambda match: os.environ.get(match.group(1), ""), value)
    login["user"], login["password"] = get("supervisorctl", "username"), get("supervisorctl", "password")
    if path:
        return "unix://" + path
    return get("supervisorctl", "serverurl") or "unix://" + (get("unix_http_server", "file") or "/var/run/supervisor.sock")

class Connection(http.client.HTTPConnection):
    def connect(self):
        if not address.startswith("unix://"):
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(address[len("unix://"):])

def processes():
    host = "localhost" if address.startswith("unix://") else address.split("://", 1)[1].split("/", 1)[0]
    connection = Connection(host)
    headers = {"Content-Type": "text/xml"}
    if login["user"]:
        pair = (login["user"] + ":" + login["password"]).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    connection.request("POST", "/RPC2", xmlrpc.client.dumps((), "supervisor.getAllProcessInfo"), headers)
    response = connection.getresponse()
    if response.status == 401:
        unusable("asks for a login: set username and password in [supervisorctl] of its configuration")
    if response.status != 200:
        unusable("answered with HTTP status %d" % response.status)
    everything = xmlrpc.client.loads(response.read())[0][0]
    numbered = re.compile(re.escape(service) + r"(_\d+)?")
    return [p for p in everything if p["group"] == service or numbered.fullmatch(p["name"])]

def fault(process):
    status = process["exitstatus"]
    if process["statename"] != "EXITED":
        details = process["spawnerr"] or process["description"] or "no details"
        return "is %s (%s), not yet EXITED with status 0" % (process["statename"], details)
    return "" if status == 0 else "was killed by a signal" if status == -1 else "ended with exit status %d" % status

# A program with autorestart=true passes through EXITED on its way to the next start; supervisord takes at most a second for that.
def settled(found):
    if not any(p["now"] - p["stop"] < 2 for p in found):
        return found
    time.sleep(1.2)
    again = processes()
    starts = {(p["group"], p["name"]): p["start"] for p in found}
    for p in again:
        if p["statename"] == "EXITED" and p["start"] != starts.get((p["group"], p["name"])):
            p.update(statename="RUNNING", spawnerr="supervisord keeps restarting it")
    return again

def judge():
    found = processes()
    if not found:
        answer("none", "NONE", "-", "no program " + service)
    if not any(map(fault, found)):
        found = settled(found)
    worst = next(filter(fault, found), found[0])
    name = worst["name"] if worst["name"] == worst["group"] else worst["group"] + ":" + worst["name"]
    status = worst["exitstatus"] if worst["statename"] == "EXITED" else "-"
    text = fault(worst)
    answer("bad" if text else "good", worst["statename"], status, name + " " + (text or "has exited with status 0"))

address = ""
try:
    address = server_address()
    judge()
except PermissionError as error:
    unusable("permission denied for %s (uid %d)" % (error.filename or address, os.getuid()))
except OSError as error:
    unusable("not reachable at %s: %s" % (address or config_file, error.strerror or error))
except xmlrpc.client.Fault as error:
    unusable("refused the question: " + error.faultString)
'

# Looks where supervisorctl looks, minus the working directory. Sets config and found; found is empty when the image has no supervisor.
find_supervisor() {
  config=${POSTCHECK_SUPERVISOR_CONFIG:-}
  found=$config${POSTCHECK_SUPERVISOR_SOCKET:-}
  [ -z "$found" ] || return 0
  for candidate in /usr/local/etc/supervisord.conf /usr/etc/supervisord.conf /etc/supervisord.conf /etc/supervisor/supervisord.conf; do
    [ -z "$config" ] && [ -e "$candidate" ] && config=$candidate
  done
  found=$config$(command -v supervisord || command -v supervisorctl)
  [ ! -S /var/run/supervisor.sock ] || found=yes
}

unreachable() {
  state=UNREACHABLE
  finish supervisor 2 "$1"
}

# The last "exited:" line in supervisord's log about the program NAME (the log leaves its group out) → exitstatus, or `?`.
status_from_log() {
  log='' exitstatus='?'
  [ -z "$config" ] || log=$(sed -n '/^\[supervisord\]/,/^\[[^s]/s/^logfile *= *\([^ ;]*\).*/\1/p' "$config" | head -n 1)
  [ -f "$log" ] && [ -r "$log" ] || return 0
  ended=$(tail -c 262144 "$log" | sed -n "s/.* exited: ${1##*:} (\(.*\); .*expected).*/\1/p" | tail -n 1)
  case $ended in
    'exit status '*) exitstatus=${ended#exit status } source=supervisorctl+log ;;
    'terminated by '*) exitstatus=-1 source=supervisorctl+log ;;
  esac
}

# judge_line NAME STATE DETAIL: one line of `supervisorctl status` about the service; returns when there is nothing against it.
judge_line() {
  state=$2
  [ "$state" = EXITED ] || finish supervisor 2 "$1 is $2 (${3:-no details}), not yet EXITED with status 0"
  status_from_log "$1"
  case $exitstatus,$POSTCHECK_STRICT in
    0,*) ;;
    -1,*) finish supervisor 2 "$1 was killed by a signal" ;;
    '?,0') warn "$1 has EXITED, with which status is not known; taken as 0 because POSTCHECK_STRICT=0" ;;
    '?,1') finish supervisor 2 "$1 has EXITED, but with which status cannot be learned without python3 or supervisord's log" ;;
    *) finish supervisor 2 "$1 ended with exit status $exitstatus" ;;
  esac
}

# The way without Python. Codes 0 and 3 are an answer (3: some program has ended), but version 3 returned 0 for everything.
ask_supervisorctl() {
  source=none
  command -v supervisorctl >/dev/null || unreachable 'supervisord cannot be asked: the image has no working python3 and no supervisorctl'
  source=supervisorctl
  set --
  [ -z "$config" ] || set -- -c "$config"
  [ -z "${POSTCHECK_SUPERVISOR_SOCKET:-}" ] || set -- "$@" -s "unix://$POSTCHECK_SUPERVISOR_SOCKET"
  head_bytes=100000
  run_limited "$POSTCHECK_SUPERVISOR_SECONDS" supervisorctl "$@" status
  head_bytes=2048
  words='RUNNING|STARTING|BACKOFF|FATAL|EXITED|STOPPED|STOPPING|UNKNOWN'
  lines=$(printf '%s\n' "$run_output" | grep -E "^[^ ]+ +($words)( |\$)|output cut")
  case $run_result,$lines in
    *"$cut_mark"*) unreachable 'supervisord has too many programs to be read without python3' ;;
    late,*) unreachable "supervisorctl had no answer after $POSTCHECK_SUPERVISOR_SECONDS s" ;;
    [03],?*) ;;
    *) unreachable "supervisorctl status ended with ${run_result:-a signal}: $(printf '%s' "$run_output" | tr '\n' ' ')" ;;
  esac
  state=NONE
  while read -r name word detail; do
    case $name in "$service" | "$service":* | *:"$service" | *:"$service"_[0-9]*) judge_line "$name" "$word" "$detail" ;; esac
  done <<END
$lines
END
}

check_supervisor() {
  find_supervisor
  [ -n "$found" ] || { state=ABSENT; return; }
  run_result=127 run_output=''
  ! command -v python3 >/dev/null ||
    run_limited "$POSTCHECK_SUPERVISOR_SECONDS" python3 -ISBc "$query" "$service" "${POSTCHECK_SUPERVISOR_SOCKET:-}" "$config"
  source=xmlrpc
  [ "$run_result" != late ] || unreachable "supervisord had no answer after $POSTCHECK_SUPERVISOR_SECONDS s"
  case $run_result,$run_output in
    0,*'answer|'*) ;;
    *) ask_supervisorctl; return ;;
  esac
  IFS='|' read -r verdict state exitstatus sentence <<END
${run_output##*answer|}
END
  case $verdict in
    good | none) ;;
    *) finish supervisor 2 "$sentence" ;;
  esac
}

# --- step 2: the container's own hook ------------------------------------------------------------------------------------------------

# refuse_hook CODE SENTENCE: a hook that is there and cannot run is a mistake in the image; only POSTCHECK_STRICT=0 lets it pass.
refuse_hook() {
  hook_result=unrunnable
  [ "$POSTCHECK_STRICT" = 0 ] || finish hook "$1" "$2"
  hook_result=ignored
  warn "$2; ignored because POSTCHECK_STRICT=0"
  finish ready 0 ready
}

# sh would read a program for another kind of CPU as if it were a shell script. Compares class, byte order and machine with our own shell.
is_foreign_binary() {
  IFS= read -r magic <"$1" 2>/dev/null
  case $magic in ?ELF*) command -v od >/dev/null || return 1 ;; *) return 1 ;; esac
  ours=$(od -An -tx1 -j4 -N2 /proc/self/exe; od -An -tx1 -j18 -N2 /proc/self/exe)
  [ "$ours" != "$(od -An -tx1 -j4 -N2 "$1"; od -An -tx1 -j18 -N2 "$1")" ]
}

inspect_hook() {
  if [ ! -e "$hook" ]; then
    if [ -L "$hook" ]; then refuse_hook 127 "hook $hook is a link to a file that does not exist"; fi
    hook_result=none
    finish ready 0 'ready (no hook)'
  fi
  if [ -d "$hook" ]; then refuse_hook 126 "hook $hook is a directory"; fi
  if [ ! -x "$hook" ]; then refuse_hook 126 "hook $hook is not executable: chmod 755 it in the image"; fi
  if [ ! -s "$hook" ]; then
    hook_result=empty
    warn "hook $hook is an empty file and verifies nothing"
    finish ready 0 'ready (empty hook)'
  fi
  if [ -r "$hook" ] && is_foreign_binary "$hook"; then refuse_hook 126 "hook $hook is a program for another kind of CPU"; fi
}

# finish_hook CODE: what the hook returned, judged by the contract at the top.
finish_hook() {
  hook_result=$1
  case $1 in
    0) finish ready 0 ready ;;
    1) finish hook 1 'hook crashed (1 is what a failing Python program returns)' ;;
    2 | 12[0-5]) finish hook 120 "hook returned the reserved code $1; its own codes are 3-119" ;;
    126) finish hook 126 "hook $hook could not be run" ;;
    127) finish hook 127 "hook $hook or its interpreter was not found (a DOS line end after #! does this too)" ;;
    129 | 1[3-8]? | 19[0-2]) finish hook "$1" "hook was killed by signal $(kill -l "$(($1 - 128))" 2>/dev/null)" ;;
    ? | ?? | 1[01]?) finish hook "$1" "hook returned $1" ;;
    *) finish hook "$1" "hook returned $1; its own codes are 3-119" ;;
  esac
}

check_hook() {
  hook=$POSTCHECK_HOOK
  inspect_hook
  run_limited "$POSTCHECK_HOOK_SECONDS" "$hook"
  run_output=$(printf '%s\n' "$run_output")
  (trap '' PIPE; [ -z "$run_output" ] || printf '%s\n' "$run_output" 2>/dev/null)
  if [ "$run_result" = late ]; then
    hook_result=late
    finish hook 124 "hook was still running after $POSTCHECK_HOOK_SECONDS s; it and its children were killed"
  fi
  finish_hook "${run_result:-137}"
}

# --- settings ------------------------------------------------------------------------------------------------------------------------

bad_setting() {
  finish config 125 "$1 must be $2, not '$3'"
}

check_settings() {
  case $service in '' | *[!A-Za-z0-9_.-]*) bad_setting POSTCHECK_SERVICE 'a program name of letters, digits, _ . -' "$service" ;; esac
  case $POSTCHECK_STRICT in [01]) ;; *) bad_setting POSTCHECK_STRICT '0 or 1' "$POSTCHECK_STRICT" ;; esac
  for value in "$POSTCHECK_SUPERVISOR_SECONDS" "$POSTCHECK_HOOK_SECONDS"; do
    case $value in [1-9] | [1-9][0-9]) ;; *) bad_setting 'POSTCHECK_…_SECONDS' 'whole seconds from 1 to 99' "$value" ;; esac
  done
  for value in "$POSTCHECK_HOOK" "${POSTCHECK_SUPERVISOR_SOCKET:-/}" "${POSTCHECK_SUPERVISOR_CONFIG:-/}"; do
    case $value in /*) ;; *) bad_setting 'POSTCHECK_HOOK, …_SOCKET and …_CONFIG' 'absolute paths' "$value" ;; esac
  done
}

main() {
  [ $# -eq 0 ] || finish config 125 "takes no arguments, was given: $*"
  check_settings
  check_supervisor
  check_hook
}

# A descriptor that the caller left closed would be taken by the first pipe that is opened here.
{ : <&0; } 2>/dev/null || exec 0</dev/null
{ : >&1; } 2>/dev/null || exec 1>/dev/null
{ : >&2; } 2>/dev/null || exec 2>/dev/null
trap unexpected_end EXIT

: "${POSTCHECK_SERVICE=start}" "${POSTCHECK_SUPERVISOR_SECONDS=3}" "${POSTCHECK_HOOK=/usr/bin/readiness_probe_hook}"
: "${POSTCHECK_HOOK_SECONDS=5}" "${POSTCHECK_STRICT=1}"
PATH=${POSTCHECK_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
LC_ALL=C
export PATH LC_ALL
service=$POSTCHECK_SERVICE
started_at=$(now)
cd / || finish internal 125 'cannot enter the root directory'
main "$@"
