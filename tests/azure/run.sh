#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The azure plugin against the simulator, one plugin function at a time.
#
#   BUILD=build/release tests/azure/run.sh [part of a test's name]
#
# Each test is a function whose name is a sentence, and begins with the shop as its world
# file has it. ask calls one function of one action; contain and release go the way that
# the engine goes: observe, plan, apply, observe; then restore, observe.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.sh
. "$here/../wait.sh"
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build/release}
AZSIM=${AZSIM:-$BUILD/azsim}
plugin=${PLUGINS:-$BUILD/plugins}/azure.so
shop=$root/plugins/azure/sim/worlds/shop.json
wanted=${1:-}

tmp=$(mktemp -d)
pid=
server=
trap 'stop; [ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT

tenant=22222222-2222-2222-2222-222222222222
client=11111111-1111-1111-1111-111111111111
looker=55555555-5555-5555-5555-555555555555
machine=44444444-4444-4444-4444-444444444444
app=77777777-aaaa-4aaa-8aaa-777777777777
subscription=33333333-3333-3333-3333-333333333333
rg=/subscriptions/$subscription/resourceGroups/shop
site=$rg/providers/Microsoft.Web/sites/shop-web
nsg=$rg/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
grant=$rg/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001
other_key=ffeeddccbbaa99887766554433221100
export SECRET_shop=simulated-secret
export TRACE=$tmp/trace

# -- The simulator and the driver -------------------------------------------------------

build_driver() {
    local flags=(-std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra)
    [ -n "${SAN:-}" ] && flags+=("-fsanitize=$SAN")
    driver=$tmp/driver
    # shellcheck disable=SC2046
    ${CC:-cc} "${flags[@]}" -I"$root/include" "$here/driver.c" -o "$driver" \
        $(pkg-config --cflags --libs libcurl libcjson)
}

# start [WORLD]: sets pid and url.
start() {
    : >"$tmp/out"
    : >"$tmp/out" # the next wait must not find what an earlier process printed
    "$AZSIM" --port 0 --quiet --world "${1:-$shop}" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    for _ in $(seq 3000); do
        url=$(sed -n 's/^azsim listening on //p' "$tmp/out")
        [ -n "$url" ] && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}

stop() {
    [ -z "$pid" ] && return
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=
}

# with JQ-FILTER: the test goes on in a world that was changed by it.
with() {
    jq "$1" "$shop" >"$tmp/world.json"
    stop
    start "$tmp/world.json"
    config=$(configuration)
    changed=1
}

# configuration [JQ-FILTER]: as cordon would be configured for the simulator.
configuration() {
    jq -nc --arg url "$url" --arg tenant "$tenant" --arg client "$client" '{
        endpoints: {arm: $url, arm_audience: "https://management.azure.com", login: $url,
                    imds: $url, vaults: {"shop-kv": ($url + "/_vault/shop-kv")},
                    graph: $url, graph_audience: "https://graph.microsoft.com",
                    queues: {shopqueue: ($url + "/_queue/shopqueue")}},
        tenant: $tenant, client_id: $client, credential: "client_secret", secret: "shop"
    } | '"${1:-.}"
}

sim() {
    curl -s -m 10 -o "$tmp/body" -X "$1" "$url/_sim/$2" ${3:+--data-binary "$3"} \
        -H 'Content-Type: application/json'
}
fault() { sim POST faults "$1"; }
# edit PATH PATCH: somebody else changes an object.
edit() { sim POST edit "{\"path\":\"$1\",\"patch\":$2}"; }
world() { curl -s "$url/_sim/world" | jq -Sc "$1"; }
effects() { curl -s "$url/_sim/log" | jq -r '.[].effect // empty' | sed 's/ .*//' | xargs; }
log() { curl -s "$url/_sim/log" | jq -r "$1"; }

# request FN ACTION ARGS [MORE]: MORE is a JSON object with before, after, goal, key, run.
request() {
    jq -nc --arg fn "$1" --arg action "azure.$2" --argjson args "$3" \
        --argjson more "${4:-"{}"}" '{fn: $fn, action: $action, args: $args} + $more'
}

# ask: the same, and sets answer.
ask() {
    answer=$(request "$@" | "$driver" "$plugin" "$config" 2>"$tmp/said") ||
        answer="{\"status\":\"driver: $(tr -d '"' <"$tmp/said" | tail -n 3 | xargs)\"}"
}
get() { jq -Sc "$1" <<<"$answer"; }
text() { jq -r "$1" <<<"$answer"; }

observe() {
    ask observe "$1" "$2" "${before:+{\"before\":$before\}}"
    state=$(get .state)
    target=$(text .target)
}

# contain ACTION ARGS: sets before, after, target, and answer as apply() gave it.
contain() {
    local applied
    before=
    observe "$1" "$2"
    before=$state
    ask plan "$1" "$2" "{\"before\":$before}"
    after=$(get .after)
    plan=$answer
    ask apply "$1" "$2" "{\"before\":$before,\"after\":$after}"
    applied=$answer
    is "$(text .status)" DONE
    observe "$1" "$2"
    is "$state" "$after"
    answer=$applied
}

# release ACTION ARGS [GOAL]: what contain did is put back, under a key of its own.
release() {
    local goal=${3:-$before}
    ask restore "$1" "$2" \
        "{\"before\":$before,\"after\":$after,\"goal\":$goal,\"key\":\"$other_key\"}"
    is "$(text .status)" DONE
    ask observe "$1" "$2" "{\"before\":$before,\"key\":\"$other_key\"}"
    is "$(get .state)" "$goal"
}

# -- Checks -----------------------------------------------------------------------------

complain() {
    failed=1
    printf '      line %s: %s\n' "${BASH_LINENO[1]}" "$*"
}
is() { [ "$1" = "$2" ] || complain "is '$1', should be '$2' (answer: $answer)"; }
has() { [[ $1 == *"$2"* ]] || complain "'$1' does not have '$2'"; }
hasnt() { [[ $1 != *"$2"* ]] || complain "'$1' has '$2'"; }
says() { is "$(text '.status + " " + .code')" "$1 $2"; }

id() { echo "{\"id\":\"$1\"}"; }
block() { echo "{\"id\":\"$site\",\"ips\":$1}"; }
deny() { echo "{\"id\":\"$nsg\",\"ips\":$1}"; }
secret='{"vault":"shop-kv","name":"db-password"}'
old=0a000000000000000000000000000002

# -- Configuration ----------------------------------------------------------------------

a_credential_without_what_it_needs_is_refused_by_name() {
    config=$(configuration 'del(.tenant)')
    ask read appservice.get "$(id $site)"
    has "$(cat "$tmp/said")" "credential client_secret needs tenant"
    config=$(configuration '.secret = "nowhere"')
    ask read appservice.get "$(id $site)"
    has "$(cat "$tmp/said")" "no secret with the name nowhere"
}

without_a_credential_every_call_is_refused() {
    config={}
    ask read appservice.get "$(id $site)"
    says REFUSED NoCredential
}

# -- Credentials ------------------------------------------------------------------------

# talk ...: like ask, but to one driver that stays.
hello() { coproc TALK { "$driver" "$plugin" "$config" 2>"$tmp/said"; }; }
talk() {
    request "$@" >&"${TALK[1]}"
    read -r -t 10 answer <&"${TALK[0]}"
}
goodbye() {
    local one=$TALK_PID
    eval "exec ${TALK[1]}>&-"
    wait "$one" 2>/dev/null
    is $? 0
}

one_token_serves_many_calls() {
    hello
    talk read appservice.get "$(id $site)"
    talk read nsg.get "$(id $nsg)"
    talk observe appservice.stop "$(id $site)"
    says DONE ""
    goodbye
    is "$(log '[.[]|select(.path|endswith("/token"))]|length')" 1
}

a_token_that_is_turned_down_is_replaced_once() {
    hello
    talk read appservice.get "$(id $site)"
    sim POST expire-tokens
    talk read appservice.get "$(id $site)"
    says DONE ""
    talk read keyvault.get_secret_info "$secret"
    sim POST expire-tokens
    talk read keyvault.get_secret_info "$secret"
    says DONE ""
    goodbye
    is "$(log '[.[]|select(.path|endswith("/token"))]|length')" 4
}

a_wrong_secret_is_refused_with_the_reason_and_without_the_secret() {
    SECRET_shop=not-the-secret ask read appservice.get "$(id $site)"
    says REFUSED invalid_client
    has "$answer" AADSTS7000215
    hasnt "$answer" not-the-secret
}

