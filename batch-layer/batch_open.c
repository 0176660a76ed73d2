/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_open.h"

#include <stdlib.h>

#include "batch_metrics.h"
#include "engine/engine.h"
#include "kafka/kafka_log.h"
#include "master/master.h"
#include "ports/readers.h"
#include "publication/publisher.h"
#include "redis/sourced_store.h"

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
    if (!settings_have_batch_layer(settings)) {
        batch_close(&batch);
        return error_set(error, ERROR_CONFIGURATION, "no source has a batch layer: each says batch: none");
    }
    bool done = batch.access && batch.metrics ? kafka_log_open(batch.access, &batch.log, error)
                                              : error_set(error, ERROR_INTERNAL, "out of memory");
    done = done &&
           sourced_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                              settings->sources, settings->source_count, &batch.realtime, error) &&
           postgres_publications_open(settings->postgres.url, settings->postgres.password, &batch.publications, error);
    if (!done) {
        batch_close(&batch);
        return false;
    }
    *ret_batch = batch;
    return true;
}
