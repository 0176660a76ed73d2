/* SPDX-License-Identifier: Apache-2.0
 * Sends orders at a steady rate, and reads what the serving layer makes of them: by event streams, and by clients that
 * ask again as soon as they are answered.
 *
 * usage: bench_streams BROKERS TOPIC PORT VIEW FROM STREAMS CLIENTS RATE SECONDS
 *
 * VIEW has one row from the day FROM on, of today, with the figure order_count, and no order of today is on the topic.
 * The nth order counts as seen by a reader once that figure says n: how long after it was sent, of each hundredth, but
 * of those of the first fifteen seconds, in which a broker that has just begun compiles itself. Prints a line of
 * answers and one of events: how many there were, and of the delays the median, the 99th percentile and the most, in
 * milliseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "order_producer.h"

enum { EVERY = 100, WARM_UP_S = 15, STEP_US = 100, STEPS = 1 << 17, BYTES = 16384 };

struct seen {                    /* by readers of one kind */
    int64_t messages;            /* answers, or events */
    int64_t count, steps[STEPS]; /* of delays, STEP_US each; the last is longer */
};

struct reader {
    int descriptor;
    bool is_stream;
    int64_t seen; /* orders */
    size_t length;
    char bytes[BYTES]; /* what isn't looked at yet */
};

