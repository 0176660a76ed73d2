/* SPDX-License-Identifier: Apache-2.0
 * A run that dies at any place is simply run again. */
#include "batch_fixture.h"

static const char *const places[] = {"after_open_epoch", "after_ingest_chunk", "before_publish", "after_publish"};

static void append_orders(struct world *world, int count)
{
    static int made;
    for (int i = 0; i < count; i++) {
        char id[20], amount[20];
        snprintf(id, sizeof id, "o%d", ++made % 37);
        snprintf(amount, sizeof amount, "%d.%02d", made % 90, made % 100);
        order(world, made % 37 % 2, id, made % 3 ? "2026-03-28T23:30:00Z" : "2026-03-29T12:00:00Z", amount,
              made % 5 ? "paid" : "cancelled");
    }
}

static void run_that_died_anywhere_is_run_again(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    for (size_t i = 0; i < 2 * COUNT_OF(places); i++) {
        append_orders(&world, 30);
        follow(&world);
        assert_true(run_and_crash(&world, places[i % COUNT_OF(places)]));
        wait_for_lock(&world);
        append_orders(&world, 10);
        follow_and_run(&world);
        assert_rows(&world,
                    "select count(*) from tidemark.partition p, raw.orders r where r.tm_partition = p.partition and "
                    "cut <> ingested",
                    "0");
        verify_ok(&world);
    }
    assert_rows(&world,
                "select count(*), sum(consumed) from raw.orders, (select sum(consumed) as consumed from "
                "tidemark.partition) p group by consumed",
                "320 102400");
    end_world(&world);
}

static void run_that_died_is_recorded_so(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    append_orders(&world, 30);
    follow(&world);
    assert_true(run_and_crash(&world, "after_ingest_chunk"));
    wait_for_lock(&world);
    run_ok(&world);
    assert_rows(&world, "select outcome from tidemark.run order by id", "died\npublished\nnothing new");
    /* The windows that count as final are those that had ended when the epoch was opened: by the run that died. */
    assert_rows(&world,
                "select s.opened_at <= r.started_at from tidemark.source s, tidemark.run r order by r.id limit 1", "t");
    end_world(&world);
}

static void server_that_was_restarted_between_two_runs_costs_none(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    append_orders(&world, 30);
    follow_and_run(&world);
    char line[300];
    snprintf(line, sizeof line,
             "psql -h %s -U tidemark -d postgres -Atc \"select pg_terminate_backend(pid, 10000) from pg_stat_activity "
             "where application_name like 'tidemark%%'\"",
             server.folder);
    assert_int_equal(system(line), 0);
    append_orders(&world, 30);
    follow_and_run(&world);
    verify_ok(&world);
    end_world(&world);
}

static void real_time_store_that_was_lost_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    append_orders(&world, 30);
    follow_and_run(&world);
    memset(world.realtime->slots, 0, sizeof world.realtime->slots);
    run_fails(&world, ERROR_TRY_AGAIN, "partition 0 isn't ready");
    for (int32_t i = 0; i < 2; i++)
        shared_slots_begin(world.realtime, i, 0, 2, world.log.partitions[i].end);
    append_orders(&world, 30);
    follow_and_run(&world);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    verify_ok(&world);
    end_world(&world);
}

static void dependency_that_is_down_is_unavailable_and_nothing_changes(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    append_orders(&world, 30);
    follow(&world);
    world.log.down = true;
    run_fails(&world, ERROR_UNAVAILABLE, "the log is down");
    world.log.down = false;
    world.realtime->down = true;
    run_fails(&world, ERROR_UNAVAILABLE, "the real-time store is down");
    world.realtime->down = false;
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_that_died_anywhere_is_run_again),
        cmocka_unit_test(run_that_died_is_recorded_so),
        cmocka_unit_test(server_that_was_restarted_between_two_runs_costs_none),
        cmocka_unit_test(real_time_store_that_was_lost_is_waited_for),
        cmocka_unit_test(dependency_that_is_down_is_unavailable_and_nothing_changes),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
