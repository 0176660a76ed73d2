/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "postgres_server.h"

static void fails_to_connect(const char *url, enum error_code code, const char *part)
{
    struct connection_settings settings = settings_for(url);
    struct error error = {0};
    PGconn *connection = NULL;
    assert_false(connection_open(&settings, &connection, &error));
    assert_null(connection);
    if (error.code != code || !strstr(error.message, part))
        fail_msg("not \"%s\": %d, %s", part, (int)error.code, error.message);
    assert_null(strstr(error.message, "secret"));
}

static void failures_to_connect_say_what_to_do(void **state)
{
    (void)state;
    char url[300];
    snprintf(url, sizeof url, "host=%s user=nobody dbname=tidemark password=secret", server.folder);
    fails_to_connect(url, ERROR_PERMISSION, "nobody");
    snprintf(url, sizeof url, "host=%s user=tidemark dbname=absent password=secret", server.folder);
    fails_to_connect(url, ERROR_CONFIGURATION, "absent");
    fails_to_connect("host=/nonexistent dbname=tidemark password=secret", ERROR_UNAVAILABLE, "/nonexistent");
    fails_to_connect("postgresql://user:secret@host/db?nonsense=secret", ERROR_CONFIGURATION, "malformed");
    fails_to_connect("password 'secret", ERROR_CONFIGURATION, "malformed");
}

static void server_that_never_answers_is_unavailable_in_time(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    char url[200];
    snprintf(url, sizeof url, "host=127.0.0.1 port=%d user=u dbname=d connect_timeout=1", (int)ntohs(address.sin_port));
    int64_t begun_us = clock_monotonic_us();
    fails_to_connect(url, ERROR_UNAVAILABLE, "no answer");
    assert_in_range(clock_monotonic_us() - begun_us, US_PER_SECOND - 1000, 4 * US_PER_SECOND);
    close(listener);
}

static void session_is_set_up_whatever_the_server_prefers(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    PGresult *result;
    assert_true(connection_query(connection,
                                 "select current_setting('timezone'), current_setting('search_path'), "
                                 "current_setting('client_encoding'), current_setting('application_name')",
                                 0, NULL, &result, NULL));
    assert_string_equal(PQgetvalue(result, 0, 0), "UTC");
    assert_string_equal(PQgetvalue(result, 0, 1), "pg_catalog");
    assert_string_equal(PQgetvalue(result, 0, 2), "UTF8");
    assert_string_equal(PQgetvalue(result, 0, 3), "test");
    PQclear(result);
    PQfinish(connection);
}

static void backend_that_is_ended_is_unavailable(void **state)
{
    (void)state;
    PGconn *victim = connect_to(server.url), *other = connect_to(server.url);
    char statement[100];
    struct error error = {0};
    snprintf(statement, sizeof statement, "select pg_terminate_backend(%d)", PQbackendPID(victim));
    assert_true(connection_execute(other, statement, &error));
    assert_false(connection_execute(victim, "select 1", &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    PQfinish(victim);
    PQfinish(other);
}

static bool is_running(PGconn *connection, int backend)
{
    char sql[100];
    struct error error = {0};
    RESULT *found = NULL;
    snprintf(sql, sizeof sql, "select 1 from pg_stat_activity where pid = %d", backend);
    assert_true(connection_query(connection, sql, 0, NULL, &found, &error));
    return PQntuples(found) == 1;
}

static void statement_of_a_client_that_was_killed_ends_with_its_locks(void **state)
{
    (void)state;
    PGconn *victim = connect_to(server.url), *other = connect_to(server.url);
    int backend = PQbackendPID(victim);
    assert_int_equal(PQsendQuery(victim, "select pg_advisory_lock(7), pg_sleep(600)"), 1);
    while (PQflush(victim) == 1) {
    }
    assert_int_equal(shutdown(PQsocket(victim), SHUT_RDWR), 0); /* as the kernel does for a process that is killed */
    int64_t deadline_us = clock_monotonic_us() + 60 * US_PER_SECOND;
    while (is_running(other, backend) && clock_monotonic_us() < deadline_us)
        usleep(20000);
    assert_false(is_running(other, backend));
    PQfinish(victim);
    PQfinish(other);
}

static void lock_that_is_held_too_long_is_tried_again(void **state)
{
    (void)state;
    PGconn *holder = connect_to(server.url), *waiter = connect_to(server.url);
    struct error error = {0};
    assert_true(connection_execute(holder, "create table public.t (a int)", &error));
    assert_true(connection_execute(holder, "begin; lock table public.t", &error));
    assert_false(connection_execute(waiter, "select * from public.t", &error));
    assert_int_equal(error.code, ERROR_TRY_AGAIN);
    PQfinish(holder);
    PQfinish(waiter);
}

static void whoever_holds_a_lock_for_too_long_is_named(void **state)
{
    (void)state;
    struct connection_settings patient = settings_for(server.url);
    patient.lock_timeout_ms = 8000; /* who holds it is looked up after some seconds of silence */
    PGconn *holder = connect_to(server.url), *waiter = NULL;
    struct error error = {0};
    char named[80];
    snprintf(named, sizeof named, "the lock is held by test (server process %d)", PQbackendPID(holder));
    assert_true(connection_open(&patient, &waiter, &error));
    assert_true(connection_execute(holder, "create table public.held (a int)", &error));
    assert_true(connection_execute(holder, "begin; lock table public.held", &error));
    assert_false(connection_execute(waiter, "select * from public.held", &error));
    assert_int_equal(error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(error.message, named));
    PQfinish(holder);
    PQfinish(waiter);
}

/* Stopped, it is there and silent, and its kernel still takes what we send. */
static void server_that_falls_silent_is_given_up(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    pid_t backend = PQbackendPID(connection);
    struct error error = {0};
    assert_int_equal(kill(backend, SIGSTOP), 0);
    assert_false(connection_execute(connection, "select 1", &error));
    assert_int_equal(kill(backend, SIGCONT), 0);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "isn't at work for it"));
    assert_int_equal(PQstatus(connection), CONNECTION_BAD);
    PQfinish(connection);
}

