#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Does the house's own watch see what it is there to see? Small trees with one fault each.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

ok() {
    echo "ok    $1"
    ((passed += 1))
}
not_ok() {
    printf '    was    %s\n    wanted %s\nnot ok %s\n' "$2" "$3" "$1"
    ((failed += 1))
}

# tree FILE LINE...: a tree with that one file.
tree() {
    local file=$1
    shift
    rm -rf "$work/tree"
    mkdir -p "$work/tree/core" "$work/tree/$(dirname "$file")"
    printf '%s\n' "$@" >"$work/tree/$file"
}

# catches NAME FILE INCLUDE PART: layers.sh fails, and its one line has PART in it.
catches() {
    local out
    tree "$2" '' "#include $3"
    if out=$("$root/tests/layers.sh" "$work/tree") || [[ $out != "$2:2: "*"$4"* ]]; then
        not_ok "$1" "$out" "$2:2: ... $4 ..., and exit status 1"
    else
        ok "$1"
    fi
}

# allows NAME FILE INCLUDE
allows() {
    local out
    tree "$2" "#include $3"
    if out=$("$root/tests/layers.sh" "$work/tree") && [[ -z $out ]]; then
        ok "$1"
    else
        not_ok "$1" "$out" "nothing, and exit status 0"
    fi
}

# named_tests FILE: what it names as tests and is not there
named_tests() {
    # shellcheck disable=SC2016
    grep -oE '`(tests|plugins)/[a-z0-9_/.]+`' "$1" | tr -d '`' | sort -u | while read -r path; do
        [[ -e $path ]] || echo "$path"
    done
}
holds() {
    local missing unheld
    missing=$(named_tests docs/threats.md)
    unheld=$(awk -F'|' '/^\| Who \|/ { on = 1; next } on && !/^\|/ { on = 0 } on && $5 !~ /tests/ && !/^\| ---/ { print $2 }' docs/threats.md)
    if [[ -z $missing$unheld ]]; then
        ok "$1"
    else
        not_ok "$1" "missing: $missing; without a test: $unheld" "each test is there, and each row has one"
    fi
}

catches an_include_that_climbs core/net/http.c '"engine/run.h"' 'climbs'
catches folders_of_one_floor_side_by_side core/net/http.c '"store/journal.h"' 'share floor 2'
catches serve_that_looks_into_the_cli core/serve/serve.c '"cli/main.h"' 'share floor 6'
catches a_folder_on_no_floor core/net/http.c '"cellar/wine.h"' 'on no floor'
catches a_way_around_by_dots core/net/http.c '"../engine/run.h"' 'leaves its folder'
catches an_engine_that_asks_the_time core/engine/run.c '<time.h>' 'the engine is pure'
catches an_engine_that_asks_the_system core/engine/run.c '<unistd.h>' 'the engine is pure'
catches an_engine_that_knows_the_store core/engine/run.c '"store/journal.h"' 'the engine is pure'
catches an_engine_that_knows_the_loop core/engine/run.c '<uv.h>' 'the engine is pure'
catches sqlite_outside_its_room core/vm/vm.c '<sqlite3.h>' 'lives in core/store'
catches lua_outside_its_room core/store/db.c '<lauxlib.h>' 'lives in core/vm'
catches the_loop_in_a_plugin_host core/plugin/host.c '<uv.h>' 'lives in core/net'
catches curl_in_a_plugin plugins/azure/arm.c '<curl/curl.h>' 'lives in core/net'
catches a_library_in_quotes core/alert/in.c '"sodium.h"' 'lives in core/base/hash.c'
catches a_plugin_that_looks_into_core plugins/azure/arm.c '"base/err.h"' 'sees its own folder'
catches a_plugin_that_looks_into_another plugins/azure/arm.c '"../notify/mail.h"' 'sees its own'
holds each_wall_of_the_threats_names_a_test_that_is_there
allows a_lower_floor core/engine/run.c '"base/err.h"'
allows serve_from_the_cli core/cli/main.c '"serve/serve.h"'
allows net_its_frames core/net/stream.c '"frame/frame.h"'
catches frames_that_look_into_net core/frame/frame.c '"net/stream.h"' 'share floor 2'
allows the_engine_its_frames core/engine/run.c '"frame/frame.h"'
allows a_header_in_its_room core/store/db.c '<sqlite3.h>'
allows the_public_header_in_a_plugin plugins/azure/arm.c '"cordon/plugin.h"'
allows a_simulator_its_server plugins/azure/sim/main.c '<microhttpd.h>'

