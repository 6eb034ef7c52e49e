#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sources that are polled: each alert is taken once, whatever becomes of the engine, the plugin's
# host or the API meanwhile.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"

sub=33333333-3333-3333-3333-333333333333
trap 'close_daemon; shop_close' EXIT
mkdir -m 700 "$state"
mkdir "$work/playbooks"
jq '.options.page_size = 7' "$repo/plugins/azure/sim/worlds/shop.json" >"$work/world.json"
cat >"$work/playbooks/note.lua" <<'LUA'
return playbook {
  name = "note", summary = "Take a note of it",
  params = { what = { "string", "what happened" } },
  on_alert = { when = { severity = "medium+" }, params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.note(p.what) end,
}
LUA

# configure PULL: what stands in cordon.lua as pull, beside the simulator and the playbook.
configure() {
    cat >"$state/cordon.lua" <<LUA
return {
  plugins = { azure = { hosts = { "127.0.0.1/32" }, secrets = { "azure-client-secret" }, config = {
    tenant = "22222222-2222-2222-2222-222222222222", client_id = "11111111-1111-1111-1111-111111111111",
    credential = "client_secret", secret = "azure-client-secret",
    endpoints = { arm = "$sim_url", arm_audience = "https://management.azure.com", login = "$sim_url",
                  graph = "$sim_url", graph_audience = "https://graph.microsoft.com",
                  queues = { shopqueue = "$sim_url/_queue/shopqueue" } } } } },
  playbooks = { "$work/playbooks" },
  pull = $1,
}
LUA
}
all='{ cloud = { kind = "defender-for-cloud", subscription = "'$sub'", every = "1s", from = "365d" },
       graph = { kind = "graph-alerts", every = "1s", from = "365d" },
       cases = { kind = "graph-incidents", every = "1s", from = "365d" },
       queue = { kind = "storage-queue", account = "shopqueue", queue = "alerts", every = "1s" } }'

# The engine that a command has started ends shortly after it.
start_engine() {
    for _ in $(seq 600); do
        start_once && return
        grep -q 'is already working' "$work/err" || return 1
        sleep 0.1
    done
    return 1
}
start_once() {
    : >"$work/out" # the next wait must not find what an earlier process printed
    "$CORDON" engine --state "$state" >"$work/out" 2>"$work/err" &
    daemon=$!
    await_from "$daemon" grep -q 'is ready' "$work/out"
}
kill_engine() {
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
    daemon=
}
cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }
field() { cordon alerts --json --limit 500 | jq -r --arg id "$1" ".alerts[] | select(.id == \$id) | $2"; }
count() { cordon alerts --json --limit 500 | jq '.alerts | length'; }
until_is() { # until_is WANTED COMMAND...
    local was wanted=$1
    shift
    for _ in $(seq 1200); do
        was=$("$@")
        [[ $was == "$wanted" ]] && return
        sleep 0.05
    done
    echo "# $*: was $was, wanted $wanted"
    return 1
}
edit() { sim POST edit "{\"path\":\"$1\",\"patch\":$2}"; }
now() { date -u +%Y-%m-%dT%H:%M:%S.%NZ; }
# raise ID [SEVERITY] [STATUS]: Defender for Cloud has an alert.
raise() {
    edit "/subscriptions/$sub/providers/Microsoft.Security/locations/westeurope/alerts/$1" \
        "{\"properties\":{\"systemAlertId\":\"$1\",\"alertType\":\"T\",\"alertDisplayName\":\"n $1\",\"severity\":\"${2:-High}\",\"status\":\"${3:-Active}\",\"timeGeneratedUtc\":\"$(now)\"}}"
}
graph() { # graph PLACE ID MORE
    edit "/v1.0/security/$1/$2" "{\"lastUpdateDateTime\":\"$(now)\",\"createdDateTime\":\"$(now)\",\"severity\":\"high\",\"status\":\"active\"$3}"
}
graph_alert() { graph alerts_v2 "$1" ",\"title\":\"g $1\",\"serviceSource\":\"microsoftDefenderForCloud\""; }
put_message() { edit "/_queue/shopqueue/alerts/messages/$1" "{\"text\":\"$(base64 -w0 <<<"$2")\"}"; }
messages() { sim GET world | jq '.messages | length'; }
polls() { sim GET log | jq --arg path "$1" '[.[] | select(.path | startswith($path))] | length'; }
doctor() { cordon doctor --json | jq -r ".checks[] | select(.name == \"pull $1\") | $2"; }

