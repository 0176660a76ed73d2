/* SPDX-License-Identifier: Apache-2.0
 * Panes are numbered one after the other, and a row holds so many from its own number on. The calendar stays the view
 * library's: number and start of a pane are found in pieces, in which panes follow each other at equal distance, given
 * as arrays. A piece ends where the clock changes. */
#include "engine/postgres/hopping_sql.h"

#include "base/clock.h"
#include "engine/postgres/view_sql.h"
#include "postgres/view_table.h"

/* Event times are of the years 2000 to 2099. */
#define FIRST_EVENT_S INT64_C(946684800)
#define LAST_EVENT_S INT64_C(4102444800)

struct numbering {
    const struct view *view;
    struct buffer starts;  /* of each piece: where its first pane starts, in seconds */
    struct buffer numbers; /* the number of that pane */
    struct buffer bases;   /* and where the pane with the number 0 would, were it in the piece */
};

static void append_number(struct buffer *list, int64_t number)
{
    buffer_append_string(list, list->length ? "," : "'{");
    buffer_append_integer(list, number);
}

static void add_piece(struct numbering *numbering, int64_t start_s, int64_t number)
{
    append_number(&numbering->starts, start_s);
    append_number(&numbering->numbers, number);
    append_number(&numbering->bases, start_s - number * numbering->view->window.length_s);
}

/* How many panes, from the one that starts then, start before the clock changes, each where the one before is over:
 * days are counted one by one. */
static int64_t steady_panes(const struct view *view, int64_t start_s, int64_t to_s)
{
    int64_t length_s = view->window.length_s;
    struct zone_span span = zone_span(view->zone, start_s);
    if (window_is_of_days(&view->window) || (start_s + span.offset_s) % length_s != 0)
        return 0;
    int64_t end_s = span.to_s < to_s ? span.to_s : to_s;
    return end_s > start_s ? (end_s - 1 - start_s) / length_s : 0;
}

static void numbering_init(struct numbering *numbering, const struct view *view)
{
    const int64_t length_s = view->window.length_s, reach_s = view->panes * length_s + 7 * SECONDS_PER_DAY;
    const int64_t to_s = LAST_EVENT_S + reach_s;
    int64_t start_s = window_start(&view->window, view->zone, FIRST_EVENT_S - reach_s), number = 0;
    *numbering = (struct numbering){.view = view};
    add_piece(numbering, start_s, number);
    while (start_s < to_s) {
        int64_t steady = steady_panes(view, start_s, to_s);
        start_s += steady * length_s;
        int64_t end_s = window_end(&view->window, view->zone, start_s);
        number += steady + 1;
        if (end_s != start_s + length_s)
            add_piece(numbering, end_s, number);
        start_s = end_s;
    }
    buffer_append_string(&numbering->starts, "}'::bigint[]");
    buffer_append_string(&numbering->numbers, "}'::bigint[]");
    buffer_append_string(&numbering->bases, "}'::bigint[]");
}

static void numbering_clean_up(struct numbering *numbering)
{
    buffer_clean_up(&numbering->starts);
    buffer_clean_up(&numbering->numbers);
    buffer_clean_up(&numbering->bases);
}

/* The number of the pane that starts at `start_s`, an SQL expression. */
static void append_number_of(struct buffer *sql, const struct numbering *numbering, const char *start_s)
{
    buffer_appendf(sql, "(%s - (%s)[width_bucket(%s, %s)]) / %lld", start_s, buffer_string(&numbering->bases), start_s,
                   buffer_string(&numbering->starts), (long long)numbering->view->window.length_s);
}

/* When the pane of this number, an SQL expression, starts. */
static void append_start_of(struct buffer *sql, const struct numbering *numbering, const char *number)
{
    buffer_appendf(sql, "to_timestamp((%s)[width_bucket(%s, %s)] + %s * %lld)", buffer_string(&numbering->bases),
                   number, buffer_string(&numbering->numbers), number, (long long)numbering->view->window.length_s);
}

