/* SPDX-License-Identifier: Apache-2.0
 * tidemark.job: when the jobs of the schedule are due, so that what was due while nobody was there isn't forgotten. */
#ifndef TIDEMARK_BATCH_JOB_RECORD_H
#define TIDEMARK_BATCH_JOB_RECORD_H

#include "batch.h"

/* In seconds since 1970; leaves *due_s as it is where nothing is known of the job. */
bool job_record_read(struct batch *batch, const char *job, int64_t *due_s, struct error *error) MUST_CHECK;
bool job_record_write(struct batch *batch, const char *job, int64_t due_s, struct error *error) MUST_CHECK;

#endif
