#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cordon.lua read again on SIGHUP: what holds from then on, what waits for the next start, what
# keeps what was there; and that nothing is lost meanwhile. And the log, as text and as JSON.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
helper=

close_all() {
    [[ -z $helper ]] || { kill "$helper" && wait "$helper"; } 2>/dev/null
    close_daemon
}
trap close_all EXIT

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/playbooks" "$work/more"
cp "$TESTS/../playbooks/policy.lua" "$state/"
make_cert cordon
make_cert renewed
make_cert stranger
secret() { (umask 077 && echo "$2" >"$state/secrets/$1"); }
secret first key-of-this-year
secret second key-of-next-year
secret burst "the key of the burst, as plain text"
cat >"$work/playbooks/note.lua" <<'LUA'
return playbook { name = "note", summary = "Take a note of it", params = { what = { "string", "what" } },
  on_alert = { when = { type = "Note_*" }, params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.note(p.what) end }
LUA
sed 's/"note"/"other"/; s/Note_/Other_/' "$work/playbooks/note.lua" >"$work/more/other.lua"

# write KEY=VALUE...: cordon.lua with these in place of what is there mostly
write() {
    local cert=cordon key=cordon sources='one = { kind = "generic", auth = { bearer = { "first" } } },' playbooks='"'$work'/playbooks"' more='' ingress
    (($# == 0)) || local "$@"
    ingress="ingress = { listen = \"${hook_at:-127.0.0.1:0}\", cert = \"$work/$cert.pem\", key = \"$work/$key.key\" },"
    cat >"$state/cordon.lua" <<LUA
return {
  playbooks = { $playbooks },
  serve = { $ingress console = { listen = "${at:-127.0.0.1:0}", cert = "$work/$cert.pem", key = "$work/$key.key" } },
  sources = { $sources burst = { kind = "generic", auth = { hmac = { "burst" } }, rate = 100000 } },
  $more
}
LUA
}
reload() { kill -HUP "$daemon"; }
logged() { # logged PATTERN: within ten seconds
    for _ in $(seq 1200); do
        grep -q -- "$1" "$work/err" && return
        sleep 0.05
    done
    tail -n 5 "$work/err" | sed 's/^/# /'
    return 1
}
in_force() { # reads it again, and waits until it holds
    local before
    before=$(grep -c "is in force" "$work/err")
    reload
    for _ in $(seq 1200); do
        (($(grep -c "is in force" "$work/err") > before)) && return
        sleep 0.05
    done
    tail -n 5 "$work/err" | sed 's/^/# /'
    return 1
}
post() { # post SOURCE KEY ID [TYPE]: the status
    ask "$ingress/hooks/$1" -H 'Content-Type: application/json' -H "Authorization: Bearer $2" \
        --data "{\"id\":\"$3\",\"title\":\"t $3\",\"type\":\"${4:-Note_It}\",\"severity\":\"high\"}"
}
becomes() { # becomes WANTED COMMAND...: within ten seconds, what a front was told takes a moment
    local was
    for _ in $(seq 600); do
        was=$("${@:2}")
        [[ $was == "$1" ]] && return
        sleep 0.1
    done
    echo "# wanted $1, was $was"
    return 1
}
metric() { ask "$console/metrics" -H "Authorization: Bearer $viewer" >/dev/null && sed -n "s/^$1 //p" "$work/body"; }
runs() { timeout 30 "$CORDON" runs --json --state "$state" | jq '.runs | length'; }

viewer=$("$CORDON" token add screen --role viewer --state "$state" --json | jq -r .token)
wait_ended
export CORDON_LOG=info
write
start_daemon || {
    sed 's/^/# /' "$work/err"
    echo "not ok the daemon starts"
    echo "0 passed, 1 failed"
    exit 1
}
# The same addresses from here on: they do not change but at a start.
at=${console#https://} hook_at=${ingress#https://}
write
stop_daemon
start_daemon || exit 1
cat "$work/cordon.pem" "$work/renewed.pem" >"$work/both.pem"

replaces_keys() {
    [[ $(post one key-of-this-year a1) == 202 && $(post one key-of-next-year a2) == 401 && $(post two key-of-next-year a2) == 401 ]] || return 1
    write sources='one = { kind = "generic", auth = { bearer = { "second" } } }, two = { kind = "generic", auth = { bearer = { "second" } } },'
    [[ $(post one key-of-next-year a2) == 401 ]] && in_force && becomes 202 post one key-of-next-year a2 &&
        [[ $(post one key-of-this-year a3) == 401 && $(post two key-of-next-year a4) == 202 ]]
}
reads_secrets_again() { # the file of a key, and not its name, is another
    secret second key-of-the-year-after
    in_force && becomes 202 post two key-of-the-year-after a5 && [[ $(post two key-of-next-year a6) == 401 ]]
}
takes_playbooks() {
    local before
    before=$(runs)
    [[ $(post two key-of-the-year-after b1 Other_It) == 202 ]] || return 1
    write sources='two = { kind = "generic", auth = { bearer = { "second" } } },' playbooks="\"$work/playbooks\", \"$work/more\""
    in_force && [[ $(post two key-of-the-year-after b2 Other_It) == 202 ]] && becomes $((before + 1)) runs
}
keeps() { # keeps PATTERN: what is in the file has a mistake; what was in force goes on
    reload
    logged "$1" && logged "what was in force before stays" && becomes 0 metric cordon_config_reload_ok &&
        [[ $(post two key-of-the-year-after "k$RANDOM") == 202 ]] || return 1
    : >"$work/err"
}
keeps_syntax() { echo 'return { serve = ' >"$state/cordon.lua" && keeps "cordon.lua:2:1\|cordon.lua:1:"; }
keeps_unknown() { write more='srve = {},' && keeps 'cordon.lua:5:3: unknown member "srve", did you mean "serve"'; }
keeps_unproven() { write sources='three = { kind = "generic", auth = {} },' && keeps 'cordon.lua:4:15: sources.three'; }
keeps_bounds() {
    local holds said
    while IFS='|' read -r holds said; do
        write more="holds = { $holds }," && keeps "cordon.lua:5:13: holds.$said" || return 1
    done <<'END'
check_every = "9s"|check_every: want 10s to 24h
check_every = "25h"|check_every: want 10s to 24h
check_every = "soon"|check_every: want a duration above zero
check_every = 60|check_every: want
unobserved_after = 0|unobserved_after: want at least 1, got 0
unobserved_after = 101|unobserved_after: want at most 100, got 101
unobserved_after = 1.5|unobserved_after: want
every = "1m"|*unknown member "every"
END
}
keeps_pair() { write cert=cordon key=renewed && keeps 'not that of the certificate'; }
keeps_readable() {
    write cert=renewed key=renewed && chmod 644 "$work/renewed.key" && keeps 'can be read by others.*chmod 600' && chmod 600 "$work/renewed.key"
}
keeps_missing() { mv "$state/cordon.lua" "$work/away.lua" && keeps 'cordon.lua.*No such file'; }
keeps_listeners() {
    mv "$work/away.lua" "$state/cordon.lua"
    hook_at=127.0.0.1:1 write
    keeps 'cordon.lua:3:25: serve.ingress.listen: it changes at a start only'
}
mends() {
    write sources='two = { kind = "generic", auth = { bearer = { "second" } } },' playbooks="\"$work/playbooks\", \"$work/more\""
    in_force && becomes 1 metric cordon_config_reload_ok && (($(metric cordon_config_reloaded_seconds) > 1700000000))
}
says_what_waits() {
    write sources='two = { kind = "generic", auth = { bearer = { "second" } } },' more='record = "recorded",'
    in_force && logged "record has changed: that takes effect at the next start" && [[ ! -e $state/recorded ]]
}
shown() { openssl s_client -connect "$at" </dev/null 2>/dev/null | openssl x509 -noout -subject 2>/dev/null; }
renews() {
    [[ $(shown) == *cordon ]] || return 1
    # A connection that is open goes on, under the certificate that it began with.
    python3 "$here/hold.py" "$at" "$work/cordon.pem" "$work/go" >"$work/held" &
    helper=$!
    await_from "$helper" grep -q "^200" "$work/held" || return 1
    write cert=renewed key=renewed sources='two = { kind = "generic", auth = { bearer = { "second" } } },'
    in_force && becomes "subject=CN = renewed" shown || return 1
    touch "$work/go"
    wait "$helper"
    helper=
    [[ $(cat "$work/held") == $'200\n200' && $(curl -s --cacert "$work/renewed.pem" -o /dev/null -w '%{http_code}' "$ingress/healthz") == 200 ]]
}
loses_nothing() {
    local count=1000 client hups=0
    : >"$work/acked"
    python3 "$here/../hooks/burst.py" "$hook_at" "$work/both.pem" "$state/secrets/burst" $count 8 "$work/acked" &
    client=$!
    while kill -0 "$client" 2>/dev/null && ((hups < 40)); do
        reload
        ((++hups))
        sleep 0.1
    done
    wait "$client" || return 1
    echo "# read again $hups times while $count alerts were delivered: $(sort -u "$work/acked" | wc -l) acknowledged"
    ((hups >= 3)) && becomes $count burst_alerts
}
burst_alerts() {
    local next='' all=0 n
    for _ in $(seq 20); do
        ask "$console/v1/alerts?source=burst&limit=500${next:+&before=$next}" --cacert "$work/both.pem" -H "Authorization: Bearer $viewer" >/dev/null
        n=$(jq '.alerts | length' "$work/body") next=$(jq -r '.next // ""' "$work/body")
        ((all += n))
        [[ -n $next ]] || break
    done
    echo "$all"
}
tells_manager() {
    stop_daemon
    python3 "$here/../serve/manager.py" "$work/manager" "$work/heard" &
    helper=$!
    await_from "$helper" grep -qs listening "$work/heard" || return 1
    NOTIFY_SOCKET=$work/manager start_daemon || return 1
    in_force
    for _ in $(seq 100); do
        (($(grep -c 'READY=1' "$work/heard") == 2)) && break
        sleep 0.05
    done
    [[ $(grep -o 'READY=1\|RELOADING=1 MONOTONIC_USEC=[0-9]*' "$work/heard" | sed 's/=[0-9]\{2,\}$//' | paste -sd' ') == "READY=1 RELOADING=1 MONOTONIC_USEC READY=1" ]]
}
logs_json() {
    write cert=renewed key=renewed more='log = "json",'
    stop_daemon
    start_daemon && [[ $(curl -s --cacert "$work/renewed.pem" -o /dev/null -w '%{http_code}' "$ingress/hooks/one" -d '{}' -H 'Content-Type: application/json' -H "Authorization: Bearer wrong") == 401 ]] || return 1
    logged '"level"'
    stop_daemon
    # The process that reads cordon.lua is there before it is known how to write.
    jq -es 'length > 2 and all(.[]; (.ts | test("^2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$")) and (.level | IN("info", "warn"))
        and (.pid | type) == "number" and (.message | length) > 0)' "$work/err" >/dev/null &&
        jq -es '[.[].process] | unique | length >= 2' "$work/err" >/dev/null
}
logs_text() {
    write
    start_daemon && stop_daemon && ! grep -q '^{' "$work/err" && grep -Eq '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} cordon info: ' "$work/err"
}

doctors() { # doctors FILE: its checks, as NAME OK lines in $work/checks, and the exit status
    timeout 60 "$CORDON" doctor --state "$state" --config "$1" --json >"$work/doctor"
    local rc=$?
    jq -r '.checks[] | "\(.name) \(.ok) \(.text)"' "$work/doctor" >"$work/checks"
    return $rc
}
says_what_would_be() { # of another file than the one that is in force
    write
    cp "$state/cordon.lua" "$state/next.lua"
    doctors "$state/next.lua"
    grep -qx "config file true $state/next.lua" "$work/checks" && grep -qx "config serve.console true $at" "$work/checks" &&
        grep -qx "config playbooks true $work/playbooks" "$work/checks" && ! grep -q "^config .* false" "$work/checks" || return 1
    sed -e "s|$work/cordon.pem|$work/renewed.pem|" -e 's|^}|  routes = "away.lua", plugins = { noop = { secrets = { "away" } } },\n}|' "$state/next.lua" >"$state/worse.lua"
    ! doctors "$state/worse.lua" && grep -q "^config serve.ingress false .*not that of the certificate" "$work/checks" &&
        grep -q "^config plugins.noop false .*secrets/away: No such file" "$work/checks" && grep -q "^config routes false .*away.lua" "$work/checks" || return 1
    echo 'return { serv = {} }' >"$state/worse.lua"
    ! doctors "$state/worse.lua" && grep -q '^config file false .*worse.lua:1:10: unknown member "serv", did you mean "serve"' "$work/checks" && [[ $(post one key-of-this-year d1) == 202 ]]
}
says_what_cannot_start() {
    echo 'return playbook {' >"$work/playbooks/broken.lua"
    for _ in $(seq 600); do
        "$CORDON" doctor --state "$state" --json >"$work/doctor" 2>/dev/null
        jq -e '.checks[] | select(.name == "alerts start") | (.text | contains("broken.lua")) and (.ok | not)' "$work/doctor" >/dev/null && break
        sleep 0.1
    done
    rm "$work/playbooks/broken.lua"
    jq -e '[.checks[] | select(.name == "alerts start")] | length == 1' "$work/doctor" >/dev/null
}

tell "doctor says of a file what would be wrong with it, while another is in force" says_what_would_be
tell "and of what alerts start, what cannot be read" says_what_cannot_start
tell "a source that is added and a key that is another hold after SIGHUP, and not before" replaces_keys
tell "a key whose file is another is read again" reads_secrets_again
tell "playbooks that are added are started by alerts" takes_playbooks
tell "a file that cannot be read changes nothing, and its place is told" keeps_syntax
tell "a key that there is not changes nothing, and the one that was meant is told" keeps_unknown
tell "a source that proves nothing changes nothing" keeps_unproven
tell "the times of checks of holds outside their bounds change nothing, and the bounds are told" keeps_bounds
tell "a certificate with another's key changes nothing" keeps_pair
tell "a key that others can read changes nothing" keeps_readable
tell "a file that is gone changes nothing" keeps_missing
tell "a listener's address changes at a start only, and that is told" keeps_listeners
tell "once it is mended it holds, and the metric says so" mends
tell "what waits for the next start is told" says_what_waits
tell "a renewed certificate is shown to who comes, and who is there goes on" renews
tell "nothing that is acknowledged meanwhile is lost, however often it is read again" loses_nothing
tell "a service manager hears that it reads, and that it is ready" tells_manager
tell "the log is JSON where cordon.lua wants it, a line each" logs_json
tell "and text where it does not" logs_text
summary
