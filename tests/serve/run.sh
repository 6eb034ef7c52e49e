#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon: it listens where it is told, refuses to start with what is not right, and ends
# when it is asked to.
set -uo pipefail
# shellcheck source=tests/serve/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mkdir -m 700 "$state"
cp "$TESTS/../playbooks/policy.lua" "$state/"
make_cert cordon
make_cert other

nobody() { listen_with "$work/cordon.pem" "$work/cordon.key" && refuses "nobody could sign in" "cordon user add"; }

listen_with() { # listen_with CERT KEY [MORE]
    cat >"$state/cordon.lua" <<LUA
return { serve = { console = { listen = "${at:-127.0.0.1:0}", cert = "$1", key = "$2" } }${3:-} }
LUA
}

refuses() { # refuses WORDS...: it ends at once, with all these in what it says
    local word
    if start_daemon; then
        stop_daemon
        echo "# it started"
        return 1
    fi
    wait "$daemon"
    rc=$?
    daemon=
    for word in "$@"; do
        grep -qF -- "$word" "$work/err" || {
            echo "# wanted: $word"
            sed 's/^/# /' "$work/err"
            return 1
        }
    done
    [[ $rc == 1 ]]
}

tell "a console that nobody could enter is not opened" nobody
rm "$state/cordon.lua"
let_somebody_in
serves() {
    listen_with "$work/cordon.pem" "$work/cordon.key"
    start_daemon && [[ $(ask "$console/healthz") == 200 && $(ask "$console/readyz") == 200 ]]
}