static void statement_that_takes_its_time_is_waited_for(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct error error = {0};
    assert_true(connection_execute(connection, "select pg_sleep(12)", &error));
    PQfinish(connection);
}

static void copy_that_fails_leaves_the_connection_usable(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct error error = {0};
    assert_true(connection_execute(connection, "create table public.c (a int)", &error));
    assert_true(connection_execute(connection, "begin", &error));
    assert_true(connection_copy_begin(connection, "copy public.c from stdin", &error));
    assert_true(connection_copy_put(connection, text_of("nonsense\n"), &error));
    assert_false(connection_copy_end(connection, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    connection_roll_back(connection);
    assert_true(connection_execute(connection, "begin", &error));
    assert_true(connection_copy_begin(connection, "copy public.c from stdin", &error));
    connection_roll_back(connection); /* in the midst of a COPY */
    assert_true(connection_execute(connection, "insert into public.c values (1)", &error));
    PQfinish(connection);
}

static void any_text_passes_through_copy_identifier_and_literal(void **state)
{
    (void)state;
    static const char strange[] = "a\\b\tc\nd\re'f\"g\\N\\.\x01\xc3\xa9";
    PGconn *connection = connect_to(server.url);
    struct buffer sql = {0}, line = {0};
    struct error error = {0};
    buffer_append_string(&sql, "create temp table ");
    buffer_append_identifier(&sql, strange);
    buffer_append_string(&sql, " as select ");
    buffer_append_literal(&sql, text_of(strange));
    buffer_append_string(&sql, " as a");
    assert_true(connection_execute(connection, buffer_string(&sql), &error));
    buffer_clear(&sql);
    buffer_append_string(&sql, "copy ");
    buffer_append_identifier(&sql, strange);
    buffer_append_string(&sql, " from stdin");
    buffer_append_copy_text(&line, text_of(strange));
    buffer_append_char(&line, '\n');
    assert_true(connection_copy_begin(connection, buffer_string(&sql), &error));
    assert_true(connection_copy_put(connection, buffer_text(&line), &error));
    assert_true(connection_copy_end(connection, &error));
    buffer_clear(&sql);
    buffer_append_string(&sql, "select a from ");
    buffer_append_identifier(&sql, strange);
    PGresult *result;
    assert_true(connection_query(connection, buffer_string(&sql), 0, NULL, &result, &error));
    assert_int_equal(PQntuples(result), 2);
    assert_string_equal(PQgetvalue(result, 0, 0), strange);
    assert_string_equal(PQgetvalue(result, 1, 0), strange);
    PQclear(result);
    buffer_clean_up(&sql);
    buffer_clean_up(&line);
    PQfinish(connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_to_connect_say_what_to_do),
        cmocka_unit_test(server_that_never_answers_is_unavailable_in_time),
        cmocka_unit_test(session_is_set_up_whatever_the_server_prefers),
        cmocka_unit_test(backend_that_is_ended_is_unavailable),
        cmocka_unit_test(statement_of_a_client_that_was_killed_ends_with_its_locks),
        cmocka_unit_test(lock_that_is_held_too_long_is_tried_again),
        cmocka_unit_test(whoever_holds_a_lock_for_too_long_is_named),
        cmocka_unit_test(server_that_falls_silent_is_given_up),
        cmocka_unit_test(statement_that_takes_its_time_is_waited_for),
        cmocka_unit_test(copy_that_fails_leaves_the_connection_usable),
        cmocka_unit_test(any_text_passes_through_copy_identifier_and_literal),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
