/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "postgres/copy_rows.h"
#include "postgres_server.h"

#define COLUMNS_MAX 8

static void begin(struct copy_rows *rows, PGconn *connection, const char *query, size_t columns)
{
    struct buffer sql = {0};
    struct error error;
    buffer_append_string(&sql, query);
    if (!copy_rows_begin(rows, connection, &sql, columns, &error))
        fail_msg("%s", error.message);
    buffer_clean_up(&sql);
}

static bool next(struct copy_rows *rows, struct text values[])
{
    struct error error;
    bool any;
    if (!copy_rows_next(rows, values, &any, &error))
        fail_msg("%s", error.message);
    return any;
}

static void ends_early(struct copy_rows *rows, struct error *ret_error)
{
    struct text values[COLUMNS_MAX];
    bool any = true, done = true;
    while (done && any)
        done = copy_rows_next(rows, values, &any, ret_error);
    assert_false(done);
}

static void values_come_as_they_are(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    int64_t number = 0;
    begin(&rows, connection, "values (-7, 9223372036854775807, -1::bigint, 'a\tü\\', '', null)", 6);
    assert_true(next(&rows, values));
    assert_true(copy_row_integer(values[0], &number));
    assert_int_equal(number, -7);
    assert_true(copy_row_integer(values[1], &number));
    assert_true(number == INT64_MAX);
    assert_true(copy_row_integer(values[2], &number));
    assert_int_equal(number, -1);
    assert_true(text_equal(values[3], text_of("a\tü\\")));
    assert_true(values[4].data && values[4].length == 0);
    assert_null(values[5].data);
    assert_false(copy_row_integer(values[3], &number));
    assert_false(next(&rows, values));
    assert_false(next(&rows, values));
    copy_rows_clean_up(&rows);
    PQfinish(connection);
}

/* The number in units of 10^-scale, or "no" where it is none. */
static void is_decimal(PGconn *connection, const char *spelled, unsigned scale, const char *expected)
{
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    struct buffer query = {0}, found = {0};
    int64_t number;
    buffer_appendf(&query, "select '%s'::numeric", spelled);
    begin(&rows, connection, buffer_string(&query), 1);
    assert_true(next(&rows, values));
    if (copy_row_decimal(values[0], scale, &number))
        buffer_append_integer(&found, number);
    else
        buffer_append_string(&found, "no");
    assert_string_equal(buffer_string(&found), expected);
    assert_false(next(&rows, values));
    copy_rows_clean_up(&rows);
    buffer_clean_up(&query);
    buffer_clean_up(&found);
}

static void decimals_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *spelled;
        unsigned scale;
        const char *expected;
    } rows[] = {{"0", 2, "0"},
                {"0.00", 0, "0"},
                {"0.01", 2, "1"},
                {"-0.01", 2, "-1"},
                {"0.5", 3, "500"},
                {"12.30", 2, "1230"},
                {"12.3", 0, "no"},
                {"0.0001", 3, "no"},
                {"0.00000001", 3, "no"},
                {"10000", 0, "10000"},
                {"100000000.1", 1, "1000000001"},
                {"99990000", 3, "99990000000"},
                {"999999999999999.999", 3, "999999999999999999"},
                {"-999999999999999.999", 3, "-999999999999999999"},
                {"9223372036854775807", 0, "9223372036854775807"},
                {"9223372036854775808", 0, "no"},
                {"9223372036854775807", 1, "no"},
                {"1e40", 2, "no"},
                {"NaN", 2, "no"},
                {"Infinity", 2, "no"}};
    PGconn *connection = connect_to(server.url);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_decimal(connection, rows[i].spelled, rows[i].scale, rows[i].expected);
    PQfinish(connection);
}

static void any_number_of_rows_is_taken_and_the_connection_goes_on(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    for (int64_t count = 0; count <= 100000; count = count * 100000 + 1) {
        char query[100];
        int64_t number = 0, taken = 0;
        snprintf(query, sizeof query, "select i, repeat('x', 100) from generate_series(1, %d) i", (int)count);
        for (begin(&rows, connection, query, 2); next(&rows, values);) {
            assert_true(copy_row_integer(values[0], &number));
            assert_int_equal(number, ++taken);
            assert_int_equal(values[1].length, 100);
        }
        assert_int_equal(taken, count);
        copy_rows_clean_up(&rows);
    }
    assert_true(connection_execute(connection, "select 1", NULL));
    PQfinish(connection);
}

static void error_behind_some_rows_is_told_and_rolled_back(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct error error = {0};
    struct copy_rows rows;
    assert_true(connection_execute(connection, "begin", &error));
    begin(&rows, connection, "select 1 / (1000 - i) from generate_series(1, 2000) i", 1);
    ends_early(&rows, &error);
    assert_non_null(strstr(error.message, "division by zero"));
    copy_rows_clean_up(&rows);
    connection_roll_back(connection);
    assert_true(connection_execute(connection, "select 1", &error));
    PQfinish(connection);
}

static void rows_that_are_left_take_the_connection_with_them(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct error error = {0};
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    assert_true(connection_execute(connection, "begin", &error));
    begin(&rows, connection, "select repeat('x', 1000) from generate_series(1, 1000000) i", 1);
    assert_true(next(&rows, values));
    copy_rows_clean_up(&rows);
    connection_roll_back(connection);
    assert_false(connection_execute(connection, "select 1", &error));
    PQfinish(connection);
}

static void other_columns_than_were_said_are_an_error(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url);
    struct error error = {0};
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    bool any;
    begin(&rows, connection, "select 1, 2", 1);
    assert_false(copy_rows_next(&rows, values, &any, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    copy_rows_clean_up(&rows);
    PQfinish(connection);
}

static void server_that_goes_away_is_unavailable(void **state)
{
    (void)state;
    PGconn *connection = connect_to(server.url), *other = connect_to(server.url);
    struct error error = {0};
    struct copy_rows rows;
    struct text values[COLUMNS_MAX];
    char statement[100];
    begin(&rows, connection, "select repeat('x', 1000) from generate_series(1, 1000000) i", 1);
    assert_true(next(&rows, values));
    snprintf(statement, sizeof statement, "select pg_terminate_backend(%d)", PQbackendPID(connection));
    assert_true(connection_execute(other, statement, &error));
    ends_early(&rows, &error);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    copy_rows_clean_up(&rows);
    PQfinish(connection);
    PQfinish(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_as_they_are),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(any_number_of_rows_is_taken_and_the_connection_goes_on),
        cmocka_unit_test(error_behind_some_rows_is_told_and_rolled_back),
        cmocka_unit_test(rows_that_are_left_take_the_connection_with_them),
        cmocka_unit_test(other_columns_than_were_said_are_an_error),
        cmocka_unit_test(server_that_goes_away_is_unavailable),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
