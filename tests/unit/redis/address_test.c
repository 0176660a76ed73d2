/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "redis/address.h"

static struct redis_address parsed(const char *url)
{
    struct redis_address address;
    struct error error = {0};
    if (!redis_address_parse(url, &address, &error))
        fail_msg("%s: %s", url, error.message);
    return address;
}

static void a_host_alone_gets_the_usual_port_and_database(void **state)
{
    (void)state;
    struct redis_address address = parsed("redis://store.example");
    assert_string_equal(address.place, "store.example");
    assert_int_equal(address.port, 6379);
    assert_int_equal(address.database, 0);
    assert_string_equal(address.user, "");
    assert_string_equal(address.password, "");
    assert_false(address.is_socket);
    assert_int_equal(parsed("redis://store.example/").database, 0);
}

static void all_parts_are_read(void **state)
{
    (void)state;
    struct redis_address address = parsed("redis://me:p%40ss:w%2Frd%25@10.0.0.1:7000/12");
    assert_string_equal(address.place, "10.0.0.1");
    assert_int_equal(address.port, 7000);
    assert_int_equal(address.database, 12);
    assert_string_equal(address.user, "me");
    assert_string_equal(address.password, "p@ss:w/rd%");
}

static void a_password_needs_no_user_and_may_hold_an_at(void **state)
{
    (void)state;
    struct redis_address address = parsed("redis://:se@cret@host");
    assert_string_equal(address.user, "");
    assert_string_equal(address.password, "se@cret");
    assert_string_equal(address.place, "host");
    assert_string_equal(parsed("redis://me@host").user, "me");
}

static void addresses_of_ipv6_stand_in_brackets(void **state)
{
    (void)state;
    assert_string_equal(parsed("redis://[::1]:7000/1").place, "::1");
    assert_int_equal(parsed("redis://[::1]:7000/1").port, 7000);
    assert_int_equal(parsed("redis://[::1]").port, 6379);
}

static void sockets_have_a_path_and_maybe_a_database(void **state)
{
    (void)state;
    struct redis_address address = parsed("unix:///run/redis%20x/sock?db=3");
    assert_true(address.is_socket);
    assert_string_equal(address.place, "/run/redis x/sock");
    assert_int_equal(address.database, 3);
    assert_int_equal(parsed("unix:///run/sock").database, 0);
}

static void what_is_not_an_address_is_refused_without_showing_it(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "redis://",
        "redis:///1",
        "http://secret",
        "secret",
        "rediss://:secret@host",
        "redis://:secret@",
        "redis://:secret@host:0",
        "redis://:secret@host:65536",
        "redis://:secret@host:",
        "redis://:secret@host:x",
        "redis://:secret@host/x",
        "redis://:secret@host/-1",
        "redis://:secret@host/1/2",
        "redis://:secret%@host",
        "redis://:secret%4@host",
        "redis://:secret%zz@host",
        "redis://:secret%00@host",
        "redis://[::1",
        "redis://[::1]x",
        "redis://[::1]x:1",
        "redis://[]:1",
        "unix://",
        "unix://secret",
        "unix:///a?db=x",
        "unix:///a?x=1",
        "unix:///a?",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct redis_address address, untouched;
        struct error error = {0};
        memset(&address, 0x5a, sizeof address);
        untouched = address;
        if (redis_address_parse(wrong[i], &address, &error))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        assert_null(strstr(error.message, "secret"));
        assert_memory_equal(&address, &untouched, sizeof address);
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    struct redis_address address;
    char url[2000] = "redis://";
    memset(url + 8, 'h', 256);
    assert_false(redis_address_parse(url, &address, NULL));
    url[8 + 255] = '\0';
    assert_true(redis_address_parse(url, &address, NULL));
    assert_int_equal(strlen(address.place), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_alone_gets_the_usual_port_and_database),
        cmocka_unit_test(all_parts_are_read),
        cmocka_unit_test(a_password_needs_no_user_and_may_hold_an_at),
        cmocka_unit_test(addresses_of_ipv6_stand_in_brackets),
        cmocka_unit_test(sockets_have_a_path_and_maybe_a_database),
        cmocka_unit_test(what_is_not_an_address_is_refused_without_showing_it),
        cmocka_unit_test(what_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
