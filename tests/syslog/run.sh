#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# People are told by syslog: what a real server (rsyslog) has received over UDP, TCP and TLS is
# read back field by field.
set -uo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
server=

close_all() {
    [[ -z $server ]] || { kill -KILL "$server" && wait "$server"; } 2>/dev/null
    close_daemon
}
trap close_all EXIT

mkdir -m 700 "$state"
make_cert cordon
make_cert other
udp=$(python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s#WORK#$work#; s#CERT#$work/cordon.pem#g; s#KEY#$work/cordon.key#; s#UDP#$udp#" "$here/rsyslog.conf" >"$work/rsyslog.conf"

start_server() { # where it listens is in $work/tcp and $work/tls
    rsyslogd -n -f "$work/rsyslog.conf" -i NONE >>"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 1200); do
        [[ -s $work/tcp && -s $work/tls ]] && return
        sleep 0.05
    done
    sed 's/^/# /' "$work/server.log"
    return 1
}
stop_server() {
    kill -TERM "$server" && wait "$server"
    server=
}
start_server
tcp=$(cat "$work/tcp") tls=$(cat "$work/tls")

cat >"$state/policy.lua" <<'LUA'
return { groups = { managers = { "manager-1" } }, self_approval = true,
         rules = { { name = "messages go ahead", match = { action = "notify.*" }, need = 0 } } }
LUA
channels='udp = { kind = "syslog", server = "udp://127.0.0.1:'$udp'", hostname = "cordon-1.example" },
  tcp = { kind = "syslog", server = "tcp://127.0.0.1:'$tcp'", facility = "local3", app_name = "cordon-soc", enterprise = 12345 },
  tls = { kind = "syslog", server = "tls://localhost:'$tls'", facility = "audit" },'
config() { # config [CHANNELS [CA]]
    cat >"$state/cordon.lua" <<LUA
return { notify = { ca = "$work/${2:-cordon}.pem", channels = { ${1-$channels} },
                    on = { gate = { "udp", "tcp", "tls" }, run_failed = { "tls" } } },
         serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key",
                               origin = "https://cordon.example:8443" } } }
LUA
}
cordon() { timeout 60 "$CORDON" "$@" --state "$state"; }
cat >"$work/gate.lua" <<'LUA'
return playbook {
  name = "gate", summary = "Asks, and then it is over", params = { what = { "string", "title" } },
  run = function(p, ctx) ctx.approve { title = p.what, from = "managers", need = 1, within = "1h" } end,
}
LUA
echo 'return playbook { name = "fails", summary = "Fails", params = {}, run = function() error("no") end }' >"$work/fails.lua"
cat >"$work/evil.lua" <<'LUA'
local notify = use "notify"
return playbook {
  name = "evil", summary = "Tells what would end a field early", params = {},
  run = function(p, ctx)
    notify.syslog { channel = "tcp", title = "evil", facts = { { name = 'a "b]=', value = 'q" b] s\\ \n<0>1 x' } } }
  end,
}
LUA
cat >"$work/long.lua" <<'LUA'
local notify = use "notify"
return playbook {
  name = "long", summary = "Tells more than fits", params = { channel = { "string", "where" } },
  run = function(p, ctx)
    local facts = {}
    for i = 1, 20 do facts[i] = { name = "Fact " .. i, value = string.rep("ä", 240) } end
    notify.syslog { channel = p.channel, title = "long", text = string.rep("€", 1300), facts = facts,
                    event = "long", severity = "debug" }
  end,
}
LUA

got() { # got BY WORD [JQ]: one such was received, and fits
    for _ in $(seq 1200); do
        # jq -e would tell of the last line alone.
        jq -c --arg by "$1" --arg word "$2" 'select(.by == $by and (.msg | contains($word)))' "$work/received" 2>/dev/null >"$work/seen"
        [[ ! -s $work/seen ]] || break
        sleep 0.05
    done
    [[ $(wc -l <"$work/seen") == 1 ]] && jq -e "${3:-.}" "$work/seen" >/dev/null && return
    sed 's/^/# /' "$work/seen"
    return 1
}
asks() { cordon run "$work/gate.lua" --param "what=$1" --detach --json >"$work/run"; }

config
cordon plugins trust "$BUILD/plugins/notify.so" >/dev/null
cordon user add oncall --role viewer --password-stdin <<<"a password for nobody" >/dev/null # a console wants somebody
wait_ended
start_daemon || {
    sed 's/^/# /' "$work/err"
    echo "not ok the daemon starts"
    exit 1
}

