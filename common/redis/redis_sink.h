/* SPDX-License-Identifier: Apache-2.0
 * A sink that is a hash: a field for each row, and one for the statement. A micro-batch is one transaction. */
#ifndef TIDEMARK_REDIS_SINK_H
#define TIDEMARK_REDIS_SINK_H

#include "ports/sink_store.h"

#define REDIS_SINK_STATEMENT "_provenance" /* the field that no row has: rows' begin with a brace */

/* `url` and `password` as of redis_store_open; the hash has the key "<prefix>:<name>". Doesn't connect yet. */
bool redis_sink_open(const char *url, const char *password, const char *prefix, const char *name,
                     struct sink_store **ret_store, struct error *error) MUST_CHECK;

#endif
