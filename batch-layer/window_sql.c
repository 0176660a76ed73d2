/* SPDX-License-Identifier: Apache-2.0 */
#include "window_sql.h"

#include <inttypes.h>

#include "base/clock.h"

/* Windows that are touched reach so far beyond the event times that touch them, and what is read to rebuild them. */
#define MARGIN_S (3 * SECONDS_PER_DAY)

static bool is_day(const struct view *view)
{
    return view->window.length_s == SECONDS_PER_DAY;
}

static void append_number(struct buffer *list, int64_t number)
{
    buffer_append_string(list, list->length ? "," : "'{");
    buffer_append_integer(list, number);
}

static void end_list(struct buffer *list)
{
    buffer_append_string(list, "}'::bigint[]");
}

static int64_t local_day(const struct view *view, int64_t at_s)
{
    return (at_s + zone_offset(view->zone, at_s)) / SECONDS_PER_DAY; /* event times are long after 1970 */
}

/* Where the local days that are touched begin. A day is found by its date and not between two
 * starts: where a clock goes back over midnight, a moment after the new day's start belongs to the old day again. */
static void list_days(struct window_sql *window, struct time_range times)
{
    const struct view *view = window->view;
    window->first_day = local_day(view, times.from_s - MARGIN_S);
    for (int64_t day = window->first_day; day <= local_day(view, times.to_s + MARGIN_S) + 1; day++)
        append_number(&window->days, zone_instant(view->zone, day * SECONDS_PER_DAY));
    end_list(&window->days);
}

static void list_spans(struct window_sql *window, struct time_range times)
{
    int64_t from_s = times.from_s - MARGIN_S;
    while (from_s < times.to_s + MARGIN_S) {
        struct zone_span span = zone_span(window->view->zone, from_s);
        append_number(&window->edges, from_s * US_PER_SECOND);
        append_number(&window->offsets, span.offset_s);
        from_s = span.to_s;
    }
    end_list(&window->edges);
    end_list(&window->offsets);
}

void window_sql_init(struct window_sql *window, const struct view *view, struct time_range times)
{
    *window = (struct window_sql){.view = view};
    struct zone_span span = zone_span(view->zone, times.from_s);
    window->steady = span.from_s < times.from_s - MARGIN_S && span.to_s > times.to_s + MARGIN_S;
    window->offset_s = span.offset_s;
    if (window->steady)
        return;
    list_spans(window, times);
    if (is_day(view))
        list_days(window, times);
}

void window_sql_clean_up(struct window_sql *window)
{
    buffer_clean_up(&window->edges);
    buffer_clean_up(&window->offsets);
    buffer_clean_up(&window->days);
}

/* Event times are after 1970 and so is local time: integer division rounds down. */
static void append_floor(const struct window_sql *window, const char *event_us, const char *offset, struct buffer *out)
{
    int64_t length_s = window->view->window.length_s;
    buffer_appendf(out, "((%s / 1000000 + %s) / %" PRId64 " * %" PRId64 " - %s)", event_us, offset, length_s, length_s,
                   offset);
}

void window_sql_append_start(const struct window_sql *window, const char *event_us, struct buffer *out)
{
    struct buffer offset = {0};
    if (window->steady)
        buffer_appendf(&offset, "(%" PRId64 ")", window->offset_s);
    else
        buffer_appendf(&offset, "(%s)[width_bucket(%s, %s)]", buffer_string(&window->offsets), event_us,
                       buffer_string(&window->edges));
    if (window->steady || !is_day(window->view))
        append_floor(window, event_us, buffer_string(&offset), out);
    else
        buffer_appendf(out, "(%s)[((%s / 1000000 + %s) / %" PRId64 " - %" PRId64 " + 1)::int]",
                       buffer_string(&window->days), event_us, buffer_string(&offset), SECONDS_PER_DAY,
                       window->first_day);
    out->failed = out->failed || offset.failed;
    buffer_clean_up(&offset);
}

void window_sql_append_end(const struct window_sql *window, const char *start_s, struct buffer *out)
{
    if (window->steady || !is_day(window->view))
        buffer_appendf(out, "(%s + %" PRId64 ")", start_s, window->view->window.length_s);
    else
        buffer_appendf(out, "(%s)[width_bucket(%s, %s) + 1]", buffer_string(&window->days), start_s,
                       buffer_string(&window->days));
}
