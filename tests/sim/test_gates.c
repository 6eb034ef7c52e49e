/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of gate histories, each a line of text, and what becomes of them.
 *
 *     SETUP | WHAT HAPPENS | HOW IT STANDS
 *
 * SETUP    ask:2:soc        the playbook asks two people of soc before it sets something
 *          ask:cm+own       or one of each group, no one person for both
 *          rule:1:cm        a rule of the policy wants one of cm (also with slots)
 *          within= exec= timeout= deny= remind= esc=AFTER:GROUP[:SEVERITY] sev=
 *          self  author=  installer=  requester=   permanent is what the action may be
 * HAPPENS  bob+ bob- bob~   approves, denies, approves what is not what was shown
 *          bob?             approves without a reason
 *          +10m             time goes by
 *          gone:bob  svc:bob  same:bob=carol   by the policy of now, its hash unchanged
 *          edit             the policy is edited: another hash
 *          halt resume cancel crash
 *          break:zoe         zoe breaks the glass; break~:zoe without having looked,
 *          break?:zoe        without a reason
 *          review:dora reject:dora review?:dora   and what others say of that
 *          word!code        what it is answered with when it is refused
 * STANDS   STATE/CHANGES[/GATES]   of the newest gate, how many changes were made, gates;
 *          then each break-glass
 *
 * Each history is also run with a loss of power after each event, and must come out the
 * same; after each the index is made again from the rows, and must be what it was.
 */
#include "world.h"

#include "histories.h"

enum { TEXT_MAX = 4096, PART_MAX = 1024 };

struct history {
    struct world *w;
    struct w_wish script[4];
    char policy[4 * TEXT_MAX], ask[TEXT_MAX], alert[PART_MAX];
    char groups[TEXT_MAX], people[TEXT_MAX], services[PART_MAX], gate[1024], rules[1024];
    char escalate[PART_MAX];
    char author[PART_MAX], installer[PART_MAX], requester[PART_MAX];
    bool is_self, has_ask;
    const char *line;
    int events;
    bool is_wrong;
};

/* -- the policy of now ---------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(char *out, const char *fmt, ...)
{
    size_t len = strlen(out);
    va_list args;

    va_start(args, fmt);
    vsnprintf(out + len, PART_MAX - len, fmt, args);
    va_end(args);
}

static const char *const members[][12] = {
    { "soc", "alice", "bob", "carol", "frank", "svc-bot" },
    { "cm", "dora", "dan", "carol", "carol-adm" },
    { "own", "erin", "carol", "dan" },
    { "boss", "max", "mia", "alice-adm" },
    { "glass", "zoe", "alice", "svc-glass" },
    { "rev", "dora", "dan", "erin", "zoe", "zoe-adm", "alice", "carol-adm", "carol" },
};

static void put_groups(struct history *h, const char *without)
{
    h->groups[0] = '\0';
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        put(h->groups, "%s\"%s\":[\"%s-lead\"", i > 0 ? "," : "", members[i][0],
            members[i][0]);
        for (int k = 1; k < 12 && members[i][k] != NULL; k++)
            if (strcmp(members[i][k], without) != 0)
                put(h->groups, ",\"%s\"", members[i][k]);
        put(h->groups, "]");
    }
}

static void make_policy(struct history *h)
{
    snprintf(h->policy, sizeof h->policy,
             "{\"break_glass\":{\"from\":[\"glass\"],\"review_from\":[\"rev\"],"
             "\"review_within\":\"24h\",\"reviewers\":2},"
             "\"gate\":{%s\"x\":0},\"groups\":{%s},\"people\":{%s\"alice\":{\"accounts\":"
             "[\"alice-adm\"]},\"carol\":{\"accounts\":[\"carol-adm\"]},\"zoe\":{"
             "\"accounts\":[\"zoe-adm\"]}},\"rules\":[%s{"
             "\"name\":\"rest\",\"need\":0}],\"self_approval\":%s,\"services\":[%s"
             "\"svc-*\"]}",
             h->gate, h->groups, h->people, h->rules, h->is_self ? "true" : "false",
             h->services);
}

static void policy_is(struct history *h, const char *hash)
{
    char hex[HASH_HEX_LEN + 1];

    make_policy(h);
    if (hash == NULL) {
        hash_hex(hash_of(h->policy, strlen(h->policy)), hex);
        hash = hex;
    }
    h->w->policy = w_keep(h->w, span_of(h->policy));
    h->w->policy_hash = w_keep(h->w, span_of(hash));
    CHECK(w_handle(h->w, &(struct event){ .kind = EV_POLICY,
                                          .ok = true,
                                          .json = span_of(h->w->policy),
                                          .hash = span_of(h->w->policy_hash) }));
}

/* -- setting up ----------------------------------------------------------------------------- */

