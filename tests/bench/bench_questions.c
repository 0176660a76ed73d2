/* SPDX-License-Identifier: Apache-2.0
 * How long questions over panes take from memory: rows are put into a snapshot, and each question is picked from it
 * again and again, as a request has it picked.
 *
 * usage: bench_questions [ROUNDS]
 *
 * It prints a row of a table for each question: panes and members that it merges, rows that it gives, and the least and
 * the median of the processor time in milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "pick.h"

#define FIRST_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define CATEGORIES 20
#define VALUES 5       /* of a day and category, for each measure that rests on members */
#define CUSTOMERS 1000 /* who take turns */
#define ROUNDS_MAX 1000

enum { CATEGORY, CUSTOMER, AMOUNT, FIELD_COUNT };
enum { MINUTES, DAYS, DAYS_CUSTOMERS, DAYS_AMOUNTS, VIEW_COUNT };

static const struct field fields[FIELD_COUNT] = {
    {"category", FIELD_TEXT, 0}, {"customer_id", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = FIELD_COUNT, .key = FIELD_NONE};

/* A number of what must not fail here. */
static void check(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "bench_questions: %s\n", what);
    exit(1);
}

/* --- the views --- */

static void make_view(struct view *view, const char *name, int64_t length_s, const struct zone *zone)
{
    *view = (struct view){
        .name = name,
        .schema = &schema,
        .window = {.length_s = length_s},
        .zone = zone,
        .dimensions = {CATEGORY},
        .dimension_count = 1,
        .measures = {{"order_count", MEASURE_COUNT, FIELD_NONE, 0}, {"total_revenue", MEASURE_SUM, AMOUNT, 0}},
        .measure_count = 2,
        .sums = {AMOUNT},
        .sum_count = 1};
}

static void rest_on_members(struct view views[], size_t shown, size_t hidden, struct measure measure)
{
    struct view *view = &views[shown];
    measure.sum = view->sum_count + view->member_count;
    view->measures[view->measure_count++] = measure;
    view->members[view->member_count++] = hidden;
    views[hidden] = (struct view){.name = "",
                                  .schema = &schema,
                                  .window = view->window,
                                  .zone = view->zone,
                                  .dimensions = {CATEGORY, measure.field},
                                  .dimension_count = 2,
                                  .shown = view};
}

static void make_views(struct view views[VIEW_COUNT], const struct zone *zone)
{
    make_view(&views[MINUTES], "by_minute", 60, zone);
    make_view(&views[DAYS], "by_day", SECONDS_PER_DAY, zone);
    rest_on_members(views, DAYS, DAYS_CUSTOMERS, (struct measure){"customers", MEASURE_UNIQUE, CUSTOMER, 0});
    rest_on_members(views, DAYS, DAYS_AMOUNTS, (struct measure){"largest", MEASURE_MAXIMUM, AMOUNT, 0});
}

/* --- their rows --- */

static void add_value(struct panes *panes, int64_t at_s, int category, int number)
{
    char texts[2][24];
    snprintf(texts[0], sizeof texts[0], "category-%02d", category);
    snprintf(texts[1], sizeof texts[1], "customer-%06d", number % CUSTOMERS);
    const struct value values[FIELD_COUNT] = {[CATEGORY] = {.present = true, .text = text_of(texts[0])},
                                              [CUSTOMER] = {.present = true, .text = text_of(texts[1])},
                                              [AMOUNT] = {.present = true, .number = number * 7919 % 100000}};
    const struct record record = {at_s * US_PER_SECOND, (struct value *)(uintptr_t)values};
    check(view_add(panes, &record, 1), "memory is short");
}

