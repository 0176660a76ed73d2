/* SPDX-License-Identifier: Apache-2.0 */
#include "view/window.h"

#include "base/clock.h"
#include "base/command.h"

#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60
/* So long after a change of the clock, no local time can be one that the clock had shown before the change. */
#define SETTLED_S (4 * SECONDS_PER_DAY)

/* --- reading and printing --- */

static bool is_separator(char character)
{
    return character == ' ' || character == '_';
}

/* Takes the next word; empty where there is none. */
static struct text take_word(struct text *rest)
{
    size_t start = 0;
    while (start < rest->length && is_separator(rest->data[start])) {
        start++;
    }
    size_t end = start;
    while (end < rest->length && !is_separator(rest->data[end])) {
        end++;
    }
    struct text word = {rest->data + start, end - start};
    rest->data += end;
    rest->length -= end;
    return word;
}

/* "minute" and "minutes" are the same, whatever the number before. */
static bool is_unit(struct text word, const char *singular)
{
    struct text unit = text_of(singular);
    if (word.length == unit.length + 1 && word.data[word.length - 1] == 's') {
        word.length--;
    }
    return text_equal(word, unit);
}

/* 1 to 9999, without a sign or a leading zero; 0 is not a number. */
static int64_t count_of(struct text word)
{
    int64_t count = 0;
    if (word.length == 0 || word.length > 4 || word.data[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return 0;
        }
        count = count * 10 + (word.data[i] - '0');
    }
    return count;
}

/* What there can be only one of. A day is not 24 hours where the clocks change, so that 24 hours would promise
 * something else than it gives. */
static int64_t whole_length(struct text unit)
{
    return is_unit(unit, "day")     ? SECONDS_PER_DAY
           : is_unit(unit, "week")  ? WINDOW_WEEK_S
           : is_unit(unit, "month") ? WINDOW_MONTH_S
           : is_unit(unit, "year")  ? WINDOW_YEAR_S
                                    : 0;
}

/* The length in seconds, or 0 where it isn't allowed. */
static int64_t length_of(int64_t count, struct text unit)
{
    int64_t whole_s = whole_length(unit);
    if (whole_s) {
        return count == 1 ? whole_s : 0;
    }
    int64_t length_s = is_unit(unit, "hour")     ? count * SECONDS_PER_HOUR
                       : is_unit(unit, "minute") ? count * SECONDS_PER_MINUTE
                                                 : 0;
    return length_s > 0 && length_s < SECONDS_PER_DAY && SECONDS_PER_DAY % length_s == 0 ? length_s : 0;
}

/* The candidate that was probably meant, or the word itself. */
static struct text meant_word(struct text word, const char *const candidates[], size_t count)
{
    char copy[20];
    if (word.length == 0 || word.length >= sizeof copy) {
        return word;
    }
    memcpy(copy, word.data, word.length);
    copy[word.length] = '\0';
    const char *near = nearest_word(copy, candidates, count);
    return near ? text_of(near) : word;
}

/* The words of a window. False where they are none. */
static bool words_to_window(struct text kind, struct text count, struct text unit, struct window *ret_window)
{
    int64_t length_s = length_of(count_of(count), unit);
    if (!text_equal(kind, text_of("tumbling")) || length_s == 0) {
        return false;
    }
    ret_window->length_s = length_s;
    return true;
}

static bool refuse(struct text text, const struct window *meant, struct error *error)
{
    struct buffer suggestion = {0};
    if (meant) {
        window_print(meant, &suggestion);
    }
    bool memory_is_short = suggestion.failed;
    error_set(
        error, ERROR_CONFIGURATION,
        "window \"%.*s\" must be \"tumbling\" and 1 day, 1 week, 1 month, 1 year, or hours or minutes that divide a "
        "day, such as \"tumbling 15 minutes\"%s%s%s",
        text.length > 80 ? 80 : (int)text.length, text.data ? text.data : "", meant ? "; did you mean \"" : "",
        buffer_string(&suggestion), meant ? "\"?" : "");
    buffer_clean_up(&suggestion);
    return memory_is_short ? error_set(error, ERROR_INTERNAL, "memory is short") : false;
}

bool window_parse(struct text text, struct window *ret_window, struct error *error)
{
    static const char *const kinds[] = {"tumbling"};
    static const char *const units[] = {"minute", "minutes", "hour", "hours", "day", "week", "month", "year"};
    struct text rest = text;
    struct text kind = take_word(&rest);
    struct text count = take_word(&rest);
    struct text unit = take_word(&rest);
    bool is_whole = take_word(&rest).length == 0;
    if (is_whole && words_to_window(kind, count, unit, ret_window)) {
        return true;
    }
    struct window meant;
    bool is_near = is_whole && words_to_window(meant_word(kind, kinds, 1), count, meant_word(unit, units, 8), &meant);
    return refuse(text, is_near ? &meant : NULL, error);
}

static const char *print_whole(int64_t length_s)
{
    return length_s == SECONDS_PER_DAY  ? "tumbling 1 day"
           : length_s == WINDOW_WEEK_S  ? "tumbling 1 week"
           : length_s == WINDOW_MONTH_S ? "tumbling 1 month"
                                        : "tumbling 1 year";
}

void window_print(const struct window *window, struct buffer *out)
{
    if (window_is_of_days(window)) {
        buffer_append_string(out, print_whole(window->length_s));
        return;
    }
    bool hours = window->length_s % SECONDS_PER_HOUR == 0;
    int64_t count = window->length_s / (hours ? SECONDS_PER_HOUR : SECONDS_PER_MINUTE);
    buffer_append_string(out, "tumbling ");
    buffer_append_integer(out, count);
    buffer_append_string(out, hours ? " hour" : " minute");
    buffer_append_string(out, count == 1 ? "" : "s");
}

/* --- where a window begins and ends --- */

/* How far `local_s` is into a length that divides a day; also before 1970. */
static int64_t remainder_of(int64_t local_s, int64_t length_s)
{
    int64_t remainder = local_s % length_s;
    return remainder < 0 ? remainder + length_s : remainder;
}

bool window_is_of_days(const struct window *window)
{
    return window->length_s >= SECONDS_PER_DAY;
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
    bool is_fixed = window->length_s <= WINDOW_WEEK_S;
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
