#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules, guards and routes that can match or start nothing are reported when they are read.
# shellcheck disable=SC2016 # $alert is of routes, not of the shell
set -uo pipefail
# shellcheck source=tests/wait.sh
. "$TESTS/wait.sh"

work=$(mktemp -d)
state=$work/state
passed=0 failed=0

end() {
    [ ! -s "$state/lock" ] || kill -KILL "$(cat "$state/lock")" 2>/dev/null
    rm -rf "$work" 2>/dev/null || { sleep 0.5 && rm -rf "$work"; }
}
trap end EXIT

check() { # check NAME WANTED WAS: WAS has WANTED in it
    case "$3" in
    *"$2"*)
        passed=$((passed + 1))
        printf 'ok    %s\n' "$1"
        ;;
    *)
        failed=$((failed + 1))
        printf '      was    %s\n      wanted %s\nnot ok %s\n' "$3" "$2" "$1"
        ;;
    esac
}

cordon() { timeout 60 "$CORDON" "$@" --state "$state" 2>&1; }

mkdir -m 700 "$state" "$work/playbooks"
cat >"$state/policy.lua" <<'EOF'
return { groups = { leads = { "ann" } } }
EOF
printf 'return { playbooks = { "%s" }, routes = "routes.lua" }\n' "$work/playbooks" >"$state/cordon.lua"
echo 'return {}' >"$state/routes.lua"
cordon plugins trust "$PLUGINS/azure.so" >"$work/out" || cat "$work/out"
cordon stop >/dev/null 2>&1
[ ! -s "$state/lock" ] || kill "$(cat "$state/lock")" 2>/dev/null

