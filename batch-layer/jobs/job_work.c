/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "batch_metrics.h"
#include "config/quantity.h"
#include "database/schema.h"
#include "jobs/archive.h"
#include "jobs/handed_days.h"
#include "jobs/query.h"
#include "jobs/summary.h"
#include "run/run.h"

#define RETRY_RUN ((struct retry){.first_ms = 1000, .ceiling_ms = 300000})
#define RETRY_WAIT ((struct retry){.first_ms = 1000, .ceiling_ms = 60000})

void job_work_init(struct job_work *work, const struct settings *settings, const struct job *job,
                   const struct job_run *run)
{
    *work = (struct job_work){.job = job, .record = {.settings = settings}, .run = *run, .rows = -1};
    work->end_us = clock_monotonic_us() + job->timeout_us;
}

void job_work_clean_up(struct job_work *work)
{
    batch_disconnect(&work->record);
}

/* --- What a job of each kind does -------------------------------------------------------------------------------- */

/* Every source gets its turn, whatever happens to the others; the error is that of the first. */
static bool publish_sources(struct job_work *work, struct error *error)
{
    bool done = true;
    for (size_t i = 0; i < work->job->source_count; i++) {
        struct error failure = {0};
        if (work->published >> i & 1)
            continue;
        if (run_source(work->publishing, work->job->sources[i], &failure)) {
            work->published |= UINT64_C(1) << i;
            continue;
        }
        if (!done)
            log_error("job %s: %s", work->job->name, failure.message);
        else
            *error = failure;
        done = false;
    }
    return done;
}

static void note_made(struct job_work *work, int64_t day, int64_t orders)
{
    if (work->made)
        work->made(work->context, day, orders);
}

static bool summarise(struct job_work *work, struct error *error)
{
    struct summary_result result;
    if (!summary_run(work->record.settings, work->job, work->run.day, &result, error))
        return false;
    work->rows = result.rows;
    note_made(work, work->run.day, result.orders);
    return true;
}

/* It notes itself which days it has taken, and hands them on. */
static bool archive_day(struct job_work *work, int64_t day, struct error *error)
{
    int64_t orders;
    if (!archive_run(work->record.settings, work->job, day, &orders, error))
        return false;
    note_made(work, day, orders);
    return true;
}

/* The day that is asked for, else those that it owes, the oldest first; one that fails stays owed, and after one whose
 * data is wrong the others are made all the same. */
static bool archive_days(struct job_work *work, struct error *error)
{
    int64_t *days = NULL;
    size_t count = 0;
    if (work->run.has_day)
        return archive_day(work, work->run.day, error);
    bool done = archive_owed_days(work->record.settings, work->job, &days, &count, error), goes_on = true;
    for (size_t i = 0; goes_on && i < count && !shutdown_requested(); i++) {
        struct error failure = {0};
        if (archive_day(work, days[i], &failure))
            continue;
        goes_on = failure.code == ERROR_DATA;
        if (done)
            *error = failure;
        done = false;
    }
    free(days);
    return done && shutdown_requested() ? error_set(error, ERROR_TRY_AGAIN, "a signal was first") : done;
}

/* What the record says that it read. */
static bool note_done(struct job_work *work, struct error *error)
{
    const struct job *job = work->job;
    const struct source *const archived[] = {job->archive.source};
    if (job->kind == JOB_ARCHIVE)
        return job_run_done(&work->record, &work->run, work->rows, archived, 1, error);
    return job_run_done(&work->record, &work->run, work->rows, job->sources, job->source_count, error);
}

/* The record, and the day that is handed on, in one transaction. */
static bool record_done(struct job_work *work, const struct handed_day *handed, struct error *error)
{
    if (work->is_unrecorded)
        return true;
    bool done =
        connection_execute(work->record.connection, "begin", error) && note_done(work, error) &&
        (work->job->kind != JOB_SUMMARISE || handed_day_take(&work->record, work->job, work->run.day, handed, error)) &&
        connection_execute(work->record.connection, "commit", error);
    if (!done)
        connection_roll_back(work->record.connection);
    return done;
}

static bool do_work(struct job_work *work, struct error *error)
{
    struct handed_day handed = {0};
    if (work->job->kind == JOB_QUERY)
        return query_run(&work->record, work->job, &work->run, &work->rows, error);
    if (work->job->kind == JOB_SUMMARISE && !work->is_unrecorded &&
        !handed_day_look(&work->record, work->job, work->run.day, &handed, error))
        return false;
    bool done = work->job->kind == JOB_PUBLISH   ? publish_sources(work, error)
                : work->job->kind == JOB_ARCHIVE ? archive_days(work, error)
                                                 : summarise(work, error);
    crash_point("before_job_done");
    done = done && (work->is_unrecorded || batch_connect(&work->record, error)) && record_done(work, &handed, error);
    handed_day_clean_up(&handed);
    return done;
}

