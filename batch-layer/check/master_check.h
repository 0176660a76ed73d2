/* SPDX-License-Identifier: Apache-2.0
 * Compares the master dataset of one partition with the log, message by message, as far as the log still holds them;
 * and puts right what differs.
 *
 * Rows that only the master dataset has are no mistake: a compacted topic forgets. Nor are fields that are null in a
 * row and not in its message: they were added to the configuration later. */
#ifndef TIDEMARK_BATCH_MASTER_CHECK_H
#define TIDEMARK_BATCH_MASTER_CHECK_H

#include "run/source_run.h"

struct master_check {
    struct source_run *run;
    const struct run_partition *partition;
    int64_t from;            /* compared from here, where log and partition both begin, up to what is ingested */
    int64_t missing, edited; /* messages that aren't in the master dataset; that are something else there */
    int64_t first_missing, first_edited;
    struct buffer first_both;     /* what the first edited one says, in the log and here */
    struct buffer edited_offsets; /* int64_t each */
};

/* ERROR_CONFIGURATION where the topic was made anew. */
bool master_check(struct master_check *check, struct error *error) MUST_CHECK;
/* Takes what is missing or was edited from the log again; the check before must have been of the same state. */
bool master_mend(struct master_check *check, struct error *error) MUST_CHECK;
void master_check_clean_up(struct master_check *check);

#endif
