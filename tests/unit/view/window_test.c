/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "view/window.h"

static const struct window day = {.length_s = 86400}, six_hours = {.length_s = 21600}, hour = {.length_s = 3600},
                           quarter = {.length_s = 900}, minute = {.length_s = 60};

static struct zone *open_zone(const char *name)
{
    struct zone *zone = NULL;
    struct error error = {0};
    if (!zone_open(name, &zone, &error)) {
        fail_msg("%s", error.message);
    }
    return zone;
}

/* The day of each moment: its start, and its end, where the next day begins. */
static const struct {
    const char *zone;
    int64_t at_s, start_s, end_s;
} days[] = {
    {"UTC", 1743296400, 1743292800, 1743379200},
    {"UTC", -1, -86400, 0},
    {"Europe/London", 1743296399, 1743292800, 1743375600}, /* 23 hours */
    {"Europe/London", 1743296400, 1743292800, 1743375600},
    {"America/Havana", 1730608200, 1730606400, 1730696400}, /* midnight comes twice: 25 hours from the first */
    {"America/Havana", 1730611800, 1730606400, 1730696400},
    {"America/Havana", 1710048600, 1710046800, 1710129600}, /* no midnight: the day begins at 01:00 */
    {"Africa/Cairo", 1714084200, 1714082400, 1714165200},   /* likewise */
    {"Africa/Cairo", 1730410200, 1730322000, 1730412000},   /* 23:30 for the second time */
    {"Australia/Lord_Howe", 1743866100, 1743858000, 1743946200},
    {"Asia/Kathmandu", 1767291299, 1767204900, 1767291300},
    {"Pacific/Apia", 1325239199, 1325152800, 1325239200}, /* 29 December 2011, */
    {"Pacific/Apia", 1325239200, 1325239200, 1325325600}, /* and the 31st after it */
    {"Europe/Dublin", 1736942400, 1736899200, 1736985600},
    {"Africa/Casablanca", 1713061800, 1713052800, 1713135600},
    {"America/Asuncion", 1696134600, 1696132800, 1696215600}, /* no midnight */
    {"America/Asuncion", 1711251000, 1711162800, 1711252800}, /* 23:30 for the second time */
    {"Asia/Beirut", 1648333800, 1648332000, 1648414800},
    {"Asia/Beirut", 1667079000, 1666990800, 1667080800},
    {"America/Sao_Paulo", 1541302200, 1541300400, 1541383200},
    {"America/Nuuk", 1711845000, 1711764000, 1711846800},
    /* At 00:01 back to 23:01: the new day had begun, and comes back after the rest of the old one. */
    {"America/St_Johns", 1289097030, 1289097000, 1289187000},
    {"America/St_Johns", 1289097900, 1289010600, 1289097000},
    {"America/St_Johns", 1289101500, 1289097000, 1289187000},
};

static void a_day_begins_at_its_first_instant_and_ends_with_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        struct zone *zone = open_zone(days[i].zone);
        int64_t start_s = window_start(&day, zone, days[i].at_s);
        if (start_s != days[i].start_s || window_end(&day, zone, start_s) != days[i].end_s) {
            fail_msg("case %zu: %s at %lld: from %lld to %lld", i, days[i].zone, (long long)days[i].at_s,
                     (long long)start_s, (long long)window_end(&day, zone, start_s));
        }
        zone_close(zone);
    }
}

static void a_day_starts_in_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        struct zone *zone = open_zone(days[i].zone);
        assert_int_equal(window_start(&day, zone, days[i].start_s), days[i].start_s);
        assert_int_equal(window_start(&day, zone, days[i].end_s), days[i].end_s);
        assert_true(window_start(&day, zone, days[i].start_s - 1) < days[i].start_s);
        zone_close(zone);
    }
}

static const struct window week = {.length_s = WINDOW_WEEK_S}, month = {.length_s = WINDOW_MONTH_S},
                           year = {.length_s = WINDOW_YEAR_S};

