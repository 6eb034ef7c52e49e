/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/secret_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "check.h"

/* -- what may be read ------------------------------------------------------------------------ */

enum { US = 1000, OTHER = 1001, OUR_GROUP = 2000, OTHER_GROUP = 2001 };

static const struct {
    const char *what;
    unsigned mode, uid, gid;
    bool is_credential, is_right;
} files[] = {
    { "by hand: mode 600, ours", S_IFREG | 0600, US, OUR_GROUP, false, true },
    { "by hand: mode 400, ours", S_IFREG | 0400, US, OUR_GROUP, false, true },
    { "mode 400 of root", S_IFREG | 0400, 0, 0, false, true },
    { "mode 600 of another user", S_IFREG | 0600, OTHER, OUR_GROUP, false, false },
    { "mode 440 of another user, our group", S_IFREG | 0440, OTHER, OUR_GROUP, false,
      false },
    { "Kubernetes with fsGroup: 440 of root, our group", S_IFREG | 0440, 0, OUR_GROUP,
      false, true },
    { "Kubernetes, defaultMode 0400 of root", S_IFREG | 0400, 0, OUR_GROUP, false, true },
    { "Kubernetes without defaultMode: 0644 of root", S_IFREG | 0644, 0, 0, false, false },
    { "Kubernetes with fsGroup and 0640: root may write", S_IFREG | 0640, 0, OUR_GROUP,
      false, false },
    { "Docker with mode 0440, uid and gid of ours", S_IFREG | 0440, US, OUR_GROUP, false,
      true },
    { "Docker without a mode: 0444 of root", S_IFREG | 0444, 0, 0, false, false },
    { "440 of root, another group", S_IFREG | 0440, 0, OTHER_GROUP, false, false },
    { "440 of ours, another group", S_IFREG | 0440, US, OTHER_GROUP, false, false },
    { "systemd, without access lists: 400 of ours", S_IFREG | 0400, US, OUR_GROUP, true,
      true },
    { "systemd, with an access list: 440 of root", S_IFREG | 0440, 0, 0, true, true },
    { "a credential of another user", S_IFREG | 0440, OTHER, OTHER_GROUP, true, false },
    { "a credential that everybody reads", S_IFREG | 0444, 0, 0, true, false },
    { "640 of ours: the group may be many", S_IFREG | 0640, US, OUR_GROUP, false, false },
    { "660 of ours", S_IFREG | 0660, US, OUR_GROUP, false, false },
    { "604 of ours", S_IFREG | 0604, US, OUR_GROUP, false, false },
    { "601 of ours", S_IFREG | 0601, US, OUR_GROUP, false, false },
    { "602 of ours", S_IFREG | 0602, US, OUR_GROUP, false, false },
    { "450 of root: the group may run it", S_IFREG | 0450, 0, OUR_GROUP, false, false },
    { "a directory", S_IFDIR | 0700, US, OUR_GROUP, false, false },
    { "a pipe", S_IFIFO | 0600, US, OUR_GROUP, false, false },
    { "a socket", S_IFSOCK | 0600, US, OUR_GROUP, false, false },
    { "a device", S_IFCHR | 0600, 0, 0, false, false },
};

TEST(a_secret_is_taken_as_platforms_make_it_and_refused_when_others_can_read_it)
{
    struct err err;
    struct secret_reader *reader = xcalloc(1, sizeof *reader);
    size_t count = sizeof files / sizeof *files;
    char mode[16];

    CHECK(count >= 20);
    reader->uid = US;
    reader->groups[reader->group_count++] = OUR_GROUP;
    for (size_t i = 0; i < count; i++) {
        const struct stat st = { .st_mode = files[i].mode,
                                 .st_uid = files[i].uid,
                                 .st_gid = files[i].gid };

        reader->is_credential = files[i].is_credential;
        bool is_taken = secret_check(&st, "/s/name", reader, &err) == 0;
        if (is_taken != files[i].is_right)
            fprintf(stderr, "%s\n", files[i].what);
        CHECK_INT(is_taken, files[i].is_right);
        if (is_taken)
            continue;
        CHECK(strstr(err.text, "/s/name") != NULL);
        snprintf(mode, sizeof mode, "mode %04o", files[i].mode & 0777);
        if (S_ISREG(files[i].mode) && files[i].uid != OTHER) {
            CHECK(strstr(err.text, mode) != NULL);
            CHECK(strstr(err.text, "chmod 600 it") != NULL);
        }
    }
    free(reader);
}

