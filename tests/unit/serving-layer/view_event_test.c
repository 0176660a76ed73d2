/* SPDX-License-Identifier: Apache-2.0
 * Copies of a view that are kept by events, whatever happens: at each event they are exactly what is answered. */
#include "serving_fixture.h"

#include "base/log.h"
#include "view_event.h"

#define PROCESS 7
#define QUESTION 9
#define ROWS_MAX 4000
#define STEPS 400
#define SEEDS 10

/* --- chance that follows from a seed --- */

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (chance_state >> 33) % below;
}

/* --- the stores --- */

static const char *const categories[] = {"a", "b", "", NULL};

static struct text any_group(size_t view, struct buffer *scratch)
{
    return view == GROUPED || view == VISITS ? group_of(categories[chance(4)], (int64_t)chance(2), scratch)
                                             : text_of("");
}

/* The row of `spread` of this amount. */
static struct text member_of(int64_t cents, struct buffer *scratch)
{
    const struct value values[FIELD_COUNT] = {[AMOUNT] = {.present = true, .number = cents}};
    buffer_clear(scratch);
    group_append(&views[SPREAD_MEMBERS], values, scratch);
    return buffer_text(scratch);
}

static int64_t count_in(struct panes *panes, int64_t window_s, struct text group)
{
    return panes_at(panes, window_s * US_PER_SECOND, group)->count;
}

/* One order more, or one less where there is one. */
static void change_a_row(void)
{
    struct buffer scratch = {0};
    size_t view = chance(VIEW_COUNT), counted = view == SPREAD ? (size_t)SPREAD_MEMBERS : view;
    int partition = (int)chance(PARTITIONS);
    struct fake_slot *slot = &fake.slots[partition];
    if (!slot->slot.exists || view == SPREAD_MEMBERS)
        return;
    int64_t length_s = view == VISITS ? 240 : views[view].window.length_s;
    int64_t window_s = window_start_us(&views[view].window, views[view].zone,
                                       (DAY_S + (int64_t)chance(view == DAILY || view == SPREAD ? 4 : 30) * length_s) *
                                           US_PER_SECOND) /
                       US_PER_SECOND;
    struct text group = view == SPREAD ? member_of((int64_t)chance(5), &scratch) : any_group(view, &scratch);
    int64_t count = count_in(&fake.rows[counted], window_s, group);
    for (int i = 0; i < PARTITIONS; i++)
        for (size_t epoch = 0; epoch < fake.slots[i].slot.epoch_count; epoch++)
            count += count_in(&fake.slots[i].panes[epoch][counted], window_s, group);
    int64_t sign = count > 0 && chance(2) ? -1 : 1;
    fake_add(partition, counted, window_s, group, sign, sign * (int64_t)(1 + chance(500)));
    if (view == SPREAD && sign < 0 && chance(2)) /* one with another amount takes its place: the row stays as it is */
        fake_add(partition, counted, window_s, member_of((int64_t)chance(5), &scratch), 1, 0);
    else if (view == SPREAD)
        fake_add(partition, SPREAD, window_s, text_of(""), sign, 0);
    slot->slot.next++;
    slot->slot.end = slot->slot.next + (int64_t)chance(3);
    buffer_clean_up(&scratch);
}

#define TOUCHED_MAX 4096

static struct {
    int64_t windows[TOUCHED_MAX];
    size_t count;
} touched[VIEW_COUNT]; /* by the latest run */

static bool touches(size_t view, int64_t window_s)
{
    for (size_t i = 0; i < touched[view].count; i++)
        if (touched[view].windows[i] == window_s)
            return true;
    return false;
}

static void note_touched(size_t view, const struct panes *panes)
{
    for (size_t i = 0; i < panes_count(panes); i++) {
        assert_true(touched[view].count < TOUCHED_MAX);
        touched[view].windows[touched[view].count++] = panes_get(panes, i).window_start_us;
    }
}

