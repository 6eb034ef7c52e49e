#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whatever is wrong with what comes in, or with what cordon stands on: one sentence that says
# where and what to do, the right exit code, and nothing that was known is lost.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

alert=$repo/tests/e2e/alert-appservice.json
export CORDON_PLAYBOOKS=$repo/playbooks

# refused CODE PATTERN COMMAND...: one sentence on standard error, and no run came of it.
refused() {
    local code=$1 pattern=$2
    shift 2
    exits "$code" cordon "$@" && one_sentence && has "$pattern"
}

# fails PATTERN COMMAND...: the run ends as failed, and its last line is the sentence.
fails() {
    local pattern=$1
    shift
    exits 1 cordon "$@" && grep -qE -- "^r-[0-9]+ failed: .*$pattern" <<<"$(tail -n 1 <<<"$out")" &&
        return 0
    echo "# no last line that fails like \"$pattern\""
    show_out
    return 1
}

no_run() {
    exits 0 cordon runs && has 'no run' && whole && is 0 "$(sent)" "effects"
}

# -- Playbooks -----------------------------------------------------------------------------

body() { # body NAME: a playbook for one site from what run is to do
    printf 'local site = use "azure.appservice"\nreturn playbook { name = "%s", summary = "a test",
params = { app = { "arm_id", "x" }, n = { "integer", "x", default = 1 } },
run = function(p, ctx)\n%s\nend }\n' "$1" "$2" >"$work/$1.lua"
}

body wrong-action 'site.halt { id = p.app }'
body wrong-type 'site.stop { id = 5 }'
body fine 'site.get { id = p.app }'
printf 'return playbook {\n  name = "x",\n  run = function( }\n' >"$work/syntax.lua"
echo 'return playbook { name = "x", params = { a = { "strin", "x" } }, run = function() end }' >"$work/params.lua"

playbooks() {
    azure_state playbooks &&
        refused 2 'syntax:3:19: .*near' run "$work/syntax.lua" &&
        exits 1 cordon check "$work/syntax.lua" && has 'syntax.lua:3:19: ' &&
        refused 2 "params.a: 'strin' is no type; did you mean 'string'" run "$work/params.lua" &&
        refused 2 'No such file' run "$work/nosuch.lua" && refused 2 'no playbook nosuch in .*path' run nosuch &&
        no_run &&
        exits 1 cordon check "$work/wrong-action.lua" && has 'wrong-action.lua:5:.*azure.appservice.halt' &&
        fails 'wrong-action:5: there is no action azure.appservice.halt; cordon actions' \
            run "$work/wrong-action.lua" --param "app=$site" &&
        exits 1 cordon check "$work/wrong-type.lua" && has 'wrong-type.lua:5:.*want a string, got 5' &&
        fails 'azure.appservice.stop: id: want a string, got 5 .*line 5' \
            run "$work/wrong-type.lua" --param "app=$site" &&
        is 0 "$(sent)" "effects" && whole
}
tell "a playbook with a syntax error, an unknown action or a wrong type is told with its line" playbooks

parameters() {
    azure_state parameters && refused 2 '"ap".*did you mean "app"' run "$work/fine.lua" --param "ap=$site" &&
        refused 2 'app' run "$work/fine.lua" &&
        refused 2 'n: want an integer, got "abc"' run "$work/fine.lua" --param "app=$site" --param n=abc &&
        refused 2 'app: want an Azure resource id \(it does not begin with /\), got "hello"' run "$work/fine.lua" --param app=hello &&
        refused 2 'want NAME=VALUE' run "$work/fine.lua" --param app &&
        refused 2 'no option --alrt: did you mean --alert' run "$work/fine.lua" --alrt x && no_run
}
tell "a parameter that is unknown, missing or of a wrong type is told with its name" parameters

# -- Alerts --------------------------------------------------------------------------------

echo hello >"$work/text.json"
head -c 200 "$alert" >"$work/truncated.json"
sed 's/^{/{"AlertType":"again",/' "$alert" >"$work/twice.json"
{
    printf '{"id":"'
    head -c 10485760 /dev/zero | tr '\0' a
    printf '"}'
} >"$work/large.json"
: >"$work/empty.json"
echo '{}' >"$work/none.json"
printf '\377\376{}' >"$work/bytes.json"
head -c 200 /dev/zero | tr '\0' '[' >"$work/deep.json"

