#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One parser against foreign bytes: tests/fuzz/one.sh FUZZER, from the root of the tree, with B the
# build folder. It replays the corpora, then tries new inputs for FUZZ_TIME seconds. It prints one
# line, or everything when it found something; the input is then in B.
#
#   FUZZ_SINCE   for example "1 day": new inputs only for a parser whose sources a commit changed
#                since then; the others replay their corpora
set -uo pipefail
name=${1##*/fuzz_}
folders=("$B/corpus/$name")
log=$B/$name.log

# The fuzzer, and the file behind each header that it includes.
sources() {
    local stem
    echo "tests/fuzz/fuzz_$name.c"
    sed -n 's/^#include "\(.*\)\.h"$/\1/p' "tests/fuzz/fuzz_$name.c" | while read -r stem; do
        case $stem in
        ../../*) echo "${stem#../../}.c" ;;
        *) echo "core/$stem.c" ;;
        esac
    done
}
is_changed() {
    local files
    mapfile -t files < <(sources)
    [[ -n $(git log -1 --format=%h --since="$FUZZ_SINCE" -- "${files[@]}" 2>/dev/null) ]]
}

mkdir -p "$B/corpus/$name"
if [[ -d tests/fuzz/corpus/$name ]]; then folders+=("tests/fuzz/corpus/$name"); fi
bound=(-max_total_time="$FUZZ_TIME") how=
if [[ -n ${FUZZ_SINCE:-} ]] && ! is_changed; then
    bound=(-runs=0) how=", its sources have not changed"
fi
if "$1" "${bound[@]}" -seed="$FUZZ_SEED" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$B/$name-" "${folders[@]}" >"$log" 2>&1; then
    runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
    echo "ok    $name: $runs inputs$how"
    ((runs > 0))
else
    cat "$log"
    echo "not ok $name"
    exit 255 # xargs begins no more
fi
