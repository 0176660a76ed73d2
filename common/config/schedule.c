/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schedule.h"

#include "base/calendar.h"
#include "base/clock.h"
#include "base/spelling.h"

#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60
#define DAYS_AHEAD (8 * 366)
#define FIELD_COUNT 5
#define WORD_BYTES_MAX 16

/* --- reading --- */

/* What a field of the line may say. `names` stand for the numbers from `lowest` on. */
struct field_rule {
    const char *name;
    int lowest, highest;
    const char *const *names;
    size_t name_count;
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field_rule rules[FIELD_COUNT] = {
    [MINUTE] = {"minute", 0, 59, NULL, 0},
    [HOUR] = {"hour", 0, 23, NULL, 0},
    [DAY] = {"day of the month", 1, 31, NULL, 0},
    [MONTH] = {"month", 1, 12, month_names, 12},
    [WEEKDAY] = {"day of the week", 0, 7, weekday_names, 7},
};

/* The text up to `separator`, which is stepped over; all of it where there is none. */
static struct text take_until(struct text *rest, char separator, bool *ret_found)
{
    const char *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
    struct text part = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t step = part.length + (end ? 1 : 0);
    rest->data += step;
    rest->length -= step;
    *ret_found = end != NULL;
    return part;
}

static int shown(struct text text)
{
    return text.length > 60 ? 60 : (int)text.length;
}

/* Sets the error for a word that isn't what the field may say. */
static bool refuse(const struct field_rule *rule, struct text word, struct error *error)
{
    char lower[WORD_BYTES_MAX];
    size_t length = word.length < sizeof lower ? word.length : 0;
    for (size_t i = 0; i < length; i++) {
        lower[i] = (char)(word.data[i] >= 'A' && word.data[i] <= 'Z' ? word.data[i] + ('a' - 'A') : word.data[i]);
    }
    lower[length] = '\0';
    bool letters = length > 0 && lower[0] >= 'a' && lower[0] <= 'z';
    const char *near = letters ? nearest_word(lower, rule->names, rule->name_count) : NULL;
    if (near) {
        return error_set(error, ERROR_CONFIGURATION, "%s \"%.*s\" is unknown; did you mean \"%s\"?", rule->name,
                         shown(word), word.data, near);
    }
    return error_set(error, ERROR_CONFIGURATION, "%s \"%.*s\" must be a number from %d to %d%s%s%s%s%s", rule->name,
                     shown(word), word.data, rule->lowest, rule->highest, rule->names ? " or a name from " : "",
                     rule->names ? rule->names[0] : "", rule->names ? " to " : "",
                     rule->names ? rule->names[rule->name_count - 1] : "",
                     ", or such numbers as lists (1,2), ranges (1-5) or steps (*/2)");
}

static bool digits_to_number(struct text word, int *ret_number)
{
    int number = 0;
    if (word.length == 0 || word.length > 2) {
        return false;
    }
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return false;
        }
        number = number * 10 + (word.data[i] - '0');
    }
    *ret_number = number;
    return true;
}

