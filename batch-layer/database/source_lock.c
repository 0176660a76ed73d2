/* SPDX-License-Identifier: Apache-2.0 */
#include "database/source_lock.h"

#define LOCK_KEY "hashtextextended('tidemark run ' || $1, 0)"

static bool report_holder(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *holder = NULL;
    if (!connection_query(batch->connection,
                          "select coalesce(nullif(a.application_name, ''), 'unknown'), l.pid, "
                          "to_char(coalesce((select max(started_at) from tidemark.run "
                          "where source = $1 and finished_at is null), a.backend_start), 'YYYY-MM-DD HH24:MI:SS\"Z\"') "
                          "from pg_locks l left join pg_stat_activity a on a.pid = l.pid "
                          "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and "
                          "l.database = (select oid from pg_database where datname = current_database()) and "
                          "(l.classid::bigint << 32 | l.objid::bigint) = " LOCK_KEY,
                          1, values, &holder, error))
        return false;
    if (PQntuples(holder) == 0)
        return error_set(error, ERROR_TRY_AGAIN, "source %s: another run was at work until now", source->name);
    return error_set(error, ERROR_TRY_AGAIN, "source %s: another run is at work: %s, since %s (server process %s)",
                     source->name, PQgetvalue(holder, 0, 0), PQgetvalue(holder, 0, 2), PQgetvalue(holder, 0, 1));
}

bool source_lock_take(struct batch *batch, const struct source *source, struct error *error)
{
    const char *values[] = {source->name};
    RESULT *taken = NULL;
    if (!connection_query(batch->connection, "select pg_try_advisory_lock(" LOCK_KEY ")", 1, values, &taken, error))
        return false;
    return *PQgetvalue(taken, 0, 0) == 't' || report_holder(batch, source, error);
}

void source_lock_release(struct batch *batch, const struct source *source)
{
    const char *values[] = {source->name};
    RESULT *released = NULL; /* where this fails, the connection is gone and the lock with it */
    if (batch->connection &&
        !connection_query(batch->connection, "select pg_advisory_unlock(" LOCK_KEY ")", 1, values, &released, NULL))
        batch_disconnect(batch);
}
