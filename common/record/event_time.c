/* SPDX-License-Identifier: Apache-2.0 */
#include "record/event_time.h"

#include <assert.h>
#include <string.h>

#include "base/calendar.h"
#include "base/clock.h"

#define FIRST_SECOND INT64_C(946684800) /* 2000-01-01T00:00:00Z */
#define END_SECOND INT64_C(4102444800)  /* 2100-01-01T00:00:00Z */

struct time_reader {
    const char *at, *end;
};

/* Takes a number of exactly `digits` digits; -1 where there is none. */
static int take_number(struct time_reader *reader, int digits)
{
    if (reader->end - reader->at < digits) {
        return -1;
    }
    int number = 0;
    for (int i = 0; i < digits; i++) {
        unsigned digit = (unsigned)*reader->at++ - '0';
        if (digit > 9) {
            return -1;
        }
        number = number * 10 + (int)digit;
    }
    return number;
}

/* Takes one byte if it is one of the two. */
static bool take(struct time_reader *reader, char one, char other)
{
    bool taken = reader->at < reader->end && (*reader->at == one || *reader->at == other);
    reader->at += taken;
    return taken;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct time_reader *reader, int64_t *ret_days)
{
    int year = take_number(reader, 4);
    bool dash = take(reader, '-', '-');
    int month = take_number(reader, 2);
    bool second_dash = take(reader, '-', '-');
    int day = take_number(reader, 2);
    if (year < 0 || !dash || month < 1 || month > 12 || !second_dash || day < 1 || day > days_of_month(year, month)) {
        return false;
    }
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* The same by way of the cursor. */
static inline bool take_date_near(struct time_reader *reader, struct date_cursor *cursor, int64_t *ret_days)
{
    const char *date = reader->at;
    if (reader->end - date >= DATE_BYTES && memcmp(date, cursor->text, DATE_BYTES) == 0) {
        reader->at += DATE_BYTES;
        *ret_days = cursor->days;
        return true;
    }
    if (!take_date(reader, ret_days)) {
        return false;
    }
    memcpy(cursor->text, date, DATE_BYTES);
    cursor->days = *ret_days;
    return true;
}

/* Takes hours and minutes with a colon between; -1 where they aren't a time of day. */
static int take_minutes(struct time_reader *reader)
{
    int hours = take_number(reader, 2);
    bool colon = take(reader, ':', ':');
    int minutes = take_number(reader, 2);
    return hours < 0 || hours > 23 || !colon || minutes < 0 || minutes > 59 ? -1 : hours * 60 + minutes;
}

/* Takes the decimals of a second, if there are any; false where there are none behind the point, or more than nine. */
static bool take_fraction(struct time_reader *reader, int64_t *ret_us)
{
    *ret_us = 0;
    if (!take(reader, '.', '.')) {
        return true;
    }
    int digits = 0;
    for (int64_t weight = US_PER_SECOND / 10; digits < 9 && reader->at < reader->end; weight /= 10, digits++) {
        unsigned digit = (unsigned)*reader->at - '0';
        if (digit > 9) {
            break;
        }
        reader->at++;
        *ret_us += digit * weight;
    }
    return digits > 0;
}

/* Takes the offset in minutes east of UTC: nothing and `Z` are 0. */
static bool take_offset(struct time_reader *reader, int *ret_minutes)
{
    *ret_minutes = 0;
    if (reader->at == reader->end || take(reader, 'Z', 'z')) {
        return true;
    }
    bool west = *reader->at == '-';
    if (!take(reader, '+', '-')) {
        return false;
    }
    int minutes = take_minutes(reader);
    *ret_minutes = west ? -minutes : minutes;
    return minutes >= 0;
}

/* Of any year: whole seconds, and the microseconds behind them. */
static inline bool parse_instant(struct text text, struct date_cursor *cursor, int64_t *ret_s, int64_t *ret_us)
{
    struct time_reader reader = {text.data, text.data + text.length};
    int64_t days;
    int offset;
    if (!take_date_near(&reader, cursor, &days) || (!take(&reader, 'T', 't') && !take(&reader, ' ', ' '))) {
        return false;
    }
    int minutes = take_minutes(&reader);
    bool colon = take(&reader, ':', ':');
    int seconds = take_number(&reader, 2);
    if (minutes < 0 || !colon || seconds < 0 || seconds > 59 || !take_fraction(&reader, ret_us) ||
        !take_offset(&reader, &offset) || reader.at != reader.end) {
        return false;
    }
    *ret_s = days * SECONDS_PER_DAY + (minutes - offset) * 60 + seconds;
    return true;
}

static bool is_outside(int64_t instant_s)
{
    return instant_s < FIRST_SECOND || instant_s >= END_SECOND;
}

bool event_time_parse_near(struct text text, struct date_cursor *cursor, int64_t *ret_us)
{
    int64_t instant_s, us;
    if (!parse_instant(text, cursor, &instant_s, &us) || is_outside(instant_s)) {
        return false;
    }
    *ret_us = instant_s * US_PER_SECOND + us;
    return true;
}

bool event_time_parse(struct text text, int64_t *ret_us)
{
    struct date_cursor cursor = {.days = 0};
    return event_time_parse_near(text, &cursor, ret_us);
}

bool event_time_is_outside(struct text text)
{
    struct date_cursor cursor = {.days = 0};
    int64_t instant_s, us;
    return parse_instant(text, &cursor, &instant_s, &us) && is_outside(instant_s);
}

/* Takes the decimals of a second, as many as there are, as the first whole microsecond at or after them. */
static bool take_decimals(struct time_reader *reader, int64_t *ret_us)
{
    bool more = false;
    *ret_us = 0;
    if (!take(reader, '.', '.')) {
        return true;
    }
    const char *first = reader->at;
    int64_t weight = US_PER_SECOND / 10;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++, weight /= 10) {
        *ret_us += weight * (*reader->at - '0');
        more = more || (weight == 0 && *reader->at != '0');
    }
    *ret_us += more;
    return reader->at > first;
}

