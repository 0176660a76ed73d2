/* SPDX-License-Identifier: Apache-2.0
 * A summary of Parquet files as a PySpark job, printed from the definition: what is read and what counts as constants,
 * and behind them what is the same for every job (summary_job.py). Without options it shows the rows. */
#ifndef TIDEMARK_BATCH_SPARK_JOB_H
#define TIDEMARK_BATCH_SPARK_JOB_H

#include "config/settings.h"
#include "lake/lake_files.h"

#define SPARK_REFUSED 65 /* with what the job ends where what it reads isn't what it needs; the last line says why */

/* The folders that it reads, that of the orders and then that of each join: listed, and found to be of Parquet. All is
 * the arena's. */
bool spark_job_list(const struct settings *settings, const struct job *job, const char *date, struct arena *arena,
                    const struct lake_folder **ret_folders, size_t *ret_count, struct error *error) MUST_CHECK;

/* Appends the job of these folders, for a day since 1970, written `date`. */
void spark_job_append(const struct job *job, int64_t day, const char *date, const struct lake_folder folders[],
                      struct buffer *out);

#endif
