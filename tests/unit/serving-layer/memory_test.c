/* SPDX-License-Identifier: Apache-2.0
 * Answers, and the snapshot that they come from, while memory is short: what is answered is right, and what isn't says
 * so. */
#include "serving_fixture.h"

#include "failing_memory.h"

#include "base/log.h"

static const char *const targets[] = {
    "/v1/views/grouped?format=json&limit=3&from=2026-01-01&category=books",
    "/v1/views/grouped?limit=3&cursor=r1.1767225600.2b353a626f6f6b732b313a32",
    "/v1/views/grouped?format=csv&limit=2",
    "/v1/views/grouped?format=ndjson",
    "/v1/views/daily?from=2026-01-01T00:00:00Z",
    "/v1/views",
    "/v1/status",
    "/v1/ledger",
    "/v1/runs",
    "/metrics",
    "/readyz",
    "/",
    "/nothing/here",
    "/v1/views/daily?form=1",
    "/v1/views/dayly",
    "/v1/views/grouped?limit=%61",
    "/v1/views/recent?from=2025-12-31&to=2026-02-01",
};

static struct bench bench;

static int start(void **state)
{
    if (make_views(state))
        return -1;
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR + 1); /* nothing: it would say much of failing memory */
    struct buffer scratch = {0};
    bench_start(&bench, 1 << 20);
    fake.epoch = 1;
    fake.published_at_us = fake.opened_at_us = (DAY_S + 5 * 86400) * US_PER_SECOND;
    for (int64_t i = 0; i < 12; i++) {
        add_cell(&fake.rows[DAILY], DAY_S + i % 4 * 86400, text_of(""), 1, 100 * i);
        add_cell(&fake.rows[GROUPED], DAY_S + i % 4 * 3600, group_of(i % 2 ? "books" : NULL, i, &scratch), 2, i);
    }
    fake.named = 2;
    fake.cut[0] = fake.cut[1] = 10;
    for (int i = 0; i < 2; i++) {
        fake_begin(i, 2, 10);
        fake_add(i, GROUPED, DAY_S + 7200, group_of("books", i, &scratch), 1, 5);
        fake.slots[i].slot.next = 12;
    }
    buffer_clean_up(&scratch);
    bench_follow(&bench);
    return bench.snapshot->loaded ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    return 0;
}

struct answered {
    const char *target;
    struct reply expected;
};

static const char *body_of(const struct reply *reply)
{
    return reply->constant ? reply->constant : buffer_string(&reply->body);
}

static void assert_same(const char *target, const struct reply *reply, const struct reply *expected)
{
    bool changes =
        strcmp(target, "/v1/status") == 0 || strcmp(target, "/metrics") == 0; /* they tell of time and memory */
    assert_int_equal(reply->status, expected->status);
    assert_int_equal(reply->header_count, expected->header_count);
    for (size_t i = 0; i < reply->header_count; i++)
        assert_string_equal(buffer_string(&reply->headers[i].value), buffer_string(&expected->headers[i].value));
    if (!changes && strcmp(body_of(reply), body_of(expected)) != 0)
        fail_msg("%s\n%s\nis not\n%s", target, body_of(reply), body_of(expected));
}

static bool ask(void *context)
{
    const struct answered *answered = context;
    struct reply reply = {0};
    const char *name = NULL;
    route(&bench.serving, answered->target, &reply, &name);
    assert_non_null(name);
    bool short_of_memory = reply.status == 503 && strstr(body_of(&reply), "memory is short");
    if (short_of_memory)
        assert_string_equal(reply.content_type, "application/problem+json");
    else
        assert_same(answered->target, &reply, &answered->expected);
    reply_clean_up(&reply);
    return !short_of_memory;
}

static void a_request_is_answered_in_full_or_told_that_memory_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct answered answered = {.target = targets[i]};
        const char *name;
        route(&bench.serving, answered.target, &answered.expected, &name);
        fail_every_allocation(ask, &answered);
        reply_clean_up(&answered.expected);
    }
}

/* A snapshot of its own follows the stores anew. Where it is loaded it answers as the other one. */
static bool follow(void *expected)
{
    static struct metrics *metrics;
    failing_memory_pause();
    metrics = metrics ? metrics : metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    struct snapshot *snapshot = snapshot_new(&orders, 1 << 20), *snapshots[1] = {snapshot};
    struct follower *follower = NULL;
    const struct follower_stores stores = {&fake.publications, &fake.realtime, NULL, fake_read_rows};
    fake.last_epoch = 0;
    assert_true(follower_new(&stores, snapshots, 1, (struct follower_times){0}, metrics, &follower, NULL));
    follower_read_live(follower);
    failing_memory_resume();
    follower_look_at_publications(follower);
    follower_read_live(follower);
    failing_memory_pause();
    bool loaded = snapshot->loaded;
    if (loaded) {
        const struct serving serving = {&orders, 1, snapshots, metrics};
        struct reply reply = {0};
        const char *name;
        route(&serving, targets[3], &reply, &name);
        assert_string_equal(buffer_string(&reply.body), expected);
        reply_clean_up(&reply);
    }
    follower_destroy(follower);
    snapshot_destroy(snapshot);
    failing_memory_resume();
    return loaded;
}

static void a_snapshot_that_could_not_take_what_is_new_is_not_answered_from(void **state)
{
    (void)state;
    unsigned status;
    char *expected = strdup(bench_get(&bench, targets[3], &status));
    assert_int_equal(status, 200);
    unsigned long allocations = fail_every_allocation(follow, expected);
    assert_true(allocations > 10);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_in_full_or_told_that_memory_is_short),
        cmocka_unit_test(a_snapshot_that_could_not_take_what_is_new_is_not_answered_from),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
