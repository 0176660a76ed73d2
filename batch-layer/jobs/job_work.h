/* SPDX-License-Identifier: Apache-2.0
 * A run of a job, whatever its kind: locked, so that no other of this job and day is at work; recorded; within its
 * timeout. By the schedule or by hand. */
#ifndef TIDEMARK_BATCH_JOB_WORK_H
#define TIDEMARK_BATCH_JOB_WORK_H

#include "database/job_runs.h"

struct job_work {
    const struct job *job;
    struct batch *publishing; /* with Kafka and Redis: of a job that publishes, else NULL */
    struct batch record; /* a connection to PostgreSQL of its own: holds the lock, writes the record, runs queries */
    struct job_run run;
    int64_t end_us;     /* of the run, by the monotonic clock */
    bool is_unrecorded; /* by hand, where PostgreSQL can't be asked and the job needs none */
    uint64_t published; /* a bit for each source that an earlier attempt has published */
    int64_t rows;       /* what it wrote; below 0: unknown */
    int64_t orders;     /* of a summary: the versions that count */
    void (*hindered)(void *context, const struct error *reason); /* told before an attempt is waited for; or NULL */
    /* Told when the files of a day are in place, with the versions in them that count; or NULL. */
    void (*made)(void *context, int64_t day, int64_t orders);
    void *context;
};

/* `run` says which; the settings and the batch have to outlive it. */
void job_work_init(struct job_work *work, const struct settings *settings, const struct job *job,
                   const struct job_run *run);
void job_work_clean_up(struct job_work *work);

/* One attempt. *ret_begun is false where the run is over already (which is no failure), or another process has it
 * (ERROR_TRY_AGAIN then). A failure isn't recorded: there may be another attempt. */
bool job_work_try(struct job_work *work, bool *ret_begun, struct error *error) MUST_CHECK;

/* Attempts until one goes well, the job's retries are used up, its time is, or a shutdown is requested: then the run
 * stays due. What waiting can help (a server that is down) is waited for, and isn't one of the retries. *ret_over is
 * true where the run is done or has failed by this. */
bool job_work_run(struct job_work *work, bool *ret_over, struct error *error) MUST_CHECK;

/* Records that it has failed for this reason, where that can be. */
void job_work_fail(struct job_work *work, const struct error *reason);

#endif
