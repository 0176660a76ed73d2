/* SPDX-License-Identifier: Apache-2.0
 * Moments in UTC as people and stores read them. */
#ifndef TIDEMARK_BASE_TIMESTAMP_H
#define TIDEMARK_BASE_TIMESTAMP_H

#include <stdint.h>

#include "base/buffer.h"

/* `at_us`, microseconds since 1970, as RFC 3339 with milliseconds: 2026-01-01T00:00:00.000Z */
void buffer_append_timestamp(struct buffer *buffer, int64_t at_us);

#endif
