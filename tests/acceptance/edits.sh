#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Somebody else edits what we changed: before a rollback, and after each of the requests that
# the rollback makes. Whatever is found is left alone and told. What lands between an action's
# last look and its write cannot be seen where the API takes no precondition; docs/azure.md
# says which actions have such a window, and this test that there is no other.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sub=/subscriptions/33333333-3333-3333-3333-333333333333
providers=$sub/resourceGroups/shop/providers
role=$providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001
nsg=$providers/Microsoft.Network/networkSecurityGroups/shop-nsg
vault=/_vault/shop-kv/secrets

# edit_of ACTION: what somebody writes, {path, patch}; neither what was before nor ours.
edit_of() {
    local later=4102444800 rule
    case $1 in
    appservice.block_ips)
        jq -cn --arg path "$site/config/web" --argjson list "$(sim GET world | jq -c \
            '[.sites[0].config.web.properties.ipSecurityRestrictions[] | select(.ipAddress != "203.0.113.10/32")]')" \
            '{$path, patch: {properties: {ipSecurityRestrictions: ($list + [{ipAddress: "192.0.2.99/32",
                action: "Deny", priority: 900, name: "theirs", tag: "Default"}])}}}' ;;
    appservice.stop) jq -cn --arg path "$site" '{$path, patch: {properties: {state: "QuotaExceeded"}}}' ;;
    appservice.disable_publishing)
        jq -cn --arg path "$site/basicPublishingCredentialsPolicies/ftp" \
            '{$path, patch: {properties: {allow: true}}}' ;;
    keyvault.rotate_secret)
        jq -cn --arg path "$vault/db-password/0c000000000000000000000000000009" --argjson at $later \
            '{$path, patch: {value: "theirs", attributes: {enabled: true, created: $at, updated: $at}}}' ;;
    keyvault.disable_secret) jq -cn --arg path "$vault/payment-key" '{$path, patch: {deleted: true}}' ;;
    rbac.remove)
        jq -cn --arg path "$role" --arg definition "$sub/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7" \
            '{$path, patch: {properties: {roleDefinitionId: $definition,
                principalId: "77777777-aaaa-4aaa-8aaa-777777777777", principalType: "ServicePrincipal"}}}' ;;
    nsg.block_ips)
        rule=$(sim GET world | jq -r '.networkSecurityGroups[0].rules[].name | select(startswith("cordon"))')
        jq -cn --arg path "$nsg/securityRules/$rule" '{$path, patch: {properties: {sourceAddressPrefixes: ["203.0.113.9/32"]}}}' ;;
    esac
}

# Is what somebody wrote still there?
is_theirs() {
    local world
    world=$(sim GET world)
    case $1 in
    appservice.block_ips) jq -e 'any(.sites[0].config.web.properties.ipSecurityRestrictions[]; .name == "theirs")' <<<"$world" ;;
    appservice.stop) jq -e '.sites[0].properties.state == "QuotaExceeded"' <<<"$world" ;;
    appservice.disable_publishing) jq -e '[.. | objects | select(has("ftp")) | .ftp | .. | .allow? // empty] | any' <<<"$world" ;;
    keyvault.rotate_secret) jq -e '[.. | .value? // empty | select(. == "theirs")] | length > 0' <<<"$world" ;;
    keyvault.disable_secret) jq -e '[.. | objects | select(.deleted? == true)] | length > 0' <<<"$world" ;;
    rbac.remove) grep -q 77777777-aaaa-4aaa-8aaa-777777777777 <<<"$world" ;;
    nsg.block_ips) jq -e 'any(.networkSecurityGroups[0].rules[]; .properties.sourceAddressPrefixes? == ["203.0.113.9/32"])' <<<"$world" ;;
    esac >/dev/null
}

requests() { grep -c . "$work/requests.jsonl"; }

contained_state() { # contained_state NAME ACTION
    azure_state "$1" && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
        exits 0 cordon run "$work/one.lua" --param "what=$2" && kill_engines # each rollback begins cold
}

