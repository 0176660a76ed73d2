/* SPDX-License-Identifier: Apache-2.0
 * What dead_letter_store promises, kept by the one in memory. */
#include "memory_dead_letters.h"

#include "cmocka_test.h"

static const struct source source = {.name = "orders", .topic = "orders", .dead_letter = "orders-dead-letter"};
static struct memory_dead_letter_topic topic;
static struct memory_dead_letters first, second;

static int begin(void **state)
{
    (void)state;
    memory_dead_letter_topic_init(&topic);
    memory_dead_letters_init(&first, &topic);
    memory_dead_letters_init(&second, &topic);
    return 0;
}

static int end(void **state)
{
    (void)state;
    memory_dead_letters_clean_up(&first);
    memory_dead_letters_clean_up(&second);
    memory_dead_letter_topic_clean_up(&topic);
    return 0;
}

static void send_one(struct memory_dead_letters *memory, int64_t offset)
{
    const struct log_message message = {.offset = offset};
    const struct dead_letter letter = {.source = &source, .message = &message, .field = "", .reason = "not JSON"};
    struct error error;
    assert_true(memory->store.operations->send(&memory->store, &letter, &error));
}

static bool keep(struct memory_dead_letters *memory, int64_t next, struct error *error)
{
    return memory->store.operations->keep(&memory->store, &source, 0, next, error);
}

static void assert_written(size_t count, const int64_t offsets[])
{
    assert_int_equal(topic.partitions[0].written.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(topic.partitions[0].written.offsets[i], offsets[i]);
}

static void a_letter_that_was_sent_is_written_when_it_is_kept(void **state)
{
    (void)state;
    struct error error;
    send_one(&first, 3);
    assert_written(0, NULL);
    assert_true(keep(&first, 5, &error));
    assert_written(1, (int64_t[]){3});
}

static void messages_read_again_are_not_written_again(void **state)
{
    (void)state;
    struct error error;
    send_one(&first, 3);
    assert_true(keep(&first, 5, &error));
    send_one(&second, 3);
    send_one(&second, 7);
    assert_true(keep(&second, 8, &error));
    assert_written(2, (int64_t[]){3, 7});
}

static void a_lost_reply_is_a_failure_and_sending_again_writes_nothing_twice(void **state)
{
    (void)state;
    struct error error;
    send_one(&first, 3);
    first.loses_replies = true;
    assert_false(keep(&first, 5, &error));
    first.loses_replies = false;
    send_one(&first, 3);
    assert_true(keep(&first, 5, &error));
    assert_written(1, (int64_t[]){3});
}

static void whoever_had_the_partition_before_writes_nothing_more(void **state)
{
    (void)state;
    struct error error;
    memory_dead_letters_take_over(&first, 0); /* and is frozen before it writes */
    send_one(&first, 3);
    send_one(&second, 3);
    assert_true(keep(&second, 5, &error));
    assert_false(keep(&first, 5, &error));
    assert_int_equal(error.code, ERROR_TRY_AGAIN);
    assert_written(1, (int64_t[]){3});
}

static void what_is_forgotten_is_not_written(void **state)
{
    (void)state;
    struct error error;
    send_one(&first, 3);
    first.store.operations->forget(&first.store, &source, 0);
    assert_true(keep(&first, 5, &error));
    assert_written(0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_letter_that_was_sent_is_written_when_it_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(messages_read_again_are_not_written_again, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_reply_is_a_failure_and_sending_again_writes_nothing_twice, begin, end),
        cmocka_unit_test_setup_teardown(whoever_had_the_partition_before_writes_nothing_more, begin, end),
        cmocka_unit_test_setup_teardown(what_is_forgotten_is_not_written, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
