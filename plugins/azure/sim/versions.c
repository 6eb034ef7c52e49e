/* SPDX-License-Identifier: Apache-2.0 */
#include "versions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct provider {
    const char *name;
    const char *type; /* NULL, or the type that has versions of its own */
    const char *versions;
};

/* The folders of Azure/azure-rest-api-specs whose answers have the shape that is served here:
 * of alerts those before 2021 look otherwise, and are left out. */
static const struct provider providers[] = {
    { "Microsoft.Web", NULL,
      "2015-08-01 2016-03-01 2016-08-01 2018-02-01 2018-11-01 2019-08-01 2020-06-01 "
      "2020-09-01 2020-10-01 2020-12-01 2021-01-01 2021-01-15 2021-02-01 2021-03-01 "
      "2021-04-01 2022-03-01 2022-09-01 2023-01-01 2023-12-01 2024-04-01 2024-11-01 "
      "2025-03-01 2025-05-01" },
    { "Microsoft.KeyVault", NULL,
      "2015-06-01 2016-10-01 2018-02-14 2019-09-01 2021-10-01 2022-07-01 2022-11-01 "
      "2023-02-01 2023-07-01 2024-11-01 2025-05-01 2026-02-01" },
    { "Microsoft.Authorization", "locks", "2015-01-01 2016-09-01 2017-04-01 2020-05-01" },
    { "Microsoft.Authorization", "denyAssignments", "2018-07-01-preview 2022-04-01" },
    { "Microsoft.Authorization", "policyAssignments",
      "2019-09-01 2020-03-01 2020-09-01 2021-06-01 2022-06-01 2023-04-01 2024-04-01" },
    { "Microsoft.Authorization", "roleAssignmentScheduleInstances",
      "2020-10-01-preview 2020-10-01" },
    { "Microsoft.Authorization", NULL,
      "2015-07-01 2018-01-01-preview 2018-09-01-preview 2020-03-01-preview "
      "2020-04-01-preview 2020-08-01-preview 2020-10-01-preview 2021-04-01-preview "
      "2022-04-01 2022-05-01-preview" },
    { "Microsoft.Network", NULL,
      "2015-06-15 2016-03-30 2016-06-01 2016-09-01 2016-12-01 2017-03-01 2017-06-01 "
      "2017-08-01 2017-09-01 2017-10-01 2017-11-01 2018-01-01 2018-02-01 2018-04-01 "
      "2018-06-01 2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01 2019-02-01 "
      "2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01 "
      "2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01 "
      "2021-02-01 2021-03-01 2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 "
      "2022-09-01 2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 "
      "2023-11-01 2024-01-01 2024-03-01 2024-05-01 2024-07-01 2024-10-01 2025-01-01 "
      "2025-03-01 2025-05-01" },
    { "Microsoft.Security", NULL, "2021-01-01 2021-11-01 2022-01-01" },
    { "Microsoft.Management", NULL,
      "2018-03-01-preview 2019-11-01 2020-02-01 2020-05-01 2021-04-01 2023-04-01" },
    { "Microsoft.Resources", NULL,
      "2015-11-01 2016-02-01 2016-06-01 2016-09-01 2017-05-10 2018-01-01 2018-02-01 "
      "2018-05-01 2018-06-01 2019-03-01 2019-05-01 2019-05-10 2019-06-01 2019-07-01 "
      "2019-08-01 2019-10-01 2019-11-01 2020-01-01 2020-05-01 2020-06-01 2020-08-01 "
      "2020-10-01 2021-01-01 2021-04-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 "
      "2024-07-01 2024-11-01 2025-03-01 2025-04-01" },
};

static const struct provider *find_provider(const char *name, const char *type)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        if (text_is(providers[i].name, name) &&
            (providers[i].type == NULL || text_is(providers[i].type, type)))
            return &providers[i];
    }
    return NULL;
}

static bool is_version(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t i;

    for (i = 0; shape[i] != '\0'; i++) {
        if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    }
    return text[i] == '\0' || strcmp(text + i, "-preview") == 0;
}

static bool is_in(const char *list, const char *version)
{
    size_t len = strlen(version);

    for (const char *at = list; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncasecmp(at, version, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
            return true;
    }
    return false;
}

static char *with_commas(const char *list)
{
    char *text = xstrdup(list);

    for (char *at = text; *at != '\0'; at++)
        *at = *at == ' ' ? ',' : *at;
    return text;
}

bool versions_check_list(struct request *request, struct reply *reply, const char *service,
                         const char *type, const char *list)
{
    const char *version = request_query(request, "api-version");

    if (version == NULL || version[0] == '\0') {
        reply_error(reply, 400, "MissingApiVersionParameter",
                    "the query parameter api-version is needed on every request");
        return false;
    }
    if (is_in(list, version))
        return true;
    char *known = with_commas(list);
    reply_error(reply, 400, "NoRegisteredProviderFound",
                "%s has no api-version '%s' for type '%s' in location 'westeurope'. The "
                "supported api-versions are '%s'.",
                service, version, type != NULL ? type : "", known);
    free(known);
    return false;
}

/* The namespace and type behind the last "providers" of the path. */
bool versions_check(struct request *request, struct reply *reply)
{
    const char *name = "Microsoft.Resources";
    const char *type = NULL;
    const char *version = request_query(request, "api-version");

    for (int i = 0; i + 1 < request->segment_count; i++) {
        if (text_is(request->segments[i], "providers")) {
            name = request->segments[i + 1];
            type = i + 2 < request->segment_count ? request->segments[i + 2] : NULL;
        }
    }
    const struct provider *provider = find_provider(name, type);
    if (provider == NULL) {
        reply_error(reply, 404, "InvalidResourceNamespace",
                    "no resource provider is called '%s' here", name);
        return false;
    }
    if (version != NULL && version[0] != '\0' && !is_version(version)) {
        reply_error(reply, 400, "InvalidApiVersionParameter",
                    "the api-version '%s' is not a date like 2024-04-01", version);
        return false;
    }
    return versions_check_list(request, reply, provider->name, type, provider->versions);
}
