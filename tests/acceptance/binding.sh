#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An approval is good for what was approved, byte for byte: whatever changes between the
# approval and the effect, nothing is sent, a new gate opens, and it names what differs. And
# what somebody else has changed since is never written over.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

alert=$repo/tests/e2e/alert-appservice.json
export CORDON_PLAYBOOKS=$repo/playbooks
sub=/subscriptions/33333333-3333-3333-3333-333333333333
providers=$sub/resourceGroups/shop/providers
role=$sub/resourceGroups/shop/providers/Microsoft.Authorization/roleAssignments
nsg=$providers/Microsoft.Network/networkSecurityGroups/shop-nsg

# -- Between the approval and the effect ---------------------------------------------------

# in_window NAME [CHANGES]: the containment is approved, and halted before its first effect.
in_window() {
    azure_state "$1" && exits 3 cordon run contain-app-service --alert "$alert" --json &&
        before=$(sent) && exits 0 cordon halt all --reason 'a moment' &&
        exits 0 cordon approve g-000001-1 --yes --detach || return 1
    is 0 "$(sent 'stop|publishing|role')" "effects while it is halted"
}

# asked_again WORDS: going on sends nothing, and the new gate says what differs.
asked_again() {
    exits 0 cordon resume all --reason 'go on' && exits 3 cordon watch r-000001 &&
        is "$before" "$(sent)" "effects" && names "$1"
}

names() { # names WORDS: what the one open gate says that differs
    exits 0 cordon gates --json &&
        is "g-000001-2 $1" "$(jq -r '.gates[] | "\(.gate) \(.body.differs)"' <<<"$out")" "the new gate" &&
        exits 3 cordon watch r-000001 && has "differs|since"
}

# goes_on: what is asked anew can be approved, and then happens.
goes_on() {
    exits 0 cordon approve g-000001-2 --yes && is 1 "$(sent 'web.stop')" "stops" && whole
}

unchanged() {
    in_window unchanged && exits 0 cordon resume all --reason 'go on' &&
        exits 0 cordon watch r-000001 && is 1 "$(sent web.stop)" "stops" && whole
}
tell "what is as it was approved goes on after a halt" unchanged

policy_byte() {
    in_window policy && sed -i 's/the rest needs/the rest_needs/' "$state/policy.lua" &&
        asked_again "the policy" && goes_on
}
tell "one byte of the policy after the approval: nothing is sent, and the new gate names the policy" policy_byte

state_of_target() {
    in_window target &&
        sim POST edit "{\"path\":\"$site\",\"patch\":{\"properties\":{\"state\":\"QuotaExceeded\"}}}" &&
        asked_again "the target's state" && goes_on
}
tell "the target is edited after the approval: nothing is sent, and the new gate names its state" state_of_target

engine_killed() {
    in_window killed && kill_engines &&
        sim POST edit "{\"path\":\"$site\",\"patch\":{\"properties\":{\"state\":\"QuotaExceeded\"}}}" &&
        asked_again "the target's state"
}
tell "the engine is killed after the approval and the target edited: nothing is sent either" engine_killed

role_added() {
    in_window roles && sim POST edit "$(jq -n --arg path "$role/a0000000-0000-4000-8000-000000000000" \
        --arg role "$sub/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7" '{$path, patch: {properties: {roleDefinitionId: $role,
            principalId: "77777777-aaaa-4aaa-8aaa-777777777777", principalType: "ServicePrincipal"}}}')" &&
        exits 0 cordon resume all --reason 'go on' && exits 3 cordon watch r-000001 &&
        is 2 "$(sent role.delete)" "role assignments that were removed" &&
        is 0 "$(sent 'role.delete.*a0000000-0000-4000-8000-000000000000')" "removed unseen" &&
        names "nobody has seen this step: it was not in what was approved"
}
tell "a role assignment that came after the approval is not removed with the others" role_added

# The plugin: what runs is what was pinned, and what was approved.

own_plugin() { # own_plugin NAME: as azure_state, with a .so that this test may change
    azure_state "$1" && cp "$PLUGINS/azure.so" "$work/$1.so" &&
        exits 0 cordon plugins trust "$work/$1.so" || return 1
}

in_plugin_window() {
    own_plugin "$1" && exits 3 cordon run contain-app-service --alert "$alert" --json &&
        before=$(sent) && exits 0 cordon halt all --reason 'a moment' &&
        exits 0 cordon approve g-000001-1 --yes --detach && rests "$state"
}

# rests STATE: its engine starts and ends no process any more. A plugin's file that changes while it is just
# being loaded is another story than one that changes afterwards.
rests() {
    local now before=none same=0
    for _ in $(seq 600); do
        now=$(engines "$1" | xargs -r -n 1 pgrep -P | paste -sd' ')
        if [[ $now == "$before" ]]; then ((++same)); else same=0; fi
        ((same == 6)) && return
        before=$now
        sleep 0.1
    done
}