static void weeks_months_and_years_are_whole_local_days(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const struct window *window;
        int64_t at_s, start_s, end_s;
    } cases[] = {
        {"UTC", &week, 0, -259200, 345600},                           /* Thursday */
        {"UTC", &week, 1292112000, 1291593600, 1292198400},           /* Sunday, 12 December 2010 */
        {"UTC", &week, 1292198400, 1292198400, 1292803200},           /* Monday */
        {"Europe/London", &week, 1743375599, 1742774400, 1743375600}, /* Sunday, 30 March 2025, and 167 hours */
        {"Europe/London", &week, 1743375600, 1743375600, 1743980400}, /* 00:00+01:00 */
        {"UTC", &month, -1, -2678400, 0},
        {"UTC", &month, 1709164800, 1706745600, 1709251200}, /* 29 February 2024 */
        {"UTC", &month, 1735689600, 1735689600, 1738368000},
        {"Europe/London", &month, 1743462000, 1743462000, 1746054000},  /* 1 April 2025, 00:00+01:00 */
        {"America/Havana", &month, 1730608200, 1730433600, 1733029200}, /* 721 hours */
        {"Pacific/Apia", &month, 1325239200, 1322733600, 1325325600},   /* December 2011 has 30 days */
        {"UTC", &year, 1735689599, 1704067200, 1735689600},             /* 366 days */
        {"Asia/Kathmandu", &year, 1767204900, 1767204900, 1798740900},  /* 2026 */
        {"Asia/Kathmandu", &year, 1767204899, 1735668900, 1767204900},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone);
        int64_t start_s = window_start(cases[i].window, zone, cases[i].at_s);
        int64_t end_s = window_end(cases[i].window, zone, start_s);
        if (start_s != cases[i].start_s || end_s != cases[i].end_s)
            fail_msg("case %zu: from %lld to %lld", i, (long long)start_s, (long long)end_s);
        zone_close(zone);
    }
}

static void no_moment_falls_into_a_day_that_was_left_out(void **state)
{
    (void)state;
    struct zone *zone = open_zone("Pacific/Apia");
    int64_t previous_s = window_start(&day, zone, 1325152800);
    for (int64_t at_s = 1325152800; at_s < 1325325600; at_s += 60) {
        int64_t start_s = window_start(&day, zone, at_s);
        assert_true(start_s == previous_s || (start_s == 1325239200 && previous_s == 1325152800));
        previous_s = start_s;
    }
    assert_int_equal(previous_s, 1325239200);
    zone_close(zone);
}

static void hours_and_minutes_are_cut_from_local_time(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const struct window *window;
        int64_t at_s, start_s;
    } cases[] = {
        {"Asia/Kathmandu", &hour, 1767291299, 1767287700},         /* 23:59:59+05:45 is in 23:00 */
        {"Asia/Kathmandu", &quarter, 1767291299, 1767290400},      /* in 23:45 */
        {"Asia/Kathmandu", &six_hours, 1767291299, 1767269700},    /* in 18:00 */
        {"Europe/London", &six_hours, 1752580800, 1752577200},     /* 13:00+01:00 is in 12:00 */
        {"America/Havana", &hour, 1730608200, 1730606400},         /* 00:30 for the first time */
        {"America/Havana", &hour, 1730611800, 1730610000},         /* and for the second: another hour */
        {"Australia/Lord_Howe", &hour, 1743870000, 1743867000},    /* 02:50+10:30 */
        {"Australia/Lord_Howe", &quarter, 1743866100, 1743866100}, /* 01:45 for the second time */
        {"UTC", &minute, -1, -60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone);
        int64_t start_s = window_start(cases[i].window, zone, cases[i].at_s);
        if (start_s != cases[i].start_s) {
            fail_msg("case %zu: %s starts at %lld", i, cases[i].zone, (long long)start_s);
        }
        assert_int_equal(window_end(cases[i].window, zone, start_s), start_s + cases[i].window->length_s);
        zone_close(zone);
    }
}

