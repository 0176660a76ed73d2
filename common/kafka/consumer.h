/* SPDX-License-Identifier: Apache-2.0
 * The consumer port over librdkafka. */
#ifndef TIDEMARK_KAFKA_CONSUMER_H
#define TIDEMARK_KAFKA_CONSUMER_H

#include "kafka/client.h"
#include "ports/consumer.h"

#define CONSUMER_BATCH 2000 /* messages of one poll at most */

/* Properties of it, which those of the configuration may change; ended by a row without a name. */
extern const struct property kafka_consumer_defaults[];

/* Joins the group and subscribes; without topics it does neither. `access` must outlive it. Doesn't wait for a broker.
 */
bool kafka_consumer_open(const struct kafka_access *access, const char *const topics[], size_t topic_count,
                         const struct consumer_events *events, struct consumer **ret_consumer,
                         struct error *error) MUST_CHECK;

/* Its librdkafka handle, which stays its own. */
rd_kafka_t *kafka_consumer_client(struct consumer *consumer);

#endif
