/* SPDX-License-Identifier: Apache-2.0
 * Panes as a program has them when it merges them: in order of their start. */
#ifndef TIDEMARK_TESTS_PANES_IN_ORDER_H
#define TIDEMARK_TESTS_PANES_IN_ORDER_H

#include "cmocka_test.h"

#include <stdlib.h>

#include "view/view.h"

static inline int compare_starts(const void *left, const void *right)
{
    const struct pane *a = left, *b = right;
    return (a->window_start_us > b->window_start_us) - (a->window_start_us < b->window_start_us);
}

/* panes_count of them, to be freed. */
static inline struct pane *panes_in_order(const struct panes *panes)
{
    size_t count = panes_count(panes);
    struct pane *sorted = calloc(count + 1, sizeof *sorted);
    assert_non_null(sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = panes_get(panes, i);
    qsort(sorted, count, sizeof *sorted, compare_starts);
    return sorted;
}

#endif
