#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Both listeners against those who mean harm: slow ones, requests inside requests, bodies
# without end, and all that is no JSON. What they send is refused and bounded, and nothing
# that is right is lost meanwhile.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
repo=$here/../..

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/playbooks"
cp "$repo/playbooks/policy.lua" "$state/"
make_cert cordon
(umask 077 && echo bearer-of-the-test >"$state/secrets/bearer")
cat >"$work/playbooks/noisy.lua" <<'LUA'
return playbook { name = "noisy", summary = "hundreds of kilobytes of rows",
  run = function(p, ctx) for _ = 1, 200 do ctx.note(("x"):rep(3000)) end end }
LUA
cat >"$state/cordon.lua" <<LUA
return {
  playbooks = { "$work/playbooks" },
  serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" },
            ingress = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" } },
  sources = { bearer = { kind = "generic", auth = { bearer = { "bearer" } }, rate = 1000, size = 4194304 } },
}
LUA

token() { # token NAME OPTION...: prints it
    "$CORDON" token add "$@" --state "$state" --json | jq -r .token
}
mv "$state/cordon.lua" "$work/cordon.lua"
let_somebody_in
mv "$work/cordon.lua" "$state/cordon.lua"
start_daemon || {
    cat "$work/err"
    exit 1
}
TOKEN_ONCALL=$(token oncall --for oncall --role responder --role viewer)
TOKEN_ADMIN=$(token boss --for boss --role admin --role viewer)
# shellcheck disable=SC2154 # start_daemon sets them
export TOKEN_ONCALL TOKEN_ADMIN CERT=$work/cordon.pem CONSOLE=$console INGRESS=$ingress DAEMON=$daemon LOG=$work/err
export PYTHONPATH=$here/../api PYTHONDONTWRITEBYTECODE=1 BEARER=bearer-of-the-test

begin() { # begin FILE: a program that counts for itself, beside the others
    timeout 300 python3 "$here/$1" >"$work/$1.out" 2>&1 &
    pids[$1]=$!
}
count() { # count FILE: what it said
    local last
    wait "${pids[$1]}"
    sed '$d' "$work/$1.out"
    last=$(tail -n 1 "$work/$1.out")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2]))
    else
        echo "# $last"
        echo "not ok $1 came to no end"
        ((++failed))
    fi
}

declare -A pids
begin slow.py # it takes its time, and the others fill that
begin smuggle.py
count smuggle.py
begin bodies.py
count bodies.py
count slow.py
begin crowd.py # alone: it says how long others wait
count crowd.py

# Who is cut off is told to the operator: how many, for what, and whose; a line a second at most.
tells_who() {
    grep -q 'connections cut off: [1-9][0-9]* without a whole header in 10 s.* of 127.0.0.1' "$work/err" &&
        grep -q ' [1-9][0-9]* without a whole body in 30 s' "$work/err" &&
        [[ -z $(grep 'connections cut off' "$work/err" | cut -d. -f1 | uniq -c | awk '$1 > 2') ]] # two listeners
}
ends() { stop_daemon && ! grep -qF "$BEARER" "$work/err"; }
tell "who was cut off is logged, with a count, a line a second and listener at most" tells_who
tell "the daemon is the same one, and ends when it is asked to" ends
summary
