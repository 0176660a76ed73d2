/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "postgres/group_sql.h"
#include "postgres/publications.h"
#include "postgres/view_table.h"

#define ROWS_AT_ONCE 5000

/* One scan of the rows of one view. */
struct row_scan {
    PGconn *connection;
    const struct source *source;
    size_t view;
    const struct published_rows *rows;
    struct cell *cell;   /* scratch */
    struct buffer group; /* scratch */
};

static const struct view *view_of(const struct row_scan *scan)
{
    return &scan->source->views[scan->view];
}

static bool give_row(struct row_scan *scan, const PGresult *result, int row, struct error *error)
{
    const struct view *view = view_of(scan);
    bool has_group = view_row_group(view, result, row, &scan->group);
    if (scan->group.failed)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!has_group || !view_row_cell(view, result, row, scan->cell))
        return error_set(error, ERROR_INTERNAL, "PostgreSQL: view %s has a row that isn't one of its own", view->name);
    return scan->rows->row(scan->rows->context, scan->view, view_row_start_us(view, result, row),
                           buffer_text(&scan->group), scan->cell, error);
}

static bool give_piece(void *context, const PGresult *result, struct error *error)
{
    for (int row = 0; row < PQntuples(result); row++)
        if (!give_row(context, result, row, error))
            return false;
    return true;
}

/* `condition` may be "". */
static bool give_rows(struct row_scan *scan, const char *condition, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select ");
    append_cell_columns(&sql, view_of(scan));
    buffer_append_string(&sql, " from ");
    append_view_table(&sql, view_of(scan));
    buffer_append_string(&sql, condition);
    bool done = connection_fetch(scan->connection, &sql, ROWS_AT_ONCE, give_piece, scan, error);
    buffer_clean_up(&sql);
    return done;
}

/* The windows touched after `since_epoch`, one a row in column 0; *ret_known is false where they can't be told. */
static bool read_touched(const struct row_scan *scan, int64_t since_epoch, int64_t since_us, int64_t epoch,
                         bool *ret_known, PGresult **ret_windows, struct error *error)
{
    char since[24], last[24], at[24];
    snprintf(since, sizeof since, "%" PRId64, since_epoch);
    snprintf(last, sizeof last, "%" PRId64, epoch);
    snprintf(at, sizeof at, "%" PRId64, since_us);
    const char *values[] = {scan->source->name, view_of(scan)->name, since, last, at};
    RESULT *known = NULL;
    if (!connection_query(
            scan->connection,
            "select count(distinct epoch) filter (where epoch > $3::bigint) = $4::bigint - $3::bigint "
            "and count(*) filter (where epoch = $3::bigint and us = $5::bigint) = 1 "
            "and count(*) filter (where (epoch, us) > ($3::bigint, $5::bigint) and windows is null) = 0 "
            "from (select epoch, windows, " MICROSECONDS(
                "published_at") " as us from tidemark.touched "
                                "where source = $1 and view = $2 and epoch between $3::bigint and $4::bigint) t",
            5, values, &known, error))
        return false;
    *ret_known = *PQgetvalue(known, 0, 0) == 't';
    if (!*ret_known)
        return true;
    return connection_query(scan->connection,
                            "select distinct unnest(windows) from tidemark.touched "
                            "where source = $1 and view = $2 and epoch <= $4::bigint and "
                            "(epoch, " MICROSECONDS("published_at") ") > ($3::bigint, $5::bigint) order by 1",
                            5, values, ret_windows, error);
}

static bool give_windows(struct row_scan *scan, const PGresult *windows, struct error *error)
{
    int count = PQntuples(windows);
    for (int row = 0; row < count; row++)
        scan->rows->clear_window(scan->rows->context, scan->view,
                                 view_start_us(view_of(scan), result_integer(windows, row, 0)));
    if (count == 0)
        return true;
    if (view_of(scan)->shown)
        return members_fetch(scan->connection, scan->source, view_of(scan), windows, give_piece, scan, error);
    struct buffer condition = {0};
    buffer_append_string(&condition, " where tm_window = any ('{");
    for (int row = 0; row < count; row++) {
        buffer_append_string(&condition, row ? "," : "");
        buffer_append_text(&condition, result_text(windows, row, 0));
    }
    buffer_append_string(&condition, "}'::bigint[])");
    bool done = !condition.failed ? give_rows(scan, buffer_string(&condition), error)
                                  : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&condition);
    return done;
}

static int64_t seconds_up(int64_t us)
{
    return us / US_PER_SECOND + (us % US_PER_SECOND > 0);
}

