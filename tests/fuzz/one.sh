#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One parser against foreign bytes for FUZZ_TIME seconds: tests/fuzz/one.sh FUZZER, from the
# root, with B the build folder. Says in one line how it went, or all of it when it found
# something; what it was is then in B.
set -uo pipefail
name=${1##*/fuzz_}
folders=("$B/corpus/$name")
log=$B/$name.log

mkdir -p "$B/corpus/$name"
if [[ -d tests/fuzz/corpus/$name ]]; then folders+=("tests/fuzz/corpus/$name"); fi
if "$1" -max_total_time="$FUZZ_TIME" -seed="$FUZZ_SEED" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$B/$name-" "${folders[@]}" >"$log" 2>&1; then
    runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
    echo "ok    $name: $runs inputs"
    ((runs > 0))
else
    cat "$log"
    echo "not ok $name"
    exit 255 # xargs begins no more
fi
