#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Gates among several people: role slots, separation of duties, break-glass and its review.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# People: users that every Debian has. Root can be anybody, others need sudo.
ann=daemon ben=games cat=man dan=nobody
group=$(id -gn "$dan")
sudo=()
((EUID == 0)) || sudo=(sudo -n)
if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
    echo "# this user can be nobody else: run it as root, or where sudo asks for no password"
    summary
    exit
fi
mkdir "$work/bin" && cp "$CORDON" "$work/bin/cordon" && chmod 755 "$work/bin" "$work/bin/cordon"

# by USER COMMAND...: cordon as that user, with the state directory of this test.
by() {
    local who=$1
    shift
    timeout 20 "${sudo[@]}" setpriv --reuid="$who" --regid="$group" --clear-groups \
        "$work/bin/cordon" "$@" --state "$state"
}

policy() { # policy MORE: what else the table has
    cat >"$state/policy.lua" <<END
return {
  groups = { ops = { "$me", "$ann", "$ben" }, cm = { "$ann" }, own = { "$ann", "$ben" },
             glass = { "$cat", "$me" }, rev = { "$ann", "$ben", "$cat", "$me" } },
  break_glass = { from = "glass", review_from = "rev", reviewers = 2, review_within = "24h" },
  $1
}
END
}

# opened NAME MORE [PLAYBOOK]: an engine that stays, which others can reach, and a run at its
# gate.
opened() {
    noop_state "$1" && policy "$2" && gone "$state" && "${sudo[@]}" chgrp "$group" "$state" &&
        "${sudo[@]}" chmod 2710 "$state" && exits 3 cordon run "${3:-$work/set.lua}" || return 1
    playbook keeps <<'END'
    for i = 1, 1200 do noop.get { target = "x" } end
END
    sed -i 's/dir = /delay_ms = 50, dir = /' "$state/cordon.lua"
    gone "$state" && exits 0 cordon run "$work/keeps.lua" --detach
}

playbook set <<'END'
    noop.set { target = "x", value = 1 }
END

slots='rules = { { name = "both", match = { action = "noop.set" }, need = { "cm", "own" } } },'
two='rules = { { name = "two", match = { action = "noop.set" }, need = 2, from = "cm" } },'
one='rules = { { name = "one", match = { action = "noop.set" }, need = 1, from = "ops" } },'

# told USER WHY: at a terminal they follow the run to its gate, hear why they cannot approve, are
# not asked, and the run waits.
told() {
    local got=0
    out=$(printf 'y\nok\n' | timeout 20 python3 "$(dirname "${BASH_SOURCE[0]}")/../cli/terminal.py" "${sudo[@]}" setpriv --reuid="$1" \
        --regid="$group" --clear-groups "$work/bin/cordon" watch r-000001 --state "$state" 2>&1) || got=$?
    is 3 "$got" "the exit code of watch at a terminal" && has "$2" && ! grep -q 'approve? \[' <<<"$out" &&
        is 0 "$(noop_effects)" "effects"
}

one_person_one_slot() {
    opened slots "$slots" && exits 0 cordon gates g-000001-1 && has 'one person each of cm, own' &&
        has 'changes_per_run 1 of 50' && has 'good for +1h after it is approved' &&
        exits 0 by "$ann" approve g-000001-1 --yes --detach && is 0 "$(noop_effects)" "effects" && exits 0 by "$ben" approve g-000001-1 --yes &&
        is 1 "$(noop_effects)" "effects" && whole
}
tell "of two role slots one person fills one only" one_person_one_slot

the_author() {
    local mine=$work/mine.lua
    cp "$work/set.lua" "$mine" && printf -- '-- %s\n' "$ann wrote this" >>"$mine" &&
        "${sudo[@]}" chown "$ann" "$mine" && chmod 644 "$mine" && opened author "$one" "$mine" &&
        exits 4 by "$ann" approve g-000001-1 --yes && has "$ann wrote this version of playbook set" &&
        told "$ann" "$ann wrote this version of playbook set" && exits 0 by "$ben" approve g-000001-1 --yes &&
        is 1 "$(noop_effects)" "effects"
}
tell "whose file the playbook is, does not approve what it does" the_author

