/* SPDX-License-Identifier: Apache-2.0
 * A message of librdkafka as the ports see it; it points into the other. */
#ifndef TIDEMARK_KAFKA_MESSAGE_H
#define TIDEMARK_KAFKA_MESSAGE_H

#include <librdkafka/rdkafka.h>

#include "ports/log.h"

static inline bool kafka_message_header(const void *origin, size_t number, struct log_header *ret_header)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    if (rd_kafka_message_headers(origin, &headers) ||
        rd_kafka_header_get_all(headers, number, &ret_header->name, &value, &length))
        return false;
    ret_header->value = (struct text){value, length};
    return true;
}

static inline struct log_message kafka_message(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    return (struct log_message){
        .offset = message->offset,
        .record_time_us = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms < 0 ? -1 : time_ms * 1000,
        .key = {message->key, message->key_len},
        .payload = {message->payload, message->len},
        .header = kafka_message_header,
        .origin = message,
    };
}

#endif
