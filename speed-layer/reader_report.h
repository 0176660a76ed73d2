/* SPDX-License-Identifier: Apache-2.0
 * What a thread that reads partitions, a worker or a detector, says of itself to other threads: how its partitions are,
 * and when it last came round. */
#ifndef TIDEMARK_SPEED_READER_REPORT_H
#define TIDEMARK_SPEED_READER_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* Written by its thread, read by anybody; zero before its first turn. */
struct reader_report {
    _Atomic int64_t turned_us;   /* monotonic time of its last turn; 0: none yet */
    _Atomic bool has_assignment; /* the group has given its word, maybe nothing */
    _Atomic bool suspended;      /* the real-time store takes no commits */
    _Atomic int owned;           /* partitions, and of them: */
    _Atomic int closed, stopped, unreadable;
};

/* It began, and hasn't come round for longer than `turn_us`, the longest that a turn takes. */
bool reader_report_is_stuck(const struct reader_report *report, int64_t turn_us);

/* Appends what hinders `reader` ("worker 0"), a line each; nothing where it does its work. */
void reader_report_append_hindrances(const struct reader_report *report, int64_t turn_us, const char *reader,
                                     struct buffer *out);

#endif
