/* SPDX-License-Identifier: Apache-2.0 */
#include "publication/published_view.h"

#include "database/schema.h"
#include "postgres/group_sql.h"
#include "postgres/view_table.h"

#define ROWS_AT_ONCE 5000

/* Behind the cell columns: the window's start and end as shown, and the measures. */
enum column { COLUMN_START, COLUMN_END, COLUMN_MEASURES };

void append_cell_name(struct buffer *out, const struct view *view, int64_t window_start_us, struct text group)
{
    struct value values[DIMENSIONS_MAX];
    buffer_appendf(out, "view %s, ", view->name);
    buffer_append_local_time(out, view->zone, window_start_us);
    if (!group_parse(view, group, values))
        return;
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_appendf(out, ", %s ", field->name);
        buffer_append_value(out, field, &values[i]);
    }
}

struct view_scan {
    const struct view *view;
    struct panes *panes;
    struct buffer group, text;
};

static bool fail(struct view_scan *scan, int64_t start_us, const char *what, struct error *error)
{
    struct buffer name = {0};
    append_cell_name(&name, scan->view, start_us, buffer_text(&scan->group));
    error_set(error, ERROR_DATA, "%s: %s", buffer_string(&name), what);
    buffer_clean_up(&name);
    return false;
}

/* Do the columns for people say what the hidden ones do? */
static bool check_shown(struct view_scan *scan, const PGresult *rows, int row, const struct cell *cell,
                        int64_t start_us, struct error *error)
{
    const struct view *view = scan->view;
    int first = cell_column_count(view);
    if (result_integer(rows, row, first + COLUMN_START) != start_us ||
        result_integer(rows, row, first + COLUMN_END) != window_end_us(&view->window, view->zone, start_us))
        return fail(scan, start_us, "window_start or window_end isn't the window's", error);
    for (size_t i = 0; i < view->measure_count; i++) {
        int column = first + COLUMN_MEASURES + (int)i;
        buffer_clear(&scan->text);
        measure_append(view, &view->measures[i], cell, &scan->text);
        if (scan->text.failed)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        struct text shown = PQgetisnull(rows, row, column) ? text_of("null") : result_text(rows, row, column);
        if (text_equal(shown, buffer_text(&scan->text)))
            continue;
        struct buffer what = {0};
        buffer_appendf(
            &what, "%s is %.*s in the table, and %s %s", view->measures[i].name, (int)shown.length, shown.data,
            measure_rests_on_members(&view->measures[i]) ? "the live versions give" : "its own hidden columns give",
            buffer_string(&scan->text));
        fail(scan, start_us, buffer_string(&what), error);
        buffer_clean_up(&what);
        return false;
    }
    return true;
}

static bool read_row(struct view_scan *scan, const PGresult *rows, int row, struct error *error)
{
    int64_t start_us = view_row_start_us(scan->view, rows, row);
    struct cell *cell = view_row_group(scan->view, rows, row, &scan->group)
                            ? panes_at(scan->panes, start_us, buffer_text(&scan->group))
                            : NULL;
    if (!cell)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (cell->count)
        return fail(scan, start_us, "the row is there twice", error);
    bool is_whole = view_row_cell(scan->view, rows, row, cell);
    if (cell->count <= 0)
        return fail(scan, start_us, "the row stands for no version", error);
    if (is_whole && scan->view->shown)
        return true;
    return is_whole ? check_shown(scan, rows, row, cell, start_us, error)
                    : fail(scan, start_us, "its hidden sum isn't a whole number", error);
}

static bool read_piece(void *context, const PGresult *rows, struct error *error)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (!read_row(context, rows, row, error))
            return false;
    return true;
}

static bool read_values(void *context, const PGresult *rows, struct error *error)
{
    struct view_scan *scan = context;
    for (int row = 0; row < PQntuples(rows); row++) {
        const int64_t start_us = view_row_start_us(scan->view, rows, row);
        const struct cell *cell = view_row_group(scan->view, rows, row, &scan->group)
                                      ? panes_at(scan->panes, start_us, buffer_text(&scan->group))
                                      : NULL;
        if (!cell)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        if (cell->count <= 0)
            return fail(scan, start_us, "the value is in the table of panes, and in no live version", error);
    }
    return true;
}

/* Are the values that the table of panes has of this measure members? How many they are is checked with its row. */
static bool check_values(struct batch *batch, struct view_scan *scan, const struct measure *measure,
                         struct error *error)
{
    struct buffer sql = {0}, values = {0};
    buffer_append_string(&values, "unnest(");
    buffer_append_identifier(&values, measure->name);
    buffer_append_char(&values, ')');
    buffer_append_string(&sql, "select tm_window, tm_count");
    for (size_t i = 0; i + 1 < scan->view->dimension_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, scan->view->schema->fields[scan->view->dimensions[i]].name);
    }
    buffer_appendf(&sql, ", %s from ", buffer_string(&values));
    append_view_table(&sql, scan->view->shown);
    sql.failed |= values.failed;
    bool done = connection_fetch(batch->connection, &sql, ROWS_AT_ONCE, read_values, scan, error);
    buffer_clean_up(&values);
    buffer_clean_up(&sql);
    return done;
}

static bool read_members(struct batch *batch, const struct source *source, struct view_scan *scan, struct error *error)
{
    const struct view *shown = scan->view->shown;
    bool done = members_fetch(batch->connection, source, scan->view, NULL, read_piece, scan, error);
    for (size_t i = 0; done && i < shown->measure_count; i++)
        if (column_holds_values(shown, &shown->measures[i]) && shown->measures[i].field == member_field(scan->view))
            done = check_values(batch, scan, &shown->measures[i], error);
    return done;
}

static void append_shown(struct buffer *sql, const struct view *view, const struct measure *measure)
{
    const bool holds_values = column_holds_values(view, measure);
    buffer_append_string(sql, holds_values ? ", (select count(distinct v) from unnest(" : ", ");
    buffer_append_identifier(sql, measure->name);
    buffer_append_string(sql, holds_values ? ") v)" : "");
}

bool published_view_read(struct batch *batch, const struct source *source, const struct view *view, struct panes *panes,
                         struct error *error)
{
    struct view_scan scan = {.view = view, .panes = panes};
    struct buffer sql = {0};
    if (view->shown) {
        bool read = read_members(batch, source, &scan, error);
        buffer_clean_up(&scan.group);
        return read;
    }
    buffer_append_string(&sql, "select ");
    append_cell_columns(&sql, view);
    buffer_append_string(&sql, ", (extract(epoch from window_start) * 1000000)::bigint"
                               ", (extract(epoch from window_end) * 1000000)::bigint");
    for (size_t i = 0; i < view->measure_count; i++)
        append_shown(&sql, view, &view->measures[i]);
    buffer_append_string(&sql, " from ");
    append_view_table(&sql, view);
    bool done = connection_fetch(batch->connection, &sql, ROWS_AT_ONCE, read_piece, &scan, error);
    buffer_clean_up(&sql);
    buffer_clean_up(&scan.group);
    buffer_clean_up(&scan.text);
    return done;
}
