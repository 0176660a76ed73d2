/* SPDX-License-Identifier: Apache-2.0
 * Whatever writes a slot is news to those who follow the source, and nothing else is. */
#include "slot_fixture.h"

#define OTHER "fedcba9876543210"
#define TOLD_MAX 16

static const struct slot_id other_three = {"orders", 3, OTHER};
static struct additions one;

/* What was told in a test. */
static struct told {
    char texts[TOLD_MAX][SLOT_STATE_SIZE];
    size_t count;
} told;

static int begin(void **state)
{
    told.count = 0;
    return flush_redis(state);
}

static const char *news_of(const char *source)
{
    static char news[SLOT_STATE_SIZE];
    must(store->operations->read_news(store, source, news, &error));
    return news;
}

/* It isn't known what was written. */
#define assert_unknown() assert_string_equal(news_of("orders"), "")

/* Something was written since the last call, and never the same before. */
static void assert_news(void)
{
    const char *news = news_of("orders");
    assert_string_not_equal(news, "");
    for (size_t i = 0; i < told.count; i++)
        assert_string_not_equal(news, told.texts[i]);
    assert_true(told.count < TOLD_MAX);
    snprintf(told.texts[told.count++], SLOT_STATE_SIZE, "%s", news);
}

static void assert_no_news(void)
{
    assert_string_equal(news_of("orders"), told.texts[told.count - 1]);
}

static void begin_at(struct slot_id id, const char *incarnation)
{
    struct slot fresh = fresh_slot(incarnation, 1, 10);
    bool done = false;
    must(store->operations->init(store, id, "", &fresh, &done, &error));
    assert_true(done);
}

static enum commit_answer commit_one(const char *id, int64_t expected, int64_t following)
{
    int64_t next;
    struct commit commit = commit_of(&one, "a", id, expected, following);
    return send_commit(&commit, &next);
}

static void each_write_is_news(void **state)
{
    (void)state;
    assert_unknown();
    begin_slot("a", 1, 10);
    assert_news();
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_news();
    assert_int_equal(commit_one("c2", 20, 20), COMMIT_OK);
    assert_news();
    assert_int_equal(open_epoch(2), 20);
    assert_news();
    drop_epochs(1);
    assert_news();
    begin_slot("b", 1, 10);
    assert_news();
    begin_at((struct slot_id){"orders", 4, orders.fingerprint}, "c");
    assert_news();
    begin_at(other_three, "d");
    assert_news();
    assert_string_equal(news_of("others"), "");
}

static void what_changes_nothing_is_no_news(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_int_equal(open_epoch(2), 20);
    assert_news();
    assert_int_equal(slot_now().next, 20);
    assert_int_equal(ones_in_store(), 1);
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_ALREADY);
    assert_int_equal(commit_one("c2", 15, 20), COMMIT_AHEAD);
    assert_int_equal(open_epoch(2), 20);
    assert_int_equal(open_epoch(9), -1);
    drop_epochs(0);
    begin_at((struct slot_id){"others", 3, orders.fingerprint}, "b");
    assert_no_news();
}

static void what_is_forgotten_leaves_unknown_what_is_new(void **state)
{
    (void)state;
    bool done;
    begin_slot("a", 1, 10);
    assert_news();
    begin_at(other_three, "b");
    assert_news();
    must(store->operations->forget(store, other_three, 0, &done, &error));
    assert_unknown();
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_news();
    begin_at(other_three, "c");
    must(store->operations->replace(store, other_three, orders.fingerprint, &done, &error));
    assert_true(done);
    assert_unknown();
    must(store->operations->forget(store, other_three, 0, &done, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
}

/* Half of it is written when it meets a field that is no number. */
static void a_slot_that_a_commit_had_to_forget_leaves_unknown_what_is_new(void **state)
{
    (void)state;
    struct commit_outcome outcome;
    begin_slot("a", 1, 10);
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_news();
    redis_do("HSET " SLOT ":1:ledger consumed text");
    struct commit commit = commit_of(&one, "a", "c2", 20, 30);
    must_fail(realtime_commit(store, &commit, &outcome, &error), ERROR_DATA);
    assert_false(slot_now().exists);
    assert_unknown();
}

static void an_emptied_store_knows_nothing_and_an_older_one_what_it_knew(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    assert_news();
    redis_do("COPY test:news kept");
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_news();
    redis_do("RENAME kept test:news");
    assert_string_equal(news_of("orders"), told.texts[0]);
    redis_do("FLUSHALL");
    assert_unknown();
    last_commit[0] = '\0';
    begin_slot("a", 1, 20); /* by chance the same words */
    assert_news();
}

static void whatever_else_is_at_the_key_stops_no_commit(void **state)
{
    (void)state;
    redis_do("SET test:news text");
    begin_slot("a", 1, 10);
    assert_int_equal(commit_one("c1", 10, 20), COMMIT_OK);
    assert_unknown();
    assert_int_equal(ones_in_store(), 1);
    redis_do("DEL test:news");
    redis_do("HSET test:news orders %s", "a text that is longer than any digest of a slot is");
    assert_unknown();
    assert_int_equal(commit_one("c2", 20, 30), COMMIT_OK);
    assert_news();
}

int main(void)
{
    additions_init(&one);
    add_one(&one);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_write_is_news, begin),
        cmocka_unit_test_setup(what_changes_nothing_is_no_news, begin),
        cmocka_unit_test_setup(what_is_forgotten_leaves_unknown_what_is_new, begin),
        cmocka_unit_test_setup(a_slot_that_a_commit_had_to_forget_leaves_unknown_what_is_new, begin),
        cmocka_unit_test_setup(an_emptied_store_knows_nothing_and_an_older_one_what_it_knew, begin),
        cmocka_unit_test_setup(whatever_else_is_at_the_key_stops_no_commit, begin),
    };
    int failed = cmocka_run_group_tests(tests, start_redis, stop_redis);
    additions_clean_up(&one);
    return failed;
}
