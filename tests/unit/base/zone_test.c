/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/zone.h"

static struct zone *open_zone(const char *name)
{
    struct zone *zone = NULL;
    struct error error = {0};
    if (!zone_open(name, &zone, &error)) {
        fail_msg("%s", error.message);
    }
    return zone;
}

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

/* --- a folder of made-up zones --- */

static char folder[] = "/tmp/zone-test-XXXXXX";

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A TZif file of version 2 without changes, with one type of this offset, and a footer. */
static size_t make_file(unsigned char out[400], int32_t offset_s, unsigned char leaps, const char *footer)
{
    static const unsigned char header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
    size_t size = 0;
    for (int block = 0; block < 2; block++) {
        memcpy(out + size, header, sizeof header);
        out[size + 31] = leaps;
        size += sizeof header;
        for (int shift = 24; shift >= 0; shift -= 8) {
            out[size++] = (unsigned char)((uint32_t)offset_s >> shift & 0xff);
        }
        memcpy(out + size, "\0\0LMT", 6);
        size += 6;
        memset(out + size, 0, 12u * leaps);
        size += (block == 0 ? 8u : 12u) * leaps;
    }
    return size + (size_t)snprintf((char *)out + size, 400 - size, "\n%s\n", footer);
}

static struct zone *open_made_up(const char *footer)
{
    unsigned char file[400];
    write_bytes("Made_Up", file, make_file(file, 0, 0, footer));
    return open_zone("Made_Up");
}

static int enter_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder) || setenv("TZDIR", folder, 1) != 0;
}

static int leave_folder(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/Made_Up", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return unsetenv("TZDIR");
}

/* --- tests --- */

static void days_and_civil_dates_are_each_others_inverse(void **state)
{
    (void)state;
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(days_from_civil(2100, 3, 1), 47541);
    assert_int_equal(days_from_civil(1, 1, 1), -719162);
    int64_t expected = days_from_civil(-401, 12, 31);
    for (int year = -400; year <= 2800; year++) {
        for (int month = 1; month <= 12; month++) {
            static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (int day = 1; day <= lengths[month - 1] + leap; day++) {
                int got_year, got_month, got_day;
                assert_int_equal(days_from_civil(year, month, day), ++expected);
                civil_from_days(expected, &got_year, &got_month, &got_day);
                assert_true(got_year == year && got_month == month && got_day == day);
            }
        }
    }
}

/* What each zone's clock showed, where its rules are odd. */
static void offsets_are_right_where_zones_are_odd(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t at_s;
        int32_t offset_s;
    } cases[] = {
        {"UTC", 1743296399, 0},
        {"Europe/London", 1743296399, 0}, /* a second before summer time */
        {"Europe/London", 1743296400000000, 3600},
        {"America/Havana", 1730608200, -14400}, /* 00:30 for the first and the second time */
        {"America/Havana", 1730611800, -18000},
        {"Africa/Cairo", 1714084200, 10800},        /* no midnight that day */
        {"Australia/Lord_Howe", 1743866100, 37800}, /* half an hour of summer time */
        {"Asia/Kathmandu", 1767291299000000, 20700},
        {"Pacific/Apia", 1325239199, -36000}, /* 30 December 2011 was left out */
        {"Pacific/Apia", 1325239200, 50400},
        {"Europe/Dublin", 1736942400, 0}, /* winter time is the negative daylight time */
        {"Europe/Dublin", 1752580800, 3600},
        {"Africa/Casablanca", 1710072000, 0}, /* less an hour in Ramadan 2024 */
        {"Africa/Casablanca", 1713061800, 3600},
        {"America/Nuuk", 1711845000, -7200}, /* changes late on the evening before */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone);
        assert_string_equal(zone_name(zone), cases[i].zone);
        if (zone_offset(zone, cases[i].at_s) != cases[i].offset_s) {
            fail_msg("case %zu: %s at %lld has %d", i, cases[i].zone, (long long)cases[i].at_s,
                     zone_offset(zone, cases[i].at_s));
        }
        zone_close(zone);
    }
}

static void a_span_is_the_time_between_two_changes(void **state)
{
    (void)state;
    struct zone *zone = open_zone("Europe/London");
    int64_t spring = utc(2025, 3, 30, 1, 0), autumn = utc(2025, 10, 26, 1, 0);
    const int64_t inside[] = {spring, spring + 1, utc(2025, 7, 1, 0, 0), autumn - 1};
    for (size_t i = 0; i < 4; i++) {
        struct zone_span span = zone_span(zone, inside[i]);
        assert_int_equal(span.from_s, spring);
        assert_int_equal(span.to_s, autumn);
        assert_int_equal(span.offset_s, 3600);
    }
    assert_int_equal(zone_span(zone, autumn).from_s, autumn);
    assert_int_equal(zone_span(zone, spring - 1).to_s, spring);
    zone_close(zone);
}

