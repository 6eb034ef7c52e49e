# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The shop under attack: a simulator and a state directory that knows it. Sourced by the demo
# and by tests; needs CORDON, AZSIM and PLUGINS.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/wait.sh
. "$repo/tests/wait.sh"
# shellcheck disable=SC2034 # for those who source this
site=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web
sim_pid=
sim_url=

# shop_open DIR [azsim options]: starts the simulator on any free port, its log in DIR.
shop_open() {
    local dir=$1
    shift
    : >"$dir/azsim.out" # the next wait must not find what an earlier process printed
    "$AZSIM" --world "$repo/plugins/azure/sim/worlds/shop.json" --port 0 --quiet \
        --log "$dir/requests.jsonl" "$@" >"$dir/azsim.out" 2>"$dir/azsim.err" &
    sim_pid=$!
    await_from "$sim_pid" grep -q '^azsim listening on ' "$dir/azsim.out" || {
        cat "$dir/azsim.err" >&2
        return 1
    }
    sim_url=$(sed -n 's/^azsim listening on //p' "$dir/azsim.out")
}

shop_close() {
    [ -n "$sim_pid" ] && kill "$sim_pid" 2>/dev/null && wait "$sim_pid" 2>/dev/null
    sim_pid=
}

sim() { # sim METHOD PATH [JSON]
    curl -fsS -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} "$sim_url/_sim/$2"
}

# state_make DIR [requester, an extra approver]: a state directory with policy, configuration,
# the client secret and the trusted Azure plugin. The policy lets one person ask and approve.
state_make() {
    local dir=$1
    mkdir -p "$dir/secrets"
    chmod 700 "$dir/secrets"
    (umask 077 && printf simulated-secret >"$dir/secrets/azure-client-secret")
    cat >"$dir/policy.lua" <<EOF
-- For rehearsals only: whoever sits here may ask and approve.
return {
  groups        = { ["change-managers"] = { "$(id -un)" }, soc = { "$(id -un)" } },
  self_approval = true,
  rules = {
    { name = "blocking addresses goes ahead", match = { action = "*.block_ips" }, need = 0 },
    { name = "the rest needs a change manager",
      match = { action = { "*.stop", "*.disable_*", "*.remove", "*.rotate_*" } },
      need = 1, from = { "change-managers" } },
  },
}
EOF
    cat >"$dir/cordon.lua" <<EOF
return {
  plugins = {
    azure = {
      hosts   = { "127.0.0.1/32" },
      secrets = { "azure-client-secret" },
      settle  = "200ms", -- the simulator shows a write at once
      config  = {
        tenant     = "22222222-2222-2222-2222-222222222222",
        client_id  = "11111111-1111-1111-1111-111111111111",
        credential = "client_secret",
        secret     = "azure-client-secret",
        endpoints  = {
          arm    = "$sim_url",
          login  = "$sim_url",
          vaults = { ["shop-kv"] = "$sim_url/_vault/shop-kv" },
        },
      },
    },
  },
}
EOF
    "$CORDON" plugins trust "$PLUGINS/azure.so" --state "$dir"
}
