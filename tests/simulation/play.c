/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "batch_actor.h"
#include "chance.h"
#include "ports/other_definitions.h"
#include "redis/sourced_store.h"
#include "replay_actor.h"
#include "serving_actor.h"
#include "speed_actor.h"

struct world the_world;

static int trace_step = -1; /* of the step that is printed; -1 prints none */

/* Then they have the same slots: the first of them has them. */
static bool is_same(const struct definition *one, const struct definition *other)
{
    return strcmp(one->source.fingerprint, other->source.fingerprint) == 0;
}

/* By the definition that processes start with. */
static struct slot *slot_now(struct world *world, int32_t partition)
{
    int number = 0;
    while (!is_same(&world->definitions[number], &world->definitions[world->definition]))
        number++;
    return &world->redis.slots[number * MEMORY_PARTITIONS_MAX + partition].slot;
}

/* Of any definition, and of a replay's. */
static size_t choose_slot(const struct world *world)
{
    return chance_below(world->redis.definition_count) * MEMORY_PARTITIONS_MAX + chance_below(TOPIC_PARTITIONS);
}

static void print_actor(const struct actor *actor)
{
    if (actor->asleep)
        printf("  %s sleeps\n", actor->name);
    else if (actor->inside)
        printf("  %s is in a call to %s\n", actor->name, actor->service->name);
}

/* For whoever looks into a failure: how things stand. */
static void print_state(struct world *world)
{
    const struct database_state *database = &world->database.now;
    printf("  epoch %lld is published\n", (long long)database->publication.epoch);
    for (int i = 0; i < world->topic.partition_count; i++) {
        const struct topic_partition *topic = &world->topic.partitions[i];
        const struct database_partition *partition = &database->partitions[i];
        const struct slot *slot = slot_now(world, i);
        printf("  partition %d: the log has %lld to %lld", i, (long long)topic->first, (long long)topic->end);
        if (topic->lost_from != INT64_MAX)
            printf(", and lost its tail from %lld to %lld", (long long)topic->lost_from, (long long)topic->lost_end);
        printf("; first %lld, ingested %lld, cut %lld; slot: next %lld, tail %lld, floor %lld, epochs",
               (long long)partition->first, (long long)partition->ingested,
               partition->published ? (long long)partition->cut : -1, (long long)slot->next, (long long)slot->tail,
               (long long)slot->floor);
        for (size_t e = 0; e < slot->epoch_count; e++)
            printf(" %lld from %lld", (long long)slot->epochs[e].epoch, (long long)slot->epochs[e].offset);
        putchar('\n');
    }
    for (int i = 0; i < SPEEDS; i++)
        print_actor(&world->speeds[i]);
    for (int i = 0; i < BATCHES; i++)
        print_actor(&world->batches[i]);
    print_actor(&world->replay);
    print_actor(&world->publications);
    print_actor(&world->live);
}

void world_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("SEED=%llu: ", (unsigned long long)the_world.seed);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    print_state(&the_world);
    fflush(stdout);
    _Exit(1);
}