# How many requests a rollback makes that nobody disturbs.
measure() {
    local before
    contained_state "measure-$1" "$1" && before=$(requests) && exits 0 cordon rollback r-000001 || return 1
    asked=$(($(requests) - before))
}

# Where the edit landed, by what the simulator served after it: "window" when a write
# came next, with no look in between; "ending" while one was under way; "late" when nothing looked any more.
landed() {
    jq -rs '(map(.method == "EDIT") | rindex(true)) as $at | .[$at + 1:] |
        map(select(.fault != "edit" and (.path | test("oauth2|token") | not))) |
        (map(select(.path | test("operation"; "i") | not)) | .[0]) as $next |
        if $next.effect then "window" elif any(.path | test("operation"; "i")) then "ending"
        elif length == 0 then "late" else "seen" end' "$work/requests.jsonl"
}

edited_after() { # edited_after K ACTION: sets where, reported and kept
    local edit rc
    contained_state "edit-$2-$1" "$2" || return 1
    edit=$(edit_of "$2")
    if (($1 == 0)); then
        sim POST edit "$edit" >/dev/null
    else
        (($1 == 1)) || sim POST faults "{\"match\":{},\"fault\":\"latency\",\"ms\":0,\"times\":$(($1 - 1))}" >/dev/null
        sim POST faults "{\"match\":{},\"fault\":\"edit\",\"edit\":$edit}" >/dev/null
    fi
    timeout 120 "$CORDON" rollback r-000001 --state "$state" >/dev/null 2>&1 # it waits until a write shows
    rc=$?
    sim DELETE faults >/dev/null
    where=$(landed)
    reported=$([[ $rc == 5 ]] && echo yes || echo no)
    kept=$(is_theirs "$2" && echo yes || echo no)
    kill_engines
}

# points ACTION AGREES: AGREES yes when what somebody writes can be what undoing leaves, or
# lie beside it; then there is nothing to report once it was looked at.
points() {
    local k action=$1 agrees=$2 edits=0 lost=0 told=0 late=0 same=0 wrong=0
    measure "$action" || return 1
    for ((k = 0; k <= asked; k++)); do
        edited_after "$k" "$action" || return 1
        ((edits++))
        case "$where $kept $reported" in
        "window no "* | "ending no "*) ((lost++)) ;;
        *" yes yes") ((told++)) ;;
        "late yes no" | "ending yes no") ((late++)) ;;
        "window yes no" | "seen yes no") if [[ $agrees == yes ]]; then ((same++)); else ((wrong++)); fi ;;
        *) ((wrong++)) ;;
        esac
        ((wrong == 0)) || {
            echo "# after request $k of $asked: $where, kept $kept, reported $reported"
            jq -rc '"#   \(.method) \(.path) \(.status // "") \(.effect // "")"' "$work/requests.jsonl" | tail -n 14
            return 1
        }
    done
    echo "# azure.$action: $edits edits, $lost lost in the window, 0 overwritten elsewhere, $told reported, $same of what undoing leaves, $late after the end"
    ((edits > 2 && told > 0)) || return 1
}

# Actions, and whether what somebody writes can be what undoing leaves.
declare -A agrees=(
    [appservice.block_ips]=yes [appservice.stop]=no [appservice.disable_publishing]=yes
    [keyvault.rotate_secret]=no [keyvault.disable_secret]=no [rbac.remove]=no [nsg.block_ips]=no
)

# Side by side, each with a world of its own: most of the time they wait until a write shows.
if (($# == 0)); then
    pids=()
    for action in "${!agrees[@]}"; do
        bash "${BASH_SOURCE[0]}" "$action" >"$work/$action.out" 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}"
    for action in "${!agrees[@]}"; do
        grep -v ' passed, ' "$work/$action.out"
        if [[ $(tail -n 1 "$work/$action.out") == "1 passed, 0 failed" ]]; then ((passed++)); else ((failed++)); fi
    done
    summary
    exit
fi

one_playbook
for action in "$@"; do
    at_points() { points "$action" "${agrees[$action]}"; }
    tell "azure.$action: an edit at any point of a rollback is left alone and reported, but for the window" at_points
done

summary
