/* SPDX-License-Identifier: Apache-2.0
 * What is due at which moment, of jobs in a file and runs in the record. The moments are the tests' own. */
#include "batch_fixture.h"

#include "jobs/plan.h"
#include "jobs/timetable.h"

#define MINUTE_US (60 * US_PER_SECOND)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

static const char head[] = "views:\n"
                           "  daily_revenue: { source: orders, window: tumbling 1 day, measures: { n: count } }\n"
                           "jobs:\n";

struct desk {
    struct world world;
    struct job_plan plan;
    int64_t now_us;
};

static void open_desk(struct desk *desk, const char *jobs)
{
    char text[2000];
    snprintf(text, sizeof text, "%s%s", head, jobs);
    *desk = (struct desk){.now_us = NOON_US};
    make_world_with(&desk->world, 1, default_source, text);
    assert_true(batch_connect(&desk->world.batch, &desk->world.error));
    assert_true(schema_migrate(&desk->world.batch, &desk->world.error));
}

static void close_desk(struct desk *desk)
{
    plan_clean_up(&desk->plan);
    end_world(&desk->world);
}

static void look_after(struct desk *desk, int64_t later_us)
{
    desk->now_us += later_us;
    if (!plan_look(&desk->plan, &desk->world.batch, desk->now_us, &desk->world.error))
        fail_msg("%s", desk->world.error.message);
}

/* What may begin, as "job day job day". */
static void assert_ready(struct desk *desk, const char *expected)
{
    struct buffer found = {0};
    for (size_t i = 0; i < desk->plan.ready_count; i++) {
        const struct job_run *run = &desk->plan.ready[i].run;
        char date[DATE_SIZE] = "-";
        if (run->has_day)
            date_print(run->day, date);
        buffer_appendf(&found, "%s%s %s", i ? " " : "", run->job, date);
    }
    assert_string_equal(buffer_string(&found), expected);
    buffer_clean_up(&found);
}

/* Whatever is ready runs, and ends so. */
static void end_ready(struct desk *desk, bool well)
{
    struct batch *batch = &desk->world.batch;
    for (size_t i = 0; i < desk->plan.ready_count; i++) {
        struct job_run run = desk->plan.ready[i].run;
        bool begun = false;
        assert_true(job_run_begin(batch, &run, &begun, &desk->world.error) && begun);
        if (well)
            assert_true(job_run_done(batch, &run, 1, NULL, 0, &desk->world.error));
        else
            assert_true(job_run_failed(batch, &run, "no luck", &desk->world.error));
    }
}

#define QUERY "query: \"INSERT INTO t SELECT :date\", replace: { table: t, where: \"d = :date\" }"

static void week_without_a_schedule_is_one_run_a_day_where_it_is_caught_up(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  finance: { schedule: \"30 2 * * *\", catch_up: 7 days, " QUERY " }\n");
    look_after(&desk, 0);
    assert_ready(&desk, "");
    look_after(&desk, DAY_US);
    assert_ready(&desk, "finance 2026-01-01");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "");
    look_after(&desk, 5 * DAY_US);
    assert_ready(&desk, "finance 2026-01-02 finance 2026-01-03 finance 2026-01-04 finance 2026-01-05 finance "
                        "2026-01-06");
    look_after(&desk, MINUTE_US); /* nobody has begun them, and they are there once */
    assert_ready(&desk, "finance 2026-01-02 finance 2026-01-03 finance 2026-01-04 finance 2026-01-05 finance "
                        "2026-01-06");
    end_ready(&desk, true);
    look_after(&desk, 20 * DAY_US); /* no further back than it says */
    assert_rows(&desk.world, "select count(*), min(day), max(day) from tidemark.job_run where state = 'due'",
                "7 2026-01-20 2026-01-26");
    close_desk(&desk);
}

static void schedule_that_was_away_makes_up_for_the_latest_day_only(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  finance: { schedule: \"30 2 * * *\", " QUERY " }\n"
                     "  nightly: { schedule: \"* * * * *\" }\n");
    look_after(&desk, 0);
    look_after(&desk, 9 * DAY_US);
    assert_ready(&desk, "finance 2026-01-09 nightly -");
    close_desk(&desk);
}

static void day_is_that_of_the_time_zone_of_the_file_also_where_clocks_change(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  finance: { schedule: \"@daily\", catch_up: 7 days, " QUERY " }\n");
    desk.now_us = INT64_C(1774612800000000); /* 2026-03-27T12:00:00Z; on the 29th London goes over to summer time */
    look_after(&desk, 0);
    look_after(&desk, 3 * DAY_US + 11 * HOUR_US + 30 * MINUTE_US); /* 30 March, 23:30 UTC: the 31st has begun there */
    assert_ready(&desk, "finance 2026-03-27 finance 2026-03-28 finance 2026-03-29 finance 2026-03-30");
    close_desk(&desk);
}

