/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "database/day_columns.h"
#include "database/schema.h"

static void append_current_index_name(struct buffer *sql, const struct source *source, const char *suffix)
{
    append_index_name(sql, "current_", source->name, suffix);
}

void append_current_indexes(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "alter table ");
    append_current_table(sql, source);
    buffer_append_string(sql, " add constraint ");
    append_current_index_name(sql, source, "key");
    buffer_append_string(sql, " primary key (tm_key, tm_partition); create index ");
    append_current_index_name(sql, source, "event");
    buffer_append_string(sql, " on ");
    append_current_table(sql, source);
    buffer_append_string(sql, " (tm_event_us); ");
}

void append_current_unindex(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "alter table ");
    append_current_table(sql, source);
    buffer_append_string(sql, " drop constraint ");
    append_current_index_name(sql, source, "key");
    buffer_append_string(sql, "; drop index tidemark.");
    append_current_index_name(sql, source, "event");
    buffer_append_string(sql, "; ");
}

static void append_column(struct buffer *sql, const struct field *field)
{
    buffer_append_identifier(sql, field->name);
    buffer_append_char(sql, ' ');
    append_field_type(sql, field);
    if (field->type == FIELD_TEXT)
        buffer_append_string(sql, " collate \"C\"");
}

static void append_fields(struct buffer *sql, const struct schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        buffer_append_string(sql, ", ");
        append_column(sql, &schema->fields[i]);
    }
}

/* The comment of the table in schema raw says which fields were ever kept there: a column that is missing all the same
 * was dropped or renamed by somebody, and must not come back empty as if it were a new field's. */
static void append_known_fields(struct buffer *out, const struct schema *schema)
{
    buffer_append_string(out, "fields:");
    for (size_t i = 0; i < schema->field_count; i++)
        buffer_appendf(out, " %s;", schema->fields[i].name);
}

static bool knows_field(struct text known, const struct field *field)
{
    char entry[128]; /* longer than any name of a field */
    int length = snprintf(entry, sizeof entry, " %s;", field->name);
    return known.length > 0 && memmem(known.data, known.length, entry, (size_t)length) != NULL;
}

