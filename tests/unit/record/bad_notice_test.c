/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "record/bad_notice.h"

#define SECOND_US INT64_C(1000000)

static const struct rejection null_amount = {"amount", "null"}, no_json = {"", "not JSON"};

static void nothing_is_said_where_nothing_is_bad(void **state)
{
    (void)state;
    struct bad_notice notice = {0};
    char line[BAD_NOTICE_SIZE];
    assert_false(bad_notice_take(&notice, "orders", 0, SECOND_US, line));
    bad_notice_print_last(&notice, line);
    assert_string_equal(line, "");
}

static void first_bad_message_is_told_at_once_with_place_reason_and_command(void **state)
{
    (void)state;
    struct bad_notice notice = {0};
    char line[BAD_NOTICE_SIZE];
    bad_notice_add(&notice, &null_amount, 812);
    assert_true(bad_notice_take(&notice, "orders", 3, SECOND_US, line));
    assert_string_equal(line, "orders/3: 1 bad message, the last at offset 812: amount: null; see tidemark-batch "
                              "dead-letters list --source orders");
    assert_false(bad_notice_take(&notice, "orders", 3, 100 * SECOND_US, line));
}

static void more_of_them_make_one_line_in_ten_seconds(void **state)
{
    (void)state;
    struct bad_notice notice = {0};
    char line[BAD_NOTICE_SIZE];
    int lines = 0;
    for (int64_t i = 0; i < 1101; i++) { /* fifty a second */
        bad_notice_add(&notice, i % 2 ? &null_amount : &no_json, i);
        lines += bad_notice_take(&notice, "orders", 0, SECOND_US + i * 20000, line);
    }
    assert_int_equal(lines, 3);
    assert_string_equal(line, "orders/0: 500 bad messages, the last at offset 1000: not JSON; see tidemark-batch "
                              "dead-letters list --source orders");
    assert_int_equal(notice.count, 100);
    bad_notice_print_last(&notice, line);
    assert_string_equal(line, "offset 1100: not JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_where_nothing_is_bad),
        cmocka_unit_test(first_bad_message_is_told_at_once_with_place_reason_and_command),
        cmocka_unit_test(more_of_them_make_one_line_in_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
