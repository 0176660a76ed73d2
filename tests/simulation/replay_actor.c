/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_actor.h"

#include "chance.h"
#include "replay_plan.h"
#include "worker/worker.h"

/* What one life works with. */
struct replaying {
    struct replay_plan plan;
    struct settings settings; /* with the plan's sources */
    struct speed speed;
    struct redis_gate redis;
    struct letters_gate letters;
    struct database_reader reader;
    struct topic_consumer consumer, followers;
};

/* No batch layer publishes anything. */
static bool hears_nothing(void *context, size_t source, struct publication *ret_publication)
{
    (void)context, (void)source, (void)ret_publication;
    return false;
}

static void open_world(struct replaying *replaying, struct actor *actor)
{
    static const struct consumer_events nothing;
    struct world *world = &the_world;
    *replaying = (struct replaying){.settings = world->definitions[world->definition].settings};
    redis_gate_init(&replaying->redis, &world->redis, &world->redis_service, actor);
    database_reader_init(&replaying->reader, &world->database, actor);
    letters_gate_init(&replaying->letters, &world->letters, &world->topic.service, actor);
    topic_consumer_init_apart(&replaying->followers, &world->topic, actor, &nothing);
}

static bool make_plan(struct replaying *replaying)
{
    struct error error;
    struct settings *settings = &replaying->settings;
    if (!replay_plan_make(settings, NULL, &replaying->redis.store, &replaying->followers.consumer, &replaying->plan,
                          &error))
        return false;
    settings->sources = replaying->plan.sources;
    replaying->speed = (struct speed){.settings = settings,
                                      .latest = hears_nothing,
                                      .places = replaying->plan.places,
                                      .followers = &replaying->followers.consumer,
                                      .budget = {.ceiling_bytes = INT64_MAX}};
    return true;
}

/* True where it has come to its end. */
static bool work(struct replaying *replaying, struct actor *actor)
{
    const struct worker_stores stores = {.realtime = &replaying->redis.store,
                                         .publications = &replaying->reader.store,
                                         .dead_letters = &replaying->letters.store};
    struct worker *worker = worker_new(&replaying->speed, 0, &stores);
    const struct consumer_events events = worker_events(worker);
    topic_consumer_init_apart(&replaying->consumer, &the_world.topic, actor, &events);
    worker_attach(worker, &replaying->consumer.consumer);
    while (!actor->dead && !worker_has_reached_ends(worker)) {
        worker_turn(worker);
        if (chance_one_in(3))
            actor_rest(actor);
    }
    bool done = !actor->dead && worker_stopped_partitions(worker) == 0;
    worker_destroy(worker);
    return done;
}

static void live(struct actor *actor)
{
    static struct replaying replaying;
    while (!actor->dead && !the_world.replays)
        actor_rest(actor);
    open_world(&replaying, actor);
    if (!actor->dead && make_plan(&replaying) && work(&replaying, actor)) {
        the_world.replays = false;
        the_world.figures.replays++;
    }
    letters_gate_clean_up(&replaying.letters);
    replay_plan_clean_up(&replaying.plan);
}

void replay_actor_init(struct world *world)
{
    actor_init(&world->replay, "replay", live);
}