a_file_of_many() {
    local many=$work/many.lua
    cp "$work/set.lua" "$many" && printf -- '-- %s\n' "anybody wrote this" >>"$many" &&
        "${sudo[@]}" chown "$ann" "$many" && "${sudo[@]}" chmod 666 "$many" && opened many "$one" "$many" &&
        exits 0 by "$ann" approve g-000001-1 --yes && is 1 "$(noop_effects)" "effects"
}
tell "a file that anybody may write says nothing of who wrote it" a_file_of_many

two_accounts() {
    opened accounts "people = { ann = { accounts = { '$ann', '$ben' } } },
        rules = { { name = 'two', match = { action = 'noop.set' }, need = 2, from = 'ops' } }," &&
        exits 0 by "$ann" approve g-000001-1 --yes --detach &&
        exits 1 by "$ben" approve g-000001-1 --yes &&
        has "$ben is the same person as $ann .*has voted" && is 0 "$(noop_effects)" "effects"
}
tell "one human with two accounts counts once" two_accounts

another_account() {
    opened account "people = { ann = { accounts = { '$me', '$ann' } } }, $one" &&
        told "$ann" "$me, who is also $ann .*asked for this run" && told "$cat" "$cat is in none of the groups" &&
        exits 0 by "$ben" approve g-000001-1 --yes && is 1 "$(noop_effects)" "effects"
}
tell "who cannot approve is told why at the terminal, and the run waits for others" another_account

a_service() {
    opened service "services = { 'gam*' }, $one" && exits 4 by "$ben" approve g-000001-1 --yes &&
        has "$ben is a service" && exits 0 by "$ann" approve g-000001-1 --yes
}
tell "a service does not vote" a_service

break_it() {
    opened glass "$two" && exits 4 by "$ben" break-glass r-000001 --reason "it burns" --yes &&
        has "$ben is not one of those who may break the glass" && is 0 "$(noop_effects)" "effects" &&
        exits 2 by "$cat" break-glass r-000001 --yes && has 'reason' &&
        exits 0 by "$cat" break-glass r-000001 --reason "it burns" --yes && is 1 "$(noop_effects)" "effects" &&
        exits 0 cordon runs && has 'done, glass unreviewed' && [[ $err == "cordon: BREAK-GLASS: $cat granted "* ]] &&
        is 1 "$(grep -c . <<<"$err")" "lines of the notice" && exits 0 cordon contained && has 'BREAK-GLASS' &&
        exits 0 cordon gates && has 'BREAK-GLASS' && exits 0 cordon show r-000001 &&
        has "broken by $cat: it burns \(unreviewed\)" && has "BREAK-GLASS by $cat alone: it burns" &&
        exits 0 cordon runs --json && has '"break_glass":\[\{"at"'
}
tell "one person breaks the glass for one run, and everybody is told" break_it

review_it() {
    opened review "$two" && exits 0 by "$cat" break-glass r-000001 --reason "it burns" --yes &&
        exits 4 by "$cat" review r-000001 --reason "fine by me" && has "$cat broke the glass" &&
        exits 4 cordon review r-000001 --reason "mine too" && has "$me asked for this run" &&
        exits 4 by "$dan" review r-000001 --reason "who am I" && has 'in none of the groups' &&
        exits 2 by "$ann" review r-000001 && exits 0 by "$ann" review r-000001 --reason "it did burn" &&
        has 'r-000001: 1 of 2 reviews, unreviewed' && exits 1 by "$ann" review r-000001 --reason again &&
        exits 0 by "$ben" review r-000001 --reason "it was smoke" --reject && has '2 of 2 reviews, rejected' &&
        exits 0 cordon runs && has 'done, glass rejected' && is '' "$err" "the notice" &&
        exits 0 cordon show r-000001 && has "reviewed +by $ann: it did burn" && has "rejected +by $ben: it was smoke"
}
tell "two others review it, and then nobody is told any more" review_it

