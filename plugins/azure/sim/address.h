/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - what a network security group takes for an address: a prefix without host
 * bits, a service tag, or "*".
 */
#pragma once

#include <stdbool.h>

enum address_kind {
    ADDRESS_BAD, /* no address, a prefix with host bits, or an unknown tag */
    ADDRESS_ANY, /* "*" */
    ADDRESS_TAG,
    ADDRESS_V4,
    ADDRESS_V6
};

enum address_kind address_kind(const char *text);

/* One address or prefix of an access restriction as App Service keeps it: an address gets
 * /32 or /128. Returns text to be freed; what is no address comes back as it was. */
char *address_with_length(const char *text);
