/* SPDX-License-Identifier: Apache-2.0 */
#include "database/job_runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define US(column) "(extract(epoch from " column ") * 1000000)::bigint"
#define AT(parameter) "(timestamptz 'epoch' + " parameter "::bigint * interval '1 microsecond')"
#define DAY(parameter) "(date 'epoch' + " parameter "::int)"
#define NUMBER(column) "coalesce(" column "::text, '-')"
#define RUNS_KEPT "10000" /* of a job */

/* $1 is the job's name and $2 the day or null. */
#define LOCK_KEY "hashtextextended('tidemark job ' || $1 || coalesce(' of day ' || $2, ''), 0)"

struct number {
    char text[24];
};

static struct number number_of(int64_t value)
{
    struct number number;
    snprintf(number.text, sizeof number.text, "%" PRId64, value);
    return number;
}

/* Runs a statement whose rows nobody wants. */
static bool change(struct batch *batch, const char *sql, size_t count, const char *const values[], struct error *error)
{
    RESULT *result = NULL;
    return connection_query(batch->connection, sql, count, values, &result, error);
}

/* The number of a row of one column. */
static bool ask(struct batch *batch, const char *sql, size_t count, const char *const values[], bool *ret_any,
                int64_t *ret_number, struct error *error)
{
    RESULT *result = NULL;
    if (!connection_query(batch->connection, sql, count, values, &result, error))
        return false;
    *ret_any = PQntuples(result) == 1;
    if (*ret_any)
        *ret_number = result_integer(result, 0, 0);
    return true;
}

bool job_runs_begin(struct batch *batch, struct error *error)
{
    return connection_execute(batch->connection,
                              "begin; select pg_advisory_xact_lock(hashtextextended('tidemark jobs', 0))", error);
}

bool job_runs_commit(struct batch *batch, struct error *error)
{
    return connection_execute(batch->connection, "commit", error);
}

/* --- Where the schedule stands ----------------------------------------------------------------------------------- */

bool job_position_read(struct batch *batch, const char *job, int64_t *due_us, int64_t *followed_us, struct error *error)
{
    RESULT *row = NULL;
    if (!connection_query(batch->connection,
                          "select " US("due_at") ", " US("followed_at") " from tidemark.job where name = $1", 1, &job,
                          &row, error))
        return false;
    if (PQntuples(row) == 1 && due_us && !PQgetisnull(row, 0, 0))
        *due_us = result_integer(row, 0, 0);
    if (PQntuples(row) == 1 && followed_us && !PQgetisnull(row, 0, 1))
        *followed_us = result_integer(row, 0, 1);
    return true;
}

bool job_position_write(struct batch *batch, const char *job, const int64_t *due_us, const int64_t *followed_us,
                        struct error *error)
{
    struct number due = number_of(due_us ? *due_us : 0), followed = number_of(followed_us ? *followed_us : 0);
    const char *values[] = {job, due_us ? due.text : NULL, followed_us ? followed.text : NULL};
    return change(batch,
                  "insert into tidemark.job as j (name, due_at, followed_at) values ($1, " AT("$2") ", " AT(
                      "$3") ") on conflict (name) do update set due_at = coalesce(excluded.due_at, j.due_at), "
                            "followed_at = coalesce(excluded.followed_at, j.followed_at)",
                  3, values, error);
}

bool job_run_add(struct batch *batch, const char *job, int64_t due_us, const int64_t *day, struct error *error)
{
    struct number due = number_of(due_us), of = number_of(day ? *day : 0);
    const char *values[] = {job, due.text, day ? of.text : NULL};
    return change(batch,
                  "with passed as (delete from tidemark.job_run where job = $1 and day is not distinct from " DAY(
                      "$3") " and due_at < " AT("$2") " and state = 'due' and attempt = 0) "
                                                      "insert into tidemark.job_run (job, due_at, day) values ($1, " AT(
                                                          "$2") ", " DAY("$3") ") on conflict do nothing",
                  3, values, error);
}

/* --- Reading ----------------------------------------------------------------------------------------------------- */

#define COLUMNS                                                                                                        \
    "id, " US("due_at") ", day - date 'epoch', state, coalesce(reason, ''), " NUMBER(                                  \
        "rows") ", "                                                                                                   \
                "coalesce(to_char(started_at, 'YYYY-MM-DD HH24:MI:SS\"Z\"'), '-'), "                                   \
                "coalesce(extract(epoch from finished_at - started_at)::numeric(12,1)::text || ' s', '-'), attempt "   \
                "from tidemark.job_run where job = $1 "

