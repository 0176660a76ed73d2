/* SPDX-License-Identifier: Apache-2.0
 * A message of librdkafka as the ports see it; it points into the other. */
#ifndef TIDEMARK_KAFKA_MESSAGE_H
#define TIDEMARK_KAFKA_MESSAGE_H

#include <librdkafka/rdkafka.h>

#include "ports/log.h"

static inline struct log_message kafka_message(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    return (struct log_message){
        .offset = message->offset,
        .record_time_us = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms < 0 ? -1 : time_ms * 1000,
        .key = {message->key, message->key_len},
        .payload = {message->payload, message->len},
    };
}

#endif
