#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the commands promise, with an engine that answers from a script.
#
#   CORDON=build/release/cordon tests/cli/run.sh [part of a test's name]
#
# Each test is a function whose name is a sentence, and has a state directory of its own.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.sh
. "$here/../wait.sh"
root=$(cd "$here/../.." && pwd)
CORDON=$(realpath -m "${CORDON:-$root/build/release/cordon}")
wanted=${1:-}
tmp=$(mktemp -d)
engine=
trap 'stop; rm -rf "$tmp"' EXIT

# The commands under test must not see what the person who tests has set.
unset CORDON_STATE CORDON_CONFIG CORDON_LIBEXEC NO_COLOR
export CORDON_PLAYBOOKS=$tmp/playbooks
mkdir -p "$tmp/playbooks"
self=$here/$(basename "$0")
cd "$tmp" || exit 1 # and not the tree's own ./playbooks either
echo 'return playbook {}' >"$tmp/playbooks/contain-app-service.lua"
echo 'return {}' >"$tmp/playbooks/contain-app-service.test.lua"

commands="run plan gates approve deny answer runs show watch contained rollback recover
release retry settle cancel halt resume check test actions plugins doctor signal engine version help
gate key policy break-glass review"

# -- The scripted engine -----------------------------------------------------------------

# start [SCRIPT]: an engine for $state that answers from the script.
start() {
    : >"$state/ready" # the next wait must not find what an earlier process printed
    python3 "$here/fake_engine.py" "${1:-$here/script.json}" --state "$state" \
        >"$state/ready" 2>"$state/engine.err" &
    engine=$!
    # Without it a command would start a real engine, which knows nothing of the script.
    await_from "$engine" test -s "$state/ready" || {
        wrong+="  the scripted engine did not start: $(cat "$state/engine.err")"$'\n'
        return 1
    }
}

stop() {
    if [[ -n $engine ]]; then
        kill "$engine" 2>/dev/null
        wait "$engine" 2>/dev/null
    fi
    engine=
}

# cordon WORDS...: the output in $out, what went to standard error in $err, $status.
cordon() {
    timeout 20 "$CORDON" "$@" --state "$state" >"$state/out" 2>"$state/err" </dev/null
    status=$?
    out=$(<"$state/out")
    err=$(<"$state/err")
}

# bare WORDS...: the same without --state.
bare() {
    timeout 20 "$CORDON" "$@" >"$state/out" 2>"$state/err" </dev/null
    status=$?
    out=$(<"$state/out")
    err=$(<"$state/err")
}

# on_terminal TYPED WORDS...: with a terminal, on which TYPED is typed.
on_terminal() {
    local typed=$1
    shift
    out=$(printf '%b' "$typed" | timeout 20 python3 "$here/terminal.py" "$CORDON" "$@" \
        --state "$state" 2>&1)
    status=$?
}

# asked VERB: the arguments of the last ask of that verb.
asked() {
    grep "\"verb\": \"$1\"" "$state/asked.jsonl" | tail -n 1 | jq -c .args
}

# -- What a test says --------------------------------------------------------------------

wrong=
is() {
    [[ $2 == "$3" ]] || wrong+="  $1: wanted '$3', was '$2'"$'\n'
}
has() {
    [[ $2 == *"$3"* ]] || wrong+="  $1: wanted '$3' in: $2"$'\n'
}
lacks() {
    [[ $2 != *"$3"* ]] || wrong+="  $1: did not want '$3' in: $2"$'\n'
}
exits() {
    is "exit code of $1" "$status" "$2"
}
is_json() {
    jq -es 'length == 1' <<<"$2" >/dev/null 2>&1 || wrong+="  $1: not one JSON document: $2"$'\n'
}

# -- Words -------------------------------------------------------------------------------

every_command_has_a_page_with_usage_options_and_an_example() {
    for command in $commands; do
        bare "$command" --help
        exits "$command --help" 0
        has "$command" "$out" "  cordon $command"
        has "$command" "$out" "--help"
        has "$command" "$out" "example"
        bare help "$command"
        exits "help $command" 0
    done
}

help_lists_every_command() {
    bare help
    for command in $commands azsim; do
        has help "$out" "  $command "
    done
    bare
    has "no words" "$out" "exit codes"
}

a_misspelt_command_is_answered_with_the_nearest() {
    bare rnu
    exits rnu 2
    has rnu "$err" "did you mean run"
    bare qwertyuiop
    exits qwertyuiop 2
    has qwertyuiop "$err" "see cordon help"
}

a_misspelt_option_is_answered_with_the_nearest_that_this_command_takes() {
    bare runs --jsno
    exits --jsno 2
    has --jsno "$err" "did you mean --json?"
    bare runs --param a=b
    exits "--param of runs" 2
    has "--param of runs" "$err" "cordon runs has no option --param"
}

