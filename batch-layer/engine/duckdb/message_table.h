/* SPDX-License-Identifier: Apache-2.0
 * Messages on their way from PostgreSQL into a file of Parquet, which DuckDB writes while they come. */
#ifndef TIDEMARK_BATCH_MESSAGE_TABLE_H
#define TIDEMARK_BATCH_MESSAGE_TABLE_H

#include "engine/duckdb/row_stream.h"
#include "postgres/copy_rows.h"
#include "view/view.h"

struct message_table {
    const struct schema *schema;
    struct duckdb_session *session;
    struct copy_rows rows;
    struct row_stream stream;
    struct stream_column columns[STREAM_COLUMNS_MAX];
    struct text values[STREAM_COLUMNS_MAX]; /* scratch */
    int64_t messages, live;                 /* that were written */
};

/* The columns of a message in PostgreSQL's SQL, of raw.<source> as r; and how many they are. */
void message_table_columns(const struct schema *schema, struct buffer *sql);
size_t message_table_column_count(const struct schema *schema);

/* `live`: rows of partition and offset, of the versions that live; others may be among them. Keeps them. */
bool message_table_open(struct message_table *table, const struct schema *schema, struct duckdb_session *session,
                        struct copy_rows live, struct error *error) MUST_CHECK;
/* `messages`: about so many rows of message_table_columns. Writes them, by partition and offset, to this file. */
bool message_table_write(struct message_table *table, struct copy_rows messages, int64_t count, const char *path,
                         struct error *error) MUST_CHECK;
void message_table_clean_up(struct message_table *table); /* before the connection is used otherwise */

#endif
