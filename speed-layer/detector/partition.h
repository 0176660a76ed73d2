/* SPDX-License-Identifier: Apache-2.0
 * One partition that a detector judges: opened at a position, taken message by message, its alerts pending until they
 * are committed with the position behind them. It knows neither Kafka nor threads. */
#ifndef TIDEMARK_SPEED_DETECTOR_PARTITION_H
#define TIDEMARK_SPEED_DETECTOR_PARTITION_H

#include "detect/detection.h"
#include "detector/pending_alerts.h"
#include "ports/log.h"

enum detector_state {
    DETECTOR_CLOSED,
    DETECTOR_OPEN,
    DETECTOR_STOPPED, /* at the ceiling of memory: nothing is judged until it is opened by a process with more, or again
                         where its last alerts weren't committed */
};

struct detector_partition {
    const struct detector *detector;
    int32_t number;
    enum detector_state state;
    struct detection *detection;       /* NULL unless open */
    struct detector_position position; /* as committed; messages below it only fill the state */
    int64_t next;                      /* the offset to take next */
    int64_t record_time_us;            /* of the last message taken; -1: none or unknown */
    int64_t end;                       /* of the log, as last heard */
    int64_t target;                    /* the end when it was first opened; -1: not known yet */
    int64_t gap; /* offsets that were gone from the log before they were judged, and aren't counted yet */
    struct detection_counts counts;  /* since it was opened */
    struct detection_counts counted; /* those of them that the metrics have */
};

/* Where reading the log begins for a position. The state is what the log from its floor on makes it; where the rules
 * have changed since, or reach further back, from `reread` on, which is -1 where that isn't known. `first` is where the
 * log begins. */
struct floor detector_partition_floor(const struct detector *detector, const struct detector_position *position,
                                      int64_t reread);

/* Opens it: what lies between floor and position only fills the state. Both move up to `first` where the log no longer
 * has what is below; what was never judged is a gap. False where memory is short. */
bool detector_partition_open(struct detector_partition *partition, const struct detector_position *position,
                             struct floor floor, int64_t first, struct detection_budget *budget,
                             uint64_t seed) MUST_CHECK;
void detector_partition_close(struct detector_partition *partition);

/* Takes messages in ascending order until all are taken or the pending alerts are full; returns how many it took. Where
 * it stops at the ceiling, or memory is short (then it is closed), it took no more than were judged. */
size_t detector_partition_take(struct detector_partition *partition, struct decoder *decoder,
                               const struct log_message messages[], size_t count, struct pending_alerts *pending);

/* The log shows nothing before `offset` any more. */
void detector_partition_advance(struct detector_partition *partition, int64_t offset);

/* Messages judged since the last commit, and those that were gone before it. */
int64_t detector_partition_uncommitted(const struct detector_partition *partition);
/* What is to be committed with the pending alerts. */
struct detector_position detector_partition_position(const struct detector_partition *partition);
void detector_partition_committed(struct detector_partition *partition, const struct detector_position *position);

#endif
