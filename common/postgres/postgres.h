/* SPDX-License-Identifier: Apache-2.0
 * What all layers read of PostgreSQL: the publication, and the published rows in the same snapshot. */
#ifndef TIDEMARK_POSTGRES_POSTGRES_H
#define TIDEMARK_POSTGRES_POSTGRES_H

#include "ports/publication_store.h"

#define POSTGRES_SCHEMA_VERSION 7

/* A publication_store; `password` may be NULL. Doesn't connect yet; connects anew after an error. */
bool postgres_publications_open(const char *url, const char *password, struct publication_store **ret_store,
                                struct error *error) MUST_CHECK;

/* Receives published rows. `clear` comes before the rows that replace what it names. */
struct published_rows {
    void (*clear_view)(void *context, size_t view);
    void (*clear_window)(void *context, size_t view, int64_t window_start_s);
    bool (*row)(void *context, size_t view, int64_t window_start_s, struct text group, const struct cell *cell,
                struct error *error);
    void *context;
};

/* Reads the publication and, in the same snapshot, the rows of the source's views that changed after `since_epoch`
 * (all of them where that is 0, or longer ago than is remembered, or where a view's fingerprint isn't the
 * configuration's: then it has no rows). */
bool postgres_read_published(struct publication_store *store, const struct source *source, int64_t since_epoch,
                             const struct published_rows *rows, struct publication *ret_publication,
                             struct error *error) MUST_CHECK;

/* The latest batch runs of the source, newest first, as a JSON array. */
bool postgres_read_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                        struct error *error) MUST_CHECK;

#endif
