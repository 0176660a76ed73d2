/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "batch_metrics.h"
#include "http/monitor.h"
#include "jobs/archive.h"
#include "jobs/schedule_health.h"
#include "jobs/summary.h"
#include "publication/publisher.h"
#include "run/run.h"

#define LOOK_EVERY_MS 5000 /* the wall clock may be set while we sleep */

struct scheduler {
    struct batch *batch;
    int64_t *due_s; /* one a job, seconds since 1970 */
    struct schedule_health health;
};

static int64_t now_s(void)
{
    return clock_wall_us() / US_PER_SECOND;
}

static const struct job *job_of(const struct scheduler *scheduler, size_t number)
{
    return &scheduler->batch->settings->jobs[number];
}

/* A job without a schedule is never due. */
static int64_t next_due_s(const struct scheduler *scheduler, size_t number)
{
    if (!job_of(scheduler, number)->has_schedule)
        return INT64_MAX;
    return schedule_next(&job_of(scheduler, number)->schedule, scheduler->batch->settings->zone, now_s());
}

/* What was due while nobody was there is still due; a time that lies ahead follows from the cron line of today. */
static bool read_due(struct scheduler *scheduler, size_t number, struct error *error)
{
    struct batch *batch = scheduler->batch;
    int64_t due_s = INT64_MAX;
    if (!batch->publisher->read_due(batch, job_of(scheduler, number)->name, &due_s, error))
        return false;
    bool was_missed = job_of(scheduler, number)->has_schedule && due_s <= now_s();
    scheduler->due_s[number] = was_missed ? due_s : next_due_s(scheduler, number);
    return true;
}

static bool write_due(struct scheduler *scheduler, size_t number, struct error *error)
{
    struct batch *batch = scheduler->batch;
    int64_t due_s = scheduler->due_s[number];
    return due_s == INT64_MAX || batch->publisher->write_due(batch, job_of(scheduler, number)->name, due_s, error);
}

static void note_due(const struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->batch->settings->job_count; i++)
        batch_note_job(scheduler->batch, job_of(scheduler, i)->name, scheduler->due_s[i]);
}

static bool begin(struct scheduler *scheduler, struct error *error)
{
    if (!scheduler->batch->publisher->connect(scheduler->batch, error))
        return false;
    for (size_t i = 0; i < scheduler->batch->settings->job_count; i++)
        if (!read_due(scheduler, i, error) || !write_due(scheduler, i, error))
            return false;
    note_due(scheduler);
    schedule_health_waits(&scheduler->health, NULL);
    return true;
}

/* The day before that on which the job was due. */
static int64_t business_day(const struct scheduler *scheduler, size_t number)
{
    return date_of(scheduler->batch->settings->zone, scheduler->due_s[number]) - 1;
}

/* The days that it owes, the oldest first; one that fails stays owed. */
static bool run_archive(const struct settings *settings, const struct job *job, struct error *error)
{
    int64_t *days = NULL, orders;
    size_t count = 0;
    bool done = archive_owed_days(settings, job, &days, &count, error);
    for (size_t i = 0; done && i < count; i++)
        done = archive_run(settings, job, days[i], &orders, error);
    free(days);
    return done;
}

/* One source of a job that publishes; a job by days as a whole, where `source` is NULL. */
static bool run_part(struct scheduler *scheduler, size_t number, const struct source *source, struct error *error)
{
    int64_t orders;
    const struct settings *settings = scheduler->batch->settings;
    const struct job *job = job_of(scheduler, number);
    if (source)
        return run_source(scheduler->batch, source, error);
    return job->kind == JOB_ARCHIVE ? run_archive(settings, job, error)
                                    : summary_run(settings, job, business_day(scheduler, number), &orders, error);
}

/* A part of a job, again and again while what hinders it can pass, until the job is due anew. False where it failed in
 * the end. */
static bool run_until_done(struct scheduler *scheduler, size_t number, const struct source *source)
{
    struct retry retry = {.first_ms = 1000, .ceiling_ms = 60000};
    int64_t until_s = next_due_s(scheduler, number);
    while (!shutdown_requested()) {
        struct error error = {0};
        if (run_part(scheduler, number, source, &error))
            return true;
        if (shutdown_requested())
            break;
        schedule_health_job(&scheduler->health, number, &error);
        bool again = error_is_retriable(&error) && now_s() < until_s;
        if (!again) {
            log_error("job %s: %s", job_of(scheduler, number)->name, error.message);
            return false;
        }
        log_warning("job %s: %s; trying again", job_of(scheduler, number)->name, error.message);
        if (!retry_sleep(&retry))
            break;
    }
    return false;
}

