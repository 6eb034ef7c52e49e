#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# People are told: by a real mail server, a signed webhook, Teams and Slack; in order, once unless
# nobody can know, and without holding up a run.
set -uo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
repo=$(dirname "$(dirname "$here")")
packages=$repo/build/notify-mail
helpers=()

close_all() {
    local pid
    for pid in "${helpers[@]}"; do
        kill -KILL "$pid" && wait "$pid"
    done 2>/dev/null
    close_daemon
}
trap close_all EXIT

mkdir -m 700 "$state" "$state/secrets"
mkdir "$work/mails" "$work/hooks" "$work/effects"
make_cert cordon
if ! cmp -s "$here/package-lock.json" "$packages/installed-lock.json"; then
    mkdir -p "$packages" && cp "$here/package.json" "$here/package-lock.json" "$packages/" &&
        (cd "$packages" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) &&
        cp "$here/package-lock.json" "$packages/installed-lock.json"
fi
cp "$here/mail.mjs" "$packages/"
(cd "$packages" && exec node mail.mjs "$work/mails" "$work/cordon.pem" "$work/cordon.key") >"$work/ports" 2>"$work/mail.err" &
helpers+=($!)
python3 "$here/hooks.py" "$work/hooks" >"$work/hookport" &
helpers+=($!)
await has_lines "$work/ports" 2 && await test -s "$work/hookport" || exit 1
plain=$(awk '$1 == "plain" { print $2 }' "$work/ports") starttls=$(awk '$1 == "starttls" { print $2 }' "$work/ports")
hook=http://127.0.0.1:$(cat "$work/hookport")

SIGNING=whsec_$(head -c 24 /dev/urandom | base64)
secret() { (umask 077 && printf %s "$2" >"$state/secrets/$1"); }
secret mail-password "the mail password"
secret wrong-password "another password"
secret pager-secret "$SIGNING"
secret teams-url "$hook/teams"

cat >"$state/policy.lua" <<'LUA'
return { groups = { managers = { "manager-1" } }, self_approval = true,
         rules = { { name = "messages go ahead", match = { action = "notify.*" }, need = 0 } } }
LUA
channels='
  mail  = { kind = "email", server = "smtp://127.0.0.1:'$plain'", from = "cordon@example.org", to = { "oncall@example.org", "soc@example.org" }, plain = true },
  safe  = { kind = "email", server = "smtp://localhost:'$starttls'", from = "cordon@example.org", to = { "safe@example.org" }, user = "cordon", password = "mail-password" },
  wrong = { kind = "email", server = "smtp://localhost:'$starttls'", from = "cordon@example.org", to = { "safe@example.org" }, user = "cordon", password = "wrong-password" },
  noTLS = { kind = "email", server = "smtp://127.0.0.1:'$plain'", from = "cordon@example.org", to = { "oncall@example.org" } },
  no    = { kind = "email", server = "smtp://127.0.0.1:'$plain'", from = "cordon@example.org", to = { "no-one@example.org" }, plain = true },
  later = { kind = "email", server = "smtp://127.0.0.1:'$plain'", from = "cordon@example.org", to = { "later-1@example.org" }, plain = true },
  pager = { kind = "webhook", url = "'$hook'/pager", secret = "pager-secret", detail = "full" },
  soc   = { kind = "teams", url_secret = "teams-url", host = "127.0.0.1" },
  chat  = { kind = "slack", url = "'$hook'/slack" },
  dead  = { kind = "webhook", url = "'$hook'/dead", secret = "pager-secret" },
  away  = { kind = "webhook", url = "http://127.0.0.1:1/", secret = "pager-secret" },'
