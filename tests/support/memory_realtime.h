/* SPDX-License-Identifier: Apache-2.0
 * realtime_store in memory: the same answers as Redis, for tests that play faults. One source, by up to six
 * definitions. Idle is what no call has read or written for so long by the monotonic clock. */
#ifndef TIDEMARK_TESTS_MEMORY_REALTIME_H
#define TIDEMARK_TESTS_MEMORY_REALTIME_H

#include "ports/realtime_store.h"

#define MEMORY_PARTITIONS_MAX 8
#define MEMORY_DEFINITIONS_MAX 6
#define MEMORY_SLOTS_MAX (MEMORY_DEFINITIONS_MAX * MEMORY_PARTITIONS_MAX)

struct memory_realtime {
    struct realtime_store store;
    const struct source *definitions[MEMORY_DEFINITIONS_MAX]; /* as they were added */
    size_t definition_count;
    struct memory_slot {
        struct slot slot;
        uint64_t written;         /* another number after each write; 0: there is no slot */
        int64_t used_us;          /* monotonic: it was read or written then */
        struct slot_reader cells; /* the panes and ledgers by epoch */
    } slots[MEMORY_SLOTS_MAX];    /* by partition; of one definition after the other */
    struct memory_reader {
        const struct source *definition; /* by which it was begun or committed to last; NULL: not known */
        char id[COMMIT_ID_MAX];
    } readers[MEMORY_PARTITIONS_MAX];
    uint64_t news;      /* the number of the last write; 0: it isn't known */
    bool is_down;       /* every operation fails before it is done */
    bool loses_replies; /* every operation is done, and fails */
};

void memory_realtime_init(struct memory_realtime *memory, const struct source *source);
/* The same source by another definition. */
void memory_realtime_add(struct memory_realtime *memory, const struct source *source);
void memory_realtime_clean_up(struct memory_realtime *memory);

/* Makes `to` hold what `from` holds: a copy to come back to, or the coming back. */
void memory_realtime_copy(struct memory_realtime *to, const struct memory_realtime *from);
void memory_realtime_copy_slot(struct memory_realtime *to, const struct memory_realtime *from, size_t slot);
/* Of whatever definition. */
struct memory_slot *memory_realtime_slot(struct memory_realtime *memory, struct slot_id id);
/* As if it had been deleted: that is no news, as it is none where a slot is copied. */
void memory_realtime_lose(struct memory_realtime *memory, size_t slot);

#endif
