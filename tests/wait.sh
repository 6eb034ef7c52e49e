# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Waiting for another process in a script. Sourced.
#
# A script must not go on when the thing that it waits for has not happened: on a busy machine a
# start takes seconds, and a command that finds no engine starts one of its own. So each wait ends
# with success, or fails after PATIENCE seconds and says what it waited for. PATIENCE is large,
# because it costs time only when a test fails.
PATIENCE=${PATIENCE:-90}

# await COMMAND...: returns 0 as soon as the command succeeds.
await() {
    local end=$((SECONDS + PATIENCE))
    until "$@"; do
        if ((SECONDS >= end)); then
            echo "# waited $PATIENCE s for: $*"
            return 1
        fi
        sleep 0.02
    done
}

# await_from PID COMMAND...: the same, and fails at once when the process has ended before.
await_from() {
    local pid=$1 end=$((SECONDS + PATIENCE))
    shift
    until "$@"; do
        if ! kill -0 "$pid" 2>/dev/null; then
            "$@" && return
            echo "# process $pid ended before: $*"
            return 1
        elif ((SECONDS >= end)); then
            echo "# waited $PATIENCE s for: $*"
            return 1
        fi
        sleep 0.02
    done
}

has_lines() { # has_lines FILE NUMBER: at least that many complete ones
    [[ -e $1 ]] && (($(wc -l <"$1") >= $2))
}
