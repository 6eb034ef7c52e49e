#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test this project is for. contain-app-service runs against the simulator; at its n-th
# journal write or frame the engine (or the plugin's host, or the VM) is killed; cordon is
# started again until the run is done. Then the simulator's log must show each effect exactly
# once, its world must be the same as without a crash, the ledger must have each of them, and the
# journal must verify. A rollback of every CRASH_BACK-th case must make the world what it was.
#
#   CRASH_STEP   every how many points one dies: 1, or 40 under a sanitizer
#   CRASH_BACK   every how many cases are rolled back: 4
#   CRASH_LANES  how many cases go on side by side, each with a simulator of its own: as many as
#                there are processors. More of them only make each other slower.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"

shim=$BUILD/tests/shim.so
alert=$repo/tests/e2e/alert-appservice.json
work=$(mktemp -d)
export CORDON_PLAYBOOKS=$repo/playbooks
passed=0 failed=0
lane_pids=()
back=${CRASH_BACK:-4}
if [ -n "${SAN:-}" ]; then
    step=${CRASH_STEP:-40} lanes=${CRASH_LANES:-3} patience=300
else
    step=${CRASH_STEP:-1} lanes=${CRASH_LANES:-2} patience=120
fi

end() {
    local pid
    for pid in "${lane_pids[@]}"; do
        kill "$pid" 2>/dev/null && pkill -P "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    pkill -KILL -f -- "--internal-engine --state $work/" 2>/dev/null
    shop_close
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2317
say() { # say STATUS NAME
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$2"
    else
        failed=$((failed + 1))
        printf 'not ok %s\n' "$2"
    fi
}

# -- One case. Its files are in $place, where its simulator keeps its log ------------------

effects() {
    jq -r 'select(.effect) | .effect' "$place/requests.jsonl" | sort
}

world() { # what the cloud is like, without what names the time, the run or the request
    sim GET world | jq -S '{sites, roleAssignments} | walk(if type == "object" then
        del(.name, .description, .etag, .updatedOn, .createdOn, .systemData, .changedTime) else . end)'
}

ledger() { # ledger STATE: what is contained, whenever it was done
    cordon contained --json --state "$1" 2>/dev/null |
        jq -S '[.holds[] | {action, target, before, after, state}]'
}

cordon() {
    timeout "$patience" "$CORDON" "$@"
}

try() {
    cordon "$@" </dev/null >>"$place/out" 2>&1
}

# The run, however often it has to be taken up again. Echoes the final state.
carry_on() { # carry_on STATE
    local state=$1 json now=unknown
    for _ in $(seq 12); do
        json=$(cordon runs --json --state "$state" 2>/dev/null) || { sleep 0.05; continue; }
        now=$(jq -r '.runs[0].state // "none"' <<<"$json")
        case $now in
        none) try run contain-app-service --alert "$alert" --state "$state" ;;
        waiting) try approve "$(cordon gates --json --state "$state" 2>/dev/null | jq -r '.gates[-1].gate // "r-000001"')" --yes --reason x --state "$state" ;;
        running) try watch r-000001 --state "$state" ;;
        *)
            echo "$now"
            return
            ;;
        esac
    done
    echo "never at rest: $now"
}

# And what is put back is as it was, but for who did so.
world_put_back() {
    world | jq -S 'walk(if type == "object" then del(.createdBy, .updatedBy) else . end)'
}

# What cordon has to know of what it did in order to take it back. Says what is not right.
roll_back() { # roll_back STATE
    local state=$1 gate end
    try rollback r-000001 --state "$state"
    gate=$(cordon gates --json --state "$state" 2>/dev/null | jq -r '.gates[-1].gate // empty')
    [ -z "$gate" ] || try approve "$gate" --yes --reason x --state "$state"
    end=$(cordon runs --json --state "$state" 2>/dev/null | jq -r '.runs[] | select(.run == "r-000002") | .state')
    [ "$end" = "done" ] || echo "the rollback ended as: $end"
    world_put_back | diff "$work/world.first" - | sed 's/^/world after the rollback: /'
}

# The engine ends itself when nobody asks any more, and lets go of the lock.
engine_ends() { # engine_ends STATE
    flock -w "$patience" "$1/lock" true && return
    echo "the engine of $1 does not end"
    return 1
}

