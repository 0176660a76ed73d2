/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/explained_view.h"

#include "engine/postgres/view_sql.h"
#include "postgres/group_sql.h"
#include "postgres/live_versions.h"

static bool has_versions(PGconn *connection, const char *table, const struct source *source, struct error *error)
{
    RESULT *found = NULL;
    const char *values[] = {table};
    if (!connection_query(connection, "select to_regclass($1) is not null", 1, values, &found, error))
        return false;
    return *PQgetvalue(found, 0, 0) == 't' ||
           error_set(
               error, ERROR_TRY_AGAIN,
               "nothing of the source %s is published yet, and this SQL reads its live versions: tidemark-batch run",
               source->name);
}

static void append_select(struct buffer *sql, const struct window_sql *window)
{
    const struct view *view = window->view;
    struct buffer end = {0};
    buffer_append_string(sql, "\nselect ");
    window_sql_append_time(view, "tm_window", sql);
    buffer_append_string(sql, " as window_start, ");
    window_sql_append_end(window, "tm_window", &end);
    window_sql_append_time(view, buffer_string(&end), sql);
    buffer_append_string(sql, " as window_end");
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_appendf(sql, ", tm_group_%zu as ", i);
        buffer_append_identifier(sql, view->schema->fields[view->dimensions[i]].name);
    }
    append_view_measures(sql, view);
    buffer_append_string(sql, "\nfrom groups where tm_count > 0\norder by tm_window");
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(sql, ", tm_group_%zu nulls first", i);
    buffer_append_string(sql, ";\n");
    sql->failed |= end.failed;
    buffer_clean_up(&end);
}

bool explained_view_append(PGconn *connection, const struct source *source, const struct view *view, struct buffer *sql,
                           struct error *error)
{
    struct buffer table = {0}, origin = {0};
    struct time_range times = {0};
    bool any = false;
    append_current_table(&table, source);
    buffer_appendf(&origin, "%s o", buffer_string(&table));
    bool done = !table.failed && !origin.failed
                    ? has_versions(connection, buffer_string(&table), source, error) &&
                          versions_find_times(connection, buffer_string(&origin), &times, &any, error)
                    : error_set(error, ERROR_INTERNAL, "out of memory");
    if (done) {
        struct window_sql window;
        window_sql_init(&window, view, times);
        append_groups(sql, &window, buffer_string(&origin), NULL);
        append_select(sql, &window);
        window_sql_clean_up(&window);
        done = !sql->failed || error_set(error, ERROR_INTERNAL, "out of memory");
    }
    buffer_clean_up(&table);
    buffer_clean_up(&origin);
    return done;
}