/* Where the clock changes by a part of a window, it is a longer or a shorter one, and the next begins where it ends. */
static void a_window_holds_the_moments_of_one_local_hour_one_after_the_other(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const struct window *window;
        int64_t at_s, start_s, end_s;
    } cases[] = {
        {"Australia/Lord_Howe", &hour, 1270307400, 1270303200, 1270308600}, /* 2010: 01:40+10:30, of 01:00+11:00 */
        {"Australia/Lord_Howe", &hour, 1270308600, 1270308600, 1270312200},
        {"Australia/Lord_Howe", &hour, 1286033400, 1286033400, 1286035200}, /* 02:30+11:00, the hour's first moment */
        {"Europe/London", &six_hours, 1761445800, 1761433200, 1761458400},  /* 02:30: seven hours from 00:00+01:00 */
        {"Europe/London", &six_hours, 1774749600, 1774742400, 1774760400},  /* and five */
        {"Europe/London", &hour, 1761440400, 1761440400, 1761444000},       /* 01:00 comes twice, whole */
        {"America/St_Johns", &hour, 1289097030, 1289097000, 1289097060},    /* 00:00 for a minute, */
        {"America/St_Johns", &hour, 1289097900, 1289097060, 1289100600},    /* then 23:01 once more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone);
        int64_t start_s = window_start(cases[i].window, zone, cases[i].at_s);
        int64_t end_s = window_end(cases[i].window, zone, start_s);
        if (start_s != cases[i].start_s || end_s != cases[i].end_s)
            fail_msg("case %zu: from %lld to %lld", i, (long long)start_s, (long long)end_s);
        assert_int_equal(window_start(cases[i].window, zone, end_s), end_s);
        zone_close(zone);
    }
}

/* By the hour through years of changes, and to and fro by chance. */
static void the_cursor_never_changes_the_answer(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/London", "America/St_Johns", "America/Havana",
                                        "Africa/Cairo",  "Pacific/Apia",     "Australia/Lord_Howe"};
    static const struct window *const windows[] = {&day, &six_hours, &hour, &quarter, &week, &month, &year};
    test_random_seed();
    for (size_t i = 0; i < 42; i++) {
        struct zone *zone = open_zone(zones[i % 6]);
        const struct window *window = windows[i / 6];
        struct window_cursor cursor = {0};
        int64_t from_s = 1262304000, to_s = 1388534400; /* 2010 to 2014 */
        for (int64_t at_s = from_s; at_s < to_s; at_s += 1800) {
            assert_int_equal(window_start_near(window, zone, &cursor, at_s), window_start(window, zone, at_s));
        }
        for (int n = 0; n < 20000; n++) {
            int64_t at_s = from_s + (int64_t)test_random((uint64_t)(to_s - from_s));
            for (int64_t step_s = 0; step_s <= 7200; step_s += 1800) {
                assert_int_equal(window_start_near(window, zone, &cursor, at_s + step_s),
                                 window_start(window, zone, at_s + step_s));
            }
        }
        zone_close(zone);
    }
}

static void windows_are_read_in_both_spellings_and_printed_in_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t length_s;
        const char *printed;
    } cases[] = {
        {"tumbling 1 day", 86400, "tumbling 1 day"},           {"tumbling_1_day", 86400, "tumbling 1 day"},
        {"tumbling_1_minute", 60, "tumbling 1 minute"},        {"tumbling 15 minutes", 900, "tumbling 15 minutes"},
        {"tumbling 6 hours", 21600, "tumbling 6 hours"},       {"tumbling 60 minutes", 3600, "tumbling 1 hour"},
        {" tumbling  12 hours ", 43200, "tumbling 12 hours"},  {"tumbling 720 minutes", 43200, "tumbling 12 hours"},
        {"tumbling_1_week", WINDOW_WEEK_S, "tumbling 1 week"}, {"tumbling 1 month", WINDOW_MONTH_S, "tumbling 1 month"},
        {"tumbling 1 year", WINDOW_YEAR_S, "tumbling 1 year"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct window window = {0};
        struct error error = {0};
        struct buffer printed = {0};
        assert_true(window_parse(text_of(cases[i].text), &window, &error));
        assert_int_equal(window.length_s, cases[i].length_s);
        window_print(&window, &printed);
        assert_string_equal(buffer_string(&printed), cases[i].printed);
        buffer_clean_up(&printed);
    }
}