wrong_words_and_values_exit_2() {
    bare run
    exits "run without a playbook" 2
    bare show
    exits "show without a run" 2
    bare show r-1 r-2
    exits "show with two" 2
    bare show banana
    exits "show banana" 2
    has "show banana" "$err" "is no run"
    bare run contain-app-service --param novalue
    exits "--param without =" 2
    has "--param without =" "$err" "NAME=VALUE"
    bare run contain-app-service --param a=1 --param a=2
    exits "a parameter twice" 2
    bare runs --limit many
    exits "--limit many" 2
    bare runs --only waitng
    exits "--only waitng" 2
    has "--only waitng" "$err" "did you mean waiting"
    bare settle r-1 u/1 leve
    exits "settle leve" 2
    has "settle leve" "$err" "did you mean leave"
    bare halt everything
    exits "halt everything" 2
    bare rollback r-1 --step 0/1 --target x
    exits "rollback with both" 2
    bare deny g-1-1
    exits "deny without a reason" 2
    has "deny without a reason" "$err" "--reason"
    bare plugins tust x.so
    exits "plugins tust" 2
    has "plugins tust" "$err" "did you mean trust"
}

a_mistake_with_json_is_told_in_json() {
    bare show banana --json
    exits "show banana" 2
    is_json "show banana" "$out"
    is code "$(jq -r .code <<<"$out")" invalid
}

version_says_which() {
    bare version
    exits version 0
    has version "$out" "cordon 0."
    bare version --json
    is_json version "$out"
}

# -- Files -------------------------------------------------------------------------------

an_unknown_playbook_names_where_it_was_looked_for_and_the_nearest() {
    cordon run contain-app-servic
    exits run 2
    has run "$err" "did you mean contain-app-service"
    cordon run zzz
    has zzz "$err" "$tmp/playbooks"
    cordon run "$tmp/nothing.lua"
    exits nothing.lua 2
    has nothing.lua "$err" "No such file"
    cordon run "$tmp/"
    exits "a folder" 2
}

a_playbook_that_is_no_text_is_refused() {
    printf 'return \xff\xfe' >"$state/bad.lua"
    cordon run "$state/bad.lua"
    exits bad.lua 2
    has bad.lua "$err" "not UTF-8"
}

a_bad_alert_is_refused_with_its_place_before_anything_starts() {
    printf '{"a":1,}' >"$state/comma.json"
    printf '{"a":1' >"$state/cut.json"
    printf '{"a":1,"a":2}' >"$state/twice.json"
    head -c 10485760 /dev/zero | tr '\0' ' ' >"$state/large.json"
    for file in comma cut twice large; do
        cordon run contain-app-service --alert "$state/$file.json"
        exits "$file" 2
        has "$file" "$err" "$file.json"
        case $file in
        large) has "$file" "$err" "larger than 1024 KiB" ;;
        *) has "$file" "$err" "line 1" ;;
        esac
    done
    [[ -e $state/cordon.sock ]] && wrong+="  an engine was started"$'\n'
    printf '[1]' >"$state/list.json"
    cordon run contain-app-service --param-file "$state/list.json"
    exits list.json 2
}

what_is_asked_is_what_was_said() {
    start
    printf '{"id": "a-1"}' >"$state/alert.json"
    printf '{"n": 5}' >"$state/params.json"
    cordon run contain-app-service --alert "$state/alert.json" --param "ips=203.0.113.7" \
        --param 'odd="x"=y' --param-file "$state/params.json"
    args=$(asked run)
    is name "$(jq -r .playbook.name <<<"$args")" contain-app-service
    is source "$(jq -r .playbook.source <<<"$args")" "return playbook {}"
    is alert "$(jq -r .alert_text <<<"$args")" '{"id": "a-1"}'
    is param "$(jq -r .params.ips <<<"$args")" 203.0.113.7
    is odd "$(jq -r .params.odd <<<"$args")" '"x"=y'
    is file "$(jq -c .params_json <<<"$args")" '{"n":5}'
    is follow "$(jq -r .follow <<<"$args")" true
    timeout 20 "$CORDON" run contain-app-service --alert - --detach --state "$state" \
        <"$state/alert.json" >/dev/null 2>&1
    is stdin "$(asked run | jq -r .alert_text)" '{"id": "a-1"}'
    is detached "$(asked run | jq -r .follow)" false
}

# -- Following ---------------------------------------------------------------------------

a_run_without_a_person_stops_at_the_gate_with_what_to_type() {
    start
    cordon run contain-app-service
    exits run 3
    has read "$out" "read    azure.appservice.get"
    has finished "$out" "done    azure.appservice.block_ips"
    has diff "$out" 'rules: [] -> ["203.0.113.7/32"]'
    has gate "$out" "GATE g-000001-1  Stop shop-web and remove its role assignments"
    has permanent "$out" "the old value is disabled"
    has approve "$out" "cordon approve g-000001-1"
    # shellcheck disable=SC1003
    has note "$out" 'note    owner told \x1b[31mred\u{202E}'
    lacks "a colour" "$out" $'\033'
    lacks "a turned line" "$out" $'\u202e'
}