static void run_job(struct scheduler *scheduler, size_t number)
{
    const struct job *job = job_of(scheduler, number);
    struct error error = {0};
    log_info("job %s begins", job->name);
    int failed = 0;
    if (job->kind != JOB_PUBLISH)
        failed += !run_until_done(scheduler, number, NULL);
    for (size_t i = 0; i < job->source_count; i++)
        failed += !run_until_done(scheduler, number, job->sources[i]);
    if (shutdown_requested()) /* it stays due */
        return;
    if (!failed)
        schedule_health_job(&scheduler->health, number, NULL);
    batch_note_job_run(scheduler->batch, job->name, failed > 0);
    scheduler->due_s[number] = next_due_s(scheduler, number);
    if (!batch_connect(scheduler->batch, &error) || !write_due(scheduler, number, &error))
        log_warning("job %s: when it is next due isn't noted: %s", job->name, error.message);
}

/* The job that is due first. */
static size_t first_due(const struct scheduler *scheduler)
{
    size_t first = 0;
    for (size_t i = 1; i < scheduler->batch->settings->job_count; i++)
        if (scheduler->due_s[i] < scheduler->due_s[first])
            first = i;
    return first;
}

/* A wall clock that was set back brings forward what was noted as due while it was ahead. */
static void follow_clock(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->batch->settings->job_count; i++) {
        int64_t due_s = next_due_s(scheduler, i);
        if (due_s < scheduler->due_s[i])
            scheduler->due_s[i] = due_s;
    }
}

/* What the last runs replaced, a minute later. */
static void sweep(const struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->batch->settings->job_count; i++)
        if (job_folder(job_of(scheduler, i)))
            summary_sweep(job_of(scheduler, i), date_of(scheduler->batch->settings->zone, now_s()) - 1);
}

static void run_jobs(struct scheduler *scheduler)
{
    while (!shutdown_requested()) {
        sweep(scheduler);
        follow_clock(scheduler);
        note_due(scheduler);
        size_t next = first_due(scheduler);
        int64_t wait_s = scheduler->due_s[next] == INT64_MAX ? LOOK_EVERY_MS : scheduler->due_s[next] - now_s();
        if (wait_s <= 0)
            run_job(scheduler, next);
        else
            shutdown_sleep(wait_s < LOOK_EVERY_MS / 1000 ? wait_s * 1000 : LOOK_EVERY_MS);
    }
}

static void append_hindrances(void *context, struct buffer *out)
{
    struct scheduler *scheduler = context;
    schedule_health_append_hindrances(&scheduler->health, out);
}

struct monitor_place scheduler_place(const struct settings *settings)
{
    return (struct monitor_place){"tidemark-batch", settings->path, {settings->batch.host, settings->batch.port}};
}

/* The default place is for convenience: where it can't be had, the work goes on without. */
static bool start_monitor(struct scheduler *scheduler, struct monitor **ret_monitor, struct error *error)
{
    const struct monitor_place place = scheduler_place(scheduler->batch->settings);
    const struct health health = {
        .append_hindrances = append_hindrances, .metrics = scheduler->batch->metrics, .context = scheduler};
    if (monitor_start(&place, &health, ret_monitor, error)) {
        log_info("metrics at %s", monitor_address(*ret_monitor));
        return true;
    }
    if (place.address.host)
        return false;
    log_warning("without probes and metrics: %s", error->message);
    return true;
}

/* Something is down, or somebody must give a password or a right: then it begins by itself. */
static bool waiting_helps(const struct error *problem)
{
    return error_is_retriable(problem) || problem->code == ERROR_PERMISSION;
}

/* Says it where it is another reason than the one before. */
static void note_wait(struct scheduler *scheduler, const struct error *problem, struct error *said)
{
    schedule_health_waits(&scheduler->health, problem);
    if (strcmp(problem->message, said->message) == 0)
        return;
    if (error_is_retriable(problem))
        log_warning("%s; trying again", problem->message);
    else
        log_error("%s; trying again", problem->message);
    *said = *problem;
}

/* False where it can't begin, and waiting doesn't help; true also where a shutdown came first. */
static bool begin_patiently(struct scheduler *scheduler, struct error *error)
{
    struct retry retry = RETRY_DEPENDENCY;
    struct error problem = {0}, said = {0};
    while (!begin(scheduler, &problem)) {
        if (!waiting_helps(&problem)) {
            *error = problem;
            return false;
        }
        note_wait(scheduler, &problem, &said);
        if (!retry_sleep(&retry))
            return true;
        batch_disconnect(scheduler->batch);
    }
    if (said.code)
        log_info("the schedule begins");
    return true;
}

bool scheduler_run(struct batch *batch, struct error *error)
{
    size_t count = batch->settings->job_count;
    if (count == 0)
        return error_set(error, ERROR_CONFIGURATION, "there are no jobs: in the configuration");
    struct scheduler scheduler = {.batch = batch, .due_s = calloc(count, sizeof *scheduler.due_s)};
    struct monitor *monitor = NULL;
    if (!scheduler.due_s)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done =
        schedule_health_init(&scheduler.health, batch->settings, error) && start_monitor(&scheduler, &monitor, error);
    if (done)
        notify_ready();
    done = done && begin_patiently(&scheduler, error);
    if (done && !shutdown_requested())
        run_jobs(&scheduler);
    notify_ending();
    monitor_stop(monitor);
    schedule_health_clean_up(&scheduler.health);
    free(scheduler.due_s);
    return done || shutdown_requested();
}