static bool name_to_number(const struct field_rule *rule, struct text word, int *ret_number)
{
    for (size_t i = 0; i < rule->name_count; i++) {
        size_t same = 0;
        while (same < 3 && same < word.length && (word.data[same] | 0x20) == rule->names[i][same]) {
            same++;
        }
        if (same == 3 && word.length == 3) {
            *ret_number = rule->lowest + (int)i;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct field_rule *rule, struct text word, int *ret_number, struct error *error)
{
    int number;
    if (!name_to_number(rule, word, &number) &&
        (!digits_to_number(word, &number) || number < rule->lowest || number > rule->highest)) {
        return refuse(rule, word, error);
    }
    *ret_number = number;
    return true;
}

/* "*", "3" or "1-5". */
static bool parse_range(const struct field_rule *rule, struct text word, int *ret_first, int *ret_last,
                        struct error *error)
{
    if (text_equal(word, text_of("*"))) {
        *ret_first = rule->lowest;
        *ret_last = rule == &rules[WEEKDAY] ? 6 : rule->highest;
        return true;
    }
    bool is_range;
    struct text rest = word;
    struct text first = take_until(&rest, '-', &is_range);
    if (!parse_number(rule, first, ret_first, error)) {
        return false;
    }
    *ret_last = *ret_first;
    if (is_range && !parse_number(rule, rest, ret_last, error)) {
        return false;
    }
    if (rule == &rules[WEEKDAY] && *ret_last == 0 && *ret_first > 0) {
        *ret_last = 7; /* fri-sun */
    }
    return *ret_first <= *ret_last || error_set(error, ERROR_CONFIGURATION, "%s \"%.*s\": the range runs backwards",
                                                rule->name, shown(word), word.data);
}

/* A range, perhaps with "/step" behind it. */
static bool parse_item(const struct field_rule *rule, struct text item, uint64_t *bits, struct error *error)
{
    bool has_step;
    struct text rest = item;
    struct text range = take_until(&rest, '/', &has_step);
    int first, last, step = 1;
    if (!parse_range(rule, range, &first, &last, error)) {
        return false;
    }
    if (has_step && (!digits_to_number(rest, &step) || step < 1 || step > rule->highest)) {
        return error_set(error, ERROR_CONFIGURATION, "%s \"%.*s\": the step must be a number from 1 to %d", rule->name,
                         shown(item), item.data, rule->highest);
    }
    bool single = !text_equal(range, text_of("*")) && !memchr(range.data, '-', range.length);
    if (has_step && single) {
        return error_set(error, ERROR_CONFIGURATION, "%s \"%.*s\": a step needs a star or a range before it",
                         rule->name, shown(item), item.data);
    }
    for (int number = first; number <= last; number += step) {
        *bits |= UINT64_C(1) << number;
    }
    return true;
}

static bool parse_field(const struct field_rule *rule, struct text field, uint64_t *ret_bits, struct error *error)
{
    uint64_t bits = 0;
    bool more = true;
    while (more) {
        struct text item = take_until(&field, ',', &more);
        if (!parse_item(rule, item, &bits, error)) {
            return false;
        }
    }
    *ret_bits = bits;
    return true;
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* Splits at blanks; false where there aren't exactly five fields. */
static bool split(struct text text, struct text fields[FIELD_COUNT])
{
    size_t count = 0, at = 0;
    for (;;) {
        while (at < text.length && is_blank(text.data[at])) {
            at++;
        }
        if (at == text.length) {
            return count == FIELD_COUNT;
        }
        if (count == FIELD_COUNT) {
            return false;
        }
        size_t start = at;
        while (at < text.length && !is_blank(text.data[at])) {
            at++;
        }
        fields[count++] = (struct text){text.data + start, at - start};
    }
}

static bool has(uint64_t bits, int number)
{
    return (bits >> number & 1) != 0;
}

/* False for 30 February and its like. Where either day suffices, a day of the week always comes. */
static bool can_match(const struct schedule *schedule)
{
    static const int lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!schedule->day_is_star && !schedule->weekday_is_star) {
        return true;
    }
    for (int month = 1; month <= 12; month++) {
        for (int day = 1; has(schedule->months, month) && day <= lengths[month]; day++) {
            if (has(schedule->days, day)) {
                return true;
            }
        }
    }
    return false;
}

static struct text line_of(struct text text)
{
    static const struct {
        const char *name, *line;
    } names[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                 {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                 {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_equal(text, text_of(names[i].name))) {
            return text_of(names[i].line);
        }
    }
    return text;
}

bool schedule_parse(struct text written, struct schedule *ret_schedule, struct error *error)
{
    struct text text = line_of(written);
    struct text fields[FIELD_COUNT];
    uint64_t bits[FIELD_COUNT];
    if (!split(text, fields)) {
        return error_set(error, ERROR_CONFIGURATION,
                         "a schedule has five fields: minute, hour, day of the month, "
                         "month, day of the week, such as \"0 2 * * *\"; or it is one of @hourly, @daily, @weekly, "
                         "@monthly and @yearly");
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!parse_field(&rules[i], fields[i], &bits[i], error)) {
            return false;
        }
    }
    struct text hour = fields[HOUR];
    struct schedule schedule = {
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY],
        .months = (uint32_t)bits[MONTH],
        .weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f),
        .day_is_star = fields[DAY].data[0] == '*',
        .weekday_is_star = fields[WEEKDAY].data[0] == '*',
        .hour_is_real = memchr(hour.data, '*', hour.length) || memchr(hour.data, '/', hour.length),
    };
    if (!can_match(&schedule)) {
        return error_set(error, ERROR_CONFIGURATION, "schedule \"%.*s\": none of its months has such a day",
                         shown(text), text.data);
    }
    *ret_schedule = schedule;
    return true;
}

