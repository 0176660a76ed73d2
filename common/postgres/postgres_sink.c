/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/postgres_sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "postgres/connection.h"
#include "postgres/postgres.h"

#define STATEMENT_TIMEOUT_MS 60000
#define LOCK_TIMEOUT_MS 5000
#define READ_AT_ONCE 10000
#define COPY_AT_ONCE 65536
#define NULL_COLUMN "\\N"

struct postgres_sink {
    struct sink_store store; /* first, so that one pointer is both */
    const struct view *view;
    char *url, *password;
    struct buffer schema, table; /* quoted, the table with its schema */
    struct buffer name;          /* of the sink in tidemark.emitted */
    PGconn *connection;          /* NULL: none */
};

static struct postgres_sink *of(struct sink_store *store)
{
    return (struct postgres_sink *)store;
}

static bool lacks_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

/* After any error all begins with a new connection. */
static bool give_up(struct postgres_sink *sink)
{
    PQfinish(sink->connection);
    sink->connection = NULL;
    return false;
}

static bool ensure_connection(struct postgres_sink *sink, struct error *error)
{
    const struct connection_settings settings = {.url = sink->url,
                                                 .password = sink->password,
                                                 .application = "tidemark-emit",
                                                 .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                                 .lock_timeout_ms = LOCK_TIMEOUT_MS};
    return sink->connection || connection_open(&settings, &sink->connection, error);
}

/* Runs what the buffer holds, and empties it. */
static bool execute(struct postgres_sink *sink, struct buffer *sql, struct error *error)
{
    bool done = sql->failed ? lacks_memory(error) : connection_execute(sink->connection, buffer_string(sql), error);
    buffer_clean_up(sql);
    return done;
}

/* --- columns --- */

static const char *type_of(const struct measure *measure)
{
    return measure->kind == MEASURE_COUNT || measure->kind == MEASURE_UNIQUE ? "bigint" : "numeric";
}

/* Appends each column with a comma before all but the first. */
static void append_columns(const struct postgres_sink *sink, bool with_types, struct buffer *out)
{
    const struct view *view = sink->view;
    const char *stamp = with_types ? " timestamp with time zone" : "";
    buffer_appendf(out, "\"window_start\"%s, \"window_end\"%s", stamp, stamp);
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_append_string(out, ", ");
        buffer_append_identifier(out, field->name);
        if (with_types)
            buffer_append_string(out, field->type == FIELD_TEXT ? " text" : " bigint");
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(out, ", ");
        buffer_append_identifier(out, view->measures[i].name);
        if (with_types)
            buffer_appendf(out, " %s", type_of(&view->measures[i]));
    }
    buffer_append_string(out, with_types ? ", \"final\" boolean" : ", \"final\"");
}

static void append_key(const struct postgres_sink *sink, struct buffer *out)
{
    const struct view *view = sink->view;
    buffer_append_string(out, "\"window_start\"");
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(out, ", ");
        buffer_append_identifier(out, view->schema->fields[view->dimensions[i]].name);
    }
}

static size_t column_count(const struct postgres_sink *sink)
{
    return 3 + sink->view->dimension_count + sink->view->measure_count;
}

/* --- the table, and the one of statements --- */

static bool exists(struct postgres_sink *sink, const char *function, const char *name, bool *ret_exists,
                   struct error *error)
{
    RESULT *result = NULL;
    struct buffer sql = {0};
    buffer_appendf(&sql, "select %s($1) is not null", function);
    const char *const values[] = {name};
    bool done = sql.failed ? lacks_memory(error)
                           : connection_query(sink->connection, buffer_string(&sql), 1, values, &result, error);
    if (done)
        *ret_exists = *PQgetvalue(result, 0, 0) == 't';
    buffer_clean_up(&sql);
    return done;
}

/* Who may not make a schema may use one that is there. */
static bool ensure_schema(struct postgres_sink *sink, const char *schema, struct error *error)
{
    bool is_there = false;
    struct buffer sql = {0};
    if (!exists(sink, "to_regnamespace", schema, &is_there, error) || is_there)
        return is_there;
    buffer_appendf(&sql, "create schema if not exists %s", schema);
    return execute(sink, &sql, error);
}