static void hopping_windows_are_parsed_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t length_s, panes;
        const char *printed;
    } cases[] = {
        {"hopping 1 hour every 5 minutes", 300, 12, "hopping 1 hour every 5 minutes"},
        {"sliding_90_minutes_every_30_minutes", 1800, 3, "hopping 90 minutes every 30 minutes"},
        {"hopping 24 hours every 1 hour", 3600, 24, "hopping 24 hours every 1 hour"},
        {"hopping 7 days every 1 day", 86400, 7, "hopping 7 days every 1 day"},
        {"hopping 1 day every 1 day", 86400, 1, "tumbling 1 day"},
        {"hopping 14 days every 2 days", 172800, 7, "hopping 14 days every 2 days"},
        {"sliding_7_days_every_7_days", 604800, 1, "hopping 7 days every 7 days"},
        {"hopping 36000 days every 25 days", 2160000, 1440, "hopping 36000 days every 25 days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct window window = {0};
        struct error error = {0};
        struct buffer printed = {0};
        int64_t panes = 0;
        assert_true(window_parse_asked(text_of(cases[i].text), &window, &panes, &error));
        assert_int_equal(window.length_s, cases[i].length_s);
        assert_int_equal(window.hop_days, window.length_s > 86400 ? window.length_s / 86400 : 0);
        assert_int_equal(panes, cases[i].panes);
        window_print_asked(&window, panes, &printed);
        assert_string_equal(buffer_string(&printed), cases[i].printed);
        buffer_clean_up(&printed);
    }
}

static void sessions_are_parsed_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t gap_s;
        const char *printed;
    } cases[] = {
        {"session 30 minutes", 1800, "session 30 minutes"},
        {"session_90_seconds", 90, "session 90 seconds"},
        {"session 60 seconds", 60, "session 1 minute"},
        {"session 1 second", 1, "session 1 second"},
        {"session 1440 minutes", 86400, "session 1440 minutes"},
        {"session_86400_seconds", 86400, "session 1440 minutes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct window window = {0};
        struct error error = {0};
        struct buffer printed = {0}, panes = {0};
        assert_true(window_parse_session(text_of(cases[i].text), &window, &error));
        assert_int_equal(window.gap_s, cases[i].gap_s);
        assert_true(window_is_of_moments(&window));
        window_print_asked(&window, 1, &printed);
        assert_string_equal(buffer_string(&printed), cases[i].printed);
        window_print(&window, &panes);
        assert_string_equal(buffer_string(&panes), "moment");
        buffer_clean_up(&printed);
        buffer_clean_up(&panes);
    }
    static const char *const wrong[] = {"session",
                                        "session 0 minutes",
                                        "session 1441 minutes",
                                        "session 30",
                                        "session 86401 seconds",
                                        "session 1 hour",
                                        "session 1 day",
                                        "session -5 minutes",
                                        "session 5 minutes 2",
                                        "sessions 1 minute",
                                        "session 5 minutes every 1 minute"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct window window = {.length_s = 4711};
        struct error error = {0};
        assert_false(window_parse_session(text_of(wrong[i]), &window, &error));
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        assert_non_null(strstr(error.message, "a gap of seconds or minutes, at most a day: \"session 30 minutes\""));
        assert_int_equal(window.length_s, 4711);
    }
}

static void windows_in_microseconds_are_those_in_seconds_and_moments_are_one_long(void **state)
{
    (void)state;
    struct zone *zone = open_zone("Europe/London");
    static const struct window session = {.gap_s = 60};
    struct window_cursor cursor = {0};
    const int64_t at_us = INT64_C(1774746000123456);
    assert_int_equal(window_start_us(&hour, zone, at_us), window_start(&hour, zone, at_us / 1000000) * 1000000);
    assert_int_equal(window_end_us(&day, zone, at_us), window_end(&day, zone, at_us / 1000000) * 1000000);
    assert_int_equal(window_start_near_us(&hour, zone, &cursor, at_us), window_start_us(&hour, zone, at_us));
    assert_int_equal(window_start_us(&minute, zone, -1), -60000000);
    assert_int_equal(window_start_us(&session, zone, at_us), at_us);
    assert_int_equal(window_start_near_us(&session, zone, &cursor, at_us), at_us);
    assert_int_equal(window_end_us(&session, zone, at_us), at_us + 1);
    zone_close(zone);
}

