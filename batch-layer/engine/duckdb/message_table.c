/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/message_table.h"

#include "base/wide.h"
#include "engine/duckdb/value_sql.h"
#include "postgres/connection.h"

#define TABLE "tm_messages"

enum message_column { MESSAGE_PARTITION, MESSAGE_OFFSET, MESSAGE_TIME, MESSAGE_LIVE, MESSAGE_FIELDS };

void message_table_columns(const struct schema *schema, struct buffer *sql)
{
    static const char *const units[DECIMAL_SCALE_MAX + 1] = {"", " * 10", " * 100", " * 1000"};
    buffer_append_string(sql, "r.tm_partition, r.tm_offset, r.tm_event_us, (c.tm_offset is not null)::int");
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        bool is_decimal = field->type == FIELD_DECIMAL;
        buffer_append_string(sql, is_decimal ? ", (r." : ", r.");
        buffer_append_identifier(sql, field->name);
        if (is_decimal)
            buffer_appendf(sql, "%s)::bigint", units[field->scale]);
    }
}

static bool execute(const struct message_table *table, struct buffer *sql, struct error *error)
{
    bool done = !sql->failed ? duckdb_session_execute(table->session, buffer_string(sql), error)
                             : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(sql);
    return done;
}

bool message_table_open(struct message_table *table, const struct schema *schema, struct duckdb_session *session,
                        struct error *error)
{
    struct buffer sql = {0};
    *table = (struct message_table){.schema = schema, .session = session};
    buffer_append_string(&sql,
                         "CREATE TEMP TABLE " TABLE " (tm_partition BIGINT, tm_offset BIGINT, tm_event_us BIGINT, "
                         "tm_live BIGINT");
    for (size_t i = 0; i < schema->field_count; i++) {
        buffer_append_string(&sql, ", ");
        duckdb_append_identifier(&sql, schema->fields[i].name);
        buffer_append_string(&sql, schema->fields[i].type == FIELD_TEXT ? " VARCHAR" : " BIGINT");
    }
    buffer_append_char(&sql, ')');
    return execute(table, &sql, error) && duckdb_appender_open(session, TABLE, &table->appender, error);
}

static bool add_number(struct message_table *table, const PGresult *rows, int row, int column)
{
    int64_t number;
    bool is_number = integer_parse(result_text(rows, row, column), &number);
    if (is_number)
        duckdb_appender_add_integer(table->appender, number);
    return is_number;
}

static bool add_value(struct message_table *table, const PGresult *rows, int row, int column, enum field_type type)
{
    if (PQgetisnull(rows, row, column))
        duckdb_appender_add_null(table->appender);
    else if (type == FIELD_TEXT)
        duckdb_appender_add_text(table->appender, result_text(rows, row, column));
    else
        return add_number(table, rows, row, column);
    return true;
}

static bool add_row(struct message_table *table, const PGresult *rows, int row, struct error *error)
{
    bool done = true;
    for (int i = 0; done && i < MESSAGE_FIELDS; i++)
        done = add_number(table, rows, row, i);
    for (size_t i = 0; done && i < table->schema->field_count; i++)
        done = add_value(table, rows, row, MESSAGE_FIELDS + (int)i, table->schema->fields[i].type);
    if (!done)
        return error_set(error, ERROR_INTERNAL, "PostgreSQL gives no number where one was asked for");
    table->messages++;
    table->live += *PQgetvalue(rows, row, MESSAGE_LIVE) == '1';
    return duckdb_appender_end_row(table->appender, error);
}

bool message_table_add(struct message_table *table, const PGresult *rows, struct error *error)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (!add_row(table, rows, row, error))
            return false;
    return true;
}

bool message_table_close(struct message_table *table, struct error *error)
{
    bool done = !table->appender || duckdb_appender_close(table->appender, error);
    table->appender = NULL;
    return done;
}

bool message_table_write(const struct message_table *table, const char *path, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < table->schema->field_count; i++) {
        const struct field *field = &table->schema->fields[i];
        if (field->type == FIELD_DECIMAL)
            value_sql_append_minor_units(&sql, field);
        else
            duckdb_append_identifier(&sql, field->name);
        buffer_append_string(&sql, ", ");
    }
    buffer_append_string(&sql,
                         "make_timestamptz(tm_event_us) AS timestamp, tm_partition::INTEGER AS tm_partition, "
                         "tm_offset, tm_live = 1 AS tm_live FROM " TABLE " ORDER BY tm_partition, tm_offset) TO ");
    duckdb_append_text(&sql, text_of(path));
    buffer_append_string(&sql, " (FORMAT parquet)");
    return execute(table, &sql, error);
}
