/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/publications.h"

#define RUNS_MAX "100"
#define UTC(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as " column

/* `moved` came with version 3 of the schema. */
bool publications_read_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                            struct error *error)
{
    static const char query[] =
        "select coalesce(json_agg(r), '[]'::json)::text from (select id, kind, " UTC("started_at") ", " UTC(
            "finished_at") ", epoch, outcome, message, messages, rows, "
                           "coalesce((to_jsonb(t)->>'moved')::bigint, 0) as moved from tidemark.run t "
                           "where source = $1 order by id desc limit " RUNS_MAX ") r";
    struct publications *publications = (struct publications *)(void *)store;
    const char *values[] = {source->name};
    RESULT *result = NULL;
    bool empty = false;
    bool done = snapshot_begin(publications, source, &empty, NULL, error);
    if (done && !empty)
        done = connection_query(publications->connection, query, 1, values, &result, error);
    if (done) {
        buffer_clear(ret_runs);
        buffer_append_text(ret_runs, empty ? text_of("[]") : result_text(result, 0, 0));
        if (ret_runs->failed)
            done = error_set(error, ERROR_INTERNAL, "out of memory");
    }
    snapshot_end(publications, !done);
    return done;
}
