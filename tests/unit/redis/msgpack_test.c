/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "redis/msgpack.h"

static void strings_of_every_length_class_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 100000};
    static const size_t headers[] = {1, 1, 1, 2, 2, 3, 3, 5, 5};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buffer out = {0};
        char *bytes = calloc(1, lengths[i] + 1);
        memset(bytes, (int)i, lengths[i]);
        msgpack_append_string(&out, (struct text){bytes, lengths[i]});
        assert_int_equal(out.length, headers[i] + lengths[i]);
        struct text rest = buffer_text(&out), got;
        assert_true(msgpack_read_string(&rest, &got));
        assert_int_equal(rest.length, 0);
        assert_true(text_equal(got, (struct text){bytes, lengths[i]}));
        for (size_t cut = 0; cut < out.length; cut += 1 + out.length / 50) {
            struct text part = {out.data, cut};
            assert_false(msgpack_read_string(&part, &got));
        }
        free(bytes);
        buffer_clean_up(&out);
    }
}

static void an_array_gets_its_length_when_it_ends(void **state)
{
    (void)state;
    struct buffer out = {0};
    uint32_t count;
    size_t place = msgpack_begin_array(&out);
    msgpack_append_string(&out, text_of("a"));
    msgpack_end_array(&out, place, 70000);
    struct text rest = buffer_text(&out), got;
    assert_true(msgpack_read_array(&rest, &count));
    assert_int_equal(count, 70000);
    assert_true(msgpack_read_string(&rest, &got));
    assert_true(text_equal(got, text_of("a")));
    buffer_clean_up(&out);
}

static void other_types_are_refused(void **state)
{
    (void)state;
    static const unsigned char firsts[] = {0x00, 0x80, 0x90, 0xc0, 0xc4, 0xcc, 0xd8, 0xdc, 0xde, 0xff};
    for (size_t i = 0; i < sizeof firsts; i++) {
        char bytes[10] = {(char)firsts[i]};
        struct text from = {bytes, sizeof bytes}, got;
        uint32_t count;
        assert_false(msgpack_read_string(&from, &got));
        assert_false(msgpack_read_array(&from, &count));
        assert_int_equal(from.length, sizeof bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_every_length_class_come_back),
        cmocka_unit_test(an_array_gets_its_length_when_it_ends),
        cmocka_unit_test(other_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
