/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/live_versions.h"

#include <stdio.h>

#include "base/clock.h"
#include "postgres/view_table.h"

void append_current_table(struct buffer *sql, const struct source *source)
{
    char table[64 + NAME_MAX_BYTES];
    snprintf(table, sizeof table, "current_%s", source->name);
    buffer_append_string(sql, "tidemark.");
    buffer_append_identifier(sql, table);
}

bool versions_find_times(PGconn *connection, const char *origin, struct time_range *ret_times, bool *ret_any,
                         struct error *error)
{
    RESULT *result = NULL;
    struct buffer sql = {0};
    buffer_appendf(&sql, "select min(o.tm_event_us), max(o.tm_event_us) from %s", origin);
    bool done = !sql.failed ? connection_query(connection, buffer_string(&sql), 0, NULL, &result, error)
                            : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    if (!done)
        return false;
    *ret_any = !PQgetisnull(result, 0, 0);
    *ret_times = (struct time_range){result_integer(result, 0, 0) / US_PER_SECOND,
                                     result_integer(result, 0, 1) / US_PER_SECOND + 1};
    return true;
}

void touched_clean_up(struct touched *touched)
{
    buffer_clean_up(&touched->windows);
    buffer_clean_up(&touched->from_us);
    buffer_clean_up(&touched->to_us);
}

static void append_item(struct buffer *list, int64_t number)
{
    buffer_append_string(list, list->length ? "," : "'{");
    buffer_append_integer(list, number);
}

/* Around a change of the clock moments of a window can lie outside its start and end; a day further they can't. */
static int64_t margin_us(const struct view *view, int64_t start_us, int64_t end_us)
{
    if (window_is_of_moments(&view->window))
        return 0;
    int64_t start_s = start_us / US_PER_SECOND, end_s = end_us / US_PER_SECOND;
    struct zone_span span = zone_span(view->zone, start_s);
    bool changes = span.from_s > start_s - SECONDS_PER_DAY || span.to_s < end_s + SECONDS_PER_DAY;
    return changes ? SECONDS_PER_DAY * US_PER_SECOND : 0;
}

static void list_touched(struct touched *touched, const struct view *view, const PGresult *starts)
{
    int64_t open_until = INT64_MIN;
    for (int row = 0; row < PQntuples(starts); row++) {
        int64_t window = result_integer(starts, row, 0), start_us = view_start_us(view, window);
        int64_t end_us = window_end_us(&view->window, view->zone, start_us);
        int64_t further_us = margin_us(view, start_us, end_us);
        append_item(&touched->windows, window);
        if (start_us - further_us > open_until) {
            if (open_until != INT64_MIN)
                append_item(&touched->to_us, open_until);
            append_item(&touched->from_us, start_us - further_us);
        }
        if (row == 0)
            touched->times.from_s = (start_us - further_us) / US_PER_SECOND;
        if (end_us + further_us > open_until)
            open_until = end_us + further_us;
    }
    touched->times.to_s = (open_until - 1) / US_PER_SECOND + 1;
    append_item(&touched->to_us, open_until);
}

bool touched_init(struct touched *touched, const struct view *view, const PGresult *starts)
{
    *touched = (struct touched){0};
    list_touched(touched, view, starts);
    struct buffer *const lists[] = {&touched->windows, &touched->from_us, &touched->to_us};
    bool done = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        buffer_append_string(lists[i], "}'::bigint[]");
        done = done && !lists[i]->failed;
    }
    return done;
}

/* Only the live versions in the touched ranges are read; `offset 0` keeps them from being joined in any other way than
 * by the index on event times. */
void append_touched_versions(struct buffer *origin, const struct source *source, const struct touched *touched)
{
    buffer_appendf(origin, "(select v.* from unnest(%s, %s) as w (from_us, to_us) cross join lateral (select * from ",
                   buffer_string(&touched->from_us), buffer_string(&touched->to_us));
    append_current_table(origin, source);
    buffer_append_string(origin, " c where c.tm_event_us >= w.from_us and c.tm_event_us < w.to_us offset 0) v) o");
}
