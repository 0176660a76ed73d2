/* SPDX-License-Identifier: Apache-2.0
 * The views' rows follow the live versions: only the windows of versions that came or went are computed again, or all
 * of a view that is new or was defined anew. Inside the publishing transaction, after merge_versions. A view that is
 * made anew keeps its table (kept_table.h); where that can't follow, it alone isn't published. */
#ifndef TIDEMARK_BATCH_REBUILD_H
#define TIDEMARK_BATCH_REBUILD_H

#include "run/source_run.h"

struct view_change {
    bool whole;            /* computed from nothing */
    struct buffer windows; /* else the literal of a bigint[]: starts of the windows that were computed again, in s */
    int64_t rows;          /* written */
    struct buffer refusal; /* why the view isn't published; empty: it is */
    /* Of the live versions: how many count, by the view's rows; how many don't, by the versions that came and went.
     * In total, as they are after this run. */
    int64_t counted, filtered;
};

void view_change_clean_up(struct view_change *change);

/* Fills `ret_changes`, one a view of the source; the caller cleans up their buffers, also after a failure. */
bool rebuild_views(struct source_run *run, struct view_change ret_changes[], struct error *error) MUST_CHECK;

#endif
