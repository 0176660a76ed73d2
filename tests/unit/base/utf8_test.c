/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/utf8.h"

static void a_character_is_as_long_as_it_says_and_no_longer_than_it_must_be(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 0},
        {"a\xff", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xef\xbf\xbd", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xc0\xaf", 0},
        {"\xc2", 0},
        {"\xc2\x41", 0},
        {"\xe2\x82", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(utf8_length(text_of(cases[i].text)), cases[i].length);
}

static void assert_json(const char *text, const char *expected)
{
    struct buffer out = {0};
    utf8_append_json(&out, text_of(text));
    assert_string_equal(buffer_string(&out), expected);
    buffer_clean_up(&out);
}

static void what_is_no_utf_8_is_json_all_the_same(void **state)
{
    (void)state;
    assert_json("", "\"\"");
    assert_json("\"é\"", "\"\\\"é\\\"\"");
    assert_json("a\xff\xc3", "\"a\uFFFD\uFFFD\"");
    assert_json("\xc3\"é\xe2\x82", "\"\uFFFD\\\"é\uFFFD\uFFFD\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_is_as_long_as_it_says_and_no_longer_than_it_must_be),
        cmocka_unit_test(what_is_no_utf_8_is_json_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
