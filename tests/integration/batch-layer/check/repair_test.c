/* SPDX-License-Identifier: Apache-2.0
 * What somebody did to PostgreSQL by hand is found, named, and mended from the log; what the log has lost is a gap. */
#include "batch_fixture.h"

#include "check/repair.h"

static bool repair(struct world *world, bool yes)
{
    world->error = (struct error){0};
    world->batch.repairs = yes;
    return repair_source(&world->batch, world->source, &world->error);
}

static void repair_finds(struct world *world, int findings)
{
    char expected[60];
    snprintf(expected, sizeof expected, "%d findings", findings);
    assert_false(repair(world, false));
    if (world->error.code != ERROR_DATA || !strstr(world->error.message, expected))
        fail_msg("not %s: %d, %s", expected, (int)world->error.code, world->error.message);
}

static void repair_ok(struct world *world)
{
    if (!repair(world, true))
        fail_msg("%s", world->error.message);
}

static void assert_sound(struct world *world)
{
    if (!repair(world, false))
        fail_msg("%s", world->error.message);
    verify_ok(world);
}

/* Twenty orders in two partitions, of which some came twice, one bad message in each, all published but the last two.
 */
static void make_published(struct world *world)
{
    make_world(world, 2);
    for (int i = 0; i < 20; i++) {
        char id[8], amount[8];
        snprintf(id, sizeof id, "o%d", i % 14);
        snprintf(amount, sizeof amount, "%d.50", i);
        order(world, i % 2, id, i % 3 ? "2026-01-01T12:00:00Z" : "2026-01-02T12:00:00Z", amount, "paid");
    }
    memory_log_append(&world->log, 0, "{", NOON_US);
    memory_log_append(&world->log, 1, "{", NOON_US);
    follow_and_run(world);
    paid(world, 0, "late", "1.00");
    paid(world, 1, "later", "1.00");
    assert_true(ingest_source(&world->batch, world->source, &world->error));
    assert_sound(world);
}

static void assert_mended(struct world *world, int findings)
{
    repair_finds(world, findings);
    repair_ok(world);
    assert_sound(world);
    assert_rows(world, "select epoch from tidemark.source", "1");
    assert_rows(world, "select count(*), count(distinct (tm_partition, tm_offset)) from raw.orders", "22 22");
    assert_rows(world, "select count(*) from tidemark.bad", "2");
    assert_rows(world, LEDGER, "22 14 6 0 2");
    follow_and_run(world);
    verify_ok(world);
    assert_rows(world, LEDGER, "24 16 6 0 2");
    end_world(world);
}

static void rows_removed_from_the_master_dataset_come_back_from_the_log(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "delete from raw.orders where tm_offset in (0, 4) and tm_partition = 1");
    sql(&world, "delete from raw.orders where tm_offset > 9"); /* not published yet */
    sql(&world, "delete from tidemark.bad where partition = 0");
    assert_mended(&world, 3); /* one a partition, and what is live isn't in the master dataset */
}

static void rows_changed_in_the_master_dataset_are_taken_from_the_log_again(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update raw.orders set amount = amount + 1 where tm_partition = 0 and tm_offset = 8");
    sql(&world, "update raw.orders set tm_event_us = tm_event_us + 1 where tm_partition = 1 and tm_offset = 0");
    assert_mended(&world, 3);
}

static void rows_changed_in_a_view_are_computed_again(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update view.daily_revenue set total_revenue = total_revenue + 1, tm_sum_0 = tm_sum_0 + 100");
    assert_mended(&world, 1);
    make_published(&world);
    sql(&world, "delete from view.by_category");
    assert_mended(&world, 1);
}

static void live_versions_that_were_changed_or_removed_are_found(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "delete from tidemark.current_orders where tm_offset = 3");
    assert_mended(&world, 1);
    make_published(&world);
    sql(&world, "update tidemark.current_orders set amount = 1000 where tm_offset = 9");
    assert_mended(&world, 1);
}

static void a_ledger_that_was_changed_is_counted_again(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update tidemark.partition set replaced = replaced + 1, kept = kept - 1 where partition = 1");
    assert_mended(&world, 1);
    make_published(&world);
    sql(&world, "update tidemark.partition set consumed = consumed - 1 where partition = 1");
    assert_mended(&world, 1);
}

static void a_ledger_that_is_right_in_total_only_is_counted_again(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update tidemark.partition set kept = kept + 1, replaced = replaced - 1 where partition = 0");
    sql(&world, "update tidemark.partition set kept = kept - 1, replaced = replaced + 1 where partition = 1");
    assert_mended(&world, 1);
}

static void orders_in_two_partitions_stay_counted(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "1.00");
    paid(&world, 1, "a", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "1");
    sql(&world, "delete from view.by_category");
    repair_ok(&world);
    assert_rows(&world, "select split_orders from tidemark.source", "1");
    assert_sound(&world);
    end_world(&world);
}

static void all_at_once_is_mended_at_once(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "truncate raw.orders; truncate tidemark.bad; truncate tidemark.current_orders; "
                "truncate view.daily_revenue; truncate view.by_category; update tidemark.view set counted = 0");
    assert_mended(&world, 3);
}

