/* SPDX-License-Identifier: Apache-2.0 */
#include "window_sql.h"

#include <inttypes.h>

#include "base/clock.h"

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

/* The starts of all days that are touched, and the end of the last. */
static void list_days(struct window_sql *window, struct time_range times)
{
    const struct view *view = window->view;
    int64_t start_s = window_start(&view->window, view->zone, times.from_s);
    append_number(&window->edges, start_s);
    while (start_s < times.to_s) {
        start_s = window_end(&view->window, view->zone, start_s);
        append_number(&window->edges, start_s);
    }
    end_list(&window->edges);
}

/* Also of what is around these times in their windows: it is computed again with them. */
static void list_spans(struct window_sql *window, struct time_range times)
{
    int64_t from_s = times.from_s - SECONDS_PER_DAY;
    while (from_s < times.to_s + SECONDS_PER_DAY) {
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
    /* A day further on each side, so that no window at an edge reaches over a change of the clock. */
    struct zone_span span = zone_span(view->zone, times.from_s);
    window->steady = span.from_s < times.from_s - 2 * SECONDS_PER_DAY && span.to_s > times.to_s + 2 * SECONDS_PER_DAY;
    window->offset_s = span.offset_s;
    if (window->steady)
        return;
    if (is_day(view))
        list_days(window, times);
    else
        list_spans(window, times);
}

void window_sql_clean_up(struct window_sql *window)
{
    buffer_clean_up(&window->edges);
    buffer_clean_up(&window->offsets);
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
    if (window->steady) {
        buffer_appendf(&offset, "(%" PRId64 ")", window->offset_s);
        append_floor(window, event_us, buffer_string(&offset), out);
    } else if (is_day(window->view)) {
        buffer_appendf(out, "(%s)[width_bucket(%s / 1000000, %s)]", buffer_string(&window->edges), event_us,
                       buffer_string(&window->edges));
    } else {
        buffer_appendf(&offset, "(%s)[width_bucket(%s, %s)]", buffer_string(&window->offsets), event_us,
                       buffer_string(&window->edges));
        append_floor(window, event_us, buffer_string(&offset), out);
    }
    out->failed = out->failed || offset.failed;
    buffer_clean_up(&offset);
}

void window_sql_append_end(const struct window_sql *window, const char *start_s, struct buffer *out)
{
    if (window->steady || !is_day(window->view))
        buffer_appendf(out, "(%s + %" PRId64 ")", start_s, window->view->window.length_s);
    else
        buffer_appendf(out, "(%s)[width_bucket(%s, %s) + 1]", buffer_string(&window->edges), start_s,
                       buffer_string(&window->edges));
}
