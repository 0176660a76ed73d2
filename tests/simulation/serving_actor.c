/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_actor.h"

#include <limits.h>

#include "answers.h"
#include "base/clock.h"
#include "chance.h"
#include "merged/follower.h"
#include "merged/live.h"
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
    if (!serving->snapshot->loaded)
        return;
    uint64_t state = state_of_answer(serving->snapshot);
    if (the_world.is_calm && state == serving->compared)
        return;
    serving->compared = state;
    answers_check(serving->definition, serving->snapshot);
}

bool serving_is_complete(const struct world *world)
{
    const struct serving_process *serving = world->serving;
    for (size_t view = 0; view < serving->definition->plan_count; view++)
        if (!view_is_complete(serving->snapshot, view))
            return false;
    return true;
}

static bool is_unchanged(const struct view *view, const struct definition *old)
{
    for (size_t i = 0; i < old->plan_count; i++)
        if (strcmp(view->fingerprint, old->views[i].fingerprint) == 0)
            return true;
    return false;
}

bool serving_answers_unchanged(const struct world *world, const struct definition *old)
{
    const struct serving_process *serving = world->serving;
    for (size_t view = 0; view < serving->definition->plan_count; view++)
        if (is_unchanged(&serving->definition->views[view], old) && !view_is_complete(serving->snapshot, view) &&
            !serving_defers(world))
            return false;
    return true;
}

void serving_check_change(const struct world *world, const struct definition *old)
{
    const struct serving_process *serving = world->serving;
    for (size_t view = 0; view < serving->definition->plan_count; view++)
        if (!is_unchanged(&serving->definition->views[view], old) && view_is_complete(serving->snapshot, view))
            world_fail("view %s has changed, and is complete before it is published",
                       serving->definition->views[view].name);
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
    /* Without a batch layer nothing makes whole what the log has lost. */
    bool is_answered = snapshot->source->is_stream_alone ? serving_is_whole(world) : serving_is_complete(world);
    return is_answered && serving_reaches_ends(world);
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
    for (size_t view = 0; view < world->serving->definition->plan_count; view++)
        provenance_append(world->serving->snapshot, view, NULL, out);
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

/* How things stood when a pass began. */
struct pass {
    uint64_t written[MEMORY_SLOTS_MAX], other_redises;
    int64_t began_us;
};

static struct pass begin_pass(const struct world *world)
{
    struct redis_gate *gate = &world->serving->redis;
    struct pass pass = {.other_redises = world->other_redises, .began_us = clock_monotonic_us()};
    for (size_t i = 0; i < MEMORY_SLOTS_MAX; i++)
        pass.written[i] = world->redis.slots[i].written;
    gate->pass++;
    gate->is_asked = gate->has_failed = false;
    return pass;
}

/* A slot that the pass didn't read again is what it was when it was read: but for one that was written during the pass,
 * or touched since it was last looked at. */
static void check_pass(const struct world *world, const struct pass *pass)
{
    const struct redis_gate *gate = &world->serving->redis;
    if (!gate->is_asked || gate->has_failed || pass->other_redises != world->other_redises)
        return;
    for (size_t i = 0; i < MEMORY_SLOTS_MAX; i++) {
        uint64_t written = world->redis.slots[i].written;
        bool is_passed_over = gate->seen[i].pass > 0 && gate->seen[i].pass < gate->pass;
        bool is_touched = world->touched_us[i] > pass->began_us - LIVE_LOOK_EVERY_US;
        if (is_passed_over && gate->seen[i].written != written && pass->written[i] == written && !is_touched)
            world_fail("slot %zu was written, and wasn't read by who follows it", i);
    }
}

static void live_live(struct actor *actor)
{
    while (!actor->dead) {
        struct pass pass = begin_pass(&the_world);
        follower_read_live(the_world.serving->follower);
        check_pass(&the_world, &pass);
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
    const struct follower_stores stores = {.publications = &serving->reader.store,
                                           .realtime = world_realtime(serving->definition, &serving->redis)};
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
