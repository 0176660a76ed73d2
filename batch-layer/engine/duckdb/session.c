/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/shutdown.h"
#include "base/ticker.h"
#include "engine/duckdb/library.h"

#define WATCH_EVERY_US (US_PER_SECOND / 5)

struct duckdb_session {
    const struct duckdb_library *library;
    void *database, *connection;
    int64_t end_us;      /* when the thread that opened it has to end */
    bool is_watched;     /* by this: */
    struct ticker watch; /* ends what runs once a shutdown is requested, or that time has come */
};

static int64_t watch(void *context)
{
    struct duckdb_session *session = context;
    int64_t now_us = clock_monotonic_us();
    if (shutdown_requested() || now_us >= session->end_us)
        session->library->interrupt(session->connection);
    return now_us + WATCH_EVERY_US;
}

static bool start_watch(struct duckdb_session *session, struct error *error)
{
    session->end_us = shutdown_thread_end_us();
    session->is_watched = true;
    ticker_init(&session->watch, watch, session);
    return ticker_start(&session->watch, clock_monotonic_us() + WATCH_EVERY_US, error);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What kind of failure a message of DuckDB tells; its first words say. */
static enum error_code code_of(const char *message)
{
    static const char *const ours[] = {"Binder Error", "Catalog Error", "Parser Error", "INTERNAL Error",
                                       "Not implemented Error"};
    static const char *const passing[] = {"No space left",   "Out of Memory",     "Could not write",
                                          "Failed to write", "failed to offload", "could not allocate"};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcasestr(message, passing[i]))
            return ERROR_UNAVAILABLE;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (begins_with(message, ours[i]))
            return ERROR_INTERNAL;
    return ERROR_DATA;
}

/* Its first line; what follows shows the statement. */
static bool fail(const char *message, struct error *error)
{
    message = message ? message : "an unknown error";
    if (begins_with(message, "INTERRUPT Error"))
        return error_set(error, ERROR_TRY_AGAIN, "DuckDB: was asked to end before it was done");
    return error_set(error, code_of(message), "DuckDB: %.*s", (int)strcspn(message, "\n"), message);
}

static bool configure(const struct duckdb_library *library, void *config, const char *spill)
{
    const struct {
        const char *name, *value;
    } rows[] = {
        {"autoinstall_known_extensions", "false"}, {"autoload_known_extensions", "false"}, {"temp_directory", spill}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (library->set_config(config, rows[i].name, rows[i].value) != 0)
            return false;
    return true;
}

static bool open_database(struct duckdb_session *session, const char *spill, struct error *error)
{
    const struct duckdb_library *library = session->library;
    void *config = NULL;
    char *message = NULL;
    if (library->create_config(&config) != 0)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = configure(library, config, spill) || error_set(error, ERROR_INTERNAL, "DuckDB takes no configuration");
    done = done && (library->open_ext(NULL, &session->database, config, &message) == 0 || fail(message, error));
    done = done && (library->connect(session->database, &session->connection) == 0 || fail("no connection", error));
    if (message)
        library->free(message);
    library->destroy_config(&config);
    return done;
}

bool duckdb_session_open(const char *configured_library, const char *spill, struct duckdb_session **ret_session,
                         struct error *error)
{
    struct duckdb_session *session = calloc(1, sizeof *session);
    if (!session)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!duckdb_library_load(configured_library, &session->library, error) || !open_database(session, spill, error) ||
        !start_watch(session, error)) {
        duckdb_session_close(session);
        return false;
    }
    *ret_session = session;
    return true;
}

void duckdb_session_close(struct duckdb_session *session)
{
    if (!session)
        return;
    if (session->is_watched)
        ticker_clean_up(&session->watch);
    if (session->connection)
        session->library->disconnect(&session->connection);
    if (session->database)
        session->library->close(&session->database);
    free(session);
}

void *duckdb_session_connection(const struct duckdb_session *session)
{
    return session->connection;
}

bool duckdb_session_execute(struct duckdb_session *session, const char *sql, struct error *error)
{
    struct duckdb_result result = {0};
    bool done = session->library->query(session->connection, sql, &result) == 0 ||
                fail(session->library->result_error(&result), error);
    session->library->destroy_result(&result);
    return done;
}

static struct text text_in(const union duckdb_text *text)
{
    bool is_short = text->short_one.length <= DUCKDB_SHORT_TEXT_MAX;
    return (struct text){is_short ? text->short_one.data : text->long_one.data, text->short_one.length};
}

