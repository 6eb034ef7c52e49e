/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm.h"
#include "settings.h"
#include "util.h"

/* One list of the world file: which member holds it, which member names an element, and
 * what that name has to look like. */
struct section {
    const char *name;
    const char *key;
    const char *shapes[2]; /* "uuid"; "name"; or one or two route patterns for an ARM id */
};

static const struct section sections[KIND_COUNT] = {
    [KIND_IDENTITY] = { "identities", "client_id", { "uuid" } },
    [KIND_GROUP] = { "groups", "id", { "uuid" } },
    [KIND_SUBSCRIPTION] = { "subscriptions", "subscriptionId", { "uuid" } },
    [KIND_SITE] = { "sites",
                    "id",
                    { "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Web/sites/"
                      "{}",
                      "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Web/sites/"
                      "{}/slots/{}" } },
    [KIND_VAULT] = { "vaults",
                     "id",
                     { "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.KeyVault/"
                       "vaults/{}" } },
    [KIND_ROLE] = { "roleDefinitions", "name", { "uuid" } },
    [KIND_ASSIGNMENT] = { "roleAssignments",
                          "id",
                          { "{scope}/providers/Microsoft.Authorization/roleAssignments/"
                            "{}" } },
    [KIND_NSG] = { "networkSecurityGroups",
                   "id",
                   { "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/"
                     "networkSecurityGroups/{}" } },
    [KIND_LOCK] = { "locks",
                    "id",
                    { "{scope}/providers/Microsoft.Authorization/locks/{}" } },
    [KIND_ALERT] = { "alerts",
                     "id",
                     { "/subscriptions/{}/providers/Microsoft.Security/locations/{}/alerts/"
                       "{}",
                       "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Security/"
                       "locations/{}/alerts/{}" } },
    [KIND_GRAPH] = { "graph", "path", { "/v1.0/security/{}/{}" } },
    [KIND_MESSAGE] = { "messages", "path", { "/_queue/{}/{}/messages/{}" } },
    [KIND_QUEUE] = { "queues", "path", { "/_queue/{}/{}" } },
    [KIND_PRINCIPAL] = { "principals", "id", { "uuid" } },
    [KIND_MANAGEMENT_GROUP] = { "managementGroups", "name", { "name" } },
    [KIND_DENY] = { "denyAssignments",
                    "id",
                    { "{scope}/providers/Microsoft.Authorization/denyAssignments/{}" } },
    [KIND_POLICY] = { "policyAssignments",
                      "id",
                      { "{scope}/providers/Microsoft.Authorization/policyAssignments/"
                        "{}" } },
    [KIND_SCHEDULE] = { "roleAssignmentScheduleInstances",
                        "id",
                        { "{scope}/providers/Microsoft.Authorization/"
                          "roleAssignmentScheduleInstances/{}" } },
};

static int fail(char error[ERROR_SIZE], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(char error[ERROR_SIZE], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(error, ERROR_SIZE, fmt, args);
    va_end(args);
    return -1;
}

static char *read_file(const char *path, size_t *len, char error[ERROR_SIZE])
{
    struct stat status;
    char *text = NULL;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        fail(error, "open world %s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > WORLD_MAX) {
        fail(error, "world %s has to be a file of at most %d bytes", path, WORLD_MAX);
        goto out;
    }
    text = xcalloc(1, (size_t)status.st_size + 1);
    ssize_t got = read(fd, text, (size_t)status.st_size);
    if (got != (ssize_t)status.st_size) {
        fail(error, "read world %s: %s", path,
             got < 0 ? strerror(errno) : "it got shorter");
        free(text);
        text = NULL;
        goto out;
    }
    *len = (size_t)got;
out:
    if (fd >= 0)
        close(fd);
    return text;
}

static int parse(const char *path, const char *text, size_t len, cJSON **world,
                 char error[ERROR_SIZE])
{
    const char *end = NULL;
    int line = 1;
    int column = 1;

    *world = cJSON_ParseWithLengthOpts(text, len, &end, false);
    size_t used = end != NULL ? (size_t)(end - text) : 0;
    while (*world != NULL && used < len && strchr(" \t\r\n", text[used]) != NULL)
        used++;
    if (*world != NULL && used == len)
        return 0;
    cJSON_Delete(*world);
    *world = NULL;
    for (size_t i = 0; i < used && i < len; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return fail(error, "world %s, line %d, column %d: this is not JSON", path, line,
                column);
}

static bool is_section(const char *name)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (strcmp(sections[kind].name, name) == 0)
            return true;
    }
    return false;
}

