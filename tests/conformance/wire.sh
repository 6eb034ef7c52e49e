#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each sample payload, and each documented way of saying the same, arrives at a real daemon over
# TLS with its handshake and its proof, becomes the alert that alerts.tsv has for it, and starts
# the playbook of its kind, once.
#
#   PAYLOADS=FOLDER ALERTS=PROGRAM tests/conformance/wire.sh     (run.sh calls it)
#
# ALERTS prints what a delivery becomes (alerts.c). Prints ok and not ok lines.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"
trap 'close_daemon; shop_close' EXIT
hooks=$here/../hooks
kinds="defender-for-cloud sentinel graph azure-monitor event-grid cloudevents"

# -- a daemon with a source and a playbook for each kind ------------------------------------

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/playbooks"
cp "$here/../../playbooks/policy.lua" "$state/"
make_cert cordon
make_cert sender
openssl ecparam -name prime256v1 -genkey -noout -out "$work/issuer.pem" 2>/dev/null
openssl pkey -in "$work/issuer.pem" -pubout -out "$work/issuer.pub" 2>/dev/null
python3 "$hooks/token.py" keys "$work/issuer.pub" key-1 >"$state/keys.json"
echo bearer-of-this-year >"$state/secrets/bearer"
# What Microsoft's sample of a change notification brings along.
jq -r '.value[0].clientState' "$PAYLOADS/graph/change-notification.json" >"$state/secrets/state"
chmod 600 "$state"/secrets/*

for kind in $kinds; do
    cat >"$work/playbooks/of-$kind.lua" <<LUA
return playbook {
  name = "of-$kind", summary = "Take a note of what $kind says",
  params = { what = { "string", "its title" } },
  on_alert = { when = { source = "$kind", severity = "informational+" },
    params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.note(p.what) end,
}
LUA
done
shop_open "$work" || exit 1
state_make "$state" >"$work/out" 2>&1 || cat "$work/out"
wait_ended
cp "$here/../../playbooks/policy.lua" "$state/"
cat >"$state/cordon.lua" <<LUA
local entra = { issuer = "https://login.microsoftonline.com/tenant-1/v2.0", audience = "api://cordon",
                tenant = "tenant-1", apps = { "app-1" }, keys = "keys.json" }
return {
  playbooks = { "$work/playbooks" },
  plugins = { azure = { hosts = { "127.0.0.1/32" }, secrets = { "azure-client-secret" }, config = {
    tenant = "22222222-2222-2222-2222-222222222222", client_id = "11111111-1111-1111-1111-111111111111",
    credential = "client_secret", secret = "azure-client-secret",
    endpoints = { arm = "$sim_url", arm_audience = "https://management.azure.com", login = "$sim_url",
                  graph = "$sim_url", graph_audience = "https://graph.microsoft.com" } } } },
  serve = { ingress = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key", client_ca = "$work/sender.pem" } },
  sources = {
    ["defender-for-cloud"] = { kind = "defender-for-cloud", auth = { jwt = entra } },
    sentinel = { kind = "sentinel", auth = { jwt = entra } },
    graph = { kind = "graph", auth = { client_state = { "state" }, bearer = { "bearer" } } },
    ["azure-monitor"] = { kind = "azure-monitor", auth = { mutual_tls = { subjects = { "CN=sender" } } } },
    ["event-grid"] = { kind = "event-grid", auth = { header = { name = "x-cordon-key", values = { "bearer" } } } },
    cloudevents = { kind = "cloudevents", auth = { bearer = { "bearer" } }, origins = { "eventgrid.azure.net" } },
  },
}
LUA
start_daemon || {
    echo "not ok the daemon starts: $(head -c 500 "$work/err")"
    exit 1
}
token=$(python3 "$hooks/token.py" sign "$work/issuer.pem" key-1 \
    '{"iss":"https://login.microsoftonline.com/tenant-1/v2.0","aud":"api://cordon","tid":"tenant-1","azp":"app-1","sub":"s"}')

verdict() { # verdict SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@" >"$work/verdict" 2>&1; then
        echo "ok $sentence"
    else
        echo "not ok $sentence"
        sed 's/^/      /' "$work/verdict" | head -c 2000
    fi
}

is() { # is WANTED WAS
    [[ $1 == "$2" ]] || {
        echo "wanted $1, was $2: $(head -c 500 "$work/body" 2>/dev/null)"
        return 1
    }
}

# -- handshakes ------------------------------------------------------------------------------

headers=$PAYLOADS/eventgrid/webhook-headers.json

greets_grid() {
    local args=() pair
    while IFS= read -r pair; do args+=(-H "$pair"); done < <(jq -r '.eventGridSchema.validation | to_entries[] | "\(.key): \(.value)"' "$headers")
    is 200 "$(ask "$ingress/hooks/event-grid" -H 'Content-Type: application/json' -H 'x-cordon-key: bearer-of-this-year' "${args[@]}" \
        --data-binary "@$PAYLOADS/eventgrid/subscription-validation.json")" || return
    diff <(jq -S . "$PAYLOADS/eventgrid/subscription-validation.expected-response.json") <(jq -S . "$work/body")
}
greets_cloudevents() {
    local said
    said=$(jq -r '.cloudEventsSchema.abuseProtectionRequest.headers | to_entries[] | "\(.key): \(.value)"' "$headers")
    is "$(jq .cloudEventsSchema.abuseProtectionResponse.status "$headers")" "$(ask "$ingress/hooks/cloudevents" \
        -X "$(jq -r .cloudEventsSchema.abuseProtectionRequest.method "$headers")" -H "$said")" || return
    jq -r '.cloudEventsSchema.abuseProtectionResponse.headers | to_entries[] | select(.key != "WebHook-Allowed-Rate") | "\(.key):.*\(.value)"' "$headers" |
        while IFS= read -r said; do grep -qi "^$said" "$work/head" || exit 1; done &&
        grep -qi '^webhook-allowed-rate: [1-9]' "$work/head"
}
greets_graph() {
    is 200 "$(ask "$ingress/hooks/graph?validationToken=Validation%3A%20Testing%20client%20application%20reachability" -X POST -H 'Content-Type: text/plain' --data '')" &&
        is "Validation: Testing client application reachability" "$(cat "$work/body")"
}

# -- deliveries ------------------------------------------------------------------------------

# deliver KIND: what is in $work/delivery, as its sender sends it; prints the status.
deliver() {
    local kind=$1 args=() type=application/json body=$work/delivery pair
    case $kind in
    defender-for-cloud | sentinel) args=(-H "Authorization: Bearer $token") ;;
    graph) jq -e '.value[0].clientState' "$body" >/dev/null 2>&1 || args=(-H 'Authorization: Bearer bearer-of-this-year') ;;
    azure-monitor) args=(--cert "$work/sender.pem" --key "$work/sender.key") ;;
    event-grid)
        args=(-H 'x-cordon-key: bearer-of-this-year')
        while IFS= read -r pair; do args+=(-H "$pair"); done < <(jq -r '.eventGridSchema.delivery | to_entries[] | "\(.key): \(.value)"' "$headers")
        ;;
    cloudevents)
        args=(-H 'Authorization: Bearer bearer-of-this-year')
        type=$(jq -r '.cloudEventsSchema.delivery["content-type"]' "$headers")
        if jq -e 'type == "array"' "$body" >/dev/null; then
            type=$(jq -r '.cloudEventsSchema.delivery.batchContentType' "$headers")
        elif jq -e '.headers' "$body" >/dev/null; then # binary: the attributes are headers
            type=application/json
            while IFS= read -r pair; do args+=(-H "$pair"); done < <(jq -r '.headers | to_entries[] | "\(.key): \(.value)"' "$body")
            jq .data "$body" >"$work/data"
            body=$work/data
        fi
        ;;
    esac
    ask "$ingress/hooks/$kind" -H "Content-Type: $type" "${args[@]}" --data-binary "@$body"
}

# The source that such a file comes from, when its row leaves that to the adapters.
source_of() {
    case $1 in
    defender/*) echo defender-for-cloud ;;
    eventgrid/*) echo event-grid ;;
    monitor/*) echo azure-monitor ;;
    *) echo "${1%%/*}" ;;
    esac
}

# arrives FILE CHANGE KIND EXPECTED: what it becomes is added to $work/expected, a line each, with
# the source that it came by: an alert is the same when its source and its id are.
arrives() {
    local kind=$3
    [[ $kind != - ]] || kind=$(source_of "$1")
    jq "$2" "$PAYLOADS/$1" >"$work/delivery" || return
    is 202 "$(deliver "$kind")" || return
    jq -e .again "$work/body" >/dev/null && return # sent before in the same words
    if [[ $4 == !* ]]; then
        ((++unreadable))
    else
        # One of Microsoft's samples names two alerts alike: within a delivery that is one.
        "$ALERTS" "$work/delivery" "$kind" | jq -sc --arg by "$kind" '
            unique_by(.id)[] | {by: $by, alert: .}' >>"$work/expected"
    fi
}

# fetched FILE CHANGE EXPECTED: the notification names what Graph has, the sample of its kind under that id.
fetched() {
    local id sample place at
    id=$(jq -r '.[0].id' <<<"$3")
    case $(jq -r '.[0].fetch' <<<"$3") in
    graph-alerts) sample=alert-v2 place=alerts_v2 ;;
    graph-incidents) sample=incident place=incidents ;;
    esac
    jq --arg id "$id" '.id = $id' "$PAYLOADS/graph/$sample.json" >"$work/object"
    at=$(jq -n --arg path "/v1.0/security/$place/$id" --slurpfile patch "$work/object" '{path: $path, patch: $patch[0]}')
    sim POST edit "$at" || return
    jq "$2" "$PAYLOADS/$1" >"$work/delivery" && is 202 "$(deliver graph)" || return
    "$ALERTS" "$work/object" graph | jq -sc '.[] | {by: "graph", alert: .}' >>"$work/expected"
}

# -- what became of them ----------------------------------------------------------------------

# alerts: id, count, runs and playbooks of each alert that is there, once nothing waits any more.
until_routed() {
    local want
    want=$(wc -l <"$work/expected")
    for _ in $(seq 300); do
        timeout 30 "$CORDON" alerts --json --limit 500 --state "$state" >"$work/there"
        jq -e --argjson want "$want" '([.alerts[].count] | add) >= $want and all(.alerts[]; .state == "routed")' "$work/there" >/dev/null && return
        sleep 0.1
    done
    echo "of $want alerts there are $(jq '[.alerts[].count] | add' "$work/there")"
    return 1
}
# Alerts of several feeds that share one of the product's keys are one alert: $work/groups has a
# line for each, with all that was expected of it and its name, the first of "SOURCE ID".
group() {
    jq -sc 'reduce .[] as $row ([];
        ($row.alert.keys // ["\($row.by) \($row.alert.id)"]) as $keys |
        (map(select(any(.keys[]; IN($keys[])))) + [{keys: $keys, rows: [$row]}]) as $same |
        map(select(any(.keys[]; IN($keys[])) | not)) +
            [{keys: ($same | map(.keys) | add | unique), rows: ($same | map(.rows) | add)}]) |
        .[] | . + {key: "\(.rows[0].by) \(.rows[0].alert.id)"}' "$work/expected" >"$work/groups"
}
expected() { jq -r --arg key "$1" "select(.key == \$key) | $2" "$work/groups"; }
# The alert of that name, as the daemon lists it.
there() {
    jq -r --argjson rows "$(expected "$1" '.rows | tojson')" \
        "[.alerts[] | select(. as \$is | any(\$rows[]; .alert.id == \$is.id and (.alert.keys or .by == \$is.source)))][0] | $2" \
        "$work/there"
}

is_counted() { is "$(expected "$1" '.rows | length')" "$(there "$1" .count)"; }
# The playbook of each kind that tells of the alert, once each.
starts_once() {
    local started strange
    started=$(timeout 30 "$CORDON" runs --json --limit 500 --state "$state" |
        jq -r --argjson runs "$(there "$1" '.runs')" '.runs[] | select(.run as $run | $runs | index($run)) | "\(.playbook) \(.state)"' | sort)
    strange=$(grep -vxF -f <(expected "$1" '.rows[] | .by, .alert.source, .alert.product // empty | "of-\(.) done"') <<<"$started")
    [[ -n $started && -z $strange && -z $(uniq -d <<<"$started") ]] || {
        echo "it started: $(paste -sd, <<<"$started")"
        return 1
    }
}
starts_nothing() { is 0 "$(there "$1" '.runs | length')"; }
# What one delivery told is there word for word; of what several told, the keys of all.
is_as_expected() {
    timeout 30 "$CORDON" explain "$(there "$1" .alert)" --json --state "$state" | jq -S .normalised >"$work/is"
    if [[ $(expected "$1" '[.rows[].alert | del(.raw)] | unique | length') == 1 ]]; then
        diff <(expected "$1" '.rows[0].alert | del(.raw)' | jq -S .) <(jq -S 'del(.raw, .feed)' "$work/is")
    else
        jq -e --argjson keys "$(expected "$1" '.keys | tojson')" '($keys - .keys) == []' "$work/is" || cat "$work/is"
    fi
}

verdict "Event Grid's validation is answered as documented" greets_grid
verdict "CloudEvents' abuse protection is answered as documented" greets_cloudevents
verdict "Graph's validation token is echoed" greets_graph
: >"$work/expected"
unreadable=0
while IFS=$'\t' read -r file change kind expected; do
    [[ $file == \#* ]] && continue
    if [[ $expected == *'"fetch"'* ]]; then
        verdict "over the wire, and fetched from Graph: $(jq -r '.[0] | "\(.fetch) \(.id)"' <<<"$expected")" fetched "$file" "$change" "$expected"
        continue
    fi
    verdict "over the wire, with its proof: $kind: $file${change#.}" arrives "$file" "$change" "$kind" "$expected"
done <"$here/alerts.tsv"
verdict "all that arrived is there and was routed" until_routed
group
while IFS= read -r key; do
    verdict "it is the alert that it should be: $key" is_as_expected "$key"
    verdict "it is counted as often as it was sent: $key" is_counted "$key"
    if [[ $(expected "$key" 'all(.rows[].alert; .over == true or .simulated == true)') == true ]]; then
        verdict "what is over or simulated when it comes starts nothing: $key" starts_nothing "$key"
    else
        verdict "it started the playbook of its kind, once: $key" starts_once "$key"
    fi
done < <(jq -r .key "$work/groups")
verdict "nothing else is there" is "$(wc -l <"$work/groups")" "$(jq '.alerts | length' "$work/there")"
stop_daemon
verdict "what is not of its kind is kept, and starts nothing" is "$unreadable" \
    "$(sqlite3 -readonly "$state/journal.db" "select count(*) from events where json_extract(body, '\$.k') = 'unreadable'")"
