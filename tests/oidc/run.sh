#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Signing in with a provider: a real one from npm (installed into build/oidc by its lock file),
# and one that lies. curl is the browser, of two sites.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/serve/lib.sh
. "$here/../serve/lib.sh"
packages=$(dirname "$BUILD")/oidc
close_all() {
    [[ -z ${idp:-} ]] || kill "$idp" 2>/dev/null
    close_daemon
}
trap close_all EXIT

install_packages() {
    cmp -s "$here/package-lock.json" "$packages/installed-lock.json" && return
    mkdir -p "$packages" && cp "$here/package.json" "$here/package-lock.json" "$packages/" &&
        (cd "$packages" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$work/npm" 2>&1 &&
        cp "$here/package-lock.json" "$packages/installed-lock.json"
}
install_packages || {
    echo "# npm cannot install the provider: $(tail -n 3 "$work/npm")"
    echo "0 passed, 1 failed"
    exit 1
}
cp "$here/provider.mjs" "$packages/"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
node "$packages/provider.mjs" "https://127.0.0.1:$port/sign-in/oidc/idp/callback" >"$work/port" 2>"$work/idp.err" &
idp=$!
await_from "$idp" test -s "$work/port" || {
    cat "$work/idp.err"
    exit 1
}
issuer=http://127.0.0.1:$(<"$work/port")

mkdir -m 700 "$state" "$state/secrets"
cp "$TESTS/../playbooks/policy.lua" "$state/"
printf 'the secret of the tests, & more\n' >"$state/secrets/idp-secret"
chmod 600 "$state/secrets/idp-secret"
make_cert cordon
config() { # config [MORE OF idp]
    cat >"$state/cordon.lua" <<LUA
return { serve = { console = { listen = "127.0.0.1:$port", cert = "$work/cordon.pem", key = "$work/cordon.key" } },
  sign_in = { oidc = { idp = { issuer = "$issuer", client_id = "cordon", client_secret = "idp-secret",
    plain_http_loopback = true, groups = { ["g-responders"] = { "viewer", "responder" },
    ["g-approvers"] = { "approver", "viewer" } }, ${1:-} },
    other = { issuer = "$issuer/", client_id = "cordon", plain_http_loopback = true, groups = {} } } } }
LUA
}
config
start_daemon || {
    cat "$work/err"
    exit 1
}

lie() { [[ $(curl -s "$issuer/test/lie?$1") == true ]]; }
header() { awk -v name="$1:" 'tolower($1) == name { sub(/\r$/, ""); print $2 }' "$work/head"; }

# begin JAR [QUERY]: prints where the provider is to be found
begin() {
    [[ $(ask "$console/sign-in/oidc/idp${2:-}" -X POST -H "Origin: $console" -b "$work/$1" -c "$work/$1") == 200 ]] &&
        jq -r .location "$work/body"
}
# at_provider URL NAME [JAR]: signs in there, and prints where the browser is sent then. Without
# a jar of theirs nobody is signed in there yet.
at_provider() {
    local url=$1 jar=${3:-$work/idp.jar} status data=()
    [[ -n ${3:-} ]] || rm -f "$jar"
    for _ in $(seq 12); do
        status=$(curl -s --max-time 20 -o "$work/idp.body" -D "$work/idp.head" -w '%{http_code}' -b "$jar" -c "$jar" "${data[@]}" "$url")
        data=()
        if [[ $status == 30? ]]; then
            url=$(awk 'tolower($1) == "location:" { sub(/\r$/, ""); print $2 }' "$work/idp.head")
            [[ $url != "$console"/* ]] || {
                echo "$url"
                return
            }
            [[ $url == http* ]] || url=$issuer$url
        elif [[ $status == 200 ]] && grep -q 'name="prompt" value="login"' "$work/idp.body"; then
            data=(-d prompt=login -d "login=$2" -d password=any)
            url=$(grep -o 'action="[^"]*"' "$work/idp.body" | head -1 | cut -d'"' -f2)
        elif [[ $status == 200 ]] && grep -q 'name="prompt" value="consent"' "$work/idp.body"; then
            data=(-d prompt=consent)
            url=$(grep -o 'action="[^"]*"' "$work/idp.body" | head -1 | cut -d'"' -f2)
        else
            echo "# the provider: $status" >&2
            return 1
        fi
    done
    return 1
}
back() { ask "$2" -b "$work/$1" -c "$work/$1"; } # back JAR URL
# whole NAME JAR: the whole way; prints the status at the end of it
whole() {
    local there here_again
    rm -f "$work/$2"
    there=$(begin "$2") && here_again=$(at_provider "$there" "$1") && back "$2" "$here_again"
}
with() { awk -v key="$1" -v value="$2" '{ sub(key "=[^&]*", key "=" value); print }' <<<"$3"; } # with KEY VALUE URL
me() { ask "$console/v1/me" -b "$work/$1"; }
said() { grep -qF -- "$1" "$work/body" || { sed 's/^/# /' "$work/body" && false; }; }
# refused LIE WORDS
refused() {
    lie "$1" && [[ $(whole oncall liar) == 403 ]] && said "$2" && [[ $(me liar) == 401 ]] && lie none
}

says_which() {
    [[ $(ask "$console/sign-in") == 200 && $(<"$work/body") == '{"local":true,"providers":["idp","other"]}' ]] &&
        ! grep -rqF 'secret of the tests' "$work/out" "$work/err"
}
asks_for_a_code() {
    local there
    rm -f "$work/a"
    there=$(begin a) || return 1
    [[ $there == "$issuer/auth?response_type=code&client_id=cordon&redirect_uri=https%3A%2F%2F127.0.0.1%3A$port%2Fsign-in%2Foidc%2Fidp%2Fcallback&scope=openid&state="* ]] &&
        [[ $there =~ \&nonce=[A-Za-z0-9_-]{43}\&code_challenge=[A-Za-z0-9_-]{43}\&code_challenge_method=S256$ ]] &&
        grep -q '__Host-cordon-oidc=[A-Za-z0-9_-]*; Path=/; Secure; HttpOnly; SameSite=Lax' "$work/head"
}
signs_in() {
    [[ $(whole oncall a) == 303 && $(header location) == /console/ ]] || return 1
    grep -q '__Host-cordon=[A-Za-z0-9_-]*; Path=/; Secure; HttpOnly; SameSite=Strict' "$work/head" &&
        [[ $(me a) == 200 && $(jq -c '[.who,.roles,.session.password]' "$work/body") == '["idp:oncall",["viewer","responder"],false]' ]]
}
is_fresh() {
    local until now
    now=$(date +%s)
    [[ $(whole change-manager-1 b) == 303 && $(me b) == 200 ]] || return 1
    until=$(jq .session.fresh_until "$work/body")
    [[ $(jq -c .roles "$work/body") == '["viewer","approver"]' ]] && ((until / 1000 >= now + 840))
}
is_not_fresh_unless_it_is_said() {
    lie no-auth-time && [[ $(whole change-manager-1 c) == 303 && $(me c) == 200 ]] || return 1
    local token
    token=$(jq -r .session.token "$work/body")
    lie none && [[ $(ask "$console/v1/gates/g-000001-1/votes" -b "$work/c" -H "Origin: $console" -H "X-Cordon-Token: $token" \
        -H 'Content-Type: application/json' -d '{"vote":"approve","digest":"0000000000000000000000000000000000000000000000000000000000000000"}') == 403 ]] &&
        [[ $(jq -r .code "$work/body") == again ]] || return 1
    # and once more, with the password there
    local there
    there=$(begin c '?again=true') && [[ $there == *'&prompt=login&max_age=0' ]] &&
        [[ $(back c "$(at_provider "$there" change-manager-1)") == 303 ]] && [[ $(me c) == 200 ]] &&
        (($(jq .session.fresh_until "$work/body") > 0))
}
keeps_to_its_state() {
    local there url
    rm -f "$work/d"
    there=$(begin d) && url=$(at_provider "$there" oncall) || return 1
    [[ $(back d "${url/state=/state=x}") == 403 ]] && said 'was not begun in this browser' && [[ $(me d) == 401 ]] &&
        [[ $(back d "${url%%state=*}") == 403 ]] && [[ $(me d) == 401 ]]
}
keeps_to_its_browser() {
    local there url
    rm -f "$work/d" "$work/e"
    there=$(begin d) && url=$(at_provider "$there" oncall) || return 1
    # somebody is made to open the link of another's sign-in
    begin e >/dev/null && [[ $(back e "$url") == 403 ]] && said 'was not begun in this browser' && [[ $(me e) == 401 ]]
}
takes_a_code_once() {
    local there url first
    rm -f "$work/d"
    there=$(begin d) && url=$(at_provider "$there" oncall) || return 1
    cp "$work/d" "$work/first"
    [[ $(back d "$url") == 303 ]] || return 1
    first=$(me d)
    [[ $first == 200 && $(back first "$url") == 403 ]] && said 'was not begun in this browser' || return 1
    # the same code under a sign-in of its own: the provider says that it was used
    rm -f "$work/e"
    there=$(begin e) && [[ $there =~ state=([A-Za-z0-9_-]+) ]] &&
        [[ $(back e "$(with state "${BASH_REMATCH[1]}" "$url")") == 403 ]] &&
        said 'did not take the code (invalid_grant)' && [[ $(me e) == 401 ]]
}
keeps_to_its_verifier() {
    local mine theirs url
    rm -f "$work/d" "$work/e"
    # a code that was given to another sign-in's challenge, brought into this browser
    theirs=$(begin e) && url=$(at_provider "$theirs" oncall) && mine=$(begin d) &&
        [[ $mine =~ state=([A-Za-z0-9_-]+) ]] &&
        [[ $(back d "$(with state "${BASH_REMATCH[1]}" "$url")") == 403 ]] &&
        said 'did not take the code (invalid_grant)' && [[ $(me d) == 401 ]]
}
keeps_to_its_issuer() {
    local there url
    rm -f "$work/d"
    there=$(begin d) && url=$(at_provider "$there" oncall) && [[ $url == *iss=* ]] &&
        [[ $(back d "$(with iss https%3A%2F%2Fevil.example "$url")") == 403 ]] && [[ $(me d) == 401 ]]
}
is_who_it_was_taken_for() {
    [[ $(ask "$console/sign-in/oidc/other" -X POST -H "Origin: $console") == 502 ]] && said 'of another issuer'
}
needs_a_page_of_its_own() {
    [[ $(ask "$console/sign-in/oidc/idp" -X POST -H 'Origin: https://evil.example') == 403 ]] &&
        [[ $(ask "$console/sign-in/oidc/idp") == 405 ]] &&
        [[ $(ask "$console/sign-in/oidc/none" -X POST -H "Origin: $console") == 404 ]]
}
lies_about_nonce() { refused nonce '("nonce")' && refused no-nonce '("nonce")'; }
lies_about_aud() { refused aud '("aud")' && refused azp '("azp")'; }
lies_about_iss() { refused iss '("iss")'; }
lies_about_time() { refused expired 'has expired' && refused future 'in the future'; }
lies_about_signature() { refused alg-none 'not one that is allowed' && refused other-key 'does not hold'; }
has_too_many_groups() { refused overage 'more groups than a token of the provider holds'; }
has_no_name() { refused no-sub 'which says who you are'; }
has_no_role() { [[ $(whole stranger liar) == 403 ]] && said 'none of your groups there has a role here' && [[ $(me liar) == 401 ]]; }
rotates() {
    local before
    before=$(curl -s "$issuer/test/count")
    curl -s -o /dev/null "$issuer/test/rotate"
    [[ $(whole oncall d) == 303 && $(curl -s "$issuer/test/count") == $((before + 1)) ]] || return 1
    # again within five minutes: it is not asked, whoever wants it
    curl -s -o /dev/null "$issuer/test/rotate"
    [[ $(whole oncall liar) == 403 ]] && said "no key of the issuer has the token's kid" && [[ $(me liar) == 401 ]] &&
        [[ $(curl -s "$issuer/test/count") == $((before + 1)) ]]
}
signs_out() {
    local token
    [[ $(me a) == 200 ]] && token=$(jq -r .session.token "$work/body") && cp "$work/a" "$work/kept" &&
        [[ $(ask "$console/sign-out" -X POST -b "$work/a" -c "$work/a" -H "Origin: $console" -H "X-Cordon-Token: $token") == 204 ]] &&
        [[ $(me kept) == 401 ]]
}
says_that_it_is_gone() {
    kill "$idp" && wait "$idp" 2>/dev/null
    idp=
    # what it said of itself is known for an hour, so it is the code that cannot be exchanged
    local there
    rm -f "$work/d"
    there=$(begin d) && [[ $there =~ state=([A-Za-z0-9_-]+) ]] &&
        [[ $(back d "$console/sign-in/oidc/idp/callback?code=x&state=${BASH_REMATCH[1]}") == 502 ]] && said 'the token did not come' &&
        [[ $(ask "$console/healthz") == 200 ]]
}

tell "it says how one can sign in, and no secret" says_which
tell "the browser is sent to the provider with state, nonce and a challenge, and is remembered" asks_for_a_code
tell "who signed in there is let in, named after the provider, with the roles of their groups" signs_in
tell "a sign-in there is as fresh as the provider says" is_fresh
tell "without a word of the provider it is not, until they sign in there once more" is_not_fresh_unless_it_is_said
tell "another state, or none, is refused" keeps_to_its_state
tell "a sign-in that another browser began is refused" keeps_to_its_browser
tell "a code is taken once, here and there" takes_a_code_once
tell "a code that was given to another sign-in is refused" keeps_to_its_verifier
tell "an answer that names another issuer is refused" keeps_to_its_issuer
tell "a provider that says of itself that it is another is refused" is_who_it_was_taken_for
tell "a sign-in begins at a page of the console, at a provider that there is" needs_a_page_of_its_own
tell "another nonce, or none, is refused" lies_about_nonce
tell "a token for somebody else is refused" lies_about_aud
tell "a token of another issuer is refused" lies_about_iss
tell "a token that is over, or not yet, is refused" lies_about_time
tell "a token without a signature, or of another key, is refused" lies_about_signature
tell "too many groups for a token are none, and it says so" has_too_many_groups
tell "a token that does not say who it is of is refused" has_no_name
tell "nobody is let in whose groups have no role" has_no_role
tell "keys that are new are fetched, at most once in five minutes" rotates
tell "signing out ends the session" signs_out
tell "a provider that does not answer is said to be gone, and all else goes on" says_that_it_is_gone
stop_daemon || exit 1

not_https() { config 'issuer = "http://id.example", plain_http_loopback = false' && refuses_with 'want https'; }
unknown_key() { config 'client_secrt = "x",' && refuses_with 'did you mean "client_secret"'; }
unknown_role() { config 'groups = { g = { "root" } },' && refuses_with 'groups["g"]'; }
no_secret() { config 'client_secret = "absent",' && refuses_with 'sign_in.oidc.idp: secret'; }
no_way() {
    cat >"$state/cordon.lua" <<LUA
return { serve = { console = { listen = "127.0.0.1:0", cert = "$work/cordon.pem", key = "$work/cordon.key" } }, sign_in = { ["local"] = false } }
LUA
    refuses_with 'nobody could sign in'
}
refuses_with() {
    if start_daemon; then
        stop_daemon
        return 1
    fi
    wait "$daemon"
    daemon=
    grep -qF -- "$1" "$work/err" || { sed 's/^/# /' "$work/err" && false; }
}
tell "an issuer without https is refused" not_https
tell "a key that is misspelt is refused" unknown_key
tell "a role that is none is refused" unknown_role
tell "a secret that is not there is named" no_secret
tell "a console that nobody could enter is refused" no_way
summary
