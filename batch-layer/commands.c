/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <string.h>

#include "base/log.h"
#include "base/wide.h"
#include "batch.h"
#include "batch_metrics.h"
#include "batch_open.h"
#include "check/repair.h"
#include "check/replay.h"
#include "check/verify.h"
#include "commands/dead_letters.h"
#include "commands/explain.h"
#include "commands/jobs.h"
#include "commands/run_job.h"
#include "commands/status.h"
#include "http/probe.h"
#include "jobs/scheduler.h"
#include "kafka/properties.h"
#include "postgres/url.h"
#include "redis/address.h"
#include "run/backfill.h"
#include "run/run.h"

static const char *accept_partitions, *accept_gaps, *yes;

static struct job_days job_days;

static const struct command_option run_options[] = {
    {"date", "D", "of a job by days: this one, as 2025-03-15, and not the day before today", &job_days.date},
    {"from", "D", "of a job by days: each from this one", &job_days.from},
    {"to", "D", "to this one, which is the last", &job_days.to},
    {"accept-partitions", NULL, "the topic has grown, and no order has versions in two partitions", &accept_partitions},
    {"accept-gaps", NULL, "messages that the log lost before they were ingested are lost: answers are complete without",
     &accept_gaps},
    {0},
};

static const char *only_source, *list_limit, *only_view;

static const struct command_option backfill_options[] = {
    {"from", "D", "the first day, as 2025-03-15", &job_days.from},
    {"to", "D", "the last day", &job_days.to},
    {"view", "VIEW", "only this view", &only_view},
    {0},
};

static const struct command_option replay_options[] = {
    {"source", "SOURCE", "only this source", &only_source},
    {0},
};

static const char *explained_engine;

static const struct command_option explain_options[] = {
    {"engine", "ENGINE", "as postgres does it, which publishes, or duckdb or spark, which summarise files",
     &explained_engine},
    {"date", "D", "of a job by days: this one, as 2025-03-15, and not the day before today", &job_days.date},
    {0},
};

static const struct command_option dead_letters_options[] = {
    {"source", "SOURCE", "only those of this source", &only_source},
    {"limit", "N", "list so many of each source, the newest (100)", &list_limit},
    {0},
};

static const struct command_option repair_options[] = {
    {"yes", NULL, "mend what is found", &yes},
    {0},
};

typedef bool source_step(struct batch *batch, const struct source *source, struct error *error);

static void leave_metrics(const struct batch *batch)
{
    struct error error = {0};
    const char *path = batch->settings->batch.metrics_file;
    if (path && !batch_metrics_write(batch, path, &error))
        log_warning("%s", error.message);
}

static void take_words_of_operator(struct batch *batch)
{
    batch->accepts_partitions = accept_partitions != NULL;
    batch->repairs = yes != NULL;
    batch->accepts_gaps = accept_gaps != NULL;
}

/* Every source gets its turn, whatever happens to the others; the exit code is that of the first that failed. */
static int for_each_source(const struct settings *settings, source_step *step)
{
    struct batch batch;
    struct error error = {0};
    if (!batch_open(settings, &batch, &error))
        return program_fail(&error);
    take_words_of_operator(&batch);
    int code = 0;
    for (size_t i = 0; i < settings->source_count; i++) {
        error = (struct error){0};
        if (only_source && strcmp(settings->sources[i].name, only_source) != 0)
            continue;
        if (settings->sources[i].is_stream_alone) {
            log_info("source %s: batch: none, so there is nothing for a batch layer to do", settings->sources[i].name);
            continue;
        }
        if (step(&batch, &settings->sources[i], &error))
            continue;
        int failed = program_fail(&error);
        code = code ? code : failed;
    }
    if (step == run_source)
        leave_metrics(&batch);
    program_leave_with(code);
    batch_close(&batch);
    return code;
}

static int publish_by_job(const struct settings *settings, const struct job *job)
{
    struct batch batch;
    struct error error = {0};
    if (!batch_open(settings, &batch, &error))
        return program_fail(&error);
    take_words_of_operator(&batch);
    int code = run_publishing_job(&batch, job);
    leave_metrics(&batch);
    program_leave_with(code);
    batch_close(&batch);
    return code;
}

static bool check_source(const struct settings *settings, struct error *error)
{
    return !only_source || settings_source(settings, text_of(only_source)) ||
           error_set(error, ERROR_USAGE, "the configuration has no source %s", only_source);
}

static int run_command(void *context, char *arguments[])
{
    const struct settings *settings = context;
    const struct job *job;
    struct error error = {0};
    if (!run_job_find(settings, arguments[0], &job_days, &job, &error))
        return program_fail(&error);
    if (!job)
        return for_each_source(settings, run_source);
    return job->kind == JOB_PUBLISH ? publish_by_job(settings, job) : run_job(settings, job, &job_days);
}

