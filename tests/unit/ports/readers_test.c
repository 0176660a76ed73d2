/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "ports/readers.h"

static const struct source sources[] = {{.name = "orders"}, {.name = "returns"}};

static void client_id_names_namespace_and_sources(void **state)
{
    (void)state;
    char id[CLIENT_ID_SIZE];
    readers_client_id("staging", sources, 2, id);
    assert_string_equal(id, "tidemark/staging/orders,returns");
}

static void client_id_of_many_sources_is_cut(void **state)
{
    (void)state;
    struct source many[64];
    char id[CLIENT_ID_SIZE], longest[101];
    memset(longest, 'n', 100);
    longest[100] = '\0';
    for (size_t i = 0; i < 64; i++)
        many[i] = (struct source){.name = "a23456789012345678901234567890123456789_"};
    readers_client_id(longest, many, 64, id);
    assert_in_range(strlen(id), 200, CLIENT_ID_SIZE - 1);
    assert_string_equal(id + strlen(id) - 4, ",...");
    assert_false(readers_is_foreign("tidemark/x/a", "tidemark/x/b"));
}

static void members_of_another_namespace_and_of_another_client_are_foreign(void **state)
{
    (void)state;
    static const char own[] = "tidemark/one/orders";
    assert_false(readers_is_foreign("tidemark/one/orders", own));
    assert_false(readers_is_foreign("tidemark/one/orders,returns", own)); /* a process with a newer file */
    assert_false(readers_is_foreign("tidemark", own));                    /* of an earlier release */
    assert_true(readers_is_foreign("tidemark/two/orders", own));
    assert_true(readers_is_foreign("tidemark/one-more/orders", own));
    assert_true(readers_is_foreign("rdkafka", own));
    assert_true(readers_is_foreign("", own));
    assert_false(readers_is_foreign("chosen by hand", "chosen by hand"));
    assert_true(readers_is_foreign("tidemark/one/orders", "chosen by hand"));
}

static void foreign_reader_of_a_partition_is_found_with_its_host(void **state)
{
    (void)state;
    static const struct group_partition mine[] = {{"orders", 0}, {"orders", 1}}, theirs[] = {{"orders", 2}, {"x", 1}};
    static const struct group_member list[] = {{"tidemark/one/orders", "/10.0.0.1", mine, 2},
                                               {"tidemark/two/orders", "/10.0.0.2", theirs, 2}};
    const struct group_members members = {.is_settled = true, .members = list, .count = 2};
    struct foreign_reader reader;
    assert_false(readers_foreign(&members, "tidemark/one/orders", "orders", 1, &reader));
    assert_false(readers_foreign(&members, "tidemark/one/orders", "orders", 3, &reader));
    assert_true(readers_foreign(&members, "tidemark/one/orders", "orders", 2, &reader));
    assert_string_equal(reader.client_id, "tidemark/two/orders");
    assert_string_equal(reader.host, "/10.0.0.2");
    assert_true(readers_foreign(&members, "tidemark/two/orders", "orders", 1, &reader));
    assert_string_equal(reader.client_id, "tidemark/one/orders");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_id_names_namespace_and_sources),
        cmocka_unit_test(client_id_of_many_sources_is_cut),
        cmocka_unit_test(members_of_another_namespace_and_of_another_client_are_foreign),
        cmocka_unit_test(foreign_reader_of_a_partition_is_found_with_its_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
