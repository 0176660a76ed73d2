/* SPDX-License-Identifier: Apache-2.0 */
#include "actor.h"

#include <stddef.h>

#include "chance.h"
#include "world.h"

static struct actor *in_turn;
static int moves; /* turns and calls of this schedule */

void actors_begin(void)
{
    moves = 0;
}

static void count_move(const struct actor *actor)
{
    if (++moves > SCHEDULE_MOVES_MAX)
        world_fail("it never ends: behind %d turns and calls %s still doesn't come to rest", SCHEDULE_MOVES_MAX,
                   actor->name);
}

static void resume(struct actor *actor)
{
    count_move(actor);
    in_turn = actor;
    fiber_resume(actor->fiber);
}

static void run(void *context)
{
    struct actor *actor = context;
    for (;;) {
        actor->dead = false;
        actor->alive = true;
        actor->live(actor);
        actor->alive = false;
        fiber_yield();
    }
}

void actor_init(struct actor *actor, const char *name, void (*live)(struct actor *))
{
    actor->name = name;
    actor->live = live;
    actor->dead = actor->alive = actor->inside = actor->asleep = false;
    if (!actor->fiber)
        actor->fiber = fiber_new(run, actor);
}

void actor_turn(struct actor *actor, int steps)
{
    actor->steps = steps;
    resume(actor);
}

void actor_kill(struct actor *actor)
{
    actor->dead = true;
    while (actor->alive)
        resume(actor);
}

void actor_rest(struct actor *actor)
{
    if (!actor->dead)
        fiber_yield();
}

bool actor_sleep(void)
{
    struct actor *actor = in_turn;
    actor->asleep = true;
    if (!actor->dead)
        fiber_yield();
    actor->asleep = false;
    return !actor->dead;
}

bool call_begins(struct actor *actor, const struct service *service, struct error *error)
{
    count_move(actor);
    time_pass(1); /* so that it shows what came first */
    if (!actor->dead && actor->steps-- <= 0) {
        actor->inside = true;
        actor->service = service;
        fiber_yield();
        actor->inside = false;
    }
    if (actor->dead || service->is_down)
        return error_set(error, ERROR_UNAVAILABLE, "%s is down", service->name);
    return true;
}

bool call_ends(struct actor *actor, const struct service *service, struct error *error)
{
    (void)actor;
    return chance_below(100) >= service->lost_in_100 ||
           error_set(error, ERROR_UNAVAILABLE, "%s: the reply was lost", service->name);
}
