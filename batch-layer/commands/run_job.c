/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/run_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/shutdown.h"
#include "base/spelling.h"
#include "jobs/archive.h"
#include "jobs/summary.h"
#include "program/program.h"
#include "record/event_time.h"

#define JOBS_NAMED 64
#define FIRST_DAY 10957 /* 2000-01-01, as event times */
#define END_DAY 47482   /* 2100-01-01 */

static bool unknown_job(const struct settings *settings, const char *name, struct error *error)
{
    const char *names[JOBS_NAMED];
    size_t count = 0;
    for (size_t i = 0; i < settings->job_count && count < JOBS_NAMED; i++)
        names[count++] = settings->jobs[i].name;
    const char *meant = nearest_word(name, names, count);
    return error_set(error, ERROR_USAGE, "the configuration has no job %s%s%s%s", name, meant ? "; did you mean " : "",
                     meant ? meant : "", meant ? "?" : "");
}

static bool parse_day(const char *option, const char *text, int64_t *ret_day, struct error *error)
{
    return (rfc3339_date_parse(text_of(text), ret_day) && *ret_day >= FIRST_DAY && *ret_day < END_DAY) ||
           error_set(error, ERROR_USAGE, "--%s is a date from 2000 until 2100, such as 2025-03-15, not %s", option,
                     text);
}

/* The first day and the last one. */
static bool parse_days(const struct settings *settings, const struct job_days *days, int64_t *ret_from, int64_t *ret_to,
                       struct error *error)
{
    if (days->date && (days->from || days->to))
        return error_set(error, ERROR_USAGE, "either --date or --from and --to");
    if (!days->from != !days->to)
        return error_set(error, ERROR_USAGE, "--from and --to go together");
    if (days->date) {
        bool done = parse_day("date", days->date, ret_from, error);
        *ret_to = *ret_from;
        return done;
    }
    if (!days->from) {
        *ret_from = *ret_to = date_of(settings->zone, clock_wall_us() / US_PER_SECOND) - 1;
        return true;
    }
    return parse_day("from", days->from, ret_from, error) && parse_day("to", days->to, ret_to, error) &&
           (*ret_from <= *ret_to ||
            error_set(error, ERROR_USAGE, "--from %s is after --to %s: the first day is given first", days->from,
                      days->to));
}

bool run_job_find(const struct settings *settings, const char *name, const struct job_days *days,
                  const struct job **ret_job, struct error *error)
{
    int64_t from, to;
    const struct job *job = name ? settings_job(settings, text_of(name)) : NULL;
    if (name && !job)
        return unknown_job(settings, name, error);
    bool has_days = days->date || days->from || days->to;
    if (has_days && (!job || job->kind == JOB_PUBLISH))
        return error_set(error, ERROR_USAGE,
                         "--date, --from and --to are for jobs by days, and %s%s publishes what has "
                         "come",
                         job ? "the job " : "a run without a job", job ? job->name : "");
    if (!parse_days(settings, days, &from, &to, error))
        return false;
    *ret_job = job;
    return true;
}

/* Prints what was done, where somebody may wait for each line. */
static bool run_day(const struct settings *settings, const struct job *job, int64_t day, struct error *error)
{
    char date[DATE_SIZE];
    int64_t orders;
    bool done = job->kind == JOB_ARCHIVE ? archive_run(settings, job, day, &orders, error)
                                         : summary_run(settings, job, day, &orders, error);
    if (!done)
        return false;
    date_print(day, date);
    printf("processed %" PRId64 " orders for %s\n", orders, date);
    fflush(stdout);
    return true;
}

/* Those that are asked for; else of an archive those that changed since it wrote them. */
static bool list_days(const struct settings *settings, const struct job *job, const struct job_days *asked,
                      int64_t **ret_days, size_t *ret_count, struct error *error)
{
    int64_t from, to;
    if (!parse_days(settings, asked, &from, &to, error))
        return false;
    if (job->kind == JOB_ARCHIVE && !asked->date && !asked->from)
        return archive_owed_days(settings, job, ret_days, ret_count, error);
    size_t count = (size_t)(to - from + 1);
    int64_t *days = calloc(count, sizeof *days);
    if (!days)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++)
        days[i] = from + (int64_t)i;
    *ret_days = days;
    *ret_count = count;
    return true;
}

int run_job_by_days(const struct settings *settings, const struct job *job, const struct job_days *asked)
{
    int64_t *days = NULL;
    size_t count = 0;
    struct error error = {0};
    if (!list_days(settings, job, asked, &days, &count, &error))
        return program_fail(&error);
    int code = 0;
    for (size_t i = 0; i < count && !shutdown_requested(); i++) {
        if (run_day(settings, job, days[i], &error))
            continue;
        int failed = program_fail(&error);
        code = code ? code : failed;
        if (error.code != ERROR_DATA)
            break;
    }
    program_leave_with(code);
    summary_sweep_later(job, days, count);
    free(days);
    return code;
}
