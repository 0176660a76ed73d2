/* SPDX-License-Identifier: Apache-2.0
 * tidemark.job: where the schedule stands with each job; tidemark.job_run: what was due, and what became of it.
 *
 * A run that looks as if it were at work is so while its lock is held, which lives as long as the connection of who
 * took it; else its process has died, and it is due as before. All times are microseconds since 1970. */
#ifndef TIDEMARK_BATCH_JOB_RUNS_H
#define TIDEMARK_BATCH_JOB_RUNS_H

#include "batch.h"

struct job_run {
    int64_t id;                               /* 0: it isn't recorded */
    const char *job;                          /* its name */
    int64_t due_us;                           /* when it was asked for, where it is by hand */
    bool has_day;                             /* a job that publishes is of no day */
    int64_t day;                              /* in days since 1970 */
    const char *state;                        /* due, running, done, failed or skipped */
    const char *reason;                       /* "" where there is none */
    const char *rows, *started_at, *duration; /* for people; "-" where they aren't known */
    int64_t attempt;
};
typedef bool job_run_visitor(void *context, const struct job_run *run, struct error *error);

/* Has the bookkeeping of a schedule to itself, in a transaction that begins with this. */
bool job_runs_begin(struct batch *batch, struct error *error) MUST_CHECK;
bool job_runs_commit(struct batch *batch, struct error *error) MUST_CHECK;

/* When the job is next due, and up to when the runs of those before it are followed; left as it is where that isn't
 * known. NULL isn't asked for, or written. */
bool job_position_read(struct batch *batch, const char *job, int64_t *due_us, int64_t *followed_us,
                       struct error *error) MUST_CHECK;
bool job_position_write(struct batch *batch, const char *job, const int64_t *due_us, const int64_t *followed_us,
                        struct error *error) MUST_CHECK;

/* Records that a run is due; nothing where it is recorded. Earlier ones of that day that haven't begun are made up for
 * by it, and forgotten. `day` is NULL for a job without days. */
bool job_run_add(struct batch *batch, const char *job, int64_t due_us, const int64_t *day,
                 struct error *error) MUST_CHECK;

/* The runs of a job that are due, running or skipped, but for a skipped one of a day that was due again, the oldest
 * first, and of one due time by their days. */
bool job_runs_open(struct batch *batch, const char *job, job_run_visitor *visit, void *context,
                   struct error *error) MUST_CHECK;
/* The runs of a job that were due after this, in that order. */
bool job_runs_since(struct batch *batch, const char *job, int64_t since_us, job_run_visitor *visit, void *context,
                    struct error *error) MUST_CHECK;
/* The last ones, at most so many, the newest first. */
bool job_runs_last(struct batch *batch, const char *job, size_t most, job_run_visitor *visit, void *context,
                   struct error *error) MUST_CHECK;

/* What became of the latest runs that were due by the schedule at or before `due_us`, and of those by hand at that very
 * time: whether one isn't over yet, and whether one
 * failed or was skipped and none of that day has gone well since. */
bool job_runs_outcome(struct batch *batch, const char *job, int64_t due_us, bool *ret_open, bool *ret_failed,
                      struct error *error) MUST_CHECK;
/* Whether nobody is at work on a run of this job and day. */
bool job_run_is_free(struct batch *batch, const struct job_run *run, bool *ret_free, struct error *error) MUST_CHECK;

/* Sets state and reason, and nothing where they are so. */
bool job_run_set(struct batch *batch, int64_t id, const char *state, const char *reason,
                 struct error *error) MUST_CHECK;

/* Takes the lock of its job and day, on this connection. ERROR_TRY_AGAIN where another has it. */
bool job_run_lock(struct batch *batch, const struct job_run *run, struct error *error) MUST_CHECK;
void job_run_unlock(struct batch *batch, const struct job_run *run);
/* Notes that an attempt begins, by whoever has the lock; where `id` is 0 it records a run by hand first, and sets it.
 * *ret_begun is false where the run is over already, and left as it is by a failure. */
bool job_run_begin(struct batch *batch, struct job_run *run, bool *ret_begun, struct error *error) MUST_CHECK;
/* Notes that it went well, with the rows that it wrote (below 0: unknown) and with epoch and cut of these sources as
 * they are published. In the transaction that is open, if any. */
bool job_run_done(struct batch *batch, const struct job_run *run, int64_t rows, const struct source *const sources[],
                  size_t source_count, struct error *error) MUST_CHECK;
bool job_run_failed(struct batch *batch, const struct job_run *run, const char *reason, struct error *error) MUST_CHECK;

#endif
