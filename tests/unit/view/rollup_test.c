/* SPDX-License-Identifier: Apache-2.0
 * Rows merged from panes equal those that are added up version by version, whatever is asked. */
#include "cmocka_test.h"

#include "base/clock.h"
#include "panes_in_order.h"
#include "view/rollup.h"

enum { CATEGORY, SHELF, AMOUNT, FIELDS };

static const struct field fields[FIELDS] = {
    {"category", FIELD_TEXT, 0}, {"shelf", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = FIELD_NONE, .event_time = "at"};

struct fixture {
    struct zone *zone;
    struct view view;
    struct panes panes;
    struct view_question question;
    struct rollup rollup;
};

static void open_view(struct fixture *fixture, const char *zone, int64_t pane_s)
{
    struct error error = {0};
    *fixture = (struct fixture){0};
    if (!zone_open(zone, &fixture->zone, &error))
        fail_msg("%s", error.message);
    fixture->view = (struct view){.name = "v",
                                  .schema = &schema,
                                  .window = {.length_s = pane_s},
                                  .zone = fixture->zone,
                                  .dimensions = {CATEGORY, SHELF},
                                  .dimension_count = 2,
                                  .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0},
                                               {"s", MEASURE_SUM, AMOUNT, 0},
                                               {"a", MEASURE_AVERAGE, AMOUNT, 0}},
                                  .measure_count = 3,
                                  .sums = {AMOUNT},
                                  .sum_count = 1};
    panes_init(&fixture->panes, &fixture->view);
    question_init(&fixture->question, &fixture->view);
}

/* With the view as it is now. */
static void begin_again(struct fixture *fixture)
{
    panes_clean_up(&fixture->panes);
    panes_init(&fixture->panes, &fixture->view);
    question_init(&fixture->question, &fixture->view);
}

static void close_view(struct fixture *fixture)
{
    rollup_clean_up(&fixture->rollup);
    panes_clean_up(&fixture->panes);
    zone_close(fixture->zone);
}

static void ask(struct fixture *fixture, const char *window, const char *group_by, const char *order, const char *first)
{
    struct error error = {0};
    if ((window && !question_set_window(&fixture->question, text_of(window), &error)) ||
        (group_by && !question_set_group_by(&fixture->question, text_of(group_by), &error)) ||
        (order && !question_set_order(&fixture->question, text_of(order), &error)) ||
        (first && !question_set_per_window(&fixture->question, text_of(first), &error)))
        fail_msg("%s", error.message);
}

static void roll_up(struct fixture *fixture, int64_t from_s, int64_t to_s)
{
    size_t count = panes_count(&fixture->panes);
    struct pane *sorted = panes_in_order(&fixture->panes);
    rollup_init(&fixture->rollup, &fixture->question, from_s == INT64_MIN ? from_s : from_s * US_PER_SECOND,
                to_s == INT64_MAX ? to_s : to_s * US_PER_SECOND);
    for (size_t i = 0; i < count && sorted[i].window_start_us < rollup_reach_us(&fixture->rollup); i++)
        assert_true(rollup_add(&fixture->rollup, sorted[i].window_start_us, sorted[i].group, sorted[i].cell, false));
    free(sorted);
    assert_true(rollup_close(&fixture->rollup));
    assert_true(rollup_order(&fixture->rollup));
}

/* --- any question, recomputed from the versions --- */

#define VERSIONS 300

struct version {
    struct record record;
    struct value values[FIELDS];
    int sign;
};

static void random_version(struct version *version, int64_t around_s)
{
    static const char *const categories[] = {"a", "", "b:1"};
    uint64_t category = test_random(4);
    static const int64_t far_s[] = {3600, 3 * SECONDS_PER_DAY, 90 * SECONDS_PER_DAY};
    int64_t apart_s = far_s[test_random(3)];
    int64_t at_s = around_s + (int64_t)test_random((uint64_t)(2 * apart_s)) - apart_s;
    version->record = (struct record){at_s * US_PER_SECOND, version->values};
    version->values[CATEGORY] = (struct value){.present = category < 3};
    if (category < 3)
        version->values[CATEGORY].text = text_of(categories[category]);
    version->values[SHELF] = (struct value){.present = test_random(3) > 0, .number = (int64_t)test_random(3) - 1};
    version->values[AMOUNT] = (struct value){.present = test_random(5) > 0, .number = (int64_t)test_random(2000) - 300};
    version->sign = test_random(8) ? 1 : -1; /* what another side of the cut had added */
}

