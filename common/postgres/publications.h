/* SPDX-License-Identifier: Apache-2.0
 * The store behind postgres_publications_open, and what its readings share. Of this the batch layer uses snapshot_read.
 */
#ifndef TIDEMARK_POSTGRES_PUBLICATIONS_H
#define TIDEMARK_POSTGRES_PUBLICATIONS_H

#include "postgres/connection.h"
#include "postgres/postgres.h"

/* Of a timestamptz; 0 is null. */
#define MICROSECONDS(column) "coalesce((extract(epoch from " column ") * 1000000)::bigint, 0)"

#define REMEMBERED_SOURCES_MAX 64 /* sources beyond are read in full each time */

/* Which publication of a source the rows were last read of: an epoch's number alone doesn't tell a database that was
 * restored and has published anew since. */
struct remembered {
    char source[NAME_MAX_BYTES + 1];
    int64_t epoch, published_at_us;
};

struct publications {
    struct publication_store store; /* first, so that the pointers are interchangeable */
    char *url, *password;
    PGconn *connection; /* NULL until it is needed, and after an error */
    struct remembered remembered[REMEMBERED_SOURCES_MAX];
    size_t remembered_count;
};

/* Begins a read-only transaction that holds still while it is read. *ret_empty: the database has no schema yet, and no
 * transaction was begun. Where rows will be read, `ret_exists` isn't NULL and says which views have a table; these are
 * locked against being replaced, before the snapshot is taken. */
bool snapshot_begin(struct publications *publications, const struct source *source, bool *ret_empty,
                    bool ret_exists[VIEWS_MAX], struct error *error) MUST_CHECK;
/* Reads what is published, in the transaction that is open. */
bool snapshot_read(PGconn *connection, const struct source *source, struct publication *ret_publication,
                   struct error *error) MUST_CHECK;
/* The operations of the store that have a file each. */
bool publications_read_rows(struct publication_store *store, const struct source *source, int64_t since_epoch,
                            const struct published_rows *rows, struct publication *ret_publication,
                            struct error *error) MUST_CHECK;
bool publications_read_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                            struct error *error) MUST_CHECK;
bool publications_read_job_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                                struct error *error) MUST_CHECK;
/* Ends the transaction; after an error also the connection. */
void snapshot_end(struct publications *publications, bool failed);

#endif
