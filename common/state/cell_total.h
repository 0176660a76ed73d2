/* SPDX-License-Identifier: Apache-2.0
 * What the cells of a view add up to, kept beside them so that a cell that was changed shows. */
#ifndef TIDEMARK_STATE_CELL_TOTAL_H
#define TIDEMARK_STATE_CELL_TOTAL_H

#include "view/view.h"

/* What the cells of a view add up to: a cell with room for the sums of any view. */
struct cell_total {
    _Alignas(struct cell) unsigned char bytes[sizeof(struct cell) + SUMS_MAX * sizeof(struct sum)];
};
struct cell *cell_total(struct cell_total *total);
void cell_total_add(struct cell_total *total, const struct panes *panes);

#endif
