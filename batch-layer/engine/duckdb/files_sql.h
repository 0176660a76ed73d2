/* SPDX-License-Identifier: Apache-2.0
 * The rows of a folder's files as one query: typed values of declared fields, and why a row is bad.
 *
 * Its columns: tm_file and tm_row, where the row lies (the number of the file in the folder, and of the row in it, both
 * from 0); each wanted field by its name; tm_reason, NULL of a good row. Of a log also tm_event_us, and where the files
 * have them or the log is said to have one, tm_partition, tm_offset and tm_version. */
#ifndef TIDEMARK_BATCH_FILES_SQL_H
#define TIDEMARK_BATCH_FILES_SQL_H

#include "engine/duckdb/text_files.h"
#include "engine/duckdb/value_sql.h"
#include "lake/lake_files.h"

struct files_sql {
    const struct schema *schema;
    const struct lake_folder *folder;
    const struct file_columns *columns; /* of each file of Parquet; NULL: */
    struct text_files texts;            /* of other formats the table that holds their rows, */
    bool has[FIELDS_MAX];               /* and which fields those have */
    bool wants[FIELDS_MAX];             /* a field that no file has is left out; one that some have has to be in all */
    size_t key;                         /* the field that identifies an order, or FIELD_NONE */
    bool is_log;                        /* messages: with an event time, and decimals that are required */
    const char *version;                /* of a log, the column by which versions are ordered, or NULL */
    /* Filled by files_sql_check: what the files of a log have. */
    bool has_offsets, has_live;
};

/* Whether a file has the column. */
bool files_sql_has(const struct files_sql *files, const char *name);

/* Finds out whether all files have what is wanted, in columns that can hold it; ERROR_DATA names the file. */
bool files_sql_check(struct files_sql *files, struct error *error) MUST_CHECK;

/* After the check: the event times that all rows of a log lie in, where the files' statistics prove such. */
bool files_sql_find_times(const struct files_sql *files, int64_t *ret_least, int64_t *ret_most);

/* After the check: the query. */
void files_sql_append(const struct files_sql *files, struct buffer *sql);

#endif
