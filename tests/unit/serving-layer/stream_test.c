/* SPDX-License-Identifier: Apache-2.0
 * Event streams over real sockets. */
#include "serving_fixture.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/server.h"
#include "http/streams.h"

#define STREAMS_MAX 3
#define PATIENCE_S 60 /* far beyond any load */
#define CLOSE "Host: a\r\nConnection: close\r\n\r\n"

static const struct text no_group = {"", 0};

struct listening {
    struct bench bench;
    struct http_server *server;
};

static struct streams *streams_of(const struct listening *listening)
{
    return listening->bench.serving.hub->streams;
}

static int start(void **state)
{
    struct listening *listening = calloc(1, sizeof *listening);
    *state = listening;
    bench_start(&listening->bench, 1 << 30);
    bench_stream(&listening->bench, STREAMS_MAX);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    fake_add(0, DAILY, DAY_S, no_group, 2, 250);
    fake.slots[0].slot.next = 2;
    bench_follow(&listening->bench);
    const struct http_server_options options = {.address = {"127.0.0.1", 0},
                                                .threads = 2,
                                                .connections_max = CONNECTIONS_MAX,
                                                .streams = streams_of(listening)};
    const struct http_handler handler = route_handler(&listening->bench.serving);
    return http_server_start(&options, &handler, &listening->server, NULL) ? 0 : -1;
}

static int stop(void **state)
{
    struct listening *listening = *state;
    http_server_stop(listening->server);
    bench_stop(&listening->bench);
    free(listening);
    return 0;
}

/* Streams that sleep are looked at by a thread, as in the program. */
static void look_by_itself(struct listening *listening)
{
    assert_true(streams_start(streams_of(listening), NULL));
}

struct reader {
    int descriptor;
    char got[2 << 20];
    size_t length, read; /* all that came; what a test has looked at */
};

