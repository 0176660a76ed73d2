/* SPDX-License-Identifier: Apache-2.0
 * A member of a consumer group that is told where to read: the group only says which partitions are whose, offsets are
 * the application's. One thread polls; callbacks come from within poll. Messages are read_committed. */
#ifndef TIDEMARK_KAFKA_CONSUMER_H
#define TIDEMARK_KAFKA_CONSUMER_H

#include "kafka/client.h"
#include "ports/log.h"

struct kafka_consumer;

struct kafka_position {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

struct kafka_consumer_events {
    /* The group gives these partitions (offsets are unset). Nothing is fetched before kafka_consumer_assign. */
    void (*assigned)(void *context, const struct kafka_position partitions[], size_t count);
    /* All partitions go. `lost`: others own them already, so nothing may be committed. */
    void (*revoked)(void *context, bool lost);
    /* Messages of one partition, ascending; their memory is valid during the call. */
    void (*messages)(void *context, const char *topic, int32_t partition, const struct log_message messages[],
                     size_t count);
    /* Nothing more to read: `offset` is the end for now. */
    void (*end)(void *context, const char *topic, int32_t partition, int64_t offset);
    /* The log no longer has the offset that was asked for. */
    void (*out_of_range)(void *context, const char *topic, int32_t partition);
    /* The cluster or a topic is out of reach (repeated while it lasts). */
    void (*trouble)(void *context, const struct error *error);
    void *context;
};

/* Joins the group and subscribes. `access` must outlive it. Doesn't wait for a broker. */
bool kafka_consumer_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                         const struct kafka_consumer_events *events, struct kafka_consumer **ret_consumer,
                         struct error *error) MUST_CHECK;

/* Leaves the group (revoked is called) and frees. */
void kafka_consumer_close(struct kafka_consumer *consumer);

/* Fetches these partitions from these offsets, and no others; none pauses all. */
bool kafka_consumer_assign(struct kafka_consumer *consumer, const struct kafka_position positions[], size_t count,
                           struct error *error) MUST_CHECK;

/* Waits up to `timeout_ms` for messages and serves callbacks. Returns how many messages came. */
size_t kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms);

#define CONSUMER_BATCH 2000 /* messages of one poll at most */

/* Where the log begins and ends for read_committed; asks the broker. */
bool kafka_consumer_extent(struct kafka_consumer *consumer, const char *topic, int32_t partition, int64_t *ret_first,
                           int64_t *ret_end, struct error *error) MUST_CHECK;
/* The end as last heard of, without asking; -1 where it isn't known. */
int64_t kafka_consumer_known_end(struct kafka_consumer *consumer, const char *topic, int32_t partition);
/* The first offset whose record time is at or after `at_us`; -1 where the broker can't say. */
int64_t kafka_consumer_offset_at(struct kafka_consumer *consumer, const char *topic, int32_t partition, int64_t at_us);
bool kafka_consumer_partition_count(struct kafka_consumer *consumer, const char *topic, int32_t *ret_count,
                                    struct error *error) MUST_CHECK;
bool kafka_consumer_cluster(struct kafka_consumer *consumer, char ret_cluster[CLUSTER_ID_MAX], struct error *error);

/* Tells the group's offsets, for lag monitors; doesn't wait, failures don't matter. */
void kafka_consumer_hint(struct kafka_consumer *consumer, const struct kafka_position positions[], size_t count);

#endif
