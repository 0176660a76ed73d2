/* SPDX-License-Identifier: Apache-2.0 */
#include "database/day_messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum head_column { EPOCH, TIME_ZONE, CUT, ENDS };

static bool read_head(struct batch *batch, const struct source *source, PGresult **ret_head, struct error *error)
{
    const char *values[] = {source->name};
    return connection_query(batch->connection,
                            "select epoch, time_zone, (select json_object_agg(partition, cut order by partition) from "
                            "tidemark.partition where source = $1 and cut is not null), (select array_agg(coalesce("
                            "p.cut, 0) order by n) from generate_series(0, (select max(partition) from "
                            "tidemark.partition where source = $1)) n left join tidemark.partition p on p.source = $1 "
                            "and p.partition = n) from tidemark.source "
                            "where name = $1 and epoch > 0 and time_zone is not null",
                            1, values, ret_head, error);
}

static bool check_head(const struct batch *batch, const struct source *source, const PGresult *head,
                       struct error *error)
{
    const char *zone = zone_name(batch->settings->zone);
    if (PQntuples(head) == 0)
        return error_set(error, ERROR_TRY_AGAIN,
                         "nothing of the source %s is published yet: tidemark-batch run does so", source->name);
    return text_equal(result_text(head, 0, TIME_ZONE), text_of(zone)) ||
           error_set(error, ERROR_CONFIGURATION,
                     "the days of raw.%s are those of %s, and the configuration says time_zone: %s; tidemark-batch run "
                     "says what to do",
                     source->name, PQgetvalue(head, 0, TIME_ZONE), zone);
}

static const char begin[] = "begin isolation level repeatable read read only";

bool day_messages_begin(struct batch *batch, const struct source *source, int64_t day,
                        struct day_messages *ret_messages, struct error *error)
{
    RESULT *head = NULL;
    struct day_messages messages = {.source = source, .day = {.day = day}};
    const struct day_maker maker = {.name = source->name};
    bool done = batch_connect(batch, error) && schema_migrate(batch, error) &&
                connection_execute(batch->connection, begin, error) && read_head(batch, source, &head, error) &&
                check_head(batch, source, head, error) &&
                changed_days_version(batch->connection, &maker, day, &messages.day.version, error);
    if (done) {
        (void)snprintf(messages.epoch, sizeof messages.epoch, "%s", PQgetvalue(head, 0, EPOCH));
        buffer_append_text(&messages.cut, result_text(head, 0, CUT));
        messages.ends = strdup(PQgetvalue(head, 0, ENDS));
    }
    *ret_messages = messages;
    return done && ((!messages.cut.failed && messages.ends) || error_set(error, ERROR_INTERNAL, "out of memory"));
}

/* " where date = …" */
static void append_of_day(const struct day_messages *messages, const char *alias, struct buffer *sql)
{
    buffer_appendf(sql, " where %s.date = date '1970-01-01' + %" PRId64 "::int", alias, messages->day.day);
}

bool day_messages_read(const struct day_messages *messages, struct batch *batch, const struct buffer *columns,
                       size_t count, struct copy_rows *ret_rows, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select ");
    buffer_append_text(&sql, buffer_text(columns));
    buffer_append_string(&sql, " from ");
    append_raw_table(&sql, messages->source);
    buffer_append_string(&sql, " r");
    append_of_day(messages, "r", &sql);
    buffer_appendf(&sql, " and r.tm_offset < ('%s'::bigint[])[r.tm_partition + 1]", messages->ends);
    sql.failed |= columns->failed;
    bool done = copy_rows_begin(ret_rows, batch->connection, &sql, count, error);
    buffer_clean_up(&sql);
    return done;
}

/* The event times of the day's messages, as they are: whatever its zone, no other version lives there. */
static bool read_times(struct day_messages *messages, struct batch *batch, PGresult **ret_times, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "select count(*), coalesce(min(tm_event_us), 0), coalesce(max(tm_event_us), -1) from ");
    append_raw_table(&sql, messages->source);
    buffer_append_string(&sql, " r");
    append_of_day(messages, "r", &sql);
    bool done = batch_query(batch, &sql, ret_times, error);
    buffer_clean_up(&sql);
    return done;
}

bool day_messages_read_live(struct day_messages *messages, struct batch *batch, struct copy_rows *ret_rows,
                            struct error *error)
{
    RESULT *times = NULL;
    struct buffer sql = {0};
    if (!read_times(messages, batch, &times, error))
        return false;
    messages->count = result_integer(times, 0, 0);
    buffer_append_string(&sql, "select tm_partition, tm_offset from ");
    append_current_table(&sql, messages->source);
    buffer_appendf(&sql, " where tm_event_us between %" PRId64 " and %" PRId64, result_integer(times, 0, 1),
                   result_integer(times, 0, 2));
    bool done = copy_rows_begin(ret_rows, batch->connection, &sql, 2, error);
    buffer_clean_up(&sql);
    return done;
}

void day_messages_end(struct day_messages *messages, struct batch *batch)
{
    if (batch->connection)
        connection_roll_back(batch->connection);
    buffer_clean_up(&messages->cut);
    free(messages->ends);
    messages->ends = NULL;
}
