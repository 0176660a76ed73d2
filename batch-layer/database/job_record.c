/* SPDX-License-Identifier: Apache-2.0 */
#include "database/job_record.h"

#include <inttypes.h>
#include <stdio.h>

bool job_record_read(struct batch *batch, const char *job, int64_t *due_s, struct error *error)
{
    const char *values[] = {job};
    RESULT *row = NULL;
    if (!connection_query(batch->connection,
                          "select floor(extract(epoch from due_at))::bigint from tidemark.job where name = $1", 1,
                          values, &row, error))
        return false;
    if (PQntuples(row) == 1)
        *due_s = result_integer(row, 0, 0);
    return true;
}

bool job_record_write(struct batch *batch, const char *job, int64_t due_s, struct error *error)
{
    char due[24];
    snprintf(due, sizeof due, "%" PRId64, due_s);
    const char *values[] = {job, due};
    RESULT *written = NULL;
    return connection_query(batch->connection,
                            "insert into tidemark.job (name, due_at) values ($1, to_timestamp($2::bigint)) "
                            "on conflict (name) do update set due_at = excluded.due_at",
                            2, values, &written, error);
}
