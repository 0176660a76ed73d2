/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "jobs/handed_days.h"
#include "jobs/timetable.h"

/* Floors, as cron lines are of whole minutes. */
static int64_t seconds_of(int64_t us)
{
    return us / US_PER_SECOND;
}

static const struct zone *zone_of(const struct batch *batch)
{
    return batch->settings->zone;
}

/* Where runs become due: those of one job, at one time. */
struct due {
    struct batch *batch;
    const struct job *job;
    int64_t due_us;
};

static bool add_day(void *context, int64_t day, struct error *error)
{
    const struct due *due = context;
    return job_run_add(due->batch, due->job->name, due->due_us, &day, error);
}

/* The days of the times of `schedule` after `after_s` and up to that at which the runs are due, as far as is caught up;
 * that of the latest in any case. */
static bool add_days(struct due *due, const struct schedule *schedule, int64_t after_s, int64_t now_s,
                     struct error *error)
{
    const struct zone *zone = zone_of(due->batch);
    int64_t due_s = seconds_of(due->due_us), reach_s = now_s - seconds_of(due->job->catch_up_us);
    if (schedule && due->job->catch_up_us > 0 &&
        !timetable_visit_days(schedule, zone, after_s > reach_s ? after_s : reach_s, due_s - 1, add_day, due, error))
        return false;
    return add_day(due, business_day(zone, due_s), error);
}

/* --- By the clock ------------------------------------------------------------------------------------------------ */

static bool add_missed(struct batch *batch, const struct job *job, int64_t first_s, int64_t now_s, struct error *error)
{
    int64_t latest_s = timetable_latest(&job->schedule, zone_of(batch), first_s, now_s);
    struct due due = {batch, job, (latest_s == INT64_MIN ? first_s : latest_s) * US_PER_SECOND};
    return job_has_days(job) ? add_days(&due, &job->schedule, first_s - 1, now_s, error)
                             : job_run_add(batch, job->name, due.due_us, NULL, error);
}

/* What was due while nobody was there is still due; a time that lies ahead follows from the cron line of today. */
static bool follow_clock(struct batch *batch, const struct job *job, int64_t now_s, int64_t *ret_next_us,
                         struct error *error)
{
    int64_t noted_us = INT64_MAX, next_s = schedule_next(&job->schedule, zone_of(batch), now_s);
    if (!job_position_read(batch, job->name, &noted_us, NULL, error) ||
        (seconds_of(noted_us) <= now_s && !add_missed(batch, job, seconds_of(noted_us), now_s, error)))
        return false;
    *ret_next_us = next_s == INT64_MAX ? INT64_MAX : next_s * US_PER_SECOND;
    return next_s == INT64_MAX || noted_us == *ret_next_us ||
           job_position_write(batch, job->name, ret_next_us, NULL, error);
}

/* --- After others ------------------------------------------------------------------------------------------------ */

struct following {
    struct due due;
    int64_t followed_us; /* runs that were due until then are followed */
    int64_t next_us;     /* the earliest time after it at which each job before has had a run; INT64_MAX: none */
    size_t before;       /* which of them is looked at */
    int64_t first_us;    /* its first run since */
    int64_t now_us;      /* what is due later was noted by a clock that went ahead */
};

static bool take_first(void *context, const struct job_run *run, struct error *error)
{
    struct following *following = context;
    (void)error;
    if (following->first_us == INT64_MAX && run->due_us <= following->now_us)
        following->first_us = run->due_us;
    return true;
}

/* The latest of the first runs since. */
static bool find_next(struct following *following, struct error *error)
{
    const struct job *job = following->due.job;
    following->next_us = following->followed_us;
    for (size_t i = 0; i < job->after_count; i++) {
        following->first_us = INT64_MAX;
        if (!job_runs_since(following->due.batch, job->after[i]->name, following->followed_us, take_first, following,
                            error))
            return false;
        if (following->first_us > following->next_us)
            following->next_us = following->first_us;
    }
    return true;
}

static bool take_its_day(void *context, const struct job_run *run, struct error *error)
{
    const struct following *following = context;
    return run->due_us > following->due.due_us || add_day((void *)(uintptr_t)&following->due, run->day, error);
}

