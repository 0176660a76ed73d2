/* SPDX-License-Identifier: Apache-2.0
 * What a publication computes, as a statement that only reads. */
#ifndef TIDEMARK_BATCH_EXPLAINED_VIEW_H
#define TIDEMARK_BATCH_EXPLAINED_VIEW_H

#include "postgres/connection.h"
#include "view/view.h"

/* Appends "with … select …": the rows of a view that all live versions make, with the columns that view.<name> shows;
 * of a view whose rows are merged, those of its panes. Event times are asked of PostgreSQL, for the calendar is in the
 * statement. ERROR_CONFIGURATION where nothing of the source was published yet. */
bool explained_view_append(PGconn *connection, const struct source *source, const struct view *view, struct buffer *sql,
                           struct error *error) MUST_CHECK;

#endif
