/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/sourced_publications.h"

#include <stdlib.h>

#include "postgres/postgres.h"

struct sourced_publications {
    struct publication_store store;     /* first, so that the pointers are interchangeable */
    struct publication_store *postgres; /* NULL: no source has a batch layer */
};

static struct publication_store *postgres_of(struct publication_store *store)
{
    return ((struct sourced_publications *)(void *)store)->postgres;
}

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    struct publication_store *postgres = postgres_of(store);
    if (!source->is_stream_alone)
        return postgres->operations->read(postgres, source, ret_publication, error);
    *ret_publication = (struct publication){.is_never = true};
    return true;
}

/* What is asked for by its range, memory gave up. */
static bool read_rows(struct publication_store *store, const struct source *source, int64_t since_epoch,
                      const struct published_rows *rows, struct publication *ret_publication, struct error *error)
{
    struct publication_store *postgres = postgres_of(store);
    if (!source->is_stream_alone)
        return postgres->operations->read_rows(postgres, source, since_epoch, rows, ret_publication, error);
    if (rows->range)
        return error_set(error, ERROR_UNAVAILABLE,
                         "the source %s has no batch layer, whose tables would have them; raise http.memory, or give "
                         "its views a shorter retention",
                         source->name);
    for (size_t view = 0; view < source->view_count; view++)
        rows->clear_view(rows->context, view);
    *ret_publication = (struct publication){.is_never = true};
    return true;
}

static bool no_runs(struct buffer *ret_runs, struct error *error)
{
    buffer_clear(ret_runs);
    buffer_append_string(ret_runs, "[]");
    return !ret_runs->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool read_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                      struct error *error)
{
    struct publication_store *postgres = postgres_of(store);
    return source->is_stream_alone ? no_runs(ret_runs, error)
                                   : postgres->operations->read_runs(postgres, source, ret_runs, error);
}

static bool read_job_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                          struct error *error)
{
    struct publication_store *postgres = postgres_of(store);
    return postgres ? postgres->operations->read_job_runs(postgres, source, ret_runs, error) : no_runs(ret_runs, error);
}

static void destroy(struct publication_store *store)
{
    struct publication_store *postgres = postgres_of(store);
    if (postgres)
        postgres->operations->destroy(postgres);
    free(store);
}

static const struct publication_store_operations operations = {.read = read_publication,
                                                               .read_rows = read_rows,
                                                               .read_runs = read_runs,
                                                               .read_job_runs = read_job_runs,
                                                               .destroy = destroy};

bool sourced_publications_open(const char *url, const char *password, const struct source sources[],
                               size_t source_count, struct publication_store **ret_store, struct error *error)
{
    struct sourced_publications *sourced = calloc(1, sizeof *sourced);
    bool has_batch_layer = false;
    for (size_t i = 0; i < source_count; i++)
        has_batch_layer = has_batch_layer || !sources[i].is_stream_alone;
    if (!sourced)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    sourced->store.operations = &operations;
    if (has_batch_layer && !postgres_publications_open(url, password, &sourced->postgres, error)) {
        free(sourced);
        return false;
    }
    *ret_store = &sourced->store;
    return true;
}
