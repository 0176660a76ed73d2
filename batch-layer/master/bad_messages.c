/* SPDX-License-Identifier: Apache-2.0 */
#include "master/bad_messages.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/shutdown.h"

#define ROWS_AT_ONCE 100 /* each may have a megabyte */

struct listing {
    bad_message_take *take;
    bad_messages_between *between;
    void *context;
};

static bool read_message(struct bad_message *message, const PGresult *rows, int row, struct error *error)
{
    *message = (struct bad_message){.partition = (int32_t)result_integer(rows, row, 0),
                                    .offset = result_integer(rows, row, 1),
                                    .record_time_us = result_integer(rows, row, 2),
                                    .field = result_text(rows, row, 3),
                                    .reason = result_text(rows, row, 4)};
    if (PQgetisnull(rows, row, 5))
        return true;
    const unsigned char *shown = (const unsigned char *)PQgetvalue(rows, row, 5);
    message->payload.data = (const char *)PQunescapeBytea(shown, &message->payload.length);
    return message->payload.data || error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool take_piece(void *context, const PGresult *rows, struct error *error)
{
    const struct listing *listing = context;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    for (int row = 0; row < PQntuples(rows); row++) {
        struct bad_message message;
        if (!read_message(&message, rows, row, error))
            return false;
        bool done = listing->take(listing->context, &message, error);
        PQfreemem((void *)(uintptr_t)message.payload.data);
        if (!done)
            return false;
    }
    return !listing->between || listing->between(listing->context, error);
}

bool bad_messages_read(struct batch *batch, const struct source *source, const char *order, bad_message_take *take,
                       bad_messages_between *between, void *context, struct error *error)
{
    struct listing listing = {take, between, context};
    struct buffer sql = {0};
    buffer_append_string(&sql, "select partition, \"offset\", "
                               "coalesce((extract(epoch from record_time) * 1000000)::bigint, -1), field, reason, "
                               "payload from tidemark.bad where source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_char(&sql, ' ');
    buffer_append_string(&sql, order);
    bool done = connection_fetch(batch->connection, &sql, ROWS_AT_ONCE, take_piece, &listing, error);
    buffer_clean_up(&sql);
    return done;
}

static bool count_kept(struct batch *batch, const struct source *source, int64_t *ret_count, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *count = NULL;
    if (!connection_query(batch->connection, "select count(*) from tidemark.bad where source = $1", 1, values, &count,
                          error))
        return false;
    *ret_count = result_integer(count, 0, 0);
    return true;
}

bool bad_messages_list(struct batch *batch, const struct source *source, int64_t limit,
                       const struct bad_message_list *list, struct error *error)
{
    char order[120];
    int64_t kept = 0;
    snprintf(order, sizeof order, "order by record_time desc nulls last, partition, \"offset\" desc limit %" PRId64,
             limit);
    bool done = connection_execute(batch->connection, "begin isolation level repeatable read read only", error) &&
                count_kept(batch, source, &kept, error);
    if (done) {
        list->head(list->context, kept);
        done = bad_messages_read(batch, source, order, list->message, NULL, list->context, error);
    }
    connection_roll_back(batch->connection);
    return done;
}
