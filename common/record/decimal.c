/* SPDX-License-Identifier: Apache-2.0 */
#include "record/decimal.h"

#include <assert.h>

#include "base/wide.h"
#include "record/record.h"

static_assert(DECIMAL_DIGITS + DECIMAL_SCALE_MAX <= POWER_OF_TEN_MAX + 1,
              "every power that a decimal's last digit can be scaled by");

/* Digit i of the whole and the fraction in a row. */
static int digit_at(const struct json_number *number, size_t i)
{
    return (i < number->whole.length ? number->whole.data[i] : number->fraction.data[i - number->whole.length]) - '0';
}

static int64_t append_digits(int64_t value, struct text digits)
{
    for (size_t i = 0; i < digits.length; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    return value;
}

/* Any number: only what stands between its first and its last digit other than 0 counts, moved by the exponent. */
static bool scale_significant_digits(const struct json_number *number, unsigned scale, int64_t *ret_magnitude)
{
    size_t first = 0, end = number->whole.length + number->fraction.length;
    int64_t power = number->exponent - (int64_t)number->fraction.length;
    while (end > 0 && digit_at(number, end - 1) == 0) {
        end--;
        power++;
    }
    if (end == 0) {
        *ret_magnitude = 0;
        return true;
    }
    while (digit_at(number, first) == 0) {
        first++;
    }
    if (power < -(int64_t)scale || power + (int64_t)(end - first) > DECIMAL_DIGITS) {
        return false;
    }
    int64_t magnitude = 0;
    for (size_t i = first; i < end; i++) {
        magnitude = magnitude * 10 + digit_at(number, i);
    }
    *ret_magnitude = magnitude * powers_of_ten[power + (int64_t)scale];
    return true;
}

bool decimal_from_number(const struct json_number *number, unsigned scale, int64_t *ret_minor)
{
    assert(scale <= DECIMAL_SCALE_MAX);
    int64_t magnitude;
    if (!number->has_exponent && number->whole.length <= DECIMAL_DIGITS && number->fraction.length <= scale) {
        magnitude = append_digits(append_digits(0, number->whole), number->fraction);
        magnitude *= powers_of_ten[scale - number->fraction.length];
    } else if (!scale_significant_digits(number, scale, &magnitude)) {
        return false;
    }
    *ret_minor = number->negative ? -magnitude : magnitude;
    return true;
}

bool decimal_is_too_fine(const struct json_number *number, unsigned scale)
{
    size_t end = number->whole.length + number->fraction.length;
    int64_t power = number->exponent - (int64_t)number->fraction.length;
    while (end > 0 && digit_at(number, end - 1) == 0) {
        end--;
        power++;
    }
    return end > 0 && power < -(int64_t)scale;
}

bool decimal_parse(struct text digits, unsigned scale, int64_t *ret_minor)
{
    struct json_number number;
    return json_number_parse(digits, &number) && decimal_from_number(&number, scale, ret_minor);
}
