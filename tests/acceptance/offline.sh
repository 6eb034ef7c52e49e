#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Signed approvals, at the engine and from another machine. Two folders are two machines: the
# one with the state directory, and one that has the files that were carried there, no engine
# and no state directory.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

there=$work/there
mkdir "$there"
for who in mary sam stranger old; do
    ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$there/$who"
done
ssh-keygen -q -t ecdsa -b 256 -N '' -C mary -f "$there/mary-p256"
ssh-keygen -q -t rsa -b 2048 -N '' -C mary -f "$there/mary-rsa"

# on_the_other COMMAND...: cordon on the machine that has nothing but files.
on_the_other() {
    (cd "$there" && env -u CORDON_STATE timeout 20 "$CORDON" "$@") || return
    [[ ! -e $there/.cordon ]] || echo "# an engine was started there"
}

playbook change <<'END'
    noop.set { target = "x", value = 1 }
    noop.set { target = "y", value = 2 }
END

policy() { # policy NEED [MORE OF GATE]
    cat >"$state/policy.lua" <<END
return {
  groups = { ops = { "mary", "sam", "$me" } },
  gate = { sign = true${2:+, $2} },
  rules = { { name = "sets", match = { action = "noop.*" }, need = $1, from = { "ops" } } },
}
END
}

# asked NAME [NEED [MORE OF GATE]]: keys are enrolled, and a run waits at its gate, whose file
# is on the other machine.
asked() {
    noop_state "$1" && policy "${2:-1}" "${3:-}" && exits 0 cordon key add mary "$there/mary.pub" &&
        exits 0 cordon key add sam "$there/sam.pub" && exits 3 cordon run "$work/change.lua" &&
        exits 0 cordon gate export g-000001-1 --out "$there/gate.json"
}

signed() { # signed KEY WHO [MORE...]: the vote, in gate.json.sig.json
    rm -f "$there"/gate.json*.sig.json
    exits 0 on_the_other gate sign gate.json --sign "$1" --who "$2" --yes "${@:3}"
}

vote=$there/gate.json.sig.json

# refused CODE SENTENCE FILE: nothing was taken, nothing happens, and it is said why.
refused() {
    exits "$1" cordon gate import "$3" && has "$2" && one_sentence &&
        is 0 "$(noop_effects)" "effects" && exits 0 cordon show r-000001 --json &&
        is 0 "$(jq '[.rows[] | select(.kind == "vote")] | length' <<<"$out")" "votes"
}

nobody_to_ask() {
    asked nobody && exits 3 on_the_other gate sign gate.json --sign mary --who mary && one_sentence &&
        has 'nothing was signed: there is no terminal to ask at' &&
        is no "$([[ -e $vote ]] && echo yes || echo no)" "was anything signed" &&
        exits 2 on_the_other gate sign gate.json --sign nokey --who mary --yes &&
        has 'open the key nokey: No such file or directory'
}
tell "without a terminal a vote is signed only with --yes" nobody_to_ask

too_late_to_sign() {
    asked over && signed mary mary --deny --reason "wrong site" && exits 0 cordon gate import "$vote" &&
        exits 0 cordon gate export g-000001-1 --out "$there/gate.json" && has 'for the record only' &&
        exits 1 on_the_other gate sign gate.json --sign mary --who mary --yes &&
        has 'nothing was signed: gate g-000001-1 is denied'
}
tell "a gate that is over is exported for the record, and not signed" too_late_to_sign

carried() {
    asked carried && exits 0 on_the_other gate show gate.json && has 'noop.set' && has 'target +y' &&
        has 'checked: the digest of the gate and of each of its changes' &&
        signed mary mary --reason "agreed with the owner" &&
        exits 0 cordon gate import "$vote" && has 'the vote of mary \(approve\) is taken' &&
        gone "$state" && is 2 "$(noop_effects)" "effects" && exits 0 cordon show r-000001 &&
        exits 0 cordon show r-000001 --json &&
        is "mary $me" "$(jq -r '.rows[] | select(.kind == "vote") | "\(.body.who) \(.body.via)"' <<<"$out")" \
            "who voted, and who carried it" && whole
}
tell "a vote that was signed on another machine is its person's, and does what the file said" carried

