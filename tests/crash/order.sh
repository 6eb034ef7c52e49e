#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No effect before its record is durable, as seen from outside: contain-app-service runs, and is
# rolled back, on a disk whose syncs take a while. The shim keeps the journal as each sync left it.
# For each effect in the simulator's log the newest of these journals must have the intent: that is
# what would have been left had the power gone as the request came.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"

work=$(mktemp -d)
state=$work/state
export CORDON_PLAYBOOKS=$repo/playbooks
passed=0 failed=0

end() {
    shop_close
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

say() { # say STATUS NAME
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$2"
    else
        failed=$((failed + 1))
        printf 'not ok %s\n' "$2"
    fi
}

cordon() {
    timeout 120 "$CORDON" "$@" --state "$state" </dev/null >>"$work/out" 2>&1
}

run_is() { # run_is RUN STATE
    [ "$(timeout 60 "$CORDON" runs --json --state "$state" | jq -r --arg run "$1" '.runs[] | select(.run == $run) | .state')" = "$2" ]
}

mkdir -m 700 "$state" "$work/images"
shop_open "$work" && state_make "$state" >"$work/out" 2>&1 && flock -w 60 "$state/lock" true || exit 1

# Longer than a request takes, so that one that does not wait for the disk comes too early.
slowly() { # slowly COMMAND...: with an engine whose syncs are slow and are kept
    LD_PRELOAD=$BUILD/tests/shim.so CRASH_FILE=$work/counter CRASH_AT=0 SYNC_DIR=$work/images \
        SYNC_MS=60 cordon "$@"
}
engine_ends() {
    flock -w 60 "$state/lock" true
}

slowly run contain-app-service --alert "$repo/tests/e2e/alert-appservice.json"
slowly approve g-000001-1 --yes --reason x
engine_ends
run_is r-000001 "done"
say $? "the_run_is_done_on_a_slow_disk"
engine_ends

slowly rollback r-000001
gate=$(timeout 60 "$CORDON" gates --json --state "$state" | jq -r '.gates[-1].gate // empty')
[ -z "$gate" ] || slowly approve "$gate" --yes --reason x
engine_ends
run_is r-000002 "done"
say $? "and_so_is_its_rollback"

"$here/order.py" "$work/requests.jsonl" "$work/images" >"$work/why" 2>&1
say $? "the_intent_of_each_effect_was_durable_before_the_request_came"
sed 's/^/      /' "$work/why"
[ "$failed" = 0 ] || tail -n 30 "$work/out" | sed 's/^/      /'
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
