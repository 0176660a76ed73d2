/* SPDX-License-Identifier: Apache-2.0
 * The real-time store of a configuration: in Redis the slots of the sources that a speed layer reads, and of the others
 * none. Where no source is read by one, there is no Redis either. */
#ifndef TIDEMARK_REDIS_SOURCED_STORE_H
#define TIDEMARK_REDIS_SOURCED_STORE_H

#include "ports/realtime_store.h"
#include "view/view.h"

/* As redis_store_open; the sources outlive it. */
bool sourced_store_open(const char *url, const char *password, const char *name_space, const struct source sources[],
                        size_t source_count, struct realtime_store **ret_store, struct error *error) MUST_CHECK;

#endif
