/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a cron line: read here once more by the shell's tools of C, and the next run looked for minute by
 * minute. The first byte chooses a time zone and the second a moment near a change of its clock. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "config/schedule.h"
#include "fuzz.h"

#define FIELDS 5
#define LINE_MAX 255
#define DAY_S 86400

static const char *const zone_names[] = {"Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"};
static const int64_t moments_s[] = {
    1774746000 - 3600, /* London goes forward on 2026-03-29 at 01:00 UTC, */
    1792890000 - 7200, /* and back on 2026-10-25 */
    1772953200 - 5400, /* New York on 2026-03-08 at 07:00 UTC, */
    1793512800 - 60,   /* and on 2026-11-01 at 06:00 */
    1775314800 - 1,    /* Lord Howe goes back by half an hour on 2026-04-04 at 15:00 UTC */
    1767225599,
};

struct line {
    bool may[FIELDS][64];
    bool day_is_star, weekday_is_star, hour_is_real;
};

static bool read_number(const char *word, int lowest, int highest, const char *names, int *ret_number)
{
    for (size_t i = 0; names && strlen(word) == 3 && i < strlen(names); i += 3)
        if (strncasecmp(word, names + i, 3) == 0) {
            *ret_number = lowest + (int)i / 3;
            return true;
        }
    size_t digits = strspn(word, "0123456789");
    *ret_number = atoi(word);
    return digits >= 1 && digits <= 2 && !word[digits] && *ret_number >= lowest && *ret_number <= highest;
}

static bool read_item(char *item, int field, bool may[64])
{
    static const int lowest[] = {0, 0, 1, 1, 0}, highest[] = {59, 23, 31, 12, 7};
    static const char *const names[] = {NULL, NULL, NULL, "janfebmaraprmayjunjulaugsepoctnovdec",
                                        "sunmontuewedthufrisat"};
    int first = lowest[field], last = field == 4 ? 6 : highest[field], step = 1;
    char *slash = strchr(item, '/');
    if (slash)
        *slash = '\0';
    char *dash = strchr(item, '-');
    if (dash)
        *dash = '\0';
    bool star = strcmp(item, "*") == 0 && !dash;
    if (!star && (!read_number(item, lowest[field], highest[field], names[field], &first) ||
                  !read_number(dash ? dash + 1 : item, lowest[field], highest[field], names[field], &last)))
        return false;
    if (field == 4 && dash && last == 0 && first > 0)
        last = 7;
    if (slash && (!read_number(slash + 1, 1, highest[field], NULL, &step) || (!star && !dash)))
        return false;
    for (int i = first; i <= last; i++)
        may[field == 4 ? i % 7 : i] |= (i - first) % step == 0;
    return first <= last;
}

static bool read_field(char *text, int field, struct line *line)
{
    if (field == 1)
        line->hour_is_real = strpbrk(text, "*/") != NULL;
    if (field == 2)
        line->day_is_star = *text == '*';
    if (field == 4)
        line->weekday_is_star = *text == '*';
    for (char *item = text; item;) {
        char *next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        if (!read_item(item, field, line->may[field]))
            return false;
        item = next;
    }
    return true;
}

/* One day of the month at least is in one of the months, or a day of the week may do instead. */
static bool comes_ever(const struct line *line)
{
    static const int days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool any = !line->day_is_star && !line->weekday_is_star;
    for (int month = 1; month <= 12; month++)
        for (int day = 1; day <= days[month]; day++)
            any |= line->may[3][month] && line->may[2][day];
    return any;
}

/* Lines that have a name of their own. */
static void name_line(char text[LINE_MAX + 1])
{
    static const char *const names[][2] = {
        {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i][0]) == 0)
            snprintf(text, LINE_MAX + 1, "%s", names[i][1]);
}

static bool read_line(char *text, struct line *ret_line)
{
    *ret_line = (struct line){.hour_is_real = false};
    char *rest, *word = strtok_r(text, " \t", &rest);
    for (int field = 0; field < FIELDS; field++, word = strtok_r(NULL, " \t", &rest))
        if (!word || !read_field(word, field, ret_line))
            return false;
    return !word && comes_ever(ret_line);
}

/* Whether this minute of local time is one of the line's. */
static bool matches(const struct line *line, int64_t local_s)
{
    struct tm at;
    time_t moment = (time_t)local_s;
    REQUIRE(gmtime_r(&moment, &at));
    bool day = line->may[2][at.tm_mday], weekday = line->may[4][at.tm_wday];
    bool today = line->day_is_star || line->weekday_is_star ? day && weekday : day || weekday;
    return today && line->may[3][at.tm_mon + 1] && line->may[1][at.tm_hour] && line->may[0][at.tm_min];
}

/* The first run within a day, INT64_MAX where there is none. With a star in the hours every minute is looked at as the
 * clock shows it; else every local time at the one instant that is its own. */
static int64_t look(const struct line *line, const struct zone *zone, int64_t after_s)
{
    int64_t first_s = INT64_MAX;
    if (line->hour_is_real) {
        for (int64_t at_s = (after_s / 60 + 1) * 60; at_s <= after_s + DAY_S; at_s += 60)
            if (matches(line, at_s + zone_offset(zone, at_s)))
                return at_s;
        return INT64_MAX;
    }
    int64_t local_s = (after_s + zone_offset(zone, after_s)) / 60 * 60;
    for (int64_t minute_s = local_s - 3 * 3600; minute_s <= local_s + DAY_S + 3 * 3600; minute_s += 60) {
        int64_t at_s = matches(line, minute_s) ? zone_instant(zone, minute_s) : INT64_MAX;
        if (at_s > after_s && at_s <= after_s + DAY_S && at_s < first_s)
            first_s = at_s;
    }
    return first_s;
}

static void check_next(const struct schedule *schedule, const struct line *line, const struct zone *zone,
                       int64_t after_s)
{
    int64_t expected_s = look(line, zone, after_s), next_s = schedule_next(schedule, zone, after_s);
    REQUIRE(next_s > after_s);
    REQUIRE(next_s <= after_s + DAY_S ? next_s == expected_s : expected_s == INT64_MAX);
    if (next_s != INT64_MAX && line->hour_is_real)
        REQUIRE(matches(line, next_s + zone_offset(zone, next_s)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zones[4];
    for (size_t i = 0; i < 4; i++)
        REQUIRE(zones[i] || zone_open(zone_names[i], &zones[i], NULL));
    char copy[LINE_MAX + 1] = "";
    if (size < 2 || size - 2 > LINE_MAX)
        return 0;
    for (size_t i = 2; i < size; i++)
        copy[i - 2] = (char)(data[i] ? data[i] : '?');
    struct schedule schedule;
    struct line line;
    struct error error = {0};
    bool good = schedule_parse((struct text){(const char *)data + 2, size - 2}, &schedule, &error);
    name_line(copy);
    REQUIRE(read_line(copy, &line) == good);
    if (good)
        check_next(&schedule, &line, zones[data[0] % 4], moments_s[data[1] % 6]);
    else
        REQUIRE(error.code == ERROR_CONFIGURATION && error.message[0]);
    return 0;
}
