/* SPDX-License-Identifier: Apache-2.0
 * Hopping windows by a sliding sum. From the latest start back to the earliest, the sum of each group takes in the pane
 * that comes and lets go of the one that leaves: two additions a pane, however many windows it is in. */
#ifndef TIDEMARK_VIEW_SLIDING_H
#define TIDEMARK_VIEW_SLIDING_H

#include "view/view.h"

struct rollup_row {
    int64_t start_us, end_us;
    struct text group;   /* of question->rows */
    size_t group_number; /* groups are numbered as they come */
    struct cell *cell;
    bool is_touched; /* one of its panes was */
};

/* Takes a row, whose cell is the slide's. */
typedef bool take_rollup_row(void *context, const struct rollup_row *row);

struct sliding {
    const struct view *view; /* its window is the hop */
    int64_t panes, from_us, to_us;
    size_t group_count; /* their numbers are below it */
    take_rollup_row *take;
    void *context;
};

/* Gives the rows of windows of so many panes, one after the other, that start in [from_us, to_us), of each group that
 * has a pane in them. `panes` are what groups have in each hop, ascending by start. False where `take` is, or memory is
 * short. */
bool slide(const struct sliding *sliding, const struct rollup_row panes[], size_t count) MUST_CHECK;

#endif
