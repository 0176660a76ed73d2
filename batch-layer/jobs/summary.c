/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "engine/duckdb/summary_plan.h"
#include "jobs/timetable.h"
#include "lake/day_folder.h"
#include "lake/manifest.h"
#include "lake/partition_name.h"

#define TRIES 5 /* where a folder that is read is replaced meanwhile */
#define BAD_ROWS "_bad.ndjson"

struct summary_day {
    const struct settings *settings;
    const struct job *job;
    int64_t day;
    char date[DATE_SIZE];
    struct arena arena;
    struct duckdb_session *session;
    struct day_folder folder;
    struct summary_plan plan;
    struct buffer sql;       /* scratch */
    struct buffer bad;       /* lines of _bad.ndjson */
    struct buffer first_bad; /* what is told of it */
    int64_t messages, bad_count, orders, other_days, rows;
};

static bool is_memory(const struct buffer *buffer, struct error *error)
{
    return !buffer->failed || error_set(error, ERROR_INTERNAL, "out of memory");
}

/* What was put together in `sql`. */
static bool execute(struct summary_day *day, struct error *error)
{
    bool done = is_memory(&day->sql, error) && duckdb_session_execute(day->session, buffer_string(&day->sql), error);
    buffer_clear(&day->sql);
    return done;
}

static bool query(struct summary_day *day, duckdb_row_visitor *visit, void *context, struct error *error)
{
    bool done = is_memory(&day->sql, error) &&
                duckdb_session_query(day->session, buffer_string(&day->sql), visit, context, error);
    buffer_clear(&day->sql);
    return done;
}

static bool take_numbers(void *context, const struct text values[], struct error *error)
{
    int64_t **numbers = context;
    for (size_t i = 0; numbers[i]; i++)
        if (!integer_parse(values[i], numbers[i]))
            return error_set(error, ERROR_INTERNAL, "DuckDB gives no number where one was asked for");
    return true;
}

/* --- Bad rows ---------------------------------------------------------------------------------------------------- */

static bool take_bad(void *context, const struct text values[], struct error *error)
{
    struct summary_day *day = context;
    int64_t folder = 0, file = 0, row = 0;
    int64_t *numbers[] = {&folder, &file, &row, NULL};
    if (!take_numbers(numbers, values, error))
        return false;
    const char *path = day->plan.folders[folder].files[file].path;
    if (day->bad_count++ == 0)
        buffer_appendf(&day->first_bad, "%s, row %" PRId64 ": %.*s", path, row, (int)values[3].length, values[3].data);
    buffer_append_string(&day->bad, "{\"file\": ");
    buffer_append_json(&day->bad, text_of(path));
    buffer_appendf(&day->bad, ", \"row\": %" PRId64 ", \"reason\": ", row);
    buffer_append_json(&day->bad, values[3]);
    buffer_append_string(&day->bad, "}\n");
    return is_memory(&day->bad, error);
}

static bool find_bad(struct summary_day *day, struct error *error)
{
    int64_t breaker = day->job->summary.source->breaker;
    summary_plan_append_bad(&day->plan, breaker > 0 ? breaker + 1 : 0, &day->sql);
    if (!query(day, take_bad, day, error))
        return false;
    if (breaker > 0 && day->bad_count > breaker)
        return error_set(error, ERROR_DATA,
                         "more than %" PRId64 " rows are bad, which is the source's \"breaker\"; the first: %s",
                         breaker, buffer_string(&day->first_bad));
    if (day->bad_count > 0)
        log_warning("job %s, %s: %" PRId64 " bad rows, see " BAD_ROWS "; the first: %s", day->job->name, day->date,
                    day->bad_count, buffer_string(&day->first_bad));
    return true;
}

static bool take_double(void *context, const struct text values[], struct error *error)
{
    const char *path = context;
    return error_set(error, ERROR_DATA, "%s: two rows have the key '%.*s', by which it is joined", path,
                     (int)(values[0].length < 256 ? values[0].length : 256), values[0].data);
}

static bool check_joins(struct summary_day *day, struct error *error)
{
    for (size_t i = 0; i < day->job->summary.join_count; i++) {
        summary_plan_append_double_key(&day->plan, i, &day->sql);
        if (!query(day, take_double, (void *)(uintptr_t)day->plan.folders[1 + i].path, error))
            return false;
    }
    return true;
}

/* --- Rows -------------------------------------------------------------------------------------------------------- */

