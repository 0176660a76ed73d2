/* SPDX-License-Identifier: Apache-2.0
 * Made-up orders as JSON, and a producer for them: what programs that put a load on Kafka share. */
#ifndef TIDEMARK_TESTS_ORDER_PRODUCER_H
#define TIDEMARK_TESTS_ORDER_PRODUCER_H

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define ORDER_BYTES_MAX 512

/* An order; customer, product and amount are any numbers, which are brought into range. */
struct order {
    int64_t number; /* its key is made of it */
    time_t at;
    uint64_t customer, product, cents;
    const char *status;
};

/* Writes it into ORDER_BYTES_MAX bytes; returns its length. */
int order_write(char out[ORDER_BYTES_MAX], const struct order *order);

struct order_producer {
    rd_kafka_t *kafka;
    int64_t acknowledged, failures;
};

/* With properties of librdkafka beside those that all loads have, `count` pairs of name and value. False, with the
 * reason on standard error, where there is no producer. It must stay where it is. */
bool order_producer_open(struct order_producer *producer, const char *brokers, const char *const properties[][2],
                         size_t count);
/* Waits where the queue is full. The bytes are copied. */
void order_producer_send_keyed(struct order_producer *producer, const char *topic, const char *key, const char *message,
                               size_t length);
/* The same with the order's id as key. */
void order_producer_send(struct order_producer *producer, const char *topic, int64_t number, const char *order,
                         size_t length);
/* Delivers what waits; false where something wasn't delivered. */
bool order_producer_close(struct order_producer *producer);

#endif