static bool ensure_statements(struct postgres_sink *sink, struct error *error)
{
    bool is_there = false;
    if (!ensure_schema(sink, "tidemark", error) || !exists(sink, "to_regclass", "tidemark.emitted", &is_there, error))
        return false;
    return is_there || connection_execute(sink->connection,
                                          "create table if not exists tidemark.emitted (sink text primary key, number "
                                          "bigint not null, written_at timestamptz not null, provenance json not null)",
                                          error);
}

static bool create_table(struct postgres_sink *sink, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "create table if not exists %s (", buffer_string(&sink->table));
    append_columns(sink, true, &sql);
    buffer_append_string(&sql, ", unique nulls not distinct (");
    append_key(sink, &sql);
    buffer_append_string(&sql, "))");
    return execute(sink, &sql, error);
}

/* Whether the table has the columns of the view, in their order. */
static bool compare_columns(struct postgres_sink *sink, bool *ret_fits, struct error *error)
{
    RESULT *result = NULL;
    struct buffer expected = {0};
    const char *const values[] = {buffer_string(&sink->table)};
    append_columns(sink, true, &expected);
    /* "char" is quoted by format_type and nothing else is; names are quoted whatever they are. */
    bool done = expected.failed ? lacks_memory(error)
                                : connection_query(sink->connection,
                                                   "select coalesce(string_agg('\"' || replace(attname, '\"', '\"\"') "
                                                   "|| '\" ' || format_type(atttypid, atttypmod), ', ' order by attnum)"
                                                   ", '') from pg_attribute where attrelid = to_regclass($1) "
                                                   "and attnum > 0 and not attisdropped",
                                                   1, values, &result, error);
    if (done)
        *ret_fits = text_equal(result_text(result, 0, 0), buffer_text(&expected));
    buffer_clean_up(&expected);
    return done;
}

/* Whether the table has a key by which each row is one, also where dimensions are null. */
static bool find_key(struct postgres_sink *sink, bool *ret_has, struct error *error)
{
    RESULT *result = NULL;
    struct buffer key = {0};
    append_key(sink, &key);
    const char *const values[] = {buffer_string(&sink->table), buffer_string(&key)};
    bool done = key.failed ? lacks_memory(error)
                           : connection_query(sink->connection,
                                              "select exists (select from pg_index i where indrelid = to_regclass($1) "
                                              "and indisunique and indimmediate and indisvalid and indpred is null and "
                                              "indexprs is null and (select string_agg('\"' || replace(attname, '\"', "
                                              "'\"\"') || '\"', ', ' order by attnum) = $2 and (indnullsnotdistinct or "
                                              "bool_and(attnotnull)) from pg_attribute where attrelid = indrelid and "
                                              "attnum = any ((indkey::int2[])[0:indnkeyatts - 1])))",
                                              2, values, &result, error);
    if (done)
        *ret_has = *PQgetvalue(result, 0, 0) == 't';
    buffer_clean_up(&key);
    return done;
}

static bool read_statement(struct postgres_sink *sink, struct buffer *out, struct error *error)
{
    RESULT *result = NULL;
    const char *const values[] = {buffer_string(&sink->name)};
    if (!connection_query(sink->connection, "select provenance::text from tidemark.emitted where sink = $1", 1, values,
                          &result, error))
        return false;
    if (PQntuples(result) > 0)
        buffer_append_text(out, result_text(result, 0, 0));
    return !out->failed || lacks_memory(error);
}

static bool drop_table(struct postgres_sink *sink, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "drop table %s", buffer_string(&sink->table));
    return execute(sink, &sql, error) && create_table(sink, error);
}

static const char *remedy(bool is_stated)
{
    return is_stated ? "; --restart makes it anew, with the rows of now" : ": name another table, or drop it";
}

static bool refuse_table(const struct postgres_sink *sink, bool has_columns, bool is_stated, struct error *error)
{
    struct buffer expected = {0};
    if (has_columns)
        append_key(sink, &expected);
    else
        append_columns(sink, true, &expected);
    error_set(error, ERROR_CONFIGURATION,
              has_columns ? "the table %s has no key unique nulls not distinct (%s)%s"
                          : "the table %s has other columns than the view's, which are %s%s",
              buffer_string(&sink->table), buffer_string(&expected), remedy(is_stated));
    buffer_clean_up(&expected);
    return false;
}

