/* SPDX-License-Identifier: Apache-2.0
 * Where the speed and the serving layer read what the batch layer has published: the publication, and the rows in the
 * same snapshot. */
#ifndef TIDEMARK_PORTS_PUBLICATION_STORE_H
#define TIDEMARK_PORTS_PUBLICATION_STORE_H

#include "state/publication.h"

/* Rows of one view, and of the members of its measures, in the windows that start in a half-open range. */
struct rows_range {
    size_t view;
    int64_t from_us, to_us;
};

/* Receives published rows. `clear` comes before the rows that replace what it names. */
struct published_rows {
    const struct rows_range *range; /* these only, whenever they changed; NULL: those of all views */
    void (*clear_view)(void *context, size_t view);
    void (*clear_window)(void *context, size_t view, int64_t window_start_us);
    bool (*row)(void *context, size_t view, int64_t window_start_us, struct text group, const struct cell *cell,
                struct error *error);
    void *context;
};

struct publication_store {
    const struct publication_store_operations *operations;
};

/* One thread at a time per store object. ERROR_UNAVAILABLE and ERROR_PERMISSION as everywhere. */
struct publication_store_operations {
    /* One snapshot. A database that is still empty, or has no row of this source, is epoch 0. */
    bool (*read)(struct publication_store *store, const struct source *source, struct publication *ret_publication,
                 struct error *error);

    /* The publication and, of the same snapshot, the rows of the source's views that changed after `since_epoch` (all
     * of them where that is 0, or longer ago than is remembered, or where a view's fingerprint isn't the
     * configuration's: then it has no rows). */
    bool (*read_rows)(struct publication_store *store, const struct source *source, int64_t since_epoch,
                      const struct published_rows *rows, struct publication *ret_publication, struct error *error);

    /* The latest batch runs of the source, newest first, as a JSON array; NULL where they aren't kept. */
    bool (*read_runs)(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                      struct error *error);
    /* The same of all jobs, whatever the source. */
    bool (*read_job_runs)(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                          struct error *error);

    void (*destroy)(struct publication_store *store);
};

#endif
