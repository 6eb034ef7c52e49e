/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/allow.h - which hosts may be talked to, decided twice: by name, and by address.
 *
 * The list holds host globs ("management.azure.com", "*.vault.azure.net"), addresses and
 * networks ("10.1.0.0/16", "127.0.0.1", "fd00::/8"); a name may carry ":port", and then only
 * that port fits.
 *
 * By name, before anything is resolved: the host must fit a glob; a host written as an
 * address may instead lie in a listed network. By address, after DNS and for each address
 * that would be connected to: addresses that do not belong to the public internet (loopback,
 * private, link-local with 169.254.169.254, carrier, multicast, documentation, Azure's
 * 168.63.129.16) must be listed as address or network; "localhost" lists the loopback ones
 * for the name localhost. So a public name that resolves to a private address leads nowhere,
 * however the address is spelt, and a glob never opens one.
 *
 * Plain http reaches only listed addresses: the simulator, a metadata service.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/str.h"

struct err;

enum { ALLOW_ENTRIES_MAX = 256 };

struct allow {
    struct allow_entry *entries;
    size_t count;
};

/* entries: NULL at the end. Copied. */
int allow_init(struct allow *allow, const char *const *entries, struct err *err);
void allow_fini(struct allow *allow);

/* host: without brackets. 0 or ERR_DENIED. */
int allow_host(const struct allow *allow, struct span host, int port, struct err *err);
/* host is what was resolved; is_plain: without TLS. 0 or ERR_DENIED. */
int allow_address(const struct allow *allow, struct span host,
                  const struct sockaddr *address, bool is_plain, struct err *err);
