#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
#   BUILD=/abs/build/release tests/house/man.sh [TREE]
#
# Does the manual have all that there is? Each command of core/cli/main.c has an entry in
# cordon(1), with the options that its usage names, and each key of a policy's schema one in
# cordon-policy(5). Prints what is missing; the exit status is 1 then.
set -uo pipefail
: "${BUILD:?the absolute build folder, as make test gives it}"
cd "${1:-$(dirname "$0")/../..}" || exit 2

missing=0
miss() {
    echo "$1"
    missing=1
}

# entries NAME: a command's entries in cordon(1), from each .It of it to the next.
entries() {
    awk -v name="$1" '/^\.It /{ is_it = $0 ~ "^\\.It Nm Cm " name "( |$)" } is_it' docs/man/cordon.1
}

commands=$(sed -n '/^const struct command \*const commands\[\]/,/^};/p' core/cli/main.c |
    grep -oE '&command_[a-z_]+' | sed 's/&command_//; s/_/-/g')
[[ -n $commands ]] || miss "core/cli/main.c: no table of commands"
for name in $commands; do
    entry=$(entries "$name")
    if [[ -z $entry ]]; then
        miss "docs/man/cordon.1: no entry for cordon $name"
        continue
    fi
    [[ $entry != *"options as for"* && $name != azsim ]] || continue
    usage=$("$BUILD/cordon" "$name" --help | sed -n '/^  cordon /,/^$/p' | grep -v example)
    # --state and --config are every command's; the manual has them once.
    while read -r option; do
        grep -qE -- "Fl -${option#--}( |$)" <<<"$entry" ||
            miss "docs/man/cordon.1: cordon $name has no $option"
    done < <(sed '/^$/q' <<<"$usage" | grep -oE -- '--[a-z][a-z-]*' | grep -vxE -- '--(state|config)' | sort -u)
done

# The keys of all objects in the schema, which stands in C strings.
words='type|additionalProperties|properties|required|items|enum|minimum|maximum|minLength|maxItems|format'
keys=$(sed -n '/^#define MATCH/,/^struct reading/p' core/serve/rules.c |
    grep -oE '\\"[a-z_A-Z]+\\":' | tr -d '\\":' | grep -vxE "$words" | sort -u)
[[ -n $keys ]] || miss "core/serve/rules.c: no schema"
# Two more: "type" of an alert, which is a word of schemas too, and what rules_gate.c looks at.
for key in $keys type accounts; do
    grep -E '^\.(It Va|Va|Ql|Pq Ql)' docs/man/cordon-policy.5 | grep -qwE -- "$key" ||
        miss "docs/man/cordon-policy.5: no entry for $key"
done
guards=$(tr -d '\n' <core/serve/rules.c | grep -oE '\\"guards\\":\{.*\\"freeze\\":' |
    grep -oE '\\"[a-z_]+\\":' | tr -d '\\":' | grep -vxE "$words|guards|freeze")
[[ -n $guards ]] || miss "core/serve/rules.c: no guards"
for key in $guards; do
    grep -qE "^\.It Va .*\b$key\b" <(sed -n '/^\.Ss Guards/,/^\.Sh/p' docs/man/cordon-policy.5) ||
        miss "docs/man/cordon-policy.5: no entry for guards.$key"
done
exit $missing
