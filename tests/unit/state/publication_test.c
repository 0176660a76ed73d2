/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "state/fit.h"
#include "state/gaps.h"
#include "state/slot.h"

static struct published_partition partition;
static struct publication publication;
static struct slot slot;

static int begin(void **state)
{
    (void)state;
    partition = (struct published_partition){.partition = 3, .first = 5, .cut = 20};
    publication = (struct publication){.epoch = 7, .partitions = &partition, .partition_count = 1};
    slot = (struct slot){.exists = true, .epoch = 9, .epoch_count = 2, .first = 5};
    slot.epochs[0] = (struct epoch_start){.epoch = 8, .offset = 20};
    slot.epochs[1] = (struct epoch_start){.epoch = 9, .offset = 31};
    return 0;
}

static void slot_fits_where_the_next_epoch_begins_at_the_cut(void **state)
{
    (void)state;
    assert_true(slot_fits(&slot, 3, &publication));
    slot.epochs[0].offset = 19;
    assert_false(slot_fits(&slot, 3, &publication));
}

static void slot_of_an_older_epoch_or_none_does_not_fit(void **state)
{
    (void)state;
    publication.epoch = 9;
    assert_false(slot_fits(&slot, 3, &publication));
    publication.epoch = 6;
    assert_false(slot_fits(&slot, 3, &publication));
    slot = (struct slot){0};
    assert_false(slot_fits(&slot, 3, &publication));
}

static void slot_that_lies_behind_another_message_does_not_fit(void **state)
{
    (void)state;
    partition.last = slot.epochs[0].last = 19;
    partition.last_hash = slot.epochs[0].last_hash = 0xabc;
    assert_true(slot_fits(&slot, 3, &publication));
    slot.epochs[0].last_hash = 0xabd;
    assert_false(slot_fits(&slot, 3, &publication));
    slot.epochs[0].last_hash = 0; /* one of them doesn't know it */
    assert_true(slot_fits(&slot, 3, &publication));
    slot.epochs[0].last_hash = 0xabc;
    partition.last = 18;
    assert_false(slot_fits(&slot, 3, &publication));
    partition.last_hash = 0;
    assert_true(slot_fits(&slot, 3, &publication));
}

static void partition_that_the_cut_does_not_name_begins_at_its_first_offset(void **state)
{
    (void)state;
    assert_false(slot_fits(&slot, 4, &publication));
    slot.epochs[0].offset = 5;
    assert_true(slot_fits(&slot, 4, &publication));
}

/* Its index knows messages that the batch views never had. */
static void slot_that_began_elsewhere_than_what_is_published_does_not_fit(void **state)
{
    (void)state;
    slot.first = 0;
    assert_false(slot_fits(&slot, 3, &publication));
}

static void slot_that_has_lost_more_or_fewer_messages_does_not_fit(void **state)
{
    (void)state;
    partition.lost = 12;
    assert_false(slot_fits(&slot, 3, &publication));
    slot.lost = 12;
    assert_true(slot_fits(&slot, 3, &publication));
    partition.lost = 0; /* of before, in the memory of one who hasn't seen yet that the database came back older */
    assert_false(slot_fits(&slot, 3, &publication));
}

/* Orders in them that it took for unknown are in the batch views. */
static void slot_that_passed_over_messages_does_not_fit_once_they_are_published(void **state)
{
    (void)state;
    slot.floor_time_us = FLOOR_TIME_NEVER;
    slot.gaps = (struct gaps){{{8, 12}, {20, 24}}, 2};
    assert_true(slot_fits(&slot, 3, &publication));
    slot.gaps.count = 1;
    assert_false(slot_fits(&slot, 3, &publication));
    slot.gaps.count = 0;
    assert_false(slot_fits(&slot, 3, &publication));
}

static void slot_of_another_cluster_does_not_fit(void **state)
{
    (void)state;
    strcpy(slot.cluster, "a");
    assert_true(slot_fits(&slot, 3, &publication)); /* nothing is known of the published one */
    strcpy(publication.cluster, "b");
    assert_false(slot_fits(&slot, 3, &publication));
    strcpy(slot.cluster, "b");
    assert_true(slot_fits(&slot, 3, &publication));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(slot_fits_where_the_next_epoch_begins_at_the_cut, begin),
        cmocka_unit_test_setup(slot_that_lies_behind_another_message_does_not_fit, begin),
        cmocka_unit_test_setup(slot_of_an_older_epoch_or_none_does_not_fit, begin),
        cmocka_unit_test_setup(partition_that_the_cut_does_not_name_begins_at_its_first_offset, begin),
        cmocka_unit_test_setup(slot_that_began_elsewhere_than_what_is_published_does_not_fit, begin),
        cmocka_unit_test_setup(slot_that_has_lost_more_or_fewer_messages_does_not_fit, begin),
        cmocka_unit_test_setup(slot_that_passed_over_messages_does_not_fit_once_they_are_published, begin),
        cmocka_unit_test_setup(slot_of_another_cluster_does_not_fit, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
