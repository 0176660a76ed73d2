/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "chance.h"
#include "oracle.h"
#include "pick.h"
#include "world.h"

/* One question: as the product takes it, and as the oracle does. */
struct asked {
    const struct definition *definition;
    const struct snapshot *snapshot;
    size_t number; /* of the view */
    struct view_query query;
    struct oracle_question oracle;
};

/* A first difference, to be said where no story explains the answer. */
static struct buffer difference;

static bool differs(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool differs(const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (difference.length == 0)
        buffer_append_string(&difference, text);
    return false;
}

/* --- what is asked --- */

/* Windows that can be asked for of panes of a minute. */
static const struct {
    const char *text;
    int64_t length_s, panes;
} of_minutes[] = {{"15 minutes", 900, 1},
                  {"1 hour", 3600, 1},
                  {"1 day", 86400, 1},
                  {"hopping 3 minutes every 1 minute", 60, 3},
                  {"hopping 2 hours every 1 hour", 3600, 2}};

static void ask_for_windows(struct asked *asked)
{
    const struct view_plan *plan = &asked->definition->plans[asked->number];
    struct error error;
    const char *text = NULL;
    if (plan->kind == BY_MINUTE && chance_one_in(2)) {
        size_t chosen = chance_below(sizeof of_minutes / sizeof of_minutes[0]);
        text = of_minutes[chosen].text;
        asked->oracle.pane_us = of_minutes[chosen].length_s * US_PER_SECOND;
        asked->oracle.panes = of_minutes[chosen].panes;
    } else if (plan->kind == BY_DAY && chance_one_in(3)) {
        text = "hopping 2 days every 1 day";
        asked->oracle.panes = 2;
    }
    if (text && !question_set_window(&asked->query.question, text_of(text), &error))
        world_fail("%s", error.message);
}

static void ask_for_groups(struct asked *asked)
{
    struct error error;
    if (!asked->oracle.by_category || !chance_one_in(4))
        return;
    asked->oracle.by_category = false;
    if (!question_set_group_by(&asked->query.question, text_of(""), &error))
        world_fail("%s", error.message);
}

/* A bound at, just before or just behind an event, or as far off as a session's gap or a window reaches. */
static int64_t choose_bound(const struct asked *asked)
{
    const struct topic *topic = &the_world.topic;
    const struct view_plan *plan = &asked->definition->plans[asked->number];
    int64_t reach_s = plan->gap_s + plan->pane_s;
    int64_t at_us = topic->order_event_us[chance_below(TOPIC_ORDERS)];
    const int64_t off_us[] = {0, 1, -1, reach_s * US_PER_SECOND, -reach_s * US_PER_SECOND};
    return at_us + off_us[chance_below(sizeof off_us / sizeof off_us[0])];
}

static void ask_for_range(struct asked *asked)
{
    struct view_query *query = &asked->query;
    if (chance_one_in(2)) {
        query->has_from = true;
        query->from_us = choose_bound(asked);
    }
    if (chance_one_in(4))
        query->to_us = choose_bound(asked);
    if (query->to_us < query->from_us)
        query->to_us = query->from_us;
}

/* Windows and sessions that begin before it are past the retention: at the clock that the answer has reached. */
static int64_t edge_of(const struct asked *asked)
{
    const struct view_plan *plan = &asked->definition->plans[asked->number];
    int64_t clock_us = asked->snapshot->clock_us;
    int64_t edge_us = clock_us - plan->retention_s * US_PER_SECOND;
    if (plan->retention_s == 0 || clock_us == 0)
        return INT64_MIN;
    return plan->gap_s > 0 ? edge_us : edge_us - edge_us % (plan->pane_s * US_PER_SECOND);
}

static void ask_of_messages(struct asked *asked)
{
    const struct source *source = &asked->definition->source;
    const struct publication *publication = &asked->snapshot->publication;
    struct oracle_question *oracle = &asked->oracle;
    oracle->topic = &the_world.topic;
    oracle->keeps_first = source->on_duplicate == ON_DUPLICATE_IGNORE;
    oracle->has_versions = source->on_duplicate != ON_DUPLICATE_NONE;
    oracle->losses = database_losses(&the_world.database, publication->epoch, publication->published_at_us);
    for (size_t i = 0; i < asked->snapshot->partition_count; i++) {
        const struct partition_provenance *state = &asked->snapshot->partitions[i];
        oracle->from[i] = state->from >= 0 ? state->from : state->first;
        oracle->to[i] = asked->snapshot->partitions[i].offset;
    }
}

static void ask(struct asked *asked)
{
    const struct view_plan *plan = &asked->definition->plans[asked->number];
    const struct view *view = &asked->definition->views[asked->number];
    asked->query = (struct view_query){.view = view, .from_us = INT64_MIN, .to_us = INT64_MAX, .limit = LIMIT_MAX};
    question_init(&asked->query.question, view);
    asked->oracle = (struct oracle_question){.takes_all_amounts = plan->takes_all_amounts,
                                             .by_category = plan->kind != BY_MINUTE,
                                             .gap_us = plan->gap_s * US_PER_SECOND,
                                             .pane_us = plan->pane_s * US_PER_SECOND,
                                             .panes = plan->panes,
                                             .wait_us = plan->watermark_s * US_PER_SECOND,
                                             .waits_for_us = plan->gap_s > 0 ? -plan->gap_s * US_PER_SECOND
                                                                             : plan->pane_s * US_PER_SECOND};
    ask_of_messages(asked);
    ask_for_windows(asked);
    ask_for_groups(asked);
    ask_for_range(asked);
    int64_t edge_us = edge_of(asked);
    asked->oracle.from_us = edge_us > asked->query.from_us ? edge_us : asked->query.from_us;
    asked->oracle.to_us = asked->query.to_us;
}

/* --- what is answered --- */

static int category_of(const struct view *rows, struct text group)
{
    struct value values[DIMENSIONS_MAX];
    if (rows->dimension_count == 0)
        return ORACLE_ALL_CATEGORIES;
    if (!group_parse(rows, group, values))
        world_fail("a group that isn't one");
    return !values[0].present ? 0 : values[0].text.length == 0 ? 1 : 2;
}

static const struct oracle_row *find_row(const struct oracle_answer *answer, int64_t start_us, int category)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->rows[i].start_us == start_us && answer->rows[i].category == category)
            return &answer->rows[i];
    return NULL;
}

