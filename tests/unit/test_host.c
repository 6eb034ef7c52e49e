/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cordon/plugin.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "host_rig.h"

static struct rig begin(const char *fixture)
{
    struct rig rig;

    rig_start(&rig);
    rig_load_ok(&rig, &(struct rig_load){ .name = fixture });
    return rig;
}

/* -- Loading ---------------------------------------------------------------------------- */

TEST(a_loaded_plugin_declares_its_actions_canonically)
{
    struct rig rig;
    char *json = NULL;
    struct err err;
    struct str again = { 0 };

    rig_start(&rig);
    CHECK_STR(rig_load(&rig, &(struct rig_load){ .name = "noop" }, &json), NULL);
    CHECK_OK(json_canonical(&again, json, strlen(json), &err), &err);
    CHECK_STR(json, str_text(&again));
    CHECK_HAS(json, "\"name\":\"noop\"");
    CHECK_HAS(json, "\"because\":null,\"can_undo\":true,\"effect\":\"reverts\","
                    "\"name\":\"noop.set\",\"permissions\":[\"noop/values/write\"],"
                    "\"repeat\":\"observable\",\"result\":null,\"risk\":\"low\","
                    "\"settle_ms\":1000");
    CHECK_HAS(json, "\"because\":\"what was there before is not kept\",\"can_undo\":false,"
                    "\"effect\":\"permanent\"");
    CHECK_HAS(json, "\"effect\":\"reads\",\"name\":\"noop.get\"");
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
    str_fini(&again);
    free(json);
}

static void fails_to_load(const struct rig_load *load, const char *sentence)
{
    struct rig rig;

    rig_start(&rig);
    char *why = rig_load(&rig, load, NULL);
    CHECK_HAS(why, sentence);
    CHECK_INT(rig_end(&rig), HOST_EXIT_FAILED);
    free(why);
}

TEST(a_file_that_is_not_the_pinned_one_is_refused_with_both_hashes_and_what_to_run)
{
    const char *pinned = "00000000000000000000000000000000000000000000000000000000000000aa";

    fails_to_load(
        &(struct rig_load){ .name = "noop", .sha256 = pinned },
        "plugins.lock pins 00000000000000000000000000000000000000000000000000000000"
        "000000aa; if the new file is meant, run: cordon plugins trust noop");
}

TEST(a_file_that_cannot_be_a_plugin_is_refused_with_a_sentence)
{
    char *text = check_path("text.so"), *link = check_path("link.so");
    char *fixture = rig_fixture("noop");
    int fd = open(text, O_WRONLY | O_CREAT, 0600);

    CHECK_INT(write(fd, "hello", 5), 5);
    close(fd);
    CHECK_INT(symlink(fixture, link), 0);
    fails_to_load(&(struct rig_load){ .name = "noop", .path = "/nowhere/x.so" },
                  "open /nowhere/x.so: No such file or directory; put the file back, or "
                  "run: cordon plugins trust FILE");
    fails_to_load(&(struct rig_load){ .name = "noop", .path = link }, "is a symbolic link");
    fails_to_load(&(struct rig_load){ .name = "noop", .path = "/dev/null" },
                  "is no regular file");
    fails_to_load(&(struct rig_load){ .name = "noop", .path = text }, "load ");
    CHECK_INT(chmod(text, 0606), 0);
    fails_to_load(&(struct rig_load){ .name = "noop", .path = text },
                  "may be written by everybody");
    free(text);
    free(link);
    free(fixture);
}

TEST(an_old_interface_an_incomplete_declaration_and_a_wrong_name_are_refused)
{
    char *noop = rig_fixture("noop");

    fails_to_load(
        &(struct rig_load){ .name = "oldabi" },
        "made for version 0 of the plugin interface, and this cordon has version 1");
    fails_to_load(&(struct rig_load){ .name = "incomplete" },
                  "action incomplete.now reads, and has no result_schema");
    fails_to_load(&(struct rig_load){ .name = "other", .path = noop },
                  "calls itself noop, and is configured as other");
    free(noop);
}

