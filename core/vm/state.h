/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/state.h - what a VM process knows. One struct, passed by hand or found from Lua with
 * vm_of(); there are no globals.
 *
 * A C function that Lua calls owns nothing: an error may jump over it. So the buffers that
 * such functions fill live here, and are reset by whoever uses them next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/arena.h"
#include "base/json_mend.h"
#include "base/list.h"
#include "base/str.h"
#include "frame/frame.h"
#include "vm/limits.h"

enum { VM_RUN_BUCKETS = 256 };

/* Which coroutine may wish for things: only one that belongs to a branch of a run. */
struct branch;

struct vm_wish {
    char path[VM_PATH_CAP];
    int n;
    const char *kind; /* static */
    size_t action_at; /* into vm->wish_bytes */
    size_t action_len;
    size_t args_at;
    size_t args_len;
};

struct vm {
    int fd;
    lua_State *L;
    struct arena arena; /* what lives as long as the process */

    /* Work and memory; see budget.h. */
    size_t memory;
    int64_t steps;
    int64_t steps_max;
    lua_State *running;    /* the coroutine on the processor, NULL outside */
    enum frame_type doing; /* the frame being answered */
    int64_t doing_run;

    /* The playbook; see playbook.h. */
    bool is_loaded;
    char name[VM_NAME_MAX + 1];  /* as errors show it */
    char chunk[VM_NAME_MAX + 2]; /* "=" and the name */
    const char **actions;        /* full names, in the catalog's order */
    size_t action_count;
    struct str schema;   /* of the params, JSON Schema */
    struct str required; /* the names in it that must be there, while it is made */
    int chunk_ref;       /* the compiled source */
    int spec_ref;        /* what playbook{} was given last */

    /* Adapters; see adapt.h. */
    struct adapter *adapters;
    int adapter_depth;  /* of those at work that call each other */
    struct str adapted; /* the list of alerts while it is made */
    struct str row;     /* of a table that was delivered, as an object */
    struct str mended;  /* the delivery as it is read */
    struct str opened;  /* JSON in a text of it */
    size_t event_at;    /* where the event that is being read begins in mended */
    struct json_mends mends;

    /* Runs; see run.h. */
    struct list runs[VM_RUN_BUCKETS];
    struct vm_wish *wishes; /* of this turn */
    size_t wish_count;
    size_t wish_cap;
    struct str wish_bytes;

    struct str args;  /* the arguments of a wish of ctx */
    struct str draft; /* JSON before it is canonical */
    struct str json;  /* JSON that is */
    struct str text;  /* a string being unescaped, a sentence being made */
    struct str out;   /* the answering frame */
};

/* The VM that a Lua state belongs to. */
struct vm *vm_of(lua_State *L);

/* The branch a coroutine belongs to, NULL for none. */
static inline struct branch **branch_slot(lua_State *L)
{
    return (struct branch **)lua_getextraspace(L);
}
