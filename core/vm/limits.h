/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/limits.h - every size that a playbook could choose, and where it ends.
 */
#pragma once

enum {
    VM_MEMORY_MAX = 64 * 1024 * 1024,    /* bytes Lua may hold, all runs of the process */
    VM_DATA_MAX = 192 * 1024 * 1024,     /* RLIMIT_DATA: Lua, frames and JSON together */
    VM_STEPS_MAX = 20 * 1000 * 1000,     /* VM instructions in one activation */
    VM_ADAPT_STEPS = 16 * 1000 * 1000,   /* after these no further item is read */
    VM_STEPS_DATA_MAX = 2 * 1000 * 1000, /* the same for Lua-as-data */
    VM_STEPS_TICK = 1000,          /* instructions between two looks at the clock of work */
    VM_SOURCE_MAX = 256 * 1024,    /* bytes of one source */
    VM_STRING_MAX = 1024 * 1024,   /* bytes string.rep makes, bytes a pattern searches */
    VM_LIST_MAX = 100 * 1000,      /* items table.unpack, table.move and table.sort take */
    VM_WISH_MAX = 256 * 1024,      /* bytes of JSON in one wish or one result */
    VM_TURN_MAX = 4 * 1024 * 1024, /* bytes of all wishes of one turn */
    VM_WISHES_MAX = 10 * 1000,     /* wishes in one run */
    VM_BRANCHES_MAX = 1000,        /* branches of one run at the same time */
    VM_FORK_DEPTH_MAX = 8,         /* ctx.all inside ctx.all inside ... */
    VM_AT_ONCE_DEFAULT = 8,
    VM_PATH_CAP = 192,      /* "0.2.3", long enough for VM_FORK_DEPTH_MAX */
    VM_NAME_MAX = 128,      /* bytes of a playbook's, a parameter's, an action's name */
    VM_TEXT_MAX = 8 * 1024, /* bytes of a title, a note, a summary */
    VM_ALERTS_MAX = 5000,   /* alerts of one delivery */
    VM_UNREAD_MAX = 20,     /* items of it that cannot be read and are told of */
    VM_ADAPTED_MAX = 6 * 1024 * 1024, /* bytes of JSON that it becomes */
    VM_RAW_MAX = 512 * 1024,          /* bytes of "raw" of one alert */
    VM_MENDS_NOTED_MAX = 12,          /* replacements that one alert lists */
    VM_ADAPT_DEPTH_MAX = 8, /* an adapter that asks another that asks another ... */
    VM_IDS_MAX = 4000,      /* "$id"s of one delivery */
    VM_SLOTS_MAX = 16,      /* role slots of one ctx.approve; the engine's limit too */
    VM_ESCALATES_MAX = 10,  /* links of its chain of escalation */
    VM_NOTIFY_MAX = 64      /* channels that a gate names */
};
