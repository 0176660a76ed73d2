/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "kafka/assignment.h"

/* Version 1; topic "ab" with the partitions 0 and 258, topic "c" with none; three bytes of the assignor's own. */
static const char good[] = "\0\1"
                           "\0\0\0\2"
                           "\0\2ab"
                           "\0\0\0\2"
                           "\0\0\0\0"
                           "\0\0\1\2"
                           "\0\1c"
                           "\0\0\0\0"
                           "\0\0\0\3xyz";
#define TOPICS_END (sizeof good - 1 - 7)

static void partitions_are_read_by_topic(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct group_partition *partitions;
    size_t count;
    assert_true(assignment_parse((struct text){good, sizeof good - 1}, &arena, &partitions, &count));
    assert_int_equal(count, 2);
    assert_string_equal(partitions[0].topic, "ab");
    assert_int_equal(partitions[0].partition, 0);
    assert_string_equal(partitions[1].topic, "ab");
    assert_int_equal(partitions[1].partition, 258);
    assert_true(assignment_parse((struct text){NULL, 0}, &arena, &partitions, &count));
    assert_int_equal(count, 0);
    arena_clean_up(&arena);
}

static void bytes_that_end_too_early_are_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct group_partition *partitions = NULL;
    size_t count = 77;
    for (size_t length = 1; length < TOPICS_END; length++)
        assert_false(assignment_parse((struct text){good, length}, &arena, &partitions, &count));
    assert_null(partitions);
    assert_int_equal(count, 77);
    arena_clean_up(&arena);
}

static void counts_beyond_the_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {
        {"\0\0\x7f\xff\xff\xff", 6},               /* so many topics */
        {"\0\0\xff\xff\xff\xff", 6},               /* fewer than none */
        {"\xff\xff\0\0\0\0", 6},                   /* a version below 0 */
        {"\0\0\0\0\0\1\xff\xff\0\0\0\0", 12},      /* no name */
        {"\0\0\0\0\0\1\0\1a\x7f\xff\xff\xff", 13}, /* so many partitions */
    };
    struct arena arena = {0};
    const struct group_partition *partitions;
    size_t count;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(assignment_parse((struct text){bad[i].bytes, bad[i].length}, &arena, &partitions, &count));
    arena_clean_up(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_are_read_by_topic),
        cmocka_unit_test(bytes_that_end_too_early_are_refused),
        cmocka_unit_test(counts_beyond_the_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
