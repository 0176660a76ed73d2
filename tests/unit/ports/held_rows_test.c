/* SPDX-License-Identifier: Apache-2.0
 * What is known of the rows that a sink holds, and how a row says which revision it is. */
#include "cmocka_test.h"

#include "ports/held_rows.h"

static void rows_that_are_gone_leave_their_places_to_others(void **state)
{
    (void)state;
    struct held_rows held = {0};
    char name[24];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_non_null(held_rows_set(&held, text_of(name), (struct row_version){.content = (uint64_t)i}));
        if (i >= 100) {
            snprintf(name, sizeof name, "%d", i - 100);
            assert_int_equal(held_rows_find(&held, text_of(name))->content, (uint64_t)i - 100);
            assert_non_null(held_rows_set(&held, text_of(name), (struct row_version){.is_gone = true}));
            assert_null(held_rows_find(&held, text_of(name)));
        }
    }
    assert_int_equal(held.count, 100);
    assert_true(held_rows_memory(&held) <= 39 * 300);
    uint64_t checksum = 0;
    for (int i = 19900; i < 20000; i++) {
        snprintf(name, sizeof name, "%d", i);
        checksum += held_row_checksum(text_of(name), (uint64_t)i);
    }
    assert_true(held.checksum == checksum);
    held_rows_clean_up(&held);
}

static void a_numbered_row_that_is_gone_is_remembered(void **state)
{
    (void)state;
    struct held_rows held = {0};
    char name[24];
    assert_non_null(held_rows_set(&held, text_of("x"), (struct row_version){.revision = 2, .is_gone = true}));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_non_null(held_rows_set(&held, text_of(name), (struct row_version){.revision = 1}));
    }
    assert_int_equal(held.count, 1000);
    assert_int_equal(held_rows_find(&held, text_of("x"))->revision, 2);
    held_rows_clean_up(&held);
}

static void assert_reads(const char *row, struct row_version version, const char *expected)
{
    struct buffer json = {0};
    buffer_append_string(&json, row);
    row_version_append(version, &json);
    assert_string_equal(buffer_string(&json), expected);
    const struct row_version read = row_version_read(buffer_text(&json));
    assert_int_equal(read.revision, version.revision);
    assert_int_equal(read.is_gone, version.is_gone);
    assert_true(read.content == sink_row_hash(text_of(row)));
    buffer_clean_up(&json);
}

static void a_row_says_at_its_end_which_revision_it_is(void **state)
{
    (void)state;
    assert_reads("{\"n\": 1}", (struct row_version){.revision = 1}, "{\"n\": 1}");
    assert_reads("{\"n\": 1}", (struct row_version){.revision = 23}, "{\"n\": 1, \"revision\": 23}");
    assert_reads("{\"n\": 1}", (struct row_version){.revision = 2, .is_gone = true},
                 "{\"n\": 1, \"revision\": 2, \"removed\": true}");
    assert_true(row_version_read((struct text){0}).is_gone);
    assert_int_equal(row_version_read((struct text){0}).revision, 0);
}

static void what_others_wrote_is_a_first_revision(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "}",
                                        "7}",
                                        "{\"n\": 7}",
                                        ", \"revision\": }",
                                        "{\"n\": 1, \"revision\": 1}",
                                        "{, \"removed\": true}",
                                        "{\"n\": 1, \"revision\": 99999999999999999999}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct row_version version = row_version_read(text_of(texts[i]));
        assert_int_equal(version.revision, 1);
        assert_false(version.is_gone);
        assert_true(version.content == sink_row_hash(text_of(texts[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_gone_leave_their_places_to_others),
        cmocka_unit_test(a_numbered_row_that_is_gone_is_remembered),
        cmocka_unit_test(a_row_says_at_its_end_which_revision_it_is),
        cmocka_unit_test(what_others_wrote_is_a_first_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
