/* SPDX-License-Identifier: Apache-2.0
 * The metrics of the batch layer; docs/metrics.md is printed from the table. All calls do nothing where nobody watches:
 * batch->metrics is NULL. */
#ifndef TIDEMARK_BATCH_METRICS_H
#define TIDEMARK_BATCH_METRICS_H

#include <stdint.h>

#include "base/error.h"
#include "metrics/metrics.h"

struct batch;
struct source;

enum batch_metric {
    BATCH_METRIC_RUNS,
    BATCH_METRIC_RUN_FINISHED,
    BATCH_METRIC_RUN_DURATION,
    BATCH_METRIC_STAGE_DURATION,
    BATCH_METRIC_INGESTED,
    BATCH_METRIC_ROWS,
    BATCH_METRIC_EPOCH,
    BATCH_METRIC_PUBLISHED_AT,
    BATCH_METRIC_JOB_NEXT,
    BATCH_METRIC_JOB_LAST,
    BATCH_METRIC_JOB_FAILED,
    BATCH_METRIC_JOB_RUNS,
    BATCH_METRIC_JOB_DURATION,
    BATCH_METRIC_JOB_ROWS,
    BATCH_METRIC_COUNT,
};
extern const struct metric batch_metrics[BATCH_METRIC_COUNT];

/* When a stage begins: monotonic time. */
int64_t batch_stage_begin(const struct batch *batch);
/* A stage of a run that began then is done. Returns when the next one begins: now. */
int64_t batch_stage_end(const struct batch *batch, const struct source *source, const char *stage, int64_t begun_us);

/* A run that began then ended: "published", "nothing new" or "failed". */
void batch_note_run(const struct batch *batch, const struct source *source, const char *outcome, int64_t begun_us);
void batch_note_ingested(const struct batch *batch, const struct source *source, int64_t messages);
void batch_note_rows(const struct batch *batch, const struct source *source, int64_t rows);
/* What is published; epoch 0 is nothing. */
void batch_note_published(const struct batch *batch, const struct source *source, int64_t epoch, int64_t at_us);
/* INT64_MAX: it is never due. */
void batch_note_job(const struct batch *batch, const char *job, int64_t next_us);
/* A run of a job that began then is over; it wrote so many rows, below 0 is unknown. */
void batch_note_job_run(const struct batch *batch, const char *job, bool done, int64_t rows, int64_t begun_us);

/* Leaves the metrics in the file, whole or not at all. */
bool batch_metrics_write(const struct batch *batch, const char *path, struct error *error) MUST_CHECK;

#endif
