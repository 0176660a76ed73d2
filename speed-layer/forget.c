/* SPDX-License-Identifier: Apache-2.0 */
#include "forget.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kafka/consumer.h"
#include "ports/other_definitions.h"
#include "program/program.h"
#include "redis/redis_store.h"

struct forgetting {
    const struct settings *settings;
    struct realtime_store *store;
    struct consumer *consumer; /* of no topics: it knows how many partitions one has */
    size_t slots;              /* seen, then removed */
};

static bool name_partition(struct forgetting *forgetting, const struct source *source, int32_t partition,
                           struct error *error)
{
    struct slot_definitions definitions;
    struct realtime_store *store = forgetting->store;
    if (!store->operations->definitions(store, source->name, partition, &definitions, error))
        return false;
    for (size_t i = 0; i < definitions.count; i++) {
        if (strcmp(definitions.names[i], source->fingerprint) == 0)
            continue;
        bool is_named = *definitions.names[i] != '\0';
        printf("%s/%d: %s%s\n", source->name, (int)partition, is_named ? "definition " : "of an earlier release",
               definitions.names[i]);
        forgetting->slots++;
    }
    return true;
}

static bool forget_partition(struct forgetting *forgetting, const struct source *source, int32_t partition,
                             struct error *error)
{
    size_t forgotten;
    bool done = other_definitions_forget(forgetting->store, source, partition, 0, &forgotten, error);
    forgetting->slots += forgotten;
    return done;
}

static bool for_each_partition(struct forgetting *forgetting,
                               bool (*visit)(struct forgetting *, const struct source *, int32_t, struct error *),
                               struct error *error)
{
    forgetting->slots = 0;
    for (size_t i = 0; i < forgetting->settings->source_count; i++) {
        const struct source *source = &forgetting->settings->sources[i];
        int32_t partitions = 0;
        if (!forgetting->consumer->operations->partition_count(forgetting->consumer, source->topic, &partitions, error))
            return false;
        for (int32_t partition = 0; partition < partitions; partition++)
            if (!visit(forgetting, source, partition, error))
                return false;
    }
    return true;
}

/* Whoever has no terminal has said so by the command. */
static bool is_agreed(const struct forgetting *forgetting)
{
    char answer[8] = "";
    if (isatty(STDIN_FILENO) != 1)
        return true;
    printf("Remove these %zu slots? Programs that still run by such a definition begin theirs anew. [y/N] ",
           forgetting->slots);
    (void)fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static bool forget_others(struct forgetting *forgetting, bool yes, struct error *error)
{
    if (!for_each_partition(forgetting, name_partition, error))
        return false;
    if (forgetting->slots > 0 && !yes && !is_agreed(forgetting)) {
        printf("nothing is removed\n");
        return true;
    }
    if (!for_each_partition(forgetting, forget_partition, error))
        return false;
    printf("%zu slots of other definitions are removed\n", forgetting->slots);
    return true;
}

int speed_forget(const struct settings *settings, bool other_definitions, bool yes)
{
    struct forgetting forgetting = {.settings = settings};
    const struct kafka_access access = {.brokers = settings->kafka.brokers,
                                        .group = settings->kafka.group,
                                        .properties = settings->kafka.properties.entries,
                                        .property_count = settings->kafka.properties.count};
    const struct consumer_events nothing = {0};
    struct error error = {0};
    bool done = other_definitions || error_set(&error, ERROR_USAGE, "forget what? say --other-definitions");
    done = done &&
           redis_store_open(settings->redis.url, settings->redis.password, settings->redis.name_space,
                            &forgetting.store, &error) &&
           kafka_consumer_open(&access, NULL, 0, &nothing, &forgetting.consumer, &error) &&
           forget_others(&forgetting, yes, &error);
    if (forgetting.consumer)
        forgetting.consumer->operations->destroy(forgetting.consumer);
    if (forgetting.store)
        forgetting.store->operations->destroy(forgetting.store);
    return done ? 0 : program_fail(&error);
}
