/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "ports/group.h"

#define STATEMENT_TIMEOUT_MS (4 * 3600 * 1000) /* a whole rebuild is one statement a view */
#define LOCK_TIMEOUT_MS 30000

void batch_close(struct batch *batch)
{
    batch_disconnect(batch);
    if (batch->group)
        batch->group->operations->destroy(batch->group);
    if (batch->log)
        batch->log->operations->destroy(batch->log);
    if (batch->realtime)
        batch->realtime->operations->destroy(batch->realtime);
    if (batch->publications)
        batch->publications->operations->destroy(batch->publications);
    metrics_destroy(batch->metrics);
    free(batch->access);
    *batch = (struct batch){0};
}

bool batch_connect(struct batch *batch, struct error *error)
{
    /* One that died while it was idle shows at the first question. */
    if (batch->connection && connection_execute(batch->connection, "select 1", NULL))
        return true;
    batch_disconnect(batch);
    /* Shown to whoever finds this process in pg_stat_activity, holding a lock. */
    char host[64] = "", application[120];
    gethostname(host, sizeof host - 1);
    snprintf(application, sizeof application, "tidemark-batch pid %d on %s", (int)getpid(), host);
    struct connection_settings settings = {.url = batch->settings->postgres.url,
                                           .password = batch->settings->postgres.password,
                                           .application = application,
                                           .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                           .lock_timeout_ms = LOCK_TIMEOUT_MS};
    return connection_open(&settings, &batch->connection, error);
}

void batch_disconnect(struct batch *batch)
{
    PQfinish(batch->connection);
    batch->connection = NULL;
}

bool batch_execute(struct batch *batch, struct buffer *sql, struct error *error)
{
    bool done = sql->failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                            : connection_execute(batch->connection, buffer_string(sql), error);
    buffer_clear(sql);
    return done;
}

bool batch_query(struct batch *batch, struct buffer *sql, PGresult **ret_result, struct error *error)
{
    bool done = sql->failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                            : connection_query(batch->connection, buffer_string(sql), 0, NULL, ret_result, error);
    buffer_clear(sql);
    return done;
}