an_approval_names_the_digest_of_what_was_shown() {
    start
    cordon approve g-1-1 --yes --reason agreed
    exits approve 0
    has shown "$out" "1. azure.appservice.stop"
    has finished "$out" "r-000001 done"
    has recovered "$out" "found so when looked at, not sent again"
    is digest "$(asked approve | jq -r .digest)" d1d2d3d4d5d6d7d8
    is reason "$(asked approve | jq -r .reason)" agreed
    is gate "$(asked approve | jq -r .gate)" g-000001-1
    cordon approve r-1 --digest abcd
    is "digest given" "$(asked approve | jq -r .digest)" abcd
}

nobody_approves_by_reading_a_gate_into_a_pipe() {
    start
    cordon approve g-1-1 --reason agreed
    exits approve 3
    has shown "$out" "1. azure.appservice.stop"
    has why "$err" "no terminal to ask at"
    cordon gates g-000001-1
    exits gates 0
    has shown "$out" "1. azure.appservice.stop"
    cordon gates g-000001-1 --json
    is gate "$(jq -r .gate <<<"$out")" g-000001-1
    is approvals "$(grep -c '"verb": "approve"' "$state/asked.jsonl")" 0
}

a_denial_exits_4() {
    start
    cordon deny g-000001-1 --reason no
    exits deny 4
    has deny "$out" "denied by bob"
}

a_person_at_a_terminal_is_asked_and_carries_the_run_on() {
    start
    on_terminal 'd\ny\nlooks right\n' run contain-app-service
    exits run 0
    has question "$out" "approve? [y/N/details]"
    has details "$out" "abcdefabcdefabcdef"
    has finished "$out" "r-000001 done"
    is reason "$(asked approve | jq -r .reason)" "looks right"
}

a_person_who_says_no_leaves_the_run_parked() {
    start
    on_terminal '\n' run contain-app-service
    exits run 3
    has hint "$out" "cordon approve g-000001-1"
    is approvals "$(grep -c '"verb": "approve"' "$state/asked.jsonl")" 0
    on_terminal 'n\n' approve g-000001-1
    exits approve 3
    is approvals "$(grep -c '"verb": "approve"' "$state/asked.jsonl")" 0
}

a_gate_in_the_list_shows_how_far_each_demand_is() {
    jq '.gates[0][0].reply.gates[0] += {votes: [{"who": "bob", "yes": true}], approvals: [{"from": ["ops"], "have": 1, "need": 1},
        {"from": ["lead", "boss"], "have": 0, "need": 2}]}' "$here/script.json" >"$state/demands.json"
    start "$state/demands.json"
    cordon gates
    has approved "$out" "1 of 1 ops; 0 of 2 lead, boss"
}

who_cannot_approve_is_told_why_and_not_asked() {
    jq '.may_vote = [[{"reply": {"code": "own_playbook", "error": "bob wrote this version of playbook x"}, "exit": 4}]]' \
        "$here/script.json" >"$state/barred.json"
    start "$state/barred.json"
    on_terminal 'y\nlooks right\n' run contain-app-service
    exits run 3
    has why "$out" "bob wrote this version of playbook x"
    has hint "$out" "cordon approve g-000001-1"
    lacks question "$out" "approve? [y"
    is approvals "$(grep -c '"verb": "approve"' "$state/asked.jsonl")" 0
}

colours_are_for_terminals_that_want_them() {
    start
    on_terminal '\n' runs
    has coloured "$out" $'\033['
    NO_COLOR=1 on_terminal '\n' runs
    lacks NO_COLOR "$out" $'\033['
}

following_in_json_is_a_line_an_event_and_then_the_reply() {
    start
    cordon run contain-app-service --json
    exits run 3
    is lines "$(jq -c . <<<"$out" | wc -l)" 8
    is last "$(tail -n 1 <<<"$out" | jq -r .gate)" g-000001-1
    is first "$(head -n 1 <<<"$out" | jq -r .accepted)" true
}

an_engine_that_is_killed_is_told_with_how_to_go_on() {
    start
    cordon watch r-1
    exits watch 1
    has open "$out" "under way when the engine ended"
    has hint "$err" 'cordon watch r-000001'
}

an_engine_that_ends_as_we_come_is_asked_again() {
    jq '. + {resets: 2}' "$here/script.json" >"$state/resets.json"
    start "$state/resets.json"
    cordon runs
    exits runs 0
    has runs "$out" r-000002
}