static const struct {
    const char *what;
    unsigned mode, uid, owner;
    bool is_right;
} dirs[] = {
    { "ours, 700", 0700, US, US, true },
    { "root's, 755", 0755, 0, 0, true },
    { "a volume of Kubernetes: sticky, the link of root", 01777, 0, 0, true },
    { "a volume of Kubernetes with fsGroup", 03777, 0, 0, true },
    { "sticky, and the file is of another", 01777, 0, OTHER, false },
    { "everybody may write", 0777, US, US, false },
    { "the group may write", 0770, US, US, false },
    { "another user's", 0700, OTHER, US, false },
    { "another user's, sticky", 01777, OTHER, US, false },
};

TEST(a_directory_whose_files_others_can_replace_holds_no_secret)
{
    struct err err;
    struct secret_reader *reader = xcalloc(1, sizeof *reader);

    reader->uid = US;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        const struct stat st = { .st_mode = S_IFDIR | dirs[i].mode, .st_uid = dirs[i].uid };
        bool is_taken = secret_check_dir(&st, dirs[i].owner, "/s/name", reader, &err) == 0;

        if (is_taken != dirs[i].is_right)
            fprintf(stderr, "%s\n", dirs[i].what);
        CHECK_INT(is_taken, dirs[i].is_right);
    }
    free(reader);
}

/* -- the way to it --------------------------------------------------------------------------- */

static void put(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), (int)strlen(text));
    CHECK_INT(fchmod(fd, mode), 0);
    close(fd);
}

static void link_to(const char *text, const char *path)
{
    CHECK_INT(symlink(text, path), 0);
}

static void make_folder(char dir[])
{
    CHECK(mkdtemp(dir) != NULL);
    CHECK_INT(chdir(dir), 0);
}

static void drop_folder(const char *dir)
{
    struct str command = { 0 };

    CHECK_INT(chdir("/"), 0);
    str_printf(&command, "rm -rf %s", dir);
    CHECK_INT(system(str_text(&command)), 0);
    str_fini(&command);
}

/* "" or the sentence. */
static char *read_now(const char *name, struct str *value)
{
    struct err err = { 0 };

    str_fini(value);
    return xstrdup(secret_file_read(value, ".", name, 100, &err) == 0 ? "" : err.text);
}

static void reads(const char *name, const char *wanted)
{
    struct str value = { 0 };
    char *why = read_now(name, &value);

    CHECK_STR(why, "");
    CHECK_STR(str_text(&value), wanted);
    free(why);
    str_fini(&value);
}

static void refuses(const char *name, const char *wanted)
{
    struct str value = { 0 };
    char *why = read_now(name, &value);

    if (strstr(why, wanted) == NULL)
        CHECK_STR(why, wanted);
    CHECK_INT((int)value.len, 0);
    free(why);
    str_fini(&value);
}

TEST(links_within_the_directory_are_followed_as_kubernetes_makes_them)
{
    char dir[] = "/tmp/secret-XXXXXX";

    make_folder(dir);
    CHECK_INT(mkdir("..2026_12_01", 0755), 0);
    put("..2026_12_01/token", "hush", 0400);
    link_to("..2026_12_01", "..data");
    link_to("..data/token", "token");
    link_to("token", "again");
    CHECK_INT(chmod(".", 01777), 0);
    reads("token", "hush");
    reads("again", "hush");
    drop_folder(dir);
}