static void append_comment(struct buffer *sql, const struct source *source)
{
    struct buffer known = {0};
    append_known_fields(&known, &source->schema);
    buffer_append_string(sql, "comment on table ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " is ");
    buffer_append_literal(sql, buffer_text(&known));
    buffer_append_string(sql, "; ");
    sql->failed |= known.failed;
    buffer_clean_up(&known);
}

/* What the rows of the master dataset mean, besides their columns. */
static void append_definition(struct buffer *out, const struct source *source)
{
    static const char *const units[] = {"RFC 3339", "seconds", "milliseconds", "microseconds"};
    static const char *const duplicates[] = {"replace", "ignore", "none"};
    const struct schema *schema = &source->schema;
    buffer_appendf(out, "topic %s, key %s, event_time %s in %s, on_duplicate %s", source->topic,
                   schema->key == FIELD_NONE ? "none" : schema->fields[schema->key].name, schema->event_time,
                   units[schema->event_time_unit], duplicates[source->on_duplicate]);
}

static bool create_tables(struct batch *batch, const struct source *source, struct buffer *sql, struct error *error)
{
    buffer_append_string(sql, "create table ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " (tm_partition int not null, tm_offset bigint not null, tm_record_us bigint,"
                              " tm_event_us bigint not null");
    append_fields(sql, &source->schema);
    buffer_append_string(sql, "); create table ");
    append_current_table(sql, source);
    buffer_append_string(sql, " (tm_partition int not null, tm_key text collate \"C\" not null,"
                              " tm_offset bigint not null, tm_event_us bigint not null");
    append_fields(sql, &source->schema);
    buffer_append_string(sql, "); ");
    append_current_indexes(sql, source);
    append_comment(sql, source);
    buffer_append_string(sql, "update tidemark.source set definition = ");
    struct buffer definition = {0};
    append_definition(&definition, source);
    buffer_append_literal(sql, buffer_text(&definition));
    sql->failed |= definition.failed;
    buffer_clean_up(&definition);
    buffer_append_string(sql, " where name = ");
    buffer_append_literal(sql, text_of(source->name));
    return batch_execute(batch, sql, error);
}

static bool check_definition(const struct source *source, struct text stored, struct error *error)
{
    struct buffer wanted = {0};
    append_definition(&wanted, source);
    bool same = text_equal(stored, buffer_text(&wanted));
    if (wanted.failed)
        same = error_set(error, ERROR_INTERNAL, "out of memory");
    else if (!same)
        error_set(error, ERROR_CONFIGURATION,
                  "source %s: the database was filled with \"%.*s\" and the configuration says \"%s\"; "
                  "give the source another name, or drop what was ingested",
                  source->name, (int)stored.length, stored.data, buffer_string(&wanted));
    buffer_clean_up(&wanted);
    return same;
}

/* The type of this column among (name, type) rows; an empty text where there is none. */
static struct text find_type(const PGresult *columns, const char *name)
{
    for (int row = 0; row < PQntuples(columns); row++)
        if (text_equal(result_text(columns, row, 0), text_of(name)))
            return result_text(columns, row, 1);
    return (struct text){0};
}

/* Both tables that have the source's fields get a new column, or more digits in one. */
static void alter_tables(const struct source *source, const struct field *field, bool is_new, struct buffer *sql)
{
    void (*const tables[])(struct buffer *, const struct source *) = {append_raw_table, append_current_table};
    for (size_t i = 0; i < 2; i++) {
        buffer_append_string(sql, "alter table ");
        tables[i](sql, source);
        buffer_append_string(sql, is_new ? " add column " : " alter column ");
        if (is_new) {
            append_column(sql, field);
        } else {
            buffer_append_identifier(sql, field->name);
            buffer_append_string(sql, " type ");
            append_field_type(sql, field);
        }
        buffer_append_string(sql, "; ");
    }
}

/* What was good as a decimal is good as one with more digits, and stays the same number. */
static bool is_wider(const struct field *field, struct text stored)
{
    char narrower[32];
    bool wider = false;
    for (unsigned scale = 0; field->type == FIELD_DECIMAL && scale < field->scale; scale++) {
        snprintf(narrower, sizeof narrower, "numeric(18,%u)", scale);
        wider = wider || text_equal(stored, text_of(narrower));
    }
    return wider;
}

static bool follow_field(const struct source *source, const struct field *field, struct text stored, struct text known,
                         struct buffer *sql, struct error *error)
{
    if (stored.length == 0 && knows_field(known, field))
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: the column %s of raw.%s was dropped or renamed by somebody; bring it back from a "
                         "backup, or drop what was ingested",
                         source->name, field->name, source->name);
    struct buffer wanted = {0};
    append_field_type(&wanted, field);
    bool fits = text_equal(stored, buffer_text(&wanted));
    if (wanted.failed) {
        fits = error_set(error, ERROR_INTERNAL, "out of memory");
    } else if (stored.length == 0 || is_wider(field, stored)) {
        alter_tables(source, field, stored.length == 0, sql);
        fits = true;
    } else if (!fits) {
        error_set(error, ERROR_CONFIGURATION,
                  "source %s: field %s is %.*s in the database and %s in the configuration; only more digits of a "
                  "decimal can be added to a source that was ingested: give it another name to begin anew",
                  source->name, field->name, (int)stored.length, stored.data, buffer_string(&wanted));
    }
    buffer_clean_up(&wanted);
    return fits;
}

/* Rows of name, type and the table's comment; none where there is no such table. */
static bool read_columns(struct batch *batch, const struct buffer *table, PGresult **ret_columns, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select attname, format_type(atttypid, atttypmod), "
                               "coalesce(obj_description(attrelid, 'pg_class'), '') from pg_attribute "
                               "where attnum > 0 and not attisdropped and attrelid = to_regclass(");
    buffer_append_literal(&sql, buffer_text(table));
    buffer_append_char(&sql, ')');
    sql.failed |= table->failed;
    bool done = batch_query(batch, &sql, ret_columns, error);
    buffer_clean_up(&sql);
    return done;
}