static bool compute(struct summary_day *day, struct error *error)
{
    int64_t *messages[] = {&day->messages, NULL}, *totals[] = {&day->orders, &day->other_days, &day->rows, NULL};
    summary_plan_append_message_count(&day->sql);
    if (!query(day, take_numbers, messages, error))
        return false;
    summary_plan_append_table(&day->plan, &day->sql);
    if (!execute(day, error))
        return false;
    buffer_append_string(&day->sql,
                         "SELECT coalesce(sum(tm_count), 0)::BIGINT::VARCHAR, "
                         "coalesce(sum(tm_other), 0)::BIGINT::VARCHAR, count(*)::VARCHAR FROM " SUMMARY_TABLE);
    if (!query(day, take_numbers, totals, error))
        return false;
    return day->rows > 0 || day->job->summary.allow_empty ||
           error_set(error, ERROR_DATA,
                     "no order of %s counts: an empty day is written only with \"allow_empty: true\"",
                     day->plan.folders[0].path);
}

static const char *dimension_name(const struct summary_day *day, size_t partition)
{
    const struct view *view = day->job->summary.view;
    return view->schema->fields[view->dimensions[day->job->summary.partition_by[partition]]].name;
}

/* coalesce("dimension"::VARCHAR, ''): null and empty text share a folder. */
static void append_partition(const struct summary_day *day, size_t partition, struct buffer *sql)
{
    buffer_append_string(sql, "coalesce(");
    duckdb_append_identifier(sql, dimension_name(day, partition));
    buffer_append_string(sql, "::VARCHAR, '')");
}

/* The values of each folder, one behind the other. */
struct partitions {
    struct summary_day *day;
    struct buffer values; /* each with a NUL behind */
    size_t count;
};

static bool take_partition(void *context, const struct text values[], struct error *error)
{
    struct partitions *partitions = context;
    for (size_t i = 0; i < partitions->day->job->summary.partition_count; i++) {
        buffer_append_text(&partitions->values, values[i]);
        buffer_append_char(&partitions->values, '\0');
    }
    partitions->count++;
    return is_memory(&partitions->values, error);
}

static bool find_partitions(struct partitions *partitions, struct error *error)
{
    struct summary_day *day = partitions->day;
    buffer_append_string(&day->sql, "SELECT DISTINCT ");
    for (size_t i = 0; i < day->job->summary.partition_count; i++) {
        buffer_append_string(&day->sql, i ? ", " : "");
        append_partition(day, i, &day->sql);
    }
    buffer_append_string(&day->sql, " FROM " SUMMARY_TABLE " ORDER BY ALL");
    return query(day, take_partition, partitions, error);
}

static void append_copy(struct summary_day *day, const char *values, const char *path)
{
    struct buffer *sql = &day->sql;
    buffer_append_string(sql, "COPY (SELECT ");
    summary_plan_append_columns(&day->plan, sql);
    buffer_append_string(sql, " FROM " SUMMARY_TABLE);
    for (size_t i = 0; i < day->job->summary.partition_count; i++, values += strlen(values) + 1) {
        buffer_append_string(sql, i ? " AND " : " WHERE ");
        append_partition(day, i, sql);
        buffer_append_string(sql, " = ");
        duckdb_append_text(sql, text_of(values));
    }
    for (size_t i = 0; i < day->job->summary.view->dimension_count; i++)
        buffer_appendf(sql, "%s%zu NULLS FIRST", i ? ", " : " ORDER BY ", i + 1);
    buffer_append_string(sql, ") TO ");
    duckdb_append_text(sql, text_of(path));
    buffer_append_string(sql, " (FORMAT parquet)");
}

/* Makes the folder of these values below that of the day, and appends its path. */
static bool make_partition(const struct summary_day *day, const char *values, struct buffer *path, struct error *error)
{
    buffer_append_string(path, day->folder.made);
    for (size_t i = 0; i < day->job->summary.partition_count; i++, values += strlen(values) + 1) {
        if (!partition_name_append(path, dimension_name(day, i), text_of(values), error))
            return false;
        if (mkdir(buffer_string(path), 0777) != 0 && errno != EEXIST)
            return error_set(error, ERROR_UNAVAILABLE, "can't make the folder %s: %s", buffer_string(path),
                             strerror(errno));
    }
    return true;
}

static bool write_partition(struct summary_day *day, const char *values, struct error *error)
{
    struct buffer path = {0};
    bool done = make_partition(day, values, &path, error);
    buffer_appendf(&path, "/part-%s.parquet", day->folder.run);
    if (done) {
        append_copy(day, values, buffer_string(&path));
        done = is_memory(&path, error) && execute(day, error);
    }
    buffer_clean_up(&path);
    return done;
}

static bool write_rows(struct summary_day *day, struct error *error)
{
    if (day->job->summary.partition_count == 0)
        return write_partition(day, "", error);
    struct partitions partitions = {.day = day};
    bool done = find_partitions(&partitions, error);
    const char *values = buffer_string(&partitions.values);
    for (size_t i = 0; done && i < partitions.count; i++) {
        done = write_partition(day, values, error);
        for (size_t j = 0; j < day->job->summary.partition_count; j++)
            values += strlen(values) + 1;
    }
    buffer_clean_up(&partitions.values);
    return done;
}

