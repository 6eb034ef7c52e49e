#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# POST /hooks/SOURCE, over TLS, to a real daemon: who may deliver, with which handshake, and
# that nothing else starts anything.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"

BURST=10000
case ${SAN:-} in
'') ;;
*) BURST=2000 ;;
esac

close_all() {
    [[ -z $issuer ]] || { kill "$issuer" && wait "$issuer"; } 2>/dev/null
    close_daemon
}
issuer=
trap close_all EXIT

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/playbooks"
cp "$TESTS/../playbooks/policy.lua" "$state/"
make_cert cordon
make_cert sender
make_cert stranger
openssl ecparam -name prime256v1 -genkey -noout -out "$work/issuer.pem" 2>/dev/null
openssl pkey -in "$work/issuer.pem" -pubout -out "$work/issuer.pub" 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out "$work/other-issuer.pem" 2>/dev/null
python3 "$here/token.py" keys "$work/issuer.pub" key-1 >"$state/keys.json"
BURST_SEED=${BURST_SEED:-$((RANDOM % 10000))} # when it kills; what is printed can be given again
mkdir "$work/jwks" && touch "$work"/jwks/{near,late,busy,false}.asked
python3 "$here/jwks.py" "$work/cordon.pem" "$work/cordon.key" "$work/jwks" >"$work/jwksport" 2>/dev/null &
issuer=$!
await_from "$issuer" test -s "$work/jwksport" || exit 1
jwks=https://127.0.0.1:$(cat "$work/jwksport")

secret() { # secret NAME VALUE
    echo "$2" >"$state/secrets/$1"
    chmod 600 "$state/secrets/$1"
}
secret hmac-now "whsec_$(head -c 24 /dev/urandom | base64)"
secret hmac-before "the key of last year, as plain text"
secret hmac-other "whsec_$(head -c 24 /dev/urandom | base64)"
secret bearer-now bearer-of-this-year
secret bearer-before bearer-of-last-year
secret state-now client-state-of-this-subscription
secret aeg-secret event-grid-shared-secret

