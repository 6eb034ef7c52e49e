/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts that mean harm: hostile/NAME.lua, each with the end it has to come to in its
 * second line ("-- wants: budget"). None may come to another end, make a wish, or outlive
 * the wall.
 */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "vm/budget.h"
#include "vm/wall.h"

enum { SCRIPTS_LEAST = 60, SCRIPT_CAP = 256 * 1024 };

struct script {
    char name[64];
    char *source;
    char *wants; /* first word */
    char *text;  /* the rest */
};

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = arena_alloc(&proc_texts, SCRIPT_CAP + 1);

    if (file == NULL)
        FAIL("%s: %s", path, strerror(errno));
    CHECK(fread(text, 1, SCRIPT_CAP, file) > 0);
    fclose(file);
    return text;
}

static struct script read_script(const char *name)
{
    struct script script = { 0 };
    char path[512];

    snprintf(script.name, sizeof script.name, "%s", name);
    snprintf(path, sizeof path, "tests/sandbox/hostile/%s", name);
    script.source = read_file(path);
    const char *wants = strstr(script.source, "-- wants: ");
    if (wants == NULL)
        FAIL("%s does not say what it wants", name);
    wants += strlen("-- wants: ");
    size_t line = strcspn(wants, "\n"), word = strcspn(wants, " \n");
    script.wants = arena_dup(&proc_texts, wants, word);
    script.text =
        arena_dup(&proc_texts, wants + word + (word < line), line - word - (word < line));
    return script;
}

static void want(const struct script *script, const char *was, const char *part)
{
    if (was == NULL || strstr(was, part) == NULL)
        FAIL("%s: wanted %s, was %s", script->name, part, was == NULL ? "nothing" : was);
}

static void check_turn(const struct script *script, struct turn_seen seen)
{
    if (seen.is_killed)
        FAIL("%s: was killed, wanted %s", script->name, script->wants);
    if (seen.count != 0)
        FAIL("%s: wished for %s", script->name, seen.wishes[0].kind);
    if (strcmp(script->wants, "error") == 0) {
        want(script, seen.state == VM_TURN_FAILED ? "failed" : seen.value, "failed");
        want(script, seen.value, script->text);
        CHECK_LACKS(seen.value, "0x");
        CHECK_LACKS(seen.value, "/");
    } else if (strcmp(script->wants, "done") == 0) {
        want(script, seen.state == VM_TURN_DONE ? "done" : seen.value, "done");
        CHECK_STR(seen.value, script->text);
    } else {
        char code[64];
        bool is_either = strcmp(script->wants, "spent") == 0; /* memory or instructions */
        snprintf(code, sizeof code, "\"code\":\"%s", is_either ? "" : script->wants);
        want(script, seen.state == VM_TURN_BUDGET ? "budget" : seen.value, "budget");
        want(script, seen.value, code);
    }
}

static void try_script(const struct script *script)
{
    struct proc proc;
    char *text;
    int code = 0;

    proc_open(&proc);
    bool ok = proc_load(&proc, script->source, &text);
    if (strcmp(script->wants, "refused") == 0 || strcmp(script->wants, "unloadable") == 0) {
        want(script, ok ? "loaded" : "refused", "refused");
        want(script, text, script->text);
        code = script->wants[0] == 'u' ? VM_EXIT_SPENT : 0;
    } else {
        want(script, ok ? "loaded" : text, "loaded");
        struct turn_seen seen = proc_start(&proc, 1, "{}");
        check_turn(script, seen);
        code = seen.state == VM_TURN_BUDGET ? VM_EXIT_SPENT : 0;
    }
    proc_close(&proc, code);
}

/* Tries every script that wants this; how many there were. */
static int try_all(const char *wants)
{
    DIR *dir = opendir("tests/sandbox/hostile");
    struct dirent *entry;
    int count = 0;

    CHECK(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".lua") == NULL)
            continue;
        struct script script = read_script(entry->d_name);
        if (strcmp(script.wants, wants) != 0)
            continue;
        try_script(&script);
        count++;
    }
    closedir(dir);
    return count;
}

