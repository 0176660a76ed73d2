/* SPDX-License-Identifier: Apache-2.0
 * A job that archives a source: its messages of a business day, from PostgreSQL to a file of Parquet in a folder that
 * is put in place as a whole, with a manifest. */
#ifndef TIDEMARK_BATCH_ARCHIVE_H
#define TIDEMARK_BATCH_ARCHIVE_H

#include "config/settings.h"

/* Of one day, as days since 1970. *ret_orders: the versions of that day that count. What was there stays where it
 * fails. The day is handed on to the jobs that come after. */
bool archive_run(const struct settings *settings, const struct job *job, int64_t day, int64_t *ret_orders,
                 struct error *error) MUST_CHECK;

/* The days that changed since the job wrote them, ascending; on the heap. */
bool archive_owed_days(const struct settings *settings, const struct job *job, int64_t **ret_days, size_t *ret_count,
                       struct error *error) MUST_CHECK;

#endif
