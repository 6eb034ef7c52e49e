#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What was promised, tried from outside: approvals are bound to what was approved, hostile
# playbooks hurt nobody, bad input is told in one sentence, and people are who they are.
#
#   BUILD=/abs/build/release tests/acceptance/run.sh [binding|hostile|badinput|people|gates|offline|percent|watch|edits]...
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
passed=0 failed=0
out=$(mktemp -d)
parts=()

end() { # ends what this script started, and lets each part clean up behind itself
    ((${#parts[@]} == 0)) || kill "${parts[@]}" 2>/dev/null
    wait
    rm -rf "$out"
}
trap end EXIT

(($# > 0)) || set -- edits hostile badinput binding people gates offline percent watch
# Side by side: most of their time they wait.
for part in "$@"; do
    bash "$here/$part.sh" >"$out/$part" 2>&1 &
    parts+=($!)
done
for part in "$@"; do
    wait "${parts[0]}"
    parts=("${parts[@]:1}")
    grep -vE '^[0-9]+ passed, [0-9]+ failed$' "$out/$part"
    if [[ $(tail -n 1 "$out/$part") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2]))
    else
        echo "not ok $part ends in no count"
        ((failed++))
    fi
done
echo "$passed passed, $failed failed"
((failed == 0))
