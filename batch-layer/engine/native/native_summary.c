/* SPDX-License-Identifier: Apache-2.0
 * Summaries by the view library, of NDJSON and CSV: the story of a day. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "engine/duckdb/summary_table.h"
#include "engine/native/group_table.h"
#include "engine/native/native_day.h"

#define THREAD_MEMORY (INT64_C(32) << 20) /* that a thread has for itself at least */

/* --- The day ----------------------------------------------------------------------------------------------------- */

static bool make_workers(struct native_day *native, struct error *error)
{
    const struct settings *settings = native->day->settings;
    int64_t most = settings->batch.memory_bytes / THREAD_MEMORY, wanted = settings->processors;
    size_t count = (size_t)(most < wanted ? most : wanted);
    const struct view *view = native->summary->view;
    int64_t at_us = window_start_of_day(&view->window, view->zone, native->day->day) * US_PER_SECOND;
    native->workers = calloc(count, sizeof *native->workers);
    if (!native->workers)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    while (native->worker_count < count) {
        struct native_worker *worker = &native->workers[native->worker_count++];
        worker->native = native;
        if (!row_decoder_init(&worker->decoder, view->schema, true, error))
            return false;
        if ((native->versions && !(worker->versions = part_writer_new(native->versions))) ||
            (native->members && !(worker->members = part_writer_new(native->members))))
            return error_set(error, ERROR_INTERNAL, "out of memory");
        day_groups_init(&worker->groups, native->summary, at_us, worker->members);
    }
    return true;
}

static bool open_day(struct native_day *native, struct error *error)
{
    struct summary_day *day = native->day;
    int64_t memory_bytes = day->settings->batch.memory_bytes;
    bool has_versions = native->summary->source->on_duplicate != ON_DUPLICATE_NONE;
    bool has_members = day_groups_need_members(native->summary->view);
    native->chunks = row_chunks_open(day->orders);
    if (has_versions) {
        version_form_init(&native->form, native->summary);
        native->versions = row_store_new(day->folder.spill, memory_bytes / VERSIONS_SHARE);
    }
    if (has_members)
        native->members = row_store_new(day->folder.spill, memory_bytes / MEMBERS_SHARE);
    if (!native->chunks || (has_versions && !native->versions) || (has_members && !native->members))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return make_workers(native, error);
}

static void close_day(struct native_day *native)
{
    for (size_t i = 0; i < native->worker_count; i++) {
        struct native_worker *worker = &native->workers[i];
        row_decoder_clean_up(&worker->decoder);
        day_groups_clean_up(&worker->groups);
        part_writer_destroy(worker->versions);
        part_writer_destroy(worker->members);
        buffer_clean_up(&worker->chunk.bytes);
        arena_clean_up(&worker->reasons);
        free(worker->chunks);
        free(worker->bad);
        free(worker->slots);
    }
    free(native->workers);
    row_chunks_close(native->chunks);
    row_store_destroy(native->versions);
    row_store_destroy(native->members);
    pthread_mutex_destroy(&native->lock);
}

static void tell_spilled(const struct native_day *native)
{
    int64_t bytes = (native->versions ? row_store_spilled(native->versions) : 0) +
                    (native->members ? row_store_spilled(native->members) : 0);
    if (bytes > 0)
        log_info("job %s, %s: %lld MiB didn't fit into batch.memory, and went through files", native->day->job->name,
                 native->day->date, (long long)(bytes >> 20));
}

/* All groups end up with the first worker. */
static bool add_up(struct native_day *native, struct error *error)
{
    struct day_groups *groups = &native->workers[0].groups;
    struct summary_day *day = native->day;
    for (size_t i = 1; i < native->worker_count; i++) {
        if (!day_groups_add_all(groups, &native->workers[i].groups, error))
            return false;
        day_groups_clean_up(&native->workers[i].groups);
        native->workers[i].groups = (struct day_groups){0};
    }
    day->rows = (int64_t)panes_count(&groups->cells);
    day->other_days = groups->other_days;
    for (size_t i = 0; i < panes_count(&groups->cells); i++)
        day->orders_counted += panes_get(&groups->cells, i).cell->count;
    return true;
}

/* DuckDB writes Parquet, and does nothing else here. */
static bool write_groups(const struct native_day *native, struct error *error)
{
    struct duckdb_session *session = NULL;
    const struct summary_day *day = native->day;
    bool done = duckdb_session_open(day->settings->batch.duckdb, day->folder.spill, &session, error) &&
                group_table_make(session, &native->workers[0].groups.cells, error) &&
                summary_table_write(session, day, error);
    duckdb_session_close(session);
    return done;
}

static bool check_files(const struct summary_day *day, struct error *error)
{
    const struct summary *summary = &day->job->summary;
    for (size_t i = 0; i < day->orders->count; i++)
        if (day->orders->files[i].format == LAKE_PARQUET)
            return error_set(error, ERROR_CONFIGURATION,
                             "%s:%zu:%zu: the engine native reads NDJSON and CSV, and %s is Parquet: say duckdb, or "
                             "leave \"engine\" out",
                             day->settings->path, summary->engine_location.line, summary->engine_location.column,
                             day->orders->files[i].path);
    return lake_folder_check(day->orders, summary->allow_empty, error) &&
           row_decoder_check_version(summary->version, &summary->source->schema, day->orders->path, error);
}

static bool make(struct summary_day *day, struct error *error)
{
    struct native_day native = {.day = day,
                                .summary = &day->job->summary,
                                .zone = day->job->summary.view->zone,
                                .end_us = shutdown_thread_end_us()};
    pthread_mutex_init(&native.lock, NULL);
    bool done = check_files(day, error) && open_day(&native, error) && native_day_read(&native, error) &&
                native_day_count(&native, error) && add_up(&native, error) && summary_day_is_worth_writing(day, error);
    tell_spilled(&native);
    if (done)
        crash_point("before_files");
    done = done && write_groups(&native, error);
    close_day(&native);
    return done;
}

const struct summary_engine native_summary_engine = {.name = "native", .make = make};
