/* SPDX-License-Identifier: Apache-2.0
 * The event times that a detector's state reaches over, in spans of equal length: what came first of each, for the
 * floor, and what leaves the state with it. */
#ifndef TIDEMARK_DETECT_TIMELINE_H
#define TIDEMARK_DETECT_TIMELINE_H

#include "detect/detector.h"

struct span_bytes;

struct span {
    int64_t number;                   /* its event times divided by the length, rounded down */
    int64_t first_offset;             /* the least offset that anything in it needs */
    int64_t clock_before_us;          /* of the partition, before that; CLOCK_NONE where it had none */
    uint32_t transactions[RULES_MAX]; /* lists of window nodes, one a rule */
    uint32_t keys;                    /* list of known keys */
    struct span_bytes *bytes;         /* fields of its transactions */
};

#define CLOCK_NONE INT64_MIN

struct timeline {
    int64_t length_us;
    struct span *spans; /* ascending */
    size_t count, capacity;
};

/* The number of the span that this event time is in. */
int64_t timeline_number(const struct timeline *timeline, int64_t event_time_us);

/* The least offset from which the log has to be read, and the clock before it, of all that is there; `none` where
 * nothing is. */
struct floor {
    int64_t offset, clock_before_us;
};
struct floor timeline_floor(const struct timeline *timeline, struct floor none);

/* The span of this event time, made where it is new, and `from` taken into account; NULL where memory is short.
 * *ret_bytes is what it took more. */
struct span *timeline_at(struct timeline *timeline, int64_t event_time_us, struct floor from, size_t *ret_bytes);

/* The first span where all its event times are at or before this, else NULL. */
struct span *timeline_oldest(struct timeline *timeline, int64_t until_us);
/* Removes the first span, whose lists and bytes are empty. */
void timeline_drop_oldest(struct timeline *timeline);

/* Room for `size` bytes, aligned for int64_t, that go with the span; NULL where memory is short. */
void *span_allocate(struct span *span, size_t size, size_t *ret_bytes);
/* Frees them; returns how many bytes that were. */
size_t span_free_bytes(struct span *span);
void timeline_clean_up(struct timeline *timeline);

#endif
