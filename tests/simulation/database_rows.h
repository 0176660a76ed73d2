/* SPDX-License-Identifier: Apache-2.0
 * The published rows of the simulated database. */
#ifndef TIDEMARK_SIMULATION_DATABASE_ROWS_H
#define TIDEMARK_SIMULATION_DATABASE_ROWS_H

#include "view/view.h"

struct published_views {
    int references;
    size_t count;
    struct panes panes[]; /* one a view */
};

struct published_views *published_views_new(const struct source *source);
struct published_views *published_views_share(struct published_views *views); /* NULL is allowed */
void published_views_release(struct published_views *views);                  /* NULL is allowed */

#endif
