#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the bench on a build: `make bench`, `make bench SLOW=2`; ONLY=start|alert|gate|load|throughput|64|held|killed|parked.
set -euo pipefail

export CORDON="$BUILD/cordon" FIXTURES="$BUILD/tests/plugins" SHIM="$BUILD/tests/shim.so"
export AZSIM="$BUILD/azsim" PLUGINS="$BUILD/plugins"
WORLD=$(cd "$(dirname "$0")/../.." && pwd)/plugins/azure/sim/worlds/shop.json
export WORLD
mkdir -p "$BUILD/bench-state"
trap 'rm -rf "$BUILD/bench-state"' EXIT
"$BUILD/bench" ${ONLY:+"$ONLY"}
