/* SPDX-License-Identifier: Apache-2.0
 * realtime_store over Redis functions. One connection, made when first needed and again after any error. */
#ifndef TIDEMARK_REDIS_STORE_H
#define TIDEMARK_REDIS_STORE_H

#include "ports/realtime_store.h"

/* `url` as in the configuration; `password` may be NULL. Doesn't connect yet. Keys are
 * "<name_space>:{<source>/<partition>}:<definition>:…". */
bool redis_store_open(const char *url, const char *password, const char *name_space, struct realtime_store **ret_store,
                      struct error *error) MUST_CHECK;

/* How many fields a read takes at once; 5,000 where this wasn't called. */
void redis_store_read_at_once(struct realtime_store *store, int64_t fields);

#endif