/* All that the slots hold is published, up to some time between the first window and the last. */
static void publish(void)
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        touched[view].count = 0;
    for (int i = 0; i < PARTITIONS; i++) {
        struct fake_slot *slot = &fake.slots[i];
        for (size_t view = 0; view < VIEW_COUNT; view++)
            for (size_t epoch = 0; epoch < slot->slot.epoch_count; note_touched(view, &slot->panes[epoch++][view]))
                assert_true(panes_add_all(&fake.rows[view], &slot->panes[epoch][view]));
        fake.cut[i] = slot->slot.exists ? slot->slot.next : fake.cut[i];
        fake_begin(i, fake.epoch + 2, fake.cut[i]);
    }
    if (chance(3) == 0)
        fake.last_epoch = 0; /* all rows are read, and not only those of windows that were touched */
    fake.named = PARTITIONS;
    fake.epoch++;
    fake.published_at_us++;
    fake.opened_at_us = (DAY_S + (int64_t)chance(40) * 3600) * US_PER_SECOND;
}

static void empty_redis(void)
{
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, fake.epoch + 1, fake.cut[i]);
}

static void lose_a_slot(void)
{
    fake_slot_clear(&fake.slots[chance(PARTITIONS)]);
}

static void begin_lost_slots(void)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (!fake.slots[i].slot.exists)
            fake_begin(i, fake.epoch + 1, fake.cut[i]);
}

static void let_time_pass(void)
{
    struct slot *slot = &fake.slots[chance(PARTITIONS)].slot;
    int64_t clock_us = (DAY_S + 3600 + (int64_t)chance(1500)) * US_PER_SECOND;
    if (clock_us > slot->clock_us)
        slot->clock_us = clock_us;
    slot->sequence++;
}

static void change_something(void)
{
    uint64_t what = chance(100);
    if (what < 70)
        change_a_row();
    else if (what < 78)
        publish();
    else if (what < 82)
        empty_redis();
    else if (what < 86)
        lose_a_slot();
    else if (what < 92)
        begin_lost_slots();
    else if (what < 97)
        let_time_pass();
    else
        fake.redis_down = !fake.redis_down;
}

/* --- copies --- */

struct copy {
    size_t view;
    const char *target;
    struct stream_position position;
    char *rows[ROWS_MAX]; /* as JSON */
    size_t count, changes, resets;
    struct arena arena;
    struct target parsed;
    struct view_query query;
};

static struct copy copies[] = {
    {.view = DAILY, .target = "/v1/views/daily?"},
    {.view = DAILY, .target = "/v1/views/daily?window=1_month"},
    {.view = GROUPED, .target = "/v1/views/grouped?from=2026-01-01T02:00:00Z&to=2026-01-02"},
    {.view = GROUPED, .target = "/v1/views/grouped?category=b&group_by=quantity"},
    {.view = GROUPED, .target = "/v1/views/grouped?window=hopping_3_hours_every_1_hour&group_by=category"},
    {.view = GROUPED, .target = "/v1/views/grouped?window=6_hours&per_window=2"},
    {.view = GROUPED, .target = "/v1/views/grouped?group_by=&category.null"},
    {.view = RECENT, .target = "/v1/views/recent?"},
    {.view = RECENT, .target = "/v1/views/recent?window=15_minutes"},
    {.view = RECENT, .target = "/v1/views/recent?window=hopping_10_minutes_every_5_minutes"},
    {.view = VISITS, .target = "/v1/views/visits?"},
    {.view = VISITS, .target = "/v1/views/visits?category=b&from=2026-01-01T00:20:00Z&to=2026-01-01T01:10:00Z"},
    {.view = VISITS, .target = "/v1/views/visits?group_by=category"},
    {.view = VISITS, .target = "/v1/views/visits?group_by="},
    {.view = SPREAD, .target = "/v1/views/spread?"},
    {.view = SPREAD, .target = "/v1/views/spread?window=hopping_2_days_every_1_day"},
};
#define COPIES (sizeof copies / sizeof copies[0])

static void copy_clear(struct copy *copy)
{
    while (copy->count)
        free(copy->rows[--copy->count]);
}

