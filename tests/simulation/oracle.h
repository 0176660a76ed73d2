/* SPDX-License-Identifier: Apache-2.0
 * What ought to be answered: the views of the messages below some offsets, worked out from the messages as they were
 * made, with none of the product's code. */
#ifndef TIDEMARK_SIMULATION_ORACLE_H
#define TIDEMARK_SIMULATION_ORACLE_H

#include "database.h"

#define ORACLE_ROWS 2048
#define ORACLE_AMOUNT(cents) (1u << ((cents) / 101 + 1)) /* of the few that a message can have */
#define ORACLE_ALL_CATEGORIES (-1)

struct oracle_row {
    int64_t start_us, end_us;
    int category;
    int64_t count, cents;
    unsigned amounts; /* those that there are, as ORACLE_AMOUNT */
};

struct oracle_answer {
    size_t count;
    struct oracle_row rows[ORACLE_ROWS];
    int64_t consumed, bad, live;         /* live versions */
    int64_t clock_us;                    /* latest event time, of each message no later than its record's; 0: none */
    int64_t clocks_us[TOPIC_PARTITIONS]; /* the same of each partition */
    int64_t late;                        /* messages that counted when they came, and came too late */
};

struct oracle_question {
    const struct topic *topic;
    bool keeps_first, has_versions; /* of a source's rule for duplicates */
    bool takes_all_amounts, by_category;
    int64_t gap_us;         /* rows are sessions; 0: … */
    int64_t pane_us, panes; /* … so many windows of that length, one after the other */
    int64_t from_us, to_us; /* where rows start */
    int64_t wait_us;        /* of the view, for late messages; 0: none is */
    int64_t waits_for_us; /* … for windows of that length, one after the other; negative: for sessions with that gap */
    int64_t from[TOPIC_PARTITIONS], to[TOPIC_PARTITIONS]; /* offsets; empty where to <= from */
    const struct database_losses *losses;                 /* of messages that nobody could read; NULL none */
    bool lost[TOPIC_PARTITIONS];                          /* of what lay there before the tail was lost */
};

/* False where there are no such messages. */
bool oracle_answer(const struct oracle_question *question, struct oracle_answer *ret_answer);

#endif
