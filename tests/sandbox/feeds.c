/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "alert/alert_grow.h"
#include "base/hash.h"
#include "base/json.h"

static void handle(struct feeds *feeds, struct event event);

/* -- what the engine writes ----------------------------------------------------------------- */

static int run_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void keep_runs(struct feeds *feeds, struct span made)
{
    struct span one;
    size_t pos = 0;

    while (json_next(made, &pos, NULL, &one)) {
        struct str text = { 0 };

        if (json_get(one, "run").len == 0)
            continue;
        str_add_span(&text, json_get_raw(one, "playbook"));
        str_add_char(&text, ' ');
        str_add_span(&text, json_get(one, "params"));
        CHECK(feeds->run_count < FEEDS_RUNS);
        feeds->runs[feeds->run_count++] = str_take(&text);
    }
    qsort(feeds->runs, (size_t)feeds->run_count, sizeof *feeds->runs, run_order);
}

static struct feeds_alert *alert_of(struct feeds *feeds, int64_t number)
{
    for (int i = 0; i < feeds->alert_count; i++)
        if (feeds->alerts[i].number == number)
            return &feeds->alerts[i];
    CHECK(feeds->alert_count < FEEDS_ALERTS);
    struct feeds_alert *alert = &feeds->alerts[feeds->alert_count++];
    *alert = (struct feeds_alert){ .number = number };
    return alert;
}

static void keep(char **text, struct span value)
{
    free(*text);
    *text = span_dup(value);
}

static void take_row(struct feeds *feeds, const struct turn_row *row)
{
    struct span body = row->body, now = json_get(body, "now");

    feeds->last_seq = row->seq;
    if (row->kind != ROW_ALERT && row->kind != ROW_ALERT_NOTE)
        return;
    struct feeds_alert *alert = alert_of(feeds, json_get_int(body, "i", 0));
    if (json_get(body, "alert").len > 0)
        keep(&alert->alert, json_get(body, "alert"));
    if (now.len > 0)
        keep(&alert->alert, now);
    if (json_get(body, "made").len > 0)
        keep(&feeds->made, json_get(body, "made"));
    if (json_get(body, "k").len > 0 && !span_is(json_get_raw(body, "k"), "routed"))
        keep(&feeds->signals, json_get_raw(body, "k"));
    keep_runs(feeds, json_get(body, "made"));
}

static void take_entry(struct feeds *feeds, const struct turn_entry *entry)
{
    if (entry->kind != ENTRY_ALERT)
        return;
    struct feeds_alert *alert = alert_of(feeds, entry->run);
    keep(&alert->card, entry->body);
    alert->first_seq = entry->first_seq;
    alert->state = entry->state;
}

static void take_items(struct feeds *feeds)
{
    for (int i = 0; i < feeds->turn->item_count; i++)
        if (feeds->turn->items[i].is_row)
            take_row(feeds, &feeds->turn->items[i].row);
        else
            take_entry(feeds, &feeds->turn->items[i].entry);
}

/* -- what playbooks answer ------------------------------------------------------------------ */

static struct proc *book_of(struct feeds *feeds, const char *hash)
{
    for (int i = 0; i < feeds->book_count; i++)
        if (strcmp(feeds->hashes[i], hash) == 0)
            return &feeds->books[i];
    FAIL("a playbook of the hash %s", hash);
}

static bool is_question(const struct command *command, struct feeds_question *question)
{
    enum frame_type type;
    struct frame_reader in;
    struct span fields;
    size_t total;
    struct err err;

    if (command->kind != CMD_VM)
        return false;
    CHECK_INT(frame_find(command->bytes, &type, &fields, &total, &err), 1);
    if (type != FRAME_VM_MATCH)
        return false;
    frame_read(&in, fields);
    *question = (struct feeds_question){ .hash = span_dup(command->name),
                                         .alert = span_dup(frame_get_span(&in)),
                                         .number = command->number };
    return true;
}

static void free_question(struct feeds_question *question)
{
    free(question->hash);
    free(question->alert);
}

static void answer(struct feeds *feeds, const struct feeds_question *question)
{
    char *params, *why;
    const char *said =
        proc_match(book_of(feeds, question->hash), question->alert, &params, &why);
    bool is_error = strcmp(said, "error") == 0;
    char *message = is_error ? json_get_text(span_of(params), "message") : NULL;

    handle(feeds, (struct event){ .kind = EV_VM_MATCHED,
                                  .ok = !is_error,
                                  .number = question->number,
                                  .number2 = strcmp(said, "matches") == 0,
                                  .json = span_of(params),
                                  .text = span_of(is_error ? message : why) });
    free(message);
}

