/* SPDX-License-Identifier: Apache-2.0
 * Hopping windows by a sliding sum. From the latest start back to the earliest, the sum of each group takes in the pane
 * that comes and lets go of the one that leaves: two additions a pane, however many windows it is in. */
#ifndef TIDEMARK_VIEW_SLIDING_H
#define TIDEMARK_VIEW_SLIDING_H

#include "view/view.h"

/* What a group has in one hop. */
struct hop_pane {
    int64_t start_us;
    struct text group;
    const struct cell *cell;
    bool is_touched;
    void *sum; /* scratch */
};

struct hop_row {
    int64_t start_us, end_us;
    struct text group; /* as of the pane */
    const struct cell *cell;
    bool is_touched; /* one of its panes is */
};

/* The rows of windows of so many panes, one after the other, that start in [from_us, to_us): of each group that has a
 * pane in them. The panes are sorted. False where `take` is, or memory is short. */
struct sliding {
    const struct view *view; /* its window is the hop */
    int64_t panes, from_us, to_us;
    bool (*take)(void *context, const struct hop_row *row);
    void *context;
};
bool slide(const struct sliding *sliding, struct hop_pane panes[], size_t count) MUST_CHECK;

#endif
