/* SPDX-License-Identifier: Apache-2.0
 * What a detector knows of one partition, and its judging of one transaction after the other.
 *
 * The state reaches as far back as a transaction that comes may still count: `lateness` and the longest `within` behind
 * the partition's clock. What lies further back leaves it. So the state is a function of the log from the floor on and
 * of the clock before the floor: without that clock a state that is built again would let in what had come too late. */
#ifndef TIDEMARK_DETECT_DETECTION_H
#define TIDEMARK_DETECT_DETECTION_H

#include "detect/alert.h"
#include "detect/timeline.h"

/* The memory that the states of a detector in one process share; one thread. */
struct detection_budget {
    size_t used, ceiling; /* bytes */
};

struct transaction {
    int64_t offset;
    int64_t record_time_us; /* -1 where the record has none */
    struct text kafka_key;  /* data NULL: none */
    const struct record *record;
};

/* Since the state was made; of judged transactions only. */
struct detection_counts {
    int64_t judged;
    int64_t duplicates; /* neither judged nor counted */
    int64_t late;       /* counted for no velocity rule */
    int64_t misplaced;  /* without Kafka key, or with another one than others of the same value */
    int64_t alerts[RULES_MAX];
};

struct detection;

/* The partition's state, empty, as before the floor; `clock_us` is the clock there, CLOCK_NONE where it isn't known.
 * `seed` goes into its hashes. Detector and budget must outlive it. NULL where memory is short. */
struct detection *detection_new(const struct detector *detector, struct detection_budget *budget, int64_t clock_us,
                                uint64_t seed);
void detection_destroy(struct detection *detection); /* NULL is allowed */

enum detection_result {
    DETECTION_TAKEN,
    DETECTION_FULL,      /* the budget's ceiling: the state is of no use any more */
    DETECTION_NO_MEMORY, /* so too */
};

/* Takes the next transaction of the log. With `judge`, `on_alert` is called for each alert: first for the transaction
 * itself, then for earlier ones that exceed by it, in the order of (event time, offset). The alert's memory is valid
 * during the call; the call returns false where memory is short. */
enum detection_result detection_take(struct detection *detection, const struct transaction *transaction, bool judge,
                                     bool (*on_alert)(void *context, const struct alert *alert),
                                     void *context) MUST_CHECK;

/* From where the log has to be read, and the clock before it, to have this state before the offset `position`. */
struct floor detection_floor(const struct detection *detection, int64_t position);

const struct detection_counts *detection_counts(const struct detection *detection);
int64_t detection_clock_us(const struct detection *detection); /* CLOCK_NONE: none yet */
int64_t detection_entries(const struct detection *detection);  /* transactions, once for each velocity rule, and keys */
size_t detection_bytes(const struct detection *detection);

#endif