plugin_swapped() {
    in_plugin_window swapped && kill_engines && printf x >>"$work/swapped.so" || return 1
    exits 0 cordon resume all --reason 'go on'
    WITHIN=3 cordon watch r-000001 >"$work/watch" 2>&1
    is "$before" "$(sent)" "effects" && exits 0 cordon plugins && has 'changed' &&
        exits 1 cordon doctor && has 'azure.*(changed|other|hash|bytes)'
}
tell "one byte of the plugin's file: it is not loaded, and nothing is sent" plugin_swapped

plugin_trusted_anew() {
    in_plugin_window anew && printf x >>"$work/anew.so" &&
        exits 0 cordon plugins trust "$work/anew.so" && asked_again "the plugin" && goes_on
}
tell "another build of the plugin is trusted after the approval: the new gate names the plugin" plugin_trusted_anew

plugin_trusted_after_kill() {
    in_plugin_window late && kill_engines && printf x >>"$work/late.so" &&
        exits 0 cordon plugins trust "$work/late.so" && asked_again "the plugin"
}
tell "and so it does when the engine was killed in between" plugin_trusted_after_kill

# -- One byte of the arguments -------------------------------------------------------------

playbook copies <<'END'
    ctx.approve { title = "Copy what is there", from = "ops", within = "30m" }
    noop.set { target = "copy", value = noop.get { target = "original" }.value }
END

argument_byte() {
    noop_state argument && noop_edit original '"aaaa"' &&
        exits 3 cordon run "$work/copies.lua" && exits 0 cordon halt all --reason 'a moment' &&
        exits 0 cordon approve g-000001-1 --yes --detach && kill_engines &&
        is 0 "$(noop_effects)" "effects" || return 1
    # The read behind the gate is journaled; it is made once more by whoever asks anew.
    exits 0 cordon resume all --reason 'go on' && exits 0 cordon watch r-000001 &&
        is 1 "$(noop_effects)" "effects" && whole
}
argument_byte_edited() {
    noop_state edited && noop_edit original '"aaaa"' && exits 3 cordon run "$work/copies.lua" &&
        noop_edit original '"aaab"' && exits 3 cordon approve g-000001-1 --yes &&
        is 0 "$(noop_effects)" "effects" && names "the arguments" &&
        exits 0 cordon approve g-000001-2 --yes && is 1 "$(noop_effects)" "effects" && whole
}
tell "an argument that was approved is what is sent, though the engine was killed" argument_byte
tell "one byte of an argument after it was shown: nothing is sent, and the new gate names the arguments" argument_byte_edited

# -- Somebody writes into the journal's file -----------------------------------------------

playbook literal <<'END'
    ctx.approve { title = "Set it", from = "ops", within = "30m" }
    noop.set { target = "x", value = "orig" }
END

# at_rest NAME: a run waits at its gate, and no engine has the file open.
at_rest() {
    noop_state "$1" && exits 3 cordon run "$work/literal.lua" && gone "$state"
}

tamper() { # tamper SQL
    sqlite3 "$state/journal.db" "drop trigger events_are_not_changed; $1"
}

row_of_gate() {
    at_rest row && tamper "update events set body = replace(body, '\"orig\"', '\"oriG\"') where kind = 8" &&
        exits 1 cordon approve g-000001-1 --yes && has 'row 4 is not the one that was written.*backup' &&
        one_sentence && exits 1 cordon doctor && has 'row 4 is not the one' &&
        is 0 "$(noop_effects)" "effects"
}
tell "one byte of the arguments in the gate's row: the journal is refused, and the row is named" row_of_gate

row_of_playbook() {
    at_rest source && tamper "update events set body = replace(body, 'orig', 'oriG') where kind = 2" &&
        exits 1 cordon approve g-000001-1 --yes && has 'row 2 ' && one_sentence &&
        is 0 "$(noop_effects)" "effects"
}
tell "one byte of the playbook's row: the journal is refused" row_of_playbook

index_changed() {
    at_rest index &&
        tamper "update entries set body = replace(body, 'orig', 'oriG'); update entries set state = 2 where kind = 2" &&
        is 0 "$(noop_effects)" "effects" && exits 0 cordon approve g-000001-1 --yes &&
        has 'set x to "orig"' && exits 0 cordon show r-000001 && ! grep -q oriG <<<"$out" &&
        is '{"orig"}' "{$(cat "$world"/*.json)}" "what was set" &&
        exits 1 cordon doctor && has 'somebody else than cordon wrote to the index.*made +again' &&
        has 'rows, as they were written, and [0-9]+ +entries that say the same'
}
tell "what is written into the index is found, changes neither what is shown nor what is sent" index_changed

