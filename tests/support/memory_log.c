/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct memory_log *log_of(struct event_log *log)
{
    return (struct memory_log *)(void *)log;
}

static bool log_is_up(struct event_log *log, struct error *error)
{
    return !log_of(log)->down || error_set(error, ERROR_UNAVAILABLE, "the log is down");
}

static bool log_cluster(struct event_log *log, char ret_cluster[CLUSTER_ID_MAX], struct error *error)
{
    if (!log_is_up(log, error))
        return false;
    memcpy(ret_cluster, log_of(log)->cluster, CLUSTER_ID_MAX);
    return true;
}

static bool log_partition_count(struct event_log *log, const char *topic, int32_t *ret_count, struct error *error)
{
    (void)topic;
    if (!log_is_up(log, error))
        return false;
    *ret_count = log_of(log)->partition_count;
    return true;
}

static bool log_policy(struct event_log *log, const char *topic, char ret_policy[LOG_POLICY_MAX], struct error *error)
{
    if (!log_is_up(log, error))
        return false;
    if (!log_of(log)->policy)
        return error_set(error, ERROR_PERMISSION, "%s: not authorised", topic);
    snprintf(ret_policy, LOG_POLICY_MAX, "%s", log_of(log)->policy);
    return true;
}

static bool log_ends(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                     struct error *error)
{
    (void)topic;
    if (!log_is_up(log, error))
        return false;
    *ret_first = log_of(log)->partitions[partition].first;
    *ret_end = log_of(log)->partitions[partition].end;
    return true;
}

static bool read_log(struct event_log *log, const char *topic, int32_t number, int64_t from, int64_t to,
                     int64_t *ret_first_available,
                     bool (*take)(void *context, const struct log_message *message, struct error *error), void *context,
                     struct error *error)
{
    (void)topic;
    const struct memory_partition *partition = &log_of(log)->partitions[number];
    if (!log_is_up(log, error))
        return false;
    if (to > partition->end)
        return error_set(error, ERROR_TRY_AGAIN, "the log ends before offset %lld", (long long)to);
    if (partition->first > from) {
        *ret_first_available = partition->first < to ? partition->first : to;
        return true;
    }
    for (int64_t offset = from; offset < to; offset++) {
        const struct memory_message *message = &partition->messages[offset - partition->base];
        struct log_message given = {.offset = offset,
                                    .record_time_us = message->record_time_us,
                                    .key = text_of("key"),
                                    .payload = {message->payload, message->length}};
        if (!message->hole && !take(context, &given, error))
            return false;
    }
    *ret_first_available = from;
    return true;
}

static void log_destroy(struct event_log *log)
{
    (void)log; /* the test cleans up */
}

static const struct event_log_operations memory_log_operations = {
    log_cluster, log_partition_count, log_policy, log_ends, read_log, log_destroy};

void memory_log_init(struct memory_log *log, int32_t count)
{
    *log = (struct memory_log){
        .log = {&memory_log_operations}, .cluster = "memory", .policy = "delete", .partition_count = count};
}

void memory_log_clean_up(struct memory_log *log)
{
    for (size_t i = 0; i < MEMORY_PARTITIONS; i++) {
        struct memory_partition *partition = &log->partitions[i];
        for (int64_t offset = partition->base; offset < partition->end; offset++)
            free(partition->messages[offset - partition->base].payload);
        free(partition->messages);
    }
}

void memory_log_begin_at(struct memory_log *log, int32_t partition, int64_t offset)
{
    struct memory_partition *begun = &log->partitions[partition];
    begun->base = begun->first = begun->end = offset;
}

static int64_t log_append(struct memory_log *log, int32_t number, struct memory_message message)
{
    struct memory_partition *partition = &log->partitions[number];
    size_t count = (size_t)(partition->end - partition->base);
    if (count == partition->capacity) {
        partition->capacity = partition->capacity ? 2 * partition->capacity : 64;
        partition->messages = realloc(partition->messages, partition->capacity * sizeof *partition->messages);
        assert(partition->messages);
    }
    partition->messages[count] = message;
    return partition->end++;
}

int64_t memory_log_append(struct memory_log *log, int32_t partition, const char *payload, int64_t record_time_us)
{
    return log_append(log, partition,
                      (struct memory_message){.record_time_us = record_time_us,
                                              .payload = payload ? strdup(payload) : NULL,
                                              .length = payload ? strlen(payload) : 0});
}

int64_t memory_log_append_hole(struct memory_log *log, int32_t partition)
{
    return log_append(log, partition, (struct memory_message){.hole = true});
}
