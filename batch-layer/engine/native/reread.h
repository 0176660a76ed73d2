/* SPDX-License-Identifier: Apache-2.0
 * Reads the messages of one partition once more, in log order: what the log has lost from the master dataset, the rest
 * from the log. */
#ifndef TIDEMARK_BATCH_REREAD_H
#define TIDEMARK_BATCH_REREAD_H

#include "master/master.h"

struct reread {
    struct batch *batch;
    const struct source *source;
    int32_t partition;
    int64_t from, to; /* offsets */
    /* A message from either, valid only during the call. */
    bool (*take)(void *context, const struct master_row *message, struct error *error);
    void *context;
};

/* In the transaction that is open. *ret_split: below it the messages came from the master dataset. ERROR_TRY_AGAIN
 * where the log ends before `to`, or loses its head meanwhile. */
bool reread_partition(const struct reread *reread, int64_t *ret_split, struct error *error) MUST_CHECK;

#endif