alerts() {
    local try
    azure_state alerts || return 1
    for try in "text:line 1, column 1: want a value" "truncated:line 6, column 17: .*no end" \
        'twice:line 3, column 3: member "AlertType" is there twice' "large:larger than 1024 KiB" \
        "empty:column 1: want a value, got the end" "none:no alert that is known: want" \
        "bytes:byte 0xff" "deep:at most 32 deep" "nosuch:No such file"; do
        refused 2 "${try#*:}" run contain-app-service --alert "$work/${try%%:*}.json" || return 1
    done
    refused 2 'is a folder' run contain-app-service --alert "$work" &&
        refused 2 'standard input' run contain-app-service --alert - && no_run
}
tell "an alert that is no JSON, truncated, ambiguous or 10 MB large is told with its place" alerts

# -- Azure ---------------------------------------------------------------------------------

body stop 'site.stop { id = p.app }'

credentials() {
    azure_state secret && printf wrong-secret >"$state/secrets/azure-client-secret" &&
        fails 'the client secret is not right .*line 5' run "$work/fine.lua" --param "app=$site" &&
        ! grep -q wrong-secret <<<"$out" && is 0 "$(sent)" "effects" && kill_engines &&
        rm "$state/secrets/azure-client-secret" &&
        fails 'plugin azure: secret .*/azure-client-secret: No such file' run "$work/fine.lua" --param "app=$site" &&
        exits 1 cordon doctor && has 'plugin azure.*azure-client-secret' && kill_engines &&
        (umask 022 && printf simulated-secret >"$state/secrets/azure-client-secret") &&
        fails 'can be read by others .*chmod 600' run "$work/fine.lua" --param "app=$site" && kill_engines &&
        chmod 600 "$state/secrets/azure-client-secret" &&
        exits 0 cordon run "$work/fine.lua" --param "app=$site" && whole
}
tell "credentials that are wrong, missing or open to others are told, and never shown" credentials

forbidden() {
    azure_state forbidden && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" &&
        sed -i 's/11111111-1111-1111-1111-111111111111/55555555-5555-5555-5555-555555555555/' "$state/cordon.lua" &&
        fails 'AuthorizationFailed.*azure.appservice.stop' run "$work/stop.lua" --param "app=$site" &&
        is 0 "$(sent)" "effects" && whole
}
tell "a right that is missing is told with the action that needs it" forbidden

