/* SPDX-License-Identifier: Apache-2.0
 * A view's table as SQL: making it, and computing its rows from the live versions of the orders. */
#ifndef TIDEMARK_BATCH_VIEW_SQL_H
#define TIDEMARK_BATCH_VIEW_SQL_H

#include "postgres/window_sql.h"

/* "create table …" under the quoted name `table`; and, once it is filled, its index where there is none and what the
 * planner should know. */
void append_view_create(struct buffer *sql, const struct view *view, const char *table);
void append_view_finish(struct buffer *sql, const struct view *view, const char *table);

/* The names of the table's columns, each by `append` and with a comma between: what is inserted goes by name, so that a
 * column that somebody renamed or dropped shows, and one that somebody added does no harm. */
void append_view_columns(struct buffer *sql, const struct view *view, void append(struct buffer *, const char *name));
/* "insert into `table` … select … from `from`", another table of this view. */
void append_view_copy(struct buffer *sql, const struct view *view, const char *table, const char *from);

/* Columns of a select, each with a comma before it. The dimensions; the sums of panes that are merged, by the names
 * that they have in the table; and the measures with their types, of the columns tm_count, tm_n_<n>, tm_sum_<n> and
 * tm_member_<n>, as groups (group_sql.h) have them. */
void append_view_dimensions(struct buffer *sql, const struct view *view);
void append_view_sums(struct buffer *sql, const struct view *view);
void append_view_measures(struct buffer *sql, const struct view *view);

/* "insert into `table` …" of the rows of those windows that begin at one of `windows` (a literal of bigint[]), computed
 * from the versions in `origin`, a FROM item with the alias o. Returns the sum of the rows' versions and the number of
 * rows. */
void append_view_insert(struct buffer *sql, const struct window_sql *window, const char *table, const char *origin,
                        const char *windows);
/* The same of all windows, in two statements: the groups in a temporary table, which PostgreSQL computes in parallel as
 * it does no insert, then the rows. The third drops it. */
void append_view_groups(struct buffer *sql, const struct window_sql *window, const char *origin);
void append_view_insert_groups(struct buffer *sql, const struct window_sql *window, const char *table);
void append_view_drop_groups(struct buffer *sql);

#endif
