/* SPDX-License-Identifier: Apache-2.0
 * A parsed JSON number as minor units. */
#ifndef TIDEMARK_RECORD_DECIMAL_H
#define TIDEMARK_RECORD_DECIMAL_H

#include "record/json_number.h"

/* As decimal_parse, for a number that is parsed already. */
bool decimal_from_number(const struct json_number *number, unsigned scale, int64_t *ret_minor);

/* Of a number that isn't a decimal at this scale: whether digits behind the point are too many, or it is too large. */
bool decimal_is_too_fine(const struct json_number *number, unsigned scale);

#endif
