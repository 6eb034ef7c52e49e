# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the acceptance tests share: state directories of their own, commands that never run for
# ever, and what is said when something differs. Sourced; needs BUILD. Each test runs in a
# function that tell calls, with $state and $world; $out and $err are of the last command.

: "${BUILD:?the absolute build folder, as make test gives it}"
CORDON=${CORDON:-$BUILD/cordon}
AZSIM=${AZSIM:-$BUILD/azsim}
PLUGINS=${PLUGINS:-$BUILD/plugins}
FIXTURES=${FIXTURES:-$BUILD/tests/plugins}
SHIM=${SHIM:-$BUILD/tests/shim.so}
unset CORDON_STATE CORDON_CONFIG
me=$(id -un)
passed=0 failed=0
state='' world='' out='' err=''
work=$(mktemp -d)
chmod 711 "$work" # another user is to reach what is opened for them

# shellcheck source=tests/e2e/shop.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/shop.sh"

# Copies: a build that goes on beside us changes nothing.
mkdir "$work/fixtures" "$work/plugins"
cp "$FIXTURES"/*.so "$work/fixtures/"
cp "$PLUGINS"/azure.so "$work/plugins/"
FIXTURES=$work/fixtures PLUGINS=$work/plugins

# -- Processes of this test, and no others: what they are started with names $work ---------

engines() { # engines STATE
    pgrep -f -- "^[^ ]*cordon --internal-engine --state $1"
}
no_engine() { # no_engine STATE
    [[ -z $(engines "$1") ]]
}

gone() { # gone STATE: waits until no engine is left
    await no_engine "$1"
}

kill_engines() {
    local pid
    for pid in $(engines "$work/"); do kill -KILL "$pid" 2>/dev/null; done
    gone "$work/"
}

close_all() {
    kill_engines
    shop_close
    rm -rf "$work"
}
trap close_all EXIT

# -- Commands ------------------------------------------------------------------------------

cordon() { # cordon COMMAND...: with this state directory, and never for ever
    timeout "${WITHIN:-20}" "$CORDON" "$@" --state "$state"
}

# exits WANTED COMMAND...: all output in $out, what went to standard error in $err.
exits() {
    local wanted=$1 got=0
    shift
    out=$("$@" 2>"$work/err" </dev/null) || got=$?
    err=$(<"$work/err")
    out+=$err
    is "$wanted" "$got" "the exit code of $*" && return 0
    show_out
    return 1
}

show_out() {
    head -c 2000 <<<"$out" | sed 's/^/#   /'
}

# -- What is told when it differs ----------------------------------------------------------

is() { # is WANTED GOT WHAT
    [[ $1 == "$2" ]] && return 0
    echo "# $3: wanted \"$1\", got \"$2\""
    return 1
}

has() { # has PATTERN: in the output of the last exits
    grep -qE -- "$1" <<<"$out" && return 0
    echo "# nothing like \"$1\" in:"
    show_out
    return 1
}

# One sentence for a person: on standard error, one line, with nothing from the inside of us.
one_sentence() {
    local lines
    lines=$(grep -c . <<<"$err")
    is 1 "$lines" "lines on standard error" || { show_out; return 1; }
    ! grep -qE 'assert|core/[a-z]+/|lua_|0x[0-9a-f]{6}|stack traceback' <<<"$err" && return 0
    echo "# not for people: $err"
    return 1
}

# The journal is as it was written, and says so.
whole() {
    out=$(cordon doctor 2>&1 </dev/null) # its other checks are about other things
    has '^ok +verified .*as they were written'
}

# one GREP: how many lines of the requests that reached the simulator have an effect like it.
sent() {
    jq -r 'select(.effect and .method != "EDIT") | .effect' "$work/requests.jsonl" |
        grep -cE -- "${1:-.}"
}

# -- State directories ---------------------------------------------------------------------

# noop_state NAME [more of the plugin's configuration]: a world that is a folder, one rule.
noop_state() {
    state=$work/$1 world=$work/$1.world
    mkdir -m 700 "$state" "$world"
    printf 'return { plugins = { noop = { config = { dir = "%s"%s }, paths = { "%s:rw" } } } }\n' \
        "$world" "${2:+, $2}" "$world" >"$state/cordon.lua"
    noop_policy "$me"
    cordon plugins trust "$FIXTURES/noop.so" >"$work/trust.out" 2>&1 && return 0
    sed 's/^/# /' "$work/trust.out"
    return 1
}

noop_policy() { # noop_policy "PEOPLE" [NEED [self_approval]]
    local people=${1// /\", \"}
    cat >"$state/policy.lua" <<END
return {
  groups = { ops = { "$people" } },
  self_approval = ${3:-true},
  rules = { { name = "sets", match = { action = "noop.*" }, need = ${2:-1}, from = { "ops" } } },
}
END
}

many_changes() { # the guards allow few
    sed -i 's/^  rules/  guards = { changes_per_run = 4000, changes_per_hour = 4000, changes_per_playbook_hour = 4000, targets_per_run = 4000 },\n&/' \
        "$state/policy.lua"
}

noop_effects() {
    { wc -l <"$world/effects.log"; } 2>/dev/null || echo 0
}

# What noop knows of a target, changed by another hand: the file's name is FNV-1a of the target.
noop_edit() { # noop_edit TARGET JSON
    local hash=$((0xcbf29ce484222325)) i
    for ((i = 0; i < ${#1}; i++)); do
        hash=$(((hash ^ $(printf %d "'${1:i:1}")) * 1099511628211))
    done
    printf '%s' "$2" >"$world/$(printf %016x "$hash").json"
}

# azure_state NAME: a shop of its own. The simulator is one for all; its world is as at first.
azure_state() {
    state=$work/$1
    [[ -n $sim_pid ]] || shop_open "$work" || return 1
    sim POST reset >/dev/null
    : >"$work/requests.jsonl"
    if [[ ! -d $work/template ]]; then
        mkdir -m 700 "$work/template"
        state_make "$work/template" >"$work/trust.out" 2>&1 || { cat "$work/trust.out"; return 1; }
        gone "$work/template" || return 1
    fi
    cp -r "$work/template" "$state"
}

# playbook NAME [PARAMS]: the body of run comes from standard input; use "noop" and "azure".
playbook() {
    {
        echo 'local noop = use "noop"'
        echo "return playbook { name = \"$1\", summary = \"a test\", ${2:+$2,}"
        echo 'run = function(p, ctx)'
        cat
        echo 'end }'
    } >"$work/$1.lua"
}

# one_playbook: $work/one.lua makes the one change that its parameter names, for each action.
one_playbook() {
    local providers=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers
    cat >"$work/one.lua" <<END
local site = use "azure.appservice"
local vault, rbac, nsg = use "azure.keyvault", use "azure.rbac", use "azure.nsg"
local ips = { "203.0.113.9", "203.0.113.10" }
local acts = {
  ["appservice.block_ips"] = function() site.block_ips { id = "$site", ips = ips } end,
  ["appservice.stop"] = function() site.stop { id = "$site" } end,
  ["appservice.disable_publishing"] = function() site.disable_publishing { id = "$site" } end,
  ["keyvault.rotate_secret"] = function() vault.rotate_secret { vault = "shop-kv", name = "db-password" } end,
  ["keyvault.disable_secret"] = function() vault.disable_secret { vault = "shop-kv", name = "payment-key" } end,
  ["rbac.remove"] = function() rbac.remove { id = "$providers/Microsoft.Authorization/roleAssignments/a0000000-0000-4000-8000-000000000001" } end,
  ["nsg.block_ips"] = function() nsg.block_ips { id = "$providers/Microsoft.Network/networkSecurityGroups/shop-nsg", ips = ips } end,
}
return playbook { name = "one", summary = "one change", params = { what = { "string", "which" } },
  run = function(p, ctx) acts[p.what]() end }
END
}

# -- Tests ---------------------------------------------------------------------------------

tell() { # tell NAME FUNCTION
    if "$2"; then
        passed=$((passed + 1))
        echo "ok    $1"
    else
        failed=$((failed + 1))
        echo "not ok $1"
    fi
    kill_engines
}

summary() {
    echo "$passed passed, $failed failed"
    ((failed == 0))
}