a_federated_token_file_is_read_anew_for_each_token() {
    echo wrong-assertion >"$tmp/assertion"
    config=$(configuration ".credential = \"federated\"
        | .federated_token_file = \"$tmp/assertion\" | del(.secret)")
    hello
    talk read appservice.get "$(id $site)"
    is "$(text .status)" REFUSED
    hasnt "$answer" wrong-assertion
    echo simulated-assertion >"$tmp/assertion"
    talk read appservice.get "$(id $site)"
    says DONE ""
    goodbye
}

a_managed_identity_gets_its_token_from_the_machine() {
    config=$(configuration ".credential = \"managed_identity\" | .client_id = \"$machine\"
        | del(.secret, .tenant)")
    ask read appservice.get "$(id $site)"
    says DONE ""
    ask read keyvault.get_secret_info "$secret"
    says DONE ""
    is "$(log '[.[]|select(.client_id != null)|.client_id]|unique|join(" ")')" "$machine"
}

# az KIND: a stand-in for the Azure CLI, which takes the arguments that it takes, writes what it
# writes, and refuses what it refuses. KIND: user, identity (which knows no --tenant), old (no
# expires_on), stuck (one token for ever), out (nobody is signed in), elsewhere (another tenant).
az() {
    mkdir -p "$tmp/bin"
    rm -f "$tmp/az-token" "$tmp/az-runs"
    cat >"$tmp/bin/az" <<AZ
#!/usr/bin/env bash
kind=$1
echo "\$*|\$AZURE_CORE_ONLY_SHOW_ERRORS \$AZURE_CORE_COLLECT_TELEMETRY \$AZURE_CONFIG_DIR \$LANG" >>"$tmp/az-runs"
[ "\$1 \$2" = "account get-access-token" ] || { echo "ERROR: '\$1' is misspelled or not recognized by the system." >&2; exit 2; }
shift 2
while [ \$# -gt 0 ]; do
    case \$1 in
        --output | -o) [ "\$2" = json ] || exit 2 ;;
        --resource) resource=\$2 ;;
        --tenant | -t) asked=\$2 ;;
        *) echo "ERROR: unrecognized arguments: \$1" >&2; exit 2 ;;
    esac
    shift 2
done
[ \$kind = out ] && { echo "ERROR: Please run 'az login' to setup account." >&2; exit 1; }
if [ -n "\$asked" ] && [[ \$kind = identity || \$kind = elsewhere ]]; then
    echo "ERROR: Tenant shouldn't be specified for managed identity account" >&2
    exit 1
fi
if [ \$kind = stuck ] && [ -s "$tmp/az-token" ]; then
    token=\$(cat "$tmp/az-token")
else
    token=\$(curl -s "$url/$tenant/oauth2/v2.0/token" -d grant_type=client_credentials -d client_id=$client \\
        -d client_secret=simulated-secret --data-urlencode "scope=\$resource/.default" | jq -r .access_token)
    echo "\$token" >"$tmp/az-token"
fi
[ \$kind = elsewhere ] && token=\$(printf '{}' | base64).\$(printf '{"tid":"99999999-9999-9999-9999-999999999999"}' | base64 -w0 | tr -d =).x
jq -n --arg token "\$token" --arg kind \$kind '{accessToken: \$token,
    expiresOn: (now + 3000 | strftime("%Y-%m-%d %H:%M:%S.000000")), subscription: "33333333-3333-3333-3333-333333333333",
    tenant: "$tenant", tokenType: "Bearer"} + if \$kind == "old" then {} else {expires_on: (now + 3000 | floor)} end'
AZ
    chmod +x "$tmp/bin/az"
    config=$(configuration "${2:-.}" | jq -c '.credential = "az_cli" | del(.secret, .client_id)')
}
ask_az() { PATH=$tmp/bin:$PATH ask read "${1:-appservice.get}" "${2:-$(id $site)}"; }
runs() { sed 's/|.*//; s/.*get-access-token //' "$tmp/az-runs"; }

az_gives_its_token_without_a_shell() {
    az user
    ask_az
    says DONE ""
    is "$(runs)" "--output json --resource https://management.azure.com --tenant $tenant"
    az user 'del(.tenant)'
    ask_az
    says DONE ""
    is "$(runs)" "--output json --resource https://management.azure.com"
    az old
    ask_az
    says DONE ""
}

az_has_the_environment_that_it_needs() {
    az user ".az_config_dir = \"$tmp/azure\""
    ask_az
    says DONE ""
    is "$(sed 's/.*|//' "$tmp/az-runs")" "yes no $tmp/azure C.UTF-8"
    az user '.az_config_dir = "azure"'
    ask_az
    has "$answer" "az_config_dir is azure; want a path that begins with /"
}

az_is_asked_without_a_tenant_when_it_takes_none() {
    az identity
    ask_az
    says DONE ""
    is "$(runs)" "--output json --resource https://management.azure.com --tenant $tenant
--output json --resource https://management.azure.com"
    az identity
    ask_az keyvault.get_secret_info '{"vault":"shop-kv","name":"db-password"}'
    says DONE ""
}

az_that_is_signed_in_elsewhere_gives_nothing() {
    az elsewhere
    ask_az
    says REFUSED AzOtherTenant
    has "$answer" "az login --tenant $tenant"
    is "$(log '[.[]|select(.path|contains("shop-web"))]|length')" 0
}

az_says_what_cannot_be_replaced() {
    az stuck
    fault '{"match":{"path_contains":"shop-web"},"fault":"answer","status":401,"times":-1,"body":{"error":{"code":"InvalidAuthenticationToken","message":"Revoked."}}}'
    ask_az
    says REFUSED AzSameToken
    has "$answer" "InvalidAuthenticationToken: Revoked."
    has "$answer" "az logout"
    sim DELETE faults
    az user
    fault '{"match":{"path_contains":"shop-web"},"fault":"answer","status":401,"headers":{"WWW-Authenticate":"Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\""},"body":{"error":{"code":"InvalidAuthenticationToken","message":"More."}}}'
    ask_az
    says REFUSED AzNoClaims
    has "$answer" "az login --scope https://management.azure.com/.default"
}

az_that_nobody_is_signed_in_to_says_so() {
    az out
    ask_az
    says RETRY AzFailed
    has "$answer" "try az login as the user that cordon runs as"
}

each_request_has_an_id_of_its_own() {
    ask read appservice.get "$(id $site)"
    ask read nsg.get "$(id $nsg)"
    is "$(log '[.[].client_request_id]|length')" 4
    is "$(log '[.[].client_request_id]|unique|map(select(test("^[0-9a-f-]{36}$")))|length')" 4
}

# -- Ids and statuses -------------------------------------------------------------------

an_id_of_another_type_is_refused_before_anything_is_sent() {
    local bad
    for bad in "$nsg" "$site/config/web" "$site/../x" "${site}?a=b" shop-web ""; do
        ask observe appservice.stop "$(id "$bad")"
        says REFUSED BadId
    done
    is "$(log length)" 0
}

ids_in_any_letter_case_are_the_same_target() {
    observe appservice.stop "$(id $site)"
    local first=$target
    observe appservice.stop "$(id "/${site^^}/")"
    is "$target" "$first"
    is "$target" "${site,,}"
}

what_is_not_there_is_refused_with_its_id() {
    ask observe appservice.stop "$(id "$rg/providers/Microsoft.Web/sites/nobody")"
    says REFUSED ResourceNotFound
    has "$(text .message)" sites/nobody
    ask observe nsg.block_ips "{\"id\":\"${nsg}2\",\"ips\":[\"203.0.113.7\"]}"
    says REFUSED ResourceNotFound
    ask read keyvault.get_secret_info '{"vault":"shop-kv","name":"nothing"}'
    is "$(text .status)" REFUSED
}

a_missing_permission_is_refused_with_its_name() {
    config=$(configuration ".client_id = \"$looker\"")
    ask apply appservice.stop "$(id $site)" '{"before":{"state":"Running"}}'
    says REFUSED AuthorizationFailed
    has "$(text .message)" Microsoft.Web/sites/stop
}

