/* SPDX-License-Identifier: Apache-2.0
 * A lease that is an advisory lock: it lasts as long as the connection that took it, which is the lease's own. */
#ifndef TIDEMARK_POSTGRES_LEASE_H
#define TIDEMARK_POSTGRES_LEASE_H

#include "ports/lease.h"

/* `url` and `password` as of postgres_publications_open; `key` is copied. Doesn't connect yet. */
bool postgres_lease_open(const char *url, const char *password, const char *key, struct lease **ret_lease,
                         struct error *error) MUST_CHECK;

#endif
