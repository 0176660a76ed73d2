/* SPDX-License-Identifier: Apache-2.0
 * view.<name> of a view of hopping windows: an SQL view over its panes that says what is answered. */
#include "batch_fixture.h"

#include "base/timestamp.h"
#include "check/repair.h"
#include "panes_in_order.h"
#include "publication/published_view.h"
#include "view/rollup.h"

#define MEASURES                                                                                                       \
    "    dimensions: [category]\n    measures: { order_count: count, known: count(quantity), units: sum(quantity), "   \
    "total: sum(amount), mean: avg(amount), least: min(amount), most: max(quantity), states: unique(status), "         \
    "sizes: unique(quantity) }\n"

static const char hopping_views[] =
    "views:\n"
    "  minutes:\n    source: orders\n    window: hopping 30 minutes every 5 minutes\n" MEASURES
    "  hours:\n    source: orders\n    window: sliding 3 hours every 1 hour\n" MEASURES
    "  days:\n    source: orders\n    window: hopping_7_days_every_1_day\n" MEASURES
    "  odd:\n    source: orders\n    window: hopping 1 hour every 20 minutes\n"
    "    time_zone: Australia/Lord_Howe\n" MEASURES
    "  newfoundland:\n    source: orders\n    window: hopping 2 hours every 1 hour\n"
    "    time_zone: America/St_Johns\n" MEASURES
    "  islands:\n    source: orders\n    window: hopping 2 days every 1 day\n    time_zone: Pacific/Apia\n" MEASURES
    "  fortnights:\n    source: orders\n    window: hopping 14 days every 2 days\n" MEASURES
    "  pairs:\n    source: orders\n    window: hopping 4 days every 2 days\n    time_zone: Pacific/Apia\n" MEASURES
    "  lives:\n    source: orders\n    window: hopping 36500 days every 7300 days\n" MEASURES;

/* Of an order or of two each quarter of an hour, some without a category or quantity. */
static void order_around(struct world *world, int64_t at_s, int count)
{
    static int made;
    for (int i = -count; i < count; i++) {
        struct buffer payload = {0};
        buffer_appendf(&payload, "{\"order_id\": \"h%d\", \"timestamp\": \"", ++made);
        buffer_append_timestamp(&payload, (at_s + i * 907) * US_PER_SECOND);
        buffer_appendf(&payload, "\", \"amount\": %d.%02d, \"category\": %s, \"quantity\": %s, \"status\": %s}",
                       made % 7, made % 100, made % 3 ? "\"c\"" : "null", made % 5 ? (made % 2 ? "3" : "4") : "null",
                       made % 11 == 0  ? "null"
                       : made % 4 == 0 ? "\"open\""
                                       : "\"paid\"");
        assert_false(payload.failed);
        memory_log_append(&world->log, 0, buffer_string(&payload), -1);
        buffer_clean_up(&payload);
    }
}

static void append_answered(struct buffer *out, const struct view *view, const struct rollup_row *row)
{
    struct value group[DIMENSIONS_MAX];
    assert_true(group_parse(view, row->group, group));
    buffer_appendf(out, "%" PRId64 " %" PRId64 " %.*s", row->start_us / US_PER_SECOND, row->end_us / US_PER_SECOND,
                   group[0].present ? (int)group[0].text.length : 4, group[0].present ? group[0].text.data : "null");
    for (size_t i = 0; i < view->measure_count; i++) {
        buffer_append_char(out, ' ');
        measure_append(view, &view->measures[i], row->cell, out);
    }
}

static void add_panes(struct rollup *rollup, const struct panes *panes)
{
    struct pane *sorted = panes_in_order(panes);
    for (size_t i = 0; i < panes_count(panes); i++)
        assert_true(rollup_add(rollup, sorted[i].window_start_us, sorted[i].group, sorted[i].cell, false));
    assert_true(rollup_close(rollup));
    free(sorted);
}

static void take_members(struct rollup *rollup, const struct panes *members, size_t number)
{
    struct view_question question;
    struct rollup rolled;
    question_of_members(rollup->question, members->view, &question);
    rollup_init_members(&rolled, &question, number, rollup);
    add_panes(&rolled, members);
    rollup_clean_up(&rolled);
}

/* The rows that are answered of a view, by the panes of all, each a line. */
static void answer(const struct source *source, const struct panes panes[], size_t number, struct buffer *out)
{
    const struct view *view = &source->views[number];
    struct rollup rollup;
    struct view_question question;
    question_init(&question, view);
    rollup_init(&rollup, &question, INT64_MIN, INT64_MAX);
    add_panes(&rollup, &panes[number]);
    for (size_t i = 0; i < source->view_count; i++)
        if (source->views[i].shown == view)
            take_members(&rollup, &panes[i], i);
    assert_true(rollup_order(&rollup));
    assert_true(rollup.count > 0);
    for (size_t i = 0; i < rollup.count; i++) {
        buffer_append_string(out, i ? "\n" : "");
        append_answered(out, view, rollup.rows[i]);
    }
    assert_false(out->failed);
    rollup_clean_up(&rollup);
}