a_lock_is_refused_as_such() {
    with ".locks = [{id: \"$rg/providers/Microsoft.Authorization/locks/freeze\",
        properties: {level: \"ReadOnly\"}}]"
    ask apply appservice.stop "$(id $site)" '{"before":{"state":"Running"}}'
    says REFUSED ScopeLocked
}

nothing_sent_means_that_it_may_be_tried_again() {
    config=$(configuration '.endpoints.login = "http://127.0.0.1:1"')
    ask apply appservice.stop "$(id $site)"
    says RETRY NoAnswer
    config=$(configuration '.endpoints.arm = "http://127.0.0.1:1"')
    ask apply appservice.stop "$(id $site)"
    says RETRY NoAnswer
}

# fault, what a read is then, what a change is then, what the state is then
faults='429 RETRY RETRY Running
500-before RETRY UNKNOWN Running
500-after RETRY UNKNOWN Stopped
reset-before RETRY UNKNOWN Running
reset-after RETRY UNKNOWN Stopped'

each_fault_is_told_by_what_it_leaves_unknown() {
    local name read change left
    while read -r name read change left; do
        sim POST reset
        fault "{\"match\":{\"method\":\"GET\",\"path_contains\":\"shop-web\"},\"fault\":\"$name\"}"
        ask observe appservice.stop "$(id $site)"
        is "$name $(text .status)" "$name $read"
        fault "{\"match\":{\"method\":\"POST\",\"path_contains\":\"/stop\"},\"fault\":\"$name\"}"
        ask apply appservice.stop "$(id $site)"
        is "$name $(text .status)" "$name $change"
        is "$name $(world '.sites[0].properties.state')" "$name \"$left\""
    done <<<"$faults"
}

a_second_write_that_fails_is_not_reported_as_nothing_changed() {
    fault '{"match":{"method":"PUT","path_contains":"Policies/ftp"},"fault":"429"}'
    ask apply appservice.disable_publishing "$(id $site)"
    is "$(text .status)" UNKNOWN
    ask apply appservice.disable_publishing "$(id $site)"
    says DONE ""
    is "$(effects)" "web.publishing web.publishing"
}

# -- What the simulator would never say ------------------------------------------------

# lies: the plugin talks to liar.py from here on.
lies() {
    if [ -z "$server" ]; then
        python3 "$here/liar.py" "$tmp/lies" >"$tmp/liar" &
        server=$!
        await_from "$server" test -s "$tmp/liar" || return 1
    fi
    : >"$tmp/lies"
    local lying
    lying=$(cat "$tmp/liar")
    config=${config//$url/$lying}
}

claims_that_are_asked_for_are_sent_with_the_next_token() {
    lies
    ask read appservice.get "$(id $site)"
    says DONE ""
    is "$(cut -d' ' -f1,3 "$tmp/lies" | xargs)" "POST - GET plain POST - GET with-claims"
}

a_next_page_elsewhere_is_not_asked_for() {
    lies
    ask read rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$subscription\"}"
    says REFUSED ForeignLink
    ask read keyvault.get_secret_info "$secret"
    says REFUSED ForeignLink
}

a_vault_names_the_tenant_and_never_the_place_to_sign_in() {
    lies
    ask read keyvault.get_secret_info "$secret"
    is "$(grep -c "^POST /elsewhere/oauth2/v2.0/token -" "$tmp/lies")" 1
}

an_answer_that_is_no_json_may_be_asked_for_again() {
    lies
    ask read nsg.get "$(id $nsg)"
    says RETRY NotTheService
}

an_assignment_of_another_principal_is_left_out() {
    lies
    ask read rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$site\"}"
    is "$(get .result)" "[]"
}

a_secret_without_versions_is_not_there() {
    lies
    ask read keyvault.get_secret_info '{"vault":"shop-kv","name":"empty"}'
    says REFUSED SecretNotFound
}

a_token_that_would_break_a_header_is_not_used() {
    lies
    config=$(jq -c '.tenant = "broken"' <<<"$config")
    ask read appservice.get "$(id $site)"
    says RETRY NoToken
    is "$(wc -l <"$tmp/lies")" 1
}

# -- What is told beside the state ------------------------------------------------------

tags_and_tenant_are_told_and_are_no_part_of_the_state() {
    before=
    observe appservice.stop "$(id $site)"
    is "$(get .tags)" '{"owner":"shop-team"}'
    is "$(text .tenant)" "$tenant"
    is "$state" '{"state":"Running"}'
    observe nsg.block_ips "$(jq -nc --arg id $nsg '{id:$id,ips:["203.0.113.7"]}')"
    is "$(get .tags)" '{"owner":"shop-team"}'
    observe rbac.remove "$(id $grant)"
    is "$(get .tags)" null
}

# asked LIST: how often that list was asked for, page by page.
asked() { log "[.[]|select(.method == \"GET\" and (.path|test(\"/$1[?]\")))]|length"; }
# more PART COUNT: the world has so many of them, SHOP, SHOP1, SHOP2, ...
more() { echo ".$1 = [.$1[0] as \$one | range($2) | tostring as \$n | \$one | .id += if \$n == \"0\" then \"\" else \$n end]"; }

how_many_exist_is_told_beside_the_state() {
    with "$(more sites 7) | $(more networkSecurityGroups 5)"
    before=
    observe appservice.stop "$(id $site)"
    is "$(get .exists)" 7
    observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(get .exists)" 7
    observe appservice.disable_publishing "$(id $site)"
    is "$(get .exists)" 7
    observe nsg.block_ips "$(deny '["203.0.113.7"]')"
    is "$(get .exists)" 5
    observe rbac.remove "$(id $grant)"
    is "$(get .exists)" "$(world '.roleAssignments|length')"
    observe keyvault.disable_secret "$secret"
    is "$(get .exists)" "$(world '.vaults[0].secrets|length')"
    observe keyvault.rotate_secret "$secret"
    is "$(get .exists)" "$(world '.vaults[0].secrets|length')"
}

what_exists_elsewhere_is_not_counted() {
    with '.subscriptions += [.subscriptions[0] | .subscriptionId = "33333333-3333-3333-3333-333333333334"]
        | .sites += [.sites[0] | .id |= sub("333333333333/"; "333333333334/")]'
    before=
    observe appservice.stop "$(id $site)"
    is "$(get .exists)" 1
    is "$(world '.sites|length')" 2
}

an_assignment_above_all_subscriptions_is_counted_where_it_is() {
    local root=/providers/Microsoft.Management/managementGroups/root
    with ".roleAssignments += [.roleAssignments[0] | .id = \"$root/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000009\"]"
    before=
    observe rbac.remove "$(id $root/providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000009)"
    is "$(get .exists)" 1
    is "$(log '[.[]|select(.path|test("roleAssignments[?].*atScope"))]|length')" 1
}

what_exists_is_counted_over_all_pages_and_once_for_many_targets() {
    with "$(more sites 7) | .options.page_size = 3"
    hello
    talk observe appservice.stop "$(id $site)"
    is "$(get .exists)" 7
    talk observe appservice.stop "$(id "${site}3")"
    is "$(get .exists)" 7
    is "$(asked Microsoft.Web/sites)" 3
    talk observe keyvault.disable_secret "$secret"
    talk observe keyvault.rotate_secret '{"vault":"shop-kv","name":"payment-key"}'
    is "$(asked secrets)" 1
    goodbye
}

no_more_pages_than_twenty_are_counted() {
    with "$(more sites 25) | .options.page_size = 1"
    before=
    observe appservice.stop "$(id $site)"
    is "$(get .exists)" 20
    is "$(asked Microsoft.Web/sites)" 20
}

what_is_looked_at_again_is_not_counted() {
    ask observe appservice.stop "$(id $site)" '{"before":{"state":"Running"}}'
    says DONE ""
    is "$(get .exists)" null
    is "$(asked Microsoft.Web/sites)" 0
}

a_list_that_fails_leaves_the_observation_as_it_is() {
    local name
    for name in 429 500-before reset-before; do
        sim POST reset
        fault "{\"match\":{\"path_contains\":\"Microsoft.Web/sites?\"},\"fault\":\"$name\",\"times\":-1}"
        ask observe appservice.stop "$(id $site)"
        says DONE ""
        is "$name $(get .state) $(get .exists)" "$name {\"state\":\"Running\"} null"
        is "$name $(asked Microsoft.Web/sites)" "$name 1"
        has "$(cat "$tmp/said")" "log 0: sites of ${rg%/resourceGroups*}: how many exist is not known: "
    done
    fault "{\"match\":{\"path_contains\":\"/secrets?\"},\"fault\":\"500-before\",\"times\":-1}"
    ask observe keyvault.disable_secret "$secret"
    says DONE ""
    is "$(get .exists)" null
}

a_list_that_failed_is_not_asked_for_again_at_once() {
    hello
    fault '{"match":{"path_contains":"networkSecurityGroups?"},"fault":"500-before","times":-1}'
    talk observe nsg.block_ips "$(deny '["203.0.113.7"]')"
    says DONE ""
    talk observe nsg.block_ips "$(deny '["203.0.113.8"]')"
    is "$(text .status) $(get .exists)" "DONE null"
    is "$(asked networkSecurityGroups)" 1
    goodbye
}

a_list_that_takes_too_long_is_given_up() {
    local since=$SECONDS
    fault '{"match":{"path_contains":"Microsoft.Web/sites?"},"fault":"latency","ms":14000}'
    ask observe appservice.stop "$(id $site)"
    says DONE ""
    is "$(get .exists)" null
    ((SECONDS - since < 13)) || complain "it took $((SECONDS - since)) s"
}

a_site_is_looked_at_once_for_the_tags_of_what_is_part_of_it() {
    hello
    talk observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(get .tags)" '{"owner":"shop-team"}'
    talk observe appservice.disable_publishing "$(id $site)"
    is "$(get .tags)" '{"owner":"shop-team"}'
    talk observe appservice.block_ips "$(block '["203.0.113.8"]')"
    is "$(get .tags)" '{"owner":"shop-team"}'
    is "$(asked sites/shop-web)" 1
    goodbye
}

the_tags_of_a_secret_are_those_of_the_version_that_is_meant() {
    before=
    observe keyvault.disable_secret "$secret"
    is "$(get .tags)" "$(world '.vaults[0].secrets[0].versions[-1].tags')"
    observe keyvault.rotate_secret "$secret"
    is "$(get .tags)" "$(world '.vaults[0].secrets[0].versions[-1].tags')"
    hasnt "$(get .tags)" null
}

without_a_look_at_the_site_nothing_of_it_is_observed() {
    fault '{"match":{"path_contains":"sites/shop-web?"},"fault":"500-before","times":-1}'
    ask observe appservice.disable_publishing "$(id $site)"
    is "$(text .status)" RETRY
    ask observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(text .status)" RETRY
}

publishing_of_the_site_that_cordon_runs_on_stays() {
    config=$(configuration ".own = {object_id: \"$app\"}")
    hello
    talk observe appservice.disable_publishing "$(id $site)"
    talk plan appservice.disable_publishing "$(id $site)" '{"before":{"scm":true,"ftp":true}}'
    is "$(text .own)" "site $site has cordon's own identity: cordon runs there"
    goodbye
}

a_token_says_whose_directory_it_is_of() {
    lies
    config=$(jq -c '.tenant = "jwt"' <<<"$config")
    before=
    observe appservice.stop "$(id $site)"
    is "$(text .tenant)" "tenant-of-the-token"
}

# owned ACTION ARGS BEFORE: what the plan says of whose it is.
owned() {
    ask plan "$1" "$2" "{\"before\":$3}"
    text .own
}

what_is_cordons_own_is_said_in_the_plan() {
    local us=99999999-1111-4aaa-8aaa-999999999999 role
    config=$(configuration ".own = {object_id: \"$us\", vaults: [\"Shop-KV\"], addresses: [\"203.0.113.7\"]}")
    role='{"present":true,"principal_id":"ID","scope":"/s","role_definition_id":"/r"}'
    is "$(owned rbac.remove "$(id $grant)" "${role/ID/${us^^}}")" "principal ${us^^} is cordon's own identity"
    is "$(owned rbac.remove "$(id $grant)" "${role/ID/$client}")" "principal $client is cordon's own identity"
    is "$(owned rbac.remove "$(id $grant)" "${role/ID/$app}")" null
    is "$(owned keyvault.disable_secret '{"vault":"shop-kv","name":"db-password"}' '{"version":"1","enabled":true}')" \
        "cordon's own secrets come from vault shop-kv"
    is "$(owned keyvault.rotate_secret '{"vault":"shop-kv","name":"db-password"}' '{"old_version":"1","old_enabled":true}')" \
        "cordon's own secrets come from vault shop-kv"
    is "$(owned appservice.block_ips "$(block '["203.0.113.0/24"]')" '{"blocked":{},"unmatched":"Allow"}')" \
        "203.0.113.0/24 is where cordon itself comes from (203.0.113.7)"
    is "$(owned appservice.block_ips "$(block '["203.0.114.0/24"]')" '{"blocked":{},"unmatched":"Allow"}')" null
    is "$(owned nsg.block_ips "$(jq -nc --arg id $nsg '{id:$id,ips:["203.0.113.7"]}')" '{"addresses":null}')" \
        "203.0.113.7/32 is where cordon itself comes from (203.0.113.7)"
    config=$(configuration)
    is "$(owned keyvault.disable_secret '{"vault":"shop-kv","name":"db-password"}' '{"version":"1","enabled":true}')" null
}

cordon_knows_its_identity_from_its_token_and_from_nothing_else() {
    local us=11111111-aaaa-4aaa-8aaa-111111111111 form wanted
    local state="{\"present\":true,\"principal_id\":\"$us\",\"scope\":\"/s\",\"role_definition_id\":\"/r\"}"
    for form in jwt opaque; do
        sim POST options "{\"tokens\":\"$form\"}"
        [ $form = jwt ] && wanted="principal $us is cordon's own identity" || wanted=null
        hello
        talk plan rbac.remove "$(id $grant)" "{\"before\":$state}"
        is "$(text .own)" null
        talk read appservice.get "$(id $site)"
        talk plan rbac.remove "$(id $grant)" "{\"before\":$state}"
        is "$(text .own)" "$wanted"
        goodbye
    done
    sim POST options '{"tokens":null}'
}

# learned SPEC: what the plan of a block says after the site was looked at; own and ask.
learned() {
    talk plan appservice.block_ips "$(block "$1")" '{"before":{"blocked":{},"unmatched":"Allow"}}'
    get '[.own,.ask]'
}

the_outbound_addresses_that_azure_reports_are_known_without_configuration() {
    local ours row
    edit "$site" '{"properties":{"outboundIpAddresses":"198.51.100.20,198.51.100.21",
        "possibleOutboundIpAddresses":"198.51.100.20,198.51.100.21,198.51.100.40, 2001:db8:5::1"}}'
    hello
    talk observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(learned '["203.0.113.7","198.51.100.22"]')" '[null,null]'
    for row in 198.51.100.20 198.51.100.40/32 198.51.100.40/29 ::ffff:198.51.100.21 2001:DB8:5:0::1; do
        has "$(learned "[\"$row\"]")" "an outbound address of our own site ${site,,}"
    done
    talk plan nsg.block_ips "$(deny '["198.51.100.20"]')" '{"before":{"addresses":null}}'
    has "$(text .ask)" "198.51.100.20/32 contains 198.51.100.20, an outbound address"
    goodbye
    config=$(configuration ".own = {object_id: \"$app\"}")
    hello
    talk observe appservice.block_ips "$(block '["203.0.113.7"]')"
    ours=$(learned '["198.51.100.16/28"]')
    has "$ours" "198.51.100.16/28 is where cordon itself comes from (198.51.100.20, an outbound address of site ${site,,})"
    has "$ours" ',null]'
    goodbye
}

