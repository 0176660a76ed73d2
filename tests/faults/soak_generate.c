/* SPDX-License-Identifier: Apache-2.0
 * Sends orders to a topic at a steady rate until TERM: the load of the soak.
 *
 * usage: soak_generate BROKERS TOPIC RATE SEED START
 *
 * RATE is in messages a second, START the second since 1970 at which the first order happened. Of a thousand messages
 * about 20 repeat an order, 20 change its amount, 10 cancel it and one is bad; most mean an order of the last seconds,
 * but in 20 seconds of every 4 minutes also older ones, and then some orders happened up to two days ago. All follows
 * from SEED and START. Prints a line "sent acknowledged" every second. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order_producer.h"

#define SEASON_SECONDS 240
#define SEASON_OLD_SECONDS 20
#define RECENT_SECONDS 20
#define LATE_SECONDS_MAX 20
#define OLD_SECONDS_MAX (2 * 86400)

struct load {
    int64_t rate, start_s;
    uint64_t seed;
    int64_t orders; /* made so far; their numbers are 0 to orders - 1 */
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* splitmix64: 64 bits that depend on the seed and on all that is named. */
static uint64_t scatter(const struct load *load, int64_t number, uint64_t purpose)
{
    uint64_t mixed = load->seed + ((uint64_t)number * 64 + purpose) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static bool is_old_season(const struct load *load, int64_t second)
{
    (void)load;
    return second % SEASON_SECONDS >= SEASON_SECONDS - SEASON_OLD_SECONDS;
}

/* An order keeps its time from version to version: it follows from the number. */
static int64_t order_time(const struct load *load, int64_t number)
{
    int64_t second = number / load->rate;
    uint64_t chance = scatter(load, number, 1) % 1000;
    int64_t late = 0;
    if (chance < 10 && is_old_season(load, second))
        late = (int64_t)(scatter(load, number, 2) % OLD_SECONDS_MAX);
    else if (chance < 50)
        late = (int64_t)(scatter(load, number, 2) % LATE_SECONDS_MAX);
    return load->start_s + second - late;
}

enum kind { NEW, SAME, CHANGED, CANCELLED, BAD };

static enum kind kind_of(const struct load *load, int64_t message)
{
    uint64_t chance = scatter(load, message, 3) % 1000;
    return chance < 20 ? SAME : chance < 40 ? CHANGED : chance < 50 ? CANCELLED : chance == 999 ? BAD : NEW;
}

/* Which order an earlier version of which was sent before the message means. */
static int64_t earlier_order(const struct load *load, int64_t message)
{
    int64_t reach = RECENT_SECONDS * load->rate;
    bool old = is_old_season(load, message / load->rate) && scatter(load, message, 4) % 5 == 0;
    if (old || reach > load->orders)
        reach = load->orders;
    return load->orders - 1 - (int64_t)(scatter(load, message, 5) % (uint64_t)reach);
}

static struct order order_made(const struct load *load, int64_t number, int64_t revision, const char *status)
{
    return (struct order){.number = number,
                          .at = (time_t)order_time(load, number),
                          .customer = scatter(load, number, 6),
                          .product = scatter(load, number, 7),
                          .cents = scatter(load, number + revision, 8),
                          .status = status};
}

/* Spoils an order in one of some ways; returns its new length. */
static int spoil(const struct load *load, char *order, int length, int64_t message)
{
    switch (scatter(load, message, 9) % 5) {
    case 0:
        return 0;
    case 1:
        return length / 2;
    case 2:
        order[length - 4] = (char)0xff;
        return length;
    case 3:
        memcpy(strstr(order, "\"timestamp\":\"") + 13, "2091", 4);
        return length;
    default:
        memcpy(strstr(order, "\"amount\":") + 9, "\"", 1);
        return length;
    }
}

static void send_message(struct order_producer *producer, const char *topic, struct load *load, int64_t message)
{
    enum kind kind = load->orders == 0 ? NEW : kind_of(load, message);
    int64_t number = kind == NEW ? load->orders++ : earlier_order(load, message);
    struct order order =
        order_made(load, number, kind == CHANGED ? message : 0, kind == CANCELLED ? "cancelled" : "completed");
    char text[ORDER_BYTES_MAX];
    int length = order_write(text, &order);
    if (kind == BAD)
        length = spoil(load, text, length, message);
    order_producer_send(producer, topic, number, text, (size_t)length);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void report(int64_t sent, const struct order_producer *producer)
{
    printf("%" PRId64 " %" PRId64 "\n", sent, producer->acknowledged);
    fflush(stdout);
}

/* Sends what is due, sleeps, and so on; a delay is made up for. */
static int64_t run(struct order_producer *producer, const char *topic, struct load *load)
{
    double began = now(), reported = began;
    int64_t sent = 0;
    while (!stopping && !producer->failures) {
        int64_t due = (int64_t)((now() - began) * (double)load->rate);
        for (int piece = 0; sent < due && piece < 10000 && !stopping; piece++)
            send_message(producer, topic, load, sent++);
        rd_kafka_poll(producer->kafka, sent < due ? 0 : 10);
        if (now() - reported >= 1) {
            reported = now();
            report(sent, producer);
        }
    }
    return sent;
}

int main(int argc, char *argv[])
{
    static const char *const properties[][2] = {{"enable.idempotence", "true"},
                                                {"message.timeout.ms", "0"},
                                                {"log_level", "2"},
                                                {"partitioner", "murmur2_random"},
                                                {"queue.buffering.max.messages", "1000000"}};
    if (argc != 6) {
        fprintf(stderr, "usage: soak_generate BROKERS TOPIC RATE SEED START\n");
        return 64;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    struct order_producer producer;
    if (!order_producer_open(&producer, argv[1], properties, sizeof properties / sizeof *properties))
        return 69;
    struct load load = {
        .rate = strtoll(argv[3], NULL, 10), .seed = strtoull(argv[4], NULL, 10), .start_s = strtoll(argv[5], NULL, 10)};
    int64_t sent = run(&producer, argv[2], &load);
    bool delivered = order_producer_close(&producer);
    report(sent, &producer);
    return delivered ? 0 : 69;
}