static bool ensure_table(struct postgres_sink *sink, bool is_stated, bool restarts, struct error *error)
{
    bool is_there = false, fits = false, has_key = false;
    if (!ensure_schema(sink, buffer_string(&sink->schema), error) ||
        !exists(sink, "to_regclass", buffer_string(&sink->table), &is_there, error))
        return false;
    if (!is_there)
        return create_table(sink, error);
    if (!compare_columns(sink, &fits, error) || !find_key(sink, &has_key, error))
        return false;
    if (fits && has_key)
        return true;
    return is_stated && restarts ? drop_table(sink, error) : refuse_table(sink, fits, is_stated, error);
}

static bool open_in_transaction(struct postgres_sink *sink, bool restarts, struct buffer *ret_statement,
                                struct error *error)
{
    return connection_execute(sink->connection, "begin; select pg_advisory_xact_lock(" POSTGRES_SCHEMA_LOCK ")",
                              error) &&
           ensure_statements(sink, error) && read_statement(sink, ret_statement, error) &&
           ensure_table(sink, ret_statement->length > 0, restarts, error) &&
           connection_execute(sink->connection, "commit", error);
}

static bool open_sink(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error)
{
    struct postgres_sink *sink = of(store);
    give_up(sink);
    return ensure_connection(sink, error) &&
           (open_in_transaction(sink, restarts, ret_statement, error) || give_up(sink));
}

static bool has(struct sink_store *store, struct text statement, bool *ret_has, struct error *error)
{
    struct postgres_sink *sink = of(store);
    struct buffer found = {0};
    bool done = ensure_connection(sink, error) && (read_statement(sink, &found, error) || give_up(sink));
    if (done)
        *ret_has = text_equal(buffer_text(&found), statement);
    buffer_clean_up(&found);
    return done;
}

/* --- what it holds --- */

struct held_scan {
    struct postgres_sink *sink;
    held_row_take *take;
    void *context;
    struct buffer name, content; /* scratch */
};

static void append_cell(const PGresult *rows, int row, int column, struct buffer *out)
{
    if (PQgetisnull(rows, row, column))
        buffer_append_string(out, NULL_COLUMN);
    else
        buffer_append_copy_text(out, result_text(rows, row, column));
}

static bool take_row(struct held_scan *scan, const PGresult *rows, int row)
{
    const int dimensions = (int)scan->sink->view->dimension_count, columns = PQnfields(rows);
    buffer_clear(&scan->name);
    buffer_clear(&scan->content);
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            buffer_append_char(&scan->content, '\t');
        append_cell(rows, row, i, &scan->content);
        bool names = i == 0 || (i >= 2 && i < 2 + dimensions);
        if (names && i > 0)
            buffer_append_char(&scan->name, '\t');
        if (names)
            append_cell(rows, row, i, &scan->name);
    }
    return !scan->name.failed && !scan->content.failed &&
           scan->take(scan->context, buffer_text(&scan->name),
                      (struct row_version){.content = sink_row_hash(buffer_text(&scan->content))});
}

static bool take_rows(void *context, const PGresult *rows, struct error *error)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (!take_row(context, rows, row))
            return lacks_memory(error);
    return true;
}

static void append_query(const struct postgres_sink *sink, struct buffer *sql)
{
    const struct view *view = sink->view;
    buffer_append_string(sql, "select (extract(epoch from window_start) * 1000000)::bigint, "
                              "(extract(epoch from window_end) * 1000000)::bigint");
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->schema->fields[view->dimensions[i]].name);
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->measures[i].name);
    }
    buffer_appendf(sql, ", final from %s", buffer_string(&sink->table));
}

