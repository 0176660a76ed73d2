/* SPDX-License-Identifier: Apache-2.0
 * view.<name> of a view whose rows are made of several panes: an SQL view over the table of panes, printed from the
 * definition (engine/postgres/hopping_sql.h, session_sql.h). It follows the table whenever that is made anew. Of a view
 * whose panes are rows there is none, and nothing here does anything but make way. */
#ifndef TIDEMARK_BATCH_ROW_VIEW_H
#define TIDEMARK_BATCH_ROW_VIEW_H

#include "batch.h"

struct row_view {
    const struct view *view;
    bool is_dropped;      /* before the table changes, for it can't be replaced */
    struct buffer grants; /* SQL that gives again what was granted on it */
};

/* Makes the names free that the view is about to get. A view whose panes are rows now loses its SQL view and the panes
 * below. A table of the name stays, for others may use it: `ret_refusal` says so then, as where something depends on
 * the SQL view, and nothing is changed. */
bool row_view_make_way(struct batch *batch, const struct view *view, struct buffer *ret_refusal,
                       struct error *error) MUST_CHECK;

bool row_view_read_grants(struct batch *batch, struct row_view *rows, struct error *error) MUST_CHECK;
void row_view_clean_up(struct row_view *rows);

/* "drop view …; " where it is to be dropped; and "; create or replace view …" with its grants. */
void row_view_append_drop(struct buffer *sql, const struct row_view *rows);
void row_view_append_create(struct buffer *sql, const struct row_view *rows);

#endif
