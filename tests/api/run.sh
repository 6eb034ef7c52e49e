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

wait_ended() { # the engine that a command has started, and that ends itself
    for _ in $(seq 200); do
        [ -S "$state/cordon.sock" ] || return 0
        sleep 0.05
    done
}

mkdir -m 700 "$state"
make_cert cordon
shop_open "$work" || exit 1
state_make "$state" >"$work/out" 2>&1 || cat "$work/out"
wait_ended
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
export TOKEN_ONCALL TOKEN_MANAGER TOKEN_ADMIN TOKEN_VIEWER TOKEN_AUTHOR TOKEN_SERVICE
export CERT=$work/cordon.pem ALERT=$here/../e2e/alert-appservice.json STATE=$state WORK=$work
# shellcheck disable=SC2154 # start_daemon sets it
export CONSOLE=$console DAEMON=$daemon

# suite FILE: a program that counts for itself
suite() {
    local last
    timeout 300 python3 "$here/$1" >"$work/suite" 2>&1
    cat "$work/suite" | sed '$d'
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
summary
