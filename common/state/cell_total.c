/* SPDX-License-Identifier: Apache-2.0 */
#include "state/cell_total.h"

struct cell *cell_total(struct cell_total *total)
{
    return (struct cell *)(void *)total->bytes;
}

void cell_total_add(struct cell_total *total, const struct panes *panes)
{
    for (size_t i = 0; i < panes_count(panes); i++)
        cell_merge(panes->view, cell_total(total), panes_get(panes, i).cell);
}
