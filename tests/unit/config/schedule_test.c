/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/calendar.h"
#include "config/schedule.h"

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static struct schedule parse(const char *line)
{
    struct schedule schedule;
    struct error error = {0};
    if (!schedule_parse(text_of(line), &schedule, &error)) {
        fail_msg("%s: %s", line, error.message);
    }
    return schedule;
}

static int64_t next(const char *line, const char *zone_name, int64_t after_s)
{
    struct schedule schedule = parse(line);
    struct zone *zone;
    struct error error = {0};
    if (!zone_open(zone_name, &zone, &error)) {
        fail_msg("%s", error.message);
    }
    int64_t next_s = schedule_next(&schedule, zone, after_s);
    zone_close(zone);
    return next_s;
}

/* The runs after `after_s`, one after the other. */
static void assert_runs(const char *line, const char *zone_name, int64_t after_s, const int64_t runs[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t next_s = next(line, zone_name, after_s);
        if (next_s != runs[i]) {
            fail_msg("%s in %s: run %zu is %lld, not %lld", line, zone_name, i, (long long)next_s, (long long)runs[i]);
        }
        after_s = next_s;
    }
}
#define ASSERT_RUNS(line, zone, after_s, ...)                                                                          \
    assert_runs(line, zone, after_s, (const int64_t[]){__VA_ARGS__},                                                   \
                sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void fields_are_stars_numbers_lists_ranges_steps_and_names(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t minutes;
        uint32_t hours, days, months, weekdays;
    } cases[] = {
        {"0 2 * * *", 1, 1u << 2, 0xfffffffe, 0x1ffe, 0x7f},
        {"*/7 * * * *", 0x0102040810204081, 0xffffff, 0xfffffffe, 0x1ffe, 0x7f},
        {"1,59 0-2,23 1 1,12 0", 1ull << 1 | 1ull << 59, 0x800007, 1u << 1, 1u << 1 | 1u << 12, 1},
        {"10-20/5 8-18/10 31 jan,Mar-MAY 7", 1ull << 10 | 1ull << 15 | 1ull << 20, 1u << 8 | 1u << 18, 1u << 31,
         1u << 1 | 1u << 3 | 1u << 4 | 1u << 5, 1},
        {"0\t0  */2 */6 mon-fri", 1, 1, 0xaaaaaaaa, 1u << 1 | 1u << 7, 0x3e},
        {" 0 0 * * fri-sun ", 1, 1, 0xfffffffe, 0x1ffe, 1 | 1u << 5 | 1u << 6},
        {"0 0 * * 5-7", 1, 1, 0xfffffffe, 0x1ffe, 1 | 1u << 5 | 1u << 6},
        {"0 0 * * */2", 1, 1, 0xfffffffe, 0x1ffe, 0x55},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct schedule schedule = parse(cases[i].line);
        assert_true(schedule.minutes == cases[i].minutes);
        assert_int_equal(schedule.hours, cases[i].hours);
        assert_int_equal(schedule.days, cases[i].days);
        assert_int_equal(schedule.months, cases[i].months);
        assert_int_equal(schedule.weekdays, cases[i].weekdays);
    }
}

static void lines_that_are_often_used_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *line;
    } names[] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                 {"@weekly", "0 0 * * sun"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                 {"@annually", "0 0 1 1 *"}};
    int64_t after_s = utc(2026, 2, 3, 4, 5);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(next(names[i].name, "Europe/London", after_s), next(names[i].line, "Europe/London", after_s));
}

static void the_next_run_is_strictly_later(void **state)
{
    (void)state;
    int64_t two = utc(2025, 1, 1, 2, 0);
    ASSERT_RUNS("0 2 * * *", "UTC", two - 1, two, two + 86400, two + 2 * 86400);
    ASSERT_RUNS("* * * * *", "UTC", two, two + 60, two + 120);
    ASSERT_RUNS("* * * * *", "UTC", two + 1, two + 60);
    ASSERT_RUNS("*/7 * * * *", "UTC", utc(2025, 1, 1, 2, 49), utc(2025, 1, 1, 2, 56), utc(2025, 1, 1, 3, 0),
                utc(2025, 1, 1, 3, 7));
    ASSERT_RUNS("30 6 * * *", "Asia/Kathmandu", utc(2025, 1, 1, 0, 45), utc(2025, 1, 2, 0, 45));
    ASSERT_RUNS("59 23 31 12 *", "UTC", utc(2025, 1, 1, 0, 0), utc(2025, 12, 31, 23, 59), utc(2026, 12, 31, 23, 59));
}

