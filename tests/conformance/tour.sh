# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Takes the azure plugin through each of its actions, one plugin function at a time, as the
# engine would: observe, plan, apply, observe; then restore, observe. Sourced by run.sh.
#
#   tour URL BEGIN     the simulator, or what stands in front of it, and a command that is
#                      told the name of each part before it starts
#
# Needs driver, plugin and tour_log, the file that is told what did not go as it should.
# Returns 1 when a call ended otherwise than it should have.

subscription=33333333-3333-3333-3333-333333333333
rg=/subscriptions/$subscription/resourceGroups/shop
site=$rg/providers/Microsoft.Web/sites/shop-web
nsg=$rg/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
vault=$rg/providers/Microsoft.KeyVault/vaults/shop-kv
grant=$rg/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001
app=77777777-aaaa-4aaa-8aaa-777777777777
cordon_id=11111111-1111-1111-1111-111111111111
looker_id=55555555-5555-5555-5555-555555555555
machine_id=44444444-4444-4444-4444-444444444444
export SECRET_shop=simulated-secret

# configuration URL [JQ-FILTER]
configuration() {
    jq -nc --arg url "$1" --arg client "$cordon_id" '{
        endpoints: {arm: $url, arm_audience: "https://management.azure.com", login: $url,
                    imds: $url, vaults: {"shop-kv": ($url + "/_vault/shop-kv")}},
        tenant: "22222222-2222-2222-2222-222222222222", client_id: $client,
        credential: "client_secret", secret: "shop"
    } | '"${2:-.}"
}

# call FN ACTION ARGS [MORE]: sets answer.
call() {
    answer=$(jq -nc --arg fn "$1" --arg action "$2" --argjson args "$3" \
        --argjson more "${4:-"{}"}" '{fn: $fn, action: $action, args: $args} + $more' |
        timeout 30 "$driver" "$plugin" "$config" 2>>"$tour_log") || answer='{"status":"died"}'
}
field() { jq -Sc "$1" <<<"$answer"; }

# should STATUS WHAT
should() {
    local status
    status=$(jq -r '.status // "nothing"' <<<"$answer")
    [ "$status" = "$1" ] && return
    echo "$2 answered $status where $1 was due: $answer" >>"$tour_log"
    lost=$((lost + 1))
}

reads() {
    call read "$1" "$2"
    should DONE "$1 read"
}

# there ACTION ARGS: sets before and after.
there() {
    call observe "$1" "$2"
    should DONE "$1 observe"
    before=$(field .state)
    call plan "$1" "$2" "{\"before\":$before}"
    should DONE "$1 plan"
    after=$(field .after)
    call apply "$1" "$2" "{\"before\":$before,\"after\":$after}"
    should DONE "$1 apply"
    seen "$1" "$2" "$after"
}

# seen ACTION ARGS STATE: what is there now.
seen() {
    call observe "$1" "$2" "{\"before\":$before}"
    [ "$(field .state)" = "$3" ] && return
    echo "$1: there is $(field .state), which should be $3" >>"$tour_log"
    lost=$((lost + 1))
}

# back ACTION ARGS [GOAL]: an undo has a key of its own.
back() {
    call restore "$1" "$2" "{\"before\":$before,\"after\":$after,\"goal\":${3:-$before},
        \"key\":\"ffeeddccbbaa99887766554433221100\"}"
    should DONE "$1 restore"
    seen "$1" "$2" "${3:-$before}"
}

there_and_back() {
    there "$1" "$2"
    back "$1" "$2"
}

tour_appservice() {
    $begin azure.appservice.get
    reads azure.appservice.get "{\"id\":\"$site\"}"
    $begin azure.appservice.stop
    there_and_back azure.appservice.stop "{\"id\":\"$site\"}"
    $begin azure.appservice.block_ips
    there_and_back azure.appservice.block_ips \
        "{\"id\":\"$site\",\"ips\":[\"203.0.113.7\",\"2001:db8::/64\"]}"
    $begin azure.appservice.disable_publishing
    there_and_back azure.appservice.disable_publishing "{\"id\":\"$site\"}"
}

tour_keyvault() {
    local secret='{"vault":"shop-kv","name":"db-password"}'
    $begin azure.keyvault.get_secret_info
    reads azure.keyvault.get_secret_info "$secret"
    $begin azure.keyvault.disable_secret
    there_and_back azure.keyvault.disable_secret "$secret"
    $begin azure.keyvault.rotate_secret
    there azure.keyvault.rotate_secret "$secret"
    call undone azure.keyvault.rotate_secret "$secret" "{\"before\":$before,\"after\":$after}"
    should DONE "azure.keyvault.rotate_secret undone"
    back azure.keyvault.rotate_secret "$secret" "$(field .after)"
}

tour_rbac() {
    $begin azure.rbac.assignments
    reads azure.rbac.assignments "{\"principal\":\"$app\"}"
    reads azure.rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$subscription\"}"
    reads azure.rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$vault\"}"
    $begin azure.rbac.remove
    there_and_back azure.rbac.remove "{\"id\":\"$grant\"}"
}

tour_nsg() {
    $begin azure.nsg.get
    reads azure.nsg.get "{\"id\":\"$nsg\"}"
    $begin azure.nsg.block_ips
    there_and_back azure.nsg.block_ips \
        "{\"id\":\"$nsg\",\"ips\":[\"203.0.113.7\",\"203.0.113.9\"]}"
    there_and_back azure.nsg.block_ips \
        "{\"id\":\"$nsg\",\"ips\":[\"2001:db8::1\"],\"direction\":\"Outbound\"}"
}

tour_credentials() {
    $begin "other credentials"
    config=$(configuration "$url" ".credential = \"federated\" | del(.secret)
        | .federated_token_file = \"$tour_log.assertion\"")
    echo simulated-assertion >"$tour_log.assertion"
    reads azure.appservice.get "{\"id\":\"$site\"}"
    config=$(configuration "$url" ".credential = \"managed_identity\" | del(.secret, .tenant)
        | .client_id = \"$machine_id\"")
    reads azure.appservice.get "{\"id\":\"$site\"}"
}

# The APIs describe their refusals too.
tour_refusals() {
    $begin "what is refused"
    local absent nothing='{"vault":"shop-kv","name":"nothing"}'
    for absent in "azure.appservice.stop $site" "azure.nsg.block_ips $nsg"; do
        call observe "${absent% *}" "{\"id\":\"${absent#* }-2\",\"ips\":[\"203.0.113.7\"]}"
        should REFUSED "${absent% *} of what is not there"
    done
    call read azure.keyvault.get_secret_info "$nothing"
    should REFUSED "a secret that is not there"
    call observe azure.rbac.remove "{\"id\":\"${grant//33333333/99999999}\"}"
    should REFUSED "an unknown subscription"
    config=$(configuration "$url" ".client_id = \"$looker_id\"")
    call apply azure.appservice.stop "{\"id\":\"$site\"}" '{"before":{"state":"Running"}}'
    should REFUSED "a site that may not be stopped"
    call apply azure.rbac.remove "{\"id\":\"$grant\"}" '{"before":{"present":true}}'
    should REFUSED "an assignment that may not be removed"
    call apply azure.keyvault.disable_secret '{"vault":"shop-kv","name":"payment-key"}' \
        '{"before":{"version":"0b000000000000000000000000000001","enabled":true}}'
    should REFUSED "a secret that may not be changed"
}

tour() {
    url=$1
    begin=$2
    lost=0
    local topic
    for topic in appservice keyvault rbac nsg credentials refusals; do
        config=$(configuration "$url")
        "tour_$topic"
    done
    [ "$lost" = 0 ]
}
