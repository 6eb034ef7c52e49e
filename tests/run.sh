#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every built test program and every tests/*/run.sh, and counts. make test calls it.
#
#   BUILD=/abs/build/release [T=pattern] tests/run.sh
#
# T chooses by file path: "unit", "journal", "tests/crash". A section prints "ok name" and
# "not ok name" lines and ends in "N passed, M failed"; one that does not end so, or whose
# exit status tells another story than its count, is a failure itself. Scripts find what
# was built in BUILD, CORDON, AZSIM, PLUGINS, FIXTURES and SHIM, and start in the root of
# the tree. tests/conformance and tests/bench have targets of their own.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

: "${BUILD:?the absolute build folder, as make test gives it}"
T=${T:-}
# What one section may take. Each test in it has a limit of its own; this is for a harness
# that hangs.
SECTION_SECONDS=${SECTION_SECONDS:-1200}
JOBS=${JOBS:-$(nproc)}
export BUILD SAN="${SAN:-}" TESTS="$PWD/tests"
export CORDON=$BUILD/cordon AZSIM=$BUILD/azsim PLUGINS=$BUILD/plugins
export FIXTURES=$BUILD/tests/plugins SHIM=$BUILD/tests/shim.so
# The shim of the crash tests stands before the sanitizer's library, and only counts calls.
export ASAN_OPTIONS=${ASAN_OPTIONS:-verify_asan_link_order=0:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

passed=0
failed=0
bad=()
work=$(mktemp -d)
beside=
close() {
    local pid
    for pid in $(jobs -p); do
        pkill -P "$pid" # what a program's shell has started; a script is timeout itself
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap close EXIT
trap 'exit 130' INT TERM

wanted() {
    [[ -z $T || $1 == *$T* ]]
}

limited=(timeout --kill-after=10 "$SECTION_SECONDS")

# section NAME COMMAND...
section() {
    local out=$work/out
    echo "# $1"
    "${limited[@]}" "${@:2}" 2>&1 </dev/null | tee "$out"
    count "$1" "$out" "${PIPESTATUS[0]}"
}

# count NAME FILE STATUS: what a section said, and whether that is all.
count() {
    local name=$1 last status=$3 p=0 f=0
    last=$(tail -n 1 "$2")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    else
        echo "not ok $name ends in no count"
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

# Programs of C, JOBS at once, since each is busy with one thing; shown in their order, each as
# soon as those before it are.
programs=()
for source in tests/unit/test_*.c tests/sim/test_*.c tests/sandbox/test_*.c \
    plugins/*/test_*.c; do
    if [[ -e $source ]] && wanted "$source"; then programs+=("$source"); fi
done
shown=0
show_ended() { # shows those that have ended, up to the first that has not
    local name
    while ((shown < ${#programs[@]})) && [[ -e $work/$shown.status ]]; do
        name=${programs[shown]}
        echo "# $name"
        cat "$work/$shown"
        count "$name" "$work/$shown" "$(<"$work/$shown.status")"
        ((++shown))
    done
}
program() { # program NUMBER: its output and its status become files
    local name
    name=$(basename "${programs[$1]}" .c)
    "${limited[@]}" "$BUILD/tests/$name" >"$work/$1" 2>&1 </dev/null
    echo $? >"$work/$1.new" && mv "$work/$1.new" "$work/$1.status"
}
under_way=0
for number in "${!programs[@]}"; do
    if ((under_way >= JOBS)); then
        wait -n
        ((under_way--))
        show_ended
    fi
    program "$number" &
    ((++under_way))
done
wait
show_ended
# What takes longest mostly waits: it goes on beside the other scripts, and is shown behind them.
long=tests/crash/run.sh
if [[ -e $long ]] && wanted "$long"; then
    "${limited[@]}" bash "$long" >"$work/beside" 2>&1 </dev/null &
    beside=$!
fi
for script in tests/*/run.sh; do
    if [[ ! -e $script ]] || ! wanted "$script"; then continue; fi
    case $script in
    tests/conformance/* | tests/bench/* | "$long") continue ;;
    esac
    section "$script" bash "$script"
done
if [[ -n $beside ]]; then
    wait "$beside"
    status=$?
    beside=
    echo "# $long"
    cat "$work/beside"
    count "$long" "$work/beside" "$status"
fi

echo
if ((passed + failed == 0)); then
    echo "no test's path contains \"$T\"" >&2
    failed=1
fi
for name in "${bad[@]}"; do
    echo "failed: $name"
done
echo "$passed passed, $failed failed"
((failed == 0))
