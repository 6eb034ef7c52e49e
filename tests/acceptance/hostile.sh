#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every hostile playbook through the real thing, while another run goes on: each ends with a
# sentence, and neither the engine nor the other run notices.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

hostile=$repo/tests/sandbox/hostile
SECONDS_EACH=${SAN:+60}
GROWTH_KIB=${SAN:+65536}
HELD_SECONDS=${SAN:+25}
# One activation has 2 seconds of processor time, of which others take their share here, and
# ten times that in a build with a sanitizer.
: "${SECONDS_EACH:=20}" "${GROWTH_KIB:=4096}" "${HELD_SECONDS:=3}"
WITHIN=$((SECONDS_EACH + 10))

# Goes on, a change each 50 ms, until somebody says that it is enough.
playbook good <<'END'
    for i = 1, 4000 do
      noop.set { target = "g" .. i, value = i }
      if noop.get { target = "enough" }.value then return end
    end
END

rss() { # rss PID, in KiB
    awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

vms() { # vms PID: the playbooks' processes of an engine
    pgrep -P "$1" -f -- '--internal-vm$'
}

# meets SCRIPT: it ends as its second line wants, in time, with one clear sentence.
meets() {
    local name wants word text started=$SECONDS code=0
    name=$(basename "$1" .lua)
    wants=$(sed -n 's/^-- wants: //p' "$1" | head -n 1)
    word=${wants%% *} text=${wants#"$word"}
    case $word in
    done)
        exits 0 cordon run "$1"
        return
        ;;
    refused | unloadable) code=2 ;;
    *) code=1 ;;
    esac
    exits "$code" cordon run "$1" && one_sentence_of "$name" &&
        { ((SECONDS - started <= SECONDS_EACH)) || { echo "# $name took $((SECONDS - started)) s"; false; }; } &&
        says "$word" "${text# }" && return 0
    echo "# $name wants \"$wants\""
    show_out
    return 1
}

says() { # says WORD TEXT: what the sentence speaks of
    case $1 in
    budget | spent) # on a slow machine the two seconds are over first
        tail -n 1 <<<"$out" | grep -qE '20000000 instructions|MiB of memory|computed for more than'
        ;;
    memory) tail -n 1 <<<"$out" | grep -qE 'MiB of memory|computed for more than' ;; # likewise
    killed) tail -n 1 <<<"$out" | grep -q 'computed for more than' ;;
    *) tail -n 1 <<<"$out" | grep -qF -- "$2" ;;
    esac
}

# The last line is the sentence; a stack or an address is none.
one_sentence_of() {
    grep -qE '^(cordon: |r-[0-9]+ failed: ).{10,}' <<<"$(tail -n 1 <<<"$out")" &&
        ! grep -qE 'assert|core/[a-z]+/|stack traceback|0x[0-9a-f]{6}' <<<"$out" && return 0
    echo "# $1: no sentence for people"
    show_out
    return 1
}

all_of_them() {
    local engine before after bad=0 script
    noop_state hostile 'delay_ms = 50' && noop_policy "$me" 0 &&
        many_changes &&
        exits 0 cordon plugins trust "$PLUGINS/azure.so" && # some ask for it
        exits 0 cordon run "$work/good.lua" --detach || return 1
    cordon watch r-000001 >"$work/good.out" 2>&1 &
    engine=$(engines "$state")
    exits 0 cordon runs # what the first ask costs is not growth
    before=$(rss "$engine")
    for script in "$hostile"/*.lua; do
        meets "$script" || bad=$((bad + 1))
    done
    is 0 "$bad" "scripts that ended otherwise" || return 1
    after=$(rss "$engine")
    echo "#   the engine had $before KiB before, and has $after KiB now"
    ((after - before <= GROWTH_KIB)) || { echo "# that is too much"; return 1; }
    is "$engine" "$(engines "$state")" "the engine's process"
}
# A machine that is busy with something else is nobody's fault: what counts is what was computed.
held_up() {
    local vm before
    state=$work/hostile
    before=$(noop_effects)
    vm=$(vms "$(engines "$state")" | head -n 1) # the first that was started, and its run goes on
    kill -STOP "$vm" && sleep "$HELD_SECONDS" && kill -CONT "$vm" || return 1
    waits "$before" || return 1
    vms "$(engines "$state")" | grep -qx "$vm" || { echo "# its process was ended"; return 1; }
}

waits() { # waits BEFORE: more effects than those come soon
    for _ in {1..200}; do
        (($(noop_effects) > $1 + 3)) && return 0
        sleep 0.05
    done
    echo "# it did not go on"
    return 1
}

the_others() {
    local count before
    state=$work/hostile world=$work/hostile.world
    count=$(vms "$(engines "$state")" | wc -l)
    ((count <= 20)) || { echo "# $count processes of playbooks are still there"; return 1; }
    before=$(noop_effects)
    noop_edit enough true
    exits 0 cordon watch r-000001 || return 1
    ((before > 20)) || { echo "# it did not go on: $before effects"; return 1; }
    is "$(noop_effects)" "$(sort -u "$world/effects.log" | wc -l)" "different effects" && whole
}

# One engine for both, so they are run first and told afterwards.
all_of_them
ended=$?
held_up
held=$?
the_others
went_on=$?
ended() { return "$ended"; }
not_blamed() { return "$held"; }
went_on() { return "$went_on"; }
tell "each hostile playbook ends with its sentence, and the engine does not grow" ended
tell "a playbook's process that was held up for longer than it may compute is not blamed for it" not_blamed
tell "the run beside them goes on to its end, and their processes are gone" went_on

summary
