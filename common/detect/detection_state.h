/* SPDX-License-Identifier: Apache-2.0
 * The parts of a detection, shared by the files that do its work. Internal to detection*.c.
 *
 * Functions that return bool return false where memory is short or the budget is used up; `result` says which. */
#ifndef TIDEMARK_DETECT_DETECTION_STATE_H
#define TIDEMARK_DETECT_DETECTION_STATE_H

#include "detect/detection.h"
#include "detect/key_table.h"
#include "detect/window_tree.h"

/* A `by` value: its transactions. */
struct window_key {
    struct key_hash hash;
    uint64_t kafka_key; /* hash of the one that its transactions have */
    uint32_t root, next;
};

/* A key of a source that ignores later messages with the same: the latest event time that came with it. */
struct known_key {
    struct key_hash hash;
    int64_t event_time_us;
    struct floor from; /* its offset */
    uint32_t next;
};

struct velocity {
    const struct rule *rule;
    size_t number;
    struct window_pool pool;
    struct key_table table;
    struct window_key *keys; /* number 0 is none */
    uint32_t key_count, key_capacity, free_key;
};

/* A transaction that exceeds a rule by the one just taken. */
struct exceeding {
    int64_t event_time_us, offset;
    const void *fields;
    struct velocity *velocity;
    uint32_t node;
};

struct detection {
    const struct detector *detector;
    struct detection_budget *budget;
    uint64_t seed;
    int64_t reach_us, clock_us;
    struct timeline timeline;
    struct velocity *velocities;
    size_t velocity_count;
    struct key_table known_table;
    struct known_key *known; /* number 0 is none */
    uint32_t known_count, known_capacity, free_known;
    size_t bytes;        /* of the budget */
    int64_t fields_from; /* number of the first span that has fields still */
    int64_t entries;
    struct detection_counts counts;

    /* Of the transaction being taken: */
    enum detection_result result;
    struct buffer key;
    struct exceeding *exceeding;
    size_t exceeding_count, exceeding_capacity;
    struct velocity *now; /* whose windows it is being added to */
    struct alert_hit hits[RULES_MAX];
    uint32_t nodes[RULES_MAX]; /* of the hits, WINDOW_NONE for those of expressions */
    size_t hit_count;
};

typedef bool on_alert(void *context, const struct alert *alert);

/* detection_memory.c */

bool detection_fail(struct detection *detection, enum detection_result result); /* sets it; returns false */
/* So many bytes more are used, if the budget has room for them. */
bool detection_take_bytes(struct detection *detection, size_t bytes);
void detection_give_back_bytes(struct detection *detection, size_t bytes);
/* Room behind the last of `count` entries of an array. */
bool detection_reserve(struct detection *detection, void **entries, size_t size, uint32_t count, uint32_t *capacity);
/* The span of this event time, which needs the log from `from` on; NULL as false. */
struct span *detection_span(struct detection *detection, int64_t event_time_us, struct floor from);
/* The latest event time that is out of reach. */
int64_t detection_out_of_reach_us(const struct detection *detection);

/* detection_keys.c: the keys of a source that ignores later messages with the same */

/* Takes note of the transaction's key; *ret_is_known: the state knew it already. */
bool detection_note_key(struct detection *detection, const struct transaction *transaction, bool *ret_is_known);
/* Those of a span that leaves; what came again with a later event time moves on to its span. */
bool detection_forget_keys(struct detection *detection, uint32_t first, int64_t until_us);

/* detection_windows.c */

/* Adds the transaction to the windows of its values; the hits, and what exceeds by it, are noted. */
bool detection_add_to_windows(struct detection *detection, const struct transaction *transaction,
                              bool *ret_is_misplaced);
/* Those of a span that leaves. */
void detection_forget_transactions(struct detection *detection, struct velocity *velocity, uint32_t first,
                                   int64_t until_us);
void detection_hit(struct detection *detection, size_t rule, int64_t count, uint32_t node);

/* detection_alerts.c */

/* Judges the transaction by all rules and sends the alerts. */
bool detection_judge(struct detection *detection, const struct transaction *transaction, on_alert *send, void *context);

#endif
