#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The console in Chromium. Screenshots land in build/web/shots.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
# shellcheck source=tests/e2e/shop.sh
. "$here/../e2e/shop.sh"
export CORDON_PLAYBOOKS=$repo/playbooks
packages=$repo/build/web

end() {
    stop_daemon
    shop_close
    close_daemon
}
trap end EXIT

if ! cmp -s "$here/package-lock.json" "$packages/installed-lock.json"; then
    mkdir -p "$packages" && cp "$here/package.json" "$here/package-lock.json" "$packages/" &&
        (cd "$packages" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) &&
        cp "$here/package-lock.json" "$packages/installed-lock.json"
fi

mkdir -m 700 "$state"
make_cert cordon
shop_open "$work" || exit 1
state_make "$state" >"$work/out" 2>&1 || cat "$work/out"
"$CORDON" plugins trust "$FIXTURES/noop.so" --state "$state" >/dev/null
wait_ended
mkdir "$work/playbooks"
cat >"$work/playbooks/burn.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "burn", summary = "Something that cannot be undone", params = {},
  run = function(p, ctx)
    noop.burn { target = "/things/" .. ctx.run .. "-one", value = "gone" }
  end }
LUA
cat >"$work/playbooks/ask.lua" <<'LUA'
return playbook { name = "ask", summary = "A question", params = { what = { "string", "of what" } },
  on_alert = { when = { type = "Ask_*" }, params = function(alert) return { what = alert.title } end },
  run = function(p, ctx) ctx.approve { title = p.what, within = tonumber(p.what:match("%d+")) + 10 .. "m" } end }
LUA
cat >"$work/playbooks/dim.lua" <<'LUA'
local noop = use "noop"
return playbook { name = "dim", summary = "Something that is looked at first", params = {},
  on_alert = { when = { type = "Dim_*" }, params = function(alert) return {} end },
  run = function(p, ctx)
    noop.set { target = "/things/lamp", value = "dim" }
  end }
LUA
hold() { # hold NAME [MORE]: a playbook that sets a thing, in a file of $work/things
    cat <<LUA
local noop = use "noop"
return playbook { name = "$1", summary = "Something that can be undone", params = { thing = { "string", "the thing" } },
  on_alert = { when = { type = "Hold_$1" }, params = function(alert) return { thing = alert.title } end },
  run = function(p, ctx) noop.set { target = p.thing, value = "held" } ${2:-} end }
LUA
}
hold hold >"$work/playbooks/hold.lua"
hold once >"$work/once.lua"
hold asks 'if ctx.ask { title = "And now?", choices = { "go on" } } then noop.set { target = p.thing .. "-2", value = 1 } end' >"$work/playbooks/asks.lua"
hold heals | sed 's/return playbook {/&\n  recover = function(p, ctx) ctx.note("recovered") end,/' >"$work/playbooks/heals.lua"
cat >"$work/playbooks/secret.lua" <<'LUA'
local azure = use "azure.keyvault"
return playbook { name = "secret", summary = "Disable a secret", params = { thing = { "string", "the secret" } },
  run = function(p, ctx) azure.disable_secret { vault = "shop-kv", name = p.thing } end }
LUA
mkdir "$work/things"
cat >"$work/routes.lua" <<'LUA'
return { { name = "looked at first", match = { type = "Dim_*" }, mode = "shadow" } }
LUA
sed -i "s|^}|  playbooks = { \"$repo/playbooks\", \"$work/playbooks\" }, routes = \"$work/routes.lua\", sign_in = { [\"local\"] = true },\n  serve = { console = { listen = \"127.0.0.1:0\", cert = \"$work/cordon.pem\", key = \"$work/cordon.key\" } },\n}|" "$state/cordon.lua"
sed -i "s|^  plugins = {|&\n    noop = { config = { dir = \"$work/things\" }, paths = { \"$work/things:rw\" } },|" "$state/cordon.lua"
sed -e 's|^  groups = {|  break_glass = { from = "glass", review_from = "reviewers", reviewers = 1 },\n&\n    glass = { "change-manager-1" }, reviewers = { "change-manager-1", "change-manager-2" },|' \
    -e 's|^  rules = {|&\n    { name = "things behind glass", match = { action = "noop.set", target = "/glass/*" }, need = 3, from = "change-managers" },\n    { name = "things", match = { action = { "noop.set", "*.disable_secret" } }, need = 0 },|' \
    -e 's|"\*.disable_\*"|"*.disable_publishing"|' "$repo/playbooks/policy.lua" >"$state/policy.lua"
"$CORDON" user add oncall --role viewer --role responder --password-stdin --state "$state" <<<"a long password 1" >/dev/null
"$CORDON" user add change-manager-2 --role viewer --role approver --password-stdin --state "$state" <<<"a long password 3" >/dev/null
"$CORDON" user add change-manager-1 --role viewer --role approver --password-stdin --state "$state" <<<"a long password 2" >/dev/null
wait_ended
# On one port, so that a browser finds it again.
serve() {
    start_daemon || {
        cat "$work/err"
        exit 1
    }
}
serve
sed -i "s|127.0.0.1:0|${console#https://}|" "$state/cordon.lua"
stop_daemon
serve
cat >"$work/send" <<SH
#!/bin/bash
printf '%s' "\$1" >"$work/alert.json"
exec "$CORDON" hook send generic "$work/alert.json" --state "$state"
SH
chmod +x "$work/send"
cat >"$work/drop" <<SH
#!/bin/bash
exec pkill -KILL -P $daemon -f internal-front
SH
chmod +x "$work/drop"
cp "$here/console.mjs" "$here/walk.mjs" "$packages/"
# shellcheck disable=SC2154 # start_daemon sets it
CONSOLE=$console SHOTS=$packages/shots CHROMIUM=$(command -v chromium) SEND=$work/send DROP=$work/drop CORDON=$CORDON STATE=$state \
    ONCE=$work/once.lua THINGS=$work/things BOOKS=$work/playbooks SIM=$sim_url \
    timeout 500 node "$packages/console.mjs"
