/* SPDX-License-Identifier: Apache-2.0
 * Messages on their way from PostgreSQL into a file of Parquet, as a table of DuckDB. */
#ifndef TIDEMARK_BATCH_MESSAGE_TABLE_H
#define TIDEMARK_BATCH_MESSAGE_TABLE_H

#include <libpq-fe.h>

#include "engine/duckdb/session.h"
#include "view/view.h"

struct message_table {
    const struct schema *schema;
    struct duckdb_session *session;
    struct duckdb_appender *appender;
    int64_t messages, live; /* so far */
};

/* Makes the table. */
bool message_table_open(struct message_table *table, const struct schema *schema, struct duckdb_session *session,
                        struct error *error) MUST_CHECK;
/* Adds rows of PostgreSQL whose columns are those of message_table_columns. */
bool message_table_add(struct message_table *table, const PGresult *rows, struct error *error) MUST_CHECK;
/* All rows are there. Whoever leaves before this calls it too, without an interest in the error. */
bool message_table_close(struct message_table *table, struct error *error) MUST_CHECK;
/* Writes them, by partition and offset, to this file. */
bool message_table_write(const struct message_table *table, const char *path, struct error *error) MUST_CHECK;

/* The columns in PostgreSQL's SQL, of raw.<source> as r and of the live versions as c. */
void message_table_columns(const struct schema *schema, struct buffer *sql);

#endif
