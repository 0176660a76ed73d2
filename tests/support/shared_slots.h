/* SPDX-License-Identifier: Apache-2.0
 * A realtime_store that keeps slots but no cells, flat, so that it can lie in memory shared with child processes. */
#ifndef TIDEMARK_TESTS_SHARED_SLOTS_H
#define TIDEMARK_TESTS_SHARED_SLOTS_H

#include "ports/realtime_store.h"

#define MEMORY_SLOTS 1100

struct shared_slots {
    struct realtime_store store;
    struct slot slots[MEMORY_SLOTS];     /* by partition */
    struct slot_definitions definitions; /* of each partition; what a test says, but for what is forgotten */
    bool others_are_used;                /* so that they aren't forgotten for being idle */
    bool down;                           /* every call is ERROR_UNAVAILABLE */
};

void shared_slots_init(struct shared_slots *store);

/* As a speed process does with a partition that has no slot: the epoch begins at `offset`. */
void shared_slots_begin(struct shared_slots *store, int32_t partition, int64_t first, int64_t epoch, int64_t offset);

#endif
