/* SPDX-License-Identifier: Apache-2.0
 * realtime_store in memory: the same answers as Redis, for tests that play faults. One source. */
#ifndef TIDEMARK_TESTS_MEMORY_REALTIME_H
#define TIDEMARK_TESTS_MEMORY_REALTIME_H

#include "ports/realtime_store.h"

#define MEMORY_PARTITIONS_MAX 8

struct memory_realtime {
    struct realtime_store store;
    const struct source *source;
    struct memory_slot {
        struct slot slot;
        struct slot_reader cells; /* the panes and ledgers by epoch */
    } slots[MEMORY_PARTITIONS_MAX];
    bool is_down;       /* every operation fails before it is done */
    bool loses_replies; /* every operation is done, and fails */
};

void memory_realtime_init(struct memory_realtime *memory, const struct source *source);
void memory_realtime_clean_up(struct memory_realtime *memory);

/* Makes `to` hold what `from` holds: a copy to come back to, or the coming back. */
void memory_realtime_copy(struct memory_realtime *to, const struct memory_realtime *from);
void memory_realtime_copy_slot(struct memory_realtime *to, const struct memory_realtime *from, int32_t partition);
/* As if the store had been emptied. */
void memory_realtime_lose(struct memory_realtime *memory, int32_t partition);

#endif