/* --- Attempts ---------------------------------------------------------------------------------------------------- */

/* True with *ret_begun false where the run is over already; where it fails, that is false if another has the lock. */
static bool begin(struct job_work *work, bool *ret_begun, struct error *error)
{
    if (!batch_connect(&work->record, error) || !schema_migrate(&work->record, error))
        return false;
    if (!job_run_lock(&work->record, &work->run, error)) {
        *ret_begun = error->code != ERROR_TRY_AGAIN;
        return false;
    }
    bool done = job_run_begin(&work->record, &work->run, ret_begun, error);
    if (!done || !*ret_begun)
        job_run_unlock(&work->record, &work->run);
    return done;
}

/* What needs no PostgreSQL is done without, where somebody asks for it. */
static bool goes_without_record(const struct job_work *work, const struct error *error)
{
    bool is_away = error->code == ERROR_UNAVAILABLE || error->code == ERROR_PERMISSION;
    return is_away && work->run.id == 0 && work->job->kind == JOB_SUMMARISE && !shutdown_requested();
}

static bool time_is_up(const struct job_work *work)
{
    return clock_monotonic_us() >= work->end_us;
}

static bool tell_timeout(const struct job_work *work, struct error *error)
{
    struct buffer timeout = {0};
    char last[sizeof error->message];
    buffer_append_quantity(&timeout, work->job->timeout_us, duration_units);
    snprintf(last, sizeof last, "%s", error->message);
    error_set(error, ERROR_TRY_AGAIN, "took longer than its \"timeout\" of %s; at last: %s", buffer_string(&timeout),
              last);
    buffer_clean_up(&timeout);
    return false;
}

bool job_work_try(struct job_work *work, bool *ret_begun, struct error *error)
{
    *ret_begun = true;
    shutdown_end_thread_at(work->end_us);
    bool done = begin(work, ret_begun, error);
    if (!done && *ret_begun && goes_without_record(work, error)) {
        log_warning("job %s: this run isn't recorded: %s", work->job->name, error->message);
        work->is_unrecorded = done = true;
    }
    if (done && *ret_begun) {
        log_info("job %s begins", work->job->name);
        crash_point("after_job_begin");
        done = do_work(work, error);
        crash_point("after_job_done");
        job_run_unlock(&work->record, &work->run);
    }
    shutdown_end_thread_at(0);
    return done || (time_is_up(work) && !shutdown_requested() ? tell_timeout(work, error) : false);
}

void job_work_fail(struct job_work *work, const struct error *reason)
{
    struct retry retry = RETRY_WAIT;
    struct error error = {0};
    if (work->is_unrecorded || work->run.id == 0)
        return;
    while (!batch_connect(&work->record, &error) ||
           !job_run_failed(&work->record, &work->run, reason->message, &error)) {
        if (!error_is_retriable(&error) || !retry_sleep(&retry)) {
            log_warning("job %s: that it failed isn't recorded: %s", work->job->name, error.message);
            return;
        }
    }
}

/* Says in the record why the run is tried again; where that can't be, the log has it. */
static void note_reason(struct job_work *work, const struct error *reason)
{
    struct error error = {0};
    if (!batch_connect(&work->record, &error) ||
        !job_run_set(&work->record, work->run.id, "running", reason->message, &error))
        log_warning("job %s: %s", work->job->name, error.message);
}

/* Sleeps before the next attempt; false where there is none. */
static bool waits(struct job_work *work, struct retry *failures, struct retry *hindrances, const struct error *reason)
{
    bool is_hindered = error_is_retriable(reason);
    bool again = !time_is_up(work) && reason->code != ERROR_HELD &&
                 (is_hindered || failures->attempts < (unsigned)work->job->retries);
    if (!again)
        return false;
    log_warning("job %s: %s; trying again", work->job->name, reason->message);
    if (work->hindered)
        work->hindered(work->context, reason);
    note_reason(work, reason);
    shutdown_end_thread_at(work->end_us);
    bool slept = retry_sleep(is_hindered ? hindrances : failures);
    shutdown_end_thread_at(0);
    return slept || !shutdown_requested();
}

bool job_work_run(struct job_work *work, bool *ret_over, struct error *error)
{
    struct retry failures = RETRY_RUN, hindrances = RETRY_WAIT;
    *ret_over = false;
    for (;;) {
        bool begun;
        *error = (struct error){0};
        if (job_work_try(work, &begun, error)) {
            *ret_over = begun;
            return true;
        }
        if (shutdown_requested() || !begun)
            return false;
        if (waits(work, &failures, &hindrances, error))
            continue;
        if (shutdown_requested())
            return false;
        job_work_fail(work, error);
        *ret_over = true;
        return false;
    }
}
