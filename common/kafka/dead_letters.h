/* SPDX-License-Identifier: Apache-2.0
 * Bad messages, kept: raw bytes under the key "topic/partition/offset", with headers that say where and why.
 *
 * Sending is at least once; the key tells a repetition. Any thread may send and flush. */
#ifndef TIDEMARK_KAFKA_DEAD_LETTERS_H
#define TIDEMARK_KAFKA_DEAD_LETTERS_H

#include "kafka/client.h"
#include "ports/log.h"

struct dead_letters;

struct dead_letter {
    const char *to;    /* the dead-letter topic */
    const char *topic; /* where the message lies */
    int32_t partition;
    const struct log_message *message;
    const char *field, *reason; /* field may be "" */
};

bool dead_letters_open(const struct kafka_access *access, struct dead_letters **ret_letters,
                       struct error *error) MUST_CHECK;
void dead_letters_close(struct dead_letters *letters);

/* Creates the topic where it isn't there yet; a broker without that request is left as it is. */
bool dead_letters_create_topic(struct dead_letters *letters, const char *topic, struct error *error) MUST_CHECK;

/* Hands over; waits where the queue is full. */
bool dead_letters_send(struct dead_letters *letters, const struct dead_letter *letter, struct error *error) MUST_CHECK;

/* Waits until all that was sent is acknowledged: only then may the offsets behind it be committed.
 * ERROR_UNAVAILABLE where that takes longer than `timeout_ms`. */
bool dead_letters_flush(struct dead_letters *letters, int timeout_ms, struct error *error) MUST_CHECK;

/* Letters that the broker refused for good (too large for the topic). */
int64_t dead_letters_refused(struct dead_letters *letters);

#endif
