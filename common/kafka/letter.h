/* SPDX-License-Identifier: Apache-2.0
 * A copy of a bad message until it is written, and the letter made of it. */
#ifndef TIDEMARK_KAFKA_LETTER_H
#define TIDEMARK_KAFKA_LETTER_H

#include "kafka/transaction_writer.h"
#include "ports/dead_letters.h"

struct letter {
    const struct source *source;
    int32_t partition;
    int64_t offset, record_time_us;
    const char *field, *reason;
    char *bytes; /* key and payload, one after the other */
    struct text key, payload;
    rd_kafka_headers_t *headers; /* the message's own; NULL: none */
};

/* False where memory is short. */
bool letter_init(struct letter *letter, const struct dead_letter *from);
void letter_clean_up(struct letter *letter);

#define LETTER_KEY_SIZE 320

/* The letter as a record, which points into it and into `key`. Without `whole` it goes without the message's bytes, key
 * and headers. */
struct transaction_record letter_record(const struct letter *letter, bool whole, char key[LETTER_KEY_SIZE]);

#endif