static void assert_view_shown(struct world *world, const struct panes panes[], size_t number)
{
    struct buffer expected = {0};
    char query[400];
    snprintf(query, sizeof query,
             "select extract(epoch from window_start)::bigint, extract(epoch from window_end)::bigint, category, "
             "order_count, known, units, total, mean, least, most, states, sizes from view.%s order by 1, category "
             "nulls first",
             world->source->views[number].name);
    answer(world->source, panes, number, &expected);
    assert_rows(world, query, buffer_string(&expected));
    buffer_clean_up(&expected);
}

static void assert_shown_as_answered(struct world *world)
{
    const struct source *source = world->source;
    struct panes panes[VIEWS_MAX];
    sql(world, "begin");
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&panes[i], &source->views[i]);
    for (size_t i = source->view_count; i-- > 0;) { /* members before the measures that rest on them */
        if (!published_view_read(&world->batch, source, &source->views[i], &panes[i], &world->error))
            fail_msg("%s", world->error.message);
        if (source->views[i].shown)
            assert_true(panes_take_members(&panes[source->views[i].shown - source->views], i, &panes[i]));
    }
    sql(world, "commit");
    for (size_t i = 0; i < source_shown_count(source); i++)
        assert_view_shown(world, panes, i);
    for (size_t i = 0; i < source->view_count; i++)
        panes_clean_up(&panes[i]);
}

/* Clocks go forward and back in London, by half an hour on Lord Howe, just after midnight in Newfoundland; and Samoa
 * left a day out. */
static void rows_are_those_that_are_answered_where_clocks_change(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, hopping_views);
    static const int64_t changes[] = {INT64_C(1743296400), INT64_C(1761440400), INT64_C(1743865200),
                                      INT64_C(1759591800), INT64_C(1162089060), INT64_C(1325239200)};
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        order_around(&world, changes[i], 20);
    order_around(&world, changes[1] - 2 * SECONDS_PER_DAY, 3);
    follow_and_run(&world);
    assert_shown_as_answered(&world);
    verify_ok(&world);
    order_around(&world, changes[0] + 600, 4); /* panes that are replaced, and new ones */
    order_around(&world, changes[2] + 86400, 4);
    follow_and_run(&world);
    assert_shown_as_answered(&world);
    verify_ok(&world);
    end_world(&world);
}

static void value_that_was_edited_among_panes_is_found_and_mended(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source,
                    "views:\n  v:\n    source: orders\n    window: hopping 2 days every 1 day\n"
                    "    measures: { n: count, states: unique(status) }\n");
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    static const char *const edits[] = {"array['open']", "array['open', 'paid']", "array['paid', 'paid']", "null"};
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        struct buffer edit = {0};
        buffer_appendf(&edit, "update view.\"v.panes\" set states = %s", edits[i]);
        sql(&world, buffer_string(&edit));
        buffer_clean_up(&edit);
        if (i == 2) { /* the same value twice is the same */
            verify_ok(&world);
            continue;
        }
        world.error = (struct error){0};
        assert_false(verify_source(&world.batch, world.source, &world.error));
        assert_non_null(strstr(world.error.message, "view v"));
        world.error = (struct error){0};
        world.batch.repairs = true;
        if (!repair_source(&world.batch, world.source, &world.error))
            fail_msg("%s", world.error.message);
        verify_ok(&world);
    }
    assert_rows(&world, "select states from view.v", "1\n1");
    end_world(&world);
}

static const char hopping[] = "views:\n  v:\n    source: orders\n    window: hopping 2 days every 1 day\n"
                              "    measures: { n: count, total: sum(amount) }\n";
static const char other_hop[] = "views:\n  v:\n    source: orders\n    window: hopping 3 days every 1 day\n"
                                "    measures: { n: count, total: sum(amount) }\n";
static const char other_measures[] = "views:\n  v:\n    source: orders\n    window: hopping 2 days every 1 day\n"
                                     "    measures: { mean: avg(amount), n: count, least: min(amount) }\n";
static const char tumbling[] = "views:\n  v:\n    source: orders\n    window: tumbling 1 day\n"
                               "    measures: { n: count, total: sum(amount) }\n";

/* As of 2026-01-01, in windows of days of London in winter. */
#define ROWS "select window_start::date, window_end::date, n from view.v order by 1"

static void make_hopping_world(struct world *world)
{
    make_world_with(world, 1, default_source, hopping);
    paid(world, 0, "a", "1.00");
    order(world, 0, "b", "2026-01-02T12:00:00Z", "3.00", "paid");
    follow_and_run(world);
    assert_rows(world, ROWS, "2025-12-31 2026-01-02 1\n2026-01-01 2026-01-03 2\n2026-01-02 2026-01-04 1");
}