static bool is_same(const struct value *a, const struct value *b, bool is_text)
{
    if (!a->present || !b->present)
        return a->present == b->present;
    return is_text ? text_equal(a->text, b->text) : a->number == b->number;
}

static bool is_in_group(const struct view *rows, const struct version *version, struct text group)
{
    struct value dimensions[DIMENSIONS_MAX];
    assert_true(group_parse(rows, group, dimensions));
    for (size_t i = 0; i < rows->dimension_count; i++)
        if (!is_same(&dimensions[i], &version->values[rows->dimensions[i]],
                     fields[rows->dimensions[i]].type == FIELD_TEXT))
            return false;
    return true;
}

/* Is the version in the window that begins here? It is in the one that holds its moment, and so many before. */
static bool is_in_window(const struct view_question *question, const struct version *version, int64_t start_s)
{
    const struct view *rows = &question->rows;
    int64_t at_s = version->record.event_time_us / US_PER_SECOND;
    int64_t own_s = window_start(&rows->window, rows->zone, at_s), pane_s = start_s;
    for (int64_t i = 0; i < question->panes; i++) {
        if (pane_s == own_s)
            return true;
        pane_s = window_end(&rows->window, rows->zone, pane_s);
    }
    return false;
}

static void check_row(const struct fixture *fixture, const struct version versions[], const struct rollup_row *row)
{
    int64_t count = 0, summed = 0, total = 0;
    for (size_t i = 0; i < VERSIONS; i++) {
        const struct version *version = &versions[i];
        if (!is_in_group(&fixture->question.rows, version, row->group) ||
            !is_in_window(&fixture->question, version, row->start_us / US_PER_SECOND))
            continue;
        const struct value *amount = &version->values[AMOUNT];
        count += version->sign;
        summed += amount->present ? version->sign : 0;
        total += amount->present ? version->sign * amount->number : 0;
    }
    assert_int_equal(row->cell->count, count);
    assert_int_equal(row->cell->sums[0].count, summed);
    assert_true(row->cell->sums[0].total == total);
}

static int64_t count_all(const struct version versions[])
{
    int64_t count = 0;
    for (size_t i = 0; i < VERSIONS; i++)
        count += versions[i].sign;
    return count;
}

static void play(const char *zone, int64_t pane_s, const char *window, const char *group_by, int64_t around_s)
{
    static struct version versions[VERSIONS];
    struct fixture fixture;
    open_view(&fixture, zone, pane_s);
    ask(&fixture, window, group_by, NULL, NULL);
    for (size_t i = 0; i < VERSIONS; i++) {
        random_version(&versions[i], around_s);
        assert_int_equal(view_apply(&fixture.panes, &versions[i].record, versions[i].sign), 1);
    }
    roll_up(&fixture, INT64_MIN, INT64_MAX);
    int64_t counted = 0;
    for (size_t i = 0; i < fixture.rollup.count; i++) {
        check_row(&fixture, versions, fixture.rollup.rows[i]);
        counted += fixture.rollup.rows[i]->cell->count;
    }
    assert_int_equal(counted, count_all(versions) * fixture.question.panes); /* each in exactly so many rows */
    close_view(&fixture);
}

/* Changes of the clock: London in spring and autumn, Lord Howe by half an hour, Apia without a day, Havana with two
 * midnights, St John's back over midnight; and a turn of the year. */