# -- policies: NAME | WANTED ("" for a right one) | RULE'S MATCH | GUARDS
files=() names=() wants=()
policy() { # policy NAME WANTED MATCH GUARDS
    local file=$work/policy-${#files[@]}.lua

    printf 'return { groups = { leads = { "ann" } },\n  rules = { { name = "a rule", match = { %s }, need = 1 } },\n  guards = { %s } }\n' \
        "$3" "$4" >"$file"
    files+=("$file") names+=("$1") wants+=("$2")
}
guid=0f1e2d3c-4b5a-4697-8a8b-9c0d1e2f3a4b
policy a_known_action_is_right "" 'action = "azure.nsg.block_ips"' ''
policy a_glob_of_known_actions_is_right "" 'action = { "azure.rbac.*", "*.rotate_*" }' ''
policy an_action_of_a_plugin_to_come_is_left_alone "" 'action = "pager.page.*"' ''
policy a_misspelt_verb_is_reported 'did you mean azure.rbac.remove' 'action = "azure.rbac.remov"' ''
policy a_misspelt_noun_is_reported 'no trusted plugin has an action azure.nsgs.block_ips' 'action = "azure.nsgs.block_ips"' ''
policy a_misspelt_plugin_is_reported 'azur.appservice.stop' 'action = "azur.appservice.stop"' ''
policy a_glob_of_no_action_is_reported 'azure.storage.*' 'action = { "*.stop", "azure.storage.*" }' ''
policy a_misspelt_verb_behind_a_star_is_reported 'did you mean rotate_secret' 'action = "*.rotate_secrets"' ''
policy a_subscription_by_its_name_is_reported 'match.subscription' 'subscription = "Shop test"' ''
policy a_subscription_that_lacks_a_digit_is_reported 'match.subscription' "subscription = \"${guid%?}\"" ''
policy a_subscription_by_its_guid_is_right "" "subscription = \"$guid\"" ''
policy a_subscription_by_a_glob_is_right "" 'subscription = "0f1e*"' ''
policy a_tag_with_a_blank_is_reported 'match.tag' 'tag = "owner =shop"' ''
policy a_tag_with_a_blank_inside_its_value_is_right "" 'tag = "owner=shop team"' ''
policy a_target_by_its_name_is_reported 'match.target' 'target = "shop-db"' ''
policy a_target_by_a_glob_is_right "" 'target = "*/sites/shop-*"' ''
policy protection_by_a_name_is_reported 'guards.protected' '' 'protected = { "/subscriptions/*", "shop-nsg" }'
policy protection_of_an_address_is_right "" '' 'protected = { "198.51.100.7" }'
policy protection_of_a_vault_is_right "" '' 'protected = { "https://shop.vault.azure.net/secrets/*" }'
policy a_principal_by_its_sign_in_name_is_reported 'guards.principals' '' 'principals = { "root@shop.example" }'
policy a_principal_by_a_glob_is_reported 'guards.principals' '' 'principals = { "0f1e*" }'
policy a_pinned_subscription_given_as_an_id_is_reported 'guards.subscriptions' '' "subscriptions = { \"/subscriptions/$guid\" }"
policy a_protected_tag_with_a_blank_is_reported 'guards.protected_tags' '' 'protected_tags = { "tier= 1" }'
policy an_action_without_its_plugin_is_reported 'did you mean azure.nsg.' 'action = { "nsg.block_*" }' ''
policy a_verb_alone_is_reported 'did you mean azure.appservice.block_ips' 'action = "block_ips"' ''
policy a_target_as_the_portal_shows_it_is_reported 'match.target' "target = \"https://portal.azure.us/#resource/subscriptions/$guid/resourceGroups/shop\"" ''
policy protection_by_an_address_of_arm_is_reported 'without an address in front' '' "protected = { \"https://management.azure.com/subscriptions/$guid\" }"
policy protection_of_a_named_subscription_is_reported 'guards.protected' '' 'protected = { "/subscriptions/shop-test/*" }'
policy protection_by_a_misspelt_segment_is_reported 'guards.protected' '' "protected = { \"/subscriptions/$guid/resourceGroup/shop\" }"
policy protection_of_a_resource_without_its_provider_is_reported 'guards.protected' '' "protected = { \"/subscriptions/$guid/resourceGroups/shop/Microsoft.Web/sites/a\" }"
policy protection_with_a_blank_at_its_end_is_reported 'guards.protected' '' "protected = { \"/subscriptions/$guid/resourceGroups/shop \" }"
policy protection_of_a_group_in_any_case_is_right "" '' "protected = { \"/SUBSCRIPTIONS/$guid/resourcegroups/Shop/\" }"
policy protection_of_a_management_group_is_right "" '' 'protected = { "/providers/Microsoft.Management/managementGroups/top" }'
policy protection_by_globs_in_an_id_is_right "" '' "protected = { \"/subscriptions/0f1e*/resourceGroups/*-prod\", \"/*/sites/shop\" }"
policy a_range_of_own_addresses_is_reported 'guards.own[1]' '' 'own = { "192.0.2.1", "192.0.2.4-192.0.2.9" }'
policy own_addresses_by_a_star_are_reported 'guards.own[0]' '' 'own = { "192.0.2.*" }'
policy a_part_of_an_own_address_is_reported 'guards.own[0]' '' 'own = { "10.20.30" }'
policy an_own_address_with_a_blank_is_reported 'guards.own[0]' '' 'own = { "192.0.2.0/24 " }'
policy an_own_address_with_a_wrong_digit_is_reported 'guards.own[0]' '' 'own = { "2001:db8::1g" }'
policy an_own_identity_is_right "" '' "own = { \"$guid\", \"cordon-1.example.net\", \"*:cordon\" }"
policy a_tenant_by_its_domain_is_reported 'guards.tenants' '' 'tenants = { "shop.onmicrosoft.example" }'
policy a_count_of_less_than_one_is_reported 'targets' 'targets = "< 1"' ''
policy a_count_of_one_at_most_is_right "" 'targets = "<= 1"' ''

people() { # people NAME WANTED RULE MORE
    local file=$work/policy-${#files[@]}.lua

    printf 'return { groups = { two = { "ann", "bob" }, same = { "ann", "ann-adm" }, all = { "*" }, bots = { "ann", "ci-1" } },
  people = { ann = { accounts = { "ann-adm" } } }, services = { "ci-*" },
  rules = { { name = "a rule", match = { action = "*" }, %s } }, %s }\n' "$3" "$4" >"$file"
    files+=("$file") names+=("$1") wants+=("$2")
}
people a_rule_for_as_many_as_there_are_is_right "" 'need = 2, from = { "two" }' ''
people a_rule_for_anybody_is_right "" 'need = 9, from = { "all" }' ''
people a_rule_without_groups_counts_those_of_all "" 'need = 5' ''
people a_rule_for_more_than_there_are_is_reported 'rules[0].need: it asks for 3 approvals, and its groups have 2' 'need = 3, from = { "two" }' ''
people a_human_with_two_accounts_counts_once 'have 1 who can give one (["ann"]' 'need = 2, from = { "same" }' ''
people a_service_does_not_count 'have 1 who can give one' 'need = 2, from = { "bots" }' ''
people slots_want_a_person_each 'have 1 who can give one' 'need = { "same", "bots" }' ''
people slots_that_two_people_fill_are_right "" 'need = { "two", "same" }' ''
people a_chain_widens_whom_a_rule_asks "" 'need = 2, from = { "same" }' 'gate = { escalate = { { after = "5m", from = { "two" } } } }'
people a_chain_of_the_same_people_does_not_help 'rules[0].need' 'need = 3, from = { "same" }' 'gate = { escalate = { { after = "5m", from = { "two" } } } }'
people an_emergency_path_for_too_many_is_reported 'freeze[0].emergency.need' 'need = 0' 'freeze = { { name = "f", from = "2030-01-01T00:00:00Z", to = "2030-02-01T00:00:00Z", emergency = { need = 3, from = { "two" } } } }'
people a_chain_for_a_severity_that_no_alert_has_is_reported 'gate.escalate[0].severity: critical is no severity' 'need = 1' 'gate = { escalate = { { after = "5m", from = { "two" }, severity = "critical" } } }'
people a_gate_of_no_time_is_reported 'within' 'need = 1' 'gate = { within = "0s" }'

feed() { # feed NAME WANTED MATCH: no cordon.lua names a source yet
    policy "$1" "$2" "action = \"*.stop\", $3" ''
}
# What the adapters call kinds and products is known to the check.
for one in $(sed -n 's/^ *\["\([a-z0-9-]*\)"\] = .*/\1/p' "$TESTS/../core/vm/alert_identity.lua") \
    $(cd "$TESTS/../playbooks/sources" && echo *.lua); do
    feed "a_rule_for_${one%.lua}_is_right" "" "source = \"${one%.lua}\""
done
feed a_rule_for_any_source_is_right "" 'source = "*"'
feed a_rule_for_an_event_source_by_its_address_is_right "" 'source = "/subscriptions/*/topics/alerts"'
feed a_misspelt_source_is_reported 'rules[0].match.source: no source of cordon.lua, no kind and no product is called sentinal, so this matches nothing; did you mean sentinel?' 'source = "sentinal"'
feed a_misspelt_product_in_a_list_is_reported 'did you mean defender-for-identity?' 'source = { "graph", "defender-for-identiy" }'
feed a_source_that_is_not_there_is_reported 'is called weatherwatch' 'source = "weatherwatch"'
feed a_glob_of_no_source_is_reported 'is called edr-*' 'source = "edr-*"'
feed a_requester_that_is_no_source_is_reported 'rules[0].match.requester: no source of cordon.lua' 'requester = { "ann", "source:sentinal" }'
feed a_requester_that_is_a_source_is_right "" 'requester = "source:graph"'
feed a_severity_that_no_alert_has_is_reported 'rules[0].match.severity' 'severity = "critical"'
feed a_severity_beside_one_that_alerts_have_is_right "" 'severity = { "high", "critical" }'
feed a_confidence_that_no_alert_has_is_reported 'rules[0].match.confidence' 'confidence = "critical+"'
cordon check "${files[@]}" >"$work/out"
for i in "${!files[@]}"; do
    was=$(grep -F "${files[$i]}:" "$work/out")
    [ -n "${wants[$i]}" ] || { [ -n "$was" ] || was="nothing wrong"; }
    check "${names[$i]}" "${wants[$i]:-nothing wrong}" "$was"
done

# -- routes: each is read by the engine, and the doctor reports it
cat >"$work/playbooks/keep-out.lua" <<'EOF'
local nsg = use "azure.nsg"
return playbook { name = "keep-out", summary = "Block what an alert names",
  params = { group = { "arm_id", "the group" }, ips = { "list of ip", "whom", default = {} },
             hours = { "integer", "how long", default = 4 } },
  run = function(p) nsg.get { id = p.group } end }
EOF
cat >"$work/playbooks/never.lua" <<'EOF'
return playbook { name = "never", summary = "Requires what it is not given",
  params = { group = { "arm_id", "the group" } }, on_alert = { when = { type = "X*" } },
  run = function(p, ctx) ctx.note(p.group) end }
EOF
reported() { cordon doctor | grep '^not ok *alerts start' | grep -v never; }
cordon doctor >/dev/null # it finds the files
check an_engine_that_a_command_started_has_a_name_in_ps "cordon-engine" "$(cat "/proc/$(cat "$state/lock")/comm")"
check an_on_alert_without_parameters_is_reported "playbook never: on_alert can start nothing" "$(cordon doctor)"
route() { # route NAME WANTED ROUTE
    printf 'return { { name = "r", match = { type = "*" }, playbook = "keep-out", params = { group = "$alert.resources.1" } },\n  { name = "s", %s } }\n' \
        "$3" >"$state/routes.lua"
    local was
    for _ in $(seq 20); do # the engine reads the file while it answers
        was=$(reported)
        case ${was:-nothing wrong} in *"${2:-nothing wrong}"*) break ;; esac
    done
    [ -n "$2" ] || { [ -n "$was" ] || was="nothing wrong"; }
    check "$1" "${2:-nothing wrong}" "$was"
}
given='params = { group = "$alert.resources.1" }'
route a_right_route_is_right "" "playbook = \"keep-out\", match = { severity = \"medium+\" }, storm = { once_within = \"1h\", by = { \"resource\", \"tenant\", \"entities.ips\" } }, $given"
route a_route_to_no_playbook_is_reported 'routes[2].playbook: no playbook of cordon.lua'"'"'s playbooks is called keepout; did you mean keep-out' "playbook = \"keepout\", $given"
route a_parameter_that_is_not_is_reported 'keep-out has no parameter groop; did you mean group' 'playbook = "keep-out", params = { groop = "$alert.resources.1" }'
route a_missing_parameter_is_reported 'keep-out requires group' 'playbook = "keep-out", params = { hours = 2 }'
route a_constant_of_the_wrong_type_is_reported 'hours' 'playbook = "keep-out", params = { group = "$alert.resources.1", hours = "two" }'
route a_resource_by_type_wants_a_type 'like Microsoft.Web/sites' 'playbook = "keep-out", params = { group = "$alert.resource:sites" }'
route a_member_that_no_alert_has_is_reported 'did you mean entities' 'playbook = "keep-out", params = { group = "$alert.resources.1", ips = "$alert.entity.ips" }'
route a_function_of_alerts_is_no_member 'did you mean resources?' 'playbook = "keep-out", params = { group = "$alert.resource.2" }'
route a_kind_of_entity_that_no_alert_has_is_reported 'did you mean ips' 'playbook = "keep-out", params = { group = "$alert.resources.1", ips = "$alert.entities.ip" }'
route a_misspelt_severity_is_reported 'match.severity' "match = { severity = { \"high\", \"mediun+\" } }, playbook = \"keep-out\", $given"
route a_misspelt_confidence_is_reported 'match.confidence' "match = { confidence = \"hi\" }, playbook = \"keep-out\", $given"
route a_storm_by_what_no_alert_has_is_reported 'storm.by' "storm = { once_after = \"10m\", by = { \"tenants\" } }, playbook = \"keep-out\", $given"

