/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "batch.h"

const struct metric batch_metrics[BATCH_METRIC_COUNT] = {
    [BATCH_METRIC_RUNS] = {.name = "tidemark_batch_runs_total",
                           .kind = METRIC_COUNTER,
                           .help = "Batch runs that ended, by outcome: published, nothing new, failed.",
                           .labels = {"source", "outcome"}},
    [BATCH_METRIC_RUN_FINISHED] = {.name = "tidemark_batch_run_finished_timestamp_seconds",
                                   .kind = METRIC_GAUGE,
                                   .help = "When a run last ended so.",
                                   .divisor = US_PER_SECOND,
                                   .labels = {"source", "outcome"}},
    [BATCH_METRIC_RUN_DURATION] = {.name = "tidemark_batch_run_duration_seconds",
                                   .kind = METRIC_GAUGE,
                                   .help = "How long the last run took that published.",
                                   .divisor = US_PER_SECOND,
                                   .labels = {"source"}},
    [BATCH_METRIC_STAGE_DURATION] = {.name = "tidemark_batch_stage_duration_seconds",
                                     .kind = METRIC_GAUGE,
                                     .help =
                                         "How long a stage took in the last run that came to its end: open (the next "
                                         "epoch), ingest, merge (live versions), views, commit, drop (old "
                                         "epochs).",
                                     .divisor = US_PER_SECOND,
                                     .labels = {"source", "stage"}},
    [BATCH_METRIC_INGESTED] = {.name = "tidemark_batch_ingested_messages_total",
                               .kind = METRIC_COUNTER,
                               .help = "Messages taken into the master dataset.",
                               .labels = {"source"}},
    [BATCH_METRIC_ROWS] = {.name = "tidemark_batch_rows_total",
                           .kind = METRIC_COUNTER,
                           .help = "Rows of views written and published.",
                           .labels = {"source"}},
    [BATCH_METRIC_EPOCH] = {.name = "tidemark_batch_published_epoch",
                            .kind = METRIC_GAUGE,
                            .help = "Epoch that is published, as the last run left or found it.",
                            .labels = {"source"}},
    [BATCH_METRIC_PUBLISHED_AT] = {.name = "tidemark_batch_published_timestamp_seconds",
                                   .kind = METRIC_GAUGE,
                                   .help = "When it was published; its age is time() less this.",
                                   .divisor = US_PER_SECOND,
                                   .labels = {"source"}},
    [BATCH_METRIC_JOB_NEXT] = {.name = "tidemark_batch_job_next_timestamp_seconds",
                               .kind = METRIC_GAUGE,
                               .help = "When the job is next due; in the past while a run of it waits or is at work.",
                               .divisor = US_PER_SECOND,
                               .labels = {"job"}},
    [BATCH_METRIC_JOB_LAST] = {.name = "tidemark_batch_job_finished_timestamp_seconds",
                               .kind = METRIC_GAUGE,
                               .help = "When the job last ended.",
                               .divisor = US_PER_SECOND,
                               .labels = {"job"}},
    [BATCH_METRIC_JOB_FAILED] = {.name = "tidemark_batch_job_failed",
                                 .kind = METRIC_GAUGE,
                                 .help = "1 where the last run of the job failed, 0 where it went well.",
                                 .labels = {"job"}},
    [BATCH_METRIC_JOB_RUNS] = {.name = "tidemark_batch_job_runs_total",
                               .kind = METRIC_COUNTER,
                               .help = "Runs of the job that are over, by outcome: done or failed.",
                               .labels = {"job", "outcome"}},
    [BATCH_METRIC_JOB_DURATION] = {.name = "tidemark_batch_job_run_duration_seconds",
                                   .kind = METRIC_GAUGE,
                                   .help = "How long the last run of the job took, with what it waited for.",
                                   .divisor = US_PER_SECOND,
                                   .labels = {"job"}},
    [BATCH_METRIC_JOB_ROWS] = {.name = "tidemark_batch_job_rows_total",
                               .kind = METRIC_COUNTER,
                               .help = "Rows that runs of the job wrote, of jobs that summarise or run a query.",
                               .labels = {"job"}},
};

