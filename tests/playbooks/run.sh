#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The playbooks that we ship are checked and keep what their tests say, and the tests notice
# when a playbook is broken: those that answer themselves, and those that are rehearsed.
#
#   BUILD=/abs/build/release tests/playbooks/run.sh
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/wait.sh
. tests/wait.sh

: "${BUILD:?the absolute build folder, as make test gives it}"
CORDON=${CORDON:-$BUILD/cordon} AZSIM=${AZSIM:-$BUILD/azsim} PLUGINS=${PLUGINS:-$BUILD/plugins}
work=$(mktemp -d)
passed=0 failed=0
unset CORDON_STATE CORDON_CONFIG CORDON_PLAYBOOKS
CORDON_LIBEXEC=$(dirname "$AZSIM")
export CORDON_LIBEXEC CORDON_PLUGINS=$PLUGINS
export TMPDIR=$work/tmp # where rehearsals are, so that what they leave is seen
mkdir "$TMPDIR"
requested() { # requested EFFECT: of the simulator of any rehearsal
    grep -qs -- "$1" "$TMPDIR"/*/requests.jsonl
}

# Processes of this test, and no others: their directories are below $work. The word that is
# looked for is not in the command line of what looks.
processes() {
    grep -lsF -f <(printf '%s' "$1") /proc/[0-9]*/cmdline | cut -d/ -f3
}