/* The live versions are made from the master dataset, and have its fields. */
static bool check_current(struct batch *batch, const struct source *source, const PGresult *raw, struct error *error)
{
    struct buffer table = {0};
    append_current_table(&table, source);
    RESULT *columns = NULL;
    bool done = read_columns(batch, &table, &columns, error);
    for (size_t i = 0; done && i < source->schema.field_count; i++) {
        const char *name = source->schema.fields[i].name;
        if (!text_equal(find_type(columns, name), find_type(raw, name)))
            done = error_set(error, ERROR_CONFIGURATION,
                             "source %s: the column %s of %s was dropped, renamed or changed by somebody", source->name,
                             name, buffer_string(&table));
    }
    buffer_clean_up(&table);
    return done;
}

/* *grants: what was granted on live.<source>, where that had to be dropped. */
static bool follow_fields(struct batch *batch, const struct source *source, struct buffer *sql, struct buffer *grants,
                          struct error *error)
{
    struct buffer table = {0};
    RESULT *columns = NULL;
    append_raw_table(&table, source);
    bool read = read_columns(batch, &table, &columns, error);
    buffer_clean_up(&table);
    if (!read)
        return false;
    if (PQntuples(columns) == 0)
        return error_set(error, ERROR_CONFIGURATION, "source %s: its table in schema raw is gone", source->name);
    struct text known = result_text(columns, 0, 2);
    bool is_new = false, widens = false;
    for (size_t i = 0; i < source->schema.field_count; i++) {
        const struct field *field = &source->schema.fields[i];
        struct text stored = find_type(columns, field->name);
        if (!follow_field(source, field, stored, known, sql, error))
            return false;
        is_new = is_new || !knows_field(known, field);
        widens = widens || is_wider(field, stored);
    }
    if (!check_current(batch, source, columns, error))
        return false;
    if (is_new)
        append_comment(sql, source);
    return (!widens || live_view_drop(batch, source, grants, error)) &&
           (sql->length == 0 || batch_execute(batch, sql, error));
}

static bool prepare_tables(struct batch *batch, const struct source *source, struct buffer *sql, struct buffer *grants,
                           struct error *error)
{
    const char *values[] = {source->name, source->topic};
    RESULT *inserted = NULL, *stored = NULL;
    if (!connection_query(batch->connection,
                          "insert into tidemark.source (name, topic) values ($1, $2) on conflict do nothing", 2, values,
                          &inserted, error) ||
        !connection_query(batch->connection, "select definition from tidemark.source where name = $1", 1, values,
                          &stored, error))
        return false;
    if (PQgetisnull(stored, 0, 0))
        return create_tables(batch, source, sql, error);
    return check_definition(source, result_text(stored, 0, 0), error) &&
           follow_fields(batch, source, sql, grants, error);
}

static bool prepare(struct batch *batch, const struct source *source, struct buffer *sql, struct buffer *grants,
                    struct error *error)
{
    return prepare_tables(batch, source, sql, grants, error) && day_columns_follow(batch, source, error) &&
           live_view_follow(batch, source, error) && (grants->length == 0 || batch_execute(batch, grants, error));
}

bool schema_prepare_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct buffer sql = {0}, grants = {0};
    bool done = connection_execute(batch->connection, "begin", error) && prepare(batch, source, &sql, &grants, error) &&
                connection_execute(batch->connection, "commit", error);
    if (!done)
        connection_roll_back(batch->connection);
    buffer_clean_up(&sql);
    buffer_clean_up(&grants);
    return done;
}