/* --- What lies beside them --------------------------------------------------------------------------------------- */

static bool write_manifest(const struct summary_day *day, struct error *error)
{
    const struct manifest_count counts[] = {{"messages", day->messages}, {"bad", day->bad_count},
                                            {"orders", day->orders},     {"other_days", day->other_days},
                                            {"rows", day->rows},         {0}};
    const struct manifest manifest = {.job = day->job->name,
                                      .run = day->folder.run,
                                      .day = day->date,
                                      .definition = day->job->summary.view->fingerprint,
                                      .epoch = "null",
                                      .cut = "null",
                                      .counts = counts,
                                      .inputs = day->plan.folders,
                                      .input_count = day->plan.count};
    return manifest_write(&manifest, day->folder.made, error);
}

/* --- The day ----------------------------------------------------------------------------------------------------- */

static bool make_rows(struct summary_day *day, struct error *error)
{
    if (!summary_plan_make(day->settings, &day->job->summary, day->date, day->day, day->session, &day->arena,
                           &day->plan, error))
        return false;
    summary_plan_append_views(&day->plan, &day->sql);
    bool done = execute(day, error) && find_bad(day, error) && check_joins(day, error) && compute(day, error);
    crash_point("before_files");
    done = done && write_rows(day, error) &&
           (day->bad_count == 0 || lake_file_write(day->folder.made, BAD_ROWS, buffer_text(&day->bad), error));
    crash_point("before_manifest");
    return done && write_manifest(day, error);
}

/* Everything in memory and on disk that is this try's. */
static void clean_up(struct summary_day *day)
{
    duckdb_session_close(day->session);
    if (day->folder.work)
        day_folder_clean_up(&day->folder);
    arena_clean_up(&day->arena);
    buffer_clean_up(&day->sql);
    buffer_clean_up(&day->bad);
    buffer_clean_up(&day->first_bad);
}

/* *ret_again: a folder that is read was replaced meanwhile, so that a new try is right. */
static bool try_day(struct summary_day *day, bool *ret_again, struct error *error)
{
    char *target = NULL;
    const char *path = lake_path(day->job->summary.write, day->date, &day->arena);
    *ret_again = false;
    if (!path || !(target = strdup(path)))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = day_folder_begin(target, &day->folder, error);
    free(target);
    if (!done || !duckdb_session_open(day->settings->batch.duckdb, day->folder.spill, &day->session, error))
        return false;
    done = make_rows(day, error);
    *ret_again = !summary_plan_is_current(&day->plan);
    duckdb_session_close(day->session);
    day->session = NULL;
    return done && !*ret_again && day_folder_place(&day->folder, error);
}

bool summary_run(const struct settings *settings, const struct job *job, int64_t day, struct summary_result *ret_result,
                 struct error *error)
{
    bool done = false, again = true;
    for (int i = 0; i < TRIES && again && !shutdown_requested(); i++) {
        struct summary_day state = {.settings = settings, .job = job, .day = day};
        date_print(day, state.date);
        error_set(error, ERROR_TRY_AGAIN, "a folder that is read is replaced again and again");
        done = try_day(&state, &again, error);
        if (done) {
            *ret_result = (struct summary_result){state.orders, state.rows};
            log_info("job %s, %s: %" PRId64 " messages, %" PRId64 " orders that count, %" PRId64
                     " of them of another day, %" PRId64 " bad, %" PRId64 " rows",
                     job->name, state.date, state.messages, state.orders, state.other_days, state.bad_count,
                     state.rows);
        } else {
            error_context(error, "job %s, %s", job->name, state.date);
        }
        clean_up(&state);
    }
    if (!done && shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "job %s: a signal was first", job->name);
    return done;
}

void summary_sweep(const struct job *job, int64_t day)
{
    struct arena arena = {0};
    char date[DATE_SIZE];
    date_print(day, date);
    const char *path = lake_path(job_folder(job), date, &arena);
    if (path)
        day_folder_sweep(path);
    arena_clean_up(&arena);
}

void summary_sweep_later(const struct job *job, const int64_t days[], size_t count)
{
    struct arena arena = {0};
    const char **paths = arena_allocate(&arena, count * sizeof *paths);
    size_t filled = 0;
    for (; paths && filled < count; filled++) {
        char date[DATE_SIZE];
        date_print(days[filled], date);
        paths[filled] = lake_path(job_folder(job), date, &arena);
        if (!paths[filled])
            break;
    }
    day_folder_sweep_later(paths, filled);
    arena_clean_up(&arena);
}
