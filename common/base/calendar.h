/* SPDX-License-Identifier: Apache-2.0
 * Days and dates of the proleptic Gregorian calendar, without any time zone.
 * (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".) */
#ifndef TIDEMARK_BASE_CALENDAR_H
#define TIDEMARK_BASE_CALENDAR_H

#include "base/buffer.h"

/* The date of a day number (days since 1970-01-01), and back. */
void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day);
int64_t days_from_civil(int year, int month, int day);

/* "2025-03-15T09:05:00" of a day and a second of it, from the year 0 to 9999. */
void buffer_append_date_time(struct buffer *buffer, int64_t days, int second);

/* Rounded towards minus infinity: the day of a second, also before 1970. The divisor is positive. */
int64_t floor_divide(int64_t number, int64_t divisor);

#endif
