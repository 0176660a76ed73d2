/* SPDX-License-Identifier: Apache-2.0
 * Backfill: the rows of some days computed again from the live versions, at the published cut. Epoch and cut stay.
 *
 * A day is a transaction, and takes the source's lock by itself, so that runs come between. How far it has come is kept
 * with each day: whoever asks for the same days once more goes on behind the last one that was done. */
#ifndef TIDEMARK_BATCH_BACKFILL_H
#define TIDEMARK_BATCH_BACKFILL_H

#include "batch.h"

struct backfill {
    const char *view; /* the only one, by its name; "" are all of the source */
    int64_t from, to; /* the first day and the last one, days since 1970-01-01 of the file's time zone */
};

/* A pane that is longer than a day belongs to the days that it holds, and is computed once. ERROR_CONFIGURATION where
 * a view isn't published under its definition: the next run makes all of it, and nothing is done. */
bool backfill_source(struct batch *batch, const struct source *source, const struct backfill *backfill,
                     struct error *error) MUST_CHECK;

#endif
