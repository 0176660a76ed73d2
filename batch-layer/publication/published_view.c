/* SPDX-License-Identifier: Apache-2.0 */
#include "publication/published_view.h"

#include <stdlib.h>

#include "database/schema.h"

#define ROWS_AT_ONCE "5000"

/* Columns: the window's start and end as shown, tm_window, tm_count, then n and sum of each sum, the dimensions, and
 * the measures. */
enum column { COLUMN_START, COLUMN_END, COLUMN_WINDOW, COLUMN_COUNT, COLUMN_SUMS };

void append_cell_name(struct buffer *out, const struct view *view, int64_t window_start_s, struct text group)
{
    struct value values[DIMENSIONS_MAX];
    buffer_appendf(out, "view %s, ", view->name);
    buffer_append_local_time(out, view->zone, window_start_s);
    if (!group_parse(view, group, values))
        return;
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_appendf(out, ", %s ", field->name);
        if (!values[i].present)
            buffer_append_string(out, "null");
        else if (field->type == FIELD_TEXT)
            buffer_append_json(out, values[i].text);
        else
            buffer_append_integer(out, values[i].number);
    }
}

static bool open_cursor(struct batch *batch, const struct view *view, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "declare tm_rows no scroll cursor for select extract(epoch from window_start)::bigint, "
                               "extract(epoch from window_end)::bigint, tm_window, tm_count");
    for (size_t i = 0; i < view->sum_count; i++)
        buffer_appendf(&sql, ", tm_n_%zu, tm_sum_%zu", i, i);
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, view->schema->fields[view->dimensions[i]].name);
    }
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_string(&sql, ", ");
        buffer_append_identifier(&sql, view->measures[i].name);
    }
    buffer_append_string(&sql, " from ");
    append_view_table(&sql, view);
    bool done = batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

struct reading {
    const struct view *view;
    struct panes *panes;
    struct buffer group, text;
};

static bool read_group(struct reading *reading, const PGresult *rows, int row)
{
    const struct view *view = reading->view;
    struct value values[FIELDS_MAX] = {{0}};
    for (size_t i = 0; i < view->dimension_count; i++) {
        int column = COLUMN_SUMS + 2 * (int)view->sum_count + (int)i;
        struct value *value = &values[view->dimensions[i]];
        value->present = !PQgetisnull(rows, row, column);
        if (!value->present)
            continue;
        struct text text = result_text(rows, row, column);
        if (view->schema->fields[view->dimensions[i]].type == FIELD_TEXT)
            value->text = text;
        else if (!integer_parse(text, &value->number))
            return false;
    }
    buffer_clear(&reading->group);
    group_append(view, values, &reading->group);
    return !reading->group.failed;
}

static bool fail(struct reading *reading, int64_t window, const char *what, struct error *error)
{
    struct buffer name = {0};
    append_cell_name(&name, reading->view, window, buffer_text(&reading->group));
    error_set(error, ERROR_DATA, "%s: %s", buffer_string(&name), what);
    buffer_clean_up(&name);
    return false;
}

/* Do the columns for people say what the hidden ones do? */
static bool check_shown(struct reading *reading, const PGresult *rows, int row, const struct cell *cell, int64_t window,
                        struct error *error)
{
    const struct view *view = reading->view;
    if (result_integer(rows, row, COLUMN_START) != window ||
        result_integer(rows, row, COLUMN_END) != window_end(&view->window, view->zone, window))
        return fail(reading, window, "window_start or window_end isn't the window's", error);
    int first = COLUMN_SUMS + 2 * (int)view->sum_count + (int)view->dimension_count;
    for (size_t i = 0; i < view->measure_count; i++) {
        int column = first + (int)i;
        buffer_clear(&reading->text);
        measure_append(view, &view->measures[i], cell, &reading->text);
        if (reading->text.failed)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        struct text shown = PQgetisnull(rows, row, column) ? text_of("null") : result_text(rows, row, column);
        if (text_equal(shown, buffer_text(&reading->text)))
            continue;
        struct buffer what = {0};
        buffer_appendf(&what, "%s is %.*s in the table, and its own hidden columns give %s", view->measures[i].name,
                       (int)shown.length, shown.data, buffer_string(&reading->text));
        fail(reading, window, buffer_string(&what), error);
        buffer_clean_up(&what);
        return false;
    }
    return true;
}

static bool read_row(struct reading *reading, const PGresult *rows, int row, struct error *error)
{
    int64_t window = result_integer(rows, row, COLUMN_WINDOW);
    struct cell *cell =
        read_group(reading, rows, row) ? panes_at(reading->panes, window, buffer_text(&reading->group)) : NULL;
    if (!cell)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (cell->count)
        return fail(reading, window, "the row is there twice", error);
    cell->count = result_integer(rows, row, COLUMN_COUNT);
    if (cell->count <= 0)
        return fail(reading, window, "the row stands for no version", error);
    for (size_t i = 0; i < reading->view->sum_count; i++) {
        cell->sums[i].count = result_integer(rows, row, COLUMN_SUMS + 2 * (int)i);
        if (!wide_parse(result_text(rows, row, COLUMN_SUMS + 1 + 2 * (int)i), &cell->sums[i].total))
            return fail(reading, window, "its hidden sum isn't a whole number", error);
    }
    return check_shown(reading, rows, row, cell, window, error);
}

static bool read_rows(struct batch *batch, struct reading *reading, struct error *error)
{
    for (int count = 1; count > 0;) {
        RESULT *rows = NULL;
        if (!connection_query(batch->connection, "fetch " ROWS_AT_ONCE " from tm_rows", 0, NULL, &rows, error))
            return false;
        count = PQntuples(rows);
        for (int row = 0; row < count; row++)
            if (!read_row(reading, rows, row, error))
                return false;
    }
    return connection_execute(batch->connection, "close tm_rows", error);
}

bool published_view_read(struct batch *batch, const struct view *view, struct panes *panes, struct error *error)
{
    struct reading reading = {.view = view, .panes = panes};
    bool done = open_cursor(batch, view, error) && read_rows(batch, &reading, error);
    buffer_clean_up(&reading.group);
    buffer_clean_up(&reading.text);
    return done;
}
