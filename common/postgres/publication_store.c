/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "postgres/postgres.h"
#include "postgres/publications.h"

static bool read_publication(struct publication_store *store, const struct source *source,
                             struct publication *ret_publication, struct error *error)
{
    struct publications *publications = (struct publications *)(void *)store;
    bool empty = false;
    bool done = snapshot_begin(publications, source, &empty, NULL, error);
    if (done && empty)
        *ret_publication = (struct publication){0};
    else if (done)
        done = snapshot_read(publications->connection, source, ret_publication, error);
    snapshot_end(publications, !done);
    return done;
}

static void destroy(struct publication_store *store)
{
    struct publications *publications = (struct publications *)(void *)store;
    if (!publications)
        return;
    PQfinish(publications->connection);
    free(publications->url);
    free(publications->password);
    free(publications);
}

static const struct publication_store_operations operations = {.read = read_publication,
                                                               .read_rows = publications_read_rows,
                                                               .read_runs = publications_read_runs,
                                                               .read_job_runs = publications_read_job_runs,
                                                               .destroy = destroy};

bool postgres_publications_open(const char *url, const char *password, struct publication_store **ret_store,
                                struct error *error)
{
    struct publications *publications = calloc(1, sizeof *publications);
    if (!publications)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    publications->store.operations = &operations;
    publications->url = strdup(url);
    publications->password = password ? strdup(password) : NULL;
    if (!publications->url || (password && !publications->password)) {
        destroy(&publications->store);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *ret_store = &publications->store;
    return true;
}