# Each suite that the library knows, asked for alone.
offers_no_cbc() {
    local at=${console#https://} suite taken=0 refused=0
    for suite in $(openssl ciphers -s -tls1_2 'ALL:@SECLEVEL=0' | tr : ' '); do
        if openssl s_client -connect "$at" -tls1_2 -cipher "$suite:@SECLEVEL=0" </dev/null >"$work/suite" 2>&1; then
            [[ $suite == *GCM* || $suite == *CHACHA20* ]] || { echo "# $suite is taken"; return 1; }
            ((++taken))
        else
            ((++refused))
        fi
    done
    echo "# of TLS 1.2 $taken suites are taken, and $refused refused"
    ((taken >= 3 && refused >= 10)) && openssl s_client -connect "$at" -tls1_3 </dev/null >"$work/suite" 2>&1
}

# What each gives up is in tests/unit/test_deny.c; that it has, is in what the kernel says of it.
walls_off() {
    local front what
    front=$(pgrep -P "$daemon" -f -- --internal-front)
    [[ $front == +([0-9]) ]] || { echo "# fronts: $front"; return 1; }
    [[ $(cat "/proc/$front/comm") == front:* && $(tr '\0' ' ' <"/proc/$front/cmdline") == "cordon: front "* ]] || { echo "# no name of a front" && return 1; }
    for what in $(pgrep -P "$daemon"); do
        [[ $(cat "/proc/$what/comm" 2>/dev/null) != exe ]] || { echo "# $what has no name: $(tr '\0' ' ' <"/proc/$what/cmdline")" && return 1; }
    done
    for what in 'NoNewPrivs:.1' 'Seccomp:.2'; do
        grep -q "^$what" "/proc/$front/status" || { echo "# wanted $what"; return 1; }
    done
}

answers_wrong_paths() {
    [[ $(ask "$console/nothing/here") == 404 && $(ask "$console/healthz" -X POST) == 405 ]] &&
        grep -qi '^allow: GET' "$work/head" && [[ $(jq -r .code "$work/body") == method ]]
}

hardens_answers() {
    [[ $(ask "$console/healthz") == 200 ]] && grep -qi '^content-security-policy: default-src .none.' "$work/head" &&
        grep -qi '^x-content-type-options: nosniff' "$work/head" &&
        grep -qi '^strict-transport-security:' "$work/head"
}

refuses_plain_http() {
    ! curl -s --max-time 5 "${console/https/http}/healthz" >/dev/null
}

starts_a_front_again() {
    local front
    front=$(pgrep -P "$daemon" -f internal-front)
    kill -KILL "$front"
    for _ in $(seq 200); do
        sleep 0.05
        front=$(pgrep -P "$daemon" -f internal-front) && break
    done
    [[ -n $front ]] && kill -0 "$daemon"
}

answers_anew() { # it listens on any port that is free
    local front port
    front=$(pgrep -P "$daemon" -f internal-front) && port=$(lsof -nP -a -p "$front" -iTCP -sTCP:LISTEN -Fn | sed -n 's/^n.*://p') &&
        [[ $(ask "https://127.0.0.1:$port/healthz") == 200 ]]
}
starts_a_front_later() { # for want of descriptors it cannot be now
    local front had said
    front=$(pgrep -P "$daemon" -f internal-front)
    had=$(prlimit --pid "$daemon" --nofile --noheadings --output SOFT)
    prlimit --pid "$daemon" --nofile="$(($(find "/proc/$daemon/fd" -mindepth 1 | wc -l) - 1)):"
    kill -KILL "$front"
    await grep -q "console: .*Too many open files" "$work/err"
    said=$?
    prlimit --pid "$daemon" --nofile="$had:"
    ((said == 0)) && await answers_anew
}

ends_at_sigterm() {
    stop_daemon
}

tell "it listens, and says that it lives and is ready" serves
tell "what is not there is 404, another method 405, as a problem" answers_wrong_paths
tell "each answer has the headers that a browser wants to be told" hardens_answers
tell "a front has given up what it does not need" walls_off
tell "it does not speak without TLS" refuses_plain_http
tell "suites that it offers are authenticated encryption, and none has CBC" offers_no_cbc
tell "a front that was killed is started again, and the engine stays" starts_a_front_again
tell "a front that cannot be started for want of descriptors is started later" starts_a_front_later
tell "SIGTERM ends it with status 0" ends_at_sigterm

no_listener() { echo 'return {}' >"$state/cordon.lua" && refuses "serve = { console" "docs/operations.md"; }
readable_key() {
    listen_with "$work/cordon.pem" "$work/cordon.key"
    chmod 644 "$work/cordon.key"
    refuses "can be read by others" "chmod 600"
}
no_pem() {
    chmod 600 "$work/cordon.key"
    echo nonsense >"$work/bad.pem"
    listen_with "$work/bad.pem" "$work/cordon.key" && refuses "serve.console" "is no PEM"
}
other_key() { listen_with "$work/cordon.pem" "$work/other.key" && refuses "not that of the certificate"; }
over() {
    openssl x509 -in "$work/cordon.pem" -signkey "$work/cordon.key" -days -1 -out "$work/over.pem" 2>/dev/null
    listen_with "$work/over.pem" "$work/cordon.key" && refuses "the certificate ended on"
}
taken() {
    listen_with "$work/cordon.pem" "$work/cordon.key"
    start_daemon || return 1
    local first=$daemon at=${console#https://}
    mkdir -m 700 "$work/second" && cp "$state/policy.lua" "$work/second/"
    state=$work/second
    let_somebody_in
    listen_with "$work/cordon.pem" "$work/cordon.key"
    refuses "Address already in use" "choose another"
    local result=$?
    state=$work/state daemon=$first
    stop_daemon
    return $result
}
unknown_key() { listen_with "$work/cordon.pem" "$work/cordon.key" $',\n  srve = {}' && refuses 'cordon.lua:2:3: unknown member "srve", did you mean "serve"'; }
no_authority() {
    listen_with "$work/cordon.pem" "$work/cordon.key" ', sign_in = { oidc = { entra = { issuer = "https://localhost", client_id = "c", ca = "away.pem", groups = {} } } }' &&
        refuses "sign_in.oidc.entra" "away.pem: No such file"
}
no_address() { at=somewhere:8443 listen_with "$work/cordon.pem" "$work/cordon.key" && refuses "is no address"; }

# -- a service manager ------------------------------------------------------------------------
listen_as_manager() { # listen_as_manager SOCKET: sets ear
    rm -f "$work/heard"
    python3 "$(dirname "${BASH_SOURCE[0]}")/manager.py" "$1" "$work/heard" &
    ear=$!
    await_from "$ear" grep -qs listening "$work/heard"
}
heard() { # heard PATTERN: within ten seconds
    for _ in $(seq 1200); do
        grep -q "$1" "$work/heard" && return
        sleep 0.05
    done
    sed 's/^/# /' "$work/heard"
    return 1
}
tells_manager() { # tells_manager SOCKET
    local feeds rc
    listen_with "$work/cordon.pem" "$work/cordon.key"
    listen_as_manager "$1"
    NOTIFY_SOCKET=$1 WATCHDOG_USEC=200000 start_daemon || return 1
    heard 'READY=1 STATUS=serving' && [[ $(ask "$console/healthz") == 200 ]] && heard 'WATCHDOG=1'
    rc=$?
    feeds=$(grep -c WATCHDOG=1 "$work/heard")
    sleep 0.5
    (($(grep -c WATCHDOG=1 "$work/heard") > feeds)) || rc=1
    kill -STOP "$daemon" # what stands still does not say that it is alive
    sleep 0.2
    feeds=$(grep -c WATCHDOG=1 "$work/heard")
    sleep 0.5
    (($(grep -c WATCHDOG=1 "$work/heard") == feeds)) || rc=1
    kill -CONT "$daemon"
    stop_daemon
    heard 'STOPPING=1' || rc=1
    kill "$ear" 2>/dev/null
    wait "$ear" 2>/dev/null
    return $rc
}
by_file() { tells_manager "$work/manager"; }
by_name() { tells_manager "@cordon-test-$$"; }
another_pid() { # the watchdog is somebody else's
    local rc
    listen_as_manager "$work/manager2"
    NOTIFY_SOCKET=$work/manager2 WATCHDOG_USEC=100000 WATCHDOG_PID=1 start_daemon || return 1
    heard READY=1 && sleep 0.4 && ! grep -q WATCHDOG "$work/heard"
    rc=$?
    stop_daemon
    kill "$ear" 2>/dev/null
    wait "$ear" 2>/dev/null
    return $rc
}
is_walled() {
    local unit score
    unit=$TESTS/../docs/systemd/cordon.service
    score=$(systemd-analyze security --offline=true "$unit" 2>/dev/null | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
    echo "# exposure: ${score:-none}"
    [[ -n $score ]] && awk "BEGIN { exit !($score <= 2.0) }" || return 1
    # What is said of the unit, but for the program, which is not installed here.
    ! systemd-analyze verify "$unit" 2>&1 | grep "cordon.service" | grep -v "is not executable"
}

tell "a service manager hears that it is ready, alive as long as its loop turns, and stopping" by_file
tell "the same at an address without a file" by_name
tell "a watchdog that is another process's is not fed" another_pid
tell "the unit is walled in (systemd-analyze security: 2.0 at most)" is_walled
# -- secrets of a platform ----------------------------------------------------------------------
deliver() { # deliver BEARER: prints the status
    ask "$ingress/hooks/alerts" -H "Authorization: Bearer $1" -H "Content-Type: application/json" \
        -d '{"id":"1","title":"t","type":"T","severity":"low"}'
}
secrets_of_a_platform() {
    local bearer=canary-of-the-serve-test statuses front in_engine in_front wrong=0
    mkdir -p "$work/credentials" "$work/mount/..1"
    (umask 077 && echo "$bearer" >"$work/credentials/bearer" && echo other-than-that-one >"$work/mount/..1/mounted")
    ln -s ..1 "$work/mount/..data" && ln -s ..data/mounted "$work/mount/mounted" && chmod 1777 "$work/mount"
    cat >"$state/cordon.lua" <<LUA
return { secrets = "$work/mount", serve = { ingress = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" } },
         sources = { alerts = { kind = "generic", auth = { bearer = { "bearer", "mounted" } } } } }
LUA
    CREDENTIALS_DIRECTORY=$work/credentials start_daemon || { sed 's/^/# /' "$work/err"; return 1; }
    statuses="$(deliver "$bearer") $(deliver other-than-that-one) $(deliver neither)"
    [[ $statuses == "202 202 401" ]] || { echo "# statuses: $statuses" && wrong=1; }
    front=$(pgrep -P "$daemon" -f -- --internal-front)
    in_engine=$(python3 "$TESTS/serve/canary.py" "$daemon" canary-of- the-serve-test)
    in_front=$(python3 "$TESTS/serve/canary.py" "$front" canary-of- the-serve-test)
    echo "# in the engine's memory: $in_engine, in the front's, which compares it: $in_front"
    [[ $in_engine == 0 && $in_front != 0 || $in_engine == denied && $in_front == denied ]] || wrong=1
    stop_daemon
    chmod 644 "$work/mount/..1/mounted"
    CREDENTIALS_DIRECTORY=$work/credentials refuses "secret $work/mount/mounted can be read by others (mode 0644" "chmod 600 it" || wrong=1
    return $wrong
}

tell "credentials of systemd and links of Kubernetes are taken, and none stays in the engine" secrets_of_a_platform
tell "without a listener it says what to write" no_listener
tell "a key that others can read is refused, with the command that mends it" readable_key
tell "a certificate that is none is refused" no_pem
tell "a key of another certificate is refused" other_key
tell "a certificate that is over is refused, with the day" over
tell "a port that is taken is refused" taken
tell "an unknown key of the configuration is refused, with the one that was meant" unknown_key
tell "a provider whose authority is not there is refused" no_authority
tell "an address that is none is refused" no_address

summary
