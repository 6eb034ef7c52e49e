/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/share.c - who else wants what an undo would take away.
 *
 * Holds of one action on one target stand in the order in which they took it. What an undo
 * would put back is looked at field by field. A field is kept, and nothing is written there,
 * when
 *
 *   - a later hold has it: it stands on this one's, or has replaced it; or
 *   - an earlier hold wants the very value that this one set.
 *
 * The state of before goes with it: whoever keeps a field restores it, when it lets go of
 * it, to what this undo would have restored. So the last one out puts back what was there
 * before the first. docs/decisions/0019 has the cases one by one.
 */
#include "engine/holds.h"

#include <stdlib.h>

#include "base/id.h"
#include "engine/leaf.h"
#include "engine/part.h"

struct sharing {
    struct step *undo;
    struct hold *own;
    struct leaves leaves; /* of what undoing leaves (a) and of what is as we left it (b) */
    struct hold **keeper; /* of each leaf; NULL: nobody */
    bool *passes_on;
    int changed, kept;
};

/* What undoing a hold leaves; what it found, when it cannot be undone. */
static struct span goal_of(const struct hold *hold)
{
    if (hold->goal != NULL)
        return span_of(hold->goal);
    return span_of(hold->own_goal != NULL ? hold->own_goal : hold->before);
}

static bool is_changed(const struct leaf *leaf)
{
    return !json_same(leaf->a, leaf->b);
}

/* Do both speak of the same fields? A field that neither changes and that is not the same in
 * both is a name: of a rule, of a version. Then they have nothing in common. */
static bool is_related(const struct sharing *sharing, const struct hold *other)
{
    const struct step *undo = sharing->undo;

    if (other->after == NULL || !span_is(span_of(undo->action), other->action) ||
        !span_equal_nocase(span_of(undo->target), span_of(other->target)))
        return false;
    for (int i = 0; i < sharing->leaves.count; i++) {
        const struct leaf *leaf = &sharing->leaves.items[i];
        struct span after = leaf_at(leaf, span_of(other->after));

        if (!is_changed(leaf) && after.len > 0 &&
            json_same(after, leaf_at(leaf, goal_of(other))) && !json_same(after, leaf->b))
            return false;
    }
    return true;
}

/* Has the other everything that this one left? Then what is absent in both was taken away
 * by both. */
static bool covers(const struct sharing *sharing, const struct hold *other)
{
    for (int i = 0; i < sharing->leaves.count; i++) {
        const struct leaf *leaf = &sharing->leaves.items[i];

        if (leaf->b.len > 0 && leaf_at(leaf, span_of(other->after)).len == 0)
            return false;
    }
    return true;
}

static bool has_leaf(const struct leaf *leaf, const struct hold *other, bool is_cover)
{
    return leaf_at(leaf, span_of(other->after)).len > 0 ||
           leaf_at(leaf, goal_of(other)).len > 0 || (is_cover && leaf->b.len == 0);
}

static void keep_for(struct sharing *sharing, struct hold *other, bool is_later)
{
    bool is_cover;

    if (!is_related(sharing, other))
        return;
    is_cover = covers(sharing, other);
    for (int i = 0; i < sharing->leaves.count; i++) {
        const struct leaf *leaf = &sharing->leaves.items[i];
        struct span after = leaf_at(leaf, span_of(other->after));

        if (sharing->keeper[i] != NULL || !has_leaf(leaf, other, is_cover) ||
            (!is_later && !json_same(after, leaf->b)))
            continue;
        sharing->keeper[i] = other;
        sharing->passes_on[i] =
            !is_later || json_same(leaf_at(leaf, goal_of(other)), leaf->b);
        sharing->kept += is_changed(leaf);
    }
}

/* An earlier hold of the same field that wants another value: this one has replaced it, and
 * putting back what it wants is what undoing does. */
static bool is_settled_by(const struct sharing *sharing, const struct hold *earlier)
{
    if (!is_related(sharing, earlier))
        return false;
    for (int i = 0; i < sharing->leaves.count; i++)
        if (sharing->keeper[i] == NULL && is_changed(&sharing->leaves.items[i]) &&
            !has_leaf(&sharing->leaves.items[i], earlier, false))
            return false;
    return true;
}

