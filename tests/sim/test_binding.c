/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing runs that was not approved: whatever is another between the approval and the
 * effect, one thing at a time, nothing takes place but what people saw, and that once.
 *
 * A case opens a gate, has it approved, changes one thing, and lets the run go on. A witness
 * (approved.h) stands where changes take place. Then either a new gate is open that says
 * what differs, or the run has stopped.
 */
#include "approved.h"

#include "base/err.h"
#include "engine/digest.h"

#ifdef CHECK_SANITIZED
enum { EVERY = 12 };
#else
enum { EVERY = 1 };
#endif

/* When, between the approval and the effect, the one thing changes. */
enum window {
    IN_FLIGHT = 1, /* the vote is in, the run is being woken */
    HELD = 2,      /* a halt holds the step, which has been prepared */
    DOWN = 4,      /* the power went when the vote was in */
    HELD_DOWN = 8, /* the power went while a halt held the step */
    LIVE = IN_FLIGHT | HELD,
    DISK = DOWN | HELD_DOWN,
    REPLAY = IN_FLIGHT | DISK, /* the playbook is asked for its wishes again */
    ALWAYS = LIVE | DISK
};

static const struct w_wish gated[] = { APPROVE(1, 1), SET("0", 2, 2, "site-1"), END };
static const char args_as_shown[] = "{\"target\":\"site-1\",\"value\":\"new\"}";
static const char as_before[] = "running, two instances";
static const char two_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"from\":[\"soc\"],\"match\":{"
    "\"op\":\"any\"},\"name\":\"two of soc\",\"need\":2}]}";
static const char both_policy[] =
    "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"match\":{\"op\":\"any\"},"
    "\"name\":\"all\",\"need\":1}]}";

struct attempt { /* one case */
    struct world *w;
    struct witness witness;
    int window;
    bool is_down; /* there is no engine just now */
    struct w_wish script[4];
};

/* One thing that changes, in as many ways as it can. */
struct mutation {
    const char *what;
    const char *field; /* of D; NULL: none, or several */
    int windows;
    int count;
    /* Makes it the i-th other thing. False: it cannot be that. */
    bool (*mutate)(struct attempt *a, int i);
    const char *says; /* of what differs, in the new gate */
    const char
        *state; /* how the run stands instead; NULL: there must be the gate; "*": any */
    const char *policy;
    bool may_go_on; /* the change may be one that the approval does not speak of */
};

struct tally {
    int cases, as_approved, executions, by_field[FIELDS];
};

/* -- a case --------------------------------------------------------------------------------- */

/* Messages and timers, until there are none; nobody votes. */
static void rest(struct world *w)
{
    for (int i = 0; i < 100; i++) {
        w_pump(w);
        if (w->timer_ms == 0)
            return;
        w->now_ms = w->now_ms < w->timer_ms ? w->timer_ms : w->now_ms;
        w->timer_ms = 0;
        w_handle(w, &(struct event){ .kind = EV_TICK });
    }
    CHECK(!"the world comes to rest");
}

static void attempt_open(struct attempt *a, const char *policy, uint64_t seed)
{
    struct world *w = w_new(seed, a->script);

    a->w = w;
    memcpy(a->script, gated, sizeof gated);
    witness_init(&a->witness, w);
    w->approves = false;
    if (policy != NULL)
        w_policy_is(w, policy);
    snprintf(w_target(w, span_of("site-1"))->value, sizeof w->targets[0].value, "%s",
             as_before);
    w_start_run(w);
    w_pump(w);
}

static void approve_all(struct attempt *a)
{
    static const char *const people[] = { "bob", "carol" };
    struct w_entry *gate;

    for (int i = 0; i < 2; i++) {
        gate = w_entry(a->w, ENTRY_GATE, GATE_OPEN);
        if (gate != NULL)
            witness_approve(&a->witness, people[i], gate);
    }
    CHECK(w_entry(a->w, ENTRY_GATE, GATE_OPEN) == NULL);
}

static void power_off(struct attempt *a)
{
    w_commit(a->w);
    w_fall(a->w);
    a->is_down = true;
}

static void power_on(struct attempt *a)
{
    CHECK(w_start_engine(a->w));
    a->is_down = false;
}

/* Up to the moment at which the one thing changes. */
static void attempt_approve(struct attempt *a, int window)
{
    bool is_held = (window & (HELD | HELD_DOWN)) != 0;

    a->window = window;
    if (is_held)
        w_ask(a->w, "halt", "bob", "{\"reason\":\"a moment\",\"scope\":\"all\"}");
    approve_all(a);
    if (is_held)
        rest(a->w);
    if ((window & DISK) != 0)
        power_off(a);
}

static void attempt_go_on(struct attempt *a)
{
    if (a->is_down)
        power_on(a);
    if ((a->window & (HELD | HELD_DOWN)) != 0)
        w_ask(a->w, "resume", "bob", "{\"scope\":\"all\"}");
    rest(a->w);
}

