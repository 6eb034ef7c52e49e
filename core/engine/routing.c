/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/routing.c - who is asked about which parts of an alert.
 *
 * An alert that comes in is asked about as it is. One that is told again is asked about for what
 * it has gained, under each name that it was told under, and as a whole under a name that is new
 * (docs/decisions/0129, 0159). All that one routing asks about is decided on in one commit, when
 * all playbooks have answered; what comes meanwhile is routed behind it.
 */
#include "engine/internal.h"
#include "engine/routing.h"

#include <stdlib.h>

#include "frame/frame.h"

/* Ask numbers of the engine's own: no client has such a one. */
#define MATCH_BASE (INT64_C(1) << 61)

struct answer {        /* of a playbook's on_alert about one text */
    const char *alert; /* NULL: it is not asked */
    int64_t match;     /* 0: it has answered */
    bool ok, matches;
    char *params, *why;
};

struct candidate {
    struct list in_routing;
    struct playbook *playbook;
    int view;
    struct answer whole, parts[VIEW_PARTS];
};

struct routing {
    struct list in_intake;
    struct alert_card *card;
    char *alert;          /* as it is told last */
    char *news, *foreign; /* of the card, on which this decides; NULL: nothing */
    bool is_over;         /* the alert was: then its news wait for when it comes back */
    struct view *views;
    int view_count;
    struct list candidates;
    int pending;
    bool is_more;    /* there is more to be routed behind it ... */
    bool is_for_all; /* ... as a whole */
};

static void free_views(struct routing *routing)
{
    for (int i = 0; i < routing->view_count; i++) {
        free(routing->views[i].full);
        free(routing->views[i].titled);
        for (int j = 0; j < VIEW_PARTS; j++)
            free(routing->views[i].parts[j]);
    }
    free(routing->views);
}

static void free_answer(struct answer *answer)
{
    free(answer->params);
    free(answer->why);
}

static void free_routing(struct routing *routing)
{
    while (!list_is_empty(&routing->candidates)) {
        struct candidate *candidate =
            list_item(list_take(&routing->candidates), struct candidate, in_routing);

        free_answer(&candidate->whole);
        for (int i = 0; i < VIEW_PARTS; i++)
            free_answer(&candidate->parts[i]);
        free(candidate);
    }
    list_remove(&routing->in_intake);
    if (routing->card != NULL)
        alert_card_free(routing->card);
    free_views(routing);
    free(routing->alert);
    free(routing->news);
    free(routing->foreign);
    free(routing);
}

/* -- the end --------------------------------------------------------------------------------- */

static bool take_one(struct deciding *deciding, const struct candidate *candidate,
                     const struct answer *answer)
{
    return route_take_answer(deciding, candidate->playbook, span_of(answer->alert),
                             answer->ok, answer->matches, span_of(answer->params),
                             span_of(answer->why));
}

/* What it was asked about in parts makes up the whole with what it has started. */
static void take_candidate(struct deciding *deciding, const struct candidate *candidate)
{
    const struct answer *whole = &candidate->whole, *parts = candidate->parts;
    const struct span no_route = { 0 };

    if (parts[0].alert == NULL) {
        take_one(deciding, candidate, whole);
        return;
    }
    for (int i = 0; i < VIEW_PARTS && parts[i].alert != NULL; i++)
        take_one(deciding, candidate, &parts[i]);
    if (whole->ok && whole->matches && parts[0].ok)
        start_remember(deciding->card, candidate->playbook->name, no_route,
                       span_of(whole->params));
}

static void take_view(struct routing *routing, struct deciding *deciding, int view)
{
    route_take_routes(deciding);
    list_each (link, after, &routing->candidates) {
        struct candidate *candidate = list_item(link, struct candidate, in_routing);

        if (candidate->view == view)
            take_candidate(deciding, candidate);
    }
}

/* The list of what was decided. */
static void take_views(struct engine *engine, struct routing *routing, struct str *list)
{
    struct json_out out = { .str = list };
    int started = 0;

    json_open(&out, '[');
    for (int i = 0; i < routing->view_count; i++) {
        struct deciding deciding = { .engine = engine,
                                     .card = routing->card,
                                     .view = &routing->views[i],
                                     .alert = span_of(routing->views[i].full),
                                     .out = out,
                                     .started = started };

        take_view(routing, &deciding, i);
        started = deciding.started;
        out = deciding.out;
    }
    json_close(&out);
}

static void settle_lists(char **lists, const char *decided)
{
    if (*lists == NULL || decided == NULL)
        return;
    char *left = news_less(*lists, span_of(decided));

    free(*lists);
    *lists = left;
}

