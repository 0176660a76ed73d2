/* SPDX-License-Identifier: Apache-2.0
 * A realtime_store in memory that keeps slots but no cells: what the batch layer needs of it, with the same rules. */
#ifndef TIDEMARK_TESTS_MEMORY_REALTIME_H
#define TIDEMARK_TESTS_MEMORY_REALTIME_H

#include "ports/realtime_store.h"

#define MEMORY_SLOTS 8

struct memory_realtime {
    struct realtime_store store;
    struct slot slots[MEMORY_SLOTS]; /* by partition */
    bool down;                       /* every call is ERROR_UNAVAILABLE */
};

void memory_realtime_init(struct memory_realtime *store);

/* As a speed process does with a partition that has no slot: the epoch begins at `offset`. */
void memory_realtime_begin(struct memory_realtime *store, const struct source *source, int32_t partition, int64_t first,
                           int64_t epoch, int64_t offset);

#endif