static void any_roll_up_equals_its_recomputation(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t around_s;
    } places[] = {{"Europe/London", 1774746000},       {"Europe/London", 1761440400},
                  {"Australia/Lord_Howe", 1759590000}, {"Pacific/Apia", 1325239200},
                  {"America/Havana", 1478408400},      {"America/St_Johns", 1289097060},
                  {"America/Sao_Paulo", 1541300400},   {"UTC", 1735689600}};
    static const struct {
        int64_t pane_s;
        const char *window;
    } windows[] = {{60, "hopping 30 minutes every 10 minutes"},
                   {60, "tumbling 15 minutes"},
                   {900, "tumbling 6 hours"},
                   {900, "1 day"},
                   {3600, "1_week"},
                   {3600, "sliding 3 days every 1 day"},
                   {SECONDS_PER_DAY, "1 week"},
                   {SECONDS_PER_DAY, "1 month"},
                   {SECONDS_PER_DAY, "hopping 28 days every 1 day"},
                   {SECONDS_PER_DAY, "hopping 14 days every 2 days"},
                   {3600, "hopping 35 days every 7 days"},
                   {WINDOW_MONTH_S, "1 year"},
                   {WINDOW_WEEK_S, NULL}};
    static const char *const groups[] = {NULL, "", "category", "shelf", "shelf,category"};
    test_random_seed();
    for (size_t place = 0; place < sizeof places / sizeof *places; place++)
        for (size_t window = 0; window < sizeof windows / sizeof *windows; window++)
            play(places[place].zone, windows[window].pane_s, windows[window].window, groups[test_random(5)],
                 places[place].around_s);
}

/* --- a clock that goes back over midnight --- */

/* St John's on 2010-11-07: at 00:01 it is 23:01 of the day before once more. Starts are in days from the 6th on. */
static const int64_t sixth_s = 1289010600;
static const struct {
    int64_t at_s;
    const char *category;
    int64_t amount;
} around_midnight[] = {{1289072952, "a", 5},  /* the 6th */
                       {1289097041, "a", 5},  /* the 7th, for a minute */
                       {1289098483, "a", 5},  /* the 6th again */
                       {1289098483, "a", 6},  /* another value of that day */
                       {1289098483, "b", 6},  /* a group that it didn't have before */
                       {1289105243, "a", 5}}; /* the 7th again */

static void add_panes(struct panes *panes, struct rollup *rollup)
{
    size_t count = panes_count(panes);
    struct pane *sorted = panes_in_order(panes);
    for (size_t i = 0; i < count; i++)
        assert_true(rollup_add(rollup, sorted[i].window_start_us, sorted[i].group, sorted[i].cell, false));
    free(sorted);
    assert_true(rollup_close(rollup));
}

/* "day group count values", of each row. */
static void assert_around_midnight(const char *window, const char *expected)
{
    enum { HIDDEN = 7 };
    struct fixture fixture, hidden;
    struct view_question question;
    struct rollup members;
    struct buffer found = {0};
    open_view(&fixture, "America/St_Johns", 3600);
    fixture.view.dimension_count = fixture.view.member_count = 1;
    fixture.view.sum_count = 0;
    fixture.view.members[0] = HIDDEN;
    fixture.view.measures[1] = (struct measure){"u", MEASURE_UNIQUE, AMOUNT, 0};
    fixture.view.measure_count = 2;
    open_view(&hidden, "America/St_Johns", 3600);
    hidden.view.shown = &fixture.view;
    hidden.view.dimensions[1] = AMOUNT;
    hidden.view.measure_count = hidden.view.sum_count = 0;
    begin_again(&fixture);
    begin_again(&hidden);
    ask(&fixture, window, NULL, NULL, NULL);
    question_of_members(&fixture.question, &hidden.view, &question);
    for (size_t i = 0; i < sizeof around_midnight / sizeof *around_midnight; i++) {
        struct value values[FIELDS] = {[CATEGORY] = {.present = true, .text = text_of(around_midnight[i].category)},
                                       [AMOUNT] = {.present = true, .number = around_midnight[i].amount}};
        const struct record record = {around_midnight[i].at_s * US_PER_SECOND, values};
        assert_int_equal(view_apply(&fixture.panes, &record, 1), 1);
        assert_int_equal(view_apply(&hidden.panes, &record, 1), 1);
    }
    rollup_init(&fixture.rollup, &fixture.question, INT64_MIN, INT64_MAX);
    add_panes(&fixture.panes, &fixture.rollup);
    rollup_init_members(&members, &question, HIDDEN, &fixture.rollup);
    add_panes(&hidden.panes, &members);
    assert_true(rollup_order(&fixture.rollup));
    for (size_t i = 0; i < fixture.rollup.count; i++) {
        const struct rollup_row *row = fixture.rollup.rows[i];
        struct value category;
        assert_true(group_parse(&fixture.question.rows, row->group, &category));
        buffer_appendf(&found, "%s%+.0f%.*s:%lld/%lld", i ? " " : "",
                       (double)(row->start_us / US_PER_SECOND - sixth_s) / (double)SECONDS_PER_DAY,
                       (int)category.text.length, category.text.data, (long long)row->cell->count,
                       (long long)row->cell->sums[0].count);
    }
    assert_string_equal(buffer_string(&found), expected);
    buffer_clean_up(&found);
    rollup_clean_up(&members);
    rollup_init(&hidden.rollup, &hidden.question, 0, 0);
    close_view(&hidden);
    close_view(&fixture);
}

