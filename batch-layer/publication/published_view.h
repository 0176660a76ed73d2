/* SPDX-License-Identifier: Apache-2.0
 * A view's table as it is, cell by cell, to be compared. */
#ifndef TIDEMARK_BATCH_PUBLISHED_VIEW_H
#define TIDEMARK_BATCH_PUBLISHED_VIEW_H

#include "batch.h"

/* Reads all rows of the view's table into `panes`, in the transaction that is open; of a hidden view what the live
 * versions give. ERROR_DATA names a row whose shown columns don't say what its hidden ones do, or what the members do
 * that the panes have already, or that is there twice. */
bool published_view_read(struct batch *batch, const struct source *source, const struct view *view, struct panes *panes,
                         struct error *error) MUST_CHECK;

/* "view daily_summary, 2026-01-01T00:00:00+00:00, category 85" */
void append_cell_name(struct buffer *out, const struct view *view, int64_t window_start_us, struct text group);

#endif