interrupting_a_command_leaves_the_run_and_says_how_to_go_on() {
    start
    "$CORDON" recover r-3 --state "$state" >"$state/out" 2>"$state/err" </dev/null &
    local pid=$!
    await_from "$pid" test -e "$state/asked.jsonl" || wrong+="  nothing was asked"$'\n'
    sleep 0.3
    # A shell starts what runs beside it with SIGINT ignored; the command listens all the same.
    kill -INT "$pid"
    wait "$pid"
    status=$?
    exits recover 130
    has hint "$(<"$state/err")" "cordon watch r-000003"
    has hint "$(<"$state/err")" "cordon cancel r-000003"
}

a_drift_exits_5_and_shows_three_states() {
    start
    cordon rollback r-000001
    exits rollback 5
    has before "$out" "before"
    has now "$out" "<- changed by others"
    has settle "$out" "cordon settle r-000002 u/1 leave"
    is run "$(asked rollback | jq -r .run)" r-000001
    cordon settle 2 u/1 restore --reason "it was us"
    exits settle 0
    is choice "$(asked settle | jq -r .choice)" restore
    is step "$(asked settle | jq -r .step)" u/1
}

# -- Tables ------------------------------------------------------------------------------

each_reading_command_prints_a_table_or_one_json_document() {
    start
    for words in runs gates contained "show r-1" actions "actions azure.appservice.stop" \
        plugins halt doctor "check contain-app-service" "test contain-app-service" \
        "plan contain-app-service" "doctor --rebuild" "halt all" "resume all" "cancel r-1"; do
        # shellcheck disable=SC2086
        cordon $words --json
        is_json "$words" "$out"
        # shellcheck disable=SC2086
        cordon $words
        [[ -n $out ]] || wrong+="  $words prints nothing"$'\n'
        is "error output of $words" "$err" ""
    done
}

a_run_that_is_watched_tells_what_it_did_until_now() {
    start
    cordon watch r-7
    exits watch 3
    has before "$out" "done    azure.appservice.stop               sites/shop-web  1.1 s"
    has diff "$out" 'state: "Running" -> "Stopped"'
    has "an old drift" "$out" "drift"
    lacks "an old drift" "$out" "cordon settle"
    has sleep "$out" "sleeps until 2030-03-17T17:46:40Z"
    has "a wait that a service asked for" "$out" "waits until 2030-03-17T17:46:40Z"
    has "what the service said" "$out" "because the service said: Too many requests."
    has "how it goes on" "$out" "cordon engine"
    is past "$(asked watch | jq -r .past)" true
}

closed_gate() { # an engine whose gate is over
    jq '.gate[0][0].reply.state = "denied"' "$here/script.json" >"$state/closed.json"
    start "$state/closed.json"
}

a_gate_that_is_over_is_said_to_be_and_asks_nobody() {
    closed_gate
    cordon approve g-000001-1
    exits approve 1
    has approve "$err" "gate g-000001-1 is denied; a late vote changes nothing"
    lacks "who reads it" "$err" "no terminal"
    cordon approve g-000001-1 --yes --json
    exits json 1
    is code "$(jq -r .code <<<"$out")" gate_closed
    is votes "$(grep -c '"verb": "approve"' "$state/asked.jsonl")" 0
    cordon gates g-000001-1
    has gates "$out" "gate g-000001-1 is denied; a late vote changes nothing"
    lacks gates "$out" "cordon approve"
    lacks gates "$out" ", then:"
}

a_gate_shows_the_digest_that_digest_takes() {
    start
    cordon gates g-000001-1
    has digest "$out" "gate digest     d1d2d3d4d5d6d7d8"
}

what_is_refused_for_machines_is_one_line_of_json() {
    start
    cordon approve g-000001-1 --json
    exits approve 3
    is_json approve "$out"
    is code "$(jq -r .code <<<"$out")" not_asked
    is "error output" "$err" ""
    bare nonesuch --json
    exits nonesuch 2
    is_json nonesuch "$out"
    cordon gate export g-000001-1 --json --out "$state/a\"b.json"
    exits export 0
    is_json export "$out"
    is file "$(jq -r .file <<<"$out")" "$state/a\"b.json"
}

nothing_is_signed_where_nobody_can_be_asked() {
    start
    cordon gate export g-000001-1 --out "$state/gate.json"
    cordon gate import "$state/gate.json" --deny
    exits import 2
    has import "$err" "--deny does nothing with cordon gate import"
    cordon gate
    exits gate 2
    lacks "one line" "$err" '\x0a'
}

a_reason_of_spaces_is_none() {
    start
    for words in "deny g-000001-1" "break-glass r-1" "review r-1" "key revoke k-1"; do
        # shellcheck disable=SC2086
        cordon $words --reason "  "
        exits "$words" 2
        has "$words" "$err" "wants a reason"
    done
    is asked "$(cat "$state/asked.jsonl" 2>/dev/null)" ""
}

a_run_that_is_not_followed_is_named() {
    jq '.run = [[{"reply": {"accepted": true, "run": "r-000009"}}]]' "$here/script.json" \
        >"$state/detached.json"
    start "$state/detached.json"
    cordon run contain-app-service --detach
    exits run 0
    has name "$out" "cordon watch r-000009"
}

