/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cordon gate: approvals made on another machine, and carried here.
 */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/schema.h"
#include "cli/ask.h"
#include "cli/gate.h"
#include "cli/gate_file.h"
#include "cli/input.h"
#include "cli/person.h"
#include "cli/render.h"
#include "cli/sign.h"
#include "engine/statement.h"

enum { VOTES_MAX = 1000 }; /* signers of one gate in one folder */

/* A file that was tampered with is refused like a vote that may not be. */
static int file_error(const struct options *options, const struct err *err)
{
    int exit_code = command_error(options, err);

    return err->code == ERR_DENIED ? EXIT_DENIED : exit_code;
}

/* -- export ------------------------------------------------------------------------------- */

static int ask_gate(const struct options *options, struct str *reply)
{
    struct str args = { 0 };
    struct json_out out = { .str = &args };
    struct err err;

    json_open(&out, '{');
    bool is_name = ask_put_gate(&out, options->args[1]);
    json_close(&out);
    int exit_code = is_name
                        ? ask_once(options, "gate", str_span(&args), reply, &err)
                        : command_usage_error(options,
                                              "%.60s is no gate (g-000001-1): see cordon "
                                              "gates",
                                              options->args[1]);
    str_fini(&args);
    if (is_name && exit_code < 0)
        return command_error(options, &err);
    if (is_name && exit_code > 0) {
        if (options->json)
            printf("%s\n", str_text(reply));
        else
            ask_print_error(str_span(reply));
    }
    return exit_code;
}

static void print_file(const char *path)
{
    struct str out = { 0 };
    struct json_out json = { .str = &out };

    json_open(&json, '{');
    json_put(&json, "file", path);
    json_close(&json);
    str_add_char(&out, '\n');
    ask_print(&out);
    str_fini(&out);
}

static void say_exported(const char *path, struct span gate)
{
    struct str out = { 0 };

    str_printf(&out, "%s has the gate, whole. ", path);
    if (gate_is_open(gate)) {
        str_printf(&out,
                   "On the approver's machine:\n"
                   "  cordon gate sign %s --sign KEYFILE --who PERSON --reason TEXT\n",
                   path);
    } else {
        str_add_text(&out, "It is for the record only: ");
        gate_say_over(&out, gate);
        str_add_char(&out, '\n');
    }
    ask_print(&out);
    str_fini(&out);
}

static int export(const struct options *options)
{
    const char *path = options->out != NULL ? options->out : "-";
    struct str reply = { 0 }, file = { 0 };
    struct err err;
    int exit_code = ask_gate(options, &reply);

    if (exit_code == 0 && (gate_file_put(&file, str_span(&reply), &err) != 0 ||
                           file_write(path, str_span(&file), &err) != 0))
        exit_code = command_error(options, &err);
    else if (exit_code == 0 && options->out != NULL && options->json)
        print_file(options->out);
    else if (exit_code == 0 && options->out != NULL)
        say_exported(options->out, str_span(&reply));
    str_fini(&reply);
    str_fini(&file);
    return exit_code;
}

/* -- show --------------------------------------------------------------------------------- */

static void show_file(const struct options *options, struct span gate)
{
    struct look look = look_of_stdout();
    struct str out = { 0 };

    if (options->json)
        return;
    gate_render(&out, &look, gate);
    str_add_text(&out, "\n  journal         ");
    render_value(&out, json_get(gate, "install"), 80);
    str_add_text(&out, "\n\n");
    gate_file_say(&out, gate);
    ask_print(&out);
    str_fini(&out);
}

static int show(const struct options *options)
{
    struct str gate = { 0 };
    struct err err;
    int exit_code = EXIT_DONE;

    if (gate_file_read(&gate, options->args[1], &err) != 0)
        exit_code = file_error(options, &err);
    else if (options->json)
        printf("%s\n", str_text(&gate));
    else
        show_file(options, str_span(&gate));
    str_fini(&gate);
    return exit_code;
}

/* -- sign --------------------------------------------------------------------------------- */

/* Two signers may look at the same moment: whoever makes the file has it. */
static bool is_taken(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EEXIST;
}

/* GATE.sig.json, or GATE.2.sig.json and so on: another signer's vote stays where it is. */
static void take_path(struct str *path, const char *gate)
{
    str_printf(path, "%s.sig.json", gate);
    for (int i = 2; is_taken(str_text(path)) && i <= VOTES_MAX; i++) {
        str_reset(path);
        str_printf(path, "%s.%d.sig.json", gate, i);
    }
}

