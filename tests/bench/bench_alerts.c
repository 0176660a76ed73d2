/* SPDX-License-Identifier: Apache-2.0
 * Sends transactions to a topic, and says how soon their alerts are there: the load of the benchmarks of a detector.
 *
 * usage: bench_alerts BROKERS TOPIC COUNT CUSTOMERS                  as fast as it can
 *        bench_alerts BROKERS TOPIC COUNT CUSTOMERS RATE ALERTS      so many a second
 *
 * Without a rate the transactions are spread over the five minutes before now, and each in turn is another customer's.
 * With one each happens as it is sent, one in a thousand is above 10,000, and the alerts of these are awaited on the
 * topic ALERTS, as read_committed shows them: it prints "alerts LEFT_OUT P50 P90 P99 MOST", the delays in milliseconds.
 * A fifth of the transactions is out of order, by up to 50 s. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order_producer.h"

#define LARGE_EVERY 1000
#define SPAN_MS INT64_C(300000)
#define OUT_OF_ORDER_MS 50000
#define PATIENCE_S 120.0 /* for the last alerts */

static double now(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* A multiplicative generator is enough to scatter values. */
static uint32_t scatter(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static int write_transaction(char out[ORDER_BYTES_MAX], int64_t number, int64_t customer, int64_t cents, int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm broken_down;
    char time_text[32];
    gmtime_r(&at, &broken_down);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &broken_down);
    return snprintf(out, ORDER_BYTES_MAX,
                    "{\"transaction_id\":\"t-%010" PRId64 "\",\"customer_id\":\"c-%06" PRId64 "\",\"amount\":%" PRId64
                    ".%02d,\"timestamp\":\"%s.%03dZ\"}",
                    number, customer, cents / 100, (int)(cents % 100), time_text, (int)(at_ms % 1000));
}

struct load {
    const char *topic;
    int64_t count, customers, rate;
    int64_t began_ms; /* what is spread over five minutes ends here */
    uint64_t state;
    double *sent; /* by number, monotonic seconds; NULL: nobody asks */
};

static void send_one(struct order_producer *producer, struct load *load, int64_t number)
{
    char text[ORDER_BYTES_MAX];
    int64_t at_ms = (int64_t)(now(CLOCK_REALTIME) * 1000), customer = number % load->customers;
    if (load->rate == 0)
        at_ms = load->began_ms + number * SPAN_MS / load->count - SPAN_MS;
    if (scatter(&load->state) % 5 == 0)
        at_ms -= scatter(&load->state) % OUT_OF_ORDER_MS;
    int64_t cents = scatter(&load->state) % 900000 + 1;
    if (load->rate > 0 && number % LARGE_EVERY == 0)
        cents = 2000000;
    int length = write_transaction(text, number, customer, cents, at_ms);
    if (load->sent)
        load->sent[number] = now(CLOCK_MONOTONIC);
    order_producer_send(producer, load->topic, customer, text, (size_t)length);
}

static void send_all(struct order_producer *producer, struct load *load, int64_t from)
{
    double began = now(CLOCK_MONOTONIC);
    load->began_ms = (int64_t)(now(CLOCK_REALTIME) * 1000);
    for (int64_t number = from; number < load->count;) {
        int64_t due = load->count;
        if (load->rate > 0)
            due = (int64_t)((now(CLOCK_MONOTONIC) - began) * (double)load->rate) + 1;
        for (int piece = 0; number < load->count && number < due && piece < 1000; piece++)
            send_one(producer, load, number++);
        rd_kafka_poll(producer->kafka, number < due ? 0 : 1);
    }
}

/* --- The alerts -------------------------------------------------------------------------------------------------- */

struct watch {
    const char *brokers, *alerts;
    const double *sent;
    int64_t count;  /* transactions */
    double *delays; /* seconds, of the alerts that have come */
    size_t found, expected;
    atomic_bool is_ready, told_to_end;
};

/* One that was sent before to see whether alerts come has the number 0, and isn't to be taken for another. */
static bool is_awaited(int64_t number, int64_t count)
{
    return number % LARGE_EVERY == 0 && number < count && (number > 0 || (number == 0 && count == 1));
}

static void note(struct watch *watch, const rd_kafka_message_t *message)
{
    char text[4096];
    size_t length = message->len < sizeof text - 1 ? message->len : sizeof text - 1;
    memcpy(text, message->payload, length);
    text[length] = '\0';
    const char *id = strstr(text, "\"transaction_id\":\"t-");
    int64_t number = id ? strtoll(id + strlen("\"transaction_id\":\"t-"), NULL, 10) : -1;
    if (is_awaited(number, watch->count) && watch->found < watch->expected)
        watch->delays[watch->found++] = now(CLOCK_MONOTONIC) - watch->sent[number];
}

static rd_kafka_t *open_consumer(const struct watch *watch)
{
    static const char *const properties[][2] = {{"group.id", "bench"}, {"isolation.level", "read_committed"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char message[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", watch->brokers, message, sizeof message);
    for (size_t i = 0; i < 2; i++)
        rd_kafka_conf_set(conf, properties[i][0], properties[i][1], message, sizeof message);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, message, sizeof message);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, watch->alerts, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

static void *watch_alerts(void *context)
{
    struct watch *watch = context;
    rd_kafka_t *consumer = open_consumer(watch);
    while (watch->found < watch->expected && !atomic_load(&watch->told_to_end)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message && !message->err) {
            atomic_store(&watch->is_ready, true);
            note(watch, message);
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return NULL;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print(const struct watch *watch)
{
    static const double shares[] = {0.5, 0.9, 0.99};
    qsort(watch->delays, watch->found, sizeof *watch->delays, compare);
    printf("%zu %zu", watch->found, watch->expected - watch->found);
    for (size_t i = 0; i < 3; i++)
        printf(" %.1f", watch->found ? 1000 * watch->delays[(size_t)((double)watch->found * shares[i])] : 0.0);
    printf(" %.1f\n", watch->found ? 1000 * watch->delays[watch->found - 1] : 0.0);
}

static bool send_and_watch(struct order_producer *producer, struct load *load, struct watch *watch)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_alerts, watch) != 0)
        return false;
    /* What it takes to connect is nobody's delay. */
    send_one(producer, load, 0);
    rd_kafka_flush(producer->kafka, (int)(PATIENCE_S * 1000));
    for (double until = now(CLOCK_MONOTONIC) + PATIENCE_S;
         !atomic_load(&watch->is_ready) && now(CLOCK_MONOTONIC) < until;)
        rd_kafka_poll(producer->kafka, 10);
    send_all(producer, load, 1);
    bool delivered = order_producer_close(producer);
    for (double until = now(CLOCK_MONOTONIC) + PATIENCE_S; now(CLOCK_MONOTONIC) < until;) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (pthread_tryjoin_np(thread, NULL) == 0) {
            print(watch);
            return delivered;
        }
    }
    atomic_store(&watch->told_to_end, true);
    pthread_join(thread, NULL);
    print(watch);
    return delivered;
}

int main(int argc, char *argv[])
{
    /* Nothing is kept back, and what comes while a few requests are on their way goes with the next. */
    const char *const properties[][2] = {{"linger.ms", argc > 5 ? "0" : "20"},
                                         {"max.in.flight.requests.per.connection", "5"},
                                         {"queue.buffering.max.messages", "500000"}};
    if (argc != 5 && argc != 7) {
        fprintf(stderr, "usage: bench_alerts BROKERS TOPIC COUNT CUSTOMERS [RATE ALERTS]\n");
        return 64;
    }
    struct order_producer producer;
    if (!order_producer_open(&producer, argv[1], properties, 3))
        return 69;
    struct load load = {.topic = argv[2], .count = strtoll(argv[3], NULL, 10), .customers = strtoll(argv[4], NULL, 10)};
    if (argc == 5) {
        send_all(&producer, &load, 0);
        return order_producer_close(&producer) ? 0 : 69;
    }
    load.rate = strtoll(argv[5], NULL, 10);
    load.sent = calloc((size_t)load.count, sizeof *load.sent);
    struct watch watch = {.brokers = argv[1],
                          .alerts = argv[6],
                          .sent = load.sent,
                          .count = load.count,
                          .expected = load.count == 1 ? 1 : (size_t)((load.count - 1) / LARGE_EVERY)};
    watch.delays = calloc(watch.expected, sizeof *watch.delays);
    bool delivered = load.sent && watch.delays && send_and_watch(&producer, &load, &watch);
    free(watch.delays);
    free(load.sent);
    return delivered ? 0 : 69;
}
