/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/hex.h"

static void bytes_come_back_as_they_were_written(void **state)
{
    (void)state;
    char bytes[256], again[sizeof bytes];
    struct buffer digits = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    hex_append((struct text){bytes, sizeof bytes}, &digits);
    assert_int_equal(digits.length, 2 * sizeof bytes);
    assert_memory_equal(buffer_string(&digits), "000102030405060708090a0b0c0d0e0f10", 34);
    assert_true(hex_parse(buffer_text(&digits), again));
    assert_memory_equal(bytes, again, sizeof bytes);
    buffer_clean_up(&digits);
}

static void capitals_are_digits_too(void **state)
{
    (void)state;
    unsigned char bytes[3];
    assert_true(hex_parse(text_of("AbcDEf"), bytes));
    assert_memory_equal(bytes, "\xAB\xCD\xEF", 3);
}

static void nothing_is_no_bytes(void **state)
{
    (void)state;
    assert_true(hex_parse(text_of(""), NULL));
}

static void what_is_no_digit_is_refused_wherever_it_is(void **state)
{
    (void)state;
    const char *const wrong[] = {"a",        "abc", "0g", "g0", "00 0", "0x10", "00-1",
                                 "\xC3\xA4", "@0",  "0/", ":0", "0`",   "G0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        unsigned char bytes[8];
        if (hex_parse(text_of(wrong[i]), bytes))
            fail_msg("%s was read", wrong[i]);
    }
    unsigned char bytes[8];
    assert_false(hex_parse((struct text){"00\0000", 4}, bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_as_they_were_written),
        cmocka_unit_test(capitals_are_digits_too),
        cmocka_unit_test(nothing_is_no_bytes),
        cmocka_unit_test(what_is_no_digit_is_refused_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