/* A second 60 is the last of a month in UTC, where a leap second can be; `next_s` is the second after it. */
static bool begins_a_month(int64_t next_s)
{
    int year, month, day;
    int64_t of_day = (next_s % SECONDS_PER_DAY + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    civil_from_days((next_s - of_day) / SECONDS_PER_DAY, &year, &month, &day);
    return of_day == 0 && day == 1;
}

bool rfc3339_parse(struct text text, int64_t *ret_us)
{
    struct time_reader reader = {text.data, text.data + text.length};
    int offset;
    int64_t days, decimals_us;
    if (!take_date(&reader, &days) || (!take(&reader, 'T', 't') && !take(&reader, ' ', ' '))) {
        return false;
    }
    int minutes = take_minutes(&reader);
    bool colon = take(&reader, ':', ':');
    int seconds = take_number(&reader, 2);
    if (minutes < 0 || !colon || seconds < 0 || seconds > 60 || !take_decimals(&reader, &decimals_us) ||
        reader.at == reader.end || !take_offset(&reader, &offset) || reader.at != reader.end) {
        return false;
    }
    int64_t at_s = days * SECONDS_PER_DAY + (minutes - offset) * 60 + seconds;
    if (seconds == 60 && !begins_a_month(at_s)) {
        return false;
    }
    *ret_us = at_s * US_PER_SECOND + (seconds < 60 ? decimals_us : 0);
    return true;
}

bool rfc3339_date_parse(struct text text, int64_t *ret_days)
{
    struct time_reader reader = {text.data, text.data + text.length};
    int64_t days;
    if (!take_date(&reader, &days) || reader.at != reader.end) {
        return false;
    }
    *ret_days = days;
    return true;
}

bool event_time_from_number(int64_t number, enum time_unit unit, int64_t *ret_us)
{
    assert(unit != TIME_RFC3339);
    int64_t per_second = unit == TIME_SECONDS ? 1 : unit == TIME_MILLISECONDS ? 1000 : US_PER_SECOND;
    if (number < FIRST_SECOND * per_second || number >= END_SECOND * per_second) {
        return false;
    }
    *ret_us = number * (US_PER_SECOND / per_second);
    return true;
}
