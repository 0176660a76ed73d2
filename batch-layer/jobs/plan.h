/* SPDX-License-Identifier: Apache-2.0
 * What is due: one look of a schedule at the clock and at the record of runs. It records each run that has become due,
 * by its cron line or because the jobs before it have one, and says of each that isn't over whether it may begin.
 *
 * Missed times of a job by days become one run a day, all of them due at the latest of these times, so that what has
 * to come before them is what was due by then. A job that publishes makes up for all by one run. */
#ifndef TIDEMARK_BATCH_PLAN_H
#define TIDEMARK_BATCH_PLAN_H

#include "database/job_runs.h"

struct job_plan {
    int64_t *next_us; /* one a job: when it is due, in the past while a run waits or is at work; INT64_MAX: never */
    struct plan_run {
        const struct job *job;
        struct job_run run; /* without its texts */
    } * ready;              /* the oldest first, each job's in the order of their days */
    size_t ready_count, ready_capacity;
};

/* `now_us` is the wall clock. Looks again and again may share a plan. The batch is connected. */
bool plan_look(struct job_plan *plan, struct batch *batch, int64_t now_us, struct error *error) MUST_CHECK;
void plan_clean_up(struct job_plan *plan);

/* What a run that was due then waits for: whether jobs before it are still at work, or failed; the name of the first
 * such job. */
enum plan_hindrance { PLAN_FREE, PLAN_WAITS, PLAN_SKIPPED };
bool plan_hindered(struct batch *batch, const struct job *job, int64_t due_us, enum plan_hindrance *ret_hindrance,
                   const char **ret_job, struct error *error) MUST_CHECK;

#endif