# As two people do it in one folder, one after the other: no file is named, none is removed.
pair() {
    asked pair 2 && rm -f "$there"/gate.json*.sig.json &&
        exits 0 on_the_other gate sign gate.json --sign mary --who mary --yes --reason "first" &&
        exits 0 on_the_other gate sign gate.json --sign sam --who sam --yes --reason "second" && has 'gate.json.2.sig.json has the signed vote' &&
        is mary "$(jq -r .statement.who "$vote")" "whose vote is in the first file" &&
        is sam "$(jq -r .statement.who "$there/gate.json.2.sig.json")" "whose vote is in the second file" &&
        exits 0 cordon gate import "$vote" && is 0 "$(noop_effects)" "effects of one vote" &&
        exits 0 cordon gate import "$there/gate.json.2.sig.json" && gone "$state" && is 2 "$(noop_effects)" "effects" &&
        exits 0 cordon show r-000001 --json &&
        is "mary sam" "$(jq -r '[.rows[] | select(.kind == "vote") | .body.who] | join(" ")' <<<"$out")" "whose votes count" && whole
}
tell "a second signer's vote does not write over the first one's, and both count" pair

same_out() {
    asked same_out 2 && exits 0 on_the_other gate sign gate.json --sign mary --who mary --yes --out vote.json &&
        exits 2 on_the_other gate sign gate.json --sign sam --who sam --yes --out vote.json && has 'nothing was signed: vote.json has the vote of mary; give another --out' &&
        is mary "$(jq -r .statement.who "$there/vote.json")" "whose vote is in the file" &&
        exits 0 on_the_other gate sign gate.json --sign mary --who mary --deny --yes --reason "after all not" --out vote.json &&
        is deny "$(jq -r .statement.vote "$there/vote.json")" "what the signer said last"
}
tell "a file with another's vote is not written over, also when it is named" same_out

once() {
    asked once 2 && signed mary mary && exits 0 cordon gate import "$vote" && exits 1 cordon gate import "$vote" &&
        has 'this vote of mary was taken before; it counts once' && is 0 "$(noop_effects)" "effects" &&
        exits 0 cordon doctor --rebuild && exits 1 cordon gate import "$vote" && has 'taken before' &&
        signed sam sam && exits 0 cordon gate import "$vote" && gone "$state" &&
        is 2 "$(noop_effects)" "effects" && exits 1 cordon gate import "$vote" && has 'taken before' && whole
}
tell "a vote in a file is taken once, also by an engine that was started anew" once

proves_itself() {
    asked proves && signed mary mary --reason 'agreed, "all" of it' && exits 0 cordon gate import "$vote" || return 1
    gone "$state"
    local row install
    row=$(sqlite3 -readonly "$state/journal.db" 'select body from events where kind = 9')
    install=$(sqlite3 -readonly "$state/journal.db" 'select body from events where seq = 1' | jq -r .install)
    jq -r .sig <<<"$row" >"$work/sig"
    jq -cj --arg install "$install" '{digest: .d, gate: "g-000001-1", install: $install, reason: .why,
        run: "r-000001", v: "cordon.approval.v1", vote: "approve", who}' <<<"$row" >"$work/statement"
    echo "mary $(<"$there/mary.pub")" >"$work/allowed"
    exits 0 ssh_verify mary && is_not_signed
}
ssh_verify() {
    ssh-keygen -Y verify -f "$work/allowed" -I "$1" -n approval@cordon -s "$work/sig" <"$work/statement"
}
is_not_signed() {
    sed -i 's/approve/approvf/' "$work/statement" && exits 255 ssh_verify mary
}
tell "a signed vote in the journal is proven by ssh-keygen alone" proves_itself

keys_of_other_types() {
    asked types && exits 0 cordon key add mary "$there/mary-p256.pub" && signed mary-p256 mary &&
        exits 0 cordon gate import "$vote" && gone "$state" && is 2 "$(noop_effects)" "effects" &&
        exits 2 cordon key add mary "$there/mary-rsa.pub" && has 'ssh-rsa are not taken: want ssh-ed25519' &&
        exits 2 cordon key add mary "$there/mary" && has 'a private key stays with its owner' && one_sentence &&
        exits 2 on_the_other gate sign gate.json --sign mary-rsa --who mary --yes && has 'ssh-rsa are not taken'
}
tell "ECDSA keys sign too, and RSA keys are refused with what would be right" keys_of_other_types

