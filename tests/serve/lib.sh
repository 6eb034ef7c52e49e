# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A daemon with a certificate of its own, for the suites that talk to one. Sourced; sets work,
# state and passed, failed. The sourcing script calls summary at its end.
: "${CORDON:?what tests/run.sh says: BUILD, TESTS, CORDON, PLUGINS, FIXTURES}"
TESTS=${TESTS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
# shellcheck source=tests/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"
work=$(mktemp -d)
state=$work/state
passed=0 failed=0

# One key and certificate for all: making them takes long under a sanitizer's load.
make_cert() { # make_cert NAME [DAYS]
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "${2:-2}" \
        -keyout "$work/$1.key" -out "$work/$1.pem" -subj "/CN=$1" \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost 2>/dev/null
    chmod 600 "$work/$1.key"
}

stop_daemon() {
    [[ -n ${daemon:-} ]] || return 0
    kill -TERM "$daemon" 2>/dev/null
    wait "$daemon"
    rc=$?
    daemon=
    return $rc
}

close_daemon() {
    if [[ -n ${daemon:-} ]]; then
        kill -KILL "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null # or the shell says that it was killed, behind the count
    fi
    # What was killed may be writing its last file.
    rm -rf "$work" 2>/dev/null || { sleep 0.5 && rm -rf "$work"; }
}
trap close_daemon EXIT

wait_ended() { # the engine that a command has started, and that ends itself
    await test ! -S "$state/cordon.sock"
}

# A console that nobody could enter does not start. Before serve stands in cordon.lua.
let_somebody_in() {
    "$CORDON" token add somebody --role viewer --state "$state" >/dev/null 2>&1
    wait_ended
}

# start_daemon: sets daemon, console and ingress (their addresses); fails with $work/err.
start_daemon() {
    : >"$work/out"
    "$CORDON" serve --state "$state" >"$work/out" 2>"$work/err" &
    daemon=$!
    await_from "$daemon" grep -q '^cordon serves' "$work/out" >/dev/null || return 1
    # shellcheck disable=SC2034 # for who sources this
    console=$(awk '$1 == "console" { print $2 }' "$work/out") ingress=$(awk '$1 == "ingress" { print $2 }' "$work/out")
}

ask() { # ask PATH [CURL ARGUMENT...]: body in $work/body, headers in $work/head, prints the status
    local path=$1
    shift
    curl -s --max-time 20 --cacert "$work/cordon.pem" -o "$work/body" -D "$work/head" \
        -w '%{http_code}' "$@" "$path"
}

tell() { # tell NAME FUNCTION
    if "$2"; then
        ((++passed))
        echo "ok    $1"
    else
        ((++failed))
        echo "not ok $1"
    fi
}

summary() {
    echo "$passed passed, $failed failed"
    ((failed == 0))
}
