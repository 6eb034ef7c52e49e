/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/ip.h - cordon/ip.h for the core: addresses in spans.
 */
#pragma once

#include <stdbool.h>

#include <cordon/ip.h>

#include "base/str.h"

/* An address or a prefix; a mapped one is the IPv4 one. */
static inline bool ip_parse(struct span text, struct cordon_ip *ip)
{
    return cordon_ip_parse(text.ptr, text.len, ip);
}

/* Is the text meant as an address, without being one ("203.0.113.007", "10.0.0.1/33")? */
bool ip_is_meant(struct span text);