# sign_anew NAMESPACE KEY: what the vote's file says, signed by hand.
sign_anew() {
    jq -cj .statement "$vote" >"$work/statement"
    ssh-keygen -Y sign -q -n "$1" -f "$there/$2" <"$work/statement" >"$work/sig" &&
        jq -c --rawfile sig "$work/sig" '.sig = $sig' "$vote" >"$work/vote.json"
}

other_namespaces() {
    asked namespaces && signed mary mary && sign_anew git mary &&
        refused 4 'signature is for namespace "git", and must be for approval@cordon' "$work/vote.json" &&
        sign_anew file mary && refused 4 'namespace "file"' "$work/vote.json" &&
        sign_anew approval@cordon mary && exits 0 cordon gate import "$work/vote.json"
}
tell "a signature for another namespace is refused by name" other_namespaces

# alter FILTER: the file as another hand would leave it.
alter() {
    jq -c "$1" "$there/gate.json" >"$there/altered.json"
    exits 4 on_the_other gate show altered.json && has 'has been altered' && one_sentence &&
        exits 4 on_the_other gate sign altered.json --sign mary --who mary && has 'has been altered' &&
        is no "$([[ -e $there/altered.json.sig.json ]] && echo yes || echo no)" "was anything signed"
}

altered_files() {
    asked altered && alter '.body.changes[0].args.value = 9' && alter '.body.changes[0].after.value = 9' &&
        alter '.body.changes[1].target = "z"' && alter '.body.changes[0].what = "harmless"' &&
        alter '.body.changes |= .[:1]' && alter '.body.title = "harmless"' && alter '.body.due += 1' &&
        alter '.body.by = "sam"' && alter '.playbook = "harmless"' && alter '.playbook_hash |= .[1:] + "0"' &&
        alter '.digest |= .[1:] + "0"' && alter '.install |= .[1:] + "0"' && alter '.gate = "g-000001-2" | .statement.gate = .gate' &&
        alter '.run = "r-000002" | .statement.run = "r-000002"' && alter 'del(.body.sign)'
}
tell "a file with anything altered is neither shown nor signed" altered_files

altered_votes() {
    asked votes && signed mary mary --reason seen || return 1
    local filter
    for filter in '.statement.reason = "other"' '.statement.who = "sam"' '.statement.run = "r-000002"' \
        '.statement.vote = "deny"' '.sig |= sub("A"; "B")'; do
        jq -c "$filter" "$vote" >"$work/vote.json"
        exits 4 cordon gate import "$work/vote.json" && one_sentence && is 0 "$(noop_effects)" "effects" || return 1
    done
    jq -c '.statement.digest |= .[1:] + "0"' "$vote" >"$work/vote.json"
    refused 4 'the signature is not one of key' "$work/vote.json" || return 1
    # With a good signature over what is wrong.
    cp "$work/vote.json" "$vote"
    sign_anew approval@cordon mary && refused 1 'gate g-000001-1 is about' "$work/vote.json" || return 1
    jq -c '.statement.more = "x"' "$work/vote.json" >"$vote"
    sign_anew approval@cordon mary && refused 2 'members that no statement has' "$work/vote.json" &&
        refused 2 'is a gate that nobody has signed' "$there/gate.json"
}
tell "a vote with anything altered is refused, and so is one for another digest" altered_votes

wrong_keys() {
    asked wrong && signed stranger mary && refused 4 'is not enrolled here' "$vote" &&
        signed sam mary && refused 4 'is that of sam, and the vote is one of mary' "$vote" &&
        signed mary mary && exits 0 cordon key revoke k-1 --reason "laptop stolen" &&
        refused 4 'of mary has been revoked' "$vote" && exits 0 cordon doctor --rebuild &&
        refused 4 'of mary has been revoked' "$vote" && exits 1 cordon key add mary "$there/mary.pub" &&
        has 'a revoked key is not taken again'
}
tell "a key that is not enrolled, another person's or revoked signs for nobody" wrong_keys

other_journals() {
    asked first && signed mary mary && mv "$vote" "$work/first.json" && asked second &&
        refused 1 'the vote is for a gate of another journal' "$work/first.json"
}
tell "a vote for a gate of another journal is refused" other_journals

too_late() {
    asked late 1 'within = "2s"' && signed mary mary && sleep 2.2 &&
        refused 1 'g-000001-1 (was open until its deadline|is expired)' "$vote"
}
tell "a vote for a gate whose time is over is refused" too_late