halt_lifted() {
    at_rest lifted && exits 0 cordon halt all --reason 'stop it' && exits 0 cordon approve g-000001-1 --yes --detach &&
        gone "$state" && tamper "update entries set state = 0 where kind = 5" && exits 0 cordon runs && gone "$state" &&
        is 0 "$(noop_effects)" "effects after the halt was lifted in the file" &&
        exits 1 cordon doctor && has 'somebody else than cordon wrote to the index' &&
        exits 0 cordon resume all --reason 'go on' && exits 0 cordon watch r-000001 && is 1 "$(noop_effects)" "effects" && whole
}
tell "a halt that is lifted in the file is in force at the next start, and nothing is sent" halt_lifted

far_behind() {
    local i
    at_rest far || return 1
    playbook notes <<'END'
    for i = 1, 300 do ctx.note("line " .. i) end
END
    exits 0 cordon run "$work/notes.lua" && gone "$state" &&
        tamper "update events set body = replace(body, '\"orig\"', '\"oriG\"') where kind = 8" &&
        exits 1 cordon doctor && has 'row 4 is not the one that was written'
}
tell "a row that is far behind the end is found by doctor" far_behind

# -- Putting back after somebody else ------------------------------------------------------

one_playbook

edit() { # edit PATH JSON: by somebody else
    sim POST edit "{\"path\":\"$1\",\"patch\":$2}" || { echo "# the edit of $1 is refused"; return 1; }
}

somebody_edits() { # somebody_edits ACTION: neither what was before nor what we left
    local new='"value":"theirs","attributes":{"enabled":true,"created":4102444800,"updated":4102444800}'
    case $1 in
    appservice.block_ips)
        edit "$site/config/web" "$(sim GET world | jq -c '{properties: {ipSecurityRestrictions:
            [.sites[0].config.web.properties.ipSecurityRestrictions[] | select(.ipAddress != "203.0.113.10/32")]}}')"
        ;;
    appservice.stop) edit "$site" '{"properties":{"state":"QuotaExceeded"}}' ;;
    appservice.disable_publishing)
        edit "$site/basicPublishingCredentialsPolicies/ftp" '{"properties":{"allow":true}}'
        ;;
    keyvault.rotate_secret) edit /_vault/shop-kv/secrets/db-password/0c000000000000000000000000000009 "{$new}" ;;
    rbac.remove)
        edit "$role/a0000000-0000-4000-8000-000000000001" "{\"properties\":{\"roleDefinitionId\":\"$sub/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7\",\"principalId\":\"77777777-aaaa-4aaa-8aaa-777777777777\",\"principalType\":\"ServicePrincipal\"}}"
        ;;
    nsg.block_ips)
        edit "$nsg/securityRules/$(sim GET world | jq -r '.networkSecurityGroups[0].rules[].name | select(startswith("cordon"))')" \
            '{"properties":{"sourceAddressPrefixes":["203.0.113.9/32"]}}'
        ;;
    esac
}

drift() { # drift ACTION
    azure_state "drift-$1" && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
        exits 0 cordon run "$work/one.lua" --param "what=$1" && somebody_edits "$1" &&
        before=$(sent) && world=$(sim GET world | sha256sum) &&
        exits 5 cordon rollback r-000001 --reason over && has 'before +ours +now' &&
        has '<- (changed by others|back as it was)' && is "$before" "$(sent)" "effects" &&
        is "$world" "$(sim GET world | sha256sum)" "the world" || return 1
    exits 5 cordon watch r-000002 && exits 0 cordon contained && has h-000001-1 && whole &&
        exits 0 cordon show r-000002 --json &&
        is '["before","now","ours"]' "$(jq -c '[.rows[] | select(.kind == "drift") | .body |
            if .w and .z and .now and (.w != .now) and (.z != .now) and (.w != .z)
            then "before", "now", "ours" else empty end] | sort' <<<"$out")" "what the drift's row has"
}

for action in appservice.block_ips appservice.stop appservice.disable_publishing \
    keyvault.rotate_secret rbac.remove nsg.block_ips; do
    at_drift() { drift "$action"; }
    tell "azure.$action: after a foreign edit the rollback writes nothing, exits 5 and shows before, ours, now" at_drift
done

# A version is enabled or it is not, so that there is nothing in between to drift to.
secret_deleted() {
    azure_state drift-secret && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
        exits 0 cordon run "$work/one.lua" --param what=keyvault.disable_secret &&
        edit /_vault/shop-kv/secrets/payment-key '{"deleted":true}' && before=$(sent) &&
        exits 5 cordon rollback r-000001 --reason over && has 'no secret called payment-key' &&
        has 'NOT UNDONE +u/1' && has 'cordon retry r-000002' && exits 5 cordon retry r-000002 &&
        is "$before" "$(sent)" "effects" && exits 0 cordon contained && has h-000001-1 && whole &&
        sim POST edit '{"path":"/_vault/shop-kv/secrets/payment-key","patch":{"deleted":null}}' &&
        exits 0 cordon retry r-000002 --reason "it is back" && has 'enabled: false -> true' &&
        exits 0 cordon contained && has 'nothing is contained'
}
tell "azure.keyvault.disable_secret: a secret that somebody has deleted cannot be put back, and stays in the ledger" secret_deleted

summary