static void copy_init(struct copy *copy)
{
    struct problem problem;
    assert_true(target_parse(copy->target, &copy->arena, &copy->parsed, &problem));
    if (!view_query_parse_stream(&views[copy->view], &copy->parsed, &copy->arena, &copy->query, &problem))
        fail_msg("%s: %s", copy->target, problem.detail);
}

static void copy_clean_up(struct copy *copy)
{
    copy_clear(copy);
    stream_position_clean_up(&copy->position);
    arena_clean_up(&copy->arena);
}

/* The object that begins at the first brace, without objects in it; moves on behind it. NULL: there is none before the
 * bracket that ends the list. */
static char *next_object(const char **at)
{
    const char *begin = *at + strspn(*at, ", \n");
    if (*begin != '{')
        return NULL;
    const char *end = strchr(begin, '}') + 1;
    *at = end;
    return strndup(begin, (size_t)(end - begin));
}

/* Whether the row is of this name: the same start, and the same dimensions. */
static bool has_name(const char *row, const char *name)
{
    size_t start = strcspn(name, ",}"); /* {"window_start": "…" */
    const char *dimensions = strstr(row, "\"window_end\": ");
    dimensions += strcspn(dimensions, ",");
    return strncmp(row, name, start) == 0 && strncmp(dimensions, name + start, strlen(name) - start - 1) == 0 &&
           strncmp(dimensions + strlen(name) - start - 1, ", \"order_count\"", 15) == 0;
}

/* The name of a row, as `removed` gives it. */
static void name_of(const char *row, char name[300])
{
    const char *dimensions = strstr(row, "\"window_end\": ");
    dimensions += strcspn(dimensions, ",");
    snprintf(name, 300, "%.*s%.*s}", (int)strcspn(row, ","), row, (int)(strstr(row, ", \"order_count\"") - dimensions),
             dimensions);
}

static void forget_row(struct copy *copy, const char *name)
{
    for (size_t i = 0; i < copy->count; i++)
        if (has_name(copy->rows[i], name)) {
            free(copy->rows[i]);
            copy->rows[i] = copy->rows[--copy->count];
            return;
        }
}

static const char *behind(const char *text, const char *words)
{
    const char *found = strstr(text, words);
    if (!found)
        fail_msg("no %s in %s", words, text);
    return found + strlen(words);
}

static void apply(struct copy *copy, const char *event)
{
    char *object, name[300];
    if (strstr(event, "\"reset\": true"))
        copy_clear(copy);
    for (const char *at = behind(event, "\"rows\": ["); (object = next_object(&at));) {
        name_of(object, name);
        forget_row(copy, name);
        assert_true(copy->count < ROWS_MAX);
        copy->rows[copy->count++] = object;
    }
    for (const char *at = behind(event, "\"removed\": ["); (object = next_object(&at)); free(object))
        forget_row(copy, object);
}

static bool has_row(const struct copy *copy, const char *row)
{
    for (size_t i = 0; i < copy->count; i++)
        if (strcmp(copy->rows[i], row) == 0)
            return true;
    return false;
}

static void assert_is_what_is_answered(struct bench *bench, const struct copy *copy, const char *event)
{
    unsigned status;
    size_t count = 0;
    char *row;
    const char *answer = bench_get(bench, copy->target, &status);
    assert_int_equal(status, 200);
    for (const char *at = behind(answer, "\"rows\": ["); (row = next_object(&at)); free(row), count++)
        if (!has_row(copy, row))
            fail_msg("%s: the copy lacks %s, after %s", copy->target, row, event);
    if (count != copy->count)
        fail_msg("%s: the copy has %zu rows and not %zu, after %s", copy->target, copy->count, count, event);
    const char *told = behind(event, "\"provenance\": "), *asked = behind(answer, "\"provenance\": ");
    if (strncmp(told, asked, strcspn(told, "\n") - 1) != 0)
        fail_msg("%s: not the provenance of %s", answer, event);
}

/* Whatever a reader knows comes back as the id of its last event. */
static void over_the_wire(struct stream_position *position)
{
    struct buffer id = {0};
    struct stream_position parsed;
    stream_position_append(position, &id);
    assert_true(stream_position_parse(buffer_string(&id), &parsed));
    assert_true(stream_position_equal(position, &parsed));
    stream_position_clean_up(position);
    *position = parsed;
    buffer_clean_up(&id);
}

