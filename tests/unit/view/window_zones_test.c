/* SPDX-License-Identifier: Apache-2.0
 * Windows of every size around each change of the clock, since 1970, of each zone that the system knows. What a clock
 * shows is asked of the C library; what windows must be is written here again, from what a clock shows alone. */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "cmocka_test.h"

#include "view/window.h"

enum { DAY = 86400, CHANGES_MAX = 400, ZONES_MAX = 2000 };
static const int64_t until_s = INT64_C(2051222400); /* 2035 */

/* A zone by the C library: the clock shows UTC and offsets[n] from changes[n] until changes[n + 1]. */
static struct {
    const char *name;
    struct zone *zone;
    int64_t changes[CHANGES_MAX + 1];
    int64_t offsets[CHANGES_MAX + 1];
    size_t count;
} clock_of;

static int64_t offset_by_library(int64_t at_s)
{
    struct tm local;
    time_t at = at_s;
    assert_non_null(localtime_r(&at, &local));
    return local.tm_gmtoff;
}

static void add_change(int64_t from_s, int64_t to_s, int64_t offset_s)
{
    while (to_s - from_s > 1) {
        int64_t middle_s = from_s + (to_s - from_s) / 2;
        if (offset_by_library(middle_s) == clock_of.offsets[clock_of.count])
            from_s = middle_s;
        else
            to_s = middle_s;
    }
    assert_true(++clock_of.count < CHANGES_MAX);
    clock_of.changes[clock_of.count] = to_s;
    clock_of.offsets[clock_of.count] = offset_s;
}

static void find_changes(void)
{
    clock_of.count = 0;
    clock_of.changes[0] = INT64_MIN;
    clock_of.offsets[0] = offset_by_library(0);
    for (int64_t at_s = 0; at_s < until_s; at_s += DAY) {
        int64_t offset_s = offset_by_library(at_s + DAY);
        if (offset_s != clock_of.offsets[clock_of.count])
            add_change(at_s, at_s + DAY, offset_s);
    }
    clock_of.changes[clock_of.count + 1] = INT64_MAX;
}

static int64_t local_at(int64_t at_s)
{
    size_t number = clock_of.count;
    while (clock_of.changes[number] > at_s)
        number--;
    return at_s + clock_of.offsets[number];
}

static int64_t floor_of(int64_t local_s, int64_t length_s)
{
    return local_s / length_s - (local_s % length_s < 0);
}

/* The hour (or minutes, or day) that the clock shows. */
static int64_t shown(int64_t at_s, int64_t length_s)
{
    return floor_of(local_at(at_s), length_s);
}

static bool begins_anew(int64_t at_s, int64_t length_s)
{
    return local_at(at_s) % length_s == 0 || shown(at_s, length_s) != shown(at_s - 1, length_s);
}

static void wrong(int64_t length_s, int64_t at_s, const char *what)
{
    fail_msg("%s, %lld s, at %lld: %s", clock_of.name, (long long)length_s, (long long)at_s, what);
}

/* One window: what the clock shows is the same throughout, doesn't begin anew within, and does at both ends. */
static int64_t check_window(const struct window *window, int64_t start_s)
{
    int64_t length_s = window->length_s, end_s = window_end(window, clock_of.zone, start_s);
    if (end_s <= start_s || !begins_anew(start_s, length_s) || !begins_anew(end_s, length_s))
        wrong(length_s, start_s, "it doesn't begin or end where the clock shows a beginning");
    if (window_start(window, clock_of.zone, start_s) != start_s ||
        window_start(window, clock_of.zone, end_s - 1) != start_s ||
        window_start(window, clock_of.zone, end_s) != end_s ||
        window_start(window, clock_of.zone, start_s + (end_s - start_s) / 3) != start_s)
        wrong(length_s, start_s, "moments are not in the window that holds them");
    if (shown(end_s - 1, length_s) != shown(start_s, length_s))
        wrong(length_s, start_s, "the clock shows something else at its end");
    for (size_t i = 1; i <= clock_of.count; i++)
        if (clock_of.changes[i] > start_s && clock_of.changes[i] < end_s && begins_anew(clock_of.changes[i], length_s))
            wrong(length_s, start_s, "it goes on over a beginning");
    return end_s;
}

static void check_around(const struct window *window, int64_t change_s)
{
    int64_t start_s = window_start(window, clock_of.zone, change_s - window->length_s - 60);
    while (start_s < change_s + window->length_s)
        start_s = check_window(window, start_s);
}

