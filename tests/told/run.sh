#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who is told of what: every word of notify.on with the event that it stands for, once; gates and
# routes that name channels; what a message says and what it does not; channels that do not work.
# shellcheck disable=SC2015 # what stands behind || says why, and fails
set -uo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
receiver=

close_all() {
    [[ -z $receiver ]] || { kill -KILL "$receiver" && wait "$receiver"; } 2>/dev/null
    close_daemon
}
trap close_all EXIT

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/hooks" "$work/effects" "$work/playbooks"
make_cert cordon 30
python3 "$here/../notify/hooks.py" "$work/hooks" >"$work/hookport" &
receiver=$!
await_from "$receiver" test -s "$work/hookport" || exit 1
hook=http://127.0.0.1:$(cat "$work/hookport")
(umask 077 && echo "a secret of the test" >"$state/secrets/signing")
me=$(id -un)

words=(gate reminder escalation gate_end review run_done run_failed run_denied run_canceled run_diverged run_blocked
    run_stuck hold_due hold_broken hold_unobserved halt shadow unreadable not_started)
channel() { echo "$1 = { kind = \"webhook\", url = \"$hook/$1\", secret = \"signing\"${2:-} },"; }
config() { # config [MORE]: a channel for each word, and some that are named by gates and routes
    local word
    {
        echo "return { notify = { channels = {"
        for word in "${words[@]}" one two asked brief hang dead; do channel "$word"; done
        channel full ', detail = "full"'
        echo "}, on = {"
        for word in "${words[@]}"; do
            case $word in
            gate) echo 'gate = { "gate", "brief", "full", "hang" },' ;;
            run_done) echo 'run_done = { "run_done", "hang" },' ;;
            *) echo "$word = { \"$word\" }," ;;
            esac
        done
        echo "}, groups = { others = { \"asked\" } } },"
        cat <<LUA
  holds = { check_every = "10s", unobserved_after = 1 },
  playbooks = { "$work/playbooks" }, routes = "routes.lua",
  plugins = { noop = { config = { dir = "$work/effects" }, paths = { "$work/effects:rw" } } },
  serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key",
                        origin = "https://cordon.example:8443" } } }
LUA
    } >"$state/cordon.lua"
}
cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }
playbook() { # playbook NAME BODY [MORE]
    cat >"$work/$1.lua" <<LUA
local noop = use "noop"
return playbook { name = "$1", summary = "For this test", ${3:-}
  params = { what = { "string", "title", default = "nothing" } },
  run = function(p, ctx) $2 end }
LUA
}

cat >"$state/policy.lua" <<LUA
return {
  groups = { managers = { "$me" }, others = { "$me" }, two = { "$me", "ann", "ben" }, glass = { "ann" }, rev = { "ben" } },
  self_approval = true,
  break_glass = { from = "glass", review_from = "rev", reviewers = 1 },
  gate = { remind = { "1s" } },
  guards = { protected = { "forbidden*" } },
  rules = { { name = "asked", match = { action = "noop.set", target = "asked-*" }, need = 1, from = "managers" },
            { name = "glass", match = { action = "noop.set", target = "glass-*" }, need = 2, from = "two" },
            { name = "go", match = { action = "noop.*" }, need = 0 } },
}
LUA
cat >"$state/routes.lua" <<'LUA'
return {
  { name = "drills", match = { type = "Drill_*" }, mode = "shadow" },
  { name = "named drills", match = { type = "Named_Drill" }, mode = "shadow", notify = { "one" } },
  { name = "named", match = { type = "Named_*" }, playbook = "quick", params = { what = "by a route" }, notify = { "one", "two" } },
  { name = "unnamed", match = { type = "Plain_*" }, playbook = "quick", params = { what = "by another" } },
  { name = "gated", match = { type = "Gated_*" }, playbook = "named", params = { what = "gate of a route" }, notify = { "one" } },
  { name = "lost", match = { type = "Lost_Playbook" }, playbook = "gone_away" },
}
LUA
playbook gate 'ctx.approve { title = p.what, from = "managers", within = "1h", escalate = { { after = "2s", from = "others" } } }'
playbook quick 'ctx.note(p.what)' 'on_alert = { when = { type = "Drill_*", severity = "low+" }, params = function() return {} end },'
playbook named 'ctx.approve { title = p.what, from = "managers", within = "1h", notify = { "two" } }'
playbook mistyped 'local list = { "tow" }; ctx.approve { title = p.what, from = "managers", within = "1h", notify = list }'
playbook question 'ctx.ask { title = p.what, from = "others", within = "1h", notify = { "two" } }'
playbook fails 'error("no")'
playbook blocked 'noop.set { target = "forbidden", value = 1 }'
playbook drifts 'noop.set { target = "drifting", value = "mine" }'
playbook watched 'noop.set { target = "watched", value = "mine-too" }'
playbook unseen 'noop.set { target = "unseen", value = "mine-as-well" }'
playbook timed 'noop.set { target = "timed", value = 1, expires = "1s" }'
playbook glass 'noop.set { target = "glass-1", value = 1 }'
playbook asked 'noop.set { target = "asked-target", value = "asked-value" }'
playbook looks 'ctx.note(pcall(use, "blab") and "there" or "not there"); ctx.approve { title = p.what, from = "managers", within = "1h" }'
cp "$work"/{quick,named}.lua "$work/playbooks/"

