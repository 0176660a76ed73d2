/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/row_stream.h"

#include <assert.h>
#include <string.h>

#include "base/shutdown.h"
#include "engine/duckdb/library.h"

#define ROWS_MAX 2048 /* that fit into a chunk of DuckDB */
#define THREADS_MAX 1024

struct stream_rows {
    const struct duckdb_library *library;
    const struct row_stream *stream;
    size_t count;
    struct stream_vector {
        void *handle, *data;
        uint64_t *validity; /* NULL: no null so far */
    } vectors[STREAM_COLUMNS_MAX];
};

/* --- Rows -------------------------------------------------------------------------------------------------------- */

void stream_add_integer(struct stream_rows *rows, size_t column, int64_t number)
{
    void *data = rows->vectors[column].data;
    if (rows->stream->columns[column].type == STREAM_INTEGER)
        ((int32_t *)data)[rows->count] = (int32_t)number;
    else
        ((int64_t *)data)[rows->count] = number;
}

void stream_add_text(struct stream_rows *rows, size_t column, struct text text)
{
    const struct stream_vector *vector = &rows->vectors[column];
    union duckdb_text *place = &((union duckdb_text *)vector->data)[rows->count];
    if (text.length > DUCKDB_SHORT_TEXT_MAX) {
        rows->library->vector_assign_string_element_len(vector->handle, rows->count, text.data, text.length);
        return;
    }
    *place = (union duckdb_text){.short_one.length = (uint32_t)text.length};
    if (text.length > 0)
        memcpy(place->short_one.data, text.data, text.length);
}

void stream_add_null(struct stream_rows *rows, size_t column)
{
    struct stream_vector *vector = &rows->vectors[column];
    if (!vector->validity) {
        rows->library->vector_ensure_validity_writable(vector->handle);
        vector->validity = rows->library->vector_get_validity(vector->handle);
    }
    vector->validity[rows->count / 64] &= ~(UINT64_C(1) << (rows->count % 64));
}

bool stream_end_row(struct stream_rows *rows)
{
    return ++rows->count < ROWS_MAX;
}

/* --- What DuckDB calls ------------------------------------------------------------------------------------------- */

static void *make_type(const struct duckdb_library *library, const struct stream_column *column)
{
    static const int types[] = {[STREAM_INTEGER] = DUCKDB_TYPE_INTEGER,
                                [STREAM_BIGINT] = DUCKDB_TYPE_BIGINT,
                                [STREAM_TEXT] = DUCKDB_TYPE_VARCHAR,
                                [STREAM_MOMENT] = DUCKDB_TYPE_TIMESTAMP_TZ};
    if (column->type == STREAM_DECIMAL)
        return library->create_decimal_type((uint8_t)column->digits, (uint8_t)column->scale);
    return library->create_logical_type(types[column->type]);
}

static void declare_columns(void *bind)
{
    const struct duckdb_library *library = duckdb_library_loaded();
    const struct row_stream *stream = library->bind_get_extra_info(bind);
    for (size_t i = 0; i < stream->column_count; i++) {
        void *type = make_type(library, &stream->columns[i]);
        library->bind_add_result_column(bind, stream->columns[i].name, type);
        library->destroy_logical_type(&type);
    }
    library->bind_set_cardinality(bind, (uint64_t)stream->row_count, false);
}

/* All threads: those that wait for their turn sleep, where DuckDB's own would ask again and again for something to do.
 */
static void begin(void *init)
{
    duckdb_library_loaded()->init_set_max_threads(init, THREADS_MAX);
}

/* The thread may be one of DuckDB's, and waits no longer than that of the session. */
static bool fill_in_time(struct row_stream *stream, struct stream_rows *rows)
{
    int64_t end_us = shutdown_thread_end_us();
    shutdown_end_thread_at(stream->end_us);
    pthread_mutex_lock(&stream->turn);
    bool done = !stream->failed && stream->fill(stream->context, rows, &stream->error);
    stream->failed = !done;
    pthread_mutex_unlock(&stream->turn);
    shutdown_end_thread_at(end_us);
    return done;
}

static void fill_chunk(void *function, void *chunk)
{
    const struct duckdb_library *library = duckdb_library_loaded();
    struct row_stream *stream = library->function_get_extra_info(function);
    struct stream_rows rows = {.library = library, .stream = stream};
    for (size_t i = 0; i < stream->column_count; i++) {
        rows.vectors[i].handle = library->data_chunk_get_vector(chunk, i);
        rows.vectors[i].data = library->vector_get_data(rows.vectors[i].handle);
    }
    if (!fill_in_time(stream, &rows))
        library->function_set_error(function, "no more rows");
    library->data_chunk_set_size(chunk, rows.count);
}

/* --- The function ------------------------------------------------------------------------------------------------ */

bool row_stream_register(struct row_stream *stream, struct duckdb_session *session, struct error *error)
{
    const struct duckdb_library *library = duckdb_library_loaded();
    assert(stream->column_count <= STREAM_COLUMNS_MAX);
    void *function = library->create_table_function();
    stream->end_us = shutdown_thread_end_us();
    pthread_mutex_init(&stream->turn, NULL);
    library->table_function_set_name(function, stream->name);
    library->table_function_set_extra_info(function, stream, NULL);
    library->table_function_set_bind(function, declare_columns);
    library->table_function_set_init(function, begin);
    library->table_function_set_function(function, fill_chunk);
    bool done = library->register_table_function(duckdb_session_connection(session), function) == 0;
    library->destroy_table_function(&function);
    return done || error_set(error, ERROR_INTERNAL, "DuckDB takes no function %s", stream->name);
}

bool row_stream_execute(struct row_stream *stream, struct duckdb_session *session, struct buffer *sql,
                        struct error *error)
{
    bool done = duckdb_session_execute_buffer(session, sql, error);
    if (!done && stream->failed && error)
        *error = stream->error;
    return done;
}