comes_over_udp() {
    asks "Stop the shop" &&
        got udp "Approval wanted: Stop the shop" '.facility == "auth" and .severity == "notice" and .version == "1" and .host == "cordon-1.example" and
            .app == "cordon" and .procid == "-" and .msgid == "gate" and (.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T"))' &&
        jq -e --arg run "$(jq -r .run "$work/run")" '.data["cordon@32473"] | .event == "gate" and (.key | test("^[0-9a-f]{32}$")) and .run == $run and
            (.thread | startswith($run + ".")) and .playbook == "gate" and .who_decides == "managers" and (.decide_by | endswith(" UTC")) and
            (.link | startswith("https://cordon.example:8443/console/#/gates/g-"))' "$work/seen" >/dev/null
}
comes_over_tcp() {
    got tcp "Approval wanted: Stop the shop" '.facility == "local3" and .severity == "notice" and .app == "cordon-soc" and .msgid == "gate" and
        .data["cordon@12345"].who_decides == "managers"' && [[ $(jq -r .host "$work/seen") == "$(hostname)" ]]
}
comes_over_tls() { got tls "Approval wanted: Stop the shop" '.facility == "audit" and .data["cordon@32473"].event == "gate"'; }
severity_is_the_notices() {
    ! cordon run "$work/fails.lua" >/dev/null 2>&1 && got tls "Run over: failed" '.severity == "err" and .msgid == "run_failed"'
}
text_stays_in_its_field() {
    local evil=$'q" b] s\\ \u202e\u200b \u00e4\u20ac\n<0>1 - - - - - forged'
    asks "$evil" && got udp "q\"" '.msg | contains("q\" b] s\\ [U+202E][U+200B] ä€ <0>1 - - - - - forged")' &&
        got tcp "q\"" && got tls "q\"" && cordon run "$work/evil.lua" >/dev/null &&
        got tcp evil '.severity == "notice" and .msgid == "-" and .msg == "evil" and .data["cordon@12345"].a__b__ == "q\" b] s\\ [U+000A]<0>1 x"' && [[ -z $(jq -c 'select(.severity == "emerg")' "$work/received") ]]
}
is_cut() { # is_cut BY MAX: what came fits, cut between characters
    cordon run "$work/long.lua" --param "channel=$1" >/dev/null &&
        got "$1" "long" '.severity == "debug" and .msgid == "long" and (.msg | test("^\ufeff?long: €+$")) and
            (.data[] | .fact_1 == ("ä" * 240))' &&
        (($(jq -r '(.sd | utf8bytelength) + (.msg | utf8bytelength)' "$work/seen") <= $2)) &&
        (($(jq -r '(.sd | utf8bytelength) + (.msg | utf8bytelength)' "$work/seen") > $2 - 700))
}
long_ones_are_cut() { is_cut udp 2048 && is_cut tcp 8192; }
away_is_told_later() {
    local name
    stop_server
    for name in tcp tls; do # where it was
        sed -i "s#port=\"0\" listenPortFileName=\"$work/$name\"#port=\"${!name}\"#" "$work/rsyslog.conf"
    done
    asks "While it is away"
    for _ in $(seq 1200); do
        cordon notify list --json | jq -e '.channels[] | select(.name == "tcp" and .tries > 0 and .what == "gate")' >/dev/null && break
        sleep 0.05
    done
    start_server && got tcp "While it is away"
}
wrong_certificate_gets_nothing() {
    stop_daemon
    config "$channels" other
    start_daemon && ! cordon notify test tls >/dev/null 2>"$work/why" && grep -qi certificate "$work/why" &&
        cordon notify test tcp >/dev/null && got tcp "A test of cordon" && ! grep -q '"by":"tls".*A test' "$work/received"
}
refused() { # refused WORD CHANNEL
    config "x = { kind = \"syslog\", $2 }"
    if start_daemon; then
        stop_daemon
        return 1
    fi
    wait "$daemon"
    daemon=
    grep -qF -- "$1" "$work/err" || {
        sed 's/^/# /' "$work/err"
        return 1
    }
}
refuses_configuration() {
    stop_daemon
    refused 'want an address like 10.0.0.7' 'server = "udp://siem.example:514"' &&
        refused 'want tls://HOST:PORT' 'server = "siem.example"' && refused 'want tls://HOST:PORT' 'server = "tls://"' &&
        refused 'facility' 'server = "udp://127.0.0.1:514", facility = "loud"' && refused 'unknown member "sever"' 'sever = "udp://127.0.0.1:514"'
}

tell a_gate_comes_over_udp_with_its_fields comes_over_udp
tell and_over_tcp_counted comes_over_tcp
tell and_over_tls comes_over_tls
tell severity_and_msgid_are_the_notices severity_is_the_notices
tell text_of_strangers_stays_in_its_field text_stays_in_its_field
tell what_is_too_long_is_cut_between_characters long_ones_are_cut
tell a_server_that_is_away_is_told_later away_is_told_later
tell a_server_with_another_certificate_gets_nothing wrong_certificate_gets_nothing
tell wrong_configuration_is_refused_with_its_place refuses_configuration
summary