static bool list(struct sink_store *store, held_row_take *take, void *context, struct error *error)
{
    struct postgres_sink *sink = of(store);
    struct held_scan scan = {.sink = sink, .take = take, .context = context};
    struct buffer sql = {0};
    append_query(sink, &sql);
    bool done = sql.failed ? lacks_memory(error)
                           : ensure_connection(sink, error) &&
                                 ((connection_execute(sink->connection, "begin read only", error) &&
                                   connection_fetch(sink->connection, &sql, READ_AT_ONCE, take_rows, &scan, error) &&
                                   connection_execute(sink->connection, "commit", error)) ||
                                  give_up(sink));
    buffer_clean_up(&sql);
    buffer_clean_up(&scan.name);
    buffer_clean_up(&scan.content);
    return done;
}

/* --- writing --- */

/* The rows of a micro-batch in a table of the connection: c0 says that the row has vanished, the others are its
 * columns. */
static bool make_rows_table(struct postgres_sink *sink, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "create temporary table if not exists emitted_rows (c0 boolean, c1 bigint, c2 bigint");
    size_t number = 3;
    for (size_t i = 0; i < sink->view->dimension_count; i++)
        buffer_appendf(&sql, ", c%zu %s", number++,
                       sink->view->schema->fields[sink->view->dimensions[i]].type == FIELD_TEXT ? "text" : "bigint");
    for (size_t i = 0; i < sink->view->measure_count; i++)
        buffer_appendf(&sql, ", c%zu %s", number++, type_of(&sink->view->measures[i]));
    buffer_appendf(&sql, ", c%zu boolean) on commit delete rows", number);
    return execute(sink, &sql, error);
}

static void append_vanished(const struct postgres_sink *sink, struct text name, struct buffer *out)
{
    const char *tab = memchr(name.data, '\t', name.length);
    size_t start = tab ? (size_t)(tab - name.data) : name.length;
    buffer_append_string(out, "t\t");
    buffer_append(out, name.data, start);
    buffer_append_string(out, "\t" NULL_COLUMN);
    buffer_append(out, name.data + start, name.length - start);
    for (size_t i = 0; i < sink->view->measure_count + 1; i++)
        buffer_append_string(out, "\t" NULL_COLUMN);
}

static bool copy_rows(struct postgres_sink *sink, const struct micro_batch *batch, struct error *error)
{
    struct buffer lines = {0};
    bool done = connection_copy_begin(sink->connection, "copy pg_temp.emitted_rows from stdin", error);
    for (size_t i = 0; done && i < batch->count; i++) {
        const struct sink_row *row = &batch->rows[i];
        if (row->content.data) {
            buffer_append_string(&lines, "f\t");
            buffer_append_text(&lines, row->content);
        } else {
            append_vanished(sink, row->name, &lines);
        }
        buffer_append_char(&lines, '\n');
        if (lines.length < COPY_AT_ONCE && i + 1 < batch->count)
            continue;
        done = lines.failed ? lacks_memory(error) : connection_copy_put(sink->connection, buffer_text(&lines), error);
        buffer_clear(&lines);
    }
    buffer_clean_up(&lines);
    return done && connection_copy_end(sink->connection, error);
}

#define MOMENT(column) "timestamptz 'epoch' + " column " * interval '1 microsecond'"

static bool remove_vanished(struct postgres_sink *sink, struct error *error)
{
    const struct view *view = sink->view;
    struct buffer sql = {0};
    buffer_appendf(&sql,
                   "delete from %s t using pg_temp.emitted_rows n where n.c0 and t.window_start = " MOMENT("n.c1"),
                   buffer_string(&sink->table));
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(&sql, " and t.");
        buffer_append_identifier(&sql, view->schema->fields[view->dimensions[i]].name);
        buffer_appendf(&sql, " is not distinct from n.c%zu", 3 + i);
    }
    return execute(sink, &sql, error);
}

static void append_update(const struct postgres_sink *sink, struct buffer *sql)
{
    const struct view *view = sink->view;
    buffer_append_string(sql, " do update set window_end = excluded.window_end, final = excluded.final");
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->measures[i].name);
        buffer_append_string(sql, " = excluded.");
        buffer_append_identifier(sql, view->measures[i].name);
    }
}