cat >"$work/playbooks/note.lua" <<'LUA'
return playbook {
  name = "note", summary = "Take a note of it",
  params = { what = { "string", "what happened" } },
  on_alert = { when = { severity = "low+" }, params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.note(p.what) end,
}
LUA
configure() {
    cat >"$state/cordon.lua" <<LUA
return {
  playbooks = { "$work/playbooks" },
  serve = { ingress = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key", client_ca = "$work/sender.pem" } },
  sources = {
    signed  = { kind = "generic", auth = { hmac = { "hmac-now", "hmac-before" } }, size = 4096 },
    signed2 = { kind = "generic", auth = { hmac = { "hmac-other" } } },
    bearer  = { kind = "defender-for-cloud", auth = { bearer = { "bearer-now", "bearer-before" } } },
    entra   = { kind = "sentinel", auth = { jwt = { issuer = "https://issuer.example/v2.0", audience = "api://cordon",
                tenant = "tenant-1", apps = { "app-1" }, keys = "keys.json" } } },
    near    = { kind = "sentinel", auth = { jwt = { issuer = "https://issuer.example/v2.0", audience = "api://cordon", jwks = "$jwks/near", ca = "$work/cordon.pem" } } },
    late    = { kind = "sentinel", auth = { jwt = { issuer = "https://issuer.example/v2.0", audience = "api://cordon", jwks = "$jwks/late", ca = "$work/cordon.pem" } } },
    busy    = { kind = "sentinel", auth = { jwt = { issuer = "https://issuer.example/v2.0", audience = "api://cordon", jwks = "$jwks/busy", ca = "$work/cordon.pem" } } },
    strange = { kind = "sentinel", auth = { jwt = { issuer = "https://issuer.example/v2.0", audience = "api://cordon", jwks = "$jwks/false", ca = "$work/stranger.pem" } } },
    graph   = { kind = "graph", auth = { client_state = { "state-now" } } },
    tls     = { kind = "azure-monitor", auth = { mutual_tls = { subjects = { "CN=sender" } } } },
    grid    = { kind = "event-grid", auth = { header = { name = "x-cordon-key", values = { "aeg-secret" } } } },
    events  = { kind = "cloudevents", auth = { bearer = { "bearer-now" } }, origins = { "eventgrid.azure.net" } },
    slow    = { kind = "generic", auth = { bearer = { "bearer-now" } }, rate = 2 },
  },
}
LUA
}

key() { cat "$state/secrets/$1"; }
count() { timeout 30 "$CORDON" alerts --json --limit 500 --state "$state" | jq '.alerts | length'; }

# post SOURCE FILE [CURL ARGUMENT...]: prints the status
post() {
    local source=$1 file=$2
    shift 2
    # Announced, so that an answer that does not want the body is not lost in a reset.
    ask "$ingress/hooks/$source" -H 'Content-Type: application/json' -H 'Expect: 100-continue' --data-binary "@$file" "$@"
}

alert() { # alert ID [FILE]
    printf '{"id":"%s","title":"alert %s","type":"T","severity":"high"}' "$1" "$1" >"${2:-$work/alert.json}"
}

signed() { # signed SOURCE KEYFILE FILE [ID [TIMESTAMP]]
    local source=$1 secret=$2 file=$3 args
    shift 3
    mapfile -t args < <(python3 "$here/send.py" "$(key "$secret")" "$file" "$@")
    post "$source" "$file" "${args[@]}"
}

is() { # is WANTED WAS
    [[ $1 == "$2" ]] || {
        echo "# wanted $1, was $2: $(head -c 300 "$work/body" 2>/dev/null)"
        return 1
    }
}

unchanged() { # unchanged FUNCTION: it starts nothing
    local before after
    before=$(count)
    "$1" || return 1
    after=$(count)
    is "$before" "$after"
}

configure
start_daemon || {
    cat "$work/err"
    exit 1
}

# -- HMAC ----------------------------------------------------------------------------------
takes_signed() { alert h1 && is 202 "$(signed signed hmac-now "$work/alert.json" m-1)" && jq -e '.again == false' "$work/body" >/dev/null; }
takes_old_key() { alert h2 && is 202 "$(signed signed hmac-before "$work/alert.json" m-2)"; }
replays() { alert h1 && is 202 "$(signed signed hmac-now "$work/alert.json" m-1)" && jq -e .again "$work/body" >/dev/null; }
refuses_hmac() {
    local now args
    now=$(date +%s)
    alert bad
    is 401 "$(post signed "$work/alert.json")" && is 401 "$(signed signed hmac-other "$work/alert.json")" &&
        is 401 "$(signed signed hmac-now "$work/alert.json" m-3 $((now - 400)))" &&
        is 401 "$(signed signed hmac-now "$work/alert.json" m-4 $((now + 400)))" &&
        is 401 "$(signed signed hmac-now "$work/alert.json" m-5 0x10)" || return 1
    mapfile -t args < <(python3 "$here/send.py" "$(key hmac-now)" "$work/alert.json" m-6)
    alert bae
    is 401 "$(post signed "$work/alert.json" "${args[@]}")" && is 401 "$(post signed "$work/alert.json" -H 'webhook-signature: v1,')" &&
        is 401 "$(post signed "$work/alert.json" -H "Authorization: Bearer $(key bearer-now)")"
}
hides_why() {
    alert bad
    is 401 "$(post signed "$work/alert.json")" && cp "$work/body" "$work/one" && is 401 "$(post nobody "$work/alert.json")" &&
        cmp "$work/one" "$work/body"
}

# -- bearer, header, certificates, Graph, JWT ------------------------------------------------
takes_bearer() {
    printf '{"SystemAlertId":"b1","AlertType":"T","AlertDisplayName":"bearer","Severity":"High","Entities":[]}' >"$work/d.json"
    is 202 "$(post bearer "$work/d.json" -H "Authorization: Bearer $(key bearer-now)")" &&
        is 202 "$(post bearer "$work/d.json" -H "authorization: bearer $(key bearer-before)")"
}
refuses_bearer() {
    alert bad
    is 401 "$(post bearer "$work/alert.json")" && is 401 "$(post bearer "$work/alert.json" -H 'Authorization: Bearer wrong')" &&
        is 401 "$(post bearer "$work/alert.json" -H 'Authorization: Bearer ')" && is 401 "$(post "bearer?access_token=$(key bearer-now)" "$work/alert.json")" &&
        is 401 "$(post bearer "$work/alert.json" -H "Authorization: Basic $(key bearer-now)")"
}
takes_certificate() {
    printf '{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"c1","alertRule":"rule","severity":"Sev1","monitorCondition":"Fired","firedDateTime":"2026-11-26T10:00:00Z"},"alertContext":{}}}' >"$work/m.json"
    is 202 "$(post tls "$work/m.json" --cert "$work/sender.pem" --key "$work/sender.key")"
}
refuses_certificate() { is 401 "$(post tls "$work/m.json")" && { is 401 "$(post tls "$work/m.json" --cert "$work/stranger.pem" --key "$work/stranger.key")" || is 000 "$(post tls "$work/m.json" --cert "$work/stranger.pem" --key "$work/stranger.key")"; }; }
greets_graph() {
    is 200 "$(ask "$ingress/hooks/graph?validationToken=a%20b%3Cscript%3E" -X POST -H 'Content-Type: text/plain' --data '')" &&
        is 'a b<script>' "$(cat "$work/body")" && grep -qi '^content-type: text/plain' "$work/head"
}
takes_graph() {
    printf '{"value":[{"id":"n1","subscriptionId":"s","clientState":"%s","changeType":"created","resource":"security/alerts_v2/x"}]}' "$(key state-now)" >"$work/g.json"
    is 202 "$(post graph "$work/g.json")"
}
refuses_graph() {
    printf '{"value":[{"id":"n1","clientState":"wrong"}]}' >"$work/g2.json"
    printf '{"value":[]}' >"$work/g3.json"
    is 401 "$(post graph "$work/g2.json")" && is 401 "$(post graph "$work/g3.json")" && alert x && is 401 "$(post graph "$work/alert.json")"
}
token() { python3 "$here/token.py" sign "${2:-$work/issuer.pem}" "${3:-key-1}" "$1"; }
right='{"iss":"https://issuer.example/v2.0","aud":"api://cordon","tid":"tenant-1","azp":"app-1","sub":"s"}'
incident() { printf '{"objectSchemaType":"Incident","object":{"id":"/i/%s","name":"%s","type":"Microsoft.SecurityInsights/Incidents","properties":{"title":"t %s","severity":"High","status":"New","incidentNumber":1}}}' "$1" "$1" "$1" >"$work/s.json"; }
takes_jwt() { incident j1 && is 202 "$(post entra "$work/s.json" -H "Authorization: Bearer $(token "$right")")"; }
refuses_jwt() {
    local now claims none
    now=$(date +%s)
    incident j2
    for claims in '{"iss":"https://other.example"}' '{"aud":"api://other"}' '{"tid":"tenant-2"}' '{"azp":"app-2"}' \
        "{\"exp\":$((now - 600))}" "{\"nbf\":$((now + 600))}" "{\"iat\":$((now + 600))}" '{"aud":[]}' '{"iss":null}'; do
        is 401 "$(post entra "$work/s.json" -H "Authorization: Bearer $(token "$(jq -c ". + $claims" <<<"$right")")")" || {
            echo "# $claims"
            return 1
        }
    done
    none=$(printf '{"alg":"none","kid":"key-1"}' | base64 -w0 | tr -d =).$(printf '%s' "$right" | base64 -w0 | tr -d =).
    is 401 "$(post entra "$work/s.json" -H "Authorization: Bearer $none")" &&
        is 401 "$(post entra "$work/s.json" -H "Authorization: Bearer $(token "$right" "$work/other-issuer.pem")")" &&
        is 401 "$(post entra "$work/s.json" -H "Authorization: Bearer $(token "$right" "$work/issuer.pem" key-2)")" &&
        is 401 "$(post entra "$work/s.json" -H "Authorization: Bearer $(token "$right")x")" && is 401 "$(post entra "$work/s.json")"
}
asked() { wc -l <"$work/jwks/$1.asked"; }
fetches_keys() { # once; an unknown key does not fetch them again and again
    local i
    cp "$state/keys.json" "$work/jwks/near.json"
    incident k1 && is 202 "$(post near "$work/s.json" -H "Authorization: Bearer $(token "$right")")" || return 1
    for i in 1 2 3; do
        incident "k1-$i" && is 202 "$(post near "$work/s.json" -H "Authorization: Bearer $(token "$right")")" &&
            is 401 "$(post near "$work/s.json" -H "Authorization: Bearer $(token "$right" "$work/other-issuer.pem" "key-$i$i")")" || return 1
    done
    is 1 "$(asked near)"
}
waits_for_keys() { # of all that wait for one fetch each is answered
    local i pids=()
    cp "$state/keys.json" "$work/jwks/busy.json"
    echo 1 >"$work/jwks/busy.wait"
    for i in $(seq 8); do
        incident "w$i" && cp "$work/s.json" "$work/w$i.json"
        curl -s --max-time 20 --cacert "$work/cordon.pem" -o "$work/w$i.body" -w '%{http_code}' -H 'Content-Type: application/json' \
            -H "Authorization: Bearer $(token "$right")" --data-binary "@$work/w$i.json" "$ingress/hooks/busy" >"$work/w$i.status" &
        pids+=($!)
    done
    wait "${pids[@]}"
    is "$(printf '202%.0s' $(seq 8))" "$(cat "$work"/w[1-8].status)" && is 1 "$(asked busy)"
}
pauses_after_failure() { # while the issuer does not answer, nobody makes us ask it again and again
    local i began=$SECONDS
    for i in $(seq 10); do is 401 "$(post late "$work/s.json" -H "Authorization: Bearer $(token "$right")")" || return 1; done
    (($(asked late) <= 1 + (SECONDS - began) / 10)) || return 1
    cp "$state/keys.json" "$work/jwks/late.json"
    for i in $(seq 60); do
        [[ $(post late "$work/s.json" -H "Authorization: Bearer $(token "$right")") == 202 ]] && break
        sleep 0.5
    done
    ((i < 60 && $(asked late) <= 2 + (SECONDS - began) / 10)) && grep -q "the keys of https://issuer.example/v2.0 were not to be had: .*503" "$work/err"
}
distrusts_other_ca() { is 401 "$(post strange "$work/s.json" -H "Authorization: Bearer $(token "$right")")" && is 0 "$(asked false)"; }
greets_grid() {
    printf '[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"code-1"}}]' >"$work/v.json"
    is 200 "$(post grid "$work/v.json" -H 'aeg-event-type: SubscriptionValidation' -H "x-cordon-key: $(key aeg-secret)")" &&
        is code-1 "$(jq -r .validationResponse "$work/body")" && is 401 "$(post grid "$work/v.json" -H 'aeg-event-type: SubscriptionValidation')"
}
greets_events() {
    is 200 "$(ask "$ingress/hooks/events" -X OPTIONS -H 'WebHook-Request-Origin: eventgrid.azure.net')" && grep -qi '^webhook-allowed-origin: eventgrid.azure.net' "$work/head" &&
        grep -qi '^webhook-allowed-rate:' "$work/head" && is 403 "$(ask "$ingress/hooks/events" -X OPTIONS -H 'WebHook-Request-Origin: evil.example')" &&
        is 403 "$(ask "$ingress/hooks/signed" -X OPTIONS -H 'WebHook-Request-Origin: eventgrid.azure.net')"
}
event='{"specversion":"1.0","id":"%s","source":"/s","type":"some.type","subject":"sub","data":{"x":1}}'
takes_events() {
    local auth
    auth="Authorization: Bearer $(key bearer-now)"
    # shellcheck disable=SC2059 # it is a format
    printf "$event" e1 >"$work/e.json" && printf "[$event]" e2 >"$work/es.json"
    is 202 "$(ask "$ingress/hooks/events" -H 'Content-Type: application/cloudevents+json' -H "$auth" --data-binary "@$work/e.json")" &&
        is 202 "$(ask "$ingress/hooks/events" -H 'Content-Type: application/cloudevents-batch+json' -H "$auth" --data-binary "@$work/es.json")" &&
        is 202 "$(ask "$ingress/hooks/events?access_token=$(key bearer-now)" -H 'Content-Type: application/json' -H 'ce-specversion: 1.0' -H 'ce-id: e3' -H 'ce-source: /s' -H 'ce-type: t' --data '{"x":1}')" &&
        is 415 "$(ask "$ingress/hooks/events" -H 'Content-Type: application/json' -H "$auth" --data-binary "@$work/e.json")"
}

# -- what is wrong with a delivery -----------------------------------------------------------
refuses_types() { alert t1 && is 415 "$(signed_as text/plain)" && is 415 "$(signed_as application/xml)" && is 415 "$(signed_as application/jsonx)"; }
signed_as() {
    local args
    mapfile -t args < <(python3 "$here/send.py" "$(key hmac-now)" "$work/alert.json")
    ask "$ingress/hooks/signed" -H "Content-Type: $1" --data-binary "@$work/alert.json" "${args[@]}"
}
refuses_json() {
    local text deep
    deep=$(printf '[%.0s' $(seq 200))
    for text in '' '{' '{"a":1}x' '{a:1}' '{"a":"x' "$deep" '[1,]' '{"a":tru}' '<html>'; do
        printf '%s' "$text" >"$work/bad.json"
        if ! is 400 "$(signed signed hmac-now "$work/bad.json")" || ! grep -q 'kept as d-' "$work/body"; then
            echo "# $text"
            return 1
        fi
    done
}
# Each body is one that json_check refuses: the alert is taken, and has a note of what was replaced.
mends_text() {
    local name rest before
    before=$(count)
    while IFS='|' read -r name rest; do
        printf '{"id":"m-%s","title":"m","type":"T","severity":"high",%b}' "$name" "$rest" >"$work/m-$name.json"
    done <<'END'
nul|"raw":{"c":"reg add\\u0000x"}
rawnul|"raw":{"c":"reg\0add"}
half|"raw":{"c":"\\ud83d"}
otherhalf|"raw":{"c":"\\udc00 \\ud800"}
latin|"raw":{"c":"Jos\xe9"}
overlong|"raw":{"c":"\xc0\xaf"}
twice|"raw":{"c":1,"c":2}
big|"raw":{"n":18446744073709551615}
nan|"raw":{"n":NaN}
tab|"raw":{"c":"a\tb"}
path|"raw":{"c":"C:\\Windows"}
END
    { printf '\xef\xbb\xbf'; sed 's/m-tab/m-mark/; s/\t/ /' "$work/m-tab.json"; } >"$work/m-mark.json"
    sed 's/m-tab/m-wide/' "$work/m-mark.json" | tail -c +4 | sed 's/m-mark/m-wide/' | iconv -t UTF-16LE >"$work/m-wide.json"
    for name in nul rawnul half otherhalf latin overlong twice big nan tab path mark wide; do
        is 202 "$(signed signed hmac-now "$work/m-$name.json")" || { echo "# $name" && return 1; }
    done
    settled $((before + 13)) || return 1
    for name in $(alert_names '^m-(mark|wide)$'); do noted "$name" && { echo "# $name has a note" && return 1; }; done
    for name in $(alert_names '^m-'); do
        noted "$name" || [[ " $(alert_names '^m-(mark|wide)$' | tr '\n' ' ') " == *" $name "* ]] || { echo "# $name has no note" && return 1; }
    done
}
settled() { local i; for i in $(seq 100); do [[ $(count) -ge $1 ]] && return 0; sleep 0.05; done; is "$1" "$(count)"; }
alert_names() { timeout 30 "$CORDON" alerts --json --limit 500 --state "$state" | jq -r --arg id "$1" '.alerts[] | select(.id | test($id)) | .alert'; }
noted() { timeout 30 "$CORDON" explain "$1" --json --state "$state" | jq -e '.normalised.notes[0] // "" | test("^line [0-9]+, column [0-9]+ of the delivery: ")' >/dev/null; }
refuses_codings() {
    local coding
    alert z1 && gzip -c "$work/alert.json" >"$work/alert.gz"
    for coding in gzip deflate br 'identity, gzip'; do
        is 415 "$(post bearer "$work/alert.gz" -H "Authorization: Bearer $(key bearer-now)" -H "Content-Encoding: $coding")" &&
            grep -qi '^accept-encoding: identity' "$work/head" || return 1
    done
    is 202 "$(post bearer "$work/d.json" -H "Authorization: Bearer $(key bearer-now)" -H 'Content-Encoding: identity')"
}
lists_unread() {
    timeout 30 "$CORDON" alerts --unreadable --json --state "$state" >"$work/unread.json" &&
        jq -e '[.unreadable[] | select(.source == "signed" and (.why | test("^line 1, column")) and (.delivery | test("^d-")) and .bytes >= 0)] | length >= 8' "$work/unread.json" >/dev/null &&
        jq -e '[.refused[] | .source] | contains(["bearer", "events", "signed", "slow"])' "$work/unread.json" >/dev/null || return 1
    timeout 30 "$CORDON" doctor --rebuild --state "$state" >"$work/rebuilt" || { cat "$work/rebuilt" && return 1; }
    timeout 30 "$CORDON" alerts --unreadable --json --state "$state" | jq -e --slurpfile was "$work/unread.json" '.unreadable == $was[0].unreadable' >/dev/null || return 1
    timeout 30 "$CORDON" doctor --state "$state" >"$work/doctor" # finds deliveries that cannot be read
    grep -q '^ok  *verified' "$work/doctor" || return 1
    grep -q '^not ok  deliveries  .*cannot be read' "$work/doctor" && grep -q 'signed (generic, 4096 bytes, 500 a second)' "$work/doctor"
}
refuses_large() {
    head -c 5000 /dev/zero | tr '\0' ' ' >"$work/large.json"
    is 413 "$(signed signed hmac-now "$work/large.json")" && head -c 2200000 /dev/zero | tr '\0' ' ' >"$work/larger.json" &&
        is 413 "$(post slow "$work/larger.json" -H "Authorization: Bearer $(key bearer-now)")" && grep -q '2097152 (sources.slow.size' "$work/body"
}
refuses_methods() { is 405 "$(ask "$ingress/hooks/signed")" && is 405 "$(ask "$ingress/hooks/signed" -X PUT --data x)" && is 404 "$(ask "$ingress/hooks/signed/x" -X POST)"; }
is_not_the_console() { is 404 "$(ask "$ingress/v1/runs")" && is 404 "$(ask "$ingress/console/")"; }
limits_rate() {
    local seen
    alert r1
    # All of one process, side by side: one after another they may be slower than the limit.
    seen=$(curl -s --max-time 20 --parallel --cacert "$work/cordon.pem" -o "$work/slow.#1" -w '%{http_code} %header{retry-after}\n' \
        -H 'Content-Type: application/json' -H "Authorization: Bearer $(key bearer-now)" --data-binary "@$work/alert.json" "$ingress/hooks/slow#[1-12]")
    grep -q '^202 ' <<<"$seen" && grep -q '^429 [1-9]' <<<"$seen"
}
# What proves nothing has its own budgets: a flood of it leaves that of proven deliveries as it is.
flood() { # flood COUNT CURL ARGUMENT...: prints how many were answered with each status
    local count=$1
    shift
    curl -s --max-time 60 --parallel --cacert "$work/cordon.pem" -o "$work/flood.#1" -w '%{http_code}\n' "$@" "$ingress/hooks/slow#[1-$count]" |
        sort | uniq -c | tr -s ' \n' ' '
}
charges_who_is_proven() {
    local wrong greeted
    wrong=$(flood 700 -H 'Content-Type: application/json' -H "Authorization: Bearer nonsense" --data x)
    greeted=$(flood 100 -X OPTIONS -H 'WebHook-Request-Origin: nobody')
    echo "# wrong: $wrong, handshakes: $greeted"
    # One that is right is taken after both, from the same address.
    alert r2 && sleep 1.1 && is 202 "$(post slow "$work/alert.json" -H "Authorization: Bearer $(key bearer-now)")" &&
        [[ $wrong == " 600 401 100 429 " && $greeted == " 60 403 40 429 " ]]
}
starts_once() {
    local i
    for i in 1 2 3; do alert o1 && is 202 "$(signed signed hmac-now "$work/alert.json" "once-$i")" || return 1; done
    for _ in $(seq 1200); do
        [[ $(timeout 30 "$CORDON" alerts --json --state "$state" | jq '.alerts[] | select(.id == "o1") | .count') == 3 ]] && break
        sleep 0.05
    done
    is '3 1' "$(timeout 30 "$CORDON" alerts --json --state "$state" | jq -r '.alerts[] | select(.id == "o1") | "\(.count) \(.runs | length)"')"
}
# A program that counts for itself.
matrix() {
    local last
    INGRESS=$ingress WORK=$work timeout 300 python3 "$here/test_matrix.py" >"$work/matrix" 2>&1
    sed '$d' "$work/matrix"
    last=$(tail -n 1 "$work/matrix")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2]))
    else
        echo "# $last"
        echo "not ok the matrix came to no end"
        ((++failed))
    fi
}
logs_refusals() {
    local line
    stop_daemon
    while read -r line; do
        grep -qE "$line" "$work/err" || { echo "# not in the log: $line" && return 1; }
    done <<'END'
source signed: a delivery from 127.0.0.1 was refused: .* \(sources.signed.auth\)
source signed: a delivery from 127.0.0.1 was refused: Content-Type: text/plain, want application/json
source signed: a handshake from 127.0.0.1 was refused: .*eventgrid.azure.net.*sources.signed.kind = "cloudevents"
source events: a handshake from 127.0.0.1 was refused: the origin evil.example is not listed: sources.events.origins = \{ "evil.example" \}
source bearer: a delivery from 127.0.0.1 was refused: Content-Encoding: gzip is not taken
source slow: a delivery from 127.0.0.1 was refused: .*sources.slow.size
END
    ! grep -qF "$(key bearer-now)" "$work/err"
}
# -- killed in the middle of a burst --------------------------------------------------------
# On one port, so that a sender finds it again; every tenth alert starts a run.
burst_config() {
    cat >"$state/cordon.lua" <<LUA
return {
  playbooks = { "$work/playbooks" },
  serve = { ingress = { listen = "$1", cert = "$work/cordon.pem", key = "$work/cordon.key" } },
  sources = { burst = { kind = "generic", auth = { hmac = { "hmac-before" } }, rate = 100000 } },
}
LUA
}
begin_burst() { # begin_burst [once | same [COUNT]]: starts client
    stop_daemon
    rm -rf "$state"/journal.db*
    burst_config 127.0.0.1:0
    start_daemon || return 1
    burst_config "${ingress#https://}"
    stop_daemon
    start_daemon || return 1
    : >"$work/acked"
    python3 "$here/burst.py" "${ingress#https://}" "$work/cordon.pem" "$state/secrets/hmac-before" "${2:-$BURST}" 16 "$work/acked" ${1:+"$1"} &
    client=$!
    await test -s "$work/acked"
}
kill_daemon() {
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
}
# The front by its number, once there is one: it is started anew after each kill.
kill_front() {
    local pid
    for _ in $(seq 3000); do
        pid=$(pgrep -P "$daemon" -f -- '--internal-front$') && kill -KILL "$pid" 2>/dev/null && return
        sleep 0.02
    done
    return 1
}
in_journal() { sqlite3 -readonly "$state/journal.db" "$1"; }
survives_kills() {
    local kills=0 fronts=0 told taken twice runs
    RANDOM=$BURST_SEED
    begin_burst || return 1
    while kill -0 "$client" 2>/dev/null && ((kills + fronts < 8)); do
        sleep "0.$((RANDOM % 6 + 1))"
        if (((kills + fronts) % 2)); then
            kill_front && ((++fronts))
        else
            kill_daemon
            ((++kills))
            start_daemon || return 1
        fi
    done
    wait "$client" || return 1
    for _ in $(seq 600); do
        [[ $(timeout 30 "$CORDON" alerts --json --limit 1 --state "$state" | jq -r '.alerts[0].state') == routed ]] && break
        sleep 0.1
    done
    stop_daemon
    told=$(sort -nu "$work/acked" | wc -l)
    taken=$(in_journal "select count(*) from entries where kind = 10")
    twice=$(in_journal "select count(*) from entries where kind = 10 and json_extract(body, '\$.count') <> 1")
    runs=$(in_journal "select count(*) from entries where kind = 1")
    echo "# seed $BURST_SEED: $BURST alerts, $kills kills of the daemon and $fronts of its front: $told acknowledged, $taken there, $twice taken twice, $runs runs"
    ((kills >= 2 && fronts >= 2 && kills + fronts >= 5 && told == BURST && taken == BURST && twice == 0 && runs == BURST / 10))
}
counts_a_thousand() {
    begin_burst same 1000 && wait "$client" || return 1
    for _ in $(seq 600); do
        timeout 30 "$CORDON" alerts --json --state "$state" >"$work/seen"
        jq -e '.alerts[0].count == 1000' "$work/seen" >/dev/null && break
        sleep 0.1
    done
    is '1 1000 1' "$(jq -r '"\(.alerts | length) \(.alerts[0].count) \(.alerts[0].runs | length)"' "$work/seen")" &&
        is 1 "$(timeout 30 "$CORDON" runs --json --state "$state" | jq '.runs | length')"
}
keeps_acknowledged() { # and never sent again
    local missing
    begin_burst once || return 1
    sleep 0.2
    kill_daemon
    wait "$client"
    start_daemon || return 1
    stop_daemon
    in_journal "select json_extract(body, '\$.id') from events where kind = 26" | sed 's/^msg-//' | sort >"$work/there"
    missing=$(sort "$work/acked" | comm -23 - "$work/there" | wc -l)
    echo "# $(wc -l <"$work/acked") acknowledged over HTTPS before it was killed, $missing of them missing"
    [[ -s $work/acked && $missing == 0 ]]
}
wants_proof() {
    sed -i 's/auth = { hmac = { "hmac-other" } }/auth = {}/' "$state/cordon.lua"
    ! start_daemon && grep -q "sources.signed2" "$work/err" && grep -q "anybody could start runs" "$work/err"
}

