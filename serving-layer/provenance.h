/* SPDX-License-Identifier: Apache-2.0
 * What an answer rests on, so that anyone can recompute what it says: epoch and cut, offsets, and what is missing. */
#ifndef TIDEMARK_SERVING_PROVENANCE_H
#define TIDEMARK_SERVING_PROVENANCE_H

#include "merged/completeness.h"
#include "merged/snapshot.h"
#include "view_query.h"

/* All of these with the snapshot's read lock held. */

/* The range asked for begins before what the retention keeps; or, without `from`, a longer window than the view's does
 * of which a part is kept, and which therefore isn't given. */
bool query_is_expired(const struct snapshot *snapshot, size_t view, const struct view_query *query);

/* As JSON on one line. `query` may be NULL: then no range is looked at. */
void provenance_append(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       struct buffer *out);

/* All that a provenance says but its lag, as a number: lag changes where the state doesn't. Without any lock. */
uint64_t provenance_state(struct text provenance);

/* A time in UTC in quotes, or null where it is 0. */
void append_time_or_null(int64_t at_us, struct buffer *out);
/* A number, or null where it is negative. */
void append_number_or_null(int64_t number, struct buffer *out);

#endif