sign_it() {
    ssh-keygen -q -t ed25519 -N '' -f "$work/key" && noop_state signs &&
        policy "$two
  break_glass = { from = \"glass\", review_from = \"rev\", sign = true }," && gone "$state" &&
        exits 0 cordon key add "$me" "$work/key.pub" && exits 3 cordon run "$work/set.lua" &&
        exits 2 cordon break-glass r-000001 --reason "it burns" --yes &&
        has 'wants a signature .*cordon break-glass r-000001 --reason TEXT --sign KEYFILE' &&
        is 0 "$(noop_effects)" "effects" &&
        exits 0 cordon break-glass r-000001 --reason "it burns" --sign "$work/key" --yes &&
        is 1 "$(noop_effects)" "effects" && exits 0 cordon show r-000001 --json &&
        has '"key":"SHA256:'
}
tell "breaking the glass takes a signature where the policy says so" sign_it

it_survives() {
    noop_state survives && policy "$two" && gone "$state" && exits 3 cordon run "$work/set.lua" &&
        exits 0 cordon break-glass r-000001 --reason "it burns" --yes && gone "$state" &&
        exits 0 cordon doctor --rebuild && gone "$state" && exits 0 cordon runs &&
        has 'done, glass unreviewed' && has 'BREAK-GLASS' && whole
}
tell "a break-glass is known again after a restart and from the rows alone" it_survives

two_gates() {
    playbook fork <<'END'
    ctx.all {
      function() ctx.approve { title = "one", from = "ops" } end,
      function() ctx.approve { title = "two", from = "ops" } end,
    }
END
    noop_state fork && policy "self_approval = true," && gone "$state" && exits 3 cordon run "$work/fork.lua" &&
        exits 2 cordon approve r-000001 --yes && has 'has 2 open gates, g-000001-1 and g-000001-2: name' &&
        exits 0 cordon gates && has 'g-000001-1' && has 'g-000001-2' &&
        exits 3 cordon approve g-000001-2 --yes && exits 0 cordon approve g-000001-1 --yes
}
tell "two open gates of a run are named, and not guessed" two_gates

calls_version() { # calls_version PLAYBOOK RUN WORD: RUN, which it calls, notes WORD
    cordon run "$1" >"$work/out" 2>&1
    exits 0 cordon watch "$2" && exits 0 cordon show "$2" && has "$3"
}

called_from_beside() {
    playbook helper <<<'ctx.note "first"'
    playbook caller <<<'return ctx.call("helper", {})'
    noop_state beside && calls_version "$work/caller.lua" r-000002 first || return 1
    sed -i s/first/second/ "$work/helper.lua"
    gone "$state" && calls_version "$work/caller.lua" r-000004 second || return 1
    echo 'return playbook {' >"$work/helper.lua"
    exits 1 cordon run "$work/caller.lua" && has 'helper.lua:' && exits 0 cordon show r-000002 && has first || return 1
    rm "$work/helper.lua"
    calls_version "$work/caller.lua" r-000007 second || return 1
    playbook later <<<'ctx.approve { title = "go on", from = "ops" } return ctx.call("helper", {})'
    playbook helper <<<'ctx.note "third"'
    noop_state after && exits 3 cordon run "$work/later.lua" && gone "$state" || return 1
    cordon approve g-000001-1 --yes >"$work/out" 2>&1 # the journal knows where the caller came from
    exits 0 cordon watch r-000002 && exits 0 cordon show r-000002 && has third || return 1
    rm "$work/helper.lua"
    noop_state alone && exits 1 cordon run "$work/caller.lua" && has 'no helper.lua beside the file of caller'
}
tell "a run calls a playbook that lies beside its file, as the file is at that moment" called_from_beside

refused() { # refused PATTERN MORE
    policy "$2" && exits 1 cordon check "$state/policy.lua" && has "$1"
}

mistakes() {
    noop_state mistakes &&
        refused 'people.ann.accounts: .*"x" is a name of bob too' \
            'people = { ann = { accounts = { "x" } }, bob = { accounts = { "x" } } },' &&
        refused "people.ann has no 'names'; it has accounts" 'people = { ann = { names = { "x" } } },' &&
        refused 'need: no group "boss" is in groups' 'rules = { { name = "r", need = { "cm", "boss" } } },' &&
        refused 'it names the groups itself' 'rules = { { name = "r", need = { "cm" }, from = "own" } },' &&
        refused 'gate.on_timeout: it is escalate, and gate.escalate names nobody' \
            'gate = { on_timeout = "escalate" },' &&
        refused 'severity: want informational' \
            'gate = { escalate = { { after = "5m", from = "cm", severity = "worst" } } },' &&
        refused 'deny_threshold' 'gate = { deny_threshold = 0 },' &&
        refused 'execute_within' 'gate = { execute_within = "0s" },' &&
        refused 'no group "none" is in groups' 'gate = { escalate = { { after = "5m", from = "none" } } },'
}
tell "a mistake in what a policy says of people and gates is refused, and named" mistakes

summary