/* unique, min and max of what there is. */
static bool compare_members(const struct view *rows, const struct selected_row *row, unsigned amounts)
{
    const struct sum *sums = &row->cell->sums[rows->sum_count];
    bool same = sums[0].count == __builtin_popcount(amounts) && sums[1].count == 1 && sums[2].count == 1 &&
                ORACLE_AMOUNT((int64_t)sums[1].total) == (amounts & -amounts) &&
                ORACLE_AMOUNT((int64_t)sums[2].total) == 1u << (31 - __builtin_clz(amounts));
    return same ||
           differs("view %s, window %lld: %lld amounts from %lld to %lld are answered as complete; the messages "
                   "below the offsets give %d (%x)",
                   rows->name, (long long)row->start_us, (long long)sums[0].count, (long long)sums[1].total,
                   (long long)sums[2].total, __builtin_popcount(amounts), amounts);
}

static bool compare_row(const struct view *rows, const struct selected_row *row, const struct oracle_answer *expected)
{
    const struct oracle_row *wanted = find_row(expected, row->start_us, category_of(rows, row->group));
    int64_t count = row->cell->count, cents = (int64_t)row->cell->sums[0].total;
    if (wanted && wanted->end_us == row->end_us && wanted->count == count && wanted->cents == cents)
        return rows->member_count == 0 || compare_members(rows, row, wanted->amounts);
    return differs("view %s, window %lld to %lld: %lld orders of %lld cents are answered as complete; the messages "
                   "below the offsets give %lld of %lld, to %lld",
                   rows->name, (long long)row->start_us, (long long)row->end_us, (long long)count, (long long)cents,
                   wanted ? (long long)wanted->count : 0, wanted ? (long long)wanted->cents : 0,
                   wanted ? (long long)wanted->end_us : 0);
}

static bool compare_rows(const struct asked *asked, const struct selection *selection,
                         const struct oracle_answer *expected)
{
    struct selected_row row;
    for (size_t at = 0; selection_next(selection, &at, &row);)
        if (!compare_row(selection->rows, &row, expected))
            return false;
    return selection->count == expected->count ||
           differs("view %s: %zu rows from %lld to %lld are answered as complete; the messages below the offsets give "
                   "%zu",
                   asked->query.view->name, selection->count, (long long)asked->query.from_us,
                   (long long)asked->query.to_us, expected->count);
}

