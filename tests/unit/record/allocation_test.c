/* SPDX-License-Identifier: Apache-2.0
 * Counts what the decoder asks of the heap, by standing before the C library's malloc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record/record.h"

static unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

static const struct field fields[] = {{"order_id", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {fields, 2, 0, "timestamp", TIME_RFC3339, 0};

/* Good orders with their keys in two ways, with escapes and nested values, and bad ones among them. */
static void decode_batch(struct decoder *decoder)
{
    static const char *const formats[] = {
        "{\"order_id\":\"o%d\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\"}",
        "{\"amount\":1,\"x\":{\"a\":[1,{\"b\":2}]},\"order_id\":\"\\u006f%d\",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
        "{\"order_id\":\"o%d\",\"amount\":null}",
    };
    char message[200];
    decoder_reset(decoder);
    for (int i = 0; i < 30000; i++) {
        struct record record;
        struct rejection rejection;
        snprintf(message, sizeof message, formats[i % 3], i);
        bool good = decoder_decode(decoder, text_of(message), -1, &record, &rejection) == DECODE_GOOD;
        assert_int_equal(good, i % 3 != 2);
    }
}

static void a_warm_batch_allocates_nothing(void **state)
{
    (void)state;
    struct decoder *decoder = decoder_new(&schema);
    assert_true(allocations > 0);
    decode_batch(decoder);
    unsigned long before = allocations;
    decode_batch(decoder);
    assert_int_equal(allocations, before);
    decoder_destroy(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_warm_batch_allocates_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