static void job_without_a_schedule_follows_each_of_its_jobs(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  finance: { after: [nightly, evening], catch_up: 7 days, " QUERY " }\n"
                     "  report: { after: [finance], " QUERY " }\n"
                     "  nightly: { schedule: \"0 2 * * *\" }\n"
                     "  evening: { schedule: \"0 3 * * *\" }\n");
    look_after(&desk, 0);
    look_after(&desk, 14 * HOUR_US + 30 * MINUTE_US); /* half past two */
    assert_ready(&desk, "nightly -");
    end_ready(&desk, true);
    look_after(&desk, HOUR_US);
    assert_ready(&desk, "evening -");
    assert_rows(&desk.world, "select reason from tidemark.job_run where state = 'due' and reason is not null",
                "waits for evening\nwaits for finance");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-01");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "report 2026-01-01");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "");
    look_after(&desk, 3 * DAY_US); /* those that publish make up for all by one run; the days each have theirs */
    assert_ready(&desk, "nightly - evening -");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-02 finance 2026-01-03 finance 2026-01-04");
    close_desk(&desk);
}

static void run_after_one_that_failed_is_skipped_until_that_has_run_well(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  nightly: { schedule: \"0 2 * * *\" }\n"
                     "  finance: { schedule: \"30 2 * * *\", after: [nightly], catch_up: 3 days, " QUERY " }\n");
    look_after(&desk, 0);
    look_after(&desk, 14 * HOUR_US + 45 * MINUTE_US);
    assert_ready(&desk, "nightly -");
    end_ready(&desk, false);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "");
    assert_rows(&desk.world, "select state, reason from tidemark.job_run where job = 'finance'",
                "skipped waits for nightly");
    struct job_run by_hand = {.job = "nightly", .due_us = desk.now_us};
    bool begun = false;
    assert_true(job_run_begin(&desk.world.batch, &by_hand, &begun, &desk.world.error) && begun);
    assert_true(job_run_done(&desk.world.batch, &by_hand, -1, NULL, 0, &desk.world.error));
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-01");
    close_desk(&desk);
}

static void skipped_run_that_is_older_than_is_caught_up_stays_skipped(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  nightly: { schedule: \"0 2 * * *\" }\n"
                     "  finance: { schedule: \"30 2 * * *\", after: [nightly], " QUERY " }\n");
    look_after(&desk, 0);
    for (int i = 0; i < 2; i++) {
        look_after(&desk, DAY_US);
        end_ready(&desk, false);
        look_after(&desk, MINUTE_US);
    }
    look_after(&desk, DAY_US);
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-03");
    assert_rows(&desk.world, "select day, state from tidemark.job_run where job = 'finance' order by day",
                "2026-01-01 skipped\n2026-01-02 skipped\n2026-01-03 due");
    close_desk(&desk);
}

static void run_whose_process_died_may_begin_again_and_one_that_is_at_work_may_not(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  finance: { schedule: \"30 2 * * *\", " QUERY " }\n");
    look_after(&desk, 0);
    look_after(&desk, DAY_US);
    struct job_run run = desk.plan.ready[0].run;
    struct batch other = {.settings = desk.world.settings};
    bool begun = false;
    assert_true(batch_connect(&other, &desk.world.error));
    assert_true(job_run_lock(&other, &run, &desk.world.error));
    assert_true(job_run_begin(&other, &run, &begun, &desk.world.error) && begun);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "");
    assert_false(job_run_lock(&desk.world.batch, &run, &desk.world.error));
    assert_int_equal(desk.world.error.code, ERROR_TRY_AGAIN);
    batch_disconnect(&other);
    wait_for_lock(&desk.world);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-01");
    close_desk(&desk);
}

static void days_that_are_handed_on_run_with_what_is_due(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  nightly: { schedule: \"0 2 * * *\" }\n"
                     "  finance: { after: [nightly], " QUERY " }\n"
                     "  log: { after: [nightly], query: \"INSERT INTO t SELECT :date\", repeatable: true }\n");
    look_after(&desk, 0);
    sql(&desk.world, "insert into tidemark.changed_day values (false, 'orders', '2025-11-05', 1)");
    look_after(&desk, DAY_US);
    assert_ready(&desk, "nightly -");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2025-11-05 finance 2026-01-01 log 2026-01-01");
    close_desk(&desk);
}

static void clock_that_went_ahead_and_back_keeps_no_job_from_following(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, "  nightly: { schedule: \"0 2 * * *\" }\n"
                     "  finance: { after: [nightly], " QUERY " }\n");
    look_after(&desk, 0);
    look_after(&desk, 400 * DAY_US);
    assert_ready(&desk, "nightly -");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2027-02-04");
    end_ready(&desk, true);
    look_after(&desk, -400 * DAY_US);
    assert_ready(&desk, "");
    look_after(&desk, DAY_US);
    assert_ready(&desk, "nightly -");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "finance 2026-01-01");
    end_ready(&desk, true);
    look_after(&desk, MINUTE_US);
    assert_ready(&desk, "");
    close_desk(&desk);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(week_without_a_schedule_is_one_run_a_day_where_it_is_caught_up),
        cmocka_unit_test(schedule_that_was_away_makes_up_for_the_latest_day_only),
        cmocka_unit_test(day_is_that_of_the_time_zone_of_the_file_also_where_clocks_change),
        cmocka_unit_test(job_without_a_schedule_follows_each_of_its_jobs),
        cmocka_unit_test(run_after_one_that_failed_is_skipped_until_that_has_run_well),
        cmocka_unit_test(skipped_run_that_is_older_than_is_caught_up_stays_skipped),
        cmocka_unit_test(run_whose_process_died_may_begin_again_and_one_that_is_at_work_may_not),
        cmocka_unit_test(days_that_are_handed_on_run_with_what_is_due),
        cmocka_unit_test(clock_that_went_ahead_and_back_keeps_no_job_from_following),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
