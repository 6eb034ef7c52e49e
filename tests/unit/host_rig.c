/* SPDX-License-Identifier: Apache-2.0 */
#include "host_rig.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "plugin/host.h"

void rig_start(struct rig *rig)
{
    int fds[2];

    *rig = (struct rig){ 0 };
    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    rig->pid = fork();
    if (rig->pid == 0) {
        close(fds[0]);
        exit(host_main(fds[1]));
    }
    CHECK(rig->pid > 0);
    close(fds[1]);
    rig->fd = fds[0];
}

char *rig_fixture(const char *name)
{
    char exe[512] = "", path[700];

    CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    snprintf(path, sizeof path, "%s/plugins/%s.so", dirname(exe), name);
    return strdup(path);
}

static void send_frame(struct rig *rig)
{
    struct err err;

    CHECK_OK(frame_send(rig->fd, str_span(&rig->sent), &err), &err);
    str_reset(&rig->sent);
}

void rig_send_load(struct rig *rig, const struct rig_load *load)
{
    struct frame_writer out;
    char *path = load->path ? strdup(load->path) : rig_fixture(load->name);

    frame_begin(&out, &rig->sent, FRAME_HOST_LOAD);
    frame_add_text(&out, load->name);
    frame_add_text(&out, path);
    frame_add_text(&out, load->sha256);
    frame_add_text(&out, load->config ? load->config : "{}");
    frame_add_text(&out, load->hosts ? load->hosts : "[]");
    frame_add_text(&out, load->programs ? load->programs : "[]");
    frame_add_text(&out, load->paths ? load->paths : "[]");
    frame_add_text(&out, load->record);
    frame_add_int(&out, load->secret_name ? 1 : 0);
    if (load->secret_name) {
        frame_add_text(&out, load->secret_name);
        frame_add_text(&out, load->secret_value);
    }
    frame_finish(&out);
    send_frame(rig);
    free(path);
}

/* Fails the test when the host goes instead. */
static enum frame_type receive(struct rig *rig, struct span *fields)
{
    enum frame_type type;
    struct err err = { 0 };

    if (frame_receive(rig->fd, &rig->buf, &type, fields, &err) != 1)
        FAIL("the host has gone: %s", err.text);
    return type;
}

char *rig_load(struct rig *rig, const struct rig_load *load, char **declaration)
{
    struct frame_reader in;
    struct span fields;
    struct err err;

    rig_send_load(rig, load);
    enum frame_type type = receive(rig, &fields);
    frame_read(&in, fields);
    char *first = span_dup(frame_get_span(&in));
    if (type == FRAME_HOST_FAILED) {
        CHECK_OK(frame_end(&in, &err), &err);
        return first;
    }
    CHECK_INT(type, FRAME_HOST_READY);
    char *json = span_dup(frame_get_span(&in));
    CHECK_OK(frame_end(&in, &err), &err);
    CHECK_INT(strlen(first), 64);
    free(first);
    if (declaration)
        *declaration = json;
    else
        free(json);
    return NULL;
}

void rig_load_ok(struct rig *rig, const struct rig_load *load)
{
    char *why = rig_load(rig, load, NULL);

    if (why)
        FAIL("%s", why);
}

void rig_call(struct rig *rig, const struct rig_call *call)
{
    struct frame_writer out;

    frame_begin(&out, &rig->sent, FRAME_HOST_CALL);
    frame_add_int(&out, call->id);
    frame_add_int(&out, call->op);
    frame_add_text(&out, call->action);
    frame_add_text(&out, "r-000041");
    frame_add_text(&out, call->args);
    frame_add_text(&out, call->before);
    frame_add_text(&out, "");
    frame_add_text(&out, call->after);
    frame_add_text(&out, call->goal);
    frame_add_text(&out, "00112233445566778899aabbccddeeff");
    frame_add_text(&out, call->resume);
    frame_add_int(&out, call->deadline_ms);
    frame_add_text(&out, call->trace);
    frame_finish(&out);
    send_frame(rig);
}

void rig_send_id(struct rig *rig, enum frame_type type, int64_t id)
{
    struct frame_writer out;

    frame_begin(&out, &rig->sent, type);
    frame_add_int(&out, id);
    frame_finish(&out);
    send_frame(rig);
}

struct rig_done rig_done(struct rig *rig)
{
    struct rig_done done = { 0 };
    struct frame_reader in;
    struct span fields;
    struct err err;

    CHECK_INT(receive(rig, &fields), FRAME_HOST_DONE);
    frame_read(&in, fields);
    done.id = frame_get_int(&in);
    done.status = (int)frame_get_int(&in);
    char **texts[] = { &done.code,  &done.message, &done.target, &done.token, &done.state,
                       &done.after, &done.goal,    &done.info,   &done.result };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = span_dup(frame_get_span(&in));
    done.is_verified = frame_get_int(&in);
    done.wait_ms = frame_get_int(&in);
    CHECK_OK(frame_end(&in, &err), &err);
    return done;
}

struct rig_done rig_ask(struct rig *rig, const struct rig_call *call)
{
    rig_call(rig, call);
    struct rig_done done = rig_done(rig);
    CHECK_INT(done.id, call->id);
    return done;
}

void rig_forget(struct rig_done *done)
{
    char *texts[] = { done->code,  done->message, done->target, done->token, done->state,
                      done->after, done->goal,    done->info,   done->result };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    *done = (struct rig_done){ 0 };
}

char *rig_progress(struct rig *rig)
{
    struct frame_reader in;
    struct span fields;
    struct err err;

    CHECK_INT(receive(rig, &fields), FRAME_HOST_PROGRESS);
    frame_read(&in, fields);
    frame_get_int(&in);
    char *json = span_dup(frame_get_span(&in));
    CHECK_OK(frame_end(&in, &err), &err);
    return json;
}

int rig_end(struct rig *rig)
{
    char byte;
    int status = 0;

    while (recv(rig->fd, &byte, 1, 0) > 0)
        continue;
    CHECK_INT(waitpid(rig->pid, &status, 0), rig->pid);
    close(rig->fd);
    str_fini(&rig->buf);
    str_fini(&rig->sent);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int rig_close(struct rig *rig)
{
    shutdown(rig->fd, SHUT_RDWR);
    return rig_end(rig);
}
