/* SPDX-License-Identifier: Apache-2.0
 * Query jobs against a real PostgreSQL: the rows of a day are there once, however often and however far it ran. And
 * what becomes of a run of any job that can't begin. */
#include "batch_fixture.h"

#include <sys/stat.h>

#include "commands/explain.h"
#include "jobs/job_work.h"
#include "jobs/timetable.h"
#include "lake/lake_files.h"

#define DAY INT64_C(20453) /* 2025-12-31 */

static const char finance[] =
    "views:\n"
    "  daily_revenue: { source: orders, window: tumbling 1 day, measures: { n: count } }\n"
    "jobs:\n"
    "  finance:\n"
    "    query: |\n"
    "      INSERT INTO analytics.daily_revenue\n"
    "      SELECT date, SUM(amount), COUNT(*)\n"
    "      FROM raw.orders\n"
    "      WHERE date = CURRENT_DATE - 1\n"
    "      GROUP BY date\n"
    "    create: CREATE TABLE analytics.daily_revenue (date date PRIMARY KEY, revenue numeric, orders bigint)\n"
    "    replace: { table: analytics.daily_revenue, where: \"date = :date\" }\n"
    "    timeout: 2 seconds\n";

#define ROWS "select date, revenue, orders from analytics.daily_revenue order by 1"

static void make_orders(struct world *world, const char *jobs)
{
    make_world_with(world, 1, default_source, jobs);
    order(world, 0, "a", "2025-12-31T10:00:00Z", "10.25", "paid");
    order(world, 0, "b", "2025-12-31T11:00:00Z", "0.50", "paid");
    order(world, 0, "c", "2026-01-01T10:00:00Z", "7.00", "paid");
    follow_and_run(world);
}

static bool run_job_on(struct world *world, int64_t day, struct error *error)
{
    struct job_work work;
    struct job_run run = {.job = "finance", .due_us = clock_wall_us(), .has_day = true, .day = day};
    bool begun;
    job_work_init(&work, world->settings, settings_job(world->settings, text_of("finance")), &run);
    bool done = job_work_try(&work, &begun, error);
    if (!done && begun)
        job_work_fail(&work, error);
    job_work_clean_up(&work);
    return done;
}

static void run_ok_on(struct world *world, int64_t day)
{
    struct error error;
    if (!run_job_on(world, day, &error))
        fail_msg("%s", error.message);
}

static void run_fails_on(struct world *world, enum error_code code, const char *part)
{
    struct error error = {0};
    assert_false(run_job_on(world, DAY, &error));
    if (error.code != code || !strstr(error.message, part))
        fail_msg("not \"%s\": %d, %s", part, (int)error.code, error.message);
}

static void replace_text(char text[3000], const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    char rest[3000];
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    snprintf(at, 3000 - (size_t)(at - text), "%s%s", to, rest);
}

static void query_runs_for_its_day_and_again_without_adding(void **state)
{
    (void)state;
    struct world world;
    make_orders(&world, finance);
    for (int i = 0; i < 3; i++) {
        run_ok_on(&world, DAY);
        run_ok_on(&world, DAY + 1);
        assert_rows(&world, ROWS, "2025-12-31 10.75 2\n2026-01-01 7.00 1");
    }
    assert_rows(&world,
                "select count(*), min(rows), max(rows), min(reads->'orders'->>'epoch'), "
                "min(reads->'orders'->'cut'->>'0') from tidemark.job_run where state = 'done'",
                "6 1 1 1 3");
    assert_rows(&world, "select maker, day, version from tidemark.changed_day where is_job order by day",
                "finance 2025-12-31 3\nfinance 2026-01-01 3");
    end_world(&world);
}

static void live_orders_count_once_and_only_where_they_count(void **state)
{
    (void)state;
    char text[3000];
    struct world world;
    make_orders(&world, finance);
    order(&world, 0, "a", "2025-12-31T10:00:00Z", "11.25", "paid");
    follow_and_run(&world);
    run_ok_on(&world, DAY);
    assert_rows(&world, ROWS, "2025-12-31 22.00 3");
    snprintf(text, sizeof text, "%s", finance);
    replace_text(text, "raw.orders", "live.orders");
    configure(&world, default_source, text);
    run_ok_on(&world, DAY);
    assert_rows(&world, ROWS, "2025-12-31 11.75 2");
    end_world(&world);
}

