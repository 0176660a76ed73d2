/* SPDX-License-Identifier: Apache-2.0
 * Sends generated orders to a topic, as fast as it can: the load of the benchmarks.
 *
 * usage: bench_generate BROKERS TOPIC ORDERS
 *
 * Orders are spread over the 24 hours before now, 100 categories and two segments; each has an id of its own. The same
 * number of orders is the same sequence, but for the times. Those of a partition are in the order of their times, also
 * where a request is sent again: peers without patience for late orders would leave them out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "order_producer.h"

/* A multiplicative generator is enough to scatter values. */
static uint32_t scatter(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static struct order order_made(int64_t number, time_t at, uint64_t *state)
{
    struct order order = {.number = number, .at = at, .status = "completed"};
    order.customer = scatter(state);
    order.product = scatter(state);
    order.cents = scatter(state);
    return order;
}

int main(int argc, char *argv[])
{
    static const char *const properties[][2] = {{"queue.buffering.max.messages", "500000"},
                                                {"enable.idempotence", "true"}};
    if (argc != 4) {
        fprintf(stderr, "usage: bench_generate BROKERS TOPIC ORDERS\n");
        return 64;
    }
    struct order_producer producer;
    if (!order_producer_open(&producer, argv[1], properties, 2))
        return 69;
    int64_t orders = strtoll(argv[3], NULL, 10), bytes = 0;
    time_t first = time(NULL) - 86400;
    uint64_t state = 1;
    for (int64_t i = 0; i < orders; i++) {
        char text[ORDER_BYTES_MAX];
        struct order order = order_made(i, first + (time_t)(i * 86400 / orders), &state);
        int length = order_write(text, &order);
        order_producer_send(&producer, argv[2], i, text, (size_t)length);
        bytes += length;
        if (i % 1000 == 0)
            rd_kafka_poll(producer.kafka, 0);
    }
    bool delivered = order_producer_close(&producer);
    printf("%" PRId64 " orders, %.0f bytes each\n", orders, orders ? (double)bytes / (double)orders : 0);
    return delivered ? 0 : 69;
}
