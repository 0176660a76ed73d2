/* SPDX-License-Identifier: Apache-2.0
 * The rows of a view of sessions, as an SQL view over its table of moments. */
#ifndef TIDEMARK_BATCH_SESSION_SQL_H
#define TIDEMARK_BATCH_SESSION_SQL_H

#include "base/buffer.h"
#include "view/view.h"

/* "create or replace view view.<name> as …", with the columns of view_sql.h that are for people. */
void append_session_view(struct buffer *sql, const struct view *view);

#endif
