/* SPDX-License-Identifier: Apache-2.0
 * The parts of a detector's reader, shared by the files that do its work. Internal to this folder. */
#ifndef TIDEMARK_SPEED_DETECTOR_STATE_H
#define TIDEMARK_SPEED_DETECTOR_STATE_H

#include "base/retry.h"
#include "detector/reader.h"

struct detector_reader {
    const struct detector *detector;
    struct consumer *consumer;
    struct alert_store *store;
    struct decoder *decoder;
    struct detection_budget budget;
    uint64_t seed;
    struct detector_partition *partitions; /* that the group gave to this reader */
    size_t count;
    bool has_assignment; /* the group has given its word, maybe nothing */
    bool must_assign;    /* what is fetched isn't what is open */
    struct pending_alerts pending;
    struct retry retry;           /* of opening, after whatever went wrong */
    struct metrics *metrics;      /* NULL: nothing is counted */
    struct reader_report *report; /* NULL: nobody asks */
    int64_t commit_took_us;       /* the last one */
    int64_t committed_us, troubled_us, misplaced_us, reported_us;
    int64_t misplaced; /* that the log was told of */
    struct error fatal;
};

/* Opens what is closed, from the positions of the group. After a failure it is tried again later; an error that an
 * operator must see to is in `fatal`. */
void detector_open_closed(struct detector_reader *reader);
/* Forgets all that isn't committed, and waits before anything is opened again. */
void detector_close_all(struct detector_reader *reader, const struct error *cause);

/* report.c */

/* Once in a while: how the partitions are. */
void detector_update_report(struct detector_reader *reader);
/* What was judged up to the commit that has just gone through. */
void detector_count_committed(struct detector_reader *reader, struct detector_partition *partition);
/* The partitions go: their lag is another's to tell. */
void detector_forget_lag(struct detector_reader *reader);

#endif