a_halt_says_how_it_is_lifted_and_what_is_still_halted() {
    jq '.halts = [[{"reply": {"halts": [{"scope": "plugin:azure", "who": "bob", "at": 1, "why": null}]}}]]
        | .plugins = [[{"reply": {"plugins": [{"name": "azure"}]}}]]' "$here/script.json" >"$state/halts.json"
    start "$state/halts.json"
    cordon halt plugin:azure
    has lifted "$out" '"cordon resume plugin:azure"'
    is "a known plugin" "$err" ""
    cordon halt plugin:azur
    exits halt 0
    has "a misspelt plugin" "$err" "plugin:azur stops nothing now"
    cordon resume all
    has rest "$out" "still halted: plugin:azure"
}

who_decides_is_not_shown_again_what_was_but_every_line_has_its_name() {
    start
    cordon settle r-7 0/5 applied
    exits settle 0
    lacks before "$out" "run     r-000007"
    has finished "$out" "done    azure.appservice.stop"
}

a_run_that_a_halt_holds_says_so_once() {
    start
    cordon recover r-8
    exits recover 0
    is times "$(grep -c 'held    by a halt of all, by bob: wait  (cordon resume all)' <<<"$out")" 1
    lacks "another playbook's" "$out" "playbook:other"
}

a_signal_is_sent_as_json_or_as_text() {
    start
    cordon signal r-1 cleaned '{"n": 3}'
    exits signal 0
    is value "$(asked signal | jq -c .value)" '{"n":3}'
    is name "$(asked signal | jq -r .name)" cleaned
    cordon signal r-1 cleaned "all of it"
    is text "$(asked signal | jq -r .value)" "all of it"
    cordon signal r-1 cleaned
    is "no value" "$(asked signal | jq -c .value)" null
    cordon signal r-1
    exits "signal without a name" 2
}

an_alert_is_forced_only_when_that_is_said() {
    start
    cordon run contain-app-service
    is "not forced" "$(asked run | jq -r .force)" null
    cordon run contain-app-service --force
    is forced "$(asked run | jq -r .force)" true
    cordon plan contain-app-service --force
    is "a forced plan" "$(asked plan | jq -r .force)" true
}

a_plan_that_fails_shows_what_it_found_and_the_error_once() {
    printf '{"plan": [[{"reply": {"changes": [], "reads": 1, "state": "failed", "error": {"code": "NotFound", "message": "no such site", "action": "x.get"}}, "exit": 1}]]}' \
        >"$state/failed.json"
    start "$state/failed.json"
    cordon plan contain-app-service
    exits plan 1
    has plan "$out" "the plan ends here: no such site (NotFound, from x.get"
    is "nothing twice" "$err" ""
}

