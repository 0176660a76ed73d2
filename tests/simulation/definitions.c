/* SPDX-License-Identifier: Apache-2.0 */
#include "definitions.h"

#include <stdlib.h>

#include "base/clock.h"
#include "chance.h"
#include "replay_plan.h"
#include "topic.h"
#include "world.h"

static const struct field fields[FIELD_COUNT] = {
    {"id", FIELD_TEXT, 0}, {"status", FIELD_TEXT, 0}, {"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};

static const struct expression *compile(const struct definition *definition, const char *where, struct arena *arena)
{
    struct error error;
    size_t position;
    const struct expression *compiled;
    if (!expression_compile(text_of(where), &definition->source.schema, arena, &compiled, &position, &error))
        world_fail("%s", error.message);
    return compiled;
}

void definition_make(struct definition *definition, const struct zone *zone, struct arena *arena)
{
    definition->source = (struct source){.name = "orders",
                                         .topic = TOPIC_NAME,
                                         .dead_letter = "orders-dead-letter",
                                         .views = definition->views,
                                         .schema = {.fields = fields,
                                                    .field_count = FIELD_COUNT,
                                                    .event_time = "at",
                                                    .event_time_unit = TIME_MICROSECONDS,
                                                    .max_future_us = 3600 * US_PER_SECOND}};
    for (int i = 0; i < VIEWS; i++)
        definition->views[i].zone = zone;
    definition->wheres[false] = compile(definition, "status <> 'cancelled' and amount > 0", arena);
    definition->wheres[true] = compile(definition, "status <> 'cancelled'", arena);
    definition->settings = (struct settings){.sources = &definition->source, .source_count = 1};
    definition->settings.speed.flush_every_us = 50000;
    definition->settings.speed.flush_messages = 4;
    definition->settings.speed.groups_max = 1000;
    definition->settings.batch.ingest_messages = 5;
}

/* --- the plan --- */

static int64_t one_of(const int64_t from[], size_t count)
{
    return from[chance_below(count)];
}
#define ONE_OF(...) one_of((const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* Event times lie up to 50 hours before the latest, so that a retention cuts between them. */
static struct view_plan plan_of(enum view_kind kind)
{
    struct view_plan plan = {
        .kind = kind, .panes = 1, .takes_all_amounts = chance_one_in(2), .watermark_s = ONE_OF(0, 60, 1800, 24 * 3600)};
    switch (kind) {
    case BY_MINUTE:
        plan.pane_s = 60;
        plan.retention_s = ONE_OF(0, 0, 1800, 3 * 3600);
        break;
    case BY_DAY:
        plan.pane_s = 86400;
        plan.retention_s = ONE_OF(0, 0, 86400);
        break;
    case BY_HOPS:
        plan.pane_s = ONE_OF(60, 600, 3600);
        plan.panes = ONE_OF(2, 3, 5);
        plan.retention_s = ONE_OF(0, plan.pane_s * plan.panes, 5 * 3600);
        break;
    case SESSIONS:
    case VIEW_KINDS:
        plan.pane_s = 0;
        plan.gap_s = ONE_OF(61, 600, 1800);
        plan.retention_s = ONE_OF(1800, 3 * 3600, 60 * 3600);
        break;
    }
    return plan;
}

static bool has_kind(const struct definition *definition, enum view_kind kind)
{
    for (size_t i = 0; i < definition->plan_count; i++)
        if (definition->plans[i].kind == kind)
            return true;
    return false;
}

/* One that it doesn't have yet; the others move. */
static void add_view(struct definition *definition)
{
    enum view_kind kind = (enum view_kind)chance_below(VIEW_KINDS);
    while (has_kind(definition, kind))
        kind = (enum view_kind)((kind + 1) % VIEW_KINDS);
    size_t at = chance_below(definition->plan_count + 1);
    memmove(&definition->plans[at + 1], &definition->plans[at],
            (definition->plan_count++ - at) * sizeof definition->plans[0]);
    definition->plans[at] = plan_of(kind);
}

static void remove_view(struct definition *definition)
{
    size_t at = chance_below(definition->plan_count);
    memmove(&definition->plans[at], &definition->plans[at + 1],
            (--definition->plan_count - at) * sizeof definition->plans[0]);
}

static void change_view(struct definition *definition)
{
    struct view_plan *plan = &definition->plans[chance_below(definition->plan_count)];
    *plan = plan_of(plan->kind);
}

#define VIEWS_MOST 3 /* views cost time; so many meet each other in all pairs */

static void change_views(struct definition *definition)
{
    for (uint64_t left = 1 + chance_below(2); left > 0; left--) {
        bool may_grow = definition->plan_count<VIEWS_MOST, may_shrink = definition->plan_count> 1;
        uint64_t chosen = chance_below(3);
        if (chosen == 0 && may_grow)
            add_view(definition);
        else if (chosen == 1 && may_shrink)
            remove_view(definition);
        else
            change_view(definition);
    }
}

/* --- the views --- */

static void make_view(struct definition *definition, size_t number)
{
    static const char *const names[] = {
        [BY_MINUTE] = "by_minute", [BY_DAY] = "by_day", [BY_HOPS] = "by_hops", [SESSIONS] = "sessions"};
    const struct view_plan *plan = &definition->plans[number];
    definition->views[number] =
        (struct view){.name = names[plan->kind],
                      .schema = &definition->source.schema,
                      .where = definition->wheres[plan->takes_all_amounts],
                      .window = {.length_s = plan->pane_s, .gap_s = plan->gap_s},
                      .panes = plan->panes,
                      .zone = definition->views[number].zone,
                      .retention_s = plan->retention_s,
                      .watermark_us = plan->watermark_s * US_PER_SECOND,
                      .dimensions = {CATEGORY},
                      .dimension_count = plan->kind != BY_MINUTE,
                      .sums = {AMOUNT},
                      .sum_count = 1,
                      .measures = {{"orders", MEASURE_COUNT, FIELD_NONE, 0}, {"total", MEASURE_SUM, AMOUNT, 0}},
                      .measure_count = 2};
}

/* Measures that rest on members, and the hidden view of these, behind all others. */
static void add_members(struct definition *definition, struct view *view)
{
    size_t number = definition->source.view_count++;
    struct view *members = &definition->views[number];
    static const struct measure measures[] = {{"amounts", MEASURE_UNIQUE, AMOUNT, 1},
                                              {"least", MEASURE_MINIMUM, AMOUNT, 2},
                                              {"most", MEASURE_MAXIMUM, AMOUNT, 3}};
    *members = *view;
    members->name = "by_day:amount";
    members->dimensions[members->dimension_count++] = AMOUNT;
    members->sum_count = members->measure_count = 0;
    members->watermark_us = 0;
    members->shown = view;
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        view->measures[view->measure_count++] = measures[i];
        view->members[view->member_count++] = number;
    }
}

static void make_views(struct definition *definition)
{
    struct source *source = &definition->source;
    source->view_count = definition->plan_count;
    for (size_t i = 0; i < definition->plan_count; i++)
        make_view(definition, i);
    for (size_t i = 0; i < definition->plan_count; i++)
        if (definition->plans[i].kind == BY_DAY)
            add_members(definition, &definition->views[i]);
    source_fingerprint(source);
    for (size_t i = 0; i < source->view_count; i++)
        view_fingerprint(&definition->views[i], source);
}

/* Without a batch layer no view keeps all. */
static void keep_for_a_while(struct view_plan *plan)
{
    if (plan->retention_s == 0)
        plan->retention_s = plan->pane_s == 86400 ? 86400 : 6 * 3600;
}

void definition_choose(struct definition *definition, const struct definition *before, enum on_duplicate rule,
                       int64_t horizon_us, bool is_stream_alone)
{
    struct source *source = &definition->source;
    source->is_stream_alone = is_stream_alone;
    source->on_duplicate = rule;
    source->horizon_us = horizon_us;
    source->schema.key = rule == ON_DUPLICATE_NONE ? FIELD_NONE : ID;
    definition->plan_count = before ? before->plan_count : 0;
    if (before) {
        memcpy(definition->plans, before->plans, sizeof definition->plans);
        bool changes_layers = chance_one_in(5) && !is_stream_alone; /* real time is added, or taken away */
        source->is_batch_alone = before->source.is_batch_alone != changes_layers;
        if (!changes_layers)
            change_views(definition);
    } else {
        source->is_batch_alone = chance_one_in(12) && !is_stream_alone;
    }
    for (size_t count = chance_one_in(4) ? 3 : 2; !before && definition->plan_count < count;)
        add_view(definition);
    for (size_t i = 0; is_stream_alone && i < definition->plan_count; i++)
        keep_for_a_while(&definition->plans[i]);
    make_views(definition);
    definition->beside = *source;
    if (!replay_fingerprint(source, definition->beside.fingerprint))
        abort();
}