static void where_both_days_are_restricted_either_suffices(void **state)
{
    (void)state;
    int64_t start = utc(2025, 1, 1, 0, 0); /* a Wednesday */
    ASSERT_RUNS("0 0 13 * fri", "UTC", start, utc(2025, 1, 3, 0, 0), utc(2025, 1, 10, 0, 0), utc(2025, 1, 13, 0, 0),
                utc(2025, 1, 17, 0, 0));
    ASSERT_RUNS("0 0 * * fri", "UTC", start, utc(2025, 1, 3, 0, 0), utc(2025, 1, 10, 0, 0));
    ASSERT_RUNS("0 0 13 * *", "UTC", start, utc(2025, 1, 13, 0, 0), utc(2025, 2, 13, 0, 0));
    /* a star with a step is a star: both must hold, on odd days that are Fridays */
    ASSERT_RUNS("0 0 */2 * fri", "UTC", start, utc(2025, 1, 3, 0, 0), utc(2025, 1, 17, 0, 0), utc(2025, 1, 31, 0, 0));
    /* a day of the month that never comes, but a day of the week that does */
    ASSERT_RUNS("0 0 30 2 mon", "UTC", start, utc(2025, 2, 3, 0, 0));
}

static void leap_days_come_every_four_or_eight_years(void **state)
{
    (void)state;
    ASSERT_RUNS("0 0 29 2 *", "UTC", utc(2025, 1, 1, 0, 0), utc(2028, 2, 29, 0, 0), utc(2032, 2, 29, 0, 0));
    ASSERT_RUNS("0 0 29 2 *", "UTC", utc(2096, 2, 29, 0, 0), utc(2104, 2, 29, 0, 0));
    /* a star with a step: both must hold, and 29 February is a Sunday in 2032 and in 2060 */
    ASSERT_RUNS("0 0 29 2 */7", "UTC", utc(2025, 1, 1, 0, 0), utc(2032, 2, 29, 0, 0), INT64_MAX);
}

static void a_time_that_is_skipped_runs_at_the_change(void **state)
{
    (void)state;
    /* Europe/London 2025-03-30: from 01:00 to 02:00 at 01:00 UTC */
    int64_t jump = utc(2025, 3, 30, 1, 0);
    ASSERT_RUNS("30 1 * * *", "Europe/London", utc(2025, 3, 29, 1, 30), jump, utc(2025, 3, 31, 0, 30));
    ASSERT_RUNS("10,20,30 1 * * *", "Europe/London", utc(2025, 3, 29, 1, 30), jump, utc(2025, 3, 31, 0, 10));
    ASSERT_RUNS("0 2 * * *", "Europe/London", utc(2025, 3, 29, 2, 0), jump, utc(2025, 3, 31, 1, 0));
    /* America/New_York 2024-03-10: from 02:00 to 03:00 at 07:00 UTC */
    ASSERT_RUNS("0 2 * * *", "America/New_York", utc(2024, 3, 9, 6, 0), utc(2024, 3, 9, 7, 0), utc(2024, 3, 10, 7, 0),
                utc(2024, 3, 11, 6, 0));
    ASSERT_RUNS("30 2,3 * * *", "America/New_York", utc(2024, 3, 10, 0, 0), utc(2024, 3, 10, 7, 0),
                utc(2024, 3, 10, 7, 30), utc(2024, 3, 11, 6, 30));
    /* Pacific/Apia: no 30 December 2011 */
    ASSERT_RUNS("0 2 * * *", "Pacific/Apia", utc(2011, 12, 29, 12, 0), utc(2011, 12, 30, 10, 0),
                utc(2011, 12, 30, 12, 0));
}

