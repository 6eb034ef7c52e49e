#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A source with an adapter of its own, in a real engine: it is a file, and its mistakes are found
# on the deliveries that it could not read, and nowhere else.
set -uo pipefail
# shellcheck source=tests/serve/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../serve/lib.sh"

mkdir -m 700 "$state" "$state/secrets"
(umask 077 && echo 'a secret of many bytes, for a hook' >"$state/secrets/watch-key")
cp "$TESTS/../playbooks/policy.lua" "$state/"
cat >"$state/cordon.lua" <<'LUA'
return { sources = { watch = { kind = "generic", adapter = "watch.lua", auth = { hmac = { "watch-key" } } },
                     plain = { kind = "generic", auth = { hmac = { "watch-key" } } } } }
LUA

start_engine() {
    : >"$work/out" # the next wait must not find what an earlier process printed
    "$CORDON" engine --state "$state" >"$work/out" 2>"$work/err" &
    daemon=$!
    await_from "$daemon" grep -q 'is ready' "$work/out"
}
cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }
# adapter BODY: of its function, with the title that it gives.
adapter() {
    echo "return { adapt = function(event) $1 end }" >"$state/watch.new"
    mv "$state/watch.new" "$state/watch.lua"
}
one='return { id = event.ref, title = "seen", severity = "low" }'
deliver() { # deliver SOURCE REF
    echo "{\"id\":\"$2\",\"title\":\"plain\",\"severity\":\"low\"}" >"$work/delivery.json"
    [[ $1 != watch ]] || echo "{\"ref\":\"$2\"}" >"$work/delivery.json"
    cordon hook send "$1" "$work/delivery.json" >/dev/null
}
try() { # try WORDS [REF]: hook test says why not
    echo "{\"ref\":\"${2:-try}\"}" >"$work/try.json"
    cordon hook test watch "$work/try.json" >"$work/tried" 2>&1
    grep -qF -- "$1" "$work/tried" || {
        sed 's/^/# /' "$work/tried"
        return 1
    }
}
title() { cordon alerts --json --limit 500 | jq -r --arg id "$1" '.alerts[] | select(.id == $id) | .title'; }
until_titled() { # until_titled ID TITLE
    for _ in $(seq 1200); do
        [[ $(title "$1") == "$2" ]] && return
        sleep 0.05
    done
    echo "# $1: $(title "$1"), wanted $2"
    return 1
}

reads() { adapter "$one" && deliver watch w1 && until_titled w1 seen; }
sees_changes() { adapter "${one/seen/seen anew}" && deliver watch w2 && until_titled w2 "seen anew"; }
names_places() {
    printf 'return {\n adapt = function(event)\n  return event.no.such\n end }\n' >"$state/watch.lua"
    try 'watch.lua:3:' || return 1
    printf 'return {\n adapt = \n' >"$state/watch.lua"
    try 'watch.lua:' || return 1
    adapter 'return { id = "x", title = "t", severity = "low", severty = 1 }' && try 'did you mean "severity"?' || return 1
    adapter 'alert.refuse("it has no such thing")' && try 'it has no such thing'
}
is_missing() { rm -f "$state/watch.lua" && try 'watch.lua'; }
holds_up_nobody() {
    adapter 'if event.ref == "loop" then while true do end end '"$one"
    deliver watch loop && deliver plain p1 && deliver watch w3 && until_titled p1 plain && until_titled w3 seen && [[ -z $(title loop) ]]
}
# A loop inside of C cannot be counted: the engine ends the process, and blames that delivery.
is_killed() {
    adapter 'if event.ref == "stuck" then ("a"):rep(30000):find(("a-"):rep(100) .. "b") end '"$one"
    deliver watch stuck && deliver watch w4 && until_titled w4 seen && [[ -z $(title stuck) ]] && kill -0 "$daemon" || return 1
    try 'the adapter computed for more than' stuck
}
dies_with_its_process() {
    local pid children
    adapter "$one" && deliver watch w5 && until_titled w5 seen || return 1
    read -ra children <"/proc/$daemon/task/$daemon/children"
    for pid in "${children[@]}"; do
        ! grep -q internal-vm "/proc/$pid/cmdline" || kill -KILL "$pid"
    done
    deliver watch w6 && deliver plain p6 && until_titled w6 seen && until_titled p6 plain
}
reads_many() {
    local i
    for i in $(seq 300); do echo "{\"source\":\"watch\",\"delivery\":\"m$i\",\"text\":\"{\\\"ref\\\":\\\"m$i\\\"}\"}"; done >"$work/asks"
    python3 "$TESTS/alerts/asks.py" "$state/cordon.sock" deliver "$work/asks" && until_titled m300 seen &&
        [[ $(cordon alerts --json --limit 500 | jq '[.alerts[] | select(.id | startswith("m"))] | length') == 300 ]]
}

if ! start_engine; then
    cat "$work/err"
    exit 1
fi
tell "a source with an adapter of its own is read by it" reads
tell "an adapter that has changed reads what comes from then on" sees_changes
tell "mistakes of an adapter are told with their place, and what came in without one" names_places
tell "an adapter that is not there is named" is_missing
tell "a delivery that its adapter cannot end is blamed alone" holds_up_nobody
tell "one that cannot be counted is killed, and the next is read" is_killed
tell "a process that is killed costs no delivery" dies_with_its_process
tell "many deliveries at once are all read" reads_many
summary