end() {
    local pid
    [[ -z $runner ]] || kill -KILL "$runner" 2>/dev/null
    for pid in $(processes "$work/"); do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap end EXIT
runner=

cordon() { # the output in $out, its exit code in $status
    out=$(timeout 60 "$CORDON" "$@" --state "$work/state" 2>&1)
    status=$?
}

# tell NAME: ok when nothing was found wrong since the last one.
wrong=
tell() {
    if [[ -z $wrong ]]; then
        passed=$((passed + 1))
        echo "ok    $1"
    else
        failed=$((failed + 1))
        printf '%s' "$wrong" | sed 's/^/# /'
        echo "not ok $1"
    fi
    wrong=
}
is() { # is WHAT WANTED WAS
    [[ $2 == "$3" ]] || wrong+="  $1: wanted '$2', was '$3'"$'\n'
}
has() { # has TEXT: in the output
    [[ $out == *"$1"* ]] || wrong+="  wanted '$1' in: $out"$'\n'
}

# -- As they are shipped -----------------------------------------------------------------

shipped() {
    local path name
    for path in playbooks/*.lua; do
        name=$(basename "$path" .lua)
        case $name in policy | *.test) continue ;; esac
        cordon check "$path"
        is "exit code" 0 "$status"
        has "nothing wrong"
        tell "$name is checked"

        cordon test "$path"
        is "exit code" 0 "$status"
        [[ $out == *rehearsed:* ]] || wrong+="  no case of it is rehearsed"$'\n'
        is "cases that fail" "" "$(grep -A1 '^not ok' <<<"$out")"
        tell "$name keeps what its $(grep -c '^ok' <<<"$out") cases say"
    done
}

# -- Broken on purpose -------------------------------------------------------------------

# broken NAME SED TEXT...: with the change the tests of the playbook fail, and say each TEXT.
broken() {
    local name=$1 change=$2 text
    shift 2
    sed "$change" "playbooks/$name.lua" >"$work/playbooks/$name.lua"
    cmp -s "playbooks/$name.lua" "$work/playbooks/$name.lua" && wrong+="  not broken"$'\n'
    cp "playbooks/$name.test.lua" "$work/playbooks/"
    cordon test "$work/playbooks/$name.lua"
    is "exit code" 1 "$status"
    for text in "$@"; do has "$text"; done
}

nsg=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
site=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop/providers/Microsoft.Web/sites/shop-web

mistakes_are_found() {
    broken contain-app-service '/site.stop {/d' \
        "wish 4 should be azure.appservice.stop, and is azure.appservice.disable_publishing" \
        "effect 2 should be web.stop $site, and is web.publishing" \
        "$site: properties.state should be Stopped, and is Running"
    tell "a step that is missing is found by what is asked for, by effects and by what is left"

    broken contain-app-service '/rbac.remove/d' \
        "wish 7 should be azure.rbac.remove, and there is none" \
        "effect 5 should be role.delete" "0001 should be gone, and is there"
    tell "rights that stay are found"

    broken contain-app-service '/ctx.approve {/,/^    }/d' "wish 3 should be approve, and is" \
        "it should end with denied, and ends with done" \
        "after 1 effects there should be no other, and there is web.stop"
    tell "a gate that is missing is found"

    broken block-attacker-ip 's/ips = p.ips,/ip = p.ips,/' 'unknown member "ip"' \
        "it should end with done, and ends with failed"
    tell "an argument that is misspelt is found"

    broken rotate-exposed-secret 's/need = 2/need = 1/' '"need":2' \
        "it should end with waiting, and ends with done" "there is secret."
    tell "an approver too few is found"
}

# -- What a rehearsal can say ------------------------------------------------------------

# quiet BODY: a playbook with that body of run, which gets the shop's site.
quiet() {
    cat >"$work/playbooks/quiet.lua" <<EOF
local site = use "azure.appservice"
return playbook {
  name = "quiet", summary = "a rehearsal",
  run = function(p, ctx)
    $1
  end,
  recover = function(p, ctx) ctx.rollback() end,
}
EOF
}

# ends STATUS CASE TEXT...: a rehearsal of it with that case ends so, and says each TEXT.
ends() {
    local wanted=$1 text
    printf 'return { { name = "it is so", world = "../plugins/azure/sim/worlds/shop.json", %s } }\n' \
        "$2" >"$work/playbooks/quiet.test.lua"
    shift 2
    cordon test "$work/playbooks/quiet.lua"
    is "exit code" "$wanted" "$status"
    for text in "$@"; do has "$text"; done
}

rehearsals_speak() {
    quiet "site.stop { id = \"$site\" }"
    ends 0 'effects = { "web.stop *" }' "ok      it is so"
    ends 0 "rollback = true, effects = { 'web.stop *', 'web.start *' }"
    ends 0 "recover = true, world_after = { ['$site'] = { properties = { state = 'Running' } } }"
    ends 1 'effects = { "web.start *" }' "effect 1 should be web.start *, and is web.stop $site"
    ends 1 "world_after = { ['$site/none'] = {} }" "$site/none should be there, and is gone"
    ends 1 'ends = "failed"' "it should end with failed, and ends with done"
    tell "effects, the world afterwards and the way back are compared"

    quiet 'local said = ctx.ask { title = "Which?", choices = { "stop", "leave" }, from = "soc" }
    ctx.sleep("1s")
    if said == "stop" then site.stop { id = "'$site'" } end
    ctx.approve { title = "one", from = "soc" }
    ctx.approve { title = "two", from = "soc" }'
    ends 0 'answers = { ask = "leave" }, effects = {}'
    ends 0 'answers = { ask = "stop" }, effects = { "web.stop *" }'
    ends 0 'answers = { ask = "leave", approve = { in_order = { true, true, false } } }, ends = "denied"'
    ends 1 'answers = {}' "the case has no answer for ctx.ask"
    tell "questions are answered and gates decided as the case says"

    printf 'return { groups = { soc = { "*" } }, self_approval = true, guards = { protected = { "*" } } }\n' \
        >"$work/playbooks/strict.lua"
    quiet "site.stop { id = \"$site\" }"
    ends 0 'policy = "strict.lua", ends = "blocked", effects = {}'
    tell "a policy of the case's own is the one that counts"
}

what_cannot_be_tried_says_why() {
    quiet "site.stop { id = \"$site\" }"
    ends 1 'effcts = {}' 'unknown member "effcts", did you mean "effects"?'
    ends 1 'policy = "none.lua"' "none.lua: No such file"
    printf '{ "tenant": 1, }\n' >"$work/playbooks/broken.json"
    printf 'return { { name = "a", world = "none.json" }, { name = "b", world = "broken.json" } }\n' \
        >"$work/playbooks/quiet.test.lua"
    cordon test "$work/playbooks/quiet.lua"
    is "exit code" 1 "$status"
    has "none.json: No such file"
    has "broken.json: line 1"
    CORDON_LIBEXEC=$work/nowhere ends 1 'effects = {}' "azsim was not found: set CORDON_LIBEXEC"
    tell "what is missing or misspelt is named"
}

nothing_is_left() {
    is "directories" "" "$(ls "$TMPDIR")"
    is "processes" "" "$(processes "$TMPDIR/")"
    tell "rehearsals leave no file and no process"

    # In the middle of something that takes half a minute.
    sed 's/"lro_ms": 300/"lro_ms": 30000/' plugins/azure/sim/worlds/shop.json >"$work/playbooks/slow.json"
    cp playbooks/block-attacker-ip.lua "$work/playbooks/"
    cat >"$work/playbooks/block-attacker-ip.test.lua" <<EOF
return { { name = "it takes long", world = "slow.json",
           params = { nsg = "$nsg", ips = { "203.0.113.7" } } } }
EOF
    "$CORDON" test "$work/playbooks/block-attacker-ip.lua" --state "$work/state" >"$work/out" 2>&1 &
    runner=$!
    await_from "$runner" requested network.rule.put
    kill -INT "$runner"
    wait "$runner"
    status=$?
    runner=
    is "exit code" 130 "$status"
    is "said" "cordon: interrupted" "$(<"$work/out")"
    is "directories" "" "$(ls "$TMPDIR")"
    is "processes" "" "$(processes "$TMPDIR/")"
    tell "nor does one that is interrupted"
}

mkdir -p "$work/playbooks" "$work/plugins"
ln -s "$PWD/plugins/azure" "$work/plugins/azure"
cordon plugins trust "$PLUGINS/azure.so"
[[ $status == 0 ]] || echo "# $out"

shipped
mistakes_are_found
rehearsals_speak
what_cannot_be_tried_says_why
nothing_is_left

echo "$passed passed, $failed failed"
((failed == 0))
