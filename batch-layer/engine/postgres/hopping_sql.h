/* SPDX-License-Identifier: Apache-2.0
 * The rows of a view that hops, as an SQL view over its table of panes. */
#ifndef TIDEMARK_BATCH_HOPPING_SQL_H
#define TIDEMARK_BATCH_HOPPING_SQL_H

#include "base/buffer.h"
#include "view/view.h"

/* "create or replace view view.<name> as …", with the columns of view_sql.h that are for people. It holds for all event
 * times that there can be, so it stays as it is until the definition changes. */
void append_hopping_view(struct buffer *sql, const struct view *view);

#endif