/* The first moment at which the clock shows this day; where it never does, the next that it shows. */
static int64_t first_of_day(int64_t day)
{
    for (size_t i = 0; i <= clock_of.count; i++) {
        int64_t at_s = day * DAY - clock_of.offsets[i];
        if (at_s < clock_of.changes[i])
            at_s = clock_of.changes[i];
        if (at_s < clock_of.changes[i + 1] && shown(at_s, DAY) == day)
            return at_s;
    }
    return first_of_day(day + 1);
}

/* The first day of the day, hop of days, week, month or year that has this day, by the C library's calendar. */
static int64_t first_day_of(const struct window *window, int64_t day)
{
    struct tm date;
    time_t at = day * DAY;
    const int64_t length_s = window->length_s;
    assert_non_null(gmtime_r(&at, &date));
    return length_s == DAY              ? day
           : window->hop_days           ? floor_of(day, window->hop_days) * window->hop_days
           : length_s == WINDOW_WEEK_S  ? day - (date.tm_wday + 6) % 7
           : length_s == WINDOW_MONTH_S ? day - (date.tm_mday - 1)
                                        : day - date.tm_yday;
}

static void check_days_at(struct window window, int64_t at_s)
{
    const int64_t length_s = window.length_s;
    int64_t day = shown(at_s, DAY), first = first_day_of(&window, day);
    int64_t start_s = window_start(&window, clock_of.zone, at_s);
    if (start_s != first_of_day(first))
        wrong(length_s, at_s, "it doesn't begin at the first moment of its first day");
    if (window_start_of_day(&window, clock_of.zone, day) != start_s)
        wrong(length_s, at_s, "the day is in another window than its moment");
    int64_t end_s = window_end(&window, clock_of.zone, start_s);
    for (day++; first_day_of(&window, day) == first || first_of_day(day) == start_s;)
        day++;
    if (end_s != first_of_day(day))
        wrong(length_s, at_s, "it doesn't end where the first day of the next one begins");
    if (window_start(&window, clock_of.zone, end_s) != end_s)
        wrong(length_s, at_s, "it doesn't end where another begins");
}

static void check_days(int64_t change_s)
{
    for (int64_t at_s = change_s - DAY; at_s <= change_s + DAY; at_s += DAY / 4) {
        check_days_at((struct window){.length_s = DAY}, at_s - 1);
        check_days_at((struct window){.length_s = DAY}, at_s);
    }
    static const struct window longer[] = {{.length_s = 2 * DAY, .hop_days = 2},
                                           {.length_s = 7 * DAY, .hop_days = 7},
                                           {.length_s = WINDOW_WEEK_S},
                                           {.length_s = WINDOW_MONTH_S},
                                           {.length_s = WINDOW_YEAR_S}};
    static const int64_t away_s[] = {-40 * DAY - 5, -DAY, -1, 0, 3600, 6 * DAY, 40 * DAY};
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        for (size_t j = 0; j < sizeof away_s / sizeof *away_s; j++)
            if (change_s + away_s[j] < until_s - WINDOW_YEAR_S)
                check_days_at(longer[i], change_s + away_s[j]);
}

static void check_zone(const char *path, const char *name)
{
    struct error error = {0};
    char library_name[4200];
    (void)snprintf(library_name, sizeof library_name, ":%s", path);
    assert_int_equal(setenv("TZ", library_name, 1), 0);
    tzset();
    if (!zone_open(name, &clock_of.zone, &error))
        fail_msg("%s: %s", name, error.message);
    clock_of.name = name;
    find_changes();
    for (size_t i = 1; i <= clock_of.count; i++) {
        check_days(clock_of.changes[i]);
        for (int64_t minutes = 1; minutes < DAY / 60; minutes++)
            if (DAY / 60 % minutes == 0)
                check_around(&(struct window){.length_s = minutes * 60}, clock_of.changes[i]);
    }
    zone_close(clock_of.zone);
}

static int zones_checked;
static ino_t inodes[ZONES_MAX];

/* Files under several names are looked at once; folders that aren't of zones begin with small letters. */
static int visit(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    const char *folder = "/usr/share/zoneinfo/", *name = path + strlen(folder);
    (void)place;
    if (kind != FTW_F || name[0] < 'A' || name[0] > 'Z' || status->st_size < 44)
        return 0;
    for (int i = 0; i < zones_checked; i++)
        if (inodes[i] == status->st_ino)
            return 0;
    assert_true(zones_checked < ZONES_MAX);
    inodes[zones_checked++] = status->st_ino;
    check_zone(path, name);
    return 0;
}

static void windows_of_every_size_cover_time_once_in_every_zone(void **state)
{
    (void)state;
    unsetenv("TZDIR");
    assert_int_equal(nftw("/usr/share/zoneinfo", visit, 16, 0), 0);
    assert_true(zones_checked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_every_size_cover_time_once_in_every_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
