/* SPDX-License-Identifier: Apache-2.0
 * The consumer port over librdkafka. */
#ifndef TIDEMARK_KAFKA_CONSUMER_H
#define TIDEMARK_KAFKA_CONSUMER_H

#include "kafka/member.h"
#include "ports/consumer.h"

#define CONSUMER_BATCH 2000 /* messages of one poll at most */

/* One of the consumers of a member, which must outlive it, as must `access`. */
bool kafka_consumer_open_of(struct kafka_member *member, const struct kafka_access *access,
                            const struct consumer_events *events, struct consumer **ret_consumer,
                            struct error *error) MUST_CHECK;

/* The only one of a member of its own: joins the group and subscribes; without topics it does neither. `access` must
 * outlive it. Doesn't wait for a broker. */
bool kafka_consumer_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                         const struct consumer_events *events, struct consumer **ret_consumer,
                         struct error *error) MUST_CHECK;

/* The member's librdkafka handle, which stays its own. */
rd_kafka_t *kafka_consumer_client(struct consumer *consumer);

#endif
