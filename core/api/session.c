/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"

void session_random(char *text)
{
    unsigned char bytes[32];
    struct str letters = { 0 };

    random_bytes(bytes, sizeof bytes);
    base64url_add(&letters, bytes, sizeof bytes);
    memcpy(text, letters.ptr, SESSION_TEXT_LEN + 1);
    str_fini(&letters);
}

void sessions_init(struct sessions *sessions)
{
    list_init(&sessions->all);
    for (int i = 0; i < SESSION_BUCKETS; i++)
        list_init(&sessions->buckets[i]);
    sessions->count = 0;
}

void session_end(struct sessions *sessions, struct session *session)
{
    list_remove(&session->in_all);
    list_remove(&session->in_bucket);
    sessions->count--;
    free(session->who);
    free(session->groups);
    free(session);
}

static bool always(const struct session *session, void *arg)
{
    (void)session;
    (void)arg;
    return true;
}

void sessions_fini(struct sessions *sessions)
{
    sessions_end_if(sessions, always, NULL);
}

void sessions_end_if(struct sessions *sessions,
                     bool (*is_over)(const struct session *session, void *arg), void *arg)
{
    struct list kept;

    list_init(&kept);
    while (!list_is_empty(&sessions->all)) {
        struct session *session =
            list_item(list_take(&sessions->all), struct session, in_all);

        if (is_over(session, arg))
            session_end(sessions, session);
        else
            list_add(&kept, &session->in_all);
    }
    while (!list_is_empty(&kept))
        list_add(&sessions->all, list_take(&kept));
}

static bool is_ones(const struct session *session, const char *who)
{
    return who == NULL || strcmp(session->who, who) == 0;
}

/* Of who; NULL: of anybody. */
static int count_of(const struct sessions *sessions, const char *who)
{
    int count = 0;

    list_each (link, after, &sessions->all) {
        count += is_ones(list_item(link, struct session, in_all), who);
    }
    return count;
}

/* The one that was unused for longest. */
static void end_oldest(struct sessions *sessions, const char *who)
{
    list_each (link, after, &sessions->all) {
        struct session *session = list_item(link, struct session, in_all);

        if (!is_ones(session, who))
            continue;
        session_end(sessions, session);
        return;
    }
}

static bool is_over(const struct session *session, void *arg)
{
    int64_t now_ms = *(const int64_t *)arg;

    return now_ms - session->seen_ms >= SESSION_IDLE_MS ||
           now_ms - session->begun_ms >= SESSION_LIFE_MS;
}

struct session *session_begin(struct sessions *sessions, const struct session_about *about,
                              char *text, int64_t now_ms)
{
    struct session *session = xcalloc(1, sizeof *session);

    sessions_end_if(sessions, is_over, &now_ms);
    if (count_of(sessions, about->who) >= SESSIONS_EACH_MAX)
        end_oldest(sessions, about->who);
    else if (sessions->count >= SESSIONS_MAX)
        end_oldest(sessions, NULL);
    session_random(text);
    session_random(session->token);
    session->id = hash_of(text, SESSION_TEXT_LEN);
    session->who = xstrdup(about->who);
    session->groups = about->groups.len > 0 && about->groups.ptr[0] == '['
                          ? span_dup(about->groups)
                          : NULL;
    session->roles = about->roles;
    session->account = about->account;
    session->turn = about->turn;
    session->begun_ms = session->seen_ms = now_ms;
    session->proved_ms = about->proved_ms;
    list_add(&sessions->all, &session->in_all);
    list_add(&sessions->buckets[session->id.bytes[0]], &session->in_bucket);
    sessions->count++;
    return session;
}

struct session *session_find(struct sessions *sessions, struct span text, int64_t now_ms)
{
    struct hash id;

    if (text.len != SESSION_TEXT_LEN)
        return NULL;
    id = hash_of(text.ptr, text.len);
    list_each (link, after, &sessions->buckets[id.bytes[0]]) {
        struct session *session = list_item(link, struct session, in_bucket);

        if (!hash_equal(session->id, id))
            continue;
        if (is_over(session, &now_ms)) {
            session_end(sessions, session);
            return NULL;
        }
        session->seen_ms = now_ms;
        list_remove(&session->in_all);
        list_add(&sessions->all, &session->in_all);
        return session;
    }
    return NULL;
}

bool session_is_fresh(const struct session *session, int64_t now_ms)
{
    return now_ms - session->proved_ms < SESSION_FRESH_MS;
}

bool session_has_token(const struct session *session, struct span token)
{
    return token.len == SESSION_TEXT_LEN &&
           hash_equal(hash_of(token.ptr, token.len),
                      hash_of(session->token, SESSION_TEXT_LEN));
}
