/* SPDX-License-Identifier: Apache-2.0
 * Files of NDJSON and CSV, and tables that are joined, each row a message, judged by the decoder of topics and put into
 * a table of DuckDB.
 *
 * Its columns are those of files_sql.h, with decimals in minor units. */
#ifndef TIDEMARK_BATCH_TEXT_FILES_H
#define TIDEMARK_BATCH_TEXT_FILES_H

#include "config/settings.h"
#include "engine/duckdb/session.h"
#include "lake/lake_files.h"
#include "record/record.h"

struct text_files {
    const struct settings *settings; /* where PostgreSQL is */
    const struct schema *schema;
    const struct lake_folder *folder;
    bool is_log;      /* orders; else rows that are joined: without key, event time and decimals */
    const char *name; /* of the table */
};

/* Makes the table and fills it. ret_has[field]: some row has a value of it, or a CSV file has its column. ERROR_DATA
 * where a file isn't what its ending says. */
bool text_files_load(const struct text_files *files, struct duckdb_session *session, bool ret_has[FIELDS_MAX],
                     struct error *error) MUST_CHECK;

/* Whether rows have columns for their partition and offset, null where a row says nothing of them. */
bool text_files_has_offsets(const struct text_files *files);

/* The table as the query of files_sql.h, of the fields that are wanted. */
void text_files_append(const struct text_files *files, const bool wants[], const char *version, struct buffer *sql);

#endif
