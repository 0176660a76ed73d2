/* SPDX-License-Identifier: Apache-2.0
 * What a worker says of itself to other threads: how its partitions are, and when it last came round. */
#ifndef TIDEMARK_SPEED_WORKER_REPORT_H
#define TIDEMARK_SPEED_WORKER_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buffer.h"

/* Written by the worker, read by anybody; zero before its first turn. */
struct worker_report {
    _Atomic int64_t turned_us; /* monotonic time of its last turn; 0: none yet */
    _Atomic bool has_assignment, suspended;
    _Atomic int owned, closed, stopped, unreadable;
};

/* It began, and hasn't come round for longer than a turn takes, whatever is silent. */
bool worker_report_is_stuck(const struct worker_report *report);

/* Appends what hinders the worker, a line each; nothing where it does its work. */
void worker_report_append_hindrances(const struct worker_report *report, size_t number, struct buffer *out);

#endif