/* A file of that name that somebody else's vote is in is not written over. */
static int check_out(const char *path, const struct statement *statement, struct err *err)
{
    struct str text = { 0 };
    struct err ignored;
    bool is_file = strcmp(path, "-") != 0 && access(path, F_OK) == 0 &&
                   input_read(&text, path, GATE_FILE_MAX, "file", &ignored) == 0 &&
                   json_check(str_text(&text), text.len, GATE_FILE_MAX, &ignored) == 0;
    struct span who = json_get_raw(json_get(str_span(&text), "statement"), "who");
    int rc = 0;

    if (is_file && who.len > 0 && !span_equal(who, statement->who))
        rc = err_set(err, ERR_INVALID,
                     "nothing was signed: %s has the vote of %.*s; give another --out",
                     path, (int)(who.len < 80 ? who.len : 80), who.ptr);
    str_fini(&text);
    return rc;
}

static int write_vote(const struct options *options, const struct statement *statement)
{
    struct str armor = { 0 }, said = { 0 }, file = { 0 }, path = { 0 };
    struct err err;
    int exit_code = EXIT_DONE;

    if (options->out != NULL && check_out(options->out, statement, &err) != 0)
        return command_error(options, &err);
    statement_put(&said, statement);
    if (sign_statement(&armor, options->sign, statement, &err) == 0)
        vote_file_put(&file, str_span(&said), str_text(&armor));
    if (file.len > 0 && options->out == NULL)
        take_path(&path, options->args[1]);
    else if (options->out != NULL)
        str_add_text(&path, options->out);
    if (file.len == 0 || file_write(str_text(&path), str_span(&file), &err) != 0)
        exit_code = command_error(options, &err);
    else if (options->json)
        print_file(str_text(&path));
    else
        printf("\n%s has the signed vote. Where the engine is:\n  cordon gate import %s\n",
               str_text(&path), str_text(&path));
    str_fini(&armor);
    str_fini(&said);
    str_fini(&file);
    str_fini(&path);
    return exit_code;
}

static int over(const struct options *options, struct span gate)
{
    struct str text = { 0 };

    gate_say_over(&text, gate);
    int exit_code = command_refuse(options, EXIT_FAILED, "gate_closed",
                                   "nothing was signed: gate %s", str_text(&text));
    str_fini(&text);
    return exit_code;
}

static bool is_meant(const struct options *options)
{
    const char *question =
        options->deny ? "sign that you deny it?" : "sign that you approve it?";

    if (options->yes)
        return true;
    if (!person_is_there(options))
        command_refuse(options, EXIT_WAITING, "not_asked",
                       "nothing was signed: there is no terminal to ask at. Whoever has "
                       "read it says so with --yes");
    else if (person_asked(question, false) == PERSON_YES)
        return true;
    else
        printf("nothing was signed\n");
    return false;
}

static int sign_gate(const struct options *options, struct span gate)
{
    struct statement statement = { .install = json_get_raw(gate, "install"),
                                   .gate = json_get_raw(gate, "gate"),
                                   .run = json_get_raw(gate, "run"),
                                   .digest = json_get_raw(gate, "digest"),
                                   .reason = span_of(options->reason),
                                   .who = span_of(options->who),
                                   .vote = options->deny ? VOTE_DENY : VOTE_APPROVE };
    bool wants_reason =
        options->deny || json_get_bool(json_get(gate, "body"), "permanent", false);

    show_file(options, gate);
    if (!gate_is_open(gate))
        return over(options, gate);
    if (wants_reason && span_is_blank(span_of(options->reason)))
        return command_usage_error(
            options, options->deny
                         ? "denying wants --reason TEXT"
                         : "something here cannot be undone: approving it wants --reason "
                           "TEXT");
    return is_meant(options) ? write_vote(options, &statement) : EXIT_WAITING;
}

static int sign(const struct options *options)
{
    struct str gate = { 0 };
    struct err err;

    if (options->sign == NULL || options->who == NULL || options->who[0] == '\0')
        return command_usage_error(options,
                                   "cordon gate sign wants the key and whose it is: cordon "
                                   "gate sign %.200s --sign KEYFILE --who PERSON",
                                   options->args[1]);
    int exit_code = gate_file_read(&gate, options->args[1], &err) != 0
                        ? file_error(options, &err)
                        : sign_gate(options, str_span(&gate));
    str_fini(&gate);
    return exit_code;
}

