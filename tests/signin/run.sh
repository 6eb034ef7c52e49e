#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who is let in: passwords, sessions, tokens, over a real front. oidc.sh has the providers.
set -uo pipefail
# shellcheck source=tests/serve/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../serve/lib.sh"

mkdir -m 700 "$state"
cp "$TESTS/../playbooks/policy.lua" "$state/"
make_cert cordon
secret="correct horse battery"

# Each sentence has an address of its own: whoever is wrong too often is so for that address.
turn=1 from=127.0.0.1
sentence() {
    from=127.0.0.$((++turn))
    tell "$@"
}
ask() { # as in lib.sh
    local path=$1
    shift
    curl -s --max-time 20 --interface "$from" --cacert "$work/cordon.pem" -o "$work/body" -D "$work/head" \
        -w '%{http_code}' "$@" "$path"
}
cordon() { "$CORDON" "$@" --state "$state" 2>"$work/said"; }
add_user() { # add_user NAME ROLE...
    local name=$1 roles=() role
    shift
    for role in "$@"; do roles+=(--role "$role"); done
    cordon user add "$name" "${roles[@]}" --password-stdin <<<"$secret" >/dev/null
}

let_somebody_in
cat >"$state/cordon.lua" <<LUA
return { serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" } } }
LUA
# The clock of the daemon and its fronts, which a test may put ahead.
put_ahead() { # put_ahead SECONDS
    python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("<q", int(sys.argv[1])))' "$1" |
        dd of="$work/ahead" conv=notrunc status=none
}
put_ahead 0
export AHEAD_FILE=$work/ahead LD_PRELOAD=$SHIM
start_daemon || {
    cat "$work/err"
    exit 1
}
unset AHEAD_FILE LD_PRELOAD

# post PATH JSON [CURL ARGUMENT...]: from a page of the console
post() {
    local path=$1 json=$2
    shift 2
    ask "$console$path" -H "Origin: $console" -H 'Content-Type: application/json' -d "$json" "$@"
}
enter() { # enter NAME PASSWORD JAR
    rm -f "$work/$3"
    post /sign-in "$(jq -cn --arg n "$1" --arg p "$2" '{name:$n,password:$p}')" -c "$work/$3"
}
me() { ask "$console/v1/me" -b "$work/$1"; }
token_of() { me "$1" >/dev/null && jq -r .session.token "$work/body"; }
# as JAR METHOD PATH JSON [CURL ARGUMENT...]: as a page of the console does it
as() {
    local jar=$1 method=$2 path=$3 json=$4
    shift 4
    post "$path" "$json" -X "$method" -b "$work/$jar" -H "X-Cordon-Token: $(token_of "$jar")" "$@"
}
code() { jq -r .code "$work/body"; }