static void a_misspelt_window_is_refused_with_the_one_that_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *text, *meant; /* NULL where nothing is near */
    } cases[] = {{"tumblin 1 day", "tumbling 1 day"},
                 {"Tumbling 1 day", "tumbling 1 day"},
                 {"tumbling 1 dya", "tumbling 1 day"},
                 {"tumblng 1 dya", "tumbling 1 day"},
                 {"tumbling_15_minuts", "tumbling 15 minutes"},
                 {"tumbling 6 Hours", "tumbling 6 hours"},
                 {"tumbling 6 hrs", "tumbling 6 hours"},
                 {"tumblin 7 minutes", NULL},
                 {"tumbling 2 dyas", NULL},
                 {"tumbling 1 weak", "tumbling 1 week"},
                 {"tumbling 1 moth", "tumbling 1 month"},
                 {"tumbling 2 moths", NULL},
                 {"tumbling 10 seconds", NULL},
                 {"tumblin 1 day 2", NULL},
                 {"sliding 1 day", NULL},
                 {"tumbling day", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct window window;
        struct error error = {0};
        assert_false(window_parse(text_of(cases[i].text), &window, &error));
        const char *found = strstr(error.message, "; did you mean ");
        char expected[60];
        (void)snprintf(expected, sizeof expected, "; did you mean \"%s\"?", cases[i].meant ? cases[i].meant : "");
        if (cases[i].meant ? !found || strcmp(found, expected) != 0 : found != NULL) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
    }
}

static void what_is_no_window_is_refused_and_leaves_the_output_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "tumbling",
                                        "tumbling 1",
                                        "tumbling 2 days",
                                        "tumbling 24 hours",
                                        "tumbling 1440 minutes",
                                        "tumbling 7 minutes",
                                        "tumbling 5 hours",
                                        "tumbling 0 minutes",
                                        "tumbling -1 minutes",
                                        "tumbling 2 weeks",
                                        "tumbling 7 days",
                                        "tumbling 12 months",
                                        "tumbling 0 years",
                                        "sliding 1 day",
                                        "tumbling 1 day 2",
                                        "tumbling 01 minutes",
                                        "tumbling 99999999999999999999 minutes",
                                        "tumbling 1 minutess",
                                        "1 day",
                                        "tumbling 1.5 hours"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct window window = {.length_s = 4711};
        struct error error = {0};
        if (window_parse(text_of(texts[i]), &window, &error)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        assert_non_null(strstr(error.message, "1 day, 1 week, 1 month, 1 year, or hours or minutes that divide a day"));
        assert_int_equal(window.length_s, 4711);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_begins_at_its_first_instant_and_ends_with_the_next),
        cmocka_unit_test(a_day_starts_in_itself),
        cmocka_unit_test(sessions_are_parsed_and_printed),
        cmocka_unit_test(windows_in_microseconds_are_those_in_seconds_and_moments_are_one_long),
        cmocka_unit_test(weeks_months_and_years_are_whole_local_days),
        cmocka_unit_test(no_moment_falls_into_a_day_that_was_left_out),
        cmocka_unit_test(hours_and_minutes_are_cut_from_local_time),
        cmocka_unit_test(a_window_holds_the_moments_of_one_local_hour_one_after_the_other),
        cmocka_unit_test(the_cursor_never_changes_the_answer),
        cmocka_unit_test(windows_are_read_in_both_spellings_and_printed_in_one),
        cmocka_unit_test(hopping_windows_are_parsed_and_printed),
        cmocka_unit_test(a_misspelt_window_is_refused_with_the_one_that_was_meant),
        cmocka_unit_test(what_is_no_window_is_refused_and_leaves_the_output_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
