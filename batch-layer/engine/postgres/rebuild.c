/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/rebuild.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "database/schema.h"
#include "engine/postgres/late.h"
#include "engine/postgres/view_sql.h"
#include "postgres/group_sql.h"
#include "publication/kept_table.h"
#include "publication/row_view.h"

struct rebuild {
    struct source_run *run;
    struct view_change *changes;
    bool is_staged[VIEWS_MAX]; /* its rows lie beside its table */
    struct buffer sql;
};

static const char *const added_and_removed = "(select tm_event_us from pg_temp.tm_added union all "
                                             "select tm_event_us from pg_temp.tm_removed) o";

static const struct view *view_of(const struct rebuild *rebuild, size_t number)
{
    return &rebuild->run->source->views[number];
}

/* Adds to the counted and filtered of the views for which `whole` holds, what `origin` has that doesn't count. */
static bool count_filtered(struct rebuild *rebuild, const char *origin, bool whole, int sign, struct error *error)
{
    RESULT *result = NULL;
    size_t count = rebuild->run->source->view_count;
    bool any = false;
    buffer_append_string(&rebuild->sql, "select 0");
    for (size_t i = 0; i < count; i++) {
        if (rebuild->changes[i].whole != whole)
            continue;
        any = true;
        buffer_append_string(&rebuild->sql, ", count(*) filter (where (");
        append_view_condition(&rebuild->sql, view_of(rebuild, i));
        buffer_append_string(&rebuild->sql, ") is not true)");
    }
    buffer_appendf(&rebuild->sql, " from %s", origin);
    if (!any) {
        buffer_clear(&rebuild->sql);
        return true;
    }
    if (!batch_query(rebuild->run->batch, &rebuild->sql, &result, error))
        return false;
    for (size_t i = 0, column = 1; i < count; i++)
        if (rebuild->changes[i].whole == whole)
            rebuild->changes[i].filtered += sign * result_integer(result, 0, (int)column++);
    return true;
}

static bool find_touched(struct rebuild *rebuild, const struct window_sql *window, PGresult **ret_starts,
                         struct error *error)
{
    static const char *const tables[] = {"pg_temp.tm_added", "pg_temp.tm_removed"};
    for (size_t i = 0; i < 2; i++) {
        buffer_append_string(&rebuild->sql, i ? " union select " : "select ");
        window_sql_append_start(window, "o.tm_event_us", &rebuild->sql);
        buffer_appendf(&rebuild->sql, " from %s o where ", tables[i]);
        append_view_condition(&rebuild->sql, window->view);
    }
    buffer_append_string(&rebuild->sql, " order by 1");
    return batch_query(rebuild->run->batch, &rebuild->sql, ret_starts, error);
}

/* Reads two numbers: the rows' versions, and how many rows. */
static bool query_counts(struct rebuild *rebuild, int64_t *ret_versions, int64_t *ret_rows, struct error *error)
{
    RESULT *result = NULL;
    if (!batch_query(rebuild->run->batch, &rebuild->sql, &result, error))
        return false;
    *ret_versions = result_integer(result, 0, 0);
    *ret_rows = result_integer(result, 0, 1);
    return true;
}

