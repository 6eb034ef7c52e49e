/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/vm.h"

#include <stdlib.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/deny.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "vm/adapt.h"
#include "vm/budget.h"
#include "vm/check.h"
#include "vm/ctx.h"
#include "vm/data.h"
#include "vm/door.h"
#include "vm/playbook.h"
#include "vm/run.h"
#include "vm/sandbox.h"
#include "vm/state.h"
#include "vm/wall.h"

struct vm *vm_of(lua_State *L)
{
    void *vm;

    lua_getallocf(L, &vm);
    return vm;
}

static void open_language(struct vm *vm, void *arg)
{
    (void)arg;
    sandbox_open(vm->L);
    ctx_open(vm->L);
}

struct vm *vm_new(int fd)
{
    struct vm *vm = xcalloc(1, sizeof *vm);
    struct err err;

    vm->fd = fd;
    vm->chunk_ref = vm->spec_ref = LUA_NOREF;
    for (int i = 0; i < VM_RUN_BUCKETS; i++)
        list_init(&vm->runs[i]);
    playbook_set_name(vm, span_of("playbook"));
    vm->L = lua_newstate(budget_alloc, vm);
    *branch_slot(vm->L) = NULL;
    if (door_enter(vm, open_language, NULL, &err) != 0)
        fatalx("open the playbook language: %s", err.text);
    return vm;
}

void vm_free(struct vm *vm)
{
    if (vm == NULL)
        return;
    run_drop_all(vm);
    lua_close(vm->L);
    adapt_close(vm);
    arena_fini(&vm->arena);
    free(vm->wishes);
    str_fini(&vm->schema);
    str_fini(&vm->required);
    str_fini(&vm->wish_bytes);
    str_fini(&vm->args);
    str_fini(&vm->draft);
    str_fini(&vm->adapted);
    str_fini(&vm->opened);
    str_fini(&vm->row);
    str_fini(&vm->mended);
    str_fini(&vm->json);
    str_fini(&vm->text);
    str_fini(&vm->out);
    free(vm);
}

/* -- One function a frame: read, act, write the answer to vm->out. -------------------------- */

static int bad_json(struct err *err, const char *what)
{
    return err_wrap(err, "frame to the playbook process: %s", what);
}

/* What the engine hands over was checked where it came in; a second look costs little, and
 * the readers of base/json.h need it to be right. */
static int check_json(struct span json, const char *what, struct err *err)
{
    if (json_check(json.ptr, json.len, FRAME_LEN_MAX, err) != 0)
        return bad_json(err, what);
    return 0;
}

static int on_load(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                   struct err *err)
{
    struct span name = frame_get_span(in), source = frame_get_span(in);
    struct span catalog = frame_get_span(in);
    struct str info = { 0 };

    if (frame_end(in, err) != 0 || check_json(catalog, "catalog", err) != 0)
        return err->code;
    bool ok = playbook_load(vm, name, source, catalog, &info);
    frame_begin(out, &vm->out, FRAME_VM_LOADED);
    frame_add_int(out, ok);
    frame_add_span(out, str_span(&info));
    str_fini(&info);
    return 0;
}

static void add_turn(struct vm *vm, struct frame_writer *out, struct turn *turn)
{
    frame_begin(out, &vm->out, FRAME_VM_TURN);
    frame_add_int(out, turn->run);
    frame_add_int(out, turn->state);
    frame_add_span(out, str_span(&turn->result));
    frame_add_int(out, (int64_t)vm->wish_count);
    for (size_t i = 0; i < vm->wish_count; i++) {
        const struct vm_wish *wish = &vm->wishes[i];
        const char *bytes = str_text(&vm->wish_bytes);
        frame_add_text(out, wish->path);
        frame_add_int(out, wish->n);
        frame_add_text(out, wish->kind);
        frame_add_span(out, (struct span){ bytes + wish->action_at, wish->action_len });
        frame_add_span(out, (struct span){ bytes + wish->args_at, wish->args_len });
    }
    str_fini(&turn->result);
}

static int on_start(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                    struct err *err)
{
    struct turn turn = { 0 };

    turn.run = vm->doing_run = frame_get_int(in);
    turn.entry = frame_get_span(in);
    turn.params = frame_get_span(in);
    turn.about = frame_get_span(in);
    if (frame_end(in, err) != 0 || check_json(turn.params, "params", err) != 0 ||
        check_json(turn.about, "about", err) != 0)
        return err->code;
    run_begin(vm, &turn);
    add_turn(vm, out, &turn);
    return 0;
}

static int on_answer(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                     struct err *err)
{
    struct turn turn = { 0 };

    turn.run = vm->doing_run = frame_get_int(in);
    turn.branch = frame_get_span(in);
    turn.n = frame_get_int(in);
    turn.ok = frame_get_int(in) != 0;
    turn.value = frame_get_span(in);
    if (frame_end(in, err) != 0 || check_json(turn.value, "value", err) != 0)
        return err->code;
    run_answer(vm, &turn);
    add_turn(vm, out, &turn);
    return 0;
}