static const char *after_word(const char *word, const char *key)
{
    size_t len = strlen(key);

    return strncmp(word, key, len) == 0 ? word + len : NULL;
}

/* "2:soc" or "cm+own", as the keys need and from. */
static void put_need(char *out, const char *text)
{
    char words[128], *rest;

    snprintf(words, sizeof words, "%s", text);
    if (strchr(words, ':') != NULL) {
        put(out, "\"from\":[\"%s\"],\"need\":%d", strchr(words, ':') + 1, atoi(words));
        return;
    }
    put(out, "\"need\":[");
    for (char *group = strtok_r(words, "+", &rest); group != NULL;
         group = strtok_r(NULL, "+", &rest))
        put(out, "%s\"%s\"", group == words ? "" : ",", group);
    put(out, "]");
}

static void put_escalate(struct history *h, const char *text)
{
    char words[64], *rest = NULL;

    snprintf(words, sizeof words, "%s", text);
    char *after = strtok_r(words, ":", &rest), *group = strtok_r(NULL, ":", &rest);
    char *severity = strtok_r(NULL, ":", &rest);
    put(h->escalate, "%s{\"after\":\"%s\",\"from\":\"%s\"", h->escalate[0] ? "," : "",
        after, group);
    if (severity != NULL)
        put(h->escalate, ",\"severity\":\"%s\"", severity);
    put(h->escalate, "}");
}

static void set_up(struct history *h, const char *word)
{
    const char *value;

    if ((value = after_word(word, "ask:")) != NULL) {
        h->has_ask = true;
        put_need(h->ask, value);
    } else if ((value = after_word(word, "rule:")) != NULL) {
        put(h->rules, "{\"name\":\"%s\",", value);
        put_need(h->rules, value);
        put(h->rules, "},");
    } else if ((value = after_word(word, "within=")) != NULL) {
        put(h->gate, "\"within\":\"%s\",", value);
    } else if ((value = after_word(word, "exec=")) != NULL) {
        put(h->gate, "\"execute_within\":\"%s\",", value);
    } else if ((value = after_word(word, "deny=")) != NULL) {
        put(h->gate, "\"deny_threshold\":%s,", value);
    } else if ((value = after_word(word, "remind=")) != NULL) {
        put(h->gate, "\"remind\":[\"%s\"],", value);
    } else if ((value = after_word(word, "esc=")) != NULL) {
        put_escalate(h, value);
    } else if ((value = after_word(word, "timeout=")) != NULL) {
        if (h->has_ask)
            put(h->ask, ",\"on_timeout\":\"%s\"", value);
        put(h->gate, "\"on_timeout\":\"%s\",", value);
    } else if ((value = after_word(word, "sev=")) != NULL) {
        put(h->alert, "%s", value);
    } else if ((value = after_word(word, "author=")) != NULL) {
        put(h->author, "%s", value);
    } else if ((value = after_word(word, "installer=")) != NULL) {
        put(h->installer, "%s", value);
    } else if ((value = after_word(word, "requester=")) != NULL) {
        put(h->requester, "%s", value);
    } else if (strcmp(word, "self") == 0) {
        h->is_self = true;
    } else {
        FAIL("no such word in a setup: %s", word);
    }
}

