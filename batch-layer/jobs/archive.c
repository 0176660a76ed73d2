/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/archive.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "database/day_messages.h"
#include "engine/duckdb/message_table.h"
#include "jobs/timetable.h"
#include "lake/day_folder.h"
#include "lake/manifest.h"

struct archive_day {
    const struct settings *settings;
    const struct job *job;
    char date[DATE_SIZE];
    const char *target; /* the folder that is replaced */
    struct arena arena;
    struct batch batch; /* a connection of its own */
    struct duckdb_session *session;
    struct day_folder folder;
    struct day_messages messages;
    struct message_table table;
};

/* Of the day, as one moment shows them: first which versions live. */
static bool read_live(struct archive_day *day, struct error *error)
{
    struct copy_rows rows = {0};
    return day_messages_read_live(&day->messages, &day->batch, &rows, error) &&
           message_table_open(&day->table, &day->job->archive.source->schema, day->session, rows, error);
}

/* From PostgreSQL into the file. */
static bool write_messages(struct archive_day *day, struct error *error)
{
    struct buffer columns = {0};
    struct copy_rows rows = {0};
    const struct schema *schema = &day->job->archive.source->schema;
    const char *path = arena_printf(&day->arena, "%s/part-%s.parquet", day->folder.made, day->folder.run);
    message_table_columns(schema, &columns);
    bool done =
        (path || error_set(error, ERROR_INTERNAL, "out of memory")) &&
        day_messages_read(&day->messages, &day->batch, &columns, message_table_column_count(schema), &rows, error) &&
        message_table_write(&day->table, rows, day->messages.count, path, error);
    buffer_clean_up(&columns);
    return done;
}

static bool write_manifest(struct archive_day *day, struct error *error)
{
    struct lake_folder input;
    const struct source *source = day->job->archive.source;
    const char *table = arena_printf(&day->arena, "raw.%s", source->name);
    const struct manifest_count counts[] = {
        {"messages", day->table.messages}, {"orders", day->table.live}, {"rows", day->table.messages}, {0}};
    if (!table || !lake_table(table, &day->arena, &input, error))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    const struct manifest manifest = {.job = day->job->name,
                                      .run = day->folder.run,
                                      .day = day->date,
                                      .definition = source->fingerprint,
                                      .engine = "duckdb",
                                      .epoch = day->messages.epoch,
                                      .cut = buffer_string(&day->messages.cut),
                                      .counts = counts,
                                      .inputs = &input,
                                      .input_count = 1};
    return manifest_write(&manifest, day->folder.made, error);
}

/* Where this isn't recorded any more, the day is written once more. */
static bool hand_on(struct archive_day *day, struct error *error)
{
    const struct day_maker source = {.name = day->job->archive.source->name};
    const struct day_maker itself = {.is_job = true, .name = day->job->name};
    const struct changed_day *changed = &day->messages.day;
    if (!batch_connect(&day->batch, error))
        return false;
    PGconn *connection = day->batch.connection;
    bool done = connection_execute(connection, "begin", error) &&
                (changed->version == 0 || changed_days_take(connection, &source, day->job->name, changed, error)) &&
                changed_days_note(connection, &itself, changed->day, error) &&
                connection_execute(connection, "commit", error);
    if (!done)
        connection_roll_back(connection);
    return done;
}

static bool make_files(struct archive_day *day, struct error *error)
{
    if (!read_live(day, error))
        return false;
    crash_point("before_files");
    if (!write_messages(day, error))
        return false;
    crash_point("before_manifest");
    return write_manifest(day, error);
}

static bool begin_folder(struct archive_day *day, struct error *error)
{
    day->target = lake_path(day->job->archive.write, day->date, &day->arena);
    if (!day->target)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    return day_folder_begin(day->target, &day->folder, error) &&
           duckdb_session_open(day->settings->batch.duckdb, day->folder.spill, &day->session, error);
}

static bool write_day(struct archive_day *day, int64_t number, struct error *error)
{
    bool done = begin_folder(day, error) &&
                day_messages_begin(&day->batch, day->job->archive.source, number, &day->messages, error) &&
                make_files(day, error);
    message_table_clean_up(&day->table);
    day_messages_end(&day->messages, &day->batch);
    duckdb_session_close(day->session);
    done = done && day_folder_place(&day->folder, error);
    crash_point("before_hand_on");
    if (!done)
        return day->target && day_folder_explain(day->target, error);
    return hand_on(day, error);
}

bool archive_run(const struct settings *settings, const struct job *job, int64_t day, int64_t *ret_orders,
                 struct error *error)
{
    struct archive_day state = {.settings = settings, .job = job, .batch = {.settings = settings}};
    date_print(day, state.date);
    bool done = write_day(&state, day, error) || error_context(error, "%s", state.date);
    if (done) {
        *ret_orders = state.table.live;
        log_info("job %s, %s: %" PRId64 " messages, %" PRId64 " orders that count", job->name, state.date,
                 state.table.messages, state.table.live);
    }
    if (state.folder.work)
        day_folder_clean_up(&state.folder);
    batch_disconnect(&state.batch);
    arena_clean_up(&state.arena);
    return done;
}

bool archive_owed_days(const struct settings *settings, const struct job *job, int64_t **ret_days, size_t *ret_count,
                       struct error *error)
{
    struct batch batch = {.settings = settings};
    const struct day_maker source = {.name = job->archive.source->name};
    struct changed_day *changed = NULL;
    size_t count = 0;
    int64_t *days = NULL;
    bool done = batch_connect(&batch, error) && schema_migrate(&batch, error) &&
                changed_days_read(batch.connection, &source, job->name, &changed, &count, error);
    if (done && !(days = calloc(count + 1, sizeof *days)))
        done = error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; days && i < count; i++)
        days[i] = changed[i].day;
    free(changed);
    batch_disconnect(&batch);
    if (!done)
        return false;
    *ret_days = days;
    *ret_count = count;
    return true;
}
