/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/breaker.h"

#include "cmocka_test.h"

static bool note(struct breaker *breaker, int count, bool bad)
{
    bool tripped = false;
    for (int i = 0; i < count; i++)
        tripped = breaker_note(breaker, bad);
    return tripped;
}

static void trips_at_the_first_message_beyond_the_limit(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 10));
    assert_false(note(&breaker, 10, true));
    assert_true(note(&breaker, 1, true));
    breaker_clean_up(&breaker);
}

static void half_of_the_messages_may_be_bad_for_ever(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 10));
    for (int i = 0; i < 1000; i++)
        assert_false(breaker_note(&breaker, i % 2 == 0));
    breaker_clean_up(&breaker);
}

static void what_lies_further_back_than_twice_the_limit_is_forgotten(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 10));
    assert_false(note(&breaker, 10, true));
    assert_false(note(&breaker, 20, false));
    assert_false(note(&breaker, 10, true));
    assert_true(note(&breaker, 1, true));
    breaker_clean_up(&breaker);
}

static void few_bad_messages_and_nothing_else_never_trip(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 1000));
    assert_false(note(&breaker, 1000, true));
    breaker_reset(&breaker);
    assert_false(note(&breaker, 1000, true));
    breaker_clean_up(&breaker);
}

static void one_that_had_tripped_before_trips_sooner_and_forgets_that(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 100));
    breaker_expect_bad(&breaker);
    assert_false(note(&breaker, 10, true));
    assert_true(note(&breaker, 1, true));
    breaker_reset(&breaker);
    breaker_expect_bad(&breaker);
    assert_false(note(&breaker, 200, false));
    assert_false(note(&breaker, 100, true));
    breaker_clean_up(&breaker);
}

static void a_limit_of_zero_never_trips(void **state)
{
    (void)state;
    struct breaker breaker;
    assert_true(breaker_init(&breaker, 0));
    assert_false(note(&breaker, 100000, true));
    breaker_clean_up(&breaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trips_at_the_first_message_beyond_the_limit),
        cmocka_unit_test(half_of_the_messages_may_be_bad_for_ever),
        cmocka_unit_test(what_lies_further_back_than_twice_the_limit_is_forgotten),
        cmocka_unit_test(few_bad_messages_and_nothing_else_never_trip),
        cmocka_unit_test(one_that_had_tripped_before_trips_sooner_and_forgets_that),
        cmocka_unit_test(a_limit_of_zero_never_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
