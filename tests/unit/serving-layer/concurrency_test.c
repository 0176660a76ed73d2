/* SPDX-License-Identifier: Apache-2.0
 * Requests while the follower puts new states in place: no answer is made of two of them. */
#include "serving_fixture.h"

#include <pthread.h>

#include "base/log.h"

#define READERS 3
#define ROUNDS 400

static const struct text no_group = {"", 0};
static _Atomic bool ended;
static _Atomic int wrong, answers;

/* Every message is an order of 1.00 that counts, so the answer must count as many as its offsets say. */
static void *ask(void *context)
{
    struct bench *bench = context;
    while (!ended) {
        struct reply reply = {0};
        const char *name;
        route(&bench->serving, &(struct request_head){.target = "/v1/views/daily"}, &reply, &name);
        const char *body = buffer_string(&reply.body), *count = strstr(body, "\"order_count\": ");
        const char *offsets = strstr(body, "\"offsets\": {\"0\": ");
        long long counted = 0, euros = 0, first = 0, second = 0;
        if (count)
            sscanf(count, "\"order_count\": %lld, \"total\": %lld.00", &counted, &euros);
        if (offsets && sscanf(offsets, "\"offsets\": {\"0\": %lld, \"1\": %lld", &first, &second) == 2)
            wrong += counted != first + second || euros != counted;
        answers++;
        reply_clean_up(&reply);
    }
    return NULL;
}

static void publish(void)
{
    for (int i = 0; i < PARTITIONS; i++) {
        add_cell(&fake.rows[DAILY], DAY_S, no_group, fake.slots[i].slot.next - fake.cut[i],
                 100 * (fake.slots[i].slot.next - fake.cut[i]));
        fake.cut[i] = fake.slots[i].slot.next;
        fake_begin(i, fake.epoch + 2, fake.cut[i]);
    }
    fake.named = PARTITIONS;
    fake.epoch++;
    fake.published_at_us++;
}

static void begin(struct bench *bench, struct follower_times times)
{
    struct error error;
    fake.times = times;
    bench_start(bench, 1 << 30);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    assert_true(follower_start(bench->follower, &error));
}

/* Slots and publications change while the follower's own threads read them. */
static void no_answer_is_made_of_two_states(void **state)
{
    (void)state;
    struct bench bench;
    pthread_t readers[READERS];
    begin(&bench, (struct follower_times){.live_us = 100, .publication_us = 1000, .grace_us = 2000});
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, ask, &bench), 0);
    for (int round = 0; round < ROUNDS || answers < ROUNDS; round++) {
        int partition = round % PARTITIONS;
        pthread_mutex_lock(&fake_lock);
        fake_add(partition, DAILY, DAY_S, no_group, 1, 100);
        fake.slots[partition].slot.next++;
        if (round % 10 == 9)
            publish();
        pthread_mutex_unlock(&fake_lock);
        fake_redis_hangs = round % 100 > 90; /* then what is published is put in place without it */
        nap();
    }
    fake_redis_hangs = false;
    ended = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(wrong, 0);
    assert_true(answers >= ROUNDS);
    bench_stop(&bench);
}

/* Asks until an answer has the word; false where it doesn't come, which is far beyond any load. */
static bool says_in_time(struct bench *bench, const char *target, const char *word)
{
    const int64_t until_us = clock_monotonic_us() + 60 * US_PER_SECOND;
    unsigned status;
    while (!strstr(bench_get(bench, target, &status), word)) {
        if (clock_monotonic_us() > until_us)
            return false;
        nap();
    }
    return true;
}

static void what_is_published_is_answered_while_redis_hangs(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, FOLLOWER_TIMES(20000));
    assert_true(says_in_time(&bench, "/v1/views/daily", "\"complete\": true"));
    fake_redis_hangs = true;
    pthread_mutex_lock(&fake_lock);
    fake_add(0, DAILY, DAY_S, no_group, 1, 100);
    fake.slots[0].slot.next++;
    publish();
    pthread_mutex_unlock(&fake_lock);
    bool answered = says_in_time(&bench, "/v1/status", "\"epoch\": 1");
    bool marked = answered && says_in_time(&bench, "/v1/views/daily", "\"reason\": \"unreachable\"");
    fake_redis_hangs = false;
    assert_true(answered);
    assert_true(marked);
    assert_true(says_in_time(&bench, "/v1/views/daily", "\"complete\": true"));
    assert_says(&bench, "/v1/views/daily", "\"order_count\": 1, \"total\": 1.00");
    bench_stop(&bench);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_is_made_of_two_states),
        cmocka_unit_test(what_is_published_is_answered_while_redis_hangs),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}