static void follow(struct bench *bench, struct copy *copy)
{
    struct view_event event;
    struct problem problem;
    struct buffer text = {0};
    if (!view_event_take(bench->snapshot, copy->view, &copy->query, &copy->position, PROCESS, QUESTION, &event,
                         &problem))
        fail_msg("%s: %s", copy->target, problem.detail);
    view_event_append(&event, &text);
    if (event.is_news) {
        apply(copy, buffer_string(&text));
        copy->changes++;
        copy->resets += event.is_reset;
    }
    stream_position_clean_up(&copy->position);
    copy->position = event.to;
    event.to = (struct stream_position){0};
    over_the_wire(&copy->position);
    assert_is_what_is_answered(bench, copy, buffer_string(&text));
    view_event_clean_up(&event);
    buffer_clean_up(&text);
}

static void begin(struct bench *bench)
{
    fake.epoch = 1;
    fake.touches = touches;
    fake.opened_at_us = DAY_S * US_PER_SECOND;
    fake.named = PARTITIONS;
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 2, 0);
    bench_follow(bench);
    for (size_t i = 0; i < COPIES; i++)
        copy_init(&copies[i]);
}

static void play(uint64_t seed)
{
    struct bench bench = {0};
    struct feed_reader readers[VIEW_COUNT] = {0};
    chance_state = seed;
    bench_start(&bench, 1 << 30);
    begin(&bench);
    for (int step = 0; step < STEPS; step++) {
        for (uint64_t i = 1 + chance(4); i > 0; i--)
            change_something();
        bench_follow(&bench);
        size_t view = chance(VIEW_COUNT);
        if (!readers[view].feed)
            feed_reader_open(&readers[view], &bench.snapshot->feed, view, 0);
        else if (chance(20) == 0)
            feed_reader_close(&readers[view]);
        for (size_t i = 0; i < COPIES; i++)
            if (chance(3) == 0)
                follow(&bench, &copies[i]);
    }
    for (size_t i = 0; i < VIEW_COUNT; i++)
        feed_reader_close(&readers[i]);
    for (size_t i = 0; i < COPIES; i++)
        copy_clean_up(&copies[i]);
    bench_stop(&bench);
}

static void copies_are_what_is_answered_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed);
    for (size_t i = 0; i < COPIES; i++)
        if (copies[i].changes < 100 || copies[i].resets * 4 > 3 * copies[i].changes)
            fail_msg("%s: %zu changes, %zu of them all anew", copies[i].target, copies[i].changes, copies[i].resets);
}

static void an_id_that_is_none_is_no_position(void **state)
{
    static const char *const wrong[] = {"",
                                        "1",
                                        "1-2-3-4-5-6",
                                        "1-2-3-4-5-6-",
                                        "1-2-3-4-5-6-4",
                                        "1-2-3-4-5-6-1-",
                                        "1-2-3-4-5-6-1-7.",
                                        "1-2-3-4-5-6-1-.7",
                                        "1-2-3-4-5-6-1-x",
                                        "x-2-3-4-5-6-1",
                                        "1-2-3-4-5-6-17",
                                        "-2-3-4-5-6-1",
                                        "1-2-3-4-5-6-1--2",
                                        "1-2-3-4-5-6-1-7-8",
                                        "11111111111111111-2-3-4-5-6-1"};
    struct stream_position position;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (stream_position_parse(wrong[i], &position))
            fail_msg("%s", wrong[i]);
    assert_true(stream_position_parse("1-2-3-4-5-6-3-7.-1", &position));
    assert_int_equal(position.count, 2);
    assert_int_equal(position.offsets[1], -1);
    stream_position_clean_up(&position);
    assert_true(stream_position_parse("1-2-3-4-5-6-0", &position));
    stream_position_clean_up(&position);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_what_is_answered_whatever_happens),
        cmocka_unit_test(an_id_that_is_none_is_no_position),
    };
    return cmocka_run_group_tests(tests, make_views, NULL);
}
