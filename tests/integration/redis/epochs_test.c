/* SPDX-License-Identifier: Apache-2.0 */
#include "slot_fixture.h"

static struct additions one;

static void commit_one(const char *id, int64_t expected, int64_t next)
{
    int64_t at;
    struct commit commit = commit_of(&one, "a", id, expected, next);
    assert_int_equal(send_commit(&commit, &at), COMMIT_OK);
}

static void an_epoch_opens_where_the_slot_is_and_opening_again_gives_the_same(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    commit_one("c1", 10, 20);
    assert_int_equal(open_epoch(2), 20);
    commit_one("c2", 20, 30);
    assert_int_equal(open_epoch(2), 20);
    assert_int_equal(open_epoch(1), 10);
    struct slot slot = slot_now();
    assert_int_equal(slot.epoch, 2);
    assert_int_equal(slot.epoch_count, 2);
    assert_int_equal(slot.epochs[0].offset, 10);
    assert_int_equal(slot.epochs[1].offset, 20);
}

static void an_epoch_is_not_ready_where_the_slot_is_not_at_the_one_before(void **state)
{
    (void)state;
    assert_int_equal(open_epoch(2), -1);
    begin_slot("a", 5, 10);
    assert_int_equal(open_epoch(7), -1);
    assert_int_equal(open_epoch(4), -1);
    assert_int_equal(slot_now().epoch, 5);
}

static void commits_go_to_the_epoch_that_was_opened_last(void **state)
{
    (void)state;
    struct slot_reader reader;
    begin_slot("a", 1, 10);
    commit_one("c1", 10, 20);
    assert_int_equal(open_epoch(2), 20);
    commit_one("c2", 20, 30);
    commit_one("c3", 30, 40);
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_int_equal(reader.epoch_count, 2);
    assert_int_equal(slot_reader_epoch(&reader, 1)->ledger.consumed, 1);
    assert_int_equal(slot_reader_epoch(&reader, 2)->ledger.consumed, 2);
    assert_int_equal(slot_reader_epoch(&reader, 2)->ledger.views[MINUTE].counted, 2);
    assert_int_equal(slot_reader_epoch(&reader, 2)->ledger.views[DAILY].filtered, 2);
    assert_int_equal(panes_get(&slot_reader_epoch(&reader, 2)->panes[MINUTE], 0).cell->count, 2);
    slot_reader_clean_up(&reader);
}

static void dropped_epochs_take_their_keys_with_them(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    commit_one("c1", 10, 20);
    assert_int_equal(open_epoch(2), 20);
    commit_one("c2", 20, 30);
    assert_int_equal(open_epoch(3), 30);
    commit_one("c3", 30, 40);
    long long keys = redis_number("DBSIZE");
    drop_epochs(2);
    assert_int_equal(redis_number("DBSIZE"), keys - 4);
    struct slot slot = slot_now();
    assert_int_equal(slot.epoch_count, 1);
    assert_int_equal(slot.epochs[0].epoch, 3);
    assert_int_equal(ones_in_store(), 1);
    assert_int_equal(open_epoch(2), -1);
}

static void an_epoch_says_behind_which_message_it_begins(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    commit_one("c1", 10, 20);
    assert_int_equal(open_epoch(2), 20);
    commit_one("c2", 20, 30);
    assert_int_equal(open_epoch(2), 20);
    struct slot slot = slot_now();
    assert_true(slot.epochs[0].last == -1 && slot.epochs[0].last_hash == UINT64_MAX);
    assert_true(slot.epochs[1].last == 10 && slot.epochs[1].last_hash == UINT64_C(0xfedcba9876543210));
    drop_epochs(1);
    assert_int_equal(redis_number("HEXISTS " META " last:1"), 0);
    assert_true(slot_now().epochs[0].last == 10);
}

/* A commit of these tests says its next offset for the idle time, too. */
static void an_epoch_says_how_long_the_partition_had_been_silent(void **state)
{
    (void)state;
    begin_slot("a", 1, 10);
    commit_one("c1", 10, 20);
    assert_int_equal(open_epoch(2), 20);
    commit_one("c2", 20, 30);
    assert_int_equal(open_epoch(2), 20);
    struct slot slot = slot_now();
    assert_int_equal(slot.idle_us, 30);
    assert_int_equal(slot.epochs[0].idle_us, 0);
    assert_int_equal(slot.epochs[1].idle_us, 20);
}

static void the_current_epoch_is_never_dropped(void **state)
{
    (void)state;
    begin_slot("a", 9, 10);
    commit_one("c1", 10, 20);
    drop_epochs(100);
    drop_epochs(-1);
    assert_int_equal(slot_now().epoch_count, 1);
    assert_int_equal(ones_in_store(), 1);
}

static void dropping_without_a_slot_is_nothing(void **state)
{
    (void)state;
    drop_epochs(3);
    assert_int_equal(redis_number("DBSIZE"), 0);
}

static void epochs_are_ordered_as_numbers(void **state)
{
    (void)state;
    begin_slot("a", 9, 10);
    assert_int_equal(open_epoch(10), 10);
    drop_epochs(9);
    assert_int_equal(slot_now().epoch_count, 1);
    assert_int_equal(slot_now().epochs[0].epoch, 10);
}

static void a_fifth_epoch_retires_the_oldest(void **state)
{
    (void)state;
    begin_slot("a", 8, 10);
    commit_one("c1", 10, 20);
    for (int64_t epoch = 9; epoch <= 12; epoch++)
        assert_int_equal(open_epoch(epoch), 20);
    struct slot slot = slot_now();
    assert_int_equal(slot.epoch_count, LIVE_EPOCHS_MAX);
    assert_int_equal(slot.epochs[0].epoch, 9);
    assert_int_equal(ones_in_store(), 0);
}

int main(void)
{
    additions_init(&one);
    add_one(&one);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_epoch_opens_where_the_slot_is_and_opening_again_gives_the_same, flush_redis),
        cmocka_unit_test_setup(an_epoch_is_not_ready_where_the_slot_is_not_at_the_one_before, flush_redis),
        cmocka_unit_test_setup(commits_go_to_the_epoch_that_was_opened_last, flush_redis),
        cmocka_unit_test_setup(dropped_epochs_take_their_keys_with_them, flush_redis),
        cmocka_unit_test_setup(an_epoch_says_behind_which_message_it_begins, flush_redis),
        cmocka_unit_test_setup(an_epoch_says_how_long_the_partition_had_been_silent, flush_redis),
        cmocka_unit_test_setup(the_current_epoch_is_never_dropped, flush_redis),
        cmocka_unit_test_setup(dropping_without_a_slot_is_nothing, flush_redis),
        cmocka_unit_test_setup(epochs_are_ordered_as_numbers, flush_redis),
        cmocka_unit_test_setup(a_fifth_epoch_retires_the_oldest, flush_redis),
    };
    int failed = cmocka_run_group_tests(tests, start_redis, stop_redis);
    additions_clean_up(&one);
    return failed;
}