static void attempt_close(struct attempt *a)
{
    w_free(a->w);
    free(a);
}

/* -- what must be true of each --------------------------------------------------------------- */

static const char *window_name(int window)
{
    return window == IN_FLIGHT ? "in flight"
           : window == HELD    ? "held"
           : window == DOWN    ? "down"
                               : "held, down";
}

/* How the run stands, and what its gate says: for people, and for those who compare. */
static const char *stands(struct attempt *a)
{
    struct w_entry *gate = w_entry(a->w, ENTRY_GATE, GATE_OPEN);
    char *differs = gate != NULL ? json_get_text(span_of(gate->body), "differs") : NULL;
    struct str text = { 0 };

    str_printf(&text, "%s%s%s", w_state(a->w, 1), gate != NULL ? ", asks anew: " : "",
               differs != NULL ? differs : "");
    free(differs);
    const char *kept = w_keep(a->w, str_span(&text));
    str_fini(&text);
    return kept;
}

static void judge(struct attempt *a, const struct mutation *m, int i)
{
    const struct witness *seen = &a->witness;
    const char *how = stands(a);
    bool has_gate = w_entry(a->w, ENTRY_GATE, GATE_OPEN) != NULL;
    bool is_said = has_gate && strstr(how, m->says != NULL ? m->says : ", asks anew: ") &&
                   how[strlen(how) - 2] != ':';
    bool is_state = m->state != NULL &&
                    (strcmp(m->state, "*") == 0 || strcmp(w_state(a->w, 1), m->state) == 0);

    if (seen->unapproved > 0 || seen->again > 0 || (seen->done > 0 && !m->may_go_on))
        FAIL("%s, %d (%s): %d unapproved, %d again, %d done; the run is %s", m->what, i,
             window_name(a->window), seen->unapproved, seen->again, seen->done, how);
    if (!m->may_go_on && !is_said && !is_state)
        FAIL("%s, %d (%s): the run is %s", m->what, i, window_name(a->window), how);
}

/* -- the playbook wishes for something else ---------------------------------------------------- */

static char *changed_byte(struct world *w, const char *text, int at, int to)
{
    char *copy = w_keep(w, span_of(text));

    copy[at] = (char)(copy[at] ^ to);
    return copy;
}

static bool is_json(const char *text)
{
    struct err err;

    return json_check(text, strlen(text), JSON_LEN_MAX, &err) == 0;
}

/* Each byte, and each other value that it can have. What is no JSON is not let in from a VM. */
static bool wish_byte(struct attempt *a, int i)
{
    char *args = changed_byte(a->w, args_as_shown, i / 255, i % 255 + 1);

    a->script[1].args = args;
    return strlen(args) == sizeof args_as_shown - 1 && is_json(args);
}

/* The same value, spelled otherwise, is not what was approved. */
static bool wish_space(struct attempt *a, int i)
{
    struct str text = { 0 };

    str_printf(&text, "%.*s %s", i, args_as_shown, args_as_shown + i);
    a->script[1].args = w_keep(a->w, str_span(&text));
    str_fini(&text);
    return is_json(a->script[1].args);
}

static bool wish_more(struct attempt *a, int i)
{
    static const char *const args[] = {
        "{\"force\":true,\"target\":\"site-1\",\"value\":\"new\"}",
        "{\"target\":\"site-1\",\"value\":\"new\",\"values\":null}",
        "{\"target\":\"site-1\",\"value\":\"new\",\"expires\":\"1h\"}",
        "{\"value\":\"new\",\"target\":\"site-1\"}",
        "{\"target\":\"site-1\",\"value\":\"\\u006eew\"}",
        "{\"target\":\"site-1\",\"value\":\"newer\"}",
        "{\"target\":\"site-10\",\"value\":\"new\"}",
    };

    a->script[1].args = args[i];
    return true;
}

static bool wish_branch(struct attempt *a, int i)
{
    static const char *const branches[] = { "0.1.1", "0.1.2", "1",    "00",
                                            "0.0",   "0.1",   "2.0.2" };

    a->script[1].branch = branches[i];
    return true;
}

static bool wish_number(struct attempt *a, int i)
{
    a->script[1].n = 3 + i * 37;
    return true;
}

static bool wish_action(struct attempt *a, int i)
{
    char *action = changed_byte(a->w, "noop.set", i / 8, 1 << i % 8);

    a->script[1].action = action;
    return strlen(action) == 8 && action[0] > 0;
}

static bool wish_blind(struct attempt *a, int i)
{
    (void)i;
    a->script[1].action = "noop.blind";
    return true;
}

/* -- the world is another ----------------------------------------------------------------------- */

static bool state_byte(struct attempt *a, int i)
{
    char *value = w_target(a->w, span_of("site-1"))->value;

    value[i / 3] = (char)("xY9"[i % 3] == value[i / 3] ? 'z' : "xY9"[i % 3]);
    return true;
}

