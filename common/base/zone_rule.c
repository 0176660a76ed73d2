/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone_rule.h"

#include "base/calendar.h"
#include "base/clock.h"

#define HOURS_MAX 167 /* of a rule's time: RFC 8536 extends POSIX to a week either way */

/* Takes one character where it comes next. */
static bool take(struct text *rest, char character)
{
    if (rest->length == 0 || rest->data[0] != character) {
        return false;
    }
    rest->data++;
    rest->length--;
    return true;
}

static bool is_digit(const struct text *rest)
{
    return rest->length > 0 && rest->data[0] >= '0' && rest->data[0] <= '9';
}

static bool take_number(struct text *rest, int lowest, int highest, int *ret_number)
{
    int number = 0;
    if (!is_digit(rest)) {
        return false;
    }
    for (; is_digit(rest) && number <= highest; rest->data++, rest->length--) {
        number = number * 10 + (rest->data[0] - '0');
    }
    *ret_number = number;
    return number >= lowest && number <= highest;
}

/* An abbreviation: letters, or anything between < and >. What it says isn't needed. */
static bool take_abbreviation(struct text *rest)
{
    size_t length = 0;
    if (take(rest, '<')) {
        while (length < rest->length && rest->data[length] != '>') {
            length++;
        }
        rest->data += length;
        rest->length -= length;
        return length > 0 && take(rest, '>');
    }
    while (length < rest->length && ((rest->data[length] | 0x20) >= 'a' && (rest->data[length] | 0x20) <= 'z')) {
        length++;
    }
    rest->data += length;
    rest->length -= length;
    return length > 0;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(struct text *rest, int hours_max, int32_t *ret_seconds)
{
    bool negative = take(rest, '-');
    if (!negative) {
        (void)take(rest, '+');
    }
    int hours, minutes = 0, seconds = 0;
    if (!take_number(rest, 0, hours_max, &hours)) {
        return false;
    }
    if (take(rest, ':')) {
        if (!take_number(rest, 0, 59, &minutes)) {
            return false;
        }
        if (take(rest, ':') && !take_number(rest, 0, 59, &seconds)) {
            return false;
        }
    }
    int32_t total = hours * 3600 + minutes * 60 + seconds;
    *ret_seconds = negative ? -total : total;
    return true;
}

/* POSIX counts offsets west of Greenwich. */
static bool take_offset(struct text *rest, int32_t *ret_offset)
{
    int32_t west;
    if (!take_time(rest, 24, &west)) {
        return false;
    }
    *ret_offset = -west;
    return true;
}

static bool take_day(struct text *rest, struct rule_day *day)
{
    if (!take(rest, ',')) {
        return false;
    }
    bool good;
    if (take(rest, 'M')) {
        day->kind = RULE_DAY_OF_WEEKDAY;
        good = take_number(rest, 1, 12, &day->month) && take(rest, '.') && take_number(rest, 1, 5, &day->week) &&
               take(rest, '.') && take_number(rest, 0, 6, &day->day);
    } else if (take(rest, 'J')) {
        day->kind = RULE_DAY_JULIAN;
        good = take_number(rest, 1, 365, &day->day);
    } else {
        day->kind = RULE_DAY_OF_YEAR;
        good = take_number(rest, 0, 365, &day->day);
    }
    day->time_s = 2 * 3600;
    return good && (!take(rest, '/') || take_time(rest, HOURS_MAX, &day->time_s));
}

bool zone_rule_parse(struct text text, struct zone_rule *ret_rule)
{
    struct text rest = text;
    struct zone_rule rule = {0};
    if (!take_abbreviation(&rest) || !take_offset(&rest, &rule.standard_s)) {
        return false;
    }
    rule.has_daylight = rest.length > 0;
    if (rule.has_daylight) {
        if (!take_abbreviation(&rest)) {
            return false;
        }
        rule.daylight_s = rule.standard_s + 3600;
        if (rest.length > 0 && rest.data[0] != ',' && !take_offset(&rest, &rule.daylight_s)) {
            return false;
        }
        if (!take_day(&rest, &rule.start) || !take_day(&rest, &rule.end) || rest.length > 0) {
            return false;
        }
    }
    *ret_rule = rule;
    return true;
}

/* Days since 1970 of the w-th weekday of a month; w = 5 is the last, be it the fourth or the fifth. */
static int64_t weekday_of_month(int year, int month, int week, int weekday)
{
    int64_t first = days_from_civil(year, month, 1);
    int64_t next_month = month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
    int64_t first_weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (weekday - first_weekday + 7) % 7 + 7 * (week - 1);
    return day < next_month ? day : day - 7;
}

static int64_t day_of_rule(const struct rule_day *day, int year)
{
    if (day->kind == RULE_DAY_OF_WEEKDAY) {
        return weekday_of_month(year, day->month, day->week, day->day);
    }
    int64_t january = days_from_civil(year, 1, 1);
    if (day->kind == RULE_DAY_OF_YEAR) {
        return january + day->day;
    }
    bool leap = days_from_civil(year, 3, 1) - january == 60;
    return january + day->day - 1 + (leap && day->day >= 60);
}

void zone_rule_changes(const struct zone_rule *rule, int year, struct zone_change ret_changes[2])
{
    struct zone_change start = {
        .at_s = day_of_rule(&rule->start, year) * SECONDS_PER_DAY + rule->start.time_s - rule->standard_s,
        .offset_s = rule->daylight_s,
    };
    struct zone_change end = {
        .at_s = day_of_rule(&rule->end, year) * SECONDS_PER_DAY + rule->end.time_s - rule->daylight_s,
        .offset_s = rule->standard_s,
    };
    bool northern = start.at_s <= end.at_s;
    ret_changes[0] = northern ? start : end;
    ret_changes[1] = northern ? end : start;
}
