#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A containment that somebody has undone is not called a containment: targets are observed again.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

one_playbook
group=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
assignment=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001

contain() { # contain NAME ACTION: in a shop whose policy asks nobody
    azure_state "$1" && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
        exits 0 cordon run "$work/one.lua" --param "what=$2"
}
# with_daemon NAME ACTION FUNCTION...: the same, and the function runs while one engine stays: what
# its checks could not observe is in its memory.
with_daemon() {
    local daemon rc
    contain "$1" "$2" && gone "$state" || return 1
    : >"$work/daemon.out"
    "$CORDON" engine --state "$state" >"$work/daemon.out" 2>&1 &
    daemon=$!
    await_from "$daemon" grep -q 'is ready' "$work/daemon.out" && "${@:3}"
    rc=$?
    kill "$daemon" 2>/dev/null
    wait "$daemon" 2>/dev/null
    return "$rc"
}
edit() { sim POST edit "{\"path\":\"$1\",\"patch\":$2}" >/dev/null; }
# verdicts WANTED: what a check says of all holds, in order; "in_force" where it says nothing.
verdicts() {
    exits 0 cordon contained --check --json &&
        is "$1" "$(jq -r '[.holds[] | .seen.verdict // "in_force"] | join(" ")' <<<"$out")" verdicts
}
rule_name() {
    sim GET world | jq -r '.networkSecurityGroups[0].rules[].name | select(startswith("cordon-"))' | head -n 1
}