struct bench {
    const char *brokers, *topic, *view, *from;
    int port, rate, seconds;
    size_t streams, clients;
    int64_t orders;
    _Atomic int64_t *sent_us; /* of each order; 0: not yet */
    int64_t measured_from_us;
    struct seen answers, events;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void *send_orders(void *context)
{
    /* As an idempotent producer sends: what a busy broker leaves waiting becomes few large requests. */
    static const char *const properties[][2] = {{"linger.ms", "1"}, {"max.in.flight", "5"}};
    struct bench *bench = context;
    struct order_producer producer;
    if (!order_producer_open(&producer, bench->brokers, properties, 2))
        exit(69);
    const int64_t began_us = now_us();
    const time_t at = time(NULL);
    for (int64_t i = 0; i < bench->orders; i++) {
        char text[ORDER_BYTES_MAX];
        const struct order order = {.number = i, .at = at, .cents = 100, .status = "completed"};
        const int64_t due_us = began_us + i * 1000000 / bench->rate, early_us = due_us - now_us();
        if (early_us > 0)
            nanosleep(&(struct timespec){.tv_sec = early_us / 1000000, .tv_nsec = early_us % 1000000 * 1000}, NULL);
        int length = order_write(text, &order);
        atomic_store(&bench->sent_us[i], now_us());
        order_producer_send(&producer, bench->topic, i, text, (size_t)length);
        if (i % 100 == 0)
            rd_kafka_poll(producer.kafka, 0);
    }
    if (!order_producer_close(&producer))
        exit(69);
    return NULL;
}

static void note(struct bench *bench, struct reader *reader, int64_t orders)
{
    const int64_t at_us = now_us();
    struct seen *seen = reader->is_stream ? &bench->events : &bench->answers;
    seen->messages++;
    for (int64_t n = reader->seen / EVERY * EVERY + EVERY; n <= orders && n <= bench->orders; n += EVERY) {
        const int64_t sent_us = atomic_load(&bench->sent_us[n - 1]);
        if (sent_us < bench->measured_from_us)
            continue;
        const int64_t step = (at_us - sent_us) / STEP_US;
        seen->steps[step < STEPS ? step : STEPS - 1]++;
        seen->count++;
    }
    if (orders > reader->seen)
        reader->seen = orders;
}

/* The figure in a whole answer or event; -1 where there is none. */
static int64_t count_in(const char *text)
{
    static const char name[] = "\"order_count\": ";
    const char *found = strstr(text, name);
    return found ? strtoll(found + sizeof name - 1, NULL, 10) : -1;
}

static void ask(const struct bench *bench, const struct reader *reader)
{
    char request[500];
    int length = snprintf(request, sizeof request, "GET /v1/views/%s%s?from=%s HTTP/1.1\r\nHost: a\r\n\r\n",
                          bench->view, reader->is_stream ? "/stream" : "", bench->from);
    if (send(reader->descriptor, request, (size_t)length, MSG_NOSIGNAL) != length)
        exit(69);
}

/* Nobody is measured by a server that refuses or gives up. */
static void check(const char *message)
{
    const bool is_refused = strncmp(message, "HTTP/1.1 ", 9) == 0 && strncmp(message + 9, "200 ", 4) != 0;
    if (!is_refused && !strstr(message, "event: problem"))
        return;
    fprintf(stderr, "bench_streams: not answered: %s\n", message);
    exit(69);
}

/* Where the first whole event or answer ends, or NULL. */
static char *end_of_first(struct reader *reader)
{
    char *end = strstr(reader->bytes, reader->is_stream ? "\n\n" : "\r\n\r\n");
    if (!end || reader->is_stream)
        return end ? end + 2 : NULL;
    const char *length = strstr(reader->bytes, "Content-Length: ");
    end += 4 + (length ? strtoll(length + 16, NULL, 10) : 0);
    return end <= reader->bytes + reader->length ? end : NULL;
}

static void take(struct bench *bench, struct reader *reader)
{
    ssize_t more = recv(reader->descriptor, reader->bytes + reader->length, BYTES - 1 - reader->length, 0);
    if (more <= 0) {
        fprintf(stderr, "bench_streams: a connection ended: %s\n", more < 0 ? strerror(errno) : "by the server");
        exit(69);
    }
    reader->length += (size_t)more;
    reader->bytes[reader->length] = '\0';
    for (char *end; (end = end_of_first(reader));) {
        const char kept = *end;
        *end = '\0';
        check(reader->bytes);
        note(bench, reader, count_in(reader->bytes));
        *end = kept;
        reader->length -= (size_t)(end - reader->bytes);
        memmove(reader->bytes, end, reader->length + 1);
        if (!reader->is_stream)
            ask(bench, reader);
    }
}

static struct reader *open_readers(const struct bench *bench, int poll)
{
    const size_t count = bench->streams + bench->clients;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bench->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct reader *readers = calloc(count ? count : 1, sizeof *readers);
    for (size_t i = 0; readers && i < count; i++) {
        readers[i].is_stream = i < bench->streams;
        readers[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(readers[i].descriptor, (struct sockaddr *)&address, sizeof address) != 0)
            exit(69);
        epoll_ctl(poll, EPOLL_CTL_ADD, readers[i].descriptor,
                  &(struct epoll_event){.events = EPOLLIN, .data.ptr = &readers[i]});
        ask(bench, &readers[i]);
    }
    return readers;
}

static double at_share(const struct seen *seen, double share)
{
    int64_t left = (int64_t)((double)seen->count * share);
    size_t step = 0;
    while (step < STEPS - 1 && (left -= seen->steps[step]) >= 0)
        step++;
    return (double)step * STEP_US / 1000;
}

static double most(const struct seen *seen)
{
    size_t step = STEPS - 1;
    while (step > 0 && seen->steps[step] == 0)
        step--;
    return (double)step * STEP_US / 1000;
}

static void print(const struct seen *seen)
{
    printf("%" PRId64 " %.1f %.1f %.1f\n", seen->messages, at_share(seen, 0.5), at_share(seen, 0.99), most(seen));
}

int main(int argc, char *argv[])
{
    static struct bench bench;
    if (argc != 10) {
        fprintf(stderr, "usage: bench_streams BROKERS TOPIC PORT VIEW FROM STREAMS CLIENTS RATE SECONDS\n");
        return 64;
    }
    bench = (struct bench){.brokers = argv[1], .topic = argv[2], .view = argv[4], .from = argv[5]};
    bench.port = atoi(argv[3]);
    bench.streams = strtoull(argv[6], NULL, 10);
    bench.clients = strtoull(argv[7], NULL, 10);
    bench.rate = atoi(argv[8]);
    bench.seconds = atoi(argv[9]);
    bench.orders = (int64_t)bench.rate * bench.seconds;
    bench.sent_us = calloc((size_t)bench.orders, sizeof *bench.sent_us);
    const int poll = epoll_create1(0);
    bench.measured_from_us = INT64_MAX;
    struct reader *readers = open_readers(&bench, poll);
    pthread_t sender;
    bench.measured_from_us = now_us() + WARM_UP_S * INT64_C(1000000);
    if (!readers || !bench.sent_us || pthread_create(&sender, NULL, send_orders, &bench) != 0)
        return 70;
    const int64_t until_us = now_us() + bench.seconds * INT64_C(1000000);
    while (now_us() < until_us) {
        struct epoll_event events[256];
        int count = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < count; i++)
            take(&bench, events[i].data.ptr);
    }
    pthread_join(sender, NULL);
    print(&bench.answers);
    print(&bench.events);
    return 0;
}