/* --- asking --- */

static bool day_matches(const struct schedule *schedule, int64_t days)
{
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    int weekday = (int)(days + 4 - floor_divide(days + 4, 7) * 7); /* 1970-01-01 was a Thursday */
    bool by_day = has(schedule->days, day), by_weekday = has(schedule->weekdays, weekday);
    bool both = schedule->day_is_star || schedule->weekday_is_star;
    return has(schedule->months, month) && (both ? by_day && by_weekday : by_day || by_weekday);
}

/* The first local time from `local_s` on and before `end_s` that matches; `end_s` where there is none. */
static int64_t next_local(const struct schedule *schedule, int64_t local_s, int64_t end_s)
{
    int64_t at_s = -floor_divide(-local_s, SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE;
    while (at_s < end_s) {
        int64_t days = floor_divide(at_s, SECONDS_PER_DAY);
        int64_t of_day = at_s - days * SECONDS_PER_DAY;
        if (!day_matches(schedule, days)) {
            at_s = (days + 1) * SECONDS_PER_DAY;
        } else if (!has(schedule->hours, (int)(of_day / SECONDS_PER_HOUR))) {
            at_s += SECONDS_PER_HOUR - of_day % SECONDS_PER_HOUR;
        } else if (!has(schedule->minutes, (int)(of_day % SECONDS_PER_HOUR / SECONDS_PER_MINUTE))) {
            at_s += SECONDS_PER_MINUTE;
        } else {
            return at_s;
        }
    }
    return end_s;
}

/* Follows the clock as it is: what is skipped doesn't run, and what comes twice runs twice. */
static int64_t next_real(const struct schedule *schedule, const struct zone *zone, int64_t from_s, int64_t limit_s)
{
    while (from_s < limit_s) {
        struct zone_span span = zone_span(zone, from_s);
        int64_t end_s = span.to_s < limit_s ? span.to_s : limit_s;
        int64_t local_end_s = end_s + span.offset_s;
        int64_t local_s = next_local(schedule, from_s + span.offset_s, local_end_s);
        if (local_s < local_end_s) {
            return local_s - span.offset_s;
        }
        from_s = end_s;
    }
    return INT64_MAX;
}

/* Takes the matching local times in order, each at its one instant. The search begins a day before, as the clock may
 * have been ahead of what it shows now. */
static int64_t next_nominal(const struct schedule *schedule, const struct zone *zone, int64_t from_s, int64_t limit_s)
{
    int64_t local_s = from_s + zone_offset(zone, from_s) - SECONDS_PER_DAY;
    int64_t end_s = limit_s + zone_offset(zone, limit_s);
    while ((local_s = next_local(schedule, local_s, end_s)) < end_s) {
        int64_t at_s = zone_instant(zone, local_s);
        if (at_s >= from_s) {
            return at_s;
        }
        local_s += SECONDS_PER_MINUTE;
    }
    return INT64_MAX;
}

int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after_s)
{
    int64_t from_s = after_s + 1, limit_s = from_s + DAYS_AHEAD * SECONDS_PER_DAY;
    return schedule->hour_is_real ? next_real(schedule, zone, from_s, limit_s)
                                  : next_nominal(schedule, zone, from_s, limit_s);
}