check_takes_a_folder_of_playbooks_as_it_is() {
    start
    echo 'return { rules = {} } -- no playbook { here' >"$tmp/playbooks/policy.lua"
    cordon check "$tmp"/playbooks/*.lua
    is "sent as a policy" "$(asked check | jq -r .policy.name)" policy
    has tests "$out" '1 test left to "cordon test"'
    is asks "$(grep -c '"verb": "check"' "$state/asked.jsonl")" 2
    rm "$tmp/playbooks/policy.lua"
}

what_a_preview_cuts_short_and_assumes_is_shown_wherever_it_is() {
    local limits='{more: "what follows depends on another run",
        assumes: ["approval \"go on\" is given", "0/2 noop.set on b ends as planned"]}'
    jq "$limits as \$l | .plan[0][0].reply += \$l
        | .explain = [[{reply: ({run: \"r-000001\", steps: []} + \$l)}]]
        | .rollback = [[{reply: ({changes: []} + \$l)}]] | .gate[0][0].reply.body += \$l" \
        "$here/script.json" >"$state/limits.json"
    start "$state/limits.json"
    for words in "plan contain-app-service" "policy explain contain-app-service" \
        "policy explain r-1" "rollback r-1 --plan" "gates g-000001-1"; do
        # shellcheck disable=SC2086
        cordon $words
        has "$words" "$out" ": what follows depends on another run"
        has "$words" "$out" "More may follow"
        has "$words" "$out" 'Assumed: approval "go on" is given'
        has "$words" "$out" "Assumed: 0/2 noop.set on b ends as planned"
    done
}

a_call_that_takes_long_is_named_while_it_lasts() {
    local call='{"event": {"at": 1800000000000, "kind": "call", "run": "r-000001", "body": {"a": "azure.appservice.get",
        "args": {"id": "x"}, "b": "0", "n": 1, "op": "read", "t": ""}}}'
    jq --argjson call "$call" '.run[0] |= [.[0], $call, $call] + .[1:]
        | .plan[0] |= [$call] + .' "$here/script.json" >"$state/slow.json"
    start "$state/slow.json"
    for words in "plan contain-app-service" "run contain-app-service"; do
        # shellcheck disable=SC2086
        cordon $words
        is "error output of $words" "$err" "cordon: waits for azure.appservice.get id=x (read) since 08:00:00.000"
        # shellcheck disable=SC2086
        cordon $words --json
        is "error output of $words --json" "$err" ""
        lacks "$words --json" "$out" '"call"'
        # shellcheck disable=SC2086
        on_terminal '\n' $words
        has "$words on a terminal" "$out" $'\r\033[K  waits for azure.appservice.get id=x (read)\r\033[K'
    done
}

actions_are_listed_by_the_prefix_that_use_takes() {
    start
    for prefix in azure azure.appservice; do
        cordon actions "$prefix"
        exits "actions $prefix" 0
        has "actions $prefix" "$out" "azure.appservice.stop"
        cordon actions "$prefix" --json
        is "actions $prefix --json" "$(jq -c '[.actions[].name]' <<<"$out")" \
            '["azure.appservice.stop"]'
    done
    for name in azure.appserv azure. azure.appservice.stop.now stop; do
        cordon actions "$name"
        exits "actions $name" 2
    done
}

# resulting RESULT WORDS...: how an action with that result is shown.
resulting() {
    jq --argjson result "$1" '.actions[0][0].reply.actions[0].result = $result' \
        "$here/script.json" >"$state/result.json"
    start "$state/result.json"
    cordon actions azure.appservice.stop
    shift
    for word in "$@"; do
        has "a result" "$out" "$word"
    done
    stop
}

the_result_of_an_action_is_shown_with_all_members_also_those_of_a_list() {
    resulting '{"type": "array", "items": {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string"}, "role_name": {"type": "string", "description": "such as Owner"}}}}' \
        "result, a list of" "  id         needed  string" "role_name" "such as Owner"
    lacks "a list" "$out" none
    resulting '{"type": "array", "items": {"type": "string"}}' "array of string"
    resulting '{"type": "integer"}' "  integer"
    resulting '{"type": "object", "properties": {"rules": {"type": "array", "items": {"type": "object",
        "properties": {"priority": {"type": "integer"}}}}}}' "array of object" "    priority"
    resulting '{"type": "object"}' "  none"
}

a_run_that_was_left_for_one_that_it_called_is_followed_to_its_last_row() {
    cat >"$state/left.json" <<'END'
{"recover": [[{"event": {"seq": 1, "run": "r-000005", "kind": "start", "body": {}}},
    {"reply": {"run": "r-000005", "state": "running", "child": "r-000006"}, "exit": 3}]],
 "watch r-000006": [[{"event": {"seq": 2, "run": "r-000006", "kind": "start", "body": {}}},
    {"reply": {"run": "r-000006", "state": "running", "child": "r-000007"}, "exit": 3}],
    [{"event": {"seq": 9, "run": "r-000006", "kind": "end", "body": {"s": 4}}},
    {"reply": {"run": "r-000006", "state": "done"}, "exit": 0}]],
 "watch r-000007": [[{"event": {"seq": 3, "run": "r-000007", "kind": "start", "body": {}}},
    {"reply": {"run": "r-000007", "state": "done"}, "exit": 0}]],
 "watch r-000005": [[{"reply": {"run": "r-000005", "state": "done"}, "exit": 0}]]}
END
    start "$state/left.json"
    cordon recover r-000001 --json
    exits recover 0
    is "rows, each once" "$(jq -r '.seq // empty' <<<"$out" | paste -sd' ')" "1 2 3 9"
    is "the last line" "$(tail -n 1 <<<"$out" | jq -r .run)" r-000005
}

contained_tells_what_where_and_how_to_release_it() {
    start
    cordon contained
    has what "$out" "block 203.0.113.7"
    has until "$out" "it is released"
    jq '.contained[0][0].reply.holds[0].what = "word " * 40 + "end"' "$here/script.json" \
        >"$state/long.json"
    stop
    start "$state/long.json"
    cordon contained
    has "all of it on a pipe" "$out" "word end"
    has where "$out" sites/shop-web
    has release "$out" "cordon release h-000001-2"
    jq '.contained[0][0].reply.holds[0] += {"runs": ["r-000001", "r-000004"],
        "approved_by": ["change-manager-1"]}' "$here/script.json" >"$state/shared.json"
    stop
    start "$state/shared.json"
    cordon contained
    has "all runs" "$out" "wanted by r-000001, r-000004, approved by change-manager-1"
    is "lines that are longer than 80 columns, but for targets" \
        "$(awk 'length > 80 && !/^  \/subscriptions/' <<<"$out")" ""
    has "what rollback --target takes" "$out" \
        "  $(jq -r '.contained[0][0].reply.holds[0].target' "$here/script.json")"
}

doctor_minds_who_may_write_to_the_state_directory_or_read_it() {
    start
    local mode
    for mode in 700 710 2710; do
        chmod "$mode" "$state"
        cordon doctor
        has "$mode" "$out" "ok      state directory"
    done
    for mode in 720 704 702; do
        chmod "$mode" "$state"
        cordon doctor
        exits "doctor of $mode" 1
        has "$mode" "$out" "not ok  state directory"
    done
}

show_tells_the_whole_story() {
    start
    cordon show 1
    exits show 0
    has approved "$out" "approved by bob; policy: high-risk"
    has undone "$out" "undone by r-000002"
    has child "$out" "r-000002  done  contain-app-service (rollback)"
}

check_prints_file_line_and_column_and_exits_1() {
    start
    cordon check contain-app-service
    exits check 1
    has place "$out" "playbooks/contain-app-service.lua:3:7: unknown action"
    cordon check contain-app-service
    exits "a clean check" 0
    has clean "$out" "nothing wrong"
}

test_counts_what_passed_and_failed() {
    start
    cordon test "$tmp/playbooks/contain-app-service.test.lua"
    exits test 1
    has ok "$out" "ok      it stops the site"
    has "not ok" "$out" "not ok  it asks first"
    has place "$out" "test.lua:9: wanted approve, was stop"
    is last "$(tail -n 1 <<<"$out")" "1 passed, 1 failed"
    is source "$(asked test | jq -r .test.source)" "return {}"
    echo 'return playbook {}' >"$state/untested.lua"
    cordon test "$state/untested.lua"
    exits "a playbook without a test" 2
    has "a playbook without a test" "$err" "untested.test.lua"
    is "no count of what did not run" "$out" ""
}

an_unknown_action_is_answered_with_the_nearest() {
    start
    cordon actions azure.appservice.stopp
    exits actions 2
    has actions "$err" "did you mean azure.appservice.stop"
    cordon actions azure.appservice.stop
    has schema "$out" "arm-id of Microsoft.Web/sites"
}

plugins_are_trusted_by_the_path_of_their_file() {
    start
    touch "$state/azure.so"
    cordon plugins trust "$state/azure.so"
    exits trust 0
    is path "$(asked trust | jq -r .path)" "$(realpath "$state/azure.so")"
    has trust "$out" "azure 1.0.0 is trusted"
    cordon plugins trust "$state/no.so"
    exits "trust of nothing" 2
}

what_the_engine_refuses_is_one_sentence_and_its_exit_code() {
    printf '{"run": [[{"reply": {"error": "unknown parameter apps, did you mean app?", "code": "params"}, "exit": 2}]], "show": [[{"reply": {"error": "no run r-000009", "code": "not_found"}, "exit": 1}]]}' \
        >"$state/refuse.json"
    start "$state/refuse.json"
    cordon run contain-app-service --param apps=x
    exits run 2
    is run "$err" "cordon: unknown parameter apps, did you mean app?"
    cordon show r-9
    exits show 1
    is show "$err" "cordon: no run r-000009"
    is "nothing else" "$out" ""
}

the_state_directory_comes_from_the_option_or_the_environment() {
    start
    out=$(CORDON_STATE=$state timeout 20 "$CORDON" runs)
    has environment "$out" r-000002
    out=$(CORDON_STATE=/nowhere/at/all timeout 20 "$CORDON" runs "--state=$state")
    has option "$out" r-000002
}

the_simulator_that_is_missing_is_said_with_what_to_set() {
    CORDON_LIBEXEC=$state bare azsim --port 1
    exits azsim 1
    has azsim "$err" CORDON_LIBEXEC
}

azsim_gets_its_words_as_they_are() {
    # shellcheck disable=SC2016
    printf '#!/bin/sh\necho "got: $*"\n' >"$state/azsim"
    chmod +x "$state/azsim"
    CORDON_LIBEXEC=$state bare azsim --world x.json --help
    exits azsim 0
    is words "$out" "got: --world x.json --help"
}

an_engine_that_stays_says_when_it_is_ready_and_ends_when_told() {
    "$CORDON" engine --state "$state/new" >"$state/out" 2>"$state/err" &
    local pid=$!
    await_from "$pid" test -s "$state/out" >/dev/null
    is ready "$(<"$state/out")" "the engine of $state/new is ready"
    bare runs --state "$state/new"
    is runs "$out" "no runs"
    sleep 1 # longer than an engine lingers that does not stay
    bare engine --state "$state/new"
    exits "a second one" 1
    has "a second one" "$err" "already"
    kill -TERM "$pid"
    wait "$pid"
    is "its exit code" $? 0
}

# -- Starting an engine ------------------------------------------------------------------

# The engines that were started for $state; they end by themselves.
engines() {
    local pid
    for pid in /proc/[0-9]*; do
        { tr "\\0" " " <"$pid/cmdline"; } 2>/dev/null | grep -q -- "--internal-engine --state $state/" &&
            echo "${pid#/proc/}"
    done
}
no_engine() {
    [[ -z $(engines) ]]
}

an_engine_is_started_when_nobody_listens_and_ends_when_nobody_is_left() {
    bare plugins untrust none --state "$state/new" # makes the state directory
    bare runs --state "$state/new"
    exits runs 0
    is runs "$out" "no runs"
    [[ -e $state/new/journal.db ]] || wrong+="  there is no journal"$'\n'
    await no_engine >/dev/null
    is "engines left" "$(engines)" ""
}

# Every command about what is there already, and those that only read files.
about_records="alerts|alerts --unreadable|explain a-000001|contained|contained --check|gates|gates g-000001-1|gate export g-000001-1|halt|key list|runs|show r-000001|token list|user list|watch r-000001|approve g-000001-1 --yes|deny g-000001-1 --reason x|answer g-000001-1 yes|rollback r-000001 --reason x|recover r-000001|settle r-000001 1 leave|cancel r-000001 --reason x|retry r-000001|release r-000001|signal r-000001 go|resume all|break-glass r-000001 --reason x --yes|review r-000001 --reason x|key revoke k-1 --reason x|token revoke x --reason x|doctor --rebuild"
files_only="actions|plugins|policy show|notify list|doctor"

a_command_about_what_is_there_starts_no_engine_where_none_ever_ran() {
    local words count=0
    mkdir -m 700 "$state/empty"
    while IFS= read -r -d '|' words; do
        for place in empty new; do
            # shellcheck disable=SC2086 # several words
            bare ${words} --state "$state/$place"
            exits "$words in $place" 1
            has "$words in $place" "$err" "no engine runs for the state directory $state/$place"
            has "$words in $place" "$err" "cordon engine --state $state/$place"
            lacks "$words in $place" "$out" "no "
            [[ ! -e $state/new ]] || wrong+="  $words made $state/new"$'\n'
            is "files that $words made" "$(ls "$state/empty")" ""
        done
        count=$((count + 1))
    done <<<"$about_records|"
    is "commands" $count 31
    while IFS= read -r -d '|' words; do
        # shellcheck disable=SC2086 # several words
        bare ${words} --state "$state/new"
        exits "$words" 1
        has "$words" "$out$err" "no engine runs for the state directory $state/new"
        [[ ! -e $state/new ]] || wrong+="  $words made $state/new"$'\n'
        count=$((count + 1))
    done <<<"$files_only|"
    is "all commands" $count 36
    bare runs --state "$state/new" --json
    exits "runs --json" 1
    is "runs --json" "$(jq -r .code <<<"$out")" not_found
}

an_engine_is_started_by_the_owner_of_the_state_directory_alone() {
    [[ $(id -u) == 0 ]] || return 0 # chown wants root
    bare plugins untrust none --state "$state/new"
    await no_engine >/dev/null
    chown 65534 "$state/new"
    for words in gates runs "halt all --reason x"; do
        # shellcheck disable=SC2086 # several words
        bare $words --state "$state/new"
        exits "$words" 1
        has "$words" "$err" "belongs to user nobody: only that user starts one"
    done
    is "engines" "$(engines)" ""
}

commands_that_start_at_once_share_one_engine() {
    local pids=() pid
    bare plugins untrust none --state "$state/new" # makes the state directory
    await no_engine >/dev/null
    for n in 1 2 3 4 5 6; do
        timeout 20 "$CORDON" runs --state "$state/new" >"$state/out$n" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || wrong+="  one of them failed"$'\n'
    done
    is "what they say" "$(cat "$state"/out? | sort | uniq -c | tr -s ' ')" " 6 no runs"
}

an_engine_that_cannot_start_is_told_in_its_own_sentence() {
    mkdir -m 700 "$state/new"
    printf 'this is no journal, it is a letter to somebody, and long enough' >"$state/new/journal.db"
    bare runs --state "$state/new"
    exits runs 1
    has runs "$err" "journal.db"
    is lines "$(wc -l <<<"$err")" 1
    touch "$state/file"
    bare runs --state "$state/file"
    exits "a file" 1
    has "a file" "$err" "Not a directory"
}

a_state_directory_that_lies_too_deep_is_told_so() {
    local deep=$state/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    deep+=/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    bare plugins untrust none --state "$deep"
    exits untrust 1
    has untrust "$err" "use a shorter state directory"
}

# -- Running them ------------------------------------------------------------------------

passed=0
failed=0
number=0
while read -r name; do
    [[ -z $wanted || $name == *$wanted* ]] || continue
    number=$((number + 1))
    state=$tmp/state$number
    mkdir -m 700 "$state"
    wrong=
    "$name"
    stop
    if [[ -z $wrong ]]; then
        echo "ok    $name"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        printf '%s' "$wrong"
        failed=$((failed + 1))
    fi
done < <(sed -n 's/^\([a-z][a-z0-9_]*_[a-z0-9_]*\)() {$/\1/p' "$self" | grep -v -x -e is_json -e on_terminal -e no_engine)

echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