static void day_is_there_once_wherever_the_job_is_killed(void **state)
{
    (void)state;
    static const char *const places[] = {"after_job_begin",       "before_query",       "after_query_replace",
                                         "after_query_statement", "after_query_commit", "after_job_done"};
    struct world world;
    make_orders(&world, finance);
    run_ok_on(&world, DAY);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        batch_disconnect(&world.batch);
        pid_t child = fork();
        if (child == 0) {
            struct error error;
            setenv("TIDEMARK_CRASH_AT", places[i], 1);
            _exit(run_job_on(&world, DAY, &error) ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status))
            fail_msg("it came past %s", places[i]);
        assert_rows(&world, ROWS, "2025-12-31 10.75 2");
        wait_for_lock(&world);
    }
    run_ok_on(&world, DAY);
    assert_rows(&world, ROWS, "2025-12-31 10.75 2");
    end_world(&world);
}

static void two_runs_of_a_day_exclude_each_other(void **state)
{
    (void)state;
    struct world world;
    struct error error = {0};
    make_orders(&world, finance);
    const struct job_run run = {.job = "finance", .has_day = true, .day = DAY};
    assert_true(job_run_lock(&world.batch, &run, &error));
    run_fails_on(&world, ERROR_TRY_AGAIN, "another run of the job is at work on this day");
    run_ok_on(&world, DAY + 1);
    job_run_unlock(&world.batch, &run);
    run_ok_on(&world, DAY);
    end_world(&world);
}

/* The job with one thing otherwise fails so, and what was there stays. */
static void assert_fails_with(struct world *world, const char *from, const char *to, enum error_code code,
                              const char *part)
{
    char text[3000];
    snprintf(text, sizeof text, "%s", finance);
    replace_text(text, from, to);
    configure(world, default_source, text);
    run_fails_on(world, code, part);
    assert_rows(world, ROWS, "2025-12-31 10.75 2");
}

static void what_is_wrong_in_a_query_is_told_with_its_place(void **state)
{
    (void)state;
    struct world world;
    make_orders(&world, finance);
    run_ok_on(&world, DAY);
    assert_fails_with(&world, "raw.orders", "raw.oders", ERROR_CONFIGURATION, "2025-12-31: query: PostgreSQL");
    assert_fails_with(&world, "raw.orders", "raw.oders", ERROR_CONFIGURATION,
                      "relation \"raw.oders\" does not exist (42P01), line 3, column 6");
    assert_fails_with(&world, "GROUP BY", "GROUP B", ERROR_CONFIGURATION, "line 5, column 7");
    assert_fails_with(&world, "SUM(amount)", "SUM(amount) / 0", ERROR_DATA, "division by zero");
    assert_fails_with(&world, "\"date = :date\"", "\"day = :date\"", ERROR_CONFIGURATION, "replace: PostgreSQL");
    assert_fails_with(&world, "COUNT(*)\n", "COUNT(*) + (SELECT 1 FROM pg_sleep(60))\n", ERROR_TRY_AGAIN,
                      "took longer than its \"timeout\" of 2 seconds");
    assert_rows(&world, "select count(*) from tidemark.job_run where state = 'failed' and reason <> ''", "6");
    end_world(&world);
}

static void query_waits_for_the_first_publication(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, finance);
    run_fails_on(&world, ERROR_TRY_AGAIN, "raw.\"orders\" isn't there: no run has published the source yet");
    order(&world, 0, "a", "2025-12-31T10:00:00Z", "10.25", "paid");
    follow_and_run(&world);
    run_ok_on(&world, DAY);
    assert_rows(&world, ROWS, "2025-12-31 10.25 1");
    end_world(&world);
}

static void run_whose_beginning_cannot_be_recorded_does_nothing(void **state)
{
    (void)state;
    struct world world;
    make_orders(&world, finance);
    sql(&world, "create function public.refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;"
                "create trigger refuse before update on tidemark.job_run for each row when (new.state = 'running') "
                "execute function public.refuse()");
    run_fails_on(&world, ERROR_CONFIGURATION, "not now");
    assert_rows(&world, "select to_regclass('analytics.daily_revenue')", "null");
    assert_rows(&world, "select state, attempt, reason ~ 'not now' from tidemark.job_run", "failed 0 t");
    sql(&world, "drop trigger refuse on tidemark.job_run");
    run_ok_on(&world, DAY);
    assert_rows(&world, ROWS, "2025-12-31 10.75 2");
    end_world(&world);
}

