/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "check.h"
#include "vm/vm.h"

/* The catalog of all these tests. */
static const char catalog[] =
    "[\"azure.appservice.block_ips\",\"azure.appservice.get\",\"azure.appservice.stop\","
    "\"azure.rbac.assignments\",\"azure.rbac.remove\"]";

struct arena proc_texts;

void proc_open(struct proc *proc)
{
    int pair[2];

    *proc = (struct proc){ .wall_ms = PROC_LONG_MS };
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    proc->pid = fork();
    CHECK(proc->pid >= 0);
    if (proc->pid == 0) {
        close(pair[0]);
        vm_main(pair[1]);
    }
    close(pair[1]);
    proc->fd = pair[0];
}

static void reap(struct proc *proc)
{
    if (proc->pid > 0)
        CHECK_INT(waitpid(proc->pid, &proc->status, 0), proc->pid);
    proc->pid = 0;
}

void proc_close(struct proc *proc, int code)
{
    close(proc->fd);
    reap(proc);
    if (code >= 0) {
        CHECK(WIFEXITED(proc->status));
        CHECK_INT(WEXITSTATUS(proc->status), code);
    }
    str_fini(&proc->in);
    str_fini(&proc->out);
}

void proc_send(struct proc *proc)
{
    struct err err;

    CHECK_OK(frame_send(proc->fd, str_span(&proc->out), &err), &err);
    str_reset(&proc->out);
}

/* Waits as the engine does, and kills as the engine does. */
static bool comes_in_time(struct proc *proc)
{
    struct pollfd pfd = { .fd = proc->fd, .events = POLLIN };

    if (poll(&pfd, 1, proc->wall_ms) == 1)
        return true;
    int64_t begin_us = clock_mono_us();
    kill(proc->pid, SIGKILL);
    reap(proc);
    CHECK(clock_mono_us() - begin_us < PROC_KILL_MS * 1000);
    return false;
}

bool proc_receive(struct proc *proc, enum frame_type *type, struct frame_reader *in)
{
    struct span fields;
    struct err err;

    if (!comes_in_time(proc))
        return false;
    int rc = frame_receive(proc->fd, &proc->in, type, &fields, &err);
    if (rc != 1) {
        reap(proc);
        return false;
    }
    frame_read(in, fields);
    return true;
}

static char *take_span(struct frame_reader *in)
{
    struct span text = frame_get_span(in);

    return arena_dup(&proc_texts, text.ptr, text.len);
}

static void check_end(struct frame_reader *in)
{
    struct err err;

    CHECK_OK(frame_end(in, &err), &err);
}

static void must_receive(struct proc *proc, enum frame_type wanted, struct frame_reader *in)
{
    enum frame_type type;

    if (!proc_receive(proc, &type, in))
        FAIL("the process gave no answer; its status is %d", proc->status);
    CHECK_INT(type, wanted);
}

bool proc_load_named(struct proc *proc, const char *name, const char *source, size_t len,
                     char **text)
{
    struct frame_writer out;
    struct frame_reader in;

    frame_begin(&out, &proc->out, FRAME_VM_LOAD);
    frame_add_text(&out, name);
    frame_add_span(&out, (struct span){ source, len });
    frame_add_text(&out, catalog);
    frame_finish(&out);
    proc_send(proc);
    must_receive(proc, FRAME_VM_LOADED, &in);
    bool ok = frame_get_int(&in) != 0;
    *text = take_span(&in);
    check_end(&in);
    return ok;
}

bool proc_adapter(struct proc *proc, const char *source, char **text)
{
    struct frame_writer out;
    struct frame_reader in;

    frame_begin(&out, &proc->out, FRAME_VM_ADAPTER);
    frame_add_text(&out, "own.lua");
    frame_add_text(&out, source);
    frame_finish(&out);
    proc_send(proc);
    must_receive(proc, FRAME_VM_LOADED, &in);
    bool ok = frame_get_int(&in) != 0;
    *text = take_span(&in);
    check_end(&in);
    return ok;
}

