/* SPDX-License-Identifier: Apache-2.0
 * One place where librdkafka handles are configured and its errors are translated. */
#ifndef TIDEMARK_KAFKA_CLIENT_H
#define TIDEMARK_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/property.h"

/* How to reach the cluster; whoever keeps a pointer to it says so. */
struct kafka_access {
    const char *brokers, *group;
    const struct property *properties; /* of the configuration; they win over the defaults below */
    size_t property_count;
    const char *client_id; /* NULL: one that doesn't say whose it is; a property client.id wins over it */
};

/* What the brokers know the clients of this access by. */
const char *kafka_client_id(const struct kafka_access *access);

/* A handle with the defaults common to all of its type, then `defaults` (ended by a row without a name), then the
 * properties of the configuration, which may name any librdkafka property but those that decide who owns an offset.
 * `prepare`, if not NULL, sets callbacks. ERROR_CONFIGURATION where a property is refused. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, const struct kafka_access *access, const struct property defaults[],
                             void (*prepare)(rd_kafka_conf_t *, void *), void *context, struct error *error);

/* Sets the error from librdkafka's: ERROR_UNAVAILABLE where waiting can help, ERROR_PERMISSION for authentication,
 * authorisation and policies of the cluster. Returns false. */
bool kafka_error(struct error *error, rd_kafka_resp_err_t code, const char *what);

/* Whether this event says that a batch of its partition can't be read: damaged on its way or on the broker's disk
 * (check.crcs), of a format that this librdkafka doesn't know, or, unpacked, larger than receive.message.max.bytes.
 * Sets the error then, ERROR_UNAVAILABLE. What comes next of the partition means nothing until it is assigned anew:
 * librdkafka may go on behind such a batch, or (2.0.2, after a wrong checksum) in its midst, and then at any offset. */
bool kafka_is_unreadable(const rd_kafka_message_t *event, struct error *error);

#define KAFKA_TIMEOUT_MS 10000 /* of requests for metadata and offsets */

/* The cluster's id into `ret_cluster` of `size` bytes. */
bool kafka_cluster(rd_kafka_t *client, char *ret_cluster, size_t size, struct error *error);

/* Partitions of the topic; 0 where it doesn't exist. */
bool kafka_partition_count(rd_kafka_t *client, const char *topic, int32_t *ret_count, struct error *error);

/* The leader of each partition of the topic, by its number: -1 where it has none now. The array is the caller's to
 * free; none where the topic doesn't exist. */
bool kafka_leaders(rd_kafka_t *client, const char *topic, int32_t **ret_leaders, int32_t *ret_count,
                   struct error *error);

/* rd_kafka_assign, and what it sets going has been done when it returns: this version stops a partition twice, and ends
 * the program by an assertion, where it is assigned anew while it is still being stopped. NULL assigns nothing. */
rd_kafka_resp_err_t kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions);

#define KAFKA_CLOSE_US (4 * US_PER_SECOND) /* with what comes before it less than PROGRAM_LEAVE_US */

/* Destroys a consumer that never joined its group. It waits for no broker. NULL is allowed. */
void kafka_consumer_destroy(rd_kafka_t *client);

/* Leaves the group and destroys the consumer. The revocation's callback is called; then it leaves, if a broker answers
 * until then (monotonic time): librdkafka alone would wait for as long as the brokers are silent. Where none does and a
 * shutdown is requested, the client is left to the end of the process. */
void kafka_consumer_leave(rd_kafka_t *client, int64_t until_us);

#endif
