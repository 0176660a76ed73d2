/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/scheduler.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/retry.h"
#include "base/shutdown.h"
#include "batch_metrics.h"
#include "config/statement.h"
#include "http/monitor.h"
#include "jobs/job_work.h"
#include "jobs/plan.h"
#include "jobs/query.h"
#include "jobs/wanted.h"
#include "jobs/schedule_health.h"
#include "jobs/summary.h"
#include "jobs/timetable.h"
#include "publication/publisher.h"
#include "run/run.h"

#define LOOK_EVERY_US (5 * US_PER_SECOND)   /* at the record: others may run jobs too, and the wall clock may be set */
#define GLANCE_MS 100                       /* at the threads, while some are at work */
#define EARLY_EVERY_US (60 * US_PER_SECOND) /* that a job publishes before it is due, at most */
#define SWEEP_US (120 * US_PER_SECOND)      /* what a run replaced is gone after that */

/* A job has one run at a time, in a thread of its own. */
struct job_slot {
    struct scheduler *scheduler;
    const struct job *job;
    struct job_run run;
    pthread_t thread;
    bool is_taken;                    /* known to the scheduler's thread only */
    atomic_bool is_over;              /* the thread has nothing more to do */
    int64_t sweep_until_us;           /* 0: there is nothing to be removed */
    int64_t early_at_us;              /* not before that it publishes because a slot needs room */
    atomic_llong first_day, last_day; /* beside the folders of which there may be; none where the first is later */
};

struct scheduler {
    struct batch *batch; /* with Kafka and Redis; of whoever publishes */
    struct batch record; /* PostgreSQL alone, for the plan */
    struct job_slot *slots;
    struct job_plan plan;
    struct schedule_health health;
};

static size_t job_count(const struct scheduler *scheduler)
{
    return scheduler->batch->settings->job_count;
}

/* --- Threads ----------------------------------------------------------------------------------------------------- */

/* NULL: nothing hinders it. */
static void note_hindrance(void *context, const struct error *reason)
{
    const struct job_slot *slot = context;
    struct scheduler *scheduler = slot->scheduler;
    schedule_health_job(&scheduler->health, (size_t)(slot->job - scheduler->batch->settings->jobs), reason);
}

static void note_over(struct job_slot *slot, bool done, const struct error *error)
{
    note_hindrance(slot, done ? NULL : error);
    if (!done)
        log_error("job %s: %s", slot->job->name, error->message);
}

static void forget_days(struct job_slot *slot)
{
    atomic_store(&slot->first_day, INT64_MAX);
    atomic_store(&slot->last_day, INT64_MIN);
}

static void note_made(void *context, int64_t day, int64_t orders)
{
    struct job_slot *slot = context;
    (void)orders;
    if (day < atomic_load(&slot->first_day))
        atomic_store(&slot->first_day, day);
    if (day > atomic_load(&slot->last_day))
        atomic_store(&slot->last_day, day);
}

static void *work(void *context)
{
    struct job_slot *slot = context;
    struct scheduler *scheduler = slot->scheduler;
    struct job_work work;
    struct error error = {0};
    bool over;
    int64_t begun_us = clock_monotonic_us();
    job_work_init(&work, scheduler->batch->settings, slot->job, &slot->run);
    work.publishing = slot->job->kind == JOB_PUBLISH ? scheduler->batch : NULL;
    work.hindered = note_hindrance;
    work.made = note_made;
    work.context = slot;
    bool done = job_work_run(&work, &over, &error);
    if (over) {
        note_over(slot, done, &error);
        batch_note_job_run(scheduler->batch, slot->job->name, done, work.rows, begun_us);
    } else if (!done && !shutdown_requested()) {
        log_warning("job %s can't begin: %s; trying again", slot->job->name, error.message);
    }
    job_work_clean_up(&work);
    atomic_store(&slot->is_over, true);
    return NULL;
}

