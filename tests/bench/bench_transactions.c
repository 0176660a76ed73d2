/* SPDX-License-Identifier: Apache-2.0
 * Sends made-up transactions to a topic, as fast as it can: the load of the detector's benchmark.
 *
 * usage: bench_transactions BROKERS TOPIC TRANSACTIONS
 *
 * One every 7 ms by event time, each of one of 57,000 customers by chance: one in a thousand is more than the fifth of
 * its customer in five minutes. A customer's are in one partition, in the order of their times. No two have one time or
 * are exactly five minutes apart, so that windows that differ in their edges only count the same. The same number of
 * transactions is the same sequence. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "order_producer.h"

enum { STEP_MS = 7, CUSTOMERS = 57000, FIRST_S = 1735689600 /* 2025-01-01T00:00:00Z */, TEXT = 256 };

/* A multiplicative generator is enough to scatter values. */
static uint32_t scatter(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static int transaction_write(char out[TEXT], int64_t number, uint32_t customer, uint32_t amount)
{
    int64_t at_ms = number * STEP_MS;
    time_t at = FIRST_S + (time_t)(at_ms / 1000);
    struct tm broken_down;
    char seconds[32];
    gmtime_r(&at, &broken_down);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &broken_down);
    return snprintf(out, TEXT,
                    "{\"transaction_id\":\"transaction-%010" PRId64 "\",\"customer_id\":\"customer-%05" PRIu32
                    "\",\"amount\":%" PRIu32 ".%02" PRIu32 ",\"timestamp\":\"%s.%03dZ\"}",
                    number, customer, amount / 100, amount % 100, seconds, (int)(at_ms % 1000));
}

static void transactions_send(struct order_producer *producer, const char *topic, int64_t count)
{
    uint64_t state = 1;
    for (int64_t i = 0; i < count; i++) {
        char text[TEXT], key[32];
        uint32_t customer = scatter(&state) % CUSTOMERS, amount = scatter(&state) % 500000 + 1;
        int length = transaction_write(text, i, customer, amount);
        snprintf(key, sizeof key, "customer-%05" PRIu32, customer);
        order_producer_send_keyed(producer, topic, key, text, (size_t)length);
        if (i % 1000 == 0)
            rd_kafka_poll(producer->kafka, 0);
    }
}

int main(int argc, char *argv[])
{
    static const char *const properties[][2] = {{"queue.buffering.max.messages", "500000"},
                                                {"enable.idempotence", "true"}};
    if (argc != 4) {
        fprintf(stderr, "usage: bench_transactions BROKERS TOPIC TRANSACTIONS\n");
        return 64;
    }
    struct order_producer producer;
    if (!order_producer_open(&producer, argv[1], properties, sizeof properties / sizeof *properties))
        return 69;
    transactions_send(&producer, argv[2], strtoll(argv[3], NULL, 10));
    return order_producer_close(&producer) ? 0 : 69;
}
