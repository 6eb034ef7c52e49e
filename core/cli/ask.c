/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <stdio.h>

#include "base/err.h"
#include "base/id.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/slow.h"

void ask_print(struct str *out)
{
    fwrite(str_text(out), 1, out->len, stdout);
    fflush(stdout);
    str_reset(out);
}

void ask_complain(struct str *out)
{
    fflush(stdout);
    fwrite(str_text(out), 1, out->len, stderr);
    str_reset(out);
}

void ask_print_error(struct span reply)
{
    struct str out = { 0 };
    struct span error = json_get(reply, "error");

    str_add_text(&out, "cordon: ");
    if (json_kind(error) == JSON_OBJECT)
        render_error(&out, error);
    else
        render_value(&out, error, 4000);
    str_add_char(&out, '\n');
    ask_complain(&out);
    str_fini(&out);
}

int ask_once(const struct options *options, const char *verb, struct span args,
             struct str *out, struct err *err)
{
    struct client client;
    struct client_message message = { 0 };
    struct slow slow = { 0 };
    int got = client_ask(&client, options, verb, args, err);

    while (got == 0 || got == CLIENT_EVENT) {
        got = client_next(&client, &message, err);
        if (got == CLIENT_EVENT)
            slow_take(&slow, options, message.json);
    }
    slow_fini(&slow);
    if (got == CLIENT_REPLY)
        str_add_span(out, message.json);
    client_close(&client);
    if (got == CLIENT_GONE)
        return err_set(
            err, ERR_IO,
            "the engine ended before it replied to %s; nothing is lost: ask again", verb);
    if (got == CLIENT_INTERRUPTED)
        return err_set(err, ERR_CANCELED, "interrupted");
    return got < 0 ? got : message.exit;
}

int ask_reply(const struct options *options, const char *verb, struct span args,
              struct str *out, bool *is_over)
{
    struct err err;
    int exit_code = ask_once(options, verb, args, out, &err);

    *is_over = exit_code < 0 || options->json;
    if (exit_code < 0)
        return command_error(options, &err);
    if (options->json) {
        printf("%s\n", str_text(out));
    } else if (json_get(str_span(out), "error").len && exit_code != 0) {
        ask_print_error(str_span(out));
        *is_over = true;
    }
    return exit_code;
}

bool ask_put_run(struct json_out *out, const char *name)
{
    int64_t run;

    if (!id_parse_run(span_of(name), &run))
        return false;
    json_put(out, "run", id_run(run).text);
    return true;
}

bool ask_put_gate(struct json_out *out, const char *name)
{
    int64_t run;
    int n;

    if (!id_parse_gate(span_of(name), &run, &n))
        return ask_put_run(out, name);
    json_put(out, "gate", id_gate(run, n).text);
    return true;
}

void ask_put_reason(struct json_out *out, const struct options *options)
{
    if (options->reason)
        json_put(out, "reason", options->reason);
}

void ask_put_follow(struct json_out *out, const struct options *options)
{
    json_put_bool(out, "follow", !options->detach);
}
