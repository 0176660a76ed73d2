/* SPDX-License-Identifier: Apache-2.0
 * What raw.<source> has for people and jobs, and live.<source> beside it.
 *
 * raw.<source> has each message's event time as `timestamp`, and as `date`, indexed, in the time zone of the file; not
 * where a field has one of the names. live.<source> is an SQL view with the
 * columns of raw.<source>, and of each order one row: the version that counts at the published cut. */
#ifndef TIDEMARK_BATCH_DAY_COLUMNS_H
#define TIDEMARK_BATCH_DAY_COLUMNS_H

#include "batch.h"

/* "live.<source>", quoted. */
void append_live_view(struct buffer *sql, const struct source *source);

/* Makes the columns where the table doesn't have them yet, and notes the days of the messages that it has.
 * ERROR_CONFIGURATION where they were made with another time zone, or somebody dropped one. */
bool day_columns_follow(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* The view has the columns that the table has; what was granted on it stays. */
bool live_view_follow(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* Before a column of the table gets another type, the view has to go. live_view_follow makes it again, with `grants`,
 * SQL that the caller frees. */
bool live_view_drop(struct batch *batch, const struct source *source, struct buffer *ret_grants,
                    struct error *error) MUST_CHECK;

#endif
