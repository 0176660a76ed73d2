/* SPDX-License-Identifier: Apache-2.0
 * Topics that the programs write to are made where they aren't there; and how the brokers keep those that are read. */
#ifndef TIDEMARK_KAFKA_TOPICS_H
#define TIDEMARK_KAFKA_TOPICS_H

#include "kafka/client.h"
#include "ports/log.h"

/* Creates the topic where it isn't there yet, with one partition, and room for messages of LARGEST_DEAD_LETTER; a
 * broker without that request is left as it is. */
bool kafka_topic_ensure(rd_kafka_t *client, const char *topic, struct error *error) MUST_CHECK;

/* The same with the cleanup.policy compact, where it is made. */
bool kafka_topic_ensure_compacted(rd_kafka_t *client, const char *topic, struct error *error) MUST_CHECK;

/* As the first, by a client of its own. */
bool kafka_topic_create(const struct kafka_access *access, const char *topic, struct error *error) MUST_CHECK;

/* The topic's cleanup.policy; "" where the topic doesn't exist, or the broker doesn't know such a question.
 * ERROR_PERMISSION where the right to ask (DescribeConfigs) is missing; ERROR_TRY_AGAIN where a signal came first. */
bool kafka_topic_policy(rd_kafka_t *client, const char *topic, char ret_policy[LOG_POLICY_MAX],
                        struct error *error) MUST_CHECK;

/* The largest message that is written, with its headers: 16 MiB. */
#define LARGEST_DEAD_LETTER "16777216"

#endif
