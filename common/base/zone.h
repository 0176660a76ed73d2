/* SPDX-License-Identifier: Apache-2.0
 * Local time in any IANA time zone, many zones at once, without the C library's global TZ.
 * Zones are read from TZif files (RFC 8536), with the POSIX rule in the footer for times after the last transition. */
#ifndef TIDEMARK_BASE_ZONE_H
#define TIDEMARK_BASE_ZONE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct zone;

/* Opens "Europe/London"; the folder is $TZDIR or /usr/share/zoneinfo. Names are checked: no "..", no leading slash.
 * ERROR_CONFIGURATION where there is no such zone, with the one that was probably meant. The zone is immutable, so any
 * thread may use it. */
bool zone_open(const char *name, struct zone **ret_zone, struct error *error) MUST_CHECK;
void zone_close(struct zone *zone);
const char *zone_name(const struct zone *zone);

/* Seconds east of UTC at `at_s` (seconds since 1970 in UTC). */
int32_t zone_offset(const struct zone *zone, int64_t at_s);

/* The offset, and the half-open range of instants [from, to) around `at_s` in which it holds. */
struct zone_span {
    int64_t from_s, to_s;
    int32_t offset_s;
};
struct zone_span zone_span(const struct zone *zone, int64_t at_s);

/* The first instant at or after which the local clock shows this local time (seconds since 1970 as if local time were
 * UTC) for the first time: of two the earlier; where the clock jumps over it, the instant of the jump. */
int64_t zone_instant(const struct zone *zone, int64_t local_s);

/* `at_us` (microseconds since 1970) in this zone as RFC 3339 with its offset: 2026-01-01T00:00:00+00:00, or with a
 * fraction of up to six digits, as many as it needs. UTC too is written +00:00. */
void buffer_append_local_time(struct buffer *buffer, const struct zone *zone, int64_t at_us);

#endif