static bool put_changed(struct postgres_sink *sink, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "insert into %s (", buffer_string(&sink->table));
    append_columns(sink, false, &sql);
    buffer_append_string(&sql, ") select " MOMENT("c1") ", " MOMENT("c2"));
    for (size_t i = 3; i <= column_count(sink); i++)
        buffer_appendf(&sql, ", c%zu", i);
    buffer_append_string(&sql, " from pg_temp.emitted_rows where not c0 on conflict (");
    append_key(sink, &sql);
    buffer_append_string(&sql, ")");
    append_update(sink, &sql);
    return execute(sink, &sql, error);
}

static bool empty_table(struct postgres_sink *sink, struct error *error)
{
    struct buffer sql = {0};
    buffer_appendf(&sql, "delete from %s", buffer_string(&sink->table));
    return execute(sink, &sql, error);
}

/* Puts the statement in the place of the one before, which nobody may have changed. */
static bool put_statement(struct postgres_sink *sink, const struct micro_batch *batch, struct error *error)
{
    RESULT *result = NULL;
    struct buffer number = {0}, before = {0}, statement = {0};
    buffer_append_integer(&number, batch->number);
    buffer_append_text(&before, batch->before);
    buffer_append_text(&statement, batch->statement);
    const char *const values[] = {buffer_string(&sink->name), buffer_string(&number), buffer_string(&statement),
                                  buffer_string(&before)};
    const char *sql = batch->before.length > 0 ? "update tidemark.emitted set number = $2, provenance = $3, written_at "
                                                 "= now() where sink = $1 and provenance::text = $4 returning 1"
                                               : "insert into tidemark.emitted (sink, number, provenance, written_at) "
                                                 "values ($1, $2, $3, now()) on conflict do nothing returning 1";
    bool done = number.failed || before.failed || statement.failed
                    ? lacks_memory(error)
                    : connection_query(sink->connection, sql, batch->before.length > 0 ? 4 : 3, values, &result, error);
    buffer_clean_up(&number);
    buffer_clean_up(&before);
    buffer_clean_up(&statement);
    return done &&
           (PQntuples(result) == 1 ||
            error_set(error, ERROR_TRY_AGAIN, "another process wrote the table, or it came back from a backup"));
}

static bool write_in_transaction(struct postgres_sink *sink, const struct micro_batch *batch, struct error *error)
{
    bool done = connection_execute(sink->connection, "begin", error) && put_statement(sink, batch, error) &&
                (!batch->restarts || empty_table(sink, error)) && make_rows_table(sink, error) &&
                (batch->count == 0 ||
                 (copy_rows(sink, batch, error) && remove_vanished(sink, error) && put_changed(sink, error)));
    crash_point("in_emit");
    return done && connection_execute(sink->connection, "commit", error);
}

static bool write_batch(struct sink_store *store, const struct micro_batch *batch, struct error *error)
{
    struct postgres_sink *sink = of(store);
    return ensure_connection(sink, error) && (write_in_transaction(sink, batch, error) || give_up(sink));
}

static void destroy(struct sink_store *store)
{
    struct postgres_sink *sink = of(store);
    PQfinish(sink->connection);
    free(sink->url);
    free(sink->password);
    buffer_clean_up(&sink->schema);
    buffer_clean_up(&sink->table);
    buffer_clean_up(&sink->name);
    free(sink);
}

bool postgres_sink_open(const char *url, const char *password, const char *schema, const char *table,
                        const struct view *view, struct sink_store **ret_store, struct error *error)
{
    static const struct sink_store_operations operations = {
        .open = open_sink, .list = list, .has = has, .write = write_batch, .destroy = destroy};
    struct postgres_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return lacks_memory(error);
    *sink = (struct postgres_sink){
        .store =
            {
                .operations = &operations,
                .form = ROW_COLUMNS,
            },
        .view = view,
        .url = strdup(url),
        .password = password ? strdup(password) : NULL,
    };
    buffer_append_identifier(&sink->schema, schema);
    buffer_append_text(&sink->table, buffer_text(&sink->schema));
    buffer_append_char(&sink->table, '.');
    buffer_append_identifier(&sink->table, table);
    buffer_appendf(&sink->name, "%s.%s", schema, table);
    if (!sink->url || (password && !sink->password) || sink->schema.failed || sink->table.failed || sink->name.failed) {
        destroy(&sink->store);
        return lacks_memory(error);
    }
    *ret_store = &sink->store;
    return true;
}