static void days_that_come_again_are_one_row_with_each_value_once(void **state)
{
    (void)state;
    assert_around_midnight("1 day", "+0a:3/2 +0b:1/1 +1a:2/1");
    assert_around_midnight("sliding 2 days every 1 day", "-1a:3/2 -1b:1/1 +0a:5/2 +0b:1/1 +1a:2/1");
}

/* --- ranges, and the order of rows --- */

static void put(struct fixture *fixture, int64_t at_s, const char *category, int64_t shelf, int64_t amount)
{
    struct value values[FIELDS] = {[CATEGORY] = {.present = category != NULL},
                                   [SHELF] = {.present = shelf >= 0, .number = shelf},
                                   [AMOUNT] = {.present = amount >= 0, .number = amount}};
    if (category)
        values[CATEGORY].text = text_of(category);
    const struct record record = {at_s * US_PER_SECOND, values};
    assert_int_equal(view_apply(&fixture->panes, &record, 1), 1);
}

/* "start count" of each row, with the first letter of its category. */
static void assert_rows(const struct fixture *fixture, const char *expected)
{
    struct buffer found = {0};
    for (size_t i = 0; i < fixture->rollup.count; i++) {
        const struct rollup_row *row = fixture->rollup.rows[i];
        struct value dimensions[DIMENSIONS_MAX];
        assert_true(group_parse(&fixture->question.rows, row->group, dimensions));
        buffer_appendf(&found, "%s%lld", i ? " " : "", (long long)(row->start_us / US_PER_SECOND / 3600));
        if (fixture->question.rows.dimension_count > 0)
            buffer_appendf(&found, "%c", dimensions[0].present ? dimensions[0].text.data[0] : '-');
        buffer_appendf(&found, ":%lld", (long long)row->cell->count);
    }
    assert_string_equal(buffer_string(&found), expected);
    buffer_clean_up(&found);
}

static void a_window_is_answered_by_its_start_whole(void **state)
{
    (void)state;
    struct fixture fixture;
    open_view(&fixture, "UTC", 3600);
    for (int64_t hour = 0; hour < 72; hour++)
        put(&fixture, hour * 3600, "a", 1, 100);
    ask(&fixture, "1 day", "", NULL, NULL);
    roll_up(&fixture, 3600, 24 * 3600 + 1);
    assert_rows(&fixture, "24:24");
    assert_int_equal(fixture.rollup.rows[0]->end_us, 48 * 3600 * US_PER_SECOND);
    close_view(&fixture);
}

static void hopping_windows_hold_each_version_as_often_as_they_have_panes(void **state)
{
    (void)state;
    struct fixture fixture;
    open_view(&fixture, "UTC", 3600);
    put(&fixture, 10 * 3600, "a", 1, 100);
    put(&fixture, 12 * 3600 + 1, "a", 1, 100);
    ask(&fixture, "hopping 3 hours every 1 hour", "", NULL, NULL);
    roll_up(&fixture, INT64_MIN, INT64_MAX);
    assert_rows(&fixture, "8:1 9:1 10:2 11:1 12:1");
    assert_int_equal(fixture.rollup.rows[0]->end_us, 11 * 3600 * US_PER_SECOND);
    close_view(&fixture);
}

