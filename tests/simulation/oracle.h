/* SPDX-License-Identifier: Apache-2.0
 * What ought to be answered: the views of the messages below some offsets, worked out from the messages as they were
 * made, with none of the product's code. */
#ifndef TIDEMARK_SIMULATION_ORACLE_H
#define TIDEMARK_SIMULATION_ORACLE_H

#include "database.h"

#define ORACLE_ROWS 128
#define ORACLE_AMOUNT(cents) (1u << ((cents) / 101 + 1)) /* of the few that a message can have */

struct oracle_row {
    int64_t window_s;
    int category; /* of BY_DAY; -1 */
    int64_t count, cents;
    unsigned amounts; /* those that there are, as ORACLE_AMOUNT */
};

struct oracle_answer {
    size_t count;
    struct oracle_row rows[ORACLE_ROWS];
    int64_t consumed, bad, live; /* live versions */
};

struct oracle_question {
    const struct topic *topic;
    bool keeps_first, has_versions; /* of a source's rule for duplicates */
    bool takes_all_amounts;
    bool by_day;                                          /* and category; else by minute */
    int64_t from[TOPIC_PARTITIONS], to[TOPIC_PARTITIONS]; /* offsets; empty where to <= from */
    const struct database_losses *losses;                 /* of messages that nobody could read; NULL none */
    bool lost[TOPIC_PARTITIONS];                          /* of what lay there before the tail was lost */
};

/* False where there are no such messages. */
bool oracle_answer(const struct oracle_question *question, struct oracle_answer *ret_answer);

#endif