# -- azure.appservice -------------------------------------------------------------------

a_site_is_read_with_its_identity() {
    ask read appservice.get "$(id $site)"
    is "$(text .result.name,.result.state,.result.identity.principal_id,.result.public_access | xargs)" \
        "shop-web Running $app Enabled"
    is "$(get .result.tags)" '{"owner":"shop-team"}'
}

a_site_without_an_identity_shows_none() {
    edit "$site" '{"identity":null}'
    ask read appservice.get "$(id $site)"
    is "$(get '.result|has("identity")')" false
}

a_stopped_site_is_started_again() {
    contain appservice.stop "$(id $site)"
    is "$after" '{"state":"Stopped"}'
    is "$(jq -r .undo <<<"$plan")" "start it again"
    release appservice.stop "$(id $site)"
    is "$(effects)" "web.stop web.start"
}

a_slot_is_a_target_of_its_own() {
    with '.sites += [.sites[0] | .id += "/slots/canary"]'
    local slot=$site/slots/canary
    contain appservice.stop "$(id "$slot")"
    is "$target" "${slot,,}"
    is "$(jq -r .what <<<"$plan")" "stop slot canary of site shop-web"
    ask observe appservice.stop "$(id $site)"
    is "$(get .state)" '{"state":"Running"}'
    release appservice.stop "$(id "$slot")"
    contain appservice.disable_publishing "$(id "$slot")"
    release appservice.disable_publishing "$(id "$slot")"
    contain appservice.block_ips "{\"id\":\"$slot\",\"ips\":[\"203.0.113.7\"]}"
    release appservice.block_ips "{\"id\":\"$slot\",\"ips\":[\"203.0.113.7\"]}"
    ask read appservice.get "$(id "$slot")"
    is "$(text .result.id)" "$slot"
}

a_site_that_did_not_run_has_nothing_to_undo() {
    edit "$site" '{"properties":{"state":"Stopped"}}'
    before='{"state":"Stopped"}'
    ask plan appservice.stop "$(id $site)" "{\"before\":$before}"
    is "$(get .after)" "$before"
    is "$(get .undo)" null
    ask restore appservice.stop "$(id $site)" "{\"before\":$before,\"goal\":$before}"
    is "$(text .status)" REFUSED
}