static bool compare_ledger(const struct asked *asked, const struct oracle_answer *expected)
{
    struct ledger ledger = snapshot_ledger(asked->snapshot);
    if (!snapshot_ledger_is_closed(asked->snapshot))
        return differs("the ledger of a complete answer isn't closed");
    /* Where windows of what was deferred are past the retention, it isn't known which of it was new. */
    bool is_kept = ledger.kept == expected->live || (asked->snapshot->source->is_stream_alone && ledger.deferred > 0);
    return (ledger.consumed == expected->consumed && ledger.bad == expected->bad && is_kept) ||
           differs("the ledger says consumed %lld, bad %lld, kept %lld; the messages give %lld, %lld, %lld",
                   (long long)ledger.consumed, (long long)ledger.bad, (long long)ledger.kept,
                   (long long)expected->consumed, (long long)expected->bad, (long long)expected->live);
}

static bool has_lost_head(const struct topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++)
        if (topic->partitions[i].first > topic->partitions[i].began)
            return true;
    return false;
}

/* A slot whose owner came too late for messages that the batch layer has doesn't know how far they brought the clock,
 * and may tell fewer of those behind them to be late until a run has published these as well. One that keeps the clock
 * of messages that the log has lost since may tell more. */
static bool compare_late(const struct asked *asked, const struct oracle_answer *expected)
{
    const struct ledger ledger = snapshot_ledger(asked->snapshot);
    int64_t late = ledger.views[asked->number].late;
    if (asked->snapshot->source->is_stream_alone && ledger.deferred > 0)
        return true; /* what is deferred is in no view, and isn't told to be late */
    return late == expected->late || (late < expected->late && has_lost_head(&the_world.topic)) ||
           (late > expected->late && the_world.has_lost_tail) ||
           differs("view %s: the ledger says %lld late; the messages give %lld", asked->query.view->name,
                   (long long)late, (long long)expected->late);
}

/* Nothing that the answer doesn't hold was there by then. */
static bool may_be_idle_time(const struct asked *asked, size_t number, int64_t at_us)
{
    const struct topic_partition *partition = &the_world.topic.partitions[number];
    int64_t offset = asked->oracle.to[number] > partition->first ? asked->oracle.to[number] : partition->first;
    for (; offset < partition->end; offset++)
        if (topic_message(&the_world.topic, (int32_t)number, offset)->appended_us < at_us)
            return false;
    return true;
}

/* Where a partition lost its tail, a slot that was begun anew keeps the clock that the lost messages brought. */
static bool may_be_of_lost(size_t number, int64_t at_us)
{
    const struct topic_partition *partition = &the_world.topic.partitions[number];
    for (int64_t offset = partition->lost_from; offset < partition->lost_end; offset++) {
        const struct order_message *message = topic_message_of(&the_world.topic, (int32_t)number, offset, true);
        if (message && topic_message_clock_us(message) == at_us)
            return true;
    }
    return false;
}

/* The least, over the partitions, of the clock that the messages give, or a later idle time. */
static bool compare_watermark(const struct asked *asked, const struct oracle_answer *expected)
{
    int64_t least_us = INT64_MAX, wait_us = asked->oracle.wait_us;
    for (size_t i = 0; i < asked->snapshot->partition_count; i++) {
        int64_t settled_us = asked->snapshot->partitions[i].settled_us, clock_us = expected->clocks_us[i];
        if (settled_us != clock_us &&
            (settled_us < clock_us || !(may_be_idle_time(asked, i, settled_us) || may_be_of_lost(i, settled_us))))
            return differs("partition %zu waits for nothing before %lld; the messages bring its clock to %lld", i,
                           (long long)settled_us, (long long)clock_us);
        least_us = settled_us > 0 && settled_us < least_us ? settled_us : least_us;
    }
    int64_t expected_us = wait_us == 0 || least_us == INT64_MAX ? INT64_MIN : least_us - wait_us;
    int64_t watermark_us = snapshot_watermark_us(asked->snapshot, asked->number);
    return watermark_us == expected_us ||
           differs("view %s: the watermark is %lld and not %lld", asked->query.view->name, (long long)watermark_us,
                   (long long)expected_us);
}

