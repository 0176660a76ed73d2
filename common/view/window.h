/* SPDX-License-Identifier: Apache-2.0
 * Windows: which half-open range of time a moment belongs to.
 *
 * A day begins at its first instant in the time zone, once, also where midnight comes twice or not at all. Hours and
 * minutes are cut from local time: a window of 15 minutes begins at local minutes 0, 15, 30, 45, and holds the moments
 * of one such quarter, one after the other. Where the clock changes, it is two windows where it comes twice whole, and
 * a longer or shorter one where part of it comes again or is left out; it ends where the next begins. A week (from
 * Monday), a month and a year are whole days: each begins where its first day does, and where the calendar left that
 * day out, with the one after it; so do hops of several days. A window is named by its start, in seconds since 1970 in
 * UTC.
 *
 * A session isn't cut from time: it is what lies at most a gap apart. What is stored of it are its moments, each of one
 * microsecond, so that starts of windows in general are in microseconds. */
#ifndef TIDEMARK_VIEW_WINDOW_H
#define TIDEMARK_VIEW_WINDOW_H

#include "base/error.h"
#include "base/zone.h"

#define WINDOW_WEEK_S INT64_C(604800)
#define WINDOW_MONTH_S INT64_C(2678400) /* 31 days: no month is longer */
#define WINDOW_YEAR_S INT64_C(31622400) /* 366 days */

#define HOPS_MAX 1440                   /* panes of a hopping window */
#define HOPPING_DAYS_MAX INT64_C(36500) /* days of one that hops by days */

struct window {
    int64_t length_s; /* 86400 is a calendar day, WINDOW_* what they say; else a divisor of a day: 60 × n */
    int64_t hop_days; /* so many whole days, counted from 1970-01-01, and length_s is as long; else 0 */
    int64_t gap_s;    /* of sessions, else 0: the panes are moments, and there is no length */
};

/* "tumbling 1 day", "tumbling_1_minute", "tumbling 15 minutes", "tumbling 1 month". ERROR_CONFIGURATION says what is
 * allowed: 1 day, week, month or year, or hours or minutes that divide a day; and where words are misspelt, the window
 * that was probably meant. */
bool window_parse(struct text text, struct window *ret_window, struct error *error) MUST_CHECK;
/* A window that is asked for: any of these, with or without "tumbling", or "hopping 1 hour every 5 minutes" (also
 * "sliding"), of which *ret_window is the hop and *ret_panes how many of them, one after the other, are a row; else 1.
 */
bool window_parse_asked(struct text text, struct window *ret_window, int64_t *ret_panes,
                        struct error *error) MUST_CHECK;
/* "session 30 minutes", whose gap is seconds or minutes, at most a day. */
bool window_parse_session(struct text text, struct window *ret_window, struct error *error) MUST_CHECK;
void window_print(const struct window *window, struct buffer *out); /* "tumbling 15 minutes"; of sessions "moment" */
/* Of so many windows, one after the other: "hopping 1 hour every 5 minutes"; of up to 1 as window_print, and of moments
 * the sessions that they make. */
void window_print_asked(const struct window *window, int64_t panes, struct buffer *out);
/* Whether windows that hop by this one are as long as they say: a hop of 1 hour isn't one where clocks are changed by
 * part of an hour. ERROR_CONFIGURATION says so, and what is. `text` is the window as it was written. */
bool window_check_hop(struct text text, const struct window *window, const struct zone *zone,
                      struct error *error) MUST_CHECK;

/* Not of moments. */
int64_t window_start(const struct window *window, const struct zone *zone, int64_t at_s);
int64_t window_end(const struct window *window, const struct zone *zone, int64_t start_s);

/* The same of all windows, in microseconds: those of moments are one long. */
int64_t window_start_us(const struct window *window, const struct zone *zone, int64_t at_us);
int64_t window_end_us(const struct window *window, const struct zone *zone, int64_t start_us);

/* Whether the panes are moments, of which sessions are made. */
bool window_is_of_moments(const struct window *window);
/* Whether the windows are whole days: one, several, or a week, a month or a year. */
bool window_is_of_days(const struct window *window);
bool window_equal(const struct window *a, const struct window *b);
/* Of windows of days: the start of the one that a local day is in, whatever moments that day has. Days are counted from
 * 1970-01-01. */
int64_t window_start_of_day(const struct window *window, const struct zone *zone, int64_t local_day);

/* Remembers the last window, for streams in which the next moment mostly falls into the same one. */
struct window_cursor {
    int64_t from_s, to_s; /* moments between these are in the window; all zero is empty */
    int64_t start_s;
};
int64_t window_start_near(const struct window *window, const struct zone *zone, struct window_cursor *cursor,
                          int64_t at_s);
/* The same of all windows, in microseconds. */
int64_t window_start_near_us(const struct window *window, const struct zone *zone, struct window_cursor *cursor,
                             int64_t at_us);

#endif