static void what_the_log_has_lost_too_is_a_gap(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "delete from raw.orders where tm_partition = 1 and tm_offset in (2, 3, 6, 8)");
    world.log.partitions[1].first = 7;
    repair_finds(&world, 2);
    repair_ok(&world);
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap order by 2", "1 2 4\n1 6 7");
    assert_rows(&world, "select sum(consumed), sum(bad) from tidemark.partition", "19 2");
    int64_t lost = published_partition(&world, 1).lost;
    world.realtime->slots[1].lost = lost; /* begun anew */
    assert_sound(&world);
    struct publication publication;
    assert_true(world.batch.publications->operations->read(world.batch.publications, world.source, &publication, NULL));
    assert_true(publication.epoch == 1 && publication.gap_count == 2);
    publication_clean_up(&publication);
    sql(&world, "delete from raw.orders where tm_partition = 1 and tm_offset in (0, 5)");
    repair_ok(&world);
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap order by 2",
                "1 0 1\n1 2 4\n1 5 6\n1 6 7");
    assert_true(published_partition(&world, 1).lost != lost); /* to be begun anew once more */
    world.batch.accepts_gaps = true;
    follow_and_run(&world);
    assert_sound(&world);
    end_world(&world);
}

static void too_many_holes_to_tell_are_one_range(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 500);
    follow_and_run(&world);
    world.log.partitions[0].first = 450;
    sql(&world, "delete from raw.orders where tm_offset < 440 and tm_offset % 2 = 1");
    repair_ok(&world);
    assert_rows(&world, "select from_offset, to_offset from tidemark.gap", "1 440");
    assert_rows(&world, "select consumed from tidemark.partition", "280");
    world.realtime->slots[0].lost = published_partition(&world, 0).lost;
    assert_sound(&world);
    end_world(&world);
}

/* As a topic that was compacted for a while, and then no more. */
static void what_only_the_log_has_lost_is_left_and_said_so(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    world.log.partitions[0].messages[9].hole = true; /* an order without another version */
    repair_finds(&world, 1);
    assert_false(repair(&world, true));
    assert_int_equal(world.error.code, ERROR_DATA);
    assert_non_null(strstr(world.error.message, "1 findings are left, which no repair mends"));
    world.log.partitions[0].messages[9].hole = false;
    assert_sound(&world);
    end_world(&world);
}

static void a_slot_of_another_cluster_is_forgotten(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    memcpy(world.realtime->slots[1].cluster, "other", 6);
    repair_finds(&world, 1);
    assert_true(world.realtime->slots[1].exists);
    repair_ok(&world);
    assert_false(world.realtime->slots[1].exists);
    shared_slots_begin(world.realtime, 1, 0, 2, 11);
    follow_and_run(&world);
    assert_sound(&world);
    end_world(&world);
}

static void a_slot_of_another_format_is_left_until_repair_is_told_to_forget_it(void **state)
{
    (void)state;
    static const int formats[] = {99, 1};
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct world world;
        make_published(&world);
        world.realtime->slots[1].format = formats[i];
        repair_finds(&world, 1);
        assert_true(world.realtime->slots[1].exists);
        repair_ok(&world);
        assert_false(world.realtime->slots[1].exists);
        assert_true(world.realtime->slots[0].exists);
        shared_slots_begin(world.realtime, 1, 0, 2, 11);
        follow_and_run(&world);
        assert_sound(&world);
        end_world(&world);
    }
}

/* What it took before its epoch began isn't in the log any more. */
static void a_slot_whose_epoch_began_behind_another_message_is_forgotten(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    struct slot *slot = &world.realtime->slots[1];
    struct epoch_start *start = &slot->epochs[slot->epoch_count - 1];
    start->last = start->offset - 1;
    start->last_hash = 1;
    repair_finds(&world, 1);
    repair_ok(&world);
    assert_false(slot->exists);
    shared_slots_begin(world.realtime, 1, 0, 2, 11);
    follow_and_run(&world);
    assert_sound(&world);
    end_world(&world);
}

static void another_topic_repairs_nothing(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    memory_log_append(&world.log, 0, "{", NOON_US + US_PER_SECOND);
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    struct memory_partition *partition = &world.log.partitions[0];
    partition->messages[partition->end - 1].record_time_us += US_PER_SECOND;
    sql(&world, "delete from raw.orders where tm_offset = 0");
    assert_false(repair(&world, true));
    assert_int_equal(world.error.code, ERROR_CONFIGURATION);
    assert_rows(&world, "select count(*) from raw.orders where tm_offset = 0", "0");
    partition->messages[partition->end - 1].record_time_us -= US_PER_SECOND;
    partition->end--;
    assert_false(repair(&world, true));
    assert_int_equal(world.error.code, ERROR_CONFIGURATION);
    partition->end++;
    end_world(&world);
}

static void fields_that_came_later_are_no_damage(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update raw.orders set category = null; update tidemark.current_orders set category = null");
    assert_sound(&world);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_removed_from_the_master_dataset_come_back_from_the_log),
        cmocka_unit_test(rows_changed_in_the_master_dataset_are_taken_from_the_log_again),
        cmocka_unit_test(rows_changed_in_a_view_are_computed_again),
        cmocka_unit_test(live_versions_that_were_changed_or_removed_are_found),
        cmocka_unit_test(a_ledger_that_was_changed_is_counted_again),
        cmocka_unit_test(a_ledger_that_is_right_in_total_only_is_counted_again),
        cmocka_unit_test(orders_in_two_partitions_stay_counted),
        cmocka_unit_test(all_at_once_is_mended_at_once),
        cmocka_unit_test(what_the_log_has_lost_too_is_a_gap),
        cmocka_unit_test(too_many_holes_to_tell_are_one_range),
        cmocka_unit_test(what_only_the_log_has_lost_is_left_and_said_so),
        cmocka_unit_test(a_slot_of_another_cluster_is_forgotten),
        cmocka_unit_test(a_slot_of_another_format_is_left_until_repair_is_told_to_forget_it),
        cmocka_unit_test(a_slot_whose_epoch_began_behind_another_message_is_forgotten),
        cmocka_unit_test(another_topic_repairs_nothing),
        cmocka_unit_test(fields_that_came_later_are_no_damage),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