static void settle_card(struct routing *routing)
{
    struct alert_card *card = routing->card;

    card->is_routed = !(routing->is_more && routing->is_for_all); /* a crash: all anew */
    if (!routing->is_over)
        settle_lists(&card->news, routing->news);
    settle_lists(&card->foreign, routing->foreign);
    tellers_settle(card);
}

/* With the card that this routing had. */
static void go_on(struct engine *engine, struct routing *routing)
{
    struct alert_card *card = routing->card;

    if (!routing->is_more)
        return;
    routing->card = NULL;
    if (routing->is_for_all)
        route_begin(engine, card, span_of(routing->alert));
    else
        route_begin_more(engine, card, span_of(routing->alert));
}

static void finish(struct engine *engine, struct routing *routing)
{
    struct str list = { 0 }, more = { 0 };
    struct json_out out = { .str = &more };

    take_views(engine, routing, &list);
    json_open(&out, '{');
    json_put_raw(&out, "made", str_span(&list));
    json_close(&out);
    settle_card(routing);
    alert_note(engine, routing->card, "routed", str_span(&more));
    str_fini(&list);
    str_fini(&more);
    list_remove(&routing->in_intake);
    go_on(engine, routing);
    free_routing(routing);
}

/* -- questions ------------------------------------------------------------------------------- */

static void ask_about(struct engine *engine, struct routing *routing,
                      const struct playbook *playbook, const char *alert,
                      struct answer *answer)
{
    struct str bytes = { 0 };
    struct frame_writer frame;

    answer->alert = alert;
    answer->match = MATCH_BASE + ++intake_of(engine)->next_match;
    routing->pending++;
    engine->busy++;
    frame_begin(&frame, &bytes, FRAME_VM_MATCH);
    frame_add_span(&frame, span_of(alert));
    frame_finish(&frame);
    struct command *command = turn_command(engine, CMD_VM, false);
    command->name = turn_keep(engine, span_of(playbook->hash));
    command->number = answer->match;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}

/* changed = false: what the alert gains is nothing for it, also where it has started nothing. */
static bool refuses_gains(const struct playbook *playbook)
{
    return !json_get_bool(span_of(playbook->info), "on_alert_changed", true);
}

static void ask_playbook(struct engine *engine, struct routing *routing,
                         struct playbook *playbook, int place)
{
    const struct view *view = &routing->views[place];
    bool is_part = view->parts[0] != NULL &&
                   (start_has_begun(routing->card, playbook->name, (struct span){ 0 }) ||
                    (view->is_gain && refuses_gains(playbook)));

    if (view->is_for_started && !is_part)
        return;
    struct candidate *candidate = xcalloc(1, sizeof *candidate);
    candidate->playbook = playbook;
    candidate->view = place;
    list_add(&routing->candidates, &candidate->in_routing);
    ask_about(engine, routing, playbook, view->full, &candidate->whole);
    for (int i = 0; is_part && i < VIEW_PARTS && view->parts[i] != NULL; i++)
        ask_about(engine, routing, playbook, view->parts[i], &candidate->parts[i]);
}

static bool has_on_alert(const struct playbook *playbook)
{
    return json_kind(json_get(span_of(playbook->info), "on_alert")) == JSON_OBJECT;
}

static void ask_all(struct engine *engine, struct routing *routing)
{
    list_add(&intake_of(engine)->routings, &routing->in_intake);
    for (int i = 0; i < routing->view_count; i++)
        list_each (link, after, &engine->playbooks) {
            struct playbook *playbook = list_item(link, struct playbook, in_engine);

            if (route_enables(engine, playbook) && has_on_alert(playbook))
                ask_playbook(engine, routing, playbook, i);
        }
    if (routing->pending == 0)
        finish(engine, routing);
}

/* -- views ----------------------------------------------------------------------------------- */

static struct routing *routing_new(struct alert_card *card, struct span alert)
{
    struct routing *routing = xcalloc(1, sizeof *routing);

    list_init(&routing->candidates);
    routing->card = card;
    routing->alert = span_dup(alert);
    routing->is_over = card->is_over;
    routing->news = card->news != NULL ? xstrdup(card->news) : NULL;
    routing->foreign = card->foreign != NULL ? xstrdup(card->foreign) : NULL;
    routing->views = xcalloc((size_t)card->teller_count + 1, sizeof *routing->views);
    return routing;
}

static char *view_of(const struct routing *routing, struct span teller, enum view_kind kind)
{
    struct gain gain = { span_of(routing->news), span_of(routing->foreign) };

    return alert_view(span_of(routing->alert), teller, &gain, kind);
}

