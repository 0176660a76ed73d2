/* SPDX-License-Identifier: Apache-2.0
 * A view's table, view.<name>, or view."<name>.panes" where rows are made of several panes: then view.<name> is an SQL
 * view over it, and no view of a file can have a name with a point. Beside the columns for people (window_start,
 * window_end, dimensions, measures) it has hidden ones, from which answers are computed: tm_window, where the window
 * starts, in seconds, or where panes are moments, in microseconds; tm_count, how many versions count; and of each sum n
 * tm_n_<n>, how many values aren't null, and tm_sum_<n>, their sum in minor units. How many different values rows of
 * several panes have can't be told from numbers: such a table has in the column of `unique` the values themselves.
 *
 * Who reads cells selects cell columns first: the hidden ones, then the dimensions. */
#ifndef TIDEMARK_POSTGRES_VIEW_TABLE_H
#define TIDEMARK_POSTGRES_VIEW_TABLE_H

#include "postgres/connection.h"
#include "view/view.h"

#define VIEW_PANES_SUFFIX ".panes"

/* The table, and what people read: the table itself or the SQL view. Quoted. */
void append_view_table(struct buffer *sql, const struct view *view);
void append_view_rows(struct buffer *sql, const struct view *view);

/* The names of the hidden columns, of all sums at once. */
void append_hidden_columns(struct buffer *sql, const struct view *view);
/* Of one sum: "tm_n_0", "tm_sum_0". */
struct hidden_name {
    char text[32];
};
struct hidden_name hidden_count(size_t sum);
struct hidden_name hidden_total(size_t sum);

/* Whether the measure's column in the table is an array of the values that there are, each once. */
bool column_holds_values(const struct view *view, const struct measure *measure);

void append_cell_columns(struct buffer *sql, const struct view *view);
int cell_column_count(const struct view *view);

/* Where the window starts that tm_window names, in microseconds. */
int64_t view_start_us(const struct view *view, int64_t window);

/* From a row that begins with the cell columns. */
int64_t view_row_start_us(const struct view *view, const PGresult *rows, int row);
/* Writes the group's key into `group`; false where a dimension isn't of its type, or memory is short. */
bool view_row_group(const struct view *view, const PGresult *rows, int row, struct buffer *group) MUST_CHECK;
/* False where a sum isn't a whole number. */
bool view_row_cell(const struct view *view, const PGresult *rows, int row, struct cell *cell) MUST_CHECK;

#endif