static bool target_byte(struct attempt *a, int i)
{
    a->w->target_id = changed_byte(a->w, "site-1", i / 3, 1 + i % 3);
    return true;
}

static bool plan_byte(struct attempt *a, int i)
{
    a->w->planned = changed_byte(a->w, "{\"value\":\"new\"}", i / 7, 1 << i % 7);
    return is_json(a->w->planned);
}

/* -- the plugin, the policy, the time -------------------------------------------------------------- */

static bool plugin_byte(struct attempt *a, int i)
{
    struct world *w = a->w;
    char *hash = changed_byte(w, w_plugin_hash, i / 2, i % 2 + 1);

    w->plugin_hash = hash;
    if (!a->is_down)
        w_handle(w, &(struct event){ .kind = EV_PLUGIN,
                                     .name = span_of(w->plugin_name),
                                     .ok = true,
                                     .hash = span_of(hash),
                                     .json = span_of(w_declaration) });
    return true;
}

static bool plugin_name_byte(struct attempt *a, int i)
{
    a->w->plugin_name = changed_byte(a->w, "noop", i / 7, 1 << i % 7);
    return strlen(a->w->plugin_name) == 4;
}

static void policy_is(struct attempt *a, const char *policy)
{
    char hex[HASH_HEX_LEN + 1];

    if (!a->is_down) {
        w_policy_is(a->w, policy);
        return;
    }
    hash_hex(hash_of(policy, strlen(policy)), hex);
    a->w->policy = policy;
    a->w->policy_hash = w_keep(a->w, span_of(hex));
}

/* Any byte of it that can be another: a group's name, a person's, a number, a rule's. */
static bool policy_byte(struct attempt *a, int i)
{
    char *policy = changed_byte(a->w, both_policy, i / 4, 1 << i % 4);

    if (!is_json(policy))
        return false;
    policy_is(a, policy);
    return true;
}

static bool policy_edit(struct attempt *a, int i)
{
    static const char *const edits[] = {
        w_open_policy,
        w_policy,
        two_policy,
        /* an approver is removed, added, moved; a group is renamed, emptied, removed */
        "{\"groups\":{\"soc\":[\"carol\"]},\"rules\":[]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\",\"dan\"]},\"rules\":[]}",
        "{\"groups\":{\"ops\":[\"bob\"],\"soc\":[\"carol\"]},\"rules\":[]}",
        "{\"groups\":{\"socs\":[\"bob\",\"carol\"]},\"rules\":[]}",
        "{\"groups\":{\"soc\":[\"*\"]},\"rules\":[]}",
        "{\"groups\":{\"soc\":[]},\"rules\":[]}",
        "{\"groups\":{},\"rules\":[]}",
        /* the requester may approve */
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[],\"self_approval\":true}",
        /* guards, and how long a gate is open */
        "{\"gate\":{\"within\":\"2h\"},\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":["
        "]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"guards\":{\"changes_per_run\":9},"
        "\"rules\":[]}",
        /* the quorum */
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"match\":{\"op\":\"any\"},"
        "\"name\":\"all\",\"need\":9}]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"match\":{\"op\":\"any\"},"
        "\"name\":\"all\",\"need\":0}]}",
    };
    enum { EDITS = sizeof edits / sizeof *edits };

    CHECK(i < EDITS);
    policy_is(a, edits[i]);
    return true;
}

static bool policy_forbids(struct attempt *a, int i)
{
    static const char *const edits[] = {
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"rules\":[{\"forbid\":true,\"name\":"
        "\"no\"}]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"guards\":{\"protected\":[\"site-*\"]},"
        "\"rules\":[]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"guards\":{\"principals\":[\"site-1\"]}"
        ","
        "\"rules\":[]}",
        "{\"groups\":{\"soc\":[\"bob\",\"carol\"]},\"guards\":{\"changes_per_run\":0},"
        "\"rules\":[]}",
    };

    policy_is(a, edits[i]);
    return true;
}

static bool policy_gone(struct attempt *a, int i)
{
    (void)i;
    a->w->policy = NULL;
    if (!a->is_down)
        w_handle(a->w, &(struct event){ .kind = EV_POLICY, .text = span_of("no policy") });
    return true;
}

/* -- somebody writes into the rows ------------------------------------------------------------------ */

static struct w_row *row_of(struct world *w, int64_t run, int kind, int nth)
{
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].run == run && w->rows[i].kind == kind && nth-- == 0)
            return &w->rows[i];
    return NULL;
}

/* The text in the row becomes another. */
static void row_edit(struct world *w, struct w_row *row, const char *from, const char *to)
{
    char *at = row != NULL ? strstr(row->body, from) : NULL;
    struct str text = { 0 };

    CHECK(at != NULL);
    str_printf(&text, "%.*s%s%s", (int)(at - row->body), row->body, to, at + strlen(from));
    row->body = w_keep(w, str_span(&text));
    str_fini(&text);
}

