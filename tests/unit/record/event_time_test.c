/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/event_time.h"

#define JANUARY_2026 INT64_C(1767225600000000)

static void rfc_3339_times_become_microseconds_in_utc(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"2026-01-01T00:00:00Z", JANUARY_2026},
        {"2026-01-01t00:00:00z", JANUARY_2026},
        {"2026-01-01 00:00:00", JANUARY_2026},
        {"2026-01-01T00:00:00-00:00", JANUARY_2026},
        {"2026-01-01T05:30:00+05:30", JANUARY_2026},
        {"2025-12-31T00:01:00-23:59", JANUARY_2026},
        {"2026-01-01T00:00:00.1", JANUARY_2026 + 100000},
        {"2026-01-01T00:00:00.000001Z", JANUARY_2026 + 1},
        {"2026-01-01T00:00:00.123456999+00:00", JANUARY_2026 + 123456},
        {"2024-02-29T12:34:56Z", INT64_C(1709210096000000)},
        {"2000-01-01T00:00:00Z", INT64_C(946684800000000)},
        {"1999-12-31T23:30:00-01:00", INT64_C(946686600000000)},
        {"2099-12-31T23:59:59.999999999Z", INT64_C(4102444799999999)},
        {"2100-01-01T00:30:00+01:00", INT64_C(4102443000000000)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = -1;
        assert_true(event_time_parse(text_of(cases[i].text), &us));
        assert_int_equal(us, cases[i].us);
    }
}

static void whatever_else_looks_like_a_time_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2026-01-01",
        "2026-01-01T00:00",
        "2026-01-01T00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.",
        "2026-01-01T00:00:00,1Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+01",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00 +01:00",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01X00:00:00Z",
        "2026-01-01  00:00:00Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "26-01-01T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "20260101T000000Z",
        "2026/01/01T00:00:00Z",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 77;
        assert_false(event_time_parse(text_of(cases[i]), &us));
        assert_int_equal(us, 77);
    }
}

static void the_years_count_after_conversion_to_utc(void **state)
{
    static const char *const cases[] = {"1999-12-31T23:59:59Z", "2000-01-01T00:30:00+01:00",
                                        "2100-01-01T00:00:00Z", "2099-12-31T23:59:59-00:01",
                                        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us;
        assert_false(event_time_parse(text_of(cases[i]), &us));
    }
}

static void a_text_may_end_anywhere(void **state)
{
    struct text whole = text_of("2026-01-01T00:00:00.123456789+05:30");
    (void)state;
    for (size_t length = 0; length < whole.length; length++) {
        int64_t us;
        bool is_time = length == 19 || (length >= 21 && length <= 29);
        assert_int_equal(event_time_parse((struct text){whole.data, length}, &us), is_time);
    }
}

static void the_date_before_changes_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2026-01-31T00:00:01Z", "2026-01-31T23:59:59Z", "2026-01-31", "2026-01-31X00:00:00Z",
        "2026-02-31T00:00:00Z", "2026-01-30T00:00:00Z", "2026-01-3",  "2026-01-31T00:00:00Z"};
    struct date_cursor cursor = {.days = 0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t us = 0, expected_us = 0;
        bool is_time = event_time_parse(text_of(texts[i]), &expected_us);
        assert_int_equal(event_time_parse_near(text_of(texts[i]), &cursor, &us), is_time);
        assert_int_equal(us, expected_us);
    }
}

static void numbers_are_taken_in_their_unit_from_2000_until_2100(void **state)
{
    static const struct {
        enum time_unit unit;
        int64_t per_second;
    } units[] = {{TIME_SECONDS, 1}, {TIME_MILLISECONDS, 1000}, {TIME_MICROSECONDS, 1000000}};
    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t us, first = 946684800 * units[i].per_second, end = 4102444800 * units[i].per_second;
        assert_true(event_time_from_number(first, units[i].unit, &us));
        assert_int_equal(us, INT64_C(946684800000000));
        assert_true(event_time_from_number(end - 1, units[i].unit, &us));
        assert_int_equal(us, INT64_C(4102444800000000) - 1000000 / units[i].per_second);
        assert_false(event_time_from_number(first - 1, units[i].unit, &us));
        assert_false(event_time_from_number(end, units[i].unit, &us));
        assert_false(event_time_from_number(INT64_MAX, units[i].unit, &us));
        assert_false(event_time_from_number(INT64_MIN, units[i].unit, &us));
    }
}

