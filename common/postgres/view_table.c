/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/view_table.h"

#include <stdio.h>

#include "base/clock.h"

enum cell_column { COLUMN_WINDOW, COLUMN_COUNT, COLUMN_SUMS };

static void append_name(struct buffer *sql, const char *name, const char *suffix)
{
    char table[NAME_MAX_BYTES + 16];
    snprintf(table, sizeof table, "%s%s", name, suffix);
    buffer_append_string(sql, "view.");
    buffer_append_identifier(sql, table);
}

void append_view_table(struct buffer *sql, const struct view *view)
{
    append_name(sql, view->name, view_merges_panes(view) ? VIEW_PANES_SUFFIX : "");
}

void append_view_rows(struct buffer *sql, const struct view *view)
{
    append_name(sql, view->name, "");
}

struct hidden_name hidden_count(size_t sum)
{
    struct hidden_name name;
    snprintf(name.text, sizeof name.text, "tm_n_%zu", sum);
    return name;
}

struct hidden_name hidden_total(size_t sum)
{
    struct hidden_name name;
    snprintf(name.text, sizeof name.text, "tm_sum_%zu", sum);
    return name;
}

bool column_holds_values(const struct view *view, const struct measure *measure)
{
    return view_hops(view) && measure->kind == MEASURE_UNIQUE;
}

void append_hidden_columns(struct buffer *sql, const struct view *view)
{
    buffer_append_string(sql, "tm_window, tm_count");
    for (size_t i = 0; i < view->sum_count; i++)
        buffer_appendf(sql, ", %s, %s", hidden_count(i).text, hidden_total(i).text);
}

void append_cell_columns(struct buffer *sql, const struct view *view)
{
    append_hidden_columns(sql, view);
    for (size_t i = 0; i < view->dimension_count; i++) {
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->schema->fields[view->dimensions[i]].name);
    }
}

static int first_dimension(const struct view *view)
{
    return COLUMN_SUMS + 2 * (int)view->sum_count;
}

int cell_column_count(const struct view *view)
{
    return first_dimension(view) + (int)view->dimension_count;
}

int64_t view_start_us(const struct view *view, int64_t window)
{
    if (window_is_of_moments(&view->window))
        return window;
    int64_t start_us;
    if (__builtin_mul_overflow(window, US_PER_SECOND, &start_us))
        return window < 0 ? INT64_MIN : INT64_MAX; /* somebody wrote it there: it is no window of this view */
    return start_us;
}

int64_t view_row_start_us(const struct view *view, const PGresult *rows, int row)
{
    return view_start_us(view, result_integer(rows, row, COLUMN_WINDOW));
}

bool view_row_group(const struct view *view, const PGresult *rows, int row, struct buffer *group)
{
    struct value values[FIELDS_MAX] = {{0}};
    for (size_t i = 0; i < view->dimension_count; i++) {
        int column = first_dimension(view) + (int)i;
        struct value *value = &values[view->dimensions[i]];
        value->present = !PQgetisnull(rows, row, column);
        if (!value->present)
            continue;
        if (view->schema->fields[view->dimensions[i]].type == FIELD_TEXT)
            value->text = result_text(rows, row, column);
        else if (!integer_parse(result_text(rows, row, column), &value->number))
            return false;
    }
    buffer_clear(group);
    group_append(view, values, group);
    return !group->failed;
}

bool view_row_cell(const struct view *view, const PGresult *rows, int row, struct cell *cell)
{
    bool valid = true;
    cell->count = result_integer(rows, row, COLUMN_COUNT);
    for (size_t i = 0; i < view->sum_count; i++) {
        cell->sums[i].count = result_integer(rows, row, COLUMN_SUMS + 2 * (int)i);
        valid = wide_parse(result_text(rows, row, COLUMN_SUMS + 1 + 2 * (int)i), &cell->sums[i].total) && valid;
    }
    return valid;
}