starts() { # starts NAME [OPTION...]: prints the run
    cordon run "$work/$1.lua" --detach --json "${@:2}" | jq -r .run
}
gate_of() { # the gate that the run waits at
    for _ in $(seq 1200); do
        cordon gates --json | jq -re --arg run "$1" '[.. | objects | select(.run? == $run) | .gate] | first // empty' && return
        sleep 0.05
    done
    return 1
}
shown() { # the gate that the run waits at, as somebody has seen it
    gate_of "$1" >/dev/null && cordon gates --json | jq -c --arg run "$1" '[.. | objects | select(.run? == $run) | {gate, digest}] | first'
}
count() { # count CHANNEL WORD: how many it was told with that word in them
    cat "$work/hooks"/*.json 2>/dev/null | jq -rc --arg path "/$1" --arg word "$2" 'select(.path == $path and (.body | contains($word)) and
        (.body | contains("BREAK-GLASS") | not)) | .headers["webhook-id"]' | sort -u | wc -l
}
told() { # told CHANNEL WORD [TIMES]
    local times=${3:-1}
    for _ in $(seq 1200); do
        (($(count "$1" "$2") >= times)) && break
        sleep 0.05
    done
    [[ $(count "$1" "$2") == "$times" ]] || {
        echo "# $1 was told $(count "$1" "$2") times of $2"
        return 1
    }
}
untold() { # untold CHANNEL WORD: once the rest was told, it still was not
    [[ $(count "$1" "$2") == 0 ]] || echo "# $1 was told of $2"
    [[ $(count "$1" "$2") == 0 ]]
}
body() { # body CHANNEL WORD: what it was told
    cat "$work/hooks"/*.json | jq -c --arg path "/$1" --arg word "$2" 'select(.path == $path and (.body | contains($word))) | .body | fromjson | .data' | head -1
}
until_said() { # until_said CHANNEL WORD
    for _ in $(seq 1200); do
        [[ -n $(body "$@") ]] && return
        sleep 0.05
    done
    return 1
}
token() { cordon token add "$@" --json | jq -r .token; }
post() { # post TOKEN PATH JSON
    ask "$console$2" -X POST -H "Authorization: Bearer $1" -H "Idempotency-Key: $RANDOM$RANDOM" -H 'Content-Type: application/json' --data "$3"
}
alert() { # alert ID TYPE
    echo "{\"id\":\"$1\",\"title\":\"alert $1\",\"type\":\"$2\",\"severity\":\"high\"}" >"$work/alert.json"
    cordon hook send generic "$work/alert.json" >/dev/null
}

config
cordon plugins trust "$BUILD/plugins/notify.so" "$FIXTURES/noop.so" >/dev/null 2>&1 ||
    { cordon plugins trust "$BUILD/plugins/notify.so" && cordon plugins trust "$FIXTURES/noop.so"; } >/dev/null
ann=$(token ann --for ann --role approver) ben=$(token ben --for ben --role approver)
wait_ended
start_daemon || {
    sed 's/^/# /' "$work/err"
    echo "not ok the daemon starts"
    exit 1
}

gates_are_told() {
    first=$(starts gate --param "what=Stop the shop") && told gate "$first" && told reminder "$first" && told escalation "$first" &&
        cordon approve "$(gate_of "$first")" --yes >/dev/null && told gate_end "$first" && told run_done "$first"
}
ends_are_told() {
    local denied failed canceled blocked
    denied=$(starts gate) && cordon deny "$(gate_of "$denied")" --reason no >/dev/null
    failed=$(starts fails) canceled=$(starts gate) blocked=$(starts blocked)
    cordon cancel "$canceled" >/dev/null
    told run_denied "$denied" && told run_failed "$failed" && told run_canceled "$canceled" && told run_blocked "$blocked"
}
a_stranger_is_told() {
    local run
    run=$(starts drifts) && told run_done "$run" || return 1
    grep -l mine "$work/effects"/*.json | xargs -I{} sh -c 'printf %s "\"another\"" >{}'
    cordon rollback "$run" >/dev/null 2>&1
    told run_stuck "Somebody else has changed it"
}
time_is_told() {
    local run
    run=$(starts timed) && told run_done "$run" && told hold_due "A containment's time is over"
}
glass_is_told() {
    local run word
    run=$(starts glass) && told gate "$run" && [[ $(post "$ann" "/v1/runs/$run/break-glass" "{\"reason\":\"it burns\",\"gates\":[$(shown "$run")]}") == 20* ]] || {
        cat "$work/body"
        return 1
    }
    told run_done "$run" || return 1
    for word in "${words[@]}" one two asked brief full; do # everybody
        until_said "$word" BREAK-GLASS || {
            echo "# $word was not told of the break-glass"
            return 1
        }
    done
    [[ $(post "$ben" "/v1/runs/$run/review" '{"reason":"it did burn"}') == 20* ]] || cat "$work/body"
    told review "A break-glass was reviewed"
}
broken_is_told() { # what holds the target now is a file of the plugin's world
    local file
    starts watched >/dev/null && await grep -rqs mine-too "$work/effects" || return 1
    grep -l mine-too "$work"/effects/*.json | while read -r file; do echo '"theirs"' >"$file"; done
    cordon contained --check >/dev/null && until_said hold_broken "A containment is not in force any more"
}
unseen_is_told() { # nobody asks for a check: the schedule does, and it cannot read the file
    starts unseen >/dev/null && await grep -rqs mine-as-well "$work/effects" || return 1
    grep -l mine-as-well "$work"/effects/*.json | while read -r file; do echo 'no JSON' >"$file"; done
    until_said hold_unobserved "A containment could not be observed" && body hold_unobserved "could not be" |
        jq -e 'any(.facts[]; .name == "Found" and .value == "unobserved") and any(.facts[]; .name == "Since") and all(.facts[]; .name != "Error")' >/dev/null &&
        await grep -q 'the target of hold h-[0-9-]* cannot be observed: ' "$work/err"
}
halt_is_told() {
    cordon halt all --reason "for the test" >/dev/null && told halt "Halted" && cordon resume all >/dev/null && told halt "Halt lifted"
}
alerts_are_told() {
    alert d1 Drill_One && told shadow "shadow mode" && echo '{"nothing":"known"}' >"$work/odd.json" &&
        cordon hook send azure-monitor "$work/odd.json" >/dev/null && told unreadable "could not be read" &&
        alert ns1 Lost_Playbook && told not_started "no run could be started" &&
        grep -q 'alert a-[0-9]* matches gone_away and could not start it: no playbook of that name' "$work/err"
}
divergence_is_told() { # a plugin that is there only the second time, and a playbook that looks
    local run gate
    run=$(starts looks --param "what=Which way") && gate=$(gate_of "$run") &&
        cordon plugins trust "$FIXTURES/blab.so" >/dev/null && stop_daemon && start_daemon && cordon approve "$gate" --yes >/dev/null 2>&1
    told run_diverged "$run"
}
nobody_else_is_told() { # each channel has heard of its word alone, and of nothing twice
    local word lead
    for word in "${words[@]}"; do
        case $word in
        gate) lead='^Approval wanted|^Answer wanted' ;;
        reminder) lead='^Still waiting' ;;
        escalation) lead='^Nobody has decided' ;;
        gate_end) lead='^Decided' ;;
        review) lead='^A break-glass was' ;;
        run_stuck) lead='must say' ;;
        run_*) lead="^Run over: ${word#run_}" ;;
        hold_due) lead='time is over' ;;
        hold_broken) lead='is not in force any more' ;;
        hold_unobserved) lead='^A containment could not be observed' ;;
        halt) lead='^Halt' ;;
        shadow) lead='shadow mode' ;;
        unreadable) lead='could not be read' ;;
        not_started) lead='no run could be started' ;;
        esac
        cat "$work/hooks"/*.json | jq -e -s --arg path "/$word" --arg lead "$lead|^BREAK-GLASS" '[.[] | select(.path == $path)] |
            length > 0 and all(.body | fromjson | .data.title | test($lead)) and (map(.headers["webhook-id"]) | length == (unique | length))' >/dev/null || {
            echo "# $word: not that alone"
            return 1
        }
    done
}

brief_says_no_more() {
    local run said
    run=$(starts asked) && told brief "$run" && told full "$run" && said=$(body brief "$run") || return 1
    ! grep -qE 'asked-target|asked-value' <<<"$said" &&
        jq -e '(.title == "Approval wanted: noop.set") and (.link | startswith("https://cordon.example:8443/console/#/gates/g-")) and .text == "" and
            ([.facts[].name] - ["Playbook", "Run", "Changes", "Risk", "Who decides", "Decide by", "Gate", "Asked for by", "At"] == []) and
            any(.facts[]; .name == "Decide by") and any(.facts[]; .name == "Who decides" and .value == "managers")' <<<"$said" >/dev/null || {
        echo "# $said"
        return 1
    }
    body full "$run" | jq -e '.title | contains("asked-target")' >/dev/null && body full "$run" | jq -e 'any(.facts[]; .name == "Change" and (.value | contains("asked-target")))' >/dev/null
}

gate_names_channels() {
    local run
    run=$(starts named --param "what=Named here") && told two "Approval wanted: Named here" && cordon approve "$(gate_of "$run")" --yes >/dev/null &&
        told two "Decided" && told run_done "$run" && untold gate "Named here" && untold gate_end "$run" && untold one "$run"
}
groups_are_told_all_the_same() {
    starts question --param "what=Which one" >/dev/null && told two "Answer wanted: Which one" && told asked "Which one" && untold gate "Which one"
}
mistyped_is_told_as_ever() { starts mistyped --param "what=Mistyped" >/dev/null && told gate "Approval wanted: Mistyped" && untold two "Mistyped"; }
route_names_channels() {
    local run
    alert p1 Plain_One && alert n1 Named_One && told one "Run over: done" && told two "Run over: done" && told run_done "$first" || return 1
    run=$(cordon alerts --json | jq -r '.alerts[] | select(.id == "n1") | .runs[0]')
    told one "$run" && untold run_done "$run" && told run_done "$(cordon alerts --json | jq -r '.alerts[] | select(.id == "p1") | .runs[0]')"
}
gate_comes_before_route() {
    local run
    alert g1 Gated_One && told two "Approval wanted: gate of a route" && untold one "gate of a route" &&
        run=$(cordon alerts --json | jq -r '.alerts[] | select(.id == "g1") | .runs[0]') && cordon approve "$(gate_of "$run")" --yes >/dev/null && told one "$run" && untold run_done "$run"
}
shadow_of_a_route() { alert nd Named_Drill && told one "shadow mode" && told shadow "shadow mode"; }
routes_are_checked() {
    cp "$state/routes.lua" "$work/routes.before"
    sed -i 's/notify = { "one", "two" }/notify = { "one", "tow" }/' "$state/routes.lua"
    alert p2 Plain_Two
    for _ in $(seq 1200); do
        grep -q 'routes.lua:4:[0-9]*: routes\[3\].notify: there is no channel "tow" in notify.channels; did you mean two' "$work/err" && break
        sleep 0.05
    done
    grep -q 'routes.lua:4:[0-9]*: routes\[3\].notify: there is no channel "tow" in notify.channels; did you mean two' "$work/err" || {
        grep routes "$work/err" | sed 's/^/# /'
        return 1
    }
    cp "$work/routes.before" "$state/routes.lua"
}
playbooks_are_checked() {
    cordon check "$work/named.lua" >/dev/null && sed 's/"two"/"two", "tow"/' "$work/named.lua" >"$work/wrong.lua" &&
        ! cordon check "$work/wrong.lua" >"$work/said" 2>&1 && grep -q "wrong.lua:4:[0-9]*: ctx.approve: notify: there is no channel 'tow' in notify.channels of cordon.lua; did you mean 'two'" "$work/said"
}

waits_for_nobody() { # a receiver that does not answer, and a run that ends meanwhile
    local run
    echo hang >"$work/hooks/mode-hang"
    run=$(starts gate --param "what=While one hangs") && told gate "While one hangs" && told hang "While one hangs" &&
        cordon approve "$(gate_of "$run")" --yes >/dev/null && told run_done "$run" &&
        cordon notify list --json | jq -e '.channels[] | select(.name == "hang") | .state == "sending" and .what == "gate"' >/dev/null &&
        [[ $(cordon runs --json | jq -r --arg run "$run" '.runs[] | select(.run == $run) | .state') == "done" ]] && untold hang "$run\", but done"
    local rc=$?
    rm "$work/hooks/mode-hang"
    return $rc
}
retry_after_is_long() { # the outbox waits for as long as the receiver says
    echo after90 >"$work/hooks/mode-one"
    alert n2 Named_Two
    for _ in $(seq 1200); do
        cordon notify list --json | jq -e '.channels[] | select(.name == "one") | .next' >/dev/null && break
        sleep 0.05
    done
    cordon notify list --json | jq -e --argjson now "$(date +%s%3N)" '.channels[] | select(.name == "one") |
        .state == "waiting" and .tries == 1 and .next - $now > 60000 and .next - $now <= 90000' >/dev/null || {
        cordon notify list
        return 1
    }
    rm "$work/hooks/mode-one"
}
old_ones_are_said_to_be() { # two days of outage, by the clock of the next daemon
    echo 500 >"$work/hooks/mode-two"
    starts named --param "what=Long ago" >/dev/null
    for _ in $(seq 1200); do
        cordon notify list --json | jq -e '.channels[] | select(.name == "two") | .tries > 0 and .what == "gate"' >/dev/null && break
        sleep 0.05
    done
    stop_daemon
    rm "$work/hooks/mode-two"
    export AHEAD_S=172800 LD_PRELOAD=$SHIM
    start_daemon
    unset AHEAD_S LD_PRELOAD
    cordon notify list --json | jq -e '.failed[] | select(.ch == "two" and .k == "old" and (.why | test("^[1-9][0-9]* older than a day")))' >/dev/null &&
        cordon notify list | grep -q "older than a day" && grep -q "channel two was not told.* older than a day" "$work/err" && untold two "Long ago\", after all" &&
        starts named --param "what=News again" >/dev/null && told two "Approval wanted: News again"
}

tell a_gate_its_reminder_its_escalation_and_its_end_are_told gates_are_told
tell each_end_of_a_run_is_told ends_are_told
tell what_somebody_else_changed_is_told a_stranger_is_told
tell the_end_of_a_containments_time_is_told time_is_told
tell a_break_glass_is_told_to_everybody_and_its_review_to_its_channel glass_is_told
tell a_containment_that_somebody_undid_is_told broken_is_told
tell a_containment_that_the_schedule_cannot_observe_is_told unseen_is_told
tell a_halt_and_its_end_are_told halt_is_told
tell shadow_and_unreadable_are_told alerts_are_told
tell a_run_that_diverges_is_told divergence_is_told
tell each_channel_hears_its_word_alone_and_nothing_twice nobody_else_is_told
tell brief_says_what_until_when_and_where_and_full_says_more brief_says_no_more
tell a_gate_names_the_channels_that_hear_of_it_and_of_its_end gate_names_channels
tell who_is_asked_as_a_group_hears_of_it_all_the_same groups_are_told_all_the_same
tell a_gate_whose_channels_are_all_unknown_is_told_as_ever mistyped_is_told_as_ever
tell a_route_names_the_channels_that_hear_of_its_runs route_names_channels
tell a_gate_comes_before_its_route gate_comes_before_route
tell a_route_in_shadow_mode_names_channels_too shadow_of_a_route
tell an_unknown_channel_in_routes_is_refused_with_its_place routes_are_checked
tell an_unknown_channel_in_a_playbook_is_refused_with_its_place playbooks_are_checked
tell a_run_ends_while_a_channel_hangs waits_for_nobody
tell retry_after_is_kept_by_the_outbox retry_after_is_long
tell what_is_too_old_to_be_told_is_said_to_be old_ones_are_said_to_be
summary
