/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/query.h"

#include <stdlib.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/wide.h"
#include "jobs/handed_days.h"

#define DATE_OID 1082 /* of pg_type */
#define PARAMETERS 2

struct query_day {
    struct batch *batch;
    const struct job *job;
    const struct job_run *run;
    char day[DATE_SIZE], next_day[DATE_SIZE];
    struct handed_day handed;
};

/* A statement of the user's. `what` says which of them an error is in. */
static bool run_statement(struct query_day *day, const char *what, const char *sql, PGresult **ret_result,
                          struct error *error)
{
    static const Oid types[PARAMETERS] = {DATE_OID, DATE_OID};
    const char *values[PARAMETERS] = {day->day, day->next_day};
    return connection_query_typed(day->batch->connection, sql, PARAMETERS, types, values, ret_result, error) ||
           error_context(error, "%s", what);
}

/* As the user would see it: the day begins where the file's does, and names of tables are found as his role finds them.
 * The job's own time limit ends what takes too long. */
static bool begin(struct query_day *day, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "begin isolation level repeatable read; set local search_path to default; "
                               "set local statement_timeout to 0; set local timezone to ");
    buffer_append_literal(&sql, text_of(zone_name(day->batch->settings->zone)));
    bool done = batch_execute(day->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool is_there(struct query_day *day, const char *question, const char *name, bool *ret_is, struct error *error)
{
    RESULT *answer = NULL;
    if (!connection_query(day->batch->connection, question, 1, &name, &answer, error))
        return false;
    *ret_is = *PQgetvalue(answer, 0, 0) == 't';
    return true;
}

/* The tables of a source come by the first run that publishes it. */
static bool check_reads(struct query_day *day, struct error *error)
{
    const struct query *query = &day->job->query;
    struct buffer name = {0};
    bool is = true, done = true;
    for (size_t i = 0; done && is && i < query->read_count; i++) {
        const struct query_read *read = &query->reads[i];
        buffer_clear(&name);
        buffer_appendf(&name, "%s.\"%s\"", read->is_raw ? "raw" : "live", read->source->name);
        done = !name.failed ? is_there(day, "select to_regclass($1) is not null", buffer_string(&name), &is, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    }
    if (done && !is)
        done = error_set(error, ERROR_TRY_AGAIN,
                         "%s isn't there: no run has published the source yet, as \"tidemark-batch run\" does",
                         buffer_string(&name));
    buffer_clean_up(&name);
    return done;
}

static bool create_schema(struct query_day *day, struct error *error)
{
    struct buffer sql = {0};
    bool is = true;
    if (day->job->query.schema &&
        !is_there(day, "select to_regnamespace($1) is not null", day->job->query.schema, &is, error))
        return false;
    if (is)
        return true;
    buffer_appendf(&sql, "create schema %s", day->job->query.schema);
    bool done = batch_execute(day->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static bool create_table(struct query_day *day, struct error *error)
{
    const struct query *query = &day->job->query;
    RESULT *created = NULL;
    bool is = true;
    if (query->create && !is_there(day, "select to_regclass($1) is not null", query->created, &is, error))
        return false;
    return is || (create_schema(day, error) && run_statement(day, "create", query->create, &created, error));
}

static bool take_away(struct query_day *day, struct error *error)
{
    const struct query *query = &day->job->query;
    struct buffer sql = {0};
    RESULT *deleted = NULL;
    if (!query->table)
        return true;
    buffer_appendf(&sql, "delete from %s where %s", query->table, query->where);
    bool done = sql.failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                           : run_statement(day, "replace", buffer_string(&sql), &deleted, error);
    buffer_clean_up(&sql);
    return done;
}

static bool note_done(struct query_day *day, int64_t rows, struct error *error)
{
    const struct query *query = &day->job->query;
    const struct source **sources = calloc(query->read_count + 1, sizeof *sources);
    if (!sources)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < query->read_count; i++)
        sources[i] = query->reads[i].source;
    bool done = job_run_done(day->batch, day->run, rows, sources, query->read_count, error) &&
                (!day->run->has_day || handed_day_take(day->batch, day->job, day->run->day, &day->handed, error));
    free(sources);
    return done;
}

static bool replace(struct query_day *day, int64_t *ret_rows, struct error *error)
{
    RESULT *written = NULL;
    if ((day->run->has_day && !handed_day_look(day->batch, day->job, day->run->day, &day->handed, error)) ||
        !check_reads(day, error) || !create_table(day, error) || !take_away(day, error))
        return false;
    crash_point("after_query_replace");
    if (!run_statement(day, "query", day->job->query.statement, &written, error))
        return false;
    if (!integer_parse(text_of(PQcmdTuples(written)), ret_rows))
        *ret_rows = -1; /* a statement that doesn't count them */
    crash_point("after_query_statement");
    return connection_execute(day->batch->connection, "set local search_path to pg_catalog", error) &&
           note_done(day, *ret_rows, error);
}

bool query_run(struct batch *batch, const struct job *job, const struct job_run *run, int64_t *ret_rows,
               struct error *error)
{
    struct query_day day = {.batch = batch, .job = job, .run = run};
    date_print(run->day, day.day);
    date_print(run->day + 1, day.next_day);
    crash_point("before_query");
    bool done =
        begin(&day, error) && replace(&day, ret_rows, error) && connection_execute(batch->connection, "commit", error);
    crash_point("after_query_commit");
    if (!done)
        connection_roll_back(batch->connection);
    handed_day_clean_up(&day.handed);
    return done || error_context(error, "%s:%zu:%zu%s%s", batch->settings->path, job->query.location.line,
                                 job->query.location.column, run->has_day ? ": " : "", run->has_day ? day.day : "");
}

void query_warn(const struct job *job)
{
    for (size_t i = 0; job->kind == JOB_QUERY && i < job->query.read_count; i++) {
        const struct query_read *read = &job->query.reads[i];
        if (read->is_raw && read->source->on_duplicate != ON_DUPLICATE_NONE)
            log_warning("job %s: raw.%s has each version of an order, cancelled ones too, and a sum over it counts "
                        "each; live.%s has one row an order, the version that counts",
                        job->name, read->source->name, read->source->name);
    }
}
