/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "http/entity_tag.h"

static void a_tag_is_found_in_any_list_that_names_it(void **state)
{
    static const char *const known[] = {"W/\"00000000000000ff\"", "\"00000000000000ff\"", "*",
                                        " \"a\", W/\"b,\" ,W/\"00000000000000ff\"", "\"\",\"00000000000000ff\""};
    static const char *const unknown[] = {"",
                                          " ",
                                          "W/",
                                          "00000000000000ff",
                                          "\"00000000000000ff",
                                          "W/\"00000000000000fe\"",
                                          "\"a\", 00000000000000ff",
                                          "\"a\" \"",
                                          "w/\"00000000000000ff\""};
    const struct entity_tag tag = entity_tag_of(255);
    (void)state;
    assert_string_equal(tag.text, known[0]);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!entity_tag_is_known(known[i], &tag))
            fail_msg("%s", known[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (entity_tag_is_known(unknown[i], &tag))
            fail_msg("%s", unknown[i]);
    assert_false(entity_tag_is_known(NULL, &tag));
}

/* What two processes say of one state, or one before and after it was started again, must be equal. */
static void a_hash_is_the_same_everywhere(void **state)
{
    (void)state;
    assert_true(entity_hash("", 0) == UINT64_C(0x2d06800538d394c2)); /* XXH3's of nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_tag_is_found_in_any_list_that_names_it),
                                       cmocka_unit_test(a_hash_is_the_same_everywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
