/* SPDX-License-Identifier: Apache-2.0
 * Stays and runs the jobs when their cron lines say so. When each job is next due is kept in tidemark.job, so that a
 * time that was missed is made up for, once. */
#ifndef TIDEMARK_BATCH_SCHEDULER_H
#define TIDEMARK_BATCH_SCHEDULER_H

#include "batch.h"
#include "http/monitor.h"

/* Returns true once a shutdown is requested; the run under way is finished, or stopped where it can go on later. A
 * dependency that is down is waited for. */
bool scheduler_run(struct batch *batch, struct error *error) MUST_CHECK;

/* Where it answers how it is. */
struct monitor_place scheduler_place(const struct settings *settings);

#endif
