/* SPDX-License-Identifier: Apache-2.0
 * Days that are filled again from the live versions: only theirs, once each, also where it dies on the way. */
#include "batch_fixture.h"

#include "run/backfill.h"

#define FIRST_DAY 20541 /* 2026-03-29, on which the clocks of London are put forward */
#define KILLS 50

static const char all_views[] =
    "views:\n"
    "  daily_revenue:\n"
    "    source: orders\n"
    "    window: tumbling 1 day\n"
    "    measures: { order_count: count, total_revenue: sum(amount), avg_value: avg(amount) }\n"
    "  weekly:\n"
    "    source: orders\n"
    "    window: tumbling 1 week\n"
    "    measures: { buyers: unique(order_id), most: max(amount) }\n"
    "  hopping:\n"
    "    source: orders\n"
    "    window: hopping 1 hour every 15 minutes\n"
    "    measures: { order_count: count }\n"
    "  visits:\n"
    "    source: orders\n"
    "    window: session 30 minutes\n"
    "    retention: 300 days\n"
    "    dimensions: [category]\n"
    "    measures: { order_count: count, total: sum(amount) }\n";

static struct backfill wanted;

static bool fill(struct batch *batch, const struct source *source, struct error *error)
{
    return backfill_source(batch, source, &wanted, error);
}

static void fill_ok(struct world *world)
{
    if (!fill(&world->batch, world->source, &world->error))
        fail_msg("%s", world->error.message);
}

/* Orders of eight days, published. */
static void make_history(struct world *world)
{
    make_world_with(world, 2, default_source, all_views);
    for (int i = 0; i < 160; i++) {
        char id[8], at[40], amount[8];
        snprintf(id, sizeof id, "o%d", i % 120);
        snprintf(at, sizeof at, "2026-%s%02dT%02d:%02d:00Z", i % 8 < 3 ? "03-" : "04-",
                 i % 8 < 3 ? i % 8 + 29 : i % 8 - 2, i % 20, i * 7 % 60);
        snprintf(amount, sizeof amount, "%d.50", i);
        order(world, i % 120 % 2, id, at, amount, i % 9 ? "paid" : "cancelled");
    }
    follow_and_run(world);
    verify_ok(world);
    wanted = (struct backfill){.view = "", .from = FIRST_DAY, .to = FIRST_DAY + 7};
}

static void damage(struct world *world)
{
    sql(world, "update view.daily_revenue set total_revenue = -1, tm_sum_0 = -100;"
               "update view.weekly set buyers = buyers + 1;"
               "delete from view.\"hopping.panes\" where tm_window % 7 < 3;"
               "insert into view.\"hopping.panes\" select window_start + interval '15 hours', window_end, order_count, "
               "tm_window + 54000, tm_count from view.\"hopping.panes\" order by tm_window limit 1;"
               "delete from view.\"visits.panes\" where tm_window % 2 = 0");
}

#define DAMAGED "select count(*) from view.daily_revenue where total_revenue = -1"

static void only_the_days_that_are_asked_for_are_filled(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    sql(&world, "update view.daily_revenue set total_revenue = -1");
    wanted.from += 2;
    wanted.to = wanted.from + 1;
    fill_ok(&world);
    assert_rows(&world, DAMAGED, "6");
    assert_rows(&world,
                "select count(*) from view.daily_revenue where total_revenue > 0 and window_start in "
                "(timestamptz '2026-03-30T23:00Z', timestamptz '2026-03-31T23:00Z')",
                "2");
    assert_rows(&world, "select epoch, (select count(*) from tidemark.backfill) from tidemark.source", "1 0");
    end_world(&world);
}

static void panes_of_every_window_are_what_the_live_versions_give(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    damage(&world);
    assert_false(verify_source(&world.batch, world.source, &world.error));
    fill_ok(&world);
    verify_ok(&world);
    assert_rows(&world, "select kind, outcome from tidemark.run order by id", "run published\nbackfill filled");
    follow_and_run(&world); /* what is published goes on as before */
    verify_ok(&world);
    end_world(&world);
}

static void one_view_is_filled_alone(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    damage(&world);
    wanted.view = "weekly";
    fill_ok(&world);
    assert_rows(&world, DAMAGED, "8");
    wanted.view = "";
    fill_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void a_view_that_is_not_published_as_it_is_defined_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    configure(&world, default_source, default_views);
    assert_false(fill(&world.batch, world.source, &world.error));
    assert_int_equal(world.error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(world.error.message, "view daily_revenue isn't published under the definition"));
    end_world(&world);
}

static void one_that_died_goes_on_behind_the_last_day_that_was_done(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    damage(&world);
    assert_true(was_killed(start_step(&world, fill, "before_backfill_commit")));
    assert_rows(&world, DAMAGED, "8");
    for (int day = 1; day < 4; day++) {
        wait_for_lock(&world);
        assert_true(was_killed(start_step(&world, fill, "after_backfill_commit")));
        char left[8];
        snprintf(left, sizeof left, "%d", 8 - day);
        assert_rows(&world, DAMAGED, left);
    }
    wait_for_lock(&world);
    fill_ok(&world);
    verify_ok(&world);
    assert_rows(&world, "select count(*) from tidemark.backfill", "0");
    end_world(&world);
}

/* Days are filled in their order: what is done and what isn't lie one behind the other, and no day is half done. */
static void one_that_is_killed_at_any_moment_leaves_whole_days(void **state)
{
    (void)state;
    struct world world;
    make_history(&world);
    int killed = 0;
    for (int i = 0; i < KILLS; i++) {
        damage(&world);
        pid_t child = start_step(&world, fill, NULL);
        usleep((useconds_t)(i * 1500));
        kill(child, SIGKILL);
        killed += was_killed(child);
        wait_for_lock(&world);
        assert_rows(&world,
                    "select count(*) from view.daily_revenue a, view.daily_revenue b where a.total_revenue = -1 and "
                    "b.total_revenue <> -1 and a.window_start < b.window_start",
                    "0");
        fill_ok(&world);
        verify_ok(&world);
    }
    assert_in_range(killed, 1, KILLS);
    assert_rows(&world, "select count(*) from tidemark.backfill", "0");
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_days_that_are_asked_for_are_filled),
        cmocka_unit_test(panes_of_every_window_are_what_the_live_versions_give),
        cmocka_unit_test(one_view_is_filled_alone),
        cmocka_unit_test(a_view_that_is_not_published_as_it_is_defined_is_refused),
        cmocka_unit_test(one_that_died_goes_on_behind_the_last_day_that_was_done),
        cmocka_unit_test(one_that_is_killed_at_any_moment_leaves_whole_days),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
