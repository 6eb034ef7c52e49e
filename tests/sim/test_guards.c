/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no playbook gets past: one by one, and then a thousand playbooks that try.
 */
#include "world.h"

#include <ctype.h>

#define SOC          "\"groups\":{\"soc\":[\"bob\",\"carol\"]}"
#define RULES        "\"rules\":[{\"name\":\"all\",\"need\":0}]"
#define GUARDS(rest) "{" SOC ",\"guards\":{" rest "}," RULES "}"
#define CALL(branch, n, group)                                             \
    {                                                                      \
        group, branch, n, "call", "", "{\"params\":{},\"playbook\":\"p\"}" \
    }

static const struct w_wish one_set[] = { SET("0", 1, 1, "/s/a"), END };
static const struct w_wish nothing[] = { END };
static const struct w_wish three_sets[] = { SET("0", 1, 1, "/s/a"), SET("0", 2, 2, "/s/b"),
                                            SET("0", 3, 3, "/s/c"), END };

/* Why the run was stopped; "" when it was not. */
static const char *why_stopped(struct world *w, int64_t run)
{
    struct w_entry *entry = w_run(w, run);

    return entry != NULL && entry->state == RUN_BLOCKED ? entry->body : "";
}

static struct world *world_of(const char *policy, const char *told,
                              const struct w_wish *script)
{
    struct world *w = w_new(1, script);

    w->says = told;
    w_policy_is(w, policy);
    return w;
}

