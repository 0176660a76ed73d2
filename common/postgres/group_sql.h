/* SPDX-License-Identifier: Apache-2.0
 * A view's groups as SQL, computed from versions of orders. What is published of a hidden view is these groups of the
 * live versions: it has no table. */
#ifndef TIDEMARK_POSTGRES_GROUP_SQL_H
#define TIDEMARK_POSTGRES_GROUP_SQL_H

#include "postgres/connection.h"
#include "postgres/window_sql.h"

/* The condition under which a version counts, of the alias o: "true" where the view takes all. */
void append_view_condition(struct buffer *sql, const struct view *view);

/* "with versions as (…), groups as (…)" of the versions in `origin`, a FROM item with the alias o; of all windows, or
 * of those that begin at one of `windows` (a literal of bigint[], or NULL for all). `groups` has tm_window, tm_count,
 * of each dimension n tm_group_<n>, of each sum tm_n_<n> and tm_sum_<n>, and of each measure n that rests on members
 * tm_member_<n>. */
void append_groups(struct buffer *sql, const struct window_sql *window, const char *origin, const char *windows);

/* The rows that are published of a hidden view, with the cell columns (view_table.h), in the transaction that is open;
 * of all windows, or of those that begin at one of `starts`, ascending in its first column. */
bool members_fetch(PGconn *connection, const struct source *source, const struct view *hidden, const PGresult *starts,
                   rows_take *take, void *context, struct error *error) MUST_CHECK;

#endif