TEST(a_link_that_leads_elsewhere_is_refused)
{
    char dir[] = "/tmp/secret-XXXXXX";

    make_folder(dir);
    CHECK_INT(mkdir("in", 0700), 0);
    put("outside", "hush", 0600);
    put("in/right", "hush", 0600);
    put("in/wide", "hush", 0644);
    link_to("/etc/passwd", "in/absolute");
    link_to("../outside", "in/up");
    link_to("nothing", "in/dangling");
    link_to("loop", "in/loop");
    link_to("wide", "in/to-wide");
    link_to(".", "in/folder");
    CHECK_INT(chdir("in"), 0);
    reads("right", "hush");
    refuses("absolute", "leads out of its directory");
    refuses("up", "leads out of its directory");
    refuses("dangling", "No such file");
    refuses("loop", "more than 8 links");
    refuses("to-wide", "can be read by others (mode 0644");
    refuses("folder", "is no file");
    refuses("missing", "No such file");
    refuses("right/more", "Not a directory");
    CHECK_INT(chmod(".", 0777), 0);
    refuses("right", "others can replace");
    drop_folder(dir);
}

TEST(a_pipe_does_not_keep_the_reader_waiting_and_a_large_file_is_refused)
{
    char dir[] = "/tmp/secret-XXXXXX", large[102];

    make_folder(dir);
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    put("large", large, 0600);
    CHECK_INT(mkfifo("pipe", 0600), 0);
    refuses("pipe", "is no file");
    struct str value = { 0 };
    struct err err;
    CHECK_INT(secret_file_read(&value, ".", "large", 100, &err), ERR_TOO_BIG);
    CHECK_STR(err.text, "secret ./large is larger than 100 bytes");
    str_fini(&value);
    drop_folder(dir);
}

/* -- what stays in memory -------------------------------------------------------------------- */

enum {
    CANARY = 24 * 1024,
    PIECE = 32,
    MAP_MAX = 1024 * 1024 * 1024 /* a larger one is a sanitizer's shadow */
};

/* The canary is never whole in a variable of ours: byte i is made when it is needed. */
static char canary_byte(size_t i)
{
    return (char)('A' + ((uint32_t)(i * i + 12345) * 2654435761U >> 13) % 26);
}

/* How often pieces of it lie in the memory that this process may write. */
static int count_pieces(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), found = 0;
    unsigned long from, to;
    char line[512], rights[8];
    static unsigned char page[65536];

    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' ||
            rights[1] != 'w' || to - from > MAP_MAX)
            continue;
        for (unsigned long at = from; at < to; at += sizeof page - PIECE + 1) {
            size_t len = to - at < sizeof page ? to - at : sizeof page;
            ssize_t n = pread(mem, page, len, (off_t)at);

            for (ssize_t i = 0; i + PIECE <= n; i++) {
                size_t same = 0;

                while (same < PIECE && page[i + (ssize_t)same] == canary_byte(5000 + same))
                    same++;
                found += same == PIECE;
            }
            explicit_bzero(page, sizeof page);
        }
    }
    fclose(maps);
    close(mem);
    return found;
}

TEST(nothing_of_a_secret_stays_in_memory_when_it_was_wiped)
{
    char dir[] = "/tmp/secret-XXXXXX";
    struct str value = { 0 };
    struct err err;

    make_folder(dir);
    int fd = open("canary", O_WRONLY | O_CREAT, 0600);
    for (size_t i = 0; i < CANARY; i++) {
        char byte = canary_byte(i);

        CHECK_INT(write(fd, &byte, 1), 1);
    }
    close(fd);
    CHECK_OK(secret_file_read(&value, ".", "canary", CANARY, &err), &err);
    CHECK_INT((int)value.len, CANARY);
    CHECK_INT(count_pieces(), 1); /* value, which has grown five times */
    str_fini(&value);
    CHECK_INT(count_pieces(), 0);
    drop_folder(dir);
}
