/* SPDX-License-Identifier: Apache-2.0
 * Slots of two definitions of a source beside each other, and of none, as releases before had them. */
#include "slot_fixture.h"

#include "ports/other_definitions.h"

#define DAY_S OTHER_DEFINITIONS_IDLE_S
#define OTHER "fedcba9876543210"

static const struct slot_id other_three = {"orders", 3, OTHER};
static struct additions one;

static void begin_other(const char *incarnation)
{
    struct slot fresh = fresh_slot(incarnation, 1, 10);
    bool done = false;
    must(store->operations->init(store, other_three, "", &fresh, &done, &error));
    assert_true(done);
}

static struct slot_definitions definitions_now(void)
{
    struct slot_definitions definitions;
    must(store->operations->definitions(store, "orders", 3, &definitions, &error));
    return definitions;
}

static size_t forget_others(int64_t idle_s)
{
    size_t forgotten;
    must(other_definitions_forget(store, &orders, 3, idle_s, &forgotten, &error));
    return forgotten;
}

/* As if nobody had used it since. */
static void let_be_idle(const char *key, long long seconds)
{
    redisReply *dump = redis_ask("DUMP %s", key);
    assert_int_equal(dump->type, REDIS_REPLY_STRING);
    redis_do("RESTORE %s 0 %b REPLACE IDLETIME %lld", key, dump->str, dump->len, seconds);
    freeReplyObject(dump);
}

static void definitions_do_not_disturb_each_other(void **state)
{
    (void)state;
    int64_t next, offset;
    struct slot other;
    begin_slot("a", 1, 10);
    begin_other("b");
    struct commit commit = commit_of(&one, "a", "c1", 10, 20);
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_int_equal(open_epoch(2), 20);
    must(store->operations->read_slot(store, other_three, &other, &error));
    assert_true(other.next == 10 && other.epoch == 1);
    assert_string_equal(other.incarnation, "b");
    must(store->operations->open_epoch(store, other_three, 2, &offset, &error));
    assert_int_equal(offset, 10);
    begin_slot("c", 4, 30);
    must(store->operations->read_slot(store, other_three, &other, &error));
    assert_true(other.next == 10 && other.epoch == 2);
    assert_int_equal(slot_now().next, 30);
}

static void whoever_began_or_committed_last_is_the_reader(void **state)
{
    (void)state;
    int64_t next;
    assert_true(definitions_now().count == 0 && !*definitions_now().reader);
    begin_slot("a", 1, 10);
    begin_other("b");
    struct slot_definitions definitions = definitions_now();
    assert_int_equal(definitions.count, 2);
    assert_string_equal(definitions.reader, OTHER);
    assert_string_equal(definitions.reader_id, "b");
    assert_true(definitions_are_read_elsewhere(&definitions, &orders));
    struct commit commit = commit_of(&one, "a", "c1", 10, 20);
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    definitions = definitions_now();
    assert_string_equal(definitions.reader, orders.fingerprint);
    assert_string_equal(definitions.reader_id, "c1");
    assert_false(definitions_are_read_elsewhere(&definitions, &orders));
}

static void what_is_used_stays_and_what_is_idle_for_a_day_goes(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    long long keys = redis_number("DBSIZE") - 1; /* what is new isn't known once one was forgotten */
    begin_other("b");
    assert_int_equal(forget_others(DAY_S), 0);
    let_be_idle("test:{orders/3}:" OTHER ":meta", DAY_S - 60);
    assert_int_equal(forget_others(DAY_S), 0);
    let_be_idle("test:{orders/3}:" OTHER ":meta", DAY_S);
    let_be_idle(META, DAY_S);
    assert_int_equal(forget_others(DAY_S), 1);
    assert_int_equal(redis_number("DBSIZE"), keys);
    assert_int_equal(definitions_now().count, 1);
    assert_true(slot_now().exists);
    assert_int_equal(forget_others(0), 0);
}

static void reading_a_slot_is_a_use_of_it_and_asking_for_definitions_is_not(void **state)
{
    (void)state;
    struct slot slot;
    begin_other("b");
    let_be_idle("test:{orders/3}:" OTHER ":meta", DAY_S);
    assert_int_equal(definitions_now().count, 1);
    assert_int_equal(redis_number("OBJECT IDLETIME test:{orders/3}:" OTHER ":meta") / DAY_S, 1);
    must(store->operations->read_slot(store, other_three, &slot, &error));
    assert_int_equal(forget_others(DAY_S), 0);
    assert_int_equal(forget_others(0), 1);
    assert_int_equal(redis_number("DBSIZE"), 0);
}

static void a_slot_of_an_earlier_release_tells_where_the_partition_began_and_is_forgotten_like_others(void **state)
{
    (void)state;
    struct other_definitions others;
    begin_other("b");
    redis_do("RENAME test:{orders/3}:" OTHER ":meta test:{orders/3}:meta");
    redis_do("DEL test:{orders/3}:definitions");
    must(other_definitions_look(store, slot_three, "cluster-2", &others, &error));
    assert_false(others.found);
    must(other_definitions_look(store, slot_three, "cluster-1", &others, &error));
    assert_true(others.found && others.first == 5 && others.partitions == 4 && others.next >= others.first);
    assert_false(slot_now().exists);
    assert_int_equal(definitions_now().count, 1);
    assert_int_equal(forget_others(DAY_S), 0);
    assert_int_equal(forget_others(0), 1);
    assert_int_equal(redis_number("DBSIZE"), 0);
}

static void names_that_are_gone_or_spoilt_come_back_with_the_next_commit(void **state)
{
    (void)state;
    int64_t next;
    begin_slot("a", 1, 10);
    redis_do("SET test:{orders/3}:definitions something");
    assert_int_equal(definitions_now().count, 0);
    struct commit commit = commit_of(&one, "a", "c1", 10, 20);
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    redis_do("DEL test:{orders/3}:definitions");
    commit = commit_of(&one, "a", "c2", 20, 30);
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    redis_do("HSET test:{orders/3}:definitions nonsense 1 reader nobody");
    assert_int_equal(definitions_now().count, 1);
    assert_string_equal(definitions_now().names[0], orders.fingerprint);
    assert_string_equal(definitions_now().reader, "");
    assert_int_equal(ones_in_store(), 2);
}

int main(void)
{
    additions_init(&one);
    add_one(&one);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(definitions_do_not_disturb_each_other, flush_redis),
        cmocka_unit_test_setup(whoever_began_or_committed_last_is_the_reader, flush_redis),
        cmocka_unit_test_setup(what_is_used_stays_and_what_is_idle_for_a_day_goes, flush_redis),
        cmocka_unit_test_setup(reading_a_slot_is_a_use_of_it_and_asking_for_definitions_is_not, flush_redis),
        cmocka_unit_test_setup(
            a_slot_of_an_earlier_release_tells_where_the_partition_began_and_is_forgotten_like_others, flush_redis),
        cmocka_unit_test_setup(names_that_are_gone_or_spoilt_come_back_with_the_next_commit, flush_redis),
    };
    int failed = cmocka_run_group_tests(tests, start_redis, stop_redis);
    additions_clean_up(&one);
    return failed;
}
