/* SPDX-License-Identifier: Apache-2.0
 * From the panes that changed to the rows of a question that did. */
#ifndef TIDEMARK_SERVING_VIEW_CHANGES_H
#define TIDEMARK_SERVING_VIEW_CHANGES_H

#include "stream_position.h"

/* With the snapshot's read lock held: picks each row of the question that may be another one than at the position, as
 * it is now, and without a cell where it is no row any more. `changes` are those since the position's state; windows
 * that the position's finality doesn't decide alike are picked whole. False with the problem, see pick_page. */
bool view_changes_pick(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       const struct stream_position *since, const struct changes *changes, struct selection *selection,
                       struct problem *problem) MUST_CHECK;

/* Whether that can't be said row by row, and all of the selection has to be given anew. */
bool view_changes_are_all(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                          const struct stream_position *since);

#endif
