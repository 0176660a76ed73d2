/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/duckdb/explained_summary.h"

#include "engine/duckdb/summary_plan.h"
#include "jobs/timetable.h"

static bool check_formats(const struct summary_plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->folders[i].count == 0 || plan->folders[i].files[0].format != LAKE_PARQUET)
            return error_set(error, ERROR_USAGE,
                             "%s has no Parquet files, and rows of NDJSON, CSV and tables are judged by the decoder of "
                             "topics: there is no SQL that does",
                             plan->folders[i].path);
    return true;
}

static void append_script(const struct summary_plan *plan, const char *date, struct buffer *sql)
{
    buffer_appendf(sql, "-- %s of %s\n", plan->summary->view->name, date);
    summary_plan_append_views(plan, sql);
    buffer_append_string(sql, "\n-- bad rows: number of the folder, of the file, of the row, and why\n");
    summary_plan_append_bad(plan, 0, 0, sql);
    buffer_append_string(sql, ";\n\n");
    if (summary_plan_has_versions(plan))
        summary_plan_append_versions(plan, sql);
    summary_plan_append_table(plan, sql);
    buffer_append_string(sql,
                         "\nSELECT * EXCLUDE (tm_count, tm_other) FROM " SUMMARY_TABLE " ORDER BY ALL NULLS FIRST;\n");
}

bool explained_summary_append(const struct settings *settings, const struct job *job, int64_t day, struct buffer *sql,
                              struct error *error)
{
    struct arena arena = {0};
    struct duckdb_session *session = NULL;
    struct summary_plan *plan = arena_allocate(&arena, sizeof *plan);
    char date[DATE_SIZE];
    date_print(day, date);
    if (!plan)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = duckdb_session_open(settings->batch.duckdb, "", &session, error) &&
                summary_plan_make(settings, &job->summary, date, day, session, &arena, plan, error) &&
                check_formats(plan, error);
    if (done)
        append_script(plan, date, sql);
    duckdb_session_close(session);
    arena_clean_up(&arena);
    return done || error_context(error, "job %s, %s", job->name, date);
}
