/* SPDX-License-Identifier: Apache-2.0
 * The order index of one partition: the latest version of every order from an offset on, the floor.
 *
 * Versions lie in a queue in the order of the log; a hash table of 8-byte buckets points into it. What is older than
 * the horizon, or beyond the memory ceiling, leaves at the front, and the floor moves up. A version that was superseded
 * stays in the queue until then. Keys are known by 93 bits of a hash with a random seed of this process: that two of
 * 2^29 orders, as many as there can be, share one has a chance of 2^-36. The index is a function of the log, so it can
 * be rebuilt from it.
 *
 * Of a source without a batch layer nothing leaves: at the ceiling the index is full. */
#ifndef TIDEMARK_SPEED_INDEX_H
#define TIDEMARK_SPEED_INDEX_H

#include <stdatomic.h>

#include "view/view.h"

/* Memory shared by all indexes of a process. */
struct index_budget {
    _Atomic int64_t used_bytes;
    int64_t ceiling_bytes;
};

struct index;

struct index_key {
    uint64_t low, high;
};

struct index *index_new(const struct source *source, struct index_budget *budget);
void index_destroy(struct index *index);

struct index_key index_key(const struct index *index, struct text key);
/* Begins to load the memory that a look-up of this key will touch. */
void index_prefetch(const struct index *index, struct index_key key);
void index_prefetch_version(const struct index *index, struct index_key key);

/* The latest version of the order with the fields that views add, and what was judged of it; or false. The record's
 * memory is the index's, valid until the next call. */
bool index_find(struct index *index, struct index_key key, struct record *ret_version, uint64_t *ret_judged);

/* Makes this the latest version of its order; `judged` is kept as it is, of the record time milliseconds. One without a
 * record time (-1) is kept like those that came just before it. Where the budget is used up, the oldest leave first.
 * False where memory is short, or the index is full. */
bool index_put(struct index *index, struct index_key key, const struct record *version, uint64_t judged, int64_t offset,
               int64_t record_time_us);

/* Lets versions go whose record time is before `horizon_us`. */
void index_evict(struct index *index, int64_t horizon_us);

/* Every order at or after `offset` is known. None before it has an event time later than `time_us` and max_future
 * together: that is the latest record time before it, or later where a version without one lay further ahead; -1 where
 * it is unknown. Set when the index begins; moved up by eviction. */
struct index_floor {
    int64_t offset, time_us;
};
struct index_floor index_floor(const struct index *index);
void index_set_floor(struct index *index, struct index_floor floor);

size_t index_count(const struct index *index); /* orders known */
bool index_is_full(const struct index *index);
int64_t index_bytes(const struct index *index); /* of the budget; of one that is full with those that it lacked */

#endif