static void a_time_that_comes_twice_runs_once(void **state)
{
    (void)state;
    /* Europe/London 2025-10-26: 01:00 to 02:00 comes at 00:00 and at 01:00 UTC */
    int64_t first = utc(2025, 10, 26, 0, 30);
    ASSERT_RUNS("30 1 * * *", "Europe/London", first - 1, first, utc(2025, 10, 27, 1, 30));
    ASSERT_RUNS("30 1 * * *", "Europe/London", first + 3600 - 60, utc(2025, 10, 27, 1, 30));
    ASSERT_RUNS("0 2 * * *", "Europe/London", first, utc(2025, 10, 26, 2, 0), utc(2025, 10, 27, 2, 0));
    /* America/New_York 2024-11-03: 01:00 to 02:00 comes at 05:00 and at 06:00 UTC */
    ASSERT_RUNS("30 1 * * *", "America/New_York", utc(2024, 11, 3, 0, 0), utc(2024, 11, 3, 5, 30),
                utc(2024, 11, 4, 6, 30));
    ASSERT_RUNS("0 2 * * *", "America/New_York", utc(2024, 11, 3, 0, 0), utc(2024, 11, 3, 7, 0),
                utc(2024, 11, 4, 7, 0));
    /* America/Havana 2024-11-03: midnight comes at 04:00 and at 05:00 UTC */
    ASSERT_RUNS("0 0 * * *", "America/Havana", utc(2024, 11, 3, 0, 0), utc(2024, 11, 3, 4, 0), utc(2024, 11, 4, 5, 0));
}

static void hours_by_a_star_or_a_step_follow_the_real_clock(void **state)
{
    (void)state;
    int64_t autumn = utc(2025, 10, 26, 0, 0), spring = utc(2025, 3, 30, 0, 0);
    ASSERT_RUNS("30 * * * *", "Europe/London", autumn, autumn + 1800, autumn + 5400, autumn + 9000);
    ASSERT_RUNS("30 * * * *", "Europe/London", spring, spring + 1800, spring + 5400, spring + 9000);
    ASSERT_RUNS("*/30 * * * *", "Europe/London", spring + 1800, spring + 3600, spring + 5400);
    ASSERT_RUNS("15 1-5/2 * * *", "Europe/London", autumn, autumn + 900, autumn + 4500, autumn + 3 * 3600 + 900);
    /* a list of hours is nominal: 01:30 once */
    ASSERT_RUNS("30 0,1,2 * * *", "Europe/London", autumn, autumn + 1800, autumn + 9000);
}

static void what_is_no_schedule_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"", "five fields"},
        {"0 2 * *", "five fields"},
        {"0 2 * * * *", "five fields"},
        {"@reboot", "five fields"},
        {"@daily 0", "five fields"},
        {"60 2 * * *", "minute \"60\" must be a number from 0 to 59"},
        {"0 24 * * *", "hour \"24\" must be a number from 0 to 23"},
        {"0 0 0 * *", "day of the month \"0\" must be a number from 1 to 31"},
        {"0 0 * 13 *", "month \"13\" must be a number from 1 to 12 or a name from jan to dec"},
        {"0 0 * * 8", "day of the week \"8\" must be a number from 0 to 7"},
        {"0 0 * janu *", "did you mean \"jan\"?"},
        {"0 0 * * mno", "did you mean \"mon\"?"},
        {"-1 0 * * *", "minute \"\""},
        {"1, 0 * * *", "minute \"\""},
        {"1- 0 * * *", "minute \"\""},
        {"5-1 0 * * *", "runs backwards"},
        {"0 0 * * sat-tue", "runs backwards"},
        {"*/0 0 * * *", "step"},
        {"*/ 0 * * *", "step"},
        {"*/99 0 * * *", "step"},
        {"5/15 0 * * *", "a step needs a star or a range"},
        {"*-5 0 * * *", "minute \"*\""},
        {"100 0 * * *", "minute \"100\""},
        {"+1 0 * * *", "minute \"+1\""},
        {"0 0 30 2 *", "none of its months has such a day"},
        {"0 0 31 2,4,jun,9,11 *", "none of its months has such a day"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct schedule schedule = {.minutes = 4711};
        struct error error = {0};
        if (schedule_parse(text_of(cases[i].line), &schedule, &error)) {
            fail_msg("\"%s\" was taken", cases[i].line);
        }
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        assert_true(schedule.minutes == 4711);
        if (!strstr(error.message, cases[i].message)) {
            fail_msg("\"%s\": \"%s\" doesn't say \"%s\"", cases[i].line, error.message, cases[i].message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_stars_numbers_lists_ranges_steps_and_names),
        cmocka_unit_test(lines_that_are_often_used_have_names),
        cmocka_unit_test(the_next_run_is_strictly_later),
        cmocka_unit_test(where_both_days_are_restricted_either_suffices),
        cmocka_unit_test(leap_days_come_every_four_or_eight_years),
        cmocka_unit_test(a_time_that_is_skipped_runs_at_the_change),
        cmocka_unit_test(a_time_that_comes_twice_runs_once),
        cmocka_unit_test(hours_by_a_star_or_a_step_follow_the_real_clock),
        cmocka_unit_test(what_is_no_schedule_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