channels=${channels//noTLS/no-tls}
channels=${channels//no-tls /[\"no-tls\"] }
on='gate = { "mail", "pager", "soc", "chat", "dead", "away" }, gate_end = { "mail" }, run_done = { "mail", "pager" }, run_denied = { "mail" }'

config() { # config [CHANNELS [ON [MORE]]]
    cat >"$state/cordon.lua" <<LUA
return { notify = { ca = "$work/cordon.pem", channels = { ${1-$channels} }, on = { ${2-$on} }${3:-} },
         plugins = { noop = { config = { dir = "$work/effects" }, paths = { "$work/effects:rw" } } },
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
cat >"$work/say.lua" <<'LUA'
local notify = use "notify"
return playbook {
  name = "say", summary = "Tells somebody", params = {},
  run = function(p, ctx) notify.webhook { channel = "pager", title = "said by a playbook" } end,
}
LUA

# As much as a message holds, of what grows when it is escaped.
for kind in slack:chat teams:soc; do
    channel=${kind#*:} kind=${kind%:*}
    cat >"$work/$kind.lua" <<LUA
local notify = use "notify"
return playbook {
  name = "$kind", summary = "Says all that can be said", params = {},
  run = function(p, ctx)
    local facts = {}
    for i = 1, 20 do facts[i] = { name = ("<"):rep(200), value = "ä" .. i .. ("&"):rep(480) } end
    notify.$kind { channel = "$channel", title = "MOST " .. ("&"):rep(290), text = ("&<>"):rep(1300), facts = facts }
  end,
}
LUA
done

posted() { # posted PATH WORD: a request there with that word
    local file
    for _ in $(seq 1200); do
        file=$(find "$work/hooks" -name '*.json' -exec jq -r --arg p "$1" --arg w "$2" \
            'select(.path == $p and (.body | contains($w))) | input_filename' {} + 2>/dev/null | head -1)
        [[ -n $file ]] && echo "$file" && return
        sleep 0.05
    done
    echo "# nothing at $1 with $2" >&2
    return 1
}
mailed() { # mailed WORD: the first mail with that in its subject
    local file
    for _ in $(seq 1200); do
        for file in "$work/mails"/*.eml; do
            [[ -e $file ]] && python3 "$here/verify.py" mail "$file" >"$work/seen" && jq -e --arg w "$1" '.subject | contains($w)' "$work/seen" >/dev/null &&
                echo "$file" && return
        done
        sleep 0.05
    done
    echo "# no mail about $1" >&2
    return 1
}
asks() { cordon run "$work/gate.lua" --param "what=$1" --detach --json >"$work/run"; }
notices() { cordon notify list --json; }
until_notices() { # until_notices JQ
    for _ in $(seq 1200); do
        notices | jq -e "$1" >/dev/null && return
        sleep 0.05
    done
    notices
    return 1
}

config
cordon plugins trust "$BUILD/plugins/notify.so" >/dev/null
cordon user add oncall --role viewer --password-stdin <<<"a password for nobody" >/dev/null # a console wants somebody
wait_ended
start_daemon || {
    sed 's/^/# /' "$work/err"
    echo "not ok the daemon starts"
    exit 1
}

mails_arrive() {
    local file
    asks "Stop the shop" && file=$(mailed "Approval wanted: Stop the shop") &&
        python3 "$here/verify.py" mail "$file" "Stop the shop" "Who decides: managers" "Decide by: " "https://cordon.example:8443/console/#/gates/g-" >"$work/seen" &&
        [[ $(jq -r .to "$work/seen") == "oncall@example.org, soc@example.org" && $(jq -r .thread "$work/seen") == "<r-"*"@example.org>" ]] &&
        [[ $(jq -c .to "${file%.eml}.json") == '["oncall@example.org","soc@example.org"]' ]]
}
webhook_is_signed() {
    python3 "$here/verify.py" webhook "$(posted /pager "Stop the shop")" "$SIGNING" >"$work/seen" && grep -q '^msg_[0-9a-f]\{32\}$' "$work/seen" &&
        ! python3 "$here/verify.py" webhook "$(posted /pager "Stop the shop")" "whsec_$(head -c 24 /dev/urandom | base64)" >/dev/null
}
teams_has_its_form() { python3 "$here/verify.py" teams "$(posted /teams "Stop the shop")"; }
slack_has_its_form() { python3 "$here/verify.py" slack "$(posted /slack "Stop the shop")"; }
text_stays_text() {
    local evil=$'<!channel> [a](http://evil) & \u202e\u200b "q"\r\nBcc: x@example.org \u00e4\u00f6\u00fc\u20ac'
    asks "$evil" && mailed "<!channel>" >/dev/null && jq -e '(.names | index("bcc")) == null and (.html | contains("&lt;!channel&gt;")) and (.subject | contains("äöü€") and contains("[U+202E]"))' "$work/seen" >/dev/null &&
        posted /slack '&lt;!channel&gt;' >/dev/null && python3 "$here/verify.py" slack "$(posted /slack '&lt;!channel&gt;')" &&
        python3 "$here/verify.py" teams "$(posted /teams 'http://evil')"
}
the_most_fits() {
    local fields
    if ! { cordon run "$work/slack.lua" && cordon run "$work/teams.lua"; } >"$work/run"; then
        sed 's/^/# /' "$work/run"
        return 1
    fi
    python3 "$here/verify.py" slack "$(posted /slack MOST)" && python3 "$here/verify.py" teams "$(posted /teams MOST)" || return 1
    fields=$(jq -r .body "$(posted /slack MOST)" | jq '[.blocks[].fields // [] | length] | add')
    [[ $fields == 20 ]]
}
dead_holds_up_nothing() {
    until_notices '[.channels[] | select(.name == "dead" or .name == "away")] | length == 2 and all(.tries > 0 and .state != "idle")' &&
        until_notices '[.channels[] | select(.name == "mail" or .name == "pager" or .name == "soc" or .name == "chat")] | all(.state == "idle")'
}
test_says() {
    cordon notify test safe >"$work/said" && grep -q "has taken" "$work/said" && mailed "A test of cordon" >/dev/null &&
        [[ $(jq -c '[.secure, .user]' "$(grep -l safe@ "$work/mails"/*.json | head -1)") == '[true,"cordon"]' ]]
}
test_says_why_not() {
    ! cordon notify test wrong >/dev/null 2>"$work/why" && ! grep -q "another password" "$work/why" && [[ -s $work/why ]] &&
        ! cordon notify test no >/dev/null 2>"$work/why" && grep -q 550 "$work/why" && ! cordon notify test nobody 2>"$work/why" && grep -q "there is no channel nobody" "$work/why"
}
wants_tls() { ! cordon notify test no-tls >/dev/null 2>"$work/why" && ! grep -q 250 "$work/why" && [[ -s $work/why ]]; }
later_is_later() { ! cordon notify test later >/dev/null 2>&1 && cordon notify test later >/dev/null; }
playbooks_say() {
    cordon run "$work/say.lua" --json >"$work/run" && python3 "$here/verify.py" webhook "$(posted /pager "said by a playbook")" "$SIGNING" >/dev/null
}
after_is_kept() {
    echo after >"$work/hooks/mode"
    cordon notify test pager >/dev/null && [[ $(cat "$work/hooks/mode") == 200 ]]
}
killed_while_sending() {
    local file first second
    echo hang >"$work/hooks/mode"
    asks "Cut in the middle" && file=$(posted /pager "Cut in the middle") || return 1
    first=$(jq -r '.headers["webhook-id"]' "$file")
    kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    echo 200 >"$work/hooks/mode"
    rm "$file"
    start_daemon && posted /pager "Cut in the middle" >"$work/second" &&
        second=$(python3 "$here/verify.py" webhook "$(cat "$work/second")" "$SIGNING") || return 1
    # What is sent again is known by its id.
    echo "# first $first, again $second"
    [[ $first == msg_* && $first == "$second" ]] &&
        until_notices '[.channels[] | select(.name == "pager")] | all(.state == "idle")'
}
told_once() { # nothing that was told is told again after a restart
    local before
    before=$(find "$work/mails" -name '*.eml' | wc -l)
    stop_daemon
    start_daemon && asks "The newest" && mailed "The newest" >/dev/null && [[ $(find "$work/mails" -name '*.eml' | wc -l) == $((before + 1)) ]]
}
entries() { # once the engine is gone
    for _ in $(seq 1200); do
        sqlite3 -readonly "$state/journal.db" "select run, n, state, first_seq, last_seq, body from entries where kind = 16 order by run, n" 2>/dev/null && return
        sleep 0.05
    done
    return 1
}
rebuilds() {
    local before after
    stop_daemon
    before=$(entries)
    config '' '' # nobody is told meanwhile
    cordon doctor --rebuild >/dev/null && after=$(entries)
    diff <(echo "$before") <(echo "$after") | sed 's/^/# /'
    [[ $before == *"|1|"* && $before == "$after" ]]
}
gives_up() {
    config "${channels//no-one@/no-two@}" 'gate = { "no" }'
    start_daemon && asks "Nobody takes it" && until_notices '.failed | any(.ch == "no" and .tries == 3 and (.why | contains("550")))' && cordon notify list | grep -q "not told"
}
refused() { # refused WORD CHANNELS ON
    config "$2" "$3"
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
    refused 'kind: want email, teams, slack, webhook or syslog' 'x = { kind = "pigeon" }' '' &&
        refused 'want url, or url_secret' 'x = { kind = "slack" }' '' &&
        refused 'did you mean gate' 'x = { kind = "slack", url = "https://hooks.example/x" }' 'gates = { "x" }' &&
        refused 'there is no channel "y"' 'x = { kind = "slack", url = "https://hooks.example/x" }' 'gate = { "y" }' &&
        refused 'unknown member "sever"' 'x = { kind = "email", sever = "smtp://x", from = "a@b", to = { "a@b" } }' ''
}

tell a_gate_is_mailed mails_arrive
tell a_webhook_is_signed_as_the_standard_has_it webhook_is_signed
tell a_card_for_teams_has_its_documented_form teams_has_its_form
tell a_message_for_slack_has_its_documented_form slack_has_its_form
tell text_of_strangers_is_only_ever_text text_stays_text
tell the_longest_message_stays_within_what_slack_and_teams_take the_most_fits
tell a_dead_channel_holds_up_nothing dead_holds_up_nothing
tell a_test_message_goes_over_tls_with_a_password test_says
tell a_test_message_says_why_it_was_not_taken test_says_why_not
tell mail_without_tls_is_refused_unless_it_is_asked_for wants_tls
tell what_a_mail_server_wants_later_is_sent_later later_is_later
tell a_playbook_tells_too playbooks_say
tell retry_after_is_kept after_is_kept
tell killed_while_sending_it_is_sent_again_and_recognisable killed_while_sending
tell nothing_is_told_twice_after_a_restart told_once
tell the_index_is_made_again_from_rows rebuilds
tell what_is_refused_is_given_up_and_shown gives_up
tell wrong_configuration_is_refused_with_its_place refuses_configuration
summary