/* One byte of what stands behind key in the row. */
static bool row_byte(struct world *w, struct w_row *row, const char *key, int at, int bit)
{
    char *place = row != NULL ? strstr(row->body, key) : NULL;

    CHECK(place != NULL);
    size_t offset = (size_t)(place - row->body) + strlen(key) + (size_t)at;
    row->body = changed_byte(w, row->body, (int)offset, bit);
    return is_json(row->body);
}

static bool time_over(struct attempt *a, int i)
{
    struct span gate = span_of(row_of(a->w, 1, ROW_GATE, 0)->body);

    a->w->now_ms += json_get_int(gate, "execute", 0) + 1 + i * INT64_C(60000);
    return true;
}

static bool start_by_byte(struct attempt *a, int i)
{
    return row_byte(a->w, row_of(a->w, 1, ROW_START, 0), "\"by\":\"", i / 3, 1 << i % 3);
}

static bool start_hash_byte(struct attempt *a, int i)
{
    return row_byte(a->w, row_of(a->w, 1, ROW_START, 0), "\"hash\":\"", i, 2);
}

static bool change_digest_byte(struct attempt *a, int i)
{
    return row_byte(a->w, row_of(a->w, 1, ROW_GATE, 0), "\"digest\":\"", i, 1);
}

static bool change_path_byte(struct attempt *a, int i)
{
    return row_byte(a->w, row_of(a->w, 1, ROW_GATE, 0), "\"path\":\"", i / 4, 1 << i % 4);
}

static bool gate_due_byte(struct attempt *a, int i)
{
    return row_byte(a->w, row_of(a->w, 1, ROW_GATE, 0), "\"due\":", i / 4, 1 << i % 4);
}

static bool gate_execute_byte(struct attempt *a, int i)
{
    struct w_row *row = row_of(a->w, 1, ROW_GATE, 0);

    return row_byte(a->w, row, "\"execute\":", i / 4, 1 << i % 4) &&
           json_get_int(span_of(row->body), "execute", 0) > 0;
}

static bool gate_byte(struct attempt *a, int i)
{
    struct w_row *row = row_of(a->w, 1, ROW_GATE, 0);

    return i / 2 < (int)strlen(row->body) && row_byte(a->w, row, "", i / 2, 1 << i % 2);
}

static bool vote_byte(struct attempt *a, int i)
{
    struct w_row *row = row_of(a->w, 1, ROW_VOTE, i % 2);

    return i / 4 < (int)strlen(row->body) && row_byte(a->w, row, "", i / 4, 1 << i / 2 % 2);
}

/* Two were asked for, and two have said yes; then the journal says something else. */
static bool vote_edit(struct attempt *a, int i)
{
    static const struct {
        int vote;
        const char *from, *to;
    } edits[] = {
        { 0, "\"yes\":true", "\"yes\":false" },
        { 1, "\"yes\":true", "\"yes\":false" },
        { 1, "\"yes\":true", "\"yes\":null" },
        { 0, "\"who\":\"bob\"", "\"who\":\"carol\"" },
        { 1, "\"who\":\"carol\"", "\"who\":\"bob\"" },
        { 1, "\"who\":\"carol\"", "\"who\":\"alice\"" },
        { 0, "\"who\":\"bob\"", "\"who\":\"mallory\"" },
        { 1, "\"who\":\"carol\"", "\"who\":\"Carol\"" },
        { 1, "\"who\":\"carol\"", "\"who\":\"\"" },
        { 1, "\"who\":\"carol\",", "" },
        { 0, "\"g\":1", "\"g\":2" },
        { 1, "\"g\":1", "\"g\":0" },
        { 1, "\"d\":\"", "\"d\":\"0" },
        { 0, "\"d\":\"", "\"x\":\"" },
    };
    enum { EDITS = sizeof edits / sizeof *edits };

    CHECK(i < EDITS);
    row_edit(a->w, row_of(a->w, 1, ROW_VOTE, edits[i].vote), edits[i].from, edits[i].to);
    return true;
}

/* -- somebody writes a whole approval, for what is another in one thing alone ------------------- */

/* What people saw, as the table of fields has it. */
static struct sending as_seen(struct attempt *a)
{
    struct span body = span_of(row_of(a->w, 1, ROW_GATE, 0)->body), change;
    struct sending seen = { .run = 1,
                            .branch = span_of("0"),
                            .n = 2,
                            .plugin = span_of("noop"),
                            .plugin_hash = span_of(w_plugin_hash),
                            .action = span_of("noop.set"),
                            .args = span_of(args_as_shown),
                            .target = span_of("site-1"),
                            .playbook = span_of(w_hash),
                            .policy = span_of(a->w->policy_hash),
                            .by = span_of("alice"),
                            .not_after = json_get_int(body, "due", 0),
                            .execute = json_get_int(body, "execute", 0) };
    size_t pos = 0;
    char hex[HASH_HEX_LEN + 1];