/* -- import ------------------------------------------------------------------------------- */

static void say_taken(struct span statement)
{
    struct str out = { 0 };

    str_add_text(&out, "the vote of ");
    render_value(&out, json_get(statement, "who"), 200);
    str_add_text(&out, " (");
    render_value(&out, json_get(statement, "vote"), 20);
    str_add_text(&out, ") is taken at gate ");
    render_value(&out, json_get(statement, "gate"), 40);
    str_add_text(&out, "\n");
    ask_print(&out);
    str_fini(&out);
}

static int import(const struct options *options)
{
    struct str file = { 0 }, args = { 0 }, reply = { 0 };
    struct json_out out = { .str = &args };
    struct err err;
    bool is_over;

    if (vote_file_read(&file, options->args[1], &err) != 0) {
        str_fini(&file);
        return command_error(options, &err);
    }
    json_open(&out, '{');
    json_put_raw(&out, "sig", json_get(str_span(&file), "sig"));
    json_put_raw(&out, "statement", json_get(str_span(&file), "statement"));
    json_close(&out);
    int exit_code = ask_reply(options, "import", str_span(&args), &reply, &is_over);
    if (!is_over)
        say_taken(json_get(str_span(&file), "statement"));
    str_fini(&file);
    str_fini(&args);
    str_fini(&reply);
    return exit_code;
}

/* What is given and does nothing would be believed to do something. */
static int refuse_stray(const struct options *options, const char *word)
{
    bool is_sign = strcmp(word, "sign") == 0;
    const struct {
        bool is_given;
        const char *name;
    } of_sign[] = { { options->deny, "--deny" },
                    { options->who != NULL, "--who" },
                    { options->sign != NULL, "--sign" },
                    { options->reason != NULL, "--reason" },
                    { options->yes, "--yes" } };

    for (size_t i = 0; !is_sign && i < sizeof of_sign / sizeof *of_sign; i++)
        if (of_sign[i].is_given)
            return command_usage_error(options,
                                       "%s does nothing with cordon gate %s: it is for "
                                       "cordon gate sign, which makes the vote",
                                       of_sign[i].name, word);
    if (!is_sign && options->out != NULL && strcmp(word, "export") != 0)
        return command_usage_error(options,
                                   "--out does nothing with cordon gate %s: it is for "
                                   "cordon gate export and sign",
                                   word);
    return EXIT_DONE;
}

static int run_gate(const struct options *options)
{
    static const char *const words[] = { "export", "show", "sign", "import" };
    static command_fn *const does[] = { export, show, sign, import };
    const char *word = options->args[0];

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        int stray = refuse_stray(options, word);
        if (stray != EXIT_DONE)
            return stray;
        if (options->arg_count == 2)
            return does[i](options);
        return command_usage_error(options, "cordon gate %s wants one more word: %s", word,
                                   i == 0 ? "the gate, g-000001-1" : "the file");
    }
    const char *nearest = schema_nearest(span_of(word), words, 4);
    return command_usage_error(options, "cordon gate %.40s: %s%s", word,
                               nearest ? "did you mean "
                                       : "want export, show, sign or import; cordon gates "
                                         "GATE shows one that is here",
                               nearest ? nearest : "");
}

const struct command command_gate = {
    .name = "gate",
    .summary = "approve on another machine: export, show, sign, import",
    .usage = "cordon gate export GATE [--out FILE] | show FILE | import FILE.sig.json |\n"
             "       cordon gate sign FILE --sign KEYFILE --who PERSON [--deny] [--reason "
             "TEXT]\n"
             "                        [--out FILE] [--yes]",
    .about =
        "export writes a gate to a file, every change whole. show and sign need neither "
        "an\n"
        "engine nor a network: they make the digests again from what stands in the file,\n"
        "and refuse one that was altered. sign has ssh-keygen sign the vote with KEYFILE,\n"
        "and writes it to FILE.sig.json. import hands it to the engine, which takes it\n"
        "once, as the vote of the person whose key it is, and only for that digest.",
    .example = "cordon gate export g-000001-1 --out stop-shop.json",
    .options = OPTION_ENGINE | OPTION_REASON | OPTION_SIGN | OPTION_FILE_VOTE | OPTION_YES,
    .args_min = 1,
    .args_max = 2,
    .run = run_gate,
};
