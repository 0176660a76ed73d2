/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/group_sql.h"

#include "postgres/live_versions.h"
#include "postgres/view_table.h"

#define ROWS_AT_ONCE 5000

static const char *const units[] = {"1", "10", "100", "1000"}; /* minor ones, by scale */

static const struct field *field_of(const struct view *view, size_t number)
{
    return &view->schema->fields[number];
}

void append_view_condition(struct buffer *sql, const struct view *view)
{
    if (view->where)
        expression_print_sql(view->where, view->schema, "o.", sql);
    else
        buffer_append_string(sql, "true");
    if (!view->shown)
        return;
    buffer_append_string(sql, " and o.");
    buffer_append_identifier(sql, field_of(view, member_field(view))->name);
    buffer_append_string(sql, " is not null");
}

static void append_field(struct buffer *sql, const struct field *field)
{
    buffer_append_string(sql, "o.");
    buffer_append_identifier(sql, field->name);
}

/* A decimal in minor units. */
static void append_dimension(struct buffer *sql, const struct field *field)
{
    buffer_append_string(sql, ", ");
    if (field->type == FIELD_DECIMAL)
        buffer_append_char(sql, '(');
    append_field(sql, field);
    if (field->type == FIELD_DECIMAL)
        buffer_appendf(sql, " * %s)::bigint", units[field->scale]);
}

/* What one version brings: its window, its dimensions, the amounts to sum, and what the members are. */
static void append_versions(struct buffer *sql, const struct window_sql *window, const char *origin)
{
    const struct view *view = window->view;
    buffer_append_string(sql, "select ");
    window_sql_append_start(window, "o.tm_event_us", sql);
    buffer_append_string(sql, " as tm_window");
    for (size_t i = 0; i < view->dimension_count; i++) {
        append_dimension(sql, field_of(view, view->dimensions[i]));
        buffer_appendf(sql, " as tm_group_%zu", i);
    }
    for (size_t i = 0; i < view->sum_count; i++) {
        buffer_append_string(sql, ", ");
        append_field(sql, field_of(view, view->sums[i]));
        buffer_appendf(sql, " as tm_amount_%zu", i);
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        if (!measure_rests_on_members(&view->measures[i]))
            continue;
        buffer_append_string(sql, ", ");
        append_field(sql, field_of(view, view->measures[i].field));
        buffer_appendf(sql, " as tm_value_%zu", i);
    }
    buffer_appendf(sql, " from %s where ", origin);
    append_view_condition(sql, view);
}

/* Sums in minor units: numeric arithmetic is exact, and the product has no digit after the point. Text is only counted.
 */
static void append_sum(struct buffer *sql, const struct view *view, size_t i)
{
    const struct field *summed = field_of(view, view->sums[i]);
    buffer_appendf(sql, ", count(tm_amount_%zu) as tm_n_%zu, ", i, i);
    if (summed->type == FIELD_TEXT)
        buffer_append_string(sql, "0::numeric(38,0)");
    else
        buffer_appendf(sql, "(coalesce(sum(tm_amount_%zu), 0) * %s)::numeric(38,0)", i, units[summed->scale]);
    buffer_appendf(sql, " as tm_sum_%zu", i);
}

static void append_members(struct buffer *sql, const struct view *view)
{
    static const char *const functions[] = {
        [MEASURE_UNIQUE] = "count(distinct ", [MEASURE_MINIMUM] = "min(", [MEASURE_MAXIMUM] = "max("};
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        if (column_holds_values(view, measure))
            buffer_appendf(sql, ", array_agg(distinct tm_value_%zu) filter (where tm_value_%zu is not null)", i, i);
        else if (measure_rests_on_members(measure))
            buffer_appendf(sql, ", %stm_value_%zu)", functions[measure->kind], i);
        if (measure_rests_on_members(measure))
            buffer_appendf(sql, " as tm_member_%zu", i);
    }
}

void append_groups(struct buffer *sql, const struct window_sql *window, const char *origin, const char *windows)
{
    const struct view *view = window->view;
    buffer_append_string(sql, "with versions as (");
    append_versions(sql, window, origin);
    buffer_append_string(sql, "), groups as (select tm_window, count(*) as tm_count");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(sql, ", tm_group_%zu", i);
    for (size_t i = 0; i < view->sum_count; i++)
        append_sum(sql, view, i);
    append_members(sql, view);
    buffer_append_string(sql, " from versions");
    if (windows)
        buffer_appendf(sql, " where tm_window = any (%s)", windows);
    buffer_append_string(sql, " group by tm_window");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(sql, ", tm_group_%zu", i);
    buffer_append_char(sql, ')');
    sql->failed = sql->failed || window->edges.failed || window->offsets.failed;
}

/* `origin` has versions of all these times. */
static bool fetch(PGconn *connection, const struct view *hidden, struct time_range times, const struct buffer *origin,
                  const char *windows, rows_take *take, void *context, struct error *error)
{
    struct buffer sql = {0};
    struct window_sql window;
    window_sql_init(&window, hidden, times);
    append_groups(&sql, &window, buffer_string(origin), windows);
    buffer_append_string(&sql, " select tm_window, tm_count");
    for (size_t i = 0; i < hidden->dimension_count; i++)
        buffer_appendf(&sql, ", tm_group_%zu", i);
    buffer_append_string(&sql, " from groups");
    sql.failed |= origin->failed;
    bool done = connection_fetch(connection, &sql, ROWS_AT_ONCE, take, context, error);
    window_sql_clean_up(&window);
    buffer_clean_up(&sql);
    return done;
}

static bool fetch_all(PGconn *connection, const struct source *source, const struct view *hidden, rows_take *take,
                      void *context, struct error *error)
{
    struct buffer origin = {0};
    struct time_range times;
    bool any = false;
    append_current_table(&origin, source);
    buffer_append_string(&origin, " o");
    bool done = versions_find_times(connection, buffer_string(&origin), &times, &any, error) &&
                (!any || fetch(connection, hidden, times, &origin, NULL, take, context, error));
    buffer_clean_up(&origin);
    return done;
}

static bool fetch_touched(PGconn *connection, const struct source *source, const struct view *hidden,
                          const PGresult *starts, rows_take *take, void *context, struct error *error)
{
    struct touched touched;
    struct buffer origin = {0};
    bool done = touched_init(&touched, hidden, starts) || error_set(error, ERROR_INTERNAL, "out of memory");
    append_touched_versions(&origin, source, &touched);
    done = done &&
           fetch(connection, hidden, touched.times, &origin, buffer_string(&touched.windows), take, context, error);
    touched_clean_up(&touched);
    buffer_clean_up(&origin);
    return done;
}

bool members_fetch(PGconn *connection, const struct source *source, const struct view *hidden, const PGresult *starts,
                   rows_take *take, void *context, struct error *error)
{
    if (!starts)
        return fetch_all(connection, source, hidden, take, context, error);
    return PQntuples(starts) == 0 || fetch_touched(connection, source, hidden, starts, take, context, error);
}
