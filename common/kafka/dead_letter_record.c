/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/dead_letter_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

static rd_kafka_headers_t *copy_headers(const struct log_message *message)
{
    rd_kafka_headers_t *headers = NULL;
    struct log_header header;
    for (size_t i = 0; message->header && message->header(message->origin, i, &header); i++) {
        headers = headers ? headers : rd_kafka_headers_new(8);
        rd_kafka_header_add(headers, header.name, -1, header.value.data, (ssize_t)header.value.length);
    }
    return headers;
}

bool dead_letter_copy_init(struct dead_letter_copy *letter, const struct dead_letter *from)
{
    const struct log_message *message = from->message;
    char *bytes = malloc(message->key.length + message->payload.length + 1);
    if (!bytes)
        return false;
    if (message->key.length)
        memcpy(bytes, message->key.data, message->key.length);
    char *payload = bytes + message->key.length;
    if (message->payload.length)
        memcpy(payload, message->payload.data, message->payload.length);
    *letter = (struct dead_letter_copy){
        .source = from->source,
        .partition = from->partition,
        .offset = message->offset,
        .record_time_us = message->record_time_us,
        .field = from->field,
        .reason = from->reason,
        .bytes = bytes,
        .key = {message->key.data ? bytes : NULL, message->key.length},
        .payload = {message->payload.data ? payload : NULL, message->payload.length},
        .headers = copy_headers(message),
    };
    return true;
}

void dead_letter_copy_clean_up(struct dead_letter_copy *letter)
{
    free(letter->bytes);
    if (letter->headers)
        rd_kafka_headers_destroy(letter->headers);
    *letter = (struct dead_letter_copy){0};
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    rd_kafka_header_add(headers, name, -1, text, -1);
}

/* Who reads the last header of a name reads ours. */
static void add_place(rd_kafka_headers_t *headers, const struct dead_letter_copy *letter)
{
    char reason[256];
    snprintf(reason, sizeof reason, "%s%s%s", letter->field, *letter->field ? ": " : "", letter->reason);
    rd_kafka_header_add(headers, "tidemark-topic", -1, letter->source->topic, -1);
    add_number(headers, "tidemark-partition", letter->partition);
    add_number(headers, "tidemark-offset", letter->offset);
    rd_kafka_header_add(headers, "tidemark-field", -1, letter->field, -1);
    rd_kafka_header_add(headers, "tidemark-reason", -1, reason, -1);
    if (letter->record_time_us >= 0)
        add_number(headers, "tidemark-timestamp", letter->record_time_us / 1000);
}

static void add_summary(rd_kafka_headers_t *headers, struct text payload)
{
    char text[33];
    XXH128_hash_t hash = XXH3_128bits(payload.data, payload.length);
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
    add_number(headers, "tidemark-payload-length", (int64_t)payload.length);
    rd_kafka_header_add(headers, "tidemark-payload-xxh128", -1, text, -1);
}

static rd_kafka_headers_t *make_headers(const struct dead_letter_copy *letter, bool whole)
{
    rd_kafka_headers_t *headers =
        whole && letter->headers ? rd_kafka_headers_copy(letter->headers) : rd_kafka_headers_new(8);
    add_place(headers, letter);
    if (!whole)
        add_summary(headers, letter->payload);
    else if (letter->key.data)
        rd_kafka_header_add(headers, "tidemark-key", -1, letter->key.data, (ssize_t)letter->key.length);
    return headers;
}

struct transaction_record dead_letter_record(const struct dead_letter_copy *letter, bool whole,
                                             char key[DEAD_LETTER_KEY_SIZE])
{
    int length = snprintf(key, DEAD_LETTER_KEY_SIZE, "%s/%d/%" PRId64, letter->source->topic, (int)letter->partition,
                          letter->offset);
    return (struct transaction_record){.topic = letter->source->dead_letter,
                                       .key = {key, (size_t)length},
                                       .value = whole ? letter->payload : (struct text){0},
                                       .headers = make_headers(letter, whole),
                                       .size = letter->payload.length};
}
