#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sweep.sh engine|host|vm: the test this project is for. contain-app-service runs against the
# simulator; at its n-th journal write or frame the engine (or the plugin's host, or the VM) is
# killed; cordon is started again until the run is done. Then the simulator's log must show
# each effect exactly once, its world must be the same as without a crash, and the journal
# must verify. CRASH_STEP=N takes only every N-th point.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"

shim=$BUILD/tests/shim.so
alert=$repo/tests/e2e/alert-appservice.json
work=$(mktemp -d)
export CORDON_PLAYBOOKS=$repo/playbooks
passed=0 failed=0

end() {
    pkill -KILL -f -- "--internal-engine --state $work/" 2>/dev/null
    shop_close
    rm -rf "$work"
}
trap end EXIT

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

effects() {
    jq -r 'select(.effect) | .effect' "$work/requests.jsonl" | sort
}

world() { # what the cloud is like, without what names the time, the run or the request
    sim GET world | jq -S '{sites, roleAssignments} | walk(if type == "object" then
        del(.name, .description, .etag, .updatedOn, .createdOn, .systemData, .changedTime) else . end)'
}

# The run, however often it has to be taken up again. Echoes the final state.
carry_on() { # carry_on STATE
    local state=$1 json now
    for _ in $(seq 12); do
        json=$(timeout 60 "$CORDON" runs --json --state "$state" 2>/dev/null) || { sleep 0.05; continue; }
        now=$(jq -r '.runs[0].state // "none"' <<<"$json")
        case $now in
        none) timeout 60 "$CORDON" run contain-app-service --alert "$alert" --state "$state" >>"$work/out" 2>&1 ;;
        waiting) timeout 60 "$CORDON" approve r-000001 --yes --reason x --state "$state" >>"$work/out" 2>&1 ;;
        running) timeout 60 "$CORDON" watch r-000001 --state "$state" >>"$work/out" 2>&1 ;;
        *)
            echo "$now"
            return
            ;;
        esac
    done
    echo "never at rest: $now"
}

case_at() { # case_at WHAT N: leaves its words in $work/why when it fails
    local state=$work/state-$1-$2 end
    cp -r "$work/template" "$state"
    sim POST reset >/dev/null
    : >"$work/requests.jsonl"
    : >"$work/out"
    rm -f "$work/counter"
    export LD_PRELOAD=$shim CRASH_FILE=$work/counter CRASH_AT=$2 CRASH_WHAT=$1
    timeout 60 "$CORDON" run contain-app-service --alert "$alert" --state "$state" >>"$work/out" 2>&1
    end=$(carry_on "$state")
    unset LD_PRELOAD CRASH_FILE CRASH_AT CRASH_WHAT
    for _ in $(seq 100); do # the engine ends itself when nobody asks any more
        pgrep -f -- "--internal-engine --state $state" >/dev/null || break
        sleep 0.02
    done
    {
        [ "$end" = "done" ] || echo "the run ended as: $end"
        effects | diff "$work/effects.wanted" - | sed 's/^/effects: /'
        world | diff "$work/world.wanted" - | sed 's/^/world: /'
        "$CORDON" doctor --state "$state" >"$work/doctor" 2>&1 || cat "$work/doctor"
    } >"$work/why"
    rm -rf "$state"
    [ ! -s "$work/why" ]
}

happened() { # was the point reached at all?
    [ "$(od -An -td8 -j8 -N8 "$work/counter" 2>/dev/null | tr -d ' ')" = 1 ]
}

# How many points there are differs a little from run to run, since frames may share a write:
# the sweep ends when a few points in a row were not reached any more.
sweep() { # sweep WHAT STEP
    local bad=0 cases=0 beyond=0 n
    for ((n = 1; n < 2000 && beyond < 4; n += $2)); do
        if ! case_at "$1" "$n"; then
            bad=$((bad + 1))
            printf '      %s killed at point %s:\n' "$1" "$n"
            { grep -vE "^ +[0-9:.]+  (run|gate)" "$work/out" | tail -12; head -20 "$work/why"; } | sed "s/^/        /"
            [ "$bad" -ge 5 ] && break
        fi
        if happened; then
            cases=$((cases + 1))
            beyond=0
        else
            beyond=$((beyond + 1))
        fi
    done
    printf '      %s killed at %s points, %s wrong\n' "$1" "$cases" "$bad"
    [ "$cases" -gt 0 ] || bad=1
    say "$bad" "the_$1_may_be_killed_at_every_journal_write_and_every_frame_and_each_effect_happens_once"
}

shop_open "$work" || exit 1
mkdir "$work/plugins" "$work/bin" # copies, so that a build beside us changes nothing
cp "$PLUGINS/azure.so" "$work/plugins/"
cp "$CORDON" "$AZSIM" "$work/bin/"
PLUGINS=$work/plugins CORDON=$work/bin/cordon
mkdir -m 700 "$work/template"
state_make "$work/template" >"$work/trust" 2>&1 || { cat "$work/trust"; exit 1; }
for _ in $(seq 100); do
    pgrep -f -- "--internal-engine --state $work/template" >/dev/null || break
    sleep 0.02
done

# Once without a crash: what is right, and how many points there are.
: >"$work/effects.wanted"
: >"$work/world.wanted"
export LD_PRELOAD=$shim CRASH_FILE=$work/count CRASH_AT=0
cp -r "$work/template" "$work/calm"
timeout 60 "$CORDON" run contain-app-service --alert "$alert" --state "$work/calm" >"$work/out" 2>&1
end=$(carry_on "$work/calm")
unset LD_PRELOAD CRASH_FILE CRASH_AT
effects >"$work/effects.wanted"
world >"$work/world.wanted"
points=$(od -An -td8 -N8 "$work/count" | tr -d ' ')
[ "$end" = "done" ]
say $? "without_a_crash_the_run_is_done_before_the_$1_is_killed"
printf '      %s points, %s effects\n' "$points" "$(wc -l <"$work/effects.wanted")"

sweep "$1" "${CRASH_STEP:-1}"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
