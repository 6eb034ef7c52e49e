#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every built test program and every tests/*/run.sh, and counts. make test calls it.
#
#   BUILD=/abs/build/release [T=pattern] tests/run.sh
#
# T selects sections by file path: "unit", "journal", "tests/crash". A section prints "ok name"
# and "not ok name" lines and ends with "N passed, M failed". A section without this last line,
# or with an exit status that contradicts its count, is itself a failure.
#
# Sections run side by side, LANES at once, the longest first: most of them wait for processes,
# clocks and disks more than they compute. The output of a section appears when the section ends.
# The run ends with the ten slowest tests; a test's time is the time between its line and the
# line before it.
#
# Scripts find the products in BUILD, CORDON, AZSIM, PLUGINS, FIXTURES and SHIM, and start in the
# root of the tree. tests/conformance and tests/bench have targets of their own.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

: "${BUILD:?the absolute build folder, as make test gives it}"
T=${T:-}
# The limit of one section. Each test has a limit of its own; this one ends a harness that hangs.
SECTION_SECONDS=${SECTION_SECONDS:-1200}
JOBS=${JOBS:-$(nproc)}
LANES=${LANES:-$((2 * JOBS))}
SLOWEST=${SLOWEST:-10}
export BUILD SAN="${SAN:-}" TESTS="$PWD/tests"
export CORDON=$BUILD/cordon AZSIM=$BUILD/azsim PLUGINS=$BUILD/plugins
export FIXTURES=$BUILD/tests/plugins SHIM=$BUILD/tests/shim.so
# The crash shim loads before the sanitizer's library; the shim only counts calls.
export ASAN_OPTIONS=${ASAN_OPTIONS:-verify_asan_link_order=0:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

# The sections that take longest, so that none of them starts last, and last of these one that
# stands beside a run.sh. A section that is not listed starts after these, scripts before programs.
longest=(
    tests/crash/run.sh
    tests/azure/run.sh
    tests/evil/run.sh
    tests/hooks/run.sh
    tests/told/run.sh
    tests/acceptance/edits.sh
    tests/acceptance/binding.sh
    tests/crash/order.sh
)

work=$(mktemp -d)
declare -A lane_of=()
close() {
    local pid
    for pid in "${!lane_of[@]}"; do
        pkill -P "$pid" # timeout(1), which passes the signal on to its section
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap close EXIT
trap 'exit 130' INT TERM

wanted() {
    [[ -e $1 && (-z $T || $1 == *$T*) ]]
}

# -- Which sections, in which order -------------------------------------------------------

# tests/acceptance/run.sh only collects its parts, and each part is a section here.
all_sections() {
    local path
    printf '%s\n' "${longest[@]}"
    for path in tests/*/run.sh; do
        case $path in
        tests/conformance/* | tests/bench/* | tests/acceptance/*) continue ;;
        esac
        printf '%s\n' "$path"
    done
    for path in tests/acceptance/*.sh; do
        case $path in */lib.sh | */run.sh) continue ;; esac
        printf '%s\n' "$path"
    done
    printf '%s\n' tests/sim/test_*.c tests/sandbox/test_*.c tests/unit/test_*.c plugins/*/test_*.c
}
sections=()
while read -r path; do
    if wanted "$path"; then sections+=("$path"); fi
done < <(all_sections | awk '!seen[$0]++')

# -- Running one --------------------------------------------------------------------------

# Adds to each line the microseconds since the line before.
stamped() {
    local line now before=${EPOCHREALTIME/[.,]/}
    while IFS= read -r line || [[ -n $line ]]; do
        now=${EPOCHREALTIME/[.,]/}
        printf '%s\t%s\n' $((now - before)) "$line"
        [[ $line != *ok* ]] || before=$now
    done
}

# run_section NUMBER: its stamped lines, its time and its status become files.
run_section() {
    local path=${sections[$1]} began=${EPOCHREALTIME/[.,]/} command
    case $path in
    *.c) command=("$BUILD/tests/$(basename "$path" .c)") ;;
    *) command=(bash "$path") ;;
    esac
    timeout --kill-after=10 "$SECTION_SECONDS" "${command[@]}" 2>&1 </dev/null |
        stamped >"$work/$1.out"
    echo "${PIPESTATUS[0]} $((${EPOCHREALTIME/[.,]/} - began))" >"$work/$1.end"
}

# -- Counting -----------------------------------------------------------------------------

passed=0
failed=0
bad=()

# count NAME LAST_LINE STATUS: adds what a section says of itself, if the parts agree.
count() {
    local name=$1 last=$2 status=$3 p=0 f=0
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    else
        echo "not ok $name ends without a count"
        f=1
    fi
    if ((status != 0 && f == 0)); then
        echo "not ok $name ended with status $status"
        f=1
    elif ((status == 0 && p + f == 0)); then
        echo "not ok $name ran no test"
        f=1
    fi
    ((passed += p, failed += f))
    ((f == 0)) || bad+=("$name")
}

seconds() { # seconds MICROSECONDS
    printf '%d.%d s' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

# show NUMBER: the output of a section that ended.
show() {
    local name=${sections[$1]} status=1 took=0
    [[ ! -e $work/$1.end ]] || read -r status took <"$work/$1.end"
    echo "# $name ($(seconds "$took"))"
    cut -f2- "$work/$1.out"
    count "$name" "$(tail -n 1 "$work/$1.out" | cut -f2-)" "$status"
    awk -F'\t' -v section="$name" '$2 ~ /^(not )?ok / {
        sub(/^(not )?ok +/, "", $2); printf "%d\t%s\t%s\n", $1, section, $2 }' \
        "$work/$1.out" >>"$work/times"
}

# Waits for the next section that ends, and shows it.
next_end() {
    local pid
    wait -n -p pid
    show "${lane_of[$pid]}"
    unset "lane_of[$pid]"
}

for number in "${!sections[@]}"; do
    ((${#lane_of[@]} < LANES)) || next_end
    run_section "$number" &
    lane_of[$!]=$number
done
while ((${#lane_of[@]} > 0)); do next_end; done

echo
if ((passed + failed == 0)); then
    echo "no test's path contains \"$T\"" >&2
    failed=1
elif ((SLOWEST > 0)) && [[ -s $work/times ]]; then
    echo "the slowest tests:"
    sort -rn "$work/times" | head -n "$SLOWEST" |
        awk -F'\t' '{ printf "%7.1f s  %s: %s\n", $1 / 1e6, $2, $3 }'
fi
echo "${#sections[@]} sections in $SECONDS s, $LANES at once"
for name in "${bad[@]}"; do
    echo "failed: $name"
done
echo "$passed passed, $failed failed"
((failed == 0))