static void place(struct snapshot *snapshot, size_t view, int64_t windows, int values)
{
    struct panes panes;
    struct sorted_panes sorted;
    const struct view *of = &snapshot->source->views[view];
    panes_init(&panes, of);
    for (int64_t window = 0; window < windows; window++)
        for (int category = 0; category < CATEGORIES; category++)
            for (int i = 0; i < values; i++)
                add_value(&panes, FIRST_S + window * of->window.length_s, category,
                          (int)window * 131 + category * 17 + i * 37);
    check(sorted_panes_init(&sorted, &panes) && view_rows_add(&snapshot->views[view].rows, LAYER_BATCH, &sorted),
          "memory is short");
    sorted_panes_clean_up(&sorted);
    panes_clean_up(&panes);
}

static void fill(struct snapshot *snapshot)
{
    place(snapshot, MINUTES, SECONDS_PER_DAY / 60, 1);
    for (size_t view = DAYS; view < VIEW_COUNT; view++)
        place(snapshot, view, 365, VALUES);
    snapshot->loaded = true;
}

/* --- the questions --- */

static double processor_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Picks once; returns how long it took. */
static double pick(const struct snapshot *snapshot, size_t view, const struct view_query *query, size_t *ret_rows)
{
    struct selection selection;
    struct buffer next = {0};
    struct problem problem;
    double began = processor_ms();
    selection_init(&selection, &query->question.rows);
    check(pick_page(snapshot, view, query, &selection, &next, &problem), "the question is refused");
    double took = processor_ms() - began;
    *ret_rows = selection.count;
    selection_clean_up(&selection);
    buffer_clean_up(&next);
    return took;
}

static void ask(const struct snapshot *snapshot, size_t view, const char *text, size_t rounds)
{
    struct arena arena = {0};
    struct target target;
    struct problem problem;
    struct view_query query;
    double times[ROUNDS_MAX];
    size_t rows = 0, members = 0;
    check(target_parse(text, &arena, &target, &problem) &&
              view_query_parse(&snapshot->source->views[view], &target, NULL, &arena, &query, &problem),
          text);
    for (size_t i = 0; i < rounds; i++)
        times[i] = pick(snapshot, view, &query, &rows);
    qsort(times, rounds, sizeof times[0], compare);
    for (size_t i = 0; i < snapshot->source->view_count; i++)
        if (snapshot->source->views[i].shown == &snapshot->source->views[view])
            members += snapshot->views[i].rows.row_count;
    printf("| `%s` | %zu | %zu | %zu | %.1f | %.1f |\n", text, snapshot->views[view].rows.row_count, members, rows,
           times[0], times[rounds / 2]);
    arena_clean_up(&arena);
}

int main(int argc, char **argv)
{
    int64_t rounds = 50;
    struct zone *zone;
    struct error error;
    static struct view views[VIEW_COUNT];
    const struct source source = {.name = "orders", .views = views, .view_count = VIEW_COUNT};
    check(argc < 2 || (integer_parse(text_of(argv[1]), &rounds) && rounds > 0 && rounds <= ROUNDS_MAX), "ROUNDS");
    check(zone_open("Europe/London", &zone, &error), "the time zone is missing");
    make_views(views, zone);
    struct snapshot *snapshot = snapshot_new(&source, (size_t)1 << 30);
    check(snapshot != NULL, "memory is short");
    fill(snapshot);
    puts("| question | panes | members | rows | least, ms | median, ms |\n|---|---:|---:|---:|---:|---:|");
    ask(snapshot, DAYS, "/by_day?limit=100000&window=1_week", (size_t)rounds);
    ask(snapshot, DAYS, "/by_day?limit=100000&window=1_week&group_by=", (size_t)rounds);
    ask(snapshot, DAYS, "/by_day?limit=100000&window=hopping_7_days_every_1_day", (size_t)rounds);
    ask(snapshot, MINUTES, "/by_minute?limit=100000&window=hopping_1_hour_every_1_minute", (size_t)rounds);
    ask(snapshot, MINUTES, "/by_minute?limit=100000&window=hopping_1_hour_every_1_minute&group_by=", (size_t)rounds);
    ask(snapshot, MINUTES, "/by_minute?limit=100000&window=1_hour&order=-total_revenue", (size_t)rounds);
    snapshot_destroy(snapshot);
    zone_close(zone);
    return 0;
}
