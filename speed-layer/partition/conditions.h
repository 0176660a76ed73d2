/* SPDX-License-Identifier: Apache-2.0
 * The conditions of a source's views: views often share theirs, so each different one is worked out once a message, and
 * what came of it is a bit. */
#ifndef TIDEMARK_SPEED_CONDITIONS_H
#define TIDEMARK_SPEED_CONDITIONS_H

#include "view/view.h"

struct conditions {
    const struct source *source;
    size_t count;
    size_t of_view[VIEWS_MAX]; /* the number of each view's condition */
    size_t view[VIEWS_MAX];    /* the first view that has it */
};

void conditions_find(struct conditions *conditions, const struct source *source);
/* By the number of a condition a bit: whether the version counts in the views that have it. */
uint64_t conditions_judge(const struct conditions *conditions, const struct record *record);

static inline bool conditions_count(const struct conditions *conditions, size_t view, uint64_t judged)
{
    return judged >> conditions->of_view[view] & 1;
}

#endif
