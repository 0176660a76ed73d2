/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "database/job_runs.h"
#include "database/schema.h"
#include "jobs/timetable.h"

#define RUNS_SHOWN 5

static const char *const kinds[] = {[JOB_PUBLISH] = "publishes",
                                    [JOB_ARCHIVE] = "archives",
                                    [JOB_SUMMARISE] = "summarises",
                                    [JOB_QUERY] = "runs a query"};

struct moment {
    char text[32];
};

static struct moment moment_of(int64_t us)
{
    struct moment moment;
    struct tm utc = {0};
    time_t at = (time_t)(us / US_PER_SECOND);
    (void)gmtime_r(&at, &utc);
    (void)strftime(moment.text, sizeof moment.text, "%Y-%m-%d %H:%M:%SZ", &utc);
    return moment;
}

static bool print_run(void *context, const struct job_run *run, struct error *error)
{
    char date[DATE_SIZE] = "";
    (void)context;
    (void)error;
    if (run->has_day)
        date_print(run->day, date);
    printf("  %s, due %s%s%s: %s", run->has_day ? date : "run", moment_of(run->due_us).text,
           strcmp(run->started_at, "-") != 0 ? ", begun " : "",
           strcmp(run->started_at, "-") != 0 ? run->started_at : "", run->state);
    if (run->attempt > 1)
        printf(", attempt %" PRId64, run->attempt);
    if (strcmp(run->duration, "-") != 0)
        printf(", %s", run->duration);
    if (strcmp(run->rows, "-") != 0)
        printf(", %s rows", run->rows);
    printf("%s%s\n", *run->reason ? ": " : "", run->reason);
    return true;
}

static void print_next(const struct settings *settings, const struct job *job)
{
    int64_t next_s =
        job->has_schedule ? schedule_next(&job->schedule, settings->zone, clock_wall_us() / US_PER_SECOND) : INT64_MAX;
    printf("job %s %s, next ", job->name, kinds[job->kind]);
    if (next_s != INT64_MAX)
        printf("%s", moment_of(next_s * US_PER_SECOND).text);
    else
        printf("%s", job->after_count || job->has_schedule ? "-" : "by hand");
    for (size_t i = 0; i < job->after_count; i++)
        printf("%s%s", i ? ", " : next_s != INT64_MAX ? ", after " : " after ", job->after[i]->name);
    printf("\n");
}

static bool has_record(struct batch *batch, bool *ret_has, struct error *error)
{
    RESULT *answer = NULL;
    if (!connection_query(batch->connection, "select to_regclass('tidemark.job_run') is not null", 0, NULL, &answer,
                          error))
        return false;
    *ret_has = *PQgetvalue(answer, 0, 0) == 't';
    return true;
}

/* What isn't over, then the last ones, of which some may be among them. */
static bool print_job(struct batch *batch, const struct job *job, bool has_runs, struct error *error)
{
    print_next(batch->settings, job);
    return !has_runs || job_runs_last(batch, job->name, RUNS_SHOWN, print_run, NULL, error);
}

bool jobs_print(const struct settings *settings, struct error *error)
{
    struct batch batch = {.settings = settings};
    bool has_runs = false;
    bool done = batch_connect(&batch, error) && has_record(&batch, &has_runs, error);
    for (size_t i = 0; done && i < settings->job_count; i++)
        done = print_job(&batch, &settings->jobs[i], has_runs, error);
    batch_disconnect(&batch);
    return done;
}
