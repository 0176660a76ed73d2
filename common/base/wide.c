/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wide.h"

__extension__ typedef unsigned __int128 unsigned_wide;

const int64_t powers_of_ten[POWER_OF_TEN_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

#define WIDE_MAX ((unsigned_wide)-1 >> 1)

static unsigned_wide magnitude(wide value)
{
    return value < 0 ? 0 - (unsigned_wide)value : (unsigned_wide)value;
}

/* Takes it off. Dividing 128 bits is a call, which costs ten times what 64 bits do. */
static int last_digit(unsigned_wide *number)
{
    uint64_t narrow = (uint64_t)*number;
    int digit = *number > UINT64_MAX ? (int)(*number % 10) : (int)(narrow % 10);
    *number = *number > UINT64_MAX ? *number / 10 : narrow / 10;
    return digit;
}

void buffer_append_decimal(struct buffer *buffer, wide value, unsigned scale)
{
    char digits[64], *end = digits + sizeof digits, *at = end;
    unsigned_wide rest = magnitude(value);
    for (unsigned written = 0; rest || written <= scale; written++) {
        if (written == scale && scale)
            *--at = '.';
        *--at = (char)('0' + last_digit(&rest));
    }
    if (value < 0)
        *--at = '-';
    buffer_append(buffer, at, (size_t)(end - at));
}

wide wide_average(wide sum, int64_t count)
{
    unsigned_wide divisor = (unsigned_wide)count;
    unsigned_wide whole = magnitude(sum) / divisor, rest = magnitude(sum) % divisor;
    if (rest >= divisor - rest)
        whole++;
    return sum < 0 ? -(wide)whole : (wide)whole;
}

bool wide_parse(struct text text, wide *ret_value)
{
    bool negative = text.length && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == text.length)
        return false;
    uint64_t small = 0; /* of the digits that can't overflow it: divisions of wide numbers take long */
    for (size_t end = at + 18; at < text.length && at < end; at++) {
        unsigned digit = (unsigned)(text.data[at] - '0');
        if (digit > 9)
            return false;
        small = small * 10 + digit;
    }
    unsigned_wide value = small, most = WIDE_MAX + (negative ? 1 : 0);
    for (; at < text.length; at++) {
        unsigned digit = (unsigned)(text.data[at] - '0');
        if (digit > 9 || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = negative ? (wide)(0 - value) : (wide)value;
    return true;
}

bool integer_parse(struct text text, int64_t *ret_value)
{
    wide value;
    if (!wide_parse(text, &value) || value < INT64_MIN || value > INT64_MAX)
        return false;
    *ret_value = (int64_t)value;
    return true;
}
