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
    "/v1/views/grouped/stream",
    "/v1/views/grouped/stream?group_by=category&per_window=1",
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
    bench_stream(&bench, 10);
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
    route(&bench.serving, &(struct request_head){.target = answered->target}, &reply, &name);
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
        route(&bench.serving, &(struct request_head){.target = answered.target}, &answered.expected, &name);
        fail_every_allocation(ask, &answered);
        reply_clean_up(&answered.expected);
    }
}

/* A follower with a snapshot of its own, made while allocations don't fail. */
struct own {
    struct snapshot *snapshots[1];
    struct follower *follower;
    struct metrics *metrics;
    struct store_health health;
};

static void own_start(struct own *own)
{
    failing_memory_pause();
    const struct follower_stores stores = {&fake.publications, &fake.realtime};
    fake.last_epoch = 0;
    own->metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    own->snapshots[0] = snapshot_new(&orders, 1 << 20);
    assert_non_null(own->snapshots[0]);
    store_health_init(&own->health, own->metrics);
    const struct follower_listener listener = store_health_listener(&own->health);
    assert_true(follower_new(&stores, own->snapshots, 1, (struct follower_times){0}, &listener, &own->follower, NULL));
    follower_read_live(own->follower);
}

/* Ends it; the answer that it gave last, to be freed, or NULL where it gave none. */
static char *own_stop(struct own *own)
{
    failing_memory_pause();
    const struct serving serving = {
        .sources = &orders, .source_count = 1, .snapshots = own->snapshots, .metrics = own->metrics};
    struct reply reply = {0};
    const char *name;
    route(&serving, &(struct request_head){.target = targets[3]}, &reply, &name);
    char *answer = reply.status == 200 ? strdup(buffer_string(&reply.body)) : NULL;
    reply_clean_up(&reply);
    follower_destroy(own->follower);
    snapshot_destroy(own->snapshots[0]);
    metrics_destroy(own->metrics);
    return answer;
}

static bool load(void *expected)
{
    struct own own;
    own_start(&own);
    failing_memory_resume();
    follower_look_at_publications(own.follower);
    follower_read_live(own.follower);
    char *answer = own_stop(&own);
    bool loaded = answer != NULL;
    if (loaded)
        assert_string_equal(answer, expected);
    free(answer);
    failing_memory_resume();
    return loaded;
}

static void a_snapshot_that_could_not_take_what_is_new_is_not_answered_from(void **state)
{
    (void)state;
    unsigned status;
    char *expected = strdup(bench_get(&bench, targets[3], &status));
    assert_int_equal(status, 200);
    unsigned long allocations = fail_every_allocation(load, expected);
    assert_true(allocations > 10);
    free(expected);
}

static void change_slot(int64_t count)
{
    struct buffer scratch = {0};
    fake_add(1, GROUPED, DAY_S + 10800, group_of("toys", 1, &scratch), count, 7 * count);
    buffer_clean_up(&scratch);
}

struct answers {
    char *before, *after;
};

/* What changed in a slot is in the answer, or isn't, or there is no answer. */
static bool update(void *context)
{
    const struct answers *answers = context;
    struct own own;
    own_start(&own);
    follower_look_at_publications(own.follower);
    follower_read_live(own.follower);
    change_slot(1);
    failing_memory_resume();
    follower_read_live(own.follower);
    char *answer = own_stop(&own);
    change_slot(-1);
    bool updated = answer && strcmp(answer, answers->before) != 0;
    if (updated)
        assert_string_equal(answer, answers->after);
    free(answer);
    failing_memory_resume();
    return updated;
}

static char *answered_now(void)
{
    struct own own;
    own_start(&own);
    follower_look_at_publications(own.follower);
    follower_read_live(own.follower);
    char *answer = own_stop(&own);
    assert_non_null(answer);
    failing_memory_resume();
    return answer;
}

static void a_change_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    struct answers answers = {.before = answered_now()};
    change_slot(1);
    answers.after = answered_now();
    change_slot(-1);
    assert_string_not_equal(answers.before, answers.after);
    unsigned long allocations = fail_every_allocation(update, &answers);
    assert_true(allocations > 5);
    free(answers.before);
    free(answers.after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_in_full_or_told_that_memory_is_short),
        cmocka_unit_test(a_snapshot_that_could_not_take_what_is_new_is_not_answered_from),
        cmocka_unit_test(a_change_is_taken_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