static void a_time_that_is_asked_for_is_of_any_year_and_becomes_the_next_whole_microsecond(void **state)
{
    static const struct {
        const char *text;
        int64_t at_us;
    } cases[] = {
        {"2026-01-01T00:00:00Z", JANUARY_2026},
        {"2026-01-01t00:00:00z", JANUARY_2026},
        {"2026-01-01 00:00:00.000+00:00", JANUARY_2026},
        {"2026-01-01T00:00:00.0000000000000000000000000000000000000000000000000000000000000001Z", JANUARY_2026 + 1},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1969-12-31T23:59:59.5Z", -500000},
        {"2026-01-01T00:00:00.123456Z", JANUARY_2026 + 123456},
        {"2026-01-01T00:00:00.12345600Z", JANUARY_2026 + 123456},
        {"2026-01-01T00:00:00.1234561Z", JANUARY_2026 + 123457},
        {"2026-01-01T00:00:00.999999999Z", JANUARY_2026 + 1000000},
        {"1999-12-31T23:59:59Z", INT64_C(946684799000000)},
        {"2100-01-01T00:00:00Z", INT64_C(4102444800000000)},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200000000)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000000)},
        {"1990-12-31T23:59:60Z", INT64_C(662688000000000)},
        {"1990-12-31T15:59:60.9-08:00", INT64_C(662688000000000)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t at_us = -77;
        assert_true(rfc3339_parse(text_of(cases[i].text), &at_us));
        assert_int_equal(at_us, cases[i].at_us);
    }
}

static void what_is_no_time_cannot_be_asked_for(void **state)
{
    static const char *const cases[] = {"",
                                        "2026-01-01",
                                        "2026-01-01T00:00:00",
                                        "2026-01-01T00:00:00.5",
                                        "2026-01-01T00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T23:59:60Z",
                                        "1990-12-31T23:58:60Z",
                                        "1990-12-31T23:59:61Z",
                                        "2026-02-29T00:00:00Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00+24:00",
                                        "2026-01-01T00:00:00+0100",
                                        "2026-01-01T00:00:00ZZ",
                                        "10000-01-01T00:00:00Z",
                                        "-001-01-01T00:00:00Z",
                                        " 2026-01-01T00:00:00Z"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t at_us = 77;
        assert_false(rfc3339_parse(text_of(cases[i]), &at_us));
        assert_int_equal(at_us, 77);
    }
}

static void a_date_that_is_asked_for_is_a_day_of_any_year(void **state)
{
    static const char *const none[] = {"",           "2026-1-1",    "2026-02-30", "2026-13-01", "2026-00-01",
                                       "2026-01-00", "10000-01-01", "2026-01-1x", "2026/01/01", "2026-01-01T"};
    int64_t days;
    (void)state;
    assert_true(rfc3339_date_parse(text_of("1970-01-02"), &days));
    assert_int_equal(days, 1);
    assert_true(rfc3339_date_parse(text_of("0000-01-01"), &days));
    assert_int_equal(days, -719528);
    assert_true(rfc3339_date_parse(text_of("9999-12-31"), &days));
    assert_int_equal(days, 2932896);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(rfc3339_date_parse(text_of(none[i]), &days));
        assert_int_equal(days, 2932896);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_times_become_microseconds_in_utc),
        cmocka_unit_test(whatever_else_looks_like_a_time_is_refused),
        cmocka_unit_test(the_years_count_after_conversion_to_utc),
        cmocka_unit_test(a_text_may_end_anywhere),
        cmocka_unit_test(the_date_before_changes_no_time),
        cmocka_unit_test(numbers_are_taken_in_their_unit_from_2000_until_2100),
        cmocka_unit_test(a_time_that_is_asked_for_is_of_any_year_and_becomes_the_next_whole_microsecond),
        cmocka_unit_test(what_is_no_time_cannot_be_asked_for),
        cmocka_unit_test(a_date_that_is_asked_for_is_a_day_of_any_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