blocking_leaves_the_rules_of_others_as_they_were() {
    local rules='.sites[0].config.web.properties|[.ipSecurityRestrictions,.ipSecurityRestrictionsDefaultAction]'
    local was
    was=$(world "$rules")
    contain appservice.block_ips "$(block '["203.0.113.9","203.0.113.7","203.0.113.7/32","2001:db8::1"]')"
    is "$before" '{"blocked":{"2001:db8::1/128":false,"203.0.113.7/32":false,"203.0.113.9/32":false},"unmatched":"Allow"}'
    is "$(jq .affects <<<"$plan")" 3
    is "$(world "$rules|.[0][0]")" "$(jq -c '.[0][0]' <<<"$was")"
    is "$(world '.sites[0].config.web.properties.ipSecurityRestrictions|length')" 4
    release appservice.block_ips "$(block '["203.0.113.7","203.0.113.9","2001:db8::1"]')"
    is "$(world "$rules")" "$was"
    is "$(effects)" "web.config web.config"
}

blocking_what_is_blocked_sends_nothing() {
    contain appservice.block_ips "$(block '["203.0.113.7"]')"
    contain appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$before" "$after"
    is "$(effects)" "web.config"
}

the_rules_of_others_are_no_part_of_what_is_observed() {
    observe appservice.block_ips "$(block '["203.0.113.7"]')"
    local was=$state
    edit "$site/config/web" '{"properties":{"ipSecurityRestrictions":[
        {"ipAddress":"10.0.0.0/8","action":"Allow","priority":300,"name":"office"},
        {"ipAddress":"203.0.113.7/32","action":"Deny","priority":400,"name":"somebody"}]}}'
    observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$state" "$was"
}

another_spelling_of_our_range_is_still_our_rule() {
    contain appservice.block_ips "$(block '["203.0.113.7"]')"
    edit "$site/config/web" "{\"properties\":{\"ipSecurityRestrictions\":$(world \
        '.sites[0].config.web.properties.ipSecurityRestrictions|map(.ipAddress |= sub("/32"; ""))')}}"
    observe appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$state" "$after"
    contain nsg.block_ips "$(deny '["2001:db8::2","2001:db8::1"]')"
    edit "$nsg/securityRules/cordon-0011223344556677" \
        '{"properties":{"sourceAddressPrefixes":["2001:db8:0:0::2","2001:DB8:0::1"]}}'
    observe nsg.block_ips "$(deny '["2001:db8::1","2001:db8::2"]')"
    is "$state" "$after"
}

the_first_rule_makes_the_default_explicit_and_the_last_takes_it_back() {
    edit "$site/config/web" '{"properties":{"ipSecurityRestrictions":[],"ipSecurityRestrictionsDefaultAction":null}}'
    contain appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(world '.sites[0].config.web.properties.ipSecurityRestrictionsDefaultAction')" '"Allow"'
    hasnt "$(cat "$TRACE")" "Allow all"
    release appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(world '.sites[0].config.web.properties|[.ipSecurityRestrictions,.ipSecurityRestrictionsDefaultAction]')" '[[],null]'
}

the_default_stays_when_others_have_come_to_rely_on_it() {
    edit "$site/config/web" '{"properties":{"ipSecurityRestrictions":[],"ipSecurityRestrictionsDefaultAction":null}}'
    contain appservice.block_ips "$(block '["203.0.113.7"]')"
    local ours
    ours=$(world '.sites[0].config.web.properties.ipSecurityRestrictions[0]')
    edit "$site/config/web" "{\"properties\":{\"ipSecurityRestrictions\":[$ours,
        {\"ipAddress\":\"192.0.2.0/24\",\"action\":\"Deny\",\"priority\":300,\"name\":\"theirs\"}]}}"
    release appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(world '.sites[0].config.web.properties|[.ipSecurityRestrictions[].name,.ipSecurityRestrictionsDefaultAction]')" \
        '["theirs","Allow"]'
}

a_list_that_locks_others_out_goes_on_doing_so() {
    edit "$site/config/web" '{"properties":{"ipSecurityRestrictionsDefaultAction":null,"ipSecurityRestrictions":[
        {"ipAddress":"10.0.0.0/8","action":"Allow","priority":100,"name":"office"}]}}'
    contain appservice.block_ips "$(block '["10.1.2.3"]')"
    is "$(jq -r .unmatched <<<"$after")" Deny
    is "$(world '.sites[0].config.web.properties.ipSecurityRestrictions[1].priority')" 99
    release appservice.block_ips "$(block '["10.1.2.3"]')"
}

without_room_in_front_of_an_allow_rule_blocking_is_refused() {
    edit "$site/config/web" '{"properties":{"ipSecurityRestrictions":[
        {"ipAddress":"10.0.0.0/8","action":"Allow","priority":1,"name":"office"}]}}'
    ask apply appservice.block_ips "$(block '["203.0.113.7"]')"
    says REFUSED NoFreePriority
}

more_rules_than_the_api_takes_are_refused() {
    edit "$site/config/web" "{\"properties\":{\"ipSecurityRestrictions\":$(jq -nc '[range(512)|
        {ipAddress: "10.\(. / 256 | floor).\(. % 256).0/24", action: "Deny", priority: (. + 200), name: "r\(.)"}]')}}"
    ask apply appservice.block_ips "$(block '["203.0.113.7"]')"
    says REFUSED TooManyRules
}

blocking_again_after_a_lost_answer_blocks_once() {
    fault '{"match":{"method":"PATCH"},"fault":"reset-after"}'
    ask apply appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(text .status)" UNKNOWN
    ask apply appservice.block_ips "$(block '["203.0.113.7"]')"
    is "$(text .status)" DONE
    is "$(effects)" "web.config"
}

publishing_is_turned_off_and_only_what_was_on_comes_back() {
    edit "$site/basicPublishingCredentialsPolicies/ftp" '{"properties":{"allow":false}}'
    contain appservice.disable_publishing "$(id $site)"
    is "$before $after" '{"ftp":false,"scm":true} {"ftp":false,"scm":false}'
    is "$(jq -r .undo <<<"$plan")" "allow it again for scm"
    release appservice.disable_publishing "$(id $site)"
    is "$(effects)" "edit web.publishing web.publishing"
}

# -- azure.keyvault ---------------------------------------------------------------------

a_secret_is_shown_newest_version_first_and_without_values() {
    ask read keyvault.get_secret_info "$secret"
    is "$(get '[.result.versions[].version]')" \
        "[\"$old\",\"0a000000000000000000000000000001\"]"
    is "$(text .result.version)" "$old"
    hasnt "$answer" simulated-
}

every_page_of_versions_is_read() {
    with '.vaults[0].secrets[0].versions = [range(60) | {version: ("0" * 27 + "\(. + 10000)"),
        value: "v", attributes: {enabled: true, created: (1700000000 + .)}}]'
    ask read keyvault.get_secret_info "$secret"
    is "$(get '.result.versions|length')" 60
    is "$(text .result.version)" 00000000000000000000000000010059
}

carried='"attributes":{"content_type":"text/plain","enabled":true,"tags":{"rotated":"2026-03"}}'

a_rotated_secret_has_a_new_version_and_the_old_one_is_off() {
    contain keyvault.rotate_secret "$secret"
    is "$before" "{$carried,\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":false}"
    is "$(text .result.version)" "$(world '.vaults[0].secrets[0].versions[-1].version' | tr -d '"')"
    is "$(world '.vaults[0].secrets[0].versions[-1].value|length')" 48
    is "$(world '.vaults[0].secrets[0].versions[-1]|[.contentType,.tags["cordon-run"],.tags.rotated]')" \
        '["text/plain","r-000041","2026-03"]'
    is "$(effects)" "secret.set secret.update"
    hasnt "$(tr -d '\n' <<<"$answer$plan")" "$(world '.vaults[0].secrets[0].versions[-1].value' | tr -d '"')"
}

undoing_a_rotation_enables_the_old_version_and_keeps_the_new_value() {
    contain keyvault.rotate_secret "$secret"
    ask undone keyvault.rotate_secret "$secret" "{\"before\":$before,\"after\":$after}"
    local goal
    goal=$(get .after)
    is "$goal" "{$carried,\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":true}"
    release keyvault.rotate_secret "$secret" "$goal"
    is "$(effects)" "secret.set secret.update secret.update"
}

what_holds_a_value_is_marked_as_a_secret() {
    contain keyvault.rotate_secret "$secret"
    is "$(grep -c '^PUT .* 4 {"value"' "$TRACE")" 1
    is "$(grep '"value"' "$TRACE" | grep -vc '^PUT .* 4 ')" 0
    is "$(grep -cE "/token (6|14) " "$TRACE")" "$(grep -c "/token " "$TRACE")" # 8: sent once
}

