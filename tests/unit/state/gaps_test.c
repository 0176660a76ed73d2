/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "state/gaps.h"

static struct gaps gaps;

static int start_empty(void **state)
{
    (void)state;
    gaps = (struct gaps){0};
    return 0;
}

static void add(int64_t from, int64_t to)
{
    gaps_add(&gaps, (struct offset_range){from, to});
}

static void assert_gap(size_t number, int64_t from, int64_t to)
{
    assert_true(number < gaps.count);
    assert_true(gaps.ranges[number].from == from && gaps.ranges[number].to == to);
}

static void gaps_apart_stay_apart_and_those_that_touch_are_one(void **state)
{
    (void)state;
    add(3, 5);
    add(7, 9);
    add(9, 12);
    add(11, 14);
    assert_int_equal(gaps.count, 2);
    assert_gap(0, 3, 5);
    assert_gap(1, 7, 14);
}

static void an_empty_gap_and_one_that_is_known_are_none(void **state)
{
    (void)state;
    add(4, 4);
    assert_int_equal(gaps.count, 0);
    add(3, 9);
    add(3, 9);
    add(5, 7);
    assert_int_equal(gaps.count, 1);
    assert_gap(0, 3, 9);
}

static void beyond_the_last_place_the_last_is_extended_and_none_is_forgotten(void **state)
{
    (void)state;
    for (int64_t i = 0; i < GAPS_MAX + 3; i++)
        add(10 * i, 10 * i + 2);
    assert_int_equal(gaps.count, GAPS_MAX);
    assert_gap(0, 0, 2);
    assert_gap(GAPS_MAX - 1, 10 * (GAPS_MAX - 1), 10 * (GAPS_MAX + 2) + 2);
}

static void gaps_that_end_below_an_offset_go(void **state)
{
    (void)state;
    add(0, 2);
    add(5, 9);
    gaps_drop_below(&gaps, 2);
    assert_int_equal(gaps.count, 1);
    gaps_drop_below(&gaps, 8);
    assert_gap(0, 5, 9);
    gaps_drop_below(&gaps, 9);
    assert_int_equal(gaps.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gaps_apart_stay_apart_and_those_that_touch_are_one, start_empty),
        cmocka_unit_test_setup(an_empty_gap_and_one_that_is_known_are_none, start_empty),
        cmocka_unit_test_setup(beyond_the_last_place_the_last_is_extended_and_none_is_forgotten, start_empty),
        cmocka_unit_test_setup(gaps_that_end_below_an_offset_go, start_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
