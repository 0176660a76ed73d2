/* SPDX-License-Identifier: Apache-2.0
 * The parts of a JSON number (RFC 8259, section 6), so that no digit is lost to a binary fraction. */
#ifndef TIDEMARK_RECORD_JSON_NUMBER_H
#define TIDEMARK_RECORD_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct json_number {
    bool negative;
    bool has_exponent;
    struct text whole;    /* digits before the point */
    struct text fraction; /* digits behind it; empty where there is no point */
    int64_t exponent;     /* no further from 0 than 2^40, which is beyond any text's length */
};

/* False where `text` isn't exactly one JSON number. The parts point into it. */
bool json_number_parse(struct text text, struct json_number *ret_number);

/* The value of a number without fraction and exponent that 64 bits hold; else false. */
bool json_number_to_integer(const struct json_number *number, int64_t *ret_integer);

#endif
