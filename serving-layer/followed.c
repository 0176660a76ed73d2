/* SPDX-License-Identifier: Apache-2.0 */
#include "followed.h"

#include <stdlib.h>

#include "stores.h"

bool followed_init(struct followed_sources *followed, const struct settings *settings, struct error *error)
{
    *followed = (struct followed_sources){.settings = settings,
                                          .metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT),
                                          .snapshots = calloc(settings->source_count + 1, sizeof(struct snapshot *))};
    bool done = followed->metrics && followed->snapshots;
    for (size_t i = 0; done && i < settings->source_count; i++) {
        size_t bytes_max = (size_t)settings->http.memory_bytes / settings->source_count;
        followed->snapshots[i] = snapshot_new(&settings->sources[i], bytes_max);
        done = followed->snapshots[i] != NULL;
    }
    if (done)
        store_health_init(&followed->health, followed->metrics);
    return done || error_set(error, ERROR_INTERNAL, "out of memory");
}

bool followed_start(struct followed_sources *followed, struct error *error)
{
    const struct settings *settings = followed->settings;
    struct follower_times times = FOLLOWER_TIMES(settings->http.refresh_us);
    times.silent_us = UNREAD_AFTER_US + settings->speed.flush_every_us;
    const struct follower_listener listener = store_health_listener(&followed->health);
    return stores_open(settings, &followed->stores, error) &&
           follower_new(&followed->stores, followed->snapshots, settings->source_count, times, &listener,
                        &followed->follower, error) &&
           follower_start(followed->follower, error);
}

void followed_stop(struct followed_sources *followed)
{
    follower_destroy(followed->follower);
    followed->follower = NULL;
    stores_close(&followed->stores);
    followed->stores = (struct follower_stores){0};
}

void followed_clean_up(struct followed_sources *followed)
{
    followed_stop(followed);
    for (size_t i = 0; followed->snapshots && i < followed->settings->source_count; i++)
        snapshot_destroy(followed->snapshots[i]);
    free(followed->snapshots);
    metrics_destroy(followed->metrics);
    *followed = (struct followed_sources){0};
}

struct kafka_access settings_kafka_access(const struct settings *settings)
{
    return (struct kafka_access){.brokers = settings->kafka.brokers,
                                 .group = settings->kafka.group,
                                 .properties = settings->kafka.properties.entries,
                                 .property_count = settings->kafka.properties.count};
}