tell "a delivery signed as Standard Webhooks is taken" takes_signed
tell "a source's other key is taken too" takes_old_key
tell "the same delivery again is acknowledged, and taken once" replays
tell "without signature, with another key, another time or another byte it is refused" refuses_hmac
tell "whoever is refused cannot tell a wrong proof from a source that is not there" hides_why
tell "a bearer is taken, also the one before it" takes_bearer
tell "no bearer, a wrong one, in the address, or another scheme is refused" refuses_bearer
tell "a client certificate with the right name is taken" takes_certificate
tell "no certificate, or a stranger's, is refused" refuses_certificate
tell "Graph's validation token is echoed as plain text" greets_graph
tell "Graph's notifications are taken with their clientState" takes_graph
tell "another clientState, or none, is refused" refuses_graph
tell "a JWT of the issuer is taken" takes_jwt
tell "a JWT with another claim, another key, no signature or one byte more is refused" refuses_jwt
tell "an issuer's keys are fetched over https, once, whatever unknown keys are named" fetches_keys
tell "what comes while they are fetched waits, and is answered" waits_for_keys
tell "an issuer that does not answer is asked again after a pause, and then its tokens are taken" pauses_after_failure
tell "a key server whose certificate is another's is not asked" distrusts_other_ca
tell "Event Grid's validation is answered when it is proven" greets_grid
tell "CloudEvents' OPTIONS is answered for origins that are named" greets_events
tell "CloudEvents are taken structured, as a batch and binary" takes_events
tell "another content type is refused" refuses_types
tell "what is no JSON is refused, and kept" refuses_json
tell "text that JSON cannot hold is replaced and noted, and the alert is taken" mends_text
tell "a body with a Content-Encoding is refused with 415" refuses_codings
tell "what is too large is refused before it is read" refuses_large
tell "other methods and paths are refused" refuses_methods
tell "the console and the API are not on this listener" is_not_the_console
tell "a source that sends too fast is told when to come again" limits_rate
tell "floods without a proof and of handshakes leave the budget of deliveries as it is" charges_who_is_proven
tell "the same alert in three deliveries starts one run" starts_once
unchanged_all() { refuses_hmac && refuses_bearer && refuses_jwt && refuses_graph && refuses_json; }
none_starts() { unchanged unchanged_all; }
tell "nothing of what was refused is an alert" none_starts
matrix
tell "what was kept and not read, and what was refused, is listed with the reason" lists_unread
tell "refusals are logged with the key that would take what came, each source its own, without secrets" logs_refusals
tell "a source without a proof does not start" wants_proof
tell "the same alert in a thousand deliveries on sixteen connections starts one run and counts a thousand" counts_a_thousand
tell "daemon and front are killed in the middle of a burst: all acknowledged are there, none twice" survives_kills
tell "what was acknowledged before the kill, and never sent again, is in the journal" keeps_acknowledged
summary
