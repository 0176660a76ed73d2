/* SPDX-License-Identifier: Apache-2.0
 * A transaction's declared fields in one run of bytes, from which an alert can be made later. */
#ifndef TIDEMARK_DETECT_PACKED_FIELDS_H
#define TIDEMARK_DETECT_PACKED_FIELDS_H

#include "record/record.h"

size_t packed_fields_size(const struct schema *schema, const struct value values[]);
/* `bytes` is aligned for int64_t and has that size. */
void packed_fields_write(const struct schema *schema, const struct value values[], void *bytes);
/* Texts point into the bytes. */
void packed_fields_read(const struct schema *schema, const void *bytes, struct value ret_values[]);

#endif