# The harness: of the sample's tests one passes, and each of the others is found out.
sample=$("$BUILD/tests/sample" 2>/dev/null)
says() {
    if [[ $sample == *"$2"* ]]; then
        ok "$1"
    else
        not_ok "$1" "$sample" "$2"
    fi
}
says a_test_that_holds_passes $'ok    passes\n'
says a_claim_is_quoted 'does not hold: 1 + 1 == 3'
says both_numbers_are_shown $'was    2\n        wanted 3'
says both_texts_are_shown $'was    "was"\n        wanted "wanted"'
says null_is_no_text $'was    "was"\n        wanted NULL'
says both_spans_are_shown $'was    "longer"\n        wanted "long"'
says both_runs_of_bytes_are_shown $'was    "a\\x00b\\x00"\n        wanted "a\\x00c\\x00"'
says what_is_missing_is_shown 'wanted something with "x"'
says what_is_too_much_is_shown 'wanted nothing with "b"'
says an_error_says_its_sentence 'was    -4 (io): the disk is full'
says a_wrong_code_is_named 'wanted -6 (busy)'
says a_signal_is_named 'not ok aborts: ended by signal 6'
says leaving_early_is_no_pass 'not ok leaves_early: exit before its last line'
says a_child_left_behind_is_found 'not ok leaves_a_child: left a process running'
says a_grandchild_left_behind_is_found \
    'not ok leaves_a_grandchild_in_a_session_of_its_own: left a process running'
says all_are_counted $'\n1 passed, 14 failed'

# The runner, on a tree of one script.
# runs NAME WANTED_STATUS WANTED_END SCRIPT_LINE...; of a folder that is not "one": FOLDER=...
runs() {
    local name=$1 want=$2 end=$3 folder=${FOLDER:-one} out status=0
    shift 3
    rm -rf "$work/tree"
    mkdir -p "$work/tree/tests/$folder"
    cp tests/run.sh "$work/tree/tests/"
    printf '%s\n' "$@" >"$work/tree/tests/$folder/run.sh"
    out=$(BUILD=$work/build T='' "$work/tree/tests/run.sh" 2>&1) || status=$?
    if [[ $status == "$want" && $out == *$'\n'"$end" ]]; then
        ok "$name"
    else
        not_ok "$name" "status $status: $out" "status $want, ending in $end"
    fi
}
runs a_section_counts 0 '2 passed, 0 failed' 'echo 2 passed, 0 failed'
runs a_failed_section_fails 1 '1 passed, 3 failed' 'echo 1 passed, 3 failed' 'exit 1'
runs a_section_without_a_count_fails 1 '0 passed, 1 failed' 'echo all is well'
runs a_status_without_a_failure_fails 1 '2 passed, 1 failed' 'echo 2 passed, 0 failed' 'exit 3'
runs a_failure_without_a_status_fails 1 '2 passed, 1 failed' 'echo 2 passed, 1 failed'
runs a_section_of_no_tests_fails 1 '0 passed, 1 failed' 'echo 0 passed, 0 failed'
FOLDER=crash runs a_section_that_starts_first_counts 1 '3 passed, 2 failed' 'echo 3 passed, 2 failed' 'exit 1'
FOLDER=crash runs a_section_that_starts_first_fails_with_its_status 1 '3 passed, 1 failed' 'echo 3 passed, 0 failed' 'exit 4'
runs a_section_that_a_signal_ends_fails 1 '2 passed, 1 failed' 'echo 2 passed, 0 failed' "kill -KILL \$\$"

# programs NAME WANTED_STATUS WANTED FIRST SECOND: two programs run side by side.
programs() {
    local out status=0
    rm -rf "$work/tree" "$work/programs"
    mkdir -p "$work/tree/tests/unit" "$work/programs/tests"
    cp tests/run.sh "$work/tree/tests/"
    touch "$work/tree/tests/unit/test_first.c" "$work/tree/tests/unit/test_second.c"
    printf '#!/bin/sh\n%s\n' "$4" >"$work/programs/tests/test_first"
    printf '#!/bin/sh\n%s\n' "$5" >"$work/programs/tests/test_second"
    chmod +x "$work/programs/tests/"*
    out=$(JOBS=2 SECTION_SECONDS=20 BUILD=$work/programs T='' "$work/tree/tests/run.sh" 2>&1) || status=$?
    # shellcheck disable=SC2053 # a pattern
    if [[ $status == "$2" && $out == $3 ]]; then
        ok "$1"
    else
        not_ok "$1" "status $status: $out" "status $2, like $3"
    fi
}
meets='until [ -e %s ]; do sleep 0.02; done'
programs sections_run_side_by_side_and_appear_when_they_end 0 $'# tests/unit/test_second.c (*)\n3 passed, 0 failed\n# tests/unit/test_first.c (*)\n2 passed, 0 failed\n*5 passed, 0 failed' \
    "${meets/\%s/$work/programs/met}; sleep 0.5; echo 2 passed, 0 failed" "touch $work/programs/met; echo 3 passed, 0 failed"
SLOWEST=1 programs the_slowest_test_has_its_time 0 $'*\nthe slowest tests:\n    0.[3-9] s  tests/unit/test_first.c: slow\n2 sections*' \
    'echo ok quick; sleep 0.3; echo ok slow; echo 2 passed, 0 failed' 'echo ok other; echo 1 passed, 0 failed'
programs one_that_fails_fails_all 1 $'*failed: tests/unit/test_second.c\n2 passed, 1 failed' \
    'echo 2 passed, 0 failed' 'echo 0 passed, 1 failed; exit 1'
programs one_that_ends_otherwise_than_it_says_fails 1 $'*ended with status 7\n*2 passed, 1 failed' \
    'echo 1 passed, 0 failed; exit 7' 'echo 1 passed, 0 failed'

