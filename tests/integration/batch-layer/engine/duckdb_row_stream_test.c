/* SPDX-License-Identifier: Apache-2.0
 * Rows that the DuckDB that is installed takes from us. */
#include "cmocka_test.h"

#include <poll.h>

#include "base/clock.h"
#include "base/shutdown.h"
#include "engine/duckdb/row_stream.h"

#define ROWS 10000
#define LONG_TEXT "longer than twelve bytes"

static const struct stream_column columns[] = {
    {.name = "number", .type = STREAM_INTEGER},
    {.name = "large", .type = STREAM_BIGINT},
    {.name = "text", .type = STREAM_TEXT},
    {.name = "moment", .type = STREAM_MOMENT},
    {.name = "amount", .type = STREAM_DECIMAL, .digits = 18, .scale = 3},
};

struct rows_left {
    int64_t given, fails_at; /* after so many; 0: never */
};

/* Of each seventh row all but the number are null. */
static bool fill(void *context, struct stream_rows *rows, struct error *error)
{
    struct rows_left *left = context;
    for (bool fits = true; fits && left->given < ROWS;) {
        int64_t i = left->given++;
        if (i > 0 && i == left->fails_at)
            return error_set(error, ERROR_PERMISSION, "no right to row %d", (int)i);
        stream_add_integer(rows, 0, -i);
        for (size_t column = 1; column < 5 && i % 7 == 0; column++)
            stream_add_null(rows, column);
        if (i % 7 != 0) {
            stream_add_integer(rows, 1, i << 40);
            stream_add_text(rows, 2, text_of(i % 3 == 0 ? "" : i % 3 == 1 ? "short" : LONG_TEXT));
            stream_add_integer(rows, 3, i * US_PER_SECOND);
            stream_add_integer(rows, 4, i * 1001);
        }
        fits = stream_end_row(rows);
    }
    return true;
}

static struct duckdb_session *open_session(void)
{
    struct duckdb_session *session;
    struct error error = {0};
    if (!duckdb_session_open(NULL, "/tmp", &session, &error))
        fail_msg("%s", error.message);
    return session;
}

static bool note_text(void *context, const struct text values[], struct error *error)
{
    (void)error;
    buffer_append_text(context, values[0]);
    return true;
}

static void says(struct duckdb_session *session, const char *sql, const char *expected)
{
    struct buffer found = {0};
    struct error error = {0};
    if (!duckdb_session_query(session, sql, note_text, &found, &error))
        fail_msg("%s", error.message);
    assert_string_equal(buffer_string(&found), expected);
    buffer_clean_up(&found);
}

static bool keep(struct duckdb_session *session, struct row_stream *stream, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "create temp table kept as from given()");
    bool done = row_stream_register(stream, session, error) && row_stream_execute(stream, session, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

static struct row_stream stream_of(stream_fill *filled, void *context)
{
    return (struct row_stream){
        .name = "given", .columns = columns, .column_count = 5, .row_count = ROWS, .fill = filled, .context = context};
}

static void rows_arrive_as_they_were_given(void **state)
{
    (void)state;
    struct duckdb_session *session = open_session();
    struct rows_left left = {0};
    struct row_stream stream = stream_of(fill, &left);
    struct error error = {0};
    if (!keep(session, &stream, &error))
        fail_msg("%s", error.message);
    says(session, "select (count(*), count(distinct number), min(number), max(number))::varchar from kept",
         "(10000, 10000, -9999, 0)");
    says(session,
         "select count(*)::varchar from kept where number % 7 <> 0 and large = -number::bigint << 40 and "
         "epoch_us(moment) = -number::bigint * 1000000 and amount = -number * 1.001::decimal(4, 3) and text = "
         "['', 'short', '" LONG_TEXT "'][(-number % 3) + 1]",
         "8571");
    says(session,
         "select count(*)::varchar from kept where number % 7 = 0 and large is null and text is null and moment is "
         "null and amount is null",
         "1429");
    duckdb_session_close(session);
}

static void error_of_whoever_gives_rows_is_told_as_it_is(void **state)
{
    (void)state;
    struct duckdb_session *session = open_session();
    struct rows_left left = {.fails_at = 5000};
    struct row_stream stream = stream_of(fill, &left);
    struct error error = {0};
    assert_false(keep(session, &stream, &error));
    assert_int_equal(error.code, ERROR_PERMISSION);
    assert_string_equal(error.message, "no right to row 5000");
    says(session, "select '42'", "42");
    duckdb_session_close(session);
}

static bool wait_for_end(void *context, struct stream_rows *rows, struct error *error)
{
    (void)context;
    (void)rows;
    while (!shutdown_requested())
        poll(NULL, 0, 1);
    return error_set(error, ERROR_TRY_AGAIN, "was asked to end");
}

static void whoever_gives_rows_learns_when_the_session_has_to_end(void **state)
{
    (void)state;
    shutdown_end_thread_at(clock_monotonic_us() + US_PER_SECOND / 10);
    struct duckdb_session *session = open_session();
    struct row_stream stream = stream_of(wait_for_end, NULL);
    struct error error = {0};
    assert_false(keep(session, &stream, &error));
    assert_int_equal(error.code, ERROR_TRY_AGAIN);
    duckdb_session_close(session);
    shutdown_end_thread_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_arrive_as_they_were_given),
        cmocka_unit_test(error_of_whoever_gives_rows_is_told_as_it_is),
        cmocka_unit_test(whoever_gives_rows_learns_when_the_session_has_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
