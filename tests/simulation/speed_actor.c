/* SPDX-License-Identifier: Apache-2.0 */
#include "speed_actor.h"

#include "base/clock.h"
#include "chance.h"
#include "worker/worker.h"

/* What one life works with. */
struct process {
    struct speed speed;
    struct topic_consumer consumer;
    struct redis_gate redis;
    struct letters_gate letters;
    struct database_reader reader;
    struct publication heard; /* as of a while ago */
    bool has_heard;
};

static struct process processes[SPEEDS];

/* The thread that listens to PostgreSQL is heard of with a delay. */
static bool latest(void *context, size_t source, struct publication *ret_publication)
{
    struct process *process = context;
    if (!the_world.database.service.is_down && (!process->has_heard || chance_one_in(2))) {
        publication_clean_up(&process->heard);
        database_publication(&the_world.database, &process->speed.settings->sources[source], &process->heard);
        process->has_heard = true;
    }
    if (!process->has_heard)
        return false;
    *ret_publication = process->heard;
    process->heard = (struct publication){0};
    process->has_heard = false;
    return true;
}

static void live(struct actor *actor)
{
    struct world *world = &the_world;
    if (world->definitions[world->definition].source.is_batch_alone) { /* nobody starts one */
        while (!actor->dead)
            actor_rest(actor);
        return;
    }
    int number = speed_number(actor);
    struct process *process = &processes[number];
    *process = (struct process){.speed = {.settings = &world->definitions[world->definition].settings,
                                          .latest = latest,
                                          .latest_context = process,
                                          .budget = {.ceiling_bytes = INT64_MAX}}};
    redis_gate_init(&process->redis, &world->redis, &world->redis_service, actor);
    database_reader_init(&process->reader, &world->database, actor);
    letters_gate_init(&process->letters, &world->letters, &world->topic.service, actor);
    struct worker *worker = worker_new(&process->speed, number,
                                       &(struct worker_stores){.realtime = &process->redis.store,
                                                               .publications = &process->reader.store,
                                                               .dead_letters = &process->letters.store});
    const struct consumer_events events = worker_events(worker);
    topic_consumer_init(&process->consumer, &world->topic, actor, number, &events);
    worker_attach(worker, &process->consumer.consumer);
    while (!actor->dead) {
        worker_turn(worker);
        if (chance_one_in(3))
            actor_rest(actor);
    }
    worker_destroy(worker);
    letters_gate_clean_up(&process->letters);
    publication_clean_up(&process->heard);
}

void speed_actor_init(struct world *world, int number)
{
    actor_init(&world->speeds[number], number ? "speed 1" : "speed 0", live);
}
