#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who somebody is, is what the kernel says of the process at the other end of the socket, and
# nothing that they say themselves.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

other=nobody
other_group=$(id -gn "$other")
# Somebody else is needed: root can be anybody, others need sudo.
sudo=()
((EUID == 0)) || sudo=(sudo -n)
if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
    echo "# this user can be nobody else: run it as root, or where sudo asks for no password"
    summary
    exit
fi

# as_other COMMAND...: cordon as the other user, with the state directory of this test.
as_other() {
    timeout 20 "${sudo[@]}" setpriv --reuid="$other" --regid="$other_group" --clear-groups \
        "$work/bin/cordon" "$@" --state "$state"
}

mkdir "$work/bin" && cp "$CORDON" "$work/bin/cordon" && chmod 755 "$work/bin" "$work/bin/cordon"

playbook gated <<'END'
    ctx.approve { title = "Set it", from = "ops", within = "30m" }
    noop.set { target = "x", value = 1 }
END

# asked NAME PEOPLE SELF: a run of ours waits at its gate, and the other user can reach the
# engine, which somebody keeps running.
asked() {
    noop_state "$1" && noop_policy "$2" 1 "$3" && gone "$state" &&
        "${sudo[@]}" chgrp "$other_group" "$state" && "${sudo[@]}" chmod 2710 "$state" &&
        exits 3 cordon run "$work/gated.lua" || return 1
    playbook keeps <<'END'
    for i = 1, 1200 do noop.get { target = "x" } end
END
    sed -i 's/dir = /delay_ms = 50, dir = /' "$state/cordon.lua"
    gone "$state" && exits 0 cordon run "$work/keeps.lua" --detach
}

by_another() {
    asked another "$me $other" false && exits 4 cordon approve g-000001-1 --yes &&
        has "$me asked for this run, so somebody else must approve it" && is 0 "$(noop_effects)" "effects" &&
        exits 0 as_other approve g-000001-1 --yes && is 1 "$(noop_effects)" "effects" &&
        exits 0 cordon show r-000001 && has "approved +g-000001-1 +by $other" && whole
}
tell "another user of the group approves, and the requester cannot" by_another

by_a_stranger() {
    asked stranger "$me" true && exits 4 as_other approve g-000001-1 --yes &&
        has "$other is in none of the groups .*ops.*policy.lua" && exits 4 as_other deny g-000001-1 --reason no &&
        is 0 "$(noop_effects)" "effects" && exits 0 cordon approve g-000001-1 --yes &&
        is 1 "$(noop_effects)" "effects" && whole
}
tell "whoever is in no group neither approves nor denies" by_a_stranger

by_name_only() {
    asked name "$me" true &&
        exits 4 env USER="$me" LOGNAME="$me" SUDO_USER="$me" HOME="$HOME" \
            timeout 20 "${sudo[@]}" setpriv --reuid="$other" --regid="$other_group" --clear-groups \
            "$work/bin/cordon" approve g-000001-1 --yes --state "$state" &&
        has "$other is in none" && is 0 "$(noop_effects)" "effects"
}
tell "what the environment says of who somebody is counts for nothing" by_name_only

two_are_needed() {
    asked quorum "$me $other" true && cordon cancel r-000001 --reason anew >/dev/null &&
        noop_policy "$me $other" 2 true || return 1
    exits 3 cordon run "$work/gated.lua" && exits 3 cordon approve g-000003-1 --yes &&
        exits 1 cordon approve g-000003-1 --yes && has "$me has voted" && is 0 "$(noop_effects)" "effects" &&
        exits 0 as_other approve g-000003-1 --yes && is 1 "$(noop_effects)" "effects" && whole
}
tell "where two are needed, one person counts once" two_are_needed

outside() {
    noop_state outside && exits 3 cordon run "$work/gated.lua" && exits 1 as_other approve g-000001-1 --yes &&
        one_sentence && is 0 "$(noop_effects)" "effects"
}
tell "who cannot reach the state directory is told so" outside

summary