static void fill_for_order(struct fixture *fixture)
{
    open_view(fixture, "UTC", 3600);
    put(fixture, 0, "a", 1, 500);
    put(fixture, 0, "b", 1, 700);
    put(fixture, 1, "b", 1, 300);
    put(fixture, 0, NULL, 1, 900);
    put(fixture, 3600, "c", 1, -1);
    put(fixture, 3600, "a", 1, 500);
}

static void rows_are_ordered_with_nulls_last_and_equal_ones_by_window(void **state)
{
    (void)state;
    static const struct {
        const char *order, *rows;
    } cases[] = {
        {NULL, "0-:1 0a:1 0b:2 1a:1 1c:1"},
        {"-s", "0b:2 0-:1 0a:1 1a:1 1c:1"},
        {"s", "0a:1 1a:1 0-:1 0b:2 1c:1"},
        {"category", "0a:1 1a:1 0b:2 1c:1 0-:1"},
        {"-category", "1c:1 0b:2 0a:1 1a:1 0-:1"},
        {"-n,-category", "0b:2 1c:1 0a:1 1a:1 0-:1"},
        {"-window_start,-a", "1a:1 1c:1 0-:1 0a:1 0b:2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture;
        fill_for_order(&fixture);
        ask(&fixture, NULL, "category", cases[i].order, NULL);
        roll_up(&fixture, INT64_MIN, INT64_MAX);
        assert_rows(&fixture, cases[i].rows);
        close_view(&fixture);
    }
}

static void the_first_rows_of_each_window_are_those_of_the_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fill_for_order(&fixture);
    ask(&fixture, NULL, "category", "-s", "1");
    roll_up(&fixture, INT64_MIN, INT64_MAX);
    assert_rows(&fixture, "0b:2 1a:1");
    close_view(&fixture);
    fill_for_order(&fixture);
    ask(&fixture, NULL, "category", NULL, "2");
    roll_up(&fixture, INT64_MIN, INT64_MAX);
    assert_rows(&fixture, "0-:1 0a:1 1a:1 1c:1");
    close_view(&fixture);
}

static void a_page_goes_on_behind_the_values_of_a_row(void **state)
{
    (void)state;
    struct fixture fixture;
    fill_for_order(&fixture);
    ask(&fixture, NULL, "category", "-s", NULL);
    roll_up(&fixture, INT64_MIN, INT64_MAX);
    for (size_t i = 0; i < fixture.rollup.count; i++)
        assert_int_equal(rollup_behind(&fixture.rollup, fixture.rollup.rows[i]), i + 1);
    union {
        struct cell cell;
        unsigned char bytes[sizeof(struct cell) + sizeof(struct sum)];
    } gone = {0};
    gone.cell.sums[0] = (struct sum){1, 800};
    const struct rollup_row row = {.start_us = 0, .group = text_of("+1:z"), .cell = &gone.cell};
    assert_int_equal(rollup_behind(&fixture.rollup, &row), 2);
    close_view(&fixture);
}

static void a_view_that_hops_is_asked_for_its_rows_unless_panes_are(void **state)
{
    (void)state;
    struct fixture fixture;
    open_view(&fixture, "UTC", 300);
    fixture.view.panes = 6;
    question_init(&fixture.question, &fixture.view);
    assert_int_equal(fixture.question.panes, 6);
    assert_int_equal(fixture.question.rows.window.length_s, 300);
    assert_false(question_is_plain(&fixture.question));
    ask(&fixture, "tumbling 5 minutes", NULL, NULL, NULL);
    assert_true(question_is_plain(&fixture.question));
    ask(&fixture, "hopping 1 hour every 30 minutes", NULL, NULL, NULL);
    assert_int_equal(fixture.question.panes, 2);
    assert_int_equal(fixture.question.rows.window.length_s, 1800);
    close_view(&fixture);
}

static void a_view_that_hops_by_days_is_asked_for_multiples_of_them(void **state)
{
    (void)state;
    static const char *const others[] = {"1 day", "1 week", "hopping 6 days every 3 days", "1 month"};
    struct fixture fixture;
    struct error error = {0};
    open_view(&fixture, "UTC", 2 * SECONDS_PER_DAY);
    fixture.view.window.hop_days = 2;
    question_init(&fixture.question, &fixture.view);
    ask(&fixture, "hopping 8 days every 4 days", NULL, NULL, NULL);
    assert_int_equal(fixture.question.panes, 2);
    ask(&fixture, "hopping 2 days every 2 days", NULL, NULL, NULL);
    assert_true(question_is_plain(&fixture.question));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(question_set_window(&fixture.question, text_of(others[i]), &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, "possible are windows that hop by multiples of 2 days"));
    }
    close_view(&fixture);
}

