#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Are the azure plugin and its simulator like Azure? Asked of Microsoft's own descriptions,
# sample payloads and clients; make conformance calls it.
#
#   BUILD=/abs/build/release AZURE_SPECS=FOLDER CORDON_VECTORS=FOLDER tests/conformance/run.sh
#
# CORDON_VECTORS holds json (JSONTestSuite), jcs (RFC 8785), schema (JSON-Schema-Test-Suite) and
# wycheproof: what others wrote to try parsers and signatures with; vectors.c tries ours.
# AZURE_SPECS holds specs/specification (API descriptions in their upstream layout), prism
# (one self-contained description for each family) and payloads. The validators and
# clients are installed by npm into build/conformance when they are not there; all else is on
# loopback. A line is a sentence; the last one counts them.

set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build/release}
AZSIM=${AZSIM:-$BUILD/azsim}
# shellcheck disable=SC2034 # the tour uses it
plugin=${PLUGINS:-$BUILD/plugins}/azure.so
shop=$root/plugins/azure/sim/worlds/shop.json
payloads=${AZURE_SPECS:-}/payloads
packages=$root/build/conformance
export NODE_PACKAGES=$packages NODE_NO_WARNINGS=1 NO_COLOR=1

passed=0
failed=0
tmp=$(mktemp -d)
pids=()
trap 'stop_all; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

ok() {
    echo "ok $1"
    passed=$((passed + 1))
}
not_ok() {
    echo "not ok $1"
    [ -n "${2:-}" ] && printf '      %s\n' "$2"
    failed=$((failed + 1))
}
# verdict SENTENCE COMMAND...: the command's output is shown when it fails.
verdict() {
    local what=$1
    shift
    if "$@" >"$tmp/verdict" 2>&1; then
        ok "$what"
    else
        not_ok "$what" "$(head -c 2000 "$tmp/verdict")"
    fi
}
# lines SECONDS SCRIPT ARGS...: a script of ours, whose ok and not ok lines are ours.
lines() {
    local seconds=$1 script=$2 status runs=node
    shift 2
    [ "${script%.sh}" = "$script" ] || runs=bash
    timeout --kill-after=5 "$seconds" "$runs" "$here/$script" "$@" >"$tmp/lines" 2>"$tmp/complaints"
    status=$?
    cat "$tmp/lines"
    passed=$((passed + $(grep -c '^ok ' "$tmp/lines")))
    failed=$((failed + $(grep -c '^not ok ' "$tmp/lines")))
    if [ "$status" != 0 ] && ! grep -q '^not ok ' "$tmp/lines"; then
        not_ok "$script comes to its end" "status $status: $(tail -n 5 "$tmp/complaints")"
    elif ! grep -q '^ok ' "$tmp/lines"; then
        not_ok "$script has something to say"
    fi
}
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# -- Processes --------------------------------------------------------------------------

