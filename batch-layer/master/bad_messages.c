/* SPDX-License-Identifier: Apache-2.0 */
#include "master/bad_messages.h"

#define ROWS_AT_ONCE "100" /* each may have a megabyte */

bool bad_messages_open(struct batch *batch, const struct source *source, const char *order, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "declare tm_bad no scroll cursor for select partition, \"offset\", "
                               "coalesce((extract(epoch from record_time) * 1000000)::bigint, -1), field, reason, "
                               "payload from tidemark.bad where source = ");
    buffer_append_literal(&sql, text_of(source->name));
    buffer_append_char(&sql, ' ');
    buffer_append_string(&sql, order);
    bool done = batch_execute(batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

bool bad_messages_fetch(struct batch *batch, PGresult **ret_rows, struct error *error)
{
    return connection_query(batch->connection, "fetch " ROWS_AT_ONCE " from tm_bad", 0, NULL, ret_rows, error);
}

bool bad_message_init(struct bad_message *message, const PGresult *rows, int row, struct error *error)
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

void bad_message_clean_up(struct bad_message *message)
{
    PQfreemem((void *)(uintptr_t)message->payload.data);
    message->payload = (struct text){0};
}