route a_misspelt_source_of_a_route_is_reported 'routes[2].match.source: no source of cordon.lua, no kind and no product is called azure-monitr' "match = { source = { \"graph\", \"azure-monitr\" } }, playbook = \"keep-out\", $given"
route a_severity_that_no_alert_has_is_reported_of_a_route 'routes[2].match.severity: critical+ is no severity' "match = { severity = \"critical+\" }, playbook = \"keep-out\", $given"
route a_status_that_cordon_replaces_is_reported 'routes[2].match.status' "match = { status = \"new\" }, playbook = \"keep-out\", $given"
route a_status_that_contradicts_is_reported 'routes[2].match.over: false contradicts' "match = { status = \"closed\", over = false }, playbook = \"keep-out\", $given"
check a_route_is_reported_with_its_line "routes.lua:2:" "$(reported)"
cat >"$work/playbooks/waits.lua" <<'EOF'
return playbook { name = "waits", summary = "Waits for a source that is not",
  on_alert = { when = { type = "*",
    source = "defender-for-clod" } },
  run = function(p, ctx) ctx.note("x") end }
EOF
cordon doctor >/dev/null
check an_on_alert_for_no_source_is_reported_with_its_line "waits.lua:3:5: playbook waits: on_alert.when.source: no source of cordon.lua, no kind and no product is called defender-for-clod" "$(cordon doctor)"
check and_the_log_has_it "on_alert.when.source" "$(cat "$state/engine.log")"
rm "$work/playbooks/waits.lua"