/* --- what is refused --- */

static void what_panes_do_not_make_up_is_refused_with_what_they_do(void **state)
{
    (void)state;
    static const struct {
        int64_t pane_s;
        const char *zone, *window, *said;
    } cases[] = {
        {SECONDS_PER_DAY, "UTC", "tumbling 1 hour", "\"1 day\", \"1 week\""},
        {3600, "UTC", "15 minutes", "multiples of \"tumbling 1 hour\""},
        {900, "UTC", "20 minutes", "multiples of \"tumbling 15 minutes\""},
        {WINDOW_WEEK_S, "UTC", "1 month", "tumbling 1 week"},
        {WINDOW_WEEK_S, "UTC", "hopping 14 days every 7 days", "tumbling 1 week"},
        {WINDOW_MONTH_S, "UTC", "hopping 3 days every 1 day", "\"1 month\" and \"1 year\""},
        {60, "Australia/Lord_Howe", "hopping 6 hours every 1 hour", "a hop of 30 minutes is"},
        {60, "UTC", "hopping 1 hour every 7 minutes", "divide an hour"},
        {60, "UTC", "hopping 50 minutes every 20 minutes", "divide"},
        {60, "UTC", "hopping 1 day every 1 hour", "24 hours every 1 hour"},
        {60, "UTC", "hopping 1441 minutes every 1 minute", "1440"},
        {60, "UTC", "3 fortnights", "must be"},
        {60, "UTC", "", "must be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture;
        struct error error = {0};
        open_view(&fixture, cases[i].zone, cases[i].pane_s);
        assert_false(question_set_window(&fixture.question, text_of(cases[i].window), &error));
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, cases[i].said))
            fail_msg("%s: %s", cases[i].window, error.message);
        close_view(&fixture);
    }
}

static void names_that_rows_do_not_have_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct error error = {0};
    open_view(&fixture, "UTC", 3600);
    assert_false(question_set_group_by(&fixture.question, text_of("categry"), &error));
    assert_non_null(strstr(error.message, "did you mean \"category\""));
    assert_false(question_set_group_by(&fixture.question, text_of("shelf,shelf"), &error));
    assert_false(question_set_group_by(&fixture.question, text_of("shelf,"), &error));
    ask(&fixture, NULL, "shelf", NULL, NULL);
    assert_false(question_set_order(&fixture.question, text_of("category"), &error));
    assert_false(question_set_order(&fixture.question, text_of("s,-s"), &error));
    assert_non_null(strstr(error.message, "twice"));
    assert_false(question_set_order(&fixture.question, text_of(""), &error));
    assert_false(question_set_order(&fixture.question, text_of("--s"), &error));
    assert_false(question_set_per_window(&fixture.question, text_of("0"), &error));
    assert_false(question_set_per_window(&fixture.question, text_of("ten"), &error));
    close_view(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_roll_up_equals_its_recomputation),
        cmocka_unit_test(days_that_come_again_are_one_row_with_each_value_once),
        cmocka_unit_test(a_window_is_answered_by_its_start_whole),
        cmocka_unit_test(hopping_windows_hold_each_version_as_often_as_they_have_panes),
        cmocka_unit_test(rows_are_ordered_with_nulls_last_and_equal_ones_by_window),
        cmocka_unit_test(the_first_rows_of_each_window_are_those_of_the_order),
        cmocka_unit_test(a_page_goes_on_behind_the_values_of_a_row),
        cmocka_unit_test(a_view_that_hops_is_asked_for_its_rows_unless_panes_are),
        cmocka_unit_test(a_view_that_hops_by_days_is_asked_for_multiples_of_them),
        cmocka_unit_test(what_panes_do_not_make_up_is_refused_with_what_they_do),
        cmocka_unit_test(names_that_rows_do_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
