#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ledger: what is contained, while a run is under way, after it, after a crash, after undo.
set -uo pipefail
# shellcheck source=tests/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"

work=$(mktemp -d)
state=$work/state
passed=0 failed=0

kill_engine() { # by the number that it has written into its lock
    [ ! -s "$state/lock" ] || kill -KILL "$(cat "$state/lock")" 2>/dev/null
}

end() {
    kill_engine
    # What was killed may be writing its last file.
    rm -rf "$work" 2>/dev/null || { sleep 0.5 && rm -rf "$work"; }
}
trap end EXIT

check() { # check NAME WANTED WAS
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$1"
    else
        failed=$((failed + 1))
        printf '      was    %s\n      wanted %s\nnot ok %s\n' "$3" "$2" "$1"
    fi
}

cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }
contained() { cordon contained --json | jq -c '[.holds[] | "\(.target) \(.state) \(.runs[0]) \(.step)"] | sort'; }

mkdir -m 700 "$state"
cp "$FIXTURES/noop.so" "$work/"
cat >"$state/policy.lua" <<'EOF'
return { groups = { all = { "*" } }, self_approval = true,
         rules = { { name = "all", match = { action = "*" }, need = 0 } } }
EOF
mkdir "$work/effects"
printf 'return { plugins = { noop = { config = { dir = "%s" }, paths = { "%s:rw" } } } }\n' "$work/effects" "$work/effects" >"$state/cordon.lua"
cat >"$work/slow.lua" <<'EOF'
local noop = use "noop"
return playbook { name = "slow", summary = "a change, a pause, a change",
  run = function(p, ctx)
    noop.set { target = "first", value = "x" }
    ctx.sleep("2s")
    noop.set { target = "second", value = "x" }
  end }
EOF
cordon plugins trust "$work/noop.so" >"$work/out" 2>&1 || cat "$work/out"

: >"$work/out"
cordon run "$work/slow.lua" >"$work/out" 2>&1 &
runner=$!
await_from "$runner" grep -q "noop.set" "$work/out"
check what_a_run_under_way_has_contained_is_listed '["first on r-000001 0/1"]' "$(contained)"
wait "$runner"
both='["first on r-000001 0/1","second on r-000001 0/3"]'
check when_it_is_over_all_is_listed_once "$both" "$(contained)"

cordon run "$work/slow.lua" >"$work/out" 2>&1 # finds both as they shall be
shared=$(cordon contained --json | jq -c "[.holds[] | {(.hold): .runs}] | add")
check what_was_so_already_is_wanted_by_both_runs \
    '{"h-000001-1":["r-000001","r-000002"],"h-000001-2":["r-000001","r-000002"],"h-000002-1":["r-000002","r-000001"],"h-000002-2":["r-000002","r-000001"]}' "$shared"

cordon rollback r-000001 --target nonesuch >"$work/out" 2>&1
check a_target_that_the_run_did_not_change_is_refused 2 $?
check and_what_would_be_right_is_said 1 "$(grep -c "r-000001 changed nothing at target nonesuch: want a target's whole id" "$work/out")"
cordon rollback r-000002 --target FIRST --plan >"$work/out" 2>&1
check one_that_it_found_as_it_shall_be_is_taken 0 $?
cordon rollback r-000001 --plan >"$work/out" 2>&1
check the_plan_of_a_rollback_names_the_run_for_which_a_target_stays 2 \
    "$(grep -cE '^LEFT +0/[13] +(first|second): stays as it is, still wanted by r-000002$' "$work/out")"
check and_so_does_its_json '[["second",["r-000002"]],["first",["r-000002"]]]' \
    "$(cordon rollback r-000001 --plan --json | jq -c '[.left[] | [.target, .wanted]]')"
standing() { cordon show "$1" --json | jq -c '[.run.in_place, .run.undone.by, [.holds[] | [.state, .off_by, .wanted]]]'; }
check a_run_that_is_over_counts_what_it_holds '[2,null,[["on",null,null],["on",null,null]]]' "$(standing r-000001)"
cordon rollback r-000001 >"$work/out" 2>&1
check and_names_the_run_that_let_go_of_it_and_for_whom_the_target_stayed \
    '[0,"r-000003",[["off","r-000003",["r-000002"]],["off","r-000003",["r-000002"]]]]' "$(standing r-000001)"
check what_one_run_lets_go_of_the_other_still_holds \
    '["first on r-000002 0/1","second on r-000002 0/3"]' "$(contained)"