static void reader_open(struct reader *reader, const struct listening *listening, const char *request)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(listening->server))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    *reader = (struct reader){.descriptor = socket(AF_INET, SOCK_STREAM, 0)};
    setsockopt(reader->descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(reader->descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(reader->descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

/* False at the end of the connection. */
static bool read_more(struct reader *reader)
{
    assert_true(reader->length < sizeof reader->got - 1);
    ssize_t more = recv(reader->descriptor, reader->got + reader->length, sizeof reader->got - 1 - reader->length, 0);
    if (more < 0)
        fail_msg("nothing more comes after %s", reader->got);
    reader->length += (size_t)more;
    reader->got[reader->length] = '\0';
    return more > 0;
}

/* Reads until there is this, behind what was looked at before; gives what came in front of it. */
static const char *read_until(struct reader *reader, const char *word)
{
    const char *from = reader->got + reader->read, *found;
    while (!(found = strstr(from, word)))
        if (!read_more(reader))
            fail_msg("the end comes before %s:\n%s", word, reader->got);
    reader->read = (size_t)(found - reader->got) + strlen(word);
    return from;
}

static const char *read_all(struct reader *reader)
{
    while (read_more(reader))
        continue;
    close(reader->descriptor);
    return reader->got;
}

static void assert_refused(const struct listening *listening, const char *request, const char *status, const char *word)
{
    struct reader *reader = calloc(1, sizeof *reader);
    reader_open(reader, listening, request);
    const char *got = read_all(reader);
    if (strncmp(got, status, strlen(status)) != 0 || !strstr(got, word) ||
        !strstr(got, "Content-Type: application/problem+json"))
        fail_msg("%s\ngot %s", request, got);
    free(reader);
}

static void wait_for_count(const struct listening *listening, size_t count)
{
    int64_t until_us = clock_monotonic_us() + PATIENCE_S * US_PER_SECOND;
    while (streams_count(streams_of(listening)) != count && clock_monotonic_us() < until_us)
        nap();
    assert_int_equal(streams_count(streams_of(listening)), count);
}

#define ASK "GET /v1/views/daily/stream HTTP/1.1\r\n"

static void a_stream_begins_with_all_rows_and_goes_on_with_what_changes(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    look_by_itself(listening);
    reader_open(reader, listening, ASK CLOSE);
    const char *head = read_until(reader, "\r\n\r\n");
    assert_non_null(strstr(head, "HTTP/1.1 200"));
    assert_non_null(strstr(head, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(head, "Cache-Control: no-cache\r\n"));
    assert_non_null(strstr(head, "X-Request-Id: "));
    read_until(reader, "event: rows\nid: ");
    read_until(reader, "data: {\"reset\": true, \"rows\": [{\"window_start\": \"2026-01-01T00:00:00+00:00\", ");
    read_until(reader, "\"order_count\": 2, \"total\": 2.50, ");
    read_until(reader, "}], \"removed\": [], \"provenance\": {\"complete\": true");
    fake_add(0, DAILY, DAY_S, no_group, -2, -250);
    fake_add(1, DAILY, DAY_S + SECONDS_PER_DAY, no_group, 1, 300);
    fake.slots[0].slot.next += 2;
    fake.slots[1].slot.next++;
    bench_follow(&listening->bench);
    read_until(reader, "data: {\"rows\": [{\"window_start\": \"2026-01-02T00:00:00+00:00\", ");
    read_until(reader, "}], \"removed\": [{\"window_start\": \"2026-01-01T00:00:00+00:00\"}], \"provenance\": ");
    read_until(reader, "\"offsets\": {\"0\": 4, \"1\": 1}");
    fake_begin(0, 1, 0); /* Redis was emptied */
    bench_follow(&listening->bench);
    read_until(reader, "data: {\"behind\": true, \"rows\": [");
    read_until(reader, "\"offsets\": {\"0\": 0, \"1\": 1}");
    close(reader->descriptor);
    free(reader);
}

static void last_id(struct reader *reader, char id[200])
{
    read_until(reader, "\nid: ");
    const char *from = reader->got + reader->read;
    snprintf(id, 200, "%.*s", (int)strcspn(from, "\n"), from);
    read_until(reader, "\n\n");
}

static void who_comes_back_is_told_what_has_changed_where_that_is_known(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    char id[200], request[500];
    reader_open(reader, listening, ASK CLOSE);
    last_id(reader, id);
    close(reader->descriptor);
    fake_add(0, DAILY, DAY_S + SECONDS_PER_DAY, no_group, 1, 300);
    fake.slots[0].slot.next++;
    bench_follow(&listening->bench);
    snprintf(request, sizeof request, ASK "Last-Event-ID: %s\r\n" CLOSE, id);
    reader_open(reader, listening, request);
    read_until(reader, "data: {\"rows\": [{\"window_start\": \"2026-01-02T00:00:00+00:00\", ");
    close(reader->descriptor);
    id[0] = id[0] == '1' ? '2' : '1'; /* of another process */
    snprintf(request, sizeof request, ASK "Last-Event-ID: %s\r\n" CLOSE, id);
    reader_open(reader, listening, request);
    read_until(reader, "data: {\"reset\": true, \"rows\": [{\"window_start\": \"2026-01-01T00:00:00+00:00\", ");
    close(reader->descriptor);
    free(reader);
}

static void two_readers_are_told_the_same(void **state)
{
    struct listening *listening = *state;
    struct reader *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
    look_by_itself(listening);
    reader_open(first, listening, ASK CLOSE);
    reader_open(second, listening, ASK CLOSE);
    read_until(first, "\"reset\": true");
    read_until(second, "\"reset\": true");
    for (int i = 0; i < 100; i++) {
        fake_add(0, DAILY, DAY_S, no_group, 1, 100);
        fake.slots[0].slot.next++;
        bench_follow(&listening->bench);
        nap();
    }
    read_until(first, "\"order_count\": 102, \"total\": 102.50");
    read_until(second, "\"order_count\": 102, \"total\": 102.50");
    close(first->descriptor);
    close(second->descriptor);
    free(first);
    free(second);
}

static void what_is_no_stream_is_refused(void **state)
{
    struct listening *listening = *state;
    assert_refused(listening, "GET /v1/views/dayly/stream HTTP/1.1\r\n" CLOSE, "HTTP/1.1 404", "did you mean daily?");
    assert_refused(listening, "GET /v1/views/daily/stream?limit=3 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400",
                   "no parameter limit");
    assert_refused(listening, "GET /v1/views/daily/stream?order=total HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400",
                   "no parameter order");
    assert_refused(listening, "GET /v1/views/daily/stream?cursor=a HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400",
                   "no parameter cursor");
    assert_refused(listening, "GET /v1/views/daily/stream?format=csv HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "is json");
    assert_refused(listening, "GET /v1/views/daily/stream?from=%00 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "%00");
    assert_refused(listening, ASK "Accept: text/html\r\n" CLOSE, "HTTP/1.1 406", "text/event-stream");
    assert_refused(listening, "POST /v1/views/daily/stream HTTP/1.1\r\n" CLOSE, "HTTP/1.1 405", "GET, HEAD");
    assert_int_equal(streams_count(streams_of(listening)), 0);
}

static void head_of_a_stream_is_its_headers(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    reader_open(reader, listening, "HEAD /v1/views/daily/stream HTTP/1.1\r\n" CLOSE);
    const char *got = read_all(reader);
    assert_int_equal(strncmp(got, "HTTP/1.1 200", 12), 0);
    assert_non_null(strstr(got, "Content-Type: text/event-stream\r\n"));
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
    assert_int_equal(streams_count(streams_of(listening)), 0);
    free(reader);
}

static void more_streams_than_there_may_be_are_refused(void **state)
{
    struct listening *listening = *state;
    struct reader *readers[STREAMS_MAX];
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        readers[i] = calloc(1, sizeof *readers[i]);
        reader_open(readers[i], listening, ASK CLOSE);
        read_until(readers[i], "\"reset\": true");
    }
    assert_refused(listening, ASK CLOSE, "HTTP/1.1 503", "Retry-After: ");
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        close(readers[i]->descriptor);
        free(readers[i]);
    }
}

/* Times that haven't come yet are told to those who look at streams. */
static void look_in(const struct listening *listening, int64_t later_us)
{
    streams_look(streams_of(listening), clock_monotonic_us() + later_us);
}

static void tell_one_more(struct listening *listening)
{
    fake_add(0, DAILY, DAY_S, no_group, 1, 100);
    fake.slots[0].slot.next++;
    bench_follow(&listening->bench);
}

/* Wakes the one stream, which is told orders until it sleeps; it can't make an event before the snapshot is unlocked.
 */
static void wake_one(struct listening *listening)
{
    pthread_rwlock_t *lock = &listening->bench.snapshot->lock;
    const int64_t until_us = clock_monotonic_us() + PATIENCE_S * US_PER_SECOND;
    while (clock_monotonic_us() < until_us) {
        tell_one_more(listening);
        pthread_rwlock_wrlock(lock);
        if (streams_look(streams_of(listening), clock_monotonic_us()) == 1)
            return;
        pthread_rwlock_unlock(lock);
        nap();
    }
    fail_msg("it doesn't sleep");
}

static void read_all_orders(struct reader *reader)
{
    char word[50];
    snprintf(word, sizeof word, "\"order_count\": %lld,", (long long)fake.slots[0].slot.next);
    read_until(reader, word);
}

static void streams_rest_four_times_as_long_as_they_took(void **state)
{
    struct listening *listening = *state;
    pthread_rwlock_t *lock = &listening->bench.snapshot->lock;
    const int64_t round_us = 50000;
    struct reader *reader = calloc(1, sizeof *reader);
    reader_open(reader, listening, ASK CLOSE);
    read_until(reader, "\"reset\": true");
    wake_one(listening);
    const int64_t since_us = clock_monotonic_us();
    assert_int_equal(streams_look(streams_of(listening), since_us + US_PER_SECOND), 0);
    while (clock_monotonic_us() < since_us + round_us)
        nap();
    pthread_rwlock_unlock(lock);
    read_all_orders(reader);
    for (int i = 0; i < 20; i++) { /* also once it sleeps */
        tell_one_more(listening);
        assert_int_equal(streams_look(streams_of(listening), since_us + round_us * 5 - 1), 0);
        nap();
    }
    wake_one(listening);
    pthread_rwlock_unlock(lock);
    read_all_orders(reader);
    close(reader->descriptor);
    free(reader);
}

static void a_reader_that_is_gone_is_noticed(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    look_by_itself(listening);
    reader_open(reader, listening, ASK CLOSE);
    read_until(reader, "\n\n");
    wait_for_count(listening, 1);
    close(reader->descriptor);
    wait_for_count(listening, 0);
    assert_says(&listening->bench, "/metrics", "tidemark_http_streams{view=\"daily\"} 0\n");
    free(reader);
}

static void a_silent_stream_says_a_word_now_and_then(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    reader_open(reader, listening, ASK CLOSE);
    read_until(reader, "\"reset\": true");
    read_until(reader, "\n\n");
    while (!strstr(reader->got + reader->read, ":\n\n")) { /* once it sleeps */
        look_in(listening, STREAM_COMMENT_US);
        nap();
        ssize_t more = recv(reader->descriptor, reader->got + reader->length, sizeof reader->got - 1 - reader->length,
                            MSG_DONTWAIT);
        reader->length += more > 0 ? (size_t)more : 0;
    }
    close(reader->descriptor);
    free(reader);
}

static void many_rows(void)
{
    struct buffer scratch = {0};
    for (int64_t i = 0; i < 50000; i++)
        fake_add(0, GROUPED, DAY_S + i % 24 * 3600, group_of("a category with a long name", i, &scratch), 1, 100);
    fake.slots[0].slot.next += 50000;
    buffer_clean_up(&scratch);
}

static void a_reader_that_takes_nothing_is_dropped_and_nobody_waits_for_it(void **state)
{
    struct listening *listening = *state;
    struct reader *slow = calloc(1, sizeof *slow), *other = calloc(1, sizeof *other);
    many_rows();
    bench_follow(&listening->bench);
    reader_open(slow, listening, "GET /v1/views/grouped/stream HTTP/1.1\r\n" CLOSE);
    wait_for_count(listening, 1);
    reader_open(other, listening, ASK CLOSE);
    read_until(other, "\"reset\": true");
    close(other->descriptor);
    int64_t until_us = clock_monotonic_us() + PATIENCE_S * US_PER_SECOND;
    while (streams_count(streams_of(listening)) > 0 && clock_monotonic_us() < until_us) {
        look_in(listening, STREAM_STALL_LIMIT_US + 2 * US_PER_SECOND);
        nap();
    }
    assert_int_equal(streams_count(streams_of(listening)), 0);
    assert_says(&listening->bench, "/metrics", "tidemark_http_streams_dropped_total{reason=\"slow\"} 1\n");
    close(slow->descriptor);
    free(slow);
    free(other);
}

/* Reads what is too much to be kept, to the end of an event. */
static void read_event(struct reader *reader)
{
    while (!strstr(reader->got, "\n\n")) {
        const bool is_half = reader->length > 0 && reader->got[reader->length - 1] == '\n';
        reader->got[0] = '\n';
        reader->length = is_half;
        if (!read_more(reader))
            fail_msg("the end comes before that of an event");
    }
    reader->read = (size_t)(strstr(reader->got, "\n\n") - reader->got);
}

/* What changes while it takes a piece it isn't told at once, but when it is called with all others. */
static void a_reader_that_was_slow_is_told_no_sooner_than_others(void **state)
{
    struct listening *listening = *state;
    struct reader *slow = calloc(1, sizeof *slow);
    struct buffer scratch = {0};
    many_rows();
    bench_follow(&listening->bench);
    reader_open(slow, listening, "GET /v1/views/grouped/stream HTTP/1.1\r\n" CLOSE);
    read_until(slow, "\"reset\": true");
    fake_add(0, GROUPED, DAY_S, group_of("late", 7, &scratch), 1, 100);
    fake.slots[0].slot.next++;
    bench_follow(&listening->bench);
    read_event(slow);
    const int64_t until_us = clock_monotonic_us() + STREAM_COMMENT_US / 2; /* of silence it would be woken, too */
    while (streams_look(streams_of(listening), clock_monotonic_us()) != 1 && clock_monotonic_us() < until_us)
        nap();
    assert_true(clock_monotonic_us() < until_us);
    read_until(slow, "late");
    close(slow->descriptor);
    free(slow);
    buffer_clean_up(&scratch);
}

/* Wakes the one stream, once it sleeps and there is news. */
static void wake(const struct listening *listening)
{
    const int64_t until_us = clock_monotonic_us() + PATIENCE_S * US_PER_SECOND;
    while (streams_look(streams_of(listening), clock_monotonic_us()) != 1 && clock_monotonic_us() < until_us)
        nap();
    assert_true(clock_monotonic_us() < until_us);
}

static void an_event_for_one_reader_waits_until_there_is_room_for_it(void **state)
{
    struct listening *listening = *state;
    struct stream_hub *hub = listening->bench.serving.hub;
    struct reader *reader = calloc(1, sizeof *reader);
    char before[50];
    reader_open(reader, listening, ASK CLOSE);
    read_until(reader, "\"reset\": true");
    atomic_fetch_add(&hub->bytes_held, hub->options.bytes_max); /* as of those who take nothing */
    tell_one_more(listening);
    snprintf(before, sizeof before, "\"order_count\": %lld,", (long long)fake.slots[0].slot.next);
    wake(listening);
    wake(listening); /* it sleeps again, and there is news still */
    tell_one_more(listening);
    atomic_fetch_sub(&hub->bytes_held, hub->options.bytes_max);
    wake(listening);
    read_all_orders(reader);
    assert_null(strstr(reader->got, before));
    close(reader->descriptor);
    free(reader);
}

static void a_selection_of_too_many_rows_is_refused(void **state)
{
    struct listening *listening = *state;
    many_rows();
    struct buffer scratch = {0};
    for (int64_t i = 0; i < 50001; i++)
        fake_add(1, GROUPED, DAY_S + i % 24 * 3600, group_of("b", i, &scratch), 1, 100);
    fake.slots[1].slot.next += 50001;
    buffer_clean_up(&scratch);
    bench_follow(&listening->bench);
    assert_refused(listening, "GET /v1/views/grouped/stream HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400", "at most 100000 rows");
}

static void the_end_of_the_server_ends_streams_with_their_last_chunk(void **state)
{
    struct listening *listening = *state;
    struct reader *reader = calloc(1, sizeof *reader);
    reader_open(reader, listening, ASK CLOSE);
    read_until(reader, "\n\n");
    streams_end(streams_of(listening), clock_monotonic_us() + PATIENCE_S * US_PER_SECOND);
    assert_int_equal(streams_count(streams_of(listening)), 0);
    const char *got = read_all(reader);
    assert_string_equal(got + strlen(got) - 5, "0\r\n\r\n");
    free(reader);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_begins_with_all_rows_and_goes_on_with_what_changes),
        TEST(who_comes_back_is_told_what_has_changed_where_that_is_known),
        TEST(two_readers_are_told_the_same),
        TEST(what_is_no_stream_is_refused),
        TEST(head_of_a_stream_is_its_headers),
        TEST(more_streams_than_there_may_be_are_refused),
        TEST(streams_rest_four_times_as_long_as_they_took),
        TEST(a_reader_that_is_gone_is_noticed),
        TEST(a_silent_stream_says_a_word_now_and_then),
        TEST(a_reader_that_takes_nothing_is_dropped_and_nobody_waits_for_it),
        TEST(a_reader_that_was_slow_is_told_no_sooner_than_others),
        TEST(an_event_for_one_reader_waits_until_there_is_room_for_it),
        TEST(a_selection_of_too_many_rows_is_refused),
        TEST(the_end_of_the_server_ends_streams_with_their_last_chunk),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}
