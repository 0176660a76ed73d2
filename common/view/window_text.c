/* SPDX-License-Identifier: Apache-2.0
 * Windows as people write them. */
#include "base/clock.h"
#include "base/spelling.h"
#include "view/window.h"

#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60

/* Event times are of these years. */
#define FIRST_EVENT_S INT64_C(946684800)
#define LAST_EVENT_S INT64_C(4102444800)

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

/* 1 to 99999, without a sign or a leading zero; 0 is not a number. */
static int64_t count_of(struct text word)
{
    int64_t count = 0;
    if (word.length == 0 || word.length > 5 || word.data[0] == '0') {
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
    *ret_window = (struct window){.length_s = length_s};
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
        "day, such as \"tumbling 15 minutes\", or one like \"hopping 1 hour every 5 minutes\" or \"session 30 "
        "minutes\"%s%s%s",
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

static void print_length(int64_t length_s, bool days, struct buffer *out)
{
    bool hours = length_s % SECONDS_PER_HOUR == 0;
    int64_t unit_s = days ? SECONDS_PER_DAY : hours ? SECONDS_PER_HOUR : SECONDS_PER_MINUTE;
    int64_t count = length_s / unit_s;
    buffer_append_integer(out, count);
    buffer_append_string(out, days ? " day" : hours ? " hour" : " minute");
    buffer_append_string(out, count == 1 ? "" : "s");
}

static void print_hops(const struct window *window, int64_t panes, struct buffer *out)
{
    const bool days = window_is_of_days(window);
    buffer_append_string(out, "hopping ");
    print_length(panes * window->length_s, days, out);
    buffer_append_string(out, " every ");
    print_length(window->length_s, days, out);
}

void window_print(const struct window *window, struct buffer *out)
{
    if (window_is_of_moments(window)) {
        buffer_append_string(out, "moment");
        return;
    }
    if (window->hop_days) {
        print_hops(window, 1, out);
        return;
    }
    if (window_is_of_days(window)) {
        buffer_append_string(out, print_whole(window->length_s));
        return;
    }
    buffer_append_string(out, "tumbling ");
    print_length(window->length_s, false, out);
}

static void print_session(int64_t gap_s, struct buffer *out)
{
    bool minutes = gap_s % SECONDS_PER_MINUTE == 0;
    int64_t count = minutes ? gap_s / SECONDS_PER_MINUTE : gap_s;
    buffer_appendf(out, "session %lld %s%s", (long long)count, minutes ? "minute" : "second", count == 1 ? "" : "s");
}

void window_print_asked(const struct window *window, int64_t panes, struct buffer *out)
{
    if (window_is_of_moments(window))
        print_session(window->gap_s, out);
    else if (panes <= 1)
        window_print(window, out);
    else
        print_hops(window, panes, out);
}

/* --- windows that are asked for --- */

static int64_t seconds_of(int64_t count, struct text unit)
{
    return count * (is_unit(unit, "day")      ? SECONDS_PER_DAY
                    : is_unit(unit, "hour")   ? SECONDS_PER_HOUR
                    : is_unit(unit, "minute") ? SECONDS_PER_MINUTE
                                              : 0);
}

static bool refuse_asked(struct text text, const char *why, struct error *error)
{
    return error_set(error, ERROR_CONFIGURATION, "window \"%.*s\" %s", text.length > 80 ? 80 : (int)text.length,
                     text.data ? text.data : "", why);
}

static bool check_hop(struct text text, int64_t size_s, int64_t hop_s, struct error *error)
{
    if (size_s == 0 || hop_s == 0)
        return refuse_asked(
            text, "must be \"hopping\", a size, \"every\", and a hop: \"hopping 1 hour every 5 minutes\"", error);
    bool days = hop_s % SECONDS_PER_DAY == 0;
    if (!days && (hop_s > SECONDS_PER_HOUR || SECONDS_PER_HOUR % hop_s != 0))
        return refuse_asked(text, "must hop by minutes that divide an hour, by 1 hour, or by whole days", error);
    if (size_s % hop_s != 0)
        return refuse_asked(text, "must have a hop that divides its size", error);
    if (size_s / hop_s > HOPS_MAX)
        return refuse_asked(text, "must be at most 1440 hops long", error);
    if (days && size_s > HOPPING_DAYS_MAX * SECONDS_PER_DAY)
        return refuse_asked(text, "must be at most 36500 days long", error);
    return true;
}

/* The words behind "hopping". */
static bool parse_hopping(struct text text, struct text rest, struct window *ret_window, int64_t *ret_panes,
                          struct error *error)
{
    int64_t size = count_of(take_word(&rest));
    struct text size_unit = take_word(&rest), every = take_word(&rest);
    int64_t hop = count_of(take_word(&rest));
    struct text hop_unit = take_word(&rest);
    bool is_whole = take_word(&rest).length == 0 && text_equal(every, text_of("every"));
    int64_t size_s = seconds_of(size, size_unit), hop_s = is_whole ? seconds_of(hop, hop_unit) : 0;
    if (hop_s && size_s && is_unit(size_unit, "day") != is_unit(hop_unit, "day"))
        return refuse_asked(text,
                            "must have size and hop both of minutes and hours, as \"24 hours every 1 hour\", or both "
                            "of days",
                            error);
    if (!check_hop(text, size_s, hop_s, error))
        return false;
    *ret_window = (struct window){.length_s = hop_s, .hop_days = hop_s > SECONDS_PER_DAY ? hop_s / SECONDS_PER_DAY : 0};
    *ret_panes = size_s / hop_s;
    return true;
}

bool window_parse_asked(struct text text, struct window *ret_window, int64_t *ret_panes, struct error *error)
{
    struct text rest = text, kind = take_word(&rest);
    if (text_equal(kind, text_of("hopping")) || text_equal(kind, text_of("sliding")))
        return parse_hopping(text, rest, ret_window, ret_panes, error);
    if (text_equal(kind, text_of("session")))
        return refuse_asked(text, "can't be asked for: only a view whose own window it is has sessions", error);
    struct text count = kind;
    if (text_equal(kind, text_of("tumbling")))
        count = take_word(&rest);
    struct text unit = take_word(&rest);
    if (take_word(&rest).length > 0 || !words_to_window(text_of("tumbling"), count, unit, ret_window))
        return refuse_asked(text,
                            "must be hours or minutes that divide a day, \"1 day\", \"1 week\", \"1 month\" or "
                            "\"1 year\", or one like \"hopping 1 hour every 5 minutes\"",
                            error);
    *ret_panes = 1;
    return true;
}

bool window_parse_session(struct text text, struct window *ret_window, struct error *error)
{
    struct text rest = text, kind = take_word(&rest), count = take_word(&rest), unit = take_word(&rest);
    int64_t unit_s = is_unit(unit, "second") ? 1 : is_unit(unit, "minute") ? SECONDS_PER_MINUTE : 0;
    int64_t gap_s = count_of(count) * unit_s;
    if (take_word(&rest).length > 0 || !text_equal(kind, text_of("session")) || gap_s == 0 || gap_s > SECONDS_PER_DAY)
        return refuse_asked(text,
                            "must be \"session\" and a gap of seconds or minutes, at most a day: "
                            "\"session 30 minutes\"",
                            error);
    *ret_window = (struct window){.gap_s = gap_s};
    return true;
}

/* Whether the clock there is always moved by whole hours. */
static bool moves_by_hours(const struct zone *zone)
{
    struct zone_span span = zone_span(zone, FIRST_EVENT_S);
    while (span.to_s < LAST_EVENT_S) {
        struct zone_span next = zone_span(zone, span.to_s);
        if ((next.offset_s - span.offset_s) % 3600 != 0)
            return false;
        span = next;
    }
    return true;
}

bool window_check_hop(struct text text, const struct window *window, const struct zone *zone, struct error *error)
{
    return window->length_s != SECONDS_PER_HOUR || moves_by_hours(zone) ||
           error_set(error, ERROR_CONFIGURATION,
                     "window \"%.*s\": clocks in %s are changed by part of an hour, so that a hop of 1 hour isn't one; "
                     "a hop of 30 minutes is",
                     text.length > 80 ? 80 : (int)text.length, text.data ? text.data : "", zone_name(zone));
}
