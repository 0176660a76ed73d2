/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/sql_token.h"
#include "engine/duckdb/explained_summary.h"
#include "engine/postgres/explained_view.h"
#include "engine/spark/spark_job.h"
#include "jobs/timetable.h"
#include "postgres/connection.h"

/* What is asked for. */
struct explained {
    const struct settings *settings;
    const struct job *job;   /* or, where that is NULL, */
    const struct view *view; /* … the rows that are published of it */
    const struct source *source;
    bool by_spark;
    struct buffer out;
};

/* --- What is published ------------------------------------------------------------------------------------------- */

static bool append_view(struct explained *explained, struct batch *batch, const struct source *source,
                        const struct view *view, struct error *error)
{
    buffer_appendf(&explained->out, "-- %s, of the versions that are live at the published cut\n", view->name);
    if (view_merges_panes(view))
        buffer_appendf(&explained->out, "-- (its panes: the SQL view view.%s merges them)\n", view->name);
    return explained_view_append(batch->connection, source, view, &explained->out, error);
}

static bool append_source(struct explained *explained, struct batch *batch, const struct source *source,
                          struct error *error)
{
    for (size_t i = 0; i < source_shown_count(source); i++)
        if (!append_view(explained, batch, source, &source->views[i], error))
            return false;
    return true;
}

static bool append_published(struct explained *explained, struct error *error)
{
    struct batch batch = {.settings = explained->settings};
    const struct job *job = explained->job;
    bool done = batch_connect(&batch, error);
    if (explained->view)
        done = done && append_view(explained, &batch, explained->source, explained->view, error);
    for (size_t i = 0; done && job && i < job->source_count; i++)
        done = append_source(explained, &batch, job->sources[i], error);
    batch_disconnect(&batch);
    return done;
}

/* --- What a job of a day runs ------------------------------------------------------------------------------------- */

/* A statement of the job with the dates in the place of its parameters: they are tokens of their own. */
static void append_dated(struct buffer *out, const char *sql, const char *const dates[])
{
    struct sql_reader reader = {.text = text_of(sql)};
    struct sql_token token;
    const char *rest = sql;
    while (sql_token_next(&reader, &token, NULL) && token.kind != SQL_END)
        if (token.kind == SQL_POSITIONAL) {
            buffer_append(out, rest, (size_t)(token.text.data - rest));
            buffer_appendf(out, "date '%s'", dates[token.text.data[1] - '1']);
            rest = token.text.data + token.text.length;
        }
    buffer_appendf(out, "%s\n;\n", rest); /* a comment may be its end */
}

static void append_create(struct buffer *out, const struct query *query)
{
    buffer_append_string(out, "do $tm_create$ begin\n");
    if (query->schema) {
        buffer_append_string(out, "if to_regnamespace(");
        buffer_append_literal(out, text_of(query->schema));
        buffer_appendf(out, ") is null then create schema %s; end if;\n", query->schema);
    }
    buffer_append_string(out, "if to_regclass(");
    buffer_append_literal(out, text_of(query->created));
    buffer_appendf(out, ") is null then\n%s\n; end if;\nend $tm_create$;\n", query->create);
}

/* The transaction, but for the record of the run. */
static void append_query(struct explained *explained, int64_t day)
{
    const struct query *query = &explained->job->query;
    struct buffer *out = &explained->out;
    char date[DATE_SIZE], next[DATE_SIZE];
    const char *const dates[] = {date, next};
    date_print(day, date);
    date_print(day + 1, next);
    buffer_append_string(out, "begin isolation level repeatable read;\nset local time zone ");
    buffer_append_literal(out, text_of(explained->settings->time_zone));
    buffer_append_string(out, ";\n");
    if (query->create)
        append_create(out, query);
    if (query->table) {
        buffer_appendf(out, "delete from %s where ", query->table);
        append_dated(out, query->where, dates);
    }
    append_dated(out, query->statement, dates);
    buffer_append_string(out, "commit;\n");
}

static bool append_spark(struct explained *explained, int64_t day, struct error *error)
{
    struct arena arena = {0};
    const struct lake_folder *folders;
    size_t count;
    char date[DATE_SIZE];
    date_print(day, date);
    bool done = spark_job_list(explained->settings, explained->job, date, &arena, &folders, &count, error) ||
                error_context(error, "job %s, %s", explained->job->name, date);
    if (done)
        spark_job_append(explained->job, day, date, folders, &explained->out);
    arena_clean_up(&arena);
    return done;
}

static bool append_job(struct explained *explained, const struct job_days *days, struct error *error)
{
    int64_t day, last;
    if (!job_days_parse(explained->settings, days, &day, &last, error))
        return false;
    switch (explained->job->kind) {
    case JOB_PUBLISH:
        return append_published(explained, error);
    case JOB_SUMMARISE:
        if (explained->by_spark)
            return append_spark(explained, day, error);
        return explained_summary_append(explained->settings, explained->job, day, &explained->out, error);
    case JOB_QUERY:
        append_query(explained, day);
        return true;
    case JOB_ARCHIVE:
        break;
    }
    return error_set(error, ERROR_USAGE, "the job %s archives messages as they are: there is no SQL to explain",
                     explained->job->name);
}

/* --- What is asked for ------------------------------------------------------------------------------------------- */

static const struct job *summary_of(const struct settings *settings, const struct view *view)
{
    for (size_t i = 0; i < settings->job_count; i++)
        if (settings->jobs[i].kind == JOB_SUMMARISE && settings->jobs[i].summary.view == view)
            return &settings->jobs[i];
    return NULL;
}

static bool is_by(const char *engine, const char *name)
{
    return engine && strcmp(engine, name) == 0;
}

/* What summarises files is another thing than what publishes, and may have the name of its view. */
static bool find(struct explained *explained, const char *name, const char *engine, struct error *error)
{
    const struct job *job = settings_job(explained->settings, text_of(name));
    const struct view *view = settings_view(explained->settings, text_of(name), &explained->source);
    view = view && !view->shown ? view : NULL;
    bool by_postgres = is_by(engine, "postgres"), by_files = is_by(engine, "duckdb") || is_by(engine, "spark");
    bool is_summary = job && job->kind == JOB_SUMMARISE;
    if (engine && !by_postgres && !by_files)
        return error_set(error, ERROR_USAGE, "--engine is postgres, duckdb or spark, not %s", engine);
    if (!job && !view)
        return error_set(error, ERROR_USAGE, "the configuration has no job and no view %s", name);
    if (by_files && !is_summary)
        job = view ? summary_of(explained->settings, view) : NULL;
    if (by_files && !job)
        return error_set(error, ERROR_USAGE, "no job summarises files by %s, which is what %s does", name, engine);
    if (by_postgres && is_summary)
        job = NULL;
    if (!job && !view)
        return error_set(error, ERROR_USAGE, "the job %s is nothing that PostgreSQL does", name);
    explained->job = job;
    explained->view = job ? NULL : view;
    explained->by_spark = engine ? is_by(engine, "spark") : is_summary && job->summary.engine == SUMMARY_BY_SPARK;
    return true;
}

bool explain_print(const struct settings *settings, const char *name, const char *engine, const struct job_days *days,
                   struct error *error)
{
    struct explained explained = {.settings = settings};
    bool done = find(&explained, name, engine, error) &&
                (explained.job ? append_job(&explained, days, error) : append_published(&explained, error));
    done = done && (!explained.out.failed || error_set(error, ERROR_INTERNAL, "out of memory"));
    if (done)
        (void)fwrite(buffer_string(&explained.out), 1, explained.out.length, stdout);
    buffer_clean_up(&explained.out);
    return done;
}
