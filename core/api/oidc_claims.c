/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oidc_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "base/err.h"
#include "base/json.h"

static int read_who(struct oidc_person *person, const char *provider, struct span config,
                    struct span claims, struct err *err)
{
    char *claim = json_get_text(config, "claim");
    char *value = json_get_text(claims, claim != NULL ? claim : "sub");
    int len = value == NULL
                  ? 0
                  : snprintf(person->who, sizeof person->who, "%s:%s", provider, value);
    int rc = 0;

    if (value == NULL || value[0] == '\0')
        rc = err_set(err, ERR_DENIED, "the token has no \"%.40s\", which says who you are",
                     claim != NULL ? claim : "sub");
    else if (len > OIDC_PERSON_MAX)
        rc = err_set(err, ERR_DENIED, "your name there is longer than %d bytes",
                     OIDC_PERSON_MAX);
    for (int i = 0; rc == 0 && person->who[i] != '\0'; i++)
        if ((unsigned char)person->who[i] < ' ' || person->who[i] == 0x7f)
            rc = err_set(err, ERR_DENIED, "your name there has control characters");
    free(claim);
    free(value);
    return rc;
}

/* Too many groups for a token: then Entra ID says where they could be asked for instead. */
static bool has_overage(struct span claims, const char *groups_claim)
{
    return json_get(json_get(claims, "_claim_names"), groups_claim).len > 0 ||
           json_get_bool(claims, "hasgroups", false);
}

static unsigned roles_by(struct span config, struct span groups)
{
    struct span group, name, roles;
    size_t pos = 0, at;
    unsigned all = 0;

    if (json_kind(groups) != JSON_ARRAY)
        return 0;
    while (json_next(groups, &pos, NULL, &group)) {
        char *text = json_text(group);

        at = 0;
        while (text != NULL && json_next(json_get(config, "groups"), &at, &name, &roles))
            if (span_is(name, text))
                all |= roles_of(roles);
        free(text);
    }
    return all;
}

static int read_roles(struct oidc_person *person, struct span config, struct span claims,
                      struct err *err)
{
    char *named = json_get_text(config, "groups_claim");
    const char *claim = named != NULL ? named : "groups";
    int rc = 0;

    person->roles = roles_by(config, json_get(claims, claim));
    if (has_overage(claims, claim))
        rc =
            err_set(err, ERR_DENIED,
                    "you are in more groups than a token of the provider holds, so it says "
                    "none: have it send the groups that are assigned to this application "
                    "only");
    else if (person->roles == 0)
        rc = err_set(err, ERR_DENIED,
                     "none of your groups there has a role here (sign_in.oidc groups)");
    free(named);
    return rc;
}

int oidc_read_claims(struct oidc_person *person, const char *provider, struct span config,
                     struct span claims, struct err *err)
{
    double proved = json_double(json_get(claims, "auth_time"), 0);

    memset(person, 0, sizeof *person);
    if (proved > 0 && proved < 1e11)
        person->proved_ms = (int64_t)proved * 1000;
    if (read_who(person, provider, config, claims, err) != 0)
        return err->code;
    return read_roles(person, config, claims, err);
}
