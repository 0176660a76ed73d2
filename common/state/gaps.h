/* SPDX-License-Identifier: Apache-2.0
 * Offsets whose messages nobody can read any more. */
#ifndef TIDEMARK_STATE_GAPS_H
#define TIDEMARK_STATE_GAPS_H

#include <stddef.h>
#include <stdint.h>

#define GAPS_MAX 8

/* Half-open ranges of offsets whose messages the log no longer held when they were to be read: ascending, apart. Never
 * forgotten: where there are too many, the last is extended over what lies between. */
struct offset_range {
    int64_t from, to;
};
struct gaps {
    struct offset_range ranges[GAPS_MAX];
    size_t count;
};
void gaps_add(struct gaps *gaps, struct offset_range gap); /* not below the last; an empty one is none */
void gaps_drop_below(struct gaps *gaps, int64_t offset);   /* those that end at or before it */

#endif