has_no_way_in() {
    [[ $(ask "$console/v1/me") == 401 ]] && grep -qi '^www-authenticate: bearer' "$work/head" &&
        [[ $(enter oncall "$secret" a) == 401 && $(code) == sign_in ]]
}
signs_in() {
    add_user oncall viewer responder &&
        [[ $(enter oncall "$secret" a) == 200 && $(jq -r .who "$work/body") == oncall ]] &&
        grep -q '__Host-cordon=[A-Za-z0-9_-]*; Path=/; Secure; HttpOnly; SameSite=Strict' "$work/head" &&
        [[ $(me a) == 200 && $(jq -c .roles "$work/body") == '["viewer","responder"]' ]] &&
        [[ $(ask "$console/v1/halts" -b "$work/a") == 200 ]]
}
says_no_more_than_no() {
    local wrong unknown
    [[ $(enter oncall "wrong horse battery" x) == 401 ]] && wrong=$(<"$work/body")
    [[ $(enter nobody "wrong horse battery" x) == 401 ]] && unknown=$(<"$work/body")
    [[ -n $wrong && $wrong == "$unknown" ]] && ! grep -qi '^set-cookie' "$work/head"
}
wants_its_own_pages() {
    local token
    token=$(token_of a)
    local body='{"scope":"all","reason":"r"}'
    # the origin, where the browser says that it is, the token: each of them alone is missed
    [[ $(ask "$console/v1/halts" -b "$work/a" -H 'Content-Type: application/json' -H "X-Cordon-Token: $token" -d "$body") == 403 && $(code) == origin ]] &&
        [[ $(ask "$console/v1/halts" -b "$work/a" -H 'Origin: https://evil.example' -H 'Content-Type: application/json' -H "X-Cordon-Token: $token" -d "$body") == 403 && $(code) == origin ]] &&
        [[ $(post /v1/halts "$body" -b "$work/a" -H "X-Cordon-Token: $token" -H 'Sec-Fetch-Site: cross-site') == 403 && $(code) == origin ]] &&
        [[ $(post /v1/halts "$body" -b "$work/a" -H "X-Cordon-Token: $token" -H 'Sec-Fetch-Site: same-site') == 403 && $(code) == origin ]] &&
        [[ $(post /v1/halts "$body" -b "$work/a") == 403 && $(code) == session_token ]] &&
        [[ $(post /v1/halts "$body" -b "$work/a" -H "X-Cordon-Token: ${token%?}x") == 403 && $(code) == session_token ]] &&
        [[ $(ask "$console/v1/halts" -b "$work/a") == 200 && $(jq '.halts|length' "$work/body") == 0 ]] &&
        [[ $(as a POST /v1/halts "$body" -H 'Sec-Fetch-Site: same-origin') == 200 ]]
}
wants_its_own_pages_to_sign_in() {
    [[ $(ask "$console/sign-in" -H 'Content-Type: application/json' -H 'Origin: https://evil.example' \
        -d "{\"name\":\"oncall\",\"password\":\"$secret\"}") == 403 && $(code) == origin ]] &&
        ! grep -qi '^set-cookie' "$work/head" &&
        [[ $(ask "$console/sign-in" -H "Origin: $console" -d "name=oncall&password=$secret") == 415 ]]
}
ends_when_told() {
    [[ $(enter oncall "$secret" b) == 200 ]]
    cp "$work/b" "$work/kept"
    [[ $(as b POST /sign-out '' -H 'Content-Type:') == 204 ]] && grep -qi '^set-cookie: __Host-cordon=;.*Max-Age=0' "$work/head" &&
        [[ $(me kept) == 401 ]]
}
is_new_at_each_sign_in() {
    [[ $(enter oncall "$secret" b) == 200 ]]
    cp "$work/b" "$work/kept"
    [[ $(post /sign-in "{\"name\":\"oncall\",\"password\":\"$secret\"}" -b "$work/b" -c "$work/b") == 200 ]] &&
        [[ $(me b) == 200 && $(me kept) == 401 ]]
}
ends_with_the_account() {
    local what
    for what in password roles disable; do
        [[ $(enter oncall "$secret" b) == 200 && $(me b) == 200 ]] || return 1
        case $what in
        password) cordon user password oncall --password-stdin <<<"$secret" >/dev/null ;;
        roles) cordon user roles oncall --role viewer >/dev/null ;;
        disable) cordon user disable oncall >/dev/null ;;
        esac || return 1
        [[ $(me b) == 401 ]] || return 1
    done
    [[ $(enter oncall "$secret" b) == 401 ]] && cordon user enable oncall >/dev/null &&
        [[ $(enter oncall "$secret" b) == 200 && $(jq -c .roles "$work/body") == '["viewer"]' ]]
}
keeps_to_roles() {
    # by the front: the engine would say it too, in other words
    [[ $(as b POST /v1/halts '{"scope":"all","reason":"r"}') == 403 && $(code) == role ]] &&
        grep -qF 'this wants the role responder' "$work/body" &&
        [[ $(as b GET /v1/tokens '') == 403 && $(code) == role ]]
}
takes_a_token() {
    local text
    text=$(cordon token add dash --role viewer) && [[ $text =~ ^cordon_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$ ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 200 && $(jq -r .who "$work/body") == token:dash ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer ${text%?}x") == 401 ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Basic $text") == 401 ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text" -b "$work/b") == 400 && $(code) == two_credentials ]] &&
        [[ $(post /v1/halts '{"scope":"all","reason":"r"}' -H "Authorization: Bearer $text") == 403 && $(code) == role ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 200 ]] &&
        cordon token revoke dash >/dev/null && [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 401 ]]
}
ends_a_token_in_time() {
    local text
    text=$(cordon token add brief --role viewer --expires 1s) &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 200 ]] && sleep 1.1 &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 401 ]]
}
speaks_for_a_person() {
    local text
    text=$(cordon token add cli --role approver --for change-manager-1 --group change-managers) &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 200 ]] &&
        [[ $(jq -c '[.who,.groups]' "$work/body") == '["change-manager-1",["change-managers"]]' ]] &&
        ! cordon token add bot --role approver >/dev/null && grep -q 'a program does not vote' "$work/said"
}
makes_tokens_of_its_own_roles() {
    local text i
    add_user chief admin viewer && [[ $(enter chief "$secret" c) == 200 ]] &&
        [[ $(as c POST /v1/tokens '{"name":"ci","roles":["viewer"]}') == 201 ]] || return 1
    text=$(jq -r .token "$work/body") i=$(jq -r .i "$work/body")
    [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 200 && $(jq -r .who "$work/body") == token:ci ]] &&
        [[ $(as c POST /v1/tokens '{"name":"x","roles":["responder"]}') == 403 ]] &&
        [[ $(as c POST /v1/tokens '{"name":"x","roles":["viewer"],"for":"oncall"}') == 403 ]] &&
        [[ $(as c POST /v1/tokens '{"name":"x","roles":["viewer"]}' -H 'Idempotency-Key: k') == 400 ]] &&
        [[ $(as c DELETE "/v1/tokens/t-$i" '{"reason":"done"}') == 200 ]] &&
        [[ $(ask "$console/v1/me" -H "Authorization: Bearer $text") == 401 ]] &&
        [[ $(as c GET /v1/tokens '') == 200 ]] && ! grep -q argon2 "$work/body"
}
shows_again() {
    [[ $(as c POST /sign-in/again "{\"password\":\"$secret\"}") == 200 ]] &&
        [[ $(as c POST /sign-in/again '{"password":"wrong horse battery"}') == 401 ]]
}
# What others rely on: votes, reviews, accounts, tokens. It is refused before it is looked at.
wants_a_fresh_password() {
    local request status
    add_user cm1 approver admin viewer responder && [[ $(enter cm1 "$secret" d) == 200 ]] || return 1
    for request in "POST /v1/gates/g-000009-1/votes" "POST /v1/gates/g-000009-1/answer" \
        "POST /v1/tokens" "DELETE /v1/tokens/t-99"; do
        put_ahead 0
        [[ $(as d POST /sign-in/again "{\"password\":\"$secret\"}") == 200 ]] || return 1
        put_ahead 890
        status=$(as d "${request% *}" "${request#* }" '{"reason":"r"}')
        [[ $status != 403 || $(code) != again ]] || { echo "# $request is refused after 890 s"; return 1; }
        put_ahead 910
        status=$(as d "${request% *}" "${request#* }" '{"reason":"r"}')
        [[ $status == 403 && $(code) == again ]] || { echo "# $request is taken after 910 s: $status"; return 1; }
    done
    [[ $(as d POST /v1/halts '{"scope":"playbook:x","reason":"r"}') == 200 ]] && # to stop takes none
        [[ $(as d POST /sign-in/again "{\"password\":\"$secret\"}") == 200 ]] &&
        [[ $(as d POST /v1/gates/g-000009-1/votes '{"reason":"r"}') != 403 ]]
    status=$?
    put_ahead 0
    return "$status"
}
keeps_no_secret() {
    local text
    text=$(cordon token add kept --role viewer)
    ! grep -rqF -e "$secret" -e "$text" "$state" "$work/err" && ! cordon show r-000001 >/dev/null
}
# wrong_at_once COUNT NAME: that many wrong ones side by side from one address; prints how many were
# answered with each status.
wrong_at_once() {
    local i pids=()
    for ((i = 1; i <= $1; i++)); do
        curl -s --max-time 60 --interface "$from" --cacert "$work/cordon.pem" -o "$work/wrong.$i" -w '%{http_code}\n' \
            -H "Origin: $console" -H 'Content-Type: application/json' --data-binary "{\"name\":\"$2\",\"password\":\"wrong horse battery\"}" \
            "$console/sign-in" >"$work/wrong-status.$i" &
        pids+=($!)
    done
    wait "${pids[@]}"
    cat "$work"/wrong-status.* | sort | uniq -c | tr -s ' \n' ' '
    rm -f "$work"/wrong-status.*
}
wrong_so_often() { # wrong_so_often COUNT NAME: one after another
    local i
    for ((i = 1; i <= $1; i++)); do
        [[ $(enter "$2" "wrong horse battery" x) == 401 ]] || return 1
    done
}
# Wrong credentials of all kinds slow down wrong ones, and right ones from the same address are taken.
locks_nobody_out() {
    local text
    text=$(cordon token add same-address --role viewer)
    [[ $(enter oncall "$secret" known) == 200 ]] && wrong_so_often 10 "nobody-$RANDOM" || return 1
    for _ in 1 2 3; do # a token that is wrong now gets 429, and a right one is let in
        [[ $(ask "$console/v1/runs" -H "Authorization: Bearer cordon_0000000000000000_${text##*_}") == 429 ]] &&
            grep -qi '^retry-after:' "$work/head" && [[ $(ask "$console/v1/runs" -H "Authorization: Bearer $text") == 200 ]] || return 1
    done
    # The session of before goes on; the same account signs in, in another browser too.
    [[ $(me known) == 200 && $(enter oncall "$secret" x) == 200 && $(enter oncall "$secret" y) == 200 ]]
}
slows_an_address() {
    local seen
    wrong_so_often 10 "nobody-$RANDOM" || return 1
    seen=$(wrong_at_once 12 oncall)
    echo "# 12 wrong ones at once, after 10: $seen"
    # One in five seconds is looked at for half a minute, and no more than eight wait.
    [[ $seen =~ \ ([0-9]+)\ 401\ ([0-9]+)\ 429 ]] && ((BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= 8 && BASH_REMATCH[2] >= 4))
}
slows_an_account() {
    local i
    [[ $(enter chief "$secret" known) == 200 ]] || return 1 # what was wrong before is forgotten
    for i in $(seq 21); do
        from=127.0.2.$i
        [[ $(enter chief "wrong horse battery" x) == 401 ]] || return 1
    done
    # The browser that knows the account does not wait for the others, and another one waits its turn.
    local began=$EPOCHSECONDS
    cp "$work/known" "$work/browser"
    [[ $(post /sign-in "{\"name\":\"chief\",\"password\":\"$secret\"}" -b "$work/browser") == 200 ]] && ((EPOCHSECONDS - began < 5)) &&
        [[ $(enter chief "$secret" x) == 200 && $(enter oncall "$secret" x) == 200 ]]
}

