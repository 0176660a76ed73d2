/* SPDX-License-Identifier: Apache-2.0
 * Sums of 64-bit amounts, which no number of messages overflows. */
#ifndef TIDEMARK_BASE_WIDE_H
#define TIDEMARK_BASE_WIDE_H

#include <stdint.h>

#include "base/buffer.h"

__extension__ typedef __int128 wide;

/* 10 to the power of the index, as far as 64 bits hold it. */
#define POWER_OF_TEN_MAX 18
extern const int64_t powers_of_ten[POWER_OF_TEN_MAX + 1];

/* `value` minor units as decimal text with exactly `scale` digits after the point: 5885834 at scale 2 is 58858.34. */
void buffer_append_decimal(struct buffer *buffer, wide value, unsigned scale);

/* Negative, 0 or positive, as a lies before, at or behind b. */
static inline int wide_compare(wide a, wide b)
{
    return (a > b) - (a < b);
}

/* sum / count, rounded half away from zero; count must be positive. */
wide wide_average(wide sum, int64_t count);

/* Strict decimal text ("-12", no plus sign, no blanks) to a number; false where it is anything else or overflows. */
bool wide_parse(struct text text, wide *ret_value);
bool integer_parse(struct text text, int64_t *ret_value);

#endif