static int on_drop(struct vm *vm, struct frame_reader *in, struct err *err)
{
    int64_t run = frame_get_int(in);

    if (frame_end(in, err) != 0)
        return err->code;
    run_drop(vm, run);
    return 0;
}

static int on_match(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                    struct err *err)
{
    struct span alert = frame_get_span(in);
    struct str params = { 0 }, why = { 0 };
    bool matches;

    if (frame_end(in, err) != 0 || check_json(alert, "alert", err) != 0)
        return err->code;
    bool ok = playbook_match(vm, alert, &matches, &params, &why);
    if (params.len == 0)
        str_add_text(&params, "null");
    frame_begin(out, &vm->out, FRAME_VM_MATCHED);
    frame_add_int(out, ok);
    frame_add_int(out, matches);
    frame_add_span(out, str_span(&params));
    frame_add_span(out, str_span(&why));
    str_fini(&params);
    str_fini(&why);
    return 0;
}

static int on_data(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                   struct err *err)
{
    struct span name = frame_get_span(in), source = frame_get_span(in);
    struct str result = { 0 };

    if (frame_end(in, err) != 0)
        return err->code;
    bool ok = data_read(vm, name, source, &result);
    frame_begin(out, &vm->out, FRAME_VM_DATA_DONE);
    frame_add_int(out, ok);
    frame_add_span(out, str_span(&result));
    str_fini(&result);
    return 0;
}

static int on_check(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                    struct err *err)
{
    struct span name = frame_get_span(in), source = frame_get_span(in);
    struct span catalog = frame_get_span(in), known = frame_get_span(in);
    struct str findings = { 0 };

    if (frame_end(in, err) != 0 || check_json(catalog, "catalog", err) != 0 ||
        check_json(known, "known", err) != 0)
        return err->code;
    check_playbook(vm, name, source, catalog, known, &findings);
    frame_begin(out, &vm->out, FRAME_VM_CHECKED);
    frame_add_span(out, str_span(&findings));
    str_fini(&findings);
    return 0;
}

static int on_adapter(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                      struct err *err)
{
    struct span name = frame_get_span(in), source = frame_get_span(in);
    struct str info = { 0 };

    if (frame_end(in, err) != 0)
        return err->code;
    bool ok = adapt_load(vm, name, source, &info);
    frame_begin(out, &vm->out, FRAME_VM_LOADED);
    frame_add_int(out, ok);
    frame_add_span(out, str_span(&info));
    str_fini(&info);
    return 0;
}

static int on_adapt(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
                    struct err *err)
{
    struct span kind = frame_get_span(in), delivery = frame_get_span(in);

    if (frame_end(in, err) != 0)
        return err->code;
    bool ok = adapt_read(vm, kind, delivery);
    frame_begin(out, &vm->out, FRAME_VM_ADAPTED);
    frame_add_int(out, ok);
    frame_add_span(out, str_span(&vm->adapted));
    return 0;
}

static int act(struct vm *vm, struct frame_reader *in, struct frame_writer *out,
               struct err *err)
{
    switch (vm->doing) {
    case FRAME_VM_LOAD: return on_load(vm, in, out, err);
    case FRAME_VM_START: return on_start(vm, in, out, err);
    case FRAME_VM_ANSWER: return on_answer(vm, in, out, err);
    case FRAME_VM_MATCH: return on_match(vm, in, out, err);
    case FRAME_VM_DATA: return on_data(vm, in, out, err);
    case FRAME_VM_CHECK: return on_check(vm, in, out, err);
    case FRAME_VM_ADAPTER: return on_adapter(vm, in, out, err);
    case FRAME_VM_ADAPT: return on_adapt(vm, in, out, err);
    default:
        return err_set(err, ERR_INVALID, "frame %d is not for the playbook process",
                       vm->doing);
    }
}

int vm_handle(struct vm *vm, enum frame_type type, struct span fields, struct err *err)
{
    struct frame_reader in;
    struct frame_writer out;

    vm->doing = type;
    vm->doing_run = 0;
    str_reset(&vm->out);
    frame_read(&in, fields);
    if (type == FRAME_VM_DROP)
        return on_drop(vm, &in, err);
    if (act(vm, &in, &out, err) != 0)
        return err->code;
    frame_finish(&out);
    return frame_send(vm->fd, str_span(&vm->out), err);
}

int vm_main(int fd)
{
    struct err err;
    struct frame_inbox in = { .fd = fd };
    enum frame_type type;
    struct span fields;
    int rc;

    log_open("vm");
    if (log_format_is_known()) /* else it reads the configuration, which says how to log */
        deny_log();
    struct vm *vm = vm_new(fd);
    if (wall_raise(fd, &err) != 0)
        fatalx("%s", err.text);
    /* Each answer is sent before the next frame is begun: should that one hang or crash, the
     * engine blames the right run. */
    while ((rc = frame_next(&in, &type, &fields, &err)) == 1) {
        rc = vm_handle(vm, type, fields, &err);
        if (rc != 0)
            break;
    }
    str_fini(&in.bytes);
    vm_free(vm);
    _exit(rc == 0 ? 0 : 1);
}