    CHECK(json_next(json_get(body, "changes"), &pos, NULL, &change));
    seen.found = json_get(change, "state");
    seen.wanted = json_get(change, "after");
    digest_of(&seen, hex);
    CHECK_SPAN(json_get_raw(change, "digest"), hex); /* so the table is what D covers */
    return seen;
}

/* The gate shows the digest of that, and has one of its own that fits, and so do its votes. */
static bool forge(struct attempt *a, const struct sending *other)
{
    struct w_row *row = row_of(a->w, 1, ROW_GATE, 0);
    struct span change;
    size_t pos = 0;
    char hex[HASH_HEX_LEN + 1];

    CHECK(json_next(json_get(span_of(row->body), "changes"), &pos, NULL, &change));
    char *digest = json_get_text(change, "digest");
    digest_of(other, hex);
    row_edit(a->w, row, digest, hex);
    free(digest);
    digest = json_get_text(span_of(row->body), "digest");
    gate_digest(span_of(row->body), 1, hex);
    row_edit(a->w, row, digest, hex);
    row_edit(a->w, row_of(a->w, 1, ROW_VOTE, 0), digest, hex);
    free(digest);
    return true;
}

static bool forge_run(struct attempt *a, int i)
{
    struct sending other = as_seen(a);

    other.run ^= INT64_C(1) << i;
    return forge(a, &other);
}

static bool forge_number(struct attempt *a, int i)
{
    struct sending other = as_seen(a);

    other.n ^= INT64_C(1) << i;
    return forge(a, &other);
}

static bool forge_undo(struct attempt *a, int i)
{
    struct sending other = as_seen(a);

    (void)i;
    other.is_undo = true;
    return forge(a, &other);
}

static bool forge_time(struct attempt *a, int i)
{
    struct sending other = as_seen(a);

    *(i % 2 == 0 ? &other.not_after : &other.execute) ^= INT64_C(1) << i / 2;
    return forge(a, &other);
}

/* Byte by byte, through all fields that are texts. */
static bool forge_byte(struct attempt *a, int i)
{
    struct sending other = as_seen(a);
    struct span *const texts[] = { &other.branch, &other.plugin, &other.plugin_hash,
                                   &other.action, &other.args,   &other.target,
                                   &other.found,  &other.wanted, &other.playbook,
                                   &other.policy, &other.by };

    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        if ((size_t)i < texts[t]->len) {
            char *copy = w_keep(a->w, *texts[t]);

            copy[i] ^= 1;
            texts[t]->ptr = copy;
            return forge(a, &other);
        }
        i -= (int)texts[t]->len;
    }
    return false;
}

static const struct mutation mutations[] = {
    { "arguments: each byte, each value, as the playbook wishes", "arguments", REPLAY,
      (int)(sizeof args_as_shown - 1) * 255, wish_byte, "the arguments", NULL, NULL,
      false },
    { "arguments: white space", "arguments", REPLAY, sizeof args_as_shown, wish_space, NULL,
      NULL, NULL, false },
    { "arguments: more of them, in another order, spelled otherwise", "arguments", REPLAY,
      7, wish_more, "the arguments", NULL, NULL, false },
    { "the step in another branch", "branch", REPLAY, 7, wish_branch, "nobody has seen",
      NULL, NULL, false },
    { "the step with another number", "number", REPLAY, 20, wish_number, "nobody has seen",
      NULL, NULL, false },
    { "action: each byte", "action", REPLAY, 64, wish_action, NULL, "failed", NULL, false },
    { "action: another that there is", "action", REPLAY, 1, wish_blind, "the action", NULL,
      NULL, false },
    { "state before: each byte", "state before", ALWAYS, (sizeof as_before - 1) * 3,
      state_byte, "the target's state", NULL, NULL, false },
    { "target: each byte of its id", "target", ALWAYS, 6 * 3, target_byte, "the target",
      NULL, NULL, false },
    { "state after: each byte of the plan", "state after", ALWAYS, 15 * 7, plan_byte,
      "what it will do", NULL, NULL, false },
    { "plugin's hash: each digit", "plugin's hash", ALWAYS, 64 * 2, plugin_byte,
      "the plugin", NULL, NULL, false },
    { "plugin's name: each byte", "plugin", DISK, 4 * 7, plugin_name_byte,
      "what it will do", NULL, NULL, false },
    { "policy: each byte", "policy", ALWAYS, (sizeof both_policy - 1) * 4, policy_byte,
      "the policy", NULL, both_policy, false },
    { "policy: groups, quorum, approvers, guards", "policy", ALWAYS, 15, policy_edit,
      "the policy", NULL, both_policy, false },
    { "policy: forbidden, guarded", "policy", ALWAYS, 4, policy_forbids, NULL, "blocked",
      NULL, false },
    { "policy: gone", "policy", ALWAYS, 1, policy_gone, NULL, "blocked", NULL, false },
    { "how long after the grant: over", "how long after the grant", ALWAYS, 30, time_over,
      "the approval has expired", NULL, NULL, false },
    { "requester: each byte, in the rows", "requester", DISK, 5 * 3, start_by_byte,
      "what it will do", NULL, NULL, false },
    { "playbook's hash: each digit, in the rows", "playbook's hash", DISK, 64,
      start_hash_byte, NULL, "failed", NULL, false },
    { "gate's row: each digit of a change's digest", NULL, DISK, 64, change_digest_byte,
      "what it will do", NULL, NULL, false },
    { "gate's row: each byte of a change's path", NULL, DISK, 3 * 4, change_path_byte,
      "nobody has seen", NULL, NULL, false },
    { "gate's row: each digit of its deadline", "not after", DISK, 13 * 4, gate_due_byte,
      "what it will do", NULL, NULL, false },
    { "gate's row: each digit of how long it is good", "how long after the grant", DISK,
      7 * 4, gate_execute_byte, "what it will do", NULL, NULL, false },
    { "approval written for another run", "run", DISK, 40, forge_run, "what it will do",
      NULL, NULL, false },
    { "approval written for another number", "number", DISK, 40, forge_number,
      "what it will do", NULL, NULL, false },
    { "approval written for undoing it", "do or undo", DISK, 1, forge_undo,
      "what it will do", NULL, NULL, false },
    { "approval written for another time", "not after", DISK, 80, forge_time,
      "what it will do", NULL, NULL, false },
    { "approval written for what is another in one byte", NULL, DISK, 500, forge_byte,
      "what it will do", NULL, NULL, false },
    { "gate's row: each byte of it", NULL, DISK, 4000, gate_byte, NULL, "*", NULL, false },
    { "votes' rows: who, what for, how many", NULL, DISK, 14, vote_edit, "the approval",
      NULL, two_policy, false },
    { "votes' rows: each byte of them", NULL, DISK, 1000, vote_byte, NULL, NULL, two_policy,
      true },
};
enum { MUTATIONS = sizeof mutations / sizeof *mutations };

