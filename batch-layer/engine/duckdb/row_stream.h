/* SPDX-License-Identifier: Apache-2.0
 * Rows that a query of DuckDB takes as it comes to need them: a table function without arguments. */
#ifndef TIDEMARK_BATCH_ROW_STREAM_H
#define TIDEMARK_BATCH_ROW_STREAM_H

#include <pthread.h>

#include "engine/duckdb/session.h"
#include "record/record.h"

#define STREAM_COLUMNS_MAX (FIELDS_MAX + 8)

enum stream_type { STREAM_INTEGER, STREAM_BIGINT, STREAM_TEXT, STREAM_MOMENT, STREAM_DECIMAL };

struct stream_column {
    const char *name;
    enum stream_type type;  /* a moment is in microseconds since 1970 */
    unsigned digits, scale; /* of a decimal: of 10 to 18 digits, which is added in units of its last one */
};

/* Some rows of all columns, which are added one after the other, value by value. */
struct stream_rows;
void stream_add_integer(struct stream_rows *rows, size_t column, int64_t number);
void stream_add_text(struct stream_rows *rows, size_t column, struct text text);
void stream_add_null(struct stream_rows *rows, size_t column);
/* The row is whole; false where no other fits. */
bool stream_end_row(struct stream_rows *rows);

/* Adds rows: none where there are no more. Called by one thread at a time, not always the same. */
typedef bool stream_fill(void *context, struct stream_rows *rows, struct error *error);

struct row_stream {
    const char *name;
    const struct stream_column *columns;
    size_t column_count;
    int64_t row_count; /* about so many, by which queries are planned */
    stream_fill *fill;
    void *context;
    /* row_stream_register's: */
    int64_t end_us; /* when the thread that registered it has to end */
    pthread_mutex_t turn;
    bool failed;
    struct error error; /* then */
};

/* Makes it a function of the session, by its name; it has to outlive the session, and be read once. */
bool row_stream_register(struct row_stream *stream, struct duckdb_session *session, struct error *error) MUST_CHECK;

/* Runs the statements in `sql`, which is cleared, that read the stream; an error in filling it is told as it came. */
bool row_stream_execute(struct row_stream *stream, struct duckdb_session *session, struct buffer *sql,
                        struct error *error) MUST_CHECK;

#endif
