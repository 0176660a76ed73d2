/* SPDX-License-Identifier: Apache-2.0
 * Days are handed on from a publication to the jobs that come after it. */
#include "batch_fixture.h"

#include "database/changed_days.h"

#define NOTED "select day, version from tidemark.changed_day where not is_job and maker = 'orders' order by 1"

static const struct day_maker orders = {.name = "orders"};

static void publication_notes_the_days_of_what_came_and_of_what_went(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    order(&world, 0, "a", "2026-06-01T22:59:59Z", "1.00", "paid");
    order(&world, 0, "b", "2026-06-01T23:00:00Z", "1.00", "paid"); /* midnight in London */
    order(&world, 1, "c", "2026-06-05T12:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, NOTED, "2026-06-01 1\n2026-06-02 1\n2026-06-05 1");
    order(&world, 0, "a", "2026-06-03T12:00:00Z", "1.00", "cancelled");
    follow_and_run(&world);
    assert_rows(&world, NOTED, "2026-06-01 2\n2026-06-02 1\n2026-06-03 1\n2026-06-05 1");
    end_world(&world);
}

static void version_that_comes_too_late_changes_its_day_all_the_same(void **state)
{
    (void)state;
    char source[sizeof default_source];
    struct world world;
    snprintf(source, sizeof source, "%s", default_source);
    memcpy(strstr(source, "replace"), "ignore ", 7);
    make_world_with(&world, 1, source, default_views);
    order(&world, 0, "a", "2026-06-01T12:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    order(&world, 0, "a", "2026-06-02T12:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    assert_rows(&world, NOTED, "2026-06-01 1\n2026-06-02 1");
    end_world(&world);
}

static void assert_waiting(struct world *world, const char *job, const char *expected)
{
    struct changed_day *days = NULL;
    size_t count = 0;
    struct buffer text = {0};
    assert_true(changed_days_read(world->batch.connection, &orders, job, &days, &count, &world->error));
    for (size_t i = 0; i < count; i++)
        buffer_appendf(&text, "%s%" PRId64 " %" PRId64, i ? ", " : "", days[i].day, days[i].version);
    assert_string_equal(buffer_string(&text), expected);
    buffer_clean_up(&text);
    free(days);
}

static void day_waits_for_each_job_until_that_has_taken_it_as_it_is(void **state)
{
    (void)state;
    struct world world;
    int64_t version;
    make_world(&world, 1);
    assert_true(batch_connect(&world.batch, &world.error));
    assert_true(schema_migrate(&world.batch, &world.error));
    PGconn *connection = world.batch.connection;
    assert_waiting(&world, "one", "");
    assert_true(changed_days_note(connection, &orders, 20000, &world.error));
    assert_true(changed_days_note(connection, &orders, 20001, &world.error));
    assert_true(changed_days_take(connection, &orders, "one", &(struct changed_day){20000, 1}, &world.error));
    assert_waiting(&world, "one", "20001 1");
    assert_waiting(&world, "other", "20000 1, 20001 1");
    assert_true(changed_days_note(connection, &orders, 20000, &world.error));
    assert_waiting(&world, "one", "20000 2, 20001 1");
    assert_true(changed_days_version(connection, &orders, 20000, &version, &world.error));
    assert_int_equal(version, 2);
    assert_true(changed_days_version(connection, &orders, 19999, &version, &world.error));
    assert_int_equal(version, 0);
    assert_true(changed_days_take(connection, &orders, "one", &(struct changed_day){20000, 2}, &world.error));
    assert_true(changed_days_take(connection, &orders, "one", &(struct changed_day){20001, 1}, &world.error));
    assert_waiting(&world, "one", "");
    assert_true(
        changed_days_note(connection, &(struct day_maker){.is_job = true, .name = "orders"}, 20000, &world.error));
    assert_waiting(&world, "one", "");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publication_notes_the_days_of_what_came_and_of_what_went),
        cmocka_unit_test(version_that_comes_too_late_changes_its_day_all_the_same),
        cmocka_unit_test(day_waits_for_each_job_until_that_has_taken_it_as_it_is),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
