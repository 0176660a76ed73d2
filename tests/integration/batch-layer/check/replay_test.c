/* SPDX-License-Identifier: Apache-2.0
 * What is published is computed once more from all messages; where log and master dataset disagree, nothing is done. */
#include "batch_fixture.h"

#include "check/replay.h"

#define KILLS 50

static void replay_ok(struct world *world)
{
    world->error = (struct error){0};
    if (!replay_source(&world->batch, world->source, &world->error))
        fail_msg("%s", world->error.message);
}

static void replay_refuses(struct world *world, const char *part)
{
    world->error = (struct error){0};
    assert_false(replay_source(&world->batch, world->source, &world->error));
    if (world->error.code != ERROR_DATA || !strstr(world->error.message, part))
        fail_msg("not \"%s\": %d, %s", part, (int)world->error.code, world->error.message);
}

static void make_published(struct world *world)
{
    make_world(world, 2);
    for (int i = 0; i < 40; i++) {
        char id[8], amount[8];
        snprintf(id, sizeof id, "o%d", i % 28);
        snprintf(amount, sizeof amount, "%d.50", i);
        order(world, i % 2, id, i % 3 ? "2026-01-01T12:00:00Z" : "2026-01-02T12:00:00Z", amount, "paid");
    }
    memory_log_append(&world->log, 0, "{", NOON_US);
    follow_and_run(world);
}

static void damage(struct world *world)
{
    sql(world, "update view.daily_revenue set total_revenue = total_revenue + 1, tm_sum_0 = tm_sum_0 + 100;"
               "update tidemark.current_orders set amount = 1000 where tm_offset = 9;"
               "delete from view.by_category");
}

static void what_is_right_stays_as_it_is(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    replay_ok(&world);
    assert_rows(&world, "select kind, outcome from tidemark.run order by id", "run published\nreplay replayed");
    end_world(&world);
}

static void what_differs_is_put_in_place_at_the_same_cut(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    damage(&world);
    sql(&world, "delete from raw.orders where tm_offset in (0, 4) and tm_partition = 1");
    replay_ok(&world);
    verify_ok(&world);
    assert_rows(&world, "select epoch, (select sum(cut) from tidemark.partition) from tidemark.source", "1 41");
    end_world(&world);
}

static void what_the_log_has_lost_comes_from_the_master_dataset(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    world.log.partitions[0].first = 12;
    damage(&world);
    replay_ok(&world);
    verify_ok(&world);
    sql(&world, "delete from raw.orders where tm_offset = 3 and tm_partition = 0");
    replay_refuses(&world, "21 messages were ingested, and log and master dataset hold 20: nothing was changed");
    end_world(&world);
}

static void different_messages_at_one_offset_are_told_and_nothing_is_changed(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    sql(&world, "update raw.orders set amount = 77 where tm_partition = 0 and tm_offset = 8;"
                "delete from raw.orders where tm_partition = 1 and tm_offset = 1");
    damage(&world);
    replay_refuses(&world, "partition 0: at 1 offsets the log and the master dataset hold different messages, at 8 "
                           "amount 16.50 in the log, 77.00 in the master dataset: nothing was changed");
    assert_rows(&world, "select count(*) from raw.orders", "39");
    assert_rows(&world, "select count(*) from view.by_category", "0");
    end_world(&world);
}

static void one_that_is_killed_at_any_moment_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    struct world world;
    make_published(&world);
    int killed = 0;
    for (int i = 0; i < KILLS; i++) {
        damage(&world);
        pid_t child = start_step(&world, replay_source, NULL);
        usleep((useconds_t)(i * 1500));
        kill(child, SIGKILL);
        killed += was_killed(child);
        wait_for_lock(&world);
        assert_rows(&world,
                    "select (select count(*) = 0 from view.by_category) = (select count(*) > 0 from "
                    "tidemark.current_orders where amount = 1000)",
                    "t");
        replay_ok(&world);
        verify_ok(&world);
    }
    assert_in_range(killed, 1, KILLS);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_stays_as_it_is),
        cmocka_unit_test(what_differs_is_put_in_place_at_the_same_cut),
        cmocka_unit_test(what_the_log_has_lost_comes_from_the_master_dataset),
        cmocka_unit_test(different_messages_at_one_offset_are_told_and_nothing_is_changed),
        cmocka_unit_test(one_that_is_killed_at_any_moment_leaves_the_old_or_the_new),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
