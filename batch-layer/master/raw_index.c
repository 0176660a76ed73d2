/* SPDX-License-Identifier: Apache-2.0 */
#include "master/raw_index.h"

#include "database/source_sql.h"

/* Whether it has a primary key, whatever its name; and an index on dates, which it needs where it has that column. */
static bool look_for_indexes(struct batch *batch, const struct source *source, bool *ret_has_key, bool *ret_has_date,
                             struct error *error)
{
    struct buffer sql = {0}, table = {0}, date = {0};
    RESULT *found = NULL;
    append_raw_table(&table, source);
    buffer_append_string(&date, "raw.");
    append_index_name(&date, "", source->name, "date");
    buffer_append_string(&sql, "select exists (select from pg_index where indisprimary and indrelid = ");
    buffer_append_literal(&sql, buffer_text(&table));
    buffer_append_string(&sql, "::regclass), to_regclass(");
    buffer_append_literal(&sql, buffer_text(&date));
    buffer_append_string(&sql, ") is not null");
    sql.failed |= table.failed || date.failed;
    bool done = batch_query(batch, &sql, &found, error);
    if (done) {
        *ret_has_key = *PQgetvalue(found, 0, 0) == 't';
        *ret_has_date = schema_day_field(&source->schema) || *PQgetvalue(found, 0, 1) == 't';
    }
    buffer_clean_up(&sql);
    buffer_clean_up(&table);
    buffer_clean_up(&date);
    return done;
}

static void append_key(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "alter table ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " add constraint ");
    append_index_name(sql, "", source->name, "key");
    buffer_append_string(sql, " primary key (tm_partition, tm_offset); ");
}

static void append_date(struct buffer *sql, const struct source *source)
{
    buffer_append_string(sql, "create index ");
    append_index_name(sql, "", source->name, "date");
    buffer_append_string(sql, " on ");
    append_raw_table(sql, source);
    buffer_append_string(sql, " (date); ");
}

bool raw_index(struct batch *batch, const struct source *source, struct error *error)
{
    bool has_key, has_date;
    struct buffer sql = {0};
    if (!look_for_indexes(batch, source, &has_key, &has_date, error))
        return false;
    if (!has_key)
        append_key(&sql, source);
    if (!has_date)
        append_date(&sql, source);
    if (sql.length > 0) {
        buffer_append_string(&sql, "analyze ");
        append_raw_table(&sql, source);
    }
    bool done = sql.length == 0 || batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}