/* Windows of the range, by the rows of the view that is shown. */
static bool give_range(struct row_scan *scan, struct error *error)
{
    const struct rows_range *range = scan->rows->range;
    const struct view *shown = &scan->source->views[range->view];
    bool moments = window_is_of_moments(&shown->window);
    RESULT *windows = NULL;
    struct buffer sql = {0};
    buffer_append_string(&sql, "select distinct tm_window from ");
    append_view_table(&sql, shown);
    buffer_appendf(&sql, " where tm_window >= %" PRId64 " and tm_window < %" PRId64 " order by 1",
                   moments ? range->from_us : seconds_up(range->from_us),
                   moments ? range->to_us : seconds_up(range->to_us));
    bool done = !sql.failed ? connection_query(scan->connection, buffer_string(&sql), 0, NULL, &windows, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    return done && give_windows(scan, windows, error);
}

static bool is_in_range(const struct row_scan *scan)
{
    const struct rows_range *range = scan->rows->range;
    return scan->view == range->view || view_of(scan)->shown == &scan->source->views[range->view];
}

static bool give_view(struct row_scan *scan, const struct publication *publication, bool exists, int64_t since_epoch,
                      int64_t since_us, struct error *error)
{
    const struct view *view = view_of(scan);
    bool current = exists && strcmp(publication->view_fingerprints[scan->view], view->fingerprint) == 0;
    bool known = false;
    RESULT *windows = NULL;
    if (scan->rows->range) {
        scan->rows->clear_view(scan->rows->context, scan->view);
        return !current || !is_in_range(scan) || give_range(scan, error);
    }
    if (current && since_epoch > 0 && since_epoch <= publication->epoch &&
        !read_touched(scan, since_epoch, since_us, publication->epoch, &known, &windows, error))
        return false;
    if (known)
        return give_windows(scan, windows, error);
    scan->rows->clear_view(scan->rows->context, scan->view);
    if (current && view->shown)
        return members_fetch(scan->connection, scan->source, view, NULL, give_piece, scan, error);
    return !current || give_rows(scan, "", error);
}

static bool give_views(PGconn *connection, const struct source *source, const struct publication *publication,
                       const bool exists[], int64_t since_epoch, int64_t since_us, const struct published_rows *rows,
                       struct error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < source->view_count; i++) {
        struct row_scan scan = {.connection = connection, .source = source, .view = i, .rows = rows};
        scan.cell = calloc(1, cell_size(&source->views[i]));
        done = scan.cell ? give_view(&scan, publication, exists[i], since_epoch, since_us, error)
                         : error_set(error, ERROR_INTERNAL, "out of memory");
        free(scan.cell);
        buffer_clean_up(&scan.group);
    }
    return done;
}

static struct remembered *find(struct publications *publications, const struct source *source)
{
    for (size_t i = 0; i < publications->remembered_count; i++)
        if (strcmp(publications->remembered[i].source, source->name) == 0)
            return &publications->remembered[i];
    return NULL;
}

static void remember(struct publications *publications, const struct source *source,
                     const struct publication *publication)
{
    struct remembered *found = find(publications, source);
    if (!found && publications->remembered_count < REMEMBERED_SOURCES_MAX)
        found = &publications->remembered[publications->remembered_count++];
    if (!found)
        return;
    snprintf(found->source, sizeof found->source, "%s", source->name);
    found->epoch = publication->epoch;
    found->published_at_us = publication->published_at_us;
}

bool publications_read_rows(struct publication_store *store, const struct source *source, int64_t since_epoch,
                            const struct published_rows *rows, struct publication *ret_publication, struct error *error)
{
    struct publications *publications = (struct publications *)(void *)store;
    struct remembered *known = find(publications, source);
    int64_t since_us = known && known->epoch == since_epoch ? known->published_at_us : 0;
    bool empty = false, exists[VIEWS_MAX] = {false};
    struct publication publication = {0};
    if (known) /* rows that were only half given must not count as known */
        known->epoch = 0;
    bool done = snapshot_begin(publications, source, &empty, exists, error);
    if (done && !empty)
        done = snapshot_read(publications->connection, source, &publication, error);
    if (done)
        done = give_views(publications->connection, source, &publication, exists, since_us ? since_epoch : 0, since_us,
                          rows, error);
    snapshot_end(publications, !done);
    if (!done) {
        publication_clean_up(&publication);
        return false;
    }
    remember(publications, source, &publication);
    *ret_publication = publication;
    return true;
}