/* The engine is told who made the playbook and the plugin when it starts. */
static void begin(struct history *h, char *setup)
{
    static const char set[] = "{\"target\":\"a\",\"value\":\"new\"}";
    char *rest, run[2 * PART_MAX];
    int n = 0;

    h->w = w_new(1, h->script);
    put_groups(h, "");
    for (char *word = strtok_r(setup, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        set_up(h, word);
    if (h->escalate[0] != '\0')
        put(h->gate, "\"escalate\":[%s],", h->escalate);
    if (h->has_ask) {
        put(h->ask, ",\"title\":\"go on\"}");
        memmove(h->ask + 1, h->ask, strlen(h->ask) + 1);
        h->ask[0] = '{';
        h->script[n++] = (struct w_wish){ 1, "0", 1, "approve", "", h->ask };
    }
    h->script[n] = (struct w_wish){ n + 1, "0", n + 1, "step", "noop.set", set };
    h->w->author = h->author;
    h->w->installer = h->installer;
    h->w->approves = false;
    policy_is(h, NULL);
    w_crash(h->w);
    snprintf(run, sizeof run, "{\"alert\":%s%s%s,\"name\":\"p\",\"params\":{}}",
             h->alert[0] ? "{\"severity\":\"" : "null", h->alert, h->alert[0] ? "\"}" : "");
    w_ask(h->w, "run", h->requester[0] ? h->requester : "alice", run);
    w_pump(h->w);
}

/* -- what happens --------------------------------------------------------------------------- */

static struct w_entry *newest_gate(struct world *w)
{
    struct w_entry *newest = NULL;

    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_GATE &&
            (newest == NULL || w->entries[i].n > newest->n))
            newest = &w->entries[i];
    CHECK(newest != NULL);
    return newest;
}

/* The next thing that is due within the time, or NULL. */
static struct w_entry *next_due(struct world *w, int64_t until_ms)
{
    struct w_entry *due = NULL;

    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].due_ms > 0 && w->entries[i].due_ms <= until_ms &&
            !w->entries[i].is_due_told &&
            (due == NULL || w->entries[i].due_ms < due->due_ms))
            due = &w->entries[i];
    return due;
}

static void time_goes_by(struct world *w, const char *text)
{
    int64_t ms = 0;
    struct w_entry *due;

    CHECK(duration_parse(span_of(text), &ms));
    int64_t until_ms = w->now_ms + ms;
    while ((due = next_due(w, until_ms)) != NULL) {
        due->is_due_told = true;
        if (w->now_ms < due->due_ms)
            w->now_ms = due->due_ms;
        CHECK(w_handle(w, &(struct event){ .kind = EV_DUE,
                                           .run = due->run,
                                           .number = due->kind,
                                           .number2 = due->n,
                                           .json = span_of(due->body) }));
        w_pump(w);
    }
    w->now_ms = until_ms;
}

/* The digest that people saw when the gate opened: it stands in its row. */
static char *shown_digest(struct world *w, int n)
{
    char *digest = NULL;

    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].kind == ROW_GATE && w->rows[i].run == 1 &&
            json_get_int(span_of(w->rows[i].body), "g", 0) == n)
            digest = json_get_text(span_of(w->rows[i].body), "digest");
    CHECK(digest != NULL);
    return digest;
}

static void vote(struct world *w, char *who, char how)
{
    int n = newest_gate(w)->n;
    char *digest = shown_digest(w, n), json[256];

    if (how == '~')
        digest[0] = digest[0] == '0' ? '1' : '0';
    snprintf(json, sizeof json,
             "{\"digest\":\"%s\",\"follow\":false,\"gate\":\"g-000001-%d\"%s}", digest, n,
             how == '?' || how == '=' ? "" : ",\"reason\":\"seen\"");
    w_ask(w, how == '-' || how == '=' ? "deny" : "approve", who, json);
    free(digest);
}

static void break_glass(struct world *w, const char *who, char how)
{
    char json[1024] = "{\"follow\":false,\"gates\":[";
    int count = 0;

    for (int i = 0; i < w->entry_count && how != '~'; i++) {
        if (w->entries[i].kind != ENTRY_GATE || w->entries[i].state != GATE_OPEN)
            continue;
        char *digest = shown_digest(w, w->entries[i].n);

        put(json, "%s{\"digest\":\"%s\",\"gate\":\"g-000001-%d\"}", count++ ? "," : "",
            digest, w->entries[i].n);
        free(digest);
    }
    put(json, "]%s,\"run\":\"r-000001\"}", how == '?' ? "" : ",\"reason\":\"it burns\"");
    w_ask(w, "break_glass", who, json);
}

