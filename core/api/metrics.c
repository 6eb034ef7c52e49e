/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/metrics.c - the engine's numbers and this process's own, as Prometheus wants them.
 */
#include "api/v1.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "api/metrics.h"
#include "api/route.h"

enum { CLASSES = 6 }; /* 1xx to 5xx; 0: none */

static int64_t requests[ROUTES_MAX + 1][CLASSES]; /* the last: no route */

void metrics_count(const struct route *route, int status)
{
    ptrdiff_t i = route == NULL ? ROUTES_MAX : route - routes;
    int class = status / 100;

    if (i < 0 || i > ROUTES_MAX)
        i = ROUTES_MAX;
    requests[i][class > 0 && class < CLASSES ? class : 0]++;
}

/* -- writing -------------------------------------------------------------------------------- */

static void put_head(struct str *out, const char *name, const char *type, const char *about)
{
    str_printf(out, "# HELP cordon_%s %s\n# TYPE cordon_%s %s\n", name, about, name, type);
}

static void put_number(struct str *out, const char *name, const char *type,
                       const char *about, int64_t value)
{
    put_head(out, name, type, about);
    str_printf(out, "cordon_%s %" PRId64 "\n", name, value);
}

static void put_runs(struct str *out, struct span runs)
{
    struct span key, value;
    size_t pos = 0;

    put_head(out, "runs", "gauge", "Runs by how they stand.");
    while (json_next(runs, &pos, &key, &value))
        str_printf(out, "cordon_runs{state=\"%.*s\"} %" PRId64 "\n", (int)key.len, key.ptr,
                   json_int(value, 0));
}

static void put_oldest(struct str *out, struct span json)
{
    int64_t at = json_get_int(json_get(json, "index"), "oldest_gate_at", 0);
    int64_t now = json_get_int(json, "now", 0);

    put_number(out, "gate_oldest_seconds", "gauge",
               "How long the oldest open gate has waited; 0 when none is open.",
               at > 0 && now > at ? (now - at) / 1000 : 0);
}

static void put_engine(struct str *out, struct span json)
{
    static const struct {
        const char *key, *name, *type, *about;
    } numbers[] = {
        { "clients", "clients", "gauge", "Connections to the engine's own socket." },
        { "feeds", "feeds", "gauge", "Feeds that the engine tells rows to." },
        { "journal_bytes", "journal_written_bytes_total", "counter",
          "Bytes of rows written by this engine." },
        { "journal_commits", "journal_commits_total", "counter",
          "Commits by this engine." },
        { "journal_rows", "journal_rows_total", "counter", "Rows of the journal." },
        { "not_started", "alerts_not_started_total", "counter",
          "Alerts that match and could not start a run, since the daemon started." },
        { "plugins", "plugins", "gauge", "Plugins that are trusted." },
        { "plugins_refused", "plugins_refused", "gauge",
          "Trusted plugins that cannot be used." },
        { "runs_in_memory", "runs_in_memory", "gauge", "Runs that are not parked." },
        { "under_way", "calls_under_way", "gauge",
          "Turns of playbooks and calls of plugins that have not come back." },
    };
    static const struct {
        const char *key, *name, *about;
    } counted[] = {
        { "alerts_new", "alerts_new", "Alerts for which nothing has been decided yet." },
        { "alerts_routed", "alerts_routed",
          "Alerts for which was decided what they start." },
        { "deliveries_unread", "deliveries_unread",
          "Deliveries that are durable and have not been read yet." },
        { "deliveries_unreadable", "deliveries_unreadable",
          "Deliveries that their adapter could not read." },
        { "break_glass_unreviewed", "break_glass_unreviewed",
          "Break-glasses that nobody has reviewed." },
        { "gates_open", "gates_open", "Gates that wait for people." },
        { "halts_in_force", "halts_in_force", "Halts in force." },
        { "holds_on", "holds_on", "What is contained." },
        { "holds_not_in_force", "holds_not_in_force",
          "Containments that the last check did not find as cordon left them." },
        { "holds_unobserved", "holds_unobserved",
          "Containments whose target the last check could not observe." },
    };
    struct span index = json_get(json, "index");

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(out, numbers[i].name, numbers[i].type, numbers[i].about,
                   json_get_int(json, numbers[i].key, 0));
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        put_number(out, counted[i].name, "gauge", counted[i].about,
                   json_get_int(index, counted[i].key, 0));
    put_number(out, "policy_readable", "gauge", "1 when the policy could be read.",
               json_get_bool(json, "policy_ok", false));
    put_number(out, "config_reload_ok", "gauge",
               "0 when cordon.lua had a mistake when it was read again.",
               json_get_bool(json, "reload_ok", true));
    put_number(out, "config_reloaded_seconds", "gauge",
               "When cordon.lua was last read again, in seconds since 1970; 0: never.",
               json_get_int(json, "reloaded_at", 0) / 1000);
    put_oldest(out, json);
    put_runs(out, json_get(index, "runs"));
}

