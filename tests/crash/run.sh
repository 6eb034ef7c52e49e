#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills the engine, the plugin's host and the VM at every point of a run: see sweep.sh. The
# three sweeps go side by side, each with a simulator and state directories of its own.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
pids=()

end() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    wait
    rm -rf "$work"
}
trap end EXIT

for what in engine host vm; do
    "$here/sweep.sh" "$what" >"$work/$what" 2>&1 &
    pids+=($!)
done
wait "${pids[@]}"
pids=()
cat "$work/engine" "$work/host" "$work/vm" | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
passed=$(cat "$work"/* | grep -c "^ok ")
failed=$(cat "$work"/* | grep -c "^not ok ")
[ "$((passed + failed))" = 6 ] || failed=$((failed + 1)) # a sweep that ended early has failed
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