# Waiting in scripts: tests/wait.sh.
# waits NAME WANTED_STATUS WANTED COMMAND...
waits() {
    local out status=0
    out=$(. tests/wait.sh && PATIENCE=1 && "${@:4}" 2>&1) || status=$?
    if [[ $status == "$2" && $out == "$3" ]]; then
        ok "$1"
    else
        not_ok "$1" "status $status: $out" "status $2: $3"
    fi
}
sleep 60 &
alive=$!
waits a_wait_ends_when_its_command_succeeds 0 '' await_from "$alive" test -e tests/wait.sh
waits a_wait_fails_when_its_time_is_over 1 '# waited 1 s for: test -e nowhere' await test -e nowhere
waits a_wait_for_a_live_process_ends_too 1 '# waited 1 s for: test -e nowhere' await_from "$alive" test -e nowhere
kill "$alive"
wait "$alive" 2>/dev/null
waits a_wait_fails_when_its_process_has_ended 1 "# process $alive ended before: test -e nowhere" await_from "$alive" test -e nowhere

# The manual: all commands and all keys of a policy are in it, and what is not is told.
if out=$(tests/house/man.sh) && [[ -z $out ]]; then
    ok the_manual_has_every_command_option_and_key_of_a_policy
else
    not_ok the_manual_has_every_command_option_and_key_of_a_policy "$out" nothing
fi

# forgets NAME FILE SED WANTED: a tree whose manual lacks something is told so.
forgets() {
    local out
    rm -rf "$work/tree"
    mkdir -p "$work/tree/core" "$work/tree/docs"
    cp -r core/cli core/serve "$work/tree/core/"
    cp -r docs/man "$work/tree/docs/"
    sed -i "$3" "$work/tree/$2"
    if ! out=$(tests/house/man.sh "$work/tree") && [[ $out == "$4" ]]; then
        ok "$1"
    else
        not_ok "$1" "$out" "$4, and exit status 1"
    fi
}
forgets a_command_without_an_entry docs/man/cordon.1 '/^\.It Nm Cm retry/d' \
    'docs/man/cordon.1: no entry for cordon retry'
forgets an_option_without_an_entry docs/man/cordon.1 '/^\.It Nm Cm runs/s/Fl -limit//' \
    'docs/man/cordon.1: cordon runs has no --limit'
forgets a_guard_without_an_entry docs/man/cordon-policy.5 '/^\.It Va targets_floor/d' \
    $'docs/man/cordon-policy.5: no entry for targets_floor\ndocs/man/cordon-policy.5: no entry for guards.targets_floor'
forgets a_key_that_is_new core/serve/rules.c 's/\\"reversible\\":/\\"weather\\":/' \
    'docs/man/cordon-policy.5: no entry for weather'

# make install, in a tree that has no program to build and beside each folder's files a stranger's.
rm -rf "$work/tree"
mkdir -p "$work/tree/docs/systemd"
cp -r Makefile playbooks include "$work/tree/"
cp -r docs/man "$work/tree/docs/"
cp docs/systemd/cordon.service "$work/tree/docs/systemd/"
for stray in playbooks/mine.lua include/cordon/draft.h docs/man/mine.1; do
    echo 'mine' >"$work/tree/$stray"
done
# installs PREFIX: the paths below it, sorted.
installs() {
    rm -rf "$work/root"
    make -s -C "$work/tree" install DESTDIR="$work/root" PREFIX="$1" >"$work/out" 2>&1 || cat "$work/out"
    (cd "$work/root$1" 2>/dev/null && find . -type f | LC_ALL=C sort)
}
shipped=$({
    find include/cordon -name '*.h'
    git ls-files include/cordon playbooks docs/man 2>/dev/null
} | LC_ALL=C sort -u | sed -nE 's|^include/cordon/|./&|p; s|^docs/man/(.*\.([0-9]))$|./share/man/man\2/\1|p
    /\.test\.lua$/d; s|^playbooks/[^/]*$|./share/cordon/&|p; $a ./lib/systemd/system/cordon.service' | LC_ALL=C sort)
git rev-parse -q --verify HEAD >/dev/null 2>&1 || shipped=$(installs /usr) # an archive: nothing to compare with
# The strays are in no list; what git has is.
for prefix in /usr /usr/local /opt/cordon; do
    was=$(installs "$prefix")
    if [[ $was == "$shipped" && $was != *mine* && $was != *draft* ]]; then
        ok "make install puts what is shipped below $prefix, and nothing else"
    else
        not_ok "make install puts what is shipped below $prefix, and nothing else" "$was" "$shipped"
    fi
    was=$(grep -o '[^ =]*/bin/cordon' "$work/root$prefix/lib/systemd/system/cordon.service")
    if [[ $was == "$prefix/bin/cordon" ]]; then
        ok "the installed unit starts the program below $prefix"
    else
        not_ok "the installed unit starts the program below $prefix" "$was" "$prefix/bin/cordon"
    fi
done

echo "$passed passed, $failed failed"
((failed == 0))
