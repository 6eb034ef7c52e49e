#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The policy as people meet it: tests of one, mistakes in one, and what explains a run.
#
#   BUILD=/abs/build/release tests/policy/run.sh
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

: "${BUILD:?the absolute build folder, as make test gives it}"
CORDON=${CORDON:-$BUILD/cordon} AZSIM=${AZSIM:-$BUILD/azsim} PLUGINS=${PLUGINS:-$BUILD/plugins}
work=$(mktemp -d)
state=$work/state
passed=0 failed=0 wrong=
unset CORDON_STATE CORDON_CONFIG CORDON_PLAYBOOKS
# shellcheck source=tests/e2e/shop.sh
source tests/e2e/shop.sh

end() {
    local pid
    shop_close
    while read -r pid; do kill -KILL "$pid" 2>/dev/null; done \
        < <(grep -lsF -f <(printf '%s' "$work/") /proc/[0-9]*/cmdline | cut -d/ -f3)
    rm -rf "$work"
}
trap end EXIT

tell() { # ok when nothing was found wrong since the last one
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
cordon() { # cordon EXIT ARGS...: the output in $out
    local wanted=$1
    shift
    out=$(timeout 60 "$CORDON" "$@" --state "$state" 2>&1 </dev/null)
    local was=$?
    ((was == wanted)) || wrong+="  cordon $1 $2: exit code $was, wanted $wanted: $out"$'\n'
}
has() { # has TEXT...: in the output
    local text
    for text in "$@"; do
        [[ $out == *"$text"* ]] || wrong+="  wanted '$text' in: $out"$'\n'
    done
}
lacks() {
    [[ $out != *"$1"* ]] || wrong+="  did not want '$1' in: $out"$'\n'
}
change() { # change SED: in the policy; it is read anew
    sed -i "$1" "$state/policy.lua"
}
shop_policy() {
    cp "$work/policy.lua" "$state/policy.lua"
}

shop_open "$work" && state_make "$state" >/dev/null || exit 1
cp "$state/policy.lua" "$work/policy.lua"
sub=33333333-3333-3333-3333-333333333333
nsg=/subscriptions/$sub/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/shop-nsg
writes() {
    grep -cE '"(web|network|role|secret|kv)[a-z.]*\.(stop|put|delete|restrictions|publishing|config)' \
        "$work/requests.jsonl"
}

# -- tests of a policy ---------------------------------------------------------------------

cordon 0 policy test playbooks/policy.test.lua
has "13 passed, 0 failed"
tell "the shipped policy says what its table says"

cp playbooks/policy.lua "$work/p.lua"
cat >"$work/p.test.lua" <<'END'
return {
  { name = "at the weekend two", action = "azure.appservice.stop", target = "/s",
    time = "2026-11-28T12:00:00Z", tags = { env = "prod" }, alert = { severity = "low" },
    expect = { need = 2, rules = { "stopping, disabling and removing need a change manager",
                                   "weekend" } } },
  { name = "on a Friday one", action = "azure.appservice.stop", target = "/s",
    time = "2026-11-27T12:00:00Z", tags = { env = "prod" }, expect = { need = 1 } },
  { name = "in the freeze its path", action = "azure.appservice.stop", target = "/s",
    time = "2026-12-24T12:00:00Z",
    expect = { need = 1, from = { "change-managers", "soc" }, freezes = { "holidays" } } },
  { name = "what the freeze forbids", action = "azure.rbac.remove", target = "/s",
    time = "2026-12-24T12:00:00Z", expect = { forbidden = true } },
}
END
sed -i 's/^  rules = {/&\
    { name = "weekend", match = { time = { days = { "sat", "sun" } }, tag = "env=prod" },\
      need = 2, from = { "change-managers" } },/
s/^  guards = {/  freeze = {\
    { name = "holidays", from = "2026-12-20T00:00:00Z", to = "2027-01-02T00:00:00Z",\
      match = { action = "*.stop" }, emergency = { need = 1, from = "soc" } },\
    { name = "rights", from = "2026-12-20T00:00:00Z", to = "2027-01-02T00:00:00Z",\
      match = { action = "azure.rbac.*" } },\
  },\
&/' "$work/p.lua"
cordon 0 policy test "$work/p.test.lua"
has "4 passed, 0 failed"
sed -i 's/need = 2, rules/need = 3, rules/; s/forbidden = true/need = 1/' "$work/p.test.lua"
cordon 1 policy test "$work/p.test.lua"
has "2 passed, 2 failed" "need: want 3, got 2" 'forbidden: want false, got "freeze'
cordon 1 policy test "$work/p.test.lua" --json
has '"failed":2' '"need":2'
tell "a table asks about time, tags and freezes, and what is not as expected is told"

sed -i 's/tags = { env = "prod" }, expect/tgas = {}, expect/' "$work/p.test.lua"
cordon 2 policy test "$work/p.test.lua"
has "p.test.lua:7:36: [1]: unknown member \"tgas\""
cordon 2 policy test "$work/p.lua"
has "is not called NAME.test.lua"
cordon 2 policy explian r-1
has "did you mean explain"
tell "a table with a mistake is refused with its place, and so is a misspelt word"

# -- mistakes --------------------------------------------------------------------------------

mistake() { # mistake SED TEXT: nothing that changes anything runs, and the sentence says where
    shop_policy
    change "$1"
    cordon 6 run playbooks/block-attacker-ip.lua --param "nsg=$nsg" --param ips=203.0.113.7
    has "$2" "nothing that changes anything runs"
    cordon 6 policy show
    has "$2"
}
before=$(writes)
mistake 's/self_approval = true/self_aproval = true/' 'policy.lua:4:3: unknown member "self_aproval", did you mean "self_approval"?'
mistake 's/match = { action = "\*.block_ips" }/match = { acton = "x" }/' 'policy.lua:6:57: rules[0].match: unknown member "acton"'
mistake 's/soc = { [^}]*}/soc = {}/' "groups.soc: want a list with at least one name"
has "policy.lua:3:"
mistake 's/from = { "change-managers" }/from = { "change-mangers" }/' 'policy.lua:9:17: rules[1].from: no group "change-mangers" is in groups'
mistake 's/need = 1,/need = ,/' "policy.lua:9:14: unexpected symbol near ','"
mistake 's/need = 1,/need = -1,/' "policy.lua:9:7: rules[1].need: want at least 0, got -1"
[[ $(writes) == "$before" ]] || wrong+="  something was written"$'\n'
tell "a policy with a mistake is refused with line and column, and nothing is changed until it is right"

shop_policy
cordon 0 run playbooks/block-attacker-ip.lua --param "nsg=$nsg" --param ips=203.0.113.7
(($(writes) > before)) || wrong+="  nothing was written"$'\n'
tell "once it is right, things run again"

# -- explain -----------------------------------------------------------------------------------

run=$(grep -o "r-[0-9][0-9]*" <<<"$out" | sed 1q)
cordon 0 policy explain "$run"
has "azure.nsg.block_ips on ${nsg,,}" "rules   blocking addresses goes ahead" "guard   none stood against it"
step=$(sed -n 's/^  \([0-9]*\/[0-9]*\)  azure.*/\1/p' <<<"$out")
cordon 0 policy explain "$run" "$step"
has "rules   blocking addresses goes ahead"
cordon 2 policy explain "$run" 0/9
has "run $run has no change at step 0/9" "cordon policy explain $run"
cordon 2 policy show nonesuch
has "takes nothing more"
tell "a step that was done is explained with the rule that let it go, and one that is not there is refused"

explained() { # explained PLAYBOOK PARAM...: before and after it runs, each change has its rules
    local playbook=$1 count
    shift
    cordon 0 policy explain "${playbooks:-playbooks}/$playbook.lua" "$@"
    count=$(grep -c '^  [0-9]' <<<"$out")
    ((count > 0)) && [[ $count == $(grep -c '^      rules ' <<<"$out") ]] ||
        wrong+="  not each of $count changes has rules: $out"$'\n'
    tell "explain answers for each of the $count changes that $playbook would make"
    cordon 3 run "${playbooks:-playbooks}/$playbook.lua" "$@"
    run=$(grep -o "r-[0-9][0-9]*" <<<"$out" | sed 1q)
    cordon 0 policy explain "$run"
    has "waits at a gate g-" "needs 1 of change-managers" "rules   the rest needs a change manager"
    cordon 0 policy explain "$run" --json
    has '"now":{' '"rules":["the rest needs a change manager"]'
    cordon 0 approve "${run/r-/g-}-1" --yes --reason seen
    cordon 0 policy explain "$run"
    has "state   done, approved at g-" "rules   the rest needs a change manager"
    lacks "waits at a gate"
    tell "explain answers for each step of $playbook, waiting and done"
}
explained remove-rogue-role-assignment --param "scope=$sub" \
    --param principal=77777777-aaaa-4aaa-8aaa-777777777777
explained contain-app-service --param "app=$site" --param ips=198.51.100.9
# One person sits here, and the playbook asks two.
mkdir "$work/playbooks"
sed 's/need = 2/need = 1/' playbooks/rotate-exposed-secret.lua >"$work/playbooks/rotate-exposed-secret.lua"
playbooks=$work/playbooks explained rotate-exposed-secret --param vault=shop-kv --param secret=db-password

# -- freezes and guards, as people read them ---------------------------------------------------

shop_policy
change "s/^  rules = {/  freeze = { { name = \"quarter end\", from = \"2020-01-01T00:00:00Z\", to = \"2099-01-01T00:00:00Z\", match = { action = \"*.block_ips\" } } },\n&/"
cordon 6 run playbooks/block-attacker-ip.lua --param "nsg=$nsg" --param ips=203.0.113.8
has 'freeze "quarter end" is in force until 2099-01-01T00:00:00Z' "emergency"
cordon 0 policy explain playbooks/block-attacker-ip.lua --param "nsg=$nsg" --param ips=203.0.113.8
has "not allowed: freeze" 'freeze  "quarter end" until 2099-01-01T00:00:00Z, without an emergency path'
tell "a freeze says which one it is, until when, and what would be right"

shop_policy
change "s|^  rules = {|  guards = { protected = { \"${nsg^^}\" } },\n&|"
cordon 6 run playbooks/block-attacker-ip.lua --param "nsg=$nsg" --param ips=203.0.113.8
has "guard protected: " "guards.protected in policy.lua, which voids the approvals"
run=$(grep -o "r-[0-9][0-9]*" <<<"$out" | sed 1q)
cordon 0 policy explain "$run"
has "it ended because: guard protected"
tell "a guard says its name, what it stands for, and how it is raised"

# The site has an identity; when that is cordon's, cordon runs there.
state=$work/own
state_make "$state" >/dev/null
# An engine reads the configuration once; the one that state_make started has to end.
await flock -n "$state/lock" true || exit 1
sed -i 's/^        tenant     =/        own        = { object_id = "77777777-aaaa-4aaa-8aaa-777777777777" },\n&/' "$state/cordon.lua"
cat >"$work/playbooks/stop.lua" <<END
local site = use "azure.appservice"
return playbook {
  name = "stop", summary = "stop it",
  run = function(p, ctx) site.stop { id = "$site" } end,
}
END
sim POST edit "{\"path\":\"$site\",\"patch\":{\"properties\":{\"state\":\"Running\"}}}" >/dev/null
before=$(writes)
cordon 6 run "$work/playbooks/stop.lua"
has "guard own: azure.appservice.stop on ${site,,} would cut cordon itself off" \
    "has cordon's own identity: cordon runs there" "no policy lifts that"
[[ $(writes) == "$before" ]] || wrong+="  something was written"$'\n'
tell "the site that cordon itself runs on is not stopped, whatever the policy says"

echo "$passed passed, $failed failed"
((failed == 0))