static bool replace_windows(struct rebuild *rebuild, const struct window_sql *window, struct view_change *change,
                            const PGresult *starts, struct error *error)
{
    struct touched touched;
    struct buffer table = {0}, origin = {0};
    bool failed = !touched_init(&touched, window->view, starts);
    append_view_table(&table, window->view);
    append_touched_versions(&origin, rebuild->run->source, &touched);
    const char *windows = buffer_string(&touched.windows);
    int64_t before, after, deleted;
    buffer_appendf(&rebuild->sql,
                   "with deleted as (delete from %s where tm_window = any (%s) returning tm_count) "
                   "select coalesce(sum(tm_count), 0)::bigint, count(*) from deleted",
                   buffer_string(&table), windows);
    failed = failed || table.failed || origin.failed;
    bool done =
        failed ? error_set(error, ERROR_INTERNAL, "out of memory") : query_counts(rebuild, &before, &deleted, error);
    if (done) {
        append_view_insert(&rebuild->sql, window, buffer_string(&table), buffer_string(&origin), windows);
        done = query_counts(rebuild, &after, &change->rows, error);
    }
    if (done) {
        change->counted += after - before;
        buffer_append_text(&change->windows, buffer_text(&touched.windows));
        if (change->windows.failed) /* no list is published as "nothing was touched" */
            done = error_set(error, ERROR_INTERNAL, "out of memory");
    }
    buffer_clean_up(&table);
    buffer_clean_up(&origin);
    touched_clean_up(&touched);
    return done;
}

/* Adds to the view's counted what counts of `origin`, where there are rows or not. */
static bool count_counted(struct rebuild *rebuild, size_t number, const char *origin, int sign, struct error *error)
{
    RESULT *result = NULL;
    buffer_appendf(&rebuild->sql, "select count(*) from %s where ", origin);
    append_view_condition(&rebuild->sql, view_of(rebuild, number));
    if (!batch_query(rebuild->run->batch, &rebuild->sql, &result, error))
        return false;
    rebuild->changes[number].counted += sign * result_integer(result, 0, 0);
    return true;
}

