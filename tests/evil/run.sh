#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A hostile plugin under an ordinary user: each trick of the table in docs/threats.md gets what the table
# promises, in an engine that `cordon run` has started and in one of `cordon serve`. Beside
# them a run of another plugin goes on. Costs about 40 s, of which it computes a few.
set -uo pipefail
# shellcheck source=tests/serve/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../serve/lib.sh"

# 60 s is the call's own limit: a trick that is seen only then has hidden the end of its process.
WITHIN=${SAN:+50} SAN=${SAN:-}
: "${WITHIN:=30}"
# A sanitizer needs these itself (core/base/sanitizer.h), or takes what memory there is.
unsanitized=$(printf '%s\n' forked cloned cloned_as_brother many_threads more_memory all_memory)
table=$TESTS/../docs/threats.md
real=$CORDON
chmod 711 "$work"
mkdir "$work/plugins"
cp "$FIXTURES"/{evil,evilrun,noop}.so "$work/plugins/"
chmod 755 "$work/plugins" "$work/plugins"/*

if ((EUID == 0)); then
    user=nobody group=$(id -gn nobody)
    as_user=(setpriv --reuid="$user" --regid="$group" --clear-groups)
else
    user=$(id -un) group=$(id -gn) as_user=()
fi
CORDON=$work/cordon # also for what lib.sh starts
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${as_user[*]}" "$real" >"$CORDON"
chmod 755 "$CORDON"

cordon() {
    timeout "$WITHIN" "$CORDON" "$@" --state "$state" </dev/null
}

promised() { # promised WORD: the tricks that get it
    sed -n "s/^| \`\([a-z_]*\)\` | .* | $1 |\$/\1/p" "$table" | if [[ -n $SAN ]]; then grep -vxF "$unsanitized"; else cat; fi
}

needs_programs() { [[ $1 == leaves_* ]]; }

# -- an engine with three plugins ----------------------------------------------------------

new_state() { # new_state NAME
    state=$work/$1 out=$work/$1.out books=$work/$1.books
    mkdir "$out" "$books" && mkdir -m 700 "$state" "$state/secrets" "$state.mine" "$state.world"
    echo another-secret >"$state/secrets/another"
    echo theirs >"$state.world/theirs"
    chmod 600 "$state/secrets/another"
    cat >"$state/cordon.lua" <<LUA
return {
  plugins = {
    evil = { paths = { "$state.mine:rw" } },
    evilrun = { programs = { "true" }, paths = { "$state.mine:rw" } },
    noop = { config = { dir = "$state.world", delay_ms = 50 }, paths = { "$state.world:rw" } },
  },$2
}
LUA
    echo 'return {}' >"$state/policy.lua"
    cat >"$books/beside.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "beside", summary = "a test", run = function(p, ctx)
  for i = 1, 4000 do
    if noop.get { target = "enough" }.value then return end
  end
end }
LUA
    chmod 644 "$books"/*.lua
    chown -R "$user:$group" "$state" "$state.mine" "$state.world"
    for plugin in evil evilrun noop; do
        cordon plugins trust "$work/plugins/$plugin.so" >/dev/null || return 1
    done
}

engine() { # the process of the engine of this state
    pgrep -f -- "^[^ ]*cordon (--internal-engine|serve) --state $state( |\$)"
}

host() { # host PLUGIN: its process
    pgrep -P "$engine" -f -- "^cordon: host $1 "
}

begin() { # sets engine, other
    cordon run "$books/beside.lua" --detach >/dev/null || return 1
    engine=$(engine) && await host noop >/dev/null || return 1
    other=$(host noop)
    [[ $engine == +([0-9]) && $other == +([0-9]) ]] || { echo "# engine $engine, noop $other" && return 1; }
}

# The engine is the same process, and so is the plugin beside.
is_unharmed() {
    [[ $(engine) == "$engine" ]] || { echo "# after $1 the engine is another process, or none"; return 1; }
    [[ $(host noop) == "$other" ]] || { echo "# after $1 the plugin beside is another process, or none"; return 1; }
}

# -- tricks --------------------------------------------------------------------------------

book() { # book PLUGIN ACTION NAME...: a playbook that makes these tricks
    local plugin=$1 action=$2 name
    shift 2
    {
        echo "local evil = use \"$plugin\""
        echo 'return playbook { name = "tries", summary = "a test", run = function(p, ctx)'
        for name in "$@"; do
            echo "evil.$action { trick = \"$name\", pid = $other, state = \"$state\" }"
        done
        echo 'end }'
    } >"$books/tries.lua"
    chmod 644 "$books/tries.lua"
}

# tries PLUGIN ACTION NAME...: prints "NAME RESULT" for each that was answered.
tries() {
    book "$@"
    cordon run "$books/tries.lua" --json >"$out/rows" 2>"$out/said"
    local rc=$?
    jq -r 'select(.kind == "answer") | select(.body.v.got) | .body.x.args.trick + " " + .body.v.got' "$out/rows"
    return $rc
}

are_denied() {
    local names name result count=0 bad=0
    mapfile -t names < <(promised denied)
    tries evil try "${names[@]}" >"$out/got" || { sed 's/^/# /' "$out/said" && bad=1; }
    while read -r name result; do
        ((++count))
        [[ $result == [1-9]*' '* ]] || { echo "# $name got: $result" && bad=1; }
    done <"$out/got"
    ((count == ${#names[@]} && count >= 60)) || { echo "# $count of ${#names[@]} were answered" && bad=1; }
    is_unharmed "those that are denied" && ((bad == 0))
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# The engine would ask a reading call again, of a new process, and so meet the same trick twice more:
# the run is canceled once the process is gone. That a call gets an answer from a new process shows
# that the engine has seen the end of the old one. Three ends within a minute would be the last:
# trusting the plugin anew forgets them.
are_ended() {
    local name plugin before bad=0 run
    for name in $(promised ended); do
        plugin=evil
        needs_programs "$name" && plugin=evilrun
        pings "$plugin" || { echo "# $plugin is not there before $name" && return 1; }
        before=$(host "$plugin")
        [[ $before == +([0-9]) ]] || { echo "# $plugin has the processes $before" && return 1; }
        book "$plugin" try_long "$name"
        [[ $name == loops_deaf || $name == stops ]] && book "$plugin" try "$name" # their call's time ends them
        run=$(cordon run "$books/tries.lua" --detach --json | jq -r .run)
        PATIENCE=$WITHIN await is_gone "$before" || { echo "# $name is not ended" && bad=1; }
        cordon cancel "$run" --reason test >/dev/null 2>"$out/said" || { sed 's/^/# /' "$out/said" && bad=1; }
        cordon plugins trust "$work/plugins/$plugin.so" >/dev/null
        left "$name" || bad=1
        is_unharmed "$name" || return 1
    done
    pings evil && pings evilrun && ((bad == 0))
}

# Its own end, and not the engine's SIGKILL after it, is what counts.
is_refused_in_time() {
    book evil try_long closes_socket
    cordon run "$books/tries.lua" >"$out/got" 2>"$out/said"
    local rc=$?
    cordon plugins >"$out/plugins"
    cordon plugins trust "$work/plugins/evil.so" >/dev/null
    ((rc != 0)) && grep -q '^evil .* refused ' "$out/plugins" && pings evil && return
    sed 's/^/# /' "$out/got" "$out/said" "$out/plugins"
    return 1
}

pings() { # pings PLUGIN: it answers
    cordon run "$books/ping-$1.lua" >/dev/null 2>"$out/said" && return
    sed 's/^/# /' "$out/said"
    return 1
}

# No process of the plugin's is there: nothing that has its name in a title.
left() {
    local pids
    pids=$(pgrep -P 1 -u "$user" -f -- "^cordon: host evil") || return 0
    echo "# after $1 these are left: $pids"
    return 1
}

are_ignored() {
    local names name result count=0 bad=0
    mapfile -t names < <(promised ignored)
    cordon plugins trust "$work/plugins/evil.so" >/dev/null
    tries evil try "${names[@]}" >"$out/got" || { sed 's/^/# /' "$out/said" && bad=1; }
    while read -r name result; do
        ((++count))
        [[ $result == 0 ]] || { echo "# $name got: $result" && bad=1; }
    done <"$out/got"
    ((count == ${#names[@]} && count > 0)) || { echo "# $count of ${#names[@]} were answered" && bad=1; }
    is_unharmed "those that are ignored" && ((bad == 0))
}

goes_on() { # the run beside them, to its end; the journal is whole, and nothing of it was changed
    local enough
    enough=$(printf '%s' "$state.world/$(python3 -c 'h = 14695981039346656037
for c in b"enough": h = (h ^ c) * 1099511628211 % 2**64
print(f"{h:016x}.json")')")
    echo true >"$enough" && chmod 644 "$enough"
    cordon watch r-000001 --json >"$out/rows" && grep -q '"state":"done"' "$out/rows" || return 1
    cordon doctor >"$out/doctor" 2>&1
    grep -q '^ok *verified .*as they were written' "$out/doctor" && grep -q '^ok *walls .*Landlock' "$out/doctor" && return 0
    sed 's/^/# /' "$out/doctor"
    return 1
}

ping_books() {
    local plugin
    for plugin in evil evilrun; do
        printf 'local evil = use "%s"\nreturn playbook { name = "ping", summary = "a test", run = function(p, ctx) evil.list {} end }\n' \
            "$plugin" >"$books/ping-$plugin.lua"
        chmod 644 "$books/ping-$plugin.lua"
    done
}

names_are_the_same() {
    cordon run "$books/ping-evil.lua" --json 2>/dev/null |
        jq -r 'select(.kind == "answer") | .body.v.names[]?' | sort >"$out/made"
    (SAN='' && promised denied && promised ended && promised ignored) | sort >"$out/told"
    diff "$out/made" "$out/told" | sed 's/^/# /'
    [[ -s $out/made ]] && cmp -s "$out/made" "$out/told"
}

paths_are_kept() { # what leads to what no plugin may reach is refused, with the place
    local path
    for path in "$state" "$state/secrets" "$work" / "$state/cordon.lua" "$work/is-not-there"; do
        sed "s|evil = { paths = { [^}]* }|evil = { paths = { \"$path\" }|" "$state/cordon.lua" >"$out/next.lua"
        chmod 644 "$out/next.lua"
        cordon doctor --config "$out/next.lua" >"$out/doctor" 2>&1
        grep -qE "^not ok *config plugins.evil .*paths: .*(no plugin may reach|No such file)" "$out/doctor" && continue
        echo "# $path is not refused:"
        grep plugins.evil "$out/doctor" | sed 's/^/# /'
        return 1
    done
    sed "s|evil = { paths = [^}]*}|evil = { config = { token_file = \"/etc/hostname\" }|" "$state/cordon.lua" >"$out/next.lua"
    cordon doctor --config "$out/next.lua" >"$out/doctor" 2>&1
    grep -q '^not ok *config plugins.evil .*config.token_file: /etc/hostname is in none of its paths' "$out/doctor" && return 0
    sed 's/^/# /' "$out/doctor"
    return 1
}

walls_are_logged() { # walls_are_logged FILE ROLE...: each process says at its start what it has
    local file=$1 role
    shift
    for role in "$@"; do
        grep -qE " $role info: walls: system call filter, Landlock [0-9]" "$file" || { echo "# nothing of $role"; head -20 "$file" | sed "s,^,#   ,"; return 1; }
    done
}

stop_engine() {
    [[ -z ${engine:-} ]] || kill -KILL "$engine" 2>/dev/null
    engine=
}
export CORDON_LOG=info

# -- an engine that `cordon run` has started, and a daemon, side by side -------------------
under_run() { new_state run '' && ping_books && begin && names_are_the_same; }
under_serve() {
    new_state serve "
  serve = { console = { listen = \"127.0.0.1:0\", cert = \"$work/cordon.pem\", key = \"$work/cordon.key\" } }," || return 1
    ping_books && wait_ended && let_somebody_in && start_daemon && begin
}
logged_by_run() { walls_are_logged "$state/engine.log" "host evil" "host noop" vm; }
logged_by_serve() { walls_are_logged "$work/err" "host evil" "host noop" vm front; }

tricks() { # tricks MODE
    tell "cordon $1: what is denied fails, and harms nobody" are_denied
    tell "cordon $1: what ends the plugin's process ends it alone, in time" are_ended
    tell "cordon $1: a plugin that ends its own socket three times is refused" is_refused_in_time
    tell "cordon $1: what is ignored has no effect" are_ignored
    tell "cordon $1: the run beside goes on to its end, and the journal is whole" goes_on
    tell "cordon $1: each process that runs others' code says which walls it has" "logged_by_$1"
}

by_run() {
    trap stop_engine EXIT
    tell "the table of docs/threats.md has the tricks that the plugin makes" under_run
    tricks run
    tell "paths that lead to the state directory, secrets or configuration are refused" paths_are_kept
}

by_serve() {
    trap '[[ -z ${daemon:-} ]] || kill -KILL "$daemon" 2>/dev/null' EXIT
    tell "a daemon of an ordinary user starts" under_serve
    tricks serve
}

make_cert cordon
chown "$user" "$work"/cordon.*
(by_run) >"$work/told.run" 2>&1 &
side=$!
(by_serve) >"$work/told.serve" 2>&1
wait "$side"
cat "$work"/told.*
passed=$(cat "$work"/told.* | grep -c '^ok ') failed=$(cat "$work"/told.* | grep -c '^not ok ')
((passed + failed == 15)) || failed=$((failed + 1)) # one of the two ended before its end
summary
