#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The patches of `make mutants` are for this tree: each applies, is one place, says what it is, and
# names suites that exist. Whether the suites kill them is what `make mutants` finds out.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

passed=0 failed=0
say() { # say STATUS NAME
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$2"
    else
        failed=$((failed + 1))
        printf 'not ok %s\n' "$2"
    fi
}

# The lines above the patch itself.
header() { # header FILE KEY
    sed -n "/^---/q; s/^$2: *//p" "$1"
}

# What is wrong with a patch, if anything.
faults() { # faults FILE
    local suite
    patch -p1 -s --dry-run --fuzz=0 <"$1" >/dev/null 2>&1 ||
        echo "does not apply: bring it up to date with the code"
    [ "$(grep -c '^@@' "$1")" = 1 ] || echo "changes more than one place"
    [ -n "$(header "$1" bug)" ] || echo "has no line \"bug: \""
    [ -n "$(header "$1" try)" ] || echo "has no line \"try: \""
    for suite in $(header "$1" try); do
        [ -e "$suite" ] || echo "names $suite, which does not exist"
    done
}

count=0
wrong=$(mktemp)
trap 'rm -f "$wrong"' EXIT
for file in tests/mutants/*.patch; do
    count=$((count + 1))
    faults "$file" | sed "s|^|      $file |" >>"$wrong"
done
cat "$wrong"
[ ! -s "$wrong" ]
say $? "every_patch_applies_is_one_place_and_names_suites_that_exist"
[ "$count" -ge 60 ]
say $? "there_are_at_least_60_patches"

: >"$wrong"
if [ -e tests/mutants/survivors ]; then
    sed -n '/^#/d; s/^\([^:]*\):.*/\1/p' tests/mutants/survivors | while read -r name; do
        [ -e "tests/mutants/$name.patch" ] || echo "      survivors names $name, and there is no such patch"
    done >"$wrong"
fi
cat "$wrong"
[ ! -s "$wrong" ]
say $? "each_survivor_that_is_explained_is_a_patch"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