TEST(a_configuration_that_breaks_the_schema_or_that_the_plugin_refuses_is_told)
{
    fails_to_load(&(struct rig_load){ .name = "noop", .config = "{\"dirr\":\"x\"}" },
                  "dirr");
    fails_to_load(&(struct rig_load){ .name = "noop", .config = "{\"dir\":\"/nowhere\"}" },
                  "/nowhere is no folder that can be written to");
    fails_to_load(&(struct rig_load){ .name = "crash", .config = "{\"a\":1}" },
                  "takes none");
    fails_to_load(&(struct rig_load){ .name = "noop", .config = "{" }, "configuration");
    fails_to_load(&(struct rig_load){ .name = "noop", .hosts = "[\"a b\"]" },
                  "allowed host \"a b\"");
    fails_to_load(&(struct rig_load){ .name = "blab",
                                      .secret_name = "token",
                                      .secret_value = "short" },
                  "want at least 6 bytes");
}

/* -- Calls -------------------------------------------------------------------------------- */

#define SET "{\"target\":\"t\",\"value\":2}"

TEST(prepare_tells_what_is_what_will_be_and_what_undoing_would_leave)
{
    struct rig rig = begin("noop");
    struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = 7,
                                                             .op = HOST_PREPARE,
                                                             .action = "noop.set",
                                                             .args = SET,
                                                             .deadline_ms = 5000 });

    CHECK_INT(done.status, CORDON_DONE);
    CHECK_STR(done.target, "t");
    CHECK_STR(done.state, "{\"value\":null}");
    CHECK_STR(done.after, "{\"value\":2}");
    CHECK_STR(done.goal, "{\"value\":null}");
    CHECK_STR(done.info,
              "{\"affects\":1,\"affects_what\":\"things\",\"undo\":\"set it back\","
              "\"what\":\"set t to 2\"}");
    rig_forget(&done);
    done = rig_ask(&rig,
                   &(struct rig_call){
                       .id = 8, .op = HOST_PREPARE, .action = "noop.burn", .args = SET });
    CHECK_STR(done.goal, "");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

static struct rig_done ask_told(struct rig *rig, enum host_op op, const char *action,
                                const char *args)
{
    static int64_t id;

    return rig_ask(rig, &(struct rig_call){
                            .id = ++id, .op = op, .action = action, .args = args });
}

