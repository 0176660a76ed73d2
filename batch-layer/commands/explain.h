/* SPDX-License-Identifier: Apache-2.0
 * What computes a view or a job, as it would run: SQL, or a job of PySpark. */
#ifndef TIDEMARK_BATCH_EXPLAIN_H
#define TIDEMARK_BATCH_EXPLAIN_H

#include "commands/run_job.h"

/* Prints it. `name` is a job's or a view's, and where both have it the job's; `engine` is "postgres", "duckdb",
 * "spark", or NULL for the one that has the work. A view is what PostgreSQL publishes, and of duckdb what the job makes
 * that summarises files by it. ERROR_USAGE where there is no such thing. */
bool explain_print(const struct settings *settings, const char *name, const char *engine, const struct job_days *days,
                   struct error *error) MUST_CHECK;

#endif
