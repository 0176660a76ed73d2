/* SPDX-License-Identifier: Apache-2.0
 * A hash as a sink, and the lease of who writes it. */
#include "redis/redis_sink.h"

#include "redis/connection.h"
#include "redis/redis_lease.h"
#include "servers.h"
#include "sink_writing.h"

static struct server server;

static int begin(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static void call(const char *command, const char *key)
{
    const struct text words[] = {text_of(command), text_of(key)};
    struct redis_connection connection;
    struct redis_address address;
    struct error error;
    redisReply *reply;
    assert_true(redis_address_make(server.url, NULL, &address, &error));
    redis_connection_init(&connection, &address);
    assert_true(redis_connection_call(&connection, words, 2, &reply, &error));
    freeReplyObject(reply);
    redis_connection_clean_up(&connection);
}

static int start(void **state)
{
    (void)state;
    struct error error;
    call("DEL", "live:rows");
    assert_true(redis_sink_open(server.url, NULL, "live", "rows", &sink, &error));
    assert_true(redis_sink_open(server.url, NULL, "live", "rows", &other, &error));
    return 0;
}

static void rows_and_what_they_are_of_are_written_together(void **state)
{
    (void)state;
    static const struct row_texts next[] = {{"a", NULL}, {"b", "{\"n\": 2}"}, {0}};
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    assert_sink_holds(sink, "a 0, b 0, ");
    assert_sink_writes(sink, "{\"one\": 1}", "{\"two\": 1}", next);
    assert_sink_opens(other, false, "{\"two\": 1}");
    assert_sink_holds(other, "b 0, ");
}

static void an_emitter_that_was_frozen_writes_nothing(void **state)
{
    (void)state;
    assert_sink_opens(sink, false, "");
    assert_sink_opens(other, false, "");
    assert_sink_writes(other, "", "{\"one\": 1}", json_rows);
    assert_sink_refuses(sink, "", json_rows, ERROR_TRY_AGAIN, "another process wrote the hash");
    assert_sink_opens(sink, false, "{\"one\": 1}");
}

static void a_hash_that_was_emptied_is_noticed(void **state)
{
    (void)state;
    struct error error;
    bool has = true;
    assert_sink_opens(sink, false, "");
    assert_sink_writes(sink, "", "{\"one\": 1}", json_rows);
    call("DEL", "live:rows");
    assert_sink_refuses(sink, "{\"one\": 1}", json_rows, ERROR_TRY_AGAIN, "it was emptied");
    assert_true(sink->operations->has(sink, text_of("{\"one\": 1}"), &has, &error));
    assert_false(has);
    assert_sink_opens(sink, false, "");
}

static void a_lease_is_given_up_and_lost(void **state)
{
    (void)state;
    struct lease *first, *second;
    struct error error;
    bool held;
    assert_true(redis_lease_open(server.url, NULL, "tidemark:emit:x", &first, &error));
    assert_true(redis_lease_open(server.url, NULL, "tidemark:emit:x", &second, &error));
    assert_true(first->operations->hold(first, &held, &error) && held);
    assert_true(second->operations->hold(second, &held, &error) && !held);
    first->operations->release(first);
    assert_true(second->operations->hold(second, &held, &error) && held);
    call("DEL", "tidemark:emit:x"); /* as where it has ended */
    assert_true(first->operations->hold(first, &held, &error) && held);
    assert_true(second->operations->hold(second, &held, &error) && !held);
    first->operations->destroy(first);
    second->operations->destroy(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_and_what_they_are_of_are_written_together, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(an_emitter_that_was_frozen_writes_nothing, start, destroy_sinks),
        cmocka_unit_test_setup_teardown(a_hash_that_was_emptied_is_noticed, start, destroy_sinks),
        cmocka_unit_test(a_lease_is_given_up_and_lost),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
