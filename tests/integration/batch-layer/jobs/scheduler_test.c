/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_fixture.h"

#include "base/shutdown.h"
#include "jobs/scheduler.h"

static const char views_and_jobs[] =
    "views:\n"
    "  daily_revenue: { source: orders, window: tumbling 1 day, measures: { n: count } }\n"
    "jobs:\n"
    "  yearly: { schedule: \"0 0 1 1 *\" }\n";

/* A process that schedules, as the program would. */
static pid_t start_scheduler(struct world *world)
{
    batch_disconnect(&world->batch);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        shutdown_install();
        struct error error;
        _exit(scheduler_run(&world->batch, &error) ? 0 : error_exit_code(&error));
    }
    return child;
}

static void wait_until(struct world *world, const char *condition)
{
    bool done = false;
    while (!done) {
        PGresult *result;
        assert_true(batch_connect(&world->batch, &world->error));
        if (connection_query(world->batch.connection, condition, 0, NULL, &result, &world->error)) {
            done = *PQgetvalue(result, 0, 0) == 't';
            PQclear(result);
        }
        usleep(10000);
    }
}

static int end(pid_t child)
{
    int status;
    kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void time_that_was_missed_is_made_up_for_once(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, views_and_jobs);
    paid(&world, 0, "a", "1.00");
    follow(&world);
    assert_true(batch_connect(&world.batch, &world.error));
    assert_true(schema_migrate(&world.batch, &world.error));
    sql(&world, "insert into tidemark.job values ('yearly', now() - interval '3 years')");
    pid_t child = start_scheduler(&world);
    wait_until(&world, "select count(*) = 1 from tidemark.job_run where state = 'done'");
    assert_int_equal(end(child), 0);
    assert_rows(&world, "select outcome from tidemark.run", "published");
    assert_rows(&world, "select extract(month from due_at), extract(day from due_at) from tidemark.job", "1 1");
    end_world(&world);
}

static void job_that_was_never_seen_waits_for_its_time(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, views_and_jobs);
    pid_t child = start_scheduler(&world);
    wait_until(&world, "select count(*) = 1 from tidemark.job where due_at > now()");
    assert_int_equal(end(child), 0);
    assert_rows(&world, "select count(*) from tidemark.run", "0");
    end_world(&world);
}

static void partition_that_is_not_ready_is_tried_again(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, views_and_jobs);
    paid(&world, 0, "a", "1.00");
    assert_true(batch_connect(&world.batch, &world.error));
    assert_true(schema_migrate(&world.batch, &world.error));
    sql(&world, "insert into tidemark.job values ('yearly', now())");
    pid_t child = start_scheduler(&world);
    wait_until(&world, "select count(*) > 0 from tidemark.run where outcome = 'failed'");
    follow(&world); /* the speed layer has come up */
    wait_until(&world, "select count(*) = 1 from tidemark.job_run where state = 'done'");
    assert_int_equal(end(child), 0);
    assert_rows(&world, "select epoch from tidemark.source", "1");
    end_world(&world);
}

static void partition_that_is_half_full_is_published_at_once(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, views_and_jobs);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    paid(&world, 0, "b", "1.00");
    follow(&world);
    world.realtime->slots[0].wanted_epoch = 1; /* what was found before the publication says nothing any more */
    pid_t child = start_scheduler(&world);
    wait_until(&world, "select count(*) = 1 from tidemark.job where due_at > now()");
    assert_rows(&world, "select epoch from tidemark.source", "1");
    world.realtime->slots[0].wanted_epoch = 2;
    wait_until(&world, "select count(*) = 1 from tidemark.job_run where state = 'done'");
    assert_int_equal(end(child), 0);
    assert_rows(&world, "select epoch from tidemark.source", "2");
    end_world(&world);
}

static void configuration_without_jobs_is_refused(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    assert_false(scheduler_run(&world.batch, &world.error));
    assert_int_equal(world.error.code, ERROR_CONFIGURATION);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_that_was_missed_is_made_up_for_once),
        cmocka_unit_test(job_that_was_never_seen_waits_for_its_time),
        cmocka_unit_test(partition_that_is_not_ready_is_tried_again),
        cmocka_unit_test(partition_that_is_half_full_is_published_at_once),
        cmocka_unit_test(configuration_without_jobs_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
