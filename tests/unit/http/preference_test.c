/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "http/preference.h"

static void the_most_exact_entry_decides_wherever_it_stands(void **state)
{
    (void)state;
    assert_int_equal(preference_weight("text/csv", "text/csv"), 1000);
    assert_int_equal(preference_weight("*/*;q=0.1, text/*;q=0.5, text/csv;q=0.25", "text/csv"), 250);
    assert_int_equal(preference_weight("text/csv;q=0.25,text/*;q=0.5,*/*;q=0.1", "text/plain"), 500);
    assert_int_equal(preference_weight("text/*;q=0.5, */*;q=0.1", "application/json"), 100);
    assert_int_equal(preference_weight("gzip;q=0, *", "gzip"), 0);
    assert_int_equal(preference_weight("br, *;q=0.5", "gzip"), 500);
}

static void names_know_no_case_and_blanks_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(preference_weight("\tTEXT/CSV ; header=present ; Q=0.7 ", "text/csv"), 700);
    assert_int_equal(preference_weight(" , ,GZip", "gzip"), 1000);
}

static void a_weight_may_lack_its_zero(void **state)
{
    static const char java[] = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";
    (void)state;
    assert_int_equal(preference_weight(java, "application/json"), 200);
    assert_int_equal(preference_weight("gzip;q=.125", "gzip"), 125);
}

static void what_isn_t_wanted_or_can_t_be_understood_has_no_weight(void **state)
{
    static const char *const lists[] = {
        "",
        ",",
        "text/html",
        "text/csvx",
        "text/cs",
        "text",
        "/csv",
        "*",
        "text/csv;q=2",
        "text/csv;q=1.001",
        "text/csv;q=0.x",
        "text/csv;q=",
        "text/csv;q",
        "text/csv;q=0",
        "text/csv;q=-0.1",
        "text/csv;q=.",
        "text/csv;q=.0001",
        "text/csv;q=.x",
        "text/csv;q=0.0001",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (preference_weight(lists[i], "text/csv") != (strcmp(lists[i], "text/csv;q") == 0 ? 1000 : 0))
            fail_msg("%s", lists[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_exact_entry_decides_wherever_it_stands),
        cmocka_unit_test(names_know_no_case_and_blanks_are_passed_over),
        cmocka_unit_test(a_weight_may_lack_its_zero),
        cmocka_unit_test(what_isn_t_wanted_or_can_t_be_understood_has_no_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