# -- sources of cordon.lua: by their names, and what a sender may call itself
kill "$(cat "$state/lock")" 2>/dev/null
state=$work/named
mkdir -m 700 "$state" "$state/secrets"
(umask 077 && echo key >"$state/secrets/key")
echo 'return { groups = { leads = { "ann" } } }' >"$state/policy.lua"
sources() { # sources LUA: those of cordon.lua
    [ ! -s "$state/lock" ] || kill "$(cat "$state/lock")" 2>/dev/null
    printf 'return { sources = { %s }, pull = { nightly = { kind = "graph-alerts", every = "1h" } } }\n' "$1" >"$state/cordon.lua"
}
finds() { # finds SOURCE: what the check says of a rule for it
    printf 'return { rules = { { name = "r", match = { source = "%s" } } } }\n' "$1" >"$work/named.lua"
    cordon check "$work/named.lua"
}
sources '["front-door"] = { kind = "defender-for-cloud", auth = { bearer = { "key" } } }'
check a_source_is_known_by_its_name "nothing wrong" "$(finds front-door)"
check a_pulled_source_is_known_by_its_name "nothing wrong" "$(finds nightly)"
check a_misspelt_name_of_a_source_is_reported "did you mean front-door?" "$(finds frontdoor)"
check a_name_that_nobody_can_send_is_reported "is called scanner" "$(finds scanner)"
echo 'return { rules = { { name = "r", match = { source = "front-door" }, need = 0 } } }' >"$state/policy.lua"
cordon doctor >/dev/null
sed 's/front-door/side-door/' "$state/cordon.lua" >"$work/cordon.lua" && mv "$work/cordon.lua" "$state/"
: >"$state/engine.log"
kill -HUP "$(cat "$state/lock")"
await has_lines "$state/engine.log" 1
check a_source_that_a_rule_names_cannot_go "names what would be no more: rules[0].match.source: no source of cordon.lua, no kind and no product is called front-door" "$(cat "$state/engine.log")"
echo 'return { groups = { leads = { "ann" } } }' >"$state/policy.lua"
sources 'scripts = { kind = "generic", auth = { bearer = { "key" } } }'
check a_sender_that_names_itself_is_left_alone "nothing wrong" "$(finds scanner)"
check but_not_what_is_nearly_a_known_name "did you mean scripts?" "$(finds script)"