static struct view *add_view(struct routing *routing, struct span teller)
{
    struct view *view = &routing->views[routing->view_count++];
    struct span title = json_get(teller, "title");

    view->full = view_of(routing, teller, VIEW_FULL);
    if (title.len > 0 && !span_equal(title, json_get(span_of(routing->alert), "title")))
        view->titled = view_of(routing, teller, VIEW_TITLED);
    return view;
}

/* What another known alert names too started what it starts by that one. */
static void add_gain(struct routing *routing, struct span teller)
{
    struct view *view = add_view(routing, teller);

    view->is_gain = routing->news != NULL;
    view->is_for_started = routing->news == NULL;
    view->parts[0] =
        view_of(routing, teller, view->is_gain ? VIEW_NEW_RESOURCES : VIEW_OWN);
    if (view->is_gain)
        view->parts[1] = view_of(routing, teller, VIEW_NEW_ENTITIES);
}

static void add_due(struct routing *routing, struct teller *teller)
{
    struct view *view = add_view(routing, span_of(teller->who));

    teller->is_asked = true;
    if (routing->foreign != NULL)
        view->parts[0] = view_of(routing, span_of(teller->who), VIEW_OWN);
}

void route_begin(struct engine *engine, struct alert_card *card, struct span alert)
{
    struct routing *routing = routing_new(card, alert);

    for (int i = 0; i < card->teller_count; i++) {
        card->tellers[i].is_asked = true;
        add_view(routing, span_of(card->tellers[i].who));
    }
    if (card->teller_count == 0)
        add_view(routing, (struct span){ 0 });
    ask_all(engine, routing);
}

void route_begin_more(struct engine *engine, struct alert_card *card, struct span alert)
{
    struct routing *routing = routing_new(card, alert);
    bool has_gained = routing->news != NULL || routing->foreign != NULL;

    for (int i = 0; i < card->teller_count; i++)
        if (!card->tellers[i].is_due && has_gained)
            add_gain(routing, span_of(card->tellers[i].who));
    for (int i = 0; i < card->teller_count; i++)
        if (card->tellers[i].is_due)
            add_due(routing, &card->tellers[i]);
    if (card->teller_count == 0 && has_gained)
        add_gain(routing, (struct span){ 0 });
    ask_all(engine, routing);
}

/* -- what comes meanwhile -------------------------------------------------------------------- */

static struct routing *routing_of(struct engine *engine, int64_t number)
{
    list_each (link, after, &intake_of(engine)->routings) {
        struct routing *routing = list_item(link, struct routing, in_intake);

        if (routing->card->number == number)
            return routing;
    }
    return NULL;
}

void route_add_more(struct engine *engine, int64_t number, struct span alert,
                    bool is_for_all)
{
    struct routing *routing = routing_of(engine, number);

    free(routing->alert);
    routing->alert = span_dup(alert);
    routing->is_more = true;
    routing->is_for_all |= is_for_all;
}

struct alert_card *route_card(struct engine *engine, int64_t number)
{
    struct routing *routing = routing_of(engine, number);

    return routing != NULL ? routing->card : NULL;
}

static bool take_matched(struct answer *answer, const struct event *event)
{
    if (answer->match != event->number)
        return false;
    answer->match = 0;
    answer->ok = event->ok;
    answer->matches = event->number2 != 0;
    answer->params = span_dup(event->json);
    answer->why = span_dup(event->text);
    return true;
}

static bool is_answer_of(struct candidate *candidate, const struct event *event)
{
    bool is_taken = take_matched(&candidate->whole, event);

    for (int i = 0; !is_taken && i < VIEW_PARTS; i++)
        is_taken = take_matched(&candidate->parts[i], event);
    return is_taken;
}

bool route_on_matched(struct engine *engine, const struct event *event)
{
    if (event->number < MATCH_BASE)
        return false;
    list_each (link, after, &intake_of(engine)->routings) {
        struct routing *routing = list_item(link, struct routing, in_intake);

        list_each (at, next, &routing->candidates) {
            if (!is_answer_of(list_item(at, struct candidate, in_routing), event))
                continue;
            engine->busy--;
            if (--routing->pending == 0)
                finish(engine, routing);
            return true;
        }
    }
    return true;
}

void routings_free(struct intake *intake)
{
    list_each (link, after, &intake->routings) {
        free_routing(list_item(link, struct routing, in_intake));
    }
    list_each (link, after, &intake->storms) {
        storm_free(intake, list_item(link, struct storm, in_intake));
    }
}
