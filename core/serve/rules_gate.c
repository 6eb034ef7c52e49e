/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rules_gate.c - what a policy says of people and gates, looked at strictly.
 */
#include "serve/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alert_reach.h"

static bool is_in(struct span list, struct span name)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (span_equal(json_raw(item), name))
            return true;
    return false;
}

/* -- people --------------------------------------------------------------------------------- */

/* Whose name it is beside this person's, or the empty span. */
static struct span other_owner(struct span people, struct span person, struct span name)
{
    struct span other, value;
    size_t pos = 0;

    while (json_next(people, &pos, &other, &value))
        if (!span_equal(other, person) &&
            (span_equal(other, name) || is_in(json_get(value, "accounts"), name)))
            return other;
    return (struct span){ 0 };
}

static int check_person(struct span people, struct span name, struct span person,
                        struct err *err)
{
    struct span key, value, account;
    size_t pos = 0;
    char what[160];
    int len = (int)(name.len < 100 ? name.len : 100);

    if (json_kind(person) != JSON_OBJECT)
        return err_set(err, ERR_INVALID,
                       "people.%.*s: want a table such as { accounts = { \"ann-adm\" } }",
                       len, name.ptr);
    while (json_next(person, &pos, &key, &value))
        if (!span_is(key, "accounts"))
            return err_set(err, ERR_INVALID, "people.%.*s has no '%.*s'; it has accounts",
                           len, name.ptr, (int)(key.len < 60 ? key.len : 60), key.ptr);
    snprintf(what, sizeof what, "people.%.*s.accounts", len, name.ptr);
    if (rules_check_strings(json_get(person, "accounts"), what, err) != 0)
        return err->code;
    pos = 0;
    while (json_next(json_get(person, "accounts"), &pos, NULL, &account)) {
        struct span other = other_owner(people, name, json_raw(account));

        if (other.len > 0)
            return err_set(err, ERR_INVALID,
                           "%s: \"%.*s\" is a name of %.*s too, and a name has one human",
                           what,
                           (int)(json_raw(account).len < 60 ? json_raw(account).len : 60),
                           json_raw(account).ptr, (int)(other.len < 60 ? other.len : 60),
                           other.ptr);
    }
    return 0;
}

/* -- gate.escalate -------------------------------------------------------------------------- */

static bool is_severity(struct span word)
{
    static const char *const words[] = { "informational", "low", "medium", "high",
                                         "critical" };

    if (word.len > 0 && word.ptr[word.len - 1] == '+')
        word.len--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_equal_nocase(word, span_of(words[i])))
            return true;
    return false;
}

static int check_escalate(struct span groups, struct span list, struct err *err)
{
    struct span link;
    size_t pos = 0;
    char what[64];
    struct err why;

    for (int i = 0; json_next(list, &pos, NULL, &link); i++) {
        struct span severity = json_get(link, "severity");

        snprintf(what, sizeof what, "gate.escalate[%d].from", i);
        if (rules_check_from(groups, json_get(link, "from"), what, err) != 0)
            return err->code;
        if (severity.len > 0 && !is_severity(json_raw(severity)))
            return err_set(err, ERR_INVALID,
                           "gate.escalate[%d].severity: want informational, low, medium, "
                           "high or critical, each also with + behind it",
                           i);
        if (reach_severity(severity, &why) != 0)
            return err_set(err, ERR_INVALID, "gate.escalate[%d].severity: %s", i, why.text);
    }
    return 0;
}

static int check_gate(struct span groups, struct span gate, struct err *err)
{
    if (check_escalate(groups, json_get(gate, "escalate"), err) != 0)
        return err->code;
    if (span_is(json_get_raw(gate, "on_timeout"), "escalate") &&
        json_count(json_get(gate, "escalate")) == 0)
        return err_set(err, ERR_INVALID,
                       "gate.on_timeout: it is escalate, and gate.escalate names nobody");
    return 0;
}

/* -- role slots, break_glass ---------------------------------------------------------------- */

int rules_check_slots(struct span groups, struct span asked, const char *path,
                      struct err *err)
{
    struct span need = json_get(asked, "need");
    char what[120];

    snprintf(what, sizeof what, "%s.need", path);
    if (json_kind(need) != JSON_ARRAY)
        return 0;
    if (json_get(asked, "from").len > 0)
        return err_set(err, ERR_INVALID,
                       "%s: it names the groups itself, so there is no from", what);
    if (json_count(need) > ENGINE_SLOTS_MAX)
        return err_set(err, ERR_INVALID, "%s: want at most %d groups", what,
                       ENGINE_SLOTS_MAX);
    return rules_check_from(groups, need, what, err);
}

static int check_glass(struct span groups, struct span glass, struct err *err)
{
    if (glass.len == 0)
        return 0;
    if (rules_check_from(groups, json_get(glass, "from"), "break_glass.from", err) != 0)
        return err->code;
    return rules_check_from(groups, json_get(glass, "review_from"),
                            "break_glass.review_from", err);
}

int rules_check_gates(struct span json, struct err *err)
{
    struct span groups = json_get(json, "groups"), people = json_get(json, "people");
    struct span key, value;
    size_t pos = 0;

    while (json_next(people, &pos, &key, &value))
        if (check_person(people, key, value, err) != 0)
            return err->code;
    if (check_gate(groups, json_get(json, "gate"), err) != 0)
        return err->code;
    return check_glass(groups, json_get(json, "break_glass"), err);
}