/* It never goes back, and so may be that of messages that were read once. */
static bool compare_clock(const struct asked *asked, const struct oracle_answer *expected)
{
    int64_t clock_us = asked->snapshot->clock_us;
    return (clock_us >= expected->clock_us && clock_us <= the_world.topic.clock_us) ||
           differs("the clock is at %lld; the messages below the offsets bring it to %lld, all that there ever were to "
                   "%lld",
                   (long long)clock_us, (long long)expected->clock_us, (long long)the_world.topic.clock_us);
}

/* What lay in a partition before it lost its tail is as true as what took its place, but never both. */
static bool is_explained(struct asked *asked, const struct selection *selection)
{
    static struct oracle_answer expected;
    for (unsigned story = 0; story < 1u << TOPIC_PARTITIONS; story++) {
        for (int i = 0; i < TOPIC_PARTITIONS; i++)
            asked->oracle.lost[i] = story >> i & 1;
        if (oracle_answer(&asked->oracle, &expected) && compare_clock(asked, &expected) &&
            compare_rows(asked, selection, &expected) && compare_ledger(asked, &expected) &&
            compare_late(asked, &expected) && compare_watermark(asked, &expected))
            return true;
        if (!the_world.has_lost_tail)
            return false;
    }
    return false;
}

static void check_view(const struct definition *definition, const struct snapshot *snapshot, size_t number)
{
    struct asked asked = {.definition = definition, .snapshot = snapshot, .number = number};
    struct selection selection;
    struct buffer next = {0};
    struct problem problem;
    ask(&asked);
    selection_init(&selection, &asked.query.question.rows);
    buffer_clear(&difference);
    if (!pick_page(snapshot, number, &asked.query, &selection, &next, &problem))
        world_fail("%s", problem.detail);
    if (!is_explained(&asked, &selection))
        world_fail("%s", difference.length ? buffer_string(&difference) : "offsets are answered that don't exist");
    selection_clean_up(&selection);
    buffer_clean_up(&next);
}

/* A gap is said of messages that are gone, and of no others. */
static void check_gaps(const struct snapshot *snapshot)
{
    struct offset_range gap;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        for (size_t number = 0; snapshot_gap(snapshot, i, number, &gap); number++)
            if (gap.from >= gap.to || gap.to > the_world.topic.partitions[i].first)
                world_fail("partition %zu: a gap from %lld to %lld is said, and the log begins at %lld", i,
                           (long long)gap.from, (long long)gap.to, (long long)the_world.topic.partitions[i].first);
}

/* Without a batch layer an answer says what lay before it begins, which nobody will ever have: it is compared with the
 * rest. Nothing is deferred where the log has all that it ever had, and what the group remembers is never forgotten. */
static bool is_whole_but_for_its_beginning(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        const struct partition_provenance *state = &snapshot->partitions[i];
        const struct topic_partition *log = &the_world.topic.partitions[i];
        if (state->included && state->deferred > 0 && log->first == log->began && !the_world.has_lost_tail)
            world_fail("partition %zu: %lld orders are deferred, and the log has all of them", i,
                       (long long)state->deferred);
        if (state->included && state->gaps.count == 0 && log->known_first >= 0 && state->from > log->known_first)
            world_fail("partition %zu: the answer begins at %lld, and %lld, where the log began, isn't told", i,
                       (long long)state->from, (long long)log->known_first);
        if (state->absence != ABSENT_NOT || state->added || state->deferred > 0 ||
            (state->gaps.count > 0 && state->gaps.ranges[state->gaps.count - 1].to > state->from))
            return false;
    }
    return snapshot->partition_count > 0;
}

static bool is_comparable(const struct snapshot *snapshot, size_t view)
{
    return snapshot->source->is_stream_alone ? is_whole_but_for_its_beginning(snapshot)
                                             : view_is_complete(snapshot, view);
}

void answers_check(const struct definition *definition, const struct snapshot *snapshot)
{
    the_world.figures.deferred += snapshot_deferred(snapshot) > 0;
    check_gaps(snapshot);
    for (size_t number = 0; number < definition->plan_count; number++) {
        the_world.figures.answers++;
        if (!is_comparable(snapshot, number))
            continue;
        the_world.figures.complete++;
        check_view(definition, snapshot, number);
    }
}