# -- gates: whether somebody can grant them is reported when they open
kill "$(cat "$state/lock")" 2>/dev/null
state=$work/gates me=$(id -un)
mkdir -m 700 "$state"
cat >"$state/policy.lua" <<EOF
return { groups = { mine = { "$me" }, pair = { "ann", "bob" }, both = { "ann", "ann-adm" }, open = { "*" },
  robots = { "deploy-1" } }, people = { ann = { accounts = { "ann-adm" } } }, services = { "deploy-*" },
  rules = { { name = "all", match = { action = "*" }, need = 0 } } }
EOF
gate() { # gate NAME WANTED ARGUMENTS
    printf 'return playbook { name = "asks", summary = "asks", run = function(p, ctx)\n  ctx.approve { title = "May it?", %s }\nend }\n' \
        "$3" >"$work/asks.lua"
    local was
    was=$(cordon run "$work/asks.lua" | grep -E 'in vain|no group|from is an empty|no time at all|unable|within')
    [ -n "$2" ] || { [ -n "$was" ] || was="nothing wrong"; }
    check "$1" "${2:-nothing wrong}" "$was"
}
gate a_gate_of_a_pair_can_be_granted "" 'from = "pair", need = 2'
gate a_group_beside_one_that_can_grant_it_is_reported 'no group "pears"' 'from = { "pair", "pears" }'
gate a_group_of_the_chain_that_is_not_there_is_reported 'no group "opens"' 'from = "pair", escalate = { { after = "5m", from = "opens" } }'
gate a_gate_of_anybody_can_be_granted "" 'from = "open", need = 3'
gate a_group_that_is_not_there_is_reported 'no group "pairs"; did you mean "pair"?' 'from = "pairs"'
gate a_slot_of_a_group_that_is_not_there_is_reported 'no group "lead"' 'need = { "pair", "lead" }'
gate more_approvals_than_people_are_reported 'it needs 3 approvals of ["pair"], and 2 people can give one' 'from = "pair", need = 3'
gate two_accounts_of_one_person_are_one_person 'and 1 person can give one' 'from = "both", need = 2'
gate the_requester_alone_cannot_grant_it 'asked for this run, so somebody else must approve it' 'from = "mine"'
gate services_cannot_grant_it 'deploy-1 is a service' 'from = { "robots" }'
gate two_slots_want_two_people 'it needs 2 approvals' 'need = { "both", "both" }'
gate an_empty_list_of_groups_is_refused 'from is an empty list, so nobody could approve' 'from = {}'
gate no_time_at_all_is_refused 'within' 'from = "pair", within = "0s"'
gate a_chain_to_people_who_can_makes_it_possible "" 'from = "mine", escalate = { { after = "5m", from = "pair" } }'
gate a_chain_makes_up_for_those_who_are_missing "" 'from = "both", need = 2, escalate = { { after = "5m", from = "pair" } }'
gate a_chain_to_nobody_else_does_not_help 'and 1 person can give one' 'from = "both", need = 2, escalate = { { after = "5m", from = "both" } }'
checked() { # checked NAME WANTED ARGUMENTS: what the check says, against the same policy
    printf 'return playbook { name = "asks", summary = "asks", run = function(p, ctx)\n  ctx.approve { title = "May it?", %s }\nend }\n' \
        "$3" >"$work/asks.lua"
    check "$1" "$2" "$(cordon check "$work/asks.lua")"
}
checked check_finds_no_fault_in_a_gate_of_a_pair "nothing wrong" 'from = "pair", need = 2'
checked check_counts_the_people_of_a_group 'asks.lua:2:7: ctx.approve: it needs 3 approvals of pair, and the policy has 2 people who can give one: ann, bob' 'from = "pair", need = 3'
checked check_counts_a_human_once 'it needs 2 approvals of both, and the policy has 1 person' 'from = "both", need = 2'
checked check_counts_no_services 'it needs 1 approval of robots, and the policy has 0 people' 'from = { "robots" }'
checked check_wants_a_person_for_each_slot 'it needs 2 approvals of both, both' 'need = { "both", "both" }'
checked check_leaves_what_is_computed "nothing wrong" 'from = "pair", need = #("abc")'
check the_doctor_lists_gates_that_nobody_can_grant 'not ok gates' "$(cordon doctor | tr -s ' ')"
check the_doctor_says_why 'the policy has no group "pairs"' "$(cordon doctor)"

