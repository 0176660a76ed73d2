/* SPDX-License-Identifier: Apache-2.0
 * A summary of Parquet files as one script of SQL, which DuckDB's own programs run as it stands. */
#ifndef TIDEMARK_BATCH_EXPLAINED_SUMMARY_H
#define TIDEMARK_BATCH_EXPLAINED_SUMMARY_H

#include "config/settings.h"

/* Appends it, for a day (since 1970) whose files are there: what they have says how they are read. ERROR_USAGE where
 * they are NDJSON or CSV, which the decoder judges, and no SQL. */
bool explained_summary_append(const struct settings *settings, const struct job *job, int64_t day, struct buffer *sql,
                              struct error *error) MUST_CHECK;

#endif
