/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kafka/consumer.h"
#include "program/program.h"
#include "redis/redis_store.h"
#include "speed.h"

#define GROUP_SUFFIX "-replay"

struct replaying {
    struct settings settings; /* with a group of its own, and the sources below */
    struct source *sources;   /* without dead letters, which whoever follows the topic writes */
    const char **places;      /* see struct speed */
    size_t count;
    struct realtime_store *store;
    struct consumer *consumer; /* of no topics: it knows how many partitions one has */
};

/* Whether programs follow the source by this definition, or did so last. */
static bool find_use(const struct replaying *replaying, const struct source *source, bool *ret_in_use,
                     struct error *error)
{
    int32_t partitions = 0;
    struct slot_definitions definitions;
    struct realtime_store *store = replaying->store;
    *ret_in_use = false;
    if (!replaying->consumer->operations->partition_count(replaying->consumer, source->topic, &partitions, error))
        return false;
    for (int32_t i = 0; i < partitions && !*ret_in_use; i++) {
        if (!store->operations->definitions(store, source->name, i, &definitions, error))
            return false;
        *ret_in_use = strcmp(definitions.reader, source->fingerprint) == 0;
    }
    return true;
}

/* What an earlier replay has left is no longer wanted: it may have been another release's. */
static bool forget_left(const struct replaying *replaying, const struct source *source, struct error *error)
{
    int32_t partitions = 0;
    struct realtime_store *store = replaying->store;
    bool done =
        replaying->consumer->operations->partition_count(replaying->consumer, source->topic, &partitions, error);
    for (int32_t i = 0; done && i < partitions; i++) {
        bool was_there;
        done = store->operations->forget(store, slot_id_of(source, i), 0, &was_there, error);
    }
    return done;
}

/* Slots of a definition of their own, which no file has. */
static bool build_beside(struct replaying *replaying, struct source *source, struct error *error)
{
    struct buffer form = {0};
    buffer_appendf(&form, "replay of %s\n", source->fingerprint);
    return fingerprint_of(&form, source->fingerprint) ? forget_left(replaying, source, error)
                                                      : error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool take_source(struct replaying *replaying, const struct source *source, struct error *error)
{
    bool in_use;
    if (!find_use(replaying, source, &in_use, error))
        return false;
    if (in_use && !source->is_stream_alone)
        return error_set(error, ERROR_CONFIGURATION,
                         "the source %s has a batch layer, and is in use by this file: tidemark-batch replay computes "
                         "it anew, and the speed layer goes on behind the cut",
                         source->name);
    struct source *own = &replaying->sources[replaying->count];
    *own = *source;
    own->dead_letter = NULL;
    replaying->places[replaying->count++] = in_use ? source->fingerprint : NULL;
    log_info("source %s: %s", source->name,
             in_use ? "its slots give way to those that are built beside them"
                    : "slots of this definition are built, beside those that are in use");
    return !in_use || build_beside(replaying, own, error);
}

static bool take_sources(struct replaying *replaying, const struct settings *settings, const char *only_source,
                         struct error *error)
{
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct source *source = &settings->sources[i];
        bool is_wanted = only_source ? strcmp(source->name, only_source) == 0 : !source->is_batch_alone;
        if (is_wanted && source->is_batch_alone)
            return error_set(error, ERROR_CONFIGURATION, "the source %s says speed: none: there is nothing to replay",
                             source->name);
        if (is_wanted && !take_source(replaying, source, error))
            return false;
    }
    if (replaying->count > 0)
        return true;
    return only_source
               ? error_set(error, ERROR_USAGE, "the configuration has no source %s", only_source)
               : error_set(error, ERROR_CONFIGURATION, "each source says speed: none: there is nothing to replay");
}

static bool open_world(struct replaying *replaying, const struct settings *settings, const char *group,
                       struct error *error)
{
    const struct consumer_events nothing = {0};
    const struct kafka_access access = {.brokers = settings->kafka.brokers,
                                        .group = group,
                                        .properties = settings->kafka.properties.entries,
                                        .property_count = settings->kafka.properties.count};
    return redis_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                            &replaying->store, error) &&
           kafka_consumer_open(&access, NULL, 0, &nothing, &replaying->consumer, error);
}

static void close_world(struct replaying *replaying)
{
    if (replaying->consumer)
        replaying->consumer->operations->destroy(replaying->consumer);
    if (replaying->store)
        replaying->store->operations->destroy(replaying->store);
}

int speed_replay(const struct settings *settings, const char *only_source)
{
    char group[512];
    struct error error = {0};
    struct replaying replaying = {.settings = *settings,
                                  .sources = calloc(settings->source_count + 1, sizeof *replaying.sources),
                                  .places = calloc(settings->source_count + 1, sizeof *replaying.places)};
    (void)snprintf(group, sizeof group, "%s" GROUP_SUFFIX, settings->kafka.group);
    bool ready = replaying.sources && replaying.places;
    ready = ready ? open_world(&replaying, settings, group, &error) &&
                        take_sources(&replaying, settings, only_source, &error)
                  : error_set(&error, ERROR_INTERNAL, "out of memory");
    close_world(&replaying);
    replaying.settings.kafka.group = group;
    replaying.settings.sources = replaying.sources;
    replaying.settings.source_count = replaying.count;
    replaying.settings.detector_count = 0;
    int code = ready ? speed_run_replay(&replaying.settings, replaying.places) : program_fail(&error);
    free(replaying.sources);
    free((void *)replaying.places);
    return code;
}