# start FILE COMMAND...: its output goes to FILE, its id to pid and to pids.
start() {
    local out=$1
    shift
    "$@" >"$out" 2>"$out.err" </dev/null &
    pid=$!
    pids+=("$pid")
}
stop() {
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
stop_all() {
    local one
    for one in "${pids[@]}"; do
        stop "$one"
    done
    pids=()
}
# address FILE: waits for "listening on ADDRESS" in it, and prints the address.
address() {
    local found
    for _ in $(seq 600); do
        found=$(sed -n 's/.*listening on \(https\{0,1\}:[^ ]*\).*/\1/p' "$1" | head -n 1)
        [ -n "$found" ] && echo "$found" && return 0
        sleep 0.1
    done
    return 1
}
# simulator NAME [options]: sets sim, its address.
simulator() {
    local name=$1
    shift
    start "$tmp/$name" "$AZSIM" --port 0 --quiet --world "$shop" "$@"
    sim=$(address "$tmp/$name") && return
    not_ok "the simulator starts" "$(cat "$tmp/$name.err")"
    finish
}
# prisms KIND UPSTREAM: starts a Prism for each family, two at a time, and sets addresses to
# FAMILY=URL words.
prisms() {
    local kind=$1 upstream=$2 family before=
    addresses=()
    for family in $families; do
        local more=()
        [ "$kind" = proxy ] && more=("$upstream")
        [ "$kind" = proxy ] && [ "$family" = keyvault-data ] && more=("$upstream/_vault/shop-kv")
        port=$((port + 1))
        start "$tmp/$kind-$family" node "$packages/node_modules/@stoplight/prism-cli/dist/index.js" \
            "$kind" -h 127.0.0.1 -p "$port" "$AZURE_SPECS/prism/$family.json" "${more[@]}"
        [ -n "$before" ] && address "$tmp/$kind-$before" >"$tmp/nothing"
        before=$family
    done
    for family in $families; do
        if ! url=$(address "$tmp/$kind-$family"); then
            not_ok "the Prism $kind starts for $family" "$(tail -n 3 "$tmp/$kind-$family")"
            finish
        fi
        addresses+=("$family=$url")
    done
}

# -- What has to be there ---------------------------------------------------------------

lacks() {
    echo "conformance: $1" >&2
    exit 2
}
for dir in specs/specification prism payloads; do
    [ -d "${AZURE_SPECS:-}/$dir" ] ||
        lacks "AZURE_SPECS names '${AZURE_SPECS:-}', where there is no folder $dir"
done
[ -d "${CORDON_VECTORS:-}/wycheproof" ] ||
    lacks "CORDON_VECTORS names '${CORDON_VECTORS:-}', where there is no folder wycheproof"
for tool in ssh-keygen node npm jq openssl curl; do
    command -v "$tool" >/dev/null || lacks "$tool is not installed; node has to be 20 or newer"
done
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || lacks "node has to be 20 or newer"

install_packages() {
    cmp -s "$here/package-lock.json" "$packages/installed-lock.json" && return
    echo "# installing what package-lock.json names into build/conformance"
    mkdir -p "$packages" &&
        cp "$here/package.json" "$here/package-lock.json" "$packages/" &&
        (cd "$packages" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund \
            --loglevel=error) >"$tmp/npm" 2>&1 &&
        cp "$here/package-lock.json" "$packages/installed-lock.json"
}
install_packages || lacks "npm cannot install: $(tail -n 3 "$tmp/npm")"

build() {
    local flags=(-std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra)
    [ -n "${SAN:-}" ] && flags+=("-fsanitize=$SAN")
    driver=$tmp/driver
    # shellcheck disable=SC2046
    ${CC:-cc} "${flags[@]}" -I"$root/include" "$root/tests/azure/driver.c" -o "$driver" \
        $(pkg-config --cflags --libs libcurl libcjson) &&
        ${CC:-cc} "${flags[@]}" -I"$root/core" $(pkg-config --cflags lua5.4) "$here/alerts.c" "$BUILD/libcordon.a" \
            -o "$tmp/alerts" $(pkg-config --libs lua5.4 libsodium libseccomp) -lm &&
        ${CC:-cc} "${flags[@]}" -I"$root/core" "$here/vectors.c" "$BUILD/libcordon.a" \
            -o "$tmp/vectors" $(pkg-config --libs libsodium libcrypto) -lm
}
build || lacks "the test programs cannot be built"
# shellcheck source=tests/conformance/tour.sh
. "$here/tour.sh"
tour_log=$tmp/tour.log

# -- Vectors ----------------------------------------------------------------------------

# Each group is a line of its own, with its count.
vectors() {
    "$tmp/vectors" "$CORDON_VECTORS" >"$tmp/lines" 2>"$tmp/complaints"
    cat "$tmp/lines"
    passed=$((passed + $(grep -c '^ok ' "$tmp/lines")))
    failed=$((failed + $(grep -c '^not ok ' "$tmp/lines")))
    grep -q '^ok json_web_crypto' "$tmp/lines" || not_ok "the vectors come to their end" "$(tail -n 3 "$tmp/complaints")"
}
# same_verdict SIGNATURE MESSAGE NAMESPACE: ours is ssh-keygen's.
same_verdict() {
    local theirs=1 ours=1
    ssh-keygen -Y check-novalidate -n "$3" -s "$1" <"$2" >"$tmp/theirs" 2>&1 && theirs=0
    "$tmp/vectors" sshsig "$1" "$2" "$3" >"$tmp/ours" 2>&1 && ours=0
    ((theirs == 0 && ++sshsig_good))
    ((++sshsig_cases))
    [ "$theirs" = "$ours" ] || {
        echo "# $1 $2 $3: ssh-keygen says $theirs, we say $ours: $(cat "$tmp/ours")"
        ((++sshsig_wrong))
    }
}
# Ed25519 and ECDSA on two curves, hashes of both kinds, messages of many lengths; each signature also
# for another message, another namespace, and with each of some of its letters changed.
sshsig() {
    local type bits message hash at letter
    sshsig_cases=0 sshsig_good=0 sshsig_wrong=0
    for type in "ed25519 256" "ecdsa 256" "ecdsa 384"; do
        bits=${type#* } type=${type% *}
        rm -f "$tmp/key-of" "$tmp/key-of.pub"
        ssh-keygen -q -t "$type" -b "$bits" -N "" -f "$tmp/key-of" >"$tmp/nothing"
        for message in 0 1 63 64 1000 70000; do
            for hash in sha256 sha512; do
                head -c "$message" /dev/urandom >"$tmp/message"
                rm -f "$tmp/message.sig"
                ssh-keygen -q -Y sign -n approval@cordon -O hashalg="$hash" -f "$tmp/key-of" "$tmp/message" 2>"$tmp/nothing"
                same_verdict "$tmp/message.sig" "$tmp/message" approval@cordon
                same_verdict "$tmp/message.sig" "$tmp/message" file
                { cat "$tmp/message"; echo; } >"$tmp/other"
                same_verdict "$tmp/message.sig" "$tmp/other" approval@cordon
            done
        done
        for at in $(seq 30 17 270); do
            letter=$(head -c "$at" "$tmp/message.sig" | tail -c 1)
            [[ $letter == [A-Za-z0-9] ]] || continue
            { head -c $((at - 1)) "$tmp/message.sig"; [ "$letter" = Q ] && printf R || printf Q; tail -c "+$((at + 1))" "$tmp/message.sig"; } >"$tmp/changed.sig"
            same_verdict "$tmp/changed.sig" "$tmp/message" approval@cordon
        done
    done
    local said="SSHSIG: $sshsig_cases signatures are judged as ssh-keygen judges them, $sshsig_good of them good"
    if [ "$sshsig_wrong" = 0 ] && [ "$sshsig_good" -ge 36 ] && [ "$sshsig_cases" -ge 130 ]; then ok "$said"; else not_ok "$said" "$sshsig_wrong are not"; fi
}

# -- Alerts -----------------------------------------------------------------------------

# shellcheck disable=SC2317 # verdict calls it
# becomes FILE CHANGE KIND EXPECTED: see alerts.tsv
becomes() {
    local kind=$3 is
    [ "$kind" = - ] && kind=
    jq "$2" "$payloads/$1" >"$tmp/delivery" || return
    "$tmp/alerts" "$tmp/delivery" "$kind" >"$tmp/became" 2>"$tmp/said"
    is=$?
    if [ "${4:0:1}" = "!" ]; then
        [ "$is" = 1 ] && grep -qF "${4:1}" "$tmp/said" && return
    elif [ "$is" = 0 ]; then
        jq -se --argjson want "$4" '. as $is | ($is | length) == ($want | length) and
            all(range($want | length); . as $i |
                all($want[$i] | to_entries[]; $is[$i][.key] == .value))' "$tmp/became" \
            >"$tmp/same" && return
    fi
    echo "should be $4, is $(jq -c 'del(.raw)' "$tmp/became") $(cat "$tmp/said")"
    return 1
}
# shellcheck disable=SC2317 # verdict calls it
kept() {
    [ "$("$tmp/alerts" "$payloads/$1" | jq -Sc .raw)" = "$(jq -Sc . "$payloads/$1")" ]
}
alerts() {
    local file change kind wanted each
    while IFS=$'\t' read -r file change kind wanted; do
        [ "${file:0:1}" = "#" ] && continue
        verdict "an alert of $kind: $file${change#.}" becomes "$file" "$change" "$kind" "$wanted"
    done <"$here/alerts.tsv"
    verdict "each payload that is there is looked at, or said to be no delivery" diff \
        <(cd "$payloads" && find . -name '*.json' | sed 's,^\./,,' | sort) \
        <(sed -n 's/^# no delivery: \([^ ]*\) .*/\1/p; /^#/!s/\t.*//p' "$here/alerts.tsv" | sort -u)
    for each in defender/alert-arm.json defender/workflow-automation-alert.sample.json \
        defender/activity-log-alert.json sentinel/incident-arm.json graph/alert-v2.json \
        monitor/common-alert-metric-resolved.json; do
        verdict "what came in is kept as it was: $each" kept "$each"
    done
}

# -- The plugin against the simulator, and what others say of it ------------------------

on_tour() {
    : >"$tour_log"
    if tour "$@"; then
        ok "the plugin's tour of its actions ends as it should, $what"
    else
        not_ok "the plugin's tour of its actions ends as it should, $what" \
            "$(head -n 20 "$tour_log")"
    fi
}

part=
sort_records() {
    if [ -n "$part" ]; then
        mkdir -p "$tmp/records/$part"
        find "$tmp/record" -name '*.json' -exec mv -t "$tmp/records/$part" {} +
    fi
    part=$1
    echo "$1" >>"$tmp/parts"
}
recorded() {
    mkdir -p "$tmp/record"
    simulator recording --record "$tmp/record"
    what="while it is recorded"
    on_tour "$sim" sort_records
    sort_records ""
    stop "$pid"
    # What only polls (alerts, incidents, a queue) is of services that no description here is of:
    # tests/pull meets those.
    verdict "the tour has each action of the plugin that a description is of" diff \
        <(sed -n 's/^ *\.name = "\(azure\..*\)",$/\1/p' "$root"/plugins/azure/*.c |
            grep -v '^azure\.\(defender\|graph\|queue\)\.' | sort) \
        <(grep '^azure\.' "$tmp/parts" | sort)
    lines 90 traffic.mjs "$AZURE_SPECS/specs/specification" "$tmp/records"
}

# shellcheck disable=SC2317 # the tour calls it
say_part() { curl -s -m 10 -o "$tmp/nothing" --data-raw "$1" "$gateway/_part"; }
proxied() {
    simulator proxied
    prisms proxy "$sim"
    start "$tmp/gateway" node "$here/gateway.mjs" "$sim" "$tmp/exchanges" "${addresses[@]}"
    gateway=$(address "$tmp/gateway") || lacks "the gateway does not start"
    what="through Prism"
    on_tour "$gateway" say_part
    stop_all
    lines 30 proxied.mjs "$tmp/exchanges"
}
replayed() {
    prisms mock ""
    lines 60 replay.mjs "$tmp/exchanges" "${addresses[@]}"
    stop_all
}

clients() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=azsim \
        -addext subjectAltName=IP:127.0.0.1,DNS:shop-kv.vault.azure.net -keyout "$tmp/key" -out "$tmp/cert" 2>"$tmp/openssl" ||
        lacks "openssl makes no certificate: $(tail -n 1 "$tmp/openssl")"
    simulator clients --tls-cert "$tmp/cert" --tls-key "$tmp/key"
    NODE_EXTRA_CA_CERTS=$tmp/cert lines 120 sdk.mjs "$sim"
    stop_all
}

families=$(cd "$here" && node -e 'import("./families.mjs").then((f) => console.log(f.names.join(" ")))')
port=$((20000 + RANDOM % 10000))
echo "# vectors of others: JSON, RFC 8785, JSON Schema, signatures and keys"
vectors
sshsig
echo "# alerts as their sources send them"
alerts
echo "# the same over HTTPS, to a daemon"
CORDON=$BUILD/cordon AZSIM=$AZSIM PLUGINS=$BUILD/plugins PAYLOADS=$payloads ALERTS=$tmp/alerts lines 120 wire.sh
echo "# recorded traffic, looked at by oav"
recorded
echo "# the simulator behind Prism proxies"
proxied
echo "# the plugin's requests, sent to Prism mocks"
replayed
echo "# Microsoft's clients, unchanged, against the simulator"
clients
finish