TEST(what_is_forbidden_ends_in_an_error_that_says_so)
{
    CHECK(try_all("error") >= SCRIPTS_LEAST);
}

TEST(what_no_parser_should_see_is_refused_before_anything_runs)
{
    CHECK(try_all("refused") >= 15);
}

TEST(a_file_that_never_ends_its_reading_ends_the_process)
{
    CHECK(try_all("unloadable") >= 2);
}

TEST(work_without_end_uses_up_its_budget_whatever_pcall_catches)
{
    CHECK(try_all("budget") >= 15);
}

TEST(memory_without_end_ends_the_process_and_not_lua)
{
    CHECK(try_all("memory") >= 6);
}

TEST(recursion_without_end_uses_up_what_there_is_of_one_or_the_other)
{
    CHECK(try_all("spent") >= 3);
}

TEST(what_looks_odd_and_is_harmless_goes_through)
{
    CHECK(try_all("done") >= 5);
}

TEST(what_no_count_of_instructions_can_stop_is_killed_by_the_wall_clock)
{
    static const char *const names[] = { "pattern_bomb.lua", "pattern_bomb_match.lua",
                                         "pattern_bomb_gsub.lua" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct script script = read_script(names[i]);
        struct proc proc;
        char *text;

        CHECK_STR(script.wants, "killed");
        proc_open(&proc);
        CHECK(proc_load(&proc, script.source, &text));
        proc.wall_ms = PROC_WALL_MS;
        struct turn_seen seen = proc_start(&proc, 1, "{}");
        if (!seen.is_killed)
            FAIL("%s: ended with %s", names[i], seen.value);
        CHECK(WIFSIGNALED(proc.status) && WTERMSIG(proc.status) == SIGKILL);
        proc_close(&proc, -1);
    }
}

TEST(compiled_lua_is_refused)
{
    struct proc proc;
    char *text;

    proc_open(&proc);
    CHECK(!proc_load_named(&proc, "x", "\x1bLua\x54\x00", 6, &text));
    CHECK_HAS(text, "compiled Lua");
    proc_close(&proc, 0);
}

TEST(a_source_of_one_byte_too_many_is_refused)
{
    struct proc proc;
    struct str source = { 0 };
    char *text;

    str_add_text(&source, "return playbook { name = \"x\", run = function() end }");
    while (source.len < 256 * 1024)
        str_add_char(&source, ' ');
    proc_open(&proc);
    str_add_char(&source, ' ');
    CHECK(!proc_load_named(&proc, "x", source.ptr, source.len, &text));
    CHECK_HAS(text, "at most 262144");
    CHECK(proc_load_named(&proc, "x", source.ptr, source.len - 1, &text));
    str_fini(&source);
    proc_close(&proc, 0);
}

#ifndef CHECK_SANITIZED
/* What a playbook would do had it broken out of Lua. */
static void behind_the_wall(int (*act)(void))
{
    int pair[2], status;
    struct err err;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(wall_raise(pair[1], &err) != 0 ? 77 : act());
    close(pair[0]);
    close(pair[1]);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(WTERMSIG(status), SIGSYS);
}

static int open_file(void)
{
    return open("/etc/passwd", 0) < 0;
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int make_process(void)
{
    return fork() < 0;
}

static int run_program(void)
{
    char path[] = "/bin/true";
    char *const argv[] = { path, NULL };

    return execv(argv[0], argv);
}

static int read_elsewhere(void)
{
    char byte;

    return read(STDERR_FILENO, &byte, 1) < 0;
}

static int kill_parent(void)
{
    return kill(getppid(), SIGTERM);
}

TEST(behind_the_wall_any_other_system_call_kills)
{
    behind_the_wall(open_file);
    behind_the_wall(make_socket);
    behind_the_wall(make_process);
    behind_the_wall(run_program);
    behind_the_wall(read_elsewhere);
    behind_the_wall(kill_parent);
}
#endif