static void start(struct job_slot *slot, const struct job_run *run)
{
    slot->run = *run;
    atomic_store(&slot->is_over, false);
    slot->is_taken = pthread_create(&slot->thread, NULL, work, slot) == 0;
    if (!slot->is_taken)
        log_warning("job %s: no thread can be made for it; trying again", slot->job->name);
}

/* True where a run has ended since it was last asked. */
static bool join_ended(struct scheduler *scheduler)
{
    bool any = false;
    for (size_t i = 0; i < job_count(scheduler); i++) {
        struct job_slot *slot = &scheduler->slots[i];
        if (!slot->is_taken || !atomic_load(&slot->is_over))
            continue;
        pthread_join(slot->thread, NULL);
        slot->is_taken = false;
        any = true;
    }
    return any;
}

static void join_all(struct scheduler *scheduler)
{
    for (size_t i = 0; i < job_count(scheduler); i++)
        if (scheduler->slots[i].is_taken)
            pthread_join(scheduler->slots[i].thread, NULL);
}

/* --- What may run side by side ----------------------------------------------------------------------------------- */

/* Folders that one writes and the other reads are exchanged as a whole, and are no hindrance. Those that publish share
 * what they are connected to. */
static bool touch_the_same(const struct job *a, const struct job *b)
{
    bool publish = a->kind == JOB_PUBLISH && b->kind == JOB_PUBLISH;
    return publish || (a->query.table && b->query.table && table_names_may_meet(a->query.table, b->query.table));
}

static bool may_start(const struct scheduler *scheduler, const struct job *job)
{
    for (size_t i = 0; i < job_count(scheduler); i++) {
        const struct job_slot *slot = &scheduler->slots[i];
        if (slot->is_taken && (slot->job == job || touch_the_same(slot->job, job)))
            return false;
    }
    return true;
}

static void start_ready(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->plan.ready_count; i++) {
        const struct plan_run *ready = &scheduler->plan.ready[i];
        struct job_slot *slot = &scheduler->slots[ready->job - scheduler->batch->settings->jobs];
        if (may_start(scheduler, ready->job))
            start(slot, &ready->run);
    }
}

/* A job that publishes does so at once where a slot of its sources needs room. Nobody else uses Redis then. */
static void start_for_slot(struct scheduler *scheduler, struct job_slot *slot)
{
    const struct job *job = slot->job;
    for (size_t i = 0; i < job->source_count; i++) {
        if (!publication_is_wanted(&scheduler->record, scheduler->batch->realtime, job->sources[i]))
            continue;
        log_info("job %s: a partition of %s holds half of what it may before it is published: publishing at once",
                 job->name, job->sources[i]->name);
        slot->early_at_us = clock_monotonic_us() + EARLY_EVERY_US;
        start(slot, &(struct job_run){.job = job->name, .due_us = clock_wall_us()});
        return;
    }
}

static void start_where_publication_is_wanted(struct scheduler *scheduler)
{
    for (size_t i = 0; i < job_count(scheduler); i++) {
        struct job_slot *slot = &scheduler->slots[i];
        if (slot->job->kind == JOB_PUBLISH && clock_monotonic_us() >= slot->early_at_us &&
            may_start(scheduler, slot->job))
            start_for_slot(scheduler, slot);
    }
}

/* --- The schedule ------------------------------------------------------------------------------------------------ */

/* What the last runs replaced, a minute later. */
static void sweep(struct scheduler *scheduler)
{
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < job_count(scheduler); i++) {
        struct job_slot *slot = &scheduler->slots[i];
        int64_t first_day = atomic_load(&slot->first_day), last_day = atomic_load(&slot->last_day);
        if (first_day > last_day)
            continue;
        for (int64_t day = first_day; day <= last_day; day++)
            summary_sweep(slot->job, day);
        if (slot->is_taken || slot->sweep_until_us == 0) {
            slot->sweep_until_us = now_us + SWEEP_US;
        } else if (now_us > slot->sweep_until_us) {
            forget_days(slot);
            slot->sweep_until_us = 0;
        }
    }
}

