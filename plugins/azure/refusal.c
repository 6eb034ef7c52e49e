/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

enum { FAMILY_ANY = -1 };

/* The first row that fits counts. */
struct refusal_row {
    int family;        /* enum family, or FAMILY_ANY */
    int status;        /* 0: any of 4xx and 5xx */
    const char *code;  /* NULL: any */
    const char *words; /* that the sentence holds, in any letter case; NULL: any */
    enum refusal is;
};

static const struct refusal_row table[] = {
    /* Final, though their words read as if they passed. */
    { FAMILY_ANY, 0, "ScopeLocked", NULL, REFUSAL_FINAL },
    { FAMILY_ANY, 0, "ReadOnlyDisabledSubscription", NULL, REFUSAL_FINAL },
    { FAMILY_ANY, 0, "RequestDisallowedByPolicy", NULL, REFUSAL_FINAL },
    { FAMILY_ANY, 0, "DenyAssignmentAuthorizationFailed", NULL, REFUSAL_FINAL },
    { FAMILY_ANY, 0, "ObjectIsDeletedButRecoverable", NULL, REFUSAL_FINAL },
    { FAMILY_ANY, 0, "ForbiddenByFirewall", NULL, REFUSAL_FINAL },

    /* The metadata service: while it starts, or is updated. */
    { FAMILY_IMDS, 404, NULL, NULL, REFUSAL_PASSES },
    { FAMILY_IMDS, 410, NULL, NULL, REFUSAL_PASSES },

    /* Sign-in. https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
    { FAMILY_LOGIN, 0, "temporarily_unavailable", NULL, REFUSAL_PASSES },
    { FAMILY_LOGIN, 0, "server_error", NULL, REFUSAL_PASSES },
    { FAMILY_LOGIN, 0, "AADSTS90006", NULL, REFUSAL_PASSES },  /* outside error */
    { FAMILY_LOGIN, 0, "AADSTS90012", NULL, REFUSAL_PASSES },  /* timed out */
    { FAMILY_LOGIN, 0, "AADSTS90020", NULL, REFUSAL_PASSES },  /* claims not ready */
    { FAMILY_LOGIN, 0, "AADSTS90024", NULL, REFUSAL_PASSES },  /* request budget */
    { FAMILY_LOGIN, 0, "AADSTS90033", NULL, REFUSAL_PASSES },  /* transient */
    { FAMILY_LOGIN, 0, "AADSTS90055", NULL, REFUSAL_PASSES },  /* tenant throttled */
    { FAMILY_LOGIN, 0, "AADSTS50196", NULL, REFUSAL_PASSES },  /* asked too often */
    { FAMILY_LOGIN, 0, "AADSTS700024", NULL, REFUSAL_PASSES }, /* assertion out of time */
    { FAMILY_LOGIN, 0, "AADSTS70021", "propagat", REFUSAL_PASSES },
    { FAMILY_LOGIN, 0, "AADSTS700211", "propagat", REFUSAL_PASSES },

    /* Key Vault. */
    { FAMILY_VAULT, 503, NULL, "read-only", REFUSAL_PASSES },
    { FAMILY_VAULT, 503, NULL, "read only", REFUSAL_PASSES },
    { FAMILY_VAULT, 0, "ObjectIsBeingDeleted", NULL, REFUSAL_PASSES },
    { FAMILY_VAULT, 0, "ObjectIsBeingRecovered", NULL, REFUSAL_PASSES },
    { FAMILY_VAULT, 409, NULL, "being deleted", REFUSAL_PASSES },
    { FAMILY_VAULT, 409, NULL, "being recovered", REFUSAL_PASSES },
    { FAMILY_VAULT, 409, NULL, "being purged", REFUSAL_PASSES },
    { FAMILY_VAULT, 409, NULL, "conflict", REFUSAL_PASSES },
    { FAMILY_VAULT, 403, "ForbiddenByRbac", NULL, REFUSAL_TOKEN },
    { FAMILY_VAULT, 403, "AccessDenied", NULL, REFUSAL_TOKEN },

    /* Storage. */
    { FAMILY_STORAGE, 503, "ServerBusy", NULL, REFUSAL_PASSES },
    { FAMILY_STORAGE, 409, "QueueBeingDeleted", NULL, REFUSAL_PASSES },
    { FAMILY_STORAGE, 409, "QueueBeingDisabled", NULL, REFUSAL_PASSES },
    { FAMILY_STORAGE, 0, "AccountBeingCreated", NULL, REFUSAL_PASSES },
    { FAMILY_STORAGE, 403, "AuthorizationPermissionMismatch", NULL, REFUSAL_TOKEN },

    /* Role assignments: the directory is not the same everywhere yet. */
    { FAMILY_AUTHORIZATION, 400, "PrincipalNotFound", NULL, REFUSAL_PASSES },
    { FAMILY_AUTHORIZATION, 0, NULL, "replication delay", REFUSAL_PASSES },

    /* App Service. */
    { FAMILY_WEB, 409, "59205", NULL, REFUSAL_PASSES },
    { FAMILY_WEB, 409, "59206", NULL, REFUSAL_PASSES },
    { FAMILY_WEB, 409, NULL, "exclusive lock", REFUSAL_PASSES },

    /* Network. */
    { FAMILY_NETWORK, 0, "ReferencedResourceNotProvisioned", NULL, REFUSAL_PASSES },
    { FAMILY_NETWORK, 0, "RetryableErrorDueToAnotherOperation", NULL, REFUSAL_PASSES },

    /* Microsoft Graph. */
    { FAMILY_GRAPH, 403, "Authorization_RequestDenied", NULL, REFUSAL_TOKEN },
    { FAMILY_GRAPH, 403, "Forbidden", NULL, REFUSAL_TOKEN },
    { FAMILY_GRAPH, 403, "accessDenied", NULL, REFUSAL_TOKEN },
    { FAMILY_GRAPH, 0, "Directory_ConcurrencyViolation", NULL, REFUSAL_PASSES },

    /* Each of them. */
    { FAMILY_ANY, 429, NULL, NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "AnotherOperationInProgress", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "AnotherOperationIsInProgress", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "OperationInProgress", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "RetryableError", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 409, "ResourceBusy", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "ConflictingConcurrentWriteNotAllowed", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "ConcurrentUpdateError", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "SubscriptionRequestsThrottled", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "ResourceRequestsThrottled", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "TenantRequestsThrottled", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 0, "OperationThrottled", NULL, REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "another operation", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "operation is in progress", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "operation in progress", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "operations in progress", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "being updated", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "being modified", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "is busy", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "retry the request", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "retry the operation", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "please retry", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "please try again", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "concurrent", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "try again later", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "try again in", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "try again after", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "retry later", REFUSAL_PASSES },
    { FAMILY_ANY, 409, NULL, "retry after", REFUSAL_PASSES },
    { FAMILY_ANY, 423, NULL, "in progress", REFUSAL_PASSES },
    { FAMILY_ANY, 403, "AuthorizationFailed", NULL, REFUSAL_TOKEN },
    { FAMILY_ANY, 403, "LinkedAuthorizationFailed", NULL, REFUSAL_TOKEN },
    { FAMILY_ANY, 403, NULL, "refresh your credentials", REFUSAL_TOKEN },
};

