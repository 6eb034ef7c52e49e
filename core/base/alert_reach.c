/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alert_reach.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/schema.h"
#include "base/str.h"

enum { NAMES_MAX = 512, SHOWN_MAX = 80 };

/* Kinds (sources.c), and products as alert_identity.lua names them. tests/reach compares. */
static const char *const built_in[] = { "defender-for-cloud",
                                        "sentinel",
                                        "graph",
                                        "azure-monitor",
                                        "event-grid",
                                        "cloudevents",
                                        "generic",
                                        "defender-xdr",
                                        "defender-for-endpoint",
                                        "defender-for-identity",
                                        "defender-for-iot",
                                        "defender-for-office-365",
                                        "defender-for-cloud-apps",
                                        "entra-id-protection" };
enum { BUILT_IN = sizeof built_in / sizeof *built_in };

/* -- one text, or a list of them ---------------------------------------------------------------- */

typedef bool can_fn(struct span pattern);

/* Can one of the texts be? Severities and the like: what is beside it in a list does no harm. */
static bool can_any(struct span value, can_fn *can)
{
    struct span item;
    size_t pos = 0;

    if (json_kind(value) == JSON_STRING)
        return can(json_raw(value));
    if (json_kind(value) != JSON_ARRAY || json_count(value) == 0)
        return true; /* for others to refuse */
    while (json_next(value, &pos, NULL, &item))
        if (can(json_raw(item)))
            return true;
    return false;
}

static int fail(struct err *err, struct span value, const char *why)
{
    struct span said = json_kind(value) == JSON_STRING ? json_raw(value) : value;
    struct str shown = { 0 };

    str_add_shown(&shown, said.ptr, said.len < SHOWN_MAX ? said.len : SHOWN_MAX);
    err_set(err, ERR_INVALID, "%s %s, so this matches nothing", str_text(&shown), why);
    str_fini(&shown);
    return err->code;
}

/* -- severity, confidence, status --------------------------------------------------------------- */

static bool can_severity(struct span word)
{
    return !span_equal_nocase(word, span_of("critical")) &&
           !span_equal_nocase(word, span_of("critical+"));
}

int reach_severity(struct span value, struct err *err)
{
    return can_any(value, can_severity)
               ? 0
               : fail(err, value,
                      "is no severity of an alert: cordon reads a sender's critical as "
                      "high; want high");
}

static bool can_confidence(struct span word)
{
    /* "informational+" and "low+" are the same: all that have one. */
    return can_severity(word) && !span_equal_nocase(word, span_of("informational"));
}

int reach_confidence(struct span value, struct err *err)
{
    return can_any(value, can_confidence)
               ? 0
               : fail(err, value,
                      "is no confidence of an alert: it is low, medium or high, where the "
                      "sender says");
}

