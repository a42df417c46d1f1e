#!/bin/sh
# setup_mlflow.sh [--stop] [-- MLFLOW-OPTION...]: an MLflow server of one's own.
#
# Makes a virtual environment in $INFERBENCH_HOME/mlflow/venv with a pinned MLflow, starts a
# server, waits until it answers, and prints its address. A server that runs already is left
# as it is. What follows `--` goes to `mlflow server`. --stop ends the server of MLFLOW_DIR and
# keeps its data. Environment:
#   MLFLOW_DIR            database, artifacts, log (default $INFERBENCH_HOME/mlflow)
#   MLFLOW_HOST           address to listen on (default 127.0.0.1: this machine alone;
#                         0.0.0.0: all that reach it, without users)
#   MLFLOW_PORT           (default 5000)
#   MLFLOW_BACKEND_STORE  (default sqlite, in MLFLOW_DIR/mlflow.db)
#   MLFLOW_SERVER_ALLOWED_HOSTS  further names by which clients call this machine,
#                         host or host:port, with commas; its own are known
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
me=setup_mlflow
. "$root/scripts/common.sh"

stop=
while [ $# -gt 0 ]; do
    case $1 in
    --stop) stop=yes ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
    --) shift; break ;;
    *) die "no such option: $1. See scripts/setup_mlflow.sh --help" ;;
    esac
    shift
done

folder=${MLFLOW_DIR:-$home/mlflow}
host=${MLFLOW_HOST:-127.0.0.1}
port=${MLFLOW_PORT:-5000}
mkdir -p "$folder" || die "cannot write to $folder. Set MLFLOW_DIR to a folder of yours."
folder=$(cd "$folder" && pwd)
log=$folder/server.log
note=$folder/server     # "PID ADDRESS HOST" of the server that runs
venv=$home/mlflow/venv

# Reads the note; true where its server is alive.
is_running() {
    pid='' address='' bound=''
    [ -e "$note" ] && read -r pid address bound <"$note" && [ -n "$pid" ] &&
        kill -0 "$pid" 2>/dev/null && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q mlflow
}

# The server is the leader of a group of its own.
end_server() {
    kill "$pid" 2>/dev/null || true
    waited=0
    while kill -0 "$pid" 2>/dev/null && [ $waited -lt 100 ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    kill -KILL "-$pid" 2>/dev/null || true
    rm -f "$note"
}

if [ -n "$stop" ]; then
    if is_running; then
        end_server
        say "stopped; its data stay in $folder"
    else
        rm -f "$note"
        say "no server of $folder runs"
    fi
    exit 0
fi

# Each name and address of this machine, one a line.
own_names() {
    printf '%s\n' localhost 127.0.0.1 '[::1]'
    for name in "$(uname -n)" "$(hostname -f 2>/dev/null || true)"; do
        echo "$name"
        echo "$name" | tr '[:upper:]' '[:lower:]'
    done
    for name in $(hostname -I 2>/dev/null || true); do
        case $name in
        *:*) echo "[$name]" ;;
        *) echo "$name" ;;
        esac
    done
    case $host in 0.0.0.0 | ::) ;; *) echo "$host" ;; esac
}

# With and without the port: the server compares the Host header letter by letter.
allowed_hosts() {
    own_names | awk -v port="$port" 'NF && !seen[$0]++ { printf "%s%s,%s:%s", sep, $0, $0, port
        sep = "," }'
    echo "${MLFLOW_SERVER_ALLOWED_HOSTS:+,$MLFLOW_SERVER_ALLOWED_HOSTS}"
}

# Origins of the pages that the server itself hands out, for browsers send them along.
own_origins() {
    allowed_hosts | tr ',' '\n' | awk '{ printf "%shttp://%s,https://%s", sep, $0, $0; sep = "," }'
}

# The prefix that an option for the server puts before every path.
static_prefix() {
    while [ $# -gt 0 ]; do
        case $1 in
        --static-prefix) echo "${2:-}"; return ;;
        --static-prefix=*) echo "${1#*=}"; return ;;
        esac
        shift
    done
}

# Waits until ADDRESS/health answers, no longer than the process lives or two minutes.
wait_ready() {
    "$venv/bin/python" -I - "$address" "$pid" <<'PY'
import os, sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
end = time.monotonic() + 120
while time.monotonic() < end:
    try:
        with opener.open(sys.argv[1] + "/health", timeout=5) as answer:
            sys.exit(answer.status != 200)
    except OSError:
        pass
    try:
        os.kill(int(sys.argv[2]), 0)
    except ProcessLookupError:
        break
    time.sleep(0.2)
sys.exit(1)
PY
}

is_taken() {
    "$venv/bin/python" -I - "$near" "$port" <<'PY'
import socket, sys
try:
    socket.create_connection((sys.argv[1].strip("[]"), int(sys.argv[2])), 2).close()
except OSError:
    sys.exit(1)
PY
}

tell() {
    say "server at $address"
    case $host in
    127.* | ::1 | localhost) say "for this machine alone; MLFLOW_HOST=0.0.0.0 opens it to others" ;;
    0.0.0.0 | ::)
        say "for other machines: http://$(uname -n):$port$prefix"
        say "whoever reaches that port can read and write: see docs/mlflow.md" ;;
    esac
    say "data and log in $folder; scripts/setup_mlflow.sh --stop ends it"
}

case $host in
127.0.0.1 | 0.0.0.0 | ::) near=localhost ;;
*:*) near="[$host]" ;;
*) near=$host ;;
esac
prefix=$(static_prefix "$@")
wanted=http://$near:$port$prefix

"$root/scripts/setup" mlflow
if is_running; then
    [ "$address ${bound:-$host}" = "$wanted $host" ] ||
        die "the server of $folder runs at $address, on ${bound:-$host}.
For $wanted on $host stop it first: scripts/setup_mlflow.sh --stop"
    wait_ready || die "the server of $folder (process $pid) does not answer; see $log"
    tell
    exit 0
fi
! is_taken || die "port $port is in use by another program. Set MLFLOW_PORT to a free one."

# Whatever an option for the server puts beside it, such as users, is to lie there too.
cd "$folder"
# One worker and no job runner: a quarter of the memory, and logging needs no more.
MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
    setsid "$venv/bin/mlflow" server --host "$host" --port "$port" --workers 1 \
    --backend-store-uri "${MLFLOW_BACKEND_STORE:-sqlite:///$folder/mlflow.db}" \
    --artifacts-destination "$folder/artifacts" --allowed-hosts "$(allowed_hosts)" \
    --cors-allowed-origins "$(own_origins)" "$@" >>"$log" 2>&1 </dev/null &
pid=$!
address=$wanted
echo "$pid $address $host" >"$note"
if ! wait_ready; then
    end_server
    tail -n 15 "$log" >&2
    die "the server did not start; its last lines stand above, all of them in $log"
fi
tell
