/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch_metrics.h"
#include "kafka/kafka_log.h"
#include "master/master.h"
#include "ports/readers.h"
#include "publication/publisher.h"
#include "redis/redis_store.h"

#define STATEMENT_TIMEOUT_MS (4 * 3600 * 1000) /* a whole rebuild is one statement a view */
#define LOCK_TIMEOUT_MS 30000
#define READY_WAIT_MS 10000

/* With its client id behind it. */
static struct kafka_access *access_of(const struct settings *settings)
{
    struct kafka_access *access = malloc(sizeof *access + CLIENT_ID_SIZE);
    if (!access)
        return NULL;
    char *client_id = (char *)(access + 1);
    readers_client_id(settings->redis.name_space, settings->sources, settings->source_count, client_id);
    *access = (struct kafka_access){.brokers = settings->kafka.brokers,
                                    .group = settings->kafka.group,
                                    .properties = settings->kafka.properties.entries,
                                    .property_count = settings->kafka.properties.count,
                                    .client_id = client_id};
    return access;
}

bool batch_open(const struct settings *settings, struct batch *ret_batch, struct error *error)
{
    struct batch batch = {.settings = settings,
                          .master = &postgres_master,
                          .engine = &postgres_engine,
                          .publisher = &postgres_publisher,
                          .ready_wait_ms = READY_WAIT_MS,
                          .metrics = metrics_new(batch_metrics, BATCH_METRIC_COUNT),
                          .unread_after_ms = (UNREAD_AFTER_US + settings->speed.flush_every_us) / 1000,
                          .access = access_of(settings)};
    bool done = batch.access && batch.metrics ? kafka_log_open(batch.access, &batch.log, error)
                                              : error_set(error, ERROR_INTERNAL, "out of memory");
    done = done &&
           redis_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space, &batch.realtime,
                            error) &&
           postgres_publications_open(settings->postgres.url, settings->postgres.password, &batch.publications, error);
    if (!done) {
        batch_close(&batch);
        return false;
    }
    *ret_batch = batch;
    return true;
}

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
