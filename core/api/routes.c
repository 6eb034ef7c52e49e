/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/routes.c - all that there is: method, path, where, for whom, what body, who answers.
 *
 * A route without a role, a listener, a content or a handler does not build.
 */
#include "api/route.h"

#include "api/console.h"
#include "api/health.h"
#include "api/hooks.h"
#include "api/metrics.h"
#include "api/oidc.h"
#include "api/signin.h"
#include "api/v1.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): members of a struct */
#define ROUTE(METHOD, PATH, LISTENERS, ROLES, CONTENT, HANDLER)                 \
    {                                                                           \
        .method = METHOD_##METHOD + 0 * sizeof(char[(ROLES) != 0 ? 1 : -1]) +   \
                  0 * sizeof(char[(LISTENERS) != 0 ? 1 : -1]),                  \
        .path = PATH, .listeners = LISTENERS, .roles = ROLES,                   \
        .content = CONTENT_##CONTENT, .handler = HANDLER, .operation = #HANDLER \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

enum { BOTH = LISTENER_CONSOLE | LISTENER_INGRESS };

const struct route routes[] = {
    ROUTE(GET, "/healthz", BOTH, ROLE_ANYBODY, NONE, get_health),
    ROUTE(GET, "/readyz", BOTH, ROLE_ANYBODY, NONE, get_ready),
    ROUTE(GET, "/", LISTENER_CONSOLE, ROLE_ANYBODY, NONE, go_to_console),
    ROUTE(GET, "/console/", LISTENER_CONSOLE, ROLE_ANYBODY, NONE, get_console),
    ROUTE(GET, "/console/{file}", LISTENER_CONSOLE, ROLE_ANYBODY, NONE, get_console_file),
    { .method = METHOD_POST,
      .path = "/hooks/{source}",
      .listeners = LISTENER_INGRESS,
      .roles = ROLE_SOURCE,
      .content = CONTENT_ANY,
      .handler = post_hook,
      .operation = "post_hook",
      .body_max = HOOKS_BODY_MAX }, /* each source may have less */
    ROUTE(OPTIONS, "/hooks/{source}", LISTENER_INGRESS, ROLE_SOURCE, NONE, greet_hook),
    /* what may be seen by everybody who is somebody */
    ROUTE(GET, "/v1/runs", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_runs),
    ROUTE(GET, "/v1/runs/{run}", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_run),
    ROUTE(GET, "/v1/runs/{run}/steps", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE,
          list_run_steps),
    ROUTE(GET, "/v1/runs/{run}/events", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, follow_run),
    ROUTE(GET, "/v1/gates", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_gates),
    ROUTE(GET, "/v1/gates/{gate}", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_gate),
    ROUTE(GET, "/v1/holds", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_holds),
    ROUTE(GET, "/v1/playbooks", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_playbooks),
    ROUTE(GET, "/v1/playbooks/{name}", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE,
          get_playbook),
    ROUTE(GET, "/v1/actions", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_actions),
    ROUTE(GET, "/v1/policy", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_policy),
    ROUTE(GET, "/v1/halts", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_halts),
    ROUTE(GET, "/v1/alerts", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, list_alerts),
    ROUTE(GET, "/v1/alerts/{alert}", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_alert),
    ROUTE(GET, "/v1/deliveries/unreadable", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE,
          list_unreadable),
    ROUTE(GET, "/v1/events", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, follow_changes),
    ROUTE(GET, "/v1/openapi.json", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_openapi),
    ROUTE(GET, "/metrics", LISTENER_CONSOLE, ROLE_VIEWER | ROLE_ADMIN, NONE, get_metrics),
    /* whatever starts or goes on with something: all of them alike */
    ROUTE(POST, "/v1/runs", LISTENER_CONSOLE, ROLE_RESPONDER, JSON, start_run),
    ROUTE(POST, "/v1/runs/{run}/rollback", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          roll_back_run),
    ROUTE(POST, "/v1/runs/{run}/recover", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          recover_run),
    ROUTE(POST, "/v1/runs/{run}/cancel", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          cancel_run),
    ROUTE(POST, "/v1/runs/{run}/retry", LISTENER_CONSOLE, ROLE_RESPONDER, JSON, retry_run),
    ROUTE(POST, "/v1/runs/{run}/settle", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          settle_run),
    ROUTE(POST, "/v1/runs/{run}/signal", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          signal_run),
    ROUTE(POST, "/v1/runs/{run}/release", LISTENER_CONSOLE, ROLE_RESPONDER, JSON,
          release_hold),
    ROUTE(POST, "/v1/holds/check", LISTENER_CONSOLE, ROLE_RESPONDER, JSON, check_holds),
    ROUTE(POST, "/v1/halts", LISTENER_CONSOLE, ROLE_RESPONDER, JSON, set_halt),
    ROUTE(DELETE, "/v1/halts/{scope}", LISTENER_CONSOLE, ROLE_ADMIN, JSON, lift_halt),
    /* what people say: the policy says which of them */
    ROUTE(POST, "/v1/gates/{gate}/votes", LISTENER_CONSOLE, ROLE_APPROVER, JSON,
          vote_at_gate),
    ROUTE(POST, "/v1/gates/{gate}/answer", LISTENER_CONSOLE, ROLE_APPROVER, JSON,
          answer_gate),
    ROUTE(POST, "/v1/runs/{run}/break-glass", LISTENER_CONSOLE, ROLE_APPROVER, JSON,
          break_glass),
    ROUTE(POST, "/v1/runs/{run}/review", LISTENER_CONSOLE, ROLE_APPROVER, JSON,
          review_break_glass),
    /* what authors try, and nothing keeps */
    ROUTE(POST, "/v1/check", LISTENER_CONSOLE, ROLE_AUTHOR, JSON, check_source),
    ROUTE(POST, "/v1/test", LISTENER_CONSOLE, ROLE_AUTHOR, JSON, test_playbook),
    ROUTE(POST, "/v1/policy/test", LISTENER_CONSOLE, ROLE_AUTHOR, JSON, test_policy),
    /* who somebody is */
    ROUTE(GET, "/v1/me", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, get_me),
    ROUTE(GET, "/v1/tokens", LISTENER_CONSOLE, ROLE_ADMIN, NONE, list_tokens),
    ROUTE(POST, "/v1/tokens", LISTENER_CONSOLE, ROLE_ADMIN, JSON, create_token),
    ROUTE(DELETE, "/v1/tokens/{token}", LISTENER_CONSOLE, ROLE_ADMIN, JSON, revoke_token),
    ROUTE(GET, "/sign-in", LISTENER_CONSOLE, ROLE_ANYBODY, NONE, list_sign_ins),
    ROUTE(POST, "/sign-in", LISTENER_CONSOLE, ROLE_ANYBODY, JSON, sign_in),
    ROUTE(POST, "/sign-in/again", LISTENER_CONSOLE, ROLE_SIGNED_IN, JSON, sign_in_again),
    ROUTE(POST, "/sign-out", LISTENER_CONSOLE, ROLE_SIGNED_IN, NONE, sign_out),
    ROUTE(POST, "/sign-in/oidc/{name}", LISTENER_CONSOLE, ROLE_ANYBODY, NONE, begin_oidc),
    ROUTE(GET, "/sign-in/oidc/{name}/callback", LISTENER_CONSOLE, ROLE_ANYBODY, NONE,
          end_oidc),
    { .path = NULL },
};
_Static_assert(sizeof routes / sizeof *routes <= ROUTES_MAX,
               "requests are counted by route");