sentence "nobody is let in without a credential, or with a password of nobody" has_no_way_in
sentence "a password of an account signs in, with a cookie that scripts and other sites do not get" signs_in
sentence "a wrong password and an unknown name get the same answer" says_no_more_than_no
sentence "what changes something comes from a page of the console, with the session's token" wants_its_own_pages
sentence "signing in comes from there too, as JSON" wants_its_own_pages_to_sign_in
sentence "a session ends when it is told to, also in a copied cookie" ends_when_told
sentence "each sign-in is a new session, and ends the one before in that browser" is_new_at_each_sign_in
sentence "a new password, other roles and disabling end the sessions at once" ends_with_the_account
sentence "a role that is not had is refused" keeps_to_roles
sentence "a token is let in until it is revoked, and never together with a session" takes_a_token
sentence "a token ends when its time is over" ends_a_token_in_time
sentence "a token of a person speaks as that person, and a program's does not vote" speaks_for_a_person
sentence "an admin makes tokens of roles that they have, for programs and themselves, and revokes them" makes_tokens_of_its_own_roles
sentence "whoever is signed in can show once more that it is them" shows_again
sentence "a vote and what an admin changes want a password of the last 15 minutes, and a stop does not" wants_a_fresh_password
sentence "neither passwords nor tokens are in the journal or the log" keeps_no_secret
sentence "wrong credentials lock nobody out who shows right ones from the same address" locks_nobody_out
sentence "wrong passwords from one address are soon looked at seldom" slows_an_address
sentence "wrong passwords for one account, from wherever, lock its owner out of no browser" slows_an_account

stop_daemon || exit 1
summary