bool proc_adapt(struct proc *proc, const char *kind, const char *delivery, char **text)
{
    struct frame_writer out;
    struct frame_reader in;
    enum frame_type type;

    frame_begin(&out, &proc->out, FRAME_VM_ADAPT);
    frame_add_text(&out, kind);
    frame_add_text(&out, delivery);
    frame_finish(&out);
    proc_send(proc);
    *text = NULL;
    if (!proc_receive(proc, &type, &in))
        return false;
    CHECK_INT(type, FRAME_VM_ADAPTED);
    bool ok = frame_get_int(&in) != 0;
    *text = take_span(&in);
    check_end(&in);
    return ok;
}

bool proc_load(struct proc *proc, const char *source, char **text)
{
    return proc_load_named(proc, "/etc/cordon/playbooks/test.lua", source, strlen(source),
                           text);
}

bool proc_data(struct proc *proc, const char *name, const char *source, char **text)
{
    struct frame_writer out;
    struct frame_reader in;

    frame_begin(&out, &proc->out, FRAME_VM_DATA);
    frame_add_text(&out, name);
    frame_add_text(&out, source);
    frame_finish(&out);
    proc_send(proc);
    must_receive(proc, FRAME_VM_DATA_DONE, &in);
    bool ok = frame_get_int(&in) != 0;
    *text = take_span(&in);
    check_end(&in);
    return ok;
}

static const char schemas[] =
    "{\"azure.appservice.get\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"}}},"
    "\"azure.appservice.block_ips\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\",\"ips\"],\"properties\":{\"id\":{\"type\":\"string\"},"
    "\"ips\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"ip\"}},"
    "\"expires\":{\"type\":\"string\","
    "\"format\":\"duration\"},\"on_expire\":{\"type\":\"string\",\"enum\":[\"release\","
    "\"ask\",\"extend\"]},\"priority\":{\"type\":\"integer\",\"minimum\":1}}}}";

static const char known[] =
    "{\"channels\":[\"mail\",\"soc\"],"
    "\"humans\":{\"a\":[\"x\"],\"b\":[\"y\"],\"soc\":[\"z\"],\"leads\":[\"ann\"],\"night-"
    "shift\":[\"bob\",\"cy\"],\"bots\":[],\"all\":[\"*\"]},\"chain\":[\"soc\"],"
    "\"sources\":{\"names\":[\"front-door\",\"defender\"],\"open\":false},"
    "\"playbooks\":{\"seal-off\":{\"additionalProperties\":false,\"properties\":{\"hours\":"
    "{"
    "\"type\":\"integer\"},\"vm\":{\"type\":\"string\"}},\"required\":[\"vm\"]},"
    "\"beside\":null,\"other\":{}},"
    "\"groups\":{\"a\":[\"x\"],\"b\":[\"y\"],\"soc\":[\"z\"],\"leads\":[\"ann\"],\"night-"
    "shift\":[\"bob\",\"cy\"],\"bots\":[\"ci\"],\"all\":[\"*\"]},"
    "\"alert\":{\"additionalProperties\":false,\"properties\":{\"resource\":{},\"all\":{},"
    "\"entities\":{"
    "\"additionalProperties\":false,\"properties\":{\"hosts\":{},\"ips\":{}},"
    "\"type\":\"object\"},\"resources\":{},\"severity\":{},\"raw\":{}},\"type\":\"object\"}"
    ","
    "\"results\":{\"azure.appservice.get\":{\"additionalProperties\":false,"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"state\":{},\"tags\":{\"type\":"
    "\"object\"},\"ips\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"properties\":{\"address\":{},\"rule\":{}}}},"
    "\"identity\":{\"additionalProperties\":false,\"properties\":{\"principal_id\":{}},"
    "\"type\":\"object\"}},\"type\":\"object\"},"
    "\"azure.appservice.block_ips\":{\"additionalProperties\":false,\"properties\":{"
    "\"after\":{},\"changed\":{},\"result\":{},\"target\":{}},\"type\":\"object\"}}}";

