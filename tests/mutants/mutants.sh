#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Do the tests detect bugs? Each tests/mutants/*.patch plants one bug in a copy of the tree. The copy
# is built, and suites run until one of them fails: then the bug is killed. make mutants calls this.
#
#   ONLY=pattern      the patches whose names contain the pattern, a basic regular expression
#   MUTANT_SECONDS    the longest time for the suites of one patch (900)
#   FRESH=1           forget earlier results
#
# The lines above a patch's first "---" say what it is:
#
#   bug: one sentence
#   try: tests/sim/test_gates.c [more suites]     where the bug should be killed, the cheapest first
#
# For those that survive these come all test programs, from the quickest on. A suite counts only when
# it passes without any bug, which is seen first, and a shell suite must fail twice at the same test:
# on a busy machine one may fail for want of time.
#
# Results are kept in build/mutants/results; an interrupted session goes on where it was. A result
# is kept as long as the tree and the patch are the same. Patches that no suite kills must be named in
# tests/mutants/survivors, with the reason. Exit status 1: a patch does not apply or does not build,
# an unnamed one survived, or a named one was killed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

root=$PWD
work=$root/build/mutants
tree=$work/tree
bin=$tree/build/release
results=$work/results
baseline=$work/baseline
patches=$root/tests/mutants
survivors=$patches/survivors
ONLY=${ONLY:-}
MUTANT_SECONDS=${MUTANT_SECONDS:-900}
JOBS=${JOBS:-$(nproc)}
export LANES=1 SLOWEST=0
unset MAKEFLAGS MAKELEVEL MFLAGS SAN T WERROR

# -- The copy -----------------------------------------------------------------------------

# make compares times, so a file whose content is another one than in the last session gets a time
# of its own, also when it was a bug that an interrupted session had planted.
copy_tree() {
    local file
    rm -rf "$work/new"
    mkdir -p "$tree" "$work/new"
    tar -cf - --exclude=./build --exclude=./.git --exclude=node_modules . | tar -xf - -C "$work/new"
    (cd "$work/new" && find . ! -type d -print) | sort >"$work/files"
    (cd "$tree" && find . -path ./build -prune -o ! -type d -print) | sort | comm -13 "$work/files" - |
        (cd "$tree" && xargs -r rm -f)
    while read -r file; do
        ! cmp -s "$work/new/$file" "$tree/$file" || continue
        mkdir -p "$(dirname "$tree/$file")"
        cp -P "$work/new/$file" "$tree/$file"
    done <"$work/files"
    rm -rf "$work/new"
}

# What results depend on: all that is built or run, and not the patches.
tree_hash() {
    (cd "$tree" && find . -path ./build -prune -o -path ./tests/mutants -prune -o -path ./docs -prune \
        -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

build() { # build TARGET...: into $work/build.log
    make -s -C "$tree" -j"$JOBS" "$@" >"$work/build.log" 2>&1
}

# -- Suites -------------------------------------------------------------------------------

program_of() { # program_of SUITE: the make target of a test program
    printf 'build/release/tests/%s\n' "$(basename "$1" .c)"
}

# run_suite SUITE SECONDS: status 0 when it passes; its output is in $work/suite.log.
run_suite() {
    (cd "$tree" && SECTION_SECONDS=$2 BUILD=$bin T=$1 bash tests/run.sh) >"$work/suite.log" 2>&1
}

# The first test that failed, or what the suite ended with.
killer() {
    sed -n 's/^not ok *//p' "$work/suite.log" | head -n 1
}

# is_sound SUITE: does it pass without a bug? It is run for that once.
is_sound() {
    local began verdict
    verdict=$(awk -F'\t' -v suite="$1" '$1 == suite { print $2 }' "$baseline")
    if [[ -z $verdict ]]; then
        began=$SECONDS
        case $1 in
        *.c) build products "$(program_of "$1")" ;;
        *) build all ;;
        esac
        verdict=no
        if run_suite "$1" 600 || run_suite "$1" 600; then verdict=yes; fi
        [[ $verdict = yes ]] || echo "      $1 fails without any bug and does not count: $(killer)"
        printf '%s\t%s\t%s\n' "$1" "$verdict" $((SECONDS - began)) >>"$baseline"
    fi
    [[ $verdict = yes ]]
}

