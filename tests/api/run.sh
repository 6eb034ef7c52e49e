#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The API over TLS, against a real daemon and the simulator.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"
export CORDON_PLAYBOOKS=$repo/playbooks

end() {
    stop_daemon
    shop_close
    close_daemon
}
trap end EXIT

token() { # token NAME OPTION...: prints it
    "$CORDON" token add "$@" --state "$state" --json | jq -r .token
}

mkdir -m 700 "$state"
make_cert cordon
shop_open "$work" || exit 1
state_make "$state" >"$work/out" 2>&1 || cat "$work/out"
wait_ended
let_somebody_in
sed -i "s|^}|  serve = { console = { listen = \"127.0.0.1:0\", cert = \"$work/cordon.pem\", key = \"$work/cordon.key\" } },\n}|" "$state/cordon.lua"
cp "$repo/playbooks/policy.lua" "$state/policy.lua"
start_daemon || {
    cat "$work/err"
    exit 1
}
"$CORDON" plan contain-app-service --alert "$here/../e2e/alert-appservice.json" --state "$state" >"$work/plan" 2>&1

TOKEN_ONCALL=$(token oncall --for oncall --role responder --role viewer)
TOKEN_MANAGER=$(token manager --for change-manager-1 --role approver)
TOKEN_ADMIN=$(token boss --for boss --role admin)
TOKEN_VIEWER=$(token screen --role viewer)
TOKEN_AUTHOR=$(token author --for author-1 --role author)
TOKEN_SERVICE=$(token service --role responder)
TOKEN_BOUND=$(token bound --for change-manager-1 --role approver --group soc-only)
TOKEN_CHIEF=$(token chief --role admin --role responder)
TOKEN_STARTER=$(token starter --role responder --role viewer --role admin --playbook contain-app-service --playbook block-attacker-ip)
export TOKEN_CHIEF TOKEN_STARTER TOKEN_ONCALL TOKEN_MANAGER TOKEN_ADMIN TOKEN_VIEWER TOKEN_AUTHOR TOKEN_SERVICE TOKEN_BOUND
export CERT=$work/cordon.pem ALERT=$here/../e2e/alert-appservice.json STATE=$state WORK=$work
# shellcheck disable=SC2154 # start_daemon sets it
export CONSOLE=$console DAEMON=$daemon

# suite FILE: a program that counts for itself
suite() {
    local last
    timeout 600 python3 "$here/$1" >"$work/suite" 2>&1
    sed '$d' "$work/suite"
    last=$(tail -n 1 "$work/suite")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2]))
    else
        echo "# $last"
        echo "not ok $1 came to no end"
        ((++failed))
    fi
}

suite test_flow.py
suite test_document.py

# The linter is node's; what it says is of the document alone.
lints() {
    local packages=$repo/build/api-lint
    if ! cmp -s "$here/package-lock.json" "$packages/installed-lock.json"; then
        mkdir -p "$packages" && cp "$here/package.json" "$here/package-lock.json" "$packages/" &&
            (cd "$packages" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) &&
            cp "$here/package-lock.json" "$packages/installed-lock.json"
    fi
    cp "$here/lint.mjs" "$packages/" && "$CORDON" --internal-openapi >"$work/openapi.json" &&
        timeout 60 node "$packages/lint.mjs" "$work/openapi.json"
}
tell the_linter_finds_nothing_in_the_document lints

# A world without network, for what needs no Azure.
stop_daemon
shop_close
state=$work/small STATE=$work/small
mkdir -m 700 "$state"
mkdir "$work/effects" "$work/tried"
cat >"$state/policy.lua" <<'LUA'
return { groups = { all = { "*" } }, self_approval = true,
         rules = { { name = "all", match = { action = "*" }, need = 0 } } }
LUA
cat >"$state/cordon.lua" <<LUA
return { plugins = { noop = { config = { dir = "$work/effects" }, paths = { "$work/effects:rw" } } },
         playbooks = { "$work/asks.lua", "$work/noisy.lua" },
         serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" } } }
LUA
cat >"$work/asks.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "asks", summary = "a question, then a change", params = { target = { "string", "what" } },
  on_alert = { when = { type = "Nothing_*" }, params = function(alert) return { target = alert.title } end },
  run = function(p, ctx)
    ctx.approve { title = "Set it", from = "all" }
    noop.set { target = p.target, value = "x" }
  end }
LUA
cat >"$work/noisy.lua" <<'LUA'
return playbook { name = "noisy", summary = "megabytes of rows",
  run = function(p, ctx) for _ = 1, 3000 do ctx.note(("x"):rep(3000)) end end }
LUA
"$CORDON" plugins trust "$FIXTURES/noop.so" --state "$state" >"$work/out" 2>&1 || cat "$work/out"
let_somebody_in
start_daemon || cat "$work/err"
# What somebody tries by hand is not what a name means, where the catalogue has that name.
sed 's/a question, then a change/another version/' "$work/asks.lua" >"$work/tried/asks.lua"
"$CORDON" plan "$work/tried/asks.lua" --param target=x --state "$state" >"$work/plan" 2>&1
printf '{"id":"7","title":"a web shell","type":"Shell","severity":"high"}' >"$work/alert.json"
"$CORDON" hook send generic "$work/alert.json" --state "$state" >"$work/out" 2>&1 || cat "$work/out"
TOKEN_ONCALL=$(token oncall --for oncall --role responder --role viewer)
TOKEN_ADMIN=$(token boss --for boss --role admin)
TOKEN_VIEWER=$(token screen --role viewer)
TOKEN_AUTHOR=$(token author --for author-1 --role author)
TOKEN_CHIEF=$(token chief --role admin --role responder)
TOKEN_STARTER=$(token starter --role responder)
export TOKEN_CHIEF TOKEN_STARTER CONSOLE=$console DAEMON=$daemon
# What docs/api.md shows is done, in its order; its first block makes tokens, and stands above.
story() {
    awk '/^```sh$/ { on = ++n > 1; next } /^```$/ { on = 0 } on' "$repo/docs/api.md" >"$work/story"
    # Some end a stream early, so what counts is the last one of each pipe.
    if CORDON_URL=$console CA=$CERT RESPONDER=$TOKEN_ONCALL APPROVER=$(token approvals --for change-manager-1 --role approver) \
        VIEWER=$TOKEN_VIEWER bash -eu "$work/story" >"$work/told" 2>&1; then
        grep -q '^event: gate' "$work/told" && grep -q '"state":"done"' "$work/told" &&
            grep -q '"scope": "playbook:asks"' "$work/told" && return
    fi
    sed 's/^/# /' "$work/told"
    return 1
}
tell what_the_manual_shows_is_what_happens story
"$CORDON" resume playbook:asks --reason "shown" --state "$state" >"$work/out" 2>&1 || cat "$work/out"

for role in viewer responder approver author admin; do
    export "TOKEN_ROLE_${role^^}=$(token "role-$role" --role $role --for "$role-1")"
done
TOKEN_EXPIRED=$(token late --role viewer --role responder --role admin --expires 1s)
TOKEN_REVOKED=$(token gone --role viewer --role responder --role admin)
"$CORDON" token revoke gone --reason "for the test" --state "$state" >"$work/out" 2>&1 || cat "$work/out"
export TOKEN_EXPIRED TOKEN_REVOKED
sleep 1.1 # the first of them ends
"$CORDON" run "$work/asks.lua" --param target=matrix --state "$state" >"$work/out" 2>&1
suite test_matrix.py
suite test_http.py
counts() { promtool check metrics <"$work/metrics"; }
tell promtool_finds_nothing_in_the_metrics counts
summary