check and_nothing_was_written 0 "$(grep -c "^restore first" "$work/effects/effects.log")"
check it_says_who_wants_it 1 "$(grep -c 'noop.set *first *nothing was written: still wanted by r-000002' "$work/out")"
check the_last_one_has_what_was_there_before_the_first null \
    "$(cordon contained --json | jq -c '.holds[0].before.value')"
cordon release h-000002-1 --run r-000001 >"$work/out" 2>&1
check a_run_that_has_let_go_cannot_do_so_again 1 "$(grep -c 'r-000001 does not want what h-000002-1 holds' "$work/out")"
cordon release h-000002-1 --reason "it is over" >"$work/out" 2>&1
check one_hold_is_released_alone '["second on r-000002 0/3"]' "$(contained)"
check what_is_released_in_part_is_counted_so '[1,"r-000004"]' "$(standing r-000002 | jq -c '.[:2]')"
cordon rollback r-000002 >"$work/out" 2>&1
check a_list_of_runs_counts_it_too '[0,"r-000005"]' "$(cordon runs --json | jq -c '.runs[] | select(.run == "r-000002") | [.in_place, .undone.by]')"
check what_was_undone_is_listed_no_more '[]' "$(contained)"

: >"$work/out"
cordon run "$work/slow.lua" >"$work/out" 2>&1 &
runner=$!
await_from "$runner" grep -q "noop.set" "$work/out"
kill_engine
wait "$runner"
check after_a_crash_in_the_middle_it_is_listed_too '["first on r-000006 0/1"]' "$(contained)"
cordon watch r-000006 >"$work/out" 2>&1
both='["first on r-000006 0/1","second on r-000006 0/3"]'
check and_all_of_it_when_the_run_is_over "$both" "$(contained)"
cordon doctor --rebuild >"$work/out" 2>&1
check the_same_is_listed_when_the_index_was_made_again "$both" "$(contained)"

# What happens when the time of a hold is over.
cat >"$work/times.lua" <<'EOF'
local noop = use "noop"
return playbook { name = "times", summary = "three changes for a time",
  run = function(p, ctx)
    noop.set { target = "asks", value = "x", expires = "1s", on_expire = "ask" }
    noop.set { target = "extends", value = "x", expires = "1s", on_expire = "extend" }
    noop.set { target = "goes", value = "x", expires = "1s" }
  end }
EOF
sed 's/expires = "1s", //' "$work/times.lua" >"$work/wrong.lua"
cordon check "$work/wrong.lua" >"$work/out" 2>&1
check on_expire_alone_is_refused 2 "$(grep -c 'noop.set: on_expire wants expires beside it' "$work/out")"
cordon check "$work/times.lua" >"$work/out" 2>&1
check with_expires_it_is_right 0 $?
cordon run "$work/times.lua" >"$work/out" 2>&1
run=$(grep -o 'r-00000[0-9]' "$work/out" | head -n 1)
hold() { cordon contained --json | jq -c --arg t "$1" ".holds[] | select(.target == \$t) | $2"; }
wait_for() { # wait_for WANTED COMMAND...: until the command prints it
    for _ in $(seq 600); do
        [ "$("${@:2}")" = "$1" ] && break
        sleep 0.1
    done
    "${@:2}"
}
check what_expires_and_says_nothing_goes_by_itself "" "$(wait_for "" hold goes .state)"
check what_asks_is_still_there_and_names_the_gate true "$(wait_for true hold asks '.gate != null')"
gate=$(hold asks .gate | tr -d '"')
cordon contained >"$work/out" 2>&1
check the_table_says_where_to_answer 1 "$(grep -c "its time is over: cordon gates $gate" "$work/out")"
check what_extends_has_been_extended_and_goes_on true "$(wait_for true hold extends '.extended >= 2 and .until != null')"
cordon answer "$gate" keep >"$work/out" 2>&1
check what_is_kept_says_so_and_has_no_time '["r-'"${gate:2:6}"'",null]' "$(hold asks '[.kept_in,.until]')"
check it_is_shown_in_its_rollback 1 "$(cordon show "r-${gate:2:6}" | grep -c 'kept .*stays until it is released')"
cordon doctor --rebuild >"$work/out" 2>&1
check the_index_made_again_knows_it '["r-'"${gate:2:6}"'",null]' "$(hold asks '[.kept_in,.until]')"
cordon rollback "$run" >"$work/out" 2>&1
check all_of_it_goes_with_a_rollback "" "$(hold asks .state)$(hold extends .state)"
check each_was_put_back_once 1 "$(grep -c "^restore asks" "$work/effects/effects.log")"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