/* False when a hold's rows must be read first. */
static bool find_keepers_on(struct sharing *sharing, bool is_later)
{
    struct engine *engine = sharing->undo->run->engine;
    struct list *head = &engine->holds_by_slice[sharing->own->slice % TABLE_SIZE];
    struct list *at = &sharing->own->in_slice;

    while ((at = is_later ? at->next : at->prev) != head &&
           sharing->kept < sharing->changed) {
        struct hold *other = list_item(at, struct hold, in_slice);

        if (other->slice != sharing->own->slice)
            continue;
        if (!hold_learn(engine, other)) {
            undo_wait_for(sharing->undo->run, other->run);
            return false;
        }
        keep_for(sharing, other, is_later);
        if (!is_later && is_settled_by(sharing, other))
            break;
    }
    return true;
}

static bool find_keepers(struct sharing *sharing)
{
    return find_keepers_on(sharing, true) && find_keepers_on(sharing, false);
}

/* -- what follows from it ---------------------------------------------------------------- */

static void put_leaf(const struct leaf *leaf, struct str *json, struct span value)
{
    struct str out = { 0 };

    leaf_put(leaf, &out, str_span(json), value);
    str_fini(json);
    *json = out;
}

static int64_t older(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* What is passed on is as old as it was. */
static int64_t seen_ms(const struct sharing *sharing, const struct hold *to)
{
    int64_t ms = older(sharing->undo->captured_ms, sharing->own->goal_ms);

    return older(ms, to->goal_ms);
}

static void put_pass(struct json_out *out, const struct sharing *sharing,
                     const struct hold *to)
{
    struct str goal = { 0 };

    str_add_span(&goal, goal_of(to));
    for (int i = 0; i < sharing->leaves.count; i++)
        if (sharing->keeper[i] == to && sharing->passes_on[i])
            put_leaf(&sharing->leaves.items[i], &goal, sharing->leaves.items[i].a);
    json_open(out, '{');
    json_put_int(out, "at", seen_ms(sharing, to));
    json_put_raw(out, "g", str_span(&goal));
    json_put_int(out, "n", to->n);
    json_put_int(out, "run", to->run);
    json_close(out);
    str_fini(&goal);
}

static bool is_first_of_keeper(const struct sharing *sharing, int i)
{
    for (int j = 0; j < i; j++)
        if (sharing->keeper[j] == sharing->keeper[i] &&
            is_changed(&sharing->leaves.items[j]))
            return false;
    return sharing->keeper[i] != NULL && is_changed(&sharing->leaves.items[i]);
}

static bool passes_anything(const struct sharing *sharing, const struct hold *to)
{
    for (int i = 0; i < sharing->leaves.count; i++)
        if (sharing->keeper[i] == to && sharing->passes_on[i] && to->own_goal != NULL &&
            is_changed(&sharing->leaves.items[i]))
            return true;
    return false;
}

static void say_who(struct share *share, const struct sharing *sharing)
{
    struct json_out wanted = { .str = &share->wanted };
    struct json_out passes = { .str = &share->passes };

    json_open(&wanted, '[');
    json_open(&passes, '[');
    for (int i = 0; i < sharing->leaves.count; i++) {
        if (!is_first_of_keeper(sharing, i))
            continue;
        json_string(&wanted, id_run(sharing->keeper[i]->run).text);
        if (passes_anything(sharing, sharing->keeper[i]))
            put_pass(&passes, sharing, sharing->keeper[i]);
    }
    json_close(&wanted);
    json_close(&passes);
}

/* The state that the undo shall leave: what others keep stays as it was found. */
static void say_goal(struct share *share, const struct sharing *sharing, struct span goal,
                     struct span found)
{
    struct str left = { 0 };

    str_add_span(&share->goal, goal);
    str_add_span(&left, sharing->undo->own_after);
    for (int i = 0; i < sharing->leaves.count; i++) {
        const struct leaf *leaf = &sharing->leaves.items[i];

        if (sharing->keeper[i] == NULL)
            continue;
        put_leaf(leaf, &share->goal, leaf_at(leaf, found));
        put_leaf(leaf, &left, leaf_at(leaf, found));
    }
    share->is_as_left = parts_lie_between(str_span(&left), str_span(&share->goal), found);
    str_fini(&left);
}

static enum share_kind kind_of(const struct sharing *sharing)
{
    if (sharing->changed == 0)
        return sharing->own->goal != NULL || sharing->undo->is_joined ? SHARE_ALL
                                                                      : SHARE_NONE;
    if (sharing->kept == 0)
        return SHARE_NONE;
    return sharing->kept == sharing->changed ? SHARE_ALL : SHARE_SOME;
}

void share_of(struct step *undo, struct span found, struct share *share)
{
    struct sharing sharing = { .undo = undo };

    *share = (struct share){ .kind = SHARE_GONE };
    sharing.own = hold_find(undo->run->engine, undo->undoes_run, undo->undoes_ordinal);
    if (sharing.own == NULL)
        return;
    struct span goal =
        sharing.own->goal != NULL ? span_of(sharing.own->goal) : undo->own_goal;
    leaves_of(&sharing.leaves, goal, undo->own_after);
    size_t count = (size_t)sharing.leaves.count + 1;
    sharing.keeper = xcalloc(count, sizeof(struct hold *));
    sharing.passes_on = xcalloc(count, sizeof *sharing.passes_on);
    for (int i = 0; i < sharing.leaves.count; i++)
        sharing.changed += is_changed(&sharing.leaves.items[i]);
    if (!find_keepers(&sharing)) {
        share->kind = SHARE_WAIT;
    } else {
        share->kind = kind_of(&sharing);
        say_who(share, &sharing);
        say_goal(share, &sharing, goal, found);
    }
    free(sharing.keeper);
    free(sharing.passes_on);
    leaves_fini(&sharing.leaves);
}

bool engine_is_shared(struct span before, struct span after, struct span other_before,
                      struct span other_after)
{
    struct leaves leaves;
    bool is_other = false, is_common = false;

    leaves_of(&leaves, before, after);
    for (int i = 0; i < leaves.count; i++) {
        const struct leaf *leaf = &leaves.items[i];
        struct span theirs = leaf_at(leaf, other_after);
        bool is_theirs_changed = !json_same(theirs, leaf_at(leaf, other_before));

        if (theirs.len == 0 || leaf->b.len == 0)
            continue;
        if (is_changed(leaf) || is_theirs_changed)
            is_common = true;
        else if (!json_same(theirs, leaf->b))
            is_other = true;
    }
    leaves_fini(&leaves);
    return is_common && !is_other;
}

void share_fini(struct share *share)
{
    str_fini(&share->goal);
    str_fini(&share->wanted);
    str_fini(&share->passes);
}

/* A preview of a rollback tells what stays as it is, and for whom or why. */
static void preview_leave(struct step *undo, struct span wanted, const char *end,
                          struct span why)
{
    struct json_out out = { .str = &undo->run->left };

    if (!run_is_shadow(undo->run))
        return;
    if (undo->run->left.len > 0)
        str_add_char(&undo->run->left, ',');
    json_open(&out, '{');
    json_put(&out, "action", undo->action);
    json_put(&out, "end", end);
    json_put(&out, "path", undo->undoes_path);
    json_put(&out, "target", undo->target);
    json_put_raw(&out, "wanted", json_count(wanted) > 0 ? wanted : span_of("[]"));
    if (why.len > 0)
        json_put_span(&out, "why", why);
    json_close(&out);
}

void share_leave(struct step *undo, const struct share *share)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", undo->action);
    json_put(&out, "b", undo->branch);
    json_put_int(&out, "n", undo->n);
    undoes_put(&out, undo);
    if (share->kind == SHARE_GONE)
        json_put_bool(&out, "off", true);
    json_put(&out, "t", undo->target);
    if (json_count(str_span(&share->passes)) > 0)
        json_put_raw(&out, "to", str_span(&share->passes));
    if (json_count(str_span(&share->wanted)) > 0)
        json_put_raw(&out, "wanted", str_span(&share->wanted));
    json_close(&out);
    preview_leave(undo, str_span(&share->wanted), NULL, (struct span){ 0 });
    row_write(undo->run, ROW_LEAVE, str_span(&body));
    str_fini(&body);
    if (share->kind != SHARE_GONE)
        hold_release(undo, undo->outcome_seq);
    run_push(undo->run);
}

void share_end(struct step *undo, int state, struct span why)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", undo->action);
    json_put(&out, "b", undo->branch);
    json_put(&out, "end", hold_state_name(state));
    json_put_span(&out, "msg", why);
    json_put_int(&out, "n", undo->n);
    undoes_put(&out, undo);
    json_put(&out, "t", undo->target);
    json_close(&out);
    preview_leave(undo, (struct span){ 0 }, hold_state_name(state), why);
    row_write(undo->run, ROW_LEAVE, str_span(&body));
    str_fini(&body);
    hold_release(undo, undo->outcome_seq);
    run_push(undo->run);
}
