/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cloud.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/azsim.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/process.h"

enum { LINE_LEN_MAX = 200 };

static const char greeting[] = "azsim listening on ";

/* -- the process ------------------------------------------------------------------------- */

static void on_exit_of(void *arg, int status)
{
    struct cloud *cloud = arg;

    (void)status;
    cloud->process = NULL;
}

static int start(struct cloud *cloud, const char *world_path, const char *log_path,
                 struct err *err)
{
    char *program = azsim_find();
    int ends[2];

    if (program == NULL)
        return err_set(err, ERR_NOT_FOUND,
                       "azsim was not found: set CORDON_LIBEXEC to the folder it is in");
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(program);
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    }
    const char *const argv[] = { program, "--world", world_path, "--port", "0",
                                 "--log", log_path,  "--quiet",  NULL };
    struct process_options options = { .argv = argv, .fd = -1, .out_fd = ends[1] };
    int rc = process_start(&cloud->process, cloud->loop, &options, on_exit_of, cloud, err);
    close(ends[1]);
    cloud->out_fd = ends[0];
    free(program);
    return rc;
}

/* Reads its first line, the address. */
static int read_address(struct cloud *cloud, const char *world_path, struct err *err)
{
    int64_t until_us = clock_mono_us() + (int64_t)CLOUD_READY_WITHIN_MS * 1000;
    struct str line = { 0 };
    char byte = 0;

    while (byte != '\n' && line.len < LINE_LEN_MAX) {
        struct pollfd poll_fd = { .fd = cloud->out_fd, .events = POLLIN };
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        int ready = left_ms > 0 ? poll(&poll_fd, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || read(cloud->out_fd, &byte, 1) != 1)
            break;
        if (byte != '\n')
            str_add_char(&line, byte);
    }
    size_t len = strlen(greeting);
    bool is_there = byte == '\n' && line.len > len && memcmp(line.ptr, greeting, len) == 0;
    if (is_there)
        str_add(&cloud->url, line.ptr + len, line.len - len);
    str_fini(&line);
    return is_there ? 0
                    : err_set(err, ERR_IO, "the simulator did not start with the world %s",
                              world_path);
}

int cloud_open(struct cloud *cloud, const char *world_path, const char *log_path,
               struct err *err)
{
    *cloud = (struct cloud){ .out_fd = -1, .loop = loop_open() };
    if (start(cloud, world_path, log_path, err) != 0)
        return err->code;
    return read_address(cloud, world_path, err);
}

void cloud_close(struct cloud *cloud)
{
    process_close(cloud->process);
    cloud->process = NULL;
    if (cloud->out_fd >= 0)
        close(cloud->out_fd);
    cloud->out_fd = -1;
    if (cloud->loop != NULL)
        loop_close(cloud->loop);
    cloud->loop = NULL;
    str_fini(&cloud->url);
}

/* -- asking it --------------------------------------------------------------------------- */

struct getting {
    struct cloud *cloud;
    struct str *out;
    struct err *err;
    int rc;
};

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct getting *getting = arg;

    if (reply->status == 200)
        getting->rc =
            json_canonical(getting->out, reply->body, reply->body_len, getting->err);
    else
        getting->rc = err_set(getting->err, ERR_IO, "the simulator answers: %s",
                              reply->error != NULL ? reply->error : reply->body);
    loop_stop(getting->cloud->loop);
}

int cloud_get(struct cloud *cloud, const char *path, struct str *out, struct err *err)
{
    static const char *const allow[] = { "127.0.0.1/32", NULL };
    struct getting getting = { .cloud = cloud, .out = out, .err = err };
    struct http_options options = { .allow = allow };
    struct http_call *call;
    struct http *http;
    struct str url = { 0 };

    str_printf(&url, "%s%s", str_text(&cloud->url), path);
    struct http_request request = { .method = "GET",
                                    .url = str_text(&url),
                                    .timeout_ms = CLOUD_GET_WITHIN_MS };
    getting.rc = http_open(&http, cloud->loop, &options, err);
    if (getting.rc == 0) {
        if (http_start(&call, http, &request, on_reply, &getting, err) == 0)
            loop_run(cloud->loop);
        else
            getting.rc = err->code;
        http_close(http);
    }
    str_fini(&url);
    return getting.rc;
}