a_new_value_is_as_long_as_asked_and_never_the_same() {
    contain keyvault.rotate_secret '{"vault":"shop-kv","name":"db-password","length":20}'
    contain keyvault.rotate_secret '{"vault":"shop-kv","name":"payment-key","length":20}'
    is "$(world '[.vaults[0].secrets[].versions[-1].value]|map(length)')" "[20,20]"
    is "$(world '[.vaults[0].secrets[].versions[-1].value]|unique|length')" 2
}

rotating_again_after_a_lost_answer_makes_one_version() {
    local more="{\"before\":{\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":false}}"
    fault '{"match":{"method":"PUT","path_contains":"db-password"},"fault":"reset-after"}'
    ask apply keyvault.rotate_secret "$secret" "$more"
    is "$(text .status)" UNKNOWN
    before=$(jq -c .before <<<"$more")
    observe keyvault.rotate_secret "$secret"
    is "$state" "{\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":true}"
    ask apply keyvault.rotate_secret "$secret" "$more"
    is "$(text .status)" DONE
    is "$(effects)" "secret.set secret.update"
}

a_version_that_is_not_shown_yet_is_waited_for_before_another_is_made() {
    local more="{\"before\":{\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":false}}"
    fault '{"match":{"method":"PUT","path_contains":"db-password"},"fault":"reset-after"}'
    ask apply keyvault.rotate_secret "$secret" "$more"
    is "$(text .status)" UNKNOWN
    fault '{"match":{"path_contains":"db-password"},"fault":"stale","for_s":2}'
    ask apply keyvault.rotate_secret "$secret" "$(jq -c '.resume = {put: true}' <<<"$more")"
    says DONE ""
    is "$(effects)" "secret.set secret.update"
}

a_rotation_whose_second_half_fails_is_in_doubt() {
    fault '{"match":{"method":"PATCH","path_contains":"db-password"},"fault":"429"}'
    ask apply keyvault.rotate_secret "$secret" \
        "{\"before\":{\"old_enabled\":true,\"old_version\":\"$old\",\"rotated\":false}}"
    is "$(text .status)" UNKNOWN
}

a_value_put_by_somebody_else_stops_the_rotation() {
    before="{\"old_enabled\":true,\"old_version\":\"0a000000000000000000000000000001\",\"rotated\":false}"
    ask apply keyvault.rotate_secret "$secret" "{\"before\":$before}"
    says REFUSED RotatedBySomebodyElse
    observe keyvault.rotate_secret "$secret"
    is "$(jq -r .rotated <<<"$state")" "by somebody else"
    is "$(effects)" ""
}

a_version_is_disabled_and_enabled_again() {
    contain keyvault.disable_secret "$secret"
    is "$after" "{\"enabled\":false,\"version\":\"$old\"}"
    release keyvault.disable_secret "$secret"
    contain keyvault.disable_secret \
        '{"vault":"shop-kv","name":"db-password","version":"0a000000000000000000000000000001"}'
    is "$(world '[.vaults[0].secrets[0].versions[].attributes.enabled]')" "[false,true]"
}

the_version_meant_stays_the_one_that_was_captured() {
    contain keyvault.disable_secret "$secret"
    ask apply keyvault.rotate_secret "$secret" \
        "{\"before\":{\"old_enabled\":false,\"old_version\":\"$old\",\"rotated\":false}}"
    observe keyvault.disable_secret "$secret"
    is "$state" "$after"
    release keyvault.disable_secret "$secret"
}

a_vault_that_asks_for_a_foreign_token_gets_none() {
    local audience
    for audience in https://vault.evil.example https://azure.net https://vault.azure.net.evil.example \
        https://management.azure.com http://vault.azure.net; do
        with ".cloud.vault_audience = \"$audience\""
        ask read keyvault.get_secret_info "$secret"
        says REFUSED ForeignChallenge
        is "$(log '[.[]|select(.path|endswith("/token"))]|length')" 0
    done
}

# -- azure.rbac -------------------------------------------------------------------------

the_assignments_of_a_principal_are_found_everywhere() {
    with '.options.page_size = 1'
    ask read rbac.assignments "{\"principal\":\"$app\"}"
    is "$(get '[.result[]|[.name[-1:],.role_name]]')" \
        '[["1","Contributor"],["2","Key Vault Secrets Officer"]]'
}

a_scope_leaves_out_what_lies_above_it() {
    ask read rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$rg/providers/Microsoft.KeyVault/vaults/shop-kv\"}"
    is "$(get '[.result[].name[-1:]]')" '["2"]'
    ask read rbac.assignments "{\"principal\":\"$app\",\"scope\":\"$subscription\"}"
    is "$(get '.result|length')" 2
}

the_assignments_of_a_group_are_not_its_members() {
    edit "$grant" '{"properties":{"principalId":"66666666-aaaa-4aaa-8aaa-666666666666","principalType":"Group"}}'
    ask read rbac.assignments "{\"principal\":\"$app\"}"
    is "$(get '[.result[].name[-1:]]')" '["2"]'
}

a_removed_assignment_comes_back_as_it_was() {
    edit "$grant" '{"properties":{"condition":"@Resource[x] StringEquals '"'y'"'","conditionVersion":"2.0"}}'
    local kept='.roleAssignments|map(select(.id|endswith("0001")))|map(del(.properties.createdOn,.properties.updatedOn,.properties.createdBy,.properties.updatedBy))'
    local was
    was=$(world "$kept")
    contain rbac.remove "$(id $grant)"
    is "$after" '{"present":false}'
    is "$(world "$kept")" "[]"
    release rbac.remove "$(id $grant)"
    is "$(world "$kept")" "$was"
    is "$(jq -r .condition_version <<<"$before")" 2.0
}

removing_what_is_gone_is_done() {
    contain rbac.remove "$(id $grant)"
    ask apply rbac.remove "$(id $grant)" "{\"before\":$before}"
    says DONE ""
    before=
    observe rbac.remove "$(id $grant)"
    is "$state" '{"present":false}'
    ask plan rbac.remove "$(id $grant)" '{"before":{"present":false}}'
    is "$(get .after)" '{"present":false}'
    is "$(effects | wc -w)" 1
}

an_unknown_subscription_is_not_taken_for_an_absent_assignment() {
    ask observe rbac.remove "$(id "${grant//33333333/99999999}")"
    says REFUSED SubscriptionNotFound
}

# -- azure.nsg --------------------------------------------------------------------------

addresses_are_denied_in_front_of_what_could_let_them_in() {
    local was
    was=$(world '.networkSecurityGroups[0].rules')
    contain nsg.block_ips "$(deny '["203.0.113.9","203.0.113.7"]')"
    is "$before" '{"addresses":null,"rule":"cordon-0011223344556677"}'
    is "$(world '.networkSecurityGroups[0].rules[-1].properties|[.priority,.access,.sourceAddressPrefixes]')" \
        '[199,"Deny",["203.0.113.7/32","203.0.113.9/32"]]'
    is "$(world '.networkSecurityGroups[0].rules[:-1]')" "$was"
    release nsg.block_ips "$(deny '["203.0.113.9","203.0.113.7"]')"
    is "$(world '.networkSecurityGroups[0].rules')" "$was"
    is "$(effects)" "network.rule.put network.rule.delete"
}

addresses_of_two_families_are_two_rules_and_both_are_let_go() {
    local was ips='["2001:db8::9","203.0.113.9","2001:db8::7","::ffff:203.0.113.7"]'
    was=$(world '.networkSecurityGroups[0].rules')
    contain nsg.block_ips "$(deny "$ips")"
    is "$before" '{"ipv4":{"addresses":null,"rule":"cordon-0011223344556677-ipv4"},"ipv6":{"addresses":null,"rule":"cordon-0011223344556677-ipv6"}}'
    is "$(jq -c '[.affects,.undo]' <<<"$plan")" \
        '[4,"delete rules cordon-0011223344556677-ipv4 and cordon-0011223344556677-ipv6"]'
    is "$(world '.networkSecurityGroups[0].rules[-2:]|map(.properties.sourceAddressPrefixes)')" \
        '[["203.0.113.7/32","203.0.113.9/32"],["2001:db8::7/128","2001:db8::9/128"]]'
    ask apply nsg.block_ips "$(deny "$ips")" "{\"before\":$before,\"after\":$after}"
    is "$(text .status)" DONE
    release nsg.block_ips "$(deny "$ips")"
    is "$(world '.networkSecurityGroups[0].rules')" "$was"
    is "$(effects)" "network.rule.put network.rule.put network.rule.delete network.rule.delete"
}

without_a_place_for_both_rules_none_is_written() {
    with '.networkSecurityGroups[0].rules = [{name: "first", properties: {priority: 101, direction: "Inbound",
        access: "Allow", protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*",
        destinationAddressPrefix: "*", destinationPortRange: "*"}},
        {name: "v4", properties: {priority: 100, direction: "Inbound", access: "Allow", protocol: "*",
        sourceAddressPrefix: "2001:db8::/32", sourcePortRange: "*", destinationAddressPrefix: "*",
        destinationPortRange: "*"}}]'
    before=
    observe nsg.block_ips "$(deny '["2001:db8::9","203.0.113.9"]')"
    ask apply nsg.block_ips "$(deny '["2001:db8::9","203.0.113.9"]')" "{\"before\":$state}"
    says REFUSED NoFreePriority
    is "$(effects)" ""
}