/* -- all of them ------------------------------------------------------------------------------------ */

static bool attempt_run(const struct mutation *m, int i, int window, struct tally *tally)
{
    struct attempt *a = xcalloc(1, sizeof *a);

    attempt_open(a, m->policy, 1 + (uint64_t)i);
    attempt_approve(a, window);
    bool is_another = m->mutate(a, i);
    if (is_another) {
        attempt_go_on(a);
        judge(a, m, i);
        tally->cases++;
        tally->as_approved += a->witness.done;
        tally->executions += a->witness.again + a->witness.unapproved;
    } else if (a->is_down) {
        power_on(a);
    }
    attempt_close(a);
    return is_another;
}

static void tell(const char *what, int cases, int as_approved, int executions)
{
    printf("    %6d cases, %d executions%s: %s\n", cases, executions,
           as_approved > 0 ? " of anything else" : "", what);
    if (as_approved > 0)
        printf("           (%d times what was approved took place, once)\n", as_approved);
}

static void count_field(struct tally *all, const char *field, int cases)
{
    for (int i = 0; i < FIELDS; i++)
        if (field != NULL && strcmp(fields[i].name, field) == 0)
            all->by_field[i] += cases;
}

static void mutate_all(const struct mutation *m, struct tally *all)
{
    struct tally own = { 0 };

    for (int i = 0; i < m->count; i += EVERY)
        for (int window = IN_FLIGHT; window <= HELD_DOWN; window <<= 1)
            if ((m->windows & window) != 0)
                attempt_run(m, i, window, &own);
    CHECK(own.cases > 0);
    tell(m->what, own.cases, own.as_approved, own.executions);
    all->cases += own.cases;
    all->as_approved += own.as_approved;
    all->executions += own.executions;
    count_field(all, m->field, own.cases);
}

TEST(what_is_as_it_was_approved_takes_place_once_whenever_the_world_stopped_in_between)
{
    for (int window = IN_FLIGHT; window <= HELD_DOWN; window <<= 1) {
        struct attempt *a = xcalloc(1, sizeof *a);

        attempt_open(a, window == HELD ? two_policy : NULL, (uint64_t)window);
        attempt_approve(a, window);
        attempt_go_on(a);
        CHECK_STR(stands(a), "done");
        CHECK_INT(a->witness.done, 1);
        CHECK_INT(a->witness.again + a->witness.unapproved, 0);
        CHECK_STR(w_target(a->w, span_of("site-1"))->value, "new");
        attempt_close(a);
    }
}

