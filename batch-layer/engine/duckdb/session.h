/* SPDX-License-Identifier: Apache-2.0
 * A database of DuckDB in memory, of one thread. Nothing is fetched from a network. */
#ifndef TIDEMARK_BATCH_DUCKDB_SESSION_H
#define TIDEMARK_BATCH_DUCKDB_SESSION_H

#include "base/buffer.h"
#include "base/error.h"

struct duckdb_session;

/* What runs ends with ERROR_TRY_AGAIN once a shutdown is requested, or the time has come at which the thread that
 * opened the session has to end (base/shutdown.h). What doesn't fit into memory is put into files in the folder
 * `spill`, which is made when it is needed. */
bool duckdb_session_open(const char *configured_library, const char *spill, struct duckdb_session **ret_session,
                         struct error *error) MUST_CHECK;
void duckdb_session_close(struct duckdb_session *session);             /* NULL is nothing */
void *duckdb_session_connection(const struct duckdb_session *session); /* for those that call the library themselves */

/* Runs the statements in `sql`. ERROR_DATA where what is read is wrong, ERROR_UNAVAILABLE where a disk or memory is
 * full, ERROR_INTERNAL where the statement is. */
bool duckdb_session_execute(struct duckdb_session *session, const char *sql, struct error *error) MUST_CHECK;

/* Called with each row; a text without data is null. Valid during the call. False ends the query. */
typedef bool duckdb_row_visitor(void *context, const struct text values[], struct error *error);

#define DUCKDB_COLUMNS_MAX 32

/* Runs one query, whose columns have to be VARCHAR. */
bool duckdb_session_query(struct duckdb_session *session, const char *sql, duckdb_row_visitor *visit, void *context,
                          struct error *error) MUST_CHECK;

/* The same of what was put together in a buffer, which is cleared. */
bool duckdb_session_execute_buffer(struct duckdb_session *session, struct buffer *sql, struct error *error) MUST_CHECK;
bool duckdb_session_query_buffer(struct duckdb_session *session, struct buffer *sql, duckdb_row_visitor *visit,
                                 void *context, struct error *error) MUST_CHECK;

/* Adds rows to a table, value by value; whether all could be added is told at the end of the row. */
struct duckdb_appender;
bool duckdb_appender_open(struct duckdb_session *session, const char *table, struct duckdb_appender **ret_appender,
                          struct error *error) MUST_CHECK;
void duckdb_appender_add_integer(struct duckdb_appender *appender, int64_t number);
void duckdb_appender_add_text(struct duckdb_appender *appender, struct text text);
void duckdb_appender_add_null(struct duckdb_appender *appender);
bool duckdb_appender_end_row(struct duckdb_appender *appender, struct error *error) MUST_CHECK;
/* Frees it. True where all rows are in the table. */
bool duckdb_appender_close(struct duckdb_appender *appender, struct error *error) MUST_CHECK;

/* 'text', with quotes doubled; and "name". */
void duckdb_append_text(struct buffer *sql, struct text text);
void duckdb_append_identifier(struct buffer *sql, const char *name);

#endif