/* The smallest of the smallest is the smallest; different values are counted of all panes together. */
static void append_members(struct buffer *sql, const struct view *view)
{
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        if (!measure_rests_on_members(measure))
            continue;
        buffer_append_string(sql, measure->kind == MEASURE_UNIQUE    ? ", count(distinct "
                                  : measure->kind == MEASURE_MINIMUM ? ", min("
                                                                     : ", max(");
        buffer_append_identifier(sql, measure->name);
        buffer_appendf(sql, ") as tm_member_%zu", i);
    }
}

static bool counts_values(const struct view *view)
{
    for (size_t i = 0; i < view->measure_count; i++)
        if (column_holds_values(view, &view->measures[i]))
            return true;
    return false;
}

/* The columns of unnest: the numbers of a pane, which are in its first row only, and the values, one a row; between
 * `before` and `behind` each number. */
static void append_unnested(struct buffer *sql, const struct view *view, const char *before, const char *behind)
{
    buffer_appendf(sql, "%stm_count%s", before, behind);
    for (size_t i = 0; i < 2 * view->sum_count; i++)
        buffer_appendf(sql, ", %s%s%s", before, (i % 2 ? hidden_total(i / 2) : hidden_count(i / 2)).text, behind);
    for (size_t i = 0; i < view->measure_count; i++) {
        if (!column_holds_values(view, &view->measures[i]))
            continue;
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, view->measures[i].name);
    }
}

/* The panes, or where they have values a row for each of these. */
static void append_panes(struct buffer *sql, const struct view *view)
{
    if (!counts_values(view)) {
        append_view_table(sql, view);
        return;
    }
    buffer_append_string(sql, "(select tm_window, p.*");
    append_view_dimensions(sql, view);
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        if (!measure_rests_on_members(measure) || column_holds_values(view, measure))
            continue;
        buffer_append_string(sql, ", ");
        buffer_append_identifier(sql, measure->name);
    }
    buffer_append_string(sql, " from ");
    append_view_table(sql, view);
    buffer_append_string(sql, " cross join lateral unnest(");
    append_unnested(sql, view, "array[", "]");
    buffer_append_string(sql, ") as p(");
    append_unnested(sql, view, "", "");
    buffer_append_string(sql, ")) v");
}

/* Each pane is in as many rows as a row has panes: those with its own number and the ones before. */
static void append_hops(struct buffer *sql, const struct numbering *numbering)
{
    const struct view *view = numbering->view;
    buffer_append_string(sql, "with hops as (select tm_hop, sum(tm_count)::bigint as tm_count");
    append_view_dimensions(sql, view);
    append_view_sums(sql, view);
    append_members(sql, view);
    buffer_append_string(sql, " from ");
    append_panes(sql, view);
    buffer_append_string(sql, " cross join lateral (select ");
    append_number_of(sql, numbering, "tm_window");
    buffer_appendf(sql,
                   " as tm_number) n cross join lateral generate_series(tm_number - %lld, tm_number) as tm_hop "
                   "group by tm_hop",
                   (long long)view->panes - 1);
    append_view_dimensions(sql, view);
    buffer_append_char(sql, ')');
}

void append_hopping_view(struct buffer *sql, const struct view *view)
{
    struct numbering numbering;
    struct buffer behind = {0};
    numbering_init(&numbering, view);
    buffer_appendf(&behind, "(tm_hop + %lld)", (long long)view->panes);
    buffer_append_string(sql, "create or replace view ");
    append_view_rows(sql, view);
    buffer_append_string(sql, " as ");
    append_hops(sql, &numbering);
    buffer_append_string(sql, " select ");
    append_start_of(sql, &numbering, "tm_hop");
    buffer_append_string(sql, " as window_start, ");
    append_start_of(sql, &numbering, buffer_string(&behind));
    buffer_append_string(sql, " as window_end");
    append_view_dimensions(sql, view);
    append_view_measures(sql, view);
    buffer_append_string(sql, " from hops");
    sql->failed |= numbering.starts.failed | numbering.numbers.failed | numbering.bases.failed | behind.failed;
    buffer_clean_up(&behind);
    numbering_clean_up(&numbering);
}
