/* SPDX-License-Identifier: Apache-2.0
 * The instants that an event time may be, and times and dates that are none: those that somebody asks for. */
#ifndef TIDEMARK_RECORD_EVENT_TIME_H
#define TIDEMARK_RECORD_EVENT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"

/* The date that was read last: event times that follow each other mostly have the same. All zero is none. */
#define DATE_BYTES 10 /* "2026-01-31" */
struct date_cursor {
    char text[DATE_BYTES];
    int64_t days;
};

/* As event_time_parse. */
bool event_time_parse_near(struct text text, struct date_cursor *cursor, int64_t *ret_us);

/* A number of seconds, milliseconds or microseconds since 1970 to µs; false outside 2000 until 2100. */
bool event_time_from_number(int64_t number, enum time_unit unit, int64_t *ret_us);

/* A time as event_time_parse takes it, but for its year. */
bool event_time_is_outside(struct text text);

/* Any RFC 3339 time with its offset (a `T`, `t` or blank between; as many decimals as there are; years 0000 to 9999) as
 * the first whole microsecond since 1970 at or after it. A leap second, which is at the end of a month in UTC or
 * nowhere, is the second after it. */
bool rfc3339_parse(struct text text, int64_t *ret_us);

/* A date of RFC 3339, "2026-01-31", years 0000 to 9999, as days since 1970. */
bool rfc3339_date_parse(struct text text, int64_t *ret_days);

#endif