/* The days of the jobs before, and where one is of no day, the day before. */
static bool add_followed_days(struct following *following, struct error *error)
{
    const struct job *job = following->due.job;
    for (size_t i = 0; i < job->after_count; i++) {
        const struct job *before = job->after[i];
        bool done = job_has_days(before)
                        ? job_runs_since(following->due.batch, before->name, following->followed_us, take_its_day,
                                         following, error)
                        : add_days(&following->due, before->has_schedule ? &before->schedule : NULL,
                                   seconds_of(following->followed_us), seconds_of(following->now_us), error);
        if (!done)
            return false;
    }
    return true;
}

/* One run, or one a day, for each round of the jobs before; what came before this job was first seen isn't followed. */
static bool follow_others(struct batch *batch, const struct job *job, int64_t now_us, struct error *error)
{
    struct following following = {.due = {.batch = batch, .job = job}, .followed_us = INT64_MAX, .now_us = now_us};
    if (!job_position_read(batch, job->name, NULL, &following.followed_us, error))
        return false;
    if (following.followed_us > now_us) /* for the first time, or the clock was set back */
        return job_position_write(batch, job->name, NULL, &now_us, error);
    while (find_next(&following, error)) {
        if (following.next_us == INT64_MAX)
            return true;
        following.due.due_us = following.next_us;
        bool done = job_has_days(job) ? add_followed_days(&following, error)
                                      : job_run_add(batch, job->name, following.next_us, NULL, error);
        if (!done || !job_position_write(batch, job->name, NULL, &following.next_us, error))
            return false;
        following.followed_us = following.next_us;
    }
    return false;
}

/* --- What may begin ---------------------------------------------------------------------------------------------- */

bool plan_hindered(struct batch *batch, const struct job *job, int64_t due_us, enum plan_hindrance *ret_hindrance,
                   const char **ret_job, struct error *error)
{
    *ret_hindrance = PLAN_FREE;
    for (size_t i = 0; i < job->after_count && *ret_hindrance != PLAN_WAITS; i++) {
        bool is_open, has_failed;
        if (!job_runs_outcome(batch, job->after[i]->name, due_us, &is_open, &has_failed, error))
            return false;
        if (is_open || (has_failed && *ret_hindrance == PLAN_FREE)) {
            *ret_hindrance = is_open ? PLAN_WAITS : PLAN_SKIPPED;
            *ret_job = job->after[i]->name;
        }
    }
    return true;
}

struct looking {
    struct job_plan *plan;
    struct batch *batch;
    const struct job *job;
    int64_t now_us, latest_us; /* the latest time that the job was due, as far as is known */
    int64_t oldest_us;         /* the oldest of its runs that isn't over */
};

static bool append_ready(struct job_plan *plan, const struct job *job, const struct job_run *run, struct error *error)
{
    if (plan->ready_count == plan->ready_capacity) {
        size_t capacity = plan->ready_capacity ? plan->ready_capacity * 2 : 16;
        struct plan_run *ready = realloc(plan->ready, capacity * sizeof *ready);
        if (!ready)
            return error_set(error, ERROR_INTERNAL, "out of memory");
        plan->ready = ready;
        plan->ready_capacity = capacity;
    }
    struct plan_run *added = &plan->ready[plan->ready_count++];
    *added = (struct plan_run){.job = job,
                               .run = {.id = run->id,
                                       .job = job->name,
                                       .due_us = run->due_us,
                                       .has_day = run->has_day,
                                       .day = run->day,
                                       .attempt = run->attempt}};
    return true;
}

/* A skipped run stays so where a later one was due, or where it is older than is caught up. */
static bool is_past(const struct looking *looking, const struct job_run *run)
{
    int64_t catch_up_us = looking->job->catch_up_us;
    return strcmp(run->state, "skipped") == 0 &&
           (catch_up_us > 0 ? run->due_us < looking->now_us - catch_up_us : run->due_us < looking->latest_us);
}

