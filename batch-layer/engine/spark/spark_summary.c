/* SPDX-License-Identifier: Apache-2.0
 * Summaries by Spark: the story of a day. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "engine/spark/spark_job.h"
#include "engine/summary_engine.h"
#include "lake/manifest.h"

#define JOB "_job.py"
#define LOG_LINES 30 /* of its end, that are shown */
#define LOOK_EVERY_MS 100
#define GRACE_MS 10000 /* that it is given after a TERM */
#define CANNOT_START 127
#define REFUSED "\ntidemark: " /* begins the line in which the job says why */
#define TEXT_MAX ((size_t)64 << 20)

/* Paths beside the folder that is made. */
struct spark_day {
    struct summary_day *day;
    const char *job, *log, *report, *bad;
};

/* --- The process ------------------------------------------------------------------------------------------------- */

static void become_spark(const struct spark_day *spark)
{
    const struct settings *settings = spark->day->settings;
    const char *const arguments[] = {settings->batch.spark_submit,
                                     "--master",
                                     settings->batch.spark_master,
                                     spark->job,
                                     "--write",
                                     spark->day->folder.made,
                                     "--run",
                                     spark->day->folder.run,
                                     "--report",
                                     spark->report,
                                     "--bad",
                                     spark->bad,
                                     NULL};
    int log = open(spark->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666),
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setpgid(0, 0) == 0 && log >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(CANNOT_START);
}

/* Ends all that it started. */
static int end_spark(pid_t child)
{
    int status = 0;
    (void)kill(-child, SIGTERM);
    for (int waited = 0; waited < GRACE_MS; waited += LOOK_EVERY_MS) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status;
        (void)poll(NULL, 0, LOOK_EVERY_MS);
    }
    (void)kill(-child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return status;
}

static bool run_spark(const struct spark_day *spark, int *ret_status, struct error *error)
{
    pid_t child = fork();
    if (child == 0)
        become_spark(spark);
    if (child < 0)
        return error_set(error, ERROR_UNAVAILABLE, "can't start a process: %s", strerror(errno));
    while (waitpid(child, ret_status, WNOHANG) == 0) {
        if (shutdown_sleep(LOOK_EVERY_MS))
            continue;
        *ret_status = end_spark(child);
        return error_set(error, ERROR_TRY_AGAIN, "Spark was asked to end before it was done");
    }
    return true;
}

/* --- What it says ------------------------------------------------------------------------------------------------ */

/* All of a file; nothing where it isn't there. */
static void read_text(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "re");
    size_t taken = 1;
    while (file && taken > 0 && out->length < TEXT_MAX && buffer_reserve(out, 65536)) {
        taken = fread(out->data + out->length, 1, 65536, file);
        out->length += taken;
    }
    if (file)
        (void)fclose(file);
    buffer_append_string(out, "");
}

/* Where so many lines before the end begin. */
static const char *last_lines(const struct buffer *text, int lines)
{
    const char *begin = buffer_string(text), *at = begin + text->length;
    while (at > begin && at[-1] == '\n')
        at--;
    for (; at > begin; at--)
        if (at[-1] == '\n' && --lines == 0)
            break;
    return at;
}

static void show_end(const char *at)
{
    while (*at) {
        size_t length = strcspn(at, "\n");
        log_error("spark: %.*s", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

static bool fail(const struct spark_day *spark, int status, struct error *error)
{
    struct buffer text = {0};
    const char *submit = spark->day->settings->batch.spark_submit, *refused;
    read_text(spark->log, &text);
    refused = text.length > 0 ? strstr(buffer_string(&text), REFUSED) : NULL;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == SPARK_REFUSED && refused) {
        refused += strlen(REFUSED);
        error_set(error, ERROR_DATA, "%.*s", (int)strcspn(refused, "\n"), refused);
    } else if (code == CANNOT_START && text.length == 0) {
        error_set(
            error, ERROR_CONFIGURATION,
            "%s can't be started, which is \"batch.spark_submit\": it comes with Spark, and with pyspark from PyPI",
            submit);
    } else {
        show_end(last_lines(&text, LOG_LINES));
        error_set(error, ERROR_UNAVAILABLE, "%s failed with %s %d; the end of its log is shown above", submit,
                  code >= 0 ? "the exit code" : "the signal", code >= 0 ? code : WTERMSIG(status));
    }
    buffer_clean_up(&text);
    return false;
}

static bool take_report(const struct spark_day *spark, struct error *error)
{
    struct summary_day *day = spark->day;
    struct buffer text = {0};
    long long numbers[5];
    read_text(spark->report, &text);
    bool done = sscanf(buffer_string(&text), "%lld %lld %lld %lld %lld", &numbers[0], &numbers[1], &numbers[2],
                       &numbers[3], &numbers[4]) == 5;
    buffer_clean_up(&text);
    if (!done)
        return error_set(error, ERROR_INTERNAL, "Spark has left no report in %s", spark->report);
    day->messages = numbers[0];
    day->bad.count = numbers[1];
    day->orders_counted = numbers[2];
    day->other_days = numbers[3];
    day->rows = numbers[4];
    read_text(spark->bad, &day->bad.lines);
    buffer_append(&day->bad.first, buffer_string(&day->bad.lines), strcspn(buffer_string(&day->bad.lines), "\n"));
    return true;
}

/* --- The day ----------------------------------------------------------------------------------------------------- */

static bool print_job(const struct spark_day *spark, struct error *error)
{
    struct summary_day *day = spark->day;
    struct buffer text = {0};
    spark_job_append(day->job, day->day, day->date, day->inputs, &text);
    bool done = !text.failed ? lake_file_write(day->folder.made, JOB, buffer_text(&text), error)
                             : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&text);
    return done;
}

static bool make(struct summary_day *day, struct error *error)
{
    struct spark_day spark = {.day = day,
                              .job = arena_printf(&day->arena, "%s/" JOB, day->folder.made),
                              .log = arena_printf(&day->arena, "%s/spark.log", day->folder.work),
                              .report = arena_printf(&day->arena, "%s/report", day->folder.work),
                              .bad = arena_printf(&day->arena, "%s/bad", day->folder.work)};
    int status = 0;
    if (!spark.job || !spark.log || !spark.report || !spark.bad)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!spark_job_list(day->settings, day->job, day->date, &day->arena, &day->inputs, &day->input_count, error) ||
        !print_job(&spark, error))
        return false;
    crash_point("before_files");
    if (!run_spark(&spark, &status, error))
        return false;
    return status == 0 ? take_report(&spark, error) : fail(&spark, status, error);
}

const struct summary_engine spark_summary_engine = {.name = "spark", .make = make};