what_another_prefix_of_the_call_contains_gets_no_rule_of_its_own() {
    contain nsg.block_ips "$(deny '["198.51.100.9","198.51.100.7/24","198.51.100.0/25","::ffff:198.51.100.1"]')"
    is "$(jq -c '[.affects,.what]' <<<"$plan")" \
        '[256,"deny 1 prefix with 256 addresses into network security group shop-nsg (rule cordon-0011223344556677)"]'
    is "$(world '.networkSecurityGroups[0].rules[-1].properties.sourceAddressPrefix')" '"198.51.100.0/24"'
    contain appservice.block_ips "$(block '["198.51.100.9","198.51.100.7/24","2001:db8::/112"]')"
    is "$before" '{"blocked":{"198.51.100.0/24":false,"2001:db8::/112":false},"unmatched":"Allow"}'
    is "$(jq .affects <<<"$plan")" 65792
}

# An earlier version wrote one rule for both families, and a rule for each prefix of a call.
what_an_earlier_version_wrote_down_is_taken_as_it_stands() {
    local ips='["2001:db8::9","::ffff:203.0.113.9"]' rule=cordon-0011223344556677
    local seen="{\"rule\":\"$rule\",\"addresses\":null}"
    with "$(printf '.networkSecurityGroups[0].rules += [{name: "%s", properties: {priority: 150, direction: "Inbound",
        access: "Deny", protocol: "*", sourceAddressPrefixes: ["::ffff:203.0.113.9/128","2001:db8::9/128"],
        sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}}]' $rule)"
    before=$seen
    observe nsg.block_ips "$(deny "$ips")"
    is "$(jq -c .addresses <<<"$state")" '["2001:db8::9/128","::ffff:203.0.113.9/128"]'
    ask restore nsg.block_ips "$(deny "$ips")" \
        "{\"before\":$seen,\"after\":$state,\"goal\":$seen,\"key\":\"$other_key\"}"
    is "$(text .status)" DONE
    is "$(effects)" network.rule.delete
    before='{"blocked":{"203.0.113.0/24":false,"203.0.113.9/32":false},"unmatched":"Allow"}'
    observe appservice.block_ips "$(block '["203.0.113.0/24","203.0.113.9"]')"
    is "$state" "$before"
}

outbound_addresses_are_destinations() {
    contain nsg.block_ips "{\"id\":\"$nsg\",\"ips\":[\"203.0.113.7\"],\"direction\":\"Outbound\"}"
    is "$(world '.networkSecurityGroups[0].rules[-1].properties|[.direction,.destinationAddressPrefix,.sourceAddressPrefix]')" \
        '["Outbound","203.0.113.7/32","*"]'
    release nsg.block_ips "{\"id\":\"$nsg\",\"ips\":[\"203.0.113.7\"],\"direction\":\"Outbound\"}"
}

an_allow_rule_for_others_is_no_reason_to_go_in_front_of_it() {
    with '.networkSecurityGroups[0].rules |= map(select(.name == "allow-ssh-office"))'
    contain nsg.block_ips "$(deny '["203.0.113.7"]')"
    is "$(world '.networkSecurityGroups[0].rules[-1].properties.priority')" 4096
    release nsg.block_ips "$(deny '["203.0.113.7"]')"
    contain nsg.block_ips "$(deny '["192.0.2.77"]')"
    is "$(world '.networkSecurityGroups[0].rules[-1].properties.priority')" 299
}

without_a_free_priority_nothing_is_renumbered() {
    edit "$nsg/securityRules/allow-https" '{"properties":{"priority":100}}'
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')" '{"before":{"rule":"cordon-x","addresses":null}}'
    says REFUSED NoFreePriority
    is "$(effects)" edit
}

a_rule_that_somebody_changed_stays() {
    contain nsg.block_ips "$(deny '["203.0.113.7"]')"
    edit "$nsg/securityRules/cordon-0011223344556677" '{"properties":{"access":"Allow"}}'
    observe nsg.block_ips "$(deny '["203.0.113.7"]')"
    is "$(jq -r .access <<<"$state")" Allow
    ask restore nsg.block_ips "$(deny '["203.0.113.7"]')" \
        "{\"before\":$before,\"after\":$after,\"goal\":$before,\"key\":\"$other_key\"}"
    says REFUSED Changed
    is "$(effects)" "network.rule.put edit"
}

denying_again_after_a_lost_answer_makes_one_rule() {
    fault '{"match":{"method":"PUT","path_contains":"securityRules"},"fault":"reset-after"}'
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')" '{"before":{"rule":"cordon-x","addresses":null}}'
    is "$(text .status)" UNKNOWN
    sleep 0.5
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')" '{"before":{"rule":"cordon-x","addresses":null}}'
    is "$(text .status)" DONE
    is "$(effects)" network.rule.put
}

an_operation_that_fails_later_is_in_doubt() {
    fault '{"match":{"method":"PUT","path_contains":"securityRules"},"fault":"lro-fail"}'
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    is "$(text .status)" UNKNOWN
}

a_rule_that_azure_calls_failed_is_written_again_and_never_done() {
    local deny
    deny=$(deny '["203.0.113.7"]')
    fault '{"match":{"method":"PUT","path_contains":"securityRules"},"fault":"lro-fail","leaves":"failed"}'
    contain nsg.block_ips "$deny"
    is "$(effects)" "network.rule.put"
    release nsg.block_ips "$deny"
    fault '{"match":{"method":"PUT","path_contains":"securityRules"},"fault":"lro-fail","leaves":"failed","times":9}'
    ask apply nsg.block_ips "$deny"
    is "$(text .status)" UNKNOWN
    before=
    observe nsg.block_ips "$deny"
    has "$state" '"provisioning":"Failed"'
}

a_rule_that_is_still_on_its_way_is_waited_for() {
    with '.options.lro_ms = 1500'
    request apply nsg.block_ips "$(deny '["203.0.113.7"]')" |
        timeout 0.7 "$driver" "$plugin" "$config" >"$tmp/said" 2>&1
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    says RETRY RetryableErrorDueToAnotherOperation
    sleep 1.2
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    says DONE ""
    is "$(effects)" network.rule.put
}

a_busy_group_may_be_asked_again() {
    with '.options.lro_ms = 60000'
    local token
    token=$(curl -s "$url/$tenant/oauth2/v2.0/token" -d grant_type=client_credentials \
        -d client_id=$client -d client_secret=simulated-secret \
        -d scope=https%3A%2F%2Fmanagement.azure.com%2F.default | jq -r .access_token)
    curl -s -o "$tmp/body" -X PUT "$url$nsg/securityRules/theirs?api-version=2024-03-01" \
        -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"properties":{
        "protocol":"*","sourceAddressPrefix":"192.0.2.1","sourcePortRange":"*","access":"Deny",
        "destinationAddressPrefix":"*","destinationPortRange":"*","priority":150,"direction":"Inbound"}}'
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    says RETRY RetryableErrorDueToAnotherOperation
}

# somebody PRIORITY ACCESS METHOD: writes a rule of their own right after our request.
somebody() {
    fault "{\"match\":{\"method\":\"$3\",\"path_contains\":\"shop-nsg\"},\"fault\":\"edit\",
        \"edit\":{\"path\":\"$nsg/securityRules/theirs\",\"patch\":{\"properties\":{
        \"protocol\":\"*\",\"sourceAddressPrefix\":\"203.0.113.0/24\",\"sourcePortRange\":\"*\",
        \"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"*\",\"access\":\"$2\",
        \"priority\":$1,\"direction\":\"Inbound\"}}}}"
}
our_priority() {
    world '.networkSecurityGroups[0].rules|map(select(.name|startswith("cordon")))[0].properties.priority'
}

