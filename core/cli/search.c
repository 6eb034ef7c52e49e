/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where playbooks are found by name: what is at hand first, what is installed last.
 */
#include "cli/input.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/schema.h"

enum { FOLDERS_MAX = 32, NAMES_MAX = 1000 };

struct search {
    char *folders[FOLDERS_MAX];
    int folder_count;
    char *names[NAMES_MAX]; /* playbooks that are there, for the hint */
    int name_count;
};

static void add_folder(struct search *search, const char *path, size_t len)
{
    if (len > 0 && search->folder_count < FOLDERS_MAX)
        search->folders[search->folder_count++] = xstrndup(path, len);
}

static void collect_folders(struct search *search)
{
    const char *list = getenv("CORDON_PLAYBOOKS");
    char *installed = input_beside("../share/cordon/playbooks");

    add_folder(search, "playbooks", strlen("playbooks"));
    while (list && *list) {
        size_t len = strcspn(list, ":");
        add_folder(search, list, len);
        list += len + (list[len] == ':');
    }
    add_folder(search, installed, strlen(installed));
    free(installed);
}

static bool is_playbook(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".lua") == 0 &&
           !(len > 9 && strcmp(name + len - 9, ".test.lua") == 0);
}

static void collect_names(struct search *search)
{
    for (int i = 0; i < search->folder_count; i++) {
        DIR *dir = opendir(search->folders[i]);
        const struct dirent *entry;
        while (dir && search->name_count < NAMES_MAX && (entry = readdir(dir)) != NULL)
            if (is_playbook(entry->d_name))
                search->names[search->name_count++] =
                    input_base_name(entry->d_name, ".lua");
        if (dir)
            closedir(dir);
    }
}

static int not_found(struct search *search, const char *name, struct err *err)
{
    collect_names(search);
    const char *nearest = schema_nearest(span_of(name), (const char *const *)search->names,
                                         (size_t)search->name_count);
    struct str places = { 0 };
    for (int i = 0; i < search->folder_count; i++)
        str_printf(&places, "%s%s", i ? ", " : "", search->folders[i]);
    if (nearest)
        err_set(err, ERR_INVALID, "no playbook %.80s in %s: did you mean %s?", name,
                str_text(&places), nearest);
    else
        err_set(err, ERR_INVALID,
                "no playbook %.80s in %s: give a path, or a folder in $CORDON_PLAYBOOKS",
                name, str_text(&places));
    str_fini(&places);
    return err->code;
}

static void search_fini(struct search *search)
{
    for (int i = 0; i < search->folder_count; i++)
        free(search->folders[i]);
    for (int i = 0; i < search->name_count; i++)
        free(search->names[i]);
}

int input_find_playbook(char **path, const char *name, struct err *err)
{
    struct search search = { 0 };
    struct str candidate = { 0 };
    int rc = -1;

    if (strchr(name, '/') || is_playbook(name)) {
        *path = xstrdup(name);
        return 0;
    }
    collect_folders(&search);
    for (int i = 0; i < search.folder_count && rc != 0; i++) {
        str_reset(&candidate);
        str_printf(&candidate, "%s/%s.lua", search.folders[i], name);
        rc = access(str_text(&candidate), F_OK);
    }
    if (rc == 0)
        *path = str_take(&candidate);
    else
        rc = not_found(&search, name, err);
    str_fini(&candidate);
    search_fini(&search);
    return rc;
}
