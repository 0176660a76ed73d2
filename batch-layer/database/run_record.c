/* SPDX-License-Identifier: Apache-2.0 */
#include "database/run_record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

#define RUNS_KEPT "10000" /* of a source */

bool run_record_begin(struct batch *batch, const struct source *source, const char *kind, int64_t *ret_id,
                      struct error *error)
{
    const char *values[] = {source->name, kind};
    RESULT *died = NULL, *old = NULL, *begun = NULL;
    if (!connection_query(batch->connection,
                          "update tidemark.run set finished_at = clock_timestamp(), outcome = 'died' "
                          "where source = $1 and finished_at is null",
                          1, values, &died, error) ||
        !connection_query(batch->connection,
                          "delete from tidemark.run where source = $1 and id <= (select id from tidemark.run "
                          "where source = $1 order by id desc offset " RUNS_KEPT " limit 1)",
                          1, values, &old, error) ||
        !connection_query(batch->connection,
                          "insert into tidemark.run (source, kind, outcome) values ($1, $2, 'running') returning id", 2,
                          values, &begun, error))
        return false;
    *ret_id = result_integer(begun, 0, 0);
    return true;
}

void run_record_end(struct batch *batch, int64_t id, const char *outcome, const char *message, int64_t messages)
{
    if (!batch->connection || PQstatus(batch->connection) != CONNECTION_OK)
        return;
    char number[24], count[24];
    snprintf(number, sizeof number, "%" PRId64, id);
    snprintf(count, sizeof count, "%" PRId64, messages);
    const char *values[] = {number, outcome, message, count};
    RESULT *ended = NULL;
    struct error error;
    connection_roll_back(batch->connection);
    if (!connection_query(batch->connection,
                          "update tidemark.run set finished_at = clock_timestamp(), outcome = $2, message = $3, "
                          "messages = $4::bigint where id = $1::bigint",
                          4, values, &ended, &error))
        log_warning("%s", error.message);
}

bool run_record_read(struct batch *batch, const struct source *source, size_t most,
                     void (*take)(void *context, const struct run_entry *entry), void *context, struct error *error)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", most);
    const char *values[] = {source->name, limit};
    RESULT *rows = NULL;
    if (!connection_query(batch->connection,
                          "select kind, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS\"Z\"'), "
                          "coalesce(extract(epoch from finished_at - started_at)::numeric(12,1)::text || ' s', '-'), "
                          "outcome, messages, rows, coalesce(message, '') from tidemark.run where source = $1 "
                          "order by id desc limit $2::bigint",
                          2, values, &rows, error))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct run_entry entry = {.kind = PQgetvalue(rows, row, 0),
                                        .started_at = PQgetvalue(rows, row, 1),
                                        .duration = PQgetvalue(rows, row, 2),
                                        .outcome = PQgetvalue(rows, row, 3),
                                        .messages = PQgetvalue(rows, row, 4),
                                        .rows = PQgetvalue(rows, row, 5),
                                        .message = PQgetvalue(rows, row, 6)};
        take(context, &entry);
    }
    return true;
}
