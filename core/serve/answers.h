/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/answers.h - one case of a playbook test: what is answered, and what is expected.
 *
 * Pure: wishes come in with turns, answers go out one at a time, in the order of the
 * wishes, and at the end there is a judgement.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct err;
struct event;
struct serve;

enum { ANSWERS_WISHES_MAX = 10000 };

struct wish {
    struct span branch, kind, action, args;
    int64_t n;
    bool is_answered;
};

struct answers {
    struct arena arena;
    struct span now; /* the case; borrowed */
    struct wish *wishes;
    int count, cap, at; /* at: the first that is not answered */
    int64_t now_s;      /* the playbook's clock: it goes on by what is slept */
    int64_t uuids;
};

struct answer {
    struct span branch;
    int64_t n;
    bool ok;
    struct span value;
};

/* ERR_INVALID when the case has a member that is none. answers_fini() either way. */
int answers_init(struct answers *answers, struct span now, struct err *err);
void answers_fini(struct answers *answers);
/* Takes the wishes of a turn. */
int answers_take(struct answers *answers, const struct event *turn, struct err *err);
/* The answer to the next wish; an error when the case has none, or one that the plugin's
 * schemas do not allow. Spans live as long as answers. */
int answers_next(struct answers *answers, struct serve *serve, struct answer *answer,
                 struct err *err);
/* Did the run end, and ask for what it should? turn is its last. */
int answers_judge(struct answers *answers, const struct event *turn, struct err *err);
