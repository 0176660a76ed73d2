/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_actor.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "chance.h"
#include "merged/follower.h"
#include "oracle.h"
#include "provenance.h"
#include "store_health.h"

struct serving_process {
    const struct definition *definition;
    struct snapshot *snapshot;
    struct store_health health;
    struct follower *follower;
    struct redis_gate redis;
    struct database_reader reader;
    uint64_t compared; /* the state of the answer that was compared last */
};

static struct metrics *metrics;

/* --- what is answered, against the oracle --- */

static int category_of(const struct view *view, struct text group)
{
    struct value values[DIMENSIONS_MAX];
    if (view->dimension_count == 0)
        return -1;
    if (!group_parse(view, group, values))
        world_fail("a group that isn't one");
    return !values[0].present ? 0 : values[0].text.length == 0 ? 1 : 2;
}

static const struct oracle_row *find_row(const struct oracle_answer *answer, int64_t window_s, int category)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->rows[i].window_s == window_s && answer->rows[i].category == category)
            return &answer->rows[i];
    return NULL;
}

static size_t rows_expected(const struct oracle_answer *answer)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++)
        count += answer->rows[i].count > 0;
    return count;
}

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

/* unique, min and max of what there is. */
static bool compare_members(const struct snapshot *snapshot, int64_t window_s, struct text group, unsigned amounts)
{
    struct cell_total answered = {0};
    const struct view *view = &snapshot->source->views[BY_DAY];
    const struct sum *sums = &cell_total(&answered)->sums[view->sum_count];
    snapshot_take_members(snapshot, BY_DAY, window_s * US_PER_SECOND, group, cell_total(&answered));
    bool same = sums[0].count == __builtin_popcount(amounts) && sums[1].count == 1 && sums[2].count == 1 &&
                ORACLE_AMOUNT((int64_t)sums[1].total) == (amounts & -amounts) &&
                ORACLE_AMOUNT((int64_t)sums[2].total) == 1u << (31 - __builtin_clz(amounts));
    return same ||
           differs("view %s, window %lld: %lld amounts from %lld to %lld are answered as complete; the messages "
                   "below the offsets give %d (%x)",
                   view->name, (long long)window_s, (long long)sums[0].count, (long long)sums[1].total,
                   (long long)sums[2].total, __builtin_popcount(amounts), amounts);
}

static bool compare_row(const struct snapshot *snapshot, const struct view *view, int64_t window_s,
                        const struct row *row, const struct oracle_answer *expected, size_t *found)
{
    const struct cell *batch = row_cell(row, view, LAYER_BATCH), *live = row_cell(row, view, LAYER_SPEED);
    int64_t count = batch->count + live->count;
    int64_t cents = (int64_t)(batch->sums[0].total + live->sums[0].total);
    if (count == 0)
        return true;
    ++*found;
    const struct oracle_row *wanted = find_row(expected, window_s, category_of(view, row_group(row, view)));
    if (wanted && wanted->count == count && wanted->cents == cents)
        return view->member_count == 0 || compare_members(snapshot, window_s, row_group(row, view), wanted->amounts);
    return differs("view %s, window %lld: %lld orders of %lld cents are answered as complete (%lld of %lld from the "
                   "batch view); the messages below the offsets give %lld of %lld",
                   view->name, (long long)window_s, (long long)count, (long long)cents, (long long)batch->count,
                   (long long)batch->sums[0].total, wanted ? (long long)wanted->count : 0,
                   wanted ? (long long)wanted->cents : 0);
}

static bool compare_view(const struct snapshot *snapshot, size_t number, const struct oracle_answer *expected)
{
    const struct view_rows *rows = &snapshot->views[number].rows;
    size_t found = 0;
    for (size_t w = 0; w < rows->count; w++)
        for (size_t r = 0; r < rows->windows[w].count; r++)
            if (!compare_row(snapshot, rows->view, rows->windows[w].start_us / US_PER_SECOND, rows->windows[w].rows[r],
                             expected, &found))
                return false;
    return found == rows_expected(expected) ||
           differs("view %s: %zu rows are answered as complete; the messages below the offsets give %zu",
                   rows->view->name, found, rows_expected(expected));
}

static bool compare_ledger(const struct snapshot *snapshot, const struct oracle_answer *expected)
{
    struct ledger ledger = snapshot->publication.ledger;
    ledger_merge(&ledger, &snapshot->live_ledger);
    if (!ledger_is_closed(&ledger, snapshot->source->view_count))
        return differs("the ledger of a complete answer isn't closed");
    return (ledger.consumed == expected->consumed && ledger.bad == expected->bad && ledger.kept == expected->live) ||
           differs("the ledger says consumed %lld, bad %lld, kept %lld; the messages give %lld, %lld, %lld",
                   (long long)ledger.consumed, (long long)ledger.bad, (long long)ledger.kept,
                   (long long)expected->consumed, (long long)expected->bad, (long long)expected->live);
}

static void ask(const struct serving_process *serving, size_t view, struct oracle_question *question)
{
    const struct source *source = &serving->definition->source;
    const struct publication *publication = &serving->snapshot->publication;
    *question = (struct oracle_question){
        .topic = &the_world.topic,
        .keeps_first = source->on_duplicate == ON_DUPLICATE_IGNORE,
        .has_versions = source->on_duplicate != ON_DUPLICATE_NONE,
        .takes_all_amounts = view == BY_MINUTE && serving->definition->takes_all_amounts,
        .losses = database_losses(&the_world.database, publication->epoch, publication->published_at_us)};
    for (size_t i = 0; i < serving->snapshot->partition_count; i++) {
        question->from[i] = serving->snapshot->partitions[i].first;
        question->to[i] = serving->snapshot->partitions[i].offset;
    }
}

