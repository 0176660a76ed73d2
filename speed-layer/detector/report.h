/* SPDX-License-Identifier: Apache-2.0
 * How a detector is, for those who watch it: its report, which any thread may read, and its metrics. */
#ifndef TIDEMARK_SPEED_DETECTOR_REPORT_H
#define TIDEMARK_SPEED_DETECTOR_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* Written by the reader, read by anybody; zero before its first turn. */
struct detector_report {
    _Atomic int64_t turned_us; /* monotonic time of its last turn; 0: none yet */
    _Atomic bool has_assignment;
    _Atomic int owned, closed, stopped;
};

/* It hasn't come round for so long that nothing explains it. */
bool detector_report_is_stuck(const struct detector_report *report);
/* Appends what hinders the detector, a line each; nothing where it does its work. */
void detector_report_append_hindrances(const struct detector_report *report, const char *detector, struct buffer *out);

#endif
