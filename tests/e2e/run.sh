#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# All processes together, with a plugin whose world is a folder: what people ask for with
# `cordon` happens once, survives kills, and is refused with a sentence when it must not be.
#
#   BUILD=/abs/build/release tests/e2e/run.sh
set -uo pipefail
# shellcheck source=tests/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"

: "${BUILD:?the absolute build folder, as make test gives it}"
CORDON=${CORDON:-$BUILD/cordon}
FIXTURES=${FIXTURES:-$BUILD/tests/plugins}
work=$(mktemp -d)
passed=0 failed=0
me=$(id -un)
unset CORDON_STATE CORDON_CONFIG

# Engines of this test, and no others: their state directories are below $work.
engines() {
    local pid
    for pid in /proc/[0-9]*; do
        { tr '\0' ' ' <"$pid/cmdline"; } 2>/dev/null | grep -qF -- "--internal-engine --state $work/" &&
            echo "${pid#/proc/}"
    done
}
no_engine() {
    [[ -z $(engines) ]]
}

end() {
    local pid
    for pid in $(engines); do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT

# fresh NAME: a state directory of its own, with a world, a policy and the trusted plugin.
fresh() {
    state=$work/$1 world=$work/$1.world
    mkdir -m 700 "$state" "$world"
    printf 'return { plugins = { noop = { config = { dir = "%s"%s }, paths = { "%s:rw" } } } }\n' "$world" \
        "${2:+, delay_ms = $2}" "$world" >"$state/cordon.lua"
    cat >"$state/policy.lua" <<EOF
return {
  groups = { ops = { "$me" } },
  self_approval = true,
  rules = { { name = "sets", match = { action = "noop.set" }, need = 1, from = { "ops" } } },
}
EOF
    cordon plugins trust "$FIXTURES/noop.so" >/dev/null || return 1
}

cordon() { # cordon COMMAND...: with this state directory, and never for ever
    timeout 60 "$CORDON" "$@" --state "$state"
}

# is WANTED GOT WHAT: a line for people when they differ.
is() {
    [[ $1 == "$2" ]] && return 0
    echo "# $3: wanted \"$1\", got \"$2\""
    return 1
}

# exits WANTED COMMAND...: output is left in $out.
exits() {
    local wanted=$1 got
    shift
    # Into a file: an engine that is started here keeps standard error open while it lives.
    "$@" >"$work/out" 2>&1
    got=$?
    out=$(<"$work/out")
    is "$wanted" "$got" "exit code of $*" && return 0
    printf '%s\n' "$out" | sed 's/^/#   /'
    return 1
}

effects() {
    touch "$world/effects.log"
    wc -l <"$world/effects.log"
}

# for people who read: has PATTERN: in the output of the last exits
has() {
    grep -qE -- "$1" <<<"$out" && return 0
    echo "# nothing like \"$1\" in:"
    printf '%s\n' "$out" | sed 's/^/#   /'
    return 1
}

playbook() { # playbook NAME: the body of run comes from standard input
    {
        echo 'local noop = use "noop"'
        echo "return playbook { name = \"$1\", summary = \"a test\", params = { t = { \"string\", \"target\" } },"
        echo 'run = function(p, ctx)'
        cat
        echo 'end }'
    } >"$work/$1.lua"
}

kill_engine() {
    local pid
    for pid in $(engines); do kill -KILL "$pid"; done
    await no_engine
}

tell() { # tell NAME FUNCTION
    local state world out
    if "$2"; then
        passed=$((passed + 1))
        echo "ok    $1"
    else
        failed=$((failed + 1))
        echo "not ok $1"
    fi
    kill_engine
}

playbook gated <<'EOF'
    ctx.approve { title = "Set " .. p.t, from = "ops", within = "30m" }
    noop.set { target = p.t, value = 1 }
    return noop.get { target = p.t }
EOF

# -- the whole way -------------------------------------------------------------------------

whole_way() {
    fresh whole &&
        exits 3 cordon run "$work/gated.lua" --param t=a --json && is 0 "$(effects)" effects &&
        exits 0 cordon gates && has g-000001-1 &&
        exits 0 cordon approve g-000001-1 --yes --json && has '"state":"done"' &&
        is 1 "$(effects)" effects &&
        exits 0 cordon contained && has h-000001-1 &&
        exits 0 cordon show r-000001 && has 'approved +g-000001-1' &&
        exits 0 cordon rollback r-000001 && is 2 "$(effects)" effects &&
        exits 0 cordon contained && has 'nothing is contained'
}
tell "a run waits at its gate, goes on when approved, and is rolled back" whole_way

killed_at_gate() {
    fresh gatekill && exits 3 cordon run "$work/gated.lua" --param t=a && kill_engine &&
        exits 0 cordon approve g-000001-1 --yes && is 1 "$(effects)" effects &&
        exits 1 cordon approve g-000001-1 --yes
    is 1 "$(effects)" "effects after a late vote"
}

# The index is only a shortcut: what lists show is the same when it has been made anew.
rebuilt() {
    local before
    fresh rebuilt && exits 3 cordon run "$work/gated.lua" --param t=a &&
        exits 0 cordon approve g-000001-1 --yes && exits 3 cordon run "$work/gated.lua" --param t=b &&
        exits 0 cordon rollback r-000001 && exits 0 cordon halt plugin:other --reason x || return 1
    sleep 0.5
    before=$(lists)
    exits 0 cordon doctor --rebuild && sleep 0.5 && is "$before" "$(lists)" "what lists show"
}
lists() {
    cordon runs --json && cordon gates --json && cordon contained --json && cordon halt --json
}
tell "an engine that is killed at a gate has forgotten nothing" killed_at_gate
tell "the index can be made again from the rows alone" rebuilt

playbook many <<'EOF'
    for i = 1, 8 do noop.set { target = p.t .. i, value = i } end
EOF

killed_often() {
    local follower
    fresh often 100
    sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua"
    cordon run "$work/many.lua" --param t=x --json >/dev/null 2>&1 &
    follower=$!
    for _ in 1 2 3 4; do
        sleep 0.37
        kill_engine
        cordon doctor >/dev/null 2>&1
    done
    wait "$follower"
    exits 0 cordon watch r-000001 --json && has '"state":"done"' &&
        is 8 "$(effects)" effects && is 8 "$(sort -u "$world/effects.log" | wc -l)" "different effects" &&
        exits 0 cordon doctor && has 'as they were written'
}
tell "however often the engine is killed, each effect happens once" killed_often

two_at_once() {
    local pids=() i bad=0
    fresh two
    sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua"
    for i in 1 2 3 4 5 6; do
        cordon run "$work/many.lua" --param "t=c$i" >"$work/two.$i" 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || bad=1; done
    is 0 $bad "a failed command" && is 48 "$(effects)" effects
}
tell "six commands at once on one state directory are one engine's" two_at_once

# -- what is refused -------------------------------------------------------------------------

without_policy() {
    fresh nopolicy && rm "$state/policy.lua" && exits 6 cordon run "$work/many.lua" --param t=a &&
        has 'policy.lua' && is 0 "$(effects)" effects
}
tell "without a policy nothing that changes anything runs" without_policy

wrong_policy() {
    fresh badpolicy && echo 'return { groups = {}, rules = { { name = "x", ned = 1 } } }' \
        >"$state/policy.lua" && exits 6 cordon run "$work/many.lua" --param t=a && has 'ned' &&
        is 0 "$(effects)" effects
}
tell "a misspelt word in the policy is no rule that does not hold" wrong_policy

changed_policy() {
    fresh changed && exits 3 cordon run "$work/gated.lua" --param t=a &&
        sed -i 's/"sets"/"settings"/' "$state/policy.lua" &&
        exits 3 cordon approve g-000001-1 --yes --json && is 0 "$(effects)" effects &&
        exits 0 cordon gates && has g-000001-2
    exits 0 cordon approve g-000001-2 --yes && is 1 "$(effects)" effects
}
tell "a policy that changes after the approval asks again" changed_policy

changed_plugin() {
    fresh swapped && cp "$FIXTURES/noop.so" "$work/mine.so" &&
        exits 0 cordon plugins trust "$work/mine.so" &&
        exits 3 cordon run "$work/gated.lua" --param t=a && kill_engine && printf x >>"$work/mine.so" &&
        { cordon approve g-000001-1 --yes >/dev/null 2>&1; is 0 "$(effects)" effects; } &&
        exits 0 cordon plugins && has changed
}
tell "a plugin with another byte is not loaded" changed_plugin

unknown_action() {
    fresh unknown && playbook nosuch <<'EOF' && exits 1 cordon check "$work/nosuch.lua" && has 'nosuch.lua:4:.*noop.sett'
    noop.sett { target = p.t, value = 1 }
EOF
}
tell "check finds an action that is not there, with line and column" unknown_action

syntax_error() {
    fresh syntax && printf 'return playbook {\n  name = "x",\n  run = function( }\n' >"$work/broken.lua" &&
        exits 2 cordon run "$work/broken.lua" && has 'broken:3' &&
        exits 0 cordon runs && has 'no run'
}
tell "a syntax error is told with its line, and leaves no trace" syntax_error

spinning() {
    fresh spin && playbook spin <<'EOF' && exits 1 cordon run "$work/spin.lua" --param t=a && has 'budget|instructions|computed'
    local n = 0
    while true do n = n + 1 end
EOF
    exits 0 cordon runs && has failed
}
tell "a playbook that spins fails its run and nothing else" spinning

# -- playbook tests ----------------------------------------------------------------------------

tested() {
    fresh tested && cat >"$work/gated.test.lua" <<'EOF'
return {
  { name = "right", params = { t = "a" }, answers = { ["noop.get"] = { value = 1 } },
    expect = { "approve", { "noop.set", { target = "a" } }, "noop.get" }, returns = { value = 1 } },
  { name = "denied", params = { t = "a" }, answers = { approve = false }, expect = { "approve" },
    ends = "denied" },
  { name = "wrong order", params = { t = "a" }, answers = { ["noop.get"] = { value = 1 } },
    expect = { "noop.set" } },
  { name = "wrong answer", params = { t = "a" }, answers = { ["noop.get"] = { vlue = 1 } } },
  { name = "no answer", params = { t = "a" } },
}
EOF
    exits 1 cordon test "$work/gated.lua" && has '^2 passed, 3 failed' && has 'ok +right' &&
        has 'ok +denied' && has 'wish 1 should be noop.set' && has 'did you mean "value"' &&
        has 'no answer for noop.get' && exits 0 cordon runs && has 'no run'
}
tell "a playbook test answers the playbook, and tells right from wrong" tested

# -- processes that die ------------------------------------------------------------------------

vm_killed() {
    local follower pid
    fresh vmkill 150
    sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua"
    cordon run "$work/many.lua" --param t=v >"$work/vmkill.out" 2>&1 &
    follower=$!
    sleep 0.6
    for pid in $(pgrep -P "$(engines | head -n 1)" -f internal-vm); do kill -KILL "$pid"; done
    wait "$follower"
    is 0 $? "exit code" && is 8 "$(effects)" effects
}
tell "a playbook's process that is killed is replaced, and its run replayed" vm_killed

host_killed() {
    local follower pid
    fresh hostkill 150
    sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua"
    cordon run "$work/many.lua" --param t=h >"$work/hostkill.out" 2>&1 &
    follower=$!
    sleep 0.7
    for pid in $(pgrep -P "$(engines | head -n 1)" -f internal-plugin-host); do kill -KILL "$pid"; done
    wait "$follower"
    is 0 $? "exit code" && is 8 "$(sort -u "$world/effects.log" | wc -l)" "different effects" &&
        is 8 "$(effects)" effects
}
tell "a plugin's process that is killed is replaced, and its call looked into" host_killed

# -- the engine itself ------------------------------------------------------------------------

ends_itself() {
    fresh alone && exits 0 cordon runs
    await no_engine
    is "" "$(engines)" "engines left" && [[ ! -e $state/cordon.sock ]]
}
tell "an engine that nobody needs ends itself and takes its socket along" ends_itself

playbook sleeper <<'EOF'
    ctx.sleep("6s")
    return noop.get { target = p.t }
EOF

sleeps() {
    fresh sleeps && exits 3 cordon run "$work/sleeper.lua" --param t=a && kill_engine && sleep 6.2 &&
        exits 0 cordon watch r-000001 --json && has '"state":"done"'
}
tell "a sleep that ended while no engine ran is over with the next one" sleeps

cat >"$work/parent.lua" <<'EOF'
local noop = use "noop"
return playbook { name = "parent", summary = "calls others", params = { child = { "string", "whom" } },
  run = function(p, ctx)
    noop.set { target = "first", value = 1 }
    ctx.call(p.child, { t = "a" })
    ctx.call(p.child, { t = "b" })
    noop.set { target = "last", value = 1 }
  end,
  recover = function(p, ctx) ctx.rollback() end }
EOF
cat >"$work/atomic.lua" <<'EOF'
local noop = use "noop"
return playbook { name = "atomic", summary = "all or nothing", params = { t = { "string", "target" } },
  run = function(p, ctx)
    pcall(ctx.atomic, function()
      noop.set { target = p.t, value = 1 }
      error("not this time")
    end)
    noop.set { target = "after", value = 1 }
  end }
EOF
playbook plain <<'EOF'
    noop.set { target = p.t, value = 1 }
EOF
playbook signaled <<'EOF'
    ctx.signal("go", { within = "1h" })
    noop.set { target = p.t, value = 1 }
EOF

follows_children() {
    fresh children && sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua" &&
        exits 0 cordon run "$work/plain.lua" --param t=c &&
        exits 0 cordon run "$work/parent.lua" --param child=plain && has 'r-000002 done .*4 changes' &&
        is 4 "$(grep -c ' done  ' "$work/out")" "changes that are shown, each once" &&
        has 'r-000003  noop.set +a' && has 'r-000004  noop.set +b' &&
        exits 0 cordon recover r-000002 && has 'r-000005 done .*4 undone' &&
        exits 0 cordon run "$work/atomic.lua" --param t=x && has 'undone .*noop.set +x' && has 'noop.set +after' &&
        exits 0 cordon run "$work/parent.lua" --param child=plain --json &&
        is '["r-000011","done"]' "$(tail -n 1 "$work/out" | jq -c '[.run, .state]')" "the reply" &&
        is "" "$(jq -r '.seq // empty' "$work/out" | sort -n | uniq -d)" "rows that are told twice"
}
tell "a run that calls, takes back or is atomic is followed to its end, with each row once" follows_children

gate_of_a_child() {
    fresh child_gate && sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua" &&
        exits 3 cordon run "$work/gated.lua" --param t=c &&
        exits 3 cordon run "$work/parent.lua" --param child=gated && has 'GATE g-000003-1' &&
        exits 3 cordon watch r-000002 --json &&
        is '["r-000002","waiting","g-000003-1","r-000003"]' \
            "$(tail -n 1 "$work/out" | jq -c '[.run, .state, .gate, .child]')" "how it rests" &&
        exits 0 cordon approve g-000003-1 --yes && exits 3 cordon watch r-000002 && has 'GATE g-000004-1'
}
tell "a run whose child waits for people rests, and names the gate of the child" gate_of_a_child

stays_for_a_signal() {
    local watcher
    fresh signaled && sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua" &&
        exits 3 cordon run "$work/signaled.lua" --param t=a && has 'waits for a signal' || return 1
    : >"$work/watched"
    cordon watch r-000001 --json >"$work/watched" 2>&1 &
    watcher=$!
    await_from "$watcher" grep -q '"until"' "$work/watched"
    exits 0 cordon signal r-000001 go && wait "$watcher" &&
        is "done" "$(tail -n 1 "$work/watched" | jq -r .state)" "the reply to who watched"
}
tell "who watches a run stays with it while it waits for time or a signal" stays_for_a_signal

playbook reads <<'EOF'
    return noop.get { target = p.t }
EOF

names_slow_calls() {
    fresh slow 2700 && { cordon plan "$work/reads.lua" --param t=a --json >"$work/plan" 2>"$work/plan.err" & } &&
        exits 0 cordon run "$work/reads.lua" --param t=a && has 'waits for noop.get target=a \(read\) since ' &&
        wait && is "" "$(<"$work/plan.err")" "what --json says beside the plan" &&
        is "done" "$(jq -r .state "$work/plan")" "the plan"
}
tell "a call of more than two seconds is named while it lasts, and --json stays clean" names_slow_calls

open_secret() {
    fresh secret && kill_engine && mkdir -m 700 "$state/secrets" && echo hush-hush-hush >"$state/secrets/token" &&
        chmod 644 "$state/secrets/token" &&
        sed -i 's/config =/secrets = { "token" }, config =/' "$state/cordon.lua" &&
        exits 1 cordon run "$work/many.lua" --param t=a && has 'chmod 600' &&
        is 0 "$(effects)" effects && chmod 600 "$state/secrets/token" && kill_engine &&
        sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua" &&
        exits 0 cordon run "$work/many.lua" --param t=a
}
tell "a secret that others can read is not handed out" open_secret

halted() {
    fresh halted && sed -i 's/need = 1, from = { "ops" }/need = 0/' "$state/policy.lua" &&
        exits 0 cordon halt all --reason stop &&
        { timeout 3 "$CORDON" run "$work/many.lua" --param t=a --state "$state" >/dev/null 2>&1; is 0 "$(effects)" effects; } &&
        kill_engine && exits 0 cordon runs && is 0 "$(effects)" "effects after a restart" &&
        exits 0 cordon resume all --reason go && exits 0 cordon watch r-000001 && is 8 "$(effects)" effects
}
tell "stop means stop, also after a restart" halted

echo
echo "$passed passed, $failed failed"
((failed == 0))