/* With all that follows from it. */
static void handle(struct feeds *feeds, struct event event)
{
    struct feeds_question questions[64];
    int count = 0;

    event.now_ms = 1700000000000;
    turn_reset(feeds->turn);
    engine_handle(feeds->engine, &event, feeds->turn);
    take_items(feeds);
    for (int i = 0; i < feeds->turn->command_count; i++) {
        CHECK(count < 64);
        count += is_question(&feeds->turn->commands[i], &questions[count]);
    }
    for (int i = 0; i < count; i++) {
        if (feeds->is_silent) {
            CHECK(feeds->held_count < FEEDS_HELD);
            feeds->held[feeds->held_count++] = questions[i];
        } else {
            answer(feeds, &questions[i]);
            free_question(&questions[i]);
        }
    }
}

void feeds_answer(struct feeds *feeds)
{
    int count = feeds->held_count;

    feeds->is_silent = false;
    feeds->held_count = 0;
    for (int i = 0; i < count; i++) {
        answer(feeds, &feeds->held[i]);
        free_question(&feeds->held[i]);
    }
}

/* -- from beginning to end ------------------------------------------------------------------ */

static void give_catalogue(struct feeds *feeds)
{
    struct str text = { 0 };

    str_add_text(&text, "{\"playbooks\":[");
    for (int i = 0; i < feeds->book_count; i++) {
        handle(feeds, (struct event){ .kind = EV_PLAYBOOK,
                                      .name = span_of(feeds->hashes[i]),
                                      .json = span_of(feeds->infos[i]),
                                      .text = span_of("source") });
        str_printf(&text, "%s\"%s\"", i > 0 ? "," : "", feeds->hashes[i]);
    }
    str_printf(&text, "],\"routes\":%s}", feeds->routes);
    handle(feeds, (struct event){ .kind = EV_CATALOGUE, .json = str_span(&text) });
    str_fini(&text);
}

static void start_engine(struct feeds *feeds)
{
    char hash[64];

    feeds->engine = engine_new();
    feeds->turn = turn_new();
    handle(feeds, (struct event){ .kind = EV_START,
                                  .last_seq = feeds->last_seq,
                                  .last_run = feeds->run_count,
                                  .seed = span_of("0123456789abcdef0123456789abcdef"),
                                  .name = span_of("install") });
    memset(hash, 'c', 64);
    handle(feeds, (struct event){ .kind = EV_POLICY,
                                  .ok = true,
                                  .json = span_of("{\"groups\":{},\"rules\":[]}"),
                                  .hash = { hash, sizeof hash } });
    handle(feeds, (struct event){ .kind = EV_ALERTS, .number = feeds->alert_count });
    give_catalogue(feeds);
    handle(feeds, (struct event){ .kind = EV_READY });
}

void feeds_open(struct feeds *feeds, const char *const *sources, const char *routes)
{
    hash_setup();
    feeds->routes = routes != NULL ? routes : "[]";
    for (; sources[feeds->book_count] != NULL; feeds->book_count++) {
        int i = feeds->book_count;

        CHECK(i < FEEDS_BOOKS);
        memset(feeds->hashes[i], 'a' + i, 64);
        proc_open(&feeds->books[i]);
        if (!proc_load(&feeds->books[i], sources[i], &feeds->infos[i]))
            FAIL("%s", feeds->infos[i]);
    }
    start_engine(feeds);
}

static void stop_engine(struct feeds *feeds)
{
    engine_free(feeds->engine);
    turn_free(feeds->turn);
}

void feeds_forget(struct feeds *feeds)
{
    while (feeds->run_count > 0)
        free(feeds->runs[--feeds->run_count]);
}

static void free_alerts(struct feeds *feeds)
{
    for (int i = 0; i < feeds->alert_count; i++) {
        free(feeds->alerts[i].own);
        free(feeds->alerts[i].alert);
        free(feeds->alerts[i].card);
    }
}

void feeds_close(struct feeds *feeds)
{
    stop_engine(feeds);
    feeds_forget(feeds);
    free_alerts(feeds);
    free(feeds->made);
    free(feeds->signals);
    for (int i = 0; i < feeds->book_count; i++)
        proc_close(&feeds->books[i], 0);
}

void feeds_restart(struct feeds *feeds)
{
    stop_engine(feeds);
    feeds->is_silent = false;
    while (feeds->held_count > 0)
        free_question(&feeds->held[--feeds->held_count]);
    start_engine(feeds);
    for (int i = 0; i < feeds->alert_count; i++)
        if (feeds->alerts[i].state == ALERT_NEW)
            handle(feeds, (struct event){ .kind = EV_ALERT_OPEN,
                                          .number = feeds->alerts[i].number,
                                          .first_seq = feeds->alerts[i].first_seq,
                                          .text = span_of(feeds->alerts[i].card),
                                          .json = span_of(feeds->alerts[i].alert) });
}

