/* SPDX-License-Identifier: Apache-2.0
 * The rows of a summary as a table of DuckDB, on its way into files of Parquet. */
#ifndef TIDEMARK_BATCH_SUMMARY_TABLE_H
#define TIDEMARK_BATCH_SUMMARY_TABLE_H

#include "engine/duckdb/session.h"
#include "engine/summary_engine.h"

/* Its columns are the view's dimensions and measures, with tm_count, the versions of each row, and tm_other, those of
 * other days. */
#define SUMMARY_TABLE "tm_summary"

/* Takes the three numbers that are counted from the table: versions, those of other days, rows. */
bool summary_table_count(struct duckdb_session *session, struct summary_day *day, struct error *error) MUST_CHECK;

/* Writes it into day->folder.made, by the job's partitions. */
bool summary_table_write(struct duckdb_session *session, const struct summary_day *day, struct error *error) MUST_CHECK;

/* A row visitor whose context is a list of int64_t *, NULL at its end: takes a number of each column. */
bool summary_take_numbers(void *context, const struct text values[], struct error *error);

#endif
