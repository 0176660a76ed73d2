/* SPDX-License-Identifier: Apache-2.0 */
#include "order_producer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FLUSH_MS 120000

int order_write(char out[ORDER_BYTES_MAX], const struct order *order)
{
    static const char *const segments[] = {"domestic", "export"};
    struct tm broken_down;
    char time_text[32];
    gmtime_r(&order->at, &broken_down);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &broken_down);
    uint64_t customer = order->customer % 100000, product = order->product % 5000, cents = order->cents % 50000 + 1;
    return snprintf(out, ORDER_BYTES_MAX,
                    "{\"order_id\":\"order-%010" PRId64 "\",\"customer_id\":\"customer-%06" PRIu64
                    "\",\"customer_segment\":\"%s\",\"product_id\":\"%05" PRIu64 "\",\"category\":\"%02" PRIu64
                    "\",\"amount\":%" PRIu64 ".%02" PRIu64 ",\"quantity\":%d,\"status\":\"%s\",\"timestamp\":\"%s\"}",
                    order->number, customer, segments[customer % 2], product, product % 100, cents / 100, cents % 100,
                    (int)(customer % 9) + 1, order->status, time_text);
}

static void delivered(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    (void)kafka;
    struct order_producer *producer = opaque;
    producer->acknowledged += message->err == 0;
    producer->failures += message->err != 0;
}

static bool set(rd_kafka_conf_t *configuration, const char *name, const char *value)
{
    char message[256];
    if (rd_kafka_conf_set(configuration, name, value, message, sizeof message) == RD_KAFKA_CONF_OK)
        return true;
    fprintf(stderr, "order producer: %s\n", message);
    return false;
}

bool order_producer_open(struct order_producer *producer, const char *brokers, const char *const properties[][2],
                         size_t count)
{
    *producer = (struct order_producer){0};
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(configuration, delivered);
    rd_kafka_conf_set_opaque(configuration, producer);
    bool valid = set(configuration, "bootstrap.servers", brokers) && set(configuration, "compression.type", "lz4") &&
                 set(configuration, "linger.ms", "20");
    for (size_t i = 0; i < count; i++)
        valid = valid && set(configuration, properties[i][0], properties[i][1]);
    char message[256];
    producer->kafka = valid ? rd_kafka_new(RD_KAFKA_PRODUCER, configuration, message, sizeof message) : NULL;
    if (producer->kafka)
        return true;
    if (valid)
        fprintf(stderr, "order producer: %s\n", message);
    rd_kafka_conf_destroy(configuration);
    return false;
}

void order_producer_send_keyed(struct order_producer *producer, const char *topic, const char *key, const char *message,
                               size_t length)
{
    for (;;) {
        rd_kafka_resp_err_t error =
            rd_kafka_producev(producer->kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, strlen(key)),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)message, length),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            producer->failures += error != 0;
            return;
        }
        rd_kafka_poll(producer->kafka, 50);
    }
}

void order_producer_send(struct order_producer *producer, const char *topic, int64_t number, const char *order,
                         size_t length)
{
    char key[32];
    snprintf(key, sizeof key, "order-%010" PRId64, number);
    order_producer_send_keyed(producer, topic, key, order, length);
}

bool order_producer_close(struct order_producer *producer)
{
    rd_kafka_resp_err_t error = rd_kafka_flush(producer->kafka, FLUSH_MS);
    rd_kafka_destroy(producer->kafka);
    producer->kafka = NULL;
    return !error && producer->failures == 0;
}