char *feeds_runs(const struct feeds *feeds)
{
    struct str text = { 0 };

    for (int i = 0; i < feeds->run_count; i++)
        str_printf(&text, "%s%s", i > 0 ? "; " : "", feeds->runs[i]);
    return text.len > 0 ? str_take(&text) : xstrdup("");
}

/* -- deliveries ------------------------------------------------------------------------------ */

static bool has_line(const struct feeds_alert *alert, const char *line)
{
    return alert->own != NULL && strstr(alert->own, line) != NULL;
}

static void add_line(struct feeds_alert *alert, const char *line)
{
    struct str own = { 0 };

    if (has_line(alert, line))
        return;
    str_printf(&own, "%s%s", alert->own != NULL ? alert->own : "", line);
    free(alert->own);
    alert->own = str_take(&own);
}

/* "FEED ID" and each key, each in a line. */
static int lines_of(const char *feed, struct span alert, char lines[8][200])
{
    struct span key;
    size_t pos = 0;
    int count = 1;

    snprintf(lines[0], 200, "[%s %.*s]\n", feed, (int)json_get_raw(alert, "id").len,
             json_get_raw(alert, "id").ptr);
    while (count < 8 && json_next(json_get(alert, "keys"), &pos, NULL, &key))
        snprintf(lines[count++], 200, "[%.*s]\n", (int)json_raw(key).len,
                 json_raw(key).ptr);
    return count;
}

/* The oldest alert with one of the lines; the others with one go to others. */
static struct feeds_alert *known_of(struct feeds *feeds, char lines[8][200], int count,
                                    struct str *others)
{
    struct feeds_alert *found = NULL;

    for (int i = 0; i < feeds->alert_count; i++) {
        struct feeds_alert *alert = &feeds->alerts[i];
        bool has_one = false;

        for (int j = 0; j < count; j++)
            has_one |= has_line(alert, lines[j]);
        if (has_one && found == NULL)
            found = alert;
        else if (has_one)
            str_printf(others, "%s%s", others->len > 1 ? "," : "", alert->alert);
    }
    return found;
}

static void put_more(struct str *more, struct str *alert, const struct feeds_alert *known,
                     const struct str *others)
{
    struct json_out out = { .str = more };
    struct str told = { 0 }, was = { 0 };
    struct alert_gain gain = { 0 };
    struct err err;

    alert_put_names(str_span(alert), &told);
    alert_put_names(span_of(known->alert), &was);
    CHECK_OK(alert_grow(span_of(known->alert), str_span(alert), str_span(others), &gain,
                        &err),
             &err);
    json_open(&out, '{');
    json_put_raw(&out, "foreign", str_span(&gain.foreign));
    json_put_raw(&out, "news", str_span(&gain.news));
    json_put_raw(&out, "told", str_span(&told));
    json_put_raw(&out, "was", str_span(&was));
    json_close(&out);
    str_reset(alert);
    str_add_span(alert, str_span(&gain.grown));
    alert_gain_fini(&gain);
    str_fini(&told);
    str_fini(&was);
}

void feeds_tell(struct feeds *feeds, const char *feed, const char *told)
{
    struct str whole = { 0 }, alert = { 0 }, more = { 0 }, others = { 0 }, card = { 0 };
    char lines[8][200];
    struct err err;

    CHECK_OK(alert_complete(span_of(told), span_of(feed), &whole, &err), &err);
    CHECK_OK(alert_put_feed(str_span(&whole), span_of(feed), &alert, &err), &err);
    int count = lines_of(feed, str_span(&alert), lines);
    str_add_char(&others, '[');
    struct feeds_alert *known = known_of(feeds, lines, count, &others);
    str_add_char(&others, ']');
    int64_t number = known != NULL ? known->number : feeds->alert_count + 1;
    int64_t first_seq = known != NULL ? known->first_seq : 0;
    if (known != NULL) {
        put_more(&more, &alert, known, &others);
        str_add_text(&card, known->card);
    }
    handle(feeds, (struct event){ .kind = EV_ALERT,
                                  .run = ++feeds->deliveries,
                                  .name = span_of(feed),
                                  .json = str_span(&alert),
                                  .who = str_span(&more),
                                  .number = known != NULL ? number : 0,
                                  .text = str_span(&card),
                                  .first_seq = first_seq,
                                  .last_seq = feeds->deliveries + 1000000 });
    for (int i = 0; i < count; i++)
        add_line(alert_of(feeds, number), lines[i]);
    str_fini(&whole);
    str_fini(&alert);
    str_fini(&more);
    str_fini(&others);
    str_fini(&card);
}