char *proc_check(struct proc *proc, const char *source)
{
    struct frame_writer out;
    struct frame_reader in;

    frame_begin(&out, &proc->out, FRAME_VM_CHECK);
    frame_add_text(&out, "/etc/cordon/playbooks/test.lua");
    frame_add_text(&out, source);
    frame_add_text(&out, schemas);
    frame_add_text(&out, known);
    frame_finish(&out);
    proc_send(proc);
    must_receive(proc, FRAME_VM_CHECKED, &in);
    char *findings = take_span(&in);
    check_end(&in);
    return findings;
}

const char *proc_match(struct proc *proc, const char *alert, char **params, char **why)
{
    struct frame_writer out;
    struct frame_reader in;

    frame_begin(&out, &proc->out, FRAME_VM_MATCH);
    frame_add_text(&out, alert);
    frame_finish(&out);
    proc_send(proc);
    must_receive(proc, FRAME_VM_MATCHED, &in);
    bool ok = frame_get_int(&in) != 0;
    bool matches = frame_get_int(&in) != 0;
    *params = take_span(&in);
    *why = take_span(&in);
    check_end(&in);
    return !ok ? "error" : matches ? "matches" : "no";
}

static struct turn_seen receive_turn(struct proc *proc)
{
    struct turn_seen seen = { 0 };
    struct frame_reader in;
    enum frame_type type;

    if (!proc_receive(proc, &type, &in)) {
        seen.is_killed = true;
        return seen;
    }
    CHECK_INT(type, FRAME_VM_TURN);
    seen.run = frame_get_int(&in);
    seen.state = (int)frame_get_int(&in);
    seen.value = take_span(&in);
    seen.count = frame_get_int(&in);
    for (int64_t i = 0; i < seen.count; i++) {
        struct proc_wish wish = { 0 };
        wish.branch = take_span(&in);
        wish.n = frame_get_int(&in);
        wish.kind = take_span(&in);
        wish.action = take_span(&in);
        wish.args = take_span(&in);
        if (i < PROC_WISHES_MAX)
            seen.wishes[i] = wish;
    }
    check_end(&in);
    return seen;
}

struct turn_seen proc_start_as(struct proc *proc, int64_t run, const char *entry,
                               const char *params, const char *about)
{
    struct frame_writer out;

    frame_begin(&out, &proc->out, FRAME_VM_START);
    frame_add_int(&out, run);
    frame_add_text(&out, entry);
    frame_add_text(&out, params);
    frame_add_text(&out, about);
    frame_finish(&out);
    proc_send(proc);
    return receive_turn(proc);
}

struct turn_seen proc_start(struct proc *proc, int64_t run, const char *params)
{
    return proc_start_as(proc, run, "run", params, "{\"id\":\"r-000001\"}");
}

struct turn_seen proc_answer(struct proc *proc, int64_t run, const char *branch, int64_t n,
                             bool ok, const char *value)
{
    struct frame_writer out;

    frame_begin(&out, &proc->out, FRAME_VM_ANSWER);
    frame_add_int(&out, run);
    frame_add_text(&out, branch);
    frame_add_int(&out, n);
    frame_add_int(&out, ok);
    frame_add_text(&out, value);
    frame_finish(&out);
    proc_send(proc);
    return receive_turn(proc);
}

void proc_drop(struct proc *proc, int64_t run)
{
    struct frame_writer out;

    frame_begin(&out, &proc->out, FRAME_VM_DROP);
    frame_add_int(&out, run);
    frame_finish(&out);
    proc_send(proc);
}

char *proc_wrap(const char *body)
{
    return arena_printf(&proc_texts,
                        "local site = use \"azure.appservice\"\n"
                        "return playbook { name = \"test\", run = function(p, ctx)\n%s\n"
                        "end }\n",
                        body);
}