static void review(struct world *w, const char *who, char how, bool rejects)
{
    char json[128];

    snprintf(json, sizeof json, "{%s\"reject\":%s,\"run\":\"r-000001\"}",
             how == '?' ? "" : "\"reason\":\"looked\",", rejects ? "true" : "false");
    w_ask(w, "review", who, json);
}

/* "break:zoe", "review?:dora"; false when it is no such word. */
static bool at_glass(struct world *w, const char *word)
{
    const char *colon = strchr(word, ':');
    char how = colon != NULL ? colon[-1] : 0;

    if (colon != NULL && strncmp(word, "break", 5) == 0)
        break_glass(w, colon + 1, how);
    else if (colon != NULL &&
             (strncmp(word, "review", 6) == 0 || strncmp(word, "reject", 6) == 0))
        review(w, colon + 1, how, strncmp(word, "reject", 6) == 0);
    else
        return false;
    return true;
}

static void by_policy(struct history *h, const char *word)
{
    const char *value;
    char names[64];

    if ((value = after_word(word, "gone:")) != NULL) {
        put_groups(h, value);
    } else if ((value = after_word(word, "svc:")) != NULL) {
        put(h->services, "\"%s\",", value);
    } else if ((value = after_word(word, "same:")) != NULL) {
        snprintf(names, sizeof names, "%s", value);
        *strchr(names, '=') = '\0';
        put(h->people, "\"the-%s\":{\"accounts\":[\"%s\",\"%s\"]},", names, names,
            strchr(value, '=') + 1);
    } else {
        FAIL("nothing of that kind happens: %s", word);
    }
    policy_is(h, h->w->policy_hash);
}

/* True when it was an ask, which is answered. */
static bool happens(struct history *h, char *word)
{
    struct world *w = h->w;
    char how = word[strlen(word) - 1];

    if (strcmp(word, "halt") == 0 || strcmp(word, "resume") == 0) {
        w_ask(w, word, "frank", "{\"reason\":\"x\",\"scope\":\"all\"}");
    } else if (strcmp(word, "cancel") == 0) {
        w_ask(w, "cancel", "frank", "{\"reason\":\"x\",\"run\":\"r-000001\"}");
    } else if (strcmp(word, "crash") == 0) {
        w_crash(w);
    } else if (strcmp(word, "edit") == 0) {
        put(h->rules, "{\"match\":{\"target\":\"never\"},\"name\":\"new\",\"need\":0},");
        policy_is(h, NULL);
    } else if (word[0] == '+') {
        time_goes_by(w, word + 1);
    } else if (strchr("+-~?=", how) != NULL) {
        word[strlen(word) - 1] = '\0';
        vote(w, word, how);
        return true;
    } else if (at_glass(w, word)) {
        return true;
    } else {
        by_policy(h, word);
    }
    return false;
}

