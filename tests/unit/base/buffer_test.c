/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/buffer.h"

static void an_empty_buffer_reads_as_an_empty_string(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    assert_string_equal(buffer_string(&buffer), "");
    assert_int_equal(buffer_text(&buffer).length, 0);
    buffer_append_text(&buffer, (struct text){NULL, 0});
    assert_string_equal(buffer_string(&buffer), "");
    buffer_clean_up(&buffer);
}

static void integers_are_written_to_both_ends_of_64_bits(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_append_integer(&buffer, INT64_MIN);
    buffer_append_char(&buffer, ' ');
    buffer_append_integer(&buffer, INT64_MAX);
    buffer_append_char(&buffer, ' ');
    buffer_append_integer(&buffer, 0);
    assert_string_equal(buffer_string(&buffer), "-9223372036854775808 9223372036854775807 0");
    buffer_clean_up(&buffer);
}

static void json_escapes_what_must_be_escaped_and_nothing_else(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_append_json(&buffer, (struct text){"a\"b\\c\n\r\t\x01\x7f/é", 13});
    assert_string_equal(buffer_string(&buffer), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f/é\"");
    buffer_clean_up(&buffer);
}

static void quotes_within_quotes_are_doubled(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    buffer_append_quoted(&buffer, text_of("it's"), '\'');
    buffer_append_quoted(&buffer, text_of("\"\""), '"');
    buffer_append_quoted(&buffer, (struct text){0}, '"');
    assert_string_equal(buffer_string(&buffer), "'it''s'\"\"\"\"\"\"\"\"");
    buffer_clean_up(&buffer);
}

static void growing_keeps_what_was_written(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 10000; i++)
        buffer_appendf(&buffer, "%05d,", i);
    assert_int_equal(buffer.length, 60000);
    assert_memory_equal(buffer.data + 6 * 9999, "09999,", 7);
    buffer_clear(&buffer);
    assert_string_equal(buffer_string(&buffer), "");
    buffer_clean_up(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_reads_as_an_empty_string),
        cmocka_unit_test(integers_are_written_to_both_ends_of_64_bits),
        cmocka_unit_test(json_escapes_what_must_be_escaped_and_nothing_else),
        cmocka_unit_test(quotes_within_quotes_are_doubled),
        cmocka_unit_test(growing_keeps_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