TEST(tags_and_whatever_else_is_told_beside_the_state_reach_the_engine_and_not_the_state)
{
    struct rig rig = begin("told");
    struct rig_done done = ask_told(&rig, HOST_PREPARE, "told.set", "{\"target\":\"t\"}");

    CHECK_STR(done.state, "{\"on\":false}");
    CHECK_HAS(done.info, "\"exists\":12,\"subscription\":\"sub-1\","
                         "\"tags\":{\"env\":\"prod\",\"site\":\"a\"},"
                         "\"tenant\":\"tenant-1\"");
    CHECK_HAS(done.info, "\"within\":[\"/a/b\",\"/a\"]");
    CHECK(strstr(done.info, "unplaced") == NULL);
    CHECK(strstr(done.info, "\"own\"") == NULL);
    rig_forget(&done);
    done = ask_told(&rig, HOST_PREPARE, "told.set", "{\"target\":\"mine\"}");
    CHECK_HAS(done.info, "\"own\":\"it is the vault that our own secret comes from\"");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"t\"}");
    CHECK_STR(done.info, "{\"exists\":12,\"subscription\":\"sub-1\","
                         "\"tags\":{\"env\":\"prod\",\"site\":\"a\"},"
                         "\"tenant\":\"tenant-1\",\"within\":[\"/a/b\",\"/a\"]}");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"lost\"}");
    CHECK_HAS(done.info, "\"unplaced\":\"no list names it\"}");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"half\"}");
    CHECK_HAS(done.info, "\"partly\":{\"before\":[\"b\",\"c\"],\"planned\":[\"a\"]}");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"quarter\"}");
    CHECK_HAS(done.message, "its partly: want {\"before\":[...],\"planned\":[...]}");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"huge\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "(HOST_ANSWER_MAX)");
    rig_forget(&done);
    done = ask_told(&rig, HOST_PREPARE, "told.set", "{\"target\":\"uncounted\"}");
    CHECK_HAS(done.info, "\"uncounted\":\"the list cannot be read\"");
    rig_forget(&done);
    done = ask_told(&rig, HOST_OBSERVE, "told.set", "{\"target\":\"object\"}");
    CHECK_HAS(done.message, "its within: want an array of at most 8 texts");
    rig_forget(&done);
    done = ask_told(&rig, HOST_PREPARE, "told.set", "{\"target\":\"nine\"}");
    CHECK_HAS(done.message, "its within: want an array of at most 8 texts");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(what_approvers_should_know_and_what_cannot_be_done_reach_the_engine)
{
    static const struct {
        const char *target;
        int status;
        const char *info, *message; /* contained; NULL: not looked at */
    } rows[] = {
        { "note", CORDON_DONE, "\"notes\":[\"seen\",\"planned\"]", NULL },
        { "full", CORDON_DONE,
          "\"cannot\":{\"code\":\"NoRoom\",\"message\":\"there is no room\"}", NULL },
        { "plain", CORDON_DONE,
          "\"cannot\":{\"code\":\"cannot\",\"message\":\"there is no room\"}", NULL },
        { "both", CORDON_DONE, "{\"code\":\"Seen\",\"message\":\"it is seen\"}", NULL },
        { "plan", CORDON_DONE, "{\"code\":\"cannot\",\"message\":\"it is planned\"}",
          NULL },
        { "same", CORDON_DONE, "\"affects_what\":null,\"notes\":[\"seen\"],\"undo\"",
          NULL },
        { "empty", CORDON_DONE, "\"affects_what\":null,\"undo\"", NULL },
        { "object", CORDON_REFUSED, NULL, "its notes: want an array of at most 16 texts" },
        { "number", CORDON_REFUSED, NULL, "its notes: want an array of at most 16 texts" },
        { "many", CORDON_REFUSED, NULL, "its notes: want an array of at most 16 texts" },
        { "broken", CORDON_REFUSED, NULL, "its notes" },
        { "gone", CORDON_REFUSED, "{\"gone\":true}", "there is no such target" },
    };
    struct rig rig = begin("told");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char args[64];

        snprintf(args, sizeof args, "{\"target\":\"%s\"}", rows[i].target);
        struct rig_done done = ask_told(&rig, HOST_PREPARE, "told.notes", args);
        if (done.status != rows[i].status)
            FAIL("%s: %s", rows[i].target, done.message);
        if (rows[i].info != NULL)
            CHECK_HAS(done.info, rows[i].info);
        if (rows[i].message != NULL)
            CHECK_HAS(done.message, rows[i].message);
        rig_forget(&done);
    }
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(for_how_long_is_held_against_the_declaration_and_is_not_given_to_the_plugin)
{
    struct rig rig = begin("told");
    struct rig_done done =
        ask_told(&rig, HOST_OBSERVE, "told.args",
                 "{\"expires\":\"1h\",\"on_expire\":\"ask\",\"target\":\"t\"}");

    CHECK_INT(done.status, CORDON_DONE);
    CHECK_STR(done.target, "{\"target\":\"t\"}");
    rig_forget(&done);
    done = ask_told(&rig, HOST_PREPARE, "told.args",
                    "{\"on_expire\":\"ask\",\"target\":\"t\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "told.args: on_expire wants expires beside it");
    rig_forget(&done);
    done = ask_told(&rig, HOST_APPLY, "told.args",
                    "{\"expires\":\"1h\",\"on_expire\":\"never\",\"target\":\"t\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "on_expire");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(a_plugin_from_before_there_were_tags_still_works_and_nothing_behind_its_struct_is_read)
{
    struct rig rig = begin("told");
    struct rig_done done = ask_told(&rig, HOST_PREPARE, "told.old", "{\"target\":\"t\"}");

    CHECK_INT(done.status, CORDON_DONE);
    CHECK_STR(done.target, "t");
    CHECK(strstr(done.info, "tags") == NULL && strstr(done.info, "99") == NULL);
    rig_forget(&done);
    done = ask_told(&rig, HOST_PREPARE, "told.bad", "{\"target\":\"t\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "its tags: want a JSON object");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(apply_makes_it_so_and_restore_puts_it_back_and_both_look_whether_it_is)
{
    struct rig rig = begin("noop");
    int64_t began_us = clock_mono_us();
    struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = 1,
                                                             .op = HOST_APPLY,
                                                             .action = "noop.set",
                                                             .args = SET,
                                                             .before = "{\"value\":null}",
                                                             .after = "{\"value\":2}" });

    CHECK_INT(done.status, CORDON_DONE);
    /* What shows at once is not waited for: settle_ms is a second. */
    CHECK(clock_mono_us() - began_us < 900 * 1000);
    CHECK(done.is_verified);
    CHECK_STR(done.state, "{\"value\":2}");
    rig_forget(&done);
    done = rig_ask(&rig, &(struct rig_call){ .id = 2,
                                             .op = HOST_READ,
                                             .action = "noop.get",
                                             .args = "{\"target\":\"t\"}" });
    CHECK_STR(done.result, "{\"value\":2}");
    rig_forget(&done);
    done = rig_ask(&rig, &(struct rig_call){ .id = 3,
                                             .op = HOST_RESTORE,
                                             .action = "noop.set",
                                             .args = SET,
                                             .before = "{\"value\":null}",
                                             .after = "{\"value\":2}",
                                             .goal = "{\"value\":null}" });
    CHECK(done.is_verified);
    rig_forget(&done);
    done =
        rig_ask(&rig, &(struct rig_call){
                          .id = 4, .op = HOST_OBSERVE, .action = "noop.set", .args = SET });
    CHECK_STR(done.state, "{\"value\":null}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(effects_in_a_folder_survive_the_process_and_are_counted)
{
    char config[600], paths[600], line[256] = "";
    struct rig rig;
    struct rig_done done;

    snprintf(config, sizeof config, "{\"delay_ms\":5,\"dir\":\"%s\"}", check_dir());
    snprintf(paths, sizeof paths, "[\"%s:rw\"]", check_dir());
    rig_start(&rig);
    rig_load_ok(&rig,
                &(struct rig_load){ .name = "noop", .config = config, .paths = paths });
    done = rig_ask(&rig, &(struct rig_call){ .id = 1,
                                             .op = HOST_APPLY,
                                             .action = "noop.set",
                                             .args = SET,
                                             .before = "{\"value\":null}",
                                             .after = "{\"value\":2}" });
    CHECK(done.is_verified);
    rig_forget(&done);
    kill(rig.pid, SIGKILL);
    CHECK_INT(rig_end(&rig), -SIGKILL);
    rig_start(&rig);
    rig_load_ok(&rig,
                &(struct rig_load){ .name = "noop", .config = config, .paths = paths });
    done =
        rig_ask(&rig, &(struct rig_call){
                          .id = 1, .op = HOST_OBSERVE, .action = "noop.set", .args = SET });
    CHECK_STR(done.state, "{\"value\":2}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
    char *path = check_path("effects.log");
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(line, sizeof line, file));
    CHECK_STR(line, "apply t 00112233445566778899aabbccddeeff\n");
    CHECK(!fgets(line, sizeof line, file));
    fclose(file);
    free(path);
}

TEST(what_does_not_show_within_the_settling_time_is_done_and_not_verified)
{
    struct rig rig = begin("crash"); /* its state never changes */
    struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = 1,
                                                             .op = HOST_APPLY,
                                                             .action = "crash.now",
                                                             .args = "{\"in\":\"never\"}",
                                                             .before = "{\"on\":true}",
                                                             .after = "{\"on\":false}" });

    CHECK_INT(done.status, CORDON_DONE);
    CHECK(!done.is_verified);
    CHECK_STR(done.state, "{\"on\":true}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(arguments_are_checked_before_the_plugin_sees_them)
{
    static const struct {
        const char *action, *args, *says;
    } wrong[] = {
        { "noop.set", "{\"target\":\"t\"}", "value" },
        { "noop.set", "{\"target\":7,\"value\":1}", "target" },
        { "noop.set", "{\"target\":\"t\",\"value\":1,\"x\":1}", "x" },
        { "noop.set", "{\"target\"", "noop.set: " },
        { "noop.sett", SET, "no action noop.sett" },
        { "noop.get", SET, "no action noop.get that can do this" },
    };
    struct rig rig = begin("noop");

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = (int64_t)i,
                                                                 .op = HOST_PREPARE,
                                                                 .action = wrong[i].action,
                                                                 .args = wrong[i].args });
        CHECK_INT(done.status, CORDON_REFUSED);
        CHECK_STR(done.code, "invalid_arguments");
        CHECK_HAS(done.message, wrong[i].says);
        rig_forget(&done);
    }
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

/* -- Plugins that misbehave ----------------------------------------------------------------- */

TEST(a_crash_ends_the_process_and_nothing_is_answered)
{
    static const char *const where[] = { "apply", "later", "observe" };

    for (size_t i = 0; i < 3; i++) {
        char args[64];
        struct rig rig = begin("crash");
        snprintf(args, sizeof args, "{\"in\":\"%s\"}", where[i]);
        rig_call(&rig, &(struct rig_call){ .id = 1,
                                           .op = HOST_APPLY,
                                           .action = "crash.now",
                                           .args = args,
                                           .before = "{\"on\":true}",
                                           .after = "{\"on\":false}" });
        CHECK(rig_end(&rig) != HOST_EXIT_OK);
    }
}

#ifndef CHECK_THREAD_SANITIZED /* it holds the alarm back for as long as the plugin spins */
TEST(a_plugin_that_does_not_give_the_thread_back_is_ended)
{
    struct rig rig = begin("hang");

    rig_call(&rig, &(struct rig_call){
                       .id = 1, .op = HOST_READ, .action = "hang.now", .args = "{}" });
    CHECK_INT(rig_end(&rig), HOST_EXIT_BLOCKED);
}
#endif

TEST(a_call_that_is_never_finished_ends_with_its_deadline_in_doubt_or_to_try_again)
{
    struct rig rig = begin("never");
    struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = 1,
                                                             .op = HOST_READ,
                                                             .action = "never.now",
                                                             .args = "{}",
                                                             .deadline_ms = 50 });

    CHECK_INT(done.status, CORDON_RETRY);
    CHECK_STR(done.code, "deadline");
    CHECK_STR(done.message,
              "never.now: the plugin's read() gave no answer within the call's "
              "timeout of 50ms");
    rig_forget(&done);
    done = rig_ask(&rig, &(struct rig_call){ .id = 2,
                                             .op = HOST_APPLY,
                                             .action = "never.set",
                                             .args = "{}",
                                             .before = "{\"on\":true}",
                                             .after = "{\"on\":false}",
                                             .deadline_ms = 50 });
    CHECK_INT(done.status, CORDON_UNKNOWN);
    CHECK_STR(done.code, "deadline");
    CHECK_HAS(done.message, "never.set: the plugin's apply() gave no answer within");
    rig_forget(&done);
    rig_call(&rig, &(struct rig_call){ .id = 3,
                                       .op = HOST_APPLY,
                                       .action = "never.set",
                                       .args = "{}",
                                       .before = "{\"on\":true}",
                                       .after = "{\"on\":false}",
                                       .deadline_ms = 60000 });
    rig_send_id(&rig, FRAME_HOST_CANCEL, 3);
    done = rig_done(&rig);
    CHECK_INT(done.id, 3);
    CHECK_INT(done.status, CORDON_UNKNOWN);
    CHECK_STR(done.code, "canceled");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(of_two_answers_the_first_counts_and_a_late_one_reaches_nobody)
{
    struct rig rig = begin("twice");

    for (int64_t i = 1; i <= 3; i++) {
        struct rig_done done =
            rig_ask(&rig, &(struct rig_call){ .id = i,
                                              .op = HOST_READ,
                                              .action = "twice.now",
                                              .args = i == 1 ? "{\"how\":\"at_once\"}"
                                                             : "{\"how\":\"later\"}" });
        CHECK_STR(done.result, "{\"answer\":1}");
        rig_forget(&done);
    }
    rig_call(&rig, &(struct rig_call){ .id = 9,
                                       .op = HOST_READ,
                                       .action = "twice.now",
                                       .args = "{\"how\":\"wild\"}" });
    CHECK_INT(rig_end(&rig), HOST_EXIT_MISUSE);
}

TEST(nonsense_is_refused_when_it_only_looked_and_in_doubt_when_it_changed)
{
    static const struct {
        enum host_op op;
        const char *kind;
        int status;
        const char *code, *says;
    } all[] = {
        { HOST_READ, "twice-a-key", CORDON_REFUSED, "bad_plugin", "result makes no sense" },
        { HOST_READ, "schema", CORDON_REFUSED, "bad_plugin", "result makes no sense" },
        { HOST_READ, "nothing", CORDON_REFUSED, "bad_plugin", "it is missing" },
        { HOST_READ, "status", CORDON_REFUSED, "bad_plugin", "status" },
        { HOST_READ, "in-doubt", CORDON_RETRY, "Hm", "does not know" },
        { HOST_READ, "refuse", CORDON_REFUSED, "NotToday", "it is Sunday" },
        { HOST_READ, "mute", CORDON_REFUSED, "refused",
          "read() refused, and did not say why" },
        { HOST_OBSERVE, "state", CORDON_REFUSED, "bad_plugin", "want a JSON object" },
        { HOST_OBSERVE, "target", CORDON_REFUSED, "bad_plugin", "names no target" },
        { HOST_OBSERVE, "observation", CORDON_REFUSED, "bad_plugin", "missing" },
        { HOST_PREPARE, "plan", CORDON_REFUSED, "bad_plugin", "plan makes no sense" },
        { HOST_PREPARE, "what", CORDON_REFUSED, "bad_plugin", "for people" },
        { HOST_PREPARE, "wait", CORDON_REFUSED, "refused", "plan() refused" },
        { HOST_APPLY, "result", CORDON_UNKNOWN, "bad_plugin", "result makes no sense" },
        { HOST_APPLY, "status", CORDON_UNKNOWN, "bad_plugin", "status" },
        { HOST_APPLY, "both", CORDON_UNKNOWN, "bad_plugin", "refused it too" },
    };
    struct rig rig = begin("garbage");

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char args[64];
        snprintf(args, sizeof args, "{\"kind\":\"%s\"}", all[i].kind);
        struct rig_done done =
            rig_ask(&rig,
                    &(struct rig_call){ .id = 1,
                                        .op = all[i].op,
                                        .action = all[i].op == HOST_READ ? "garbage.look"
                                                                         : "garbage.set",
                                        .args = args,
                                        .before = "{\"a\":1,\"b\":2}",
                                        .after = "{\"a\":1,\"b\":3}" });
        if (done.status != all[i].status || strcmp(done.code, all[i].code) != 0 ||
            !strstr(done.message, all[i].says))
            FAIL("%s: status %d, code %s: %s", all[i].kind, done.status, done.code,
                 done.message);
        rig_forget(&done);
    }
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(what_is_said_in_any_form_is_passed_on_in_the_canonical_one)
{
    struct rig rig = begin("garbage");
    struct rig_done done =
        rig_ask(&rig, &(struct rig_call){ .id = 1,
                                          .op = HOST_READ,
                                          .action = "garbage.look",
                                          .args = "{\"kind\":\"spaces\"}" });

    CHECK_STR(done.result, "{\"a\":\"A\",\"n\":1}");
    rig_forget(&done);
    done = rig_ask(&rig, &(struct rig_call){ .id = 2,
                                             .op = HOST_PREPARE,
                                             .action = "garbage.set",
                                             .args = "{\"kind\":\"good\"}" });
    CHECK_STR(done.state, "{\"a\":1,\"b\":2}");
    CHECK_STR(done.after, "{\"a\":1,\"b\":3}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

#ifndef CHECK_SANITIZED /* sanitizers reserve more address space than any bound */
TEST(a_plugin_that_takes_all_memory_takes_its_own_only)
{
    struct rig rig = begin("leak");
    struct rig_done done = rig_ask(&rig, &(struct rig_call){ .id = 1,
                                                             .op = HOST_READ,
                                                             .action = "leak.now",
                                                             .args = "{\"mib\":4096}" });

    CHECK_STR(done.result, "{\"ended\":\"no memory\"}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}
#endif

TEST(code_that_runs_at_load_finds_everything_locked)
{
    setenv("LD_LIBRARY_PATH", "/nowhere", 1);
    struct rig rig = begin("evilctor");
    struct rig_done done =
        rig_ask(&rig,
                &(struct rig_call){
                    .id = 1, .op = HOST_READ, .action = "evilctor.now", .args = "{}" });

    CHECK_HAS(done.result, "\"bpf\":1,");
    CHECK_HAS(done.result, "\"exec\":1,\"io_uring\":1,\"keyctl\":1,");
    CHECK_HAS(done.result, "\"mount\":1,\"namespace\":1,");
    CHECK_HAS(done.result, "\"local_socket\":97,"); /* EAFNOSUPPORT */
    CHECK_LACKS(done.result, "true");               /* no LD_LIBRARY_PATH */
#ifndef CHECK_SANITIZED
    CHECK_HAS(done.result, "\"process_vm\":1,\"ptrace\":1}");
#endif
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(a_secret_leaves_in_no_text_of_any_frame_and_what_is_left_is_canonical)
{
    struct rig rig;

    rig_start(&rig);
    rig_load_ok(&rig, &(struct rig_load){ .name = "blab",
                                          .secret_name = "token",
                                          .secret_value = "s3cr3t-canary" });
    struct rig_done done =
        rig_ask(&rig, &(struct rig_call){
                          .id = 1, .op = HOST_READ, .action = "blab.say", .args = "{}" });
    CHECK_STR(done.result, "{\"[secret]\":\"[secret][secret]\",\"a\":\"<[secret]>\"}");
    rig_forget(&done);
    done = rig_ask(&rig, &(struct rig_call){ .id = 2,
                                             .op = HOST_READ,
                                             .action = "blab.say",
                                             .args = "{\"fail\":true}" });
    CHECK_STR(done.code, "[secret]");
    CHECK_STR(done.message, "the secret is [secret]");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}
