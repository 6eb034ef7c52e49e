#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo: an alert, an approval, a crash in the middle, a rollback that meets somebody else's
# edit. Each headline says what the lines under it prove. On a terminal you approve yourself;
# otherwise it goes through alone.
set -euo pipefail

: "${CORDON_BUILD:?run this with \`make demo\`}"
export CORDON="$CORDON_BUILD/cordon" AZSIM="$CORDON_BUILD/azsim" PLUGINS="$CORDON_BUILD/plugins"
# shellcheck source=tests/e2e/shop.sh
. "$(dirname "${BASH_SOURCE[0]}")/shop.sh"

work=$(mktemp -d)
state=$work/state
export CORDON_STATE=$state CORDON_PLAYBOOKS=$repo/playbooks
reaper=

end() {
    [ -n "$reaper" ] && kill "$reaper" 2>/dev/null
    shop_close
    rm -rf "$work"
}
trap end EXIT

bold='' plain=''
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] && bold=$'\e[1m' plain=$'\e[0m'
headline() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '\n$ %s\n' "$*"; }
cordon() { # cordon EXPECTED-EXIT ARGUMENTS: shows the command, runs it, minds its exit code
    local wanted=$1 code=0
    shift
    show "cordon $*"
    "$CORDON" "$@" || code=$?
    if [ "$code" != "$wanted" ]; then
        printf 'the demo wanted exit code %s and got %s\n' "$wanted" "$code" >&2
        exit 1
    fi
}
effects() { # how often each change took place, as the simulator's own log has it
    sim GET log | jq -r '.[] | select(.effect) | .effect' |
        sed -E 's#/subscriptions/.*/providers/##' | sort | uniq -c
}

headline "A small shop in a simulated Azure; cordon's own files in a directory of their own"
shop_open "$work"
mkdir -m 700 "$state"
state_make "$state"

headline "Defender for Cloud says that a web shell is in shop-web. What would cordon do? (nothing is changed)"
alert=$repo/tests/e2e/alert-appservice.json
cordon 0 plan contain-app-service --alert "$alert"

headline "The run: attackers are blocked at once, the rest waits for a change manager"
# The simulator will hold back its answer to the stop; in that moment the engine is killed.
sim POST faults '{"match":{"method":"POST","path_contains":"/shop-web/stop"},"fault":"latency","ms":2500}' >/dev/null
(
    for _ in $(seq 3000); do
        if grep -q '"effect": *"web.stop' "$work/requests.jsonl" 2>/dev/null; then
            pkill -KILL -f -- "--internal-engine --state $state" || true
            exit 0
        fi
        sleep 0.1
    done
) &
reaper=$!

code=0
show "cordon run contain-app-service --alert alert-appservice.json"
"$CORDON" run contain-app-service --alert "$alert" || code=$?
if [ "$code" = 3 ]; then
    headline "The gate lists exactly what will run; its approval is good for that and nothing else"
    code=0
    show "cordon approve g-000001-1 --yes --reason 'confirmed by phone'"
    "$CORDON" approve g-000001-1 --yes --reason 'confirmed by phone' || code=$?
fi
wait "$reaper" || true
reaper=
if [ "$code" != 1 ]; then
    printf 'the engine was to be killed in the middle, and exit code was %s\n' "$code" >&2
    exit 1
fi

headline "The engine was killed by SIGKILL after Azure had stopped the site and before anybody knew"
cordon 0 watch r-000001

headline "Each change took place exactly once, says the simulator's log"
effects

headline "What is contained now, and how to let go of it"
cordon 0 contained

headline "Meanwhile somebody else lets deployments over FTP in again, without asking cordon"
sim POST edit "{\"path\":\"$site/basicPublishingCredentialsPolicies/ftp\",\"patch\":{\"properties\":{\"allow\":true}}}"
echo "ftp publishing is on again, by somebody else's hand"

headline "The rollback puts back what is as we left it, and writes nothing where it is not"
cordon 5 rollback r-000001 --reason 'threat is gone'

headline "A person settles the drift: it stays as that somebody wanted it"
step=$("$CORDON" show r-000002 --json | jq -r '[.rows[] | select(.kind == "drift") | "\(.body.b)/\(.body.n)"][0]')
cordon 0 settle r-000002 "$step" leave --reason 'agreed with the shop team'

headline "The whole story, for the report"
cordon 0 show r-000001
cordon 0 show r-000002
cordon 0 contained

headline "And the journal is whole: every row is chained to the one before it"
cordon 0 doctor

printf '\n%sThe demo is over: contained once, through a crash, and put back without clobbering anybody.%s\n' "$bold" "$plain"