static void run_that_is_over_already_does_not_begin(void **state)
{
    (void)state;
    struct world world;
    struct job_work work;
    struct error error = {0};
    const struct job_run run = {.id = 1000, .job = "finance", .has_day = true, .day = DAY};
    bool over = true;
    make_orders(&world, finance);
    sql(&world, "insert into tidemark.job_run (id, job, due_at, day, state) values (1000, 'finance', now(), "
                "'2025-12-31', 'done')");
    job_work_init(&work, world.settings, settings_job(world.settings, text_of("finance")), &run);
    if (!job_work_run(&work, &over, &error))
        fail_msg("it failed: %s", error.message);
    assert_false(over);
    job_work_clean_up(&work);
    assert_rows(&world, "select to_regclass('analytics.daily_revenue')", "null");
    wait_for_lock(&world);
    end_world(&world);
}

/* A job that summarises one order of the day, from and to folders below the server's. */
static void make_summary(struct world *world)
{
    char text[1000], path[200];
    snprintf(text, sizeof text,
             "views:\n"
             "  daily_revenue: { source: orders, window: tumbling 1 day, measures: { n: count } }\n"
             "jobs:\n"
             "  finance: { summarise: daily_revenue, read: \"%s/raw-{date}/\", write: \"%s/gold-{date}/\" }\n",
             server.folder, server.folder);
    make_world_with(world, 1, default_source, text);
    snprintf(path, sizeof path, "%s/raw-2025-12-31", server.folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/raw-2025-12-31/orders.ndjson", server.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "{\"order_id\": \"a\", \"timestamp\": \"2025-12-31T10:00:00Z\", \"amount\": 1.25}\n");
    fclose(file);
}

static void summary_goes_without_a_record_that_it_may_not_write(void **state)
{
    (void)state;
    struct world world;
    char url[200], made[200];
    make_summary(&world);
    assert_true(batch_connect(&world.batch, &world.error) && schema_migrate(&world.batch, &world.error));
    sql(&world, "create role reader login; grant usage on schema tidemark to reader;"
                "grant select on all tables in schema tidemark to reader");
    snprintf(url, sizeof url, "host=%s user=reader dbname=test%d", server.folder, databases);
    const char *own = world.settings->postgres.url;
    world.settings->postgres.url = url;
    run_ok_on(&world, DAY);
    world.settings->postgres.url = own;
    snprintf(made, sizeof made, "%s/gold-2025-12-31/" LAKE_MANIFEST, server.folder);
    assert_int_equal(access(made, F_OK), 0);
    assert_rows(&world, "select count(*) from tidemark.job_run", "0");
    end_world(&world);
}

/* What `explain` prints. */
static void explained(struct world *world, char text[4000])
{
    char path[] = "/tmp/tidemark-explained-XXXXXX";
    struct error error = {0};
    fflush(stdout);
    int file = mkstemp(path), before = dup(STDOUT_FILENO);
    assert_true(file >= 0 && before >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    bool done = explain_print(world->settings, "finance", NULL, &(struct job_days){.date = "2025-12-31"}, &error);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    ssize_t length = pread(file, text, 3999, 0);
    close(file);
    unlink(path);
    if (!done || length < 0)
        fail_msg("%s", error.message);
    text[length] = '\0';
}

static void what_is_explained_runs_as_it_stands(void **state)
{
    (void)state;
    char text[3000], script[4000];
    struct world world;
    struct error error = {0};
    snprintf(text, sizeof text, "%s", finance);
    replace_text(text, "\"date = :date\"", "\"date = :date -- of the day\"");
    make_orders(&world, text);
    for (int i = 0; i < 2; i++) {
        explained(&world, script);
        if (!connection_execute(world.batch.connection, script, &error))
            fail_msg("%s in %s", error.message, script);
        assert_rows(&world, ROWS, "2025-12-31 10.75 2");
    }
    snprintf(text, sizeof text, "%s",
             "jobs: { finance: { query: CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS one, repeatable: true } }\n");
    configure(&world, default_source, text);
    explained(&world, script);
    if (!connection_execute(world.batch.connection, script, &error))
        fail_msg("%s in %s", error.message, script);
    assert_rows(&world, "select one from public.m", "1");
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_runs_for_its_day_and_again_without_adding),
        cmocka_unit_test(live_orders_count_once_and_only_where_they_count),
        cmocka_unit_test(day_is_there_once_wherever_the_job_is_killed),
        cmocka_unit_test(two_runs_of_a_day_exclude_each_other),
        cmocka_unit_test(what_is_wrong_in_a_query_is_told_with_its_place),
        cmocka_unit_test(query_waits_for_the_first_publication),
        cmocka_unit_test(run_whose_beginning_cannot_be_recorded_does_nothing),
        cmocka_unit_test(run_that_is_over_already_does_not_begin),
        cmocka_unit_test(summary_goes_without_a_record_that_it_may_not_write),
        cmocka_unit_test(what_is_explained_runs_as_it_stands),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