/* What lay in a partition before it lost its tail is as true as what took its place, but never both. */
static bool is_explained(const struct serving_process *serving, size_t view, struct oracle_question *question)
{
    static struct oracle_answer expected;
    question->by_day = view == BY_DAY;
    for (unsigned story = 0; story < 1u << TOPIC_PARTITIONS; story++) {
        for (int i = 0; i < TOPIC_PARTITIONS; i++)
            question->lost[i] = story >> i & 1;
        if (oracle_answer(question, &expected) && compare_view(serving->snapshot, view, &expected) &&
            compare_ledger(serving->snapshot, &expected))
            return true;
        if (!the_world.has_lost_tail)
            return false;
    }
    return false;
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

/* What an answer rests on. Once the faults have ended, one on the same is compared only once. */
static uint64_t state_of_answer(const struct snapshot *snapshot)
{
    uint64_t state = (uint64_t)snapshot->publication.epoch;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        state = (state * 31 + (uint64_t)snapshot->partitions[i].offset) * 31 + snapshot->partitions[i].absence;
    return state;
}

static void check_answers(struct serving_process *serving)
{
    const struct snapshot *snapshot = serving->snapshot;
    struct oracle_question question;
    if (!snapshot->loaded)
        return;
    uint64_t state = state_of_answer(snapshot);
    if (the_world.is_calm && state == serving->compared)
        return;
    serving->compared = state;
    the_world.figures.deferred += snapshot_deferred(snapshot) > 0;
    check_gaps(snapshot);
    for (size_t view = 0; view < BY_DAY_AMOUNTS; view++) {
        the_world.figures.answers++;
        if (!view_is_complete(snapshot, view))
            continue;
        the_world.figures.complete++;
        ask(serving, view, &question);
        buffer_clear(&difference);
        if (!is_explained(serving, view, &question))
            world_fail("%s", difference.length ? buffer_string(&difference) : "offsets are answered that don't exist");
    }
}

bool serving_is_complete(const struct world *world, size_t view)
{
    return view_is_complete(world->serving->snapshot, view);
}

bool serving_defers(const struct world *world)
{
    return snapshot_deferred(world->serving->snapshot) > 0;
}

bool serving_reaches_ends(const struct world *world)
{
    const struct snapshot *snapshot = world->serving->snapshot;
    for (int32_t i = 0; i < world->topic.partition_count; i++)
        if (snapshot->partitions[i].offset != world->topic.partitions[i].end)
            return false;
    return true;
}

bool serving_is_current(const struct world *world)
{
    const struct snapshot *snapshot = world->serving->snapshot;
    if (!snapshot->loaded || snapshot->publication.epoch != world->database.now.publication.epoch ||
        snapshot->partition_count < (size_t)world->topic.partition_count)
        return false;
    for (size_t view = 0; view < BY_DAY_AMOUNTS; view++)
        if (!serving_is_complete(world, view))
            return false;
    return serving_reaches_ends(world);
}

bool serving_is_whole(const struct world *world)
{
    const struct snapshot *snapshot = world->serving->snapshot;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        if (snapshot->partitions[i].absence != ABSENT_NOT)
            return false;
    return true;
}

void serving_explain(const struct world *world, struct buffer *out)
{
    provenance_append(world->serving->snapshot, BY_MINUTE, NULL, out);
}

/* --- the process --- */

static void live_publications(struct actor *actor)
{
    while (!actor->dead) {
        follower_look_at_publications(the_world.serving->follower);
        check_answers(the_world.serving);
        actor_rest(actor);
    }
}

static void live_live(struct actor *actor)
{
    while (!actor->dead) {
        follower_read_live(the_world.serving->follower);
        check_answers(the_world.serving);
        actor_rest(actor);
    }
}

void serving_start(struct world *world)
{
    static struct serving_process process;
    struct error error;
    if (!metrics)
        metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    struct serving_process *serving = &process;
    world->serving = serving;
    *serving = (struct serving_process){.definition = &world->definitions[world->definition]};
    actor_init(&world->publications, "serving, publications", live_publications);
    actor_init(&world->live, "serving, live", live_live);
    redis_gate_init(&serving->redis, &world->redis, &world->redis_service, &world->live);
    database_reader_init(&serving->reader, &world->database, &world->publications);
    serving->snapshot = snapshot_new(&serving->definition->source, SIZE_MAX);
    const struct follower_stores stores = {.publications = &serving->reader.store, .realtime = &serving->redis.store};
    /* Without a grace period what is published is often put in place beside slots that were read before it. */
    const struct follower_times times = {
        .live_us = 1, .publication_us = 200000, .grace_us = chance_one_in(3) ? 0 : 500000};
    store_health_init(&serving->health, metrics);
    const struct follower_listener listener = store_health_listener(&serving->health);
    bool made =
        serving->snapshot && follower_new(&stores, &serving->snapshot, 1, times, &listener, &serving->follower, &error);
    if (!made)
        world_fail("out of memory");
}

void serving_stop(struct world *world)
{
    actor_kill(&world->live);
    actor_kill(&world->publications);
    follower_destroy(world->serving->follower);
    snapshot_destroy(world->serving->snapshot);
}

void serving_turn(struct world *world, int steps)
{
    actor_turn(chance_one_in(3) ? &world->publications : &world->live, steps);
}

void serving_pass(struct world *world)
{
    actor_turn(&world->publications, INT_MAX);
    actor_turn(&world->live, INT_MAX); /* which puts in place what was read */
}