static void set(const struct batch *batch, enum batch_metric metric, const char *label, int64_t value)
{
    if (batch->metrics)
        metric_set(metrics_series(batch->metrics, (size_t)metric, &label), value);
}

static void add(const struct batch *batch, enum batch_metric metric, const char *label, int64_t more)
{
    if (batch->metrics)
        metric_add(metrics_series(batch->metrics, (size_t)metric, &label), more);
}

int64_t batch_stage_begin(const struct batch *batch)
{
    return batch->metrics ? clock_monotonic_us() : 0;
}

int64_t batch_stage_end(const struct batch *batch, const struct source *source, const char *stage, int64_t begun_us)
{
    const char *const labels[] = {source->name, stage};
    int64_t now_us = batch_stage_begin(batch);
    if (batch->metrics)
        metric_set(metrics_series(batch->metrics, BATCH_METRIC_STAGE_DURATION, labels), now_us - begun_us);
    return now_us;
}

void batch_note_run(const struct batch *batch, const struct source *source, const char *outcome, int64_t begun_us)
{
    const char *const labels[] = {source->name, outcome};
    if (!batch->metrics)
        return;
    metric_add(metrics_series(batch->metrics, BATCH_METRIC_RUNS, labels), 1);
    metric_set(metrics_series(batch->metrics, BATCH_METRIC_RUN_FINISHED, labels), clock_wall_us());
    if (strcmp(outcome, "published") == 0)
        set(batch, BATCH_METRIC_RUN_DURATION, source->name, clock_monotonic_us() - begun_us);
}

void batch_note_ingested(const struct batch *batch, const struct source *source, int64_t messages)
{
    add(batch, BATCH_METRIC_INGESTED, source->name, messages);
}

void batch_note_rows(const struct batch *batch, const struct source *source, int64_t rows)
{
    add(batch, BATCH_METRIC_ROWS, source->name, rows);
}

void batch_note_published(const struct batch *batch, const struct source *source, int64_t epoch, int64_t at_us)
{
    if (epoch == 0)
        return;
    set(batch, BATCH_METRIC_EPOCH, source->name, epoch);
    set(batch, BATCH_METRIC_PUBLISHED_AT, source->name, at_us);
}

void batch_note_job(const struct batch *batch, const char *job, int64_t next_us)
{
    if (next_us != INT64_MAX)
        set(batch, BATCH_METRIC_JOB_NEXT, job, next_us);
}

void batch_note_job_run(const struct batch *batch, const char *job, bool done, int64_t rows, int64_t begun_us)
{
    const char *const labels[] = {job, done ? "done" : "failed"};
    if (!batch->metrics)
        return;
    set(batch, BATCH_METRIC_JOB_LAST, job, clock_wall_us());
    set(batch, BATCH_METRIC_JOB_FAILED, job, !done);
    set(batch, BATCH_METRIC_JOB_DURATION, job, clock_monotonic_us() - begun_us);
    metric_add(metrics_series(batch->metrics, BATCH_METRIC_JOB_RUNS, labels), 1);
    if (done && rows > 0)
        add(batch, BATCH_METRIC_JOB_ROWS, job, rows);
}

static bool write_file(const char *path, const struct buffer *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = fwrite(text->data, 1, text->length, file) == text->length;
    return fclose(file) == 0 && written;
}

bool batch_metrics_write(const struct batch *batch, const char *path, struct error *error)
{
    struct buffer text = {0}, beside = {0}; /* the collector takes *.prom only */
    metrics_print(batch->metrics, &text);
    buffer_appendf(&beside, "%s.%d", path, (int)getpid());
    bool done = !text.failed && !beside.failed;
    if (!done)
        error_set(error, ERROR_INTERNAL, "out of memory");
    else if (!write_file(buffer_string(&beside), &text) || rename(buffer_string(&beside), path) != 0)
        done = error_set(error, ERROR_UNAVAILABLE, "the metrics can't be written to %s: %s", path, strerror(errno));
    if (!done && !beside.failed)
        unlink(buffer_string(&beside));
    buffer_clean_up(&text);
    buffer_clean_up(&beside);
    return done;
}
