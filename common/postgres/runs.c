/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/publications.h"

#define RUNS_MAX "100"
#define UTC(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as " column

/* What the query gives as JSON, or an empty list where the table isn't there yet. */
static bool read_list(struct publication_store *store, const struct source *source, const char *table,
                      const char *query, size_t count, struct buffer *ret_list, struct error *error)
{
    struct publications *publications = (struct publications *)(void *)store;
    const char *values[] = {source->name};
    RESULT *exists = NULL, *result = NULL;
    bool empty = false;
    bool done = snapshot_begin(publications, source, &empty, NULL, error);
    if (done && !empty) {
        done = connection_query(publications->connection, "select to_regclass($1) is null", 1, &table, &exists, error);
        empty = done && *PQgetvalue(exists, 0, 0) == 't';
    }
    if (done && !empty)
        done = connection_query(publications->connection, query, count, values, &result, error);
    if (done) {
        buffer_clear(ret_list);
        buffer_append_text(ret_list, empty ? text_of("[]") : result_text(result, 0, 0));
        if (ret_list->failed)
            done = error_set(error, ERROR_INTERNAL, "out of memory");
    }
    snapshot_end(publications, !done);
    return done;
}

/* `moved` came with version 3 of the schema. */
bool publications_read_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                            struct error *error)
{
    static const char query[] =
        "select coalesce(json_agg(r), '[]'::json)::text from (select id, kind, " UTC("started_at") ", " UTC(
            "finished_at") ", epoch, outcome, message, messages, rows, "
                           "coalesce((to_jsonb(t)->>'moved')::bigint, 0) as moved from tidemark.run t "
                           "where source = $1 order by id desc limit " RUNS_MAX ") r";
    return read_list(store, source, "tidemark.run", query, 1, ret_runs, error);
}

/* Those that wait or are at work are the newest that were due. */
bool publications_read_job_runs(struct publication_store *store, const struct source *source, struct buffer *ret_runs,
                                struct error *error)
{
    static const char query[] = "select coalesce(json_agg(r), '[]'::json)::text from (select id, job, " UTC(
        "due_at") ", day, state, by_hand, "
                  "attempt, " UTC("started_at") ", " UTC(
                      "finished_at") ", extract(epoch from t.finished_at - t.started_at)::"
                                     "numeric(12,3) as seconds, reason, rows, reads from tidemark.job_run t "
                                     "order by t.due_at desc, t.day desc, t.id desc limit " RUNS_MAX ") r";
    return read_list(store, source, "tidemark.job_run", query, 0, ret_runs, error);
}
