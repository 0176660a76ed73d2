/* SPDX-License-Identifier: Apache-2.0
 * dead_letter_store over Kafka: letters and checkpoint change in one transaction.
 *
 * A letter has the key "topic/partition/offset", the message's bytes, its own headers, and after them tidemark-topic,
 * -partition, -offset, -field, -reason, -key (the message's key, where it has one) and -timestamp (its record time in
 * milliseconds, where it has one). A letter that the topic refuses as too large comes without the message's bytes, key
 * and headers, and says tidemark-payload-length and tidemark-payload-xxh128 instead.
 *
 * A partition that has a bad message gets a producer of its own with the transactional id
 * "<group>/<source>/<partition>": who opens it fences whoever had it. The checkpoint is the offset that the group
 * "<group>-dead-letters" has committed for the source's partition. Only a few producers are kept open, and none for
 * long without letters. */
#ifndef TIDEMARK_KAFKA_DEAD_LETTERS_H
#define TIDEMARK_KAFKA_DEAD_LETTERS_H

#include "kafka/client.h"
#include "ports/dead_letters.h"

/* Doesn't connect yet. The access must outlive it. */
bool kafka_dead_letters_open(const struct kafka_access *access, struct dead_letter_store **ret_store,
                             struct error *error) MUST_CHECK;

#endif
