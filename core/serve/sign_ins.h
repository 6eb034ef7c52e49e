/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/sign_ins.h - the part of cordon.lua that says how people sign in:
 *
 *     sign_in = {
 *       ["local"] = true,                -- with passwords of cordon user; true when not given
 *       oidc = { entra = {
 *         issuer = "https://login.microsoftonline.com/TENANT/v2.0",
 *         client_id = "...", client_secret = "entra-secret",  -- the name of a secret
 *         groups = { ["GUID"] = { "viewer", "approver" } },   -- roles of a group's members
 *         claim = "sub",                 -- who somebody is: "entra:VALUE"
 *         groups_claim = "groups", scopes = { "openid" }, algs = { "RS256" },
 *         hosts = { "oauth2.example" },  -- of its endpoints, when not the issuer's
 *         ca = "ca.pem",                 -- in place of the system's certificates
 *         plain_http_loopback = false,   -- an issuer on this machine, for tests
 *       } },
 *     }
 */
#pragma once

#include "base/json.h"

struct err;
struct serve;

enum { SIGN_IN_PROVIDERS_MAX = 8, SIGN_IN_NAME_MAX = 32 };

int sign_ins_check(struct span sign_in, struct err *err);
/* Writes what the console's front needs of it, with the secrets themselves. */
int sign_ins_write(struct serve *serve, struct json_out *out, struct err *err);
