/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/binary_copy.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/clock.h"

#define DAYS_TO_2000 10957 /* PostgreSQL counts days and moments from there */
#define BASE 10000         /* of a numeric's digits */
#define DIGITS_MAX 6       /* an int64_t has five of that base, and one behind the point */
#define NEGATIVE 0x4000

/* No flags, and no more of a head. */
const struct text binary_copy_head = {"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
const struct text binary_copy_tail = {"\377\377", 2};

static char *put16(char *at, uint16_t number)
{
    number = htobe16(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static char *put32(char *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static char *put64(char *at, uint64_t number)
{
    number = htobe64(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

char *binary_copy_row(char *at, size_t values)
{
    return put16(at, (uint16_t)values);
}

char *binary_copy_null(char *at)
{
    return put32(at, UINT32_MAX);
}

char *binary_copy_int(char *at, int32_t number)
{
    return put32(put32(at, sizeof number), (uint32_t)number);
}

char *binary_copy_bigint(char *at, int64_t number)
{
    return put64(put32(at, sizeof number), (uint64_t)number);
}

char *binary_copy_text(char *at, struct text text)
{
    at = put32(at, (uint32_t)text.length);
    if (text.length > 0)
        memcpy(at, text.data, text.length);
    return at + text.length;
}

char *binary_copy_date(char *at, int64_t days)
{
    return binary_copy_int(at, (int32_t)(days - DAYS_TO_2000));
}

char *binary_copy_timestamptz(char *at, int64_t time_us)
{
    return binary_copy_bigint(at, time_us - DAYS_TO_2000 * SECONDS_PER_DAY * US_PER_SECOND);
}

/* Digits from the first that isn't 0 to the one behind the point; the weight is how many stand before the point, less
 * one. */
char *binary_copy_numeric(char *at, int64_t minor, unsigned scale)
{
    static const unsigned units[] = {1, 10, 100, 1000, 10000};
    assert(scale < sizeof units / sizeof *units);
    uint64_t magnitude = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    uint64_t whole = magnitude / units[scale];
    uint16_t digits[DIGITS_MAX] = {(uint16_t)(magnitude % units[scale] * (BASE / units[scale]))};
    size_t count = 1; /* the lowest one first */
    for (; whole > 0; whole /= BASE)
        digits[count++] = (uint16_t)(whole % BASE);
    at = put32(at, (uint32_t)(8 + 2 * count));
    at = put16(at, (uint16_t)count);
    at = put16(at, (uint16_t)(count - 2));
    at = put16(at, minor < 0 ? NEGATIVE : 0);
    at = put16(at, (uint16_t)scale);
    while (count > 0)
        at = put16(at, digits[--count]);
    return at;
}
