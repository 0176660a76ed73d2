/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <stdlib.h>
#include <zlib.h>

#include "http/compress.h"

static void assert_goes_and_comes_back(struct text plain)
{
    struct buffer packed = {0};
    char *back = malloc(plain.length + 1);
    buffer_append_string(&packed, "before");
    assert_true(gzip_append(plain, &packed));
    z_stream stream = {.next_in = (Bytef *)packed.data + 6,
                       .avail_in = (unsigned)packed.length - 6,
                       .next_out = (Bytef *)back,
                       .avail_out = (unsigned)plain.length + 1};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, plain.length);
    assert_int_equal(stream.avail_in, 0);
    assert_memory_equal(back, plain.data, plain.length);
    inflateEnd(&stream);
    buffer_clean_up(&packed);
    free(back);
}

static void what_was_packed_comes_back_whatever_it_was(void **state)
{
    (void)state;
    assert_goes_and_comes_back(text_of(""));
    assert_goes_and_comes_back(text_of("{\"rows\": []}"));
    for (size_t length = 1; length < 300000; length = length * 7 + 1) {
        char *same = malloc(length), *chance = malloc(length);
        uint32_t number = 1;
        for (size_t i = 0; i < length; i++) {
            same[i] = "{\"a\": 1}\n"[i % 9];
            chance[i] = (char)((number = number * 1664525 + 1013904223) >> 24);
        }
        assert_goes_and_comes_back((struct text){same, length});
        assert_goes_and_comes_back((struct text){chance, length});
        free(same);
        free(chance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_packed_comes_back_whatever_it_was)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
