/* SPDX-License-Identifier: Apache-2.0
 * A copy of a bad message until it is written, and the letter made of it. */
#ifndef TIDEMARK_KAFKA_DEAD_LETTER_RECORD_H
#define TIDEMARK_KAFKA_DEAD_LETTER_RECORD_H

#include "kafka/transaction_writer.h"
#include "ports/dead_letters.h"

struct dead_letter_copy {
    const struct source *source;
    int32_t partition;
    int64_t offset, record_time_us;
    const char *field, *reason;
    char *bytes; /* key and payload, one after the other */
    struct text key, payload;
    rd_kafka_headers_t *headers; /* the message's own; NULL: none */
};

/* False where memory is short. */
bool dead_letter_copy_init(struct dead_letter_copy *letter, const struct dead_letter *from);
void dead_letter_copy_clean_up(struct dead_letter_copy *letter);

#define DEAD_LETTER_KEY_SIZE 320

/* The letter as a record, which points into it and into `key`. Without `whole` it goes without the message's bytes, key
 * and headers. */
struct transaction_record dead_letter_record(const struct dead_letter_copy *letter, bool whole,
                                             char key[DEAD_LETTER_KEY_SIZE]);

#endif
