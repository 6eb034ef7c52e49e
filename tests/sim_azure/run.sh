#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the Azure simulator promises, asked of it over HTTP.
#
#   AZSIM=build/release/azsim tests/sim_azure/run.sh [part of a test's name]
#
# Each test is a function whose name is a sentence. Each begins with the shop as its world
# file has it. is, has and status write down what was wrong; the rest is curl.

set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
AZSIM=${AZSIM:-$root/build/release/azsim}
wanted=${1:-}

tmp=$(mktemp -d)
# An operation lasts long enough to be seen under way by the next curl, also on a busy machine.
shop=$tmp/shop.json
jq '.options.lro_ms = 1000' "$root/plugins/azure/sim/worlds/shop.json" >"$shop"
pid=
trap 'stop; rm -rf "$tmp"' EXIT

tenant=22222222-2222-2222-2222-222222222222
cordon=11111111-1111-1111-1111-111111111111
looker=55555555-5555-5555-5555-555555555555
app=77777777-aaaa-4aaa-8aaa-777777777777
sub=/subscriptions/33333333-3333-3333-3333-333333333333
rg=$sub/resourceGroups/shop
site=$rg/providers/Microsoft.Web/sites/shop-web
vault=$rg/providers/Microsoft.KeyVault/vaults/shop-kv
nsg=$rg/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
auth=providers/Microsoft.Authorization
contributor=b24988ac-6180-42a0-ab88-20f7382dd24c
reader=acdd72a7-3385-48ef-bd42-f606fba81ae7
grant=$rg/$auth/roleAssignments/a0000000-0000-4000-8000-000000000001
web='api-version=2024-04-01'
net='api-version=2024-03-01'
rbac='api-version=2022-04-01'
kv='api-version=7.5'
secrets=/_vault/shop-kv/secrets
deny_rule='{"properties":{"protocol":"*","sourceAddressPrefix":"203.0.113.7/32","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"*","access":"Deny","priority":100,"direction":"Inbound"}}'

# -- The simulator ----------------------------------------------------------------------

# start [options]: sets pid and url.
start() {
    : >"$tmp/out"
    : >"$tmp/out" # the next wait must not find what an earlier process printed
    "$AZSIM" --port 0 --quiet "$@" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    for _ in $(seq 3000); do
        url=$(sed -n 's/^azsim listening on //p' "$tmp/out")
        [ -n "$url" ] && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}

# stop: sets code to the exit status.
stop() {
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null
    wait "$pid"
    code=$?
    pid=
}

# world FILTER: a world file like the shop's, changed by a jq filter.
world() {
    jq "$1" "$shop" >"$tmp/world.json"
    printf '%s\n' "$tmp/world.json"
}

# restart FILTER [options]: the same with another world.
restart() {
    local filter=$1
    shift
    stop
    start --world "$(world "$filter")" "$@"
    login
}

# -- Requests ---------------------------------------------------------------------------

