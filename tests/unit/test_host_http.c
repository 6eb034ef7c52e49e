/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cordon/plugin.h>

#include "base/err.h"
#include "base/json.h"
#include "check.h"
#include "host_rig.h"
#include "http_server.h"

static struct server server;

static void load(struct rig *rig, const char *hosts, const char *record)
{
    rig_load_ok(rig,
                &(struct rig_load){ .name = "fetch",
                                    .hosts = hosts,
                                    .record = record,
                                    .programs = "[\"/bin/echo\",\"/bin/false\",\"true\","
                                                "\"no-such-program\"]" });
}

/* A rig is forked before the server has threads: a lock that one of them holds just then would
 * never be let go of in the child. */
static struct rig begin(const char *hosts, const char *record)
{
    struct rig rig;

    rig_start(&rig);
    load(&rig, hosts, record);
    return rig;
}

/* Valid until the next call. */
static const char *url_args(const char *path)
{
    static char args[256];

    snprintf(args, sizeof args, "{\"url\":\"http://127.0.0.1:%d%s\"}", server.port, path);
    return args;
}

static struct rig_done read_with(struct rig *rig, const char *action, const char *args)
{
    return rig_ask(rig, &(struct rig_call){ .id = 1,
                                            .op = HOST_READ,
                                            .action = action,
                                            .args = args,
                                            .deadline_ms = 8000 });
}

static void apply(struct rig *rig, int64_t id, const char *action, const char *resume)
{
    rig_call(rig, &(struct rig_call){ .id = id,
                                      .op = HOST_APPLY,
                                      .action = action,
                                      .args = url_args("/lro"),
                                      .before = "{\"on\":true}",
                                      .after = "{\"on\":false}",
                                      .resume = resume,
                                      .deadline_ms = 8000 });
}

