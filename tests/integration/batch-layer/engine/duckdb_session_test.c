/* SPDX-License-Identifier: Apache-2.0
 * A session of the DuckDB that is installed: it ends what it runs when the thread that opened it has to end. */
#include "cmocka_test.h"

#include "base/clock.h"
#include "base/shutdown.h"
#include "engine/duckdb/session.h"

/* Hours of work, if nobody ends it. */
#define ENDLESS                                                                                                        \
    "select sum(a.range * b.range) from range(1000000000) a, range(1000000000) b where a.range % 7 = b.range % 3"

static bool note_text(void *context, const struct text values[], struct error *error)
{
    (void)error;
    *(bool *)context = text_equal(values[0], text_of("42"));
    return true;
}

static void statement_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    struct duckdb_session *session;
    struct error error = {0};
    bool is_right = false;
    shutdown_end_thread_at(clock_monotonic_us() + 300000);
    bool opened = duckdb_session_open(NULL, "/tmp", &session, &error);
    if (!opened)
        fail_msg("%s", error.message);
    assert_false(duckdb_session_execute(session, ENDLESS, &error));
    assert_int_equal(error.code, ERROR_TRY_AGAIN);
    assert_non_null(strstr(error.message, "was asked to end"));
    duckdb_session_close(session);
    shutdown_end_thread_at(0);
    assert_true(duckdb_session_open(NULL, "/tmp", &session, &error));
    assert_true(duckdb_session_query(session, "select cast(6 * 7 as varchar)", note_text, &is_right, &error));
    assert_true(is_right);
    duckdb_session_close(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statement_that_takes_too_long_is_ended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
