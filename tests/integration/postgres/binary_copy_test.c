/* SPDX-License-Identifier: Apache-2.0
 * What is copied in binary form PostgreSQL shows as the same values in text. */
#include <inttypes.h>
#include <stdio.h>

#include "cmocka_test.h"

#include "postgres/binary_copy.h"
#include "postgres_server.h"

static PGconn *connection;
static char data[4096];

static int begin(void **state)
{
    start_server(state);
    connection = connect_to(server.url);
    return 0;
}

static int end(void **state)
{
    PQfinish(connection);
    return stop_server(state);
}

static void copy(const char *columns, const char *rows_end)
{
    struct error error = {0};
    char sql[200];
    snprintf(sql, sizeof sql, "drop table if exists pg_temp.c; create temp table c (n serial, %s)", columns);
    assert_true(connection_execute(connection, sql, &error));
    bool has_one = !strchr(columns, ',');
    snprintf(sql, sizeof sql, "copy pg_temp.c (%s) from stdin (format binary)", has_one ? "a" : "a, b, c, d, e, f");
    if (!connection_copy_begin(connection, sql, &error) || !connection_copy_put(connection, binary_copy_head, &error) ||
        !connection_copy_put(connection, (struct text){data, (size_t)(rows_end - data)}, &error) ||
        !connection_copy_put(connection, binary_copy_tail, &error) || !connection_copy_end(connection, &error))
        fail_msg("%s", error.message);
}

/* All rows of a column, in the order in which they were copied. */
static void assert_column(const char *column, const char *expected)
{
    struct error error = {0};
    PGresult *result;
    char sql[200];
    snprintf(sql, sizeof sql, "select string_agg(coalesce(%s::text, 'null'), ' ' order by n) from pg_temp.c", column);
    assert_true(connection_query(connection, sql, 0, NULL, &result, &error));
    assert_string_equal(PQgetvalue(result, 0, 0), expected);
    PQclear(result);
}

static void each_type_is_what_it_was(void **state)
{
    (void)state;
    char *at = binary_copy_row(data, 6);
    at = binary_copy_int(at, -INT32_MAX);
    at = binary_copy_bigint(at, -INT64_MAX);
    at = binary_copy_text(at, text_of(""));
    at = binary_copy_date(at, -719162); /* the year 1 */
    at = binary_copy_timestamptz(at, INT64_C(-1234567890123456));
    at = binary_copy_numeric(at, -5, 2);
    at = binary_copy_row(at, 6);
    at = binary_copy_int(at, INT32_MAX);
    at = binary_copy_bigint(at, INT64_MAX);
    at = binary_copy_text(at, text_of("t\ta\\b\n\xc3\xa9"));
    at = binary_copy_date(at, 719162);
    at = binary_copy_timestamptz(at, INT64_C(1234567890123456));
    at = binary_copy_numeric(at, 5, 2);
    at = binary_copy_row(at, 6);
    for (int i = 0; i < 6; i++)
        at = binary_copy_null(at);
    copy("a int, b bigint, c text, d date, e timestamptz, f numeric(18,2)", at);
    assert_column("a", "-2147483647 2147483647 null");
    assert_column("b", "-9223372036854775807 9223372036854775807 null");
    assert_column("c", " t\ta\\b\n\xc3\xa9 null");
    assert_column("d", "0001-01-01 3939-01-01 null");
    assert_column("to_char(e at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
                  "1930-11-18T00:28:29.876544 2009-02-13T23:31:30.123456 null");
    assert_column("f", "-0.05 0.05 null");
}

/* As the same number would be if it were sent as text: digit by digit. */
static void assert_decimal(size_t row, int64_t minor, unsigned scale)
{
    struct error error = {0};
    PGresult *result;
    char sql[240];
    static const char *const units[] = {"1", "0.1", "0.01", "0.001", "0.0001"};
    snprintf(sql, sizeof sql,
             "select a = w and numeric_send(a) = numeric_send(w) and scale(a) = %u, a from pg_temp.c, "
             "lateral (select %" PRId64 "::numeric * %s as w) x where n = %zu",
             scale, minor, units[scale], row);
    assert_true(connection_query(connection, sql, 0, NULL, &result, &error));
    if (strcmp(PQgetvalue(result, 0, 0), "t") != 0)
        fail_msg("%" PRId64 " of scale %u is %s", minor, scale, PQgetvalue(result, 0, 1));
    PQclear(result);
}

static void a_decimal_is_the_same_at_any_scale(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,    1,     -1,        9,      10,       99,        100,      1000,
                                      9999, 10000, 100000000, -10001, 99990000, INT64_MAX, INT64_MIN};
    for (unsigned scale = 0; scale <= 4; scale++) {
        char *at = data;
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            at = binary_copy_numeric(binary_copy_row(at, 1), numbers[i], scale);
        copy("a numeric", at);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            assert_decimal(i + 1, numbers[i], scale);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_what_it_was),
        cmocka_unit_test(a_decimal_is_the_same_at_any_scale),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