TEST(a_plugin_fetches_from_a_listed_host_and_reads_the_replys_headers)
{
    struct rig rig = begin("[\"127.0.0.1\"]", "");
    server_start(&server);
    struct rig_done done = read_with(&rig, "fetch.get", url_args("/ok"));

    CHECK_INT(done.status, CORDON_DONE);
    CHECK_STR(done.result,
              "{\"error\":\"\",\"header\":\"two\",\"len\":5,\"sent\":true,\"status\":200}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(a_host_that_is_not_listed_is_refused_by_name_and_an_inner_one_by_address)
{
    struct rig rig = begin("[\"*.azure.com\"]", "");
    server_start(&server);
    struct rig_done done = read_with(&rig, "fetch.get", url_args("/ok"));

    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "host 127.0.0.1");
    CHECK_HAS(done.message, "is not among the hosts");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
    rig = begin("[\"*\"]", "");
    done = read_with(&rig, "fetch.get", url_args("/ok"));
    CHECK_INT(done.status, CORDON_DONE);
    CHECK_HAS(done.result, "is no public address");
    CHECK_HAS(done.result, "\"sent\":false");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
    CHECK_INT(server_connections(&server), 0);
}

TEST(how_long_a_service_wants_to_be_left_alone_is_told_with_the_answer)
{
    struct rig rig = begin("[\"127.0.0.1\"]", "");
    server_start(&server);
    rig_call(&rig, &(struct rig_call){ .id = 3,
                                       .op = HOST_APPLY,
                                       .action = "fetch.set",
                                       .args = url_args("/later"),
                                       .before = "{\"on\":true}",
                                       .after = "{\"on\":false}",
                                       .deadline_ms = 8000 });
    struct rig_done done = rig_done(&rig);

    CHECK_INT(done.status, CORDON_UNKNOWN);
    CHECK(done.wait_ms > 7190 * 1000 && done.wait_ms <= 7200 * 1000);
    rig_forget(&done);
    done = read_with(&rig, "fetch.get", url_args("/later"));
    CHECK_INT(done.status, CORDON_RETRY);
    CHECK(done.wait_ms > 7190 * 1000);
    CHECK_INT(server_requests(&server), 2);
    rig_forget(&done);
    done = read_with(&rig, "fetch.get", url_args("/ok"));
    CHECK_INT(done.wait_ms, 0);
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(an_operation_is_journaled_before_it_is_polled_and_taken_up_by_a_fresh_process)
{
    struct rig rig = begin("[\"127.0.0.1\"]", ""), fresh;
    rig_start(&fresh);
    server_start(&server);

    apply(&rig, 5, "fetch.set", NULL);
    char *record = rig_progress(&rig);
    CHECK_HAS(record, "{\"lro\":[{\"final\":\"http://127.0.0.1:");
    CHECK_HAS(record, "/ok\",\"url\":\"");
    usleep(300 * 1000);
    CHECK_INT(server_requests(&server), 1); /* the PUT; polling waits for the journal */
    kill(rig.pid, SIGKILL);
    CHECK_INT(rig_end(&rig), -SIGKILL);

    load(&fresh, "[\"127.0.0.1\"]", "");
    apply(&fresh, 5, "fetch.set", record);
    struct rig_done done = rig_done(&fresh);
    CHECK_INT(done.status, CORDON_DONE);
    CHECK(done.is_verified);
    CHECK_HAS(done.result, "\"len\":13");
    CHECK_INT(server_requests(&server),
              3); /* the poll and the resource, and no second PUT */
    rig_forget(&done);
    CHECK_INT(rig_close(&fresh), HOST_EXIT_OK);
    free(record);
}

TEST(an_operation_goes_on_when_the_engine_says_that_it_is_saved)
{
    struct rig rig = begin("[\"127.0.0.1\"]", "");
    server_start(&server);

    apply(&rig, 5, "fetch.set", NULL);
    free(rig_progress(&rig));
    rig_send_id(&rig, FRAME_HOST_SAVED, 5);
    struct rig_done done = rig_done(&rig);
    CHECK_INT(done.status, CORDON_DONE);
    CHECK_INT(server_requests(&server), 3);
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(progress_is_kept_beside_the_hosts_own_and_comes_back_to_the_plugin_alone)
{
    struct rig rig = begin("[]", "");

    apply(&rig, 5, "fetch.steps", NULL);
    char *first = rig_progress(&rig);
    CHECK_STR(first, "{\"lro\":[],\"plugin\":{\"step\":1}}");
    rig_send_id(&rig, FRAME_HOST_SAVED, 5);
    char *second = rig_progress(&rig);
    CHECK_STR(second, "{\"lro\":[],\"plugin\":{\"step\":2}}");
    rig_send_id(&rig, FRAME_HOST_SAVED, 5);
    struct rig_done done = rig_done(&rig);
    CHECK_STR(done.result, "{\"began\":null}");
    rig_forget(&done);
    apply(&rig, 6, "fetch.steps", second);
    free(rig_progress(&rig));
    rig_send_id(&rig, FRAME_HOST_SAVED, 6);
    free(rig_progress(&rig));
    rig_send_id(&rig, FRAME_HOST_SAVED, 6);
    done = rig_done(&rig);
    CHECK_STR(done.result, "{\"began\":{\"step\":2}}");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
    free(first);
    free(second);
}

TEST(a_program_runs_only_when_it_is_listed_and_its_output_comes_back)
{
    struct rig rig = begin("[]", "");
    struct rig_done done = read_with(&rig, "fetch.run", "{\"url\":\"echo\"}");

    CHECK_STR(done.result, "{\"out\":\"hello\",\"status\":0}");
    rig_forget(&done);
    done = read_with(&rig, "fetch.run", "{\"url\":\"/bin/false\"}");
    CHECK_STR(done.result, "{\"out\":\"\",\"status\":1}");
    rig_forget(&done);
    done = read_with(&rig, "fetch.run", "{\"url\":\"/bin/sh\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "program /bin/sh is not among the programs");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

TEST(a_program_without_a_folder_is_looked_up_where_programs_are)
{
    struct rig rig = begin("[]", "");
    struct rig_done done = read_with(&rig, "fetch.run", "{\"url\":\"true\"}");

    CHECK_STR(done.result, "{\"out\":\"\",\"status\":0}");
    rig_forget(&done);
    done = read_with(&rig, "fetch.run", "{\"url\":\"no-such-program\"}");
    CHECK_INT(done.status, CORDON_REFUSED);
    CHECK_HAS(done.message, "program no-such-program is in none of /usr/local/bin");
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);
}

/* The only file in the folder, heap. */
static char *only_file(const char *dir)
{
    static char text[65536];
    char path[800] = "";
    DIR *folder = opendir(dir);

    CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    closedir(folder);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strdup(text);
}

TEST(recorded_traffic_has_the_validators_shape_and_no_credentials)
{
    struct err err;

    char *dir = check_path("traffic");
    struct rig rig = begin("[\"127.0.0.1\"]", dir);
    server_start(&server);
    struct rig_done done = read_with(&rig, "fetch.get", url_args("/ok"));
    rig_forget(&done);
    CHECK_INT(rig_close(&rig), HOST_EXIT_OK);

    char *text = only_file(dir);
    CHECK_OK(json_check(text, strlen(text), JSON_LEN_MAX, &err), &err);
    struct span json = span_of(text);
    CHECK_SPAN(json_raw(json_path(json, "liveRequest.method")), "GET");
    CHECK_HAS(text, "/ok\"");
    CHECK_SPAN(json_raw(json_path(json, "liveRequest.headers.authorization")),
               "[redacted]");
    CHECK_SPAN(json_raw(json_path(json, "liveRequest.headers.content-type")),
               "application/json");
    CHECK_SPAN(json_raw(json_path(json, "liveResponse.statusCode")), "200");
    CHECK_SPAN(json_raw(json_path(json, "liveResponse.headers.content-length")), "5");
    CHECK_SPAN(json_raw(json_path(json, "liveResponse.body")), "hello");
    CHECK_LACKS(text, "canary");
    free(text);
    free(dir);
}
