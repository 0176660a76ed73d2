/* SPDX-License-Identifier: Apache-2.0
 * Topics that the programs write to are made where they aren't there. */
#ifndef TIDEMARK_KAFKA_TOPICS_H
#define TIDEMARK_KAFKA_TOPICS_H

#include "kafka/client.h"

/* Creates the topic where it isn't there yet, with one partition, and room for messages of LARGEST_LETTER; a broker
 * without that request is left as it is. */
bool kafka_topic_ensure(rd_kafka_t *client, const char *topic, struct error *error) MUST_CHECK;

/* The same by a client of its own. */
bool kafka_topic_create(const struct kafka_access *access, const char *topic, struct error *error) MUST_CHECK;

/* The largest message that is written, with its headers: 16 MiB. */
#define LARGEST_LETTER "16777216"

#endif