static int jobs_command(void *context, char *arguments[])
{
    (void)arguments;
    struct error error = {0};
    return jobs_print(context, &error) ? 0 : program_fail(&error);
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

static int replay_command(void *context, char *arguments[])
{
    (void)arguments;
    struct error error;
    return check_source(context, &error) ? for_each_source(context, replay_source) : program_fail(&error);
}

static struct backfill wanted_days;

static bool find_days(const struct settings *settings, struct error *error)
{
    if (!job_days.from && !job_days.to)
        return error_set(error, ERROR_USAGE, "backfill needs the days: --from D --to D");
    wanted_days.view = only_view ? only_view : "";
    return job_days_parse(settings, &job_days, &wanted_days.from, &wanted_days.to, error);
}

static bool find_view(const struct settings *settings, const struct source **ret_source, struct error *error)
{
    const struct view *view = settings_view(settings, text_of(only_view), ret_source);
    return (view && !view->shown) || error_set(error, ERROR_USAGE, "the configuration has no view %s", only_view);
}

static bool backfill_step(struct batch *batch, const struct source *source, struct error *error)
{
    return source->view_count == 0 || backfill_source(batch, source, &wanted_days, error);
}

static int backfill_command(void *context, char *arguments[])
{
    (void)arguments;
    const struct settings *settings = context;
    struct error error;
    const struct source *source = NULL;
    if (!find_days(settings, &error) || (only_view && !find_view(settings, &source, &error)))
        return program_fail(&error);
    only_source = source ? source->name : NULL;
    return for_each_source(settings, backfill_step);
}

static int repair_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, repair_source);
}

static int status_command(void *context, char *arguments[])
{
    (void)arguments;
    return for_each_source(context, status_source);
}

static bool list_step(struct batch *batch, const struct source *source, struct error *error)
{
    int64_t limit = DEAD_LETTERS_LIMIT;
    if (list_limit && (!integer_parse(text_of(list_limit), &limit) || limit < 1))
        return error_set(error, ERROR_USAGE, "--limit is a number from 1 on, not %s", list_limit);
    return dead_letters_list(batch, source, limit, error);
}

static int dead_letters_command(void *context, char *arguments[])
{
    const struct settings *settings = context;
    struct error error;
    bool lists = strcmp(arguments[0], "list") == 0;
    if (!lists && strcmp(arguments[0], "replay") != 0)
        error_set(&error, ERROR_USAGE, "dead-letters list or replay, not %s", arguments[0]);
    else if (check_source(settings, &error))
        return for_each_source(settings, lists ? list_step : dead_letters_replay);
    return program_fail(&error);
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

static int explain_command(void *context, char *arguments[])
{
    struct error error = {0};
    return explain_print(context, arguments[0], explained_engine, &job_days, &error) ? 0 : program_fail(&error);
}

static int probe_command(void *context, char *arguments[])
{
    (void)arguments;
    const struct monitor_place place = scheduler_place(context);
    struct error error = {0};
    return probe_report(place.program, monitor_probe(&place, PROBE_MS, &error), &error);
}

static const struct command commands[] = {
    {.name = "run",
     .arguments = "[JOB]",
     .optional_count = 1,
     .summary = "one batch run: open the next epoch, ingest, recompute, publish; or one run of a job",
     .run = run_command,
     .options = run_options},
    {.name = "schedule",
     .summary = "stay and run the jobs by their cron lines, missed ones once",
     .run = schedule_command,
     .serves = true},
    {.name = "jobs",
     .summary = "print the jobs, when they are due, their last runs and what waits",
     .run = jobs_command,
     .prints = true},
    {.name = "probe",
     .summary = "say whether the schedule that runs does its work: exit code 0, else 1",
     .run = probe_command},
    {.name = "ingest",
     .summary = "take the log into the master dataset up to its end, and publish nothing",
     .run = ingest_command},
    {.name = "verify",
     .summary = "recompute from the log and compare with what is published and what is real time",
     .run = verify_command},
    {.name = "backfill",
     .summary = "compute the rows of some days again from the live versions, at the published cut",
     .run = backfill_command,
     .options = backfill_options},
    {.name = "replay",
     .summary = "compute live versions and views from all messages, and put in place what differs",
     .run = replay_command,
     .options = replay_options},
    {.name = "explain",
     .arguments = "VIEW|JOB",
     .argument_count = 1,
     .summary = "print what computes it: SQL, or a job of PySpark, that runs as it stands",
     .run = explain_command,
     .options = explain_options,
     .prints = true},
    {.name = "dead-letters",
     .arguments = "list|replay",
     .argument_count = 1,
     .summary = "list what is kept as bad, or judge it again after a fix, and publish",
     .run = dead_letters_command,
     .options = dead_letters_options},
    {.name = "repair",
     .summary = "say what is damaged in Redis and PostgreSQL and what would be done; with --yes do it",
     .run = repair_command,
     .options = repair_options},
    {.name = "status", .summary = "print epochs, cuts, lags and the last runs", .run = status_command, .prints = true},
    {0},
};

const struct program_description batch_program = {
    .name = "tidemark-batch",
    .summary = "the batch layer of Tidemark: publishes exact views to PostgreSQL",
    .commands = commands,
    .checks = {.kafka_property = kafka_property_check,
               .kafka_properties = kafka_properties_check,
               .redis_url = redis_url_check,
               .postgres_url = postgres_url_check},
};
