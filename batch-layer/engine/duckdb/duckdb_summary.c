/* SPDX-License-Identifier: Apache-2.0
 * Summaries by DuckDB: the story of a day. */
#include <inttypes.h>

#include "base/crash.h"
#include "engine/duckdb/summary_plan.h"

struct duckdb_day {
    struct summary_day *day;
    struct summary_plan plan;
    struct duckdb_session *session;
    struct buffer sql; /* scratch */
};

static bool take_bad(void *context, const struct text values[], struct error *error)
{
    struct duckdb_day *work = context;
    int64_t folder = 0, file = 0, row = 0;
    int64_t *numbers[] = {&folder, &file, &row, NULL};
    if (!summary_take_numbers(numbers, values, error))
        return false;
    return bad_rows_add(&work->day->bad, work->plan.folders[folder].files[file].path, row, values[3], error);
}

static bool ask_number(struct duckdb_day *work, int64_t *ret_number, struct error *error)
{
    int64_t *numbers[] = {ret_number, NULL};
    return duckdb_session_query_buffer(work->session, &work->sql, summary_take_numbers, numbers, error);
}

/* Where versions are told apart, that tells as well whether some messages are bad. */
static bool count_messages(struct duckdb_day *work, bool *ret_are_good, struct error *error)
{
    int64_t good = -1;
    summary_plan_append_message_count(&work->sql);
    if (!ask_number(work, &work->day->messages, error))
        return false;
    if (summary_plan_has_versions(&work->plan)) {
        summary_plan_append_versions(&work->plan, &work->sql);
        if (!duckdb_session_execute_buffer(work->session, &work->sql, error))
            return false;
        summary_plan_append_good_count(&work->sql);
        if (!ask_number(work, &good, error))
            return false;
    }
    *ret_are_good = good == work->day->messages;
    return true;
}

/* Rows are looked through once more only for the reasons. */
static bool find_bad(struct duckdb_day *work, struct error *error)
{
    int64_t breaker = work->day->bad.breaker;
    bool are_good = false;
    if (!count_messages(work, &are_good, error))
        return false;
    if (are_good && work->plan.count == 1)
        return true;
    summary_plan_append_bad(&work->plan, are_good ? 1 : 0, breaker > 0 ? breaker + 1 : 0, &work->sql);
    return duckdb_session_query_buffer(work->session, &work->sql, take_bad, work, error) &&
           bad_rows_check(&work->day->bad, error);
}

static bool take_double(void *context, const struct text values[], struct error *error)
{
    const char *path = context;
    return error_set(error, ERROR_DATA, "%s: two rows have the key '%.*s', by which it is joined", path,
                     (int)(values[0].length < 256 ? values[0].length : 256), values[0].data);
}

static bool check_joins(struct duckdb_day *work, struct error *error)
{
    for (size_t i = 0; i < work->day->job->summary.join_count; i++) {
        summary_plan_append_double_key(&work->plan, i, &work->sql);
        if (!duckdb_session_query_buffer(work->session, &work->sql, take_double,
                                         (void *)(uintptr_t)work->plan.folders[1 + i].path, error))
            return false;
    }
    return true;
}

static bool compute(struct duckdb_day *work, struct error *error)
{
    summary_plan_append_table(&work->plan, &work->sql);
    return duckdb_session_execute_buffer(work->session, &work->sql, error) &&
           summary_table_count(work->session, work->day, error);
}

/* In the views of the plan: is what is read as it has to be? */
static bool check(struct duckdb_day *work, struct error *error)
{
    summary_plan_append_views(&work->plan, &work->sql);
    return duckdb_session_execute_buffer(work->session, &work->sql, error) && find_bad(work, error) &&
           check_joins(work, error);
}

static bool make_rows(struct duckdb_day *work, struct error *error)
{
    struct summary_day *day = work->day;
    bool done = summary_plan_make(day->settings, &day->job->summary, day->date, day->day, work->session, &day->arena,
                                  &work->plan, error);
    day->inputs = work->plan.folders;
    day->input_count = work->plan.count;
    if (!done || !check(work, error) || !compute(work, error) || !summary_day_is_worth_writing(day, error))
        return false;
    crash_point("before_files");
    return summary_table_write(work->session, day, error);
}

static bool make(struct summary_day *day, struct error *error)
{
    struct duckdb_day *work = arena_allocate(&day->arena, sizeof *work); /* its folders are looked at afterwards */
    if (!work)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    work->day = day;
    bool done = duckdb_session_open(day->settings->batch.duckdb, day->folder.spill, &work->session, error) &&
                make_rows(work, error);
    duckdb_session_close(work->session);
    buffer_clean_up(&work->sql);
    return done;
}

const struct summary_engine duckdb_summary_engine = {.name = "duckdb", .make = make};
