/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/record.h"

struct valid {
    const char *digits;
    unsigned scale;
    int64_t minor;
};

static void decimals_are_exact_minor_units(void **state)
{
    static const struct valid cases[] = {
        {"0", 2, 0},
        {"12.5", 2, 1250},
        {"0.01", 2, 1},
        {"-3", 2, -300},
        {"7", 0, 7},
        {"1.001", 3, 1001},
        {"999999999999999.999", 3, 999999999999999999},
        {"-999999999999999.99", 2, -99999999999999999},
        {"123456789012345.67", 2, 12345678901234567},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor = -1;
        assert_true(decimal_parse(text_of(cases[i].digits), cases[i].scale, &minor));
        assert_int_equal(minor, cases[i].minor);
    }
}

static void trailing_zeros_and_exponents_do_not_count_as_digits(void **state)
{
    static const struct valid cases[] = {
        {"1.50", 1, 15},
        {"1.500000000000000000000000", 2, 150},
        {"1e2", 2, 10000},
        {"1E+2", 0, 100},
        {"100e-2", 0, 1},
        {"12300e-4", 2, 123},
        {"1.5e1", 0, 15},
        {"0.001e1", 2, 1},
        {"0.00000000000000000001e22", 0, 100},
        {"1230000000000000000000e-7", 2, 12300000000000000},
        {"1e14", 3, 100000000000000000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor = -1;
        assert_true(decimal_parse(text_of(cases[i].digits), cases[i].scale, &minor));
        assert_int_equal(minor, cases[i].minor);
    }
}

static void zero_is_zero_with_any_sign_and_exponent(void **state)
{
    static const char *const cases[] = {"-0",           "-0.0",    "0e999999999",
                                        "0e-999999999", "0.000e5", "0e99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor = -1;
        assert_true(decimal_parse(text_of(cases[i]), 2, &minor));
        assert_int_equal(minor, 0);
    }
}

static void more_digits_than_the_decimal_holds_are_refused_and_leave_the_output(void **state)
{
    static const char *const cases[] = {"1.505",
                                        "0.001",
                                        "1e-3",
                                        "1e-999999999",
                                        "1e15",
                                        "999999999999999.999",
                                        "1000000000000000",
                                        "0.1e16",
                                        "1e999999999",
                                        "-1e15",
                                        "1e99999999999999999999",
                                        "1e18446744073709551617"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor = 77;
        assert_false(decimal_parse(text_of(cases[i]), 2, &minor));
        assert_int_equal(minor, 77);
    }
}

static void only_the_grammar_of_json_is_a_number(void **state)
{
    static const char *const cases[] = {"",    "-",   "+1", ".5", "1.",  "01",       "-01",  "00",    "1e",  "1e+",
                                        "0x1", "1_0", " 1", "1 ", "NaN", "Infinity", "1.e1", "1e1.5", "--1", "1,5"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t minor;
        assert_false(decimal_parse(text_of(cases[i]), 2, &minor));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact_minor_units),
        cmocka_unit_test(trailing_zeros_and_exponents_do_not_count_as_digits),
        cmocka_unit_test(zero_is_zero_with_any_sign_and_exponent),
        cmocka_unit_test(more_digits_than_the_decimal_holds_are_refused_and_leave_the_output),
        cmocka_unit_test(only_the_grammar_of_json_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
