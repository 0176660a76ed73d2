/* SPDX-License-Identifier: Apache-2.0
 * What the log has lost unread is a gap, recorded once and published until an operator accepts it. */
#include "batch_fixture.h"

static void lost_head_of_the_log_is_a_recorded_gap(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap", "0 0 12");
    assert_rows(&world, "select first_offset, ingested, cut, consumed from tidemark.partition", "0 30 30 18");
    follow(&world);
    verify_ok(&world);
    end_world(&world);
}

static void assert_published_gaps(struct world *world, size_t count, int64_t from, int64_t to)
{
    struct publication publication;
    assert_true(world->batch.publications->operations->read(world->batch.publications, world->source, &publication,
                                                            &world->error));
    assert_int_equal(publication.gap_count, count);
    if (count) {
        assert_int_equal(publication.gaps[0].range.from, from);
        assert_int_equal(publication.gaps[0].range.to, to);
    }
    assert_int_equal(publication.partitions[0].lost != 0, to != 0);
    publication_clean_up(&publication);
}

static void gap_is_published_until_an_operator_accepts_it(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    assert_published_gaps(&world, 1, 0, 12);
    follow_and_run(&world);
    assert_published_gaps(&world, 1, 0, 12);
    assert_rows(&world, "select epoch from tidemark.source", "1");
    world.batch.accepts_gaps = true;
    run_ok(&world);
    assert_published_gaps(&world, 0, 0, 12);
    assert_rows(&world, "select epoch, accepted_at is not null from tidemark.source, tidemark.gap", "2 t");
    run_ok(&world);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    world.batch.accepts_gaps = false;
    paid_orders(&world, 10);
    world.log.partitions[0].first = 35;
    follow_and_run(&world);
    assert_published_gaps(&world, 1, 30, 35);
    end_world(&world);
}

static void messages_that_were_ingested_before_the_log_lost_them_are_no_gap(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    assert_true(ingest_source(&world.batch, world.source, &world.error));
    world.log.partitions[0].first = 25;
    follow(&world);
    shared_slots_begin(world.realtime, 0, 0, 1, 0);
    follow_and_run(&world);
    assert_published_gaps(&world, 0, 0, 0);
    assert_rows(&world, LEDGER, "30 30 0 0 0");
    end_world(&world);
}

static void gap_is_recorded_once_by_a_run_that_died_behind_it(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    assert_true(run_and_crash(&world, "after_gap"));
    wait_for_lock(&world);
    world.log.partitions[0].first = 20;
    world.batch.ready_wait_ms = 0;
    run_fails(&world, ERROR_TRY_AGAIN, "still rebuilding"); /* what may have come behind the epoch of the dead run */
    assert_rows(&world, "select partition, from_offset, to_offset from tidemark.gap order by 2", "0 0 12\n0 12 20");
    assert_rows(&world, "select ingested, cut, consumed from tidemark.partition", "30 30 10");
    end_world(&world);
}

static void speed_layer_begins_anew_where_the_batch_layer_has_lost_messages(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    world.batch.ready_wait_ms = 0;
    run_fails(&world, ERROR_TRY_AGAIN, "still rebuilding");
    follow_and_run(&world);
    end_world(&world);
}

/* Nothing waits, and the slot would be begun again if anybody were there to do it. */
static void cut_that_no_slot_fits_since_messages_were_lost_becomes_one_that_nobody_reads(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid_orders(&world, 30);
    follow(&world);
    world.log.partitions[0].first = 12;
    run_ok(&world);
    assert_rows(&world, "select epoch, cut, unread from tidemark.partition join tidemark.source on name = source",
                "1 30 f");
    world.batch.unread_after_ms = 20;
    run_ok(&world);
    assert_rows(&world, "select epoch, cut, unread from tidemark.partition join tidemark.source on name = source",
                "2 30 t");
    run_ok(&world);
    assert_rows(&world, "select outcome from tidemark.run order by id", "published\npublished\nnothing new");
    verify_ok(&world);
    end_world(&world);
}

static void offsets_without_a_message_are_passed_over(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    memory_log_append_hole(&world.log, 0);
    paid(&world, 0, "a", "1.00");
    memory_log_append_hole(&world.log, 0);
    follow_and_run(&world);
    assert_rows(&world, "select ingested, cut, consumed from tidemark.partition", "3 3 1");
    verify_ok(&world);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_head_of_the_log_is_a_recorded_gap),
        cmocka_unit_test(gap_is_published_until_an_operator_accepts_it),
        cmocka_unit_test(messages_that_were_ingested_before_the_log_lost_them_are_no_gap),
        cmocka_unit_test(gap_is_recorded_once_by_a_run_that_died_behind_it),
        cmocka_unit_test(speed_layer_begins_anew_where_the_batch_layer_has_lost_messages),
        cmocka_unit_test(cut_that_no_slot_fits_since_messages_were_lost_becomes_one_that_nobody_reads),
        cmocka_unit_test(offsets_without_a_message_are_passed_over),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
