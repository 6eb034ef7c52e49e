/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run held is given back when it ends or is dropped. Here the VM is in the test's
 * own process, so that its books can be read; the sanitizers read theirs too.
 */
#include "proc.h"

#include <sys/socket.h>
#include <unistd.h>

#include <lua.h>

#include "base/err.h"
#include "check.h"
#include "vm/state.h"
#include "vm/vm.h"

enum { ROUNDS = 200, SLACK = 4 * 1024 };

struct inside {
    struct vm *vm;
    int engine; /* the other end */
};

/* Hands the frame in out over, and takes the answer when there is one. */
static void hand_over(struct inside *in, struct str *out)
{
    enum frame_type type;
    struct span fields;
    struct str answer = { 0 };
    size_t total;
    struct err err;

    CHECK_INT(frame_find(str_span(out), &type, &fields, &total, &err), 1);
    CHECK_OK(vm_handle(in->vm, type, fields, &err), &err);
    if (type != FRAME_VM_DROP)
        CHECK_INT(frame_receive(in->engine, &answer, &type, &fields, &err), 1);
    str_fini(&answer);
    str_reset(out);
}

static void open_inside(struct inside *in, const char *body)
{
    struct frame_writer writer;
    struct str out = { 0 };
    int pair[2];

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    in->vm = vm_new(pair[0]);
    in->engine = pair[1];
    frame_begin(&writer, &out, FRAME_VM_LOAD);
    frame_add_text(&writer, "test.lua");
    frame_add_text(&writer, proc_wrap(body));
    frame_add_text(&writer, "[\"azure.appservice.get\"]");
    frame_finish(&writer);
    hand_over(in, &out);
    str_fini(&out);
}

static void start(struct inside *in, int64_t run)
{
    struct frame_writer writer;
    struct str out = { 0 };

    frame_begin(&writer, &out, FRAME_VM_START);
    frame_add_int(&writer, run);
    frame_add_text(&writer, "run");
    frame_add_text(&writer, "{}");
    frame_add_text(&writer, "{\"id\":\"r-000001\",\"alert\":{\"title\":\"x\"}}");
    frame_finish(&writer);
    hand_over(in, &out);
    str_fini(&out);
}

static void drop(struct inside *in, int64_t run)
{
    struct frame_writer writer;
    struct str out = { 0 };

    frame_begin(&writer, &out, FRAME_VM_DROP);
    frame_add_int(&writer, run);
    frame_finish(&writer);
    hand_over(in, &out);
    str_fini(&out);
}

static size_t held(struct inside *in)
{
    lua_gc(in->vm->L, LUA_GCCOLLECT);
    lua_gc(in->vm->L, LUA_GCCOLLECT);
    return in->vm->memory;
}

static void close_inside(struct inside *in)
{
    close(in->vm->fd);
    close(in->engine);
    vm_free(in->vm);
}

/* How much more is held after many rounds than after one. */
static void check_steady(const char *body, bool is_dropped)
{
    struct inside in;

    open_inside(&in, body);
    start(&in, 1);
    if (is_dropped)
        drop(&in, 1);
    size_t after_one = held(&in);
    for (int64_t run = 2; run <= ROUNDS; run++) {
        start(&in, run);
        if (is_dropped)
            drop(&in, run);
    }
    size_t after_all = held(&in);
    if (after_all > after_one + SLACK)
        FAIL("%zu bytes are held after one run, %zu after %d", after_one, after_all,
             ROUNDS);
    close_inside(&in);
}

TEST(a_run_that_is_dropped_leaves_nothing_behind)
{
    check_steady("local t = ('x'):rep(10000) site.get { t = #t } return t", true);
    check_steady("ctx.all { function() site.get {} end, function() "
                 "ctx.each({ 1, 2, 3 }, function() site.get {} end) end }",
                 true);
}

TEST(a_run_that_has_ended_leaves_nothing_behind)
{
    check_steady("return ('x'):rep(10000)", false);
    check_steady("error { code = 'x', message = ('x'):rep(10000) }", false);
    check_steady("ctx.all { function() return 1 end, function() error 'no' end }", false);
}

TEST(runs_that_still_wait_are_freed_with_the_process)
{
    struct inside in;

    open_inside(&in, "ctx.all { function() site.get {} end, function() site.get {} end }");
    for (int64_t run = 1; run <= 10; run++)
        start(&in, run);
    close_inside(&in);
}
