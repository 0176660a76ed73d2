/* SPDX-License-Identifier: Apache-2.0
 * How far a backfill has come, tidemark.backfill: as long as it isn't done. */
#ifndef TIDEMARK_BATCH_BACKFILL_DAYS_H
#define TIDEMARK_BATCH_BACKFILL_DAYS_H

#include "run/backfill.h"

/* SQL that notes that this day of it is done; with the last one nothing is kept of it. */
void backfill_append_note(struct buffer *sql, const struct source *source, const struct backfill *backfill,
                          int64_t day);
/* The first day that isn't done. */
bool backfill_read_day(struct batch *batch, const struct source *source, const struct backfill *backfill,
                       int64_t *ret_day, struct error *error) MUST_CHECK;

#endif
