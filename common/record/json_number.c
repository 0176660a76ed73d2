/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_number.h"

#define EXPONENT_LIMIT ((int64_t)1 << 40)

static struct text take_digits(const char **at, const char *end)
{
    const char *first = *at;
    while (*at < end && **at >= '0' && **at <= '9') {
        ++*at;
    }
    return (struct text){first, (size_t)(*at - first)};
}

static bool parse_exponent(const char **at, const char *end, int64_t *ret_exponent)
{
    ++*at;
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+')) {
        ++*at;
    }
    struct text digits = take_digits(at, end);
    int64_t exponent = 0;
    for (size_t i = 0; i < digits.length; i++) {
        exponent = exponent * 10 + (digits.data[i] - '0');
        if (exponent > EXPONENT_LIMIT) {
            exponent = EXPONENT_LIMIT;
        }
    }
    *ret_exponent = negative ? -exponent : exponent;
    return digits.length > 0;
}

bool json_number_parse(struct text text, struct json_number *ret_number)
{
    const char *at = text.data, *end = text.data + text.length;
    struct json_number number = {.negative = at < end && *at == '-'};
    at += number.negative;
    number.whole = take_digits(&at, end);
    if (number.whole.length == 0 || (number.whole.length > 1 && number.whole.data[0] == '0')) {
        return false;
    }
    if (at < end && *at == '.') {
        at++;
        number.fraction = take_digits(&at, end);
        if (number.fraction.length == 0) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        number.has_exponent = true;
        if (!parse_exponent(&at, end, &number.exponent)) {
            return false;
        }
    }
    if (at != end) {
        return false;
    }
    *ret_number = number;
    return true;
}

bool json_number_to_integer(const struct json_number *number, int64_t *ret_integer)
{
    if (number->fraction.length > 0 || number->has_exponent) {
        return false;
    }
    int64_t integer = 0;
    for (size_t i = 0; i < number->whole.length; i++) {
        int digit = number->whole.data[i] - '0';
        /* Counted downwards, because the lowest integer has no positive counterpart. */
        if (__builtin_mul_overflow(integer, 10, &integer) || __builtin_sub_overflow(integer, digit, &integer)) {
            return false;
        }
    }
    if (!number->negative && integer == INT64_MIN) {
        return false;
    }
    *ret_integer = number->negative ? integer : -integer;
    return true;
}