static void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void trace(const char *format, ...)
{
    if (trace_step < 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    printf("%4d %8.3f s  ", trace_step, (double)clock_monotonic_us() / 1e6);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

int speed_number(const struct actor *actor)
{
    return (int)(actor - the_world.speeds);
}

struct realtime_store *world_realtime(const struct definition *definition, struct redis_gate *gate)
{
    return definition->source.is_batch_alone ? the_world.no_slots : &gate->store;
}

int batch_number(const struct actor *actor)
{
    return (int)(actor - the_world.batches);
}

/* --- the world --- */

void world_make(struct world *world)
{
    struct error error;
    if (!zone_open("UTC", &world->zone, &error))
        world_fail("%s", error.message);
    static const struct source alone = {.name = "orders", .is_batch_alone = true};
    if (!sourced_store_open("", NULL, "", &alone, 1, &world->no_slots, &error))
        world_fail("%s", error.message);
    for (int i = 0; i < DEFINITIONS; i++)
        definition_make(&world->definitions[i], world->zone, &world->arena);
}

/* What kind of source this schedule plays, and by which definitions. */
static void choose_rules(struct world *world)
{
    static const enum on_duplicate rules[] = {ON_DUPLICATE_REPLACE, ON_DUPLICATE_REPLACE, ON_DUPLICATE_REPLACE,
                                              ON_DUPLICATE_IGNORE, ON_DUPLICATE_NONE};
    static const int64_t horizons_s[] = {1000 * 86400, 3600, 2 * 3600};
    enum on_duplicate rule = rules[chance_below(sizeof rules / sizeof *rules)];
    int64_t horizon_us = horizons_s[chance_below(sizeof horizons_s / sizeof *horizons_s)] * US_PER_SECOND;
    bool is_alone = chance_one_in(6);
    for (int i = 0; i < DEFINITIONS; i++)
        definition_choose(&world->definitions[i], i > 0 ? &world->definitions[i - 1] : NULL, rule, horizon_us,
                          is_alone);
}

/* Without a batch layer. */
static bool is_stream_alone(const struct world *world)
{
    return world->definitions[0].source.is_stream_alone;
}

/* Mostly none; a record time is what tells one story from the other where a tail was lost. */
static unsigned choose_untimed(const struct world *world)
{
    static const unsigned in_6[] = {0, 0, 1, 3, 6};
    unsigned chosen = in_6[chance_below(sizeof in_6 / sizeof *in_6)];
    return world->loses_tails ? 0 : chosen;
}

static void add_definition(struct world *world, const struct source *source)
{
    memory_realtime_add(&world->redis, source);
    memory_realtime_add(&world->redis_backup, source);
}

static void begin(struct world *world, uint64_t seed)
{
    static const int64_t unread_after_ms[] = {0, 1, 50, 300, 1500};
    world->seed = seed;
    time_begin();
    actors_begin();
    chance_begin_step(seed, UINT64_MAX);
    choose_rules(world);
    topic_begin(&world->topic, chance_one_in(4) ? 1 : 2, world->definitions[0].source.schema.max_future_us);
    database_begin(&world->database, &world->topic);
    memory_dead_letter_topic_init(&world->letters);
    world->redis_service = (struct service){.name = "Redis"};
    memory_realtime_init(&world->redis, &world->definitions[0].source);
    memory_realtime_init(&world->redis_backup, &world->definitions[0].source);
    for (int i = 1; i < DEFINITIONS; i++)
        add_definition(world, &world->definitions[i].source);
    for (int i = 0; i < DEFINITIONS && is_stream_alone(world); i++)
        add_definition(world, &world->definitions[i].beside);
    world->definition = 0;
    world->accepts_partitions = world->has_changed = world->is_calm = world->has_lost_tail = false;
    world->loses_tails = chance_one_in(8);
    world->unread_after_ms = unread_after_ms[chance_below(sizeof unread_after_ms / sizeof *unread_after_ms)];
    world->away = 0;
    memset(world->unread_below, 0, sizeof world->unread_below);
    memset(world->edited, 0, sizeof world->edited);
    memset(world->touched_us, 0, sizeof world->touched_us);
    world->topic.has_holes = !world->loses_tails;
    world->topic.untimed_in_6 = choose_untimed(world);
    world->topic.is_disordered = chance_one_in(4) && !world->loses_tails; /* likewise */
    for (int i = 0; i < SPEEDS; i++)
        speed_actor_init(world, i);
    for (int i = 0; i < BATCHES; i++)
        batch_actor_init(world, i);
    world->replays = false;
    replay_actor_init(world);
    serving_start(world);
}

static void end(struct world *world)
{
    for (int i = 0; i < SPEEDS; i++)
        actor_kill(&world->speeds[i]);
    for (int i = 0; i < BATCHES; i++)
        actor_kill(&world->batches[i]);
    actor_kill(&world->replay);
    serving_stop(world);
    world->figures.publications += world->database.published;
    database_clean_up(&world->database);
    memory_dead_letter_topic_clean_up(&world->letters);
    memory_realtime_clean_up(&world->redis);
    memory_realtime_clean_up(&world->redis_backup);
}

/* --- what can happen --- */

static void produce(struct world *world)
{
    for (uint64_t left = 1 + chance_below(4); left > 0; left--)
        topic_produce(&world->topic);
}

static int burst(void)
{
    return (int)chance_below(chance_one_in(2) ? 3 : 12);
}

static void batch(struct world *world)
{
    if (!is_stream_alone(world))
        actor_turn(&world->batches[chance_one_in(6)], burst());
}

static void speed(struct world *world)
{
    if (world->away > 0) /* others get its share */
        batch(world);
    else
        actor_turn(&world->speeds[chance_below(SPEEDS)], burst());
}

/* Where there is no batch layer. By another file than the one in use it builds that one's slots. */
static void begin_replay(struct world *world)
{
    world->replays = is_stream_alone(world);
}

static void replay(struct world *world)
{
    if (world->replays)
        actor_turn(&world->replay, burst());
    else
        speed(world);
}

static void kill_replay(struct world *world)
{
    actor_kill(&world->replay);
}

static void serve(struct world *world)
{
    serving_turn(world, burst());
}

static void pass_time(struct world *world)
{
    (void)world;
    time_pass((int64_t)chance_below(4000000));
}

/* What no process has used for so long, the next run removes. */
static void pass_day(struct world *world)
{
    (void)world;
    time_pass(OTHER_DEFINITIONS_IDLE_S * US_PER_SECOND);
}

/* Killed or frozen, for long: who is frozen goes on later as if nothing had been. */
static void leave(struct world *world)
{
    world->away = 5 + (int)chance_below(80);
    for (int i = 0; i < SPEEDS; i++)
        if (chance_one_in(2))
            actor_kill(&world->speeds[i]);
}

static void kill_speed(struct world *world)
{
    int number = (int)chance_below(SPEEDS);
    actor_kill(&world->speeds[number]);
    world->figures.kills++;
    for (int i = 0; i < TOPIC_PARTITIONS; i++)
        if (world->topic.partitions[i].owner == number)
            world->topic.partitions[i].owner = chance_one_in(2) ? 1 - number : number;
    world->topic.generation++;
}

static void kill_batch(struct world *world)
{
    actor_kill(&world->batches[chance_below(BATCHES)]);
    world->figures.kills++;
}

static void restart_serving(struct world *world)
{
    serving_stop(world);
    serving_start(world);
}

static void rebalance(struct world *world)
{
    topic_rebalance(&world->topic, chance_one_in(3));
}

static void disturb(struct service *service)
{
    service->is_down = chance_one_in(3);
    service->takes_no_writes = chance_one_in(6);
    service->lost_in_100 = (unsigned)chance_below(30);
}

static void disturb_services(struct world *world)
{
    struct service *services[] = {&world->redis_service, &world->database.service, &world->topic.service};
    disturb(services[chance_below(3)]);
}

static void mend_services(struct world *world)
{
    struct service *services[] = {&world->redis_service, &world->database.service, &world->topic.service};
    for (int i = 0; i < 3; i++) {
        services[i]->is_down = services[i]->takes_no_writes = false;
        services[i]->lost_in_100 = 0;
    }
}

/* Where a log has lost its tail, a slot of before doesn't come back: it could fit what has been published of the other
 * story since. */
static void forget_copies_of_lost_tails(struct world *world)
{
    for (size_t i = 0; i < TOPIC_PARTITIONS; i++)
        for (size_t k = i; world->topic.partitions[i].lost_from != INT64_MAX && k < MEMORY_SLOTS_MAX;
             k += MEMORY_PARTITIONS_MAX) {
            memory_realtime_lose(&world->redis_backup, k);
            world->redis_backup.news = 0;
        }
}

static void back_up_redis(struct world *world)
{
    memory_realtime_copy(&world->redis_backup, &world->redis);
    forget_copies_of_lost_tails(world);
}

/* By something else than a program, which tells no news. */
static void touch(struct world *world, size_t slot)
{
    world->touched_us[slot] = clock_monotonic_us();
}

static void rewind_redis(struct world *world)
{
    /* Slots that were touched since may be others all the same. */
    bool is_no_news = world->redis.news == world->redis_backup.news;
    for (size_t i = 0; is_no_news && i < MEMORY_SLOTS_MAX; i++)
        touch(world, i);
    world->other_redises++;
    memory_realtime_copy(&world->redis, &world->redis_backup);
}

/* Not the others: a cluster's shards fail one by one. */
static void rewind_slot(struct world *world)
{
    size_t slot = choose_slot(world);
    memory_realtime_copy_slot(&world->redis, &world->redis_backup, slot);
    touch(world, slot);
}

static void lose_slot(struct world *world)
{
    size_t slot = choose_slot(world);
    memory_realtime_lose(&world->redis, slot);
    touch(world, slot);
}

static void lose_redis(struct world *world)
{
    for (size_t i = 0; i < MEMORY_SLOTS_MAX; i++)
        memory_realtime_lose(&world->redis, i);
    world->redis.news = 0;
    world->other_redises++;
}

static void back_up_database(struct world *world)
{
    database_back_up(&world->database);
}

static void restore_database(struct world *world)
{
    database_restore(&world->database);
}

static void restart_database(struct world *world)
{
    database_restart(&world->database);
}

static void spoil_versions(struct world *world)
{
    world->database.spoils_versions = !world->database.spoils_versions;
}

/* As somebody who deletes a cell or changes it: the ledger stays as it was. Once in each life of a slot: a second
 * change may undo in count and in every sum what the first did, and then an audit finds nothing. */
static void damage_cell(struct world *world)
{
    size_t number = choose_slot(world);
    struct slot_reader *cells = &world->redis.slots[number].cells;
    const char *incarnation = world->redis.slots[number].slot.incarnation;
    if (cells->epoch_count == 0 || strcmp(world->edited[number], incarnation) == 0)
        return;
    struct epoch_cells *epoch = &cells->epochs[chance_below(cells->epoch_count)];
    const struct panes *panes = &epoch->panes[chance_below(cells->source->view_count)];
    if (panes_count(panes) == 0)
        return;
    struct pane pane = panes_get(panes, chance_below(panes_count(panes)));
    memcpy(world->edited[number], incarnation, sizeof world->edited[number]);
    if (chance_one_in(2))
        memset(pane.cell, 0, cell_size(panes->view));
    else if (panes->view->sum_count == 0)
        pane.cell->count++;
    else
        pane.cell->sums[0].total++;
}

/* By hand, or by a release that was tried for a while; now and then back to what it was. */
static void change_format(struct world *world)
{
    static const int64_t formats[] = {REALTIME_FORMAT - 1, REALTIME_FORMAT, REALTIME_FORMAT + 1};
    struct slot *slot = &world->redis.slots[choose_slot(world)].slot;
    if (slot->exists)
        slot->format = formats[chance_below(sizeof formats / sizeof *formats)];
}

/* As an operator has it done by tidemark-batch repair. */
static void forget_newer_slots(struct world *world)
{
    for (size_t i = 0; i < MEMORY_SLOTS_MAX; i++)
        if (world->redis.slots[i].slot.format > REALTIME_FORMAT) {
            memory_realtime_lose(&world->redis, i);
            world->redis.news = 0;
        }
}

/* As an operator has it done by tidemark-speed forget --other-definitions, also while they are in use. */
static void forget_other_definitions(struct world *world)
{
    const struct source *source = &world->definitions[world->definition].source;
    size_t forgotten;
    struct error error;
    for (int32_t i = 0; i < TOPIC_PARTITIONS; i++)
        if (!other_definitions_forget(&world->redis.store, source, i, 0, &forgotten, &error))
            world_fail("%s", error.message);
}

static void grow_topic(struct world *world)
{
    topic_grow(&world->topic);
}

static void accept_partitions(struct world *world)
{
    world->accepts_partitions = true;
}

static void choose_another(struct world *world)
{
    world->definition = (world->definition + 1 + (int)chance_below(DEFINITIONS - 1)) % DEFINITIONS;
}

static void change_definition(struct world *world)
{
    choose_another(world);
    world->has_changed = true;
}

/* Where slots of the partition begin, or began once; -1 where none ever did. What is recorded counts, where it is: a
 * replay that had asked for the log's extent before anybody began with it may begin sooner, and nobody else can know.
 */
static int64_t first_known(const struct world *world, int32_t number)
{
    int64_t first = world->topic.partitions[number].recorded_first;
    if (first >= 0)
        return first;
    for (size_t i = (size_t)number; i < MEMORY_SLOTS_MAX; i += MEMORY_PARTITIONS_MAX) {
        const struct slot *slot = &world->redis.slots[i].slot;
        if (slot->exists && (first < 0 || slot->first < first))
            first = slot->first;
    }
    return first;
}

/* By retention: mostly what has been read, now and then more. */
static void lose_head(struct world *world)
{
    int32_t number = (int32_t)chance_below((uint64_t)world->topic.partition_count);
    struct topic_partition *partition = &world->topic.partitions[number];
    const struct slot *slot = slot_now(world, number);
    int64_t to = chance_one_in(6) ? partition->end : slot->exists && slot->next < partition->end ? slot->next : 0;
    if (partition->lost_from != INT64_MAX)
        return; /* what could tell one story from the other may be gone */
    if (to <= partition->first)
        return;
    if (partition->known_first < 0)
        partition->known_first = first_known(world, number);
    partition->first += 1 + (int64_t)chance_below((uint64_t)(to - partition->first));
}

/* An unclean election, or a topic made anew under the same name, while nobody reads: who reads on can't notice. */
static void lose_tail(struct world *world)
{
    int32_t number = (int32_t)chance_below((uint64_t)world->topic.partition_count);
    struct topic_partition *partition = &world->topic.partitions[number];
    for (int i = 0; i < SPEEDS; i++)
        actor_kill(&world->speeds[i]);
    for (int i = 0; i < BATCHES; i++)
        actor_kill(&world->batches[i]);
    world->has_lost_tail = true;
    topic_lose_tail(&world->topic, number,
                    partition->first + (int64_t)chance_below((uint64_t)(partition->end - partition->first + 1)));
    kill_replay(world);
    forget_copies_of_lost_tails(world);
    for (uint64_t left = chance_below(12); left > 0; left--)
        topic_produce(&world->topic);
}

static const struct event {
    const char *name;
    unsigned weight;
    void (*happens)(struct world *world);
} events[] = {
    {"messages come", 210, produce},
    {"speed", 330, speed},
    {"batch", 130, batch},
    {"a replay", 90, replay},
    {"a replay begins", 6, begin_replay},
    {"a replay is killed", 6, kill_replay},
    {"serving", 170, serve},
    {"time passes", 40, pass_time},
    {"a day passes", 1, pass_day},
    {"a speed process is killed", 16, kill_speed},
    {"a batch process is killed", 10, kill_batch},
    {"the speed layer is away", 6, leave},
    {"the serving process is started anew", 3, restart_serving},
    {"the group is rebalanced", 12, rebalance},
    {"a store or the log is disturbed", 16, disturb_services},
    {"stores and log are well again", 16, mend_services},
    {"Redis is copied", 10, back_up_redis},
    {"Redis comes back older", 5, rewind_redis},
    {"a slot comes back older", 5, rewind_slot},
    {"a slot is lost", 5, lose_slot},
    {"Redis is emptied", 3, lose_redis},
    {"a cell in Redis is changed by hand", 4, damage_cell},
    {"a slot gets another format", 4, change_format},
    {"slots of a newer format are forgotten", 4, forget_newer_slots},
    {"slots of other definitions are forgotten", 2, forget_other_definitions},
    {"PostgreSQL is backed up", 5, back_up_database},
    {"PostgreSQL is restored", 2, restore_database},
    {"PostgreSQL is started anew", 4, restart_database},
    {"PostgreSQL computes wrongly, or no longer", 3, spoil_versions},
    {"the topic grows", 1, grow_topic},
    {"more partitions are accepted", 1, accept_partitions},
    {"the definition changes for who starts from now on", 3, change_definition},
    {"the log loses its head", 8, lose_head},
};

static void happen(struct world *world)
{
    uint64_t total = 0;
    if (world->loses_tails && chance_one_in(80)) {
        trace("the log loses its tail");
        lose_tail(world);
    }
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        total += events[i].weight;
    uint64_t chosen = chance_below(total);
    size_t i = 0;
    for (; chosen >= events[i].weight; i++)
        chosen -= events[i].weight;
    trace("%s", events[i].name);
    events[i].happens(world);
    if (world->away > 0) /* with nobody there, time goes by */
        world->away--;
    time_pass((int64_t)chance_below(world->away > 0 ? 500000 : 30000));
    world->figures.steps++;
}

/* --- after the faults --- */

#define CALM_ROUNDS 1500

static void calm_round(struct world *world, int round)
{
    chance_begin_step(world->seed, UINT64_C(1000000) + (uint64_t)round);
    for (int i = 0; i < SPEEDS && world->away == 0; i++)
        actor_turn(&world->speeds[i], 6);
    if (!is_stream_alone(world))
        actor_turn(&world->batches[round / 16 % BATCHES], 4);
    serving_pass(world);
    /* With nobody there, time goes by; and where an audit is waited for that comes late, as one before stood still. */
    bool is_long = world->away > 0 || round % CALM_ROUNDS >= CALM_ROUNDS / 2;
    time_pass(is_long ? US_PER_SECOND : 100000);
}

static void fail_with_provenance(const struct world *world, const char *what)
{
    struct buffer provenance = {0};
    serving_explain(world, &provenance);
    world_fail("%s: %s", what, buffer_string(&provenance));
}

/* Until all is answered, and completely. */
static void come_right(struct world *world, const char *when)
{
    for (int round = 0; round < CALM_ROUNDS; round++) {
        calm_round(world, round);
        if (serving_is_current(world))
            return;
    }
    fail_with_provenance(world, when);
}

/* One more run: what was lost to the batch layer alone comes to light in it, or, where its epoch was opened before, in
 * the one after it. */
static void settle(struct world *world)
{
    int64_t published = world->database.published;
    topic_produce(&world->topic);
    for (int round = 0; round < CALM_ROUNDS; round++) {
        calm_round(world, CALM_ROUNDS + round);
        if (world->database.published > published && serving_is_current(world))
            return;
    }
    world_fail("no run publishes after the faults have ended");
}

/* Without faults, runs are not noticed: nothing that is answered goes missing, and no slot is begun anew. */
static void stay_right(struct world *world)
{
    struct slot before[TOPIC_PARTITIONS];
    int64_t published = world->database.published;
    for (int i = 0; i < TOPIC_PARTITIONS; i++)
        before[i] = *slot_now(world, i);
    for (int i = 0; i < 6; i++)
        topic_produce(&world->topic);
    for (int round = 0; round < CALM_ROUNDS; round++) {
        calm_round(world, 2 * CALM_ROUNDS + round);
        if (!serving_is_whole(world))
            fail_with_provenance(world, "a partition goes missing while a batch run publishes, without any fault");
        if (world->database.published > published && serving_is_current(world))
            break;
    }
    for (int i = 0; i < TOPIC_PARTITIONS; i++)
        if (strcmp(before[i].incarnation, slot_now(world, i)->incarnation) != 0)
            world_fail("slot %d was begun anew without any fault", i);
}

#define CHANGE_ROUNDS 60 /* of 100 ms; more than a group of partitions needs to be opened and read on */
#define RUN_ROUNDS 200   /* more than a run that waits for the speed layer takes to its end */

/* The file changes: from one to the other, and whether messages come meanwhile. */
struct file_change {
    const struct definition *from, *to;
    bool flows;
    int round;
};

/* Nobody but who is restarted notices it. */
static void changing_round(struct world *world, struct file_change *change, bool runs)
{
    int round = change->round++;
    chance_begin_step(world->seed, UINT64_C(3000000) + (uint64_t)round);
    if (change->flows && round % 8 == 0)
        topic_produce(&world->topic);
    for (int i = 0; i < SPEEDS; i++)
        actor_turn(&world->speeds[i], 6);
    if (runs)
        actor_turn(&world->batches[round / 16 % BATCHES], 4);
    serving_pass(world);
    time_pass(100000);
}

static struct file_change begin_change(struct world *world)
{
    struct file_change change = {.from = &world->definitions[world->definition], .flows = chance_one_in(2)};
    choose_another(world);
    change.to = &world->definitions[world->definition];
    return change;
}

/* The group has the processes that read the topic, and no others. */
static void restart_speed(struct world *world, const struct file_change *change, int number)
{
    actor_kill(&world->speeds[number]);
    if (change->to->source.is_batch_alone)
        topic_give_all(&world->topic, 1 - number);
}

/* By the old file all is answered while one speed process after the other takes the new one, but for what the next run
 * has to place. */
static void change_speed(struct world *world, struct file_change *change)
{
    for (int i = 0; i < SPEEDS; i++) {
        restart_speed(world, change, i);
        for (int left = CHANGE_ROUNDS; left > 0; left--) {
            changing_round(world, change, false);
            if (!serving_is_whole(world) || !(serving_is_complete(world) || serving_defers(world)))
                fail_with_provenance(world, "the old file's answers go missing while the file changes");
        }
    }
}

/* By the new one what didn't change is answered before anything is published by it, whatever runs by the old one try:
 * they publish only where no speed layer reads by either. */
static void change_serving(struct world *world, struct file_change *change)
{
    int64_t published = world->database.published;
    bool reads = !change->to->source.is_batch_alone;
    bool keeps = !is_same(change->from, change->to) && reads && !change->from->source.is_batch_alone;
    restart_serving(world);
    for (int round = 0; round < CALM_ROUNDS; round++) {
        changing_round(world, change, true);
        if (keeps && world->database.published > published)
            world_fail("a run by the old file publishes while the log is read by the new one");
        serving_check_change(world, change->from);
        if (!reads && !serving_is_whole(world))
            fail_with_provenance(world, "without a speed layer an answer isn't whole at the cut");
        if (round >= RUN_ROUNDS && serving_answers_unchanged(world, change->from) && serving_is_whole(world) &&
            (!reads || serving_reaches_ends(world)))
            return;
    }
    fail_with_provenance(world, "what didn't change isn't answered by the new file");
}

/* The file changes without any fault, in the order speed, serving, batch. */
static void change_file(struct world *world)
{
    struct file_change change = begin_change(world);
    change_speed(world, &change);
    change_serving(world, &change);
    for (int i = 0; i < BATCHES; i++)
        actor_kill(&world->batches[i]);
    for (int left = CALM_ROUNDS; left > 0 && !serving_is_current(world); left--) {
        changing_round(world, &change, true);
        if (!serving_is_whole(world))
            fail_with_provenance(world, "what is published by the new file isn't noticed by it alone");
    }
    if (!serving_is_current(world))
        fail_with_provenance(world, "it doesn't come right by the new file");
}

/* The programs take the new file in any order, and others are killed meanwhile: nothing wrong is answered, and in the
 * end all is. */
static void change_file_in_any_order(struct world *world)
{
    enum { SERVING = SPEEDS + BATCHES, PROCESSES };
    struct file_change change = begin_change(world);
    int order[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        int at = (int)chance_below((uint64_t)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (int i = 0; i < PROCESSES; i++) {
        if (order[i] == SERVING)
            restart_serving(world);
        else if (order[i] < SPEEDS)
            restart_speed(world, &change, order[i]);
        else
            actor_kill(&world->batches[order[i] - SPEEDS]);
        for (int left = CHANGE_ROUNDS; left > 0; left--) {
            changing_round(world, &change, true);
            if (left == CHANGE_ROUNDS / 2 && chance_one_in(4))
                actor_kill(chance_one_in(2) ? &world->speeds[chance_below(SPEEDS)] : &world->batches[0]);
        }
    }
    for (int left = CALM_ROUNDS; left > 0 && !serving_is_current(world); left--)
        changing_round(world, &change, true);
    if (!serving_is_current(world))
        fail_with_provenance(world, "it doesn't come right by a new file that was taken in another order");
}

/* What was read may be another story than what is there: then an operator must act, and until then nothing wrong is
 * answered. */
static void stand_still(struct world *world)
{
    for (int round = 0; round < 200; round++)
        calm_round(world, round);
}

#define AWAY_PARTS 6 /* of an hour */

/* No speed process has a turn for an hour, but messages come. Runs alone must bring them into complete answers, again
 * and again; and those who were only frozen wake up behind cuts that they know nothing of. */
static void do_without_speed(struct world *world)
{
    world->away = 1;
    for (int i = 0; i < SPEEDS; i++)
        if (chance_one_in(2))
            actor_kill(&world->speeds[i]);
    for (int part = 0, round = 0; part < AWAY_PARTS; part++) {
        for (int i = 0; i < 6; i++)
            topic_produce(&world->topic);
        for (int left = CALM_ROUNDS; left > 0 && !serving_is_current(world); left--)
            calm_round(world, 5 * CALM_ROUNDS + round++);
        if (!serving_is_current(world))
            fail_with_provenance(world, "messages that nobody reads are not answered");
        time_pass(3600 * US_PER_SECOND / AWAY_PARTS);
    }
    world->away = 0;
    come_right(world, "it doesn't come right when the speed layer is back");
}

/* Runs that were under way when the faults ended come to their end. */
static void let_runs_end(struct world *world)
{
    int round = 0;
    for (int i = 0; i < BATCHES; i++)
        do {
            actor_turn(&world->batches[i], 1000);
            if (round == CALM_ROUNDS)
                world_fail("a run that was under way when the faults ended doesn't end: of %s", world->batches[i].name);
            if (world->batches[i].asleep)
                calm_round(world, 4 * CALM_ROUNDS + round++);
        } while (world->batches[i].inside || world->batches[i].asleep);
}

static bool have_one_owner_each(const struct topic *topic)
{
    bool one = true;
    for (int i = 0; i < TOPIC_PARTITIONS; i++)
        one = one && topic->partitions[i].second < 0;
    return one;
}

static void be_calm(struct world *world)
{
    mend_services(world);
    forget_newer_slots(world);
    world->away = 0;
    world->is_calm = world->accepts_partitions = true;
    world->database.spoils_versions = world->replays = false;
    kill_replay(world);
    /* Else what is open stays open: a rebalance opens it anew, and would hide that it stood still. */
    if (world->has_lost_tail || !have_one_owner_each(&world->topic) || chance_one_in(2))
        topic_rebalance(&world->topic, false);
    if (!world->has_changed)
        return;
    /* Who changes the definition starts every process anew with it. */
    for (int i = 0; i < SPEEDS; i++)
        actor_kill(&world->speeds[i]);
    for (int i = 0; i < BATCHES; i++)
        actor_kill(&world->batches[i]);
    restart_serving(world);
}

/* Redis takes no writes while nothing comes, and is older or empty behind that. A commit that was tried in vain, with
 * nothing in it, keeps no partition from noticing. */
static void lose_redis_while_idle(struct world *world)
{
    for (int round = 0; round < 40; round++)
        calm_round(world, 3 * CALM_ROUNDS + round);
    world->redis_service.takes_no_writes = true;
    for (int second = 0; second < 8; second++) {
        for (int i = 0; i < SPEEDS; i++)
            actor_turn(&world->speeds[i], 6);
        time_pass(US_PER_SECOND);
    }
    if (chance_one_in(2))
        rewind_redis(world);
    else
        lose_redis(world);
    forget_newer_slots(world);
    world->redis_service.takes_no_writes = false;
}

/* Where Redis was emptied, answers of before may still be given. */
static bool has_all_slots(struct world *world)
{
    bool all = true;
    for (int i = 0; i < world->topic.partition_count; i++)
        all = all && slot_now(world, i)->exists;
    return all;
}

static void replaying_round(struct world *world, int round)
{
    calm_round(world, 6 * CALM_ROUNDS + round);
    if (round % 8 == 0)
        topic_produce(&world->topic);
    actor_turn(&world->replay, 6);
}

/* The file that processes start with now was that of the last commit to some partition. */
static bool is_in_use(const struct world *world)
{
    bool found = false;
    for (int i = 0; i < world->topic.partition_count; i++)
        found = found || world->redis.readers[i].definition == &world->definitions[world->definition].source;
    return found;
}

/* Slots are made anew beside those in use, and take their places while messages come; killed in the midst, the replay
 * that follows does so. */
static void replay_calmly(struct world *world)
{
    struct slot before[TOPIC_PARTITIONS];
    int killed_at = chance_one_in(2) ? (int)chance_below(20) : -1;
    for (int round = 0; round < CALM_ROUNDS && !has_all_slots(world); round++)
        calm_round(world, 7 * CALM_ROUNDS + round);
    topic_produce_in(&world->topic, 0); /* so that this file's program commits last: it is known to be in use then */
    come_right(world, "it doesn't come right before a replay");
    for (int i = 0; i < TOPIC_PARTITIONS; i++)
        before[i] = *slot_now(world, i);
    bool replaces = is_in_use(world);
    world->replays = true;
    for (int round = 0; round < CALM_ROUNDS && world->replays; round++) {
        replaying_round(world, round);
        if (round == killed_at)
            kill_replay(world);
        if (!serving_is_whole(world))
            fail_with_provenance(world, "a partition goes missing while it is replayed");
    }
    if (world->replays)
        world_fail("a replay doesn't come to its end");
    for (int i = 0; replaces && i < world->topic.partition_count; i++)
        if (strcmp(before[i].incarnation, slot_now(world, i)->incarnation) == 0)
            world_fail("slot %d is what it was before its replay", i);
    come_right(world, "it doesn't come right behind a replay");
}

#define PROMPT_ROUNDS 100
#define PROMPT_ROUND_US 5000

/* A partition that is never without messages keeps no other one of its worker waiting: a message of that one is
 * committed in half a second, many times what a worker gathers messages for. */
static void stay_prompt(struct world *world)
{
    enum { BUSY, QUIET };
    const struct topic_partition *quiet = &world->topic.partitions[QUIET];
    if (world->topic.partition_count < 2 || world->definitions[world->definition].source.is_batch_alone)
        return;
    topic_give_all(&world->topic, 0);
    /* So that it doesn't come right before that worker has read back what its indexes need. */
    topic_produce_in(&world->topic, BUSY);
    topic_produce_in(&world->topic, QUIET);
    come_right(world, "it doesn't come right when one worker is given all partitions");
    /* What came damaged is fetched again after a while that a worker has no say in. */
    world->topic.arrives_whole = true;
    topic_produce_in(&world->topic, QUIET);
    for (int round = 0; round < PROMPT_ROUNDS && slot_now(world, QUIET)->next < quiet->end; round++) {
        chance_begin_step(world->seed, UINT64_C(2000000) + (uint64_t)round);
        topic_produce_in(&world->topic, BUSY);
        actor_turn(&world->speeds[0], 6);
        time_pass(PROMPT_ROUND_US);
    }
    if (slot_now(world, QUIET)->next < quiet->end)
        world_fail("a message waits for its commit beside a busy partition");
    come_right(world, "it doesn't come right behind a busy partition");
}

/* What runs have to show when the faults have ended. */
static void show_runs(struct world *world)
{
    let_runs_end(world);
    if (chance_one_in(6))
        do_without_speed(world);
    settle(world);
    settle(world);
    let_runs_end(world);
    stay_right(world);
    if (!chance_one_in(4))
        return;
    let_runs_end(world);
    if (chance_one_in(3))
        change_file_in_any_order(world);
    else
        change_file(world);
}

void world_play(struct world *world, uint64_t seed, const bool skips[SCHEDULE_STEPS], bool traces)
{
    begin(world, seed);
    for (int step = 0; step < SCHEDULE_STEPS; step++) {
        trace_step = traces ? step : -1;
        chance_begin_step(seed, (uint64_t)step);
        if (!skips || !skips[step])
            happen(world);
    }
    if (!world->has_lost_tail) /* else there are other messages now where letters say that some lay */
        letters_check(&world->letters, &world->topic, false);
    chance_begin_step(seed, SCHEDULE_STEPS);
    be_calm(world);
    if (world->has_lost_tail) {
        stand_still(world);
    } else {
        if (chance_one_in(8))
            lose_redis_while_idle(world);
        come_right(world, "it doesn't come right when the faults have ended");
        if (!is_stream_alone(world))
            show_runs(world);
        else if (chance_one_in(2))
            replay_calmly(world);
        if (chance_one_in(4))
            stay_prompt(world);
        letters_check(&world->letters, &world->topic, true);
    }
    end(world);
    world->figures.schedules++;
}
