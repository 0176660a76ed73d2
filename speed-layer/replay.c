/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdio.h>

#include "kafka/consumer.h"
#include "program/program.h"
#include "redis/redis_store.h"
#include "replay_plan.h"
#include "speed.h"

#define GROUP_SUFFIX "-replay"

struct replaying {
    struct replay_plan plan;
    struct realtime_store *store;
    struct consumer *consumer; /* of the group that follows the topics, without being its member */
};

static bool open_world(struct replaying *replaying, const struct settings *settings, const struct kafka_access *access,
                       struct error *error)
{
    const struct consumer_events nothing = {0};
    return redis_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                            &replaying->store, error) &&
           kafka_consumer_open(access, NULL, 0, &nothing, &replaying->consumer, error);
}

static void close_world(struct replaying *replaying)
{
    if (replaying->consumer)
        replaying->consumer->operations->destroy(replaying->consumer);
    if (replaying->store)
        replaying->store->operations->destroy(replaying->store);
    replay_plan_clean_up(&replaying->plan);
}

static int run(const struct replaying *replaying, const struct settings *settings, bool accepts_partitions)
{
    char group[512];
    struct settings own = *settings;
    (void)snprintf(group, sizeof group, "%s" GROUP_SUFFIX, settings->kafka.group);
    own.sources = replaying->plan.sources;
    own.source_count = replaying->plan.count;
    own.detector_count = 0;
    return speed_run_replay(
        &own, &(struct replay_run){group, replaying->plan.places, replaying->consumer, accepts_partitions});
}

int speed_replay(const struct settings *settings, const char *only_source, bool accepts_partitions)
{
    struct error error = {0};
    struct replaying replaying = {0};
    const struct kafka_access access = {.brokers = settings->kafka.brokers,
                                        .group = settings->kafka.group,
                                        .properties = settings->kafka.properties.entries,
                                        .property_count = settings->kafka.properties.count};
    bool ready = open_world(&replaying, settings, &access, &error) &&
                 replay_plan_make(settings, only_source, replaying.store, replaying.consumer, &replaying.plan, &error);
    int code = ready ? run(&replaying, settings, accepts_partitions) : program_fail(&error);
    close_world(&replaying);
    return code;
}
