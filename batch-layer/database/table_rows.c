/* SPDX-License-Identifier: Apache-2.0 */
#include "database/table_rows.h"

#include <stdlib.h>

#include "postgres/connection.h"

#define STATEMENT_TIMEOUT_MS (3600 * 1000)
#define LOCK_TIMEOUT_MS 30000
#define AT_ONCE 10000

struct row_visit {
    table_row_visitor *visit;
    void *context;
};

static bool take_rows(void *context, const PGresult *rows, struct error *error)
{
    const struct row_visit *visit = context;
    for (int row = 0; row < PQntuples(rows); row++)
        if (!visit->visit(visit->context, result_text(rows, row, 0), error))
            return false;
    return true;
}

static bool append_query(struct buffer *sql, const char *table, struct error *error)
{
    const char *dot = strchr(table, '.');
    char *schema = dot ? strndup(table, (size_t)(dot - table)) : NULL;
    if (!schema)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_append_string(sql, "select row_to_json(t)::text from ");
    buffer_append_identifier(sql, schema);
    buffer_append_char(sql, '.');
    buffer_append_identifier(sql, dot + 1);
    buffer_append_string(sql, " as t");
    free(schema);
    return !sql->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool table_rows_read(const struct settings *settings, const char *table, table_row_visitor *visit, void *context,
                     struct error *error)
{
    const struct connection_settings access = {.url = settings->postgres.url,
                                               .password = settings->postgres.password,
                                               .application = "tidemark-batch, a job over files",
                                               .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                               .lock_timeout_ms = LOCK_TIMEOUT_MS};
    struct row_visit rows = {visit, context};
    struct buffer sql = {0};
    PGconn *connection = NULL;
    bool done = append_query(&sql, table, error) && connection_open(&access, &connection, error) &&
                connection_execute(connection, "begin isolation level repeatable read read only", error) &&
                connection_fetch(connection, &sql, AT_ONCE, take_rows, &rows, error);
    PQfinish(connection);
    buffer_clean_up(&sql);
    return done;
}