static void sql_view_follows_the_definition(void **state)
{
    (void)state;
    struct world world;
    make_hopping_world(&world);
    sql(&world, "drop role if exists bi; create role bi; grant select on view.v to bi; "
                "create view public.report as select n from view.v");
    configure(&world, default_source, other_hop); /* the same columns: who depends on them doesn't notice */
    follow_and_run(&world);
    assert_rows(&world, "select count(*), sum(n) from public.report", "4 6");
    configure(&world, default_source, other_measures);
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "cannot drop view view.v because other objects depend on it");
    assert_rows(&world, "select count(*), sum(n) from public.report", "4 6");
    sql(&world, "drop view public.report");
    follow_and_run(&world);
    assert_rows(&world, "select mean, n, least from view.v order by window_start",
                "1.00 1 1.00\n2.00 2 1.00\n3.00 1 3.00");
    assert_rows(&world, "select has_table_privilege('bi', 'view.v', 'select')", "t");
    world.error = (struct error){0};
    sql(&world, "create view public.report as select n from view.v; update view.\"v.panes\" set n = 7, tm_count = 7");
    world.batch.repairs = true;
    if (!repair_source(&world.batch, world.source, &world.error))
        fail_msg("%s", world.error.message);
    assert_rows(&world, "select n from public.report order by n", "1\n1\n2");
    verify_ok(&world);
    sql(&world, "drop owned by bi; drop role bi");
    end_world(&world);
}

static void view_that_hops_no_more_gets_a_table(void **state)
{
    (void)state;
    struct world world;
    make_hopping_world(&world);
    sql(&world, "create view public.report as select n from view.v");
    configure(&world, default_source, tumbling);
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "view v isn't published");
    assert_rows(&world, "select count(*) from public.report", "3");
    verify_ok(&world);
    sql(&world, "drop view public.report");
    run_ok(&world);
    assert_rows(&world, ROWS, "2026-01-01 2026-01-02 1\n2026-01-02 2026-01-03 1");
    assert_rows(&world, "select to_regclass('view.\"v.panes\"')", "null");
    verify_ok(&world);
    end_world(&world);
}

static void table_of_a_view_that_begins_to_hop_stays_until_it_is_dropped(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, tumbling);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    configure(&world, default_source, hopping);
    for (int i = 0; i < 2; i++) {
        paid(&world, 0, "a", "1.00");
        follow(&world);
        run_fails(&world, ERROR_CONFIGURATION, "view.v is there already, as a table that others may use: drop it");
        assert_rows(&world, ROWS, "2026-01-01 2026-01-02 1");
        verify_ok(&world);
    }
    sql(&world, "drop table view.v");
    run_ok(&world);
    assert_rows(&world, ROWS, "2025-12-31 2026-01-02 1\n2026-01-01 2026-01-03 1");
    verify_ok(&world);
    end_world(&world);
}

static void sql_view_of_somebody_else_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    make_world_with(&world, 1, default_source, tumbling);
    sql(&world, "create schema view; create view view.v as select 7 as n");
    configure(&world, default_source, hopping);
    paid(&world, 0, "a", "1.00");
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "as somebody else's that others may use");
    assert_rows(&world, "select n from view.v", "7");
    sql(&world, "drop view view.v");
    run_ok(&world);
    verify_ok(&world);
    end_world(&world);
}

static void view_taken_out_of_the_file_is_named_with_its_panes(void **state)
{
    (void)state;
    struct world world;
    make_hopping_world(&world);
    configure(&world, default_source, "");
    struct buffer tables = {0};
    struct source_run run = {.batch = &world.batch, .source = world.source};
    assert_true(batch_connect(&world.batch, &world.error));
    assert_true(postgres_publisher.left_views(&run, &tables, &world.error));
    assert_string_equal(buffer_string(&tables), "view.\"v.panes\", view.v");
    buffer_clean_up(&tables);
    follow_and_run(&world);
    sql(&world, "drop view view.v");
    paid(&world, 0, "c", "1.00");
    follow_and_run(&world);
    configure(&world, default_source, hopping); /* the panes are still known as ours */
    follow_and_run(&world);
    assert_rows(&world, "select sum(n) from view.v", "6");
    configure(&world, default_source, "");
    sql(&world, "drop table view.\"v.panes\" cascade");
    paid(&world, 0, "d", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select name from tidemark.view", "");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_that_are_answered_where_clocks_change),
        cmocka_unit_test(value_that_was_edited_among_panes_is_found_and_mended),
        cmocka_unit_test(sql_view_follows_the_definition),
        cmocka_unit_test(view_that_hops_no_more_gets_a_table),
        cmocka_unit_test(table_of_a_view_that_begins_to_hop_stays_until_it_is_dropped),
        cmocka_unit_test(sql_view_of_somebody_else_is_left_alone),
        cmocka_unit_test(view_taken_out_of_the_file_is_named_with_its_panes),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