what_nobody_touched_is_in_force() {
    local what
    for what in appservice.block_ips appservice.stop appservice.disable_publishing keyvault.disable_secret rbac.remove nsg.block_ips; do
        contain "calm-$what" "$what" && verdicts in_force && exits 0 cordon doctor &&
            has 'ok +containments +' || return 1
    done
}
a_site_that_a_pipeline_started_again_is_told() {
    contain restarted appservice.stop && edit "$site" '{"properties":{"state":"Running"}}' && verdicts undone &&
        exits 0 cordon contained && has 'NOT IN FORCE: somebody put it back, found' && has 'it is now .*Running' &&
        exits 1 cordon doctor && has 'not ok +containments +1 of 1 containments are not in force' && has 'as they were written'
}
a_rule_that_was_deleted_is_told() {
    contain deleted nsg.block_ips && edit "$group/securityRules/$(rule_name)" null && verdicts undone
}
a_rule_that_lets_through_now_is_told() {
    contain weakened nsg.block_ips && edit "$group/securityRules/$(rule_name)" '{"properties":{"access":"Allow"}}' && verdicts changed
}
an_assignment_that_is_there_again_is_told() {
    local body
    body=$(sim GET world | jq -c --arg id "${assignment##*/}" '[.roleAssignments[] | select(.id | endswith($id))][0] | {properties}')
    [[ $body == *principalId* ]] && contain granted rbac.remove && edit "$assignment" "$body" && verdicts undone
}
a_site_that_was_deleted_is_told_as_gone() {
    contain deleted-site appservice.stop && edit "$site" null && verdicts gone &&
        exits 0 cordon contained && has 'the target does not exist any more'
}
a_verdict_is_one_row_and_is_kept() {
    local rows
    contain kept appservice.stop && edit "$site" '{"properties":{"state":"Running"}}' && verdicts undone || return 1
    rows() { exits 1 cordon doctor --json && jq -r '.checks[] | select(.name == "verified").text' <<<"$out"; }
    rows=$(rows)
    verdicts undone && is "$rows" "$(rows)" "rows after the same verdict again" || return 1
    kill_engines && exits 0 cordon contained --check --json && has '"verdict":"undone"' || return 1
    exits 0 cordon doctor --rebuild && exits 0 cordon contained --json && has '"verdict":"undone"' || return 1
    edit "$site" '{"properties":{"state":"Stopped"}}' && verdicts in_force && exits 0 cordon doctor --rebuild && verdicts in_force && whole
}
what_two_runs_hold_is_in_force_for_both() {
    contain shared appservice.block_ips && exits 0 cordon run "$work/one.lua" --param what=appservice.block_ips &&
        verdicts "in_force in_force" && edit "$site/config/web" '{"properties":{"ipSecurityRestrictions":[]}}' || return 1
    exits 0 cordon contained --check --json && is 2 "$(grep -o '"verdict":' <<<"$out" | wc -l)" "holds that are not in force"
}
a_cloud_that_does_not_answer_changes_no_verdict() { with_daemon away appservice.stop sees_no_answer; }
sees_no_answer() {
    sim POST faults '{"match":{},"fault":"500-before","times":-1}' >/dev/null
    exits 0 cordon contained --check --json && grep -q '1 target could not be observed now' <<<"$err" &&
        is in_force "$(jq -r '.holds[0].seen.verdict // "in_force"' <<<"${out%"$err"}")" verdict &&
        exits 1 cordon doctor && has 'containments could not be observed, since .*: no answer within the time of a check'
}
refuse_reads() { # refuse_reads STATUS CODE: of the site
    sim POST faults "{\"match\":{\"method\":\"GET\",\"path_contains\":\"/sites/\"},\"fault\":\"answer\",\"times\":-1,\"status\":$1,
        \"body\":{\"error\":{\"code\":\"$2\",\"message\":\"said by the test\"}}}" >/dev/null
}
what_cannot_be_observed_is_not_called_ok() { with_daemon unseen appservice.stop sees_refusals; }
sees_refusals() {
    local status code
    exits 0 cordon doctor && has 'ok +containments +1 of 1 not checked since the engine started' || return 1
    while read -r status code; do
        refuse_reads "$status" "$code"
        exits 0 cordon contained --check && has 'COULD NOT BE OBSERVED since .*' && exits 1 cordon doctor &&
            has 'not ok +containments +1 of 1 containments could not be observed, since [0-9-]+T' || return 1
        exits 0 cordon contained --json && is "$code" "$(jq -r '.holds[0].unobserved.why' <<<"$out" | grep -o "$code")" "why of $status" || return 1
        sim DELETE faults >/dev/null
        verdicts in_force && exits 0 cordon contained && ! grep -q 'NOT BE OBSERVED' <<<"$out" && exits 0 cordon doctor &&
            has 'ok +containments +as cordon left them' || return 1
    done <<'END'
403 AuthorizationFailed
401 InvalidAuthenticationToken
409 Conflict
END
}
looked() {
    cordon contained | grep -q 'NOT IN FORCE'
}
a_look_at_the_list_has_it_observed() {
    contain looked appservice.stop && edit "$site" '{"properties":{"state":"Running"}}' && exits 0 cordon contained || return 1
    await looked
}
a_check_writes_nothing_to_the_target() {
    contain untouched appservice.stop && edit "$site" '{"properties":{"state":"Running"}}' && verdicts undone &&
        is 1 "$(sent .)" "effects"
}

tell "what nobody touched is in force" what_nobody_touched_is_in_force
tell "a site that a pipeline started again is reported, with what it is now" a_site_that_a_pipeline_started_again_is_told
tell "a rule that was deleted is reported" a_rule_that_was_deleted_is_told
tell "a rule that lets through now is reported as changed" a_rule_that_lets_through_now_is_told
tell "a role assignment that is there again is reported" an_assignment_that_is_there_again_is_told
tell "a site that was deleted is reported as gone" a_site_that_was_deleted_is_told_as_gone
tell "a verdict is one row, survives the engine and the index, and is lifted" a_verdict_is_one_row_and_is_kept
tell "what two runs hold is judged for both" what_two_runs_hold_is_in_force_for_both
tell "a cloud that does not answer changes no verdict" a_cloud_that_does_not_answer_changes_no_verdict
tell "a target that cannot be observed says since when and why, and doctor does not call it ok" what_cannot_be_observed_is_not_called_ok
tell "a look at the list has the targets observed" a_look_at_the_list_has_it_observed
tell "a check writes nothing to the target" a_check_writes_nothing_to_the_target
summary
