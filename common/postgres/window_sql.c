/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/window_sql.h"

#include <inttypes.h>

#include "base/calendar.h"
#include "base/clock.h"

static bool is_of_days(const struct view *view)
{
    return window_is_of_days(&view->window);
}

/* Windows that are touched reach so far beyond the event times that touch them, and what is read to rebuild them. */
static int64_t margin_s(const struct view *view)
{
    return 2 * SECONDS_PER_DAY + (is_of_days(view) ? view->window.length_s : SECONDS_PER_DAY);
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
    return floor_divide(at_s + zone_offset(view->zone, at_s), SECONDS_PER_DAY);
}

/* Where the windows of the local days that are touched begin. A window is found by the date and not between two starts:
 * where a clock goes back over midnight, a moment after the new day's start belongs to the old day again. */
static void list_days(struct window_sql *window, struct time_range times)
{
    const struct view *view = window->view;
    window->first_day = local_day(view, times.from_s - margin_s(view));
    for (int64_t day = window->first_day; day <= local_day(view, times.to_s + margin_s(view)) + 1; day++)
        append_number(&window->days, window_start_of_day(&view->window, view->zone, day));
    end_list(&window->days);
}

static void add_piece(struct window_sql *window, int64_t from_s, int64_t offset_s, int64_t latest_s)
{
    append_number(&window->edges, from_s * US_PER_SECOND);
    append_number(&window->offsets, offset_s);
    append_number(&window->latest, latest_s);
}

/* Notes the window that holds this moment, where it isn't of days, and shorter or longer than others. Moments ascend.
 */
static void note_odd(struct window_sql *window, int64_t at_s, int64_t *last_s)
{
    const struct view *view = window->view;
    if (is_of_days(view))
        return;
    int64_t start_s = window_start(&view->window, view->zone, at_s);
    int64_t end_s = window_end(&view->window, view->zone, start_s);
    if (end_s - start_s == view->window.length_s || start_s == *last_s)
        return;
    append_number(&window->starts, start_s);
    append_number(&window->ends, end_s);
    *last_s = start_s;
    window->has_odd = true;
}

/* A window that isn't of days may go on over the span's beginning: until it ends, that is the piece's only one. */
static int64_t add_rest(struct window_sql *window, int64_t from_s, const struct zone_span *span)
{
    const struct view *view = window->view;
    int64_t length_s = view->window.length_s;
    if (is_of_days(view) || (from_s + span->offset_s) % length_s == 0)
        return from_s;
    int64_t start_s = window_start(&view->window, view->zone, from_s);
    int64_t end_s = window_end(&view->window, view->zone, start_s);
    add_piece(window, from_s, (length_s - start_s % length_s) % length_s, start_s);
    return end_s < span->to_s ? end_s : span->to_s;
}

static void list_spans(struct window_sql *window, struct time_range times)
{
    int64_t from_s = times.from_s - margin_s(window->view), last_s = INT64_MIN;
    while (from_s < times.to_s + margin_s(window->view)) {
        struct zone_span span = zone_span(window->view->zone, from_s);
        int64_t rest_s = add_rest(window, from_s, &span);
        if (rest_s < span.to_s)
            add_piece(window, rest_s, span.offset_s, INT64_MAX);
        note_odd(window, from_s - 1, &last_s);
        note_odd(window, from_s, &last_s);
        from_s = span.to_s;
    }
    end_list(&window->edges);
    end_list(&window->offsets);
    end_list(&window->latest);
    if (window->has_odd) {
        end_list(&window->starts);
        end_list(&window->ends);
    }
}

void window_sql_init(struct window_sql *window, const struct view *view, struct time_range times)
{
    *window = (struct window_sql){.view = view, .steady = true};
    if (window_is_of_moments(&view->window))
        return;
    struct zone_span span = zone_span(view->zone, times.from_s);
    bool is_plain = view->window.length_s <= SECONDS_PER_DAY;
    window->steady = is_plain && span.from_s < times.from_s - margin_s(view) && span.to_s > times.to_s + margin_s(view);
    window->offset_s = span.offset_s;
    if (window->steady)
        return;
    list_spans(window, times);
    if (is_of_days(view))
        list_days(window, times);
}

void window_sql_clean_up(struct window_sql *window)
{
    buffer_clean_up(&window->edges);
    buffer_clean_up(&window->offsets);
    buffer_clean_up(&window->latest);
    buffer_clean_up(&window->starts);
    buffer_clean_up(&window->ends);
    buffer_clean_up(&window->days);
}

/* Event times are after 1970 and so is local time: integer division rounds down. */
static void append_floor(const struct window_sql *window, const char *event_us, const char *offset, struct buffer *out)
{
    int64_t length_s = window->view->window.length_s;
    buffer_appendf(out, "((%s / 1000000 + %s) / %" PRId64 " * %" PRId64 " - %s)", event_us, offset, length_s, length_s,
                   offset);
}

/* What the array has for the piece in which `event_us` lies. */
static void append_of_piece(const struct window_sql *window, const struct buffer *array, const char *event_us,
                            struct buffer *out)
{
    buffer_appendf(out, "(%s)[width_bucket(%s, %s)]", buffer_string(array), event_us, buffer_string(&window->edges));
}

void window_sql_append_start(const struct window_sql *window, const char *event_us, struct buffer *out)
{
    struct buffer offset = {0};
    if (window_is_of_moments(&window->view->window)) {
        buffer_append_string(out, event_us);
        return;
    }
    if (window->steady)
        buffer_appendf(&offset, "(%" PRId64 ")", window->offset_s);
    else
        append_of_piece(window, &window->offsets, event_us, &offset);
    if (!window->steady && is_of_days(window->view)) {
        buffer_appendf(out, "(%s)[((%s / 1000000 + %s) / %" PRId64 " - %" PRId64 " + 1)::int]",
                       buffer_string(&window->days), event_us, buffer_string(&offset), SECONDS_PER_DAY,
                       window->first_day);
    } else if (window->has_odd) {
        buffer_append_string(out, "least(");
        append_floor(window, event_us, buffer_string(&offset), out);
        buffer_append_string(out, ", ");
        append_of_piece(window, &window->latest, event_us, out);
        buffer_append_char(out, ')');
    } else {
        append_floor(window, event_us, buffer_string(&offset), out);
    }
    out->failed = out->failed || offset.failed;
    buffer_clean_up(&offset);
}

void window_sql_append_end(const struct window_sql *window, const char *start, struct buffer *out)
{
    int64_t length_s = window->view->window.length_s;
    if (window_is_of_moments(&window->view->window))
        buffer_appendf(out, "(%s + 1)", start);
    else if (!window->steady && is_of_days(window->view))
        buffer_appendf(out, "(%s)[width_bucket(%s, %s) + 1]", buffer_string(&window->days), start,
                       buffer_string(&window->days));
    else if (window->has_odd)
        buffer_appendf(out, "coalesce((%s)[array_position(%s, %s)], %s + %" PRId64 ")", buffer_string(&window->ends),
                       buffer_string(&window->starts), start, start, length_s);
    else
        buffer_appendf(out, "(%s + %" PRId64 ")", start, length_s);
}

void window_sql_append_time(const struct view *view, const char *at, struct buffer *out)
{
    if (window_is_of_moments(&view->window))
        buffer_appendf(out, "timestamptz 'epoch' + %s * interval '1 microsecond'", at);
    else
        buffer_appendf(out, "to_timestamp(%s)", at);
}