/* A hidden view has no table: that the live versions are others in these windows is all there is to say. */
static bool touch_windows(struct rebuild *rebuild, size_t number, const PGresult *starts, struct error *error)
{
    struct touched touched;
    struct buffer *windows = &rebuild->changes[number].windows;
    bool done = touched_init(&touched, view_of(rebuild, number), starts);
    buffer_append_text(windows, buffer_text(&touched.windows));
    touched_clean_up(&touched);
    if (!done || windows->failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return count_counted(rebuild, number, "pg_temp.tm_added o", 1, error) &&
           count_counted(rebuild, number, "pg_temp.tm_removed o", -1, error);
}

static bool update_view(struct rebuild *rebuild, size_t number, struct time_range times, struct error *error)
{
    struct window_sql window;
    RESULT *starts = NULL;
    window_sql_init(&window, view_of(rebuild, number), times);
    bool done = find_touched(rebuild, &window, &starts, error);
    if (done && PQntuples(starts) > 0)
        done = view_of(rebuild, number)->shown
                   ? touch_windows(rebuild, number, starts, error)
                   : replace_windows(rebuild, &window, &rebuild->changes[number], starts, error);
    window_sql_clean_up(&window);
    return done;
}

/* All rows of a view, into `table`, which is empty. */
static bool fill_view(struct rebuild *rebuild, size_t number, struct time_range times, const char *table,
                      struct error *error)
{
    struct buffer origin = {0};
    struct window_sql window;
    struct batch *batch = rebuild->run->batch;
    window_sql_init(&window, view_of(rebuild, number), times);
    append_current_table(&origin, rebuild->run->source);
    buffer_append_string(&origin, " o");
    rebuild->sql.failed |= origin.failed;
    append_view_groups(&rebuild->sql, &window, buffer_string(&origin));
    bool done = batch_execute(batch, &rebuild->sql, error);
    if (done) {
        append_view_insert_groups(&rebuild->sql, &window, table);
        done = query_counts(rebuild, &rebuild->changes[number].counted, &rebuild->changes[number].rows, error);
    }
    if (done) {
        append_view_drop_groups(&rebuild->sql);
        done = batch_execute(batch, &rebuild->sql, error);
    }
    window_sql_clean_up(&window);
    buffer_clean_up(&origin);
    return done;
}

/* A view that has no table yet. */
static bool make_view(struct rebuild *rebuild, size_t number, struct time_range times, struct error *error)
{
    struct buffer table = {0};
    const struct view *view = view_of(rebuild, number);
    append_view_table(&table, view);
    append_view_create(&rebuild->sql, view, buffer_string(&table));
    rebuild->sql.failed |= table.failed;
    bool done = batch_execute(rebuild->run->batch, &rebuild->sql, error) &&
                fill_view(rebuild, number, times, buffer_string(&table), error);
    if (done) {
        append_view_finish(&rebuild->sql, view, buffer_string(&table));
        row_view_append_create(&rebuild->sql, &(struct row_view){.view = view});
        done = batch_execute(rebuild->run->batch, &rebuild->sql, error);
    }
    buffer_clean_up(&table);
    return done;
}

struct staged_name {
    char text[40];
};

/* Where the rows of a view that has a table are computed. */
static struct staged_name staged(size_t number)
{
    struct staged_name name;
    snprintf(name.text, sizeof name.text, "pg_temp.tm_view_%zu", number);
    return name;
}

/* A view that has a table: its rows are computed beside it, so that it is locked, if at all, for a short time only. */
static bool stage_view(struct rebuild *rebuild, size_t number, struct time_range times, const char *current,
                       struct error *error)
{
    const struct view *view = view_of(rebuild, number);
    struct batch *batch = rebuild->run->batch;
    struct buffer *refusal = &rebuild->changes[number].refusal;
    append_view_create(&rebuild->sql, view, staged(number).text);
    buffer_append_string(&rebuild->sql, " on commit drop");
    if (!batch_execute(batch, &rebuild->sql, error) ||
        !kept_table_check(batch, view, staged(number).text, refusal, error))
        return false;
    if (refusal->length > 0)
        return count_counted(rebuild, number, current, 1, error); /* the ledger is closed all the same */
    rebuild->is_staged[number] = true;
    return fill_view(rebuild, number, times, staged(number).text, error);
}

static bool compute_view(struct rebuild *rebuild, size_t number, struct time_range times, const char *current,
                         struct error *error)
{
    bool exists;
    struct buffer *refusal = &rebuild->changes[number].refusal;
    if (view_of(rebuild, number)->shown)
        return count_counted(rebuild, number, current, 1, error);
    if (!row_view_make_way(rebuild->run->batch, view_of(rebuild, number), refusal, error))
        return false;
    if (refusal->length > 0)
        return count_counted(rebuild, number, current, 1, error); /* the ledger is closed all the same */
    if (!kept_table_exists(rebuild->run->batch, view_of(rebuild, number), &exists, error))
        return false;
    return exists ? stage_view(rebuild, number, times, current, error) : make_view(rebuild, number, times, error);
}

/* Last, for it may lock tables that others read. */
static bool replace_staged(struct rebuild *rebuild, struct error *error)
{
    for (size_t i = 0; i < rebuild->run->source->view_count; i++) {
        struct view_change *change = &rebuild->changes[i];
        if (!rebuild->is_staged[i])
            continue;
        if (!kept_table_replace(rebuild->run->batch, view_of(rebuild, i), staged(i).text, &change->refusal, error))
            return false;
        if (change->refusal.length > 0)
            change->rows = 0;
    }
    return true;
}

static bool is_any_updated(const struct rebuild *rebuild)
{
    for (size_t i = 0; i < rebuild->run->source->view_count; i++)
        if (!rebuild->changes[i].whole)
            return true;
    return false;
}

/* Each view's rows, the changed ones from `changed` times and the whole ones from `all`. */
static bool rebuild_each(struct rebuild *rebuild, const char *current, struct error *error)
{
    struct time_range changed, all;
    bool any_changed = false, any;
    PGconn *connection = rebuild->run->batch->connection;
    if ((is_any_updated(rebuild) &&
         !versions_find_times(connection, added_and_removed, &changed, &any_changed, error)) ||
        !versions_find_times(connection, current, &all, &any, error))
        return false;
    for (size_t i = 0; i < rebuild->run->source->view_count; i++) {
        bool whole = rebuild->changes[i].whole;
        if (whole ? !compute_view(rebuild, i, all, current, error)
                  : any_changed && !update_view(rebuild, i, changed, error))
            return false;
    }
    return count_filtered(rebuild, "pg_temp.tm_added o", false, 1, error) &&
           count_filtered(rebuild, "pg_temp.tm_removed o", false, -1, error) &&
           count_filtered(rebuild, current, true, 1, error) && replace_staged(rebuild, error);
}

bool rebuild_views(struct source_run *run, struct view_change ret_changes[], struct error *error)
{
    struct rebuild rebuild = {.run = run, .changes = ret_changes};
    struct buffer current = {0};
    for (size_t i = 0; i < run->source->view_count; i++) {
        bool whole = run->recomputes_all ||
                     strcmp(run->publication.view_fingerprints[i], run->source->views[i].fingerprint) != 0;
        ret_changes[i] = (struct view_change){.whole = whole};
        if (!whole) {
            ret_changes[i].counted = run->publication.ledger.views[i].counted;
            ret_changes[i].filtered = run->publication.ledger.views[i].filtered;
            ret_changes[i].late = run->publication.ledger.views[i].late;
        }
    }
    append_current_table(&current, run->source);
    buffer_append_string(&current, " o");
    bool done = current.failed
                    ? error_set(error, ERROR_INTERNAL, "out of memory")
                    : rebuild_each(&rebuild, buffer_string(&current), error) && late_count(run, ret_changes, error);
    buffer_clean_up(&current);
    buffer_clean_up(&rebuild.sql);
    return done;
}

/* Panes that begin in these moments: of live versions, and of rows, some of which may have no versions any more. */
static bool find_panes(struct rebuild *rebuild, const struct window_sql *window, struct time_range times,
                       int64_t from_us, int64_t to_us, PGresult **ret_starts, struct error *error)
{
    const struct view *view = window->view;
    struct buffer *sql = &rebuild->sql;
    int64_t unit_us = window_is_of_moments(&view->window) ? 1 : US_PER_SECOND;
    buffer_append_string(sql, "select tm_start from (select ");
    window_sql_append_start(window, "o.tm_event_us", sql);
    buffer_append_string(sql, " as tm_start from ");
    append_current_table(sql, rebuild->run->source);
    buffer_appendf(sql, " o where o.tm_event_us >= %" PRId64 " and o.tm_event_us < %" PRId64 " and ",
                   times.from_s * US_PER_SECOND, times.to_s * US_PER_SECOND);
    append_view_condition(sql, view);
    buffer_append_string(sql, " union select tm_window from ");
    append_view_table(sql, view);
    buffer_appendf(sql, ") s where tm_start >= %" PRId64 " and tm_start < %" PRId64 " order by 1", from_us / unit_us,
                   to_us / unit_us);
    return batch_query(rebuild->run->batch, sql, ret_starts, error);
}

bool rebuild_panes(struct source_run *run, size_t number, int64_t from_us, int64_t to_us,
                   struct view_change *ret_change, struct error *error)
{
    struct rebuild rebuild = {.run = run};
    const struct view *view = &run->source->views[number];
    struct window_sql window;
    RESULT *starts = NULL;
    *ret_change = (struct view_change){0};
    /* Around a change of the clock moments of a window can lie outside its start and end. */
    int64_t last_us = window_end_us(&view->window, view->zone, window_start_us(&view->window, view->zone, to_us - 1));
    const struct time_range times = {from_us / US_PER_SECOND - SECONDS_PER_DAY,
                                     last_us / US_PER_SECOND + SECONDS_PER_DAY};
    window_sql_init(&window, view, times);
    bool done = find_panes(&rebuild, &window, times, from_us, to_us, &starts, error);
    if (done && PQntuples(starts) > 0)
        done = replace_windows(&rebuild, &window, ret_change, starts, error);
    window_sql_clean_up(&window);
    buffer_clean_up(&rebuild.sql);
    return done;
}