# send METHOD PATH [BODY] [curl options]: sets code, body and the file $tmp/head.
send() {
    local method=$1 path=$2 data=${3-}
    shift 2
    [ $# -gt 0 ] && shift
    : >"$tmp/head"
    : >"$tmp/body"
    code=$(curl -s -g -m 10 -X "$method" -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' \
        ${data:+-H 'Content-Type: application/json' --data-binary "$data"} "$@" "$url$path")
    curl_code=$?
    body=$(<"$tmp/body")
}

token() {
    curl -s "$url/$tenant/oauth2/v2.0/token" -d grant_type=client_credentials \
        -d "client_id=$1" -d client_secret=simulated-secret --data-urlencode "scope=$2/.default" |
        jq -r .access_token
}

login() {
    arm_token=$(token "$cordon" https://management.azure.com)
    kv_token=$(token "$cordon" https://vault.azure.net)
}

arm() { send "$1" "$2" "${3-}" -H "Authorization: Bearer $arm_token" "${@:4}"; }
kv() { send "$1" "$2" "${3-}" -H "Authorization: Bearer $kv_token" "${@:4}"; }
sim() { send "$1" "/_sim/$2" "${3-}"; }
fault() { sim POST faults "$1"; }
get() { jq -r "$1" <<<"$body"; }
header() { tr -d '\r' <"$tmp/head" | sed -n "s/^$1: //Ip"; }
log() { curl -s "$url/_sim/log" | jq -r "$1"; }
effects() { curl -s "$url/_sim/log" | jq -r '.[].effect // empty' | sed 's/ .*//' | xargs; }

# -- Checks -----------------------------------------------------------------------------

complain() {
    failed=1
    printf '      line %s: %s\n' "${BASH_LINENO[1]}" "$*"
}
is() { [ "$1" = "$2" ] || complain "is '$1', should be '$2'"; }
has() { [[ $1 == *"$2"* ]] || complain "'$1' does not have '$2'"; }
hasnt() { [[ $1 != *"$2"* ]] || complain "'$1' has '$2'"; }
status() { [ "$code" = "$1" ] || complain "status $code, should be $1: $body"; }
error() {
    if [ "$code" != "$1" ] || [ "$(get .error.code)" != "$2" ]; then
        complain "status $code, should be $1 $2: $body"
    fi
}

# -- Starting ---------------------------------------------------------------------------

it_stops_cleanly_when_it_is_told_to() {
    stop
    is "$code" 0
    start --world "$shop"
    login
}

a_world_that_is_not_json_is_refused_with_its_line() {
    printf '{\n "tenant": oops\n}\n' >"$tmp/bad.json"
    "$AZSIM" --world "$tmp/bad.json" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" "bad.json, line 2, column 12"
}

a_world_with_a_misspelt_part_is_refused_by_name() {
    jq '.sties = []' "$shop" >"$tmp/bad.json"
    "$AZSIM" --world "$tmp/bad.json" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" '"sties"'
    jq '.options.lro = 5' "$shop" >"$tmp/bad.json"
    "$AZSIM" --world "$tmp/bad.json" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" 'options.lro '
}

a_world_with_an_object_in_no_known_group_is_refused_with_its_place() {
    jq '.sites[0].id |= sub("/shop/"; "/shp/")' "$shop" >"$tmp/bad.json"
    "$AZSIM" --world "$tmp/bad.json" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" "sites[0]: resource group shp"
}

a_world_with_a_wrong_value_is_refused_with_its_place() {
    local place
    while IFS='|' read -r filter place; do
        jq "$filter" "$shop" >"$tmp/bad.json"
        "$AZSIM" --world "$tmp/bad.json" 2>"$tmp/said"
        is $? 2
        has "$(<"$tmp/said")" "$place"
    done <<'END'
.tenant = "shop"|bad.json: tenant has to be
.options.lro_ms = -1|options.lro_ms has to be
.identities[0].object_id = 5|identities[0].object_id
.sites[0].properties = []|sites[0].properties has to be an object
.sites[1] = .sites[0]|sites[1]: /subscriptions
.vaults[0].secrets[1].versions = []|vaults[0].secrets[1] needs
.vaults[0].secrets[0].versions[0].version = "1"|vaults[0].secrets[0]: each version
.roleAssignments[1].properties.principalId = ""|roleAssignments[1].properties needs
.networkSecurityGroups[0].rules[2] = {}|networkSecurityGroups[0].rules[2] needs
.locks[0] = {id: (.sites[0].id + "/providers/Microsoft.Authorization/locks/l")}|locks[0].properties.level
.sites = {}|sites has to be a list
END
}

a_missing_world_and_a_wrong_option_are_refused() {
    "$AZSIM" --world "$tmp/none.json" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" "none.json: No such file"
    "$AZSIM" 2>"$tmp/said"
    is $? 2
    has "$(<"$tmp/said")" "--world FILE is needed"
    "$AZSIM" --world "$shop" --port many 2>"$tmp/said"
    is $? 2
}

a_port_that_is_taken_is_named() {
    local port=${url##*:}
    "$AZSIM" --world "$shop" --port "$port" 2>"$tmp/said"
    is $? 1
    has "$(<"$tmp/said")" "port $port: Address already in use"
}

the_dump_of_the_world_can_be_loaded_again() {
    arm POST "$site/stop?$web"
    sim GET world
    printf '%s' "$body" >"$tmp/dump.json"
    stop
    start --world "$tmp/dump.json"
    login
    arm GET "$site?$web"
    is "$(get .properties.state)" Stopped
    stop
    start --world "$shop"
    login
}

it_serves_https_when_given_a_certificate() {
    command -v openssl >"$tmp/said" || return 0
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" \
        -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>"$tmp/said"
    stop
    start --world "$shop" --tls-cert "$tmp/cert.pem" --tls-key "$tmp/key.pem"
    has "$url" https://
    send GET "$secrets/db-password?$kv" '' --cacert "$tmp/cert.pem"
    status 401
    has "$(header WWW-Authenticate)" "authorization=\"$url/$tenant\""
    stop
    start --world "$shop"
    login
}

# -- Tokens -----------------------------------------------------------------------------

form() { send POST "/$tenant/oauth2/v2.0/token" "$1" -H 'Content-Type: application/x-www-form-urlencoded'; }

the_right_secret_gets_a_token() {
    form "grant_type=client_credentials&client_id=$cordon&client_secret=simulated-secret&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    status 200
    is "$(get .token_type)" Bearer
    is "$(get .expires_in)" 3599
}

a_wrong_secret_gets_the_error_of_the_token_endpoint() {
    form "grant_type=client_credentials&client_id=$cordon&client_secret=wrong&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    status 401
    is "$(get .error)" invalid_client
    is "$(get '.error_codes[0]')" 7000215
    has "$(get .error_description)" AADSTS7000215
}

a_token_request_with_a_mistake_is_told_which() {
    local good="grant_type=client_credentials&client_secret=simulated-secret"
    form "$good&client_id=99999999-9999-9999-9999-999999999999&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    is "$code $(get .error)" "400 unauthorized_client"
    form "$good&client_id=$cordon&scope=https%3A%2F%2Fmanagement.azure.com"
    is "$code $(get .error)" "400 invalid_scope"
    form "$good&client_id=$cordon&scope=https%3A%2F%2Felsewhere.example%2F.default"
    is "$code $(get .error)" "400 invalid_resource"
    form "grant_type=password&client_id=$cordon"
    is "$code $(get .error)" "400 unsupported_grant_type"
    send POST /99999999-9999-9999-9999-999999999999/oauth2/v2.0/token "$good&client_id=$cordon&scope=x"
    is "$code $(get '.error_codes[0]')" "400 90002"
}

a_known_assertion_gets_a_token_and_another_does_not() {
    local type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer
    local good="grant_type=client_credentials&client_id=$cordon&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_assertion_type=$type"
    form "$good&client_assertion=simulated-assertion"
    status 200
    form "$good&client_assertion=another"
    is "$code $(get .error)" "401 invalid_client"
}

the_metadata_service_gives_the_token_of_the_managed_identity() {
    send GET "/metadata/identity/oauth2/token/?api-version=2018-02-01&resource=https://management.azure.com/" '' -H 'Metadata: true'
    status 200
    is "$(get '.expires_in|type')" string
    is "$(get .client_id)" 44444444-4444-4444-4444-444444444444
    arm_token=$(get .access_token)
    arm GET "$site?$web"
    status 200
}

the_metadata_service_wants_its_header_and_an_identity_that_is_there() {
    send GET "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com"
    is "$code $(get .error)" "400 invalid_request"
    send GET "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com&client_id=$cordon" '' -H 'Metadata: true'
    is "$code $(get .error)" "400 invalid_request"
}

a_request_without_a_good_token_is_401() {
    send GET "$site?$web"
    error 401 AuthenticationFailed
    has "$(header WWW-Authenticate)" "Bearer authorization_uri="
    send GET "$site?$web" '' -H 'Authorization: Bearer nonsense'
    error 401 InvalidAuthenticationToken
    send GET "$site?$web" '' -H "Authorization: Bearer $kv_token"
    error 401 InvalidAuthenticationTokenAudience
}

an_expired_token_is_401_and_says_so() {
    sim POST expire-tokens
    arm GET "$site?$web"
    error 401 ExpiredAuthenticationToken
    restart '.options.token_ttl_s = 0'
    arm GET "$site?$web"
    error 401 ExpiredAuthenticationToken
    restart .
}

a_denied_permission_is_403_and_names_action_and_scope() {
    arm_token=$(token "$looker" https://management.azure.com)
    arm POST "$site/stop?$web"
    error 403 AuthorizationFailed
    has "$(get .error.message)" Microsoft.Web/sites/stop/Action
    has "$(get .error.message)" "$site"
    arm GET "$site?$web"
    is "$(get .properties.state)" Running
}

a_denial_that_is_added_later_counts_at_once() {
    arm GET "$site?$web"
    status 200
    sim POST edit "{\"path\":\"/_sim/identities/$cordon\",\"patch\":{\"deny\":[\"microsoft.web/*\"]}}"
    arm GET "$site?$web"
    error 403 AuthorizationFailed
}

# -- Resource Manager -------------------------------------------------------------------

every_request_needs_an_api_version_that_the_provider_knows() {
    arm GET "$site"
    error 400 MissingApiVersionParameter
    arm GET "$site?api-version=1999-01-01"
    error 400 NoRegisteredProviderFound
    has "$(get .error.message)" 2024-04-01
    arm GET "$site?api-version=latest"
    error 400 InvalidApiVersionParameter
    kv GET "$secrets/db-password"
    error 400 MissingApiVersionParameter
}

what_is_not_there_is_404_at_the_level_where_it_is_missing() {
    arm GET "/subscriptions/99999999-9999-9999-9999-999999999999?api-version=2022-12-01"
    error 404 SubscriptionNotFound
    arm GET "$sub/resourceGroups/none/providers/Microsoft.Web/sites/shop-web?$web"
    error 404 ResourceGroupNotFound
    arm GET "$rg/providers/Microsoft.Web/sites/none?$web"
    error 404 ResourceNotFound
    arm GET "$site/triggeredwebjobs?$web"
    error 404 ResourceNotFound
    arm DELETE "$site?$web"
    error 405 MethodNotAllowed
}

ids_are_compared_without_case_and_kept_as_they_were() {
    arm GET "/${site^^}/?$web"
    status 200
    is "$(get .id)" "$site"
}

the_subscription_and_its_group_can_be_read() {
    arm GET "$sub?api-version=2022-12-01"
    is "$code $(get .displayName) $(get .state)" "200 Shop Enabled"
    arm GET "$rg?api-version=2024-07-01"
    is "$code $(get .name)" "200 shop"
    arm GET "/subscriptions?api-version=2022-12-01"
    is "$code $(jq -c '[.value[].displayName, .nextLink]' <<<"$body")" '200 ["Shop",""]'
}

replies_carry_the_ids_that_support_asks_for() {
    arm GET "$site?$web" '' -H 'x-ms-client-request-id: mine' -H 'x-ms-return-client-request-id: true'
    is "$(header x-ms-request-id | wc -c)" 37
    is "$(header x-ms-correlation-request-id | wc -c)" 37
    is "$(header x-ms-client-request-id)" mine
    is "$(header x-ms-ratelimit-remaining-subscription-reads) $(header x-ms-ratelimit-remaining-subscription-global-reads)" \
        "249 3749"
    is "$(log '.[-1].client_request_id')" mine
}

a_body_that_is_no_json_object_is_400() {
    arm PATCH "$site/config/web?$web" '{"properties":'
    error 400 InvalidRequestContent
    arm PATCH "$site/config/web?$web" '{"properties":{}} {}'
    error 400 InvalidRequestContent
    arm PATCH "$site/config/web?$web" '[]'
    error 400 InvalidRequestContent
    arm PATCH "$site/config/web?$web"
    error 400 InvalidRequestContent
}

a_body_over_a_mebibyte_is_413() {
    head -c 1100000 /dev/zero | tr '\0' ' ' >"$tmp/big"
    code=$(curl -s -o "$tmp/body" -w '%{http_code}' -X PATCH --data-binary "@$tmp/big" -H 'Expect:' \
        -H "Authorization: Bearer $arm_token" "$url$site?$web")
    is "$code" 413
}

a_lock_stops_changes_and_names_itself() {
    sim POST edit "{\"path\":\"$rg/$auth/locks/keep\",\"patch\":{\"properties\":{\"level\":\"ReadOnly\"}}}"
    arm POST "$site/stop?$web"
    error 409 ScopeLocked
    has "$(get .error.message)" locks/keep
    arm DELETE "$grant?$rbac"
    error 409 ScopeLocked
    arm GET "$site?$web"
    status 200
    arm DELETE "$rg/$auth/locks/keep?api-version=2020-05-01"
    status 200
    arm POST "$site/stop?$web"
    status 200
}

a_lock_against_deletion_lets_other_changes_pass() {
    arm PUT "$nsg/$auth/locks/keep?api-version=2020-05-01" '{"properties":{"level":"CanNotDelete"}}'
    status 201
    arm DELETE "$nsg/securityRules/deny-telnet?$net"
    error 409 ScopeLocked
    arm PUT "$nsg/securityRules/deny-telnet?$net" "$deny_rule"
    status 200
}

# -- App Service ------------------------------------------------------------------------

a_stopped_site_reads_back_as_stopped_until_it_is_started() {
    arm POST "$site/stop?$web"
    is "$code<$body>" "200<>"
    arm GET "$site?$web"
    is "$(get .properties.state)" Stopped
    arm POST "$site/start?$web"
    status 200
    arm GET "$site?$web"
    is "$(get .properties.state)" Running
    is "$(effects)" "web.stop web.start"
}

stopping_a_stopped_site_answers_200_and_changes_nothing() {
    arm POST "$site/stop?$web"
    arm POST "$site/stop?$web"
    status 200
    is "$(effects)" web.stop
}

every_restart_is_an_effect() {
    arm POST "$site/restart?$web"
    arm POST "$site/restart?$web"
    is "$(effects)" "web.restart web.restart"
}

access_restrictions_are_replaced_as_a_whole() {
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictions":[{"ipAddress":"203.0.113.7/32","action":"Deny","priority":100,"name":"a"}]}}'
    status 200
    arm GET "$site/config/web?$web"
    is "$(get '[.properties.ipSecurityRestrictions[].name]|join(" ")')" a
    is "$(get .properties.alwaysOn)" true
    is "$(effects)" web.config
}

a_list_without_restrictions_reads_back_as_allow_all() {
    arm GET "$site/config/web?$web"
    is "$(get '.properties.scmIpSecurityRestrictions[0]|"\(.ipAddress) \(.action) \(.priority) \(.name)"')" \
        "Any Allow 2147483647 Allow all"
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictions":[]}}'
    is "$(get '.properties.ipSecurityRestrictions[0].name')" "Allow all"
}

restrictions_that_azure_would_refuse_are_400() {
    local many
    many=$(jq -nc '{properties:{ipSecurityRestrictions:[range(513)|{ipAddress:"203.0.113.7/32",action:"Deny",priority:.}]}}')
    arm PATCH "$site/config/web?$web" "$many"
    error 400 BadRequest
    arm PATCH "$site/config/web?$web" "$(jq -c '.properties.ipSecurityRestrictions|=.[:512]|{properties}' <<<"$many")"
    status 200
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictions":[{"ipAddress":"203.0.113.7/33","action":"Deny"}]}}'
    error 400 BadRequest
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictions":[{"ipAddress":"203.0.113.7/32","action":"Block"}]}}'
    error 400 BadRequest
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictions":[{"ipAddress":"10.0.0.1/32,10.0.0.2/32,10.0.0.3/32,10.0.0.4/32,10.0.0.5/32,10.0.0.6/32,10.0.0.7/32,10.0.0.8/32,10.0.0.9/32","action":"Deny"}]}}'
    error 400 BadRequest
    arm PATCH "$site/config/web?$web" '{"properties":{"ipSecurityRestrictionsDefaultAction":"Maybe"}}'
    error 400 BadRequest
}

publishing_by_password_can_be_switched_off_for_each_door() {
    arm PUT "$site/basicPublishingCredentialsPolicies/scm?$web" '{"properties":{"allow":false}}'
    is "$code $(get .properties.allow)" "200 false"
    arm GET "$site/basicPublishingCredentialsPolicies/scm?$web"
    is "$(get .properties.allow)" false
    arm GET "$site/basicPublishingCredentialsPolicies/ftp?$web"
    is "$(get .properties.allow)" true
    arm PUT "$site/basicPublishingCredentialsPolicies/scm?$web" '{"properties":{"allow":false}}'
    is "$(effects)" web.publishing
    arm PUT "$site/basicPublishingCredentialsPolicies/scm?$web" '{"properties":{"allow":"no"}}'
    error 400 BadRequest
}

a_site_takes_what_can_be_written_and_ignores_the_rest() {
    arm PATCH "$site?$web" '{"properties":{"httpsOnly":true,"publicNetworkAccess":"Disabled","state":"Stopped"}}'
    is "$code $(get .properties.httpsOnly) $(get .properties.publicNetworkAccess) $(get .properties.state)" \
        "200 true Disabled Running"
}

# -- Key Vault --------------------------------------------------------------------------

a_vault_challenges_a_request_without_a_token() {
    send GET "$secrets/db-password?$kv"
    error 401 Unauthorized
    is "$(header WWW-Authenticate)" \
        "Bearer authorization=\"$url/$tenant\", resource=\"https://vault.azure.net\""
    send GET "$secrets/db-password?$kv" '' -H "Authorization: Bearer $arm_token"
    error 401 Unauthorized
}

a_vault_is_found_by_its_host_name_too() {
    kv GET "/secrets/db-password?$kv" '' -H 'Host: shop-kv.vault.azure.net'
    is "$code $(get .value)" "200 simulated-new-password"
    send GET "/secrets/db-password?$kv" '' -H 'Host: shop-kv.vault.azure.net'
    is "$(header WWW-Authenticate)" \
        "Bearer authorization=\"https://login.microsoftonline.com/$tenant\", resource=\"https://vault.azure.net\""
    kv GET "/_vault/none/secrets/x?$kv"
    error 404 VaultNotFound
}

a_secret_is_read_by_version_and_without_one_the_newest() {
    kv GET "$secrets/db-password/?$kv"
    is "$(get .value)" simulated-new-password
    is "$(get .id)" https://shop-kv.vault.azure.net/secrets/db-password/0a000000000000000000000000000002
    kv GET "$secrets/db-password/0a000000000000000000000000000001?$kv"
    is "$(get .value)" simulated-old-password
    kv GET "$secrets/db-password/0a000000000000000000000000000009?$kv"
    error 404 SecretNotFound
    kv GET "$secrets/none?$kv"
    error 404 SecretNotFound
}

versions_are_listed_page_by_page_without_values() {
    kv GET "$secrets/db-password/versions?$kv&maxresults=1"
    is "$(get '.value|length')" 1
    hasnt "$body" simulated-
    local next
    next=$(get .nextLink)
    has "$next" "$url$secrets"
    kv GET "${next#"$url"}"
    is "$(get '.value[0].id')" https://shop-kv.vault.azure.net/secrets/db-password/0a000000000000000000000000000002
    is "$(get .nextLink)" null
    kv GET "$secrets/db-password/versions?$kv&maxresults=26"
    error 400 BadParameter
}

each_put_of_a_secret_makes_a_version() {
    kv PUT "$secrets/db-password?$kv" '{"value":"third","tags":{"run":"r1"}}'
    status 200
    kv PUT "$secrets/db-password?$kv" '{"value":"third","tags":{"run":"r1"}}'
    kv GET "$secrets/db-password/versions?$kv"
    is "$(get '.value|length')" 4
    is "$(get '.value[3].tags.run')" r1
    kv GET "$secrets/db-password?$kv"
    is "$(get .value)" third
    is "$(effects)" "secret.set secret.set"
}

a_disabled_version_cannot_be_read_until_it_is_enabled() {
    local version=0a000000000000000000000000000002
    kv PATCH "$secrets/db-password/$version?$kv" '{"attributes":{"enabled":false}}'
    is "$code $(get .attributes.enabled) $(get .value)" "200 false null"
    kv GET "$secrets/db-password/$version?$kv"
    error 403 Forbidden
    is "$(get .error.innererror.code)" SecretDisabled
    kv GET "$secrets/db-password?$kv"
    error 403 Forbidden
    kv GET "$secrets/db-password/0a000000000000000000000000000001?$kv"
    status 200
    kv PATCH "$secrets/db-password/$version?$kv" '{"attributes":{"enabled":true}}'
    kv PATCH "$secrets/db-password/$version?$kv" '{"attributes":{"enabled":true}}'
    kv GET "$secrets/db-password?$kv"
    status 200
    is "$(effects)" "secret.update secret.update"
}

a_deleted_secret_can_be_recovered_and_keeps_its_name() {
    kv DELETE "$secrets/payment-key?$kv"
    is "$code $(get .recoveryId) $(get .value)" \
        "200 https://shop-kv.vault.azure.net/deletedsecrets/payment-key null"
    kv GET "$secrets/payment-key?$kv"
    error 404 SecretNotFound
    kv PUT "$secrets/payment-key?$kv" '{"value":"x"}'
    error 409 Conflict
    is "$(get .error.innererror.code)" ObjectIsDeletedButRecoverable
    kv GET "/_vault/shop-kv/deletedsecrets/payment-key?$kv"
    status 200
    kv POST "/_vault/shop-kv/deletedsecrets/payment-key/recover?$kv"
    status 200
    kv GET "$secrets/payment-key?$kv"
    is "$(get .value)" simulated-payment-key
    kv GET "/_vault/shop-kv/deletedsecrets/payment-key?$kv"
    error 404 SecretNotFound
    is "$(effects)" "secret.delete secret.recover"
}

what_key_vault_would_refuse_is_400_or_403() {
    kv PUT "$secrets/bad_name?$kv" '{"value":"x"}'
    error 400 BadParameter
    kv PUT "$secrets/good-name?$kv" '{"tags":{}}'
    error 400 BadParameter
    kv_token=$(token "$looker" https://vault.azure.net)
    kv PUT "$secrets/good-name?$kv" '{"value":"x"}'
    error 403 Forbidden
    is "$(get .error.innererror.code)" ForbiddenByRbac
}

a_vault_with_its_network_closed_answers_nobody() {
    sim POST edit "{\"path\":\"$vault\",\"patch\":{\"properties\":{\"publicNetworkAccess\":\"Disabled\"}}}"
    kv GET "$secrets/db-password?$kv"
    error 403 Forbidden
    is "$(get .error.innererror.code)" ForbiddenByConnection
    arm GET "$vault?api-version=2023-07-01"
    is "$code $(get .properties.publicNetworkAccess) $(get .properties.vaultUri)" \
        "200 Disabled https://shop-kv.vault.azure.net/"
    hasnt "$body" simulated-
}

# -- Role assignments -------------------------------------------------------------------

list() { arm GET "$1/$auth/roleAssignments?$rbac${2:+&\$filter=${2// /%20}}"; }

assignments_of_a_principal_are_found_above_and_below_the_scope() {
    list "$sub" "principalId eq '$app'"
    is "$code $(get '.value|length')" "200 2"
    list "$vault" "principalId eq '$app'"
    is "$(get '.value|length')" 2
    list "$site" "principalId eq '$app'"
    is "$(get '[.value[].properties.scope]|join(" ")')" "$rg"
    list "$sub" "principalId eq '$looker'"
    is "$(get '.value|length')" 0
}

at_scope_leaves_out_what_is_below() {
    list "$rg" "atScope()"
    is "$(get '.value|length')" 1
    list "$rg" "atScope() and principalId eq '$app'"
    is "$(get '.value|length')" 1
    list "$rg"
    is "$(get '.value|length')" 2
}

assigned_to_finds_what_groups_have() {
    sim POST edit "{\"path\":\"$sub/$auth/roleAssignments/a0000000-0000-4000-8000-000000000009\",\"patch\":{\"properties\":{\"principalId\":\"66666666-aaaa-4aaa-8aaa-666666666666\",\"principalType\":\"Group\",\"roleDefinitionId\":\"$sub/$auth/roleDefinitions/$reader\"}}}"
    list "$sub" "assignedTo('$app')"
    is "$(get '.value|length')" 3
    list "$sub" "principalId eq '$app'"
    is "$(get '.value|length')" 2
}

a_filter_that_is_not_understood_is_400() {
    list "$sub" "principalName eq 'x'"
    error 400 InvalidFilter
    list "$sub" "principalId eq '$app' or atScope()"
    error 400 InvalidFilter
}

a_long_list_comes_in_pages() {
    restart '.options.page_size = 1'
    list "$sub" "principalId eq '$app'"
    is "$(get '.value|length')" 1
    local next
    next=$(get .nextLink)
    has "$next" "$url/subscriptions"
    arm GET "${next#"$url"}"
    is "$(get '.value[0].name') $(get .nextLink)" "a0000000-0000-4000-8000-000000000002 null"
    restart .
}

a_deleted_assignment_is_gone_and_a_second_delete_is_204() {
    arm DELETE "$grant?$rbac"
    is "$code $(get .properties.principalId)" "200 $app"
    arm GET "$grant?$rbac"
    error 404 RoleAssignmentNotFound
    arm DELETE "$grant?$rbac"
    is "$code<$body>" "204<>"
    is "$(effects)" role.delete
}

an_assignment_is_restored_under_its_old_name() {
    local wish="{\"properties\":{\"roleDefinitionId\":\"$sub/$auth/roleDefinitions/$contributor\",\"principalId\":\"$app\",\"principalType\":\"ServicePrincipal\"}}"
    arm DELETE "$grant?$rbac"
    arm PUT "$grant?$rbac" "$wish"
    is "$code $(get .name) $(get .properties.scope)" "201 a0000000-0000-4000-8000-000000000001 $rg"
    arm PUT "$grant?$rbac" "$wish"
    status 200
    is "$(effects)" "role.delete role.put"
}

the_same_grant_under_another_name_is_409() {
    local wish="{\"properties\":{\"roleDefinitionId\":\"$sub/$auth/roleDefinitions/$contributor\",\"principalId\":\"$app\"}}"
    arm PUT "$rg/$auth/roleAssignments/b0000000-0000-4000-8000-000000000001?$rbac" "$wish"
    error 409 RoleAssignmentExists
    arm PUT "$grant?$rbac" "${wish//$contributor/$reader}"
    error 400 RoleAssignmentUpdateNotPermitted
    arm PUT "$site/$auth/roleAssignments/a0000000-0000-4000-8000-000000000001?$rbac" "$wish"
    error 400 RoleAssignmentUpdateNotPermitted
    arm PUT "$rg/$auth/roleAssignments/b0000000-0000-4000-8000-000000000001?$rbac" "${wish//$contributor/$looker}"
    error 400 RoleDefinitionDoesNotExist
    arm PUT "$rg/$auth/roleAssignments/not-a-guid?$rbac" "$wish"
    error 400 InvalidRoleAssignmentId
    arm PUT "$rg/$auth/roleAssignments/b0000000-0000-4000-8000-000000000001?$rbac" '{"properties":{}}'
    error 400 InvalidCreateRoleAssignmentRequest
}

role_definitions_can_be_read() {
    arm GET "$sub/$auth/roleDefinitions/$contributor?$rbac"
    is "$code $(get .properties.roleName)" "200 Contributor"
    arm GET "$rg/$auth/roleDefinitions?$rbac"
    is "$(get '.value|length')" 3
    arm GET "$sub/$auth/roleDefinitions/99999999-9999-9999-9999-999999999999?$rbac"
    error 404 RoleDefinitionDoesNotExist
}

# -- Network ----------------------------------------------------------------------------

# poll URL: follows a poll URL of ours until it says that it is over.
poll() {
    for _ in $(seq 3000); do
        arm GET "${1#"$url"}"
        [ "$code" = 202 ] || [ "$(get '.status // "over"' 2>/dev/null)" = InProgress ] || return 0
        sleep 0.02
    done
}

a_new_rule_is_an_operation_that_is_polled_to_its_end() {
    arm PUT "$nsg/securityRules/block?$net" "$deny_rule"
    is "$code $(get .properties.provisioningState) $(header Retry-After)" "201 Updating 1"
    local async
    async=$(header Azure-AsyncOperation)
    has "$async" "$url/subscriptions/"
    arm GET "${async#"$url"}"
    is "$code $(get .status) $(header Retry-After)" "200 InProgress 1"
    poll "$async"
    is "$(get .status) $(header Retry-After)" "Succeeded "
    arm GET "$nsg/securityRules/block?$net"
    is "$code $(get .properties.provisioningState)" "200 Succeeded"
    is "$(effects)" network.rule.put
}

a_deleted_rule_is_202_with_a_location_and_then_gone() {
    arm DELETE "$nsg/securityRules/deny-telnet?$net"
    is "$code<$body>" "202<>"
    local location
    location=$(header Location)
    arm GET "${location#"$url"}"
    status 202
    arm GET "$nsg/securityRules/deny-telnet?$net"
    is "$(get .properties.provisioningState)" Deleting
    poll "$location"
    status 204
    arm GET "$nsg/securityRules/deny-telnet?$net"
    error 404 NotFound
    arm DELETE "$nsg/securityRules/deny-telnet?$net"
    status 204
    is "$(effects)" network.rule.delete
}

a_group_under_change_takes_no_other_write() {
    arm PUT "$nsg/securityRules/block?$net" "$deny_rule"
    arm PUT "$nsg/securityRules/block?$net" "$deny_rule"
    error 429 RetryableErrorDueToAnotherOperation
    is "$(header Retry-After)" 1
    arm DELETE "$nsg/securityRules/deny-telnet?$net"
    error 429 RetryableErrorDueToAnotherOperation
}

two_rules_of_one_direction_cannot_share_a_priority() {
    arm PUT "$nsg/securityRules/block?$net" "${deny_rule//\"priority\":100/\"priority\":200}"
    error 400 SecurityRuleConflict
    local outbound=${deny_rule//Inbound/Outbound}
    arm PUT "$nsg/securityRules/block?$net" "${outbound//\"priority\":100/\"priority\":300}"
    status 201
}

a_rule_that_lacks_something_or_is_out_of_range_is_400() {
    for part in protocol access priority direction sourceAddressPrefix destinationPortRange; do
        arm PUT "$nsg/securityRules/block?$net" "$(jq -c "del(.properties.$part)" <<<"$deny_rule")"
        error 400 InvalidRequestFormat
    done
    arm PUT "$nsg/securityRules/block?$net" "${deny_rule//\"priority\":100/\"priority\":99}"
    error 400 SecurityRuleInvalidPriority
    arm PUT "$nsg/securityRules/block?$net" "${deny_rule//\"priority\":100/\"priority\":4097}"
    error 400 SecurityRuleInvalidPriority
    arm PUT "$nsg/securityRules/block?$net" "$(jq -c '.properties.protocol = "Smoke"' <<<"$deny_rule")"
    error 400 InvalidRequestFormat
    arm PUT "$nsg/securityRules/block?$net" "$(jq -c '.properties.destinationPortRange = "90-80"' <<<"$deny_rule")"
    error 400 SecurityRuleInvalidPortRange
    arm PUT "$nsg/securityRules/block?$net" "$(jq -c '.properties.sourceAddressPrefixes=["10.0.0.1/32"]' <<<"$deny_rule")"
    error 400 InvalidRequestFormat
    is "$(effects)" ""
}

a_group_shows_its_rules_and_the_default_ones() {
    arm GET "$nsg?$net"
    is "$code $(get '.properties.securityRules|length') $(get '.properties.defaultSecurityRules|length')" "200 4 6"
    arm GET "$nsg/securityRules?$net"
    is "$(get '[.value[].name]|join(" ")')" "allow-https allow-ssh-office deny-telnet allow-database"
}

an_operation_can_be_made_to_fail_and_leaves_no_trace() {
    fault '{"match":{"method":"PUT"},"fault":"lro-fail"}'
    arm PUT "$nsg/securityRules/block?$net" "$deny_rule"
    status 201
    poll "$(header Azure-AsyncOperation)"
    is "$(get .status) $(get .error.code)" "Failed InternalServerError"
    arm GET "$nsg/securityRules/block?$net"
    error 404 NotFound
}

# -- Faults -----------------------------------------------------------------------------

a_fault_strikes_as_often_as_it_was_told_and_where() {
    fault '{"match":{"method":"POST","path_contains":"/stop"},"times":2,"fault":"429","retry_after_s":7}'
    status 204
    arm GET "$site?$web"
    status 200
    arm POST "$site/stop?$web"
    error 429 TooManyRequests
    is "$(header Retry-After)" 7
    arm POST "$site/stop?$web"
    status 429
    is "$(effects)" ""
    arm POST "$site/stop?$web"
    status 200
    is "$(log '[.[].fault]|map(. // "-")|join(" ")')" "- - - 429 429 -"
}

an_error_before_changes_nothing_and_one_after_does() {
    fault '{"match":{"path_contains":"/stop"},"fault":"500-before"}'
    fault '{"match":{"path_contains":"/stop"},"fault":"500-after"}'
    arm POST "$site/stop?$web"
    error 500 InternalServerError
    is "$(effects)" ""
    arm POST "$site/stop?$web"
    error 500 InternalServerError
    is "$(effects)" web.stop
}

a_reset_breaks_the_connection_without_an_answer() {
    fault '{"match":{"path_contains":"/stop"},"fault":"reset-before"}'
    fault '{"match":{"path_contains":"/stop"},"fault":"reset-after"}'
    arm POST "$site/stop?$web"
    is "$curl_code $code" "56 000"
    is "$(effects)" ""
    arm POST "$site/stop?$web"
    is "$curl_code $code" "56 000"
    is "$(effects)" web.stop
    is "$(log '.[-1]|"\(.status) \(.fault)"')" "0 reset-after"
    arm GET "$site?$web"
    is "$(get .properties.state)" Stopped
}

a_slow_request_is_applied_at_once_and_holds_up_nobody() {
    fault '{"match":{"path_contains":"/stop"},"fault":"latency","ms":600}'
    local begun=${EPOCHREALTIME/./}
    curl -s -X POST -H "Authorization: Bearer $arm_token" "$url$site/stop?$web" &
    local slow=$!
    sleep 0.2
    arm GET "$site?$web"
    local read_ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
    is "$(get .properties.state)" Stopped
    wait $slow
    local slow_ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
    [ $read_ms -lt 550 ] || complain "the read took $read_ms ms"
    [ $slow_ms -ge 600 ] || complain "the slow one took $slow_ms ms"
}

stale_reads_do_not_see_young_writes_for_a_while() {
    fault '{"match":{"path_contains":"shop-web"},"fault":"stale","for_s":1}'
    arm POST "$site/stop?$web"
    arm GET "$site?$web"
    is "$(get .properties.state)" Running
    sleep 1.1
    arm GET "$site?$web"
    is "$(get .properties.state)" Stopped
}

a_world_can_be_eventually_consistent() {
    restart '.options.consistency_ms = 400'
    kv DELETE "$secrets/payment-key?$kv"
    kv GET "/_vault/shop-kv/deletedsecrets/payment-key?$kv"
    error 404 SecretNotFound
    arm DELETE "$grant?$rbac"
    status 200
    arm GET "$grant?$rbac"
    status 200
    arm DELETE "$grant?$rbac"
    status 204
    sleep 0.5
    kv GET "/_vault/shop-kv/deletedsecrets/payment-key?$kv"
    status 200
    arm GET "$grant?$rbac"
    status 404
    restart .
}

somebody_else_can_change_an_object_right_after_a_request() {
    fault "{\"match\":{\"method\":\"POST\"},\"fault\":\"edit\",\"edit\":{\"path\":\"$site\",\"patch\":{\"properties\":{\"state\":\"Running\"}}}}"
    arm POST "$site/stop?$web"
    status 200
    arm GET "$site?$web"
    is "$(get .properties.state)" Running
    is "$(effects)" "web.stop edit"
}

somebody_else_can_change_each_kind_of_object() {
    sim POST edit "{\"path\":\"$site/config/web\",\"patch\":{\"properties\":{\"ipSecurityRestrictions\":[]}}}"
    status 204
    arm GET "$site/config/web?$web"
    is "$(get '.properties.ipSecurityRestrictions[0].name')" "Allow all"
    sim POST edit "{\"path\":\"$site/basicPublishingCredentialsPolicies/ftp\",\"patch\":{\"properties\":{\"allow\":false}}}"
    arm GET "$site/basicPublishingCredentialsPolicies/ftp?$web"
    is "$(get .properties.allow)" false
    sim POST edit "{\"path\":\"$nsg/securityRules/theirs\",\"patch\":$deny_rule}"
    arm GET "$nsg/securityRules/theirs?$net"
    is "$(get .properties.priority)" 100
    sim POST edit "{\"path\":\"$nsg/securityRules/theirs\",\"patch\":null}"
    arm GET "$nsg/securityRules/theirs?$net"
    status 404
    sim POST edit '{"path":"/_vault/shop-kv/secrets/db-password/0a000000000000000000000000000001","patch":{"attributes":{"enabled":false}}}'
    kv GET "$secrets/db-password/0a000000000000000000000000000001?$kv"
    is "$(get .error.innererror.code)" SecretDisabled
    sim POST edit "{\"path\":\"$grant\",\"patch\":null}"
    arm GET "$grant?$rbac"
    status 404
    sim POST edit '{"path":"/nowhere","patch":{}}'
    error 400 BadEdit
}

a_fault_that_makes_no_sense_is_refused() {
    fault '{"fault":"fire"}'
    error 400 BadFault
    fault '{"fault":"edit"}'
    error 400 BadFault
    sim DELETE faults
    status 204
    sim GET nothing
    status 404
}

taking_the_faults_away_ends_them() {
    fault '{"times":-1,"fault":"429"}'
    arm GET "$site?$web"
    status 429
    sim DELETE faults
    arm GET "$site?$web"
    status 200
}

# -- The log and the record -------------------------------------------------------------

a_reset_of_the_world_undoes_everything() {
    arm POST "$site/stop?$web"
    sim POST reset
    status 204
    is "$(log length)" 0
    login
    arm GET "$site?$web"
    is "$(get .properties.state)" Running
}

the_log_file_has_each_request_before_its_answer_is_out() {
    rm -f "$tmp/log"
    restart . --log "$tmp/log"
    fault '{"match":{"path_contains":"/stop"},"fault":"reset-after"}'
    arm POST "$site/stop?$web"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    pid=
    is "$(jq -r 'select(.effect)|"\(.n) \(.method) \(.effect)"' "$tmp/log")" "3 POST web.stop $site"
    start --world "$shop"
    login
}

the_record_has_real_hosts_and_no_secrets() {
    restart . --record "$tmp/record"
    arm GET "/$site?$web"
    kv PUT "$secrets/db-password?$kv" '{"value":"third"}'
    kv GET "$secrets/db-password?$kv"
    arm PUT "$nsg/securityRules/block?$net" "$deny_rule"
    poll "$(header Azure-AsyncOperation)"
    is "$(jq -rs '[.[].liveRequest.url]|join("\n")' "$tmp"/record/*.json)" "https://management.azure.com$site?$web
https://shop-kv.vault.azure.net/secrets/db-password?$kv
https://shop-kv.vault.azure.net/secrets/db-password?$kv
https://management.azure.com$nsg/securityRules/block?$net"
    is "$(jq -rs '[.[].liveResponse.statusCode]|join(" ")' "$tmp"/record/*.json)" "200 200 200 201"
    is "$(jq -rs '.[3].liveResponse.headers["Azure-AsyncOperation"][:29]' "$tmp"/record/*.json)" \
        https://management.azure.com/
    hasnt "$(cat "$tmp"/record/*.json)" third
    hasnt "$(cat "$tmp"/record/*.json)" "$arm_token"
    hasnt "$(cat "$tmp"/record/*.json)" 127.0.0.1
    restart .
}

a_refused_request_is_recorded_with_what_it_held_but_for_the_secret() {
    restart . --record "$tmp/refused"
    send PUT "$secrets/db-password?$kv" '{"value":"fourth","contentType":"text/plain"}'
    status 401
    is "$(jq -c '[.liveResponse.statusCode,.liveRequest.body]' "$tmp"/refused/*-PUT.json)" \
        '["401",{"value":"redacted","contentType":"text/plain"}]'
    restart .
}

a_tenant_says_where_its_tokens_are() {
    send GET "/$tenant/v2.0/.well-known/openid-configuration" ''
    is "$code $(get .token_endpoint)" "200 $url/$tenant/oauth2/v2.0/token"
    is "$(get 'has("issuer") and has("authorization_endpoint")')" true
    send GET "/nobody/v2.0/.well-known/openid-configuration" ''
    is "$code $(get .error)" "400 invalid_tenant"
    send POST "/$tenant/v2.0/.well-known/openid-configuration" '{}'
    error 405 MethodNotAllowed
}

one_connection_serves_many_requests() {
    local path
    path="$url$site?$web"
    is "$(curl -s -H "Authorization: Bearer $arm_token" -w '%{num_connects}\n' \
        -o "$tmp/a" "$path" -o "$tmp/b" "$path" -o "$tmp/c" "$path" | xargs)" "1 0 0"
}

# shellcheck source=tests/sim_azure/honesty.sh
. "$here/honesty.sh"

# -- Running them -----------------------------------------------------------------------

tests=$(sed -n 's/^\([a-z_0-9]*_[a-z_0-9]*\)() {$/\1/p' "$here/run.sh" "$here/honesty.sh")
passed=0
failures=0
if ! start --world "$shop"; then
    cat "$tmp/err"
    echo "0 passed, 1 failed"
    exit 1
fi
for name in $tests; do
    [[ $name == *"$wanted"* ]] || continue
    sim POST reset
    login
    failed=0
    "$name"
    if [ $failed = 0 ]; then
        passed=$((passed + 1))
        echo "ok ${name//_/ }"
    else
        failures=$((failures + 1))
        echo "FAILED ${name//_/ }"
    fi
done
stop
if [ "$code" = 0 ]; then
    passed=$((passed + 1))
    echo "ok it stops cleanly after all that"
else
    failures=$((failures + 1))
    cat "$tmp/err"
    echo "FAILED it stops cleanly after all that"
fi
echo "$passed passed, $failures failed"
[ $failures = 0 ]
