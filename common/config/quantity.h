/* SPDX-License-Identifier: Apache-2.0
 * Numbers with a unit, as people write them: "48 hours", "50 ms", "1 GiB". */
#ifndef TIDEMARK_CONFIG_QUANTITY_H
#define TIDEMARK_CONFIG_QUANTITY_H

#include <stdint.h>

#include "base/buffer.h"

struct unit {
    const char *singular, *plural;
    int64_t factor; /* of the smallest thing counted */
};

extern const struct unit duration_units[]; /* in microseconds, ascending, ended by a row without a name */
extern const struct unit size_units[];     /* in bytes */

/* A whole number, blanks or none, and a unit. False with *ret_reason, a static text, where it is anything else. */
bool quantity_parse(struct text text, const struct unit units[], int64_t *ret_value, const char **ret_reason);

/* The unit that was probably meant by the word behind the number, or NULL
 * where it is one or none is near. */
const char *quantity_meant_unit(struct text text, const struct unit units[]);

/* In the largest unit that divides it: 90 seconds, 1 hour. */
void buffer_append_quantity(struct buffer *out, int64_t value, const struct unit units[]);

#endif
