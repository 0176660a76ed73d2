/* SPDX-License-Identifier: Apache-2.0 */
#include "database/day_messages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define AT_ONCE 10000

enum head_column { EPOCH, TIME_ZONE, CUT };

static bool read_head(struct batch *batch, const struct source *source, PGresult **ret_head, struct error *error)
{
    const char *values[] = {source->name};
    return connection_query(batch->connection,
                            "select epoch, time_zone, (select json_object_agg(partition, cut order by partition) from "
                            "tidemark.partition where source = $1 and cut is not null) from tidemark.source "
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

/* No plan is asked for that is good for the first rows only, or that looks each message up. */
static const char begin[] = "begin isolation level repeatable read read only; set local cursor_tuple_fraction = 1; "
                            "set local enable_nestloop = off";

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
    }
    *ret_messages = messages;
    return done;
}

/* Any moment of the local day, and a day further, for a clock that changes. */
static void append_range(struct buffer *sql, const struct zone *zone, int64_t day)
{
    int64_t from_s = zone_instant(zone, (day - 1) * SECONDS_PER_DAY);
    int64_t to_s = zone_instant(zone, (day + 2) * SECONDS_PER_DAY);
    buffer_appendf(sql, "c.tm_event_us >= %" PRId64 " and c.tm_event_us < %" PRId64, from_s * US_PER_SECOND,
                   to_s * US_PER_SECOND);
}

bool day_messages_fetch(const struct day_messages *messages, struct batch *batch, const struct buffer *columns,
                        rows_take *take, void *context, struct error *error)
{
    struct buffer sql = {0};
    const struct source *source = messages->source;
    buffer_append_string(&sql, "select ");
    buffer_append_text(&sql, buffer_text(columns));
    buffer_append_string(&sql, " from ");
    append_raw_table(&sql, source);
    buffer_append_string(&sql, " r join tidemark.partition p on p.partition = r.tm_partition and r.tm_offset < p.cut "
                               "and p.source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_string(&sql, " left join ");
    append_current_table(&sql, source);
    buffer_append_string(&sql, " c on c.tm_partition = r.tm_partition and c.tm_offset = r.tm_offset and ");
    append_range(&sql, batch->settings->zone, messages->day.day);
    buffer_appendf(&sql, " where r.date = date '1970-01-01' + %" PRId64 "::int", messages->day.day);
    sql.failed |= columns->failed;
    bool done = !sql.failed ? connection_fetch(batch->connection, &sql, AT_ONCE, take, context, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    return done;
}

void day_messages_end(struct day_messages *messages, struct batch *batch)
{
    if (batch->connection)
        connection_roll_back(batch->connection);
    buffer_clean_up(&messages->cut);
}
