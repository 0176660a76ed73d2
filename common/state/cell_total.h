/* SPDX-License-Identifier: Apache-2.0
 * What the cells of a view add up to, kept beside them so that a cell that was changed shows; and checksums of them, so
 * that changes show that cancel each other. */
#ifndef TIDEMARK_STATE_CELL_TOTAL_H
#define TIDEMARK_STATE_CELL_TOTAL_H

#include "view/view.h"

/* What the cells of a view add up to: a cell with room for all that one of any view has. */
#define CELL_CHECKSUMS 2

struct cell_total {
    _Alignas(struct cell) unsigned char bytes[sizeof(struct cell) + (SUMS_MAX + MEASURES_MAX) * sizeof(struct sum)];
    /* Each the sum, modulo a prime of its own below 2^31, of each number in a cell times a hash of where it stands
     * (window, group, which of the numbers): what is added to cells adds to it, in whatever order and pieces. Whoever
     * changes cells without knowing the hashes goes unnoticed once in 2^62 times. */
    int64_t checksums[CELL_CHECKSUMS];
};
struct cell *cell_total(struct cell_total *total);
void cell_total_add(struct cell_total *total, const struct panes *panes);
void cell_total_take_away(struct cell_total *total, const struct panes *panes); /* undoes it */
/* Adds to a checksum a number that was kept or is to be added; any number does, also one that wasn't reduced. */
void cell_total_add_checksum(struct cell_total *total, size_t number, int64_t change);

#endif