TEST(whatever_is_another_than_what_was_approved_is_not_done)
{
    struct tally all = { 0 };

    for (int i = 0; i < MUTATIONS; i++)
        mutate_all(&mutations[i], &all);
    printf("    %d mutations, %d executions of what was not approved\n", all.cases,
           all.executions);
    CHECK_INT(all.executions, 0);
    for (int i = 0; i < FIELDS; i++)
        if (all.by_field[i] == 0)
            FAIL("nothing changes the field \"%s\"", fields[i].name);
    CHECK(all.cases >= 5000 / EVERY);
}

/* The gate's row and its place in the index as an older version would have written them. */
static void as_first_version(struct world *w, struct w_row *row, struct w_entry *gate)
{
    struct span body = span_of(row->body), change;
    char hex[HASH_HEX_LEN + 1];
    struct hash_list list;
    size_t pos = 0;

    hash_list_init(&list, "cordon.gate.v1");
    hash_list_add_int(&list, row->run);
    hash_list_add_int(&list, json_get_int(body, "g", 0));
    hash_list_add_int(&list, json_get_int(body, "due", 0));
    hash_list_add_span(&list, json_get(body, "args"));
    while (json_next(json_get(body, "changes"), &pos, NULL, &change))
        hash_list_add_span(&list, json_get_raw(change, "digest"));
    hash_hex(hash_list_end(&list), hex);
    char *digest = json_get_text(body, "digest");
    row_edit(w, row, digest, hex);
    free(digest);
    gate->body = row->body;
}

TEST(a_gate_of_an_older_journal_is_voted_for_and_serves)
{
    struct attempt *a = xcalloc(1, sizeof *a);

    attempt_open(a, NULL, 5);
    power_off(a);
    as_first_version(a->w, row_of(a->w, 1, ROW_GATE, 0),
                     w_entry(a->w, ENTRY_GATE, GATE_OPEN));
    power_on(a);
    attempt_approve(a, DOWN);
    attempt_go_on(a);
    CHECK_STR(stands(a), "done");
    CHECK_INT(a->witness.done, 1);
    attempt_close(a);
}

/* -- a permit that has been used --------------------------------------------------------------- */

static void wake(struct attempt *a, int64_t run)
{
    for (int i = 0; i < a->w->entry_count; i++)
        if (a->w->entries[i].kind == ENTRY_RUN && a->w->entries[i].run == run)
            a->w->entries[i].state = RUN_RUNNING;
}

/* Somebody puts the target back, so that doing it once more would show. */
static void put_back(struct attempt *a)
{
    snprintf(w_target(a->w, span_of("site-1"))->value, sizeof a->w->targets[0].value, "%s",
             as_before);
}

TEST(a_used_permit_does_nothing_for_another_attempt_or_after_a_crash_or_a_rollback)
{
    struct attempt *a = xcalloc(1, sizeof *a);

    attempt_open(a, both_policy, 7);
    attempt_approve(a, IN_FLIGHT);
    attempt_go_on(a);
    CHECK_INT(a->witness.done, 1);
    put_back(a);
    power_off(a);
    wake(a, 1); /* as if the index had missed its end */
    power_on(a);
    rest(a->w);
    w_vm_gone(a->w);
    rest(a->w);
    CHECK_INT(a->witness.done, 1);
    snprintf(w_target(a->w, span_of("site-1"))->value, sizeof a->w->targets[0].value,
             "new");
    w_ask(a->w, "rollback", "dave", "{\"run\":\"r-1\"}");
    rest(a->w);
    approve_all(a);
    rest(a->w);
    CHECK_INT(a->witness.done, 2); /* the undo, which was approved too */
    CHECK_STR(w_target(a->w, span_of("site-1"))->value, as_before);
    power_off(a);
    wake(a, 1);
    wake(a, 2);
    power_on(a);
    rest(a->w);
    CHECK_INT(a->witness.done, 2);
    CHECK_INT(a->witness.again + a->witness.unapproved, 0);
    attempt_close(a);
}

TEST(an_approval_whose_rows_are_given_to_another_run_does_nothing_there)
{
    for (int is_all = 0; is_all < 2; is_all++) {
        struct attempt *a = xcalloc(1, sizeof *a);

        attempt_open(a, NULL, 8);
        w_start_run(a->w);
        w_pump(a->w);
        witness_approve(&a->witness, "bob", w_entry(a->w, ENTRY_GATE, GATE_OPEN));
        power_off(a);
        if (is_all)
            row_of(a->w, 2, ROW_GATE, 0)->body = row_of(a->w, 1, ROW_GATE, 0)->body;
        row_of(a->w, 1, ROW_VOTE, 0)->run = 2;
        row_of(a->w, 1, ROW_GATE_END, 0)->run = 2;
        wake(a, 2);
        power_on(a);
        rest(a->w);
        CHECK_INT(a->witness.done + a->witness.again + a->witness.unapproved, 0);
        CHECK_STR(w_target(a->w, span_of("site-1"))->value, as_before);
        CHECK(row_of(a->w, 2, ROW_GATE, 1) != NULL); /* it asks anew */
        attempt_close(a);
    }
}

