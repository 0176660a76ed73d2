/* SPDX-License-Identifier: Apache-2.0
 * Sends generated orders to a topic, as fast as it can: the load of the benchmarks.
 *
 * usage: generate BROKERS TOPIC ORDERS
 *
 * Orders are spread over the 24 hours before now, 100 categories and two segments; each has an id of its own. The same
 * number of orders is the same sequence, but for the times. */
#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t failures;

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    (void)opaque;
    failures += message->err != 0;
}

/* A multiplicative generator is enough to scatter values. */
static uint32_t scatter(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static int order_write(char *out, size_t size, int64_t number, time_t at, uint64_t *state)
{
    static const char *const segments[] = {"domestic", "export"};
    struct tm broken_down;
    gmtime_r(&at, &broken_down);
    char time_text[32];
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &broken_down);
    uint32_t customer = scatter(state) % 100000, product = scatter(state) % 5000, cents = scatter(state) % 50000 + 1;
    return snprintf(out, size,
                    "{\"order_id\":\"order-%010" PRId64
                    "\",\"customer_id\":\"customer-%06u\",\"customer_segment\":\"%s\","
                    "\"product_id\":\"%05u\",\"category\":\"%02u\",\"amount\":%u.%02u,\"quantity\":%u,"
                    "\"status\":\"completed\",\"timestamp\":\"%s\"}",
                    number, customer, segments[customer % 2], product, product % 100, cents / 100, cents % 100,
                    customer % 9 + 1, time_text);
}

static rd_kafka_t *producer_new(const char *brokers)
{
    static const char *const properties[][2] = {
        {"compression.type", "lz4"}, {"linger.ms", "20"}, {"queue.buffering.max.messages", "500000"}};
    char message[256];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(configuration, delivered);
    rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, message, sizeof message);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (rd_kafka_conf_set(configuration, properties[i][0], properties[i][1], message, sizeof message) != 0)
            fprintf(stderr, "generate: %s\n", message);
    return rd_kafka_new(RD_KAFKA_PRODUCER, configuration, message, sizeof message);
}

static void order_send(rd_kafka_t *producer, const char *topic, const char *order, size_t length, const char *key)
{
    for (;;) {
        rd_kafka_resp_err_t error =
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, strlen(key)),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)order, length),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            failures += error != 0;
            return;
        }
        rd_kafka_poll(producer, 50);
    }
}

int main(int argc, char *argv[])
{
    if (argc != 4) {
        fprintf(stderr, "usage: generate BROKERS TOPIC ORDERS\n");
        return 64;
    }
    rd_kafka_t *producer = producer_new(argv[1]);
    if (!producer)
        return 69;
    int64_t orders = strtoll(argv[3], NULL, 10), bytes = 0;
    time_t first = time(NULL) - 86400;
    uint64_t state = 1;
    for (int64_t i = 0; i < orders; i++) {
        char order[512], key[32];
        int length = order_write(order, sizeof order, i, first + (time_t)(i * 86400 / orders), &state);
        snprintf(key, sizeof key, "order-%010" PRId64, i);
        order_send(producer, argv[2], order, (size_t)length, key);
        bytes += length;
        if (i % 1000 == 0)
            rd_kafka_poll(producer, 0);
    }
    rd_kafka_resp_err_t error = rd_kafka_flush(producer, 120000);
    rd_kafka_destroy(producer);
    printf("%" PRId64 " orders, %.0f bytes each\n", orders, orders ? (double)bytes / (double)orders : 0);
    return error || failures ? 69 : 0;
}
