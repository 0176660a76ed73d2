/* SPDX-License-Identifier: Apache-2.0
 * A lease in PostgreSQL is one process's at a time, and ends with its connection. */
#include "cmocka_test.h"

#include "postgres/postgres_lease.h"
#include "postgres_server.h"

static struct lease *first, *second;

static int begin(void **state)
{
    struct error error;
    start_server(state);
    assert_true(postgres_lease_open(server.url, NULL, "tidemark:emit:x", &first, &error));
    assert_true(postgres_lease_open(server.url, NULL, "tidemark:emit:x", &second, &error));
    return 0;
}

static int end(void **state)
{
    first->operations->destroy(first);
    second->operations->destroy(second);
    return stop_server(state);
}

static void assert_held(struct lease *lease, bool expected)
{
    struct error error = {0};
    bool held = !expected;
    if (!lease->operations->hold(lease, &held, &error))
        fail_msg("%s", error.message);
    assert_int_equal(held, expected);
}

/* Ends the connections of both as the server does where it is told to. */
static void terminate_connections(void)
{
    struct error error;
    PGconn *connection = connect_to(server.url);
    assert_true(connection_execute(connection,
                                   "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                                   "where application_name = 'tidemark-emit'",
                                   &error));
    PQfinish(connection);
}

static void a_lease_is_held_by_one_until_it_is_given_up(void **state)
{
    (void)state;
    struct lease *another;
    struct error error;
    assert_held(first, true);
    assert_held(first, true);
    assert_held(second, false);
    assert_true(postgres_lease_open(server.url, NULL, "tidemark:emit:y", &another, &error));
    assert_held(another, true);
    another->operations->destroy(another);
    first->operations->release(first);
    assert_held(second, true);
    assert_held(first, false);
    second->operations->release(second);
}

static void a_lease_that_was_lost_with_its_connection_is_taken_by_another(void **state)
{
    (void)state;
    struct error error = {0};
    bool held;
    assert_held(first, true);
    assert_held(second, false);
    terminate_connections();
    assert_false(second->operations->hold(second, &held, &error)); /* its connection is gone, too */
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_held(second, true);
    assert_false(first->operations->hold(first, &held, &error));
    assert_held(first, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_held_by_one_until_it_is_given_up),
        cmocka_unit_test(a_lease_that_was_lost_with_its_connection_is_taken_by_another),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
