/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/view_sql.h"

#include "database/schema.h"
#include "postgres/group_sql.h"
#include "postgres/view_table.h"

static const struct field *dimension(const struct view *view, size_t i)
{
    return &view->schema->fields[view->dimensions[i]];
}

static const struct field *summed(const struct view *view, size_t sum)
{
    return &view->schema->fields[view->sums[sum]];
}

static void append_measure_type(struct buffer *sql, const struct view *view, const struct measure *measure)
{
    if (measure->kind == MEASURE_COUNT || measure->kind == MEASURE_UNIQUE)
        buffer_append_string(sql, "bigint");
    else
        buffer_appendf(sql, "numeric(38,%u)", view->schema->fields[measure->field].scale);
}

/* As the table has it; what people see of an array is how many values it has. */
static void append_column_type(struct buffer *sql, const struct view *view, const struct measure *measure)
{
    if (!column_holds_values(view, measure)) {
        append_measure_type(sql, view, measure);
        return;
    }
    const struct field *field = &view->schema->fields[measure->field];
    append_field_type(sql, field);
    buffer_append_string(sql, field->type == FIELD_TEXT ? "[] collate \"C\"" : "[]");
}

void append_view_create(struct buffer *sql, const struct view *view, const char *table)
{
    buffer_appendf(sql, "create table %s (window_start timestamptz not null, window_end timestamptz not null", table);
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, dimension(view, i)->name);
        buffer_append_char(sql, ' ');
        append_field_type(sql, dimension(view, i));
        if (dimension(view, i)->type == FIELD_TEXT)
            buffer_append_string(sql, " collate \"C\"");
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->measures[i].name);
        buffer_append_char(sql, ' ');
        append_column_type(sql, view, &view->measures[i]);
    }
    buffer_append_string(sql, ", tm_window bigint not null, tm_count bigint not null");
    for (size_t i = 0; i < view->sum_count; i++)
        buffer_appendf(sql, ", %s bigint not null, %s numeric(38,0) not null", hidden_count(i).text,
                       hidden_total(i).text);
    buffer_append_char(sql, ')');
}

void append_view_columns(struct buffer *sql, const struct view *view, void append(struct buffer *, const char *name))
{
    static const char *const first[] = {"window_start", "window_end", "tm_window", "tm_count"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        buffer_append_string(sql, i ? ", " : "");
        append(sql, first[i]);
    }
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, ", ");
        append(sql, dimension(view, i)->name);
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", ");
        append(sql, view->measures[i].name);
    }
    for (size_t i = 0; i < 2 * view->sum_count; i++) {
        buffer_append_string(sql, ", ");
        append(sql, (i % 2 ? hidden_total(i / 2) : hidden_count(i / 2)).text);
    }
}

void append_view_copy(struct buffer *sql, const struct view *view, const char *table, const char *from)
{
    buffer_appendf(sql, "insert into %s (", table);
    append_view_columns(sql, view, buffer_append_identifier);
    buffer_append_string(sql, ") select ");
    append_view_columns(sql, view, buffer_append_identifier);
    buffer_appendf(sql, " from %s", from);
}

void append_view_finish(struct buffer *sql, const struct view *view, const char *table)
{
    buffer_append_string(sql, "create index if not exists ");
    append_index_name(sql, "", view->name, "window");
    buffer_appendf(sql, " on %s (tm_window); analyze %s", table, table);
}

/* A sum or an average, null where nothing was summed. The average is rounded half away from zero in integers:
 * trunc((2 |sum| + n) / 2n). */
static void append_measure(struct buffer *sql, const struct view *view, size_t number)
{
    const struct measure *measure = &view->measures[number];
    static const char *const minor[] = {"1", "0.1", "0.01", "0.001"};
    size_t sum = measure->sum;
    if (measure_rests_on_members(measure)) {
        buffer_appendf(sql, "tm_member_%zu", number);
        return;
    }
    if (measure->kind == MEASURE_COUNT) {
        if (measure->field == FIELD_NONE)
            buffer_append_string(sql, "tm_count");
        else
            buffer_appendf(sql, "tm_n_%zu", sum);
        return;
    }
    const char *unit = minor[summed(view, sum)->scale];
    buffer_appendf(sql, "case when tm_n_%zu > 0 then ", sum);
    if (measure->kind == MEASURE_SUM)
        buffer_appendf(sql, "tm_sum_%zu * %s", sum, unit);
    else
        buffer_appendf(sql, "sign(tm_sum_%zu) * div(2 * abs(tm_sum_%zu) + tm_n_%zu, 2 * tm_n_%zu) * %s", sum, sum, sum,
                       sum, unit);
    buffer_append_string(sql, " end");
}

void append_view_dimensions(struct buffer *sql, const struct view *view)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, dimension(view, i)->name);
    }
}

void append_view_sums(struct buffer *sql, const struct view *view)
{
    for (size_t i = 0; i < view->sum_count; i++)
        buffer_appendf(sql, ", sum(%s)::bigint as %s, sum(%s) as %s", hidden_count(i).text, hidden_count(i).text,
                       hidden_total(i).text, hidden_total(i).text);
}

void append_view_measures(struct buffer *sql, const struct view *view)
{
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", (");
        append_measure(sql, view, i);
        buffer_append_string(sql, ")::");
        append_measure_type(sql, view, &view->measures[i]);
        buffer_append_string(sql, " as ");
        buffer_append_identifier(sql, view->measures[i].name);
    }
}

static void append_rows(struct buffer *sql, const struct window_sql *window)
{
    const struct view *view = window->view;
    struct buffer end = {0};
    buffer_append_string(sql, "select ");
    window_sql_append_time(view, "tm_window", sql);
    buffer_append_string(sql, ", ");
    window_sql_append_end(window, "tm_window", &end);
    window_sql_append_time(view, buffer_string(&end), sql);
    sql->failed |= end.failed;
    buffer_clean_up(&end);
    buffer_append_string(sql, ", tm_window, tm_count");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(sql, ", tm_group_%zu", i);
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(sql, ", ");
        append_measure(sql, view, i);
    }
    for (size_t i = 0; i < view->sum_count; i++)
        buffer_appendf(sql, ", tm_n_%zu, tm_sum_%zu", i, i);
    buffer_append_string(sql, " from groups");
}

/* Behind the list of a "with" that has the groups. */
static void append_insert(struct buffer *sql, const struct window_sql *window, const char *table)
{
    buffer_appendf(sql, ", inserted as (insert into %s ", table);
    buffer_append_char(sql, '(');
    append_view_columns(sql, window->view, buffer_append_identifier);
    buffer_append_string(sql, ") ");
    append_rows(sql, window);
    buffer_append_string(sql, " returning tm_count) select coalesce(sum(tm_count), 0)::bigint, count(*) from inserted");
}

void append_view_insert(struct buffer *sql, const struct window_sql *window, const char *table, const char *origin,
                        const char *windows)
{
    append_groups(sql, window, origin, windows);
    append_insert(sql, window, table);
}

void append_view_groups(struct buffer *sql, const struct window_sql *window, const char *origin)
{
    buffer_append_string(sql, "create temp table tm_groups on commit drop as ");
    append_groups(sql, window, origin, NULL);
    buffer_append_string(sql, " select * from groups");
}

void append_view_insert_groups(struct buffer *sql, const struct window_sql *window, const char *table)
{
    buffer_append_string(sql, "with groups as (select * from pg_temp.tm_groups)");
    append_insert(sql, window, table);
}

void append_view_drop_groups(struct buffer *sql)
{
    buffer_append_string(sql, "drop table pg_temp.tm_groups");
}
