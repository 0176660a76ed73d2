/* SPDX-License-Identifier: Apache-2.0
 * The windows of a view as SQL. The calendar stays the view library's: where days begin, and which offset held when,
 * are given to PostgreSQL as arrays, so that both agree wherever a clock changes. */
#ifndef TIDEMARK_POSTGRES_WINDOW_SQL_H
#define TIDEMARK_POSTGRES_WINDOW_SQL_H

#include "view/view.h"

/* Half-open, seconds since 1970 in UTC. */
struct time_range {
    int64_t from_s, to_s;
};

struct window_sql {
    const struct view *view;
    bool steady;         /* one offset holds throughout, and no window is longer than a day */
    int64_t offset_s;    /* then this one */
    struct buffer edges; /* else literals: starts of the pieces in which an offset holds, in microseconds */
    struct buffer
        offsets; /* of these pieces: the zone's, or where a window goes on over a change, what cuts at its start */
    struct buffer latest; /* the latest window of each piece */
    bool has_odd;         /* of windows that aren't of days, some are shorter or longer */
    struct buffer starts; /* of these */
    struct buffer ends;
    int64_t first_day;  /* of windows of days: the local day, in days since 1970, with which the next begins */
    struct buffer days; /* where the window of each local day begins, in seconds */
};

/* For event times from `times.from_s` until `times.to_s`, and all others in the windows of these. */
void window_sql_init(struct window_sql *window, const struct view *view, struct time_range times);
void window_sql_clean_up(struct window_sql *window);

/* Starts and ends are in seconds, or where panes are moments, in microseconds. */

/* The start of the window to which `event_us` (an SQL expression in microseconds) belongs. */
void window_sql_append_start(const struct window_sql *window, const char *event_us, struct buffer *out);
/* The end of the window that starts at `start`, an SQL expression. */
void window_sql_append_end(const struct window_sql *window, const char *start, struct buffer *out);
/* A start or end, an SQL expression, as timestamptz. */
void window_sql_append_time(const struct view *view, const char *at, struct buffer *out);

#endif
