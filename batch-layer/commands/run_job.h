/* SPDX-License-Identifier: Apache-2.0
 * One run of a job by hand, for the days that are asked for. */
#ifndef TIDEMARK_BATCH_RUN_JOB_H
#define TIDEMARK_BATCH_RUN_JOB_H

#include "batch.h"

/* As they are written on the command line; NULL where they aren't given. */
struct job_days {
    const char *date, *from, *to;
};

/* The first day and the last one, days since 1970-01-01; without any the day before today. ERROR_USAGE where they
 * aren't days, or are the wrong way round. */
bool job_days_parse(const struct settings *settings, const struct job_days *days, int64_t *ret_from, int64_t *ret_to,
                    struct error *error) MUST_CHECK;

/* The job of this name; NULL where `name` is. ERROR_USAGE where there is none, or the days aren't right for it. */
bool run_job_find(const struct settings *settings, const char *name, const struct job_days *days,
                  const struct job **ret_job, struct error *error) MUST_CHECK;

/* Runs it for each day, the oldest first, and prints a line for each; returns the exit code, of the first day that
 * failed. Without a day it is run for the days that the jobs before it handed on, else for the day before today. After
 * days whose data is wrong the others are run all the same. A job without days runs once. */
int run_job(const struct settings *settings, const struct job *job, const struct job_days *days);

/* One run of a job that publishes, over a batch with all it needs; returns the exit code. */
int run_publishing_job(struct batch *batch, const struct job *job);

#endif
