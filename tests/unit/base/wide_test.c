/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/wide.h"

static void check_decimal(wide value, unsigned scale, const char *expected)
{
    struct buffer buffer = {0};
    buffer_append_decimal(&buffer, value, scale);
    assert_string_equal(buffer_string(&buffer), expected);
    buffer_clean_up(&buffer);
}

static void decimals_have_exactly_their_digits(void **state)
{
    (void)state;
    check_decimal(5885834, 2, "58858.34");
    check_decimal(0, 2, "0.00");
    check_decimal(5, 2, "0.05");
    check_decimal(-5, 3, "-0.005");
    check_decimal(-1200, 2, "-12.00");
    check_decimal(42, 0, "42");
    check_decimal((wide)INT64_MAX * 1000, 2, "92233720368547758070.00");
}

static void averages_round_half_away_from_zero(void **state)
{
    (void)state;
    assert_true(wide_average(5, 2) == 3);
    assert_true(wide_average(-5, 2) == -3);
    assert_true(wide_average(4, 3) == 1);
    assert_true(wide_average(-4, 3) == -1);
    assert_true(wide_average(0, 7) == 0);
    assert_true(wide_average((wide)INT64_MAX * 4, 4) == INT64_MAX);
}

static void parsing_is_strict(void **state)
{
    (void)state;
    int64_t number;
    assert_true(integer_parse(text_of("-9223372036854775808"), &number) && number == INT64_MIN);
    assert_true(integer_parse(text_of("9223372036854775807"), &number) && number == INT64_MAX);
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1a", "9223372036854775808", "-9223372036854775809"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(integer_parse(text_of(bad[i]), &number));
    wide value;
    assert_true(wide_parse(text_of("170141183460469231731687303715884105727"), &value));
    assert_false(wide_parse(text_of("170141183460469231731687303715884105728"), &value));
    assert_true(wide_parse(text_of("-170141183460469231731687303715884105728"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_have_exactly_their_digits),
        cmocka_unit_test(averages_round_half_away_from_zero),
        cmocka_unit_test(parsing_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
