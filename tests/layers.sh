#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints every include that climbs a floor, crosses between folders of one floor, or brings
# a third party's header out of its room; and exits 1 if there is one. make layers calls it.
#
#   tests/layers.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

declare -A floor=(
    [base]=1 [net]=2 [store]=2 [frame]=2 [vm]=3 [plugin]=3 [engine]=3
    [alert]=4 [api]=5 [serve]=6 [cli]=6
)
# Neighbours that may look in at one door. A socket that speaks frames must see where one
# ends, and commands start the server.
door=' net->frame cli->serve '
# header pattern -> the files that may include it
third_party=(
    'uv.h|uv/*=core/net/*'
    'curl/*=core/net/*'
    'sqlite3.h=core/store/*'
    'lua.h|lualib.h|lauxlib.h|luaconf.h|lua5.4/*=core/vm/*'
    'dlfcn.h=core/plugin/*|core/api/http_tap.c'
    'cJSON.h|cjson/*=core/base/*|plugins/*'
    'sodium.h|sodium/*=core/base/hash.c|core/base/ed25519.c|core/base/password.c|plugins/*'
    'openssl/*=core/base/ecdsa.c|core/base/rsa.c'
    'seccomp.h=core/vm/*|core/base/deny.c'
    'linux/landlock.h=core/base/deny.c'
    'microhttpd.h=core/api/*|plugins/azure/sim/*'
    'gnutls/*=core/api/*'
)
# The engine is told the time, chance and what was stored, and asks nobody.
pure='@(assert|complex|ctype|errno|float|inttypes|iso646|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string).h'

shopt -s extglob nullglob
found=0

say() {
    echo "$1:$2: $3"
    found=1
}

# own FILE LINE HEADER: in quotes, so ours: "folder/name.h", or "name.h" beside the file.
own() {
    local from=${1#core/} to=$3
    from=${from%%/*}
    if [[ $to != */* ]]; then
        [[ -e $(dirname "$1")/$to ]] || outside "$@"
        return
    fi
    to=${to%%/*}
    if [[ $3 == *..* ]]; then
        say "$1" "$2" "\"$3\" leaves its folder by a way of its own; say folder/name.h"
    elif [[ $3 == cordon/* ]]; then
        [[ $from != engine ]] ||
            say "$1" "$2" "the engine is pure: it does not know \"$3\""
    elif [[ -z ${floor[$to]:-} ]]; then
        say "$1" "$2" "\"$3\" is on no floor"
    elif [[ $from == "$to" ]]; then
        return 0
    elif [[ $from == engine && $to != base && $to != frame ]]; then
        say "$1" "$2" "the engine is pure: base and frame only, not \"$3\""
    elif ((floor[$to] > floor[$from])); then
        say "$1" "$2" "$from (floor ${floor[$from]}) climbs to \"$3\" (floor ${floor[$to]})"
    elif ((floor[$to] == floor[$from])) && [[ $door != *" $from->$to "* ]]; then
        say "$1" "$2" "$from and $to share floor ${floor[$to]} and do not see each other: \"$3\""
    fi
}

# outside FILE LINE HEADER: an include of the system's or of a third party's.
outside() {
    local entry header rooms
    # shellcheck disable=SC2053 # a pattern on purpose
    if [[ $1 == core/engine/* && $3 != $pure ]]; then
        say "$1" "$2" "the engine is pure: not <$3>"
        return
    fi
    for entry in "${third_party[@]}"; do
        header="@(${entry%%=*})" rooms="@(${entry#*=})"
        # shellcheck disable=SC2053 # both sides are patterns on purpose
        if [[ $3 == $header && $1 != $rooms ]]; then
            say "$1" "$2" "<$3> lives in ${entry#*=}"
        fi
    done
}

# plugin FILE LINE HEADER: what a plugin includes with quotes is its own or the public header.
plugin() {
    local folder target
    if [[ $3 != */* && ! -e $(dirname "$1")/$3 ]]; then
        outside "$@"
        return
    fi
    [[ $3 != cordon/plugin.h ]] || return 0
    folder=$(dirname "$1")
    target=$(realpath -m --relative-to=. "$folder/$3")
    [[ -e $target && $target == "$(cut -d/ -f1-2 <<<"$1")"/* ]] ||
        say "$1" "$2" "\"$3\": a plugin sees its own folder and cordon/plugin.h"
}

[[ -d core ]] || {
    echo "layers: no core/ in $PWD" >&2
    exit 1
}
for file in core/*/*.[ch]; do
    folder=${file#core/}
    [[ -n ${floor[${folder%%/*}]:-} ]] || say "$file" 1 "${folder%%/*} is on no floor"
done
while IFS=: read -r file line text; do
    [[ $text =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*([\"\<])([^\"\>]+) ]] || continue
    header=${BASH_REMATCH[2]}
    if [[ ${BASH_REMATCH[1]} == '<' ]]; then
        outside "$file" "$line" "$header"
    elif [[ $file == core/* ]]; then
        own "$file" "$line" "$header"
    else
        plugin "$file" "$line" "$header"
    fi
done < <(grep -rn --include='*.[ch]' -E '^[[:space:]]*#[[:space:]]*include' core plugins 2>/dev/null)
exit $found