static void a_zone_without_changes_is_one_span(void **state)
{
    (void)state;
    struct zone *zone = open_made_up("<+0545>-5:45");
    struct zone_span span = zone_span(zone, 0);
    assert_true(span.from_s == INT64_MIN && span.to_s == INT64_MAX);
    assert_int_equal(span.offset_s, 20700);
    zone_close(zone);
}

static void the_footer_holds_in_2100_and_in_thousands_of_years(void **state)
{
    (void)state;
    struct zone *zone = open_made_up("GMT0BST,M3.5.0/1,M10.5.0");
    static const int years[] = {1970, 2026, 2099, 2100, 2400, 2426, 9999};
    static const int spring_days[] = {29, 29, 29, 28, 26, 29, 28}, autumn_days[] = {25, 25, 25, 31, 29, 25, 31};
    for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
        int64_t spring = utc(years[i], 3, spring_days[i], 1, 0), autumn = utc(years[i], 10, autumn_days[i], 1, 0);
        struct zone_span span = zone_span(zone, utc(years[i], 7, 1, 0, 0));
        assert_int_equal(span.from_s, spring);
        assert_int_equal(span.to_s, autumn);
        assert_int_equal(span.offset_s, 3600);
        assert_int_equal(zone_span(zone, spring - 1).to_s, spring);
        assert_int_equal(zone_span(zone, autumn).from_s, autumn);
        assert_int_equal(zone_offset(zone, autumn), 0);
    }
    zone_close(zone);
}

static void every_form_of_a_footer_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *footer;
        int64_t change_s; /* one of the changes of 2028 */
        int32_t before_s, after_s;
    } cases[] = {
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 1837645200, 0, 3600},           /* 2028-03-26T01:00Z */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1837645200, -7200, -3600}, /* the evening before */
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", 1837555200, 7200, 10800},   /* 2028-03-25T00:00Z */
        {"AAA3BBB,J60/0,J300", 1835492400, -10800, -7200},             /* 1 March, also in a leap year */
        {"AAA3BBB,59/0,300", 1835406000, -10800, -7200},               /* 29 February in a leap year */
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1838210400, 46800, 43200},     /* 2028-04-01T14:00Z */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1838214000, 39600, 37800},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_made_up(cases[i].footer);
        struct zone_span span = zone_span(zone, cases[i].change_s);
        if (span.from_s != cases[i].change_s || span.offset_s != cases[i].after_s ||
            zone_offset(zone, cases[i].change_s - 1) != cases[i].before_s) {
            fail_msg("%s: a change at %lld to %d", cases[i].footer, (long long)span.from_s, span.offset_s);
        }
        zone_close(zone);
    }
}

static void daylight_time_all_year_never_changes(void **state)
{
    (void)state;
    struct zone *zone = open_made_up("XXX3EDT4,0/0,J365/23");
    struct zone_span span = zone_span(zone, utc(2050, 6, 1, 0, 0));
    assert_int_equal(span.offset_s, -14400);
    assert_true(span.from_s < utc(2049, 1, 1, 0, 0) && span.to_s > utc(2052, 1, 1, 0, 0));
    zone_close(zone);
}

static void the_instant_of_a_local_time_is_its_first(void **state)
{
    (void)state;
    struct zone *london = open_zone("Europe/London"), *apia = open_zone("Pacific/Apia");
    struct zone *havana = open_zone("America/Havana");
    /* plain */
    assert_int_equal(zone_instant(london, utc(2025, 7, 1, 12, 0)), utc(2025, 7, 1, 11, 0));
    /* 01:00 to 02:00 doesn't exist: the instant of the jump */
    int64_t jump = utc(2025, 3, 30, 1, 0);
    assert_int_equal(zone_instant(london, utc(2025, 3, 30, 0, 59)), jump - 60);
    assert_int_equal(zone_instant(london, utc(2025, 3, 30, 1, 0)), jump);
    assert_int_equal(zone_instant(london, utc(2025, 3, 30, 1, 59)), jump);
    assert_int_equal(zone_instant(london, utc(2025, 3, 30, 2, 0)), jump);
    assert_int_equal(zone_instant(london, utc(2025, 3, 30, 2, 1)), jump + 60);
    /* 01:00 to 02:00 comes twice: the earlier */
    assert_int_equal(zone_instant(london, utc(2025, 10, 26, 1, 30)), utc(2025, 10, 26, 0, 30));
    assert_int_equal(zone_instant(london, utc(2025, 10, 26, 2, 0)), utc(2025, 10, 26, 2, 0));
    assert_int_equal(zone_instant(havana, utc(2024, 11, 3, 0, 30)), 1730608200);
    /* a whole day that doesn't exist */
    assert_int_equal(zone_instant(apia, utc(2011, 12, 30, 12, 0)), 1325239200);
    zone_close(london);
    zone_close(apia);
    zone_close(havana);
}