# All test programs, those first that were quick the last time.
programs() {
    (cd "$tree" && printf '%s\n' tests/sim/test_*.c tests/unit/test_*.c plugins/*/test_*.c tests/sandbox/test_*.c) |
        awk -F'\t' 'NR == FNR { took[$1] = $3; next } { print took[$0] + 0 "\t" $0 }' "$baseline" - |
        sort -n -s -k 1,1 | cut -f2
}

# fails SUITE SECONDS: does it fail, and because of the bug? Leaves the test in $why.
fails() {
    case $1 in
    *.c) build "$(program_of "$1")" products ;;
    *) build all ;;
    esac || return 1
    run_suite "$1" "$2" && return 1
    why=$(killer)
    case $1 in *.c) return 0 ;; esac
    local first=$why
    run_suite "$1" "$2" && return 1
    why=$(killer)
    [[ $why = "$first" ]]
}

# -- One patch ----------------------------------------------------------------------------

header() { # header NAME KEY
    sed -n "/^---/q; s/^$2: *//p" "$patches/$1.patch"
}

# judge SUITE...: sets verdict, suite and why.
judge() {
    local began=$SECONDS left candidate
    verdict=survived suite=- why=-
    for candidate; do
        left=$((MUTANT_SECONDS - (SECONDS - began)))
        ((left > 0)) || break
        awk -F'\t' -v suite="$candidate" '$1 == suite && $2 == "yes" { found = 1 } END { exit !found }' \
            "$baseline" || continue
        if fails "$candidate" "$left"; then
            verdict=killed suite=$candidate
            return
        fi
    done
}

plant() { # plant NAME: false when it does not apply or build
    local name=$1 file
    sed -n 's|^+++ b/\([^\t]*\).*|\1|p' "$patches/$name.patch" >"$work/changed"
    rm -rf "$work/whole"
    while read -r file; do
        mkdir -p "$work/whole/$(dirname "$file")"
        cp "$tree/$file" "$work/whole/$file"
    done <"$work/changed"
    if ! patch -d "$tree" -p1 -s --fuzz=0 --no-backup-if-mismatch -r - <"$patches/$name.patch" >"$work/patch.log" 2>&1; then
        verdict='does not apply' suite=- why=$(head -n 1 "$work/patch.log")
        return 1
    fi
    # A time of its own, however quick all this is: make compares times.
    (cd "$tree" && xargs touch) <"$work/changed"
    if ! build products; then
        verdict='does not build' suite=- why=$(grep -m 1 error "$work/build.log")
        return 1
    fi
}

take_out() {
    local file
    while read -r file; do
        cp "$work/whole/$file" "$tree/$file"
        touch "$tree/$file"
    done <"$work/changed"
    : >"$work/changed"
}

# -- All ----------------------------------------------------------------------------------

mkdir -p "$work"
copy_tree
hash=$(tree_hash)
touch "$results" "$baseline"
if [[ -n ${FRESH:-} || $(cat "$work/hash" 2>/dev/null) != "$hash" ]]; then
    : >"$results"
    : >"$baseline"
    echo "$hash" >"$work/hash"
fi
trap 'exit 130' INT TERM

# Those that a program should kill come before those that a script should: programs are quicker.
names=()
while read -r _ name; do
    [[ -z $ONLY ]] || grep -q -- "$ONLY" <<<"$name" || continue
    names+=("$name")
done < <(for file in "$patches"/*.patch; do
    name=$(basename "$file" .patch)
    case $(header "$name" try) in *.sh*) echo "2 $name" ;; *) echo "1 $name" ;; esac
done | sort -k 1,1 -s)
((${#names[@]} > 0)) || { echo "no patch's name contains \"$ONLY\"" >&2; exit 1; }

echo "building the tree without a bug, for ${#names[@]} patches"
if ! build all; then
    tail -n 20 "$work/build.log"
    echo "the tree does not build" >&2
    exit 1
fi
# verdict_of NAME: what is known of this patch as it is; empty when it was not tried.
verdict_of() {
    awk -F'\t' -v name="$1" -v key="$(sha256sum <"$patches/$1.patch" | cut -c1-16)" \
        '$1 == name && $2 == key { last = $3 } END { print last }' "$results"
}

# try_all WORD: tries the patches whose verdict is WORD (empty: those without one), with the suites
# that they name, or else with all programs. A suite is seen to pass while no bug is planted.
try_all() {
    local name began candidate
    for name in "${names[@]}"; do
        [[ $(verdict_of "$name") = "$1" ]] || continue
        for candidate in $(if [[ -z $1 ]]; then header "$name" try; fi); do is_sound "$candidate"; done
        began=$SECONDS
        if plant "$name"; then
            # shellcheck disable=SC2046 # a list
            judge $(if [[ -z $1 ]]; then header "$name" try; else programs; fi)
            [[ -n $1 || $verdict = killed ]] || verdict=unkilled
        fi
        take_out
        printf '%-9s %s: %s, %s (%d s)\n' "$verdict" "$name" "$suite" "$why" $((SECONDS - began))
        printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$(sha256sum <"$patches/$name.patch" | cut -c1-16)" \
            "$verdict" "$suite" "$why" >>"$results"
    done
}

try_all ''
for name in "${names[@]}"; do
    [[ $(verdict_of "$name") = unkilled ]] || continue
    echo "running all programs without a bug, for what is left"
    while read -r suite; do is_sound "$suite"; done < <(programs)
    try_all unkilled
    break
done

# -- The table ----------------------------------------------------------------------------

killed=0 bad=0
printf '\n'
for name in "${names[@]}"; do
    IFS=$'\t' read -r verdict suite why < <(awk -F'\t' -v name="$name" -v OFS='\t' \
        '$1 == name { last = $3 OFS $4 OFS $5 } END { print last }' "$results")
    reason=$(sed -n "s/^$name: *//p" "$survivors" 2>/dev/null)
    case $verdict in
    killed)
        killed=$((killed + 1))
        if [[ -n $reason ]]; then
            bad=$((bad + 1)) why="$why; tests/mutants/survivors says that it is not: remove that line"
        fi
        ;;
    survived)
        if [[ -n $reason ]]; then why=$reason; else bad=$((bad + 1)) why="no suite fails"; fi
        ;;
    *) bad=$((bad + 1)) ;;
    esac
    printf '%-14s %-34s %s: %s\n' "$verdict" "$name" "$suite" "$why"
done
printf '%d of %d killed\n' "$killed" "${#names[@]}"
((bad == 0))
