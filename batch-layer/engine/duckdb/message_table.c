/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/message_table.h"

#include "base/shutdown.h"
#include "engine/duckdb/file_columns.h"
#include "engine/duckdb/summary_table.h"

enum message_column { MESSAGE_PARTITION, MESSAGE_OFFSET, MESSAGE_TIME, MESSAGE_FIELDS };

static const struct stream_column own_columns[] = {
    [MESSAGE_PARTITION] = {.name = "tm_partition", .type = STREAM_INTEGER},
    [MESSAGE_OFFSET] = {.name = "tm_offset", .type = STREAM_BIGINT},
    [MESSAGE_TIME] = {.name = "timestamp", .type = STREAM_MOMENT},
};

void message_table_columns(const struct schema *schema, struct buffer *sql)
{
    buffer_append_string(sql, "r.tm_partition, r.tm_offset, r.tm_event_us");
    for (size_t i = 0; i < schema->field_count; i++) {
        buffer_append_string(sql, ", r.");
        buffer_append_identifier(sql, schema->fields[i].name);
    }
}

size_t message_table_column_count(const struct schema *schema)
{
    return MESSAGE_FIELDS + schema->field_count;
}

/* --- Rows of PostgreSQL as those of DuckDB ----------------------------------------------------------------------- */

static bool add_value(struct stream_rows *rows, const struct stream_column *column, size_t number, struct text value)
{
    int64_t integer = 0;
    if (!value.data)
        stream_add_null(rows, number);
    else if (column->type == STREAM_TEXT)
        stream_add_text(rows, number, value);
    else if (column->type == STREAM_DECIMAL ? copy_row_decimal(value, column->scale, &integer)
                                            : copy_row_integer(value, &integer))
        stream_add_integer(rows, number, integer);
    else
        return false;
    return true;
}

static bool fill(void *context, struct stream_rows *rows, struct error *error)
{
    struct message_table *table = context;
    bool any = true;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "a signal was first");
    for (bool fits = true; fits;) {
        if (!copy_rows_next(&table->rows, table->values, &any, error))
            return false;
        if (!any)
            break;
        for (size_t i = 0; i < table->rows.columns; i++)
            if (!add_value(rows, &table->columns[i], i, table->values[i]))
                return error_set(error, ERROR_DATA, "the column %s of a message isn't what the field is declared as",
                                 table->columns[i].name);
        fits = stream_end_row(rows);
    }
    return true;
}

/* --- The story --------------------------------------------------------------------------------------------------- */

/* Rows of these columns, as the function `name`. */
static bool open_stream(struct message_table *table, const char *name, struct copy_rows rows, int64_t count,
                        struct error *error)
{
    table->rows = rows;
    table->stream = (struct row_stream){.name = name,
                                        .columns = table->columns,
                                        .column_count = rows.columns,
                                        .row_count = count,
                                        .fill = fill,
                                        .context = table};
    return row_stream_register(&table->stream, table->session, error);
}

bool message_table_open(struct message_table *table, const struct schema *schema, struct duckdb_session *session,
                        struct copy_rows live, struct error *error)
{
    struct buffer sql = {0};
    *table = (struct message_table){.schema = schema, .session = session};
    for (size_t i = 0; i < MESSAGE_FIELDS; i++)
        table->columns[i] = own_columns[i];
    buffer_append_string(&sql, "CREATE TEMP TABLE tm_live AS FROM tm_live_rows()");
    bool done =
        open_stream(table, "tm_live_rows", live, 0, error) && row_stream_execute(&table->stream, session, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static struct stream_column column_of(const struct field *field)
{
    static const enum stream_type types[] = {
        [FIELD_TEXT] = STREAM_TEXT, [FIELD_INTEGER] = STREAM_BIGINT, [FIELD_DECIMAL] = STREAM_DECIMAL};
    return (struct stream_column){field->name, types[field->type], DECIMAL_DIGITS + field->scale, field->scale};
}

static void append_copy(const struct message_table *table, const char *path, struct buffer *sql)
{
    buffer_append_string(sql, "COPY (SELECT ");
    for (size_t i = 0; i < table->schema->field_count; i++) {
        buffer_append_string(sql, "m.");
        duckdb_append_identifier(sql, table->schema->fields[i].name);
        buffer_append_string(sql, ", ");
    }
    buffer_append_string(sql, "m.timestamp, m.tm_partition, m.tm_offset, l.tm_offset IS NOT NULL AS tm_live "
                              "FROM tm_messages() AS m LEFT JOIN tm_live AS l ON l.tm_partition = m.tm_partition "
                              "AND l.tm_offset = m.tm_offset ORDER BY m.tm_partition, m.tm_offset) TO ");
    duckdb_append_text(sql, text_of(path));
    buffer_append_string(sql, " (FORMAT parquet)");
}

/* In the file, which can tell at little cost. */
static bool count(struct message_table *table, const char *path, struct buffer *sql, struct error *error)
{
    int64_t *numbers[] = {&table->messages, &table->live, NULL};
    buffer_append_string(sql, "SELECT count(*)::VARCHAR, (count(*) FILTER (tm_live))::VARCHAR FROM read_parquet(");
    duckdb_append_path(sql, path);
    buffer_append_char(sql, ')');
    return duckdb_session_query_buffer(table->session, sql, summary_take_numbers, numbers, error);
}

bool message_table_write(struct message_table *table, struct copy_rows messages, int64_t count_of_rows,
                         const char *path, struct error *error)
{
    struct buffer sql = {0};
    message_table_clean_up(table);
    for (size_t i = 0; i < table->schema->field_count; i++)
        table->columns[MESSAGE_FIELDS + i] = column_of(&table->schema->fields[i]);
    append_copy(table, path, &sql);
    bool done = open_stream(table, "tm_messages", messages, count_of_rows, error) &&
                row_stream_execute(&table->stream, table->session, &sql, error) && count(table, path, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

void message_table_clean_up(struct message_table *table)
{
    copy_rows_clean_up(&table->rows);
}