closed() {
    asked closed && signed mary mary && exits 0 cordon cancel r-000001 --reason anew && gone "$state" &&
        refused 1 'g-000001-1 is void; a late vote changes nothing' "$vote"
}
tell "a vote for a gate that is closed is refused" closed

not_an_approver() {
    asked strangers && exits 0 cordon key add old "$there/old.pub" && signed old old &&
        refused 4 'old is in none of the groups' "$vote"
}
tell "the rules for a vote in a file are those for its person" not_an_approver

denied() {
    asked denied && exits 2 on_the_other gate sign gate.json --sign mary --who mary --deny &&
        has 'denying wants --reason' && signed mary mary --deny --reason "wrong site" &&
        exits 0 cordon gate import "$vote" && has '\(deny\)' && gone "$state" &&
        exits 0 cordon runs && has 'denied' && is 0 "$(noop_effects)" "effects"
}
tell "a denial can be carried too, and ends the gate" denied

here() {
    noop_state here && policy 1 && sed -i 's/  gate/  self_approval = true, gate/' "$state/policy.lua" &&
        exits 0 cordon key add "$me" "$there/old.pub" && exits 3 cordon run "$work/change.lua" &&
        has 'signature +of an SSH key' && has 'cordon approve g-000001-1 --sign KEYFILE' &&
        exits 1 cordon approve g-000001-1 --digest zz && has 'the vote is for digest zz, and gate g-000001-1 is about [0-9a-f]{12}: ' &&
        exits 2 cordon approve g-000001-1 --yes && has 'wants signed approvals.*cordon approve g-000001-1 --sign KEYFILE' &&
        exits 4 cordon approve g-000001-1 --yes --sign "$there/sam" && has 'is not enrolled here' &&
        is 0 "$(noop_effects)" "effects" && exits 0 cordon approve g-000001-1 --yes --sign "$there/old" --reason seen &&
        is 2 "$(noop_effects)" "effects" && exits 0 cordon gates g-000001-1 && has 'signed with SHA256:'
}
tell "at the engine a gate that wants a signature takes no vote without one" here

by_a_rule() {
    noop_state rule && cat >"$state/policy.lua" <<END && exits 3 cordon run "$work/change.lua" &&
return {
  groups = { ops = { "mary" } },
  rules = {
    { name = "sets", match = { action = "noop.*" }, need = 1, from = "ops" },
    { name = "high", match = { action = "noop.set" }, need = 1, sign = "verified" },
  },
}
END
        has 'signature +of a hardware key that asks for a PIN or a finger' && has 'needs +1 signed approval' &&
        exits 0 cordon key add mary "$there/mary.pub" && exits 0 cordon gate export g-000001-1 --out "$there/gate.json" &&
        signed mary mary && refused 4 'wants a hardware key that asks for a PIN or a finger' "$vote"
}
tell "a rule can want a hardware key that asks for a PIN" by_a_rule

misspelt() {
    noop_state misspelt && policy 1 && sed -i 's/sign = true/sign = "always"/' "$state/policy.lua" &&
        exits 6 cordon run "$work/change.lua" && has 'policy.lua.*sign' && is 0 "$(noop_effects)" "effects"
}
tell "a policy that says sign in other words is none" misspelt

index_only() {
    asked index && exits 0 cordon key revoke k-1 --reason lost && gone "$state" &&
        sqlite3 "$state/journal.db" 'update entries set state = 1 where kind = 7' &&
        exits 0 cordon key list && has "revoked by" &&
        exits 1 cordon doctor && has 'somebody else than cordon wrote to the index'
}
tell "a key is in force when its row says so, not its line in the index" index_only

no_keygen() {
    asked missing || return 1
    exits 1 env PATH=/nowhere "$(command -v timeout)" 20 "$CORDON" gate sign "$there/gate.json" --sign "$there/mary" --who mary --yes &&
        has 'apt-get install openssh-client' && one_sentence
}
tell "without ssh-keygen it is said how to install it" no_keygen

stolen() {
    asked stolen && exits 0 cordon halt all && signed mary mary && exits 0 cordon gate import "$vote" &&
        exits 0 cordon key revoke k-1 --reason stolen && exits 0 cordon resume all && gone "$state" &&
        is 0 "$(noop_effects)" "effects" && exits 0 cordon gates &&
        has 'g-000001-2' && exits 0 cordon gates g-000001-2 && has 'mary, whose key was revoked'
}
tell "a key that is revoked takes back what it approved and is not done yet" stolen

summary