/* -- the intent's row, when nobody knows whether it took place ------------------------------------ */

/* Up to the moment at which the effect is on its way; it gets nowhere, and the power goes. */
static struct attempt *attempt_in_doubt(const char *policy, uint64_t seed)
{
    struct attempt *a = xcalloc(1, sizeof *a);

    attempt_open(a, policy, seed);
    approve_all(a);
    for (int i = 0; i < 100 && !w_is_applying(a->w); i++)
        CHECK(w_message_turn(a->w));
    w_take_effect(a->w);
    power_off(a);
    CHECK_INT(a->witness.done, 0);
    return a;
}

/* Starts again, and looks at what comes of it; true when what was approved took place. */
static bool is_done_after(struct attempt *a, const char *what, int i)
{
    const struct witness *seen = &a->witness;
    char *row = w_keep(a->w, span_of(row_of(a->w, 1, ROW_INTENT, 0)->body));

    power_on(a);
    rest(a->w);
    if (seen->unapproved > 0 || seen->again > 0)
        FAIL("%s, %d: %d unapproved, %d again; the run is %s; the row was %s", what, i,
             seen->unapproved, seen->again, stands(a), row);
    return seen->done > 0;
}

TEST(an_intent_whose_effect_was_lost_takes_place_once_and_as_it_was_approved)
{
    struct attempt *a = attempt_in_doubt(NULL, 1);

    CHECK(is_done_after(a, "as it was", 0));
    CHECK_STR(w_state(a->w, 1), "done");
    attempt_close(a);
}

TEST(an_intent_whose_row_is_another_in_one_byte_does_nothing_that_was_not_approved)
{
    int cases = 0, done = 0, len = 1;

    for (int i = 0; i < len * 4; i += EVERY) {
        struct attempt *a = attempt_in_doubt(i % 2 == 0 ? NULL : both_policy, 1);
        struct w_row *row = row_of(a->w, 1, ROW_INTENT, 0);

        len = (int)strlen(row->body);
        if (row_byte(a->w, row, "", i / 4, 1 << i / 2 % 2)) {
            done += is_done_after(a, "a byte", i);
            cases++;
        } else {
            power_on(a);
        }
        attempt_close(a);
    }
    printf("    %6d cases, 0 executions of anything else (%d times what was approved)\n",
           cases, done);
    CHECK(cases > 400 / EVERY);
}

TEST(an_intent_whose_row_says_something_else_does_nothing_that_was_not_approved)
{
    static const struct {
        const char *from, *to;
    } edits[] = {
        { "\"value\":\"new\"", "\"value\":\"bad\"" }, /* the arguments */
        { "\"target\":\"site-1\"", "\"target\":\"site-2\"" },
        { "\"t\":\"site-1\"", "\"t\":\"site-2\"" },
        { "\"z\":{\"value\":\"new\"}", "\"z\":{\"value\":\"bad\"}" },
        { "\"z\":{\"value\":\"new\"}", "\"z\":null" },
        { "\"w\":{\"value\":\"running, two instances\"}", "\"w\":{\"value\":\"x\"}" },
        { "\"w\":{\"value\":\"running, two instances\"}", "\"w\":null" },
        { "\"a\":\"noop.set\"", "\"a\":\"noop.blind\"" },
        { "\"a\":\"noop.set\"", "\"a\":\"noop.other\"" },
        { "\"b\":\"0\"", "\"b\":\"0.1.1\"" },
        { "\"n\":2", "\"n\":3" },
        { "\"n\":2", "\"n\":1" },
        { "\"n\":2", "\"n\":2,\"of\":1,\"ofn\":1,\"ofp\":\"0/2\",\"op\":\"restore\"" },
        { "\"n\":2", "\"n\":2,\"op\":\"restore\"" },
        { "\"p\":{\"gate\":1,\"i\":0}", "\"p\":{\"gate\":1,\"i\":1}" },
        { "\"p\":{\"gate\":1,\"i\":0}", "\"p\":{\"gate\":1,\"i\":-1}" },
        { "\"p\":{\"gate\":1,\"i\":0}", "\"p\":{\"gate\":1,\"i\":99999999}" },
        { "\"p\":{\"gate\":1,\"i\":0}", "\"p\":{\"gate\":2,\"i\":0}" },
        { "\"p\":{\"gate\":1,\"i\":0}", "\"p\":null" },
        { "\"d\":\"", "\"d\":\"0" },
        { "\"a\":\"noop.set\"", "\"a\":\"noop.set\",\"at\":2" },
    };

    for (int i = 0; i < (int)(sizeof edits / sizeof *edits); i++) {
        struct attempt *a = attempt_in_doubt(NULL, 1);

        row_edit(a->w, row_of(a->w, 1, ROW_INTENT, 0), edits[i].from, edits[i].to);
        is_done_after(a, edits[i].to, i);
        attempt_close(a);
    }
}