static void is_stopped(const char *policy, const char *told, const struct w_wish *script,
                       const char *sentence)
{
    struct world *w = world_of(policy, told, script);

    w_start_run(w);
    w_settle(w);
    CHECK_HAS(why_stopped(w, 1), sentence);
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(what_is_protected_is_so_however_it_is_spelled_and_with_all_that_lies_below)
{
    static const struct w_wish ways[][2] = {
        { SET("0", 1, 1, "/s/vault"), END },       { SET("0", 1, 1, "/S/VAULT"), END },
        { SET("0", 1, 1, "/s/vault/"), END },      { SET("0", 1, 1, "/s//vault"), END },
        { SET("0", 1, 1, "/s/vault/key/1"), END }, { SET("0", 1, 1, "/s/Vault//key"), END },
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        is_stopped(GUARDS("\"protected\":[\"/s/Vault/\"]"), NULL, ways[i],
                   "guard protected: ");
    struct world *w = world_of(GUARDS("\"protected\":[\"/s/Vault/\"]"), NULL,
                               (const struct w_wish[]){ SET("0", 1, 1, "/s/vaults"), END });
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done"); /* it only begins alike */
    w_free(w);
}

TEST(a_tag_protects_and_the_sentence_says_how_that_is_raised)
{
    static const char policy[] = GUARDS("\"protected_tags\":[\"tier=0\"]");

    is_stopped(policy, "{\"/s/a\":{\"tags\":{\"Tier\":\"0\"}}}", one_set,
               "guard protected_tags: /s/a has a tag that \\\"tier=0\\\"");
    is_stopped(policy, "{\"/s/a\":{\"tags\":{\"Tier\":\"0\"}}}", one_set,
               "guards.protected_tags in policy.lua, which voids the approvals");
}

TEST(what_is_the_runners_own_is_never_touched_whether_the_plugin_or_the_policy_says_so)
{
    is_stopped(GUARDS(""), "{\"/s/a\":{\"own\":\"its identity is ours\"}}", one_set,
               "guard own: noop.set on /s/a would cut cordon itself off: its identity is "
               "ours; no policy lifts that");
    is_stopped(GUARDS("\"own\":[\"/s/A\"]"), NULL, one_set, "guard own: ");
    is_stopped(GUARDS("\"own\":[\"203.0.113.7\"]"), NULL,
               (const struct w_wish[]){
                   { 1, "0", 1, "step", "noop.set",
                     "{\"target\":\"/s/a\",\"value\":\"203.0.113.7/32\"}" },
                   END },
               "guard own: ");
    struct world *w = world_of(GUARDS("\"own\":[\"203.0.113.7\"]"), NULL,
                               (const struct w_wish[]){
                                   { 1, "0", 1, "step", "noop.set",
                                     "{\"target\":\"/s/a\",\"value\":\"203.0.113.70\"}" },
                                   END });
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done"); /* another address */
    w_free(w);
}

TEST(a_pinned_tenant_is_the_only_one_and_a_plugin_that_does_not_say_where_goes_nowhere)
{
    static const char policy[] = GUARDS("\"tenants\":[\"T-1\"]");
    static const char told[] = "{\"/s/a\":{\"tenant\":\"t-1\"}}";

    is_stopped(policy, NULL, one_set, "the plugin does not say in which one");
    is_stopped(policy, "{\"/s/a\":{\"tenant\":\"t-2\"}}", one_set,
               "is in tenant t-2, which the policy's guards.tenants does not list");
    struct world *w = world_of(policy, told, one_set);
    w_ask(w, "run", "alice",
          "{\"alert\":{\"tenant\":\"t-9\"},\"name\":\"p\",\"params\":{}}");
    w_settle(w);
    CHECK_HAS(why_stopped(w, 1), "the alert is of tenant t-9");
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
}

/* A target whose id does not show where it lies, as the plugin tells it. */
#define TOLD(rest) "{\"/s/a\":{" rest "}}"
#define IN_A                                                                          \
    TOLD("\"subscription\":\"aaaa\",\"within\":[\"/subscriptions/aaaa/v/Kv/s/x\",\"/" \
         "subscriptions/aaaa/v/Kv\"]")
#define NOWHERE                          \
    TOLD("\"unplaced\":\"no list names " \
         "it\",\"within\":[\"/subscriptions/*/v/kv/s/x\",\"/subscriptions/*/v/kv\"]")
#define RULED(match, more)                                                          \
    "{" SOC                                                                         \
    ",\"rules\":[{\"name\":\"all\",\"need\":0},{\"name\":\"its\",\"match\":{" match \
    "}," more "}]}"
#define FORBIDS(match) RULED(match, "\"forbid\":true")
#define IS_FORBIDDEN   "rule \\\"its\\\" of the policy forbids it"
#define NOT_KNOWN      "where /s/a lies is not known: no list names it"

static const struct {
    const char *policy, *told, *why; /* why it is stopped; NULL: it is done */
} lying[] = {
    { GUARDS("\"subscriptions\":[\"aaaa\"]"), IN_A, NULL },
    { GUARDS("\"subscriptions\":[\"bbbb\",\"AA*\"]"), IN_A, NULL },
    { GUARDS("\"subscriptions\":[\"bbbb\"]"), IN_A,
      "guard subscriptions: /s/a is in subscription aaaa, which" },
    { GUARDS("\"subscriptions\":[\"aaaa\"]"), NULL, "it does not show in which it lies" },
    { GUARDS("\"subscriptions\":[\"*\"]"), NOWHERE,
      "in which subscription /s/a lies is not known: no list names it" },
    { GUARDS("\"protected\":[\"/subscriptions/aaaa/v/kv\"]"), IN_A,
      "guard protected: /s/a is protected by" },
    { GUARDS("\"protected\":[\"/subscriptions/AAAA\"]"), IN_A, "guard protected: " },
    { GUARDS("\"protected\":[\"*/v/kv/s/x\"]"), IN_A, "guard protected: " },
    { GUARDS("\"protected\":[\"/subscriptions/aaaa/v/k\"]"), IN_A, NULL },
    { GUARDS("\"protected\":[\"/subscriptions/bbbb\"]"), IN_A, NULL },
    { GUARDS("\"own\":[\"/subscriptions/aaaa/v/kv\"]"), IN_A, "guard own: " },
    { GUARDS("\"protected\":[\"/subscriptions/aaaa/v/kv\"]"), NOWHERE, NOT_KNOWN },
    { GUARDS("\"protected\":[\"/subscriptions/cccc\"]"), NOWHERE, NOT_KNOWN },
    { GUARDS("\"own\":[\"/subscriptions/cccc/v/kv/s/?\"]"), NOWHERE, NOT_KNOWN },
    /* It is of another kind or another name, wherever it lies. */
    { GUARDS("\"protected\":[\"/subscriptions/aaaa/w/kv\",\"*/v/kv2\",\"/t/*\"]"), NOWHERE,
      NULL },
    { FORBIDS("\"subscription\":\"aaaa\""), IN_A, IS_FORBIDDEN },
    { FORBIDS("\"subscription\":[\"bbbb\",\"cccc\"]"), IN_A, NULL },
    { FORBIDS("\"subscription\":\"bbbb\""), NOWHERE, IS_FORBIDDEN " where it fits" },
    { FORBIDS("\"subscription\":\"bbbb\""), NOWHERE, NOT_KNOWN },
    { FORBIDS("\"subscription\":\"bbbb\",\"playbook\":\"q\""), NOWHERE, NULL },
    { FORBIDS("\"subscription\":\"bbbb\""), NULL, NULL },
    { FORBIDS("\"target\":\"/subscriptions/aaaa/v/kv\""), IN_A, IS_FORBIDDEN },
    { FORBIDS("\"target\":\"/subscriptions/aaaa/v/kv/*\""), IN_A, IS_FORBIDDEN },
    { FORBIDS("\"target\":[\"/s/b\",\"/subscriptions/bbbb/*\"]"), IN_A, NULL },
    { FORBIDS("\"target\":\"/subscriptions/bbbb/*\""), NOWHERE, NOT_KNOWN },
    { FORBIDS("\"target\":\"*/w/x/*\""), NOWHERE, NULL },
};

TEST(a_target_lies_where_its_plugin_says_for_guards_and_rules_and_nowhere_is_refused)
{
    for (size_t i = 0; i < sizeof lying / sizeof *lying; i++) {
        struct world *w = world_of(lying[i].policy, lying[i].told, one_set);

        w_start_run(w);
        w_settle(w);
        CHECK_INT(w->applies, lying[i].why == NULL);
        CHECK_HAS(why_stopped(w, 1), lying[i].why != NULL ? lying[i].why : "");
        w_free(w);
    }
}

TEST(a_rule_that_lets_go_only_in_a_place_lets_nothing_go_whose_place_is_not_known)
{
    static const struct {
        const char *match, *told;
        int gates;
    } rows[] = {
        { "\"subscription\":\"aaaa\"", IN_A, 0 },
        { "\"subscription\":\"aaaa\"", NOWHERE, 1 },
        { "\"subscription\":\"*\"", NOWHERE, 1 },
        { "\"subscription\":\"bbbb\"", IN_A, 1 },
        { "\"target\":\"/subscriptions/aaaa/*\"", IN_A, 0 },
        { "\"target\":\"/subscriptions/aaaa/*\"", NOWHERE, 1 },
        { "\"target\":\"/s/a\"", NOWHERE, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char policy[512];
        int gates = 0;

        snprintf(policy, sizeof policy,
                 "{" SOC ",\"rules\":[{\"name\":\"there\",\"match\":{%s},\"need\":0}]}",
                 rows[i].match);
        struct world *w = world_of(policy, rows[i].told, one_set);
        w_start_run(w);
        w_settle(w); /* those who are asked agree */
        for (int row = 0; row < w->row_count; row++)
            gates += w->rows[row].kind == ROW_GATE;
        CHECK_INT(gates, rows[i].gates);
        w_free(w);
    }
}

TEST(a_share_of_what_exists_counts_over_all_runs_of_the_hour_and_not_below_a_floor)
{
    static const char told[] = "{\"/s/a\":{\"exists\":10},\"/s/b\":{\"exists\":10},"
                               "\"/s/c\":{\"exists\":10}}";
    static const char policy[] = GUARDS("\"targets_floor\":1,\"targets_percent\":20");
    struct world *w = world_of(policy, told, one_set);

    w->scripts[2] = (const struct w_wish[]){ SET("0", 1, 1, "/s/b"), END };
    w->scripts[3] = (const struct w_wish[]){ SET("0", 1, 1, "/s/c"), END };
    w_start_run(w);
    w_settle(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_HAS(why_stopped(w, 3), "guard targets_percent: this would be target 3 within an "
                                 "hour of the 10 that exist, and guards.targets_percent "
                                 "allows 20%");
    w_free(w);
    w = world_of(policy, "{\"/s/a\":{\"exists\":1}}", one_set);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done"); /* one of one */
    w_free(w);
}

TEST(what_cannot_be_counted_is_asked_about_beyond_the_floor)
{
    static const char told[] = "{\"/s/a\":{\"uncounted\":\"no right to list\"},"
                               "\"/s/b\":{\"uncounted\":\"no right to list\"}}";
    struct world *w =
        world_of(GUARDS("\"targets_floor\":1,\"targets_percent\":20"), told, one_set);

    w->approves = false;
    w->scripts[2] = (const struct w_wish[]){ SET("0", 1, 1, "/s/b"), END };
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 1), "done"); /* within the floor */
    w_start_run(w);
    for (int i = 0; i < 1000 && w_entry(w, ENTRY_GATE, GATE_OPEN) == NULL; i++)
        CHECK(w->message_count > 0 ? w_message_turn(w) : w_by_itself(w) >= 0);
    const struct w_entry *gate = w_entry(w, ENTRY_GATE, GATE_OPEN);
    CHECK(gate != NULL);
    CHECK_INT(w->applies, 1);
    CHECK_HAS(gate->body,
              "guard targets_percent: this would be target 2 within an hour, and "
              "which share of all that is cannot be said: no right to list");
    w->approves = true;
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_free(w);
    w = world_of(GUARDS("\"targets_floor\":1,\"targets_percent\":100"), told, one_set);
    w->approves = false;
    w->scripts[2] = (const struct w_wish[]){ SET("0", 1, 1, "/s/b"), END };
    w_start_run(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done"); /* the guard is off */
    w_free(w);
}

TEST(a_playbook_has_an_hour_of_its_own_beside_that_of_all)
{
    struct world *w = world_of(GUARDS("\"changes_per_playbook_hour\":2"), NULL, three_sets);

    w_start_run(w);
    w_settle(w);
    CHECK_HAS(why_stopped(w, 1), "guard changes_per_playbook_hour: playbook p and what it "
                                 "calls made 2 changes in the last hour");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(undoing_and_trying_again_count_against_no_hour)
{
    struct world *w = world_of(GUARDS("\"changes_per_hour\":2"), NULL, one_set);

    w_start_run(w);
    w_settle(w);
    w_ask(w, "rollback", "bob", "{\"run\":\"r-1\"}");
    w_settle(w);
    CHECK_STR(w_state(w, 2), "done");
    w_crash(w);
    w_start_run(w);
    w_settle(w);
    CHECK_STR(w_state(w, 3), "done");
    w_free(w);
}

TEST(runs_that_call_each_other_have_one_limit_together_also_after_a_restart)
{
    static const struct w_wish caller[] = { SET("0", 1, 1, "/s/a"), CALL("0", 2, 2), END };
    static const struct w_wish called[] = { SET("0", 1, 1, "/s/b"), APPROVE(2, 2),
                                            SET("0", 3, 3, "/s/c"), END };
    struct world *w = world_of(GUARDS("\"changes_per_run\":2"), NULL, caller);

    w->scripts[2] = called;
    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK_INT(w->applies, 2);
    CHECK_STR(w_state(w, 2), "waiting");
    w_crash(w); /* both are parked: what they did is in the index alone */
    w->approves = true;
    w_settle(w);
    CHECK_HAS(why_stopped(w, 2), "guard changes_per_run: this would be change 3 of the run "
                                 "and those that it is called with");
    CHECK_INT(w->applies, 2);
    w_free(w);
}

TEST(a_called_run_is_matched_by_what_its_callers_alert_says)
{
    static const struct w_wish caller[] = { CALL("0", 1, 1), END };
    struct world *w =
        world_of("{" SOC ",\"rules\":[{\"name\":\"all\",\"need\":0},{\"match\":"
                 "{\"severity\":\"low\"},\"name\":\"low\",\"need\":1}]}",
                 NULL, caller);

    w->scripts[2] = one_set;
    w->approves = false;
    w_ask(w, "run", "alice",
          "{\"alert\":{\"severity\":\"low\"},\"name\":\"p\",\"params\":{}}");
    w_pump(w);
    CHECK_STR(w_state(w, 2), "waiting");
    CHECK_INT(w->applies, 0);
    w_free(w);
}

TEST(a_preview_says_which_guard_would_stop_what_it_shows)
{
    static const struct w_wish gated[] = { APPROVE(1, 1), SET("0", 2, 2, "/s/a"),
                                           SET("0", 3, 3, "/s/b"), END };
    struct world *w = world_of(GUARDS("\"changes_per_run\":1"), NULL, gated);

    w->approves = false;
    w_start_run(w);
    w_pump(w);
    CHECK_HAS(w_entry(w, ENTRY_GATE, GATE_OPEN)->body,
              "\"guard\":\"guard changes_per_run: this would be change 2 of the run");
    w_free(w);
}

/* -- a thousand ways round -------------------------------------------------------------------- */

enum { WAYS = 1000, WISHES = 12, PER_RUN = 3, TARGETS = 2, PER_HOUR = 9, RUNS = 8 };

static const char tries_policy[] =
    GUARDS("\"changes_per_hour\":9,\"changes_per_playbook_hour\":9,\"changes_per_run\":3,"
           "\"own\":[\"/subscriptions/u/own\"],\"principals\":[\"0a1b\"],\"protected\":"
           "[\"/subscriptions/u/vault\"],\"protected_tags\":[\"tier=0\"],\"subscriptions\":"
           "[\"u\"],\"targets_floor\":1,\"targets_percent\":90,\"targets_per_run\":2");
static const char tries_told[] = "{\"/subscriptions/u/tagged\":{\"tags\":{\"TIER\":\"0\"}},"
                                 "\"/subscriptions/u/self\":{\"own\":\"it is ours\"}}";

/* Which of them may never be touched. */
static const struct {
    const char *name;
    bool is_forbidden, is_spelled; /* is_spelled: in other letters it is still the same */
} places[] = {
    { "/subscriptions/u/a", false, true },
    { "/subscriptions/u/b", false, true },
    { "/subscriptions/u/c", false, true },
    { "/subscriptions/u/vault", true, true },
    { "/subscriptions/u/vault/k", true, true },
    { "/subscriptions/u/own", true, true },
    { "/subscriptions/v/a", true, true },
    { "/subscriptions/u/tagged", true, false },
    { "/subscriptions/u/self", true, false },
    { "secret/of/a/vault", true, false }, /* it shows no subscription */
};
enum { PLACES = sizeof places / sizeof *places };

/* As the test compares names; the engine has a function of its own. */
static void plain(char *out, size_t size, const char *name)
{
    size_t len = 0;

    for (const char *c = name; *c != '\0' && len + 1 < size; c++)
        if (*c != '/' || len == 0 || out[len - 1] != '/')
            out[len++] = (char)tolower((unsigned char)*c);
    while (len > 0 && out[len - 1] == '/')
        len--;
    out[len] = '\0';
}

static bool is_forbidden(const char *target)
{
    char name[80];

    plain(name, sizeof name, target);
    for (int i = 0; i < PLACES; i++)
        if (strcmp(places[i].name, name) == 0)
            return places[i].is_forbidden;
    return true;
}

/* Other letters, slashes at the end, two for one. */
static char *spelled(struct world *w, int place)
{
    struct str text = { 0 };
    int way = places[place].is_spelled ? (int)w_chance(w, 4) : 0;

    for (const char *c = places[place].name; *c != '\0'; c++) {
        str_add_char(&text, way > 0 && w_chance(w, 3) == 0
                                ? (char)toupper((unsigned char)*c)
                                : *c);
        if (*c == '/' && way == 2 && c > places[place].name && w_chance(w, 3) == 0)
            str_add_char(&text, '/');
    }
    if (way == 3)
        str_add_text(&text, "//");
    char *kept = w_keep(w, str_span(&text));
    str_fini(&text);
    return kept;
}

static struct w_wish set_of(struct world *w, int *tries)
{
    bool has_id = w_chance(w, 12) == 0;
    /* Half of them are what may be touched, so that limits are reached as well. */
    int place = w_chance(w, 2) == 0 ? (int)w_chance(w, 3) : (int)w_chance(w, PLACES);

    *tries += has_id || places[place].is_forbidden;
    return (struct w_wish){
        .kind = "step",
        .action = w_chance(w, 3) == 0 ? "noop.blind" : "noop.set",
        .args = arena_printf(&w->arena, "{\"target\":\"%s\",\"value\":\"%s%u\"}",
                             spelled(w, place), has_id ? "0A1B " : "v", w_chance(w, 3))
    };
}

/* Alone, beside each other, in ctx.atomic, by another run. */
static const struct w_wish *way(struct world *w, int *tries)
{
    struct w_wish *script = arena_alloc(&w->arena, (WISHES + 4) * sizeof *script);
    int count = 0, n = 1;

    for (int group = 1; count < WISHES; group++) {
        int wide = w_chance(w, 3) == 0 ? 2 + (int)w_chance(w, 2) : 1;

        for (int i = 0; i < wide; i++) {
            struct w_wish wish = set_of(w, tries);

            if (w_chance(w, 6) == 0)
                wish = (struct w_wish)CALL("0", 0, 0);
            else if (wide == 1 && w_chance(w, 10) == 0)
                wish =
                    (struct w_wish){ .kind = "atomic_begin", .action = "", .args = "{}" };
            wish.group = group;
            wish.branch =
                wide == 1 ? "0" : arena_printf(&w->arena, "0.%d.%d", group, i + 1);
            wish.n = wide == 1 ? n++ : 1;
            script[count++] = wish;
        }
        n += wide > 1; /* ctx.all is a wish of its own in the branch that has it */
    }
    script[count] = (struct w_wish)END;
    return script;
}

static int64_t root_of(struct world *w, int64_t run)
{
    int64_t parent = json_get_int(json_get(w_start_of(w, run), "parent"), "run", 0);

    return parent > 0 ? root_of(w, parent) : run;
}

/* Counts by what is in the rows: changes and targets of runs that called each other, and
 * changes of any hour. */
static int breaches(struct world *w)
{
    int changes[W_RUNS] = { 0 }, targets[W_RUNS] = { 0 }, found = 0;
    char names[W_RUNS][PER_RUN + 1][80];
    int64_t times[W_ROWS];
    int count = 0;

    for (int i = 0; i < w->row_count; i++) {
        struct span body = span_of(w->rows[i].body);
        int64_t root = w->rows[i].run > 0 ? root_of(w, w->rows[i].run) : 0;
        char *target = json_get_text(body, "t");
        char name[80];
        bool is_new = true;

        if (w->rows[i].kind != ROW_INTENT || json_get_int(body, "at", 1) > 1 ||
            span_is(json_get_raw(body, "op"), "restore")) {
            free(target);
            continue;
        }
        plain(name, sizeof name, target);
        found += is_forbidden(target) || strstr(w->rows[i].body, "0A1B") != NULL;
        found += ++changes[root] > PER_RUN;
        for (int j = 0; j < targets[root] && j <= PER_RUN; j++)
            is_new = is_new && strcmp(names[root][j], name) != 0;
        if (is_new && targets[root] <= PER_RUN)
            snprintf(names[root][targets[root]], 80, "%s", name);
        targets[root] += is_new;
        found += is_new && targets[root] > TARGETS;
        times[count++] = w->rows[i].at_ms;
        found += count > PER_HOUR &&
                 times[count - 1] - times[count - 1 - PER_HOUR] < 3600 * 1000;
        free(target);
    }
    for (int i = 0; i < w->target_count; i++)
        found += w->targets[i].effects > 0 && is_forbidden(w->targets[i].name);
    return found;
}

TEST(a_thousand_playbooks_that_try_to_get_round_the_guards_get_nothing_through)
{
    int tries = 0, stopped = 0, crashes = 0, through = 0, changes = 0, called = 0;

    for (int seed = 1; seed <= WAYS; seed++) {
        struct world *w = w_new((uint64_t)seed, NULL);
        int starts = 2 + (int)w_chance(w, 2);

        w->says = tries_told;
        w_policy_is(w, tries_policy);
        for (int run = 1; run < RUNS; run++)
            w->scripts[run] = way(w, &tries);
        w->script = nothing;
        w->fault_percent = (int)w_chance(w, 25);
        w->crash_at = w->steps + (int)w_chance(w, 60);
        w->falls = 1 + (int)w_chance(w, 3);
        for (int i = 0; i < starts; i++)
            w_start_run(w);
        w_settle(w);
        through += breaches(w);
        crashes += w->crashes;
        for (int i = 0; i < w->row_count; i++)
            changes += w->rows[i].kind == ROW_INTENT;
        for (int i = 0; i < w->row_count; i++)
            called += w->rows[i].kind == ROW_CHILD;
        for (int64_t run = 1; run < W_RUNS; run++)
            stopped += *why_stopped(w, run) != '\0';
        w_free(w);
    }
    printf("      %d playbooks, %d wishes for what is guarded, %d runs called, %d crashes, "
           "%d changes allowed, %d runs stopped by a guard: %d got through\n",
           WAYS, tries, called, crashes, changes, stopped, through);
    CHECK_INT(through, 0);
    CHECK(stopped > WAYS);
    CHECK(crashes > WAYS / 2 && called > WAYS / 2 && changes > WAYS);
}
