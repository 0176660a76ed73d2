/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "detect/detector_position.h"

static void what_is_kept_with_a_position_reads_back(void **state)
{
    (void)state;
    const struct detector_position positions[] = {
        {17, {5, 1764000000000000}, 1764000000123456, "0123456789abcdef", 3},
        {0, {0, CLOCK_NONE}, -1, "f", 0},
        {INT64_MAX, {INT64_MAX, INT64_MIN + 1}, INT64_MAX, "0123456789abcdef", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        char metadata[DETECTOR_METADATA_SIZE];
        struct detector_position back = {.offset = positions[i].offset};
        detector_position_format(&positions[i], metadata);
        assert_true(detector_position_parse(text_of(metadata), &back));
        assert_int_equal(back.offset, positions[i].offset);
        assert_int_equal(back.floor.offset, positions[i].floor.offset);
        assert_int_equal(back.floor.clock_before_us, positions[i].floor.clock_before_us);
        assert_int_equal(back.record_time_us, positions[i].record_time_us);
        assert_string_equal(back.fingerprint, positions[i].fingerprint);
        assert_int_equal(back.gap, positions[i].gap);
    }
}

static void what_an_older_version_left_has_no_gap(void **state)
{
    (void)state;
    struct detector_position position = {.offset = 7};
    assert_true(detector_position_parse(text_of("1 floor=5 clock=- time=1 rules=a"), &position));
    assert_int_equal(position.floor.offset, 5);
    assert_int_equal(position.gap, 0);
}

static void what_another_program_left_is_not_taken_for_ours(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "1",
        "2 floor=1 clock=1 time=1 rules=a",
        "1 floor=1 clock=1 time=1",
        "1 floor=x clock=1 time=1 rules=a",
        "1 floor=-1 clock=1 time=1 rules=a",
        "1 floor=- clock=1 time=1 rules=a",
        "1 floor=1 clock=1 time=1 rules=0123456789abcdef0",
        "1 clock=1 floor=1 time=1 rules=a",
        "1 floor=1 clock=1 time=1 rules=a gap=-1",
        "1 floor=1 clock=1 time=1 rules=a hole=1",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct detector_position position = {.offset = 7};
        assert_false(detector_position_parse(text_of(others[i]), &position));
        assert_int_equal(position.offset, 7);
        assert_int_equal(position.floor.offset, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_with_a_position_reads_back),
        cmocka_unit_test(what_an_older_version_left_has_no_gap),
        cmocka_unit_test(what_another_program_left_is_not_taken_for_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
