/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include "batch.h"
#include "run.h"
#include "scheduler.h"
#include "status.h"
#include "verify.h"

static const char *accept_partitions, *accept_gaps;

static const struct command_option run_options[] = {
    {"accept-partitions", NULL, "the topic has grown, and no order has versions in two partitions", &accept_partitions},
    {"accept-gaps", NULL, "messages that the log lost before they were ingested are lost: answers are complete without",
     &accept_gaps},
    {0},
};

typedef bool source_step(struct batch *batch, const struct source *source, struct error *error);

/* Every source gets its turn, whatever happens to the others; the exit code is that of the first that failed. */
static int for_each_source(const struct settings *settings, source_step *step)
{
    struct batch batch;
    struct error error = {0};
    if (!batch_open(settings, &batch, &error))
        return program_fail(&error);
    batch.accepts_partitions = accept_partitions != NULL;
    batch.accepts_gaps = accept_gaps != NULL;
    int code = 0;
    for (size_t i = 0; i < settings->source_count; i++) {
        error = (struct error){0};
        if (step(&batch, &settings->sources[i], &error))
            continue;
        int failed = program_fail(&error);
        code = code ? code : failed;
    }
    batch_close(&batch);
    return code;
}

static int run_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, run_source);
}

static int ingest_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, ingest_source);
}

static int verify_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, verify_source);
}

static int status_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, status_source);
}

static int schedule_command(void *context, char *arguments[])
{
    (void)arguments;
    struct batch batch;
    struct error error = {0};
    if (!batch_open(context, &batch, &error))
        return program_fail(&error);
    bool done = scheduler_run(&batch, &error);
    batch_close(&batch);
    return done ? 0 : program_fail(&error);
}

static const struct command commands[] = {
    {"run", NULL, 0, "one batch run: open the next epoch, ingest, recompute, publish", run_command, run_options},
    {"schedule", NULL, 0, "stay and run the jobs by their cron lines, missed ones once", schedule_command, NULL},
    {"ingest", NULL, 0, "take the log into the master dataset up to its end, and publish nothing", ingest_command,
     NULL},
    {"verify", NULL, 0, "recompute from the log and compare with what is published", verify_command, NULL},
    {"status", NULL, 0, "print epochs, cuts, lags and the last runs", status_command, NULL},
    {0},
};

const struct program_description batch_program = {
    .name = "tidemark-batch",
    .summary = "the batch layer of Tidemark: publishes exact views to PostgreSQL",
    .commands = commands,
};