static bool look(struct scheduler *scheduler, struct error *error)
{
    if (!batch_connect(&scheduler->record, error) ||
        !plan_look(&scheduler->plan, &scheduler->record, clock_wall_us(), error))
        return false;
    for (size_t i = 0; i < job_count(scheduler); i++)
        batch_note_job(scheduler->batch, scheduler->slots[i].job->name, scheduler->plan.next_us[i]);
    start_ready(scheduler);
    start_where_publication_is_wanted(scheduler);
    return true;
}

/* Microseconds until a job is due by the clock, or until it is time to look in any case. */
static int64_t until_next_look(const struct scheduler *scheduler)
{
    int64_t now_us = clock_wall_us(), wait_us = LOOK_EVERY_US;
    for (size_t i = 0; i < job_count(scheduler); i++) {
        int64_t left_us = scheduler->plan.next_us[i] - now_us;
        wait_us = left_us > 0 && left_us < wait_us ? left_us : wait_us;
    }
    return wait_us;
}

/* Until it is time, a run has ended, or a shutdown is requested. */
static void rest(struct scheduler *scheduler)
{
    int64_t until_us = clock_monotonic_us() + until_next_look(scheduler);
    while (!join_ended(scheduler)) {
        int64_t left_ms = (until_us - clock_monotonic_us()) / 1000;
        if (left_ms < 0 || !shutdown_sleep(left_ms < GLANCE_MS ? left_ms + 1 : GLANCE_MS))
            return;
    }
}

static void run_jobs(struct scheduler *scheduler)
{
    struct retry retry = RETRY_DEPENDENCY;
    while (!shutdown_requested()) {
        struct error error = {0};
        sweep(scheduler);
        if (look(scheduler, &error)) {
            retry_succeeded(&retry);
            schedule_health_waits(&scheduler->health, NULL);
            rest(scheduler);
        } else if (!shutdown_requested()) {
            schedule_health_waits(&scheduler->health, &error);
            if (retry.attempts == 0)
                log_warning("%s; trying again", error.message);
            retry_sleep(&retry);
        }
    }
    join_all(scheduler);
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
    while (!scheduler->batch->publisher->connect(&scheduler->record, &problem)) {
        if (!waiting_helps(&problem)) {
            *error = problem;
            return false;
        }
        note_wait(scheduler, &problem, &said);
        if (!retry_sleep(&retry))
            return true;
        batch_disconnect(&scheduler->record);
    }
    if (said.code)
        log_info("the schedule begins");
    return true;
}

static bool make_slots(struct scheduler *scheduler, struct error *error)
{
    const struct settings *settings = scheduler->batch->settings;
    scheduler->slots = calloc(settings->job_count, sizeof *scheduler->slots);
    if (!scheduler->slots)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < settings->job_count; i++) {
        scheduler->slots[i].scheduler = scheduler;
        scheduler->slots[i].job = &settings->jobs[i];
        forget_days(&scheduler->slots[i]);
        query_warn(&settings->jobs[i]);
    }
    return true;
}

bool scheduler_run(struct batch *batch, struct error *error)
{
    if (batch->settings->job_count == 0)
        return error_set(error, ERROR_CONFIGURATION, "there are no jobs: in the configuration");
    struct scheduler scheduler = {.batch = batch,
                                  .record = {.settings = batch->settings, .publisher = batch->publisher}};
    struct monitor *monitor = NULL;
    bool done = make_slots(&scheduler, error) && schedule_health_init(&scheduler.health, batch->settings, error) &&
                start_monitor(&scheduler, &monitor, error);
    if (done)
        notify_ready();
    done = done && begin_patiently(&scheduler, error);
    if (done && !shutdown_requested())
        run_jobs(&scheduler);
    notify_ending();
    monitor_stop(monitor);
    schedule_health_clean_up(&scheduler.health);
    plan_clean_up(&scheduler.plan);
    batch_disconnect(&scheduler.record);
    free(scheduler.slots);
    return done || shutdown_requested();
}