bool reach_is_over(struct span status)
{
    static const char *const words[] = { "resolved",       "closed",
                                         "dismissed",      "suppressed",
                                         "redirected",     "remediated",
                                         "falsepositive",  "benignpositive",
                                         "benign",         "informationalexpectedactivity",
                                         "expected",       "expectedactivity",
                                         "notmalicious",   "suspiciousbutexpected",
                                         "autoresolved",   "autodismissed",
                                         "securitytesting" };
    struct str text = { 0 };
    bool is_one = false;

    for (size_t i = 0; i < status.len; i++)
        if (strchr(" -_.", status.ptr[i]) == NULL)
            str_add_char(&text, status.ptr[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        is_one = is_one || span_equal_nocase(str_span(&text), span_of(words[i]));
    str_fini(&text);
    return is_one;
}

static bool can_status(struct span word)
{
    return word.len > 0 && !span_equal_nocase(word, span_of("new"));
}

int reach_status(struct span value, struct err *err)
{
    return can_any(value, can_status)
               ? 0
               : fail(err, value,
                      "is no status of an alert: cordon reads new, and none, as active; "
                      "want active");
}

/* -- source ------------------------------------------------------------------------------------- */

struct sources {
    const char *names[NAMES_MAX];
    char *own[NAMES_MAX]; /* those to free */
    size_t count, own_count;
    bool is_open;
};

static void read_sources(struct sources *sources, struct span known)
{
    struct span item;
    size_t pos = 0;

    memcpy(sources->names, built_in, sizeof built_in);
    sources->count = BUILT_IN;
    sources->own_count = 0;
    sources->is_open = json_get_bool(known, "open", false);
    while (sources->count < NAMES_MAX &&
           json_next(json_get(known, "names"), &pos, NULL, &item)) {
        char *name = json_text(item);

        if (name == NULL)
            continue;
        sources->own[sources->own_count++] = name;
        sources->names[sources->count++] = name;
    }
}

static void free_sources(struct sources *sources)
{
    for (size_t i = 0; i < sources->own_count; i++)
        free(sources->own[i]);
}

static bool is_source(const struct sources *sources, const char *pattern)
{
    for (size_t i = 0; i < sources->count; i++)
        if (span_glob(span_of(sources->names[i]), pattern))
            return true;
    return false;
}

/* Event Grid and CloudEvents have addresses and ids there. */
static bool is_address(const char *pattern)
{
    return strpbrk(pattern, "/:") != NULL;
}

static int check_source(const struct sources *sources, struct span value, struct err *err)
{
    char *pattern = json_text(value);
    const char *nearest = NULL;
    bool is_wrong = false;

    if (pattern != NULL && !is_source(sources, pattern)) {
        nearest = schema_nearest(span_of(pattern), sources->names, sources->count);
        is_wrong = nearest != NULL || !(sources->is_open || is_address(pattern));
    }
    if (is_wrong) {
        struct str shown = { 0 };

        str_add_shown(&shown, pattern, strnlen(pattern, SHOWN_MAX));
        err_set(err, ERR_INVALID,
                "no source of cordon.lua, no kind and no product is called %s, so this "
                "matches nothing%s%s%s",
                str_text(&shown), nearest != NULL ? "; did you mean " : "",
                nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
        str_fini(&shown);
    }
    free(pattern);
    return is_wrong ? err->code : 0;
}

int reach_source(struct reach_known known, struct span value, struct err *err)
{
    struct sources sources;
    struct span item;
    size_t pos = 0;
    int rc = 0;

    if (known.sources.len == 0 || value.len == 0)
        return 0;
    read_sources(&sources, known.sources);
    if (json_kind(value) == JSON_STRING)
        rc = check_source(&sources, value, err);
    while (rc == 0 && json_kind(value) == JSON_ARRAY && json_next(value, &pos, NULL, &item))
        if (json_kind(item) == JSON_STRING)
            rc = check_source(&sources, item, err);
    free_sources(&sources);
    return rc;
}

/* -- all of a match ----------------------------------------------------------------------------- */

static bool is_no_end(struct span status)
{
    return !reach_is_over(status);
}

/* over = false beside a status that ends: no adapter of ours gives both. */
static int check_over(struct reach_known known, struct span match, struct err *err)
{
    struct span status = json_get(match, "status");

    if (json_kind(json_get(match, "over")) != JSON_FALSE || status.len == 0 ||
        known.sources.len == 0 || json_get_bool(known.sources, "open", false) ||
        can_any(status, is_no_end))
        return 0;
    return err_set(
        err, ERR_INVALID,
        "false contradicts the status beside it, which only an alert has that is "
        "over, so this matches nothing");
}

int reach_match(struct reach_known known, struct span match, const char **key,
                struct err *err)
{
    *key = "source";
    if (reach_source(known, json_get(match, *key), err) != 0)
        return err->code;
    *key = "severity";
    if (reach_severity(json_get(match, *key), err) != 0)
        return err->code;
    *key = "confidence";
    if (reach_confidence(json_get(match, *key), err) != 0)
        return err->code;
    *key = "status";
    if (reach_status(json_get(match, *key), err) != 0)
        return err->code;
    *key = "over";
    return check_over(known, match, err);
}

/* -- types -------------------------------------------------------------------------------------- */

/* What stands before the first "_" of Defender for Cloud's published alert types. */
static const char *const families[] = { "AI.Azure",     "API",           "AppServices",
                                        "ARM",          "AzureDNS",      "CosmosDB",
                                        "DNS",          "K8S",           "K8S.NODE",
                                        "KV",           "Network",       "Resource",
                                        "SQL.DB",       "SQL.DW",        "SQL.MI",
                                        "SQL.VM",       "SQL.MySQL",     "SQL.MariaDB",
                                        "SQL.Arc",      "SQL.Postgre",   "Storage",
                                        "Storage.Blob", "Storage.Files", "Synapse.SQLPool",
                                        "VM",           "VM.Linux",      "VM.Windows" };
enum { FAMILIES = sizeof families / sizeof *families, FAMILY_MIN = 5 };

bool reach_type_hint(struct span match, struct str *text)
{
    char *source = json_get_text(match, "source"), *type = json_get_text(match, "type");
    const char *end = type != NULL ? strchr(type, '_') : NULL, *nearest = NULL;

    if (source != NULL && end != NULL && span_glob(span_of("defender-for-cloud"), source)) {
        struct span family = { type, (size_t)(end - type) };
        bool is_known = family.len < FAMILY_MIN || memchr(type, '*', family.len) != NULL ||
                        memchr(type, '?', family.len) != NULL;

        for (size_t i = 0; i < FAMILIES && !is_known; i++)
            is_known = span_equal_nocase(family, span_of(families[i]));
        nearest = is_known ? NULL : schema_nearest(family, families, FAMILIES);
        if (nearest != NULL)
            str_printf(text,
                       "no type of Defender for Cloud's that is known begins with %.*s_; "
                       "did you mean %s_?",
                       (int)family.len, family.ptr, nearest);
    }
    free(source);
    free(type);
    return nearest != NULL;
}