static bool has_shape(const char *shape, const char *text)
{
    struct request probe = { 0 };

    if (shape == NULL)
        return false;
    if (strcmp(shape, "uuid") == 0)
        return is_uuid(text);
    if (strcmp(shape, "name") == 0)
        return text[0] != '\0' && strchr(text, '/') == NULL;
    bool is_good =
        text[0] == '/' && request_path(&probe, text) && route_fits(&probe, shape);
    request_fini(&probe);
    return is_good;
}

/* Which subscription and resource group an id is in has to be known, so that a misspelt
 * world does not answer 404 for everything. */
static int check_home(const struct sim *sim, const char *path, const char *place,
                      const char *id, char error[ERROR_SIZE])
{
    struct request probe = { 0 };
    int answer = 0;

    if (!request_path(&probe, id))
        answer = fail(error, "world %s: %s: the id has too many parts", path, place);
    else if (probe.segment_count >= 2 && text_is(probe.segments[0], "subscriptions") &&
             store_now(&sim->store, KIND_SUBSCRIPTION, probe.segments[1]) == NULL)
        answer = fail(error, "world %s: %s: subscription %s is not in \"subscriptions\"",
                      path, place, probe.segments[1]);
    else if (probe.segment_count >= 4 && text_is(probe.segments[2], "resourceGroups") &&
             !arm_group_exists(sim, probe.segments[1], probe.segments[3]))
        answer = fail(error,
                      "world %s: %s: resource group %s is not among its subscription's "
                      "\"resourceGroups\"",
                      path, place, probe.segments[3]);
    request_fini(&probe);
    return answer;
}

static int check_secrets(const cJSON *vault, const char *path, const char *place,
                         char error[ERROR_SIZE])
{
    const cJSON *secret;
    const cJSON *version;
    int n = 0;

    cJSON_ArrayForEach(secret, json_get(vault, "secrets"))
    {
        const cJSON *versions = json_get(secret, "versions");
        if (json_text(secret, "name") == NULL || !cJSON_IsArray(versions) ||
            cJSON_GetArraySize(versions) == 0)
            return fail(error,
                        "world %s: %s.secrets[%d] needs a name and at least one version",
                        path, place, n);
        cJSON_ArrayForEach(version, versions)
        {
            const char *id = json_text(version, "version");
            if (id == NULL || strlen(id) != 32 || json_text(version, "value") == NULL)
                return fail(
                    error,
                    "world %s: %s.secrets[%d]: each version needs a version of 32 hex "
                    "digits and a value",
                    path, place, n);
        }
        n++;
    }
    return 0;
}

static int check_rules(const cJSON *nsg, const char *path, const char *place,
                       char error[ERROR_SIZE])
{
    const cJSON *rule;
    int n = 0;

    cJSON_ArrayForEach(rule, json_get(nsg, "rules"))
    {
        if (json_text(rule, "name") == NULL ||
            !cJSON_IsObject(json_get(rule, "properties")))
            return fail(error, "world %s: %s.rules[%d] needs a name and properties", path,
                        place, n);
        n++;
    }
    return 0;
}

static int check_properties(enum kind kind, const cJSON *doc, const char *path,
                            const char *place, char error[ERROR_SIZE])
{
    const cJSON *properties = json_get(doc, "properties");
    const char *level = json_text(properties, "level");

    if (properties != NULL && !cJSON_IsObject(properties))
        return fail(error, "world %s: %s.properties has to be an object", path, place);
    if (kind == KIND_ASSIGNMENT && (!is_uuid(json_text(properties, "principalId")) ||
                                    json_text(properties, "roleDefinitionId") == NULL))
        return fail(error,
                    "world %s: %s.properties needs a GUID in principalId and an id in "
                    "roleDefinitionId",
                    path, place);
    if (kind == KIND_LOCK && !text_is(level, "ReadOnly") && !text_is(level, "CanNotDelete"))
        return fail(error,
                    "world %s: %s.properties.level has to be ReadOnly or CanNotDelete",
                    path, place);
    return 0;
}

