/* SPDX-License-Identifier: Apache-2.0
 * Rows of a view, copied under the snapshot's read lock, so that they can be written without it. */
#ifndef TIDEMARK_SERVING_SELECTION_H
#define TIDEMARK_SERVING_SELECTION_H

#include "base/buffer.h"
#include "view/view.h"

struct selected_row {
    int64_t start_us, end_us;
    bool final;
    struct text group;
    const struct cell *cell; /* NULL: the row isn't there any more */
};

struct selection {
    const struct view *rows; /* what the rows are of */
    struct buffer bytes;     /* all of them; `failed` where memory was short */
    size_t count;
};

/* `rows` outlives it. */
void selection_init(struct selection *selection, const struct view *rows);
void selection_clean_up(struct selection *selection);

void selection_add(struct selection *selection, const struct selected_row *row); /* copies it */

/* Gives one row after the other, in the order in which they were added: *at begins at 0. False behind the last. What
 * the row points to is the selection's. */
bool selection_next(const struct selection *selection, size_t *at, struct selected_row *ret_row);

#endif
