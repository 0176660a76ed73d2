/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/extents.h"

#include <stdlib.h>
#include <string.h>

/* Partitions by their leaders: each leader is asked alone, so that one that is silent costs only its own. */
struct lookup {
    struct consumer_extent *extents;
    int32_t *leaders;
    size_t count;
};

/* Where the leader isn't known, the partition has an error. */
static void find_leaders(rd_kafka_t *client, struct lookup *lookup)
{
    int32_t *leaders = NULL, count = 0;
    struct error error = {0};
    for (size_t i = 0; i < lookup->count; i++) {
        struct consumer_extent *extent = &lookup->extents[i];
        if (i == 0 || strcmp(extent->topic, extent[-1].topic) != 0) {
            free(leaders);
            leaders = NULL;
            count = 0;
            error.code = ERROR_NONE;
            (void)kafka_leaders(client, extent->topic, &leaders, &count, &error);
        }
        lookup->leaders[i] = extent->partition < count ? leaders[extent->partition] : -1;
        extent->error = error;
        if (error.code == ERROR_NONE && lookup->leaders[i] < 0)
            error_set(&extent->error, ERROR_UNAVAILABLE, "kafka: %s: a partition has no leader", extent->topic);
    }
    free(leaders);
}

/* Of the leader's partitions without an error. `which` is RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END: a broker
 * takes them where it takes a time. */
static void ask_leader(rd_kafka_t *client, int32_t leader, int64_t which, const struct lookup *lookup)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)lookup->count);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct consumer_extent *extent = &lookup->extents[i];
        if (lookup->leaders[i] == leader && extent->error.code == ERROR_NONE)
            rd_kafka_topic_partition_list_add(list, extent->topic, extent->partition)->offset = which;
    }
    if (list->cnt)
        code = rd_kafka_offsets_for_times(client, list, KAFKA_TIMEOUT_MS);
    for (size_t i = 0; list->cnt && i < lookup->count; i++) {
        struct consumer_extent *extent = &lookup->extents[i];
        const rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_find(list, extent->topic, extent->partition);
        if (one && (code || one->err))
            kafka_error(&extent->error, code ? code : one->err, extent->topic);
        else if (one && one->offset < 0)
            error_set(&extent->error, ERROR_UNAVAILABLE, "kafka: %s: the leader says no offset", extent->topic);
        else if (one)
            *(which == RD_KAFKA_OFFSET_END ? &extent->end : &extent->first) = one->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_ask_extents(rd_kafka_t *client, struct consumer_extent extents[], size_t count)
{
    struct lookup lookup = {extents, calloc(count + 1, sizeof(int32_t)), count};
    for (size_t i = 0; !lookup.leaders && i < count; i++)
        error_set(&extents[i].error, ERROR_INTERNAL, "out of memory");
    if (!lookup.leaders)
        return;
    find_leaders(client, &lookup);
    for (size_t i = 0; i < count; i++) {
        bool is_first = lookup.leaders[i] >= 0;
        for (size_t before = 0; is_first && before < i; before++)
            is_first = lookup.leaders[before] != lookup.leaders[i];
        if (!is_first)
            continue;
        ask_leader(client, lookup.leaders[i], RD_KAFKA_OFFSET_BEGINNING, &lookup);
        ask_leader(client, lookup.leaders[i], RD_KAFKA_OFFSET_END, &lookup);
    }
    free(lookup.leaders);
}

/* rd_kafka_query_watermark_offsets of librdkafka 2.0.2 would wait for silent brokers until the request itself expires,
 * after a minute. */
int64_t kafka_ask_offset(rd_kafka_t *client, const char *topic, int32_t partition, int64_t at_ms, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = at_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
    int64_t offset = code || list->elems[0].err || list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}
