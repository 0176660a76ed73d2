/* SPDX-License-Identifier: Apache-2.0 */
#include "view/window.h"

#include "base/calendar.h"
#include "base/clock.h"

/* So long after a change of the clock, no local time can be one that the clock had shown before the change. */
#define SETTLED_S (4 * SECONDS_PER_DAY)

/* How far `local_s` is into a length that divides a day; also before 1970. */
static int64_t remainder_of(int64_t local_s, int64_t length_s)
{
    int64_t remainder = local_s % length_s;
    return remainder < 0 ? remainder + length_s : remainder;
}

bool window_is_of_moments(const struct window *window)
{
    return window->gap_s > 0;
}

bool window_is_of_days(const struct window *window)
{
    return window->length_s >= SECONDS_PER_DAY;
}

bool window_equal(const struct window *a, const struct window *b)
{
    return a->length_s == b->length_s && a->hop_days == b->hop_days && a->gap_s == b->gap_s;
}

/* Rounded down, also before 1970. */
static int64_t day_of(int64_t local_s)
{
    return (local_s - remainder_of(local_s, SECONDS_PER_DAY)) / SECONDS_PER_DAY;
}

/* The first day of the window that this day is in. 1970-01-01 was a Thursday. */
static int64_t first_day(const struct window *window, int64_t day)
{
    if (window->length_s == SECONDS_PER_DAY) {
        return day;
    }
    if (window->hop_days) {
        return day - remainder_of(day, window->hop_days);
    }
    if (window->length_s == WINDOW_WEEK_S) {
        return day - remainder_of(day + 3, 7);
    }
    int year, month, of_month;
    civil_from_days(day, &year, &month, &of_month);
    return days_from_civil(year, window->length_s == WINDOW_YEAR_S ? 1 : month, 1);
}

/* The first day of the window after the one that begins with this day. */
static int64_t next_first_day(const struct window *window, int64_t first)
{
    bool is_fixed = window->hop_days || window->length_s <= WINDOW_WEEK_S;
    return is_fixed ? first + window->length_s / SECONDS_PER_DAY
                    : first_day(window, first + window->length_s / SECONDS_PER_DAY);
}

int64_t window_start_of_day(const struct window *window, const struct zone *zone, int64_t local_day)
{
    return zone_instant(zone, first_day(window, local_day) * SECONDS_PER_DAY);
}

static int64_t days_start(const struct window *window, const struct zone *zone, int64_t at_s)
{
    struct zone_span span = zone_span(zone, at_s);
    int64_t first_s = first_day(window, day_of(at_s + span.offset_s)) * SECONDS_PER_DAY;
    int64_t start_s = first_s - span.offset_s;
    return start_s - SETTLED_S > span.from_s ? start_s : zone_instant(zone, first_s);
}

static int64_t days_end(const struct window *window, const struct zone *zone, int64_t start_s)
{
    int64_t day = day_of(start_s + zone_offset(zone, start_s));
    return zone_instant(zone, next_first_day(window, first_day(window, day)) * SECONDS_PER_DAY);
}

/* While one offset holds, the moments of a window's local days are one piece, and all of them are its own. */
static struct window_cursor days_cursor(const struct window *window, const struct zone *zone, int64_t at_s)
{
    struct zone_span span = zone_span(zone, at_s);
    int64_t first = first_day(window, day_of(at_s + span.offset_s));
    int64_t from_s = first * SECONDS_PER_DAY - span.offset_s;
    int64_t to_s = next_first_day(window, first) * SECONDS_PER_DAY - span.offset_s;
    return (struct window_cursor){.from_s = from_s > span.from_s ? from_s : span.from_s,
                                  .to_s = to_s < span.to_s ? to_s : span.to_s,
                                  .start_s = days_start(window, zone, at_s)};
}

/* Whether a window that isn't a day ends where the clock changes from one offset to another: it goes on where the clock
 * shows the same hour (or minutes) before and after, and doesn't show its beginning once more. */
static bool ends_at_change(int64_t length_s, int64_t at_s, int32_t before_s, int32_t after_s)
{
    int64_t last_s = at_s - 1 + before_s, next_s = at_s + after_s, into_s = remainder_of(next_s, length_s);
    return into_s == 0 || next_s - into_s != last_s - remainder_of(last_s, length_s);
}

int64_t window_start(const struct window *window, const struct zone *zone, int64_t at_s)
{
    if (window_is_of_days(window)) {
        return days_start(window, zone, at_s);
    }
    for (;;) {
        struct zone_span span = zone_span(zone, at_s);
        int64_t start_s = at_s - remainder_of(at_s + span.offset_s, window->length_s);
        if (start_s >= span.from_s) {
            return start_s;
        }
        at_s = span.from_s - 1;
        if (ends_at_change(window->length_s, span.from_s, zone_offset(zone, at_s), span.offset_s)) {
            return span.from_s;
        }
    }
}

int64_t window_end(const struct window *window, const struct zone *zone, int64_t start_s)
{
    if (window_is_of_days(window)) {
        return days_end(window, zone, start_s);
    }
    for (int64_t at_s = start_s;;) {
        struct zone_span span = zone_span(zone, at_s);
        int64_t end_s = at_s + window->length_s - remainder_of(at_s + span.offset_s, window->length_s);
        if (end_s < span.to_s) {
            return end_s;
        }
        at_s = span.to_s;
        if (ends_at_change(window->length_s, at_s, span.offset_s, zone_offset(zone, at_s))) {
            return at_s;
        }
    }
}

/* Only a window in which the clock doesn't change is remembered: in another one not all moments from its start to its
 * end need be its own. */
static struct window_cursor steady_cursor(const struct window *window, const struct zone *zone, int64_t at_s,
                                          int64_t start_s)
{
    int64_t end_s = start_s + window->length_s;
    struct zone_span span = zone_span(zone, at_s);
    bool steady = span.from_s < start_s && end_s <= span.to_s;
    return steady ? (struct window_cursor){start_s, end_s, start_s} : (struct window_cursor){0};
}

int64_t window_start_near(const struct window *window, const struct zone *zone, struct window_cursor *cursor,
                          int64_t at_s)
{
    if (at_s >= cursor->from_s && at_s < cursor->to_s) {
        return cursor->start_s;
    }
    if (window_is_of_days(window)) {
        *cursor = days_cursor(window, zone, at_s);
        return cursor->start_s;
    }
    int64_t start_s = window_start(window, zone, at_s);
    *cursor = steady_cursor(window, zone, at_s, start_s);
    return start_s;
}

/* --- of all windows, in microseconds --- */

int64_t window_start_us(const struct window *window, const struct zone *zone, int64_t at_us)
{
    if (window_is_of_moments(window))
        return at_us;
    return window_start(window, zone, floor_divide(at_us, US_PER_SECOND)) * US_PER_SECOND;
}

int64_t window_end_us(const struct window *window, const struct zone *zone, int64_t start_us)
{
    if (window_is_of_moments(window))
        return start_us + 1;
    return window_end(window, zone, floor_divide(start_us, US_PER_SECOND)) * US_PER_SECOND;
}

int64_t window_start_near_us(const struct window *window, const struct zone *zone, struct window_cursor *cursor,
                             int64_t at_us)
{
    if (window_is_of_moments(window))
        return at_us;
    return window_start_near(window, zone, cursor, floor_divide(at_us, US_PER_SECOND)) * US_PER_SECOND;
}