static bool judge(void *context, const struct job_run *run, struct error *error)
{
    struct looking *looking = context;
    bool is_skipped = strcmp(run->state, "skipped") == 0, is_free = true;
    enum plan_hindrance hindrance;
    const char *name = NULL;
    char reason[2 * NAME_MAX_BYTES];
    if (is_past(looking, run))
        return true;
    if (strcmp(run->state, "running") == 0) {
        looking->oldest_us = run->due_us < looking->oldest_us ? run->due_us : looking->oldest_us;
        return job_run_is_free(looking->batch, run, &is_free, error) &&
               (!is_free || append_ready(looking->plan, looking->job, run, error));
    }
    if (!plan_hindered(looking->batch, looking->job, run->due_us, &hindrance, &name, error))
        return false;
    snprintf(reason, sizeof reason, "waits for %s", name ? name : "");
    if (hindrance == PLAN_SKIPPED)
        return job_run_set(looking->batch, run->id, "skipped", reason, error);
    looking->oldest_us = run->due_us < looking->oldest_us ? run->due_us : looking->oldest_us;
    if (hindrance == PLAN_WAITS)
        return job_run_set(looking->batch, run->id, "due", reason, error);
    return (!is_skipped || job_run_set(looking->batch, run->id, "due", NULL, error)) &&
           append_ready(looking->plan, looking->job, run, error);
}

static bool take_latest(void *context, const struct job_run *run, struct error *error)
{
    int64_t *latest_us = context;
    (void)error;
    *latest_us = run->due_us;
    return true;
}

static bool take_handed(void *context, const struct job_run *run, struct error *error)
{
    const struct looking *looking = context;
    struct due due = {looking->batch, looking->job, run->due_us};
    enum plan_hindrance hindrance;
    const char *name;
    return plan_hindered(looking->batch, looking->job, run->due_us, &hindrance, &name, error) &&
           (hindrance != PLAN_FREE || handed_days_visit(looking->batch, looking->job, add_day, &due, error));
}

/* The runs that aren't over; before that, those of the days that were handed on join what is due. */
static bool judge_runs(struct job_plan *plan, struct batch *batch, const struct job *job, int64_t now_us,
                       int64_t *next_us, struct error *error)
{
    struct looking looking = {plan, batch, job, now_us, INT64_MIN, *next_us};
    bool done = job_runs_last(batch, job->name, 1, take_latest, &looking.latest_us, error) &&
                (!job_takes_handed_days(job) || job_runs_open(batch, job->name, take_handed, &looking, error)) &&
                job_runs_open(batch, job->name, judge, &looking, error);
    *next_us = looking.oldest_us;
    return done;
}

static bool look_at(struct job_plan *plan, struct batch *batch, int64_t now_us, struct error *error)
{
    const struct settings *settings = batch->settings;
    for (size_t i = 0; i < settings->job_count; i++) {
        plan->next_us[i] = INT64_MAX;
        if (settings->jobs[i].has_schedule &&
            !follow_clock(batch, &settings->jobs[i], seconds_of(now_us), &plan->next_us[i], error))
            return false;
    }
    /* Whatever the order in which they stand in the file, each comes after those it follows. */
    for (size_t round = 0; round < settings->job_depth; round++)
        for (size_t i = 0; i < settings->job_count; i++)
            if (settings->jobs[i].depth == round + 1 && !settings->jobs[i].has_schedule &&
                !follow_others(batch, &settings->jobs[i], now_us, error))
                return false;
    for (size_t i = 0; i < settings->job_count; i++)
        if (!judge_runs(plan, batch, &settings->jobs[i], now_us, &plan->next_us[i], error))
            return false;
    return true;
}

static int by_due(const void *a, const void *b)
{
    const struct plan_run *first = a, *second = b;
    if (first->run.due_us != second->run.due_us)
        return first->run.due_us < second->run.due_us ? -1 : 1;
    if (first->run.day != second->run.day)
        return first->run.day < second->run.day ? -1 : 1;
    return (first->run.id > second->run.id) - (first->run.id < second->run.id);
}

bool plan_look(struct job_plan *plan, struct batch *batch, int64_t now_us, struct error *error)
{
    plan->ready_count = 0;
    if (!plan->next_us)
        plan->next_us = calloc(batch->settings->job_count + 1, sizeof *plan->next_us);
    if (!plan->next_us)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = job_runs_begin(batch, error) && look_at(plan, batch, now_us, error) && job_runs_commit(batch, error);
    if (!done)
        connection_roll_back(batch->connection);
    else if (plan->ready_count > 1)
        qsort(plan->ready, plan->ready_count, sizeof *plan->ready, by_due);
    return done;
}

void plan_clean_up(struct job_plan *plan)
{
    free(plan->next_us);
    free(plan->ready);
    *plan = (struct job_plan){0};
}