static bool row_fits(const struct refusal_row *row, enum family family, int status,
                     const struct fault *fault)
{
    return (row->family == FAMILY_ANY || row->family == (int)family) &&
           (row->status == 0 || row->status == status) &&
           (row->code == NULL || fault_has(fault, row->code)) &&
           (row->words == NULL || strcasestr(fault->message, row->words) != NULL);
}

enum refusal refusal_of(enum family family, int status, const struct fault *fault)
{
    /* The metadata service marks its answers with nothing, and answers with pages. */
    if (fault->is_foreign && family != FAMILY_IMDS)
        return status == 429 ? REFUSAL_PASSES : REFUSAL_FINAL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (row_fits(&table[i], family, status, fault))
            return table[i].is;
    return REFUSAL_FINAL;
}

/* The last provider of the path: a role assignment of a site is the directory's matter. */
enum family refusal_family(const char *url)
{
    static const struct {
        const char *provider;
        enum family family;
    } providers[] = {
        { "Microsoft.Web/", FAMILY_WEB },
        { "Microsoft.Network/", FAMILY_NETWORK },
        { "Microsoft.Authorization/", FAMILY_AUTHORIZATION },
    };
    static const char mark[] = "/providers/";
    const char *last = NULL;

    for (const char *at = url; (at = strcasestr(at, mark)) != NULL;)
        last = at += sizeof mark - 1;
    for (size_t i = 0; last != NULL && i < sizeof providers / sizeof *providers; i++)
        if (strncasecmp(last, providers[i].provider, strlen(providers[i].provider)) == 0)
            return providers[i].family;
    return FAMILY_ARM;
}

const char *refusal_hint(const struct fault *fault)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        { "AADSTS53003", "a Conditional Access policy blocks it: exclude this identity, or "
                         "let this address through" },
        { "AADSTS7000222", "the client secret has expired: make a new one" },
        { "AADSTS7000215", "the client secret is wrong: give its value, not its id" },
        { "AADSTS7000112", "the application is disabled: enable it" },
        { "AADSTS700016", "the tenant has no application with this client_id" },
        { "AADSTS90002", "there is no such tenant" },
        { "AADSTS700027", "the certificate or assertion is not the application's" },
        { "AADSTS70021", "no federated credential of the application fits the token" },
        { "AADSTS700211", "no federated credential of the application fits the token" },
        { "AADSTS500011", "the tenant does not know the service that is asked for" },
    };

    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (fault_has(fault, hints[i].code))
            return hints[i].hint;
    return "";
}
