/* SPDX-License-Identifier: Apache-2.0
 * A lease in Redis: a key that ends by itself, with who holds it. */
#ifndef TIDEMARK_REDIS_LEASE_H
#define TIDEMARK_REDIS_LEASE_H

#include "ports/lease.h"

/* `url` and `password` as of redis_store_open; `key` is copied. Doesn't connect yet. */
bool redis_lease_open(const char *url, const char *password, const char *key, struct lease **ret_lease,
                      struct error *error) MUST_CHECK;

#endif