static int load_section(struct sim *sim, enum kind kind, cJSON *list, const char *path,
                        char error[ERROR_SIZE])
{
    const struct section *section = &sections[kind];
    char place[64];
    int n = 0;

    if (list == NULL)
        return 0;
    if (!cJSON_IsArray(list))
        return fail(error, "world %s: %s has to be a list", path, section->name);
    while (cJSON_GetArraySize(list) > 0) {
        cJSON *doc = cJSON_DetachItemFromArray(list, 0);
        const char *key = json_text(doc, section->key);
        int answer = 0;
        snprintf(place, sizeof place, "%s[%d]", section->name, n++);
        if (key == NULL ||
            (!has_shape(section->shapes[0], key) && !has_shape(section->shapes[1], key)))
            answer =
                fail(error, "world %s: %s.%s has to be %s%s", path, place, section->key,
                     strcmp(section->shapes[0], "uuid") == 0 ? "a GUID" : "like ",
                     strcmp(section->shapes[0], "uuid") == 0 ? "" : section->shapes[0]);
        else if (store_now(&sim->store, kind, key) != NULL)
            answer = fail(error, "world %s: %s: %s is there twice", path, place, key);
        else if (strchr(section->shapes[0], '/') != NULL)
            answer = check_home(sim, path, place, key, error);
        if (answer == 0 && kind == KIND_IDENTITY && !is_uuid(json_text(doc, "object_id")))
            answer = fail(error, "world %s: %s.object_id has to be a GUID", path, place);
        if (answer == 0)
            answer = check_properties(kind, doc, path, place, error);
        if (answer == 0 && kind == KIND_VAULT)
            answer = check_secrets(doc, path, place, error);
        if (answer == 0 && kind == KIND_NSG)
            answer = check_rules(doc, path, place, error);
        if (answer != 0) {
            cJSON_Delete(doc);
            return answer;
        }
        store_found(&sim->store, kind, key, doc);
    }
    return 0;
}

static int load(struct sim *sim, const char *path, char error[ERROR_SIZE])
{
    char detail[SETTINGS_ERROR_SIZE];
    const cJSON *item;

    if (!cJSON_IsObject(sim->head))
        return fail(error, "world %s has to be one JSON object", path);
    cJSON_ArrayForEach(item, sim->head)
    {
        if (!is_section(item->string) && strcmp(item->string, "tenant") != 0 &&
            strcmp(item->string, "cloud") != 0 && strcmp(item->string, "options") != 0 &&
            strcmp(item->string, "description") != 0)
            return fail(error, "world %s: \"%s\" is not a part of a world", path,
                        item->string);
    }
    const char *wrong = settings_read(&sim->settings, sim->head, detail);
    if (wrong != NULL)
        return fail(error, "world %s: %s", path, wrong);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        cJSON *list =
            cJSON_DetachItemFromObjectCaseSensitive(sim->head, sections[kind].name);
        int answer = load_section(sim, (enum kind)kind, list, path, error);
        cJSON_Delete(list);
        if (answer != 0)
            return answer;
    }
    return 0;
}

int world_load(struct sim *sim, char error[ERROR_SIZE])
{
    struct sim fresh = *sim;
    size_t len = 0;

    fresh.store = (struct store){ 0 };
    fresh.head = NULL;
    char *text = read_file(sim->world_path, &len, error);
    if (text == NULL)
        return -1;
    int answer = parse(sim->world_path, text, len, &fresh.head, error);
    free(text);
    if (answer == 0)
        answer = load(&fresh, sim->world_path, error);
    if (answer != 0) {
        world_fini(&fresh);
        return answer;
    }
    world_fini(sim);
    sim->store = fresh.store;
    sim->head = fresh.head;
    sim->settings = fresh.settings;
    return 0;
}

static int add_copy(cJSON *doc, void *arg)
{
    cJSON_AddItemToArray(arg, cJSON_Duplicate(doc, true));
    return 0;
}

cJSON *world_dump(const struct sim *sim)
{
    cJSON *world = cJSON_Duplicate(sim->head, true);

    for (int kind = 0; kind < KIND_COUNT; kind++)
        store_each(&sim->store, (enum kind)kind, 0, add_copy,
                   cJSON_AddArrayToObject(world, sections[kind].name));
    return world;
}

const char *world_key(enum kind kind)
{
    return sections[kind].key;
}

void world_fini(struct sim *sim)
{
    store_fini(&sim->store);
    cJSON_Delete(sim->head);
    sim->head = NULL;
}