takes_defender() {
    raise d1 && raise d2 Low && until_is 1 field d1 '.runs | length' && until_is routed field d2 .state &&
        [[ $(field d1 .source) == cloud && $(field d2 '.runs | length') == 0 ]]
}
takes_once() {
    local polled
    polled=$(polls "/subscriptions/$sub/providers/Microsoft.Security")
    for _ in $(seq 1200); do
        (($(polls "/subscriptions/$sub/providers/Microsoft.Security") >= polled + 2)) && break
        sleep 0.05
    done
    [[ $(field d1 .count) == 1 ]] || {
        echo "# counted $(field d1 .count)"
        return 1
    }
}
takes_changes() { raise d2 High && until_is high field d2 .severity && until_is 1 field d2 '.runs | length' && raise d2 High Resolved && until_is 3 field d2 .count; }
takes_pages() {
    local i
    for i in $(seq 30); do raise "p$i" Low || return 1; done
    until_is 32 count
}
takes_graph() {
    graph_alert g1 && until_is 1 field g1 .count && graph incidents 77 ',"displayName":"case","incidentWebUrl":"https://x.example"' &&
        until_is Incident field 77 .type
}
takes_queue() {
    put_message m1 '{"specversion":"1.0","id":"e1","source":"/s","type":"T","data":{"AlertType":"T","SystemAlertId":"q1","AlertDisplayName":"n","Severity":"High"}}'
    until_is queue field q1 .source && [[ $(field q1 .type) == T ]] && until_is 0 messages && [[ $(field q1 .count) == 1 ]]
}
keeps_odd_messages() {
    put_message m2 'no JSON at all' && put_message m3 '{"some":"thing"}' && until_is 0 messages && [[ -z $(field m2 .id) ]]
}
# An answer with a carriage return by number, a message that is no XML, and one in CDATA.
keeps_broken_messages() {
    local text='&quot;specversion&quot;:&quot;1.0&quot;,&quot;source&quot;:&quot;/s&quot;,&quot;type&quot;:&quot;T&quot;' list
    message() { printf '<QueueMessage><MessageId>%s</MessageId><PopReceipt>r</PopReceipt><MessageText>%s</MessageText></QueueMessage>' "$1" "$2"; }
    list="<QueueMessagesList>$(message b1 "{&#13;&#10;$text,&quot;id&quot;:&quot;x1&quot;,&quot;data&quot;:{&quot;AlertType&quot;:&quot;T&quot;,&quot;SystemAlertId&quot;:&quot;qx1&quot;,&quot;AlertDisplayName&quot;:&quot;n&quot;,&quot;Severity&quot;:&quot;High&quot;}}")$(message b2 'broken &#1; one')$(message b3 '<![CDATA[{"specversion":"1.0","source":"/s","type":"T","id":"x3","data":{"AlertType":"T","SystemAlertId":"qx3","AlertDisplayName":"n","Severity":"High"}}]]>')</QueueMessagesList>"
    sim POST faults "$(jq -n --arg list "$list" '{match: {method: "GET", path_contains: "/alerts/messages"}, fault: "answer", status: 200, times: 1, headers: {"Content-Type": "application/xml"}, body: $list}')" >/dev/null || return 1
    until_is queue field qx1 .source && until_is queue field qx3 .source &&
        until_is true has_unreadable 'broken .#1; one'
}
has_unreadable() { cordon alerts --unreadable --json | jq --arg head "$1" 'any(.unreadable[]; .head | test($head))'; }
fetches() {
    graph_alert named && until_is 1 field named .count && graph_alert g9 || return 1
    echo '{"value":[{"changeType":"updated","subscriptionId":"s","clientState":"c","resource":"security/alerts_v2/named","resourceData":{"id":"named"}}]}' >"$work/note.json"
    cordon hook send graph "$work/note.json" >/dev/null && until_is 2 field named .count &&
        cordon hook test graph "$work/note.json" >/dev/null 2>"$work/why"
    grep -q "only names what has changed (graph-alerts" "$work/why"
}
shows_lag() { [[ $(doctor cloud .ok) == true && $(doctor queue .text) == "asked with success "* ]]; }
stands_failures() {
    # Whoever may not read is told so at once; a service that is broken is asked again for a while.
    edit /_sim/identities/11111111-1111-1111-1111-111111111111 '{"deny":["SecurityAlert.*"]}'
    sim POST faults '{"fault":"500-before","match":{"path_contains":"incidents"},"times":-1}' || return 1
    graph_alert g2
    until_is false doctor graph .ok && [[ $(doctor graph .text) == *SecurityAlert.Read.All* ]] || return 1
    raise d3 && until_is 1 field d3 .count && [[ -z $(field g2 .id) && $(doctor cloud .ok) == true ]] || return 1
    sim DELETE faults
    edit /_sim/identities/11111111-1111-1111-1111-111111111111 '{"deny":[]}'
    until_is 1 field g2 .count && until_is true doctor graph .ok
}
goes_on_from_its_cursor() {
    until_is true doctor cloud .ok && kill_engine || return 1
    sim DELETE log && start_engine && raise d4 && until_is 1 field d4 .count || return 1
    # Graph is asked from shortly before the newest, and not from a year ago.
    sim GET log | jq -r '.[] | .path | select(startswith("/v1.0/security/alerts_v2"))' >"$work/asked"
    [[ -s $work/asked && $(field d1 .count) == 1 && $(field g1 .count) == 1 ]] &&
        ! grep -q "ge%20$(date -u -d '365 days ago' +%Y)" "$work/asked"
}
# Three of the four: a queue has none.
cursors() { sqlite3 -cmd '.timeout 10000' -readonly "$state/journal.db" "select run, n, state, last_seq from entries where kind = 13 order by run"; }
rebuilds() {
    local before after
    kill_engine
    before=$(cursors)
    cordon doctor --rebuild >/dev/null
    after=$(cursors)
    start_engine && [[ $(wc -l <<<"$before") == 3 && $before == "$after" ]]
}
# A message that was taken by an engine that was killed comes back only after a while.
messages_shown_again() {
    sim GET world | jq -r '.messages[].path' | while read -r path; do edit "$path" '{"visible_ms":0}'; done
    messages
}
killed_ones() { cordon alerts --json --limit 500 | jq '[.alerts[] | select(.id | startswith("k"))] | length'; }
loses_nothing() {
    local i round there
    for round in 1 2 3 4; do
        for i in $(seq 10); do
            raise "k$round-$i" Low && graph_alert "kg$round-$i" &&
                put_message "km$round-$i" "{\"id\":\"kq$round-$i\",\"title\":\"t\",\"severity\":\"low\"}" || return 1
        done
        sleep "0.$((RANDOM % 9 + 1))"
        kill_engine
        start_engine || return 1
    done
    until_is 0 messages_shown_again && until_is 120 killed_ones || return 1
    there=$(cordon alerts --json --limit 500 | jq '[.alerts[] | select(.id | startswith("k")) | select(.count != 1)] | length')
    [[ $there == 0 ]] || {
        cordon alerts --json --limit 500 | jq -c '.alerts[] | select(.id | startswith("k")) | select(.count != 1) | [.id, .count]' | sed 's/^/# /'
        return 1
    }
}
survives_its_host() {
    local pid children
    read -ra children <"/proc/$daemon/task/$daemon/children"
    for pid in "${children[@]}"; do
        ! grep -q internal-plugin-host "/proc/$pid/cmdline" || kill -KILL "$pid"
    done
    raise d5 && until_is 1 field d5 .count
}
refuses() { # refuses PULL WORDS
    configure "$1"
    if start_engine; then
        kill_engine
        echo "# it started with $1"
        return 1
    fi
    wait "$daemon"
    daemon=
    grep -qF -- "$2" "$work/err" "$work/out" || {
        sed 's/^/# /' "$work/err"
        return 1
    }
}
refuses_mistakes() {
    kill_engine
    refuses '{ x = { kind = "defender" } }' 'pull.x' && refuses '{ x = { kind = "defender-for-cloud" } }' 'pull.x: subscription: want' &&
        refuses '{ x = { kind = "graph-alerts", evry = "1m" } }' 'every' && refuses '{ x = { kind = "storage-queue", queue = "q" } }' 'pull.x: account and queue: want both' &&
        refuses '{ x = { kind = "graph-alerts", every = "10ms" } }' 'pull.x: every: want at least 1s' &&
        refuses '{ ["a b"] = { kind = "graph-alerts" } }' 'letters, digits' &&
        refuses '{ x = { kind = "graph-alerts" } }, sources = { x = { kind = "generic" } }' 'there is a source of that name'
}

begin() { shop_open "$work" --world "$work/world.json" && state_make "$state" >/dev/null && configure "$all" && start_engine; }
if ! begin; then
    cat "$work/err" "$work/azsim.err"
    exit 1
fi
tell "alerts of Defender for Cloud are taken, and start runs" takes_defender
tell "what was taken is not taken again by the polls that follow" takes_once
tell "an alert that changes is taken again, under its id" takes_changes
tell "more alerts than one page holds are all taken" takes_pages
tell "alerts and incidents of Graph are taken" takes_graph
tell "messages of a queue are taken, read as what lies in them, and deleted" takes_queue
tell "a message that is no XML is kept as unreadable, and the others beside it are read" keeps_broken_messages
tell "messages that nobody can read are kept here, and deleted there" keeps_odd_messages
tell "what a change notification names is fetched, and hook test only says so" fetches
tell "doctor shows how long ago each source was asked" shows_lag
tell "an API that fails holds up nothing else, and is taken from where it was" stands_failures
tell "after a crash each goes on from its cursor" goes_on_from_its_cursor
tell "cursors are made again from rows" rebuilds
tell "killed again and again: each alert is there, and none counted twice" loses_nothing
tell "a plugin's host that dies is started again" survives_its_host
tell "mistakes in the configuration are refused with what would be right" refuses_mistakes
summary
