/* SPDX-License-Identifier: Apache-2.0
 * The views' rows follow the live versions. Inside the publishing transaction, after merge_versions. A view that is
 * made anew keeps its table (kept_table.h); where that can't follow, it alone isn't published. */
#ifndef TIDEMARK_BATCH_REBUILD_H
#define TIDEMARK_BATCH_REBUILD_H

#include "engine/engine.h"

/* As engine_operations says. */
bool rebuild_views(struct source_run *run, struct view_change ret_changes[], struct error *error) MUST_CHECK;
bool rebuild_panes(struct source_run *run, size_t view, int64_t from_us, int64_t to_us, struct view_change *ret_change,
                   struct error *error) MUST_CHECK;

#endif
