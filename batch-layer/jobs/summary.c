/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/summary.h"

#include <inttypes.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "engine/summary_engine.h"
#include "jobs/timetable.h"
#include "lake/manifest.h"

#define TRIES 5 /* where a folder that is read is replaced meanwhile */

/* --- Who computes ------------------------------------------------------------------------------------------------ */

static bool is_text(const struct lake_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        if (folder->files[i].format == LAKE_PARQUET)
            return false;
    return folder->count > 0;
}

static const struct summary_engine *engine_of(const struct summary *summary, const struct lake_folder *orders)
{
    switch (summary->engine) {
    case SUMMARY_BY_DUCKDB:
        return &duckdb_summary_engine;
    case SUMMARY_BY_NATIVE:
        return &native_summary_engine;
    case SUMMARY_BY_SPARK:
        return &spark_summary_engine;
    case SUMMARY_BY_FILES:
        break;
    }
    return is_text(orders) && summary->join_count == 0 ? &native_summary_engine : &duckdb_summary_engine;
}

/* --- The day ----------------------------------------------------------------------------------------------------- */

static bool write_manifest(const struct summary_day *day, const struct summary_engine *engine, struct error *error)
{
    const struct manifest_count counts[] = {
        {"messages", day->messages},     {"bad", day->bad.count}, {"orders", day->orders_counted},
        {"other_days", day->other_days}, {"rows", day->rows},     {0}};
    const struct manifest manifest = {.job = day->job->name,
                                      .run = day->folder.run,
                                      .day = day->date,
                                      .definition = day->job->summary.view->fingerprint,
                                      .engine = engine->name,
                                      .epoch = "null",
                                      .cut = "null",
                                      .counts = counts,
                                      .inputs = day->inputs,
                                      .input_count = day->input_count};
    return manifest_write(&manifest, day->folder.made, error);
}

static bool make_folder(struct summary_day *day, struct error *error)
{
    const struct summary *summary = &day->job->summary;
    struct lake_folder *orders = arena_allocate(&day->arena, sizeof *orders);
    if (!orders)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!lake_day_read(summary->read, day->date, summary->allow_empty, &day->arena, orders, error))
        return false;
    const struct summary_engine *engine = engine_of(summary, orders);
    day->orders = day->inputs = orders;
    day->input_count = 1;
    if (!engine->make(day, error))
        return false;
    if (day->bad.count > 0)
        log_warning("job %s, %s: %" PRId64 " bad rows, see " BAD_ROWS "; the first: %s", day->job->name, day->date,
                    day->bad.count, buffer_string(&day->bad.first));
    if (!bad_rows_write(&day->bad, day->folder.made, error))
        return false;
    crash_point("before_manifest");
    return write_manifest(day, engine, error);
}

static bool is_current(const struct summary_day *day)
{
    for (size_t i = 0; i < day->input_count; i++)
        if (day->inputs[i].path && !lake_folder_is_same(&day->inputs[i]))
            return false;
    return true;
}

/* Everything in memory and on disk that is this try's. */
static void clean_up(struct summary_day *day)
{
    if (day->folder.work)
        day_folder_clean_up(&day->folder);
    arena_clean_up(&day->arena);
    bad_rows_clean_up(&day->bad);
}

/* *ret_again: a folder that is read was replaced meanwhile, so that a new try is right. */
static bool try_day(struct summary_day *day, bool *ret_again, struct error *error)
{
    const char *path = lake_path(day->job->summary.write, day->date, &day->arena);
    *ret_again = false;
    if (!path)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = day_folder_begin(path, &day->folder, error) && make_folder(day, error);
    *ret_again = !is_current(day);
    done = done && !*ret_again && day_folder_place(&day->folder, error);
    return done || day_folder_explain(path, error);
}

bool summary_run(const struct settings *settings, const struct job *job, int64_t day, struct summary_result *ret_result,
                 struct error *error)
{
    bool done = false, again = true;
    char date[DATE_SIZE];
    date_print(day, date);
    for (int i = 0; i < TRIES && again && !shutdown_requested(); i++) {
        struct summary_day state = {.settings = settings,
                                    .job = job,
                                    .day = day,
                                    .date = date,
                                    .bad = {.breaker = job->summary.source->breaker}};
        error_set(error, ERROR_TRY_AGAIN, "a folder that is read is replaced again and again");
        done = try_day(&state, &again, error);
        if (done) {
            *ret_result = (struct summary_result){state.orders_counted, state.rows};
            log_info("job %s, %s: %" PRId64 " messages, %" PRId64 " orders that count, %" PRId64
                     " of them of another day, %" PRId64 " bad, %" PRId64 " rows",
                     job->name, date, state.messages, state.orders_counted, state.other_days, state.bad.count,
                     state.rows);
        } else {
            error_context(error, "%s", date);
        }
        clean_up(&state);
    }
    if (!done && shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "a signal was first");
    return done;
}

void summary_sweep(const struct job *job, int64_t day)
{
    struct arena arena = {0};
    char date[DATE_SIZE];
    date_print(day, date);
    const char *path = lake_path(job_folder(job), date, &arena);
    if (path)
        day_folder_sweep(path);
    arena_clean_up(&arena);
}

void summary_sweep_later(const struct job *job, const int64_t days[], size_t count)
{
    struct arena arena = {0};
    const char **paths = arena_allocate(&arena, count * sizeof *paths);
    size_t filled = 0;
    for (; paths && filled < count; filled++) {
        char date[DATE_SIZE];
        date_print(days[filled], date);
        paths[filled] = lake_path(job_folder(job), date, &arena);
        if (!paths[filled])
            break;
    }
    day_folder_sweep_later(paths, filled);
    arena_clean_up(&arena);
}
