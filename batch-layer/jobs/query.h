/* SPDX-License-Identifier: Apache-2.0
 * A job that runs a statement of SQL: in one transaction it makes the table where it isn't there, takes away the rows
 * of the day, runs the statement, and notes that it did. So whoever is killed, loses the connection or runs twice
 * leaves the rows of the day once, or as they were. */
#ifndef TIDEMARK_BATCH_QUERY_H
#define TIDEMARK_BATCH_QUERY_H

#include "database/job_runs.h"

/* One run, over a connection that has the lock of its job and day. *ret_rows: how many the statement says that it
 * wrote. It is recorded as done where this returns true. */
bool query_run(struct batch *batch, const struct job *job, const struct job_run *run, int64_t *ret_rows,
               struct error *error) MUST_CHECK;

/* Logs where a query counts messages of which some are versions of one order. */
void query_warn(const struct job *job);

#endif