/* Names of pulls are letters, digits, - and _. */
static void put_pull(struct str *out, struct span json, const char *name, const char *type,
                     const char *about, const char *key)
{
    int64_t now = json_get_int(json, "now", 0);
    struct span pull;
    size_t pos = 0;

    if (json_count(json_get(json, "pulls")) == 0)
        return;
    put_head(out, name, type, about);
    while (json_next(json_get(json, "pulls"), &pos, NULL, &pull)) {
        struct span label = json_get_raw(pull, "name");
        int64_t value = json_get_int(pull, key, 0);

        if (strcmp(key, "ok_at") == 0)
            value = value > 0 ? (now - value) / 1000 : -1;
        str_printf(out, "cordon_%s{pull=\"%.*s\"} %" PRId64 "\n", name, (int)label.len,
                   label.ptr, value);
    }
}

static void put_pulls(struct str *out, struct span json)
{
    put_pull(out, json, "pull_lag_seconds", "gauge",
             "How long ago the source was last asked with success; -1: not yet.", "ok_at");
    put_pull(out, json, "pull_failures", "gauge", "Polls that failed, one after the other.",
             "failures");
    put_pull(out, json, "pull_deliveries_total", "counter", "What was taken.", "taken");
}

/* Names of sources are letters, digits and -. */
static void put_refusals(struct str *out, struct span refusals)
{
    struct span one;
    size_t pos = 0;

    put_head(out, "deliveries_refused_total", "counter",
             "Deliveries and handshakes that were refused, since the daemon started; as of "
             "the newest that the log has.");
    while (json_next(refusals, &pos, NULL, &one)) {
        struct span name = json_get_raw(one, "source");

        str_printf(out, "cordon_deliveries_refused_total{source=\"%.*s\"} %" PRId64 "\n",
                   (int)name.len, name.ptr, json_get_int(one, "count", 0));
    }
}

static void put_requests(struct str *out)
{
    put_head(out, "http_requests_total", "counter",
             "Requests answered by this listener, by operation and class of status.");
    for (int i = 0; i <= ROUTES_MAX; i++)
        for (int class = 0; class < CLASSES; class ++)
            if (requests[i][class] > 0)
                str_printf(out,
                           "cordon_http_requests_total{code=\"%dxx\",operation=\"%s\"} "
                           "%" PRId64 "\n",
                           class, i == ROUTES_MAX ? "none" : routes[i].operation,
                           requests[i][class]);
    put_number(out, "http_streams", "gauge", "Streams of events that are open.",
               streams_count());
}

static void on_metrics(struct request *request, int exit, struct span json)
{
    struct str text = { 0 };

    if (exit != 0) {
        v1_problem(request, exit, json);
        return;
    }
    put_engine(&text, json);
    put_pulls(&text, json);
    put_refusals(&text, json_get(json, "refusals"));
    put_requests(&text);
    respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", str_span(&text));
    str_fini(&text);
}

void get_metrics(struct request *request)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, NULL))
        args_ask(request, &args, "metrics", on_metrics);
    args_drop(&args);
}