static bool visit_runs(struct batch *batch, const char *sql, size_t count, const char *const values[],
                       job_run_visitor *visit, void *context, struct error *error)
{
    RESULT *rows = NULL;
    if (!connection_query(batch->connection, sql, count, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct job_run run = {.id = result_integer(rows, row, 0),
                                    .job = values[0],
                                    .due_us = result_integer(rows, row, 1),
                                    .has_day = !PQgetisnull(rows, row, 2),
                                    .day = result_integer(rows, row, 2),
                                    .state = PQgetvalue(rows, row, 3),
                                    .reason = PQgetvalue(rows, row, 4),
                                    .rows = PQgetvalue(rows, row, 5),
                                    .started_at = PQgetvalue(rows, row, 6),
                                    .duration = PQgetvalue(rows, row, 7),
                                    .attempt = result_integer(rows, row, 8)};
        if (!visit(context, &run, error))
            return false;
    }
    return true;
}

bool job_runs_open(struct batch *batch, const char *job, job_run_visitor *visit, void *context, struct error *error)
{
    return visit_runs(batch,
                      "select " COLUMNS "and (state in ('due', 'running') or (state = 'skipped' and not exists (select "
                      "from tidemark.job_run later where later.job = $1 and later.day is not distinct from job_run.day "
                      "and later.due_at > job_run.due_at))) order by due_at, day, id",
                      1, &job, visit, context, error);
}

bool job_runs_since(struct batch *batch, const char *job, int64_t since_us, job_run_visitor *visit, void *context,
                    struct error *error)
{
    struct number since = number_of(since_us);
    const char *values[] = {job, since.text};
    return visit_runs(batch, "select " COLUMNS "and due_at > " AT("$2") " order by due_at, day, id", 2, values, visit,
                      context, error);
}

bool job_runs_last(struct batch *batch, const char *job, size_t most, job_run_visitor *visit, void *context,
                   struct error *error)
{
    struct number limit = number_of((int64_t)most);
    const char *values[] = {job, limit.text};
    return visit_runs(batch, "select " COLUMNS "order by due_at desc, day desc, id desc limit $2::bigint", 2, values,
                      visit, context, error);
}

bool job_runs_outcome(struct batch *batch, const char *job, int64_t due_us, bool *ret_open, bool *ret_failed,
                      struct error *error)
{
    struct number due = number_of(due_us);
    const char *values[] = {job, due.text};
    RESULT *row = NULL;
    if (!connection_query(batch->connection,
                          "select coalesce(bool_or(r.state in ('due', 'running')), false), coalesce(bool_or(r.state in "
                          "('failed', 'skipped') and not exists (select from tidemark.job_run d where d.job = r.job "
                          "and d.day is not distinct from r.day and d.state = 'done' and d.due_at > r.due_at)), false) "
                          "from tidemark.job_run r where r.job = $1 and case when r.by_hand then r.due_at = " AT(
                              "$2") " else r.due_at = (select max(due_at) from tidemark.job_run where job = $1 and "
                                    "not by_hand and due_at <= " AT("$2") ") end",
                          2, values, &row, error))
        return false;
    *ret_open = *PQgetvalue(row, 0, 0) == 't';
    *ret_failed = *PQgetvalue(row, 0, 1) == 't';
    return true;
}

/* --- Who is at work ---------------------------------------------------------------------------------------------- */

static bool ask_lock(struct batch *batch, const char *sql, const struct job_run *run, bool *ret_is, struct error *error)
{
    struct number day = number_of(run->day);
    const char *values[] = {run->job, run->has_day ? day.text : NULL};
    RESULT *row = NULL;
    if (!connection_query(batch->connection, sql, 2, values, &row, error))
        return false;
    *ret_is = *PQgetvalue(row, 0, 0) == 't';
    return true;
}

bool job_run_is_free(struct batch *batch, const struct job_run *run, bool *ret_free, struct error *error)
{
    return ask_lock(batch,
                    "select not exists (select from pg_locks where locktype = 'advisory' and granted and objsubid = 1 "
                    "and database = (select oid from pg_database where datname = current_database()) and "
                    "(classid::bigint << 32 | objid::bigint) = " LOCK_KEY ")",
                    run, ret_free, error);
}

bool job_run_lock(struct batch *batch, const struct job_run *run, struct error *error)
{
    bool taken = false;
    return ask_lock(batch, "select pg_try_advisory_lock(" LOCK_KEY ")", run, &taken, error) &&
           (taken || error_set(error, ERROR_TRY_AGAIN, "another run of the job is at work%s",
                               run->has_day ? " on this day" : ""));
}

void job_run_unlock(struct batch *batch, const struct job_run *run)
{
    bool released; /* where this fails, the connection is gone and the lock with it */
    if (batch->connection && !ask_lock(batch, "select pg_advisory_unlock(" LOCK_KEY ")", run, &released, NULL))
        batch_disconnect(batch);
}

/* --- What becomes of one ----------------------------------------------------------------------------------------- */

bool job_run_set(struct batch *batch, int64_t id, const char *state, const char *reason, struct error *error)
{
    struct number of = number_of(id);
    const char *values[] = {of.text, state, reason};
    return change(batch,
                  "update tidemark.job_run set state = $2, reason = $3 where id = $1::bigint and (state, reason) is "
                  "distinct from ($2, $3)",
                  3, values, error);
}

static bool record_by_hand(struct batch *batch, struct job_run *run, struct error *error)
{
    struct number due = number_of(run->due_us), day = number_of(run->day);
    const char *values[] = {run->job, due.text, run->has_day ? day.text : NULL};
    bool any;
    return ask(batch,
               "insert into tidemark.job_run (job, due_at, day, by_hand) values ($1, " AT("$2") ", " DAY(
                   "$3") ", true) returning id",
               3, values, &any, &run->id, error);
}

static bool forget_oldest(struct batch *batch, const char *job, struct error *error)
{
    return change(batch,
                  "delete from tidemark.job_run where job = $1 and state not in ('due', 'running') and id <= (select "
                  "id from tidemark.job_run where job = $1 order by id desc offset " RUNS_KEPT " limit 1)",
                  1, &job, error);
}

bool job_run_begin(struct batch *batch, struct job_run *run, bool *ret_begun, struct error *error)
{
    if (run->id == 0 && !record_by_hand(batch, run, error))
        return false;
    struct number id = number_of(run->id);
    const char *values[] = {id.text};
    return forget_oldest(batch, run->job, error) &&
           ask(batch,
               "update tidemark.job_run set state = 'running', attempt = attempt + 1, finished_at = null, "
               "started_at = coalesce(started_at, clock_timestamp()) where id = $1::bigint and "
               "state in ('due', 'running') returning attempt",
               1, values, ret_begun, &run->attempt, error);
}

/* Epoch and cut by source, as JSON. */
#define READS                                                                                                          \
    "(select jsonb_object_agg(s.name, jsonb_build_object('epoch', s.epoch, 'cut', coalesce((select "                   \
    "jsonb_object_agg(p.partition::text, p.cut) from tidemark.partition p where p.source = s.name and p.cut is not "   \
    "null), '{}'))) from tidemark.source s where s.name = any($3::text[]))"

static bool append_names(struct buffer *out, const struct source *const sources[], size_t count, struct error *error)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < count; i++) /* letters, digits, _ and - only */
        buffer_appendf(out, "%s%s", i ? "," : "", sources[i]->name);
    buffer_append_char(out, '}');
    return !out->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool job_run_done(struct batch *batch, const struct job_run *run, int64_t rows, const struct source *const sources[],
                  size_t source_count, struct error *error)
{
    struct buffer names = {0};
    struct number id = number_of(run->id), count = number_of(rows);
    bool done = append_names(&names, sources, source_count, error);
    const char *values[] = {id.text, rows < 0 ? NULL : count.text, buffer_string(&names)};
    done = done && change(batch,
                          "update tidemark.job_run set state = 'done', finished_at = clock_timestamp(), reason = null, "
                          "rows = $2::bigint, reads = " READS " where id = $1::bigint",
                          3, values, error);
    buffer_clean_up(&names);
    return done;
}

bool job_run_failed(struct batch *batch, const struct job_run *run, const char *reason, struct error *error)
{
    struct number id = number_of(run->id);
    const char *values[] = {id.text, reason};
    return change(batch,
                  "update tidemark.job_run set state = 'failed', finished_at = clock_timestamp(), reason = $2 "
                  "where id = $1::bigint",
                  2, values, error);
}
