/* SPDX-License-Identifier: Apache-2.0
 * Stays and runs the jobs when their cron lines say so and when those before them have had their runs, each in a thread
 * of its own; what is due and what became of it is kept in PostgreSQL, so that what was missed is made up for, once,
 * and several processes may schedule. */
#ifndef TIDEMARK_BATCH_SCHEDULER_H
#define TIDEMARK_BATCH_SCHEDULER_H

#include "batch.h"
#include "http/monitor.h"

/* Returns true once a shutdown is requested; the runs under way are finished, or stopped where it can go on later. A
 * dependency that is down is waited for. */
bool scheduler_run(struct batch *batch, struct error *error) MUST_CHECK;

/* Where it answers how it is. */
struct monitor_place scheduler_place(const struct settings *settings);

#endif
