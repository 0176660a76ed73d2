/* SPDX-License-Identifier: Apache-2.0
 * Where partitions begin and end, asked of their leaders. */
#ifndef TIDEMARK_KAFKA_EXTENTS_H
#define TIDEMARK_KAFKA_EXTENTS_H

#include "kafka/client.h"
#include "ports/consumer.h"

/* Two requests to each leader, however many partitions it has; those of a topic stand one after the other. Waits up to
 * KAFKA_TIMEOUT_MS for each answer: a client whose connections are busy with fetches answers late. */
void kafka_ask_extents(rd_kafka_t *client, struct consumer_extent extents[], size_t count);

/* The first offset whose record time is at or after `at_ms`, or what RD_KAFKA_OFFSET_END in its place asks for; -1
 * where nobody says it in time. */
int64_t kafka_ask_offset(rd_kafka_t *client, const char *topic, int32_t partition, int64_t at_ms, int timeout_ms);

#endif
