#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be read over the engine's socket: lists in pages, playbooks by name, feeds.
set -uo pipefail

work=$(mktemp -d)
state=$work/state
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.sh
. "$here/../wait.sh"

end() { # the engine by the number that it has written into its lock
    [ ! -s "$state/lock" ] || kill -KILL "$(cat "$state/lock")" 2>/dev/null
    # What was killed may be writing its last file.
    rm -rf "$work" 2>/dev/null || { sleep 0.5 && rm -rf "$work"; }
}
trap end EXIT

mkdir -m 700 "$state"
cp "$FIXTURES/noop.so" "$work/"
cat >"$state/policy.lua" <<'LUA'
return { groups = { all = { "*" } }, self_approval = true,
         rules = { { name = "all", match = { action = "*" }, need = 0 } } }
LUA
mkdir "$work/effects"
printf 'return { plugins = { noop = { config = { dir = "%s" }, paths = { "%s:rw" } } } }\n' "$work/effects" "$work/effects" >"$state/cordon.lua"
cat >"$work/sets.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "sets", summary = "one change", params = { target = { "string", "what" } },
  run = function(p, ctx) noop.set { target = p.target, value = "x" } end }
LUA
cat >"$work/asks.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "asks", summary = "a question, then a change", params = { target = { "string", "what" } },
  run = function(p, ctx)
    ctx.approve { title = "Set it", from = "all" }
    noop.set { target = p.target, value = "x" }
  end }
LUA
cat >"$work/notes.lua" <<'LUA'
return playbook { name = "notes", summary = "many words", params = { text = { "string", "what", default = "" } },
  run = function(p, ctx) for _ = 1, 200 do ctx.note(p.text) end end }
LUA
"$CORDON" plugins trust "$work/noop.so" --state "$state" >"$work/out" 2>&1 || cat "$work/out"
"$CORDON" engine --state "$state" >"$work/engine.log" 2>&1 &
engine=$!
disown # or the shell reports behind the count that the engine was killed
await_from "$engine" test -S "$state/cordon.sock" || exit 1
timeout 120 python3 "$here/test_reads.py" "$state"