static void local_times_are_written_with_their_offset(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t at_us;
        const char *text;
    } cases[] = {
        {"UTC", 1767225600000000, "2026-01-01T00:00:00+00:00"},
        {"Europe/London", 1743296400000000, "2025-03-30T02:00:00+01:00"},
        {"America/St_Johns", 1289101500000000, "2010-11-07T00:15:00-03:30"},
        {"Asia/Kathmandu", 1767291299000000, "2026-01-01T23:59:59+05:45"},
        {"UTC", -1000000, "1969-12-31T23:59:59+00:00"},
        {"UTC", -1, "1969-12-31T23:59:59.999999+00:00"},
        {"UTC", 1767225600500000, "2026-01-01T00:00:00.5+00:00"},
        {"Asia/Kathmandu", 1767291299000100, "2026-01-01T23:59:59.0001+05:45"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone);
        struct buffer buffer = {0};
        buffer_append_local_time(&buffer, zone, cases[i].at_us);
        assert_string_equal(buffer_string(&buffer), cases[i].text);
        buffer_clean_up(&buffer);
        zone_close(zone);
    }
}

static void assert_refused(const char *name, const char *part_of_message)
{
    struct zone *zone = (struct zone *)folder; /* must stay as it is */
    struct error error = {0};
    assert_false(zone_open(name, &zone, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    assert_ptr_equal(zone, folder);
    if (!strstr(error.message, part_of_message)) {
        fail_msg("\"%s\" doesn't say \"%s\"", error.message, part_of_message);
    }
}

static void assert_nothing_meant(const char *name)
{
    struct zone *zone;
    struct error error = {0};
    assert_false(zone_open(name, &zone, &error));
    char expected[100];
    (void)snprintf(expected, sizeof expected, "unknown time zone \"%s\"", name);
    assert_string_equal(error.message, expected);
}

static void what_is_no_zone_is_refused_with_the_name_that_was_meant(void **state)
{
    (void)state;
    assert_refused("Europe/Lodnon", "did you mean \"Europe/London\"?");
    assert_refused("Amercia/New_York", "did you mean \"America/New_York\"?");
    assert_refused("Amercia/New_Yrok", "did you mean \"America/New_York\"?");
    assert_refused("America/Argentna/Buenos_Aries", "did you mean \"America/Argentina/Buenos_Aires\"?");
    assert_refused("Europe//Lodnon/", "did you mean \"Europe/London\"?");
    assert_refused("UCTT", "did you mean \"UCT\"?");
    assert_nothing_meant("Nowhere/Atall");
    assert_nothing_meant("Europe/Nowhere");
    assert_nothing_meant("Europe"); /* a folder */
    assert_nothing_meant("Europ");
    assert_nothing_meant("UTC/London"); /* a file is no folder */
    assert_nothing_meant("zone.tbb");   /* is near a file that is no zone */
    assert_nothing_meant("posx/Europe/London");
    assert_nothing_meant(".");
    static const char *const unsafe[] = {"", "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC", "Europe London"};
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        assert_refused(unsafe[i], "isn't the name of a time zone");
    }
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    unsigned char file[400];
    size_t size = make_file(file, 3600, 0, "AAA-1");
    for (size_t shorter = 0; shorter < size; shorter++) {
        write_bytes("Made_Up", file, shorter);
        assert_refused("Made_Up", "TZif file");
    }
    static const char *const footers[] = {"A",
                                          "AAA",
                                          "AAA-25",
                                          "AAA1BBB",
                                          "AAA1BBB,M3.5.0",
                                          "AAA1BBB,M13.1.0,M1.1.0",
                                          "AAA1BBB,M3.6.0,M1.1.0",
                                          "AAA1BBB,J0,J1",
                                          "AAA1BBB,1/168,2",
                                          "<AA1",
                                          "AAA1BBB,1,2x"};
    for (size_t i = 0; i < sizeof footers / sizeof footers[0]; i++) {
        write_bytes("Made_Up", file, make_file(file, 3600, 0, footers[i]));
        assert_refused("Made_Up", "damaged");
    }
    write_bytes("Made_Up", file, make_file(file, 30 * 3600, 0, "AAA-1"));
    assert_refused("Made_Up", "damaged");
    write_bytes("Made_Up", file, make_file(file, 3600, 1, "AAA-1"));
    assert_refused("Made_Up", "leap seconds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_civil_dates_are_each_others_inverse),
        cmocka_unit_test(offsets_are_right_where_zones_are_odd),
        cmocka_unit_test(a_span_is_the_time_between_two_changes),
        cmocka_unit_test(the_instant_of_a_local_time_is_its_first),
        cmocka_unit_test(local_times_are_written_with_their_offset),
        cmocka_unit_test(what_is_no_zone_is_refused_with_the_name_that_was_meant),
        cmocka_unit_test_setup_teardown(a_zone_without_changes_is_one_span, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(the_footer_holds_in_2100_and_in_thousands_of_years, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(every_form_of_a_footer_is_understood, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(daylight_time_all_year_never_changes, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(damaged_files_are_refused, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