# Azure is away and comes back: what was asked for is kept, and then done, once.
unreachable() {
    local port=${sim_url##*:} follower
    azure_state away && sed -i 's/need = 1, from.*/need = 0 },/' "$state/policy.lua" && shop_close
    cordon run "$work/stop.lua" --param "app=$site" >"$work/away.out" 2>&1 &
    follower=$!
    sleep 1
    exits 0 cordon runs && has 'running +stop' || return 1
    shop_open "$work" --port "$port" || return 1
    wait "$follower"
    is 0 $? "the exit code of the run" && is 1 "$(sent web.stop)" "stops" && whole
}
tell "while Azure cannot be reached the run waits, and is done when it can" unreachable

elsewhere() {
    azure_state elsewhere && sed -i 's|"127.0.0.1/32"|"10.0.0.0/8"|' "$state/cordon.lua" &&
        fails 'not let us ask http://127.0.0.1.*allowed hosts' run "$work/fine.lua" --param "app=$site" && whole
}
tell "a host that is not allowed is told with its address" elsewhere

# -- Plugins -------------------------------------------------------------------------------

plugins() {
    azure_state plugin-files && cp "$PLUGINS/azure.so" "$work/mine.so" && exits 0 cordon plugins trust "$work/mine.so" &&
        gone "$state" && mv "$work/mine.so" "$work/away.so" &&
        fails 'plugin azure: open .*/mine.so: No such file or directory; put the file back' \
            run "$work/fine.lua" --param "app=$site" &&
        exits 0 cordon plugins && has 'missing' && exits 1 cordon doctor && has 'plugin azure +missing.*mend' &&
        gone "$state" && cp "$work/away.so" "$work/mine.so" && printf x >>"$work/mine.so" &&
        fails 'plugin azure: .*SHA-256 .*plugins.lock pins .*cordon plugins trust' \
            run "$work/fine.lua" --param "app=$site" &&
        exits 0 cordon plugins && has 'changed' && gone "$state" && cp "$work/away.so" "$work/mine.so" &&
        exits 0 cordon run "$work/fine.lua" --param "app=$site" && whole
}
tell "a plugin that is missing or has other bytes is not started, and is told with its path" plugins

untrustable() {
    echo hello >"$work/hello.so"
    azure_state untrustable &&
        refused 1 'oldabi.so cannot be used: the plugin is made for version 0 .*this cordon has version 1: build it' \
            plugins trust "$FIXTURES/oldabi.so" &&
        refused 1 'incomplete.so cannot be used: action incomplete.now reads, and has no result_schema' \
            plugins trust "$FIXTURES/incomplete.so" &&
        refused 1 'hello.so cannot be used: load .*too short' plugins trust "$work/hello.so" &&
        refused 2 'No such file' plugins trust "$work/nosuch.so" && exits 0 cordon plugins && has '^azure' &&
        is 2 "$(wc -l <<<"$out")" "lines of plugins" && no_run
}
tell "a plugin of another interface, an incomplete one and a text are not trusted" untrustable

# -- The disk ------------------------------------------------------------------------------

playbook notes <<'END'
    for i = 1, 200 do
      noop.set { target = "t" .. (i % 10), value = i }
      ctx.note(("x"):rep(4000))
    end
END

# A file system of its own that holds little, in a mount namespace of its own.
full_disk() {
    noop_state full && noop_policy "$me" 0 && many_changes && gone "$state" || return 1
    export -f on_full_disk
    IN=$work FROM=$state THERE=$world CORDON=$CORDON ROOM=600k \
        unshare "${as_root[@]}" --mount bash -c on_full_disk >"$work/full.out" 2>&1 && return 0
    tail -n 12 "$work/full.out" | cut -c1-300 | sed 's/^/#   /'
    return 1
}
as_root=()
((EUID == 0)) || as_root=(--user --map-root-user)
on_full_disk() {
    local state=$IN/disk effects known
    cordon() { timeout 30 "$CORDON" "$@" --state "$state"; }
    mkdir -p "$state" && mount -t tmpfs -o "size=$ROOM,mode=700" none "$state" &&
        cp -r "$FROM/." "$state/" || return 1
    cordon run "$IN/notes.lua" >"$IN/full.run" 2>&1 </dev/null
    [[ $? == 1 ]] || { tail -n 3 "$IN/full.run" | cut -c1-300; return 1; }
    tail -n 3 "$IN/full.run" | cut -c1-300
    tail -n 1 "$IN/full.run" | grep -q '^cordon: write the journal: .*no space left.*free some' || { echo "no word of the space"; return 1; }
    effects=$(wc -l <"$THERE/effects.log")
    mount -o "remount,size=16m" "$state" || return 1
    cordon doctor || return 1
    cordon watch r-000001 || return 1
    # Nothing that was acknowledged is lost, and nothing is done twice.
    known=$(sort "$THERE/effects.log" | uniq -d | wc -l)
    echo "$effects effects before, $(wc -l <"$THERE/effects.log") at the end, $known twice"
    [[ $(wc -l <"$THERE/effects.log") == 200 && $known == 0 ]]
}
tell "a full disk is told, loses nothing, and with room again the run goes on to its end" full_disk

# -- Two at once ---------------------------------------------------------------------------

two_at_once() {
    local pids=() i bad=0
    noop_state two && noop_policy "$me" 0 || return 1
    playbook some "params = { t = { \"string\", \"x\" } }" <<'END'
    for i = 1, 5 do noop.set { target = p.t .. i, value = i } end
END
    for i in 1 2 3; do
        cordon run "$work/some.lua" --param "t=a$i" >"$work/two.$i" 2>&1 &
        pids+=($!)
        cordon runs >/dev/null 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || bad=1; done
    is 0 "$bad" "commands that failed" && is 15 "$(noop_effects)" "effects" && whole
}
tell "commands that come at once share one engine" two_at_once

another_process() {
    noop_state held && gone "$state" || return 1
    flock "$state/lock" sleep 30 &
    local holder=$!
    sleep 0.2
    exits 1 cordon runs && one_sentence && has 'holds .*held.*end it'
    local rc=$?
    kill "$holder" 2>/dev/null
    wait "$holder" 2>/dev/null
    return "$rc"
}
tell "a state directory that another process holds is refused with a sentence" another_process

summary
