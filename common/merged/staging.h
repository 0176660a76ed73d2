/* SPDX-License-Identifier: Apache-2.0
 * Published rows on their way into the snapshot: collected while PostgreSQL is read, outside of any lock, and put in
 * place at once when the reading is complete. */
#ifndef TIDEMARK_MERGED_STAGING_H
#define TIDEMARK_MERGED_STAGING_H

#include "ports/publication_store.h"
#include "view/view.h"

struct staged_view {
    bool all;         /* the rows replace the whole view; else the windows listed */
    int64_t floor_us; /* of a whole view: older windows were left out, they were beyond the memory */
    int64_t *windows; /* cleared; owned */
    size_t window_count, window_capacity;
    struct panes panes;
};

struct staging {
    const struct source *source;
    struct staged_view *views;      /* one a view of the source */
    size_t bytes_max;               /* for all its views together */
    const struct rows_range *range; /* NULL: of all windows of all views */
    bool failed;                    /* memory was short */
};

bool staging_init(struct staging *staging, const struct source *source, size_t bytes_max,
                  struct error *error) MUST_CHECK;
void staging_clean_up(struct staging *staging);

/* The receiver to give to read_rows of the publication store. */
struct published_rows staging_receiver(struct staging *staging);

#endif