/* The text of a row in a column of VARCHAR. */
static struct text value_at(const struct duckdb_library *library, void *chunk, uint64_t column, uint64_t row)
{
    void *vector = library->data_chunk_get_vector(chunk, column);
    const uint64_t *validity = library->vector_get_validity(vector);
    if (validity && !(validity[row / 64] >> (row % 64) & 1))
        return (struct text){0};
    const union duckdb_text *texts = library->vector_get_data(vector);
    return text_in(&texts[row]);
}

static bool visit_chunk(struct duckdb_session *session, void *chunk, uint64_t columns, duckdb_row_visitor *visit,
                        void *context, struct error *error)
{
    struct text values[DUCKDB_COLUMNS_MAX];
    uint64_t rows = session->library->data_chunk_get_size(chunk);
    for (uint64_t row = 0; row < rows; row++) {
        for (uint64_t column = 0; column < columns; column++)
            values[column] = value_at(session->library, chunk, column, row);
        if (!visit(context, values, error))
            return false;
    }
    return true;
}

bool duckdb_session_query(struct duckdb_session *session, const char *sql, duckdb_row_visitor *visit, void *context,
                          struct error *error)
{
    const struct duckdb_library *library = session->library;
    struct duckdb_result result = {0};
    bool done = library->query(session->connection, sql, &result) == 0 || fail(library->result_error(&result), error);
    uint64_t columns = done ? library->column_count(&result) : 0;
    done = done && (columns <= DUCKDB_COLUMNS_MAX || error_set(error, ERROR_INTERNAL, "a query with too many columns"));
    for (void *chunk; done && (chunk = library->fetch_chunk(result)); library->destroy_data_chunk(&chunk))
        done = visit_chunk(session, chunk, columns, visit, context, error);
    library->destroy_result(&result);
    return done;
}

static bool is_memory(const struct buffer *buffer, struct error *error)
{
    return !buffer->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool duckdb_session_execute_buffer(struct duckdb_session *session, struct buffer *sql, struct error *error)
{
    bool done = is_memory(sql, error) && duckdb_session_execute(session, buffer_string(sql), error);
    buffer_clear(sql);
    return done;
}

bool duckdb_session_query_buffer(struct duckdb_session *session, struct buffer *sql, duckdb_row_visitor *visit,
                                 void *context, struct error *error)
{
    bool done = is_memory(sql, error) && duckdb_session_query(session, buffer_string(sql), visit, context, error);
    buffer_clear(sql);
    return done;
}

struct duckdb_appender {
    const struct duckdb_library *library;
    void *handle;
    bool failed; /* a value of this row */
};

bool duckdb_appender_open(struct duckdb_session *session, const char *table, struct duckdb_appender **ret_appender,
                          struct error *error)
{
    struct duckdb_appender *appender = calloc(1, sizeof *appender);
    if (!appender)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    appender->library = session->library;
    if (session->library->appender_create(session->connection, NULL, table, &appender->handle) != 0) {
        (void)fail(appender->handle ? session->library->appender_error(appender->handle) : NULL, error);
        (void)session->library->appender_destroy(&appender->handle);
        free(appender);
        return false;
    }
    *ret_appender = appender;
    return true;
}

void duckdb_appender_add_integer(struct duckdb_appender *appender, int64_t number)
{
    appender->failed |= appender->library->append_int64(appender->handle, number) != 0;
}

void duckdb_appender_add_text(struct duckdb_appender *appender, struct text text)
{
    const char *data = text.data ? text.data : "";
    appender->failed |= appender->library->append_varchar_length(appender->handle, data, text.length) != 0;
}

void duckdb_appender_add_null(struct duckdb_appender *appender)
{
    appender->failed |= appender->library->append_null(appender->handle) != 0;
}

bool duckdb_appender_end_row(struct duckdb_appender *appender, struct error *error)
{
    bool done = !appender->failed && appender->library->appender_end_row(appender->handle) == 0;
    return done || fail(appender->library->appender_error(appender->handle), error);
}

bool duckdb_appender_close(struct duckdb_appender *appender, struct error *error)
{
    bool done = appender->library->appender_close(appender->handle) == 0;
    if (!done)
        (void)fail(appender->library->appender_error(appender->handle), error);
    (void)appender->library->appender_destroy(&appender->handle);
    free(appender);
    return done;
}

void duckdb_append_text(struct buffer *sql, struct text text)
{
    buffer_append_quoted(sql, text, '\'');
}

void duckdb_append_identifier(struct buffer *sql, const char *name)
{
    buffer_append_quoted(sql, text_of(name), '"');
}
