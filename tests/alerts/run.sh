#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Alerts inside: counted, routed, held by storms, explained; and none lost or taken twice when
# the engine is killed in the middle of a burst.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"

BURST=10000
case ${SAN:-} in
'') ;;
*) BURST=2000 ;; # each ask costs several times as much
esac

mkdir -m 700 "$state"
mkdir "$work/playbooks"
cp "$TESTS/../playbooks/policy.lua" "$state/"
mkdir "$work/effects"
cat >"$state/cordon.lua" <<LUA
return { playbooks = { "$work/playbooks" }, routes = "routes.lua", plugins = { noop = { config = { dir = "$work/effects" }, paths = { "$work/effects:rw" } } } }
LUA
"$CORDON" plugins trust "$FIXTURES/noop.so" --state "$state" >/dev/null
wait_ended
cat >"$work/playbooks/sets.lua" <<'LUA'
local noop = use "noop"
return playbook {
  name = "sets", summary = "A change, that only routes start", params = { target = { "string", "what" } },
  run = function(p) noop.set { target = p.target, value = "contained" } end,
}
LUA
cat >"$work/playbooks/note.lua" <<'LUA'
return playbook {
  name = "note", summary = "Take a note of it",
  params = { what = { "string", "what happened" } },
  on_alert = { when = { severity = "medium+" }, params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.note(p.what) end,
}
LUA
cat >"$work/playbooks/watch.lua" <<'LUA'
return playbook {
  name = "watch", summary = "Take a note of each host, and hear what becomes of the alert",
  params = { hosts = { "list of string", "which" }, site = { "string", "where", default = "none" } },
  on_alert = { when = { severity = "medium+", type = "Grow_*" }, params = function(alert)
    return { hosts = alert.entities.hosts, site = alert.resource "Microsoft.Web/sites" }
  end },
  run = function(p, ctx)
    ctx.note(table.concat(p.hosts, " ") .. " at " .. p.site)
    local gained = ctx.signal("alert_changed", { within = "1h" })
    ctx.note("gained " .. table.concat(gained.hosts or {}, " "))
  end,
}
LUA
cat >"$work/playbooks/drill.lua" <<'LUA'
local noop = use "noop"
return playbook {
  name = "drill", summary = "A change that samples start only on demand", params = { target = { "string", "what" } },
  on_alert = { when = { type = "Sample_*" }, params = function(alert) return { target = "sample-" .. alert.id } end },
  run = function(p) noop.set { target = p.target, value = "contained" } end,
}
LUA
cat >"$work/playbooks/site.lua" <<'LUA'
return playbook {
  name = "site", summary = "One run for each site that is attacked", params = { site = { "string", "which" } },
  on_alert = { when = { source = "defender-for-cloud", severity = "medium+" }, params = function(alert)
    return { site = alert.resource "microsoft.web/SITES" }
  end },
  run = function(p, ctx) ctx.note(p.site) end,
}
LUA
cat >"$work/playbooks/spin.lua" <<'LUA'
return playbook {
  name = "spin", summary = "Computes for ever, where the alert wants that", params = { how = { "string", "how" } },
  on_alert = { when = { type = "Spin_*" }, params = function(alert) return { how = alert.title } end },
  run = function(p, ctx) while p.how == "for ever" do end ctx.note(p.how) end,
}
LUA
cat >"$work/playbooks/page.lua" <<'LUA'
return playbook {
  name = "page", summary = "Another, that only routes start",
  params = { text = { "string", "what" }, first = { "string", "of what", default = "nothing" } },
  run = function(p, ctx) ctx.note(p.text .. " " .. p.first) end,
}
LUA
cat >"$state/routes.lua" <<'LUA'
return {
  { name = "noise", match = { title = "*noise*" }, mode = "ignore" },
  { name = "dry", match = { type = "Dry_*" }, mode = "shadow", playbook = "sets", params = { target = "$alert.resources.1" } },
  { name = "drills", match = { type = "Drill_*" }, mode = "shadow" },
  { name = "paged", match = { type = "Page_*", severity = "high" }, playbook = "page",
    params = { text = "called", first = "$alert.resources.1" } },
  { name = "canary", match = { type = "Canary_*", simulated = true }, playbook = "page", params = { text = "canary" } },
  { name = "by name", match = { source = "generic", title = "*by the source*" }, playbook = "page",
    params = { text = "at", first = "$alert.resource:Microsoft.Web/sites" } },
  { name = "lifted", match = { type = "Lift_*", status = "resolved" }, playbook = "page", params = { text = "lifted" } },
  { name = "once a minute", match = { type = "Once_*" }, storm = { once_within = "1m", by = { "type" } } },
  { name = "after a second", match = { type = "Late_*" }, storm = { once_after = "1s", by = { "type" } } },
  { name = "three of them", match = { type = "Many_*" },
    storm = { accumulate_within = "1m", threshold = 3, by = { "type" } } },
LUA
for i in $(seq 12); do
    echo "  { name = \"dozen $i\", match = { type = \"Dozen_*\" }, mode = \"shadow\", playbook = \"sets\", params = { target = \"/things/$i\" } }," >>"$state/routes.lua"
done
echo "}" >>"$state/routes.lua"

start_engine() {
    : >"$work/out" # the next wait must not find what an earlier process printed
    "$CORDON" engine --state "$state" >"$work/out" 2>"$work/err" &
    daemon=$!
    await_from "$daemon" grep -q 'is ready' "$work/out"
}

# Without its routes the tests below would wait, each to its end, for runs that cannot come.
routes_are_read() { ! grep 'routes.lua' "$work/err" | sed 's/^/# /' | grep .; }

cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }

send() { # send ID TITLE TYPE SEVERITY [MORE]
    echo "{\"id\":\"$1\",\"title\":\"$2\",\"type\":\"$3\",\"severity\":\"$4\"${5:-}}" >"$work/alert.json"
    cordon hook send generic "$work/alert.json" >/dev/null
}

field() { cordon alerts --json --limit 500 | jq -r --arg id "$1" ".alerts[] | select(.id == \$id) | $2"; }

until_is() { # until_is WANTED ID FIELD
    local was
    for _ in $(seq 1200); do
        was=$(field "$2" "$3")
        [[ $was == "$1" ]] && return
        sleep 0.05
    done
    echo "# $2 $3: was $was, wanted $1"
    return 1
}

explained() { cordon explain "$(field "$1" .alert)"; }

starts_one_run() {
    send one "a thing" Thing_One high && until_is 1 one '.runs | length' && send one "a thing" Thing_One high ',"link":"x"' &&
        until_is 2 one .count && [[ $(field one '.runs | length') == 1 ]]
}
# The process that looks at the alert is stopped, so that it has not answered when it is killed.
outlives_its_process() {
    local vms
    send warm "it starts the process" Thing_Warm high && until_is 1 warm '.runs | length' || return 1
    mapfile -t vms < <(pgrep -P "$daemon" -f '^cordon: vm note --internal-vm$')
    ((${#vms[@]} == 1)) && kill -STOP "${vms[0]}" && send killed "a thing" Thing_Killed high && await has_one killed || return 1
    [[ $(field killed .state) != routed ]] || { echo "# it was answered before"; return 1; }
    kill -KILL "${vms[0]}"
    until_is 1 killed '.runs | length'
}
has_one() { [[ -n $(field "$1" .alert) ]]; }
ended() { ! pgrep -P "$daemon" -f "$1" >/dev/null; }
outlives_its_reader() { # the adapter's process is killed while it is at a delivery
    local reader
    send reader "it starts the process" Thing_Reader low && mapfile -t reader < <(pgrep -P "$daemon" -f '^cordon: adapter --')
    ((${#reader[@]} == 1)) && kill -STOP "${reader[0]}" && send unread "a thing" Thing_Unread high || return 1
    kill -KILL "${reader[0]}"
    until_is 1 unread '.runs | length'
}
# A check's process is killed while it reads; often it is, since it may have answered before.
outlives_its_check() {
    local client reader kills=0
    {
        echo 'local n = 0 for i = 1, 3000000 do n = n + i end'
        cat "$work/playbooks/drill.lua"
    } >"$work/slow.lua"
    for _ in $(seq 10); do
        cordon check "$work/slow.lua" >"$work/out" 2>&1 &
        client=$!
        until reader=$(pgrep -P "$daemon" -f '^cordon: check ') || ! kill -0 "$client" 2>/dev/null; do :; done
        kill -KILL "$reader" 2>/dev/null && ((++kills))
        wait "$client" || { sed 's/^/# /' "$work/out"; return 1; }
    done
    ((kills > 0))
}
# As many descriptors as it has, and one for the caller: none for a process.
outlives_a_lack() {
    local had said
    pkill -KILL -P "$daemon" -f '^cordon: (adapter|vm) '
    await ended '^cordon: (adapter|vm) ' || return 1
    sleep 0.2 # the engine has closed what it had of them
    had=$(prlimit --pid "$daemon" --nofile --noheadings --output SOFT)
    prlimit --pid "$daemon" --nofile="$(($(find "/proc/$daemon/fd" -mindepth 1 | wc -l) + 1)):"
    send lacking "a thing" Thing_Lacking high && await grep -q "process: .*Too many open files; it is tried again" "$work/err"
    said=$?
    prlimit --pid "$daemon" --nofile="$had:"
    ((said == 0)) && until_is 1 lacking '.runs | length'
}
outlives_kills() { # of its plugin's process, by somebody else's hand
    local i
    for i in 1 2 3; do
        cordon plan "$work/playbooks/drill.lua" --param target="kill-$i" >/dev/null || return 1
        pkill -KILL -P "$daemon" -f '^cordon: host noop ' && await ended '^cordon: host noop ' || return 1
    done
    cordon plan "$work/playbooks/drill.lua" --param target=kill-4 >/dev/null || { cordon plugins | sed 's/^/# /'; return 1; }
}
outlives_others() { # what another run of its process does is not its fault
    send ever "for ever" Spin_Ever low && until_is 1 ever '.runs | length' && send behind "soon over" Spin_Behind low &&
        until_is 1 behind '.runs | length'
}
says_why() {
    explained one | grep -q "+ note: .* started r-" && send low "small" Thing_One low && until_is routed low .state &&
        explained low | grep -q -- "- note: severity low, want medium+" && [[ $(field low '.runs | length') == 0 ]]
}
# The processes that read Lua are stopped. Those go on, newest first, that it takes to read the delivery; a
# playbook's that is still stopped has not answered.
says_that_it_looks() {
    local vms said
    mapfile -t vms < <(pgrep -P "$daemon" -f '^cordon: vm ')
    ((${#vms[@]} > 0)) && kill -STOP "${vms[@]}" && send slow "a slow thing" Thing_Slow high && await has_one slow
    said=$(explained slow 2>/dev/null)
    kill -CONT "${vms[@]}"
    grep -q "still being looked at" <<<"$said" && grep -q ", 1 time, last" <<<"$said" && until_is 1 slow '.runs | length'
}
raises() {
    send low "small" Thing_One high ',"link":"y"' && until_is high low .severity && until_is 1 low '.runs | length'
}
ignores() { send n1 "some noise" Thing high && until_is routed n1 .state && [[ $(field n1 '.runs | length') == 0 ]] && explained n1 | grep -q "are ignored"; }
shadows() { send d1 drill Drill_One high && until_is routed d1 .state && [[ $(field d1 '.runs | length') == 0 ]] && explained d1 | grep -q 'in shadow by route "drills": nothing was started'; }
plan_of() { # plan_of ALERT: its first plan, when it is there
    local i
    for _ in $(seq 1200); do
        cordon explain "$(field "$1" .alert)" --json >"$work/explained" && jq -e '.plans | length > 0' "$work/explained" >/dev/null && return
        sleep 0.05
    done
    return 1
}
until_plans() { # until_plans N ALERT: then no more come
    local i
    for _ in $(seq 1200); do
        [[ $(cordon explain "$(field "$2" .alert)" --json | jq '.plans | length') == "$1" ]] && return
        sleep 0.05
    done
    return 1
}
plans_in_shadow() {
    local before
    before=$(find "$work/effects" -type f | wc -l)
    send d2 change Dry_One high ',"resources":["/things/dry"]' && plan_of d2 || return 1
    jq -e '.plans[0] | .playbook == "sets" and (.plan.changes | length) == 1 and .plan.changes[0].action == "noop.set"
        and .plan.changes[0].after.value == "contained" and .plan.state == "done" and .plan.error == null' "$work/explained" >/dev/null &&
        jq -e '[.routing[].decisions[] | select(.playbook == "sets")] | length == 1 and .[0].planned and .[0].shadow == "dry" and (.[0] | has("run") | not)' "$work/explained" >/dev/null &&
        explained d2 | grep -A4 "What sets would have changed" | grep -q "/things/dry" &&
        [[ $(find "$work/effects" -type f | wc -l) == "$before" && $(cordon runs --json | jq '[.runs[] | select(.playbook == "sets")] | length') == 0 ]]
}
plans_no_more_than_it_can() {
    send d3 change Dozen_One high ',"resources":["/things/dozen"]' && until_is routed d3 .state
    cordon explain "$(field d3 .alert)" --json | jq -c '[.routing[].decisions[] | select(.playbook == "sets").planned] | group_by(.) | map([.[0], length])' >"$work/planned"
    [[ $(cat "$work/planned") == '[[false,4],[true,8]]' ]] && explained d3 | grep -q "too much is being planned" &&
        plan_of d3 && until_plans 8 d3
}
routes() {
    send p1 call Page_One high ',"resources":["/subscriptions/s/resourceGroups/g"]' && until_is 2 p1 '.runs | length' &&
        explained p1 | grep -q 'page: route "paged"' && cordon show "$(field p1 '.runs[0]')" --json | grep -q "resourceGroups/g"
}
names_missing() {
    send p2 call Page_Two high && until_is 2 p2 '.runs | length' && cordon show "$(field p2 '.runs[0]')" --json | grep -q "called nothing"
}
once_within() {
    local i
    for i in 1 2 3; do send "o$i" "once $i" Once_A high; done
    send o4 "once 4" Once_B high
    until_is routed o4 .state && [[ $(field o1 '.runs | length')$(field o2 '.runs | length')$(field o3 '.runs | length')$(field o4 '.runs | length') == 1001 ]] &&
        explained o3 | grep -q "held by its storm, number 3"
}
once_after() {
    send l1 late Late_A high && send l2 late Late_A high && until_is 0 l1 '.runs | length' && until_is 1 l1 '.runs | length' &&
        [[ $(field l2 '.runs | length') == 0 ]]
}
accumulates() {
    send m1 many Many_A high && send m2 many Many_A high && until_is routed m2 .state && [[ $(field m2 '.runs | length') == 0 ]] &&
        send m3 many Many_A high && until_is 1 m3 '.runs | length' && send m4 many Many_A high && until_is routed m4 .state &&
        [[ $(field m4 '.runs | length') == 0 ]]
}
outlives_restarts() {
    kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    start_engine && send o5 "once 5" Once_A high && until_is routed o5 .state && [[ $(field o5 '.runs | length') == 0 ]] &&
        explained o5 | grep -q "held by its storm, number 4"
}
# An alert that gains something: once for a playbook that has a use for it.
first_host=',"entities":{"hosts":["h1"]},"resources":["/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverFarms/p","/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/w"]'
notes_of() { cordon show "$1" --json | jq -r '[.. | objects | .text? // .note? // empty] | join(";")'; }
runs_of() { cordon runs --json --limit 500 | jq -r --arg p "$1" '[.runs[] | select(.playbook == $p)] | length'; }
gains() {
    send w1 grows Grow_A high "$first_host" && until_is 2 w1 '.runs | length' &&
        send w1 grows Grow_A high ',"entities":{"hosts":["h1","h2"]}' && until_is 3 w1 '.runs | length' &&
        cordon show "$(field w1 '.runs[0]')" --json >"$work/first" && cordon show "$(field w1 '.runs[1]')" --json >>"$work/first" &&
        grep -q 'gained h2' "$work/first" && cordon show "$(field w1 '.runs[2]')" --json | grep -q 'h2 at /subscriptions' &&
        cordon explain "$(field w1 .alert)" --json | jq -e '.changes == [.changes[0]] and .changes[0].new == {"hosts":["h2"]}' >/dev/null &&
        explained w1 | grep -q 'changed .*h2'
}
gains_nothing() { send w1 grows Grow_A high ',"entities":{"hosts":["H2","h1"]}' && until_is 3 w1 .count && [[ $(field w1 '.runs | length') == 3 ]]; }
gains_while_killed() {
    send w2 "grows again" Grow_B high "$first_host" && until_is 2 w2 '.runs | length' &&
        send w2 "grows again" Grow_B high ',"entities":{"hosts":["h3"]}' && kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    start_engine && until_is 3 w2 '.runs | length' && send w2 "grows again" Grow_B high ',"entities":{"hosts":["h3"]},"link":"w"' &&
        until_is 3 w2 .count && [[ $(field w2 '.runs | length') == 3 ]]
}
is_simulated() {
    local before
    before=$(find "$work/effects" -type f | wc -l)
    send s1 sample Sample_A low ',"simulated":true' && plan_of s1 && explained s1 | grep -q 'drill: .*the alert is simulated: nothing was started' &&
        [[ $(field s1 '.runs | length') == 0 && $(find "$work/effects" -type f | wc -l) == "$before" ]] &&
        send s2 sample Canary_A low ',"simulated":true' && until_is 1 s2 '.runs | length' && explained s2 | grep -q 'page: route "canary"' &&
        send s3 sample Canary_A low && until_is routed s3 .state && [[ $(field s3 '.runs | length') == 0 ]] &&
        send s1 real Sample_A low && sleep 0 && [[ $(cordon alerts --json --limit 500 | jq '[.alerts[] | select(.id == "s1")] | length') == 2 ]]
}
is_judged() {
    local n=0 word
    for word in dismissed Closed FalsePositive benign-positive redirected expected; do
        send "j$((++n))" judged Thing_Judged high ",\"status\":\"$word\"" && until_is routed "j$n" .state &&
            [[ $(field "j$n" '.runs | length')$(field "j$n" .over) == 0true ]] || return 1
    done
}
by_source_name() {
    send y1 "named by the source" Thing_Y low "$first_host" && until_is 1 y1 '.runs | length' &&
        cordon show "$(field y1 '.runs[0]')" --json | grep -q 'at /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/w'
}
gains_while_over() {
    send w5 "ends and grows" Grow_C high "$first_host" && until_is 2 w5 '.runs | length' &&
        send w5 "ends and grows" Grow_C high ',"status":"resolved","entities":{"hosts":["h1","h5"]}' && until_is true w5 .over &&
        until_is routed w5 .state && [[ $(field w5 '.runs | length') == 2 ]] && kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    start_engine && send w5 "ends and grows" Grow_C high "$first_host,\"link\":\"b\"" && until_is 3 w5 '.runs | length' &&
        cordon show "$(field w5 '.runs[2]')" --json | grep -q 'h5 at /subscriptions'
}
raised_at_once() { # the second comes while the first is looked at, or just behind
    send r9 rises Thing_R low && send r9 rises Thing_R high && until_is 1 r9 '.runs | length'
}
# The same attack by three feeds, in each order: one alert, one run of each playbook.
feed_id() { printf '2518%015d_5c1d7f00-0000-4000-8000-%012d' "$1" "$1"; }
site_id=/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/w
defender() { echo "{\"SystemAlertId\":\"$(feed_id "$1")\",\"AlertType\":\"AppServices_X\",\"AlertDisplayName\":\"fed $1\",\"Severity\":\"High\",\"AzureResourceId\":\"$site_id$1\",\"Entities\":[{\"Type\":\"ip\",\"Address\":\"203.0.113.$1\"}]}"; }
graph() { echo "{\"@odata.type\":\"#microsoft.graph.security.alert\",\"id\":\"dc-$1\",\"title\":\"fed $1\",\"severity\":\"high\",\"serviceSource\":\"microsoftDefenderForCloud\",\"providerAlertId\":\"$(feed_id "$1")\",\"evidence\":[{\"@odata.type\":\"#microsoft.graph.security.azureResourceEvidence\",\"resourceId\":\"$site_id$1\"},{\"@odata.type\":\"#microsoft.graph.security.userEvidence\",\"userAccount\":{\"userPrincipalName\":\"eve@shop.example\"}}]}"; }
sentinel() { echo "{\"object\":{\"name\":\"i-$1\",\"type\":\"Microsoft.SecurityInsights/Incidents\",\"properties\":{\"title\":\"fed $1\",\"severity\":\"High\",\"status\":\"New\",\"alerts\":[{\"properties\":{\"systemAlertId\":\"$(feed_id "$1")\",\"resourceIdentifiers\":[{\"azureResourceId\":\"$site_id$1\"}]}}]}}}"; }
# The product's alert starts the playbook, and so an incident alone does not.
is_one_attack() {
    local n=0 order kind
    for order in "defender graph sentinel" "defender sentinel graph" "graph defender sentinel" "graph sentinel defender" "sentinel defender graph" "sentinel graph defender"; do
        : $((++n))
        for kind in $order; do
            "$kind" "$n" >"$work/fed.json"
            cordon hook send "$kind" "$work/fed.json" >/dev/null || return 1
        done
    done
    for _ in $(seq 200); do
        cordon alerts --json --limit 500 | jq -c '[.alerts[] | select(.title | test("^fed "))] | map([.count, (.runs | length)]) | sort' >"$work/fed"
        [[ $(cat "$work/fed") == '[[3,2],[3,2],[3,2],[3,2],[3,2],[3,2]]' ]] && return
        sleep 0.05
    done
    return 1
}
ignores_resolved() {
    send x1 over Thing_Over high ',"status":"resolved"' && until_is routed x1 .state && [[ $(field x1 '.runs | length') == 0 ]] &&
        explained x1 | grep -q -- '- note: it is over (status resolved)' && explained x1 | grep -q 'another status'
}
stays_over() { # Graph says that it is resolved, and the product's own message comes late, twice
    graph 97 | jq -c '.status = "resolved" | .title = "told late"' >"$work/fed.json" && cordon hook send graph "$work/fed.json" >/dev/null || return 1
    for i in 1 2; do
        defender 97 | jq -c --arg i "$i" '.AlertDisplayName = "told late" | .Link = $i' >"$work/fed.json" && cordon hook send defender-for-cloud "$work/fed.json" >/dev/null || return 1
    done
    for _ in $(seq 200); do
        cordon alerts --json --limit 500 | jq -c '.alerts[] | select(.title == "told late") | [.count, .over, (.runs | length)]' >"$work/late"
        [[ $(cat "$work/late") == '[3,true,0]' ]] && return
        sleep 0.05
    done
    return 1
}
comes_back() { send x1 over Thing_Over high && until_is 1 x1 '.runs | length'; }
hears_resolved() {
    send x2 later Thing_Later low && until_is routed x2 .state &&
        send x2 later Thing_Later low ',"status":"resolved"' && until_is resolved x2 .status && [[ $(field x2 '.runs | length') == 0 ]]
}
asks_for_resolved() {
    send x3 over Lift_Me high ',"status":"resolved"' && until_is 1 x3 '.runs | length' && explained x3 | grep -q 'page: route "lifted"' &&
        send x4 "first it is on" Lift_Me high && until_is 1 x4 '.runs | length' && send x4 "first it is on" Lift_Me high ',"status":"resolved"' &&
        until_is 2 x4 '.runs | length' && send x4 "first it is on" Lift_Me high ',"status":"resolved","link":"z"' && until_is 3 x4 .count &&
        [[ $(field x4 '.runs | length') == 2 ]]
}
is_thousand() {
    local i
    for i in $(seq 1000); do printf '{"source":"generic","delivery":"t-%s","text":"{\\"id\\":\\"thousand\\",\\"title\\":\\"the same\\",\\"type\\":\\"Same\\",\\"severity\\":\\"high\\"}"}\n' "$i"; done >"$work/asks"
    python3 "$here/asks.py" "$state/cordon.sock" deliver "$work/asks" && until_is 1000 thousand .count && until_is 1 thousand '.runs | length'
}
tests_only() {
    local before after
    before=$(cordon alerts --json)
    echo '{"id":"try","title":"what if","type":"Page_Now","severity":"high"}' >"$work/try.json"
    cordon hook test generic "$work/try.json" >"$work/tried" && after=$(cordon alerts --json) && [[ $before == "$after" ]] &&
        grep -q '+ page: route "paged"' "$work/tried" && grep -q '"text":"called"' "$work/tried"
}
keeps_unreadable() {
    echo '{"nothing":"known"}' >"$work/odd.json"
    cordon hook send azure-monitor "$work/odd.json" >/dev/null && cordon hook test azure-monitor "$work/odd.json" >/dev/null 2>"$work/why"
    [[ $? == 2 && -s $work/why ]]
}
takes_the_others() { # of a batch of three the middle one has no severity that is known
    printf '[{"id":"part-1","title":"one","type":"T","severity":"high"},{"id":"part-2","title":"two","severity":"purple"},{"id":"part-3","title":"three","severity":"high"}]' >"$work/part.json"
    cordon hook test generic "$work/part.json" | grep -q '^not read: .*alert 2 of 3.*purple' && cordon hook send generic "$work/part.json" >/dev/null &&
        until_is 1 part-1 '.runs | length' && until_is 1 part-3 '.runs | length' &&
        cordon alerts --unreadable --json | jq -e '.unreadable[0].why | test("in part only: alert 2 of 3: .*purple")' >/dev/null
}
# Whoever brings it: a plan, and no effect; but for the playbook that waits for one.
is_simulated_by_hand() {
    local before forms n=0
    before=$(find "$work/effects" -type f | wc -l)
    forms=('{"id":"h1","title":"t","type":"Sample_A","severity":"high","simulated":true}'
        '{"SystemAlertId":"h-2","AlertType":"Sample_B","AlertDisplayName":"[SAMPLE ALERT] t","Description":"THIS IS A SAMPLE ALERT: x","AlertSeverity":"High","ProviderName":"AlertSimulator"}'
        '{"id":"/subscriptions/0f1e2d3c-4b5a-4697-8a8b-9c0d1e2f3a4b/providers/Microsoft.Security/locations/x/alerts/h3","type":"Microsoft.Security/Locations/alerts","name":"h3","properties":{"alertType":"Sample_C","alertDisplayName":"[SAMPLE ALERT] t","severity":"High","systemAlertId":"h3"}}')
    for one in "${forms[@]}"; do
        echo "$one" >"$work/sample.json"
        cordon run "$work/playbooks/drill.lua" --alert "$work/sample.json" >"$work/sampled" 2>&1 || return 1
        grep -q 'the alert is simulated' "$work/sampled" && grep -q '1 change would be made.*nothing was changed' "$work/sampled" || return 1
        cordon run "$work/playbooks/drill.lua" --alert - --detach <"$work/sample.json" >"$work/sampled" 2>&1 && grep -q 'nothing was changed' "$work/sampled" || return 1
    done
    cordon run "$work/playbooks/drill.lua" --alert "$work/sample.json" --force --param target=forced --json >"$work/sampled" &&
        jq -e '.changes[0].target == "forced"' "$work/sampled" >/dev/null &&
        [[ $(find "$work/effects" -type f | wc -l) == "$before" ]] || return 1
    sed 's/name = "drill"/name = "canary"/; s/type = "Sample_\*"/type = "Sample_*", simulated = true/' "$work/playbooks/drill.lua" >"$work/canary.lua"
    is_live "$work/canary.lua" && jq -c 'del(.simulated)' <<<"${forms[0]}" >"$work/sample.json" && is_live "$work/playbooks/drill.lua"
}
is_live() { # is_live PLAYBOOK: a run, which the policy's gate holds
    cordon run "$1" --alert "$work/sample.json" >"$work/sampled" 2>&1
    [[ $? == 3 ]] && ! grep -q 'is simulated' "$work/sampled" || return 1
    cordon cancel "$(grep -o 'r-[0-9]*' "$work/sampled" | head -n 1)" >/dev/null 2>&1 || true
}
# Bytes that are no JSON, from whom may bring them: kept as they came, and listed.
keeps_any_bytes() {
    local n=0 name bytes before
    before=$(cordon alerts --unreadable --json | jq .count)
    for bytes in '{"id":' 'plain words' '<alert/>' '' '{"a" "b"}' "'single'" 'id=1&x=2' '[1,2' '\xff\xfe\x00' 'PK\x03\x04zip' '\x1f\x8b\x08\x00gzip'; do
        printf '%b' "$bytes" >"$work/bytes"
        cordon hook send generic "$work/bytes" >/dev/null 2>"$work/why"
        [[ $? == 2 ]] || { echo "# $bytes: $(cat "$work/why")" && return 1; }
        name=$(grep -o 'kept as [^,]*' "$work/why") || return 1
        ((++n))
        await listed "${name#kept as }" || return 1
    done
    (($(cordon alerts --unreadable --json --limit 500 | jq .count) == before + n))
}
listed() { cordon alerts --unreadable --json --limit 500 | jq -e --arg d "$1" --argjson n "$(wc -c <"$work/bytes")" '.unreadable[] | select(.delivery == $d) | .bytes == $n' >/dev/null; }
# ps and top show what each program of the engine is, and for what.
names_its_programs() {
    local pid comm seen='' pids
    pids=$(pgrep -P "$daemon")
    for pid in $pids; do
        comm=$(cat "/proc/$pid/comm" 2>/dev/null) || continue # it has ended
        [[ $comm != exe && $comm != cordon && $(ps -o args= -p "$pid") == "cordon: "* ]] || { echo "# $pid is $comm: $(ps -o args= -p "$pid")" && return 1; }
        seen+=" $comm"
    done
    [[ $seen == *" host:noop"* && $seen == *" vm:"* && $seen == *" adapter"* ]] || { echo "# seen:$seen" && return 1; }
    [[ $(cat "/proc/$daemon/comm") == cordon ]]
}
refuses_garbage() {
    echo '{"a":1,"a":2}' >"$work/twice.json"
    cordon hook send generic "$work/twice.json" >/dev/null 2>"$work/why" &&
        printf '{"id":"tw","title":"t","type":"T","severity":"low","severity":"high"}' >"$work/twice.json" &&
        cordon hook test generic "$work/twice.json" --json | jq -e '.alerts[0].alert | .severity == "high" and (.notes[0] | test("\"severity\" is there again"))' >/dev/null &&
        printf '{"id":' >"$work/cut.json" || return 1
    cordon hook send generic "$work/cut.json" >/dev/null 2>"$work/why"
    [[ $? == 2 ]] && grep -q 'line 1, column 7' "$work/why"
}
# The next alert comes at once: it waits for what is being read.
routes_anew() {
    cp "$state/routes.lua" "$work/routes.before"
    sed -i 's/name = "noise", match = { title = "\*noise\*" }, mode = "ignore"/name = "louder", match = { title = "*noise*" }, playbook = "page", params = { text = "loud" }/' "$state/routes.lua"
    send n2 "more noise" Thing high && until_is 2 n2 '.runs | length' && explained n2 | grep -q 'page: route "louder"'
}
runs_new_version() {
    cp "$work/playbooks/note.lua" "$work/note.before"
    sed -i 's/what = alert.title/what = "of the new version: " .. alert.title/' "$work/playbooks/note.lua"
    send v1 "versions" Thing high && until_is 1 v1 '.runs | length' && cordon show "$(field v1 '.runs[0]')" --json | grep -q "of the new version: versions"
}
forgets_removed() {
    rm "$work/playbooks/note.lua"
    send v2 "gone" Thing high && until_is routed v2 .state && [[ $(field v2 '.runs | length') == 0 ]]
}
keeps_good_routes() {
    echo 'return { { name = "broken", match = { titel = "x" } } }' >"$state/routes.lua"
    send n3 "noise again" Thing high && until_is 1 n3 '.runs | length' && explained n3 | grep -q 'page: route "louder"' &&
        grep -q "routes.lua.*titel" "$work/err" && cp "$work/routes.before" "$state/routes.lua" && cp "$work/note.before" "$work/playbooks/note.lua"
}
rebuilds() {
    local before after
    before=$(cordon alerts --json --limit 500 | jq -S .)
    cordon doctor --rebuild >/dev/null && after=$(cordon alerts --json --limit 500 | jq -S .)
    diff <(echo "$before") <(echo "$after") | sed 's/^/# /'
    [[ $before == "$after" ]]
}
burst() {
    local kills=0 client told taken twice
    stop_daemon
    rm -rf "$state"/journal.db*
    start_engine || return 1
    : >"$work/acked"
    while :; do
        python3 "$here/burst.py" "$state/cordon.sock" 0 "$BURST" 32 "$work/acked" &
        client=$!
        sleep "0.$((RANDOM % 3 + 1))"
        if ((kills < 5)) && kill -0 "$client" 2>/dev/null; then
            kill -KILL "$daemon"
            wait "$daemon" 2>/dev/null
            wait "$client"
            ((++kills))
            start_engine || return 1
        elif wait "$client"; then
            break
        else
            return 1
        fi
    done
    for _ in $(seq 600); do
        [[ $(sqlite3 -readonly "$state/journal.db" "select count(*) from entries where kind = 10") == "$BURST" &&
            $(cordon alerts --json --limit 1 | jq -r '.alerts[0].state') == routed ]] && break
        sleep 0.1
    done
    stop_daemon
    told=$(sort -nu "$work/acked" | wc -l)
    taken=$(sqlite3 -readonly "$state/journal.db" "select count(*) from entries where kind = 10")
    twice=$(sqlite3 -readonly "$state/journal.db" "select count(*) from entries where kind = 10 and json_extract(body, '\$.count') <> 1")
    echo "# $BURST alerts, $kills kills: $told acknowledged, $taken there, $twice taken twice"
    ((kills > 0 && told == BURST && taken == BURST && twice == 0))
}
loses_nothing_acked() { # what was acknowledged before a kill, and never sent again, is there
    rm -rf "$state"/journal.db*
    start_engine || return 1
    : >"$work/acked"
    python3 "$here/burst.py" "$state/cordon.sock" 0 "$BURST" 32 "$work/acked" &
    local client=$! missing
    await test -s "$work/acked" || return 1
    sleep 0.1
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
    wait "$client"
    start_engine || return 1
    stop_daemon
    sqlite3 -readonly "$state/journal.db" "select json_extract(body, '\$.id') from events where kind = 26" | sed 's/^d-//' | sort >"$work/there"
    missing=$(sort "$work/acked" | comm -23 - "$work/there" | wc -l)
    echo "# $(wc -l <"$work/acked") acknowledged before it was killed, $missing of them missing"
    [[ -s $work/acked && $missing == 0 ]]
}

start_engine || exit 1
tell "every route of the file is accepted, also one that takes a resource by its type" routes_are_read
routes_are_read >"$work/out" || { summary; exit 1; }
tell "the same alert starts one run and is counted" starts_one_run
tell "explain says which playbook took it, and why another did not" says_why
tell "an alert starts its run although the process that looked at it was killed" outlives_its_process
tell "an alert starts its run although another run had its process killed" outlives_others
tell "an alert starts its run although the process that read it was killed" outlives_its_reader
tell "an alert that comes while no process can be started waits until one can" outlives_a_lack
tell "a check ends well although the process that reads the file is killed" outlives_its_check
tell "a plugin whose process is killed three times within a minute goes on after a pause" outlives_kills
tell "a severity that rises is kept, and may start what the lower one did not" raises
tell "what a route ignores starts nothing, and says so" ignores
tell "while it is being looked at it says so" says_that_it_looks
tell "in shadow nothing is started, and it says what would be" shadows
tell "in shadow the playbook is planned: what it would change is shown, and nothing is changed" plans_in_shadow
tell "no more is planned at once than there may be, and what is not says so" plans_no_more_than_it_can
tell "a route starts its playbook, with constants and parts of the alert" routes
tell "a part that the alert does not have leaves the playbook's default" names_missing
tell "once within a time: the first starts, the others are counted" once_within
tell "once after a time: the first starts when it is over" once_after
tell "so many within a time: the one that makes them full starts, once" accumulates
tell "a storm goes on after the engine was killed" outlives_restarts
tell "an alert that is resolved when it comes starts nothing, and says so" ignores_resolved
tell "an alert that gains something tells its runs, and starts one for what is new" gains
tell "an alert that gains nothing of use starts nothing more" gains_nothing
tell "what an alert gained before a kill is routed once" gains_while_killed
tell "a simulated alert is planned only, unless a route wants such alerts" is_simulated
tell "an alert that is judged or closed starts nothing, whatever the word" is_judged
tell "a route names the source as it is configured, and a resource by its type" by_source_name
tell "one attack by three feeds in any order is one alert and starts once" is_one_attack
tell "an alert that one feed has ended is not opened again by another feed" stays_over
tell "what an alert gained while it was over starts when it comes back" gains_while_over
tell "a severity that rises at once starts what the lower one did not" raised_at_once
tell "what was resolved and comes back starts what it would have started" comes_back
tell "an alert that started nothing and is resolved later still starts nothing" hears_resolved
tell "a route that asks for what is resolved gets it, once, and later too" asks_for_resolved
tell "the same alert a thousand times starts one run and counts a thousand" is_thousand
tell "a simulated alert that is brought by hand is planned only, but for a playbook that waits for one" is_simulated_by_hand
tell "each program has a name in ps" names_its_programs
tell "any bytes that are brought by hand are kept and listed" keeps_any_bytes
tell "hook test shows what would be started, and changes nothing" tests_only
tell "what its adapter cannot read is kept, and says why" keeps_unreadable
tell "one item that cannot be read leaves the others of its delivery, and is listed" takes_the_others
tell "of a key that is there twice the last is taken, and noted; what is no JSON is refused" refuses_garbage
tell "routes that have changed hold for the next alert" routes_anew
tell "a playbook that has changed holds for the next alert" runs_new_version
tell "a playbook that was taken away starts nothing more" forgets_removed
tell "routes with a mistake are told, and those before them stay in force" keeps_good_routes
tell "the index made again from rows is the same" rebuilds
tell "killed in the middle of a burst: all acknowledged are there, none twice" burst
tell "what was acknowledged before the kill is in the journal" loses_nothing_acked
summary