a_priority_taken_between_look_and_write_is_chosen_anew() {
    somebody 199 Deny GET
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    says DONE ""
    is "$(our_priority)" 198
    is "$(effects)" "edit network.rule.put"
}

an_allow_rule_written_in_front_of_ours_moves_ours() {
    somebody 150 Allow PUT
    ask apply nsg.block_ips "$(deny '["203.0.113.7"]')"
    says DONE ""
    is "$(our_priority)" 149
}

# -- What is new ------------------------------------------------------------------------

# raise NAME TIME: Defender for Cloud has another alert.
raise() {
    edit "/subscriptions/$subscription/providers/Microsoft.Security/locations/westeurope/alerts/$1" \
        "{\"properties\":{\"systemAlertId\":\"$1\",\"severity\":\"High\",\"timeGeneratedUtc\":\"$2\"}}"
}
alerts() { ask read defender.alerts "{\"subscription\":\"$subscription\"${1:+,$1}}"; }
names() { text '[.result.alerts[]|.name // .id]|join(" ")'; }
# graph PLACE ID TIME [MORE]
graph() {
    edit "/v1.0/security/$1/$2" \
        "{\"id\":\"$2\",\"lastUpdateDateTime\":\"$3\",\"serviceSource\":\"microsoftDefenderForCloud\"${4:-}}"
}
put_message() { edit "/_queue/shopqueue/alerts/messages/$1" "{\"text\":\"$2\"}"; }
take() { ask read queue.take "{\"account\":\"shopqueue\",\"queue\":\"alerts\"${1:+,\"done\":$1}}"; }

alerts_come_from_the_oldest_whatever_order_the_pages_have() {
    with '.options.page_size = 2'
    raise c 2026-01-01T00:00:03Z
    raise a 2026-01-01T00:00:01.5Z
    raise b 2026-01-01T00:00:02.1234567Z
    raise d 2026-01-01T00:00:01Z
    alerts
    says DONE ""
    is "$(names)" "d a b c"
    is "$(get '[.result.more, .result.since, .result.after]')" \
        '[false,"2026-01-01T00:00:03.0000000Z","c"]'
    is "$(log '[.[]|select(.path|test("/alerts"))|select(.method == "GET")]|length')" 2
}

alerts_that_were_told_are_not_told_again_when_one_goes_on_from_there() {
    raise a 2026-01-01T00:00:01Z
    raise b 2026-01-01T00:00:01Z
    raise c 2026-01-01T00:00:02Z
    alerts '"since":"2026-01-01T00:00:01Z","after":"a"'
    is "$(names)" "b c"
    alerts '"since":"2026-01-01T00:00:01.0000001Z"'
    is "$(names)" c
    alerts '"since":"2026-01-01T00:00:02.0000000Z","after":"c"'
    is "$(names)" ""
    is "$(get '[.result.since, .result.after]')" '["2026-01-01T00:00:02.0000000Z","c"]'
    alerts '"since":"yesterday"'
    says REFUSED BadTime
}

more_alerts_than_one_answer_holds_come_with_the_next() {
    local list
    list=$(jq -nc --arg sub "$subscription" '[range(250)|{id: ("/subscriptions/" + $sub +
        "/providers/Microsoft.Security/locations/westeurope/alerts/a" + (1000 + . | tostring)),
        properties: {timeGeneratedUtc: "2026-01-01T00:00:00Z"}}]')
    with ".alerts = $list"
    alerts
    is "$(get '[(.result.alerts|length), .result.more, .result.after]')" '[200,true,"a1199"]'
    alerts '"since":"2026-01-01T00:00:00Z","after":"a1199"'
    is "$(get '[(.result.alerts|length), .result.more, .result.after]')" '[50,false,"a1249"]'
}

pages_of_alerts_are_not_asked_for_where_a_foreign_link_leads() {
    lies
    alerts
    says REFUSED ForeignLink
    ask read graph.alerts '{}'
    says REFUSED ForeignLink
    hasnt "$(cat "$tmp/lies")" page2
}

alerts_are_asked_for_again_when_the_api_is_busy() {
    raise a 2026-01-01T00:00:01Z
    fault '{"fault":"429","match":{"path_contains":"Security/alerts"},"times":1,"retry_after_s":0}'
    alerts
    is "$(text .status)" RETRY
    alerts
    is "$(names)" a
    is "$(log '[.[]|select(.path|test("Security/alerts"))|select(.method == "GET")|.status]|join(" ")')" "429 200"
}

alerts_of_graph_name_the_newer_products_and_are_filtered_there() {
    graph alerts_v2 g1 2026-01-01T00:00:01Z
    graph alerts_v2 g2 2026-01-01T00:00:02Z
    graph incidents 7 2026-01-01T00:00:02Z ',"displayName":"d"'
    ask read graph.alerts '{"since":"2026-01-01T00:00:02Z"}'
    says DONE ""
    is "$(names)" g2
    is "$(text '.result.alerts[0].serviceSource')" microsoftDefenderForCloud
    ask read graph.incidents '{}'
    is "$(names)" 7
    ask read graph.alerts '{"id":"g1"}'
    is "$(names)" g1
    ask read graph.alerts '{"id":"g9"}'
    says REFUSED NotFound
}

pages_of_graph_are_followed_with_the_same_filter() {
    local i
    with '.options.page_size = 2'
    for i in 1 2 3 4 5; do graph alerts_v2 "g$i" "2026-01-01T00:00:0${i}Z"; done
    ask read graph.alerts '{"since":"2026-01-01T00:00:02Z"}'
    is "$(names)" "g2 g3 g4 g5"
}

messages_are_deleted_when_they_are_done_and_come_back_when_not() {
    put_message m1 "$(printf '{"a":1}' | base64)"
    put_message m2 '{}&<b>'
    take
    says DONE ""
    is "$(get '[.result.messages[]|[.id,.text,.count]]')" '[["m1","{\"a\":1}",1],["m2","{}&<b>",1]]'
    local first
    first=$(get '[.result.messages[0]|{id,receipt}]')
    take
    is "$(get .result.messages)" "[]"
    take "$first"
    is "$(get '[.result.deleted, .result.messages]')" '[1,[]]'
    is "$(world '[.messages[].path]')" '["/_queue/shopqueue/alerts/messages/m2"]'
    edit /_queue/shopqueue/alerts/messages/m2 '{"visible_ms":0}'
    take '[{"id":"m2","receipt":"old"},{"id":"gone","receipt":"x"}]'
    is "$(get '[.result.deleted, (.result.messages|map([.id,.count]))]')" '[0,[["m2",2]]]'
}

a_queue_that_answers_with_something_else_changes_nothing() {
    put_message m1 x
    ask read queue.take '{"account":"no/../such","queue":"alerts"}'
    says REFUSED BadName
    config=$(configuration '.endpoints.queues.shopqueue = (.endpoints.arm + "/v1.0")')
    take
    is "$(text .status)" REFUSED
}

messages_in_anything_but_xml_are_not_taken_and_ones_own_fault_stops_no_other() {
    local name
    lies
    for name in entity markup; do
        ask read queue.take "{\"account\":\"shopqueue\",\"queue\":\"$name\"}"
        is "$(get '[.result.messages[]|[.id,.receipt,(.fault != null)]]')" '[["a","r",true]]'
    done
    ask read queue.take '{"account":"shopqueue","queue":"attribute"}'
    is "$(get .result.messages)" '[]'
    for name in cut other doctype twice none; do
        ask read queue.take "{\"account\":\"shopqueue\",\"queue\":\"$name\"}"
        says RETRY NoXml
        is "$(get .result)" null
    done
    ask read queue.take '{"account":"shopqueue","queue":"more"}'
    is "$(get '[.result.messages[]|[.id,.text]]')" '[["a","[]"]]'
}

# -- Running them -----------------------------------------------------------------------

tests=$(sed -n 's/^\([a-z_0-9]*_[a-z_0-9]*\)() {$/\1/p' "$0" | grep -v '^build_driver$\|^our_priority$\|^put_message$')
passed=0
failures=0
changed=0
if ! build_driver || ! start; then
    cat "$tmp/err"
    echo "not ok the driver and the simulator start"
    echo "0 passed, 1 failed"
    exit 1
fi
for name in $tests; do
    [[ $name == *"$wanted"* ]] || continue
    if [ $changed = 1 ]; then
        stop
        start
        changed=0
    fi
    sim POST reset
    : >"$TRACE"
    answer=
    before=
    config=$(configuration)
    failed=0
    "$name"
    if [ $failed = 0 ]; then
        passed=$((passed + 1))
        echo "ok ${name//_/ }"
    else
        failures=$((failures + 1))
        echo "not ok ${name//_/ }"
    fi
done
echo "$passed passed, $failures failed"
[ $failures = 0 ]