kill "$(cat "$state/lock")" 2>/dev/null
state=$work/votes
mkdir -m 700 "$state"
echo "return { self_approval = true, groups = { open = { \"$me\" } }, rules = {} }" >"$state/policy.lua"
printf 'return playbook { name = "asks", summary = "asks", run = function(p, ctx)\n  ctx.approve { title = "May it?", from = "open" }\n  ctx.approve { title = "And now?", from = "open" }\nend }\n' >"$work/asks.lua"
run=$(cordon run "$work/asks.lua" | grep -o 'g-[0-9]*-1' | head -n 1)
check a_runs_name_stands_for_its_first_gate "g-${run:2:6}-2" "$(cordon approve "r-${run:2:6}" --yes)"
check a_repeated_vote_does_not_grant_the_next_gate "a vote names the gate" "$(cordon approve "r-${run:2:6}" --yes)"
check a_denial_by_the_runs_name_does_not_deny_the_next_gate "a vote names the gate" "$(cordon deny "r-${run:2:6}" --reason no)"
check the_next_gate_is_still_open "g-${run:2:6}-2" "$(cordon gates)"
printf 'return playbook { name = "asks2", summary = "asks", run = function(p, ctx)\n  ctx.ask { title = "Which?", from = "open" }\n  ctx.ask { title = "And?", from = "open" }\nend }\n' >"$work/asks2.lua"
run=$(cordon run "$work/asks2.lua" | grep -o 'g-[0-9]*-1' | head -n 1)
check an_answer_by_the_runs_name_is_for_its_first_gate "g-${run:2:6}-2" "$(cordon answer "r-${run:2:6}" one)"
check a_repeated_answer_is_not_one_to_the_next_question "then cordon answer g-${run:2:6}-2 VALUE" "$(cordon answer "r-${run:2:6}" one)"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
