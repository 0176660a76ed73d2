/* SPDX-License-Identifier: Apache-2.0
 * Binary search in whatever is in order. */
#ifndef TIDEMARK_BASE_LOWER_BOUND_H
#define TIDEMARK_BASE_LOWER_BOUND_H

#include <stdbool.h>
#include <stddef.h>

/* The number of the first of `count` elements that doesn't lie before what is looked for, which the context knows;
 * `count` where all do. Those that lie before it come first. */
static inline size_t lower_bound(size_t count, bool (*lies_before)(const void *context, size_t number),
                                 const void *context)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lies_before(context, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
