#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A wave over much of what exists is stopped, also where each single stop is allowed: the
# Azure plugin says how many there are, and the guard counts.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# eight_sites NAME: a state whose world has eight sites, and whose policy asks nobody.
eight_sites() {
    local n
    azure_state "$1" && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" || return 1
    for n in 1 2 3 4 5 6 7; do
        sim POST edit "{\"path\":\"$site$n\",\"patch\":{\"kind\":\"app\",\"location\":\"westeurope\",
            \"properties\":{\"state\":\"Running\"}}}" >/dev/null || return 1
    done
    : >"$work/requests.jsonl"
}

cat >"$work/wave.lua" <<END
local site = use "azure.appservice"
return playbook { name = "wave", summary = "stop many sites",
  run = function(p, ctx)
    for n = 0, 7 do
      site.stop { id = "$site" .. (n == 0 and "" or n) }
    end
  end }
END

lists() {
    jq -r 'select(.method == "GET") | .path' "$work/requests.jsonl" |
        grep -c '/providers/Microsoft.Web/sites?'
}

a_wave_over_more_than_a_quarter_of_what_exists_is_stopped() {
    eight_sites wave && exits 6 cordon run "$work/wave.lua" || return 1
    has 'guard targets_percent: this would be target 6 within an hour of the 8 that exist, and guards.targets_percent allows 25%' &&
        has 'raises it with guards.targets_percent \(or guards.targets_floor\) in policy.lua' &&
        is 5 "$(sent '^web.stop')" "sites stopped" &&
        is 1 "$(lists)" "lists asked for, of eight sites"
}

a_plan_says_before_anything_is_done_that_the_guard_would_stop_it() {
    eight_sites plan && exits 0 cordon plan "$work/wave.lua" || return 1
    has 'guard targets_percent: this would be target 6 within an hour of the 8 that exist' &&
        is 0 "$(sent '^web.stop')" "sites stopped"
}

who_owns_the_policy_raises_it() {
    eight_sites raised &&
        sed -i 's/^  rules/  guards = { targets_percent = 100 },\n&/' "$state/policy.lua" &&
        exits 0 cordon run "$work/wave.lua" &&
        is 8 "$(sent '^web.stop')" "sites stopped"
}

a_site_may_be_protected_by_a_tag_from_all_that_is_done_to_it() {
    local what
    one_playbook
    for what in appservice.block_ips appservice.disable_publishing appservice.stop keyvault.disable_secret; do
        azure_state "tag-$what" && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
            sed -i 's/^  rules/  guards = { protected_tags = { "owner=shop-team", "kept" } },\n&/' "$state/policy.lua" &&
            sim POST edit '{"path":"/_vault/shop-kv/secrets/payment-key/'"$(sim GET world |
                jq -r '.vaults[0].secrets[] | select(.name == "payment-key").versions[-1].version')"'","patch":{"tags":{"kept":"yes"}}}' >/dev/null &&
            exits 6 cordon run "$work/one.lua" --param "what=$what" &&
            has 'guard protected_tags: ' && is 0 "$(sent)" "changes by $what" || return 1
    done
}

tell "a wave over more than a quarter of what exists is stopped where it begins to be one" \
    a_wave_over_more_than_a_quarter_of_what_exists_is_stopped
tell "a plan says before anything is done that the guard would stop it" \
    a_plan_says_before_anything_is_done_that_the_guard_would_stop_it
tell "whoever owns the policy raises the share" who_owns_the_policy_raises_it
tell "a tag protects a site and a secret from all that is done to them" \
    a_site_may_be_protected_by_a_tag_from_all_that_is_done_to_it

summary