/* The table is read to its end, so that one look shows all that is wrong. */
__attribute__((format(printf, 2, 3))) static void complain(struct history *h,
                                                           const char *fmt, ...)
{
    va_list args;

    printf("      %s: ", h->line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    h->is_wrong = true;
}

/* Was the last ask answered with that word, or taken when there is none? */
static void check_answer(struct history *h, const char *word, const char *code)
{
    const struct w_reply *reply = &h->w->replies[h->w->next_ask - 1];
    struct span is = json_get_raw(span_of(reply->json), "code");

    if (code == NULL ? is.len > 0 || reply->json == NULL : !span_is(is, code))
        complain(h, "%s was answered with %s, want %s", word,
                 reply->json != NULL ? reply->json : "nothing",
                 code != NULL ? code : "a yes");
}

static void run_events(struct history *h, char *events, bool crashes)
{
    char *rest;

    for (char *word = strtok_r(events, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        char *code = strchr(word, '!');

        if (code != NULL)
            *code++ = '\0';
        h->events++;
        CHECK(h->w->next_ask < 16);
        bool is_ask = happens(h, word);
        w_pump(h->w);
        if (is_ask)
            check_answer(h, word, code);
        if (crashes)
            w_crash(h->w);
        w_pump(h->w);
    }
}

/* -- how it stands --------------------------------------------------------------------------- */

static void check_outcome(struct history *h, const char *outcome)
{
    struct w_entry *gate = newest_gate(h->w);
    char is[PART_MAX];

    int gates = strchr(outcome, '/') != strrchr(outcome, '/') ? gate->n : 0;
    snprintf(is, sizeof is, gates > 0 ? "%s/%d/%d" : "%s/%d", gate_state_name(gate->state),
             w_target(h->w, span_of("a"))->effects, gates);
    for (int i = 0; i < h->w->entry_count; i++)
        if (h->w->entries[i].kind == ENTRY_GLASS)
            put(is, " %s", glass_state_name(h->w->entries[i].state));
    if (strcmp(is, outcome) != 0)
        complain(h, "it is %s", is);
}

static bool is_made_again(const struct turn *turn, int at)
{
    const struct turn_entry *made = &turn->items[at].entry;

    for (int i = at + 1; i < turn->item_count; i++)
        if (turn->items[i].entry.kind == made->kind && turn->items[i].entry.n == made->n &&
            turn->items[i].entry.run == made->run)
            return true;
    return false;
}

static void check_index(const struct history *h)
{
    static struct event_row rows[W_ROWS];
    struct engine *engine = engine_new();
    struct turn *turn = turn_new();
    int compared = 0;

    for (int64_t run = 0; run <= 1; run++) {
        struct event event = { .kind = EV_ROWS, .run = run, .rows = rows };

        for (int i = 0; i < h->w->row_count; i++)
            if (h->w->rows[i].run == run)
                rows[event.count++] =
                    (struct event_row){ h->w->rows[i].seq, h->w->rows[i].prev,
                                        h->w->rows[i].kind, h->w->rows[i].at_ms,
                                        span_of(h->w->rows[i].body) };
        engine_reindex(engine, &event, turn);
        for (int i = 0; i < turn->item_count; i++) {
            const struct turn_entry *made = &turn->items[i].entry;

            if ((made->kind != ENTRY_GATE && made->kind != ENTRY_GLASS) ||
                is_made_again(turn, i))
                continue;
            for (int k = 0; k < h->w->entry_count; k++)
                if (h->w->entries[k].kind == made->kind && h->w->entries[k].n == made->n) {
                    CHECK_INT(h->w->entries[k].state, made->state);
                    CHECK_INT(h->w->entries[k].due_ms, made->due_ms);
                    compared++;
                }
        }
        turn_reset(turn);
    }
    CHECK(compared > 0);
    engine_free(engine);
    turn_free(turn);
}

/* True when it came out as it should. */
static bool run_history(const char *line, bool crashes, int *events)
{
    struct history *h = xcalloc(1, sizeof *h);
    char text[1024], *rest, *parts[3];

    h->line = line;
    snprintf(text, sizeof text, "%s", line);
    for (int i = 0; i < 3; i++) {
        parts[i] = strtok_r(i == 0 ? text : NULL, "|", &rest);
        CHECK(parts[i] != NULL);
    }
    while (*parts[2] == ' ')
        parts[2]++;
    begin(h, parts[0]);
    run_events(h, parts[1], crashes);
    check_outcome(h, parts[2]);
    check_index(h);
    bool is_right = !h->is_wrong;
    *events += h->events;
    w_free(h->w);
    free(h);
    return is_right;
}

static void run_table(const char *const *table, bool crashes)
{
    int count = 0, events = 0, wrong = 0;

    for (; table[count] != NULL; count++)
        wrong += !run_history(table[count], crashes, &events);
    printf("      %d histories, %d events%s\n", count, events,
           crashes ? ", the power gone after each" : "");
    CHECK_INT(wrong, 0);
}

TEST(every_gate_history_ends_as_the_table_says)
{
    run_table(histories, false);
}

TEST(every_gate_history_ends_so_also_when_the_power_goes_after_each_event)
{
    run_table(histories, true);
}

TEST(the_table_has_at_least_two_hundred_histories_and_no_two_alike)
{
    int count = 0;

    for (; histories[count] != NULL; count++)
        for (int i = 0; i < count; i++)
            if (strcmp(histories[i], histories[count]) == 0)
                FAIL("twice: %s", histories[i]);
    CHECK(count >= 200);
}