case_at() { # case_at WHAT N: leaves its words in $place/why when it fails
    local state=$place/state-$1-$2 end
    cp -r "$place/template" "$state"
    sim POST reset >/dev/null
    : >"$place/requests.jsonl"
    : >"$place/out"
    rm -f "$place/counter"
    export LD_PRELOAD=$shim CRASH_FILE=$place/counter CRASH_AT=$2 CRASH_WHAT=$1
    try run contain-app-service --alert "$alert" --state "$state"
    end=$(carry_on "$state")
    unset LD_PRELOAD CRASH_FILE CRASH_AT CRASH_WHAT
    {
        engine_ends "$state"
        [ "$end" = "done" ] || echo "the run ended as: $end"
        effects | diff "$work/effects.wanted" - | sed 's/^/effects: /'
        world | diff "$work/world.wanted" - | sed 's/^/world: /'
        ledger "$state" | diff "$work/ledger.wanted" - | sed 's/^/ledger: /'
        if [ $(($2 / step % back)) = 0 ]; then roll_back "$state"; fi
        engine_ends "$state"
        cordon doctor --state "$state" >"$place/doctor" 2>&1 || cat "$place/doctor"
    } >"$place/why"
    rm -rf "$state"
    [ ! -s "$place/why" ]
}

# A simulator, and a state directory that knows it.
open_place() { # open_place NAME
    place=$work/$1
    mkdir "$place"
    mkdir -m 700 "$place/template"
    : >"$place/out"
    shop_open "$place" &&
        state_make "$place/template" >"$place/trust" 2>&1 &&
        engine_ends "$place/template" && return
    cat "$place/trust"
    return 1
}

happened() { # was the point reached at all?
    [ "$(od -An -td8 -j8 -N8 "$place/counter" 2>/dev/null | tr -d ' ')" = 1 ]
}

# -- All of them ---------------------------------------------------------------------------

# How many points there are differs from run to run, since frames may share a write: a sweep
# ends when a few points were not reached any more.
is_over() { # is_over WHAT
    [ "$(wc -l <"$work/beyond-$1")" -ge "$beyond" ]
}

take() { # take WHAT N
    if ! case_at "$1" "$2"; then
        {
            printf '%s killed at point %s:\n' "$1" "$2"
            grep -vE "^ +[0-9:.]+  (run|gate)" "$place/out" | tail -n 12
            head -n 20 "$place/why"
        } | sed 's/^/      /' >>"$work/why-$1"
        echo "$2" >>"$work/wrong-$1"
    elif happened; then
        echo "$2" >>"$work/right-$1"
    else
        echo "$2" >>"$work/beyond-$1"
    fi
}

lane() { # lane NUMBER: takes the points that no other lane has claimed
    local what n
    trap shop_close EXIT
    trap 'exit 130' INT TERM
    open_place "lane-$1" || exit 1
    for what in host engine vm; do # those that wait longest come first
        for ((n = 1; n < 2000; n += step)); do
            is_over "$what" && break
            mkdir "$work/claimed/$what-$n" 2>/dev/null && take "$what" "$n"
        done
    done
}

verdict() { # verdict WHAT
    local right wrong
    right=$(wc -l <"$work/right-$1") wrong=$(wc -l <"$work/wrong-$1")
    head -n 150 "$work/why-$1"
    printf '      %s killed at %s points, %s wrong\n' "$1" "$((right + wrong))" "$wrong"
    [ "$right" -gt 0 ] && [ "$wrong" = 0 ] && is_over "$1"
    say $? "the_$1_may_be_killed_at_every_journal_write_and_every_frame_and_each_effect_happens_once"
}

mkdir "$work/plugins" "$work/bin" # copies, so that a build beside us changes nothing
cp "$PLUGINS/azure.so" "$work/plugins/"
cp "$CORDON" "$AZSIM" "$work/bin/"
PLUGINS=$work/plugins CORDON=$work/bin/cordon AZSIM=$work/bin/azsim

# Once without a crash: what is right, and how many points there are.
open_place calm || exit 1
export LD_PRELOAD=$shim CRASH_FILE=$place/counter CRASH_AT=0
state=$place/template
world_put_back >"$work/world.first"
try run contain-app-service --alert "$alert" --state "$state"
end=$(carry_on "$state")
unset LD_PRELOAD CRASH_FILE CRASH_AT
effects >"$work/effects.wanted"
world >"$work/world.wanted"
ledger "$state" >"$work/ledger.wanted"
points=$(od -An -td8 -N8 "$place/counter" | tr -d ' ')
[ "$end" = "done" ] && [ "$points" -gt 0 ]
say $? "without_a_crash_the_run_is_done"
printf '      %s points, %s effects\n' "$points" "$(wc -l <"$work/effects.wanted")"
shop_close

beyond=$((step > 1 ? 1 : 4))
mkdir "$work/claimed"
for what in engine host vm; do
    touch "$work/right-$what" "$work/wrong-$what" "$work/why-$what" "$work/beyond-$what"
done
for number in $(seq 0 $((lanes - 1))); do
    lane "$number" &
    lane_pids+=($!)
done
wait "${lane_pids[@]}"
lane_pids=()
for what in engine host vm; do
    verdict "$what"
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
