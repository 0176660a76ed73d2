/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/run_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "base/spelling.h"
#include "database/schema.h"
#include "jobs/handed_days.h"
#include "jobs/job_work.h"
#include "jobs/query.h"
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

bool job_days_parse(const struct settings *settings, const struct job_days *days, int64_t *ret_from, int64_t *ret_to,
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
    if (has_days && job->kind == JOB_QUERY && !job_has_days(job))
        return error_set(error, ERROR_USAGE,
                         "--date, --from and --to are for jobs by days, and the query of %s asks for none", job->name);
    if (!job_days_parse(settings, days, &from, &to, error))
        return false;
    *ret_job = job;
    return true;
}

struct day_list {
    int64_t *days;
    size_t count;
};

static bool append_day(void *context, int64_t day, struct error *error)
{
    struct day_list *list = context;
    for (size_t i = 0; i < list->count; i++)
        if (list->days[i] == day)
            return true;
    int64_t *days = realloc(list->days, (list->count + 1) * sizeof *days);
    if (!days)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    list->days = days;
    list->days[list->count++] = day;
    return true;
}

/* Prints what was done, where somebody may wait for each line, and notes the day. */
static void print_made(void *context, int64_t day, int64_t orders)
{
    char date[DATE_SIZE];
    struct error error = {0};
    date_print(day, date);
    printf("processed %" PRId64 " orders for %s\n", orders, date);
    fflush(stdout);
    if (!append_day(context, day, &error))
        log_warning("%s", error.message);
}

static void print_queried(const struct job_work *work)
{
    char date[DATE_SIZE];
    date_print(work->run.day, date);
    if (work->job->kind == JOB_QUERY && work->rows < 0)
        printf("ran the query%s%s\n", work->run.has_day ? " for " : "", work->run.has_day ? date : "");
    else if (work->job->kind == JOB_QUERY)
        printf("wrote %" PRId64 " rows%s%s\n", work->rows, work->run.has_day ? " for " : "",
               work->run.has_day ? date : "");
    fflush(stdout);
}

/* One run by hand: whoever asked for it tries again himself. `day` is NULL where it is of none. */
static bool run_once(const struct settings *settings, struct batch *publishing, const struct job *job,
                     const int64_t *day, struct day_list *made, struct error *error)
{
    const struct job_run run = {
        .job = job->name, .due_us = clock_wall_us(), .has_day = day != NULL, .day = day ? *day : 0};
    struct job_work work;
    bool begun;
    job_work_init(&work, settings, job, &run);
    work.publishing = publishing;
    work.made = print_made;
    work.context = made;
    bool done = job_work_try(&work, &begun, error);
    if (done && !begun)
        done = error_set(error, ERROR_TRY_AGAIN, "a schedule has dealt with this run before it could begin");
    if (done)
        print_queried(&work);
    else if (begun && !shutdown_requested())
        job_work_fail(&work, error);
    if (!done)
        error_context(error, "job %s", job->name);
    job_work_clean_up(&work);
    return done;
}

int run_publishing_job(struct batch *batch, const struct job *job)
{
    struct error error = {0};
    return run_once(batch->settings, batch, job, NULL, NULL, &error) ? 0 : program_fail(&error);
}

/* --- Days -------------------------------------------------------------------------------------------------------- */

static int by_day(const void *a, const void *b)
{
    const int64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static bool read_handed(const struct settings *settings, const struct job *job, struct day_list *list,
                        struct error *error)
{
    struct batch batch = {.settings = settings};
    if (!job_takes_handed_days(job) || job->after_count == 0)
        return true;
    bool done = batch_connect(&batch, error) && schema_migrate(&batch, error) &&
                handed_days_visit(&batch, job, append_day, list, error);
    batch_disconnect(&batch);
    if (list->count > 1)
        qsort(list->days, list->count, sizeof *list->days, by_day);
    return done;
}

/* Those that are asked for, else those that were handed on, else the one before today. */
static bool find_days(const struct settings *settings, const struct job *job, const struct job_days *asked,
                      struct day_list *list, struct error *error)
{
    int64_t from, to;
    bool is_asked = asked->date || asked->from;
    if (!job_days_parse(settings, asked, &from, &to, error) || (!is_asked && !read_handed(settings, job, list, error)))
        return false;
    for (int64_t day = from; day <= to && (is_asked || list->count == 0); day++)
        if (!append_day(list, day, error))
            return false;
    return true;
}

static int run_days(const struct settings *settings, const struct job *job, const struct day_list *list,
                    struct day_list *made)
{
    int code = 0;
    for (size_t i = 0; i < list->count && !shutdown_requested(); i++) {
        struct error error = {0};
        if (run_once(settings, NULL, job, &list->days[i], made, &error))
            continue;
        int failed = program_fail(&error);
        code = code ? code : failed;
        if (error.code != ERROR_DATA)
            break;
    }
    return code;
}

/* An archive that isn't asked for a day writes those that it owes, in one run. */
static int run_for(const struct settings *settings, const struct job *job, const struct job_days *asked,
                   struct day_list *made)
{
    struct day_list list = {0};
    struct error error = {0};
    bool is_asked = asked->date || asked->from;
    if (!job_has_days(job) && !is_asked)
        return run_once(settings, NULL, job, NULL, made, &error) ? 0 : program_fail(&error);
    int code =
        find_days(settings, job, asked, &list, &error) ? run_days(settings, job, &list, made) : program_fail(&error);
    free(list.days);
    return code;
}

int run_job(const struct settings *settings, const struct job *job, const struct job_days *days)
{
    struct day_list made = {0};
    query_warn(job);
    int code = run_for(settings, job, days, &made);
    program_leave_with(code);
    if (made.count > 0)
        summary_sweep_later(job, made.days, made.count);
    free(made.days);
    return code;
}
